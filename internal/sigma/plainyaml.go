package sigma

import (
	"bytes"
	"strings"
	"unicode/utf8"
	"unsafe"

	"go.yaml.in/yaml/v3"
)

// plain reads the part of YAML 1.2 in which nearly all rules are written: block maps and lists, scalars that end on the line
// they begin on, literal blocks. It is some ten times faster than the library. What is written in any other way, and what might be
// wrong, it leaves to the library (false), so that there is one reader of doubtful texts and one wording of errors. FuzzPlain holds
// the two against each other.
func (f *file) plain(p piece) (*node, bool) {
	if !plainText(p.text) {
		return nil, false
	}
	if f.room == nil {
		f.room = new(room)
	}
	r := &f.room.reader
	*r = plainReader{before: p.line, left: maxNodes - f.nodes, room: f.room, lines: r.lines[:0], all: r.all[:0]}
	r.cut(p.text)
	if len(r.lines) == 0 || r.lines[0].indent != 0 {
		return nil, false
	}
	n, ok := r.block(0, 0)
	if !ok || r.at < len(r.lines) {
		return nil, false
	}
	f.nodes += r.used
	return n, true
}

// plainText reports whether a text holds only what may stand anywhere in YAML, and no line break but line feeds.
func plainText(text []byte) bool {
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c >= ' ' && c < 0x7f || c == '\n':
			i++
		case c < utf8.RuneSelf:
			return false
		default:
			r, size := utf8.DecodeRune(text[i:])
			if size == 1 || r < 0xA0 || r == 0x2028 || r == 0x2029 || r == 0xFEFF || r&0xFFFE == 0xFFFE {
				return false
			}
			i += size
		}
	}
	return len(text) > 0 && text[len(text)-1] == '\n'
}

// maxPlainKeys bounds a map: every new key is compared with those before it.
const maxPlainKeys = 500

type plainLine struct {
	indent, number int    // spaces before the text; lines of the piece before it
	text           string // without the spaces at either end
}

// plainReader goes over the lines that hold something.
type plainReader struct {
	lines  []plainLine
	all    []string // the lines of the piece
	at     int
	before int // lines of the file before the piece
	used   int // parts so far
	left   int // how many there may be
	room   *room
}

// room is what reading a file takes and leaves behind: the parts of its documents are gone once its rules are made. The zero value is ready.
type room struct {
	reader plainReader
	slabs  [][]node // of slabNodes each
	used   int      // nodes of them that are in use
	leaves []Leaf   // for rules: what is left is not used yet
	parts  []Part   // the same
}

// slabNodes is how many nodes are made at once.
const slabNodes = 512

// node is one that nobody uses. What an earlier file left in its lists is cleared.
func (r *room) node() *node {
	at := r.used % slabNodes
	if r.used++; (r.used-1)/slabNodes == len(r.slabs) {
		r.slabs = append(r.slabs, make([]node, slabNodes))
	}
	n := &r.slabs[(r.used-1)/slabNodes][at]
	*n = node{list: n.list[:0], pairs: n.pairs[:0]}
	return n
}

// leaf is one of a rule, with room for a pattern of so many parts.
func (r *room) leaf(parts int) (*Leaf, Pattern) {
	if len(r.leaves) == 0 {
		r.leaves = make([]Leaf, slabLeaves)
	}
	if len(r.parts) < parts {
		r.parts = make([]Part, max(parts, 2*slabLeaves))
	}
	l, p := &r.leaves[0], r.parts[:0:parts]
	r.leaves, r.parts = r.leaves[1:], r.parts[parts:]
	return l, p
}

// slabLeaves is how many leaves are made at once.
const slabLeaves = 64

// reset makes the room free for the next file. A large file's is not kept.
func (r *room) reset() {
	if r.used > 64*slabNodes || cap(r.reader.all) > 1<<16 {
		*r = room{}
	}
	r.used = 0
}

// cut finds the lines that hold more than a comment.
func (r *plainReader) cut(text []byte) {
	whole := unsafe.String(unsafe.SliceData(text), len(text))
	if most := bytes.Count(text, []byte{'\n'}); most > cap(r.all) {
		r.all = make([]string, 0, most)
		r.lines = make([]plainLine, 0, most)
	}
	for number := 0; whole != ""; number++ {
		raw, rest, _ := strings.Cut(whole, "\n")
		whole = rest
		r.all = append(r.all, raw)
		body := strings.TrimLeft(raw, " ")
		indent := len(raw) - len(body)
		body = strings.TrimRight(body, " ")
		if body == "" || body[0] == '#' || number+indent == 0 && (body == "---" || strings.HasPrefix(body, "--- #")) {
			continue
		}
		r.lines = append(r.lines, plainLine{indent, number, body})
	}
}

