package evidence

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// madeDump is what a dump that a test writes says of itself.
type madeDump struct {
	stamp   uint32
	flags   uint32
	modules []string
	memory  []int // sizes of the ranges of a dump with the whole memory; nil for one without
	crash   uint32
	comment string
	padded  bool // as Breakpad once did, the list of modules lies on a boundary of eight bytes
}

// encode writes the dump as dbghelp does: lists and names in front, memory behind.
func (d madeDump) encode() []byte {
	le := binary.LittleEndian
	type stream struct {
		kind uint32
		data []byte
	}
	system := make([]byte, 56)
	le.PutUint16(system, 9)
	system[7] = 3
	for i, v := range []uint32{10, 0, 17763, 2} {
		le.PutUint32(system[8+4*i:], v)
	}
	misc := make([]byte, 832)
	for i, v := range []uint32{832, 0x1f7, 672, 1669167000} {
		le.PutUint32(misc[4*i:], v)
	}
	copy(misc[232:], wide("17763.1.amd64fre.rs5_release.180914-1434\x00"))
	lead := 4
	if d.padded {
		lead = 8
	}
	modules := make([]byte, lead+108*len(d.modules))
	le.PutUint32(modules, uint32(len(d.modules)))
	streams := []stream{{mdSystemInfo, system}, {mdMiscInfo, misc}, {mdModuleList, modules}, {0, nil}}
	var memory []byte
	if d.memory != nil {
		memory = make([]byte, 16+16*len(d.memory))
		le.PutUint64(memory, uint64(len(d.memory)))
		for i, n := range d.memory {
			le.PutUint64(memory[16+16*i:], 0x7ff600000000+uint64(i)<<20)
			le.PutUint64(memory[24+16*i:], uint64(n))
		}
		streams = append(streams, stream{mdMemory64List, memory})
	} else {
		list := make([]byte, 4+16)
		le.PutUint32(list, 1)
		le.PutUint32(list[12:], 24) // bytes, at the beginning of the file
		streams = append(streams, stream{mdMemoryList, list})
	}
	if d.crash != 0 {
		e := make([]byte, 168)
		le.PutUint32(e[8:], d.crash)
		streams = append(streams, stream{mdExceptions, e})
	}
	if d.comment != "" {
		streams = append(streams, stream{mdCommentW, wide(d.comment + "\x00")})
	}
	at := minidumpHeader + minidumpStream*len(streams)
	for _, s := range streams {
		at += len(s.data)
	}
	var texts []byte
	text := func(s string) uint32 {
		rva := uint32(at + len(texts))
		texts = append(le.AppendUint32(texts, uint32(2*len(s))), wide(s+"\x00")...)
		return rva
	}
	le.PutUint32(system[24:], text("Service Pack 9"))
	for i, m := range d.modules {
		le.PutUint32(modules[lead+108*i+20:], text(m))
	}
	if memory != nil {
		le.PutUint64(memory[8:], uint64(at+len(texts)))
	}
	b := append([]byte(minidumpSignature), 0x1e, 0x42)
	for _, v := range []uint32{uint32(len(streams)), minidumpHeader, 0, d.stamp, d.flags, 0} {
		b = le.AppendUint32(b, v)
	}
	rva := minidumpHeader + minidumpStream*len(streams)
	for _, s := range streams {
		b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, s.kind), uint32(len(s.data))), uint32(rva))
		rva += len(s.data)
	}
	for _, s := range streams {
		b = append(b, s.data...)
	}
	b = append(b, texts...)
	for _, n := range d.memory {
		b = append(b, make([]byte, n)...)
	}
	return b
}

var lsassModules = []string{`C:\Windows\System32\lsass.exe`, `C:\Windows\System32\ntdll.dll`, `C:\Windows\System32\LsaSrv.dll`}

func lsassDump() madeDump {
	return madeDump{stamp: 1669167469, flags: 0x6, modules: lsassModules, memory: []int{4096, 8192}, comment: "*** procdump -ma lsass.exe l"}
}

