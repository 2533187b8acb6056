package evidence

import (
	"testing"
	"time"

	_ "time/tzdata"

	"wardround/internal/event"
)

func TestReadStamp(t *testing.T) {
	for _, c := range []struct{ in, want, rest string }{
		{"2022-11-23 07:07:49", "2022-11-23T07:07:49Z", ""},
		{"2022-11-23T07:07:49.1234567+05:30", "2022-11-23T07:07:49.1234567Z", "+05:30"},
		{"2022/11/23 07:07:49,5 [error]", "2022-11-23T07:07:49.5Z", " [error]"},
		{"2020-02-29 23:59:60.0000000001Z", "2020-03-01T00:00:00Z", "Z"},
		{"1678-01-01 00:00:00", "1678-01-01T00:00:00Z", ""},
		{"2261-12-31 00:00:00", "2261-12-31T00:00:00Z", ""},
		{"2262-12-31 00:00:00", "", ""},
		{"2021-02-29 00:00:00", "", "2021-02-29 00:00:00"},
		{"2021-02-28 24:00:00", "", "2021-02-28 24:00:00"},
		{"2021-02-28 0x:00:00", "", "2021-02-28 0x:00:00"},
		{"2021-02-28", "", "2021-02-28"},
	} {
		got, rest, _ := readStamp([]byte(c.in))
		if got.String() != c.want || string(rest) != c.rest {
			t.Errorf("%q: %q, rest %q", c.in, got, rest)
		}
	}
	for day := range 366 * 60 {
		want := time.Date(1969, 1, 1+day, 0, 0, 0, 0, time.UTC)
		if got, _, ok := readStamp([]byte(want.Format(time.DateTime))); !ok || got != event.At(want) {
			t.Fatalf("%v: %v", want, got)
		}
	}
}

func TestReadOffset(t *testing.T) {
	for in, want := range map[string]int{"Z": 0, "+05:30": 19800, " +0530": 19800, "-04": -14400, "-0400 x": -14400, "+5:30": -1, "": -1, "+0x": -1} {
		got, _, ok := readOffset([]byte(in))
		if ok != (want >= 0 || want < -1) || ok && got != want {
			t.Errorf("%q: %d %v", in, got, ok)
		}
	}
}

func TestLocalZone(t *testing.T) {
	local, _, _ := readStamp([]byte("2022-11-23 07:07:49"))
	kolkata := time.FixedZone("Asia/Kolkata", 19800)
	for _, c := range []struct {
		zone *time.Location
		name string
		want string
		note string
	}{
		{nil, "IST", "2022-11-23T01:37:49Z", "times in IST: read as +05:30 from UTC"},
		{nil, "UTC", "2022-11-23T07:07:49Z", ""},
		{nil, "+0530", "2022-11-23T01:37:49Z", ""},
		{nil, "-03", "2022-11-23T10:07:49Z", ""},
		{nil, "Asia/Kolkata", "2022-11-23T01:37:49Z", ""},
		{nil, "", "2022-11-23T07:07:49Z", "times state no zone: read as UTC"},
		{kolkata, "", "2022-11-23T01:37:49Z", "times state no zone: read as Asia/Kolkata"},
		{kolkata, "XYZ", "2022-11-23T01:37:49Z", "times state no zone: read as Asia/Kolkata"},
	} {
		var facts event.Artifact
		z := newLocalZone(&input{Options: &Options{Zone: c.zone}}, newOutput(&rows{}, &facts))
		z.named(local, []byte(c.name))
		if got := z.named(local, []byte(c.name)).String(); got != c.want {
			t.Errorf("%q: %s, want %s", c.name, got, c.want)
		}
		if note := append(facts.Notes, "")[0]; note != c.note {
			t.Errorf("%q: notes %q", c.name, facts.Notes)
		}
	}
}
