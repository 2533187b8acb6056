//go:build check

package check_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// exerciseLogs are the event logs of an exercise of each technique and decoy, unpacked.
func exerciseLogs(t testing.TB) (dir string, files []string) {
	t.Helper()
	dir = filepath.Join(scratch(t, 1e8), "logs")
	if _, ok := told(t, "exercise", "TestLogsAreKept", "WARDROUND_KEEP="+dir); !ok {
		t.Fatal("no exercise")
	}
	return dir, below(t, dir, ".evtx")
}

// exerciseCounts compares the number of records of each event log that the exercise wrote.
func exerciseCounts(t testing.TB) reading {
	libevtx, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("no judge: evtxexport (Debian package libevtx-utils) is not installed")
	}
	python := outside.Python(t, "evtx")
	dir, files := exerciseLogs(t)
	counts := map[string][2]int{}
	for _, a := range artifacts(t, examine(t, dir)) {
		counts[filepath.Join(dir, filepath.FromSlash(a.Path))] = [2]int{int(a.Records), -1}
	}
	out, err := exec.Command(python, append([]string{filepath.Join(outside.Root(t), "internal", "evtx", "testdata", "judge.py"), "--counts"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(line, "\t")
		n, _ := strconv.Atoi(f[1])
		counts[f[0]] = [2]int{counts[f[0]][0], n}
	}
	same, records := 0, 0
	for _, f := range files {
		xml, _ := exec.Command(libevtx, "-f", "xml", f).Output()
		n, c := bytes.Count(xml, []byte("<Event xmlns=")), counts[f]
		if records += c[0]; c[0] == c[1] && c[0] == n && n > 0 {
			same++
			continue
		}
		t.Errorf("%s: %d records, PyPI evtx %d, libevtx %d", f, c[0], c[1], n)
	}
	return allOf(float64(same), float64(len(files)), 80).and(true, "%s records; PyPI evtx, libevtx", grouped(int64(records)))
}

// exerciseFields compares each field of each record that the exercise wrote, as two parsers read them and as we do. The
// second is slow: it reads one of the exercises.
func exerciseFields(t testing.TB) reading {
	python := outside.Python(t, "evtx, Evtx")
	dir, files := exerciseLogs(t)
	r := reading{holds: true}
	for _, parser := range []string{"evtx", "python-evtx"} {
		for _, f := range files {
			if parser == "python-evtx" && !strings.HasPrefix(filepath.Base(f), "1!") {
				os.Remove(f)
			}
		}
		says, ok := told(t, "evtx", "TestDecoderJudged", "WARDROUND_LOGS="+dir, "WARDROUND_JUDGE="+parser, "WARDROUND_PYTHON="+python, "WARDROUND_SHARED="+os.Getenv("WARDROUND_SHARED"))
		n := figures(t, says, `(\d+) of (\d+) records are the same, (\d+) but for booleans; (\d+) more`)
		one := allOf(n[0], n[1], 10_000)
		r = reading{one.figure, one.limit, r.holds && one.holds && ok && n[3] == 0, strings.TrimPrefix(r.note+"; "+parser+" "+one.figure, "; ")}
	}
	return r
}

func anotherEngine(t testing.TB) reading {
	says, ok := told(t, "exercise", "TestAnotherEngine", "WARDROUND_FULL=1")
	n := figures(t, says, `(\d+) hits of (\d+) rules in (\d+) logs are the same, (\d+) differ; (\d+) rules the other engine cannot ask`)
	return atMost(n[3], 0, "").and(ok && n[1] >= 50, "%g hits of %g rules in %g logs are the same by PyPI evtx, pySigma's SQL and sqlite; %g rules it cannot ask", n[0], n[1], n[2], n[4])
}

func peersOnExercise(t testing.TB) reading {
	says, ok := told(t, "exercise", "TestPeersFindTheSame")
	n := figures(t, says, `(\d+) of (\d+) pairs of recording and rule are found in the exercise, (\d+) are explained`)
	return allOf(n[0]+n[2], n[1], 50).and(ok, "%g found, %g explained in docs/design/exercise.md", n[0], n[2])
}

func openRecordings(t testing.TB) reading {
	says, ok := told(t, "casefile", "TestOpenRecordings")
	n := figures(t, says, `(\d+) of (\d+) recordings have their movement drawn, (\d+) are told as a whole`)
	return atLeast(n[0], 4, "of "+amount(n[1], "")).and(ok, "%g told as a whole; the table of docs/design/spread.md is current, no edge that was not gone", n[2])
}

func removedServers(t testing.TB) reading {
	says, ok := told(t, "exercise", "TestRemovalOfAServer", "WARDROUND_FULL=1")
	n := figures(t, says, `(\d+) servers removed: (\d+) verdicts of others changed, (\d+) without a reason`)
	return atMost(n[2], 0, "").and(ok && n[0] >= 40, "%g servers removed one after the other, %g verdicts of others changed", n[0], n[1])
}

func removedSlices(t testing.TB) reading {
	says, ok := told(t, "exercise", "TestRemovalNeverClears", "WARDROUND_REMOVALS="+strconv.Itoa(int(setting(t, "WARDROUND_REMOVALS", 1000))))
	n := figures(t, says, `(\d+) removals: (\d+) infiltrated servers told clean; (\d+) fell to suspected, (\d+) to inconclusive`)
	return atMost(n[1], 0, "").and(ok, "%g removals; %g verdicts fell to suspected, %g to inconclusive", n[0], n[2], n[3])
}

func unmarked(t testing.TB) reading {
	says, ok := told(t, "exercise", "TestMarkIsNotRead", "WARDROUND_FULL=1")
	n := figures(t, says, `(\d+) files without their marks: (\d+) results differ`)
	return atMost(n[1], 0, "").and(ok, "verdicts and story of 100 servers, %g files without their marks", n[0])
}
