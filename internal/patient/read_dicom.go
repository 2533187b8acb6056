package patient

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"
)

// DICOM (PS3.5 and PS3.10): a preamble of 128 bytes and "DICM", often left out; the file's own group 0002 in explicit little endian; then the data set
// in one of four encodings. Elements are read one after the other, sequences are entered and not skipped, pixel data ends the reading: what tells of
// the patient stands before it. Lengths are not believed: a value is kept up to a bound, and passed over piece by piece.

const (
	tagCharset      = 0x00080005
	tagModality     = 0x00080060
	tagRecordType   = 0x00041430
	tagTransfer     = 0x00020010
	tagName         = 0x00100010
	tagPatientID    = 0x00100020
	tagIssuer       = 0x00100021
	tagBirth        = 0x00100030
	tagSex          = 0x00100040
	tagOtherIDs     = 0x00101000
	tagAddress      = 0x00101040
	tagPhone        = 0x00102154
	tagDeidentified = 0x00120062
	tagPixels       = 0x7fe00010
	tagItem         = 0xfffee000
	tagItemEnd      = 0xfffee00d
	tagSequenceEnd  = 0xfffee0dd
)

// dicomVRs that have a length of four bytes behind two that are reserved (PS3.5 section 7.1.2).
const dicomLong = "OB OD OF OL OV OW SQ SV UC UN UR UT UV "

const dicomVRs = "AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US " + dicomLong

func knownVR(b []byte, of string) bool {
	return b[0] >= 'A' && b[0] <= 'Z' && b[1] >= 'A' && b[1] <= 'Z' && strings.Contains(of, string(b[:2])+" ")
}

func isDICOM(head []byte, path string) bool {
	if len(head) >= 132 && string(head[128:132]) == "DICM" {
		return true
	}
	_, ok := bareDICOM(head)
	return ok
}

// encoding is how a data set is written.
type encoding struct {
	order    binary.ByteOrder
	explicit bool
}

// bareDICOM tells a file without preamble by its first elements: three or more with tags that rise from group 0002 or 0008, with lengths that fit.
func bareDICOM(head []byte) (encoding, bool) {
	for _, e := range []encoding{{binary.LittleEndian, true}, {binary.LittleEndian, false}, {binary.BigEndian, true}} {
		at, last, n := 0, uint32(0), 0
		for n < 5 && at+12 <= len(head) {
			tag := uint32(e.order.Uint16(head[at:]))<<16 | uint32(e.order.Uint16(head[at+2:]))
			group := tag >> 16
			if tag <= last || n == 0 && group != 2 && group != 8 || group > 0x0040 || n == 0 && tag&0xffff > 0x0100 {
				break
			}
			length, header := uint32(0), 8
			switch {
			case !e.explicit:
				length = e.order.Uint32(head[at+4:])
			case !knownVR(head[at+4:], dicomVRs):
				length = 1 << 31
			case knownVR(head[at+4:], dicomLong):
				length, header = e.order.Uint32(head[at+8:]), 12
			default:
				length = uint32(e.order.Uint16(head[at+6:]))
			}
			if length > 1<<16 {
				break
			}
			last = tag
			n++
			at += header + int(length)
			if group == 2 && e.explicit && at+2 <= len(head) && e.order.Uint16(head[at:]) != 2 {
				n = 5 // group 0002 has an encoding of its own
			}
		}
		if n >= 3 {
			return e, true
		}
	}
	return encoding{}, false
}

// dicom is a data set on its way in.
type dicom struct {
	r     *bufio.Reader
	t     *tally
	enc   encoding
	p     person
	off   int64
	ends  []int64 // of the sequences and items around; -1 where an end is marked
	set   string
	kind  string // of a record in DICOMDIR
	issue string
	id    string
	other []string
	told  bool // of a patient
	clean bool // it says that it is de-identified
	modal bool
	any   int
	dir   bool
}

const maxDICOMDepth = 64

