package evidence

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainSplit is webAccess.split, byte by byte.
func plainSplit(line []byte) (tokens []webToken) {
	for i := 0; i < len(line) && len(tokens) < 64; {
		c, end := line[i], -1
		switch c {
		case ' ', '\t':
			i++
			continue
		case '"':
			for k := i + 1; k < len(line) && end < 0; k++ {
				if line[k] == '\\' {
					k++
				} else if line[k] == '"' && (k+1 == len(line) || line[k+1] == ' ' || line[k+1] == ',' || line[k+1] == '\t') {
					end = k
				}
			}
			if end < 0 {
				end = len(line)
			}
		case '[', '{':
			if n := bytes.IndexByte(line[i:], c+2); n >= 0 { // the bracket that closes
				end = i + n
			}
		}
		skip := 1
		if end < 0 {
			c, skip = 0, 0
			for end = i; end < len(line) && line[end] != ' ' && line[end] != '\t'; end++ {
			}
		}
		tokens = append(tokens, webToken{c, c == '"' && end == len(line), line[i+skip : end]})
		i = end + skip
	}
	return tokens
}

func sameTokens(a, b webToken) bool {
	return a.open == b.open && a.cut == b.cut && bytes.Equal(a.text, b.text)
}

// FuzzWebWords: lines are cut into words as a walk over their bytes does, and a reader that has read other lines before reads a
// line as one does that has not, word by word.
func FuzzWebWords(f *testing.F) {
	for _, line := range []string{
		`10.0.0.1 - - [23/Nov/2022:07:07:49 +0530] "GET /a\"b c?x=1 HTTP/1.1" 200 5 "-" "agent \\" "10.0.0.2" 0.1`,
		"v:443 ::1 -\t- [23/Nov/2022:07:07:49 +0530] \"GET /a\"b\" HTTP/1.1\" 200 - \"cut",
		`[23/Nov/2022:01:37:49 +0000] 10.0.0.1 TLSv1.2 X "GET /x HTTP/1.1" 26`, `a{b} {c d} [e`,
		"10.0.0.1 - - [23/Nov/2022:07:07:49 +0530] \"GET / HTTP/ HTTP/1.1\" 200 5\n10.0.0.1 - - [23/nov/2022:07:07:49 +0530] \"GET / HTTP/2\" 200 5",
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		used := &webAccess{}
		for _, line := range bytes.Split(text, []byte("\n")) {
			compareWeb(t, used, line)
			compareWeb(t, used, line)
		}
	})
}

func compareWeb(t *testing.T, used *webAccess, line []byte) {
	t.Helper()
	used.escaped = bytes.IndexByte(line, '\\') >= 0
	if used.split(line, maxWebWords); !slices.EqualFunc(used.tokens, plainSplit(line), sameTokens) {
		t.Fatalf("%q: %v, byte by byte %v", line, used.tokens, plainSplit(line))
	}
	fresh := &webAccess{escaped: used.escaped} // which takes every line apart word by word
	if a, b := used.line(line), fresh.anyLine(line); a != b || a && (used.time != fresh.time || used.format != fresh.format) {
		t.Fatalf("%q: %t %v, word by word %t %v", line, a, used.time, b, fresh.time)
	} else if a {
		for i, v := range used.slots {
			if w := fresh.slots[i]; v.Type != w.Type || !bytes.Equal(v.Raw, w.Raw) {
				t.Fatalf("%q: slot %d is %q, word by word %q", line, i, v.Raw, w.Raw)
			}
		}
	}
}

// TestWebWords does the same with lines thrown together.
func TestWebWords(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pieces := []string{" ", "\t", `"`, `\`, "[", "]", "{", "}", "a", "GET ", " HTTP/1.1", "10.0.0.1", "- ", "[23/Nov/2022:07:07:49 +0530]", "[01/jan/2022:07:07:49]", `" `, `",`, "\x00", "\xff", "é", "200", "!", "\x1f", "\x08"}
	used := &webAccess{}
	for range 200_000 {
		var line []byte
		for range random.IntN(20) {
			line = append(line, pieces[random.IntN(len(pieces))]...)
		}
		compareWeb(t, used, line)
	}
	usual := []string{"www.example:443 ", "10.0.0.1", " ", "-", " ", "frank", " ", "[23/Nov/2022:07:07:49 +0530]", " ", `"GET /a?b HTTP/1.1"`, " ", "200", " ", "494", " ", `"-"`, " ", `"Mozilla (a"b)"`, ` "1.2.3.4" 0.1`}
	for range 300_000 { // with a piece or two changed, or left out
		var line []byte
		changed := [2]int{random.IntN(2 * len(usual)), random.IntN(2 * len(usual))}
		for i, piece := range usual {
			switch {
			case i == 0 && random.IntN(2) == 0, i == len(usual)-1 && random.IntN(2) == 0:
			case i == 7 && random.IntN(2) == 0:
				line = fmt.Appendf(line, "[%02d/Nov/2022:07:%02d:%02d +0%d30]", 22+random.IntN(10), 6+random.IntN(2), random.IntN(62), random.IntN(2))
			case i == changed[0] || i == changed[1]:
				line = append(line, pieces[random.IntN(len(pieces))]...)
			default:
				line = append(line, piece...)
			}
		}
		compareWeb(t, used, line[:len(line)-max(0, random.IntN(2*len(line))-len(line))])
	}
}
