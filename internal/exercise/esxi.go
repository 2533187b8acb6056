package exercise

import (
	"fmt"
	"time"

	"wardround/internal/event"
)

// esxiLogs are the logs of a hypervisor, and what stands between time and message in each.
var esxiLogs = map[string]string{
	"auth": " sshd[2099001]: ", "shell": " shell[2099002]: ", "hostd": " info hostd[2099003] [Originator@6876 sub=Default] ", "vmkernel": " cpu0:2097152)",
	"vobd": ": [GenericCorrelator] 1us: [vob.user.note] ",
}

// esxi adds a line to a log of ESXi: the time, in UTC, and text, which begins with what separates it from the time.
func (s *server) esxi(log string, at event.Time, format string, args ...any) {
	if !s.open {
		return
	}
	stamp := "2006-01-02T15:04:05.000Z"
	if log == "auth" || log == "shell" {
		stamp = "2006-01-02T15:04:05Z"
	}
	name := "var/run/log/" + log + ".log"
	s.write(name, at, at.Std().Format(stamp)+fmt.Sprintf(format, args...)+"\n")
	if l := s.texts[name]; l != nil {
		l.head = func(at event.Time) string { return at.Std().Format(stamp) + esxiLogs[log] + event.ExerciseMark + "\n" }
	}
}

// hypervises logs the ordinary days of a hypervisor: statistics, storage, the virtual machines' tasks, administrators who
// look at it.
func (s *server) hypervises(d *dice) {
	serial := 41200
	s.e.every(d, 25*time.Minute, func(at event.Time) {
		serial++
		s.esxi("hostd", at, " info hostd[2099%03d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : User dcui@127.0.0.1 logged in as VMware-client/6.5.0", d.IntN(900), serial)
		s.esxi("hostd", at.Add(900*time.Millisecond), " info hostd[2099%03d] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event %d : User dcui@127.0.0.1 logged out (login time: %s, number of API invocations: 0, user agent: VMware-client/6.5.0)",
			d.IntN(900), serial+1, at.Std().Format(time.ANSIC))
		serial++
	})
	s.e.every(d, 40*time.Minute, func(at event.Time) {
		s.esxi("vmkernel", at, " cpu%d:2097%03d)NMP: nmp_ThrottleLogForDevice:3872: Cmd 0x1a (0x459a40c5f0c0, 0) to dev \"naa.6006016012\" on path \"vmhba0:C0:T0:L0\" Failed: H:0x0 D:0x2 P:0x0 Valid sense data: 0x5 0x24 0x0. Act:NONE", d.IntN(16), d.IntN(900))
	})
	s.e.every(d, 30*time.Hour, func(at event.Time) {
		who := pick(d, s.e.admins)
		pid := 2099100 + d.IntN(800)
		s.esxi("auth", at, " sshd[%d]: Connection from %s port %d", pid, who.station.address, d.port())
		s.esxi("auth", at.Add(2*time.Second), " sshd[%d]: Accepted keyboard-interactive/pam for root from %s port %d ssh2", pid, who.station.address, d.port())
		s.esxi("auth", at.Add(2*time.Second), " sshd[%d]: pam_unix(sshd:session): session opened for user root by (uid=0)", pid)
		s.esxi("vobd", at.Add(3*time.Second), ": [UserLevelCorrelator] %dus: [esx.audit.ssh.session.opened] SSH session was opened for 'root@%s'.", 900_000_000+d.IntN(99_000_000), who.station.address)
		s.esxi("shell", at.Add(3*time.Second), " shell[%d]: Interactive shell session started", pid+1)
		for i, c := range []string{"esxcli storage filesystem list", "esxtop -b -n 1", "tail /var/log/vmkernel.log"}[:d.between(1, 3)] {
			s.esxi("shell", at.Add(time.Duration(20+25*i)*time.Second), " shell[%d]: [root]: %s", pid+1, c)
		}
		s.esxi("auth", at.Add(4*time.Minute), " sshd[%d]: pam_unix(sshd:session): session closed for user root", pid)
		s.esxi("vobd", at.Add(4*time.Minute), ": [UserLevelCorrelator] %dus: [esx.audit.ssh.session.closed] SSH session was closed for 'root@%s'.", 900_000_000+d.IntN(99_000_000), who.station.address)
	})
}
