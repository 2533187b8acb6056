package casefile

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/match"
	"wardround/internal/outside"
	"wardround/internal/policy"
	"wardround/internal/sigma"
)

// sampleIndicators are the values that the samples hold.
var sampleIndicators = map[string][]string{
	"payload_hashes":    {"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"},
	"payload_names":     {`\versions.dll`},
	"control_addresses": {"198.18.0.7"},
	"control_names":     {"evil.example"},
}

// ruleset is Wardround's own rules, compiled once for many examinations.
type ruleset struct {
	in   inputs
	run  *run
	file map[string]string // by rule id: the rule's file without its ending
}

func newRuleset(t testing.TB, indicators map[string][]string) *ruleset {
	t.Helper()
	files, problems := sigma.Read(policy.Rules(), builtinOrigin)
	s := &ruleset{file: map[string]string{}}
	var err error
	if s.in.policy, err = policy.Parse(policy.Text()); err != nil {
		t.Fatal(err)
	}
	if s.in.zone, err = Zone(""); err != nil {
		t.Fatal(err)
	}
	s.in.evidence.Zone, s.in.workers, s.in.digests = s.in.zone, 1, map[string]*string{}
	s.in.set = sigma.Load(files, indicators)
	for _, p := range slices.Concat(problems, s.in.set.Problems) {
		t.Errorf("%s", p)
	}
	s.run = newProgram(&s.in, &Status{})
	for i := range s.in.set.Rules {
		r := &s.in.set.Rules[i]
		s.file[r.ID] = fileOf(r)
	}
	return s
}

// fileOf is the base name of a rule's file without its ending.
func fileOf(r *sigma.Rule) string {
	name, _, _ := strings.Cut(path.Base(r.Path), "#")
	return strings.TrimSuffix(name, ".yml")
}

// found is a finding with the line that it serves.
type found struct {
	event.Finding
	line string
}

