//go:build check

package check_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// built makes bin/wardround as make build does.
func built(t testing.TB) string {
	t.Helper()
	if out, err := tool(t, nil, "make", "build"); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	return filepath.Join(outside.Root(t), "bin", "wardround")
}

func binarySize(t testing.TB) reading {
	info, err := os.Stat(built(t))
	if err != nil {
		t.Fatal(err)
	}
	return atMost(float64(info.Size())/1e6, 60, "MB")
}

func buildTime(t testing.TB) reading {
	c := spend(t, []string{"GOCACHE=" + t.TempDir()}, "go", "-C", outside.Root(t), "build", "-o", os.DevNull, "./...")
	return atMost(c.wall.Seconds(), 180, "s").and(true, "of wall; %.0f CPU s", c.cpu.Seconds())
}

func platforms(t testing.TB) reading {
	list := []string{"linux/amd64", "linux/arm64", "windows/amd64"}
	done := 0
	for _, p := range list {
		system, arch, _ := strings.Cut(p, "/")
		if out, err := tool(t, []string{"GOOS=" + system, "GOARCH=" + arch}, "go", "build", "-o", "/dev/null", "./..."); err != nil {
			t.Logf("%s: %s", p, out)
			continue
		}
		done++
	}
	return allOf(float64(done), float64(len(list)), 3)
}

func house(t testing.TB) reading {
	out, err := tool(t, nil, "go", "test", "-count=1", "-run", "^TestHouse$", ".")
	broken := strings.Count(out, "house_test.go:")
	if err != nil {
		t.Log(out)
		broken = max(broken, 1)
	}
	return atMost(float64(broken), 0, "")
}

// clone copies what is committed into a folder of its own.
func clone(t testing.TB) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "wardround")
	if out, err := tool(t, nil, "git", "clone", "--quiet", ".", dir); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	return dir
}

// firstRun is what someone waits who has Go, and this repository since a minute.
func firstRun(t testing.TB) reading {
	dir := clone(t)
	c := spend(t, []string{"GOCACHE=" + t.TempDir()}, "make", "-C", dir, "build", "run")
	_, err := os.Stat(filepath.Join(dir, "bin", "demo", "case", "report.html"))
	return atMost(c.wall.Minutes(), 5, "min").and(err == nil, "of wall; %.0f CPU s; its sample hospital is examined", c.cpu.Seconds())
}

// testTime is long, so it runs only when it is named.
func testTime(t testing.TB) reading {
	if os.Getenv("BAR") == "" {
		t.Skip(`it takes long: BAR="make test" make check measures it`)
	}
	dir := clone(t)
	shared := filepath.Dir(outside.Data(t))
	c := spend(t, []string{"WARDROUND_SHARED=" + shared}, "make", "-C", dir, "test")
	return atMost(c.wall.Minutes(), 20, "min").and(true, "of wall; %.0f CPU s; its judges fetched anew", c.cpu.Seconds())
}

var (
	fenced   = regexp.MustCompile("(?ms)^```.*?^```")
	spans    = regexp.MustCompile("`[^`\n]+`")
	makeVerb = regexp.MustCompile(`\bmake ([a-z]+)`)
	ourVerb  = regexp.MustCompile(`\bwardround ([a-z]+)([^\n]*)`)
	option   = regexp.MustCompile(`\s--([a-z-]+)`)
)

// readme checks that each verb of make and of wardround that the README shows is one, with the options that it shows.
func readme(t testing.TB) reading {
	text, err := os.ReadFile(filepath.Join(outside.Root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	code := fenced.FindAllString(string(text), -1)
	code = append(code, spans.FindAllString(fenced.ReplaceAllString(string(text), ""), -1)...)
	shown := map[string]bool{} // by command: is it there?
	try := func(command string, there func() bool) {
		if _, ok := shown[command]; !ok {
			if shown[command] = there(); !shown[command] {
				t.Errorf("the README shows %q, which is not there", command)
			}
		}
	}
	wardround := built(t)
	for _, c := range code {
		for _, m := range makeVerb.FindAllStringSubmatch(c, -1) {
			try("make "+m[1], func() bool { _, err := tool(t, nil, "make", "--dry-run", m[1]); return err == nil })
		}
		for _, m := range ourVerb.FindAllStringSubmatch(strings.ReplaceAll(c, "\\\n", " "), -1) {
			help, err := tool(t, nil, wardround, "help", m[1])
			try("wardround "+m[1], func() bool { return m[1] == "help" || err == nil })
			for _, o := range option.FindAllStringSubmatch(m[2], -1) {
				try("wardround "+m[1]+" --"+o[1], func() bool { return strings.Contains(help, "  --"+o[1]+" ") })
			}
		}
	}
	there := 0
	for _, ok := range shown {
		if ok {
			there++
		}
	}
	return allOf(float64(there), float64(len(shown)), 3)
}

var fuzzName = regexp.MustCompile(`(?m)^Fuzz\w+$`)

// fuzzed counts the kinds of reader (read_x.go) and the rooms that read foreign bytes and have no fuzz test; make fuzz
// runs the tests. Which they are is a rule of the house.
func fuzzed(t testing.TB) reading {
	out, _ := tool(t, nil, "go", "test", "-count=1", "-run", "^TestHouse$", ".")
	without := strings.Count(out, "reads foreign bytes and has no Fuzz test")
	list, err := tool(t, nil, "go", "test", "-list", "^Fuzz", "./internal/...")
	if err != nil {
		t.Fatal(list)
	}
	tests := len(fuzzName.FindAllString(list, -1))
	paths, _ := filepath.Glob(filepath.Join(outside.Root(t), "internal", "evidence", "read_*.go"))
	var kinds []string
	for _, p := range paths {
		kind := strings.Split(strings.TrimSuffix(filepath.Base(p), ".go"), "_")[1]
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	return atMost(float64(without), 0, "").and(tests >= len(kinds), "%d fuzz tests, %d kinds of reader", tests, len(kinds))
}
