package spread

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unicode/utf16"

	"wardround/internal/event"
)

// TestKnownForgetsNothing reads records of few values that differ in any field, and holds what is remembered against what each
// record tells: a field that a reader looks at and does not name would show.
func TestKnownForgetsNothing(t *testing.T) {
	words := []string{"", "-", "3", "10", "adm", "svc$", "svc_bkp@HOSP.LOCAL", "DB1$", "DB1", "APP1", "HOSP", "10.0.2.4", "10.0.2.5", "127.0.0.1", "localhost", "0x0", "0x6", "3389", "445", "true", "false",
		`\\*\ADMIN$`, `\\*\C$`, `\\*\Reports`, "logon", "session opened", "failure", "success", "root", "4711",
		"müller", "अस्पताल", "अ", "\x05\t"}
	names := []string{"LogonType", "TargetUserName", "TargetDomainName", "TargetLogonId", "IpAddress", "WorkstationName", "TargetServerName", "SubjectLogonId", "ServiceName", "Status", "ShareName", "SubjectUserName", "SubjectDomainName",
		"DestinationPort", "DestinationIp", "Initiated", "User", "SourceIp", "action", "outcome", "user", "src_ip", "src_host", "pid", "Address", "other"}
	r := rand.New(rand.NewPCG(1, 2))
	var k Known
	for _, src := range []event.Source{
		windows("Security", 4624), windows("Security", 4625), windows("Security", 4648), windows("Security", 4769), windows("Security", 5140), windows("Security", 5145),
		windows("Microsoft-Windows-Sysmon/Operational", 3), {Product: "linux", Channel: "auth", Provider: "sshd"}, {Product: "esxi", Channel: "syslog", Provider: "vobd"}, {Product: "network", Channel: "auth"},
	} {
		schema := event.TextSchema(src, names...)
		e := Of(schema)
		if e.asks == nil {
			t.Errorf("%v: nothing is remembered", src)
		}
		again := 0
		var ways []event.Movement
		rec := event.Record{Schema: schema, Host: "DB1.hosp.local", Slots: make([]event.Value, len(names))}
		for n := range 60000 {
			if n%2000 == 0 { // one that often tells of a movement, then changed field by field
				k.Forget()
				for i, v := range []string{"3", "adm", "HOSP", "0x1", "10.0.2.4", "APP1", "DB2", "0x9", "DB2$", "0x0", `\\*\ADMIN$`, "adm", "HOSP", "445", "10.0.2.9", "true", "adm", "10.0.2.4", "logon", "success", "adm", "10.0.2.4", "APP1", "1", "10.0.2.4", ""} {
					rec.Slots[i] = event.Text(v)
				}
			}
			i := r.IntN(len(names))
			was := rec.Slots[i]
			rec.Slots[i] = event.Text(words[r.IntN(len(words))])
			if r.IntN(2) == 0 {
				rec.Slots[i] = wide(words[r.IntN(len(words))])
			}
			rec.Time = event.Time(n)
			var got, want event.Movement
			w, a := k.Read(&e, &rec, &got)
			if b := e.Read(&rec, &want); a != b {
				t.Fatalf("%v: %v: %t, want %t", src, rec.Slots, a, b)
			}
			if a && w.Number > 0 {
				again++
				old := ways[w.Number-1]
				old.Time, old.Session = got.Time, got.Session
				got = old
			} else if a {
				kept := got
				kept.Session = ""
				ways = append(ways, kept)
				w.Number = uint32(len(ways))
			}
			if a && !reflect.DeepEqual(got, want) {
				t.Fatalf("%v: %v: %+v, want %+v", src, rec.Slots, got, want)
			}
			if r.IntN(3) > 0 {
				rec.Slots[i] = was
			}
		}
		if again == 0 || len(ways) == 0 {
			t.Errorf("%v: %d ways, %d records told of one again", src, len(ways), again)
		}
	}
}

