package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// linuxDays are what a Linux server logs by itself, and its administrators' logons by day.
func (s *server) linuxDays(d *dice) {
	for at := d.within(s.e.from, 10*time.Minute); at < s.e.to; at = at.Add(10 * time.Minute) {
		s.cron(d, at, "root", "/usr/lib/sysstat/sa1 1 1")
	}
	for at := s.e.from.Add(17 * time.Minute); at < s.e.to; at = at.Add(time.Hour) {
		s.cron(d, at, "root", "   cd / && run-parts --report /etc/cron.hourly")
	}
	s.e.every(d, 50*time.Minute, func(at event.Time) {
		tag := fmt.Sprintf("sshd[%d]", d.between(1200, 30000))
		from := s.e.jump.host()
		s.syslog("auth", at, tag, "Accepted publickey for nagios from %s port %d ssh2: ED25519 SHA256:%s", from.address, d.port(), s.e.dice("key", "nagios").letters(43, base64s))
		s.syslog("auth", at.Add(3*time.Millisecond), tag, "pam_unix(sshd:session): session opened for user nagios(uid=998) by (uid=0)")
		s.syslog("auth", at.Add(2*time.Second), tag, "pam_unix(sshd:session): session closed for user nagios")
	})
	s.e.every(d, 3*time.Hour, func(at event.Time) {
		unit := pick(d, []string{"Daily apt download activities", "Cleanup of Temporary Directories", "Message of the Day", "Rotate log files", "Discard unused blocks on filesystems"})
		s.syslog("syslog", at, "systemd[1]", "Starting %s...", unit)
		s.syslog("syslog", at.Add(d.about(2*time.Second)), "systemd[1]", "Finished %s.", unit)
	})
	s.e.every(d, 7*time.Hour, func(at event.Time) {
		s.syslog("syslog", at, "chronyd[702]", "Selected source %s", s.e.dc.address)
	})
	s.e.days(func(midnight event.Time, weekday time.Weekday) {
		at := d.within(midnight.Add(10*time.Hour), 7*time.Hour)
		if weekday == time.Sunday || !d.chance(45) || at.Add(20*time.Minute) > s.e.to {
			return
		}
		who := pick(d, s.e.admins)
		if d.chance(10) {
			s.sshFails(d, at.Add(-20*time.Second), "sysadmin", who.station)
		}
		l := s.ssh(d, at, "sysadmin", 1000, who.station, "password")
		s.sudo(at.Add(time.Minute), l, "/home/sysadmin", pick(d, []string{"/usr/bin/systemctl status nginx", "/usr/bin/tail /var/log/syslog", "/usr/bin/df -h", "/usr/bin/apt list --upgradable"}))
		s.sshEnds(at.Add(d.about(12*time.Minute)), l)
	})
	if s.commands {
		s.e.every(d, 50*time.Minute, func(at event.Time) {
			s.audits(d, at, command{exe: "/usr/lib/sysstat/sadc", args: []string{"/usr/lib/sysstat/sadc", "-F", "-L", "-S", "DISK", "1", "1", "/var/log/sysstat"}, folder: "/", auid: -1, ppid: 902, tty: "(none)"})
		})
	}
}

// visitors of a web server: patients by day, scanners at any hour, the monitoring every five minutes.
func (s *server) visitors(d *dice) {
	for at := d.within(s.e.from, 5*time.Minute); at < s.e.to; at = at.Add(5 * time.Minute) {
		s.request(at, s.e.jump.address, "GET", "/", 200, 612, "-", "check_http/v2.3.3 (nagios-plugins 2.3.3)")
	}
	s.e.every(d, 18*time.Minute, func(at event.Time) {
		if hour := at.Std().In(ist).Hour(); hour >= 7 && hour < 22 || d.chance(20) {
			s.visit(d, at)
		}
	})
	s.e.every(d, 11*time.Hour, func(at event.Time) { s.scanned(d, at) })
}

// portalDays are the portal's connections to its database, and the database's own upkeep.
func (e *estate) portalDays(d *dice) {
	s, from := e.by["PG1"], e.by["PORTAL"].host()
	e.every(d, 35*time.Minute, func(at event.Time) {
		pid := s.pgSession(d, at, "portal", "appointments", from)
		s.postgres(at.Add(d.about(90*time.Second)), pid, "portal@appointments", "LOG:  disconnection: session time: 0:01:%02d.%03d user=portal database=appointments host=%s port=%d",
			d.IntN(60), d.IntN(1000), from.address, d.port())
	})
	e.every(d, 2*time.Hour, func(at event.Time) {
		s.postgres(at, 802, "", "LOG:  checkpoint starting: time")
		s.postgres(at.Add(d.about(40*time.Second)), 802, "", "LOG:  checkpoint complete: wrote %d buffers (%d.%d%%); 0 WAL file(s) added, 0 removed, 0 recycled", d.between(30, 900), d.IntN(5), d.IntN(10))
	})
}

// images are the transfers of a picture archive: studies from the modalities by day, its own upkeep.
func (s *server) images(d *dice) {
	s.e.every(d, 45*time.Minute, func(at event.Time) {
		if hour := at.Std().In(ist).Hour(); hour < 8 && d.chance(70) {
			return
		}
		modality := pick(d, []string{"CT1", "CT2", "MR1", "XR3", "US2"})
		s.syslog("syslog", at, "dcmrcv[3120]", "EX-%s -> PACS: association accepted from 10.20.60.%d", modality, 10+number(40, modality))
		s.syslog("syslog", at.Add(d.about(50*time.Second)), "dcmrcv[3120]", "EX-%s -> PACS: %d objects of one study stored", modality, d.between(2, 420))
	})
}

const uidWeb = 33 // the number of www-data

// shell is a command line that the web server's PHP runs.
func (s *server) shell(d *dice, at event.Time, line string, then ...command) {
	pid := s.audits(d, at, command{exe: "/usr/bin/dash", args: []string{"sh", "-c", line}, folder: "/var/www/portal/appointment/uploads", uid: uidWeb, auid: -1, ppid: 1187, tty: "(none)"})
	for i, c := range then {
		c.folder, c.uid, c.auid, c.tty, c.ppid = "/var/www/portal/appointment/uploads", uidWeb, -1, "(none)", pid
		s.audits(d, at.Add(time.Duration(i+1)*4*time.Millisecond), c)
	}
}

func program(path string, args ...string) command {
	return command{exe: path, args: append([]string{base(path)}, args...)}
}

func base(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
