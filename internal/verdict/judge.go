package verdict

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// state is what one round of judging rests on and the next one starts from.
type state struct {
	proven   map[event.ServerID]event.Time // infiltrated servers, and since when that is proven
	taken    map[string]event.Time         // accounts, and since when they are proven taken
	used     map[string]event.Time         // of these, accounts that did what proves a server infiltrated, and since when; the others were only exposed
	early    map[string]event.Time         // accounts, and since when it is likely that they are: exposed, or used in a new way from an infiltrated server
	wanted   map[event.ServerID]event.Time // where what an intruder wants was done, and since when
	left     map[departure]event.Time      // by which server the intruder went on from here, and when
	payloads map[string]payload            // by SHA-256: contents that the intruder ran
	added    map[string]payload            // by extension: files of infiltrated servers that were encrypted bear it
	paths    map[string]payload            // by whole path, in lower case: programs that the intruder ran
	made     map[string]event.Time         // accounts that the intruder made, and when
	aims     map[aim]bool                  // what his tools on infiltrated servers were aimed at
	doubted  map[event.ServerID]event.Time // suspected servers, and since when; of the last round alone, nothing is derived from it
	window   event.Window
}

func newState() state {
	return state{
		proven: map[event.ServerID]event.Time{}, taken: map[string]event.Time{}, used: map[string]event.Time{}, early: map[string]event.Time{}, wanted: map[event.ServerID]event.Time{}, left: map[departure]event.Time{},
		payloads: map[string]payload{}, paths: map[string]payload{}, added: map[string]payload{}, made: map[string]event.Time{}, aims: map[aim]bool{},
	}
}

// equal reports whether nothing more was derived.
func (st *state) equal(o *state) bool {
	return maps.Equal(st.proven, o.proven) && maps.Equal(st.taken, o.taken) && maps.Equal(st.used, o.used) && maps.Equal(st.early, o.early) && maps.Equal(st.wanted, o.wanted) && maps.Equal(st.left, o.left) &&
		maps.Equal(st.payloads, o.payloads) && maps.Equal(st.paths, o.paths) && maps.Equal(st.added, o.added) && maps.Equal(st.made, o.made) && maps.Equal(st.aims, o.aims) && st.window == o.window
}

// opinion is what is thought of one server in a round.
type opinion struct {
	judgement event.Judgement
	acts      []*act // all of class A and B, set aside or not
	decisive  []*act // those that prove infiltration
	links     map[*act]string
	context   []*act // linked pieces of class C that count
	tampered  bool   // deliberate anti-forensics
	common    int    // hits of general rules that did not count, and of how many rules
	rules     int
}

// maxRounds bounds the fixed point: each round makes one more server infiltrated or an account taken earlier, or ends it.
const maxRounds = 1000

// Verdicts judges the estate.
func (j *Judge) Verdicts() event.Verdicts {
	ids := j.sort()
	j.stood, j.wanted = map[departure]event.Time{}, map[event.ServerID]event.Time{}
	st := newState()
	st.window = j.window(nil, nil)
	var opinions map[event.ServerID]*opinion
	for range maxRounds {
		opinions = map[event.ServerID]*opinion{}
		for _, id := range ids {
			opinions[id] = j.opine(id, &st)
		}
		next := j.next(ids, opinions)
		if next.equal(&st) {
			break
		}
		st = next
	}
	st.doubted = doubted(ids, opinions, st.window)
	out := j.estate(ids, opinions, &st)
	j.tell(ids, opinions, &st)
	return out
}

