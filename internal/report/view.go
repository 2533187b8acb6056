package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
)

// What follows is the page as its template reads it. Every text in it went through show; anchors are numbers that this
// program counted; class names are words of this program.

type page struct {
	Exercise       bool
	Version        string
	Zone, Draft    string
	CaseName       string
	Inputs         []inputView
	Headline       []string
	Disagreement   string
	Counts         []countView
	Total, Beside  string
	Denominator    string
	Groups         []groupView
	Many           bool // so many servers that the squares are small
	Answers        []answerView
	Steps          []stepView
	MoreSteps      int
	NotKnown       []string
	MoreNotKnown   int
	AllNotKnown    []string
	Hours          *hoursDrawing
	Sections       []*sectionView
	Loose          []findingView // cited by the answers and by no section
	LooseBrief     []findingView // cited by the story alone
	Story          *storyView
	Data           dataView
	Rows           []rowView
	MovementRows   []movementView
	MovementNote   string
	Window         windowView
	Policy         string
	Changes        []changeView
	ChangeNote     string
	Unused         []unusedView
	UnusedNote     string
	Fired          []firedView
	FiredNote      string
	Evidence       []evidenceView
	EvidenceTotals string
	Artifacts      []artifactView
	ArtifactNote   string
	Matrix         []tacticColumn
	Flags          []struct{ Letter, Word, Means string }
}

type (
	inputView struct{ Name, Short, Full string }
	countView struct {
		Class, Word string
		N           string
		Extra       *countView
	}
	groupView struct {
		Role    string
		Squares []squareView
	}
	squareView struct {
		Full               bool
		N                  int
		Class, Name, Word  string
		Letter, LetterWord string
	}
	linkView struct {
		N    int // anchor of the server; 0 when it is not on the page
		Full bool
		Name string
	}
	answerView struct {
		Label, State, Class, Says string
		Part                      partView
		Refs                      []refView
	}
	partView struct{ ID, Word string } // of this page
	refView  struct{ N, Label int }
	stepView struct {
		Do, Why string
		Servers []linkView
		More    int
	}
	timeView struct{ People, Beside string }
	whenView struct {
		timeView
		Known bool
	}
	reasonView struct {
		Class, Weight, Says, Line string
		Time                      whenView
		Findings                  []findingView
		Brief                     []findingView // further ones, a line each
		More                      string
	}
	findingView struct {
		*cited
		First bool // shown in full here; elsewhere only a link
		Bare  bool // the budget for fields is used up
		Time  whenView
		Fired string
	}
	againstView struct {
		Says, Why string
		Findings  []findingView
		Brief     []findingView
		More      string
	}
	questionView struct {
		Question, Answered, By, Longest string
		Must, None                      bool
		Holes                           []piece
		Unplaced                        bool // partly answered, but where is not known
	}
	sectionView struct {
		N                                                           int
		Class, Name, Word, Certainty, Kind, OS, Location, Addresses string
		Role, Aliases, Since, FirstProven                           string
		Listed, Proven                                              bool
		Flags                                                       []flagView
		Extra                                                       []field
		Bar                                                         *sinceDrawing
		From                                                        []string
		Because                                                     []reasonView
		Against                                                     []againstView
		Questions                                                   []questionView
		Axis                                                        *axis
		Overall                                                     string
		WouldChange, Conflicts                                      []string
		MayReconnect                                                bool
		ReconnectWhy, Totals                                        string
	}
	flagView struct{ Letter, Word string }
	rowView  struct {
		N, Rank                                   int
		Full                                      bool
		Class, Name, Aliases, Word, Certainty     string
		Listed, MayReconnect, Sign                bool
		Role, Kind, Flags, Seen, Weakest, Changes string
		Proven                                    whenView
		ProvenKey                                 string
		SeenKey                                   int
	}
	movementView struct {
		Time                                whenView
		From, To                            linkView
		How, Account, Seen, Session, Merged string
		FromIsAddress                       bool
	}
	windowView struct {
		From, To whenView
		Basis    string
		Ref      int
	}
	changeView struct {
		Row                                  string
		From, To                             whenView
		Account, Source, Targets, Tool, Work string
	}
	unusedView struct {
		Reason, Count string
		Rules         []string
		More          int
	}
	firedView struct {
		Title, ID, Level, Author, License, Source string
		Findings, Servers                         string
	}
	evidenceView struct {
		Collection, Server, Artifacts, Bytes, Records, Damaged, Missing, Unreadable string
		First, Last                                                                 whenView
		Bad                                                                         bool
	}
	artifactView struct {
		artifact
		Size, Counts, State string
	}
)

