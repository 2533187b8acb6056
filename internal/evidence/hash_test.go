package evidence

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"testing"
)

// pattern is a stream of so many bytes, each told by its place.
type pattern struct{ at, size int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at == p.size {
		return 0, io.EOF
	}
	n := min(int64(len(b)), p.size-p.at)
	for i := range b[:n] {
		b[i] = byte((p.at + int64(i)) * 2654435761 >> 16)
	}
	p.at += n
	return int(n), nil
}

// TestLookThenRead: a look at the first bytes of a stream costs its reader nothing: not what it reads, nor random access, nor the digest.
func TestLookThenRead(t *testing.T) {
	for _, size := range []int64{0, 10, keepBytes, keepBytes + 1, LookBytes + 12345} {
		for _, random := range []bool{false, true} {
			s := newStream(context.Background(), t.TempDir(), source{once: &pattern{size: size}})
			s.head()
			for range 2 {
				r, n, whole, err := s.look()
				want := min(size, LookBytes)
				if err != nil || n != want || whole != (size <= LookBytes) {
					t.Fatalf("%d: looked at %d, whole %t, %v", size, n, whole, err)
				}
				if b := make([]byte, 1); n > 0 {
					if _, err := r.ReadAt(b, n-1); err != nil && err != io.EOF || b[0] != byte((n-1)*2654435761>>16) {
						t.Errorf("%d: last byte of the look is %d, %v", size, b[0], err)
					}
				}
			}
			if random {
				r, n, err := s.at()
				if err != nil || n != size {
					t.Fatalf("%d: random access to %d, %v", size, n, err)
				}
				if b := make([]byte, 1); n > 0 {
					if _, err := r.ReadAt(b, n-1); err != nil && err != io.EOF || b[0] != byte((n-1)*2654435761>>16) {
						t.Errorf("%d: last byte is %d, %v", size, b[0], err)
					}
				}
			}
			read, want := sha256.New(), sha256.New()
			n, err := io.Copy(read, s)
			io.Copy(want, &pattern{size: size})
			s.drain()
			if err != nil || n != size || hex.EncodeToString(read.Sum(nil)) != hex.EncodeToString(want.Sum(nil)) || s.digest() != hex.EncodeToString(want.Sum(nil)) {
				t.Errorf("%d, random %t: read %d, %v, or not what there was", size, random, n, err)
			}
			s.close()
		}
	}
}
