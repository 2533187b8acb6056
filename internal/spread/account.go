package spread

import "strings"

// Account is an account as logs of many makes spell it, taken apart: HOSP\x, x@hosp.local and hosp.local\x are one.
type Account struct {
	Domain string // lower case, up to its first dot; "" where the log tells none
	Name   string // lower case
}

// ParseAccount takes a spelling apart.
func ParseAccount(s string) Account {
	s = strings.ToLower(strings.TrimSpace(s))
	domain, name := "", s
	if i := strings.LastIndexByte(s, '\\'); i >= 0 {
		domain, name = s[:i], s[i+1:]
	}
	if user, realm, ok := strings.Cut(name, "@"); ok {
		name = user
		if domain == "" {
			domain = realm
		}
	}
	switch domain {
	case "-", ".", "nt authority", "workgroup":
		domain = ""
	}
	domain, _, _ = strings.Cut(strings.Trim(domain, "."), ".")
	return Account{domain, name}
}

// AccountName is the name of an account without its domain, in lower case.
func AccountName(s string) string { return ParseAccount(s).Name }

// Same reports whether two spellings may mean one account: the names are equal, and so are the domains where both tell one.
func (a Account) Same(b Account) bool {
	return a.Name != "" && a.Name == b.Name && (a.Domain == "" || b.Domain == "" || a.Domain == b.Domain)
}

func (a Account) String() string {
	if a.Domain == "" {
		return a.Name
	}
	return a.Domain + `\` + a.Name
}
