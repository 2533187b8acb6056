package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"path"
	"strings"

	"wardround/internal/event"
)

// registryReader reads registry hives: SYSTEM, SOFTWARE, SAM, NTUSER.DAT, UsrClass.dat and Amcache.hve, told apart by
// the keys that they hold. A hive is a state, not a log: the time of its events is when the key was last written.
var registryReader = reader{kind: "registry-hive", is: isHive, read: readRegistry}

// registry turns what a hive holds into events.
type registry struct {
	*hive
	rec  event.Record
	user string // whose hive it is, as its folder tells
}

func readRegistry(ctx context.Context, in *input, out *output) error {
	p, err := in.pages(ctx)
	if err != nil {
		return err
	}
	h, ok := newHive(p, out)
	if !ok {
		return p.err
	}
	r := &registry{hive: h, user: profileOf(in.Path)}
	has := func(path string) bool { return h.open(h.root, path).exists() }
	switch {
	case has("Select"):
		r.system()
	case has(`Microsoft\Windows\CurrentVersion`) || has(`Microsoft\Windows NT`):
		r.software()
	case has(`SAM\Domains`):
		r.sam()
	case has(`Root\InventoryApplicationFile`) || has(`Root\File`):
		r.amcache()
	case has(`Software\Microsoft`):
		r.ntuser()
	case has(`Local Settings`) || has("CLSID"):
		r.usrClass()
	default:
		out.note("no hive that is known here: nothing was read of it")
	}
	return p.err
}

