package casefile

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

var systemSID = []byte{1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0}

// kinds are the Windows events of these tests.
var (
	logonManifest = evtx.Manifest{
		Provider: "Microsoft-Windows-Security-Auditing", GUID: "{54849625-5478-4994-A5BA-3E3B0328C30D}", Channel: "Security", ID: 4624, Version: 1,
		Keywords: 0x8020000000000000, Task: 12544,
		Fields: []evtx.Field{
			{Name: "TargetUserName", Type: event.UTF16}, {Name: "TargetDomainName", Type: event.UTF16}, {Name: "TargetLogonId", Type: event.Hex64},
			{Name: "LogonType", Type: event.Uint32}, {Name: "WorkstationName", Type: event.UTF16}, {Name: "IpAddress", Type: event.UTF16},
		},
	}
	clearedManifest = evtx.Manifest{
		Provider: "Microsoft-Windows-Eventlog", GUID: "{FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148}", Channel: "Security", ID: 1102, Level: 4, Classic: true,
		UserData: "LogFileCleared", Namespace: "http://manifests.microsoft.com/win/2004/08/windows/eventlog",
		Fields: []evtx.Field{
			{Name: "SubjectUserSid", Type: event.SID}, {Name: "SubjectUserName", Type: event.UTF16}, {Name: "SubjectDomainName", Type: event.UTF16},
			{Name: "SubjectLogonId", Type: event.Hex64},
		},
	}
	serviceManifest = evtx.Manifest{
		Provider: "Service Control Manager", GUID: "{555908D1-A6D7-4695-8E1E-26931D2012F4}", Source: "Service Control Manager", Channel: "System",
		ID: 7045, Qualifiers: 16384, Level: 4, Classic: true,
		Fields: []evtx.Field{
			{Name: "ServiceName", Type: event.UTF16}, {Name: "ImagePath", Type: event.UTF16}, {Name: "ServiceType", Type: event.UTF16},
			{Name: "StartType", Type: event.UTF16}, {Name: "AccountName", Type: event.UTF16},
		},
	}
)

var dayOne = time.Date(2022, 11, 20, 0, 0, 0, 0, time.UTC)

func at(hours float64) event.Time {
	return event.At(dayOne.Add(time.Duration(hours * float64(time.Hour))))
}

// logOf writes an event log of one computer.
func logOf(t testing.TB, computer string, write func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values)))) []byte {
	t.Helper()
	var file seekBuffer
	w, err := evtx.NewWriter(&file, evtx.WriterOptions{Computer: computer})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]*evtx.Kind{}
	write(func(m evtx.Manifest, at event.Time, values func(*evtx.Values)) {
		k := kinds[fmt.Sprint(m.Provider, m.ID)]
		if k == nil {
			if k, err = evtx.Compile(m); err != nil {
				t.Fatal(err)
			}
			kinds[fmt.Sprint(m.Provider, m.ID)] = k
		}
		var v evtx.Values
		values(&v)
		if err := w.Write(&evtx.Event{Kind: k, Time: at, Written: at, ProcessID: 4, ThreadID: 8, Values: v.List}); err != nil {
			t.Fatal(err)
		}
	})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.b
}

func logon(user, domain string, typ uint64, from string) func(*evtx.Values) {
	return func(v *evtx.Values) {
		v.Text(user)
		v.Text(domain)
		v.Number(event.Hex64, 0x51a2)
		v.Number(event.Uint32, typ)
		v.Text("-")
		v.Text(from)
	}
}

func service(name, path string) func(*evtx.Values) {
	return func(v *evtx.Values) {
		for _, s := range []string{name, path, "user mode service", "demand start", "LocalSystem"} {
			v.Text(s)
		}
	}
}

// securityLog is a busy server's: a logon every ten minutes for three days, and what else says.
func securityLog(t testing.TB, computer string, also func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values)))) []byte {
	return logOf(t, computer, func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		for i := range 3 * 144 {
			put(logonManifest, at(float64(i)/6+0.05), logon("nurse", "HOSP", 3, "10.0.9.9"))
		}
		if also != nil {
			also(put)
		}
	})
}

// seekBuffer is a file in memory.
type seekBuffer struct {
	b   []byte
	pos int
}

func (s *seekBuffer) Write(p []byte) (int, error) {
	if n := s.pos + len(p); n > len(s.b) {
		s.b = append(s.b, make([]byte, n-len(s.b))...)
	}
	s.pos += copy(s.b[s.pos:], p)
	return len(p), nil
}

func (s *seekBuffer) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case 0:
		s.pos = int(offset)
	case 1:
		s.pos += int(offset)
	case 2:
		s.pos = len(s.b) + int(offset)
	}
	return int64(s.pos), nil
}

