package casefile

import (
	"net/netip"

	"wardround/internal/event"
	"wardround/internal/inventory"
	"wardround/internal/spread"
)

// movementsOf yields the movements that an artifact tells of, with the servers that its names mean, by corrected time.
func (m *merged) movementsOf(e *entry, yield func(*event.Movement, *way) error) error {
	if !e.at.kinds.has(frameMoves) {
		return nil
	}
	scope := m.names.In(&e.artifact)
	settle := func(w *way) error {
		m.settle(scope, w)
		return nil
	}
	return m.reader.movements(e.at, settle, func(mv *event.Movement, w *way) error {
		p := &mv.Because[0]
		p.Collection, p.Artifact, p.Path = e.artifact.Collection, e.artifact.SHA256, e.artifact.Path
		if !w.settled {
			m.resolve(scope, mv)
		}
		mv.Time = m.clocks.correct(mv.By, mv.Time)
		return yield(mv, w)
	})
}

// settle puts servers for the names of a way, if they mean the same at any time.
func (m *merged) settle(scope *inventory.Scope, w *way) {
	if w.settled = m.names.Fixed(string(w.To)) && m.names.Fixed(w.Address) && m.names.Fixed(w.Workstation); w.settled {
		m.resolve(scope, &w.Movement)
	}
}

// waysOf yields the ways of the movements that an artifact tells of, with servers for their names; movements in place of a way
// whose names mean one server now and another then. A way may come more than once.
func (m *merged) waysOf(e *entry, yield func(*event.Movement)) error {
	if !e.at.kinds.has(frameMoves) {
		return nil
	}
	scope, open := m.names.In(&e.artifact), false
	err := m.reader.movements(e.at, func(w *way) error {
		if m.settle(scope, w); w.settled {
			yield(&w.Movement)
		} else {
			open = true
		}
		return nil
	}, nil)
	if err != nil || !open {
		return err
	}
	return m.movementsOf(e, func(mv *event.Movement, w *way) error {
		if !w.settled {
			yield(mv)
		}
		return nil
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

// movementsIf yields the movements of the artifacts that tell of some way that counts.
func (m *merged) movementsIf(counts func(*event.Movement) bool, yield func(*event.Movement, *way) error) error {
	for i := range m.entries {
		some := false
		err := m.waysOf(&m.entries[i], func(mv *event.Movement) { some = some || counts(mv) })
		if err == nil && some {
			err = m.movementsOf(&m.entries[i], yield)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
