package patient

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// HL7 version 2 (HL7 v2.x chapter 2): a message is segments, the first of which, MSH, declares the characters that separate fields,
// components, repetitions, escapes and subcomponents. Segments end with CR; files also hold LF, both, MLLP's frame (0x0B … 0x1C CR) and
// batches (FHS, BHS). Messages in logs and programs stand inside quotes, with CR written as \r: they are found there as well.

// isHL7 reports whether a header segment begins here: its name, the separator of fields, three to five characters of which none is a
// letter or a separator, and the separator again.
func isHL7(b []byte) bool {
	if len(b) < 8 || !has(b, "MSH") && !has(b, "FHS") && !has(b, "BHS") {
		return false
	}
	sep := b[3]
	if sep <= ' ' || sep >= 0x7f || alphanumeric(sep) || sep == '"' || sep == '\'' {
		return false
	}
	n := bytes.IndexByte(b[4:min(len(b), 11)], sep)
	if n < 2 {
		return false
	}
	for _, c := range b[4 : 4+n] {
		if c <= ' ' || c >= 0x7f || alphanumeric(c) || c == '"' || c == '\'' {
			return false
		}
	}
	return true
}

// hl7 takes the segments of messages as they come.
type hl7 struct {
	t    *tally
	open bool // a message has begun
	sep  hl7Separators
	p    person
	pid  bool // the message has told of a patient
	lax  bool // it stands inside other text
	set  string
	gap  int
}

type hl7Separators struct{ field, component, repetition, escape, sub byte }

// health is what segments say of a patient's health or care.
var hl7Segments = map[string]Kind{
	"OBX": Observation, "OBR": Laboratory, "DG1": Diagnosis, "DRG": Diagnosis, "PR1": Procedure, "AL1": Allergy, "IAM": Allergy, "RXA": Immunisation, "RXE": Medication, "RXO": Medication, "RXD": Medication, "RXG": Medication, "PV1": Visit, "PV2": Visit,
	"IN1": Insurance, "IN2": Insurance, "FT1": Billing, "GT1": Billing, "TXA": Document, "SPM": Laboratory, "ORC": Laboratory, "ZDS": Imaging, "IPC": Imaging, "SCH": Visit,
}

// line takes a line of text; false if it holds no segment.
func (h *hl7) line(line []byte) bool {
	if !h.open {
		if !bytes.Contains(line, []byte("MSH")) && !isHL7(bytes.TrimLeft(line, "\x0b ")) {
			return false
		}
	} else if h.gap++; h.gap > 200 {
		h.end()
		return false
	}
	if bytes.Contains(line, []byte(`\r`)) || bytes.Contains(line, []byte(`\x0d`)) || bytes.Contains(line, []byte("<CR>")) {
		found := false
		for _, part := range strings.Split(strings.NewReplacer(`\r\n`, "\r", `\x0d`, "\r", `\r`, "\r", "<CR>", "\r").Replace(string(line)), "\r") {
			found = h.segment([]byte(part)) || found
		}
		return found
	}
	return h.segment(line)
}

// segment takes what may be one segment, alone or inside other text.
func (h *hl7) segment(line []byte) bool {
	line = bytes.TrimLeft(line, "\x0b\x1c \t\n")
	if i := bytes.Index(line, []byte("MSH")); i >= 0 && isHL7(line[i:]) && (i == 0 || !alphanumeric(line[i-1])) {
		h.header(line[i:], i > 0)
		return true
	}
	if isHL7(line) { // of a batch or a file, whose messages may lack their own
		h.header(line, false)
		return true
	}
	if !h.open {
		return false
	}
	if h.lax {
		line = bytes.TrimLeft(line, `"'+,([ubr `)
	}
	if len(line) < 5 || line[3] != h.sep.field {
		return false
	}
	h.gap = 0
	name := string(line[:3])
	if h.lax {
		line = bytes.TrimRight(line, `"',)]+ `)
	}
	switch name {
	case "PID":
		h.patient(line)
	case "BTS", "FTS":
		h.finish()
	default:
		k, ok := hl7Segments[name]
		if ok {
			h.t.saw(k, "")
		}
		return ok || strings.HasPrefix(name, "Z") || alphanumeric(name[0])
	}
	return true
}

