package evidence

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"wardround/internal/event"
)

// leaf is a named content; leaves are what an archive holds.
type leaf struct {
	name    string
	content []byte
}

type leaves []leaf

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func makeZip(t testing.TB, files leaves) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, f := range files {
		method := uint16(zip.Deflate)
		if i%3 == 2 {
			method = zip.Store
		}
		e := must[interface{ Write([]byte) (int, error) }](t)(w.CreateHeader(&zip.FileHeader{Name: f.name, Method: method, Modified: day}))
		must[int](t)(e.Write(f.content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var day = time.Date(2022, 11, 23, 1, 37, 49, 0, time.UTC)

func makeTar(t testing.TB, files leaves) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.content)), ModTime: day}); err != nil {
			t.Fatal(err)
		}
		must[int](t)(w.Write(f.content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeGzip(t testing.TB, content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	must[int](t)(w.Write(content))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeXz(t testing.TB, content []byte) []byte {
	var b bytes.Buffer
	w := must[*xz.Writer](t)(xz.NewWriter(&b))
	must[int](t)(w.Write(content))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func makeZstd(t testing.TB, content []byte) []byte {
	w := must[*zstd.Encoder](t)(zstd.NewWriter(nil))
	return w.EncodeAll(content, nil)
}

// onlyBzip2 is "LOG\nhello\n" as bzip2 packs it; there is no writer of bzip2 at hand.
var onlyBzip2 = must64("QlpoOTFBWSZTWScd9sQAAAHFAAAQAISCRKAAMQwIIZMJSuUMueLuSKcKEgTjvtiA")

func must64(s string) []byte {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestEveryFormat(t *testing.T) {
	log, other := []byte("LOG\nhello\n"), []byte("nothing known")
	files := leaves{{"var/log/auth.log", log}, {"etc/other", other}}
	for _, c := range []struct {
		name, kind string
		content    []byte
		inner      map[string][]byte
	}{
		{"h.zip", "zip", makeZip(t, files), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"h.tar", "tar", makeTar(t, files), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"h.tar.gz", "tar.gz", makeGzip(t, makeTar(t, files)), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"h.tgz", "tar.gz", makeGzip(t, makeTar(t, files)), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"h.tar.xz", "tar.xz", makeXz(t, makeTar(t, files)), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"h.tar.zst", "tar.zst", makeZstd(t, makeTar(t, files)), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"a.log.gz", "gzip", makeGzip(t, log), map[string][]byte{"a.log": log}},
		{"a.log.xz", "xz", makeXz(t, log), map[string][]byte{"a.log": log}},
		{"a.log.zst", "zstd", makeZstd(t, log), map[string][]byte{"a.log": log}},
		{"a.log.bz2", "bzip2", onlyBzip2, map[string][]byte{"a.log": log}},
		{"a.log-20221123", "gzip", makeGzip(t, log), map[string][]byte{"a.log-20221123": log}},
		{"joined.gz", "gzip", append(makeGzip(t, log), makeGzip(t, other)...), map[string][]byte{"joined": append(bytes.Clone(log), other...)}},
		{"joined.xz", "xz", append(append(makeXz(t, log), 0, 0, 0, 0), makeXz(t, other)...), map[string][]byte{"joined": append(bytes.Clone(log), other...)}},
		{"joined.zst", "zstd", append(makeZstd(t, log), makeZstd(t, other)...), map[string][]byte{"joined": append(bytes.Clone(log), other...)}},
		{"joined.tar", "tar", append(makeTar(t, files[:1]), makeTar(t, files[1:])...), map[string][]byte{"var/log/auth.log": log, "etc/other": other}},
		{"nothing.gz", "gzip", makeGzip(t, nil), map[string][]byte{"nothing": nil}},
		{"nothing.zip", "zip", makeZip(t, nil), nil},
		{"nothing.tar.gz", "tar.gz", makeGzip(t, makeTar(t, nil)), nil},
	} {
		for _, wrap := range []bool{false, true} {
			p, top := saveFile(t, c.name, c.content), ""
			if wrap { // in a folder the archive has a path of its own
				p, top = path.Dir(p), c.name
			}
			n := examine(t, p, Options{}, 2)
			if len(n.ended) != len(c.inner)+1 {
				t.Errorf("%s: got\n%s", c.name, n)
				continue
			}
			if a := n.find(t, top); a.Kind != c.kind || a.SHA256 != sum(c.content) || a.Bytes != int64(len(c.content)) || a.Error != nil || len(a.Damaged) != 0 {
				t.Errorf("%s: %+v", c.name, a)
			}
			for name, content := range c.inner {
				if wrap {
					name = top + "!/" + name
				}
				if a := n.find(t, name); a.SHA256 != sum(content) || a.Error != nil || len(a.Damaged) != 0 || a.Records != 2 && bytes.Equal(content, log) {
					t.Errorf("%s: %+v", c.name, a)
				}
			}
		}
	}
}

// forest makes random archives inside archives, and says which artifacts must come out of them.
type forest struct {
	t    *testing.T
	rng  *rand.Rand
	want map[string]string // path: SHA-256
	log  int
}

func (f *forest) content() []byte {
	f.log++
	b := []byte([]string{"LOG\n", "RND\n", "AGN\n", "ERL\n", "\x00\x01\x02\x03"}[f.rng.IntN(5)])
	lines := f.rng.IntN(50)
	if f.rng.IntN(20) == 0 {
		lines = 100_000 // more than is kept in memory
	}
	for range lines {
		b = fmt.Appendf(b, "line %d of %d\n", f.rng.IntN(1000), f.log)
	}
	return b
}

// grow makes an artifact that will stand at the path. A tar archive and its compression are one artifact, so what
// will be compressed is none.
func (f *forest) grow(at string, depth int, tar bool) (content []byte) {
	defer func() { f.want[at] = sum(content) }()
	form := 0
	if depth > 0 {
		form = f.rng.IntN(7)
	}
	if form == 2 && !tar {
		form = 1
	}
	switch form {
	case 1, 2, 3:
		var in leaves
		for i := range 1 + f.rng.IntN(4) {
			name := fmt.Sprintf("d%d/f%d", f.rng.IntN(2), i)
			in = append(in, leaf{name, f.grow(at+"!/"+name, depth-1, true)})
		}
		switch form {
		case 1:
			return makeZip(f.t, in)
		case 2:
			return makeTar(f.t, in)
		}
		pack := []func(testing.TB, []byte) []byte{makeGzip, makeXz, makeZstd}[f.rng.IntN(3)]
		return pack(f.t, makeTar(f.t, in))
	case 4:
		return makeGzip(f.t, f.grow(at+"!/"+path.Base(at), depth-1, false))
	case 5:
		return makeZstd(f.t, f.grow(at+"!/"+path.Base(at), depth-1, false))
	case 6:
		return makeXz(f.t, f.grow(at+"!/"+path.Base(at), depth-1, false))
	}
	return f.content()
}

func TestArchivesInArchives(t *testing.T) {
	for seed := range uint64(12) {
		f := &forest{t: t, rng: rand.New(rand.NewPCG(seed, 1)), want: map[string]string{}}
		files := map[string][]byte{}
		for i := range 3 {
			name := fmt.Sprintf("top%d", i)
			files[name] = f.grow(name, 4, true)
		}
		dir := save(t, files)
		var first string
		for _, workers := range []int{1, 8} {
			n := examine(t, dir, Options{}, workers)
			if len(n.ended) != len(f.want) {
				t.Errorf("seed %d: %d artifacts, want %d", seed, len(n.ended), len(f.want))
			}
			for _, a := range n.ended {
				if f.want[a.Path] != a.SHA256 || a.Error != nil || len(a.Damaged) > 0 {
					t.Errorf("seed %d: %s\n%+v", seed, a.Path, a)
				}
			}
			if first == "" {
				first = n.String()
			} else if first != n.String() {
				t.Errorf("seed %d: one worker and eight differ:\n%s\n%s", seed, first, n)
			}
		}
	}
}

func TestNamesThatEscape(t *testing.T) {
	const outside = "its stored name points outside of the archive"
	for _, c := range []struct{ stored, path, note string }{
		{"../../etc/passwd", "etc/passwd", outside},
		{"/etc/passwd", "etc/passwd", outside},
		{"a/../../b", "a/b", outside},
		{"./a", "a", ""},
		{"a//b", "a/b", ""},
		{"..", "unnamed", outside},
		{"a\x00b", "a\ufffdb", `stored as "a\x00b"`},
		{"C:/Windows/x", "C:/Windows/x", outside},
		{`..\..\x`, "x", outside},
		{`C:\Windows\x`, "C:/Windows/x", outside},
		{`dir\x`, "dir/x", `stored as "dir\\x"`},
		{"caf\x82", "café", `stored as "caf\x82"`},
	} {
		content := []byte("LOG\n" + c.stored)
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		h := &zip.FileHeader{Name: c.stored, NonUTF8: true, Method: zip.Store}
		e := must[interface{ Write([]byte) (int, error) }](t)(w.CreateRaw(rawHeader(h, content)))
		must[int](t)(e.Write(content))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		n := examine(t, saveFile(t, "x.zip", b.Bytes()), Options{}, 1)
		a := n.find(t, c.path)
		if c.note != "" && !slices.Contains(a.Notes, c.note) || a.SHA256 != sum(content) {
			t.Errorf("%q: %q", c.stored, a.Notes)
		}
	}
	// In tar a backslash is a letter like others.
	n := examine(t, saveFile(t, "x.tar", makeTar(t, leaves{{`dev-disk-by\x2duuid.device`, []byte("LOG\n")}, {"../up", []byte("LOG\n")}})), Options{}, 1)
	if a := n.find(t, `dev-disk-by\x2duuid.device`); len(a.Notes) != 0 {
		t.Errorf("%q", a.Notes)
	}
	if a := n.find(t, "up"); !slices.Contains(a.Notes, outside) || !slices.Contains(a.Notes, `stored as "../up"`) {
		t.Errorf("%q", a.Notes)
	}
}

// rawHeader fills in what a stored entry needs.
func rawHeader(h *zip.FileHeader, content []byte) *zip.FileHeader {
	h.CRC32 = crcOf(content)
	h.CompressedSize64, h.UncompressedSize64 = uint64(len(content)), uint64(len(content))
	return h
}

func TestSameNameTwice(t *testing.T) {
	twice := leaves{{"a.log", []byte("LOG\n1")}, {"a.log", []byte("LOG\n2")}}
	for _, p := range []string{saveFile(t, "x.zip", makeZip(t, twice)), saveFile(t, "x.tar", makeTar(t, twice))} {
		n := examine(t, p, Options{}, 1)
		if len(n.ended) != 3 || n.ended[1].SHA256 == n.ended[2].SHA256 || n.ended[1].Path != n.ended[2].Path {
			t.Errorf("got\n%s", n)
		}
	}
}

func TestEncryptedAndUnknownMethods(t *testing.T) {
	content := []byte("LOG\nx")
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, h := range []*zip.FileHeader{
		{Name: "secret", Flags: 1, Method: zip.Deflate},
		{Name: "aes", Flags: 1, Method: 99},
		{Name: "ppmd", Method: 98},
		{Name: "plain", Method: zip.Store},
	} {
		e := must[interface{ Write([]byte) (int, error) }](t)(w.CreateRaw(rawHeader(h, content)))
		must[int](t)(e.Write(content))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := examine(t, saveFile(t, "x.zip", b.Bytes()), Options{}, 1)
	for path, says := range map[string]string{"secret": "encrypted", "aes": "encrypted", "ppmd": "method 98"} {
		if a := n.find(t, path); a.Error == nil || !strings.Contains(*a.Error, says) || !strings.Contains(*a.Error, "unpack it") || a.Kind != "" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := n.find(t, "plain"); a.Error != nil || a.Records != 2 {
		t.Errorf("%+v", a)
	}
}

func TestTarSpecials(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []*tar.Header{
		{Name: "dir/", Typeflag: tar.TypeDir, Mode: 0o700},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/shadow"},
		{Name: "hard", Typeflag: tar.TypeLink, Linkname: "dir/x"},
		{Name: "null", Typeflag: tar.TypeChar},
		{Name: "pipe", Typeflag: tar.TypeFifo},
		{Name: "long/" + strings.Repeat("name/", 60) + "end", Size: 4, Format: tar.FormatPAX},
	} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			must[int](t)(w.Write([]byte("LOG\n")))
		}
	}
	w.Close()
	n := examine(t, saveFile(t, "x.tar", b.Bytes()), Options{}, 1)
	for path, want := range map[string]string{
		"": "tar []", "link": `symlink [a symbolic link to "/etc/shadow", not followed]`,
		"hard": `hardlink [the same file as "dir/x" in the archive]`, "null": "device [not a file: not opened]",
		"pipe": "pipe [not a file: not opened]", "long/" + strings.Repeat("name/", 60) + "end": "test-log []",
	} {
		if a := n.find(t, path); fmt.Sprint(a.Kind, " ", a.Notes) != want || a.Error != nil {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if len(n.ended) != 6 {
		t.Errorf("got\n%s", n)
	}
}

// Every bomb costs its own artifact; its neighbour is read.
func TestBombs(t *testing.T) {
	zeros := make([]byte, 64<<20)
	log := []byte("LOG\nx\n")
	few := Options{Limits: Limits{Ratio: 100}}
	bomb := makeGzip(t, zeros)
	deep := log
	for range 8 {
		deep = makeGzip(t, deep)
	}
	wide := leaves{}
	for i := range 2000 {
		wide = append(wide, leaf{fmt.Sprint(i), nil})
	}
	level := zeros[:1<<20]
	layer := makeZip(t, leaves{{"0", level}, {"1", level}})
	for range 3 {
		layer = makeZip(t, leaves{{"a.zip", layer}, {"b.zip", layer}, {"c.zip", layer}, {"d.zip", layer}})
	}
	for _, c := range []struct {
		name    string
		opt     Options
		content []byte
		says    string
	}{
		{"zeros.gz", few, bomb, "more than 100 times"},
		{"zeros.xz", Options{}, makeXz(t, zeros), "more than 1100 times"},
		{"zeros.zst", Options{}, makeZstd(t, zeros), "more than 1100 times"},
		{"zeros.zip", few, makeZip(t, leaves{{"zeros", zeros}}), "more than 100 times"},
		{"zeros.tar.gz", few, makeGzip(t, makeTar(t, leaves{{"zeros", zeros}})), "more than 100 times"},
		{"bytes.gz", Options{Limits: Limits{Bytes: 1 << 20}}, bomb, "more than 1048576 bytes"},
		{"deep.gz", Options{}, deep, "deeper than 5"},
		{"wide.zip", Options{Limits: Limits{Entries: 1000}}, makeZip(t, wide), "2000 entries, the first 1000"},
		{"wide.tar", Options{Limits: Limits{Entries: 1000}}, makeTar(t, wide), "more than 1000 entries"},
		{"layers.zip", Options{Limits: Limits{Bytes: 8 << 20}}, layer, "more than 8388608 bytes"},
	} {
		n := examine(t, save(t, map[string][]byte{c.name: c.content, "z.log": log, "aside.zip": makeZip(t, leaves{{c.name, c.content}, {"z.log", log}})}), c.opt, 1)
		for _, top := range []string{c.name, "aside.zip!/" + c.name} {
			found := 0
			for _, a := range n.ended {
				if !strings.HasPrefix(a.Path, top) {
					continue
				}
				if a.Error != nil && strings.Contains(*a.Error, c.says) {
					found++
				}
			}
			if found == 0 && !(strings.HasPrefix(c.name, "wide.zip") && top != c.name) {
				t.Errorf("%s: nobody says %q:\n%s", top, c.says, n)
			}
		}
		for _, p := range []string{"z.log", "aside.zip!/z.log"} {
			if a := n.find(t, p); a.Error != nil || a.Records != 2 {
				t.Errorf("%s: beside it %+v", c.name, a)
			}
		}
	}
	// Zeros that stay within deflate's own ratio are hashed like anything else.
	n := examine(t, saveFile(t, "zeros.gz", bomb), Options{}, 1)
	if a := n.find(t, "zeros"); a.Error != nil || a.SHA256 != sum(zeros) {
		t.Errorf("%+v", a)
	}
}

// A zip whose entries share one stretch of data, as in the bomb of David Fifield.
func TestOverlappingEntries(t *testing.T) {
	b := makeZip(t, leaves{{"a", bytes.Repeat([]byte("LOG\n"), 1000)}, {"z.log", []byte("LOG\nx\n")}})
	end := bytes.LastIndex(b, []byte(zipEnd))
	dir := int(binary.LittleEndian.Uint32(b[end+16:]))
	first := b[dir : dir+46+1+int(binary.LittleEndian.Uint16(b[dir+30:]))]
	size := binary.LittleEndian.Uint32(b[end+12:])
	const copies = 20
	crowd := append(bytes.Clone(b[:end]), bytes.Repeat(first, copies)...)
	crowd = append(crowd, b[end:]...)
	e := crowd[end+copies*len(first):]
	binary.LittleEndian.PutUint16(e[10:], copies+2)
	binary.LittleEndian.PutUint32(e[12:], size+uint32(copies*len(first)))
	n := examine(t, saveFile(t, "x.zip", crowd), Options{}, 1)
	if strings.Count(n.String(), "shares its bytes") != copies {
		t.Errorf("got\n%s", n)
	}
	if a := n.find(t, "z.log"); a.Error != nil {
		t.Errorf("%+v", a)
	}
}

// sparseTar holds one GNU sparse file of a size, with nothing in it.
func sparseTar(size int64) []byte {
	h := make([]byte, tarBlock)
	copy(h, "var/log/lastlog")
	copy(h[100:], "0000600\x000000000\x000000000\x00")
	copy(h[124:], "00000000000\x0000000000000\x00")
	h[156] = 'S'
	copy(h[257:], "ustar  \x00")
	binary.BigEndian.PutUint64(h[483+4:], uint64(size))
	h[483] = 0x80
	copy(h[148:], "        ")
	var n int
	for _, c := range h {
		n += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", n))
	return append(h, make([]byte, 2*tarBlock)...)
}

func TestSparseFileThatSaysItIsHuge(t *testing.T) {
	b := append(sparseTar(400<<30), makeTar(t, leaves{{"z.log", []byte("LOG\nx\n")}})...)
	n := examine(t, saveFile(t, "x.tar", b), Options{}, 1)
	if a := n.find(t, "var/log/lastlog"); a.Error == nil || !strings.Contains(*a.Error, "more than 1100 times") {
		t.Errorf("%+v", a)
	}
	if a := n.find(t, "z.log"); a.Error != nil || a.Records != 2 {
		t.Errorf("%+v", a)
	}
	n = examine(t, saveFile(t, "y.tar", sparseTar(1<<20)), Options{}, 1)
	if a := n.find(t, "var/log/lastlog"); a.Error != nil || a.SHA256 != sum(make([]byte, 1<<20)) {
		t.Errorf("%+v", a)
	}
}

// spoil reads archives that are cut or changed at many places. Whatever happens, nothing is passed off as whole that
// is not, and the archive's own hash is right.
func TestSpoiledArchives(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	noise := make([]byte, 3000)
	for i := range noise {
		noise[i] = byte('a' + rng.IntN(26))
	}
	var files leaves
	for i := range 6 {
		files = append(files, leaf{fmt.Sprintf("var/log/%d.log", i), append([]byte("LOG\n"), noise[i*100:]...)})
	}
	for _, c := range []struct {
		name    string
		content []byte
	}{
		{"x.zip", makeZip(t, files)},
		{"x.tar", makeTar(t, files)},
		{"x.tar.gz", makeGzip(t, makeTar(t, files))},
		{"x.tar.xz", makeXz(t, makeTar(t, files))},
		{"x.tar.zst", makeZstd(t, makeTar(t, files))},
		{"x.log.gz", makeGzip(t, files[0].content)},
		{"x.log.xz", makeXz(t, files[0].content)},
		{"x.log.bz2", onlyBzip2},
		{"x.zip", makeZip(t, leaves{{"in.tar.gz", makeGzip(t, makeTar(t, files))}, {"in.zip", makeZip(t, files)}})},
	} {
		whole := map[string]string{}
		for _, a := range readBytes(t, c.name, c.content).ended {
			whole[a.Path] = a.SHA256
		}
		checked := c.name == "x.zip" || strings.HasSuffix(c.name, "gz") || strings.HasSuffix(c.name, "xz")
		step := max(1, len(c.content)/100)
		for at := 0; at < len(c.content); at += 1 + rng.IntN(step) {
			cut := c.content[:at]
			flipped := bytes.Clone(c.content)
			flipped[at] ^= 1 << rng.IntN(8)
			for _, spoilt := range [][]byte{cut, flipped} {
				n := readBytes(t, c.name, spoilt)
				for _, a := range n.ended {
					if a.Path == "" {
						if a.SHA256 != sum(spoilt) {
							t.Fatalf("%s at %d: hash of the archive is wrong", c.name, at)
						}
						continue
					}
					want, known := whole[a.Path]
					if checked && known && a.SHA256 != want && !admitted(n, a) && !renamed(n) && a.Kind != kindSymlink {
						t.Fatalf("%s at %d: %s is passed off as whole:\n%s", c.name, at, a.Path, n)
					}
				}
			}
		}
	}
}

// admitted reports whether an artifact, or an archive around it, is said to be damaged.
func admitted(n *notebook, a *event.Artifact) bool {
	for _, b := range n.ended {
		if strings.HasPrefix(a.Path, b.Path) && (b.Error != nil || len(b.Damaged) > 0) && (b == a || b.Path == "" || strings.HasPrefix(a.Path, b.Path+"!/")) && b.Kind != kindZip {
			return true
		}
	}
	return a.Error != nil || len(a.Damaged) > 0
}

// renamed reports whether the damage may have struck a name rather than content: nothing checks those.
func renamed(n *notebook) bool {
	seen := map[string]bool{}
	for _, a := range n.ended {
		if seen[a.Path] {
			return true
		}
		seen[a.Path] = true
	}
	return false
}

// readBytes reads content as a collection that is one file, without a disk.
func readBytes(t testing.TB, name string, content []byte) *notebook {
	t.Helper()
	n := &notebook{}
	c := &Collection{name: name, opt: Options{TempDir: t.TempDir(), Limits: Limits{Bytes: 64 << 20}.OrDefault()}, readers: testReaders}
	p := &pass{ctx: t.Context(), sink: n, c: c, most: c.most(int64(len(content)))}
	r := bytes.NewReader(content)
	if err := p.read(content_(name, r)); err != nil {
		t.Fatal(err)
	}
	checkPaths(t, n)
	return n
}

func content_(name string, r *bytes.Reader) content {
	return content{at: newLoose(name), source: source{once: r, file: r, size: r.Size()}}
}

func TestDamageCostsOnlyItsPart(t *testing.T) {
	log := func(i int) []byte { return fmt.Appendf(nil, "LOG\nline %d\n", i) }
	files := leaves{{"1", log(1)}, {"2", log(2)}, {"3", log(3)}}
	count := func(n *notebook) (whole int) {
		for _, a := range n.ended {
			if a.Kind == "test-log" && a.Error == nil && len(a.Damaged) == 0 && a.Records == 2 {
				whole++
			}
		}
		return whole
	}
	z := makeZip(t, files)
	dir := bytes.Index(z, []byte(zipCentral))
	damagedDir := bytes.Clone(z)
	damagedDir[dir+2] = 0xff
	noEnd := z[:dir]
	noSecond := bytes.Clone(z)
	noSecond[bytes.Index(z[10:], []byte(zipLocal))+10] = 'X'
	tape := makeTar(t, files)
	badHeader := bytes.Clone(tape)
	badHeader[1024] ^= 0xff // name of the second entry
	for _, c := range []struct {
		name    string
		content []byte
		whole   int
		says    string
	}{
		{"cut.zip", noEnd, 3, "central directory is damaged"},
		{"dir.zip", damagedDir, 3, "central directory is damaged"},
		{"local.zip", noSecond, 2, "no local header"},
		{"cut.zip", z[:dir-60], 2, "central directory is damaged"},
		{"header.tar", badHeader, 2, "invalid tar header"},
		{"cut.tar", tape[:1024+512+5], 1, "unexpected EOF"},
		{"zeros.zip", append(make([]byte, 100), z...), 3, ""},
		{"headless.zip", append([]byte("RANSOM"), z[6:]...), 2, "no local header"},
	} {
		n := readBytes(t, c.name, c.content)
		if count(n) != c.whole || !strings.Contains(n.String(), c.says) {
			t.Errorf("%s: %d whole, want %d, saying %q:\n%s", c.name, count(n), c.whole, c.says, n)
		}
		if a := n.find(t, ""); a.SHA256 != sum(c.content) || len(a.Damaged) == 0 && c.says != "" && !strings.Contains(c.says, "local") {
			t.Errorf("%s: %+v", c.name, a)
		}
	}
	// A tar.gz that was cut: what stands before the cut is read.
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range files {
		more := make([]byte, 20_000)
		for j := range more {
			more[j] = byte('a' + rng.IntN(16))
		}
		files[i].content = fmt.Appendf(files[i].content, "%s", more)
	}
	packed := makeGzip(t, makeTar(t, files))
	n := readBytes(t, "cut.tar.gz", packed[:len(packed)*5/6])
	if a := n.find(t, "2"); a.Error != nil || a.SHA256 != sum(files[1].content) {
		t.Errorf("%+v", a)
	}
	if a := n.find(t, "3"); a.Error == nil || len(a.Damaged) != 1 || a.Bytes == 0 || a.Damaged[0].Offset != a.Bytes {
		t.Errorf("%+v", a)
	}
	if a := n.find(t, ""); len(a.Damaged) != 1 || a.SHA256 != sum(packed[:len(packed)*5/6]) {
		t.Errorf("%+v", a)
	}
}

func TestDataBehindGzip(t *testing.T) {
	log := []byte("LOG\nx\n")
	for _, behind := range []string{"\x00", strings.Repeat("\x00", 600), "rest", "\x1f"} {
		for name, content := range map[string][]byte{"x.gz": log, "x.tar.gz": makeTar(t, leaves{{"x", log}})} {
			n := readBytes(t, name, append(makeGzip(t, content), behind...))
			if a := n.find(t, "x"); a.Error != nil || len(a.Damaged) != 0 || a.SHA256 != sum(log) {
				t.Errorf("%q: %+v", behind, a)
			}
			if a := n.find(t, ""); a.Error != nil || len(a.Damaged) != 0 || !slices.Contains(a.Notes, "other data follows the compressed data") {
				t.Errorf("%s %q: %+v", name, behind, a)
			}
		}
	}
}

func TestManyEntries(t *testing.T) {
	var many leaves
	for i := range 70_000 {
		many = append(many, leaf{fmt.Sprint(i), nil})
	}
	b := makeZip(t, many)
	if n := examine(t, saveFile(t, "x.zip", b), Options{}, 2); len(n.ended) != len(many)+1 {
		t.Errorf("%d artifacts", len(n.ended))
	}
	// Without zip64 the count is what fits into 16 bits.
	at := bytes.Index(b, []byte(zip64End))
	end := bytes.Clone(b[bytes.LastIndex(b, []byte(zipEnd)):])
	binary.LittleEndian.PutUint16(end[10:], uint16(len(many)&0xffff))
	binary.LittleEndian.PutUint32(end[12:], binary.LittleEndian.Uint32(b[at+40:]))
	binary.LittleEndian.PutUint32(end[16:], binary.LittleEndian.Uint32(b[at+48:]))
	n := examine(t, saveFile(t, "x.zip", append(b[:at:at], end...)), Options{}, 2)
	if a := n.find(t, ""); len(n.ended) != len(many)+1 || len(a.Notes) != 0 {
		t.Errorf("%d artifacts, %+v", len(n.ended), a)
	}
}

func TestFilesThatAreNoArchivesForAllTheirName(t *testing.T) {
	noise := bytes.Repeat([]byte("\xa7\x13\x9cR"), 3000)
	for _, name := range []string{"x.zip", "x.tar", "x.gz", "x.7z"} {
		n := readBytes(t, name, noise)
		if len(n.ended) != 1 || n.ended[0].SHA256 != sum(noise) {
			t.Errorf("%s: got\n%s", name, n)
		}
	}
	if n := readBytes(t, "x.7z", []byte("7z\xbc\xaf\x27\x1c rest")); n.ended[0].Error == nil || !strings.Contains(*n.ended[0].Error, "unpack it") {
		t.Errorf("got\n%s", n)
	}
}

func TestModifiedReachesTheReader(t *testing.T) {
	log := []byte("LOG\n")
	for name, content := range map[string][]byte{
		"x.zip": makeZip(t, leaves{{"a", log}}), "x.tar": makeTar(t, leaves{{"a", log}}), "x.tar.gz": makeGzip(t, makeTar(t, leaves{{"a.gz", makeGzip(t, log)}})),
	} {
		var got []time.Time
		c := &Collection{name: name, opt: Options{Limits: DefaultLimits}, readers: []reader{{"test", startsWith("LOG\n"), nil}}}
		c.readers[0].read = recordModified(&got)
		p := &pass{ctx: t.Context(), sink: &notebook{}, c: c, most: 1 << 30}
		if err := p.read(content_(name, bytes.NewReader(content))); err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || !got[0].Equal(day) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func crcOf(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

func recordModified(got *[]time.Time) func(context.Context, *input, *output) error {
	return func(_ context.Context, in *input, _ *output) error {
		*got = append(*got, in.Modified)
		return nil
	}
}
