package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// fields are the slots that belong to the program.
type fields []event.Value

func (f fields) set(slot int, b []byte) { f[slot] = textValue(b) }

// number sets a slot to the digits that b begins with.
func (f fields) number(slot int, b []byte) {
	f[slot] = numberValue(b[:len(b)-len(trimDigits(b))])
}

// source sets address or host name, whichever b is.
func (f fields) source(b []byte) {
	if len(b) > 0 && (b[0] == '[' || b[0] == '(') {
		b = bytes.Trim(b, "[]()")
	}
	if isAddress(b) {
		f.set(accSrcIP, b)
	} else if len(b) > 0 && !isUnknown(b) {
		f.set(accSrcHost, b)
	}
}

func isUnknown(b []byte) bool {
	return string(b) == "?" || string(b) == "UNKNOWN" || string(b) == "unknown" || string(b) == "(null)"
}

// isAddress tells an IPv4 or IPv6 address from a name by its characters.
func isAddress(b []byte) bool {
	dots, colons := 0, 0
	for _, c := range b {
		switch {
		case c == '.':
			dots++
		case c == ':':
			colons++
		case c == '%' && colons > 1: // zone of a link-local address
			return true
		case !digit(c) && (c|0x20 < 'a' || c|0x20 > 'f'):
			return false
		case !digit(c) && colons == 0 && dots > 0:
			return false
		}
	}
	return dots == 3 && colons == 0 || colons > 1
}

func (f fields) say(action, outcome event.Value) {
	f[accAction], f[accOutcome] = action, outcome
}

// The words of the fields action and outcome.
var (
	success = event.Text("success")
	failure = event.Text("failure")
	yes     = event.Text("true")
	none    = event.Value{}

	actLogon      = event.Text("logon")
	actLogoff     = event.Text("logoff")
	actAuth       = event.Text("authentication")
	actOpen       = event.Text("session opened")
	actClose      = event.Text("session closed")
	actConnect    = event.Text("connection")
	actDisconnect = event.Text("disconnection")
	actCommand    = event.Text("command")
	actListen     = event.Text("listening")
	actSwitch     = event.Text("switch user")
	actPassword   = event.Text("password changed")
	actUpload     = event.Text("upload")
	actDownload   = event.Text("download")
	actBan        = event.Text("ban")
	actUnban      = event.Text("unban")
)

// cut returns what stands between the first pre and the next post behind it; to the end where post is absent.
func cut(b []byte, pre, post string) []byte {
	i := indexOf(b, pre)
	if i < 0 {
		return nil
	}
	b = b[i+len(pre):]
	if post == "" {
		return b
	}
	if j := indexOf(b, post); j >= 0 {
		return b[:j]
	}
	return b
}

// indexOf is bytes.Index for a string of a few bytes, without making a slice of it.
func indexOf(b []byte, s string) int {
	if s == "" {
		return 0
	}
	for at := 0; at+len(s) <= len(b); at++ {
		i := bytes.IndexByte(b[at:], s[0])
		if i < 0 {
			return -1
		}
		if at += i; hasPrefix(b[at:], s) {
			return at
		}
	}
	return -1
}

// lastIndexOf is the last place of s in b.
func lastIndexOf(b []byte, s string) int {
	for i := len(b) - len(s); i >= 0; i-- {
		if b[i] == s[0] && b[i+1] == s[1] && string(b[i:i+len(s)]) == s {
			return i
		}
	}
	return -1
}

// hasPrefix looks at the first byte first: where one of many prefixes is sought, that is the end of most.
func hasPrefix(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && (prefix == "" || b[0] == prefix[0] && string(b[:len(prefix)]) == prefix)
}

// without is b behind a prefix, if it has it.
func without(b []byte, prefix string) []byte {
	if hasPrefix(b, prefix) {
		return b[len(prefix):]
	}
	return b
}

// fromPort reads "… from ADDRESS port N" from its last place in b: a user's name, which the attacker chooses, may hold
// the same words before it. It returns what stands before and behind.
func (f fields) fromPort(b []byte) (before, behind []byte) {
	i := lastFrom(b)
	if i < 0 {
		if !hasPrefix(b, "from ") {
			return b, nil
		}
		i = -1
	}
	from := word(b[i+6:])
	f.source(from)
	behind = b[i+6+len(from):]
	if !hasPrefix(behind, " port ") {
		j := indexOf(behind, " port ")
		if j < 0 {
			return b[:max(i, 0)], behind
		}
		behind = behind[j:]
	}
	behind = behind[6:]
	f.number(accSrcPort, behind)
	return b[:max(i, 0)], trimDigits(behind)
}

