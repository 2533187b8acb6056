package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// lookAround: the usual questions, typed.
func (t *deed) lookAround() {
	f := t.x.hold(t.to, t.at)
	list := t.x.looks(t.d)
	t.does(func(d *dice) { t.to.types(d, t.at, f.process, f.session, list) })
}

// dumpLSASS: the memory of LSASS is written to a file, with what Windows brings along for it.
func (t *deed) dumpLSASS() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("credentials exposed")
	dump := `C:\Windows\Temp\` + t.d.letters(5, lower) + `.dmp`
	if t.d.chance(60) {
		written := at.Add(20 * time.Second)
		s.leaves(dump, s.minidump(written, []string{`C:\Windows\System32\lsass.exe`, `C:\Windows\System32\ntdll.dll`, `C:\Windows\System32\lsasrv.dll`, `C:\Windows\System32\msv1_0.dll`, `C:\Windows\System32\kerberos.dll`}), written)
	}
	t.does(func(d *dice) {
		shell := s.start(d, at, f.process, f.session, `C:\Windows\System32\cmd.exe`, `C:\Windows\system32\cmd.exe /Q /c tasklist /fi "imagename eq lsass.exe"`)
		s.start(d, at.Add(30*time.Millisecond), shell, f.session, `C:\Windows\System32\tasklist.exe`, `tasklist  /fi "imagename eq lsass.exe"`)
		p := s.start(d, at.Add(19*time.Second), f.process, f.session, `C:\Windows\System32\rundll32.exe`, fmt.Sprintf(`rundll32.exe  C:\windows\System32\comsvcs.dll, MiniDump %d %s full`, s.pid("lsass"), dump))
		s.opensProcess(d, at.Add(20*time.Second), p, s.standing("lsass"), 0x1fffff)
		s.creates(at.Add(20*time.Second+200*time.Millisecond), p, dump)
		s.ends(at.Add(24*time.Second), p)
		reg := `C:\Windows\Temp\` + d.letters(4, lower)
		s.start(d, at.Add(50*time.Second), f.process, f.session, `C:\Windows\System32\reg.exe`, `reg  save hklm\sam `+reg)
		s.creates(at.Add(51*time.Second), f.process, reg)
	})
}

// opensProcess logs that a process opened another, as Sysmon 10 tells it.
func (s *server) opensProcess(d *dice, at event.Time, p, target *process, access int) {
	if s.sysmon {
		s.log(at, "sysmon-10", fields{"UtcTime": utc(s.local(at)), "SourceProcessGUID": s.guid(p), "SourceProcessId": p.pid, "SourceThreadId": d.pid(), "SourceImage": p.image,
			"TargetProcessGUID": s.guid(target), "TargetProcessId": target.pid, "TargetImage": target.image, "GrantedAccess": access,
			"CallTrace": `C:\Windows\SYSTEM32\ntdll.dll+a6574|C:\Windows\System32\KERNELBASE.dll+20edd|C:\windows\System32\comsvcs.dll+29f8b|C:\Windows\system32\rundll32.exe+3e1f`})
	}
}

// copyNTDS: ntdsutil makes a copy of the domain's database on a domain controller.
func (t *deed) copyNTDS() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("credentials exposed")
	folder := `C:\Windows\Temp\` + t.d.letters(4, lower)
	t.does(func(d *dice) {
		s.start(d, at, f.process, f.session, `C:\Windows\System32\ntdsutil.exe`, `ntdsutil  "ac i ntds" "ifm" "create full `+folder+`" q q`)
		s.runs(at.Add(900*time.Millisecond), "Volume Shadow Copy", "VSS", true)
		s.runs(at.Add(1200*time.Millisecond), "Microsoft Software Shadow Copy Provider", "swprv", true)
		pid := fmt.Sprint(d.pid())
		snapshot := `C:\$SNAP_` + at.Std().Format("200601021504") + `_VOLUMEC$\Windows\NTDS\ntds.dit`
		s.log(at.Add(9*time.Second), "esent-326", fields{"@data": []string{"NTDS", pid, "", "1", snapshot, "0", "[1] 0.000, [2] 0.000, [3] 0.016", "1"}})
		copied := folder + `\Active Directory\ntds.dit`
		s.log(at.Add(11*time.Second), "esent-325", fields{"@data": []string{"NTDS", pid, "", "2", copied, "0", "[1] 0.000, [2] 0.015"}})
		s.creates(at.Add(11*time.Second), s.standing("services"), copied)
		s.log(at.Add(25*time.Second), "esent-327", fields{"@data": []string{"NTDS", pid, "", "2", copied, "0", "[1] 0.000, [2] 0.000", "0"}})
		s.log(at.Add(26*time.Second), "esent-327", fields{"@data": []string{"NTDS", pid, "", "1", snapshot, "0", "[1] 0.000", "0"}})
		s.runs(at.Add(4*time.Minute), "Volume Shadow Copy", "VSS", false)
	})
}

// trojan: a program of the intruder's stays as a service; where there is an antivirus, it names the file after some time.
func (t *deed) trojan() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	name := pick(t.d, []string{"WinHelperSvc", "NetAssistSvc", "DevLinkSvc", "GfxUpdSvc", "AudioSyncSvc"})
	image := x.payload + `\` + strings.ToLower(name[:6]) + `.exe`
	content := harmless("a trojan stood here")
	if t.option("kept", "") != "" || s.year < 2016 || t.d.chance(35) { // the antivirus takes it away elsewhere
		s.leaves(image, content, at)
	}
	seen := at.Add(t.d.during(t.option("named", "1h..5h"), time.Hour))
	control := x.control[t.d.IntN(2)]
	p := &process{image: image, command: image, pid: t.d.pid(), at: at.Add(9 * time.Second), folder: `C:\Windows\system32\`, content: content}
	s.flag("implant")
	t.does(func(d *dice) {
		s.creates(at, f.process, image)
		s.start(d, at.Add(5*time.Second), f.process, f.session, `C:\Windows\System32\sc.exe`, `sc  create `+name+` binPath= `+image+` start= auto`)
		user := "S-1-5-18"
		if f.session != nil {
			user = f.session.who.sid
		}
		if s.commands {
			s.log(at.Add(5300*time.Millisecond), "4697", s.subject(f.session).with(fields{"ServiceName": name, "ServiceFileName": image, "ServiceStartType": 2}))
		}
		s.log(at.Add(5300*time.Millisecond), "7045", fields{"ServiceName": name, "ImagePath": image, "StartType": "auto start", "@user": user})
		s.sets(at.Add(5200*time.Millisecond), s.standing("services"), `HKLM\System\CurrentControlSet\Services\`+name+`\ImagePath`, image)
		s.started(p, s.standing("services"))
		s.runs(at.Add(9100*time.Millisecond), name, name, true)
		for call := at.Add(20 * time.Second); call < seen; call = call.Add(d.about(11 * time.Minute)) {
			s.connects(d, call, p, `NT AUTHORITY\SYSTEM`, control, 443)
		}
		if s.year >= 2016 {
			s.detects(d, seen, pick(d, []string{"Trojan:Win64/CobaltStrike.A!MTB", "Backdoor:Win64/Meterpreter.E", "Trojan:Win32/Swrort.A", "HackTool:Win64/Mikatz!dha"}), 2147770000+d.IntN(9000), "Severe", "Trojan", "file:_"+image, image, `NT AUTHORITY\SYSTEM`)
			s.ends(seen, p)
			s.log(seen.Add(time.Second), "7034", fields{"param1": name, "param2": "1", "@binary": utf16le(name)})
		}
	})
}

// makeAccount: an account is made in the domain, on a domain controller, and made one of its administrators.
func (t *deed) makeAccount() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	t.does(func(d *dice) {
		in := f.session
		if in == nil {
			in = s.session(at.Add(-time.Minute), t.who, s.host(), 3)
		}
		shell := s.start(d, at.Add(-5*time.Second), f.process, in, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
		s.start(d, at, shell, in, `C:\Windows\System32\net.exe`, `net  user `+x.made.name+` Exercise#2022 /add /domain`)
		target := fields{"TargetUserName": x.made.name, "TargetDomainName": x.e.domain.name, "TargetSid": x.made.sid}
		copyOf := func() fields { return fields{}.with(target).with(s.subject(in)) }
		s.log(at.Add(200*time.Millisecond), "4720", copyOf().with(fields{"SamAccountName": x.made.name}))
		s.log(at.Add(230*time.Millisecond), "4722", copyOf())
		s.log(at.Add(250*time.Millisecond), "4724", copyOf())
		s.start(d, at.Add(25*time.Second), shell, in, `C:\Windows\System32\net.exe`, `net  group "Domain Admins" `+x.made.name+` /add /domain`)
		dn := "CN=" + x.made.name + ",CN=Users,DC=" + strings.ReplaceAll(x.e.domain.dns, ".", ",DC=")
		s.log(at.Add(25*time.Second+200*time.Millisecond), "4728", s.subject(in).with(fields{"MemberName": dn, "MemberSid": x.made.sid, "TargetUserName": "Domain Admins", "TargetDomainName": x.e.domain.name, "TargetSid": x.e.domain.sid + "-512"}))
	})
}