// header begins a message.
func (h *hl7) header(line []byte, inText bool) {
	h.finish()
	h.open, h.lax, h.gap = true, inText, 0
	h.sep = hl7Separators{field: line[3], component: '^', repetition: '~', escape: '\\', sub: '&'}
	own := line[4:]
	if i := bytes.IndexByte(own, line[3]); i >= 0 {
		own = own[:min(i, 6)]
	}
	own = bytes.ReplaceAll(own, []byte(`\\`), []byte(`\`)) // in a program's text
	for i, to := range []*byte{&h.sep.component, &h.sep.repetition, &h.sep.escape, &h.sep.sub} {
		if i < len(own) && i < 4 {
			*to = own[i]
		}
	}
	if f := bytes.Split(line, []byte{h.sep.field}); len(f) > 17 {
		h.set = string(f[17]) // MSH-18: MSH-1 is the separator itself
		if i := strings.IndexByte(h.set, h.sep.repetition); i > 0 {
			h.set = h.set[:i]
		}
	} else {
		h.set = ""
	}
}

// patient takes a PID segment: HL7 v2 chapter 3.
func (h *hl7) patient(line []byte) {
	if h.pid {
		h.finish()
	}
	h.pid = true
	h.p.reset()
	fields := bytes.Split(line, []byte{h.sep.field})
	field := func(n int) string {
		if n < len(fields) {
			return decodeCharset(h.set, fields[n][:min(len(fields[n]), 4096)])
		}
		return ""
	}
	for _, n := range []int{3, 2, 4} {
		for _, id := range strings.Split(field(n), string(rune(h.sep.repetition))) {
			h.identifier(id)
		}
	}
	if ssn := h.part(field(19), 1); digits(ssn) >= 6 {
		if isAadhaar(ssn) {
			h.p.id(Aadhaar, "", bare(ssn))
		} else {
			h.p.id(OtherNational, "", ssn)
		}
	}
	name, _, _ := strings.Cut(field(5), string(rune(h.sep.repetition)))
	h.p.name = h.part(name, 1) + " " + h.part(name, 2)
	h.p.birth, h.p.sex = h.part(field(7), 1), field(8)
	for _, c := range []struct {
		n int
		k Kind
	}{{11, Address}, {13, Mobile}, {14, Mobile}} {
		if f := field(c.n); strings.Trim(f, string(rune(h.sep.component))) != "" && f != `""` {
			h.t.saw(c.k, h.part(f, 1))
		}
	}
}

// identifier takes one repetition of PID-3 (CX): number, its authority in component 4 and its type in 5.
func (h *hl7) identifier(id string) {
	value := h.part(id, 1)
	if value == "" || value == `""` {
		return
	}
	authority, _, _ := strings.Cut(h.part(id, 4), string(rune(h.sep.sub)))
	upper := strings.ToUpper(authority + " " + h.part(id, 5))
	switch {
	case isAadhaar(value) && (strings.Contains(upper, "AADH") || strings.Contains(upper, "UIDAI") || strings.Contains(upper, "NI") || strings.Contains(upper, "NNIND")):
		h.p.id(Aadhaar, "", bare(value))
	case isABHA(value) && (strings.Contains(upper, "ABHA") || strings.Contains(upper, "NDHM") || strings.Contains(upper, "ABDM")):
		h.p.id(ABHANumber, "", bare(value))
	case isABHAAddress(value):
		h.p.id(ABHAAddress, "", value)
	default:
		h.p.id(HospitalNumber, authority, value)
	}
}

// part is a component, from 1.
func (h *hl7) part(field string, n int) string {
	for ; n > 1; n-- {
		_, rest, ok := strings.Cut(field, string(rune(h.sep.component)))
		if !ok {
			return ""
		}
		field = rest
	}
	field, _, _ = strings.Cut(field, string(rune(h.sep.component)))
	return strings.Trim(field, `" `)
}

// finish counts the patient of the message.
func (h *hl7) finish() {
	if h.pid {
		if h.p.name != " " || len(h.p.ids) > 0 || h.p.birth != "" {
			h.t.sure(high, "HL7 messages with a patient")
			h.t.person(&h.p)
		}
		h.pid = false
		h.p.reset()
	}
}

func (h *hl7) end() {
	h.finish()
	h.open = false
}

// decodeCharset turns bytes in a character set of HL7 (table 0211) or DICOM (PS3.3 C.12.1.1.2) into UTF-8. Sets of several bytes, which
// need tables of their own, stay as they are: a name in them is still the same name, and nothing of it is shown.
func decodeCharset(set string, b []byte) string {
	ascii := true
	for _, c := range b {
		ascii = ascii && c < 0x80
	}
	if ascii {
		return string(b)
	}
	set = strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "_", "", "/", "").Replace(set))
	if strings.Contains(set, "UNICODE") || strings.Contains(set, "IR192") || strings.Contains(set, "UTF8") {
		return strings.ToValidUTF8(string(b), "�")
	}
	shift, ok := rune(0), true
	switch {
	case strings.HasSuffix(set, "IR100"), strings.HasSuffix(set, "88591"):
	case strings.HasSuffix(set, "IR144"), strings.HasSuffix(set, "88595"):
		shift = 0x400 - 0xa0
	case strings.HasSuffix(set, "IR126"), strings.HasSuffix(set, "88597"):
		shift = 0x370 - 0xa0
	case strings.HasSuffix(set, "IR127"), strings.HasSuffix(set, "88596"):
		shift = 0x600 - 0xa0
	case strings.HasSuffix(set, "IR138"), strings.HasSuffix(set, "88598"):
		shift = 0x5d0 - 0xe0
	case strings.HasSuffix(set, "IR166"):
		shift = 0xe00 - 0xa0
	case set == "" && utf8.Valid(b):
		return string(b)
	default:
		ok = false
	}
	if !ok {
		return string(b)
	}
	out := make([]byte, 0, 2*len(b))
	for _, c := range b {
		r := rune(c)
		if c > 0xa0 {
			r += shift
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
