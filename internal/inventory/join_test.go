package inventory

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// logsOf reads a scenario: an artifact a line, "collection root path", then its sightings indented below: "channel name
// low-high first-last [count]", times in hours of one week. The kind follows from the path; "_" is an empty word.
func logsOf(t testing.TB, scenario string) (logs []Log) {
	t.Helper()
	for line := range strings.Lines(scenario) {
		f := strings.Fields(line)
		for i, w := range f {
			if w == "_" {
				f[i] = ""
			}
		}
		switch {
		case len(f) == 0:
		case len(f) == 3:
			a := &event.Artifact{Collection: f[0], Root: f[1], Path: f[2], Hint: f[1], Kind: f[2][strings.LastIndexByte(f[2], '.')+1:]}
			logs = append(logs, Log{Artifact: a})
		default:
			var low, high uint64
			var first, last float64
			if _, err := fmt.Sscanf(f[2]+" "+f[3], "%d-%d %f-%f", &low, &high, &first, &last); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			at := func(h float64) event.Time { return event.Time(1668988800e9 + int64(h*float64(time.Hour))) }
			s := Sighting{Channel: f[0], Host: f[1], First: at(first), Last: at(last), Low: low, High: high, Count: high - low + 1, Runs: 1}
			for _, w := range f[4:] {
				var n uint64
				if _, err := fmt.Sscanf(w, "count=%d", &n); err == nil {
					s.Count = n
				} else if _, err := fmt.Sscanf(w, "runs=%d", &n); err == nil {
					s.Runs = n
				} else if _, err := fmt.Sscanf(w, "backward=%d", &n); err == nil {
					s.Backward = n
				} else {
					t.Fatalf("%q", w)
				}
			}
			l := &logs[len(logs)-1]
			l.Seen = append(l.Seen, s)
		}
	}
	return logs
}

// tell writes what was found: servers with aliases, what each artifact's names mean, how many conflicts.
func tell(n *Names, logs []Log) string {
	var b strings.Builder
	for _, s := range n.Servers {
		b.WriteString(string(s.ID))
		if s.Listed {
			b.WriteString("*")
		}
		for _, a := range s.Aliases {
			b.WriteString(" =" + a.Name)
		}
		b.WriteByte('\n')
	}
	for _, c := range n.Conflicts {
		fmt.Fprintf(&b, "? %v\n", c.Servers)
	}
	return b.String()
}

