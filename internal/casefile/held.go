package casefile

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/patient"
)

// heldIn counts whose data an artifact holds.
func (m *merged) heldIn(id event.ServerID, e *entry, t *trailer, f *damage.File) error {
	d := &m.data
	h := d.held[id]
	if h == nil {
		h = newHeldOf(id)
		d.held[id] = h
	}
	h.LookedAt++
	if len(t.Patients) == 0 {
		return nil
	}
	name := string(id)
	for _, line := range t.Patients {
		p := new(patient.File)
		if err := json.Unmarshal([]byte(line), p); err != nil {
			return errFrame
		}
		h.add(p)
		if f.State.Hurt() {
			h.Hurt++
		}
		if len(d.holding) < mostMarked {
			d.holding = append(d.holding, holding{&name, p, &e.artifact.Collection, nil})
		} else {
			d.more++
		}
	}
	h.at = append(h.at, e.at)
	return nil
}

// countPeople counts whom the files of each server are about, one server after the other: a count may take 150 MB.
func (m *merged) countPeople() error {
	d := &m.data
	for _, id := range slices.Sorted(maps.Keys(d.held)) {
		h := d.held[id]
		add := func(record []byte) error {
			if d.all == nil {
				d.all = patient.NewPeople()
			}
			if h.people == nil {
				h.people = patient.NewPeople()
			}
			return cmp.Or(d.all.Add(record), h.people.Add(record))
		}
		for _, at := range h.at {
			if err := m.reader.people(at, add); err != nil {
				return err
			}
		}
		for _, root := range h.Roots {
			if err := peopleOf(m.run.in.Case, root, id, add); err != nil {
				return err
			}
		}
		h.count()
		h.at = nil
	}
	return nil
}

// heldOf adds up whose data the files of one server hold.
type heldOf struct {
	event.Held
	at     []location      // facts with records of people
	people *patient.People // while it is counted; nil: no record was told
	kinds  map[string]bool
	single uint64 // most people that one file tells of, of those whose records are gone
}

func newHeldOf(id event.ServerID) *heldOf {
	h := &heldOf{kinds: map[string]bool{}}
	h.Server, h.Roots = id, []string{}
	return h
}

func (h *heldOf) add(p *patient.File) {
	h.Files++
	if p.People == nil {
		h.NotKnown++
	}
	if len(p.Unread) > 0 {
		h.InPart++
	}
	for _, k := range p.Kinds {
		h.kinds[k] = true
	}
	h.surer(p.Confidence)
}

// surer keeps the surest confidence.
func (h *heldOf) surer(confidence string) {
	levels := []string{"", "low", "moderate", "high"}
	if slices.Index(levels, confidence) > slices.Index(levels, h.Confidence) {
		h.Confidence = confidence
	}
}

// count ends the count of people.
func (h *heldOf) count() {
	h.Exact = true
	if h.people != nil {
		n, exact := h.people.Count()
		h.People, h.Exact, h.people = &n, exact, nil
		if !exact {
			h.Error = patient.Error
		}
	}
}

func (h *heldOf) finish() event.Held {
	out := h.Held
	out.Kinds = []string{}
	for _, k := range patient.KindNames() {
		if h.kinds[k] {
			out.Kinds = append(out.Kinds, k)
		}
	}
	var n uint64
	if out.People != nil {
		n = *out.People
	}
	if out.NotKnown < out.Files && out.People == nil {
		out.People = &n
	}
	if h.single > n {
		n, out.People, out.Exact = h.single, &h.single, false
	}
	return out
}
