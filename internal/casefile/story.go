package casefile

import (
	"net/netip"

	"wardround/internal/event"
	"wardround/internal/spread"
	"wardround/internal/verdict"
)

// network looks addresses up in the databases that were given; nil where none was.
func (m *merged) network() func(netip.Addr) (spread.Network, bool) {
	bases := m.run.in.addresses
	if len(bases) == 0 {
		return nil
	}
	return func(a netip.Addr) (spread.Network, bool) {
		n := bases.Look(a)
		return spread.Network{Country: spread.Told(n.Country), ASN: spread.Told(n.ASN), Holder: spread.Told(n.Holder)}, n.Known()
	}
}

// tellStory tells how the intruder came and went on, from what the judge found to count, and lets the first screen's answers
// follow from it.
func (m *merged) tellStory(j *verdict.Judge, v *event.Verdicts) (*event.Story, error) {
	t := spread.NewTeller(spread.Facts{Verdicts: v, Acts: j.Acts(), Taken: j.Taken(), Clocks: m.clocks.list, Resolve: m.names.Find, Network: m.network(), Claims: m.run.in.claims})
	err := m.pick(t.Cites, func(f *event.Finding) error {
		t.AddFinding(f)
		return nil
	})
	if err == nil {
		err = m.movementsIf(t.Matters, func(mv *event.Movement, _ *way) error {
			t.AddMovement(mv)
			return nil
		})
	}
	if err != nil {
		return nil, err
	}
	s := t.Story()
	spread.Answer(v, s)
	return s, nil
}
