package sigma

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// File is a rule file.
type File struct {
	Path   string // as problems and rules shall name it
	Origin string // where the rule set comes from: Rule.Origin
	Data   []byte // must not change any more: the texts of rules lie in it
}

// Set is a rule set that is ready to be compiled: every reference leads to a rule of the set, and filters have become
// parts of the rules that they name.
type Set struct {
	Rules    []Rule    // in the order of the files
	Problems []Problem // first those of the files, then those between rules
	Files    int       // that were given
	Others   int       // of Files, those that hold no rule and were only counted
}

// Read collects the files with the extensions .yml and .yaml below fsys, in lexical order. What cannot be read is a
// problem.
func Read(fsys fs.FS, origin string) (files []File, problems []Problem) {
	fail := func(name string, err error) {
		problems = append(problems, Problem{Path: name, Why: err.Error()})
	}
	total := 0
	var room []byte
	walk := func(name string, d fs.DirEntry, err error) error {
		ext := strings.ToLower(path.Ext(name))
		switch {
		case err != nil:
			fail(name, err)
		case d.IsDir() || ext != ".yml" && ext != ".yaml":
		default:
			data, err := read(fsys, name, &room)
			if err != nil {
				fail(name, err)
				break
			}
			files = append(files, File{Path: name, Origin: origin, Data: data})
			if total += len(data); total > maxSet {
				return fmt.Errorf("the files have more than %d MB; the rest is not read", maxSet>>20)
			}
		}
		return nil
	}
	if err := fs.WalkDir(fsys, ".", walk); err != nil {
		fail(".", err)
	}
	return files, problems
}

// How much room is made at once for the files of a folder, and how much there must be to begin with one.
const roomBytes, leastRoom = 1 << 20, 64 << 10

// read reads a file, but not more of it than Parse needs to refuse it for its size. It is put into the room, behind others.
func read(fsys fs.FS, name string, room *[]byte) ([]byte, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	if cap(*room)-len(*room) < leastRoom {
		*room = make([]byte, 0, roomBytes)
	}
	from := len(*room)
	n, err := io.ReadFull(file, (*room)[from:cap(*room)])
	*room = (*room)[:from+n]
	data := (*room)[from : from+n : from+n]
	switch err {
	case io.EOF, io.ErrUnexpectedEOF:
		err = nil
	case nil: // there may be more than fits
		var rest []byte
		rest, err = io.ReadAll(io.LimitReader(file, maxFile+1-int64(n)))
		data = append(data, rest...)
	}
	return data, errors.Join(err, file.Close())
}

// Load reads the rules of all files and ties them together. Placeholders are as in Parser.
func Load(files []File, placeholders map[string][]string) Set {
	return loadWithin(maxTotal, files, placeholders)
}

func loadWithin(most int, files []File, placeholders map[string][]string) Set {
	s := Set{Files: len(files)}
	all := parseAll(files, &Parser{Placeholders: placeholders}, most)
	total, rules := 0, 0
	for i := range all {
		rules += len(all[i].rules)
	}
	s.Rules = make([]Rule, 0, rules)
	for i, x := range all {
		if total += x.weight; total > most {
			s.Problems = append(s.Problems, Problem{Path: files[i].Path, Why: fmt.Sprintf("not read: all rules together unfold into more than %d questions", most)})
			continue
		}
		if len(x.rules) == 0 && len(x.problems) == 0 {
			s.Others++
		}
		s.Rules = append(s.Rules, x.rules...)
		s.Problems = append(s.Problems, x.problems...)
	}
	s.dropRepeated()
	filters := s.takeFilters()
	x := s.index()
	s.apply(filters, x)
	s.resolve(x)
	return s
}

type parsed struct {
	rules    []Rule
	problems []Problem
	weight   int
}

// parseAll parses files on all cores, and keeps their order. When all together have become too heavy it parses no more: the files
// are taken in order, so what is left out then lies behind the file that Load stops at.
func parseAll(files []File, p *Parser, most int) []parsed {
	out := make([]parsed, len(files))
	var next, built atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			var r room
			for built.Load() <= int64(most) {
				i := next.Add(1) - 1
				if i >= int64(len(files)) {
					return
				}
				f := p.file(files[i].Data, files[i].Path, files[i].Origin, &r)
				out[i] = parsed{f.rules, f.problems, f.total}
				built.Add(int64(f.total))
			}
		})
	}
	wg.Wait()
	return out
}

func (s *Set) problem(r *Rule, kept bool, format string, args ...any) {
	name := r.ID
	if name == "" {
		name = r.Title
	}
	s.Problems = append(s.Problems, Problem{Path: r.Path, Rule: name, Why: fmt.Sprintf(format, args...), Kept: kept})
}

// keep drops the rules for which f is false.
func (s *Set) keep(f func(i int, r *Rule) bool) {
	kept := s.Rules[:0]
	for i := range s.Rules {
		if f(i, &s.Rules[i]) {
			kept = append(kept, s.Rules[i])
		}
	}
	s.Rules = kept
}

