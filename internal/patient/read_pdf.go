package patient

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"encoding/hex"
	"io"
	"slices"
	"strconv"
	"strings"
)

// PDF (ISO 32000): the text of pages. Objects are found by looking for them, not by the cross-reference table, which is wrong in damaged
// files and in half of the hostile ones. Of a page its content streams are run as far as text goes, with the fonts' ToUnicode maps. A page that is a
// picture gives no text, and it is said so; encrypted files are told and not opened.

func isPDF(head []byte, _ string) bool {
	return bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-"))
}

const (
	maxPDF        = 64 << 20 // of the file that is looked at
	maxPDFObjects = 300_000
	maxPDFText    = 64 << 20 // unpacked, all streams together
	maxPDFWork    = 1 << 28
	maxPDFDepth   = 24
	maxPDFPages   = 20_000
)

type pdf struct {
	b       []byte
	w       *worker
	t       *tally
	s       *scanner
	objects map[int][]byte // from behind "obj"
	cmaps   map[int]*cmap
	left    int64 // that may still be unpacked
	work    int64 // bytes that may still be looked at: objects may name one another over and over
	line    []byte
	any     bool  // text was found
	table   *rows // that the last lines belong to
	pending bool  // a new line was asked for, unless the next text stands on the same height
}

func readPDF(w *worker, c *content, t *tally) {
	b, _ := io.ReadAll(io.LimitReader(c.r, maxPDF))
	d := &pdf{b: b, w: w, t: t, s: newScanner(t, &w.run.o), objects: map[int][]byte{}, cmaps: map[int]*cmap{}, left: maxPDFText, work: maxPDFWork}
	if len(b) == maxPDF {
		t.note("a large PDF: only its first 64 MB were looked at")
	}
	if i := bytes.LastIndex(b, []byte("/Encrypt")); i >= 0 && (bytes.Contains(b[max(0, i-2000):i], []byte("trailer")) || bytes.Contains(b[max(0, i-2000):min(len(b), i+2000)], []byte("/XRef"))) {
		t.note("encrypted PDF")
		return
	}
	d.index()
	numbers := make([]int, 0, len(d.objects))
	for n := range d.objects {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	pages := 0
	for _, n := range numbers {
		if w.ctx.Err() != nil {
			return
		}
		o := d.dict(n)
		switch {
		case o["Type"] == pdfName("Page"):
			if pages++; pages <= maxPDFPages {
				d.page(o)
			}
		case o["Subtype"] == pdfName("Form"):
			d.content(d.stream(n), d.fonts(o["Resources"]))
		}
		d.endLine()
	}
	d.endTable()
	d.s.end()
	if pages > 0 && !d.any {
		t.note("a PDF without text: its pages are pictures, or its fonts tell no letters")
	}
}

// index finds the objects, those inside object streams as well.
func (d *pdf) index() {
	var streams []int
	for at := 0; len(d.objects) < maxPDFObjects; {
		i := bytes.Index(d.b[at:], []byte(" obj"))
		if i < 0 {
			break
		}
		i += at
		at = i + 4
		// "12 0 obj"
		j := i
		for j > 0 && d.b[j-1] >= '0' && d.b[j-1] <= '9' {
			j--
		}
		k := j
		for k > 0 && (d.b[k-1] == ' ' || d.b[k-1] == '\n' || d.b[k-1] == '\r') {
			k--
		}
		m := k
		for m > 0 && k-m < 10 && d.b[m-1] >= '0' && d.b[m-1] <= '9' {
			m--
		}
		n, err := strconv.Atoi(string(d.b[m:k]))
		if err != nil || j == i {
			continue
		}
		d.objects[n] = d.b[at:]
		if bytes.Contains(d.b[at:min(len(d.b), at+300)], []byte("/ObjStm")) {
			streams = append(streams, n)
		}
	}
	for _, n := range streams {
		d.unpackObjects(n)
	}
}

// unpackObjects takes the objects out of an object stream: pairs of number and offset, then the objects.
func (d *pdf) unpackObjects(n int) {
	o := d.dict(n)
	count, _ := o["N"].(float64)
	first, _ := o["First"].(float64)
	b := d.stream(n)
	if first < 0 || int(first) > len(b) {
		return
	}
	l := pdfLexer{b: b[:int(first)]}
	for i := 0; i < int(count) && i < maxPDFObjects && len(d.objects) < maxPDFObjects; i++ {
		num, ok1 := l.value(0).(float64)
		off, ok2 := l.value(0).(float64)
		if !ok1 || !ok2 {
			return
		}
		if at := int(first) + int(off); off >= 0 && at >= 0 && at < len(b) {
			d.objects[int(num)] = b[at:]
		}
	}
}

type (
	pdfName   string
	pdfRef    int
	pdfString []byte
	pdfWord   string
	pdfDict   map[string]any
)

// dict is the dictionary of an object; nil if it has none.
func (d *pdf) dict(n int) pdfDict {
	b, ok := d.objects[n]
	if !ok || d.work <= 0 {
		return nil
	}
	l := pdfLexer{b: b[:min(len(b), 1<<20)]}
	o, _ := l.value(0).(pdfDict)
	d.work -= int64(l.at)
	return o
}

// resolve follows a reference to a dictionary.
func (d *pdf) resolve(v any) pdfDict {
	switch v := v.(type) {
	case pdfDict:
		return v
	case pdfRef:
		return d.dict(int(v))
	}
	return nil
}

// stream unpacks the stream of an object, up to what is left for the file.
func (d *pdf) stream(n int) []byte {
	b := d.objects[n]
	l := pdfLexer{b: b[:min(len(b), 1<<20)]}
	o, ok := l.value(0).(pdfDict)
	if d.work -= int64(l.at); !ok || d.work <= 0 {
		return nil
	}
	i := bytes.Index(l.b[l.at:min(len(l.b), l.at+64)], []byte("stream"))
	if i < 0 {
		return nil
	}
	b = b[l.at+i+6:]
	b = bytes.TrimPrefix(bytes.TrimPrefix(b, []byte("\r")), []byte("\n"))
	length, ok := o["Length"].(float64)
	if ref, is := o["Length"].(pdfRef); is {
		l := pdfLexer{b: d.objects[int(ref)]}
		if len(l.b) > 64 {
			l.b = l.b[:64]
		}
		length, ok = l.value(0).(float64)
	}
	if end := int(length); ok && end >= 0 && end <= len(b) && bytes.Contains(b[end:min(len(b), end+20)], []byte("endstream")) {
		b = b[:end]
	} else if end := bytes.Index(b, []byte("endstream")); end >= 0 {
		b = b[:end]
	}
	d.work -= int64(len(b))
	for _, f := range names(o["Filter"]) {
		b = d.filter(f, b)
	}
	return b
}

func names(v any) (out []string) {
	switch v := v.(type) {
	case pdfName:
		return []string{string(v)}
	case []any:
		for _, x := range v[:min(len(v), 4)] {
			if n, ok := x.(pdfName); ok {
				out = append(out, string(n))
			}
		}
	}
	return out
}

func (d *pdf) filter(name string, b []byte) []byte {
	var r io.Reader
	switch name {
	case "FlateDecode", "Fl":
		z, err := zlib.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil
		}
		r = z
	case "ASCII85Decode", "A85":
		if i := bytes.Index(b, []byte("~>")); i >= 0 {
			b = b[:i]
		}
		r = ascii85.NewDecoder(bytes.NewReader(b))
	case "ASCIIHexDecode", "AHx":
		if i := bytes.IndexByte(b, '>'); i >= 0 {
			b = b[:i]
		}
		r = hex.NewDecoder(bytes.NewReader(bytes.Join(bytes.Fields(b), nil)))
	default:
		return nil // pictures, LZW
	}
	out, err := io.ReadAll(io.LimitReader(r, d.left))
	if d.left -= int64(len(out)); d.left <= 0 && err == nil {
		d.t.note("the PDF unpacks to too much: the rest was not looked at")
	}
	return out
}

