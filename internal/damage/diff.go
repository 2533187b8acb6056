package damage

import (
	"bytes"
	"math"
	"slices"
)

// diff is what changed between two versions of a file.
type diff struct {
	compared, equal int64     // bytes at the same places
	xor             histogram // old and new of the 16-byte blocks that changed
	changed         histogram // the new bytes of those
	was             histogram // the old bytes of those
	runs, aligned   int       // stretches that changed; those that begin at a multiple of 16 from the file's start
	runSum, runSq   float64   // of their lengths in blocks, as logarithms
	gaps            int       // stretches between those
	gapSum, gapSq   float64   // of their lengths
	prefix, suffix  int64     // bytes that are equal at the beginning and at the end
	newBytes        int64     // in chunks that the old version has nowhere
	fresh           histogram // of those
	longestFresh    int64
	identical       bool
	key             int // bytes after which what was done to each byte repeats; 0 if it does not
}

// compare finds what changed. Chunks are told by content, so that what was only moved is not new.
func compare(old, new *view, d *diff) {
	*d = diff{identical: old.size == new.size}
	for _, w := range new.windows {
		o := old.at(w.off, len(w.b))
		d.places(o, w.b)
	}
	if d.equal < d.compared || old.size != new.size {
		d.identical = false
	}
	if len(old.windows) > 0 && len(new.windows) > 0 {
		d.prefix = int64(samePrefix(old.head(), new.head()))
		d.suffix = int64(sameSuffix(old.tail(1<<30), new.tail(1<<30)))
	}
	if !d.identical {
		d.chunks(old, new)
	}
	if d.equal*8 < d.compared && len(old.windows) > 0 && len(new.windows) > 0 {
		d.key = repeatingKey(old.head(), new.head())
	}
}

// mostKey is the longest key that is looked for.
const mostKey = 1024

// repeatingKey is the length of the key with which each byte was combined by exclusive or, or to which it was added; 0 if that is not what was done.
func repeatingKey(old, new []byte) int {
	n := min(len(old), len(new), 4*mostKey)
	if n < 64 {
		return 0
	}
	xor, sum := make([]byte, n), make([]byte, n)
	for i := range n {
		xor[i], sum[i] = old[i]^new[i], new[i]-old[i]
	}
	for period := 1; period <= min(mostKey, n/3); period++ {
		if repeats(xor, period) || repeats(sum, period) {
			return period
		}
	}
	return 0
}

// at returns bytes of the view from an offset, as many as one window has, at most n.
func (v *view) at(off int64, n int) []byte {
	for _, w := range v.windows {
		if off >= w.off && off < w.off+int64(len(w.b)) {
			b := w.b[off-w.off:]
			return b[:min(n, len(b))]
		}
	}
	return nil
}

func (d *diff) places(old, new []byte) {
	n := min(len(old), len(new))
	d.compared += int64(n)
	var x [16]byte
	run, gap := 0, 0
	for i := 0; i < n; {
		k := min(16, n-i)
		if bytes.Equal(old[i:i+k], new[i:i+k]) {
			d.equal += int64(k)
			d.endRun(run)
			run = 0
			gap++
			i += k
			continue
		}
		if gap > 0 && d.runs > 0 {
			l := math.Log2(float64(gap))
			d.gaps++
			d.gapSum += l
			d.gapSq += float64(l * l)
		}
		gap = 0
		for j := range k {
			x[j] = old[i+j] ^ new[i+j]
			if x[j] == 0 {
				d.equal++
			}
		}
		if run == 0 && (x[0] != 0 || k < 2 || x[1] != 0) {
			d.aligned++
		}
		run++
		d.xor.add(x[:k])
		d.changed.add(new[i : i+k])
		d.was.add(old[i : i+k])
		i += k
	}
	d.endRun(run)
}

func (d *diff) endRun(blocks int) {
	if blocks == 0 {
		return
	}
	d.runs++
	l := math.Log2(float64(blocks))
	d.runSum += l
	d.runSq += float64(l * l)
}

// lengths is the mean logarithm of the runs' lengths, and its deviation: stripes have none.
func (d *diff) lengths() (mean, spread float64) {
	if d.runs == 0 {
		return 0, 0
	}
	mean = d.runSum / float64(d.runs)
	return mean, math.Sqrt(max(0, d.runSq/float64(d.runs)-float64(mean*mean)))
}

// between is the deviation of the logarithm of the lengths between the stretches that changed.
func (d *diff) between() float64 {
	if d.gaps == 0 {
		return 0
	}
	mean := d.gapSum / float64(d.gaps)
	return math.Sqrt(max(0, d.gapSq/float64(d.gaps)-float64(mean*mean)))
}

func samePrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+256 <= n && bytes.Equal(a[i:i+256], b[i:i+256]) {
		i += 256
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

func sameSuffix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+256 <= n && bytes.Equal(a[len(a)-i-256:len(a)-i], b[len(b)-i-256:len(b)-i]) {
		i += 256
	}
	for i < n && a[len(a)-1-i] == b[len(b)-1-i] {
		i++
	}
	return i
}

// The bounds of a chunk; its end is where the rolling sum of the bytes before has seven zeros.
const (
	leastChunk = 32
	mostChunk  = 1024
	chunkMask  = 0x7f << 57
)

// gears are the values by which bytes enter the rolling sum.
var gears = func() (t [256]uint64) {
	s := uint64(0x2545f4914f6cdd1d)
	for i := range t {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		t[i] = s * 0x9e3779b97f4a7c15
	}
	return t
}()

// chunk is the length of the chunk at the beginning of b, and its sum.
func chunk(b []byte) (n int, sum uint64) {
	var roll uint64
	sum = 0xcbf29ce484222325
	for n < len(b) && n < mostChunk {
		c := b[n]
		roll = roll<<1 + gears[c]
		sum = (sum ^ uint64(c)) * 0x100000001b3
		n++
		if n >= leastChunk && roll&chunkMask == 0 {
			break
		}
	}
	return n, sum
}

// chunks counts what of the new version stands nowhere in the old.
func (d *diff) chunks(old, new *view) {
	var have []uint64
	for _, w := range old.windows {
		for b := w.b; len(b) > 0; {
			n, sum := chunk(b)
			have = append(have, sum)
			b = b[n:]
		}
	}
	slices.Sort(have)
	stretch := int64(0)
	for _, w := range new.windows {
		for b := w.b; len(b) > 0; {
			n, sum := chunk(b)
			if _, found := slices.BinarySearch(have, sum); found {
				stretch = 0
			} else {
				d.newBytes += int64(n)
				d.fresh.add(b[:n])
				stretch += int64(n)
				d.longestFresh = max(d.longestFresh, stretch)
			}
			b = b[n:]
		}
	}
}
