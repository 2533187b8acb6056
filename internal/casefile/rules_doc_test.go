package casefile

import (
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
	"wardround/internal/policy"
	"wardround/internal/sigma"
)

var update = flag.Bool("update", false, "write the tables of docs/design")

// checkTable compares a table of docs/design with what it should be; with -update it writes it there.
func checkTable(t *testing.T, doc, name, want string) {
	t.Helper()
	file := filepath.Join(outside.Root(t), "docs", "design", doc)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), "<!-- table "+name+" -->\n")
	have, after, ok2 := strings.Cut(rest, "<!-- end -->")
	if !ok || !ok2 {
		t.Fatalf("%s has no table %s", file, name)
	}
	switch {
	case have == want:
	case *update:
		if err := os.WriteFile(file, []byte(before+"<!-- table "+name+" -->\n"+want+"<!-- end -->"+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table %s of docs/design/%s is not current; run the test with -update and read the diff", name, doc)
	}
}

// TestTableOfLines keeps the table of lines, platforms and rules current.
func TestTableOfLines(t *testing.T) {
	s := newRuleset(t, sampleIndicators)
	type row struct{ line, product, log, title, id string }
	var rows []row
	for i := range s.in.set.Rules {
		r := &s.in.set.Rules[i]
		if own(r, "line") == "" {
			continue
		}
		products := s.products(r)
		slices.Sort(products)
		rows = append(rows, row{own(r, "line"), strings.Join(slices.Compact(products), ", "), s.unasked(r), r.Title, r.ID})
	}
	var b strings.Builder
	b.WriteString("| Class | Line | Platform | Logged unasked | Rule | Id |\n|---|---|---|---|---|---|\n")
	for _, l := range s.in.policy.Lines {
		own := slices.DeleteFunc(slices.Clone(rows), func(r row) bool { return r.line != l.Name })
		slices.SortFunc(own, func(x, y row) int { return cmp.Or(cmp.Compare(x.product, y.product), cmp.Compare(x.title, y.title)) })
		if len(own) == 0 && (l.Class == event.A || l.Class == event.B) {
			fmt.Fprintf(&b, "| %s | %s | all | | made by the verdict from movements | |\n", l.Class, l.Name)
		}
		for _, r := range own {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", l.Class, r.line, r.product, r.log, r.title, r.id)
		}
	}
	checkTable(t, "rules.md", "lines", b.String())
}

// unasked is "yes" for a rule of Windows whose logs, all of them, are kept without being asked for.
func (s *ruleset) unasked(r *sigma.Rule) string {
	if r.Correlation == nil {
		if quiet(r) {
			return "yes"
		}
		return ""
	}
	for _, ref := range r.Correlation.Rules {
		i := slices.IndexFunc(s.in.set.Rules, func(x sigma.Rule) bool { return x.ID == ref || x.Name == ref })
		if s.unasked(&s.in.set.Rules[i]) == "" {
			return ""
		}
	}
	return "yes"
}

// TestLiftsAreArgued wants an argument for each rule of others that the policy lifts, and none for one that it does not.
func TestLiftsAreArgued(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(outside.Root(t), "docs", "design", "rules.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Lifted rules of SigmaHQ")
	section, _, _ = strings.Cut(section, "\n## ")
	lifts := policy.Default().Lifts
	for _, l := range lifts {
		if !strings.Contains(section, "| "+l.Rule+" | "+l.Line+" |") {
			t.Errorf("no argument for the lift of %s to %q", l.Rule, l.Line)
		}
	}
	if n := strings.Count(section, "\n| ") - 1; n != len(lifts) {
		t.Errorf("%d lifts are argued, the policy has %d", n, len(lifts))
	}
}

// TestJudgeOwnRules has pySigma read the rules that Wardround brings, with their references and conditions.
func TestJudgeOwnRules(t *testing.T) {
	python := outside.Python(t, "sigma.collection")
	dir := t.TempDir()
	if err := os.CopyFS(dir, policy.Rules()); err != nil {
		t.Fatal(err)
	}
	documents := 0
	err := fs.WalkDir(policy.Rules(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(policy.Rules(), p)
		documents += strings.Count("\n"+string(text), "\ntitle: ")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var count strings.Builder
	cmd := exec.Command(python, "testdata/pysigma.py", dir)
	cmd.Stderr = &count
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, count.String())
	}
	if len(out) > 0 {
		t.Errorf("pySigma refuses:\n%s", out)
	}
	if got := strings.TrimSpace(count.String()); got != fmt.Sprint(documents) {
		t.Errorf("pySigma read %s rules of %d", got, documents)
	}
}
