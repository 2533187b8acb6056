package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// portal is what the hospital's web site consists of, as far as its logs tell.
type portal struct {
	pages  []string
	agents []string
}

func newPortal(d *dice) portal {
	p := portal{
		pages: []string{"/", "/appointment/", "/appointment/slots.php?dept=medicine", "/appointment/slots.php?dept=surgery", "/appointment/book.php", "/reports/status.php",
			"/assets/site.css", "/assets/app.js", "/assets/logo.png", "/doctors.php", "/contact.php", "/tariff.pdf"},
		agents: []string{"Mozilla/5.0 (Linux; Android 11; SM-M115F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Mobile Safari/537.36",
			"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/107.0.0.0 Safari/537.36",
			"Mozilla/5.0 (Linux; Android 12; RMX3231) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/106.0.0.0 Mobile Safari/537.36",
			"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:106.0) Gecko/20100101 Firefox/106.0"},
	}
	d.Shuffle(len(p.agents), func(i, j int) { p.agents[i], p.agents[j] = p.agents[j], p.agents[i] })
	return p
}

// request logs a request to nginx in the combined format.
func (s *server) request(at event.Time, client, method, uri string, status, size int, referer, agent string) {
	const name = "var/log/nginx/access.log"
	if !s.open {
		return
	}
	if s.system == windows {
		s.requestIIS(at, client, method, uri, status, referer, agent)
		return
	}
	line := func(at event.Time, client, method, uri string, status, size int, referer, agent string) string {
		return fmt.Sprintf("%s - - [%s] \"%s %s HTTP/1.1\" %d %d \"%s\" \"%s\"\n", client, at.Std().In(ist).Format("02/Jan/2006:15:04:05 -0700"), method, uri, status, size, referer, agent)
	}
	s.write(name, at, line(at, client, method, uri, status, size, referer, agent))
	l := s.texts[name]
	if l == nil {
		return
	}
	l.weekly = true
	l.head = func(at event.Time) string {
		return line(at, "127.0.0.1", "GET", "/", 200, 612, "-", event.ExerciseMark)
	}
}

// requestIIS logs a request to a site of IIS, in its own form and in UTC, a file for each day.
func (s *server) requestIIS(at event.Time, client, method, uri string, status int, referer, agent string) {
	t := s.local(at).Std()
	name := "C/inetpub/logs/LogFiles/W3SVC1/u_ex" + t.Format("060102") + ".log"
	stem, query, _ := strings.Cut(uri, "?")
	if query == "" {
		query = "-"
	}
	s.write(name, at, fmt.Sprintf("%s %s %s %s %s 80 - %s %s %s %d 0 0 %d\r\n", t.Format("2006-01-02 15:04:05"), s.address, method, stem, query, client, strings.ReplaceAll(agent, " ", "+"), referer, status, 3+at%90))
	if l := s.texts[name]; l != nil {
		l.head = func(event.Time) string {
			return "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Remark: " + event.ExerciseMark + "\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"
		}
	}
}

// complains logs a line to nginx's error log.
func (s *server) complains(at event.Time, level, format string, args ...any) {
	const name = "var/log/nginx/error.log"
	line := func(at event.Time, level, text string) string {
		return fmt.Sprintf("%s [%s] 811#811: %s\n", at.Std().In(ist).Format("2006/01/02 15:04:05"), level, text)
	}
	s.write(name, at, line(at, level, fmt.Sprintf(format, args...)))
	if l := s.texts[name]; l != nil {
		l.weekly = true
		l.head = func(at event.Time) string { return line(at, "notice", event.ExerciseMark) }
	}
}

// visit logs a visitor of the web site: a few pages and what belongs to them.
func (s *server) visit(d *dice, at event.Time) {
	client := fmt.Sprintf("198.19.%d.%d", d.IntN(200), d.between(1, 250))
	agent := pick(d, s.e.portal.agents)
	referer := "-"
	for range d.between(2, 6) {
		page := pick(d, s.e.portal.pages)
		status, method := 200, "GET"
		switch {
		case strings.HasSuffix(page, "book.php") && d.chance(50):
			method = "POST"
		case d.chance(4):
			page, status = "/favicon.ico", 404
		case d.chance(10):
			status = 304
		}
		s.request(at, client, method, page, status, d.between(180, 24000), referer, agent)
		referer = "https://appointments.exhosp.example" + page
		at = d.within(at, 25*time.Second)
	}
}

