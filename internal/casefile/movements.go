package casefile

import (
	"net/netip"

	"wardround/internal/event"
	"wardround/internal/inventory"
	"wardround/internal/spread"
)

// movementsOf yields the movements that an artifact tells of, with the servers that its names mean, by corrected time. A way
// that is settled is the same for all its movements.
func (m *merged) movementsOf(e *entry, yield func(*event.Movement, *way) error) error {
	if !e.at.known() {
		return nil
	}
	scope := m.names.In(&e.artifact)
	return m.reader.each(e.at, nil, func(mv *event.Movement, w *way) error {
		p := &mv.Because[0]
		p.Collection, p.Artifact, p.Path = e.artifact.Collection, e.artifact.SHA256, e.artifact.Path
		if !w.settled {
			forever := !w.asked && m.names.Fixed(string(mv.To)) && m.names.Fixed(mv.Address) && m.names.Fixed(mv.Workstation)
			m.resolve(scope, mv)
			if w.asked = true; forever {
				w.From, w.To, w.By, w.Account, w.settled = mv.From, mv.To, mv.By, mv.Account, true
			}
		}
		mv.Time = m.clocks.correct(mv.By, mv.Time)
		return yield(mv, w)
	})
}

// resolve puts servers for the names of a movement.
func (m *merged) resolve(scope *inventory.Scope, mv *event.Movement) {
	mv.Account = spread.OneName(mv.Account, m.flat)
	switch mv.SeenFrom {
	case event.FromSource:
		mv.From = scope.Server(string(mv.From))
		mv.By = mv.From
		m.find(&mv.To, mv.Time, string(mv.To))
	case event.FromController:
		mv.By = scope.Server(string(mv.By))
		m.find(&mv.To, mv.Time, string(mv.To))
		if mv.From != "" {
			mv.From = scope.Server(string(mv.From))
		}
		m.find(&mv.From, mv.Time, mv.Address)
	default:
		mv.To = scope.Server(string(mv.To))
		mv.By = mv.To
		if !m.find(&mv.From, mv.Time, mv.Address) && mv.Workstation != "" {
			m.find(&mv.From, mv.Time, credible(mv))
		}
	}
}

// find sets a server to what a name is known to mean, and reports whether it is.
func (m *merged) find(to *event.ServerID, at event.Time, name string) bool {
	if name == "" {
		return false
	}
	id, ok := m.names.Find(name, at)
	if ok {
		*to = id
	}
	return ok
}

// credible is the name that the other end gave itself, as far as it may be believed: from an address of the world at large
// anybody may say any name.
func credible(m *event.Movement) string {
	if a, err := netip.ParseAddr(m.Address); err == nil && !a.IsPrivate() && !a.IsLinkLocalUnicast() {
		return ""
	}
	return m.Workstation
}

// eachMovement yields the movements of all evidence.
func (m *merged) eachMovement(yield func(*event.Movement, *way) error) error {
	for i := range m.entries {
		if err := m.movementsOf(&m.entries[i], yield); err != nil {
			return err
		}
	}
	return nil
}
