package verdict

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

var day = time.Date(2022, 11, 23, 0, 0, 0, 0, time.UTC)

// hour is an instant so many hours after midnight of the day that all happens on.
func hour(h float64) event.Time {
	return event.At(day.Add(time.Duration(h * float64(time.Hour))))
}

// world is a small estate under construction. Facts are kept, so that they can be fed in any order.
type world struct {
	policy   *policy.Policy
	opt      Options
	servers  []Server
	findings []event.Finding
	lines    []string
	moves    []event.Movement
	files    []File
	activity []struct {
		id event.ServerID
		a  event.Activity
	}
}

func newWorld(names ...string) *world {
	w := &world{policy: policy.Default(), opt: Options{From: event.NoTime, Until: event.NoTime}}
	for _, n := range names {
		name, role, _ := strings.Cut(n, ":")
		s := Server{Artifacts: 1, Read: 1}
		s.Server, s.Listed = event.ServerID(name), true
		if role != "" {
			s.Role = &role
		}
		w.servers = append(w.servers, s)
	}
	w.opt.Resolve = func(name string, _ event.Time) (event.ServerID, bool) {
		for _, s := range w.servers {
			if strings.EqualFold(string(s.Server), name) {
				return s.Server, true
			}
		}
		return "", false
	}
	return w
}

// find adds a finding; fields are name, value, name, value.
func (w *world) find(server, line string, at event.Time, fields ...string) {
	f := event.Finding{
		ID: fmt.Sprintf("%016x", len(w.findings)), Time: at, Corrected: at, Server: event.ServerID(server),
		Rule: event.Rule{ID: "rule of " + line, Level: "high"}, At: []event.Place{{Artifact: "a", Path: "p", Record: uint64(len(w.findings))}}, Fields: map[string]string{},
	}
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "rule" {
			f.Rule.ID = fields[i+1]
			continue
		}
		f.Fields[fields[i]] = fields[i+1]
	}
	w.findings = append(w.findings, f)
	w.lines = append(w.lines, line)
}

func (w *world) move(from, to, account, how string, at event.Time) {
	w.moves = append(w.moves, event.Movement{
		To: event.ServerID(to), Time: at, How: how, Account: account, Workstation: from, SeenFrom: "destination",
		Because: []event.Place{{Artifact: "m", Record: uint64(len(w.moves))}},
	})
}

// log says that a server wrote to a source at every step from one time to another.
func (w *world) log(server, source string, id uint32, from, to event.Time, step time.Duration) *event.Activity {
	product, channel, _ := strings.Cut(source, "/")
	a := event.Activity{Host: server, Source: event.Source{Product: product, Channel: channel, EventID: id}, Spans: event.Spans{Gap: 2 * time.Minute}}
	for t := from; t <= to; t = t.Add(step) {
		a.Spans.Add(t, 1)
	}
	w.activity = append(w.activity, struct {
		id event.ServerID
		a  event.Activity
	}{event.ServerID(server), a})
	return &w.activity[len(w.activity)-1].a
}

// watched gives a server the logs of a Windows server with the default audit policy, over a month up to the end.
func (w *world) watched(server string, to event.Time) {
	from := hour(-24 * 31)
	w.log(server, "windows/Security", 0, from, to, 10*time.Minute)
	w.log(server, "windows/Security", 4624, from, to, 10*time.Minute)
	w.log(server, "windows/System", 0, from, to, time.Hour)
}

func (w *world) judge() map[event.ServerID]event.Verdict {
	v := w.verdicts(nil)
	out := map[event.ServerID]event.Verdict{}
	for _, s := range v.Servers {
		out[s.Server] = s
	}
	return out
}

