package casefile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

var ticketManifest = evtx.Manifest{
	Provider: "Microsoft-Windows-Security-Auditing", GUID: "{54849625-5478-4994-A5BA-3E3B0328C30D}", Channel: "Security", ID: 4769,
	Keywords: 0x8020000000000000, Task: 14337,
	Fields: []evtx.Field{
		{Name: "TargetUserName", Type: event.UTF16}, {Name: "TargetDomainName", Type: event.UTF16}, {Name: "ServiceName", Type: event.UTF16},
		{Name: "IpAddress", Type: event.UTF16},
	},
}

// TestClocksAreCorrected examines a server whose clock is ten minutes ahead of what its domain controller logs of the same
// logons: findings keep the time as recorded, in whose order the file stays, and the verdict speaks in the estate's time.
func TestClocksAreCorrected(t *testing.T) {
	const ahead = 10 * time.Minute
	dir := t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(dir, "evidence", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const logs = "/C/Windows/System32/winevt/Logs/"
	off := func(server string) time.Duration {
		if server == "DB1" {
			return ahead
		}
		return 0
	}
	servers := []string{"APP1", "APP2", "DB1"}
	when := func(i, k int) event.Time { return at(float64(i)/2 + float64(k)/7 + float64(i*i%11)/60) }
	put("DC1"+logs+"Security.evtx", logOf(t, "DC1.hosp.local", func(put func(evtx.Manifest, event.Time, func(*evtx.Values))) {
		for i := range 144 {
			for k, s := range servers {
				put(ticketManifest, when(i, k), func(v *evtx.Values) {
					for _, x := range []string{"nurse@HOSP.LOCAL", "HOSP.LOCAL", s + "$", "::ffff:10.0.9.9"} {
						v.Text(x)
					}
				})
			}
		}
	}))
	for k, s := range servers {
		put(s+logs+"Security.evtx", logOf(t, s+".hosp.local", func(put func(evtx.Manifest, event.Time, func(*evtx.Values))) {
			for i := range 144 {
				put(logonManifest, when(i, k).Add(off(s)+20*time.Millisecond), logon("nurse", "HOSP", 3, "10.0.9.9"))
			}
		}))
		put(s+logs+"System.evtx", logOf(t, s+".hosp.local", func(put func(evtx.Manifest, event.Time, func(*evtx.Values))) {
			put(serviceManifest, at(30).Add(off(s)), service("PSEXESVC", `%SystemRoot%\PSEXESVC.exe`))
		}))
	}
	rules := filepath.Join(dir, "rules.yml")
	if err := os.WriteFile(rules, []byte(ruleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	o := Options{Case: filepath.Join(dir, "case"), Collections: []string{filepath.Join(dir, "evidence")}, Rules: []string{rules}, Version: "test"}
	if _, err := Examine(t.Context(), o, &Status{}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(o.Case, findingsFile))
	if err != nil {
		t.Fatal(err)
	}
	found, last := map[event.ServerID]bool{}, event.NoTime
	for sc := bufio.NewScanner(bytes.NewReader(content)); sc.Scan(); {
		var f event.Finding
		if err := json.Unmarshal(sc.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		if f.Time < last {
			t.Errorf("%s comes after %s", f.Time, last)
		}
		last = f.Time
		if f.Rule.ID != "00000000-0000-4000-8000-000000000002" {
			continue
		}
		found[f.Server] = true
		if d := f.Corrected.Sub(at(30)).Abs(); f.Time != at(30).Add(off(string(f.Server[:len(f.Server)-len(".hosp.local")]))) || d > time.Second {
			t.Errorf("%s: recorded %s, corrected %s", f.Server, f.Time, f.Corrected)
		}
	}
	if len(found) != len(servers) {
		t.Errorf("services found on %v", found)
	}
	var v event.Verdicts
	content, err = os.ReadFile(filepath.Join(o.Case, verdictsFile))
	if err != nil || json.Unmarshal(content, &v) != nil {
		t.Fatal(err)
	}
	for _, s := range v.Servers {
		off := s.Server == "DB1.hosp.local"
		if (len(s.Flags) > 0 && s.Flags[len(s.Flags)-1] == "clock off") != off {
			t.Errorf("%s: flags %q", s.Server, s.Flags)
		}
		for _, b := range s.Because {
			if b.Time.Sub(at(30)).Abs() > time.Second {
				t.Errorf("%s: %s at %s", s.Server, b.Line, b.Time)
			}
		}
	}
}
