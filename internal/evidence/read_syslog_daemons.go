package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// parseCron reads "(root) CMD (run-parts /etc/cron.hourly)", and crontab's "(root) REPLACE (root)".
func parseCron(m []byte, f fields) {
	if len(m) == 0 || m[0] != '(' {
		return
	}
	end := indexOf(m, ") ")
	if end < 0 {
		return
	}
	f.set(cronUser, m[1:end])
	rest := m[end+2:]
	paren := indexOf(rest, " (")
	if paren < 0 {
		f.set(0, rest)
		return
	}
	f.set(0, rest[:paren])
	f.set(cronCommand, bytes.TrimSpace(bytes.TrimSuffix(rest[paren+2:], []byte(")"))))
}

// parseAnacron reads "Job `cron.daily' started", "(/etc/cron.hourly) starting 0anacron".
func parseAnacron(m []byte, f fields) {
	switch {
	case hasPrefix(m, "Job `"):
		f.set(cronCommand, cut(m, "`", "'"))
		f.set(0, word(cut(m, "' ", "")))
	case len(m) > 0 && m[0] == '(': // run-parts names its folder
		what := cut(m, ") ", "")
		f.set(0, word(what))
		f.set(cronCommand, what[min(len(word(what))+1, len(what)):])
	case hasPrefix(m, "starting "), hasPrefix(m, "finished "):
		f.set(0, m[:8])
		f.set(cronCommand, m[9:])
	}
}

// parseAtd reads "Starting job 3 (a0000301) for user 'root' (0)".
func parseAtd(m []byte, f fields) {
	if hasPrefix(m, "Starting job ") {
		f.set(0, m[:12])
		f.set(cronCommand, word(m[13:]))
		f.set(cronUser, cut(m, "user '", "'"))
	}
}

// parseUnit reads what systemd says of its units: "Started ssh.service - OpenBSD Secure Shell server.",
// "ssh.service: Main process exited, code=exited, status=255/EXCEPTION", "Started Session 12 of user root.".
func parseUnit(m []byte, f fields) {
	for _, verb := range unitVerbs {
		if !hasPrefix(m, verb) || len(m) <= len(verb)+1 {
			continue
		}
		f.set(0, m[:len(verb)])
		unit := m[len(verb)+1:]
		if i := indexOf(unit, " - "); i > 0 {
			unit = unit[:i]
		}
		f.set(unitName, bytes.TrimRight(unit, "."))
		if i := indexOf(unit, " of user "); i > 0 {
			f.set(unitUser, bytes.TrimRight(word(unit[i+9:]), "."))
		}
		return
	}
	if i := indexOf(m, ": "); i > 0 && bytes.IndexByte(m[:i], ' ') < 0 && bytes.IndexByte(m[:i], '.') > 0 {
		f.set(unitName, m[:i])
		f.set(unitResult, m[i+2:])
	}
}

var unitVerbs = []string{"Started", "Starting", "Stopped", "Stopping", "Reloaded", "Reloading", "Failed to start", "Finished", "Created slice",
	"Removed slice", "Mounted", "Mounting", "Unmounted", "Listening on", "Closed", "Reached target", "Deactivated"}

// parseKernel reads the packet filter's lines ("[UFW BLOCK] IN=eth0 OUT= MAC=… SRC=10.0.0.5 DST=… PROTO=TCP SPT=1 DPT=22")
// and crashes ("nginx[123]: segfault at 0 ip …").
func parseKernel(m []byte, f fields) {
	if len(m) > 2 && m[0] == '[' && (m[1] == ' ' || digit(m[1])) {
		if end := bytes.IndexByte(m[:min(len(m), 32)], ']'); end > 0 {
			f.set(pktUptime, bytes.TrimSpace(m[1:end]))
			m = bytes.TrimLeft(m[end+1:], " ")
		}
	}
	in := indexOf(m, "IN=")
	if in < 0 || indexOf(m, " SRC=") < in {
		if i := indexOf(m, ": segfault at "); i > 0 {
			f.set(0, m[i+2:i+10])
			f.set(pktProcess, m[:i])
		} else if indexOf(m, "promiscuous mode") >= 0 {
			f.set(0, cut(m, string(lastBefore(m, " entered"))+" ", ""))
			f.set(pktIn, cut(m, "device ", " "))
		}
		return
	}
	f.set(0, bytes.TrimRight(bytes.TrimSpace(m[:in]), ":"))
	for _, p := range packetPairs {
		f.set(p.slot, word(cut(m[in:], p.name, "")))
	}
	f.set(pktIn, word(m[in+3:]))
}

func lastBefore(m []byte, mark string) []byte {
	i := bytes.Index(m, []byte(mark))
	if i < 0 {
		return nil
	}
	return lastWord(m[:i])
}

var packetPairs = []alias{{" OUT=", pktOut}, {" SRC=", pktSrcIP}, {" DST=", pktDstIP}, {" PROTO=", pktProto}, {" SPT=", pktSrcPort}, {" DPT=", pktDstPort}, {" MAC=", pktMAC}}

