package evidence

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// journalSample unpacks a file of testdata/journal. The journals there were made of one export by systemd-journal-remote.
func journalSample(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "journal", name+".gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestJournalForms reads the same 160 entries from two journals, an export and JSON lines.
func TestJournalForms(t *testing.T) {
	var first []row
	for _, name := range []string{"plain-jenkins.journal", "compact-keyed.journal", "entries.export", "entries.json"} {
		b := journalSample(t, name)
		if !isJournal(b[:min(len(b), headBytes)], "x") || isSyslog(b[:min(len(b), headBytes)], "x") {
			t.Errorf("%s: not recognised", name)
		}
		got, facts := readAll(t, readJournal, name, b, time.Time{})
		if len(got) != 160 || len(facts.Damaged) > 0 || len(facts.Holes) > 0 {
			t.Fatalf("%s: %d entries, damage %v, notes %q", name, len(got), facts.Damaged, facts.Notes)
		}
		for i := range got {
			got[i].Offset = 0
		}
		if first == nil {
			first = got
		}
		for i, r := range got {
			if name == "entries.json" && i%8 == 6 { // journalctl leaves the value out of JSON when it is longer than 4,096 bytes
				continue
			}
			if !reflect.DeepEqual(r, first[i]) {
				t.Fatalf("%s: entry %d is %v, not %v", name, i, r, first[i])
			}
		}
	}
	first[0].want(t, "first", "source=linux/journal/sshd", "#=EX-DB1", "@=2022-11-23T01:37:49.405239Z", "user=admin", "src_ip=198.18.0.0", "outcome=success", "facility=authpriv", "severity=warning",
		"pid=1000", "_UID=0", "_COMM=sshd", "_TRANSPORT=syslog", "_BOOT_ID=0123456789abcdef0123456789abcdef")
	first[4].want(t, "kernel", "source=linux/journal/kernel", "src_ip=10.0.0.4", "dst_port=22", "facility=kern")
	first[7].want(t, "lines", "message=line one 7\nline two\n\tline three")
	if first[9].Number != 10 || len(first[6].Fields["message"]) < 1500 {
		t.Error(first[9].Number, len(first[6].Fields["message"]))
	}
}

// journalWriter makes journals for tests, of every variant of the format.
type journalWriter struct {
	b       []byte
	packing byte
	compact bool
	keyed   bool
	seq     uint64
}

func newJournalWriter(packing byte, compact, keyed bool) *journalWriter {
	w := &journalWriter{b: make([]byte, 272), packing: packing, compact: compact, keyed: keyed}
	copy(w.b, journalSignature)
	flags := map[byte]uint32{0: 0, flagXZ: 1, flagLZ4: 2, flagZST: 8}[packing]
	if compact {
		flags |= incompatCompact
	}
	if keyed {
		flags |= incompatKeyed
	}
	binary.LittleEndian.PutUint32(w.b[12:], flags)
	copy(w.b[24:], "0123456789abcdef")
	binary.LittleEndian.PutUint64(w.b[88:], 272)
	return w
}

func (w *journalWriter) object(kind, flags byte, body []byte) uint64 {
	at := len(w.b)
	head := make([]byte, 16)
	head[0], head[1] = kind, flags
	binary.LittleEndian.PutUint64(head[8:], uint64(16+len(body)))
	w.b = append(append(w.b, head...), body...)
	for len(w.b)%8 != 0 {
		w.b = append(w.b, 0)
	}
	binary.LittleEndian.PutUint64(w.b[136:], uint64(at))
	return uint64(at)
}

func (w *journalWriter) value(text string) uint64 {
	body := make([]byte, 48, 56)
	if w.compact {
		body = make([]byte, 56)
	}
	hash := jenkinsHash([]byte(text))
	if w.keyed {
		hash = sipHash24([16]byte(w.b[24:40]), []byte(text))
	}
	binary.LittleEndian.PutUint64(body, hash)
	packed, flags := []byte(text), byte(0)
	if w.packing != 0 && len(text) > 64 {
		packed, flags = pack(w.packing, text), w.packing
	}
	return w.object(journalData, flags, append(body, packed...))
}

func pack(how byte, text string) []byte {
	var buf bytes.Buffer
	switch how {
	case flagXZ:
		z, _ := xz.WriterConfig{DictCap: 1 << 18, NoCheckSum: true}.NewWriter(&buf)
		z.Write([]byte(text))
		z.Close()
	case flagLZ4:
		dst := make([]byte, lz4.CompressBlockBound(len(text)))
		n, err := lz4.CompressBlock([]byte(text), dst, nil)
		if err != nil || n == 0 {
			panic("text that cannot be packed")
		}
		binary.Write(&buf, binary.LittleEndian, uint64(len(text)))
		buf.Write(dst[:n])
	case flagZST:
		z, _ := zstd.NewWriter(&buf)
		z.Write([]byte(text))
		z.Close()
	}
	return buf.Bytes()
}

func (w *journalWriter) entry(micros uint64, texts ...string) {
	var items []byte
	for _, x := range texts {
		off := w.value(x)
		if w.compact {
			items = binary.LittleEndian.AppendUint32(items, uint32(off))
		} else {
			items = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(items, off), 0)
		}
	}
	w.seq++
	body := make([]byte, 48)
	binary.LittleEndian.PutUint64(body, w.seq)
	binary.LittleEndian.PutUint64(body[8:], micros)
	w.object(journalEntryObject, 0, append(body, items...))
	binary.LittleEndian.PutUint64(w.b[152:], w.seq)
}

