package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/ulikunitz/xz/lzma"

	"wardround/internal/event"
)

// make7z packs files as 7-Zip does: block by block, each by LZMA2, or stored if it is not solid. The last are empty files.
func make7z(t testing.TB, solid bool, files leaves, empty ...string) []byte {
	number := func(b []byte, n int) []byte { return binary.LittleEndian.AppendUint64(append(b, 0xff), uint64(n)) }
	var packed, sizes, coders, unpacked, counts, inner, sums []byte
	blocks := []leaves{files}
	if !solid {
		blocks = nil
		for i := range files {
			blocks = append(blocks, files[i:i+1])
		}
	}
	for _, block := range blocks {
		content := []byte{}
		for i, f := range block {
			content = append(content, f.content...)
			sums = binary.LittleEndian.AppendUint32(sums, crc32.ChecksumIEEE(f.content))
			if i < len(block)-1 {
				inner = number(inner, len(f.content))
			}
		}
		unpacked, counts = number(unpacked, len(content)), number(counts, len(block))
		if coders = append(coders, 1, 1, 0); solid {
			coders = append(coders[:len(coders)-2], 0x21, 0x21, 1, 30) // LZMA2, a dictionary of 64 MiB
			var b bytes.Buffer
			w := must[*lzma.Writer2](t)(lzma.Writer2Config{DictCap: 1 << 20}.NewWriter2(&b))
			must[int](t)(w.Write(content))
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			content = b.Bytes()
		}
		sizes, packed = number(sizes, len(content)), append(packed, content...)
	}
	names, void, at := []byte{0}, make([]byte, (len(files)+len(empty)+7)/8), 0
	times := []byte{1, 0}
	name := func(s string) {
		for _, u := range append(utf16.Encode([]rune(s)), 0) {
			names = binary.LittleEndian.AppendUint16(names, u)
		}
		times = binary.LittleEndian.AppendUint64(times, uint64(day.Unix()+11644473600)*1e7)
		at++
	}
	for _, f := range files {
		name(f.name)
	}
	for _, s := range empty {
		void[at/8] |= 0x80 >> (at % 8)
		name(s)
	}
	part := func(id byte, b []byte) []byte { return append(number([]byte{id}, len(b)), b...) }
	streams := slices.Concat(number(number([]byte{4, 6}, 0), len(blocks)), []byte{9}, sizes, number([]byte{0, 7, 11}, len(blocks)), []byte{0}, coders, []byte{12}, unpacked,
		[]byte{0, 8, 13}, counts, []byte{9}, inner, []byte{10, 1}, sums, []byte{0, 0})
	if len(files) == 0 {
		streams = nil
	}
	list := slices.Concat([]byte{1}, streams, number([]byte{5}, at), part(0x0e, void), part(0x0f, bytes.Repeat([]byte{0xff}, (len(empty)+7)/8)), part(0x11, names), part(0x14, times), []byte{0, 0})
	return sealed7z(packed, list)
}

// sealed7z puts a list behind what is packed.
func sealed7z(packed, list []byte) []byte {
	h := binary.LittleEndian.AppendUint64(nil, uint64(len(packed)))
	h = binary.LittleEndian.AppendUint64(h, uint64(len(list)))
	h = binary.LittleEndian.AppendUint32(h, crc32.ChecksumIEEE(list))
	return slices.Concat([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(h)), h, packed, list)
}

// makeRar stores files as RAR 5 does.
func makeRar(files leaves) []byte {
	block := func(b []byte) []byte {
		b = append(binary.AppendUvarint(nil, uint64(len(b))), b...)
		return append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)), b...)
	}
	out := append([]byte("Rar!\x1a\x07\x01\x00"), block([]byte{1, 0, 0})...)
	for _, f := range files {
		b := binary.AppendUvarint([]byte{2, 2}, uint64(len(f.content)))
		b = binary.AppendUvarint(append(b, 6), uint64(len(f.content)))
		b = binary.LittleEndian.AppendUint32(append(b, 0x20), uint32(day.Unix()))
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(f.content))
		b = append(binary.AppendUvarint(append(b, 0, 0), uint64(len(f.name))), f.name...)
		out = slices.Concat(out, block(b), f.content)
	}
	return append(out, block([]byte{5, 0, 0})...)
}

