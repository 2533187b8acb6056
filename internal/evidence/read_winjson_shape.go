package evidence

import (
	"strings"

	"wardround/internal/event"
)

// The bounds of shapes and plans that are remembered; past them each object is looked at anew, which is slow but right.
const (
	maxWinShapes = 4096
	maxWinMemory = 64 << 20 // bytes, about
)

// winShapes remembers, for each form of object that a stream holds, what its values stand for.
type winShapes struct {
	schemas *winSchemas
	want    func(*event.Schema) bool
	bySig   map[string]*winShape
	plans   int
	memory  int
	key     []byte // scratch
}

// winShape is what objects with the same keys in the same order have in common.
type winShape struct {
	leaves []winLeaf
	role   [winRoles]int // token that has the role; -1 if none
	keys   []int         // tokens whose values decide the schema: channel, provider, event id, names of Data
	flat   bool          // the form whose times are not to be trusted
	plans  map[string]*winPlan
	last   *winPlan
}

// winLeaf is a plain value of an object.
type winLeaf struct {
	token int
	name  string // of the field; "" if it is none
	path  string
	role  winRole
	by    int // token that holds the name of a Data element; -1
}

// winPlan turns objects of one shape and source into records.
type winPlan struct {
	key    string
	schema *event.Schema
	wanted bool
	puts   []winPut
}

// winPut moves the value of a token into a slot.
type winPut struct {
	token, slot int32
	hex         bool  // a number that Windows writes in hexadecimal
	doubled     bool  // backslashes stand twice, as Wazuh writes them
	before      int32 // token whose text and a backslash stand before the value: a domain; 0 if none
}

func newWinShapes(want func(*event.Schema) bool) *winShapes {
	return &winShapes{schemas: newWinSchemas(), want: want, bySig: map[string]*winShape{}}
}

// shape returns the shape of the object; nil if it is no event of Windows.
func (w *winShapes) shape(j *jsonObjects) *winShape {
	s, ok := w.bySig[string(j.sig)]
	if ok {
		return s
	}
	s = newWinShape(j.text, j.tokens)
	if len(w.bySig) < maxWinShapes && w.memory < maxWinMemory {
		w.memory += len(j.sig) + 64*len(j.tokens)
		w.bySig[string(j.sig)] = s
	}
	return s
}

// plan returns how to make a record of the object.
func (w *winShapes) plan(j *jsonObjects, s *winShape) *winPlan {
	w.key = w.key[:0]
	for _, t := range s.keys {
		w.key = append(append(w.key, j.text[j.tokens[t].at:j.tokens[t].end]...), '\n')
	}
	if s.last != nil && s.last.key == string(w.key) {
		return s.last
	}
	if p, ok := s.plans[string(w.key)]; ok {
		s.last = p
		return p
	}
	p := w.newPlan(j, s)
	if w.plans < maxWinShapes && w.memory < maxWinMemory {
		w.plans++
		w.memory += len(w.key) + 16*len(p.puts)
		s.plans[p.key] = p
		s.last = p
	}
	return p
}

// newWinShape says what the values of an object stand for, trying the envelopes in turn.
func newWinShape(text []byte, tokens []jsonToken) *winShape {
	paths, parents := jsonPaths(text, tokens)
	for _, wrapper := range winWrappers {
		if s := shapeWithin(wrapper, tokens, paths, parents); s != nil {
			return s
		}
	}
	return nil
}

// jsonPaths gives for each token its path, keys joined by dots, and the token of the container that it stands in.
func jsonPaths(text []byte, tokens []jsonToken) (paths []string, parents []int) {
	paths, parents = make([]string, len(tokens)), make([]int, len(tokens))
	open := []int{-1}
	for i, t := range tokens {
		if t.kind == jsonClose {
			open = open[:len(open)-1]
			continue
		}
		up := open[len(open)-1]
		parents[i] = up
		key := string(appendJSONString(nil, text[t.key:t.keyEnd]))
		if up >= 0 && paths[up] != "" && key != "" {
			key = paths[up] + "." + key
		} else if up >= 0 && key == "" {
			key = paths[up]
		}
		if len(key) > 1024 {
			key = key[:1024]
		}
		paths[i] = key
		if t.kind == jsonObject || t.kind == jsonArray {
			open = append(open, i)
		}
	}
	return paths, parents
}

