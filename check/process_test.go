//go:build check

package check_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"wardround/internal/outside"
)

// tool runs a command in the root of the repository, with more environment.
func tool(t testing.TB, env []string, name string, args ...string) (out string, err error) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = outside.Root(t)
	c.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	b, err := c.CombinedOutput()
	return string(b), err
}

// cost is what a process took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes of resident memory at most; of the process alone, not of its children
	events    uint64
}

// spend runs a command and measures it, with the processor time of its children.
func spend(t testing.TB, env []string, name string, args ...string) cost {
	t.Helper()
	c := exec.Command(name, args...)
	c.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	var said bytes.Buffer
	c.Stdout, c.Stderr = &said, &said
	begin := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	out := cost{}
	for running := true; running; {
		select {
		case err := <-done:
			if running = false; err != nil {
				t.Fatalf("%s: %v\n%s", name, err, tail(said.String(), 4000))
			}
		case <-time.After(5 * time.Millisecond):
			out.peak = max(out.peak, highWater(c.Process.Pid))
		}
	}
	out.wall = time.Since(begin)
	out.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	return out
}

// highWater is the most memory that a process has held so far, as Linux counts it; 0 once it has ended. The rusage of an
// ended child would not do: it begins with the memory of the process that started it.
func highWater(pid int) int64 {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	var kB int64
	fmt.Sscan(rest, &kB)
	return kB << 10
}
