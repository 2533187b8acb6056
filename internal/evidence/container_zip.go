package evidence

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/ulikunitz/xz/lzma"

	"wardround/internal/event"
	"wardround/internal/xz"
)

// zipFile is a zip archive whose central directory is whole (PKWARE APPNOTE.TXT 6.3.10, with zip64). The directory is
// read entry by entry and never kept: an archive may have millions.
type zipFile struct {
	r      io.ReaderAt
	size   int64
	shift  int64 // what precedes the archive: a program, a label
	dir    int64 // where the central directory begins, shift included
	dirEnd int64
	count  uint64
	packed int64 // bytes of all entries, headers included
	read   int64 // bytes of those that will be read
	marks  map[string]string
}

// zipEntry is one entry as the directory, or in a damaged archive its local header, describes it.
type zipEntry struct {
	name     string // as stored, or the UTF-8 form that is stored beside it
	local    string // as the local header must repeat it
	utf8     bool
	creator  byte // operating system, in the numbers of APPNOTE 4.4.2.2
	flags    uint16
	method   uint16
	crc      uint32
	packed   int64
	unpacked int64
	offset   int64  // of the local header, shift included
	mode     uint32 // external attributes
	modified time.Time
	known    bool // sizes and crc are known

	tell func(packed int64) // told of packed bytes as they are read, if anybody asks
	// done is called when the entry was read, with the checksum of what came out; nil for nothing
	done func(u *unzipped, facts *event.Artifact, crc uint32)
}

const creatorUnknown = 255

// Flags and methods of zip.
const (
	zipEncrypted  = 1 << 0
	zipDescriptor = 1 << 3
	zipPatch      = 1 << 5
	zipStrong     = 1 << 6
	zipUTF8       = 1 << 11
	zipMasked     = 1 << 13

	zipStored    = 0
	zipDeflated  = 8
	zipDeflate64 = 9
	zipBzip2     = 12
	zipLZMA      = 14
	zipZstd      = 93
	zipXz        = 95
	zipAES       = 99
)

const (
	zipLocal   = "PK\x03\x04"
	zipCentral = "PK\x01\x02"
	zipEnd     = "PK\x05\x06"
	zip64End   = "PK\x06\x06"
	zip64Place = "PK\x06\x07"
	zipSizes   = "PK\x07\x08"
)

var errZip = errors.New("central directory is damaged")

// openZip finds the central directory and checks it from end to end. Of its entries, the first most will be read.
func openZip(r io.ReaderAt, size int64, most int) (*zipFile, error) {
	z := &zipFile{r: r, size: size}
	if err := z.findEnd(); err != nil {
		return nil, err
	}
	var marks velociraptorMarks
	infos := map[string]*zipEntry{} // client_info.json by folder
	n := uint64(0)
	err := z.each(func(e *zipEntry) error {
		n++
		z.packed += e.size()
		if !e.isFolder() && n <= uint64(most) {
			z.read += e.size()
		}
		if marks.see(e.name) {
			info := *e
			infos[parent(e.name)] = &info
		}
		if e.offset >= z.dir || e.packed > z.dir-e.offset {
			return errZip
		}
		return nil
	})
	if err == nil && uint16(n) != uint16(z.count) { // without zip64 there is room for no more
		err = errZip
	}
	z.count = n
	if err != nil {
		return nil, err
	}
	z.marks = marks.folders()
	for folder := range z.marks {
		if info := infos[folder]; info != nil && info.refuse() == nil {
			if u, err := info.open(r); err == nil {
				z.marks[folder] = clientHost(u)
				u.Close()
			}
		}
	}
	return z, nil
}

// velociraptorMarks finds the folders of an archive that Velociraptor wrote: they hold uploads or results, and beside
// these a file that only it writes.
type velociraptorMarks struct {
	parts map[string]bool // folders with uploads or results
	files map[string]bool // folders with such a file
}

// maxMarks bounds how many Velociraptor collections are told apart in one archive.
const maxMarks = 10_000