// parseLease reads the servers' and clients' messages of DHCP: "DHCPACK on 10.0.0.5 to aa:bb:cc:dd:ee:ff (name) via eth0",
// "DHCPACK(eth0) 10.0.0.5 aa:bb:cc:dd:ee:ff name", "DHCPACK of 10.0.0.5 from 10.0.0.1", "bound to 10.0.0.5 -- renewal in …".
func parseLease(m []byte, f fields) {
	switch {
	case hasPrefix(m, "bound to "):
		f.set(0, m[:5])
		f.set(leaseAddress, word(m[9:]))
		return
	case hasPrefix(m, "DHCP4_"), hasPrefix(m, "DHCP6_"), hasPrefix(m, "INFO "), hasPrefix(m, "DEBUG "):
		f.kea(m)
		return
	case !hasPrefix(m, "DHCP"):
		return
	}
	verb := word(m)
	if i := bytes.IndexByte(verb, '('); i > 0 { // dnsmasq
		f.set(0, verb[:i])
		f.set(leaseInterface, bytes.TrimSuffix(verb[i+1:], []byte(")")))
		for _, w := range bytes.Fields(m[len(verb):]) {
			switch {
			case bytes.Count(w, []byte(":")) == 5:
				f.set(leaseMAC, w)
			case isAddress(w):
				f.set(leaseAddress, w)
			case !f[leaseMAC].IsNull():
				f.set(leaseName, w)
			}
		}
		return
	}
	f.set(0, verb)
	for _, p := range leasePairs {
		if w := word(cut(m, p.name, "")); len(w) > 0 {
			f.lease(p.slot, w)
		}
	}
	if i := lastIndexOf(m, " ("); i > 0 {
		if name := cut(m[i:], "(", ")"); !isAddress(name) {
			f.set(leaseName, name)
		}
	}
}

// kea reads "DHCP4_LEASE_ALLOC [hwtype=1 aa:bb:cc:dd:ee:ff], cid=[no info], tid=0x1: lease 10.0.0.5 has been allocated for 4000 seconds".
func (f fields) kea(m []byte) {
	if i := indexOf(m, "DHCP"); i > 0 {
		m = m[i:]
	}
	verb := word(m)
	f.set(0, verb)
	f.some(leaseMAC, cut(cut(m, "hwtype=", "]"), " ", ""))
	for _, pre := range []string{"lease ", "address "} {
		if a := word(cut(m, pre, "")); f[leaseAddress].IsNull() && isAddress(a) {
			f.set(leaseAddress, a)
		}
	}
	f.some(leaseName, cut(m, "hostname '", "'"))
}

var leasePairs = []alias{{" on ", leaseAddress}, {" for ", leaseAddress}, {" of ", leaseAddress}, {" to ", leaseMAC}, {" from ", leaseMAC}, {" via ", leaseInterface}}

// lease sets an address, a hardware address or an interface by what the word looks like.
func (f fields) lease(slot int, w []byte) {
	w = bytes.TrimRight(w, ":,")
	switch {
	case bytes.Count(w, []byte(":")) == 5:
		f.set(leaseMAC, w)
	case isAddress(w) && slot == leaseMAC:
		f.set(leaseServer, w)
	case isAddress(w):
		f.set(leaseAddress, w)
	case slot == leaseAddress || slot == leaseInterface:
		f.set(leaseInterface, w)
	}
}

// parseQuery reads name servers: "client @0x7f 10.0.0.5#1234 (evil.example): query: evil.example IN A + (10.0.0.1)",
// dnsmasq's "query[A] evil.example from 10.0.0.5" and "reply evil.example is 198.18.0.7".
func parseQuery(m []byte, f fields) {
	switch {
	case hasPrefix(m, "client "):
		c := m[7:]
		if len(c) > 0 && c[0] == '@' {
			c = c[min(len(word(c))+1, len(c)):]
		}
		c = word(c)
		if i := bytes.IndexByte(c, '#'); i > 0 {
			f.set(querySrcIP, c[:i])
			f.number(querySrc, c[i+1:])
		}
		if q := cut(m, ": query: ", ""); q != nil {
			f.set(0, []byte("query"))
			f.set(queryName, word(q))
			f.set(queryType, word(cut(q, " IN ", "")))
		} else if i := indexOf(m, ": "); i > 0 {
			f.set(0, m[i+2:])
		}
	case hasPrefix(m, "query["):
		f.set(0, m[:5])
		f.set(queryType, cut(m, "[", "]"))
		f.set(queryName, cut(m, "] ", " from "))
		f.set(querySrcIP, word(cut(m, " from ", "")))
	case hasPrefix(m, "reply "), hasPrefix(m, "cached "), hasPrefix(m, "forwarded "):
		f.set(0, word(m))
		f.set(queryName, word(m[len(word(m))+1:]))
		f.set(queryAnswer, cut(m, " is ", ""))
	}
}

