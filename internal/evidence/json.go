package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// The bounds of one JSON object that is read as an event. What exceeds them is damage.
const (
	maxJSONObject = 8 << 20 // bytes
	maxJSONTokens = 8192
	maxJSONDepth  = 63
)

// jsonObjects cuts a stream into its JSON objects (RFC 8259) and each object into tokens that point into it: nothing
// is copied and nothing is unescaped until somebody asks. How the objects are laid out does not matter: one per line,
// one after another, members of an array, printed over several lines. A string that holds a bare line feed is broken,
// which is how a line that was cut off is told from an object over several lines: reading goes on with the next line.
type jsonObjects struct {
	text   []byte // of the object, valid until the next one
	tokens []jsonToken
	sig    []byte // keys and kinds of the tokens: objects of one form have one signature
	offset int64  // of the object in the artifact
	number uint64 // of the object, from 1

	l      *lines
	column int  // of the object on its line, in bytes
	inside bool // the objects are members of a list in a document: see enter
	damage func(offset, n int64, why string)
}

// jsonToken is a piece of an object: a value with its key, or the end of a container. Positions are bytes in
// jsonObjects.text; strings stand without their quotes. Members of an array have empty keys.
type jsonToken struct {
	kind    byte // one of the kinds below
	escaped bool // a string that holds a backslash
	key     int32
	keyEnd  int32
	at      int32
	end     int32
}

// The kinds of a token.
const (
	jsonObject = '{'
	jsonArray  = '['
	jsonClose  = '}' // of either
	jsonString = '"'
	jsonNumber = '0'
	jsonTrue   = 't'
	jsonFalse  = 'f'
	jsonNull   = 'n'
)

var (
	errJSONShort  = errors.New("object is cut off")
	errJSONBroken = errors.New("not a JSON object")
	errJSONWide   = errors.New("object holds too many values")
	errJSONDeep   = errors.New("object is nested too deep")
	errJSONLong   = errors.New("object is too long")
)

func newJSONObjects(ctx context.Context, r io.Reader, damage func(offset, n int64, why string)) *jsonObjects {
	return &jsonObjects{l: newLines(ctx, r), damage: damage}
}

// next moves to the next object. It answers no at the end, when the stream fails or when the context is done: see fail.
func (j *jsonObjects) next() bool {
	l := j.l
	if l.polled++; l.polled&1023 == 0 && l.ctx.Err() != nil {
		l.err = l.ctx.Err()
		return false
	}
	for j.seek() {
		n, tokens, sig, err := tokenise(l.buf[l.at:l.n], j.tokens[:0], j.sig[:0])
		j.tokens, j.sig = tokens, sig
		switch {
		case err == nil:
			j.text = l.buf[l.at : l.at+n]
			j.offset = l.pos
			j.number++
			l.skip(n)
			return true
		case err == errJSONShort && l.err == nil && l.n-l.at < maxJSONObject:
			for twice := 2 * (l.n - l.at); l.n-l.at < twice && l.err == nil; {
				l.fill()
			}
		case err == errJSONShort && l.err == nil:
			j.resync(errJSONLong)
		default:
			j.resync(err)
		}
	}
	return false
}

// fail is the error that ended the objects early, nil at the end of the artifact.
func (j *jsonObjects) fail() error { return j.l.fail() }

// seek moves to the next opening brace, over what stands between objects: white space, commas and the brackets of an
// array around them. Other text is passed over up to the end of its line.
func (j *jsonObjects) seek() bool {
	l := j.l
	for {
		b := l.buf[l.at:l.n]
		i := 0
		for i < len(b) && (b[i] <= ' ' && b[i] != 0 || b[i] == ',' || b[i] == '[' || b[i] == ']' || j.inside && b[i] == '}') {
			j.column++
			if b[i] == '\n' {
				j.column = 0
			}
			i++
		}
		l.skip(i)
		switch {
		case i < len(b) && b[i] == '{':
			return true
		case i < len(b):
			j.passText()
		case l.err != nil:
			return false
		default:
			l.fill()
		}
	}
}

// jsonLists are the keys under which documents keep the list of what was asked for.
var jsonLists = []string{"hits", "value", "Events", "events", "results", "records"}

// enter steps into the list of objects that a document wraps: an answer of Elasticsearch, an array that PowerShell made
// an object of. It must be called before next. When the first object itself is what the caller looks for, as far as it
// can be seen, it stays there and says so.
func (j *jsonObjects) enter(wanted func(text []byte, tokens []jsonToken) bool) bool {
	l := j.l
	for l.n-l.at < headBytes && l.err == nil {
		l.fill()
	}
	b := l.buf[l.at:l.n]
	start := bytes.IndexByte(b, '{')
	if start < 0 || len(bytes.TrimLeft(b[:start], " \t\r\n[")) > 0 {
		return false
	}
	if _, tokens, _, _ := tokenise(b[start:], nil, nil); wanted(b[start:], tokens) {
		return true
	}
	head := b[start:min(len(b), start+4096)]
	for _, key := range jsonLists {
		if i := listBehind(head, key); i >= 0 {
			j.inside = true
			l.skip(start + i)
			break
		}
	}
	return false
}