// collect writes a file of evidence, last changed four days after the first.
func collect(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, dayOne.AddDate(0, 0, 4), dayOne.AddDate(0, 0, 4)); err != nil {
		t.Fatal(err)
	}
}

// estate writes the evidence of a few servers: folders, an archive, copies of one log, a damaged one.
func estate(t testing.TB) (dir string, collections []string) {
	t.Helper()
	dir = t.TempDir()
	put := func(name string, content []byte) { collect(t, filepath.Join(dir, name), content) }
	const logs = "C/Windows/System32/winevt/Logs/"
	db := securityLog(t, "DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		put(logonManifest, at(30), logon("svc_bkp", "HOSP", 3, "10.0.2.4"))
		put(clearedManifest, at(31), func(v *evtx.Values) {
			v.Raw(event.SID, systemSID)
			v.Text("svc_bkp")
			v.Text("HOSP")
			v.Number(event.Hex64, 0x51a2)
		})
	})
	put("one/DB1/"+logs+"Security.evtx", db)
	put("one/DB1/"+logs+"Archive/Security-copy.evtx", db)
	put("one/DB1/"+logs+"System.evtx", logOf(t, "DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		put(serviceManifest, at(30.001), service("PSEXESVC", `%SystemRoot%\PSEXESVC.exe`))
	}))
	damaged := bytes.Clone(securityLog(t, "APP1.hosp.local", nil))
	copy(damaged[4096+3000:], bytes.Repeat([]byte{0xee}, 400))
	put("two/APP1/"+logs+"Security.evtx", damaged)
	put("two/WEB1/var/log/auth.log", authLog("web1", 400))
	put("two/WEB1/root/.bash_history", []byte("ls\nwhoami\n"))
	put("two/broken.zip", []byte("PK\x03\x04 this is no archive"))
	var z bytes.Buffer
	zw := zip.NewWriter(&z)
	w, _ := zw.CreateHeader(&zip.FileHeader{Name: "PACS1/var/log/auth.log", Method: zip.Deflate, Modified: dayOne.AddDate(0, 0, 4)})
	w.Write(authLog("pacs1", 300))
	zw.Close()
	put("three.zip", z.Bytes())
	return dir, []string{filepath.Join(dir, "one"), filepath.Join(dir, "two"), filepath.Join(dir, "three.zip")}
}

func authLog(host string, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		at := dayOne.Add(time.Duration(i) * 10 * time.Minute)
		fmt.Fprintf(&b, "%s %s CRON[%d]: pam_unix(cron:session): session opened for user root by (uid=0)\n", at.Format("Jan _2 15:04:05"), host, 900+i)
		if i%97 == 50 {
			fmt.Fprintf(&b, "%s %s sshd[%d]: Failed password for invalid user admin from 198.18.0.7 port 40022 ssh2\n", at.Add(time.Second).Format("Jan _2 15:04:05"), host, 4000+i)
		}
	}
	return b.Bytes()
}

// ruleFile holds rules that these tests lean on, so that they do not change with those that Wardround brings.
const ruleFile = `title: Test - Log Cleared
id: 00000000-0000-4000-8000-000000000001
level: high
logsource: {product: windows, service: security}
detection: {s: {EventID: 1102}, condition: s}
wardround: {line: anti-forensics}
---
title: Test - Service
id: 00000000-0000-4000-8000-000000000002
level: high
logsource: {product: windows, service: system}
detection: {s: {EventID: 7045, ServiceName: PSEXESVC}, condition: s}
wardround: {line: remote service}
---
title: Test - Failed SSH
name: failed_ssh
id: 00000000-0000-4000-8000-000000000003
level: medium
logsource: {product: linux, service: sshd}
detection: {k: ['Failed password'], condition: k}
---
title: Test - Many Failed SSH
id: 00000000-0000-4000-8000-000000000004
level: high
correlation:
  type: event_count
  rules: [failed_ssh]
  group-by: [src_ip]
  timespan: 40h
  condition: {gte: 3}
wardround: {line: note}
`

