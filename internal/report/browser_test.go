package report

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// TestBrowser looks at the pages in Chromium (testdata/browser.mjs): widths, the first screen, paper, accessibility,
// work without script, and evidence that attacks the page.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: no browser")
	}
	modules := filepath.Join(outside.Node(t), "node_modules")
	chromium := outside.Chromium(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	page := func(name string, stream []*Message) {
		writeFile(t, filepath.Join(dir, name), renderString(t, HTML, stream))
	}
	page("exercise.html", exerciseStream())
	page("small.html", smallStream())
	page("empty.html", []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: &event.Verdicts{Window: event.Window{From: event.NoTime, To: event.NoTime}}}})
	page("thousand.html", []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: estateOf(200, 100, 300, 300, 100, 7, 1000).v}})
	var all []string
	for _, p := range payloads {
		if len(p) < 1000 {
			all = append(all, p)
		}
	}
	page("hostile.html", hostileStream(strings.Join(all, " "), true))
	out, err := exec.Command(node, filepath.Join("testdata", "browser.mjs"), modules, chromium, dir).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// findUp looks for a path in this folder and those above.
func findUp(t *testing.T, path string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if p := filepath.Join(dir, path); exists(p) {
			return p
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		return ""
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
