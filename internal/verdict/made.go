package verdict

import (
	"regexp"
	"strings"
)

// making is that somebody made an account, or gave one a key, a password or rights.
type making struct {
	by      string // who did, "" where the record does not tell
	account string // which, as accounts are spelled
	raised  bool   // it may have been there before, and have a lawful holder
}

// The commands that make accounts and raise them; the account is the last group.
var (
	netUser    = regexp.MustCompile(`(?i)\bnet1?(?:\.exe)?"?\s+user\s+` + argument + `.{0,200}/add\b`)
	netGroup   = regexp.MustCompile(`(?i)\bnet1?(?:\.exe)?"?\s+(?:local)?group\s+(?:"[^"]{1,128}"|\S+)\s+` + argument + `.{0,200}/add\b`)
	newSAM     = regexp.MustCompile(`(?i)\bNew-ADUser\b.{0,200}?-SamAccountName\s+` + argument)
	newUser    = regexp.MustCompile(`(?i)\bNew-(?:Local|AD)User\b(?:.{0,200}?-Name)?\s+` + argument)
	newMember  = regexp.MustCompile(`(?i)\bAdd-(?:LocalGroup|ADGroup)Member\b.{0,200}?-Members?\s+` + argument)
	esxAccount = regexp.MustCompile(`(?i)\besxcli\s+system\s+account\s+(add|set)\b.{0,200}?(?:-i|--id)[= ]\s*` + argument)
	keyOf      = regexp.MustCompile(`/home/([^/\s"']{1,64})/\.ssh/authorized_keys`)
	createUser = regexp.MustCompile(`(?is)\b(create|alter)\s+(?:login|user|role)\s+(?:if\s+not\s+exists\s+)?[\["'` + "`" + `]?([^\s\]"'` + "`" + `;@]{1,128})`)
	samName    = regexp.MustCompile(`(?i)\\Users\\Names\\([^\\]{1,64})`)
	commonName = regexp.MustCompile(`(?i)^CN=([^,\\]{1,64})`)
)

// argument is one of a command line's.
const argument = `["']?([^\s"'/][^\s"']{0,127})["']?`

// madeOf reads who made which account from a record of the line "account made"; nil where it does not tell which.
func (j *Judge) madeOf(f map[string]string) *making {
	m := &making{by: j.doerOf(f)}
	domain, _ := splitAccount(m.by)
	command := first(f, []string{"CommandLine", "ProcessCommandLine", "command", "COMMAND", "statement"})
	if command == "" && strings.Contains(f["message"], "esxcli system account") {
		command = f["message"]
	}
	switch {
	case command != "":
		m.byCommand(command, domain, j)
	case f["MemberName"] != "" || f["MemberSid"] != "":
		m.raised = true
		if cn := commonName.FindStringSubmatch(f["MemberName"]); cn != nil {
			m.account = j.accountOf(domain, cn[1])
		}
	case f["TargetUserName"] != "":
		m.account = j.accountOf(f["TargetDomainName"], f["TargetUserName"])
		m.raised = f["EventID"] == "4722"
	case f["TargetObject"] != "":
		if name := samName.FindStringSubmatch(f["TargetObject"]); name != nil {
			m.account = j.accountOf("", name[1])
		}
	case f["acct"] != "":
		m.account, m.raised = j.accountOf("", f["acct"]), f["type"] != "ADD_USER"
	case f["user"] != "":
		m.account, m.raised = j.accountOf("", f["user"]), f["group"] != ""
	}
	if m.account == "" || m.by != "" && sameAccount(m.by, m.account) { // who sets his own password makes nothing
		return nil
	}
	return m
}

// doerOf is who had a record written, as it tells in its own fields. The user of a log of accounts is whose account it is, not who did it.
func (j *Judge) doerOf(f map[string]string) string {
	if by := j.accountOf(f["SubjectDomainName"], f["SubjectUserName"]); by != "" {
		return by
	}
	names := []string{"User", "by", "AUID", "auid_name"}
	if f["command"] != "" || f["COMMAND"] != "" || f["statement"] != "" {
		names = append(names, "user")
	}
	return j.accountOf("", first(f, names))
}

// byCommand reads the account from a command or a statement, whose account is the doer's where it means himself.
func (m *making) byCommand(command, domain string, j *Judge) {
	command = command[:min(len(command), 4096)]
	inDomain := ""
	if strings.Contains(strings.ToLower(command), "/domain") || strings.Contains(command, "-AD") {
		inDomain = domain
	}
	if x := netUser.FindStringSubmatch(command); x != nil {
		m.account = j.accountOf(inDomain, x[1])
	} else if x := netGroup.FindStringSubmatch(command); x != nil {
		m.account, m.raised = j.accountOf(inDomain, x[1]), true
	} else if x := newSAM.FindStringSubmatch(command); x != nil {
		m.account = j.accountOf(inDomain, x[1])
	} else if x := newUser.FindStringSubmatch(command); x != nil {
		m.account = j.accountOf(inDomain, x[1])
	} else if x := newMember.FindStringSubmatch(command); x != nil {
		m.account, m.raised = j.accountOf(inDomain, x[1]), true
	} else if x := esxAccount.FindStringSubmatch(command); x != nil {
		m.account, m.raised = j.accountOf("", x[2]), strings.EqualFold(x[1], "set")
	} else if x := createUser.FindStringSubmatch(command); x != nil {
		m.account, m.raised = j.accountOf("", x[2]), strings.EqualFold(x[1], "alter")
	} else if x := keyOf.FindStringSubmatch(command); x != nil {
		m.account, m.raised = j.accountOf("", x[1]), true
	}
}
