package damage

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

func (x *exam) order(little bool) binary.ByteOrder {
	if little {
		return le
	}
	return be
}

// walkRiff follows the chunks of RIFF (WAVE, AVI, WebP).
func walkRiff(x *exam) form { return walkIff(x, le, 12) }

// walkAiff follows the chunks of IFF.
func walkAiff(x *exam) form { return walkIff(x, be, 12) }

func walkIff(x *exam, order binary.ByteOrder, at int64) form {
	if len(x.b) < 20 {
		return x.cut(int64(len(x.b)))
	}
	end := int64(order.Uint32(x.b[4:])) + 8
	if end > x.size+1 {
		return bad(4, "it is shorter than it says")
	}
	for at+8 <= end {
		h := x.stored(at, 8)
		if h == nil {
			return form{shape: followed, seen: min(at, int64(len(x.b)))}
		}
		if !printable(h[:4]) {
			return bad(at, "a chunk that is none")
		}
		n := int64(order.Uint32(h[4:]))
		at += 8 + n + n&1
		if at > end+1 {
			return bad(at-n-8, "a chunk longer than the file")
		}
	}
	return x.rest(min(end, x.size), false)
}

func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return true
}

func isMp4(b []byte) bool {
	return len(b) >= 16 && b[0] == 0 && (string(b[4:8]) == "ftyp" || (string(b[4:8]) == "moov" || string(b[4:8]) == "mdat" || string(b[4:8]) == "wide" || string(b[4:8]) == "free") && be.Uint32(b) >= 8)
}

// walkMp4 follows the boxes of ISO 14496-12 (MP4, MOV, HEIF, JPEG 2000), and into moov and meta.
func walkMp4(x *exam) form { return walkBoxes(x, 0, x.size, 0) }

var boxesOfBoxes = map[string]int64{"moov": 8, "trak": 8, "mdia": 8, "minf": 8, "stbl": 8, "dinf": 8, "udta": -1, "edts": 8, "moof": 8, "traf": 8, "meta": 12, "iprp": 8, "ipco": 8, "jp2h": 8}

func walkBoxes(x *exam, at, end int64, depth int) form {
	for n := 0; at+8 <= end; n++ {
		h := x.stored(at, 8)
		if h == nil || n > 1<<16 {
			return form{shape: followed, seen: at}
		}
		size := int64(be.Uint32(h))
		name := string(h[4:8])
		head := int64(8)
		switch size {
		case 0:
			size = end - at
		case 1:
			w := x.stored(at+8, 8)
			if w == nil {
				return form{shape: followed, seen: at}
			}
			size, head = int64(be.Uint64(w)&^(1<<63)), 16
		}
		if size < head || size > end-at {
			if depth == 0 && at > 0 && len(bytes.Trim(h, "\x00")) == 0 {
				return form{shape: followed, seen: at}
			}
			return bad(at, "a box longer than what holds it")
		}
		if !printable(h[4:8]) && h[4] != 0xa9 {
			return bad(at, "a box that is none")
		}
		if skip := boxesOfBoxes[name]; skip > 0 && depth < 8 && size > skip {
			if name == "meta" && depth > 0 {
				skip = 0 // QuickTime's has no version
			}
			if skip > 0 {
				if f := walkBoxes(x, at+skip, at+size, depth+1); f.shape == broken {
					return f
				}
			}
		}
		at += size
	}
	return form{shape: followed, seen: at}
}

