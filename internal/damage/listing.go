package damage

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Listing looks at the names that a file system's table, its journal or a listing tells, for extensions that were added to many files of several kinds.
// A name tells nothing of the content.
type Listing struct {
	extensions map[string]*listed
	last       string // the path told before: tables tell of one file several times in a row
	at         *listed
	when       event.Time
}

type listed struct {
	files   int64
	kinds   map[string]bool
	times   *Times
	example string
}

// Listed is an extension of a crowd.
type Listed struct {
	Extension string     `json:"extension"`
	Files     int64      `json:"files"`
	Kinds     int        `json:"kinds"` // of files, as the rest of their names promises
	From      event.Time `json:"from"`  // of the stretch in which most changed; null where nothing tells
	To        event.Time `json:"to"`
	Burst     int64      `json:"burst"` // files that changed in it
	Example   string     `json:"example"`
}

// Add takes a file's path, with slashes of either kind, and a time at which it changed. Of one path told several times in a row the last time counts.
func (l *Listing) Add(path []byte, at event.Time) {
	if string(path) == l.last {
		l.when = max(l.when, at)
		return
	}
	l.settle()
	l.last = string(path)
	base := l.last[strings.LastIndexAny(l.last, `/\`)+1:]
	n := splitName(base)
	ext := extension(base)
	if !n.strange || promises[ext] != "" {
		return
	}
	x := l.extensions[ext]
	if x == nil {
		if len(l.extensions) >= mostExtensions {
			return
		}
		if l.extensions == nil {
			l.extensions = map[string]*listed{}
		}
		x = &listed{kinds: map[string]bool{}, times: NewTimes(), example: printablePath(strings.ReplaceAll(l.last, `\`, "/"))}
		l.extensions[ext] = x
	}
	x.files++
	x.kinds[n.promised] = true
	l.at, l.when = x, at
}

// settle counts the time of the path at hand.
func (l *Listing) settle() {
	if l.at != nil && l.when != event.NoTime {
		l.at.times.Add(l.when)
	}
	l.at = nil
}

// Crowds are the extensions that were added to many files of several kinds, the most files first.
func (l *Listing) Crowds() []Listed {
	l.settle()
	out := []Listed{}
	for _, ext := range slices.Sorted(maps.Keys(l.extensions)) {
		x := l.extensions[ext]
		if x.files < crowdFiles || len(x.kinds) < crowdKinds {
			continue
		}
		c := Listed{Extension: "." + ext, Files: x.files, Kinds: len(x.kinds), Example: x.example, From: event.NoTime, To: event.NoTime}
		if b := x.times.Burst(); b != nil {
			c.From, c.To, c.Burst = b.First, b.Last, b.Files
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b Listed) int { return cmp.Compare(b.Files, a.Files) })
	return out[:min(len(out), 20)]
}
