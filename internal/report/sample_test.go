package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// sample makes the stream of an exercise: an estate like that of a large public hospital in Delhi, attacked on 23
// November 2022. It is drawn from a fixed seed; nothing in it happened.
type sample struct {
	rng      *rand.Rand
	v        event.Verdicts
	findings []*event.Finding
	hits     []*Hits
	out      []*Message
}

func ist(day, hour, minute, second int) event.Time {
	return event.At(time.Date(2022, 11, day, hour, minute, second, 123456700, time.FixedZone("IST", 19800)))
}

func ptr[T any](x T) *T { return &x }

func digest(parts ...any) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	return hex.EncodeToString(sum[:])
}

// stage is how many servers of a role the estate has, and of them how many get which verdict.
type stage struct {
	role, name                  string
	inf, sus, clean, part, none int
}

var hundred = []stage{
	{"database", "EX-EHOSP-DB", 3, 0, 3, 3, 1},
	{"application", "EX-EHOSP-APP", 2, 2, 5, 8, 2},
	{"lis", "EX-LIS", 3, 0, 3, 5, 1},
	{"pacs", "EX-PACS", 0, 0, 2, 2, 1},
	{"domain-controller", "EX-DC", 1, 0, 0, 1, 0},
	{"hypervisor", "EX-ESX", 0, 1, 2, 3, 1},
	{"backup", "EX-BACKUP-", 1, 0, 0, 0, 1},
	{"file", "EX-FILE", 1, 0, 4, 4, 1},
	{"web", "EX-WEB", 0, 1, 5, 4, 2},
	{"mail", "EX-MAIL", 0, 0, 2, 0, 0},
	{"jump", "EX-JUMP", 1, 0, 0, 1, 0},
	{"other", "EX-SRV", 0, 1, 7, 4, 5},
}

func newSample(stages []stage) *sample {
	s := &sample{rng: rand.New(rand.NewPCG(2022, 1123))}
	s.v = event.Verdicts{
		Window: event.Window{From: ist(16, 0, 0, 0), To: ist(24, 18, 0, 0), Basis: ""},
		Counts: map[event.Judgement]int{},
	}
	for _, st := range stages {
		n := 0
		add := func(count int, j event.Judgement, examined string) {
			for range count {
				n++
				s.server(fmt.Sprintf("%s%d", st.name, n), st.role, j, examined, true)
			}
		}
		add(st.inf, event.Infiltrated, event.Enough)
		add(st.sus, event.Suspected, event.InPart)
		add(st.clean, event.NoEvidence, event.Enough)
		add(st.part, event.Inconclusive, event.InPart)
		add(st.none, event.Inconclusive, event.NothingCollected)
	}
	return s
}

// exerciseStream is the whole stream of the estate of 100 and three that only evidence names.
func exerciseStream() []*Message {
	s := newSample(hundred)
	for _, name := range []string{"EX-OLDPACS", "EX-DENTAL-NAS", "WIN-EX4711QRST"} {
		s.server(name, "", event.Inconclusive, event.NothingCollected, false)
	}
	return addStory(s.stream("2022-117 EX-HOSPITAL, New Delhi", true), 11)
}

