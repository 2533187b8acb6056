package patient

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"
)

// scanner looks through the lines of a text for what tells of patients: HL7 messages, numbers that are what a word beside them
// says, and labels with values, as letters and forms have them. What belongs together is one person: until the same label or number
// comes again with another value, or the text goes on for long without any.
type scanner struct {
	t    *tally
	o    *Options
	hl7  hl7
	p    person
	told kinds
	sole bool // a label that speaks of patients by itself
	gap  int  // lines since the last thing told
	tail []byte
	js   *jsonReader // an object of FHIR inside a program's text
	fed  int
}

// maxGap is how many lines may stand between two things told of one person.
const maxGap = 80

func newScanner(t *tally, o *Options) *scanner {
	s := &scanner{t: t, o: o}
	s.hl7.t = t
	return s
}

// line takes the next line.
func (s *scanner) line(line []byte) {
	s.gap++
	if s.gap == maxGap {
		s.flush()
	}
	if s.hl7.line(line) {
		return
	}
	s.objects(line)
	s.numbers(line)
	if s.o.numbersInText != nil {
		for _, m := range s.o.numbersInText.FindAll(line, 16) {
			s.number(HospitalNumber, string(m))
			s.t.sure(moderate, "numbers of the form that the hospital's configuration gives")
		}
	}
	if len(line) < 4096 {
		s.labels(line)
	}
	s.keep(line)
}

// maxObject bounds what is read of one object of FHIR inside a program's text.
const maxObject = 4 << 20

// objects finds FHIR's resources that stand as values in the text of a program: the brace before "resourceType" begins one.
func (s *scanner) objects(line []byte) {
	for len(line) > 0 {
		if s.js == nil {
			i := bytes.Index(line, []byte("resourceType"))
			if i < 0 {
				return
			}
			before := bytes.TrimRight(line[:i], " \t\"'")
			if brace := len(before) > 0 && before[len(before)-1] == '{'; !brace && (len(before) > 0 || !bytes.HasSuffix(bytes.TrimRight(s.tail, " \t\r\n"), []byte("{"))) {
				line = line[i+12:]
				continue
			}
			line = line[i:]
			s.js, s.fed = &jsonReader{to: newTree(s.t, s.o), alone: true, format: s.t.format}, 0
			s.js.feed([]byte("{"))
		}
		n := s.js.feed(line)
		if s.fed += n; n < len(line) || len(s.js.nest) == 0 || s.fed > maxObject {
			s.js.end()
			s.js = nil
		} else {
			s.js.feed([]byte("\n"))
		}
		line = line[n:]
	}
}

// contextBytes is how far before a number the word may stand that says what it is.
const contextBytes = 64

func (s *scanner) keep(line []byte) {
	line = line[max(0, len(line)-contextBytes):]
	s.tail = append(append(s.tail[:0], line...), '\n')
}

// before is the text before a place in the line, the end of the line before included, in small letters.
func (s *scanner) before(line []byte, at int) string {
	from := at - contextBytes
	if from >= 0 {
		return strings.ToLower(string(line[from:at]))
	}
	return strings.ToLower(string(s.tail) + string(line[:at]))
}

var (
	aadhaarWords = []string{"aadhaar", "aadhar", "adhaar", "adhar", "uidai", "uid no", "uid:", "uid number", "आधार", "আধার", "ਆਧਾਰ", "આધાર", "ଆଧାର", "ஆதார்", "ఆధార్", "ಆಧಾರ್", "ആധാർ", "آدھار"}
	abhaWords    = []string{"abha", "health id", "healthid", "ndhm", "abdm", "आभा"}
	panWords     = []string{"pan no", "pan:", "pan card", "pan number", "permanent account", "पैन"}
	voterWords   = []string{"voter", "epic", "मतदाता"}
	mobileWords  = []string{"mobile", "phone", "contact", "mob", "cell", "tel", "whatsapp", "मोबाइल", "फोन"}
)

