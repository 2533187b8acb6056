package evidence

import (
	"bufio"
	"errors"
	"io"

	"wardround/internal/xz"
)

// deflate64 undoes method 9 of zip, which Windows Explorer writes for files of 2 GiB and more: a full Security.evtx,
// for instance. It is deflate (RFC 1951) with a window of 64 KiB, two more distance codes, and length code 285 standing
// for 3 to 65538 bytes by 16 more bits (APPNOTE 4.4.5 names it; the codes are those of Info-ZIP's inflate).
type deflate64 struct {
	r    *bufio.Reader
	bits uint32
	have uint // bits in bits
	err  error

	window [1 << 16]byte
	at     int // next byte of the window to write
	given  int // next byte of the window to give out
	full   bool

	final    bool
	stored   int // bytes left of a stored block
	coded    bool
	lengths  huffman
	distance huffman
	copyLen  int
	copyDist int
}

var errDeflate64 = errors.New("deflate64: invalid data")

func newDeflate64(r *bufio.Reader) *deflate64 { return &deflate64{r: r} }

func (d *deflate64) Read(p []byte) (int, error) {
	for d.given == d.at && d.err == nil {
		if d.at == len(d.window) {
			d.at, d.given, d.full = 0, 0, true
		}
		d.err = d.step()
	}
	if d.given < d.at {
		n := copy(p, d.window[d.given:d.at])
		d.given += n
		return n, nil
	}
	return 0, d.err
}

// step decodes until the end of the window or of a block, or an error.
func (d *deflate64) step() error {
	switch {
	case d.stored > 0:
		return d.copyStored()
	case d.coded:
		return d.decode()
	case d.final:
		return io.EOF
	}
	return d.block()
}

func (d *deflate64) block() error {
	head, err := d.take(3)
	if err != nil {
		return err
	}
	d.final = head&1 != 0
	switch head >> 1 {
	case 0:
		d.bits, d.have = d.bits>>(d.have&7), d.have&^7
		n, err := d.take(16)
		if err != nil {
			return err
		}
		inverse, err := d.take(16)
		if err != nil {
			return err
		}
		if n != inverse^0xffff {
			return errDeflate64
		}
		d.stored = int(n)
		return nil
	case 1:
		d.lengths, d.distance = fixedLengths, fixedDistances
		d.coded = true
		return nil
	case 2:
		d.coded = true
		return d.tables()
	}
	return errDeflate64
}

func (d *deflate64) copyStored() error {
	for d.stored > 0 && d.at < len(d.window) {
		b, err := d.take(8)
		if err != nil {
			return err
		}
		d.put(byte(b))
		d.stored--
	}
	return nil
}

func (d *deflate64) put(b byte) {
	d.window[d.at] = b
	d.at++
}

// decode copies matches and literals until the window is full or the block ends.
func (d *deflate64) decode() error {
	for d.at < len(d.window) {
		if d.copyLen > 0 {
			from := d.at - d.copyDist
			if from < 0 {
				from += len(d.window)
			}
			d.put(d.window[from])
			d.copyLen--
			continue
		}
		symbol, err := d.symbol(&d.lengths)
		switch {
		case err != nil:
			return err
		case symbol < 256:
			d.put(byte(symbol))
			continue
		case symbol == 256:
			d.coded = false
			return nil
		}
		if err := d.match(symbol - 257); err != nil {
			return err
		}
	}
	return nil
}

func (d *deflate64) match(length int) error {
	if length >= len(lengthBase64) {
		return errDeflate64
	}
	more, err := d.take(lengthBits64[length])
	if err != nil {
		return err
	}
	symbol, err := d.symbol(&d.distance)
	if err != nil {
		return err
	}
	if symbol >= 32 {
		return errDeflate64
	}
	base, width := 1+symbol, uint(0)
	if symbol >= 4 {
		width = uint(symbol/2 - 1)
		base = 1 + (2|symbol&1)<<width
	}
	far, err := d.take(width)
	if err != nil {
		return err
	}
	d.copyLen, d.copyDist = int(lengthBase64[length])+int(more), base+int(far)
	if d.copyDist > d.at && !d.full {
		return errDeflate64
	}
	return nil
}

