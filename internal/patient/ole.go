package patient

import (
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
)

// ole is a compound file ([MS-CFB]): streams in chains of sectors, as Office 97 to 2003 and Outlook write them. Tables of sectors are not held but looked
// into, and no chain is followed further than the file is long, so that a loop costs one reading of the file.
type ole struct {
	r       io.ReaderAt
	size    int64
	sector  int64
	tables  []uint32 // sectors of the allocation table
	cutoff  int64    // shorter streams lie in the stream of small ones
	small   []uint32 // the chain of that stream
	chains  []uint32 // and the sectors of its table
	streams []oleStream
	cached  [2]int64 // of each table the sector that is held
	held    [2][]byte
}

// oleStream is an entry of the directory.
type oleStream struct {
	name  string
	start uint32
	size  int64
}

var errOLE = errors.New("read compound file: its tables are damaged")

const (
	oleHeader  = 512
	oleEntries = 10_000  // of the directory
	oleTables  = 1 << 18 // sectors of a table: of 16 GB at the smallest sectors
	oleLast    = 0xfffffffa
)

// openOLE reads the tables of a compound file.
func openOLE(r io.ReaderAt, size int64) (*ole, error) {
	var h [oleHeader]byte
	if n, _ := r.ReadAt(h[:], 0); n < oleHeader {
		return nil, errOLE
	}
	shift := binary.LittleEndian.Uint16(h[30:])
	if shift != 9 && shift != 12 || binary.LittleEndian.Uint16(h[32:]) != 6 {
		return nil, errOLE
	}
	o := &ole{r: r, size: size, sector: 1 << shift, cutoff: int64(binary.LittleEndian.Uint32(h[56:])), cached: [2]int64{-1, -1}}
	o.list(h[76:])
	for next, n := binary.LittleEndian.Uint32(h[68:]), 0; next < oleLast && n < oleTables && len(o.tables) < oleTables; n++ {
		page := o.page(next)
		if page == nil {
			break
		}
		o.list(page[:len(page)-4])
		next = binary.LittleEndian.Uint32(page[len(page)-4:])
	}
	o.chains = o.chain(binary.LittleEndian.Uint32(h[60:]), oleTables)
	if err := o.directory(binary.LittleEndian.Uint32(h[48:])); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *ole) list(b []byte) {
	for ; len(b) >= 4; b = b[4:] {
		if s := binary.LittleEndian.Uint32(b); s < oleLast {
			o.tables = append(o.tables, s)
		}
	}
}

// page is a whole sector; nil where the file ends before.
func (o *ole) page(s uint32) []byte {
	b := make([]byte, o.sector)
	if n, _ := o.r.ReadAt(b, (int64(s)+1)*o.sector); n < len(b) {
		return nil
	}
	return b
}

// after is the sector behind one in its chain, by the table of sectors (0) or that of small ones (1).
func (o *ole) after(s uint32, which int) uint32 {
	tables := o.tables
	if which == 1 {
		tables = o.chains
	}
	per := o.sector / 4
	i := int64(s) / per
	if i >= int64(len(tables)) {
		return oleLast
	}
	if o.cached[which] != i {
		page := o.page(tables[i])
		if page == nil {
			return oleLast
		}
		o.cached[which], o.held[which] = i, page
	}
	return binary.LittleEndian.Uint32(o.held[which][int64(s)%per*4:])
}

// chain lists the sectors of a chain, most at most.
func (o *ole) chain(start uint32, most int) (list []uint32) {
	most = min(most, int(o.size/o.sector)+1)
	for s := start; s < oleLast && len(list) < most; s = o.after(s, 0) {
		list = append(list, s)
	}
	return list
}

func (o *ole) directory(start uint32) error {
	for _, s := range o.chain(start, oleEntries/4) {
		page := o.page(s)
		for ; len(page) >= 128; page = page[128:] {
			n := min(int(binary.LittleEndian.Uint16(page[64:])), 64)
			var name []uint16
			for i := 0; i+2 < n; i += 2 {
				name = append(name, binary.LittleEndian.Uint16(page[i:]))
			}
			x := oleStream{string(utf16.Decode(name)), binary.LittleEndian.Uint32(page[116:]), int64(binary.LittleEndian.Uint32(page[120:]))}
			switch page[66] {
			case 2:
				o.streams = append(o.streams, x)
			case 5:
				o.small = o.chain(x.start, int(x.size/o.sector)+1)
			}
		}
	}
	if len(o.streams) == 0 {
		return errOLE
	}
	return nil
}

// open reads a stream; nil if there is none of that name.
func (o *ole) open(name string) io.Reader {
	for _, x := range o.streams {
		if x.name == name {
			return &oleReader{o: o, next: x.start, left: min(x.size, o.size), small: x.size < o.cutoff}
		}
	}
	return nil
}

// oleReader reads along the chain of a stream.
type oleReader struct {
	o     *ole
	next  uint32
	at    int64 // in the sector
	left  int64
	small bool
}

const oleSmall = 64

func (x *oleReader) Read(p []byte) (int, error) {
	if x.left <= 0 {
		return 0, io.EOF
	}
	if x.next >= oleLast {
		return 0, io.ErrUnexpectedEOF
	}
	unit, from := x.o.sector, (int64(x.next)+1)*x.o.sector
	if x.small {
		unit = oleSmall
		per := x.o.sector / oleSmall
		i := int64(x.next) / per
		if i >= int64(len(x.o.small)) {
			return 0, io.ErrUnexpectedEOF
		}
		from = (int64(x.o.small[i])+1)*x.o.sector + int64(x.next)%per*oleSmall
	}
	p = p[:min(int64(len(p)), unit-x.at, x.left)]
	n, err := x.o.r.ReadAt(p, from+x.at)
	x.at, x.left = x.at+int64(n), x.left-int64(n)
	if n < len(p) {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return n, err
	}
	if x.at == unit {
		which := 0
		if x.small {
			which = 1
		}
		x.next, x.at = x.o.after(x.next, which), 0
	}
	return n, nil
}
