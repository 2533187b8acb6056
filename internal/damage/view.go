package damage

import (
	"errors"
	"fmt"
	"io"
	"slices"
)

// How much of a file is read. What is no larger than wholeBytes is read whole; of a larger one its head, its tail and
// windows in between, half of them evenly spaced and half at places that follow from its size alone, so that a stripe of an encryptor cannot hide between them
// and two versions of one size are read at the same places.
const (
	wholeBytes  = 8 << 20
	headWindow  = 2 << 20
	tailWindow  = 512 << 10
	smallWindow = 16 << 10
	windows     = 128
)

// window is a piece of a file.
type window struct {
	off int64
	b   []byte
}

// view is what was read of a file: all of it in one window, or samples in order.
type view struct {
	size    int64
	windows []window
	whole   bool
}

// bytesView is a view of bytes at hand.
func bytesView(b []byte) *view {
	return &view{size: int64(len(b)), windows: []window{{0, b}}, whole: true}
}

// head is the beginning of the file: all of it, if the view is whole.
func (v *view) head() []byte {
	if len(v.windows) == 0 {
		return nil
	}
	return v.windows[0].b
}

// tail is the end of the file as far as the last window holds it.
func (v *view) tail(n int) []byte {
	if len(v.windows) == 0 {
		return nil
	}
	b := v.windows[len(v.windows)-1].b
	return b[max(0, len(b)-n):]
}

// seen is how many bytes the view holds.
func (v *view) seen() (n int64) {
	for _, w := range v.windows {
		n += int64(len(w.b))
	}
	return n
}

// viewer reads views into one buffer: a view lives until the next is read.
type viewer struct {
	buf  []byte
	view view
}

// read reads a file of that size. A file that turns out shorter is viewed as far as it goes.
func (r *viewer) read(f io.ReaderAt, size int64) (*view, error) {
	r.view = view{size: size, windows: r.view.windows[:0], whole: size <= wholeBytes}
	if r.view.whole {
		b, err := r.at(f, 0, 0, int(size))
		r.view.size = int64(len(b))
		r.view.windows = append(r.view.windows, window{0, b})
		return &r.view, err
	}
	used := 0
	for _, s := range spans(size) {
		b, err := r.at(f, used, s.from, int(s.to-s.from))
		if err != nil {
			return &r.view, err
		}
		r.view.windows = append(r.view.windows, window{s.from, b})
		used += len(b)
	}
	return &r.view, nil
}

func (r *viewer) at(f io.ReaderAt, used int, off int64, n int) ([]byte, error) {
	if need := used + n; need > cap(r.buf) {
		r.buf = append(make([]byte, 0, max(need, min(2*cap(r.buf), wholeBytes), 64<<10)), r.buf[:used]...)
	}
	b := r.buf[used : used+n : used+n]
	k, err := f.ReadAt(b, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return b[:k], fmt.Errorf("read at %d: %w", off, err)
	}
	return b[:k], nil
}

type span struct{ from, to int64 }

// spans are the windows of a large file, in order and apart. They follow from its size in whole 64 KiB, so that a note that was appended moves none.
func spans(size int64) []span {
	list := make([]span, 0, windows+2)
	list = append(list, span{0, headWindow}, span{size - tailWindow, size})
	inner := (size>>16<<16 - headWindow - tailWindow) / smallWindow * smallWindow
	seed := uint64(size>>16) * 0x9e3779b97f4a7c15
	for i := range int64(windows) {
		at := inner * (i / 2) / (windows / 2)
		if i%2 == 1 {
			seed ^= seed << 13
			seed ^= seed >> 7
			seed ^= seed << 17
			at = int64(seed % uint64(inner))
		}
		at = headWindow + at/smallWindow*smallWindow
		if at+smallWindow <= size-tailWindow {
			list = append(list, span{at, at + smallWindow})
		}
	}
	slices.SortFunc(list, func(a, b span) int { return int(max(-1, min(1, a.from-b.from))) })
	return slices.Compact(list)
}
