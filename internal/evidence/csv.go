package evidence

import "bytes"

// splitCSV cuts a record at its commas as RFC 4180 has it and undoes doubled quotes, whose texts go to scratch. closed is
// no when a quoted value does not end: the record goes on behind a line feed. At most most values are cut.
func splitCSV(b []byte, words [][]byte, scratch []byte, most int) (_ [][]byte, _ []byte, closed bool) {
	for len(words) < most {
		var word []byte
		if len(b) > 0 && b[0] == '"' {
			if word, b, scratch, closed = quotedCSV(b[1:], scratch); !closed {
				return append(words, word), scratch, false
			}
		}
		end := bytes.IndexByte(b, ',')
		if end < 0 {
			end = len(b)
		}
		if word == nil {
			word = b[:end]
		}
		words = append(words, word)
		if end == len(b) {
			break
		}
		b = b[end+1:]
	}
	return words, scratch, true
}

// quotedCSV cuts a value up to the quote that ends it.
func quotedCSV(b, scratch []byte) (word, rest, _ []byte, closed bool) {
	start, plain := len(scratch), true
	for {
		i := bytes.IndexByte(b, '"')
		switch {
		case i < 0:
			return b, nil, scratch, false
		case i+1 < len(b) && b[i+1] == '"':
			scratch = append(scratch, b[:i+1]...)
			b, plain = b[i+2:], false
		case plain:
			return b[:i:i], b[i+1:], scratch, true
		default:
			scratch = append(scratch, b[:i]...)
			return scratch[start:len(scratch):len(scratch)], b[i+1:], scratch, true
		}
	}
}