// lastFrom is the last place of " from " in b, -1 if there is none. Of its letters m is the rarest.
func lastFrom(b []byte) int {
	last := -1
	for at := 0; at+2 <= len(b); at++ {
		i := bytes.IndexByte(b[at:], 'm')
		if i < 0 {
			break
		}
		if at += i; at >= 4 && at+1 < len(b) && string(b[at-4:at+2]) == " from " {
			last = at - 4
		}
	}
	return last
}

// user sets the user from "[invalid user ]NAME".
func (f fields) user(b []byte) {
	if hasPrefix(b, "invalid user") || hasPrefix(b, "illegal user") {
		f[accInvalid] = yes
		b = b[min(13, len(b)):]
	}
	f.set(accUser, b)
}

// parseSSHD reads the messages of OpenSSH's server.
func parseSSHD(m []byte, f fields) {
	if hasPrefix(m, "message repeated ") {
		f.number(accRepeated, m[17:])
		if inner := cut(m, ": [ ", ""); inner != nil {
			m = bytes.TrimSuffix(inner, []byte("]"))
		}
	}
	m = without(without(without(m, "error: "), "fatal: "), "PAM: ")
	switch {
	case hasPrefix(m, "Accepted "):
		f.sshdLogon(m[9:], success)
	case hasPrefix(m, "Failed "):
		f.sshdLogon(m[7:], failure)
	case hasPrefix(m, "Postponed "), hasPrefix(m, "Partial "):
		f.sshdLogon(m[bytes.IndexByte(m, ' ')+1:], none)
		f[accAction] = actAuth
	case hasPrefix(m, "Invalid user "), hasPrefix(m, "Illegal user "):
		f.say(actAuth, failure)
		f.sshdUser(m[13:])
		f[accInvalid] = yes
	case hasPrefix(m, "Connection from "), hasPrefix(m, "refused connect from "):
		f[accAction] = actConnect
		f.fromPort(m[:len(m)-len(cut(m, " on ", ""))])
		if m[0] == 'r' {
			f[accOutcome] = failure
		}
	case hasPrefix(m, "Connection closed by "), hasPrefix(m, "Connection reset by "), hasPrefix(m, "Disconnected from "),
		hasPrefix(m, "Disconnecting "), hasPrefix(m, "Received disconnect from "):
		f.sshdDisconnect(m)
	case hasPrefix(m, "maximum authentication attempts exceeded for "):
		f.say(actAuth, failure)
		f.set(accReason, m[:40])
		f.sshdUser(m[45:])
	case hasPrefix(m, "Did not receive identification string from "), hasPrefix(m, "Timeout before authentication for "),
		hasPrefix(m, "Bad protocol version identification "), hasPrefix(m, "banner exchange: "), hasPrefix(m, "Unable to negotiate with "),
		hasPrefix(m, "ssh_dispatch_run_fatal: "), hasPrefix(m, "kex_exchange_identification: "):
		f.say(actConnect, failure)
		f.sshdPeer(m)
	case hasPrefix(m, "User "):
		f.sshdRefused(m[5:])
	case hasPrefix(m, "ROOT LOGIN REFUSED"):
		f.say(actLogon, failure)
		f.set(accUser, []byte("root"))
		f.source(word(cut(m, " FROM ", "")))
	case hasPrefix(m, "Starting session: "):
		f[accAction] = actOpen
		f.fromPort(m)
		f.set(accMethod, cut(m, "Starting session: ", " "))
		f.set(accTTY, cut(m, " on ", " "))
		f.set(accUser, cut(m, " for ", " from "))
	case hasPrefix(m, "Session opened for '"), hasPrefix(m, "Session closed for '"): // ESXi
		f[accAction] = actOpen
		if m[8] == 'c' {
			f[accAction] = actClose
		}
		f.set(accUser, cut(m, "'", "'"))
		f.set(accTTY, cut(m, "' on ", ""))
	case hasPrefix(m, "Close session: "):
		f[accAction] = actClose
		who, _ := f.fromPort(m)
		f.set(accUser, cut(who, "user ", ""))
	case hasPrefix(m, "subsystem request for "):
		f[accAction] = actCommand
		f.set(accCommand, cut(m, "for ", " by user "))
		f.set(accUser, word(cut(m, " by user ", "")))
	case hasPrefix(m, "reverse mapping checking "), hasPrefix(m, "Address "):
		f.set(accReason, m)
		f.source(cut(m, " [", "]"))
	case hasPrefix(m, "Server listening on "):
		f[accAction] = actListen
	case hasPrefix(m, "input_userauth_request: "):
		f.say(actAuth, failure)
		f.user(bytes.TrimSuffix(m[24:], []byte(" [preauth]")))
	case hasPrefix(m, "Authentication failure for "), hasPrefix(m, "Authentication refused: "), hasPrefix(m, "Too many authentication failures"):
		f.say(actAuth, failure)
		who, _ := f.fromPort(m)
		f.user(cut(who, " for ", ""))
	}
}

