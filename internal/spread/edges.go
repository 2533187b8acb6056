// Package spread tells how an intruder went from server to server.
//
// Edges comes before verdicts: it reads logons and other arrivals off single records, each seen from one end, as the
// log of that end tells it. It decides nothing about them: most are lawful. Which of them matter, and which server was
// first, is said after the verdicts.
package spread

import (
	"net/netip"
	"strings"

	"wardround/internal/event"
)

// Edges reads movements off the records of one schema. The zero value reads none.
type Edges struct {
	read func(*event.Record, *event.Movement) bool

	asks    []int // of the schema's fields: with the computer all that read looks at, but for the session, and -1 after those of a name; nil where that is not said
	session []int
	source  string
	may     func(*event.Record) bool // whether a record can tell of one at all, where that is seen sooner
}

// Of returns what reads the movements of a schema's records.
func Of(s *event.Schema) Edges {
	src := s.Source
	channel := strings.ToLower(src.Channel)
	switch src.Product {
	case "windows":
		switch channel {
		case "security":
			x := securityEvents[src.EventID]
			return Edges{read: x.read}.asking(s, x.session, x.asks...)
		case "application":
			if sqlServer(src.Provider) && sqlLogins[src.EventID] {
				return Edges{read: sqlLogin}
			}
		case "microsoft-windows-terminalservices-localsessionmanager/operational":
			switch src.EventID {
			case 21, 25:
				return Edges{read: terminalSession}
			case 23, 24:
				return Edges{read: terminalLeft}
			}
		case "microsoft-windows-terminalservices-remoteconnectionmanager/operational":
			if src.EventID == 1149 {
				return Edges{read: terminalConnection}
			}
		case "microsoft-windows-sysmon/operational":
			if src.EventID == 3 {
				return Edges{read: sysmonConnection}.asking(s, "", "DestinationPort", "DestinationIp", "Initiated", "User", "SourceIp")
			}
		case "microsoft-windows-terminalservices-rdpclient/operational":
			if src.EventID == 1024 || src.EventID == 1102 {
				return Edges{read: terminalClient}
			}
		case "microsoft-windows-wmi-activity/operational":
			if src.EventID == 5858 || src.EventID == 5860 {
				return Edges{read: managed}
			}
		case "microsoft-windows-winrm/operational":
			if src.EventID == 6 {
				return Edges{read: remoteShellClient}
			}
		}
	case "linux", "esxi":
		switch {
		case channel == "auditd" && src.Provider == "execve" && len(s.Lookup("CommandLine")) > 0, channel == "sysmon" && src.EventID == 1:
			return Edges{read: remoteClient("CommandLine")}
		case channel == "shell" || channel == "shell history":
			return Edges{read: remoteClient("command")}
		}
		if len(s.Lookup("action")) > 0 && (len(s.Lookup("src_ip")) > 0 || len(s.Lookup("src_host")) > 0) {
			return accessOf(s)
		}
	case "network":
		switch channel {
		case "vpn":
			return Edges{read: tunnel}
		case "auth":
			return accessOf(s)
		case "remote control":
			return Edges{read: remoteControl}
		}
	case "database":
		return Edges{read: databaseLogin}
	}
	return Edges{}
}

// Any reports whether there is anything to read.
func (e Edges) Any() bool { return e.read != nil }

// Read fills m with the movement that a record tells of, and reports whether it tells of one. To is the record's own
// computer as it names itself, unless SeenFrom is "source": then From is.
func (e Edges) Read(r *event.Record, m *event.Movement) bool {
	if e.read == nil {
		return false
	}
	*m = event.Movement{To: event.ServerID(r.Host), Time: r.Time, SeenFrom: "destination"}
	return e.read(r, m)
}

// securityEvents are the events of Windows' security log that tell of movements, with the fields that say so.
var securityEvents = map[uint32]struct {
	read    func(*event.Record, *event.Movement) bool
	session string
	asks    []string
}{
	4624: {logon, "TargetLogonId", append([]string{"TargetUserSid"}, logonFields...)}, // the SID for People.Within
	4625: {failedLogon, "TargetLogonId", logonFields},
	4648: {explicitLogon, "SubjectLogonId", []string{"TargetServerName", "TargetUserName", "TargetDomainName"}},
	4769: {serviceTicket, "", []string{"ServiceName", "TargetUserName", "TargetDomainName", "Status", "IpAddress"}},
	4778: {read: reconnected},
	4779: {read: disconnected},
	5140: {shareAccess, "SubjectLogonId", shareFields},
	5145: {shareAccess, "SubjectLogonId", shareFields},
}

var (
	logonFields = []string{"LogonType", "TargetUserName", "TargetDomainName", "IpAddress", "WorkstationName"}
	shareFields = []string{"ShareName", "SubjectUserName", "SubjectDomainName", "IpAddress"}
)

