package damage

import (
	"bytes"
	"errors"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// stream7z is one packed stream of 7z with the coder that unpacks it first.
type stream7z struct {
	off, packed int64
	coder       string // id of the folder's first coder
	props       []byte
	size        int64 // unpacked
	alone       bool  // the only coder of its folder
}

// header7z reads numbers of a 7z header (7zFormat.txt of the LZMA SDK). Past the end it gives zeros.
type header7z struct {
	b   []byte
	bad bool
}

func (h *header7z) byte() byte {
	if len(h.b) == 0 {
		h.bad = true
		return 0
	}
	c := h.b[0]
	h.b = h.b[1:]
	return c
}

func (h *header7z) skip(n uint64) []byte {
	if n > uint64(len(h.b)) {
		h.bad = true
		return nil
	}
	b := h.b[:n]
	h.b = h.b[n:]
	return b
}

// number is a number of one to nine bytes: the leading ones of the first tell how many follow.
func (h *header7z) number() uint64 {
	first := h.byte()
	v, mask := uint64(0), byte(0x80)
	for i := range 8 {
		if first&mask == 0 {
			return v | uint64(first&(mask-1))<<(8*i)
		}
		v |= uint64(h.byte()) << (8 * i)
		mask >>= 1
	}
	return v
}

// most7z bounds the streams that are looked at.
const most7z = 64

// streams reads PackInfo and UnpackInfo, which stand at the beginning of both kinds of header.
func (h *header7z) streams() (list []stream7z) {
	if h.byte() != 6 {
		return nil
	}
	off := int64(32 + h.number())
	n := h.number()
	if n == 0 || n > most7z || h.byte() != 9 {
		return nil
	}
	for range n {
		size := int64(h.number())
		list = append(list, stream7z{off: off, packed: size})
		off += size
	}
	if id := h.byte(); id == 10 { // sums
		h.digests(n)
		h.byte()
	} else if id != 0 {
		return nil
	}
	if h.byte() != 7 || h.byte() != 11 {
		return nil
	}
	folders := h.number()
	if folders != n || h.byte() != 0 || h.bad { // several streams to a folder (BCJ2) are not followed
		return nil
	}
	outs := make([]int, folders)
	for i := range list {
		coders := h.number()
		if coders == 0 || coders > 4 {
			return nil
		}
		for k := range coders {
			flags := h.byte()
			id := string(h.skip(uint64(flags & 15)))
			if flags&16 != 0 {
				return nil
			}
			var props []byte
			if flags&32 != 0 {
				props = h.skip(h.number())
			}
			if k == 0 {
				list[i].coder, list[i].props, list[i].alone = id, props, coders == 1
			}
		}
		outs[i] = int(coders)
		for range coders - 1 {
			h.number()
			h.number()
		}
	}
	if h.byte() != 12 {
		return nil
	}
	for i := range list {
		for k := range outs[i] {
			if size := h.number(); k == 0 {
				list[i].size = int64(size)
			}
		}
	}
	if h.bad {
		return nil
	}
	return list
}

func (h *header7z) digests(n uint64) {
	if h.byte() == 0 {
		h.skip((n + 7) / 8)
	}
	h.skip(4 * n)
}

// unpack7z opens the coder of a stream; nil if it is one that is not known.
func (x *exam) unpack7z(b io.Reader, s stream7z) io.Reader {
	switch {
	case s.coder == "\x03\x01\x01" && len(s.props) == 5 && le.Uint32(s.props[1:]) <= maxDictionary:
		head := append(bytes.Clone(s.props), 0, 0, 0, 0, 0, 0, 0, 0)
		le.PutUint32(head[1:], x.dictionary(le.Uint32(head[1:])))
		le.PutUint64(head[5:], uint64(s.size))
		if r, err := lzma.NewReader(io.MultiReader(bytes.NewReader(head), b)); err == nil {
			return r
		}
	case s.coder == "\x21" && len(s.props) == 1:
		if r, err := (lzma.Reader2Config{DictCap: int(x.dictionary(maxDictionary))}).NewReader2(b); err == nil {
			return r
		}
	}
	return nil
}

// unpackHeader7z unpacks a packed header; nil if that cannot be done.
func unpackHeader7z(x *exam, header []byte) []byte {
	if header[0] != 0x17 {
		return nil
	}
	h := header7z{b: header[1:]}
	list := h.streams()
	if len(list) != 1 || list[0].size > 1<<20 || list[0].size < 1 {
		return nil
	}
	b := x.stored(list[0].off, list[0].packed)
	if b == nil {
		return nil
	}
	r := x.unpack7z(bytes.NewReader(b), list[0])
	if r == nil {
		return nil
	}
	out := make([]byte, list[0].size)
	if _, err := io.ReadFull(r, out); err != nil {
		return nil
	}
	return out
}

// stored returns bytes of the file if one window of the view holds them all.
func (x *exam) stored(off, n int64) []byte {
	for _, w := range x.v.windows {
		if from := off - w.off; from >= 0 && n >= 0 && n <= int64(len(w.b)) && from <= int64(len(w.b))-n {
			return w.b[from : from+n]
		}
	}
	return nil
}

// content7z unpacks the streams within the budget: LZMA's own end tells whether it came out whole.
func content7z(x *exam, header []byte, f form) form {
	if len(header) < 2 || header[0] != 1 || header[1] != 4 {
		return f
	}
	h := header7z{b: header[2:]}
	list := h.streams()
	all := len(list) > 0 && x.whole
	for _, s := range list {
		if s.off > x.size || s.packed > x.size || s.off+s.packed > x.size {
			return bad(32, "a stream lies outside of it")
		}
		b := x.stored(s.off, s.packed)
		if b == nil {
			if all = false; s.off < int64(len(x.b)) {
				b = x.b[s.off:]
			} else {
				continue
			}
		}
		src := &feed{b: b}
		r := x.unpack7z(src, s)
		if r == nil {
			all = false
			continue
		}
		n, done, err := x.dearly(6, r)
		short := int64(len(b)) < s.packed
		switch {
		case err != nil && !(short && src.pos >= len(b)) && !errors.Is(err, lzma.ErrNoSpace):
			return bad(s.off+int64(src.pos), "it does not unpack: %v", err)
		case done && !short && n != s.size:
			return bad(s.off, "it unpacks to another size")
		case !done:
			all = false
		}
	}
	if all && x.whole {
		f.seen = x.size
	}
	return f
}