func TestJoin(t *testing.T) {
	for _, c := range []struct{ name, estate, logs, want string }{
		{"a cloned machine: record numbers run on though the clock went back", "", `
			h1.zip h1 Logs/System.evtx
				windows/system 37L4247F27-26 1-270 0-20
				windows/system WIN-A1B2C3D4E5F 271-577 11-14
				windows/system WIN-A1B2C3D4E5F.hosp.local 578-730 14-14.2
				windows/system DC1.hosp.local 731-5009 14.2-90 count=4278
				windows/system DC1 1045-1045 30-30`,
			"DC1.hosp.local =37L4247F27-26 =DC1 =WIN-A1B2C3D4E5F =WIN-A1B2C3D4E5F.hosp.local\n"},
		{"other logs of the root fell silent after setup", "DC1", `
			h1.zip h1 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-270 0-20
				windows/system DC1 271-577 20-90
			h1.zip h1 Logs/Setup.evtx
				windows/setup WIN-A1B2C3D4E5F 1-4 1-2
			h1.zip h1 Logs/Microsoft-Windows-CAPI2%4Operational.evtx
				windows/microsoft-windows-capi2/operational MININT-ABCDEF1 1-9 0-0.5`,
			"DC1* =MININT-ABCDEF1 =WIN-A1B2C3D4E5F\n"},
		{"a folder of exports is nobody's", "", `
			exports _ pc1-security.evtx
				windows/security PC1 100-300 0-20
			exports _ capture.evtx
				windows/system DESKTOP-1A2B3C4 1-9 0-0.5`,
			"DESKTOP-1A2B3C4\nPC1\n"},
		{"a folder of clones' exports: the template's name is each one's alone", "", `
			exports _ a-security.evtx
				windows/security WIN-A1B2C3D4E5F 1-100 0-10
				windows/security DESKTOP-1A2B3C4 101-200 10-90
			exports _ b-system.evtx
				windows/system WIN-A1B2C3D4E5F 1-100 0-10
				windows/system DESKTOP-5E6F7A8 101-200 10-90`,
			"DESKTOP-1A2B3C4 =WIN-A1B2C3D4E5F\nDESKTOP-5E6F7A8 =WIN-A1B2C3D4E5F\n"},
		{"a folder of exports: the earlier name lives on", "", `
			exports _ a-security.evtx
				windows/security ALPHA 1-100 0-10
				windows/security BRAVO 101-200 10-20
			exports _ b-system.evtx
				windows/system ALPHA 1-100 100-120`,
			"ALPHA\nBRAVO =ALPHA\n"},
		{"a template's name is each clone's alone", "APP1\nAPP2", `
			h1.zip h1 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-100 0-10
				windows/system APP1 101-200 10-90
			h2.zip h2 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-100 0-10
				windows/system APP2 101-300 10-90
			wec.zip wec Logs/ForwardedEvents.evtx
				windows/system WIN-A1B2C3D4E5F 50-60 4-5
				windows/system APP1 150-160 40-50`,
			"APP1* =WIN-A1B2C3D4E5F\nAPP2* =WIN-A1B2C3D4E5F\nWIN-A1B2C3D4E5F\n? [APP1 APP2 WIN-A1B2C3D4E5F]\n"},
		{"forwarded under the earlier name, at that time", "APP1", `
			h1.zip h1 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-100 0-10
				windows/system APP1 101-200 10-90
			wec.zip wec Logs/ForwardedEvents.evtx
				windows/system WIN-A1B2C3D4E5F 50-60 4-5`,
			"APP1* =WIN-A1B2C3D4E5F\n"},
		{"forwarded under that name, at another time", "APP1", `
			h1.zip h1 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-100 0-10
				windows/system APP1 101-200 10-90
			wec.zip wec Logs/ForwardedEvents.evtx
				windows/system WIN-A1B2C3D4E5F 50-60 80-85`,
			"APP1* =WIN-A1B2C3D4E5F\nWIN-A1B2C3D4E5F\n"},
		{"the template itself was collected: a clone's first records are its own", "APP1", `
			gold.zip gold Logs/System.evtx
				windows/system GOLD 1-500 0-80
			h1.zip h1 Logs/System.evtx
				windows/system GOLD 1-100 0-10
				windows/system APP1 101-200 10-90`,
			"APP1*\nGOLD\n? [APP1 GOLD]\n"},
		{"two listed servers are never one", "APP1\nGOLD", `
			h1.zip h1 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-50 0-5
				windows/system GOLD 51-100 5-10
				windows/system APP1 101-200 10-90`,
			"APP1*\nGOLD* =WIN-A1B2C3D4E5F\n? [APP1 GOLD]\n"},
		{"the list knows only the earlier name", "OLDNAME", `
			h1.zip h1 Logs/System.evtx
				windows/system OLDNAME 1-100 0-10
				windows/system NEWNAME 101-200 10-90`,
			"OLDNAME* =NEWNAME\n"},
		{"renamed and back", "", `
			h1.zip h1 Logs/System.evtx
				windows/system A 1-300 0-90 count=200 runs=2
				windows/system B 101-200 10-20`,
			"A =B\n"},
		{"a log that was written around its end", "", `
			h1.zip h1 Logs/System.evtx
				windows/system OLD 1001-2000 0-10
				windows/system NEW 2001-6000 10-90 runs=2 backward=1`,
			"NEW =OLD\n"},
		{"forwarded: record numbers of several counters", "", `
			w.zip w Logs/collected.evtx
				windows/security PC1 1000-2000 0-50 runs=40 backward=20
				windows/security PC2 1500-2500 0-50 runs=40`,
			"PC1\nPC2\n"},
		{"forwarded: counters far apart, one computer after the other", "", `
			w.zip w Logs/collected.evtx
				windows/security PC1 7000-7100 0-5
				windows/security PC2 90100-90200 6-9`,
			"PC1\nPC2\n"},
		{"forwarded: numbers that happen to adjoin, by the file's name", "", `
			w.zip w Logs/ForwardedEvents.evtx
				windows/security PC1 7000-7100 0-5
				windows/security PC2 7101-7200 6-9`,
			"PC1\nPC2\n"},
		{"merged export: a channel a computer", "", `
			w.zip w Logs/merged.evtx
				windows/security PC1 7000-7100 0-5
				windows/system PC2 7101-7200 6-9`,
			"PC1\nPC2\n"},
		{"a thin export of one computer, renamed by setup", "", `
			w.zip w export.evtx
				windows/security WIN-A1B2C3D4E5F 7000-7100 0-5 count=3
				windows/security DB1 17000-17100 6-9 count=2`,
			"DB1 =WIN-A1B2C3D4E5F\n"},
		{"a thin export under two names of people's choice stays two", "", `
			w.zip w export.evtx
				windows/security ALPHA 7000-7100 0-5 count=3
				windows/security DB1 17000-17100 6-9 count=2`,
			"ALPHA\nDB1\n"},
		{"a filtered export whose numbers run on", "", `
			w.zip w export.evtx
				windows/security ALPHA 7000-8000 0-5 count=101
				windows/security DB1 8030-9000 6-9 count=98`,
			"DB1 =ALPHA\n"},
		{"syslog: one name after the other", "", `
			h1.tar h1 var/log/syslog
				linux/syslog oldname 1-10 0-5
				linux/syslog lis-app1 11-90 5-9`,
			"lis-app1 =oldname\n"},
		{"syslog: the earlier name lives on elsewhere", "", `
			h1.tar h1 var/log/syslog
				linux/syslog lis-app2 1-10 0-5
				linux/syslog lis-app1 11-90 5-9
			h2.tar h2 var/log/syslog
				linux/syslog lis-app2 1-100 0-60`,
			"lis-app1\nlis-app2\n? [lis-app1 lis-app2]\n"},
		{"syslog: the later name was there before", "", `
			h1.tar h1 var/log/syslog
				linux/syslog lis-app2 1-10 4-5
				linux/syslog lis-app1 11-90 5-9
			hub.tar hub var/log/messages
				linux/syslog lis-app1 1-100 0-60 runs=9
				linux/syslog lis-app3 1-100 0-60 runs=9`,
			"lis-app1\nlis-app2\nlis-app3\n? [lis-app1 lis-app2]\n"},
		{"syslog hub: names in turns", "", `
			hub.tar hub var/log/syslog
				linux/syslog web1 1-90 0-50 runs=30
				linux/syslog web2 2-91 0-50 runs=30`,
			"web1\nweb2\n"},
		{"syslog hub: one after the other, but in the hub's folder", "", `
			hub.tar hub var/log/remote/all.log
				linux/syslog web1 1-90 0-20
				linux/syslog web2 91-100 21-50`,
			"web1\nweb2\n"},
		{"syslog hub: five names in sequence are no five renames", "", `
			hub.tar hub var/log/syslog
				linux/syslog a1 1-9 0-1
				linux/syslog a2 11-19 1-2
				linux/syslog a3 21-29 2-3
				linux/syslog a4 31-39 3-4
				linux/syslog a5 41-49 4-5`,
			"a1\na2\na3\na4\na5\n"},
		{"a collector's JSON", "", `
			all.zip _ capture.json
				windows/security WS6.shire.local 1-9 0-5 runs=4
				windows/powershell WS6 1-9 0-5
				windows/security DC.shire.local 1-9 0-5 runs=4`,
			"DC.shire.local\nWS6.shire.local =WS6\n"},
		{"short and full form over collections", "", `
			a.zip a sys.evtx
				windows/system WS6.shire.local 1-9 0-5
			b.zip b ps.json
				windows/powershell ws6 1-9 0-5`,
			"WS6.shire.local =ws6\n"},
		{"a short name with two full forms", "", `
			a.zip a x.json
				windows/system APP1.hosp.local 1-9 0-5
			b.zip b x.json
				windows/system APP1.lab.local 1-9 0-5
			c.zip c x.json
				windows/system APP1 1-9 0-5`,
			"APP1\nAPP1.hosp.local\nAPP1.lab.local\n? [APP1 APP1.hosp.local APP1.lab.local]\n"},
		{"listed servers that share a short name", "APP1.hosp.local\nAPP1.lab.local", `
			a.zip a x.json
				windows/system APP1.HOSP.local 1-9 0-5
			b.zip b x.json
				windows/system app1.lab.local. 1-9 0-5
			c.zip c x.json
				windows/system APP1 1-9 0-5`,
			"APP1\nAPP1.hosp.local*\nAPP1.lab.local*\n? [APP1 APP1.hosp.local APP1.lab.local]\n"},
		{"two full names for one listed short: own logs tell", "DB1", `
			a.zip a Logs/System.evtx
				windows/system DB1.hosp.local 1-9 0-5
			hub.tar hub var/log/syslog
				linux/syslog db1.evil.example 1-9 0-5 runs=3
				linux/syslog web1 1-9 0-5 runs=3`,
			"DB1* =DB1.hosp.local\ndb1.evil.example\nweb1\n? [DB1 db1.evil.example]\n"},
		{"two full names for one listed short: nothing tells", "DB1", `
			hub.tar hub var/log/syslog
				linux/syslog db1.hosp.local 1-9 0-5 runs=3
				linux/syslog db1.lab.local 1-9 0-5 runs=3`,
			"db1.hosp.local\ndb1.lab.local\n? [DB1 db1.hosp.local db1.lab.local]\n"},
		{"addresses and cut names", "DB1,10.0.0.1\nRADIOLOGY-PACS-01,10.0.0.2", `
			hub.tar hub var/log/syslog
				linux/syslog 10.0.0.1 1-9 0-5 runs=3
				linux/syslog ::ffff:10.0.0.2 1-9 0-5 runs=3
				linux/syslog RADIOLOGY-PACS- 1-9 0-5 runs=3
				linux/syslog 10.0.0.3 1-9 0-5 runs=3`,
			"10.0.0.3\nDB1* =10.0.0.1\nRADIOLOGY-PACS-01* =10.0.0.2 =RADIOLOGY-PACS-\n"},
		{"localhost is whoever's folder it lies in", "lis-app1", `
			h1.tar lis-app1 var/log/syslog
				linux/syslog localhost 1-10 0-5
			h2.tar lis-app2 var/log/syslog
				linux/syslog localhost 1-10 0-5
				linux/syslog _ 11-12 5-6`,
			"lis-app1*\nlis-app2\n"},
		{"records without a name go to the root's computer", "", `
			h1.zip host-017 Logs/System.evtx
				windows/system DB1 1-1000 0-20
			h1.zip host-017 inetpub/access.log
				web/access _ 1-10 0-20`,
			"DB1\n"},
		{"a clone that nobody renamed, in a folder that the list knows", "APP5", `
			h5.zip APP5 Logs/System.evtx
				windows/system WIN-A1B2C3D4E5F 1-1000 0-20`,
			"APP5* =WIN-A1B2C3D4E5F\n"},
		{"a folder's name against the logs'", "DB1\nDB2", `
			h1.zip DB1 Logs/System.evtx
				windows/system DB2 1-1000 0-20
			h1.zip DB1 mysql.log
				database/mysql _ 1-10 0-20`,
			"DB2*\n? [DB1 DB2]\n"},
		{"one root, logs of two computers", "", `
			mix _ a.evtx
				windows/system DB1 1-1000 0-20
			mix _ b.evtx
				windows/system DB2 1-900 0-20
			mix _ app.log
				web/access _ 1-10 0-20`,
			"DB1\nDB2\nmix\n? [DB1 DB2 mix]\n"},
		{"one name, two machines", "", `
			a.zip a Logs/System.evtx
				windows/system DB1 1-1000 0-20
			b.zip b Logs/System.evtx
				windows/system DB1 1-900 70-90`,
			"DB1\n? [DB1]\n"},
		{"no logs", "DB1", "", ""},
	} {
		logs := logsOf(t, c.logs)
		n := Join(estate(t, c.estate), logs)
		if got := tell(n, logs); got != c.want {
			t.Errorf("%s: got\n%swant\n%s", c.name, got, c.want)
			for _, x := range n.Conflicts {
				t.Log(x.Says)
			}
		}
		shuffled(t, c.name, estate(t, c.estate), logs)
	}
}

