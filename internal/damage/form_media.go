package damage

import (
	"bytes"
	"hash/crc32"
)

// walkTta follows True Audio: its header and its table of frames have sums, and so has each frame.
func walkTta(x *exam) form {
	if len(x.b) < 22 {
		return x.cut(int64(len(x.b)))
	}
	if crc32.ChecksumIEEE(x.b[:18]) != le.Uint32(x.b[18:]) {
		return bad(0, "the checksum of its header differs")
	}
	per := int64(le.Uint32(x.b[10:])) * 256 / 245
	samples := int64(le.Uint32(x.b[14:]))
	if per == 0 {
		return bad(10, "its header is none")
	}
	frames := (samples + per - 1) / per
	end := 22 + 4*frames
	if end+4 > int64(len(x.b)) {
		return x.cut(22)
	}
	if crc32.ChecksumIEEE(x.b[22:end]) != le.Uint32(x.b[end:]) {
		return bad(22, "the checksum of its table differs")
	}
	at := end + 4
	for i := range frames {
		n := int64(le.Uint32(x.b[22+4*i:]))
		if n < 4 || at+n > int64(len(x.b)) {
			return x.cut(at)
		}
		if crc32.ChecksumIEEE(x.b[at:at+n-4]) != le.Uint32(x.b[at+n-4:]) {
			return bad(at, "the checksum of a frame differs")
		}
		at += n
	}
	return x.rest(at, true)
}

// ac3Words are the words of 16 bits of a frame of AC-3, by half of its code of sizes, at 48, 44.1 and 32 kHz; odd codes at 44.1 have one more.
var ac3Words = [19][3]int{{64, 69, 96}, {80, 87, 120}, {96, 104, 144}, {112, 121, 168}, {128, 139, 192}, {160, 174, 240}, {192, 208, 288}, {224, 243, 336}, {256, 278, 384},
	{320, 348, 480}, {384, 417, 576}, {448, 487, 672}, {512, 557, 768}, {640, 696, 960}, {768, 835, 1152}, {896, 975, 1344}, {1024, 1114, 1536}, {1152, 1253, 1728}, {1280, 1393, 1920}}

func ac3Frame(b []byte) int {
	if len(b) < 7 || b[0] != 0x0b || b[1] != 0x77 {
		return 0
	}
	if b[5]>>3 > 10 { // Enhanced AC-3 tells the size itself
		return 2 * (int(b[2]&7)<<8 + int(b[3]) + 1)
	}
	rate, size := b[4]>>6, int(b[4]&63)
	if rate == 3 || size > 37 {
		return 0
	}
	n := ac3Words[size/2][rate]
	if rate == 1 {
		n += size & 1
	}
	return 2 * n
}

// walkAc3 follows frames of AC-3 (ATSC A/52).
func walkAc3(x *exam) form { return x.frames(ac3Frame) }

func adtsFrame(b []byte) int {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 || b[2]>>2&15 > 12 {
		return 0
	}
	return int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5]>>5)
}

// isAdts takes two frames of AAC one behind the other.
func isAdts(b []byte) bool {
	n := adtsFrame(b)
	return n > 7 && n+7 < len(b) && adtsFrame(b[n:]) > 7
}

func walkAdts(x *exam) form { return x.frames(adtsFrame) }

// frames follows what begins with its own length, one behind the other. Two must fit, or one that is all.
func (x *exam) frames(size func(b []byte) int) form {
	at, count := 0, 0
	for at < len(x.b) {
		n := size(x.b[at:])
		if n == 0 {
			if count < 2 {
				return form{}
			}
			if len(x.b)-at < 256 || string(x.b[at:at+3]) == "TAG" || string(x.b[at:at+3]) == "ID3" {
				return x.ok(x.size, false)
			}
			return bad(int64(at), "no frame where one must be")
		}
		at += n
		count++
	}
	if count < 2 && at != len(x.b) {
		return form{}
	}
	return x.ok(int64(min(at, len(x.b))), false)
}

// isNetpbm takes the header of PBM, PGM and PPM that are not text, and of PAM.
func isNetpbm(b []byte) bool {
	return len(b) > 9 && b[0] == 'P' && b[1] >= '4' && b[1] <= '7' && (b[2] == '\n' || b[2] == ' ' || b[2] == '\r' || b[2] == '\t') && (b[3] == '#' || b[3] >= '0' && b[3] <= '9' || b[1] == '7')
}

// walkNetpbm holds the pixels that the header promises against the size.
func walkNetpbm(x *exam) form {
	if x.b[1] == '7' {
		return form{shape: begun, seen: 3}
	}
	var v [3]int64
	at, want := 2, 3
	if x.b[1] == '4' {
		want = 2
	}
	for i := range want {
		for at < len(x.b) && (x.b[at] <= ' ' || x.b[at] == '#') {
			if x.b[at] == '#' {
				n := bytes.IndexByte(x.b[at:], '\n')
				if n < 0 {
					return form{}
				}
				at += n
			}
			at++
		}
		from := at
		for at < len(x.b) && x.b[at] >= '0' && x.b[at] <= '9' && at-from < 9 {
			v[i] = v[i]*10 + int64(x.b[at]-'0')
			at++
		}
		if at == from {
			return form{}
		}
	}
	row := v[0]
	switch x.b[1] {
	case '4':
		row = (v[0] + 7) / 8
	case '6':
		row *= 3
	}
	if v[2] > 255 {
		row *= 2
	}
	if end := int64(at) + 1 + row*v[1]; end > x.size {
		return x.cut(int64(at))
	}
	return form{shape: followed, seen: int64(at)}
}

