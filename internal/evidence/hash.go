package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// keepBytes is how much of an artifact that can be read but once is kept in memory. One that is no longer gives random
// access without a temporary file; a longer one until so much of it was read.
const keepBytes = 1 << 20

// errPassed is given to a reader that asks too late.
var errPassed = fmt.Errorf("random access asked for after more than %d bytes were read", keepBytes)

// stream is the bytes of one artifact on their way to its reader. Each byte is counted and hashed as it is taken from
// the source, once, in order.
type stream struct {
	ctx     context.Context
	tempDir string
	from    source

	sum hash.Hash
	n   int64 // bytes taken
	err error // what ended the taking; io.EOF at the end

	kept []byte // the first bytes
	keep int    // how many are kept
	pos  int64  // of the reader, in the artifact

	whole   io.ReaderAt // a copy of the artifact
	size    int64       // of the copy
	begun   io.ReaderAt // a copy of its first bytes, where whole is not there
	spooled bool        // what the reader has not yet had is in the copy
	temp    *temp       // where the copy lies, unless it is kept
}

// source is where the bytes of an artifact come from.
type source struct {
	once io.Reader                     // all of them, once
	file io.ReaderAt                   // the same at random, nil if the source cannot
	size int64                         // of file
	more func() (io.ReadCloser, error) // opens them once more, nil if the source cannot
}

// kept buffers are recycled: there is one for every artifact.
var keptPool = sync.Pool{New: func() any { return new([keepBytes]byte) }}

func newStream(ctx context.Context, tempDir string, from source) *stream {
	s := &stream{ctx: ctx, tempDir: tempDir, from: from, sum: sha256.New(), keep: keepBytes}
	if from.file != nil || from.more != nil {
		s.keep = headBytes
	}
	s.kept = keptPool.Get().(*[keepBytes]byte)[:0]
	return s
}

// close gives back what the stream holds. Nothing obtained from it may be used afterwards.
func (s *stream) close() {
	keptPool.Put((*[keepBytes]byte)(s.kept[:keepBytes]))
	s.kept = nil
	if s.temp != nil {
		s.temp.Close()
	}
}

// head returns the first headBytes of the artifact, or all if it is shorter. The reader still gets them.
func (s *stream) head() []byte {
	for len(s.kept) < headBytes && s.err == nil {
		s.take(s.kept[len(s.kept):headBytes])
	}
	return s.kept[:min(len(s.kept), headBytes)]
}

// Read gives the artifact to its reader.
func (s *stream) Read(p []byte) (int, error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case s.pos < int64(len(s.kept)):
		n := copy(p, s.kept[s.pos:])
		s.pos += int64(n)
		return n, nil
	case s.spooled && s.pos < s.size:
		n, err := cmp.Or(s.whole, s.begun).ReadAt(p[:min(int64(len(p)), s.size-s.pos)], s.pos)
		s.pos += int64(n)
		if n > 0 {
			err = nil
		}
		return n, err
	case s.pos != s.n:
		return 0, errPassed // what lies between went into a copy that failed
	case s.err != nil:
		return 0, s.err
	}
	n := s.take(p)
	s.pos += int64(n)
	if n > 0 {
		return n, nil
	}
	return 0, s.err
}

