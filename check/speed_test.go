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

// trial is a corpus with the jobs that go through it. The first hashes it; × is the processor time of another job over that
// of the first in the same turn.
type trial struct {
	corpus
	jobs []job
}

// TestSpeed prints what it costs to examine evidence, beside what it costs to hash it. The jobs of a trial take turns, so
// that whatever else slows the machine slows all of them. WARDROUND_BENCH is a part of the name of the trials to run
// (default: all), WARDROUND_BENCH_MB the size of each corpus (default 300), WARDROUND_BENCH_TURNS how often (default 5).
// WARDROUND_BENCH_ESTATE is an exercise made before with --noise heavy; without it one is made for the dense logs.
// WARDROUND_BENCH_PROFILE is a folder in which one more run of each examination leaves its profiles, with a table of stages.
// A ratio that is a fifth above that of check/baseline.tsv is marked; WARDROUND_BENCH_KEEP=1 writes the file anew.
func TestSpeed(t *testing.T) {
	turns := int(setting(t, "WARDROUND_BENCH_TURNS", 5))
	size := setting(t, "WARDROUND_BENCH_MB", 300) * 1e6
	base := readBaseline(t)
	for _, make := range trials {
		if !strings.Contains(make.name, os.Getenv("WARDROUND_BENCH")) {
			continue
		}
		t.Run(make.name, func(t *testing.T) {
			x := trial{make.corpus(t, size), nil}
			x.jobs = make.jobs(t, x.corpus)
			warm(t, x.files)
			fmt.Printf("%s: %s bytes in %s files; %d turns; median [least – most]\n\n", make.name, grouped(x.total), grouped(int64(len(x.files))), turns)
			costs := x.run(t, turns)
			x.table(make.name, costs, base)
			if dir := os.Getenv("WARDROUND_BENCH_PROFILE"); dir != "" {
				profile(t, filepath.Join(dir, strings.ReplaceAll(make.name, " ", "-")), x.jobs)
			}
		})
	}
	if os.Getenv("WARDROUND_BENCH_KEEP") != "" {
		base.write(t)
	}
}

// trials are all of them.
var trials = []struct {
	name   string
	corpus func(t testing.TB, size int64) corpus
	jobs   func(t testing.TB, c corpus) []job
}{
	{"sparse event logs", sparseLogs, func(t testing.TB, c corpus) []job {
		ten := tenfold(t)
		return append(examinations(t, c),
			examining(t, "ten times as many rules", c.dir, "--rules", outside.Data(t, "sigma", "rules"), "--rules", ten),
			examining(t, "all rules, 1 worker", c.dir, "--rules", outside.Data(t, "sigma", "rules"), "--workers", "1"),
			decoding(c.files))
	}},
	{"decoding beside the evtx crate", denseLogs("Security.evtx", "Sysmon%4Operational.evtx", "PowerShell%4Operational.evtx", "System.evtx"), func(t testing.TB, c corpus) []job {
		return []job{hashing(t, c.files), decoding(c.files), crate(t, c.files)}
	}},
	{"dense Security", denseLogs("Security.evtx"), examinations},
	{"dense process creation", denseLogs("Sysmon%4Operational.evtx"), examinations},
	{"dense PowerShell", denseLogs("PowerShell%4Operational.evtx"), examinations},
	{"dense mixed", denseLogs("Security.evtx", "Sysmon%4Operational.evtx", "PowerShell%4Operational.evtx", "System.evtx"), examinations},
	{"JSON lines", jsonLines, examinations},
	{"syslog and auth", textLogs("Linux_2k.log", "var/log/messages", "OpenSSH_2k.log", "var/log/auth.log"), examinations},
	{"web access", textLogs("../apache_access.log", "var/log/apache2/access.log"), examinations},
}

// examinations are the jobs of any corpus.
func examinations(t testing.TB, c corpus) []job {
	return []job{
		hashing(t, c.files),
		examining(t, "examine, our rules", c.dir),
		examining(t, "examine, SigmaHQ's and ours", c.dir, "--rules", outside.Data(t, "sigma", "rules")),
	}
}

func (x *trial) run(t testing.TB, turns int) (costs [][]cost) {
	costs = make([][]cost, len(x.jobs))
	for range turns {
		for i, j := range x.jobs {
			c, n := j.run(t)
			c.events = n
			costs[i] = append(costs[i], c)
		}
	}
	return costs
}

