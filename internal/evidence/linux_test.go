package evidence

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"time"

	"wardround/internal/outside"
)

// linuxData reads a file of the data that nobody here wrote, and skips the test where it is absent.
func linuxData(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(outside.Data(t), "artifacts", name))
	if err != nil {
		t.Skipf("no sample %s", name)
	}
	return b
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
