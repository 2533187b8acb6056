package inventory

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// stretch is what one log of an artifact holds under one name.
type stretch struct {
	log            *view
	channel, key   string
	first, last    event.Time
	count          uint64
	low, high      uint64
	runs, backward uint64
}

func (s *stretch) add(o Sighting) {
	if s.count == 0 {
		s.first, s.last, s.low, s.high = o.First, o.Last, o.Low, o.High
	}
	if s.first == event.NoTime || o.First != event.NoTime && o.First < s.first {
		s.first = o.First
	}
	s.last = max(s.last, o.Last)
	s.low, s.high = min(s.low, o.Low), max(s.high, o.High)
	s.count += o.Count
	s.runs += o.Runs
	s.backward += o.Backward
}

// become is the claim that a computer was named from first and to next, and what shows it.
type become struct {
	from, to *stretch
	proven   bool // by record numbers; otherwise only by one name following the other
	why      string
}

// maxRenames bounds the names of one computer that are believed without record numbers: maker's name, setup's, own.
const maxRenames = 4

// follow tells whether the names in one log of an artifact are one computer's, and in which order it bore them.
//
// A log that a computer writes itself has one counter of record numbers, so that the numbers under all names together
// fill one range, and the order of numbers is the order of names even where the clock was set back between them. A log
// that collects from several computers shows their own counters: the ranges lie apart, or the numbers jump back.
// Without such numbers the names must follow one another in time, each in one unbroken run.
func follow(names []*stretch) (order []*stretch, proven, ok bool) {
	order = slices.Clone(names)
	if numbered(names[0].log.Artifact.Kind) {
		slices.SortFunc(order, func(a, b *stretch) int { return cmp.Or(cmp.Compare(a.high, b.high), strings.Compare(a.key, b.key)) })
		if oneCounter(order) {
			return order, true, true
		}
		return order, false, followsSetup(order) && inTurn(order) && names[0].log.apart(order)
	}
	slices.SortFunc(order, func(a, b *stretch) int { return cmp.Or(cmp.Compare(a.first, b.first), strings.Compare(a.key, b.key)) })
	if collected(names[0].log.Artifact.Kind) && !followsSetup(order) {
		return order, false, false
	}
	return order, false, len(order) <= maxRenames && inTurn(order) && !names[0].log.hub() && names[0].log.apart(order)
}

// collected reports whether artifacts of that kind are written by what gathers events, from one computer or many, and not
// by the computer itself: that two names follow one another there says little.
func collected(kind string) bool { return strings.HasPrefix(kind, "windows-") }

// apart reports whether names follow one another over all channels of the artifact, and not in one alone: a server that is
// quiet in one log may write another all the while.
func (v *view) apart(order []*stretch) bool {
	for i, s := range order[1:] {
		for _, a := range v.stretches {
			for _, b := range v.stretches {
				if a.key == order[i].key && b.key == s.key && a.last > b.first {
					return false
				}
			}
		}
	}
	return true
}

// numbered reports whether record numbers of that kind of artifact are the log's own, not lines.
func numbered(kind string) bool { return kind == "evtx" || kind == "evt" }

// oneCounter reports whether the record numbers, in order of the greatest, were given by one counter.
func oneCounter(order []*stretch) bool {
	low, high := order[0].low, order[0].high
	var count, backward, inside uint64
	apart := true
	for i, s := range order {
		low, high = min(low, s.low), max(high, s.high)
		count += s.count
		backward += s.backward
		inside += s.high - s.low
		apart = apart && (i == 0 || s.low > order[i-1].high)
	}
	span := high - low + 1
	// One step back is the seam of a log that was written around its end; a second one a copy of a chunk.
	if span == 0 || backward > 2 || count > span+span/20 {
		return false
	}
	if !apart {
		return count >= span/2
	}
	// Apart, the numbers must run on: as closely as they lie within a name, or the log is an export of several.
	step := uint64(1)
	if n := count - uint64(len(order)); n > 0 {
		step = 1 + inside/n
	}
	for i, s := range order[1:] {
		gap := s.low - order[i].high
		if gap > 10*step || gap > 1 && min(s.count, order[i].count) < 3 {
			return false
		}
	}
	return true
}

// inTurn reports whether each name has one run and ends before the next begins.
func inTurn(order []*stretch) bool {
	for i, s := range order {
		if s.runs > 1 || s.first == event.NoTime {
			return false
		}
		if i > 0 && (s.first < order[i-1].last || numbered(s.log.Artifact.Kind) && s.low <= order[i-1].high) {
			return false
		}
	}
	return true
}

// followsSetup reports whether all names but the last are such as an installer gives.
func followsSetup(order []*stretch) bool {
	for _, s := range order[:len(order)-1] {
		if !parseHost(s.key).setup() {
			return false
		}
	}
	return !parseHost(order[len(order)-1].key).setup()
}

