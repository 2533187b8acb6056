package evtx

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

var (
	recordNumber  = regexp.MustCompile(`\tEvent/System/EventRecordID/#text=\d+\t`)
	siblingNumber = regexp.MustCompile(`#\d+([/@=])`)
)

// judgedRecord renders a decoded record as judge.py does, but for the numbers of siblings.
func judgedRecord(paths []string, rec *event.Record) string {
	var fields []string
	for i := range rec.Schema.Fields {
		path := paths[i]
		if !strings.Contains(path, "@") {
			path += "/#text"
		}
		rec.Field(i).Each(func(v event.Value) {
			if f := judgeField(path, v.String()); f != "" {
				fields = append(fields, f)
			}
		})
	}
	return strings.Join(fields, "\t")
}

type sharedReading struct {
	reading
	records []string
}

func (r *sharedReading) Take(rec *event.Record) {
	if !rec.Slack {
		r.records = append(r.records, judgedRecord(r.d.shape.paths, rec))
	}
}

// The decoder reads of every public log what another parser reads. WARDROUND_LOGS names another folder of logs,
// WARDROUND_JUDGE the other parser that judge.py knows.
func TestDecoderJudged(t *testing.T) {
	folders := []string{os.Getenv("WARDROUND_LOGS")}
	if folders[0] == "" {
		folders = []string{outside.Data(t, "evtx"), outside.Data(t, "artifacts", "evtx"), outside.Data(t, "sigma", "regression")}
	}
	python := outside.Python(t, "evtx, Evtx")
	var files []string
	for _, dir := range folders {
		filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".evtx") {
				files = append(files, path)
			}
			return err
		})
	}
	judged := map[string]map[string][]string{} // by file and EventRecordID
	total := 0
	for _, line := range judge(t, python, cmp.Or(os.Getenv("WARDROUND_JUDGE"), "evtx"), files...) {
		file, rest, _ := strings.Cut(line, "\t")
		_, rest, _ = strings.Cut(rest, "\t")
		if judged[file] == nil {
			judged[file] = map[string][]string{}
		}
		n := recordNumber.FindString(rest)
		judged[file][n] = append(judged[file][n], siblingNumber.ReplaceAllString(rest, "$1"))
		total++
	}
	d := NewDecoder()
	same, more, booleans := 0, 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r := &sharedReading{reading: reading{d: d}}
		if _, err := d.Read(t.Context(), strings.NewReader(string(b)), r); err != nil {
			t.Fatal(err)
		}
		for _, got := range r.records {
			n := recordNumber.FindString(got)
			list := judged[file][n]
			i := slices.Index(list, got)
			switch {
			case i >= 0:
				judged[file][n] = slices.Delete(list, i, i+1)
				same++
			case len(list) > 0 && strangeBoolean(got, list[0]):
				judged[file][n] = list[1:]
				booleans++
			case len(list) > 0:
				t.Errorf("%s, %s: %s", filepath.Base(file), n, firstDifference(got, list[0]))
				judged[file][n] = list[1:]
			default:
				more++
			}
		}
		for n, list := range judged[file] {
			if len(list) > 0 {
				t.Errorf("%s, %s: the judge reads it", filepath.Base(file), n)
			}
		}
	}
	t.Logf("%d of %d records are the same, %d but for booleans; %d more are found in damaged chunks", same, total, booleans, more)
}

// strangeBoolean reports whether the records differ only where a boolean is neither 0 nor 1: the judge shows the number.
func strangeBoolean(got, want string) bool {
	g, w := strings.Split(got, "\t"), strings.Split(want, "\t")
	if len(g) != len(w) {
		return false
	}
	for i := range g {
		path, value, _ := strings.Cut(g[i], "=")
		if _, err := strconv.Atoi(strings.TrimPrefix(w[i], path+"=")); g[i] != w[i] && (value != "true" || err != nil) {
			return false
		}
	}
	return true
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\t"), strings.Split(want, "\t")
	for i := range max(len(g), len(w)) {
		if at(g, i) != at(w, i) {
			return fmt.Sprintf("got %.200s, want %.200s", at(g, i), at(w, i))
		}
	}
	return ""
}
