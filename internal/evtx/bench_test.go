package evtx

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

type toucher struct{ n, b int }

func (c *toucher) Want(*event.Schema) bool { return true }
func (c *toucher) Take(r *event.Record) {
	c.n++
	for i := range r.Slots {
		c.b += len(r.Slots[i].Raw)
	}
}
func (c *toucher) Damage(o, n int64, why string) {}

func BenchmarkDecode(b *testing.B) {
	var files [][]byte
	var total int64
	filepath.WalkDir(outside.Data(b, "evtx", "attack-samples"), func(p string, e fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".evtx") {
			x, _ := os.ReadFile(p)
			files = append(files, x)
			total += int64(len(x))
		}
		return nil
	})
	b.SetBytes(total)
	d := NewDecoder()
	for b.Loop() {
		var c toucher
		for _, f := range files {
			d.Read(context.Background(), bytes.NewReader(f), &c)
		}
	}
}
