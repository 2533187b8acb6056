package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// maxFolders is how deep folders are followed.
const maxFolders = 500

// file is what stands on disk.
type file struct {
	name     string // from the collection's folder, as the file system has it
	at       spot
	mode     fs.FileMode
	size     int64
	modified time.Time
	err      error // why it cannot be looked at
}

// loose is the collection's own file.
func (c *Collection) loose() file {
	return file{at: newLoose(c.Name()), size: c.size}
}

// walk yields what stands in the folder in the order of names, component by component. Links are yielded, not
// followed. Without a holder no spots are worked out. Its errors are those of yield and of the context. Memory holds the
// entries of a folder and of those above it.
func (c *Collection) walk(ctx context.Context, h *holder, yield func(file) error) error {
	return c.walkFolder(ctx, ".", h, 0, yield)
}

func (c *Collection) walkFolder(ctx context.Context, dir string, h *holder, depth int, yield func(file) error) error {
	entries, err := c.list(dir)
	if depth > maxFolders {
		entries, err = nil, fmt.Errorf("folder lies deeper than %d folders", maxFolders)
	}
	if err != nil {
		if err := yield(c.broken(h, dir, err)); err != nil {
			return err
		}
	}
	if h != nil {
		if host, ok := c.velociraptor(dir, entries); ok {
			mark := strings.TrimPrefix(path.Join("/", dir), "/")
			h.marks[mark] = host
			defer delete(h.marks, mark)
		}
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(dir, e.Name())
		if e.IsDir() {
			if err := c.walkFolder(ctx, name, h, depth+1, yield); err != nil {
				return err
			}
			continue
		}
		if err := yield(c.look(h, name, e)); err != nil {
			return err
		}
	}
	return nil
}

// list returns the entries of a folder in the order of their names, as many as can be read.
func (c *Collection) list(dir string) ([]fs.DirEntry, error) {
	f, err := c.folder.OpenFile(dir, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// look describes an entry of a folder. Listing a folder below a root looks at each entry, so that nothing is opened for it again.
func (c *Collection) look(h *holder, name string, e fs.DirEntry) file {
	f := file{name: name, at: c.standing(h, name)}
	info, err := e.Info()
	if err != nil {
		f.err = bare(err)
		return f
	}
	f.mode, f.size, f.modified = info.Mode(), info.Size(), info.ModTime()
	return f
}

// broken stands for a folder that cannot be listed: what is in it is not known.
func (c *Collection) broken(h *holder, dir string, err error) file {
	return file{name: dir, at: c.standing(h, dir), mode: fs.ModeDir, err: fmt.Errorf("list folder: %w", bare(err))}
}

func (c *Collection) standing(h *holder, name string) spot {
	if h == nil {
		return spot{}
	}
	clean := toValid(name)
	at := h.spot(clean)
	if clean != name {
		at.notes = append(at.notes, storedAs(name))
	}
	return at
}

// open opens a file of the collection for reading. It opens nothing but regular files, whatever stands there by now.
func (c *Collection) open(f file) (*os.File, fs.FileInfo, error) {
	var (
		h   *os.File
		err error
	)
	if c.folder == nil {
		h, err = os.OpenFile(c.path, os.O_RDONLY|nonBlock, 0)
	} else {
		h, err = c.openBelow(f.name)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open: %w", bare(err))
	}
	info, err := h.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("became something else than a file in the meantime")
	}
	if err != nil {
		h.Close()
		return nil, nil, fmt.Errorf("open: %w", bare(err))
	}
	return h, info, nil
}

// openBelow opens a file of the folder. The folders in which the last files stood stay open, so that a path is not followed again
// for each of the files that lie beside each other.
func (c *Collection) openBelow(name string) (*os.File, error) {
	dir, base := path.Split(name)
	if dir != "" {
		if near := c.near(dir); near != nil {
			if h, err := near.OpenFile(base, os.O_RDONLY|nonBlock, 0); err == nil {
				return h, nil
			}
		}
	}
	return c.folder.OpenFile(name, os.O_RDONLY|nonBlock, 0)
}

// nearFolders is how many folders stay open: more than there are workers, whose files lie in one folder or two.
const nearFolders = 16

// nearFolder is a folder that stays open.
type nearFolder struct {
	dir  string
	root *os.Root
}

// near is the opened folder of a name, nil if it cannot be opened as one.
func (c *Collection) near(dir string) *os.Root {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.nears {
		if n := &c.nears[i]; n.dir == dir {
			return n.root
		}
	}
	root, err := c.folder.OpenRoot(dir + ".") // a pipe that took the folder's place is no folder, and is not waited for
	if err != nil {
		return nil
	}
	if len(c.nears) < nearFolders {
		c.nears = append(c.nears, nearFolder{dir, root})
		return root
	}
	c.nears[c.oldest].root.Close()
	c.nears[c.oldest] = nearFolder{dir, root}
	c.oldest = (c.oldest + 1) % nearFolders
	return root
}

// bare drops the path from an error of the file system: it stands in the artifact, and this machine's is of no use.
func bare(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// velociraptor reports whether Velociraptor wrote a folder, and which computer client_info.json in it names.
func (c *Collection) velociraptor(dir string, entries []fs.DirEntry) (host string, ok bool) {
	var parts, beside, info bool
	for _, e := range entries {
		parts = parts || (e.Name() == "uploads" || e.Name() == "results") && e.IsDir()
		beside = beside || velociraptorFiles[e.Name()] && e.Type().IsRegular()
		info = info || e.Name() == clientInfo && e.Type().IsRegular()
	}
	if !parts || !beside {
		return "", false
	}
	if info {
		if f, _, err := c.open(file{name: path.Join(dir, clientInfo)}); err == nil {
			defer f.Close()
			host = clientHost(f)
		}
	}
	return host, true
}

// clientInfo names the computer in a Velociraptor collection; velociraptorFiles stand beside its folders uploads and
// results.
const clientInfo = "client_info.json"

var velociraptorFiles = words(`client_info.json collection_context.json uploads.json`)

// clientHost reads the computer's name out of client_info.json, "" if there is none.
func clientHost(r io.Reader) string {
	var info struct {
		Hostname string
		Fqdn     string
	}
	if json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(&info) != nil {
		return ""
	}
	if info.Hostname == "" {
		info.Hostname = info.Fqdn
	}
	if !isComputer(info.Hostname) {
		return ""
	}
	return info.Hostname
}
