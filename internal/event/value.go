package event

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Type tells how the raw bytes of a Value are to be read. Codes below 0x40 are the value types of BinXML
// ([MS-EVEN6] 2.2.13 and the libevtx format description), so that a decoded slot needs no translation.
type Type uint8

// The value types. Integers and floats are little-endian, of the width that the name says.
const (
	Null     Type = 0x00
	UTF16    Type = 0x01 // text, UTF-16LE as it lies in the file
	Ansi     Type = 0x02 // text, Windows code page 1252
	Int8     Type = 0x03
	Uint8    Type = 0x04
	Int16    Type = 0x05
	Uint16   Type = 0x06
	Int32    Type = 0x07
	Uint32   Type = 0x08
	Int64    Type = 0x09
	Uint64   Type = 0x0a
	Float32  Type = 0x0b
	Float64  Type = 0x0c
	Bool     Type = 0x0d
	Binary   Type = 0x0e
	GUID     Type = 0x0f
	Size     Type = 0x10 // size_t: 4 or 8 bytes, shown as hexadecimal
	FileTime Type = 0x11 // 100 ns since 1601-01-01 UTC
	SysTime  Type = 0x12 // SYSTEMTIME: eight uint16
	SID      Type = 0x13
	Hex32    Type = 0x14
	Hex64    Type = 0x15
	Handle   Type = 0x20
	BinXML   Type = 0x21
	EvtXML   Type = 0x23

	UTF8   Type = 0x40 // text of every format other than EVTX
	Number Type = 0x41 // a number in decimal digits, as JSON writes it

	Array Type = 0x80 // flag: a list of the type in the lower bits
)

// Value is one datum of a record: a type and the bytes as they lie in the evidence. Raw is only valid while the
// record is; who keeps a value copies it.
type Value struct {
	Type Type
	Raw  []byte
}

// Text makes a UTF-8 Value of s.
func Text(s string) Value { return Value{UTF8, []byte(s)} }

// IsText reports whether the value holds characters rather than a number or a structure.
func (v Value) IsText() bool {
	return v.Type == UTF16 || v.Type == UTF8 || v.Type == Ansi
}

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.Type == Null }

// Each calls f for every element of an array, or once for a value that is none. A damaged tail is passed over.
func (v Value) Each(f func(Value)) {
	if v.Type&Array == 0 {
		f(v)
		return
	}
	elem, raw := v.Type&^Array, v.Raw
	switch elem {
	case UTF16:
		for start, i := 0, 0; i+1 < len(raw); i += 2 {
			if raw[i] == 0 && raw[i+1] == 0 {
				f(Value{UTF16, raw[start:i]})
				start = i + 2
			} else if i+3 >= len(raw) {
				f(Value{UTF16, raw[start : i+2]})
			}
		}
	case Ansi:
		for start, i := 0, 0; i < len(raw); i++ {
			if raw[i] == 0 {
				f(Value{Ansi, raw[start:i]})
				start = i + 1
			} else if i+1 == len(raw) {
				f(Value{Ansi, raw[start:]})
			}
		}
	case SID:
		for len(raw) >= 8 {
			n := 8 + 4*int(raw[1])
			if n > len(raw) {
				return
			}
			f(Value{SID, raw[:n]})
			raw = raw[n:]
		}
	default:
		n := width(elem)
		for n > 0 && len(raw) >= n {
			f(Value{elem, raw[:n]})
			raw = raw[n:]
		}
	}
}

func width(t Type) int {
	switch t {
	case Int8, Uint8:
		return 1
	case Int16, Uint16:
		return 2
	case Int32, Uint32, Float32, Bool, Hex32:
		return 4
	case Int64, Uint64, Float64, FileTime, Hex64, Size:
		return 8
	case GUID, SysTime:
		return 16
	}
	return 0
}

