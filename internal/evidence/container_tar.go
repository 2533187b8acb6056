package evidence

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"wardround/internal/event"
)

const tarBlock = 512

// tar reads the entries of a tar archive in the order in which they are stored: v7, ustar, pax and GNU, sparse files
// included. A damaged header costs what stands between it and the next whole one. What follows the end mark, as in
// archives that were joined, is read as well. facts are those of the archive; damage and notes are added to them.
func (p *pass) tar(h *holder, r io.Reader, facts *event.Artifact) error {
	in := &tarStream{r: r}
	tr := tar.NewReader(in)
	for found := 0; ; {
		hdr, err := tr.Next()
		if err == nil || errors.Is(err, tar.ErrInsecurePath) {
			found++
			if err := p.tarEntry(h, hdr, in, tr); err != nil {
				return err
			}
			continue
		}
		ended, from := err == io.EOF, in.n
		more := in.resync()
		switch {
		case in.broken():
			return p.ctx.Err() // whoever gives the stream tells why it broke
		case !ended:
			in.other = true
			facts.Damaged = append(facts.Damaged, event.Damage{Offset: from, Bytes: unknownIfNone(in.n - from),
				Why: fmt.Sprintf("%v, at byte %d of the tar stream", err, from)})
		case more:
			facts.Notes = append(facts.Notes, fmt.Sprintf("more entries follow the end mark at byte %d of the tar stream", from))
		}
		if len(facts.Damaged)+len(facts.Notes) > maxDamage {
			return fmt.Errorf("open tar: broken in more than %d places: %w", maxDamage, ErrLimit)
		}
		if !more {
			if found == 0 && in.other {
				return errors.New("open tar: no entry found")
			}
			return nil
		}
		tr = tar.NewReader(in)
	}
}

func unknownIfNone(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// tarEntry reads one entry or lists it. Folders are not listed.
func (p *pass) tarEntry(h *holder, hdr *tar.Header, in *tarStream, tr *tar.Reader) error {
	switch hdr.Typeflag {
	case tar.TypeDir, tar.TypeXGlobalHeader, 'V', 'D', 'N':
		return nil
	}
	if err := p.count(); err != nil {
		return err
	}
	name, notes := cleanName(hdr.Name, false)
	at := h.spot(name)
	at.notes = append(notes, at.notes...)
	switch hdr.Typeflag {
	case tar.TypeSymlink:
		return p.list(at, kindSymlink, []string{linkNote(hdr.Linkname)}, nil)
	case tar.TypeLink:
		return p.list(at, "hardlink", []string{fmt.Sprintf("the same file as %q in the archive", hdr.Linkname)}, nil)
	case tar.TypeChar, tar.TypeBlock:
		return p.list(at, "device", []string{"not a file: not opened"}, nil)
	case tar.TypeFifo:
		return p.list(at, "pipe", []string{"not a file: not opened"}, nil)
	}
	// A sparse file takes next to nothing and says that it is large.
	physical := &counted{}
	in.entry = physical
	defer func() { in.entry = nil }()
	return p.read(content{
		at:       at,
		source:   source{once: &metered{r: tr, packed: physical, p: p}},
		modified: modTime(hdr.ModTime),
		stored:   true,
	})
}

// tarStream is the stream of an archive, in which the next whole header can be looked for.
type tarStream struct {
	r     io.Reader
	n     int64
	err   error
	back  []byte // a header that resync found
	block [tarBlock]byte
	other bool     // something else than entries and zeros was met
	entry *counted // counts what the entry that is being read takes; nil between entries
}

func (t *tarStream) Read(p []byte) (int, error) {
	if len(t.back) > 0 {
		n := copy(p, t.back)
		t.back = t.back[n:]
		t.n += int64(n)
		return n, nil
	}
	if t.err != nil {
		return 0, t.err
	}
	n, err := t.r.Read(p)
	t.n += int64(n)
	if t.entry != nil {
		t.entry.n += int64(n)
	}
	t.err = err
	return n, err
}

// broken reports whether the stream failed, rather than ended.
func (t *tarStream) broken() bool { return t.err != nil && t.err != io.EOF }

// resync moves to the next block that is a header. It answers no at the end of the stream.
func (t *tarStream) resync() bool {
	if pad := (tarBlock - t.n%tarBlock) % tarBlock; pad > 0 {
		if _, err := io.ReadFull(t, t.block[:pad]); err != nil {
			return false
		}
	}
	for {
		if _, err := io.ReadFull(t, t.block[:]); err != nil {
			return false
		}
		if tarHeader(t.block[:]) {
			t.back = t.block[:]
			t.n -= tarBlock
			return true
		}
		t.other = t.other || t.block != [tarBlock]byte{}
	}
}

// tarHeader reports whether a block is a header: its sum is right, over unsigned bytes or, as some old writers did,
// signed ones, and it has a name.
func tarHeader(b []byte) bool {
	if b[0] == 0 && string(b[257:262]) != "ustar" {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[148:156]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	var unsigned, signed int64
	for i, c := range b[:tarBlock] {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}
