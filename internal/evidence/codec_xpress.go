package evidence

import (
	"encoding/binary"
	"errors"
)

var errXpress = errors.New("compressed data that breaks off or is damaged")

// unpackXpress undoes LZ77 with Huffman codes, [MS-XCA] 2.2, up to size bytes. With an error it returns what was unpacked
// before. The caller bounds size.
func unpackXpress(src []byte, size int) ([]byte, error) {
	dst := make([]byte, 0, min(size, 64*len(src)+1024))
	var table xpressTable
	for len(dst) < size {
		if len(src) < 256+4 || !table.build(src[:256]) {
			return dst, errXpress
		}
		x := &xpress{src: src, at: 256, dst: dst, size: size, table: &table}
		ok := x.block()
		dst, src = x.dst, src[min(x.at, len(src)):]
		if !ok {
			return dst, errXpress
		}
	}
	return dst, nil
}

// xpressTable gives for the next 15 bits the symbol, and its length in the lowest four bits.
type xpressTable [1 << 15]uint16

// build makes the table of 512 code lengths of four bits. It answers no if they do not make a whole code.
func (t *xpressTable) build(lengths []byte) bool {
	at := 0
	for n := 1; n <= 15; n++ {
		for symbol := range 512 {
			if int(lengths[symbol/2]>>(4*(symbol%2))&15) != n {
				continue
			}
			end := at + 1<<(15-n)
			if end > len(t) {
				return false
			}
			for ; at < end; at++ {
				t[at] = uint16(symbol<<4 | n)
			}
		}
	}
	return at == len(t)
}

// xpress unpacks one block: what 65,536 bytes became.
type xpress struct {
	src   []byte
	at    int
	dst   []byte
	size  int
	table *xpressTable
	bits  uint32 // the next bits, the first on top
	spare int    // how many of them there are beyond 16
}

// word is the next 16 bits of the source; behind its end there are two more words of zeros.
func (x *xpress) word() (w uint32) {
	if x.at+2 <= len(x.src) {
		w = uint32(binary.LittleEndian.Uint16(x.src[x.at:]))
	}
	x.at += 2
	return w
}

func (x *xpress) skip(n int) {
	x.bits <<= n
	if x.spare -= n; x.spare < 0 {
		x.bits |= x.word() << -x.spare
		x.spare += 16
	}
}

func (x *xpress) block() bool {
	x.bits, x.spare = x.word()<<16, 16
	x.bits |= x.word()
	for end := min(len(x.dst)+1<<16, x.size); len(x.dst) < end; {
		if x.at > len(x.src)+4 {
			return false
		}
		code := x.table[x.bits>>17]
		symbol := int(code >> 4)
		x.skip(int(code & 15))
		if symbol < 256 {
			x.dst = append(x.dst, byte(symbol))
		} else if !x.match(symbol - 256) {
			return false
		}
	}
	return true
}

// match copies what was there before.
func (x *xpress) match(symbol int) bool {
	length, width := symbol&15, symbol>>4
	if length == 15 {
		var ok bool
		if length, ok = x.long(); !ok {
			return false
		}
	}
	length += 3
	back := 1 << width
	if width > 0 {
		back += int(x.bits >> (32 - width))
	}
	x.skip(width)
	if back > len(x.dst) {
		return false
	}
	length = min(length, x.size-len(x.dst))
	for from := len(x.dst) - back; length > 0; length-- {
		x.dst = append(x.dst, x.dst[from])
		from++
	}
	return true
}

// long reads the bytes of a length from 15 on: one, or behind 255 two, or behind zero four.
func (x *xpress) long() (int, bool) {
	rest := x.src[min(x.at, len(x.src)):]
	switch {
	case len(rest) < 1:
		return 0, false
	case rest[0] < 255:
		x.at++
		return int(rest[0]) + 15, true
	case len(rest) < 3:
		return 0, false
	}
	n := int(binary.LittleEndian.Uint16(rest[1:]))
	x.at += 3
	if n == 0 && len(rest) >= 7 {
		n = int(binary.LittleEndian.Uint32(rest[3:]))
		x.at += 4
	}
	return n, n >= 15
}