// see takes the name of an entry, and reports whether it is a client_info.json that may be asked for.
func (m *velociraptorMarks) see(name string) (info bool) {
	if m.files == nil {
		m.parts, m.files = map[string]bool{}, map[string]bool{}
	}
	if len(m.parts) < maxMarks {
		for _, part := range []string{"uploads/", "results/"} {
			if strings.HasPrefix(name, part) {
				m.parts[""] = true
			} else if i := strings.Index(name, "/"+part); i > 0 {
				m.parts[name[:i]] = true
			}
		}
	}
	base := path.Base(name)
	if !velociraptorFiles[base] || len(m.files) >= maxMarks {
		return false
	}
	m.files[parent(name)] = true
	return base == clientInfo
}

// folders are those that Velociraptor wrote.
func (m *velociraptorMarks) folders() map[string]string {
	marks := map[string]string{}
	for folder := range m.files {
		if m.parts[folder] {
			marks[folder] = ""
		}
	}
	return marks
}

// parent is the folder of a name, "" at the top.
func parent(name string) string {
	return name[:max(0, strings.LastIndexByte(name, '/'))]
}

// findEnd reads the end of central directory record, and that of zip64.
func (z *zipFile) findEnd() error {
	tail := make([]byte, min(z.size, 22+1<<16))
	if _, err := z.r.ReadAt(tail, z.size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	for i := len(tail) - 22; i >= 0; i-- {
		if string(tail[i:i+4]) != zipEnd {
			continue
		}
		end := tail[i:]
		if int(binary.LittleEndian.Uint16(end[20:])) > len(end)-22 {
			continue
		}
		at := z.size - int64(len(end))
		count := uint64(binary.LittleEndian.Uint16(end[10:]))
		size, offset := int64(binary.LittleEndian.Uint32(end[12:])), int64(binary.LittleEndian.Uint32(end[16:]))
		if disk := binary.LittleEndian.Uint16(end[4:]); disk != 0 && disk != 0xffff {
			return fmt.Errorf("part %d of a split archive: %w; join the parts first", disk+1, ErrUnsupported)
		}
		if count == 0xffff || size == 0xffffffff || offset == 0xffffffff {
			if c, s, o, a, ok := z.end64(at); ok {
				count, size, offset, at = c, s, o, a
			}
		}
		if size < 0 || offset < 0 || size > at {
			continue
		}
		z.count, z.dir, z.dirEnd = count, at-size, at
		z.shift = z.dir - offset
		if z.shift < 0 {
			continue
		}
		return nil
	}
	return errZip
}

// end64 follows the locator in front of the end record at that offset.
func (z *zipFile) end64(at int64) (count uint64, size, offset, where int64, ok bool) {
	var b [56]byte
	if at < 20+56 {
		return
	}
	if _, err := z.r.ReadAt(b[:20], at-20); err != nil || string(b[:4]) != zip64Place {
		return
	}
	// The record stands where the locator says, or, with something in front of the archive, right before the locator.
	for _, where := range []int64{int64(binary.LittleEndian.Uint64(b[8:])), at - 20 - 56} {
		if where < 0 || where > at-20-56 {
			continue
		}
		if _, err := z.r.ReadAt(b[:], where); err != nil || string(b[:4]) != zip64End {
			continue
		}
		return binary.LittleEndian.Uint64(b[32:]), int64(binary.LittleEndian.Uint64(b[40:])), int64(binary.LittleEndian.Uint64(b[48:])), where, true
	}
	return
}

// each calls f with every entry of the central directory, in its order. The entry is only valid until f returns.
func (z *zipFile) each(f func(*zipEntry) error) error {
	br := bufio.NewReaderSize(io.NewSectionReader(z.r, z.dir, z.dirEnd-z.dir), packedBuffer)
	var h [46]byte
	var rest []byte
	for left := z.dirEnd - z.dir; left > 0; {
		if _, err := io.ReadFull(br, h[:]); err != nil || string(h[:4]) != zipCentral {
			return errZip
		}
		name, extra, comment := int(binary.LittleEndian.Uint16(h[28:])), int(binary.LittleEndian.Uint16(h[30:])), int(binary.LittleEndian.Uint16(h[32:]))
		rest = append(rest[:0], make([]byte, name+extra+comment)...)
		if _, err := io.ReadFull(br, rest); err != nil {
			return errZip
		}
		left -= int64(len(h) + len(rest))
		e := zipEntry{
			name: string(rest[:name]), creator: h[5], known: true,
			flags: binary.LittleEndian.Uint16(h[8:]), method: binary.LittleEndian.Uint16(h[10:]), crc: binary.LittleEndian.Uint32(h[16:]),
			packed: int64(binary.LittleEndian.Uint32(h[20:])), unpacked: int64(binary.LittleEndian.Uint32(h[24:])),
			mode: binary.LittleEndian.Uint32(h[38:]), offset: int64(binary.LittleEndian.Uint32(h[42:])),
			modified: dosTime(binary.LittleEndian.Uint16(h[14:]), binary.LittleEndian.Uint16(h[12:])),
		}
		e.local, e.utf8 = e.name, e.flags&zipUTF8 != 0
		e.extra(rest[name : name+extra])
		e.offset += z.shift
		if e.packed < 0 || e.unpacked < 0 || e.offset < 0 {
			return errZip
		}
		if err := f(&e); err != nil {
			return err
		}
	}
	return nil
}

// extra reads the extra fields that matter: 0x0001 sizes of zip64, 0x5455 and 0x000a times in UTC, 0x7075 the name in
// UTF-8.
func (e *zipEntry) extra(b []byte) {
	for len(b) >= 4 {
		id, n := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
		if b = b[4:]; n > len(b) {
			return
		}
		field := b[:n]
		b = b[n:]
		switch {
		case id == 0x0001:
			for _, v := range []*int64{&e.unpacked, &e.packed, &e.offset} {
				if *v == 0xffffffff && len(field) >= 8 {
					*v = int64(binary.LittleEndian.Uint64(field))
					field = field[8:]
				}
			}
		case id == 0x5455 && n >= 5 && field[0]&1 != 0:
			e.modified = time.Unix(int64(int32(binary.LittleEndian.Uint32(field[1:]))), 0).UTC()
		case id == 0x000a && n >= 32 && binary.LittleEndian.Uint16(field[4:]) == 1:
			if t := event.FromFileTime(binary.LittleEndian.Uint64(field[8:])); t != event.NoTime {
				e.modified = t.Std()
			}
		case id == 0x7075 && n > 5 && field[0] == 1 && binary.LittleEndian.Uint32(field[1:]) == crc32.ChecksumIEEE([]byte(e.name)):
			e.name, e.utf8 = string(field[5:]), true
		}
	}
}

// dosTime reads a time of two seconds' precision in a zone that is not stated: UTC is taken. 1980-01-01 means none.
func dosTime(date, clock uint16) time.Time {
	return time.Date(int(date>>9)+1980, time.Month(date>>5&15), int(date&31), int(clock>>11), int(clock>>5&63), int(clock&31)*2, 0, time.UTC)
}

// place finds out where the entry belongs. Backslashes separate folders unless a Unix wrote them: old Windows
// programs store them so.
func (e *zipEntry) place(h *holder) spot {
	stored := e.name
	if !e.utf8 && toValid(stored) != stored {
		stored = fromCP437(stored)
	}
	name, notes := cleanName(stored, !e.unix())
	at := h.spot(name)
	if stored != e.name {
		notes = append(notes, storedAs(e.name))
	}
	at.notes = append(notes, at.notes...)
	return at
}

func (e *zipEntry) isFolder() bool {
	return strings.HasSuffix(e.name, "/") || strings.HasSuffix(e.name, `\`) && e.packed == 0
}

// unix reports whether the archive was written on Unix or macOS.
func (e *zipEntry) unix() bool { return e.creator == 3 || e.creator == 19 }

// isLink reports whether the upper half of the attributes, then a Unix mode, says so.
func (e *zipEntry) isLink() bool { return e.unix() && e.mode>>16&0xf000 == 0xa000 }

// refuse is why the entry cannot be unpacked, nil if it can.
func (e *zipEntry) refuse() error {
	switch {
	case e.flags&(zipEncrypted|zipStrong|zipMasked) != 0 || e.method == zipAES:
		return fmt.Errorf("unpack: encrypted: %w; unpack it with its password and examine the folder", ErrUnsupported)
	case e.flags&zipPatch != 0:
		return fmt.Errorf("unpack: patch data: %w", ErrUnsupported)
	}
	switch e.method {
	case zipStored, zipDeflated, zipDeflate64, zipBzip2, zipLZMA, zipZstd, zipXz:
		return nil
	}
	return fmt.Errorf("unpack: compression method %d: %w; unpack it and examine the folder", e.method, ErrUnsupported)
}

// data is where the entry's bytes begin, and the name that its local header gives.
func (e *zipEntry) data(r io.ReaderAt) (int64, string, error) {
	var h [30]byte
	if _, err := r.ReadAt(h[:], e.offset); err != nil {
		return 0, "", fmt.Errorf("read local header: %w", xz.Unexpected(err))
	}
	if string(h[:4]) != zipLocal {
		return 0, "", errors.New("no local header where the central directory says")
	}
	name := make([]byte, binary.LittleEndian.Uint16(h[26:]))
	if _, err := r.ReadAt(name, e.offset+30); err != nil {
		return 0, "", fmt.Errorf("read local header: %w", xz.Unexpected(err))
	}
	return e.offset + 30 + int64(len(name)) + int64(binary.LittleEndian.Uint16(h[28:])), string(name), nil
}

// unzipped is an entry on its way out. Close gives its buffers to the next entry.
type unzipped struct {
	io.ReadCloser
	packed *counted
	buffer *bufio.Reader
}

func (u *unzipped) Close() error {
	err := u.ReadCloser.Close()
	u.buffer.Reset(nil)
	bufferPool.Put(u.buffer)
	return err
}

var bufferPool = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, packedBuffer) }}

// taken is how many packed bytes made what was read so far. With xz and zstd it is too large.
func (u *unzipped) taken() int64 { return u.packed.n - int64(u.buffer.Buffered()) }

// open unpacks the entry.
func (e *zipEntry) open(r io.ReaderAt) (*unzipped, error) {
	start, _, err := e.data(r)
	if err != nil {
		return nil, err
	}
	u := &unzipped{packed: &counted{r: io.NewSectionReader(r, start, e.packed)}, buffer: bufferPool.Get().(*bufio.Reader)}
	u.buffer.Reset(u.packed)
	if u.ReadCloser, err = unzip(e.method, e.flags, e.unpacked, u.buffer); err != nil {
		return nil, err
	}
	return u, nil
}

// inflater undoes deflate. Its window is 32 KiB, so it is used again and again: archives hold many small files.
type inflater struct{ io.ReadCloser }

func newInflater(r *bufio.Reader) inflater {
	f := flatePool.Get().(io.ReadCloser)
	// Reset of a reader without a dictionary does not fail.
	_ = f.(flate.Resetter).Reset(r, nil)
	return inflater{f}
}

func (f inflater) Close() error {
	err := f.ReadCloser.Close()
	flatePool.Put(f.ReadCloser)
	return err
}

var flatePool = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// unzip undoes one of zip's methods. It takes no byte of r beyond the end of what it unpacks, except with xz and zstd.
func unzip(method, flags uint16, unpacked int64, r *bufio.Reader) (io.ReadCloser, error) {
	switch method {
	case zipStored:
		return io.NopCloser(r), nil
	case zipDeflated:
		return newInflater(r), nil
	case zipDeflate64:
		return io.NopCloser(newDeflate64(r)), nil
	case zipBzip2:
		return io.NopCloser(bzip2.NewReader(r)), nil
	case zipXz:
		return openXz(r)
	case zipZstd:
		return openZstd(r)
	case zipLZMA:
		return openZipLZMA(flags, unpacked, r)
	}
	return nil, fmt.Errorf("compression method %d: %w", method, ErrUnsupported)
}

// openZipLZMA turns the header of APPNOTE 5.8.8 (version, size of the properties, properties) into that of an .lzma
// file.
func openZipLZMA(flags uint16, unpacked int64, r *bufio.Reader) (io.ReadCloser, error) {
	var h [9]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return nil, fmt.Errorf("lzma: %w", xz.Unexpected(err))
	}
	if binary.LittleEndian.Uint16(h[2:]) != 5 {
		return nil, errors.New("lzma: properties of an unknown size")
	}
	size := uint64(unpacked)
	if flags&(1<<1) != 0 {
		size = 1<<64 - 1 // an end marker follows
	}
	header := binary.LittleEndian.AppendUint64(h[4:9:9], size)
	d, err := lzma.ReaderConfig{DictCap: maxWindow}.NewReader(io.MultiReader(bytes.NewReader(header), r))
	if err != nil {
		return nil, err
	}
	return io.NopCloser(d), nil
}

// size is what the entry takes in the archive, its name in the directory left out.
func (e *zipEntry) size() int64 { return e.packed + 30 + int64(len(e.name)) }
