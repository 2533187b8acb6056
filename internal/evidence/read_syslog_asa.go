package evidence

import "bytes"

// asaNumber is the number of a message of ASA or FTD: of %ASA-6-302013 it is 302013.
func asaNumber(m []byte) (number int, text []byte) {
	if len(m) < 10 || m[0] != '%' {
		return 0, nil
	}
	tag := word(m)
	number = digits(bytes.TrimRight(tag[bytes.LastIndexByte(tag, '-')+1:], ":"))
	return max(number, 0), trimSpaces(m[len(tag):])
}

// asaLog tells the log from the number, by the chapters of Cisco's list of messages.
func asaLog(m []byte) logChannel {
	n, text := asaNumber(m)
	switch {
	case n == 113004, n == 113005, n == 113012, n == 113014, n == 113015, n == 605004, n == 605005, n >= 611101 && n <= 611104, n == 109001, n >= 109005 && n <= 109007, n == 308001, n == 315011:
		return deviceAuthChannel
	case n/1000 == 113, n/1000 == 713, n/1000 == 716, n/1000 == 721, n/1000 == 722, n/1000 == 737, n == 751025, n == 750006, n/1000 == 746 && indexOf(text, "VPN") >= 0, n/1000 == 734, n/1000 == 725:
		return vpnChannel
	case n/1000 == 746:
		return deviceAuthChannel
	case n/1000 == 106, n/1000 == 302, n/1000 == 305, n/1000 == 710, n == 430001, n == 430002, n == 430003, n/1000 == 338, n/1000 == 313:
		return firewallChannel
	case n/1000 == 304:
		return proxyChannel
	case n/1000 == 604:
		return dhcpChannel
	case n/1000 == 400, n/1000 == 733:
		return idsChannel
	}
	return deviceChannel
}

// parseASA reads the messages of Cisco's ASA and FTD.
func parseASA(m []byte, f fields) {
	n, text := asaNumber(m)
	tag := bytes.TrimRight(word(m), ":")
	f.set(flowEventID, tag[bytes.LastIndexByte(tag, '-')+1:])
	f.set(flowText, text)
	switch asaLog(m) {
	case firewallChannel:
		f.asaFlow(n, text)
	case vpnChannel:
		f.asaTunnel(n, text)
	case deviceAuthChannel:
		f.asaLogon(n, text)
	case proxyChannel: // 10.0.0.5 Accessed URL 198.18.0.7:http://…
		f[accAction] = actRequest
		f.source(word(text))
		url := cut(text, "URL ", "")
		f.some(flowDstIP, cut(url, "", ":"))
		f.set(flowURI, cut(url, ":", ""))
	case dhcpChannel: // DHCP client interface outside: … / DHCP daemon interface inside: address granted aabb.ccdd.eeff (10.0.0.5)
		f[accAction] = actLease
		f.set(flowMAC, word(cut(text, "granted ", "")))
		f.some(flowAssigned, cut(text, "(", ")"))
	case deviceChannel:
		f.asaCommand(n, text)
	}
}

// asaFlow reads connections built, torn down and denied.
func (f fields) asaFlow(n int, m []byte) {
	verb := word(m)
	f.set(accAction, verb)
	f.blocked(verb)
	switch {
	case n/10 == 43000:
		f.setColons(m)
		return
	case hasPrefix(m, "Built "), hasPrefix(m, "Teardown "):
		f.set(flowProtocol, bytes.ToLower(lastWord(cut(m, "", " connection "))))
		f.set(accSession, word(cut(m, " connection ", "")))
		a, b := word(cut(m, " for ", "")), word(cut(m, " to ", ""))
		if indexOf(m[:min(len(m), 32)], "outbound") > 0 {
			a, b = b, a
		}
		f.asaSides(a, b)
		f.some(flowDuration, word(cut(m, " duration ", "")))
		if i := lastIndexOf(m, " bytes "); i > 0 {
			f.number(flowBytesOut, m[i+7:])
			f.set(accReason, trimSpaces(trimDigits(m[i+7:])))
		}
	case indexOf(m, " src ") > 0:
		f.set(flowProtocol, bytes.ToLower(word(cut(m, " ", ""))))
		f.asaSides(word(cut(m, " src ", "")), word(cut(m, " dst ", "")))
		f.set(flowRule, cut(m, "access-group \"", "\""))
	case hasPrefix(m, "access-list "):
		w := bytes.Fields(m[:min(len(m), 400)])
		if len(w) < 7 {
			return
		}
		f.set(flowRule, w[1])
		f.set(accAction, w[2])
		f.blocked(w[2])
		f.set(flowProtocol, w[3])
		f.asaSides(parenPort(w[4]), parenPort(w[6]))
	case lastFrom(m) > 0:
		f.asaSides(word(m[lastFrom(m)+6:]), word(cut(m[lastFrom(m):], " to ", "")))
		f[flowBlocked], f[accOutcome] = yes, failure
		if indexOf(m, "denied") < 0 && indexOf(m, "Deny") < 0 && indexOf(m, "discarded") < 0 {
			f[flowBlocked], f[accOutcome] = no, success
		}
		f.set(flowProtocol, bytes.ToLower(bytes.TrimPrefix(word(cut(m, " ", "")), []byte("inbound "))))
	}
}

