package exercise

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const shortest = `scenario: x
techniques: [T1021.001]
estate: {servers: 4}
servers:
  - {key: DC1, kind: virtual, role: domain-controller, os: Windows Server 2016}
  - {key: JUMP1, kind: virtual, role: jump, os: Windows Server 2019}
  - {key: LX1, kind: virtual, role: web, os: Ubuntu 20.04}
steps:
  - {do: rdp, from: JUMP1, to: DC1, at: "-1 01:00 +2h"}
`

// TestScenarioRefused: each mistake is told with its line and what to write instead.
func TestScenarioRefused(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"scenario: x", "scenario: ", "line 1"},
		{"scenario: x\n", "colour: x\n", `line 1: unknown name "colour"`},
		{"[T1021.001]", "[RDP]", "write it like T1190"},
		{"techniques: [T1021.001]\n", "", "write techniques:"},
		{"servers: 4", "servers: 4000", "from 2 to 500"},
		{"servers: 4", "severs: 4", `line 3: unknown name "severs"; take one of servers`},
		{"key: DC1", "key: dc1", "line 5: key"},
		{"key: JUMP1", "key: DC1", "line 6: key \"DC1\" stands there twice"},
		{"kind: virtual, role: jump", "kind: cloud, role: jump", "line 6: kind \"cloud\": write physical or virtual"},
		{"role: jump", "role: printer", "line 6: role \"printer\": take one of"},
		{"Windows Server 2019", "Solaris", "line 6: os"},
		{"role: jump", "role: jump, logging: all", "line 6: logging"},
		{"role: jump", "role: jump, layout: tape", "line 6: layout \"tape\": take one of"},
		{"role: jump", "role: jump, kept: {Security: week}", "line 6: kept Security"},
		{"role: jump", "role: jump, clock: fast", "line 6: clock"},
		{"key: JUMP1", "key: JUMPS", "there is no server JUMP1"},
		{"do: rdp", "do: teleport", "line 9: do \"teleport\": take one of audit-off"},
		{"to: DC1", "to: DC9", "line 9: there is no server \"DC9\""},
		{"from: JUMP1, ", "", "line 9: rdp goes from a server to another"},
		{", at: \"-1 01:00 +2h\"", "", "line 9: say when"},
		{"-1 01:00 +2h", "yesterday", "line 9: at \"yesterday\""},
		{"-1 01:00 +2h", "-1 25:00", "below 24:00"},
		{"to: DC1", "to: DC1, as: nobody", "line 9: as \"nobody\""},
		{"to: DC1", "to: DC1, apart: 9m..3m", "line 9: apart"},
		{"to: DC1", "to: LX1", "line 9: rdp does not work on LX1, which is Linux"},
		{"steps:", "decoys:\n  - {do: trap, on: DC1}\nsteps:", "line 9: do \"trap\": take one of admin-psexec"},
		{"steps:", "parts:\n  - {key: P1, system: dos}\nsteps:", "line 9: system"},
		{"estate: {servers: 4}", "estate: 4", "line 3"},
		{"servers:\n", "servers: [\n", "mend the YAML"},
	} {
		_, err := readScenario("x.yaml", []byte(strings.Replace(shortest, c.from, c.to, 1)))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("the shortest scenario: %v", err)
		case c.want != "" && (!errors.Is(err, ErrScenario) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q for %q: %v; want %q", c.to, c.from, err, c.want)
		}
	}
	if _, err := readScenario("x.yaml", nil); !errors.Is(err, ErrScenario) {
		t.Errorf("empty: %v", err)
	}
}

// TestScenarioFile makes an exercise of a file.
func TestScenarioFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(name, []byte(shortest), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := Write(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "estate"), Scenario: name, Noise: "small", Days: 10})
	if err != nil || sum.Scenario != "x" || sum.Servers != 4 {
		t.Errorf("%v, %+v", err, sum)
	}
}

