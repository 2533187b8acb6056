package match

import (
	"time"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// Meter measures what each rule of a program costs on the records that are matched with a Scratch that has it. Answers to a
// question that several rules ask count to the first of them.
type Meter struct {
	Rules   []Cost // by rule of the program
	Records int
	Time    time.Duration // of matching, the search for the texts of all rules included

	watch func() time.Duration
	at    int // the rule that is evaluated
}

// Cost is what one rule came to.
type Cost struct {
	Woken       int // records on which a text of the rule was found, or that it must see whatever they hold
	Hits        int
	Expressions int           // regular expressions that it ran
	Time        time.Duration // of its evaluation
}

// Measure makes a Scratch measure, by a stopwatch that runs. What matches does not depend on it.
func (s *Scratch) Measure(p *Program, watch func() time.Duration) *Meter {
	s.meter = &Meter{Rules: make([]Cost, len(p.Rules)), watch: watch}
	return s.meter
}

func (m *Meter) record(begin time.Duration) {
	m.Records++
	m.Time += m.watch() - begin
}

// measured is eval for a rule, with its cost.
func (s *Scratch) measured(r *event.Record, n int32) bool {
	rule := &s.plan.rules[n]
	s.meter.at = rule.rule
	c := &s.meter.Rules[rule.rule]
	c.Woken++
	begin := s.meter.watch()
	held := s.eval(r, &rule.cond)
	c.Time += s.meter.watch() - begin
	if held {
		c.Hits++
	}
	return held
}

func (m *Meter) asked(a *atom) {
	if a.leaf.Op == sigma.Matches {
		m.Rules[m.at].Expressions++
	}
}