// next derives from a round's opinions what the next one starts from.
func (j *Judge) next(ids []event.ServerID, opinions map[event.ServerID]*opinion) state {
	st := newState()
	for _, id := range ids {
		o := opinions[id]
		if o.judgement != event.Infiltrated {
			continue
		}
		st.proven[id] = firstOf(o.decisive)
		for _, a := range o.decisive {
			if !a.borrowed() { // it would prove itself
				for _, account := range a.traits.accounts {
					keepFirst(st.taken, account, a.first)
					keepFirst(st.used, account, a.first)
				}
			}
			for _, p := range a.pieces {
				for _, account := range p.exposed {
					keepFirst(st.taken, account, p.at)
				}
				if p.line.Name == "credentials read" {
					j.servers[id].exposes(p.at, &st)
				}
				j.noteMade(p, &st)
				j.noteAims(id, p, &st)
			}
		}
		j.learn(&st, id, o)
		o.extensions(id, &st)
	}
	st.window = j.window(ids, opinions)
	for _, id := range ids {
		if o := opinions[id]; o.judgement == event.Infiltrated {
			j.depart(id, o, &st)
			j.onlyWay(id, o, opinions, &st)
			j.fromDoubted(id, o, opinions, &st)
		}
	}
	for _, id := range ids {
		j.course(id, opinions[id], opinions, &st)
		j.sentOn(id, opinions[id], opinions, &st)
		j.aims(id, opinions[id], st.window.From)
	}
	for d, at := range j.stood {
		keepFirst(st.left, d, at)
	}
	st.wanted = maps.Clone(j.wanted)
	j.usedEarly(&st)
	return st
}

func firstOf(acts []*act) event.Time {
	t := acts[0].first
	for _, a := range acts[1:] {
		t = min(t, a.first)
	}
	return t
}

// window is From: the earliest piece that proves infiltration, less the policy's time before; To: containment, else the
// estate's last record.
func (j *Judge) window(ids []event.ServerID, opinions map[event.ServerID]*opinion) event.Window {
	t := &j.policy.Thresholds
	w := event.Window{From: event.NoTime, To: j.estateLast(), Basis: "evidence"}
	if j.opt.Until != event.NoTime {
		w.To = j.opt.Until
	}
	earliest := event.NoTime
	for _, id := range ids {
		for _, a := range opinions[id].decisive {
			if p := a.pieces[0]; (earliest == event.NoTime || a.first < earliest) && plausible(a.first) {
				earliest, w.Basis = a.first, p.id
			}
		}
	}
	switch {
	case j.opt.From != event.NoTime:
		w.From, w.Basis = j.opt.From, "given"
	case earliest != event.NoTime:
		w.From = earliest.Add(-t.WindowBefore)
	case w.To != event.NoTime:
		w.From = w.To.Add(-t.WindowWithout)
	}
	return w
}

// estateLast is the time of the estate's last record in a log that answers a question; where none is known, in any. What a
// collector made, and states such as a file's time of change, may be of later than containment. A server whose clock is more
// than a year ahead of half of the others does not set it.
func (j *Judge) estateLast() event.Time {
	if last := j.lastIn(j.answering()); last != event.NoTime {
		return last
	}
	return j.lastIn(nil)
}

// answering are the sources that answer a question of coverage.
func (j *Judge) answering() map[string]bool {
	out := map[string]bool{}
	for _, q := range j.policy.Questions {
		for _, src := range q.Sources {
			out[src.Name] = true
		}
	}
	return out
}

// lastIn is the last record in logs of those sources; nil means of any.
func (j *Judge) lastIn(sources map[string]bool) event.Time {
	var lasts []event.Time
	for _, s := range j.servers {
		last := event.NoTime
		for k, l := range s.logs {
			if t := l.spans.Last(); t > last && plausible(t) && (sources == nil || sources[k.source]) {
				last = t
			}
		}
		if last != event.NoTime {
			lasts = append(lasts, last)
		}
	}
	if len(lasts) == 0 {
		return event.NoTime
	}
	slices.Sort(lasts)
	limit := lasts[len(lasts)/2].Add(366 * 24 * time.Hour)
	last := lasts[0]
	for _, t := range lasts {
		if t <= limit {
			last = t
		}
	}
	return last
}

