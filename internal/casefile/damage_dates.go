package casefile

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"strings"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/evidence"
)

// dates are when files changed, as the file system's own table, its journal or a listing tells that lies beside the scanned trees. Whoever writes a file
// can set its time of last change; these he must know of and take more trouble with.
type dates struct {
	at   map[uint64]dated // by the digest of a path in small letters, without its drive; and of its last three and two names
	full bool             // some paths found no room
	seed maphash.Seed
	buf  []byte
	from string // what the artifact at hand is
	slot int    // of the path in its records
	last *event.Schema
}

type dated struct {
	at   event.Time
	from string
	path uint64 // of the whole path; 0 where several end alike
}

// mostDates bounds the paths whose times are kept.
const mostDates = 3_000_000

// tellsDates are the kinds of artifact that tell when files changed, in words.
var tellsDates = map[string]string{"ntfs-mft": "the file system's own table ($MFT)", "ntfs-usn": "the file system's journal ($UsnJrnl)", "bodyfile": "a listing of the file system"}

// mayTellDates reports whether a name is one under which these are collected.
func mayTellDates(name string) bool {
	n := strings.ToLower(name)
	return strings.HasPrefix(n, "$mft") && !strings.Contains(n, "mirr") || n == "$j" || strings.Contains(n, "usnjrnl") || strings.HasSuffix(n, ".body") || strings.HasPrefix(n, "bodyfile") || n == "mft"
}

// datesBeside reads what lies in the folders that are named and in those above them; nil if there is nothing.
func datesBeside(ctx context.Context, roots []string) (*dates, error) {
	d := &dates{at: map[uint64]dated{}, seed: maphash.MakeSeed()}
	done := map[string]bool{}
	for _, r := range roots {
		abs, err := filepath.Abs(r)
		if err != nil {
			return nil, fmt.Errorf("open %q: %w", r, err)
		}
		for _, dir := range []string{abs, filepath.Dir(abs)} {
			list, err := os.ReadDir(dir)
			if err != nil || done[dir] {
				continue // a file; or the scan tells of it
			}
			done[dir] = true
			for _, e := range list {
				if e.Type().IsRegular() && mayTellDates(e.Name()) {
					if err := d.read(ctx, filepath.Join(dir, e.Name())); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	if len(d.at) == 0 {
		return nil, nil
	}
	return d, nil
}

func (d *dates) read(ctx context.Context, name string) error {
	c, err := evidence.Open(name, evidence.Options{})
	if err != nil {
		return nil // the scan tells of what cannot be read
	}
	defer c.Close()
	return c.Units(ctx, func(u evidence.Unit) error { return u.Read(ctx, d) })
}

// Begin implements evidence.Sink.
func (d *dates) Begin(a *event.Artifact) (evidence.Consumer, bool) {
	d.from = tellsDates[a.Kind]
	return d, d.from != ""
}

// End implements evidence.Sink.
func (d *dates) End(*event.Artifact) {}

// Progress implements evidence.Sink.
func (d *dates) Progress(int64) {}

// Want implements evidence.Consumer.
func (d *dates) Want(s *event.Schema) bool { return len(s.Lookup("TargetFilename")) > 0 }

// Take implements evidence.Consumer.
func (d *dates) Take(r *event.Record) {
	if d.last != r.Schema {
		d.last, d.slot = r.Schema, -1
		if at := r.Schema.Lookup("TargetFilename"); len(at) > 0 {
			d.slot = at[0]
		}
	}
	if d.slot < 0 || r.Time == event.NoTime || r.Schema.Source.Provider == "old name" {
		return
	}
	d.buf = r.Field(d.slot).AppendText(d.buf[:0])
	whole := plainPath(string(d.buf))
	path := maphash.String(d.seed, whole) | 1
	for _, p := range endsOf(whole) {
		k := maphash.String(d.seed, p)
		x, known := d.at[k]
		switch {
		case !known && len(d.at) >= mostDates:
			d.full = true
		case !known || x.path == path && r.Time > x.at:
			d.at[k] = dated{r.Time, d.from, path}
		case x.path != path:
			x.path = 0
			d.at[k] = x
		}
	}
}

// plainPath is a path as its file system has it: small letters, slashes, no drive.
func plainPath(path string) string {
	p := strings.ToLower(strings.ReplaceAll(path, `\`, "/"))
	if len(p) > 1 && p[1] == ':' {
		p = p[2:]
	}
	return strings.TrimLeft(p, "/.")
}

// endsOf are a path, its last three names and its last two: a tree may be a copy of any of its folders.
func endsOf(path string) []string {
	out := []string{path}
	end := len(path)
	for n := 1; n <= 3; n++ {
		if end = strings.LastIndexByte(path[:end], '/'); end < 0 {
			break
		}
		if n > 1 {
			out = append(out, path[end+1:])
		}
	}
	return out
}

// onto dates a damaged file, by the longest end of its path that is known of one file alone.
func (d *dates) onto(f *damage.File) {
	if d == nil || f.State == damage.Intact || f.State == damage.Unknown {
		return
	}
	whole := plainPath(f.Path)
	for p, more := whole, true; more; _, p, more = strings.Cut(p, "/") {
		if x, ok := d.at[maphash.String(d.seed, p)]; ok && x.path != 0 && strings.Contains(p, "/") {
			f.Since = x.at
			f.Reasons = append(f.Reasons, "when, by "+x.from+", which lies beside it")
			return
		}
	}
}

// tell says in a summary that not all files could be dated.
func (d *dates) tell(sum *damage.Summary) {
	if d != nil && d.full && sum != nil {
		sum.Problems = append(sum.Problems, fmt.Sprintf("what tells of times names more than %d paths: some files have the time of their last change alone", mostDates/3))
	}
}
