package casefile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"wardround/internal/match"
	"wardround/internal/report"
	"wardround/internal/sigma"
)

// RuleCheck is what `wardround rules check` tells.
type RuleCheck struct {
	Files, Others, Rules, Run, Correlations int
	Unused                                  []report.Unused
}

// CheckRules compiles the rules and tells which run.
func CheckRules(o Options) (*RuleCheck, error) {
	in, err := readInputs(o)
	if err != nil {
		return nil, &InputError{err}
	}
	r := newProgram(in, &Status{})
	return &RuleCheck{
		Files: in.set.Files, Others: in.set.Others, Rules: len(in.set.Rules), Run: len(r.program.Rules), Correlations: len(r.corr.List), Unused: r.unused(),
	}, nil
}

// Print writes the check: the counts, then the reasons with how many rules they keep out, or with all every such rule.
func (c *RuleCheck) Print(w io.Writer, all bool) {
	fmt.Fprintf(w, "%d files, %d of them without a rule; %d rules: %d run, %d correlations among them; %d do not run\n",
		c.Files, c.Others, c.Rules, c.Run+c.Correlations, c.Correlations, len(c.Unused))
	if all {
		for _, u := range c.Unused {
			fmt.Fprintf(w, "%s\t%q\t%s\n", cmp.Or(u.ID, "-"), u.Title, u.Reason)
		}
		return
	}
	counts := map[string]int{}
	for _, u := range c.Unused {
		counts[u.Reason]++
	}
	reasons := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	for _, r := range reasons {
		fmt.Fprintf(w, "%6d  %s\n", counts[r], r)
	}
}

// ErrNoRule says that no rule of that name runs.
var ErrNoRule = errors.New("no rule that runs has this id, title or file: `wardround rules check --all` lists those that do not run")

// ExplainRules writes how each rule was compiled whose id, title or file is name.
func ExplainRules(o Options, name string, w io.Writer) error {
	in, err := readInputs(o)
	if err != nil {
		return &InputError{err}
	}
	r := newProgram(in, &Status{})
	found := false
	for i, rule := range r.program.Rules {
		if strings.EqualFold(rule.ID, name) || strings.EqualFold(rule.Title, name) || rule.Path == name {
			found = true
			explain(w, rule, r.program.Explain(i))
		}
	}
	if !found {
		return &InputError{fmt.Errorf("explain %q: %w", name, ErrNoRule)}
	}
	return nil
}

func explain(w io.Writer, rule *sigma.Rule, e match.Explanation) {
	fmt.Fprintf(w, "%q  %s\n%s, level %s, from %q\n", rule.Title, cmp.Or(rule.ID, "without an id"), cmp.Or(rule.Origin, "-"), cmp.Or(rule.Level, "not stated"), rule.Path)
	part := func(head string, lines []string) {
		fmt.Fprintf(w, "\n%s\n", head)
		for _, l := range lines {
			fmt.Fprintf(w, "  %s\n", visible(l))
		}
	}
	part("Sees", e.Sees)
	if len(e.Wakes) == 0 {
		part("Evaluated on each of these events: its condition can hold without any text that the scan looks for", nil)
	} else {
		part("Evaluated where the scan finds one of", e.Wakes)
	}
	part("Then asks, in this order", e.Asks)
	fmt.Fprintln(w)
}

// visible spells out what a terminal could obey: rules are input like any other.
func visible(s string) string {
	q := fmt.Sprintf("%q", s)
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(q[1 : len(q)-1])
}

// RuleCosts is what rules cost on given evidence.
type RuleCosts struct {
	Records int64 // that were matched
	Time    time.Duration
	Rules   []RuleCost // that were evaluated at all, the dearest first
}

// RuleCost is what one rule cost.
type RuleCost struct {
	ID, Title, Origin string
	match.Cost
}

// MeasureRules reads evidence with all rules and measures what each costs. It keeps nothing but a folder under the system's
// for temporary files, which it removes. The options need a clock.
func MeasureRules(ctx context.Context, o Options, status *Status) (*RuleCosts, error) {
	dir, err := os.MkdirTemp("", "wardround-")
	if err != nil {
		return nil, fmt.Errorf("measure rules: %w", err)
	}
	defer os.RemoveAll(dir)
	o.Case, o.Workers = dir, 1
	in, err := readInputs(o)
	if err != nil {
		return nil, &InputError{err}
	}
	all, err := in.collections()
	if err != nil {
		return nil, err
	}
	release, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := newRun(in, status)
	if err != nil {
		return nil, err
	}
	begin := o.Now()
	r.watch = func() time.Duration { return o.Now().Sub(begin) }
	if err := r.collect(ctx, all); err != nil {
		return nil, err
	}
	out := &RuleCosts{Records: int64(r.meter.Records), Time: r.meter.Time}
	for i, c := range r.meter.Rules {
		if c.Woken > 0 {
			rule := r.program.Rules[i]
			out.Rules = append(out.Rules, RuleCost{rule.ID, rule.Title, rule.Origin, c})
		}
	}
	slices.SortStableFunc(out.Rules, func(a, b RuleCost) int { return cmp.Compare(b.Time, a.Time) })
	return out, nil
}

// Print writes the dearest rules, at most top of them.
func (c *RuleCosts) Print(w io.Writer, top int) {
	var evaluated time.Duration
	for _, r := range c.Rules {
		evaluated += r.Time
	}
	fmt.Fprintf(w, "%d records matched in %s, %s of it evaluating %d rules, the rest looking for texts\n\n", c.Records, rounded(c.Time), rounded(evaluated), len(c.Rules))
	fmt.Fprintf(w, "%10s %6s %9s %9s %9s  %s\n", "time", "share", "evaluated", "regular", "hits", "rule")
	for _, r := range c.Rules[:min(top, len(c.Rules))] {
		fmt.Fprintf(w, "%10s %5.1f%% %9d %9d %9d  %q %s\n", rounded(r.Time), 100*float64(r.Time)/float64(max(c.Time, 1)), r.Woken, r.Expressions, r.Hits, r.Title, cmp.Or(r.ID, "-"))
	}
}

func rounded(d time.Duration) string {
	if d < time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(100 * time.Microsecond).String()
}
