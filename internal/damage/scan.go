package damage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"wardround/internal/event"
)

// The bounds of a scan. Everything else that it holds is one folder's list of names, and a buffer for each worker.
const (
	mostWorkers = 8
	mostDepth   = 200
	mostWaiting = 128 // files opened and not yet told, in all
)

// Scan walks trees read-only and calls each with every file, in the order of paths. Links are not followed; devices, pipes and sockets are not opened.
func Scan(ctx context.Context, o Options, each func(*File) error) (*Summary, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &scan{o: o, ctx: ctx, sum: NewSummary(), jobs: make(chan *task), order: make(chan *task, mostWaiting)}
	for _, r := range o.Roots {
		if _, err := os.Lstat(r); err != nil {
			return nil, fmt.Errorf("open %q: %w", r, err)
		}
	}
	if o.Before != "" {
		if _, err := os.Stat(o.Before); err != nil {
			return nil, fmt.Errorf("open the past %q: %w", o.Before, err)
		}
	}
	if err := s.survey(); err != nil {
		return nil, err
	}
	n := o.Workers
	if n <= 0 {
		n = runtime.GOMAXPROCS(0)
	}
	var workers sync.WaitGroup
	for range min(n, mostWorkers) {
		workers.Go(s.work)
	}
	walked := make(chan error, 1)
	go func() {
		walked <- s.walk()
		close(s.jobs)
		close(s.order)
	}()
	err := s.tell(each, stop)
	workers.Wait()
	if err = errors.Join(err, <-walked); err != nil {
		return nil, err
	}
	s.sum.Finish()
	return s.sum, nil
}

type scan struct {
	o     Options
	ctx   context.Context
	sum   *Summary
	names crowds
	jobs  chan *task
	order chan *task
}

// task is a file on its way through the workers to the teller.
type task struct {
	file     File
	now, was *os.File
	info     fs.FileInfo
	past     fs.FileInfo
	base     string // name now
	oldBase  string
	fixed    bool // nothing is left to judge
	done     chan struct{}
}

// tell hands results on in the order of the walk.
func (s *scan) tell(each func(*File) error, stop context.CancelFunc) error {
	var failed error
	for t := range s.order {
		<-t.done
		if failed != nil || s.ctx.Err() != nil {
			continue
		}
		if s.o.Who != nil {
			s.o.Who(&t.file)
		}
		s.sum.Add(&t.file)
		if failed = each(&t.file); failed != nil {
			stop()
		}
	}
	if failed == nil {
		failed = s.ctx.Err()
	}
	return failed
}

func (s *scan) work() {
	w := &worker{names: &s.names}
	for t := range s.jobs {
		if s.ctx.Err() == nil {
			w.judge(t)
		}
		t.close()
		close(t.done)
	}
}

func (t *task) close() {
	for _, f := range []*os.File{t.now, t.was} {
		if f != nil {
			f.Close()
		}
	}
}

// put sends a task on its way.
func (s *scan) put(t *task) error {
	t.done = make(chan struct{})
	if t.fixed {
		close(t.done)
	}
	select {
	case s.order <- t:
	case <-s.ctx.Done():
		t.close()
		return s.ctx.Err()
	}
	if !t.fixed {
		s.jobs <- t // workers drain it to the end
	}
	return nil
}