// shuffled checks that no order of logs or sightings changes the result, down to its words.
func shuffled(t testing.TB, name string, e *Estate, logs []Log) {
	t.Helper()
	all := func(n *Names) string {
		s := tell(n, logs) + fmt.Sprintf("%+v %+v\n", n.Servers, n.Conflicts)
		for _, l := range logs {
			scope := n.In(l.Artifact)
			s += fmt.Sprintf("%s nameless %q\n", l.Artifact.Path, scope.Nameless)
			for _, x := range l.Seen {
				s += fmt.Sprintf("  %q %q\n", x.Host, scope.Server(x.Host))
			}
		}
		return s
	}
	want := all(Join(e, logs))
	rng := rand.New(rand.NewPCG(7, 11))
	for range 5 {
		mixed := slices.Clone(logs)
		for i := range mixed {
			mixed[i].Seen = slices.Clone(mixed[i].Seen)
			rng.Shuffle(len(mixed[i].Seen), func(a, b int) { mixed[i].Seen[a], mixed[i].Seen[b] = mixed[i].Seen[b], mixed[i].Seen[a] })
		}
		rng.Shuffle(len(mixed), func(a, b int) { mixed[a], mixed[b] = mixed[b], mixed[a] })
		if got := all(Join(e, mixed)); got != want {
			t.Errorf("%s: another order gives\n%s\nnot\n%s", name, got, want)
			return
		}
	}
}

