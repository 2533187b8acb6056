package evtx

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// judge runs testdata/judge.py and returns its lines.
func judge(t *testing.T, python, parser string, args ...string) []string {
	t.Helper()
	cmd := exec.Command(python, append([]string{filepath.Join("testdata", "judge.py"), "--parser", parser}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Logf("judge: %v: %s", err, &stderr)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

var (
	judgeTime  = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?(?:Z|\+00:00)?$`)
	judgeHex   = regexp.MustCompile(`^0[xX]0*([0-9a-fA-F]+)$`)
	judgeWhole = regexp.MustCompile(`^(-?[0-9]+)\.0$`)
	judgeGUID  = regexp.MustCompile(`^\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?$`)
)

// judgeNormal is the normalisation that judge.py describes.
func judgeNormal(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < 0x20 && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r <= 0x9f, r == 0xfffd, r == 0xfffe, r == 0xffff:
			return -1
		}
		return r
	}, s)
	s = strings.ReplaceAll(s, "\r\n", "\n")
	if strings.TrimSpace(s) == "" {
		return ""
	}
	if m := judgeTime.FindStringSubmatch(s); m != nil {
		return m[1] + "T" + m[2] + "." + (m[3] + "000000")[:6] + "Z"
	}
	if m := judgeHex.FindStringSubmatch(s); m != nil {
		return "0x" + strings.ToLower(m[1])
	}
	if m := judgeWhole.FindStringSubmatch(s); m != nil {
		return m[1]
	}
	if low := strings.ToLower(s); low == "true" || low == "false" {
		return low
	}
	if m := judgeGUID.FindStringSubmatch(s); m != nil {
		return "{" + strings.ToUpper(m[1]) + "}"
	}
	return s
}

var judgeEscape = strings.NewReplacer("\\", "\\\\", "\t", "\\t", "\n", "\\n", "\r", "\\r")

// judgeField is a path and a value as judge.py writes them, "" if it leaves the value out.
func judgeField(path, value string) string {
	if value = judgeNormal(value); value == "" {
		return ""
	}
	return judgeEscape.Replace(path) + "=" + judgeEscape.Replace(value)
}

// judgeLine is the line that judge.py prints for a record of a log of ours.
func judgeLine(file string, r checkedRecord) string {
	fields := []string{file, strconv.FormatUint(r.id, 10)}
	add := func(path, value string) {
		if f := judgeField(path, value); f != "" {
			fields = append(fields, f)
		}
	}
	for _, l := range r.leaves {
		switch v := (event.Value{Type: l.typ, Raw: l.raw}); {
		case strings.Contains(l.path, "@xmlns"):
		case strings.Contains(l.path, "@"):
			add(l.path, v.String())
		default:
			n := 0
			v.Each(func(e event.Value) {
				if n++; n == 1 {
					add(l.path+"/#text", e.String())
				} else {
					add(fmt.Sprintf("%s#%d/#text", l.path, n), e.String())
				}
			})
		}
	}
	return strings.Join(fields, "\t")
}

// judgedLog is a log for the judges. The pure one is also for python-evtx, which knows neither ready XML nor arrays of
// anything but strings, and is slow.
type judgedLog struct {
	log  []byte
	pure bool
}

// judged are logs of every form and option.
func judged(t *testing.T) map[string]judgedLog {
	events := oneOfEach(t)
	var many, long []*Event
	for range 20 {
		many = append(many, events[:5]...)
	}
	for range 6 {
		long = append(long, many...)
	}
	table := typeTable()
	scalars := slices.DeleteFunc(slices.Clone(table), func(c typeCase) bool {
		return c.typ&event.Array != 0 && c.typ != event.UTF16|event.Array
	})
	gaps := slices.Clone(many)
	for i := range gaps {
		e := *gaps[i]
		e.Number = uint64(1000 + i + i/7*3)
		gaps[i] = &e
	}
	return map[string]judgedLog{
		"forms":    {writeLog(t, WriterOptions{Computer: "EX-DC1"}, events[:5]...), true},
		"ready":    {writeLog(t, WriterOptions{Computer: "EX-DC1"}, events...), false},
		"types":    {writeLog(t, WriterOptions{Computer: "EX-DC1"}, typeEvent(t, table)), false},
		"scalars":  {writeLog(t, WriterOptions{Computer: "EX-DC1"}, typeEvent(t, scalars)), true},
		"many":     {writeLog(t, WriterOptions{Computer: "EX-DC1", Mark: "Wardround exercise"}, many...), false},
		"exported": {writeLog(t, WriterOptions{Computer: "EX-DC1", Exported: true}, gaps...), true},
		"gaps":     {writeLog(t, WriterOptions{Computer: "EX-DC1"}, gaps...), false},
		"dirty":    {writeLog(t, WriterOptions{Dirty: true, Allocate: 9}, many...), true},
		"modern":   {writeLog(t, WriterOptions{Minor: 2, NoChecksum: true}, many...), true},
		"circular": {writeLog(t, WriterOptions{MaxChunks: 2, Remains: true}, long...), false},
		"first":    {writeLog(t, WriterOptions{First: 1 << 33}, long...), false},
	}
}

// Two parsers that others wrote read of our logs the records, names and values that are in them.
func TestWriterJudges(t *testing.T) {
	logs := judged(t)
	for parser, module := range map[string]string{"evtx": "evtx", "python-evtx": "Evtx"} {
		t.Run(parser, func(t *testing.T) {
			python := outside.Python(t, module)
			dir := t.TempDir()
			var files []string
			want := map[string][]string{}
			for name, l := range logs {
				if parser == "python-evtx" && !l.pure {
					continue
				}
				file := filepath.Join(dir, name+".evtx")
				if err := os.WriteFile(file, l.log, 0o600); err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
				for _, r := range check(t, l.log) {
					want[file] = append(want[file], judgeLine(file, r))
				}
			}
			got := map[string][]string{}
			for _, line := range judge(t, python, parser, files...) {
				file, _, _ := strings.Cut(line, "\t")
				got[file] = append(got[file], line)
			}
			for _, file := range files {
				slices.SortStableFunc(got[file], func(a, b string) int { // a circular log is read as it lies
					return cmp.Compare(recordID(a), recordID(b))
				})
				sameLines(t, got[file], want[file])
			}
		})
	}
}

// sameLines reports the first line that differs.
func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		if g, w := at(got, i), at(want, i); g != w {
			t.Errorf("record %d of %d, %d read\ngot  %s\nwant %s", i, len(want), len(got), g, w)
			return
		}
	}
}

func recordID(line string) uint64 {
	n, _ := strconv.ParseUint(strings.Split(line+"\t", "\t")[1], 10, 64)
	return n
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(none)"
}

// The count mode, and that the judges go on behind damage. How many records damage costs is the parsers' choice; these
// kinds cost only what is damaged.
func TestJudgeCounts(t *testing.T) {
	for parser, module := range map[string]string{"evtx": "evtx", "python-evtx": "Evtx"} {
		t.Run(parser, func(t *testing.T) {
			python := outside.Python(t, module)
			whole := threeChunks(t)
			if parser == "python-evtx" {
				whole = whole[:4096+65536] // it is slow
			}
			all := len(checkChunk(t, chunkOf(whole, 0), false))
			lost := map[string]int{"record overwritten": 1, "last records in slack": 3}
			if parser == "evtx" {
				second := len(checkChunk(t, chunkOf(whole, 1), false))
				lost["chunk magic"], lost["chunk overwritten"] = second, second
				all = len(check(t, whole))
			}
			for _, d := range damages {
				if lost[d.name] == 0 {
					continue
				}
				file := filepath.Join(t.TempDir(), "damaged.evtx")
				if err := os.WriteFile(file, d.apply(whole), 0o600); err != nil {
					t.Fatal(err)
				}
				line := strings.Split(judge(t, python, parser, "--counts", file)[0], "\t")
				if n, err := strconv.Atoi(at(line, 1)); err != nil || len(line) != 4 || n != all-lost[d.name] {
					t.Errorf("%s: %q, %d lost of %d", d.name, line, lost[d.name], all)
				}
			}
		})
	}
}

// The tools of libevtx, a third parser, count the same records.
func TestWriterEvtxexport(t *testing.T) {
	tool, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("skipped: evtxexport (Debian package libevtx-utils) is not installed")
	}
	for name, l := range judged(t) {
		if name == "types" || name == "scalars" {
			continue // it cannot read arrays of SIDs
		}
		file := filepath.Join(t.TempDir(), name+".evtx")
		if err := os.WriteFile(file, l.log, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(tool, "-f", "xml", file).CombinedOutput()
		if n, want := bytes.Count(out, []byte("<Event xmlns=")), len(check(t, l.log)); err != nil || n != want {
			t.Errorf("%s: %d records of %d, %v", name, n, want, err)
		}
	}
}
