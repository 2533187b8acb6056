package exercise

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// ordinary plans a hospital's days: what its servers do by themselves, what staff and administrators do by shift.
func (e *estate) ordinary() {
	dc := e.dc
	e.each(windows, func(s *server) {
		e.do("system "+s.name, s.systemDays, s)
		if s.former != "" {
			e.template(s)
		}
		e.do("tasks "+s.name, s.taskDays, s)
		e.do("monitoring "+s.name, s.monitored, s, dc)
		e.do("administration "+s.name, s.administered, s, dc, e.jump)
		e.do("users "+s.name, s.used, s, dc)
		switch s.role {
		case "database":
			e.do("database "+s.name, s.databaseDays, s)
		case "domain-controller":
			e.do("domain "+s.name, s.domainDays, s, dc)
		}
		if s.sysmon || s.commands {
			e.do("processes "+s.name, s.processes, s)
		}
		e.do("bulk "+s.name, s.bulk, s)
	})
	for _, s := range e.servers {
		if s.system == windows && s != dc {
			e.do("own tickets "+s.name, s.ownTickets, dc)
		}
	}
	e.each(linux, func(s *server) {
		e.do("linux "+s.name, s.linuxDays, s)
		e.do("bulk "+s.name, s.linuxBulk, s)
		if s.role == "web" {
			e.do("visitors "+s.name, s.visitors, s)
		}
	})
	if e.by["PG1"] != nil && e.by["PORTAL"] != nil {
		e.do("portal's database", e.portalDays, e.by["PG1"])
	}
	e.each(linux, func(s *server) {
		if s.role == "pacs" {
			e.do("images "+s.name, s.images, s)
		}
	})
	e.each(esxi, func(s *server) { e.do("hypervisor "+s.name, s.hypervises, s) })
}

// systemDays are what a Windows server logs by itself: services that come and go, the clock, policies, signatures, its
// monthly restart.
func (s *server) systemDays(d *dice) {
	routine := []string{"Windows Modules Installer/TrustedInstaller", "Background Intelligent Transfer Service/BITS", "Windows Update/wuauserv", "WMI Performance Adapter/wmiApSrv",
		"Software Protection/sppsvc", "Portable Device Enumerator Service/WPDBusEnum", "Application Experience/AeLookupSvc", "Network Setup Service/NetSetupSvc", "Device Setup Manager/DsmSvc"}
	s.e.every(d, 95*time.Minute, func(at event.Time) {
		display, name, _ := strings.Cut(pick(d, routine), "/")
		s.service(at)
		s.runs(at.Add(20*time.Millisecond), display, name, true)
		s.runs(at.Add(d.about(9*time.Minute)), display, name, false)
	})
	s.e.every(d, 26*time.Hour, func(at event.Time) {
		start := []string{"demand start", "auto start"}
		s.log(at, "7040", fields{"param1": "Background Intelligent Transfer Service", "param2": start[0], "param3": start[1], "param4": "BITS"})
		s.log(at.Add(d.about(20*time.Minute)), "7040", fields{"param1": "Background Intelligent Transfer Service", "param2": start[1], "param3": start[0], "param4": "BITS"})
	})
	s.e.every(d, 17*time.Hour, func(at event.Time) { s.log(at, "10016", fields{}) })
	s.e.every(d, 5*time.Hour, func(at event.Time) {
		s.log(at, "1500", fields{"ProcessingTimeInMilliseconds": d.between(300, 2600), "DCName": `\\` + s.e.dc.computer(), "@activity": d.guid()})
	})
	s.e.every(d, 31*time.Hour, func(at event.Time) {
		s.log(at, "37", fields{"TimeSource": fmt.Sprintf("%s (ntp.d|0x0|%s:123->%s:123)", s.e.dc.computer(), s.address, s.e.dc.address)})
	})
	s.e.every(d, 8*time.Hour, func(at event.Time) {
		s.log(at, "spp-902", fields{"@data": []string{"10.0.14393.0"}})
		s.log(at.Add(30*time.Second), "spp-16384", fields{"@data": []string{at.Std().AddDate(0, 2, 0).Format("2006-01-02T15:04:05Z"), "RulesEngine"}})
		s.log(at.Add(31*time.Second), "spp-903", fields{})
	})
	day := 0
	s.e.days(func(midnight event.Time, _ time.Weekday) {
		s.log(midnight.Add(12*time.Hour), "6013", s.uptime(9000*day+86000+d.IntN(500)))
		s.defends(d, midnight, day)
		day++
	})
	if patch := s.e.at(-13, 22, 0); patch > s.e.from {
		s.boots(d, d.within(patch, 3*time.Hour))
	}
}

