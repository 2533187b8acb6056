// Package xz unpacks the .xz format with its memory bounded. It stands below the rooms that open archives of others: evidence and patient.
package xz

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// Reader unpacks the .xz file format (version 1.2.0 of its specification): streams one after the other, with
// zero padding between them. The frame is read here and only LZMA2 is left to the library, for two reasons: a block's
// header asks for a dictionary of up to 4 GiB, which must be refused before it is made, and what precedes damage is
// still given out.
type Reader struct {
	r     *taken
	check byte      // of the stream: 0 none, 1 CRC-32, 4 CRC-64, 10 SHA-256
	sum   hash.Hash // of the block; nil if it cannot be checked
	block io.Reader // nil between blocks
	begin int64     // of the block
	any   bool      // a stream was begun
	err   error

	most int64 // bytes of a dictionary
}

// taken counts what LZMA2 takes of the buffer, byte by byte.
type taken struct {
	*bufio.Reader
	n int64
}

func (t *taken) ReadByte() (byte, error) {
	b, err := t.Reader.ReadByte()
	if err == nil {
		t.n++
	}
	return b, err
}

func (t *taken) Read(p []byte) (int, error) {
	n, err := t.Reader.Read(p)
	t.n += int64(n)
	return n, err
}

// ErrLimit says that a block asks for a larger dictionary than is given.
var ErrLimit = errors.New("limit exceeded")

// ErrUnsupported says that a block is packed in another way than logs are.
var ErrUnsupported = errors.New("not supported")

// New unpacks r. No dictionary is larger than most bytes.
func New(r *bufio.Reader, most int64) *Reader { return &Reader{r: &taken{Reader: r}, most: most} }

const magic = "\xfd7zXZ\x00"