func TestMinidump(t *testing.T) {
	d := lsassDump()
	b := d.encode()
	if !isMinidump(b, "x.txt") {
		t.Fatal("not recognised")
	}
	read := func(what string, b []byte, pairs ...string) {
		t.Helper()
		got, facts := readAll(t, readMinidump, "uploads/auto/C:/Users/Public/notes.txt", b, time.Time{})
		if len(got) != 1 || len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
			t.Fatalf("%s: %d records, %v, %q", what, len(got), facts.Damaged, facts.Notes)
		}
		got[0].want(t, what, append(pairs, "source=windows/minidump/", `TargetFilename=C:\Users\Public\notes.txt`)...)
	}
	read("of LSASS", b, "@=2022-11-23T01:37:49Z", `TargetImage=C:\Windows\System32\lsass.exe`, "Modules=3", "LsasrvLoaded=true", "TargetProcessId=672", "TargetProcessStart=2022-11-23T01:30:00Z",
		"Flags=WithFullMemory,WithHandleData", "FullMemory=true", "MemoryBytes=12288", "OSVersion=10.0.17763", "BuildString=17763.1.amd64fre.rs5_release.180914-1434",
		"ServicePack=Service Pack 9", "ProductType=ServerNT", "Architecture=AMD64", "Comment=*** procdump -ma lsass.exe l", "SignatureChanged=", "ExceptionCode=")
	d = madeDump{modules: []string{`D:\pacs\viewer.exe`, `D:\pacs\notlsasrv.dll`}, crash: 0xc0000005, padded: true}
	read("of another, after a crash", d.encode(), "@=", `TargetImage=D:\pacs\viewer.exe`, "Modules=2", "LsasrvLoaded=false", "Flags=", "FullMemory=false", "MemoryBytes=24", "ExceptionCode=0xc0000005")
	d = madeDump{modules: []string{`lsasrv.dll`}}
	read("of tools that keep few modules", d.encode(), "LsasrvLoaded=true", "TargetImage=lsasrv.dll")
}

// TestUnsignedMinidump: a dump whose signature was left out is known by its form, and what is like it in part is not.
func TestUnsignedMinidump(t *testing.T) {
	b := lsassDump().encode()
	copy(b, "\x11\x22\x33\x44\x55\x66\x77\x88")
	if !isMinidump(b, "") {
		t.Fatal("not recognised")
	}
	got, facts := readAll(t, readMinidump, "C/Windows/Temp/a.log", b, time.Time{})
	if len(got) != 1 || len(facts.Damaged) > 0 {
		t.Fatalf("%d records, %v", len(got), facts.Damaged)
	}
	got[0].want(t, "unsigned", "SignatureChanged=true", "LsasrvLoaded=true", "@=2022-11-23T01:37:49Z", `TargetFilename=C:\Windows\Temp\a.log`)
	for at, why := range map[int]string{8: "many streams", 12: "a directory elsewhere", 32: "an unknown stream", 44: "a stream twice, or none", 124: "another system"} {
		c := bytes.Clone(b)
		binary.LittleEndian.PutUint32(c[at:], 0x777777)
		if isMinidump(c, "") {
			t.Errorf("with %s, taken for a dump", why)
		}
	}
	for _, c := range [][]byte{nil, b[:31], b[:60], make([]byte, 4096)} {
		if isMinidump(c, "") {
			t.Errorf("%d bytes taken for a dump", len(c))
		}
	}
}

// TestMinidumpTime: without a time of its own, a dump has that of the file where an archive keeps it.
func TestMinidumpTime(t *testing.T) {
	d := lsassDump()
	d.stamp = 0
	b := d.encode()
	for _, stored := range []bool{true, false} {
		var got rows
		var facts event.Artifact
		in := &input{Path: "C/x.dmp", Modified: mustTime("2022-11-23T02:00:00Z"), Stored: stored, Stream: bytes.NewReader(b)}
		if err := readMinidump(context.Background(), in, newOutput(&got, &facts)); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{true: "2022-11-23T02:00:00Z"}[stored]; got.got[0].Time != want || len(facts.Notes) != map[bool]int{true: 1}[stored] {
			t.Errorf("stored %v: time %q, want %q; %q", stored, got.got[0].Time, want, facts.Notes)
		}
	}
}

