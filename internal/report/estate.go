package report

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Budgets of the page. What they leave out is counted on the page, with the file that holds it.
const (
	shownPerReason = 12        // findings of one piece of evidence
	fullPerReason  = 3         // of those, with their fields; the others are a line each
	detailBudget   = 2_400_000 // bytes of fields of findings, all together
	keptArtifacts  = 2_500     // rows of the evidence list
	keptMovements  = 20_000
	movementRows   = 400
	mergeMovements = 40    // above this, movements are merged, which is said
	keptSpare      = 4_000 // findings that only a story may cite
	keptUnused     = 1_500
	keptRules      = 600
	keptChanges    = 500
	fieldsShown    = 48 // of one finding
)

// estate is all that a stream said, in the order in which it is shown.
type estate struct {
	Case
	parts   parts
	clock   clock
	v       *event.Verdicts
	story   *event.Story
	servers []*server      // by verdict, role, name; not listed ones after the others
	byName  map[string]int // index in servers + 1
	wanted  map[string]bool

	cited     map[string]*cited
	spare     top[spare]     // the story may come after the findings that it cites
	hits      map[hitKey]int // findings by server and rule
	rules     map[string]*firedRule
	movements top[event.Movement]
	evidence  []Evidence
	artifacts top[row]
	bytes     int64
	unused    top[Unused]
	reasons   map[string]int // rules that did not run, by reason
	policy    string
	changes   top[Change]
	harm      []*event.Harm
	harmMore  int // beyond those that are kept
	held      []*event.Held
	heldMore  int
	everybody *People
}

type hitKey struct {
	server event.ServerID
	rule   string
}

// firedRule is a rule with how often it fired on the estate.
type firedRule struct {
	event.Rule
	findings int
	servers  map[int]bool
}

// server is a verdict with its place on the page.
type server struct {
	event.Verdict
	N         int             // from 1: its anchor
	Judgement event.Judgement // one of the four; what is none of them is inconclusive
	Role      string          // "" when not known
}

// notExamined is the inconclusive server of which nothing was collected.
func (s *server) notExamined() bool {
	return s.Judgement == event.Inconclusive && s.Examined == event.NothingCollected
}

// full reports that the server has a section of its own.
func (s *server) full() bool {
	return s.Judgement == event.Infiltrated || s.Judgement == event.Suspected
}

func (s *server) flag(name string) bool { return slices.Contains(s.Flags, name) }

// gather collects a stream; render writes what was collected. Handlers differ in render alone.
type gather struct {
	e      estate
	parts  parts
	render func(*estate) error
}

// parts says how much of a stream a form shows, beside case, verdicts and story.
type parts int

const (
	answers  parts = iota // nothing more
	findings              // what these cite
	all                   // evidence, rules and the rest too
)

func (g *gather) Handle(m *Message) error {
	e := &g.e
	switch {
	case m.Case != nil:
		if e.byName != nil {
			return ErrOrder
		}
		e.parts = g.parts
		e.begin(m.Case)
		return nil
	case m.Verdicts != nil:
		if e.byName == nil || e.v != nil {
			return ErrOrder
		}
		e.judge(m.Verdicts)
		return nil
	case e.v == nil:
		return ErrOrder
	}
	switch {
	case m.Story != nil:
		e.story = m.Story
	case g.parts == all || g.parts == findings && m.Finding != nil:
		e.add(m)
	}
	return nil
}

// Close renders. A stream without verdicts is an error: an empty page would look like an answer.
func (g *gather) Close() error {
	if g.e.v == nil {
		return errors.New("report: no verdicts in the stream")
	}
	g.e.settle()
	return g.render(&g.e)
}