// sshdLogon reads "password for [invalid user ]root from 10.0.0.5 port 22 ssh2: RSA SHA256:…".
func (f fields) sshdLogon(m []byte, outcome event.Value) {
	f.say(actLogon, outcome)
	i := indexOf(m, " for ")
	if i < 0 {
		f.fromPort(m)
		return
	}
	f.set(accMethod, m[:i])
	if string(m[:i]) == "key" { // "Accepted key … found at …": not yet a logon
		f[accAction] = actAuth
	}
	who, behind := f.fromPort(m[i+5:])
	f.user(who)
	if hasPrefix(behind, " ssh2: ") {
		kind := word(behind[7:])
		f.set(accKeyType, kind)
		f.set(accKey, word(behind[min(8+len(kind), len(behind)):]))
	}
}

// sshdUser reads "[invalid user ]NAME from ADDRESS port N".
func (f fields) sshdUser(m []byte) {
	who, _ := f.fromPort(m)
	f.user(who)
}

// sshdDisconnect reads the ends of connections: "Disconnected from user root 10.0.0.5 port 22",
// "Received disconnect from 10.0.0.5 port 22:11: Bye Bye", "Disconnecting invalid user x 10.0.0.5 port 22: reason".
func (f fields) sshdDisconnect(m []byte) {
	f[accAction] = actDisconnect
	if i := lastIndexOf(m, " [preauth]"); i > 0 {
		m = m[:i]
	}
	var rest []byte
	if hasPrefix(m, "Disconnecting ") {
		rest = m[14:]
	} else if rest = cut(m, " from ", ""); rest == nil {
		rest = cut(m, " by ", "")
	}
	if i := lastIndexOf(rest, " port "); i >= 0 {
		f.number(accSrcPort, rest[i+6:])
		tail := trimDigits(rest[i+6:])
		if len(tail) > 1 && tail[0] == ':' {
			f.set(accReason, bytes.TrimLeft(tail[1:], " "))
		}
		rest = rest[:i]
	} else if i := indexOf(rest, ": "); i >= 0 {
		f.set(accReason, rest[i+2:])
		rest = rest[:i]
	}
	if i := bytes.LastIndexByte(rest, ' '); i >= 0 {
		who := rest[:i]
		f.user(without(without(who, "authenticating "), "user "))
		rest = rest[i+1:]
	}
	f.source(bytes.TrimRight(rest, ":"))
}

// sshdPeer finds the other side in messages of many forms.
func (f fields) sshdPeer(m []byte) {
	for _, pre := range []string{" from ", " with ", " for ", " by "} {
		i := bytes.LastIndex(m, []byte(pre))
		if i < 0 {
			continue
		}
		w := bytes.TrimRight(word(m[i+len(pre):]), ":,")
		if isAddress(w) {
			f.source(w)
			f.number(accSrcPort, cut(m[i:], " port ", ""))
			return
		}
	}
}

// sshdRefused reads "User root from 10.0.0.5 not allowed because …".
func (f fields) sshdRefused(m []byte) {
	i := lastIndexOf(m, " not allowed because ")
	if i < 0 {
		return
	}
	f.say(actLogon, failure)
	f.set(accReason, m[i+21:])
	f.sshdUser(m[:i])
}

