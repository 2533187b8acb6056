package evidence

import "bytes"

// parseOpenVPN reads OpenVPN's server: "198.18.0.7:51234 [dr.rao] Peer Connection Initiated with [AF_INET]198.18.0.7:51234",
// "dr.rao/198.18.0.7:51234 MULTI_sva: pool returned IPv4=10.8.0.6, IPv6=(Not enabled)". The name before the slash is the
// certificate's or the user's.
func parseOpenVPN(m []byte, f fields) {
	head := word(m)
	if rest := m[len(head):]; len(rest) > 1 && bytes.IndexByte(head, ':') > 0 {
		if i := bytes.LastIndexByte(head, '/'); i > 0 {
			f.some(accUser, head[:i])
			head = head[i+1:]
		}
		head = bytes.TrimPrefix(bytes.TrimPrefix(head, []byte("[AF_INET6]")), []byte("[AF_INET]"))
		f.endpoint(head, ':', accSrcIP, -1, accSrcPort)
		if !f[accSrcIP].IsNull() {
			m = trimSpaces(rest)
		}
	}
	switch {
	case indexOf(m, "Peer Connection Initiated with ") >= 0:
		f.say(actLogon, success)
		f.some(accUser, cut(m, "[", "] Peer"))
		f.openVPNPeer(cut(m, "Initiated with ", ""))
	case hasPrefix(m, "MULTI: primary virtual IP for "): // dr.rao/198.18.0.7:51234: 10.8.0.6
		f.say(actAssign, success)
		f.some(flowAssigned, lastWord(m))
	case indexOf(m, "pool returned IPv4=") >= 0:
		f.say(actAssign, success)
		f.some(flowAssigned, cut(m, "IPv4=", ","))
	case hasPrefix(m, "MULTI: Learn: "):
		f.say(actAssign, success)
		who := word(cut(m, " -> ", ""))
		f.some(flowAssigned, cut(m, "Learn: ", " "))
		if i := bytes.LastIndexByte(who, '/'); i > 0 {
			f.some(accUser, who[:i])
			f.openVPNPeer(who[i+1:])
		}
	case indexOf(m, "authentication succeeded for username '") >= 0:
		f.say(actAuth, success)
		f.some(accUser, cut(m, "username '", "'"))
	case indexOf(m, "TLS Auth Error") >= 0, indexOf(m, "AUTH_FAILED") >= 0, indexOf(m, "verification failed for peer") >= 0, indexOf(m, "authentication failed") >= 0:
		f.say(actLogon, failure)
		f.set(accReason, m)
	case indexOf(m, "VERIFY ERROR") >= 0:
		f.say(actAuth, failure)
		f.set(accReason, m)
	case indexOf(m, "client-instance exiting") >= 0, indexOf(m, "client-instance restarting") >= 0:
		f.say(actLogoff, none)
		f.set(accReason, cut(m, "[", "]"))
	case hasPrefix(m, "TLS: Initial packet from "):
		f.say(actConnect, none)
		f.openVPNPeer(cut(m, "from ", ""))
	}
}

func (f fields) openVPNPeer(b []byte) {
	b = word(b)
	if i := bytes.IndexByte(b, ']'); i > 0 && b[0] == '[' {
		b = b[i+1:]
	}
	f.endpoint(bytes.TrimRight(b, ",."), ':', accSrcIP, -1, accSrcPort)
}

// parseCharon reads strongSwan's IKE daemon: "05[IKE] IKE_SA rw[12] established between 203.0.113.1[gw]...198.18.0.7[dr.rao]",
// "assigning virtual IP 10.9.0.5 to peer 'dr.rao'".
func parseCharon(m []byte, f fields) {
	if len(m) > 3 && digit(m[0]) && m[2] == '[' {
		m = trimSpaces(cut(m, "]", ""))
	}
	if hasPrefix(m, "<") {
		f.set(accSession, cut(m, "<", ">"))
		m = trimSpaces(cut(m, ">", ""))
	}
	switch {
	case hasPrefix(m, "IKE_SA ") && indexOf(m, " established between ") > 0:
		f.say(actLogon, success)
		f.charonSides(cut(m, " between ", ""))
	case hasPrefix(m, "deleting IKE_SA "):
		f.say(actLogoff, none)
		f.charonSides(cut(m, " between ", ""))
	case hasPrefix(m, "assigning virtual IP "):
		f.say(actAssign, success)
		f.some(flowAssigned, word(m[21:]))
		f.some(accUser, cut(m, "peer '", "'"))
	case hasPrefix(m, "EAP method ") && indexOf(m, " failed for peer ") > 0:
		f.say(actLogon, failure)
		f.set(accMethod, word(m[11:]))
		f.some(accUser, cut(m, " for peer ", ""))
	case hasPrefix(m, "authentication of '"), hasPrefix(m, "XAuth authentication of '"):
		f.say(actAuth, success)
		if indexOf(m, "failed") > 0 {
			f[accOutcome] = failure
		}
		f.some(accUser, cut(m, "'", "'"))
		f.some(accMethod, word(cut(m, "' with ", "")))
	case indexOf(m, "is initiating an IKE_SA") > 0, indexOf(m, "is initiating a Main Mode") > 0, indexOf(m, "is initiating a Aggressive Mode") > 0:
		f.say(actConnect, none)
		f.source(word(m))
	case hasPrefix(m, "received EAP identity "):
		f.say(actAuth, none)
		f.some(accUser, cut(m, "'", "'"))
	}
}

