package exercise_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/casefile"
	"wardround/internal/event"
	"wardround/internal/exercise"
	"wardround/internal/outside"
)

// logsOf unpacks the event logs of an exercise into one folder. Their names say where they stood.
func logsOf(t testing.TB, estate string) (dir string, files []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "logs")
	if kept := os.Getenv("WARDROUND_KEEP"); kept != "" {
		dir = kept
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name string, data []byte) {
		file := filepath.Join(dir, strings.NewReplacer("/", "!", "%", "_").Replace(name))
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	root := filepath.Join(estate, "collections")
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		rel, _ := filepath.Rel(root, name)
		switch z, zipped := zip.NewReader(bytes.NewReader(data), int64(len(data))); {
		case err != nil:
			return err
		case strings.HasSuffix(name, ".evtx"):
			put(filepath.ToSlash(rel), data)
		case strings.HasSuffix(name, ".zip") && zipped == nil:
			for _, f := range z.File {
				if !strings.HasSuffix(f.Name, ".evtx") {
					continue
				}
				r, err := f.Open()
				if err != nil {
					return err
				}
				content, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				put(rel+"/"+strings.TrimPrefix(f.Name, "uploads/auto/"), content)
			}
		}
		return nil
	})
	if err != nil || len(files) < 30 {
		t.Fatalf("%d event logs; %v", len(files), err)
	}
	return dir, files
}