func (e *estate) begin(c *Case) {
	e.Case = *c
	e.clock = newClock(c.Zone)
	e.byName = map[string]int{}
	e.wanted = map[string]bool{}
	e.cited = map[string]*cited{}
	e.hits = map[hitKey]int{}
	e.rules = map[string]*firedRule{}
	e.reasons = map[string]int{}
	e.spare = top[spare]{keep: keptSpare, less: func(a, b *spare) int { return strings.Compare(a.ID, b.ID) }}
	e.movements = top[event.Movement]{keep: keptMovements, less: earlierMovement}
	e.artifacts = top[row]{keep: keptArtifacts, less: telling}
	e.unused = top[Unused]{keep: keptUnused, less: func(a, b *Unused) int {
		return cmp.Or(strings.Compare(a.Reason, b.Reason), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	}}
	e.changes = top[Change]{keep: keptChanges, less: func(a, b *Change) int {
		return cmp.Or(cmp.Compare(a.Row, b.Row), cmp.Compare(a.From, b.From))
	}}
}

// judge takes the verdicts and notes which findings they cite, so that no other is kept.
func (e *estate) judge(v *event.Verdicts) {
	e.v = v
	for i := range v.Servers {
		s := &server{Verdict: v.Servers[i], Judgement: v.Servers[i].Verdict}
		switch s.Judgement {
		case event.Infiltrated, event.Suspected, event.NoEvidence, event.Inconclusive:
		default:
			s.Judgement = event.Inconclusive
		}
		if s.Verdict.Role != nil {
			s.Role = *s.Verdict.Role
		}
		e.servers = append(e.servers, s)
	}
	slices.SortStableFunc(e.servers, byVerdictRoleName)
	for i, s := range e.servers {
		s.N = i + 1
		if _, ok := e.byName[string(s.Server)]; !ok {
			e.byName[string(s.Server)] = s.N
		}
		for _, r := range s.Because {
			e.want(r.Findings)
		}
		for _, a := range s.Against {
			e.want(a.Findings)
		}
	}
	for _, a := range v.Answers {
		e.want(a.Because)
	}
	e.want([]string{v.Window.Basis})
}

func (e *estate) want(ids []string) {
	for _, id := range ids[:min(len(ids), shownPerReason)] {
		e.wanted[id] = true
	}
}

func (e *estate) add(m *Message) {
	switch {
	case m.Finding != nil:
		switch id := m.Finding.ID; {
		case e.cited[id] != nil:
		case e.wanted[id]:
			e.cited[id] = newCited(m.Finding, e.parts == all)
			e.fired(&m.Finding.Rule)
		default:
			e.spare.add(spareOf(m.Finding))
		}
	case m.Hits != nil:
		e.hits[hitKey{m.Hits.Server, m.Hits.Rule.ID}] += m.Hits.Findings
		r := e.fired(&m.Hits.Rule)
		r.findings += m.Hits.Findings
		if n := e.byName[string(m.Hits.Server)]; n > 0 {
			r.servers[n] = true
		}
	case m.Movement != nil:
		if !m.Movement.Failed {
			e.movements.add(*m.Movement)
		}
	case m.Evidence != nil:
		e.evidence = append(e.evidence, *m.Evidence)
	case m.Artifact != nil:
		e.bytes += max(0, m.Artifact.Bytes)
		e.artifacts.add(newRow(m.Artifact))
	case m.Unused != nil:
		e.reasons[m.Unused.Reason]++
		e.unused.add(*m.Unused)
	case m.Harm != nil:
		if len(e.harm) < keptHarm {
			e.harm = append(e.harm, m.Harm)
		} else {
			e.harmMore++
		}
	case m.Held != nil:
		if len(e.held) < keptHarm {
			e.held = append(e.held, m.Held)
		} else {
			e.heldMore++
		}
	case m.People != nil:
		e.everybody = m.People
	case m.Policy != nil:
		e.policy = m.Policy.Text
	case m.Change != nil:
		e.changes.add(*m.Change)
	}
}

// fired is the entry of a rule. Two rules without an id are told apart by their titles.
func (e *estate) fired(r *event.Rule) *firedRule {
	key := cmp.Or(r.ID, r.Title)
	if e.rules[key] == nil {
		e.rules[key] = &firedRule{Rule: *r, servers: map[int]bool{}}
	}
	return e.rules[key]
}

// top keeps the first keep items by less and counts them all: memory stays bounded, and the result does not depend on
// the order in which items come.
type top[T any] struct {
	keep  int
	less  func(a, b *T) int
	items []T
	total int
}

func (t *top[T]) add(x T) {
	t.total++
	t.items = append(t.items, x)
	if len(t.items) >= 2*t.keep {
		t.sort()
	}
}

func (t *top[T]) sort() []T {
	slices.SortStableFunc(t.items, func(a, b T) int { return t.less(&a, &b) })
	if len(t.items) > t.keep {
		clear(t.items[t.keep:])
		t.items = t.items[:t.keep]
	}
	return t.items
}

func earlierMovement(a, b *event.Movement) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), strings.Compare(string(a.From), string(b.From)), strings.Compare(string(a.To), string(b.To)),
		strings.Compare(a.Address, b.Address), strings.Compare(a.Account, b.Account), strings.Compare(a.How, b.How),
		strings.Compare(a.Session, b.Session), strings.Compare(a.SeenFrom, b.SeenFrom))
}