// parsePAM reads the messages of PAM modules, which all programs share: "pam_unix(sshd:session): session opened for
// user root by (uid=0)", "authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.5  user=root".
func parsePAM(m []byte, f fields) {
	if hasPrefix(m, "message repeated ") {
		f.number(accRepeated, m[17:])
		m = bytes.TrimSuffix(cut(m, ": [ ", ""), []byte("]"))
	}
	if hasPrefix(m, "pam_") {
		n := 4
		for n < len(m) && (letter(m[n]) || digit(m[n]) || m[n] == '_') {
			n++
		}
		f.set(accMethod, m[:n])
		if n < len(m) && m[n] == '(' {
			if end := bytes.IndexByte(m[n:min(len(m), n+80)], ')'); end > 0 {
				service := m[n+1 : n+end]
				if colon := bytes.IndexByte(service, ':'); colon >= 0 {
					service = service[:colon]
				}
				f.set(accService, service)
				m = without(m[n+end+1:], ": ")
			}
		}
	}
	switch {
	case hasPrefix(m, "session opened for "), hasPrefix(m, "session closed for "):
		f.pamSession(m)
	case hasPrefix(m, "authentication failure"), hasPrefix(m, "authentication success"):
		f.say(actAuth, failure)
		if hasPrefix(m, "authentication success") {
			f[accOutcome] = success
		}
		f.pamPairs(m)
	case hasPrefix(m, "check pass; user unknown"), hasPrefix(m, "bad username"):
		f.say(actAuth, failure)
		f[accInvalid] = yes
	case hasPrefix(m, "password changed for "):
		f.say(actPassword, success)
		f.set(accUser, word(m[21:]))
	case hasPrefix(m, "user '") && indexOf(m, "granted access") >= 0:
		f.say(actAuth, success)
		f.set(accUser, cut(m, "user '", "'"))
	case hasPrefix(m, "received for user "):
		f.say(actAuth, failure)
		f.set(accUser, cut(m, "for user ", ":"))
	case indexOf(m, " not met by user ") >= 0, indexOf(m, "account temporarily locked") >= 0,
		indexOf(m, "account has expired") >= 0, indexOf(m, "tally ") >= 0, indexOf(m, "access denied") >= 0:
		f.say(actAuth, failure)
		f.set(accReason, m)
		f.set(accUser, bytes.Trim(word(cut(m, "user ", "")), "\"'"))
	}
}

func (f fields) pamSession(m []byte) {
	f.say(actOpen, none)
	if hasPrefix(m, "session closed") {
		f[accAction] = actClose
	}
	who := cut(m, " for user ", " by ")
	if i := bytes.IndexByte(who, '('); i > 0 { // root(uid=0)
		who = who[:i]
	}
	f.set(accUser, bytes.TrimSpace(who))
	by := cut(m, " by ", "")
	if i := bytes.IndexByte(by, '('); i >= 0 {
		by = by[:i]
	}
	f.set(accBy, bytes.TrimSpace(by))
}

// usualPairs say nothing of anybody, and stand first in nearly each message of pamPairs.
const usualPairs = " logname= uid=0 euid=0 "

// pamPairs reads "logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.5  user=root"; the user, which the attacker
// chooses, comes last.
func (f fields) pamPairs(m []byte) {
	var logname []byte
	m = without(m[bytes.IndexByte(m, ';')+1:], usualPairs)
	for len(m) > 0 {
		m = trimSpaces(m)
		eq, end := -1, 0
		for ; end < len(m) && m[end] != ' '; end++ { // words are short
			if m[end] == '=' && eq < 0 {
				eq = end
			}
		}
		pair := m[:end]
		if eq < 0 {
			m = m[end:]
			continue
		}
		v := pair[eq+1:]
		switch string(pair[:eq]) {
		case "tty":
			f.set(accTTY, v)
		case "logname":
			logname = v
		case "ruser":
			f.set(accBy, v)
		case "rhost":
			f.source(v)
		case "user":
			f.set(accUser, bytes.TrimSpace(m[eq+1:]))
			pair = m
		}
		m = m[len(pair):]
	}
	if f[accBy].IsNull() {
		f.set(accBy, logname)
	}
}

// parseSudo reads "alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh".
func parseSudo(m []byte, f fields) {
	i := indexOf(m, " : ")
	if i < 0 {
		return
	}
	f.say(actCommand, success)
	f.set(accUser, bytes.TrimSpace(m[:i]))
	for rest := m[i+3:]; len(rest) > 0; {
		part := rest
		if hasPrefix(rest, "COMMAND=") {
			rest = nil
		} else if j := indexOf(rest, " ; "); j >= 0 {
			part, rest = rest[:j], rest[j+3:]
		} else {
			rest = nil
		}
		eq := bytes.IndexByte(part, '=')
		switch string(part[:max(eq, 0)]) {
		case "TTY":
			f.set(accTTY, part[eq+1:])
		case "PWD":
			f.set(accCwd, part[eq+1:])
		case "USER":
			f.set(accRunas, part[eq+1:])
		case "TSID":
			f.set(accSession, part[eq+1:])
		case "COMMAND":
			f.set(accCommand, part[eq+1:])
		case "HOST", "GROUP", "ENV", "CHROOT":
		default:
			f[accOutcome] = failure
			f.set(accReason, part)
		}
	}
}

