package patient

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
)

// TestLooker: people are counted over files as a scan of the same files counts them, and what is not whole says so.
func TestLooker(t *testing.T) {
	table := func(from, to int) string {
		var b strings.Builder
		b.WriteString("UHID,Patient Name,Date of Birth,Diagnosis\n")
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "HOSP%06d,Asha Person%s,%02d/03/1971,E11.9\n", i, strings.Repeat("a", i%7+1), i%28+1)
		}
		return b.String()
	}
	var records [][]byte
	l, err := NewLooker(Options{Key: testKey, Person: func(_ string, r []byte) { records = append(records, bytes.Clone(r)) }})
	if err != nil {
		t.Fatal(err)
	}
	look := func(name, text string, whole bool) []File {
		return l.File(context.Background(), name, strings.NewReader(text), int64(len(text)), whole)
	}
	for i, text := range []string{table(0, 300), table(200, 500)} {
		if f := look("a.csv", text, i == 0); len(f) != 1 || f[0].People == nil || *f[0].People != 300 || (len(f[0].Unread) == 0) != (i == 0) {
			t.Fatalf("%+v", f)
		}
	}
	if f := look("readme.txt", "the ward's telephone is 4711\n", true); len(f) != 0 {
		t.Errorf("%+v", f)
	}
	p := NewPeople()
	for _, r := range records {
		if strings.Contains(string(r), "HOSP") || strings.Contains(string(r), "Asha") {
			t.Fatal("a record holds a value")
		}
		if err := p.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	if n, exact := p.Count(); n != 500 || !exact {
		t.Errorf("%d people, exact %t", n, exact)
	}
	for _, bad := range []string{"x", "\x20aaaaaaaab"} {
		if err := NewPeople().Add([]byte(bad)); err == nil {
			t.Errorf("%q is taken for a record", bad)
		}
	}
	if _, err := NewLooker(Options{}); err == nil {
		t.Error("no key is needed")
	}
}

// TestLookerReadsTheBeginning: of a large file only the beginning is read.
func TestLookerReadsTheBeginning(t *testing.T) {
	l, err := NewLooker(Options{Key: testKey})
	if err != nil {
		t.Fatal(err)
	}
	r := &endless{line: []byte("HOSP000001,Asha Person,01/03/1971,E11.9\n")}
	f := l.File(context.Background(), "big.csv", r, 1<<40, true)
	if r.most > lookBytes || len(f) != 1 || len(f[0].Unread) == 0 || f[0].Unread[len(f[0].Unread)-1] != inPart {
		t.Errorf("%d bytes were read, %+v", r.most, f)
	}
}

// endless is a table without an end.
type endless struct {
	line []byte
	most int64
}

func (e *endless) ReadAt(p []byte, off int64) (int, error) {
	const head = "UHID,Patient Name,Birth Date,Diagnosis..\n"
	for i := range p {
		at := off + int64(i)
		if at < int64(len(head)) {
			p[i] = head[at]
		} else {
			p[i] = e.line[(at-int64(len(head)))%int64(len(e.line))]
		}
	}
	e.most = max(e.most, off+int64(len(p)))
	return len(p), nil
}
