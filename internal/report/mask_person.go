package report

import (
	"regexp"
	"strings"
)

var (
	groupedABHA    = regexp.MustCompile(`\b\d{2}-\d{4}-\d{4}-\d{4}\b`)
	groupedAadhaar = regexp.MustCompile(`\b[2-9]\d{3}[ -]\d{4}[ -]\d{4}\b`)
	plainNumber    = regexp.MustCompile(`\b\d{12}(?:\d{2})?\b`)
	aadhaarNear    = regexp.MustCompile(`(?i)(?:a+dh?aar|uidai|आधार)[^0-9\n\]]{0,24}(\d{4}[ -]?\d{4}[ -]?\d{4})\b`)
	abhaNear       = regexp.MustCompile(`(?i)(?:\babha|health[ _-]?id)[^0-9\n\]]{0,24}(\d{2}[ -]?\d{4}[ -]?\d{4}[ -]?\d{4})\b`)
	abhaAddress    = regexp.MustCompile(`(?i)\b([a-z0-9][a-z0-9._]{2,60})@(?:abdm|sbx|ndhm)\b`)
	phoneNumber    = regexp.MustCompile(`(?:\+|\b00|\(\+)91\)?[ -]?(?:0)?[6-9]\d{4}[ -]?\d{5}\b`)
	uhidNear       = regexp.MustCompile(`(?i)\b(?:uhid|mrn|(?:mr|cr|ipd|opd|patient)[ _.-]?(?:no|id|number)\.?)[ \t]*[ :=#][ \t]*([A-Za-z0-9][A-Za-z0-9/_-]*\d[A-Za-z0-9/_-]*)`)
	hl7Segment     = regexp.MustCompile(`\b(?:PID|NK1|IN1|GT1)\|([^\r\n\x00"]+)`)
	hl7Next        = regexp.MustCompile(`[\s|](?:MSH|EVN|PV1|PV2|ORC|OBR|OBX|DG1|AL1|NTE|ZPI|PD1|NK1|IN1|GT1|FT1|TXA|SCH)\|`)
	dicomPatient   = regexp.MustCompile(`\(0010,[0-9a-fA-F]{4}\)[^\[\n]{0,40}\[([^\]\n]+)`)
	patientRow     = regexp.MustCompile("(?is)\\b(?:insert\\s+into|update|replace\\s+into)\\s+[\"`\\[]?[\\w.\"`\\[\\]]*patient[\\w\"`\\]]*[^;]*?\\b(?:values|set)\\b\\s*(.+)")
)

// maskPersons hides what names a patient: Aadhaar and ABHA numbers, hospital numbers that are announced as such,
// telephone numbers, HL7 segments of persons, DICOM patient fields and rows written to patient tables.
func maskPersons(s string, h *hints) string {
	if strings.Contains(s, "|") && (h.may("pid|") || h.may("nk1|") || h.may("in1|") || h.may("gt1|")) {
		s = replaceFunc(hl7Segment, s, segment)
	}
	if strings.Contains(s, "(0010,") {
		s = replaceFunc(dicomPatient, s, group(kindPatient))
	}
	if h.see(s); h.has("patient") {
		s = replaceFunc(patientRow, s, group(kindPatient))
	}
	if h.see(s); strings.Contains(s, "@") && (h.may("@abdm") || h.may("@sbx") || h.may("@ndhm")) {
		s = replaceFunc(abhaAddress, s, group(kindABHA))
	}
	run := longestNumber(s)
	if run >= 12 {
		s = maskNumbers(s, h)
	}
	if run > 0 {
		if h.see(s); h.ascii && announcesNumber(s) || !h.ascii && announced(strings.ToLower(s)) {
			s = replaceFunc(uhidNear, s, group(kindPatient))
		}
	}
	return s
}

// maskNumbers hides the numbers of persons in a text that has twelve digits in a row.
func maskNumbers(s string, h *hints) string {
	if h.see(s); h.may("aar") || h.may("uidai") {
		s = replaceFunc(aadhaarNear, s, group(kindAadhaar))
	}
	if h.see(s); h.may("abha") || h.may("health") {
		s = replaceFunc(abhaNear, s, group(kindABHA))
	}
	n := numbersIn(s)
	if n.groupedABHA {
		s = replaceFunc(groupedABHA, s, number)
	}
	if n.groupedAadhaar {
		s = replaceFunc(groupedAadhaar, s, number)
	}
	if n.plain {
		s = replaceFunc(plainNumber, s, number)
	}
	if n.phone {
		s = replaceFunc(phoneNumber, s, func(s string, m []int) (int, int, string) { return m[0], m[1], kindPhone })
	}
	return s
}

// announced reports that a text, in lower case, may announce a hospital's number of a patient.
func announced(s string) bool {
	return strings.Contains(s, "uhid") || strings.Contains(s, "patient") || strings.Contains(s, "mr") || strings.Contains(s, "cr") || strings.Contains(s, "pd")
}