// parenPort turns inside/10.0.0.5(443) into inside/10.0.0.5/443.
func parenPort(w []byte) []byte {
	out := make([]byte, 0, len(w))
	for _, c := range w {
		switch c {
		case '(':
			out = append(out, '/')
		case ')':
			return out
		default:
			out = append(out, c)
		}
	}
	return out
}

// asaSides reads "outside:198.18.0.7/51234" or "outside/198.18.0.7/51234".
func (f fields) asaSides(from, to []byte) {
	f.asaSide(from, accSrcIP, accSrcHost, accSrcPort, flowIn)
	f.asaSide(to, flowDstIP, flowDstHost, flowDstPort, flowOut)
}

func (f fields) asaSide(b []byte, ip, host, port, side int) {
	if i := bytes.IndexAny(b, ":/"); i > 0 && !isAddress(b[:i]) {
		f.set(side, b[:i])
		b = b[i+1:]
	}
	if i := bytes.IndexByte(b, '('); i > 0 {
		b = b[:i]
	}
	f.endpoint(bytes.TrimRight(b, ",."), '/', ip, host, port)
}

// colonKeys are the keys of FTD's connection events.
var colonKeys = map[string]int{
	"SrcIP": accSrcIP, "DstIP": flowDstIP, "SrcPort": accSrcPort, "DstPort": flowDstPort, "Protocol": flowProtocol, "User": accUser, "URL": flowURI, "InitiatorBytes": flowBytesOut,
	"ResponderBytes": flowBytesIn, "AccessControlRuleName": flowRule, "ApplicationProtocol": flowApplication, "IngressInterface": flowIn, "EgressInterface": flowOut, "Message": flowSignature, "DNSQuery": flowQuery,
	"ConnectionDuration": flowDuration, "UserAgent": flowAgent,
}

// setColons reads "SrcIP: 10.0.0.5, DstIP: 198.18.0.7, AccessControlRuleAction: Allow".
func (f fields) setColons(m []byte) {
	for len(m) > 0 {
		part := m
		if i := indexOf(m, ", "); i >= 0 {
			part, m = m[:i], m[i+2:]
		} else {
			m = nil
		}
		i := indexOf(part, ": ")
		if i < 0 {
			continue
		}
		if slot, ok := colonKeys[string(part[:i])]; ok {
			f.some(slot, part[i+2:])
		}
		if string(part[:i]) == "AccessControlRuleAction" {
			f.set(accAction, part[i+2:])
			f.blocked(part[i+2:])
		}
	}
}

// asaWho reads "Group <G> User <u> IP <10.0.0.5>" and "Group = G, Username = u, IP = 10.0.0.5".
func (f fields) asaWho(m []byte) {
	if indexOf(m, " <") >= 0 {
		f.some(flowGroup, cut(m, "Group <", ">"))
		f.some(accUser, cut(m, "User <", ">"))
		f.some(accSrcIP, cut(m, "IP <", ">"))
		return
	}
	f.some(flowGroup, cut(m, "Group = ", ","))
	f.some(accUser, cut(m, "Username = ", ","))
	if ip := cut(m, ", IP = ", ","); isAddress(bytes.TrimRight(ip, " ")) {
		f.some(accSrcIP, ip)
	}
}

