package spread

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"wardround/internal/event"
)

// Sights are the times at which logs tell of one way: from one computer to one server by one account. They are added in
// order of time.
type Sights struct {
	by map[event.ServerID][]event.Time
}

// maxSights bounds the sights of one way in one server's logs: the latest are kept.
const maxSights = 256

// See adds a sight.
func (s *Sights) See(by []byte, at event.Time) {
	if s.by == nil {
		s.by = map[event.ServerID][]event.Time{}
	}
	list := s.by[event.ServerID(by)]
	if n := len(list); n > 0 && list[n-1] == at {
		return // the same event, collected twice
	}
	if len(list) >= 2*maxSights {
		list = append(list[:0], list[len(list)-maxSights+1:]...)
	}
	s.by[event.ServerID(by)] = append(list, at)
}

// Reset forgets all.
func (s *Sights) Reset() { clear(s.by) }

// Clocks estimates how far servers' clocks are off from movements that two servers recorded both.
//
// Each pair of times at which two logs tell of one way is a candidate for the offset between their clocks. Candidates of
// different movements lie anywhere; those of the same movement lie together: the offset is where they are densest.
type Clocks struct {
	pairs map[[2]event.ServerID]*pairing
	total int
}

// pairing holds the candidates of two servers, in the order in which they came.
type pairing struct {
	list []candidate
	next int32
}

// candidate is one possible offset; n numbers the event of the first server that it belongs to.
type candidate struct {
	d      time.Duration // the second server's clock less the first's
	weight float32
	n      int32
}

const (
	maxOffset     = 26 * time.Hour // any mistaken time zone, and a day
	maxNear       = 64             // candidates of one event
	maxGroup      = 2048           // candidates of one way and pair
	maxCandidates = 8192           // of one pair
	maxAll        = 8 << 20        // of all pairs

	peakWidth = 2 * time.Second // how near candidates of the same movement lie
	minPairs  = 4               // of movements that two servers both recorded, for an estimate
)

// NewClocks makes an empty estimator.
func NewClocks() *Clocks { return &Clocks{pairs: map[[2]event.ServerID]*pairing{}} }

// Add takes the sights of one way.
func (c *Clocks) Add(s *Sights) {
	if len(s.by) < 2 {
		return
	}
	ids := slices.Sorted(maps.Keys(s.by))
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			c.compare(a, b, latest(s.by[a]), latest(s.by[b]))
		}
	}
}

func latest(list []event.Time) []event.Time { return list[max(0, len(list)-maxSights):] }

// compare adds the candidates of two logs' times of one way, the latest first.
func (c *Clocks) compare(a, b event.ServerID, as, bs []event.Time) {
	k := [2]event.ServerID{a, b}
	p := c.pairs[k]
	if p == nil {
		p = &pairing{}
		c.pairs[k] = p
	}
	added := 0
	for i := len(as) - 1; i >= 0 && added < maxGroup; i-- {
		low, high := nearest(bs, as[i])
		n := high - low
		if n == 0 {
			continue
		}
		if len(p.list)+n > maxCandidates || c.total+n > maxAll {
			return
		}
		p.next++
		for _, t := range bs[low:high] {
			p.list = append(p.list, candidate{t.Sub(as[i]), 1 / float32(n), p.next})
		}
		added += n
		c.total += n
	}
}

// nearest is the range of at most maxNear times within maxOffset of t.
func nearest(list []event.Time, t event.Time) (low, high int) {
	low, _ = slices.BinarySearch(list, t.Add(-maxOffset))
	high, _ = slices.BinarySearch(list, t.Add(maxOffset)+1)
	for high-low > maxNear {
		if t.Sub(list[low]) > list[high-1].Sub(t) {
			low++
		} else {
			high--
		}
	}
	return low, high
}

// link is the offset between two clocks as movements show it.
type link struct {
	offset time.Duration
	n      int // movements
	sample []time.Duration
}

// maxSample bounds the estimates of a pair that its spread is taken from.
const maxSample = 64