// limits of the first screen; what they leave out stands in full below.
const (
	stepsShown    = 5
	serversInStep = 6
	notKnownShown = 5
	notKnownAll   = 500
)

// newPage lays out the estate.
func newPage(e *estate) *page {
	p := &page{Exercise: e.Exercise, Zone: e.clock.named, Draft: e.draftWord(), CaseName: cmp.Or(show(e.Name, maxName), "without a name"),
		Headline: e.headline(), Disagreement: e.disagreement(), Version: show(e.Version, maxName)}
	for _, in := range e.Inputs[:min(len(e.Inputs), 20)] {
		p.Inputs = append(p.Inputs, inputView{show(in.Name, maxName), short(in.SHA256), given(in.SHA256)})
	}
	p.counts(e)
	p.squares(e)
	p.steps(e)
	p.unknown(e)
	p.Hours = drawHours(e.v.SeenByHour, e.clock)
	l := &layout{e: e, axis: e.commonAxis(), window: newAxis(e.v.Window.From, e.v.Window.To, e.clock), budget: detailBudget}
	for _, s := range e.servers {
		if s.full() {
			p.Sections = append(p.Sections, l.section(s))
		}
		p.Rows = append(p.Rows, e.row(s))
	}
	p.answers(e, l)
	p.data(e, l)
	p.tell(e, l)
	p.movements(e)
	p.method(e, l)
	p.evidence(e)
	p.Matrix = e.matrix()
	for _, f := range flagLetters {
		p.Flags = append(p.Flags, struct{ Letter, Word, Means string }{f.letter, f.flag, f.means})
	}
	return p
}

func (p *page) counts(e *estate) {
	t, beside := e.counted()
	n := func(n int) string { return grouped(int64(n)) }
	p.Counts = []countView{
		{Class: "inf", Word: string(event.Infiltrated), N: n(t.Infiltrated)},
		{Class: "sus", Word: string(event.Suspected), N: n(t.Suspected)},
		{Class: "noe", Word: string(event.NoEvidence), N: n(t.NoEvidence)},
		{Class: "inc", Word: string(event.Inconclusive), N: n(t.Inconclusive)},
	}
	if t.NotExamined > 0 {
		p.Counts[3].Extra = &countView{Class: "nex", Word: "not examined", N: n(t.NotExamined)}
	}
	p.Total = n(t.All)
	p.Denominator = plain(t.All, "listed server", "listed servers")
	if !e.inventory() {
		p.Denominator = plain(t.All, "server", "servers") + " seen in evidence; no inventory was given, so servers that left no trace are not counted"
	}
	if beside.All > 0 {
		p.Beside = n(beside.All) + " not in the inventory"
	}
}

func (s *server) class() string {
	switch s.Judgement {
	case event.Infiltrated:
		return "inf"
	case event.Suspected:
		return "sus"
	case event.NoEvidence:
		return "noe"
	}
	if s.notExamined() {
		return "nex"
	}
	return "inc"
}

