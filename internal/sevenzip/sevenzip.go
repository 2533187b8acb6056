// Package sevenzip reads archives of 7-Zip (7zFormat.txt of the LZMA SDK) with its memory bounded. It stands below the rooms that open archives of others.
//
// Read are the methods Copy, LZMA, LZMA2, Deflate and BZip2, and before them Delta and the filter for x86 programs. What is packed in another way,
// or encrypted, is listed as such. Of volumes (.7z.001) the list stands in the last: they are told by ErrCut.
package sevenzip

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"time"
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

	ErrCut = fmt.Errorf("%w: its list lies beyond its end", ErrDamaged) // it was cut off, or is the first of several parts
	ErrSum = fmt.Errorf("%w: wrong checksum", ErrDamaged)               // of a file that came out in its length
)

const (
	maxHeader = 64 << 20 // of the list of files, packed and unpacked
	maxFiles  = 1 << 20
	maxCoders = 8  // of one block
	start     = 32 // where packed blocks begin
)

// File is an entry. Folders are not listed.
type File struct {
	Name     string // as it is written, with slashes
	Size     int64
	Modified time.Time // in UTC; zero if it is not kept
	Unix     bool      // a Unix wrote the entry
	Link     bool      // a symbolic link of Unix: its content is the target

	Block      int   // that holds it, with the files before and behind it; -1 if it is empty
	Offset     int64 // in the unpacked block
	Dictionary int64 // what unpacking the block takes
	Err        error // why it cannot be read; nil if nothing speaks against it
}

// Archive reads the files of an archive one after the other.
type Archive struct {
	source faulty
	size   int64
	most   int64
	blocks []block
	pieces []piece // in the order of their content, those to come
	list   list

	at     int // the block at hand
	left   int // of its files, those to come
	offset int64
	block  io.Reader // nil until one of its files is read
	passed int64     // of the block, what is to be passed over before the file at hand
	fault  error     // of the block: the same for all its files
	file   File
	piece  piece
	todo   int64
	sum    hash.Hash32
}

// piece is the content of a file.
type piece struct {
	size int64
	crc  uint32
	sums bool // crc is known
}

// list is what is said of entries, folders included, beside their content. Names stay as they lie: an archive may have a million.
type list struct {
	n         int // entries
	names     parser
	empty     []bool // entries without content
	emptyFile []bool // of these, by their number among them, those that are no folders
	anti      []bool // of these, those that stand for a deletion
	times     perEntry
	modes     perEntry
	i, void   int // entries, and empty ones, that were passed
}

// perEntry are values of one size, of the entries that have one.
type perEntry struct {
	known []bool // nil: all
	size  int
	b     []byte
}