// packers make the archives of these tests in every form.
var packers = map[string]func(testing.TB, leaves) []byte{
	"solid.7z":  func(t testing.TB, l leaves) []byte { return make7z(t, true, l) },
	"stored.7z": func(t testing.TB, l leaves) []byte { return make7z(t, false, l) },
	"x.rar":     func(_ testing.TB, l leaves) []byte { return makeRar(l) },
}

func TestSevenZipAndRar(t *testing.T) {
	log := append([]byte("LOG\n"), bytes.Repeat([]byte("line\n"), 2000)...)
	random := append([]byte("RND\n"), bytes.Repeat([]byte("line\n"), 250_000)...)
	files := leaves{{"C/Windows/System32/a.log", log}, {"C/random", random}, {"C/late", append([]byte("LAT\n"), random[4:]...)}, {"C/in.zip", makeZip(t, leaves{{"b.log", log}})}, {"C/in.tar.gz", makeGzip(t, makeTar(t, leaves{{"c.log", log}}))}}
	for name, pack := range packers {
		b := pack(t, append(files, leaf{"C/in.rar", makeRar(files[:1])}, leaf{"C/in.7z", make7z(t, true, files[:1], "C/void.log")}))
		first := ""
		for _, workers := range []int{1, 4} {
			n := examine(t, save(t, map[string][]byte{"LIS-DB1_" + name: b, "z.zip": makeZip(t, leaves{{name, b}}), "z.tar": makeTar(t, leaves{{name, b}})}), Options{}, workers)
			if first == "" {
				first = n.String()
			} else if first != n.String() {
				t.Errorf("%s: one worker and four differ", name)
			}
			for _, top := range []string{"LIS-DB1_" + name, "z.zip!/" + name, "z.tar!/" + name} {
				a := n.find(t, top)
				if a.Error != nil || a.SHA256 != sum(b) || "x."+a.Kind != "x"+filepath.Ext(name) {
					t.Errorf("%s: %+v", top, a)
				}
				for path, content := range map[string][]byte{
					"C/Windows/System32/a.log": log, "C/random": random, "C/in.zip!/b.log": log, "C/in.tar.gz!/c.log": log, "C/in.rar!/C/Windows/System32/a.log": log, "C/in.7z!/C/Windows/System32/a.log": log, "C/in.7z!/C/void.log": nil,
				} {
					a := n.find(t, top+"!/"+path)
					if a.SHA256 != sum(content) || a.Error != nil || len(a.Damaged) > 0 || a.Modified.Std() != day || a.Records == 0 && len(content) > 0 {
						t.Errorf("%s: %+v", path, a)
					}
				}
			}
			if a := n.find(t, "LIS-DB1_"+name+"!/C/Windows/System32/a.log"); a.Hint != "LIS-DB1_"+strings.TrimSuffix(name, filepath.Ext(name)) && a.Hint != "LIS-DB1" {
				t.Errorf("hint %q", a.Hint)
			}
		}
	}
}

func TestVelociraptorIn7z(t *testing.T) {
	files := leaves{{"x/uploads/auto/C%3A/Windows/a.log", []byte("LOG\n")}, {"x/client_info.json", []byte(`{"hostname":"PACS1"}`)}, {"x/results/b.log", []byte("LOG\n")}}
	for _, solid := range []bool{true, false} {
		n := examine(t, saveFile(t, "c.7z", make7z(t, solid, files)), Options{}, 1)
		for _, path := range []string{"x/uploads/auto/C:/Windows/a.log", "x/results/b.log"} {
			if a := n.find(t, path); a.Hint != "PACS1" || a.Root != "x" {
				t.Errorf("%+v", a)
			}
		}
	}
}