// charonSides reads "203.0.113.1[gw]...198.18.0.7[dr.rao]": the other side stands second.
func (f fields) charonSides(b []byte) {
	i := indexOf(b, "]...")
	if i < 0 {
		return
	}
	f.some(flowDstIP, cut(b, "", "["))
	f.source(cut(b[i+4:], "", "["))
	if who := cut(b[i+4:], "[", "]"); !isAddress(who) {
		f.some(accUser, who)
	}
}

// parsePPP reads pppd and what stands before it (pptpd, xl2tpd): "peer from calling number 198.18.0.7 authorized", "remote IP
// address 10.9.0.5", "CHAP peer authentication succeeded for dr.rao".
func parsePPP(m []byte, f fields) {
	switch {
	case indexOf(m, "peer authentication succeeded for ") >= 0:
		f.say(actLogon, success)
		f.set(accMethod, word(m))
		f.some(accUser, word(cut(m, "succeeded for ", "")))
	case indexOf(m, "peer authentication failed for ") >= 0, indexOf(m, "Peer ") == 0 && indexOf(m, " failed CHAP authentication") > 0:
		f.say(actLogon, failure)
		f.some(accUser, word(cut(m, "failed for ", "")))
		if m[0] == 'P' {
			f.some(accUser, word(m[5:]))
		}
	case hasPrefix(m, "peer from calling number "):
		f.say(actConnect, none)
		f.source(word(m[25:]))
	case hasPrefix(m, "remote IP address "):
		f.say(actAssign, success)
		f.some(flowAssigned, word(m[18:]))
	case hasPrefix(m, "user ") && indexOf(m, " logged in on ") > 0:
		f.say(actOpen, success)
		f.some(accUser, word(m[5:]))
		f.some(accTTY, word(cut(m, " on ", "")))
	case indexOf(m, "CTRL: Client ") >= 0 && indexOf(m, "connection started") > 0, hasPrefix(m, "Connection established to "):
		f.say(actConnect, none)
		ip := cut(m, "Client ", " ")
		if m[0] == 'C' && ip == nil {
			ip = bytes.TrimRight(word(m[26:]), ",")
		}
		f.source(ip)
	case hasPrefix(m, "Connection terminated"), hasPrefix(m, "Connect time "):
		f.say(actLogoff, none)
		f.some(flowDuration, cut(m, "Connect time ", "."))
	case hasPrefix(m, "Sent ") && indexOf(m, " bytes, received ") > 0:
		f.some(flowBytesOut, word(m[5:]))
		f.some(flowBytesIn, word(cut(m, "received ", "")))
	default:
		parseOther(m, f)
	}
}

// parseRadius reads FreeRADIUS: "Auth: (12) Login OK: [dr.rao] (from client ap1 port 1 cli AA-BB-CC-DD-EE-FF)", "Login
// incorrect (mschap: …): [dr.rao/<via Auth-Type = eap>] (from client …)".
func parseRadius(m []byte, f fields) {
	m = bytes.TrimPrefix(m, []byte("Auth: "))
	if hasPrefix(m, "(") {
		m = trimSpaces(cut(m, ")", ""))
	}
	switch {
	case hasPrefix(m, "Login OK"):
		f.say(actAuth, success)
	case hasPrefix(m, "Login incorrect"), hasPrefix(m, "Invalid user"), hasPrefix(m, "Rejected"):
		f.say(actAuth, failure)
		f.set(accReason, cut(m, "(", "):"))
	default:
		return
	}
	i := indexOf(m, ": [")
	if i < 0 {
		return
	}
	who := cut(m[i+3:], "", "] (from client")
	if j := bytes.IndexByte(who, '/'); j >= 0 { // the password or the type of authentication stands behind
		who = who[:j]
	}
	f.some(accUser, who)
	client := cut(m[i:], "(from client ", ")")
	f.some(flowIn, word(client))
	if cli := word(cut(client, " cli ", "")); isAddress(cli) {
		f.set(accSrcIP, cli)
	} else {
		f.some(flowMAC, cli)
	}
}
