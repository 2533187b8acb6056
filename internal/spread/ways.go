package spread

import (
	"cmp"
	"slices"
	"time"

	"wardround/internal/event"
)

// way is one way that was gone, however often, as one kind of log tells of it.
type way struct {
	from    string // server id, else address or name
	to      event.ServerID
	account Account
	how     string
	seen    string // from which end
}

// trail is when a way was gone: the first few of each hour, and on which days before the window.
type trail struct {
	address string
	hours   map[event.Time]*footsteps
	days    map[event.Time]uint32 // by day before the window: the hours in which it was gone, a bit each
}

// desk is a computer that is no server of the estate, and who works there.
type desk struct {
	from    string
	account Account
}

// seat is an account's desktop on an infiltrated server.
type seat struct {
	server  event.ServerID
	account string // by its name alone
}

// footsteps are the movements of one hour.
type footsteps struct {
	list  []sighting // the first few, in order
	count int
	last  event.Time
}

// sighting is one log's telling of one movement.
type sighting struct {
	time  event.Time
	place event.Place
}

const (
	maxWays  = 50_000
	maxKept  = 1 << 20 // sightings in all
	perHour  = 6
	maxDays  = 400
	habitual = 3 // days before the window on which a way must have been gone to be a habit

	// sessionLasts is how long before an act its session may have been opened.
	sessionLasts = 12 * time.Hour
	// desktopLasts is how long a desktop may be left open.
	desktopLasts = 7 * 24 * time.Hour
	// together is how near traces of one movement lie.
	together = 2 * time.Minute
)

// AddMovement takes a movement by corrected time, with the servers that its names mean. Only what touches an infiltrated or
// suspected server or a taken account is kept.
func (t *Teller) AddMovement(m *event.Movement) {
	if m.How == "vpn" {
		t.lend(m)
	}
	if m.Ended {
		t.leave(m)
		return
	}
	w := wayIn(m)
	if m.Time == event.NoTime || !t.matters(&w, m) {
		return
	}
	x := t.ways[w]
	if x == nil {
		if len(t.ways) >= maxWays {
			return
		}
		x = &trail{hours: map[event.Time]*footsteps{}, days: map[event.Time]uint32{}}
		t.ways[w] = x
	}
	if m.Address != "" && (x.address == "" || m.Address < x.address) {
		x.address = m.Address
	}
	if from := t.facts.Verdicts.Window.From; m.Time < from {
		x.noteDay(m.Time)
		if t.servers[event.ServerID(w.from)] == nil && w.account.Name != "" {
			d := t.desks[desk{w.from, w.account}]
			if d == nil {
				d = &trail{days: map[event.Time]uint32{}}
				t.desks[desk{w.from, w.account}] = d
			}
			d.noteDay(m.Time)
		}
		return
	}
	if to := t.facts.Verdicts.Window.To; to != event.NoTime && m.Time > to {
		return
	}
	t.keep(x, m)
}

// leave notes that a desktop was left or ended.
func (t *Teller) leave(m *event.Movement) {
	k := seat{m.To, ParseAccount(m.Account).Name}
	if !t.isBad(m.To) {
		return
	}
	if t.ended[k] == nil {
		if len(t.ended) >= maxWays {
			return
		}
		t.ended[k] = &event.Spans{Gap: together}
	}
	t.ended[k].Add(m.Time, 1)
}

func (t *Teller) isBad(id event.ServerID) bool {
	s := t.servers[id]
	return s != nil && s.bad
}

// noteDay keeps at which hour of a day before the window a way was gone.
func (x *trail) noteDay(at event.Time) {
	if d := at / event.Time(24*time.Hour); len(x.days) < maxDays || x.days[d] != 0 {
		x.days[d] |= 1 << hourOfDay(at)
	}
}

// habit reports whether a sighting is of what its account is used to: to go that way at that hour, or from its own desk, which is no
// server, to go anywhere at that hour.
func (t *Teller) habit(s *step) bool {
	if s.trail.habit(s.time) {
		return true
	}
	d := t.desks[desk{s.way.from, s.way.account}]
	return d != nil && !event.Abroad(s.way.from) && t.leaseOf(s.way.from, s.time) == nil && d.habit(s.time)
}

func (t *Teller) keep(x *trail, m *event.Movement) {
	hour := m.Time / event.Time(time.Hour)
	f := x.hours[hour]
	if f == nil {
		f = &footsteps{last: event.NoTime}
		x.hours[hour] = f
	}
	f.count++
	f.last = max(f.last, m.Time)
	s := sighting{time: m.Time}
	if len(m.Because) > 0 {
		s.place = m.Because[0]
	}
	i, same := slices.BinarySearchFunc(f.list, s, compareSightings)
	if same {
		f.count--
		return
	}
	if i >= perHour || t.kept >= maxKept {
		return
	}
	if len(f.list) == perHour {
		f.list = f.list[:perHour-1]
		t.kept--
	}
	f.list = slices.Insert(f.list, i, s)
	t.kept++
}

func compareSightings(a, b sighting) int {
	return cmp.Or(cmp.Compare(a.time, b.time), comparePlaces(a.place, b.place))
}

func comparePlaces(a, b event.Place) int {
	return cmp.Or(cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Artifact, b.Artifact), cmp.Compare(a.Record, b.Record), cmp.Compare(a.Offset, b.Offset))
}

// wayIn is the way of a movement.
func wayIn(m *event.Movement) way {
	return way{from: cmp.Or(string(m.From), m.Address, m.Workstation), to: m.To, account: ParseAccount(m.Account), how: m.How, seen: m.SeenFrom}
}

// Matters reports whether AddMovement may keep something of a movement, or of another that differs from it in time, session and
// place alone.
func (t *Teller) Matters(m *event.Movement) bool {
	w := wayIn(m)
	return m.How == "vpn" || m.Ended && t.isBad(m.To) || t.matters(&w, m)
}

// matters reports whether a way may be the intruder's: it comes from an infiltrated server, or with a taken account, or leads
// to a server with evidence.
func (t *Teller) matters(w *way, m *event.Movement) bool {
	if m.Failed || m.From == m.To || w.from == "" || w.to == "" {
		return false
	}
	from, to := t.servers[event.ServerID(w.from)], t.servers[w.to]
	mine := w.account.Name == "" || t.takenAt(w.account) != event.NoTime
	switch {
	case from != nil && from.bad && (mine || to != nil && to.bad):
		return true
	case to == nil || len(to.acts) == 0:
		return false
	}
	return mine || event.Abroad(m.Address) || slices.ContainsFunc(to.accounts, w.account.Same)
}

// habit reports whether a way was gone at that hour of day, or next to it, on several days before the window.
func (x *trail) habit(at event.Time) bool {
	h, days := hourOfDay(at), 0
	near := uint32(1)<<h | 1<<((h+1)%24) | 1<<((h+23)%24)
	for _, hours := range x.days {
		if hours&near != 0 {
			days++
		}
	}
	return days >= habitual
}

func hourOfDay(t event.Time) uint {
	const day = event.Time(24 * time.Hour)
	return uint((t%day + day) % day / event.Time(time.Hour))
}