func TestHostileNamesIn7zAndRar(t *testing.T) {
	const outside = "its stored name points outside of the archive"
	var files leaves
	want := map[string]string{}
	for i, c := range []struct{ stored, path, note string }{
		{"../../etc/passwd", "etc/passwd", outside}, {"/etc/shadow", "etc/shadow", outside}, {"C:/Windows/x", "C:/Windows/x", outside}, {`..\..\y`, "y", outside},
		{"a.txt:stream", "a.txt:stream", ""}, {"tab\x01\x1b[2J", "tab\x01\x1b[2J", ""}, {"!/x!/y", "%21/x%21/y", `stored as "!/x!/y"`}, {"", "unnamed", ""}, {"twice", "twice", ""}, {"twice", "twice", ""},
	} {
		files = append(files, leaf{c.stored, fmt.Appendf(nil, "LOG\n%d", i)})
		want[c.path] = c.note
	}
	for name, pack := range packers {
		n := examine(t, saveFile(t, name, pack(t, files)), Options{}, 1)
		if len(n.ended) != len(files)+1 {
			t.Errorf("%s: got\n%s", name, n)
		}
		for path, note := range want {
			if a := n.find(t, path); a.Error != nil || a.Records != 2 || note != "" && !slices.Contains(a.Notes, note) {
				t.Errorf("%s %q: %+v", name, path, a)
			}
		}
	}
}

// TestWhatIsToldOfArchives examines what 7-Zip and RAR themselves wrote.
func TestWhatIsToldOfArchives(t *testing.T) {
	read := func(name string) []byte { return must[[]byte](t)(os.ReadFile(name)) }
	for _, c := range []struct{ file, name, path, says string }{
		{"../sevenzip/testdata/secret.7z", "secret.7z", "a/one.csv", "encrypted: not supported; unpack it with its password"},
		{"../sevenzip/testdata/secret-names.7z", "names.7z", "", "encrypted: not supported; unpack it with its password"},
		{"../sevenzip/testdata/ppmd.7z", "ppmd.7z", "a/one.csv", "PPMd: not supported; unpack it"},
		{"../sevenzip/testdata/bcj2.7z", "bcj2.7z", "a/code.bin", "BCJ2: not supported; unpack it"},
		{"../rar/testdata/secret.rar", "secret.rar", "a/one.csv", "encrypted: not supported; unpack it with its password"},
		{"../rar/testdata/secret-names.rar", "names.rar", "", "encrypted: not supported; unpack it with its password"},
		{"../rar/testdata/wide.rar", "wide.rar", "", "1 entries, unnamed here, ask for more memory than a dictionary of 64 MiB"},
		{"../rar/testdata/parts.part1.rar", "p.part1.rar", "", "unpack the first with the others beside it"},
		{"../rar/testdata/parts.part2.rar", "p.part2.rar", "", "unpack the first with the others beside it"},
	} {
		n := examine(t, saveFile(t, c.name, read(c.file)), Options{}, 1)
		if a := n.find(t, c.path); a.Error == nil || !strings.Contains(*a.Error, c.says) {
			t.Errorf("%s: %s", c.file, n)
		}
	}
	n := examine(t, saveFile(t, "wide.rar", read("../rar/testdata/wide.rar")), Options{}, 1)
	if a := n.find(t, "a/two.log"); a.Error != nil || a.Records != 301 {
		t.Errorf("beside it %+v", a)
	}
	whole := make7z(t, true, leaves{{"a.log", bytes.Repeat([]byte("LOG\n"), 100)}})
	n = examine(t, save(t, map[string][]byte{"x.7z.001": whole[:40], "x.7z.002": whole[40:]}), Options{}, 1)
	for _, name := range []string{"x.7z.001", "x.7z.002"} {
		if a := n.find(t, name); a.Error == nil || !strings.Contains(*a.Error, "join the parts first") {
			t.Errorf("%s: %+v", name, a)
		}
	}
	for file, links := range map[string]string{
		"../sevenzip/testdata/links.7z": `b/link symlink [a symbolic link to "../../etc/shadow", not followed];`,
		"../rar/testdata/links.rar":     `b/hard.log hardlink [the same file as "a/two.log" in the archive];b/link symlink [a symbolic link to "../../etc/shadow", not followed];b/same.log hardlink [the same file as "a/two.log" in the archive];`,
	} {
		n, got := examine(t, saveFile(t, "links", read(file)), Options{}, 1), ""
		for _, a := range n.ended {
			if a.Kind == "symlink" || a.Kind == "hardlink" {
				got += fmt.Sprintf("%s %s %s;", a.Path, a.Kind, a.Notes)
			}
		}
		if got != links || n.find(t, "b/empty.log").Kind != "empty" {
			t.Errorf("%s: %s", file, n)
		}
	}
}

