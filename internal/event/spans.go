package event

import (
	"slices"
	"time"
)

// Span is a stretch of time in which records follow one another without a longer silence than the gap of its Spans.
type Span struct {
	First Time   `json:"first"`
	Last  Time   `json:"last"`
	Count uint64 `json:"count"`
}

// Spans is a set of instants, kept as stretches in order: two instants less than Gap apart share a stretch. The result
// does not depend on the order in which instants are added.
type Spans struct {
	Gap  time.Duration `json:"gap"`
	List []Span        `json:"list"`
}

// maxSpans bounds the memory of one Spans against logs with forged times; past it the gap doubles.
const maxSpans = 8192

// Add puts in the instant t, n times. NoTime is passed over.
func (s *Spans) Add(t Time, n uint64) {
	if t != NoTime {
		s.add(Span{t, t, n})
	}
}

// Merge puts in all of o. The coarser gap of the two stays.
func (s *Spans) Merge(o Spans) {
	s.coarsen(o.Gap)
	for _, x := range o.List {
		s.add(x)
	}
}

// Count is the number of instants.
func (s *Spans) Count() (n uint64) {
	for _, x := range s.List {
		n += x.Count
	}
	return n
}

// First and Last instant; NoTime when empty.
func (s *Spans) First() Time {
	if len(s.List) == 0 {
		return NoTime
	}
	return s.List[0].First
}

// Last instant; NoTime when empty.
func (s *Spans) Last() Time {
	if len(s.List) == 0 {
		return NoTime
	}
	return s.List[len(s.List)-1].Last
}

func (s *Spans) add(x Span) {
	if n := len(s.List); n > 0 {
		last := &s.List[n-1]
		if x.First >= last.First && x.First < last.Last.Add(s.Gap) {
			last.Last = max(last.Last, x.Last)
			last.Count += x.Count
			return
		}
	}
	// i: the first stretch that x touches or precedes; j: past the last that it touches.
	i, end := 0, len(s.List)
	for i < end {
		if mid := int(uint(i+end) / 2); s.List[mid].Last.Add(s.Gap) <= x.First {
			i = mid + 1
		} else {
			end = mid
		}
	}
	if i < len(s.List) {
		if at := &s.List[i]; x.First >= at.First && x.Last <= at.Last && at.First < x.Last.Add(s.Gap) { // within one
			at.Count += x.Count
			return
		}
	}
	j := i
	for j < len(s.List) && s.List[j].First < x.Last.Add(s.Gap) {
		x.First = min(x.First, s.List[j].First)
		x.Last = max(x.Last, s.List[j].Last)
		x.Count += s.List[j].Count
		j++
	}
	s.List = slices.Replace(s.List, i, j, x)
	for len(s.List) > maxSpans {
		s.coarsen(2 * max(s.Gap, time.Second))
	}
}

func (s *Spans) coarsen(gap time.Duration) {
	if gap <= s.Gap {
		return
	}
	s.Gap = gap
	out := s.List[:0]
	for _, x := range s.List {
		if n := len(out); n > 0 && x.First < out[n-1].Last.Add(gap) {
			out[n-1].Last = max(out[n-1].Last, x.Last)
			out[n-1].Count += x.Count
			continue
		}
		out = append(out, x)
	}
	s.List = out
}

// Touches reports whether a stretch meets the time from from to to.
func (s *Spans) Touches(from, to Time) bool {
	for _, x := range s.List {
		if x.Last >= from && x.First <= to {
			return true
		}
	}
	return false
}

// Next is the earliest instant at or after t that the stretches prove, NoTime if there is none: within a stretch, whose
// instants are not kept, its end.
func (s *Spans) Next(t Time) Time {
	for _, x := range s.List {
		switch {
		case x.First >= t:
			return x.First
		case x.Last >= t:
			return x.Last
		}
	}
	return NoTime
}

// Before is an instant before t at or after which the stretches prove a record, NoTime if there is none: within a stretch,
// no more than Gap before t.
func (s *Spans) Before(t Time) Time {
	for i := len(s.List) - 1; i >= 0; i-- {
		switch x := s.List[i]; {
		case x.Last < t:
			return x.Last
		case x.First < t:
			return max(x.First, t.Add(-s.Gap))
		}
	}
	return NoTime
}
