package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"wardround/internal/event"
)

// TestTee: what is handed on is what the line holds, whether it was read from it or not.
func TestTee(t *testing.T) {
	why, text := "gone", "a\xffb\xc3"
	finding := func(s string) *event.Finding {
		return &event.Finding{ID: "0123456789abcdef", Time: event.NoTime, Corrected: 1_600_000_000_123_456_789, Server: event.ServerID(s), Class: event.A, Rule: event.Rule{ID: "x", Title: s, Tags: []string{s, ""}},
			At: []event.Place{{Collection: s, Path: "C:\\ufffd", Record: 1 << 63, Offset: -1}}, Fields: map[string]string{"a": s, s: "<&>\u2028\x00"}}
	}
	messages := []Message{
		{Case: &Case{Name: "c", State: "draft", Inputs: []Input{}}}, {Verdicts: &event.Verdicts{}}, {Story: &event.Story{}}, {Policy: &Policy{Text: text}},
		{Finding: finding("plain")}, {Finding: finding(text)}, {Finding: finding("\ufffd é \u202e")}, {Finding: finding(`\ufffd`)}, {Finding: finding("")},
		{Hits: &Hits{Server: "s", Rule: event.Rule{ID: text}, Findings: 3}}, {Hits: &Hits{Server: "s", Findings: 3}},
		{Movement: &event.Movement{From: "a", To: "b", Time: event.NoTime, How: "rdp"}}, {Movement: &event.Movement{From: "a", Ended: true}},
		{Evidence: &Evidence{Collection: "c", First: event.NoTime, Last: 5}}, {Unused: &Unused{ID: "i", Reason: text}},
		{Artifact: &event.Artifact{Path: "p", Error: &why, Damaged: []event.Damage{{Bytes: -1}}, Servers: []event.Seen{}, Holes: [][2]uint64{{1, 1<<64 - 1}}, Notes: []string{}}},
		{Artifact: &event.Artifact{Path: text}}, {Change: &Change{Row: 1, Targets: []string{}}}, {People: &People{}},
	}
	var out, want bytes.Buffer
	plain := JSONL(&want)
	at := 0
	h := Tee(&out, func(m *Message) error {
		line, _ := json.Marshal(messages[at])
		var read Message
		if err := json.Unmarshal(line, &read); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(&read, m) {
			t.Errorf("message %d: %+v, not %+v", at, m, read)
		}
		at++
		return nil
	})
	for i := range messages {
		for _, h := range []Handler{h, plain} {
			if err := h.Handle(&messages[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if h.Close() != nil || plain.Close() != nil || at != len(messages) || out.String() != want.String() {
		t.Errorf("%d messages, %d bytes and %d", at, out.Len(), want.Len())
	}
}
