// Package rar reads archives of RAR 1.5 to 7 (technote.txt of RARLAB, and the library) forwards and with its memory bounded. It stands below the
// rooms that open archives of others.
//
// Encrypted content is listed as such. Of an archive in several volumes the first is read as far as its files are whole; the others are told.
package rar

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nwaples/rardecode/v2"
)

// Magic is how an archive begins.
const Magic = "Rar!\x1a\x07"

// Errors of an archive as a whole, and of its files.
var (
	ErrDamaged     = errors.New("rar: damaged")
	ErrEncrypted   = errors.New("rar: encrypted")
	ErrLimit       = errors.New("rar: limit exceeded")
	ErrUnsupported = errors.New("rar: packed by a method that is not read")
	ErrVolume      = errors.New("rar: one of several volumes") // what begins or ends in another was not read

	ErrSum = fmt.Errorf("%w: wrong checksum", ErrDamaged) // of a file that came out in its length
)

// Kinds of entries that are no files.
const (
	SymbolicLink = 1 + iota // of Unix or Windows, a junction too
	HardLink
	Copy // the same content as that of another entry
)

// File is an entry. Folders are not listed.
type File struct {
	Name     string // as it is written, with slashes
	Modified time.Time
	Unix     bool   // a Unix wrote the entry
	Link     int    // what it is if it is no file: SymbolicLink, HardLink, Copy; 0 for a file
	Target   string // of a link; "" if its content tells it
	Solid    bool   // it is packed with those before it
	Err      error  // why it cannot be read; nil if nothing speaks against it
}

// Archive reads the files of an archive one after the other.
type Archive struct {
	r       *rardecode.Reader
	source  *faulty
	solid   bool
	volume  bool
	dosTime bool // RAR 1.5 to 4: times are those of a clock in a zone that is not stated; UTC is taken
	most    int64
	window  int64 // the most that the library may hold
	cleared int64
	file    File
	ended   error
	large   int
}

// bufferBytes is how far the library reads ahead.
const bufferBytes = 32 << 10

// maxCleared bounds how many bytes of dictionaries may be cleared, as the library does before each packed file: a quarter of an hour's work.
const maxCleared = 8 << 40

// Open reads the beginning of an archive. No dictionary is larger than most bytes.
func Open(r io.Reader, most int64) (a *Archive, err error) {
	defer guard(&err)
	b := bufio.NewReaderSize(r, bufferBytes)
	a = &Archive{source: &faulty{r: b}, most: most}
	head, _ := b.Peek(64)
	if part := a.flags(head); part > 0 {
		return nil, ErrVolume
	}
	if a.r, err = rardecode.NewReader(a.source, rardecode.MaxDictionarySize(most), rardecode.BufferSize(bufferBytes)); err != nil {
		return nil, a.explain(err)
	}
	return a, nil
}

// flags takes what the first block says of the whole, and the number of the volume, 0 for the first and for what is none.
func (a *Archive) flags(head []byte) (part uint64) {
	switch {
	case len(head) >= 12 && head[6] == 0: // RAR 1.5 to 4: sum, type 0x73, flags
		a.dosTime = true
		flags := binary.LittleEndian.Uint16(head[10:])
		a.volume, a.solid = flags&1 != 0, flags&8 != 0
		if a.volume && flags&0x100 == 0 {
			part = 1 // its number is not said
		}
	case len(head) > 12 && head[6] == 1: // RAR 5: sum, size, type 1, flags, [size of extra], flags of the archive, [number]
		v := varints{head[12:]}
		v.next()
		kind, flags := v.next(), v.next()
		if flags&1 != 0 {
			v.next()
		}
		if kind == 1 {
			flags = v.next()
			if a.volume, a.solid = flags&1 != 0, flags&4 != 0; a.volume && flags&2 != 0 {
				part = v.next()
			}
		}
	}
	return part
}

type varints struct{ b []byte }

func (v *varints) next() uint64 {
	n, size := binary.Uvarint(v.b)
	v.b = v.b[max(0, min(size, len(v.b))):]
	return n
}

// Solid reports whether files are packed with those before them: to pass over one then costs what it costs to unpack it.
func (a *Archive) Solid() bool { return a.solid }

// Large is how many files asked for a dictionary beyond the bound. The library does not name them.
func (a *Archive) Large() int { return a.large }

