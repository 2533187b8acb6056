package damage

import (
	"bytes"
	"encoding/binary"
)

// walkPdf looks for what every PDF (ISO 32000) has: objects, a cross-reference at the end, and streams that unpack.
func walkPdf(x *exam) form {
	b := x.b
	tail := x.v.tail(2048)
	if !bytes.Contains(tail, []byte("%%EOF")) && !bytes.Contains(tail, []byte("startxref")) {
		if x.whole {
			return bad(x.size, "it has no end")
		}
	}
	if bytes.Contains(tail, []byte("/Encrypt")) {
		return form{shape: followed, seen: 8, honest: "PDF with a password"}
	}
	p := pdfStreams{x: x}
	for x.budget > 0 {
		if f, end := p.next(); end {
			if f.shape != formless {
				return f
			}
			break
		}
	}
	switch {
	case p.objects == 0 && !bytes.Contains(b, []byte(" obj")) && !bytes.Contains(b, []byte("\nobj")):
		return bad(8, "it has no object")
	case p.wrong > 0:
		return bad(int64(p.at), "a stream does not unpack")
	case x.budget > 0:
		return form{shape: followed, seen: int64(len(b))}
	}
	return form{shape: followed, seen: int64(p.at)}
}

// pdfStreams goes through the streams of a PDF.
type pdfStreams struct {
	x              *exam
	at             int
	objects, wrong int // objects with a stream, and streams that do not unpack
}

// next looks at the next stream; end says that there is none, or that f is the last word.
func (p *pdfStreams) next() (f form, end bool) {
	x, b := p.x, p.x.b
	i := bytes.Index(b[p.at:], []byte("stream"))
	if i < 0 {
		return form{}, true
	}
	from := p.at + i
	p.at = from + 6
	if from >= 3 && string(b[from-3:from]) == "end" {
		return form{}, false
	}
	dict := b[max(0, from-1024):from]
	if k := bytes.LastIndex(dict, []byte(" obj")); k >= 0 {
		dict = dict[k:]
		p.objects++
	}
	for p.at < len(b) && (b[p.at] == '\r' || b[p.at] == '\n') && p.at < from+8 {
		p.at++
	}
	length := bytes.Index(b[p.at:], []byte("endstream"))
	if length < 0 {
		if f := x.cut(int64(from)); f.shape != broken || p.objects == 0 {
			return f, true
		}
		return bad(int64(from), "a stream without end"), true
	}
	has := func(word string) bool { return bytes.Contains(dict, []byte(word)) }
	if has("/Type/XRef") && has("/Encrypt") {
		return form{shape: followed, seen: 8, honest: "PDF with a password"}, true
	}
	if has("/FlateDecode") && !has("[/Crypt") && !has("/ASCII85") && !has("/ASCIIHex") && !x.inflates(b[p.at:p.at+length]) {
		if p.wrong++; p.wrong > 1 {
			return bad(int64(p.at), "streams do not unpack"), true
		}
	}
	p.at += length + 9
	return form{}, false
}

// inflates reports whether a zlib stream unpacks; a sum that is missing at the end is no fault in PDF.
func (x *exam) inflates(b []byte) bool {
	if len(b) < 3 || b[0]&15 != 8 || (int(b[0])<<8|int(b[1]))%31 != 0 {
		return len(b) < 3
	}
	r := inflater(&feed{b: b, pos: 2})
	defer giveBack(r)
	_, _, err := x.drain(r, nil)
	return err == nil
}

// walkRtf looks whether it is text and closes what it opens.
func walkRtf(x *exam) form {
	var h histogram
	h.add(x.b)
	if binary := h.share(0, 8) + h.share(14, 31) + h.share(128, 255); binary > .05 && !bytes.Contains(x.b, []byte(`\bin`)) {
		return bad(0, "it holds what is no text")
	}
	if x.whole && bytes.LastIndexByte(x.v.tail(256), '}') < 0 {
		return bad(x.size, "it has no end")
	}
	return form{shape: followed, seen: int64(len(x.b))}
}

