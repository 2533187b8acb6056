//go:build check

package check_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/outside"
)

// tool runs a command in the root of the repository, with more environment.
func tool(t *testing.T, env []string, name string, args ...string) (out string, err error) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = outside.Root(t)
	c.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	b, err := c.CombinedOutput()
	return string(b), err
}

// binary builds bin/wardround as make build does; "" while there is no command.
func binary(t *testing.T) string {
	t.Helper()
	root := outside.Root(t)
	if _, err := os.Stat(filepath.Join(root, "cmd", "wardround")); err != nil {
		return ""
	}
	if out, err := tool(t, nil, "make", "build"); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	return filepath.Join(root, "bin", "wardround")
}

func binarySize(t *testing.T) reading {
	path := binary(t)
	if path == "" {
		return missing("no cmd/wardround")
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return atMost(float64(info.Size())/1e6, 60, "MB")
}

func buildTime(t *testing.T) reading {
	begin := time.Now()
	if out, err := tool(t, []string{"GOCACHE=" + t.TempDir()}, "go", "build", "-o", os.DevNull, "./..."); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return atMost(time.Since(begin).Seconds(), 180, "s")
}

func platforms(t *testing.T) reading {
	list := []string{"linux/amd64", "linux/arm64", "windows/amd64"}
	built := 0
	for _, p := range list {
		system, arch, _ := strings.Cut(p, "/")
		if out, err := tool(t, []string{"GOOS=" + system, "GOARCH=" + arch}, "go", "build", "-o", "/dev/null", "./..."); err != nil {
			t.Logf("%s: %s", p, out)
			continue
		}
		built++
	}
	return atLeast(float64(built), float64(len(list)), "")
}

func house(t *testing.T) reading {
	out, err := tool(t, nil, "go", "test", "-count=1", "-run", "^TestHouse$", ".")
	broken := strings.Count(out, "house_test.go:")
	if err != nil {
		t.Log(out)
		broken = max(broken, 1)
	}
	return atMost(float64(broken), 0, "")
}
