package patient

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"wardround/internal/rar"
	"wardround/internal/sevenzip"
	"wardround/internal/xz"
)

// budget is what archives of one file on disk may still cost.
type budget struct {
	limits   Limits
	packed   int64 // size of the file on disk
	unpacked int64
	entries  int
}

var errLimit = errors.New("the archive unpacks to more than the limits allow")

// entry counts an entry; false past the limit.
func (b *budget) entry() bool {
	b.entries++
	return b.entries <= b.limits.Entries
}

// unpacking holds what comes out of one decompressor to the limits.
type unpacking struct {
	r io.Reader
	b *budget
}

func (u *unpacking) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	u.b.unpacked += int64(n)
	if over := u.b.unpacked - 1<<20; u.b.unpacked > u.b.limits.Bytes || over > 0 && over/u.b.limits.Ratio > u.b.packed {
		return n, errLimit
	}
	return n, err
}

// maxWindow bounds the memory of one decompressor.
const maxWindow = 64 << 20

// archive examines what an archive holds; false if the content is none.
func (w *worker) archive(c *content, head []byte, depth int) bool {
	kind := archiveKind(head)
	if kind == "" {
		return false
	}
	if depth >= w.budget.limits.Depth {
		w.run.problem(c.path, "archives lie too deep in one another")
		return true
	}
	switch kind {
	case "zip":
		w.zip(c, depth)
	case "tar":
		w.tar(c.path, c.r, depth)
	case "7z":
		w.sevenZip(c, depth)
	case "rar":
		w.rar(c, depth)
	case "cab":
		w.run.problem(c.path, "archive of a kind that is not opened: unpack it and scan the folder")
	default:
		w.unpack(c, kind, depth)
	}
	return true
}

func archiveKind(head []byte) string {
	for _, k := range []struct{ magic, kind string }{
		{"PK\x03\x04", "zip"}, {"PK\x05\x06", "zip"}, {"PK\x07\x08", "zip"}, {"\x1f\x8b\x08", "gz"}, {"BZh", "bz2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zst"},
		{"7z\xbc\xaf\x27\x1c", "7z"}, {"Rar!\x1a\x07", "rar"}, {"MSCF\x00\x00\x00\x00", "cab"},
	} {
		if has(head, k.magic) {
			if k.kind == "bz2" && (len(head) < 10 || string(head[4:10]) != "1AY&SY") {
				continue
			}
			return k.kind
		}
	}
	if len(head) >= 262 && string(head[257:262]) == "ustar" {
		return "tar"
	}
	return ""
}

// unpack reads a compressed file: a tar archive, or one file.
func (w *worker) unpack(c *content, kind string, depth int) {
	r, closeIt, err := decompressor(kind, c.r)
	if err != nil {
		w.run.problem(c.path, "cannot be unpacked")
		return
	}
	defer closeIt()
	if !w.budget.entry() {
		w.run.problem(c.path, errLimit.Error())
		return
	}
	inner := newContent(c.path+"!/"+innerName(base(c.path)), &unpacking{r, &w.budget}, nil, 0, w.ctx)
	head, _ := inner.r.Peek(headBytes)
	if archiveKind(head) == "tar" {
		w.tar(c.path, inner.r, depth)
	} else {
		w.examine(inner, depth+1)
	}
	w.broken(c.path, inner.fail)
}

// innerName is the name of what a compressed file holds.
func innerName(name string) string {
	if ext := path.Ext(name); ext != "" && len(ext) < len(name) && suffix(ext, ".gz", ".bz2", ".xz", ".zst", ".zstd", ".z") {
		return strings.TrimSuffix(name, ext)
	}
	return "content"
}

// broken tells what ended an archive early.
func (w *worker) broken(path string, err error) {
	switch {
	case err == nil || w.ctx.Err() != nil:
	case errors.Is(err, errLimit), errors.Is(err, xz.ErrLimit), errors.Is(err, sevenzip.ErrLimit), errors.Is(err, rar.ErrLimit):
		w.run.problem(path, errLimit.Error())
	case errors.Is(err, sevenzip.ErrEncrypted), errors.Is(err, rar.ErrEncrypted):
		w.run.problem(path, "encrypted in its archive")
	case errors.Is(err, sevenzip.ErrUnsupported), errors.Is(err, rar.ErrUnsupported):
		w.run.problem(path, "packed by a method that is not read")
	case errors.Is(err, rar.ErrVolume):
		w.run.problem(path, "the archive goes on in another file: unpack it and scan the folder")
	default:
		w.run.problem(path, "the archive is damaged: what stands before that was read")
	}
}

func decompressor(kind string, r io.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	switch kind {
	case "gz":
		z, err := gzip.NewReader(r)
		return z, nothing, err
	case "bz2":
		return bzip2.NewReader(r), nothing, nil
	case "xz":
		return xz.New(bufio.NewReader(r), maxWindow), nothing, nil
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, nil, err
	}
	return z, z.Close, nil
}

