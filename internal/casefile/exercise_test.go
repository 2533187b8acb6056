package casefile_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/casefile"
	"wardround/internal/event"
	"wardround/internal/exercise"
)

// kinds says by which reader a file of an exercise must be claimed. Of its name the first that fits counts.
var kinds = []struct{ part, kind string }{
	{".tar.gz", "tar.gz"}, {".evtx", "evtx"}, {".jsonl", "windows-json"}, {".gz", "gzip"}, {"auth.log", "syslog"}, {"secure", "syslog"}, {"messages", "syslog"}, {"cron", "syslog"},
	{"syslog", "syslog"}, {"remote.log", "syslog"}, {"hostd.log", "syslog"}, {"shell.log", "syslog"}, {"vobd.log", "syslog"}, {"vmkernel.log", "syslog"},
	{"access.log", "web-access"}, {"error.log", "web-error"}, {"audit.log", "auditd"}, {"wtmp", "utmp"}, {"postgresql-14-main.log", "postgresql"},
}

// TestExercise examines an exercise: every log is claimed by its reader, read without damage, and bears the mark; every
// server that was collected is found under its name.
func TestExercise(t *testing.T) {
	dir := t.TempDir()
	estate := filepath.Join(dir, "estate")
	if _, err := exercise.Write(t.Context(), exercise.Options{Dir: estate, Seed: 11, Scenario: "small", Noise: "small", Days: 10, Servers: 24}); err != nil {
		t.Fatal(err)
	}
	o := casefile.Options{Collections: []string{filepath.Join(estate, "collections")}, Case: filepath.Join(dir, "case"), Inventory: filepath.Join(estate, "inventory.csv"),
		Changes: filepath.Join(estate, "changes.csv"), Zone: "IST", From: event.At(time.Date(2022, 11, 14, 0, 0, 0, 0, time.UTC)), Until: event.NoTime, Version: "test", Now: func() time.Time { return time.Date(2022, 11, 23, 10, 0, 0, 0, time.UTC) }}
	var status casefile.Status
	res, err := casefile.Examine(t.Context(), o, &status)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Problems) > 0 {
		t.Errorf("problems: %q", res.Problems)
	}
	claimed := 0
	for _, a := range artifacts(t, filepath.Join(o.Case, "evidence.jsonl")) {
		if a.Error != nil || len(a.Damaged) > 0 || len(a.Holes) > 0 {
			t.Errorf("%s: error %v, damage %v, holes %v", a.Path, a.Error, a.Damaged, a.Holes)
		}
		if a.Records > 0 && !a.Exercise && slices.ContainsFunc(a.Servers, func(s event.Seen) bool { return s.First != event.NoTime }) {
			t.Errorf("%s: records without the mark of an exercise", a.Path)
		}
		for _, k := range kinds {
			if strings.Contains(path.Base(a.Path), k.part) {
				if claimed++; a.Kind != k.kind || a.Records == 0 && !strings.HasSuffix(k.kind, "gz") && k.kind != "gzip" {
					t.Errorf("%s: %d records of kind %q; want %q", a.Path, a.Records, a.Kind, k.kind)
				}
				break
			}
		}
		for _, s := range a.Servers {
			if !strings.HasPrefix(strings.ToUpper(s.Name), "EX-") {
				t.Errorf("%s: records of %q", a.Path, s.Name)
			}
		}
	}
	if claimed < 150 {
		t.Errorf("%d logs; want at least 150", claimed)
	}
	v := res.Verdicts
	if v.Listed != 24 || v.Unlisted != 1 || v.NotCollected < 1 {
		t.Errorf("%d listed, %d not listed, %d never collected; want 24, 1, at least 1", v.Listed, v.Unlisted, v.NotCollected)
	}
	for i := range v.Servers {
		if s := &v.Servers[i]; s.Server == "EX-DENTAL-LIS" && (s.Verdict != event.NoEvidence || s.Coverage.Overall < 0.7) {
			t.Errorf("the clean server with complete logs: %s, coverage %.2f, %q", s.Verdict, s.Coverage.Overall, s.WouldChangeIt)
		}
	}
}

func artifacts(t *testing.T, name string) (out []event.Artifact) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var a event.Artifact
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			t.Fatal(err)
		}
		out = append(out, a)
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return out
}
