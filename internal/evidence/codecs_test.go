package evidence

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	ourxz "wardround/internal/xz"
)

func newXz(r *bufio.Reader) io.Reader { return ourxz.New(r, maxWindow) }

// deflate64Sample is what testdata/deflate64.bin unpacks to: letters of a generator, a run longer than any match of
// deflate, and the letters once more, further back than deflate reaches. An encoder of others packed it.
func deflate64Sample() []byte {
	x, letters := uint32(1), make([]byte, 48000)
	for i := range letters {
		x = (x*1103515245 + 12345) & 0x7fffffff
		if letters[i] = '\n'; x>>20&7 != 0 {
			letters[i] = "abcd"[x>>16&3]
		}
	}
	b := append([]byte("LOG\n"), letters...)
	b = append(b, bytes.Repeat([]byte("="), 66000)...)
	return append(b, letters...)
}

func TestDeflate64(t *testing.T) {
	packed := must[[]byte](t)(os.ReadFile("testdata/deflate64.bin"))
	want := deflate64Sample()
	got, err := io.ReadAll(newDeflate64(bufio.NewReader(bytes.NewReader(packed))))
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for at := range packed {
		if at%97 != 0 {
			continue
		}
		if _, err := io.ReadAll(newDeflate64(bufio.NewReader(bytes.NewReader(packed[:at])))); err == nil {
			t.Errorf("cut at %d: no error", at)
		}
	}
	n := examine(t, saveFile(t, "x.zip", rawZip(t, 9, 0, packed, want)), Options{}, 1)
	if a := n.find(t, "a.log"); a.Error != nil || len(a.Damaged) != 0 || a.SHA256 != sum(want) || a.Kind != "test-log" {
		t.Errorf("%+v", a)
	}
}

// rawZip is an archive of one entry, packed by a method that the standard library does not know.
func rawZip(t testing.TB, method, flags uint16, packed, content []byte) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	e := must[io.Writer](t)(w.CreateRaw(&zip.FileHeader{Name: "a.log", Method: method, Flags: flags, CRC32: crc32.ChecksumIEEE(content),
		CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(content))}))
	must[int](t)(e.Write(packed))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOtherMethodsOfZip(t *testing.T) {
	log := []byte("LOG\nhello\n")
	// LZMA as 7-Zip writes it: version 9.20, five bytes of properties, an end marker.
	var lzma bytes.Buffer
	w := must[io.WriteCloser](t)(newLZMA(&lzma))
	must[int](t)(w.Write(log))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zipped := append([]byte{9, 20, 5, 0}, lzma.Bytes()[:5]...)
	zipped = append(zipped, lzma.Bytes()[13:]...)
	for _, c := range []struct {
		method, flags uint16
		packed        []byte
	}{{12, 0, onlyBzip2}, {14, 2, zipped}, {93, 0, makeZstd(t, log)}, {95, 0, makeXz(t, log)}} {
		n := examine(t, saveFile(t, "x.zip", rawZip(t, c.method, c.flags, c.packed, log)), Options{}, 1)
		if a := n.find(t, "a.log"); a.Error != nil || len(a.Damaged) != 0 || a.SHA256 != sum(log) || a.Records != 2 {
			t.Errorf("method %d: %s", c.method, n)
		}
	}
}

func TestZipThatLies(t *testing.T) {
	log := []byte("LOG\nhello\n")
	for says, change := range map[string]func(h *zip.FileHeader){
		"checksum differs":            func(h *zip.FileHeader) { h.CRC32++ },
		"the archive says 9":          func(h *zip.FileHeader) { h.UncompressedSize64 = 9 },
		"the archive says 4294967000": func(h *zip.FileHeader) { h.UncompressedSize64 = 4294967000 },
	} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		h := rawHeader(&zip.FileHeader{Name: "a.log"}, log)
		change(h)
		e := must[io.Writer](t)(w.CreateRaw(h))
		must[int](t)(e.Write(log))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		n := examine(t, saveFile(t, "x.zip", b.Bytes()), Options{}, 1)
		if a := n.find(t, "a.log"); len(a.Damaged) != 1 || !strings.Contains(a.Damaged[0].Why, says) || a.SHA256 != sum(log) {
			t.Errorf("%s: %s", says, n)
		}
	}
}

func TestLocalNameThatDiffers(t *testing.T) {
	b := makeZip(t, leaves{{"a.log", []byte("LOG\n")}})
	copy(b[30:], "b.log")
	n := examine(t, saveFile(t, "x.zip", b), Options{}, 1)
	if a := n.find(t, "a.log"); fmt.Sprint(a.Notes) != `[its local header says stored as "b.log"]` {
		t.Errorf("%q", a.Notes)
	}
}

