package casefile

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"
)

// sorter puts any number of entries in order of their keys, with a bounded amount of memory: what does not fit is sorted
// in runs on disk and merged. Entries with equal keys come in order of their values, so that the result does not depend on
// the order in which they were added.
type sorter struct {
	dir   string
	limit int
	gathered
	runs   []*os.File
	sorted []*orderedHits // entries that are in order already
	err    error

	beside bool       // a run is sorted and written in another goroutine while the next is gathered, in as much memory again
	spare  gathered   // what it is written from, when done
	spared chan error // of the run that is being written; nil if none is
}

// gathered are entries in memory.
type gathered struct {
	arena []byte
	index []sortedEntry
}

// sortedEntry is where an entry lies in the arena. Most entries are told apart by the first bytes of their keys, so these stand
// here: a look at them costs less than one at the arena.
type sortedEntry struct {
	head     uint64 // the key's first eight bytes, the first of them the highest
	at       uint32
	key, end uint32 // where the key and the value end
}

func headOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// sorterBytes is the memory of one sorter.
const sorterBytes = 16 << 20

func newSorter(dir string) *sorter { return &sorter{dir: dir, limit: sorterBytes} }

// add copies an entry in.
func (s *sorter) add(key, value []byte) {
	if s.err != nil {
		return
	}
	size := len(key) + len(value)
	if len(s.arena)+size+24*len(s.index) > s.limit && len(s.index) > 0 {
		s.spill()
	}
	if at := len(s.arena); at+size > cap(s.arena) { // append would grow a large one by a quarter, and copy it each time
		s.arena = append(make([]byte, 0, max(min(2*cap(s.arena), s.limit), at+size, 4<<10)), s.arena...)
	}
	s.put(key, value)
}

func (g *gathered) put(key, value []byte) {
	at := len(g.arena)
	g.arena = append(append(g.arena, key...), value...)
	g.index = append(g.index, sortedEntry{headOf(key), uint32(at), uint32(at + len(key)), uint32(len(g.arena))})
}

// drop forgets the first n entries in order.
func (g *gathered) drop(n int) {
	rest := gathered{}
	for i := n; i < len(g.index); i++ {
		rest.put(g.entry(&g.index[i]))
	}
	g.arena = append(g.arena[:0], rest.arena...)
	g.index = append(g.index[:0], rest.index...)
}

func (g *gathered) entry(x *sortedEntry) (key, value []byte) {
	return g.arena[x.at:x.key], g.arena[x.key:x.end]
}

func (g *gathered) sort() {
	slices.SortFunc(g.index, func(a, b sortedEntry) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		ka, va := g.entry(&a)
		kb, vb := g.entry(&b)
		if c := bytes.Compare(ka, kb); c != 0 {
			return c
		}
		return bytes.Compare(va, vb)
	})
}

// write sorts the entries, writes them, and forgets them. Of each only what neither its beginning nor its end shares with the
// one before: the copies of an event differ by their place alone.
func (g *gathered) write(f *os.File) error {
	g.sort()
	w := bufio.NewWriterSize(f, 256<<10)
	var head [4 * binary.MaxVarintLen64]byte
	var last []byte
	for i := range g.index {
		x := &g.index[i]
		b := g.arena[x.at:x.end]
		before := sharedBefore(last, b)
		after := sharedAfter(last[before:], b[before:])
		n := binary.PutUvarint(head[:], uint64(before))
		n += binary.PutUvarint(head[n:], uint64(after))
		n += binary.PutUvarint(head[n:], uint64(x.key-x.at))
		n += binary.PutUvarint(head[n:], uint64(len(b)-before-after))
		w.Write(head[:n])
		w.Write(b[before : len(b)-after])
		last = b
	}
	g.arena, g.index = g.arena[:0], g.index[:0]
	return w.Flush()
}

// sharedBefore is how many bytes two texts begin with in common.
func sharedBefore(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for ; n+8 <= most; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

// sharedAfter is how many bytes they end with in common.
func sharedAfter(a, b []byte) int {
	n, most := 0, min(len(a), len(b))
	for ; n+8 <= most; n += 8 {
		if x := binary.LittleEndian.Uint64(a[len(a)-n-8:]) ^ binary.LittleEndian.Uint64(b[len(b)-n-8:]); x != 0 {
			return n + bits.LeadingZeros64(x)/8
		}
	}
	for n < most && a[len(a)-n-1] == b[len(b)-n-1] {
		n++
	}
	return n
}

func (s *sorter) spill() {
	s.settle()
	f, err := os.CreateTemp(s.dir, "sort-*.tmp")
	if err != nil {
		s.fail(err)
		return
	}
	s.runs = append(s.runs, f)
	if !s.beside {
		s.fail(s.write(f))
		return
	}
	s.gathered, s.spare = s.spare, s.gathered
	s.spared = make(chan error, 1)
	go func() { s.spared <- s.spare.write(f) }()
}

// settle waits for the run that is being written.
func (s *sorter) settle() {
	if s.spared != nil {
		s.fail(<-s.spared)
		s.spared = nil
	}
}

func (s *sorter) fail(err error) {
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("sort on disk: %w", err)
	}
}