// examine runs collections through the pipeline up to the findings, and counts the records that were read.
func (s *ruleset) examine(t testing.TB, paths ...string) (list []found, records uint64) {
	t.Helper()
	in := s.in
	in.Case, in.Collections = t.TempDir(), paths
	release, err := openFolder(in.Case)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	r := &run{in: &in, program: s.run.program, corr: s.run.corr, grouped: s.run.grouped, telling: s.run.telling, status: &Status{},
		cache: filepath.Join(in.Case, cacheFolder), facts: map[factsKey]location{}}
	all, err := r.in.collections()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.collect(context.Background(), all); err != nil {
		t.Fatal(err)
	}
	m, err := r.merge(all)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	if err := m.findings(); err != nil {
		t.Fatal(err)
	}
	for i := range m.entries {
		records += m.entries[i].artifact.Records
	}
	err = m.each(func(f *finding, _ uint64) error {
		list = append(list, found{*m.finish(f), m.lines[f.rule]})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, records
}

func TestRulesAreWhole(t *testing.T) {
	s := newRuleset(t, nil)
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	tactic, technique := regexp.MustCompile(`^attack\.[a-z][a-z-]+$`), regexp.MustCompile(`^attack\.t\d{4}(\.\d{3})?$`)
	titles := map[string]bool{}
	for i := range s.in.set.Rules {
		r := &s.in.set.Rules[i]
		wrong := func(format string, args ...any) {
			t.Errorf("%s: %s: %s", r.Path, r.Title, fmt.Sprintf(format, args...))
		}
		if !uuid.MatchString(r.ID) {
			wrong("id %q", r.ID)
		}
		if titles[r.Title] {
			wrong("title is taken")
		}
		titles[r.Title] = true
		if r.Author != "Wardround" || r.License != "Apache-2.0" || r.Date == "" || r.Status == "" || r.Description == "" || len(r.FalsePos) == 0 {
			wrong("author, license, date, status, description or falsepositives is missing")
		}
		if !slices.Contains([]string{"informational", "low", "medium", "high", "critical"}, r.Level) {
			wrong("level %q", r.Level)
		}
		if !slices.ContainsFunc(r.Tags, tactic.MatchString) {
			wrong("no tactic among %q", r.Tags)
		}
		for _, tag := range r.Tags {
			if !tactic.MatchString(tag) && !technique.MatchString(tag) {
				wrong("tag %q", tag)
			}
		}
		line := own(r, "line")
		if line != "" && s.in.policy.Line(line) == nil {
			wrong("the policy has no line %q", line)
		}
		if dated := own(r, "dated"); dated != "" && (dated != "first" || r.Correlation == nil) {
			wrong("dated: %s", dated)
		}
		if writes := own(r, "writes"); writes != "" && writes != writesHere && writes != writesAfar {
			wrong("writes: %s", writes)
		}
		if line == "" && own(r, "writes") == "" && r.Custom["wardround"] != nil {
			wrong("wardround without a line")
		}
		if l := s.in.policy.Line(line); l != nil && (l.Class == event.A) != (r.Level == "critical") {
			wrong("level %s for class %q: class A and nothing else of the table is critical", r.Level, l.Class)
		}
		if c := r.Correlation; c != nil && !slices.Contains(c.GroupBy, "Computer") {
			wrong("the correlation joins events of several servers")
		}
	}
	holder := regexp.MustCompile(`placeholder "(payload_hashes|payload_names|control_addresses|control_names)" has no values`)
	for _, u := range s.run.program.Unused {
		if !holder.MatchString(u.Why) {
			t.Errorf("%s does not run: %s", u.Rule.Title, u.Why)
		}
	}
	given := newRuleset(t, sampleIndicators)
	for _, u := range slices.Concat(given.run.program.Unused, given.run.corr.Unused) {
		t.Errorf("%s does not run, with indicators given: %s", u.Rule.Title, u.Why)
	}
	for name := range sampleIndicators {
		if _, ok := s.in.policy.Indicators[name]; !ok {
			t.Errorf("the policy has no place for the indicators %q", name)
		}
	}
}

// served says on which kinds of logs each line of class A and B must have a rule. The rest of the table is not seen there,
// or made by the verdict itself (movement, departure, account of the attacker).
var served = map[string]string{
	"encrypted here":                   "windows linux",
	"payload executed":                 "windows linux",
	"command and control":              "windows linux",
	"code in memory":                   "windows linux",
	"web shell":                        "windows linux",
	"payload persists":                 "windows linux",
	"hypervisor encryptor":             "esxi",
	"database command of the attacker": "windows linux database",
	"remote service":                   "windows",
	"admin share":                      "windows",
	"policy task":                      "windows",
	"script called":                    "web",
	"script fetched":                   "windows",
	"credentials read":                 "windows linux esxi",
	"backups deleted":                  "windows linux esxi",
	"anti-forensics":                   "windows linux esxi",
	"protection off":                   "windows linux esxi",
	"antivirus detection":              "windows linux",
	"tool present":                     "windows linux esxi",
	"program set to start":             "windows",
	"administrator made":               "windows",
	"database command":                 "windows database",
	"bytes out":                        "windows linux web",
	"theft prepared":                   "network",
	"affected from afar":               "windows",
	"files rewritten":                  "windows",
	"account made":                     "windows linux esxi database",
	"installed":                        "windows linux",
}

// defaultAudit are the lines that a Windows server with the default audit policy, and no Sysmon, must be able to show.
var defaultAudit = []string{"payload persists", "remote service", "credentials read", "backups deleted", "anti-forensics", "protection off",
	"antivirus detection", "tool present", "database command", "code in memory", "account made", "installed"}

// concluded are the lines that no rule serves: verdicts conclude them.
var concluded = []string{"movement", "session of the intruder", "departure", "second departure", "entry from outside", "payload deployed", "account of the attacker", "account made there"}

func TestEveryLineIsServed(t *testing.T) {
	s := newRuleset(t, sampleIndicators)
	have := map[string]map[string]bool{}
	for i := range s.in.set.Rules {
		r := &s.in.set.Rules[i]
		line := own(r, "line")
		if line == "" {
			continue
		}
		if have[line] == nil {
			have[line] = map[string]bool{}
		}
		for _, p := range s.products(r) {
			have[line][p] = true
		}
		if quiet(r) {
			have[line]["default audit"] = true
		}
	}
	for _, l := range s.in.policy.Lines {
		_, ok := served[l.Name]
		if (l.Class == event.A || l.Class == event.B) && !ok && !slices.Contains(concluded, l.Name) {
			t.Errorf("line %q is not in the table of this test", l.Name)
		}
	}
	for line, platforms := range served {
		for p := range strings.FieldsSeq(platforms) {
			if !have[line][p] {
				t.Errorf("no rule of %s serves %q", p, line)
			}
		}
	}
	for _, line := range defaultAudit {
		if !have[line]["default audit"] {
			t.Errorf("no rule serves %q under the default audit policy", line)
		}
	}
}

// products are the products whose logs a rule, or what a correlation joins, reads.
func (s *ruleset) products(r *sigma.Rule) []string {
	if r.Correlation != nil {
		var out []string
		for _, ref := range r.Correlation.Rules {
			i := slices.IndexFunc(s.in.set.Rules, func(x sigma.Rule) bool { return x.ID == ref || x.Name == ref })
			out = append(out, s.products(&s.in.set.Rules[i])...)
		}
		return out
	}
	switch {
	case r.LogSource.Product != "":
		return []string{r.LogSource.Product}
	case r.LogSource.Category == "webserver":
		return []string{"web"}
	}
	return []string{r.LogSource.Category}
}

// quiet reports whether a rule reads logs that Windows keeps without being told to.
func quiet(r *sigma.Rule) bool {
	switch l := r.LogSource; {
	case l.Product != "windows":
		return false
	case l.Service == "security":
		return l.Definition == ""
	case l.Category != "":
		return l.Category == "ps_script" // words on Windows' own list are logged unasked
	}
	return r.LogSource.Service != "sysmon"
}

const samples = "testdata/rules"

// TestSamples runs each rule over samples that the project made: what begins with hit must make it fire, what begins with
// miss, the lawful look-alikes, must not; and no rule of class A may fire on a look-alike.
func TestSamples(t *testing.T) {
	s := newRuleset(t, sampleIndicators)
	silent := map[string]bool{}
	for i := range s.run.corr.Silent {
		silent[s.run.program.Rules[i].ID] = true
	}
	byFile := map[string][]*sigma.Rule{}
	for i := range s.in.set.Rules {
		r := &s.in.set.Rules[i]
		byFile[fileOf(r)] = append(byFile[fileOf(r)], r)
	}
	entries, err := os.ReadDir(samples)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if byFile[e.Name()] == nil {
			t.Errorf("samples of %q, which is no rule's file", e.Name())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.sampled(t, name, byFile[name], silent)
		})
	}
}