// listBehind finds a list of objects that stands behind a key; -1 if there is none.
func listBehind(head []byte, key string) int {
	const space = " \t\r\n"
	for from := 0; ; {
		i := bytes.Index(head[from:], []byte(`"`+key+`"`))
		if i < 0 {
			return -1
		}
		from += i + len(key) + 2
		rest := bytes.TrimLeft(bytes.TrimPrefix(bytes.TrimLeft(head[from:], space), []byte(":")), space)
		if len(rest) > 1 && rest[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(rest[1:], space), []byte("{")) {
			return len(head) - len(rest)
		}
	}
}

// passText passes over a line that is no JSON. It is damage, but for the lines "Record 12" that evtx_dump prints, and
// for what a document holds behind its list.
func (j *jsonObjects) passText() {
	start, label := j.l.pos, []byte("Record ")
	if j.inside {
		label = []byte(`"`)
	}
	for j.l.n-j.l.at < len(label) && j.l.err == nil {
		j.l.fill()
	}
	isLabel := bytes.HasPrefix(j.l.buf[j.l.at:j.l.n], label)
	j.passLine()
	if n := j.l.pos - start; !isLabel || n > 40 && !j.inside {
		j.damage(start, n, errJSONBroken.Error())
	}
}

// resync passes over a broken object: to the next line that begins with an object no deeper indented than the broken
// one, or to the end.
func (j *jsonObjects) resync(why error) {
	start, column := j.l.pos, j.column
	for j.passLine() {
		for j.l.n-j.l.at <= column && j.l.err == nil && column < 1024 {
			j.l.fill()
		}
		head := j.l.buf[j.l.at:min(j.l.n, j.l.at+column+1)]
		if bytes.HasPrefix(bytes.TrimLeft(head, " \t,["), []byte("{")) || bytes.HasPrefix(head, []byte("R")) {
			break
		}
	}
	j.damage(start, j.l.pos-start, why.Error())
}

// passLine moves behind the next line feed; no if there is none.
func (j *jsonObjects) passLine() bool {
	l := j.l
	j.column = 0
	for {
		if i := bytes.IndexByte(l.buf[l.at:l.n], '\n'); i >= 0 {
			l.skip(i + 1)
			return true
		}
		l.skip(l.n - l.at)
		if l.err != nil {
			return false
		}
		l.fill()
	}
}

// plain appends the text of the plain value of token i to dst.
func (j *jsonObjects) plain(dst []byte, i int) []byte {
	t := j.tokens[i]
	if t.escaped {
		return appendJSONString(dst, j.text[t.at:t.end])
	}
	return append(dst, j.text[t.at:t.end]...)
}

// tokenise cuts the object at the start of b into tokens and returns its length. The signature grows with them.
func tokenise(b []byte, tokens []jsonToken, sig []byte) (int, []jsonToken, []byte, error) {
	arrays := uint64(0) // bit d: the container at depth d is an array
	depth := 1
	more := true // a member may follow: we stand behind an opening or a comma
	for i := skipJSONSpace(b, 1); ; {
		if i >= len(b) {
			return 0, tokens, sig, errJSONShort
		}
		inArray := arrays>>depth&1 != 0
		if b[i] == '}' && !inArray || b[i] == ']' && inArray {
			i++
			if depth--; depth == 0 {
				return i, tokens, sig, nil
			}
			tokens = append(tokens, jsonToken{kind: jsonClose})
			sig = append(sig, jsonClose)
			i, more = skipJSONComma(b, i)
			continue
		}
		var t jsonToken
		var err error
		switch {
		case !more:
			err = errJSONBroken
		case len(tokens) >= maxJSONTokens:
			err = errJSONWide
		case !inArray:
			i, err = t.scanKey(b, i)
		}
		if err == nil {
			i, err = t.scanValue(b, i)
		}
		if err != nil {
			return 0, tokens, sig, err
		}
		tokens = append(tokens, t)
		sig = append(append(append(sig, sigKind[t.kind]), b[t.key:t.keyEnd]...), '\n')
		if t.kind != jsonObject && t.kind != jsonArray {
			i, more = skipJSONComma(b, i)
			continue
		}
		if depth++; depth > maxJSONDepth {
			return 0, tokens, sig, errJSONDeep
		}
		arrays &^= 1 << depth
		if t.kind == jsonArray {
			arrays |= 1 << depth
		}
		i = skipJSONSpace(b, i)
	}
}

