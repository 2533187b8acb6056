package patient

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// mask writes a value so that a person can see of what form it is and nobody can tell whose it is: digits and letters
// become X, and of numbers with twelve digits and more the last four stay.
func mask(k Kind, value string) string {
	switch k {
	case Name:
		return initials(value)
	case BirthDate:
		return "XXXX-XX-XX"
	case ABHAAddress, Email:
		if _, host, ok := strings.Cut(value, "@"); ok && k == ABHAAddress && len(host) <= 4 {
			return "XXXX@" + host
		}
		return "XXXX@XXXX"
	case Aadhaar, ABHANumber:
		if d := bare(value); len(d) >= 12 {
			if k == ABHANumber {
				return "XX-XXXX-XXXX-" + d[len(d)-4:]
			}
			return "XXXX XXXX " + d[len(d)-4:]
		}
	case Address, Sex:
		return "XXXX"
	}
	return strings.Repeat("X", min(max(utf8.RuneCountInString(value), 1), 12))
}

// initials are the first letters of at most three words of a name.
func initials(name string) string {
	var out []string
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		r, _ := utf8.DecodeRuneInString(w)
		if out = append(out, string(unicode.ToUpper(r))+"."); len(out) == 3 {
			break
		}
	}
	if out == nil {
		return "XXXX"
	}
	return strings.Join(out, " ")
}
