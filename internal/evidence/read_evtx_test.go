package evidence

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
	"wardround/internal/outside"
)

// memoryFile can be written anywhere.
type memoryFile struct {
	b   []byte
	pos int
}

func (f *memoryFile) Write(p []byte) (int, error) {
	if n := f.pos + len(p); n > len(f.b) {
		f.b = append(f.b, make([]byte, n-len(f.b))...)
	}
	f.pos += copy(f.b[f.pos:], p)
	return len(p), nil
}

func (f *memoryFile) Seek(offset int64, whence int) (int64, error) {
	f.pos = [3]int{0, f.pos, len(f.b)}[whence] + int(offset)
	return int64(f.pos), nil
}

// eventLog is a small log of ours.
func eventLog(t testing.TB, options evtx.WriterOptions, records int) []byte {
	t.Helper()
	kind, err := evtx.Compile(evtx.Manifest{
		Provider: "Service Control Manager", GUID: "{555908D1-A6D7-4695-8E1E-26931D2012F4}", Source: "Service Control Manager", Channel: "System", ID: 7036,
		Qualifiers: 16384, Classic: true, Fields: []evtx.Field{{Name: "param1", Type: event.UTF16}, {Name: "param2", Type: event.UTF16}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var f memoryFile
	w, err := evtx.NewWriter(&f, options)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		var v evtx.Values
		v.Text("Windows Update")
		v.Text(strings.Repeat("running ", i%7))
		at := event.At(time.Date(2022, 11, 23, 1, 0, i, 0, time.UTC))
		if err := w.Write(&evtx.Event{Kind: kind, Time: at, Written: at, Values: v.List}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.b
}

func TestEVTX(t *testing.T) {
	log := eventLog(t, evtx.WriterOptions{Computer: "EX-DC1"}, 300)
	got, facts := readAll(t, readEVTX, "System.evtx", log, time.Time{})
	if len(got) != 300 || facts.Records != 300 || len(facts.Damaged) != 0 || !facts.Original {
		t.Fatalf("%d records, %+v", len(got), facts)
	}
	want := event.Source{Product: "windows", Channel: "System", Provider: "Service Control Manager", EventID: 7036}
	if r := got[6]; r.Source != want || r.Host != "EX-DC1" || r.Number != 7 || r.Time != "2022-11-23T01:00:06Z" || r.Fields["param1"] != "Windows Update" {
		t.Errorf("%+v", r)
	}
	if _, facts = readAll(t, readEVTX, "System.evtx", eventLog(t, evtx.WriterOptions{Computer: "EX-DC1", Exported: true, First: 500}, 20), time.Time{}); facts.Original || len(facts.Notes) == 0 {
		t.Errorf("an export: %+v", facts)
	}
	spoilt := bytes.Clone(log)
	copy(spoilt[4096+700:], make([]byte, 200))
	if got, facts = readAll(t, readEVTX, "System.evtx", spoilt, time.Time{}); len(facts.Damaged) == 0 || len(got) == 300 {
		t.Errorf("damaged: %d records, %+v", len(got), facts.Damaged)
	}
}

// TestEVTXCounts pins the records of public logs; a change must be explained.
func TestEVTXCounts(t *testing.T) {
	for path, want := range map[string]uint64{
		"artifacts/evtx/System.evtx": 5009, "artifacts/evtx/System2.evtx": 283, "evtx/hard-cases/security.evtx": 2261,
		"evtx/hard-cases/sysmon.evtx": 358, "evtx/hard-cases/sample-with-zero-data-size-event.evtx": 449,
	} {
		b, err := os.ReadFile(outside.Data(t, path))
		if err != nil {
			t.Fatal(err)
		}
		if _, facts := readAll(t, readEVTX, path, b, time.Time{}); facts.Records != want {
			t.Errorf("%s: %d records, %d expected", path, facts.Records, want)
		}
	}
}

func FuzzEVTX(f *testing.F) {
	log := eventLog(f, evtx.WriterOptions{Computer: "EX-DC1"}, 20)
	f.Add(log[:8192])
	f.Add(log)
	f.Fuzz(func(t *testing.T, b []byte) {
		evtxReader.is(b, "x.evtx")
		got, facts := readAll(t, readEVTX, "x.evtx", b, time.Time{})
		if len(got) != int(facts.Records+facts.Slack) {
			t.Fatalf("%d records, %d counted", len(got), facts.Records)
		}
	})
}
