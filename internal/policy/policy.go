// Package policy holds what a hospital may read and change: which rule is evidence of which weight, when evidence is
// linked, and which questions must be answered before a server may be said to show no evidence. Beside the policy lie the
// rules that Wardround brings; each names the line of the table of classes that it serves.
package policy

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"wardround/internal/event"
)

//go:embed policy.yaml
var builtin []byte

// Text is the built-in policy as it is printed.
func Text() []byte { return slices.Clone(builtin) }

// Policy is what verdicts are reached by.
type Policy struct {
	Version    int                 `yaml:"version"`
	Thresholds Thresholds          `yaml:"thresholds"`
	Lines      []Line              `yaml:"lines"`
	Lifts      []Lift              `yaml:"lifts"`
	Indicators map[string][]string `yaml:"indicators"`
	Questions  []Question          `yaml:"questions"`
	Roles      map[string]Role     `yaml:"roles"`

	lines map[string]*Line
}

// Thresholds are the numbers of the policy; shares run from 0 to 1.
type Thresholds struct {
	WindowBefore    time.Duration `yaml:"window_before"`
	WindowWithout   time.Duration `yaml:"window_without"`
	LinkWindow      time.Duration `yaml:"link_window"`
	ActWindow       time.Duration `yaml:"act_window"`
	RareShare       float64       `yaml:"rare_share"`
	ContextPieces   int           `yaml:"context_pieces"`
	ContextLevel    string        `yaml:"context_level"`
	CoverageOverall float64       `yaml:"coverage_overall"`
	CoverageMust    float64       `yaml:"coverage_must"`
	CriticalMargin  time.Duration `yaml:"critical_margin"`
	Silence         time.Duration `yaml:"silence"`
	ClockSet        time.Duration `yaml:"clock_set"`
	InstallGrace    time.Duration `yaml:"install_grace"`
}

// Line is a line of the table of classes.
type Line struct {
	Name     string      `yaml:"line"`
	Class    event.Class `yaml:"class"`
	Says     string      `yaml:"says"`      // one sentence without its end
	SameKind string      `yaml:"same_kind"` // lines that share it cannot be mates
	Flag     string      `yaml:"flag"`      // set on a server that has such a piece
	Stage    string      `yaml:"stage"`     // foothold or aim: an aim within a week after a foothold is its mate
}

// Lift gives the hits of somebody else's rule the class of a line.
type Lift struct {
	Rule string `yaml:"rule"`
	Line string `yaml:"line"`
}

// Question is a question of coverage with the sources that answer it.
type Question struct {
	Name    string   `yaml:"question"`
	Sources []Source `yaml:"sources"`
}

// Source is a log that answers a question.
type Source struct {
	Name     string   `yaml:"source"`   // event.Source.Name
	Provider string   `yaml:"provider"` // only what this program wrote there
	Witness  []uint32 `yaml:"witness"`  // it answers only where one of these was recorded
}

// Role is what must be known of a server of that role.
type Role struct {
	Must    []string           `yaml:"must"`
	Entry   []string           `yaml:"entry"`
	Weights map[string]float64 `yaml:"weights"`
}

// Default is the built-in policy.
func Default() *Policy {
	p, err := Parse(builtin)
	if err != nil {
		return &Policy{} // the built-in text is tested
	}
	return p
}

// Parse reads a policy. The error names the line of the text or the entry at fault.
func Parse(text []byte) (*Policy, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	var p Policy
	if err := dec.Decode(&p); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("policy is empty: start from what `wardround policy print` prints")
		}
		return nil, fmt.Errorf("read policy: %w", err)
	}
	p.lines = map[string]*Line{}
	for i := range p.Lines {
		p.lines[p.Lines[i].Name] = &p.Lines[i]
	}
	return &p, p.check()
}

// Levels of rules, lowest first.
var levels = []string{"informational", "low", "medium", "high", "critical"}

// Level ranks a rule's level; an unknown one ranks lowest.
func Level(s string) int { return max(slices.Index(levels, strings.ToLower(s)), 0) }

func (p *Policy) check() error {
	if p.Version != 1 {
		return fmt.Errorf("policy: version %d is not known; this program reads version 1", p.Version)
	}
	t := &p.Thresholds
	for name, d := range map[string]time.Duration{
		"window_before": t.WindowBefore, "window_without": t.WindowWithout, "link_window": t.LinkWindow, "act_window": t.ActWindow, "silence": t.Silence,
	} {
		if d <= 0 {
			return fmt.Errorf("policy: threshold %s must be a length of time above zero, such as 6h", name)
		}
	}
	for name, x := range map[string]float64{"rare_share": t.RareShare, "coverage_overall": t.CoverageOverall, "coverage_must": t.CoverageMust} {
		if x < 0 || x > 1 {
			return fmt.Errorf("policy: threshold %s is a share and must lie between 0 and 1", name)
		}
	}
	if !slices.Contains(levels, t.ContextLevel) {
		return fmt.Errorf("policy: context_level %q is none of %s", t.ContextLevel, strings.Join(levels, ", "))
	}
	for _, l := range p.Lines {
		if !slices.Contains([]event.Class{event.A, event.B, event.C, ""}, l.Class) {
			return fmt.Errorf("policy: line %q has class %q; it must be A, B, C or empty", l.Name, l.Class)
		}
		if !slices.Contains([]string{"", "foothold", "aim"}, l.Stage) {
			return fmt.Errorf("policy: line %q has stage %q; it must be foothold, aim or empty", l.Name, l.Stage)
		}
	}
	for _, l := range p.Lifts {
		if p.lines[l.Line] == nil {
			return fmt.Errorf("policy: the lift of rule %q names line %q, which does not exist", l.Rule, l.Line)
		}
	}
	return p.checkRoles()
}

func (p *Policy) checkRoles() error {
	if _, ok := p.Roles["default"]; !ok {
		return errors.New("policy: roles must have an entry for default")
	}
	known := map[string]bool{}
	for _, q := range p.Questions {
		known[q.Name] = true
	}
	for name, r := range p.Roles {
		sum := 0.0
		for q, w := range r.Weights {
			if !known[q] || w < 0 {
				return fmt.Errorf("policy: role %s weighs question %q, which does not exist or weighs less than nothing", name, q)
			}
			sum += w
		}
		for _, q := range slices.Concat(r.Must, r.Entry) {
			if !known[q] {
				return fmt.Errorf("policy: role %s asks question %q, which does not exist", name, q)
			}
		}
		if sum <= 0 {
			return fmt.Errorf("policy: role %s gives no question any weight", name)
		}
	}
	return nil
}

// Line returns a line of the table, nil if there is none of that name.
func (p *Policy) Line(name string) *Line { return p.lines[name] }

// Context is the line of rules that have none.
const Context = "context"

// LineOf returns the line that a rule serves: its lift, else the line that it names itself, else context.
func (p *Policy) LineOf(ruleID, own string) string {
	for _, l := range p.Lifts {
		if l.Rule == ruleID {
			return l.Line
		}
	}
	if p.lines[own] != nil {
		return own
	}
	return Context
}

// Role returns what is asked of a role.
func (p *Policy) Role(name string) Role {
	if r, ok := p.Roles[name]; ok {
		return r
	}
	return p.Roles["default"]
}
