package casefile

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"wardround/internal/event"
	"wardround/internal/evidence"
	"wardround/internal/match"
)

// run is one examination: what its workers share.
type run struct {
	in      *inputs
	program *match.Program
	corr    *match.Correlations
	grouped map[int][]string // by rule: the fields that correlations read of its hits
	telling map[string]bool  // names of fields that every finding keeps
	status  *Status
	cache   string               // folder
	watch   func() time.Duration // not nil: what rules cost is measured
	meter   *match.Meter
	key     []byte // of the hashes of people; nil: nobody looks at files
	ctx     context.Context

	mu    sync.Mutex
	facts map[factsKey]location // until merge
	err   error                 // the first that makes the case unwritable
	stop  context.CancelFunc
}

// fail notes an error after which nothing can be kept, and stops the run.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err == nil {
		r.err = err
		r.stop()
	}
}

func (r *run) learn(key factsKey, at location) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts[key] = at
}

// keyOf names the facts of an artifact: its bytes, the rules and the program that read it; and for logs whose lines do
// not tell all, what the reader takes from its path and its time.
func (r *run) keyOf(a *event.Artifact) factsKey {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%x\n%s\n%s\n%t\n", r.in.readKey, sha256.Sum256(r.key), a.SHA256, a.Kind, a.Exercise)
	if a.Kind != "evtx" {
		fmt.Fprintf(h, "%q %d\n", a.Path, a.Modified)
	}
	return factsKey(h.Sum(nil)[:16])
}

// keptOf returns what a finding of the rule keeps of records of a schema.
func (r *run) keptOf(s *event.Schema, rule int) *keptFields {
	list := r.program.FieldsOf(s, rule)
	for i, f := range s.Fields {
		if r.telling[f.Name] && !slices.Contains(list, i) {
			list = append(list, i)
		}
	}
	slices.Sort(list)
	k := &keptFields{rule: rule, source: s.Source, layouts: map[string]*layout{}}
	for _, i := range list {
		at := slices.Index(k.names, s.Fields[i].Name)
		if at < 0 {
			at = len(k.names)
			k.names, k.fields = append(k.names, s.Fields[i].Name), append(k.fields, nil)
		}
		k.fields[at] = append(k.fields[at], i)
	}
	k.names = append(k.names, recovered)
	for _, name := range r.grouped[rule] {
		k.names, k.grouped = append(k.names, correlated+name), append(k.grouped, r.program.FieldOf(s, rule, name))
	}
	return k
}

// collection is one collection of a case, with the artifacts found in it so far.
type collection struct {
	path  string // absolute
	name  string // as shown: see nameCollections
	given bool   // in this run

	mu        sync.Mutex
	artifacts []entry
	known     map[string]*entry // artifacts with facts of an earlier run, by path
	whole     bool              // all of it was read
}

// entry is an artifact and, once merged, where its facts are.
type entry struct {
	artifact event.Artifact
	key      factsKey
	at       location // none if it has no facts
}

// collect reads all collections that were given, or whose facts are not at hand.
func (r *run) collect(ctx context.Context, all []*collection) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	r.stop, r.ctx = stop, ctx
	var todo []*collection
	for _, c := range all {
		if err := r.recall(c); err != nil {
			return err
		}
		if c.given || !c.whole {
			c.artifacts = nil
			todo = append(todo, c)
		}
	}
	var size int64
	opened := map[*collection]*evidence.Collection{}
	for _, c := range todo {
		o, err := evidence.Open(c.path, r.in.evidence)
		if err != nil {
			if !c.given {
				err = fmt.Errorf("%w (it belongs to this case, and what was learned of it is gone or was learned with other rules: give it again)", err)
			}
			return &InputError{err}
		}
		defer o.Close()
		opened[c] = o
		size += o.Size(ctx)
	}
	r.status.total(size)
	return r.readAll(ctx, todo, opened)
}

// job is a unit of a collection.
type job struct {
	of   *collection
	unit evidence.Unit
}

