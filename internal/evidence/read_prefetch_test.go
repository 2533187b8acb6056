package evidence

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// packXpress packs with codes of nine bits for all 512 symbols. A byte that stands for a copy of what lies back bytes
// before is given as its index in copies: length there.
func packXpress(b []byte, copies map[int][2]int) []byte {
	out := bytes.Repeat([]byte{0x99}, 256)
	var words []byte
	var bits uint64
	n := 0
	put := func(v uint64, width int) {
		bits, n = bits<<width|v, n+width
		for n >= 16 {
			words = binary.LittleEndian.AppendUint16(words, uint16(bits>>(n-16)))
			n -= 16
		}
	}
	for i := 0; i < len(b); i++ {
		c, ok := copies[i]
		if !ok {
			put(uint64(b[i]), 9)
			continue
		}
		length, back, width := c[0], c[1], 0
		for 2<<width <= back {
			width++
		}
		put(uint64(256+width<<4+length-3), 9)
		put(uint64(back-1<<width), width)
		i += length - 1
	}
	put(0, (16-n%16)%16)
	return append(append(out, words...), 0, 0, 0, 0)
}

func TestXpress(t *testing.T) {
	want := []byte("ward round ward round, and again: ward round")
	packed := packXpress(want, map[int][2]int{11: {10, 11}, 34: {10, 23}})
	for _, cut := range []int{0, 1, 5, 40} {
		got, err := unpackXpress(packed[:len(packed)-cut], len(want))
		if cut == 0 && (err != nil || !bytes.Equal(got, want)) || cut == 40 && err == nil {
			t.Errorf("cut by %d: %q, %v", cut, got, err)
		}
	}
	packed[0] = 0x11 // two codes of one bit and 510 of nine
	if _, err := unpackXpress(packed, len(want)); err == nil {
		t.Error("a code that is none was taken")
	}
}

// encodePrefetch writes a file of a version with the given starts.
func encodePrefetch(version uint32, name string, files []string, starts ...uint64) []byte {
	le := binary.LittleEndian
	b := make([]byte, 320)
	le.PutUint32(b, version)
	copy(b[4:], "SCCA")
	copy(b[16:76], wide(name+"\x00"))
	le.PutUint32(b[76:], 0x087b4001)
	l := prefetchLayouts[version]
	for i, ft := range starts {
		le.PutUint64(b[l.last+8*i:], ft)
	}
	le.PutUint32(b[l.count:], 12)
	le.PutUint32(b[84:], 304)
	if l.count == 200 {
		le.PutUint32(b[84:], 296)
	}
	var list []byte
	for _, f := range files {
		list = append(list, wide(f+"\x00")...)
	}
	le.PutUint32(b[100:], uint32(len(b)))
	le.PutUint32(b[104:], uint32(len(list)))
	b = append(b, list...)
	le.PutUint32(b[108:], uint32(len(b)))
	le.PutUint32(b[112:], 1)
	le.PutUint32(b[116:], 104)
	volume := make([]byte, 104)
	le.PutUint64(volume[8:], 133136482690000000)
	le.PutUint32(volume[16:], 0x24cb074b)
	b = append(b, volume...)
	le.PutUint32(b[12:], uint32(len(b)))
	return b
}

var prefetchFiles = []string{`\VOLUME{01}\WINDOWS\SYSTEM32\NTDLL.DLL`, `\VOLUME{01}\WINDOWS\SYSTEM32\CMD.EXE`, `\VOLUME{02}\TOOLS\A.DLL`}

func TestPrefetch(t *testing.T) {
	const first, last = 133136482690000000, 133136482700000000
	for version, l := range prefetchLayouts {
		b := encodePrefetch(version, "CMD.EXE", prefetchFiles, []uint64{last, first}[:min(2, l.lasts)]...)
		packed := append(binary.LittleEndian.AppendUint32([]byte("MAM\x04"), uint32(len(b))), packXpress(b, nil)...)
		summed := append(append([]byte("MAM\x84"), packed[4:8]...), "sum!"...)
		for _, form := range [][]byte{b, packed, append(summed, packed[8:]...)} {
			if !isPrefetch(form, "") {
				t.Fatalf("version %d: not recognised", version)
			}
			got, facts := readAll(t, readPrefetch, "CMD.EXE-087B4001.pf", form, time.Time{})
			if len(got) != min(2, l.lasts) || len(facts.Damaged) > 0 {
				t.Fatalf("version %d: %d events, %v", version, len(got), facts.Damaged)
			}
			got[0].want(t, "last start", `Image=C:\WINDOWS\SYSTEM32\CMD.EXE`, `DevicePath=\VOLUME{01}\WINDOWS\SYSTEM32\CMD.EXE`, "Executable=CMD.EXE", "RunCount=12", "FileCount=3",
				"PrefetchHash=0x87b4001", "VolumeSerial=0x24cb074b", "Files="+strings.Join(prefetchFiles, ","), "@=2022-11-23T03:37:50Z", "source=windows/prefetch/")
			if l.lasts > 1 {
				got[1].want(t, "the start before", "@=2022-11-23T03:37:49Z")
			}
		}
	}
}