func TestScope(t *testing.T) {
	logs := logsOf(t, `
		h1.zip h1 Logs/System.evtx
			windows/system WIN-A1B2C3D4E5F 1-100 0-10
			windows/system APP1.hosp.local 101-200 10-90
		h1.zip h1 Logs/ForwardedEvents.evtx
			windows/system WIN-A1B2C3D4E5F 5000-5100 60-70
			windows/system WS6 5-6 60-70
		h1.zip h1 web/access.log
			web/access _ 1-10 0-20
		h2.zip h2 Logs/broken.evtx`)
	n := Join(estate(t, "app1,10.0.0.1", "db1,10.0.0.2"), logs)
	for i, c := range []struct {
		log        int
		host, want string
	}{
		{0, "WIN-A1B2C3D4E5F", "app1"}, {0, "APP1.hosp.local", "app1"}, {0, "", "app1"}, {0, "localhost", "app1"},
		{1, "WIN-A1B2C3D4E5F", "WIN-A1B2C3D4E5F"}, {1, "WS6", "WS6"}, {1, "", "app1"},
		{2, "", "app1"}, {2, "127.0.0.1", "app1"}, {2, "DB1.hosp.local", "db1"}, {2, "10.0.0.2:22", "db1"}, {2, "never-seen", "never-seen"},
		{3, "", "h2"},
	} {
		if got := n.In(logs[c.log].Artifact).Server(c.host); string(got) != c.want {
			t.Errorf("%d: %q in %s: got %q, want %q", i, c.host, logs[c.log].Artifact.Path, got, c.want)
		}
	}
	at := logs[0].Seen[0].First
	for name, want := range map[string]event.ServerID{
		"app1": "app1", "APP1": "app1", "10.0.0.1": "app1", "APP1.hosp.local": "app1", "ws6": "WS6", "WS6.hosp.local": "WS6", "nobody": "", "": "", "localhost": "", "WIN-A1B2C3D4E5F": "WIN-A1B2C3D4E5F",
	} {
		if got, ok := n.Find(name, at); got != want || ok != (want != "") {
			t.Errorf("Find %q: got %q, %v", name, got, ok)
		}
	}
	alone := Join(estate(t, "app1"), logs[:1])
	if got, ok := alone.Find("win-a1b2c3d4e5f", at); !ok || got != "app1" {
		t.Errorf("an earlier name at its time: got %q", got)
	}
	if got, ok := alone.Find("win-a1b2c3d4e5f", at.Add(200*time.Hour)); ok {
		t.Errorf("an earlier name long after: got %q", got)
	}
}

