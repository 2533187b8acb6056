package inventory

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// identify gives every unit its server.
func (j *joiner) identify() {
	for _, u := range j.units {
		j.list(u)
	}
	j.compete()
	j.nameUnlisted()
	j.recall()
	for _, u := range j.units {
		if j.ids[u.set] == nil {
			j.ids[u.set] = map[string]event.ServerID{}
		}
		for _, m := range u.names {
			j.ids[u.set][m.key] = u.id
		}
	}
	j.twins()
}

// list looks a unit up in the inventory: by its last name, then by an earlier one that stands there as it is, then, if
// an installer named it and nobody since, by the name of its folder.
func (j *joiner) list(u *unit) {
	i, how, several := j.estate.find(parseHost(u.name))
	if how == severally {
		u.doubted = true
		ids := []event.ServerID{event.ServerID(j.text[u.name])}
		for _, s := range several {
			ids = append(ids, j.estate.Servers[s].ID)
		}
		j.conflict(fmt.Sprintf("%s may be any of %d servers of the inventory", j.quote(u.name), len(several)), ids...)
		return
	}
	if how != notListed {
		u.listed, u.how = i, how
		return
	}
	for _, m := range u.names {
		if i, ok := j.estate.exact[m.key]; ok {
			u.listed, u.how = i, byName
			u.via = "named later, by the logs of " + string(j.estate.Servers[i].ID)
			return
		}
	}
	hint := u.set.root.hint.Hint
	if !u.set.own || u.set.root.several || !parseHost(u.name).setup() {
		return
	}
	if i, how, _ := j.estate.find(parseHost(hint)); how != notListed && how != severally {
		u.listed, u.how = i, how
		u.via = fmt.Sprintf("the installer's name, in the collection of %q", hint)
	}
}

// compete lets a short name of the list go with one full name only, and a name of 15 characters with one longer: that
// of the computer's own logs, if there are such under one alone. The others stay what they are called.
func (j *joiner) compete() {
	claims := map[int]map[string]bool{} // listed → names that claim it → from own logs
	for _, u := range j.units {
		if u.via == "" && (u.how == byFull || u.how == byNetBIOS) {
			if claims[u.listed] == nil {
				claims[u.listed] = map[string]bool{}
			}
			claims[u.listed][u.name] = claims[u.listed][u.name] || u.set.own
		}
	}
	lost := map[string]bool{}
	for _, i := range slices.Sorted(maps.Keys(claims)) {
		if len(claims[i]) == 1 {
			continue
		}
		names := slices.Sorted(maps.Keys(claims[i]))
		winner, own := "", 0
		for _, n := range names {
			if claims[i][n] {
				winner = n
				own++
			}
		}
		id := j.estate.Servers[i].ID
		ids := []event.ServerID{id}
		var quoted []string
		for _, n := range names {
			if n == winner && own == 1 {
				continue
			}
			lost[n] = true
			ids = append(ids, event.ServerID(j.text[n]))
			quoted = append(quoted, j.quote(n))
		}
		says := fmt.Sprintf("%s could each be %q of the inventory; none is taken for it", strings.Join(quoted, ", "), id)
		if own == 1 {
			says = fmt.Sprintf("%q is taken for %s, whose own logs were collected, and not for %s", id, j.quote(winner), strings.Join(quoted, ", "))
		}
		j.conflict(says, ids...)
	}
	for _, u := range j.units {
		if u.listed >= 0 && u.via == "" && lost[u.name] {
			u.listed, u.how = -1, notListed
		}
		if u.listed >= 0 {
			u.id = j.estate.Servers[u.listed].ID
		}
	}
}

// nameUnlisted names servers that the list does not have. A short name goes with its full form, and a name cut to 15
// characters with the whole one, if it fits in one way only.
func (j *joiner) nameUnlisted() {
	names := map[string]bool{}
	for _, u := range j.units {
		if u.id == "" && !u.doubted {
			names[u.name] = true
		}
	}
	full, uncut := map[string][]string{}, map[string][]string{} // of a short name; of one cut to 15 characters
	for _, name := range slices.Sorted(maps.Keys(names)) {
		h := parseHost(name)
		if h.domain() != "" {
			full[h.short()] = append(full[h.short()], name)
		}
		if n := h.netbios(); n != h.short() && !slices.Contains(last(uncut[n]), h.short()) {
			uncut[n] = append(uncut[n], h.short())
		}
	}
	for _, u := range j.units {
		if u.id != "" {
			continue
		}
		u.id = event.ServerID(j.text[u.name])
		if !names[u.name] || parseHost(u.name).domain() != "" {
			continue
		}
		short := u.name
		if len(uncut[short]) == 1 && len(full[short]) == 0 {
			short = uncut[short][0]
		}
		switch f := full[short]; {
		case len(f) == 1:
			u.id = event.ServerID(j.text[f[0]])
		case len(f) == 0:
			u.id = event.ServerID(j.text[short])
		default:
			j.conflict(fmt.Sprintf("%s may be any of %d full names, %s first", j.quote(u.name), len(f), j.quote(f[0])), u.id, event.ServerID(j.text[f[0]]), event.ServerID(j.text[f[1]]))
		}
	}
}