// TestDamagedPrefetch: what can be read of a file that breaks off is; the rest is told.
func TestDamagedPrefetch(t *testing.T) {
	b := encodePrefetch(23, "CMD.EXE", prefetchFiles, 133136482690000000)
	for name, c := range map[string]struct {
		b    []byte
		want int
	}{
		"cut in its list": {b[:400], 1}, "cut in its head": {b[:120], 0}, "of an unknown version": {append([]byte{99}, b[1:]...), 0},
		"packed, cut short": {append(binary.LittleEndian.AppendUint32([]byte("MAM\x04"), uint32(len(b))), packXpress(b, nil)[:600]...), 1},
		"packed, too large": {[]byte("MAM\x04\xff\xff\xff\xff12345678"), 0},
	} {
		got, facts := readAll(t, readPrefetch, "x.pf", c.b, time.Time{})
		if len(got) != c.want || len(facts.Damaged) == 0 {
			t.Errorf("%s: %d events, %v", name, len(got), facts.Damaged)
		}
	}
}

// TestSharedPrefetch holds what libscca says of these files: version 17 to 31, packed and not.
func TestSharedPrefetch(t *testing.T) {
	dir := shared(t, "artifacts/winprefetch")
	for name, want := range map[string]struct {
		starts, files int
		runs, last    string
	}{
		"AM_DELTA_PATCH_1.443.990.0.EX-7037CF86.pf": {1, 18, "1", "2026-02-04T13:43:44.6686325Z"},
		"BYTECODEGENERATOR.EXE-C1E9BCE6.pf":         {7, 1085, "7", "2015-05-14T22:11:58.0911341Z"},
		"CMD.EXE-087B4001.pf":                       {1, 33, "2", "2013-03-10T10:11:49.28125Z"},
		"NOTEPAD.EXE-D8414F97.pf":                   {2, 56, "2", "2019-06-05T19:55:04.8777787Z"},
		"ONEDRIVE.EXE-7E152375.pf":                  {2, 134, "2", "2015-05-14T22:11:05.4852771Z"},
		"PING.EXE-B29F6629.pf":                      {1, 27, "14", "2012-04-06T19:00:55.9329556Z"},
		"TASKHOST.EXE-3AE259FC.pf":                  {4, 51, "4", "2013-10-04T15:40:09.0378333Z"},
		"WUAUCLT.EXE-830BCC14.pf":                   {1, 103, "25", "2012-03-15T21:17:39.8079963Z"},
	} {
		got, facts := readAll(t, readPrefetch, name, must[[]byte](t)(os.ReadFile(filepath.Join(dir, name))), time.Time{})
		if len(got) != want.starts || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d starts, want %d; %v", name, len(got), want.starts, facts.Damaged)
			continue
		}
		got[0].want(t, name, "RunCount="+want.runs, "@="+want.last, "FileCount="+decimal(uint64(want.files)).String())
		if exe, _, _ := strings.Cut(name, "-"); !strings.HasPrefix(got[0].Fields["Image"], `C:\`) || !strings.Contains(got[0].Fields["Image"], `\`+exe) {
			t.Errorf("%s: image %q", name, got[0].Fields["Image"])
		}
	}
}

func FuzzPrefetch(f *testing.F) {
	b := encodePrefetch(26, "CMD.EXE", prefetchFiles, 133136482690000000)
	f.Add(b)
	f.Add(append(binary.LittleEndian.AppendUint32([]byte("MAM\x04"), uint32(len(b))), packXpress(b, nil)...))
	f.Add(append([]byte("MAM\x04\x2c\x00\x00\x00"), packXpress([]byte("ward round ward round, and again: ward round"), map[int][2]int{11: {10, 11}})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		readAll(t, readPrefetch, "x.pf", b, time.Time{})
		if got, _ := unpackXpress(b, 1<<17); len(got) > 1<<17 {
			t.Fatal("more than was asked for")
		}
		prefetchEvents(b, newOutput(&rows{}, &event.Artifact{}))
	})
}