// clearLogs: the Security log is cleared, and those of with: also (System, Application).
func (t *deed) clearLogs() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("evidence tampered")
	if s.cleared == nil {
		s.cleared = map[string]event.Time{}
	}
	s.cleared["Security"] = at
	for i, channel := range strings.Fields(t.option("also", "")) {
		s.cleared[channel] = at.Add(time.Duration(2+i) * time.Second)
	}
	in := f.session
	if in == nil {
		in = s.session(at.Add(-5*time.Minute), s.clearer(f), s.host(), 3)
	}
	t.does(func(d *dice) {
		for i, channel := range append([]string{"Security"}, strings.Fields(t.option("also", ""))...) {
			p := s.start(d, at.Add(time.Duration(2*i)*time.Second-40*time.Millisecond), f.process, f.session, `C:\Windows\System32\wevtutil.exe`, `wevtutil  cl `+channel)
			s.ends(p.at.Add(300*time.Millisecond), p)
			s.clears(s.cleared[channel], in, channel)
		}
	})
}

// clearer is whom the logs name when they were cleared.
func (s *server) clearer(f foothold) *account {
	if f.who != nil {
		return f.who
	}
	return &account{name: "SYSTEM", sid: "S-1-5-18"}
}

// auditOff: the audit policy of logons, process starts and object access is switched off.
func (t *deed) auditOff() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("evidence tampered")
	off := []struct{ category, name, sub, guid string }{
		{"%%8273", "Logon/Logoff", "%%12544", "{0CCE9215-69AE-11D9-BED3-505054503030}"}, {"%%8276", "Detailed Tracking", "%%13312", "{0CCE922B-69AE-11D9-BED3-505054503030}"},
		{"%%8274", "Object Access", "%%12808", "{0CCE9224-69AE-11D9-BED3-505054503030}"},
	}
	s.dark = map[string]event.Time{}
	for i, c := range off {
		s.dark[c.name] = at.Add(time.Duration(i) * 4 * time.Second)
	}
	t.does(func(d *dice) {
		for i, c := range off {
			when := at.Add(time.Duration(i) * 4 * time.Second)
			p := s.start(d, when.Add(-50*time.Millisecond), f.process, f.session, `C:\Windows\System32\auditpol.exe`, `auditpol  /set /category:"`+c.name+`" /success:disable /failure:disable`)
			s.log(when, "4719", s.subject(f.session).with(fields{"CategoryId": c.category, "SubcategoryId": c.sub, "SubcategoryGuid": guidOf(c.guid), "AuditPolicyChanges": "%%8448, %%8450"}))
			s.ends(when.Add(200*time.Millisecond), p)
		}
	})
}

