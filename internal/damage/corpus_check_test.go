//go:build check

package damage

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archive/zip"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// sample is a file of the corpus that scripts/damage_corpus.py makes.
type sample struct {
	path, ext string
	honest    bool
	train     bool // by the hash of its path
	unseen    bool // of a kind that taught nothing
}

// allMeasured says that no file of the corpus taught: another corpus did, and every file is measured.
var allMeasured = os.Getenv("WARDROUND_DAMAGE_ALL") != ""

// taughtTypes are the extensions that taught, as model.txt says them.
func taughtTypes(t testing.TB) map[string]bool {
	for line := range strings.Lines(modelText) {
		if words, ok := strings.CutPrefix(line, "# types:"); ok {
			return set(words)
		}
	}
	t.Fatal("model.txt does not say which types taught")
	return nil
}

// unseenTypes are kept out of training.
var unseenTypes = set(`ogg rar pptx sqlite fits woff2 lz4 wav jar dcm rds mp3 ttf tif br mkv pyc po vim class`)

func corpus(t testing.TB) []sample {
	dir := os.Getenv("WARDROUND_DAMAGE_CORPUS")
	if dir == "" {
		t.Skip("WARDROUND_DAMAGE_CORPUS names no corpus: scripts/damage_corpus.py makes one")
	}
	var taught map[string]bool
	if allMeasured {
		taught = taughtTypes(t)
	}
	var list []sample
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		sum := sha256.Sum256([]byte(rel))
		s := sample{path: p, ext: extension(p), honest: strings.HasPrefix(rel, "honest"), train: sum[0]&1 == 0 && !allMeasured}
		s.unseen = unseenTypes[s.ext] || allMeasured && !taught[s.ext]
		list = append(list, s)
		return nil
	})
	if err != nil || len(list) < 500 {
		t.Fatalf("%d files in %s: %v", len(list), dir, err)
	}
	return list
}

func (s *sample) read(t testing.TB) []byte {
	b, err := os.ReadFile(s.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *sample) rng(what string) *rand.Rand {
	return rand.New(rand.NewChaCha8(sha256.Sum256([]byte(filepath.Base(s.path) + what))))
}

// encrypted is b under AES in counter mode.
func encrypted(r *rand.Rand, b []byte) []byte {
	var key, iv [16]byte
	for i := range key {
		key[i], iv[i] = byte(r.Uint32()), byte(r.Uint32())
	}
	c, _ := aes.NewCipher(key[:])
	out := make([]byte, len(b))
	cipher.NewCTR(c, iv[:]).XORKeyStream(out, b)
	return out
}

// striped encrypts stretches: on bytes, then off bytes plain.
func striped(r *rand.Rand, b []byte, on, off int) []byte {
	e := encrypted(r, b)
	out := bytes.Clone(b)
	for i := 0; i < len(b); i += on + off {
		copy(out[i:min(len(b), i+on)], e[i:])
	}
	return out
}

const noteOfTests = "All your important files have been encrypted!\r\nDo not rename encrypted files. To decrypt your files write to restore.files@example.org and pay in bitcoin.\r\nYour personal id: "

// manner is a way to damage a file. unseen ones are kept out of training.
type manner struct {
	name   string
	unseen bool
	do     func(r *rand.Rand, b []byte) []byte
}

var manners = []manner{
	{"whole", false, encrypted},
	{"whole, 528 byte tail", false, func(r *rand.Rand, b []byte) []byte {
		return append(encrypted(r, b), encrypted(r, make([]byte, 528))...)
	}},
	{"16 byte plain header", false, func(r *rand.Rand, b []byte) []byte {
		return append([]byte("LOCKED\x01\x00\x00\x00\x00\x00\x10\x27\x00\x00"), encrypted(r, b)...)
	}},
	{"head 4 KB", false, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 4096, 1<<30) }},
	{"head 1 MB", false, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 1<<20, 1<<30) }},
	{"every 16 bytes", false, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 16, 16) }},
	{"64 of 192", true, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 64, 128) }},
	{"1 MB of 11", false, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 1<<20, 10<<20) }},
	{"alternating twentieths", false, func(r *rand.Rand, b []byte) []byte { n := len(b)/20 + 1; return striped(r, b, n, n) }},
	{"head kept", false, func(r *rand.Rand, b []byte) []byte {
		return append(bytes.Clone(b[:min(512, len(b)/2)]), encrypted(r, b[min(512, len(b)/2):])...)
	}},
	{"tail note", true, func(r *rand.Rand, b []byte) []byte { return append(encrypted(r, b), noteOfTests...) }},
	{"head note", false, func(r *rand.Rand, b []byte) []byte { return append([]byte(noteOfTests+"4711\r\n"), encrypted(r, b)...) }},
	{"base64", false, func(r *rand.Rand, b []byte) []byte {
		return []byte(base64.StdEncoding.EncodeToString(encrypted(r, b)))
	}},
	{"diluted", true, func(r *rand.Rand, b []byte) []byte {
		var out []byte
		for e := encrypted(r, b); len(e) > 0; {
			n := min(len(e), 64)
			out = append(append(out, e[:n]...), make([]byte, 32)...)
			e = e[n:]
		}
		return out
	}},
	{"random", false, func(r *rand.Rand, b []byte) []byte { return encrypted(r, make([]byte, len(b))) }},
	{"zeroed", false, func(r *rand.Rand, b []byte) []byte { return make([]byte, len(b)) }},
	{"stripes of 4 KB", false, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 4096, 4096<<r.IntN(3)) }},
	{"last half", false, func(r *rand.Rand, b []byte) []byte {
		return append(bytes.Clone(b[:len(b)/32*16]), encrypted(r, b[len(b)/32*16:])...)
	}},
}

