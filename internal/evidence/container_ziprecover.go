package evidence

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"wardround/internal/event"
)

// recoverZip reads a zip archive whose central directory is missing or damaged, as those are that were cut off: it
// looks for local headers from the beginning, and unpacks what stands behind each. why is what is wrong.
func (p *pass) recoverZip(h *holder, r io.ReaderAt, size int64, facts *event.Artifact, why error) error {
	if errors.Is(why, ErrUnsupported) {
		return fmt.Errorf("open zip: %w", why)
	}
	f := &finder{r: r, size: size}
	found, end := 0, int64(0)
	for {
		at := f.next(end, zipLocal)
		if at < 0 {
			break
		}
		e, ok := localEntry(r, at, size)
		if !ok {
			end = at + 4
			continue
		}
		if found++; found == 1 {
			facts.Notes = append(facts.Notes, why.Error()+": entries are read by their local headers")
		}
		next, err := p.recovered(h, e, f)
		if err != nil {
			return err
		}
		end = max(next, at+4)
	}
	switch {
	case p.ctx.Err() != nil:
		return p.ctx.Err()
	case found > 0:
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: end, Bytes: size - end, Why: "zip: " + why.Error()})
		return nil
	case f.next(0, "PK") == 0:
		return errors.New("open zip: no entry found")
	}
	facts.Kind = kindUnknown
	return errNoArchive
}

// recovered reads one entry and says where to look for the next: behind it if it is whole, else behind its header.
func (p *pass) recovered(h *holder, e *zipEntry, f *finder) (next int64, err error) {
	start, _, err := e.data(f.r)
	if err != nil || e.isFolder() {
		return start, p.ctx.Err()
	}
	if err := p.count(); err != nil {
		return 0, err
	}
	rest := f.size - start
	switch {
	case e.known && e.refuse() != nil && e.packed <= rest:
		next = start + e.packed
	case e.known:
		next = start
	case e.method == zipStored:
		e.packed, next = p.storedSize(f, start), start
	default:
		e.packed, next = rest, start
	}
	e.packed = min(e.packed, rest)
	e.done = func(u *unzipped, facts *event.Artifact, crc uint32) {
		if facts.Error != nil || len(facts.Damaged) > 0 {
			return
		}
		end := start + e.packed
		if !e.known && e.method != zipStored {
			end = start + u.taken()
		}
		if !e.known && !e.checksItself() && !confirmed(f.r, end, crc) {
			facts.Damaged = append(facts.Damaged, event.Damage{Offset: facts.Bytes, Bytes: -1, Why: "zip: no checksum confirms that it is whole"})
			return
		}
		next = end
	}
	return next, p.zipEntry(e.place(h), e, f.r)
}

// confirmed reports whether the data descriptor at that offset, which may lack its signature, has the checksum.
func confirmed(r io.ReaderAt, at int64, crc uint32) bool {
	var d [8]byte
	n, _ := r.ReadAt(d[:], at)
	if n == 8 && string(d[:4]) == zipSizes {
		return binary.LittleEndian.Uint32(d[4:]) == crc
	}
	return n >= 4 && binary.LittleEndian.Uint32(d[:]) == crc
}

// checksItself reports whether the format inside the entry has a checksum and an end of its own.
func (e *zipEntry) checksItself() bool { return e.method == zipXz || e.method == zipZstd }

// Bounds of what local headers hold in earnest, so that looking for them costs no more than reading them.
const (
	maxLocalName  = 4 << 10
	maxLocalExtra = 4 << 10
)

// localEntry reads the local header at an offset. It answers no if it cannot be one.
func localEntry(r io.ReaderAt, at, size int64) (*zipEntry, bool) {
	var h [30]byte
	if _, err := r.ReadAt(h[:], at); err != nil {
		return nil, false
	}
	name, extra := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	if h[4] > 63 || name == 0 || name > maxLocalName || extra > maxLocalExtra || at+30+name+extra > size {
		return nil, false
	}
	b := make([]byte, name+extra)
	if _, err := r.ReadAt(b, at+30); err != nil {
		return nil, false
	}
	e := &zipEntry{
		name: string(b[:name]), creator: creatorUnknown, offset: at,
		flags: binary.LittleEndian.Uint16(h[6:]), method: binary.LittleEndian.Uint16(h[8:]), crc: binary.LittleEndian.Uint32(h[14:]),
		packed: int64(binary.LittleEndian.Uint32(h[18:])), unpacked: int64(binary.LittleEndian.Uint32(h[22:])),
		modified: dosTime(binary.LittleEndian.Uint16(h[12:]), binary.LittleEndian.Uint16(h[10:])),
	}
	e.utf8 = e.flags&zipUTF8 != 0
	e.known = e.flags&zipDescriptor == 0
	e.extra(b[name:])
	return e, e.packed >= 0 && e.unpacked >= 0
}

// storedSize is the size of a stored entry that its header does not give: up to the descriptor that fits, else up to
// the next header or the end. What is searched counts as unpacked, so that headers without end find one.
func (p *pass) storedSize(f *finder, start int64) int64 {
	for at := start; p.unpacked <= p.most; at += 4 {
		from := at
		if at = f.next(at, zipSizes); at < 0 {
			p.unpacked += f.size - from
			break
		}
		p.unpacked += at - from
		var d [24]byte
		n, _ := f.r.ReadAt(d[:], at)
		if n >= 16 && int64(binary.LittleEndian.Uint32(d[8:])) == at-start ||
			n == 24 && int64(binary.LittleEndian.Uint64(d[8:])) == at-start {
			return at - start
		}
	}
	for _, signature := range []string{zipLocal, zipCentral} {
		if at := f.next(start, signature); at >= 0 {
			return at - start
		}
	}
	return f.size - start
}

// finder looks for signatures in a file.
type finder struct {
	r    io.ReaderAt
	size int64
	buf  []byte // the bytes from offset at
	at   int64
}

// next is the offset of the first occurrence of a signature at or behind from, -1 if there is none.
func (f *finder) next(from int64, signature string) int64 {
	more := int64(len(signature))
	for from+more <= f.size {
		if from < f.at || from+more > f.at+int64(len(f.buf)) {
			if f.buf == nil {
				f.buf = make([]byte, packedBuffer)
			}
			n, _ := f.r.ReadAt(f.buf[:min(packedBuffer, f.size-from):packedBuffer], from)
			if f.buf, f.at = f.buf[:n], from; int64(n) < more {
				return -1
			}
		}
		if i := bytes.Index(f.buf[from-f.at:], []byte(signature)); i >= 0 {
			return from + int64(i)
		}
		from = f.at + int64(len(f.buf)) - more + 1
	}
	return -1
}