// wide is a text in UTF-16.
func wide(s string) event.Value {
	v := event.Value{Type: event.UTF16}
	for _, c := range utf16.Encode([]rune(s)) {
		v.Raw = binary.LittleEndian.AppendUint16(v.Raw, c)
	}
	return v
}

// TestKeysAreAsTheirValues: keys of one or two values are equal where the values are, and only there.
func TestKeysAreAsTheirValues(t *testing.T) {
	raws := []string{"", "a", "a\x00", "\x00a", "a\x00b\x00", "ab", "a\x00b", "a\x00b\x00c\x00d\x00", "a\x00b\x00c\x00d\x00e\x00", "a\x00b\x00c\x05d\x00", "a\x00b\x00g\x00d\x00", "a\x00b\x00c\x00d\x00e\x01", "abcd", "\x02\x01a", "\x00\x01\x01a", "\xff\x00", "\xff"}
	var k Known
	keys := map[string]string{}
	see := func(host string, values ...event.Value) {
		r := &event.Record{Schema: event.TextSchema(event.Source{}, []string{"x", "x"}[:len(values)]...), Host: host, Slots: values}
		is := fmt.Sprintf("%q %v", host, values)
		if !k.spell("s", r, []int{0, 1}[:len(values)]) {
			t.Fatalf("%s: no key", is)
		}
		if old, ok := keys[string(k.key)]; ok && old != is {
			t.Errorf("%s and %s share a key", is, old)
		}
		keys[string(k.key)] = is
	}
	for _, a := range raws {
		for _, ta := range []event.Type{event.UTF8, event.UTF16} {
			see("h", event.Value{Type: ta, Raw: []byte(a)})
			for _, b := range raws {
				for _, tb := range []event.Type{event.UTF8, event.UTF16} {
					see("h", event.Value{Type: ta, Raw: []byte(a)}, event.Value{Type: tb, Raw: []byte(b)})
				}
			}
		}
	}
	if n := len(raws) * 2; len(keys) != n*n+n {
		t.Errorf("%d keys for %d different records", len(keys), n*n+n)
	}
}

// TestNumbersAreForgottenTogether: more computers than have a number, between two sources, share no key.
func TestNumbersAreForgottenTogether(t *testing.T) {
	e := Of(event.TextSchema(event.Source{Product: "linux", Channel: "auth", Provider: "sshd"}, "action", "src_ip", "user"))
	var k Known
	for n := range 3*maxNumbered + 7 {
		r := &event.Record{Host: fmt.Sprint("host", n), Schema: event.TextSchema(event.Source{}, "x"), Slots: []event.Value{event.Text("v")}}
		for _, source := range []string{e.source, fmt.Sprint("source", n%3)} {
			k.spell(source, r, []int{0})
			if _, seen := k.moves.find(k.key); seen && source == e.source {
				t.Fatalf("host %d was never seen", n)
			}
			if k.numbers[source] != binary.LittleEndian.Uint32(k.key) || k.numbers[r.Host] != binary.LittleEndian.Uint32(k.key[4:]) {
				t.Fatalf("host %d: numbers are not those of this turn", n)
			}
		}
	}
}

// TestKeysDoNotRunTogether: a computer whose name holds what follows a name in a key is another computer.
func TestKeysDoNotRunTogether(t *testing.T) {
	src := event.Source{Product: "linux", Channel: "auth", Provider: "sshd"}
	long := Of(event.TextSchema(src, "action", "action"))
	short := Of(event.TextSchema(src, "action"))
	var k Known
	k.spell(long.source, &event.Record{Schema: event.TextSchema(src, "action", "action"), Host: "a", Slots: []event.Value{event.Text("x"), event.Text("y")}}, long.asks)
	key := string(k.key)
	for _, host := range []string{"a\x00\x40\x01x", "a\x00\x40\x01\x00x"} {
		k.spell(short.source, &event.Record{Schema: event.TextSchema(src, "action"), Host: host, Slots: []event.Value{event.Text("y")}}, short.asks)
		if string(k.key) == key {
			t.Errorf("%q and \"a\" share a key", host)
		}
	}
}
