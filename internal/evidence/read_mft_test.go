package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// mftSample builds tables, record by record.
type mftSample struct{ table []byte }

// wide is text as UTF-16.
func wide(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func fileTimeOf(stamp string) uint64 {
	return uint64(mustTime(stamp).UnixNano()/100) + 116444736000000000
}

func resident(kind uint32, name string, value []byte) []byte {
	at := 24 + 2*len(name)
	a := make([]byte, (at+len(value)+7)&^7)
	binary.LittleEndian.PutUint32(a, kind)
	binary.LittleEndian.PutUint32(a[4:], uint32(len(a)))
	a[9] = byte(len(name))
	binary.LittleEndian.PutUint16(a[10:], 24)
	binary.LittleEndian.PutUint32(a[16:], uint32(len(value)))
	binary.LittleEndian.PutUint16(a[20:], uint16(at))
	copy(a[24:], wide(name))
	copy(a[at:], value)
	return a
}

// standard is $STANDARD_INFORMATION with times created, modified, changed, accessed.
func standard(created, changed uint64) []byte {
	v := make([]byte, 72)
	for i, t := range []uint64{created, created, changed, created} {
		binary.LittleEndian.PutUint64(v[8*i:], t)
	}
	binary.LittleEndian.PutUint32(v[32:], 0x22)
	binary.LittleEndian.PutUint64(v[64:], 4711)
	return resident(attrStandard, "", v)
}

func nameOf(parent uint64, sequence uint16, created uint64, space byte, name string) []byte {
	v := make([]byte, 66)
	binary.LittleEndian.PutUint64(v, parent|uint64(sequence)<<48)
	for i := range 4 {
		binary.LittleEndian.PutUint64(v[8+8*i:], created)
	}
	v[64], v[65] = byte(len(utf16.Encode([]rune(name)))), space
	return resident(attrName, "", append(v, wide(name)...))
}

func (s *mftSample) add(sequence, flags uint16, base uint64, attributes ...[]byte) {
	r := make([]byte, 1024)
	copy(r, "FILE")
	number := uint32(len(s.table) / 1024)
	for at, v := range map[int]uint16{4: 48, 6: 3, 16: sequence, 20: 56, 22: flags, 48: 0x1234} {
		binary.LittleEndian.PutUint16(r[at:], v)
	}
	binary.LittleEndian.PutUint32(r[28:], 1024)
	binary.LittleEndian.PutUint64(r[32:], base)
	binary.LittleEndian.PutUint32(r[44:], number)
	at := 56
	for _, a := range attributes {
		at += copy(r[at:], a)
	}
	binary.LittleEndian.PutUint32(r[at:], attrEnd)
	binary.LittleEndian.PutUint32(r[24:], uint32(at+8))
	for i := range 2 {
		copy(r[50+2*i:], r[512*i+510:512*i+512])
		binary.LittleEndian.PutUint16(r[512*i+510:], 0x1234)
	}
	s.table = append(s.table, r...)
}

// skip leaves records unused up to a number.
func (s *mftSample) skip(number int) {
	s.table = append(s.table, make([]byte, 1024*number-len(s.table))...)
}

var (
	stampInstall = fileTimeOf("2019-03-01T10:00:00.5Z")
	stampAttack  = fileTimeOf("2022-11-23T01:37:49.1234567Z")
)

func sampleMFT() []byte {
	const both = 3
	s := &mftSample{}
	s.add(1, mftInUse, 0, standard(stampInstall, stampInstall), nameOf(5, 5, stampInstall, both, "$MFT"))
	s.skip(5)
	s.add(5, mftInUse|mftIsFolder, 0, standard(stampInstall, stampInstall), nameOf(5, 5, stampInstall, both, "."))
	s.skip(24)
	// 24: a file before its folder, downloaded, with a short name first.
	zone := resident(attrData, "Zone.Identifier", []byte("[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=http://198.18.0.7/oci.dll\r\n"))
	s.add(2, mftInUse, 0, standard(stampAttack, stampAttack), nameOf(25, 7, stampAttack, 2, "ORACLE~1.DLL"), nameOf(25, 7, stampAttack, 1, "oracle client.dll"),
		resident(attrData, "", []byte("MZ 12")), zone)
	// 25, 26: folders.
	s.add(7, mftInUse|mftIsFolder, 0, standard(stampInstall, stampInstall), nameOf(26, 1, stampInstall, both, "रोगी"))
	s.add(1, mftInUse|mftIsFolder, 0, standard(stampInstall, stampInstall), nameOf(5, 5, stampInstall, both, "Data"))
	// 27: encrypted in the attack, made before it.
	s.add(1, mftInUse, 0, standard(stampInstall, stampAttack), nameOf(26, 1, stampInstall, both, "patients.mdf.bak9"))
	// 28: its times were set.
	s.add(1, mftInUse, 0, standard(fileTimeOf("2016-07-16T11:42:00Z"), stampAttack), nameOf(26, 1, stampAttack, both, "versions.dll"))
	// 29: deleted, in a folder that was deleted; 30: that folder.
	s.add(4, 0, 0, standard(stampAttack, stampAttack), nameOf(30, 8, stampAttack, both, "gone.exe"))
	s.add(9, mftIsFolder, 0, standard(stampAttack, stampAttack), nameOf(5, 5, stampAttack, both, "old"))
	// 31: its folder's record is used by another. 32, 33: its name and size stand in a further record.
	s.add(1, mftInUse, 0, standard(stampAttack, stampAttack), nameOf(25, 3, stampAttack, both, "lost.txt"))
	s.add(6, mftInUse, 0, standard(stampAttack, stampAttack), resident(attrList, "", make([]byte, 32)))
	s.add(1, mftInUse, 32|6<<48, nameOf(26, 1, stampAttack, both, "many parts.vhdx"), resident(attrData, "", []byte("123")))
	return s.table
}

func TestMFT(t *testing.T) {
	rows, facts := readAll(t, readMFT, "host/C/$MFT", sampleMFT(), time.Time{})
	if len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
		t.Fatalf("damage %v, notes %q", facts.Damaged, facts.Notes)
	}
	byName := map[string]row{}
	for _, r := range rows {
		byName[r.Fields["Action"]+" "+r.Fields["TargetFilename"]] = r
	}
	created := func(name string) row { return byName["file created "+name] }
	created(`C:\$MFT`).want(t, "$MFT", "@=2019-03-01T10:00:00.5Z", "source=windows/mft/created", "FileReference=0-1", "Deleted=false")
	created(`C:\`).want(t, "root", "IsDirectory=true")
	created(`C:\Data\रोगी\oracle client.dll`).want(t, "downloaded", "@=2022-11-23T01:37:49.1234567Z", "Size=5", "Streams=Zone.Identifier", "ParentReference=25-7",
		"Contents=[ZoneTransfer]\r\nZoneId=3\r\nHostUrl=http://198.18.0.7/oci.dll\r\n", "Attributes=HIDDEN,ARCHIVE", "Usn=4711", "Timestomp=")
	byName[`file changed C:\Data\patients.mdf.bak9`].want(t, "encrypted", "@=2022-11-23T01:37:49.1234567Z", "CreationUtcTime=2019-03-01T10:00:00.5000000Z", "source=windows/mft/changed")
	created(`C:\Data\versions.dll`).want(t, "stomped", "@=2016-07-16T11:42:00Z", "Timestomp=created before its name, no fraction of a second", "NameCreationUtcTime=2022-11-23T01:37:49.1234567Z")
	created(`C:\old\gone.exe`).want(t, "deleted", "Deleted=true", "FileReference=29-4")
	created(`C:\$OrphanFiles\lost.txt`).want(t, "orphan", "FileReference=31-1")
	created(`C:\Data\many parts.vhdx`).want(t, "in parts", "Size=3", "FileReference=32-6")
	if len(rows) != 12+1 {
		t.Errorf("%d events: %v", len(rows), byName)
	}
	rows, facts = readAll(t, readMFT, "$MFT", sampleMFT(), time.Time{})
	if rows[0].Fields["TargetFilename"] != `\$MFT` || len(facts.Notes) != 1 {
		t.Errorf("without a letter: %q, notes %q", rows[0].Fields["TargetFilename"], facts.Notes)
	}
}

func TestDamagedMFT(t *testing.T) {
	b := sampleMFT()
	b[24*1024+510]++                                                          // torn
	copy(b[27*1024:], "BAAD")                                                 // given up by the system
	binary.LittleEndian.PutUint32(b[28*1024+56+96+4:], 0xffff)                // a name that reaches beyond
	copy(b[29*1024:], bytes.Repeat([]byte{0xa5, 0x11}, 512))                  // overwritten
	rows, facts := readAll(t, readMFT, "C/$MFT", b[:len(b)-300], time.Time{}) // and cut
	var got []string
	for _, d := range facts.Damaged {
		got = append(got, fmt.Sprintf("%d+%d %s", d.Offset, d.Bytes, d.Why))
	}
	want := []string{
		"24576+1024 torn record: its sectors were written at different times", "27648+1024 record that the system marked as bad",
		"28672+1024 attribute reaches beyond its record", "29696+1024 no record of the table", "33792+724 truncated record",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || len(rows) != 6 {
		t.Errorf("%d events, damage:\n%s", len(rows), strings.Join(got, "\n"))
	}
}

// TestMFTAgainstSleuthKit reads the table of a disk image that nobody here made, and the listing that fls makes of the
// same image: all files that are there must have the same path, size and times.
func TestMFTAgainstSleuthKit(t *testing.T) {
	image := shared(t, "artifacts/vsstest.qcow2")
	for _, tool := range []string{"qemu-img", "icat", "fls"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no judge: %s is not installed", tool)
		}
	}
	raw := filepath.Join(t.TempDir(), "raw")
	run := func(name string, arg ...string) []byte {
		out, err := exec.Command(name, arg...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return out
	}
	run("qemu-img", "convert", "-O", "raw", image, raw)
	defer os.Remove(raw)
	mine, facts := readAll(t, readMFT, "$MFT", run("icat", raw, "0"), time.Time{})
	if len(facts.Damaged) > 0 {
		t.Error(facts.Damaged)
	}
	paths := map[string]row{}
	for _, r := range mine {
		if r.Fields["Action"] == "file created" {
			paths[r.Fields["TargetFilename"]] = r
		}
	}
	theirs, _ := readAll(t, readListing, "bodyfile", run("fls", "-r", "-m", "", raw), time.Time{})
	compared := 0
	for _, r := range theirs {
		path := r.Fields["TargetFilename"]
		if r.Fields["Attribute"] != "" || r.Fields["Action"] != "file created" || strings.Contains(path, ":") || strings.Contains(path, "$OrphanFiles") || r.Fields["IsDirectory"] == "true" {
			continue
		}
		my, ok := paths[path]
		if !ok {
			t.Errorf("%q is missing", path)
			continue
		}
		compared++
		for _, f := range []string{"CreationUtcTime", "ModifiedUtcTime", "ChangedUtcTime", "AccessedUtcTime"} {
			if my.Fields[f][:19] != r.Fields[f][:19] {
				t.Errorf("%q: %s is %s, fls says %s", path, f, my.Fields[f], r.Fields[f])
			}
		}
		if path != `\$BadClus` && my.Fields["Size"] != r.Fields["Size"] && my.Fields["Size"] != "" {
			t.Errorf("%q: size %s, fls says %s", path, my.Fields["Size"], r.Fields["Size"])
		}
	}
	if len(mine) != 36 || compared < 15 {
		t.Errorf("%d events, %d compared", len(mine), compared)
	}
}

func FuzzMFT(f *testing.F) {
	f.Add(sampleMFT())
	f.Add(sampleMFT()[24*1024:])
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, facts := readAll(t, readMFT, "C/$MFT", b, time.Time{})
		if uint64(len(rows)) != facts.Records || len(rows) > len(b)/256+2 {
			t.Errorf("%d events of %d bytes", len(rows), len(b))
		}
		_ = isMFT(b, "")
	})
}
