package casefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
)

// What the search for patients' data keeps in a case: docs/format/patient.md.
const (
	patientFile = "patient.jsonl"
	patientKey  = "patient.key"
)

// keyOfPatients reads the key of a case, or makes one.
func keyOfPatients(name string) ([]byte, error) {
	key, err := os.ReadFile(name)
	switch {
	case err == nil && len(key) != 32:
		return nil, fmt.Errorf("read key %q: it has %d bytes instead of 32", name, len(key))
	case err == nil:
		return key, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("read key: %w", err)
	}
	key = make([]byte, 32)
	rand.Read(key) // it never fails
	err = replace(name, func(w io.Writer) error {
		_, err := w.Write(key)
		return err
	})
	return key, err
}
