package inventory

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Join says which server each name in the logs is. The order of logs and sightings does not matter.
//
// It goes from the sure to the unsure. Within an artifact, a short name is the full one that stands beside it, and names
// that one computer bore in turn are its last (see follow). Within a root, all logs that are that computer's own share
// these names, and there alone: a template's name begins the logs of many servers. What is then left is looked up in
// the list, and names that the list does not have join when the short and the full form fit in one way only.
func Join(e *Estate, logs []Log) *Names {
	if e == nil || e.exact == nil {
		e = newEstate(nil)
	}
	j := &joiner{estate: e, text: map[string]string{}, byKey: map[string][]*stretch{}, roots: map[place]*root{}, ids: map[*set]map[string]event.ServerID{}, scope: map[string]*Scope{}, conflicts: map[string][]event.ServerID{}}
	j.gather(logs)
	for _, v := range j.views {
		j.renames(v)
	}
	for _, v := range j.views {
		j.sift(v)
	}
	for _, r := range j.rootList {
		j.settle(r)
	}
	j.identify()
	return j.names()
}

type joiner struct {
	estate    *Estate
	views     []*view // in order of collection and path
	roots     map[place]*root
	rootList  []*root
	text      map[string]string     // key → how it is shown
	byKey     map[string][]*stretch // everywhere
	units     []*unit
	ids       map[*set]map[string]event.ServerID
	scope     map[string]*Scope           // by what they mean
	conflicts map[string][]event.ServerID // by what they say
}

// view is one artifact.
type view struct {
	Log
	root      *root
	stretches []*stretch        // in order of channel and key
	keys      map[string]string // sighted text → key within the artifact
	nameless  uint64            // records
	crowded   bool
	becomes   []become
	own       bool   // one computer wrote it
	final     string // its last name
	set       *set
}

// root is the part of a collection that the layout gives to one computer.
type root struct {
	at      place
	hint    *event.Artifact
	views   []*view
	several bool // its own logs are of several computers
}

// maxNames bounds the names of all evidence together.
const maxNames = 1 << 16

func (j *joiner) gather(logs []Log) {
	for _, l := range logs {
		j.views = append(j.views, &view{Log: l, keys: map[string]string{}})
	}
	slices.SortStableFunc(j.views, func(a, b *view) int {
		x, y := a.Artifact, b.Artifact
		return cmp.Or(strings.Compare(x.Collection, y.Collection), strings.Compare(x.Root, y.Root), strings.Compare(x.Path, y.Path), strings.Compare(x.SHA256, y.SHA256))
	})
	for _, v := range j.views {
		at := place{collection: v.Artifact.Collection, root: v.Artifact.Root}
		r := j.roots[at]
		if r == nil {
			r = &root{at: at, hint: v.Artifact}
			j.roots[at] = r
			j.rootList = append(j.rootList, r)
		}
		v.root = r
		r.views = append(r.views, v)
		j.read(v)
	}
}

// read sorts the sightings of an artifact into stretches.
func (j *joiner) read(v *view) {
	seen := slices.Clone(v.Seen)
	slices.SortFunc(seen, func(a, b Sighting) int {
		return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Host, b.Host), cmp.Compare(a.Low, b.Low), cmp.Compare(a.High, b.High), cmp.Compare(a.Count, b.Count))
	})
	hosts := make([]host, len(seen))
	for i, s := range seen {
		if s.Host == crowd {
			v.crowded = true
			continue
		}
		h := parseHost(s.Host)
		if h.nameless() {
			v.nameless += s.Count
			continue
		}
		if old, ok := j.text[h.key]; !ok && len(j.text) >= maxNames {
			v.crowded = true
			continue
		} else if !ok || h.text < old {
			j.text[h.key] = h.text
		}
		hosts[i] = h
	}
	full := j.fullForms(hosts)
	at := map[[2]string]*stretch{}
	for i, s := range seen {
		if hosts[i].key == "" {
			continue
		}
		key := hosts[i].key
		if f, ok := full[key]; ok {
			key = f
		}
		v.keys[s.Host], v.keys[hosts[i].key] = key, key
		st := at[[2]string{s.Channel, key}]
		if st == nil {
			st = &stretch{log: v, channel: s.Channel, key: key, first: event.NoTime, last: event.NoTime}
			at[[2]string{s.Channel, key}] = st
			v.stretches = append(v.stretches, st)
			j.byKey[key] = append(j.byKey[key], st)
		}
		st.add(s)
	}
	slices.SortFunc(v.stretches, func(a, b *stretch) int {
		return cmp.Or(strings.Compare(a.channel, b.channel), strings.Compare(a.key, b.key))
	})
}

// fullForms maps each short name to the one full name that stands beside it, unless the list has both.
func (j *joiner) fullForms(hosts []host) map[string]string {
	full := map[string]string{}
	for _, h := range hosts {
		if h.domain() == "" {
			continue
		}
		if old, ok := full[h.short()]; ok && old != h.key {
			full[h.short()] = ""
		} else {
			full[h.short()] = h.key
		}
	}
	maps.DeleteFunc(full, func(short, f string) bool {
		_, a := j.estate.exact[short]
		_, b := j.estate.exact[f]
		return f == "" || a && b
	})
	return full
}

// channels yields the channels in which the artifact names a computer, in order.
func (v *view) channels() iter.Seq[string] {
	return func(yield func(string) bool) {
		for i, s := range v.stretches {
			if (i == 0 || s.channel != v.stretches[i-1].channel) && !yield(s.channel) {
				return
			}
		}
	}
}

func (v *view) in(channel string) (list []*stretch) {
	for _, s := range v.stretches {
		if s.channel == channel {
			list = append(list, s)
		}
	}
	return list
}

// says names a log for a person.
func (v *view) says(channel string) string {
	return fmt.Sprintf("%s in %q of %q", channel, v.Artifact.Path, v.Artifact.Collection)
}

func (j *joiner) quote(key string) string { return fmt.Sprintf("%q", j.text[key]) }

func (j *joiner) conflict(says string, servers ...event.ServerID) {
	slices.Sort(servers)
	j.conflicts[says] = slices.Compact(servers)
}
