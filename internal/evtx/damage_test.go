package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// stretch is a part of a file, its end excluded.
type stretch struct{ from, to int64 }

// needs is what a record is made of: its own bytes, the definitions of its templates, and the names that these refer to.
type needs struct {
	line  string
	parts []stretch
}

// dependent notes for each record what it needs.
type dependent struct {
	d       *Decoder
	f       int64 // where the chunk at hand begins
	records []needs
}

func (x *dependent) Want(*event.Schema) bool     { return true }
func (x *dependent) Damage(int64, int64, string) {}

func (x *dependent) Take(r *event.Record) {
	if r.Slack {
		return
	}
	chunk := fileHeaderBytes + (r.Offset-fileHeaderBytes)/chunkBytes*chunkBytes
	size := int64(binary.LittleEndian.Uint32(x.d.chunk[r.Offset-chunk+4:]))
	n := needs{line: lineOf(x.d, r), parts: []stretch{{r.Offset, r.Offset + size}}}
	for _, in := range x.d.inst {
		if in.at == 0 {
			continue
		}
		n.parts = append(n.parts, stretch{chunk + int64(in.at), chunk + int64(in.at+definitionHeader+len(in.t.body))})
		for _, ref := range in.t.refs {
			off := int64(binary.LittleEndian.Uint32(x.d.chunk[in.at+definitionHeader+ref.at:]))
			n.parts = append(n.parts, stretch{chunk + off, chunk + off + int64(4+len(ref.name)+2)})
		}
	}
	x.records = append(x.records, n)
}

func lineOf(d *Decoder, r *event.Record) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d", r.Offset, r.Number)
	for i := range r.Schema.Fields {
		fmt.Fprintf(&b, "\n%s=%s", d.shape.paths[i], r.Field(i))
	}
	return b.String()
}

func dependencies(t *testing.T, log []byte) []needs {
	t.Helper()
	x := &dependent{d: NewDecoder()}
	if _, err := x.d.Read(t.Context(), bytes.NewReader(log), x); err != nil {
		t.Fatal(err)
	}
	return x.records
}

// found are the records of a log, by what they say.
type found struct {
	d     *Decoder
	lines map[string]bool
}

func (x *found) Want(*event.Schema) bool     { return true }
func (x *found) Damage(int64, int64, string) {}
func (x *found) Take(r *event.Record)        { x.lines[lineOf(x.d, r)] = true }

// spoil damages a log in a few places: bytes overwritten, stretches zeroed or filled with noise, the end cut off.
func spoil(rng *rand.Rand, log []byte) (spoilt []byte, where []stretch) {
	spoilt = bytes.Clone(log)
	for range 1 + rng.IntN(6) {
		at, n := rng.IntN(len(spoilt)), 1
		switch rng.IntN(5) {
		case 0: // the chunk headers decide most, and are small
			at = min(fileHeaderBytes+rng.IntN(len(spoilt)/chunkBytes+1)*chunkBytes+rng.IntN(128), len(spoilt)-1)
		case 1:
			n = 1 + rng.IntN(64)
		case 2:
			n = 1 + rng.IntN(5000)
		}
		end := min(at+n, len(spoilt))
		for i := at; i < end; i++ {
			spoilt[i] = byte(rng.Uint32())
			if n > 64 && rng.IntN(2) == 0 {
				spoilt[i] = 0
			}
		}
		where = append(where, stretch{int64(at), int64(end)})
	}
	if rng.IntN(5) == 0 {
		cut := rng.IntN(len(spoilt))
		where = append(where, stretch{int64(cut), int64(len(spoilt))})
		spoilt = spoilt[:cut]
	}
	return spoilt, where
}

func touched(n *needs, where []stretch) bool {
	return slices.ContainsFunc(n.parts, func(p stretch) bool {
		return slices.ContainsFunc(where, func(w stretch) bool { return p.from < w.to && w.from < p.to })
	})
}

// TestDamageCostsOnlyItself spoils a thousand logs at random: nothing crashes, and every record of which no byte was
// touched is found as it was.
func TestDamageCostsOnlyItself(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 11))
	logs := [][]byte{threeChunks(t)}
	paths, _ := filepath.Glob(filepath.Join(outsideOrNone(t), "evtx", "attack-samples", "*", "*.evtx"))
	for i, p := range paths {
		if i%9 == 0 {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			logs = append(logs, b)
		}
	}
	var records [][]needs
	for _, l := range logs {
		records = append(records, dependencies(t, l))
	}
	whole, lost := 0, 0
	for n := range 1000 {
		i := n % len(logs)
		spoilt, where := spoil(rng, logs[i])
		x := &found{d: NewDecoder(), lines: map[string]bool{}}
		if _, err := x.d.Read(t.Context(), bytes.NewReader(spoilt), x); err != nil && err != ErrNotEVTX {
			t.Fatal(err)
		}
		for k := range records[i] {
			r := &records[i][k]
			switch {
			case touched(r, where):
				lost++
			case x.lines[r.line]:
				whole++
			default:
				t.Fatalf("file %d, log %d, damage %v: record at %s is lost", n, i, where, strings.SplitN(r.line, "\n", 2)[0])
			}
		}
	}
	t.Logf("1000 damaged files of %d logs: %d untouched records, all found; %d were touched", len(logs), whole, lost)
}

// outsideOrNone is the shared data, or "" where there is none: the test then runs on our own logs alone.
func outsideOrNone(t *testing.T) (dir string) {
	t.Run("with shared data", func(t *testing.T) { dir = outside.Data(t) })
	return dir
}

// TestFreeSpaceOffsetIsNotBelieved overwrites the number that says where a chunk's records end.
func TestFreeSpaceOffsetIsNotBelieved(t *testing.T) {
	log := threeChunks(t)
	want := len(dependencies(t, log))
	for _, free := range []uint32{0, 512, 600, 5000, 20000, 40000, 65535, 65536, 70000, 1 << 31} {
		spoilt := bytes.Clone(log)
		binary.LittleEndian.PutUint32(spoilt[fileHeaderBytes+chunkBytes+48:], free)
		if got := len(dependencies(t, spoilt)); got != want {
			t.Errorf("free space said to begin at %d: %d records of %d", free, got, want)
		}
	}
}
