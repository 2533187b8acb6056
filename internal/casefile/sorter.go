package casefile

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// sorter puts any number of entries in order of their keys, with a bounded amount of memory: what does not fit is sorted
// in runs on disk and merged. Entries with equal keys come in order of their values, so that the result does not depend on
// the order in which they were added.
type sorter struct {
	dir   string
	limit int
	arena []byte
	at    []int // of entries in the arena
	runs  []*os.File
	err   error
}

// sorterBytes is the memory of one sorter.
const sorterBytes = 16 << 20

func newSorter(dir string) *sorter { return &sorter{dir: dir, limit: sorterBytes} }

// add copies an entry in.
func (s *sorter) add(key, value []byte) {
	if s.err != nil {
		return
	}
	if len(s.arena)+len(key)+len(value)+24*len(s.at) > s.limit && len(s.at) > 0 {
		s.spill()
	}
	s.at = append(s.at, len(s.arena))
	s.arena = binary.AppendUvarint(s.arena, uint64(len(key)))
	s.arena = binary.AppendUvarint(s.arena, uint64(len(value)))
	s.arena = append(append(s.arena, key...), value...)
}

func (s *sorter) entry(at int) (key, value []byte) {
	b := s.arena[at:]
	k, n := binary.Uvarint(b)
	v, m := binary.Uvarint(b[n:])
	b = b[n+m:]
	return b[:k], b[k : k+v]
}

func (s *sorter) sort() {
	slices.SortFunc(s.at, func(a, b int) int {
		ka, va := s.entry(a)
		kb, vb := s.entry(b)
		if c := bytes.Compare(ka, kb); c != 0 {
			return c
		}
		return bytes.Compare(va, vb)
	})
}

func (s *sorter) spill() {
	s.sort()
	f, err := os.CreateTemp(s.dir, "sort-*.tmp")
	if err != nil {
		s.err = fmt.Errorf("sort on disk: %w", err)
		return
	}
	s.runs = append(s.runs, f)
	w := bufio.NewWriterSize(f, 256<<10)
	var head [2 * binary.MaxVarintLen64]byte
	for _, at := range s.at {
		k, v := s.entry(at)
		n := binary.PutUvarint(head[:], uint64(len(k)))
		n += binary.PutUvarint(head[n:], uint64(len(v)))
		w.Write(head[:n])
		w.Write(k)
		w.Write(v)
	}
	if err := w.Flush(); err != nil {
		s.err = fmt.Errorf("sort on disk: %w", err)
	}
	s.arena, s.at = s.arena[:0], s.at[:0]
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
	if s.err != nil {
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
	heap.Init(m)
	return m, m.err
}

// close gives memory and disk back.
func (s *sorter) close() {
	for _, f := range s.runs {
		f.Close()
		os.Remove(f.Name())
	}
	s.runs, s.arena, s.at = nil, nil, nil
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

func (r *memoryRun) next() bool              { r.i++; return r.i <= len(r.s.at) }
func (r *memoryRun) entry() ([]byte, []byte) { return r.s.entry(r.s.at[r.i-1]) }
func (r *memoryRun) fail() error             { return nil }

type fileRun struct {
	r   *bufio.Reader
	buf []byte
	k   int
	err error
}

func (r *fileRun) next() bool {
	k, err := binary.ReadUvarint(r.r)
	if errors.Is(err, io.EOF) {
		return false
	}
	v, err2 := binary.ReadUvarint(r.r)
	if err = errors.Join(err, err2); err == nil {
		r.k = int(k)
		r.buf = slices.Grow(r.buf[:0], int(k+v))[:k+v]
		_, err = io.ReadFull(r.r, r.buf)
	}
	if err != nil {
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
