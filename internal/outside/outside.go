// Package outside finds what tests lean on and the repository does not hold: data that nobody here wrote, and the
// programs of others that judge what Wardround reads and writes. Only tests import it. What is absent skips the test
// that asks for it, with the reason.
package outside

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Root is the folder of the repository.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "house_test.go")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no house_test.go above the test's folder")
		}
		dir = parent
	}
}

// Data returns a file or folder of the data that nobody here wrote: below $WARDROUND_SHARED, else below the first folder
// shared/data that stands beside the repository or above it.
func Data(t testing.TB, elem ...string) string {
	t.Helper()
	var folders []string
	if base := os.Getenv("WARDROUND_SHARED"); base != "" {
		folders = []string{filepath.Join(base, "data"), base}
	} else {
		for dir := Root(t); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			folders = append(folders, filepath.Join(filepath.Dir(dir), "shared", "data"))
		}
	}
	for _, f := range folders {
		path := filepath.Join(append([]string{f}, elem...)...)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("no shared data %q: it stands in ../shared/data beside the repository, or where WARDROUND_SHARED says", filepath.Join(elem...))
	return ""
}

// Python returns an interpreter that has the judges of scripts/judges.sh, or the one that $WARDROUND_PYTHON names.
// It is asked for a module, so that a half-made environment skips too.
func Python(t testing.TB, module string) string {
	t.Helper()
	python := os.Getenv("WARDROUND_PYTHON")
	if python == "" {
		python = filepath.Join(Root(t), ".judges", "bin", "python")
	}
	if err := exec.Command(python, "-c", "import "+module).Run(); err != nil {
		t.Skipf("no judge: %s cannot import %s; run scripts/judges.sh", python, module)
	}
	return python
}

// Node returns the folder whose node_modules hold the judges of pages, with node on the path.
func Node(t testing.TB) string {
	t.Helper()
	dir := filepath.Join(Root(t), ".judges")
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no judge: node is not installed")
	}
	for _, module := range []string{"playwright-core", "axe-core"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules", module)); err != nil {
			t.Skipf("no judge: no %s in .judges; run scripts/judges.sh", module)
		}
	}
	return dir
}

// Chromium returns the browser that pages are looked at with.
func Chromium(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no judge: chromium is not installed; run scripts/judges.sh")
	return ""
}
