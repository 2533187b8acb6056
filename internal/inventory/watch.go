package inventory

import (
	"cmp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Sighting is how one log of an artifact calls a computer, and how often.
type Sighting struct {
	Channel  string     `json:"channel"` // event.Source.Name
	Host     string     `json:"host"`    // as written; "" for records that name none
	First    event.Time `json:"first"`   // earliest; NoTime without any
	Last     event.Time `json:"last"`
	Count    uint64     `json:"count"`
	Low      uint64     `json:"low"` // smallest and greatest record number
	High     uint64     `json:"high"`
	Runs     uint64     `json:"runs"`     // unbroken runs of records of this name within the log, as it lies in the artifact
	Backward uint64     `json:"backward"` // runs that began with a number not above the one before
}

// Watch gathers the sightings of one artifact while it is read. Its memory is bounded whatever the artifact holds. The
// zero value is ready.
type Watch struct {
	list   []Sighting
	at     map[watchKey]int
	logs   map[watchLog]*watchLog
	schema *event.Schema
	host   string
	log    *watchLog
	index  int // into list; log is where it counts

	own       func(*event.Record) (host, address string) // of the schema at hand
	addresses map[ownKey]*Own

	recent [8]watchTurn // the last turns: the programs of a log take turns
	oldest int
}

// watchTurn is where the records of a schema and a computer count.
type watchTurn struct {
	schema *event.Schema
	host   string
	own    func(*event.Record) (host, address string)
	log    *watchLog
	index  int
}

type watchKey struct{ product, channel, host string }

// watchLog is a log inside the artifact: which name wrote last, and under which number.
type watchLog struct {
	product, channel string
	index            int
	number           uint64
}

// maxSightings bounds the names of one artifact. An estate has hundreds; more are made up.
const maxSightings = 4096

// Crowd is the server to which the records go whose names are past maxSightings.
const Crowd event.ServerID = "(other names)"

// crowd stands for them in a Sighting. No name can be taken for it: the control character would have been replaced.
const crowd = "(other names)\x00"

// See counts a record.
func (w *Watch) See(r *event.Record) {
	if r.Schema != w.schema || r.Host != w.host || w.log == nil {
		w.turn(r)
	}
	if w.own != nil {
		w.owns(r)
	}
	s := &w.list[w.index]
	if w.log.index != w.index {
		s.Runs++
		if w.log.index >= 0 && r.Number <= w.log.number {
			s.Backward++
		}
		w.log.index = w.index
	}
	w.log.number = r.Number
	s.Count++
	s.Low, s.High = min(s.Low, r.Number), max(s.High, r.Number)
	if r.Time != event.NoTime {
		if s.First == event.NoTime || r.Time < s.First {
			s.First = r.Time
		}
		s.Last = max(s.Last, r.Time)
	}
}

// turn goes on to the sighting that the record belongs to.
func (w *Watch) turn(r *event.Record) {
	for i := range w.recent {
		if t := &w.recent[i]; t.schema == r.Schema && t.host == r.Host {
			w.schema, w.host, w.own, w.log, w.index = t.schema, t.host, t.own, t.log, t.index
			return
		}
	}
	w.find(r)
	if w.host == r.Host { // not of the crowd
		w.recent[w.oldest] = watchTurn{w.schema, w.host, w.own, w.log, w.index}
		w.oldest = (w.oldest + 1) % len(w.recent)
	}
}

// find finds, or makes, the sighting that the record belongs to.
func (w *Watch) find(r *event.Record) {
	if w.at == nil {
		w.at, w.logs = map[watchKey]int{}, map[watchLog]*watchLog{}
	}
	src := &r.Schema.Source
	if w.log != nil && src.Product == w.schema.Source.Product && src.Channel == w.schema.Source.Channel && r.Host == w.host {
		w.schema, w.own = r.Schema, ownReader(r.Schema) // another event of the same log
		return
	}
	k := watchKey{src.Product, src.Channel, r.Host}
	if len(k.host) > maxName {
		k.host = clean(k.host)
	}
	i, ok := w.at[k]
	if !ok && len(w.list) >= maxSightings {
		k = watchKey{host: crowd}
		i, ok = w.at[k]
	}
	if !ok {
		i = len(w.list)
		k.host = strings.Clone(k.host)
		s := Sighting{Host: k.host, First: event.NoTime, Last: event.NoTime, Low: ^uint64(0)}
		if k.host != crowd {
			s.Channel = src.Name()
		}
		w.at[k] = i
		w.list = append(w.list, s)
	}
	id := watchLog{product: k.product, channel: k.channel}
	if w.logs[id] == nil {
		w.logs[id] = &watchLog{index: -1}
	}
	w.own = ownReader(r.Schema)
	w.schema, w.host, w.log, w.index = r.Schema, w.list[i].Host, w.logs[id], i
}

// Sightings returns what was seen, in order of channel and name.
func (w *Watch) Sightings() []Sighting {
	list := slices.Clone(w.list)
	slices.SortFunc(list, func(a, b Sighting) int {
		return cmp.Or(strings.Compare(a.Channel, b.Channel), strings.Compare(a.Host, b.Host))
	})
	return list
}
