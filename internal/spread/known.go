package spread

import (
	"hash/maphash"
	"unsafe"

	"wardround/internal/event"
)

// Known remembers what records of one artifact told: who logs on from where to what comes again all day, and only the session
// and the time differ. The zero value is ready; one goroutine at a time uses it.
type Known struct {
	turn    uint32
	slots   []known
	key     []byte
	session []byte
}

type known struct {
	turn   uint32
	schema *event.Schema
	key    []byte
	move   event.Movement
	told   bool
}

const (
	knownBits = 12
	maxKnown  = 512 // bytes of a record's values
)

var seed = maphash.MakeSeed()

// Forget begins another artifact.
func (k *Known) Forget() { k.turn++ }

// Read is e.Read, but for the movement's Session, which lasts until the next.
func (k *Known) Read(e *Edges, r *event.Record, m *event.Movement) bool {
	if e.asks == nil {
		return e.Read(r, m)
	}
	k.key = append(k.key[:0], r.Host...)
	for _, i := range e.asks {
		v := r.Field(i)
		k.key = append(k.key, 0, byte(v.Type), byte(len(v.Raw)), byte(len(v.Raw)>>8))
		k.key = append(k.key, v.Raw...)
	}
	if len(k.key) > maxKnown {
		return e.Read(r, m)
	}
	if k.slots == nil {
		k.slots = make([]known, 1<<knownBits)
	}
	x := &k.slots[maphash.Bytes(seed, k.key)>>(64-knownBits)]
	if x.turn != k.turn || x.schema != r.Schema || string(x.key) != string(k.key) {
		x.turn, x.schema, x.key = k.turn, r.Schema, append(x.key[:0], k.key...)
		x.told = e.Read(r, &x.move)
	}
	if !x.told {
		return false
	}
	*m = x.move
	m.Time, m.Session = r.Time, ""
	if k.session = first(r, e.session).AppendText(k.session[:0]); len(k.session) > 0 {
		m.Session = unsafe.String(unsafe.SliceData(k.session), len(k.session))
	}
	return true
}

// asking names the fields on which a movement rests, and the one that becomes its session as it stands.
func (e Edges) asking(s *event.Schema, session string, names ...string) Edges {
	e.session = s.Lookup(session)
	for _, name := range names {
		e.asks = append(e.asks, s.Lookup(name)...)
	}
	return e
}
