package sevenzip

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// streams is what is packed, and the sizes of the files in it.
type streams struct {
	blocks []block
	pieces []piece
}

// streams takes where blocks lie, how they are packed and what they hold.
func (p *parser) streams() (s streams) {
	var sizes []uint64 // of packed streams
	at := uint64(0)
	split := false
	for !p.failed {
		switch p.byte() {
		case idEnd:
			if !split {
				for i := range s.blocks {
					b := &s.blocks[i]
					b.files = 1
					s.pieces = append(s.pieces, piece{b.size(), b.crc, b.sums})
				}
			}
			s.place(at, sizes, p)
			return s
		case idPacked:
			at = p.number()
			sizes = p.packed()
		case idUnpacked:
			s.blocks = p.blocks()
		case idSubstreams:
			split = true
			p.substreams(&s)
		default:
			p.failed = true
		}
	}
	return s
}

// place says where each block begins.
func (s *streams) place(at uint64, sizes []uint64, p *parser) {
	for i := range s.blocks {
		b := &s.blocks[i]
		inputs := -len(b.pairs)
		for _, c := range b.coders {
			inputs += c.in
		}
		if inputs < 1 || inputs > len(sizes) || at > 1<<62 || sizes[0] > 1<<62 {
			p.failed = true
			return
		}
		b.packed, b.length = int64(at), int64(sizes[0])
		for _, n := range sizes[:inputs] {
			at += n
		}
		sizes = sizes[inputs:]
	}
}

func (p *parser) packed() (sizes []uint64) {
	n := p.count()
	for !p.failed {
		switch p.byte() {
		case idEnd:
			return sizes
		case idSize:
			for range n {
				sizes = append(sizes, p.number())
			}
		case idSums:
			p.sums(n, func(int, uint32) {})
		default:
			p.failed = true
		}
	}
	return nil
}

func (p *parser) blocks() (list []block) {
	if p.byte() != idFolder {
		p.failed = true
		return nil
	}
	n := p.count()
	if p.byte() != 0 {
		p.failed = true
		return nil
	}
	for range n {
		if list = append(list, p.block()); p.failed {
			return nil
		}
	}
	for !p.failed {
		switch p.byte() {
		case idEnd:
			return list
		case idUnpackSize:
			for i := range list {
				for range list[i].coders {
					list[i].sizes = append(list[i].sizes, p.number())
				}
			}
		case idSums:
			p.sums(n, func(i int, sum uint32) { list[i].crc, list[i].sums = sum, true })
		default:
			p.failed = true
		}
	}
	return nil
}

// block takes how a block is packed: coders, and which reads what another gives.
func (p *parser) block() (b block) {
	n := p.number()
	if n < 1 || n > maxCoders {
		p.failed = true
		return b
	}
	inputs := uint64(0)
	for range n {
		flags := p.byte()
		c := coder{id: string(p.take(uint64(flags & 15))), simple: true, in: 1}
		if flags&0x10 != 0 {
			in, out := p.number(), p.number()
			if in < 1 || in > maxCoders || out != 1 {
				p.failed = true
				return b
			}
			c.simple, c.in = in == 1, int(in)
		}
		if flags&0x20 != 0 {
			c.properties = p.take(p.number())
		}
		inputs += uint64(c.in)
		b.coders = append(b.coders, c)
	}
	for range n - 1 {
		b.pairs = append(b.pairs, [2]uint64{p.number(), p.number()})
	}
	if packed := inputs - (n - 1); inputs >= n && packed > 1 {
		for range packed {
			p.number()
		}
	}
	return b
}

// substreams takes how many files each block holds, their sizes and checksums.
func (p *parser) substreams(s *streams) {
	for i := range s.blocks {
		s.blocks[i].files = 1
	}
	id := p.byte()
	if id == idSubstreamCount {
		for i := range s.blocks {
			s.blocks[i].files = p.count()
		}
		id = p.byte()
	}
	for i := range s.blocks {
		b := &s.blocks[i]
		left := b.size()
		for k := range b.files {
			size := left
			if k < b.files-1 {
				if id != idSize {
					p.failed = true
				}
				if n := p.number(); n > uint64(left) || len(s.pieces) >= maxFiles {
					p.failed = true
				} else {
					size = int64(n)
				}
			}
			if p.failed {
				return
			}
			left -= size
			s.pieces = append(s.pieces, piece{size: size})
		}
	}
	if id == idSize {
		id = p.byte()
	}
	for ; id != idEnd && !p.failed; id = p.byte() {
		if id != idSums {
			p.failed = true
			return
		}
		p.substreamSums(s)
	}
}

// substreamSums takes checksums of the files that do not have their block's own.
func (p *parser) substreamSums(s *streams) {
	var without []int
	at := 0
	for i := range s.blocks {
		b := &s.blocks[i]
		if b.files == 1 && b.sums {
			s.pieces[at].crc, s.pieces[at].sums = b.crc, true
		} else {
			for k := range b.files {
				without = append(without, at+k)
			}
		}
		at += b.files
	}
	p.sums(len(without), func(i int, sum uint32) {
		f := &s.pieces[without[i]]
		f.crc, f.sums = sum, true
	})
}

