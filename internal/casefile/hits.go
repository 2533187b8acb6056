package casefile

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"wardround/internal/inventory"
)

// spelling turns the hits of an artifact into entries of a sorter: under a key of all that copies of a record share, what it
// does not tell. The place comes before the fields, so that copies sort by it.
type spelling struct {
	m          *merged
	i          int // of the artifact
	scope      *inventory.Scope
	last       *layout
	log        string // its name
	f          finding
	key, value []byte
}

func (m *merged) spelling(i int) spelling {
	return spelling{m: m, i: i, scope: m.names.In(&m.entries[i].artifact)}
}

// spell makes the entry of a hit; it is valid until the next.
func (s *spelling) spell(h *hit) error {
	if l := h.of; l != s.last {
		if l.rule >= s.m.single {
			return errFrame
		}
		s.last, s.log = l, l.source.Name()
		s.f.rule, s.f.server = l.rule, string(s.scope.Server(l.host))
		s.f.heading = s.m.heads.of(l)
	}
	f := &s.f
	f.time, f.packed = h.time, h.values
	if f.heading == 0 {
		f.fields, f.packed = named(s.last.names, h.values), nil
	}
	s.key = append(append(s.m.appendKey(s.key[:0], f), s.log...), 0)
	s.key = binary.BigEndian.AppendUint64(s.key, h.number)
	s.key = binary.BigEndian.AppendUint64(s.key, h.digest)
	s.value = binary.AppendUvarint(binary.AppendVarint(s.value[:0], int64(f.rule)), uint64(len(f.server)))
	s.value = f.appendFields(appendPlace(s.value, place{s.i, h.number, h.offset}))
	return nil
}

// maxAsTheyLie is how many artifacts' hits are merged as they lie; each takes some 400 kB.
const maxAsTheyLie = 48

// addHits puts the hits of an artifact into the sorter. Those of a log that was written in order of time need not be sorted, nor
// written once more: they are merged as they lie.
func (m *merged) addHits(s *sorter, i int) error {
	at := m.entries[i].at
	switch {
	case !at.kinds.has(frameHits):
		return nil
	case at.kinds.has(frameOrder) && len(s.sorted) < maxAsTheyLie:
		o, err := m.asTheyLie(i)
		if err == nil {
			s.sorted = append(s.sorted, o)
		}
		return err
	}
	x := m.spelling(i)
	return m.reader.hits(at, func(h *hit) error {
		if err := x.spell(h); err != nil {
			return err
		}
		s.add(x.key, x.value)
		return s.err
	})
}

// orderedHits are the hits of an artifact as a sorted sequence. None is before one of an earlier frame: once a frame is read and
// sorted, all are in their place but those of the last time.
type orderedHits struct {
	f       *os.File
	frames  frameReader
	decoder decoder
	spelled spelling
	gathered
	at    int // of the entry, from 1
	ready int // how many are in their place
	ended bool
	err   error
}

func (m *merged) asTheyLie(i int) (*orderedHits, error) {
	at := m.entries[i].at
	f, err := os.Open(filepath.Join(m.run.cache, at.segment))
	if err != nil {
		return nil, fmt.Errorf("read cache: %w", err)
	}
	return &orderedHits{f: f, frames: frameReader{r: f, at: at.offset}, spelled: m.spelling(i)}, nil
}

func (o *orderedHits) next() bool {
	if o.at++; o.at > o.ready {
		o.err = o.load()
	}
	return o.err == nil && o.at <= o.ready
}

// load reads on until an entry is in its place.
func (o *orderedHits) load() error {
	past := uint64(0) // the head of the last that was yielded
	if o.ready > 0 {
		past = o.index[o.ready-1].head
	}
	o.drop(o.ready)
	o.at, o.ready = 1, 0
	for !o.ended && o.ready == 0 {
		if len(o.arena) > sorterBytes {
			return errFrame
		}
		kind, payload, err := o.frames.next(string(frameHits) + string(frameEnd))
		if err != nil {
			return errFrame
		}
		if o.ended = kind == frameEnd; !o.ended {
			err := o.decoder.hits(payload, func(h *hit) error {
				err := o.spelled.spell(h)
				o.put(o.spelled.key, o.spelled.value)
				return err
			})
			if err != nil {
				return err
			}
		}
		o.sort()
		for o.ready = len(o.index); !o.ended && o.ready > 0 && o.index[o.ready-1].head == o.index[len(o.index)-1].head; {
			o.ready--
		}
	}
	if len(o.index) > 0 && o.index[0].head < past {
		return errFrame
	}
	return nil
}

func (o *orderedHits) entry() (key, value []byte) { return o.gathered.entry(&o.index[o.at-1]) }
func (o *orderedHits) fail() error                { return o.err }
func (o *orderedHits) close()                     { o.f.Close() }
