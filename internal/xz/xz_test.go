package xz

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ulikunitz/xz"
)

func packed(t testing.TB, text string, dictionary int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: dictionary}.NewWriter(&b)
	if err == nil {
		_, err = w.Write([]byte(text))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReader: streams behind one another are one text; what breaks off says so; a dictionary beyond the bound is refused.
func TestReader(t *testing.T) {
	one := packed(t, "ward 4, bed 12\n", 1<<16)
	two := append(append(bytes.Clone(one), 0, 0, 0, 0), one...)
	for i, c := range []struct {
		data []byte
		want string
		err  error
	}{
		{one, "ward 4, bed 12\n", nil}, {two, "ward 4, bed 12\nward 4, bed 12\n", nil}, {one[:len(one)-1], "ward 4, bed 12\n", io.ErrUnexpectedEOF}, {nil, "", io.ErrUnexpectedEOF},
		{packed(t, "x", 64<<20), "", ErrLimit},
	} {
		got, err := io.ReadAll(New(bufio.NewReader(bytes.NewReader(c.data)), 1<<20))
		if string(got) != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	one[len(one)-40] ^= 1
	if _, err := io.ReadAll(New(bufio.NewReader(bytes.NewReader(one)), 1<<20)); err == nil {
		t.Error("a wrong byte is not seen")
	}
}

func FuzzReader(f *testing.F) {
	f.Add(packed(f, "ward 4, bed 12\n", 1<<16))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, err := io.ReadAll(io.LimitReader(New(bufio.NewReader(bytes.NewReader(b)), 1<<20), 1<<20))
		if err != nil || len(ours) == 1<<20 {
			return
		}
		r, err := xz.NewReader(bytes.NewReader(b))
		if err != nil {
			return // the library is stricter about indexes
		}
		if theirs, err := io.ReadAll(io.LimitReader(r, 1<<20)); err == nil && !bytes.Equal(ours, theirs) {
			t.Fatalf("%d bytes, and the library gives %d", len(ours), len(theirs))
		}
	})
}