// dropRepeated keeps the first of several rules with the same id. That the same rule is given twice is no problem.
func (s *Set) dropRepeated() {
	first := map[string]int{} // of the rules that are kept
	n := 0
	s.keep(func(_ int, r *Rule) bool {
		id := strings.ToLower(r.ID)
		if other, taken := first[id]; taken && id != "" {
			if other := &s.Rules[other]; !same(*r, *other) {
				s.problem(r, false, "the id is already that of %q in %s, which is used", other.Title, other.Path)
			}
			return false
		}
		first[id] = n
		n++
		return true
	})
}

// same reports whether two rules are equal but for the files that they stand in.
func same(a, b Rule) bool {
	a.Path, a.Origin, b.Path, b.Origin = "", "", "", ""
	return reflect.DeepEqual(a, b)
}

// index finds rules by id, in any letter case, or by name.
type index map[string]int

func (s *Set) index() index {
	x := index{}
	for i, r := range s.Rules {
		if r.ID != "" {
			x["id "+strings.ToLower(r.ID)] = i
		}
	}
	for i := range s.Rules {
		r := &s.Rules[i]
		if r.Name == "" {
			continue
		}
		if j, taken := x.find(r.Name); taken && j != i {
			s.problem(r, true, "the name %q is already that of %q in %s, to which references lead", r.Name, s.Rules[j].Title, s.Rules[j].Path)
			continue
		}
		x["name "+r.Name] = i
	}
	return x
}

func (x index) find(reference string) (int, bool) {
	i, ok := x["id "+strings.ToLower(reference)]
	if !ok {
		i, ok = x["name "+reference]
	}
	return i, ok
}

// resolve checks the references of correlations and spells them as the rules do. A correlation is lost that refers to
// no rule, to a lost one, or over others to itself.
func (s *Set) resolve(x index) {
	n := len(s.Rules)
	open := make([]int, n)    // references of a rule whose end is not yet known to be good
	users := make([][]int, n) // correlations that refer to a rule
	lost := make([]bool, n)
	var bad, good []int
	for i := range s.Rules {
		targets, err := s.bind(&s.Rules[i], x)
		if err != nil {
			s.problem(&s.Rules[i], false, "%s", err)
			lost[i] = true
			bad = append(bad, i)
		}
		open[i] = len(targets)
		if len(targets) == 0 {
			good = append(good, i)
		}
		for _, t := range targets {
			users[t] = append(users[t], i)
		}
	}
	for ; len(bad) > 0; bad = bad[1:] {
		for _, user := range users[bad[0]] {
			if !lost[user] {
				lost[user] = true
				bad = append(bad, user)
				s.problem(&s.Rules[user], false, "the correlation refers to %q, which cannot be used", s.Rules[bad[0]].Title)
			}
		}
	}
	for ; len(good) > 0; good = good[1:] {
		for _, user := range users[good[0]] {
			if open[user]--; open[user] == 0 {
				good = append(good, user)
			}
		}
	}
	s.keep(func(i int, r *Rule) bool {
		if open[i] > 0 && !lost[i] {
			s.problem(r, false, "the correlation refers to rules that refer back, in a circle")
			return false
		}
		return !lost[i]
	})
}

// bind finds the rules that r refers to if it is a correlation, and writes each reference as the rule writes its id or
// name, the same in Rules, Aliases and Condition.
func (s *Set) bind(r *Rule, x index) ([]int, error) {
	c := r.Correlation
	if c == nil {
		return nil, nil
	}
	var targets []int
	spelled := map[int]string{}
	for k, reference := range c.Rules {
		i, ok := x.find(reference)
		if !ok {
			return nil, fmt.Errorf("the correlation refers to %q, which is no rule's id or name", reference)
		}
		if _, twice := spelled[i]; twice {
			return nil, fmt.Errorf("the correlation refers to %q twice, by id and by name", s.Rules[i].Title)
		}
		spelled[i] = s.Rules[i].Name
		if strings.EqualFold(reference, s.Rules[i].ID) {
			spelled[i] = s.Rules[i].ID
		}
		c.Rules[k] = spelled[i]
		targets = append(targets, i)
	}
	respell := func(reference string) (string, bool) {
		i, known := x.find(reference)
		name, ok := spelled[i]
		return name, ok && known
	}
	c.Condition.Expr.respell(respell)
	for _, alias := range slices.Sorted(maps.Keys(c.Aliases)) {
		fields := make(map[string]string, len(c.Aliases[alias]))
		for _, reference := range slices.Sorted(maps.Keys(c.Aliases[alias])) {
			if name, ok := respell(reference); ok {
				fields[name] = c.Aliases[alias][reference]
			} else {
				s.problem(r, true, "the alias %q has a field for %q, which the correlation does not refer to", alias, reference)
			}
		}
		if len(fields) < len(targets) && slices.Contains(c.GroupBy, alias) {
			s.problem(r, true, "the alias %q has no field for some of the rules; their events are grouped by a field of that name", alias)
		}
		c.Aliases[alias] = fields
	}
	return targets, nil
}

func (e *RuleExpr) respell(spell func(string) (string, bool)) {
	if e == nil {
		return
	}
	if s, ok := spell(e.Rule); ok && e.Op == "ref" {
		e.Rule = s
	}
	for _, of := range e.Of {
		of.respell(spell)
	}
}