// parseSu reads the forms of shadow-utils and of util-linux.
func parseSu(m []byte, f fields) {
	f.say(actSwitch, success)
	switch {
	case hasPrefix(m, "Successful su for "):
		f.set(accRunas, cut(m, " for ", " by "))
		f.set(accUser, cut(m, " by ", ""))
	case hasPrefix(m, "FAILED su for "), hasPrefix(m, "FAILED SU for "):
		f[accOutcome] = failure
		f.set(accRunas, cut(m, " for ", " by "))
		f.set(accUser, cut(m, " by ", ""))
	case hasPrefix(m, "FAILED SU (to "), hasPrefix(m, "(to "):
		if m[0] == 'F' {
			f[accOutcome] = failure
		}
		f.set(accRunas, cut(m, "(to ", ")"))
		f.set(accUser, cut(m, ") ", " on "))
		f.set(accTTY, cut(m, " on ", ""))
	case hasPrefix(m, "+ "), hasPrefix(m, "- "):
		if m[0] == '-' {
			f[accOutcome] = failure
		}
		f.set(accTTY, word(m[2:]))
		pair := m[min(2+len(word(m[2:]))+1, len(m)):]
		f.set(accUser, cut(pair, "", ":"))
		f.set(accRunas, cut(pair, ":", ""))
	case hasPrefix(m, "'su "):
		f.set(accRunas, cut(m, "'su ", "'"))
		f.set(accUser, cut(m, " for ", " on "))
		f.set(accTTY, cut(m, " on ", ""))
		if indexOf(m, "' failed ") >= 0 {
			f[accOutcome] = failure
		}
	default:
		f.say(none, none)
	}
}

// parseLogin reads login(1): "ROOT LOGIN  on '/dev/tty1' from 'host'", "FAILED LOGIN (1) on '/dev/tty1' FOR 'root', …",
// "LOGIN ON tty1 BY alice FROM host", "FAILED LOGIN SESSION FROM host FOR user, …".
func parseLogin(m []byte, f fields) {
	upper := bytes.ToUpper(m[:min(len(m), 24)])
	switch {
	case hasPrefix(upper, "ROOT LOGIN"):
		f.say(actLogon, success)
		f.set(accUser, []byte("root"))
	case hasPrefix(m, "root login on '"): // ESXi
		f.say(actLogon, success)
		f.set(accUser, []byte("root"))
	case hasPrefix(upper, "LOGIN ON "):
		f.say(actLogon, success)
		f.set(accTTY, word(m[9:]))
		f.set(accUser, word(cut(m, " BY ", "")))
	case hasPrefix(upper, "FAILED LOGIN"), hasPrefix(upper, "TOO MANY LOGIN"), hasPrefix(upper, "INVALID PASSWORD"):
		f.say(actLogon, failure)
		f.set(accUser, bytes.Trim(word(bytes.TrimRight(cut(m, " FOR ", ","), ",")), "'`\""))
		f.set(accReason, cut(m, ", ", ""))
	default:
		parseOther(m, f)
		return
	}
	if f[accTTY].IsNull() {
		f.set(accTTY, cut(m, "'", "'"))
	}
	for _, pre := range []string{" from '", " FROM "} {
		if s := cut(m, pre, ""); s != nil {
			f.source(bytes.Trim(word(s), "',"))
		}
	}
}

// parseLogind reads "New session 12 of user alice.", "Removed session 12.".
func parseLogind(m []byte, f fields) {
	switch {
	case hasPrefix(m, "New session "):
		f[accAction] = actOpen
		f.set(accSession, bytes.Trim(word(m[12:]), "'"))
		f.set(accUser, bytes.Trim(word(cut(m, " of user ", "")), ".'"))
	case hasPrefix(m, "Removed session "):
		f[accAction] = actClose
		f.set(accSession, bytes.Trim(m[16:], ".'"))
	case hasPrefix(m, "Session "):
		f[accAction] = actLogoff
		f.set(accSession, bytes.Trim(word(m[8:]), "'"))
	}
}