// profileOf is the account by whose folder a hive lay, "" if it lay in none.
func profileOf(name string) string {
	parts := strings.Split(path.Clean(strings.ReplaceAll(name, `\`, "/")), "/")
	for i := len(parts) - 2; i > 0; i-- {
		switch strings.ToLower(parts[i-1]) {
		case "users", "documents and settings", "serviceprofiles":
			return parts[i]
		}
	}
	return ""
}

// emit hands over one event about what lies at an offset of the hive.
func (r *registry) emit(s *event.Schema, t event.Time, at int64, values ...event.Value) {
	r.rec.Number++
	r.rec.Schema, r.rec.Time, r.rec.Offset, r.rec.Slots = s, t, at, nil
	if r.out.want(s) {
		r.rec.Slots = values
	}
	r.out.take(&r.rec)
}

// textOrNull is no value for an empty text.
func textOrNull(s string) event.Value {
	if s == "" {
		return event.Value{}
	}
	return event.Text(s)
}

// decimal is a number as text.
func decimal(n uint64) event.Value {
	return event.Value{Type: event.Uint64, Raw: binary.LittleEndian.AppendUint64(nil, n)}
}

// instant is a time as a value, none for NoTime.
func instant(t event.Time) event.Value {
	return textOrNull(t.String())
}

// The types of values that are read.
const (
	regSZ       = 1
	regExpandSZ = 2
	regBinary   = 3
	regDWORD    = 4
	regDWORDBig = 5
	regMultiSZ  = 7
	regQWORD    = 11
)

// keyValues are the values of one key.
type keyValues struct {
	r    *registry
	list []hiveValue
}

func (r *registry) of(k hiveKey) keyValues { return keyValues{r, r.values(k)} }

func (v keyValues) find(name string) (hiveValue, bool) {
	for _, x := range v.list {
		if strings.EqualFold(x.name, name) {
			return x, true
		}
	}
	return hiveValue{}, false
}

// text is the value of that name as text, "" if there is none; several strings are joined by a semicolon.
func (v keyValues) text(name string) string {
	x, ok := v.find(name)
	if !ok {
		return ""
	}
	return v.r.text(x)
}

func (v keyValues) null(name string) event.Value { return textOrNull(v.text(name)) }

// number is the value of that name as a number.
func (v keyValues) number(name string) (n uint64, ok bool) {
	x, ok := v.find(name)
	if !ok || x.kind == regSZ || x.kind == regExpandSZ || x.kind == regMultiSZ {
		return 0, false
	}
	return hiveNumber(x.kind, v.r.data(x))
}

// count is the value of that name as a decimal number, null if there is none.
func (v keyValues) count(name string) event.Value {
	if n, ok := v.number(name); ok {
		return decimal(n)
	}
	return event.Value{}
}

// data is the value of that name as it is.
func (v keyValues) data(name string) []byte {
	x, ok := v.find(name)
	if !ok {
		return nil
	}
	return v.r.data(x)
}

func hiveNumber(kind uint32, b []byte) (uint64, bool) {
	switch {
	case len(b) == 4 && kind == regDWORDBig:
		return uint64(binary.BigEndian.Uint32(b)), true
	case len(b) == 4:
		return uint64(binary.LittleEndian.Uint32(b)), true
	case len(b) == 8:
		return binary.LittleEndian.Uint64(b), true
	}
	return 0, false
}

// text reads a string up to its NUL, as Windows does; numbers in decimal; anything else is "".
func (r *registry) text(v hiveValue) string {
	switch v.kind {
	case regSZ, regExpandSZ:
		return untilNUL(r.data(v))
	case regMultiSZ:
		return strings.Join(r.texts(v), ";")
	case regDWORD, regDWORDBig, regQWORD:
		if n, ok := hiveNumber(v.kind, r.data(v)); ok {
			return fmt.Sprint(n)
		}
	}
	return ""
}

// texts are the strings of a list.
func (r *registry) texts(v hiveValue) (all []string) {
	if v.kind != regMultiSZ {
		if s := r.text(v); s != "" {
			return []string{s}
		}
		return nil
	}
	event.Value{Type: event.UTF16 | event.Array, Raw: r.data(v)}.Each(func(e event.Value) {
		if s := e.String(); s != "" {
			all = append(all, s)
		}
	})
	return all
}

// untilNUL is a string up to its first NUL.
func untilNUL(b []byte) string {
	for i := 0; i+1 < len(b); i += 2 {
		if b[i] == 0 && b[i+1] == 0 {
			b = b[:i]
			break
		}
	}
	return event.Value{Type: event.UTF16, Raw: b[:len(b)&^1]}.String()
}

// details shows a value as Sysmon's event 13 does, so that one rule reads both. Binary data that holds a text is that text:
// there Sysmon tells nothing.
func (r *registry) details(v hiveValue) event.Value {
	switch v.kind {
	case regSZ, regExpandSZ, regMultiSZ:
		return event.Text(r.text(v))
	}
	b := r.data(v)
	n, ok := hiveNumber(v.kind, b)
	switch {
	case ok && (v.kind == regDWORD || v.kind == regDWORDBig):
		return event.Text(fmt.Sprintf("DWORD (0x%08x)", n))
	case ok && v.kind == regQWORD:
		return event.Text(fmt.Sprintf("QWORD (0x%08x-0x%08x)", n>>32, n&0xffffffff))
	case len(b) == 0:
		return event.Text("(Empty)")
	case len(b) >= 8 && len(b)%2 == 0 && isWideText(b):
		return event.Text(untilNUL(b))
	}
	return event.Text("Binary Data")
}

// isWideText tells UTF-16 of plain characters, as far as its first NUL.
func isWideText(b []byte) bool {
	n := 0
	for ; n+1 < len(b) && (b[n] != 0 || b[n+1] != 0); n += 2 {
		if b[n+1] != 0 || b[n] < ' ' || b[n] > '~' {
			return false
		}
	}
	return n >= 8 && len(bytes.Trim(b[n:], "\x00")) == 0
}

// walk calls f for each key that a pattern selects: names joined by backslashes, "*" for any.
func (r *registry) walk(k hiveKey, pattern, shown string, f func(k hiveKey, shown string)) {
	name, rest, more := strings.Cut(pattern, `\`)
	r.each(k, func(sub hiveKey) bool {
		if name != "*" && !strings.EqualFold(sub.name, name) {
			return true
		}
		if at := shown + `\` + sub.name; more {
			r.walk(sub, rest, at, f)
		} else {
			f(sub, at)
		}
		return name == "*"
	})
}
