package exercise

import (
	"fmt"
	"time"

	"wardround/internal/event"
)

// decoys plans lawful work that looks like the intruder's.
func (e *estate) decoys() {
	d := e.dice("decoys")
	e.adminTools(d)
	e.nightlyJob(d)
	e.oracleClient(d)
	e.mailScanner(d)
	e.deployments()
}

// adminTools: two administrators use PsExec from the jump server. One had his work approved, the other had not.
func (e *estate) adminTools(d *dice) {
	approved := d.within(e.at(-4, 22, 20), 90*time.Minute)
	alone := d.within(e.at(-1, 15, 30), 90*time.Minute)
	jump := e.by["JUMP1"]
	e.changes = []change{
		{e.at(-6, 21, 0), e.at(-5, 1, 0), e.domain.name + `\adm.sharma`, jump.name, "EX-MAIL1", "Exchange update", "CR-2207"},
		{e.at(-4, 22, 0), e.at(-3, 2, 0), e.domain.name + `\adm.iyer`, jump.name, "EX-BKP1", "PsExec", "CR-2210"},
		{e.at(-3, 18, 0), e.at(-3, 20, 0), e.domain.name + `\adm.khan`, jump.name, "EX-RIS1", "", "CR-2212"},
	}
	for _, c := range []struct {
		to    string
		who   *account
		at    event.Time
		runs  string
		truth string
	}{
		{"BKP1", e.admins[1], approved, "cmd", "administrator's PsExec, approved"},
		{"RIS1", e.admins[2], alone, `ipconfig /flushdns`, "administrator's PsExec, not approved"},
	} {
		s := e.by[c.to]
		s.truth.decoy = c.truth
		if c.to == "RIS1" {
			s.truth.verdict = event.Suspected
		}
		e.do("PsExec on "+c.to, func(d *dice) {
			e.ticket(d, c.at, c.who, jump.host(), s, true)
			in := s.kerberos(d, c.at, c.who, jump.host())
			service := s.remoteService(d, c.at.Add(300*time.Millisecond), in, "PSEXESVC", "PSEXESVC.exe", psexecPipes(d, "PSEXESVC", jump.host()))
			s.start(d, c.at.Add(time.Second), service, in, `C:\Windows\System32\cmd.exe`, c.runs)
			end := c.at.Add(d.about(5 * time.Minute))
			s.runs(end, "PSEXESVC", "PSEXESVC", false)
			s.logoff(end.Add(time.Second), in)
		}, s, e.by["DC1"])
	}
}

// nightlyJob: for weeks, a job of SQL Server has copied the pharmacy's backups by xp_cmdshell.
func (e *estate) nightlyJob(d *dice) {
	s := e.by["PHARM-DB1"]
	s.truth.decoy = "nightly xp_cmdshell job; genuine Oracle client with MSDTC"
	minute := d.between(5, 50)
	e.do("nightly job", func(d *dice) {
		e.days(func(midnight event.Time, _ time.Weekday) {
			at := d.within(midnight.Add(2*time.Hour+time.Duration(minute)*time.Minute), 20*time.Second)
			const copies = `robocopy E:\Backup \\EX-BKP1\sql\pharm /MIR /R:2 /W:5`
			shell := s.cmdshell(d, at, e.domain.name+`\svc_pharm`, "local machine", copies)
			p := s.start(d, at.Add(60*time.Millisecond), shell, nil, `C:\Windows\System32\Robocopy.exe`, copies)
			s.ends(at.Add(d.about(4*time.Minute)), p)
			s.log(at.Add(5*time.Minute), "agent-102", fields{"@data": []string{"SQLServerAgent job 'Copy backups' completed"}})
		})
	}, s)
}