func sampleJournal(packing byte, compact, keyed bool) []byte {
	w := newJournalWriter(packing, compact, keyed)
	for i := range uint64(20) {
		w.entry(1669167469000000+i, "_HOSTNAME=db1", "SYSLOG_IDENTIFIER=sshd", "PRIORITY=6", fmt.Sprintf("_PID=%d", i),
			fmt.Sprintf("MESSAGE=Failed password for user%d from 198.18.0.7 port 4711 ssh2 %s", i, strings.Repeat("pad ", 100)))
	}
	w.b = append(w.b, make([]byte, 4096)...) // space kept for entries to come
	return w.b
}

func TestJournalVariants(t *testing.T) {
	for _, packing := range []byte{0, flagXZ, flagLZ4, flagZST} {
		for variant := range 4 {
			b := sampleJournal(packing, variant&1 != 0, variant&2 != 0)
			got, facts := readAll(t, readJournal, "x.journal", b, time.Time{})
			if len(got) != 20 || len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
				t.Fatalf("packing %d, variant %d: %d entries, %v %q", packing, variant, len(got), facts.Damaged, facts.Notes)
			}
			got[19].want(t, "last", "user=user19", "src_ip=198.18.0.7", "pid=19", "#=db1", "@=2022-11-23T01:37:49.000019Z")
		}
	}
}

func TestJournalDamage(t *testing.T) {
	reasons := func(b []byte) (int, string, [][2]uint64, []string) {
		got, facts := readAll(t, readJournal, "x.journal", b, time.Time{})
		var why []string
		for _, d := range facts.Damaged {
			why = append(why, d.Why)
		}
		return len(got), strings.Join(why, "|"), facts.Holes, facts.Notes
	}
	whole := sampleJournal(0, true, true)

	b := bytes.Clone(whole) // a value changed in place
	b[bytes.Index(b, []byte("user7 from 198"))+11] = '9'
	if n, why, _, _ := reasons(b); n != 20 || why != "value that does not match its hash: changed after it was written" {
		t.Errorf("changed: %d, %s", n, why)
	}

	b = bytes.Clone(whole) // a stretch overwritten in the middle
	from := bytes.Index(b, []byte("user5 from")) - 200
	clear(b[from&^7 : from&^7+3000])
	n, why, holes, _ := reasons(b)
	if n >= 18 || n < 12 || !strings.Contains(why, "no journal object") || len(holes) != 1 || int(holes[0][1]-holes[0][0])+1 != 20-n {
		t.Errorf("overwritten: %d, %s, %v", n, why, holes)
	}

	b = whole[:len(whole)/2] // cut short
	if n, why, _, _ := reasons(b); n != 11 || !strings.Contains(why, "cut short") {
		t.Errorf("cut: %d, %s", n, why)
	}

	b = bytes.Clone(whole) // copied while in use
	b[16] = stateOnline
	if _, _, _, notes := reasons(b); len(notes) != 1 || !strings.Contains(notes[0], "not closed") {
		t.Errorf("online: %q", notes)
	}

	b = bytes.Clone(whole) // an entry that points into nothing
	entry := bytes.LastIndex(b, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 20), 1669167469000019))
	binary.LittleEndian.PutUint32(b[entry+48:], 17)
	if n, why, _, _ := reasons(b); n != 20 || why != "entry that refers to no value" {
		t.Errorf("pointer: %d, %s", n, why)
	}

	b = sampleJournal(flagZST, false, false) // a packed value that cannot be unpacked
	b[bytes.Index(b, []byte("\x28\xb5\x2f\xfd"))+6] ^= 0xff
	if n, why, _, _ := reasons(b); n != 20 || !strings.Contains(why, "value that") {
		t.Errorf("packed: %d, %s", n, why)
	}
	if n, why, _, _ := reasons([]byte(journalSignature)); n != 0 || why != "journal shorter than its header" {
		t.Errorf("header: %d, %s", n, why)
	}
}