func (w *worker) tar(path string, r io.Reader, depth int) {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			w.broken(path, err)
			return
		}
		if !w.budget.entry() {
			w.run.problem(path, errLimit.Error())
			return
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		inner := newContent(path+"!/"+cleanName(h.Name), &unpacking{t, &w.budget}, nil, h.Size, w.ctx) // a sparse file unpacks too
		w.examine(inner, depth+1)
		if inner.fail != nil {
			w.broken(path, inner.fail)
			return
		}
	}
}

// cleanName is the name of an entry as it is shown: no way out of the archive.
func cleanName(name string) string {
	return strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(strings.ToValidUTF8(name, "�"), `\`, "/")), "/")
}

func (w *worker) zip(c *content, depth int) {
	at, size, err := c.random()
	if err != nil {
		w.run.problem(c.path, errTooLarge.Error())
		return
	}
	z, err := zip.NewReader(&boundedAt{at, size}, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		w.run.problem(c.path, "the archive is damaged: its list cannot be read")
		return
	}
	if f := sheetFormat(z); f != nil {
		w.budget.entry()
		inner := &content{path: c.path, r: c.r, at: at, size: size}
		w.readAs(&format{f.name, nil, func(w *worker, c *content, t *tally) { f.read(w, z, t, c.path) }}, inner)
		return
	}
	for _, e := range z.File {
		if w.ctx.Err() != nil {
			return
		}
		if !w.budget.entry() {
			w.run.problem(c.path, errLimit.Error())
			return
		}
		w.zipEntry(c.path, e, depth)
		if w.budget.unpacked > w.budget.limits.Bytes {
			return
		}
	}
}

func (w *worker) zipEntry(archive string, e *zip.File, depth int) {
	if e.Mode()&^0o7777 != 0 || strings.HasSuffix(e.Name, "/") {
		return // folders, links
	}
	name := archive + "!/" + cleanName(e.Name)
	if e.Flags&1 != 0 {
		w.run.problem(name, "encrypted in its archive")
		return
	}
	r, err := e.Open()
	if err != nil {
		w.run.problem(name, "packed by a method that is not read")
		return
	}
	defer r.Close()
	inner := newContent(name, &unpacking{r, &w.budget}, nil, int64(e.UncompressedSize64&(1<<62-1)), w.ctx)
	w.examine(inner, depth+1)
	w.broken(name, inner.fail)
}

// maxDictionary bounds the dictionary of an archive of 7-Zip, which its strongest setting makes this large. Above maxWindow one is open at a time.
const maxDictionary = 256 << 20

func (w *worker) sevenZip(c *content, depth int) {
	at, size, err := c.random()
	if err != nil {
		w.run.problem(c.path, errTooLarge.Error())
		return
	}
	a, err := sevenzip.Open(&boundedAt{at, size}, size, maxDictionary)
	if err != nil {
		w.broken(c.path, err)
		return
	}
	if a.Dictionary() > maxWindow {
		if w.large {
			w.run.problem(c.path, errLimit.Error()) // it lies in another such
			return
		}
		w.run.large.Lock()
		w.large = true
		defer func() { w.large = false; w.run.large.Unlock() }()
	}
	w.entries(c.path, a, depth, func() (string, error) {
		f, err := a.Next()
		if f.Err == nil && f.Offset == 0 {
			w.budget.unpacked += f.Dictionary // the work of a block that unpacks to nothing
		}
		return f.Name, err
	})
}

func (w *worker) rar(c *content, depth int) {
	a, err := rar.Open(c.r, maxWindow)
	if err != nil {
		w.broken(c.path, err)
		return
	}
	w.entries(c.path, a, depth, func() (string, error) {
		for {
			f, err := a.Next()
			if err == io.EOF && a.Large() > 0 {
				return "", rar.ErrLimit
			}
			if err != nil || f.Link == 0 {
				return f.Name, err
			}
		}
	})
}

// entries examines the files of an archive that is read forwards: next moves r to the next one. What is not read of a file is unpacked all the
// same, since the others may be packed with it.
func (w *worker) entries(path string, r io.Reader, depth int, next func() (string, error)) {
	for w.ctx.Err() == nil {
		entry, err := next()
		if err == io.EOF {
			return
		}
		if err != nil {
			w.broken(path, err)
			return
		}
		if !w.budget.entry() {
			w.run.problem(path, errLimit.Error())
			return
		}
		unpacked := &unpacking{r, &w.budget}
		inner := newContent(path+"!/"+cleanName(entry), unpacked, nil, 0, w.ctx)
		if head, _ := inner.r.Peek(1); len(head) > 0 {
			w.examine(inner, depth+1)
		}
		w.broken(inner.path, inner.fail)
		if inner.fail == nil {
			io.Copy(io.Discard, inner.r)
		}
		if errors.Is(inner.fail, errLimit) {
			return
		}
	}
}

// boundedAt keeps a hostile directory of a zip archive from asking beyond its end.
type boundedAt struct {
	r    io.ReaderAt
	size int64
}

func (b *boundedAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= b.size {
		return 0, io.EOF
	}
	return b.r.ReadAt(p, off)
}
