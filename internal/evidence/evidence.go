package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"wardround/internal/event"
	"wardround/internal/xz"
)

// ErrNotCollection says that a path is neither a file nor a folder.
var ErrNotCollection = errors.New("neither a file nor a folder; take an image of a device first and examine the image")

// ErrLimit says that an archive goes past Options.Limits.
var ErrLimit = xz.ErrLimit

// ErrUnsupported says that an archive is recognised but cannot be unpacked here.
var ErrUnsupported = xz.ErrUnsupported

// Sink takes what a Unit holds. Each worker has its own. Begin and End never nest: between them the artifact's events
// go to the Consumer.
//
// What has no content to read (an archive itself, a link, a device, a file that cannot be opened) comes with End alone.
// An artifact that was begun and has no End was interrupted: nothing may be kept of it.
type Sink interface {
	// Begin announces an artifact; Collection, Path, Root, Hint and Kind are known. If read is no, it is only hashed.
	Begin(a *event.Artifact) (c Consumer, read bool)
	// End hands over all facts of an artifact. The sink may keep it.
	End(a *event.Artifact)
	// Progress tells that so many bytes more of the collection on disk are dealt with. Over all units they add up to
	// Size, unless files changed in the meantime.
	Progress(bytes int64)
}

// Looker is a Sink that also looks at the content of files of which no reader knows events: documents, images, databases,
// what has no known form. Look comes between Begin and End, and only where Begin said read.
type Looker interface {
	Sink
	Look(a *event.Artifact, c Content)
}

// Content is what a Looker is given of an artifact. It is valid until Look returns.
type Content struct {
	Changed event.Time // last change, where an archive keeps it; NoTime otherwise, since a copy has a time of its own
	// At gives random access to the first bytes of the artifact. Where it lies in a stream, that is at most LookBytes, and whole says whether
	// that is all.
	At func() (r io.ReaderAt, size int64, whole bool, err error)
}

// LookBytes is how much of an artifact that lies in a stream is copied for a Looker.
const LookBytes = 64 << 20

// OnItsSystem makes of an artifact's path the one that the file had on its own system, as far as the layout tells, with slashes.
func OnItsSystem(path string) string {
	name, _ := onItsSystem(path)
	return strings.ReplaceAll(name, `\`, "/")
}

// Collection is an opened file, folder or archive. It is safe for use by several goroutines.
type Collection struct {
	name    string
	path    string
	opt     Options
	readers []reader
	folder  *os.Root // nil for a file
	size    int64    // of a file

	mu     sync.Mutex
	nears  []nearFolder // folders that stay open
	oldest int          // of nears
}

// Open opens the collection at path, which may be a symbolic link. Only what is wrong with the path itself is an
// error here: fs.ErrNotExist, fs.ErrPermission or ErrNotCollection. What is wrong inside stands with the artifacts.
func Open(path string, opt Options) (*Collection, error) {
	return open(path, opt, readers)
}

func open(path string, opt Options, readers []reader) (*Collection, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open evidence %q: %w", path, explain(err))
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open evidence %q: %w", path, err)
	}
	opt.Limits = opt.Limits.OrDefault()
	c := &Collection{name: filepath.Base(abs), path: abs, opt: opt, readers: readers}
	switch {
	case info.IsDir():
		if c.folder, err = os.OpenRoot(abs); err != nil {
			return nil, fmt.Errorf("open evidence %q: %w", path, explain(err))
		}
	case info.Mode().IsRegular():
		f, err := os.Open(abs)
		if err != nil {
			return nil, fmt.Errorf("open evidence %q: %w", path, explain(err))
		}
		f.Close()
		c.size = info.Size()
	default:
		return nil, fmt.Errorf("open evidence %q: %w", path, ErrNotCollection)
	}
	return c, nil
}

// explain adds the remedy to the two mistakes that people make with a path.
func explain(err error) error {
	var p *fs.PathError
	if !errors.As(err, &p) {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; check the path, and that the disk or share is mounted", p.Err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; run as a user who may read it, or copy it and examine the copy", p.Err)
	}
	return p.Err
}

// Close releases the folder. Units may not be read afterwards.
func (c *Collection) Close() error {
	if c.folder == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range c.nears {
		n.root.Close()
	}
	c.nears = nil
	return c.folder.Close()
}

// Name is the base name of the path, as evidence.jsonl shows it.
func (c *Collection) Name() string { return toValid(c.name) }

// Size is the number of bytes that the collection occupies on disk. Of a folder it is counted by a walk, which stops
// early when the context is done; what cannot be looked at counts nothing.
func (c *Collection) Size(ctx context.Context) (sizeBytes int64) {
	if c.folder == nil {
		return c.size
	}
	// The walk only fails when the context is done.
	_ = c.walk(ctx, nil, func(f file) error {
		if f.mode.IsRegular() {
			sizeBytes += f.size
		}
		return nil
	})
	return sizeBytes
}

// Unit is a part of a collection that can be read on its own: a file, an entry of a zip archive, or the hash of such
// an archive. It stays valid until the collection is closed.
type Unit struct {
	Path string // of its first artifact
	Size int64  // bytes on disk, to share out work by
	of   *Collection
	read func(*pass) error
}

// Read reads all artifacts of the unit. The only errors are those of the context: all else stands with the artifacts.
func (u Unit) Read(ctx context.Context, sink Sink) error {
	return u.read(&pass{ctx: ctx, sink: sink, c: u.of})
}

// Units yields the parts of the collection, files of a folder in the order of their names, component by component,
// entries of an archive in the order in which they are stored. It stops with the first error that yield returns, or
// that of the context.
func (c *Collection) Units(ctx context.Context, yield func(Unit) error) error {
	mine := func(u Unit) error {
		u.of = c
		return yield(u)
	}
	if c.folder == nil {
		return c.fileUnits(ctx, c.loose(), mine)
	}
	return c.walk(ctx, newFolder(c.name), func(f file) error { return c.fileUnits(ctx, f, mine) })
}

// OrDefault fills in what is not set.
func (l Limits) OrDefault() Limits {
	d := DefaultLimits
	return Limits{cmp.Or(l.Depth, d.Depth), cmp.Or(l.Entries, d.Entries), cmp.Or(l.Bytes, d.Bytes), cmp.Or(l.Ratio, d.Ratio)}
}

// pass is one reading of one unit.
type pass struct {
	ctx  context.Context
	sink Sink
	c    *Collection

	unpacked int64 // bytes that came out of decompression, at all depths
	most     int64 // what unpacked may come to
	entries  int   // of archives, at all depths
}

// facts begins the description of what stands at a place.
func (c *Collection) facts(at spot) *event.Artifact {
	return &event.Artifact{
		Collection: c.Name(), Path: at.path, Root: at.root, Hint: at.hint,
		Damaged: []event.Damage{}, Servers: []event.Seen{}, Holes: [][2]uint64{}, Notes: append([]string{}, at.notes...),
	}
}

// modTime is the zero time where there is none: archives write 1970 or 1980 for "not known".
func modTime(t time.Time) time.Time {
	if t.Year() <= 1980 {
		return time.Time{}
	}
	return t
}
