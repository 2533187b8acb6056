package evidence

import "bytes"

// filterLog is the log of pfSense's and OPNsense's packet filter.
func filterLog(m []byte) logChannel {
	if bytes.Count(m[:min(len(m), 512)], []byte(",")) < 14 {
		return unknownChannel
	}
	return firewallChannel
}

// parseFilterlog reads "5,,,1000000103,igb0,match,block,in,4,0x0,,64,0,0,DF,6,tcp,60,198.18.0.7,10.0.0.5,51234,3389,0,S,…":
// rule, subrule, anchor, tracker, interface, reason, action, direction, IP version; then what that version has.
func parseFilterlog(m []byte, f fields) {
	var c [24][]byte
	words, _, _ := splitCSV(m, c[:0], nil, len(c))
	if len(words) < 9 {
		return
	}
	f.some(flowRule, c[3])
	f.some(accReason, c[5])
	f.set(accAction, c[6])
	f.blocked(c[6])
	side := flowIn
	if string(c[7]) == "out" {
		side = flowOut
	}
	f.some(side, c[4])
	proto, src, dst, port := 16, 18, 19, 20
	if string(c[8]) == "6" {
		proto, src, dst, port = 12, 15, 16, 17
	}
	f.some(flowProtocol, bytes.ToLower(c[proto]))
	f.some(accSrcIP, c[src])
	f.some(flowDstIP, c[dst])
	if p := string(bytes.ToLower(c[proto])); p == "tcp" || p == "udp" {
		f.some(accSrcPort, c[port])
		f.some(flowDstPort, c[port+1])
	}
}

// snortTime reads "11/23-07:07:49.123456", "11/23/22-07:07:49.1" and "11/23/2022-07:07:49.1".
func snortTime(m []byte) (s logStamp) {
	month, ok1 := readDigits(m, 2)
	day, ok2 := readDigits(m[3:], 2)
	rest := m[5:]
	if ok1 && ok2 && rest[0] == '/' {
		y := rest[1:]
		n := len(y) - len(trimDigits(y))
		if n != 2 && n != 4 {
			return s
		}
		s.year, _ = readDigits(y, n)
		if n == 2 {
			s.year += 2000
		}
		rest = y[n:]
	}
	if !ok1 || !ok2 || !calendarDate(2000, month, day) || len(rest) == 0 || rest[0] != '-' || readClock(rest[1:], &s) == 0 {
		return logStamp{}
	}
	s.month, s.day = month, day
	return s
}

func snortLog(m []byte) logChannel {
	if indexOf(m, " -> ") < 0 || indexOf(m, "[") < 0 || indexOf(m, ":") < 0 {
		return unknownChannel
	}
	return idsChannel
}

// parseSnort reads Snort's and Suricata's fast alerts: `… [**] [1:366:11] "PROTOCOL-ICMP PING" [**] [Classification: …] [Priority: 3]
// {TCP} 198.18.0.7:80 -> 10.0.0.5:51234`, and the same behind "snort[123]: [1:366:11] …" in syslog.
func parseSnort(m []byte, f fields) {
	f[accAction] = actAlert
	if i := indexOf(m, "[**] "); i >= 0 {
		m = m[i+5:]
	}
	if hasPrefix(m, "[Drop] ") {
		f[flowBlocked], f[accOutcome] = yes, failure
		m = m[7:]
		m = bytes.TrimPrefix(m, []byte("[**] "))
	}
	f.set(flowEventID, cut(m, "[", "]"))
	name := cut(m, "] ", "")
	for _, end := range []string{" [**]", " [Classification:", " [Priority:", " {"} {
		if i := indexOf(name, end); i >= 0 {
			name = name[:i]
		}
	}
	f.set(flowSignature, bytes.Trim(name, `" `))
	f.some(flowType, cut(m, "[Classification: ", "]"))
	f.some(flowSubtype, cut(m, "[Priority: ", "]"))
	f.some(flowProtocol, bytes.ToLower(cut(m, "{", "}")))
	i := lastIndexOf(m, " -> ")
	if i < 0 {
		return
	}
	f.snortSide(lastWord(m[:i]), accSrcIP, accSrcPort)
	f.snortSide(word(m[i+4:]), flowDstIP, flowDstPort)
}

// snortSide reads an address with or without a port; of nine groups the last is the port of an IPv6 address.
func (f fields) snortSide(b []byte, ip, port int) {
	if n := bytes.Count(b, []byte(":")); n == 1 || n == 8 {
		i := bytes.LastIndexByte(b, ':')
		f.some(port, b[i+1:])
		b = b[:i]
	}
	if isAddress(b) {
		f.some(ip, b)
	}
}

func squidLog(m []byte) logChannel {
	if unixStamp(m).year == 0 || bytes.IndexByte(m, '/') < 0 {
		return unknownChannel
	}
	return proxyChannel
}

// parseSquid reads Squid's native access log: time, milliseconds, client, result/status, bytes, method, URL, user,
// hierarchy/server, type.
func parseSquid(m []byte, f fields) {
	var w [10][]byte
	rest := m
	for i := range w {
		rest = trimSpaces(rest)
		w[i] = word(rest)
		rest = rest[len(w[i]):]
	}
	f[accAction] = actRequest
	f.some(flowDuration, w[1])
	f.source(w[2])
	result := cut(w[3], "", "/")
	f.blocked(result)
	if indexOf(w[3], "/") >= 0 {
		f.some(flowStatus, cut(w[3], "/", ""))
	}
	f.some(flowBytesIn, w[4])
	f.some(flowMethod, w[5])
	f.set(flowURI, w[6])
	f.some(accUser, w[7])
	if peer := w[8]; bytes.IndexByte(peer, '/') > 0 {
		f.endpoint(cut(peer, "/", ""), ' ', flowDstIP, -1, flowDstPort)
	}
	host := w[6]
	if i := indexOf(host, "://"); i >= 0 {
		host = host[i+3:]
	}
	host = cut(host, "", "/")
	if i := bytes.LastIndexByte(host, ':'); i > 0 && len(trimDigits(host[i+1:])) == 0 {
		f.some(flowDstPort, host[i+1:])
		host = host[:i]
	}
	f.some(flowDstHost, host)
}
