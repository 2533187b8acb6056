package damage

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// prose is text that compresses, of n bytes.
func prose(seed uint64, n int) []byte {
	words := strings.Fields("ward patient bed doctor nurse blood sample report discharge admission theatre dose scan result clinic register token payment pharmacy stock")
	r := rand.New(rand.NewPCG(seed, 7))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "%s %d %s\n", words[r.IntN(len(words))], r.IntN(10000), words[r.IntN(len(words))])
	}
	return b.Bytes()[:n]
}

// sealed is b under AES in counter mode.
func sealed(seed byte, b []byte) []byte {
	c, _ := aes.NewCipher(bytes.Repeat([]byte{seed}, 16))
	out := make([]byte, len(b))
	cipher.NewCTR(c, bytes.Repeat([]byte{seed + 1}, 16)).XORKeyStream(out, b)
	return out
}

func stripes(seed byte, b []byte, on, off int) []byte {
	e, out := sealed(seed, b), bytes.Clone(b)
	for i := 0; i < len(b); i += on + off {
		copy(out[i:min(len(b), i+on)], e[i:])
	}
	return out
}

func picture() image.Image {
	m := image.NewRGBA(image.Rect(0, 0, 300, 200))
	r := rand.New(rand.NewPCG(3, 4))
	for y := range 200 {
		for x := range 300 {
			m.Set(x, y, color.RGBA{byte(x + r.IntN(20)), byte(y), byte(x * y / 100), 255})
		}
	}
	return m
}

// made are files of forms that the standard library and our codecs write.
func made(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{"notes.txt": prose(1, 30000)}
	pack := func(name string, do func(b *bytes.Buffer) error) {
		var b bytes.Buffer
		if err := do(&b); err != nil {
			t.Fatal(name, err)
		}
		out[name] = b.Bytes()
	}
	pack("a.gz", func(b *bytes.Buffer) error {
		w := gzip.NewWriter(b)
		w.Write(prose(2, 90000))
		return w.Close()
	})
	pack("a.zz", func(b *bytes.Buffer) error {
		w := zlib.NewWriter(b)
		w.Write(prose(3, 90000))
		return w.Close()
	})
	pack("a.zst", func(b *bytes.Buffer) error {
		w, _ := zstd.NewWriter(b)
		w.Write(prose(4, 90000))
		return w.Close()
	})
	pack("a.xz", func(b *bytes.Buffer) error {
		w, _ := xz.NewWriter(b)
		w.Write(prose(5, 90000))
		return w.Close()
	})
	pack("a.docx", func(b *bytes.Buffer) error {
		w := zip.NewWriter(b)
		for _, n := range []string{"[Content_Types].xml", "word/document.xml"} {
			f, _ := w.Create(n)
			f.Write(prose(6, 40000))
		}
		return w.Close()
	})
	pack("a.tar", func(b *bytes.Buffer) error {
		w := tar.NewWriter(b)
		for i := range 4 {
			p := prose(uint64(i), 5000)
			w.WriteHeader(&tar.Header{Name: fmt.Sprint("f", i), Size: int64(len(p)), Mode: 0o600})
			w.Write(p)
		}
		return w.Close()
	})
	pack("a.png", func(b *bytes.Buffer) error { return png.Encode(b, picture()) })
	pack("a.jpg", func(b *bytes.Buffer) error { return jpeg.Encode(b, picture(), nil) })
	pack("a.gif", func(b *bytes.Buffer) error { return gif.Encode(b, picture(), nil) })
	return out
}

func names(m map[string][]byte) (list []string) {
	for n := range m {
		list = append(list, n)
	}
	slices.Sort(list)
	return list
}

// TestForms: what is whole holds, and what is cut or has a byte changed in a form with sums breaks.
func TestForms(t *testing.T) {
	sums := set("a.gz a.zz a.xz a.docx a.png")
	for _, n := range names(made(t)) {
		b := made(t)[n]
		f := formOf(bytesView(b), pairBudget)
		if !f.valid() {
			t.Errorf("%s: %+v", n, f)
		}
		if sums[n] && f.shape != checked {
			t.Errorf("%s: its sums are not compared: %+v", n, f)
		}
		if f := formOf(bytesView(b[:len(b)*2/3]), pairBudget); f.valid() && !f.text {
			t.Errorf("%s, cut: %+v", n, f)
		}
		if !sums[n] {
			continue
		}
		for i := 0; i < 40; i++ {
			c := bytes.Clone(b)
			at := 40 + (len(c)-80)*i/40
			c[at] ^= 0x10
			if f := formOf(bytesView(c), pairBudget); f.shape == checked {
				t.Errorf("%s: byte %d changed, and it is %+v", n, at, f)
			}
		}
	}
}

