package damage

import (
	"math"
)

// look is what is known of one file's content.
type look struct {
	view    *view
	name    nameParts
	ext     string
	form    form
	profile profile
}

func lookAt(base string, v *view, budget int, l *look) {
	l.view = v
	l.name, l.ext = splitName(base), extension(base)
	l.form = formOf(v, budget)
	if l.form.shape == formless && l.name.promised == "brotli" {
		l.form = walkBrotli(&exam{b: v.head(), size: v.size, whole: v.whole, v: v}) // which has no signature: random bytes pass for it once in thirty thousand times
	}
	measure(v, &l.profile)
}

// The numbers of a file that stands alone. Their order is that of model.txt.
const (
	fSize = iota
	fForm
	fSeen
	fText
	fPromised
	fMissing
	fEntropy
	fChi
	fHeadChi
	fHeadEntropy
	fStartEntropy
	fTailChi
	fTailEntropy
	fRandoms
	fLongest
	fTurns
	fBlockMean
	fBlockLeast
	fBlockMost
	fBlockSpread
	fFloor
	fHeadFloor
	fParity
	fPrintable
	fHigh
	fZero
	fBase64
	fConstants
	fSerial
	fFormAt
	fBroken
	fKindRandom
	fSansTop
	singleFeatures
)

// squash makes chi a number of small range: 0 is what random bytes give.
func squash(h *histogram) float64 {
	if h.n == 0 {
		return 20
	}
	// Of few bytes chi says little: it is compared with its deviation.
	return math.Log2(1 + math.Abs(h.chi()-255)/22.6)
}