// shapeWithin reads the object as an event inside an envelope; nil if it is none.
func shapeWithin(wrapper string, tokens []jsonToken, paths []string, parents []int) *winShape {
	s := &winShape{plans: map[string]*winPlan{}}
	var rank [winRoles]int8
	for r := range s.role {
		s.role[r] = -1
	}
	held := make(map[string]bool, len(paths))
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, wrapper); ok {
			held[rest] = true
		}
	}
	has := func(p string) bool { return held[p] }
	for i, t := range tokens {
		rest, ok := strings.CutPrefix(paths[i], wrapper)
		if t.kind == jsonClose || t.kind == jsonObject || t.kind == jsonArray || !ok || len(s.leaves) == maxWinFields {
			continue
		}
		path, attribute := trimPath(rest)
		f := winFieldOf(path, attribute, has)
		if old := s.role[f.role]; f.role != plainField && (old < 0 || f.rank <= rank[f.role]) {
			s.role[f.role], rank[f.role] = i, f.rank
		}
		s.leaves = append(s.leaves, winLeaf{i, f.name, path, f.role, -1})
	}
	for i, l := range s.leaves {
		if plainField < l.role && l.role <= roleFlatTime && s.role[l.role] != l.token {
			s.leaves[i].name = l.path // another value has the role; this one is data
		}
	}
	if s.role[roleEventID] < 0 || s.role[roleChannel] < 0 && s.role[roleProvider] < 0 ||
		s.role[roleHost] < 0 && rank[roleEventID] > 0 {
		return nil
	}
	s.flat = s.role[roleTime] < 0 && s.role[roleFlatTime] >= 0
	for _, r := range []winRole{roleChannel, roleProvider, roleEventID} {
		if t := s.role[r]; t >= 0 {
			s.keys = append(s.keys, t)
		}
	}
	s.nameData(parents)
	return s
}

// nameData joins each Data element that is an object of name and text with its name.
func (s *winShape) nameData(parents []int) {
	names := map[int]int{}
	for _, l := range s.leaves {
		if l.role == roleDataName {
			names[parents[l.token]] = l.token
			s.keys = append(s.keys, l.token)
		}
	}
	for i, l := range s.leaves {
		if by, ok := names[parents[l.token]]; ok && l.role == roleData {
			s.leaves[i].by = by
		}
	}
}

// newPlan makes the schema of the object and says which value goes where.
func (w *winShapes) newPlan(j *jsonObjects, s *winShape) *winPlan {
	src := s.source(j)
	var names []string
	var puts []winPut
	domain := 0
	for _, l := range s.leaves {
		if l.name == "user.domain" && j.tokens[l.token].kind == jsonString {
			domain = l.token
		}
	}
	own := map[string]bool{}
	for _, l := range s.leaves {
		own[l.name] = true
	}
	for _, l := range s.leaves {
		name, before := l.name, 0
		if l.by >= 0 {
			name = string(j.plain(nil, l.by))
		}
		if ecsProviders[src.Provider] {
			name, before = ecsName(name, src, own, domain)
		}
		if name == "" || l.role == notOfEvent {
			continue
		}
		names = append(names, name)
		puts = append(puts, winPut{
			token: int32(l.token), before: int32(before),
			hex:     name == "Keywords" || hexFields[src.Channel][name] && !filtering(src),
			doubled: strings.HasPrefix(l.path, "data.win.eventdata."),
		})
	}
	schema, slots := w.schemas.schema(src, names)
	kept := puts[:0]
	for i, p := range puts {
		if p.slot = slots[i]; p.slot >= 0 {
			kept = append(kept, p)
		}
	}
	return &winPlan{key: string(w.key), schema: schema, wanted: w.want(schema), puts: kept}
}

// ecsName undoes the renaming by Winlogbeat's modules, unless the event has the field under its own name as well.
func ecsName(name string, src event.Source, own map[string]bool, domain int) (as string, before int) {
	if name == "user.name" && !own["User"] && domain > 0 {
		return "User", domain
	}
	e, ok := ecsNames[name]
	if !ok {
		return name, 0
	}
	as = e.name
	if other, ok := e.others[src.EventID]; ok {
		as = other
	}
	if own[as] {
		return name, 0
	}
	return as, 0
}

// source names the log that the object stands in.
func (s *winShape) source(j *jsonObjects) event.Source {
	text := func(r winRole) string {
		if s.role[r] < 0 || j.tokens[s.role[r]].kind == jsonNull {
			return ""
		}
		return string(j.plain(nil, s.role[r]))
	}
	src := event.Source{Product: "windows", Channel: text(roleChannel), Provider: text(roleProvider)}
	if id := digits([]byte(text(roleEventID))); id >= 0 {
		src.EventID = uint32(id & 0xffff) // the upper half, where an exporter kept it, are the qualifiers
	}
	src.Channel = winChannel(src.Channel, src.Provider)
	return src
}

// winChannel gives the log its name on Windows.
func winChannel(channel, provider string) string {
	if channel == "" {
		return providerChannels[provider]
	}
	if name, ok := winChannels[strings.ToLower(channel)]; ok {
		return name
	}
	return channel
}
