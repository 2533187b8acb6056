package patient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"slices"
	"strings"
	"unicode"
)

// person is what one record tells of whom it is about.
type person struct {
	ids   []identity
	name  string
	birth string
	sex   string
}

// identity is a number that stands for one person within an authority. Without an authority it is one of the hospital's own.
type identity struct {
	kind      Kind
	authority string
	value     string
	internal  bool // the key of a database, and no number that anybody writes on paper
}

// maxIdentities bounds what is kept of one record.
const maxIdentities = 12

func (p *person) reset() { *p = person{ids: p.ids[:0]} }

// id adds a number, unless it is one of those that people write when there is none.
func (p *person) id(k Kind, authority, value string) bool {
	value = plainID(value)
	if value == "" || len(p.ids) >= maxIdentities {
		return false
	}
	p.ids = append(p.ids, identity{kind: k, authority: strings.ToLower(strings.TrimSpace(authority)), value: value})
	return true
}

// key adds the key that a database has for the person.
func (p *person) key(value string) {
	if p.id(HospitalNumber, "", value) {
		p.ids[len(p.ids)-1].internal = true
	}
}

// plainID writes an identifier in one way: upper case, no separators, no leading zeros. It is "" for what stands for nothing.
func plainID(s string) string {
	s = strings.ToUpper(strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '@' {
			return r
		}
		return -1
	}, s))
	if len(s) == 0 || len(s) > 128 {
		return ""
	}
	s = strings.TrimLeft(s, "0")
	switch s {
	case "", "NA", "NIL", "NONE", "NULL", "UNKNOWN", "UNK", "TEST", "ANONYMOUS", "ANON", "NOTAVAILABLE", "X", "XX":
		return ""
	}
	if len(s) >= 6 && strings.Trim(s, s[:1]) == "" {
		return "" // 99999999
	}
	return s
}

var titles = []string{"mr", "mrs", "ms", "miss", "master", "dr", "shri", "sri", "smt", "kumari", "km", "baby", "prof", "श्री", "श्रीमती"}

// plainName writes a name in one way: words in order, small letters, no titles. It is "" for what names nobody.
func plainName(s string) string {
	if i := strings.IndexByte(s, '='); i > 0 {
		s = s[:i] // DICOM: the alphabetic group stands first
	}
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) })
	words = slices.DeleteFunc(words, func(w string) bool { return slices.Contains(titles, w) })
	if len(words) > 8 {
		words = words[:8]
	}
	slices.Sort(words)
	switch name := strings.Join(words, " "); name {
	case "na", "nil", "none", "null", "unknown", "anonymous", "anonymized", "anonymised", "patient", "test", "name":
		return ""
	default:
		return name
	}
}

// plainSex is M, F, O or "".
func plainSex(s string) string {
	switch s = strings.ToLower(strings.TrimSpace(s)); {
	case s == "":
		return ""
	case s[0] == 'm' || s == "पुरुष":
		return "M"
	case s[0] == 'f' || s == "महिला" || s == "स्त्री":
		return "F"
	case s[0] == 'o' || s[0] == 't':
		return "O"
	}
	return ""
}

// shortNumber is the length below which a hospital number without authority never joins what else is known: bed 17 is not patient 17.
const shortNumber = 5

// hasher makes keys of identities. It belongs to one goroutine.
type hasher struct {
	mac hash.Hash
	buf []byte
	out []key
}

func newHasher(secret []byte) *hasher { return &hasher{mac: hmac.New(sha256.New, secret)} }

func (h *hasher) key(grade uint8, parts ...string) key {
	h.mac.Reset()
	h.buf = append(h.buf[:0], grade)
	for _, p := range parts {
		h.buf = binary.LittleEndian.AppendUint32(h.buf, uint32(len(p)))
		h.buf = append(h.buf, p...)
	}
	h.mac.Write(h.buf)
	h.buf = h.mac.Sum(h.buf[:0])
	return key{hash: binary.LittleEndian.Uint64(h.buf), grade: grade}
}

// keys returns what identifies the person, the best first. They are valid until the next call.
func (h *hasher) keys(p *person) []key {
	h.out = h.out[:0]
	for _, id := range p.ids {
		switch {
		case id.kind != HospitalNumber:
			h.out = append(h.out, h.key(strong, kindNames[id.kind], id.authority, id.value))
		case isUUID(id.value):
			h.out = append(h.out, h.key(strong, "uuid", id.value))
		case id.internal:
			h.out = append(h.out, h.key(internal, id.value))
		default:
			k := h.key(numbered, id.value)
			k.joins = len(id.value) >= shortNumber
			if id.authority != "" {
				own := h.key(strong, "", id.authority, id.value)
				k.owner = own.hash
				h.out = append(h.out, own)
			}
			// A database's key may be the number itself, in another table.
			h.out = append(h.out, k, h.key(internal, id.value))
		}
	}
	slices.SortStableFunc(h.out, func(a, b key) int { return int(a.grade) - int(b.grade) })
	if name := plainName(p.name); name != "" {
		if birth := birthOf(p.birth); birth != "" {
			if sex := plainSex(p.sex); sex != "" {
				h.out = append(h.out, h.key(nameAndBirth, name, birth, sex))
			}
			h.out = append(h.out, h.key(nameAndBirth, name, birth, ""))
		}
		h.out = append(h.out, h.key(nameAlone, name))
	}
	return h.out
}

// isUUID reports whether a number is one that nobody else gives (RFC 9562), whatever its authority: 32 hexadecimal digits.
func isUUID(value string) bool {
	if len(value) < 30 || len(value) > 32 { // without leading zeros
		return false
	}
	for i := range len(value) {
		if c := value[i]; (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	return true
}
