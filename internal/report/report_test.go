package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

var update = flag.Bool("update", false, "write the golden files")

// forms are the handlers with the golden file of each.
var forms = []struct {
	file string
	make func(io.Writer) Handler
}{
	{"small.html", HTML},
	{"small.csv", CSV},
	{"small-account.html", AccountHTML},
	{"small-account.json", AccountJSON},
	{"small.jsonl", JSONL},
	{"small-80.txt", func(w io.Writer) Handler { return Text(w, TextOptions{}) }},
	{"small-160.txt", func(w io.Writer) Handler { return Text(w, TextOptions{Columns: 160, Lines: 40, Colour: true}) }},
}

// TestGolden reads the stored stream small.jsonl and renders it in every form. With -update the stream is made anew too.
func TestGolden(t *testing.T) {
	stream := filepath.Join("testdata", "small.jsonl")
	if *update {
		writeFile(t, stream, renderString(t, JSONL, smallStream()))
	}
	stored, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range forms {
		var got bytes.Buffer
		h := f.make(&got)
		if err := Decode(bytes.NewReader(stored), h); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", f.file)
		if *update {
			writeFile(t, path, got.String())
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s: %s\n(go test ./internal/report -update writes it anew; read the difference)", f.file, firstDifference(got.String(), string(want)))
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %.400q\nwant %.400q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// smallStream is a hospital of seven servers, real in kind (no exercise), with what the page must get right: an
// interval open at its start, a finding that two reasons cite, secrets, a patient's number and control characters.
func smallStream() []*Message {
	s := newSample([]stage{{"database", "DB", 1, 0, 1, 0, 0}, {"application", "APP", 0, 1, 0, 1, 0}, {"pacs", "PACS", 0, 0, 1, 0, 1}})
	s.server("जाँच-सर्वर", "", event.Inconclusive, event.InPart, false)
	db := &s.v.Servers[0]
	db.Since.BoundedBy = "log start"
	db.Because = append(db.Because, event.Reason{Class: event.B, Line: "anti-forensics", Time: event.NoTime, Says: "Two reasons rest on one record, and its time is not known", Findings: db.Because[0].Findings})
	db.Extra = map[string]string{"ward": "4", "amc password": "Winter#22"}
	db.Conflicts = []string{"The name DB1 stands in two collections"}
	s.findings[0].Fields["CommandLine"] = "net user helpdesk Winter#22 /add\r\nsecond line\x1b[31m \u202egnp.exe \x00"
	s.findings[0].Fields["Note"] = "UHID: 2022/004711, Aadhaar 2341 2341 2346"
	out := addStory(s.stream("2022-117", false), 5)
	for _, m := range out {
		if m.Artifact != nil {
			m.Artifact.Notes = []string{"the year is not in the log; 2022 is the year of the file"}
		}
	}
	return out
}

// TestSameBytes: neither the order of the messages behind case and verdicts nor a second run changes a byte.
func TestSameBytes(t *testing.T) {
	for _, f := range forms {
		if f.file == "small.jsonl" {
			continue // it is the stream, in the order in which it comes
		}
		want := renderString(t, f.make, exerciseStream())
		stream := exerciseStream()
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(stream)-2, func(i, j int) { stream[i+2], stream[j+2] = stream[j+2], stream[i+2] })
		if got := renderString(t, f.make, stream); got != want {
			t.Errorf("%s: order of messages: %s", f.file, firstDifference(got, want))
		}
	}
}

func TestStreamOrder(t *testing.T) {
	finding := &Message{Finding: &event.Finding{}}
	start := &Message{Case: &Case{}}
	verdicts := &Message{Verdicts: &event.Verdicts{}}
	for name, stream := range map[string][]*Message{
		"finding first":      {finding},
		"verdicts first":     {verdicts},
		"case twice":         {start, start},
		"verdicts twice":     {start, verdicts, verdicts},
		"finding too early":  {start, finding},
		"nothing in message": {{}},
	} {
		h := HTML(io.Discard)
		var err error
		for _, m := range stream {
			if err = h.Handle(m); err != nil {
				break
			}
		}
		if !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if HTML(io.Discard).Close() == nil {
		t.Error("a page without verdicts looks like an answer")
	}
	if err := Decode(strings.NewReader("{\"case\":{}}\n{broken"), HTML(io.Discard)); err == nil || !strings.Contains(err.Error(), "message 2") {
		t.Errorf("broken stream: %v", err)
	}
}

// estateOf makes an estate with so many servers of each verdict.
func estateOf(inf, sus, clean, part, none, encrypted, listed int) *estate {
	v := &event.Verdicts{Listed: listed, Counts: map[event.Judgement]int{}}
	add := func(n int, j event.Judgement, examined string) {
		for range n {
			s := event.Verdict{Server: event.ServerID(fmt.Sprint("S", len(v.Servers))), Verdict: j, Examined: examined, Listed: listed > 0}
			if encrypted > 0 {
				s.Flags = []string{"encrypted"}
				encrypted--
			}
			v.Servers = append(v.Servers, s)
			v.Counts[j]++
		}
	}
	add(inf, event.Infiltrated, event.Enough)
	add(sus, event.Suspected, event.InPart)
	add(clean, event.NoEvidence, event.Enough)
	add(part, event.Inconclusive, event.InPart)
	add(none, event.Inconclusive, event.NothingCollected)
	var e estate
	e.begin(&Case{})
	e.judge(v)
	return &e
}

func TestHeadline(t *testing.T) {
	for _, c := range []struct {
		e    *estate
		want string
	}{
		{estateOf(12, 5, 33, 35, 15, 5, 100), "12 of 100 listed servers are infiltrated. 50 cannot be judged yet. On 5, files were encrypted."},
		{estateOf(1, 0, 99, 0, 0, 1, 100), "1 of 100 listed servers is infiltrated. On 1, files were encrypted."},
		{estateOf(1, 0, 0, 1, 0, 0, 2), "1 of 2 listed servers is infiltrated. 1 cannot be judged yet."},
		{estateOf(3, 0, 0, 0, 0, 0, 3), "All 3 listed servers are infiltrated."},
		{estateOf(1, 0, 0, 0, 0, 1, 1), "The one listed server is infiltrated. Files on it were encrypted."},
		{estateOf(0, 1, 0, 0, 0, 0, 1), "On the one listed server infiltration is not proven. It is suspected."},
		{estateOf(0, 0, 1, 0, 0, 0, 1), "On the one listed server infiltration is not proven."},
		{estateOf(0, 0, 0, 0, 1, 0, 1), "The one listed server cannot be judged yet."},
		{estateOf(0, 0, 0, 80, 20, 0, 100), "None of the 100 listed servers can be judged yet."},
		{estateOf(0, 2, 50, 48, 0, 0, 100), "On none of the 100 listed servers is infiltration proven. 2 are suspected. 48 cannot be judged yet."},
		{estateOf(0, 0, 100, 0, 0, 0, 100), "On none of the 100 listed servers is infiltration proven."},
		{estateOf(2, 0, 0, 3, 0, 0, 0), "2 of 5 servers seen in evidence are infiltrated. 3 cannot be judged yet."},
		{estateOf(0, 0, 0, 0, 0, 0, 0), "No server is listed and none was seen in evidence: nothing can be said yet."},
		{estateOf(100, 0, 0, 100_000, 0, 0, 1), "100 of 1,00,100 listed servers are infiltrated. 1,00,000 cannot be judged yet."},
	} {
		if got := strings.Join(c.e.headline(), " "); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	e := estateOf(1, 0, 1, 0, 0, 0, 2)
	e.servers[1].Listed, e.servers[1].Judgement = false, event.Infiltrated
	if got := strings.Join(e.headline(), " "); got != "The one listed server is infiltrated. Not in the inventory: 1 infiltrated." {
		t.Error(got)
	}
	if e.disagreement() == "" {
		t.Error("counts that do not add up are not said")
	}
	if d := estateOf(12, 5, 33, 35, 15, 5, 100).disagreement(); d != "" {
		t.Error(d)
	}
}

// TestExtremes: each page of an unusual estate reads right and claims nothing that was not seen.
func TestExtremes(t *testing.T) {
	page := func(v event.Verdicts) string {
		return renderString(t, HTML, []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: &v}})
	}
	empty := event.Verdicts{Window: event.Window{From: event.NoTime, To: event.NoTime}}
	has(t, "no server", page(empty), "nothing can be said yet", "= 0 servers seen in evidence", "proves nothing", "UNKNOWN", "None was given: nothing is explained", "draft")
	one := estateOf(0, 0, 0, 0, 1, 0, 1).v
	has(t, "one server", page(*one), "= 1 listed server<", "nothing collected", "not examined", "No server is infiltrated or suspected on the evidence examined")
	noList := estateOf(1, 0, 0, 1, 0, 0, 0).v
	has(t, "no inventory", page(*noList), "1 of 2 servers seen in evidence is infiltrated.", "servers that left no trace are not counted")
	thousand := estateOf(200, 100, 300, 300, 100, 7, 1000).v
	s := page(*thousand)
	has(t, "thousand", s, "200 of 1,000 listed servers are infiltrated.", "grid many")
	for _, c := range []struct {
		what string
		want int
	}{{`class="q `, 1000}, {`<tr id="r`, 1000}, {`<details class="srv fold`, 300}} {
		if n := strings.Count(s, c.what); n != c.want {
			t.Errorf("thousand: %d %s, want %d: no server may be left out", n, c.what, c.want)
		}
	}
	odd := event.Verdicts{Servers: []event.Verdict{{Server: "X", Verdict: "fine", Listed: true}}, Listed: 1}
	has(t, "unknown verdict", page(odd), "The one listed server cannot be judged yet.", "are not those of the servers")
}

func has(t *testing.T, name, s string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(s, p) {
			t.Errorf("%s: %q is missing", name, p)
		}
	}
	for _, p := range []string{"% clean", "NaN", "%!", "ZgotmplZ", "<nil>", "Jan 0001", " 1 servers", " 1 findings", " 1 rules "} {
		if strings.Contains(s, p) {
			t.Errorf("%s: %q is on the page", name, p)
		}
	}
}

// TestPageSays: what the estate of the exercise must show, and what it must not.
func TestPageSays(t *testing.T) {
	s := renderString(t, HTML, exerciseStream())
	has(t, "exercise", s, "<title>EXERCISE: Case", `class="mark"`, "12 of 100 listed servers are infiltrated.", "50 cannot be judged yet.", "On 5, files were encrypted.",
		"<b>12</b> infiltrated", "<b>33</b> no evidence found", "15 not examined", "= 100 listed servers", "+ 3 not in the inventory",
		"12 of 40 shown, all in findings.jsonl", "class A 2, class B 7, class C 4,315", "19 Nov 2022 03:12:44 IST", "UTC 18 Nov 21:42:44.1234567", "Security.evtx</bdi> #4711",
		"Author", "Apache-2.0", "net user helpdesk$ [masked:password] /add", "decoded and masked: net user", "may be reconnected", "40 rules did not run", "T1486", "Data Encrypted for Impact",
		"the logs begin there: earlier cannot be ruled out", "not recorded", "PsExec Service Installation", "20 rules: ", "65.5 kB", "10,48,213", "answered for")
	if strings.Contains(s, "Winter") {
		t.Error("a password is on the page")
	}
	if i, j := strings.Index(s, "EX-EHOSP-DB3</bdi></h3>"), strings.Index(s, "EX-EHOSP-APP1</bdi></h3>"); i < 0 || j < i {
		t.Error("order by verdict, role, name")
	}
	if len(s) > 2<<20 {
		t.Errorf("the page has %d bytes", len(s))
	}
	small := renderString(t, HTML, smallStream())
	has(t, "small", small, "shown above: ", "not known", "earlier than drawn cannot be ruled out", "[masked:patient]", "[masked:Aadhaar]", "&lt;U&#43;001B&gt;[31m", "&lt;U&#43;202E&gt;gnp.exe", "&lt;U&#43;0000&gt;",
		"amc password</bdi>: <bdi>[masked:password]", "जाँच-सर्वर", "Conflicts")
	if strings.Contains(small[strings.Index(small, "</style>"):], "EXERCISE") || strings.Contains(small, "Winter") {
		t.Error("small: EXERCISE or a password is on the page")
	}
}

// TestBudget: 100 servers with evidence as long as it gets stay below 5 MB, and the page says what it leaves out.
func TestBudget(t *testing.T) {
	stream := exerciseStream()
	long := strings.Repeat("powershell -Command Get-ChildItem C:\\Windows\\System32; ", 200)
	for _, m := range stream {
		if m.Finding != nil {
			for i := range 60 {
				m.Finding.Fields[fmt.Sprintf("Field%02d", i)] = long
			}
		}
	}
	for i := range 30_000 {
		stream = append(stream, &Message{Artifact: &event.Artifact{Collection: "c.zip", Path: fmt.Sprintf("var/log/%060d", i), SHA256: digest(i), Kind: "syslog", Records: 1}})
	}
	story := stream[len(stream)-30_001].Story
	long120 := strings.Repeat("EX-A-VERY-LONG-NAME-", 6)
	for i := range 5000 {
		x := story.Edges[i%11]
		x.Step, x.Time, x.From, x.To = 12+i, x.Time.Add(time.Duration(i)*time.Hour), ptr(fmt.Sprint(long120[:100], i)), event.ServerID(fmt.Sprint(long120[:100], i*7))
		story.Edges = append(story.Edges, x)
		m := story.Timeline[i%len(story.Timeline)]
		m.Says, m.Time = long120, m.Time.Add(time.Duration(i)*7*time.Hour)
		story.Timeline = append(story.Timeline, m)
	}
	s := renderString(t, HTML, stream)
	t.Logf("100 servers: %d bytes", len(s))
	if len(s) > 5_000_000 {
		t.Errorf("%d bytes", len(s))
	}
	has(t, "budget", s, "The first 90 of ", "The first 250 of ", "more servers and addresses are in the table only", "600 of 5,075 acts are shown", "to keep this file small", "more fields in findings.jsonl", "2,500 of 30,425 artifacts shown", "bytes in all)", "unreadable: open: access was denied")
	if n := strings.Count(s, `<details class="srv fold`); n != 17 {
		t.Errorf("%d sections", n)
	}
}

func TestCSV(t *testing.T) {
	s := renderString(t, CSV, exerciseStream())
	if !strings.HasPrefix(s, "\ufeff") || strings.Count(s, "\r\n") != 104 || strings.Count(s, "\n") != 104 {
		t.Errorf("%d lines", strings.Count(s, "\n"))
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(s, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 104 {
		t.Fatal(len(rows), err)
	}
	if rows[1][0] != "EX-EHOSP-DB1" || rows[1][1] != "infiltrated" || rows[1][14] != "2022-11-18T21:42:44.1234567Z" || rows[1][15] != "19 Nov 2022 03:12:44 IST" {
		t.Error(rows[1])
	}
	for _, c := range []struct{ in, want string }{
		{"plain", "plain"}, {"=1+1", "'=1+1"}, {" =1", `" '=1"`[:0] + `' =1`}, {"+1", "'+1"}, {"-1", "'-1"}, {"@x", "'@x"}, {"＝1", "'＝1"}, {"|x", "'|x"},
		{`a"b`, `"a""b"`}, {"a,b", `"a,b"`}, {"=a,b", `"'=a,b"`}, {`"=1`, `"'""=1"`}, {"", ""}, {" a", `" a"`},
	} {
		if got := cell(c.in); got != c.want {
			t.Errorf("cell(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestText(t *testing.T) {
	for _, o := range []TextOptions{{}, {Columns: 120}, {Columns: 160}, {Columns: 20}, {Columns: 80, Lines: 40}, {Columns: 80, Lines: 1}} {
		s := renderString(t, func(w io.Writer) Handler { return Text(w, o) }, exerciseStream())
		lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
		if most := max(o.Lines, 16); o.Lines > 0 && len(lines) > most-1 || o.Lines == 0 && len(lines) > 23 {
			t.Errorf("%+v: %d lines", o, len(lines))
		}
		for _, l := range lines {
			if columns(l) > max(o.Columns, 80) {
				t.Errorf("%+v: %d columns: %s", o, columns(l), l)
			}
		}
		if strings.ContainsRune(s, '\x1b') {
			t.Errorf("%+v: colour without being asked", o)
		}
		if o.Lines != 1 {
			has(t, "text", s, "EXERCISE", "12 of 100 listed servers are infiltrated.", "■ 12 infiltrated", "┄ 15 not examined", "Infiltrated", "5 Change", "Not known", "Seen by hour")
		}
	}
	s := renderString(t, func(w io.Writer) Handler { return Text(w, TextOptions{Colour: true}) }, exerciseStream())
	has(t, "colour", s, "\x1b[1;31m■\x1b[0m 12 infiltrated")
}

func TestWidths(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "服务器": 6, "जाँच": 3, "é": 1, "ｆｕ": 4, "🙂": 2, "한": 2, "■▲○▨┄": 5} {
		if got := columns(s); got != want {
			t.Errorf("columns(%q) = %d, want %d", s, got, want)
		}
	}
	if got := fit("服务器 x", 5); got != "服务…" {
		t.Error(got)
	}
	if got := wrap("one two three", 7, 9); !slices.Equal(got, []string{"one two", "three"}) {
		t.Errorf("%q", got)
	}
	if got := wrap("服务器服务器", 3, 9); len(got) != 6 {
		t.Errorf("%q", got)
	}
	if got := wrap("a b c d", 1, 2); !slices.Equal(got, []string{"a", "…"}) {
		t.Errorf("%q", got)
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text ü 服务器 जाँच", "plain text ü 服务器 जाँच"},
		{"a\x1b[2Jb\x07", "a<U+001B>[2Jb<U+0007>"},
		{"a\u202eb\u2066c\u200fd\u061c", "a<U+202E>b<U+2066>c<U+200F>d<U+061C>"},
		{"a\xff\xfeb", "a<0xFF><0xFE>b"},
		{"a\u009b31mb\u0085", "a<U+009B>31mb<U+0085>"},
		{"zero\u200bwidth\ufeff\u00ad", "zero<U+200B>width<U+FEFF><U+00AD>"},
		{"क्\u200dष and x\u200dy", "क्\u200dष and x<U+200D>y"},
		{"क\u200c", "क<U+200C>"},
		{"no\u00a0break\u3000wide", "no<U+00A0>break<U+3000>wide"},
		{"a\u0301\u0301\u0301\u0301\u0301", "a\u0301\u0301\u0301<U+0301><U+0301>"},
		{"\u0301first", "<U+0301>first"},
		{"tab\tline\r\nend", "tab<U+0009>line<U+000D><U+000A>end"},
		{"\U000e0041tag \ue000 \u3164 \ufe0f", "<U+E0041>tag <U+E000> <U+3164> <U+FE0F>"},
	} {
		if got := show(c.in, 1000); got != c.want {
			t.Errorf("show(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
	if got := showField("x", "a\tb\r\nc\rd", 7); got != "a\tb\nc<U+000D>d" {
		t.Errorf("%q", got)
	}
	long := show(strings.Repeat("x ", 600_000), 100)
	if !strings.HasSuffix(long, "… (cut: 12,00,000 bytes in all)") || len(long) > 150 {
		t.Errorf("%q", long)
	}
	if got := show(strings.Repeat("y ", 46)+"password=Winter#22Winter#22", 100); strings.Contains(got, "Win") || strings.Contains(got, "[masked") && !strings.Contains(got, "]") {
		t.Errorf("cut inside a secret: %q", got)
	}
	if got := show(strings.Repeat("é", 100), 99); strings.Contains(got, "<0x") {
		t.Errorf("cut inside a character: %q", got)
	}
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 99999: "99,999", 100000: "1,00,000", 12345678: "1,23,45,678", -4315: "-4,315", -123: "-123"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
	for share, want := range map[float64]string{0: "0 %", 1: "100 %", 0.9999: "99 %", 0.004: "under 1 %", 0.82: "82 %", 0.29: "29 %", -1: "0 %", 2: "100 %"} {
		if got := strings.ReplaceAll(percent(share), "\u00a0", " "); got != want {
			t.Errorf("percent(%v) = %s, want %s", share, got, want)
		}
	}
	for n, want := range map[int64]string{0: "no byte", 1: "1 byte", 999: "999 bytes", 1000: "1.0 kB", 20975616: "21.0 MB", 999_960_000: "1.0 GB"} {
		if got := sizeOf(n); got != want {
			t.Errorf("sizeOf(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	at := event.At(time.Date(2022, 11, 23, 1, 37, 49, 123456700, time.UTC))
	late := event.At(time.Date(2022, 11, 22, 20, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		zone     string
		at       event.Time
		want     string
		wantZone string
	}{
		{"IST", at, "23 Nov 2022 07:07:49 IST (UTC 01:37:49.1234567)", "IST (UTC+5:30)"},
		{"Asia/Kolkata", late, "23 Nov 2022 01:30:00 IST (UTC 22 Nov 20:00:00)", "IST (UTC+5:30)"},
		{"UTC", at, "23 Nov 2022 01:37:49 UTC", "UTC"},
		{"", event.NoTime, "not known", "UTC"},
		{"Asia/Kathmandu", at, "23 Nov 2022 07:22:49 UTC+05:45 (UTC 01:37:49.1234567)", "Asia/Kathmandu (offset beside each time)"},
		{"Europe/London", at, "23 Nov 2022 01:37:49 UTC+00:00 (UTC 01:37:49.1234567)", "Europe/London (offset beside each time)"},
		{"Mars/\x1b", at, "23 Nov 2022 01:37:49 UTC", "UTC (no zone is called Mars/<U+001B>)"},
		{"../../etc/passwd", at, "23 Nov 2022 01:37:49 UTC", "UTC (no zone is called ../../etc/passwd)"},
	} {
		k := newClock(c.zone)
		if got := k.both(c.at); got != c.want || k.named != c.wantZone {
			t.Errorf("%s: %s; %s", c.zone, got, k.named)
		}
	}
	if got := newClock("IST").people(event.At(time.Date(2022, 11, 3, 1, 0, 0, 0, time.UTC))); got != "3 Nov 2022 06:30:00 IST" {
		t.Error(got)
	}
}

func TestSince(t *testing.T) {
	var e estate
	e.begin(&Case{Zone: "IST"})
	a, b := ist(16, 21, 40, 0), ist(19, 3, 12, 44)
	for _, c := range []struct {
		s    *event.Since
		want string
	}{
		{nil, "not known"},
		{&event.Since{EarliestPossible: event.NoTime, FirstProven: event.NoTime}, "not known"},
		{&event.Since{EarliestPossible: a, FirstProven: b, BoundedBy: "log start"}, "between 16 Nov 2022 21:40:00 IST (UTC 16:10:00.1234567) (the logs begin there: earlier cannot be ruled out) and 19 Nov 2022 03:12:44 IST (UTC 18 Nov 21:42:44.1234567) (proven)"},
		{&event.Since{EarliestPossible: event.NoTime, FirstProven: b}, "proven at 19 Nov 2022 03:12:44 IST (UTC 18 Nov 21:42:44.1234567); the earliest possible time is not known"},
		{&event.Since{EarliestPossible: a, FirstProven: event.NoTime, BoundedBy: "gap"}, "possible from 16 Nov 2022 21:40:00 IST (UTC 16:10:00.1234567) (a gap in the logs begins there); not proven at any time"},
		{&event.Since{EarliestPossible: b, FirstProven: b, BoundedBy: "answered"}, "proven at 19 Nov 2022 03:12:44 IST (UTC 18 Nov 21:42:44.1234567); up to then the entry questions are answered and nothing unexplained is seen"},
	} {
		if got := e.since(c.s, event.Infiltrated); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestSuspectedIsNotProven: no form calls what is only suspected proven.
func TestSuspectedIsNotProven(t *testing.T) {
	e := estateOf(0, 1, 0, 0, 0, 0, 1)
	e.v.Servers[0].Since = &event.Since{EarliestPossible: ist(16, 0, 0, 0), FirstProven: ist(19, 0, 0, 0), BoundedBy: "gap"}
	s := renderString(t, HTML, []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: e.v}})
	has(t, "suspected", s, "first sign 19 Nov 2022 00:00:00 IST", "(first sign)", "first sign, not proven")
	if strings.Contains(s, "(proven)") || strings.Contains(s, "at the latest</span>") {
		t.Error("a suspected server reads as proven")
	}
}

func TestDrawing(t *testing.T) {
	c := newClock("IST")
	a := newAxis(ist(16, 0, 0, 0), ist(24, 0, 0, 0), c)
	if len(a.Ticks) == 0 || len(a.Ticks) > 8 || a.Ticks[0].Label != "17 Nov" || a.Ticks[0].X.String() != "12.50%" {
		t.Errorf("%+v", a.Ticks)
	}
	if newAxis(event.NoTime, ist(1, 0, 0, 0), c) != nil || newAxis(ist(2, 0, 0, 0), ist(1, 0, 0, 0), c) != nil || newAxis(event.At(time.Date(1700, 1, 1, 0, 0, 0, 0, time.UTC)), ist(1, 0, 0, 0), c) != nil {
		t.Error("an axis of nothing")
	}
	p := a.stretches([][2]event.Time{{ist(18, 0, 0, 0), ist(18, 0, 0, 1)}, {event.NoTime, ist(17, 0, 0, 0)}, {ist(16, 12, 0, 0), ist(17, 12, 0, 0)}, {ist(30, 0, 0, 0), ist(30, 1, 0, 0)}, {ist(20, 0, 0, 0), ist(19, 0, 0, 0)}})
	if len(p) != 2 || p[0].X != 0 || p[0].W < 0.187 || p[1].W != narrowest {
		t.Errorf("%+v", p)
	}
	var hours []event.Hour
	for i := range 2000 {
		hours = append(hours, event.Hour{From: ist(1, 0, 0, 0).Add(time.Duration(i) * time.Hour), Seen: 1})
	}
	hours[1000].Seen, hours[1000].Critical = 0, true
	d := drawHours(hours, c)
	if d.Width > maxBars || !slices.Contains(d.Seen, 0) || d.Lowest[:1] != "0" || d.Critical != "1 critical hour" || !strings.Contains(d.PerBar, "3 hours") {
		t.Errorf("%d bars, lowest %s: a hole of one hour must stay", d.Width, d.Lowest)
	}
	if drawHours(nil, c) != nil {
		t.Error("a strip of nothing")
	}
	far := estateOf(1, 0, 0, 0, 0, 0, 1)
	far.v.Window = event.Window{From: ist(16, 0, 0, 0), To: ist(24, 0, 0, 0)}
	far.servers[0].Since = &event.Since{EarliestPossible: event.At(time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)), FirstProven: ist(19, 0, 0, 0)}
	if ax := far.commonAxis(); ax.from != ist(8, 0, 0, 0) || !drawSince(ax, far.servers[0]).Open {
		t.Error("one forged time squeezes the axis")
	}
}

func TestTechniques(t *testing.T) {
	e := estateOf(2, 0, 0, 0, 0, 0, 2)
	for i, tags := range [][]string{{"attack.impact", "attack.t1490"}, {"attack.execution", "attack.lateral_movement", "attack.t1021.002"}, {"attack.t9999"}, {"attack.<script>", "cve.2022.1", "attack.t1490.x"}} {
		e.add(&Message{Hits: &Hits{Server: "S0", Rule: event.Rule{ID: fmt.Sprint(i), Tags: tags}, Findings: 2}})
	}
	var got []string
	for _, col := range e.matrix() {
		for _, c := range col.Techniques {
			got = append(got, fmt.Sprint(col.Name, " ", c.ID, " ", c.Name, " ", c.Servers))
		}
	}
	want := []string{"lateral movement T1021.002 Remote Services: SMB/Windows Admin Shares 1", "impact T1490 Inhibit System Recovery 1", "no tactic given T9999  1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMovementsAreMerged(t *testing.T) {
	e := estateOf(2, 0, 0, 0, 0, 0, 2)
	e.clock = newClock("IST")
	for i := range 100 {
		e.add(&Message{Movement: &event.Movement{From: "S0", To: "S1", Time: ist(19, 3, i%60, 0), How: "rdp", Account: "a", SeenFrom: "both ends", Failed: i%10 == 9}})
	}
	p := newPage(e)
	if len(p.MovementRows) != 1 || p.MovementRows[0].Merged != "90 times in this hour" || !strings.Contains(p.MovementNote, "are one row") {
		t.Errorf("%+v %s", p.MovementRows, p.MovementNote)
	}
}