// Next moves to the next file; io.EOF is the end.
func (a *Archive) Next() (f File, err error) {
	defer guard(&err)
	if a.ended != nil {
		return File{}, a.ended
	}
	for {
		before := *a.r
		h, err := a.r.Next()
		if errors.Is(err, rardecode.ErrDictionaryTooLarge) {
			*a.r = before // the library has moved on, and lost its reader
			a.large++
			continue
		}
		if err != nil {
			a.ended = a.explain(err)
			return File{}, a.ended
		}
		if h.IsDir {
			continue
		}
		a.file = a.entry(h)
		if a.cleared > maxCleared {
			a.ended = ErrLimit
			return File{}, a.ended
		}
		return a.file, nil
	}
}

// entry tells what the header of a file says.
func (a *Archive) entry(h *rardecode.FileHeader) File {
	f := File{Name: h.Name, Modified: a.time(h.ModificationTime), Unix: h.HostOS == rardecode.HostOSUnix, Solid: a.solid, Target: h.LinkTarget}
	switch h.LinkType {
	case rardecode.LinkTypeNone:
		if f.Unix && h.Attributes&0xf000 == 0xa000 {
			f.Link = SymbolicLink
		}
	case rardecode.LinkTypeHardLink:
		f.Link = HardLink
	case rardecode.LinkTypeFileCopy:
		f.Link = Copy
	default:
		f.Link = SymbolicLink
	}
	if h.Encrypted {
		f.Err = ErrEncrypted
	}
	if h.PackedSize != h.UnPackedSize {
		if a.window = max(a.window, min(a.most, h.UnPackedSize)); !a.solid {
			a.cleared += a.window
		}
	}
	return f
}

// time is that of a file; zero for what is no time of a file.
func (a *Archive) time(t time.Time) time.Time {
	if t.Year() < 1970 || t.Year() > 2107 { // the last that MS-DOS can write
		return time.Time{}
	}
	if a.dosTime {
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
	}
	return t.UTC()
}

// Read reads the file at hand. One whose checksum is wrong ends with ErrSum.
func (a *Archive) Read(p []byte) (n int, err error) {
	defer guard(&err)
	if a.file.Err != nil {
		return 0, a.file.Err
	}
	if a.file.Target != "" {
		return 0, io.EOF
	}
	n, err = a.r.Read(p)
	if err != nil && err != io.EOF {
		a.file.Err = a.explain(err)
		if err = a.file.Err; err == ErrVolume {
			a.ended = err
		}
	}
	return n, err
}

// explain turns an error of the library into ours; that of the archive's own bytes stays.
func (a *Archive) explain(err error) error {
	switch {
	case err == io.EOF && (a.dosTime || !a.source.end): // old archives have no mark at their end
		return err
	case a.source.err != nil:
		return a.source.err
	case errors.Is(err, rardecode.ErrArchivedFileEncrypted), errors.Is(err, rardecode.ErrArchiveEncrypted), errors.Is(err, rardecode.ErrUnknownEncryptMethod):
		return ErrEncrypted
	case errors.Is(err, rardecode.ErrDictionaryTooLarge):
		return ErrLimit
	case errors.Is(err, rardecode.ErrUnknownDecoder), errors.Is(err, rardecode.ErrUnsupportedDecoder), errors.Is(err, rardecode.ErrMultipleDecoders), errors.Is(err, rardecode.ErrUnknownVersion):
		return ErrUnsupported
	case errors.Is(err, rardecode.ErrMultiVolume), errors.Is(err, rardecode.ErrBadVolumeNumber), a.volume && errors.Is(err, rardecode.ErrUnexpectedArcEnd):
		return ErrVolume
	case errors.Is(err, rardecode.ErrBadFileChecksum):
		return ErrSum
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, rardecode.ErrShortFile), errors.Is(err, rardecode.ErrUnexpectedArcEnd):
		return fmt.Errorf("%w: it breaks off", ErrDamaged)
	}
	return ErrDamaged
}

// guard turns a panic of the library, on bytes that nobody foresaw, into damage of the archive.
func guard(err *error) {
	if bug := recover(); bug != nil {
		*err = fmt.Errorf("%w: the library failed on these bytes: %v", ErrDamaged, bug)
	}
}

// faulty keeps the error of what it reads, and hides all but reading from the library.
type faulty struct {
	r   io.Reader
	err error
	end bool // more was asked for than there is
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	f.end = f.end || err == io.EOF
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}
