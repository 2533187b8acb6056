package damage

import (
	"bytes"
	_ "embed"
	"strconv"
	"strings"
	"sync"
)

//go:embed families.txt
var familiesText string

// family is one line of the table.
type family struct {
	name       string
	extensions []string
	notes      []string // patterns of a note's name
	marks      []mark
}

type mark struct{ where, text string }

var families = sync.OnceValue(func() []family { return parseFamilies(familiesText) })

func parseFamilies(text string) (list []family) {
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || strings.HasPrefix(line, "#") {
			continue
		}
		f := family{name: strings.TrimSpace(cells[0])}
		words := func(cell string) (out []string) {
			for _, w := range strings.Fields(cell) {
				out = append(out, strings.ReplaceAll(w, "~", " "))
			}
			return out
		}
		f.extensions, f.notes = words(cells[1]), words(cells[2])
		for _, w := range words(cells[3]) {
			where, what, _ := strings.Cut(w, ":")
			if u, err := strconv.Unquote(`"` + strings.ReplaceAll(what, `"`, `\"`) + `"`); err == nil {
				what = u
			}
			f.marks = append(f.marks, mark{where, what})
		}
		list = append(list, f)
	}
	return list
}

// How sure a family is, in words. Whoever wrote a note can claim any name.
const (
	familyByMark = "mark in the file"
	familyByNote = "what a note says"
	familyByName = "name alone"
)

// familyOf names the family whose marks a damaged file or note has, and by what: "CatB (what a note says)"; "" for none, or for several by name alone.
func familyOf(base string, v *view, words []byte) string {
	lower := strings.ToLower(base)
	ext := extension(base)
	head := v.head()
	tail := v.tail(1024)
	named := ""
	for i := range families() {
		f := &families()[i]
		for _, m := range f.marks {
			switch {
			case m.where == "head" && bytes.HasPrefix(head, []byte(m.text)), m.where == "tail" && bytes.Contains(tail, []byte(m.text)):
				return f.name + " (" + familyByMark + ")"
			case m.where == "note" && len(words) > 0 && bytes.Contains(words, []byte(strings.ToLower(m.text))):
				return f.name + " (" + familyByNote + ")"
			}
		}
		if f.named(lower, ext, len(words) > 0) {
			if named != "" {
				named = "?"
			} else {
				named = f.name
			}
		}
	}
	if named == "" || named == "?" {
		return ""
	}
	return named + " (" + familyByName + ")"
}

func (f *family) named(lower, ext string, note bool) bool {
	for _, e := range f.extensions {
		if e == ext && promises[ext] == "" {
			return true
		}
	}
	for _, m := range f.marks {
		if m.where == "name" && containsPattern(lower, m.text) {
			return true
		}
	}
	if note {
		for _, p := range f.notes {
			if fits(lower, p) {
				return true
			}
		}
	}
	return false
}

// fits compares a name with a pattern: * is a run of letters and digits, ? one of any.
func fits(name, pattern string) bool {
	for len(pattern) > 0 {
		switch {
		case pattern[0] == '*':
			for i := 0; ; i++ {
				if fits(name[i:], pattern[1:]) {
					return true
				}
				if i >= len(name) || !alphanumeric(name[i]) {
					return false
				}
			}
		case name == "" || pattern[0] != '?' && name[0] != pattern[0]:
			return false
		}
		name, pattern = name[1:], pattern[1:]
	}
	return name == ""
}

func containsPattern(name, pattern string) bool {
	for i := range name {
		if len(name)-i >= len(pattern) && fits(name[i:i+len(pattern)], pattern) {
			return true
		}
	}
	return false
}

func alphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