// logonTypes names the types of [MS-ADTS] logons that come over a network.
var logonTypes = map[string]string{"3": "network logon", "8": "network logon, password in clear", "10": "rdp", "7": "rdp", "12": "rdp"}

func logon(r *event.Record, m *event.Movement) bool {
	how, ok := logonTypes[r.Text("LogonType")]
	if !ok {
		return false
	}
	user := r.Text("TargetUserName")
	if !person(user) {
		return false
	}
	m.How = how
	m.Account = account(r.Text("TargetDomainName"), user)
	m.Session = r.Text("TargetLogonId")
	return remote(r, m, "IpAddress", "WorkstationName")
}

func failedLogon(r *event.Record, m *event.Movement) bool {
	m.Failed = true
	return logon(r, m)
}

func reconnected(r *event.Record, m *event.Movement) bool {
	m.How = "rdp"
	m.Account = account(r.Text("AccountDomain"), r.Text("AccountName"))
	m.Session = r.Text("LogonID")
	return remote(r, m, "ClientAddress", "ClientName")
}

// disconnected and terminalLeft tell that a desktop was left or ended (Security 4779; LocalSessionManager 23, 24). Security 4634 of type 10 is
// not read: it is also written a second after somebody comes back, for the logon that only served to find the old desktop.
func disconnected(r *event.Record, m *event.Movement) bool {
	return left(m, account(r.Text("AccountDomain"), r.Text("AccountName")), r.Text("AccountName"))
}

func terminalLeft(r *event.Record, m *event.Movement) bool {
	user := r.Text("User")
	return left(m, user, user[strings.LastIndexByte(user, '\\')+1:])
}

func left(m *event.Movement, account, user string) bool {
	m.How, m.Account, m.Ended = "rdp", account, true
	return person(user)
}

// explicitLogon is seen from the source: a process here used an account's password for another computer.
func explicitLogon(r *event.Record, m *event.Movement) bool {
	to := r.Text("TargetServerName")
	user := r.Text("TargetUserName")
	if !person(user) || to == "" || to == "-" || strings.EqualFold(to, "localhost") || sameHost(to, r.Host) {
		return false
	}
	m.From, m.To, m.SeenFrom = m.To, event.ServerID(to), "source"
	m.How = "explicit credentials"
	m.Account = account(r.Text("TargetDomainName"), user)
	m.Session = r.Text("SubjectLogonId")
	return true
}

func shareAccess(r *event.Record, m *event.Movement) bool {
	share := strings.ToUpper(r.Text("ShareName"))
	if !strings.HasSuffix(share, `\ADMIN$`) && !(strings.HasSuffix(share, "$") && len(share) > 2 && share[len(share)-3] == '\\') {
		return false
	}
	user := r.Text("SubjectUserName")
	if !person(user) {
		return false
	}
	m.How = "admin share"
	m.Account = account(r.Text("SubjectDomainName"), user)
	m.Session = r.Text("SubjectLogonId")
	return remote(r, m, "IpAddress", "")
}

func terminalSession(r *event.Record, m *event.Movement) bool {
	m.How, m.Account = "rdp", r.Text("User")
	return remote(r, m, "Address", "")
}

func terminalConnection(r *event.Record, m *event.Movement) bool {
	m.How = "rdp"
	m.Account = account(r.Text("Param2"), r.Text("Param1"))
	return remote(r, m, "Param3", "")
}

// administration names the ports over which servers are administered; other connections are traffic.
var administration = map[string]string{"22": "ssh", "135": "rpc", "445": "smb", "3389": "rdp", "5985": "winrm", "5986": "winrm"}

// sysmonConnection is seen from the source.
func sysmonConnection(r *event.Record, m *event.Movement) bool {
	how, ok := administration[r.Text("DestinationPort")]
	to := r.Text("DestinationIp")
	if !ok || !strings.EqualFold(r.Text("Initiated"), "true") || !outside(to) {
		return false
	}
	m.From, m.To, m.SeenFrom = m.To, event.ServerID(to), "source"
	m.How, m.Account = "connection to "+how, r.Text("User")
	if own := clean(r.Text("SourceIp")); outside(own) {
		m.Address = own
	}
	return true
}

// services names the ways in of Linux and ESXi by the program that logs them.
var services = map[string]string{"sshd": "ssh", "dropbear": "ssh", "vsftpd": "ftp", "proftpd": "ftp", "pure-ftpd": "ftp", "smbd": "smb", "guacd": "guacamole", "hostd": "vmware", "vpxa": "vmware", "vobd": "ssh",
	"openvpn": "vpn", "charon": "vpn", "pppd": "vpn"}

