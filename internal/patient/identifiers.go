package patient

import (
	"strings"
	"time"
)

// The tables of the Verhoeff check digit: multiplication in the dihedral group D5, and the permutation by place.
var (
	verhoeffTimes = [10][10]byte{
		{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 2, 3, 4, 0, 6, 7, 8, 9, 5}, {2, 3, 4, 0, 1, 7, 8, 9, 5, 6}, {3, 4, 0, 1, 2, 8, 9, 5, 6, 7}, {4, 0, 1, 2, 3, 9, 5, 6, 7, 8},
		{5, 9, 8, 7, 6, 0, 4, 3, 2, 1}, {6, 5, 9, 8, 7, 1, 0, 4, 3, 2}, {7, 6, 5, 9, 8, 2, 1, 0, 4, 3}, {8, 7, 6, 5, 9, 3, 2, 1, 0, 4}, {9, 8, 7, 6, 5, 4, 3, 2, 1, 0},
	}
	verhoeffPlace = verhoeffPlaces()
)

// verhoeffPlaces raises the permutation (1 5 8 9 4 2 7 0)(3 6) to the powers 0 to 7.
func verhoeffPlaces() (p [8][10]byte) {
	step := [10]byte{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	for i := range p[0] {
		p[0][i] = byte(i)
	}
	for n := 1; n < 8; n++ {
		for i := range p[n] {
			p[n][i] = p[n-1][step[i]]
		}
	}
	return p
}

// verhoeff reports whether the last digit checks those before it. digits holds nothing but digits.
func verhoeff(digits string) bool {
	c := byte(0)
	for i := range len(digits) {
		c = verhoeffTimes[c][verhoeffPlace[i%8][digits[len(digits)-1-i]-'0']]
	}
	return c == 0
}

// luhn reports whether the last digit checks those before it (ISO/IEC 7812-1).
func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

// bare is a number without the spaces and dashes that people group it by; "" if anything else than digits is left.
func bare(s string) string {
	clean := true
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			clean = false
			if s[i] != ' ' && s[i] != '-' {
				return ""
			}
		}
	}
	if clean {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			b = append(b, s[i])
		}
	}
	return string(b)
}

// isAadhaar reports whether s may be an Aadhaar number: 12 digits, grouped or not, of which the first is 2 to 9, no
// palindrome, with a right Verhoeff check digit. One in twelve random numbers passes: it needs context as well.
func isAadhaar(s string) bool {
	d := bare(s)
	if len(d) != 12 || d[0] < '2' || d[:6] == reversed(d[6:]) {
		return false
	}
	return verhoeff(d)
}

func reversed(s string) string {
	b := []byte(s)
	for i, j := 0, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

// isABHA reports whether s has the form of an ABHA number: 14 digits, bare or grouped 2-4-4-4. Whether the check digit
// by Luhn must be right is not published: see looksABHA.
func isABHA(s string) bool {
	d := bare(s)
	return len(d) == 14 && d[0] != '0' && strings.Trim(d, d[:1]) != ""
}

// looksABHA reports whether an ABHA number may be believed without a word beside it: grouped as on the card, and with the
// check digit that all known ones have.
func looksABHA(s string) bool {
	return isABHA(s) && luhn(bare(s)) && len(s) == 17 && s[2] == '-' && s[7] == '-' && s[12] == '-'
}

// isABHAAddress reports whether s is an address of the health account: name@abdm, or @sbx and @ndhm of its trials.
func isABHAAddress(s string) bool {
	name, at, ok := strings.Cut(strings.ToLower(s), "@")
	if !ok || at != "abdm" && at != "sbx" && at != "ndhm" || len(name) < 4 || len(name) > 32 {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !alphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// isPAN reports whether s is a permanent account number: three letters, one for the kind of holder, one letter, four digits that
// are not 0000, and a letter whose rule is not public.
func isPAN(s string) bool {
	if len(s) != 10 {
		return false
	}
	s = strings.ToUpper(s)
	for i := range 10 {
		digit := i >= 5 && i <= 8
		if digit && (s[i] < '0' || s[i] > '9') || !digit && (s[i] < 'A' || s[i] > 'Z') {
			return false
		}
	}
	return strings.IndexByte("ABCFGHJKLPT", s[3]) >= 0 && s[5:9] != "0000"
}

// isEPIC reports whether s is a voter's number: three letters and seven digits of which the last is a Luhn check.
func isEPIC(s string) bool {
	if len(s) != 10 {
		return false
	}
	for i := range 3 {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	d := s[3:]
	for i := range len(d) {
		if d[i] < '0' || d[i] > '9' {
			return false
		}
	}
	return luhn(d)
}

// mobileOf returns the ten digits of an Indian mobile number, "" if s is none; told says that s itself shows what it is, by +91.
func mobileOf(s string) (number string, told bool) {
	s = strings.TrimSpace(s)
	told = strings.HasPrefix(s, "+91") || strings.HasPrefix(s, "0091")
	s = strings.TrimPrefix(s, "+")
	d := bare(s)
	switch {
	case len(d) == 14 && d[:4] == "0091":
		d = d[4:]
	case len(d) == 12 && d[:2] == "91":
		d = d[2:]
	case len(d) == 11 && d[0] == '0':
		d = d[1:]
	}
	if len(d) != 10 || d[0] < '6' || strings.Trim(d, d[:1]) == "" {
		return "", false
	}
	return d, told
}

// isICD10 reports whether s has the form of a code of ICD-10 or ICD-10-CM. A4 and B12 have it too: it needs context.
func isICD10(s string) bool {
	if len(s) < 3 || len(s) > 8 || s[0]|0x20 < 'a' || s[0]|0x20 > 'z' || s[1] < '0' || s[1] > '9' || !alphanumeric(s[2]) {
		return false
	}
	rest := s[3:]
	if rest == "" {
		return true
	}
	if rest[0] == '.' {
		rest = rest[1:]
	}
	if len(rest) < 1 || len(rest) > 4 {
		return false
	}
	for i := range len(rest) {
		if !alphanumeric(rest[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

var birthForms = []string{
	"20060102", "2006-01-02", "2006/01/02", "02/01/2006", "02-01-2006", "02.01.2006", "2/1/2006", "2-1-2006", "01/02/2006", "2-Jan-2006", "02-Jan-06", "2 Jan 2006", "2 January 2006",
	"Jan 2, 2006", "January 2, 2006", "2006.01.02",
}

// birthOf returns a date of birth as YYYYMMDD, "" if s is none. Day stands before month, as India writes it, unless that
// makes no date. Times behind the date are left out.
func birthOf(s string) string {
	s = strings.TrimSpace(s)
	if len(s) < 8 || len(s) > 40 {
		return ""
	}
	if len(s) > 10 && (s[10] == 'T' || s[10] == ' ') && s[4] == '-' {
		s = s[:10]
	}
	if d := bare(s); len(d) == len(s) && len(s) > 8 && len(s) != 10 {
		s = s[:8] // HL7: hours and minutes
	}
	for _, f := range birthForms {
		if t, err := time.Parse(f, s); err == nil {
			if y := t.Year(); y < 1850 || y > 2100 {
				return ""
			}
			return t.Format("20060102")
		}
	}
	return ""
}