// last is the end of a sorted list, where a duplicate would stand.
func last(list []string) []string { return list[max(0, len(list)-1):] }

// recall gives a name that one server bore earlier, by its own logs, to that server where it stands at that time in a log
// that was forwarded. Own logs that end under such a name may be of a twin from the same image: they stay apart.
func (j *joiner) recall() {
	former := j.former()
	for _, u := range j.units {
		if u.listed >= 0 || u.doubted || len(u.names) > 1 {
			continue
		}
		m := u.names[0]
		bore := formerly(former, m.key, m.first, m.last)
		switch {
		case len(bore) == 1 && bore[0] == u.id:
		case len(bore) == 1 && !u.set.own:
			u.id, u.via = bore[0], "its name at that time"
		case len(bore) > 0:
			j.conflict(fmt.Sprintf("%s is kept as a server of its own, though others bore that name at that time", j.quote(m.key)), append(bore, u.id)...)
		}
	}
}

// former lists the earlier names of servers by their own logs.
func (j *joiner) former() map[string][]period {
	former := map[string][]period{}
	for _, u := range j.units {
		if !u.set.own {
			continue
		}
		for _, m := range u.names {
			if m.key != u.name && m.passed && !sameComputer(m.key, u.name) {
				former[m.key] = append(former[m.key], period{u.id, m.first, m.last})
			}
		}
	}
	return former
}

// sameComputer reports whether two keys are the short and the full form of one name.
func sameComputer(a, b string) bool {
	x, y := parseHost(a), parseHost(b)
	return x.short() == y.short() && (x.domain() == "" || y.domain() == "" || x.domain() == y.domain())
}

// twins reports one name over two roots whose own logs cannot be one log: the same record numbers at other times.
func (j *joiner) twins() {
	for _, key := range slices.Sorted(maps.Keys(j.byKey)) {
		ends := map[string]*stretch{} // by channel, the first
		for _, s := range j.byKey[key] {
			if !s.log.own || s.log.final != key || !numbered(s.log.Artifact.Kind) {
				continue
			}
			o := ends[s.channel]
			if o == nil {
				ends[s.channel] = s
				continue
			}
			numbers := s.low <= o.high && o.low <= s.high
			times := s.first <= o.last.Add(clockSlack) && o.first <= s.last.Add(clockSlack)
			if o.log.root != s.log.root && numbers && !times {
				j.conflict(fmt.Sprintf("%s and %s have the same record numbers under the name %s at other times: the log was cleared between, or two computers bear the name",
					o.log.says(o.channel), s.log.says(s.channel), j.quote(key)), j.ids[s.log.set][key])
			}
		}
	}
}

// names assembles the result.
func (j *joiner) names() *Names {
	n := &Names{estate: j.estate, scopes: map[place]*Scope{}, known: map[string]event.ServerID{}, shorts: map[string]event.ServerID{}, former: j.former()}
	aliases := map[event.ServerID]map[string]string{}
	for _, u := range j.units {
		n.learn(u.name, u.id)
		if aliases[u.id] == nil {
			aliases[u.id] = map[string]string{}
		}
		for _, m := range u.names {
			j.alias(aliases[u.id], u, m)
		}
	}
	n.shortForms()
	for _, r := range j.rootList {
		j.scopes(n, r, aliases)
	}
	for _, id := range slices.Sorted(maps.Keys(aliases)) {
		_, listed := j.estate.Server(id)
		s := Identity{ID: id, Listed: listed}
		for _, name := range slices.Sorted(maps.Keys(aliases[id])) {
			s.Aliases = append(s.Aliases, Alias{name, aliases[id][name]})
		}
		n.Servers = append(n.Servers, s)
	}
	for _, says := range slices.Sorted(maps.Keys(j.conflicts)) {
		n.Conflicts = append(n.Conflicts, Conflict{j.conflicts[says], says})
	}
	n.addresses(j.views)
	return n
}

