package casefile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/event"
	"wardround/internal/report"
)

// The files of a case that are only other forms of the report.
const (
	messagesFile = "report.jsonl"
	sheetFile    = "servers.csv"
	accountFile  = "account.html"
	accountData  = "account.json"
)

// stream hands the messages of a report to a handler.
type stream struct {
	to  report.Handler
	err error
}

func (s *stream) put(m report.Message) {
	if s.err == nil {
		s.err = s.to.Handle(&m)
	}
}

// tell sends all messages of a case: docs/format/messages.md.
func (m *merged) tell(to report.Handler, info *caseInfo, v *event.Verdicts, story *event.Story, data *caseData) error {
	s := &stream{to: to}
	s.put(report.Message{Case: m.caseMessage(info)})
	s.put(report.Message{Verdicts: v})
	s.put(report.Message{Story: story})
	data.tell(s.put)
	if err := m.tellFindings(s, v, story); err != nil {
		return err
	}
	m.tellEvidence(s)
	for _, u := range m.unused {
		s.put(report.Message{Unused: &u})
	}
	s.put(report.Message{Policy: &report.Policy{Text: string(m.run.in.policyRaw)}})
	for _, c := range m.run.in.changes {
		s.put(report.Message{Change: &report.Change{
			Row: c.Line, From: c.From, To: c.To, Account: c.Account, Source: c.Source, Targets: orEmpty(c.Targets), Tool: c.Tool, Ticket: c.Ticket,
		}})
	}
	return errors.Join(s.err, to.Close())
}

func (m *merged) caseMessage(info *caseInfo) *report.Case {
	c := &report.Case{Name: info.Name, Zone: info.Zone, State: "draft", Version: info.Version, Exercise: info.Exercise, Inputs: []report.Input{}}
	for _, name := range []string{"evidence", "rules", "inventory", "policy", "changes", "addresses", "claims", "numbers"} {
		c.Inputs = append(c.Inputs, report.Input{Name: name, SHA256: info.Digests[name]})
	}
	return c
}

// tellFindings sends the findings that something cites, and how many there are of all.
func (m *merged) tellFindings(s *stream, v *event.Verdicts, story *event.Story) error {
	cited := map[string]bool{v.Window.Basis: true}
	cite := func(ids []string) {
		for _, id := range ids {
			cited[id] = true
		}
	}
	for _, a := range v.Answers {
		cite(a.Because)
	}
	for i := range story.Edges {
		cite(story.Edges[i].Because)
	}
	for i := range v.Servers {
		for _, r := range v.Servers[i].Because {
			cite(r.Findings)
		}
		for _, a := range v.Servers[i].Against {
			cite(a.Findings)
		}
	}
	err := m.pick(func(id string) bool { return cited[id] }, func(f *event.Finding) error {
		s.put(report.Message{Finding: masked(f)})
		return s.err
	})
	for _, k := range slices.SortedFunc(maps.Keys(m.hits), func(a, b hitsOf) int {
		return cmp.Or(cmp.Compare(a.server, b.server), cmp.Compare(m.rules[a.rule].ID, m.rules[b.rule].ID), cmp.Compare(a.rule, b.rule))
	}) {
		s.put(report.Message{Hits: &report.Hits{Server: k.server, Rule: m.rules[k.rule], Findings: m.hits[k]}})
	}
	return err
}

// hitsOf is what findings are counted by.
type hitsOf struct {
	server event.ServerID
	rule   int
}

// tellEvidence sends what each collection holds of each server, then the artifacts.
func (m *merged) tellEvidence(s *stream) {
	type key struct {
		collection string
		server     event.ServerID
	}
	sums := map[key]*report.Evidence{}
	var keys []key
	for i := range m.entries {
		a := &m.entries[i].artifact
		scope := m.names.In(a)
		names := a.Servers
		if len(names) == 0 {
			names = []event.Seen{{First: event.NoTime, Last: event.NoTime}}
		}
		done := map[event.ServerID]bool{}
		for n, seen := range names {
			k := key{a.Collection, scope.Server(seen.Name)}
			e := sums[k]
			if e == nil {
				id := k.server
				e = &report.Evidence{Collection: a.Collection, Server: &id, First: event.NoTime, Last: event.NoTime}
				sums[k] = e
				keys = append(keys, k)
			}
			e.Records += seen.Records
			e.Last = max(e.Last, seen.Last)
			if seen.First != event.NoTime && (e.First == event.NoTime || seen.First < e.First) {
				e.First = seen.First
			}
			if n == 0 || !done[k.server] {
				sum(e, a)
			}
			done[k.server] = true
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.collection, b.collection), cmp.Compare(a.server, b.server))
	})
	for _, k := range keys {
		s.put(report.Message{Evidence: sums[k]})
	}
	for i := range m.entries {
		s.put(report.Message{Artifact: &m.entries[i].artifact})
	}
}