// profile runs each examination once more and keeps the processor's and the memory's profile of it, in a folder each, and
// prints the share of each stage.
func profile(t testing.TB, dir string, jobs []job) {
	for i, j := range jobs {
		if !strings.HasPrefix(j.name, "examine") {
			continue
		}
		to := filepath.Join(dir, fmt.Sprint(i))
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		j.run(t, "WARDROUND_PROFILE="+to)
		fmt.Printf("\nstages of %q, of its processor time (profiles: %s)\n", j.name, to)
		top, err := tool(t, nil, "go", "tool", "pprof", "-top", "-cum", "-nodecount=1000000", "-nodefraction=0", filepath.Join(to, "cpu.pprof"))
		if err != nil {
			t.Fatalf("read profile: %v\n%s", err, top)
		}
		for _, s := range stages {
			fmt.Printf("  %-60s %5.1f %%\n", s.name, share(top, s.in))
		}
	}
	fmt.Println()
}

// stages are where the time goes, each by the functions in which it is spent. What is indented is part of what stands above.
var stages = []struct {
	name string
	in   []string
}{
	{"start-up: policy, parsing and compiling rules", []string{"casefile.readInputs", "casefile.newRun"}},
	{"reading", []string{"casefile.(*run).readAll.func1"}},
	{"  read", []string{"os.(*File).Read"}},
	{"  hash", []string{"crypto/internal/fips140/sha256.(*Digest).Write"}},
	{"  decode event logs", []string{"evtx.(*Decoder).decode", "evtx.(*Decoder).compute"}},
	{"  plans of rules for schemas", []string{"match.(*Program).Plan"}},
	{"  match: look for texts", []string{"match.(*Scratch).scan"}},
	{"  match: evaluate rules", []string{"match.(*Scratch).rule"}},
	{"  keep hits, movements, sightings", []string{"casefile.(*worker).keep", "casefile.(*worker).count", "inventory.(*Watch).See", "spread.Edges.Read", "casefile.(*worker).End"}},
	{"join, sort, correlate", []string{"casefile.(*run).merge", "casefile.(*merged).findings", "casefile.(*merged).estimateClocks"}},
	{"verdicts and story", []string{"casefile.(*merged).feed", "verdict.(*Judge).Verdicts", "casefile.(*merged).tellStory"}},
	{"report", []string{"casefile.(*merged).writeReport", "casefile.(*merged).writeEvidence"}},
	{"collector in the background", []string{"runtime.gcBgMarkWorker", "runtime.bgsweep"}},
}

// share adds up the cumulative shares of functions in what pprof -top -cum prints, in per cent.
func share(top string, functions []string) (sum float64) {
	for line := range strings.Lines(top) {
		f := strings.Fields(line)
		if len(f) >= 6 && slices.ContainsFunc(functions, func(name string) bool { return strings.HasSuffix(f[5], name) }) {
			n, _ := strconv.ParseFloat(strings.TrimSuffix(f[4], "%"), 64)
			sum += n
		}
	}
	return sum
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

// table prints a row for each job.
func (x *trial) table(name string, costs [][]cost, base *baseline) {
	fmt.Printf("%-30s %24s %10s %10s %10s %12s %10s %24s\n", "", "CPU s", "wall s", "MB/CPU s", "events", "events/CPU s", "peak MB", "× SHA-256 (CPU)")
	for i, j := range x.jobs {
		var cpu, wall, peak, ratio []float64
		var events uint64
		for turn, c := range costs[i] {
			cpu, wall, peak = append(cpu, c.cpu.Seconds()), append(wall, c.wall.Seconds()), append(peak, float64(c.peak)/1e6)
			ratio = append(ratio, c.cpu.Seconds()/costs[0][turn].cpu.Seconds())
			events = c.events
		}
		line := fmt.Sprintf("%-30s %24s %10.2f %10.0f %10s %12s %10s %24s  %s", j.name, spread(cpu), median(wall), float64(x.total)/1e6/median(cpu), unknown(float64(events)),
			unknown(float64(events)/median(cpu)), unknown(slices.Max(peak)), spread(ratio), base.compare(name, j.name, median(ratio)))
		fmt.Println(strings.TrimSpace(line))
	}
	fmt.Println()
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
