// Package verdict says of every server whether it was infiltrated, and what that rests on.
//
// A Judge is handed the servers of the estate, the findings of the rules, the movements between servers and what each log
// proves to have been watched. It joins findings to acts, sets aside what is approved, habitual or common, links the rest,
// and reaches the least fixed point of the rules: a server that is infiltrated makes movements from it count, which may make
// another infiltrated. Nothing here knows a rule or a file. The same facts give the same verdicts in whatever order they
// come, which docs/design/verdicts.md explains line by line.
package verdict

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// Server is a server to be judged: who it is, and what was collected from it.
type Server struct {
	event.Verdict     // the fields that the inventory and the names in evidence fill
	Artifacts     int // files that belong to it
	Read          int // of which some records could be read
	Unreadable    []string
	ClockOff      bool // its times were corrected
}

// Options are what a person may fix.
type Options struct {
	From, Until event.Time // of the window; NoTime leaves it to the evidence
	Changes     []event.Change
	// Resolve finds the server that bears a name or an address at a time.
	Resolve func(name string, at event.Time) (event.ServerID, bool)
	// Account is who bears a SID, "" where no log tells.
	Account func(sid string) string
	// Domain is the NetBIOS name of a Windows domain by its DNS name in lower case, "" where that is its first label, or no log tells.
	Domain func(dns string) string
}

// Judge collects facts and judges. Facts may come in any order, but findings must come before movements, and damage after
// all else: its times are held against the end of the logs.
type Judge struct {
	policy       *policy.Policy
	opt          Options
	servers      map[event.ServerID]*server
	words        map[string]string // each text once
	accounts     spellings         // of movements
	sources      spellings
	spread       map[string]map[event.ServerID]bool // by rule of context: servers on which it fired
	acts         []event.Act
	taken        []event.Taken
	leases       []lease // of VPNs, in order once all is known
	gone         goneWays
	ticketed     goneWays // of tickets
	oldestTicket event.Time
	strangers    []arrived  // from outside, in no order
	damage       event.Time // when files were first seen encrypted, never if they were not
	// Found by what servers were thought of in a round: kept, so that each round only adds.
	stood  map[departure]event.Time
	wanted map[event.ServerID]event.Time
}

// server is all that is known of one.
type server struct {
	in       Server
	strong   []*piece            // class A and B
	noted    []*piece            // lines without class
	deploys  []*piece            // what group policies that are stored here have members do
	timeless []*piece            // class A and B, of which the evidence does not tell when
	files    []File              // that were collected and are no logs
	context  map[string]*context // by rule
	arrivals map[arrivalKey]*arrival
	tickets  map[arrivalKey]*arrival // that a domain controller gave out for this server
	ended    map[string]*event.Spans // by account: when its desktops here were left or ended
	logs     logs
	counts   map[string]int
	kept     map[string]int // strong pieces by rule
}

// context is what one general rule found on a server.
type context struct {
	first  event.Time
	count  int
	pieces []*piece // the first of each day
	days   map[int64]int
}

// arrivalKey tells arrivals apart, however many there were.
type arrivalKey struct {
	source, account, how string
	from                 event.ServerID // that the source was at that time; "" if it is none that is known
	failed               bool
	fromSource           bool // only the log of the other end tells of it
}

// arrival is one way that was gone, once or often.
type arrival struct {
	spans event.Spans
	place event.Place // of the first
	at    event.Time
}

// New makes a Judge.
func New(p *policy.Policy, o Options) *Judge {
	if o.Resolve == nil {
		o.Resolve = func(string, event.Time) (event.ServerID, bool) { return "", false }
	}
	if o.Account == nil {
		o.Account = func(string) string { return "" }
	}
	if o.Domain == nil {
		o.Domain = func(string) string { return "" }
	}
	return &Judge{policy: p, opt: o, servers: map[event.ServerID]*server{}, spread: map[string]map[event.ServerID]bool{}, words: map[string]string{}}
}

// AddServer makes a server known. Facts of servers that nobody made known are passed over.
func (j *Judge) AddServer(s Server) {
	j.servers[s.Server] = &server{
		in: s, context: map[string]*context{}, arrivals: map[arrivalKey]*arrival{}, tickets: map[arrivalKey]*arrival{}, ended: map[string]*event.Spans{}, logs: logs{}, counts: map[string]int{}, kept: map[string]int{},
	}
}

const (
	maxStrong   = 4096 // pieces of class A and B of one rule on one server
	maxNoted    = 4096 // pieces without class on one server
	maxDays     = 400  // days of which a general rule's first hits are kept
	maxPerDay   = 4
	maxArrivals = 20000 // ways to one server
)

