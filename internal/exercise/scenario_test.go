package exercise

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const shortest = `scenario: x
techniques: [T1021.001]
estate: {servers: 4}
servers:
  - {key: DC1, kind: virtual, role: domain-controller, os: Windows Server 2016}
  - {key: JUMP1, kind: virtual, role: jump, os: Windows Server 2019}
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
		{"do: rdp", "do: teleport", "line 8: do \"teleport\": take one of audit-off"},
		{"to: DC1", "to: DC9", "line 8: there is no server \"DC9\""},
		{"from: JUMP1, ", "", "line 8: rdp goes from a server to another"},
		{", at: \"-1 01:00 +2h\"", "", "line 8: say when"},
		{"-1 01:00 +2h", "yesterday", "line 8: at \"yesterday\""},
		{"-1 01:00 +2h", "-1 25:00", "below 24:00"},
		{"to: DC1", "to: DC1, as: nobody", "line 8: as \"nobody\""},
		{"to: DC1", "to: DC1, apart: 9m..3m", "line 8: apart"},
		{"steps:", "decoys:\n  - {do: trap, on: DC1}\nsteps:", "line 8: do \"trap\": take one of admin-psexec"},
		{"steps:", "parts:\n  - {key: P1, system: dos}\nsteps:", "line 8: system"},
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