var (
	lengthBase64 = [29]uint16{3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 3}
	lengthBits64 = [29]uint{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 16}
	lengthOrder  = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}
)

// tables reads the codes of a block.
func (d *deflate64) tables() error {
	head, err := d.take(14)
	if err != nil {
		return err
	}
	literals, distances := int(head&31)+257, int(head>>5&31)+1
	var lengths [288 + 32]uint8
	for i := range int(head>>10) + 4 {
		n, err := d.take(3)
		if err != nil {
			return err
		}
		lengths[lengthOrder[i]] = uint8(n)
	}
	var code huffman
	if literals > 288 || !code.build(lengths[:19]) {
		return errDeflate64
	}
	clear(lengths[:19])
	for i := 0; i < literals+distances; {
		symbol, err := d.symbol(&code)
		if err != nil {
			return err
		}
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}
		value, width, base := uint8(0), uint(2), 3
		switch symbol {
		case 16:
			if i == 0 {
				return errDeflate64
			}
			value = lengths[i-1]
		case 17:
			width = 3
		case 18:
			width, base = 7, 11
		}
		n, err := d.take(width)
		if err != nil {
			return err
		}
		if i+base+int(n) > literals+distances {
			return errDeflate64
		}
		for range base + int(n) {
			lengths[i] = value
			i++
		}
	}
	if !d.lengths.build(lengths[:literals]) || !d.distance.build(lengths[literals:literals+distances]) {
		return errDeflate64
	}
	return nil
}

// take gives the next n bits, at most 16.
func (d *deflate64) take(n uint) (uint32, error) {
	for d.have < n {
		b, err := d.r.ReadByte()
		if err != nil {
			return 0, xz.Unexpected(err)
		}
		d.bits |= uint32(b) << d.have
		d.have += 8
	}
	v := d.bits & (1<<n - 1)
	d.bits >>= n
	d.have -= n
	return v, nil
}

// symbol decodes the next symbol bit by bit.
func (d *deflate64) symbol(h *huffman) (int, error) {
	code, first, index := 0, 0, 0
	for n := 1; n < len(h.count); n++ {
		bit, err := d.take(1)
		if err != nil {
			return 0, err
		}
		code |= int(bit)
		count := int(h.count[n])
		if code-first < count {
			return int(h.symbols[index+code-first]), nil
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, errDeflate64
}

// huffman is a canonical code: how many codes there are of each length, and their symbols in the order of the codes.
type huffman struct {
	count   [16]uint16
	symbols [288]uint16
}

// build makes the code of the lengths of its symbols. It answers no if more codes are asked for than there are.
func (h *huffman) build(lengths []uint8) bool {
	h.count = [16]uint16{}
	for _, n := range lengths {
		h.count[n]++
	}
	h.count[0] = 0
	left := 1
	var at [16]uint16
	for n := 1; n < 16; n++ {
		left = left<<1 - int(h.count[n])
		if left < 0 {
			return false
		}
		if n < 15 {
			at[n+1] = at[n] + h.count[n]
		}
	}
	for symbol, n := range lengths {
		if n != 0 {
			h.symbols[at[n]] = uint16(symbol)
			at[n]++
		}
	}
	return true
}

var fixedLengths, fixedDistances = fixedCodes()

func fixedCodes() (lengths, distances huffman) {
	var l [288]uint8
	for i := range l {
		switch {
		case i < 144:
			l[i] = 8
		case i < 256:
			l[i] = 9
		case i < 280:
			l[i] = 7
		default:
			l[i] = 8
		}
	}
	lengths.build(l[:])
	var d [32]uint8
	for i := range d {
		d[i] = 5
	}
	distances.build(d[:])
	return lengths, distances
}
