package exercise

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// routine is a kind of event that a server writes again and again with few differences. Its values are made from those of
// the last one only when they are written, so that a million of them need little room.
type routine struct {
	kind   *winKind
	values []event.Value
	pid    uint32
	fill   func(*winValues, *winEntry)
}

// routine prepares a kind of event. same are the values that all have.
func (s *server) routine(key string, same fields, fill func(r *routine) func(*winValues, *winEntry)) *routine {
	k := s.kindOf(key)
	if k == nil {
		return nil
	}
	var v evtx.Values
	s.fill(&v, k, same)
	r := &routine{kind: k, values: v.List, pid: s.pid(k.process)}
	r.fill = fill(r)
	return r
}

// slot is the place of a field; a field that this version of the event does not have is -1.
func (r *routine) slot(name string) int {
	for i, f := range r.kind.manifest.Fields {
		if f.Name == name {
			return i
		}
	}
	return -1
}

// adds puts an event of a routine into its log.
func (s *server) adds(at event.Time, r *routine, who *account, from *host, id uint64, n uint32) {
	if r == nil || !s.open || !s.lives(at) || s.isDark(r.kind, at) {
		return
	}
	l := s.winLog(r.kind.manifest.Channel)
	if at < l.begins {
		l.lost++
		return
	}
	l.entries = append(l.entries, winEntry{at: at, kind: r.kind, routine: r, who: who, from: from, id: id, n: n})
}

// crowd are the people and computers of a hospital: who logs on all day. It is the same for every server.
type crowd struct {
	people, machines []*account
	stations         []host
}

func (e *estate) gather(d *dice) {
	e.crowd.people = append(e.crowd.people, e.staff...)
	for i := range 376 {
		name := fmt.Sprintf("%s.%s%d", pick(d, []string{"dr", "nurse", "tech", "clerk", "lab", "acct", "store", "resident"}), pick(d, surnames), i)
		a := e.account(name, 1600+i, false)
		a.station = host{fmt.Sprintf("EX-WS%04d", i), fmt.Sprintf("10.20.%d.%d", 70+i/200, 10+i%200)}
		e.crowd.people = append(e.crowd.people, a)
	}
	for _, a := range e.crowd.people {
		e.crowd.machines = append(e.crowd.machines, &account{name: a.station.name + "$", sid: fmt.Sprintf("%s-%d", e.domain.sid, 2000+number(9000, a.station.name)), station: a.station})
	}
	for _, list := range [][]*account{e.crowd.people, e.crowd.machines, e.admins} {
		for _, a := range list {
			a.raw = sid(a.sid)
		}
	}
	for _, a := range e.services {
		a.raw = sid(a.sid)
	}
}

// perDay is how many events of bulk a server of a role writes in a day at noise real, where it is a busy one.
var perDay = map[string]int{"domain-controller": 12000, "mail": 6500, "file": 5500, "application": 4600, "database": 4600, "lis": 4200, "pacs": 4200, "jump": 3600, "web": 3600, "backup": 3600, "other": 3600, "hypervisor": 900}

// bulkOf is how many this server writes.
func (s *server) bulkOf() int {
	d := s.e.dice("busy", s.key)
	n := perDay[s.role] * d.between(85, 130) / 100
	named := false
	for i := range s.e.story.Servers {
		named = named || s.e.story.Servers[i].Key == s.key
	}
	if !named && d.chance(60) {
		n = n * d.between(20, 45) / 100
	}
	return int(float64(n) * noises[s.e.options.Noise])
}

// hours are the parts of a day's work that fall into each hour, in thousandths.
var hours = [24]int{18, 16, 15, 15, 16, 20, 28, 42, 62, 78, 82, 80, 72, 62, 66, 64, 58, 48, 40, 34, 28, 22, 18, 16}

// bulk is the ordinary work that fills a hospital's logs: logons by shift and of computers and services at all hours, and
// what else the server records.
func (s *server) bulk(d *dice) {
	perDay := s.bulkOf()
	if perDay == 0 {
		return
	}
	acts := s.bulkActs()
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	size := 0
	for _, a := range acts {
		size += a.weight * a.events
	}
	units := perDay * total / max(size, 1)
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		for hour, part := range hours {
			n := units * part / 1000
			if weekday == time.Sunday && hour >= 8 && hour < 20 {
				n = n * 6 / 10
			}
			begins := midnight.Add(time.Duration(hour) * time.Hour)
			for range n {
				at := d.within(begins, time.Hour)
				k := d.IntN(total)
				for i := range acts {
					if k -= acts[i].weight; k < 0 {
						acts[i].leave(d, at)
						break
					}
				}
			}
		}
	})
}