// hub reports whether the artifact lies where logs of other computers are kept.
func (v *view) hub() bool { return hubPath.MatchString(v.Artifact.Path) }

var hubPath = regexp.MustCompile(`(?i)(?:^|[/!])(?:remote|remotes|hosts|hub|central|collector|collected|siem|forwarded[^/]*)(?:/|$)|(?:^|/)(?:remote|hub|central|all)(?:[-_.][^/]*)?\.log`)

// forwarded reports whether the artifact is a log of events that other computers sent.
func (v *view) forwarded() bool {
	return strings.Contains(lower(v.Artifact.Path), "forwardedevents") ||
		slices.ContainsFunc(v.stretches, func(s *stretch) bool { return strings.HasSuffix(s.channel, "/forwardedevents") })
}

// renames says how the names of the artifact's logs are one another. It sets own: whether the artifact is one
// computer's, and final: how that computer called itself last.
func (j *joiner) renames(v *view) {
	finals := map[string]bool{}
	for channel := range v.channels() {
		list := v.in(channel)
		if len(list) == 1 {
			finals[list[0].key] = true
			continue
		}
		order, proven, ok := follow(list)
		if ok && !v.forwarded() {
			j.link(v, channel, order, proven)
			finals[order[len(order)-1].key] = true
		} else {
			for _, s := range list {
				finals[s.key] = true
			}
		}
	}
	// A name that another log of the artifact has seen pass is no end.
	for _, b := range v.becomes {
		delete(finals, b.from.key)
	}
	v.own = len(finals) == 1 && !v.forwarded()
	if v.own {
		for k := range finals {
			v.final = k
		}
	}
}

// link records that the names follow one another, but never across two servers of the list.
func (j *joiner) link(v *view, channel string, order []*stretch, proven bool) {
	listed := make([]int, len(order))
	next := -1
	for i := len(order) - 1; i >= 0; i-- {
		listed[i] = next
		if n, how, _ := j.estate.find(parseHost(order[i].key)); how != notListed && how != severally {
			listed[i], next = n, n
		}
	}
	for i, s := range order[1:] {
		from := order[i]
		if listed[i] != listed[i+1] && listed[i] >= 0 && listed[i+1] >= 0 {
			j.conflict(fmt.Sprintf("%s is named %s first and %s later, two servers of the inventory: a clone, a restored image or a new name; each record counts to the server it names",
				v.says(channel), j.quote(from.key), j.quote(s.key)), j.estate.Servers[listed[i]].ID, j.estate.Servers[listed[i+1]].ID)
			continue
		}
		b := become{from: from, to: s, proven: proven}
		if proven {
			b.why = fmt.Sprintf("record numbers run on from %d to %d in %q", from.high, s.low, v.Artifact.Path)
			if s.low < from.high {
				b.why = fmt.Sprintf("one counter of record numbers in %q", v.Artifact.Path)
			}
		} else {
			b.why = fmt.Sprintf("the names follow one another without overlap in %q", v.Artifact.Path)
		}
		v.becomes = append(v.becomes, b)
	}
}

// sift drops the claims that other logs speak against.
func (j *joiner) sift(v *view) {
	kept := v.becomes[:0]
	for _, b := range v.becomes {
		if other := j.against(b); other != nil {
			j.conflict(fmt.Sprintf("%s is named %s first and %s later, but %s in %q is another computer's; the two are kept apart",
				v.says(b.from.channel), j.quote(b.from.key), j.quote(b.to.key), j.quote(other.key), other.log.Artifact.Path),
				event.ServerID(j.text[b.from.key]), event.ServerID(j.text[b.to.key]))
			continue
		}
		kept = append(kept, b)
	}
	v.becomes = kept
}

// against finds a stretch in another root that shows the two names to be two computers.
func (j *joiner) against(b become) *stretch {
	for _, o := range j.byKey[b.from.key] {
		if o.log.root == b.from.log.root && (b.proven || o.log.own) {
			continue
		}
		if b.proven {
			// The log of the earlier name lives on elsewhere and holds these very records: ours is a clone's copy of it.
			whole := o.log.own && o.log.final == o.key && o.channel == b.from.channel &&
				o.low <= b.from.low && o.high > b.from.high && o.first <= b.from.first && o.last > b.from.last
			if whole {
				return o
			}
		} else if o.last > b.to.first {
			return o
		}
	}
	if !b.proven {
		for _, o := range j.byKey[b.to.key] {
			if (o.log.root != b.to.log.root || !o.log.own) && o.first != event.NoTime && o.first < b.from.last {
				return o
			}
		}
	}
	return nil
}