func (s *sample) server(name, role string, j event.Judgement, examined string, listed bool) {
	v := event.Verdict{Server: event.ServerID(name), Listed: listed, Examined: examined, Verdict: j, Findings: map[string]int{}}
	n := len(s.v.Servers)
	if role != "" {
		v.Role = ptr(role)
		v.Kind = ptr([]string{"virtual", "physical", "virtual"}[n%3])
		v.OS = ptr([]string{"Windows Server 2016", "Windows Server 2012 R2", "Oracle Linux 7.9", "Windows Server 2019"}[n%4])
		v.Location = ptr("Data centre, rack " + fmt.Sprint(n%9+1))
		v.Addresses = []string{fmt.Sprintf("198.18.%d.%d", n/200, n%200+10)}
	}
	seen := map[string]float64{event.Enough: 0.93, event.InPart: 0.41, event.NothingCollected: 0}[examined]
	if seen > 0 {
		seen = min(0.99, seen+0.2*(s.rng.Float64()-0.5))
		for i, q := range []string{"logon", "process start", "service or task", "file change", "network contact", "cleared log"} {
			v.Coverage.Questions = append(v.Coverage.Questions, s.question(q, i, seen))
		}
		for _, q := range v.Coverage.Questions {
			v.Coverage.Overall += q.Answered / 6
		}
	}
	switch j {
	case event.Infiltrated, event.Suspected:
		s.intrude(&v, n, j)
	case event.NoEvidence:
		v.Confidence = ptr([]string{"moderate", "high"}[n%2])
		v.WouldChangeIt = []string{"a longer Security log: it holds 9 days"}
		v.Findings["C"] = s.rng.IntN(300)
		v.Reconnect = event.Reconnect{Allowed: n%4 == 0, Because: "every question of its role is answered and nothing unexplained is seen"}
	default:
		v.Confidence = ptr("low")
		v.WouldChangeIt = []string{[]string{"Security.evtx from before 20 November", "any collection at all", "Sysmon or 4688 process starts", "a copy from a shadow copy: the log rolled over"}[n%4]}
		v.Reconnect = event.Reconnect{Because: "it cannot be judged yet"}
	}
	if listed {
		s.v.Listed++
		s.v.Counts[j]++
		if examined == event.NothingCollected {
			s.v.NotCollected++
		}
	} else {
		s.v.Unlisted++
	}
	s.v.Servers = append(s.v.Servers, v)
}

func (s *sample) question(name string, i int, seen float64) event.Question {
	q := event.Question{Question: name, Must: i < 3, Answered: seen, By: []string{[]string{"windows/security", "windows/microsoft-windows-sysmon/operational", "windows/system", "windows/microsoft-windows-ntfs/operational", "windows/microsoft-windows-sysmon/operational", "windows/security"}[i]}}
	if i == 1 && s.rng.IntN(3) > 0 || i == 4 && s.rng.IntN(2) > 0 {
		q.Answered, q.By = 0, nil
		q.Holes = [][2]event.Time{{s.v.Window.From, s.v.Window.To}}
		return q
	}
	length := float64(s.v.Window.To - s.v.Window.From)
	missing := (1 - seen) * length
	first := s.v.Window.From.Add(time.Duration(missing * 0.7))
	q.Holes = [][2]event.Time{{s.v.Window.From, first}}
	at := ist(19, 1+i, 0, 0)
	if at > first {
		q.Holes = append(q.Holes, [2]event.Time{at, at.Add(time.Duration(missing * 0.3))})
	}
	return q
}

// act is one thing that an intruder did, as a rule finds it.
type act struct {
	class              event.Class
	line, says         string
	rule, level, tags  string
	channel, path, cmd string
	fields             map[string]string
}