func TestBombsIn7zAndRar(t *testing.T) {
	log := []byte("LOG\nx\n")
	zeros := make([]byte, 40<<20)
	n := examine(t, saveFile(t, "x.7z", make7z(t, true, leaves{{"zeros", zeros}, {"z.log", log}})), Options{Limits: Limits{Ratio: 100}}, 1)
	for _, path := range []string{"zeros", "z.log"} { // they are one block
		if a := n.find(t, path); a.Error == nil || !strings.Contains(*a.Error, "more than 100 times") {
			t.Errorf("%+v", a)
		}
	}
	for name, pack := range packers {
		b := pack(t, leaves{{"1", bytes.Repeat(log, 1000)}, {"2", log}, {"3", log}})
		n := examine(t, saveFile(t, name, b), Options{Limits: Limits{Bytes: 3000}}, 1)
		if !strings.Contains(n.String(), "more than 3000 bytes") {
			t.Errorf("%s: %s", name, n)
		}
		n = examine(t, saveFile(t, name, b), Options{Limits: Limits{Entries: 2}}, 1)
		if a := n.find(t, ""); a.Error == nil || !strings.Contains(*a.Error, "more than 2 entries") || n.find(t, "2").Error != nil {
			t.Errorf("%s: %s", name, n)
		}
		deep := log
		for range 7 {
			deep = pack(t, leaves{{name, deep}})
		}
		if n := examine(t, saveFile(t, name, deep), Options{}, 1); !strings.Contains(n.String(), "deeper than 5") {
			t.Errorf("%s: %s", name, n)
		}
	}
}

// TestMillionEntries: an archive of a million empty files is listed, and takes its time once.
func TestMillionEntries(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const many = 1_000_000
	names := make([]string, many)
	for i := range names {
		names[i] = "f"
	}
	b := make7z(t, true, nil, names...)
	for _, most := range []int{0, 1000} {
		count := 0
		n := &counting{count: &count}
		c := &Collection{name: "x.7z", opt: Options{Limits: Limits{Entries: most}.OrDefault()}, readers: testReaders}
		p := &pass{ctx: t.Context(), sink: n, c: c, most: c.most(int64(len(b)))}
		if err := p.read(content_("x.7z", bytes.NewReader(b))); err != nil {
			t.Fatal(err)
		}
		if want := min(many, c.opt.Limits.Entries) + 1; count != want {
			t.Errorf("%d artifacts, want %d", count, want)
		}
	}
}

// counting is a Sink that counts artifacts.
type counting struct {
	notebook
	count *int
}

func (c *counting) Begin(*event.Artifact) (Consumer, bool) { return nil, false }
func (c *counting) End(*event.Artifact)                    { *c.count++ }