// isTarga takes the header of an uncompressed or run-length coded TGA, whose fields must agree.
func isTarga(b []byte) bool {
	if len(b) < 26 || b[1] > 1 || b[2]&0xf7 == 0 || b[2]&0xf7 > 3 || b[2]&^11 != 0 || b[16] != 8 && b[16] != 16 && b[16] != 24 && b[16] != 32 || b[17]&0xc0 != 0 {
		return false
	}
	if b[1] == 0 && (b[2]&7 == 1 || b[5]|b[6]|b[7] != 0) || b[1] == 1 && b[2]&7 != 1 {
		return false
	}
	return le.Uint16(b[12:]) > 0 && le.Uint16(b[14:]) > 0 && le.Uint16(b[12:]) < 1<<14 && le.Uint16(b[14:]) < 1<<14
}

func walkTarga(x *exam) form {
	colours := int64(le.Uint16(x.b[5:])) * int64(x.b[7]+7) / 8
	pixels := int64(le.Uint16(x.b[12:])) * int64(le.Uint16(x.b[14:])) * int64(x.b[16]) / 8
	if x.b[2]&8 == 0 && 18+int64(x.b[0])+colours+pixels > x.size {
		return form{}
	}
	return form{shape: begun, seen: 18}
}

// walkPfb follows the segments of a Type 1 font: text, what is encrypted by its format, and text.
func walkPfb(x *exam) form {
	at := int64(0)
	for at+6 <= x.size {
		h := x.stored(at, 6)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		if h[0] != 0x80 || h[1] < 1 || h[1] > 2 {
			if at == 0 {
				return form{}
			}
			break
		}
		if n := int64(le.Uint32(h[2:])); n <= x.size-at-6 {
			at += 6 + n
		} else if at == 0 {
			return form{}
		} else {
			return bad(at, "a segment longer than the file")
		}
		if at+2 <= x.size {
			if end := x.stored(at, 2); end != nil && end[0] == 0x80 && end[1] == 3 {
				return x.rest(at+2, false)
			}
		}
	}
	if at < x.size {
		return bad(at, "a segment that is none")
	}
	return x.ok(at, false)
}

func isMiniseed(b []byte) bool {
	if len(b) < 64 || b[7] != ' ' || b[6] != 'D' && b[6] != 'R' && b[6] != 'Q' && b[6] != 'M' {
		return false
	}
	for _, c := range b[:6] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// walkMiniseed follows records of seismographs, whose length the first tells in its blockette 1000.
func walkMiniseed(x *exam) form {
	size := int64(0)
	for at, n := int(be.Uint16(x.b[46:])), 0; at >= 48 && at+8 <= len(x.b) && n < 8; n++ {
		if be.Uint16(x.b[at:]) == 1000 && x.b[at+6] >= 7 && x.b[at+6] <= 20 {
			size = 1 << x.b[at+6]
			break
		}
		at = int(be.Uint16(x.b[at+2:]))
	}
	if size == 0 {
		return form{shape: begun, seen: 48}
	}
	at := size
	for ; at+48 <= x.size; at += size {
		h := x.stored(at, 64)
		if h == nil {
			break
		}
		if !isMiniseed(h) {
			return bad(at, "a record that is none")
		}
	}
	return x.ok(min(at, x.size), false)
}

// walkIso follows the descriptors of ISO 9660. The 32 KB before them are zeros, or a program that starts the machine.
func walkIso(x *exam) form {
	if looksRandom(x.b[:4<<10]) || looksRandom(x.b[:32<<10]) {
		return bad(0, "its first 32 KB are random")
	}
	for at := int64(32 << 10); ; at += 2048 {
		d := x.stored(at, 2048)
		if d == nil {
			return form{shape: followed, seen: at}
		}
		if string(d[1:6]) != "CD001" {
			if string(d[1:4]) == "BEA" || string(d[1:4]) == "NSR" || string(d[1:4]) == "TEA" {
				return form{shape: followed, seen: at}
			}
			return bad(at, "a descriptor that is none")
		}
		if d[0] == 255 {
			return form{shape: followed, seen: at + 2048}
		}
		if d[0] != 1 {
			continue
		}
		if sectors := int64(le.Uint32(d[80:])); sectors != int64(be.Uint32(d[84:])) || int64(le.Uint16(d[128:])) != 2048 {
			return bad(at, "its descriptor disagrees with itself")
		}
		root := x.stored(int64(le.Uint32(d[158:]))*2048, 34)
		if root != nil && (root[0] < 34 || root[32] != 1 || root[33] > 1) {
			return bad(int64(le.Uint32(d[158:]))*2048, "its first folder is none")
		}
	}
}