// walkOle2 follows the sector tables and the directory of a compound file ([MS-CFB]).
func walkOle2(x *exam) form {
	if len(x.b) < 512 {
		return x.cut(int64(len(x.b)))
	}
	shift := le.Uint16(x.b[30:])
	if le.Uint16(x.b[28:]) != 0xfffe || shift != 9 && shift != 12 {
		return bad(28, "its header is none")
	}
	sector := int64(1) << shift
	sectors := uint32((x.size + sector - 1) / sector)
	at := func(n uint32) int64 { return (int64(n) + 1) * sector }
	next := map[uint32][]byte{}
	tables := min(le.Uint32(x.b[44:]), 109)
	for i := range tables {
		n := le.Uint32(x.b[76+4*i:])
		if n >= 0xfffffffa {
			break
		}
		if n > sectors {
			return bad(int64(76+4*i), "a sector table lies outside of it")
		}
		t := x.stored(at(n), sector)
		if t == nil {
			if !x.whole {
				continue
			}
			return bad(at(n), "a sector table lies outside of it")
		}
		for k := int64(0); k < sector; k += 4 {
			if v := le.Uint32(t[k:]); v > sectors && v < 0xfffffffa {
				return bad(at(n)+k, "a sector table leads outside")
			}
		}
		next[i] = t
	}
	dir := le.Uint32(x.b[48:])
	entries := 0
	for n := 0; dir < 0xfffffffa && n < 4096; n++ {
		b := x.stored(at(dir), sector)
		if b == nil {
			break
		}
		for k := int64(0); k+128 <= sector; k += 128 {
			e := b[k:]
			kind, name := e[66], le.Uint16(e[64:])
			if kind > 5 || kind == 4 || kind == 3 || name > 64 || e[67] > 1 && kind != 0 {
				return bad(at(dir)+k, "an entry of its directory is none")
			}
			if kind != 0 {
				entries++
			}
			if kind == 2 && utf16Is(e[:name], "EncryptedPackage") {
				return form{shape: followed, seen: x.size, honest: "Office with a password"}
			}
		}
		per := uint32(sector / 4)
		t := next[dir/per]
		if t == nil {
			break
		}
		dir = le.Uint32(t[4*(dir%per):])
	}
	if entries == 0 && x.whole {
		return bad(48, "its directory is empty")
	}
	return form{shape: followed, seen: 512}
}

func utf16Is(b []byte, s string) bool {
	if len(b) < 2*len(s) {
		return false
	}
	for i := range len(s) {
		if b[2*i] != s[i] || b[2*i+1] != 0 {
			return false
		}
	}
	return true
}

// walkSqlite looks at each page of SQLite: its kind, and where its cells are.
func walkSqlite(x *exam) form {
	if len(x.b) < 100 {
		return x.cut(int64(len(x.b)))
	}
	size := int64(be.Uint16(x.b[16:]))
	if size == 1 {
		size = 65536
	}
	if size < 512 || size&(size-1) != 0 || x.b[21] != 64 || x.b[22] != 32 {
		return bad(16, "its header is none")
	}
	odd, pages := 0, 0
	first := int64(-1)
	for _, w := range x.v.windows {
		for at := (w.off + size - 1) / size * size; at+size <= w.off+int64(len(w.b)); at += size {
			pages++
			if !sqlitePage(w.b[at-w.off:at-w.off+size], at == 0) {
				odd++
				if first < 0 {
					first = at
				}
			}
		}
	}
	// Overflow and free pages hold anything; hence a share, unless the very first page is wrong.
	if first == 0 {
		return bad(100, "its first page is none")
	}
	if pages > 0 && odd > 0 {
		if f := x.sqliteOdd(size); f >= 0 {
			return bad(f, "a page looks random")
		}
	}
	if x.whole && x.size%size != 0 {
		return bad(x.size, "it ends within a page")
	}
	return form{shape: followed, seen: x.size}
}

// sqliteOdd finds a page that is random in its whole and no b-tree page; -1 if there is none.
func (x *exam) sqliteOdd(size int64) int64 {
	for _, w := range x.v.windows {
		for at := (w.off + size - 1) / size * size; at+size <= w.off+int64(len(w.b)); at += size {
			p := w.b[at-w.off : at-w.off+size]
			if next := int64(be.Uint32(p)); !sqlitePage(p, at == 0) && next*size > x.size && looksRandom(p) {
				return at
			}
		}
	}
	return -1
}

