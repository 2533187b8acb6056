package verdict

import (
	"slices"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// since bounds the time of infiltration. It was proven at the first decisive act. It is possible from the start of the last
// gap in the entry questions before that; without a gap, from the latest time up to which they are answered and nothing
// unexplained is seen. Nothing that is open, an arrival that may have been the intruder's or an act, is ever earlier than that.
func (j *Judge) since(s *server, o *opinion, role policy.Role, st *state) *event.Since {
	w, proven := st.window, firstOf(o.decisive)
	first := firstOpen(o, j.unexplained(s, o, proven, st), w)
	out := &event.Since{FirstProven: proven, EarliestPossible: proven, BoundedBy: "answered"}
	starts := event.NoTime // the latest beginning of what answers an entry question
	gap := interval{event.NoTime, event.NoTime}
	for _, name := range role.Entry {
		q := j.question(name)
		if q == nil || !j.asked(s, q) {
			continue
		}
		before := interval{w.From, proven}
		_, open := s.logs.question(q, false, before, &j.policy.Thresholds)
		for _, g := range open {
			switch {
			case g == before: // nothing answers it: since when is not known
				out.EarliestPossible, out.BoundedBy = event.NoTime, "gap"
				return out
			case g[0] == w.From:
				starts = max(starts, g[1])
			case g[0] > gap[0]:
				gap = g
			}
		}
	}
	switch {
	case gap[0] != event.NoTime:
		out.EarliestPossible, out.BoundedBy = gap[0], "gap"
	case starts != event.NoTime && j.wentBefore(s, starts, st):
		out.EarliestPossible, out.BoundedBy = event.NoTime, "gap"
		return out
	case starts != event.NoTime:
		out.EarliestPossible, out.BoundedBy = min(starts, proven), "log start"
	default:
		out.EarliestPossible = j.answered(s, role, first, w)
	}
	if first < out.EarliestPossible {
		out.EarliestPossible = j.answered(s, role, first, w)
	}
	return out
}

// asked reports whether a question can be asked of a server at all: an entry by way of the web only where there is a web
// server's log or the role says that there should be.
func (j *Judge) asked(s *server, q *policy.Question) bool {
	role := j.policy.Role(deref(s.in.Role))
	if slices.Contains(role.Must, q.Name) {
		return true
	}
	return slices.ContainsFunc(q.Sources, func(src policy.Source) bool { return s.logs[logKey{source: src.Name}] != nil })
}

// wentBefore reports whether somebody came from a server to another that is infiltrated, before a time and before that was proven, in a way
// never gone before: if it was the intruder, he was here by then.
func (j *Judge) wentBefore(s *server, by event.Time, st *state) bool {
	for id, x := range j.servers {
		proven, bad := st.proven[id]
		if !bad || x == s {
			continue
		}
		for k, a := range x.arrivals {
			at := a.spans.First()
			if j.servers[k.from] == s && !k.failed && !k.fromSource && steered[k.how] && at >= st.window.From && at < by && at < proven && j.newWay(x, k, at) {
				return true
			}
		}
	}
	return false
}

// firstOpen is when the first thing happened that nothing explains: an arrival, or an act or its context inside the window.
func firstOpen(o *opinion, came event.Time, w event.Window) event.Time {
	for _, a := range slices.Concat(o.acts, o.context) {
		if a.why == "" && a.first >= w.From {
			came = min(came, a.first)
		}
	}
	return came
}

// answered is the last instant before the first open thing at which the entry logs had a record.
func (j *Judge) answered(s *server, role policy.Role, first event.Time, w event.Window) event.Time {
	last := event.NoTime
	for _, name := range role.Entry {
		q := j.question(name)
		if q == nil {
			continue
		}
		for _, src := range q.Sources {
			if l := s.logs[logKey{source: src.Name}]; l != nil {
				last = max(last, l.spans.Before(first))
			}
		}
	}
	if last == event.NoTime || last < w.From {
		return first
	}
	return last
}

func (j *Judge) question(name string) *policy.Question {
	i := slices.IndexFunc(j.policy.Questions, func(q policy.Question) bool { return q.Name == name })
	if i < 0 {
		return nil
	}
	return &j.policy.Questions[i]
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
