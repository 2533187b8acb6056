package evidence

import (
	"strings"
	"testing"
	"time"
)

// networkFiles are small logs of services that keep files of their own; after each, fields of each record.
var networkFiles = []struct {
	path, content, kind string
	want                [][]string
	damaged             int
}{
	{"DhcpSrvLog-Wed.log", "\t\tMicrosoft DHCP Service Activity Log\r\n\r\nEvent ID  Meaning\r\n00\tThe log was started.\r\n\r\nQResult: 0: NoQuarantine\r\n\r\nID,Date,Time,Description,IP Address,Host Name,MAC Address,User Name, TransactionID, QResult,Probationtime, CorrelationID,Dhcid,VendorClass(Hex)\r\n" +
		"10,11/23/22,07:07:49,Assign,10.0.0.5,EHOSP-DB1.hosp.local,AABBCCDDEEFF,,1,0,,,,0x4D53,MSFT 5.0,,,,0\r\n11,11/23/22,07:08:49,Renew,10.0.0.6,,001122334455,,,,\r\n15,11/23/22,07:09:49,NACK,10.0.0.7,,001122334455,,,,\r\nbroken\r\n", "dhcp log",
		[][]string{{"source=network/dhcp/windows-dhcp", "@=2022-11-23T07:07:49Z", "action=lease", "address=10.0.0.5", "mac=aa:bb:cc:dd:ee:ff", "client_name=EHOSP-DB1.hosp.local", "event_id=10"}, {"action=renew", "address=10.0.0.6", "outcome=success"}, {"action=lease denied", "outcome=failure"}}, 1},
	{"dns.log", "DNS Server log file creation at 11/23/2022 7:00:00 AM\nLog file wrap at 11/23/2022 7:00:00 AM\n\nMessage logging key (for packets - other items use a subset of these fields):\n\n" +
		"11/23/2022 7:07:49 AM 0F48 PACKET  000001D3A2B0 UDP Rcv 10.0.0.5        3bc4   Q [0001   D   NOERROR] A      (4)evil(7)example(0)\nUDP question info at 000001D3A2B0\n  Socket = 332\n\n" +
		"23-11-2022 19:07:50 0F48 PACKET  000001D3A2B0 UDP Snd 10.0.0.5        3bc4 R Q [8081   DR  NXDOMAIN] A      (4)evil(7)example(0)\n", "dns log",
		[][]string{{"source=network/dns/windows-dns", "@=2022-11-23T07:07:49Z", "action=query", "query=evil.example", "record_type=A", "src_ip=10.0.0.5", "protocol=UDP"}, {"@=2022-11-23T19:07:50Z", "action=response", "dst_ip=10.0.0.5", "answer=NXDOMAIN"}}, 0},
	{"IN2211.log", `<Event><Timestamp data_type="4">11/23/2022 07:07:49.123</Timestamp><Computer-Name data_type="1">GW1</Computer-Name><Event-Source data_type="1">IAS</Event-Source><User-Name data_type="1">HOSP\dr.rao</User-Name><Tunnel-Client-Endpt data_type="1">198.18.0.7</Tunnel-Client-Endpt><Packet-Type data_type="0">2</Packet-Type><Reason-Code data_type="0">0</Reason-Code></Event>` + "\r\n" +
		`<Event><Timestamp data_type="4">11/23/2022 07:07:50.123</Timestamp><Computer-Name data_type="1">GW1</Computer-Name><User-Name data_type="1">HOSP\dr.rao</User-Name><Calling-Station-Id data_type="1">198.18.0.7</Calling-Station-Id><Packet-Type data_type="0">3</Packet-Type><Reason-Code data_type="0">16</Reason-Code></Event>` + "\r\n<Event><Timestamp>\r\n", "nps log",
		[][]string{{"source=network/vpn/nps", "@=2022-11-23T07:07:49.123Z", "#=GW1", "action=logon", "outcome=success", `user=HOSP\dr.rao`, "src_ip=198.18.0.7"}, {"action=logon", "outcome=failure", "src_ip=198.18.0.7", "reason=16"}}, 1},
	{"IN2211.log", `"GW1","RAS",11/23/2022,07:07:49,4,"HOSP\dr.rao","hosp.local/Users/dr.rao",,"198.18.0.7",,"10.9.0.5",,"GW1",,,"10.0.0.1",,,,,,,,4,"VPN",0,,,,,,,,,1,,100,200,"7"` + "\n" + `10.0.0.1,dr.rao,11/23/2022,07:08:49,IAS,GW1,4136,2,66,198.18.0.7,44,7` + "\n", "nps log",
		[][]string{{"#=GW1", "action=address assigned", "user=HOSP\\dr.rao", "assigned_ip=10.9.0.5", "src_ip=198.18.0.7", "session=7", "bytes_in=100"}, {"#=GW1", "action=logon", "user=dr.rao", "src_ip=198.18.0.7"}}, 0},
	{"connections_incoming.txt", "\n1660360496\tSupplier Desk\t16-11-2022 14:16:32\t16-11-2022 14:18:36\tAdministrator\tRemoteControl\t{b3a4df33-d027-44d5-b50f-4e61115494d4}\nbroken\n", "remote control log",
		[][]string{{"source=network/remote control/teamviewer", "@=2022-11-16T14:16:32Z", "action=logon", "outcome=success", "remote_id=1660360496", "remote_name=Supplier Desk", "user=Administrator", "method=RemoteControl", "ended=2022-11-16T14:18:36Z"}}, 1},
	{"Connections.txt", "\n1660360496                      20-11-2022 13:10:33             20-11-2022 13:11:52             User                          RemoteControl                   {b35110b2-7dc5-4bb9-8d54-ca80953f65f8}\n", "remote control log",
		[][]string{{"@=2022-11-20T13:10:33Z", "action=outgoing session", "remote_id=1660360496", "user=User", "session={b35110b2-7dc5-4bb9-8d54-ca80953f65f8}"}}, 0},
	{"TeamViewer15_Logfile.log", "2022/11/23 07:07:49.123  1084       3644 D1   AuthenticationPasswordLogin_Passive::RunAuthenticationMethod: authentication using dynamic password was successful\nVersion: 15\n2022/11/23 07:07:50.123  1084       1436 D1   New Participant added in CParticipantManager Supplier Desk ([1660360496,115469523])\n", "remote control log",
		[][]string{{"action=logon", "outcome=success", "method=dynamic password", "pid=1084"}, {"action=session opened", "remote_name=Supplier Desk", "remote_id=1660360496"}}, 0},
	{"connection_trace.txt", "Incoming    2022-11-23, 01:37    User                              supplier@ad    123456789    \nIncoming    2022-11-23, 01:38    REJECTED                          987654321    987654321    \n", "remote control log",
		[][]string{{"source=network/remote control/anydesk", "@=2022-11-23T01:37:00Z", "action=logon", "outcome=success", "remote_id=123456789", "remote_name=supplier@ad", "method=User"}, {"outcome=failure", "remote_id=987654321"}}, 0},
	{"ad_svc.trace", "   info 2022-11-23 01:37:49.123       gsvc   4628   5344   42            anynet.any_socket - Logged in from 198.18.0.7:51234 on relay abc.\n   info 2022-11-23 01:37:50.123       back   5116   4996       app.backend_session - Incoming session request: SUPPLIER-PC (123456789)\n* * * * * *\n   info 2022-11-23 01:37:51.123       back   5116   4996       desk_rt.auth - Authenticated by password.\n", "remote control log",
		[][]string{{"action=connection", "src_ip=198.18.0.7", "src_port=51234", "program=gsvc"}, {"remote_name=SUPPLIER-PC", "remote_id=123456789"}, {"action=logon", "outcome=success", "method=by password"}}, 0},
	{"openvpn-status.log", "OpenVPN CLIENT LIST\nUpdated,Wed Nov 23 07:08:00 2022\nCommon Name,Real Address,Bytes Received,Bytes Sent,Connected Since\ndr.rao,198.18.0.7:51234,100,200,Wed Nov 23 07:07:49 2022\nROUTING TABLE\nVirtual Address,Common Name,Real Address,Last Ref\n10.8.0.6,dr.rao,198.18.0.7:51234,Wed Nov 23 07:07:59 2022\nGLOBAL STATS\nMax bcast/mcast queue length,0\nEND\n", "openvpn status",
		[][]string{{"source=network/vpn/openvpn", "@=2022-11-23T07:07:49Z", "action=logon", "user=dr.rao", "src_ip=198.18.0.7", "bytes_out=200"}, {"action=address assigned", "assigned_ip=10.8.0.6", "user=dr.rao"}}, 0},
	{"status.log", "TITLE,OpenVPN 2.4.4 x86_64\nTIME,Wed Nov 23 07:08:00 2022,1669187280\nHEADER,CLIENT_LIST,Common Name,Real Address,…\nCLIENT_LIST,dr.rao,198.18.0.7:51234,10.8.0.6,,100,200,Wed Nov 23 07:07:49 2022,1669187269,UNDEF,0,0\nROUTING_TABLE,10.8.0.6,dr.rao,198.18.0.7:51234,Wed Nov 23 07:07:59 2022,1669187279\nEND\n", "openvpn status",
		[][]string{{"@=2022-11-23T07:07:49Z", "action=logon", "assigned_ip=10.8.0.6", "bytes_in=100"}, {"action=address assigned"}}, 0},
	{"log.access.vc0", "\x05\x00\x00\x00\x01" + strings.Repeat("\x00", 8187) + "\x05637d78ad.00000011\tvpn1.hosp.local\tAUT31504\tvc0\tRoot\t198.18.0.7\tdr.rao\tUsers\tweb" + "\x05637d78ae.00000012\tvpn1.hosp.local\tNWC23464\tvc0\tRoot\t198.18.0.7\tdr.rao\tUsers\tVPN Tunneling: Session started\t10.9.0.5" + "\x05!badtime.00000013\tvpn1\tNWC23465\tvc0\tRoot\t\t\tx", "ivanti log",
		[][]string{{"source=network/vpn/ivanti", "#=vpn1.hosp.local", "@=2022-11-23T01:34:37Z", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7"}, {"assigned_ip=10.9.0.5", "action=logon"}}, 1},
	{"openvpn.log", "Wed Nov 23 07:07:49 2022 198.18.0.7:51234 [dr.rao] Peer Connection Initiated with [AF_INET]198.18.0.7:51234\n2022-11-23 07:07:50 dr.rao/198.18.0.7:51234 MULTI_sva: pool returned IPv4=10.8.0.6, IPv6=(Not enabled)\nnoise\n2022-11-23 07:07:51 MULTI: multi_init called, r=256 v=256\n", "daemon log",
		[][]string{{"source=linux/syslog/openvpn", "@=2022-11-23T07:07:49Z", "action=logon", "user=dr.rao"}, {"@=2022-11-23T07:07:50Z", "assigned_ip=10.8.0.6", "user=dr.rao"}, {"action="}}, 1},
	{"radius.log", "Wed Nov 23 07:07:49 2022 : Auth: (12) Login OK: [dr.rao] (from client ap1 port 1 cli AA-BB-CC-DD-EE-FF)\nWed Nov 23 07:07:50 2022 : Info: Ready to process requests\n", "daemon log",
		[][]string{{"source=linux/auth/radiusd", "action=authentication", "outcome=success", "user=dr.rao", "mac=AA-BB-CC-DD-EE-FF"}, {"action="}}, 0},
	{"query.log", "23-Nov-2022 07:07:49.123 queries: info: client @0x7f 10.0.0.5#51234 (evil.example): query: evil.example IN A +E(0)K (10.0.0.1)\n23-Nov-2022 07:07:50.123 client 10.0.0.5#51234: query: b.example IN TXT + (10.0.0.1)\n", "daemon log",
		[][]string{{"source=linux/syslog/named", "@=2022-11-23T07:07:49.123Z", "query=evil.example", "record_type=A", "src_ip=10.0.0.5"}, {"query=b.example", "record_type=TXT"}}, 0},
	{"kea-dhcp4.log", "2022-11-23 07:07:49.123 INFO  [kea-dhcp4.leases/1234.140] DHCP4_LEASE_ALLOC [hwtype=1 aa:bb:cc:dd:ee:ff], cid=[no info], tid=0x1: lease 10.0.0.5 has been allocated for 4000 seconds\n", "daemon log",
		[][]string{{"source=linux/syslog/dhcpd", "action=DHCP4_LEASE_ALLOC", "address=10.0.0.5", "mac=aa:bb:cc:dd:ee:ff"}}, 0},
	{"charon.log", "2022-11-23 07:07:49 05[IKE] IKE_SA rw[12] established between 203.0.113.1[gw]...198.18.0.7[dr.rao]\n", "daemon log", [][]string{{"source=linux/syslog/charon", "action=logon", "src_ip=198.18.0.7", "user=dr.rao"}}, 0},
	{"pfirewall.log", "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip dst-ip src-port dst-port size tcpflags tcpsyn tcpack tcpwin icmptype icmpcode info path\n\n2022-11-23 07:07:49 ALLOW TCP 198.18.0.7 10.0.0.5 51234 3389 0 - 0 0 0 - - - RECEIVE\n", "w3c",
		[][]string{{"source=windows/firewall/windows-firewall", "src_ip=198.18.0.7", "dst_port=3389", "action=ALLOW"}}, 0},
}

func TestNetworkFiles(t *testing.T) {
	c := &Collection{readers: readers}
	for _, f := range networkFiles {
		kind, r := c.kindOf([]byte(f.content), f.path)
		if kind != f.kind || r == nil {
			t.Errorf("%s: kind %s, want %s", f.path, kind, f.kind)
			continue
		}
		got, facts := readAll(t, r.read, f.path, []byte(f.content), aTime)
		if len(got) != len(f.want) || len(facts.Damaged) != f.damaged {
			t.Errorf("%s: %d records, want %d; damage %v", f.path, len(got), len(f.want), facts.Damaged)
			continue
		}
		for i, want := range f.want {
			got[i].want(t, f.path, want...)
		}
	}
}

// TestNetworkSamples counts what public samples hold.
func TestNetworkSamples(t *testing.T) {
	c := &Collection{readers: readers}
	for name, want := range map[string]struct {
		kind             string
		records, damaged int
	}{
		"ivanti_vc0/log.access.vc0": {"ivanti log", 10, 0}, "ivanti_vc0/log.admin.vc0": {"ivanti log", 10, 0}, "ivanti_vc0/log.diagnosticlog.vc0": {"ivanti log", 10, 0},
		"ivanti_vc0/log.events.vc0": {"ivanti log", 9, 1}, "ivanti_vc0/log.policytrace.vc0": {"ivanti log", 0, 0}, "ivanti_vc0/log.sensorslog.vc0": {"ivanti log", 10, 0},
		"teamviewer/connections_incoming.txt": {"remote control log", 1, 0}, "teamviewer/Connections.txt": {"remote control log", 1, 0},
		"teamviewer/TeamViewer15_Logfile.log": {"remote control log", 1013, 0}, "snort3_alert_fast.log": {"device log", 4, 0},
	} {
		content := linuxData(t, name)
		kind, r := c.kindOf(content[:min(len(content), headBytes)], name)
		if kind != want.kind {
			t.Errorf("%s: kind %s", name, kind)
			continue
		}
		got, facts := readAll(t, r.read, name, content, aTime)
		if len(got) != want.records || len(facts.Damaged) != want.damaged {
			t.Errorf("%s: %d records, damage %v", name, len(got), facts.Damaged)
		}
	}
}

func FuzzNetworkFiles(f *testing.F) {
	for _, x := range networkFiles {
		f.Add([]byte(x.content), x.path)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		for _, r := range []reader{{"", isWinDHCP, readWinDHCP}, {"", isWinDNS, readWinDNS}, {"", isNPS, readNPS}, {"", isRemote, readRemote}, {"", isOpenVPN, readOpenVPN},
			{"", isIvanti, readIvanti}, daemonReader} {
			r.is(b, name)
			readAll(t, r.read, name, b, time.Time{})
		}
	})
}
