package damage

import (
	"bytes"
	"math"
)

// blockBytes is the block by which randomness is told.
const blockBytes = 4 << 10

// histogram counts bytes by value.
type histogram struct {
	count [256]uint32
	n     uint32
}

func (h *histogram) add(b []byte) {
	for _, c := range b {
		h.count[c]++
	}
	h.n += uint32(len(b))
}

func (h *histogram) merge(o *histogram) {
	for i, c := range &o.count {
		h.count[i] += c
	}
	h.n += o.n
}

// chi is Pearson's statistic against bytes that are all as likely. Of random bytes it is about 255, with a deviation of 22.6.
func (h *histogram) chi() float64 {
	if h.n == 0 {
		return 0
	}
	var squares uint64
	for _, c := range &h.count {
		squares += uint64(c) * uint64(c)
	}
	return float64(squares*256)/float64(h.n) - float64(h.n)
}

// entropy is Shannon's, in bits for a byte: 0 to 8.
func (h *histogram) entropy() float64 {
	if h.n == 0 {
		return 0
	}
	sum := 0.0
	for _, c := range &h.count {
		if c > 0 {
			sum += float64(float64(c) * math.Log2(float64(c)))
		}
	}
	return math.Log2(float64(h.n)) - sum/float64(h.n)
}

// withoutTop is the histogram without its most frequent value: random bytes that were diluted with zeros are random again.
func (h *histogram) withoutTop() (chi float64, n uint32) {
	var top uint32
	var squares uint64
	for _, c := range &h.count {
		top = max(top, c)
		squares += uint64(c) * uint64(c)
	}
	if n = h.n - top; n == 0 {
		return 0, 0
	}
	return float64((squares-uint64(top)*uint64(top))*255)/float64(n) - float64(n), n
}

// diluted reports whether the bytes look random but for one value that is far too frequent.
func (h *histogram) diluted() bool {
	chi, n := h.withoutTop()
	return n >= leastRandom && chi >= leastChi && chi <= mostChi && h.n-n > h.n/64
}

// floor is the share of bytes that a uniform source could have given: 256 times the count that a sixteenth of all values do
// not reach, of all. Striped encryption lifts it where the plain part has values that it never uses.
func (h *histogram) floor() float64 {
	if h.n == 0 {
		return 0
	}
	var lowest [17]uint32 // the 17 smallest counts, sorted
	kept := 0
	for _, c := range &h.count {
		if kept == len(lowest) && c >= lowest[kept-1] {
			continue
		}
		i := min(kept, len(lowest)-1)
		for ; i > 0 && lowest[i-1] > c; i-- {
			lowest[i] = lowest[i-1]
		}
		lowest[i] = c
		kept = min(kept+1, len(lowest))
	}
	return min(1, 256*float64(lowest[16])/float64(h.n))
}

// encoded reports whether the bytes are drawn evenly from the symbols of a base: 16, 32, 64 or 85 (which has = among its own). Random bytes
// in letters are, text never is.
func (h *histogram) encoded() bool {
	var n, squares uint64
	symbols := 0
	for c, k := range &h.count {
		switch {
		case k == 0 || c == '\n' || c == '\r' || c == '=':
		case c < '!' || c > '~':
			return false
		default:
			symbols++
			n += uint64(k)
			squares += uint64(k) * uint64(k)
		}
	}
	base := symbols == 16 || symbols == 32 || symbols == 64 || symbols >= 84 && symbols <= 86
	if !base || n < uint64(16*symbols) {
		return false
	}
	uneven := float64(squares)/float64(n)/float64(n)*float64(symbols) - 1
	return uneven < .01+2*float64(symbols)/float64(n)
}

// inLetters reports whether the bytes are of base64, or of another base and evenly drawn.
func (h *histogram) inLetters() bool { return base64Share(h) > .995 || h.encoded() }

// share is the part of bytes from one value to another, both included.
func (h *histogram) share(from, to int) float64 {
	if h.n == 0 {
		return 0
	}
	var n uint32
	for _, c := range h.count[from : to+1] {
		n += c
	}
	return float64(n) / float64(h.n)
}

// The bounds of chi between which bytes look drawn at random: 4.5 deviations below, 3.45 above.
const (
	leastChi = 153
	mostChi  = 333
)

// leastRandom is the fewest bytes of which chi tells anything: four for each value.
const leastRandom = 1024

func (h *histogram) random() bool {
	x := h.chi()
	return h.n >= leastRandom && x >= leastChi && x <= mostChi
}

func looksRandom(b []byte) bool {
	var h histogram
	h.add(b)
	return h.random()
}

// profile is what is counted of a file's bytes.
type profile struct {
	all          histogram
	even, odd    histogram // bytes of even and odd runs of 16
	blocks       int
	randoms      int // blocks that look random
	zeros        int // blocks of one value
	turns        int // changes between random blocks and others
	longest      int // blocks of the longest random stretch
	least, most  float64
	mean, spread float64   // of the blocks' entropies
	head, tail   histogram // 4 KiB
	headRandom   bool
	constant     bool // one value, or a pattern of at most 16 bytes, all along
	patterned    bool // a longer pattern all along
}

