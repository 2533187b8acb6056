package report

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maskAssignments hides values that stand behind a telling name: password=x, "token": "x", <Password>x</Password>,
// Authorization: Bearer x, name="DbPassword" value="x".
func maskAssignments(s string, h *hints) string {
	if !strings.ContainsAny(s, "=:>") {
		return s
	}
	var b strings.Builder
	done := 0
	for i := 0; i < len(s); i++ {
		var from, to int
		var kind string
		switch s[i] {
		case '=', ':':
			from, to, kind = assignment(s, i)
		case '>':
			from, to, kind = element(s, i)
		default:
			continue
		}
		if kind == "" || from < done {
			continue
		}
		b.WriteString(s[done:from])
		b.WriteString(marker(kind))
		done, i = to, to-1
	}
	if done > 0 {
		b.WriteString(s[done:])
		s = b.String()
	}
	if h.see(s); h.has("value") && (h.may("key") || h.may("name")) {
		s = maskAttributes(s)
	}
	return s
}

// assignment looks at the separator s[i] and returns the secret behind it, kind "" if there is none.
func assignment(s string, i int) (from, to int, kind string) {
	if s[i] == ':' && i > 0 && s[i-1] == ':' || s[i] == ':' && i+1 < len(s) && (s[i+1] == ':' || s[i+1] == '/' && i+2 < len(s) && s[i+2] == '/') {
		return 0, 0, ""
	}
	start, key := keyBefore(s, i)
	if key == "" {
		return 0, 0, ""
	}
	kind = kindOfKey(key)
	if kind == "" || isPath(s, start, i) || s[i] == ':' && strings.Contains(key, "[") { // passwd[1234]: is a program
		return 0, 0, ""
	}
	if kind == kindHeader {
		return header(s, i+1)
	}
	from, to = valueAfter(s, i, key, kind)
	v := s[from:to]
	if neutral(v) || isMasked(v) || keepsItsValue(key, v) {
		return 0, 0, ""
	}
	return from, to, kind
}

// keepsItsValue names the values that look announced as secret and are none: the working directory that sudo logs as
// PWD, logon ids, and session and address numbers of other kinds.
func keepsItsValue(key, v string) bool {
	w := words(key)
	last := w[len(w)-1]
	first := strings.TrimLeft(v, `"'`)
	switch {
	case last == "pwd" && strings.HasSuffix(key, "PWD") && len(w) == 1:
		return strings.HasPrefix(first, "/") || strings.HasPrefix(first, "~") || len(first) > 2 && first[1] == ':' && first[2] == '\\'
	case last == "token":
		return strings.HasPrefix(first, "0x") && len(first) <= 18
	case last == "no" || last == "number" || last == "num" || last == "uhid" || last == "mrn" || last == "phone" || last == "mobile":
		return !strings.ContainsAny(v, "0123456789") || strings.Count(v, ".") >= 2
	}
	return false
}

// keyBefore returns the name that stands before the separator s[i], and where it begins: up to 60 bytes, quotes and
// brackets around it passed over, words joined by single spaces included ("Secret Access Key: x").
func keyBefore(s string, i int) (int, string) {
	for n := 0; i > 0 && n < 2 && (s[i-1] == ':' || s[i-1] == '='); n++ {
		i--
	}
	end := i
	for n := 0; end > 0 && n < 12 && strings.IndexByte(" \t\"'`\\]", s[end-1]) >= 0; n++ {
		end--
	}
	if tail := s[max(0, end-20):end]; strings.Contains(tail, "[masked:") {
		return end, ""
	}
	start := end
	for start > 0 && end-start < 60 {
		r, size := utf8.DecodeLastRuneInString(s[:start])
		if r == ' ' && start < end && start > 1 && isKeyByte(s[start-2]) {
			start--
			continue
		}
		if size == 1 && !isKeyByte(s[start-1]) || size > 1 && !unicode.IsLetter(r) && !unicode.IsMark(r) {
			break
		}
		start -= size
	}
	key := strings.TrimLeft(s[start:end], " ")
	return end - len(key), key
}

