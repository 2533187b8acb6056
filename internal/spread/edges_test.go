package spread

import (
	"testing"

	"wardround/internal/event"
)

// record makes a record of fields given as name, value, name, value.
func record(src event.Source, host string, fields ...string) *event.Record {
	var names []string
	var slots []event.Value
	for i := 0; i+1 < len(fields); i += 2 {
		names = append(names, fields[i])
		slots = append(slots, event.Text(fields[i+1]))
	}
	return &event.Record{Schema: event.TextSchema(src, names...), Slots: slots, Time: 7, Host: host}
}

func windows(channel string, id uint32) event.Source {
	return event.Source{Product: "windows", Channel: channel, EventID: id}
}

func TestEdges(t *testing.T) {
	const local = "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"
	for _, c := range []struct {
		name string
		r    *event.Record
		want event.Movement // How "" for none
	}{
		{"network logon", record(windows("Security", 4624), "DB1.hosp.local", "LogonType", "3", "TargetUserName", "svc_bkp", "TargetDomainName", "HOSP", "TargetLogonId", "0x51", "IpAddress", "10.0.2.4", "WorkstationName", "APP1"),
			event.Movement{To: "DB1.hosp.local", How: "network logon", Account: `HOSP\svc_bkp`, Address: "10.0.2.4", Workstation: "APP1", Session: "0x51", SeenFrom: "destination"}},
		{"mapped address", record(windows("Security", 4624), "DB1", "LogonType", "10", "TargetUserName", "adm", "IpAddress", "::ffff:10.0.2.4"),
			event.Movement{To: "DB1", How: "rdp", Account: "adm", Address: "10.0.2.4", SeenFrom: "destination"}},
		{"its own name is no other computer", record(windows("Security", 4624), "DB1.hosp.local", "LogonType", "3", "TargetUserName", "adm", "IpAddress", "-", "WorkstationName", "db1"), event.Movement{}},
		{"loopback", record(windows("Security", 4624), "DB1", "LogonType", "3", "TargetUserName", "adm", "IpAddress", "127.0.0.1", "WorkstationName", "-"), event.Movement{}},
		{"a computer's account", record(windows("Security", 4624), "DB1", "LogonType", "3", "TargetUserName", "APP1$", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"anonymous", record(windows("Security", 4624), "DB1", "LogonType", "3", "TargetUserName", "ANONYMOUS LOGON", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"at the console", record(windows("Security", 4624), "DB1", "LogonType", "2", "TargetUserName", "adm", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"failed", record(windows("Security", 4625), "DB1", "LogonType", "3", "TargetUserName", "adm", "IpAddress", "198.18.0.7"),
			event.Movement{To: "DB1", How: "network logon", Account: "adm", Address: "198.18.0.7", Failed: true, SeenFrom: "destination"}},
		{"explicit credentials, seen from the source", record(windows("Security", 4648), "APP1", "TargetServerName", "DB1.hosp.local", "TargetUserName", "svc_bkp", "TargetDomainName", "HOSP", "SubjectLogonId", "0x9"),
			event.Movement{From: "APP1", To: "DB1.hosp.local", How: "explicit credentials", Account: `HOSP\svc_bkp`, Session: "0x9", SeenFrom: "source"}},
		{"explicit credentials for itself", record(windows("Security", 4648), "APP1.hosp.local", "TargetServerName", "app1", "TargetUserName", "svc_bkp"), event.Movement{}},
		{"administrative share", record(windows("Security", 5145), "DB1", "ShareName", `\\*\ADMIN$`, "SubjectUserName", "adm", "SubjectDomainName", "HOSP", "IpAddress", "10.0.2.4"),
			event.Movement{To: "DB1", How: "admin share", Account: `HOSP\adm`, Address: "10.0.2.4", SeenFrom: "destination"}},
		{"drive share", record(windows("Security", 5140), "DB1", "ShareName", `\\*\C$`, "SubjectUserName", "adm", "IpAddress", "10.0.2.4"),
			event.Movement{To: "DB1", How: "admin share", Account: "adm", Address: "10.0.2.4", SeenFrom: "destination"}},
		{"IPC$ is no drive", record(windows("Security", 5140), "DB1", "ShareName", `\\*\IPC$`, "SubjectUserName", "adm", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"an ordinary share", record(windows("Security", 5145), "DB1", "ShareName", `\\*\Reports`, "SubjectUserName", "adm", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"terminal session", record(windows(local, 21), "DB1", "User", `HOSP\adm`, "Address", "10.0.2.4"),
			event.Movement{To: "DB1", How: "rdp", Account: `HOSP\adm`, Address: "10.0.2.4", SeenFrom: "destination"}},
		{"terminal session at the console", record(windows(local, 21), "DB1", "User", `HOSP\adm`, "Address", "LOCAL"), event.Movement{}},
		{"terminal session left", record(windows(local, 24), "DB1", "User", `HOSP\adm`, "Address", "10.0.2.4"), event.Movement{To: "DB1", How: "rdp", Account: `HOSP\adm`, Ended: true, SeenFrom: "destination"}},
		{"terminal session ended", record(windows(local, 23), "DB1", "User", `HOSP\adm`, "SessionID", "2"), event.Movement{To: "DB1", How: "rdp", Account: `HOSP\adm`, Ended: true, SeenFrom: "destination"}},
		{"logon that led back to an old desktop logged off", record(windows("Security", 4634), "DB1", "LogonType", "10", "TargetUserName", "adm", "TargetDomainName", "HOSP"), event.Movement{}},
		{"desktop disconnected", record(windows("Security", 4779), "DB1", "AccountName", "adm", "AccountDomain", "HOSP", "ClientAddress", "10.0.2.4"), event.Movement{To: "DB1", How: "rdp", Account: `HOSP\adm`, Ended: true, SeenFrom: "destination"}},
		{"outgoing connection to an administration port", record(windows("Microsoft-Windows-Sysmon/Operational", 3), "APP1", "Initiated", "true", "DestinationPort", "3389", "DestinationIp", "10.0.2.9", "SourceIp", "10.0.2.4", "User", `HOSP\adm`),
			event.Movement{From: "APP1", To: "10.0.2.9", How: "connection to rdp", Address: "10.0.2.4", Account: `HOSP\adm`, SeenFrom: "source"}},
		{"ticket, seen by the domain controller", record(windows("Security", 4769), "DC1.hosp.local", "TargetUserName", "svc_bkp@HOSP.LOCAL", "TargetDomainName", "HOSP.LOCAL", "ServiceName", "DB1$", "IpAddress", "::ffff:10.0.2.4", "Status", "0x0"),
			event.Movement{By: "DC1.hosp.local", To: "DB1", How: "ticket", Account: `HOSP.LOCAL\svc_bkp`, Address: "10.0.2.4", SeenFrom: "domain controller"}},
		{"ticket refused", record(windows("Security", 4769), "DC1", "TargetUserName", "svc_bkp@HOSP.LOCAL", "ServiceName", "DB1$", "IpAddress", "10.0.2.4", "Status", "0x1b"),
			event.Movement{By: "DC1", To: "DB1", How: "ticket", Account: "svc_bkp", Address: "10.0.2.4", Failed: true, SeenFrom: "domain controller"}},
		{"ticket asked for on the controller itself", record(windows("Security", 4769), "DC1.hosp.local", "TargetUserName", "adm@HOSP.LOCAL", "ServiceName", "DB1$", "IpAddress", "::1", "Status", "0x0"),
			event.Movement{By: "DC1.hosp.local", From: "DC1.hosp.local", To: "DB1", How: "ticket", Account: "adm", SeenFrom: "domain controller"}},
		{"WMI query of another computer", record(windows("Microsoft-Windows-WMI-Activity/Operational", 5858), "DB1", "ClientMachine", "APP1", "User", `HOSP\adm`),
			event.Movement{To: "DB1", How: "wmi", Account: `HOSP\adm`, Workstation: "APP1", SeenFrom: "destination"}},
		{"WMI query of its own", record(windows("Microsoft-Windows-WMI-Activity/Operational", 5858), "DB1", "ClientMachine", "DB1", "User", `HOSP\adm`), event.Movement{}},
		{"WMI query of a computer", record(windows("Microsoft-Windows-WMI-Activity/Operational", 5858), "DB1", "ClientMachine", "APP1", "User", `NT AUTHORITY\SYSTEM`), event.Movement{}},
		{"ticket to tickets", record(windows("Security", 4769), "DC1", "TargetUserName", "svc_bkp@HOSP.LOCAL", "ServiceName", "krbtgt", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"ticket to the controller itself", record(windows("Security", 4769), "DC1.hosp.local", "TargetUserName", "svc_bkp@HOSP.LOCAL", "ServiceName", "DC1$", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"a computer's ticket", record(windows("Security", 4769), "DC1", "TargetUserName", "APP1$@HOSP.LOCAL", "ServiceName", "DB1$", "IpAddress", "10.0.2.4"), event.Movement{}},
		{"client of remote desktop", record(windows("Microsoft-Windows-TerminalServices-RDPClient/Operational", 1024), "APP1", "Value", "db1.hosp.local"),
			event.Movement{From: "APP1", To: "db1.hosp.local", How: "rdp", SeenFrom: "source"}},
		{"client of WinRM", record(windows("Microsoft-Windows-WinRM/Operational", 6), "APP1", "connection", "DB1/wsman?PSVersion=5.1"),
			event.Movement{From: "APP1", To: "DB1", How: "winrm", SeenFrom: "source"}},
		{"client of WinRM, to itself", record(windows("Microsoft-Windows-WinRM/Operational", 6), "APP1", "connection", "localhost/wsman"), event.Movement{}},
		{"web traffic", record(windows("Microsoft-Windows-Sysmon/Operational", 3), "APP1", "Initiated", "true", "DestinationPort", "443", "DestinationIp", "10.0.2.9"), event.Movement{}},
		{"ssh", record(event.Source{Product: "linux", Channel: "auth", Provider: "sshd"}, "pg1", "action", "logon", "outcome", "success", "user", "deploy", "src_ip", "10.0.0.5"),
			event.Movement{To: "pg1", How: "ssh", Account: "deploy", Address: "10.0.0.5", SeenFrom: "destination"}},
		{"ssh failed", record(event.Source{Product: "linux", Channel: "auth", Provider: "sshd"}, "pg1", "action", "logon", "outcome", "failure", "user", "deploy", "src_ip", "10.0.0.5"),
			event.Movement{To: "pg1", How: "ssh", Account: "deploy", Address: "10.0.0.5", Failed: true, SeenFrom: "destination"}},
		{"ssh disconnect", record(event.Source{Product: "linux", Channel: "auth", Provider: "sshd"}, "pg1", "action", "disconnection", "user", "deploy", "src_ip", "10.0.0.5"), event.Movement{}},
		{"wtmp", record(event.Source{Product: "linux", Channel: "wtmp"}, "", "type", "USER_PROCESS", "action", "logon", "user", "deploy", "src_ip", "10.0.0.5", "src_host", "10.0.0.5"),
			event.Movement{How: "login", Account: "deploy", Address: "10.0.0.5", Workstation: "10.0.0.5", SeenFrom: "destination"}},
		{"VPN", record(event.Source{Product: "network", Channel: "vpn", Provider: "fortigate"}, "FGT", "action", "logon", "outcome", "success", "user", "dr.rao", "src_ip", "198.18.0.7", "assigned_ip", "10.212.134.200"),
			event.Movement{To: "FGT", How: "vpn", Account: "dr.rao", Address: "198.18.0.7", Session: "10.212.134.200", SeenFrom: "destination"}},
		{"VPN, a laptop named", record(event.Source{Product: "network", Channel: "vpn", Provider: "panos"}, "pa1", "action", "logon", "outcome", "success", "user", "dr.rao", "src_ip", "198.18.0.7", "client_name", "LAPTOP7"),
			event.Movement{To: "pa1", How: "vpn", Account: "dr.rao", Address: "198.18.0.7", Workstation: "LAPTOP7", SeenFrom: "destination"}},
		{"VPN failed", record(event.Source{Product: "network", Channel: "vpn", Provider: "asa"}, "asa1", "action", "logon", "outcome", "failure", "user", "dr.rao", "src_ip", "198.18.0.7"),
			event.Movement{To: "asa1", How: "vpn", Account: "dr.rao", Address: "198.18.0.7", Failed: true, SeenFrom: "destination"}},
		{"VPN, the inner address alone", record(event.Source{Product: "linux", Channel: "syslog", Provider: "charon"}, "gw1", "action", "address assigned", "outcome", "success", "user", "dr.rao", "src_ip", "", "assigned_ip", "10.9.0.5"),
			event.Movement{To: "gw1", How: "vpn", Account: "dr.rao", Session: "10.9.0.5", SeenFrom: "destination"}},
		{"VPN ended", record(event.Source{Product: "network", Channel: "vpn"}, "gw1", "action", "logoff", "user", "dr.rao", "src_ip", "198.18.0.7"), event.Movement{}},
		{"OpenVPN", record(event.Source{Product: "linux", Channel: "syslog", Provider: "openvpn"}, "gw1", "action", "logon", "outcome", "success", "user", "dr.rao", "src_ip", "198.18.0.7", "pid", "9"),
			event.Movement{To: "gw1", How: "vpn", Account: "dr.rao", Address: "198.18.0.7", SeenFrom: "destination"}},
		{"administrator of a firewall", record(event.Source{Product: "network", Channel: "auth", Provider: "fortigate"}, "FGT", "action", "logon", "outcome", "success", "user", "admin", "src_ip", "198.18.0.7"),
			event.Movement{To: "FGT", How: "device administration", Account: "admin", Address: "198.18.0.7", SeenFrom: "destination"}},
		{"TeamViewer", record(event.Source{Product: "network", Channel: "remote control", Provider: "teamviewer"}, "", "action", "logon", "outcome", "success", "user", "Administrator", "remote_id", "1660360496", "remote_name", "Supplier Desk", "session", "{b3}"),
			event.Movement{How: "remote control", Account: "Administrator", Workstation: "Supplier Desk", Session: "{b3}", SeenFrom: "destination"}},
		{"AnyDesk's address", record(event.Source{Product: "network", Channel: "remote control", Provider: "anydesk"}, "", "action", "connection", "outcome", "success", "src_ip", "198.18.0.7"),
			event.Movement{How: "remote control", Address: "198.18.0.7", SeenFrom: "destination"}},
		{"outgoing remote control", record(event.Source{Product: "network", Channel: "remote control", Provider: "anydesk"}, "", "action", "outgoing session", "outcome", "success", "remote_id", "1"), event.Movement{}},
		{"ESXi's management", record(event.Source{Product: "esxi", Channel: "hostd", Provider: "hostd"}, "esx1", "action", "logon", "outcome", "success", "user", "root", "src_ip", "198.18.0.7"),
			event.Movement{To: "esx1", How: "vmware", Account: "root", Address: "198.18.0.7", SeenFrom: "destination"}},
		{"SSH to ESXi, seen by vobd", record(event.Source{Product: "esxi", Channel: "vobd", Provider: "vobd"}, "", "action", "session opened", "user", "root", "src_ip", "198.18.0.7"),
			event.Movement{How: "ssh", Account: "root", Address: "198.18.0.7", SeenFrom: "destination"}},
		{"login to SQL Server", record(event.Source{Product: "windows", Channel: "Application", Provider: "MSSQL$LIS", EventID: 18453}, "DB1", "Data", `HOSP\svc_lis`, "Data", " [CLIENT: 10.0.2.4]"),
			event.Movement{To: "DB1", How: "database", Account: `HOSP\svc_lis`, Address: "10.0.2.4", SeenFrom: "destination"}},
		{"login to SQL Server failed", record(event.Source{Product: "windows", Channel: "Application", Provider: "MSSQLSERVER", EventID: 18456}, "DB1", "Data", "sa", "Data", " Reason: Password did not match that for the login provided.", "Data", " [CLIENT: 10.0.2.4]"),
			event.Movement{To: "DB1", How: "database", Account: "sa", Address: "10.0.2.4", Failed: true, SeenFrom: "destination"}},
		{"login to SQL Server from the computer itself", record(event.Source{Product: "windows", Channel: "Application", Provider: "MSSQLSERVER", EventID: 18454}, "DB1", "Data", "sa", "Data", " [CLIENT: <local machine>]"), event.Movement{}},
		{"database", record(event.Source{Product: "database", Channel: "postgresql"}, "", "action", "login failed", "user", "postgres", "src_ip", "10.0.0.5", "src_host", ""),
			event.Movement{How: "database", Account: "postgres", Address: "10.0.0.5", Failed: true, SeenFrom: "destination"}},
	} {
		e := Of(c.r.Schema)
		var m event.Movement
		ok := e.Read(c.r, &m)
		c.want.Time = 7
		switch {
		case ok != (c.want.How != ""):
			t.Errorf("%s: read %v, %+v", c.name, ok, m)
		case ok && !same(m, c.want):
			t.Errorf("%s:\n got %+v\nwant %+v", c.name, m, c.want)
		}
	}
}

func same(a, b event.Movement) bool {
	return a.From == b.From && a.To == b.To && a.Time == b.Time && a.How == b.How && a.Account == b.Account && a.Address == b.Address &&
		a.Workstation == b.Workstation && a.Session == b.Session && a.Failed == b.Failed && a.SeenFrom == b.SeenFrom && a.By == b.By
}

func TestOtherLogsTellOfNoMovement(t *testing.T) {
	for _, s := range []event.Source{windows("System", 7045), windows("Security", 4688), {Product: "linux", Channel: "syslog", Provider: "cron"}, {Product: "web", Channel: "access"}, {Product: "network", Channel: "firewall"}, {Product: "network", Channel: "dhcp"}} {
		if Of(event.TextSchema(s, "x")).Any() {
			t.Errorf("%+v", s)
		}
	}
}
