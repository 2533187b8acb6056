package sigma

import (
	"fmt"
	"os"
	"testing"

	"wardround/internal/outside"
)

// shared is a folder of data that nobody of this project wrote; without it the test is skipped.
func shared(t testing.TB, name string) string { return outside.Data(t, name) }

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// sigmaHQ are all files of SigmaHQ's rule set.
func sigmaHQ(t testing.TB) []File {
	t.Helper()
	files, problems := Read(os.DirFS(shared(t, "sigma")), "sigma")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return files
}

// TestSigmaHQ reads SigmaHQ's rules of August 2026 and counts what is in them. A change must be explained.
func TestSigmaHQ(t *testing.T) {
	s := Load(sigmaHQ(t), nil)
	for _, p := range s.Problems {
		t.Error(p)
	}
	count := map[Op]int{}
	largest := 0
	for _, r := range s.Rules {
		n := countLeaves(r.Detection.Condition, count)
		largest = max(largest, n)
		if r.ID == "" || r.Level == "" || r.Title == "" || r.Author == "" || r.Origin != "sigma" || r.Custom != nil && r.Custom["regression_tests_path"] == nil && r.Custom["simulation"] == nil {
			t.Errorf("%s: %+v", r.Path, r)
		}
		checkRule(t, r)
	}
	got := fmt.Sprint(s.Files, " files, ", s.Others, " others, ", len(s.Rules), " rules, largest ", largest, ", ", count)
	want := fmt.Sprint("3840 files, 86 others, 3754 rules, largest 4432, ",
		map[Op]int{Like: 46538, Matches: 217, InNetwork: 365, IsNull: 96, SameAs: 5, Expand: 2})
	t.Log(got)
	if got != want {
		t.Errorf("\ngot  %s\nwant %s", got, want)
	}
}

func countLeaves(e Expr, count map[Op]int) int {
	n := 0
	switch e := e.(type) {
	case *Leaf:
		count[e.Op]++
		return 1
	case Not:
		return countLeaves(e.Of, count)
	case And:
		for _, p := range e {
			n += countLeaves(p, count)
		}
	case Or:
		for _, p := range e {
			n += countLeaves(p, count)
		}
	}
	return n
}