// each yields all entries in order, once. Key and value are only valid until yield returns.
func (s *sorter) each(yield func(key, value []byte) error) error {
	defer s.close()
	it, err := s.iterate()
	if err != nil {
		return err
	}
	for it.next() {
		if err := yield(it.key, it.value); err != nil {
			return err
		}
	}
	return it.err
}

// iterate begins to read the entries in order.
func (s *sorter) iterate() (*merge, error) {
	if s.settle(); s.err != nil {
		return nil, s.err
	}
	s.sort()
	m := &merge{}
	for _, f := range s.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("sort on disk: %w", err)
		}
		m.add(&fileRun{r: bufio.NewReaderSize(f, 128<<10)})
	}
	m.add(&memoryRun{s: s})
	for _, o := range s.sorted {
		m.add(o)
	}
	heap.Init(m)
	return m, m.err
}

// close gives memory and disk back.
func (s *sorter) close() {
	s.settle()
	for _, f := range s.runs {
		f.Close()
		os.Remove(f.Name())
	}
	for _, o := range s.sorted {
		o.close()
	}
	s.runs, s.sorted, s.gathered, s.spare = nil, nil, gathered{}, gathered{}
}

// sequence is a sorted sequence of entries.
type sequence interface {
	next() bool
	entry() (key, value []byte)
	fail() error
}

type memoryRun struct {
	s *sorter
	i int
}

func (r *memoryRun) next() bool              { r.i++; return r.i <= len(r.s.index) }
func (r *memoryRun) entry() ([]byte, []byte) { return r.s.entry(&r.s.index[r.i-1]) }
func (r *memoryRun) fail() error             { return nil }

type fileRun struct {
	r   *bufio.Reader
	buf []byte
	k   int
	err error
}

func (r *fileRun) next() bool {
	var head [4]uint64 // shared before, shared after, the key, what is new
	for i := range head {
		n, err := binary.ReadUvarint(r.r)
		if err != nil {
			if i > 0 || err != io.EOF {
				r.err = fmt.Errorf("sort on disk: %w", err)
			}
			return false
		}
		head[i] = n
	}
	before, after, end := int(head[0]), int(head[1]), int(head[0]+head[3])
	if before+after > len(r.buf) {
		r.err = errors.New("sort on disk: a run is not as it was written")
		return false
	}
	r.buf = slices.Grow(r.buf, max(end+after-len(r.buf), 0))
	whole := r.buf[:end+after]
	copy(whole[end:], r.buf[len(r.buf)-after:])
	r.buf, r.k = whole, int(head[2])
	if _, err := io.ReadFull(r.r, whole[before:end]); err != nil {
		r.err = fmt.Errorf("sort on disk: %w", err)
		return false
	}
	return true
}

func (r *fileRun) entry() ([]byte, []byte) { return r.buf[:r.k], r.buf[r.k:] }
func (r *fileRun) fail() error             { return r.err }

// merge reads runs as one.
type merge struct {
	runs       []sequence
	key, value []byte
	started    bool
	err        error
}

func (m *merge) add(r sequence) {
	if r.next() {
		m.runs = append(m.runs, r)
	} else if r.fail() != nil {
		m.err = r.fail()
	}
}

// next moves to the next entry.
func (m *merge) next() bool {
	if m.started && len(m.runs) > 0 {
		if m.runs[0].next() {
			heap.Fix(m, 0)
		} else {
			m.err = errors.Join(m.err, m.runs[0].fail())
			heap.Pop(m)
		}
	}
	m.started = true
	if len(m.runs) == 0 || m.err != nil {
		return false
	}
	m.key, m.value = m.runs[0].entry()
	return true
}

func (m *merge) Len() int      { return len(m.runs) }
func (m *merge) Swap(i, j int) { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merge) Push(x any)    { m.runs = append(m.runs, x.(sequence)) }
func (m *merge) Pop() any {
	r := m.runs[len(m.runs)-1]
	m.runs = m.runs[:len(m.runs)-1]
	return r
}
func (m *merge) Less(i, j int) bool {
	ka, va := m.runs[i].entry()
	kb, vb := m.runs[j].entry()
	if c := bytes.Compare(ka, kb); c != 0 {
		return c < 0
	}
	return bytes.Compare(va, vb) < 0
}
