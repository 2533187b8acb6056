package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

func fmtUint(n uint64) string { return strconv.FormatUint(n, 10) }

// estate writes the verdicts down.
func (j *Judge) estate(ids []event.ServerID, opinions map[event.ServerID]*opinion, st *state) event.Verdicts {
	critical := j.criticalHours(opinions, st.window)
	out := event.Verdicts{
		Window:  st.window,
		Counts:  map[event.Judgement]int{event.Infiltrated: 0, event.Suspected: 0, event.NoEvidence: 0, event.Inconclusive: 0},
		Answers: []event.Answer{}, DoNext: []event.Step{}, NotKnown: []string{}, SeenByHour: []event.Hour{}, Servers: []event.Verdict{},
	}
	listed := slices.ContainsFunc(ids, func(id event.ServerID) bool { return j.servers[id].in.Listed })
	open := map[event.ServerID][]interval{}
	for _, id := range ids {
		v := j.verdict(id, opinions[id], st, critical, open)
		out.Servers = append(out.Servers, v)
		switch {
		case v.Listed:
			out.Listed++
		case listed:
			out.Unlisted++
			continue
		}
		out.Counts[v.Verdict]++
		if v.Examined == event.NothingCollected {
			out.NotCollected++
		}
	}
	j.answer(&out, opinions, st)
	out.SeenByHour = j.seenByHour(ids, open, critical, st.window)
	return out
}

// verdict writes down what is said of one server.
func (j *Judge) verdict(id event.ServerID, o *opinion, st *state, critical []interval, open map[event.ServerID][]interval) event.Verdict {
	s := j.servers[id]
	v := s.in.Verdict
	role := j.policy.Role(deref(v.Role))
	v.From, v.Flags, v.Because, v.Against, v.WouldChangeIt = []event.Origin{}, []string{}, []event.Reason{}, []event.Against{}, []string{}
	v.Findings = map[string]int{"A": s.counts["A"], "B": s.counts["B"], "C": s.counts["C"]}
	v.Verdict = o.judgement
	enough := j.cover(s, &v, role, st.window, critical, open)
	switch {
	case s.in.Artifacts == 0 && len(s.logs) == 0:
		v.Examined = event.NothingCollected
	case len(s.logs) == 0:
		v.Examined = event.Unreadable
	case enough:
		v.Examined = event.Enough
	default:
		v.Examined = event.InPart
	}
	if v.Verdict == event.Inconclusive && v.Examined == event.Enough && !o.tampered {
		v.Verdict = event.NoEvidence
	}
	j.because(s, o, &v, st)
	if v.Verdict == event.Infiltrated {
		v.Since = j.since(s, o, role, st)
		v.From = j.from(id, s, o, st)
	}
	if s.in.ClockOff {
		v.Flags = append(v.Flags, "clock off")
	}
	v.Confidence = confidence(o, &v)
	v.WouldChangeIt = s.wouldChange(o, &v)
	v.Reconnect = reconnect(&v)
	return v
}

// cover answers the role's questions, and reports whether that is enough to say "no evidence found".
func (j *Judge) cover(s *server, v *event.Verdict, role policy.Role, w event.Window, critical []interval, open map[event.ServerID][]interval) bool {
	t := &j.policy.Thresholds
	v.Coverage.Questions = []event.Question{}
	window := interval{w.From, w.To}
	enough := w.From != event.NoTime && w.To != event.NoTime && w.From < w.To
	sum, all := 0.0, 0.0
	for i := range j.policy.Questions {
		q := &j.policy.Questions[i]
		weight, asked := role.Weights[q.Name]
		must := slices.Contains(role.Must, q.Name)
		if !asked && !must {
			continue
		}
		if !must && !j.asked(s, q) && len(q.Sources) > 0 && slices.Contains([]string{"web request", "database request"}, q.Name) {
			continue // a server without such a service has nothing to answer
		}
		got, gaps := s.logs.question(q, must, window, t)
		v.Coverage.Questions = append(v.Coverage.Questions, got)
		sum += weight * got.Answered
		all += weight
		if must {
			open[v.Server] = append(open[v.Server], gaps...)
			enough = enough && got.Answered >= t.CoverageMust && !meets(gaps, critical)
		}
	}
	open[v.Server] = union(open[v.Server])
	if all > 0 {
		v.Coverage.Overall = round(sum / all)
	}
	return enough && v.Coverage.Overall >= t.CoverageOverall
}

func meets(a, b []interval) bool {
	for _, x := range a {
		for _, y := range b {
			if x[0] < y[1] && y[0] < x[1] {
				return true
			}
		}
	}
	return false
}

