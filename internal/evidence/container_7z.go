package evidence

import (
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"wardround/internal/event"
	"wardround/internal/sevenzip"
)

// maxDictionary bounds the memory for unpacking one archive of 7-Zip or RAR.
const maxDictionary = 64 << 20

// sevenZip reads the entries of an archive of 7-Zip in the order in which they are packed. Those that are packed as one block share its ratio and
// its damage; what is asked for beside the entry at hand, a block's dictionary, counts as unpacked.
func (p *pass) sevenZip(h *holder, s *stream, facts *event.Artifact) error {
	r, size, err := s.at()
	if err != nil {
		return err
	}
	in := &alongside{r: r, p: p}
	a, err := sevenzip.Open(in, size, maxDictionary)
	if err != nil {
		return p.unopened(facts, 0, err)
	}
	if h.marks, err = p.marks7z(in, size); err != nil {
		return p.unopened(facts, 0, err)
	}
	in.s = s
	m, block := &metered{r: a, packed: &counted{}, p: p}, -1
	for {
		f, err := a.Next()
		if err == io.EOF || p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if err := p.count(); err != nil {
			return err
		}
		if f.Block != block && f.Block >= 0 {
			block = f.Block
			in.packed = &counted{n: packedBuffer}
			m.n, m.packed = 0, in.packed
			if f.Err == nil {
				p.unpacked += f.Dictionary
			}
		}
		if p.unpacked > p.most {
			return fmt.Errorf("unpacks to more than %d bytes: %w", p.most, ErrLimit)
		}
		m.err = nil
		if err := p.packedEntry(h, packedFile{name: f.Name, unix: f.Unix, link: f.Link, err: f.Err, sum: sevenzip.ErrSum}, content{modified: modTime(f.Modified)}, m); err != nil {
			return err
		}
		if errors.Is(m.err, ErrLimit) {
			a.Skip(m.err)
		}
	}
}

// packedFile is an entry of an archive of 7-Zip or RAR.
type packedFile struct {
	name string
	unix bool
	link bool  // its content is the target
	err  error // why it cannot be read
	sum  error // what its reader ends with when only the checksum is wrong
}

// packedEntry reads one entry or lists it.
func (p *pass) packedEntry(h *holder, f packedFile, c content, m *metered) error {
	name, notes := cleanName(f.name, !f.unix)
	c.at, c.stored = h.spot(name), true
	c.at.notes = append(notes, c.at.notes...)
	switch {
	case f.err != nil:
		return p.list(c.at, "", nil, fmt.Errorf("unpack: %w", refused(f.err)))
	case f.link:
		target, _ := peek(m, 4096)
		return p.list(c.at, kindSymlink, []string{linkNote(string(target))}, nil)
	}
	out := &confirming{r: m, sum: f.sum}
	c.source.once = out
	c.settle = func(facts *event.Artifact) {
		if out.wrong {
			facts.Damaged = append(facts.Damaged, event.Damage{Offset: 0, Bytes: facts.Bytes, Why: f.sum.Error()})
		}
	}
	return p.read(c)
}

// confirming reads what has a checksum at its end. One that is wrong is no error: the bytes came out, and are not what was packed.
type confirming struct {
	r     io.Reader
	sum   error
	wrong bool
}

func (c *confirming) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && errors.Is(err, c.sum) {
		c.wrong, err = true, io.EOF
	}
	return n, err
}

// alongside gives random access to an archive, and hashes it as far as it was read: so its bytes are fetched once, and progress shows.
type alongside struct {
	r      io.ReaderAt
	p      *pass
	s      *stream  // nil while the list is read, which stands at the end
	packed *counted // of the block at hand
}

func (a *alongside) ReadAt(b []byte, at int64) (int, error) {
	if err := a.p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := a.r.ReadAt(b, at)
	if a.packed != nil {
		a.packed.n += int64(n)
	}
	if a.s != nil {
		a.s.pass(at + int64(n))
	}
	return n, err
}

// Bounds of looking for the computers that client_info.json names in an archive, before its entries are read.
const (
	maxInfos      = 100
	maxInfoOffset = 64 << 20 // in its block
)

// marks7z finds the folders that Velociraptor wrote and somebody packed by 7-Zip.
func (p *pass) marks7z(r io.ReaderAt, size int64) (map[string]string, error) {
	var marks velociraptorMarks
	if err := each7z(r, size, func(f sevenzip.File, name string, _ io.Reader) { marks.see(name) }); err != nil || len(marks.files) == 0 {
		return nil, err
	}
	hosts, read := marks.folders(), 0
	err := each7z(r, size, func(f sevenzip.File, name string, a io.Reader) {
		folder := parent(name)
		if _, ok := hosts[folder]; !ok || path.Base(name) != clientInfo || f.Err != nil || f.Offset > maxInfoOffset || read >= maxInfos {
			return
		}
		read++
		p.unpacked += f.Dictionary + f.Offset + f.Size
		hosts[folder] = clientHost(a)
	})
	return hosts, err
}

// each7z lists an archive; a reads the entry at hand.
func each7z(r io.ReaderAt, size int64, f func(f sevenzip.File, name string, a io.Reader)) error {
	a, err := sevenzip.Open(r, size, maxDictionary)
	if err != nil {
		return err
	}
	for {
		e, err := a.Next()
		if err != nil {
			return nil
		}
		name := e.Name
		if !e.Unix {
			name = strings.ReplaceAll(name, `\`, "/")
		}
		f(e, name, a)
	}
}
