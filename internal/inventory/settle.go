package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"wardround/internal/event"
)

// set is where one name means one computer: the own logs of a root, or one artifact.
type set struct {
	root    *root
	own     bool
	members map[string]*member
}

// member is a name in a set. Names of one computer hang together by parent.
type member struct {
	key         string
	parent      *member
	first, last event.Time
	count       uint64
	passed      bool   // another name came after it
	why         string // what shows that it is the computer's name
}

func (s *set) member(key string) *member {
	m := s.members[key]
	if m == nil {
		m = &member{key: key, first: event.NoTime, last: event.NoTime}
		s.members[key] = m
	}
	return m
}

func (s *set) take(v *view) {
	v.set = s
	for _, st := range v.stretches {
		m := s.member(st.key)
		m.count += st.count
		m.last = max(m.last, st.last)
		if m.first == event.NoTime || st.first != event.NoTime && st.first < m.first {
			m.first = st.first
		}
	}
	for _, b := range v.becomes {
		s.become(b.from.key, b.to.key, b.why)
	}
}

func (s *set) become(from, to, why string) {
	a, b := s.member(from), s.member(to)
	a.passed = true
	if a.why == "" || why < a.why {
		a.why = why
	}
	if x, y := a.top(), b.top(); x != y {
		x.parent = y
	}
}

func (m *member) top() *member {
	for m.parent != nil {
		m = m.parent
	}
	return m
}

// settle decides which logs of the root share their names, and joins in them what only the logs together show.
func (j *joiner) settle(r *root) {
	shared := &set{root: r, own: true, members: map[string]*member{}}
	full := j.fullForms(r.ownHosts())
	r.several = r.mixture(full)
	for _, v := range r.views {
		s := shared
		if !v.own || r.several {
			s = &set{root: r, own: v.own, members: map[string]*member{}}
		}
		s.take(v)
		if s != shared {
			j.form(s)
		}
	}
	if len(shared.members) == 0 {
		return
	}
	for _, short := range slices.Sorted(maps.Keys(full)) {
		if shared.members[short] != nil {
			shared.become(short, full[short], "short form")
		}
	}
	r.setupNames(shared)
	j.form(shared)
}

func (r *root) ownHosts() (hosts []host) {
	for _, v := range r.views {
		if v.own {
			for _, st := range v.stretches {
				hosts = append(hosts, parseHost(st.key))
			}
		}
	}
	return hosts
}

// mixture reports whether the own logs of the root are of several computers: two end under different names, though they
// are the same log or of the same time, or a name that one log has seen pass lives on in another. Logs that hold nothing
// but an installer's name are left to setupNames.
func (r *root) mixture(full map[string]string) bool {
	passed := map[string]event.Time{} // when the next name came
	for _, v := range r.views {
		for _, b := range v.becomes {
			if at, ok := passed[b.from.key]; v.own && (!ok || b.to.first < at) {
				passed[b.from.key] = b.to.first
			}
		}
	}
	var ends []*stretch
	for _, v := range r.views {
		if !v.own {
			continue
		}
		for _, st := range v.stretches {
			at, gone := passed[st.key]
			if gone && at != event.NoTime && st.last > at.Add(clockSlack) {
				return true
			}
			if !gone && st.key == v.final && (len(v.becomes) > 0 || !parseHost(st.key).setup()) {
				ends = append(ends, st)
			}
		}
	}
	name := func(key string) string { return cmp.Or(full[key], key) }
	span := map[string]*stretch{} // by name, over all logs
	channel := map[string]string{}
	for _, e := range ends {
		n := name(e.key)
		if other, ok := channel[e.channel]; ok && other != n {
			return true
		}
		channel[e.channel] = n
		s := span[n]
		if s == nil {
			span[n] = &stretch{key: n, first: e.first, last: e.last}
			continue
		}
		s.first, s.last = min(s.first, e.first), max(s.last, e.last)
	}
	order := slices.SortedFunc(maps.Values(span), func(a, b *stretch) int {
		return cmp.Or(cmp.Compare(a.first, b.first), strings.Compare(a.key, b.key))
	})
	for i := 1; i < len(order); i++ {
		if order[i].first <= order[i-1].last {
			return true
		}
	}
	return false
}

// setupNames joins the installer's names to the computer's where a log that fell silent after setup holds nothing else:
// many channels of Windows do. Only logs under their original file names count, since a folder of exports may hold
// anybody's.
func (r *root) setupNames(s *set) {
	var late *member
	for _, v := range r.views {
		if !v.own || v.set != s || !v.original() {
			continue
		}
		if m := s.members[v.final]; !parseHost(v.final).setup() {
			if late != nil && late.top() != m.top() {
				return
			}
			late = m
		}
	}
	if late == nil {
		return
	}
	name := late
	for _, c := range s.computers() {
		if c[0].top() == late.top() {
			name = c[0]
		}
	}
	for _, v := range r.views {
		if !v.own || v.set != s || !v.original() || !parseHost(v.final).setup() {
			continue
		}
		if m := s.members[v.final]; m.top() != late.top() && m.last <= name.last && m.first <= name.first.Add(clockSlack) {
			s.become(m.key, name.key, fmt.Sprintf("the name that an installer gave, in %q beside logs of %q", v.Artifact.Path, name.key))
		}
	}
}

// original reports whether the artifact is a Windows log under the file name that Windows gives it.
func (v *view) original() bool {
	if v.Artifact.Kind != "evtx" || len(v.stretches) == 0 {
		return false
	}
	base := lower(v.Artifact.Path[strings.LastIndexByte(v.Artifact.Path, '/')+1:])
	_, channel, _ := strings.Cut(v.stretches[0].channel, "/")
	return strings.NewReplacer("%4", "/", "%254", "/").Replace(base) == channel+".evtx"
}

// after reports whether m names the computer rather than o does: no other name came after it, or it is the later.
func (m *member) after(o *member) bool {
	if m.passed != o.passed {
		return o.passed
	}
	return m.last > o.last
}

// unit is one computer as one set shows it.
type unit struct {
	set     *set
	name    string    // the key of its last name
	names   []*member // the last name first
	listed  int       // index in the estate, or -1
	how     matched
	id      event.ServerID
	via     string // what shows that name is id's, where that is not plain
	doubted bool   // it may be one of several listed servers
}

// computers are the names of a set by the computer that they hang together in, each list with its last name first.
func (s *set) computers() (list [][]*member) {
	index := map[*member]int{}
	for _, k := range slices.Sorted(maps.Keys(s.members)) {
		m := s.members[k]
		i, ok := index[m.top()]
		if !ok {
			i = len(list)
			index[m.top()] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], m)
		if l := list[i]; m.after(l[0]) {
			l[0], l[len(l)-1] = l[len(l)-1], l[0]
		}
	}
	return list
}

// form makes units of a set that is settled.
func (j *joiner) form(s *set) {
	for _, c := range s.computers() {
		j.units = append(j.units, &unit{set: s, name: c[0].key, names: c, listed: -1})
	}
}