// bulkAct is a thing that happens all day: how often in comparison, and how many events it leaves.
type bulkAct struct {
	weight, events int
	leave          func(*dice, event.Time)
}

// bulkActs are those of the server.
func (s *server) bulkActs() []bulkAct {
	acts := s.logonActs()
	acts = append(acts, s.systemActs()...)
	if s.role == "domain-controller" {
		acts = append(acts, s.ticketActs()...)
	}
	if s.role == "database" {
		acts = append(acts, s.sqlActs()...)
	}
	if s.shares {
		acts = append(acts, s.shareActs()...)
	}
	if s.commands {
		acts = append(acts, s.commandActs()...)
	}
	if s.sysmon {
		acts = append(acts, s.sysmonActs()...)
	}
	if s.scripts || s.sysmon && s.e.options.Noise == "heavy" {
		acts = append(acts, s.scriptActs()...)
	}
	return acts
}

// logonActs are logons over the network, of services, and mistyped ones.
func (s *server) logonActs() []bulkAct {
	c, boot := &s.e.crowd, s.e.from.Add(-11*24*time.Hour)
	id := func(at event.Time) uint64 { return uint64(at.Sub(boot)/(2*time.Millisecond)) + 0x3e9 }
	logon := func(same fields) *routine {
		return s.routine("4624", same, func(r *routine) func(*winValues, *winEntry) {
			user, name, number, address, port, guid := r.slot("TargetUserSid"), r.slot("TargetUserName"), r.slot("TargetLogonId"), r.slot("IpAddress"), r.slot("IpPort"), r.slot("LogonGuid")
			station, elevated, tickets := r.slot("WorkstationName"), r.slot("ElevatedToken"), same["LogonProcessName"] == "Kerberos"
			return func(w *winValues, x *winEntry) {
				w.SetRaw(user, event.SID, x.who.raw)
				w.SetText(name, x.who.name)
				w.SetNumber(number, event.Hex64, x.id)
				w.SetText(address, x.from.address)
				w.SetDecimal(port, uint64(49152+x.n%16384))
				if tickets {
					w.SetGUID(guid, x.id*0x9e3779b97f4a7c15, x.id^0x5bf03635)
				} else {
					w.SetText(station, x.from.name)
				}
				if x.who.admin && elevated >= 0 {
					w.SetText(elevated, "%%1842")
				}
			}
		})
	}
	kerberos := logon(fields{"TargetDomainName": s.realm(), "LogonType": 3, "LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos"})
	ntlm := logon(fields{"TargetDomainName": s.e.domain.name, "LogonType": 3, "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM", "LmPackageName": "NTLM V2", "KeyLength": 128})
	special := s.routine("4672", fields{"SubjectDomainName": s.e.domain.name, "PrivilegeList": privileges}, func(r *routine) func(*winValues, *winEntry) {
		user, name, number := r.slot("SubjectUserSid"), r.slot("SubjectUserName"), r.slot("SubjectLogonId")
		return func(w *winValues, x *winEntry) {
			w.SetRaw(user, event.SID, x.who.raw)
			w.SetText(name, x.who.name)
			w.SetNumber(number, event.Hex64, x.id)
		}
	})
	ends := s.routine("4634", fields{"TargetDomainName": s.e.domain.name, "LogonType": 3}, func(r *routine) func(*winValues, *winEntry) {
		user, name, number := r.slot("TargetUserSid"), r.slot("TargetUserName"), r.slot("TargetLogonId")
		return func(w *winValues, x *winEntry) {
			w.SetRaw(user, event.SID, x.who.raw)
			w.SetText(name, x.who.name)
			w.SetNumber(number, event.Hex64, x.id)
		}
	})
	fails := s.routine("4625", fields{"TargetDomainName": s.e.domain.name, "LogonType": 3, "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM"}, func(r *routine) func(*winValues, *winEntry) {
		name, station, address, port := r.slot("TargetUserName"), r.slot("WorkstationName"), r.slot("IpAddress"), r.slot("IpPort")
		return func(w *winValues, x *winEntry) {
			w.SetText(name, x.who.name)
			w.SetText(station, x.from.name)
			w.SetText(address, x.from.address)
			w.SetDecimal(port, uint64(49152+x.n%16384))
		}
	})
	visit := func(d *dice, at event.Time, r *routine, who *account, from *host, most time.Duration) {
		id, n := id(at), d.Uint32()
		if who.admin {
			s.adds(at.Add(-100*time.Microsecond), special, who, from, id, n)
		}
		s.adds(at, r, who, from, id, n)
		s.adds(d.within(at.Add(2*time.Second), most), ends, who, from, id, n)
	}
	jump := s.e.jump.host()
	services := []*account{s.e.services["monitor"], s.e.services["backup"], s.e.services["ehosp"]}
	return []bulkAct{
		{46, 2, func(d *dice, at event.Time) {
			a := pick(d, c.people)
			visit(d, at, kerberos, a, &a.station, 25*time.Minute)
		}},
		{30, 2, func(d *dice, at event.Time) {
			a := pick(d, c.machines)
			visit(d, at, kerberos, a, &a.station, 40*time.Second)
		}},
		{14, 3, func(d *dice, at event.Time) { visit(d, at, kerberos, pick(d, services), &jump, 20*time.Second) }},
		{9, 2, func(d *dice, at event.Time) {
			a := pick(d, c.people)
			visit(d, at, ntlm, a, &a.station, 10*time.Minute)
		}},
		{1, 1, func(d *dice, at event.Time) { a := pick(d, c.people); s.adds(at, fails, a, &a.station, 0, d.Uint32()) }},
		{4, 2, s.serviceStarts()},
	}
}