// TestEstateOfAHundred joins what a hospital's evidence looks like: clones of one template, logs of every channel, a
// forwarder, a hub, servers that nobody listed.
func TestEstateOfAHundred(t *testing.T) {
	var list []string
	var spec strings.Builder
	for i := range 100 {
		name := fmt.Sprintf("EX-SRV%03d", i)
		list = append(list, fmt.Sprintf("%s,10.1.%d.%d", name, i/50, i))
		if i%7 == 0 {
			continue // never collected
		}
		fmt.Fprintf(&spec, "host-%03d.zip host-%03d Logs/Security.evtx\n  windows/security %s.hosp.local %d-%d %d-140\n", i, i, name, 5000*i, 5000*i+4000, i)
		fmt.Fprintf(&spec, "host-%03d.zip host-%03d Logs/System.evtx\n  windows/system WIN-A1B2C3D4E5F 1-300 0-4\n  windows/system %s 301-350 4-5\n  windows/system %s.hosp.local 351-900 5-140\n", i, i, name, name)
		fmt.Fprintf(&spec, "host-%03d.zip host-%03d Logs/Setup.evtx\n  windows/setup 37L4247F27-25 1-3 0-1\n", i, i)
		fmt.Fprintf(&spec, "host-%03d.zip host-%03d web/access.log\n  web/access _ 1-300 0-4\n", i, i)
	}
	spec.WriteString("wec.zip wec Logs/ForwardedEvents.evtx\n")
	for i := range 100 {
		fmt.Fprintf(&spec, "  windows/security EX-SRV%03d.hosp.local %d-%d 0-140 runs=50 backward=25\n", i, 5000*i, 5000*i+4000)
	}
	spec.WriteString("hub.tar hub var/log/messages\n")
	for i := range 103 {
		fmt.Fprintf(&spec, "  linux/syslog 10.1.%d.%d 1-9999 0-140 runs=50\n", i/50, i)
	}
	logs := logsOf(t, spec.String())
	e := estate(t, list...)
	n := Join(e, logs)
	listed, aliased := 0, 0
	for _, s := range n.Servers {
		if s.Listed {
			listed++
			aliased += len(s.Aliases)
		}
	}
	// Three addresses of the hub are nobody's. Of 85 collected servers each has its full form, two installer's names and
	// its address; of the 15 others the forwarder tells the full form and the hub the address.
	if listed != 100 || len(n.Servers) != 103 || aliased != 85*4+15*2 || len(n.Conflicts) != 0 {
		t.Errorf("%d servers, %d listed, %d aliases, conflicts %v", len(n.Servers), listed, aliased, n.Conflicts)
	}
	for _, l := range logs {
		if strings.HasPrefix(l.Artifact.Hint, "host-") && l.Artifact.Kind == "log" {
			if got := n.In(l.Artifact).Server(""); string(got) != "EX-SRV"+l.Artifact.Hint[5:] {
				t.Errorf("records without a name in %s: got %q", l.Artifact.Hint, got)
			}
		}
	}
	shuffled(t, "a hundred", e, logs)
}