// node is a new part that begins on a line.
func (r *plainReader) node(kind nodeKind, number int) (*node, bool) {
	if r.used++; r.used > r.left {
		return nil, false
	}
	n := r.room.node()
	n.kind, n.line = kind, r.before+number+1
	return n, true
}

// block reads the list or map that begins on the current line, at its indent.
func (r *plainReader) block(indent, depth int) (*node, bool) {
	if isItem(r.lines[r.at].text) {
		return r.list(indent, depth)
	}
	return r.mapping(indent, depth)
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func (r *plainReader) list(indent, depth int) (*node, bool) {
	n, ok := r.node(listNode, r.lines[r.at].number)
	if !ok || depth >= maxDepth {
		return nil, false
	}
	for r.at < len(r.lines) && r.lines[r.at].indent == indent && isItem(r.lines[r.at].text) {
		l := &r.lines[r.at]
		body := strings.TrimLeft(l.text[1:], " ")
		if body == "" || isItem(body) || body[0] == '#' {
			return nil, false
		}
		var e *node
		if _, _, isKey := cutKey(body); isKey {
			l.indent += len(l.text) - len(body)
			l.text = body
			e, ok = r.mapping(l.indent, depth+1)
		} else {
			r.at++
			e, ok = r.value(body, l.number, indent, depth+1)
		}
		if !ok {
			return nil, false
		}
		n.list = append(n.list, e)
	}
	return n, r.at == len(r.lines) || r.lines[r.at].indent <= indent
}

func (r *plainReader) mapping(indent, depth int) (*node, bool) {
	n, ok := r.node(mapNode, r.lines[r.at].number)
	if !ok || depth >= maxDepth {
		return nil, false
	}
	for r.at < len(r.lines) && r.lines[r.at].indent == indent && !isItem(r.lines[r.at].text) {
		number := r.lines[r.at].number
		word, rest, isKey := cutKey(r.lines[r.at].text)
		if !isKey {
			return nil, false
		}
		key, ok := r.scalar(word, number)
		if !ok || len(n.pairs) == maxPlainKeys || n.get(key.text) != nil {
			return nil, false
		}
		r.at++
		v, ok := r.pairValue(rest, number, indent, depth+1)
		if !ok {
			return nil, false
		}
		n.pairs = append(n.pairs, pair{key.text, key.line, v})
	}
	return n, r.at == len(r.lines) || r.lines[r.at].indent <= indent
}

// pairValue reads what a key at an indent leads to: the rest of its line, or the block below.
func (r *plainReader) pairValue(rest string, number, indent, depth int) (*node, bool) {
	if rest != "" && rest[0] != '#' {
		return r.value(rest, number, indent, depth)
	}
	if r.at < len(r.lines) {
		below := &r.lines[r.at]
		if below.indent > indent || below.indent == indent && isItem(below.text) {
			return r.block(below.indent, depth)
		}
	}
	return r.node(nullNode, number)
}

// value reads a scalar or a literal block below an indent.
func (r *plainReader) value(text string, number, indent, depth int) (*node, bool) {
	if depth > maxDepth {
		return nil, false
	}
	if text[0] == '|' {
		return r.literal(text, number, indent)
	}
	return r.scalar(text, number)
}

// literal reads the block of lines after |. Its indent is that of its first line.
func (r *plainReader) literal(head string, number, indent int) (*node, bool) {
	if head != "|" && head != "|-" {
		return nil, false
	}
	n, ok := r.node(textNode, number)
	if !ok || number+1 >= len(r.all) {
		return nil, false
	}
	first := r.all[number+1]
	deep := len(first) - len(strings.TrimLeft(first, " "))
	if deep == len(first) || deep <= indent {
		return nil, false
	}
	end, blank := number+1, 0
	var b strings.Builder
	for ; end < len(r.all); end++ {
		raw := r.all[end]
		spaces := len(raw) - len(strings.TrimLeft(raw, " "))
		if spaces < deep && spaces < len(raw) {
			break
		}
		if len(raw) <= deep {
			blank++
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		for ; blank > 0; blank-- {
			b.WriteByte('\n')
		}
		b.WriteString(raw[deep:])
	}
	if n.text = b.String(); head == "|" {
		n.text += "\n"
	}
	for r.at < len(r.lines) && r.lines[r.at].number < end {
		r.at++
	}
	return n, true
}

// cutKey cuts "key: rest". A key is a plain or quoted scalar.
func cutKey(text string) (key, rest string, ok bool) {
	end := 0
	if text[0] == '\'' || text[0] == '"' {
		if end = quoteEnd(text); end < 0 {
			return "", "", false
		}
		for end < len(text) && text[end] == ' ' {
			end++
		}
		if end == len(text) || text[end] != ':' {
			return "", "", false
		}
	} else if end = colon(text); end < 0 {
		return "", "", false
	}
	if end == 0 || end+1 < len(text) && text[end+1] != ' ' {
		return "", "", false
	}
	return strings.TrimRight(text[:end], " "), strings.TrimLeft(text[end+1:], " "), true
}

// colon is where a plain scalar ends in a colon before a space or the end, -1 if it does not, or a comment comes first.
func colon(text string) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ':':
			if i+1 == len(text) || text[i+1] == ' ' {
				return i
			}
		case '#':
			if i > 0 && text[i-1] == ' ' {
				return -1
			}
		}
	}
	return -1
}

