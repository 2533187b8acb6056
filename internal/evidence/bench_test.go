package evidence

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"wardround/internal/event"
)

type deaf struct{}

func (deaf) Begin(*event.Artifact) (Consumer, bool) { return nil, false }
func (deaf) End(*event.Artifact)                    {}
func (deaf) Progress(int64)                         {}

func BenchmarkSHA256(b *testing.B) {
	buf := make([]byte, 64<<20)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		sha256.Sum256(buf)
	}
}

// BenchmarkLargeFile is what opening and hashing costs beside SHA-256 alone.
func BenchmarkLargeFile(b *testing.B) {
	benchCollection(b, saveFile(b, "a.bin", make([]byte, 64<<20)), 64<<20)
}

func BenchmarkSmallFiles(b *testing.B) {
	files := map[string][]byte{}
	for i := range 2000 {
		files[fmt.Sprintf("h%d/var/log/%d.log", i%10, i)] = bytes.Repeat([]byte("x"), 2000)
	}
	benchCollection(b, save(b, files), 2000*2000)
}

func benchCollection(b *testing.B, path string, size int64) {
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		c, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Units(b.Context(), func(u Unit) error { return u.Read(b.Context(), deaf{}) }); err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