// last is the coder whose output no other reads: the block's; -1 if there is none.
func (b *block) last() int {
	for i := range b.coders {
		free := true
		for _, pair := range b.pairs {
			free = free && pair[1] != uint64(i)
		}
		if free {
			return i
		}
	}
	return -1
}

// size is how much a block unpacks to.
func (b *block) size() int64 {
	if i := b.last(); i >= 0 && i < len(b.sizes) && b.sizes[i] < 1<<62 {
		return int64(b.sizes[i])
	}
	return 0
}

// Numbers of methods.
const (
	methodCopy    = "\x00"
	methodDelta   = "\x03"
	methodLZMA    = "\x03\x01\x01"
	methodLZMA2   = "\x21"
	methodX86     = "\x03\x03\x01\x03"
	methodDeflate = "\x04\x01\x08"
	methodBZip2   = "\x04\x02\x02"
	methodAES     = "\x06\xf1\x07\x01"
)

// unread names a method that is not read; "" for those that are.
func unread(id string) string {
	switch id {
	case methodCopy, methodDelta, methodLZMA, methodLZMA2, methodX86, methodDeflate, methodBZip2, methodAES:
		return ""
	case "\x03\x04\x01":
		return "PPMd"
	case "\x03\x03\x01\x1b":
		return "BCJ2"
	case "\x04\x01\x09":
		return "Deflate64"
	case "\x04\xf7\x11\x01":
		return "Zstandard"
	}
	return fmt.Sprintf("number %x", id)
}

// dictionary is the size of a coder's dictionary: no larger than what comes out of it.
func (b *block) dictionary(k int) (int64, error) {
	c := &b.coders[k]
	size := int64(0)
	switch c.id {
	case methodLZMA:
		if len(c.properties) < 5 {
			return 0, ErrDamaged
		}
		size = int64(binary.LittleEndian.Uint32(c.properties[1:]))
	case methodLZMA2:
		if len(c.properties) < 1 || c.properties[0] > 40 {
			return 0, ErrDamaged
		}
		bits := c.properties[0]
		if size = int64(2|bits&1) << (bits/2 + 11); bits == 40 {
			size = 1<<32 - 1
		}
	default:
		return 0, nil
	}
	if k < len(b.sizes) && b.sizes[k] < uint64(size) {
		size = int64(b.sizes[k])
	}
	return max(size, lzma.MinDictCap), nil
}

// plan is the order of a block's coders, the last first, or why it cannot be unpacked. It asks for no memory.
func (a *Archive) plan(b *block) (order []int, err error) {
	for i := range b.coders {
		if b.coders[i].id == methodAES {
			return nil, ErrEncrypted
		}
	}
	for i := range b.coders {
		if name := unread(b.coders[i].id); name != "" {
			return nil, fmt.Errorf("%w: %s", ErrUnsupported, name)
		}
		if dictionary, err := b.dictionary(i); err != nil {
			return nil, err
		} else if dictionary > a.most {
			return nil, ErrLimit
		}
	}
	for k := b.last(); k >= 0; {
		if !b.coders[k].simple || len(order) >= len(b.coders) || k >= len(b.sizes) {
			return nil, ErrUnsupported
		}
		order = append(order, k)
		from := -1
		for _, pair := range b.pairs {
			if pair[0] == uint64(k) && pair[1] < uint64(len(b.coders)) {
				from = int(pair[1])
			}
		}
		k = from
	}
	if len(order) != len(b.coders) {
		return nil, ErrUnsupported
	}
	if b.packed > a.size-start || b.length > a.size-start-b.packed {
		return nil, fmt.Errorf("%w: it breaks off", ErrDamaged)
	}
	return order, nil
}

// open begins to unpack a block: from what is packed through one coder after the other.
func (a *Archive) open(b *block) (io.Reader, error) {
	order, err := a.plan(b)
	if err != nil {
		return nil, err
	}
	var r io.Reader = newBuffered(&a.source, start+b.packed, b.length)
	for i := len(order) - 1; i >= 0; i-- {
		if r, err = b.decoder(order[i], r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (b *block) decoder(k int, r io.Reader) (io.Reader, error) {
	c := &b.coders[k]
	dictionary, err := b.dictionary(k)
	if err != nil {
		return nil, err
	}
	switch c.id {
	case methodCopy:
		return r, nil
	case methodLZMA:
		h := append([]byte(nil), c.properties[0], 0, 0, 0, 0)
		binary.LittleEndian.PutUint32(h[1:], uint32(dictionary))
		h = binary.LittleEndian.AppendUint64(h, b.sizes[k])
		z, err := lzma.ReaderConfig{DictCap: int(dictionary)}.NewReader(io.MultiReader(bytes.NewReader(h), r))
		if err != nil {
			return nil, ErrDamaged
		}
		return z, nil
	case methodLZMA2:
		z, err := lzma.Reader2Config{DictCap: int(dictionary)}.NewReader2(r)
		if err != nil {
			return nil, ErrDamaged
		}
		return z, nil
	case methodDeflate:
		return flate.NewReader(r), nil
	case methodBZip2:
		return bzip2.NewReader(r), nil
	case methodDelta:
		distance := 1
		if len(c.properties) > 0 {
			distance += int(c.properties[0])
		}
		return &delta{r: r, past: make([]byte, distance)}, nil
	case methodX86:
		return &x86{r: r}, nil
	}
	return nil, ErrUnsupported
}