// quoteEnd is where a quoted scalar ends that begins the text and has no escapes but a doubled quote, a backslash or a quote
// behind a backslash; -1 if it does not end on the line.
func quoteEnd(text string) int {
	q := text[0]
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == q && q == '\'' && i+1 < len(text) && text[i+1] == q:
			i++
		case text[i] == q:
			return i + 1
		case text[i] == '\\' && q == '"':
			if i+1 == len(text) || text[i+1] != '\\' && text[i+1] != '"' {
				return -1
			}
			i++
		}
	}
	return -1
}

// scalar reads a plain or quoted scalar and the comment behind it.
func (r *plainReader) scalar(text string, number int) (*node, bool) {
	n, ok := r.node(textNode, number)
	if !ok {
		return nil, false
	}
	if text[0] == '\'' || text[0] == '"' {
		end := quoteEnd(text)
		if end < 0 || !onlyComment(text[end:]) {
			return nil, false
		}
		n.text = unquote(text[:end])
		return n, true
	}
	if i := strings.Index(text, " #"); i >= 0 {
		text = strings.TrimRight(text[:i], " ")
	}
	if text == "" || strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") || strings.IndexByte("-?:,[]{}#&*!|>%@`", text[0]) >= 0 && (text[0] != '-' || len(text) == 1 || text[1] == ' ') || colon(text) >= 0 {
		return nil, false
	}
	n.text = text
	if strings.IndexByte("0123456789+-.~nNtTfFyYoO<=", text[0]) < 0 || text[0] >= 'A' && len(text) > longestWord {
		return n, true
	}
	if kind, ok := plainKind(text); ok {
		n.kind = kind
		return n, true
	}
	y := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	return n, (text[0] != '<' || y.ShortTag() != "!!merge") && n.setScalar(y) == nil
}

// plainKind tells the two common scalars that begin with a digit, which the library takes long to tell: short decimal numbers, and
// dates, which count as texts whether or not the calendar has them.
func plainKind(text string) (nodeKind, bool) {
	if len(text) == 10 && text[4] == '-' && text[7] == '-' && digits(text[:4]) && digits(text[5:7]) && digits(text[8:]) {
		return textNode, true
	}
	return numberNode, len(text) < 18 && digits(text) && (text[0] != '0' || len(text) == 1)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// longestWord is the length of "false", the longest word that is no text.
const longestWord = 5

func onlyComment(text string) bool {
	rest := strings.TrimLeft(text, " ")
	return rest == "" || rest[0] == '#' && len(rest) < len(text)
}

func unquote(text string) string {
	q, body := text[0], text[1:len(text)-1]
	if q == '\'' {
		return strings.ReplaceAll(body, "''", "'")
	}
	if strings.IndexByte(body, '\\') < 0 {
		return body
	}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] == '\\' {
			i++
		}
		b.WriteByte(body[i])
	}
	return b.String()
}
