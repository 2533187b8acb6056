package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"wardround/internal/event"
)

// maxList bounds a list that a person gives: a row for every server of India would fit.
const maxList = 64 << 20

// row is one line of a sheet, or one object of a JSON list: its cells as text, in the order of the columns.
type row struct {
	line  int
	cells []string
}

// readText reads all of r as UTF-8. Byte order marks and UTF-16 are undone; bytes that are no UTF-8 are read as Windows
// code page 1252, in which Excel saves a plain CSV, and noted.
func readText(r io.Reader, name string) (string, []Problem, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxList+1))
	if err != nil {
		return "", nil, fmt.Errorf("read %q: %w", name, err)
	}
	if len(raw) > maxList {
		return "", nil, fmt.Errorf("read %q: larger than %d MB", name, maxList>>20)
	}
	switch {
	case bytes.HasPrefix(raw, []byte("\xff\xfe")):
		return event.Value{Type: event.UTF16, Raw: raw[2:]}.String(), nil, nil
	case bytes.HasPrefix(raw, []byte("\xfe\xff")):
		swapped := raw[2 : len(raw)-len(raw)%2]
		for i := 0; i+1 < len(swapped); i += 2 {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
		}
		return event.Value{Type: event.UTF16, Raw: swapped}.String(), nil, nil
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(raw) {
		note := Problem{Says: "the file is not UTF-8: read as Windows-1252", Remedy: "save it as “CSV UTF-8” if a name looks wrong"}
		return event.Value{Type: event.Ansi, Raw: raw}.String(), []Problem{note}, nil
	}
	return string(raw), nil, nil
}

// readSheet cuts a CSV (RFC 4180) into rows. The separator is that of , ; and tab that the first line holds most of, or
// the one that a line sep=; names. A row whose quotes do not close is a problem; the line after it is read as ever.
func readSheet(text string) (header row, rows []row, problems []Problem) {
	sep, line := byte(0), 1
	if first, rest, ok := strings.Cut(text, "\n"); ok {
		if first = strings.TrimSuffix(first, "\r"); len(first) == 5 && strings.EqualFold(first[:4], "sep=") {
			sep, text, line = first[4], rest, 2
		}
	}
	for text != "" {
		if sep == 0 && strings.TrimSpace(firstLine(text)) != "" {
			sep = separator(firstLine(text))
		}
		cells, rest, err := cutRow(text, sep)
		if err != nil {
			problems = append(problems, Problem{Line: line, Says: err.Error(), Remedy: `write a quote inside a quoted cell twice ("")`, Lost: true})
		}
		r := row{line, cells}
		line += strings.Count(text[:len(text)-len(rest)], "\n")
		text = rest
		if err != nil || strings.Join(cells, "") == "" {
			continue
		}
		if header.cells == nil {
			header = r
		} else {
			rows = append(rows, r)
		}
	}
	return header, rows, problems
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func separator(header string) byte {
	best := byte(',')
	for _, sep := range []byte(";\t") {
		if strings.Count(header, string(sep)) > strings.Count(header, string(best)) {
			best = sep
		}
	}
	return best
}

var errQuotes = errors.New("the quotes of a cell do not close")

// cutRow takes one row off the text: its cells, trimmed, and the rest. When quotes do not close, the rest begins after
// the first line end, so that only that line is lost.
func cutRow(text string, sep byte) (cells []string, rest string, err error) {
	rest = text
	for {
		var cell string
		trimmed := strings.TrimLeft(rest, " ")
		if strings.HasPrefix(trimmed, `"`) {
			var ok bool
			if cell, rest, ok = cutQuoted(trimmed[1:]); !ok {
				_, rest, _ = strings.Cut(text, "\n")
				return nil, rest, errQuotes
			}
			rest = strings.TrimLeft(rest, " ")
			if rest != "" && rest[0] != sep && rest[0] != '\r' && rest[0] != '\n' {
				_, rest, _ = strings.Cut(text, "\n")
				return nil, rest, errQuotes
			}
		} else {
			n := strings.IndexAny(rest, string(sep)+"\r\n")
			if n < 0 {
				n = len(rest)
			}
			cell, rest = rest[:n], rest[n:]
		}
		cells = append(cells, strings.Trim(cell, " \t\r\n\u00a0"))
		switch {
		case rest == "":
			return cells, "", nil
		case rest[0] == sep:
			rest = rest[1:]
		default:
			rest = strings.TrimPrefix(rest, "\r")
			return cells, strings.TrimPrefix(rest, "\n"), nil
		}
	}
}

// cutQuoted takes a cell off the text behind its opening quote.
func cutQuoted(text string) (cell, rest string, ok bool) {
	var b strings.Builder
	for {
		inside, after, found := strings.Cut(text, `"`)
		if !found {
			return "", "", false
		}
		b.WriteString(inside)
		if !strings.HasPrefix(after, `"`) {
			return b.String(), after, true
		}
		b.WriteByte('"')
		text = after[1:]
	}
}