func testOptions(t testing.TB, dir string, collections ...string) Options {
	t.Helper()
	rules := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(rules, []byte(ruleFile), 0o600); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(t.TempDir(), "servers.csv")
	servers := "name,kind,role,os,addresses\nDB1,physical,database,Windows Server 2012,10.0.2.9\nAPP1,virtual,application,,10.0.2.4\nWEB1,virtual,web,,\nPACS1,physical,pacs,,\nBKP1,physical,backup,,\n"
	if err := os.WriteFile(list, []byte(servers), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{
		Case: dir, Name: "test", Collections: collections, Rules: []string{rules}, Inventory: list, Workers: 2, Version: "test",
		From: event.NoTime, Until: event.NoTime, Now: func() time.Time { return dayOne },
	}
}

func mustExamine(t testing.TB, o Options) *Result {
	t.Helper()
	res, err := Examine(context.Background(), o, &Status{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// resultFiles are those that are functions of the evidence and the other inputs alone.
var resultFiles = []string{evidenceFile, findingsFile, verdictsFile, spreadFile, reportFile, messagesFile, sheetFile, damageFile, patientFile, dataFile}

func results(t testing.TB, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, f := range resultFiles {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		out[f] = string(b)
	}
	return out
}

func sameResults(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for _, f := range resultFiles {
		if got[f] == want[f] {
			continue
		}
		g, w := strings.Split(got[f], "\n"), strings.Split(want[f], "\n")
		for i := range min(len(g), len(w)) {
			if g[i] != w[i] {
				t.Errorf("%s: %s differs in line %d:\n got %.300s\nwant %.300s", what, f, i+1, g[i], w[i])
				break
			}
		}
	}
}

func TestExamineSeesWhatIsThere(t *testing.T) {
	_, collections := estate(t)
	dir := filepath.Join(t.TempDir(), "case")
	res := mustExamine(t, testOptions(t, dir, collections...))
	verdicts := map[event.ServerID]event.Verdict{}
	for _, v := range res.Verdicts.Servers {
		verdicts[v.Server] = v
	}
	if v := verdicts["DB1"]; v.Verdict != event.Infiltrated || len(v.Because) != 2 || len(v.From) == 0 || v.From[0].Server == nil || *v.From[0].Server != "APP1" {
		t.Errorf("DB1: %+v", v)
	}
	if v := verdicts["BKP1"]; v.Examined != event.NothingCollected || v.Verdict != event.Inconclusive {
		t.Errorf("BKP1: %s, %s", v.Examined, v.Verdict)
	}
	if c := res.Verdicts.Counts; c[event.Infiltrated] != 1 || res.Verdicts.Listed != 5 || res.Verdicts.NotCollected != 1 {
		t.Errorf("counts %v of %d, %d not collected", c, res.Verdicts.Listed, res.Verdicts.NotCollected)
	}
	// The cleared log lies in two places and is one finding; the hits of a correlation's rule are not reported.
	var titles []string
	for _, line := range strings.Split(strings.TrimSpace(results(t, dir)[findingsFile]), "\n") {
		var f event.Finding
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.Rule.Source == "rules.yml" {
			titles = append(titles, fmt.Sprintf("%s %s %d", f.Server, f.Rule.Title, len(f.At)))
		}
	}
	want := []string{"DB1 Test - Service 1", "DB1 Test - Log Cleared 2", "PACS1 Test - Many Failed SSH 4", "WEB1 Test - Many Failed SSH 4"}
	if got := strings.Join(titles, "; "); !sameSet(titles, want) {
		t.Errorf("findings: %s", got)
	}
	if !strings.Contains(strings.Join(res.Problems, "\n"), "broken.zip") {
		t.Errorf("the broken archive is not told: %q", res.Problems)
	}
}

func sameSet(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestSameBytes(t *testing.T) {
	_, c := estate(t)
	base := filepath.Join(t.TempDir(), "base")
	mustExamine(t, testOptions(t, base, c...))
	want := results(t, base)

	t.Run("other order, eight workers, other clock", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "case")
		o := testOptions(t, dir, c[2], c[0], c[1])
		o.Workers, o.Now = 8, func() time.Time { return dayOne.AddDate(3, 0, 0) }
		mustExamine(t, o)
		sameResults(t, "at once", results(t, dir), want)
	})
	t.Run("one by one, one worker", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "case")
		for _, i := range []int{1, 2, 0} {
			o := testOptions(t, dir, c[i])
			o.Workers = 1
			mustExamine(t, o)
		}
		sameResults(t, "one by one", results(t, dir), want)
	})
	t.Run("nothing new", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "case")
		mustExamine(t, testOptions(t, dir, c...))
		o := testOptions(t, dir)
		mustExamine(t, o)
		sameResults(t, "again", results(t, dir), want)
	})
	t.Run("cache deleted", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "case")
		mustExamine(t, testOptions(t, dir, c[0], c[1]))
		if err := os.RemoveAll(filepath.Join(dir, cacheFolder)); err != nil {
			t.Fatal(err)
		}
		mustExamine(t, testOptions(t, dir, c[2]))
		sameResults(t, "without cache", results(t, dir), want)
	})
	t.Run("other time zone of the machine", func(t *testing.T) {
		old := time.Local
		time.Local = time.FixedZone("far", 12*3600)
		defer func() { time.Local = old }()
		dir := filepath.Join(t.TempDir(), "case")
		mustExamine(t, testOptions(t, dir, c...))
		sameResults(t, "other TZ", results(t, dir), want)
	})
}