// damageOf are manners of damage and the states that tell them.
var damageOf = []struct {
	name string
	do   func(b []byte) []byte
	want []State
}{
	{"whole", func(b []byte) []byte { return sealed(1, b) }, []State{Encrypted}},
	{"tail added", func(b []byte) []byte { return append(sealed(2, b), sealed(9, make([]byte, 528))...) }, []State{Encrypted}},
	{"every 16 bytes", func(b []byte) []byte { return stripes(3, b, 16, 16) }, []State{Partly}},
	{"64 of 192", func(b []byte) []byte { return stripes(4, b, 64, 128) }, []State{Partly}},
	{"base64", func(b []byte) []byte {
		return []byte(base64.StdEncoding.EncodeToString(sealed(5, b)))
	}, []State{Encrypted, Partly}},
	{"zeros", func(b []byte) []byte { return make([]byte, len(b)) }, []State{Overwritten}},
	{"pattern", func(b []byte) []byte { return bytes.Repeat([]byte("WIPE"), len(b)/4) }, []State{Overwritten}},
}

func TestTogether(t *testing.T) {
	for n, b := range made(t) {
		for _, m := range damageOf {
			j := judgePair(n, b, m.do(b))
			if !slices.Contains(m.want, j.state) {
				t.Errorf("%s, %s: %+v", n, m.name, j)
			}
		}
		if j := judgePair(n, b, b); j.state != Intact || j.confidence != Proven {
			t.Errorf("%s unchanged: %+v", n, j)
		}
	}
	text := prose(1, 30000)
	for name, new := range map[string][]byte{
		"append": append(bytes.Clone(text), prose(8, 4000)...), "cut": text[:20000],
		"other": prose(9, 31000), "upper": bytes.ToUpper(text),
	} {
		if j := judgePair("notes.txt", text, new); j.state != Intact {
			t.Errorf("text, %s: %+v", name, j)
		}
	}
	if j := judgePair("notes.txt", text, append([]byte("Salted__"), sealed(1, text[:29984])...)); j.state != Unknown {
		t.Errorf("openssl in its place: %+v", j)
	}
}

func judgePair(name string, old, new []byte) judgement {
	var p pair
	p.old, p.new = &look{}, &look{}
	lookAt(name, bytesView(old), pairBudget, p.old)
	lookAt(name, bytesView(new), pairBudget, p.new)
	compare(p.old.view, p.new.view, &p.diff)
	return together(&p, make([]float64, pairFeatures))
}

// tree writes files and returns the folder.
func tree(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for n, b := range files {
		p := filepath.Join(dir, n)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2022, 11, 23, 1, 40, 0, 0, time.UTC)
		os.Chtimes(p, when, when.Add(time.Duration(len(n))*time.Second))
	}
	return dir
}

