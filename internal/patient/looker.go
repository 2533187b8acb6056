package patient

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
)

// Looker examines files that others hold open, one at a time, and counts nobody: whom a file is about goes to Options.Person, for People to count.
type Looker struct {
	w *worker
	r *run
}

// NewLooker makes a Looker.
func NewLooker(o Options) (*Looker, error) {
	if err := o.compile(); err != nil {
		return nil, err
	}
	if len(o.Key) == 0 {
		return nil, errors.New("look for patients: no key is given")
	}
	o.Limits = o.Limits.orDefault()
	r := &run{o: o, groups: map[group]*holding{}}
	return &Looker{&worker{run: r, hasher: newHasher(o.Key)}, r}, nil
}

// lookBytes is how much of a file is looked at, and of what it unpacks to.
const lookBytes = 64 << 20

// inPart is said of a file that was not looked at whole.
const inPart = "only its beginning was looked at: `wardround patient` reads all of it"

// File examines the size bytes of r, the content of the file that is called name; whole is false where they are only its beginning. Of a large file
// the beginning is looked at, and its line says so.
func (l *Looker) File(ctx context.Context, name string, r io.ReaderAt, size int64, whole bool) []File {
	if size > lookBytes && !isArchive(r) {
		size, whole = lookBytes, false
	}
	w := l.w
	w.ctx, w.folder, w.results = ctx, "", nil
	l.r.sum, l.r.groups = Summary{}, map[group]*holding{}
	w.budget = budget{limits: w.run.o.Limits, packed: size}
	w.budget.limits.Bytes = 4 * lookBytes
	section := io.NewSectionReader(r, 0, size)
	w.examine(newContent(strings.ToValidUTF8(name, "\ufffd"), section, section, size, ctx), 0)
	for i := range w.results {
		if f := &w.results[i]; !whole {
			f.Unread = append(f.Unread, inPart)
		}
	}
	return w.results
}

// isArchive tells documents that are archives: these have their list at the end, and are bounded by what they unpack to.
func isArchive(r io.ReaderAt) bool {
	head := make([]byte, 512)
	n, _ := r.ReadAt(head, 0)
	return archiveKind(head[:n]) == "zip"
}

// People counts distinct people over files that were examined under one key.
type People struct{ p *people }

// NewPeople counts nobody yet.
func NewPeople() *People { return &People{newPeople(exactKeys)} }

// Error is the standard error of a count that is not exact, as a share.
const Error = 0.008

var errRecord = errors.New("count people: no record")

// Add takes in a record as Options.Person told it. The order of records does not matter.
func (p *People) Add(record []byte) error {
	var list [8]key
	keys := list[:0]
	for len(record) > 0 {
		if len(record) < 9 {
			return errRecord
		}
		k := key{grade: record[0] & 0xf, joins: record[0]&keyJoins != 0, hash: binary.LittleEndian.Uint64(record[1:])}
		owned := record[0]&keyOwned != 0
		if record = record[9:]; owned {
			if len(record) < 8 {
				return errRecord
			}
			k.owner, record = binary.LittleEndian.Uint64(record), record[8:]
		}
		keys = append(keys, k)
	}
	p.p.add(keys)
	return nil
}

// Count is the number of people; exact says that it is not an estimate. Nothing may be added afterwards.
func (p *People) Count() (n uint64, exact bool) { return p.p.count() }

// Marks of an encoded key beside its grade.
const (
	keyJoins = 0x10
	keyOwned = 0x20
)

// appendKeys encodes the keys of a record.
func appendKeys(b []byte, keys []key) []byte {
	for _, k := range keys {
		mark := k.grade
		if k.joins {
			mark |= keyJoins
		}
		if k.owner != 0 {
			mark |= keyOwned
		}
		b = binary.LittleEndian.AppendUint64(append(b, mark), k.hash)
		if k.owner != 0 {
			b = binary.LittleEndian.AppendUint64(b, k.owner)
		}
	}
	return b
}