func sqlitePage(p []byte, first bool) bool {
	h := p
	if first {
		h = p[100:]
	}
	head := 8
	switch h[0] {
	case 2, 5:
		head = 12
	case 10, 13:
	default:
		return false
	}
	cells, content := int(be.Uint16(h[3:])), int(be.Uint16(h[5:]))
	if content == 0 {
		content = 65536
	}
	if head+2*cells > len(h) || content > len(p) || h[7] > 60 {
		return false
	}
	for i := range cells {
		if c := int(be.Uint16(h[head+2*i:])); c < content || c > len(p) {
			return false
		}
	}
	return true
}

// walkEse checks the sum of an ESE database's header: an exclusive or over its words.
func walkEse(x *exam) form {
	b := x.stored(0, 4096)
	if b == nil {
		return x.cut(int64(len(x.b)))
	}
	sum := uint32(0x89abcdef)
	for i := 4; i < 4096; i += 4 {
		sum ^= le.Uint32(b[i:])
	}
	if sum != le.Uint32(b) && x.size > 8192 {
		return form{shape: begun, seen: 8}
	}
	return form{shape: followed, seen: 4096}
}

// walkAccess looks at the pages of Jet and ACE: the first byte of each tells its kind.
func walkAccess(x *exam) form {
	size := int64(4096)
	if len(x.b) > 20 && x.b[20] == 0 {
		size = 2048
	}
	odd, pages := 0, 0
	for _, w := range x.v.windows {
		for at := (w.off + size - 1) / size * size; at+size <= w.off+int64(len(w.b)); at += size {
			pages++
			if w.b[at-w.off] > 9 {
				odd++
			}
		}
	}
	if pages > 4 && odd > pages/4 {
		return bad(size, "%d of %d pages are none", odd, pages)
	}
	return form{shape: followed, seen: x.size}
}

// walkMssql looks at the pages of SQL Server: version 1, and a kind that exists.
func walkMssql(x *exam) form {
	odd, pages := 0, 0
	for _, w := range x.v.windows {
		for at := (w.off + 8191) / 8192 * 8192; at+8192 <= w.off+int64(len(w.b)); at += 8192 {
			pages++
			if h := w.b[at-w.off:]; h[0] > 1 || h[1] > 20 {
				odd++
			}
		}
	}
	if pages > 0 && odd > pages/8 {
		return bad(0, "%d of %d pages are none", odd, pages)
	}
	return form{shape: followed, seen: x.size}
}

func isMssql(b []byte) bool {
	return len(b) >= 8192 && b[0] == 1 && b[1] == 15 && b[3] == 0 && le.Uint32(b[32:]) == 0
}

// isInnodb takes the first page of an InnoDB table space: number 0, kind 8, and space ids that agree.
func isInnodb(b []byte) bool {
	return len(b) >= 16384 && be.Uint32(b[4:]) == 0 && be.Uint16(b[24:]) == 8 && be.Uint32(b[34:]) == be.Uint32(b[38:])
}

// walkInnodb looks at pages of 16 KiB: each begins with its sum and number, and ends with the low half of its sequence number.
func walkInnodb(x *exam) form {
	odd, pages := 0, 0
	first := int64(0)
	for _, w := range x.v.windows {
		for at := (w.off + 16383) / 16384 * 16384; at+16384 <= w.off+int64(len(w.b)); at += 16384 {
			p := w.b[at-w.off : at-w.off+16384]
			pages++
			if be.Uint32(p[4:]) != uint32(at/16384) && be.Uint32(p[4:]) != 0 || be.Uint32(p[20:]) != be.Uint32(p[16380:]) {
				if odd++; odd == 1 {
					first = at
				}
			}
		}
	}
	if odd > 0 && odd >= pages/100+1 {
		return bad(first, "%d of %d pages are none", odd, pages)
	}
	return form{shape: followed, seen: x.size}
}

func isDicom(b []byte) bool { return len(b) >= 132 && string(b[128:132]) == "DICM" }

