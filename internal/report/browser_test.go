package report

import (
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
