package event

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"
)

func TestAppendText(t *testing.T) {
	for _, c := range []struct {
		v    Value
		want string
	}{
		{Value{UTF16, []byte{'N', 0, 't', 0, ' ', 0, 0, 0}}, "Nt "},
		{Value{UTF16, []byte{0x3d, 0xd8, 0x00, 0xde}}, "😀"},
		{Value{UTF16, []byte{0x3d, 0xd8, 'a', 0}}, "\ufffda"},
		{Value{Ansi, []byte{'a', 0x80, 0xe9, 0}}, "a€é"},
		{Value{Int8, []byte{0xff}}, "-1"},
		{Value{Uint16, []byte{0x10, 0x12}}, "4624"},
		{Value{Int32, []byte{0xfe, 0xff, 0xff, 0xff}}, "-2"},
		{Value{Uint64, []byte{1, 0, 0, 0, 0, 0, 0, 0x80}}, "9223372036854775809"},
		{Value{Bool, []byte{2, 0, 0, 0}}, "true"},
		{Value{Bool, []byte{1}}, "true"},
		{Value{Hex32, []byte{0x10, 0x14, 0, 0}}, "0x1410"},
		{Value{Size, []byte{0x10, 0, 0, 0}}, "0x10"},
		{Value{FileTime, []byte{0, 0x80, 0x3e, 0xd5, 0xde, 0xb1, 0x9d, 0x01}}, "1970-01-01T00:00:00.0000000Z"},
		{Value{SID, []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}}, "S-1-5-18"},
		{Value{GUID, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}, "{04030201-0605-0807-090A-0B0C0D0E0F10}"},
		{Value{UTF16 | Array, []byte{'a', 0, 0, 0, 'b', 0, 0, 0}}, "a,b"},
		{Value{UTF16 | Array, []byte{'a', 0, 0, 0, 'b', 0}}, "a,b"},
		{Value{Uint16 | Array, []byte{1, 0, 2, 0}}, "1,2"},
		{Value{GUID, []byte{1, 2}}, "0102"},
		{Value{SysTime, []byte{0xe6, 7, 11, 0, 3, 0, 23, 0, 1, 0, 37, 0, 49, 0, 5, 0}}, "2022-11-23T01:37:49.005Z"},
		{Value{Binary, []byte{0xab, 0}}, "AB00"},
	} {
		if got := c.v.String(); got != c.want {
			t.Errorf("%v: got %q, want %q", c.v, got, c.want)
		}
	}
}

func TestTime(t *testing.T) {
	at := FromFileTime(133136482691234567)
	b, _ := json.Marshal(at)
	if string(b) != `"2022-11-23T03:37:49.1234567Z"` {
		t.Errorf("got %s", b)
	}
	var back Time
	if err := json.Unmarshal(b, &back); err != nil || back != at {
		t.Errorf("read back %v, %v", back, err)
	}
	if FromFileTime(0) != NoTime {
		t.Error("1601 is no time")
	}
}

func TestSpansAreIndependentOfOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var want Spans
	times := make([]Time, 3000)
	for i := range times {
		times[i] = Time(rng.Int64N(int64(40 * time.Hour)))
	}
	for round := range 20 {
		rng.Shuffle(len(times), func(i, j int) { times[i], times[j] = times[j], times[i] })
		whole, half := Spans{Gap: time.Minute}, Spans{Gap: time.Minute}
		for i, at := range times {
			if i%2 == 0 {
				whole.Add(at, 1)
			} else {
				half.Add(at, 1)
			}
		}
		whole.Merge(half)
		if round == 0 {
			want = whole
		} else if !reflect.DeepEqual(want, whole) {
			t.Fatalf("round %d differs", round)
		}
	}
	if want.Count() != 3000 {
		t.Errorf("count %d", want.Count())
	}
}