// parsePolkit reads pkexec: "alice: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/home/alice] [COMMAND=/bin/sh]",
// and polkitd's grants.
func parsePolkit(m []byte, f fields) {
	if indexOf(m, "[USER=") < 0 {
		parseOther(m, f)
		return
	}
	f.say(actCommand, success)
	if indexOf(m, ": Executing command ") < 0 {
		f[accOutcome] = failure
		f.set(accReason, cut(m, ": ", " [USER="))
	}
	f.set(accUser, cut(m, "", ":"))
	f.set(accRunas, cut(m, "[USER=", "]"))
	f.set(accTTY, cut(m, "[TTY=", "]"))
	f.set(accCwd, cut(m, "[CWD=", "]"))
	f.set(accCommand, bytes.TrimSuffix(cut(m, "[COMMAND=", ""), []byte("]")))
}

// parseAccount reads what the tools of shadow-utils say of users and groups.
func parseAccount(m []byte, f fields) {
	head := word(m)
	switch {
	case hasPrefix(m, "new user: "), hasPrefix(m, "new group: "), hasPrefix(m, "group added to "):
		f.set(accAction, cut(m, "", ": "))
		f[accOutcome] = success
		name := cut(m, "name=", ",")
		if hasPrefix(m, "new user") {
			f.set(accUser, name)
		} else {
			f.set(accGroup, name)
		}
		f.set(accUID, cut(m, "UID=", ","))
		f.set(accGID, cut(m, "GID=", ","))
		f.set(accHome, cut(m, "home=", ","))
		f.set(accShell, cut(m, "shell=", ","))
		f.set(accTTY, cut(m, "from=", ","))
	case hasPrefix(m, "failed "), hasPrefix(m, "cannot "):
		f[accOutcome] = failure
		f.set(accReason, m)
		f.set(accUser, cut(m, "'", "'"))
	case indexOf(m, "' to ") >= 0 && string(head) == "add", indexOf(m, "' from group") >= 0, indexOf(m, "' from shadow") >= 0:
		f.accountGroup(m, head)
	case hasPrefix(m, "user ") && indexOf(m, " added by ") >= 0, hasPrefix(m, "user ") && indexOf(m, " removed by ") >= 0:
		f.set(accAction, cut(m, string(cut(m, "user ", " "))+" ", " "))
		f.set(accUser, word(m[5:]))
		f.set(accBy, cut(m, " by ", " "))
		f.set(accGroup, lastWord(m))
	case hasPrefix(m, "password for "):
		f.say(actPassword, success)
		f.set(accUser, cut(m, "'", "'"))
		f.set(accBy, cut(m, " by '", "'"))
	case hasPrefix(m, "changed password expiry for "):
		f.set(accAction, m[:23])
		f.set(accUser, m[28:])
	case bytes.IndexByte(m, '\'') > 0:
		f.accountChange(m)
	}
}

// accountGroup reads "add 'alice' to shadow group 'sudo'", "delete 'alice' from group 'wheel'".
func (f fields) accountGroup(m, head []byte) {
	f.set(accAction, head)
	f[accOutcome] = success
	f.set(accUser, cut(m, "'", "'"))
	if i := indexOf(m, "group '"); i >= 0 {
		f.set(accGroup, cut(m[i:], "'", "'"))
	}
}

// accountChange reads "change user 'x' UID from '1001' to '0'", "delete user 'x'", "lock user 'x' password",
// "removed group 'x' owned by 'x'".
func (f fields) accountChange(m []byte) {
	i := bytes.IndexByte(m, '\'')
	f.set(accAction, bytes.TrimSpace(m[:i]))
	f[accOutcome] = success
	name := cut(m, "'", "'")
	if indexOf(m[:i], "group ") >= 0 {
		f.set(accGroup, name)
	} else {
		f.set(accUser, name)
	}
	rest := m[min(i+len(name)+2, len(m)):]
	to := cut(rest, " to '", "'")
	switch {
	case hasPrefix(rest, " UID "):
		f.set(accUID, to)
	case hasPrefix(rest, " GID "):
		f.set(accGID, to)
	case hasPrefix(rest, " shell "):
		f.set(accShell, to)
	case hasPrefix(rest, " home "):
		f.set(accHome, to)
	case hasPrefix(rest, " password") && hasPrefix(m, "change "):
		f[accAction] = actPassword
	}
}

func lastWord(b []byte) []byte { return b[bytes.LastIndexByte(b, ' ')+1:] }

// parseOther reads what programs without a reader of their own often say of logons.
func parseOther(m []byte, f fields) {
	if hasPrefix(m, "pam_") {
		parsePAM(m, f)
	}
}
