package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// fortinetKeys are the keys of FortiOS logs (Fortinet's log reference) that have a field of ours.
var fortinetKeys = map[string]int{
	"user": accUser, "remip": accSrcIP, "srcip": accSrcIP, "srcport": accSrcPort, "dstip": flowDstIP, "dstport": flowDstPort, "sentbyte": flowBytesOut,
	"rcvdbyte": flowBytesIn, "tunnelip": flowAssigned, "assignip": flowAssigned, "transip": flowNAT, "srcmac": flowMAC, "mac": flowMAC, "srcname": flowClient,
	"hostname": flowDstHost, "url": flowURI, "qname": flowQuery, "qtype": flowRecordType, "ipaddr": flowAnswer, "policyid": flowRule, "app": flowApplication,
	"service": accService, "group": flowGroup, "type": flowType, "subtype": flowSubtype, "logid": flowEventID, "log_id": flowEventID, "srcintf": flowIn,
	"dstintf": flowOut, "attack": flowSignature, "virus": flowSignature, "duration": flowDuration, "srccountry": flowSrcCountry, "dstcountry": flowDstCountry,
	"reason": accReason, "msg": flowText, "sessionid": accSession, "filename": accFile, "agent": flowAgent, "httpmethod": flowMethod, "cfgpath": flowConfig,
	"tunneltype": accMethod, "proto": flowProtocol, "logdesc": flowEventID, "method": accMethod, "cfgattr": accCommand,
}

// fortinetTime reads date=, time= and tz=, and takes the device's name for the host: a relay puts its own in the header.
func (h *syslogLine) fortinetTime() (s logStamp) {
	m := h.message[:min(len(h.message), 2048)]
	if pair(m, "logid") == nil && pair(m, "log_id") == nil && pair(m, "devid") == nil && pair(m, "devname") == nil {
		h.device = 0
		return s
	}
	if name := pair(m, "devname"); len(name) > 0 && len(name) < 256 {
		h.host = name
	}
	date, clock := pair(m, "date"), pair(m, "time")
	if y, ok := readDigits(date, 4); ok && len(date) == 10 {
		mo, ok1 := readDigits(date[5:], 2)
		d, ok2 := readDigits(date[8:], 2)
		if ok1 && ok2 && readClock(clock, &s) > 0 {
			s.year, s.month, s.day = y, mo, d
			readZone(pair(m, "tz"), &s)
		}
	}
	return s
}

// fortinetLog tells the log from type and subtype.
func fortinetLog(m []byte) logChannel {
	kind, sub := pair(m, "type"), pair(m, "subtype")
	switch string(sub) {
	case "vpn", "ipsec", "sslvpn-session", "sslvpn-user", "sslvpn-admin", "ssl-web", "ssl-tunnel":
		return vpnChannel
	case "webfilter", "webproxy":
		return proxyChannel
	case "dns", "dns-response", "dns-query":
		return dnsChannel
	case "ips", "virus", "anomaly", "app-ctrl", "waf", "infected", "signature":
		return idsChannel
	case "user":
		return deviceAuthChannel
	}
	switch string(kind) {
	case "traffic":
		return firewallChannel
	case "vpn":
		return vpnChannel
	case "utm":
		return idsChannel
	case "event":
		if a := pair(m, "action"); string(a) == "login" || string(a) == "logout" {
			return deviceAuthChannel
		}
		if pair(m, "dhcp_msg") != nil {
			return dhcpChannel
		}
	}
	return deviceChannel
}

// parseFortinet reads FortiOS' key=value lines.
func parseFortinet(m []byte, f fields) {
	f.setPairs(m, fortinetKeys)
	verb, status := pair(m, "action"), pair(m, "status")
	f.set(flowVerb, verb)
	f.set(accAction, verb)
	if u := pair(m, "xauthuser"); f[accUser].IsNull() && len(u) > 0 {
		f.some(accUser, u)
	}
	switch c := fortinetLog(m); c {
	case firewallChannel:
		f.blocked(verb)
		if len(status) > 0 && len(verb) == 0 {
			f.blocked(status)
		}
	case vpnChannel:
		f.fortinetTunnel(verb, status)
	case deviceAuthChannel:
		f.fortinetLogon(verb, status, pair(m, "ui"))
	case dnsChannel:
		f[accAction] = actQuery
		f.blocked(verb)
	case proxyChannel:
		f[accAction] = actRequest
		f.blocked(verb)
	case idsChannel:
		f[accAction] = actAlert
		f.blocked(verb)
	case dhcpChannel:
		f[accAction] = actLease
		f.set(flowVerb, pair(m, "dhcp_msg"))
		f.some(flowAssigned, pair(m, "ip"))
		f.some(flowClient, pair(m, "hostname"))
	}
}