// scanKey reads a key and the colon, and returns the place of the value.
func (t *jsonToken) scanKey(b []byte, i int) (int, error) {
	if b[i] != '"' {
		return 0, errJSONBroken
	}
	end, _, err := scanJSONString(b, i+1)
	if err != nil {
		return 0, err
	}
	t.key, t.keyEnd = int32(i+1), int32(end)
	i = skipJSONSpace(b, end+1)
	if i < len(b) && b[i] != ':' {
		return 0, errJSONBroken
	}
	if i = skipJSONSpace(b, i+1); i >= len(b) {
		return 0, errJSONShort
	}
	return i, nil
}

// scanValue reads a plain value, or the opening of a container, and returns the place behind it.
func (t *jsonToken) scanValue(b []byte, i int) (end int, err error) {
	t.at = int32(i)
	switch c := b[i]; {
	case c == '"':
		t.kind = jsonString
		t.at++
		end, t.escaped, err = scanJSONString(b, i+1)
		t.end = int32(end)
		return end + 1, err
	case c == '{' || c == '[':
		t.kind, t.end = c, t.at
		return i + 1, nil
	case c == '-' || '0' <= c && c <= '9':
		t.kind = jsonNumber
		end, err = scanJSONWord(b, i+1)
	case c == 't' || c == 'f' || c == 'n':
		t.kind = c
		end, err = scanJSONWord(b, i+1)
		if w := string(b[i:end]); err == nil && w != "true" && w != "false" && w != "null" {
			return 0, errJSONBroken
		}
	default:
		return 0, errJSONBroken
	}
	t.end = int32(end)
	return end, err
}

// sigKind folds the kinds of plain values into one: whether a value is a number or a string does not change what it is.
var sigKind = [256]byte{jsonObject: jsonObject, jsonArray: jsonArray, jsonString: 's', jsonNumber: 's', jsonTrue: 's', jsonFalse: 's', jsonNull: 's'}

func skipJSONSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipJSONComma moves behind a value and the comma that follows it, if one does.
func skipJSONComma(b []byte, i int) (int, bool) {
	i = skipJSONSpace(b, i)
	if i < len(b) && b[i] == ',' {
		return skipJSONSpace(b, i+1), true
	}
	return i, false
}

// scanJSONWord returns the end of a number or a literal.
func scanJSONWord(b []byte, i int) (int, error) {
	for ; i < len(b); i++ {
		switch c := b[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', c == '.', c == '-', c == '+', c == 'E':
		default:
			return i, nil
		}
	}
	return i, errJSONShort
}

const (
	byteOnes  = 0x0101010101010101
	byteHighs = 0x8080808080808080
)

// quotesIn marks, in the high bit of each byte, where x holds a quote, a backslash or a control character. Marks past
// the first may be false.
func quotesIn(x uint64) uint64 {
	quote := x ^ byteOnes*'"'
	slash := x ^ byteOnes*'\\'
	return ((quote-byteOnes)&^quote | (slash-byteOnes)&^slash | (x-byteOnes*' ')&^x) & byteHighs
}

// scanJSONString returns the place of the quote that ends a string whose text begins at i, and whether it holds escapes.
func scanJSONString(b []byte, i int) (end int, escaped bool, err error) {
	for {
		for i+8 <= len(b) {
			if m := quotesIn(binary.LittleEndian.Uint64(b[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		if i >= len(b) {
			return 0, escaped, errJSONShort
		}
		switch b[i] {
		case '"':
			return i, escaped, nil
		case '\\':
			escaped = true
			i += 2
		case '\n':
			return 0, escaped, errJSONBroken
		default:
			i++
		}
	}
}

// appendJSONString appends the text of a string, its escapes undone (RFC 8259 section 7). Lone surrogates become
// U+FFFD, unknown escapes stay as they are.
func appendJSONString(dst, s []byte) []byte {
	for len(s) > 0 {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		s = s[i:]
		switch c := jsonEscapes[s[1]]; {
		case c != 0:
			dst = append(dst, c)
			s = s[2:]
		case s[1] == 'u':
			var r rune
			r, s = jsonRune(s)
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, s[:2]...)
			s = s[2:]
		}
	}
	return dst
}

var jsonEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// jsonRune decodes the escape \uXXXX, or two of them that are a surrogate pair, at the start of s.
func jsonRune(s []byte) (rune, []byte) {
	r, ok := hex4(s[2:])
	if !ok {
		return utf8.RuneError, s[2:]
	}
	s = s[6:]
	if utf16.IsSurrogate(r) {
		if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
			if low, ok := hex4(s[2:]); ok {
				if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
					return pair, s[6:]
				}
			}
		}
		r = utf8.RuneError
	}
	return r, s
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