func TestSelfExtractingPrefix(t *testing.T) {
	log := []byte("LOG\nx\n")
	n := examine(t, saveFile(t, "x.zip", append([]byte("#!/bin/sh\nexec unzip\n"), makeZip(t, leaves{{"a.log", log}})...)), Options{}, 1)
	if a := n.find(t, "a.log"); a.SHA256 != sum(log) {
		t.Errorf("%+v", a)
	}
}

// TestXz: whole files unpack as the library packed them, and none that was cut passes for whole. (The library itself
// takes a file for whole that ends between two blocks.)
func TestXz(t *testing.T) {
	log := bytes.Repeat([]byte("LOG\nhello\n"), 3_000)
	for _, cfg := range []xz.WriterConfig{
		{CheckSum: xz.CRC32}, {CheckSum: xz.CRC64}, {CheckSum: xz.SHA256}, {NoCheckSum: true}, {BlockSize: 5000}, {DictCap: 4096},
	} {
		cfg.DictCap = max(cfg.DictCap, 1<<16)
		var b bytes.Buffer
		w := must[*xz.Writer](t)(cfg.NewWriter(&b))
		must[int](t)(w.Write(log))
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for at := 0; at <= b.Len(); at++ {
			got, err := io.ReadAll(newXz(bufio.NewReader(bytes.NewReader(b.Bytes()[:at]))))
			if whole := at == b.Len(); whole != (err == nil) || !bytes.HasPrefix(log, got) || whole && len(got) != len(log) {
				t.Errorf("%+v, %d of %d packed bytes: %d bytes, %v", cfg, at, b.Len(), len(got), err)
			}
		}
	}
}

func TestXzDictionaryIsBounded(t *testing.T) {
	var b bytes.Buffer
	w := must[*xz.Writer](t)(xz.WriterConfig{DictCap: 256 << 20}.NewWriter(&b))
	must[int](t)(w.Write([]byte("LOG\n")))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(newXz(bufio.NewReader(&b))); !errors.Is(err, ErrLimit) {
		t.Errorf("got %v", err)
	}
	window := must[*zstd.Encoder](t)(zstd.NewWriter(nil, zstd.WithWindowSize(256<<20), zstd.WithSingleSegment(false)))
	b.Reset()
	window.Reset(&b)
	must[int](t)(window.Write(make([]byte, 300<<20)))
	if err := window.Close(); err != nil {
		t.Fatal(err)
	}
	d := must[io.ReadCloser](t)(openZstd(&b))
	if _, err := io.ReadAll(d); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("got %v", err)
	}
}

// TestSystemTools reads what the tools of the system write.
func TestSystemTools(t *testing.T) {
	log := bytes.Repeat([]byte("Nov 23 01:37:49 lis1 sshd[1]: session opened\n"), 2000)
	files := map[string][]byte{"var/log/auth.log": append([]byte("LOG\n"), log...), "etc/empty": nil, "etc/\u0915.conf": []byte("LOG\n")}
	for _, c := range []struct{ name, command string }{
		{"x.tar", "tar -cf OUT ."}, {"x.tar.gz", "tar -czf OUT ."}, {"x.tar.bz2", "tar -cjf OUT ."}, {"x.tar.xz", "tar -cJf OUT ."},
		{"x.tar.zst", "tar --zstd -cf OUT ."}, {"x.tgz", "tar --format=v7 -czf OUT ."}, {"x.tar.gz", "tar --format=pax -czf OUT ."},
		{"x.tar.gz", "tar --format=gnu -czf OUT ."}, {"x.zip", "zip -qr OUT ."}, {"x.zip", "zip -q0r OUT ."}, {"x.zip", "zip -qr - . > OUT"},
		{"x.zip", "zip -qr -Z bzip2 OUT ."}, {"x.zip", "zip -qr -fz OUT ."}, {"x.tar.xz", "tar -cf - . | xz -9e --check=sha256 -T2 > OUT"},
		{"x.tar.zst", "tar -cf - . | zstd -q --ultra -22 --long=27 > OUT"}, {"x.tar.gz", "tar -cf - . | gzip -1 > OUT"},
	} {
		for _, tool := range strings.Fields("tar zip xz zstd bzip2 gzip") {
			if _, err := exec.LookPath(tool); err != nil && strings.Contains(c.command, tool) {
				t.Skipf("no %s here", tool)
			}
		}
		dir := save(t, files)
		out := filepath.Join(t.TempDir(), c.name)
		cmd := exec.Command("sh", "-c", strings.ReplaceAll(c.command, "OUT", out))
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", c.command, err, msg)
			continue
		}
		n := examine(t, out, Options{}, 2)
		if len(n.ended) != len(files)+1 {
			t.Errorf("%s: got\n%s", c.command, n)
			continue
		}
		for name, content := range files {
			if a := n.find(t, name); a.SHA256 != sum(content) || a.Error != nil || len(a.Damaged) != 0 {
				t.Errorf("%s: %+v", c.command, a)
			}
		}
		if a := n.find(t, ""); a.SHA256 != sum(must[[]byte](t)(os.ReadFile(out))) || a.Error != nil || len(a.Damaged) != 0 {
			t.Errorf("%s: %+v", c.command, a)
		}
	}
	if _, err := exec.LookPath("zip"); err == nil {
		dir := save(t, files)
		out := filepath.Join(t.TempDir(), "secret.zip")
		cmd := exec.Command("zip", "-qr", "-P", "infected", out, ".")
		cmd.Dir = dir
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, msg)
		}
		if a := examine(t, out, Options{}, 1).find(t, "var/log/auth.log"); a.Error == nil || !strings.Contains(*a.Error, "encrypted") {
			t.Errorf("%+v", a)
		}
	}
}

