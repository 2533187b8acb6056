package casefile

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wardround/internal/patient"
)

// What the search for patients' data keeps in a case: docs/format/patient.md.
const (
	patientFile = "patient.jsonl"
	patientKey  = "patient.key"
)

// FindPatients scans files for data of patients and keeps what it finds in the case folder dir, in the order of the
// files. People are counted under the key of the case, which is made the first time.
func FindPatients(ctx context.Context, dir string, paths []string, o patient.Options, yield func(patient.File) error) (*patient.Summary, error) {
	release, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if o.Key, err = keyOfPatients(filepath.Join(dir, patientKey)); err != nil {
		return nil, err
	}
	var sum *patient.Summary
	err = replace(filepath.Join(dir, patientFile), func(w io.Writer) error {
		b := bufio.NewWriter(w)
		e := json.NewEncoder(b)
		e.SetEscapeHTML(false)
		var err error
		if sum, err = patient.Scan(ctx, paths, o, func(f patient.File) error {
			if err := e.Encode(f); err != nil {
				return err
			}
			return yield(f)
		}); err != nil {
			return err
		}
		return b.Flush()
	})
	return sum, err
}

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
