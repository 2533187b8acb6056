// Package sevenzip reads archives of 7-Zip (7zFormat.txt of the LZMA SDK) with its memory bounded. It stands below the rooms that open archives of others.
//
// Read are the methods Copy, LZMA, LZMA2, Deflate and BZip2, and before them Delta and the filter for x86 programs. What is packed in another way,
// or encrypted, is listed as such. Volumes (.7z.001) are read as far as one file goes, and the list stands in the last.
package sevenzip

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

// Magic is how an archive begins.
const Magic = "7z\xbc\xaf\x27\x1c"

// Errors of an archive as a whole, and of its files.
var (
	ErrDamaged     = errors.New("7z: damaged")
	ErrEncrypted   = errors.New("7z: encrypted")
	ErrLimit       = errors.New("7z: limit exceeded")
	ErrUnsupported = errors.New("7z: packed by a method that is not read")
)

const (
	maxHeader = 64 << 20 // of the list of files, packed and unpacked
	maxFiles  = 1 << 20
	maxCoders = 8  // of one block
	start     = 32 // where packed blocks begin
)

// File is an entry. Folders have no content and are not listed.
type File struct {
	Name string // as it is written, with slashes
	Size int64
	crc  uint32
	sums bool // crc is known
}

// Archive reads the files of an archive one after the other.
type Archive struct {
	r      io.ReaderAt
	size   int64
	most   int64
	blocks []block
	files  []File // in the order of their content

	at    int // the block at hand
	left  int // of its files, those to come
	block io.Reader
	fault error // of the block: the same for all its files
	file  File
	todo  int64
	sum   hash.Hash32
}

// block is what is packed as one: several files behind one another.
type block struct {
	coders []coder
	pairs  [][2]uint64 // the input of a coder, and whose output it is
	packed int64       // where it begins
	length int64       // packed
	sizes  []uint64    // unpacked, by coder
	files  int
	crc    uint32
	sums   bool
}

type coder struct {
	id         string
	properties []byte
	simple     bool // one input, one output
	in         int
}

// Open reads the list of an archive. No dictionary is larger than most bytes.
func Open(r io.ReaderAt, size, most int64) (*Archive, error) {
	var h [start]byte
	if n, _ := r.ReadAt(h[:], 0); n < start || string(h[:6]) != Magic {
		return nil, ErrDamaged
	}
	if crc32.ChecksumIEEE(h[12:]) != binary.LittleEndian.Uint32(h[8:]) {
		return nil, fmt.Errorf("%w: its beginning", ErrDamaged)
	}
	a := &Archive{r: r, size: size, most: most, at: -1}
	from, length := binary.LittleEndian.Uint64(h[12:]), binary.LittleEndian.Uint64(h[20:])
	if length == 0 {
		return a, nil // it holds nothing
	}
	if length > maxHeader {
		return nil, ErrLimit
	}
	if from > uint64(size) || start+from+length > uint64(size) {
		return nil, fmt.Errorf("%w: its list lies beyond its end", ErrDamaged)
	}
	list := make([]byte, length)
	if n, _ := r.ReadAt(list, int64(start+from)); n < len(list) || crc32.ChecksumIEEE(list) != binary.LittleEndian.Uint32(h[28:]) {
		return nil, fmt.Errorf("%w: its list", ErrDamaged)
	}
	for range 4 {
		p := &parser{b: list}
		switch p.byte() {
		case idHeader:
			if a.header(p); p.failed {
				return nil, fmt.Errorf("%w: its list", ErrDamaged)
			}
			return a, nil
		case idEncoded:
			packed := p.streams()
			if p.failed || len(packed.blocks) != 1 {
				return nil, fmt.Errorf("%w: its list", ErrDamaged)
			}
			unpacked, err := a.unpack(&packed.blocks[0])
			if err != nil {
				return nil, err
			}
			list = unpacked
		default:
			return nil, fmt.Errorf("%w: its list", ErrDamaged)
		}
	}
	return nil, fmt.Errorf("%w: its list", ErrDamaged)
}

// unpack unpacks a list.
func (a *Archive) unpack(b *block) ([]byte, error) {
	size := b.size()
	if size > maxHeader {
		return nil, ErrLimit
	}
	r, err := a.open(b)
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(r, size))
	if err != nil || int64(len(out)) != size || b.sums && crc32.ChecksumIEEE(out) != b.crc {
		return nil, fmt.Errorf("%w: its list", ErrDamaged)
	}
	return out, nil
}

// header takes the list of blocks and files.
func (a *Archive) header(p *parser) {
	var s streams
	var names []string
	var empty []bool
	for {
		switch p.byte() {
		case idEnd:
			a.blocks, a.files = s.blocks, s.files
			at := 0
			for i, name := range names {
				if i < len(empty) && empty[i] {
					continue
				}
				if at < len(a.files) {
					a.files[at].Name = name
				}
				at++
			}
			return
		case idArchiveProperties:
			for p.byte() != idEnd && !p.failed {
				p.take(p.number())
			}
		case idAdditional:
			p.streams()
		case idMain:
			s = p.streams()
		case idFiles:
			names, empty = p.filesInfo()
		default:
			p.failed = true
		}
		if p.failed {
			return
		}
	}
}