// alias notes a name of a server that is not its ID, and why it is one; of several reasons the first in order.
func (j *joiner) alias(of map[string]string, u *unit, m *member) {
	text := j.text[m.key]
	if lower(text) == lower(string(u.id)) {
		return
	}
	var why string
	switch {
	case m.key != u.name:
		why = m.why
	case u.via != "":
		why = u.via
	case u.how == byAddress:
		why = "its address in the inventory"
	case u.how == byNetBIOS:
		why = "cut to 15 characters"
	case parseHost(m.key).domain() == "":
		why = "short form"
	default:
		why = "full form"
	}
	if why == "" {
		why = "short form"
	}
	if old, ok := of[text]; !ok || why < old {
		of[text] = why
	}
}

// learn notes that a name means a server wherever it stands, or, once two are meant, none.
func (n *Names) learn(key string, id event.ServerID) {
	if old, ok := n.known[key]; ok && old != id {
		id = ""
	}
	n.known[key] = id
}

// shortForms notes the short forms of what is known, where they fit in one way only.
func (n *Names) shortForms() {
	for _, key := range slices.Sorted(maps.Keys(n.known)) {
		h := parseHost(key)
		if h.addr.IsValid() {
			continue
		}
		for _, form := range []string{h.short(), h.netbios()} {
			if old, ok := n.shorts[form]; ok && old != n.known[key] {
				n.shorts[form] = ""
			} else {
				n.shorts[form] = n.known[key]
			}
		}
	}
}

// scopes makes the scopes of a root, and names the server of its records that name none.
func (j *joiner) scopes(n *Names, r *root, aliases map[event.ServerID]map[string]string) {
	nameless := j.nameless(n, r)
	for _, v := range r.views {
		s := &Scope{n, meaning{Nameless: nameless, byName: map[string]event.ServerID{}, crowded: v.crowded}}
		if v.own {
			s.Nameless = j.ids[v.set][v.final]
		}
		for text, key := range v.keys {
			id := j.ids[v.set][key]
			s.byName[text] = id
			if short := parseHost(text).key; short != key && aliases[id][j.text[short]] == "" && short != lower(string(id)) {
				aliases[id][j.text[short]] = "short form"
			}
		}
		n.scopes[place{r.at.collection, r.at.root, v.Artifact.Path}] = j.shared(s)
		if v.nameless > 0 && aliases[s.Nameless] == nil {
			aliases[s.Nameless] = map[string]string{}
		}
		if v.crowded {
			if aliases[Crowd] == nil {
				aliases[Crowd] = map[string]string{}
			}
			j.conflict(fmt.Sprintf("%q of %q names more computers than can be told apart; the rest counts to %s", v.Artifact.Path, v.Artifact.Collection, Crowd), Crowd)
		}
	}
}

// shared returns the first scope that means the same: the artifacts of one computer name the same few.
func (j *joiner) shared(s *Scope) *Scope {
	key := strconv.AppendQuote(nil, string(s.Nameless))
	key = strconv.AppendBool(key, s.crowded)
	for _, text := range slices.Sorted(maps.Keys(s.byName)) {
		key = strconv.AppendQuote(key, text)
		key = strconv.AppendQuote(key, string(s.byName[text]))
	}
	first := j.scope[string(key)]
	if first == nil {
		first = s
		j.scope[string(key)] = s
	}
	return first
}

// dominant is the share of a root's records, of those that name a computer, that makes it that computer's.
const dominant = 0.9

// nameless finds whose records those are that name nobody, in a root: those of the computer that wrote its own logs, or
// of the one among several that the layout names, or that has nearly all of the records; else the layout's.
func (j *joiner) nameless(n *Names, r *root) event.ServerID {
	counts := map[event.ServerID]uint64{}
	var total, orphans uint64
	for _, v := range r.views {
		if !v.own {
			orphans += v.nameless
			continue
		}
		for _, st := range v.stretches {
			counts[j.ids[v.set][v.final]] += st.count
			total += st.count
		}
	}
	layout := n.fromLayout(r.hint)
	_, listed := j.estate.Server(layout)
	var id event.ServerID
	for _, c := range slices.Sorted(maps.Keys(counts)) {
		if len(counts) == 1 || float64(counts[c]) >= dominant*float64(total) {
			id = c
		}
	}
	where := fmt.Sprintf("%q of %q", r.at.root, r.at.collection)
	switch _, own := counts[layout]; {
	case len(counts) == 0:
		return layout
	case own:
		id = layout
	case id != "" && listed:
		j.conflict(fmt.Sprintf("the logs in %s are of %q, the layout names %q", where, id, layout), id, layout)
	case id == "":
		id = layout
	}
	if len(counts) > 1 && orphans > 0 {
		j.conflict(fmt.Sprintf("%s holds logs of %d computers; %d records that name none count to %q", where, len(counts), orphans, id),
			append(slices.Collect(maps.Keys(counts)), id)...)
	}
	return id
}