// opine judges one server on what is known so far.
func (j *Judge) opine(id event.ServerID, st *state) *opinion {
	s := j.servers[id]
	pieces := slices.Concat(s.strong, j.executed(s), j.carried(id, s, st), j.deployed(id, s, st), j.alike(id, s, st), s.untimed(st.window.To), j.movements(id, s, st), j.departures(id, st), j.entries(id, s, st),
		j.attackersAccounts(id, s, st), s.tampering(j.policy, st.window))
	sortPieces(pieces)
	o := &opinion{links: map[*act]string{}}
	o.acts = actsOf(pieces, j.policy.Thresholds.ActWindow)
	for _, a := range o.acts {
		j.enrich(s, a)
		a.why = j.setAside(id, s, a, st)
	}
	j.link(s, o, st)
	j.weigh(s, o, st)
	return o
}

// link finds the acts that prove infiltration: those of class A, and those of class B that have a linked mate.
func (j *Judge) link(s *server, o *opinion, st *state) {
	for i, a := range o.acts {
		if a.why != "" {
			continue
		}
		if a.class == event.A {
			o.decisive = append(o.decisive, a)
			continue
		}
		for k, b := range o.acts {
			if k == i || b.why != "" || !mates(a, b) && b.class != event.A {
				continue
			}
			how, ok := linked(a, b, j.policy.Thresholds.LinkWindow)
			if !ok && withDeparture(a, b, st.window.From) {
				how, ok = "departure", true
			}
			if !ok && (o.pursued(a, b, st.window.From) || o.pursued(b, a, st.window.From)) {
				how, ok = "stage", true
			}
			if !ok && (j.ofOneCourse(s, a, b, st) || j.ofOneCourse(s, b, a, st)) {
				how, ok = "course", true
			}
			if ok {
				o.decisive = append(o.decisive, a)
				o.links[a] = how
				break
			}
		}
	}
}

func (j *Judge) weigh(s *server, o *opinion, st *state) {
	strong := 0
	for _, a := range o.acts {
		if a.why == "" && a.last < st.window.From && !slices.Contains(o.decisive, a) {
			a.why = "it lies before the window, and nothing links it to what lies inside"
		}
		if a.why == "" {
			strong++
			o.tampered = o.tampered || slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return l.Name == "anti-forensics" })
		}
	}
	j.weighContext(s, o, st)
	switch {
	case len(o.decisive) > 0:
		o.judgement = event.Infiltrated
	case strong > 0 || len(o.context) > 0:
		o.judgement = event.Suspected
	default:
		o.judgement = event.Inconclusive // until coverage allows more
	}
}

// weighContext counts pieces of class C: of rules that are rare in the estate and new on this server, in the window, and
// linked by more than time. Three such acts of different rules make a server suspected.
func (j *Judge) weighContext(s *server, o *opinion, st *state) {
	t := &j.policy.Thresholds
	common := max(1, int(t.RareShare*float64(len(j.servers))))
	var pieces []*piece
	for _, rule := range slices.Sorted(maps.Keys(s.context)) {
		c := s.context[rule]
		if len(j.spread[rule]) > common || c.first < st.window.From {
			o.common += c.count
			o.rules++
			continue
		}
		for _, p := range c.pieces {
			if p.at >= st.window.From && p.at <= st.window.To {
				pieces = append(pieces, p)
			}
		}
	}
	sortPieces(pieces)
	acts := actsOfContext(pieces, t.ActWindow)
	for i, a := range acts {
		group, rules := []*act{a}, map[string]bool{a.pieces[0].rule: true}
		for k, b := range acts {
			if k == i || rules[b.pieces[0].rule] {
				continue
			}
			if _, ok := a.traits.share(&b.traits); ok {
				group = append(group, b)
				rules[b.pieces[0].rule] = true
			}
		}
		if len(group) >= t.ContextPieces && len(group) > len(o.context) {
			o.context = group
		}
	}
}

// maxContextActs bounds the comparison of each with each.
const maxContextActs = 500