// fortinetTunnel brings the words of SSL and IPsec tunnels to logon and logoff.
func (f fields) fortinetTunnel(verb, status []byte) {
	switch string(verb) {
	case "tunnel-up", "ssl-login":
		f.say(actLogon, success)
	case "tunnel-down":
		f.say(actLogoff, none)
	case "ssl-login-fail", "ssl-alert", "auth-failure", "xauth_failure":
		f.say(actLogon, failure)
		if string(verb) == "ssl-alert" {
			f[accAction] = actConnect
		}
	case "ssl-new-con":
		f.say(actConnect, none)
	case "negotiate", "phase1", "install_sa":
		if string(status) == "failure" || string(status) == "negotiate_error" {
			f[accOutcome] = failure
		} else if string(status) == "success" {
			f[accOutcome] = success
		}
	}
}

// fortinetLogon reads logons of administrators, whose address stands in ui="https(10.0.0.5)", and of users at the gateway.
func (f fields) fortinetLogon(verb, status, ui []byte) {
	switch string(verb) {
	case "login":
		f[accAction] = actLogon
	case "logout":
		f[accAction] = actLogoff
	case "auth-logon", "authentication", "FSSO-logon":
		f[accAction] = actAuth
	case "auth-logout", "FSSO-logoff":
		f[accAction] = actLogoff
	}
	switch string(bytes.ToLower(status)) {
	case "success":
		f[accOutcome] = success
	case "failed", "failure":
		f[accOutcome] = failure
	}
	if i := bytes.IndexByte(ui, '('); i > 0 {
		f.set(accMethod, ui[:i])
		if ip := cut(ui, "(", ")"); f[accSrcIP].IsNull() && isAddress(ip) {
			f.set(accSrcIP, ip)
		}
	}
}

// sophosKeys are the keys of Sophos Firewall (SFOS syslog guide).
var sophosKeys = map[string]int{
	"user_name": accUser, "user": accUser, "src_ip": accSrcIP, "src_port": accSrcPort, "dst_ip": flowDstIP, "dst_port": flowDstPort, "sent_bytes": flowBytesOut, "bytes_sent": flowBytesOut,
	"recv_bytes": flowBytesIn, "bytes_received": flowBytesIn, "tran_src_ip": flowNAT, "ipaddress": flowAssigned, "ip_address": flowAssigned, "src_mac": flowMAC, "fw_rule_id": flowRule, "application": flowApplication, "app_name": flowApplication,
	"protocol": flowProtocol, "url": flowURI, "domain": flowDstHost, "status_code": flowStatus, "httpstatus": flowStatus, "user_agent": flowAgent, "log_type": flowType,
	"log_component": flowSubtype, "log_id": flowEventID, "in_interface": flowIn, "out_interface": flowOut, "signature_msg": flowSignature, "virus": flowSignature,
	"duration": flowDuration, "src_country_code": flowSrcCountry, "src_country": flowSrcCountry, "dst_country_code": flowDstCountry, "dst_country": flowDstCountry, "reason": accReason, "message": flowText, "user_group": flowGroup,
	"user_gp": flowGroup, "remote_ip": accSrcIP, "usergroupname": flowGroup, "auth_mechanism": accMethod, "auth_client": accMethod,
}

func sophosTime(m []byte) (s logStamp) {
	m = m[:min(len(m), 1024)]
	if t := pair(m, "timestamp"); len(t) >= 19 && readISO(t, &s) > 0 {
		return s
	}
	date := pair(m, "date")
	if len(date) != 10 || readClock(pair(m, "time"), &s) == 0 {
		return logStamp{}
	}
	s.year, _ = readDigits(date, 4)
	s.month, _ = readDigits(date[5:], 2)
	s.day, _ = readDigits(date[8:], 2)
	if hours, ok := zoneHours[string(pair(m, "timezone"))]; ok {
		s.zoned, s.offset = true, int(hours*3600)
	}
	return s
}

