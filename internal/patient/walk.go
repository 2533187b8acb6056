package patient

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
)

// job is one file on disk. Its results go to done when all are there, so that they come out in the order of the files.
type job struct {
	open   func() (*os.File, error)
	path   string // as shown
	folder string
	done   chan []File
}

// maxResults bounds what is held of one archive's entries until its turn comes.
const maxResults = 100_000

// all walks the paths and examines their files by several workers.
func (r *run) all(ctx context.Context, paths []string, yield func(File) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	jobs, order := make(chan *job), make(chan *job, 64*r.o.Workers)
	var workers sync.WaitGroup
	for range r.o.Workers {
		workers.Go(func() {
			w := &worker{run: r, ctx: ctx, hasher: newHasher(r.o.Key)}
			for j := range jobs {
				j.done <- w.file(j)
			}
		})
	}
	walked := make(chan error, 1)
	go func() {
		defer close(order)
		defer close(jobs)
		walked <- r.walk(ctx, paths, func(j *job) error {
			j.done = make(chan []File, 1)
			for _, to := range []chan *job{order, jobs} {
				select {
				case to <- j:
				case <-ctx.Done():
					j.done <- nil
					return ctx.Err()
				}
			}
			return nil
		})
	}()
	var failed error
	for j := range order {
		for _, f := range <-j.done {
			if failed == nil {
				if failed = yield(f); failed != nil {
					stop()
				}
			}
		}
	}
	workers.Wait()
	return errors.Join(failed, ignoreCancel(failed, <-walked), ignoreCancel(failed, ctx.Err()))
}

// ignoreCancel leaves out that a walk was stopped because of another error.
func ignoreCancel(failed, err error) error {
	if failed != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *run) walk(ctx context.Context, paths []string, yield func(*job) error) error {
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			r.problem(p, reason(err))
			continue
		}
		if !info.IsDir() {
			if !info.Mode().IsRegular() {
				r.skip()
				continue
			}
			if err := yield(&job{open: func() (*os.File, error) { return os.Open(p) }, path: filepath.ToSlash(p), folder: path.Dir(filepath.ToSlash(p))}); err != nil {
				return err
			}
			continue
		}
		if err := r.walkFolder(ctx, p, yield); err != nil {
			return err
		}
	}
	return nil
}

// walkFolder walks below a folder through os.Root, so that nothing outside it is opened whatever changes meanwhile.
func (r *run) walkFolder(ctx context.Context, dir string, yield func(*job) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		r.problem(filepath.ToSlash(dir), reason(err))
		return nil
	}
	// The root stays open: jobs open their files later. It is one handle for each path that was given.
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		shown := path.Join(filepath.ToSlash(dir), name)
		switch {
		case err != nil:
			r.problem(shown, reason(err))
			return nil
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			r.skip()
			return nil
		}
		return yield(&job{open: func() (*os.File, error) { return root.Open(name) }, path: shown, folder: path.Dir(shown)})
	})
}

// reason tells an error of the file system without the path that it quotes.
func reason(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read it"
	case errors.Is(err, fs.ErrNotExist):
		return "it is not there any more"
	}
	return "cannot be read"
}

// worker examines files, one after the other.
type worker struct {
	run    *run
	ctx    context.Context
	hasher *hasher

	folder  string
	results []File
	budget  budget // of the file on disk
	large   bool   // it holds run.large
}

// file examines one file on disk.
func (w *worker) file(j *job) []File {
	w.folder, w.results = j.folder, nil
	if w.ctx.Err() != nil {
		return nil
	}
	f, err := j.open()
	if err != nil {
		w.run.problem(j.path, reason(err))
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		w.run.skip()
		return nil
	}
	w.budget = budget{limits: w.run.o.Limits, packed: info.Size()}
	w.examine(newContent(j.path, io.NewSectionReader(f, 0, info.Size()), f, info.Size(), w.ctx), 0)
	return w.results
}

// base is the last part of a path, in archives too.
func base(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }
