package sevenzip

import (
	"encoding/binary"
	"io"
)

// delta undoes the filter by which each byte is the difference to one a distance before.
type delta struct {
	r    io.Reader
	past []byte
	at   int
}

func (d *delta) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	for i := range n {
		p[i] += d.past[d.at]
		d.past[d.at] = p[i]
		if d.at++; d.at == len(d.past) {
			d.at = 0
		}
	}
	return n, err
}

// x86 undoes the filter that makes the targets of calls and jumps in x86 programs absolute. Writers put it before everything, texts as well.
type x86 struct {
	r     io.Reader
	buf   [32 << 10]byte
	from  int // of what is done
	done  int
	have  int
	place uint32 // of buf[0] in what comes out
	mask  uint32 // of bytes before that looked like such an instruction
	err   error
}

func (x *x86) Read(p []byte) (int, error) {
	for x.from == x.done {
		if x.err != nil {
			if x.done == x.have {
				return 0, x.err
			}
			x.done = x.have // the last bytes hold no whole instruction
			break
		}
		x.place += uint32(x.done)
		x.have = copy(x.buf[:], x.buf[x.done:x.have])
		x.from, x.done = 0, 0
		n, err := x.r.Read(x.buf[x.have:])
		x.have, x.err = x.have+n, err
		x.done = x.convert(x.buf[:x.have])
	}
	n := copy(p, x.buf[x.from:x.done])
	x.from += n
	return n, nil
}

// Which earlier bytes rule out an instruction, and where the byte stands that decides, by the mask of the three bytes before.
var (
	x86Allowed = [8]bool{true, true, true, false, true}
	x86Byte    = [8]uint32{0, 1, 2, 2, 3, 3, 3, 3}
)

func x86Sign(b byte) bool { return b == 0 || b == 0xff }

// convert converts what is whole in b and returns how much that is.
func (x *x86) convert(b []byte) int {
	last, i := -1, 0
	for ; i+4 < len(b); i++ {
		if b[i]&0xfe != 0xe8 {
			continue
		}
		if gap := i - last; gap > 3 {
			x.mask = 0
		} else if x.mask = x.mask << (gap - 1) & 7; x.mask != 0 {
			if !x86Allowed[x.mask] || x86Sign(b[i+4-int(x86Byte[x.mask])]) {
				last, x.mask = i, x.mask<<1|1
				continue
			}
		}
		last = i
		if !x86Sign(b[i+4]) {
			x.mask = x.mask<<1 | 1
			continue
		}
		to := binary.LittleEndian.Uint32(b[i+1:])
		for {
			from := to
			to = from - (x.place + uint32(i) + 5)
			if x.mask == 0 {
				break
			}
			shift := x86Byte[x.mask] * 8
			if !x86Sign(byte(to >> (24 - shift))) {
				break
			}
			to ^= 1<<(32-shift) - 1
		}
		to &= 0x01ffffff
		binary.LittleEndian.PutUint32(b[i+1:], to|-(to&0x01000000))
		i += 4
	}
	if gap := i - last; gap > 3 {
		x.mask = 0
	} else {
		x.mask <<= gap - 1
	}
	return i
}
