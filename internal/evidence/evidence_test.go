package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// notebook is a Sink that keeps all it is told, and a Consumer that counts.
type notebook struct {
	mu       sync.Mutex
	ended    []*event.Artifact
	begun    []string
	progress int64
	skip     bool                    // answer that artifacts need only be hashed
	onBegin  func(a *event.Artifact) // for tests that interfere
	onTake   func(rec *event.Record)
}

func (n *notebook) Begin(a *event.Artifact) (Consumer, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.begun = append(n.begun, a.Path)
	if n.onBegin != nil {
		n.onBegin(a)
	}
	return n, !n.skip
}

func (n *notebook) End(a *event.Artifact) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, a)
}

func (n *notebook) Progress(b int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.progress += b
}

func (n *notebook) Want(*event.Schema) bool { return true }

func (n *notebook) Take(rec *event.Record) {
	if n.onTake != nil {
		n.onTake(rec)
	}
}

// find is the artifact of that path.
func (n *notebook) find(t testing.TB, path string) *event.Artifact {
	t.Helper()
	for _, a := range n.ended {
		if a.Path == path {
			return a
		}
	}
	t.Fatalf("no artifact %q among:\n%s", path, n)
	return nil
}

// String lists the artifacts, a line each.
func (n *notebook) String() string {
	var b strings.Builder
	for _, a := range n.ended {
		fmt.Fprintf(&b, "%q kind %s, %d bytes, %d records", a.Path, a.Kind, a.Bytes, a.Records)
		if a.Error != nil {
			fmt.Fprintf(&b, ", error %s", *a.Error)
		}
		for _, d := range a.Damaged {
			fmt.Fprintf(&b, ", damage %+v", d)
		}
		fmt.Fprintf(&b, ", notes %q\n", a.Notes)
	}
	return b.String()
}

// Readers of the tests. Their artifacts begin with a word and a line feed; each line is a record.
var testReaders = []reader{
	{"test-log", startsWith("LOG\n"), func(ctx context.Context, in *input, out *output) error {
		return readLines(ctx, in.Stream, out)
	}},
	// Reads at random, as formats with an index do.
	{"test-random", startsWith("RND\n"), func(ctx context.Context, in *input, out *output) error {
		r, size, err := in.At()
		if err != nil {
			return err
		}
		return readLines(ctx, io.NewSectionReader(r, 0, size), out)
	}},
	// Looks at the end first, then reads forwards.
	{"test-again", startsWith("AGN\n"), func(ctx context.Context, in *input, out *output) error {
		r, err := in.Again()
		if err != nil {
			return err
		}
		n, err := io.Copy(io.Discard, r)
		r.Close()
		if err != nil {
			return err
		}
		out.note("%d bytes seen ahead", n)
		return readLines(ctx, in.Stream, out)
	}},
	// Stops early.
	{"test-early", startsWith("ERL\n"), func(ctx context.Context, in *input, out *output) error {
		_, err := in.Stream.Read(make([]byte, 10))
		return err
	}},
	// Asks for random access after having read a good part.
	{"test-late", startsWith("LAT\n"), func(ctx context.Context, in *input, out *output) error {
		if _, err := io.CopyN(io.Discard, in.Stream, 200_000); err != nil {
			return err
		}
		r, size, err := in.At()
		if err != nil {
			return err
		}
		if err := readLines(ctx, io.NewSectionReader(r, 0, size), out); err != nil {
			return err
		}
		rest, err := io.Copy(io.Discard, in.Stream)
		if rest != size-200_000 {
			return fmt.Errorf("%d bytes follow, not %d", rest, size-200_000)
		}
		return err
	}},
}

func startsWith(magic string) func([]byte, string) bool {
	return func(head []byte, _ string) bool { return bytes.HasPrefix(head, []byte(magic)) }
}

func readLines(ctx context.Context, r io.Reader, out *output) error {
	s := event.TextSchema(event.Source{Product: "test"}, "line")
	l := newLines(ctx, r)
	for l.next() {
		out.want(s)
		out.take(&event.Record{Schema: s, Number: l.number, Offset: l.offset, Slots: []event.Value{{Type: event.UTF8, Raw: l.text}}})
	}
	return l.fail()
}

