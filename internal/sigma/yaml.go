package sigma

import (
	"bytes"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a part of a YAML document with aliases and merge keys unfolded.
type node struct {
	kind  nodeKind
	line  int
	text  string // of a scalar, as it is written
	list  []*node
	pairs []pair // in order; no key twice
}

type pair struct {
	key   string
	line  int
	value *node
}

type nodeKind uint8

const (
	nullNode nodeKind = iota
	textNode
	numberNode
	boolNode // text is "true" or "false"
	listNode
	mapNode
)

func (k nodeKind) String() string {
	return [...]string{"nothing", "a text", "a number", "true or false", "a list", "a map"}[k]
}

func (n *node) scalar() bool { return n.kind != listNode && n.kind != mapNode }

func (n *node) errorf(format string, args ...any) error {
	return &fault{n.line, fmt.Sprintf(format, args...)}
}

// get returns the value of a key of a map, nil if there is none.
func (n *node) get(key string) *node {
	if n == nil {
		return nil
	}
	for _, p := range n.pairs {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// scalarText is a scalar as text; false for lists and maps.
func (n *node) scalarText() (string, bool) {
	if n == nil || n.kind == nullNode {
		return "", true
	}
	return n.text, n.scalar()
}

// texts is a list of scalars, or one scalar, as texts; nulls are left out.
func (n *node) texts() ([]string, bool) {
	if n == nil {
		return nil, true
	}
	items := n.list
	if n.kind != listNode {
		items = []*node{n}
	}
	var out []string
	for _, e := range items {
		if !e.scalar() {
			return nil, false
		}
		if e.kind != nullNode {
			out = append(out, e.text)
		}
	}
	return out, true
}

// without returns the map without a key.
func (n *node) without(key string) *node {
	m := *n
	m.pairs = slices.DeleteFunc(slices.Clone(n.pairs), func(p pair) bool { return p.key == key })
	return &m
}

// merge returns map a with the values of map b laid over it: maps within are merged, all else is replaced.
func (f *file) merge(a, b *node) *node {
	if b == nil {
		return a
	}
	m := *a
	m.pairs = slices.Clone(a.pairs)
	f.nodes += 2 * len(m.pairs)
	at := make(map[string]int, len(m.pairs))
	for i, p := range m.pairs {
		at[p.key] = i
	}
	for _, p := range b.pairs {
		f.nodes += size(p.value)
		i, has := at[p.key]
		switch {
		case !has:
			m.pairs = append(m.pairs, p)
		case p.value.kind == mapNode && m.pairs[i].value.kind == mapNode:
			m.pairs[i].value = f.merge(m.pairs[i].value, p.value)
		default:
			m.pairs[i] = p
		}
	}
	return &m
}

func size(n *node) int {
	total := 1
	for _, e := range n.list {
		total += size(e)
	}
	for _, p := range n.pairs {
		total += 1 + size(p.value)
	}
	return total
}

// piece is the text of one document.
type piece struct {
	text []byte
	line int // lines before it
}

// split cuts a file at its document markers, which YAML knows at the beginning of any line, so that an error in one
// document does not take the others along. Pieces that hold only directives and comments are left out. It stops after
// maxDocuments and says so.
func split(data []byte) (out []piece, whole bool) {
	start, first, empty := 0, 0, true
	for at, line := 0, 0; at < len(data); line++ {
		end := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		text := bytes.TrimRight(data[at:end], "\r\n")
		if rest, ok := marker(text); ok {
			if len(out) == maxDocuments {
				return out, false
			}
			if !empty {
				out = append(out, piece{data[start:at], first})
			}
			start, first, empty = at, line, true
			if text[0] == '.' {
				start, first = end, line+1
			}
			text = rest
		}
		if text = bytes.TrimSpace(text); len(text) > 0 && text[0] != '#' && text[0] != '%' {
			empty = false
		}
		at = end
	}
	if !empty {
		out = append(out, piece{data[start:], first})
	}
	return out, true
}

// marker reports whether a line begins (---) or ends (...) a document, and what stands behind the marker.
func marker(line []byte) (rest []byte, ok bool) {
	if !bytes.HasPrefix(line, []byte("---")) && !bytes.HasPrefix(line, []byte("...")) {
		return nil, false
	}
	rest = line[3:]
	return rest, len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t'
}

// decode reads the document of a piece.
func (f *file) decode(p piece) (*node, error) {
	if len(p.text) > maxDocument {
		return nil, &fault{p.line + 1, fmt.Sprintf("the document has more than %d MB", maxDocument>>20)}
	}
	if n, ok := f.plain(p); ok {
		return n, nil
	}
	return f.library(p)
}

// library reads any YAML.
func (f *file) library(p piece) (*node, error) {
	var y yaml.Node
	if err := yaml.Unmarshal(p.text, &y); err != nil {
		return nil, yamlFault(err, p.line)
	}
	if len(y.Content) == 0 {
		return &node{line: p.line + 1}, nil
	}
	return f.convert(y.Content[0], p.line, 0)
}

var yamlLine = regexp.MustCompile(`^yaml: line (\d+): `)

// yamlFault turns an error of the YAML library into one with the line of the file.
func yamlFault(err error, before int) error {
	why, line := err.Error(), before
	if m := yamlLine.FindStringSubmatch(why); m != nil {
		n, _ := strconv.Atoi(m[1])
		why, line = why[len(m[0]):], before+n
	}
	return &fault{line, "not YAML: " + strings.TrimPrefix(why, "yaml: ")}
}

// convert unfolds aliases and merge keys, within bounds.
func (f *file) convert(y *yaml.Node, before, depth int) (*node, error) {
	n := &node{line: before + y.Line}
	if f.nodes++; f.nodes > maxNodes {
		return nil, n.errorf("the documents of the file have more than %d parts, aliases unfolded", maxNodes)
	}
	if depth > maxDepth {
		return nil, n.errorf("nested deeper than %d", maxDepth)
	}
	switch y.Kind {
	case yaml.AliasNode:
		return f.convert(y.Alias, before, depth+1)
	case yaml.ScalarNode:
		return n, n.setScalar(y)
	case yaml.SequenceNode:
		n.kind = listNode
		for _, e := range y.Content {
			c, err := f.convert(e, before, depth+1)
			if err != nil {
				return nil, err
			}
			n.list = append(n.list, c)
		}
		return n, nil
	case yaml.MappingNode:
		n.kind = mapNode
		return n, f.convertMap(n, y, before, depth)
	}
	return nil, n.errorf("not YAML that this program knows")
}

func (n *node) setScalar(y *yaml.Node) error {
	n.text = y.Value
	switch tag := y.ShortTag(); tag {
	case "!!null":
		n.kind = nullNode
	case "!!bool":
		n.kind, n.text = boolNode, strings.ToLower(y.Value)
	case "!!int", "!!float":
		n.kind = numberNode
	case "!!str", "!!timestamp", "!!merge":
		n.kind = textNode
	default:
		return n.errorf("unknown YAML tag %q", tag)
	}
	return nil
}

func (f *file) convertMap(n *node, y *yaml.Node, before, depth int) error {
	seen := make(map[string]bool, len(y.Content)/2)
	var merged []*node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, err := f.convert(y.Content[i], before, depth+1)
		if err != nil {
			return err
		}
		v, err := f.convert(y.Content[i+1], before, depth+1)
		if err != nil {
			return err
		}
		switch {
		case !k.scalar():
			return k.errorf("a key is %s", k.kind)
		case y.Content[i].ShortTag() == "!!merge":
			merged = append(merged, v)
		case seen[k.text]:
			return k.errorf("the key %q is given twice", k.text)
		default:
			seen[k.text] = true
			n.pairs = append(n.pairs, pair{k.text, k.line, v})
		}
	}
	for len(merged) > 0 {
		m := merged[0]
		merged = merged[1:]
		if m.kind == listNode {
			merged = append(slices.Clone(m.list), merged...)
			continue
		}
		if m.kind != mapNode {
			return m.errorf("a merge key holds %s, not a map", m.kind)
		}
		for _, p := range m.pairs {
			if !seen[p.key] {
				seen[p.key] = true
				n.pairs = append(n.pairs, p)
			}
		}
	}
	return nil
}

// decimal is a number in decimal digits, without underscores; otherwise as it is written.
func (n *node) decimal() string {
	text := strings.ReplaceAll(strings.TrimPrefix(n.text, "+"), "_", "")
	if len(text) > 2 && text[0] == '0' && strings.ContainsRune("xXoObB", rune(text[1])) {
		if u, err := strconv.ParseUint(text, 0, 64); err == nil {
			return strconv.FormatUint(u, 10)
		}
	}
	return text
}

// number is the value of a number, or of a text that spells one; NaN if it is none or infinite.
func (n *node) number() float64 {
	x, err := strconv.ParseFloat(n.decimal(), 64)
	if err != nil || math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}

// any is the node as plain Go values: nil, bool, int, float64, string, []any, map[string]any.
func (n *node) any() any {
	switch n.kind {
	case textNode:
		return n.text
	case boolNode:
		return n.text == "true"
	case numberNode:
		if i, err := strconv.Atoi(n.text); err == nil {
			return i
		}
		if x := n.number(); !math.IsNaN(x) {
			return x
		}
		return n.text
	case listNode:
		list := make([]any, len(n.list))
		for i, e := range n.list {
			list[i] = e.any()
		}
		return list
	case mapNode:
		m := make(map[string]any, len(n.pairs))
		for _, p := range n.pairs {
			m[p.key] = p.value.any()
		}
		return m
	}
	return nil
}