func TestHostileNames(t *testing.T) {
	var seen []Sighting
	for i, s := range []string{"../../x", "..\\..\\x", "\x1b]0;owned\x07", "a\nb", `"><script>`, "=cmd|' /C calc'!A0", strings.Repeat("n", 64<<10), strings.Repeat("n", 64<<10) + "m", "D\u0412", "DB", "\u202edb", "CON", "(other names)", "\xff\xfe"} {
		seen = append(seen, Sighting{Channel: "linux/syslog", Host: s, Count: 5, Runs: 5, Low: uint64(i), High: uint64(i + 5)})
	}
	logs := []Log{{&event.Artifact{Collection: "../c", Root: "..", Hint: "../..", Path: "../../etc/passwd", Kind: "syslog"}, seen, nil}}
	n := Join(nil, logs)
	if len(n.Servers) != len(seen) {
		t.Errorf("%d servers of %d names", len(n.Servers), len(seen))
	}
	for _, s := range n.Servers {
		if !visible(string(s.ID)) || len(s.ID) > maxName+9 {
			t.Errorf("%q", s.ID)
		}
	}
	for _, s := range seen {
		if got := n.In(logs[0].Artifact).Server(s.Host); string(got) != parseHost(s.Host).text {
			t.Errorf("%.40q is %q", s.Host, got)
		}
	}
	shuffled(t, "hostile", nil, logs)
}

