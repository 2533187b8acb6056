package casefile

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/damage"
	"wardround/internal/event"
)

// mostMarked bounds the marked files of a case that are listed.
const mostMarked = 100_000

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

// mark takes a finding of a marked file. What kinds of marks there are, the reader of marks says.
func (w *writers) mark(f *event.Finding) {
	m, ok := markStates[f.Fields["Mark"]]
	if !ok {
		return
	}
	if len(w.marked) >= mostMarked {
		w.beyond++
		return
	}
	server := string(f.Server)
	since := f.Corrected
	if since == event.NoTime {
		since = f.Time
	}
	x := damage.File{Server: &server, Path: strings.ReplaceAll(f.Fields["TargetFilename"], `\`, "/"), State: m.state, Confidence: damage.Plausible, Since: since, Reasons: []string{m.says, "finding " + f.ID}}
	if since == event.NoTime {
		x.Reasons = append(x.Reasons, "when it changed is not known: it was collected without its time")
	}
	w.marked = append(w.marked, x)
}

// damageOfCase says what a case's own evidence tells of damage: the collected files that bear marks of encryption.
func damageOfCase(o DamageOptions) (*damage.Summary, error) {
	w, err := readWriters(o.Case)
	if err != nil {
		return nil, &InputError{err}
	}
	if o.Server != "" && w.find(o.Server) == nil {
		return nil, &InputError{fmt.Errorf("the case has no server %q", o.Server)}
	}
	slices.SortFunc(w.marked, func(a, b damage.File) int {
		return cmp.Or(cmp.Compare(*a.Server, *b.Server), cmp.Compare(a.Path, b.Path), cmp.Compare(a.State, b.State), cmp.Compare(a.Since, b.Since))
	})
	release, err := openFolder(o.Case)
	if err != nil {
		return nil, err
	}
	defer release()
	sum := damage.NewSummary()
	err = replace(filepath.Join(o.Case, damageFile), func(out io.Writer) error {
		for i := range w.marked {
			f := &w.marked[i]
			v := w.find(*f.Server)
			if o.Server != "" && v != w.find(o.Server) {
				continue
			}
			w.attribute(f, v)
			line := *f
			if err := lineWriter(o.Lines)(&line); err != nil {
				return err
			}
			if err := lineWriter(out)(&line); err != nil {
				return err
			}
			line.Path = *f.Server + "/" + strings.TrimPrefix(line.Path, "/")
			sum.Add(&line)
		}
		return nil
	})
	sum.Finish()
	w.tellServers(sum)
	if w.beyond > 0 {
		sum.Problems = append(sum.Problems, fmt.Sprintf("%d marked files more are in findings.jsonl", w.beyond))
	}
	return sum, err
}

// tellServers adds who wrote on each damaged server, also where no damaged file was collected.
func (w *writers) tellServers(sum *damage.Summary) {
	for i := range w.servers {
		v := &w.servers[i]
		if !has(v.Flags, "encrypted") && !has(v.Flags, "affected") {
			continue
		}
		s := damage.Server{Name: string(v.Server), By: *w.who(v)}
		of := damage.NewSummary()
		for k := range w.marked {
			if f := &w.marked[k]; w.find(*f.Server) == v {
				of.Add(f)
			}
		}
		of.Finish()
		s.Files, s.Burst = of.Files, of.Burst
		sum.Servers = append(sum.Servers, s)
	}
}
