//go:build check

package check_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"wardround/internal/event"
	"wardround/internal/evtx"
	"wardround/internal/outside"
)

// corpus is evidence to measure on.
type corpus struct {
	dir   string
	files []string
	total int64
}

func sparseLogs(t testing.TB, size int64) (c corpus) {
	c.dir, c.files, c.total = sparse(t, size)
	return c
}

// original is a file to copy: where it stands in a server's folder, and how a copy is told apart from the others.
type original struct {
	name string
	data []byte
	mark func(data []byte, n int) []byte
}

// copies makes a corpus of at least size bytes from originals, in turn, in the folder of a server of its own each round.
func copies(t testing.TB, size int64, list []original) (c corpus) {
	t.Helper()
	c.dir = scratch(t, size)
	for server := 0; c.total < size; server++ {
		for i := range list {
			o := &list[i]
			name := filepath.Join(c.dir, fmt.Sprintf("server-%04d", server), o.name)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				t.Fatal(err)
			}
			data := o.mark(o.data, len(c.files)+1)
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			c.files, c.total = append(c.files, name), c.total+int64(len(data))
		}
	}
	return c
}

// inHeader tells a copy of an event log apart by a number in the unused bytes of its header.
func inHeader(data []byte, n int) []byte {
	for i := range 8 {
		data[numberOffset+i] = byte(n >> (8 * i))
	}
	return data
}

// inBlank tells a copy of a text apart by blanks in one more line.
func inBlank(data []byte, n int) []byte {
	line := []byte("\n")
	for ; n > 0; n >>= 1 {
		line = append(line, " \t"[n&1])
	}
	return slices.Concat(data, line, []byte("\n"))
}

// denseLogs are full event logs of busy servers, of an exercise with heavy noise: whole chunks from the beginning of each log
// whose name ends in one of the given ways, an equal share of each.
func denseLogs(endings ...string) func(testing.TB, int64) corpus {
	return func(t testing.TB, size int64) corpus {
		estate := os.Getenv("WARDROUND_BENCH_ESTATE")
		if estate == "" {
			estate = filepath.Join(scratch(t, 6e9), "estate")
			spend(t, nil, built(t), "exercise", "--out", estate, "--scenario", "mail-theft", "--seed", "1", "--noise", "heavy")
		}
		var list []original
		for _, ending := range endings {
			for _, name := range below(t, filepath.Join(estate, "collections"), ending) {
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if len(data) < 1<<20 {
					continue
				}
				list = append(list, original{filepath.Base(name), data[:min(int64(len(data)), max(size/4/int64(len(endings)), 1<<20)&^0xffff|0x1000)], inHeader})
				break
			}
		}
		if len(list) < len(endings) {
			t.Skipf("the exercise lacks one of %q", endings)
		}
		return copies(t, size, list)
	}
}

// jsonLines are the open recordings of OTRF, which are Windows events as JSON lines.
func jsonLines(t testing.TB, size int64) corpus {
	var list []original
	for _, name := range below(t, outside.Data(t, "otrf"), ".zip") {
		z, err := zip.OpenReader(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			if !strings.HasSuffix(f.Name, ".json") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, original{filepath.Base(f.Name), data, inBlank})
		}
		z.Close()
	}
	return copies(t, size, list)
}

// textLogs are logs of the shared data, by pairs: the file, and where a server keeps it.
func textLogs(pairs ...string) func(testing.TB, int64) corpus {
	return func(t testing.TB, size int64) corpus {
		var list []original
		for i := 0; i < len(pairs); i += 2 {
			data, err := os.ReadFile(outside.Data(t, "artifacts", "loghub", pairs[i]))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, original{pairs[i+1], bytes.Repeat(data, max(1, 1<<22/len(data))), inBlank})
		}
		return copies(t, size, list)
	}
}

