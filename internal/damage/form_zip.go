package damage

import (
	"bytes"
	"hash/crc32"
	"strings"
)

// member is an entry of a zip's directory.
type member struct {
	name          string
	flags, method uint16
	crc           uint32
	packed, size  int64
	off           int64
}

const maxMembers = 1 << 16

// walkZip follows a zip's directory to its entries (APPNOTE 6.3), and unpacks them within the budget: their sums vouch for
// them. Of Office's documents, jars and others the kind is told by what they hold.
func walkZip(x *exam) form {
	dir, at, f := zipDirectory(x)
	if dir == nil {
		return f
	}
	kind := zipKind(dir)
	f = walkMembers(x, dir, at)
	f.kind = kind
	return f
}

// zipDirectory finds the directory by the record at the end. Where it lies in no window, only the beginning is followed.
func zipDirectory(x *exam) (list []member, at int64, f form) {
	tail := x.v.windows[len(x.v.windows)-1]
	from := max(0, len(tail.b)-(64<<10+22))
	i := bytes.LastIndex(tail.b[from:], []byte("PK\x05\x06"))
	if i < 0 || from+i+22 > len(tail.b) {
		return nil, 0, bad(x.size, "it has no directory")
	}
	end := tail.b[from+i:]
	size, off := int64(le.Uint32(end[12:])), int64(le.Uint32(end[16:]))
	endAt := tail.off + int64(from+i)
	if off == 0xffffffff || size == 0xffffffff {
		if from+i < 76 || string(tail.b[from+i-76:from+i-72]) != "PK\x06\x06" {
			return nil, 0, form{shape: followed, seen: 4}
		}
		z := tail.b[from+i-76:]
		size, off = int64(le.Uint64(z[40:])), int64(le.Uint64(z[48:]))
		endAt -= 76
	}
	base := endAt - size - off // what stands before the archive: a program that unpacks itself
	if size < 0 || off < 0 || base < 0 || size > x.size {
		return nil, 0, bad(endAt, "its directory lies outside of it")
	}
	b := x.stored(endAt-size, size)
	if b == nil {
		return nil, 0, form{shape: followed, seen: 4}
	}
	for p := 0; p < len(b); {
		if p+46 > len(b) || string(b[p:p+4]) != "PK\x01\x02" {
			if p+4 <= len(b) && string(b[p:p+4]) == "PK\x05\x05" {
				break
			}
			return nil, 0, bad(endAt-size+int64(p), "an entry of its directory is none")
		}
		n, e, c := int(le.Uint16(b[p+28:])), int(le.Uint16(b[p+30:])), int(le.Uint16(b[p+32:]))
		if p+46+n+e > len(b) || len(list) >= maxMembers {
			return nil, 0, bad(endAt-size+int64(p), "an entry of its directory is cut")
		}
		m := member{name: string(b[p+46 : p+46+n]), flags: le.Uint16(b[p+8:]), method: le.Uint16(b[p+10:]), crc: le.Uint32(b[p+16:]),
			packed: int64(le.Uint32(b[p+20:])), size: int64(le.Uint32(b[p+24:])), off: int64(le.Uint32(b[p+42:]))}
		m.wide(b[p+46+n : p+46+n+e])
		m.off += base
		list = append(list, m)
		p += 46 + n + e + c
	}
	if list == nil {
		return nil, 0, x.rest(endAt+22, true)
	}
	return list, endAt, form{}
}

// wide takes sizes and offset of 64 bits.
func (m *member) wide(extra []byte) {
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			return
		}
		if field := extra[:n]; id == 1 {
			for _, v := range []*int64{&m.size, &m.packed, &m.off} {
				if *v == 0xffffffff && len(field) >= 8 {
					*v = int64(le.Uint64(field) &^ (1 << 63))
					field = field[8:]
				}
			}
		}
		extra = extra[n:]
	}
}

func walkMembers(x *exam, dir []member, end int64) form {
	sums, locked := true, 0
	for i := range dir {
		m := &dir[i]
		if m.off+30 > x.size || m.packed > x.size {
			return bad(end, "an entry lies outside of it")
		}
		head := x.stored(m.off, 30)
		if head == nil {
			sums = false
			continue
		}
		if string(head[:4]) != "PK\x03\x04" {
			return bad(m.off, "no entry where its directory says one is")
		}
		name := x.stored(m.off+30, int64(le.Uint16(head[26:])))
		if name != nil && !sameName(string(name), m.name) {
			return bad(m.off+30, "an entry's name is not that of its directory")
		}
		if m.flags&1 != 0 {
			locked++
			continue
		}
		if x.budget <= 0 {
			sums = false
			continue
		}
		body := x.stored(m.off+30+int64(le.Uint16(head[26:]))+int64(le.Uint16(head[28:])), m.packed)
		if body == nil {
			sums = false
			continue
		}
		done, why := x.member(m, body)
		if why != "" {
			return bad(m.off+30, "%s", why)
		}
		sums = sums && done
	}
	if locked > 0 {
		return form{shape: followed, seen: x.size, honest: "zip with a password"}
	}
	return x.ok(x.size, sums)
}

// sameName compares an entry's two names; encoders differ in how they write what is not ASCII.
func sameName(a, b string) bool {
	return a == b || len(a) != len(b) || strings.ContainsFunc(a, func(r rune) bool { return r > 126 || r == '\\' || r == '/' })
}

// member unpacks an entry and compares its sum. done is false when the budget or the method did not allow it.
func (x *exam) member(m *member, body []byte) (done bool, why string) {
	sum := crc32.NewIEEE()
	switch m.method {
	case 0:
		n := min(len(body), x.budget)
		x.budget -= n / 8 // a sum alone is cheap
		if n < len(body) {
			return false, ""
		}
		sum.Write(body)
	case 8:
		r := inflater(&feed{b: body})
		n, end, err := x.drain(r, sum)
		giveBack(r)
		if err != nil {
			return false, "an entry does not unpack: " + err.Error()
		}
		if !end {
			return false, ""
		}
		if n != m.size {
			return false, "an entry unpacks to another size"
		}
	default:
		return false, ""
	}
	if sum.Sum32() != m.crc {
		return false, "an entry's checksum differs"
	}
	return true, ""
}

func zipKind(dir []member) string {
	for i := range dir {
		switch n := dir[i].name; {
		case n == "[Content_Types].xml":
			return "ooxml"
		case n == "META-INF/MANIFEST.MF":
			return "jar"
		case n == "mimetype":
			return "opendocument"
		}
	}
	return "zip"
}
