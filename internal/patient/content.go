package patient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
)

// content is a file, or an entry of an archive, on its way in.
type content struct {
	path string
	r    *bufio.Reader
	at   io.ReaderAt // nil if it can only be read forwards
	size int64       // of at
	fail error       // other than its end, of what is below r

	depth int // archives and messages around it
}

// headBytes is how much of a file is looked at to tell its format.
const headBytes = 64 << 10

func newContent(path string, r io.Reader, at io.ReaderAt, size int64, ctx context.Context) *content {
	c := &content{path: path, at: at, size: size}
	c.r = bufio.NewReaderSize(&watched{r, c, ctx}, headBytes)
	return c
}

// watched asks the context with each read, and keeps the error that ended it.
type watched struct {
	r   io.Reader
	c   *content
	ctx context.Context
}

func (x *watched) Read(p []byte) (int, error) {
	if err := x.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := x.r.Read(p)
	if err != nil && err != io.EOF {
		x.c.fail = err
	}
	return n, err
}

// maxHeld is how much of an entry of an archive is held in memory for formats that cannot be read forwards: nothing is written out.
const maxHeld = 64 << 20

var errTooLarge = errors.New("too large to be opened inside an archive: unpack it and scan the folder")

// random gives random access, by holding an entry of an archive in memory.
func (c *content) random() (io.ReaderAt, int64, error) {
	if c.at != nil {
		return c.at, c.size, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.r, maxHeld+1))
	if len(b) > maxHeld {
		c.r = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(b), c.r), headBytes) // whoever can may still read it forwards
		return nil, 0, errTooLarge
	}
	if err != nil && len(b) == 0 {
		return nil, 0, err
	}
	c.at, c.size = bytes.NewReader(b), int64(len(b))
	return c.at, c.size, nil
}

// format is one format of files: how it is told, and what reads it. Readers never fail: what they cannot read they note.
type format struct {
	name string
	is   func(head []byte, path string) bool
	read func(w *worker, c *content, t *tally)
}

// formats are told in this order: those with a signature first. What is none of them and no text holds no records.
var formats = []format{
	{"pdf", isPDF, readPDF},
	{"sqlite", isSQLite, readSQLite},
	{"pg_dump", isPGDump, readPGDump},
	{"dicom", isDICOM, readDICOM},
	{"office 97", isOLE, readOLE},
	{"xls", isBIFF, readBIFF},
	{"rtf", isRTF, readRTF},
	{"dbf", isDBF, readDBF},
	{"mssql data", isMSSQLData, readDatabase},
	{"mssql backup", isMSSQLBackup, readDatabase},
	{"mysql table", isMySQLTable, readDatabase},
	{"mysql table definition", isMySQLDefinition, readDatabase},
	{"access", isAccess, readDatabase},
	{"oracle export", isOracleExport, readDatabase},
	{"oracle data", isOracleData, readDatabase},
	{"outlook mail store", isMailStore, readMailStore},
	{"postgresql data", isPostgresData, readPostgresData},
}

// examine reads one content, and what is in it. depth counts the archives around it.
func (w *worker) examine(c *content, depth int) {
	c.depth = depth
	head, _ := c.r.Peek(headBytes)
	if len(head) == 0 && c.fail != nil {
		w.run.problem(c.path, "cannot be read")
		return
	}
	if w.archive(c, head, depth) {
		return
	}
	for i := range formats {
		if f := &formats[i]; f.is(head, c.path) {
			w.readAs(f, c)
			return
		}
	}
	if f := textFormat(head, c.path); f != nil {
		w.readAs(f, c)
		return
	}
	w.run.skip()
}

// readAs reads a content in one format and hands over what it holds.
func (w *worker) readAs(f *format, c *content) {
	t := newTally(w.hasher, f.name, func(format string, keys []key) { w.run.count(w.folder, format, keys) })
	guard(f, w, c, t)
	if w.ctx.Err() != nil {
		return
	}
	if c.fail != nil && c.at != nil {
		t.note("it breaks off")
	}
	w.run.read(c.size)
	for _, why := range t.unread {
		w.run.problem(c.path, why)
	}
	if file := t.file(c.path); file != nil {
		w.run.learn(w.folder, file, t.kinds)
		if len(w.results) < maxResults {
			w.results = append(w.results, *file)
		}
	}
}

// guard runs a reader. Readers do not panic; should one do so all the same, it costs that file. What the panic says is left out, since
// it may quote what was read.
func guard(f *format, w *worker, c *content, t *tally) {
	defer func() {
		if recover() != nil {
			t.note("the reader failed on these bytes, a fault of this program")
		}
	}()
	f.read(w, c, t)
}

func has(head []byte, magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }

func suffix(path string, endings ...string) bool {
	p := strings.ToLower(path)
	for _, e := range endings {
		if strings.HasSuffix(p, e) {
			return true
		}
	}
	return false
}
