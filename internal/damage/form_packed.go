package damage

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"hash/adler32"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

// feed counts what a decoder took.
type feed struct {
	b    []byte
	pos  int
	over []byte // what is read in place of the first bytes
}

func (f *feed) Read(p []byte) (int, error) {
	if f.pos >= len(f.b) {
		return 0, io.EOF
	}
	from := f.b[f.pos:]
	if f.pos < len(f.over) {
		from = f.over[f.pos:]
	}
	n := copy(p, from)
	f.pos += n
	return n, nil
}

func (f *feed) ReadByte() (byte, error) {
	if f.pos >= len(f.b) {
		return 0, io.EOF
	}
	f.pos++
	if f.pos <= len(f.over) {
		return f.over[f.pos-1], nil
	}
	return f.b[f.pos-1], nil
}

// drains are buffers at rest.
var drains = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// drain unpacks within the budget. done says that the stream came to its end; short, that the bytes at hand did not suffice.
func (x *exam) drain(r io.Reader, sum io.Writer) (n int64, done bool, err error) {
	buf := drains.Get().(*[32 << 10]byte)
	defer drains.Put(buf)
	for x.budget > 0 {
		k, err := r.Read(buf[:min(len(buf), x.budget)])
		x.budget -= max(k, 64)
		n += int64(k)
		if sum != nil {
			sum.Write(buf[:k])
		}
		if errors.Is(err, io.EOF) {
			return n, true, nil
		}
		if err != nil {
			return n, false, err
		}
	}
	return n, false, nil
}

// unpacked judges a stream of which a decoder has taken part.
func (x *exam) unpacked(src *feed, done bool, err error) (f form, end bool) {
	at := int64(src.pos)
	switch {
	case err != nil && src.pos >= len(src.b) && !x.whole:
		return form{shape: followed, seen: at}, true
	case errors.Is(err, io.ErrUnexpectedEOF):
		return x.cut(at), true
	case err != nil:
		return bad(at, "it does not unpack: %v", err), true
	case !done:
		return form{shape: followed, seen: at}, true
	}
	return form{}, false
}

// walkGzip unpacks the members of gzip (RFC 1952) and checks their sums.
func walkGzip(x *exam) form {
	src := &feed{b: x.b}
	for first := true; src.pos < len(x.b); first = false {
		at := src.pos
		n := gzipHeader(x.b[at:])
		if n == 0 {
			if first {
				return form{}
			}
			return x.rest(int64(at), true)
		}
		src.pos = at + n
		if src.pos >= len(x.b) {
			return x.cut(int64(at))
		}
		sum := crc32.NewIEEE()
		r := inflater(src)
		size, done, err := x.drain(r, sum)
		giveBack(r)
		if f, end := x.unpacked(src, done, err); end {
			return f
		}
		if src.pos+8 > len(x.b) {
			return x.cut(int64(src.pos))
		}
		if le.Uint32(x.b[src.pos:]) != sum.Sum32() || le.Uint32(x.b[src.pos+4:]) != uint32(size) {
			return bad(int64(src.pos), "its checksum differs")
		}
		src.pos += 8
	}
	return x.ok(int64(src.pos), true)
}

// inflaters are decoders at rest: each is 40 KB, and an archive needs one for each member.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

func inflater(src io.Reader) io.ReadCloser {
	r := inflaters.Get().(io.ReadCloser)
	r.(flate.Resetter).Reset(src, nil)
	return r
}

func giveBack(r io.ReadCloser) { inflaters.Put(r) }

// gzipHeader is the length of a gzip member's header; 0 if it is none.
func gzipHeader(b []byte) int {
	if len(b) < 18 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 || b[3]&0xe0 != 0 {
		return 0
	}
	n := 10
	if b[3]&4 != 0 {
		n += 2 + int(le.Uint16(b[10:]))
	}
	for _, flag := range []byte{8, 16} {
		if b[3]&flag != 0 && n < len(b) {
			i := bytes.IndexByte(b[n:min(len(b), n+4096)], 0)
			if i < 0 {
				return 0
			}
			n += i + 1
		}
	}
	if b[3]&2 != 0 {
		n += 2
	}
	if n >= len(b) {
		return 0
	}
	return n
}

