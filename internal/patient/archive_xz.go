package patient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader unpacks the .xz format (version 1.2.0). Its frame is read here and LZMA2 by the library: a block asks for a dictionary of up
// to 4 GiB, and that must be refused before it is made. Checksums are not verified: what is wrong with an archive is not the question.
type xzReader struct {
	r     *xzCount
	check int // bytes behind each block; -1 outside a stream
	block io.Reader
	begin int64
	any   bool
	err   error
}

// xzCount counts what LZMA2 takes of the buffer.
type xzCount struct {
	*bufio.Reader
	n int64
}

func (t *xzCount) ReadByte() (byte, error) {
	b, err := t.Reader.ReadByte()
	if err == nil {
		t.n++
	}
	return b, err
}

func (t *xzCount) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.n += int64(n)
	return n, err
}

func newXz(r io.Reader) *xzReader {
	return &xzReader{r: &xzCount{Reader: bufio.NewReader(r)}, check: -1}
}

var errXz = errors.New("xz: damaged, or not supported")

func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil && len(p) > 0 {
		if x.block == nil {
			if x.err = x.next(); x.err != nil {
				break
			}
		}
		n, err := x.block.Read(p)
		if err == io.EOF {
			x.block = nil
			x.err = x.skip((4-(x.r.n-x.begin)%4)%4 + int64(x.check))
		} else if err != nil {
			x.err = err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

func (x *xzReader) skip(n int64) error {
	_, err := io.CopyN(io.Discard, x.r, n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// next moves to the next block, over the ends and beginnings of streams.
func (x *xzReader) next() error {
	for {
		if x.check < 0 {
			if err := x.header(); err != nil {
				return err
			}
		}
		size, err := x.r.ReadByte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if size != 0 {
			return x.blockHeader(size)
		}
		if err := x.index(); err != nil {
			return err
		}
		x.check = -1
	}
}

func (x *xzReader) header() error {
	var h [12]byte
	for {
		if _, err := io.ReadFull(x.r, h[:4]); err != nil {
			if err == io.EOF && x.any {
				return io.EOF
			}
			return io.ErrUnexpectedEOF
		}
		if [4]byte(h[:4]) != [4]byte{} {
			break
		}
	}
	if _, err := io.ReadFull(x.r, h[4:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	if string(h[:6]) != "\xfd7zXZ\x00" || h[7] > 15 {
		return errXz
	}
	x.check, x.any = []int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[h[7]], true
	return nil
}

func (x *xzReader) blockHeader(first byte) error {
	x.begin = x.r.n - 1
	h := make([]byte, (int(first)+1)*4-1)
	if _, err := io.ReadFull(x.r, h); err != nil {
		return io.ErrUnexpectedEOF
	}
	flags, rest := h[0], h[1:]
	if flags&0x3f != 0 {
		return errXz // filters before LZMA2 are for programs
	}
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit != 0 {
			_, n := binary.Uvarint(rest)
			if n <= 0 {
				return errXz
			}
			rest = rest[n:]
		}
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 || rest[2] > 40 {
		return errXz
	}
	size := int64(1)<<32 - 1
	if bits := rest[2]; bits < 40 {
		size = int64(2|bits&1) << (bits/2 + 11)
	}
	if size > maxWindow {
		return errLimit
	}
	var err error
	x.block, err = lzma.Reader2Config{DictCap: int(size)}.NewReader2(x.r)
	return err
}

// index passes over the index and the footer.
func (x *xzReader) index() error {
	begin := x.r.n - 1
	records, err := binary.ReadUvarint(x.r)
	for ; records > 0 && err == nil; records-- {
		if _, err = binary.ReadUvarint(x.r); err == nil {
			_, err = binary.ReadUvarint(x.r)
		}
	}
	if err != nil {
		return errXz
	}
	return x.skip((4-(x.r.n-begin)%4)%4 + 16)
}