func isKeyByte(c byte) bool {
	return c == '_' || c == '.' || c == '-' || c == '$' || c == '@' || c == '%' || c == '[' ||
		'0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isPath reports that a name before a colon is the last part of a path ("/etc/passwd:…") and not a flag ("/pass:…").
func isPath(s string, start, sep int) bool {
	if start < 2 || s[sep] != ':' || s[start-1] != '/' && s[start-1] != '\\' {
		return false
	}
	c := s[start-2]
	return isKeyByte(c) || c == ':'
}

// valueAfter is the extent of the value behind the separator at i.
func valueAfter(s string, i int, key, kind string) (int, int) {
	i++
	for i < len(s) && strings.IndexByte("=> \t:", s[i]) >= 0 {
		i++
	}
	if i == len(s) || s[i] == '(' || s[i] == '{' || s[i] == '\r' || s[i] == '\n' {
		return i, i
	}
	if to, ok := quoted(s, i); ok {
		return i, to
	}
	switch kind {
	case kindPatient:
		if numbersOne(key) {
			break
		}
		return i, endOfPhrase(s, i)
	case kindPhone, kindAadhaar, kindABHA:
		to := i
		for to < len(s) && strings.IndexByte("0123456789 +-()", s[to]) >= 0 {
			to++
		}
		if n := len(strings.TrimRight(s[i:to], " -(+")); n > 3 {
			return i, i + n
		}
	}
	return i, endOfWord(s, i)
}

// numbersOne reports names of patient data whose value is one number, not a name or a date.
func numbersOne(key string) bool {
	w := words(key)
	switch w[len(w)-1] {
	case "no", "num", "number", "id", "uhid", "mrn", "patientid", "patientno":
		return true
	}
	return false
}

// quoted returns the end of the quoted text that begins at s[i]: "…", '…', `…` or \"…\". A doubled quote or one
// behind a backslash does not end it. A text that never ends reaches to the end.
func quoted(s string, i int) (int, bool) {
	esc := strings.HasPrefix(s[i:], `\"`) || strings.HasPrefix(s[i:], `\'`)
	if esc {
		q := s[i : i+2]
		if end := strings.Index(s[i+2:], q); end >= 0 {
			return i + 2 + end + 2, true
		}
		return len(s), true
	}
	q := s[i]
	if q != '"' && q != '\'' && q != '`' {
		return i, false
	}
	for j := i + 1; j < len(s); j++ {
		switch {
		case s[j] == '\\' && j+1 < len(s) && s[j+1] == q && j+2 < len(s) && !strings.ContainsRune(" \t\r\n,;)}", rune(s[j+2])):
			j++
		case s[j] == q && j+1 < len(s) && s[j+1] == q:
			if j == i+1 {
				return j + 1, true
			}
			j++
		case s[j] == q:
			return j + 1, true
		}
	}
	return len(s), true
}

// endOfWord is where an unquoted value ends: at white space, at a quote or a tag, and at ; & , | ) } ] only when what
// follows looks like the next part, because passwords hold such characters.
func endOfWord(s string, i int) int {
	for j := i; j < len(s); j++ {
		switch s[j] {
		case ' ', '\t', '\r', '\n', '"', '\'', '<', '`', 0:
			return j
		case '\\':
			if j+1 < len(s) && s[j+1] == '"' {
				return j
			}
		case ';', '&', ',', '|', ')', '}', ']':
			if nextPart(s[j+1:]) {
				return j
			}
		}
	}
	return len(s)
}

// nextPart reports that what follows a separator is the end, white space, another separator or another assignment.
func nextPart(s string) bool {
	if s == "" || strings.IndexByte(" \t\r\n\"'`)}];,|&<\\", s[0]) >= 0 {
		return true
	}
	for i := 0; i < len(s) && i < 60; i++ {
		if i > 0 && (s[i] == '=' || s[i] == ':') {
			return true
		}
		if !isKeyByte(s[i]) && (s[i] != ' ' || i == 0) {
			return false
		}
	}
	return false
}

// endOfPhrase is where the value of a patient's field ends: names hold spaces.
func endOfPhrase(s string, i int) int {
	for j := i; j < len(s); j++ {
		switch s[j] {
		case '\r', '\n', '\t', '"', '\'', '<', ';', '&', '|', ',', '}', ']', ')', 0:
			return j
		case ' ':
			if j+1 < len(s) && s[j+1] == ' ' {
				return j
			}
			for k := j + 1; k < len(s) && k < j+40; k++ {
				if (s[k] == '=' || s[k] == ':') && k > j+1 {
					return j
				}
				if !isKeyByte(s[k]) {
					break
				}
			}
		}
	}
	return len(s)
}

var schemeOf = regexp.MustCompile(`(?i)^\s*(?:basic|bearer|digest|negotiate|ntlm|token|apikey|aws4-hmac-sha256)\s+`)

// header masks the rest of an Authorization or Cookie line behind the scheme: to the quote that closes it or the line's end.
func header(s string, i int) (from, to int, kind string) {
	for i < len(s) && strings.IndexByte(" \t\"'=>\\", s[i]) >= 0 {
		i++
	}
	i += len(schemeOf.FindString(s[i:]))
	to = i
	for to < len(s) && strings.IndexByte("\"'\r\n", s[to]) < 0 {
		to++
	}
	for to > i && (s[to-1] == '\\' || s[to-1] == ' ') {
		to--
	}
	if v := s[i:to]; isMasked(v) || neutral(v) {
		return 0, 0, ""
	}
	return i, to, kindToken
}

// element looks at the end of a start tag s[i] and returns its secret content. <Password><Value>x</Value></Password>
// is how Windows answer files write it.
func element(s string, i int) (from, to int, kind string) {
	open := strings.LastIndexByte(s[max(0, i-200):i], '<')
	if open < 0 {
		return 0, 0, ""
	}
	tag := s[max(0, i-200)+open+1 : i]
	if tag == "" || tag[0] == '/' || tag[0] == '!' || strings.HasSuffix(tag, "/") {
		return 0, 0, ""
	}
	name, _, _ := strings.Cut(tag, " ")
	kind = kindOfKey(name)
	if kind == "" {
		return 0, 0, ""
	}
	from = i + 1
	rest := strings.TrimLeft(s[from:], " \t\r\n")
	if len(rest) >= 7 && strings.EqualFold(rest[:7], "<value>") {
		from = len(s) - len(rest) + 7
	}
	to = from
	for to < len(s) && s[to] != '<' {
		to++
	}
	if kind == kindHeader {
		kind = kindToken
	}
	if v := strings.TrimSpace(s[from:to]); neutral(v) || isMasked(v) || keepsItsValue(name, v) {
		return 0, 0, ""
	}
	return from, to, kind
}

var attributes = regexp.MustCompile(`(?i)\b(?:key|name)\s*=\s*["']([^"']*)["']\s+value\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// maskAttributes hides the value of name="DbPassword" value="x", as configuration files write it.
func maskAttributes(s string) string {
	return replaceFunc(attributes, s, func(s string, m []int) (int, int, string) {
		name := s[m[2]:m[3]]
		from, to := m[4], m[5]
		if from < 0 {
			from, to = m[6], m[7]
		}
		kind := kindOfKey(name)
		if kind == kindHeader {
			kind = kindToken
		}
		if v := s[from:to]; neutral(v) || isMasked(v) {
			return 0, 0, ""
		}
		return from, to, kind
	})
}

// replaceFunc puts the marker of the kind that f returns in place of s[from:to] for each match; kind "" leaves it.
func replaceFunc(re *regexp.Regexp, s string, f func(s string, m []int) (from, to int, kind string)) string {
	var b strings.Builder
	done := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
		from, to, kind := f(s, m)
		if kind == "" || from < done {
			continue
		}
		b.WriteString(s[done:from])
		b.WriteString(marker(kind))
		done = to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}