// serviceStarts are the logons of SYSTEM that come with services that start by themselves.
func (s *server) serviceStarts() func(*dice, event.Time) {
	same := s.self().with(fields{"TargetUserSid": "S-1-5-18", "TargetUserName": "SYSTEM", "TargetDomainName": "NT AUTHORITY", "TargetLogonId": 0x3e7, "LogonType": 5,
		"LogonProcessName": "Advapi  ", "AuthenticationPackageName": "Negotiate", "ProcessId": s.pid("services"), "ProcessName": `C:\Windows\System32\services.exe`})
	if s.year >= 2016 {
		same["ElevatedToken"] = "%%1842"
	}
	still := func(*routine) func(*winValues, *winEntry) { return func(*winValues, *winEntry) {} }
	logon := s.routine("4624", same, still)
	special := s.routine("4672", fields{"SubjectUserSid": "S-1-5-18", "SubjectUserName": "SYSTEM", "SubjectDomainName": "NT AUTHORITY", "SubjectLogonId": 0x3e7,
		"PrivilegeList": "SeAssignPrimaryTokenPrivilege\r\n\t\t\tSeTcbPrivilege\r\n\t\t\t" + privileges}, still)
	return func(d *dice, at event.Time) {
		s.adds(at, logon, nil, nil, 0, 0)
		s.adds(at.Add(time.Millisecond), special, nil, nil, 0, 0)
	}
}

// systemActs are services that come and go.
func (s *server) systemActs() []bulkAct {
	services := []string{"Windows Modules Installer/TrustedInstaller", "Background Intelligent Transfer Service/BITS", "WinHTTP Web Proxy Auto-Discovery Service/WinHttpAutoProxySvc",
		"WMI Performance Adapter/wmiApSrv", "Software Protection/sppsvc", "Device Setup Manager/DsmSvc", "Client License Service (ClipSVC)/ClipSVC", "Windows Update/wuauserv"}
	r := s.routine("7036", fields{}, func(r *routine) func(*winValues, *winEntry) {
		return func(w *winValues, x *winEntry) {
			display, name, _ := strings.Cut(services[int(x.n)%len(services)], "/")
			state, code := "running", "/4"
			if x.id == 1 {
				state, code = "stopped", "/1"
			}
			w.SetText(0, display)
			w.SetText(1, state)
			w.binary = utf16le(name + code)
		}
	})
	return []bulkAct{{3, 2, func(d *dice, at event.Time) {
		n := d.Uint32()
		s.adds(at, r, nil, nil, 4, n)
		s.adds(at.Add(d.about(6*time.Minute)), r, nil, nil, 1, n)
	}}}
}

