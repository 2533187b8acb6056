package verdict

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"wardround/internal/event"
)

// answer fills in the first screen: the minister's questions, what to do next and what is not known.
func (j *Judge) answer(out *event.Verdicts, opinions map[event.ServerID]*opinion, st *state) {
	var bad []*event.Verdict
	for i := range out.Servers {
		if out.Servers[i].Verdict == event.Infiltrated {
			bad = append(bad, &out.Servers[i])
		}
	}
	slices.SortStableFunc(bad, func(a, b *event.Verdict) int { return cmp.Compare(a.Since.FirstProven, b.Since.FirstProven) })
	out.Answers = append(out.Answers, sinceWhen(bad), whereFirst(bad), howFar(bad, st), fromWhere(bad))
	out.DoNext = j.steps(out, bad)
	out.NotKnown = j.notKnown(out)
}

func unknown(question, says string) event.Answer {
	return event.Answer{Question: question, State: "unknown", Says: says, Because: []string{}}
}

func sinceWhen(bad []*event.Verdict) event.Answer {
	const q = "since when"
	if len(bad) == 0 {
		return unknown(q, "no server is proven infiltrated")
	}
	first := bad[0]
	a := event.Answer{Question: q, State: "partial", Because: firstFindings(first)}
	e := first.Since
	switch {
	case e.EarliestPossible == event.NoTime:
		a.Says = fmt.Sprintf("proven at %s on %s; how much earlier is not known, no log there answers", e.FirstProven, first.Server)
	case e.BoundedBy == "answered":
		a.State = "answered"
		a.Says = fmt.Sprintf("between %s and %s (proven), on %s", e.EarliestPossible, e.FirstProven, first.Server)
	case e.BoundedBy == "gap":
		a.Says = fmt.Sprintf("between %s (a gap in the logs begins) and %s (proven), on %s", e.EarliestPossible, e.FirstProven, first.Server)
	default:
		a.Says = fmt.Sprintf("between %s (logs begin) and %s (proven), on %s", e.EarliestPossible, e.FirstProven, first.Server)
	}
	if n := rivals(bad); n > 0 {
		a.State = "partial"
		a.Says += fmt.Sprintf("; perhaps earlier on %s: the logs do not tell", plural(n, "other"))
	}
	return a
}

// rivals counts the servers that may have been infiltrated before the first that is proven.
func rivals(bad []*event.Verdict) (n int) {
	for _, v := range bad[1:] {
		if e := v.Since.EarliestPossible; e == event.NoTime || e < bad[0].Since.FirstProven {
			n++
		}
	}
	return n
}

func firstFindings(v *event.Verdict) []string {
	if len(v.Because) == 0 {
		return []string{}
	}
	return v.Because[0].Findings
}

// whereFirst names the server that was proven first. Another whose possible time begins before that may have been first.
func whereFirst(bad []*event.Verdict) event.Answer {
	const q = "where first"
	if len(bad) == 0 {
		return unknown(q, "no server is proven infiltrated")
	}
	a := event.Answer{Question: q, State: "answered", Says: string(bad[0].Server) + " is the first that is proven", Because: firstFindings(bad[0])}
	if n := rivals(bad); n > 0 {
		a.State = "partial"
		a.Says += fmt.Sprintf("; %s may have been reached earlier: the logs do not tell", plural(n, "other"))
	}
	return a
}

func howFar(bad []*event.Verdict, st *state) event.Answer {
	const q = "how far"
	if len(bad) == 0 {
		return unknown(q, "no server is proven infiltrated")
	}
	explained := 0
	for _, v := range bad {
		if slices.ContainsFunc(v.From, func(o event.Origin) bool { return o.Server != nil || o.Address != nil }) {
			explained++
		}
	}
	a := event.Answer{Question: q, State: "partial", Because: []string{}}
	a.Says = fmt.Sprintf("%s infiltrated, %s taken; from where is known for %d", plural(len(bad), "server"), plural(len(st.taken), "account"), explained)
	if explained == len(bad) {
		a.State = "answered"
	}
	return a
}

// fromWhere names the addresses that are no server of the estate. It stops there: whose they are is another question.
func fromWhere(bad []*event.Verdict) event.Answer {
	const q = "from where"
	out := map[string]bool{}
	for _, v := range bad {
		for _, o := range v.From {
			if o.Server == nil && o.Address != nil {
				out[*o.Address] = true
			}
		}
	}
	if len(out) == 0 {
		return unknown(q, "no address outside of the estate is tied to the intruder")
	}
	list := slices.Sorted(maps.Keys(out))
	says := fmt.Sprint(list[0])
	for _, x := range list[1:min(3, len(list))] {
		says += ", " + x
	}
	if len(list) > 3 {
		says += fmt.Sprintf(" and %d more", len(list)-3)
	}
	return event.Answer{Question: q, State: "partial", Says: says + "; addresses that are no server of the estate, whose they are is not known", Because: []string{}}
}