// isZlib takes the usual headers of zlib (RFC 1950) before a block that can be.
func isZlib(b []byte) bool {
	return len(b) > 8 && b[0] == 0x78 && (b[1] == 0x01 || b[1] == 0x5e || b[1] == 0x9c || b[1] == 0xda) && b[2]&6 != 6
}

func walkZlib(x *exam) form {
	src := &feed{b: x.b, pos: 2}
	sum := adler32.New()
	r := inflater(src)
	defer giveBack(r)
	n, done, err := x.drain(r, sum)
	if err != nil && n < 256 {
		return form{} // two bytes are no signature
	}
	if f, end := x.unpacked(src, done, err); end {
		return f
	}
	if src.pos+4 > len(x.b) {
		return x.cut(int64(src.pos))
	}
	if be.Uint32(x.b[src.pos:]) != sum.Sum32() {
		return bad(int64(src.pos), "its checksum differs")
	}
	return x.rest(int64(src.pos)+4, true)
}

func isBzip2(b []byte) bool {
	return len(b) >= 10 && string(b[:3]) == "BZh" && b[3] >= '1' && b[3] <= '9' && (string(b[4:10]) == "1AY&SY" || string(b[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// dearly scales the budget for decoders that cost more than deflate.
func (x *exam) dearly(times int, r io.Reader) (n int64, done bool, err error) {
	if x.budget < pairBudget/2 {
		x.budget /= times
	}
	return x.drain(r, nil)
}

// walkBzip2 unpacks; each block has its sum.
func walkBzip2(x *exam) form {
	src := &feed{b: x.b}
	_, done, err := x.dearly(4, bzip2.NewReader(src))
	if err != nil && !x.whole && src.pos >= len(x.b) {
		return form{shape: followed, seen: int64(len(x.b))}
	}
	if f, end := x.unpacked(src, done, err); end {
		return f
	}
	return x.ok(int64(src.pos), true)
}

// maxDictionary bounds what a decoder may ask for: a header promises up to four gigabytes.
const maxDictionary = 16 << 20

// walkXz follows the structure of xz (xz-file-format 1.2) from its end: footer, index, blocks; and unpacks its beginning.
func walkXz(x *exam) form {
	if len(x.b) < 32 {
		return x.cut(int64(len(x.b)))
	}
	if crc32.ChecksumIEEE(x.b[6:8]) != le.Uint32(x.b[8:]) {
		return bad(8, "the checksum of its header differs")
	}
	if x.whole {
		end := len(bytes.TrimRight(x.b, "\x00"))
		end = (end + 3) &^ 3
		if end > len(x.b) || end < 32 || string(x.b[end-2:end]) != "YZ" || crc32.ChecksumIEEE(x.b[end-8:end-2]) != le.Uint32(x.b[end-12:]) {
			return bad(int64(max(0, end-12)), "its footer is not one")
		}
		index := (int(le.Uint32(x.b[end-8:])) + 1) * 4
		if from := end - 12 - index; from < 12 || x.b[from] != 0 || crc32.ChecksumIEEE(x.b[from:end-16]) != le.Uint32(x.b[end-16:]) {
			return bad(int64(max(0, from)), "the checksum of its index differs")
		}
	}
	if dict := xzDictionary(x.b); dict > maxDictionary {
		return form{shape: followed, seen: 12}
	}
	src := &feed{b: x.b}
	r, err := xz.ReaderConfig{DictCap: 1 << 20}.NewReader(src)
	if err != nil {
		return bad(int64(src.pos), "it does not unpack: %v", err)
	}
	_, done, err := x.dearly(6, r)
	if f, end := x.unpacked(src, done, err); end {
		return f
	}
	return x.ok(int64(src.pos), x.b[7]&15 != 0)
}

// xzDictionary is the dictionary that the first block asks for, in bytes.
func xzDictionary(b []byte) int64 {
	size := (int(b[12]) + 1) * 4
	if 12+size > len(b) {
		return 1 << 62
	}
	i := bytes.Index(b[12:12+size], []byte{0x21, 0x01})
	if i < 0 || 12+i+2 >= len(b) {
		return 1 << 62
	}
	bits := b[12+i+2]
	if bits > 40 {
		return 1 << 62
	}
	return int64(2|bits&1) << (bits/2 + 11)
}

// isLzma takes the header of .lzma: properties of the default kind, a round dictionary, a size that is unknown or small.
func isLzma(b []byte) bool {
	if len(b) < 18 || b[0] != 0x5d || b[13] != 0 {
		return false
	}
	dict, size := le.Uint32(b[1:]), le.Uint64(b[5:])
	return dict&(dict-1) == 0 && dict >= 1<<12 && dict <= maxDictionary && (size == 1<<64-1 || size < 1<<38)
}

// dictionary is what a decoder needs of the dictionary that a header asks for: no more than it may unpack.
func (x *exam) dictionary(asked uint32) uint32 {
	return max(lzma.MinDictCap, min(asked, uint32(x.budget)+64<<10, maxDictionary))
}

func walkLzma(x *exam) form {
	src := &feed{b: x.b, over: bytes.Clone(x.b[:13])}
	le.PutUint32(src.over[1:], x.dictionary(le.Uint32(x.b[1:])))
	r, err := lzma.NewReader(src)
	if err != nil {
		return form{}
	}
	_, done, err := x.dearly(6, r)
	if f, end := x.unpacked(src, done, err); end {
		return f
	}
	return x.ok(int64(src.pos), false) // it has no sum
}

// walkZstd follows the frames and blocks of zstd (RFC 8878) and unpacks within the budget.
func walkZstd(x *exam) form {
	end, sums, f := zstdFrames(x)
	if f.shape != formless {
		if f.shape == broken || !x.whole {
			return f
		}
	}
	r, err := zstd.NewReader(bytes.NewReader(x.b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxDictionary))
	if err != nil {
		return form{}
	}
	defer r.Close()
	_, done, err := x.drain(r, nil)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, zstd.ErrUnknownDictionary):
		return form{shape: followed, seen: int64(end)}
	case err != nil:
		return bad(0, "it does not unpack: %v", err)
	case !done:
		return form{shape: followed, seen: int64(end)}
	}
	return x.ok(int64(end), sums)
}

// zstdFrames walks the frames and returns their end, and whether each has a sum. The form is not formless if they break or are cut.
func zstdFrames(x *exam) (end int, sums bool, f form) {
	b, at := x.b, 0
	sums = true
	for at+4 <= len(b) {
		magic := le.Uint32(b[at:])
		if magic&0xfffffff0 == 0x184d2a50 {
			if at+8 > len(b) {
				return at, sums, x.cut(int64(at))
			}
			at += 8 + int(le.Uint32(b[at+4:]))
			continue
		}
		if magic != 0xfd2fb528 {
			return at, sums, bad(int64(at), "a frame without its magic")
		}
		if at+6 > len(b) {
			return at, sums, x.cut(int64(at))
		}
		desc := b[at+4]
		sums = sums && desc&4 != 0
		at += 5
		if desc&0x20 == 0 {
			at++
		} else if desc>>6 == 0 {
			at++
		}
		at += [4]int{0, 1, 2, 4}[desc&3] + [4]int{0, 2, 4, 8}[desc>>6]
		for last := false; !last; {
			if at+3 > len(b) {
				return at, sums, x.cut(int64(at))
			}
			h := uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16
			last = h&1 != 0
			size := int(h >> 3)
			switch h >> 1 & 3 {
			case 1:
				size = 1
			case 3:
				return at, sums, bad(int64(at), "a block of a kind that is none")
			}
			if size > 128<<10 {
				return at, sums, bad(int64(at), "a block larger than blocks are")
			}
			at += 3 + size
		}
		if desc&4 != 0 {
			at += 4
		}
	}
	if at != len(b) {
		return min(at, len(b)), sums, x.cut(int64(min(at, len(b))))
	}
	return at, sums, form{}
}

// walkLz4 follows the blocks of lz4's frames.
func walkLz4(x *exam) form {
	b, at := x.b, 0
	for at+7 <= len(b) {
		if le.Uint32(b[at:]) != 0x184d2204 {
			return x.rest(int64(at), false)
		}
		flags := b[at+4]
		if flags>>6 != 1 {
			return bad(int64(at), "a frame of a version that is none")
		}
		at += 7
		if flags&8 != 0 {
			at += 8
		}
		if flags&1 != 0 {
			at += 4
		}
		for {
			if at+4 > len(b) {
				return x.cut(int64(at))
			}
			size := le.Uint32(b[at:])
			at += 4
			if size == 0 {
				break
			}
			n := int(size & 0x7fffffff)
			if n > 4<<20+16 {
				return bad(int64(at), "a block larger than blocks are")
			}
			if at+n > len(b) {
				return x.cut(int64(at))
			}
			if size>>31 == 0 && !lz4Block(b[at:at+n]) {
				return bad(int64(at), "a block that does not unpack")
			}
			at += n
			if flags&16 != 0 {
				at += 4
			}
		}
		if flags&4 != 0 {
			at += 4
		}
	}
	return x.ok(int64(at), false)
}

// lz4Block reports whether the sequences of a block end where it ends.
func lz4Block(b []byte) bool {
	for at := 0; at < len(b); {
		token := b[at]
		at++
		n := int(token >> 4)
		for more := n == 15; more; at++ {
			if at >= len(b) {
				return false
			}
			n += int(b[at])
			more = b[at] == 255
		}
		at += n
		if at == len(b) {
			return true
		}
		if at+2 > len(b) || le.Uint16(b[at:]) == 0 {
			return false
		}
		at += 2
		for more := token&15 == 15; more; at++ {
			if at >= len(b) {
				return false
			}
			more = b[at] == 255
		}
	}
	return len(b) == 0
}

// walk7z checks the sums of 7z's two headers and, where the content is LZMA or LZMA2 alone, unpacks its beginning.
func walk7z(x *exam) form {
	if len(x.b) < 32 {
		return x.cut(int64(len(x.b)))
	}
	if crc32.ChecksumIEEE(x.b[12:32]) != le.Uint32(x.b[8:]) {
		return bad(8, "the checksum of its first header differs")
	}
	off, size := le.Uint64(x.b[12:]), le.Uint64(x.b[20:])
	if off > 1<<50 || size > 1<<40 || int64(32+off+size) > x.size {
		return bad(12, "its second header lies outside of it")
	}
	tail := x.v.windows[len(x.v.windows)-1]
	from := int64(32+off) - tail.off
	if from < 0 || from+int64(size) > int64(len(tail.b)) {
		return form{shape: followed, seen: 32}
	}
	header := tail.b[from : from+int64(size)]
	if crc32.ChecksumIEEE(header) != le.Uint32(x.b[28:]) {
		return bad(int64(32+off), "the checksum of its second header differs")
	}
	if bytes.Contains(header, []byte("\x06\xf1\x07\x01")) {
		return form{shape: followed, seen: 32, honest: "7z with a password"}
	}
	f := x.rest(int64(32+off+size), false)
	if f.shape == broken {
		return f
	}
	if len(header) > 0 && header[0] == 0x17 { // the header itself is packed
		header = unpackHeader7z(x, header)
		if bytes.Contains(header, []byte("\x06\xf1\x07\x01")) {
			return form{shape: followed, seen: 32, honest: "7z with a password"}
		}
	}
	return content7z(x, header, f)
}

// walkRar follows the blocks of rar (4: sums of 16 bits; 5: of 32).
func walkRar(x *exam) form {
	if len(x.b) > 8 && x.b[6] == 1 {
		return walkRar5(x)
	}
	at := 7
	for at+7 <= len(x.b) {
		size, kind, flags := int(le.Uint16(x.b[at+5:])), x.b[at+2], le.Uint16(x.b[at+3:])
		if kind < 0x72 || kind > 0x7b || size < 7 {
			return x.rarEnd(at)
		}
		if at+size > len(x.b) {
			return x.cut(int64(at))
		}
		if uint16(crc32.ChecksumIEEE(x.b[at+2:at+size])) != le.Uint16(x.b[at:]) && kind != 0x75 && kind != 0x76 && kind != 0x79 {
			return bad(int64(at), "the checksum of a header differs")
		}
		if kind == 0x73 && flags&0x80 != 0 || kind == 0x74 && flags&4 != 0 {
			return form{shape: followed, seen: int64(at), honest: "rar with a password"}
		}
		next := int64(at + size)
		if (flags&0x8000 != 0 || kind == 0x74) && size >= 11 {
			next += int64(le.Uint32(x.b[at+7:]))
		}
		if kind == 0x7b {
			return x.rest(int64(at+size), false)
		}
		if next > int64(len(x.b)) {
			return x.cut(int64(at))
		}
		at = int(next)
	}
	return x.ok(int64(at), false)
}

func (x *exam) rarEnd(at int) form {
	if at <= 7 {
		return bad(int64(at), "no header where one must be")
	}
	return x.rest(int64(at), false)
}

func walkRar5(x *exam) form {
	at := 8
	for at+7 <= len(x.b) {
		size, n := uvarint(x.b[at+4:])
		if n == 0 || size == 0 || size > 2<<20 {
			return x.rarEnd(at)
		}
		body := at + 4 + n
		if body+int(size) > len(x.b) {
			return x.cut(int64(at))
		}
		if crc32.ChecksumIEEE(x.b[at+4:body+int(size)]) != le.Uint32(x.b[at:]) {
			return bad(int64(at), "the checksum of a header differs")
		}
		h := x.b[body : body+int(size)]
		kind, k := uvarint(h)
		flags, m := uvarint(h[min(k, len(h)):])
		p := k + m
		if flags&1 != 0 {
			_, e := uvarint(h[min(p, len(h)):])
			p += e
		}
		data := uint64(0)
		if flags&2 != 0 {
			data, _ = uvarint(h[min(p, len(h)):])
		}
		if kind == 4 {
			return form{shape: followed, seen: int64(at), honest: "rar with a password"}
		}
		next := int64(body) + int64(size)
		if kind == 5 {
			return x.rest(next, false)
		}
		if data > 1<<50 || next+int64(data) > int64(len(x.b)) {
			return x.cut(int64(at))
		}
		at = int(next) + int(data)
	}
	return x.ok(int64(at), false)
}

// uvarint reads seven bits a byte, the lowest first. n is 0 if there is none.
func uvarint(b []byte) (v uint64, n int) {
	v, n = binary.Uvarint(b)
	return v, max(0, n)
}

// zlibStream unpacks the zlib stream at which src stands behind its two bytes, and passes over its sum; end says that f is the last word.
func (x *exam) zlibStream(src *feed) (f form, end bool) {
	r := inflater(src)
	_, done, err := x.drain(r, nil)
	giveBack(r)
	if f, end = x.unpacked(src, done, err); !end {
		src.pos += 4
	}
	return f, end
}

// walkRData follows the objects of R's lazy-load database: a length of 32 bits and a zlib stream each.
func walkRData(x *exam) form {
	src := &feed{b: x.b}
	for src.pos+6 < len(x.b) && isZlib(x.b[src.pos+4:]) {
		src.pos += 6
		if f, end := x.zlibStream(src); end {
			return f
		}
	}
	return x.rest(int64(src.pos), false)
}

// walkMatlab follows the elements of a MAT-file of version 5, and unpacks those that are packed.
func walkMatlab(x *exam) form {
	if len(x.b) < 136 {
		return x.cut(int64(len(x.b)))
	}
	o := x.order(x.b[126] == 'I')
	at := int64(128)
	for at+8 <= x.size {
		h := x.stored(at, 8)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		kind, size := o.Uint32(h), int64(o.Uint32(h[4:]))
		if kind > 0xffff {
			size = 0 // the small form has its value in the tag
		}
		if kind&0xffff > 18 || size > x.size-at-8 {
			return bad(at, "an element that is none")
		}
		if b := x.stored(at+8, size); kind == 15 && b != nil && x.budget > 0 && !x.inflates(b) {
			return bad(at, "an element does not unpack")
		}
		at += 8 + size
		if kind != 15 {
			at = (at + 7) &^ 7
		}
	}
	return x.ok(min(at, x.size), false)
}