func scanAll(t *testing.T, o Options) (map[string]File, string, *Summary) {
	t.Helper()
	out := map[string]File{}
	var lines strings.Builder
	sum, err := Scan(context.Background(), o, func(f *File) error {
		b, _ := json.Marshal(f)
		lines.Write(append(b, '\n'))
		out[strings.TrimPrefix(f.Path, filepath.ToSlash(o.Roots[0])+"/")] = *f
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, lines.String(), sum
}

const ransomNote = "All your important files have been encrypted by our team.\r\nOnly we can decrypt them. Write to restore@example.org and pay in bitcoin.\r\n"

func TestScanWithPast(t *testing.T) {
	m := made(t)
	before := tree(t, map[string][]byte{"a/a.docx": m["a.docx"], "a/a.png": m["a.png"], "a/notes.txt": m["notes.txt"], "b/a.jpg": m["a.jpg"], "b/gone.gz": m["a.gz"], "b/a.xz": m["a.xz"], "c/wiped.txt": m["notes.txt"], "c/half.txt": m["notes.txt"]})
	now := tree(t, map[string][]byte{
		"a/a.docx.locked7": sealed(1, m["a.docx"]), "a/a.png": m["a.png"], "a/notes.txt": append(m["notes.txt"], prose(5, 900)...), "a/README.txt": []byte(ransomNote), "a/README_DECRYPT.txt": []byte("Your files are encrypted. Pay bitcoin to recover. Mail desk@example.org within three days.\n"),
		"a/read_me.txt": []byte("Your backup files are encrypted with the key of the department. Write to desk@example.org when the key is to be recovered.\n"),
		"b/a.jpg.bak9":  m["a.jpg"], "b/a.xz": append([]byte(ransomNote), sealed(1, m["a.xz"])...), "c/wiped.txt": make([]byte, 30000), "c/half.txt": stripes(2, m["notes.txt"], 64, 128),
		"c/empty\xff\x1b.dat": nil,
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(now, "c", "link")); err != nil {
		t.Skip(err)
	}
	got, lines, sum := scanAll(t, Options{Roots: []string{now}, Before: before, Workers: 1})
	for path, want := range map[string]State{
		"a/a.docx.locked7": Encrypted, "a/a.png": Intact, "a/notes.txt": Intact, "a/README.txt": Note, "a/README_DECRYPT.txt": Note, "a/read_me.txt": Intact, "b/a.jpg.bak9": Renamed, "b/gone.gz": Deleted,
		"b/a.xz": Encrypted, "c/wiped.txt": Overwritten, "c/half.txt": Partly, "c/link": Unknown, `c/empty\xff\u001b.dat`: Intact,
	} {
		if got[path].State != want {
			t.Errorf("%s: %+v, want %s", path, got[path], want)
		}
	}
	if f := got["a/a.docx.locked7"]; f.Was == nil || !strings.HasSuffix(*f.Was, "a/a.docx") || f.Since == 0 {
		t.Errorf("the name that it had, or its time, is lost: %+v", f)
	}
	if f := got["c/half.txt"]; f.Recoverable == nil {
		t.Errorf("nothing is said of what may be had back: %+v", f)
	}
	if sum.Burst == nil || sum.Burst.Files < 5 {
		t.Errorf("burst: %+v", sum.Burst)
	}
	for range 3 {
		if _, again, _ := scanAll(t, Options{Roots: []string{now}, Before: before, Workers: 8}); again != lines {
			t.Fatal("eight workers give other bytes than one")
		}
	}
}

func TestScanAlone(t *testing.T) {
	m := made(t)
	files := map[string][]byte{"gpg/a.gpg": append([]byte{0x8c, 0x0d, 4, 9, 3, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0xff, 0xd2, 0xc0}, sealed(3, prose(1, 9000))...), "x.enc": append([]byte("Salted__"), sealed(3, prose(1, 9000))...), "raw.key": sealed(9, make([]byte, 8192))}
	for n, b := range m {
		files["ok/"+n] = b
	}
	for i, n := range names(m) {
		files[fmt.Sprintf("bad/%d-%s.q7x", i, n)] = sealed(byte(i), m[n])
		files[fmt.Sprintf("bad/%d-b%s.q7x", i, n)] = sealed(byte(i), m[n])
	}
	got, _, sum := scanAll(t, Options{Roots: []string{tree(t, files)}})
	for n, f := range got {
		want := Intact
		switch {
		case strings.HasPrefix(n, "bad/"):
			want = Encrypted
		case !strings.HasPrefix(n, "ok/"):
			want = Unknown
		}
		if f.State != want {
			t.Errorf("%s: %+v, want %s", n, f, want)
		}
	}
	var out strings.Builder
	if WriteText(&out, sum); !strings.Contains(out.String(), "encrypted") || !strings.Contains(out.String(), "When") {
		t.Errorf("the table: %s", out.String())
	}
}

// TestLarge: a file over eight megabytes is sampled, says so, and is judged.
func TestLarge(t *testing.T) {
	b := prose(1, 20<<20)
	dir := tree(t, map[string][]byte{"whole.txt": sealed(1, b), "plain.txt": b, "mega.txt": stripes(2, b, 1<<20, 10<<20)})
	got, _, _ := scanAll(t, Options{Roots: []string{dir}})
	for n, want := range map[string]State{"whole.txt": Encrypted, "plain.txt": Intact, "mega.txt": Partly} {
		if f := got[n]; f.State != want || !f.Sampled || !strings.Contains(strings.Join(f.Reasons, " "), "sampled") {
			t.Errorf("%s: %+v", n, f)
		}
	}
}

func TestSpans(t *testing.T) {
	for _, size := range []int64{wholeBytes + 1, 9 << 20, 100 << 20, 1 << 40} {
		end, n := int64(0), int64(0)
		for _, s := range spans(size) {
			if s.from < end || s.to > size || s.to <= s.from {
				t.Fatalf("%d: window %v after %d", size, s, end)
			}
			end, n = s.to, n+s.to-s.from
		}
		if end != size || n > wholeBytes {
			t.Errorf("%d: ends at %d, %d bytes", size, end, n)
		}
	}
}

func TestFamilies(t *testing.T) {
	if len(families()) < 40 {
		t.Fatalf("%d families", len(families()))
	}
	for _, c := range []struct{ name, content, words, want string }{
		{"scan.jpg.id-1a2b3c4d.[x@y.org].wallet", "", "", "Dharma (name alone)"},
		{"a.docx", "WANACRY!xxxx", "", "WannaCry (mark in the file)"},
		{"akira_readme.txt", "", "files encrypted", "Akira (name alone)"},
		{"a.lockbit", "", "", "LockBit (name alone)"},
		{"readme_x1y2z3.txt", "", "files encrypted", "RansomHub (name alone)"},
		{"report.docx", "PK", "", ""},
	} {
		if got := familyOf(c.name, bytesView([]byte(c.content)), []byte(c.words)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestModel(t *testing.T) {
	all, err := parseForests(modelText)
	if err != nil || len(all["alone"].trees) == 0 || len(all["pair"].trees) == 0 {
		t.Fatal("no model: ", err)
	}
	for _, n := range []string{"tree", "forest x", "forest x y", "forest x 1\n1 2 3 4", "forest x 1\ntree\n1 2 0 0", "forest x 1\ntree\n900 2 1 2"} {
		if _, err := parseForests(n); err == nil {
			t.Errorf("%q is taken for a model", n)
		}
	}
}
