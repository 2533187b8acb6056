package spread

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// lease is what a VPN's gateway tells of one session: who came from which address outside, and which one inside he was lent.
// Some gateways write the two in records of their own.
type lease struct {
	gateway event.ServerID
	time    event.Time
	account Account
	outer   string // "" where only another record tells it
	inner   string
	place   event.Place
}

const (
	maxLeases  = 50_000
	leaseLasts = 24 * time.Hour // a session may be as old when somebody comes by it
)

// lend keeps a session of a VPN.
func (t *Teller) lend(m *event.Movement) {
	w := t.facts.Verdicts.Window
	if m.Failed || m.Time == event.NoTime || m.Time < w.From.Add(-leaseLasts) || w.To != event.NoTime && m.Time > w.To || len(t.leases) >= maxLeases {
		return
	}
	l := lease{gateway: m.To, time: m.Time, account: ParseAccount(m.Account), outer: m.Address, inner: m.Session}
	if len(m.Because) > 0 {
		l.place = m.Because[0]
	}
	if l.outer != "" || l.inner != "" {
		t.leases = append(t.leases, l)
	}
}

// settleLeases puts the sessions in order, by the address that was lent too, and joins one that names no address outside to the
// session that was opened right before for the same account.
func (t *Teller) settleLeases() {
	slices.SortFunc(t.leases, func(a, b lease) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.gateway, b.gateway), strings.Compare(a.account.String(), b.account.String()),
			strings.Compare(a.outer, b.outer), strings.Compare(a.inner, b.inner), comparePlaces(a.place, b.place))
	})
	for i := range t.leases {
		l := &t.leases[i]
		for k := i - 1; l.inner != "" && l.outer == "" && k >= 0 && t.leases[k].time.Add(together) >= l.time; k-- {
			if o := &t.leases[k]; o.outer != "" && o.gateway == l.gateway && o.account.Same(l.account) {
				l.outer = o.outer
			}
		}
	}
	t.lent = map[string][]*lease{}
	for i := range t.leases {
		if l := &t.leases[i]; l.inner != "" {
			t.lent[l.inner] = append(t.lent[l.inner], l)
		}
	}
}

// leaseOf is the session that an address inside was lent to at a time: the last before it, if that is not too old.
func (t *Teller) leaseOf(inner string, at event.Time) *lease {
	list := t.lent[inner]
	i, _ := slices.BinarySearchFunc(list, at.Add(together), func(l *lease, at event.Time) int { return cmp.Compare(l.time, at) })
	if i == 0 || list[i-1].time.Add(leaseLasts) < at {
		return nil
	}
	return list[i-1]
}

// tunnels makes the moves through a VPN's gateway that those which are drawn came by, and cites them there.
func (t *Teller) tunnels(moves []*move) []*move {
	var out []*move
	done := map[*lease]bool{}
	for _, m := range moves {
		if !m.drawn {
			continue
		}
		l := t.leaseOf(m.from, m.time)
		if l == nil || l.outer == "" || l.gateway == m.to {
			continue
		}
		m.cites(l.place)
		if done[l] {
			continue
		}
		done[l] = true
		v := &move{from: l.outer, to: l.gateway, account: l.account, address: l.outer, time: l.time, last: l.time, count: 1, how: "vpn", seen: map[string]bool{event.FromDestination: true}, drawn: true}
		v.cites(l.place)
		out = append(out, v)
	}
	return out
}

// cites adds a place that a move rests on.
func (m *move) cites(p event.Place) {
	if len(m.places) < maxPlaces && !slices.Contains(m.places, p) {
		m.places = append(m.places, p)
	}
}