var acts = []act{
	{event.A, "files encrypted by a process of this server", "A process started on this server, msdtc.exe with the library oci.dll, wrote 41,207 files whose content is encrypted, in paths that no share exposes.",
		"Encrypted Files Written by Local Process", "critical", "attack.impact attack.t1486", "Security", "Security.evtx", `C:\Windows\System32\msdtc.exe`,
		map[string]string{"ImageLoaded": `C:\Windows\System32\oci.dll`, "Hashes": "SHA256=" + strings.ToUpper(digest("payload")), "TargetFilename": `D:\EHOSP\DATA\ehosp_2022.mdf`}},
	{event.A, "the attacker's binary, matched by content and executed", "The program versions.dll, whose content is that of the payload, was started by rundll32.exe under the account HOSP\\svc_bkp.",
		"Payload Executed Through Rundll32", "critical", "attack.execution attack.stealth attack.t1218.011", "Sysmon", "Microsoft-Windows-Sysmon%4Operational.evtx", `rundll32.exe C:\Users\Public\versions.dll,DllMain`,
		map[string]string{"ParentImage": `C:\Windows\PSEXESVC.exe`, "Hashes": "SHA256=" + strings.ToUpper(digest("payload")), "User": `HOSP\svc_bkp`}},
	{event.B, "a remote service", "A service PSEXESVC was installed from 198.18.0.35 under the account HOSP\\svc_bkp.",
		"PsExec Service Installation", "medium", "attack.execution attack.lateral-movement attack.t1569.002 attack.t1021.002", "System", "System.evtx", `%SystemRoot%\PSEXESVC.exe`,
		map[string]string{"ServiceName": "PSEXESVC", "AccountName": "LocalSystem", "StartType": "demand start"}},
	{event.B, "deletion of shadow copies", "All shadow copies were deleted by command.",
		"Shadow Copies Deletion Using Operating Systems Utilities", "high", "attack.impact attack.t1490", "Security", "Security.evtx", `vssadmin.exe delete shadows /all /quiet`,
		map[string]string{"SubjectUserName": "svc_bkp", "SubjectLogonId": "0x3e41f7"}},
	{event.B, "access to LSASS", "The memory of lsass.exe was read by rundll32.exe with comsvcs.dll.",
		"LSASS Dump Keyword In CommandLine", "high", "attack.credential-access attack.t1003.001", "Security", "Security.evtx", `rundll32.exe C:\Windows\System32\comsvcs.dll MiniDump 672 C:\Windows\Temp\l.dmp full`,
		map[string]string{"TargetImage": `C:\Windows\System32\lsass.exe`, "GrantedAccess": "0x1fffff"}},
	{event.B, "an account made in a tied session", "A local account was made in the same session.",
		"New or Renamed User Account with '$' Character", "medium", "attack.persistence attack.t1136.001", "Security", "Security.evtx", `net user helpdesk$ Winter#22 /add`,
		map[string]string{"TargetUserName": "helpdesk$", "SubjectUserName": "svc_bkp"}},
	{event.C, "a generic rule hit", "A PowerShell command with an encoded argument ran.",
		"Suspicious Encoded PowerShell Command Line", "high", "attack.execution attack.t1059.001", "Security", "Security.evtx",
		`powershell.exe -nop -w hidden -enc bgBlAHQAIAB1AHMAZQByACAAaABlAGwAcABkAGUAcwBrACQAIABXAGkAbgB0AGUAcgAjADIAMgAgAC8AYQBkAGQA`,
		map[string]string{"ParentCommandLine": `cmd.exe /c "net use \\EX-FILE1\C$ Winter#22 /user:HOSP\svc_bkp"`}},
}

func (s *sample) intrude(v *event.Verdict, n int, j event.Judgement) {
	v.Confidence = ptr([]string{"high", "high", "moderate"}[n%3])
	proven := ist(19, 3, 12, 44).Add(time.Duration(n) * 53 * time.Minute)
	v.Since = &event.Since{EarliestPossible: proven.Add(-time.Duration(20+n%50) * time.Hour), FirstProven: proven, BoundedBy: []string{"gap", "log start", "answered"}[n%3]}
	v.From = []event.Origin{{Server: ptr("EX-JUMP1"), Account: ptr(`HOSP\svc_bkp`), Address: ptr("198.18.0.35")}}
	v.Reconnect = event.Reconnect{Because: "it is infiltrated: rebuild it, then change every account that was used on it"}
	v.WouldChangeIt = []string{"a signed statement, with its log, that row 12 of the approved work covers EX-JUMP1", "process starts before 19 November: 4688 was not recorded"}
	picked := []int{1, 2, 3, 4, 6}
	if n%2 == 0 {
		picked = []int{0, 1, 2, 3, 4, 5, 6}
	}
	if j == event.Suspected {
		v.Confidence = ptr("moderate")
		v.Reconnect.Because = "it is suspected: collect its Sysmon log and judge again"
		v.Since.FirstProven, v.Since.BoundedBy = proven, "log start"
		v.From = []event.Origin{{Address: ptr("198.18.0.35")}}
		picked = []int{2}
		v.Against = []event.Against{{Says: "PSEXESVC was also installed here in October by the same administrators", Why: "approved work row 12 covers 3 to 4 October only", Findings: nil}}
	} else {
		v.Against = []event.Against{{Says: "Antivirus called versions.dll a false alarm on two servers", Why: "its digest is that of the file that encrypted EX-EHOSP-DB1"}}
	}
	for i, k := range picked {
		v.Because = append(v.Because, s.reason(v, acts[k], proven.Add(time.Duration(i)*17*time.Minute), i))
	}
	v.Findings = map[string]int{"A": len(picked) / 3, "B": len(picked), "C": 4315 - n}
	if slices.Contains(picked, 0) {
		v.Flags = append(v.Flags, "encrypted")
	}
	if n%3 == 0 {
		v.Flags = append(v.Flags, "patient data")
	}
	if n%5 == 1 {
		v.Flags = append(v.Flags, "end of life")
	}
}