// everything makes three exercises: all techniques and decoys on servers of Windows that log all that they can; the same
// without logs that are cleared or switched off, and with every tool of remote services; and the small one.
func everything(t testing.TB) (estate string) {
	t.Helper()
	estate = t.TempDir()
	all := strings.NewReplacer("os: Windows Server 2008 R2", "os: Windows Server 2016, logging: full", "layout: json", "logging: full", "do: clear-logs,", "do: clear-logs, with: {also: System},").Replace(exercise.Every())
	var kept []string
	for line := range strings.Lines(all) {
		if !strings.Contains(line, "clear") && !strings.Contains(line, "audit-off") {
			kept = append(kept, line)
		}
	}
	var tools strings.Builder
	for i, tool := range []string{"psexec", "remcom", "random"} {
		fmt.Fprintf(&tools, "  - {do: remote-service, from: W1, to: W0, as: dba, at: \"-%d 13:00 +1h\", with: {tool: %s, then: looks}}\n", 3-i, tool)
	}
	for i, text := range []string{all, strings.Replace(strings.Join(kept, ""), "decoys:\n", tools.String()+"decoys:\n", 1), ""} {
		name := "small"
		if text != "" {
			name = filepath.Join(t.TempDir(), "every.yaml")
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(t.TempDir(), "estate")
		if _, err := exercise.Write(t.Context(), exercise.Options{Dir: dir, Seed: 7, Scenario: name, Noise: "small", Days: 10}); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(estate, "collections"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "collections"), filepath.Join(estate, "collections", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	return estate
}

// TestLogsAreKept leaves the event logs of an exercise of everything where WARDROUND_KEEP says, for those who judge them.
func TestLogsAreKept(t *testing.T) {
	if os.Getenv("WARDROUND_KEEP") == "" {
		t.Skip("WARDROUND_KEEP names no folder")
	}
	logsOf(t, everything(t))
}

// hit is a hit of a rule.
type hit struct {
	file   string
	record uint64
	rule   string
}

// ours are the hits of our engine with rules of others on event logs.
func ours(t testing.TB, logs, rules string) (hits []hit, titles map[string]string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "case")
	o := casefile.Options{Case: dir, Collections: []string{logs}, Rules: []string{rules}, From: event.NoTime, Until: event.NoTime, Version: "test"}
	if _, err := casefile.Examine(t.Context(), o, &casefile.Status{}); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(dir, "findings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	titles = map[string]string{}
	for d := json.NewDecoder(bufio.NewReader(f)); d.More(); {
		var one event.Finding
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		titles[one.Rule.ID] = one.Rule.Title
		for _, at := range one.At {
			hits = append(hits, hit{filepath.Base(at.Path), at.Record, one.Rule.ID})
		}
	}
	return hits, titles
}

// TestAnotherEngine runs all public rules for Windows over the event logs of an exercise with each technique, by our
// engine and by one that is built of others' parts (testdata/engine.py): the hits must be the same, record by record. It
// takes minutes, and runs with WARDROUND_FULL only.
func TestAnotherEngine(t *testing.T) {
	if os.Getenv("WARDROUND_FULL") == "" {
		t.Skip("WARDROUND_FULL is not set: it takes minutes")
	}
	rules := outside.Data(t, "sigma", "rules")
	python := outside.Python(t, "sigma.backends.sqlite, sigma.pipelines.windows, sigma.pipelines.sysmon, evtx")
	logs, files := logsOf(t, everything(t))
	out, err := exec.Command(python, append([]string{filepath.Join("testdata", "engine.py"), rules}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs, asked, refused := map[hit]bool{}, map[string]bool{}, 0
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if f[0] == "!" {
			t.Logf("the other engine cannot ask %s: %s", f[1], f[2])
			asked[f[1]] = false
			refused++
			continue
		}
		n, _ := strconv.ParseUint(f[1], 10, 64)
		theirs[hit{filepath.Base(f[0]), n, f[2]}] = true
	}
	mine, titles := ours(t, logs, rules)
	public := rulesFor(t, rules, "windows")
	same, only, fired := 0, 0, map[string]bool{}
	for _, h := range mine {
		if _, no := asked[h.rule]; no || !public[h.rule] {
			continue
		}
		fired[h.rule] = true
		if theirs[h] {
			same++
			delete(theirs, h)
			continue
		}
		only++
		t.Errorf("only our engine: %q in %s, record %d", titles[h.rule], h.file, h.record)
	}
	for h := range theirs {
		only++
		t.Errorf("only the other engine: %s %q in %s, record %d", h.rule, titles[h.rule], h.file, h.record)
	}
	t.Logf("%d hits of %d rules in %d logs are the same, %d differ; %d rules the other engine cannot ask", same, len(fired), len(files), only, refused)
}

// rulesFor are the ids of the rules of a folder for one product.
func rulesFor(t testing.TB, dir, product string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yml") {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, part := range strings.Split("\n"+string(b), "\n---") {
			id, ours := "", false
			for line := range strings.Lines(part) {
				if v, ok := strings.CutPrefix(line, "id: "); ok {
					id = strings.TrimSpace(v)
				}
				ours = ours || strings.TrimSpace(line) == "product: "+product
			}
			if id != "" && ours {
				out[id] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var update = flag.Bool("update", false, "write the table of docs/design/exercise.md")

// TestPeersFindTheSame asks for each recording whose traces a technique follows (docs/design/exercise.md) which rules
// other engines hit in it, and whether they hit the exercise's traces too. Those that do not have their reason here.
func TestPeersFindTheSame(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it examines an exercise with all public rules")
	}
	rules := outside.Data(t, "sigma", "rules")
	oracle := filepath.Join(filepath.Dir(outside.Data(t, "sigma")), "..", "oracle", "windows-hits.tsv")
	f, err := os.Open(oracle)
	if err != nil {
		t.Skip("no hits of peers: " + err.Error())
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	logs, _ := logsOf(t, everything(t))
	mine, _ := ours(t, logs, rules)
	count := map[string]int{}
	for _, h := range mine {
		count[h.rule]++
	}
	titles := titlesOf(t, rules)
	type pair struct{ recording, rule string }
	seen := map[pair]bool{}
	var pairs []pair
	for _, row := range rows[1:] {
		p := pair{strings.TrimSuffix(filepath.Base(row[2]), ".evtx"), row[4]}
		if _, named := recordings[p.recording]; named && !seen[p] {
			seen[p] = true
			pairs = append(pairs, p)
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(recordings[a.recording], recordings[b.recording]), cmp.Compare(a.recording, b.recording), cmp.Compare(titles[a.rule], titles[b.rule]), cmp.Compare(a.rule, b.rule))
	})
	var table strings.Builder
	table.WriteString("| Traces | Recording | Rule that peers find in it | In the exercise |\n|---|---|---|---|\n")
	found, explained := 0, 0
	for _, p := range pairs {
		why := notFound[p.rule]
		if w, ok := notFound[p.recording+" "+p.rule]; ok {
			why = w
		}
		title := cmp.Or(titles[p.rule], p.rule+", not among the rules at hand")
		says := "yes"
		switch {
		case titles[p.rule] == "":
			says = "–"
			explained++
		case count[p.rule] > 0 && why == "":
			found++
		case count[p.rule] > 0:
			t.Errorf("%s, %q: it is found, and the test says that it is not: %s", p.recording, title, why)
		case why == "":
			t.Errorf("%s, %s %q: other engines find it in the recording, and the exercise's traces do not show it", p.recording, p.rule, title)
			says = "**no**"
		default:
			explained++
			says = "no: " + why
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s |\n", recordings[p.recording], p.recording, title, says)
	}
	checkTable(t, table.String())
	t.Logf("%d of %d pairs of recording and rule are found in the exercise, %d are explained", found, len(pairs), explained)
}

// titlesOf are the titles of the rules of a folder, by id.
func titlesOf(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".yml") {
			return err
		}
		b, err := os.ReadFile(name)
		title, id := "", ""
		for line := range strings.Lines(string(b)) {
			if v, ok := strings.CutPrefix(line, "title: "); ok && title == "" {
				title = strings.Trim(strings.TrimSpace(v), `'"`)
			}
			if v, ok := strings.CutPrefix(line, "id: "); ok && id == "" {
				id = strings.TrimSpace(v)
			}
		}
		out[id] = title
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// checkTable compares the table in docs/design/exercise.md with what it should be; with -update it writes it there.
func checkTable(t *testing.T, want string) {
	t.Helper()
	const begin, end = "<!-- table peers -->\n", "<!-- end -->"
	file := filepath.Join(outside.Root(t), "docs", "design", "exercise.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	have, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no table of peers", file)
	case have == want:
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the table of docs/design/exercise.md is not current; run the test with -update and read the diff")
	}
}

// recordings are those whose traces the exercise follows, with the traces.
var recordings = map[string]string{
	"LM_renamed_psexecsvc_5145": "remote service", "sysmon_privesc_psexec_dwell": "remote service",
	"LM_xp_cmdshell_MSSQL_Events": "database commands", "DE_xp_cmdshell_enabled_MSSQL_EID_15457": "database commands", "sysmon_1_exec_via_sql_xpcmdshell": "database commands",
	"sysmon_10_1_memdump_comsvcs_minidump": "memory of LSASS",
	"DE_1102_security_log_cleared":         "logs cleared", "DE_104_system_log_cleared": "logs cleared",
	"WinDefender_Events_1117_1116_AtomicRedTeam": "antivirus",
	"LM_wmiexec_impacket_sysmon_whoami":          "WMI",
	"LM_PowershellRemoting_sysmon_1_wsmprovhost": "WinRM", "LM_winrm_exec_sysmon_1_winrshost": "WinRM",
	"DE_RDP_Tunneling_4624":                      "Remote Desktop",
	"ACL_ForcePwd_SPNAdd_User_Computer_Accounts": "policy of the domain", "temp_scheduled_task_4698_4699": "policy of the domain",
	"dc_applog_ntdsutil_dfir_325_326_327": "copy of the domain's database",
	"DE_Fake_ComputerAccount_4720":        "accounts", "remote_pwd_reset_rpc_mimikatz_postzerologon_target_DC": "accounts",
	"DE_timestomp_and_dll_sideloading_and_RunPersist": "times of files", "sysmon_2_11_evasion_timestomp_MACE": "times of files",
	"LM_typical_IIS_webshell_sysmon_1_10_traces": "page that runs commands on IIS",
	"exec_emotet_ps_4104":                        "PowerShell",
}

// notFound says why a rule that other engines find in a recording finds nothing in the exercise.
var notFound = map[string]string{
	"51e33403-2a37-4d66-a574-1fda1782cc31": "the recording's desktop comes through a tunnel that ends on the server itself",
	"7be5fb68-f9ef-476d-8b51-0256ebece19e": "the recording's intruder types `hostname`",
	"79df3f68-dccb-48e9-9171-b75cbc37c51d": "the exercise's WinRM is PowerShell remoting, not `winrs`",
	"7b449a5e-1db5-4dd0-a2dc-4e3a67282538": "the recording's account imitates a computer's, with a $",
	"cfeed607-6aa4-4bbd-9627-b637deb723c8": "the same",
	"8a582fe2-0882-4b89-a82a-da6b2dc32937": "the recording's dump is made through WMI, the exercise's by a shell",
	"a24e5861-c6ca-4fde-a93c-ba9256feddf0": "the recording dumps notepad, the exercise LSASS",
	"e5ac86dd-2da1-454b-be74-05d26c769d7d": "the recording changes a default policy, the exercise makes one of its own",
	"41504465-5e3a-4a5b-a5b4-2a0baadd4463": "the recording's exploit, in a public folder, makes the pipe before PsExec does",
	"20f0ee37-5942-4e45-b7d5-c5b5db9df5cd": "a Run key, which the recording sets beside the changed times",
	"02ee49e2-e294-4d0f-9278-f5b3212fc588": "the same",
	"9637e8a5-7131-4f7f-bdc7-2b05d8670c43": "the recording's program, in the downloads, has no description; PowerShell changes the exercise's times",
	"2aa0a6b4-a865-495b-ab51-c28249537b75": "the recording's file lies in the Startup folder",
	"28208707-fe31-437f-9a7f-4b1108b94d2e": "the same",
}
