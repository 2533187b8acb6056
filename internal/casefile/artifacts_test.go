package casefile

import (
	"encoding/hex"
	"math"
	"reflect"
	"testing"

	"wardround/internal/event"
)

func TestArtifactsAreWrittenAsJSONWritesThem(t *testing.T) {
	same := func(a *event.Artifact) {
		t.Helper()
		want, err := encode(a)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendArtifact(nil, a)) + "\n"; got != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		e := entry{artifact: *a, key: factsKey{1, 2, 0xff}}
		if want, err = encode(manifestLine{Artifact: a, Key: hex.EncodeToString(e.key[:])}); err != nil {
			t.Fatal(err)
		}
		if got := appendEntry(nil, &e); string(got) != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	same(&event.Artifact{})
	for _, text := range []string{"", "a", "\"\x00<&>\n", "\xff \u2028", `:""`} {
		full := event.Artifact{
			Collection: text, Path: text, Root: text, Hint: text, SHA256: text, Bytes: math.MinInt64, Kind: text, Records: math.MaxUint64, Slack: 7,
			Damaged: []event.Damage{{Offset: 1, Bytes: -1, Why: text}, {}}, Servers: []event.Seen{{Name: text, Records: 3, First: 1_700_000_000_123_456_700, Last: event.NoTime}, {}},
			Holes: [][2]uint64{{1, 2}, {3, math.MaxUint64}}, Notes: []string{text, "x", ""}, Error: &text, Original: true, Exercise: true, Modified: 9,
		}
		same(&full)
		for i := range reflect.TypeFor[event.Artifact]().NumField() { // one field alone, so that none stands for another
			var one event.Artifact
			reflect.ValueOf(&one).Elem().Field(i).Set(reflect.ValueOf(full).Field(i))
			same(&one)
		}
	}
	same(&event.Artifact{Damaged: []event.Damage{}, Servers: []event.Seen{}, Holes: [][2]uint64{}, Notes: []string{}})
}
