package inventory

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Claim is what a third party says of who is behind an attack. It is told with its source, and nothing is derived from it.
type Claim struct{ Claim, By, Source, Date string }

var claimColumns = columns{
	known: []string{"claim", "by", "source", "date"},
	spelled: map[string]string{
		"says": "claim", "statement": "claim", "attribution": "claim", "who": "by", "claimed by": "by", "author": "by", "organisation": "by", "organization": "by",
		"link": "source", "url": "source", "reference": "source", "published": "date", "on": "date",
	},
}

// maxClaims bounds the list: it is entered by hand.
const maxClaims = 100

// ReadClaims takes a list of claims in CSV or JSON. A row without a claim is left out.
func ReadClaims(r io.Reader, name string) ([]Claim, []Problem, error) {
	t, err := readTable(r, name, "claims", claimColumns)
	if err != nil {
		return nil, t.problems, err
	}
	if !slices.Contains(t.columns, "claim") {
		return nil, t.problems, fmt.Errorf("read %q: no column %q: the first line must be %s", name, "claim", strings.Join(claimColumns.known, ","))
	}
	var out []Claim
	for _, r := range t.rows {
		c := Claim{t.cell(r, "claim"), t.cell(r, "by"), t.cell(r, "source"), t.cell(r, "date")}
		switch {
		case c.Claim == "":
			t.problems = append(t.problems, Problem{r.line, "claim", "the row claims nothing", "write what is claimed", true})
		case len(out) >= maxClaims:
			t.problems = append(t.problems, Problem{r.line, "", fmt.Sprintf("more than %d claims", maxClaims), "", true})
		default:
			out = append(out, c)
		}
	}
	slices.SortStableFunc(t.problems, func(a, b Problem) int { return a.Line - b.Line })
	return out, t.problems, nil
}
