package verdict

import (
	"slices"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// piece is one finding, or one fact of coverage or movement, that may count.
type piece struct {
	id      string // of the finding; "" for what no rule found
	at      event.Time
	line    *policy.Line
	rule    string
	level   int
	traits  traits
	place   string // artifact and record of its first place
	program string
	object  string     // what it was done to, shortened
	says    string     // in place of the line's sentence
	exposed []string   // accounts whose key or password it gave away, as far as it names them
	paths   []string   // programs that it names, not the system's own
	payload string     // SHA-256 of the program that it is about
	added   string     // an extension that no known program adds, of a file that was encrypted
	made    *making    // the account that was made, nil where it does not tell
	beside  string     // a second finding that it rests on
	remote  bool       // a service or a file that came over the network: whoever had just logged on put it there
	unnamed bool       // it was logged while the computer bore the name that Windows' setup gives
	untimed bool       // the evidence does not tell when: at is the window's end, and nothing is linked to it by time
	by      event.Time // of an untimed one: it was there by then, 0 where that is not known either

	borrowed bool // an arrival with an account of which nothing but this arrival says that it was taken
}

// when is the piece's time, NoTime where the evidence does not tell.
func (p *piece) when() event.Time {
	if p.untimed {
		return event.NoTime
	}
	return p.at
}

// act is what somebody did once: the pieces that are traces of it.
type act struct {
	first, last event.Time
	class       event.Class
	lines       []*policy.Line
	pieces      []*piece
	count       int // of pieces, kept or not
	traits      traits
	joined      *act   // it turned out to be part of this one
	why         string // why it is set aside; "" while it counts
}

const (
	maxPieces = 64   // of an act that are kept; more only stretch its time
	maxActs   = 4096 // of a server; past it all is one
)

// actsOf joins the pieces of one server, in order of time, into acts. Two pieces are traces of one act when they are the
// same record, or when within the act window they serve the same line, are of the same process or name the same file.
func actsOf(pieces []*piece, window time.Duration) []*act {
	a := actors{window: window, last: map[string]*act{}}
	for _, p := range pieces {
		a.put(p)
	}
	return slices.DeleteFunc(a.list, func(x *act) bool { return x.joined != nil })
}

type actors struct {
	window time.Duration
	list   []*act
	last   map[string]*act // by what pieces have in common: the last act that has it
}

func (a *actors) put(p *piece) {
	var into *act
	keys := keysOf(p)
	for i, k := range keys {
		x := a.last[k].whole()
		near := x != nil && p.at <= x.last.Add(a.window)
		if x == into || !near && !(x != nil && i == 0 && p.place != "") {
			continue
		}
		if into == nil {
			into = x
		} else {
			into.join(x)
		}
	}
	if into == nil && len(a.list) >= maxActs {
		into = a.list[len(a.list)-1].whole()
	}
	if into == nil {
		into = &act{first: p.at, last: p.at}
		a.list = append(a.list, into)
	}
	into.take(p)
	for _, k := range keys {
		a.last[k] = into
	}
}

// keysOf spells what a piece has in common with other traces of its act; the place comes first.
func keysOf(p *piece) []string {
	out := []string{"place " + p.place, "line " + p.line.Name}
	for _, g := range p.traits.processes {
		out = append(out, "process "+g)
	}
	for _, f := range p.traits.files {
		out = append(out, "file "+f)
	}
	return out
}

// whole is the act that a is part of in the end.
func (a *act) whole() *act {
	for a != nil && a.joined != nil {
		a = a.joined
	}
	return a
}

func (a *act) take(p *piece) {
	a.first, a.last = min(a.first, p.at), max(a.last, p.at)
	a.count++
	if len(a.pieces) < maxPieces {
		a.pieces = append(a.pieces, p)
	}
	if !slices.Contains(a.lines, p.line) {
		a.lines = append(a.lines, p.line)
	}
	a.class = worse(a.class, p.line.Class)
	a.traits.merge(&p.traits)
}

func (a *act) join(x *act) {
	for _, p := range x.pieces {
		a.take(p)
	}
	a.count += x.count - len(x.pieces)
	a.first, a.last = min(a.first, x.first), max(a.last, x.last)
	x.joined, x.pieces = a, nil
}

// worse is the weightier of two classes.
func worse(a, b event.Class) event.Class {
	for _, c := range []event.Class{event.A, event.B, event.C} {
		if a == c || b == c {
			return c
		}
	}
	return ""
}

// mates reports whether two acts may be linked at all: of different lines, and not of one kind, so that a noisy rule or
// the several traces of one way in do not add up.
func mates(a, b *act) bool {
	for _, x := range a.lines {
		for _, y := range b.lines {
			if x != y && x.Class == event.B && y.Class == event.B && (x.SameKind == "" || x.SameKind != y.SameKind) {
				return true
			}
		}
	}
	return false
}

// untimed reports whether the evidence tells of none of an act's pieces when it was.
func (a *act) untimed() bool {
	return !slices.ContainsFunc(a.pieces, func(p *piece) bool { return !p.untimed })
}

// linked reports whether two acts share a trait or lie near each other in time, and which.
func linked(a, b *act, window time.Duration) (string, bool) {
	if why, ok := a.traits.share(&b.traits); ok {
		return why, true
	}
	if a.first > b.first {
		a, b = b, a
	}
	if b.first <= a.last.Add(window) && !a.untimed() && !b.untimed() {
		return "time", true
	}
	return "", false
}