// oracleClient: MSDTC loads the library of a genuine Oracle client each time that it starts.
func (e *estate) oracleClient(d *dice) {
	s := e.by["PHARM-DB1"]
	installed := d.within(e.at(-e.options.Days+3, 12, 0), 3*time.Hour)
	e.do("Oracle client", func(d *dice) {
		s.log(installed, "msi-11707", fields{"@data": []string{"Product: Oracle Client 12.2 for Windows x64 -- Installation completed successfully.", "(NULL)", "(NULL)", "(NULL)", "(NULL)", "(NULL)", ""}})
		s.log(installed.Add(time.Second), "msi-1033", fields{"@data": []string{"Oracle Client 12.2 for Windows x64", "12.2.0.1", "1033", "0", "Oracle Corporation", "(NULL)", ""}})
		for at := installed.Add(time.Hour); at < e.to; at = at.Add(d.about(6 * 24 * time.Hour)) {
			s.runs(at, "Distributed Transaction Coordinator", "MSDTC", false)
			p := &process{image: `C:\Windows\System32\msdtc.exe`, command: `C:\Windows\System32\msdtc.exe`, pid: d.pid(), at: at.Add(30 * time.Second), folder: `C:\Windows\system32\`}
			s.started(p, s.standing("services"))
			s.loads(p.at.Add(400*time.Millisecond), p, `C:\oracle\client_1\bin\oci.dll`, nil, "Oracle America, Inc.")
			s.log(p.at.Add(time.Second), "msdtc-4202", fields{"@data": []string{"Security Configuration (OFF = 0 and ON = 1):\r\nAllow Remote Administrator = 0,\r\nNetwork Clients = 1,\r\nTransaction Manager Communication:\r\nAllow Inbound Transactions = 1,\r\nAllow Outbound Transactions = 1"}})
			s.runs(p.at.Add(time.Second), "Distributed Transaction Coordinator", "MSDTC", true)
		}
	}, s)
}

// mailScanner: the mail server's antivirus names what comes by mail, and an administrator tests it.
func (e *estate) mailScanner(d *dice) {
	s := e.by["MAIL1"]
	s.truth.decoy = "antivirus detections in mail, antivirus test file"
	test := d.within(e.at(-9, 11, 0), 3*time.Hour)
	e.do("mail scanner", func(d *dice) {
		s.detects(d, test, "Virus:DOS/EICAR_Test_File", 2147519003, "Severe", "Virus", `file:_C:\Users\adm.sharma\Desktop\eicar.com`, `C:\Windows\explorer.exe`, e.domain.name+`\adm.sharma`)
		e.every(d, 8*24*time.Hour, func(at event.Time) {
			file := fmt.Sprintf(`file:_C:\Program Files\Microsoft\Exchange Server\V15\TransportRoles\data\Temp\UnifiedContent\%s`, digest(16, at.String()))
			s.detects(d, at, pick(d, []string{"TrojanDownloader:O97M/Emotet.CSK!MTB", "Trojan:HTML/Phish!MSR", "TrojanDownloader:JS/Nemucod"}), 2147760000+d.IntN(9000), "Severe", "Trojan Downloader", file,
				`C:\Program Files\Microsoft\Exchange Server\V15\Bin\EdgeTransport.exe`, `NT AUTHORITY\SYSTEM`)
		})
	}, s)
}

// deployments: the account that deploys the portal logs on to its database server with its key, by day.
func (e *estate) deployments() {
	s, portal := e.by["PG1"], e.by["PORTAL"]
	e.do("deployments", func(d *dice) {
		e.days(func(midnight event.Time, weekday time.Weekday) {
			at := d.within(midnight.Add(15*time.Hour), time.Hour)
			if weekday != time.Tuesday && weekday != time.Friday || at > e.to {
				return
			}
			l := s.ssh(d, at, "deploy", 1001, portal.host(), "publickey")
			s.sudo(at.Add(40*time.Second), l, "/home/deploy", "/usr/bin/systemctl reload postgresql")
			s.sshEnds(at.Add(3*time.Minute), l)
		})
	}, s)
}
