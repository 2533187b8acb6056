package evidence

import (
	"context"
	"errors"
	"io"
)

// The cache of one artifact read at random: 8 MiB at most, whatever the artifact's size.
const (
	pageBytes = 64 << 10
	pageCount = 128
)

// pages is an artifact read at random, for formats whose parts point at one another: journals, registry hives, file
// tables, databases. Small reads near one another cost one read of the file. It is an io.ReaderAt too, for libraries.
// It is not safe for use by several goroutines.
type pages struct {
	size  int64 // of the artifact
	err   error // of the file or the context, never of the format: the reader ends with it
	ctx   context.Context
	r     io.ReaderAt
	pages [pageCount]page // direct-mapped
	spill []byte
}

type page struct {
	number int64 // from 1; 0 is none
	data   []byte
}

// pages gives random access to the artifact. Like At, it must be asked for before more than a megabyte of Stream is read.
func (in *input) pages(ctx context.Context) (*pages, error) {
	r, size, err := in.At()
	if err != nil {
		return nil, err
	}
	return &pages{size: size, ctx: ctx, r: r}, nil
}

// bytes returns n bytes at off, fewer at the end of the file, none outside it. They are valid until the next call.
// The caller bounds n.
func (p *pages) bytes(off int64, n int) []byte {
	if off < 0 || off >= p.size || n <= 0 {
		return nil
	}
	n = int(min(int64(n), p.size-off))
	in := int(off % pageBytes)
	if page := p.page(off / pageBytes); in+n <= len(page) {
		return page[in : in+n]
	}
	p.spill = p.spill[:0]
	for len(p.spill) < n {
		at := off + int64(len(p.spill))
		page := p.page(at / pageBytes)
		in := int(at % pageBytes)
		p.spill = append(p.spill, page[in:min(len(page), in+n-len(p.spill))]...)
	}
	return p.spill
}

// ReadAt implements io.ReaderAt.
func (p *pages) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) && p.err == nil {
		part := p.bytes(off+int64(n), min(len(b)-n, pageBytes))
		if len(part) == 0 {
			return n, io.EOF
		}
		n += copy(b[n:], part)
	}
	return n, p.err
}

// page returns the page of that number, from 0: whole, but for the last. What the file does not give is zeros, and err.
func (p *pages) page(number int64) []byte {
	c := &p.pages[number%pageCount]
	if c.number == number+1 {
		return c.data
	}
	if err := p.ctx.Err(); err != nil && p.err == nil {
		p.err = err
	}
	if c.data == nil {
		c.data = make([]byte, pageBytes)
	}
	c.data = c.data[:min(pageBytes, p.size-number*pageBytes)]
	n, err := p.r.ReadAt(c.data, number*pageBytes)
	if n < len(c.data) {
		clear(c.data[n:])
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if p.err == nil {
			p.err = err
		}
	}
	c.number = number + 1
	return c.data
}