// scanned logs one of the scanners that every site meets: it finds nothing.
func (s *server) scanned(d *dice, at event.Time) {
	client := fmt.Sprintf("198.19.%d.%d", d.between(200, 255), d.between(1, 250))
	for _, uri := range []string{"/.env", "/wp-login.php", "/phpmyadmin/index.php", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/.git/config", "/boaform/admin/formLogin"} {
		s.request(at, client, "GET", uri, 404, 162, "-", "Mozilla/5.0 zgrab/0.x")
		if d.chance(30) {
			s.complains(at, "error", `*%d open() "/var/www/portal%s" failed (2: No such file or directory), client: %s, server: appointments.exhosp.example, request: "GET %s HTTP/1.1", host: "appointments.exhosp.example"`,
				d.between(1000, 90000), uri, client, uri)
		}
		at = d.within(at, 2*time.Second)
	}
}

// command is a program that ran on a Linux server whose audit system records starts.
type command struct {
	exe       string
	args      []string
	folder    string
	uid, auid int // auid -1: nobody logged on
	ppid      int
	tty       string
	success   bool
}

// audits logs an execve as auditd writes it, with numbers also as names, which is the standard setting since 2.8: the call,
// its arguments, its folder, its files, its title.
func (s *server) audits(d *dice, at event.Time, c command) (pid int) {
	pid = d.between(9000, 32000)
	if !s.open || !s.commands {
		return pid
	}
	auid, session := int64(c.auid), int64(1+number(4000, at.String()))
	if c.auid < 0 {
		auid, session = 1<<32-1, 1<<32-1
	}
	login, user := map[bool]string{true: "unset", false: "sysadmin"}[c.auid < 0], map[int]string{0: "root", uidWeb: "www-data"}[c.uid]
	serial := s.serial()
	add := func(format string, args ...any) {
		s.audit(at, fmt.Sprintf("type=%s msg=audit(%d.%03d:%d): ", "%s", at.Std().Unix(), at.Std().Nanosecond()/1e6, serial), format, args...)
	}
	add("SYSCALL|arch=c000003e syscall=59 success=yes exit=0 a0=55d0c8a1 a1=55d0c8b2 a2=55d0c8c3 a3=8 items=2 ppid=%d pid=%d auid=%d uid=%d gid=%d euid=%d suid=%d fsuid=%d egid=%d sgid=%d fsgid=%d tty=%s ses=%d comm=\"%s\" exe=\"%s\" subj=unconfined key=\"exec\"\x1dARCH=x86_64 SYSCALL=execve AUID=\"%[16]s\" UID=\"%[17]s\" GID=\"%[17]s\" EUID=\"%[17]s\" SUID=\"%[17]s\" FSUID=\"%[17]s\" EGID=\"%[17]s\" SGID=\"%[17]s\" FSGID=\"%[17]s\"",
		c.ppid, pid, auid, c.uid, c.uid, c.uid, c.uid, c.uid, c.uid, c.uid, c.uid, c.tty, session, base(c.args[0]), c.exe, login, user)
	var args strings.Builder
	for i, a := range c.args {
		fmt.Fprintf(&args, " a%d=%s", i, auditText(a))
	}
	add("EXECVE|argc=%d%s", len(c.args), args.String())
	add("CWD|cwd=\"%s\"", c.folder)
	add("PATH|item=0 name=\"%s\" inode=%d dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\x1dOUID=\"root\" OGID=\"root\"", c.exe, 1000+number(90000, c.exe))
	add("PATH|item=1 name=\"/lib64/ld-linux-x86-64.so.2\" inode=1571 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\x1dOUID=\"root\" OGID=\"root\"")
	add("PROCTITLE|proctitle=%X", strings.Join(c.args, "\x00"))
	return pid
}

// audit writes one record. format begins with the type and a bar.
func (s *server) audit(at event.Time, head, format string, args ...any) {
	const name = "var/log/audit/audit.log"
	typ, rest, _ := strings.Cut(format, "|")
	s.write(name, at, fmt.Sprintf(head, typ)+fmt.Sprintf(rest, args...)+"\n")
	l := s.texts[name]
	if l == nil {
		return
	}
	l.head = func(at event.Time) string {
		return fmt.Sprintf("type=USER msg=audit(%d.000:1): pid=711 uid=0 auid=4294967295 ses=4294967295 subj=unconfined msg='text=%s exe=\"/usr/sbin/auditctl\" hostname=? addr=? terminal=? res=success'\n",
			at.Std().Unix(), event.ExerciseMark)
	}
}

// serial numbers the events of the audit system.
func (s *server) serial() uint32 {
	s.tick++
	return 1000 + s.tick
}

// auditText is a value as the audit system writes it: in quotes, or in hexadecimal when it holds a blank, a quote or what
// cannot be shown.
func auditText(a string) string {
	for _, r := range a {
		if r <= ' ' || r == '"' || r > '~' {
			return fmt.Sprintf("%X", a)
		}
	}
	return `"` + a + `"`
}
