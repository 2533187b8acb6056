package damage

import (
	"bytes"
	"hash/adler32"
	"hash/crc32"
)

// walkElf looks whether the tables of ELF lie inside and their entries too.
func walkElf(x *exam) form {
	if len(x.b) < 64 || x.b[4] < 1 || x.b[4] > 2 || x.b[5] < 1 || x.b[5] > 2 || x.b[6] != 1 {
		return bad(4, "its header is none")
	}
	o := x.order(x.b[5] == 1)
	wide := x.b[4] == 2
	off, size, n := int64(o.Uint32(x.b[32:])), int64(o.Uint16(x.b[46:])), int64(o.Uint16(x.b[48:]))
	if wide {
		off, size, n = int64(o.Uint64(x.b[40:])&^(1<<63)), int64(o.Uint16(x.b[58:])), int64(o.Uint16(x.b[60:]))
	}
	if off == 0 || n == 0 {
		return form{shape: begun, seen: 64}
	}
	if size < 40 || off+size*n > x.size {
		return bad(32, "its sections lie outside of it")
	}
	t := x.stored(off, size*n)
	if t == nil {
		return form{shape: followed, seen: 64}
	}
	for i := range n {
		s := t[i*size:]
		kind := o.Uint32(s[4:])
		from, length := int64(o.Uint32(s[16:])), int64(o.Uint32(s[20:]))
		if wide {
			from, length = int64(o.Uint64(s[24:])&^(1<<63)), int64(o.Uint64(s[32:])&^(1<<63))
		}
		if kind != 8 && kind != 0 && (from > x.size || length > x.size-from) || kind > 20 && kind < 0x60000000 {
			return bad(off+i*size, "a section lies outside of it")
		}
	}
	return form{shape: followed, seen: 64}
}

func isPe(b []byte) bool {
	if len(b) < 128 || b[0] != 'M' || b[1] != 'Z' {
		return false
	}
	off := le.Uint32(b[60:])
	return off < 1<<20 && int(off)+24 < len(b) && string(b[off:off+4]) == "PE\x00\x00"
}

// walkPe looks whether the sections of a Windows program lie inside.
func walkPe(x *exam) form {
	off := int64(le.Uint32(x.b[60:]))
	n, optional := int64(le.Uint16(x.b[off+6:])), int64(le.Uint16(x.b[off+20:]))
	t := x.stored(off+24+optional, 40*n)
	if t == nil {
		return bad(off, "its sections lie outside of it")
	}
	for i := range n {
		s := t[40*i:]
		size, from := int64(le.Uint32(s[16:])), int64(le.Uint32(s[20:]))
		if size > 0 && from > 0 && from+size > x.size+4096 {
			return bad(off+24+optional+40*i, "a section lies outside of it")
		}
	}
	return form{shape: followed, seen: off + 24 + optional + 40*n}
}

// isMz takes a program of DOS.
func isMz(b []byte) bool {
	return len(b) >= 64 && b[0] == 'M' && b[1] == 'Z' && le.Uint16(b[2:]) < 512 && le.Uint16(b[8:]) > 0 && le.Uint16(b[8:]) < 1024
}

// walkClass follows the constants of a Java class (JVMS 4.4).
func walkClass(x *exam) form {
	if len(x.b) < 10 || be.Uint16(x.b[6:]) < 44 || be.Uint16(x.b[6:]) > 99 {
		return form{}
	}
	n, at := int(be.Uint16(x.b[8:])), 10
	for i := 1; i < n; i++ {
		if at+5 > len(x.b) {
			return x.cut(int64(at))
		}
		switch x.b[at] {
		case 1:
			k := int(be.Uint16(x.b[at+1:]))
			if at+3+k > len(x.b) {
				return x.cut(int64(at))
			}
			if bytes.IndexByte(x.b[at+3:at+3+k], 0) >= 0 {
				return bad(int64(at), "a text of its constants holds a zero")
			}
			at += 3 + k
		case 3, 4, 9, 10, 11, 12, 17, 18:
			at += 5
		case 5, 6:
			at += 9
			i++
		case 7, 8, 16, 19, 20:
			at += 3
		case 15:
			at += 4
		default:
			return bad(int64(at), "a constant of a kind that is none")
		}
	}
	return classMembers(x, at)
}