func TestSharedArchives(t *testing.T) {
	dir := shared(t, "artifacts")
	plain := must[[]byte](t)(os.ReadFile(filepath.Join(dir, "syslog", "syslog")))
	for name, inner := range map[string]string{"syslog.gz": "syslog", "syslog.bz2": "syslog", "syslog.xz": "syslog", "syslog.zip": "syslog", "syslog.tgz": "syslog"} {
		n := examine(t, filepath.Join(dir, name), Options{}, 1)
		a := n.find(t, inner)
		if a.Error != nil || len(a.Damaged) != 0 || a.Bytes < 1000 || a.Bytes > int64(len(plain)) {
			t.Errorf("%s: %s", name, n)
		}
		if top := n.find(t, ""); top.SHA256 != sum(must[[]byte](t)(os.ReadFile(filepath.Join(dir, name)))) {
			t.Errorf("%s: %+v", name, top)
		}
	}
	otrf := must[[]string](t)(filepath.Glob(shared(t, "otrf") + "/*/host/*.zip"))
	for _, p := range otrf {
		n := examine(t, p, Options{}, 2)
		json := 0
		for _, a := range n.ended {
			if a.Error != nil || len(a.Damaged) != 0 {
				t.Errorf("%s: %s", p, n)
			}
			if strings.HasPrefix(a.Path, "__MACOSX/") && a.Kind != "appledouble" {
				t.Errorf("%s: %+v", p, a)
			}
			if strings.HasSuffix(a.Path, ".json") && !strings.HasPrefix(a.Path, "__MACOSX/") {
				json++
			}
		}
		if json == 0 {
			t.Errorf("%s: no events:\n%s", p, n)
		}
	}
	if len(otrf) < 10 {
		t.Errorf("%d recordings", len(otrf))
	}
}

// TestStream: a stream gives the same bytes however it is asked.
func TestStream(t *testing.T) {
	for _, size := range []int{0, 1, headBytes, headBytes + 1, keepBytes - 1, keepBytes, keepBytes + 1, 3*keepBytes + 17} {
		b := make([]byte, size)
		for i := range b {
			b[i] = byte(i*7 + i>>8)
		}
		more := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
		for kind, from := range map[string]source{
			"once": {once: bytes.NewReader(b)}, "more": {once: bytes.NewReader(b), more: more},
			"file": {once: bytes.NewReader(b), file: bytes.NewReader(b), size: int64(size)},
		} {
			for _, before := range []int{0, 100, headBytes + 5, keepBytes, 2 * keepBytes} {
				once := from
				once.once = bytes.NewReader(b)
				s := newStream(t.Context(), t.TempDir(), once)
				if head := s.head(); !bytes.Equal(head, b[:min(size, headBytes)]) {
					t.Fatalf("%s %d: head of %d", kind, size, len(head))
				}
				first := must[[]byte](t)(io.ReadAll(io.LimitReader(s, int64(before))))
				r, n, err := s.at()
				late := kind == "once" && before > keepBytes && size > keepBytes
				if (err != nil) != late || late && !errors.Is(err, errPassed) {
					t.Fatalf("%s %d after %d: %v", kind, size, before, err)
				}
				if err == nil {
					whole := make([]byte, n)
					if _, err := r.ReadAt(whole, 0); err != nil && err != io.EOF || !bytes.Equal(whole, b) {
						t.Fatalf("%s %d after %d: %d bytes at random, %v", kind, size, before, n, err)
					}
					again := must[io.ReadCloser](t)(s.again())
					if got := must[[]byte](t)(io.ReadAll(again)); !bytes.Equal(got, b) {
						t.Fatalf("%s %d after %d: %d bytes again", kind, size, before, len(got))
					}
				}
				rest, err := io.ReadAll(s)
				s.drain()
				if err != nil || !bytes.Equal(append(first, rest...), b) || s.digest() != sum(b) || s.n != int64(size) {
					t.Fatalf("%s %d after %d: %d + %d bytes, %v", kind, size, before, len(first), len(rest), err)
				}
				s.close()
			}
		}
	}
}

