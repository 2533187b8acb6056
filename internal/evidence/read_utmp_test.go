package evidence

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// login is a record as these tests write it.
type login struct {
	kind, pid  int
	line, user string
	host       string
	addr       [4]byte
	at         int64
}

func (l login) encode(f *utmpLayout) []byte {
	b := make([]byte, f.size)
	f.order.PutUint16(b, uint16(l.kind))
	f.order.PutUint32(b[4:], uint32(l.pid))
	copy(b[utLine:], l.line)
	copy(b[utUser:], l.user)
	copy(b[utHost:], l.host)
	f.order.PutUint16(b[utExit+2:], 3)
	if f.wide {
		f.order.PutUint64(b[utSession:], 9)
		f.order.PutUint64(b[344:], uint64(l.at))
		f.order.PutUint64(b[352:], 123456)
		copy(b[360:], l.addr[:])
	} else {
		f.order.PutUint32(b[utSession:], 9)
		f.order.PutUint32(b[340:], uint32(l.at))
		f.order.PutUint32(b[344:], 123456)
		copy(b[348:], l.addr[:])
	}
	return b
}

var logins = []login{
	{2, 0, "~", "reboot", "5.15.0", [4]byte{}, 1669160000},
	{7, 801, "pts/0", "root", "198.18.0.7", [4]byte{198, 18, 0, 7}, 1669167469},
	{7, 802, "pts/1", "alice", "ward.example", [4]byte{}, 1669167470},
	{8, 801, "pts/0", "", "", [4]byte{}, 1669167480},
	{1, 0, "~", "shutdown", "5.15.0", [4]byte{}, 1669167490},
}

func encodeLogins(f *utmpLayout) (b []byte) {
	for _, l := range logins {
		b = append(b, l.encode(f)...)
	}
	return b
}

func TestUtmpLayouts(t *testing.T) {
	for i := range utmpLayouts {
		f := &utmpLayouts[i]
		content := encodeLogins(f)
		name := fmt.Sprintf("%d bytes, %v", f.size, f.order)
		if !isUtmp(content, "x") || chooseUtmp(content) != f {
			t.Errorf("%s: not recognised", name)
			continue
		}
		got, facts := readAll(t, readUtmp, "var/log/wtmp", content, time.Time{})
		if len(got) != 5 || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d records, %v", name, len(got), facts.Damaged)
			continue
		}
		got[0].want(t, name, "type=BOOT_TIME", "action=boot", "@=2022-11-22T23:33:20.123456Z", "host=5.15.0", "src_host=", "source=linux/wtmp/")
		got[1].want(t, name, "type=USER_PROCESS", "user=root", "terminal=pts/0", "ip=198.18.0.7", "src_ip=198.18.0.7", "pid=801", "session=9", "exit_status=3", "action=logon", "outcome=success", "src_host=")
		got[2].want(t, name, "src_host=ward.example", "ip=")
		got[3].want(t, name, "type=DEAD_PROCESS", "action=logoff", "user=")
		got[4].want(t, name, "action=shutdown")
	}
}

func TestBtmp(t *testing.T) {
	got, _ := readAll(t, readUtmp, "var/log/btmp-20221101", login{6, 5, "ssh:notty", "admin", "198.18.0.7", [4]byte{198, 18, 0, 7}, 1669167469}.encode(&utmpLayouts[0]), time.Time{})
	got[0].want(t, "btmp", "source=linux/btmp/", "action=logon", "outcome=failure", "user=admin", "terminal=ssh:notty")
}

// TestUtmpTampering covers what log cleaners and crashes do to wtmp.
func TestUtmpTampering(t *testing.T) {
	f := &utmpLayouts[0]
	b := encodeLogins(f)
	clear(b[384:768])                                     // a logon wiped
	cutShort := append(b[:3*384:3*384], b[3*384+100:]...) // and the start of a record lost
	cutShort = append(cutShort, make([]byte, 384)...)     // zeros at the end
	cutShort = append(cutShort, "abc"...)
	got, facts := readAll(t, readUtmp, "wtmp", cutShort, time.Time{})
	if len(got) != 3 {
		t.Errorf("%d records", len(got))
	}
	var all []string
	for _, d := range facts.Damaged {
		all = append(all, fmt.Sprintf("%d+%d %s", d.Offset, d.Bytes, d.Why))
	}
	want := "384+384 zeroed record|1152+284 no login record|1820+384 zeroed record|2204+3 truncated record"
	if s := strings.Join(all, "|"); s != want {
		t.Errorf("damage %s\nwant   %s", s, want)
	}
	notes := strings.Join(facts.Notes, "|")
	if !strings.Contains(notes, "1 records amid others") || !strings.Contains(notes, "the last 1 records") {
		t.Errorf("notes %q", notes)
	}
	// In utmp, which tells who is there now, empty places are no sign of anything.
	_, facts = readAll(t, readUtmp, "run/utmp", b, time.Time{})
	if len(facts.Damaged)+len(facts.Notes) != 0 {
		t.Error(facts.Damaged, facts.Notes)
	}
}

func TestUtmpSamples(t *testing.T) {
	for name, want := range map[string][2]int{"utmp": {14, 0}, "utmp_aarch64": {6, 0}, "utmp_s390": {6, 0}, "utmp_x86_64": {6, 0}, "utmp_corrupted": {2, 2}, "wtmp.1": {2, 2}} {
		got, facts := readAll(t, readUtmp, name, linuxData(t, "utmp/"+name), time.Time{})
		if have := [2]int{len(got), len(facts.Damaged)}; have != want {
			t.Errorf("%s: %v, want %v", name, have, want)
		}
	}
}

func TestLastlog(t *testing.T) {
	for _, size := range []int{292, 296} {
		b := make([]byte, 1001*size)
		rec := b[1000*size:]
		binary.LittleEndian.PutUint32(rec, 1669167469)
		copy(rec[size-288:], "pts/0")
		copy(rec[size-256:], "198.18.0.7")
		b = append(b, 1, 2, 3)
		if !isLastlog(b[990*size:], "var/log/lastlog") || !isLastlog(b[:size], "lastlog") || isLastlog(b, "x") {
			t.Error("not told by its name")
		}
		// The reader sees the head of the file only: of zeros it assumes the usual size.
		if size == 296 {
			copy(b, rec)
		}
		got, facts := readAll(t, readLastlog, "lastlog", b, time.Time{})
		r := got[len(got)-1]
		r.want(t, "lastlog", "uid=1000", "terminal=pts/0", "src_host=198.18.0.7", "@=2022-11-23T01:37:49Z")
		if len(facts.Damaged) != 1 {
			t.Error(facts.Damaged)
		}
	}
}

func FuzzUtmp(f *testing.F) {
	for i := range utmpLayouts {
		f.Add(encodeLogins(&utmpLayouts[i]))
	}
	f.Add([]byte("abc"))
	f.Fuzz(func(t *testing.T, b []byte) {
		isUtmp(b, "x")
		got, facts := readAll(t, readUtmp, "wtmp", b, time.Time{})
		covered := int64(0)
		for _, d := range facts.Damaged {
			covered += d.Bytes
		}
		size := int64(384)
		if l := chooseUtmp(b[:min(len(b), headBytes)]); l != nil {
			size = int64(l.size)
		}
		if len(facts.Damaged) < maxDamage && covered+int64(len(got))*size != int64(len(b)) {
			t.Fatalf("%d records of %d and %d bytes of damage are not %d bytes", len(got), size, covered, len(b))
		}
		isLastlog(b, "lastlog")
		readAll(t, readLastlog, "lastlog", b, time.Time{})
	})
}
