package evidence

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

func TestPagesShowTheArtifactAsItIs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	whole := make([]byte, 2*pageBytes*pageCount+12345)
	for i := range whole {
		whole[i] = byte(rng.Uint32())
	}
	p := &pages{size: int64(len(whole)), ctx: context.Background(), r: bytes.NewReader(whole)}
	for range 5000 {
		at, n := rng.IntN(len(whole)), rng.IntN(3*pageBytes)
		if got := p.bytes(int64(at), n); !bytes.Equal(got, whole[at:min(at+n, len(whole))]) {
			t.Fatalf("%d bytes at %d differ", n, at)
		}
	}
	got, err := io.ReadAll(io.NewSectionReader(p, 0, p.size))
	if err != nil || !bytes.Equal(got, whole) {
		t.Errorf("whole differs: %v", err)
	}
	for _, bad := range [][2]int64{{-1, 1}, {1, -1}, {1, 0}, {1 << 62, 1 << 40}, {int64(len(whole)), 1}} {
		if got := p.bytes(bad[0], int(bad[1])); len(got) != 0 {
			t.Errorf("bytes%v gave %d", bad, len(got))
		}
	}
	if n, err := p.ReadAt(make([]byte, 10), -1); n != 0 || err != io.EOF || p.err != nil {
		t.Error(n, err, p.err)
	}
}

// TestPagesOfAFileThatShrank: the size was taken before; what is missing is an error and no stale page.
func TestPagesOfAFileThatShrank(t *testing.T) {
	p := &pages{size: 3 * pageBytes, ctx: context.Background(), r: bytes.NewReader(bytes.Repeat([]byte{7}, pageBytes+10))}
	if b := p.bytes(pageBytes, 20); !bytes.Equal(b, append(bytes.Repeat([]byte{7}, 10), make([]byte, 10)...)) {
		t.Error(b)
	}
	if !errors.Is(p.err, io.ErrUnexpectedEOF) {
		t.Error(p.err)
	}
}

func TestPagesStopWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pages{size: 3 * pageBytes, ctx: ctx, r: bytes.NewReader(make([]byte, 3*pageBytes))}
	p.bytes(0, 10)
	if p.err != nil {
		t.Error(p.err)
	}
	cancel()
	if p.bytes(pageBytes, 10); !errors.Is(p.err, context.Canceled) {
		t.Error(p.err)
	}
}
