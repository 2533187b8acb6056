package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// maxLine is the longest line that is kept whole. What follows is passed over and counted as damage: such a line is
// no log's.
const maxLine = 8 << 20

// lines reads a text artifact line by line, without a copy: text is only valid until the next call. It undoes UTF-16
// where a byte order mark or the look of the first characters says so, and drops the mark of UTF-8. Lines end with LF or
// CRLF; the last need not.
type lines struct {
	text   []byte // without its end
	number uint64 // from 1
	offset int64  // of the line's first byte in the artifact
	cut    int64  // bytes of this line past maxLine that are not in text

	r      io.Reader
	buf    []byte
	at, n  int   // unread part of buf
	pos    int64 // offset in the artifact of buf[at]
	wide   bool  // the artifact is UTF-16, buf holds UTF-8
	err    error
	polled int
	ctx    context.Context
}

func newLines(ctx context.Context, r io.Reader) *lines {
	size := 256 << 10
	if b, ok := r.(interface{ Len() int }); ok { // a head at hand: many readers look at each file's
		size = max(unmarkedHead, min(size, b.Len()+1))
	}
	l := &lines{ctx: ctx, r: r, buf: make([]byte, size)}
	for l.n < unmarkedHead && l.err == nil {
		l.fill()
	}
	head := l.buf[l.at:l.n]
	if bytes.HasPrefix(head, []byte("\xef\xbb\xbf")) {
		l.skip(3)
	} else if order, mark := wideText(head); order != nil {
		l.skip(mark)
		l.r = &utf16Reader{r: io.MultiReader(bytes.NewReader(bytes.Clone(l.buf[l.at:l.n])), r), order: order}
		l.at, l.n, l.wide = 0, 0, true
		if l.err == io.EOF {
			l.err = nil
		}
	}
	return l
}

// unmarkedHead is how many bytes must look like UTF-16 where no mark says so.
const unmarkedHead = 32

// wideText tells UTF-16 by its mark, whose length it returns, or without one by ASCII characters whose upper halves are
// all zero. The order is nil for other text.
func wideText(head []byte) (order binary.ByteOrder, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return binary.LittleEndian, 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return binary.BigEndian, 2
	case len(head) < unmarkedHead:
		return nil, 0
	}
	for i := 0; i < unmarkedHead; i += 2 {
		c := head[i]
		if head[i+1] != 0 || (c < ' ' || c > '~') && c != '\t' && c != '\r' && c != '\n' {
			return nil, 0
		}
	}
	return binary.LittleEndian, 0
}

// plainHead is the head of an artifact in UTF-8, so that what tells its kind need not know of UTF-16.
func plainHead(head []byte) []byte {
	order, mark := wideText(head)
	if order == nil {
		return head
	}
	u := utf16Reader{r: bytes.NewReader(head[mark:]), order: order}
	plain, _ := io.ReadAll(&u)
	return plain[:min(len(plain), headBytes)]
}

// next moves to the next line. It answers no at the end, when the stream fails or when the context is done: see fail.
func (l *lines) next() bool {
	if l.polled++; l.polled&1023 == 0 && l.ctx.Err() != nil {
		l.err = l.ctx.Err()
		return false
	}
	l.cut = 0
	for searched := 0; ; {
		if i := bytes.IndexByte(l.buf[l.at+searched:l.n], '\n'); i >= 0 {
			l.line(searched+i, searched+i+1)
			return true
		}
		searched = l.n - l.at
		if l.err != nil {
			if searched == 0 || !errors.Is(l.err, io.EOF) {
				return false
			}
			l.line(searched, searched)
			return true
		}
		if searched >= maxLine {
			l.long()
			return true
		}
		l.fill()
	}
}

// fail is the error that ended the lines early, nil at the end of the artifact.
func (l *lines) fail() error {
	if l.err == nil || errors.Is(l.err, io.EOF) {
		return nil
	}
	return l.err
}

func (l *lines) line(size, whole int) {
	l.text = bytes.TrimSuffix(l.buf[l.at:l.at+size], []byte("\r"))
	l.number++
	l.offset = l.pos
	l.skip(whole)
}

// long yields the first maxLine bytes and passes over the rest of the line.
func (l *lines) long() {
	kept := bytes.Clone(l.buf[l.at : l.at+maxLine])
	l.number++
	l.offset = l.pos
	l.skip(maxLine)
	for {
		if i := bytes.IndexByte(l.buf[l.at:l.n], '\n'); i >= 0 {
			l.cut += int64(i)
			l.skip(i + 1)
			break
		}
		l.cut += int64(l.n - l.at)
		l.skip(l.n - l.at)
		if l.err != nil {
			break
		}
		l.fill()
	}
	l.text = kept
}

// size is the length of the line in the artifact, its end included.
func (l *lines) size() int64 { return l.pos - l.offset }

func (l *lines) skip(n int) {
	l.pos += l.measure(l.buf[l.at : l.at+n])
	l.at += n
}

// measure is the length of b, text that was read, in the artifact.
func (l *lines) measure(b []byte) int64 {
	if l.wide {
		return utf16Size(b)
	}
	return int64(len(b))
}

// utf16Size is the length in UTF-16 of text in UTF-8: two bytes for each character, four outside the basic plane.
func utf16Size(b []byte) (n int64) {
	for _, c := range b {
		switch {
		case c >= 0xf0:
			n += 4
		case c < 0x80 || c >= 0xc0:
			n += 2
		}
	}
	return n
}

func (l *lines) fill() {
	if l.at > 0 {
		l.n = copy(l.buf, l.buf[l.at:l.n])
		l.at = 0
	}
	if l.n == len(l.buf) {
		l.buf = append(l.buf, make([]byte, len(l.buf))...)
	}
	for tries := 0; ; tries++ {
		n, err := l.r.Read(l.buf[l.n:])
		l.n += n
		l.err = err
		if n > 0 || err != nil {
			return
		}
		if tries == 100 {
			l.err = io.ErrNoProgress
			return
		}
	}
}

// utf16Reader turns UTF-16 into UTF-8; ill-formed units become U+FFFD.
type utf16Reader struct {
	r     io.Reader
	order binary.ByteOrder
	raw   []byte
	out   []byte
	err   error
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	for len(u.out) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.decode()
	}
	n := copy(p, u.out)
	u.out = u.out[n:]
	return n, nil
}

func (u *utf16Reader) decode() {
	chunk := make([]byte, 64<<10)
	n, err := u.r.Read(chunk)
	u.err = err
	u.raw = append(u.raw, chunk[:n]...)
	out := make([]byte, 0, n)
	i := 0
	for ; i+1 < len(u.raw); i += 2 {
		r := rune(u.order.Uint16(u.raw[i:]))
		if utf16.IsSurrogate(r) {
			if i+3 >= len(u.raw) && err == nil {
				break
			}
			pair := rune(utf8.RuneError)
			if i+3 < len(u.raw) {
				pair = utf16.DecodeRune(r, rune(u.order.Uint16(u.raw[i+2:])))
			}
			if pair != utf8.RuneError {
				i += 2
			}
			r = pair
		}
		out = utf8.AppendRune(out, r)
	}
	u.raw = append(u.raw[:0], u.raw[i:]...)
	u.out = out
}
