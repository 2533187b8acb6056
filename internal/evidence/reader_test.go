package evidence

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// row is a record as tests compare it: fields by name, several values of one name joined by " | ".
type row struct {
	Source event.Source
	Host   string
	Time   string
	Number uint64
	Offset int64
	Fields map[string]string
}

// rows keeps all that a reader yields.
type rows struct{ got []row }

func (r *rows) Want(*event.Schema) bool { return true }

func (r *rows) Take(rec *event.Record) {
	f := map[string]string{}
	for i, field := range rec.Schema.Fields {
		v := rec.Field(i)
		if v.IsNull() {
			continue
		}
		if old, ok := f[field.Name]; ok {
			f[field.Name] = old + " | " + v.String()
		} else {
			f[field.Name] = v.String()
		}
	}
	r.got = append(r.got, row{rec.Schema.Source, rec.Host, rec.Time.String(), rec.Number, rec.Offset, f})
}

// readAll runs one reader over content as if it were the file name, last modified at the time given.
func readAll(t testing.TB, read func(context.Context, *input, *output) error, name string, content []byte, modified time.Time) ([]row, event.Artifact) {
	t.Helper()
	var got rows
	facts := event.Artifact{Path: name}
	in := &input{
		Path: name, Modified: modified, Options: &Options{}, Stream: bytes.NewReader(content),
		At:    func() (io.ReaderAt, int64, error) { return bytes.NewReader(content), int64(len(content)), nil },
		Again: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil },
	}
	if err := read(context.Background(), in, newOutput(&got, &facts)); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	return got.got, facts
}

func TestLines(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "a\nb\r\nc", "1@0:a 2@2:b 3@5:c"},
		{"empty", "", ""},
		{"blank lines count", "\n\na\n", "1@0: 2@1: 3@2:a"},
		{"UTF-8 mark", "\xef\xbb\xbfa\nb", "1@3:a 2@5:b"},
		{"UTF-16", "\xff\xfea\x00\n\x00\x3d\xd8\x00\xde", "1@2:a 2@6:😀"},
		{"UTF-16 beyond ASCII", "\xff\xfe\x15\x09\xe9\x00\x3d\xd8\n\x00a\x00", "1@2:\u0915\u00e9\ufffd 2@10:a"},
		{"UTF-16 without a mark", "0\x001\x002\x003\x004\x005\x006\x007\x008\x009\x00a\x00b\x00c\x00d\x00e\x00\n\x00f\x00", "1@0:0123456789abcde 2@32:f"},
		{"zeros are no UTF-16", strings.Repeat("\x00", 40), "1@0:" + strings.Repeat("\x00", 40)},
		{"UTF-16 big-endian", "\xfe\xff\x00a\x00\n\x00b", "1@2:a 2@6:b"},
	} {
		var got []string
		l := newLines(context.Background(), io.MultiReader(strings.NewReader(c.in)))
		for l.next() {
			got = append(got, strings.Join([]string{itoa(l.number), "@", itoa(uint64(l.offset)), ":", string(l.text)}, ""))
		}
		if s := strings.Join(got, " "); s != c.want || l.fail() != nil {
			t.Errorf("%s: got %q (%v), want %q", c.name, s, l.fail(), c.want)
		}
	}
}

func itoa(n uint64) string {
	return event.Value{Type: event.Uint64, Raw: []byte{byte(n), 0, 0, 0, 0, 0, 0, 0}}.String()
}

func TestLongLine(t *testing.T) {
	l := newLines(context.Background(), strings.NewReader(strings.Repeat("x", maxLine+500_000)+"\nnext"))
	if !l.next() || len(l.text) != maxLine || l.cut != 500_000 {
		t.Fatalf("kept %d, cut %d", len(l.text), l.cut)
	}
	if !l.next() || string(l.text) != "next" || l.offset != maxLine+500_001 {
		t.Fatalf("next line %q at %d", l.text, l.offset)
	}
}