// steps says what to do next: at most five, each naming servers and why.
func (j *Judge) steps(out *event.Verdicts, bad []*event.Verdict) []event.Step {
	var steps []event.Step
	put := func(do string, servers []event.ServerID, why string) {
		if len(servers) > 0 && len(steps) < 5 {
			steps = append(steps, event.Step{Do: do, Servers: servers, Why: why})
		}
	}
	pick := func(ok func(*event.Verdict) bool) []event.ServerID {
		var ids []event.ServerID
		for i := range out.Servers {
			if ok(&out.Servers[i]) {
				ids = append(ids, out.Servers[i].Server)
			}
		}
		return ids
	}
	role := func(v *event.Verdict, r string) bool { return deref(v.Role) == r }
	put("do not touch", pick(func(v *event.Verdict) bool { return role(v, "backup") && v.Verdict != event.Infiltrated }),
		"may hold the only clean copy: keep off the network until judged")
	put("isolate", pick(func(v *event.Verdict) bool { return v.Verdict == event.Infiltrated }), "infiltrated: cut off the network, leave switched on")
	put("isolate", pick(func(v *event.Verdict) bool { return v.Verdict == event.Suspected }), "suspected: cut off until what would change the verdict is settled")
	key := func(v *event.Verdict) bool {
		return role(v, "domain-controller") || role(v, "jump") || role(v, "hypervisor") || role(v, "database") || role(v, "backup")
	}
	never := pick(func(v *event.Verdict) bool { return v.Examined == event.NothingCollected && v.Listed })
	first := pick(func(v *event.Verdict) bool { return v.Examined == event.NothingCollected && v.Listed && key(v) })
	if len(bad) > 0 && len(first) > 0 && len(first) < len(never) {
		put("collect", first, "never collected, and an intruder would pass through them")
	} else {
		put("collect", never, "never collected")
	}
	put("collect", pick(func(v *event.Verdict) bool {
		return v.Verdict == event.Inconclusive && v.Examined != event.NothingCollected
	}), "examined too little for a verdict: what is missing stands with each")
	if steps == nil {
		steps = []event.Step{}
	}
	return steps
}

func (j *Judge) notKnown(out *event.Verdicts) []string {
	var list []string
	put := func(n int, one, many string) {
		switch {
		case n == 1:
			list = append(list, "1 "+one)
		case n > 1:
			list = append(list, fmt.Sprintf("%d %s", n, many))
		}
	}
	count := func(ok func(*event.Verdict) bool) (n int) {
		for i := range out.Servers {
			if v := &out.Servers[i]; v.Listed || out.Unlisted == 0 {
				if ok(v) {
					n++
				}
			}
		}
		return n
	}
	put(out.NotCollected, "server never collected", "servers never collected")
	put(count(func(v *event.Verdict) bool { return v.Examined == event.Unreadable }), "server of which nothing could be read", "servers of which nothing could be read")
	put(count(func(v *event.Verdict) bool { return slices.Contains(v.Flags, "evidence tampered") }), "server with traces removed on purpose", "servers with traces removed on purpose")
	for _, q := range []string{"logon", "process start"} {
		n := count(func(v *event.Verdict) bool {
			return v.Examined != event.NothingCollected && slices.ContainsFunc(v.Coverage.Questions, func(x event.Question) bool { return x.Question == q && x.Answered == 0 })
		})
		if n > 0 {
			list = append(list, q+"s not recorded on "+plural(n, "server"))
		}
	}
	put(out.Unlisted, "server in the evidence that is not in the inventory", "servers in the evidence that are not in the inventory")
	if list == nil {
		list = []string{}
	}
	return list
}

// maxHours bounds the strip of hours.
const maxHours = 24 * 62

// seenByHour is, for each hour of the window, the share of servers whose must-have questions are answered throughout.
func (j *Judge) seenByHour(ids []event.ServerID, open map[event.ServerID][]interval, critical []interval, w event.Window) []event.Hour {
	hours := []event.Hour{}
	if w.From == event.NoTime || w.To == event.NoTime || len(ids) == 0 {
		return hours
	}
	hour := event.Time(time.Hour)
	from := w.From - w.From%hour
	if (w.To-from)/hour > maxHours {
		from = w.To - w.To%hour - maxHours*hour
	}
	of := 0
	var logged []event.ServerID
	all := !j.anyListed()
	for _, id := range ids {
		s := j.servers[id]
		if !s.in.Listed && !all {
			continue
		}
		of++
		if len(s.logs) > 0 {
			logged = append(logged, id)
		}
	}
	for at := from; at < w.To; at += hour {
		span := []interval{{max(at, w.From), min(at+hour, w.To)}}
		seen := 0
		for _, id := range logged {
			if !meets(open[id], span) {
				seen++
			}
		}
		hours = append(hours, event.Hour{From: at, Seen: round(float64(seen) / float64(max(of, 1))), Critical: meets(critical, span)})
	}
	return hours
}

func (j *Judge) anyListed() bool {
	for _, s := range j.servers {
		if s.in.Listed {
			return true
		}
	}
	return false
}
