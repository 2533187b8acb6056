//go:build check

package check_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// job is a way to go through a corpus.
type job struct {
	name string

	// run goes through it once, with more environment. events is 0 where the job knows none.
	run func(t testing.TB, env ...string) (c cost, events uint64)
}

// TestSpeed prints what it costs to examine a sparse corpus, beside what it costs to hash it. The jobs take turns, so
// that whatever else slows the machine slows all of them; ratios are taken within a turn. WARDROUND_BENCH_MB is the size
// of the corpus (default 500), WARDROUND_BENCH_TURNS how often (default 5). WARDROUND_BENCH_PROFILE is a folder in which
// one more run of each examination leaves its profiles.
func TestSpeed(t *testing.T) {
	turns := int(setting(t, "WARDROUND_BENCH_TURNS", 5))
	dir, files, total := sparse(t, setting(t, "WARDROUND_BENCH_MB", 500)*1e6)
	jobs := []job{
		hashing(t, files),
		examining(t, "examine, our rules", dir),
		examining(t, "examine, SigmaHQ's and ours", dir, "--rules", outside.Data(t, "sigma", "rules")),
	}
	warm(t, files)
	fmt.Printf("sparse corpus: %s bytes in %s event logs; %d turns; median [least – most]\n\n", grouped(total), grouped(int64(len(files))), turns)
	costs := make([][]cost, len(jobs))
	events := make([]uint64, len(jobs))
	for range turns {
		for i, j := range jobs {
			c, n := j.run(t)
			costs[i], events[i] = append(costs[i], c), n
		}
	}
	table(jobs, costs, events, total)
	if dir := os.Getenv("WARDROUND_BENCH_PROFILE"); dir != "" {
		profile(t, dir, jobs[1:])
	}
}

// profile runs each job once more and keeps the processor's and the memory's profile of it, in a folder each.
func profile(t testing.TB, dir string, jobs []job) {
	for i, j := range jobs {
		to := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		j.run(t, "WARDROUND_PROFILE="+to)
		fmt.Printf("profiles of %q: %s\n", j.name, to)
	}
}

// setting is a number from the environment.
func setting(t testing.TB, name string, otherwise int64) int64 {
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		t.Fatalf("%s is %q: say a whole number above 0", name, s)
	}
	return n
}

// hashing lets openssl hash the files: what a court asks for in any case.
func hashing(t testing.TB, files []string) job {
	list := filepath.Join(t.TempDir(), "files")
	if err := os.WriteFile(list, []byte(strings.Join(files, "\x00")), 0o600); err != nil {
		t.Fatal(err)
	}
	return job{"openssl dgst -sha256", func(t testing.TB, env ...string) (cost, uint64) {
		c := spend(t, env, "xargs", "-0", "-a", list, "openssl", "dgst", "-sha256")
		c.peak = 0 // that of xargs
		return c, 0
	}}
}

// examining examines a folder into a new case, start-up, output and verdicts included.
func examining(t testing.TB, name, dir string, args ...string) job {
	wardround := built(t)
	return job{name, func(t testing.TB, env ...string) (cost, uint64) {
		out := filepath.Join(scratch(t, 0), "case")
		defer os.RemoveAll(filepath.Dir(out))
		c := spend(t, env, wardround, append([]string{"examine", "--quiet", "--case", out, dir}, args...)...)
		n := uint64(0)
		for _, a := range artifacts(t, out) {
			n += a.Records
		}
		return c, n
	}}
}

// warm reads all files once, so that no job pays for the disk.
func warm(t testing.TB, files []string) {
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, f); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// table prints a row for each job. × is its CPU time over that of the first job in the same turn.
func table(jobs []job, costs [][]cost, events []uint64, total int64) {
	fmt.Printf("%-30s %24s %10s %10s %10s %12s %10s %24s\n", "", "CPU s", "wall s", "MB/CPU s", "events", "events/CPU s", "peak MB", "× SHA-256 (CPU)")
	for i, j := range jobs {
		var cpu, wall, peak, ratio []float64
		for turn, c := range costs[i] {
			cpu, wall, peak = append(cpu, c.cpu.Seconds()), append(wall, c.wall.Seconds()), append(peak, float64(c.peak)/1e6)
			ratio = append(ratio, c.cpu.Seconds()/costs[0][turn].cpu.Seconds())
		}
		fmt.Printf("%-30s %24s %10.2f %10.0f %10s %12s %10s %24s\n", j.name, spread(cpu), median(wall), float64(total)/1e6/median(cpu), unknown(float64(events[i])),
			unknown(float64(events[i])/median(cpu)), unknown(slices.Max(peak)), spread(ratio))
	}
}

func spread(list []float64) string {
	return fmt.Sprintf("%.2f [%.2f – %.2f]", median(list), slices.Min(list), slices.Max(list))
}

func median(list []float64) float64 {
	s := slices.Sorted(slices.Values(list))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// unknown writes a whole number, and a dash for none.
func unknown(n float64) string {
	if n == 0 {
		return "–"
	}
	return grouped(int64(n))
}