// asaTunnel reads what becomes of remote users' sessions.
func (f fields) asaTunnel(n int, m []byte) {
	f.asaWho(m)
	switch n {
	case 113039, 716001:
		f.say(actLogon, success)
	case 716038:
		f.say(actAuth, success)
	case 716039:
		f.say(actLogon, failure)
	case 722051:
		f.say(actAssign, success)
		f.some(flowAssigned, cut(m, "IPv4 Address <", ">"))
	case 713228:
		f.say(actAssign, success)
		f.some(flowAssigned, word(cut(m, "Assigned private IP address ", "")))
	case 751025:
		f.say(actLogon, success)
		f.some(accUser, cut(m, "Username:", " "))
		f.asaSide(cut(m, "Remote:", " "), accSrcIP, accSrcHost, accSrcPort, flowIn)
		f.some(flowAssigned, bytes.TrimRight(word(cut(m, "Assigned IPv4 Addr: ", "")), ","))
	case 746012, 746013:
		f.say(actAssign, success)
		if n == 746013 {
			f.say(actLogoff, none)
		}
		f.some(flowAssigned, word(cut(m, "mapping ", "")))
		f.some(accUser, bytes.TrimPrefix(word(cut(m, " - ", "")), []byte(`LOCAL\`)))
	case 113019, 716002, 722023:
		f.say(actLogoff, none)
		f.some(accMethod, cut(m, "Session Type: ", ","))
		f.some(flowDuration, cut(m, "Duration: ", ","))
		f.some(flowBytesOut, cut(m, "Bytes xmt: ", ","))
		f.some(flowBytesIn, cut(m, "Bytes rcv: ", ","))
		f.set(accReason, cut(m, "Reason: ", ""))
	case 722022:
		f.say(actOpen, success)
	}
}

// asaLogon reads authentication by the gateway and administrators' logons.
func (f fields) asaLogon(n int, m []byte) {
	outcome := success
	if indexOf(m, "ejected") >= 0 || indexOf(m, "denied") >= 0 || indexOf(m, "failed") >= 0 {
		outcome = failure
	}
	f.say(actAuth, outcome)
	switch n {
	case 605004, 605005:
		f[accAction] = actLogon
		f.asaSides(word(cut(m, " from ", "")), word(cut(m, " to ", "")))
		if to := word(cut(m, " to ", "")); len(to) > 0 {
			f.set(accMethod, to[bytes.LastIndexByte(to, '/')+1:])
		}
		f.some(accUser, cut(m, "user \"", "\""))
	case 611101, 611102:
		f[accAction] = actLogon
		f.some(accSrcIP, bytes.TrimRight(word(cut(m, "IP address: ", "")), ","))
		f.some(accUser, bytes.TrimRight(word(cut(m, "Uname: ", "")), "."))
	case 746012, 746013:
		f.say(actMapping, none)
		f.some(accSrcIP, word(cut(m, "mapping ", "")))
		f.some(accUser, word(cut(m, " - ", "")))
	default:
		f.some(accUser, bytes.TrimSpace(cut(m, " user = ", " :")))
		f.some(accSrcIP, word(cut(m, "user IP = ", "")))
		f.some(accReason, cut(m, "reason = ", " :"))
	}
}

// asaCommand reads administrators' commands and new accounts.
func (f fields) asaCommand(n int, m []byte) {
	switch n {
	case 111008, 111010, 111009:
		f.say(actCommand, success)
		f.set(accUser, cut(m, "ser '", "'"))
		f.set(accCommand, cut(m, "executed '", "'"))
		if c := cut(m, "executed the '", "'"); c != nil {
			f.set(accCommand, c)
		}
		f.some(accSrcIP, bytes.TrimRight(word(cut(m, "from IP ", "")), ","))
	case 502101:
		f.say(actNewAccount, success)
		f.some(accUser, word(cut(m, "Uname: ", "")))
	case 502102:
		f.say(actOldAccount, success)
		f.some(accUser, word(cut(m, "Uname: ", "")))
	}
}