// longestNumber is the length in digits of the longest number, single spaces, hyphens and a bracket inside it allowed.
func longestNumber(s string) int {
	longest, run, gap := 0, 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			run, gap = run+1, 0
			longest = max(longest, run)
		case gap < 2 && (c == ' ' || c == '-' || c == ')'):
			gap++
		default:
			run, gap = 0, 0
		}
	}
	return longest
}

// group hides what the first group of an expression matched.
func group(kind string) func(string, []int) (int, int, string) {
	return func(s string, m []int) (int, int, string) {
		if isMasked(s[m[2]:m[3]]) {
			return 0, 0, ""
		}
		return m[2], m[3], kind
	}
}

// segment hides an HL7 segment of a person up to the next segment; a table drawn with bars is none.
func segment(s string, m []int) (int, int, string) {
	body := s[m[2]:m[3]]
	if next := hl7Next.FindStringIndex(body); next != nil {
		body = body[:next[0]]
	}
	if strings.Count(body, "|") < 3 || !strings.Contains(body, "^") || isMasked(body) {
		return 0, 0, ""
	}
	return m[2], m[2] + len(body), kindPatient
}

// number hides an Aadhaar number whose check digit holds, or an ABHA number that is grouped or whose check digit
// holds. A 12- or 14-digit time, a part of something longer (a GUID, a SID, a path, a decimal) and a number that its
// name calls a record number or a size are neither.
func number(s string, m []int) (int, int, string) {
	from, to := m[0], m[1]
	digits := strings.NewReplacer(" ", "", "-", "").Replace(s[from:to])
	grouped := len(digits) != to-from
	if !alone(s, from, to) || !grouped && (namedNumber(s, from) || looksLikeTime(digits)) {
		return 0, 0, ""
	}
	switch {
	case len(digits) == 12 && digits[0] >= '2' && verhoeff(digits):
		return from, to, kindAadhaar
	case len(digits) == 14 && (grouped || strings.HasPrefix(digits, "91") && luhn(digits)):
		return from, to, kindABHA
	}
	return 0, 0, ""
}

// alone reports that the number s[from:to] is not a part of something longer.
func alone(s string, from, to int) bool {
	joins := func(c byte) bool { return isKeyByte(c) && c != '[' && c != ']' || c == '/' || c == '\\' }
	if from > 0 && joins(s[from-1]) && !(s[from-1] == '.' && from > 1 && s[from-2] == ' ') {
		return false
	}
	if to == len(s) || !joins(s[to]) {
		return true
	}
	return s[to] == '.' && (to+1 == len(s) || s[to+1] == ' ') // the end of a sentence
}

// namedNumber reports that a name before the number says what it counts.
func namedNumber(s string, from int) bool {
	i := from
	for i > 0 && (s[i-1] == ' ' || s[i-1] == '"' || s[i-1] == '\'') {
		i--
	}
	if i == 0 || s[i-1] != '=' && s[i-1] != ':' && s[i-1] != '#' {
		return false
	}
	_, key := keyBefore(s, i-1)
	return namesANumber(key)
}

// looksLikeTime tells YYYYMMDDhhmm[ss] from a number of a person.
func looksLikeTime(d string) bool {
	part := func(i, low, high int) bool {
		n := int(d[i]-'0')*10 + int(d[i+1]-'0')
		return low <= n && n <= high
	}
	return (d[:2] == "19" || d[:2] == "20") && part(4, 1, 12) && part(6, 1, 31) && part(8, 0, 23) && part(10, 0, 59) &&
		(len(d) == 12 || part(12, 0, 60))
}

var (
	verhoeffMul = [10][10]byte{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
		{3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8}, {5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2},
		{7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}
	verhoeffPerm = [8][10]byte{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 5, 7, 6, 2, 8, 3, 0, 9, 4}, {5, 8, 0, 3, 7, 9, 6, 1, 4, 2},
		{8, 9, 1, 6, 0, 4, 3, 5, 2, 7}, {9, 4, 5, 3, 1, 2, 6, 8, 7, 0}, {4, 2, 8, 6, 5, 7, 3, 9, 0, 1}, {2, 7, 9, 3, 8, 0, 6, 4, 1, 5},
		{7, 0, 4, 6, 9, 1, 3, 2, 5, 8}}
)

// verhoeff reports that the last digit checks the others, as it does in an Aadhaar number.
func verhoeff(digits string) bool {
	var c byte
	for i := range len(digits) {
		c = verhoeffMul[c][verhoeffPerm[i%8][digits[len(digits)-1-i]-'0']]
	}
	return c == 0
}

// luhn reports that the last digit checks the others, as it does in the ABHA numbers seen so far.
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		n := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func containsFold(s, lower string) bool { return strings.Contains(strings.ToLower(s), lower) }