// sum adds an artifact to what a collection holds of a server.
func sum(e *report.Evidence, a *event.Artifact) {
	e.Artifacts++
	e.Bytes += a.Bytes
	e.Damaged += len(a.Damaged)
	for _, d := range a.Damaged {
		e.DamagedBytes += max(d.Bytes, 0)
	}
	for _, h := range a.Holes {
		e.Missing += h[1] - h[0] + 1
	}
	if a.Error != nil {
		e.Unreadable++
	}
}

// unused lists the rules that do not run.
func (r *run) unused() []report.Unused {
	out := []report.Unused{}
	for _, u := range slices.Concat(r.program.Unused, r.corr.Unused) {
		out = append(out, report.Unused{ID: u.Rule.ID, Title: u.Rule.Title, Source: u.Rule.Origin, Reason: u.Why})
	}
	for _, p := range r.in.set.Problems {
		if !p.Kept {
			out = append(out, report.Unused{ID: "", Title: cmp.Or(p.Rule, p.Path), Source: p.Path, Reason: p.Why})
		}
	}
	slices.SortFunc(out, func(a, b report.Unused) int {
		return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	return out
}

// writeReport keeps the stream, so that the report can be rendered again without the evidence, and renders it on the way.
func (m *merged) writeReport(info *caseInfo, v *event.Verdicts, story *event.Story, data *caseData) error {
	dir := m.run.in.Case
	told := &telling{messages: make(chan *report.Message, 16), deaf: make(chan struct{})}
	rendered := make(chan error, 1)
	go func() {
		defer close(told.deaf)
		rendered <- render(dir, pages, nil, told.pour)
	}()
	err := replace(filepath.Join(dir, messagesFile), func(w io.Writer) error {
		told.err = m.tell(report.Tee(w, told.put), info, v, story, data)
		return told.err
	})
	close(told.messages)
	return cmp.Or(<-rendered, err)
}

// telling is a stream on its way to the pages.
type telling struct {
	messages chan *report.Message
	deaf     chan struct{} // closed when nobody listens any more
	err      error         // why it is not whole; set before messages is closed
}

var errDeaf = errors.New("the pages were not drawn")

func (t *telling) put(m *report.Message) error {
	select {
	case t.messages <- m:
		return nil
	case <-t.deaf:
		return errDeaf
	}
}

// pour hands the messages to a handler, and closes it if they are whole.
func (t *telling) pour(h report.Handler) error {
	for m := range t.messages {
		if err := h.Handle(m); err != nil {
			return fmt.Errorf("render message: %w", err)
		}
	}
	if t.err != nil {
		return t.err
	}
	return h.Close()
}

// page is one file of the report.
type page struct {
	form, file string
	make       func(io.Writer) report.Handler
}

// pages are the forms of a report that a case keeps; a form may be several files.
var pages = []page{
	{"html", reportFile, report.HTML}, {"csv", sheetFile, report.CSV}, {"account", accountFile, report.AccountHTML}, {"account", accountData, report.AccountJSON},
}

// Render writes forms of a case's report from the stream that it keeps: html, csv, account; without any, all.
func Render(dir string, forms ...string) error {
	var chosen []page
	for _, p := range pages {
		if len(forms) == 0 || slices.Contains(forms, p.form) {
			chosen = append(chosen, p)
		}
	}
	return render(dir, chosen, nil, func(h report.Handler) error { return show(dir, h) })
}

// render opens a file for each page, then has the stream handed to all of them in one pass.
func render(dir string, left []page, to report.Handlers, stream func(report.Handler) error) error {
	if len(left) == 0 {
		return stream(to)
	}
	return replace(filepath.Join(dir, left[0].file), func(w io.Writer) error { return render(dir, left[1:], append(to, left[0].make(w)), stream) })
}

// show hands the stream that a case keeps to a handler.
func show(dir string, h report.Handler) error {
	f, err := os.Open(filepath.Join(dir, messagesFile))
	if errors.Is(err, os.ErrNotExist) {
		return &InputError{fmt.Errorf("open case %q: %w", dir, ErrNoCase)}
	}
	if err != nil {
		return fmt.Errorf("open case %q: %w", dir, err)
	}
	defer f.Close()
	if err := report.Decode(f, h); err != nil {
		return err
	}
	if err := tellScans(dir, h); err != nil {
		return err
	}
	return h.Close()
}

// Text writes the first screen of a case.
func Text(dir string, w io.Writer, o report.TextOptions) error { return show(dir, report.Text(w, o)) }

// Stream writes the messages of a case's report as JSON lines.
func Stream(dir string, w io.Writer) error { return show(dir, report.JSONL(w)) }