// actsOfContext joins pieces of class C into acts. That they serve the one line of context makes them no act: only a
// record, a process or a file does.
func actsOfContext(pieces []*piece, window time.Duration) []*act {
	var out []*act
	last := map[string]*act{}
	for _, p := range pieces {
		var into *act
		keys := append([]string{"place " + p.place}, prefixed("process ", p.traits.processes)...)
		keys = append(keys, prefixed("file ", p.traits.files)...)
		for i, k := range keys {
			if a := last[k]; a != nil && (i == 0 || p.at <= a.last.Add(window)) {
				into = a
				break
			}
		}
		if into == nil {
			if len(out) >= maxContextActs {
				break
			}
			into = &act{first: p.at, last: p.at}
			out = append(out, into)
		}
		into.take(p)
		for _, k := range keys {
			last[k] = into
		}
	}
	return out
}

func prefixed(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = prefix + s
	}
	return out
}

// setAside says why an act does not count; "" if it does.
func (j *Judge) setAside(id event.ServerID, s *server, a *act, st *state) string {
	switch {
	case a.first > st.window.To && st.window.To != event.NoTime:
		return "it lies after the window"
	case j.opt.From != event.NoTime && a.last < j.opt.From:
		return "it lies before the window that was given"
	case a.class == event.A:
		return "" // no approval makes the attacker's own program lawful
	}
	if why := j.approved(id, a, st); why != "" {
		return why
	}
	if !slices.ContainsFunc(a.pieces, func(p *piece) bool { return !p.unnamed }) {
		return "it was logged while the computer bore the name that setup had given it: before it was put to use, or of the template that it was made from"
	}
	if why := s.ofTheSite(a, st); why != "" {
		return why
	}
	if why := s.undeliberate(a, &j.policy.Thresholds); why != "" {
		return why
	}
	return s.habitual(a, st)
}

// ofTheSite sets aside that a script among a site's uploads was called, where many call it, or somebody did before the
// window: then it is a page of the site's own.
func (s *server) ofTheSite(a *act, st *state) string {
	if !a.only("script called") {
		return ""
	}
	same := func(q *piece) bool {
		return slices.ContainsFunc(a.pieces, func(p *piece) bool { return p.object == q.object })
	}
	if slices.ContainsFunc(s.noted, func(q *piece) bool { return q.line.Name == "script of many" && same(q) }) {
		return "many addresses call the same script: it is a page of the site"
	}
	if slices.ContainsFunc(s.strong, func(q *piece) bool { return q.line.Name == "script called" && q.at < st.window.From && same(q) }) {
		return "the same script was called so before the window: it is a page of the site"
	}
	return ""
}

// habitDays is on how many days before the window an act must have been seen to be called a habit. Where nothing sets a
// window, it must have been seen on quietDays in all, over a week or more.
const (
	habitDays = 3
	quietDays = 5
)

// habitual sets aside what the same account did in the same way on this server on several days before the window: backup
// jobs that use xp_cmdshell, scanners that read LSASS.
func (s *server) habitual(a *act, st *state) string {
	for _, p := range a.pieces {
		days := map[int64]bool{}
		first, last := p.at, p.at
		for _, q := range s.strong {
			if q.rule != p.rule || q.line != p.line || !sameWay(p, q) || st.window.Basis != "evidence" && (q.at >= st.window.From || q.at >= p.at) {
				continue
			}
			days[int64(q.at)/int64(24*time.Hour)] = true
			first, last = min(first, q.at), max(last, q.at)
		}
		quiet := st.window.Basis == "evidence" && len(days) >= quietDays && last.Sub(first) >= 7*24*time.Hour
		if !quiet && (st.window.Basis == "evidence" || len(days) < habitDays) {
			return ""
		}
	}
	return "the same was done in the same way on this server on several days before"
}

// sameWay compares what was done, by what program and by whom.
func sameWay(p, q *piece) bool {
	return p.program == q.program && p.object == q.object && slices.Equal(p.traits.accounts, q.traits.accounts) &&
		slices.Equal(p.traits.sources, q.traits.sources)
}