// taskDays are scheduled tasks: Windows' own and the hospital's.
func (s *server) taskDays(d *dice) {
	tasks := []struct{ name, action string }{
		{`\Microsoft\Windows\Windows Error Reporting\QueueReporting`, `C:\Windows\system32\wermgr.exe`},
		{`\Microsoft\Windows\Time Synchronization\SynchronizeTime`, `C:\Windows\system32\sc.exe`},
		{`\Microsoft\Windows\Customer Experience Improvement Program\Consolidator`, `C:\Windows\System32\wsqmcons.exe`},
		{`\Microsoft\Windows\UpdateOrchestrator\Schedule Scan`, `C:\Windows\system32\usoclient.exe`},
		{`\Hospital\Disk space report`, `C:\Windows\System32\cmd.exe /c C:\Scripts\diskreport.cmd`},
	}
	s.e.every(d, 100*time.Minute, func(at event.Time) {
		t := pick(d, tasks)
		s.runsTask(d, at, t.name, "S-1-5-18", t.action, d.about(4*time.Second))
	})
	s.e.every(d, 90*time.Hour, func(at event.Time) {
		s.log(at, "task-140", fields{"TaskName": `\Microsoft\Windows\UpdateOrchestrator\Schedule Scan`, "UserName": `NT AUTHORITY\SYSTEM`})
	})
}

// monitored is the monitoring's logon every half hour or so. A ticket lasts ten hours; only then the domain controller
// is asked again.
func (s *server) monitored(d *dice) {
	who, from := s.e.services["monitor"], s.e.jump.host()
	var ticket event.Time
	s.e.every(d, 40*time.Minute, func(at event.Time) {
		if at > ticket {
			s.e.ticket(d, at, who, from, s, d.chance(20))
			ticket = at.Add(10 * time.Hour)
		}
		x := s.kerberos(d, at, who, from)
		s.logoff(at.Add(d.about(8*time.Second)), x)
	})
}

// administered are the administrators' sessions of Remote Desktop through the jump server, on weekdays by day.
func (s *server) administered(d *dice) {
	jump, list := s.e.jump, s.e.admins
	if s.role == "database" || s.role == "lis" {
		list = append(slices.Clone(list), s.e.services["dba"])
	}
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		who := pick(d, list)
		at := d.within(midnight.Add(10*time.Hour), 7*time.Hour)
		lasts := d.about(25 * time.Minute)
		often := 12
		if s == jump {
			often = 80
		}
		if weekday == time.Sunday || !d.chance(often) || at.Add(lasts) > s.e.to {
			return
		}
		from := jump.host()
		if s == jump {
			from = who.station
		} else {
			x := jump.session(at.Add(-time.Hour), who, who.station, 10)
			jump.explicit(d, at.Add(-3*time.Second), x, who, s, `C:\Windows\System32\mstsc.exe`)
		}
		x := s.rdp(d, at, who, from)
		if d.chance(40) {
			p := s.start(d, at.Add(time.Minute), &process{image: `C:\Windows\explorer.exe`, command: `C:\Windows\Explorer.EXE`, pid: d.pid(), at: at, session: x}, x,
				`C:\Windows\System32\mmc.exe`, `"C:\Windows\system32\mmc.exe" "C:\Windows\system32\services.msc" /s`)
			s.ends(at.Add(lasts-time.Minute), p)
		}
		s.rdpEnds(at.Add(lasts), x)
	})
}

// load is how many logons of staff a role sees in a shift's hour.
var load = map[string]int{"application": 4, "file": 6, "mail": 5, "lis": 3, "pacs": 2, "domain-controller": 3}

// used are the staff's logons by shift, their reading and writing of files, and their mistyping.
func (s *server) used(d *dice) {
	perHour := load[s.role]
	if perHour == 0 {
		return
	}
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		for hour := range 24 {
			n := perHour
			switch {
			case hour < 8 || hour >= 20:
				n = n / 3
			case weekday == time.Sunday:
				n = n / 2
			}
			for range n {
				at := d.within(midnight.Add(time.Duration(hour)*time.Hour), time.Hour)
				if at < s.e.from || at > s.e.to.Add(-time.Minute) {
					continue
				}
				s.uses(d, at, pick(d, s.e.staff))
			}
		}
	})
}

