package patient

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// catalogPage is a page of pg_class with one table in it; old says that it is of PostgreSQL 11 or before.
func catalogPage(oid uint32, table string, old bool) []byte {
	page := make([]byte, pgPage)
	tuple := make([]byte, 32)
	tuple[22] = 32
	if old {
		tuple[20] = 8
		tuple = binary.LittleEndian.AppendUint32(tuple[:28], oid)
	} else {
		tuple = binary.LittleEndian.AppendUint32(tuple, oid)
	}
	tuple = append(append(tuple, table...), make([]byte, 140-len(table))...)
	from := pgPage - len(tuple)
	copy(page[from:], tuple)
	binary.LittleEndian.PutUint16(page[12:], 28)
	binary.LittleEndian.PutUint16(page[18:], 0x2004)
	binary.LittleEndian.PutUint32(page[24:], uint32(from)|1<<15|uint32(len(tuple))<<17)
	return page
}

// TestCatalog reads names of tables from the catalog of a data directory, as versions before and after 12 write it.
func TestCatalog(t *testing.T) {
	for _, old := range []bool{false, true} {
		if got := relations(catalogPage(pgFirstUser, "patient_register", old)); !slices.Equal(got, []string{"patient_register"}) {
			t.Errorf("old %v: %q", old, got)
		}
		if got := relations(catalogPage(pgFirstUser-1, "sql_features", old)); len(got) != 0 {
			t.Errorf("old %v: a catalog's own: %q", old, got)
		}
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "base", "5"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "base/5/1259", catalogPage(20000, "patient_register", false))
	found, _ := scanFolder(t, dir, Options{})
	if f := found["base/5/1259"]; f.Format != "postgresql data" || f.People != nil || len(f.Kinds) != 1 {
		t.Errorf("%+v", f)
	}
}
