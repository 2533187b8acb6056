package patient

import (
	"bufio"
	"compress/zlib"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The custom format of pg_dump ("PGDMP", versions 1.10 to 1.16, after src/bin/pg_dump/pg_backup_archiver.c): a head, a table of contents, and for
// each table a block of data in chunks, compressed by zlib or zstd or not, in the text format of COPY.

func isPGDump(head []byte, _ string) bool { return has(head, "PGDMP") }

type pgDump struct {
	r        *bufio.Reader
	version  int // major × 100 + minor
	intSize  int
	offSize  int
	compress byte // 0 none, 1 zlib, 2 lz4, 3 zstd
	copies   map[int64]string
	err      error
}

var errPGDump = errors.New("pg_dump: not understood")

const maxTOC = 500_000

func readPGDump(w *worker, c *content, t *tally) {
	d := &pgDump{r: c.r, copies: map[int64]string{}}
	if d.head(); d.err == nil {
		d.contents()
	}
	if d.err != nil {
		t.opaque = true
		t.note("pg_dump archive of a version that is not read")
		return
	}
	q := newSQL(w, t)
	for {
		kind, err := d.r.ReadByte()
		if err != nil {
			break
		}
		id := d.int()
		if d.err != nil {
			break
		}
		body := &pgChunks{d: d}
		statement, ok := d.copies[id]
		if kind == 1 && ok {
			if r, err := d.unpack(body); err == nil {
				q.r = bufio.NewReader(io.MultiReader(strings.NewReader(statement), &unpacking{r, &w.budget}))
				if q.next() == sqlWord && q.is("COPY") {
					q.copy()
				}
				q.finish()
			} else {
				t.opaque = true
				t.note("data of a dump compressed by a method that is not read")
			}
		}
		if body.drain(kind); d.err != nil {
			t.note("the dump breaks off")
			break
		}
	}
	q.finish()
}

// head reads what stands before the table of contents.
func (d *pgDump) head() {
	var b [16]byte
	d.full(b[:5])
	d.full(b[:3])
	d.version = int(b[0])*100 + int(b[1])
	d.full(b[:2])
	d.intSize, d.offSize = int(b[0]), int(b[1])
	format := d.byte()
	if d.err != nil || d.intSize < 1 || d.intSize > 8 || d.offSize < 1 || d.offSize > 16 || d.version < 110 || d.version > 116 || format != 1 {
		d.err = errPGDump
		return
	}
	if d.version >= 115 {
		d.compress = d.byte()
	} else if d.int() != 0 {
		d.compress = 1
	}
	for range 7 {
		d.int() // when it was made
	}
	for range 3 {
		d.string() // database, versions of server and program
	}
}

// contents reads the table of contents and keeps the COPY statement of each table with data.
func (d *pgDump) contents() {
	n := d.int()
	if n < 0 || n > maxTOC {
		d.err = errPGDump
	}
	bytes := 0
	for range n {
		if d.err != nil {
			return
		}
		id := d.int()
		d.int() // whether data follows
		d.string()
		d.string()
		d.string() // tag
		d.string() // description
		if d.version >= 111 {
			d.int() // section
		}
		d.string() // definition
		d.string()
		statement := d.string()
		d.string() // schema
		d.string() // tablespace
		if d.version >= 114 {
			d.string() // access method
		}
		if d.version >= 116 {
			d.int() // kind of relation
		}
		d.string() // owner
		d.string() // with OIDs
		for range 1 << 20 {
			if d.string() == "" || d.err != nil {
				break
			}
		}
		d.skip(int64(d.offSize) + 1)
		if bytes += len(statement); strings.HasPrefix(statement, "COPY ") && bytes < 32<<20 {
			d.copies[id] = statement
		}
	}
}

func (d *pgDump) full(b []byte) {
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, b)
	}
}

func (d *pgDump) byte() byte {
	var b [1]byte
	d.full(b[:])
	return b[0]
}

func (d *pgDump) skip(n int64) {
	if d.err == nil {
		_, d.err = io.CopyN(io.Discard, d.r, n)
	}
}

// int reads a sign and intSize bytes, the lowest first.
func (d *pgDump) int() int64 {
	var b [9]byte
	d.full(b[:1+d.intSize])
	if d.err != nil {
		return 0
	}
	n := int64(0)
	for i := d.intSize; i > 0; i-- {
		n = n<<8 | int64(b[i])
	}
	if b[0] != 0 {
		return -n
	}
	return n
}

const maxStatement = 64 << 10

// string reads a length and so many bytes; "" for none. What is longer than a statement of COPY is passed over.
func (d *pgDump) string() string {
	n := d.int()
	if d.err != nil || n <= 0 {
		return ""
	}
	if n > maxStatement {
		d.skip(n)
		return " "
	}
	b := make([]byte, n)
	d.full(b)
	return string(b)
}

// pgChunks is the data of one block: chunks with their lengths, ended by an empty one.
type pgChunks struct {
	d    *pgDump
	left int64
	done bool
}

func (c *pgChunks) Read(p []byte) (int, error) {
	for c.left == 0 {
		if c.done || c.d.err != nil {
			return 0, io.EOF
		}
		c.left = c.d.int()
		if c.left <= 0 {
			c.left, c.done = 0, true
		}
	}
	n, err := c.d.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if err != nil {
		c.d.err = err
	}
	return n, err
}

// drain passes over what was not read of a block. Large objects are several lists of chunks, each with its number.
func (c *pgChunks) drain(kind byte) {
	io.Copy(io.Discard, c)
	for kind == 3 && c.d.err == nil {
		if c.d.int() == 0 {
			return
		}
		c.done = false
		io.Copy(io.Discard, c)
	}
}

func (d *pgDump) unpack(r io.Reader) (io.Reader, error) {
	switch d.compress {
	case 0:
		return r, nil
	case 1:
		return zlib.NewReader(r)
	case 3:
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		return z, err
	}
	return nil, errPGDump
}
