package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestJournalAgainstJournalctl compares every entry of the journals in the folder WARDROUND_JOURNALS with what
// journalctl says of it.
func TestJournalAgainstJournalctl(t *testing.T) {
	dir := os.Getenv("WARDROUND_JOURNALS")
	if dir == "" {
		t.Skip("WARDROUND_JOURNALS names no folder of journals")
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.journal*"))
	for _, name := range files {
		out, err := exec.Command("journalctl", "--file", name, "-o", "json", "--all").Output()
		if err != nil {
			t.Errorf("%s: journalctl: %v", name, err)
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		got, facts := readAll(t, readJournal, name, b, time.Time{})
		t.Logf("%s: %d entries, %v, damage %d, notes %q", filepath.Base(name), len(got), time.Since(begin), len(facts.Damaged), facts.Notes)
		s := bufio.NewScanner(bytes.NewReader(out))
		s.Buffer(nil, 64<<20)
		n := 0
		for ; s.Scan(); n++ {
			var want map[string]any
			if err := json.Unmarshal(s.Bytes(), &want); err != nil {
				t.Fatal(err)
			}
			if n >= len(got) {
				continue
			}
			r := got[n]
			micros, _ := strconv.ParseInt(want["__REALTIME_TIMESTAMP"].(string), 10, 64)
			if r.Time != unixTime(micros/1e6, int(micros%1e6)*1000).String() {
				t.Fatalf("%s: entry %d: time %s, journalctl %d", name, n, r.Time, micros)
			}
			for field, ours := range map[string]string{"_HOSTNAME": "host", "_PID": "pid", "MESSAGE": "message", "SYSLOG_IDENTIFIER": "program", "_TRANSPORT": "_TRANSPORT"} {
				w, ok := want[field].(string)
				if ok && field == "_PID" && want["SYSLOG_PID"] != nil {
					continue
				}
				if ok && r.Source.Channel == "journal" && r.Fields[ours] != w {
					t.Fatalf("%s: entry %d: %s is %q, journalctl %q", name, n, ours, r.Fields[ours], w)
				}
			}
		}
		if n != len(got) {
			t.Errorf("%s: %d entries, journalctl %d", name, len(got), n)
		}
	}
}