// walkMatroska follows EBML elements: the header, the segment, and what is in it.
func walkMatroska(x *exam) form {
	at, end := int64(0), x.size
	for n := 0; at < end && n < 1<<16; n++ {
		h := x.stored(at, min(12, end-at))
		if h == nil {
			return form{shape: followed, seen: at}
		}
		id, i := ebml(h, false)
		if i == 0 || i > 4 {
			return bad(at, "an element that is none")
		}
		size, k := ebml(h[i:], true)
		if k == 0 {
			return bad(at, "an element without length")
		}
		head := int64(i + k)
		known := size != 1<<(7*uint(k))-1
		switch {
		case n == 0 && id != 0x1a45dfa3, n == 1 && id != 0x18538067:
			return bad(at, "not the element that must stand here")
		case id == 0x18538067:
			if known && int64(size) > end-at-head {
				return bad(at, "its segment is longer than the file")
			}
			at += head
		case id == 0x1f43b675 && !known, id == 0x1f43b675:
			if known && int64(size) > end-at-head {
				return bad(at, "a cluster is longer than the file")
			}
			at += head // into the cluster: its blocks follow
		default:
			if !known || int64(size) > end-at-head {
				return bad(at, "an element longer than the file")
			}
			at += head + int64(size)
		}
	}
	return form{shape: followed, seen: at}
}

// ebml reads a number whose leading zeros tell its length.
func ebml(b []byte, value bool) (v uint64, n int) {
	if len(b) == 0 || b[0] == 0 {
		return 0, 0
	}
	n = bits.LeadingZeros8(b[0]) + 1
	if n > len(b) {
		return 0, 0
	}
	for _, c := range b[:n] {
		v = v<<8 | uint64(c)
	}
	if value {
		v &^= 1 << (7 * uint(n))
	}
	return v, n
}