func (s *ruleset) sampled(t *testing.T, name string, rules []*sigma.Rule, silent map[string]bool) {
	entries, err := os.ReadDir(filepath.Join(samples, name))
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	misses := 0
	for _, e := range entries {
		list, records := s.examine(t, filepath.Join(samples, name, e.Name()))
		if records == 0 {
			t.Errorf("%s: no record was read", e.Name())
		}
		hit := false
		for _, f := range list {
			own := s.file[f.Rule.ID] == name && reports(rules, f.Rule.ID)
			hit = hit || own
			if strings.HasPrefix(e.Name(), "hit") {
				fired[f.Rule.ID] = true
				continue
			}
			if own {
				t.Errorf("%s: %q fires at %s: %v", e.Name(), f.Rule.Title, f.Time, f.Fields)
			} else if f.Rule.Level == "critical" && s.in.policy.Line(f.line).Class == event.A {
				t.Errorf("%s: %q of class A fires", e.Name(), f.Rule.Title)
			}
		}
		switch {
		case strings.HasPrefix(e.Name(), "miss"):
			misses++
		case !strings.HasPrefix(e.Name(), "hit"):
			t.Errorf("%s is neither hit nor miss", e.Name())
		case !hit:
			t.Errorf("%s: nothing fires", e.Name())
		}
	}
	if misses == 0 {
		t.Error("no lawful look-alike")
	}
	for _, r := range rules {
		if !silent[r.ID] && !fired[r.ID] {
			t.Errorf("no sample makes %q fire", r.Title)
		}
	}
}

// reports tells the rules of a file that say something of a server from those that only serve a correlation.
func reports(rules []*sigma.Rule, id string) bool {
	i := slices.IndexFunc(rules, func(r *sigma.Rule) bool { return r.ID == id })
	return i >= 0 && (own(rules[i], "line") != "" || rules[i].Level != "informational")
}