// setClock: the server's clock is put back, with: by.
func (t *deed) setClock() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("evidence tampered")
	by, _ := days(t.option("by", "-3h"))
	t.does(func(d *dice) {
		p := s.start(d, at.Add(-time.Second), f.process, f.session, `C:\Windows\System32\cmd.exe`, `cmd.exe  /c time `+at.Add(by).Std().In(ist).Format("15:04:05"))
		old := s.local(at)
		s.log(at, "4616", s.subject(f.session).with(fields{"PreviousTime": old, "NewTime": old.Add(by), "ProcessId": p.pid, "ProcessName": p.image}))
		s.log(at, "time-1", fields{"NewTime": old.Add(by), "OldTime": old})
	})
	s.setAt, s.setBy = at, by
}

// timestomp: the intruder's files are given the times of old ones.
func (t *deed) timestomp() {
	x, s, at := t.x, t.to, t.at
	f := x.hold(s, at)
	s.flag("evidence tampered")
	old := event.At(time.Date(2016, 7, 16, 13, 42, 21, 0, time.UTC))
	path := x.payload + `\` + t.option("file", "winlogsvc.exe")
	s.leaves(path, harmless("a program with an old date stood here"), old)
	t.does(func(d *dice) {
		p := s.start(d, at, f.process, f.session, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `powershell  -c "$(Get-Item `+path+`).CreationTime='07/16/2016 13:42:21'"`)
		s.powershell(d, p, `$(Get-Item `+path+`).CreationTime='07/16/2016 13:42:21'`, false)
		s.creates(at.Add(-30*time.Second), f.process, path)
		if s.sysmon {
			s.log(at.Add(600*time.Millisecond), "sysmon-2", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "TargetFilename": path,
				"CreationUtcTime": utc(old), "PreviousCreationUtcTime": utc(s.local(at).Add(-30 * time.Second))})
		}
	})
}
