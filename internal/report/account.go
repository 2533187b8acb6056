package report

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"wardround/internal/event"
)

var (
	//go:embed account.html
	accountPage string
	//go:embed account.css
	accountCSS string
)

var accountTemplate = template.Must(template.New("account").Funcs(template.FuncMap{
	"style": func() template.CSS { return template.CSS(accountCSS) },
}).Parse(strings.Replace(accountPage, "CONTENT-SECURITY-POLICY", policyOf(accountCSS, ""), 1)))

// AccountHTML writes account.html when the stream is closed: the written account, one file without script, on two sheets
// of A4.
func AccountHTML(w io.Writer) Handler {
	g := &gather{parts: findings}
	g.render = func(e *estate) error {
		out := bufio.NewWriter(w)
		if err := accountTemplate.Execute(out, newAccount(e)); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
		return out.Flush()
	}
	return g
}

// AccountJSON writes account.json when the stream is closed: the same account for programs. Its texts are masked as those
// of the page are.
func AccountJSON(w io.Writer) Handler {
	g := &gather{parts: findings}
	g.render = func(e *estate) error {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(true)
		enc.SetIndent("", " ")
		if err := enc.Encode(newAccountFile(e)); err != nil {
			return fmt.Errorf("write account: %w", err)
		}
		_, err := w.Write(plainJSON(buf.Bytes()))
		return err
	}
	return g
}

// accountFile is account.json.
type accountFile struct {
	Case     string  `json:"case"`
	State    string  `json:"state"`
	Exercise bool    `json:"exercise"`
	Zone     string  `json:"zone"`
	Version  string  `json:"version"`
	Inputs   []Input `json:"inputs"`
	event.Narrative
	Evidence []accountProof `json:"evidence"` // the findings that it cites, in the order in which it does
}

type accountProof struct {
	ID   string       `json:"id"`
	Time event.Time   `json:"time"`
	Rule string       `json:"rule"`
	At   []placeProof `json:"at"`
}

type placeProof struct {
	Collection string `json:"collection"`
	Path       string `json:"path"`
	Record     string `json:"record"`
	SHA256     string `json:"sha256"`
}

func newAccountFile(e *estate) accountFile {
	f := accountFile{Case: show(e.Name, maxName), State: e.draftWord(), Exercise: e.Exercise, Zone: e.clock.named, Version: show(e.Version, maxName), Inputs: []Input{},
		Narrative: e.narrative(), Evidence: []accountProof{}}
	for _, in := range e.Inputs[:min(len(e.Inputs), 20)] {
		x := Input{Name: show(in.Name, maxName)}
		if in.SHA256 != nil {
			d := show(*in.SHA256, maxName)
			x.SHA256 = &d
		}
		f.Inputs = append(f.Inputs, x)
	}
	done := map[string]bool{}
	for _, s := range f.Sections {
		for _, x := range s.Sentences {
			for _, id := range x.Because {
				if c := e.find(id); c != nil && !done[id] {
					done[id] = true
					f.Evidence = append(f.Evidence, proofOf(c))
				}
			}
		}
	}
	return f
}

func proofOf(c *cited) accountProof {
	p := accountProof{ID: c.ID, Time: c.Time, Rule: c.Title, At: []placeProof{}}
	for _, x := range c.Places[:min(len(c.Places), 3)] {
		p.At = append(p.At, placeProof{x.Collection, x.Path, x.Record, x.SHA256})
	}
	return p
}

// The account as its template reads it.
type (
	accountView struct {
		Exercise           bool
		Title, Zone, State string
		Inputs             []inputView
		Version            string
		Sections           []accountSection
		Notes              []accountNote
	}
	accountSection struct {
		N         int
		Heading   string
		List      bool // so many sentences that each has its line
		Sentences []accountSentence
	}
	accountSentence struct {
		Says string
		Refs []int
	}
	accountNote struct {
		N    int
		Text string
	}
)

func newAccount(e *estate) *accountView {
	n := e.narrative()
	v := &accountView{Exercise: e.Exercise, Title: n.Title, Zone: e.clock.named, State: e.draftWord(), Version: show(e.Version, maxName)}
	for _, in := range e.Inputs[:min(len(e.Inputs), 20)] {
		v.Inputs = append(v.Inputs, inputView{show(in.Name, maxName), short(in.SHA256), given(in.SHA256)})
	}
	numbers := map[string]int{}
	for i, s := range n.Sections {
		sec := accountSection{N: i + 1, Heading: s.Heading, List: len(s.Sentences) > 4}
		for _, x := range s.Sentences {
			as := accountSentence{Says: x.Says}
			for _, text := range e.notes(x.Because) {
				if numbers[text] == 0 {
					numbers[text] = len(numbers) + 1
					v.Notes = append(v.Notes, accountNote{numbers[text], text})
				}
				as.Refs = append(as.Refs, numbers[text])
			}
			sec.Sentences = append(sec.Sentences, as)
		}
		v.Sections = append(v.Sections, sec)
	}
	return v
}

// notes are the footnotes of a sentence: one for each finding, place or file, and one for all verdicts.
func (e *estate) notes(because []string) (out []string) {
	var servers []string
	for _, b := range because {
		switch c := e.find(b); {
		case c != nil:
			out = append(out, e.note(c))
		case e.byName[b] > 0:
			servers = append(servers, b)
		case isFindingID(b):
			out = append(out, "finding "+b+", findings.jsonl")
		default:
			out = append(out, b)
		}
	}
	if len(servers) > 0 {
		out = append([]string{plain(len(servers), "verdict", "verdicts") + " on " + names(servers, 3) + ", " + byVerdicts}, out...)
	}
	return out
}

// note says where a finding stands, in one short line.
func (e *estate) note(c *cited) string {
	at := "place " + notKnown
	if len(c.Places) > 0 {
		at = c.Places[0].short()
	}
	s := "finding " + c.ID + ": " + at
	if c.Time != event.NoTime {
		s += ", " + e.clock.minute(c.Time)
	}
	return s
}
