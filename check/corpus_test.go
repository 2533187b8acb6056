//go:build check

package check_test

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"wardround/internal/outside"
)

// numberOffset is where a copy's number stands: in the 4,096 bytes of an event log's header, of which the format uses
// 128 and covers 120 by a checksum.
const numberOffset = 0x800

// sparse makes a corpus of at least size bytes: whole copies of the public recordings of attacks, each in the folder of a
// server of its own, each file told apart by a number in the unused bytes of its header, so that no two digests agree. It
// is removed when the test ends.
func sparse(t testing.TB, size int64) (dir string, files []string, total int64) {
	t.Helper()
	from := outside.Data(t, "evtx", "attack-samples")
	dir = scratch(t, size)
	var logs [][]byte
	names := below(t, from, ".evtx")
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, b)
	}
	for server := 0; total < size; server++ {
		for i, b := range logs {
			rel, _ := filepath.Rel(from, names[i])
			name := filepath.Join(dir, fmt.Sprintf("server-%04d", server), rel)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			binary.LittleEndian.PutUint64(b[numberOffset:], uint64(len(files))+1)
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			files = append(files, name)
			total += int64(len(b))
		}
	}
	return dir, files, total
}

// scratch makes a folder with room for size bytes, and some more for the case, below $WARDROUND_SCRATCH or where
// temporary files go.
func scratch(t testing.TB, size int64) string {
	t.Helper()
	dir, err := os.MkdirTemp(cmp.Or(os.Getenv("WARDROUND_SCRATCH"), os.TempDir()), "wardround-check-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if free, need := int64(fs.Bavail)*fs.Bsize, size+size/4+1e9; free < int64(need) {
		t.Skipf("%s has %d MB free and %d are needed; WARDROUND_SCRATCH names another folder", filepath.Dir(dir), free/1e6, int64(need)/1e6)
	}
	return dir
}

// peakMemory examines a sparse corpus with all of SigmaHQ's rules and ours.
func peakMemory(t testing.TB, size int64) reading {
	dir, files, total := sparse(t, size)
	c := spend(t, nil, built(t), "examine", "--quiet", "--case", filepath.Join(scratch(t, size/8), "case"), "--rules", outside.Data(t, "sigma", "rules"), dir)
	return atMost(float64(c.peak)/1e6, 300, "MB").and(c.peak > 0, "%.1f GB in %s event logs; %.0f CPU s", float64(total)/1e9, grouped(int64(len(files))), c.cpu.Seconds())
}