// AppendText appends the value as rules and people see it: integers in decimal, hexadecimal types as 0x…, GUIDs in
// braces and capitals, times as RFC 3339 with seven digits, SIDs as S-1-…, binary as capital hexadecimal, arrays
// joined by a comma. Text loses nothing but trailing NULs; ill-formed UTF-16 becomes U+FFFD.
func (v Value) AppendText(dst []byte) []byte {
	if v.Type&Array != 0 {
		first := true
		v.Each(func(e Value) {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = e.AppendText(dst)
		})
		return dst
	}
	raw := v.Raw
	if n := width(v.Type); n > len(raw) {
		return appendShort(dst, v.Type, raw)
	}
	switch v.Type {
	case UTF16:
		return appendUTF16(dst, raw)
	case UTF8, Number:
		return append(dst, raw...)
	case Ansi:
		return appendAnsi(dst, raw)
	case Int8:
		return strconv.AppendInt(dst, int64(int8(raw[0])), 10)
	case Uint8:
		return strconv.AppendUint(dst, uint64(raw[0]), 10)
	case Int16:
		return strconv.AppendInt(dst, int64(int16(binary.LittleEndian.Uint16(raw))), 10)
	case Uint16:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint16(raw)), 10)
	case Int32:
		return strconv.AppendInt(dst, int64(int32(binary.LittleEndian.Uint32(raw))), 10)
	case Uint32:
		return strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(raw)), 10)
	case Int64:
		return strconv.AppendInt(dst, int64(binary.LittleEndian.Uint64(raw)), 10)
	case Uint64:
		return strconv.AppendUint(dst, binary.LittleEndian.Uint64(raw), 10)
	case Float32:
		return strconv.AppendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(raw))), 'g', -1, 32)
	case Float64:
		return strconv.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(raw)), 'g', -1, 64)
	case Bool:
		if binary.LittleEndian.Uint32(raw) != 0 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case GUID:
		return appendGUID(dst, raw)
	case Hex32:
		return appendHex(dst, uint64(binary.LittleEndian.Uint32(raw)))
	case Hex64, Size:
		return appendHex(dst, binary.LittleEndian.Uint64(raw))
	case FileTime:
		return appendFileTime(dst, binary.LittleEndian.Uint64(raw))
	case SysTime:
		return appendSysTime(dst, raw)
	case SID:
		return appendSID(dst, raw)
	case Null, BinXML: // BinXML is structure: what it holds are fields of their own
		return dst
	}
	return appendUpperHex(dst, raw)
}

// String renders the value as AppendText does.
func (v Value) String() string {
	if v.Type == UTF8 || v.Type == Number {
		return string(v.Raw)
	}
	var room [64]byte
	return string(v.AppendText(room[:0]))
}

// appendShort renders a value whose bytes are fewer than its type needs: size_t and bool of odd widths are common
// in real logs, anything else is shown as the bytes it is.
func appendShort(dst []byte, t Type, raw []byte) []byte {
	var n uint64
	for i := len(raw) - 1; i >= 0; i-- {
		n = n<<8 | uint64(raw[i])
	}
	switch {
	case len(raw) == 0:
		return dst
	case t == Bool:
		return strconv.AppendBool(dst, n != 0)
	case t == Size || t == Hex64 || t == Hex32:
		return appendHex(dst, n)
	case t == Uint16 || t == Uint32 || t == Uint64:
		return strconv.AppendUint(dst, n, 10)
	case t == Int16 || t == Int32 || t == Int64:
		shift := 64 - 8*len(raw)
		return strconv.AppendInt(dst, int64(n)<<shift>>shift, 10)
	}
	return appendUpperHex(dst, raw)
}

// Uint returns the number that an integer value holds, or that a text value spells in decimal or 0x-hexadecimal.
func (v Value) Uint() (n uint64, ok bool) {
	raw := v.Raw
	switch v.Type {
	case Uint8, Uint16, Uint32, Uint64, Hex32, Hex64, Size, Bool, FileTime:
		if len(raw) == 0 || len(raw) > 8 {
			return 0, false
		}
		for i := len(raw) - 1; i >= 0; i-- {
			n = n<<8 | uint64(raw[i])
		}
		return n, true
	case Int8, Int16, Int32, Int64:
		if len(raw) == 0 || len(raw) > 8 || raw[len(raw)-1]&0x80 != 0 {
			return 0, false
		}
		for i := len(raw) - 1; i >= 0; i-- {
			n = n<<8 | uint64(raw[i])
		}
		return n, true
	case UTF16, UTF8, Ansi, Number:
		if len(raw) > 64 {
			return 0, false
		}
		var buf [40]byte
		s := string(v.AppendText(buf[:0]))
		base := 10
		if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
			s, base = s[2:], 16
		}
		n, err := strconv.ParseUint(s, base, 64)
		return n, err == nil
	}
	return 0, false
}

