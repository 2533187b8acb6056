package evidence

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestNearFolders: files of more folders than stay open, from several goroutines, each with its own content; what lies outside is not opened.
func TestNearFolders(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range 3 * nearFolders {
		folder := filepath.Join(dir, fmt.Sprintf("h%02d", i), "logs")
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("h%02d/logs/a.log", i)
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		if err := os.Symlink(outside, filepath.Join(folder, "link")); err != nil {
			t.Skip("no symbolic links here")
		}
	}
	c, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, name := range append(names, names...) {
				f, _, err := c.open(file{name: name})
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if b, _ := io.ReadAll(f); string(b) != name {
					t.Errorf("%s holds %q", name, b)
				}
				f.Close()
				if f, _, err := c.open(file{name: strings.Replace(name, "a.log", "link", 1)}); err == nil {
					t.Errorf("%s: a link out of the folder was followed", name)
					f.Close()
				}
			}
		})
	}
	wg.Wait()
}