// classMembers follows what stands behind the constants: fields, methods, attributes, to the last byte.
func classMembers(x *exam, at int) form {
	u2 := func() int {
		if at+2 > len(x.b) {
			at = len(x.b) + 1
			return 0
		}
		at += 2
		return int(be.Uint16(x.b[at-2:]))
	}
	attributes := func() {
		for n := u2(); n > 0 && at <= len(x.b); n-- {
			at += 2
			if at+4 > len(x.b) {
				at = len(x.b) + 1
				return
			}
			at += 4 + int(be.Uint32(x.b[at:]))
		}
	}
	at += 6
	for n := u2(); n > 0 && at <= len(x.b); n-- {
		at += 2
	}
	for range 2 {
		for n := u2(); n > 0 && at <= len(x.b); n-- {
			at += 6
			attributes()
		}
	}
	attributes()
	if at > len(x.b) || at < 0 {
		return x.cut(int64(len(x.b)))
	}
	if x.whole && at != len(x.b) {
		return bad(int64(at), "bytes follow its end")
	}
	return form{shape: followed, seen: int64(at)}
}

// walkWasm follows the sections of WebAssembly.
func walkWasm(x *exam) form {
	at := 8
	for at < len(x.b) {
		id := x.b[at]
		size, n := uvarint(x.b[at+1:])
		if id > 13 || n == 0 || size > uint64(x.size) {
			return bad(int64(at), "a section that is none")
		}
		at += 1 + n + int(size)
	}
	if at > len(x.b) {
		return x.cut(int64(len(x.b)))
	}
	return x.ok(int64(at), false)
}

// walkDex checks the sum over an Android program.
func walkDex(x *exam) form {
	if len(x.b) < 112 {
		return x.cut(int64(len(x.b)))
	}
	if int64(le.Uint32(x.b[32:])) != x.size {
		return bad(32, "its length differs")
	}
	if x.whole && adler32.Checksum(x.b[12:]) != le.Uint32(x.b[8:]) {
		return bad(8, "its checksum differs")
	}
	return x.ok(x.size, true)
}

// isPyc takes compiled Python: a magic that ends in a carriage return and line feed, flags, and a code object.
func isPyc(b []byte) bool {
	return len(b) > 20 && b[2] == '\r' && b[3] == '\n' && b[1] >= 0x0c && b[1] <= 0x0f && (le.Uint32(b[4:]) <= 3 && b[16]&0x7f == 'c' || b[12]&0x7f == 'c' || b[8]&0x7f == 'c')
}

// walkEvtx checks the sums of an event log's header and of the headers of its chunks.
func walkEvtx(x *exam) form {
	if len(x.b) < 4096 {
		return x.cut(int64(len(x.b)))
	}
	if crc32.ChecksumIEEE(x.b[:120]) != le.Uint32(x.b[124:]) {
		return bad(124, "the checksum of its header differs")
	}
	for _, w := range x.v.windows {
		for at := (max(w.off, 4096)-4096+65535)/65536*65536 + 4096; at+512 <= w.off+int64(len(w.b)); at += 65536 {
			c := w.b[at-w.off:]
			if bytes.Count(c[:512], []byte{0}) == 512 {
				continue
			}
			if string(c[:8]) != "ElfChnk\x00" {
				return bad(at, "no chunk where one must be")
			}
			free := le.Uint32(c[48:])
			if free < 512 || free > 65536 {
				return bad(at+48, "a chunk's header is none")
			}
			if len(c) >= 65536 && crc32.ChecksumIEEE(c[512:free]) != le.Uint32(c[52:]) {
				return bad(at, "the checksum of a chunk's records differs")
			}
		}
	}
	return form{shape: followed, seen: x.size}
}

// walkRegf follows the bins of a registry hive.
func walkRegf(x *exam) form {
	if len(x.b) < 4096 {
		return x.cut(int64(len(x.b)))
	}
	sum := uint32(0)
	for i := 0; i < 508; i += 4 {
		sum ^= le.Uint32(x.b[i:])
	}
	if sum == 0 {
		sum = 1
	}
	if sum == 0xffffffff {
		sum--
	}
	if sum != le.Uint32(x.b[508:]) {
		return bad(508, "the checksum of its header differs")
	}
	at, end := int64(4096), min(x.size, 4096+int64(le.Uint32(x.b[40:])))
	for at+32 <= end {
		h := x.stored(at, 32)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		size := int64(le.Uint32(h[8:]))
		if string(h[:4]) != "hbin" || size < 4096 || size%4096 != 0 {
			return bad(at, "no bin where one must be")
		}
		at += size
	}
	return form{shape: followed, seen: min(at, x.size)}
}

