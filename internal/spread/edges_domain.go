package spread

import (
	"net/netip"
	"strings"

	"wardround/internal/event"
)

// serviceTicket reads Security 4769 of a domain controller: somebody at an address asked for a ticket to a computer's
// services, and logs on there within the ticket's life. It is neither end's log, but knows both.
func serviceTicket(r *event.Record, m *event.Movement) bool {
	service := r.Text("ServiceName")
	if !strings.HasSuffix(service, "$") || len(service) < 2 {
		return false
	}
	user, _, _ := strings.Cut(r.Text("TargetUserName"), "@")
	if !person(user) || sameHost(service[:len(service)-1], r.Host) {
		return false
	}
	if s := r.Text("Status"); s != "" && s != "0x0" && s != "0" {
		m.Failed = true
	}
	m.By, m.To, m.SeenFrom = m.To, event.ServerID(service[:len(service)-1]), event.FromController
	m.How = "ticket"
	m.Account = account(r.Text("TargetDomainName"), user)
	if a, err := netip.ParseAddr(clean(r.Text("IpAddress"))); err == nil && a.IsLoopback() {
		m.From = m.By // who asked sits on the controller itself
		return true
	}
	return remote(r, m, "IpAddress", "")
}

// managed reads WMI-Activity 5858 and 5860: a query of another computer that failed, or that waits for events here. They name
// that computer, where 5857 and 5861 name nobody.
func managed(r *event.Record, m *event.Movement) bool {
	m.How, m.Account = "wmi", r.Text("User")
	if !person(m.Account[strings.LastIndexByte(m.Account, '\\')+1:]) {
		return false
	}
	return remote(r, m, "", "ClientMachine")
}

// terminalClient is seen from the source: the client of remote desktop names whom it connects to (1024 by name, 1102 by
// address). The record's user is a SID alone.
func terminalClient(r *event.Record, m *event.Movement) bool {
	to := clean(r.Text("Value"))
	if to == "" || strings.EqualFold(to, "localhost") || sameHost(to, r.Host) {
		return false
	}
	m.From, m.To, m.SeenFrom, m.How = m.To, event.ServerID(to), event.FromSource, "rdp"
	return true
}

// remoteShellClient is seen from the source: WinRM 6 names the computer that a session is made to, as host/wsman?….
func remoteShellClient(r *event.Record, m *event.Movement) bool {
	to, _, _ := strings.Cut(r.Text("connection"), "/")
	to = clean(to)
	if to == "" || strings.EqualFold(to, "localhost") || sameHost(to, r.Host) || !outside(to) && strings.ContainsAny(to, ":") {
		return false
	}
	m.From, m.To, m.SeenFrom, m.How = m.To, event.ServerID(to), event.FromSource, "winrm"
	return true
}