// criticalHours are the hours of the window in which the estate has a piece of class A or B that counts, with the margin on
// either side.
func (j *Judge) criticalHours(opinions map[event.ServerID]*opinion, w event.Window) []interval {
	margin := j.policy.Thresholds.CriticalMargin
	var out []interval
	for _, o := range opinions {
		for _, a := range o.acts {
			if a.why != "" {
				continue
			}
			for _, p := range a.pieces {
				if p.at >= w.From && p.at <= w.To && !p.untimed {
					hour := p.at - p.at%event.Time(time.Hour)
					out = append(out, interval{hour.Add(-margin), hour.Add(time.Hour + margin)})
				}
			}
		}
	}
	return union(out)
}

// because lists the pieces that a verdict rests on, one for each act and line, and what was set aside.
func (j *Judge) because(s *server, o *opinion, v *event.Verdict, st *state) {
	flags := map[string]bool{}
	for _, a := range o.acts {
		if a.why != "" {
			v.Against = append(v.Against, event.Against{Findings: idsOf(a.pieces), Says: sentence(a.pieces[0], a), Why: a.why})
			continue
		}
		v.Because = append(v.Because, a.reasons()...)
		for _, l := range a.lines {
			if l.Flag != "" {
				flags[l.Flag] = true
			}
			flags["encrypted"] = flags["encrypted"] || l.Name == "encrypted here" || l.Name == "hypervisor encryptor"
			flags["credentials exposed"] = flags["credentials exposed"] || l.Name == "credentials read"
		}
	}
	for _, a := range o.context {
		p := a.pieces[0]
		v.Because = append(v.Because, event.Reason{Findings: idsOf(a.pieces), Class: event.C, Line: p.line.Name, Time: p.at, Says: sentence(p, a)})
	}
	if o.common > 0 {
		v.Against = append(v.Against, event.Against{
			Findings: []string{}, Says: fmt.Sprintf("%s of %s", plural(o.common, "hit"), plural(o.rules, "general rule")),
			Why: "the same rules fired on more than a tenth of the servers, or on this one before the window",
		})
	}
	flags["encrypted"] = flags["encrypted"] || flags["affected"] && o.wroteHere(j.policy.Thresholds.LinkWindow)
	for _, f := range slices.Sorted(maps.Keys(flags)) {
		if flags[f] && (f != "affected" || !flags["encrypted"]) {
			v.Flags = append(v.Flags, f)
		}
	}
}

// reasons are what an act shows, line by line.
func (a *act) reasons() (out []event.Reason) {
	for _, l := range a.lines {
		of := slices.DeleteFunc(slices.Clone(a.pieces), func(p *piece) bool { return p.line != l })
		if len(of) == 0 {
			continue // it joined others, and what showed it is past the bound
		}
		out = append(out, event.Reason{Findings: idsOf(of), Class: l.Class, Line: l.Name, Time: of[0].when(), Says: sentence(of[0], a)})
	}
	return out
}

// wroteHere reports whether what encrypted a server's files was a process of its own: shadow copies were deleted or the
// intruder's program was started here about when the files were written, or at all where their time is not known.
func (o *opinion) wroteHere(window time.Duration) bool {
	for _, a := range o.acts {
		if a.why != "" || !slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return l.Flag == "affected" }) {
			continue
		}
		if o.judgement == event.Infiltrated && o.tampered && o.carries() {
			return true
		}
		for _, b := range o.acts {
			local := slices.ContainsFunc(b.lines, func(l *policy.Line) bool { return slices.Contains(localLines, l.Name) })
			if b.why == "" && local && (a.untimed() || a.first <= b.last.Add(window) && b.first <= a.last.Add(window)) {
				return true
			}
		}
	}
	return false
}

// carries reports whether a program that the intruder ran elsewhere lies on the server, by its content. With logs that were
// cleared on purpose nothing can show that it ran here too: who cleared them does not gain by it.
func (o *opinion) carries() bool {
	return slices.ContainsFunc(o.acts, func(a *act) bool {
		return a.why == "" && slices.ContainsFunc(a.pieces, func(p *piece) bool { return p.rule == "same content" })
	})
}

// localLines are what only a process of the server itself does in the course of encryption.
var localLines = []string{"backups deleted", "payload executed", "code in memory", "encrypted here"}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// maxIDs bounds the findings that one reason cites.
const maxIDs = 20

func idsOf(pieces []*piece) []string {
	out := []string{}
	for _, p := range pieces {
		for _, id := range []string{p.id, p.beside} {
			if id != "" && !slices.Contains(out, id) && len(out) < maxIDs {
				out = append(out, id)
			}
		}
	}
	return out
}