// TestLawfulLogs runs the rules over logs of systems to which nothing happened.
func TestLawfulLogs(t *testing.T) {
	s := newRuleset(t, sampleIndicators)
	var b strings.Builder
	b.WriteString("| Logs | Records | Rule | Class | Hits | Per million records |\n|---|---|---|---|---|---|\n")
	for _, folder := range []string{"artifacts", "evtx/hard-cases"} {
		list, records := s.examine(t, outside.Data(t, folder))
		if records < 5000 {
			t.Errorf("%s: only %d records were read", folder, records)
		}
		hits := map[string]int{}
		for _, f := range list {
			c := s.in.policy.Line(f.line).Class
			if c == event.A || c == event.B {
				t.Errorf("%s: class %s, %q: %s at %s in %s record %d", folder, c, f.line, f.Rule.Title, f.Time, f.At[0].Path, f.At[0].Record)
			}
			hits[f.Rule.Title+" | "+or(string(c), "told")]++
		}
		for _, rule := range slices.Sorted(maps.Keys(hits)) {
			fmt.Fprintf(&b, "| %s | %d | %s | %d | %.0f |\n", folder, records, rule, hits[rule], float64(hits[rule])*1e6/float64(records))
		}
	}
	checkTable(t, "rules.md", "lawful", b.String())
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// recall is how many recordings of attacks show each line, at least. docs/design/rules.md says which do not, and why.
var recall = map[string]map[string]int{
	"evtx/attack-samples": {
		"anti-forensics": 30, "credentials read": 22, "remote service": 17, "admin share": 7, "code in memory": 8, "payload persists": 3, "database command": 3,
		"backups deleted": 1, "antivirus detection": 1, "web shell": 1, "command and control": 1, "tool present": 1, "account made": 6,
	},
	"otrf": {
		"anti-forensics": 7, "credentials read": 4, "protection off": 5, "code in memory": 3, "payload executed": 5, "tool present": 3, "admin share": 2, "remote service": 1,
		"payload persists": 1,
	},
	"sigma/regression": {},
}

func TestRecall(t *testing.T) {
	s := newRuleset(t, nil)
	var tactics, recordings strings.Builder
	tactics.WriteString("| Recordings | Tactic | All | Class A | Class B | Context or told | Silent |\n|---|---|---|---|---|---|---|\n")
	recordings.WriteString("| Recording | Lines |\n|---|---|\n")
	for _, folder := range slices.Sorted(maps.Keys(recall)) {
		root := outside.Data(t, folder)
		shows, seen := map[string]int{}, map[string]*[5]int{}
		err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(p) != ".evtx" && path.Ext(p) != ".zip" {
				return err
			}
			rel, _ := filepath.Rel(root, p)
			tactic, _, below := strings.Cut(filepath.ToSlash(rel), "/")
			if !below {
				tactic = "none"
			}
			list, _ := s.examine(t, p)
			strong := map[string]bool{}
			best := 4
			for _, f := range list {
				c := s.in.policy.Line(f.line).Class
				best = min(best, map[event.Class]int{event.A: 1, event.B: 2}[c]+map[bool]int{true: 3}[c != event.A && c != event.B])
				strong[f.line] = true
			}
			for l := range strong {
				shows[l]++
			}
			if seen[tactic] == nil {
				seen[tactic] = &[5]int{}
			}
			seen[tactic][0]++
			seen[tactic][best]++
			if best < 3 {
				lines := slices.DeleteFunc(slices.Sorted(maps.Keys(strong)), func(l string) bool { return l == policy.Context })
				fmt.Fprintf(&recordings, "| %s/%s | %s |\n", folder, strings.TrimSuffix(filepath.ToSlash(rel), path.Ext(rel)), strings.Join(lines, ", "))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, tactic := range slices.Sorted(maps.Keys(seen)) {
			n := seen[tactic]
			fmt.Fprintf(&tactics, "| %s | %s | %d | %d | %d | %d | %d |\n", folder, tactic, n[0], n[1], n[2], n[3], n[4])
		}
		for _, line := range slices.Sorted(maps.Keys(recall[folder])) {
			t.Logf("%-20s %-34s %3d recordings", folder, line, shows[line])
			if least := recall[folder][line]; shows[line] < least {
				t.Errorf("%s: only %d recordings show %q, %d did", folder, shows[line], line, least)
			}
		}
	}
	checkTable(t, "rules.md", "tactics", tactics.String())
	checkTable(t, "rules.md", "recordings", recordings.String())
}

// BenchmarkRules tells what it costs to compile the rules.
func BenchmarkRules(b *testing.B) {
	files, _ := sigma.Read(policy.Rules(), builtinOrigin)
	for b.Loop() {
		set := sigma.Load(files, sampleIndicators)
		match.Compile(set.Rules)
	}
}
