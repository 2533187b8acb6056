//go:build check

package check_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"wardround/internal/outside"
)

// accessible runs the pages through Chromium: axe-core in light and dark, widths, paper, without script.
func accessible(t testing.TB) reading {
	says, ok := told(t, "report", "TestBrowser")
	n := figures(t, says, `(\d+) serious findings of axe in (\d+) views, (\d+) faults in all`)
	return atMost(n[0], 0, "").and(ok && n[1] >= 8, "in %g views; %g faults of width, paper, keyboard, script", n[1], n[2])
}

func pageSize(t testing.TB) reading {
	says, ok := told(t, "report", "TestBudget")
	return atMost(figures(t, says, `100 servers: (\d+) bytes`)[0]/1e6, 5, "MB").and(ok, "with evidence as long as it gets")
}

func hostile(t testing.TB) reading {
	says, ok := told(t, "casefile", "TestHostileEvidenceIsHarmless")
	n := figures(t, says, `(\d+) attacks in every text`)
	faults := 0.0
	if !ok {
		faults = 1
	}
	return atMost(faults, 0, "").and(ok && n[0] >= 10, "%g attacks in every text; page in Chromium, terminal, file system", n[0])
}

func secrets(t testing.TB) reading {
	says, ok := told(t, "casefile", "TestSecretsStayInFindings")
	n := figures(t, says, `(\d+) secrets, (\d+) leaks`)
	return atMost(n[1], 0, "").and(ok && n[0] >= 4, "%g planted", n[0])
}

// results are the files of a case that are functions of the evidence alone.
var results = []string{"evidence.jsonl", "findings.jsonl", "verdicts.json", "report.html", "report.jsonl", "servers.csv"}

// sameBytes examines the same evidence in other ways and counts the result files that differ.
func sameBytes(t testing.TB) reading {
	parts, err := filepath.Glob(filepath.Join(outside.Data(t, "evtx", "attack-samples"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	parts = append(parts, outside.Data(t, "artifacts", "loghub"), outside.Data(t, "artifacts", "syslog.tgz"), outside.Data(t, "evtx", "hard-cases"))
	wardround := built(t)
	run := func(dir, workers, zone string, collections ...string) {
		t.Helper()
		args := append([]string{"examine", "--quiet", "--name", "bars", "--case", dir, "--workers", workers}, collections...)
		if out, err := tool(t, []string{"TZ=" + zone}, wardround, args...); err != nil {
			t.Fatalf("examine: %v\n%s", err, out)
		}
	}
	base := filepath.Join(t.TempDir(), "base")
	run(base, "2", "UTC", parts...)
	backwards := slices.Clone(parts)
	slices.Reverse(backwards)
	ways := map[string]func(dir string){
		"other order, 8 workers, other TZ": func(dir string) { run(dir, "8", "Pacific/Auckland", backwards...) },
		"one by one, 1 worker, other TZ": func(dir string) {
			for _, p := range backwards {
				run(dir, "1", "America/New_York", p)
			}
		},
		"again, into the same case": func(dir string) {
			run(dir, "1", "UTC", parts...)
			run(dir, "8", "Asia/Kolkata", parts[0])
		},
	}
	differ := 0
	for what, way := range ways {
		dir := filepath.Join(t.TempDir(), "case")
		way(dir)
		for _, f := range results {
			got, err := os.ReadFile(filepath.Join(dir, f))
			want, err2 := os.ReadFile(filepath.Join(base, f))
			if err != nil || err2 != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %s differs", what, f)
				differ++
			}
		}
	}
	_, ok := told(t, "casefile", "TestSameBytes") // the clock is another only where it can be handed in
	return atMost(float64(differ), 0, "").and(ok, "%d files × %d ways, with order, parts, workers, TZ; clock and cache by a test", len(results), len(ways))
}