func (s *sample) reason(v *event.Verdict, a act, at event.Time, i int) event.Reason {
	r := event.Reason{Class: a.class, Line: a.line, Time: at, Says: a.says}
	hits := 1
	if a.class == event.C {
		hits = 40
	}
	for k := range hits {
		f := &event.Finding{
			ID: digest(v.Server, a.rule, k)[:16], Time: at.Add(time.Duration(k) * time.Second), Server: v.Server, Class: a.class,
			Rule: event.Rule{ID: digest(a.rule)[:8] + "-5a3f-4c1e-9d2b-" + digest(a.rule)[8:20], Title: a.rule, Level: a.level, Tags: strings.Fields(a.tags),
				Author: "Exercise Rules, Wardround", Source: "wardround", License: "Apache-2.0"},
			At: []event.Place{{Collection: strings.ToLower(string(v.Server)) + ".zip", Artifact: digest(v.Server, a.path), Path: "C/Windows/System32/winevt/Logs/" + a.path,
				Record: uint64(4711 + 97*i + k), Offset: int64(458752 + 1024*k)}},
			Fields: map[string]string{"EventID": "4688", "Channel": a.channel, "Computer": string(v.Server) + ".ex-hospital.example", "CommandLine": a.cmd,
				"Image": `C:\Windows\System32\` + strings.ToLower(strings.Fields(a.cmd)[0]), "ProcessGuid": "{5A3F4C1E-0000-4711-9D2B-" + strings.ToUpper(digest(v.Server, k)[:12]) + "}"},
		}
		for name, value := range a.fields {
			f.Fields[name] = value
		}
		r.Findings = append(r.Findings, f.ID)
		s.findings = append(s.findings, f)
	}
	s.hits = append(s.hits, &Hits{Server: v.Server, Rule: s.findings[len(s.findings)-1].Rule, Findings: hits * (1 + int(s.rng.IntN(30)))})
	return r
}

// finish adds what speaks of the whole estate.
func (s *sample) finish() {
	v := &s.v
	if len(s.findings) > 0 {
		v.Window.Basis = s.findings[0].ID
	}
	var because []string
	for i := 0; i < len(s.findings) && i < 3; i++ {
		because = append(because, s.findings[i].ID)
	}
	v.Answers = []event.Answer{
		{Question: "since when", State: "partial", Says: "between 16 Nov 2022 21:40 IST (the logs of EX-JUMP1 begin) and 19 Nov 2022 03:12:44 IST (proven)", Because: because},
		{Question: "where first", State: "partial", Says: "EX-JUMP1, certainty moderate. Rival: EX-WEB6, because its logs begin on 20 November", Because: because[:min(1, len(because))]},
		{Question: "how far", State: "partial", Says: "11 movements with 3 accounts, to 12 servers; 50 servers cannot be judged"},
		{Question: "from where", State: "partial", Says: "198.18.0.7, a hosting network; nothing shows who used it", Because: because[:min(1, len(because))]},
	}
	v.DoNext = []event.Step{
		{Do: "do not touch", Servers: []event.ServerID{"EX-BACKUP-2"}, Why: "it was unplugged in time and holds the only clean copy"},
		{Do: "isolate", Servers: []event.ServerID{"EX-JUMP1", "EX-DC1", "EX-FILE1"}, Why: "infiltrated, and others were reached from them"},
		{Do: "collect", Servers: []event.ServerID{"EX-DC2"}, Why: "“would change it” of 9 servers names its Security log"},
		{Do: "collect", Servers: []event.ServerID{"EX-PACS5", "EX-WEB11", "EX-WEB12", "EX-SRV13", "EX-SRV14", "EX-SRV15", "EX-SRV16", "EX-SRV17"}, Why: "nothing was collected from them"},
		{Do: "change", Why: "the password of HOSP\\svc_bkp, used on 12 servers"},
	}
	v.NotKnown = []string{"15 servers were never collected", "2 logs were cleared on purpose (EX-DC1, EX-FILE1)", "process starts are not recorded on 41 servers", "whether data left: no firewall log before 20 November"}
	for at := v.Window.From; at < v.Window.To; at = at.Add(time.Hour) {
		share := 0.24 + 0.45*float64(at-v.Window.From)/float64(v.Window.To-v.Window.From) + 0.04*s.rng.Float64()
		critical := at >= ist(19, 2, 0, 0) && at < ist(19, 17, 0, 0) || at >= ist(23, 0, 0, 0) && at < ist(23, 8, 0, 0)
		if at >= ist(21, 3, 0, 0) && at < ist(21, 14, 0, 0) {
			share = 0.12
		}
		v.SeenByHour = append(v.SeenByHour, event.Hour{From: at, Seen: share, Critical: critical})
	}
}

func (s *sample) stream(name string, exercise bool) []*Message {
	s.finish()
	put := func(m Message) { s.out = append(s.out, &m) }
	put(Message{Case: &Case{Name: name, Zone: "IST", State: "draft", Version: "0.1.0", Exercise: exercise, Inputs: []Input{
		{"evidence", ptr(digest("evidence"))}, {"rules", ptr(digest("rules"))}, {"inventory", ptr(digest("inventory"))}, {"policy", ptr(digest("policy"))}, {"changes", nil}}}})
	put(Message{Verdicts: &s.v})
	for _, f := range s.findings {
		put(Message{Finding: f})
	}
	for _, h := range s.hits {
		put(Message{Hits: h})
	}
	for i := range min(11, len(s.v.Servers)) {
		put(Message{Movement: &event.Movement{From: "EX-JUMP1", To: s.v.Servers[i*5%len(s.v.Servers)].Server, Time: ist(19, 3, 12, 44).Add(time.Duration(i) * 53 * time.Minute), How: "remote service",
			Account: `HOSP\svc_bkp`, Address: "198.18.0.35", Session: fmt.Sprintf("0x%x", 0x3e41f7+i), SeenFrom: []string{"both ends", "destination"}[i%2]}})
	}
	for i, v := range s.v.Servers {
		if v.Examined == event.NothingCollected {
			continue
		}
		zip := strings.ToLower(string(v.Server)) + ".zip"
		put(Message{Evidence: &Evidence{Collection: zip, Server: ptr(v.Server), Artifacts: 118, Bytes: 412_345_678 + int64(i)*1_000_003, Records: 1_048_213, Damaged: i % 3, DamagedBytes: int64(i%3) * 65536,
			Missing: uint64(i % 4 * 79), Unreadable: i % 2, First: ist(16, 21, 40, 0), Last: ist(24, 17, 59, 59)}})
		for k, log := range []string{"Security", "System", "Application", "Microsoft-Windows-Sysmon%4Operational", "Windows PowerShell"} {
			a := event.Artifact{Collection: zip, Path: "C/Windows/System32/winevt/Logs/" + log + ".evtx", SHA256: digest(zip, log), Bytes: 20975616, Kind: "evtx", Records: 48213, Servers: []event.Seen{{Name: string(v.Server)}}}
			if k == 0 && i%3 > 0 {
				a.Damaged = []event.Damage{{Offset: 458752, Bytes: 65536, Why: "bad chunk magic"}}
				a.Holes = [][2]uint64{{4711, 4790}}
			}
			if k == 4 && i%2 == 1 {
				a.Error = ptr("open: access was denied when it was collected")
			}
			put(Message{Artifact: &a})
		}
	}
	for i := range 40 {
		put(Message{Unused: &Unused{ID: digest("unused", i)[:12], Title: fmt.Sprintf("Exercise rule %d for a log that is not there", i), Source: "wardround", Reason: []string{"no log source of this product in the evidence", "the aggregation expression is not supported"}[i%2]}})
	}
	put(Message{Policy: &Policy{Text: "link_window: 6h\nclasses:\n  A:\n    - files encrypted by a process of this server\n  B:\n    - a remote service\nroles:\n  database:\n    logon: {weight: 3, must: true}\n"}})
	put(Message{Change: &Change{Row: 12, From: ist(3, 22, 0, 0), To: ist(4, 4, 0, 0), Account: `HOSP\svc_bkp`, Source: "EX-JUMP1", Targets: []string{"EX-EHOSP-DB1", "EX-EHOSP-DB2"}, Tool: "PsExec", Ticket: "CHG-4711"}})
	return s.out
}

func render(t testing.TB, h Handler, stream []*Message) {
	t.Helper()
	for _, m := range stream {
		if err := h.Handle(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
}

func renderString(t testing.TB, make func(io.Writer) Handler, stream []*Message) string {
	t.Helper()
	var b strings.Builder
	render(t, make(&b), stream)
	return b.String()
}
