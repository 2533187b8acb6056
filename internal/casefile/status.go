package casefile

import (
	"sync/atomic"

	"wardround/internal/event"
)

// Status is how far an examination is. It may be read while the examination runs.
type Status struct {
	bytes  atomic.Int64
	size   atomic.Int64
	where  atomic.Pointer[string]
	phase  atomic.Pointer[string]
	number atomic.Int64
}

// Progress is a Status at one moment. Bytes are of the collections on disk.
type Progress struct {
	Bytes, Total int64
	Artifacts    int64
	Where        string // the collection and artifact at hand, as written in evidence
	Phase        string
}

// Now returns the progress.
func (s *Status) Now() Progress {
	p := Progress{Bytes: s.bytes.Load(), Total: s.size.Load(), Artifacts: s.number.Load()}
	if w := s.where.Load(); w != nil {
		p.Where = *w
	}
	if w := s.phase.Load(); w != nil {
		p.Phase = *w
	}
	return p
}

func (s *Status) add(n int64)        { s.bytes.Add(n) }
func (s *Status) total(n int64)      { s.size.Store(n) }
func (s *Status) enter(phase string) { s.phase.Store(&phase) }

func (s *Status) at(a *event.Artifact) {
	s.number.Add(1)
	where := a.Collection
	if a.Root != "" {
		where += "/" + a.Root
	}
	s.where.Store(&where)
}
