// Package sigma reads Sigma rules (specification 2.1.0): rule text in, syntax trees out, and a list of what could not
// be read.
//
// Load takes all files of a rule set and ties them together: filters are joined to the rules they name, references of
// correlations are checked. Parse takes one file. A Rule's tree has one question per leaf: lists, modifiers and
// placeholders are spelled out, so that who matches it needs to know nothing of Sigma's notation.
//
// Nothing is dropped in silence. What cannot be read or expressed is a Problem with its file, line and reason; the
// rest goes on. A file that holds no rule is only counted. Rules may come from anybody: size, depth, number of leaves
// and unfolding of YAML aliases are bounded.
//
// What the specification leaves open is decided in docs/format/rules.md.
package sigma

import (
	"errors"
	"fmt"
)

// Bounds on what rules may cost. SigmaHQ's largest rule has 295 KB and 4,432 leaves; its 3,754 rules together have 47,223.
const (
	maxSet        = 512 << 20 // bytes of all files that Read collects
	maxFile       = 32 << 20  // bytes of a file
	maxDocuments  = 20_000    // of a file
	maxDocument   = 2 << 20   // bytes of a document
	maxNodes      = 1 << 20   // YAML nodes of a file, aliases unfolded and global documents merged in
	maxDepth      = 50        // of YAML nodes, and of parentheses in a condition
	maxWeight     = 20_000    // of a rule: leaves, one more for every 256 bytes of a leaf
	maxTotal      = 2 << 20   // the same, of all rules of a file, and of all that one Load reads
	maxRegexp     = 10_000    // bytes of a regular expression
	maxReferences = 10_000    // rules that a correlation or filter names, and fields that it groups by
)

// Problem is why a rule, or a part of a file, cannot be used as its author meant it.
type Problem struct {
	Path string // as in Rule
	Rule string // id of the rule, else its title; "" when neither could be read
	Line int    // of the file, from 1; 0 when it is not known
	Why  string
	Kept bool // the rule is used all the same
}

// String is "path:line: rule: why".
func (p Problem) String() string {
	s := p.Path
	if p.Line > 0 {
		s = fmt.Sprintf("%s:%d", s, p.Line)
	}
	if p.Rule != "" {
		s += ": " + p.Rule
	}
	return printable(s + ": " + p.Why)
}

// Parse reads the rules of one file with a Parser that knows no placeholders.
func Parse(data []byte, path, origin string) ([]Rule, []Problem) {
	return new(Parser).Parse(data, path, origin)
}

// Parser reads rule files. Its zero value is ready.
type Parser struct {
	// Placeholders are the values of the modifier expand, by name. Values may hold wildcards.
	Placeholders map[string][]string
}

// Parse reads the rules of one file, in order. Filters are among them, and references are not looked at: see Load.
// No rule and no problem means that the file holds no rule.
func (p *Parser) Parse(data []byte, path, origin string) ([]Rule, []Problem) {
	f := p.file(data, path, origin, new(room))
	return f.rules, f.problems
}

func (p *Parser) file(data []byte, path, origin string, r *room) *file {
	f := &file{parser: p, path: path, origin: origin, place: path, room: r}
	f.read(data)
	f.global, f.previous, f.room = nil, nil, nil
	r.reset()
	return f
}

// file is what is known of a file while it is read.
type file struct {
	parser       *Parser
	path, origin string
	rules        []Rule
	problems     []Problem

	place  string // Path of the rules of the current document
	rule   string // name of the current rule in problems
	weight int    // of the current rule
	total  int    // weight of all that was built

	global   *node // of the last document with action: global
	previous *node // the document that action: repeat repeats
	nodes    int   // YAML nodes so far
	room     *room
}

func (f *file) read(data []byte) {
	if len(data) > maxFile {
		f.problem(false, 0, fmt.Sprintf("the file has more than %d MB", maxFile>>20))
		return
	}
	pieces, whole := split(data)
	if !whole {
		f.problem(true, pieces[len(pieces)-1].line, fmt.Sprintf("the file has more than %d documents; the rest is not read", maxDocuments))
	}
	for i, piece := range pieces {
		f.place, f.rule = f.path, ""
		if len(pieces) > 1 {
			f.place = fmt.Sprintf("%s#%d", f.path, i+1)
		}
		doc, err := f.decode(piece)
		if err == nil {
			err = f.document(doc)
		}
		if err != nil {
			f.fail(err)
		}
	}
}

// document reads one document of a rule collection: it may set or clear what is merged into the following ones.
func (f *file) document(doc *node) error {
	if doc.kind != mapNode {
		return nil
	}
	action := doc.get("action")
	switch {
	case action == nil && doc.get("correlation") == nil && doc.get("filter") == nil:
		doc = f.merge(doc, f.global)
		f.previous = doc
	case action == nil:
	case action.text == "global":
		f.global = doc.without("action")
		f.previous = f.global
		return nil
	case action.text == "reset":
		f.global = nil
		return nil
	case action.text == "repeat" && f.previous == nil:
		return action.errorf("action repeat has no document before it")
	case action.text == "repeat":
		doc = f.merge(f.previous, doc.without("action"))
		f.previous = doc
	default:
		return action.errorf("unknown action %q; there are global, reset and repeat", action.text)
	}
	if f.nodes > maxNodes {
		return doc.errorf("the documents of the file have more than %d parts", maxNodes)
	}
	rules, err := f.rulesOf(doc)
	if f.rules == nil {
		f.rules = rules
	} else {
		f.rules = append(f.rules, rules...)
	}
	return err
}

// fault is an error with the line that it is about.
type fault struct {
	line int
	why  string
}

func (e *fault) Error() string { return e.why }

// fail records that the current rule is lost.
func (f *file) fail(err error) {
	line := 0
	if at, ok := errors.AsType[*fault](err); ok {
		line = at.line
	}
	f.problem(false, line, err.Error())
}

// note records a problem that leaves the current rule usable.
func (f *file) note(line int, format string, args ...any) {
	f.problem(true, line, fmt.Sprintf(format, args...))
}

func (f *file) problem(kept bool, line int, why string) {
	f.problems = append(f.problems, Problem{Path: f.place, Rule: f.rule, Line: line, Why: why, Kept: kept})
}
