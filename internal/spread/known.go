package spread

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"unsafe"

	"wardround/internal/event"
)

// Known remembers what records of one artifact told: who logs on from where to what comes again all day, and only the session
// and the time differ. The zero value is ready; one goroutine at a time uses it.
type Known struct {
	moves   keyring
	ways    []Way // by place in moves
	people  keyring
	key     []byte
	session []byte
}

// Way is what a record tells but for its session and time. Number is for whoever keeps the movements, to say that one is as
// an earlier one was; 0 before that is set.
type Way struct {
	Number uint32
	told   bool
}

// Forget begins another artifact.
func (k *Known) Forget() {
	k.moves.clear()
	k.people.clear()
}

// Read reports whether a record tells of a movement, as e.Read does. If the way has a number, m is filled with the time and the
// session alone, else with all; the way is nil if it is not remembered. The Session lasts until the next call.
func (k *Known) Read(e *Edges, r *event.Record, m *event.Movement) (w *Way, told bool) {
	if e.may != nil && !e.may(r) {
		return nil, false
	}
	if e.asks == nil || !k.spell(e.source, r, e.asks) {
		return nil, e.Read(r, m)
	}
	if k.ways == nil {
		k.ways = make([]Way, keyringSize)
	}
	i, seen := k.moves.find(k.key)
	w = &k.ways[i]
	if !seen {
		*w = Way{}
	} else if !w.told {
		return w, false
	}
	if w.Number > 0 {
		*m = event.Movement{Time: r.Time}
	} else if w.told = e.Read(r, m); !w.told {
		return w, false
	}
	m.Session = ""
	if k.session = first(r, e.session).AppendText(k.session[:0]); len(k.session) > 0 {
		m.Session = unsafe.String(unsafe.SliceData(k.session), len(k.session))
	}
	return w, true
}

// Met reports whether a record that names the same person was met before.
func (k *Known) Met(p *People, r *event.Record) bool {
	if !k.spell("", r, p.all) {
		return false
	}
	_, seen := k.people.find(k.key)
	return seen
}

// spell makes the key of all that is read of a record. Lengths stand before what evidence says, so that no two records share one.
func (k *Known) spell(source string, r *event.Record, fields []int) bool {
	b := append(binary.AppendUvarint(append(k.key[:0], source...), uint64(len(r.Host))), r.Host...)
	for _, i := range fields {
		if i < 0 {
			b = append(b, 1)
			continue
		}
		v := r.Field(i)
		b = append(binary.AppendUvarint(append(b, 0, byte(v.Type)), uint64(len(v.Raw))), v.Raw...)
	}
	k.key = b
	return len(b) <= maxKey
}

// asking names the fields on which a movement rests, and the one that becomes its session as it stands.
func (e Edges) asking(s *event.Schema, session string, names ...string) Edges {
	if len(names) == 0 {
		return e
	}
	e.session = s.Lookup(session)
	for _, name := range names {
		e.asks = append(append(e.asks, s.Lookup(name)...), -1)
	}
	e.source = fmt.Sprintf("%q %q %d ", s.Source.Name(), s.Source.Provider, s.Source.EventID)
	return e
}

// keyring is a set of keys, each with a place of its own. When it is crowded, keys are lost.
type keyring struct {
	turn  uint32
	slots []keySlot
	bytes []byte
}

type keySlot struct{ turn, hash, at, end uint32 }

const (
	keyringSize = 1 << 15
	maxProbes   = 8
	maxKey      = 512
	maxKeys     = 4 << 20 // bytes of all
)

var seed = maphash.MakeSeed()

func (k *keyring) clear() {
	k.turn++
	k.bytes = k.bytes[:0]
}

// find returns the place of a key, and whether it was there; if not, now it is.
func (k *keyring) find(key []byte) (place uint32, seen bool) {
	if k.slots == nil {
		k.slots = make([]keySlot, keyringSize)
		k.turn++
	}
	if len(k.bytes)+len(key) > maxKeys {
		k.clear()
	}
	h := uint32(maphash.Bytes(seed, key))
	var s *keySlot
	for i := range uint32(maxProbes) {
		place = (h + i) % keyringSize
		s = &k.slots[place]
		if s.turn != k.turn {
			break
		}
		if s.hash == h && string(k.bytes[s.at:s.end]) == string(key) {
			return place, true
		}
	}
	at := uint32(len(k.bytes))
	k.bytes = append(k.bytes, key...)
	*s = keySlot{k.turn, h, at, uint32(len(k.bytes))}
	return place, false
}
