package spread

import (
	"slices"
	"strings"

	"wardround/internal/event"
)

// People reads off the records of one schema which account bears a SID: some logs know who did a thing by that alone (System
// 7045), and a logon names both. The zero value reads none.
type People struct {
	sid, domain, name []int // fields of the schema
	all               []int // of them, -1 after each
}

// PeopleOf returns what reads the accounts of a schema's records.
func PeopleOf(s *event.Schema) People {
	if s.Source.Product != "windows" || !strings.EqualFold(s.Source.Channel, "Security") {
		return People{}
	}
	sid := ""
	switch s.Source.EventID {
	case 4624:
		sid = "TargetUserSid"
	case 4720, 4768:
		sid = "TargetSid"
	}
	p := People{sid: s.Lookup(sid), domain: s.Lookup("TargetDomainName"), name: s.Lookup("TargetUserName")}
	for _, list := range [...][]int{p.sid, p.domain, p.name} {
		p.all = append(append(p.all, list...), -1)
	}
	return p
}

// Within reports whether two records of one way name the same person, since all that is read of them tells ways apart.
func (p People) Within(e *Edges) bool {
	for _, i := range p.all {
		if !slices.Contains(e.asks, i) {
			return false
		}
	}
	return p.Any()
}

// Any reports whether there is anything to read.
func (p People) Any() bool { return len(p.sid) > 0 }

// SID appends the SID of an account that somebody made, of a domain or a computer; nothing for those that every Windows has.
func (p People) SID(r *event.Record, buf []byte) []byte {
	buf = r.First(p.sid).AppendText(buf[:0])
	if len(buf) < len(accountSID) || len(buf) > maxSID || string(buf[:len(accountSID)]) != accountSID {
		return buf[:0]
	}
	return buf
}

// accountSID is how SIDs of accounts that somebody made begin ([MS-DTYP] 2.4.2.4).
const accountSID = "S-1-5-21-"

const (
	maxSID  = 184 // of 15 numbers
	maxName = 256
)

// Account is the account that bears the SID of a record, "" for a computer's.
func (p People) Account(r *event.Record) string {
	name := r.First(p.name).String()
	if !person(name) || len(name) > maxName {
		return ""
	}
	return account(r.First(p.domain).String(), name)
}

// Accounts knows accounts by their SIDs.
type Accounts map[string]string

// maxAccounts bounds the accounts that are known by SID.
const maxAccounts = 200_000

// Learn notes who bears a SID. One that two computers share, as clones do, keeps the name that both give it, without a
// domain; two names leave it nobody's.
func (a Accounts) Learn(sid, account string) {
	old, known := a[sid]
	x, y := ParseAccount(old), ParseAccount(account)
	switch {
	case !known && len(a) >= maxAccounts:
	case !known:
		a[sid] = y.String()
	case x.Name != y.Name:
		a[sid] = ""
	case x.Domain != y.Domain:
		a[sid] = y.Name
	}
}
