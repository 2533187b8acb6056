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
	case "7z", "rar", "cab":
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
	case errors.Is(err, errLimit), errors.Is(err, xz.ErrLimit):
		w.run.problem(path, errLimit.Error())
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
