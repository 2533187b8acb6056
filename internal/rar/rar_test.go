package rar

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// contents are the files of an archive by name; the error is the first of any of them, or of the archive.
func contents(b []byte, most int64) (got map[string]string, files []File, failed error) {
	a, err := Open(bytes.NewReader(b), most)
	if err != nil {
		return nil, nil, err
	}
	got = map[string]string{}
	for {
		f, err := a.Next()
		if err != nil {
			if err != io.EOF && failed == nil {
				failed = err
			}
			if a.Large() > 0 && failed == nil {
				failed = ErrLimit
			}
			return got, files, failed
		}
		text, err := io.ReadAll(a)
		if err != nil && failed == nil {
			failed = err
		}
		got[f.Name] = string(text)
		files = append(files, f)
	}
}

func archive(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name+".rar"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var day = time.Date(2022, 11, 23, 1, 37, 49, 123456700, time.UTC)

// TestMethods: what was packed in every way comes out alike, and what cannot be read is told.
func TestMethods(t *testing.T) {
	want, files, err := contents(archive(t, "stored"), 1<<20)
	if err != nil || len(want) != 4 || !strings.HasPrefix(want["a/one.csv"], "UHID,Patient Name") || len(want["b/three.bin"]) != 900 {
		t.Fatalf("%d files, %v", len(want), err)
	}
	for _, f := range files {
		if !f.Modified.Equal(day) || f.Modified.Location() != time.UTC || !f.Unix || f.Link != 0 {
			t.Errorf("%+v", f)
		}
	}
	for _, name := range []string{"plain", "solid"} {
		got, files, err := contents(archive(t, name), 64<<20)
		if err != nil || len(got) != len(want) || files[0].Solid != (name == "solid") {
			t.Errorf("%s: %d files, %v", name, len(got), err)
		}
		for file := range want {
			if got[file] != want[file] {
				t.Errorf("%s: %s differs", name, file)
			}
		}
	}
	got, files, err := contents(archive(t, "secret"), 64<<20)
	if !errors.Is(err, ErrEncrypted) || len(got) != 4 || !errors.Is(files[0].Err, ErrEncrypted) {
		t.Errorf("secret: %d files, %v", len(got), err)
	}
	if _, _, err := contents(archive(t, "secret-names"), 64<<20); !errors.Is(err, ErrEncrypted) {
		t.Errorf("secret names: %v", err)
	}
	// The file of 70 MB asks for a dictionary of its size; what follows it is read.
	if got, _, err := contents(archive(t, "wide"), 64<<20); !errors.Is(err, ErrLimit) || got["a/two.log"] != want["a/two.log"] || len(got) != 1 {
		t.Errorf("wide: %d files, %v", len(got), err)
	}
}

func TestLinks(t *testing.T) {
	_, files, err := contents(archive(t, "links"), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, f := range files {
		if f.Link != 0 {
			told[f.Name] = fmt.Sprint(f.Link, f.Target)
		}
	}
	if fmt.Sprint(told) != "map[b/hard.log:2a/two.log b/link:1../../etc/shadow b/same.log:3a/two.log]" {
		t.Errorf("%v", told)
	}
}

// TestVolumes: of the first volume the whole files are read, of others it is said that they are volumes.
func TestVolumes(t *testing.T) {
	if got, _, err := contents(archive(t, "parts.part1"), 64<<20); !errors.Is(err, ErrVolume) || len(got) == 0 {
		t.Errorf("%d files, %v", len(got), err)
	}
	for _, name := range []string{"parts.part2", "parts.part3"} {
		if _, _, err := contents(archive(t, name), 64<<20); !errors.Is(err, ErrVolume) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDamaged changes and cuts every few bytes of an archive: what comes out all the same is what was packed, or an error tells.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"plain", "stored", "solid"} {
		whole := archive(t, name)
		want, _, _ := contents(whole, 64<<20)
		for i := 0; i < len(whole); i += 1 + len(whole)/400 {
			bad := slices.Clone(whole)
			bad[i] ^= 0x55
			got, _, err := contents(bad, 64<<20)
			for file, text := range got {
				if err == nil && text != want[file] {
					t.Errorf("%s, byte %d: %q differs, and nothing is told", name, i, file)
				}
			}
			if _, _, err := contents(whole[:i], 64<<20); err == nil {
				t.Errorf("%s cut at %d: nothing is told", name, i)
			}
		}
	}
	// Damage in the content of a file costs that file.
	stored := archive(t, "stored")
	at := bytes.Index(stored, []byte("UHID"))
	stored[at]++
	if got, _, err := contents(stored, 1<<20); !errors.Is(err, ErrSum) || len(got) != 4 || len(got["a/two.log"]) < 1000 {
		t.Errorf("%d files, %v", len(got), err)
	}
}

// old is an archive of RAR 3 with one file, stored, whose times are a clock's.
func old(flags uint16, name, content string) []byte {
	block := func(kind byte, flags uint16, rest ...byte) []byte {
		b := binary.LittleEndian.AppendUint16([]byte{kind}, flags)
		b = append(binary.LittleEndian.AppendUint16(b, uint16(7+len(rest))), rest...)
		return append(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(b))), b...)
	}
	u32 := binary.LittleEndian.AppendUint32
	f := u32(u32(nil, uint32(len(content))), uint32(len(content)))
	f = u32(append(f, 2), crc32.ChecksumIEEE([]byte(content)))
	f = u32(f, 42<<25|11<<21|23<<16|7<<11|7<<5|24) // 2022-11-23 07:07:48
	f = binary.LittleEndian.AppendUint16(append(f, 29, 0x30), uint16(len(name)))
	f = append(u32(f, 0x20), name...)
	return slices.Concat([]byte(Magic+"\x00"), block(0x73, flags, 0, 0, 0, 0, 0, 0), block(0x74, 0x8000, f...), []byte(content), block(0x7b, 0x4000))
}

// TestOldTimes: a time without a zone does not depend on the machine's.
func TestOldTimes(t *testing.T) {
	zone := time.Local
	defer func() { time.Local = zone }()
	for _, time.Local = range []*time.Location{time.UTC, time.FixedZone("IST", 19800)} {
		got, files, err := contents(old(0, `dir\a.log`, "LOG\n"), 1<<20)
		if err != nil || len(files) != 1 || got["dir/a.log"] != "LOG\n" || !files[0].Modified.Equal(time.Date(2022, 11, 23, 7, 7, 48, 0, time.UTC)) {
			t.Errorf("%v: %v %+v, %v", time.Local, got, files, err)
		}
	}
	if _, err := Open(bytes.NewReader(old(1, "a", "")), 1<<20); !errors.Is(err, ErrVolume) {
		t.Errorf("a later volume: %v", err)
	}
}

// FuzzOpen reads archives, whatever is in them.
func FuzzOpen(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.rar")
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add(old(0, "a.log", "LOG\n"))
	f.Add(old(8, "a.log", "LOG\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Open(bytes.NewReader(b), 1<<20)
		if err != nil {
			return
		}
		for n := 0; n < 1000; n++ {
			if _, err := a.Next(); err != nil {
				return
			}
			if got, _ := io.Copy(io.Discard, io.LimitReader(a, 1<<22)); got == 1<<22 {
				return
			}
		}
	})
}