// change is a lawful change; nil says that it does not apply. other is another file of the same extension.
type change struct {
	name   string
	unseen bool
	do     func(r *rand.Rand, b, other []byte) []byte
}

var changes = []change{
	{"append", false, func(r *rand.Rand, b, other []byte) []byte {
		n := 1 + r.IntN(1+min(len(other)-1, len(b)/4+64))
		return append(bytes.Clone(b), other[len(other)-n:]...)
	}},
	{"patch", false, func(r *rand.Rand, b, other []byte) []byte {
		out := bytes.Clone(b)
		for range 1 + r.IntN(5) {
			n := 1 + r.IntN(min(len(b), len(other), max(16, len(b)/20)))
			copy(out[r.IntN(len(b)-n+1):], other[r.IntN(len(other)-n+1):][:n])
		}
		return out
	}},
	{"patch of few random bytes", false, func(r *rand.Rand, b, other []byte) []byte {
		out := bytes.Clone(b)
		for range 1 + r.IntN(3) {
			n := 1 + r.IntN(min(len(b), 48))
			copy(out[r.IntN(len(b)-n+1):], encrypted(r, make([]byte, n)))
		}
		return out
	}},
	{"insert", true, func(r *rand.Rand, b, other []byte) []byte {
		at, n := r.IntN(len(b)), 1+r.IntN(min(len(other), len(b)/5+16))
		return slices.Concat(b[:at], other[:n], b[at:])
	}},
	{"cut out", false, func(r *rand.Rand, b, other []byte) []byte {
		at := r.IntN(len(b))
		n := 1 + r.IntN(len(b)/4+1)
		return slices.Concat(b[:at], b[min(len(b), at+n):])
	}},
	{"re-save", false, resave},
	{"re-compress", false, repack},
	{"other file", false, func(r *rand.Rand, b, other []byte) []byte { return bytes.Clone(other) }},
	{"rewritten text", false, func(r *rand.Rand, b, other []byte) []byte {
		if f := formOf(bytesView(b), 0); !f.text {
			return nil
		}
		switch r.IntN(3) {
		case 0:
			return bytes.ToUpper(b)
		case 1:
			return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
		}
		lines := bytes.SplitAfter(b, []byte("\n"))
		slices.SortFunc(lines, bytes.Compare)
		return bytes.Join(lines, nil)
	}},
	{"encrypted by right", false, func(r *rand.Rand, b, other []byte) []byte {
		return append([]byte("Salted__"), encrypted(r, b[:len(b)/16*16])...)
	}},
}