// oggTable is for the sum of Ogg's pages: polynomial 04c11db7, not reflected.
var oggTable = func() (t [256]uint32) {
	for i := range t {
		c := uint32(i) << 24
		for range 8 {
			if c>>31 != 0 {
				c = c<<1 ^ 0x04c11db7
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// walkOgg follows the pages of Ogg (RFC 3533), each with its sum.
func walkOgg(x *exam) form {
	at := 0
	for at+27 <= len(x.b) {
		p := x.b[at:]
		if string(p[:4]) != "OggS" {
			if at == 0 {
				return form{}
			}
			if f := x.rest(int64(at), true); f.shape == checked {
				return f
			}
			return bad(int64(at), "no page where one must be")
		}
		n := int(p[26])
		if 27+n > len(p) {
			return x.cut(int64(at))
		}
		size := 27 + n
		for _, s := range p[27 : 27+n] {
			size += int(s)
		}
		if size > len(p) {
			return x.cut(int64(at))
		}
		if x.budget > 0 {
			x.budget -= size / 4
			sum := uint32(0)
			for i, c := range p[:size] {
				if i >= 22 && i < 26 {
					c = 0
				}
				sum = sum<<8 ^ oggTable[byte(sum>>24)^c]
			}
			if sum != le.Uint32(p[22:]) {
				return bad(int64(at), "the checksum of a page differs")
			}
		}
		at += size
	}
	if at < len(x.b) {
		return x.cut(int64(at))
	}
	return x.ok(int64(at), x.budget > 0)
}

// walkFlac follows the metadata of FLAC and its first frames: each frame's header has a sum.
func walkFlac(x *exam) form {
	at := 4
	for last := false; !last; {
		if at+4 > len(x.b) {
			return x.cut(int64(at))
		}
		h := be.Uint32(x.b[at:])
		last = h>>31 != 0
		if kind := h >> 24 & 0x7f; kind > 6 {
			return bad(int64(at), "metadata of a kind that is none")
		}
		at += 4 + int(h&0xffffff)
	}
	frames, from := 0, at
	for at+16 <= len(x.b) {
		i := bytes.IndexByte(x.b[at:len(x.b)-16], 0xff)
		if i < 0 {
			break
		}
		at += i
		if x.b[at+1]&0xfe == 0xf8 && flacHeader(x.b[at:]) {
			if frames++; frames == 1 && at != from {
				return bad(int64(from), "no frame where the first must be")
			}
			from = at
		}
		if at-from > 1<<17 {
			return bad(int64(from), "no frame for 128 KiB")
		}
		at++
	}
	if frames == 0 && len(x.b) > from+64 {
		return bad(int64(from), "no frame where the first must be")
	}
	return x.ok(int64(len(x.b)), false)
}

// flacHeader checks the sum of a frame's header (polynomial 07).
func flacHeader(b []byte) bool {
	n := 4
	first := b[4]
	n += max(1, bits.LeadingZeros8(^first))
	switch b[2] >> 4 {
	case 6:
		n++
	case 7:
		n += 2
	}
	switch c := b[2] & 15; {
	case c == 12:
		n++
	case c == 13 || c == 14:
		n += 2
	}
	if n >= len(b) {
		return false
	}
	var sum byte
	for _, c := range b[:n] {
		sum ^= c
		for range 8 {
			if sum&0x80 != 0 {
				sum = sum<<1 ^ 7
			} else {
				sum <<= 1
			}
		}
	}
	return sum == b[n]
}

var (
	mp3Rates = [2][3][16]int{
		{{0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448}, {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384}, {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}},
		{{0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256}, {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}, {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160}},
	}
	mp3Hertz = [4][3]int{{11025, 12000, 8000}, {}, {22050, 24000, 16000}, {44100, 48000, 32000}}
)

// mp3Frame is the length of the frame of MPEG audio that begins here; 0 if none does.
func mp3Frame(b []byte) int {
	if len(b) < 4 || b[0] != 0xff || b[1]&0xe0 != 0xe0 {
		return 0
	}
	version, layer, rate, hertz := b[1]>>3&3, b[1]>>1&3, b[2]>>4, b[2]>>2&3
	if version == 1 || layer == 0 || rate == 0 || rate == 15 || hertz == 3 {
		return 0
	}
	table := 0
	if version != 3 {
		table = 1
	}
	bps := mp3Rates[table][3-layer][rate] * 1000
	hz := mp3Hertz[version][hertz]
	pad := int(b[2] >> 1 & 1)
	switch {
	case layer == 3:
		return (12*bps/hz + pad) * 4
	case layer == 1 && version != 3:
		return 72*bps/hz + pad
	}
	return 144*bps/hz + pad
}

// isMp3 takes an ID3 tag, or two frames one behind the other.
func isMp3(b []byte) bool {
	if len(b) > 10 && string(b[:3]) == "ID3" && b[3] < 5 {
		return true
	}
	n := mp3Frame(b)
	return n > 0 && n+4 < len(b) && mp3Frame(b[n:]) > 0
}

// walkMp3 follows frames. It allows what players skip: tags and a few bytes in between.
func walkMp3(x *exam) form {
	b, at := x.b, 0
	if string(b[:3]) == "ID3" {
		at = 10 + int(b[6]&0x7f)<<21 + int(b[7]&0x7f)<<14 + int(b[8]&0x7f)<<7 + int(b[9]&0x7f)
		if at >= len(b) {
			return x.cut(int64(len(b)))
		}
		for at < len(b) && b[at] == 0 {
			at++
		}
		if at < len(b) && string(b[at:min(len(b), at+4)]) == "fLaC" {
			return form{shape: begun, seen: int64(at), kind: "flac"}
		}
		if at < len(b) && mp3Frame(b[at:]) == 0 {
			return form{shape: begun, seen: int64(at)} // not only MPEG audio carries such tags
		}
	}
	lost := 0
	for at+4 <= len(b) {
		if n := mp3Frame(b[at:]); n > 0 {
			at += n
			continue
		}
		if t := string(b[at : at+3]); t == "TAG" || t == "APE" || t == "ID3" || t == "LYR" {
			return form{shape: followed, seen: x.size}
		}
		if lost++; lost > 4096 {
			return bad(int64(at), "no frame where one must be")
		}
		at++
	}
	if lost > len(b)/4 {
		return bad(int64(len(b)), "hardly a frame in it")
	}
	return form{shape: followed, seen: x.size}
}