func TestTemporaryFolderThatIsNot(t *testing.T) {
	log := append([]byte("RND\n"), bytes.Repeat([]byte("line\n"), 500_000)...)
	n := &notebook{}
	c := &Collection{name: "x.tar", opt: Options{TempDir: "/nowhere/at/all", Limits: DefaultLimits}, readers: testReaders}
	p := &pass{ctx: context.Background(), sink: n, c: c, most: 1 << 40}
	if err := p.read(content_("x.tar", bytes.NewReader(makeTar(t, leaves{{"a", log}, {"b", []byte("LOG\n")}})))); err != nil {
		t.Fatal(err)
	}
	if a := n.find(t, "a"); a.Error == nil || !strings.Contains(*a.Error, "temporary file") || a.SHA256 != sum(log) {
		t.Errorf("%+v", a)
	}
	if b := n.find(t, "b"); b.Error != nil || b.Records != 1 {
		t.Errorf("%+v", b)
	}
}

// FuzzArchive reads any bytes as a collection. There is nothing they may do but be listed.
func FuzzArchive(f *testing.F) {
	log := []byte("LOG\nhello\n")
	files := leaves{{"a/b.log", log}, {"../c", log}, {"d", nil}}
	inner := makeZip(f, files)
	for _, b := range [][]byte{
		log, inner, makeTar(f, files), makeGzip(f, makeTar(f, files)), makeXz(f, log), makeZstd(f, log), onlyBzip2,
		makeZip(f, leaves{{"in.zip", inner}, {"in.tar", makeTar(f, files)}, {"client_info.json", []byte(`{"hostname":"h"}`)}, {"uploads/auto/C%3A/x", log}}),
		inner[:len(inner)*2/3], sparseTar(1 << 40), []byte("7z\xbc\xaf\x27\x1c"), must[[]byte](f)(os.ReadFile("testdata/deflate64.bin"))[:2000],
		rawZip(f, 9, 0, log, log), rawZip(f, 14, 2, log, log), append(makeTar(f, files), makeTar(f, files)...),
	} {
		f.Add(b)
	}
	temp := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte) {
		n := &notebook{}
		c := &Collection{name: "x.zip", opt: Options{TempDir: temp, Limits: Limits{Entries: 1000, Bytes: 1 << 20}.OrDefault()}, readers: testReaders}
		p := &pass{ctx: context.Background(), sink: n, c: c, most: c.most(int64(len(b)))}
		if err := p.read(content_("x.zip", bytes.NewReader(b))); err != nil {
			t.Fatal(err)
		}
		checkPaths(t, n)
		top := n.ended[len(n.ended)-1]
		if top.SHA256 != sum(b) || top.Bytes != int64(len(b)) {
			t.Fatalf("the archive itself: %+v", top)
		}
		var out int64
		for _, a := range n.ended[:len(n.ended)-1] {
			out += a.Bytes
		}
		if out > 64<<20 {
			t.Fatalf("%d bytes came out", out)
		}
	})
}

// FuzzCodecs gives any bytes to the decompressors that are ours.
func FuzzCodecs(f *testing.F) {
	f.Add(must[[]byte](f)(os.ReadFile("testdata/deflate64.bin"))[:3000])
	f.Add(makeXz(f, []byte("LOG\nhello\n")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := io.Copy(io.Discard, io.LimitReader(newDeflate64(bufio.NewReader(bytes.NewReader(b))), 1<<20)); err == nil && len(b) == 0 {
			t.Fatal("nothing is no deflate64")
		}
		ours, err := io.ReadAll(io.LimitReader(newXz(bufio.NewReader(bytes.NewReader(b))), 1<<20))
		if err != nil || len(ours) == 1<<20 {
			return
		}
		r, err := xz.NewReader(bytes.NewReader(b))
		if err != nil {
			return // the library is stricter about indexes
		}
		if theirs, err := io.ReadAll(io.LimitReader(r, 1<<20)); err == nil && !bytes.Equal(ours, theirs) {
			t.Fatalf("%d bytes, the library %d", len(ours), len(theirs))
		}
	})
}