// parseVsftpd reads `[jean] OK LOGIN: Client "10.0.0.5"` and `[jean] FAIL UPLOAD: Client "10.0.0.5", "/path", 12 bytes, 3.4Kbyte/sec`.
func parseVsftpd(m []byte, f fields) {
	if len(m) > 0 && m[0] == '[' {
		if user := cut(m, "[", "] "); !hasPrefix(user, "pid ") {
			f.set(accUser, user)
		}
		m = m[bytes.IndexByte(m, ']')+1:]
		m = bytes.TrimLeft(m, " ")
	}
	what := cut(m, "", ": ")
	switch {
	case hasPrefix(what, "OK "):
		f[accOutcome], what = success, what[3:]
	case hasPrefix(what, "FAIL "):
		f[accOutcome], what = failure, what[5:]
	case string(what) != "CONNECT":
		return
	}
	switch string(what) {
	case "LOGIN":
		f[accAction] = actLogon
	case "CONNECT":
		f[accAction] = actConnect
	case "UPLOAD":
		f[accAction] = actUpload
	case "DOWNLOAD":
		f[accAction] = actDownload
	default:
		f.set(accAction, what)
	}
	f.source(bytes.TrimPrefix(cut(m, `Client "`, `"`), []byte("::ffff:")))
	f.set(accFile, cut(m, `", "`, `"`))
	if i := lastIndexOf(m, " bytes"); i > 0 {
		f.set(accBytes, lastWord(m[:i]))
	}
}

// parseProftpd reads "host (client[10.0.0.5]) - USER root: Login successful.".
func parseProftpd(m []byte, f fields) {
	f.source(cut(cut(m, "(", ")"), "[", "]"))
	say := cut(m, ") - ", "")
	switch {
	case hasPrefix(say, "USER "):
		f.say(actLogon, failure)
		f.set(accUser, cut(say, "USER ", ":"))
		if indexOf(say, "Login successful") >= 0 {
			f[accOutcome] = success
		} else {
			f.set(accReason, cut(say, ": ", ""))
		}
		if indexOf(say, "no such user") >= 0 {
			f[accInvalid] = yes
			f.set(accUser, bytes.TrimSpace(bytes.TrimSuffix(cut(say, "USER ", ":"), []byte(" (Login failed)"))))
		}
	case indexOf(say, "session opened") >= 0:
		f[accAction] = actOpen
	case indexOf(say, "session closed") >= 0:
		f[accAction] = actClose
	}
}

// parseMail reads the logons of mail servers.
func parseMail(m []byte, f fields) {
	switch {
	case indexOf(m, "SASL") >= 0 && indexOf(m, "authentication failed") >= 0:
		f.say(actLogon, failure)
		f.source(cut(m, "[", "]"))
		f.set(accMethod, cut(m, "SASL ", " "))
		f.set(accUser, word(cut(m, "sasl_username=", "")))
	case indexOf(m, "sasl_username=") >= 0:
		f.say(actLogon, success)
		f.source(cut(m, "[", "]"))
		f.set(accMethod, cut(m, "sasl_method=", ","))
		f.set(accUser, word(cut(m, "sasl_username=", "")))
	case indexOf(m, "-login: ") >= 0 && indexOf(m, "rip=") >= 0:
		f.say(actLogon, failure)
		if indexOf(m, "Login: ") >= 0 && indexOf(m, "Aborted") < 0 {
			f[accOutcome] = success
		}
		f.set(accUser, cut(m, "user=<", ">"))
		f.set(accMethod, cut(m, "method=", ","))
		f.source(cut(m, "rip=", ","))
		f.set(accSession, cut(m, "session=<", ">"))
	default:
		parseOther(m, f)
	}
}

// parseClam reads "/path/file: Win.Test.EICAR_HDB-1 FOUND".
func parseClam(m []byte, f fields) {
	if !bytes.HasSuffix(bytes.TrimSpace(m), []byte(" FOUND")) {
		return
	}
	m = bytes.TrimSuffix(bytes.TrimSpace(m), []byte(" FOUND"))
	m = bytes.TrimPrefix(m, []byte("-> "))
	if i := lastIndexOf(m, ": "); i > 0 {
		f.set(0, []byte("FOUND"))
		f.set(fileName, m[:i])
		f.set(fileSignature, m[i+2:])
	}
}

// parseFail2ban reads "NOTICE [sshd] Ban 198.18.0.7".
func parseFail2ban(m []byte, f fields) {
	f.set(accService, cut(m, "[", "]"))
	for _, v := range []struct {
		word   string
		action event.Value
	}{{"] Ban ", actBan}, {"] Unban ", actUnban}, {"] Restore Ban ", actBan}, {"] Found ", actAuth}} {
		if a := cut(m, v.word, ""); a != nil {
			f[accAction] = v.action
			f.source(word(a))
		}
	}
}
