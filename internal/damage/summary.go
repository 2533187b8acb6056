package damage

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"time"

	"wardround/internal/event"
)

// Summary is what a scan came to. It is bounded whatever the tree: folders beyond the bound are counted with the one above them.
type Summary struct {
	Files    int64    `json:"files"`
	Bytes    int64    `json:"bytes"`
	Sampled  int64    `json:"sampled"` // files of which only samples were read
	States   []Count  `json:"states"`
	Folders  []Folder `json:"folders"` // by path
	Burst    *Burst   `json:"burst"`   // null when nothing is damaged, or nothing has a time
	Servers  []Server `json:"servers"` // damaged ones of a case
	Families []Seen   `json:"families"`
	Notes    []string `json:"notes"` // paths of the first ransom notes
	Recover  Recover  `json:"recover"`
	Problems []string `json:"problems"`
	Missed   int      `json:"missed"` // problems beyond those that are listed

	mu      sync.Mutex // of problems, which the walker adds
	counts  map[Count]int64
	folders map[string]*Folder
	seen    map[string]int64
	times   *Times
}

// Count is how many files have a state, by how sure it is.
type Count struct {
	State      State      `json:"state"`
	Confidence Confidence `json:"confidence"`
	Files      int64      `json:"files"`
}

// Folder is how many files of a folder, its folders left out, have each state.
type Folder struct {
	Path  string          `json:"path"`
	Files map[State]int64 `json:"files"`
	Bytes int64           `json:"bytes"`
	Hurt  int64           `json:"hurt"` // bytes of damaged files
}

// Server is what a case tells of one damaged server.
type Server struct {
	Name       string `json:"server"`
	Files      int64  `json:"files"` // damaged ones that were looked at
	Burst      *Burst `json:"burst"` // null when nothing tells when
	WhyNoBurst string `json:"why_no_burst"`
	By         By     `json:"by"`
}

// Seen is a family and how many files point to it.
type Seen struct {
	Family string `json:"family"`
	Files  int64  `json:"files"`
}

// Burst is when most of the damage was done: from the times of last change of damaged files.
type Burst struct {
	First     event.Time `json:"first"`
	Last      event.Time `json:"last"`
	Files     int64      `json:"files"`
	Outside   int64      `json:"outside"` // damaged files that changed at other times
	PerMinute float64    `json:"per_minute"`
	Says      string     `json:"says"`
}

// Recover counts what may be had back without a key.
type Recover struct {
	Renamed int64 `json:"renamed"`
	Parts   int64 `json:"parts"` // files of which parts are not encrypted
	Past    int64 `json:"past"`  // deleted files that the past has
}

// The bounds of a summary.
const (
	mostFolders  = 20000
	mostProblems = 200
	mostMinutes  = 1 << 16
	mostNotes    = 50
	mostFamilies = 200
)

func (s *Summary) problem(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.Problems) < mostProblems {
		s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
	} else {
		s.Missed++
	}
}

// NewSummary is one of no file; Add counts one, and Finish ends it.
func NewSummary() *Summary {
	return &Summary{counts: map[Count]int64{}, folders: map[string]*Folder{}, seen: map[string]int64{}, times: NewTimes()}
}

// Add counts a file.
func (s *Summary) Add(f *File) {
	s.Files++
	s.Bytes += f.Bytes
	if f.Sampled {
		s.Sampled++
	}
	s.counts[Count{State: f.State, Confidence: f.Confidence}]++
	d := s.folder(path.Dir(f.Path))
	d.Files[f.State]++
	d.Bytes += f.Bytes
	switch {
	case f.State.Hurt():
		d.Hurt += f.Bytes
		if f.State == Deleted {
			s.Recover.Past++
		} else if f.Recoverable != nil {
			s.Recover.Parts++
		}
	case f.State == Renamed:
		s.Recover.Renamed++
	case f.State == Note && len(s.Notes) < mostNotes:
		s.Notes = append(s.Notes, f.Path)
	}
	if f.Family != nil && (s.seen[*f.Family] > 0 || len(s.seen) < mostFamilies) {
		s.seen[*f.Family]++
	}
	if f.Since != event.NoTime && f.State != Intact {
		s.times.Add(f.Since)
	}
}

// folder is where a file is counted.
func (s *Summary) folder(name string) *Folder {
	for {
		if d := s.folders[name]; d != nil {
			return d
		}
		if len(s.folders) < mostFolders || path.Dir(name) == name {
			d := &Folder{Path: name, Files: map[State]int64{}}
			s.folders[name] = d
			return d
		}
		name = path.Dir(name)
	}
}

// Times are when files were changed, to find a burst among them. They are kept in bounded room.
type Times struct {
	count  map[int64]int64
	coarse int64 // nanoseconds of a key of count
}

// NewTimes holds none yet.
func NewTimes() *Times { return &Times{map[int64]int64{}, int64(time.Second)} }

// Add counts a time, in ever coarser steps if there are too many.
func (t *Times) Add(at event.Time) {
	for len(t.count) >= mostMinutes {
		t.coarse *= 60
		wide := map[int64]int64{}
		for k, n := range t.count {
			wide[k/60] += n
		}
		t.count = wide
	}
	t.count[int64(at)/t.coarse]++
}

// Finish puts in order what was counted.
func (s *Summary) Finish() {
	for c, n := range s.counts {
		c.Files = n
		s.States = append(s.States, c)
	}
	slices.SortFunc(s.States, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.State, b.State), cmp.Compare(a.Confidence, b.Confidence))
	})
	for _, k := range slices.Sorted(maps.Keys(s.folders)) {
		s.Folders = append(s.Folders, *s.folders[k])
	}
	for k, n := range s.seen {
		s.Families = append(s.Families, Seen{k, n})
	}
	slices.SortFunc(s.Families, func(a, b Seen) int { return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Family, b.Family)) })
	s.Burst = s.times.Burst()
	slices.Sort(s.Problems)
}

// quiet is how long nothing changes between two bursts.
const quiet = 30 * time.Minute

// Burst is the stretch without a longer quiet in which most files changed; nil without any time.
func (t *Times) Burst() *Burst {
	keys := slices.Sorted(maps.Keys(t.count))
	if len(keys) == 0 {
		return nil
	}
	var best Burst
	var all int64
	for i := 0; i < len(keys); {
		k, n := i, int64(0)
		for ; k < len(keys) && (k == i || (keys[k]-keys[k-1])*t.coarse <= int64(max(quiet, time.Duration(t.coarse)))); k++ {
			n += t.count[keys[k]]
		}
		all += n
		if n > best.Files {
			best = Burst{First: event.Time(keys[i] * t.coarse), Last: event.Time(keys[k-1] * t.coarse), Files: n}
		}
		i = k
	}
	best.Outside = all - best.Files
	minutes := max(1, best.Last.Sub(best.First).Minutes())
	best.PerMinute = float64(best.Files) / minutes
	best.Says = "by the files' times of last change, which whoever writes can set"
	if best.Files < 3 {
		best.Says += "; so few files are no burst"
	}
	return &best
}
