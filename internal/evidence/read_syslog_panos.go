package evidence

import "bytes"

// panColumns are how many columns of a PAN-OS log are looked at; later versions add to the end.
const panColumns = 70

// panColumn is the column of a CSV line without taking the others apart; quotes are respected.
func panSplit(m []byte, columns *[panColumns][]byte) {
	words, _, _ := splitCSV(m, columns[:0], nil, panColumns)
	clear(columns[len(words):])
}

// panTime is when the log was generated, column 7, else received, column 2.
func panTime(m []byte) (s logStamp) {
	columns := m[:min(len(m), 256)]
	var at [7][]byte
	for i := range at {
		j := bytes.IndexByte(columns, ',')
		if j < 0 {
			j = len(columns)
		}
		at[i], columns = columns[:j], columns[min(j+1, len(columns)):]
	}
	if readISO(at[6], &s) == 0 {
		s = logStamp{}
		readISO(at[1], &s)
	}
	return s
}

func panLog(m []byte) logChannel {
	var rest = m
	skip := func() []byte {
		w := rest
		if i := bytes.IndexByte(rest, ','); i >= 0 {
			w, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		return w
	}
	skip()
	skip()
	skip()
	kind, sub := skip(), skip()
	switch string(kind) {
	case "TRAFFIC":
		return firewallChannel
	case "GLOBALPROTECT":
		return vpnChannel
	case "THREAT":
		if string(sub) == "url" {
			return proxyChannel
		}
		return idsChannel
	case "USERID", "AUTHENTICATION":
		return deviceAuthChannel
	case "SYSTEM":
		switch string(sub) {
		case "globalprotect", "global-protect", "vpn", "sslvpn":
			return vpnChannel
		case "auth":
			return deviceAuthChannel
		case "dhcp":
			return dhcpChannel
		case "general":
			if indexOf(m, " logged in ") >= 0 {
				return deviceAuthChannel
			}
		}
	case "CONFIG", "HIPMATCH", "CORRELATION", "DECRYPTION", "GTP", "SCTP", "TUNNEL", "IPTAG":
	default:
		return unknownChannel
	}
	return deviceChannel
}

// panSlots is which column has which field, counted from 0, by Palo Alto's syslog field descriptions.
type panSlots []struct{ column, slot int }

var (
	panFlow = panSlots{{7, accSrcIP}, {8, flowDstIP}, {9, flowNAT}, {11, flowRule}, {12, accUser}, {14, flowApplication}, {18, flowIn}, {19, flowOut}, {22, accSession},
		{24, accSrcPort}, {25, flowDstPort}, {29, flowProtocol}, {30, accAction}}
	panTraffic = panSlots{{32, flowBytesOut}, {33, flowBytesIn}, {36, flowDuration}, {41, flowSrcCountry}, {42, flowDstCountry}, {46, accReason}}
	panThreat  = panSlots{{32, flowSignature}, {38, flowSrcCountry}, {39, flowDstCountry}, {46, flowAgent}}
	panGateway = panSlots{{8, flowVerb}, {10, accMethod}, {11, flowSubtype}, {12, accUser}, {13, flowSrcCountry}, {14, flowClient}, {15, accSrcIP}, {17, flowAssigned}, {25, accReason}, {27, flowText}, {30, flowDuration}}
	panConfig  = panSlots{{7, accSrcIP}, {9, accCommand}, {10, accUser}, {11, accMethod}, {13, flowConfig}}
	panUser    = panSlots{{8, accSrcIP}, {9, accUser}, {11, accMethod}}
)

// parsePAN reads the CSV lines of PAN-OS.
func parsePAN(m []byte, f fields) {
	var c [panColumns][]byte
	panSplit(m, &c)
	f.some(flowType, c[3])
	f.some(flowSubtype, c[4])
	set := func(slots panSlots) {
		for _, s := range slots {
			f.some(s.slot, c[s.column])
		}
	}
	switch string(c[3]) {
	case "TRAFFIC":
		set(panFlow)
		set(panTraffic)
		f.blocked(c[30])
	case "THREAT":
		set(panFlow)
		set(panThreat)
		f.blocked(c[30])
		f[accAction] = actAlert
		if string(c[4]) == "url" {
			f[accAction] = actRequest
			f.panURL(c[31])
		} else {
			f.set(accFile, c[31])
		}
	case "GLOBALPROTECT":
		set(panGateway)
		f.panGateway(c[8], c[28])
	case "SYSTEM":
		f.set(flowEventID, c[8])
		f.set(flowText, c[14])
		f.panSystem(c[8], c[14])
	case "CONFIG":
		set(panConfig)
		f.say(actConfig, none)
	case "USERID":
		set(panUser)
		f.say(actMapping, none)
	case "AUTHENTICATION":
		f.some(accSrcIP, c[8])
		f.some(accUser, c[9])
		f.say(actAuth, none)
	}
}

// panURL sets address and host of "www.example.org/path".
func (f fields) panURL(b []byte) {
	f.set(flowURI, b)
	host := b
	if i := indexOf(host, "://"); i >= 0 {
		host = host[i+3:]
	}
	host = cut(host, "", "/")
	if i := bytes.LastIndexByte(host, ':'); i > 0 {
		host = host[:i]
	}
	f.some(flowDstHost, host)
}

// panGateway brings the stages of GlobalProtect to logon and logoff.
func (f fields) panGateway(what, status []byte) {
	outcome := success
	if string(status) != "success" {
		outcome = failure
	}
	switch string(what) {
	case "gateway-connected", "gateway-tunnel-connect":
		f.say(actLogon, outcome)
	case "gateway-auth", "portal-auth", "gateway-prelogin", "portal-prelogin":
		f.say(actAuth, outcome)
		if string(status) == "failure" && string(what) == "gateway-auth" {
			f[accAction] = actLogon
		}
	case "gateway-getconfig", "gateway-register":
		f.say(actAuth, outcome)
		if !f[flowAssigned].IsNull() {
			f[accAction] = actAssign
		}
	case "gateway-logout", "gateway-inactivity-timeout", "gateway-disconnect":
		f.say(actLogoff, none)
	default:
		f.set(accAction, what)
		f[accOutcome] = outcome
	}
}

// panSystem reads the sentences of the system log: "GlobalProtect gateway user authentication succeeded. Login from: 198.18.0.7,
// Source region: IN, User name: dr.rao", "failed authentication for user 'admin'. … From: 198.18.0.7.".
func (f fields) panSystem(id, m []byte) {
	for _, pre := range []string{"User name: ", "for user '", "User "} {
		if u := cut(m, pre, ""); u != nil && f[accUser].IsNull() {
			f.some(accUser, bytes.TrimRight(word(bytes.TrimSpace(u)), ",.'"))
		}
	}
	for _, pre := range []string{"Login from: ", "From: ", " from "} {
		if ip := bytes.TrimRight(word(cut(m, pre, "")), ",."); f[accSrcIP].IsNull() && isAddress(ip) {
			f.set(accSrcIP, ip)
		}
	}
	f.some(flowAssigned, bytes.TrimRight(word(cut(m, "Private IP: ", "")), ",."))
	f.some(flowClient, bytes.TrimRight(cut(m, "Device name: ", ","), ",."))
	switch {
	case bytes.Contains(id, []byte("auth-fail")), hasPrefix(m, "failed authentication"):
		f.say(actLogon, failure)
		f.set(accReason, cut(m, "Reason: ", "."))
	case bytes.Contains(id, []byte("logout")):
		f.say(actLogoff, none)
	case indexOf(m, " logged in ") >= 0, bytes.Contains(id, []byte("regist-succ")):
		f.say(actLogon, success)
	case bytes.Contains(id, []byte("auth-succ")), hasPrefix(m, "authenticated for user"):
		f.say(actAuth, success)
	case !f[flowAssigned].IsNull():
		f.say(actAssign, success)
	}
}