// TestVariants: another seed is another hospital: names, servers, days.
func TestVariants(t *testing.T) {
	for _, name := range Scenarios() {
		if name == "small" || name == "aiims-like" || name == "quiet" {
			continue
		}
		names, first, days := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for seed := range uint64(8) {
			o := Options{Seed: seed, Scenario: name, Noise: "small"}
			sc, err := o.complete()
			if err != nil {
				t.Fatal(err)
			}
			e := newEstate(o, sc)
			names[e.dc.name], first[e.truth.first.name], days[e.to.String()] = true, true, true
			for _, s := range e.servers {
				if !strings.HasPrefix(s.name, "EX-") {
					t.Errorf("%s: a server is called %s", name, s.name)
				}
			}
		}
		if len(names) < 3 || len(first) < 3 || len(days) < 5 {
			t.Errorf("%s: eight seeds give %d names of a domain controller, %d first servers, %d days", name, len(names), len(first), len(days))
		}
	}
}

// every is a scenario with each technique, on each system on which it works, and each decoy.
func every() string {
	var b strings.Builder
	b.WriteString(`scenario: every
techniques: [T1021]
estate: {servers: 12}
servers:
  - {key: DC1, kind: virtual, role: domain-controller, os: Windows Server 2016, logging: full}
  - {key: JUMP1, kind: virtual, role: jump, os: Windows Server 2019, layout: json}
  - {key: W0, kind: virtual, role: database, os: Windows Server 2008 R2, clock: 5m}
  - {key: W1, kind: virtual, role: web, os: Windows Server 2022, logging: full, layout: velociraptor}
  - {key: L0, kind: virtual, role: web, os: Ubuntu 20.04, logging: commands}
  - {key: L1, kind: virtual, role: database, os: CentOS 7, hub: true}
  - {key: E0, kind: physical, role: hypervisor, os: VMware ESXi 6.7}
  - {key: E1, kind: physical, role: hypervisor, os: VMware ESXi 7.0, listed: false}
steps:
`)
	of := map[system]string{windows: "W", linux: "L", esxi: "E"}
	day := -6
	for _, name := range techniqueNames() {
		how := techniques[name]
		for _, to := range how.to {
			from := []system{windows}
			if how.from != nil {
				from = how.from
			}
			for _, f := range from {
				day = -6 + (day+7)%7
				fmt.Fprintf(&b, "  - {do: %s, to: [%s0, %s1], as: %s, at: \"%d 01:00 +2h\"", name, of[to], of[to], accountKeys[len(name)%len(accountKeys)], day)
				if how.from != nil {
					fmt.Fprintf(&b, ", from: %s1", of[f])
				}
				b.WriteString("}\n")
			}
		}
	}
	b.WriteString("decoys:\n")
	for _, name := range decoyNames() {
		on := "W1"
		if name == "deployments" {
			on = "L1"
		}
		fmt.Fprintf(&b, "  - {do: %s, on: %s}\n", name, on)
	}
	return b.String()
}

// TestEveryTechnique makes an exercise of all techniques and decoys, and plays its servers alone and at once.
func TestEveryTechnique(t *testing.T) {
	name := filepath.Join(t.TempDir(), "every.yaml")
	if err := os.WriteFile(name, []byte(every()), 0o600); err != nil {
		t.Fatal(err)
	}
	eachAlone(t, Options{Seed: 7, Scenario: name, Noise: "small", Days: 10})
	if _, err := Write(t.Context(), Options{Dir: filepath.Join(t.TempDir(), "estate"), Seed: 7, Scenario: name, Noise: "small", Days: 10}); err != nil {
		t.Fatal(err)
	}
}

// FuzzScenario: whatever a file holds is read or refused, and what is read can be planned.
func FuzzScenario(f *testing.F) {
	f.Add([]byte(shortest))
	f.Add([]byte(every()))
	if _, err := tableOf(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		sc, err := readScenario("x.yaml", text)
		if err != nil {
			if !errors.Is(err, ErrScenario) {
				t.Errorf("%v", err)
			}
			return
		}
		o := Options{Seed: 1, Servers: sc.Estate.Servers, Days: 30, Noise: "small"}
		for _, s := range sc.Servers {
			if s.Listed == nil || *s.Listed {
				o.Servers = max(o.Servers, len(sc.Servers))
			}
		}
		if o.Servers > 60 || len(sc.Steps) > 60 {
			return
		}
		newEstate(o, sc)
	})
}

