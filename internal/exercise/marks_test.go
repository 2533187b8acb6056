package exercise_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardround/internal/casefile"
	"wardround/internal/event"
	"wardround/internal/exercise"
)

// unmark puts a text of the same length in place of the open mark, in the forms in which it is written.
func unmark(data []byte) []byte {
	for _, blank := range []string{" ", "_", "+", "%20"} {
		mark := strings.ReplaceAll(event.ExerciseMark, " ", blank)
		data = bytes.ReplaceAll(data, []byte(mark), []byte(strings.Repeat("n", len(mark))))
	}
	return data
}

// within changes all that a file of a collection holds, be it an archive.
func within(name string, data []byte, change func([]byte) []byte) ([]byte, error) {
	var out bytes.Buffer
	var err error
	switch {
	case strings.HasSuffix(name, ".zip") && !strings.Contains(name, "/"):
		err = withinZip(&out, data, change)
	case strings.HasSuffix(name, "tar.gz"), strings.HasSuffix(name, ".tgz"):
		err = withinTar(&out, data, change)
	case strings.HasSuffix(name, ".gz"):
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(data)); err != nil {
			return nil, err
		}
		w := gzip.NewWriter(&out)
		w.Header = r.Header
		var content []byte
		if content, err = io.ReadAll(r); err == nil {
			_, err = w.Write(change(content))
		}
		if err == nil {
			err = w.Close()
		}
	default:
		return change(data), nil
	}
	return out.Bytes(), err
}

func withinZip(to io.Writer, data []byte, change func([]byte) []byte) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return err
	}
	w := zip.NewWriter(to)
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if content, err = within("x/"+f.Name, content, change); err != nil {
			return err
		}
		one, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: f.Method, Modified: f.Modified})
		if err != nil {
			return err
		}
		if _, err := one.Write(content); err != nil {
			return err
		}
	}
	return w.Close()
}

func withinTar(to io.Writer, data []byte, change func([]byte) []byte) error {
	packed, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return err
	}
	zipped := gzip.NewWriter(to)
	r, w := tar.NewReader(packed), tar.NewWriter(zipped)
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if content, err = within("x/"+h.Name, content, change); err != nil {
			return err
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			return err
		}
		if _, err := w.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return zipped.Close()
}

// example is the one file of several without a time that a sentence shows: which one follows from their digests.
var example = regexp.MustCompile(`by whom is not proven: “[^”]*”`)

var digest = regexp.MustCompile(`"[0-9a-f]{16}"|[0-9a-f]{64}`)

// acts counts what a verdict rests on.
var acts = regexp.MustCompile(`the \d+ acts above`)

// withoutContent leaves out the reasons that join a file to a log by its content: the digest in the log is that of the file
// with its mark. How many acts there are then differs by these.
func withoutContent(t *testing.T, b []byte) []byte {
	t.Helper()
	var v event.Verdicts
	err := json.Unmarshal(b, &v)
	for i := range v.Servers {
		s := &v.Servers[i]
		s.Because = slices.DeleteFunc(s.Because, func(r event.Reason) bool { return r.Line == "tool present" })
		for k := range s.WouldChangeIt {
			s.WouldChangeIt[k] = acts.ReplaceAllString(s.WouldChangeIt[k], "the acts above")
		}
	}
	if err == nil {
		b, err = json.MarshalIndent(v, "", " ")
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMarkIsNotRead examines an exercise as it is and without its marks, the archives packed anew. What is told must be the
// same, but for the digests of files, and the identifiers that follow from them.
func TestMarkIsNotRead(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it examines an exercise twice")
	}
	estate := filepath.Join(t.TempDir(), "estate")
	o := exercise.Options{Dir: estate, Seed: 2, Scenario: "small", Noise: "small", Days: 10}
	if os.Getenv("WARDROUND_FULL") != "" {
		o = exercise.Options{Dir: estate, Seed: 2, Noise: "small"}
	}
	if _, err := exercise.Write(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	told := func() map[string]string {
		c := casefile.Options{Case: filepath.Join(t.TempDir(), "case"), Collections: []string{filepath.Join(estate, "collections")}, Inventory: filepath.Join(estate, "inventory.csv"),
			Changes: filepath.Join(estate, "changes.csv"), Addresses: []string{filepath.Join(estate, "addresses.csv")}, From: event.NoTime, Until: event.NoTime, Version: "test"}
		if _, err := casefile.Examine(t.Context(), c, &casefile.Status{}); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, name := range []string{"verdicts.json", "spread.json", "case.json"} {
			b, err := os.ReadFile(filepath.Join(c.Case, name))
			if err != nil {
				t.Fatal(err)
			}
			if name == "verdicts.json" {
				b = withoutContent(t, b)
			}
			out[name] = example.ReplaceAllString(digest.ReplaceAllString(string(b), `…`), `by whom is not proven`)
		}
		return out
	}
	with := told()
	files, marked := 0, 0
	root := filepath.Join(estate, "collections")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		changed, err := within(rel, data, func(b []byte) []byte {
			files++
			out := unmark(b)
			if !bytes.Equal(out, b) {
				marked++
			}
			return out
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, changed, 0o644); err != nil {
			return err
		}
		return os.Chtimes(name, info.ModTime(), info.ModTime())
	})
	if err != nil || marked < 100 {
		t.Fatalf("%d of %d files bore a mark; %v", marked, files, err)
	}
	without := told()
	if !strings.Contains(with["case.json"], `"exercise": true`) || !strings.Contains(without["case.json"], `"exercise": false`) {
		t.Error("the mark is not seen, or is seen without being there")
	}
	differ := 0
	for _, name := range []string{"verdicts.json", "spread.json"} {
		a, b := strings.Split(with[name], "\n"), strings.Split(without[name], "\n")
		for i := range max(len(a), len(b)) {
			if i >= len(a) || i >= len(b) || a[i] != b[i] {
				differ++
				from := max(0, i-8)
				t.Errorf("%s differs in line %d:\nwith    %.1500s\nwithout %.1500s", name, i+1, strings.Join(a[min(from, len(a)):min(i+3, len(a))], "\n"), strings.Join(b[min(from, len(b)):min(i+3, len(b))], "\n"))
				break
			}
		}
	}
	t.Logf("%d files without their marks: %d results differ", marked, differ)
}
