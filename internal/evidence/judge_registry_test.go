package evidence

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// libregfDump prints each key with its time and each value with its type, size and digest, as libregf sees them.
const libregfDump = `
import hashlib, pyregf, sys
sys.setrecursionlimit(10000)
def walk(key, path):
    print(path, key.get_last_written_time_as_integer(), sep='\t')
    for v in key.values:
        data = v.data or b''
        print(path, v.name or '', v.type, hashlib.sha1(data).hexdigest(), len(data), sep='\t')
    for sub in key.sub_keys:
        walk(sub, path + '\\' + (sub.name or ''))
f = pyregf.file()
f.open(sys.argv[1])
walk(f.get_root_key(), '')
`

// TestHivesAgainstLibregf compares every key and value of the shared hives, and of those in the folder that
// WARDROUND_HIVES names, with what libregf reads. Of data inside a value's own cell libregf gives back zeros where it
// is shorter than four bytes, so that only its size is compared; of texts it leaves out what follows their NUL,
// and makes an odd number of bytes even.
func TestHivesAgainstLibregf(t *testing.T) {
	python := outside.Python(t, "pyregf")
	dir := shared(t, "artifacts")
	names := []string{"NTUSER-WIN7.DAT", "regf/SAM", "winreg/Amcache.hve", "winreg/win10-Amcache.hve"}
	for i, n := range names {
		names[i] = filepath.Join(dir, n)
	}
	if more := os.Getenv("WARDROUND_HIVES"); more != "" {
		files, _ := filepath.Glob(filepath.Join(more, "*"))
		names = append(names, files...)
	}
	for _, name := range names {
		b := must[[]byte](t)(os.ReadFile(name))
		if !isHive(b, name) {
			continue
		}
		want, err := exec.Command(python, "-c", libregfDump, name).Output()
		if err != nil {
			t.Logf("%s: libregf cannot read it", name)
			continue
		}
		compareHive(t, name, b, want)
	}
}

func compareHive(t *testing.T, name string, b, want []byte) {
	facts := event.Artifact{}
	h, ok := newHive(&pages{size: int64(len(b)), ctx: context.Background(), r: bytes.NewReader(b)}, newOutput(&rows{}, &facts))
	if !ok {
		t.Fatal(name, facts.Damaged)
	}
	h.cells, h.budget = 1<<40, 1<<40 // the judge reads all, which no reader does
	lines, n, odd := bufio.NewScanner(bytes.NewReader(want)), 0, 0
	lines.Buffer(nil, 1<<20)
	check := func(ours string, v hiveValue, data []byte) {
		if !lines.Scan() {
			t.Fatalf("%s: libregf ends after %d lines, before %q", name, n, ours)
		}
		n++
		theirs := lines.Text()
		if theirs == ours {
			return
		}
		odd++
		head, size := theirs[:strings.LastIndexByte(theirs, '\t')+1], 0
		fmt.Sscan(theirs[len(head):], &size)
		text := v.kind == regSZ || v.kind == regExpandSZ || v.kind == regMultiSZ
		same := strings.Join(strings.Split(ours, "\t")[:3], "\t") == strings.Join(strings.Split(theirs, "\t")[:3], "\t")
		switch {
		case same && v.size>>31 == 1 && len(data) < 4 && size == len(data):
			return
		case same && text && len(data)%2 == 1 && size == len(data)+1:
			return
		case same && text && size <= len(data) && strings.HasSuffix(head, fmt.Sprintf("\t%x\t", sha1.Sum(data[:size]))):
			return
		}
		t.Fatalf("%s: line %d: %q, libregf %q", name, n, ours, theirs)
	}
	var walk func(k hiveKey, path string)
	walk = func(k hiveKey, path string) {
		check(fmt.Sprintf("%s\t%d", path, uint64(k.written)/100+11644473600*1e7), hiveValue{}, nil)
		for _, v := range h.values(k) {
			data := h.data(v)
			sum := sha1.Sum(data)
			check(fmt.Sprintf("%s\t%s\t%d\t%s\t%d", path, v.name, v.kind, hex.EncodeToString(sum[:]), len(data)), v, data)
		}
		h.each(k, func(sub hiveKey) bool {
			walk(sub, path+`\`+sub.name)
			return true
		})
	}
	walk(h.root, "")
	if lines.Scan() {
		t.Errorf("%s: libregf has more: %q", name, lines.Text())
	}
	t.Logf("%s: %d keys and values, %d of them with odd data, damage %d", filepath.Base(name), n, odd, len(facts.Damaged))
}

// libsccaDump prints what libscca reads of a prefetch file.
const libsccaDump = `
import pyscca, sys
for name in sys.argv[1:]:
    f = pyscca.file()
    f.open(name)
    starts = [f.get_last_run_time_as_integer(i) for i in range(8 if f.format_version > 23 else 1)]
    print(f.executable_filename, '0x%x' % f.prefetch_hash, f.run_count, sum(1 for s in starts if s), f.number_of_filenames, sep='\t')
`

// TestPrefetchAgainstLibscca compares the shared prefetch files with what libscca reads.
func TestPrefetchAgainstLibscca(t *testing.T) {
	python := outside.Python(t, "pyscca")
	files, _ := filepath.Glob(filepath.Join(shared(t, "artifacts/winprefetch"), "*.pf"))
	want, err := exec.Command(python, append([]string{"-c", libsccaDump}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	for i, name := range files {
		got, _ := readAll(t, readPrefetch, name, must[[]byte](t)(os.ReadFile(name)), mustTime("2022-11-23T00:00:00Z"))
		f := got[0].Fields
		if ours := fmt.Sprintf("%s\t%s\t%s\t%d\t%s", f["Executable"], f["PrefetchHash"], f["RunCount"], len(got), f["FileCount"]); ours != lines[i] {
			t.Errorf("%s: %q, libscca %q", name, ours, lines[i])
		}
	}
}
