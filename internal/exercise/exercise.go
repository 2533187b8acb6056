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
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Options choose the exercise.
type Options struct {
	Dir     string // where it is written; must not exist, or be empty
	Seed    uint64
	Servers int // listed servers; 0 means as many as the story needs
	Days    int // of logs before the incident; 0 means 30
}

// Summary tells what was written.
type Summary struct {
	Servers   int // listed
	Collected int
	Files     int
	Bytes     int64
	From, To  event.Time
}

// ErrNotEmpty says that there is something in the folder that is to hold the exercise.
var ErrNotEmpty = errors.New("the folder is not empty: name a new one, or empty it first")

// ErrOptions says that an exercise cannot be made as asked.
var ErrOptions = errors.New("no such exercise")

// Write makes the exercise. The same options give the same bytes.
func Write(ctx context.Context, o Options) (*Summary, error) {
	if o.Servers == 0 {
		o.Servers = story
	}
	if o.Days == 0 {
		o.Days = 30
	}
	switch {
	case o.Servers < story || o.Servers > 500:
		return nil, fmt.Errorf("%w: %d servers; the story needs %d, and 500 are the most", ErrOptions, o.Servers, story)
	case o.Days < 10 || o.Days > 120:
		return nil, fmt.Errorf("%w: %d days; from 10 to 120", ErrOptions, o.Days)
	}
	if _, err := tableOf(); err != nil {
		return nil, err
	}
	if list, err := os.ReadDir(o.Dir); err == nil && len(list) > 0 {
		return nil, fmt.Errorf("write exercise to %q: %w", o.Dir, ErrNotEmpty)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("write exercise: %w", err)
	}
	w := &writer{ctx: ctx, dir: o.Dir}
	e := newEstate(o)
	for _, s := range e.servers {
		if !s.unlisted {
			w.sum.Servers++
		}
		w.server(e, s)
	}
	w.put(file{"collections/syslog-hub/remote.log", e.hubLog(), e.to})
	w.table("inventory.csv", e.inventoryCSV)
	w.table("changes.csv", e.changesCSV)
	w.table("addresses.csv", e.addressesCSV)
	w.table("truth.json", e.truthJSON)
	w.sum.From, w.sum.To = e.from, e.to
	return &w.sum, w.err
}

// writer keeps the first error.
type writer struct {
	ctx context.Context
	dir string
	sum Summary
	err error
}

// server plays and writes one server, and forgets its traces.
func (w *writer) server(e *estate, s *server) {
	if w.err = errors.Join(w.err, w.ctx.Err()); w.err != nil || s.layout == nil && !s.unlisted {
		return
	}
	s.logs, s.texts, s.tick = map[string][]winEntry{}, map[string]*textLog{}, 0
	e.play(s)
	defer func() { s.logs, s.texts = nil, nil }()
	if s.layout == nil {
		return
	}
	files, err := s.files()
	if err == nil {
		files, err = s.layout.place(s, files)
	}
	if err != nil {
		w.err = fmt.Errorf("write %s: %w", s.name, err)
		return
	}
	w.sum.Collected++
	for _, f := range files {
		f.path = "collections/" + f.path
		w.put(f)
	}
}

// files are all that was collected of the server.
func (s *server) files() ([]file, error) {
	files, err := s.winLogs()
	if err != nil {
		return nil, err
	}
	texts, err := s.textLogs()
	return append(append(files, texts...), s.extra...), err
}

// hubLog is the log of the hub to which two servers forward their messages.
func (e *estate) hubLog() []byte {
	slices.SortStableFunc(e.hub, func(a, b textEntry) int { return int(min(max(a.at-b.at, -1), 1)) })
	var b strings.Builder
	fmt.Fprintf(&b, "%s ex-pacs1 root: %s\n", e.from.Std().In(ist).Format("Jan _2 15:04:05"), event.ExerciseMark)
	for _, x := range e.hub {
		b.WriteString(x.line)
	}
	return []byte(b.String())
}

func (w *writer) table(name string, make func() ([]byte, error)) {
	data, err := make()
	w.err = errors.Join(w.err, err)
	w.put(file{path: name, data: data, modified: event.At(incident)})
}

func (w *writer) put(f file) {
	if w.err != nil {
		return
	}
	name := filepath.Join(w.dir, filepath.FromSlash(f.path))
	if w.err = os.MkdirAll(filepath.Dir(name), 0o755); w.err != nil {
		return
	}
	if w.err = os.WriteFile(name, f.data, 0o644); w.err != nil {
		return
	}
	w.err = os.Chtimes(name, f.modified.Std(), f.modified.Std())
	w.sum.Files++
	w.sum.Bytes += int64(len(f.data))
}