// take moves the next bytes from the source to p, which is not empty.
func (s *stream) take(p []byte) int {
	for tries := 0; s.err == nil; tries++ {
		if s.err = s.ctx.Err(); s.err != nil {
			return 0
		}
		n, err := s.from.once.Read(p)
		s.sum.Write(p[:n])
		if s.n == int64(len(s.kept)) && len(s.kept) < s.keep && n > 0 {
			if room := s.kept[len(s.kept):s.keep]; &room[0] == &p[0] {
				s.kept = s.kept[:len(s.kept)+min(n, len(room))] // it was read where it is kept
			} else {
				s.kept = append(s.kept, p[:min(n, len(room))]...)
			}
		}
		s.n += int64(n)
		if s.err = err; tries == 100 && n == 0 && err == nil {
			s.err = io.ErrNoProgress
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

const scratchBytes = 256 << 10

var scratchPool = sync.Pool{New: func() any { return new([scratchBytes]byte) }}

// drain takes what the reader left.
func (s *stream) drain() {
	scratch := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(scratch)
	for s.err == nil {
		s.take(scratch[:])
	}
}

// pass takes what lies before an offset in the artifact. It is for those that read the artifact at random, and hash it on the way.
func (s *stream) pass(to int64) {
	scratch := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(scratch)
	for s.err == nil && s.n < to {
		s.take(scratch[:min(scratchBytes, to-s.n)])
	}
}

// fail is what kept the stream from its end, nil if it was reached.
func (s *stream) fail() error {
	if s.err == io.EOF {
		return nil
	}
	return s.err
}

// digest is the SHA-256 of the bytes taken, in hexadecimal.
func (s *stream) digest() string { return hex.EncodeToString(s.sum.Sum(nil)) }

// at gives random access to the artifact: to the file it lies in, to memory, or to a temporary copy. Of an artifact
// that breaks off, it is the part that could be read.
func (s *stream) at() (io.ReaderAt, int64, error) {
	if s.from.file != nil {
		return s.from.file, s.from.size, nil
	}
	if s.whole == nil {
		if err := s.spool(); err != nil {
			return nil, 0, fmt.Errorf("copy to a temporary file: %w", err)
		}
	}
	return s.whole, s.size, s.ctx.Err()
}

// look gives random access to the first bytes of the artifact: to all of them where that costs no copy of more than LookBytes. The reader
// still gets everything.
func (s *stream) look() (r io.ReaderAt, size int64, whole bool, err error) {
	if s.from.file != nil {
		return s.from.file, s.from.size, true, nil
	}
	if s.begun != nil && s.whole == nil {
		return s.begun, s.size, s.err != nil && s.n == s.size, s.ctx.Err()
	}
	if s.whole == nil {
		for len(s.kept) < s.keep && s.err == nil && s.n == int64(len(s.kept)) {
			s.take(s.kept[len(s.kept):s.keep])
		}
		if s.err == nil && s.n == int64(len(s.kept)) {
			if s.temp, err = newTemp(s.tempDir); err == nil {
				err = s.copyUpTo(LookBytes)
			}
			if err != nil {
				return nil, 0, false, fmt.Errorf("copy to a temporary file: %w", bare(err))
			}
			return s.temp, s.size, s.err != nil, s.ctx.Err()
		}
		return bytes.NewReader(s.kept), int64(len(s.kept)), s.n == int64(len(s.kept)), s.ctx.Err()
	}
	return s.whole, s.size, true, s.ctx.Err()
}

// copyUpTo puts what was kept and the next bytes of the source, most in all, into the temporary file; the reader goes on behind them.
func (s *stream) copyUpTo(most int64) error {
	scratch := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(scratch)
	if _, err := s.temp.Write(s.kept); err != nil {
		return err
	}
	for s.err == nil && s.n < most {
		n := s.take(scratch[:min(scratchBytes, most-s.n)])
		if _, err := s.temp.Write(scratch[:n]); err != nil {
			return err
		}
	}
	s.size, s.spooled, s.begun = s.n, true, s.temp
	return nil
}

// again is one more stream from the first byte.
func (s *stream) again() (io.ReadCloser, error) {
	if s.from.more != nil {
		return s.from.more()
	}
	r, size, err := s.at()
	if err != nil {
		return nil, err
	}
	return io.NopCloser(io.NewSectionReader(r, 0, size)), nil
}

// spool copies the artifact to memory or to a temporary file: what was kept and the rest of the source, or, when more
// than that was read, all of it from a second opening.
func (s *stream) spool() error {
	if s.begun != nil && s.n == s.size {
		if err := s.copyOn(); err != nil {
			return bare(err)
		}
		s.whole = s.temp
		return nil
	}
	passed := s.n > int64(len(s.kept))
	for !passed && len(s.kept) < s.keep && s.err == nil {
		s.take(s.kept[len(s.kept):s.keep])
	}
	if s.err != nil && s.n == int64(len(s.kept)) {
		s.whole, s.size, s.spooled = bytes.NewReader(s.kept), s.n, true
		return nil
	}
	if passed && s.from.more == nil {
		return errPassed
	}
	if s.temp != nil { // it holds what was looked at
		s.temp.Close()
		s.temp, s.begun, s.size = nil, nil, 0
	}
	var err error
	if s.temp, err = newTemp(s.tempDir); err != nil {
		return err
	}
	if passed {
		err = s.copyAgain()
	} else {
		err = s.copyRest()
	}
	if err != nil {
		return bare(err)
	}
	s.whole = s.temp
	return nil
}

func (s *stream) copyRest() error {
	if _, err := s.temp.Write(s.kept); err != nil {
		return err
	}
	return s.copyOn()
}

// copyOn puts the rest of the source behind what is in the temporary file.
func (s *stream) copyOn() error {
	scratch := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(scratch)
	for s.err == nil {
		n := s.take(scratch[:])
		if _, err := s.temp.Write(scratch[:n]); err != nil {
			return err
		}
	}
	s.size, s.spooled = s.n, true
	return nil
}

func (s *stream) copyAgain() error {
	r, err := s.from.more()
	if err != nil {
		return err
	}
	defer r.Close()
	scratch := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(scratch)
	for {
		n, err := r.Read(scratch[:])
		if _, err := s.temp.Write(scratch[:n]); err != nil {
			return err
		}
		s.size += int64(n)
		if err != nil {
			// Where the source breaks off, the stream says so too.
			return s.ctx.Err()
		}
	}
}

// temp is a file that is gone when it is closed; where the system allows, it has no name already before.
type temp struct {
	*os.File
	named bool
}

func newTemp(dir string) (*temp, error) {
	f, err := os.CreateTemp(dir, "wardround-*")
	if err != nil {
		return nil, err
	}
	return &temp{f, os.Remove(f.Name()) != nil}, nil
}

func (t *temp) Close() error {
	err := t.File.Close()
	if t.named {
		err = errors.Join(err, os.Remove(t.Name()))
	}
	return err
}
