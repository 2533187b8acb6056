package casefile

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"wardround/internal/event"
)

// A manifest remembers the artifacts of one collection between runs: a line that says what they were read with, a line
// for each, and a last line if that was all of them.
type manifestLine struct {
	ReadKey  string          `json:"read_key,omitempty"`
	Artifact *event.Artifact `json:"artifact,omitempty"`
	Key      string          `json:"key,omitempty"`
	Whole    bool            `json:"whole,omitempty"`
}

func (r *run) manifest(c *collection) string {
	sum := sha256.Sum256([]byte(c.path))
	return filepath.Join(r.cache, "collection-"+hex.EncodeToString(sum[:8])+".jsonl")
}

// recall loads what an earlier run found in a collection, as far as it was read with the same rules and its facts are at
// hand. A manifest that is missing or broken is one that never was.
func (r *run) recall(c *collection) error {
	f, err := os.Open(r.manifest(c))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read cache: %w", err)
	}
	defer f.Close()
	d := json.NewDecoder(bufio.NewReaderSize(f, 256<<10))
	var line manifestLine
	if d.Decode(&line) != nil || line.ReadKey != r.in.readKey {
		return nil
	}
	c.known = map[string]*entry{}
	gone := false // the facts of an artifact are: it must be read again
	for {
		line = manifestLine{}
		if err := d.Decode(&line); err != nil {
			return nil
		}
		if line.Whole {
			c.whole = !gone
			return nil
		}
		var e entry
		if n, err := hex.Decode(e.key[:], []byte(line.Key)); err != nil || n != len(e.key) || line.Artifact == nil {
			return nil
		}
		e.artifact = *line.Artifact
		e.artifact.Modified = event.NoTime
		if _, ok := r.facts[e.key]; ok {
			c.known[strings.Clone(e.artifact.Path)] = &e
		} else if e.artifact.Records > 0 {
			gone = true
			continue
		}
		c.artifacts = append(c.artifacts, e)
	}
}

// remember writes a collection's manifest.
func (r *run) remember(c *collection) error {
	return replace(r.manifest(c), func(w io.Writer) error {
		put := func(l manifestLine) error {
			b, err := encode(l)
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		}
		if err := put(manifestLine{ReadKey: r.in.readKey}); err != nil {
			return err
		}
		var line []byte
		for i := range c.artifacts {
			line = appendEntry(line[:0], &c.artifacts[i])
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		if c.whole {
			return put(manifestLine{Whole: true})
		}
		return nil
	})
}
