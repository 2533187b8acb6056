package damage

import (
	"bytes"
	"hash/crc32"
)

// walkPng follows the chunks of PNG, each with its sum.
func walkPng(x *exam) form {
	at := 8
	for at+12 <= len(x.b) {
		n := be.Uint32(x.b[at:])
		if n > 1<<31-1 || !letters(x.b[at+4:at+8]) {
			return bad(int64(at), "a chunk that is none")
		}
		end := at + 12 + int(n)
		if end > len(x.b) {
			return x.cut(int64(at))
		}
		if crc32.ChecksumIEEE(x.b[at+4:end-4]) != be.Uint32(x.b[end-4:]) {
			return bad(int64(at), "the checksum of a chunk differs")
		}
		if string(x.b[at+4:at+8]) == "IEND" {
			return x.rest(int64(end), true)
		}
		at = end
	}
	return x.cut(int64(at))
}

func letters(b []byte) bool {
	for _, c := range b {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// walkJpeg follows the segments of JPEG and looks through the entropy-coded data: after FF stands only 00 or a restart.
func walkJpeg(x *exam) form {
	b, at := x.b, 2
	for at+4 <= len(b) {
		if b[at] != 0xff {
			return bad(int64(at), "no marker where one must be")
		}
		m := b[at+1]
		switch {
		case m == 0xff:
			at++
			continue
		case m == 0xd9:
			return x.rest(int64(at+2), false)
		case m >= 0xd0 && m <= 0xd8 || m == 1:
			at += 2
			continue
		case m < 0xc0:
			return bad(int64(at), "a marker that is none")
		}
		n := int(be.Uint16(b[at+2:]))
		if n < 2 {
			return bad(int64(at), "a segment without length")
		}
		at += 2 + n
		if m != 0xda {
			continue
		}
		for {
			if at >= len(b) {
				return x.cut(int64(len(b)))
			}
			i := bytes.IndexByte(b[at:], 0xff)
			if i < 0 || at+i+1 >= len(b) {
				return x.cut(int64(len(b)))
			}
			at += i
			if c := b[at+1]; c == 0 || c >= 0xd0 && c <= 0xd7 {
				at += 2
			} else if c == 0xff {
				at++
			} else {
				break
			}
		}
	}
	if at+2 <= len(b) && b[at] == 0xff && b[at+1] == 0xd9 {
		return x.rest(int64(at+2), false)
	}
	return x.cut(int64(min(at, len(b))))
}

// walkGif follows the blocks of GIF89a.
func walkGif(x *exam) form {
	b := x.b
	if len(b) < 14 {
		return x.cut(int64(len(b)))
	}
	at := 13
	if b[10]&0x80 != 0 {
		at += 3 << (b[10]&7 + 1)
	}
	for at < len(b) {
		switch b[at] {
		case 0x3b:
			return x.rest(int64(at+1), false)
		case 0x21:
			at += 2
		case 0x2c:
			if at+10 > len(b) {
				return x.cut(int64(at))
			}
			if b[at+9]&0x80 != 0 {
				at += 3 << (b[at+9]&7 + 1)
			}
			at += 11
		case 0:
			at++
			continue
		default:
			return bad(int64(at), "a block that is none")
		}
		for at < len(b) && b[at] != 0 {
			at += 1 + int(b[at])
		}
		at++
	}
	return x.cut(int64(len(b)))
}

// isBmp takes a bitmap whose header agrees with itself.
func isBmp(b []byte) bool {
	return len(b) >= 30 && b[0] == 'B' && b[1] == 'M' && le.Uint32(b[6:]) == 0 && le.Uint32(b[14:]) <= 124 && le.Uint32(b[14:]) >= 12
}

func walkBmp(x *exam) form {
	if off := int64(le.Uint32(x.b[10:])); off > x.size {
		return bad(10, "its pixels lie outside of it")
	}
	if n := int64(le.Uint32(x.b[2:])); n > x.size+4 && n > 64 {
		return bad(2, "it is shorter than it says")
	}
	return form{shape: begun, seen: 54}
}

func isTiff(b []byte) bool {
	return len(b) >= 8 && (string(b[:4]) == "II*\x00" || string(b[:4]) == "MM\x00*" || string(b[:4]) == "II+\x00" || string(b[:4]) == "MM\x00+")
}

// walkTiff follows the directories of TIFF to their entries' values and to the strips.
func walkTiff(x *exam) form {
	order := x.order(x.b[0] == 'I')
	if x.b[2] == 0x2b || x.b[3] == 0x2b {
		return form{shape: begun, seen: 8}
	}
	off := int64(order.Uint32(x.b[4:]))
	for n := 0; off != 0; n++ {
		if off+2 > x.size || off < 8 {
			return bad(4, "a directory lies outside of it")
		}
		count := x.stored(off, 2)
		if count == nil || n > 1000 {
			return form{shape: followed, seen: 8}
		}
		k := int64(order.Uint16(count))
		dir := x.stored(off+2, 12*k+4)
		if k == 0 || off+2+12*k+4 > x.size {
			return bad(off, "a directory that is none")
		}
		if dir == nil {
			return form{shape: followed, seen: 8}
		}
		for i := range k {
			e := dir[12*i:]
			kind, items := order.Uint16(e[2:]), int64(order.Uint32(e[4:]))
			if kind == 0 || kind > 18 {
				return bad(off+2+12*i, "an entry of a type that is none")
			}
			if bytes := items * []int64{0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8}[kind]; bytes > 4 && int64(order.Uint32(e[8:]))+bytes > x.size {
				return bad(off+2+12*i, "an entry's value lies outside of it")
			}
		}
		off = int64(order.Uint32(dir[12*k:]))
	}
	return form{shape: followed, seen: 8}
}

// walkPsd follows the sections of Photoshop's header.
func walkPsd(x *exam) form {
	at := int64(26)
	for range 3 {
		b := x.stored(at, 4)
		if b == nil {
			return x.cut(at)
		}
		at += 4 + int64(be.Uint32(b))
		if at > x.size {
			return bad(at, "a section lies outside of it")
		}
	}
	return form{shape: followed, seen: 26}
}

func isIco(b []byte) bool {
	return len(b) >= 22 && b[0] == 0 && b[1] == 0 && (b[2] == 1 || b[2] == 2) && b[3] == 0 && b[4] > 0 && b[5] == 0 && b[9] == 0 && le.Uint32(b[18:]) >= 22
}

func walkIco(x *exam) form {
	n := int64(le.Uint16(x.b[4:]))
	end := 6 + 16*n
	for i := range n {
		e := x.stored(6+16*i, 16)
		if e == nil {
			return x.cut(6 + 16*i)
		}
		size, off := int64(le.Uint32(e[8:])), int64(le.Uint32(e[12:]))
		if off < 6+16*n || off+size > x.size {
			if i == 0 {
				return form{}
			}
			return bad(6+16*i, "an image lies outside of it")
		}
		if b := x.stored(off, 16); b != nil && le.Uint32(b) != 40 && le.Uint32(b) != 12 && string(b[:4]) != "\x89PNG" {
			return bad(off, "an image that is none")
		}
		end = max(end, off+size)
	}
	return x.rest(end, false)
}