// tenfold is a folder with each public rule nine times more, under another id and with other literals.
func tenfold(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	from := outside.Data(t, "sigma", "rules")
	for i, name := range below(t, from, ".yml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 9 {
			out, ok := renamed(text, n)
			if !ok {
				break
			}
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d-%d.yml", i, n)), out, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// renamed is a rule under another id whose texts each hold a mark behind their first half.
func renamed(text []byte, n int) ([]byte, bool) {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, false
	}
	m := doc.Content[0].Content
	for i := 0; i+1 < len(m); i += 2 {
		switch m[i].Value {
		case "id":
			m[i+1].Value = fmt.Sprintf("%08x%s", n+1, m[i+1].Value[min(8, len(m[i+1].Value)):])
		case "name", "related":
			m[i].Value = "x-" + m[i].Value
		case "detection":
			d := m[i+1].Content
			for k := 0; k+1 < len(d); k += 2 {
				if d[k].Value != "condition" {
					mark(d[k+1], fmt.Sprintf("q%dz", n))
				}
			}
		}
	}
	out, err := yaml.Marshal(&doc)
	return out, err == nil
}

func mark(n *yaml.Node, with string) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !strings.Contains(n.Content[i].Value, "|re") && !strings.Contains(n.Content[i].Value, "|cidr") && !strings.Contains(n.Content[i].Value, "|base64") {
				mark(n.Content[i+1], with)
			}
		}
	case yaml.SequenceNode:
		for _, k := range n.Content {
			mark(k, with)
		}
	case yaml.ScalarNode:
		if half := len(n.Value) / 2; n.Tag == "!!str" && len(n.Value) >= 6 && n.Value[half] < 0x80 && n.Value[half-1] != '\\' {
			n.Value = n.Value[:half] + with + n.Value[half:]
		}
	}
}

// toucher looks at every value of every record.
type toucher struct{ records, bytes uint64 }

func (c *toucher) Want(*event.Schema) bool { return true }
func (c *toucher) Take(r *event.Record) {
	c.records++
	for i := range r.Slots {
		c.bytes += uint64(len(r.Slots[i].Raw))
	}
}
func (c *toucher) Damage(int64, int64, string) {}

// decoding decodes event logs with our decoder, in this process and on one core.
func decoding(files []string) job {
	return job{"decode only, every value", func(t testing.TB, env ...string) (cost, uint64) {
		d, begin, before := evtx.NewDecoder(), time.Now(), used(t)
		var c toucher
		r := bufio.NewReaderSize(nil, 1<<16)
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			r.Reset(f)
			if _, err := d.Read(context.Background(), r, &c); err != nil {
				t.Fatalf("decode %s: %v", name, err)
			}
			f.Close()
		}
		return cost{wall: time.Since(begin), cpu: used(t) - before}, c.records
	}}
}

// used is the processor time of this process.
func used(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// crate dumps event logs to nothing with the evtx crate of Rust: `cargo install evtx --version 0.8.5 --root .judges/rust`.
func crate(t testing.TB, files []string) job {
	dump := filepath.Join(outside.Root(t), ".judges", "rust", "bin", "evtx_dump")
	if _, err := os.Stat(dump); err != nil {
		t.Skip("the evtx crate is not here: `cargo install evtx --version 0.8.5 --root .judges/rust`")
	}
	list := filepath.Join(t.TempDir(), "files")
	if err := os.WriteFile(list, []byte(strings.Join(files, "\x00")), 0o600); err != nil {
		t.Fatal(err)
	}
	return job{"evtx crate, JSON lines", func(t testing.TB, env ...string) (cost, uint64) {
		c := spend(t, env, "sh", "-c", `xargs -0 -a "$1" -n 1 "$2" --threads 1 --no-confirm-overwrite -o jsonl --dont-show-record-number -f /dev/null`, "sh", list, dump)
		c.peak = 0
		return c, 0
	}}
}

// baseline are the ratios that were measured last and kept.
type baseline struct {
	file string
	was  map[string]float64
	is   map[string]float64
}

func readBaseline(t testing.TB) *baseline {
	b := &baseline{filepath.Join(outside.Root(t), "check", "baseline.tsv"), map[string]float64{}, map[string]float64{}}
	text, err := os.ReadFile(b.file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), "\t"); len(f) == 3 {
			b.was[f[0]+"\t"+f[1]], _ = strconv.ParseFloat(f[2], 64)
		}
	}
	return b
}

// compare says how a ratio stands to the one that was kept.
func (b *baseline) compare(trial, job string, ratio float64) string {
	k := trial + "\t" + job
	b.is[k] = ratio
	was, ok := b.was[k]
	switch {
	case !ok:
		return ""
	case ratio > 1.2*was:
		return fmt.Sprintf("SLOWER: was %.2f", was)
	}
	return fmt.Sprintf("was %.2f", was)
}

func (b *baseline) write(t testing.TB) {
	for k, v := range b.is {
		b.was[k] = v
	}
	var lines []string
	for k, v := range b.was {
		lines = append(lines, fmt.Sprintf("%s\t%.2f\n", k, v))
	}
	slices.Sort(lines)
	if err := os.WriteFile(b.file, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}