func sophosLog(m []byte) logChannel {
	kind, component := pair(m, "log_type"), pair(m, "log_component")
	switch {
	case bytes.Contains(component, []byte("VPN")), bytes.Contains(component, []byte("L2TP")), bytes.Contains(component, []byte("PPTP")), bytes.Contains(component, []byte("IPSec")):
		return vpnChannel
	case bytes.Contains(component, []byte("Authentication")):
		return deviceAuthChannel
	case string(kind) == "Firewall", string(kind) == "Invalid Traffic":
		return firewallChannel
	case string(kind) == "Content Filtering", string(kind) == "WAF":
		return proxyChannel
	case string(component) == "DHCP Server":
		return dhcpChannel
	case string(kind) == "IDP", string(kind) == "ATP", string(kind) == "Anti-Virus":
		return idsChannel
	case kind == nil && component == nil:
		return unknownChannel
	}
	return deviceChannel
}

func parseSophos(m []byte, f fields) {
	f.setPairs(m, sophosKeys)
	sub, status := pair(m, "log_subtype"), pair(m, "status")
	f.set(accAction, sub)
	switch sophosLog(m) {
	case firewallChannel, proxyChannel, idsChannel:
		f.blocked(sub)
	case vpnChannel, deviceAuthChannel:
		f.set(flowVerb, status)
		switch string(status) {
		case "Successful", "Established":
			f.say(actLogon, success)
		case "Failed":
			f.say(actLogon, failure)
		case "Terminated", "Disconnected":
			f.say(actLogoff, none)
		}
	}
}

// sonicWallKeys are the tags of SonicOS' syslog.
var sonicWallKeys = map[string]int{
	"usr": accUser, "user": accUser, "proto": flowProtocol, "sent": flowBytesOut, "rcvd": flowBytesIn, "m": flowEventID, "msg": flowText, "rule": flowRule,
	"app": flowApplication, "dstname": flowDstHost, "arg": flowURI, "srcMac": flowMAC, "op": flowMethod, "result": flowStatus, "sess": accMethod, "dur": flowDuration,
	"natSrc": flowNAT, "c": flowType, "note": accReason,
}

func sonicWallTime(m []byte) (s logStamp) {
	t := pair(m[:min(len(m), 1024)], "time")
	if n := readISO(t, &s); n > 0 && hasPrefix(t[n:], " UTC") {
		s.zoned = true
	}
	return s
}

func sonicWallLog(m []byte) logChannel {
	text := pair(m, "msg")
	switch {
	case indexOf(text, "VPN") >= 0 || indexOf(text, "NetExtender") >= 0:
		return vpnChannel
	case indexOf(text, "login") >= 0 || indexOf(text, "logged") >= 0:
		return deviceAuthChannel
	case pair(m, "src") != nil && pair(m, "dst") != nil:
		if pair(m, "dstname") != nil && pair(m, "arg") != nil {
			return proxyChannel
		}
		return firewallChannel
	}
	return deviceChannel
}

// parseSonicWall reads `id=firewall sn=… time="…" m=98 msg="Connection Opened" src=10.0.0.5:51234:X0 dst=198.18.0.7:443:X1`.
func parseSonicWall(m []byte, f fields) {
	f.setPairs(m, sonicWallKeys)
	f.sonicWallSide(pair(m, "src"), accSrcIP, accSrcHost, accSrcPort, flowIn)
	f.sonicWallSide(pair(m, "dst"), flowDstIP, flowDstHost, flowDstPort, flowOut)
	text := pair(m, "msg")
	f.set(accAction, text)
	switch {
	case indexOf(text, "login allowed") >= 0, indexOf(text, "login successful") >= 0, indexOf(text, "logged in") >= 0:
		f.say(actLogon, success)
	case indexOf(text, "login denied") >= 0, indexOf(text, "login failed") >= 0, indexOf(text, "login failure") >= 0:
		f.say(actLogon, failure)
	case indexOf(text, "logged out") >= 0, indexOf(text, "disconnected") >= 0:
		f.say(actLogoff, none)
	case f[accSrcIP].IsNull():
	default:
		f.blocked(text)
	}
}