// examine reads a collection with some workers.
func examine(t testing.TB, path string, opt Options, workers int) *notebook {
	t.Helper()
	n := &notebook{}
	examineInto(t, n, path, opt, workers)
	return n
}

func examineInto(t testing.TB, n *notebook, path string, opt Options, workers int) {
	t.Helper()
	temp := t.TempDir()
	opt.TempDir = temp
	c, err := open(path, opt, testReaders)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	size := c.Size(t.Context())
	units := make(chan Unit)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for u := range units {
				if err := u.Read(t.Context(), n); err != nil {
					t.Errorf("read %q: %v", u.Path, err)
				}
			}
		})
	}
	if err := c.Units(t.Context(), func(u Unit) error { units <- u; return nil }); err != nil {
		t.Error(err)
	}
	close(units)
	wg.Wait()
	slices.SortStableFunc(n.ended, func(a, b *event.Artifact) int {
		return strings.Compare(a.Path+"\x00"+a.SHA256, b.Path+"\x00"+b.SHA256)
	})
	if n.progress != size {
		t.Errorf("progress %d, size %d", n.progress, size)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("temporary files left: %v %v", left, err)
	}
	checkPaths(t, n)
}

// checkPaths checks what holds of all artifacts.
func checkPaths(t testing.TB, n *notebook) {
	t.Helper()
	for _, a := range n.ended {
		for i, level := range strings.Split(a.Path, "!/") {
			if i == 0 && a.Path == "" {
				continue
			}
			if !fs.ValidPath(level) || strings.ContainsRune(level, 0) {
				t.Errorf("path %q of %q does not stand inside", level, a.Path)
			}
		}
		if !strings.HasPrefix(a.Path, a.Root) {
			t.Errorf("root %q is no beginning of %q", a.Root, a.Path)
		}
		if a.SHA256 == "" && a.Bytes != 0 || a.Kind == "" && a.Error == nil {
			t.Errorf("half a truth: %+v", a)
		}
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// save writes files below a new folder and returns it.
func save(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "estate")
	for name, content := range files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, content, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// saveFile writes one file and returns its path.
func saveFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	return filepath.Join(save(t, map[string][]byte{name: content}), name)
}

// shared is a part of the data that nobody here wrote; the test is skipped without it.
func shared(t testing.TB, path string) string { return outside.Data(t, path) }

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		path string
		want error
		says string
	}{
		{filepath.Join(dir, "absent"), fs.ErrNotExist, "check the path"},
		{os.DevNull, ErrNotCollection, "image"},
	} {
		_, err := Open(c.path, Options{})
		if !errors.Is(err, c.want) {
			// The path itself is in front; what is wrapped is the system's error.
			t.Errorf("%s: got %v, want %v", c.path, err, c.want)
		} else if !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), fmt.Sprintf("%q", c.path)) {
			t.Errorf("%s: %v does not say %q", c.path, err, c.says)
		}
	}
}

func TestFolder(t *testing.T) {
	files := map[string][]byte{
		"host-b/var/log/auth.log":        []byte("LOG\none\ntwo\n"),
		"host-a/var/log/empty.log":       nil,
		"host-a/var/log/nobody-knows":    []byte("\x00\x01\x02"),
		"host-a/C/Windows/System32/x.db": []byte("SQLite format 3\x00"),
		"host-a/random":                  []byte("RND\nx\n"),
		"host-a/again":                   []byte("AGN\nx\n"),
		"host-a/early":                   append([]byte("ERL\n"), bytes.Repeat([]byte("rest"), 300_000)...),
		"host-a/late":                    append([]byte("LAT\n"), bytes.Repeat([]byte("line\n"), 600_000)...),
	}
	want := map[string]string{
		"host-b/var/log/auth.log": "test-log 3", "host-a/var/log/empty.log": "empty 0", "host-a/var/log/nobody-knows": "unknown 0",
		"host-a/C/Windows/System32/x.db": "sqlite 0", "host-a/random": "test-random 2", "host-a/again": "test-again 2",
		"host-a/early": "test-early 0", "host-a/late": "test-late 600001",
	}
	for _, workers := range []int{1, 4} {
		n := examine(t, save(t, files), Options{}, workers)
		if len(n.ended) != len(files) {
			t.Fatalf("%d artifacts:\n%s", len(n.ended), n)
		}
		for name, content := range files {
			a := n.find(t, name)
			if got := fmt.Sprintf("%s %d", a.Kind, a.Records); got != want[name] {
				t.Errorf("%s: got %s, want %s", name, got, want[name])
			}
			if a.SHA256 != sum(content) || a.Bytes != int64(len(content)) || a.Error != nil || len(a.Notes) > 1 {
				t.Errorf("%s: %+v", name, a)
			}
			if host := name[:6]; a.Hint != host || a.Root != host || a.Collection != "estate" {
				t.Errorf("%s: hint %q, root %q, collection %q", name, a.Hint, a.Root, a.Collection)
			}
		}
	}
}

