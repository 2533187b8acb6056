package verdict

import (
	"fmt"

	"wardround/internal/event"
)

// Damage is what a look at the files of a server found: how many were hurt, and how sure that is.
type Damage struct {
	Server            event.ServerID
	Proven, Plausible int64 // hurt files
	LookedAt          int64
	First             event.Time // of the burst; NoTime where nothing tells
	Example           string     // one of the hurt files
	Process           string     // of the server itself, which events show writing many files with a second extension; "" without
	Written           int64      // such writes
}

// How much damage speaks. One file may have been encrypted by its owner, and numbers call one whole file in three hundred damaged: so three that a
// comparison proves, or as many as no chance makes, of what was looked at.
const (
	provenFiles    = 3
	plausibleFiles = 8
	plausibleShare = 20 // one in so many
)

// AddDamage takes what a look at a server's files found, after all that logs tell. What is only plausible is never class A: it says that
// files are hurt, and the act that hurt them must be seen. A time after the last record of all logs is that of a copy, or of who repaired:
// what proves the damage holds, its time does not.
func (j *Judge) AddDamage(d Damage) {
	s := j.servers[d.Server]
	if s == nil {
		return
	}
	if last := j.estateLast(); j.opt.Until == event.NoTime && last != event.NoTime && d.First > last {
		d.First = event.NoTime
	}
	p := &piece{at: d.First, rule: "damage", object: short(d.Example), place: digestOf("damage " + string(d.Server)), untimed: d.First == event.NoTime}
	switch {
	case d.Proven >= provenFiles && d.Process != "":
		p.line, p.program = j.policy.Line("encrypted here"), short(d.Process)
		p.says = fmt.Sprintf("%s, as their earlier versions prove, and a process of this server wrote %d files with a second extension", hurtFiles(d.Proven), d.Written)
	case d.Proven >= provenFiles:
		p.line = j.policy.Line("affected from afar")
		p.says = fmt.Sprintf("%s, as their earlier versions prove; by whom is not shown", hurtFiles(d.Proven))
	case d.Plausible >= plausibleFiles && d.Plausible*plausibleShare >= d.LookedAt && !s.hurt():
		p.line = j.policy.Line("affected from afar")
		p.says = fmt.Sprintf("%s of %d that were looked at, by their content; by whom is not shown", hurtFiles(d.Plausible), d.LookedAt)
	}
	if p.line == nil {
		return
	}
	s.counts[string(p.line.Class)]++
	if p.untimed {
		s.timeless = append(s.timeless, j.keep(p))
	} else {
		s.strong = append(s.strong, j.keep(p))
	}
}

func hurtFiles(n int64) string { return fmt.Sprintf("%d files are encrypted or overwritten", n) }

// hurt reports whether a finding tells already that files of the server were encrypted.
func (s *server) hurt() bool {
	for _, list := range [][]*piece{s.strong, s.timeless} {
		for _, p := range list {
			if p.line.Flag == "affected" || p.line.Name == "encrypted here" {
				return true
			}
		}
	}
	return false
}