// TestCut7zAndRar cuts archives at every 64th, and changes a byte there: nothing is passed off as whole that is not.
func TestCut7zAndRar(t *testing.T) {
	files := leaves{{"1", append([]byte("LOG\n"), noise(3000)...)}, {"2", append([]byte("LOG\n"), noise(4000)...)}, {"3", append([]byte("LOG\n"), noise(5000)...)}}
	for name, pack := range packers {
		b := pack(t, files)
		for at := 8; at < len(b); at += max(1, len(b)/64) {
			flipped := bytes.Clone(b)
			flipped[at] ^= 0x20
			for _, spoilt := range [][]byte{b[:at], flipped} {
				n := readBytes(t, name, spoilt)
				if a := n.find(t, ""); len(n.ended) == 1 && a.Error == nil || a.SHA256 != sum(spoilt) {
					t.Errorf("%s at %d: %s", name, at, n)
				}
				for i, f := range files {
					for _, a := range n.ended {
						if a.Path == fmt.Sprint(i+1) && a.SHA256 != sum(f.content) && a.Error == nil && len(a.Damaged) == 0 {
							t.Errorf("%s at %d: %s is passed off as whole", name, at, a.Path)
						}
					}
				}
			}
		}
	}
	// Damage of a block costs its own files.
	b := make7z(t, false, files)
	b[32+3004+100] ^= 1
	n := readBytes(t, "x.7z", b)
	if a := n.find(t, "2"); len(a.Damaged) != 1 || a.Error != nil || n.find(t, "1").Records == 0 || len(n.find(t, "3").Damaged) != 0 {
		t.Errorf("%s", n)
	}
}

// noise are letters that do not pack well.
func noise(n int) []byte {
	b, x := make([]byte, n), uint32(7)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = 'a' + byte(x>>24)%26
	}
	return b
}

// TestInterrupted7zAndRar: once the context is done, reading ends, and nothing is said of what was begun.
func TestInterrupted7zAndRar(t *testing.T) {
	for name, pack := range packers {
		b := pack(t, leaves{{"1", append([]byte("LOG\n"), noise(3<<20)...)}, {"2", []byte("LOG\n")}})
		ctx, cancel := context.WithCancel(t.Context())
		n := &notebook{onBegin: func(*event.Artifact) { cancel() }}
		c := &Collection{name: name, opt: Options{TempDir: t.TempDir(), Limits: DefaultLimits}, readers: testReaders}
		p := &pass{ctx: ctx, sink: n, c: c, most: 1 << 40}
		if err := p.read(content_(name, bytes.NewReader(b))); err != context.Canceled || len(n.ended) != 0 {
			t.Errorf("%s: %v, %s", name, err, n)
		}
	}
}

// FuzzSevenZipAndRar reads any bytes as such an archive, and as a list with the right checksums.
func FuzzSevenZipAndRar(f *testing.F) {
	files := leaves{{"a/b.log", []byte("LOG\nhello\n")}, {"../c", []byte("RND\nx\n")}, {"in.zip", makeZip(f, leaves{{"d", []byte("LOG\n")}})}, {"client_info.json", []byte(`{"hostname":"h"}`)}, {"uploads/auto/C%3A/x", []byte("LOG\n")}}
	for _, pack := range packers {
		f.Add(pack(f, files), false)
	}
	for _, pattern := range []string{"../sevenzip/testdata/*.7z", "../rar/testdata/*.rar"} {
		for _, name := range must[[]string](f)(filepath.Glob(pattern)) {
			f.Add(must[[]byte](f)(os.ReadFile(name)), false)
		}
	}
	whole := make7z(f, true, files, "void")
	at := binary.LittleEndian.Uint64(whole[12:])
	f.Add(whole[32+at:], true)
	temp := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte, list bool) {
		if list {
			b = sealed7z(whole[32:32+at], b)
		}
		n := &notebook{}
		c := &Collection{name: "x", opt: Options{TempDir: temp, Limits: Limits{Entries: 1000, Bytes: 1 << 20}.OrDefault()}, readers: testReaders}
		p := &pass{ctx: context.Background(), sink: n, c: c, most: c.most(int64(len(b)))}
		if err := p.read(content_("x", bytes.NewReader(b))); err != nil {
			t.Fatal(err)
		}
		checkPaths(t, n)
		if top := n.ended[len(n.ended)-1]; top.SHA256 != sum(b) || top.Bytes != int64(len(b)) {
			t.Fatalf("the archive itself: %+v", top)
		}
	})
}