func anyOf(text string, words []string) bool {
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// numbers finds identifiers by their form and the words before them.
func (s *scanner) numbers(line []byte) {
	for i := 0; i < len(line); {
		c := line[i]
		switch {
		case c >= '0' && c <= '9':
			n := numberAt(line[i:])
			if n >= 10 && (i == 0 || !wordByte(line[i-1])) && (i+n == len(line) || !wordByte(line[i+n])) {
				s.digits(line, i, i+n)
			}
			for i += max(n, 1); i < len(line) && wordByte(line[i]); i++ {
			}
		case c|0x20 >= 'a' && c|0x20 <= 'z':
			n := 1
			for i+n < len(line) && wordByte(line[i+n]) {
				n++
			}
			if n == 10 {
				s.letters(line, i, i+n)
			}
			i += n
		case c == '@':
			s.address(line, i)
			i++
		default:
			i++
		}
	}
}

func wordByte(c byte) bool { return alphanumeric(c) || c == '_' || c >= 0x80 }

// numberAt is the length of a number that may be grouped by single spaces or dashes.
func numberAt(b []byte) int {
	n, digits := 0, 0
	for n < len(b) && digits <= 20 {
		switch c := b[n]; {
		case c >= '0' && c <= '9':
			digits++
		case (c == ' ' || c == '-') && n+1 < len(b) && b[n+1] >= '0' && b[n+1] <= '9':
		default:
			return n
		}
		n++
	}
	return n
}

// digits judges a number of ten digits or more. Its groups may belong to several numbers: the first twelve or fourteen digits are tried as well.
func (s *scanner) digits(line []byte, from, to int) {
	for to > from {
		text := string(line[from:to])
		d := bare(text)
		switch len(d) {
		case 12:
			if isAadhaar(d) && (grouped(text, 4, 4, 4) || len(text) == 12) && anyOf(s.before(line, from), aadhaarWords) {
				s.number(Aadhaar, d)
				s.t.sure(moderate, "Aadhaar numbers: right check digit, and the word beside them")
				return
			}
			if m, _ := mobileOf("+" + d); m != "" && from > 0 && line[from-1] == '+' {
				s.mobile(m)
				return
			}
		case 14:
			if looksABHA(text) || isABHA(d) && anyOf(s.before(line, from), abhaWords) {
				s.number(ABHANumber, d)
				s.t.sure(moderate, "ABHA numbers: their form, with a check digit or the word beside them")
				return
			}
		case 10, 11:
			if m, _ := mobileOf(d); m != "" && anyOf(s.before(line, from), mobileWords) {
				s.mobile(m)
				return
			}
		}
		if to = from + lastGroup(line[from:to]); len(bare(string(line[from:to]))) < 10 {
			return
		}
	}
}

func lastGroup(b []byte) int { return max(bytes.LastIndexByte(b, ' '), 0) }

// grouped reports whether digits stand in groups of these sizes.
func grouped(s string, sizes ...int) bool {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '-' })
	if len(parts) != len(sizes) {
		return false
	}
	for i, p := range parts {
		if len(p) != sizes[i] {
			return false
		}
	}
	return true
}

func (s *scanner) letters(line []byte, from, to int) {
	switch word := string(line[from:to]); {
	case isPAN(word) && word == strings.ToUpper(word) && anyOf(s.before(line, from), panWords):
		s.number(PAN, word)
	case isEPIC(word) && anyOf(s.before(line, from), voterWords):
		s.number(VoterID, word)
	}
}

// address finds an ABHA address around an at sign.
func (s *scanner) address(line []byte, at int) {
	from, to := at, at+1
	for from > 0 && (alphanumeric(line[from-1]) || strings.IndexByte("._-", line[from-1]) >= 0) && at-from < 40 {
		from--
	}
	for to < len(line) && (alphanumeric(line[to]) || line[to] == '.' || line[to] == '-') && to-at < 10 {
		to++
	}
	text := strings.TrimRight(string(line[from:to]), ".-")
	if isABHAAddress(text) && (strings.HasSuffix(text, "@abdm") || anyOf(s.before(line, from), abhaWords)) {
		s.number(ABHAAddress, text)
		s.t.sure(moderate, "ABHA addresses")
	}
}

func (s *scanner) mobile(m string) {
	s.gap = 0
	s.t.saw(Mobile, m)
}

// number takes an identifier. Another one of the same kind is another person's.
func (s *scanner) number(k Kind, v string) {
	s.gap = 0
	v = plainID(v)
	for _, id := range s.p.ids {
		if id.kind == k {
			if id.value == v {
				return
			}
			s.flush()
			break
		}
	}
	s.p.id(k, "", v)
}

// labels finds values behind labels: "UHID No.: 123", "Name of Patient<tab>…".
func (s *scanner) labels(line []byte) {
	start := 0
	for i := 0; i < len(line); i++ {
		if c := line[i]; c != ':' && c != '\t' && c != '=' {
			continue
		}
		label := labelBefore(line[max(start, i-80):i])
		if len(label) < 2 {
			start = i + 1
			continue
		}
		r, sole := roleOf(string(label))
		if s.o.numberHeadings[folded(string(label))] {
			r, sole = rolePatientID, true
		}
		if r == noRole {
			if line[i] == '\t' {
				start = i + 1
			}
			continue
		}
		value := valueAfter(line[i+1:])
		if other, _ := roleOf(value); value != "" && other == noRole { // else it is the heading of a table
			s.label(r, sole, value)
		}
		start = i + 1
	}
}