// readAll shares the units of all collections among the workers.
func (r *run) readAll(ctx context.Context, todo []*collection, opened map[*collection]*evidence.Collection) error {
	jobs := make(chan job, 4*r.in.workers)
	var wg sync.WaitGroup
	for range r.in.workers {
		w, err := r.newWorker()
		if err != nil {
			close(jobs)
			wg.Wait()
			return err
		}
		wg.Go(func() { w.loop(ctx, jobs) })
	}
	var failed error
	for _, c := range todo {
		err := opened[c].Units(ctx, func(u evidence.Unit) error {
			select {
			case jobs <- job{c, u}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			failed = err
			break
		}
	}
	close(jobs)
	wg.Wait()
	if r.err != nil {
		return r.err
	}
	for _, c := range todo {
		c.whole = failed == nil && ctx.Err() == nil
		if err := r.remember(c); err != nil {
			return err
		}
	}
	return errors.Join(failed, ctx.Err())
}

func (r *run) newWorker() (*worker, error) {
	out, err := createSegment(r.cache)
	if err != nil {
		return nil, err
	}
	w := &worker{run: r, out: out, schemas: map[*event.Schema]*schemaState{}}
	if w.looker, err = newLooker(r.key, r.in.numbers, w.person); err != nil {
		return nil, err
	}
	if r.watch != nil {
		r.meter = w.scratch.Measure(r.program, r.watch)
	}
	return w, nil
}

func (w *worker) loop(ctx context.Context, jobs <-chan job) {
	for j := range jobs {
		if ctx.Err() != nil {
			continue // drain, so that nobody waits
		}
		w.unit(ctx, j)
	}
	if err := w.out.close(); err != nil {
		w.run.fail(fmt.Errorf("write cache: %w", err))
	}
}

// unit reads a unit. Where an artifact turns out to differ from what an earlier run knew at its place, the unit is read
// again without believing that.
func (w *worker) unit(ctx context.Context, j job) {
	w.of, w.force, w.reading = &collection{known: j.of.known}, false, false
	err := j.unit.Read(ctx, w)
	if err == nil && slices.ContainsFunc(w.of.artifacts, w.stale) {
		w.of, w.force = &collection{known: j.of.known}, true
		err = j.unit.Read(ctx, w)
	}
	if err != nil {
		return // interrupted: what has no End is not there
	}
	j.of.mu.Lock()
	defer j.of.mu.Unlock()
	j.of.artifacts = append(j.of.artifacts, w.of.artifacts...)
}

// stale reports whether an artifact was only hashed, and is not the one that was known at its place.
func (w *worker) stale(e entry) bool {
	known := w.of.known[e.artifact.Path]
	if known == nil || known.artifact.Kind != e.artifact.Kind || known.key == e.key {
		return false
	}
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	_, have := w.run.facts[e.key]
	return !have
}

// tidy removes segments of which nothing is used any more.
func (m *merged) tidy() error {
	used := map[string]bool{}
	for i := range m.entries {
		used[m.entries[i].at.segment] = true
	}
	names, err := filepath.Glob(filepath.Join(m.run.cache, "facts-*.seg"))
	if err != nil {
		return fmt.Errorf("tidy cache: %w", err)
	}
	for _, n := range names {
		if !used[filepath.Base(n)] {
			os.Remove(n)
		}
	}
	return nil
}

// nameCollections gives each collection the name that is shown: the base name of its path, and where two share that, as
// much of the path before it as tells them apart. It depends on the set alone, not on who came first.
func nameCollections(all []*collection) {
	parts := make([][]string, len(all))
	for i, c := range all {
		parts[i] = strings.Split(filepath.ToSlash(c.path), "/")
	}
	tail := func(i, n int) string { return strings.Join(parts[i][max(0, len(parts[i])-n):], "/") }
	for i, c := range all {
		n := 1
		for n < len(parts[i]) && slices.ContainsFunc(slices.Collect(indexes(all)), func(k int) bool { return k != i && tail(k, n) == tail(i, n) }) {
			n++
		}
		c.name = tail(i, n)
	}
}

func indexes[T any](s []T) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range s {
			if !yield(i) {
				return
			}
		}
	}
}