func (w *world) verdicts(shuffle *rand.Rand) event.Verdicts {
	j := New(w.policy, w.opt)
	order := func(n int) []int {
		if shuffle != nil {
			return shuffle.Perm(n)
		}
		return slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})
	}
	for _, i := range order(len(w.servers)) {
		j.AddServer(w.servers[i])
	}
	for _, i := range order(len(w.findings)) {
		j.AddFinding(&w.findings[i], w.lines[i])
	}
	for _, f := range w.files {
		j.AddFile(f)
	}
	for _, i := range order(len(w.moves)) {
		j.AddMovement(&w.moves[i])
	}
	for _, i := range order(len(w.activity)) {
		j.AddActivity(w.activity[i].id, w.activity[i].a)
	}
	return j.Verdicts()
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w *world)
		want event.Judgement
		why  string // part of what is set aside
	}{
		{"class A alone decides", func(w *world) { w.find("S", "web shell", hour(3)) }, event.Infiltrated, ""},
		{"one B is suspected", func(w *world) { w.find("S", "credentials read", hour(3)) }, event.Suspected, ""},
		{"two B that share an account", func(w *world) {
			w.find("S", "credentials read", hour(3), "User", `HOSP\svc_bkp`)
			w.find("S", "backups deleted", hour(15), "User", `HOSP\svc_bkp`)
		}, event.Infiltrated, ""},
		{"two B near in time", func(w *world) {
			w.find("S", "credentials read", hour(3))
			w.find("S", "backups deleted", hour(8.9))
		}, event.Infiltrated, ""},
		{"two B far apart that share nothing", func(w *world) {
			w.find("S", "credentials read", hour(3))
			w.find("S", "backups deleted", hour(9.1))
		}, event.Suspected, ""},
		{"SYSTEM is no account to share", func(w *world) {
			w.find("S", "credentials read", hour(3), "User", `NT AUTHORITY\SYSTEM`)
			w.find("S", "backups deleted", hour(15), "User", `NT AUTHORITY\SYSTEM`)
		}, event.Suspected, ""},
		{"cmd.exe is no file to share", func(w *world) {
			w.find("S", "credentials read", hour(3), "Image", `C:\Windows\System32\cmd.exe`)
			w.find("S", "backups deleted", hour(15), "Image", `C:\Windows\System32\cmd.exe`)
		}, event.Suspected, ""},
		{"a file of the intruder is", func(w *world) {
			w.find("S", "credentials read", hour(3), "Image", `C:\Users\Public\p.exe`)
			w.find("S", "backups deleted", hour(15), "Image", `C:\Users\Public\p.exe`)
		}, event.Infiltrated, ""},
		{"the count of one rule raises nothing", func(w *world) {
			for i := range 500 {
				w.find("S", "credentials read", hour(3+float64(i)/50), "ProcessGuid", fmt.Sprintf("{00000000-0000-0000-0001-%012d}", i))
			}
		}, event.Suspected, ""},
		{"two arrivals are one way in", func(w *world) {
			w.find("S", "admin share", hour(3), "RelativeTargetName", `PSEXESVC.exe`)
			w.find("S", "remote service", hour(4), "ImagePath", `C:\Windows\PSEXESVC.exe`)
		}, event.Suspected, ""},
		{"traces of one process within two minutes are one act", func(w *world) {
			w.find("S", "credentials read", hour(3), "ProcessGuid", "{6a910b9d-498a-5ee0-c903-000000000400}")
			w.find("S", "backups deleted", hour(3.01), "ProcessGuid", "{6a910b9d-498a-5ee0-c903-000000000400}")
		}, event.Suspected, ""},
		{"anti-forensics alone is suspected", func(w *world) { w.find("S", "anti-forensics", hour(3)) }, event.Suspected, ""},
		{"a log cleared after an install is none", func(w *world) {
			w.find("S", "installed", hour(1))
			w.find("S", "anti-forensics", hour(3))
		}, event.NoEvidence, "installed"},
		{"a clock set by a minute is none", func(w *world) {
			w.find("S", "anti-forensics", hour(3), "PreviousTime", "2022-11-23T03:00:00.0000000Z", "NewTime", "2022-11-23T03:01:00.0000000Z")
		}, event.NoEvidence, ""},
		{"a clock set by an hour is one", func(w *world) {
			w.find("S", "anti-forensics", hour(3), "PreviousTime", "2022-11-23T03:00:00.0000000Z", "NewTime", "2022-11-23T02:00:00.0000000Z")
		}, event.Suspected, ""},
		{"approved work explains", func(w *world) {
			w.find("S", "remote service", hour(3), "User", `HOSP\adm1`, "ImagePath", `C:\Windows\PSEXESVC.exe`, "IpAddress", "10.0.0.5")
			w.find("S", "protection off", hour(3.5), "User", `HOSP\adm1`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1", Targets: []string{"S"}, Ticket: "CHG-7"}}
		}, event.NoEvidence, "row 12, ticket CHG-7"},
		{"not another account", func(w *world) {
			w.find("S", "remote service", hour(3), "User", `HOSP\adm2`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1"}}
		}, event.Suspected, ""},
		{"not another time", func(w *world) {
			w.find("S", "remote service", hour(6), "User", `HOSP\adm1`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1"}}
		}, event.Suspected, ""},
		{"not another source", func(w *world) {
			w.find("S", "remote service", hour(3), "User", `HOSP\adm1`, "IpAddress", "10.0.0.9")
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1", Source: "10.0.0.5"}}
		}, event.Suspected, ""},
		{"not another tool", func(w *world) {
			w.find("S", "remote service", hour(3), "User", `HOSP\adm1`, "ImagePath", `C:\Windows\remcom.exe`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1", Tool: "PsExec.exe"}}
		}, event.Suspected, ""},
		{"not where no account is known", func(w *world) {
			w.find("S", "remote service", hour(3))
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1"}}
		}, event.Suspected, ""},
		{"not an account that was taken before", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\adm1`)
			w.find("S", "remote service", hour(3), "User", `HOSP\adm1`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1"}}
		}, event.Suspected, ""},
		{"an arrival gets the account of the logon before it", func(w *world) {
			w.move("10.0.0.5", "S", `HOSP\adm1`, "network logon", hour(3))
			w.find("S", "remote service", hour(3.01), "ServiceName", "PSEXESVC")
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1", Source: "10.0.0.5"}}
		}, event.NoEvidence, "row 12"},
		{"a task that group policy deploys does not", func(w *world) {
			w.move("10.0.0.5", "S", `HOSP\adm1`, "network logon", hour(3))
			w.find("S", "remote service", hour(3.01), "TaskName", `\Update`)
			w.opt.Changes = []event.Change{{Line: 12, From: hour(2), To: hour(5), Account: "adm1", Source: "10.0.0.5"}}
		}, event.Suspected, ""},
		{"a habit is no evidence", func(w *world) {
			for d := range 20 {
				w.find("S", "database command", hour(2-24*float64(d)), "User", `HOSP\svc_sql`, "statement", "xp_cmdshell 'copy d:\\backup'")
			}
			w.find("T", "web shell", hour(5))
		}, event.NoEvidence, "on several days"},
		{"a habit without any incident is none", func(w *world) {
			for d := range 20 {
				w.find("S", "database command", hour(2-24*float64(d)), "User", `HOSP\svc_sql`, "statement", "xp_cmdshell 'copy d:\\backup'")
			}
		}, event.NoEvidence, "on several days"},
		{"what began in the window is no habit", func(w *world) {
			for d := range 5 {
				w.find("S", "database command", hour(2-24*float64(d)), "User", `HOSP\svc_sql`, "statement", "xp_cmdshell 'copy d:\\backup'")
			}
			w.find("T", "web shell", hour(5-24*4))
		}, event.Suspected, ""},
		{"a piece long before the window", func(w *world) {
			w.find("T", "web shell", hour(5))
			w.find("S", "protection off", hour(-24*20))
		}, event.NoEvidence, "before the window"},
		{"a piece long before, tied to one inside", func(w *world) {
			w.find("S", "credentials read", hour(5), "User", `HOSP\x`)
			w.find("S", "protection off", hour(-24*20), "User", `HOSP\x`)
		}, event.Infiltrated, ""},
		{"a new command by the same job is", func(w *world) {
			for d := range 20 {
				w.find("S", "database command", hour(2-24*float64(d)), "User", `HOSP\svc_sql`, "statement", "xp_cmdshell 'copy d:\\backup'")
			}
			w.find("S", "database command", hour(3), "User", `HOSP\svc_sql`, "statement", "xp_cmdshell 'whoami'")
			w.find("T", "web shell", hour(5))
		}, event.Suspected, "on several days"},
		{"movement from an infiltrated server with a taken account, and a mate", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3))
			w.find("S", "remote service", hour(3.2))
		}, event.Infiltrated, ""},
		{"movement alone is suspected", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3))
		}, event.Suspected, ""},
		{"two movements are no mates", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3))
			w.move("T", "S", `HOSP\svc_bkp`, "admin share", hour(4))
		}, event.Suspected, ""},
		{"movement before the source was infiltrated", func(w *world) {
			w.find("T", "web shell", hour(5), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3))
		}, event.NoEvidence, ""},
		{"movement with an account that nobody took", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\nurse`, "network logon", hour(3))
		}, event.NoEvidence, ""},
		{"movement by an account that comes this way every day", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			for d := range 30 {
				w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3-24*float64(d)))
			}
		}, event.NoEvidence, ""},
		{"movement that only the source tells of, while this server's log answers", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "explicit credentials", hour(3))
			w.moves[0].From, w.moves[0].SeenFrom = "T", "source"
		}, event.NoEvidence, ""},
		{"movement that only the source tells of, where this server's log was cleared", func(w *world) {
			w.activity = nil
			w.watched("T", hour(24))
			w.watchedFrom("S", hour(4), hour(24))
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "explicit credentials", hour(3))
			w.moves[0].From, w.moves[0].SeenFrom = "T", "source"
			w.find("S", "anti-forensics", hour(4))
		}, event.Infiltrated, ""},
		{"PsExec leaves PSEXESVC", func(w *world) {
			w.find("S", "remote service", hour(3), "User", `HOSP\adm1`, "ImagePath", `%SystemRoot%\PSEXESVC.exe`, "IpAddress", "10.0.0.5")
			w.opt.Changes = []event.Change{{Line: 3, From: hour(2), To: hour(5), Account: `HOSP\adm1`, Source: "10.0.0.5", Targets: []string{"S"}, Tool: "PsExec"}}
		}, event.NoEvidence, "row 3"},
		{"a failed movement", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.move("T", "S", `HOSP\svc_bkp`, "network logon", hour(3))
			w.moves[0].Failed = true
		}, event.NoEvidence, ""},
		{"three linked pieces of context", func(w *world) {
			for i, r := range []string{"r1", "r2", "r3"} {
				w.find("S", "context", hour(3+float64(i)), "rule", r, "User", `HOSP\x`)
			}
		}, event.Suspected, ""},
		{"two are too few", func(w *world) {
			for i, r := range []string{"r1", "r2", "r2"} {
				w.find("S", "context", hour(3+float64(i)), "rule", r, "User", `HOSP\x`)
			}
		}, event.NoEvidence, ""},
		{"three that share only the hour", func(w *world) {
			for i, r := range []string{"r1", "r2", "r3"} {
				w.find("S", "context", hour(3+float64(i)/10), "rule", r)
			}
		}, event.NoEvidence, ""},
		{"context seen on other servers too", func(w *world) {
			for i, r := range []string{"r1", "r2", "r3"} {
				for _, s := range []string{"S", "T", "U"} {
					w.find(s, "context", hour(3+float64(i)), "rule", r, "User", `HOSP\x`)
				}
			}
		}, event.NoEvidence, ""},
		{"context seen here before the window", func(w *world) {
			w.find("T", "web shell", hour(5))
			for i, r := range []string{"r1", "r2", "r3"} {
				w.find("S", "context", hour(3+float64(i)), "rule", r, "User", `HOSP\x`)
				w.find("S", "context", hour(-24*9), "rule", r, "User", `HOSP\x`)
			}
		}, event.NoEvidence, ""},
		{"an account made in the intruder's session and used", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.find("S", "account made", hour(3), "SubjectDomainName", "HOSP", "SubjectUserName", "svc_bkp", "TargetDomainName", "HOSP", "TargetUserName", "helpdesk2")
			w.move("10.9.9.9", "U", `HOSP\helpdesk2`, "rdp", hour(6))
		}, event.Infiltrated, ""},
		{"a key read makes its owner's account taken", func(w *world) {
			w.find("T", "web shell", hour(1), "User", "www-data")
			w.find("T", "credentials read", hour(1.5), "User", "www-data", "CommandLine", "cat /home/deploy/.ssh/id_rsa")
			w.move("T", "S", "deploy", "ssh", hour(3))
		}, event.Suspected, ""},
		{"the usual way at another hour than usual", func(w *world) {
			for d := range 5 {
				w.move("T", "S", "deploy", "ssh", hour(float64(-24*(15+3*d))))
			}
			w.find("T", "web shell", hour(1), "User", "www-data")
			w.find("T", "credentials read", hour(1.5), "User", "www-data", "name", "/home/deploy/.ssh/id_ed25519")
			w.move("T", "S", "deploy", "ssh", hour(3))
		}, event.Suspected, ""},
		{"the usual way at its hour", func(w *world) {
			for d := range 5 {
				w.move("T", "S", "deploy", "ssh", hour(float64(-24*(15+3*d))))
			}
			w.find("T", "web shell", hour(1), "User", "deploy")
			w.move("T", "S", "deploy", "ssh", hour(24.3))
		}, event.NoEvidence, ""},
		{"files rewritten from the intruder's server, with the logon that did it", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\x`)
			w.move("T", "S", `HOSP\x`, "network logon", hour(3))
			w.find("S", "affected from afar", hour(3.1), "SubjectDomainName", "HOSP", "SubjectUserName", "x")
		}, event.Suspected, ""},
		{"an account made right after the intruder came, and used from where he was", func(w *world) {
			w.find("T", "web shell", hour(1), "User", "deploy")
			w.move("T", "S", "deploy", "ssh", hour(3))
			w.find("S", "account made", hour(3.2), "user", "nagiosd")
			w.move("T", "S", "nagiosd", "ssh", hour(20))
		}, event.Infiltrated, ""},
		{"an account made on another day", func(w *world) {
			w.move("T", "S", "deploy", "ssh", hour(-200))
			w.find("T", "web shell", hour(1), "User", "deploy")
			w.move("T", "S", "deploy", "ssh", hour(3))
			w.find("S", "account made", hour(9), "user", "nagiosd")
			w.move("T", "S", "nagiosd", "ssh", hour(20))
		}, event.Suspected, ""},
		{"an account made and never used", func(w *world) {
			w.find("T", "web shell", hour(1), "User", `HOSP\svc_bkp`)
			w.find("S", "account made", hour(3), "SubjectDomainName", "HOSP", "SubjectUserName", "svc_bkp", "TargetDomainName", "HOSP", "TargetUserName", "helpdesk2")
		}, event.NoEvidence, ""},
		{"an account made by an administrator", func(w *world) {
			w.find("S", "account made", hour(3), "SubjectDomainName", "HOSP", "SubjectUserName", "adm1", "TargetDomainName", "HOSP", "TargetUserName", "helpdesk2")
			w.move("10.9.9.9", "U", `HOSP\helpdesk2`, "rdp", hour(6))
		}, event.NoEvidence, ""},
		{"nothing seen, questions answered", func(w *world) {}, event.NoEvidence, ""},
		{"after containment nothing counts", func(w *world) {
			w.opt.Until = hour(2)
			w.find("S", "credentials read", hour(3))
		}, event.NoEvidence, "after the window"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("S", "T", "U", "V")
			for _, s := range []string{"S", "T", "U", "V"} {
				w.watched(s, hour(24))
			}
			c.make(w)
			v := w.judge()["S"]
			if v.Verdict != c.want {
				t.Errorf("got %s (%s), want %s; because %+v; against %+v", v.Verdict, v.Examined, c.want, v.Because, v.Against)
			}
			if c.why != "" && !slices.ContainsFunc(v.Against, func(a event.Against) bool { return strings.Contains(a.Why, c.why) }) {
				t.Errorf("set aside: %+v, want %q", v.Against, c.why)
			}
		})
	}
}

func TestCoverageDecides(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(w *world)
		want event.Judgement
		seen string
	}{
		{"nothing collected", func(w *world) { w.servers[0].Artifacts = 0 }, event.Inconclusive, event.NothingCollected},
		{"nothing readable", func(w *world) {}, event.Inconclusive, event.Unreadable},
		{"no logons recorded", func(w *world) {
			w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			w.log("S", "windows/System", 0, hour(-24*8), hour(24), time.Hour)
		}, event.Inconclusive, event.InPart},
		{"the log begins in the middle", func(w *world) {
			w.watchedFrom("S", hour(-24*2), hour(24))
		}, event.Inconclusive, event.InPart},
		{"a silence that the sister log does not share", func(w *world) {
			w.watched("S", hour(24))
			w.activity = w.activity[:len(w.activity)-3]
			for _, id := range []uint32{0, 4624} {
				a := w.log("S", "windows/Security", id, hour(-24*8), hour(-2), 10*time.Minute)
				for at := hour(9); at <= hour(24); at = at.Add(10 * time.Minute) {
					a.Spans.Add(at, 1)
				}
			}
			w.log("S", "windows/System", 0, hour(-24*8), hour(24), time.Hour)
		}, event.Inconclusive, event.InPart},
		{"a night in which the server was off", func(w *world) {
			for _, x := range []struct {
				source string
				id     uint32
			}{{"windows/Security", 0}, {"windows/Security", 4624}, {"windows/System", 0}} {
				a := w.log("S", x.source, x.id, hour(-24*8), hour(-60), 10*time.Minute)
				for at := hour(-48); at <= hour(24); at = at.Add(10 * time.Minute) {
					a.Spans.Add(at, 1)
				}
			}
		}, event.NoEvidence, event.Enough},
		{"records missing away from the critical hours", func(w *world) {
			w.watched("S", hour(24))
			a := w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			a.Runs = []event.Run{{First: 1, Last: 100, From: hour(-24 * 8), To: hour(-50)}, {First: 150, Last: 900, From: hour(-49), To: hour(24)}}
			crash := w.log("S", "windows/System", 41, hour(-49.5), hour(-49.5), time.Hour)
			_ = crash
		}, event.NoEvidence, event.Enough},
		{"records missing in a critical hour", func(w *world) {
			w.watched("S", hour(24))
			a := w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			a.Runs = []event.Run{{First: 1, Last: 100, From: hour(-24 * 8), To: hour(4.4)}, {First: 150, Last: 900, From: hour(5.2), To: hour(24)}}
			w.log("S", "windows/System", 41, hour(5), hour(5), time.Hour)
		}, event.Inconclusive, event.InPart},
		{"records removed", func(w *world) {
			w.watched("S", hour(24))
			a := w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			a.Runs = []event.Run{{First: 1, Last: 100, From: hour(-24 * 8), To: hour(4.4)}, {First: 150, Last: 900, From: hour(5.2), To: hour(24)}}
		}, event.Suspected, event.InPart},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("S", "T")
			w.watched("T", hour(24))
			w.find("T", "web shell", hour(5))
			c.make(w)
			v := w.judge()["S"]
			if v.Verdict != c.want || v.Examined != c.seen {
				t.Errorf("got %s, %s; want %s, %s; %+v", v.Verdict, v.Examined, c.want, c.seen, v.Coverage)
			}
		})
	}
}

func (w *world) watchedFrom(server string, from, to event.Time) {
	w.log(server, "windows/Security", 0, from, to, 10*time.Minute)
	w.log(server, "windows/Security", 4624, from, to, 10*time.Minute)
	w.log(server, "windows/System", 0, from, to, time.Hour)
}

func TestSince(t *testing.T) {
	for _, c := range []struct {
		name     string
		make     func(w *world)
		earliest event.Time
		by       string
	}{
		{"answered up to the minutes before", func(w *world) { w.watched("S", hour(24)) }, hour(5), "answered"},
		{"log start", func(w *world) { w.watchedFrom("S", hour(-30), hour(24)) }, hour(-30), "log start"},
		{"gap", func(w *world) {
			w.watched("S", hour(24))
			a := w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			a.Runs = []event.Run{{First: 1, Last: 100, From: hour(-24 * 8), To: hour(-3)}, {First: 150, Last: 900, From: hour(-2), To: hour(24)}}
		}, hour(-3), "gap"},
		{"an open act before the gap", func(w *world) {
			w.find("S", "script called", hour(-24*4-0.1))
			w.watched("S", hour(24))
			a := w.log("S", "windows/Security", 0, hour(-24*8), hour(24), 10*time.Minute)
			a.Runs = []event.Run{{First: 1, Last: 100, From: hour(-24 * 8), To: hour(-3)}, {First: 150, Last: 900, From: hour(-2), To: hour(24)}}
		}, hour(-24*4-0.1) - event.Time(4*time.Minute), "gap"},
		{"no log answers", func(w *world) { w.log("S", "windows/Application", 0, hour(-24*8), hour(24), time.Hour) }, event.NoTime, "gap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld("S")
			w.find("S", "web shell", hour(5.1))
			c.make(w)
			s := w.judge()["S"].Since
			if s == nil || s.FirstProven != hour(5.1) || s.BoundedBy != c.by || s.EarliestPossible != c.earliest {
				t.Errorf("got %+v, want %s by %s", s, c.earliest, c.by)
			}
		})
	}
}

func TestMovementReachesAnyDepthAndOrder(t *testing.T) {
	w := newWorld("A", "B", "C", "D")
	w.find("A", "web shell", hour(1), "User", `HOSP\one`)
	w.move("A", "B", `HOSP\one`, "rdp", hour(2))
	w.move("A", "B", `HOSP\one`, "admin share", hour(2)) // at the same instant
	w.move("A", "B", `HOSP\one`, "network logon", hour(2))
	w.find("B", "credentials read", hour(3), "User", `HOSP\two`)
	w.move("B", "C", `HOSP\two`, "rdp", hour(4))
	w.find("C", "backups deleted", hour(5), "User", `HOSP\three`)
	w.move("C", "D", `HOSP\three`, "rdp", hour(6))
	w.find("D", "protection off", hour(7))
	want, _ := json.Marshal(w.verdicts(nil))
	for id, v := range w.judge() {
		if v.Verdict != event.Infiltrated {
			t.Errorf("%s is %s", id, v.Verdict)
		}
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		if got, _ := json.Marshal(w.verdicts(rng)); string(got) != string(want) {
			t.Fatal("the order of facts shows")
		}
	}
}

// TestOneServersEvidenceMovesAnotherOnlyByName removes a server's findings: another's verdict may change only where its
// reasons name that server, or the window's basis does.
func TestOneServersEvidenceMovesAnotherOnlyByName(t *testing.T) {
	w := newWorld("A", "B", "C")
	for _, s := range []string{"A", "B", "C"} {
		w.watched(s, hour(24))
	}
	w.find("A", "web shell", hour(1), "User", `HOSP\one`)
	w.move("A", "B", `HOSP\one`, "rdp", hour(2))
	w.find("B", "credentials read", hour(2.1))
	w.find("C", "protection off", hour(20))
	all := w.judge()
	without := *w
	without.findings, without.lines = w.findings[1:], w.lines[1:]
	some := without.judge()
	if all["B"].Verdict != event.Infiltrated || some["B"].Verdict != event.Suspected || !strings.Contains(fmt.Sprint(all["B"].Because), "from A") {
		t.Errorf("B: %s, then %s; %+v", all["B"].Verdict, some["B"].Verdict, all["B"].Because)
	}
	if all["C"].Verdict != some["C"].Verdict {
		t.Errorf("C moved from %s to %s", all["C"].Verdict, some["C"].Verdict)
	}
}

func TestFirstScreen(t *testing.T) {
	w := newWorld("APP1:application", "DB1:database", "BKP1:backup", "DC1:domain-controller")
	w.servers[3].Artifacts = 0
	w.watched("APP1", hour(24))
	w.find("APP1", "web shell", hour(5), "c-ip", "198.18.0.7")
	w.find("DB1", "credentials read", hour(6))
	v := w.verdicts(nil)
	sum := 0
	for _, n := range v.Counts {
		sum += n
	}
	if sum != v.Listed || v.Listed != 4 || v.NotCollected != 1 {
		t.Errorf("counts %v of %d, %d not collected", v.Counts, v.Listed, v.NotCollected)
	}
	if len(v.DoNext) == 0 || len(v.DoNext) > 5 || v.DoNext[0].Do != "do not touch" || v.DoNext[0].Servers[0] != "BKP1" {
		t.Errorf("do next: %+v", v.DoNext)
	}
	questions := map[string]event.Answer{}
	for _, a := range v.Answers {
		questions[a.Question] = a
	}
	if a := questions["from where"]; a.State != "partial" || !strings.Contains(a.Says, "198.18.0.7") {
		t.Errorf("from where: %+v", a)
	}
	if a := questions["since when"]; a.State != "answered" {
		t.Errorf("since when: %+v", a)
	}
	for _, s := range v.Servers {
		if s.Verdict == event.Infiltrated && (len(s.WouldChangeIt) == 0 || s.Reconnect.Allowed) {
			t.Errorf("%s: %+v", s.Server, s)
		}
	}
}