// estimate finds where the candidates are densest. Jobs that run by the clock fit at several places nearly as well: then
// the one nearest to zero is meant if all others are far beyond it, and none otherwise.
func (p *pairing) estimate() (link, bool) {
	list := slices.Clone(p.list)
	slices.SortFunc(list, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.n, b.n)) })
	places := peaks(list)
	if len(places) == 0 {
		return link{}, false
	}
	best := slices.MinFunc(places, func(a, b peak) int { return cmp.Compare(a.d.Abs(), b.d.Abs()) })
	for _, o := range places {
		if o != best && o.d.Abs() < 3*best.d.Abs()+2*peakWidth {
			return link{}, false
		}
	}
	if best.n < minPairs {
		return link{}, false
	}
	var in []time.Duration
	for _, x := range list[best.low:best.high] {
		in = append(in, x.d)
	}
	return link{offset: in[len(in)/2], n: best.n, sample: thin(in)}, true
}

// thin keeps at most maxSample values, evenly.
func thin(in []time.Duration) []time.Duration {
	if len(in) <= maxSample {
		return in
	}
	out := make([]time.Duration, maxSample)
	for i := range out {
		out[i] = in[i*len(in)/maxSample]
	}
	return out
}

// peak is a stretch of candidates that lie together.
type peak struct {
	low, high int
	d         time.Duration // its middle
	weight    float64
	n         int // of different movements
}

// nearly is how dense, of the densest, a place must be to be taken for it as well.
const nearly = 0.6

// maxPeaks bounds the places that are looked at; more are noise.
const maxPeaks = 64

// peaks finds the densest stretch, and those that are nearly as dense and lie apart; none if there are too many.
func peaks(list []candidate) (out []peak) {
	var all []peak // one for each stretch that cannot be made longer, in order
	most, sum, high := 0.0, 0.0, 0
	for low := range list {
		for high < len(list) && list[high].d-list[low].d <= peakWidth {
			sum += float64(list[high].weight)
			high++
		}
		all = append(all, peak{low: low, high: high, d: list[(low+high)/2].d, weight: sum})
		most = max(most, sum)
		sum -= float64(list[low].weight)
	}
	for _, p := range all {
		if p.weight < nearly*most {
			continue
		}
		switch last := len(out) - 1; {
		case last >= 0 && p.d-out[last].d <= 2*peakWidth:
			if p.weight > out[last].weight*1.0001 {
				out[last] = p
			}
		case len(out) >= maxPeaks:
			return nil
		default:
			out = append(out, p)
		}
	}
	for i := range out {
		seen := map[int32]bool{}
		for _, c := range list[out[i].low:out[i].high] {
			seen[c.n] = true
		}
		out[i].n = len(seen)
	}
	return out
}

// network is the servers whose clocks can be compared, each with each that it shares movements with.
type network struct {
	links  map[event.ServerID]map[event.ServerID]link // offset of the second less the first
	offset map[event.ServerID]time.Duration
}

