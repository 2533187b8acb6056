package casefile

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"wardround/internal/event"
)

// roll is a temporary file of the ids of all findings that are reported, in their order, and of where each lies: who wants the few
// that something cites need not read the many.
type roll struct {
	f *os.File
	w *bufio.Writer
	n int64
}

const rollEntry = 16 // a digest and a ref

func newRoll(dir string) (*roll, error) {
	f, err := os.CreateTemp(dir, "ids-*.tmp")
	if err != nil {
		return nil, fmt.Errorf("keep findings: %w", err)
	}
	return &roll{f: f, w: bufio.NewWriter(f)}, nil
}

func (r *roll) put(id findingID, ref uint64) {
	r.w.Write(binary.LittleEndian.AppendUint64(id.digest[:], ref))
	r.n++
}

func (r *roll) close() {
	r.f.Close()
	os.Remove(r.f.Name())
}

// pick yields the findings that are wanted by their ids, in the order of findings.jsonl. feed must have gone before.
func (m *merged) pick(wanted func(id string) bool, yield func(*event.Finding) error) error {
	in := bufio.NewReader(io.NewSectionReader(m.roll.f, 0, m.roll.n*rollEntry))
	for range m.roll.n {
		var e [rollEntry]byte
		if _, err := io.ReadFull(in, e[:]); err != nil {
			return fmt.Errorf("read findings: %w", err)
		}
		if id := (findingID{[8]byte(e[:8])}); !wanted(id.String()) {
			continue
		}
		f, err := m.fetch(binary.LittleEndian.Uint64(e[8:]))
		if err != nil {
			return err
		}
		if err := yield(m.finish(f)); err != nil {
			return err
		}
	}
	return nil
}

// fetch reads the finding of a ref.
func (m *merged) fetch(ref uint64) (*finding, error) {
	if ref&isLate != 0 {
		return m.late.fetch(int64(ref &^ isLate))
	}
	return m.spool.fetch(int64(ref))
}
