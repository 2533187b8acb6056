package spread

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"strings"
	"unsafe"

	"wardround/internal/event"
)

// Known remembers what records of one artifact told: who logs on from where to what comes again all day, and only the session
// and the time differ. The zero value is ready; one goroutine at a time uses it.
type Known struct {
	moves   keyring
	ways    []Way // by place in moves
	people  keyring
	numbers map[string]uint32 // of computers and sources
	host    numbered
	source  numbered
	key     []byte
	session []byte
}

// numbered is a name with its number, from 1.
type numbered struct {
	name   string
	number uint32
}

// maxNumbered bounds the names that have a number.
const maxNumbered = 1 << 12

// Way is what a record tells but for its session and time. Number is for whoever keeps the movements, to say that one is as
// an earlier one was; 0 before that is set. Met is for whoever learns of people: whether it did at an earlier record of the way,
// which names the same person where People are Within.
type Way struct {
	Number uint32
	Met    bool
	told   bool
}

// Forget begins another artifact.
func (k *Known) Forget() {
	k.moves.clear()
	k.people.clear()
	clear(k.numbers)
	k.host, k.source = numbered{}, numbered{}
}

// number is the number of a name; last is the one that was asked for before.
func (k *Known) number(last *numbered, name string) uint32 {
	if last.number > 0 && last.name == name {
		return last.number
	}
	n := k.numbers[name]
	if n == 0 {
		if len(k.numbers) >= maxNumbered {
			k.Forget()
		}
		if k.numbers == nil {
			k.numbers = map[string]uint32{}
		}
		name = strings.Clone(name)
		n = uint32(len(k.numbers)) + 1
		k.numbers[name] = n
	}
	*last = numbered{name, n}
	return n
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
	if k.session = r.First(e.session).AppendText(k.session[:0]); len(k.session) > 0 {
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

// What stands before each part of a key.
const (
	keyValue  = iota // type, length, bytes
	keyEnd           // no more values of a name
	keyNarrow        // length, characters below 256 of UTF-16 as a byte each
)

// spell makes the key of all that is read of a record. Lengths stand before what evidence says, so that no two records share one.
func (k *Known) spell(source string, r *event.Record, fields []int) bool {
	from := k.number(&k.source, source)
	host := k.number(&k.host, r.Host)
	if k.source.number != from { // all was forgotten in between
		from = k.number(&k.source, source)
	}
	b := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(k.key[:0], from), host)
	for _, i := range fields {
		if i < 0 {
			b = append(b, keyEnd)
			continue
		}
		v := r.Field(i)
		if v.Type == event.UTF16 {
			var ok bool
			if b, ok = narrow(b, v.Raw); ok {
				continue
			}
		}
		b = append(binary.AppendUvarint(append(b, keyValue, byte(v.Type)), uint64(len(v.Raw))), v.Raw...)
	}
	k.key = b
	return len(b) <= maxKey
}

// narrow appends UTF-16 in half as many bytes, if it can be: fewer bytes are compared, and more keys lie in the cache.
func narrow(b, raw []byte) (_ []byte, ok bool) {
	start := len(b)
	b = binary.AppendUvarint(append(b, keyNarrow), uint64(len(raw)/2))
	for ; len(raw) >= 8; raw = raw[8:] {
		x := binary.LittleEndian.Uint64(raw)
		if x&0xff00ff00ff00ff00 != 0 {
			return b[:start], false
		}
		x = (x | x>>8) & 0x0000ffff0000ffff
		b = binary.LittleEndian.AppendUint32(b, uint32(x|x>>16))
	}
	for ; len(raw) >= 2; raw = raw[2:] {
		if raw[1] != 0 {
			return b[:start], false
		}
		b = append(b, raw[0])
	}
	if len(raw) > 0 {
		return b[:start], false
	}
	return b, true
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
