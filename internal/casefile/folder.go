package casefile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// The files of a case folder: docs/format/case.md.
const (
	caseFile     = "case.json"
	evidenceFile = "evidence.jsonl"
	findingsFile = "findings.jsonl"
	verdictsFile = "verdicts.json"
	spreadFile   = "spread.json"
	reportFile   = "report.html"
	cacheFolder  = "cache"
)

// ErrBusy says that another process works on the case.
var ErrBusy = errors.New("another wardround is working on this case; wait for it, or stop it")

// ErrNoCase says that a folder holds no case.
var ErrNoCase = errors.New("no case here: run `wardround examine COLLECTION... --case DIR` first")

// openFolder makes the case folder and its cache, for the owner alone, and locks it.
func openFolder(dir string) (release func(), err error) {
	for _, d := range []string{dir, filepath.Join(dir, cacheFolder)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open case %q: %w", dir, err)
		}
	}
	release, err = lock(filepath.Join(dir, cacheFolder, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open case %q: %w", dir, err)
	}
	return release, nil
}

// encode writes a value as one line of JSON. What is not known is null: no text of the case's files is empty and known.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte(`:""`), []byte(`:null`)), nil
}

// encodePretty is encode for a file of one value, indented.
func encodePretty(v any) ([]byte, error) {
	line, err := encode(v)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = json.Indent(&b, line, "", " ")
	return b.Bytes(), err
}

// replace writes a file beside the one of that name and puts it in its place once it is whole on disk.
func replace(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return fmt.Errorf("write %q: %w", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %q: %w", path, err)
		}
	}()
	w := bufio.NewWriterSize(f, 256<<10)
	if err := write(w); err != nil {
		return err
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// replaceJSON writes a file of one value.
func replaceJSON(path string, v any) error {
	return replace(path, func(w io.Writer) error {
		b, err := encodePretty(v)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	})
}

// caseInfo is case.json: who, when, and what the other files are functions of.
type caseInfo struct {
	Format      int                `json:"format"`
	Name        string             `json:"name"`
	Updated     string             `json:"updated"`
	Zone        string             `json:"zone"`
	Version     string             `json:"version"`
	Exercise    bool               `json:"exercise"`
	Digests     map[string]*string `json:"digests"`
	Flags       map[string]any     `json:"flags"`
	Collections []caseCollection   `json:"collections"`
	Problems    []string           `json:"problems"`
}

// caseCollection is a collection of the case, and where it was when it was last read.
type caseCollection struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// readInfo reads case.json; a folder without one is a new case.
func readInfo(dir string) (*caseInfo, error) {
	b, err := os.ReadFile(filepath.Join(dir, caseFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoCase
	}
	if err != nil {
		return nil, fmt.Errorf("open case %q: %w", dir, err)
	}
	var c caseInfo
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("open case %q: case.json is broken: %w; restore it, or give all collections again with a new --case", dir, err)
	}
	return &c, nil
}
