package evidence

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// usnRecord builds a record of version 2 or 3.
func usnRecord(version int, file, usn uint64, reason uint32, name string) []byte {
	refs := 8 * (version - 1)
	b := make([]byte, 8+2*refs+36, 600)
	binary.LittleEndian.PutUint16(b[4:], uint16(version))
	binary.LittleEndian.PutUint64(b[8:], file|3<<48)
	binary.LittleEndian.PutUint64(b[8+refs:], 26|1<<48)
	rest := b[8+2*refs:]
	binary.LittleEndian.PutUint64(rest, usn)
	binary.LittleEndian.PutUint64(rest[8:], stampAttack)
	binary.LittleEndian.PutUint32(rest[16:], reason)
	binary.LittleEndian.PutUint32(rest[28:], 0x20)
	binary.LittleEndian.PutUint16(rest[32:], uint16(2*len(name)))
	binary.LittleEndian.PutUint16(rest[34:], uint16(len(b)))
	b = append(b, wide(name)...)
	for len(b)%8 != 0 {
		b = append(b, 0)
	}
	binary.LittleEndian.PutUint32(b, uint32(len(b)))
	return b
}

func sampleUSN() []byte {
	four := make([]byte, 80)
	binary.LittleEndian.PutUint32(four, 80)
	binary.LittleEndian.PutUint16(four[4:], 4)
	return bytes.Join([][]byte{
		make([]byte, 3*4096),
		usnRecord(2, 40, 12288, 0x100, "note.txt"),
		usnRecord(2, 41, 12360, 0x3, "patients.mdf"),
		usnRecord(2, 41, 12440, 0x1003, "patients.mdf"),
		usnRecord(2, 41, 12520, 0x2003, "patients.mdf.bak9"),
		four,
		make([]byte, 512),
		usnRecord(3, 42, 13000, 0x80000200, "vss.exe"),
		usnRecord(2, 43, 13100, 0x8000, "versions.dll"),
	}, nil)
}

func TestUSN(t *testing.T) {
	rows, facts := readAll(t, readUSN, "C/$Extend/$J", sampleUSN(), time.Time{})
	if len(facts.Damaged) > 0 || fmt.Sprint(facts.Notes) != "[1 records of version 4 tell of ranges of bytes: not read]" || len(rows) != 6 {
		t.Fatalf("%d rows, damage %v, notes %q", len(rows), facts.Damaged, facts.Notes)
	}
	rows[0].want(t, "created", "@=2022-11-23T01:37:49.1234567Z", "source=windows/usnjrnl/created", "Action=file created", "TargetFilename=note.txt", "Reason=FILE_CREATE", "FileReference=40-3", "ParentReference=26-1", "Usn=12288")
	rows[1].want(t, "written", "Action=file written", "Reason=DATA_OVERWRITE,DATA_EXTEND", "Attributes=ARCHIVE", "IsDirectory=false")
	rows[2].want(t, "old name", "source=windows/usnjrnl/old name", "SourceFilename=")
	rows[3].want(t, "renamed", "source=windows/usnjrnl/renamed", "TargetFilename=patients.mdf.bak9", "SourceFilename=patients.mdf")
	rows[4].want(t, "version 3", "Action=file deleted", "Reason=FILE_DELETE,CLOSE", "FileReference=42-3")
	rows[5].want(t, "times set", "Action=file changed", "Reason=BASIC_INFO_CHANGE")
	if rows[0].Number != 12288 || rows[0].Offset != 12288 {
		t.Errorf("record %d at %d", rows[0].Number, rows[0].Offset)
	}
}

func TestDamagedUSN(t *testing.T) {
	b := sampleUSN()
	copy(b[12288+72:], bytes.Repeat([]byte{0xa5}, 40))
	rows, facts := readAll(t, readUSN, "$J", b[:len(b)-20], time.Time{})
	var got []string
	for _, d := range facts.Damaged {
		got = append(got, fmt.Sprintf("%d+%d %s", d.Offset, d.Bytes, d.Why))
	}
	if s := strings.Join(got, "\n"); len(rows) != 4 || len(got) != 2 || !strings.HasSuffix(s, "truncated record") || !strings.HasPrefix(s, "12368+88 ") {
		t.Errorf("%d rows, damage:\n%s", len(rows), s)
	}
}

// TestSharedUSN: 19 records of a real journal.
func TestSharedUSN(t *testing.T) {
	rows, facts := readAll(t, readUSN, "UsnJrnl.raw", linuxData(t, "UsnJrnl.raw"), time.Time{})
	if len(facts.Damaged) > 0 || len(rows) != 19 {
		t.Fatalf("%d rows, damage %v", len(rows), facts.Damaged)
	}
	rows[0].want(t, "first", "TargetFilename=Nieuw - Tekstdocument.txt", "Reason=FILE_CREATE", "FileReference=30-1", "ParentReference=5-5", "@=2015-11-30T21:15:27.203125Z")
}

func TestUSNBehindZeros(t *testing.T) {
	zeros := make([]byte, headBytes)
	for name, want := range map[string]bool{"x/$Extend/$J": true, `$UsnJrnl:$J`: true, "zeros.bin": false} {
		if isUsnJournal(zeros, name) != want {
			t.Errorf("%s: %t", name, !want)
		}
	}
}

func FuzzUSN(f *testing.F) {
	f.Add(sampleUSN())
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, facts := readAll(t, readUSN, "$J", b, time.Time{})
		if uint64(len(rows)) != facts.Records {
			t.Error(len(rows), facts.Records)
		}
		_ = isUsnJournal(b, "$J")
	})
}
