// Package exercise makes a hospital that does not exist: its servers, weeks of their ordinary work, an intruder who goes
// through some of them, and the truth about it all.
//
// An estate is planned first: servers, people, and acts. An act, ordinary or not, knows which servers it touches and
// leaves its traces on each, in every log that would have them on a real one; the functions that write traces are named
// after what happened (remoteService, clears, ssh) and know nothing of detection. Then each server is written on its own,
// in the layout in which somebody would have collected it. Chances are drawn per act, so the same seed gives the same
// bytes, and one server can be written without the others.
//
// Nothing here works as malware: droppers are lines of text under the right names. Everything carries the open mark,
// event.ExerciseMark, so that nobody can take it for a real case.
package exercise

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"wardround/internal/event"
)

// Options choose the exercise.
type Options struct {
	Dir      string // where it is written; must not exist, or be empty
	Seed     uint64
	Scenario string // name of one that comes with the program, or a file; "" means aiims-like
	Servers  int    // listed servers; 0 means as many as the scenario has
	Days     int    // of logs before the incident; 0 means 30
	Noise    string // small, real or heavy; "" means real
	Workers  int    // servers written at once; 0 means as many as there are processors
}

// noises are how much ordinary work there is: the events of bulk of a busy server in a day, in parts of real's.
var noises = map[string]float64{"small": 0, "real": 1, "heavy": 4}

// Summary tells what was written.
type Summary struct {
	Scenario  string
	Servers   int // listed
	Collected int
	Files     int
	Events    int64 // of Windows
	Bytes     int64
	From, To  event.Time
	Idle      []string // what the scenario says that has no effect
}

// ErrNotEmpty says that there is something in the folder that is to hold the exercise.
var ErrNotEmpty = errors.New("the folder is not empty: name a new one, or empty it first")

// ErrOptions says that an exercise cannot be made as asked.
var ErrOptions = errors.New("no such exercise")

// Write makes the exercise. The same options give the same bytes, with any number of workers.
func Write(ctx context.Context, o Options) (*Summary, error) {
	sc, err := o.complete()
	if err != nil {
		return nil, err
	}
	if _, err := tableOf(); err != nil {
		return nil, err
	}
	if list, err := os.ReadDir(o.Dir); err == nil && len(list) > 0 {
		return nil, fmt.Errorf("write exercise to %q: %w", o.Dir, ErrNotEmpty)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write exercise: %w", err)
	}
	w := &writer{ctx: ctx, dir: o.Dir, hub: map[int][]textEntry{}}
	w.sum.Scenario, w.sum.Idle = sc.Name, sc.idle
	e := newEstate(o, sc)
	w.servers(o, sc)
	for i := range e.servers {
		e.hub = append(e.hub, w.hub[i]...)
		if !e.servers[i].unlisted {
			w.sum.Servers++
		}
	}
	w.put(file{path: "collections/syslog-hub/remote.log", data: e.hubLog(), modified: e.to})
	w.table(e, "inventory.csv", e.inventoryCSV)
	w.table(e, "changes.csv", e.changesCSV)
	w.table(e, "addresses.csv", e.addressesCSV)
	w.table(e, "truth.json", e.truthJSON)
	w.sum.From, w.sum.To = e.from, e.to
	return &w.sum, w.err
}

// complete sets what was left open and refuses what cannot be made.
func (o *Options) complete() (*scenario, error) {
	sc, err := openScenario(cmp.Or(o.Scenario, "aiims-like"))
	if err != nil {
		return nil, err
	}
	o.Servers, o.Days, o.Noise, o.Workers = cmp.Or(o.Servers, sc.Estate.Servers), cmp.Or(o.Days, 30), cmp.Or(o.Noise, "real"), cmp.Or(o.Workers, runtime.GOMAXPROCS(0))
	named := 0
	for _, s := range sc.Servers {
		if s.Listed == nil || *s.Listed {
			named++
		}
	}
	_, noisy := noises[o.Noise]
	switch {
	case o.Servers < named || o.Servers > 500:
		return nil, fmt.Errorf("%w: %d servers; scenario %s needs %d, and 500 are the most", ErrOptions, o.Servers, sc.Name, named)
	case o.Days < 10 || o.Days > 120:
		return nil, fmt.Errorf("%w: %d days; from 10 to 120", ErrOptions, o.Days)
	case !noisy:
		return nil, fmt.Errorf("%w: noise %q; small, real or heavy", ErrOptions, o.Noise)
	}
	for _, st := range sc.Steps {
		if m, err := readMoment(st.At); err == nil && -m.day > o.Days-2 {
			return nil, fmt.Errorf("%w: %d days; scenario %s begins %d days before the incident", ErrOptions, o.Days, sc.Name, -m.day)
		}
	}
	return sc, nil
}