func FuzzJoin(f *testing.F) {
	f.Add("a b c.evtx\nw/s X 1-9 0-1\nw/s Y 10-19 1-2\na d e.log\nl/s X 1-2 0-9\n", "X\nY.z")
	f.Add("a _ ForwardedEvents.evtx\nw/s 10.0.0.1 1-9 0-1\nw/s WIN-A1B2C3D4E5F 5-19 1-2\n", "10.0.0.1")
	f.Fuzz(func(t *testing.T, spec, list string) {
		e, _, err := Read(strings.NewReader("name\n"+list), "fuzz")
		if err != nil {
			return
		}
		var logs []Log
		for line := range strings.Lines(spec) {
			w := strings.Fields(line)
			switch {
			case len(w) == 3:
				logs = append(logs, Log{Artifact: &event.Artifact{Collection: w[0], Root: w[1], Hint: w[1], Path: w[2], Kind: w[2][strings.LastIndexByte(w[2], '.')+1:]}})
			case len(w) >= 4 && len(logs) > 0:
				s := Sighting{Channel: w[0], Host: w[1], Count: 1, Runs: 1}
				fmt.Sscanf(w[2]+" "+w[3], "%d-%d %d-%d", &s.Low, &s.High, &s.First, &s.Last)
				l := &logs[len(logs)-1]
				l.Seen = append(l.Seen, s)
			}
		}
		// One place holds one artifact.
		slices.SortStableFunc(logs, func(a, b Log) int { return strings.Compare(key(a), key(b)) })
		logs = slices.CompactFunc(logs, func(a, b Log) bool { return key(a) == key(b) })
		n := Join(e, logs)
		known := map[event.ServerID]bool{}
		for _, s := range n.Servers {
			known[s.ID] = true
		}
		for _, l := range logs {
			for _, s := range l.Seen {
				if id := n.In(l.Artifact).Server(s.Host); !known[id] {
					t.Errorf("%q is %q, which is no server", s.Host, id)
				}
			}
		}
		shuffled(t, "fuzz", e, logs)
	})
}

func key(l Log) string {
	return l.Artifact.Collection + "\x00" + l.Artifact.Root + "\x00" + l.Artifact.Path
}

// TestTwoServersInOneRecording: a recording of events of two servers, of which one is quiet in a log while the other writes.
func TestTwoServersInOneRecording(t *testing.T) {
	logs := logsOf(t, `
		c _ recording.json
		  windows/security DB1 10-20 1-2
		  windows/security APP1 30-40 3-4
		  windows/sysmon DB1 10-20 1-5
		  windows/sysmon APP1 30-40 2-6
	`)
	for _, kind := range []string{"windows-json", "syslog"} {
		logs[0].Artifact.Kind = kind
		if n := Join(nil, logs); len(n.Servers) != 2 {
			t.Errorf("%s: %+v", kind, n.Servers)
		}
	}
}
