package match_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/match"
	"wardround/internal/sigma"
)

// networkRules ask in the taxonomy's words; the name of each is what it should find.
const networkRules = `
allowed to a database | category: firewall | {dst_port: 3306, action: [forward, accept]}
allowed, by its flag | category: firewall | {dst_port: 3306, blocked: "false"}
refused | category: firewall | {dst_port: 445, blocked: "true"}
name asked for | category: dns | {query|endswith: .evil.example, record_type: A}
page fetched | category: proxy | {c-uri|endswith: .exe, cs-method: GET, cs-host|endswith: evil.example, sc-status: 200}
extension | category: proxy | {c-uri-extension: exe, c-uri-query|contains: id=}
agent | category: proxy | {c-useragent|startswith: curl/}
account made on a firewall | product: fortigate, service: event | {action: Add, cfgpath: user.local}
gateway of Palo Alto | product: paloalto, service: globalprotect | {user: dr.rao}
message of a switch | product: cisco, service: syslog | {message|contains: WEBLOGIN_SUCCESS}
message of an ASA | product: cisco, service: asa | {dst_port: 445}
virus | product: linux, service: clamav | {signature|contains: Trojan}
`

const networkLog = `date=2022-11-23 time=07:07:49 devname="F" devid="F" logid="0000000013" type="traffic" subtype="forward" srcip=10.0.0.5 dstip=198.18.0.9 dstport=3306 action="close"
date=2022-11-23 time=07:07:49 devname="F" devid="F" logid="0000000013" type="traffic" subtype="forward" srcip=10.0.0.5 dstip=198.18.0.9 dstport=445 action="deny"
date=2022-11-23 time=07:07:49 devname="F" devid="F" logid="0100044547" type="event" subtype="system" user="admin" action="Add" cfgpath="user.local"
date=2022-11-23 time=07:07:49 devname="F" devid="F" logid="1501054802" type="utm" subtype="dns" srcip=10.0.0.5 qname="a.evil.example" qtype="A" action="pass"
1669167469.123     45 10.0.0.5 TCP_MISS/200 1234 GET http://evil.example/a.exe - HIER_DIRECT/198.18.0.9 application/octet-stream
1669167469.123     45 10.0.0.5 TCP_MISS/404 1234 GET http://evil.example/a.exe?id=7 - HIER_DIRECT/198.18.0.9 application/octet-stream
date=2022-11-23 time=07:07:49 devname="F" devid="F" logid="0317013312" type="utm" subtype="webfilter" srcip=10.0.0.5 hostname="x.example" url="https://x.example/" action="passthrough" agent="curl/7.1"
Nov 23 2022 07:07:49 asa1 : %ASA-4-106023: Deny tcp src outside:198.18.0.7/51234 dst inside:10.0.0.5/445 by access-group "OUT-IN" [0x0, 0x0]
1,2022/11/23 07:07:49,0123,GLOBALPROTECT,0,2561,2022/11/23 07:07:48,vsys1,gateway-connected,connected,,SSLVPN,dr.rao,IN,LAPTOP7,198.18.0.7,0.0.0.0,10.9.0.5,0.0.0.0,host-1,serial,6.0,Windows,10,1,,,,success,,0,user-logon,0,GW,1,0x0
<189>1: Nov 23 2022 07:07:49: %SEC_LOGIN-5-WEBLOGIN_SUCCESS: Login Success [user: x]
Nov 23 2022 07:07:49 gw1 kernel: [UFW BLOCK] IN=eth0 OUT= SRC=198.18.0.7 DST=10.0.0.5 LEN=40 PROTO=TCP SPT=4711 DPT=445
Nov 23 2022 07:07:49 gw1 kernel: FORWARD-ACCEPT IN=eth0 OUT=eth1 SRC=10.0.0.5 DST=198.18.0.9 LEN=40 PROTO=TCP SPT=4711 DPT=3306
Nov 23 2022 07:07:49 gw1 named[9]: client @0x7f 10.0.0.5#1234 (b.evil.example): query: b.evil.example IN A + (10.0.0.1)
Nov 23 2022 07:07:49 gw1 clamd[9]: /srv/x.exe: Win.Trojan.Agent-1 FOUND
`

// TestNetworkLogSources: rules that name a category or a maker's product meet the records that are meant.
func TestNetworkLogSources(t *testing.T) {
	want := map[string][]uint64{
		"allowed to a database": {1, 12}, "allowed, by its flag": {1, 12}, "refused": {2, 8, 11}, "name asked for": {4, 13}, "page fetched": {5}, "extension": {6}, "agent": {7},
		"account made on a firewall": {3}, "gateway of Palo Alto": {9}, "message of a switch": {10}, "message of an ASA": {8}, "virus": {14},
	}
	var files []sigma.File
	for _, line := range strings.Split(strings.TrimSpace(networkRules), "\n") {
		part := strings.Split(line, " | ")
		files = append(files, sigma.File{Path: part[0] + ".yml", Data: []byte("title: " + part[0] + "\nlogsource: {" + part[1] + "}\ndetection:\n    s: " + part[2] + "\n    condition: s\nlevel: low\n")})
	}
	set := sigma.Load(files, nil)
	p := match.Compile(set.Rules)
	if len(p.Unused) > 0 || len(p.Rules) != len(want) {
		t.Fatalf("%d rules, unused %+v, problems %v", len(p.Rules), p.Unused, set.Problems)
	}
	name := filepath.Join(t.TempDir(), "messages")
	if err := os.WriteFile(name, []byte(networkLog), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEngine(p)
	got := map[string][]uint64{}
	walk(t, name, func(r *event.Record) {
		for _, n := range e.run(r) {
			got[p.Rules[n].Title] = append(got[p.Rules[n].Title], r.Number)
		}
	}, func(a *event.Artifact) {
		if a.Records != 14 || len(a.Damaged) != 0 {
			t.Errorf("%d records, damage %v", a.Records, a.Damaged)
		}
	})
	for title, numbers := range want {
		if !slices.Equal(got[title], numbers) {
			t.Errorf("%s: lines %v, want %v", title, got[title], numbers)
		}
	}
}