// approved looks for a row of approved work that explains an act: every column that the hospital gave agrees, and the
// account was not proven taken before.
func (j *Judge) approved(id event.ServerID, a *act, st *state) string {
	for _, account := range a.traits.accounts {
		for taken, at := range st.taken {
			if sameAccount(account, taken) && at < a.first {
				return ""
			}
		}
	}
	for i := range j.opt.Changes {
		c := &j.opt.Changes[i]
		if a.first >= c.From && a.last <= c.To && j.agrees(id, a, c) {
			why := "approved work, row " + fmtUint(uint64(c.Line))
			if c.Ticket != "" {
				why += ", ticket " + c.Ticket
			}
			return why
		}
	}
	return ""
}

func (j *Judge) agrees(id event.ServerID, a *act, c *event.Change) bool {
	if c.Account != "" {
		own := j.accountOf("", c.Account)
		if len(a.traits.accounts) == 0 || slices.ContainsFunc(a.traits.accounts, func(x string) bool { return !sameAccount(x, own) }) {
			return false
		}
	}
	if c.Source != "" {
		if len(a.traits.sources) == 0 || slices.ContainsFunc(a.traits.sources, func(x string) bool { return !j.same(x, c.Source, a.first) }) {
			return false
		}
	}
	if len(c.Targets) > 0 && !slices.ContainsFunc(c.Targets, func(x string) bool { return j.same(string(id), x, a.first) }) {
		return false
	}
	return c.Tool == "" || a.names(c.Tool)
}

// same reports whether two names or addresses are of one server.
func (j *Judge) same(x, y string, at event.Time) bool {
	if strings.EqualFold(x, y) {
		return true
	}
	a, ok := j.opt.Resolve(x, at)
	b, ok2 := j.opt.Resolve(y, at)
	return ok && ok2 && a == b
}

// names reports whether an act's files or programs bear the name of a tool, without its ending, or of what the tool
// leaves at the other end.
func (a *act) names(tool string) bool {
	stem := strings.TrimSuffix(strings.ToLower(fileBase(tool)), ".exe")
	for _, name := range append([]string{stem}, leaves[stem]...) {
		has := func(s string) bool { return strings.Contains(strings.ToLower(s), name) }
		if slices.ContainsFunc(a.traits.files, has) || slices.ContainsFunc(a.pieces, func(p *piece) bool { return has(p.program) || has(p.object) }) {
			return true
		}
	}
	return false
}

// leaves names the services that remote execution tools put on the server that they reach.
var leaves = map[string][]string{
	"psexec": {"psexesvc"}, "psexec64": {"psexesvc"}, "psexec.py": {"psexesvc"}, "paexec": {"paexec"}, "remcom": {"remcomsvc"}, "csexec": {"csexecsvc"},
	"winexe": {"winexesvc"}, "rcmd": {"rcmdsvc"}, "anydesk": {"anydesk"}, "dameware": {"dwmrcs", "dntu"}, "screenconnect": {"screenconnect"},
}

func fileBase(s string) string { return s[strings.LastIndexAny(s, `\/`)+1:] }

// enrich gives an arrival that its own log does not ascribe to anyone the account and source of the one logon over the
// network that came right before it; where the log names the account, the source of that account's. Where
// the server's own log of logons is missing, a domain controller's tickets for it tell the source of that account.
func (j *Judge) enrich(s *server, a *act) {
	if len(a.traits.sources) > 0 || !slices.ContainsFunc(a.pieces, func(p *piece) bool { return p.remote && p.line.SameKind == "arrival" }) {
		return
	}
	found, one := onlyArrival(s.arrivals, a, j.policy.Thresholds.ActWindow)
	if found == nil && one && len(a.traits.accounts) > 0 && s.unseen(j, a.first) {
		found, _ = onlyArrival(s.tickets, a, j.policy.Thresholds.ActWindow)
	}
	if found != nil {
		a.traits.sources = add(a.traits.sources, found.source)
		if found.account != "" {
			a.traits.accounts = add(a.traits.accounts, found.account)
		}
	}
}