// filesInfo takes the names of files, and which of them have no content.
func (p *parser) filesInfo() (names []string, empty []bool) {
	n := p.count()
	for !p.failed {
		id := p.byte()
		if id == idEnd {
			break
		}
		part := &parser{b: p.take(p.number())}
		switch id {
		case idEmptyStream:
			empty = part.bits(n)
		case idNames:
			part.byte() // whether they lie elsewhere, which nobody does
			for i := 0; i < n && !part.failed; i++ {
				names = append(names, part.name())
			}
			p.failed = p.failed || part.failed
		}
	}
	return names, empty
}

// Next moves to the next file that has content; io.EOF is the end. What is left of the file before is passed over.
func (a *Archive) Next() (File, error) {
	if a.block != nil {
		io.Copy(io.Discard, a)
	}
	for a.left == 0 {
		if a.at++; a.at >= len(a.blocks) {
			return File{}, io.EOF
		}
		a.left = a.blocks[a.at].files
		if a.block, a.fault = nil, nil; a.left > 0 {
			a.block, a.fault = a.open(&a.blocks[a.at])
		}
	}
	if len(a.files) == 0 {
		return File{}, io.EOF
	}
	a.left--
	a.file, a.files = a.files[0], a.files[1:]
	a.todo, a.sum = a.file.Size, nil
	if a.file.sums {
		a.sum = crc32.NewIEEE()
	}
	return a.file, nil
}

// Read reads the file at hand. A file whose checksum is wrong ends with ErrDamaged.
func (a *Archive) Read(p []byte) (int, error) {
	if a.fault != nil {
		return 0, a.fault
	}
	if a.todo == 0 || a.block == nil {
		if a.sum != nil && a.sum.Sum32() != a.file.crc {
			a.sum = nil
			return 0, fmt.Errorf("%w: wrong checksum", ErrDamaged)
		}
		return 0, io.EOF
	}
	n, err := a.block.Read(p[:min(int64(len(p)), a.todo)])
	a.todo -= int64(n)
	if a.sum != nil {
		a.sum.Write(p[:n])
	}
	if err != nil && a.todo > 0 {
		a.fault = fmt.Errorf("%w: it breaks off", ErrDamaged)
		return n, a.fault
	}
	return n, nil
}

// Dictionary is the most that unpacking takes at once.
func (a *Archive) Dictionary() (most int64) {
	for i := range a.blocks {
		for k := range a.blocks[i].coders {
			if n, err := a.blocks[i].dictionary(k); err == nil {
				most = max(most, n)
			}
		}
	}
	return most
}

// parser takes numbers and texts from a list. Once it fails it gives zeros.
type parser struct {
	b      []byte
	failed bool
}

// Parts of a list.
const (
	idEnd               = 0x00
	idHeader            = 0x01
	idArchiveProperties = 0x02
	idAdditional        = 0x03
	idMain              = 0x04
	idFiles             = 0x05
	idPacked            = 0x06
	idUnpacked          = 0x07
	idSubstreams        = 0x08
	idSize              = 0x09
	idSums              = 0x0a
	idFolder            = 0x0b
	idUnpackSize        = 0x0c
	idSubstreamCount    = 0x0d
	idEmptyStream       = 0x0e
	idNames             = 0x11
	idEncoded           = 0x17
)

func (p *parser) take(n uint64) []byte {
	if n > uint64(len(p.b)) {
		p.failed, p.b = true, nil
		return nil
	}
	b := p.b[:n]
	p.b = p.b[n:]
	return b
}

func (p *parser) byte() byte {
	if b := p.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// number is a number whose first byte says by its leading ones how many more there are.
func (p *parser) number() (v uint64) {
	first := p.byte()
	mask := byte(0x80)
	for i := range 8 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(p.byte()) << (8 * i)
		mask >>= 1
	}
	return v
}

// count is a number of things that are to be held.
func (p *parser) count() int {
	n := p.number()
	if n > maxFiles || n > 8*uint64(len(p.b)) { // each takes at least a bit of what follows
		p.failed = true
		return 0
	}
	return int(n)
}

// bits is a row of n bits, the first the highest.
func (p *parser) bits(n int) []bool {
	b := p.take(uint64(n+7) / 8)
	out := make([]bool, 0, n)
	for i := range n {
		if i/8 >= len(b) {
			break
		}
		out = append(out, b[i/8]&(0x80>>(i%8)) != 0)
	}
	return out
}

// sums takes checksums of n things, of which some may have none.
func (p *parser) sums(n int, set func(i int, sum uint32)) {
	all := p.byte() != 0
	var known []bool
	if !all {
		known = p.bits(n)
	}
	for i := range n {
		if all || i < len(known) && known[i] {
			b := p.take(4)
			if p.failed {
				return
			}
			set(i, binary.LittleEndian.Uint32(b))
		}
	}
}

// name is a text in UTF-16 that ends with a zero.
func (p *parser) name() string {
	for i := 0; i+1 < len(p.b); i += 2 {
		if p.b[i] == 0 && p.b[i+1] == 0 {
			letters := make([]uint16, i/2)
			for k := range letters {
				letters[k] = binary.LittleEndian.Uint16(p.b[2*k:])
			}
			p.b = p.b[i+2:]
			return string(utf16.Decode(letters))
		}
	}
	p.failed = true
	return ""
}

func newBuffered(r io.ReaderAt, from, n int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(r, from, n), 32<<10)
}
