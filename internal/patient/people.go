package patient

import (
	"math"
	"math/bits"
)

// people counts distinct persons by keyed hashes of what identifies them. Up to a number of keys it is exact, past that it goes
// over to a sketch (HyperLogLog) whose standard error is 0.8 %.
//
// Keys come in grades. Those of grade strong (national numbers, ABHA, hospital numbers with their authority) are names of one
// person: a record that holds two of them joins them. Weaker ones (a hospital number without its authority, a database's own key,
// name with birth date, a name alone) count only if no record with a better key holds them too. Of these only a hospital
// number joins two persons: one that a table gives without authority is the one that a message gives with it, as long as only
// one authority gives that number. The count does not depend on the order in which records come.
type people struct {
	limit int      // of keys
	hash  []uint64 // open addressing by key; 0 is empty
	node  []uint32 // of the key in the same slot
	of    []uint32 // node → another of the same person, or itself
	state []uint8  // of a node
	bare  []uint32 // of a node that is a hospital number: a strong node that came with it, plus 1
	owner []uint32 // and the node of the same number with its authority, plus 1
	full  bool     // past the limit: only the sketch is kept up
	best  sketch   // of the best key of each record
}

// Grades of keys.
const (
	strong   = iota
	numbered // a hospital number without its authority
	internal // the key of a database
	nameAndBirth
	nameAlone
)

// States of a node beside its grade: a record had nothing better, a record had something better, several authorities give the number.
const (
	asked     = 1 << 4
	covered   = 1 << 5
	contested = 1 << 6
)

// exactKeys bounds the exact count of a run: 1,000,000 persons with up to four keys each. The table takes at most 12 bytes for
// each of 2^23 slots and 13 for each key: 153 MB.
const exactKeys = 4_000_000

func newPeople(limit int) *people { return &people{limit: limit} }

// key is a keyed hash with its grade.
type key struct {
	hash  uint64
	grade uint8
	joins bool   // a hospital number that is long enough to be one person's
	owner uint64 // hash of the strong key of the same number with its authority; 0 if the record gives none
}

// add takes in the keys of one record, the best first. Without keys, nobody is added.
func (p *people) add(keys []key) {
	if len(keys) == 0 {
		return
	}
	p.best.add(keys[0].hash)
	if p.full {
		return
	}
	top, first := keys[0].grade, uint32(0)
	for i, k := range keys {
		n, ok := p.find(k)
		if !ok {
			p.overflow()
			return
		}
		if k.joins && top == strong && !p.link(n, first, k.owner) {
			return
		}
		switch {
		case k.grade != top:
			p.state[n] |= covered
		case i == 0:
			p.state[n] |= asked
			first = n
		case top == strong:
			p.state[n] |= asked
			p.join(first, n)
		default:
			p.state[n] |= covered
		}
	}
}

// link notes of a hospital number which strong nodes came with it: the same number with its authority, or others of the person. False when
// there is no room.
func (p *people) link(n, first uint32, owner uint64) bool {
	if owner == 0 {
		if p.bare[n] == 0 {
			p.bare[n] = first + 1
		}
		p.join(p.bare[n]-1, first)
		return true
	}
	m, ok := p.find(key{hash: owner, grade: strong})
	if !ok {
		p.overflow()
		return false
	}
	switch p.owner[n] {
	case 0:
		p.owner[n] = m + 1
	case m + 1:
	default:
		p.state[n] |= contested
	}
	return true
}

// find returns the node of a key, a new one if need be; false when there is no room for it.
func (p *people) find(k key) (uint32, bool) {
	if len(p.of)*4 >= len(p.hash)*3 {
		p.grow()
	}
	h := k.hash | 1
	mask := uint64(len(p.hash) - 1)
	for i := h >> 1 & mask; ; i = (i + 1) & mask {
		switch p.hash[i] {
		case h:
			return p.node[i], true
		case 0:
			if len(p.of) >= p.limit {
				return 0, false
			}
			n := uint32(len(p.of))
			p.hash[i], p.node[i] = h, n
			p.of, p.state = append(p.of, n), append(p.state, k.grade)
			p.bare, p.owner = append(p.bare, 0), append(p.owner, 0)
			return n, true
		}
	}
}

func (p *people) grow() {
	oldHash, oldNode := p.hash, p.node
	size := max(64, 2*len(oldHash))
	p.hash, p.node = make([]uint64, size), make([]uint32, size)
	mask := uint64(size - 1)
	for j, h := range oldHash {
		if h == 0 {
			continue
		}
		i := h >> 1 & mask
		for p.hash[i] != 0 {
			i = (i + 1) & mask
		}
		p.hash[i], p.node[i] = h, oldNode[j]
	}
}

func (p *people) root(n uint32) uint32 {
	for p.of[n] != n {
		p.of[n] = p.of[p.of[n]]
		n = p.of[n]
	}
	return n
}

func (p *people) join(a, b uint32) {
	if a, b = p.root(a), p.root(b); a != b {
		p.of[max(a, b)] = min(a, b)
	}
}

func (p *people) overflow() {
	p.full = true
	p.hash, p.node, p.of, p.state, p.bare, p.owner = nil, nil, nil, nil, nil, nil
}

// count is the number of persons; exact says that it is not an estimate. Nothing may be added afterwards.
func (p *people) count() (n uint64, exact bool) {
	if p.full {
		return p.best.count(), false
	}
	for i, s := range p.state {
		if s&contested == 0 && p.bare[i] > 0 && p.owner[i] > 0 {
			p.join(p.bare[i]-1, p.owner[i]-1)
		}
	}
	for i, s := range p.state {
		switch grade := s & 0xf; {
		case s&asked == 0:
		case grade == strong && p.of[i] == uint32(i), grade != strong && s&covered == 0:
			n++
		}
	}
	return n, true
}

// sketchBits make 2^14 registers: a standard error of 1.04/√16384 = 0.8 %.
const sketchBits = 14

// sketch estimates the number of distinct hashes (Flajolet and others 2007; 64-bit hashes, so no correction for large counts).
type sketch struct{ rank []uint8 }

func (s *sketch) add(hash uint64) {
	if s.rank == nil {
		s.rank = make([]uint8, 1<<sketchBits)
	}
	i := hash >> (64 - sketchBits)
	r := uint8(bits.LeadingZeros64(hash<<sketchBits|1<<(sketchBits-1))) + 1
	s.rank[i] = max(s.rank[i], r)
}

func (s *sketch) count() uint64 {
	if s.rank == nil {
		return 0
	}
	sum, empty := 0.0, 0
	for _, r := range s.rank {
		sum += math.Ldexp(1, -int(r))
		if r == 0 {
			empty++
		}
	}
	m := float64(len(s.rank))
	estimate := 0.7213 / (1 + 1.079/m) * m * m / sum
	if estimate <= 2.5*m && empty > 0 {
		estimate = m * math.Log(m/float64(empty))
	}
	return uint64(estimate + 0.5)
}
