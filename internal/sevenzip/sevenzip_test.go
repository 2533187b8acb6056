package sevenzip

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

// contents are the files of an archive by name; the error is the first of any of them.
func contents(b []byte, most int64) (map[string]string, error) {
	a, err := Open(bytes.NewReader(b), int64(len(b)), most)
	if err != nil {
		return nil, err
	}
	got := map[string]string{}
	var failed error
	for {
		f, err := a.Next()
		if err == io.EOF {
			return got, failed
		}
		text, err := io.ReadAll(a)
		if err == nil && int64(len(text)) != f.Size {
			err = fmt.Errorf("%s: %d bytes of %d", f.Name, len(text), f.Size)
		}
		if err != nil && failed == nil {
			failed = err
		}
		got[f.Name] = string(text)
	}
}

func archive(t testing.TB, name string) []byte {
	b, err := os.ReadFile(filepath.Join("testdata", name+".7z"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMethods: what was packed by every method that is read comes out alike, and what was not is told.
func TestMethods(t *testing.T) {
	want, err := contents(archive(t, "copy"), 1<<20)
	if err != nil || len(want) != 4 || !strings.HasPrefix(want["a/one.csv"], "UHID,Patient Name") || len(want["a/code.bin"]) != 2500 {
		t.Fatalf("%d files, %v", len(want), err)
	}
	for _, name := range []string{"lzma2", "lzma", "deflate", "bzip2", "delta", "x86", "py7zr", "apart"} {
		got, err := contents(archive(t, name), 1<<26)
		if err != nil || len(got) < len(want) {
			t.Errorf("%s: %d files, %v", name, len(got), err)
		}
		for file := range want {
			if got[file] != want[file] {
				t.Errorf("%s: %s differs", name, file)
			}
		}
	}
	for name, told := range map[string]error{"ppmd": ErrUnsupported, "bcj2": ErrUnsupported, "secret": ErrEncrypted, "secret-names": ErrEncrypted} {
		if got, err := contents(archive(t, name), 1<<26); !errors.Is(err, told) {
			t.Errorf("%s: %d files, %v, want %v", name, len(got), err, told)
		}
	}
	if _, err := contents(archive(t, "apart"), 1<<12); !errors.Is(err, ErrLimit) {
		t.Errorf("a dictionary beyond the bound: %v", err)
	}
}

// TestEntries: what 7-Zip keeps of files beside their content, in the order of its list; empty ones too, folders not.
func TestEntries(t *testing.T) {
	b := archive(t, "links")
	a, err := Open(bytes.NewReader(b), int64(len(b)), 1<<26)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for {
		f, err := a.Next()
		if err == io.EOF {
			break
		}
		if !f.Modified.Equal(time.Date(2022, 11, 23, 1, 37, 49, 123456700, time.UTC)) || !f.Unix || f.Err != nil {
			t.Errorf("%+v", f)
		}
		got += fmt.Sprintf("%s %d in %d at %d;", f.Name, f.Size, f.Block, f.Offset)
		if f.Link {
			target, err := io.ReadAll(a)
			got += fmt.Sprintf("-> %s %v;", target, err)
		}
	}
	if got != "b/empty.log 0 in -1 at 0;a/one.csv 10893 in 0 at 0;a/two.log 6794 in 0 at 10893;b/hard.log 6794 in 0 at 17687;b/link 16 in 0 at 24481;-> ../../etc/shadow <nil>;b/same.log 6794 in 0 at 24497;b/three.bin 900 in 0 at 31291;" {
		t.Error(got)
	}
}

// TestUnlisted: a list that promises more content than there is, and content without a name.
func TestUnlisted(t *testing.T) {
	list := []byte{1, 5, 1, 0x11, 5, 0, 'a', 0, 0, 0, 0, 0}
	if got, err := contents(sealed(list), 1<<20); !errors.Is(err, ErrDamaged) || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
	list = []byte{1, 4, 6, 0, 1, 9, 1, 0, 7, 11, 1, 0, 1, 1, 0, 12, 1, 0, 0, 0}
	if got, err := contents(sealed(list), 1<<20); err != nil || got[""] != "\x01" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestSkipped: a file that is not read, or in part, does not move the others.
func TestSkipped(t *testing.T) {
	b := archive(t, "lzma2")
	want, _ := contents(b, 1<<26)
	for n := range 3 {
		a, err := Open(bytes.NewReader(b), int64(len(b)), 1<<26)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			f, err := a.Next()
			if err != nil {
				t.Fatal(err)
			}
			if i != n {
				a.Read(make([]byte, 7*i))
				continue
			}
			if got, err := io.ReadAll(a); err != nil || string(got) != want[f.Name] {
				t.Errorf("%s: %v", f.Name, err)
			}
		}
	}
}

// TestDamaged changes and cuts every byte of an archive: what comes out all the same is what was packed, or ends with an error.
func TestDamaged(t *testing.T) {
	for _, name := range []string{"lzma2", "copy", "bzip2"} {
		whole := archive(t, name)
		want, _ := contents(whole, 1<<26)
		for i := 0; i < len(whole); i += 1 + len(whole)/400 {
			bad := slices.Clone(whole)
			bad[i] ^= 0x55
			got, err := contents(bad, 1<<26)
			for file, text := range got {
				if err == nil && text != want[file] {
					t.Errorf("%s, byte %d: %q differs, and nothing is told", name, i, file)
				}
			}
			if _, err := contents(whole[:i], 1<<26); err == nil {
				t.Errorf("%s cut at %d: nothing is told", name, i)
			}
		}
	}
}

// sealed puts a list behind the beginning of an archive, with the right checksums.
func sealed(list []byte) []byte {
	h := make([]byte, start)
	copy(h, Magic+"\x00\x04")
	binary.LittleEndian.PutUint64(h[20:], uint64(len(list)))
	binary.LittleEndian.PutUint32(h[28:], crc32.ChecksumIEEE(list))
	binary.LittleEndian.PutUint32(h[8:], crc32.ChecksumIEEE(h[12:]))
	return append(h, list...)
}

// TestHostileList: a list that asks for a dictionary of 4 GiB is refused before it is made, one that counts more than it holds is damage.
func TestHostileList(t *testing.T) {
	long := []byte{0xff, 0, 0, 0, 0, 0, 1, 0, 0} // 1 TiB
	packed := []byte{1, 4, 6, 0, 1, 9, 4, 0, 7, 11, 1, 0, 1, 0x23, 3, 1, 1, 5, 0x5d, 0xff, 0xff, 0xff, 0xff, 12}
	list := slices.Concat(packed, long, []byte{0, 0, 5, 1, 0x11, 3, 0, 0, 0, 0, 0})
	if got, err := contents(sealed(list), 1<<26); !errors.Is(err, ErrLimit) || len(got) != 1 {
		t.Errorf("%d files, %v", len(got), err)
	}
	for _, list := range [][]byte{
		slices.Concat([]byte{1, 5}, long, []byte{0, 0}),
		slices.Concat([]byte{1, 4, 6, 0}, long, []byte{9, 1, 1}),
		slices.Concat([]byte{1, 4, 6, 0, 1, 9, 4, 0, 7, 11}, long, []byte{0, 1, 0, 1}),
		bytes.Repeat([]byte{3}, 1<<16),
	} {
		if _, err := contents(sealed(list), 1<<26); !errors.Is(err, ErrDamaged) {
			t.Errorf("% x: %v", list[:min(len(list), 24)], err)
		}
	}
}

// FuzzOpen reads archives, and lists with right checksums, whatever is in them.
func FuzzOpen(f *testing.F) {
	names, _ := filepath.Glob("testdata/*.7z")
	for _, n := range names {
		b, err := os.ReadFile(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		if at := binary.LittleEndian.Uint64(b[12:]); at+start < uint64(len(b)) {
			f.Add(b[start+at:], true)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, list bool) {
		if list {
			b = sealed(b)
		}
		a, err := Open(bytes.NewReader(b), int64(len(b)), 1<<22)
		if err != nil {
			return
		}
		a.Dictionary()
		for n := 0; n < 1000; n++ {
			if _, err := a.Next(); err != nil {
				return
			}
			if got, _ := io.Copy(io.Discard, io.LimitReader(a, 1<<22)); got > a.file.Size {
				t.Fatalf("%d bytes of %d", got, a.file.Size)
			} else if got == 1<<22 {
				return
			}
		}
	})
}
