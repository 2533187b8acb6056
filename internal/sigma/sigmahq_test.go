package sigma

import (
	"os"
	"path/filepath"
	"testing"
)

// shared is a folder of data that nobody of this project wrote; without it the test is skipped.
func shared(t testing.TB, name string) string {
	t.Helper()
	base := os.Getenv("WARDROUND_SHARED")
	for dir, _ := os.Getwd(); base == "" && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if try := filepath.Join(dir, "..", "shared"); isDir(filepath.Join(try, "data")) {
			base = try
		}
	}
	dir := filepath.Join(base, "data", name)
	if base == "" || !isDir(dir) {
		t.Skipf("no shared data %q: put it at ../shared/data beside the repository, or name its parent in WARDROUND_SHARED", name)
	}
	return dir
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// sigmaHQ are all files of SigmaHQ's rule set.
func sigmaHQ(t testing.TB) []File {
	t.Helper()
	files, problems := Read(os.DirFS(shared(t, "sigma")), "sigma")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return files
}
