package exercise

import (
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// session is a logon on a Windows server.
type session struct {
	at   event.Time
	who  *account
	id   uint64
	from host
	kind int // type of logon
}

// session begins a logon. Its id is the same each time that the act is played, and rises as those of Windows do.
func (s *server) session(at event.Time, who *account, from host, kind int) *session {
	boot := s.e.from.Add(-11 * 24 * time.Hour)
	return &session{at, who, uint64(at.Sub(boot)/(2*time.Millisecond)) + 0x3e8, from, kind}
}

// privileges are those of an administrator's token, as 4672 lists them.
var privileges = strings.Join([]string{"SeSecurityPrivilege", "SeBackupPrivilege", "SeRestorePrivilege", "SeTakeOwnershipPrivilege", "SeDebugPrivilege",
	"SeSystemEnvironmentPrivilege", "SeLoadDriverPrivilege", "SeImpersonatePrivilege", "SeDelegateSessionUserImpersonatePrivilege"}, "\r\n\t\t\t")

// target, subject and self are an account's fields as most events of the Security log begin with them.
func (s *server) target(x *session) fields {
	return fields{"TargetUserSid": x.who.sid, "TargetUserName": x.who.name, "TargetDomainName": s.e.domain.name, "TargetLogonId": x.id}
}

func (s *server) subject(x *session) fields {
	if x == nil {
		return s.self()
	}
	return fields{"SubjectUserSid": x.who.sid, "SubjectUserName": x.who.name, "SubjectDomainName": s.e.domain.name, "SubjectLogonId": x.id}
}

func (s *server) self() fields {
	return fields{"SubjectUserSid": "S-1-5-18", "SubjectUserName": s.name + "$", "SubjectDomainName": s.e.domain.name, "SubjectLogonId": 0x3e7}
}

// with adds fields to others.
func (f fields) with(more fields) fields {
	for k, v := range more {
		f[k] = v
	}
	return f
}

// special is the 4672 of an administrator's logon.
func (s *server) special(at event.Time, x *session) {
	if x.who.admin && s.open {
		s.log(at, "4672", s.subject(x).with(fields{"PrivilegeList": privileges}))
	}
}

// logon4624 is a logon from elsewhere.
func (s *server) logon4624(at event.Time, x *session, more fields) {
	if !s.open {
		return
	}
	f := s.target(x).with(fields{"LogonType": x.kind, "IpAddress": x.from.address}).with(more)
	if s.year >= 2016 && x.who.admin {
		f["ElevatedToken"] = "%%1842"
	}
	s.log(at, "4624", f)
}

// realm is the domain as a logon with a ticket names it: by its DNS name since Server 2016.
func (s *server) realm() string {
	if s.year < 2016 {
		return s.e.domain.name
	}
	return strings.ToUpper(s.e.domain.dns)
}

// kerberos logs a network logon with a ticket, which the domain controller gave.
func (s *server) kerberos(d *dice, at event.Time, who *account, from host) *session {
	x := s.session(at, who, from, 3)
	s.kerberosAs(d, at, x)
	return x
}

func (s *server) kerberosAs(d *dice, at event.Time, x *session) {
	s.special(at, x)
	s.logon4624(at, x, fields{"TargetDomainName": s.realm(), "LogonProcessName": "Kerberos", "AuthenticationPackageName": "Kerberos",
		"LogonGuid": d.guid(), "IpPort": fmt.Sprint(d.port())})
}

// ticket is what the domain controller logs before: a ticket of the account for the server. first asks for the
// account's own ticket too.
func (e *estate) ticket(d *dice, at event.Time, who *account, from host, to *server, first bool) {
	dc := e.dc
	address := "::ffff:" + from.address
	if from == dc.host() {
		address = "::1"
	}
	krbtgt := e.domain.sid + "-502"
	if first {
		dc.log(at.Add(-45*time.Millisecond), "4768", fields{"TargetUserName": who.name, "TargetDomainName": e.domain.name, "TargetSid": who.sid, "ServiceSid": krbtgt,
			"IpAddress": address, "IpPort": fmt.Sprint(d.port())})
	}
	dc.log(at.Add(-20*time.Millisecond), "4769", fields{"TargetUserName": who.name + "@" + strings.ToUpper(e.domain.dns), "TargetDomainName": strings.ToUpper(e.domain.dns),
		"ServiceName": to.name + "$", "ServiceSid": to.machine().sid, "IpAddress": address, "IpPort": fmt.Sprint(d.port()), "LogonGuid": d.guid()})
}

// machine is the account of the computer itself.
func (s *server) machine() *account {
	return &account{name: s.name + "$", sid: fmt.Sprintf("%s-%d", s.e.domain.sid, 1000+number(90, s.key))}
}

// ownTickets are those that the computer itself asks the domain controller for, before the last has run out.
func (s *server) ownTickets(d *dice) {
	for at := d.within(s.e.from, 9*time.Hour); at < s.e.to && (s.cutOff == 0 || at < s.cutOff); at = at.Add(d.about(9 * time.Hour)) {
		s.e.dc.log(at, "4768", fields{"TargetUserName": s.machine().name, "TargetDomainName": s.e.domain.name, "TargetSid": s.machine().sid, "ServiceSid": s.e.domain.sid + "-502",
			"IpAddress": "::ffff:" + s.address, "IpPort": fmt.Sprint(d.port())})
	}
}

// ntlm logs a network logon by password or hash, which the domain controller checked. Tools that are not of Windows name
// no workstation.
func (s *server) ntlm(d *dice, at event.Time, who *account, from host, workstation string) *session {
	x := s.session(at, who, from, 3)
	s.ntlmAs(d, at, x, workstation)
	return x
}

func (s *server) ntlmAs(d *dice, at event.Time, x *session, workstation string) {
	s.e.dc.log(at.Add(-15*time.Millisecond), "4776", fields{"TargetUserName": x.who.name, "Workstation": workstation})
	s.special(at, x)
	if workstation == "" {
		workstation = "-"
	}
	s.logon4624(at, x, fields{"LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM", "WorkstationName": workstation, "LmPackageName": "NTLM V2",
		"KeyLength": 128, "IpPort": fmt.Sprint(d.port())})
}

func (s *server) logoff(at event.Time, x *session) {
	if !s.open {
		return
	}
	if x.kind == 10 {
		s.log(at, "4647", s.target(x))
	}
	s.log(at.Add(30*time.Millisecond), "4634", s.target(x).with(fields{"LogonType": x.kind}))
}

// rdp logs a session of Remote Desktop: the listener, the check of the password over the network before it (NLA), the
// session and what follows it in three logs.
func (s *server) rdp(d *dice, at event.Time, who *account, from host) *session {
	x := s.session(at, who, from, 10)
	s.rdpAs(d, at, who, from, x)
	return x
}

// rdpAs is rdp with a session that was planned. Who comes from outside the domain has no ticket: his password is checked by
// NTLM, and his computer's name is told.
func (s *server) rdpAs(d *dice, at event.Time, who *account, from host, x *session) {
	inside := strings.HasPrefix(from.name, "EX-")
	if inside {
		s.e.ticket(d, at, who, from, s, true)
	}
	s.log(at.Add(-2500*time.Millisecond), "core-131", fields{"ClientIP": fmt.Sprintf("%s:%d", from.address, d.port())})
	s.log(at.Add(-2*time.Second), "remote-261", fields{})
	check := s.session(at.Add(-900*time.Millisecond), who, from, 3)
	if inside {
		s.kerberosAs(d, check.at, check)
	} else {
		s.ntlmAs(d, check.at, check, from.name)
	}
	s.log(at.Add(-600*time.Millisecond), "remote-1149", fields{"Param1": who.name, "Param2": s.e.domain.name, "Param3": from.address})
	process, name := s.pid("svchost-term"), `C:\Windows\System32\svchost.exe`
	if s.year < 2016 {
		process, name = s.pid("winlogon"), `C:\Windows\System32\winlogon.exe`
	}
	s.log(at.Add(-4*time.Millisecond), "4648", s.self().with(fields{"TargetUserName": who.name, "TargetDomainName": s.e.domain.name, "ProcessId": process, "ProcessName": name,
		"IpAddress": from.address, "IpPort": "0"}))
	s.logon4624(at, x, s.self().with(fields{"LogonProcessName": "User32 ", "AuthenticationPackageName": "Negotiate", "WorkstationName": s.name, "LogonGuid": d.guid(),
		"ProcessId": process, "ProcessName": name, "IpPort": "0"}))
	s.special(at, x)
	number, user := x.desk(), s.e.domain.name+`\`+who.name
	s.log(at.Add(700*time.Millisecond), "session-21", fields{"User": user, "SessionID": number, "Address": from.address})
	s.log(at.Add(900*time.Millisecond), "session-22", fields{"User": user, "SessionID": number, "Address": from.address})
	s.log(at.Add(time.Second), "7001", fields{"TSId": number, "UserSid": who.sid})
	s.log(check.at.Add(12*time.Second), "4634", s.target(check).with(fields{"LogonType": 3}))
}

// desk is the number of a desktop's session, as the terminal services count them.
func (x *session) desk() int { return 2 + int(x.id%4) }

// rdpEnds logs the end of such a session.
func (s *server) rdpEnds(at event.Time, x *session) {
	number, user := x.desk(), s.e.domain.name+`\`+x.who.name
	s.log(at, "session-23", fields{"User": user, "SessionID": number})
	s.log(at.Add(200*time.Millisecond), "7002", fields{"TSId": number, "UserSid": x.who.sid})
	s.log(at.Add(300*time.Millisecond), "session-24", fields{"User": user, "SessionID": number, "Address": x.from.address})
	s.logoff(at.Add(150*time.Millisecond), x)
}

// rdpLeaves logs that somebody closed the window of his desktop and left it running: it is disconnected, not logged off.
func (s *server) rdpLeaves(at event.Time, x *session) {
	number, user := x.desk(), s.e.domain.name+`\`+x.who.name
	s.log(at, "session-24", fields{"User": user, "SessionID": number, "Address": x.from.address})
	s.log(at.Add(20*time.Millisecond), "session-40", fields{"Session": number, "Reason": 11})
	if s.commands {
		s.log(at.Add(10*time.Millisecond), "4779", fields{"AccountName": x.who.name, "AccountDomain": s.e.domain.name, "LogonID": x.id, "SessionName": "RDP-Tcp#3", "ClientName": x.from.name, "ClientAddress": x.from.address})
	}
}

// explicit logs at its source that a program here used an account for another server.
func (s *server) explicit(d *dice, at event.Time, x *session, who *account, to *server, program string) {
	s.log(at, "4648", s.subject(x).with(fields{"TargetUserName": who.name, "TargetDomainName": s.e.domain.name, "TargetServerName": to.computer(), "TargetInfo": to.computer(),
		"ProcessId": d.pid(), "ProcessName": program}))
}

// mistyped logs a wrong password at the server and at the domain controller.
func (s *server) mistyped(d *dice, at event.Time, who *account, from host) {
	dc := s.e.dc
	dc.log(at.Add(-10*time.Millisecond), "4776", fields{"TargetUserName": who.name, "Workstation": from.name, "Status": 0xc000006a})
	s.log(at, "4625", fields{"TargetUserName": who.name, "TargetDomainName": s.e.domain.name, "LogonType": 3, "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM",
		"WorkstationName": from.name, "IpAddress": from.address, "IpPort": fmt.Sprint(d.port())})
}

// service logs that the service manager logs an account of its own on to start something.
func (s *server) service(at event.Time) {
	f := s.self().with(fields{"TargetUserSid": "S-1-5-18", "TargetUserName": "SYSTEM", "TargetDomainName": "NT AUTHORITY", "TargetLogonId": 0x3e7, "LogonType": 5,
		"LogonProcessName": "Advapi  ", "AuthenticationPackageName": "Negotiate", "ProcessId": s.pid("services"), "ProcessName": `C:\Windows\System32\services.exe`})
	if s.year >= 2016 {
		f["ElevatedToken"] = "%%1842"
	}
	s.log(at, "4624", f)
	s.log(at.Add(time.Millisecond), "4672", fields{"SubjectUserSid": "S-1-5-18", "SubjectUserName": "SYSTEM", "SubjectDomainName": "NT AUTHORITY", "SubjectLogonId": 0x3e7,
		"PrivilegeList": "SeAssignPrimaryTokenPrivilege\r\n\t\t\tSeTcbPrivilege\r\n\t\t\t" + privileges})
}