// onlyArrival is the one arrival within a time before an act, of its account where that is known; nil if there is none, or not one alone.
func onlyArrival(ways map[arrivalKey]*arrival, a *act, within time.Duration) (found *arrivalKey, one bool) {
	for k, v := range ways {
		if k.failed || k.fromSource || !v.spans.Touches(a.first.Add(-within), a.first) {
			continue
		}
		if len(a.traits.accounts) > 0 && !slices.ContainsFunc(a.traits.accounts, func(x string) bool { return sameAccount(x, k.account) }) {
			continue // another's
		}
		if found != nil && (found.source != k.source || found.account != k.account) {
			return nil, false
		}
		found = &k
	}
	return found, true
}

// movements makes pieces of arrivals from infiltrated servers with accounts already taken, after both were proven.
func (j *Judge) movements(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("movement")
	if line == nil || len(st.proven) == 0 {
		return nil
	}
	var out []*piece
	var came, lent []arrived
	for k, a := range s.arrivals {
		if k.failed || k.account == "" {
			continue
		}
		from := k.from
		since, bad := st.proven[from]
		if !bad || from == id {
			continue
		}
		at, says, borrowed := j.movement(id, s, k, a, since, st)
		if at == event.NoTime || s.opensDesktop(k, at) {
			continue
		}
		if k.fromSource {
			if !s.unseen(j, at) {
				continue // its own log answers for that time, and shows no such arrival
			}
			says += "; seen at the source alone, this server's log of that time is missing"
		}
		if own := j.policy.Line("account of the attacker"); own != nil && j.madeByHim(k, at, st) {
			out = append(out, &piece{
				at: at, line: own, rule: "account used", place: "used " + k.source + k.account + k.how, traits: traits{accounts: []string{k.account}, sources: []string{k.source}},
				says: k.how + " from " + string(from) + ", infiltrated by then, with account " + k.account + ", which the intruder had made",
			})
		}
		if borrowed {
			lent = append(lent, arrived{k, at})
		} else {
			came = append(came, arrived{k, at})
		}
		out = append(out, &piece{
			at: at, line: line, rule: "movement", place: placeOf(a.place) + k.source + k.account + k.how,
			traits: traits{accounts: []string{k.account}, sources: []string{k.source}}, says: says, borrowed: borrowed,
		})
	}
	out = append(out, j.worked(s, came, st)...)
	out = append(out, j.madeThere(s, append(came, lent...), st)...)
	out = append(out, j.byTicket(id, s, st)...)
	slices.SortFunc(out, func(a, b *piece) int {
		return cmp.Or(strings.Compare(a.place, b.place), strings.Compare(a.says, b.says))
	})
	return out
}

// movement is when an arrival from a server that was infiltrated by then counts as the intruder's, NoTime if it does not, what it says, and
// whether the account is not thereby taken.
func (j *Judge) movement(id event.ServerID, s *server, k arrivalKey, a *arrival, since event.Time, st *state) (at event.Time, says string, borrowed bool) {
	way := k.how + " from " + string(k.from)
	by := " with account " + k.account
	if taken := usableAt(k.account, st); taken != event.NoTime {
		return a.unusual(max(since, taken), st.window.From), way + by + ", after both were taken", false
	}
	if at = j.aimedAt(id, k, a, st); at != event.NoTime {
		return at, way + by + ", at which a tool of the intruder's there was aimed then", false
	}
	way += ", infiltrated by then,"
	if at = j.newcomer(s, k, a, since, st); at != event.NoTime {
		return at, way + by + ", which had never come from there, and which went on to what is told below", false
	}
	if at = j.borrowed(s, k, a, since, st); at != event.NoTime {
		return at, way + by + ", whose owner was not at work there: somebody else used it", true
	}
	return j.relayed(id, s, k, a, since, st), way + by + ", which had never come from there; within a week the intruder went on from here", true
}

// unseen reports whether a server's logs leave it open who logged on at a time.
func (s *server) unseen(j *Judge, at event.Time) bool {
	q := j.question("logon")
	if q == nil {
		return true
	}
	_, open := s.logs.question(q, false, interval{at.Add(-time.Minute), at.Add(time.Minute)}, &j.policy.Thresholds)
	return len(open) > 0
}