// TestScenarioSaysInVain: what a scenario says without effect is told, and what cannot be is refused.
func TestScenarioSaysInVain(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"from: JUMP1, to: DC1", "from: DC1, to: JUMP1", "line 9: no step before brings the intruder to DC1"},
		{"to: DC1", "to: DC1, with: {tool: psexec}", "line 9: with: rdp does not know tool"},
		{"to: DC1", "to: DC1, after: 9m", "line 9: after: at: says when already"},
		{"to: DC1", "to: DC1, shuffle: true", "there is one server"},
		{"to: DC1", "to: DC1, as: made", "no step before makes the account"},
		{"+2h\"}", "+2h\"}\n  - {do: trojan, to: DC1, as: dba, after: 9m}", "line 10: as: trojan is done by whom"},
		{"+2h\"}", "+2h\"}\n  - {do: catb, to: JUMP1, after: 9m}", "line 10: no step before brings the intruder to JUMP1"},
		{"+2h\"}", "+2h\"}\n  - {do: rdp, from: DC1, to: JUMP1, after: 9m}\n  - {do: copy-ntds, to: JUMP1, after: 9m}", "line 11: JUMP1 is no domain controller"},
		{"os: Windows Server 2019", "os: Windows Server 2019, layout: uac", "line 6: layout uac is not how Windows is collected"},
		{"os: Ubuntu 20.04", "os: Ubuntu 20.04, kept: {Security: 50h}", "line 7: kept Security"},
		{"os: Ubuntu 20.04", "os: Ubuntu 20.04, listed: false", "line 7: listed: false"},
		{"steps:", "decoys:\n  - {do: listed-account, on: JUMP1}\nsteps:", "line 9: no step brings the intruder to JUMP1"},
		{"steps:", "decoys:\n  - {do: resolver, on: JUMP1}\nsteps:", "line 9: JUMP1 is no domain controller"},
	} {
		sc, err := readScenario("x.yaml", []byte(strings.Replace(shortest, c.from, c.to, 1)))
		if err != nil {
			t.Errorf("%q: %v", c.to, err)
		} else if !slices.ContainsFunc(sc.idle, func(s string) bool { return strings.Contains(s, c.want) }) {
			t.Errorf("%q is told %q; want %q", c.to, sc.idle, c.want)
		}
	}
	for _, with := range []string{"set-clock, to: DC1, with: {by: soon}", "remote-service, from: JUMP1, to: DC1, with: {tool: hammer}", "clear-logs, to: DC1, with: {also: Sysmon}", "trojan, to: DC1, with: {named: 5h..1h}"} {
		_, err := readScenario("x.yaml", []byte(strings.Replace(shortest, "rdp, from: JUMP1, to: DC1", with, 1)))
		if !errors.Is(err, ErrScenario) || !strings.Contains(err.Error(), "line 9: with: ") {
			t.Errorf("%s: %v", with, err)
		}
	}
	for _, name := range Scenarios() {
		sc, err := openScenario(name)
		if err != nil || len(sc.idle) > 0 {
			t.Errorf("%s: %v, %q", name, err, sc.idle)
		}
	}
}

// TestNobodyWorksBeforeHeComes: where the seed chooses the order of arrivals, what is done there waits for them.
func TestNobodyWorksBeforeHeComes(t *testing.T) {
	for seed := range uint64(40) {
		o := Options{Seed: seed, Scenario: "night-shift", Noise: "small"}
		sc, err := o.complete()
		if err != nil {
			t.Fatal(err)
		}
		e := newEstate(o, sc)
		for _, key := range []string{"N1", "N2", "N3"} {
			s := e.by[key]
			for _, f := range s.extra {
				if strings.HasSuffix(f.path, ".README.txt") && f.modified < s.truth.first {
					t.Errorf("seed %d: %s is encrypted at %s and reached at %s", seed, s.name, f.modified, s.truth.first)
				}
			}
		}
	}
}

// TestEveryServerOfADecoy: a decoy on several servers is on each.
func TestEveryServerOfADecoy(t *testing.T) {
	sc, err := readScenario("x.yaml", []byte(strings.Replace(shortest, "steps:", "decoys:\n  - {do: admin-psexec, on: [DC1, JUMP1]}\nsteps:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	e := newEstate(Options{Seed: 1, Servers: 4, Days: 10, Noise: "small"}, sc)
	for _, key := range []string{"DC1", "JUMP1"} {
		if e.by[key].truth.decoy == "" {
			t.Errorf("%s has no decoy", key)
		}
	}
}
