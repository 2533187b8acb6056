package sigma

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// compilable turns a rule's regular expression into one of Go's dialect. The specification names PCRE and a few of its
// metacharacters; rules use more, so all of PCRE is taken that means the same to an engine without backtracking when
// only the question "is it found" is asked.
func compilable(expr, flags string, atStart, atEnd bool) (string, error) {
	if len(expr) > maxRegexp {
		return "", fmt.Errorf("the regular expression has more than %d bytes", maxRegexp)
	}
	s, err := translate(expr)
	if err != nil {
		return "", err
	}
	if atStart {
		s = `\A(?:` + s + `)`
	}
	if atEnd {
		s = `(?:` + s + `)\z`
	}
	if flags != "" {
		s = "(?" + flags + ")" + s
	}
	if _, err := syntax.Parse(s, syntax.Perl); err != nil { // what can be parsed can be compiled
		return "", fmt.Errorf("the regular expression cannot be used: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return s, nil
}

// Character classes of PCRE that Go lacks or means otherwise, to stand inside brackets.
const (
	horizontal = `\t\p{Zs}`
	vertical   = `\n\x{b}\f\r\x{85}\x{2028}\x{2029}`
)

// escapes are PCRE's escapes that need another form in Go, outside of brackets.
var escapes = map[byte]string{
	'h': `[` + horizontal + `]`, 'H': `[^` + horizontal + `]`,
	'v': `[` + vertical + `]`, 'V': `[^` + vertical + `]`,
	'R': `(?:\r\n|[` + vertical + `])`,
	'N': `[^\n]`,
	'e': `\x1b`,
	'Z': `(?:\n?\z)`,
	'K': ``, // keeps what precedes out of the match, which nobody asks for
}

// inBrackets are the same inside of brackets.
var inBrackets = map[byte]string{'h': horizontal, 'v': vertical, 'e': `\x1b`, 'b': `\x08`}

// unsupported are beginnings of what only a backtracking engine can do.
var unsupported = []struct{ begins, what string }{
	{"(?=", "a lookahead"}, {"(?!", "a lookahead"}, {"(?<=", "a lookbehind"}, {"(?<!", "a lookbehind"},
	{"(?>", "an atomic group"}, {"(?(", "a conditional group"}, {"(?P=", "a backreference"},
	{"(?P>", "a recursion"}, {"(?R", "a recursion"}, {"(?&", "a recursion"}, {"(*", "a verb"},
}

var (
	repeat = regexp.MustCompile(`^(?:[*+?]|\{\d+(?:,\d*)?\}|\{,\d+\})`)
	octal  = regexp.MustCompile(`^\\[1-3][0-7]{2}`)
)

func translate(expr string) (string, error) {
	var b strings.Builder
	depth := 0          // of groups
	repeatable := false // what precedes is a quantifier, which a + would make possessive
	for i, n := 0, 0; i < len(expr); i += n {
		rest := expr[i:]
		n = 1
		if m := repeat.FindString(rest); m != "" {
			if m == "+" && repeatable {
				return "", errors.New("the regular expression has a possessive quantifier, which Sigma does not know")
			}
			b.WriteString(strings.Replace(m, "{,", "{0,", 1))
			n, repeatable = len(m), !repeatable
			continue
		}
		repeatable = false
		var err error
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			n, err = escape(&b, rest)
		case rest[0] == '[':
			n = brackets(&b, rest)
		case strings.HasPrefix(rest, "(?#"):
			if n = strings.IndexByte(rest, ')') + 1; n == 0 {
				err = errors.New("the regular expression has a comment without end")
			}
		case rest[0] == '(':
			depth++
			n, err = group(&b, rest)
		case rest[0] == '$' && (strings.Trim(rest[1:], ")") == "" || depth == 0 && rest[1] == '|'):
			b.WriteString(`(?:$|\n\z)`) // PCRE's $ also stands before a last line feed
		default:
			if rest[0] == ')' {
				depth--
			}
			b.WriteByte(rest[0])
		}
		if err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

// group writes the beginning of the group that s begins with and returns its length.
func group(b *strings.Builder, s string) (int, error) {
	for _, u := range unsupported {
		if strings.HasPrefix(s, u.begins) {
			return 0, fmt.Errorf("the regular expression has %s (%s), which Sigma does not know", u.what, u.begins)
		}
	}
	if strings.HasPrefix(s, "(?|") { // alternatives that share group numbers
		b.WriteString("(?:")
		return 3, nil
	}
	b.WriteByte('(')
	return 1, nil
}

// escape writes the escape that s begins with and returns its length.
func escape(b *strings.Builder, s string) (int, error) {
	c := s[1]
	replacement, known := escapes[c]
	switch {
	case known:
		b.WriteString(replacement)
	case c == 'Q':
		end := strings.Index(s, `\E`) + 2
		if end < 2 {
			end = len(s)
		}
		b.WriteString(s[:end])
		return end, nil
	case octal.MatchString(s):
		b.WriteString(s[:4])
		return 4, nil
	case c >= '1' && c <= '9', c == 'g', c == 'k':
		return 0, fmt.Errorf(`the regular expression has a backreference (\%c), which Sigma does not know`, c)
	case c == 'c' && len(s) > 2:
		fmt.Fprintf(b, `\x{%x}`, s[2]&^0x20^0x40)
		return 3, nil
	default:
		b.WriteString(s[:2])
	}
	return 2, nil
}

// brackets writes the character class that s begins with and returns its length.
func brackets(b *strings.Builder, s string) int {
	i := 1
	if strings.HasPrefix(s[i:], "^") {
		i++
	}
	if strings.HasPrefix(s[i:], "]") { // plain, as the first
		i++
	}
	b.WriteString(s[:i])
	for i < len(s) {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			if replacement, known := inBrackets[s[i+1]]; known {
				b.WriteString(replacement)
			} else {
				b.WriteString(s[i : i+2])
			}
			i += 2
		case strings.HasPrefix(s[i:], "[:"):
			n := strings.Index(s[i:], ":]") + 2
			if n < 2 {
				n = 2
			}
			b.WriteString(s[i : i+n])
			i += n
		case s[i] == ']':
			b.WriteByte(']')
			return i + 1
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return i
}