// TestJournalAudit reads audit records that the journal took from the kernel.
func TestJournalAudit(t *testing.T) {
	w := newJournalWriter(0, false, true)
	w.entry(1669167469500000, "_HOSTNAME=db1", "_TRANSPORT=audit", "SYSLOG_IDENTIFIER=audit", "_AUDIT_TYPE_NAME=SYSCALL", "_AUDIT_ID=45", "_SOURCE_REALTIME_TIMESTAMP=1669167469123000",
		`MESSAGE=SYSCALL arch=c000003e syscall=59 success=yes ppid=1 pid=2 uid=0 exe="/usr/bin/id"`)
	w.entry(1669167469500001, "_HOSTNAME=db1", "_TRANSPORT=audit", "SYSLOG_IDENTIFIER=audit", "_AUDIT_TYPE_NAME=EXECVE", "_AUDIT_ID=45", "_SOURCE_REALTIME_TIMESTAMP=1669167469123000",
		`MESSAGE=EXECVE argc=2 a0="id" a1=2D6E`)
	got, _ := readAll(t, readJournal, "x.journal", w.b, time.Time{})
	if len(got) != 3 {
		t.Fatal(len(got))
	}
	got[0].want(t, "call", "source=linux/auditd/SYSCALL", "SYSCALL=execve", "#=db1", "@=2022-11-23T01:37:49.123Z")
	got[2].want(t, "process", "source=linux/auditd/execve", "CommandLine=id -n", "Image=/usr/bin/id")
}

func TestJournalTextDamage(t *testing.T) {
	got, facts := readAll(t, readJournal, "x", []byte("__REALTIME_TIMESTAMP=1669167469000000\n_HOSTNAME=h\nMESSAGE=a\nno field\n\n__REALTIME_TIMESTAMP=1669167469000001\nMESSAGE\n\xff\x00\x00\x00\x00\x00\x00\x00short"), time.Time{})
	if len(got) != 2 || len(facts.Damaged) != 2 {
		t.Error(len(got), facts.Damaged)
	}
	got, facts = readAll(t, readJournal, "x", []byte(`{"__REALTIME_TIMESTAMP":"1669167469000000","MESSAGE":[104,105],"_PID":["7","8"],"PRIORITY":null,"SYSLOG_IDENTIFIER":"a\u00e9\ud83d\ude00\n"}`+"\n{\"MESSAGE\":\n"), time.Time{})
	if len(got) != 1 || len(facts.Damaged) != 1 {
		t.Fatal(len(got), facts.Damaged)
	}
	got[0].want(t, "json", "message=hi", "pid=7", "program=aé😀\n", "@=2022-11-23T01:37:49Z")
}

func TestSipHash(t *testing.T) {
	var key [16]byte
	var in [15]byte
	for i := range key {
		key[i] = byte(i)
	}
	copy(in[:], key[:])
	if h := sipHash24(key, in[:]); h != 0xa129ca6149be45e5 { // the authors' own example
		t.Errorf("%#x", h)
	}
}

func FuzzJournal(f *testing.F) {
	for _, packing := range []byte{0, flagXZ, flagLZ4, flagZST} {
		w := newJournalWriter(packing, packing&1 == 0, packing&2 == 0)
		w.entry(1669167469000000, "_HOSTNAME=db1", "SYSLOG_IDENTIFIER=sshd", "MESSAGE="+strings.Repeat("pad ", 30))
		w.entry(1669167469000001, "_TRANSPORT=audit", "_AUDIT_TYPE_NAME=CWD", "_AUDIT_ID=1", "MESSAGE=CWD cwd=x")
		f.Add(w.b)
	}
	f.Add([]byte("__REALTIME_TIMESTAMP=1\nMESSAGE\n\x02\x00\x00\x00\x00\x00\x00\x00ab\n\n"))
	f.Add([]byte(`{"__REALTIME_TIMESTAMP":"1","MESSAGE":[1,2],"A":["x"],"B":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		isJournal(b, "x")
		got, facts := readAll(t, readJournal, "x", b, time.Time{})
		for _, d := range facts.Damaged {
			if d.Offset < 0 || d.Offset > int64(len(b))+8 {
				t.Fatalf("damage %+v of %d bytes", d, len(b))
			}
		}
		again, _ := readAll(t, readJournal, "x", b, time.Time{})
		if len(got) != len(again) {
			t.Fatal("two readings differ")
		}
	})
}

func BenchmarkJournal(b *testing.B) {
	w := newJournalWriter(0, true, true)
	shared := []string{"_HOSTNAME=db1", "SYSLOG_IDENTIFIER=sshd", "PRIORITY=6", "_TRANSPORT=syslog"}
	for i := range uint64(50000) {
		w.entry(1669167469000000+i, append(shared, fmt.Sprintf("_PID=%d", i), fmt.Sprintf("MESSAGE=Failed password for user%d from 198.18.0.7 port 4711 ssh2", i))...)
	}
	benchRead(b, readJournal, "x.journal", w.b, true)
}