// AddFinding takes a finding that serves a line of the table.
func (j *Judge) AddFinding(f *event.Finding, line string) {
	s, l := j.servers[f.Server], j.policy.Line(line)
	if s == nil || l == nil {
		return
	}
	if f.Corrected == event.NoTime {
		if (l.Class == event.A || l.Class == event.B) && len(s.timeless) < maxStrong {
			s.counts[string(l.Class)]++
			p := j.keep(j.pieceOf(f, l))
			p.untimed = true
			s.timeless = append(s.timeless, p)
		}
		if l.Name == "policy deploys" && len(s.deploys) < maxNoted {
			s.deploys = append(s.deploys, j.keep(j.pieceOf(f, l)))
		}
		return
	}
	if d, ok := clockSet(f.Fields); ok && d < j.policy.Thresholds.ClockSet {
		return
	}
	s.counts[string(l.Class)]++
	switch l.Class {
	case event.A, event.B:
		if s.kept[f.Rule.ID]++; s.kept[f.Rule.ID] <= maxStrong {
			s.strong = append(s.strong, j.keep(j.pieceOf(f, l)))
		}
	case event.C:
		j.addContext(s, f, l)
	default:
		if len(s.noted) < maxNoted {
			s.noted = append(s.noted, j.keep(j.pieceOf(f, l)))
		}
	}
}

func (j *Judge) addContext(s *server, f *event.Finding, l *policy.Line) {
	if policy.Level(f.Rule.Level) < policy.Level(j.policy.Thresholds.ContextLevel) {
		return
	}
	if j.spread[f.Rule.ID] == nil {
		j.spread[f.Rule.ID] = map[event.ServerID]bool{}
	}
	j.spread[f.Rule.ID][f.Server] = true
	c := s.context[f.Rule.ID]
	if c == nil {
		c = &context{first: f.Corrected, days: map[int64]int{}}
		s.context[f.Rule.ID] = c
	}
	c.first = min(c.first, f.Corrected)
	c.count++
	day := int64(f.Corrected) / int64(24*time.Hour)
	if c.days[day] < maxPerDay && len(c.days) < maxDays {
		c.days[day]++
		c.pieces = append(c.pieces, j.keep(j.pieceOf(f, l)))
	}
}

func (j *Judge) pieceOf(f *event.Finding, l *policy.Line) *piece {
	p := &piece{id: f.ID, at: f.Corrected, line: l, rule: f.Rule.ID, level: policy.Level(f.Rule.Level), traits: j.traitsOf(f.Fields)}
	if sid := f.Fields[doerField]; sid != "" {
		p.traits.accounts = add(p.traits.accounts, j.accountOf("", j.opt.Account(sid)))
	}
	if l.Flag == "affected" && f.Fields["AddedByNobody"] == "true" {
		p.added = strings.ToLower(f.Fields["AddedExtension"])
	}
	p.unnamed = setupName.MatchString(firstLabel(f.Fields["Computer"])) && !setupName.MatchString(firstLabel(string(f.Server)))
	if l.Name == "account made" {
		p.made = j.madeOf(f.Fields)
	}
	if l.Name == "script fetched" {
		p.traits.sources = fetchedFrom(p.traits.sources, f.Fields)
	}
	if len(f.At) > 0 { // of several records that which makes it whole, whose time the finding bears
		p.place = placeOf(f.At[len(f.At)-1])
	}
	p.program = short(first(f.Fields, programFields))
	p.object = short(first(f.Fields, objectFields))
	p.remote = first(f.Fields, []string{"ServiceName", "ServiceFileName", "RelativeTargetName"}) != ""
	if l.Class != event.C {
		p.paths, p.payload = pathsOf(f.Fields), payloadOf(f.Fields)
	}
	if l.Class != event.C && l.Class != "" { // whatever line it serves: a web shell's command may read a key
		for _, name := range slices.Concat(objectFields, fileFields) {
			p.exposed = exposedBy(p.exposed, f.Fields[name])
		}
	}
	return p
}

// keep makes a piece small: texts that come again are held once, and none keeps a longer one alive.
func (j *Judge) keep(p *piece) *piece {
	p.place = digestOf(p.place)
	for _, s := range []*string{&p.id, &p.rule, &p.program, &p.object, &p.payload, &p.added} {
		*s = j.word(*s)
	}
	for _, list := range [][]string{p.paths, p.exposed, p.traits.accounts, p.traits.sessions, p.traits.sources, p.traits.files, p.traits.processes, p.traits.parents} {
		for i := range list {
			list[i] = j.word(list[i])
		}
	}
	return p
}

// word is the one copy of a text.
func (j *Judge) word(s string) string {
	if s == "" {
		return ""
	}
	if w, ok := j.words[s]; ok {
		return w
	}
	w := strings.Clone(s)
	j.words[w] = w
	return w
}

// digestOf stands for the place of a record, which is long and only compared.
func digestOf(place string) string {
	if place == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(place))
	return string(sum[:12])
}

func first(f map[string]string, names []string) string {
	for _, n := range names {
		if v := strings.TrimSpace(f[n]); v != "" && v != "-" {
			return v
		}
	}
	return ""
}

