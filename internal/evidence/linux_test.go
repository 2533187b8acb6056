package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// linuxData reads a file of the data that nobody here wrote, and skips the test where it is absent.
func linuxData(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(linuxShared(t), "artifacts", name))
	if err != nil {
		t.Skipf("no sample %s", name)
	}
	return b
}

// linuxShared is the folder of shared data, sought beside the folders above this one.
func linuxShared(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv("WARDROUND_SHARED"); dir != "" {
		return filepath.Join(dir, "data")
	}
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if s := filepath.Join(dir, "shared", "data"); isDir(s) {
			return s
		}
		dir = filepath.Dir(dir)
	}
	t.Skip("no shared data: set WARDROUND_SHARED")
	return ""
}

func isDir(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// want compares some fields of a row, given as name=value; "@" is the time, "host" in Row.Host is "#".
func (r row) want(t *testing.T, what string, pairs ...string) {
	t.Helper()
	for _, p := range pairs {
		name, value, _ := strings.Cut(p, "=")
		got := r.Fields[name]
		switch name {
		case "@":
			got = r.Time
		case "#":
			got = r.Host
		case "source":
			got = fmt.Sprintf("%s/%s/%s", r.Source.Product, r.Source.Channel, r.Source.Provider)
		}
		if got != value {
			t.Errorf("%s: %s is %q, want %q", what, name, got, value)
		}
	}
}

func mustTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t
}