func share(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// single gives the numbers of a file alone.
func (l *look) single(out []float64) []float64 {
	p, f := &l.profile, &l.form
	head := l.view.head()
	var start histogram
	start.add(head[:min(len(head), 256)])
	n := append(out, make([]float64, singleFeatures)...)
	out = n[len(out):]
	out[fSize] = math.Log2(float64(l.view.size + 1))
	out[fForm] = float64(f.shape)
	if f.shape == broken {
		out[fForm] = -1
		out[fBroken] = share(f.at, l.view.size)
	}
	out[fSeen] = share(f.seen, l.view.size)
	out[fText] = flag(f.text)
	out[fPromised] = flag(l.name.promised != "") + flag(l.name.promised == "text")
	out[fMissing] = flag(l.missing())
	out[fEntropy] = p.all.entropy()
	out[fChi] = squash(&p.all)
	out[fHeadChi] = squash(&p.head)
	out[fHeadEntropy] = p.head.entropy()
	out[fStartEntropy] = start.entropy()
	out[fTailChi] = squash(&p.tail)
	out[fTailEntropy] = p.tail.entropy()
	out[fRandoms] = share(int64(p.randoms), int64(p.blocks))
	out[fLongest] = share(int64(p.longest), int64(p.blocks))
	out[fTurns] = share(int64(p.turns), int64(p.blocks))
	out[fBlockMean] = p.mean
	out[fBlockLeast] = p.least
	out[fBlockMost] = p.most
	out[fBlockSpread] = p.spread
	out[fFloor] = p.all.floor()
	out[fHeadFloor] = p.head.floor()
	out[fParity] = math.Abs(p.even.entropy() - p.odd.entropy())
	out[fPrintable] = p.all.share(32, 126) + p.all.share(9, 10) + p.all.share(13, 13)
	out[fHigh] = p.all.share(128, 255)
	out[fZero] = p.all.share(0, 0)
	out[fBase64] = base64Share(&p.all)
	out[fConstants] = share(int64(p.zeros), int64(p.blocks))
	out[fSerial] = serial(head)
	out[fFormAt] = math.Log2(float64(f.at + 1))
	out[fKindRandom] = flag(packedKinds[f.kind])
	chi, k := p.all.withoutTop()
	if out[fSansTop] = 20; k > 0 {
		out[fSansTop] = math.Log2(1 + math.Abs(chi-254)/22.6)
	}
	return n
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// missing reports whether a file's name promises a kind and its content is of none.
func (l *look) missing() bool {
	return l.name.promised != "" && !l.name.honest && l.form.honest == "" && (l.form.shape == formless || l.form.text && l.name.promised != "text" && (base64Share(&l.profile.all) > .99 || l.profile.all.encoded()))
}

func base64Share(h *histogram) float64 {
	return h.share('a', 'z') + h.share('A', 'Z') + h.share('0', '9') + h.share('+', '+') + h.share('/', '/') + h.share('=', '=') + h.share('\n', '\n') + h.share('\r', '\r') + h.share('-', '-') + h.share('_', '_')
}

// serial is how much a byte tells of the next, in deviations from none, over the first 16 KiB.
func serial(b []byte) float64 {
	b = b[:min(len(b), 16<<10)]
	n := len(b) - 1
	if n < 16 {
		return 0
	}
	var x, xx, xy int64
	for i := range n {
		x += int64(b[i])
		xx += int64(b[i]) * int64(b[i])
		xy += int64(b[i]) * int64(b[i+1])
	}
	f := float64(n)
	mean := float64(x) / f
	v := float64(xx)/f - float64(mean*mean)
	if v < 1 {
		return 20
	}
	r := (float64(xy)/f - float64(mean*mean)) / v
	return math.Log2(1 + math.Abs(r)*math.Sqrt(f))
}

// packedKinds are forms whose content looks nearly random by right.
var packedKinds = kinds(`true audio`, `raw photo`, `jpeg xr`, `monkey's audio`, `r data`, `git pack`, `zip ooxml opendocument jar gzip bzip2 xz zstd lz4 7z rar cab png jpeg gif mp4 matroska ogg flac mp3 pdf rpm ar zlib lzma compress lzip lzop brotli asf flv musepack wavpack jp2 djvu swf font riff
	ac3 adts amr caf realmedia realaudio dts noteworthy xcf jxl qoi flif bpg texture gltf blender dwg mobi onenote grib bufr miniseed lidar feather redis avro orc parquet arrow hdf5 hdf4 xar arj lha crx cramfs squashfs szdd wim`)

// kinds takes some names of more than one word, and others of one.
func kinds(list ...string) map[string]bool {
	m := set(list[len(list)-1])
	for _, k := range list {
		m[k] = true
	}
	return m
}

// pair is a file's content then and now.
type pair struct {
	old, new *look
	diff     diff
}

// The numbers of a pair, after those of the new file alone.
const (
	gSame = singleFeatures + iota
	gXorChi
	gXorEntropy
	gXorBytes
	gRuns
	gRunLength
	gRunSpread
	gPrefix
	gSuffix
	gNewShare
	gNewChi
	gNewEntropy
	gNewLongest
	gGrowth
	gDelta
	gEntropyRise
	gFloorRise
	gPrintableFall
	gRandomsRise
	gOldForm
	gOldText
	gLost
	gSameKind
	gOldEntropy
	gOldChi
	gOldRandoms
	gBlockMeanRise
	gBase64Rise
	gChangedChi
	gAligned
	pairFeatures
)

// numbers gives the numbers of a pair.
func (p *pair) numbers(out []float64) []float64 {
	out = p.new.single(out)
	out = append(out, make([]float64, pairFeatures-singleFeatures)...)
	a, b, d := &p.old.profile, &p.new.profile, &p.diff
	out[gSame] = share(d.equal, d.compared)
	out[gXorChi] = squash(&d.xor)
	out[gXorEntropy] = d.xor.entropy()
	out[gXorBytes] = math.Log2(float64(d.xor.n) + 1)
	out[gRuns] = math.Log2(float64(d.runs) + 1)
	out[gRunLength], out[gRunSpread] = d.lengths()
	out[gPrefix] = share(d.prefix, p.new.view.size)
	out[gSuffix] = share(d.suffix, p.new.view.size)
	out[gNewShare] = share(d.newBytes, p.new.view.seen())
	out[gNewChi] = squash(&d.fresh)
	out[gNewEntropy] = d.fresh.entropy()
	out[gNewLongest] = share(d.longestFresh, p.new.view.seen())
	out[gGrowth] = math.Log2(float64(p.new.view.size+64) / float64(p.old.view.size+64))
	out[gDelta] = math.Copysign(math.Log2(1+math.Abs(float64(p.new.view.size-p.old.view.size))), float64(p.new.view.size-p.old.view.size))
	out[gEntropyRise] = b.all.entropy() - a.all.entropy()
	out[gFloorRise] = b.all.floor() - a.all.floor()
	out[gPrintableFall] = a.all.share(32, 126) - b.all.share(32, 126)
	out[gRandomsRise] = share(int64(b.randoms), int64(b.blocks)) - share(int64(a.randoms), int64(a.blocks))
	out[gOldForm] = float64(p.old.form.shape)
	if p.old.form.shape == broken {
		out[gOldForm] = -1
	}
	out[gOldText] = flag(p.old.form.text)
	out[gLost] = flag(p.lost())
	out[gSameKind] = flag(p.old.form.kind == p.new.form.kind)
	out[gOldEntropy] = a.all.entropy()
	out[gOldChi] = squash(&a.all)
	out[gOldRandoms] = share(int64(a.randoms), int64(a.blocks))
	out[gBlockMeanRise] = b.mean - a.mean
	out[gBase64Rise] = base64Share(&b.all) - base64Share(&a.all)
	out[gChangedChi] = squash(&d.changed)
	out[gAligned] = share(int64(d.aligned), int64(d.runs))
	return out
}

// lost reports whether the old content had a form that held and the new one has none that does.
func (p *pair) lost() bool {
	return (p.old.form.valid() || p.old.form.shape == begun) && (p.new.form.shape == formless || p.new.form.shape == broken && p.old.form.valid())
}