// ticketActs are what a domain controller is asked all day.
func (s *server) ticketActs() []bulkAct {
	c, dns := &s.e.crowd, strings.ToUpper(s.e.domain.dns)
	krbtgt := s.e.domain.sid + "-502"
	first := s.routine("4768", fields{"TargetDomainName": s.e.domain.name, "ServiceSid": krbtgt}, func(r *routine) func(*winValues, *winEntry) {
		name, user, address, port := r.slot("TargetUserName"), r.slot("TargetSid"), r.slot("IpAddress"), r.slot("IpPort")
		return func(w *winValues, x *winEntry) {
			w.SetText(name, x.who.name)
			w.SetRaw(user, event.SID, x.who.raw)
			w.SetText(address, "::ffff:"+x.from.address)
			w.SetDecimal(port, uint64(49152+x.n%16384))
		}
	})
	servers := make([]*server, 0, len(s.e.servers))
	machines := make([][]byte, 0, len(s.e.servers))
	for _, x := range s.e.servers {
		if x.system == windows {
			servers, machines = append(servers, x), append(machines, sid(x.machine().sid))
		}
	}
	ticket := s.routine("4769", fields{"TargetDomainName": dns}, func(r *routine) func(*winValues, *winEntry) {
		name, service, user, address, port, guid := r.slot("TargetUserName"), r.slot("ServiceName"), r.slot("ServiceSid"), r.slot("IpAddress"), r.slot("IpPort"), r.slot("LogonGuid")
		return func(w *winValues, x *winEntry) {
			to := int(x.id % uint64(len(servers)))
			w.SetText(name, x.who.name+"@"+dns)
			w.SetText(service, servers[to].name+"$")
			w.SetRaw(user, event.SID, machines[to])
			w.SetText(address, "::ffff:"+x.from.address)
			w.SetDecimal(port, uint64(49152+x.n%16384))
			w.SetGUID(guid, x.id*0x9e3779b97f4a7c15, x.id)
		}
	})
	renewed := s.routine("4770", fields{"TargetDomainName": dns, "ServiceSid": krbtgt}, func(r *routine) func(*winValues, *winEntry) {
		name, address, port := r.slot("TargetUserName"), r.slot("IpAddress"), r.slot("IpPort")
		return func(w *winValues, x *winEntry) {
			w.SetText(name, x.who.name+"@"+dns)
			w.SetText(address, "::ffff:"+x.from.address)
			w.SetDecimal(port, uint64(49152+x.n%16384))
		}
	})
	checked := s.routine("4776", fields{}, func(r *routine) func(*winValues, *winEntry) {
		name, station := r.slot("TargetUserName"), r.slot("Workstation")
		return func(w *winValues, x *winEntry) {
			w.SetText(name, x.who.name)
			w.SetText(station, x.from.name)
		}
	})
	of := func(list []*account, r *routine) func(*dice, event.Time) {
		return func(d *dice, at event.Time) {
			a := pick(d, list)
			s.adds(at, r, a, &a.station, d.Uint64(), d.Uint32())
		}
	}
	return []bulkAct{{22, 1, of(c.people, first)}, {18, 1, of(c.machines, first)}, {60, 1, of(c.people, ticket)}, {50, 1, of(c.machines, ticket)}, {8, 1, of(c.machines, renewed)}, {14, 1, of(c.people, checked)}}
}