// walkTar follows the headers of tar, each with its sum. What a member holds is looked at where it is small.
func walkTar(x *exam) form {
	at := int64(0)
	for n := 0; at+512 <= x.size; n++ {
		h := x.stored(at, 512)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		if len(bytes.Trim(h, "\x00")) == 0 {
			return x.rest(at, false)
		}
		if !tarSum(h) {
			return bad(at, "the checksum of a header differs")
		}
		size := tarNumber(h[124:136])
		if size < 0 || size > x.size {
			return bad(at+124, "a member longer than the file")
		}
		if h[156] >= '1' && h[156] <= '6' {
			size = 0
		}
		at += 512 + (size+511)/512*512
	}
	if at > x.size+511 {
		return bad(x.size, "it ends in the middle")
	}
	return form{shape: followed, seen: x.size}
}

func isTar(b []byte) bool {
	return len(b) >= 512 && (string(b[257:262]) == "ustar" || b[0] >= ' ' && b[156] <= 'x') && tarSum(b[:512])
}

func tarSum(h []byte) bool {
	want := tarNumber(h[148:156])
	sum := int64(0)
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int64(c)
	}
	return want == sum && want > 256
}

func tarNumber(b []byte) (v int64) {
	if b[0]&0x80 != 0 {
		return int64(be.Uint64(b[len(b)-8:]) &^ (1 << 63))
	}
	for _, c := range b {
		if c >= '0' && c <= '7' {
			v = v<<3 | int64(c-'0')
		} else if c != ' ' && c != 0 {
			return -1
		}
	}
	return v
}

// walkAr follows the members of ar (also .deb, .a) and looks into the packed ones of a package.
func walkAr(x *exam) form {
	at, sums := int64(8), true
	for at+60 <= x.size {
		h := x.stored(at, 60)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		if h[58] != '`' || h[59] != '\n' {
			return bad(at, "no member where one must be")
		}
		size := int64(0)
		for _, c := range bytes.TrimSpace(h[48:58]) {
			if c < '0' || c > '9' {
				return bad(at+48, "a member without length")
			}
			size = size*10 + int64(c-'0')
		}
		if size > x.size-at-60 {
			return bad(at, "a member longer than the file")
		}
		if name := string(h[:11]); name == "control.tar" || name == "data.tar.xz" || name == "data.tar.gz" || name == "data.tar.zs" {
			b := x.stored(at+60, size)
			if b == nil && at+60 < int64(len(x.b)) {
				b = x.b[at+60:]
			}
			if b != nil {
				f := x.inner(b, size)
				if f.shape == broken {
					return bad(at+60+f.at, "%s", f.why)
				}
				if f.shape == formless {
					return bad(at+60, "a member is not what its name says")
				}
				sums = sums && f.shape == checked
			}
		} else if size > 0 && name != "debian-bina" {
			sums = false
		}
		at += 60 + size + size&1
	}
	return x.ok(x.size, sums)
}

// walkCpio follows the members of cpio's new form.
func walkCpio(x *exam) form {
	at := int64(0)
	for at+110 <= x.size {
		h := x.stored(at, 110)
		if h == nil {
			return form{shape: followed, seen: at}
		}
		if string(h[:5]) != "07070" {
			return x.rest(at, false)
		}
		size, ok := hex(h[54:62])
		name, also := hex(h[94:102])
		if !ok || !also {
			return bad(at, "a header that is none")
		}
		at += (110+name+3)&^3 + (size+3)&^3
	}
	return x.rest(min(at, x.size), false)
}

