package evidence

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// compareHeads reads lines with and without a memory of those before.
func compareHeads(t *testing.T, heads *syslogHeads, line []byte) (known bool) {
	t.Helper()
	with, without := syslogLine{heads: heads}, syslogLine{}
	before := *heads
	a, b := with.parse(line), without.parse(line)
	known = a && with.tagged && reflect.DeepEqual(before, *heads)
	with.heads = nil
	if a != b || !sameLine(&with, &without) {
		t.Fatalf("%q: %t %+v, without memory %t %+v", line, a, with, b, without)
	}
	return known
}

// sameLine takes an empty part for one that is absent only where both are.
func sameLine(a, b *syslogLine) bool {
	x, y := *a, *b
	for _, p := range []struct{ a, b *[]byte }{{&x.host, &y.host}, {&x.program, &y.program}, {&x.pid, &y.pid}, {&x.level, &y.level}, {&x.msgid, &y.msgid}, {&x.data, &y.data}, {&x.message, &y.message}} {
		if (*p.a == nil) != (*p.b == nil) || !bytes.Equal(*p.a, *p.b) {
			return false
		}
		*p.a, *p.b = nil, nil
	}
	return reflect.DeepEqual(x, y)
}

var headPieces = []string{"Nov 23 01:37:49 ", "Nov  3 01:37:49 ", "Nov 23 01:37:49", "Nov 23 01:37:49.5 ", "Nov 23 01:37:49 2022 ", "2022-11-23T01:37:49Z ", "2022-11-23T01:37:49+05:30 ",
	"<34>", "<189>1: sshd: *", "ehosp ", "ehosp  ", " ", "cpu1:2)", "cpu ", "INFO ", "info ", "In(14) ", "In(1)x ", "fe80::1 ", "[::1] ", "a[b ", "sshd[1]: ", "sshd[22]: ", "sshd[1] ", "sshd[1]:", "sshd[x]: ", "sshd: ", "sshd[12345678901]: ",
	"%ASA[1]: ", "Installed[2]: ", "host=1 ", "--- ", "<Error> ", "<Error>: ", ": %ASA-6-302013: x", "*a: %SYS-5-CONFIG_I: y", "[Originator@6876 sub=x] ", "Failed password", "date=2022-11-23 time=01:02:03 devname=x type=event",
	"CEF", "CEF[7]: 0|a|b|c", "\t", "\x00", "é ", "", "0|"}

// TestSyslogHeads: a line is read alike whatever was read before.
func TestSyslogHeads(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	heads, known := &syslogHeads{}, 0
	for range 400_000 {
		var line []byte
		for range 2 + random.IntN(5) {
			line = append(line, headPieces[random.IntN(len(headPieces))]...)
		}
		if random.IntN(3) == 0 { // as logs have them
			line = []byte(headPieces[random.IntN(7)] + headPieces[8+random.IntN(12)] + headPieces[20+random.IntN(12)] + headPieces[random.IntN(len(headPieces))])
		}
		if compareHeads(t, heads, line) {
			known++
		}
	}
	if known < 1000 {
		t.Errorf("%d lines were known", known)
	}
}

// FuzzSyslogHeads does the same with any bytes; whole logs read as their lines do one by one, but for what one line says of the next.
func FuzzSyslogHeads(f *testing.F) {
	f.Add([]byte(strings.Join(headPieces, "\n")))
	f.Add([]byte("Nov 23 01:37:49 h sshd[1]: a\nNov 23 01:37:49 h sshd[22]: b\nNov 23 01:37:49 h sshd[1]: %A-1-B: c\nNov 23 01:37:49 2022 sshd[1]: d\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		heads := &syslogHeads{}
		for _, line := range bytes.Split(text, []byte("\n")) {
			compareHeads(t, heads, line)
			compareHeads(t, heads, line)
		}
	})
}