func readDICOM(w *worker, c *content, t *tally) {
	d := &dicom{r: c.r, t: t, enc: encoding{binary.LittleEndian, true}}
	head, _ := c.r.Peek(132)
	if len(head) == 132 && string(head[128:]) == "DICM" {
		c.r.Discard(132)
	} else {
		head, _ = c.r.Peek(headBytes)
		if e, ok := bareDICOM(head); ok {
			d.enc = e
		}
	}
	d.meta()
	d.elements()
	d.finish(true)
}

// meta reads group 0002 and sets the encoding of what follows.
func (d *dicom) meta() {
	transfer := ""
	for {
		b, err := d.r.Peek(8)
		if err != nil || d.enc.order.Uint16(b) != 2 {
			break
		}
		tag, _, n, ok := d.header()
		if !ok {
			return
		}
		v := d.value(n)
		if tag == tagTransfer {
			transfer = strings.TrimRight(string(v), "\x00 ")
		}
	}
	switch transfer {
	case "1.2.840.10008.1.2":
		d.enc = encoding{binary.LittleEndian, false}
	case "1.2.840.10008.1.2.2":
		d.enc = encoding{binary.BigEndian, true}
	case "1.2.840.10008.1.2.1.99":
		d.r = bufio.NewReaderSize(&limitedFlate{r: flate.NewReader(d.r), left: maxDeflated}, headBytes)
	case "":
		if head, _ := d.r.Peek(headBytes); len(head) > 0 {
			if e, ok := bareDICOM(head); ok {
				d.enc = e
			}
		}
	}
	// Files that say one thing and hold another are common: the first element's VR decides.
	if b, err := d.r.Peek(6); err == nil && d.enc.order == binary.LittleEndian {
		d.enc.explicit = knownVR(b[4:], dicomVRs)
	}
}

// maxDeflated is how much of a deflated data set is read.
const maxDeflated = 1 << 30

type limitedFlate struct {
	r    io.Reader
	left int64
}

func (l *limitedFlate) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, io.EOF
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, err
}

// header reads the tag, VR and length of the next element.
func (d *dicom) header() (tag uint32, vr string, length uint32, ok bool) {
	var b [12]byte
	if !d.full(b[:8]) {
		return
	}
	tag = uint32(d.enc.order.Uint16(b[:]))<<16 | uint32(d.enc.order.Uint16(b[2:]))
	if tag>>16 == 0xfffe || !d.enc.explicit {
		return tag, "", d.enc.order.Uint32(b[4:]), true
	}
	vr = string(b[4:6])
	if !knownVR(b[4:], dicomVRs) {
		return tag, "", d.enc.order.Uint32(b[4:]), true // implicit after all: private parts are
	}
	if !knownVR(b[4:], dicomLong) {
		return tag, vr, uint32(d.enc.order.Uint16(b[6:])), true
	}
	if !d.full(b[8:12]) {
		return
	}
	return tag, vr, d.enc.order.Uint32(b[8:]), true
}

func (d *dicom) full(b []byte) bool {
	n, err := io.ReadFull(d.r, b)
	d.off += int64(n)
	return err == nil
}

// maxElement is how much of a value is kept.
const maxElement = 1 << 10

func (d *dicom) value(n uint32) []byte {
	b := make([]byte, min(n, maxElement))
	if !d.full(b) {
		return nil
	}
	d.skip(int64(n) - int64(len(b)))
	return b
}

func (d *dicom) skip(n int64) {
	m, _ := io.CopyN(io.Discard, d.r, n)
	d.off += m
}

const undefined = 0xffffffff

// elements reads the data set.
func (d *dicom) elements() {
	for {
		for len(d.ends) > 0 && d.ends[len(d.ends)-1] >= 0 && d.off >= d.ends[len(d.ends)-1] {
			d.ends = d.ends[:len(d.ends)-1]
		}
		tag, vr, n, ok := d.header()
		if !ok || tag == 0 {
			return
		}
		switch {
		case tag == tagItem:
			if d.dir && len(d.ends) <= 1 {
				d.finish(false)
			}
			d.enter(n)
		case tag == tagItemEnd || tag == tagSequenceEnd:
			if len(d.ends) > 0 {
				d.ends = d.ends[:len(d.ends)-1]
			}
		case tag>>16 == 0x7fe0 && len(d.ends) == 0:
			d.modal = true
			return
		case vr == "SQ", n == undefined, vr == "" && n >= 8 && d.itemNext():
			if tag == 0x00041220 {
				d.dir, d.t.format = true, "dicomdir"
			}
			d.enter(n)
		case n == 0:
		default:
			d.any++
			d.take(tag, n)
		}
	}
}