// short keeps a text within what a sentence can bear.
func short(s string) string {
	const most = 160
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && s[cut]&0xc0 == 0x80 {
		cut--
	}
	return s[:cut] + "…"
}

// spellings are what names of movements were taken for: the same few thousand come a million times.
type spellings map[string]string

const maxSpellings = 1 << 14

// of is what a name is taken for.
func (s *spellings) of(name string, take func(string) string) string {
	to, ok := (*s)[name]
	if !ok {
		if *s == nil || len(*s) >= maxSpellings {
			*s = spellings{}
		}
		to = take(name)
		(*s)[name] = to
	}
	return to
}

func (j *Judge) accountOfMovement(m *event.Movement) string {
	return j.accounts.of(m.Account, func(name string) string { return j.accountOf("", name) })
}

func (j *Judge) sourceOfMovement(m *event.Movement) string {
	take := func(name string) string { return sourceOf(name, "") }
	return cmp.Or(j.sources.of(m.Address, take), j.sources.of(m.Workstation, take))
}

// AddMovement takes a movement, whichever end told of it.
func (j *Judge) AddMovement(m *event.Movement) {
	j.lend(m)
	s := j.servers[m.To]
	if s == nil || m.Time == event.NoTime {
		return
	}
	if m.Ended {
		s.left(j.accountOfMovement(m), m.Time)
		return
	}
	k := arrivalKey{how: m.How, account: j.accountOfMovement(m), failed: m.Failed}
	if k.fromSource = m.SeenFrom == "source"; k.fromSource {
		k.source = string(m.From)
	} else {
		k.source = j.sourceOfMovement(m)
	}
	if k.source == "" {
		return
	}
	if k.from = m.From; k.from == "" {
		k.from, _ = j.opt.Resolve(k.source, m.Time)
	}
	ways := s.arrivals
	if m.SeenFrom == event.FromController {
		if ways = s.tickets; k.failed || k.account == "" {
			return
		}
	}
	a := ways[k]
	if a == nil {
		if len(ways) >= maxArrivals {
			return
		}
		a = &arrival{spans: event.Spans{Gap: 10 * time.Minute}, at: m.Time}
		ways[k] = a
	}
	if len(m.Because) > 0 && (a.place.Artifact == "" || m.Time < a.at || m.Time == a.at && placeOf(m.Because[0]) < placeOf(a.place)) {
		a.at, a.place = m.Time, m.Because[0]
	}
	a.spans.Add(m.Time, 1)
}

// left notes when an account's desktop was left or ended.
func (s *server) left(account string, at event.Time) {
	if account == "" {
		return
	}
	if s.ended[account] == nil {
		if len(s.ended) >= maxArrivals {
			return
		}
		s.ended[account] = &event.Spans{Gap: 10 * time.Minute}
	}
	s.ended[account].Add(at, 1)
}

// AddFile takes a file that was collected and is no log.
func (j *Judge) AddFile(f File) {
	if s := j.servers[f.Server]; s != nil && f.SHA256 != "" {
		s.files = append(s.files, f)
	}
}

// AddActivity takes what a server wrote to a log.
func (j *Judge) AddActivity(id event.ServerID, a event.Activity) {
	s := j.servers[id]
	if s == nil {
		return
	}
	s.logs.add(a)
}

// plausible reports whether a time may be of an event at all. No machine that a hospital runs has logs from before 1995;
// that a time lies in the future cannot be told without a clock, which verdicts do not read.
func plausible(t event.Time) bool {
	return t.Std().Year() >= 1995 && t.Std().Year() < 2100
}

// sort brings all facts into the one order that they are judged in.
func (j *Judge) sort() []event.ServerID {
	ids := make([]event.ServerID, 0, len(j.servers))
	for id, s := range j.servers {
		ids = append(ids, id)
		sortPieces(s.strong)
		sortPieces(s.noted)
		sortPieces(s.timeless)
		sortPieces(s.deploys)
		slices.SortFunc(s.files, func(a, b File) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), strings.Compare(a.SHA256, b.SHA256))
		})
		for _, c := range s.context {
			sortPieces(c.pieces)
		}
	}
	slices.Sort(ids)
	slices.SortFunc(j.leases, compareLeases)
	j.indexWays()
	j.damage = j.firstDamage()
	return ids
}

func sortPieces(p []*piece) {
	slices.SortFunc(p, func(a, b *piece) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.line.Name, b.line.Name), cmp.Compare(a.rule, b.rule), cmp.Compare(a.object, b.object), cmp.Compare(a.id, b.id), cmp.Compare(a.place, b.place))
	})
}

func placeOf(p event.Place) string {
	return p.Artifact + " " + p.Path + " " + fmtUint(p.Record) + " " + fmtUint(uint64(p.Offset))
}
