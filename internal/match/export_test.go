package match

import "wardround/internal/event"

// Ways returns the hits of both ways to match a record, whichever Match would go.
func Ways(plan *Plan, r *event.Record, s *Scratch) (scanned, remembered []int) {
	return s.match(plan, r, nil), s.memory.match(plan, r, s, nil)
}