// writer keeps the first error.
type writer struct {
	ctx context.Context
	dir string

	mu  sync.Mutex
	hub map[int][]textEntry // what each server sent to the syslog hub
	sum Summary
	err error
}

// servers writes all servers. Each worker plans the estate for itself, because a server that is being written keeps its
// traces in the plan; all plans are equal.
func (w *writer) servers(o Options, sc *scenario) {
	next := make(chan int)
	var done sync.WaitGroup
	for range max(o.Workers, 1) {
		done.Go(func() {
			e := newEstate(o, sc)
			for i := range next {
				w.server(e, i)
			}
		})
	}
	for i := range newEstate(o, sc).servers {
		next <- i
	}
	close(next)
	done.Wait()
}

// server plays and writes one server, and forgets its traces.
func (w *writer) server(e *estate, i int) {
	s := e.servers[i]
	if s.layout == nil && !s.unlisted || w.stopped() {
		return
	}
	s.logs, s.texts, s.tick, e.hub = map[string]*winLog{}, map[string]*textLog{}, 0, nil
	e.play(s)
	defer func() { s.logs, s.texts = nil, nil }()
	var files []file
	var err error
	events := 0
	if s.layout != nil {
		if files, err = s.files(); err == nil {
			files, err = s.layout.place(s, files)
		}
		for _, l := range s.logs {
			events += len(l.entries)
		}
	}
	w.mu.Lock()
	w.hub[i] = e.hub
	w.sum.Events += int64(events)
	if s.layout != nil {
		w.sum.Collected++
	}
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("write %s: %w", s.name, err))
	}
	w.mu.Unlock()
	for _, f := range files {
		f.path = "collections/" + f.path
		w.put(f)
	}
}

func (w *writer) stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	return w.err != nil
}

// files are all that was collected of the server.
func (s *server) files() ([]file, error) {
	texts, err := s.textLogs()
	files := append(append(s.winLogs(), texts...), s.extra...)
	if s.system == linux {
		zone := map[bool]string{true: "Etc/UTC", false: "Asia/Kolkata"}[s.zone == time.UTC]
		files = append(files, file{path: "etc/timezone", data: []byte(zone + "\n"), modified: s.e.from.Add(-400 * 24 * time.Hour)},
			file{path: "etc/hostname", data: []byte(strings.ToLower(s.name) + "\n"), modified: s.e.from.Add(-400 * 24 * time.Hour)})
	}
	return files, err
}

// hubLog is the log of the hub to which two servers forward their messages.
func (e *estate) hubLog() []byte {
	slices.SortStableFunc(e.hub, func(a, b textEntry) int { return int(min(max(a.at-b.at, -1), 1)) })
	var b strings.Builder
	name := e.jump.name
	for _, s := range e.servers {
		if s.hub && !s.unlisted {
			name = s.name
		}
	}
	fmt.Fprintf(&b, "%s %s root: %s\n", e.from.Std().In(ist).Format("Jan _2 15:04:05"), strings.ToLower(name), event.ExerciseMark)
	for _, x := range e.hub {
		b.WriteString(x.line)
	}
	return []byte(b.String())
}

func (w *writer) table(e *estate, name string, make func() ([]byte, error)) {
	data, err := make()
	w.err = errors.Join(w.err, err)
	w.put(file{path: name, data: data, modified: event.At(e.incident)})
}

// put writes a file, with its time of change.
func (w *writer) put(f file) {
	if w.stopped() {
		return
	}
	size, err := f.save(filepath.Join(w.dir, filepath.FromSlash(f.path)))
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("write exercise: %w", err))
		return
	}
	w.sum.Files++
	w.sum.Bytes += size
}

func (f *file) save(name string) (size int64, err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return 0, err
	}
	out, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	if f.write != nil {
		err = f.write(out)
	} else {
		_, err = out.Write(f.data)
	}
	if info, e := out.Stat(); e == nil {
		size = info.Size()
	}
	if e := out.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Chtimes(name, f.modified.Std(), f.modified.Std())
	}
	return size, err
}
