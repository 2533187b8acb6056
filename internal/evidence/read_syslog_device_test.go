package evidence

import (
	"strings"
	"testing"
	"time"
)

// deviceLines are messages of appliances in the forms that their makers document, addresses and names being ours.
var deviceLines = []struct {
	line string
	want []string
}{
	// Fortinet, alone and behind a relay's header.
	{`date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG100E" eventtime=1669167469000000000 tz="+0530" logid="0101039424" type="event" subtype="vpn" level="information" vd="root" logdesc="SSL VPN tunnel up" action="tunnel-up" tunneltype="ssl-tunnel" tunnelid=12 remip=198.18.0.7 tunnelip=10.212.134.200 user="dr.rao" group="vpn-users" dst_host="N/A" reason="tunnel established" msg="SSL tunnel established"`,
		[]string{"@=2022-11-23T01:37:49Z", "#=FGT-GW1", "source=network/vpn/fortigate", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7", "assigned_ip=10.212.134.200", "device_action=tunnel-up", "dst_host=", "group=vpn-users", "cs-username=dr.rao"}},
	{`<189>Nov 23 07:07:50 10.0.0.1 date=2022-11-23 time=07:07:49 devname=FGT-GW1 devid=FG100E logid=0101039426 type=event subtype=vpn level=alert action=ssl-login-fail remip=198.18.0.7 user="admin" group="N/A" reason="sslvpn_login_unknown_user"`,
		[]string{"@=2022-11-23T07:07:49Z", "#=FGT-GW1", "action=logon", "outcome=failure", "user=admin", "group=", "reason=sslvpn_login_unknown_user"}},
	{`<189>date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG" tz="+0530" logid="0000000013" type="traffic" subtype="forward" srcip=10.0.0.5 srcname="db1" srcport=51234 srcintf="lan" dstip=198.18.0.9 dstport=443 dstintf="wan1" srccountry="Reserved" dstcountry="Hong Kong" action="close" policyid=5 service="HTTPS" proto=6 duration=60 sentbyte=734003200 rcvdbyte=1200`,
		[]string{"source=network/firewall/fortigate", "src_ip=10.0.0.5", "dst_ip=198.18.0.9", "dst_port=443", "action=close", "blocked=false", "bytes_out=734003200", "bytes_in=1200", "dst_country=Hong Kong", "rule=5", "client_name=db1"}},
	{`date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG" logid="0100032001" type="event" subtype="system" user="admin" ui="https(198.18.0.7)" method="https" action="login" status="success" reason="none" msg="Administrator admin logged in"`,
		[]string{"source=network/auth/fortigate", "action=logon", "outcome=success", "user=admin", "src_ip=198.18.0.7"}},
	{`date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG" logid="0100044547" type="event" subtype="system" user="admin" action="Add" cfgpath="user.local" cfgobj="x"`,
		[]string{"source=network/device/fortigate", "action=Add", "cfgpath=user.local"}},
	{`date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG" logid="1501054802" type="utm" subtype="dns" srcip=10.0.0.5 dstip=198.18.0.53 qname="evil.example" qtype="A" ipaddr="198.18.0.9" action="pass"`,
		[]string{"source=network/dns/fortigate", "action=query", "query=evil.example", "record_type=A", "answer=198.18.0.9"}},
	{`date=2022-11-23 time=07:07:49 devname="FGT-GW1" devid="FG" logid="0317013312" type="utm" subtype="webfilter" srcip=10.0.0.5 dstip=198.18.0.9 hostname="evil.example" url="https://evil.example/x?y=1" action="blocked" agent="curl/7.1"`,
		[]string{"source=network/proxy/fortigate", "c-uri=https://evil.example/x?y=1", "cs-host=evil.example", "blocked=true", "c-useragent=curl/7.1"}},

	// Cisco ASA and FTD.
	{`<166>Nov 23 2022 07:07:49 asa1 : %ASA-6-113039: Group <GP-VPN> User <dr.rao> IP <198.18.0.7> AnyConnect parent session started.`, []string{"@=2022-11-23T07:07:49Z", "source=network/vpn/asa", "#=asa1", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7", "group=GP-VPN", "event_id=113039"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-4-722051: Group <GP-VPN> User <dr.rao> IP <198.18.0.7> IPv4 Address <10.9.0.5> IPv6 address <::> assigned to session`, []string{"action=address assigned", "user=dr.rao", "src_ip=198.18.0.7", "assigned_ip=10.9.0.5"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-716001: Group <GP-VPN> User <dr.rao> IP <198.18.0.7> WebVPN session started.`, []string{"source=network/vpn/asa", "action=logon"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-716039: Group <GP-VPN> User <dr.rao> IP <198.18.0.7> Authentication: rejected, Session Type: WebVPN.`, []string{"action=logon", "outcome=failure"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-4-113019: Group = GP-VPN, Username = dr.rao, IP = 198.18.0.7, Session disconnected. Session Type: SSL, Duration: 0h:05m:12s, Bytes xmt: 123, Bytes rcv: 456, Reason: User Requested`, []string{"action=logoff", "user=dr.rao", "src_ip=198.18.0.7", "bytes_out=123", "bytes_in=456", "reason=User Requested"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-113005: AAA user authentication Rejected : reason = AAA failure : server = 10.0.0.9 : user = dr.rao : user IP = 198.18.0.7`, []string{"source=network/auth/asa", "action=authentication", "outcome=failure", "user=dr.rao", "src_ip=198.18.0.7", "reason=AAA failure"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-5-746012: user-identity: Add IP-User mapping 10.9.0.5 - LOCAL\dr.rao Succeeded - VPN user`, []string{"source=network/vpn/asa", "action=address assigned", "assigned_ip=10.9.0.5", "user=dr.rao"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-302013: Built inbound TCP connection 9 for outside:198.18.0.7/51234 (198.18.0.7/51234) to inside:10.0.0.5/3389 (203.0.113.1/3389)`, []string{"source=network/firewall/asa", "src_ip=198.18.0.7", "src_port=51234", "dst_ip=10.0.0.5", "dst_port=3389", "protocol=tcp", "blocked=false", "in=outside"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-302013: Built outbound TCP connection 9 for outside:198.18.0.9/443 (198.18.0.9/443) to inside:10.0.0.5/51234 (203.0.113.1/51234)`, []string{"src_ip=10.0.0.5", "dst_ip=198.18.0.9", "dst_port=443"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-302014: Teardown TCP connection 9 for outside:198.18.0.9/443 to inside:10.0.0.5/51234 duration 0:00:30 bytes 734003200 TCP FINs`, []string{"bytes_out=734003200", "duration=0:00:30", "reason=TCP FINs"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-4-106023: Deny tcp src outside:198.18.0.7/51234 dst inside:10.0.0.5/3389 by access-group "OUT-IN" [0x0, 0x0]`, []string{"source=network/firewall/asa", "blocked=true", "src_ip=198.18.0.7", "dst_port=3389", "rule=OUT-IN", "protocol=tcp"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-106100: access-list OUT-IN denied tcp outside/198.18.0.7(51234) -> inside/10.0.0.5(445) hit-cnt 1 first hit [0x0, 0x0]`, []string{"blocked=true", "src_ip=198.18.0.7", "src_port=51234", "dst_ip=10.0.0.5", "dst_port=445", "rule=OUT-IN"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-2-106001: Inbound TCP connection denied from 198.18.0.7/51234 to 10.0.0.5/445 flags SYN  on interface outside`, []string{"blocked=true", "src_ip=198.18.0.7", "dst_ip=10.0.0.5", "dst_port=445"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-6-605005: Login permitted from 198.18.0.7/51234 to outside:203.0.113.1/ssh for user "admin"`, []string{"source=network/auth/asa", "action=logon", "outcome=success", "src_ip=198.18.0.7", "user=admin", "method=ssh"}},
	{`Nov 23 2022 07:07:49 asa1 : %ASA-5-111010: User 'admin', running 'CLI' from IP 10.0.0.9, executed 'no logging enable'`, []string{"action=command", "user=admin", "command=no logging enable", "src_ip=10.0.0.9"}},
	{`<113>Nov 23 2022 07:07:49: %FTD-1-430003: EventPriority: Low, DeviceUUID: x, SrcIP: 10.0.0.5, DstIP: 198.18.0.9, SrcPort: 51234, DstPort: 443, Protocol: tcp, AccessControlRuleAction: Allow, AccessControlRuleName: out, User: dr.rao, InitiatorBytes: 99, ResponderBytes: 7, URL: https://evil.example`, []string{"source=network/firewall/asa", "src_ip=10.0.0.5", "dst_ip=198.18.0.9", "blocked=false", "bytes_out=99", "c-uri=https://evil.example"}},

	// Palo Alto.
	{`Nov 23 07:07:49 pa1 1,2022/11/23 07:07:49,0123,TRAFFIC,end,2561,2022/11/23 07:07:48,10.0.0.5,198.18.0.9,203.0.113.1,198.18.0.9,out,hosp\dr.rao,,ssl,vsys1,trust,untrust,eth1,eth2,default,,77,1,51234,443,51234,443,0x0,tcp,allow,5000,4000,1000,9,2022/11/23 07:00:00,60,any,,1,0x0,10.0.0.0-10.255.255.255,Hong Kong,,5,4,tcp-fin`,
		[]string{"@=2022-11-23T07:07:48Z", "#=pa1", "source=network/firewall/panos", "src_ip=10.0.0.5", "dst_ip=198.18.0.9", "dst_port=443", "user=hosp\\dr.rao", "action=allow", "blocked=false", "bytes_out=4000", "bytes_in=1000", "dst_country=Hong Kong", "reason=tcp-fin", "protocol=tcp"}},
	{`1,2022/11/23 07:07:49,0123,GLOBALPROTECT,0,2561,2022/11/23 07:07:48,vsys1,gateway-connected,connected,,SSLVPN,dr.rao,IN,LAPTOP7,198.18.0.7,0.0.0.0,10.9.0.5,0.0.0.0,host-1,serial,6.0,Windows,"Microsoft Windows 10 Pro , 64-bit",1,,,,success,,0,user-logon,0,GW,1,0x0`,
		[]string{"source=network/vpn/panos", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7", "assigned_ip=10.9.0.5", "client_name=LAPTOP7", "src_country=IN"}},
	{`1,2022/11/23 07:07:49,0123,SYSTEM,globalprotect,0,2022/11/23 07:07:48,,globalprotectgateway-auth-fail,GW-N,0,0,general,informational,"GlobalProtect gateway user authentication failed. Login from: 198.18.0.7, Source region: IN, User name: dr.rao, Client OS version: x, Reason: Authentication failed: Invalid username or password, Auth type: profile.",1,0x0`,
		[]string{"source=network/vpn/panos", "action=logon", "outcome=failure", "user=dr.rao", "src_ip=198.18.0.7"}},
	{`1,2022/11/23 07:07:49,0123,SYSTEM,general,0,2022/11/23 07:07:48,,general,,0,0,general,informational,"User admin logged in via Web from 198.18.0.7 using https",1,0x0`,
		[]string{"source=network/auth/panos", "action=logon", "outcome=success", "user=admin", "src_ip=198.18.0.7"}},
	{`1,2022/11/23 07:07:49,0123,THREAT,url,2561,2022/11/23 07:07:48,10.0.0.5,198.18.0.9,0.0.0.0,0.0.0.0,out,,,web-browsing,vsys1,trust,untrust,eth1,eth2,default,,77,1,51234,80,0,0,0x0,tcp,block-url,"evil.example/x,y",(9999),malware,informational,client-to-server`,
		[]string{"source=network/proxy/panos", "c-uri=evil.example/x,y", "cs-host=evil.example", "blocked=true"}},

	// SonicWall, Sophos, Common Event Format.
	{`<134>  id=firewall sn=C0EA time="2022-11-23 01:37:49 UTC" fw=203.0.113.1 pri=6 c=262144 m=98 msg="Connection Opened" n=1 src=10.0.0.5:51234:X0:db1 dst=198.18.0.9:443:X1 proto=tcp/https sent=52`,
		[]string{"@=2022-11-23T01:37:49Z", "source=network/firewall/sonicwall", "src_ip=10.0.0.5", "src_port=51234", "dst_ip=198.18.0.9", "dst_port=443", "bytes_out=52"}},
	{`id=firewall sn=C0EA time="2022-11-23 01:37:49 UTC" fw=203.0.113.1 pri=6 c=16 m=1080 msg="SSL VPN zone remote user login allowed" sess="sslvpnc" n=1 usr="dr.rao" src=198.18.0.7:51234:X1 dst=203.0.113.1:443:X1 proto=tcp/443`,
		[]string{"source=network/vpn/sonicwall", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7"}},
	{`<30>device="SFW" date=2022-11-23 time=07:07:49 timezone="IST" device_name="XG210" device_id=C1 log_id=062910617701 log_type="Event" log_component="SSL VPN Authentication" log_subtype="Authentication" status="Successful" priority=Information user_name="dr.rao" usergroupname="" auth_client="N/A" auth_mechanism="Local" reason="" src_ip=198.18.0.7 message="User dr.rao authenticated successfully"`,
		[]string{"@=2022-11-23T01:37:49Z", "source=network/vpn/sophos", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7"}},
	{`device_name="SFW" timestamp="2022-11-23T07:07:49+0530" device_model="XGS" log_type="Firewall" log_component="Firewall Rule" log_subtype="Denied" fw_rule_id="0" src_ip="198.18.0.7" dst_ip="10.0.0.5" protocol="TCP" src_port=51234 dst_port=445`,
		[]string{"@=2022-11-23T01:37:49Z", "source=network/firewall/sophos", "blocked=true", "dst_port=445"}},
	{`Nov 23 07:07:49 fw1 CEF:0|Maker|Firewall|1.0|100|traffic|5|src=10.0.0.5 spt=51234 dst=198.18.0.9 dpt=443 act=deny the lot proto=TCP suser=dr rao`,
		[]string{"source=network/firewall/cef", "src_ip=10.0.0.5", "dst_port=443", "blocked=true", "device_action=deny the lot", "user=dr rao"}},

	// pfSense, Snort, Squid.
	{`<134>Nov 23 07:07:49 filterlog[9]: 5,,,1000000103,igb0,match,block,in,4,0x0,,64,0,0,DF,6,tcp,60,198.18.0.7,10.0.0.5,51234,3389,0,S,1,,64240,,mss`, []string{"source=network/firewall/filterlog", "action=block", "blocked=true", "src_ip=198.18.0.7", "dst_ip=10.0.0.5", "dst_port=3389", "protocol=tcp", "in=igb0"}},
	{`<134>1 2022-11-23T07:07:49+05:30 gw1 filterlog 9 - - 7,,,0,igb1,match,pass,out,6,0x00,0x1,64,udp,17,99,2001:db8::5,2001:db8::9,5353,53,91`, []string{"@=2022-11-23T01:37:49Z", "#=gw1", "blocked=false", "src_ip=2001:db8::5", "dst_port=53", "out=igb1"}},
	{`11/23/22-07:07:49.123456  [**] [1:648:18] "INDICATOR-SHELLCODE x86 NOOP" [**] [Classification: Executable code was detected] [Priority: 1] {TCP} 198.18.0.7:80 -> 10.0.0.5:51234`, []string{"@=2022-11-23T07:07:49.123456Z", "source=network/ids/snort", "signature=INDICATOR-SHELLCODE x86 NOOP", "src_ip=198.18.0.7", "dst_port=51234", "event_id=1:648:18", "protocol=tcp"}},
	{`1669167469.123     45 10.0.0.5 TCP_MISS/200 1234 GET http://evil.example/a.exe dr.rao HIER_DIRECT/198.18.0.9 application/octet-stream`, []string{"@=2022-11-23T01:37:49.123Z", "source=network/proxy/squid", "c-uri=http://evil.example/a.exe", "cs-host=evil.example", "cs-method=GET", "sc-status=200", "src_ip=10.0.0.5", "dst_ip=198.18.0.9", "bytes_in=1234", "user=dr.rao", "blocked=false"}},
	{`1669167469.123      0 10.0.0.5 TCP_DENIED/403 3900 CONNECT evil.example:443 - HIER_NONE/- text/html`, []string{"blocked=true", "cs-host=evil.example", "dst_port=443", "user="}},

	// Services of Linux gateways.
	{"Nov 23 07:07:49 gw1 openvpn[9]: 198.18.0.7:51234 [dr.rao] Peer Connection Initiated with [AF_INET]198.18.0.7:51234", []string{"source=linux/syslog/openvpn", "action=logon", "outcome=success", "user=dr.rao", "src_ip=198.18.0.7", "src_port=51234"}},
	{"Nov 23 07:07:49 gw1 ovpn-server[9]: dr.rao/198.18.0.7:51234 MULTI_sva: pool returned IPv4=10.8.0.6, IPv6=(Not enabled)", []string{"action=address assigned", "user=dr.rao", "src_ip=198.18.0.7", "assigned_ip=10.8.0.6"}},
	{"Nov 23 07:07:49 gw1 openvpn[9]: MULTI: Learn: 10.8.0.6 -> dr.rao/198.18.0.7:51234", []string{"action=address assigned", "user=dr.rao", "src_ip=198.18.0.7", "assigned_ip=10.8.0.6"}},
	{"Nov 23 07:07:49 gw1 openvpn[9]: 198.18.0.7:51234 TLS Auth Error: Auth Username/Password verification failed for peer", []string{"action=logon", "outcome=failure", "src_ip=198.18.0.7"}},
	{"Nov 23 07:07:49 gw1 openvpn[9]: dr.rao/198.18.0.7:51234 SIGTERM[soft,remote-exit] received, client-instance exiting", []string{"action=logoff", "user=dr.rao"}},
	{"Nov 23 07:07:49 gw1 charon: 05[IKE] IKE_SA rw[12] established between 203.0.113.1[gw]...198.18.0.7[dr.rao]", []string{"source=linux/syslog/charon", "action=logon", "user=dr.rao", "src_ip=198.18.0.7", "dst_ip=203.0.113.1"}},
	{"Nov 23 07:07:49 gw1 charon[9]: 05[IKE] <rw|12> assigning virtual IP 10.9.0.5 to peer 'dr.rao'", []string{"action=address assigned", "user=dr.rao", "assigned_ip=10.9.0.5", "session=rw|12"}},
	{"Nov 23 07:07:49 gw1 charon[9]: 05[IKE] EAP method EAP_MSCHAPV2 failed for peer dr.rao", []string{"action=logon", "outcome=failure", "user=dr.rao"}},
	{"Nov 23 07:07:49 gw1 pppd[9]: CHAP peer authentication succeeded for dr.rao", []string{"source=linux/syslog/pppd", "action=logon", "user=dr.rao"}},
	{"Nov 23 07:07:49 gw1 pptpd[9]: CTRL: Client 198.18.0.7 control connection started", []string{"action=connection", "src_ip=198.18.0.7"}},
	{"Nov 23 07:07:49 gw1 radiusd[9]: (12) Login incorrect (mschap: No such user): [dr.rao/<via Auth-Type = eap>] (from client ap1 port 1 cli AA-BB-CC-DD-EE-FF)", []string{"source=linux/auth/radiusd", "action=authentication", "outcome=failure", "user=dr.rao", "mac=AA-BB-CC-DD-EE-FF", "reason=mschap: No such user"}},
}

func TestDeviceMessages(t *testing.T) {
	for _, c := range deviceLines {
		name := c.line
		if len(name) > 80 {
			name = name[:80]
		}
		kind, _ := (&Collection{readers: readers}).kindOf([]byte(strings.Repeat(c.line+"\n", 3)), "x.log")
		if kind != "syslog" && kind != "device log" {
			t.Errorf("%s: kind %s", name, kind)
		}
		got, facts := readAll(t, readSyslog, "x.log", []byte(c.line+"\n"), aTime)
		if len(got) != 1 || len(facts.Damaged) != 0 {
			t.Errorf("%s: %d records, damage %v", name, len(got), facts.Damaged)
			continue
		}
		got[0].want(t, name, c.want...)
	}
}

// TestDevicesInAHub: lines of appliances without headers stand between others in a hub's log, and none swallows the next.
func TestDevicesInAHub(t *testing.T) {
	var all strings.Builder
	for _, c := range deviceLines {
		all.WriteString(c.line + "\n")
	}
	got, facts := readAll(t, readSyslog, "messages", []byte(all.String()), aTime)
	if len(got) != len(deviceLines) || len(facts.Damaged) != 0 {
		t.Fatalf("%d records of %d lines, damage %v", len(got), len(deviceLines), facts.Damaged)
	}
}

// TestNoDevice: messages of other programs that begin as a device's do.
func TestNoDevice(t *testing.T) {
	for _, m := range []string{"app: 1669167469.123 GET /x took 9 ms", "app: 11/23/2022 07:07:49 [x] a -> b", "app: date=yesterday nothing else", "app: 1,2,3,4,5,6,7,8,9,10", "squid[9]: Squid Parent: (squid-1) process 9 started"} {
		got, _ := readAll(t, readSyslog, "x.log", []byte("Nov 23 07:07:49 db1 "+m+"\n"), aTime)
		if len(got) != 1 {
			t.Fatal(m, got)
		}
		got[0].want(t, m, "source=linux/syslog/", "@=2022-11-23T07:07:49Z", "#=db1")
	}
}

// TestDamagedDeviceLog: a log of a firewall of which a disk has lost a part.
func TestDamagedDeviceLog(t *testing.T) {
	line := deviceLines[0].line + "\n"
	broken := line + line[:200] + strings.Repeat("\x00", 100) + "\n" + line[300:] + line
	got, facts := readAll(t, readSyslog, "fw.log", []byte(broken), aTime)
	if len(got) < 2 || len(facts.Damaged) == 0 {
		t.Errorf("%d records, damage %v", len(got), facts.Damaged)
	}
	got[len(got)-1].want(t, "the last", "user=dr.rao", "assigned_ip=10.212.134.200")
}

func FuzzDevice(f *testing.F) {
	for _, c := range deviceLines {
		f.Add([]byte(c.line))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		isDeviceLog(b, "x")
		readAll(t, readSyslog, "x.log", b, time.Time{})
		own := make(fields, flowSlots)
		for _, p := range programs {
			if p.device == nil {
				continue
			}
			clear(own)
			p.device(b)
			p.parse(b, own)
		}
	})
}