// accessOf reads logons of Linux, ESXi and network devices: every program's are in the same fields (docs/format/events-linux.md).
func accessOf(s *event.Schema) Edges {
	src := s.Source
	how := services[src.Provider]
	switch {
	case how == "vpn":
		return Edges{read: tunnel}
	case src.Product == "network":
		how = "device administration"
	case how == "":
		how = "login"
	}
	action := s.Lookup("action")
	may := func(r *event.Record) bool { // of ESXi's two witnesses of an SSH session, vobd's names the address
		return says(r, action, "logon") || src.Provider == "vobd" && says(r, action, "session opened")
	}
	read := func(r *event.Record, m *event.Movement) bool {
		if !may(r) {
			return false
		}
		m.How = how
		m.Failed = r.Text("outcome") == "failure"
		m.Account, m.Session = r.Text("user"), r.Text("pid")
		return remote(r, m, "src_ip", "src_host")
	}
	return Edges{read: read, may: may}.asking(s, "pid", "action", "outcome", "user", "src_ip", "src_host")
}

// says reports whether the first value of a field, given by its indexes in the schema, is that text.
func says(r *event.Record, field []int, text string) bool {
	for _, i := range field {
		if v := r.Field(i); !v.IsNull() {
			if v.Type == event.UTF8 {
				return string(v.Raw) == text
			}
			var room [64]byte
			return string(v.AppendText(room[:0])) == text
		}
	}
	return false
}

// tunnel reads who came in through a VPN's gateway, in the fields of docs/format/events-network.md. The session's name inside
// the network is the address that the gateway gave, which may stand in a record of its own that does not repeat the outer one.
func tunnel(r *event.Record, m *event.Movement) bool {
	switch r.Text("action") {
	case "logon", "address assigned":
	default:
		return false
	}
	m.How = "vpn"
	m.Failed = r.Text("outcome") == "failure"
	m.Account, m.Session = r.Text("user"), clean(r.Text("assigned_ip"))
	return remote(r, m, "src_ip", "client_name") || m.Account != "" && m.Session != ""
}

// remoteControl reads who took over a screen. The tool knows the other side by a number or a name of its own; an address
// is only in AnyDesk's trace, in a record that names nobody.
func remoteControl(r *event.Record, m *event.Movement) bool {
	switch action, outcome := r.Text("action"), r.Text("outcome"); {
	case action == "logon":
		m.Failed = outcome == "failure"
	case action != "connection" || outcome != "success":
		return false
	}
	m.How, m.Account, m.Session = "remote control", r.Text("user"), r.Text("session")
	if m.Workstation = r.Text("remote_name"); m.Workstation == "" {
		m.Workstation = r.Text("remote_id")
	}
	if a := clean(r.Text("src_ip")); outside(a) {
		m.Address = a
	}
	return m.Address != "" || m.Workstation != ""
}

func databaseLogin(r *event.Record, m *event.Movement) bool {
	switch r.Text("action") {
	case "login", "authenticated":
	case "login failed":
		m.Failed = true
	default:
		return false
	}
	m.How, m.Account = "database", r.Text("user")
	return remote(r, m, "src_ip", "src_host")
}

// remote fills in where an arrival came from, and reports whether that is another computer.
func remote(r *event.Record, m *event.Movement, address, workstation string) bool {
	if a := clean(r.Text(address)); outside(a) {
		m.Address = a
	}
	if workstation != "" {
		if w := clean(r.Text(workstation)); w != "" && !strings.EqualFold(w, "localhost") && !sameHost(w, r.Host) {
			m.Workstation = strings.TrimPrefix(w, `\\`)
		}
	}
	return m.Address != "" || m.Workstation != ""
}

func clean(s string) string {
	s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "::ffff:"))
	switch s {
	case "-", "LOCAL", "local", "?", "0.0.0.0", "::":
		return ""
	}
	return s
}

// outside reports whether an address is that of another computer.
func outside(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && !a.IsLoopback() && !a.IsUnspecified() && !a.IsMulticast()
}

// sameHost compares two computers' names by their first label.
func sameHost(a, b string) bool {
	first := func(s string) string {
		s = strings.TrimPrefix(s, `\\`)
		s, _, _ = strings.Cut(s, ".")
		return s
	}
	return strings.EqualFold(first(a), first(b))
}

// person reports whether a logon is one of a user or a service account: not of a computer, nor of Windows' own.
func person(user string) bool {
	if user == "" || user == "-" || strings.HasSuffix(user, "$") {
		return false
	}
	switch strings.ToUpper(user) {
	case "ANONYMOUS LOGON", "SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE":
		return false
	}
	return !strings.HasPrefix(user, "DWM-") && !strings.HasPrefix(user, "UMFD-")
}

func account(domain, user string) string {
	if domain == "" || domain == "-" {
		return user
	}
	return domain + `\` + user
}