// page runs the contents of a page.
func (d *pdf) page(o pdfDict) {
	resources, up := o["Resources"], o
	for depth := 0; resources == nil && depth < maxPDFDepth; depth++ {
		if up = d.resolve(up["Parent"]); up == nil {
			break
		}
		resources = up["Resources"]
	}
	fonts := d.fonts(resources)
	var b []byte
	switch c := o["Contents"].(type) {
	case pdfRef:
		if raw := d.objects[int(c)]; len(raw) > 0 {
			l := pdfLexer{b: raw[:min(len(raw), 1<<16)]}
			if list, ok := l.value(0).([]any); ok {
				b = d.join(list)
			} else {
				b = d.stream(int(c))
			}
		}
	case []any:
		b = d.join(c)
	}
	d.content(b, fonts)
}

func (d *pdf) join(list []any) (b []byte) {
	for _, x := range list[:min(len(list), 1000)] {
		if r, ok := x.(pdfRef); ok && len(b) < maxPDFText {
			b = append(append(b, d.stream(int(r))...), '\n')
		}
	}
	return b
}

// fonts are the maps to Unicode of the fonts of a page, by name.
func (d *pdf) fonts(resources any) map[string]*cmap {
	out := map[string]*cmap{}
	for name, v := range d.resolve(d.resolve(resources)["Font"]) {
		ref, _ := v.(pdfRef)
		if m, ok := d.cmaps[int(ref)]; ok && ref != 0 {
			out[name] = m
			continue
		}
		o := d.resolve(v)
		m := &cmap{width: 1}
		if o["Subtype"] == pdfName("Type0") {
			m.width = 2
		}
		if r, ok := o["ToUnicode"].(pdfRef); ok {
			m.parse(d.stream(int(r)))
		}
		if out[name] = m; len(d.cmaps) < 10_000 {
			d.cmaps[int(ref)] = m
		}
	}
	return out
}

