package evidence

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"

	"wardround/internal/event"
)

// zip reads the entries of an archive that is not on disk by itself, one after the other.
func (p *pass) zip(h *holder, r io.ReaderAt, size int64, facts *event.Artifact) error {
	z, err := openZip(r, size, p.c.opt.Limits.Entries)
	if err != nil {
		return p.recoverZip(h, r, size, facts, err)
	}
	h.marks = z.marks
	var end int64
	crowded := z.crowded(facts)
	return z.each(func(e *zipEntry) error {
		if e.isFolder() {
			return nil
		}
		if err := p.count(); err != nil {
			return err
		}
		if crowded && e.offset < end {
			return p.list(e.place(h), "", nil, errOverlap)
		}
		end = max(end, e.offset+e.packed)
		return p.zipEntry(e.place(h), e, r)
	})
}

var errOverlap = fmt.Errorf("unpack: shares its bytes with another entry: %w", ErrLimit)

// crowded reports whether entries overlap, as in archives made to unpack without end: together they are larger than
// what precedes the directory.
func (z *zipFile) crowded(facts *event.Artifact) bool {
	if z.packed <= z.dir-z.shift {
		return false
	}
	facts.Notes = append(facts.Notes, fmt.Sprintf("its entries overlap: they say to take %d bytes of %d", z.packed, z.dir-z.shift))
	return true
}

// zipEntry reads one entry.
func (p *pass) zipEntry(at spot, e *zipEntry, r io.ReaderAt) error {
	if err := e.refuse(); err != nil {
		return p.list(at, "", nil, err)
	}
	start, name, err := e.data(r)
	if err != nil {
		return p.list(at, "", nil, fmt.Errorf("unpack: %w", err))
	}
	if name != e.local && e.creator != creatorUnknown {
		at.notes = append(at.notes, "its local header says "+storedAs(name))
	}
	u, err := e.open(r)
	if err != nil {
		return p.list(at, "", nil, fmt.Errorf("unpack: %w", err))
	}
	defer u.Close()
	if e.isLink() {
		target, _ := peek(u, 4096)
		return p.list(at, kindSymlink, []string{linkNote(string(target))}, nil)
	}
	u.packed.tell = e.tell
	sum := &summed{r: &metered{r: u, packed: u.packed, p: p}}
	c := content{at: at, source: source{once: sum}, modified: modTime(e.modified), stored: true}
	if e.method == zipStored {
		c.source.file, c.source.size = io.NewSectionReader(r, start, e.packed), e.packed
	}
	c.source.more = func() (io.ReadCloser, error) { return p.unzipAgain(e, r) }
	c.settle = func(facts *event.Artifact) {
		e.check(facts, sum.crc)
		if e.done != nil {
			e.done(u, facts, sum.crc)
		}
	}
	return p.read(c)
}

// unzipAgain opens an entry that is being read once more. It is held to the limits by itself.
func (p *pass) unzipAgain(e *zipEntry, r io.ReaderAt) (io.ReadCloser, error) {
	u, err := e.open(r)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&metered{r: u, packed: u.packed, p: &pass{ctx: p.ctx, c: p.c, most: p.most}}, u}, nil
}

// check compares what came out with what the archive says.
func (e *zipEntry) check(facts *event.Artifact, crc uint32) {
	switch {
	case !e.known || facts.Error != nil:
	case facts.Bytes != e.unpacked:
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: facts.Bytes, Bytes: -1,
			Why: fmt.Sprintf("zip: unpacks to %d bytes, the archive says %d", facts.Bytes, e.unpacked)})
	case crc != e.crc:
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: 0, Bytes: facts.Bytes, Why: "zip: checksum differs"})
	}
}

// summed keeps the CRC-32 of what is read.
type summed struct {
	r   io.Reader
	crc uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.crc = crc32.Update(s.crc, crc32.IEEETable, p[:n])
	return n, err
}

// zipUnits yields the units of an intact zip archive on disk: the hash of the archive, and each of its entries. It
// answers no, and yields nothing, if the file is no such archive.
//
// The archive is so read twice, once in a piece for its hash and once entry by entry. Its bytes are the packed ones,
// few, and the second time they come from the system's cache; in return, its entries can be shared out among workers.
func (c *Collection) zipUnits(f file, yield func(Unit) error) (ok bool, err error) {
	h, info, err := c.open(f)
	if err != nil {
		return false, nil
	}
	defer h.Close()
	head := make([]byte, headBytes)
	n, _ := h.ReadAt(head, 0)
	if kind, _ := c.kindOf(head[:n], f.at.path); kind != kindZip {
		return false, nil
	}
	z, err := openZip(h, info.Size(), c.opt.Limits.Entries)
	if err != nil {
		return false, nil
	}
	facts := c.facts(f.at)
	facts.Kind = kindZip
	if f.at.whole {
		facts.Path = ""
	}
	crowded := z.crowded(facts)
	if most := uint64(c.opt.Limits.Entries); z.count > most {
		setError(facts, fmt.Errorf("open zip: %d entries, the first %d are read: %w", z.count, most, ErrLimit))
	}
	rest := z.size - z.read
	hash := func(p *pass) error { return p.hashOnly(f, info, facts, rest) }
	if err := yield(Unit{Path: facts.Path, Size: max(0, rest), read: hash}); err != nil {
		return true, err
	}
	in := f.at.enter(true)
	in.marks = z.marks
	end, n := int64(0), 0
	return true, z.each(func(e *zipEntry) error {
		if n++; e.isFolder() || n > c.opt.Limits.Entries {
			return nil
		}
		lies := crowded && e.offset < end
		end = max(end, e.offset+e.packed)
		return yield(c.zipUnit(f, e.place(in), *e, lies))
	})
}

// zipUnit is one entry of a zip archive on disk.
func (c *Collection) zipUnit(f file, at spot, e zipEntry, lies bool) Unit {
	size := e.size()
	return Unit{Path: at.path, Size: size, read: func(p *pass) error {
		p.most = c.most(e.packed)
		if lies {
			p.sink.Progress(size)
			return p.list(at, "", nil, errOverlap)
		}
		h, _, err := c.open(f)
		if err != nil {
			p.sink.Progress(size)
			return p.list(at, "", nil, err)
		}
		defer h.Close()
		told := int64(0)
		e := e
		e.tell = func(n int64) {
			told += n
			p.sink.Progress(n)
		}
		defer func() { p.sink.Progress(size - told) }()
		return p.zipEntry(at, &e, h)
	}}
}

// hashOnly hashes an archive whose entries are units of their own. before and facts are what was known of it when they
// were listed, told the bytes on disk that no entry accounts for.
func (p *pass) hashOnly(f file, before fs.FileInfo, facts *event.Artifact, told int64) error {
	defer p.sink.Progress(told)
	h, _, err := p.c.open(f)
	if err != nil {
		return p.list(f.at, "", nil, err)
	}
	defer h.Close()
	s := newStream(p.ctx, "", source{once: h, more: func() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }})
	defer s.close()
	s.drain()
	if err := p.ctx.Err(); err != nil {
		return err
	}
	a := *facts
	a.SHA256, a.Bytes, a.Notes = s.digest(), s.n, slices.Clone(facts.Notes)
	noteChange(&a, h, before)
	if err := s.fail(); err != nil {
		setError(&a, fmt.Errorf("read: %w", err))
	}
	p.sink.End(&a)
	return nil
}
