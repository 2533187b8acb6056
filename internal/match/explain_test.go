package match

import (
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

func programOf(t testing.TB, rules string) *Program {
	t.Helper()
	set := sigma.Load([]sigma.File{{Path: "r.yml", Data: []byte(rules)}}, nil)
	if len(set.Problems) > 0 {
		t.Fatal(set.Problems)
	}
	p := Compile(set.Rules)
	if len(p.Unused) > 0 {
		t.Fatal(p.Unused)
	}
	return p
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name, detection string
		sees            string
		wakes           []string
		asks            string
	}{
		{"the longest text wakes", "s: {CommandLine|contains: whoami, Image|endswith: '\\certutil.exe'}\n  condition: s",
			"windows, channel microsoft-windows-sysmon/operational, event 1", []string{`Image ends with "\\certutil.exe"`}, "all of"},
		{"what runs all day does not", "s: {CommandLine|contains: whoami, Image|endswith: '\\cmd.exe'}\n  condition: s", "", []string{`CommandLine holds "whoami"`}, "all of"},
		{"each way wakes", "s: {CommandLine|contains: [mimikatz, sekurlsa]}\n  condition: s",
			"windows, channel security, event 4688", []string{`CommandLine holds "mimikatz"`, `CommandLine holds "sekurlsa"`}, `one of|  CommandLine holds "mimikatz"|  CommandLine holds "sekurlsa"`},
		{"what is denied wakes nothing", "s: {CommandLine|contains: mimikatz}\n  condition: not s", "", nil, `CommandLine not holds "mimikatz"`},
		{"an expression by its texts", "s: {CommandLine|re: '(?i)net\\s+(stop|pause)\\s'}\n  condition: s", "",
			[]string{`CommandLine matches /(?i)net\s+(stop|pause)\s/, only where the value holds "pause" or "stop" or is not ASCII`}, "matches"},
		{"an expression without any", "s: {CommandLine|re: '[0-9]{40}'}\n  condition: s", "", nil, "of which no text is known"},
		{"a short text", "s: {CommandLine|re: 'nc[0-9]'}\n  condition: s", "",
			[]string{`CommandLine matches /nc[0-9]/, only where the value holds "nc", which is too short to be looked for with the others`}, `holds "nc", which is too short to be looked for with the others`},
		{"what is not ASCII may be short", "s: {CommandLine|contains: '\u2702'}\n  condition: s", "", []string{`CommandLine holds "✂"`}, ""},
		{"a pattern by its longest text", "s: {CommandLine: 'powershell*-enc?x*'}\n  condition: s", "", []string{`CommandLine is like "powershell*-enc?x*", only where the value holds "powershell"`}, ""},
	} {
		p := programOf(t, "title: x\nlogsource: {product: windows, category: process_creation}\ndetection:\n  "+c.detection+"\n")
		e := p.Explain(0)
		if c.sees != "" && !slices.Contains(e.Sees, c.sees) {
			t.Errorf("%s: sees %q", c.name, e.Sees)
		}
		if !slices.Equal(e.Wakes, c.wakes) {
			t.Errorf("%s: wakes %q, want %q", c.name, e.Wakes, c.wakes)
		}
		if asks := strings.Join(e.Asks, "|"); !strings.Contains(asks, c.asks) {
			t.Errorf("%s: asks %q", c.name, asks)
		}
	}
}

// TestGuardsOfFoldedTexts holds cases in which a guard could hide what an expression finds: letters that fold to others.
func TestGuardsOfFoldedTexts(t *testing.T) {
	p := programOf(t, "title: x\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {CommandLine|re: '(?i)stop-service|task'}\n  condition: s\n")
	s := event.NewSchema(event.Source{Product: "windows", Channel: "Security", EventID: 4688}, []event.Field{{Name: "CommandLine", Slot: 0}}, 1)
	plan := p.Plan(s)
	var scratch Scratch
	begin := time.Now()
	m := scratch.Measure(p, func() time.Duration { return time.Since(begin) })
	for _, c := range []struct {
		value string
		hit   bool
		woken bool
	}{
		{"STOP-SERVICE x", true, true},
		{"\u017ftop-\u017fervice", true, true}, // the long s
		{"ta\u017f\u212a", true, true},         // and the Kelvin sign
		{"stop service", false, false},
		{"\u0938\u0930\u094d\u0935\u0930", false, true},
	} {
		before := m.Rules[0].Woken
		got := p.Match(plan, &event.Record{Schema: s, Slots: []event.Value{event.Text(c.value)}}, &scratch, nil)
		if (len(got) == 1) != c.hit || (m.Rules[0].Woken > before) != c.woken {
			t.Errorf("%q: hit %v, woken %v", c.value, len(got) == 1, m.Rules[0].Woken > before)
		}
	}
	if m.Records != 5 || m.Rules[0].Hits != 3 {
		t.Errorf("measured %d records, %+v", m.Records, m.Rules[0])
	}
}