// sqlActs are the logons that SQL Server audits.
func (s *server) sqlActs() []bulkAct {
	app := s.e.applicationOf(s)
	name, client, binary := s.e.domain.name+`\`+app.who.name, " [CLIENT: "+app.from.address+"]", s.sqlBinary(18453, 10)
	r := s.routine("sql-18453", fields{}, func(*routine) func(*winValues, *winEntry) {
		return func(w *winValues, _ *winEntry) {
			w.Text(name)
			w.Text(client)
			w.binary = binary
		}
	})
	return []bulkAct{{22, 1, func(_ *dice, at event.Time) {
		if s.sqlEnds == 0 || at < s.sqlEnds {
			s.adds(at, r, nil, nil, 0, 0)
		}
	}}}
}

// shareActs are the reading and writing of files of shares.
func (s *server) shareActs() []bulkAct {
	c := &s.e.crowd
	masks := []int{0x120089, 0x120089, 0x12019f, 0x100081}
	lists := make([]string, len(masks))
	for i, m := range masks {
		lists[i] = rights(m)
	}
	subject := func(r *routine, w *winValues, x *winEntry) {
		w.SetRaw(r.slot("SubjectUserSid"), event.SID, x.who.raw)
		w.SetText(r.slot("SubjectUserName"), x.who.name)
		w.SetNumber(r.slot("SubjectLogonId"), event.Hex64, x.id)
		w.SetText(r.slot("IpAddress"), x.from.address)
		w.SetDecimal(r.slot("IpPort"), uint64(49152+x.n%16384))
	}
	same := fields{"SubjectDomainName": s.e.domain.name, "ShareName": common.name, "ShareLocalPath": common.local}
	share := s.routine("5140", same, func(r *routine) func(*winValues, *winEntry) {
		return func(w *winValues, x *winEntry) { subject(r, w, x) }
	})
	file := s.routine("5145", same, func(r *routine) func(*winValues, *winEntry) {
		name, mask, list := r.slot("RelativeTargetName"), r.slot("AccessMask"), r.slot("AccessList")
		return func(w *winValues, x *winEntry) {
			subject(r, w, x)
			i := int(x.n>>8) % len(masks)
			w.SetText(name, departments[int(x.n)%len(departments)]+documents[int(x.n>>4)%len(documents)])
			w.SetNumber(mask, event.Hex32, uint64(masks[i]))
			w.SetText(list, lists[i])
		}
	})
	return []bulkAct{{30, 5, func(d *dice, at event.Time) {
		a, id := pick(d, c.people), d.Uint64()>>36
		s.adds(at, share, a, &a.station, id, d.Uint32())
		for range 4 {
			at = d.within(at, 20*time.Second)
			s.adds(at, file, a, &a.station, id, d.Uint32())
		}
	}}}
}

// ordinaryPrograms are what runs on servers all day: parent, program, command line.
var ordinaryPrograms = []struct{ parent, image, command string }{
	{"svchost-dcom", `C:\Windows\System32\wbem\WmiPrvSE.exe`, `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`},
	{"svchost-netsvcs", `C:\Windows\System32\taskhostw.exe`, `taskhostw.exe`},
	{"services", `C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k wsappx`},
	{"svchost-dcom", `C:\Windows\System32\dllhost.exe`, `C:\Windows\system32\DllHost.exe /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}`},
	{"services", `C:\Windows\System32\sppsvc.exe`, `C:\Windows\system32\sppsvc.exe`},
	{"services", `C:\Windows\servicing\TrustedInstaller.exe`, `C:\Windows\servicing\TrustedInstaller.exe`},
	{"svchost-netsvcs", `C:\Windows\System32\wermgr.exe`, `C:\Windows\system32\wermgr.exe -upload`},
	{"services", `C:\Windows\System32\msiexec.exe`, `C:\Windows\system32\msiexec.exe /V`},
	{"svchost-netsvcs", `C:\Windows\System32\sc.exe`, `C:\Windows\system32\sc.exe start w32time task_started`},
	{"services", `C:\Program Files\Zabbix Agent\zabbix_agentd.exe`, `"C:\Program Files\Zabbix Agent\zabbix_agentd.exe" --config "C:\Program Files\Zabbix Agent\zabbix_agentd.conf"`},
	{"services", `C:\Program Files\Hospital\Agent\agent.exe`, `"C:\Program Files\Hospital\Agent\agent.exe" /poll`},
	{"svchost-netsvcs", `C:\Windows\System32\cmd.exe`, `C:\Windows\System32\cmd.exe /c C:\Scripts\diskreport.cmd`},
}

// commandActs are starts and ends of programs where they are audited.
func (s *server) commandActs() []bulkAct {
	parents := make([]*process, len(ordinaryPrograms))
	for i, p := range ordinaryPrograms {
		parents[i] = s.standing(p.parent)
	}
	starts := s.routine("4688", s.self(), func(r *routine) func(*winValues, *winEntry) {
		id, name, parent, line, of := r.slot("NewProcessId"), r.slot("NewProcessName"), r.slot("ProcessId"), r.slot("CommandLine"), r.slot("ParentProcessName")
		return func(w *winValues, x *winEntry) {
			p := &ordinaryPrograms[x.n]
			w.SetNumber(id, event.Hex64, x.id)
			w.SetText(name, p.image)
			w.SetNumber(parent, event.Hex64, uint64(parents[x.n].pid))
			w.SetText(line, p.command)
			if of >= 0 {
				w.SetText(of, parents[x.n].image)
			}
		}
	})
	ends := s.routine("4689", s.self(), func(r *routine) func(*winValues, *winEntry) {
		id, name := r.slot("ProcessId"), r.slot("ProcessName")
		return func(w *winValues, x *winEntry) {
			w.SetNumber(id, event.Hex64, x.id)
			w.SetText(name, ordinaryPrograms[x.n].image)
		}
	})
	return []bulkAct{{40, 2, func(d *dice, at event.Time) {
		n, id := uint32(d.IntN(len(ordinaryPrograms))), uint64(d.pid())
		s.adds(at, starts, nil, nil, id, n)
		s.adds(d.within(at.Add(time.Second), 4*time.Minute), ends, nil, nil, id, n)
	}}}
}

// sysmonActs are what Sysmon tells of ordinary programs: start, files, registry, connections, end.
func (s *server) sysmonActs() []bulkAct {
	type program struct {
		parent *process
		hashes string
	}
	list := make([]program, len(ordinaryPrograms))
	for i, p := range ordinaryPrograms {
		list[i] = program{s.standing(p.parent), hashes(&process{image: p.image})}
	}
	// id holds the process number, n the program; the time of its start tells the rest.
	named := func(r *routine) func(*winValues, *winEntry) {
		when, guid, pid, image := r.slot("UtcTime"), r.slot("ProcessGuid"), r.slot("ProcessId"), r.slot("Image")
		return func(w *winValues, x *winEntry) {
			n := int(x.n) % len(list)
			g := s.guid(&process{pid: uint32(x.id), at: event.Time(x.id>>32) * 1e9})
			w.SetUTC(when, s.local(x.at))
			w.SetCopy(guid, event.GUID, g[:])
			w.SetNumber(pid, event.Uint32, x.id&0xffffffff)
			w.SetText(image, ordinaryPrograms[n].image)
		}
	}
	microsoft := fields{"User": `NT AUTHORITY\SYSTEM`, "LogonGuid": s.logonGuid(0x3e7), "LogonId": 0x3e7, "Company": "Microsoft Corporation", "Product": "Microsoft® Windows® Operating System", "FileVersion": "10.0.14393.0 (rs1_release.160715-1616)"}
	starts := s.routine("sysmon-1", microsoft, func(r *routine) func(*winValues, *winEntry) {
		base, line, sums, original, guid, pid, image, command := named(r), r.slot("CommandLine"), r.slot("Hashes"), r.slot("OriginalFileName"), r.slot("ParentProcessGuid"), r.slot("ParentProcessId"), r.slot("ParentImage"), r.slot("ParentCommandLine")
		return func(w *winValues, x *winEntry) {
			base(w, x)
			n := int(x.n) % len(list)
			p := &ordinaryPrograms[n]
			g := s.guid(list[n].parent)
			w.SetText(line, p.command)
			w.SetText(sums, list[n].hashes)
			w.SetText(original, p.image[strings.LastIndexByte(p.image, '\\')+1:])
			w.SetCopy(guid, event.GUID, g[:])
			w.SetNumber(pid, event.Uint32, uint64(list[n].parent.pid))
			w.SetText(image, list[n].parent.image)
			w.SetText(command, list[n].parent.command)
		}
	})
	files := s.routine("sysmon-11", fields{}, func(r *routine) func(*winValues, *winEntry) {
		base, target, made := named(r), r.slot("TargetFilename"), r.slot("CreationUtcTime")
		return func(w *winValues, x *winEntry) {
			base(w, x)
			w.SetText(target, temporary[int(x.n>>8)%len(temporary)])
			w.SetUTC(made, s.local(x.at))
		}
	})
	values := s.routine("sysmon-13", fields{}, func(r *routine) func(*winValues, *winEntry) {
		base, object, details := named(r), r.slot("TargetObject"), r.slot("Details")
		return func(w *winValues, x *winEntry) {
			base(w, x)
			w.SetText(object, settings[int(x.n>>8)%len(settings)])
			w.SetText(details, "DWORD (0x00000001)")
		}
	})
	dc := s.e.dc
	connects := s.routine("sysmon-3", fields{"User": `NT AUTHORITY\SYSTEM`, "SourceIp": s.address, "SourceHostname": s.computer(), "DestinationIp": dc.address, "DestinationHostname": dc.computer()}, func(r *routine) func(*winValues, *winEntry) {
		base, from, to := named(r), r.slot("SourcePort"), r.slot("DestinationPort")
		return func(w *winValues, x *winEntry) {
			base(w, x)
			w.SetNumber(from, event.Uint16, uint64(49152+x.n%16384))
			w.SetNumber(to, event.Uint16, uint64([]int{88, 389, 445, 135, 53}[int(x.n>>8)%5]))
		}
	})
	asks := s.routine("sysmon-22", fields{"QueryResults": "::ffff:" + dc.address + ";"}, func(r *routine) func(*winValues, *winEntry) {
		base, name := named(r), r.slot("QueryName")
		return func(w *winValues, x *winEntry) {
			base(w, x)
			w.SetText(name, dc.computer())
		}
	})
	ends := s.routine("sysmon-5", fields{}, named)
	return []bulkAct{{26, 5, func(d *dice, at event.Time) {
		n, id := uint32(d.IntN(len(list))), uint64(d.pid())|uint64(at/1e9)<<32
		more := func(r *routine) {
			at = d.within(at, 2*time.Second)
			s.adds(at, r, nil, nil, id, n+uint32(len(list))*(d.Uint32N(1<<20)))
		}
		s.adds(at.Add(3*time.Millisecond), starts, nil, nil, id, n)
		more(files)
		more(values)
		if d.chance(60) {
			more(connects)
		} else {
			more(asks)
		}
		s.adds(d.within(at.Add(time.Second), 3*time.Minute), ends, nil, nil, id, n)
	}}}
}

var (
	temporary = []string{`C:\Windows\Temp\tmp41A2.tmp`, `C:\Windows\SoftwareDistribution\Download\install.tmp`, `C:\Windows\System32\LogFiles\WMI\RtBackup\EtwRT.etl`, `C:\ProgramData\Hospital\Agent\queue.dat`,
		`C:\Windows\ServiceState\EventLog\Data\lastalive0.dat`, `C:\ProgramData\Microsoft\Windows\WER\Temp\WER4B1.tmp`}
	settings = []string{`HKLM\System\CurrentControlSet\Services\W32Time\Config\LastKnownGoodTime`, `HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Schedule\TaskCache\Tasks\Hash`,
		`HKLM\SOFTWARE\Hospital\Agent\LastPoll`, `HKLM\SOFTWARE\Microsoft\SystemCertificates\AuthRoot\AutoUpdate\LastSyncTime`, `HKLM\System\CurrentControlSet\Services\BITS\Start`}
)

// scriptActs are the scripts of the monitoring, where PowerShell logs what it runs.
func (s *server) scriptActs() []bulkAct {
	id := digest(8, s.key, "script") + "-1c2d-4e3f-8a4b-" + digest(12, s.key)
	scripts := []string{
		"Get-Counter '\\Processor(_Total)\\% Processor Time' -SampleInterval 2 -MaxSamples 3 | ForEach-Object { $_.CounterSamples } | Select-Object Path, CookedValue",
		"Get-WmiObject Win32_LogicalDisk -Filter \"DriveType=3\" | Select-Object DeviceID, @{n='Free';e={[math]::Round($_.FreeSpace/1GB,1)}}, Size | Export-Csv C:\\Scripts\\disks.csv -NoTypeInformation",
		"$services = 'MSSQLSERVER','W3SVC','Spooler'\r\nforeach ($s in $services) {\r\n  $x = Get-Service -Name $s -ErrorAction SilentlyContinue\r\n  if ($x -and $x.Status -ne 'Running') { Write-EventLog -LogName Application -Source Hospital -EventId 41 -Message \"$s is not running\" }\r\n}",
		"Get-ChildItem E:\\Backup -Filter *.bak | Where-Object { $_.LastWriteTime -gt (Get-Date).AddDays(-1) } | Measure-Object -Property Length -Sum",
	}
	block := s.routine("script-4104", fields{"ScriptBlockId": id}, func(r *routine) func(*winValues, *winEntry) {
		text := r.slot("ScriptBlockText")
		return func(w *winValues, x *winEntry) { w.SetText(text, scripts[int(x.n)%len(scripts)]) }
	})
	host := "        Severity = Informational\r\n        Host Name = ConsoleHost\r\n        Host Version = 5.1.14393.5127\r\n        Host ID = " + id + "\r\n        Host Application = powershell.exe -File C:\\Scripts\\health.ps1\r\n        Engine Version = 5.1.14393.5127\r\n        User = NT AUTHORITY\\SYSTEM\r\n"
	call := s.routine("powershell-4103", fields{"ContextInfo": host}, func(r *routine) func(*winValues, *winEntry) {
		text := r.slot("Payload")
		commands := []string{"Get-Counter", "Get-WmiObject", "Select-Object", "Export-Csv", "Get-Service", "Measure-Object"}
		return func(w *winValues, x *winEntry) {
			c := commands[int(x.n)%len(commands)]
			w.SetText(text, "CommandInvocation("+c+"): \""+c+"\"\r\nParameterBinding("+c+"): name=\"ErrorAction\"; value=\"SilentlyContinue\"\r\n")
		}
	})
	return []bulkAct{{12, 5, func(d *dice, at event.Time) {
		s.adds(at, block, nil, nil, 0, d.Uint32())
		for range 4 {
			at = at.Add(30 * time.Millisecond)
			s.adds(at, call, nil, nil, 0, d.Uint32())
		}
	}}}
}

// SetGUID puts a GUID that two numbers make in the place of the i-th value.
func (w *winValues) SetGUID(i int, a, b uint64) {
	var g [16]byte
	binary.LittleEndian.PutUint64(g[:], a)
	binary.LittleEndian.PutUint64(g[8:], b)
	g[7], g[8] = g[7]&0x0f|0x40, g[8]&0x3f|0x80
	w.SetCopy(i, event.GUID, g[:])
}

// SetUTC puts a time as Sysmon spells it in the place of the i-th value.
func (w *winValues) SetUTC(i int, at event.Time) {
	w.scratch = at.Std().AppendFormat(w.scratch[:0], "2006-01-02 15:04:05.000")
	w.SetCopy(i, event.UTF8, w.scratch)
}

// linuxBulk is the same of a Linux server: logons of the monitoring, requests, transfers, the mail queue, the kernel.
func (s *server) linuxBulk(d *dice) {
	perDay := s.bulkOf() / 2
	if perDay == 0 {
		return
	}
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		for hour, part := range hours {
			n := perDay * part / 1000
			if weekday == time.Sunday {
				n = n * 6 / 10
			}
			for range n {
				s.linuxLine(d, d.within(midnight.Add(time.Duration(hour)*time.Hour), time.Hour))
			}
		}
	})
}

func (s *server) linuxLine(d *dice, at event.Time) {
	switch k := d.IntN(100); {
	case s.role == "web" && k < 75:
		agent := pick(d, s.e.portal.agents)
		s.request(at, fmt.Sprintf("198.19.%d.%d", d.IntN(200), d.between(1, 250)), "GET", pick(d, s.e.portal.pages), 200, d.between(180, 24000), "-", agent)
	case s.role == "pacs" && k < 80:
		s.syslog("syslog", at, "dcmrcv[3120]", "EX-%s -> PACS: C-STORE of %s, %d bytes, status 0H", pick(d, []string{"CT1", "CT2", "MR1", "XR3", "US2"}), "1.2.826.0.1.3680043.9."+fmt.Sprint(d.IntN(1<<30)), d.between(120_000, 900_000))
	case k < 30:
		tag := fmt.Sprintf("sshd[%d]", d.between(1200, 30000))
		s.syslog("auth", at, tag, "Accepted publickey for nagios from %s port %d ssh2: ED25519 SHA256:%s", s.e.jump.address, d.port(), s.keyOf("nagios"))
		s.syslog("auth", at.Add(3*time.Millisecond), tag, "pam_unix(sshd:session): session opened for user nagios(uid=998) by (uid=0)")
		s.syslog("auth", at.Add(2*time.Second), tag, "pam_unix(sshd:session): session closed for user nagios")
	case k < 60:
		s.syslog("syslog", at, "systemd[1]", "%s Session %d of user nagios.", pick(d, []string{"Started", "Removed"}), d.between(1000, 90000))
	case k < 80:
		s.cron(d, at, "hospital", "/opt/hospital/bin/sync >/dev/null 2>&1")
	default:
		s.syslog("syslog", at, "hospital-agent[1410]", "poll ok, %d items in %d ms", d.IntN(40), d.IntN(900))
	}
}

// keyOf is the fingerprint of an account's key.
func (s *server) keyOf(name string) string {
	if s.e.keys == nil {
		s.e.keys = map[string]string{}
	}
	if s.e.keys[name] == "" {
		s.e.keys[name] = s.e.dice("key", name).letters(43, base64s)
	}
	return s.e.keys[name]
}
