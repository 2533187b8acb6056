package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// takesDesktop: with the database administrator's password, from LSASS, a desktop on the application server, and from
// there one on the e-Hospital database server.
func (x *intruder) takesDesktop(at event.Time) {
	s, app, portal := x.e.by["EHOSP-DB1"], x.e.by["EHOSP-APP1"], x.e.by["PORTAL"]
	who := x.database
	x.e.truth.hops = append(x.e.truth.hops, hop{portal.name, app.name, at, "rdp"}, hop{app.name, s.name, at.Add(6 * time.Minute), "rdp"})
	x.e.do("desktop", func(d *dice) {
		desk := app.rdp(d, at, who, portal.host())
		userinit := &process{image: `C:\Windows\System32\userinit.exe`, command: `C:\Windows\system32\userinit.exe`, pid: d.pid(), at: at, session: desk}
		explorer := app.start(d, at.Add(3*time.Second), userinit, desk, `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`)
		app.start(d, at.Add(5*time.Minute+50*time.Second), explorer, desk, `C:\Windows\System32\mstsc.exe`, `"C:\Windows\system32\mstsc.exe" /v:`+s.name)
		app.explicit(d, at.Add(5*time.Minute+58*time.Second), desk, who, s, `C:\Windows\System32\mstsc.exe`)
		in := s.rdp(d, at.Add(6*time.Minute), who, app.host())
		s.started(x.desktop, &process{image: userinit.image, command: userinit.command, pid: d.pid(), at: in.at.Add(2 * time.Second), session: in})
		shell := s.start(d, at.Add(8*time.Minute), x.desktop, in, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
		for i, c := range []struct{ image, command string }{
			{`net.exe`, `net  view /domain`}, {`nslookup.exe`, `nslookup  ex-lis-db1`}, {`net.exe`, `net  use \\ex-fs1\Departments`}, {`vssadmin.exe`, `vssadmin  list shadows`},
		} {
			p := s.start(d, at.Add(9*time.Minute+time.Duration(i)*35*time.Second), shell, in, `C:\Windows\System32\`+c.image, c.command)
			s.ends(p.at.Add(2*time.Second), p)
		}
	}, s, app, x.e.by["DC1"])
}

// reachesLab: from the e-Hospital database server a service is installed on the laboratory's.
func (x *intruder) reachesLab(at event.Time) {
	s, db := x.e.by["LIS-DB1"], x.e.by["EHOSP-DB1"]
	x.e.reached(s, at, db.host(), db, x.e.domain.name+`\`+x.database.name, "remote service")
	x.e.do("service on the laboratory's server", func(d *dice) {
		db.creates(at.Add(-4*time.Minute), x.desktop, x.payload+`\ps.exe`)
		x.runsThere(d, at, s, 11*time.Minute)
	}, s, db, x.e.by["DC1"])
}

// runsThere: a tool that is PsExec under another name gives the intruder a shell on a server, with the ticket of his
// session on the e-Hospital database server.
func (x *intruder) runsThere(d *dice, at event.Time, s *server, lasts time.Duration) *session {
	db, who := x.e.by["EHOSP-DB1"], x.database
	in := x.desktop.session
	shell := db.start(d, at.Add(-time.Minute), x.desktop, in, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
	tool := &process{image: x.payload + `\ps.exe`, command: `ps.exe  \\` + strings.ToLower(s.name) + ` -accepteula -s -r ` + x.second + ` cmd.exe`, pid: d.pid(), at: at.Add(-2 * time.Second), session: in,
		content: harmless("a tool that runs programs on other servers stood here"), folder: x.payload + `\`}
	db.started(tool, shell)
	db.connects(d, at.Add(-time.Second), db.standing("System"), `NT AUTHORITY\SYSTEM`, s.host(), 445)
	db.connects(d, at.Add(-900*time.Millisecond), tool, x.e.domain.name+`\`+who.name, s.host(), 135)
	x.e.ticket(d, at, who, db.host(), s, true)
	there := s.kerberos(d, at, who, db.host())
	s.remoteService(d, at.Add(400*time.Millisecond), there, x.second, x.second+".exe", psexecPipes(d, x.second, db.host()))
	s.runs(at.Add(lasts), x.second, x.second, false)
	s.logoff(at.Add(lasts+time.Second), there)
	db.ends(at.Add(lasts+time.Second), tool)
	return there
}

// note is what the intruder writes at the beginning of each file that he encrypts.
func (x *intruder) note() string {
	return "??? Your files are encrypted. " + event.ExerciseMark + ". Write to " + x.mailto + " and keep this file. ???\n"
}

// encrypts: protection is switched off, shadow copies and the backup catalog are deleted, the database is stopped; a library
// puts another one beside MSDTC, which loads it and overwrites the database's files.
func (x *intruder) encrypts(at event.Time) {
	s := x.e.by["EHOSP-DB1"]
	s.truth.flags = append(s.truth.flags, "encrypted")
	s.sqlEnds = at.Add(102 * time.Second)
	dropper, implant := harmless("a program that puts a library beside MSDTC stood here"), harmless("a library that encrypts files stood here")
	damaged := append([]byte(x.note()), noise(x.e.dice("damaged"), 30_000)...)
	s.extra = append(s.extra, file{"C/" + strings.ReplaceAll(x.payload[3:], `\`, "/") + "/versions.dll", dropper, at.Add(2 * time.Minute)},
		file{"C/Windows/System32/oci.dll", implant, at.Add(3 * time.Minute)}, file{"D/eHospital/Data/ehosp_archive.ndf" + x.suffix, damaged, at.Add(5 * time.Minute)})
	x.e.do("encryption", func(d *dice) {
		in := x.desktop.session
		shell := s.start(d, at, x.desktop, in, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
		x.protectionOff(s, d, at.Add(20*time.Second), shell, in)
		x.copiesDeleted(s, d, at.Add(70*time.Second), shell, in)
		x.databaseStops(s, d, at.Add(100*time.Second), shell, in)
		s.creates(at.Add(2*time.Minute), x.desktop, x.payload+`\versions.dll`)
		load := &process{image: `C:\Windows\System32\rundll32.exe`, command: `rundll32.exe  ` + x.payload + `\versions.dll,#1`, pid: d.pid(), at: at.Add(3 * time.Minute), session: in, folder: x.payload + `\`}
		s.started(load, shell)
		s.loads(at.Add(3*time.Minute+50*time.Millisecond), load, x.payload+`\versions.dll`, dropper, "")
		s.creates(at.Add(3*time.Minute+400*time.Millisecond), load, `C:\Windows\System32\oci.dll`)
		x.serviceChanged(s, d, at.Add(3*time.Minute+time.Second), load, in)
		engine := &process{image: `C:\Windows\System32\msdtc.exe`, command: `C:\Windows\System32\msdtc.exe`, pid: d.pid(), at: at.Add(3*time.Minute + 12*time.Second), folder: `C:\Windows\system32\`}
		s.started(engine, s.standing("services"))
		s.loads(engine.at.Add(200*time.Millisecond), engine, `C:\Windows\System32\oci.dll`, implant, "")
		x.overwrites(s, d, engine)
	}, s)
}

func (x *intruder) protectionOff(s *server, d *dice, at event.Time, shell *process, in *session) {
	const command = `Set-MpPreference -DisableRealtimeMonitoring $true`
	p := s.start(d, at, shell, in, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `powershell  -c "`+command+`"`)
	user := fields{"@user": x.database.sid, "@pid": p.pid}
	s.log(at.Add(300*time.Millisecond), "powershell-40961", user)
	s.log(at.Add(350*time.Millisecond), "powershell-53504", fields{"param1": fmt.Sprint(p.pid)}.with(user))
	s.log(at.Add(400*time.Millisecond), "powershell-40962", user)
	s.log(at.Add(500*time.Millisecond), "powershell-4104", fields{"ScriptBlockText": command, "ScriptBlockId": digest(8, at.String()) + "-7c1d-4e2f-9a3b-" + digest(12, command, at.String())}.with(user))
	engine := &process{image: `C:\ProgramData\Microsoft\Windows Defender\Platform\4.18.2210.6-0\MsMpEng.exe`, pid: s.pid("msmpeng"), at: s.e.from}
	s.sets(at.Add(900*time.Millisecond), engine, `HKLM\SOFTWARE\Microsoft\Windows Defender\Real-Time Protection\DisableRealtimeMonitoring`, "DWORD (0x00000001)")
	s.log(at.Add(910*time.Millisecond), "defender-5007", fields{"Product Version": defenderVersion, "Old Value": `Default\Real-Time Protection\DisableRealtimeMonitoring = 0x0`,
		"New Value": `HKLM\SOFTWARE\Microsoft\Windows Defender\Real-Time Protection\DisableRealtimeMonitoring = 0x1`})
	s.log(at.Add(950*time.Millisecond), "defender-5001", fields{"Product Version": defenderVersion})
}

func (x *intruder) copiesDeleted(s *server, d *dice, at event.Time, shell *process, in *session) {
	s.start(d, at, shell, in, `C:\Windows\System32\vssadmin.exe`, `vssadmin  delete shadows /all /quiet`)
	s.runs(at.Add(200*time.Millisecond), "Volume Shadow Copy", "VSS", true)
	s.start(d, at.Add(8*time.Second), shell, in, `C:\Windows\System32\wbadmin.exe`, `wbadmin  delete catalog -quiet`)
	s.log(at.Add(9*time.Second), "backup-524", fields{})
	s.log(at.Add(3*time.Minute), "vss-8224", fields{})
	s.runs(at.Add(3*time.Minute), "Volume Shadow Copy", "VSS", false)
}

func (x *intruder) databaseStops(s *server, d *dice, at event.Time, shell *process, in *session) {
	s.start(d, at, shell, in, `C:\Windows\System32\net.exe`, `net  stop MSSQLSERVER /y`)
	s.log(at.Add(2*time.Second), "sql-17147", fields{"@binary": s.sqlBinary(17147, 10)})
	s.runs(at.Add(3*time.Second), "SQL Server Agent (MSSQLSERVER)", "SQLSERVERAGENT", false)
	s.runs(at.Add(5*time.Second), "SQL Server (MSSQLSERVER)", "MSSQLSERVER", false)
}

// serviceChanged: MSDTC is stopped, set to run as LocalSystem at start, and started.
func (x *intruder) serviceChanged(s *server, d *dice, at event.Time, parent *process, in *session) {
	for i, c := range []struct{ image, command string }{
		{`taskkill.exe`, `taskkill  /f /im msdtc.exe`}, {`sc.exe`, `sc  config msdtc obj= LocalSystem`}, {`sc.exe`, `sc  config msdtc start= auto`}, {`sc.exe`, `sc  start msdtc`},
	} {
		p := s.start(d, at.Add(time.Duration(i)*2*time.Second), parent, in, `C:\Windows\System32\`+c.image, c.command)
		s.ends(p.at.Add(time.Second), p)
	}
	s.log(at.Add(100*time.Millisecond), "7034", fields{"param1": "Distributed Transaction Coordinator", "param2": "1", "@binary": utf16le("MSDTC")})
	s.sets(at.Add(2*time.Second), s.standing("services"), `HKLM\System\CurrentControlSet\Services\MSDTC\ObjectName`, "LocalSystem")
	s.sets(at.Add(4*time.Second), s.standing("services"), `HKLM\System\CurrentControlSet\Services\MSDTC\Start`, "DWORD (0x00000002)")
	s.log(at.Add(4*time.Second), "7040", fields{"param1": "Distributed Transaction Coordinator", "param2": "demand start", "param3": "auto start", "param4": "MSDTC", "@user": x.database.sid})
	s.runs(at.Add(11*time.Second), "Distributed Transaction Coordinator", "MSDTC", true)
}

// overwrites: the files of the database's volume are written anew under the intruder's suffix.
func (x *intruder) overwrites(s *server, d *dice, engine *process) {
	at := engine.at.Add(2 * time.Second)
	for i := range d.between(120, 180) {
		name := fmt.Sprintf(`D:\eHospital\Data\%s_%03d%s`, pick(d, []string{"opd", "ipd", "billing", "pharmacy", "scan", "consent"}), i, pick(d, []string{".ndf", ".bak", ".pdf", ".tif", ".xml"}))
		if i == 0 {
			name = `D:\eHospital\Data\ehosp.mdf`
		}
		s.creates(at, engine, name+x.suffix)
		at = at.Add(d.about(900 * time.Millisecond))
	}
}

// encryptsLab: the same on a server that records little: services, and that the logs were cleared.
func (x *intruder) encryptsLab(at event.Time) {
	s := x.e.by["LIS-DB1"]
	s.truth.flags = append(s.truth.flags, "encrypted", "evidence tampered")
	s.cleared = map[string]event.Time{"Security": at.Add(9 * time.Minute)}
	s.sqlEnds = at.Add(22 * time.Second)
	s.cleared["Application"] = s.cleared["Security"].Add(2 * time.Second)
	s.extra = append(s.extra, file{"D/LIS/Data/lis_results.ndf" + x.suffix, append([]byte(x.note()), noise(x.e.dice("damaged there"), 20_000)...), at.Add(4 * time.Minute)},
		file{"C/Windows/System32/oci.dll", harmless("a library that encrypts files stood here"), at.Add(time.Minute)})
	x.e.do("encryption of the laboratory", func(d *dice) {
		in := x.runsThere(d, at.Add(-20*time.Second), s, 10*time.Minute)
		s.runs(at.Add(5*time.Second), "Volume Shadow Copy", "VSS", true)
		s.runs(at.Add(20*time.Second), "SQL Server Agent (MSSQLSERVER)", "SQLSERVERAGENT", false)
		s.runs(at.Add(22*time.Second), "SQL Server (MSSQLSERVER)", "MSSQLSERVER", false)
		s.log(at.Add(50*time.Second), "7034", fields{"param1": "Distributed Transaction Coordinator", "param2": "1", "@binary": utf16le("MSDTC")})
		s.log(at.Add(54*time.Second), "7040", fields{"param1": "Distributed Transaction Coordinator", "param2": "demand start", "param3": "auto start", "param4": "MSDTC", "@user": x.database.sid})
		s.runs(at.Add(60*time.Second), "Distributed Transaction Coordinator", "MSDTC", true)
		s.clears(s.cleared["Security"], in, "Security")
		s.clears(s.cleared["Application"], in, "Application")
	}, s, x.e.by["EHOSP-DB1"], x.e.by["DC1"])
}

// encryptsShares: from the e-Hospital database server, files on the file server's share are written anew. No process of
// the file server does it.
func (x *intruder) encryptsShares(at event.Time) {
	s, db, who := x.e.by["FS1"], x.e.by["EHOSP-DB1"], x.database
	s.truth.verdict, s.truth.flags = event.Suspected, []string{"affected"}
	s.truth.decoy = "files encrypted from another server"
	s.extra = append(s.extra, file{"D/Departments/Accounts/november.xlsx" + x.suffix, append([]byte(x.note()), noise(x.e.dice("damaged share"), 9000)...), at.Add(time.Minute)})
	x.e.do("encryption of shares", func(d *dice) {
		db.connects(d, at.Add(-time.Second), db.standing("System"), `NT AUTHORITY\SYSTEM`, s.host(), 445)
		x.e.ticket(d, at, who, db.host(), s, false)
		in := s.kerberos(d, at, who, db.host())
		c, run := s.connection(d, in), at.Add(2*time.Second)
		c.opens(at.Add(time.Second), common, `\`, 0x100081)
		for range d.between(90, 140) {
			name := pick(d, departments) + strings.Replace(pick(d, documents), ".", fmt.Sprintf("_%03d.", d.IntN(1000)), 1)
			c.opens(run, common, name, 0x12019f)
			c.opens(run.Add(20*time.Millisecond), common, name+x.suffix, 0x110080)
			run = run.Add(d.about(700 * time.Millisecond))
		}
		s.logoff(run.Add(20*time.Second), in)
	}, s, db, x.e.by["DC1"])
}

// noticed: in the morning, administrators look at what no longer works.
func (e *estate) noticed(end event.Time) {
	for i, key := range []string{"EHOSP-DB1", "LIS-DB1"} {
		s, who := e.by[key], e.admins[i]
		at := max(e.at(0, 7, 25), end.Add(50*time.Minute)).Add(time.Duration(9*i) * time.Minute)
		e.do("administrator looks at "+key, func(d *dice) {
			e.by["JUMP1"].explicit(d, at.Add(-3*time.Second), e.by["JUMP1"].session(at.Add(-20*time.Minute), who, who.station, 10), who, s, `C:\Windows\System32\mstsc.exe`)
			in := s.rdp(d, at, who, e.by["JUMP1"].host())
			s.rdpEnds(at.Add(d.about(50*time.Minute)), in)
		}, s, e.by["DC1"], e.by["JUMP1"])
	}
}

// noise is what an encrypted file looks like.
func noise(d *dice, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}
