package patient

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// readJSON reads JSON (RFC 8259), one value or many after one another, and what programs write for it: names without quotes, single
// quotes, commas too many. What cannot be understood is passed over.
func readJSON(w *worker, c *content, t *tally) {
	x := newTree(t, &w.run.o)
	j := jsonReader{to: x, format: "fhir json"}
	s := newScanner(t, &w.run.o)
	r := c.plain()
	for {
		b, err := r.ReadSlice('\n')
		j.feed(b)
		if len(b) > 0 && len(b) < maxLine {
			s.hl7.line(b) // messages of HL7 are logged and queued as strings of JSON
		}
		if err != nil && len(b) == 0 {
			break
		}
	}
	j.end()
	s.hl7.end()
}

// jsonReader takes text in pieces and hands objects and values to a tree.
type jsonReader struct {
	to     *tree
	format string // of what turns out to be FHIR
	alone  bool   // ends with the value that it began with
	nest   []container
	text   []byte // of the value that is being read
	quote  byte   // in a string
	escape int    // 1 behind a backslash, 2 to 5 in \uXXXX
	code   rune
	high   rune
	word   bool // text holds a value
	key    string
	lost   int // containers below the limit
}

type container struct {
	array bool
	key   string // of the array's values
}

// feed takes the next piece, and tells how much of it belongs to what is read.
func (j *jsonReader) feed(b []byte) int {
	for i := 0; i < len(b); i++ {
		c := b[i]
		if j.quote != 0 {
			j.inString(c)
			continue
		}
		switch c {
		case '"', '\'', '`':
			j.quote, j.text, j.word = c, j.text[:0], true
		case '{', '[':
			j.begin(c == '[')
		case '}', ']':
			if j.finish(); j.alone && len(j.nest) == 0 {
				return i + 1
			}
		case ':':
			if j.word {
				j.key = string(j.text)
				j.text, j.word = j.text[:0], false
			}
		case ',':
			j.scalar()
			if n := len(j.nest); n > 0 && j.nest[n-1].array {
				j.key = j.nest[n-1].key
			} else {
				j.key = ""
			}
		case ' ', '\t', '\r', '\n':
		default:
			if len(j.text) < maxValue {
				j.text = append(j.text, c)
			}
			j.word = true
		}
	}
	return len(b)
}

func (j *jsonReader) inString(c byte) {
	switch {
	case j.escape == 1:
		j.escape = 0
		switch c {
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'b', 'f':
			c = ' '
		case 'u':
			j.escape, j.code = 2, 0
			return
		}
		j.put(c)
	case j.escape >= 2:
		d, err := strconv.ParseUint(string(c), 16, 8)
		if err != nil {
			j.escape = 0
			return
		}
		j.code = j.code<<4 | rune(d)
		if j.escape++; j.escape == 6 {
			j.escape = 0
			j.unicode(j.code)
		}
	case c == '\\':
		j.escape = 1
	case c == j.quote:
		j.quote = 0
	default:
		j.put(c)
	}
}

func (j *jsonReader) put(c byte) {
	if len(j.text) < maxValue {
		j.text = append(j.text, c)
	}
}

func (j *jsonReader) unicode(r rune) {
	switch {
	case r >= 0xd800 && r < 0xdc00:
		j.high = r
		return
	case r >= 0xdc00 && r < 0xe000:
		r = utf16.DecodeRune(j.high, r)
	}
	if len(j.text) < maxValue {
		j.text = utf8.AppendRune(j.text, r)
	}
}

// scalar hands over the value that was read.
func (j *jsonReader) scalar() {
	if !j.word {
		return
	}
	j.word = false
	if len(j.nest) == 0 || j.lost > 0 {
		j.text = j.text[:0]
		return
	}
	s := string(j.text)
	j.text = j.text[:0]
	if j.key == "resourceType" {
		j.to.fhir, j.to.t.format = true, j.format
	}
	if s != "null" {
		j.to.value(j.key, s)
	}
}

func (j *jsonReader) begin(array bool) {
	j.text, j.word = j.text[:0], false
	if len(j.nest) >= 4*maxDepth {
		j.lost++
		return
	}
	j.nest = append(j.nest, container{array, j.key})
	if !array {
		j.to.open(j.key)
		j.key = ""
	}
}

func (j *jsonReader) finish() {
	if j.lost > 0 {
		j.lost--
		return
	}
	j.scalar()
	n := len(j.nest)
	if n == 0 {
		return
	}
	if !j.nest[n-1].array {
		j.to.close()
	}
	j.nest = j.nest[:n-1]
	j.key = ""
	if n > 1 && j.nest[n-2].array {
		j.key = j.nest[n-2].key
	}
}

// end closes what a text that breaks off left open.
func (j *jsonReader) end() {
	j.scalar()
	for len(j.nest) > 0 {
		j.lost = 0
		j.finish()
	}
}