func (f fields) sonicWallSide(b []byte, ip, host, port, side int) {
	if parts := bytes.SplitN(b, []byte(":"), 4); len(parts) >= 3 && isAddress(parts[0]) {
		f.some(ip, parts[0])
		f.some(port, parts[1])
		f.some(side, parts[2])
		return
	}
	f.endpoint(b, ':', ip, host, port)
}

// cefKeys are the extension keys of ArcSight's Common Event Format.
var cefKeys = map[string]int{
	"src": accSrcIP, "shost": accSrcHost, "spt": accSrcPort, "suser": accUser, "duser": accUser, "dst": flowDstIP, "dhost": flowDstHost, "dpt": flowDstPort, "proto": flowProtocol,
	"in": flowBytesIn, "out": flowBytesOut, "smac": flowMAC, "request": flowURI, "requestMethod": flowMethod, "requestClientApplication": flowAgent, "app": flowApplication,
	"reason": accReason, "sourceTranslatedAddress": flowNAT, "fname": accFile, "deviceInboundInterface": flowIn, "deviceOutboundInterface": flowOut,
}

// cefHead cuts the seven parts of the header off: version, vendor, product, version, signature, name, severity.
func cefHead(m []byte) (parts [7][]byte, rest []byte) {
	for i := range parts {
		j := 0
		for j < len(m) && m[j] != '|' {
			if m[j] == '\\' {
				j++
			}
			j++
		}
		j = min(j, len(m))
		parts[i], m = m[:j], m[min(j+1, len(m)):]
	}
	return parts, m
}

func cefLog(m []byte) logChannel {
	parts, rest := cefHead(m)
	name := bytes.ToLower(bytes.Join([][]byte{parts[2], parts[4], parts[5]}, []byte(" ")))
	switch {
	case bytes.Contains(name, []byte("vpn")), bytes.Contains(name, []byte("globalprotect")):
		return vpnChannel
	case bytes.Contains(name, []byte("login")), bytes.Contains(name, []byte("logon")), bytes.Contains(name, []byte("auth")):
		return deviceAuthChannel
	case indexOf(rest, "request=") >= 0:
		return proxyChannel
	case indexOf(rest, "dst=") >= 0:
		return firewallChannel
	}
	return deviceChannel
}

// parseCEF reads "CEF:0|Vendor|Product|Version|Id|Name|Severity|src=10.0.0.5 act=deny". A value ends where the next key begins.
func parseCEF(m []byte, f fields) {
	parts, rest := cefHead(m)
	f.set(flowType, parts[2])
	f.set(flowEventID, parts[4])
	f.set(flowText, parts[5])
	var verb []byte
	for len(rest) > 0 {
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			break
		}
		key := bytes.TrimSpace(rest[:eq])
		value := rest[eq+1:]
		if next := bytes.IndexByte(value, '='); next >= 0 {
			if sp := bytes.LastIndexByte(value[:next], ' '); sp >= 0 {
				value = value[:sp]
			}
		}
		rest = rest[eq+1+len(value):]
		if string(key) == "act" {
			verb = value
		}
		if slot, ok := cefKeys[string(key)]; ok && f[slot].IsNull() {
			f.some(slot, value)
		}
	}
	f.set(accAction, verb)
	f.blocked(verb)
	if c := cefLog(m); c == vpnChannel || c == deviceAuthChannel {
		f.cefLogon(bytes.ToLower(append(append([]byte{}, parts[5]...), verb...)))
	}
}

func (f fields) cefLogon(words []byte) {
	outcome := event.Value(success)
	if bytes.Contains(words, []byte("fail")) || bytes.Contains(words, []byte("den")) || bytes.Contains(words, []byte("reject")) {
		outcome = failure
	}
	switch {
	case bytes.Contains(words, []byte("logout")), bytes.Contains(words, []byte("logoff")), bytes.Contains(words, []byte("down")), bytes.Contains(words, []byte("disconnect")):
		f.say(actLogoff, none)
	case bytes.Contains(words, []byte("log")), bytes.Contains(words, []byte("tunnel-up")), bytes.Contains(words, []byte("connected")):
		f.say(actLogon, outcome)
	}
}
