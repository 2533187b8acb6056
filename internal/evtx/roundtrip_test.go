package evtx

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
)

// reading is what the decoder says of a log: lines of path=value, and the damage.
type reading struct {
	d       *Decoder
	lines   []string
	slack   []uint64
	damages []string
}

func (r *reading) Want(*event.Schema) bool { return true }

func (r *reading) Take(rec *event.Record) {
	if rec.Slack {
		r.slack = append(r.slack, rec.Number)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s %s", rec.Number, rec.Time, rec.Host)
	for i := range rec.Schema.Fields {
		if v := rec.Field(i); v.String() != "" {
			fmt.Fprintf(&b, "\n%s=%s", r.d.shape.paths[i], v)
		}
	}
	r.lines = append(r.lines, b.String())
}

func (r *reading) Damage(offset, bytes int64, why string) {
	r.damages = append(r.damages, fmt.Sprintf("%d+%d %s", offset, bytes, why))
}

func decodeLog(t *testing.T, d *Decoder, log []byte) *reading {
	t.Helper()
	r := &reading{d: d}
	if _, err := d.Read(context.Background(), bytes.NewReader(log), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// The decoder reads of our logs what the strict checker reads, in every form and option.
func TestRoundTrip(t *testing.T) {
	d := NewDecoder()
	for name, l := range judged(t) {
		var want []string
		for _, r := range check(t, l.log) {
			want = append(want, decodedLines(r))
		}
		got := decodeLog(t, d, l.log)
		if len(got.damages) > 0 {
			t.Errorf("%s: damage %q", name, got.damages)
		}
		if name == "circular" { // the decoder reads as the file lies, the checker the oldest chunk first
			slices.Sort(got.lines)
			slices.Sort(want)
		}
		sameLines(t, got.lines, want)
	}
}

// decodedLines is what Take makes of a record.
func decodedLines(r checkedRecord) string {
	value := func(path string) event.Value {
		l, _ := r.value(path)
		return event.Value{Type: l.typ, Raw: l.raw}
	}
	number, _ := value("Event/System/EventRecordID").Uint()
	at, _ := value("Event/System/TimeCreated@SystemTime").Uint()
	lines := []string{fmt.Sprintf("%d %s %s", number, event.FromFileTime(at), value("Event/System/Computer"))}
	for _, s := range texts(r) {
		if !strings.HasSuffix(s, "=") {
			lines = append(lines, s)
		}
	}
	return strings.Join(lines, "\n")
}

// What damage costs: records lost, and what is said. Nothing costs more than it must.
func TestRoundTripDamage(t *testing.T) {
	whole := threeChunks(t)
	all := len(check(t, whole))
	second := len(checkChunk(t, chunkOf(whole, 1), false))
	lost := map[string]struct {
		records int // -1: more than one and fewer than a chunk's
		says    string
	}{
		"file header overwritten":             {0, "bad file header"},
		"file header checksum":                {0, "bad checksum of file header"},
		"chunk magic":                         {0, "bad chunk magic"},
		"chunk header checksum":               {0, "bad checksum of chunk header"},
		"chunk records checksum":              {0, "bad checksum of chunk records"},
		"chunk overwritten":                   {second, "chunk is zeroed"},
		"record magic":                        {1, "bad record header"},
		"record size zero":                    {1, "bad record header"},
		"record size beyond chunk":            {1, "bad record header"},
		"record size copy":                    {0, "record is torn"},
		"record overwritten":                  {1, "unexpected BinXML token"},
		"record with definitions overwritten": {-1, "unexpected BinXML token"},
		"definition overwritten":              {-1, "template definition is damaged"},
		"name table overwritten":              {0, ""},
		"torn write":                          {-1, "bad checksum of chunk records"},
		"cut inside a chunk":                  {-1, "file is cut short in a chunk"},
		"cut to the header":                   {all, "file is cut short"},
		"last records in slack":               {3, ""},
	}
	for _, dm := range damages {
		d := NewDecoder()
		d.Slack = true
		r := decodeLog(t, d, dm.apply(whole))
		want, ok := lost[dm.name]
		n := all - len(r.lines)
		said := len(r.damages) == 0 && want.says == "" || len(r.damages) > 0 && want.says != "" && strings.Contains(r.damages[0], want.says)
		if !ok || !said || n != want.records && (want.records >= 0 || n <= 1 || n >= 2*second) {
			t.Errorf("%s: %d records lost, damage %q", dm.name, n, r.damages)
		}
		if dm.name == "last records in slack" && len(r.slack) != 3 {
			t.Errorf("%s: slack %v", dm.name, r.slack)
		}
	}
}

// FuzzPatched decodes logs of ours into which bytes are written somewhere, with checksums made right again.
func FuzzPatched(f *testing.F) {
	log := writeLog(f, WriterOptions{Computer: "EX-DC1"}, append(oneOfEach(f), typeEvent(f, typeTable()))...)
	for at := uint16(512); at < 12000; at += 97 {
		f.Add(at, []byte{0xff}, at*31, []byte{0x0c, 1})
	}
	f.Fuzz(func(t *testing.T, at uint16, patch []byte, at2 uint16, patch2 []byte) {
		hurt := bytes.Clone(log)
		b := chunkOf(hurt, 0)
		copy(b[at:], patch)
		copy(b[at2:], patch2)
		d := NewDecoder()
		d.Slack = true
		r := decodeLog(t, d, hurt)
		if len(r.lines)+len(r.slack) > 200 {
			t.Errorf("%d records", len(r.lines))
		}
	})
}
