package report

import (
	"os/exec"
	"path/filepath"
	"regexp"
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
		t.Error(err)
	}
	t.Logf("%s", out)
	readPaper(t, filepath.Join(dir, "exercise.pdf"))
}

// readPaper looks at the printed pages: the first sheet holds the first screen, no section is torn from its Because,
// table heads repeat, and every sheet says EXERCISE.
func readPaper(t *testing.T, pdf string) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("the printed pages are not read: no pdftotext (poppler-utils)")
		return
	}
	text, err := exec.Command(tool, "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	sheets := strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
	if len(sheets) < 20 || !strings.Contains(sheets[0], "Seen, by hour") || !strings.Contains(sheets[0], "critical hours") {
		t.Errorf("%d sheets; the first:\n%s", len(sheets), sheets[0])
	}
	head := regexp.MustCompile(`(?m)^\s*EX-\S+\s+(infiltrated|suspected)\s+certainty`)
	row := regexp.MustCompile(`(?m)^\s*EX-\S+\s+.*not examined`)
	sections, rows := 0, 0
	for i, s := range sheets {
		if !strings.Contains(s, "EXERCISE") {
			t.Errorf("sheet %d does not say EXERCISE", i+1)
		}
		for _, at := range head.FindAllStringIndex(s, -1) {
			if strings.Contains(s[at[0]:], "First proven") || strings.Contains(s, "Could have") {
				continue // a row of the table
			}
			sections++
			if !strings.Contains(s[at[1]:], "Because") {
				t.Errorf("sheet %d: a section is torn before Because", i+1)
			}
		}
		if row.MatchString(s) && i > 0 {
			rows++
			if !strings.Contains(s, "First proven") {
				t.Errorf("sheet %d: the table's head does not repeat", i+1)
			}
		}
	}
	if sections != 17 || rows == 0 {
		t.Errorf("%d sections and %d sheets of the table found", sections, rows)
	}
}