// labelBefore is the end of a text as far as it may be a label: up to five words, without what stands before a wide gap.
func labelBefore(b []byte) []byte {
	b = bytes.Trim(b, " \t\"'.-*>|(){}[],;<")
	if i := bytes.LastIndex(b, []byte("  ")); i >= 0 {
		b = b[i+2:]
	}
	if i := bytes.LastIndexAny(b, "\t|,;\"'"); i >= 0 {
		b = b[i+1:]
	}
	if len(b) > 48 {
		return nil
	}
	for words := bytes.Fields(b); len(words) > 0; words = words[1:] {
		label := bytes.Join(words, []byte(" "))
		if r, _ := roleOf(string(label)); r != noRole {
			return label
		}
	}
	return b
}

// valueAfter is the value that stands behind a label.
func valueAfter(b []byte) string {
	b = bytes.TrimLeft(b, " \t\"':=-")
	if i := bytes.Index(b, []byte("  ")); i >= 0 {
		b = b[:i]
	}
	if i := bytes.IndexAny(b, "\t|\"'<>;{}$%()"); i >= 0 {
		b = b[:i]
	}
	b = b[:min(len(b), 80)]
	for len(b) > 0 && !utf8.Valid(b) && len(b) > 76 {
		b = b[:len(b)-1]
	}
	return strings.TrimRight(string(b), " ,.\\")
}

func (s *scanner) label(r role, sole bool, v string) {
	switch r {
	case rolePatientName, roleName:
		v = untilLabel(v)
		if !plausibleName(v) {
			return
		}
		if s.p.name != "" && plainName(s.p.name) != plainName(v) {
			if r == roleName {
				return // of a doctor, of a hospital
			}
			s.flush()
		}
		s.p.name = v
		s.sole = s.sole || sole
	case rolePatientID:
		v, _, _ = strings.Cut(v, " ")
		if digits(v) < 3 || len(v) > 24 {
			return
		}
		s.number(HospitalNumber, v)
		s.sole = s.sole || sole
	case roleBirth:
		v, _, _ = strings.Cut(v, "  ")
		if birthOf(v) == "" {
			if v, _, _ = strings.Cut(v, " "); birthOf(v) == "" {
				return
			}
		}
		s.p.birth = v
		s.told.add(BirthDate)
	case roleSex:
		if v, _, _ = strings.Cut(v, " "); plainSex(v) == "" || len(v) > 12 {
			return
		}
		s.p.sex = v
		s.told.add(Sex)
	case roleAge:
		if n := digits(v); n == 0 || n > 4 {
			return
		}
		if _, sex, ok := strings.Cut(v, "/"); ok {
			s.p.sex = strings.TrimSpace(sex)
		}
		s.told.add(Sex)
	case roleNamePart, roleRecordID:
		return
	case roleAddress, roleBilling, roleEmail:
		if len(v) < 5 {
			return
		}
		s.told.add(kindOf[r])
	default:
		if k, ok := kindOf[r]; ok && len(v) > 1 {
			s.told.add(k)
		} else {
			return // numbers are found by their form
		}
	}
	s.gap = 0
}

// untilLabel cuts a value where the next label begins behind a single space: "RAM KUMAR UHID".
func untilLabel(v string) string {
	words := strings.Fields(v)
	for i := 1; i < len(words); i++ {
		if r, _ := roleOf(strings.TrimRight(words[i], ":.")); r != noRole {
			return strings.Join(words[:i], " ")
		}
	}
	return v
}

// plausibleName reports whether a value may be the name of a person: words of letters, one to six of them, and no code.
func plausibleName(v string) bool {
	if len(v) < 3 || len(v) > 64 || strings.ContainsAny(v, "[]{}()<>=/\\#$%*_&+0123456789") {
		return false
	}
	words := strings.Fields(v)
	if len(words) == 0 || len(words) > 6 {
		return false
	}
	first, _ := utf8.DecodeRuneInString(words[0])
	return first >= 'A' && first <= 'Z' || first >= 0x80
}

// flush counts the person that was told of.
func (s *scanner) flush() {
	if len(s.p.ids) > 0 || s.sole && (s.p.name != "") {
		for k := range kindCount {
			if s.told.has(k) && k != BirthDate && k != Sex {
				s.t.saw(k, "")
			}
		}
		if s.sole && (s.told.health() != 0 || s.told != 0 && s.p.name != "" || s.p.name != "" && len(s.p.ids) > 0) {
			s.t.sure(moderate, "labels with values: a patient's name or number, and what is told of them")
		}
		numbered := slices.ContainsFunc(s.p.ids, func(id identity) bool { return id.kind == HospitalNumber })
		if numbered && s.p.name != "" && (s.told.has(Sex) || s.told.has(BirthDate)) && s.told.health() != 0 {
			s.t.sure(moderate, "labels with values: a person's number, name, age or sex, and health data")
		}
		s.t.person(&s.p)
	}
	s.p.reset()
	s.told, s.sole, s.gap = 0, false, 0
}

func (s *scanner) end() {
	s.hl7.end()
	if s.js != nil {
		s.js.end()
	}
	s.flush()
}