// content runs a content stream (ISO 32000, 9.4): what shows text, and what moves to another line.
func (d *pdf) content(b []byte, fonts map[string]*cmap) {
	if d.work -= int64(len(b)); d.work <= 0 {
		d.t.note("the PDF refers to its parts too often: the rest was not looked at")
		return
	}
	l := pdfLexer{b: b}
	var args []any
	font := &cmap{width: 1}
	y, up := 0.0, []float64{0} // height of the last text; of the coordinates around, by q and Q
	number := func(i int) float64 {
		if n := len(args) - i; n >= 0 && n < len(args) {
			f, _ := args[n].(float64)
			return f
		}
		return 0
	}
	for {
		v := l.value(0)
		if v == nil && l.end() {
			break
		}
		op, ok := v.(pdfWord)
		if !ok {
			if len(args) < 16 {
				args = append(args, v)
			}
			continue
		}
		switch op {
		case "Tf":
			if len(args) >= 2 {
				if n, ok := args[len(args)-2].(pdfName); ok && fonts[string(n)] != nil {
					font = fonts[string(n)]
				}
			}
		case "q":
			if len(up) < 100 {
				up = append(up, up[len(up)-1])
			}
		case "Q":
			if len(up) > 1 {
				up = up[:len(up)-1]
			}
		case "cm":
			up[len(up)-1] += number(1)
		case "Td", "TD":
			if number(1) != 0 {
				d.pending = true
			} else {
				d.gap()
			}
		case "Tm":
			if f := number(1) + up[len(up)-1]; f-y > 1 || y-f > 1 {
				d.pending, y = true, f
			} else {
				d.pending = false
				d.gap()
			}
		case "T*":
			d.pending = true
		case "'", "\"":
			d.pending = true
			d.show(args, font)
		case "Tj", "TJ":
			d.show(args, font)
		case "BI":
			if i := bytes.Index(l.b[l.at:], []byte("EI")); i >= 0 {
				l.at += i + 2
			}
		}
		args = args[:0]
	}
}

// gap is a move within the line.
func (d *pdf) gap() {
	if n := len(d.line); n > 0 && d.line[n-1] != '\t' {
		d.line = append(d.line, '\t')
	}
}

// endLine looks at a line: as text, unless it is the heading of a table or one of its rows.
func (d *pdf) endLine() {
	d.pending = false
	if len(bytes.TrimSpace(d.line)) == 0 {
		d.line = d.line[:0]
		return
	}
	d.any = true
	cells := strings.Split(strings.Trim(string(d.line), "\t "), "\t")
	switch {
	case d.table != nil && len(cells) > 1:
		d.table.row(cells)
	case len(cells) > 1 && allHeadings(cells):
		d.table = newRows(d.t, &d.w.run.o, "", d.s)
		d.table.row(cells)
	default:
		d.endTable()
		d.s.line(d.line)
	}
	d.line = d.line[:0]
}

func (d *pdf) endTable() {
	if d.table != nil {
		d.table.end()
		d.table = nil
	}
}

// allHeadings reports whether the cells of a line are headings of a table: at least two tell what they are, and none ends as a label does.
func allHeadings(cells []string) bool {
	told := 0
	for _, c := range cells {
		if r, _ := roleOf(c); r != noRole {
			told++
		}
		if strings.HasSuffix(strings.TrimSpace(c), ":") {
			return false
		}
	}
	return told >= 2
}

func (d *pdf) show(args []any, font *cmap) {
	if d.pending || len(d.line) > maxLine {
		d.endLine()
	}
	for _, a := range args {
		switch a := a.(type) {
		case pdfString:
			d.line = font.text(d.line, a)
		case []any:
			for _, x := range a {
				switch x := x.(type) {
				case pdfString:
					d.line = font.text(d.line, x)
				case float64:
					if x < -180 && len(d.line) > 0 && d.line[len(d.line)-1] != ' ' {
						d.line = append(d.line, ' ')
					}
				}
			}
		}
	}
}
