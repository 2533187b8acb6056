package evtx

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/event"
)

type counter struct {
	d       *Decoder
	damage  []string
	w       *bufio.Writer
	file    string
	records int
	values  int
}

func (c *counter) Want(*event.Schema) bool { return true }
func (c *counter) Take(r *event.Record) {
	c.records++
	if c.w != nil {
		fmt.Fprintf(c.w, "%s\t%d", c.file, r.Number)
		s := c.d.shape
		for i := range r.Schema.Fields {
			n := 0
			r.Field(i).Each(func(v event.Value) {
				t := v.String()
				if t == "" {
					return
				}
				fmt.Fprintf(c.w, "\t%s=%q", s.paths[i], t)
				n++
			})
		}
		c.w.WriteByte('\n')
	}
}
func (c *counter) Damage(o, n int64, why string) {
	c.damage = append(c.damage, fmt.Sprintf("%d+%d %s", o, n, why))
}

func TestTmp(t *testing.T) {
	d := NewDecoder()
	out, _ := os.Create("/tmp/w/ours.tsv")
	w := bufio.NewWriter(out)
	defer w.Flush()
	for _, dir := range []string{"evtx", "artifacts/evtx", "sigma/regression"} {
		filepath.WalkDir("/work/shared/data/"+dir, func(p string, e fs.DirEntry, err error) error {
			if !strings.HasSuffix(p, ".evtx") {
				return nil
			}
			f, _ := os.Open(p)
			defer f.Close()
			c := &counter{d: d, w: w, file: p}
			rep, err := d.Read(context.Background(), f, c)
			fmt.Printf("%s\t%d\t%v\t%v\t%v\n", p, rep.Records, err, rep.Exported, c.damage)
			return nil
		})
	}
	fmt.Println(len(d.cache.templates), d.cache.next, len(d.cache.shapes), d.cache.schemas)
}
