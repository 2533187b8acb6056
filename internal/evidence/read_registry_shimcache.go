package evidence

import (
	"encoding/binary"
	"strings"

	"wardround/internal/event"
)

// The application compatibility cache lists programs that the system looked at, not those that ran: an entry proves that
// a file of that name was there. Its times are those of the file's last change; the order, newest first, is that in which
// entries were made or renewed. It is written to the hive at shutdown.
//
// Layouts as the documents of libyal and Mandiant's ShimCacheParser describe them: XP, 2003 to 2008, 7 and 2008 R2, 8 and
// 2012, 8.1 and 2012 R2, 10 and 2016 on.
var registryShimcache = event.TextSchema(event.Source{Product: "windows", Channel: "shimcache"},
	"Image", "FileModified", "Position", "InsertFlags", "LastUpdate", "CacheWritten")

// shimEntry is one entry.
type shimEntry struct {
	path     string
	modified event.Time
	updated  event.Time // XP alone
	flags    int64      // -1: this layout has none
}

// shimcache yields the entries of a cache.
func (r *registry) shimcache(k hiveKey, v hiveValue) {
	b := r.data(v)
	n := 0
	ok := readShimcache(b, func(e shimEntry) {
		flags := event.Value{}
		if e.flags >= 0 {
			flags = event.Value{Type: event.Hex32, Raw: binary.LittleEndian.AppendUint32(nil, uint32(e.flags))}
		}
		r.emit(registryShimcache, e.modified, v.at, textOrNull(strings.TrimPrefix(e.path, `\??\`)), instant(e.modified), decimal(uint64(n)), flags, instant(e.updated), instant(k.written))
		n++
	})
	if !ok {
		r.out.damage(v.at, 4, "application compatibility cache that breaks off or has an unknown layout")
	}
}

// readShimcache calls f for each entry. It answers no if not all could be read.
func readShimcache(b []byte, f func(shimEntry)) bool {
	if len(b) < 8 {
		return false
	}
	u := binary.LittleEndian.Uint32
	count := int(min(u(b[4:]), 1<<16))
	switch magic := u(b); {
	case magic == 0xdeadbeef:
		return readShimXP(b, f)
	case magic == 0xbadc0ffe:
		return readShimTable(b, 8, count, shimTable(b, 8, 24, 32), f)
	case magic == 0xbadc0fee:
		return readShimTable(b, 128, count, shimTable(b, 128, 32, 48), f)
	case (magic == 0x30 || magic == 0x34) && len(b) >= int(magic):
		return readShimList(b[magic:], false, f)
	case len(b) >= 128 && magic <= 128: // counters, in Windows 8 the first is the size of the head
		return readShimList(b[128:], true, f)
	}
	return false
}

func readShimXP(b []byte, f func(shimEntry)) bool {
	const head, size = 400, 552
	if len(b) < head {
		return false
	}
	count := int(min(binary.LittleEndian.Uint32(b[8:]), 1<<16))
	for b = b[head:]; count > 0; count-- {
		if len(b) < size {
			return false
		}
		f(shimEntry{path: untilNUL(b[:528]), flags: -1,
			modified: event.FromFileTime(binary.LittleEndian.Uint64(b[528:])), updated: event.FromFileTime(binary.LittleEndian.Uint64(b[544:]))})
		b = b[size:]
	}
	return true
}

// shimTable tells 32-bit from 64-bit tables by the padding before the offset of the first path; it is the size of an entry.
func shimTable(b []byte, head, narrow, wide int) int {
	if len(b) >= head+8 && binary.LittleEndian.Uint32(b[head+4:]) == 0 {
		return wide
	}
	return narrow
}

// readShimTable reads a table of entries that point at their paths.
func readShimTable(b []byte, head, count, size int, f func(shimEntry)) bool {
	whole, text := true, uint64(2*len(b)) // text: that paths may still refer to, since they may overlap
	for i := range count {
		at := head + i*size
		if at+size > len(b) {
			return false
		}
		e := b[at : at+size]
		length, offset, rest := uint64(binary.LittleEndian.Uint16(e)), uint64(binary.LittleEndian.Uint32(e[4:])), e[8:]
		if size == 32 && head == 8 || size == 48 {
			offset, rest = binary.LittleEndian.Uint64(e[8:]), e[16:]
		}
		if offset > uint64(len(b)) || length > uint64(len(b))-offset || length > text {
			whole = false
			continue
		}
		text -= length
		flags := int64(-1)
		if head == 128 {
			flags = int64(binary.LittleEndian.Uint32(rest[8:]))
		}
		f(shimEntry{path: untilNUL(b[offset : offset+length]), modified: event.FromFileTime(binary.LittleEndian.Uint64(rest)), updated: event.NoTime, flags: flags})
	}
	return whole
}

// readShimList reads entries that follow one another, each with its length. Those of Windows 8 hold the name of a package
// and flags before the time.
func readShimList(b []byte, eight bool, f func(shimEntry)) bool {
	for len(b) > 0 {
		if len(b) < 12 || string(b[1:4]) != "0ts" {
			return isZero(b)
		}
		size := uint64(binary.LittleEndian.Uint32(b[8:]))
		if size > uint64(len(b)-12) {
			return false
		}
		e, next := b[12:12+size], b[12+size:]
		b = next
		path, e, ok := shimText(e)
		if !ok {
			return false
		}
		entry := shimEntry{path: path, flags: -1, updated: event.NoTime}
		if eight {
			if _, e, ok = shimText(e); !ok || len(e) < 16 {
				return false
			}
			entry.flags, e = int64(binary.LittleEndian.Uint32(e)), e[8:]
		}
		if len(e) < 8 {
			return false
		}
		entry.modified = event.FromFileTime(binary.LittleEndian.Uint64(e))
		f(entry)
	}
	return true
}

// shimText reads a text behind its length.
func shimText(b []byte) (s string, rest []byte, ok bool) {
	if len(b) < 2 {
		return "", nil, false
	}
	n := int(binary.LittleEndian.Uint16(b))
	if 2+n > len(b) {
		return "", nil, false
	}
	return untilNUL(b[2 : 2+n]), b[2+n:], true
}
