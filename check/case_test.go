//go:build check

package check_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"wardround/internal/event"
)

// examine runs the binary over collections and returns the case folder.
func examine(t testing.TB, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "case")
	if out, err := tool(t, nil, built(t), append([]string{"examine", "--quiet", "--case", dir}, args...)...); err != nil {
		t.Fatalf("examine: %v\n%s", err, out)
	}
	return dir
}

// artifacts and findings are those of a case folder.
func artifacts(t testing.TB, dir string) []event.Artifact {
	return lines[event.Artifact](t, filepath.Join(dir, "evidence.jsonl"))
}

func findings(t testing.TB, dir string) []event.Finding {
	return lines[event.Finding](t, filepath.Join(dir, "findings.jsonl"))
}

func lines[T any](t testing.TB, name string) (out []T) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReader(f))
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, v)
	}
	return out
}
