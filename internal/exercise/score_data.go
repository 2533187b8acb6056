package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// DamageScore compares what is told of damaged files with what was done to them.
type DamageScore struct {
	Servers int      `json:"servers"`  // that had files damaged
	Files   int      `json:"files"`    // servers of which all damaged files that were collected are told, and no other
	Burst   int      `json:"burst"`    // servers of which the time is told, within the true one give or take a minute
	NoBurst int      `json:"no_burst"` // servers of which it is said why the time is not known
	How     int      `json:"how"`      // local or from afar, rightly
	Source  int      `json:"source"`   // rightly named, where it was from afar
	Afar    int      `json:"afar"`     // servers written to from afar
	Process int      `json:"process"`  // servers of which the process is named, or said why it is not known
	Wrong   []string `json:"wrong"`
	Told    bool     `json:"told"` // false: the case has no data.json
}

// PeopleScore compares the counts of people.
type PeopleScore struct {
	Servers int      `json:"servers"` // that hold data of patients
	Right   int      `json:"right"`
	Estate  *bool    `json:"estate"` // the number over all servers; null without any
	Wrong   []string `json:"wrong"`
}

// dataFile is data.json as the score needs it.
type dataFile struct {
	Damage []struct {
		Server string `json:"server"`
		States []struct {
			State string `json:"state"`
			Files int    `json:"files"`
		} `json:"states"`
		Burst *struct {
			From event.Time `json:"from"`
			To   event.Time `json:"to"`
		} `json:"burst"`
		WhyNoBurst *string `json:"why_no_burst"`
		How        string  `json:"how"`
		Process    *string `json:"process"`
		Source     *string `json:"source"`
		Says       *string `json:"says"`
	} `json:"damage"`
	Patients []struct {
		Server string  `json:"server"`
		Files  int     `json:"files"`
		People *uint64 `json:"people"`
	} `json:"patients"`
	People *uint64 `json:"people"`
}

func (c *comparison) damage() {
	d := &c.score.Damage
	d.Told = c.data != nil
	d.Wrong = []string{}
	for i := range c.truth.Servers {
		s := &c.truth.Servers[i]
		if s.Damage == nil {
			continue
		}
		d.Servers++
		if s.Damage.Source != nil {
			d.Afar++
		}
		if c.data != nil {
			if why := c.damageOf(s); len(why) > 0 {
				d.Wrong = append(d.Wrong, s.Server+": "+strings.Join(why, "; "))
			}
		}
	}
}

// damageOf judges one server and says what is wrong.
func (c *comparison) damageOf(s *truthServer) (wrong []string) {
	d, t := &c.score.Damage, s.Damage
	for i := range c.data.Damage {
		x := &c.data.Damage[i]
		if !sameName(x.Server, s.Server) {
			continue
		}
		files := 0
		for _, st := range x.States {
			if event.HurtState(st.State) {
				files += st.Files
			}
		}
		right := func(ok bool, n *int, format string, args ...any) {
			if ok {
				*n++
			} else {
				wrong = append(wrong, fmt.Sprintf(format, args...))
			}
		}
		right(files == t.Files, &d.Files, "%d damaged files told, %d were collected", files, t.Files)
		right(x.How == t.How, &d.How, "written %s, told %s", t.How, x.How)
		if t.Source != nil {
			right(x.Source != nil && sameName(*x.Source, *t.Source), &d.Source, "from %s, which is not told", *t.Source)
		}
		right(x.Process != nil || x.Says != nil, &d.Process, "neither the process nor why it is not known")
		switch {
		case x.Burst == nil:
			right(x.WhyNoBurst != nil, &d.NoBurst, "neither when nor why that is not known")
		default:
			right(c.within(s, x.Burst.From, x.Burst.To), &d.Burst, "from %s to %s, told %s to %s", t.From, t.To, x.Burst.From, x.Burst.To)
		}
		return wrong
	}
	return []string{"nothing is told"}
}

// within reports whether a stretch lies within the true one, by the true clock or the server's.
func (c *comparison) within(s *truthServer, from, to event.Time) bool {
	for _, offset := range []int{0, c.truth.Clock[s.Server]} {
		off := time.Duration(offset) * time.Second
		if from >= s.Damage.From.Add(off-time.Minute) && to <= s.Damage.To.Add(off+time.Minute) {
			return true
		}
	}
	return false
}

func (c *comparison) people() {
	p := &c.score.People
	p.Wrong = []string{}
	for i := range c.truth.Servers {
		s := &c.truth.Servers[i]
		if s.Patients == nil {
			continue
		}
		p.Servers++
		told := "nothing"
		if c.data != nil {
			for _, x := range c.data.Patients {
				if sameName(x.Server, s.Server) && x.People != nil {
					told = fmt.Sprintf("%d people in %d files", *x.People, x.Files)
				}
			}
		}
		if want := fmt.Sprintf("%d people in %d files", s.Patients.People, s.Patients.Files); told == want {
			p.Right++
		} else {
			p.Wrong = append(p.Wrong, fmt.Sprintf("%s: %s, told %s", s.Server, want, told))
		}
	}
	if c.truth.People > 0 && c.data != nil {
		right := c.data.People != nil && *c.data.People == uint64(c.truth.People)
		p.Estate = &right
	}
}

// text writes the two scores for people.
func (s *Score) dataText(p func(format string, args ...any)) {
	if d := &s.Damage; d.Servers > 0 && d.Told {
		p("Damage: %d servers; files right on %d, when told rightly on %d and why it is not known on %d, local or from afar right on %d, source on %d of %d\n", d.Servers, d.Files, d.Burst, d.NoBurst, d.How, d.Source, d.Afar)
		for _, w := range d.Wrong {
			p("  %s\n", w)
		}
	}
	if x := &s.People; x.Servers > 0 {
		p("People: counted rightly on %d of %d servers", x.Right, x.Servers)
		if x.Estate != nil {
			p(", over the estate %s", map[bool]string{true: "rightly", false: "wrongly"}[*x.Estate])
		}
		p("\n")
		for _, w := range x.Wrong {
			p("  %s\n", w)
		}
	}
}
