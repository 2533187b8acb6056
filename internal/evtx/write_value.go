package evtx

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// Values gathers the values of an event in one buffer, so that writing makes no garbage: Reset, add, hand List to an
// Event, write, and again.
type Values struct {
	List []event.Value
	buf  []byte
}

// Reset empties it. What List held is no longer valid.
func (v *Values) Reset() { v.List, v.buf = v.List[:0], v.buf[:0] }

// Begin empties it and begins with a copy of list, whose values stay where they are.
func (v *Values) Begin(list []event.Value) { v.List, v.buf = append(v.List[:0], list...), v.buf[:0] }

// SetText puts a string in the place of the i-th value.
func (v *Values) SetText(i int, s string) {
	start := len(v.buf)
	v.buf = append(v.buf, s...)
	v.List[i] = event.Value{Type: event.UTF8, Raw: v.buf[start:len(v.buf):len(v.buf)]}
}

// SetNumber puts a number in the place of the i-th value.
func (v *Values) SetNumber(i int, t event.Type, n uint64) {
	start := len(v.buf)
	v.number(t, n)
	v.List[i] = event.Value{Type: t, Raw: v.buf[start:len(v.buf):len(v.buf)]}
}

// SetRaw puts a value as it shall lie in the log in the place of the i-th; raw is not copied.
func (v *Values) SetRaw(i int, t event.Type, raw []byte) { v.List[i] = event.Value{Type: t, Raw: raw} }

// SetCopy puts a copy of a value as it shall lie in the log in the place of the i-th.
func (v *Values) SetCopy(i int, t event.Type, raw []byte) {
	start := len(v.buf)
	v.buf = append(v.buf, raw...)
	v.List[i] = event.Value{Type: t, Raw: v.buf[start:len(v.buf):len(v.buf)]}
}

// SetDecimal puts a number, as text, in the place of the i-th value.
func (v *Values) SetDecimal(i int, n uint64) {
	start := len(v.buf)
	v.buf = strconv.AppendUint(v.buf, n, 10)
	v.List[i] = event.Value{Type: event.UTF8, Raw: v.buf[start:len(v.buf):len(v.buf)]}
}

// Null adds the absence of a value.
func (v *Values) Null() { v.List = append(v.List, event.Value{}) }

// Text adds a string.
func (v *Values) Text(s string) {
	start := len(v.buf)
	v.buf = append(v.buf, s...)
	v.add(event.UTF8, start)
}

// Texts adds an array of strings.
func (v *Values) Texts(list ...string) {
	start := len(v.buf)
	for _, s := range list {
		v.buf = append(encodeUTF16(v.buf, []byte(s)), 0, 0)
	}
	v.add(event.UTF16|event.Array, start)
}

// Number adds one of the integer types, Bool, Hex32, Hex64 or Size (8 bytes), or the bits of a float.
func (v *Values) Number(t event.Type, n uint64) {
	start := len(v.buf)
	v.number(t, n)
	v.add(t, start)
}

// Numbers adds an array of one of these types.
func (v *Values) Numbers(t event.Type, list ...uint64) {
	start := len(v.buf)
	for _, n := range list {
		v.number(t, n)
	}
	v.add(t|event.Array, start)
}

func (v *Values) number(t event.Type, n uint64) {
	switch t {
	case event.Int8, event.Uint8:
		v.buf = append(v.buf, byte(n))
	case event.Int16, event.Uint16:
		v.buf = binary.LittleEndian.AppendUint16(v.buf, uint16(n))
	case event.Int32, event.Uint32, event.Float32, event.Bool, event.Hex32:
		v.buf = binary.LittleEndian.AppendUint32(v.buf, uint32(n))
	default:
		v.buf = binary.LittleEndian.AppendUint64(v.buf, n)
	}
}

// Time adds a FILETIME; NoTime is 0.
func (v *Values) Time(t event.Time) { v.Number(event.FileTime, fileTime(t)) }

// Raw adds a value of any type as it shall lie in the log.
func (v *Values) Raw(t event.Type, raw []byte) {
	start := len(v.buf)
	v.buf = append(v.buf, raw...)
	v.add(t, start)
}

func (v *Values) add(t event.Type, start int) {
	v.List = append(v.List, event.Value{Type: t, Raw: v.buf[start:len(v.buf):len(v.buf)]})
}

// fileTime is the instant in 100 ns since 1601-01-01 UTC; 0 for NoTime.
func fileTime(t event.Time) uint64 {
	if t == event.NoTime {
		return 0
	}
	const epoch = 11644473600 * 1e7
	return uint64(int64(t)/100 + epoch)
}

// ParseGUID reads the text form of a GUID, with or without braces.
func ParseGUID(s string) (g [16]byte, err error) {
	digits := strings.ReplaceAll(strings.Trim(s, "{}"), "-", "")
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != 16 {
		return g, fmt.Errorf("read GUID %q: not 32 hexadecimal digits", s)
	}
	binary.LittleEndian.PutUint32(g[0:], binary.BigEndian.Uint32(b[0:]))
	binary.LittleEndian.PutUint16(g[4:], binary.BigEndian.Uint16(b[4:]))
	binary.LittleEndian.PutUint16(g[6:], binary.BigEndian.Uint16(b[6:]))
	copy(g[8:], b[8:])
	return g, nil
}

// ParseSID reads the text form of a security identifier, S-1-….
func ParseSID(s string) ([]byte, error) {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || len(parts) > 3+15 || parts[0] != "S" || parts[1] != "1" {
		return nil, fmt.Errorf("read SID %q: not S-1-… with at most 15 parts behind", s)
	}
	authority, err := strconv.ParseUint(parts[2], 0, 48)
	if err != nil {
		return nil, fmt.Errorf("read SID %q: %w", s, err)
	}
	sid := binary.BigEndian.AppendUint64(nil, authority)
	sid[0], sid[1] = 1, byte(len(parts)-3)
	for _, p := range parts[3:] {
		n, err := strconv.ParseUint(p, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read SID %q: %w", s, err)
		}
		sid = binary.LittleEndian.AppendUint32(sid, uint32(n))
	}
	return sid, nil
}
