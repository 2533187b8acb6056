package patient

import (
	"os"
	"strings"
	"testing"
)

// TestArchivesOf7Zip: what 7-Zip packed is found by its name; what is encrypted or packed by a method that is not read is told by it.
func TestArchivesOf7Zip(t *testing.T) {
	found, sum := scanFolder(t, "../sevenzip/testdata", Options{})
	for _, name := range []string{"lzma2.7z", "lzma.7z", "bzip2.7z", "x86.7z", "apart.7z"} {
		if f := found[name+"!/a/one.csv"]; f.People == nil || *f.People != 400 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	told := map[string]string{}
	for _, p := range sum.Problems {
		told[strings.TrimPrefix(p.Path, "../sevenzip/testdata/")] = p.Why
	}
	for path, why := range map[string]string{"secret.7z!/a/one.csv": "encrypted in its archive", "secret-names.7z": "encrypted in its archive", "ppmd.7z!/a/one.csv": "packed by a method that is not read"} {
		if told[path] != why {
			t.Errorf("%s: told %q, want %q", path, told[path], why)
		}
	}
	if sum.People != 800 { // 400 in links.7z, and the same 400 in all others
		t.Errorf("%d people, want 800", sum.People)
	}
}

// TestArchiveLimits: what unpacks to more than is allowed ends there, however it is packed.
func TestArchiveLimits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"lzma2.7z", "apart.7z"} {
		b, err := os.ReadFile("../sevenzip/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, name, b)
	}
	long := []byte("UHID,Name\n" + strings.Repeat("WR-1,A B\n", 4000))
	write(t, dir, "long.rar", rarred("a.csv", long))
	_, sum := scanFolder(t, dir, Options{Limits: Limits{Bytes: 4000, Entries: 100, Depth: 2}})
	if len(sum.Problems) != 3 {
		t.Errorf("told %v", sum.Problems)
	}
	for _, p := range sum.Problems {
		if p.Why != errLimit.Error() {
			t.Errorf("%s: %s", p.Path, p.Why)
		}
	}
	// A broken one costs itself: the file that breaks off is told, and that the archive does.
	write(t, dir, "long.rar", rarred("a.csv", long)[:200])
	found, sum := scanFolder(t, dir, Options{})
	if len(found) != 3 || len(sum.Problems) != 2 || !strings.Contains(sum.Problems[0].Why, "damaged") || sum.Problems[1].Path != sum.Problems[0].Path+"!/a.csv" {
		t.Errorf("%d found, told %v", len(found), sum.Problems)
	}
}
