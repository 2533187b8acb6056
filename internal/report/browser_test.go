package report

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

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
	page("burst.html", addStory(exerciseStream(), 120))
	page("heavy.html", heavyStream())
	account := func(name string, stream []*Message) {
		writeFile(t, filepath.Join(dir, name), renderString(t, AccountHTML, stream))
	}
	account("account.html", exerciseStream())
	account("account-burst.html", longAccount())
	page("empty.html", []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: &event.Verdicts{Window: event.Window{From: event.NoTime, To: event.NoTime}}}})
	page("thousand.html", []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: estateOf(200, 100, 300, 300, 100, 7, 1000).v}})
	var all []string
	for _, p := range payloads {
		if len(p) < 1000 {
			all = append(all, p)
		}
	}
	page("hostile.html", hostileStream(strings.Join(all, " "), true))
	account("account-hostile.html", hostileStream(strings.Join(all, " "), true))
	out, err := exec.Command(node, filepath.Join("testdata", "browser.mjs"), modules, chromium, dir).CombinedOutput()
	if err != nil {
		t.Error(err)
	}
	t.Logf("%s", out)
	readPaper(t, filepath.Join(dir, "exercise.pdf"))
	for _, name := range []string{"account.pdf", "account-burst.pdf"} {
		if sheets := readSheets(t, filepath.Join(dir, name)); sheets != nil && (len(sheets) != 2 || !strings.Contains(sheets[1], "State: draft") || !strings.Contains(sheets[1], "EXERCISE")) {
			t.Errorf("%s has %d sheets", name, len(sheets))
		}
	}
}

// readSheets returns the text of each printed page, nil without the tool that reads it.
func readSheets(t *testing.T, pdf string) []string {
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Log("the printed pages are not read: no pdftotext (poppler-utils)")
		return nil
	}
	text, err := exec.Command(tool, "-layout", pdf, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\f"), "\f")
}

// longAccount is an estate of which there is more to tell than two sheets hold: long names, many ways, many addresses.
func longAccount() []*Message {
	stream := addStory(exerciseStream(), 120)
	v, s := stream[1].Verdicts, stream[len(stream)-1].Story
	long := func(name event.ServerID) event.ServerID { return name + ".clinical.ex-hospital.example" }
	for i := range v.Servers {
		v.Servers[i].Server = long(v.Servers[i].Server)
	}
	for i := range v.DoNext {
		for k, name := range v.DoNext[i].Servers {
			v.DoNext[i].Servers[k] = long(name)
		}
	}
	for i := range s.Edges {
		s.Edges[i].To, s.Edges[i].From = long(s.Edges[i].To), ptr(string(long("EX-DC1")))
		s.Edges[i].Time = s.Edges[i].Time.Add(time.Duration(i) * time.Hour)
	}
	for i := range s.Origin {
		for n := range 9 {
			r := s.Origin[i]
			r.Of, r.Ask, r.Alternatives = ptr(fmt.Sprint("198.18.0.", n+20)), []string{fmt.Sprint("the holder of 198.18.0.", n+20, ": whose connection it was from 2022-11-19T02:00:00Z to 2022-11-19T04:00:00Z, with source port")}, []string{"one customer among many behind a shared address", "a machine that was itself taken over"}
			s.Origin = append(s.Origin, r)
		}
	}
	for i := range 20 {
		v.NotKnown = append(v.NotKnown, fmt.Sprint("process starts are not recorded on the servers of rack ", i, ", so that what ran there between the arrival and the encryption is not known"))
		s.Unexplained = append(s.Unexplained, event.Arrival{Server: v.Servers[i].Server, Why: "its logs of logons begin after the first proof; the log of the domain controllers, which was cleared, would show it"})
		s.PatientZero.Rivals = append(s.PatientZero.Rivals, event.Rival{Server: v.Servers[i].Server, WhyNot: "3 h later: rdp from EX-DC1 at 2022-11-19T02:00:00Z; no log of its logons reaches back before that, so that an earlier arrival is not excluded"})
	}
	return stream
}

// heavyStream is the exercise with as many acts, steps and servers in its story as the page draws.
func heavyStream() []*Message {
	stream := exerciseStream()
	s := stream[len(stream)-1].Story
	for i := range 3000 {
		x, m := s.Edges[i%11], s.Timeline[i%len(s.Timeline)]
		x.Step, x.Time, x.From, x.To = 12+i, x.Time.Add(time.Duration(i)*time.Hour), ptr(fmt.Sprint("EX-SRV", i%90)), event.ServerID(fmt.Sprint("EX-SRV", (i*7)%95))
		m.Time = m.Time.Add(time.Duration(i) * time.Hour)
		s.Edges, s.Timeline = append(s.Edges, x), append(s.Timeline, m)
	}
	return stream
}

// readPaper looks at the printed pages: the first sheet holds the first screen, no section is torn from its Because,
// table heads repeat, and every sheet says EXERCISE.
func readPaper(t *testing.T, pdf string) {
	sheets := readSheets(t, pdf)
	if sheets == nil {
		return
	}
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
			if strings.HasSuffix(strings.TrimSpace(s[:at[0]]), "Patient zero") {
				continue
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