// TestInterrupted stops the examination at every tenth artifact, and goes on until it is done.
func TestInterrupted(t *testing.T) {
	_, c := estate(t)
	base := filepath.Join(t.TempDir(), "base")
	mustExamine(t, testOptions(t, base, c...))
	dir := filepath.Join(t.TempDir(), "case")
	for tries := 1; ; tries++ {
		ctx, stop := context.WithCancel(context.Background())
		status := &Status{}
		go func() {
			for ctx.Err() == nil && status.Now().Artifacts < int64(2*tries) {
				time.Sleep(100 * time.Microsecond)
			}
			stop()
		}()
		o := testOptions(t, dir, c...)
		o.Workers = 1
		_, err := Examine(ctx, o, status)
		stop()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if tries > 200 {
			t.Fatal("it never ends")
		}
	}
	sameResults(t, "interrupted", results(t, dir), results(t, base))
}

func TestChangedEvidenceIsReadAgain(t *testing.T) {
	root, c := estate(t)
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, c...))
	system := filepath.Join(root, "one/DB1/C/Windows/System32/winevt/Logs/System.evtx")
	if err := os.WriteFile(system, logOf(t, "DB1.hosp.local", func(put func(m evtx.Manifest, at event.Time, values func(*evtx.Values))) {
		put(serviceManifest, at(30.001), service("Spooler", `C:\Windows\System32\spoolsv.exe`))
	}), 0o600); err != nil {
		t.Fatal(err)
	}
	mustExamine(t, testOptions(t, dir, c...))
	fresh := filepath.Join(t.TempDir(), "fresh")
	mustExamine(t, testOptions(t, fresh, c...))
	sameResults(t, "changed", results(t, dir), results(t, fresh))
	if strings.Contains(results(t, dir)[findingsFile], "PSEXESVC") {
		t.Error("what is no longer there is still found")
	}
}

func TestOtherRulesReadAgain(t *testing.T) {
	_, c := estate(t)
	dir := filepath.Join(t.TempDir(), "case")
	o := testOptions(t, dir, c...)
	o.Rules = nil
	mustExamine(t, o)
	o = testOptions(t, dir) // other rules, no collection given
	mustExamine(t, o)
	fresh := filepath.Join(t.TempDir(), "fresh")
	mustExamine(t, testOptions(t, fresh, c...))
	sameResults(t, "other rules", results(t, dir), results(t, fresh))
}

func TestCollectionGone(t *testing.T) {
	root, c := estate(t)
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, c...))
	want := results(t, dir)
	if err := os.Rename(filepath.Join(root, "one"), filepath.Join(root, "moved")); err != nil {
		t.Fatal(err)
	}
	mustExamine(t, testOptions(t, dir)) // the cache knows it
	sameResults(t, "gone, cached", results(t, dir), want)
	os.RemoveAll(filepath.Join(dir, cacheFolder))
	_, err := Examine(context.Background(), testOptions(t, dir), &Status{})
	if err == nil || !strings.Contains(err.Error(), "one") || !strings.Contains(err.Error(), "give it again") {
		t.Errorf("gone, not cached: %v", err)
	}
}

func TestExerciseAndRealDoNotMix(t *testing.T) {
	_, c := estate(t)
	marked := filepath.Join(t.TempDir(), "auth.log")
	if err := os.WriteFile(marked, append(authLog("EX-WEB1", 5), event.ExerciseMark+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "case")
	if _, err := Examine(context.Background(), testOptions(t, dir, append(c, marked)...), &Status{}); !errors.Is(err, ErrMixed) {
		t.Errorf("got %v", err)
	}
	alone := filepath.Join(t.TempDir(), "alone")
	mustExamine(t, testOptions(t, alone, marked))
	if info, err := readInfo(alone); err != nil || !info.Exercise {
		t.Errorf("exercise: %+v, %v", info, err)
	}
}

func TestCaseIsLockedAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "case")
	release, err := openFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openFolder(dir); !errors.Is(err, ErrBusy) {
		t.Errorf("a second process got in: %v", err)
	}
	release()
	_, c := estate(t)
	mustExamine(t, testOptions(t, dir, c...))
	filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		info, _ := e.Info()
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", path, info.Mode())
		}
		return err
	})
}

// TestBrokenCache flips bytes of the cache: it is read again, or said to be damaged, and never believed.
func TestBrokenCache(t *testing.T) {
	_, c := estate(t)
	dir := filepath.Join(t.TempDir(), "case")
	mustExamine(t, testOptions(t, dir, c...))
	want := results(t, dir)
	segments, _ := filepath.Glob(filepath.Join(dir, cacheFolder, "facts-*.seg"))
	for _, name := range segments {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 0x55
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mustExamine(t, testOptions(t, dir, c...))
	sameResults(t, "broken cache", results(t, dir), want)
}
