package evidence

import (
	"bufio"
	"context"
	"strconv"
)

// readJournalJSON reads what journalctl -o json writes: an object a line, its values texts, null where they were too
// long, arrays of numbers for bytes that are no text, or arrays of texts where a field has several values.
func readJournalJSON(ctx context.Context, r *bufio.Reader, e *journalEntry) error {
	l := newLines(ctx, r)
	s := jsonEntry{entry: e}
	for l.next() {
		if len(l.text) == 0 {
			continue
		}
		e.reset()
		if l.cut > 0 || !s.read(l.text) {
			e.out.damage(l.offset, int64(len(l.text))+l.cut, "line that is no entry of a journal")
			continue
		}
		e.send(e.number(l.number), l.offset)
	}
	return l.fail()
}

// jsonEntry reads one flat object.
type jsonEntry struct {
	entry *journalEntry
	b     []byte
	key   []byte
	value []byte
}

func (s *jsonEntry) read(line []byte) bool {
	s.b = line
	if !s.eat('{') {
		return false
	}
	for !s.eat('}') {
		var ok bool
		if s.key, ok = s.text(s.key[:0]); !ok || !s.eat(':') || !s.member() {
			return false
		}
		if !s.eat(',') {
			return s.eat('}')
		}
	}
	return true
}

func (s *jsonEntry) space() {
	for len(s.b) > 0 && (s.b[0] == ' ' || s.b[0] == '\t' || s.b[0] == '\r') {
		s.b = s.b[1:]
	}
}

func (s *jsonEntry) eat(c byte) bool {
	s.space()
	if len(s.b) == 0 || s.b[0] != c {
		return false
	}
	s.b = s.b[1:]
	return true
}

// member reads the value of the key at hand and gives it to the entry.
func (s *jsonEntry) member() bool {
	s.space()
	switch {
	case len(s.b) == 0:
		return false
	case s.b[0] == '"':
		v, ok := s.text(s.value[:0])
		s.value = v
		s.entry.set(s.key, v)
		return ok
	case s.b[0] == '[':
		return s.array()
	}
	v := s.scalar()
	if string(v) != "null" {
		s.entry.set(s.key, v)
	}
	return len(v) > 0
}

func (s *jsonEntry) array() bool {
	s.b = s.b[1:]
	raw := s.value[:0]
	for !s.eat(']') {
		s.space()
		if len(s.b) > 0 && s.b[0] == '"' {
			v, ok := s.text(raw[:0])
			if !ok {
				return false
			}
			s.entry.set(s.key, v)
			raw = v[:0]
		} else {
			v := s.scalar()
			n, err := strconv.Atoi(string(v))
			if err != nil && string(v) != "null" {
				return false
			}
			raw = append(raw, byte(n))
		}
		if !s.eat(',') {
			if !s.eat(']') {
				return false
			}
			break
		}
	}
	s.value = raw
	if len(raw) > 0 {
		s.entry.set(s.key, raw)
	}
	return true
}

// scalar reads a number or a word.
func (s *jsonEntry) scalar() []byte {
	n := 0
	for n < len(s.b) && (letter(s.b[n]) || digit(s.b[n]) || s.b[n] == '-' || s.b[n] == '+' || s.b[n] == '.') {
		n++
	}
	v := s.b[:n]
	s.b = s.b[n:]
	return v
}

// text reads a string and appends what it says to dst.
func (s *jsonEntry) text(dst []byte) ([]byte, bool) {
	if !s.eat('"') {
		return dst, false
	}
	for i := 0; i < len(s.b); i++ {
		switch s.b[i] {
		case '"':
			dst = appendJSONString(dst, s.b[:i])
			s.b = s.b[i+1:]
			return dst, true
		case '\\':
			i++
		}
	}
	return dst, false
}
