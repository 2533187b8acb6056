package casefile

import (
	"math"
	"testing"

	"wardround/internal/event"
)

// sameFinding reports where a line of findings.jsonl differs from what encoding/json writes.
func sameFinding(t *testing.T, w *findingWriter, f *event.Finding, rule int) {
	t.Helper()
	want, err := encode(f)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.line(f, rule)
	if err != nil || string(got) != string(want) {
		t.Fatalf("%v\ngot  %s\nwant %s", err, got, want)
	}
}

func TestFindingsAreWrittenAsJSONWritesThem(t *testing.T) {
	rules := []event.Rule{{}, {ID: "b", Title: "A <b> & \"c\"\n", Level: "high", Tags: []string{"attack.t1003", ""}, Author: "\xff\u2028", Source: "x", License: "y"}}
	times := []event.Time{event.NoTime, 0, 1, 1_700_000_000_123_456_700, math.MaxInt64}
	var w findingWriter
	texts := []string{"", "plain", `c:\windows\"x"`, "\x00\x01\b\f\n\r\t\x1f\x7f", "\xff\xfe\xc3", "é 日本 \u2028\u2029 \U0001f600", "\ufffd", `:""`, "<&>", "a:"}
	for i, text := range texts {
		for rule, r := range rules {
			f := event.Finding{
				ID: "0123456789abcdef", Time: times[i%len(times)], Corrected: times[(i+1)%len(times)], Server: event.ServerID(text), Class: event.Class("AB"[:rule]), Rule: r,
				At: []event.Place{{}, {Collection: text, Artifact: "ab", Path: text, Record: math.MaxUint64, Offset: -1}}[:1+i%2], Fields: map[string]string{},
			}
			sameFinding(t, &w, &f, rule)
			for k, name := range texts {
				f.Fields[name] = texts[(i+k)%len(texts)]
			}
			sameFinding(t, &w, &f, rule)
		}
	}
}

func FuzzFindingWriter(f *testing.F) {
	f.Add("host", "name", "value", int64(5))
	f.Add("\xed\xa0\x80", "\u2029\x80", "\\\"\x1f:\"\"", int64(-1))
	f.Fuzz(func(t *testing.T, server, name, value string, at int64) {
		var w findingWriter
		sameFinding(t, &w, &event.Finding{ID: value, Time: event.Time(at), Corrected: event.NoTime, Server: event.ServerID(server), At: []event.Place{{Path: name}}, Fields: map[string]string{name: value, value: name}}, 0)
	})
}
