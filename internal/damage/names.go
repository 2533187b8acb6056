package damage

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// match is a name of the tree, of the past, or of both.
type match struct{ now, was fs.DirEntry }

func (m match) name() string {
	if m.now != nil {
		return m.now.Name()
	}
	return m.was.Name()
}

func (m match) isDir() bool { return m.now != nil && m.now.IsDir() || m.now == nil && m.was.IsDir() }

// matchNames pairs a folder's entries with those of its past: by name; then where an extension was added; then where the last
// extension was replaced; then by size, where one of each is left. Both lists are in order, and so is the result.
func matchNames(now, past []fs.DirEntry) []match {
	var out []match
	var added, gone []fs.DirEntry
	for i, k := 0, 0; i < len(now) || k < len(past); {
		switch {
		case k == len(past) || i < len(now) && now[i].Name() < past[k].Name():
			added = append(added, now[i])
			i++
		case i == len(now) || now[i].Name() > past[k].Name():
			gone = append(gone, past[k])
			k++
		default:
			a, b := now[i], past[k]
			if a.IsDir() == b.IsDir() {
				out = append(out, match{a, b})
			} else {
				added, gone = append(added, a), append(gone, b)
			}
			i, k = i+1, k+1
		}
	}
	left := map[string]fs.DirEntry{}
	for _, e := range gone {
		if e.Type().IsRegular() {
			left[e.Name()] = e
		}
	}
	taken := map[string]string{} // new name → old
	for _, way := range []func(string, map[string]fs.DirEntry) string{longer, replaced} {
		for _, e := range added {
			if taken[e.Name()] == "" && e.Type().IsRegular() {
				if old := way(e.Name(), left); old != "" {
					taken[e.Name()] = old
					delete(left, old)
				}
			}
		}
	}
	bySize(added, left, taken)
	old := map[string]fs.DirEntry{}
	for _, e := range gone {
		old[e.Name()] = e
	}
	paired := map[string]bool{}
	for _, e := range added {
		m := match{now: e}
		if name := taken[e.Name()]; name != "" {
			m.was = old[name]
			paired[name] = true
		}
		out = append(out, m)
	}
	for _, e := range gone {
		if !paired[e.Name()] {
			out = append(out, match{was: e})
		}
	}
	slices.SortStableFunc(out, func(a, b match) int { return strings.Compare(a.name(), b.name()) })
	return out
}

// longer finds the old name to which the new one adds.
func longer(name string, left map[string]fs.DirEntry) string {
	for i := len(name) - 1; i > 0; i-- {
		if c := name[i]; (c == '.' || c == '-' || c == '_' || c == '[' || c == '(' || c == '~' || c == ' ') && left[name[:i]] != nil {
			return name[:i]
		}
	}
	return ""
}

// replaced finds the only old name that shares the stem.
func replaced(name string, left map[string]fs.DirEntry) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || promises[extension(name)] != "" && extension(name) != "locked" {
		return ""
	}
	found := ""
	for old := range left {
		if k := strings.LastIndexByte(old, '.'); k == i && old[:k] == name[:i] {
			if found != "" {
				return ""
			}
			found = old
		}
	}
	return found
}

// mostBySize bounds the names that are compared by size alone.
const mostBySize = 256

// bySize pairs what has one candidate alone: an old file no larger, and smaller by no more than a key's tail.
func bySize(added []fs.DirEntry, left map[string]fs.DirEntry, taken map[string]string) {
	if len(left) == 0 || len(left) > mostBySize || len(added) > 2*mostBySize {
		return
	}
	type sized struct {
		name string
		size int64
	}
	var old []sized
	for name, e := range left {
		if info, err := e.Info(); err == nil && info.Size() >= leastRandom {
			old = append(old, sized{name, info.Size()})
		}
	}
	slices.SortFunc(old, func(a, b sized) int { return strings.Compare(a.name, b.name) })
	claims := map[string][]string{}
	for _, e := range added {
		info, err := e.Info()
		if err != nil || taken[e.Name()] != "" || !e.Type().IsRegular() {
			continue
		}
		var fits []string
		for _, o := range old {
			if grown := info.Size() - o.size; grown >= 0 && grown <= 1024 {
				fits = append(fits, o.name)
			}
		}
		if len(fits) == 1 {
			claims[fits[0]] = append(claims[fits[0]], e.Name())
		}
	}
	for name, by := range claims {
		if len(by) == 1 {
			taken[by[0]] = name
			delete(left, name)
		}
	}
}

// crowds are the strange extensions of a tree and how many files have each.
type crowds struct {
	count map[string]*crowd
}

type crowd struct {
	files int
	kinds map[string]bool // that the rest of the name promises
}

// The bounds of what is counted, and what makes a crowd.
const (
	mostExtensions = 4096
	crowdFiles     = 12
	crowdKinds     = 3
)

// survey reads all names once: an extension that is added to many files of several kinds is a sign for each.
func (s *scan) survey() error {
	s.names.count = map[string]*crowd{}
	for _, r := range s.o.Roots {
		err := filepath.WalkDir(r, func(p string, e fs.DirEntry, err error) error {
			if cause := s.ctx.Err(); cause != nil {
				return cause
			}
			if err != nil {
				return nil // the walk tells of it
			}
			if e.Type().IsRegular() {
				s.names.add(e.Name())
			}
			return nil
		})
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

func (c *crowds) add(base string) {
	n := splitName(base)
	if !n.strange {
		return
	}
	ext := extension(base)
	x := c.count[ext]
	if x == nil {
		if len(c.count) >= mostExtensions {
			return
		}
		x = &crowd{kinds: map[string]bool{}}
		c.count[ext] = x
	}
	x.files++
	x.kinds[n.promised] = true
}

// strange reports whether a name's extension is that of a crowd.
func (c *crowds) strange(base string) bool {
	x := c.count[extension(base)]
	return x != nil && x.files >= crowdFiles && len(x.kinds) >= crowdKinds && promises[extension(base)] == ""
}
