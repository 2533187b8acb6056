package casefile

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/damage"
)

// mostMarked bounds the files of the evidence that damage.jsonl lists, and those that patient.jsonl does.
const mostMarked = 50_000

// markStates are what the marks of collected files say of them.
var markStates = map[string]struct {
	state damage.State
	says  string
}{
	"note":         {damage.Note, "a ransom note"},
	"note in head": {damage.Encrypted, "a ransom note stands in its head, and what follows is no text"},
	"encrypted":    {damage.Encrypted, "random from its beginning, though its name promises a known form"},
	"zeroed":       {damage.Overwritten, "nothing but zeros, though its name promises content"},
	"renamed":      {damage.Renamed, "its content is whole, and an extension was added that no usual program adds"},
}

// marked notes the mark that a finding tells of a collected file.
func (m *merged) marked(f *finding) {
	if f.heading > 0 && !slices.Contains(m.heads.lists[f.heading-1], "Mark") {
		return
	}
	for _, x := range m.values(f) {
		if x.name == "Mark" && markStates[x.value].state != "" {
			id := m.idOf(f)
			for _, p := range f.at {
				m.marks[p.entry] = markOf{x.value, id.String()}
			}
		}
	}
}

// damageOfCase says what a case tells of damage: by the files of its evidence, and by trees that were scanned before.
func damageOfCase(o DamageOptions) (*damage.Summary, error) {
	w, err := readWriters(o.Case)
	if err != nil {
		return nil, &InputError{err}
	}
	only := w.find(o.Server)
	if o.Server != "" && only == nil {
		return nil, &InputError{fmt.Errorf("the case has no server %q", o.Server)}
	}
	sum := damage.NewSummary()
	err = eachLine(filepath.Join(o.Case, damageFile), func(line []byte) error {
		var f harmed
		if err := json.Unmarshal(line, &f); err != nil {
			return fmt.Errorf("read %q: %w", damageFile, err)
		}
		if only != nil && (f.Server == nil || w.find(*f.Server) != only) {
			return nil
		}
		if err := lineWriter(o.Lines)(f.File); err != nil {
			return err
		}
		if f.Server != nil && f.Root == nil {
			f.Path = *f.Server + "/" + strings.TrimPrefix(f.Path, "/")
		}
		sum.Add(f.File)
		return nil
	})
	if err != nil {
		return nil, err
	}
	sum.Finish()
	d, err := readData(o.Case)
	if err != nil {
		return nil, err
	}
	for i := range d.Harm {
		h := &d.Harm[i]
		if h.Hurt() == 0 && h.Burst == nil && h.WhyNoBurst == nil || only != nil && w.find(string(h.Server)) != only {
			continue
		}
		s := damage.Server{Name: string(h.Server), Files: h.Hurt(), By: damage.By{Process: h.Process, Account: h.Account, Source: h.Source, How: h.How, Says: h.Says, Because: h.Because}}
		if h.WhyNoBurst != nil {
			s.WhyNoBurst = *h.WhyNoBurst
		}
		if b := h.Burst; b != nil {
			s.Burst = &damage.Burst{First: b.From, Last: b.To, Files: b.Files, Outside: b.Outside, Says: "by " + b.By}
		}
		sum.Servers = append(sum.Servers, s)
	}
	if d.Beyond > 0 {
		sum.Problems = append(sum.Problems, fmt.Sprintf("%d damaged files more are not listed, for want of room", d.Beyond))
	}
	return sum, nil
}