func hex(b []byte) (v int64, ok bool) {
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | int64(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			v = v<<4 | int64(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// walkRpm follows the two headers of a package and unpacks what is behind them.
func walkRpm(x *exam) form {
	at := int64(96)
	for i := range 2 {
		h := x.stored(at, 16)
		if h == nil {
			return x.cut(at)
		}
		if string(h[:3]) != "\x8e\xad\xe8" {
			return bad(at, "no header where one must be")
		}
		size := 16 + 16*int64(be.Uint32(h[8:])) + int64(be.Uint32(h[12:]))
		at += size
		if i == 0 {
			at = (at + 7) &^ 7
		}
		if at > x.size {
			return bad(at-size, "a header longer than the file")
		}
	}
	if at >= int64(len(x.b)) {
		return x.cut(at)
	}
	f := x.inner(x.b[at:], x.size-at)
	if f.shape == broken {
		return bad(at+f.at, "%s", f.why)
	}
	if f.shape == formless {
		return bad(at, "what is behind its headers is packed by nothing")
	}
	return form{shape: followed, seen: at + f.seen}
}

// walkCab follows the folders of a cabinet and the sums of its blocks' places.
func walkCab(x *exam) form {
	if len(x.b) < 44 {
		return x.cut(int64(len(x.b)))
	}
	if size := int64(le.Uint32(x.b[8:])); size > x.size {
		return bad(8, "it is shorter than it says")
	}
	at := 36
	if le.Uint16(x.b[30:])&4 != 0 {
		at += 4 + int(le.Uint16(x.b[36:]))
	}
	for range le.Uint16(x.b[26:]) {
		f := x.stored(int64(at), 8)
		if f == nil {
			return x.cut(int64(at))
		}
		block := int64(le.Uint32(f))
		for range le.Uint16(f[4:]) {
			h := x.stored(block, 8)
			if h == nil {
				return form{shape: followed, seen: int64(at)}
			}
			packed, plain := int64(le.Uint16(h[4:])), int64(le.Uint16(h[6:]))
			if plain > 32768 || packed > 32768+6144 || block+8+packed > x.size {
				return bad(block, "a block that is none")
			}
			if x.b[30]&4 == 0 {
				block += 8 + packed
			}
		}
		at += 8
	}
	return form{shape: followed, seen: x.size}
}

// walkFont follows the table directory of TrueType, OpenType and WOFF.
func walkFont(x *exam) form {
	if string(x.b[:4]) == "wOF2" || string(x.b[:4]) == "wOFF" {
		if len(x.b) < 44 {
			return x.cut(int64(len(x.b)))
		}
		if n := int64(be.Uint32(x.b[8:])); n > x.size || n+4 < x.size {
			return bad(8, "its length differs")
		}
		if string(x.b[:4]) == "wOFF" {
			return walkWoff(x)
		}
		return form{shape: begun, seen: 48}
	}
	n := int64(be.Uint16(x.b[4:]))
	t := x.stored(12, 16*n)
	if t == nil || n == 0 {
		return bad(4, "its tables lie outside of it")
	}
	for i := range n {
		e := t[16*i:]
		off, size := int64(be.Uint32(e[8:])), int64(be.Uint32(e[12:]))
		if !printable(e[:4]) || off+size > x.size {
			return bad(12+16*i, "a table lies outside of it")
		}
		if b := x.stored(off, size); b != nil && string(e[:4]) != "head" && x.budget > 0 {
			x.budget -= int(size / 8)
			if sumFont(b) != be.Uint32(e[4:]) {
				return bad(off, "the checksum of a table differs")
			}
		}
	}
	return form{shape: followed, seen: x.size}
}

func sumFont(b []byte) (sum uint32) {
	for len(b) >= 4 {
		sum += be.Uint32(b)
		b = b[4:]
	}
	var last [4]byte
	copy(last[:], b)
	return sum + be.Uint32(last[:])
}

// walkWoff unpacks the tables of WOFF 1.
func walkWoff(x *exam) form {
	for i := range int64(be.Uint16(x.b[12:])) {
		e := x.stored(44+20*i, 20)
		if e == nil {
			return x.cut(44 + 20*i)
		}
		off, packed, size := int64(be.Uint32(e[4:])), int64(be.Uint32(e[8:])), int64(be.Uint32(e[12:]))
		if off+packed > x.size || packed > size {
			return bad(44+20*i, "a table lies outside of it")
		}
		if b := x.stored(off, packed); b != nil && packed < size && x.budget > 0 && !x.inflates(b) {
			return bad(off, "a table does not unpack")
		}
	}
	return form{shape: followed, seen: x.size}
}

func isTrueType(b []byte) bool {
	return len(b) >= 28 && (string(b[:4]) == "\x00\x01\x00\x00" || string(b[:4]) == "true" || string(b[:4]) == "OTTO") && b[4] == 0 && b[5] > 0 && printable(b[12:16])
}

// walkMo looks whether the texts of a compiled catalogue lie inside.
func walkMo(x *exam) form {
	if len(x.b) < 28 {
		return x.cut(int64(len(x.b)))
	}
	o := x.order(x.b[0] == 0xde)
	n := int64(o.Uint32(x.b[8:]))
	for _, p := range []int{12, 16} {
		off := int64(o.Uint32(x.b[p:]))
		t := x.stored(off, 8*n)
		if off+8*n > x.size {
			return bad(int64(p), "a table lies outside of it")
		}
		if t == nil {
			continue
		}
		for i := range n {
			if int64(o.Uint32(t[8*i:]))+int64(o.Uint32(t[8*i+4:])) > x.size {
				return bad(off+8*i, "a text lies outside of it")
			}
		}
	}
	return form{shape: followed, seen: 28}
}

// walkNumpy checks the header of an array and that its size fits.
func walkNumpy(x *exam) form {
	if len(x.b) < 12 {
		return x.cut(int64(len(x.b)))
	}
	n := int64(10 + le.Uint16(x.b[8:]))
	h := x.stored(10, n-10)
	if h == nil || !bytes.Contains(h, []byte("descr")) || h[len(h)-1] != '\n' {
		return bad(10, "its header is none")
	}
	return form{shape: begun, seen: n}
}

// ends asks for a signature at the end too.
func ends(with string, shape shape) func(x *exam) form {
	return func(x *exam) form {
		if t := x.v.tail(len(with)); string(t) != with {
			return bad(x.size, "its end is not as it must be")
		}
		return form{shape: shape, seen: int64(len(with))}
	}
}

// walkFits looks at the cards of FITS: text of 80 columns in blocks of 2880.
func walkFits(x *exam) form {
	for at := int64(0); at+80 <= x.size; at += 80 {
		c := x.stored(at, 80)
		if c == nil {
			return form{shape: followed, seen: at}
		}
		if !printable(c) {
			return bad(at, "a card that is no text")
		}
		if bytes.HasPrefix(c, []byte("END   ")) {
			return form{shape: begun, seen: at}
		}
	}
	return bad(x.size, "it has no end")
}

// walkIcc compares the length that a colour profile tells.
func walkIcc(x *exam) form {
	if n := int64(be.Uint32(x.b)); n != x.size && (n+3)&^3 != x.size {
		return bad(0, "its length differs")
	}
	n := int64(0)
	if b := x.stored(128, 4); b != nil {
		n = int64(be.Uint32(b))
	}
	t := x.stored(132, 12*n)
	if t == nil || n > 200 {
		return bad(128, "its tags lie outside of it")
	}
	for i := range n {
		if int64(be.Uint32(t[12*i+4:]))+int64(be.Uint32(t[12*i+8:])) > x.size {
			return bad(132+12*i, "a tag lies outside of it")
		}
	}
	return form{shape: followed, seen: 132 + 12*n}
}

// walkGitPack follows the objects of a pack of git: each unpacks.
func walkGitPack(x *exam) form {
	if len(x.b) < 12 {
		return x.cut(0)
	}
	n := be.Uint32(x.b[8:])
	src := &feed{b: x.b, pos: 12}
	for range n {
		at := src.pos
		c := byte(0x80)
		kind := byte(0)
		for first := true; c&0x80 != 0; first = false {
			var err error
			if c, err = src.ReadByte(); err != nil {
				return x.cut(int64(at))
			}
			if first {
				kind = c >> 4 & 7
			}
		}
		switch kind {
		case 6:
			for c := byte(0x80); c&0x80 != 0; {
				var err error
				if c, err = src.ReadByte(); err != nil {
					return x.cut(int64(at))
				}
			}
		case 7:
			src.pos += 20
		case 0, 5:
			return bad(int64(at), "an object of a kind that is none")
		}
		if src.pos+2 > len(x.b) {
			return x.cut(int64(at))
		}
		src.pos += 2
		if f, end := x.zlibStream(src); end {
			return f
		}
	}
	return x.rest(int64(src.pos)+20, true)
}