// roles in the order in which a hospital misses them. Others follow by name, then servers without one.
var roles = []string{"database", "application", "lis", "pacs", "domain-controller", "hypervisor", "backup", "file", "web",
	"mail", "jump", "other"}

func rankOfRole(role string) int {
	if i := slices.Index(roles, role); i >= 0 {
		return i
	}
	if role == "" {
		return len(roles) + 1
	}
	return len(roles)
}

func rankOfVerdict(s *server) int {
	switch s.Judgement {
	case event.Infiltrated:
		return 0
	case event.Suspected:
		return 1
	case event.NoEvidence:
		return 2
	}
	if s.notExamined() {
		return 4
	}
	return 3
}

func byVerdictRoleName(a, b *server) int {
	return cmp.Or(cmp.Compare(rankOfVerdict(a), rankOfVerdict(b)), cmp.Compare(rankOfRole(a.Role), rankOfRole(b.Role)),
		strings.Compare(a.Role, b.Role), strings.Compare(string(a.Server), string(b.Server)))
}

// tally counts the servers of one denominator by verdict.
type tally struct {
	All, Infiltrated, Suspected, NoEvidence, Inconclusive, NotExamined, Encrypted int
}

func (t *tally) add(s *server) {
	t.All++
	switch s.Judgement {
	case event.Infiltrated:
		t.Infiltrated++
	case event.Suspected:
		t.Suspected++
	case event.NoEvidence:
		t.NoEvidence++
	default:
		t.Inconclusive++
	}
	if s.notExamined() {
		t.NotExamined++
	}
	if s.flag(flagEncrypted) {
		t.Encrypted++
	}
}

// counted tells the servers that make up the denominator from those that only evidence names. Without an inventory
// all make it up.
func (e *estate) counted() (in, beside tally) {
	for _, s := range e.servers {
		if s.Listed || !e.inventory() {
			in.add(s)
		} else {
			beside.add(s)
		}
	}
	return in, beside
}

// inventory reports that the hospital gave a list of its servers.
func (e *estate) inventory() bool {
	if e.v.Listed > 0 {
		return true
	}
	for _, in := range e.Inputs {
		if in.Name == "inventory" {
			return in.SHA256 != nil
		}
	}
	return false
}

// disagreement says where the numbers of verdicts.json are not those of its servers; the page counts the servers.
func (e *estate) disagreement() string {
	t, beside := e.counted()
	want := map[event.Judgement]int{event.Infiltrated: t.Infiltrated, event.Suspected: t.Suspected,
		event.NoEvidence: t.NoEvidence, event.Inconclusive: t.Inconclusive}
	same := !e.inventory() || e.v.Listed == t.All && e.v.Unlisted == beside.All
	for j, n := range want {
		same = same && e.v.Counts[j] == n
	}
	if same {
		return ""
	}
	return "The counts in verdicts.json are not those of the servers it lists. The counts here are of the servers."
}

// says makes a verdict's sentence fit to be read.
func (e *estate) says(s string) string { return show(e.clock.inWords(s), maxSay) }

func (e *estate) sayAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = e.clock.inWords(s)
	}
	return say(out)
}