// itemNext reports whether the value is a sequence whose VR is not told.
func (d *dicom) itemNext() bool {
	b, err := d.r.Peek(4)
	return err == nil && d.enc.order.Uint16(b) == 0xfffe && d.enc.order.Uint16(b[2:]) == 0xe000
}

// enter goes into a sequence or an item. Below a depth their ends are not kept any more, which costs only what is told of depth.
func (d *dicom) enter(n uint32) {
	if len(d.ends) >= maxDICOMDepth {
		return
	}
	end := int64(-1)
	if n != undefined {
		end = d.off + int64(n)
	}
	d.ends = append(d.ends, end)
}

// take keeps an element that tells of the patient. In sequences, outside DICOMDIR, only further numbers count.
func (d *dicom) take(tag, n uint32) {
	switch tag {
	case tagCharset, tagModality, tagRecordType, tagName, tagPatientID, tagIssuer, tagBirth, tagSex, tagOtherIDs, tagAddress, tagPhone, tagDeidentified:
	default:
		d.skip(int64(n))
		return
	}
	raw := d.value(n)
	v := strings.TrimRight(string(bytes.TrimRight(raw, "\x00")), " ")
	if v == "" {
		return
	}
	nested := len(d.ends) > 0 && !d.dir
	switch {
	case tag == tagCharset:
		if !nested {
			d.set = v
			if i := strings.IndexByte(v, '\\'); i >= 0 { // several: the first holds until an escape, the second is what escapes lead to
				if d.set = v[:i]; d.set == "" {
					d.set, _, _ = strings.Cut(v[i+1:], `\`)
				}
			}
		}
	case nested && tag == tagPatientID:
		d.other = append(d.other[:min(len(d.other), 4)], v)
	case nested:
	case tag == tagName:
		d.told = true
		d.p.name = decodeCharset(d.set, []byte(v))
	case tag == tagPatientID:
		d.told = true
		d.id = v
	case tag == tagIssuer:
		d.issue = v
	case tag == tagBirth:
		d.told = true
		d.p.birth = v
	case tag == tagSex:
		d.p.sex = v
	case tag == tagOtherIDs:
		d.other = append(d.other[:min(len(d.other), 4)], strings.Split(v, `\`)[0])
	case tag == tagAddress:
		d.t.saw(Address, v)
	case tag == tagPhone:
		d.t.saw(Mobile, v)
	case tag == tagDeidentified:
		d.clean = strings.EqualFold(v, "YES")
	case tag == tagModality:
		d.modal = true
	case tag == tagRecordType:
		d.kind = v
	}
}

// finish counts the patient that was told of.
func (d *dicom) finish(last bool) {
	if d.told {
		switch {
		case isAadhaar(d.id) && len(bare(d.id)) == 12 && strings.Contains(strings.ToUpper(d.issue), "UIDAI"):
			d.p.id(Aadhaar, "", bare(d.id))
		case isABHAAddress(d.id):
			d.p.id(ABHAAddress, "", d.id)
		default:
			d.p.id(HospitalNumber, d.issue, d.id)
		}
		for _, o := range d.other {
			d.p.id(HospitalNumber, "", o)
		}
		d.t.saw(Imaging, "")
		if d.clean {
			d.t.sure(low, "DICOM that says its patient was de-identified")
		} else {
			d.t.sure(high, "DICOM with a patient in its header")
		}
		d.t.person(&d.p)
	} else if last && d.t.level == none && d.modal && d.any > 3 {
		d.t.saw(Imaging, "")
		d.t.sure(low, "DICOM without a patient in its header; its pixels were not looked at")
		d.t.unnamed++
	}
	d.p.reset()
	d.id, d.issue, d.other, d.told, d.kind = "", "", d.other[:0], false, ""
}
