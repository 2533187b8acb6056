package evidence

import (
	"errors"
	"fmt"
	"io"

	"wardround/internal/event"
	"wardround/internal/rar"
	"wardround/internal/sevenzip"
)

// rar reads the entries of a RAR archive in the order in which they are stored.
func (p *pass) rar(h *holder, s *stream, facts *event.Artifact) error {
	packed := &counted{r: s, n: packedBuffer}
	a, err := rar.Open(packed, maxDictionary)
	if err != nil {
		return p.unopened(facts, 0, err)
	}
	m := &metered{r: a, packed: packed, p: p}
	for {
		f, err := a.Next()
		switch {
		case p.ctx.Err() != nil:
			return p.ctx.Err()
		case err == io.EOF && a.Large() > 0:
			return fmt.Errorf("open rar: %d entries, unnamed here, ask for %w", a.Large(), refused(rar.ErrLimit))
		case err == io.EOF:
			return nil
		case err != nil:
			return p.unopened(facts, s.n, err)
		}
		if err := p.count(); err != nil {
			return err
		}
		if !a.Solid() {
			m.n, packed.n = 0, packedBuffer
		}
		m.err = nil
		if err := p.rarEntry(h, f, m); err != nil {
			return err
		}
		// What follows in a solid archive is packed with what goes past the limit.
		if errors.Is(m.err, ErrLimit) && (a.Solid() || p.unpacked > p.most) {
			return fmt.Errorf("open rar: what follows the entry %q is not read: %w", f.Name, m.err)
		}
	}
}

// rarEntry reads one entry or lists it.
func (p *pass) rarEntry(h *holder, f rar.File, m *metered) error {
	e := packedFile{name: f.Name, unix: f.Unix, err: f.Err, sum: rar.ErrSum}
	if f.Link == 0 || f.Link == rar.SymbolicLink && f.Target == "" {
		e.link = f.Link != 0
		return p.packedEntry(h, e, content{modified: modTime(f.Modified)}, m)
	}
	name, notes := cleanName(f.Name, !f.Unix)
	at := h.spot(name)
	at.notes = append(notes, at.notes...)
	if f.Link == rar.SymbolicLink {
		return p.list(at, kindSymlink, []string{linkNote(f.Target)}, nil)
	}
	return p.list(at, "hardlink", []string{fmt.Sprintf("the same file as %q in the archive", f.Target)}, nil)
}

// unopened is the error of an archive of 7-Zip or RAR that cannot be read, or not on from about that byte to its end.
func (p *pass) unopened(facts *event.Artifact, from int64, err error) error {
	if ctxErr := p.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	if errors.Is(err, sevenzip.ErrDamaged) || errors.Is(err, rar.ErrDamaged) {
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: from, Bytes: -1, Why: err.Error()})
	}
	return fmt.Errorf("open %s: %w", facts.Kind, refused(err))
}

// refused says in this room's terms why an archive or an entry cannot be read, with the remedy.
func refused(err error) error {
	switch {
	case errors.Is(err, sevenzip.ErrEncrypted), errors.Is(err, rar.ErrEncrypted):
		return fmt.Errorf("encrypted: %w; unpack it with its password and examine the folder", ErrUnsupported)
	case errors.Is(err, sevenzip.ErrUnsupported), errors.Is(err, rar.ErrUnsupported):
		return fmt.Errorf("%w: %w; unpack it and examine the folder", err, ErrUnsupported)
	case errors.Is(err, sevenzip.ErrLimit), errors.Is(err, rar.ErrLimit):
		return fmt.Errorf("more memory than a dictionary of %d MiB or a list of %[1]d MiB takes: %w; unpack it and examine the folder", maxDictionary>>20, ErrLimit)
	case errors.Is(err, rar.ErrVolume):
		return fmt.Errorf("one of several volumes: %w; unpack the first with the others beside it and examine the folder", ErrUnsupported)
	case errors.Is(err, sevenzip.ErrCut):
		return fmt.Errorf("%w: it was cut off, or is the first of several parts; join the parts first", err)
	case errors.Is(err, sevenzip.ErrDamaged), errors.Is(err, rar.ErrDamaged):
		return fmt.Errorf("%w; unpack it as far as its own program can and examine the folder", err)
	}
	return err
}