// sentence says what one piece shows, in words that a court can read.
func sentence(p *piece, a *act) string {
	s := cmp.Or(p.says, p.line.Says)
	var parts []string
	if p.program != "" {
		parts = append(parts, "by "+p.program)
	}
	if p.object != "" && p.object != p.program && p.says == "" {
		parts = append(parts, "“"+p.object+"”")
	}
	if len(a.traits.accounts) > 0 {
		parts = append(parts, "account "+strings.Join(a.traits.accounts[:min(3, len(a.traits.accounts))], ", "))
	}
	if len(a.traits.sources) > 0 {
		parts = append(parts, "from "+strings.Join(a.traits.sources[:min(3, len(a.traits.sources))], ", "))
	}
	if p.says == "" && len(parts) > 0 {
		s += ": " + strings.Join(parts, ", ")
	}
	return s + "."
}

// from lists from where the decisive acts were done: as they say themselves, else from where their accounts had last come
// to this server before.
func (j *Judge) from(id event.ServerID, s *server, o *opinion, st *state) []event.Origin {
	out := []event.Origin{}
	seen := map[string]bool{}
	put := func(source, account string, at event.Time) {
		if seen[source+"\x00"+account] || len(out) >= maxOrigins || source == "" && account == "" {
			return
		}
		seen[source+"\x00"+account] = true
		var origin event.Origin
		if source != "" {
			if id, ok := j.opt.Resolve(source, at); ok {
				name := string(id)
				origin.Server = &name
			}
			if _, err := netip.ParseAddr(source); err == nil || origin.Server == nil {
				origin.Address = &source
			}
		}
		if account != "" {
			origin.Account = &account
		}
		out = append(out, origin)
	}
	for _, a := range o.decisive {
		account := ""
		if len(a.traits.accounts) > 0 {
			account = a.traits.accounts[0]
		}
		for _, src := range a.traits.sources {
			put(src, account, a.first)
		}
		if dc, ok := j.ruledBy(id, a, st); ok {
			put(string(dc), "", a.first)
		}
	}
	for _, a := range o.decisive {
		for _, account := range a.traits.accounts {
			if !slices.ContainsFunc(out, func(o event.Origin) bool { return o.Account != nil && *o.Account == account }) {
				put(s.cameFrom(account, a.first), account, a.first)
			}
		}
	}
	return out
}

// ruledBy is the one infiltrated domain controller, where a group policy had a program started.
func (j *Judge) ruledBy(id event.ServerID, a *act, st *state) (dc event.ServerID, ok bool) {
	if !slices.ContainsFunc(a.lines, func(l *policy.Line) bool { return l.Name == "policy task" }) {
		return "", false
	}
	for _, x := range slices.Sorted(maps.Keys(st.proven)) {
		if x == id || deref(j.servers[x].in.Role) != "domain-controller" || st.proven[x] > a.first {
			continue
		}
		if ok {
			return "", false
		}
		dc, ok = x, true
	}
	return dc, ok
}

const (
	maxOrigins = 10
	// sessionLasts is how long before an act its session may have been opened.
	sessionLasts = 12 * time.Hour
)

// cameFrom is from where an account had last come to this server before a time.
func (s *server) cameFrom(account string, at event.Time) string {
	source, last := "", event.NoTime
	for k, a := range s.arrivals {
		if k.failed || k.fromSource || !sameAccount(k.account, account) {
			continue
		}
		t := a.spans.Before(at + 1)
		if t != event.NoTime && t >= at.Add(-sessionLasts) && (t > last || t == last && k.source < source) {
			source, last = k.source, t
		}
	}
	return source
}

// confidence is said in words: a verdict that rests on class A or on three acts is high, on two linked acts moderate.
func confidence(o *opinion, v *event.Verdict) *string {
	word := ""
	switch v.Verdict {
	case event.Infiltrated:
		word = "moderate"
		if len(o.decisive) > 2 || slices.ContainsFunc(o.decisive, func(a *act) bool { return a.class == event.A }) {
			word = "high"
		}
	case event.Suspected:
		word = "moderate"
		if len(v.Because) == 1 || v.Because[0].Class == event.C {
			word = "low"
		}
	case event.NoEvidence:
		word = "moderate"
		if v.Coverage.Overall >= 0.9 {
			word = "high"
		}
	default:
		return nil
	}
	return &word
}

// reconnect is the gate: only a server without evidence may be joined again, and then not before what is open is answered.
func reconnect(v *event.Verdict) event.Reconnect {
	switch v.Verdict {
	case event.Infiltrated:
		return event.Reconnect{Because: "it is infiltrated: rebuild it or restore it from before " + v.Since.FirstProven.String()}
	case event.Suspected:
		return event.Reconnect{Because: "it is suspected: settle what would change the verdict first"}
	case event.NoEvidence:
		return event.Reconnect{Allowed: true, Because: fmt.Sprintf("no evidence was found and its questions are answered for %.0f %% of the window; keep watching it", 100*v.Coverage.Overall)}
	}
	return event.Reconnect{Because: "not enough was examined to say"}
}