// plain estimates the share of bytes that are not random: neither in random blocks nor what a uniform source could have given.
func (p *profile) plain() float64 {
	return 1 - max(share(int64(p.randoms), int64(p.blocks)), p.all.floor())
}

// xlog is c·log2(c) for the counts of a block.
var xlog = func() (t [blockBytes + 1]float64) {
	for c := 2; c <= blockBytes; c++ {
		t[c] = float64(c) * math.Log2(float64(c))
	}
	return t
}()

// measure counts a view's bytes.
func measure(v *view, p *profile) {
	*p = profile{least: 8}
	var squares float64
	run := 0
	was := -1
	for _, w := range v.windows {
		for b := w.b; len(b) > 0; {
			n := min(len(b), blockBytes)
			if rest := len(b) - n; rest > 0 && rest < leastRandom {
				n = len(b) // a short end belongs to the block before it
			}
			e, random, constant := p.block(b[:n])
			b = b[n:]
			p.blocks++
			p.mean += e
			squares += float64(e * e)
			p.least, p.most = min(p.least, e), max(p.most, e)
			is := 0
			if random {
				p.randoms++
				run++
				is = 1
				p.longest = max(p.longest, run)
			} else {
				run = 0
			}
			if constant {
				p.zeros++
			}
			if was >= 0 && was != is {
				p.turns++
			}
			was = is
		}
	}
	p.all.merge(&p.even)
	p.all.merge(&p.odd)
	if p.blocks > 0 {
		p.mean /= float64(p.blocks)
		p.spread = math.Sqrt(max(0, squares/float64(p.blocks)-float64(p.mean*p.mean)))
	} else {
		p.least = 0
	}
	head := v.head()
	p.head.add(head[:min(len(head), blockBytes)])
	p.tail.add(v.tail(blockBytes))
	p.headRandom = p.head.random()
	p.constant = isPattern(v)
	p.patterned = !p.constant && isLongPattern(v)
}

// block counts one block into the runs' histograms and returns its entropy and whether it looks random or has one value.
func (p *profile) block(b []byte) (bits float64, random, constant bool) {
	var t [4][256]uint16 // two for even runs, two for odd: neighbours that are alike do not wait for one another
	whole := b
	for len(b) >= 32 {
		r := (*[32]byte)(b)
		for i := 0; i < 16; i += 2 {
			t[0][r[i]]++
			t[1][r[i+1]]++
			t[2][r[i+16]]++
			t[3][r[i+17]]++
		}
		b = b[32:]
	}
	for i, c := range b {
		t[i/16*2][c]++
	}
	var sum float64
	var squares uint64
	var even, odd uint32
	most := uint32(0)
	for i := range 256 {
		e, o := uint32(t[0][i])+uint32(t[1][i]), uint32(t[2][i])+uint32(t[3][i])
		c := e + o
		if c == 0 {
			continue
		}
		p.even.count[i] += e
		p.odd.count[i] += o
		even += e
		odd += o
		squares += uint64(c) * uint64(c)
		most = max(most, c)
		if c <= blockBytes {
			sum += xlog[c]
		} else {
			sum += float64(c) * math.Log2(float64(c))
		}
	}
	p.even.n += even
	p.odd.n += odd
	n := float64(len(whole))
	chi := float64(squares*256)/n - n
	return math.Log2(n) - sum/n, len(whole) >= leastRandom && chi >= leastChi && chi <= mostChi, int(most) == len(whole)
}

// isPattern reports whether a view repeats a pattern of one to sixteen bytes all along.
func isPattern(v *view) bool {
	head := v.head()
	if len(head) < 64 {
		return false
	}
	period := 0
	for n := 1; n <= 16; n++ {
		if repeats(head[:64], n) {
			period = n
			break
		}
	}
	if period == 0 {
		return false
	}
	for i, w := range v.windows {
		if i > 0 && len(w.b) > 0 && w.b[0] != head[w.off%int64(period)] || !repeats(w.b, period) {
			return false
		}
	}
	return true
}

// The longest pattern that is looked for, and how often it must stand.
const (
	mostPeriod  = 1024
	leastRounds = 4
)

// isLongPattern reports whether a view repeats what is longer than that, up to a kilobyte, all along.
func isLongPattern(v *view) bool {
	head := v.head()
	if len(head) < 64 {
		return false
	}
	i := bytes.Index(head[17:min(len(head), mostPeriod+33)], head[:16])
	period := i + 17
	if i < 0 || int64(period*leastRounds) > v.size {
		return false
	}
	for _, w := range v.windows {
		if !repeats(w.b, period) {
			return false
		}
	}
	return true
}

func repeats(b []byte, period int) bool {
	return len(b) <= period || bytes.Equal(b[period:], b[:len(b)-period])
}
