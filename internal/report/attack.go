package report

import (
	_ "embed"
	"slices"
	"strings"
)

// attackNames is "T1003 credential-access OS Credential Dumping", a line per technique of ATT&CK for Enterprise 17 with
// its tactics. © The MITRE Corporation, used under its terms of use; a technique that is not listed keeps its number alone.
//
//go:embed attack.txt
var attackNames string

// tactics in the order in which an intrusion runs, by the names that tags use. "stealth" and "defense-impairment"
// are what became of "defense-evasion".
var tactics = []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence",
	"privilege-escalation", "defense-evasion", "stealth", "defense-impairment", "credential-access", "discovery",
	"lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}

// technique is a cell of the matrix.
type technique struct {
	ID, Name string
	Servers  int
}

// tacticColumn is a column of the matrix.
type tacticColumn struct {
	Name       string
	Techniques []technique
}

var attackLines = "\n" + attackNames

// techniqueName returns the name of T1003 or T1003.001 with that of its parent, and its tactics; "" if it is not known.
func techniqueName(id string) (name string, under []string) {
	find := func(id string) (string, string) {
		_, rest, ok := strings.Cut(attackLines, "\n"+id+" ")
		if !ok {
			return "", ""
		}
		line, _, _ := strings.Cut(rest, "\n")
		tactics, name, _ := strings.Cut(line, " ")
		return name, tactics
	}
	name, list := find(id)
	if parent, _, ok := strings.Cut(id, "."); ok && name != "" {
		if of, _ := find(parent); of != "" {
			name = of + ": " + name
		}
	}
	return name, strings.Split(list, ",")
}

// belongs reports that ATT&CK puts a technique of these tactics under the tactic that a rule names.
func belongs(of []string, tactic string) bool {
	return slices.Contains(of, tactic) || (tactic == "stealth" || tactic == "defense-impairment") && slices.Contains(of, "defense-evasion")
}

// isTechnique tells the tag's part t1003 or t1003.001.
func isTechnique(s string) bool {
	if len(s) != 5 && len(s) != 9 || s[0] != 't' {
		return false
	}
	return digitsOnly(s[1:5]) && (len(s) == 5 || s[5] == '.' && digitsOnly(s[6:]))
}

// matrix arranges the rules that fired by the tactics and techniques that their authors gave them. Of several tactics
// a technique stands under those that ATT&CK gives it, or under all if that cannot be told.
func (e *estate) matrix() []tacticColumn {
	type sum struct {
		technique
		servers map[int]bool
	}
	cells := map[string]map[string]*sum{}
	for _, r := range e.rules {
		var under, ids []string
		for _, tag := range r.Tags {
			t, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
			switch t = strings.ReplaceAll(t, "_", "-"); {
			case !ok:
			case isTechnique(t):
				ids = append(ids, strings.ToUpper(t))
			case slices.Contains(tactics, t):
				under = append(under, t)
			}
		}
		for _, id := range ids {
			name, of := techniqueName(id)
			fit := slices.DeleteFunc(slices.Clone(under), func(t string) bool { return !belongs(of, t) })
			if len(fit) == 0 {
				fit = under
			}
			if len(fit) == 0 {
				fit = []string{""}
			}
			for _, t := range fit {
				if cells[t] == nil {
					cells[t] = map[string]*sum{}
				}
				c := cells[t][id]
				if c == nil {
					c = &sum{technique{ID: id, Name: name}, map[int]bool{}}
					cells[t][id] = c
				}
				for s := range r.servers {
					c.servers[s] = true
				}
			}
		}
	}
	var out []tacticColumn
	for _, t := range append(slices.Clone(tactics), "") {
		if len(cells[t]) == 0 {
			continue
		}
		col := tacticColumn{Name: strings.ReplaceAll(t, "-", " ")}
		if t == "" {
			col.Name = "no tactic given"
		}
		for _, c := range cells[t] {
			c.Servers = len(c.servers)
			col.Techniques = append(col.Techniques, c.technique)
		}
		slices.SortFunc(col.Techniques, func(a, b technique) int { return strings.Compare(a.ID, b.ID) })
		out = append(out, col)
	}
	return out
}