// Estimate says how far each server's clock is off from the estate's: from what most servers agree on, and of equal numbers
// from what a domain controller shows.
func (c *Clocks) Estimate(controller func(event.ServerID) bool) []event.Clock {
	n := network{links: map[event.ServerID]map[event.ServerID]link{}, offset: map[event.ServerID]time.Duration{}}
	for k, p := range c.pairs {
		if l, ok := p.estimate(); ok {
			n.put(k[0], k[1], l)
			n.put(k[1], k[0], l.reversed())
		}
	}
	out := []event.Clock{}
	for _, id := range slices.Sorted(maps.Keys(n.links)) {
		if _, done := n.offset[id]; !done {
			part := n.part(id)
			n.settle(part)
			n.agree(part, controller)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(n.links)) {
		out = append(out, n.clock(id))
	}
	return out
}

func (n *network) put(a, b event.ServerID, l link) {
	if n.links[a] == nil {
		n.links[a] = map[event.ServerID]link{}
	}
	n.links[a][b] = l
}

func (l link) reversed() link {
	out := link{offset: -l.offset, n: l.n, sample: slices.Clone(l.sample)}
	for i := range out.sample {
		out.sample[i] = -out.sample[i]
	}
	return out
}

// part lists the servers that hang together with the first, each reached by the link with most movements, and gives them
// the offsets that these links tell.
func (n *network) part(first event.ServerID) []event.ServerID {
	part := []event.ServerID{first}
	n.offset[first] = 0
	for {
		var from, to event.ServerID
		most := 0
		for _, a := range part {
			for _, b := range slices.Sorted(maps.Keys(n.links[a])) {
				if _, done := n.offset[b]; !done && n.links[a][b].n > most {
					from, to, most = a, b, n.links[a][b].n
				}
			}
		}
		if most == 0 {
			slices.Sort(part)
			return part
		}
		n.offset[to] = n.offset[from] + n.links[from][to].offset
		part = append(part, to)
	}
}

// settle lets each server take the median of what its neighbours tell of it, so that one wrong link does not move others.
func (n *network) settle(part []event.ServerID) {
	for range 8 {
		for _, a := range part {
			var told []weighted
			for _, b := range slices.Sorted(maps.Keys(n.links[a])) {
				l := n.links[a][b]
				told = append(told, weighted{n.offset[b] - l.offset, l.n})
			}
			n.offset[a] = median(told)
		}
	}
}

type weighted struct {
	d time.Duration
	n int
}

func median(list []weighted) time.Duration {
	slices.SortFunc(list, func(a, b weighted) int { return cmp.Or(cmp.Compare(a.d, b.d), cmp.Compare(a.n, b.n)) })
	all := 0
	for i := range list {
		list[i].n = min(list[i].n, 100) // one busy pair is one witness among others
		all += list[i].n
	}
	for _, x := range list {
		if all -= 2 * x.n; all <= 0 {
			return x.d
		}
	}
	return list[len(list)-1].d
}

// offBy is how far a clock must be off to be called so.
const offBy = 5 * time.Second

// agree makes zero what most servers of a part agree on; of equal numbers what a domain controller shows, then what the
// servers with most movements do.
func (n *network) agree(part []event.ServerID, controller func(event.ServerID) bool) {
	type votes struct{ servers, controllers, movements int }
	var best votes
	var zero time.Duration
	for _, a := range part {
		var v votes
		for _, b := range part {
			if (n.offset[b] - n.offset[a]).Abs() > offBy/2 {
				continue
			}
			v.servers++
			if controller(b) {
				v.controllers++
			}
			for _, l := range n.links[b] {
				v.movements += l.n
			}
		}
		if cmp.Or(cmp.Compare(v.servers, best.servers), cmp.Compare(v.controllers, best.controllers), cmp.Compare(v.movements, best.movements)) > 0 {
			best, zero = v, n.offset[a]
		}
	}
	for _, a := range part {
		n.offset[a] -= zero
	}
}

// clock writes down what is known of a server's clock. It is corrected where it is off by more than the estimates differ.
func (n *network) clock(id event.ServerID) event.Clock {
	c := event.Clock{Server: id, Against: []event.ServerID{}}
	var told []time.Duration
	for _, b := range slices.Sorted(maps.Keys(n.links[id])) {
		l := n.links[id][b]
		c.Pairs += l.n
		c.Against = append(c.Against, b)
		for _, d := range l.sample {
			told = append(told, n.offset[b]-d)
		}
	}
	slices.Sort(told)
	spread := (told[len(told)*3/4] - told[len(told)/4]) / 2
	off := n.offset[id]
	c.Corrected = off.Abs() > offBy && off.Abs() > 4*spread
	c.OffsetSeconds, c.SpreadSeconds = seconds(off), seconds(spread)
	if len(c.Against) > maxAgainst {
		slices.SortStableFunc(c.Against, func(a, b event.ServerID) int { return cmp.Compare(n.links[id][b].n, n.links[id][a].n) })
		c.Against = c.Against[:maxAgainst]
		slices.Sort(c.Against)
	}
	return c
}

// maxAgainst bounds the servers that a clock is said to have been compared with.
const maxAgainst = 10

func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }
