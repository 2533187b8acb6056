package patient

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"
)

// maxShown is how many groups and problems are printed; the rest is counted.
const maxShown = 40

// Print writes the table for people: what each folder holds, and people counted once over all.
func (s *Summary) Print(w io.Writer) {
	if s.Held == 0 {
		fmt.Fprintln(w, "No file was found that holds data of patients.")
	} else {
		fmt.Fprintf(w, "%s of at least %s distinct people in %s.\n", "Data", number(s.People, s.Exact), plural(s.Held, "file"))
		fmt.Fprintf(w, "Kinds: %s\n\n", strings.Join(s.Kinds, ", "))
		t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintln(t, "People\tFiles\tFormat\tFolder\tKinds")
		for _, g := range s.Groups[:min(len(s.Groups), maxShown)] {
			people := number(g.People, g.Exact)
			if g.NotKnown == g.Files {
				people = "not known"
			} else if g.NotKnown > 0 {
				people += " +"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", people, indian(g.Files), g.Format, shown(g.Folder), short(g.Kinds))
		}
		t.Flush()
		if n := len(s.Groups) - maxShown; n > 0 {
			fmt.Fprintf(w, "and %d more folders and formats\n", n)
		}
		fmt.Fprintln(w, "\nA person in several folders is counted in each row and once in the sum.")
		if !s.Exact {
			fmt.Fprintln(w, "Above 1,000,000 people the count is an estimate, with a standard error of 0.8 %; who is known by different numbers in different files may be counted twice.")
		}
	}
	s.PrintCounts(w)
}

// PrintCounts writes how much was read, and what was not.
func (s *Summary) PrintCounts(w io.Writer) {
	fmt.Fprintf(w, "%s read, %s skipped as programs, pictures and the like, %s could not be read whole.\n", plural(s.Read, "file"), indian(s.Skipped), indian(s.Unreadable))
	for i, p := range s.Problems {
		if i == maxShown/2 {
			fmt.Fprintf(w, "  and %s more\n", indian(s.Unreadable-uint64(i)))
			break
		}
		fmt.Fprintf(w, "  %s: %s\n", shown(p.Path), p.Why)
	}
}

func short(kinds []string) string {
	if len(kinds) > 6 {
		return strings.Join(kinds[:6], ", ") + fmt.Sprintf(" + %d more", len(kinds)-6)
	}
	return strings.Join(kinds, ", ")
}

func plural(n uint64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return indian(n) + " " + what + "s"
}

func number(n uint64, exact bool) string {
	if exact {
		return indian(n)
	}
	return "about " + indian(n)
}

// indian groups a number as India does: 12,34,567.
func indian(n uint64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 2 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// shown is a path as a terminal may show it: no control characters, and digits of long numbers masked, since people name
// folders after patients.
func shown(path string) string {
	var b strings.Builder
	run := 0
	for _, r := range path {
		switch {
		case unicode.IsDigit(r):
			if run++; run > 6 {
				r = 'X'
			}
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar:
			b.WriteString(fmt.Sprintf("<U+%04X>", r))
			continue
		default:
			run = 0
		}
		b.WriteRune(r)
	}
	return b.String()
}