// TestDamagedMinidump: what is there is told, and what is not is damage; a hostile place ends nothing and loops nowhere.
func TestDamagedMinidump(t *testing.T) {
	le := binary.LittleEndian
	whole := lsassDump().encode()
	find := func(kind uint32) int { // the entry of a stream in the directory
		for at := minidumpHeader; ; at += minidumpStream {
			if le.Uint32(whole[at:]) == kind {
				return at
			}
		}
	}
	modules := int(le.Uint32(whole[find(mdModuleList)+8:]))
	first := int(le.Uint32(whole[modules+4+20:]))
	set := func(pairs ...int) []byte {
		b := bytes.Clone(whole)
		for i := 0; i < len(pairs); i += 2 {
			le.PutUint32(b[pairs[i]:], uint32(pairs[i+1]))
		}
		return b
	}
	const lsass = `TargetImage=C:\Windows\System32\lsass.exe`
	for name, c := range map[string]struct {
		b    []byte
		why  string
		want []string
	}{
		"cut in its memory":                 {whole[:len(whole)-100], "the dump's memory is cut short", []string{lsass, "LsasrvLoaded=true", "MemoryBytes=12288"}},
		"cut behind its first name":         {whole[:first+4+2*len(lsassModules[0])], "name of a module outside of the file", []string{lsass, "LsasrvLoaded=", "Modules=3"}},
		"cut in its first name":             {whole[:first+20], "name of a module cut short", []string{`TargetImage=C:\Windo`, "LsasrvLoaded="}},
		"cut in its list of modules":        {whole[:modules+150], "list of modules cut short", []string{"Modules=3", "LsasrvLoaded=", "TargetProcessId=672"}},
		"cut in front of it":                {whole[:modules], "list of modules outside of the file", []string{"Modules=", "TargetProcessId=672"}},
		"cut in its directory":              {whole[:50], "directory cut short", []string{"Flags=WithFullMemory,WithHandleData", "@=2022-11-23T01:37:49Z"}},
		"cut in its header":                 {whole[:20], "header cut short", []string{"@="}},
		"directory beyond the end":          {set(12, 0x7fffffff), "directory outside of the file", []string{"Modules=", "@=2022-11-23T01:37:49Z"}},
		"directory without end":             {set(8, 0xffffffff), "directory longer than any", []string{lsass}},
		"modules beyond the end":            {set(find(mdModuleList)+8, 0xfffffff0), "list of modules outside of the file", []string{"Modules=", "TargetProcessId=672"}},
		"more modules than fit":             {set(modules, 0xffffffff), "list of modules longer than its stream", []string{lsass, "LsasrvLoaded=true", "Modules=3"}},
		"a name without end":                {set(first, 0xfffffffe), "name of a module longer than any", []string{"TargetImage=", "LsasrvLoaded=true"}},
		"a name beyond the end":             {set(modules+4+20, 0xffffffff), "name of a module outside of the file", []string{"TargetImage=", "LsasrvLoaded=true"}},
		"more memory than there is":         {set(find(mdMemory64List)+4, 20), "list of memory longer than its stream", []string{lsass, "FullMemory=true", "MemoryBytes="}},
		"all streams in one place, itself":  {set(find(mdModuleList)+8, 0, find(mdMiscInfo)+8, 0, find(mdSystemInfo)+8, 0, find(mdMemory64List)+8, 0), "list of modules longer than its stream", nil},
		"a directory that is its own first": {set(12, 0), "list of memory", nil},
	} {
		got, facts := readAll(t, readMinidump, "x.dmp", c.b, time.Time{})
		if len(got) != 1 {
			t.Errorf("%s: %d records", name, len(got))
			continue
		}
		if c.want == nil { // no more is asked than an end
			continue
		}
		if !slices.ContainsFunc(facts.Damaged, func(d event.Damage) bool { return d.Why == c.why }) {
			t.Errorf("%s: damage %v, want %q", name, facts.Damaged, c.why)
		}
		got[0].want(t, name, c.want...)
	}
}