// isDicomBare takes a data set without preamble: it begins with group 8 or 2, little endian, and a plausible length.
func isDicomBare(b []byte) bool {
	return len(b) >= 64 && (b[0] == 8 || b[0] == 2) && b[1] == 0 && b[3] == 0 && (b[2] == 0 || b[2] == 1 || b[2] == 5 || b[2] == 8 || b[2] == 0x16) && (letters(b[4:6]) && b[4] < 'a' && b[5] < 'a' || le.Uint32(b[4:]) <= 128)
}

var longVR = map[string]bool{"OB": true, "OW": true, "OF": true, "OD": true, "OL": true, "OV": true, "SQ": true, "UN": true, "UT": true, "UC": true, "UR": true, "SV": true, "UV": true}

// dicomLength is the length of an element and of its head; a head of 0 where h breaks off in it, or is none, which why says.
func dicomLength(h []byte, order binary.ByteOrder, explicit bool) (size, head int64, why string) {
	if !explicit {
		return int64(order.Uint32(h[4:])), 8, ""
	}
	switch {
	case !letters(h[4:6]):
		return 0, 0, "an element of a kind that is none"
	case !longVR[string(h[4:6])]:
		return int64(order.Uint16(h[6:])), 8, ""
	case len(h) < 12:
		return 0, 0, ""
	}
	return int64(order.Uint32(h[8:])), 12, ""
}

// walkDicom follows the data elements (DICOM PS3.5) of explicit and implicit transfer syntaxes; deflated ones by unpacking.
func walkDicom(x *exam) form {
	at := int64(0)
	if isDicom(x.b) {
		at = 132
	}
	explicit, big := true, false
	if at == 0 {
		explicit = letters(x.b[4:6])
	}
	var syntax string
	group2 := at == 132
	last := uint32(0)
	for n := 0; at+8 <= x.size && n < 1<<16; n++ {
		h := x.stored(at, min(12, x.size-at))
		if h == nil {
			return form{shape: followed, seen: at}
		}
		if group2 && le.Uint16(h) != 2 {
			group2, last = false, 0
			if syntax == "1.2.840.10008.1.2.1.99" {
				return x.dicomDeflated(at)
			}
			explicit, big = syntax != "1.2.840.10008.1.2", syntax == "1.2.840.10008.1.2.2"
		}
		order := x.order(!big)
		tag := uint32(order.Uint16(h))<<16 | uint32(order.Uint16(h[2:]))
		if tag == 0 && len(bytes.Trim(h, "\x00")) == 0 {
			return x.rest(at, false)
		}
		if tag < last && tag>>16 != 0xfffe && tag>>16 != 0xfffc || tag>>16 < 2 {
			return bad(at, "an element out of order")
		}
		size, head, why := dicomLength(h, order, explicit && tag>>16 != 0xfffe)
		switch {
		case head == 0 && why == "":
			return x.cut(at)
		case why != "":
			return bad(at, "%s", why)
		}
		if tag == 0x00020010 && size < 65 {
			if v := x.stored(at+head, size); v != nil {
				syntax = string(bytes.Trim(v, "\x00 "))
			}
		}
		if size == 0xffffffff || tag == 0xfffee000 || tag == 0xfffee00d || tag == 0xfffee0dd {
			// Of undefined length: its items follow, told by their own tags.
			if size == 0xffffffff || tag != 0xfffee000 {
				size = 0
			}
			if tag>>16 == 0xfffe || size == 0 {
				at += head + size
				last = 0
				continue
			}
		}
		if size > x.size-at-head {
			return bad(at, "an element longer than the file")
		}
		last = tag
		at += head + size
	}
	return x.rest(min(at, x.size), false)
}

func (x *exam) dicomDeflated(at int64) form {
	if at >= int64(len(x.b)) {
		return x.cut(at)
	}
	src := &feed{b: x.b, pos: int(at)}
	r := inflater(src)
	defer giveBack(r)
	_, done, err := x.drain(r, nil)
	if f, end := x.unpacked(src, done, err); end {
		return f
	}
	return form{shape: followed, seen: x.size}
}