// walk goes through all roots, each beside its past.
func (s *scan) walk() error {
	for _, r := range s.o.Roots {
		if err := s.root(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) root(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return fmt.Errorf("open %q: %w", name, err)
	}
	label := filepath.ToSlash(filepath.Clean(name))
	if !info.IsDir() {
		dir, err := os.OpenRoot(filepath.Dir(name))
		if err != nil {
			return fmt.Errorf("open %q: %w", name, err)
		}
		defer dir.Close()
		return s.lone(dir, filepath.Base(name), label)
	}
	now, err := os.OpenRoot(name)
	if err != nil {
		return fmt.Errorf("open %q: %w", name, err)
	}
	defer now.Close()
	var was *os.Root
	if s.o.Before != "" {
		before := s.o.Before
		if len(s.o.Roots) > 1 {
			before = filepath.Join(before, filepath.Base(filepath.Clean(name)))
		}
		if was, err = os.OpenRoot(before); err != nil {
			if len(s.o.Roots) == 1 {
				return fmt.Errorf("open the past %q: %w", before, err)
			}
			s.sum.problem("the past has no %q", filepath.Base(before))
		} else {
			defer was.Close()
		}
	}
	return s.folder(now, was, label, 0)
}

// lone judges a file that was named itself; --before is then its earlier version or the folder that has it.
func (s *scan) lone(dir *os.Root, base, label string) error {
	t := &task{base: base, oldBase: base}
	t.file.Path = printablePath(label)
	s.open(t, dir, base)
	if s.o.Before != "" && !t.fixed {
		before := s.o.Before
		if info, err := os.Stat(before); err == nil && info.IsDir() {
			before = filepath.Join(before, base)
		}
		if past, err := os.OpenRoot(filepath.Dir(before)); err == nil {
			defer past.Close()
			s.openPast(t, past, filepath.Base(before))
		}
	}
	return s.put(t)
}

// folder walks one folder beside the same of the past. Either may be nil, not both.
func (s *scan) folder(now, was *os.Root, label string, depth int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if depth > mostDepth {
		s.sum.problem("%s: folders below are nested too deep and not looked at", printablePath(label))
		return nil
	}
	here, past := s.list(now, label), s.list(was, label+" (past)")
	pairs := matchNames(here, past)
	for _, p := range pairs {
		if p.isDir() {
			if err := s.below(now, was, p, label, depth); err != nil {
				return err
			}
			continue
		}
		if err := s.put(s.taskOf(now, was, p, label)); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) below(now, was *os.Root, p match, label string, depth int) error {
	sub := path.Join(label, p.name())
	var a, b *os.Root
	var err error
	if p.now != nil {
		if a, err = now.OpenRoot(p.now.Name()); err != nil {
			s.sum.problem("%s: %v", printablePath(sub), err)
		} else {
			defer a.Close()
		}
	}
	if p.was != nil {
		if b, err = was.OpenRoot(p.was.Name()); err != nil {
			s.sum.problem("%s (past): %v", printablePath(sub), err)
		} else {
			defer b.Close()
		}
	}
	if a == nil && b == nil || a == nil && p.now != nil {
		return nil
	}
	return s.folder(a, b, sub, depth+1)
}

// list is a folder's entries by name; none for a folder that is not there.
func (s *scan) list(dir *os.Root, label string) []fs.DirEntry {
	if dir == nil {
		return nil
	}
	f, err := dir.Open(".")
	if err != nil {
		s.sum.problem("%s: %v", printablePath(label), err)
		return nil
	}
	defer f.Close()
	list, err := f.ReadDir(-1)
	if err != nil {
		s.sum.problem("%s: %v", printablePath(label), err)
	}
	slices.SortFunc(list, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return list
}

// taskOf opens what a match names.
func (s *scan) taskOf(now, was *os.Root, p match, label string) *task {
	t := &task{base: p.name(), oldBase: p.name()}
	t.file.Path = printablePath(path.Join(label, p.name()))
	if p.was != nil {
		t.oldBase = p.was.Name()
		if p.now != nil && p.now.Name() != p.was.Name() {
			name := printablePath(path.Join(label, p.was.Name()))
			t.file.Was = &name
		}
	}
	if p.now == nil {
		t.deleted(p.was)
		return t
	}
	if !p.now.Type().IsRegular() {
		t.fix(Unknown, Unsure, "%s, not opened", kindOfEntry(p.now))
		return t
	}
	s.open(t, now, p.now.Name())
	if p.was != nil && !t.fixed {
		if !p.was.Type().IsRegular() {
			t.file.Reasons = append(t.file.Reasons, "the past has "+kindOfEntry(p.was)+" of its name")
			return t
		}
		s.openPast(t, was, p.was.Name())
	}
	return t
}

func (t *task) fix(st State, c Confidence, format string, args ...any) {
	t.fixed = true
	t.file.State, t.file.Confidence, t.file.Since = st, c, event.NoTime
	t.file.Reasons = []string{fmt.Sprintf(format, args...)}
}

func (t *task) deleted(e fs.DirEntry) {
	t.fix(Deleted, Proven, "the past has it and the tree does not")
	if info, err := e.Info(); err == nil {
		t.file.Bytes = info.Size()
	}
	says := "its earlier version is in the past that was named"
	t.file.Recoverable = &says
}

func kindOfEntry(e fs.DirEntry) string {
	switch m := e.Type(); {
	case m&fs.ModeSymlink != 0:
		return "a symbolic link"
	case m&fs.ModeDevice != 0:
		return "a device"
	case m&fs.ModeNamedPipe != 0:
		return "a pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "no regular file"
}

// open opens a file for reading, and never one that stopped being regular since it was listed.
func (s *scan) open(t *task, dir *os.Root, name string) {
	f, err := dir.OpenFile(name, openFlags, 0)
	if err != nil {
		t.fix(Unknown, Unsure, "it cannot be opened: %v", unwrapPath(err))
		return
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		t.fix(Unknown, Unsure, "no regular file, not read")
		return
	}
	t.now, t.info = f, info
}

func (s *scan) openPast(t *task, dir *os.Root, name string) {
	f, err := dir.OpenFile(name, openFlags, 0)
	if err != nil {
		t.file.Reasons = append(t.file.Reasons, fmt.Sprintf("its past cannot be opened: %v", unwrapPath(err)))
		return
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		f.Close()
		return
	}
	t.was, t.past = f, info
}

// unwrapPath leaves out the path, which the line has.
func unwrapPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// printablePath writes a path so that it is UTF-8 and nothing of it moves a terminal's cursor.
func printablePath(p string) string {
	var out strings.Builder
	for i, r := range p {
		switch {
		case r == '�' && !strings.HasPrefix(p[i:], "�"):
			fmt.Fprintf(&out, `\x%02x`, p[i])
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029:
			fmt.Fprintf(&out, `\u%04x`, r)
		case r == '\\':
			out.WriteString(`\\`)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}