// Read implements io.Reader. What precedes damage is given out before the error that tells of it.
func (x *Reader) Read(p []byte) (int, error) {
	for x.err == nil && len(p) > 0 {
		if x.block == nil {
			if x.err = x.next(); x.err != nil {
				break
			}
		}
		n, err := x.block.Read(p)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		switch {
		case err == io.EOF:
			x.err = x.endBlock()
		case err != nil:
			x.err = fmt.Errorf("xz: %w", Unexpected(err))
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// next moves to the next block, over the ends and beginnings of streams. io.EOF is the end of the file.
func (x *Reader) next() error {
	for {
		if x.check == outside {
			if err := x.header(); err != nil {
				return err
			}
		}
		size, err := x.r.ReadByte()
		if err != nil {
			return fmt.Errorf("xz: %w", Unexpected(err))
		}
		if size != 0 {
			return x.blockHeader(size)
		}
		if err := x.index(); err != nil {
			return fmt.Errorf("xz: index: %w", Unexpected(err))
		}
		x.check = outside
	}
}

// outside stands for the kind of check while no stream is open: zero is "none", so kinds are kept one higher.
const outside = 0

// header reads the beginning of a stream, or the end of the file.
func (x *Reader) header() error {
	var h [12]byte
	for {
		if _, err := io.ReadFull(x.r, h[:4]); err != nil {
			if err == io.EOF && x.any {
				return io.EOF
			}
			return fmt.Errorf("xz: %w", Unexpected(err))
		}
		if [4]byte(h[:4]) != [4]byte{} {
			break
		}
	}
	if _, err := io.ReadFull(x.r, h[4:]); err != nil {
		return fmt.Errorf("xz: %w", Unexpected(err))
	}
	switch {
	case string(h[:6]) != magic:
		return errors.New("xz: no stream begins here")
	case crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]):
		return errors.New("xz: checksum of the stream header differs")
	case h[6] != 0 || h[7] > 15:
		return errors.New("xz: unknown stream flags")
	}
	x.check, x.any = h[7]+1, true
	return nil
}

// blockHeader reads the header whose first byte is given, and begins the block.
func (x *Reader) blockHeader(first byte) error {
	x.begin = x.r.n - 1
	h := make([]byte, (int(first)+1)*4)
	h[0] = first
	if _, err := io.ReadFull(x.r, h[1:]); err != nil {
		return fmt.Errorf("xz: %w", Unexpected(err))
	}
	body, sum := h[:len(h)-4], binary.LittleEndian.Uint32(h[len(h)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return errors.New("xz: checksum of a block header differs")
	}
	dictionary, err := x.dictionary(body)
	if err != nil {
		return fmt.Errorf("xz: %w", err)
	}
	if x.block, err = (lzma.Reader2Config{DictCap: dictionary}).NewReader2(x.r); err != nil {
		return fmt.Errorf("xz: %w", Unexpected(err))
	}
	switch x.check - 1 {
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(crc64Table)
	case 10:
		x.sum = sha256.New()
	default:
		x.sum = nil
	}
	return nil
}

var crc64Table = crc64.MakeTable(crc64.ECMA)

// dictionary is the size of the dictionary that a block needs. Filters other than LZMA2 are for programs, not logs.
func (x *Reader) dictionary(header []byte) (int, error) {
	flags, rest := header[1], header[2:]
	if flags&0x3c != 0 {
		return 0, errors.New("unknown block flags")
	}
	if flags&3 != 0 {
		return 0, fmt.Errorf("filter before LZMA2: %w", ErrUnsupported)
	}
	sizes := 0
	for _, bit := range []byte{0x40, 0x80} {
		if flags&bit != 0 {
			sizes++
		}
	}
	for range sizes {
		_, n := binary.Uvarint(rest)
		if n <= 0 {
			return 0, errors.New("bad size in a block header")
		}
		rest = rest[n:]
	}
	if len(rest) < 3 || rest[0] != 0x21 || rest[1] != 1 || rest[2] > 40 {
		return 0, fmt.Errorf("filter other than LZMA2: %w", ErrUnsupported)
	}
	size := int64(1)<<32 - 1
	if bits := rest[2]; bits < 40 {
		size = int64(2|bits&1) << (bits/2 + 11)
	}
	if size > x.most {
		return 0, fmt.Errorf("asks for a dictionary of %d bytes, at most %d are given: %w", size, x.most, ErrLimit)
	}
	return int(size), nil
}

// endBlock reads the padding and the check behind a block.
func (x *Reader) endBlock() error {
	x.block = nil
	var pad [3]byte
	if n := (4 - (x.r.n-x.begin)%4) % 4; n > 0 {
		if _, err := io.ReadFull(x.r, pad[:n]); err != nil || pad != [3]byte{} {
			return fmt.Errorf("xz: block padding: %w", Unexpected(err))
		}
	}
	want := make([]byte, checkSizes[x.check-1])
	if _, err := io.ReadFull(x.r, want); err != nil {
		return fmt.Errorf("xz: %w", Unexpected(err))
	}
	if x.sum == nil {
		return nil
	}
	got := x.sum.Sum(nil)
	if x.check-1 != 10 {
		for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
			got[i], got[j] = got[j], got[i] // CRCs are stored little-endian
		}
	}
	if !bytes.Equal(got, want) {
		return errors.New("xz: checksum of a block differs")
	}
	return nil
}

// checkSizes are the sizes of the check by its kind, known or not.
var checkSizes = [16]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}

// index passes over the index and the footer: the blocks were checked each by itself.
func (x *Reader) index() error {
	begin := x.r.n - 1
	records, err := binary.ReadUvarint(x.r)
	if err != nil {
		return err
	}
	for ; records > 0; records-- {
		for range 2 {
			if _, err := binary.ReadUvarint(x.r); err != nil {
				return err
			}
		}
	}
	// Padding, the index's checksum, and the footer: its checksum, the index's size, flags and magic.
	rest := make([]byte, (4-(x.r.n-begin)%4)%4+4+12)
	if _, err := io.ReadFull(x.r, rest); err != nil {
		return err
	}
	if string(rest[len(rest)-2:]) != "YZ" {
		return errors.New("no footer where it belongs")
	}
	return nil
}

// Unexpected makes of an end in the wrong place an error that says so.
func Unexpected(err error) error {
	if err == nil {
		return errors.New("damaged")
	}
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
