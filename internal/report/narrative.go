package report

import (
	"cmp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Lengths of the written account, so that it stays within two sheets of A4.
const (
	namesTold    = 5
	hopsTold     = 6
	rivalsTold   = 3
	arrivalsTold = 3
	asksTold     = 4
	gapsTold     = 5
	valuesTold   = 2   // of one rung, for as many addresses
	accountSay   = 250 // bytes of one sentence of another's
)

// What carries a sentence that rests on no single record.
const (
	byVerdicts = "verdicts.json"
	byStory    = "spread.json"
)

// Narrative is the written account of a case, for those to whom its lead answers: plain sentences generated from the
// facts alone, each with the finding ids, server names, places or files of the case that carry it. A fact that is
// missing is said to be not known. Texts are masked and plain; the story may be nil.
func Narrative(v *event.Verdicts, story *event.Story, c *Case) event.Narrative {
	var e estate
	e.begin(c)
	e.judge(v)
	e.story = story
	return e.narrative()
}

// teller writes the account of an estate.
type teller struct {
	e *estate
	n event.Narrative
}

func (e *estate) narrative() event.Narrative {
	t := &teller{e: e}
	t.n.Title = "Account of case " + cmp.Or(show(e.Name, maxName), "without a name") + " (" + e.draftWord() + ")"
	if e.Exercise {
		t.n.Title = "EXERCISE: " + t.n.Title
	}
	t.happened()
	t.began()
	t.first()
	t.spread()
	t.steered()
	t.harm()
	t.unknown()
	t.next()
	return t.n
}

func (t *teller) section(heading string) {
	t.n.Sections = append(t.n.Sections, event.Section{Heading: heading, Sentences: []event.Sentence{}})
}

// say adds a sentence. What carries it is given by its kind: findings as ids, servers by name, else a file of the case.
func (t *teller) say(because []string, parts ...string) {
	s := strings.TrimSpace(strings.Join(parts, ""))
	if s == "" {
		return
	}
	if !strings.ContainsAny(s[len(s)-1:], ".!?") {
		s += "."
	}
	var by []string
	for _, b := range because {
		if b = show(b, maxSay); b != "" && !slices.Contains(by, b) {
			by = append(by, b)
		}
	}
	if by == nil {
		by = []string{byVerdicts}
	}
	x := &t.n.Sections[len(t.n.Sections)-1]
	x.Sentences = append(x.Sentences, event.Sentence{Says: upper(s), Because: by})
}

// upper begins a sentence. Names keep their case: only our own words begin with a small letter and a space behind.
func upper(s string) string {
	word, _, _ := strings.Cut(s, " ")
	for _, r := range word {
		if r < 'a' || r > 'z' {
			return s
		}
	}
	return capital(s)
}

// others is a sentence of another room, fit to be read here and not longer than the sheet can bear.
func (t *teller) others(s string) string {
	s = t.e.says(s)
	if len(s) > accountSay {
		cut := accountSay
		if i := strings.LastIndexByte(s[:cut], ' '); i > cut/2 {
			cut = i
		}
		s = strings.ToValidUTF8(s[:cut], "") + " …"
	}
	return s
}

// of names servers, at most so many.
func of(servers []string) string { return names(servers, namesTold) }

func (t *teller) servers(ok func(*server) bool) (out []string) {
	for _, s := range t.e.servers {
		if ok(s) {
			out = append(out, string(s.Server))
		}
	}
	return out
}

func (t *teller) happened() {
	t.section("What happened")
	bad := t.servers(func(s *server) bool { return s.Judgement == event.Infiltrated })
	t.say(bad, strings.Join(t.e.headline(), " "))
	if len(bad) > 0 {
		t.say(bad, "Infiltrated ", plain(len(bad), "is ", "are "), of(bad))
	}
	in, beside := t.e.counted()
	if in.All > 0 {
		t.say([]string{byVerdicts}, grouped(int64(in.Suspected)), plain(in.Suspected, " is", " are"), " suspected; on ", grouped(int64(in.NoEvidence)), " no evidence of it was found, which is no proof that nothing happened; ",
			grouped(int64(in.Inconclusive)), " cannot be judged", nothingCollected(in.NotExamined))
	}
	if beside.All > 0 {
		t.say([]string{byVerdicts}, count(beside.All, "further server is named by the evidence and does", "further servers are named by the evidence and do"), " not stand in the inventory")
	}
	if t.e.v.Window.From != event.NoTime && t.e.v.Window.To != event.NoTime {
		t.say([]string{byVerdicts}, "Judged is the time from ", t.e.clock.people(t.e.v.Window.From), " to ", t.e.clock.people(t.e.v.Window.To))
	}
}

func nothingCollected(n int) string {
	if n == 0 {
		return ""
	}
	return ", " + grouped(int64(n)) + " of them because nothing was collected"
}

// began says since when, by the server that is proven first.
func (t *teller) began() {
	t.section("Since when")
	var first *server
	for _, s := range t.e.servers {
		if s.Judgement == event.Infiltrated && s.Since != nil && s.Since.FirstProven != event.NoTime && (first == nil || s.Since.FirstProven < first.Since.FirstProven) {
			first = s
		}
	}
	if first == nil {
		t.say(nil, "Since when is not known: no infiltration is proven with its time")
		return
	}
	name, x := show(string(first.Server), maxName), first.Since
	because := carriers(first)
	t.say(because, "The earliest infiltration that is proven dates from ", t.second(x.FirstProven), ", on ", name)
	switch {
	case x.EarliestPossible == event.NoTime:
		t.say([]string{string(first.Server)}, "How much earlier it may have begun is not known: no log on ", name, " tells")
	case x.EarliestPossible < x.FirstProven:
		t.say([]string{string(first.Server)}, "It may have begun there as early as ", t.e.clock.people(x.EarliestPossible), ": ", bounded(x.BoundedBy))
	}
	if n := len(t.servers(func(s *server) bool {
		return s != first && s.Judgement == event.Infiltrated && s.Since != nil && (s.Since.EarliestPossible == event.NoTime || s.Since.EarliestPossible < x.FirstProven)
	})); n > 0 {
		t.say(nil, "On ", count(n, "other infiltrated server", "other infiltrated servers"), " the logs leave open whether it was earlier still")
	}
}

// second writes a time with UTC beside it, without the fraction.
func (t *teller) second(at event.Time) string {
	w := t.e.second(at)
	if w.Beside == "" {
		return w.People
	}
	return w.People + " (" + w.Beside + ")"
}

// carriers are the findings of a server's first piece of evidence, else its name.
func carriers(s *server) []string {
	for _, r := range s.Because {
		if len(r.Findings) > 0 {
			return r.Findings[:min(len(r.Findings), 2)]
		}
	}
	return []string{string(s.Server)}
}

// answered says a question of the first screen, where there is no story to tell more.
func (t *teller) answered(question, unknown string) {
	for _, a := range t.e.answers() {
		if strings.EqualFold(a.Question, question) && stateWord(a.State) != "UNKNOWN" {
			t.say(a.Because[:min(len(a.Because), 2)], t.others(a.Says), " (", strings.ToLower(stateWord(a.State)), ")")
			return
		}
	}
	t.say(nil, unknown)
}

func (t *teller) first() {
	t.section("Who was first")
	if t.e.story == nil {
		t.answered("where first", "Which server was first is not known")
		return
	}
	z := &t.e.story.PatientZero
	by := append(slices.Clone(z.Because[:min(len(z.Because), 3)]), byStory)
	if z.Server == nil || *z.Server == "" {
		t.say(by, "Which server was first is not known", colon(t.others(z.Says)))
	} else {
		t.say(append([]string{string(*z.Server)}, by...), "The first server was, ", certaintyOf(known(z.Confidence, 20)), ", ", show(string(*z.Server), maxName), colon(t.others(z.Says)))
	}
	for _, r := range z.Rivals[:min(len(z.Rivals), rivalsTold)] {
		t.say([]string{string(r.Server), byStory}, "Why not ", show(string(r.Server), maxName), ": ", cmp.Or(t.others(r.WhyNot), notKnown))
	}
	if more := len(z.Rivals) - rivalsTold; more > 0 {
		t.say([]string{byStory}, count(more, "further server is", "further servers are"), " weighed in the report")
	}
}

func certaintyOf(word string) string {
	if word == notKnown {
		return "how certain is " + notKnown
	}
	return "with " + word + " certainty"
}

func colon(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

// spread tells the ways by which servers were reached first; movements of one source and account within an hour are one.
func (t *teller) spread() {
	t.section("How it spread")
	if t.e.story == nil {
		t.answered("how far", "How far the intruder came is not known beyond the verdicts")
		return
	}
	s := t.e.story
	if len(s.Edges) == 0 {
		t.say([]string{byStory}, "No movement of the intruder is seen; that does not mean that there was none")
	} else {
		t.totals()
		t.ways()
	}
	for _, a := range s.Unexplained[:min(len(s.Unexplained), arrivalsTold)] {
		t.say([]string{string(a.Server), byStory}, "How ", show(string(a.Server), maxName), " was reached is not known", colon(t.others(a.Why)))
	}
	if more := len(s.Unexplained) - arrivalsTold; more > 0 {
		t.say([]string{byStory}, "The same is not known of ", count(more, "further server", "further servers"))
	}
	t.accounts()
}

func (t *teller) totals() {
	moves, both := 0, 0
	reached := map[event.ServerID]bool{}
	first, last := event.NoTime, event.NoTime
	var silence, before event.Time = 0, event.NoTime
	for i := range t.e.story.Edges {
		x := &t.e.story.Edges[i]
		n := max(1, x.Count)
		moves += n
		if x.SeenFrom == event.BothEnds {
			both += n
		}
		reached[x.To] = true
		if x.Time == event.NoTime {
			continue
		}
		if first == event.NoTime || x.Time < first {
			first = x.Time
		}
		if before != event.NoTime {
			silence = max(silence, x.Time-before)
		}
		before = max(before, x.Time, x.Last)
		last = max(last, before)
	}
	when := ""
	if first != event.NoTime {
		when = ", between " + t.e.clock.people(first) + " and " + t.e.clock.people(last)
	}
	t.say([]string{byStory}, count(moves, "movement of the intruder is", "movements of the intruder are"), " seen, to ", count(len(reached), "server", "servers"), when, "; ",
		ofThem(both, moves), " seen from both ends, the others from one")
	if silence >= event.Time(silentFrom) {
		t.say([]string{byStory}, "The longest time without a movement that is seen is ", spell(silence))
	}
}

// ofThem says how many of all: "all are", "none is", "3 are".
func ofThem(n, all int) string {
	switch {
	case n == all:
		return "all are"
	case n == 0:
		return "none is"
	}
	return grouped(int64(n)) + plain(n, " is", " are")
}

func (t *teller) ways() {
	all, _ := t.e.group(true)
	var entries []hop
	for _, h := range all {
		h.edges = slices.DeleteFunc(slices.Clone(h.edges), func(x *event.Edge) bool { return !x.Entry })
		if len(h.edges) > 0 {
			entries = append(entries, h)
		}
	}
	for i := range entries[:min(len(entries), hopsTold)] {
		h := &entries[i]
		x := h.edges[0]
		from := "from where is not known"
		if h.from.kind != "" {
			from = "from " + t.e.place(h.from).Name
		}
		account := t.e.distinct(h, func(x *event.Edge) string { return stated(x.Account) })
		if account == notKnown {
			account = "an account that is not known"
		}
		to := serverNames(h.targets())
		when := "At a time that is not known "
		if x.Time != event.NoTime {
			when = "On " + t.e.clock.people(x.Time) + " "
		}
		t.say(t.proof(h), when, of(to), plain(len(to), " was", " were"), " reached ", from, " (", t.e.distinct(h, func(x *event.Edge) string { return x.How }), "), with ", account,
			"; seen from ", t.e.distinct(h, seenFrom), ", ", "certainty ", t.e.distinct(h, func(x *event.Edge) string { return x.Confidence }))
	}
	if more := len(entries) - hopsTold; more > 0 {
		t.say([]string{byStory}, "The ways to the servers that were reached later stand in the report")
	}
}

// proof is what carries a hop: findings, else places.
func (t *teller) proof(h *hop) (out []string) {
	for _, x := range h.edges {
		out = append(out, x.Because[:min(len(x.Because), 2)]...)
		if len(x.Because) == 0 && len(x.At) > 0 {
			w := newPlace(x.At[0])
			out = append(out, w.Collection+" · "+w.Path+" "+w.Record)
		}
		if len(out) >= 2 {
			return out[:2]
		}
	}
	if out == nil {
		return []string{byStory}
	}
	return out
}

func (t *teller) accounts() {
	all := t.e.story.Accounts
	if len(all) == 0 {
		t.say([]string{byStory}, "No account is proven to be in the intruder’s hands; that is no proof that none is")
		return
	}
	var who, by []string
	for i := range all {
		who = append(who, all[i].Account)
		if len(by) < 3 {
			by = append(by, all[i].Because[:min(len(all[i].Because), 1)]...)
		}
	}
	t.say(append(by, byStory), count(len(all), "account is", "accounts are"), " proven to be in the intruder’s hands: ", names(who, namesTold))
}

// steered climbs the ladder as far as there is proof and says that it names nobody.
func (t *teller) steered() {
	t.section("From where it was steered")
	by := byStory
	if t.e.story == nil {
		by = byVerdicts
		t.answered("from where", "From where it was steered is not known")
	} else {
		t.rungs()
	}
	t.say([]string{by}, "An address or a network is not a person: nothing here says who did it")
}

func (t *teller) rungs() {
	levels := t.e.climb()
	weighed := map[string]bool{}
	for i, l := range levels {
		if !l.reached && (i == 0 || levels[i-1].reached) {
			t.stop(l, i == 0)
		}
		if !l.known {
			continue
		}
		by, says := l.found()
		switch {
		case l.rung == event.RungClaim:
			t.say(by, "A third party claims, which is no proof: ", says)
		case !l.reached:
			t.say(by, "It does not follow from what was seen: ", strings.ToLower(l.name), " ", says)
		default:
			t.say(by, l.name, ": ", says)
			if other := l.other(weighed); other != "" {
				t.say([]string{byStory}, "It could also be ", t.others(other))
			}
		}
	}
}

// found tells the values of a level, each with its certainty, and the sources of all.
func (l *climbed) found() (by []string, says string) {
	var values, sources []string
	more := 0
	for _, r := range l.rungs {
		v := stated(r.Value)
		if v == "" {
			continue
		}
		if len(values) == valuesTold {
			more++
			continue
		}
		text := show(v, maxName)
		if o := climbsFrom(r); o != "" {
			text += " of " + o
		}
		values = append(values, text+", "+certaintyWord(r.Confidence))
		by = append(by, r.Because[:min(len(r.Because), 1)]...)
		if s := stated(r.Source); s != "" && !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	says = strings.Join(values, "; ")
	if more > 0 {
		says += "; and " + grouped(int64(more)) + " more in the report"
	}
	if len(sources) > 0 {
		says += " (" + names(sources, 2) + ")"
	}
	return append(by, byStory), says
}

// other is the first alternative of a level that no level before it had.
func (l *climbed) other(weighed map[string]bool) string {
	for _, r := range l.rungs {
		for _, a := range r.Alternatives {
			if !weighed[a] && strings.TrimSpace(a) != "" {
				weighed[a] = true
				return a
			}
		}
	}
	return ""
}

// stop says where proof ends.
func (t *teller) stop(l climbed, atOnce bool) {
	if atOnce {
		t.say([]string{byStory}, "From where it was steered is not known: no rung from what was seen to an address, a network or a holder is proven")
		return
	}
	t.say([]string{byStory}, "Proof stops there: ", l.asks, " is not proven")
}

// harm says what was damaged as far as the verdicts' flags tell.
func (t *teller) harm() {
	t.section("What was damaged")
	told := false
	for _, f := range []struct{ flag, says string }{
		{flagEncrypted, "Files were encrypted on "}, {flagAffected, "Files were encrypted or overwritten, by which server is not proven, on "}, {flagPatients, "Patient data lies, whether or not any was read or taken, on "},
		{"credentials exposed", "Passwords or keys could be read on "}, {"evidence tampered", "Logs were deliberately cleared or changed on "},
	} {
		on := t.servers(func(s *server) bool { return s.full() && s.flag(f.flag) })
		if len(on) > 0 {
			told = true
			t.say(on, f.says, count(len(on), "server", "servers"), ": ", of(on))
		}
	}
	if !told {
		t.say(nil, "The verdicts name no damage; that is no proof that there is none")
	}
	t.say(nil, "This account counts servers, not files or patients")
}

func (t *teller) unknown() {
	t.section("What is not known")
	in, _ := t.e.counted()
	if in.Inconclusive > 0 {
		t.say(nil, grouped(int64(in.Inconclusive)), " of ", grouped(int64(in.All)), plain(in.All, " server", " servers"), " cannot be judged: whether the intruder was on them is open")
	}
	for _, s := range t.e.v.NotKnown[:min(len(t.e.v.NotKnown), gapsTold)] {
		t.say(nil, t.others(s))
	}
	if more := len(t.e.v.NotKnown) - gapsTold; more > 0 {
		t.say(nil, count(more, "further gap stands", "further gaps stand"), " in the report")
	}
	if t.e.story != nil {
		off := 0
		for _, c := range t.e.story.Clocks {
			if c.Corrected {
				off++
			}
		}
		if off > 0 {
			t.say([]string{byStory}, "The times of movements above are corrected on ", count(off, "server whose clock was", "servers whose clocks were"), " off, as far as that could be estimated")
		}
	}
	if in.Inconclusive == 0 && len(t.e.v.NotKnown) == 0 {
		t.say(nil, "No list of what is not known was made: that it is empty proves nothing")
	}
}

func (t *teller) next() {
	t.section("What is asked for next")
	for _, s := range t.e.v.DoNext[:min(len(t.e.v.DoNext), stepsShown)] {
		on := ""
		if len(s.Servers) > 0 {
			on = " " + of(serverNames(s.Servers))
		}
		t.say(serverNames(s.Servers), capital(show(s.Do, maxName)), on, colon(t.others(s.Why)))
	}
	if len(t.e.v.DoNext) == 0 {
		t.say(nil, "No next step is named")
	}
	if t.e.story == nil {
		return
	}
	var asks []string
	for _, r := range t.e.story.Origin {
		for _, a := range r.Ask {
			if !slices.Contains(asks, a) && strings.TrimSpace(a) != "" {
				asks = append(asks, a)
			}
		}
	}
	for _, a := range asks[:min(len(asks), asksTold)] {
		t.say([]string{byStory}, "Ask ", t.others(a))
	}
	if more := len(asks) - asksTold; more > 0 {
		t.say([]string{byStory}, count(more, "further request stands", "further requests stand"), " in the report")
	}
}