// TestLongMinidump: of a dump in a stream only the head is kept, whatever its size, and no random access is asked for.
func TestLongMinidump(t *testing.T) {
	const size, small = 1 << 30, 0x12345
	d := lsassDump()
	d.memory[1] = small
	head := d.encode()
	le := binary.LittleEndian
	le.PutUint64(head[bytes.Index(head, le.AppendUint64(nil, small)):], size)
	head = head[:len(head)-small]
	for name, end := range map[string]int64{"whole": size, "cut": size - 1} {
		var facts event.Artifact
		m := &minidump{r: io.MultiReader(bytes.NewReader(head), io.LimitReader(endless{}, end)), out: newOutput(&rows{}, &facts)}
		m.header()
		if err := m.rest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(m.head) > headBytes {
			t.Errorf("%s: %d bytes are kept", name, len(m.head))
		}
		if got := m.slots[mdMemory].String(); got != fmt.Sprint(size+4096) {
			t.Errorf("%s: %s bytes of memory", name, got)
		}
		if len(facts.Damaged) != map[string]int{"cut": 1}[name] {
			t.Errorf("%s: %v", name, facts.Damaged)
		}
	}
	// Parts behind the head are noted.
	b := d.encode()
	at := bytes.Index(b, le.AppendUint32(nil, mdModuleList))
	le.PutUint32(b[at+8:], maxMinidumpHead+100)
	b = append(b, make([]byte, maxMinidumpHead+4096-len(b))...)
	got, facts := readAll(t, readMinidump, "x.dmp", b, time.Time{})
	if len(facts.Notes) != 1 || !strings.Contains(facts.Notes[0], "list of modules lies behind") || len(got) != 1 {
		t.Errorf("%q, %v", facts.Notes, facts.Damaged)
	}
}

// dumps takes the events of all artifacts, and what was wrong with one.
type dumps struct {
	rows
	wrong []string
}

func (d *dumps) Begin(*event.Artifact) (Consumer, bool) { return d, true }
func (d *dumps) Progress(int64)                         {}
func (d *dumps) End(a *event.Artifact) {
	if a.Error != nil || len(a.Damaged) > 0 {
		d.wrong = append(d.wrong, fmt.Sprint(a.Path, a.Error, a.Damaged))
	}
}

func written(t *testing.T, name string, content []byte) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// endless is zeros without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestMinidumpInArchive: packed in a zip or a tar, and in one that breaks off, a dump is read as it passes.
func TestMinidumpInArchive(t *testing.T) {
	b := lsassDump().encode()
	for name, content := range map[string][]byte{
		"h.zip": makeZip(t, leaves{{"C/Windows/Temp/a.txt", b}}), "h.tar.gz": makeGzip(t, makeTar(t, leaves{{"C/Windows/Temp/a.txt", b}})),
	} {
		var n dumps
		// The folder for temporary files is none: whoever asks for a copy fails.
		c, err := Open(written(t, name, content), Options{TempDir: "/dev/null/none"})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Units(t.Context(), func(u Unit) error { return u.Read(t.Context(), &n) }); err != nil {
			t.Fatal(err)
		}
		if len(n.got) != 1 || len(n.wrong) > 0 {
			t.Errorf("%s: %d dumps, %q", name, len(n.got), n.wrong)
			continue
		}
		n.got[0].want(t, name, `TargetFilename=C:\Windows\Temp\a.txt`, "LsasrvLoaded=true", "@=2022-11-23T01:37:49Z")
	}
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.NoCompression)
	w.Write(b)
	w.Close()
	var got rows
	var facts event.Artifact
	in := &input{Path: "C/x.dmp", Stream: flate.NewReader(bytes.NewReader(packed.Bytes()[:packed.Len()-5000]))}
	if err := readMinidump(context.Background(), in, newOutput(&got, &facts)); err != nil && err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if len(got.got) != 1 || got.got[0].Fields["LsasrvLoaded"] != "true" {
		t.Errorf("of a stream that broke off: %v", got.got)
	}
}

func FuzzMinidump(f *testing.F) {
	f.Add(lsassDump().encode()[:2400])
	f.Add(madeDump{modules: lsassModules[2:], crash: 5, padded: true}.encode())
	unsigned := lsassDump().encode()[:2400]
	copy(unsigned, "\x00\x00\x00\x00")
	f.Add(unsigned)
	f.Fuzz(func(t *testing.T, b []byte) {
		isMinidump(b, "")
		got, _ := readAll(t, readMinidump, "x.dmp", b, time.Time{})
		if len(got) != 1 {
			t.Fatalf("%d records", len(got))
		}
	})
}
