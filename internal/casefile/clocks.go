package casefile

import (
	"cmp"
	"encoding/binary"
	"hash/maphash"
	"math"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/spread"
)

// clocks are what is known of the servers' clocks.
type clocks struct {
	list []event.Clock
	off  map[event.ServerID]time.Duration // by how much times of a server's logs are corrected
}

// correct is the time of the estate at a time of a server's log.
func (c *clocks) correct(id event.ServerID, t event.Time) event.Time { return t.Add(-c.off[id]) }

// recorded is the inverse of correct.
func (c *clocks) recorded(id event.ServerID, t event.Time) event.Time { return t.Add(c.off[id]) }

// correctActivity moves what a server wrote to the time of the estate.
func (c *clocks) correctActivity(id event.ServerID, a *event.Activity) {
	if c.off[id] == 0 {
		return
	}
	for i := range a.Spans.List {
		s := &a.Spans.List[i]
		s.First, s.Last = c.correct(id, s.First), c.correct(id, s.Last)
	}
	for i := range a.Runs {
		r := &a.Runs[i]
		r.From, r.To = c.correct(id, r.From), c.correct(id, r.To)
	}
}

// tellers tell of which ways two servers may tell: by a hash of the way, a hash of who tells of it.
type tellers [1 << 20]uint32

const manyTellers = math.MaxUint32

var tellersSeed = maphash.MakeSeed()

// at is where a way stands.
func (t *tellers) at(way []byte) *uint32 { return &t[maphash.Bytes(tellersSeed, way)%uint64(len(t))] }

// note notes who tells of a way.
func (t *tellers) note(way []byte, by event.ServerID) {
	who := uint32(maphash.String(tellersSeed, string(by)))%(manyTellers-1) + 1
	if x := t.at(way); *x == 0 {
		*x = who
	} else if *x != who {
		*x = manyTellers
	}
}

// estimateClocks compares how two servers time the same movements. They are put in order on disk, all of one way side by
// side, whoever tells of them; but not ways of which one server alone tells.
func (m *merged) estimateClocks() error {
	s := newSorter(m.run.cache)
	defer s.close()
	var key []byte
	told := &tellers{}
	for i := range m.entries {
		err := m.waysOf(&m.entries[i], func(mv *event.Movement) {
			if key = appendWay(key[:0], mv); len(key) > 0 {
				told.note(key, mv.By)
			}
		})
		if err != nil {
			return err
		}
	}
	compared := func(mv *event.Movement) bool {
		key = appendWay(key[:0], mv)
		return len(key) > 0 && *told.at(key) == manyTellers
	}
	err := m.movementsIf(compared, func(mv *event.Movement, w *way) error {
		if mv.Time == event.NoTime {
			return nil
		}
		if !w.settled || !w.keyed {
			if w.keyed = true; compared(mv) {
				w.key = append(w.key[:0], key...)
			} else {
				w.key = w.key[:0]
			}
		}
		if len(w.key) > 0 {
			s.add(binary.BigEndian.AppendUint64(append(key[:0], w.key...), uint64(mv.Time)^1<<63), []byte(mv.By))
		}
		return s.err
	})
	if err != nil {
		return err
	}
	est := spread.NewClocks()
	var group spread.Sights
	var way []byte
	err = s.each(func(k, v []byte) error {
		at := len(k) - 8
		if string(k[:at]) != string(way) {
			est.Add(&group)
			group.Reset()
			way = append(way[:0], k[:at]...)
		}
		group.See(v, event.Time(binary.BigEndian.Uint64(k[at:])^1<<63))
		return nil
	})
	if err != nil {
		return err
	}
	est.Add(&group)
	m.clocks.list = est.Estimate(m.isController)
	m.clocks.off = map[event.ServerID]time.Duration{}
	for _, c := range m.clocks.list {
		if c.Corrected {
			m.clocks.off[c.Server] = time.Duration(c.OffsetSeconds * float64(time.Second)).Round(time.Millisecond)
		}
	}
	return nil
}

// appendWay spells from where who went to where: nothing if it is not told from where, or by whom.
func appendWay(b []byte, mv *event.Movement) []byte {
	from := cmp.Or(string(mv.From), mv.Address, strings.ToLower(mv.Workstation))
	if from == "" || mv.By == "" || mv.Failed || mv.Ended {
		return b
	}
	b = append(append(append(b, from...), 0), mv.To...)
	return append(append(append(b, 0), spread.AccountName(mv.Account)...), 0)
}

// isController reports whether the inventory lists a server as a domain controller: the others take their time from it.
func (m *merged) isController(id event.ServerID) bool {
	s, ok := m.run.in.estate.Server(id)
	return ok && s.Role == "domain-controller"
}