// next takes the value of the next entry, nil if it has none.
func (v *perEntry) next(i int) []byte {
	if v.known != nil && (i >= len(v.known) || !v.known[i]) || len(v.b) < v.size || v.size == 0 {
		return nil
	}
	b := v.b[:v.size]
	v.b = v.b[v.size:]
	return b
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
	a := &Archive{source: faulty{r: r}, size: size, most: most, at: -1}
	from, length := binary.LittleEndian.Uint64(h[12:]), binary.LittleEndian.Uint64(h[20:])
	if length == 0 {
		return a, nil // it holds nothing
	}
	if length > maxHeader {
		return nil, ErrLimit
	}
	if from > uint64(size) || start+from+length > uint64(size) {
		return nil, ErrCut
	}
	list := make([]byte, length)
	if n, _ := r.ReadAt(list, int64(start+from)); n < len(list) || crc32.ChecksumIEEE(list) != binary.LittleEndian.Uint32(h[28:]) {
		return nil, fmt.Errorf("%w: its list", ErrDamaged)
	}
	for range 4 {
		p := &parser{b: list}
		switch p.byte() {
		case idHeader:
			if a.header(p); p.over {
				return nil, ErrLimit
			} else if p.failed {
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
	for !p.failed {
		switch p.byte() {
		case idEnd:
			return
		case idArchiveProperties:
			for p.byte() != idEnd && !p.failed {
				p.take(p.number())
			}
		case idAdditional:
			p.streams()
		case idMain:
			s := p.streams()
			a.blocks, a.pieces = s.blocks, s.pieces
		case idFiles:
			a.list = p.filesInfo()
		default:
			p.failed = true
		}
	}
}

// filesInfo takes what is said of entries.
func (p *parser) filesInfo() (l list) {
	l.n = p.count()
	void := 0
	for !p.failed {
		id := p.byte()
		if id == idEnd {
			break
		}
		part := parser{b: p.take(p.number())}
		switch id {
		case idEmptyStream:
			l.empty, void = part.bits(l.n), 0
			for _, e := range l.empty {
				if e {
					void++
				}
			}
		case idEmptyFile:
			l.emptyFile = part.bits(void)
		case idAnti:
			l.anti = part.bits(void)
		case idNames:
			part.byte() // whether they lie elsewhere, which nobody does
			l.names = part
			for i := 0; i < l.n && !part.failed; i++ {
				part.skipName()
			}
			p.failed = p.failed || part.failed
		case idModified:
			l.times = part.perEntry(l.n, 8)
		case idAttributes:
			l.modes = part.perEntry(l.n, 4)
		}
	}
	return l
}

// perEntry takes values of one size, of which some may be missing.
func (p *parser) perEntry(n, size int) (v perEntry) {
	if p.byte() == 0 {
		if v.known = p.bits(n); v.known == nil {
			v.known = []bool{}
		}
	}
	if p.byte() != 0 || p.failed { // they lie elsewhere, which nobody does
		return perEntry{known: []bool{}}
	}
	return perEntry{known: v.known, size: size, b: p.b}
}

// Bits of attributes: Windows' own below, a mode of Unix above if the flag says so.
const (
	attributeFolder = 0x10
	attributeUnix   = 0x8000
)

// next gives the next entry that is no folder; content says whether it has some. It answers no when there is none left.
func (l *list) next() (f File, content, ok bool) {
	for ; l.i < l.n; l.i++ {
		f = File{Name: l.names.name(), Block: -1}
		if t := l.times.next(l.i); t != nil {
			f.Modified = fromFileTime(binary.LittleEndian.Uint64(t))
		}
		folder := false
		if m := l.modes.next(l.i); m != nil {
			mode := binary.LittleEndian.Uint32(m)
			folder = mode&attributeFolder != 0
			f.Unix = mode&attributeUnix != 0
			f.Link = f.Unix && mode>>28 == 0xa
		}
		if l.i >= len(l.empty) || !l.empty[l.i] {
			l.i++
			return f, true, true
		}
		k := l.void
		l.void++
		if k < len(l.emptyFile) && l.emptyFile[k] && !folder && !(k < len(l.anti) && l.anti[k]) {
			l.i++
			return f, false, true
		}
	}
	return File{}, true, false
}

// fromFileTime is the time of so many 100 ns since 1601; zero for what is no time of a file.
func fromFileTime(t uint64) time.Time {
	const epoch = 11644473600 // 1601 to 1970, in seconds
	if s := int64(t / 1e7); t != 0 && s-epoch < 1<<33 {
		return time.Unix(s-epoch, int64(t%1e7)*100).UTC()
	}
	return time.Time{}
}

// Next moves to the next file; io.EOF is the end. Nothing is unpacked before a file is read; what lies before it in its block is then passed over.
func (a *Archive) Next() (File, error) {
	a.passed += a.todo
	a.todo, a.sum = 0, nil
	f, content, listed := a.list.next()
	if !content {
		a.file, a.piece = f, piece{}
		return f, nil
	}
	for a.left == 0 && a.at+1 < len(a.blocks) {
		a.at++
		b := &a.blocks[a.at]
		a.left, a.offset, a.passed, a.block = b.files, 0, 0, nil
		_, a.fault = a.plan(b)
	}
	switch {
	case a.left > 0 && len(a.pieces) > 0:
		a.left--
		a.piece, a.pieces = a.pieces[0], a.pieces[1:]
		f.Block, f.Offset, f.Size, f.Err = a.at, a.offset, a.piece.size, a.fault
		f.Dictionary = a.blocks[a.at].most()
		a.offset += f.Size
	case listed:
		f.Err = fmt.Errorf("%w: no content of it is there", ErrDamaged)
		a.piece = piece{}
	default:
		return File{}, io.EOF
	}
	a.file, a.todo = f, f.Size
	if a.piece.sums {
		a.sum = crc32.NewIEEE()
	}
	return f, nil
}

// Skip gives up the block at hand: its other files are not unpacked and end with why.
func (a *Archive) Skip(why error) { a.fault, a.block = why, nil }

// Read reads the file at hand. One whose checksum is wrong ends with ErrSum.
func (a *Archive) Read(p []byte) (int, error) {
	if a.file.Err != nil {
		return 0, a.file.Err
	}
	if a.file.Block >= 0 && a.fault != nil {
		return 0, a.fault
	}
	if a.todo == 0 {
		if a.sum != nil && a.sum.Sum32() != a.piece.crc {
			a.sum = nil
			return 0, ErrSum
		}
		return 0, io.EOF
	}
	if err := a.reach(); err != nil {
		return 0, err
	}
	n, err := a.block.Read(p[:min(int64(len(p)), a.todo)])
	a.todo -= int64(n)
	if a.sum != nil {
		a.sum.Write(p[:n])
	}
	if err != nil && a.todo > 0 {
		return n, a.breaks(err)
	}
	return n, nil
}

// reach unpacks the block up to the file at hand.
func (a *Archive) reach() error {
	if a.block == nil {
		if a.block, a.fault = a.open(&a.blocks[a.at]); a.fault != nil {
			return a.fault
		}
	}
	n, err := io.CopyN(io.Discard, a.block, a.passed)
	if a.passed -= n; err != nil {
		return a.breaks(err)
	}
	return nil
}

// breaks is the fault of a block that ends early: that of the archive's own bytes, else damage.
func (a *Archive) breaks(err error) error {
	if a.source.err != nil {
		err = a.source.err
	} else {
		err = fmt.Errorf("%w: it breaks off", ErrDamaged)
	}
	a.fault = err
	return err
}

// Dictionary is the most that unpacking takes at once.
func (a *Archive) Dictionary() (most int64) {
	for i := range a.blocks {
		most = max(most, a.blocks[i].most())
	}
	return most
}

// most is the largest dictionary of a block.
func (b *block) most() (most int64) {
	for k := range b.coders {
		if n, err := b.dictionary(k); err == nil {
			most = max(most, n)
		}
	}
	return most
}

// parser takes numbers and texts from a list. Once it fails it gives zeros.
type parser struct {
	b      []byte
	failed bool
	over   bool // it failed because there are more than maxFiles of something
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
	idEmptyFile         = 0x0f
	idAnti              = 0x10
	idNames             = 0x11
	idModified          = 0x14
	idAttributes        = 0x15
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
		p.failed, p.over = true, n <= 8*uint64(len(p.b))
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

// skipName passes over a name and returns its letters.
func (p *parser) skipName() []byte {
	for i := 0; i+1 < len(p.b); i += 2 {
		if p.b[i] == 0 && p.b[i+1] == 0 {
			b := p.b[:i]
			p.b = p.b[i+2:]
			return b
		}
	}
	p.failed = true
	return nil
}

// name is a text in UTF-16 that ends with a zero.
func (p *parser) name() string {
	b := p.skipName()
	letters := make([]uint16, len(b)/2)
	for k := range letters {
		letters[k] = binary.LittleEndian.Uint16(b[2*k:])
	}
	return string(utf16.Decode(letters))
}

// faulty keeps the error of what it reads, which decoders hide.
type faulty struct {
	r   io.ReaderAt
	err error
}

func (f *faulty) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.r.ReadAt(p, at)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

func newBuffered(r io.ReaderAt, from, n int64) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(r, from, n), 32<<10)
}