func (p *page) squares(e *estate) {
	p.Many = len(e.servers) > 300
	groups := map[string]*groupView{}
	var order []string
	for _, s := range e.servers {
		key := s.Role
		if e.inventory() && !s.Listed {
			key = "\x00" // after all roles
		}
		g := groups[key]
		if g == nil {
			g = &groupView{Role: cmp.Or(roleWord(s.Role), "role "+notKnown)}
			if key == "\x00" {
				g.Role = "not in the inventory"
			}
			groups[key] = g
			order = append(order, key)
		}
		q := squareView{Full: s.full(), N: s.N, Class: s.class(), Name: show(string(s.Server), maxName), Word: s.verdictWord()}
		if s.flag(flagEncrypted) {
			q.Letter, q.LetterWord = "E", flagEncrypted
		} else if s.flag(flagPatients) && s.Judgement == event.Infiltrated { // on the other signs a second letter cannot be read
			q.Letter, q.LetterWord = "P", flagPatients
		}
		g.Squares = append(g.Squares, q)
	}
	slices.SortStableFunc(order, func(a, b string) int {
		return cmp.Or(compareBool(a == "\x00", b == "\x00"), cmp.Compare(rankOfRole(a), rankOfRole(b)), strings.Compare(a, b))
	})
	for _, k := range order {
		p.Groups = append(p.Groups, *groups[k])
	}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func (e *estate) link(name event.ServerID) linkView {
	l := linkView{Name: cmp.Or(show(string(name), maxName), "server "+notKnown)}
	if n := e.byName[string(name)]; n > 0 {
		l.N, l.Full = n, e.servers[n-1].full()
	}
	return l
}

func (p *page) steps(e *estate) {
	for _, s := range e.v.DoNext {
		if len(p.Steps) == stepsShown {
			break
		}
		v := stepView{Do: capital(show(s.Do, maxName)), Why: show(s.Why, maxSay), More: max(0, len(s.Servers)-serversInStep)}
		for _, name := range s.Servers[:min(len(s.Servers), serversInStep)] {
			v.Servers = append(v.Servers, e.link(name))
		}
		p.Steps = append(p.Steps, v)
	}
	p.MoreSteps = len(e.v.DoNext) - len(p.Steps)
}

func (p *page) unknown(e *estate) {
	for _, s := range e.v.NotKnown[:min(len(e.v.NotKnown), notKnownAll)] {
		p.AllNotKnown = append(p.AllNotKnown, show(s, maxSay))
	}
	n := min(len(p.AllNotKnown), notKnownShown)
	p.NotKnown, p.MoreNotKnown = p.AllNotKnown[:n], len(e.v.NotKnown)-n
	if p.MoreNotKnown == 0 {
		p.AllNotKnown = nil
	}
}

// answers comes after the sections, so that its references find what they show.
func (p *page) answers(e *estate, l *layout) {
	for _, a := range e.answers() {
		v := answerView{Label: capital(show(a.Question, maxName)), State: stateWord(a.State), Class: strings.ToLower(stateWord(a.State)), Says: e.says(a.Says), Part: e.partOf(a.Question)}
		for _, id := range a.Because[:min(len(a.Because), shownPerReason)] {
			if c := e.find(id); c != nil {
				if c.N == 0 {
					p.Loose = append(p.Loose, l.finding(c))
				}
				v.Refs = append(v.Refs, refView{c.N, len(v.Refs) + 1})
			}
		}
		p.Answers = append(p.Answers, v)
	}
}

func (e *estate) when(t event.Time) whenView {
	return whenView{timeView{e.clock.people(t), e.clock.beside(t)}, t != event.NoTime}
}

// second is when without the fraction: for tables, where the section or the log has it.
func (e *estate) second(t event.Time) whenView {
	if t != event.NoTime {
		t = event.At(t.Std().Truncate(time.Second))
	}
	return e.when(t)
}

// layout numbers the findings as they come and keeps their budget.
type layout struct {
	e            *estate
	axis, window *axis
	placed       int
	budget       int
}

// finding shows c in full where it comes first on the page, as long as the budget for fields lasts.
func (l *layout) finding(c *cited) findingView {
	f := l.line(c)
	if f.First && l.budget > 0 {
		l.budget -= c.fill()
	}
	f.Bare = len(c.raw) > 0
	return f
}

// line shows where c stands and no more.
func (l *layout) line(c *cited) findingView {
	f := findingView{cited: c, First: c.N == 0, Time: l.e.when(c.Time)}
	if f.First {
		l.placed++
		c.N = l.placed
	}
	if n := l.e.hits[hitKey{c.server, c.rule}]; n > 1 {
		f.Fired = grouped(int64(n)) + " findings of this rule on this server, all in findings.jsonl"
	}
	return f
}

// findings shows the cited ones of a list and says what is left out.
func (l *layout) findings(ids []string) (full, brief []findingView, more string) {
	shown := 0
	for _, id := range ids[:min(len(ids), shownPerReason)] {
		c := l.e.find(id)
		if c == nil {
			continue
		}
		shown++
		if len(full) < fullPerReason {
			full = append(full, l.finding(c))
		} else {
			brief = append(brief, l.line(c))
		}
	}
	if shown < len(ids) {
		more = grouped(int64(shown)) + " of " + grouped(int64(len(ids))) + " shown, all in findings.jsonl"
	}
	if len(ids) == 0 {
		more = "no finding is named"
	}
	return full, brief, more
}

// weightOf says what a class weighs in words.
func weightOf(c event.Class) string {
	switch c {
	case event.A:
		return "decisive alone"
	case event.B:
		return "needs a linked mate"
	case event.C:
		return "context"
	}
	return "class " + notKnown
}

func (l *layout) section(s *server) *sectionView {
	e := l.e
	v := &sectionView{
		N: s.N, Class: s.class(), Name: show(string(s.Server), maxName), Word: s.verdictWord(), Certainty: s.certainty(),
		Kind: kindWord(s.Kind), Role: cmp.Or(roleWord(s.Role), "role "+notKnown), OS: known(s.OS, maxName), Location: known(s.Location, maxName),
		Addresses: list(s.Addresses, 20), Aliases: names(s.Aliases, 20), Listed: s.Listed || !e.inventory(), Since: e.since(s.Since, s.Judgement),
		Bar: drawSince(l.axis, s), Axis: l.window, Overall: percent(s.Coverage.Overall),
		WouldChange: e.sayAll(s.WouldChangeIt), Conflicts: say(s.Conflicts), MayReconnect: s.Reconnect.Allowed,
		ReconnectWhy: cmp.Or(e.says(s.Reconnect.Because), "the reason is "+notKnown),
	}
	v.FirstProven = e.firstProven(s)
	v.Proven = s.Judgement == event.Infiltrated
	for _, f := range s.Flags[:min(len(s.Flags), 20)] {
		v.Flags = append(v.Flags, flagView{flagLetter(f), cmp.Or(e.flagWord(s, f), show(f, maxName))})
	}
	keys := make([]string, 0, len(s.Extra))
	for k := range s.Extra {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys[:min(len(keys), 20)] {
		v.Extra = append(v.Extra, field{show(k, maxName), cmp.Or(showField(k, s.Extra[k], len(s.Extra[k])), notKnown)})
	}
	for _, o := range s.From[:min(len(s.From), 20)] {
		v.From = append(v.From, origin(o))
	}
	for _, r := range s.Because {
		rv := reasonView{Class: cmp.Or(show(string(r.Class), 20), "–"), Weight: weightOf(r.Class), Says: cmp.Or(e.says(r.Says), "what it says is "+notKnown),
			Line: show(r.Line, maxSay), Time: e.when(r.Time)}
		rv.Findings, rv.Brief, rv.More = l.findings(r.Findings)
		v.Because = append(v.Because, rv)
	}
	for _, a := range s.Against {
		av := againstView{Says: cmp.Or(e.says(a.Says), notKnown), Why: cmp.Or(e.says(a.Why), "why is "+notKnown)}
		av.Findings, av.Brief, av.More = l.findings(a.Findings)
		v.Against = append(v.Against, av)
	}
	for _, q := range s.Coverage.Questions {
		v.Questions = append(v.Questions, l.question(q))
	}
	v.Totals = e.totals(s)
	return v
}

func (l *layout) question(q event.Question) questionView {
	v := questionView{Question: cmp.Or(show(q.Question, maxName), "question "+notKnown), Answered: percent(q.Answered), Must: q.Must, By: cmp.Or(names(q.By, 8), "nothing"), None: !(q.Answered > 0)}
	if l.window == nil {
		return v
	}
	longest := event.Time(0)
	var from event.Time
	for _, h := range q.Holes {
		if d := h[1] - h[0]; h[0] != event.NoTime && h[1] != event.NoTime && d > longest {
			longest, from = d, h[0]
		}
	}
	if longest > 0 && !v.None {
		v.Longest = "longest hole " + spell(longest) + " from " + l.e.clock.minute(from)
	}
	v.Holes = l.window.stretches(q.Holes)
	v.Unplaced = !v.None && len(v.Holes) == 0 && q.Answered < 1
	return v
}

// spell writes a length of time in the two largest units that matter.
func spell(d event.Time) string {
	minutes := int64(d) / 6e10
	switch days, hours := minutes/1440, minutes/60; {
	case days >= 3:
		return grouped(days) + " days"
	case hours >= 1:
		return grouped(hours) + " h"
	case minutes >= 1:
		return grouped(minutes) + " min"
	}
	return "under 1 min"
}

// totals says how many findings there are beside those shown.
func (e *estate) totals(s *server) string {
	var parts []string
	for _, c := range []event.Class{event.A, event.B, event.C} {
		if n := s.Findings[string(c)]; n > 0 {
			parts = append(parts, "class "+string(c)+" "+grouped(int64(n)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return "Findings on this server: " + strings.Join(parts, ", ") + ". All are in findings.jsonl; cited ones are shown here."
}

func say(list []string) (out []string) {
	for _, s := range list[:min(len(list), 100)] {
		out = append(out, show(s, maxSay))
	}
	if more := len(list) - len(out); more > 0 {
		out = append(out, grouped(int64(more))+" more in verdicts.json")
	}
	return out
}

// names joins at most n texts with commas, "" for none.
func names(texts []string, n int) string {
	var out []string
	for _, t := range texts[:min(len(texts), n)] {
		out = append(out, show(t, maxName))
	}
	s := strings.Join(out, ", ")
	if more := len(texts) - len(out); more > 0 {
		s += " and " + grouped(int64(more)) + " more"
	}
	return s
}

// list is names, "not known" for none.
func list(texts []string, n int) string { return cmp.Or(names(texts, n), notKnown) }

func (e *estate) row(s *server) rowView {
	r := rowView{
		N: s.N, Full: s.full(), Class: s.class(), Name: show(string(s.Server), maxName), Aliases: names(s.Aliases, 6), Word: s.verdictWord(),
		Certainty: s.certainty(), Listed: s.Listed || !e.inventory(), Role: cmp.Or(roleWord(s.Role), notKnown), Kind: kindWord(s.Kind),
		MayReconnect: s.Reconnect.Allowed, Flags: names(s.Flags, 12), Changes: strings.Join(e.sayAll(s.WouldChangeIt), " · "), Rank: rankOfVerdict(s), SeenKey: -1,
	}
	if s.Since != nil {
		r.Proven = e.second(s.Since.FirstProven)
		if s.Since.FirstProven != event.NoTime {
			r.Sign = s.Judgement != event.Infiltrated
			r.ProvenKey = strconv.FormatInt(int64(s.Since.FirstProven)/1e9, 10)
		}
	}
	switch {
	case s.Examined == event.NothingCollected:
		r.Seen = "nothing collected"
	case s.Examined == event.Unreadable:
		r.Seen = "what was collected is unreadable"
	case len(s.Coverage.Questions) == 0:
		r.Seen = notKnown
	default:
		r.Seen = "answered for " + percent(s.Coverage.Overall) + " of the window"
		r.SeenKey = int(min(max(s.Coverage.Overall, 0), 1) * 1000)
		var worst *event.Question
		for i := range s.Coverage.Questions {
			if q := &s.Coverage.Questions[i]; q.Must && (worst == nil || q.Answered < worst.Answered) {
				worst = q
			}
		}
		if worst != nil {
			r.Weakest = "least: " + show(worst.Question, maxName) + " " + percent(worst.Answered)
		}
	}
	return r
}
