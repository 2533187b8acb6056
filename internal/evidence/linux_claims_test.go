package evidence

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// linuxReaders are the readers of this family.
var linuxReaders = []reader{syslogReader, auditdReader, journalReader, utmpReader, lastlogReader, shellReader, cronReader, packagesReader, daemonReader, deviceReader}

// TestLinuxClaims runs every sniffer over all files of the shared data: each file that is theirs has one reader, and
// nothing else has any.
func TestLinuxClaims(t *testing.T) {
	root := outside.Data(t)
	want := map[string]string{
		"artifacts/audit_enriched.log": "auditd", "artifacts/selinux.log": "auditd", "artifacts/bash_history": "shell history", "artifacts/bash_history_desync": "shell history",
		"artifacts/fish_history": "shell history", "artifacts/zsh_extended_history.txt": "shell history", "artifacts/dpkg.log": "packages", "artifacts/vsftpd.log": "daemon log",
		"artifacts/security.log": "syslog", "artifacts/snort3_alert_fast.log": "device log", "artifacts/loghub/Linux_2k.log": "syslog", "artifacts/loghub/OpenSSH_2k.log": "syslog",
	}
	files := 0
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		head, err := readHead(name)
		if err != nil {
			return err
		}
		files++
		var claims []string
		for _, r := range linuxReaders {
			if r.is(head, rel) {
				claims = append(claims, r.kind)
			}
		}
		kind := want[rel]
		switch filepath.ToSlash(filepath.Dir(rel)) {
		case "artifacts/syslog":
			kind = "syslog"
		case "artifacts/utmp":
			kind = "utmp"
		}
		if got := strings.Join(claims, ","); got != kind {
			t.Errorf("%s: claimed by %q, want %q", rel, got, kind)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatal(files, err)
	}
}

func readHead(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, headBytes)
	n, err := f.Read(head)
	if n == 0 {
		err = nil
	}
	return head[:n], err
}
