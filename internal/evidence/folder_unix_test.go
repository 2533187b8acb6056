//go:build linux

package evidence

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestSpecialFiles(t *testing.T) {
	outside := saveFile(t, "secret", []byte("LOG\nsecret\n"))
	dir := save(t, map[string][]byte{"a.log": []byte("LOG\nx\n"), "sub/b.log": []byte("LOG\ny\n")})
	in := func(name string) string { return filepath.Join(dir, name) }
	socket, err := net.Listen("unix", in("socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for _, err := range []error{
		os.Symlink(outside, in("absolute")), os.Symlink("../../../../../etc/passwd", in("up")), os.Symlink("a.log", in("beside")),
		os.Symlink(".", in("sub/loop")), os.Symlink("nowhere", in("dangling")), os.Symlink(filepath.Dir(outside), in("folder")),
		syscall.Mkfifo(in("pipe"), 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := examine(t, dir, Options{}, 2)
	for path, want := range map[string]string{
		"absolute": "symlink", "up": "symlink", "beside": "symlink", "sub/loop": "symlink", "dangling": "symlink", "folder": "symlink",
		"pipe": "pipe", "socket": "socket", "a.log": "test-log", "sub/b.log": "test-log",
	} {
		a := n.find(t, path)
		if a.Kind != want || a.Error != nil || want != "test-log" && (a.SHA256 != "" || len(a.Notes) != 1) {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if len(n.ended) != 10 || len(n.begun) != 2 {
		t.Errorf("got\n%s", n)
	}
	if a := n.find(t, "absolute"); !strings.Contains(a.Notes[0], outside) || !strings.Contains(a.Notes[0], "not followed") {
		t.Errorf("%q", a.Notes)
	}
	// The path that the user names may be a link.
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	if n := examine(t, link, Options{}, 1); len(n.ended) != 10 {
		t.Errorf("got\n%s", n)
	}
}

// A file that becomes a pipe or a link after it was listed is not waited for, nor followed out of the folder.
func TestSwappedFile(t *testing.T) {
	outside := saveFile(t, "secret", []byte("LOG\nsecret\n"))
	for _, swap := range []func(string) error{
		func(p string) error { return syscall.Mkfifo(p, 0o600) },
		func(p string) error { return os.Symlink(outside, p) },
		func(p string) error { return os.Mkdir(p, 0o700) },
		func(string) error { return nil },
	} {
		dir := save(t, map[string][]byte{"a.log": []byte("LOG\nx\n")})
		c, err := open(dir, Options{}, testReaders)
		if err != nil {
			t.Fatal(err)
		}
		n := &notebook{}
		done := make(chan error, 1)
		go func() {
			done <- c.Units(t.Context(), func(u Unit) error {
				p := filepath.Join(dir, u.Path)
				if err := errors.Join(os.Remove(p), swap(p)); err != nil {
					return err
				}
				return u.Read(t.Context(), n)
			})
		}()
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("waits for a pipe")
		}
		c.Close()
		if a := n.find(t, "a.log"); a.Error == nil || a.SHA256 != "" {
			t.Errorf("%+v", a)
		}
	}
}

// asNobody runs f without root's right to read everything.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const nobody = 65534
	syscall.Syscall(syscall.SYS_SETFSUID, nobody, 0, 0)
	defer syscall.Syscall(syscall.SYS_SETFSUID, 0, 0, 0)
	f()
}

func TestPermissionDenied(t *testing.T) {
	dir := save(t, map[string][]byte{"open/a.log": []byte("LOG\nx\n"), "open/shut.log": []byte("LOG\n"), "shut/b.log": []byte("LOG\n"), "open/shut.zip": makeZip(t, nil)})
	for p := dir; len(p) > 1; p = filepath.Dir(p) {
		if strings.Count(p, "/") > 1 {
			if err := os.Chmod(p, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, mode := range map[string]fs.FileMode{"open": 0o755, "open/a.log": 0o644, "open/shut.log": 0, "open/shut.zip": 0, "shut": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(filepath.Join(dir, "shut"), 0o700)
	asNobody(t, func() {
		n := &notebook{}
		c, err := open(dir, Options{}, testReaders)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.Units(t.Context(), func(u Unit) error { return u.Read(t.Context(), n) }); err != nil {
			t.Error(err)
		}
		if len(n.ended) != 4 {
			t.Errorf("got\n%s", n)
			return
		}
		for path, says := range map[string]string{"open/shut.log": "open: permission denied", "open/shut.zip": "open: permission denied", "shut": "list folder: permission denied"} {
			if a := n.find(t, path); a.Error == nil || *a.Error != says || a.Kind != "" {
				t.Errorf("%s: %+v", path, a)
			}
		}
		if a := n.find(t, "open/a.log"); a.Error != nil || a.Records != 2 {
			t.Errorf("%+v", a)
		}
		if _, err := Open(filepath.Join(dir, "open/shut.log"), Options{}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "copy it") {
			t.Errorf("got %v", err)
		}
	})
}

func TestNamesOnDisk(t *testing.T) {
	dir := save(t, map[string][]byte{"h1/caf\xe9.log": []byte("LOG\n"), `h1/back\slash`: []byte("LOG\n"), "h1/c:": []byte("LOG\n"), "h1/new\nline": []byte("LOG\n")})
	n := examine(t, dir, Options{}, 1)
	if a := n.find(t, "h1/caf\ufffd.log"); a.Error != nil || len(a.Notes) != 1 || a.Notes[0] != `stored as "h1/caf\xe9.log"` {
		t.Errorf("%+v", a)
	}
	for _, p := range []string{`h1/back\slash`, "h1/c:", "h1/new\nline"} {
		if a := n.find(t, p); a.Error != nil || len(a.Notes) != 0 {
			t.Errorf("%+v", a)
		}
	}
}

func TestDeepFolders(t *testing.T) {
	dir := save(t, map[string][]byte{"a.log": []byte("LOG\n")})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	at := root
	for range maxFolders + 5 {
		if err := at.Mkdir("d", 0o700); err != nil {
			t.Fatal(err)
		}
		next, err := at.OpenRoot("d")
		at.Close()
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	at.Close()
	n := examine(t, dir, Options{}, 1)
	if len(n.ended) != 2 || n.ended[1].Error == nil || !strings.Contains(*n.ended[1].Error, "deeper") {
		t.Errorf("got\n%s", n)
	}
}
