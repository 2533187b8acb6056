package casefile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// spool is a temporary file of findings, one after another, each behind its length. They are written in a row, then read
// in a row or by the offset that put returned.
type spool struct {
	f   *os.File
	w   *bufio.Writer
	at  int64
	buf []byte
}

func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "findings-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("keep findings: %w", err)
	}
	return &spool{f: f, w: bufio.NewWriterSize(f, 256<<10)}, nil
}

func (s *spool) put(f *finding) (at int64) {
	s.buf = appendFinding(s.buf[:0], f)
	var head [4]byte
	binary.LittleEndian.PutUint32(head[:], uint32(len(s.buf)))
	s.w.Write(head[:])
	s.w.Write(s.buf)
	at = s.at
	s.at += int64(4 + len(s.buf))
	return at
}

// flush reports the first error of all that was put.
func (s *spool) flush() error { return s.w.Flush() }

func (s *spool) close() {
	s.f.Close()
	os.Remove(s.f.Name())
}

func (s *spool) fetch(at int64) (*finding, error) {
	return (&spoolReader{r: io.NewSectionReader(s.f, at, s.at-at)}).next()
}

// read begins with the first finding.
func (s *spool) read() *spoolReader {
	return &spoolReader{r: bufio.NewReaderSize(io.NewSectionReader(s.f, 0, s.at), 256<<10)}
}

type spoolReader struct {
	r   io.Reader
	at  int64 // of the next finding
	buf []byte
}

// next returns the next finding, valid until it is called again; nil after the last.
func (s *spoolReader) next() (*finding, error) {
	var head [4]byte
	if _, err := io.ReadFull(s.r, head[:]); err == io.EOF {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	n := int(binary.LittleEndian.Uint32(head[:]))
	s.at += int64(len(head) + n)
	s.buf = slices.Grow(s.buf[:0], n)[:n]
	if _, err := io.ReadFull(s.r, s.buf); err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return decoderOf(s.buf).finding()
}
