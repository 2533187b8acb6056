package evidence

import (
	"context"
	"errors"
	"io"
	"math"
	"path"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// marksReader looks at files that no other reader takes for the cheap marks that encryption leaves, while they are
// hashed: a ransom note, a note put before a file's own content, content that is random where the name promises a kind of
// file, an extension added. A file with a mark is an event; one without is none.
//
// One file alone does not prove much: lawful encryption and compression look random too. So only what the name promises
// and the content lacks counts, no content of a known form does, and what has neither is left alone.
var marksReader = reader{kind: kindUnknown, read: readMarks}

// Slots of a marked file.
const (
	markPath = iota
	markMark
	markPart
	markType
	markExtension
	markAdded
	markStrange
	markSize
	markEntropy
	markSampled
	markChi
	markContact
	markSlots
)

// markSchemas are by product.
var markSchemas = map[string]*event.Schema{"windows": markSchema("windows"), "linux": markSchema("linux")}

func markSchema(product string) *event.Schema {
	return event.TextSchema(event.Source{Product: product, Channel: "file marks"},
		"TargetFilename", "Mark", "Part", "Type", "Extension", "AddedExtension", "AddedByNobody", "Size", "Entropy", "EntropyOfSamples", "ChiSquare", "Contact")
}

// The values of Mark.
const (
	markNote       = "note"         // a ransom note
	markNoteInHead = "note in head" // a ransom note, and behind it what is no text
	markEncrypted  = "encrypted"    // random content where the name promises another
	markZeroed     = "zeroed"       // nothing but zeros where the name promises content
	markRenamed    = "renamed"      // whole content of a known form, and an extension added that nobody knows
)

// How much of a file is measured: its head, and of the rest a block of every stride.
const (
	markHead   = headBytes
	markBlock  = 4 << 10
	markStride = 256 << 10
)

func readMarks(ctx context.Context, in *input, out *output) error {
	buf := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(buf)
	head := buf[:markHead]
	n, err := io.ReadFull(in.Stream, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	head = head[:n]
	m := &measure{size: int64(n), zero: isZero(head)}
	if n == markHead {
		if err := m.rest(ctx, in.Stream); err != nil {
			return err
		}
	}
	f := judgeFile(head, path.Base(in.Path), out.facts.Kind, m)
	if f.mark == "" {
		return nil
	}
	where, product := onItsSystem(in.Path)
	rec := event.Record{Schema: markSchemas[product], Time: event.NoTime, Number: 1}
	if in.Stored && !in.Modified.IsZero() {
		rec.Time = event.At(in.Modified)
		out.note("the time of the file's mark is its last change as the archive has it")
	} else {
		out.note("the file's mark has no time: the time of a loose file's last change may be that of its copy")
	}
	out.want(rec.Schema)
	rec.Slots = f.slots(where, m)
	out.take(&rec)
	return nil
}

// measure is what is counted of a file's bytes.
type measure struct {
	size    int64
	zero    bool
	sampled histogram // blocks of the rest
}

// rest measures what follows the head.
func (m *measure) rest(ctx context.Context, r io.Reader) error {
	buf := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(buf)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(r, buf[:markStride])
		m.size += int64(n)
		m.sampled.add(buf[:min(n, markBlock)])
		m.zero = m.zero && isZero(buf[:n])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// histogram counts bytes by value.
type histogram struct {
	count [256]uint64
	n     uint64
}

func (h *histogram) add(b []byte) {
	for _, c := range b {
		h.count[c]++
	}
	h.n += uint64(len(b))
}

// entropy is Shannon's, in bits for a byte: 0 to 8.
func (h *histogram) entropy() (bits float64) {
	for _, c := range h.count {
		if c > 0 {
			p := float64(c) / float64(h.n)
			bits -= float64(p * math.Log2(p)) // the conversion keeps processors from fusing, so that all give the same
		}
	}
	return bits
}

// chiSquare is Pearson's statistic against bytes that are all as likely, rounded down. Of random bytes it is about 255,
// with a standard deviation of 22.6.
func (h *histogram) chiSquare() uint64 {
	if h.n == 0 {
		return 0
	}
	var squares uint64
	for _, c := range h.count {
		squares += c * c
	}
	return squares*256/h.n - h.n
}

// leastRandom is the fewest bytes that chi-square tells anything of: four for each value.
const leastRandom = 1024

// random reports whether the bytes look drawn at random: within 3.45 deviations above, the threshold that told encrypted
// files best, and 4.5 below, which keeps out tables that hold each byte as often.
func (h *histogram) random() bool {
	x := h.chiSquare()
	return h.n >= leastRandom && x >= 153 && x <= 333
}

// looksRandom reports whether bytes look drawn at random.
func looksRandom(b []byte) bool {
	var h histogram
	h.add(b)
	return h.random()
}

// marked is what was found of a file.
type marked struct {
	mark, part, kind string
	name             nameParts
	head             histogram
	contacts         []byte // addresses in a note, each closed by a NUL
}

// judgeFile finds the mark of a file. base is its name, kind what signatures tell of it.
func judgeFile(head []byte, base, kind string, m *measure) (f marked) {
	f.kind = contentType(head, kind)
	f.name = splitName(base)
	f.head.add(head)
	if f.note(head, m) {
		return f
	}
	switch {
	case f.kind == "" && f.name.promised != "" && m.size >= leastRandom && m.zero:
		f.mark = markZeroed
	case f.kind == "" && f.name.promised != "" && !f.name.lawful && f.head.random():
		f.mark, f.part = markEncrypted, "whole"
		if m.sampled.n >= leastRandom && !m.sampled.random() {
			f.part = "head"
		}
	case f.kind != "" && f.kind != "text" && f.name.added != "" && f.name.strange && documents[f.name.promised]:
		f.mark = markRenamed
	}
	return f
}

// note finds a ransom note: a file that is one, or one stuck to the front of what is no text.
func (f *marked) note(head []byte, m *measure) bool {
	text, tail := textOf(head)
	inHead := len(tail) > 0
	if len(text) == 0 || inHead && f.kind != "" || !inHead && (!f.name.mayBeNote || m.size > maxNote) {
		return false
	}
	words := plain(text)
	if !isNote(words, inHead || f.name.likeNote) && !(inHead && saysEncrypted(words) && looksRandom(tail)) {
		return false
	}
	f.mark, f.kind = markNote, "text"
	if inHead {
		f.mark, f.kind, f.head = markNoteInHead, "", histogram{}
		f.head.add(tail)
	}
	f.contacts = contactsOf(words)
	return true
}

func (f *marked) slots(where string, m *measure) []event.Value {
	s := make([]event.Value, markSlots)
	set := func(slot int, text string) { s[slot] = textValue([]byte(text)) }
	number := func(slot int, text string) { s[slot] = event.Value{Type: event.Number, Raw: []byte(text)} }
	set(markPath, where)
	set(markMark, f.mark)
	set(markPart, f.part)
	set(markType, f.kind)
	set(markExtension, f.name.extension)
	set(markAdded, f.name.added)
	if f.name.strange {
		set(markStrange, "true")
	}
	number(markSize, strconv.FormatInt(m.size, 10))
	number(markEntropy, strconv.FormatFloat(f.head.entropy(), 'f', 3, 64))
	if m.sampled.n > 0 {
		number(markSampled, strconv.FormatFloat(m.sampled.entropy(), 'f', 3, 64))
	}
	number(markChi, strconv.FormatUint(f.head.chiSquare(), 10))
	if len(f.contacts) > 0 {
		s[markContact] = event.Value{Type: event.Ansi | event.Array, Raw: f.contacts}
	}
	return s
}

// onItsSystem makes of an artifact's path the one that the file had on its own system, as far as the layout tells, and
// says whose product that is. A path that tells neither is taken for one of Windows, as it stands.
func onItsSystem(where string) (name, product string) {
	if i := strings.LastIndex(where, "!/"); i >= 0 {
		where = where[i+2:]
	}
	parts := strings.Split(where, "/")
	for i, p := range parts[:len(parts)-1] {
		v := strings.TrimSuffix(strings.TrimPrefix(p, `\\.\`), ":")
		if len(v) == 1 && v[0] >= 'A' && v[0] <= 'Z' {
			return v + `:\` + strings.Join(parts[i+1:], `\`), "windows"
		}
		if p == "[root]" {
			return "/" + strings.Join(parts[i+1:], "/"), "linux"
		}
	}
	for i, p := range parts[:len(parts)-1] {
		if linuxTops[p] {
			return "/" + strings.Join(parts[i:], "/"), "linux"
		}
	}
	return where, "windows"
}

var linuxTops = words(`etc var home root usr opt srv tmp boot vmfs mnt`)

// nameParts is what a name promises.
type nameParts struct {
	extension string // the last, with its point, in lower case
	added     string // what follows the last extension that is known: ".bak9", ".id[1a2b].[a@b.c].x"; "" if that is the last
	promised  string // the known extension, without its point
	strange   bool   // added is no extension that ordinary programs add
	lawful    bool   // a program that people encrypt with by right adds such an extension
	likeNote  bool   // the name is like that of ransom notes
	mayBeNote bool   // a kind of file that people read
}

// splitName takes a name apart.
func splitName(base string) (f nameParts) {
	lower := strings.ToLower(base)
	if i := strings.LastIndexByte(lower, '.'); i > 0 {
		f.extension = lower[i:]
	}
	pieces := strings.Split(lower, ".")
	for i := len(pieces) - 1; i > 0; i-- {
		if promises[pieces[i]] {
			f.promised = pieces[i]
			if i < len(pieces)-1 {
				f.added = "." + strings.Join(pieces[i+1:], ".")
			}
			break
		}
	}
	last := strings.TrimPrefix(f.extension, ".")
	f.lawful = lawfulExtensions[last]
	f.strange = f.added != "" && !f.lawful && !addedByPrograms(last)
	f.likeNote = noteName.MatchString(lower)
	f.mayBeNote = noteExtensions[last] || f.extension == ""
	return f
}

// addedByPrograms knows the extensions that editors, rotation, downloads and packages put behind another: words, numbers
// and dates.
func addedByPrograms(ext string) bool {
	return ordinaryExtensions[ext] || strings.Trim(ext, "0123456789-_") == "" || strings.HasPrefix(ext, "dpkg-") || strings.HasPrefix(ext, "ucf-")
}

var (
	// promises are the extensions whose files begin with a signature or are text.
	promises = words(`doc docx docm dot dotx xls xlsx xlsm xlsb xlt xltx ppt pptx pptm pps ppsx pdf rtf odt ods odp odg vsd vsdx pub mpp
		txt csv tsv log xml json html htm css js ts php asp aspx jsp java py ps1 psm1 bat cmd vbs sql ini cfg conf config yaml yml md eml ics vcf reg inf sh
		jpg jpeg png gif bmp tif tiff webp psd ico svg heic dcm dicom hl7
		zip 7z rar gz tgz bz2 xz zst tar cab jar war ear apk mp4 mov avi mkv wmv wav flac ogg m4a m4v webm
		mdb accdb sqlite sqlite3 mdf ndf ibd frm dbf pst ost edb evtx evt exe dll sys msi lnk vhd vhdx vmdk vdi qcow2 ova iso`)
	// documents are those of them that no program gives a second extension.
	documents = words(`doc docx docm xls xlsx xlsm xlsb ppt pptx pptm pdf rtf odt ods odp vsd vsdx jpg jpeg png gif bmp tif tiff dcm dicom
		mdb accdb mdf ndf pst ost vhd vhdx vmdk vdi qcow2`)
	lawfulExtensions   = words(`gpg pgp asc age enc aes p7m p7s axx hc tc vc kdbx pfile ppdf rpmsg`)
	ordinaryExtensions = words(`bak old orig save saved tmp temp part partial crdownload download gz bz2 xz zst lz4 zip 7z rar tar lock swp swo rpmnew rpmsave
		rpmorig disabled sample template tmpl example default dist in map meta metadata idx index cache new copy backup bkp sig sha1 sha256 sha512 md5 torrent
		aria2 manifest mui lnk url license info properties thumb thumbnail preview ocr`)
	noteExtensions = words(`txt html htm hta rtf url`)
)
