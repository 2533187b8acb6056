package damage

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
)

// shape is how far a file's structure held.
type shape uint8

// The shapes.
const (
	formless shape = iota // no known form
	begun                 // it begins like its kind; more is not asked of it
	followed              // its structure was followed to its end, or as far as the view or the budget goes
	checked               // decoded, or its checksums hold, from its first byte to its last
	broken
)

// form is what the content is.
type form struct {
	kind   string
	shape  shape
	seen   int64  // bytes that the walk vouches for
	at     int64  // where it breaks
	why    string // why it is broken
	honest string // what encrypted it by right; "" if nothing did
	text   bool
}

// valid reports whether the structure held.
func (f *form) valid() bool { return f.shape == followed || f.shape == checked }

// exam is the walk over one file's content.
type exam struct {
	b      []byte // the head: all of it if whole
	size   int64
	whole  bool
	v      *view
	budget int // bytes that may still be unpacked
	depth  int // of forms within forms
}

// The bytes that are unpacked of one file: when it stands alone, and when its past shows that it changed.
const (
	scanBudget = 1 << 20
	pairBudget = 32 << 20
)

// walker follows one form.
type walker struct {
	kind  string
	magic string // at the offset; "" if is tells it
	at    int
	is    func(b []byte) bool
	walk  func(x *exam) form // nil: begun is all that is told
}

// formOf tells what a view holds. The first form whose signature fits is asked; text is last.
func formOf(v *view, budget int) form {
	x := &exam{b: v.head(), size: v.size, whole: v.whole, v: v, budget: budget}
	return x.form()
}

func (x *exam) form() form {
	if len(x.b) == 0 {
		return form{}
	}
	for _, w := range walkersFor(x.b[0]) {
		if !w.fits(x.b) {
			continue
		}
		f := form{shape: begun}
		if w.walk != nil {
			f = w.walk(x)
		}
		if f.kind == "" {
			f.kind = w.kind
		}
		if f.shape == formless {
			continue
		}
		return f
	}
	return walkText(x)
}

func (w *walker) fits(b []byte) bool {
	if w.is != nil {
		return w.is(b)
	}
	return len(b) >= w.at+len(w.magic) && string(b[w.at:w.at+len(w.magic)]) == w.magic
}

// known are the walkers, and which of them to ask by a file's first byte. It is made at first use: walkers look into
// one another.
var known struct {
	once  sync.Once
	all   []walker
	first [256][]*walker
}

func walkersFor(c byte) []*walker {
	known.once.Do(func() {
		known.all = walkers()
		for i := range known.all {
			w := &known.all[i]
			for c := range 256 {
				if w.is != nil || w.at > 0 || int(w.magic[0]) == c {
					known.first[c] = append(known.first[c], w)
				}
			}
		}
	})
	return known.first[c]
}

// ok is a form whose structure held as far as seen. It is checked only if sums or decoding vouch for the whole file.
func (x *exam) ok(seen int64, sums bool) form {
	if sums && x.whole && seen >= x.size {
		return form{shape: checked, seen: seen}
	}
	return form{shape: followed, seen: min(seen, x.size)}
}

func bad(at int64, format string, args ...any) form {
	return form{shape: broken, at: at, seen: at, why: fmt.Sprintf(format, args...)}
}

// cut is the end of what is at hand: a fault of the file if all of it was read, no fault otherwise.
func (x *exam) cut(at int64) form {
	if x.whole {
		return bad(at, "it ends in the middle")
	}
	return form{shape: followed, seen: int64(len(x.b))}
}

// rest judges what follows the end of a form: nothing, padding, or what does not belong to it.
func (x *exam) rest(end int64, sums bool) form {
	if !x.whole || end >= x.size {
		return x.ok(end, sums)
	}
	tail := x.b[end:]
	if len(bytes.Trim(tail, "\x00\n\r \t\x1a\xff")) == 0 {
		return x.ok(x.size, sums)
	}
	f := x.ok(end, false)
	f.seen = end
	if len(tail) >= 16<<10 && looksRandom(tail[:16<<10]) {
		return bad(end, "%d bytes follow its end", len(tail))
	}
	return f
}

// inner walks a form within this one.
func (x *exam) inner(b []byte, size int64) form {
	if x.depth >= 3 {
		return form{}
	}
	whole := int64(len(b)) == size
	y := &exam{b: b, size: size, whole: whole, v: &view{size: size, windows: []window{{0, b}}, whole: whole}, budget: x.budget, depth: x.depth + 1}
	f := y.form()
	x.budget = y.budget
	return f
}

// promises are the extensions whose files begin with a signature, or are text ("text").
var promises = func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(`
zip docx docm dotx dotm xlsx xlsm xlsb xltx pptx pptm potx ppsx odt ods odp odg odf ott vsdx epub jar war ear apk whl egg xpi zip nupkg kmz cbz npz 3mf aar ipa vsix crx sketch
pdf pdf
ole2 doc dot xls xlt ppt pps msg msi pub vsd mpp wps
jpeg jpg jpeg jpe jfif
png png apng
gif gif
bmp bmp dib
tiff tif tiff svs nef cr2 dng
riff webp wav avi ani
gzip gz tgz svgz emz
bzip2 bz2 tbz2 tbz
xz xz txz
zstd zst tzst zstd
lz4 lz4
brotli br brotli
7z 7z
rar rar
cab cab
tar tar
ar a deb udeb lib
rpm rpm
cpio cpio
mp4 mp4 m4a m4v mov 3gp heic heif avif
matroska mkv webm mka
ogg ogg oga ogv opus spx
flac flac
mp3 mp3
ac3 ac3
adts aac
caf caf
amr amr
netpbm ppm pgm pbm pnm
miniseed mseed
lidar las laz
grib grib grb grib2
avro avro
orc orc
netcdf nc cdf
wavpack wv
blender blend
gltf glb
dwg dwg
mobi mobi azw azw3
pcapng pcapng
evt evt
vhd vhd
xar xar
asf wmv wma asf
flv flv
midi mid midi
aiff aiff aif
au au
sqlite sqlite sqlite3 db3 gpkg mbtiles
access mdb accdb
ese edb
mdf mdf ndf
pst pst ost
elf so ko
pe exe dll sys ocx scr cpl efi
class class
wasm wasm
pyc pyc pyo
dex dex
evtx evtx
lnk lnk
dicom dcm dicom
font ttf otf ttc woff woff2
hdf5 h5 hdf5 hdf
parquet parquet
numpy npy
psd psd
ico ico cur
jp2 jp2 j2k jpx
djvu djvu djv
eps eps ps ai
rtf rtf
vhdx vhdx avhdx
vmdk vmdk
qcow2 qcow2
iso iso
chm chm
mo mo gmo
swf swf
shp shp shx
fits fits
icc icc icm
text txt csv tsv log xml json ndjson html htm xhtml css js mjs ts tsx jsx php asp aspx jsp java py pyi pyx rb pl pm ps1 psm1 psd1 bat cmd vbs sql ini cfg conf config yaml yml md rst tex eml ics vcf reg inf sh bash c h cc cpp cxx hpp hxx cs go rs kt scala swift m4 am ac in pc la po pot svg hl7 ldif toml properties gradle cmake mk sgml dtd xsd xsl xslt wsdl rss bib sty cls r lua tcl f f90 pas asm s el lisp scm hs erl ex exs clj dart vue less scss sass coffee ipynb tmpl j2 srt vtt crt pem desktop service theme list sources changes dsc diff patch afm pfa bdf ppd gltf obj dxf step igs geojson kml gpx
`) {
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			m[f[i]] = f[0]
		}
	}
	return m
}()