func appendUTF16(dst, raw []byte) []byte {
	for len(raw) >= 2 && raw[len(raw)-1] == 0 && raw[len(raw)-2] == 0 {
		raw = raw[:len(raw)-2]
	}
	for i := 0; i+1 < len(raw); i += 2 {
		u := binary.LittleEndian.Uint16(raw[i:])
		switch {
		case u < utf8.RuneSelf:
			dst = append(dst, byte(u))
		case utf16.IsSurrogate(rune(u)):
			r := rune(utf8.RuneError)
			if i+3 < len(raw) {
				r = utf16.DecodeRune(rune(u), rune(binary.LittleEndian.Uint16(raw[i+2:])))
			}
			if r != utf8.RuneError {
				i += 2
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = utf8.AppendRune(dst, rune(u))
		}
	}
	return dst
}

// cp1252 holds the code points of bytes 0x80 to 0x9f in Windows code page 1252; the rest equal Latin-1.
var cp1252 = [32]rune{
	0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039, 0x152, 0x8d, 0x17d, 0x8f,
	0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
}

func appendAnsi(dst, raw []byte) []byte {
	for len(raw) > 0 && raw[len(raw)-1] == 0 {
		raw = raw[:len(raw)-1]
	}
	for _, b := range raw {
		switch {
		case b < utf8.RuneSelf:
			dst = append(dst, b)
		case b < 0xa0:
			dst = utf8.AppendRune(dst, cp1252[b-0x80])
		default:
			dst = utf8.AppendRune(dst, rune(b))
		}
	}
	return dst
}

func appendHex(dst []byte, n uint64) []byte {
	return strconv.AppendUint(append(dst, '0', 'x'), n, 16)
}

const upperDigits = "0123456789ABCDEF"

func appendUpperHex(dst, raw []byte) []byte {
	for _, b := range raw {
		dst = append(dst, upperDigits[b>>4], upperDigits[b&15])
	}
	return dst
}

func appendGUID(dst, raw []byte) []byte {
	var b [16]byte
	binary.BigEndian.PutUint32(b[0:], binary.LittleEndian.Uint32(raw))
	binary.BigEndian.PutUint16(b[4:], binary.LittleEndian.Uint16(raw[4:]))
	binary.BigEndian.PutUint16(b[6:], binary.LittleEndian.Uint16(raw[6:]))
	copy(b[8:], raw[8:16])
	dst = append(dst, '{')
	for i, part := range [][]byte{b[0:4], b[4:6], b[6:8], b[8:10], b[10:16]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = appendUpperHex(dst, part)
	}
	return append(dst, '}')
}

func appendFileTime(dst []byte, ft uint64) []byte {
	sec, frac := int64(ft/1e7)-fileTimeEpoch, ft%1e7
	if sec > maxUnixSeconds {
		return strconv.AppendUint(dst, ft, 10)
	}
	return time.Unix(sec, int64(frac)*100).UTC().AppendFormat(dst, "2006-01-02T15:04:05.0000000Z")
}

// maxUnixSeconds is the last second of the year 9999, beyond which RFC 3339 has no form.
const maxUnixSeconds = 253402300799

func appendSysTime(dst, raw []byte) []byte {
	u := func(i int) int { return int(binary.LittleEndian.Uint16(raw[2*i:])) }
	t := time.Date(u(0), time.Month(u(1)), u(3), u(4), u(5), u(6), u(7)*1e6, time.UTC)
	return t.AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}

func appendSID(dst, raw []byte) []byte {
	if len(raw) < 8 || len(raw) < 8+4*int(raw[1]) {
		return appendUpperHex(dst, raw)
	}
	var authority uint64
	for _, b := range raw[2:8] {
		authority = authority<<8 | uint64(b)
	}
	dst = append(dst, "S-"...)
	dst = strconv.AppendUint(dst, uint64(raw[0]), 10)
	dst = append(dst, '-')
	if authority > math.MaxUint32 {
		dst = append(dst, "0x"...)
		dst = hex.AppendEncode(dst, raw[2:8])
	} else {
		dst = strconv.AppendUint(dst, authority, 10)
	}
	for i := range int(raw[1]) {
		dst = append(dst, '-')
		dst = strconv.AppendUint(dst, uint64(binary.LittleEndian.Uint32(raw[8+4*i:])), 10)
	}
	return dst
}
