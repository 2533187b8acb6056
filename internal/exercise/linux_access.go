package exercise

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"wardround/internal/event"
)

// login is a session on a Linux server.
type login struct {
	at     event.Time
	user   string
	uid    int
	from   host
	pid    int
	number int
	tty    string
}

// ssh logs a logon over SSH: the daemon, PAM, systemd and the login record.
func (s *server) ssh(d *dice, at event.Time, user string, uid int, from host, method string) *login {
	l := &login{at, user, uid, from, d.between(1200, 30000), d.between(200, 9000), "pts/0"}
	tag := fmt.Sprintf("sshd[%d]", l.pid)
	proof := ""
	if method == "publickey" {
		proof = ": RSA SHA256:" + s.e.dice("key", user, from.name).letters(43, base64s)
	}
	s.syslog("auth", at, tag, "Accepted %s for %s from %s port %d ssh2%s", method, user, from.address, d.port(), proof)
	s.syslog("auth", at.Add(4*time.Millisecond), tag, "pam_unix(sshd:session): session opened for user %s(uid=%d) by (uid=0)", user, uid)
	s.syslog("auth", at.Add(30*time.Millisecond), "systemd-logind[731]", "New session %d of user %s.", l.number, user)
	s.syslog("syslog", at.Add(50*time.Millisecond), "systemd[1]", "Started Session %d of user %s.", l.number, user)
	s.loginRecord(at.Add(80*time.Millisecond), 7, l)
	return l
}

func (s *server) sshEnds(at event.Time, l *login) {
	tag := fmt.Sprintf("sshd[%d]", l.pid)
	s.syslog("auth", at, tag, "Received disconnect from %s port %d:11: disconnected by user", l.from.address, 40000+l.pid%9999)
	s.syslog("auth", at.Add(2*time.Millisecond), tag, "pam_unix(sshd:session): session closed for user %s", l.user)
	s.syslog("auth", at.Add(15*time.Millisecond), "systemd-logind[731]", "Session %d logged out. Waiting for processes to exit.", l.number)
	s.syslog("auth", at.Add(25*time.Millisecond), "systemd-logind[731]", "Removed session %d.", l.number)
	s.loginRecord(at.Add(30*time.Millisecond), 8, l)
}

// sshFails logs a wrong password.
func (s *server) sshFails(d *dice, at event.Time, user string, from host) {
	tag := fmt.Sprintf("sshd[%d]", d.between(1200, 30000))
	s.syslog("auth", at, tag, "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=%s  user=%s", from.address, user)
	s.syslog("auth", at.Add(2*time.Second), tag, "Failed password for %s from %s port %d ssh2", user, from.address, d.port())
}

// sudo logs a command that a user ran as root.
func (s *server) sudo(at event.Time, l *login, folder, command string) {
	s.syslog("auth", at, "sudo", "%8s : TTY=%s ; PWD=%s ; USER=root ; COMMAND=%s", l.user, l.tty, folder, command)
	s.syslog("auth", at.Add(2*time.Millisecond), "sudo", "pam_unix(sudo:session): session opened for user root(uid=0) by %s(uid=%d)", l.user, l.uid)
	s.syslog("auth", at.Add(900*time.Millisecond), "sudo", "pam_unix(sudo:session): session closed for user root")
}

// cron logs a job of cron.
func (s *server) cron(d *dice, at event.Time, user, command string) {
	pid := d.between(1200, 30000)
	if s.distro == "centos" {
		s.syslog("cron", at, fmt.Sprintf("CROND[%d]", pid), "(%s) CMD (%s)", user, command)
		s.syslog("syslog", at, "systemd", "Started Session %d of user %s.", pid*3, user)
		return
	}
	tag := fmt.Sprintf("CRON[%d]", pid)
	s.syslog("auth", at, tag, "pam_unix(cron:session): session opened for user %s(uid=0) by (uid=0)", user)
	s.syslog("cron", at.Add(2*time.Millisecond), fmt.Sprintf("CRON[%d]", pid+1), "(%s) CMD (%s)", user, command)
	s.syslog("auth", at.Add(700*time.Millisecond), tag, "pam_unix(cron:session): session closed for user %s", user)
}

// addsUser logs what useradd and passwd log.
func (s *server) addsUser(at event.Time, name string, uid int) {
	tag := fmt.Sprintf("useradd[%d]", 2000+uid)
	s.syslog("auth", at, tag, "new group: name=%s, GID=%d", name, uid)
	s.syslog("auth", at.Add(3*time.Millisecond), tag, "new user: name=%s, UID=%d, GID=%d, home=/home/%s, shell=/bin/bash, from=/dev/pts/0", name, uid, uid, name)
	s.syslog("auth", at.Add(9*time.Second), fmt.Sprintf("passwd[%d]", 2010+uid), "pam_unix(passwd:chauthtok): password changed for %s", name)
	s.syslog("auth", at.Add(15*time.Second), fmt.Sprintf("usermod[%d]", 2020+uid), "add '%s' to group 'sudo'", name)
	s.syslog("auth", at.Add(15*time.Second), fmt.Sprintf("usermod[%d]", 2020+uid), "add '%s' to shadow group 'sudo'", name)
}

// loginRecord adds a record to wtmp: glibc's struct utmp of x86, 384 bytes. The mark stands behind the end of the first
// record's host name.
func (s *server) loginRecord(at event.Time, kind uint16, l *login) {
	const name = "var/log/wtmp"
	if !s.open {
		return
	}
	s.write(name, at, utmp(s.local(at), kind, l.pid, l.tty, l.user, l.from.address, ""))
	log := s.texts[name]
	if log == nil {
		return
	}
	log.head = func(at event.Time) string {
		kernel := "5.4.0-132-generic"
		if s.distro == "centos" {
			kernel = "3.10.0-1160.71.1.el7.x86_64"
		}
		return utmp(s.local(at).Add(-time.Hour), 2, 0, "~", "reboot", kernel, event.ExerciseMark)
	}
}

func utmp(at event.Time, kind uint16, pid int, line, user, from, behind string) string {
	b := make([]byte, 384)
	binary.LittleEndian.PutUint16(b, kind)
	binary.LittleEndian.PutUint32(b[4:], uint32(pid))
	copy(b[8:40], line)
	copy(b[40:44], strings.TrimPrefix(line, "pts"))
	if kind != 8 {
		copy(b[44:76], user)
		copy(b[76:332], from)
		copy(b[76+len(from)+1:332], behind)
	}
	t := at.Std()
	binary.LittleEndian.PutUint32(b[340:], uint32(t.Unix()))
	binary.LittleEndian.PutUint32(b[344:], uint32(t.Nanosecond()/1000))
	if a, err := netip.ParseAddr(from); err == nil && kind != 8 && a.Is4() {
		raw := a.As4()
		copy(b[348:], raw[:])
	}
	return string(b)
}