// usualHour is how far from its hour of day a habit may stray. It excuses only what looks like it: a weekly deployment of
// the afternoon does not excuse the same way at night.
const usualHour = time.Hour

// usual reports whether an arrival was gone at that hour of day on several days before the window.
func (a *arrival) usual(at, from event.Time) bool {
	const day = event.Time(24 * time.Hour)
	days := map[event.Time]bool{}
	for _, s := range a.spans.List {
		if s.First >= from {
			break
		}
		for d := s.First - s.First%day - day; d <= min(s.Last, from)+day; d += day {
			hour := d + at%day
			if hour.Add(-usualHour) <= min(s.Last, from) && hour.Add(usualHour) >= s.First {
				days[d] = true
			}
			if len(days) >= habitDays {
				return true
			}
		}
	}
	return false
}

// unusual is the first instant from a time on at which an arrival was no habit, NoTime if there is none.
func (a *arrival) unusual(at, from event.Time) event.Time {
	for _, s := range a.spans.List {
		for _, t := range []event.Time{s.First, s.Last} {
			if t >= at && !a.usual(t, from) {
				return t
			}
		}
	}
	return event.NoTime
}

// usableAt is since when the intruder may use an account: since it was proven taken, or likely.
func usableAt(account string, st *state) event.Time {
	out := notedAt(st.taken, account)
	if likely := notedAt(st.early, account); likely != event.NoTime && (out == event.NoTime || likely < out) {
		out = likely
	}
	return out
}

// notedAt is the earliest time noted for an account, NoTime if there is none.
func notedAt(times map[string]event.Time, account string) event.Time {
	out := event.NoTime
	for taken, at := range times {
		if sameAccount(account, taken) && (out == event.NoTime || at < out) {
			out = at
		}
	}
	return out
}

// attackersAccounts lifts an account or key to class A that the intruder made and that was used afterwards: made by an
// account already proven taken; or, where the log names no maker, made within the hour after an intruder's arrival on this
// server, and used from a server that is infiltrated. So must be one that may have had a holder before.
func (j *Judge) attackersAccounts(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("account of the attacker")
	if line == nil || len(st.taken) == 0 {
		return nil
	}
	arrivals := j.movements(id, s, st)
	var out []*piece
	for _, p := range s.noted {
		if p.made == nil {
			continue
		}
		own, anyhow := false, false
		if p.made.by != "" {
			taken := notedAt(st.taken, p.made.by)
			own = taken != event.NoTime && taken <= p.at
			anyhow = !p.made.raised
		} else {
			own = slices.ContainsFunc(arrivals, func(a *piece) bool { return a.at <= p.at && p.at <= a.at.Add(time.Hour) })
		}
		if !own {
			continue
		}
		if where := j.usedOn(id, p.made, p.at, anyhow, st); where != "" {
			lifted := *p
			lifted.line = line
			lifted.says = line.Says + " on " + string(where) + ": account " + p.made.account
			out = append(out, &lifted)
		}
	}
	return out
}

// usedOn is the first server by name on which an account that was made on one arrived after a time, anyhow or from an infiltrated server; ""
// if there is none. One of no domain is known where it was made alone: its name on another server, where he came from an infiltrated one, is
// the same hand, unless it may have had a holder before.
func (j *Judge) usedOn(on event.ServerID, made *making, after event.Time, anyhow bool, st *state) event.ServerID {
	for _, id := range slices.Sorted(maps.Keys(j.servers)) {
		elsewhere := id != on && !strings.Contains(made.account, `\`)
		if elsewhere && made.raised {
			continue
		}
		for k, a := range j.servers[id].arrivals {
			if k.failed || !sameAccount(k.account, made.account) || a.spans.Last() <= after {
				continue
			}
			if anyhow && !elsewhere {
				return id
			}
			if _, bad := st.proven[k.from]; bad && !k.fromSource {
				return id
			}
		}
	}
	return ""
}