func (s *server) uses(d *dice, at event.Time, who *account) {
	if d.chance(2) {
		s.mistyped(d, at.Add(-20*time.Second), who, who.station)
	}
	if d.chance(12) {
		s.e.ticket(d, at, who, who.station, s, d.chance(50))
	}
	x := s.kerberos(d, at, who, who.station)
	if s.shares {
		c := s.connection(d, x)
		c.opens(at.Add(time.Second), common, `\`, 0x100081)
		for i := range d.between(1, 3) {
			mask := 0x120089
			if d.chance(30) {
				mask = 0x12019f
			}
			c.opens(at.Add(time.Duration(i+2)*time.Second), common, pick(d, departments)+pick(d, documents), mask)
		}
	}
	s.logoff(at.Add(d.about(11*time.Minute)), x)
}

var (
	departments = []string{`Accounts\`, `Stores\`, `Establishment\`, `Radiology\Reports\`, `Nursing\Rosters\`, `Pathology\`, `Academic\`}
	documents   = []string{"november.xlsx", "indent 2022.docx", "duty roster.xlsx", "leave.docx", "tender 41.pdf", "summary.docx", "stock.xlsx", "minutes.docx", "circular.pdf", "list.xlsx"}
)

// databaseDays are a database server's: backups by night, logons that fail.
func (s *server) databaseDays(d *dice) {
	short := strings.ToLower(s.key)
	app := s.e.applicationOf(s)
	s.e.days(func(midnight event.Time, _ time.Weekday) {
		at := d.within(midnight.Add(90*time.Minute), 10*time.Minute)
		for _, name := range []string{"master", "msdb", short} {
			s.sqlBackup(d, at, name, `E:\Backup\`+name+".bak")
			at = at.Add(d.about(4 * time.Minute))
		}
	})
	s.e.every(d, 3*time.Hour, func(at event.Time) {
		s.sqlLogon(at, s.e.domain.name+`\`+app.who.name, app.from.address)
	})
	s.e.every(d, 60*time.Hour, func(at event.Time) { s.sqlFails(at, "report", pick(d, s.e.staff).station.address) })
}

// uses of a database: the application and the account with which it logs on.
type application struct {
	from host
	who  *account
}

// applicationOf is the application that uses a database server: that of the same name, else any.
func (e *estate) applicationOf(s *server) application {
	word, _, _ := strings.Cut(s.key, "-")
	a := application{e.jump.host(), e.services["ehosp"]}
	for key, who := range map[string]string{"LIS": "lis", "PHARM": "pharm"} {
		if strings.HasPrefix(s.key, key) {
			a.who = e.services[who]
		}
	}
	for _, x := range e.servers {
		if x.role == "application" && x.system == windows && !x.unlisted {
			if strings.HasPrefix(x.key, word+"-") {
				return application{x.host(), a.who}
			}
			a.from = x.host()
		}
	}
	return a
}

// domainDays are the domain controller's: computers that fetch their policies.
func (s *server) domainDays(d *dice) {
	e, dc := s.e, s
	e.every(d, 35*time.Minute, func(at event.Time) {
		from := pick(d, e.staff).station
		who := &account{name: from.name + "$", sid: fmt.Sprintf("%s-%d", e.domain.sid, 2000+number(900, from.name))}
		if d.chance(30) {
			e.ticket(d, at, who, from, dc, d.chance(60))
		}
		x := dc.kerberos(d, at, who, from)
		dc.logoff(at.Add(d.about(12*time.Second)), x)
	})
}

// processes are the programs that come and go on a server that records them, and its connections.
func (s *server) processes(d *dice) {
	programs := []struct{ parent, image, command string }{
		{"svchost-dcom", `C:\Windows\System32\wbem\WmiPrvSE.exe`, `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`},
		{"svchost-netsvcs", `C:\Windows\System32\taskhostw.exe`, `taskhostw.exe`},
		{"services", `C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k wsappx`},
		{"svchost-dcom", `C:\Windows\System32\dllhost.exe`, `C:\Windows\system32\DllHost.exe /Processid:{AB8902B4-09CA-4BB6-B78D-A8F59079A8D5}`},
		{"services", `C:\Windows\System32\sppsvc.exe`, `C:\Windows\system32\sppsvc.exe`},
		{"services", `C:\Windows\servicing\TrustedInstaller.exe`, `C:\Windows\servicing\TrustedInstaller.exe`},
	}
	s.e.every(d, 22*time.Minute, func(at event.Time) {
		x := pick(d, programs)
		p := s.start(d, at, s.standing(x.parent), nil, x.image, x.command)
		s.ends(at.Add(d.about(2*time.Minute)), p)
		if d.chance(25) {
			s.creates(at.Add(time.Second), p, fmt.Sprintf(`C:\Windows\Temp\%s.tmp`, strings.ToUpper(d.letters(6, lower))))
		}
	})
	dc := s.e.dc.host()
	s.e.every(d, 70*time.Minute, func(at event.Time) {
		name, user, port := "lsass", `NT AUTHORITY\SYSTEM`, pick(d, []int{88, 389, 445})
		switch {
		case port == 445:
			name = "System"
		case d.chance(40):
			name, user, port = "svchost-local", `NT AUTHORITY\NETWORK SERVICE`, 53
		}
		s.connects(d, at, s.standing(name), user, dc, port)
	})
}
