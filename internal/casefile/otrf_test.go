package casefile

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/outside"
)

// moved are the open recordings of attacks that hold movement: what was done, from the words of whoever recorded them, and
// where nothing or not all of it is told, why.
var moved = []struct{ recording, done, from, to, why string }{
	{"empire_psexec_dcerpc_tcp_svcctl", "service from WORKSTATION5 on WORKSTATION6", "WORKSTATION5", "WORKSTATION6", ""},
	{"empire_msbuild_dcerpc_wmi_smb", "file over SMB, then MSBuild by WMI, 5 to 6", "WORKSTATION5", "WORKSTATION6", ""},
	{"empire_psremoting_stager", "PowerShell remoting, 5 to 6", "WORKSTATION5", "WORKSTATION6", ""},
	{"covenant_wmi_wbemcomn_dll_hijack", "library over SMB, run by WMI, 5 to 6", "WORKSTATION5", "WORKSTATION6", "whose address it is no log of 5 says"},
	{"covenant_copy_smb_CreateRequest", "file over SMB, 5 to 6", "WORKSTATION5", "WORKSTATION6", "6 is not proven infiltrated by one file"},
	{"covenant_psremoting_command", "one command by PowerShell remoting, 5 to 6", "WORKSTATION5", "WORKSTATION6", "no act that counts"},
	{"purplesharp_ad_playbook_I", "logons and lookups over a domain from 5", "WORKSTATION5", "WORKSTATION6", "password guessing is no act that counts"},
}

// TestOpenRecordings keeps the table of docs/design/spread.md current: what is told of each recording beside what was done.
// It also holds what must not be told: a way that was not gone.
func TestOpenRecordings(t *testing.T) {
	var table strings.Builder
	table.WriteString("| Recording | Done | Edge | Destination | Source | What is not told, and why |\n|---|---|---|---|---|---|\n")
	drawn, whole := 0, 0
	for _, m := range moved {
		archive := outside.Data(t, "otrf", "lateral_movement", "host", m.recording+".zip")
		dir := filepath.Join(t.TempDir(), m.recording)
		res := mustExamine(t, Options{Case: dir, Collections: []string{archive}, From: event.NoTime, Until: event.NoTime, Version: "test"})
		b, err := os.ReadFile(filepath.Join(dir, spreadFile))
		if err != nil {
			t.Fatal(err)
		}
		var s event.Story
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		var edges []string
		named := false
		for _, e := range s.Edges {
			from := short(told(e.From))
			if short(string(e.To)) != m.to || from != m.from && from != "172.18.39.5" { // which was 5's
				t.Errorf("%s: an edge from %s to %s, which was not done", m.recording, from, e.To)
			}
			named = named || from == m.from
			edges = append(edges, fmt.Sprintf("%s from %s, %s, %s", e.How, from, told(e.Account), e.SeenFrom))
		}
		servers := map[string]string{}
		for i := range res.Verdicts.Servers {
			v := &res.Verdicts.Servers[i]
			var lines []string
			for _, r := range v.Because {
				lines = append(lines, r.Line)
			}
			servers[short(string(v.Server))] = strings.TrimSuffix(string(v.Verdict)+" ("+strings.Join(lines, ", ")+")", " ()")
		}
		all := named && strings.HasPrefix(servers[m.from], string(event.Suspected)) && strings.HasPrefix(servers[m.to], string(event.Infiltrated))
		if len(edges) > 0 {
			drawn++
		}
		if all {
			whole++
		}
		if all != (m.why == "") {
			t.Errorf("%s: %q is said not to be told, and edges are %q, servers %q", m.recording, m.why, edges, servers)
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s | %s |\n", m.recording, m.done, or(strings.Join(edges, "; "), "none"), servers[m.to], servers[m.from], m.why)
	}
	t.Logf("%d of %d recordings have their movement drawn, %d are told as a whole", drawn, len(moved), whole)
	checkTable(t, "spread.md", "recordings", table.String())
}

// short is a computer's name without its domain, an address as it is.
func short(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	host, _, _ := strings.Cut(name, ".")
	return host
}

func told(s *string) string {
	if s == nil {
		return "not known"
	}
	return *s
}