func TestUnitsAreSorted(t *testing.T) {
	dir := save(t, map[string][]byte{"b/2": nil, "b/1": nil, "a": nil, "c": nil, "b.x": nil, "B": nil})
	c, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var got []string
	stop := errors.New("stop")
	err = c.Units(t.Context(), func(u Unit) error {
		got = append(got, u.Path)
		if u.Path == "b/2" {
			return stop
		}
		return nil
	})
	if s := strings.Join(got, " "); s != "B a b/1 b/2" || err != stop {
		t.Errorf("got %s, %v", s, err)
	}
}

func TestOnlyHashed(t *testing.T) {
	n := &notebook{skip: true}
	examineInto(t, n, saveFile(t, "a.log", []byte("LOG\nx\n")), Options{}, 1)
	if a := n.find(t, "a.log"); a.Records != 0 || a.Kind != "test-log" || a.SHA256 != sum([]byte("LOG\nx\n")) {
		t.Errorf("%+v", a)
	}
}

func TestFileThatGrows(t *testing.T) {
	dir := save(t, map[string][]byte{"a.log": []byte("LOG\nx\n"), "b.log": []byte("LOG\nx\n")})
	n := &notebook{onBegin: func(a *event.Artifact) {
		if a.Path != "a.log" {
			return
		}
		f, err := os.OpenFile(filepath.Join(dir, "a.log"), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = f.WriteString("more\n")
		}
		if err = errors.Join(err, f.Close()); err != nil {
			t.Error(err)
		}
	}}
	c, err := open(dir, Options{}, testReaders)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Units(t.Context(), func(u Unit) error { return u.Read(t.Context(), n) }); err != nil {
		t.Fatal(err)
	}
	if a := n.find(t, "a.log"); !slices.Contains(a.Notes, "the file changed while it was read") {
		t.Errorf("%+v", a)
	}
	if b := n.find(t, "b.log"); len(b.Notes) != 0 {
		t.Errorf("%+v", b)
	}
}

func TestInterrupt(t *testing.T) {
	log := append([]byte("LOG\n"), bytes.Repeat([]byte("line\n"), 2_000_000)...)
	for _, path := range []string{
		save(t, map[string][]byte{"big.log": log}),
		saveFile(t, "big.zip", makeZip(t, leaves{{"big.log", log}})),
		saveFile(t, "big.tar.gz", makeGzip(t, makeTar(t, leaves{{"big.log", log}, {"after.log", log}}))),
		saveFile(t, "big.gz", makeGzip(t, log)),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		taken := 0
		n := &notebook{onTake: func(*event.Record) {
			if taken++; taken == 1000 {
				cancel()
			}
		}}
		c, err := open(path, Options{TempDir: t.TempDir()}, testReaders)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Units(ctx, func(u Unit) error { return u.Read(ctx, n) })
		c.Close()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
		for _, a := range n.ended {
			if a.Kind != "zip" {
				t.Errorf("%s: an End for %+v", path, a)
			}
		}
		if len(n.begun) != 1 || taken > 300_000 {
			t.Errorf("%s: begun %v, %d records taken", path, n.begun, taken)
		}
	}
}

func TestArtifactAsJSON(t *testing.T) {
	n := examine(t, saveFile(t, "a.log", []byte("LOG\nx\n")), Options{}, 1)
	got, err := json.Marshal(n.ended[0])
	if err != nil {
		t.Fatal(err)
	}
	want := `{"collection":"a.log","path":"a.log","root":"","hint":"","sha256":"` + sum([]byte("LOG\nx\n")) +
		`","bytes":6,"kind":"test-log","records":2,"slack":0,"damaged":[],"servers":[],"holes":[],"notes":[],"error":null,"original":false,"exercise":false}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