// resave decodes and encodes again, as a program that saves a document does.
func resave(r *rand.Rand, b, other []byte) []byte {
	var out bytes.Buffer
	switch f := formOf(bytesView(b), 0); f.kind {
	case "png", "jpeg", "gif":
		m, _, err := image.Decode(bytes.NewReader(b))
		if err != nil || m.Bounds().Dx()*m.Bounds().Dy() > 2<<20 {
			return nil
		}
		switch f.kind {
		case "png":
			err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, m)
		case "jpeg":
			err = jpeg.Encode(&out, m, &jpeg.Options{Quality: 60 + r.IntN(35)})
		default:
			err = gif.Encode(&out, m, nil)
		}
		if err != nil {
			return nil
		}
	case "zip", "ooxml", "jar", "opendocument":
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return nil
		}
		w := zip.NewWriter(&out)
		for i, e := range z.File {
			if e.UncompressedSize64 > 4<<20 || i > 300 {
				return nil
			}
			in, err := e.Open()
			if err != nil {
				return nil
			}
			o, err := w.Create(e.Name)
			if err != nil {
				return nil
			}
			if _, err := out.Len(), error(nil); err != nil {
				return nil
			}
			if _, err := bufferCopy(o, in); err != nil {
				return nil
			}
		}
		w.Close()
	default:
		return nil
	}
	return out.Bytes()
}

// repack unpacks a stream and packs it with a change and another level.
func repack(r *rand.Rand, b, other []byte) []byte {
	var plain bytes.Buffer
	var out bytes.Buffer
	switch formOf(bytesView(b), 0).kind {
	case "gzip":
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil
		}
		bufferCopy(&plain, z)
		w, _ := gzip.NewWriterLevel(&out, 1+r.IntN(9))
		w.Write(plain.Bytes())
		w.Write([]byte("one line more\n"))
		w.Close()
	case "zstd":
		z, err := zstd.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil
		}
		defer z.Close()
		bufferCopy(&plain, z)
		w, _ := zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest))
		w.Write(append([]byte("one line more\n"), plain.Bytes()...))
		w.Close()
	case "xz":
		z, err := xz.NewReader(bytes.NewReader(b))
		if err != nil || len(b) > 200<<10 {
			return nil
		}
		bufferCopy(&plain, z)
		w, _ := xz.NewWriter(&out)
		w.Write(append([]byte("one line more\n"), plain.Bytes()...))
		w.Close()
	case "zlib":
		z := flate.NewReader(bytes.NewReader(b[2:]))
		bufferCopy(&plain, z)
		return nil
	default:
		return nil
	}
	return out.Bytes()
}

// unit is one version of a file to be judged.
type unit struct {
	of      *sample
	what    string
	damaged bool
	unseen  bool // of a type or a manner that was kept out of training
	new     []byte
}

// unitsOf makes the versions of a file: some manners and some changes, drawn by its name.
func unitsOf(s *sample, b, other []byte, each int) (list []unit) {
	manners, changes := manners, changes
	if strangeOnes {
		manners, changes = strangeManners, strangeChanges
	}
	for i, k := range s.rng("manners").Perm(len(manners)) {
		if i == each {
			break
		}
		m := manners[k]
		if new := m.do(s.rng(m.name), b); new != nil && !bytes.Equal(new, b) {
			list = append(list, unit{s, m.name, true, m.unseen || s.unseen, new})
		}
	}
	n := 0
	for _, k := range s.rng("changes").Perm(len(changes)) {
		c := changes[k]
		if new := c.do(s.rng(c.name), b, other); new != nil && !bytes.Equal(new, b) {
			list = append(list, unit{s, c.name, false, c.unseen || s.unseen, new})
			if n++; n == each {
				break
			}
		}
	}
	return list
}

// mates gives for each sample another of the same extension and half.
func mates(list []sample) map[string]string {
	by := map[string][]string{}
	key := func(s *sample) string {
		if s.train {
			return s.ext + " train"
		}
		return s.ext
	}
	for i := range list {
		by[key(&list[i])] = append(by[key(&list[i])], list[i].path)
	}
	out := map[string]string{}
	for i := range list {
		g := by[key(&list[i])]
		k := slices.Index(g, list[i].path)
		out[list[i].path] = g[(k+1)%len(g)]
	}
	return out
}
