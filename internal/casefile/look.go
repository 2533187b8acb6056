package casefile

import (
	"fmt"
	"hash/maphash"
	"strings"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/evidence"
	"wardround/internal/patient"
)

// looker looks at the files of collections that are no logs: what was done to them, and whose data they hold. Each worker has its own;
// nil looks at nothing.
type looker struct {
	damage   *damage.Looker
	patients *patient.Looker
	at       looked
}

// looked is what was found of the artifact at hand, as its trailer holds it.
type looked struct {
	damage   string
	patients []string
}

// newLooker makes a looker that counts people under a key, knows the hospital's own numbers, and tells each record of one to person.
func newLooker(key []byte, numbers patient.Config, person func(folder string, record []byte)) (*looker, error) {
	if key == nil {
		return nil, nil
	}
	p, err := patient.NewLooker(patient.Options{Key: key, Config: numbers, Person: person})
	if err != nil {
		return nil, err
	}
	return &looker{damage: damage.NewLooker(), patients: p}, nil
}

// took hands over what was found, and forgets it.
func (l *looker) took() (out looked) {
	if l != nil {
		out, l.at = l.at, looked{}
	}
	return out
}

// Look implements evidence.Looker.
func (w *worker) Look(a *event.Artifact, c evidence.Content) {
	if w.looker == nil {
		return
	}
	r, size, whole, err := c.At()
	if err != nil {
		a.Notes = append(a.Notes, fmt.Sprintf("not looked at for damage and data of patients: %v", err))
		return
	}
	w.begin()
	clear(w.persons[:])
	name := evidence.OnItsSystem(strings.ToValidUTF8(a.Path, "\ufffd"))
	f := w.looker.damage.File(name, r, size, whole, c.Changed)
	if b, err := encode(f); err == nil {
		w.looker.at.damage = string(b)
	}
	for _, p := range w.looker.patients.File(w.run.ctx, name, r, size, whole) {
		if b, err := encode(p); err == nil {
			w.looker.at.patients = append(w.looker.at.patients, string(b))
		}
	}
}

// listing is the field of a path in records of what names files: a file system's table, its journal, a listing; -1 for others.
func (w *worker) listing(s *event.Schema) int {
	if w.looker == nil {
		return -1
	}
	switch s.Source.Channel {
	case "mft", "usnjrnl", "file listing":
		if at := s.Lookup("TargetFilename"); len(at) > 0 {
			return at[0]
		}
	}
	return -1
}

// list takes a name of a listing.
func (w *worker) list(st *schemaState, r *event.Record) {
	if p := r.Schema.Source.Provider; p == "deleted" || p == "old name" {
		return
	}
	w.buf = r.Field(st.names).AppendText(w.buf[:0])
	w.names.Add(w.buf, r.Time)
}

// listed is what the names of an artifact's listing tell.
func (w *worker) listed() string {
	list := w.names.Crowds()
	w.names = damage.Listing{}
	if len(list) == 0 {
		return ""
	}
	b, err := encode(list)
	if err != nil {
		return ""
	}
	return string(b)
}

// person keeps whom a record of the artifact at hand is about. Tables name the same people over and over: those of a moment ago are told once.
func (w *worker) person(_ string, record []byte) {
	sum := maphash.Bytes(metSeed, record)
	if slot := &w.persons[sum%uint64(len(w.persons))]; *slot != sum {
		*slot = sum
		w.out.person(record)
	}
}

var metSeed = maphash.MakeSeed()
