package spread

import (
	"strings"

	"wardround/internal/event"
)

// sqlServer reports whether a provider of the Application log is an instance of SQL Server: MSSQLSERVER, or MSSQL$ and its name.
func sqlServer(provider string) bool {
	return strings.EqualFold(provider, "MSSQLSERVER") || len(provider) > 6 && strings.EqualFold(provider[:6], "MSSQL$")
}

// sqlLogins are the messages of SQL Server about logins that name a client: one succeeded with a Windows account, with one of
// its own, or none did.
var sqlLogins = map[uint32]bool{18453: true, 18454: true, 18456: true}

// sqlLogin reads a login from the message's insertions: the account first, the client as "[CLIENT: address]" last.
func sqlLogin(r *event.Record, m *event.Movement) bool {
	m.How, m.Failed = "database", r.Schema.Source.EventID == 18456
	for _, i := range r.Schema.Lookup("Data") {
		r.Field(i).Each(func(v event.Value) {
			text := strings.TrimSpace(v.String())
			if _, client, ok := strings.Cut(text, "[CLIENT: "); ok {
				client, _, _ = strings.Cut(client, "]")
				if a := clean(client); outside(a) {
					m.Address = a
				} else if a != "" && !strings.HasPrefix(a, "<") && !sameHost(a, r.Host) {
					m.Workstation = a
				}
			} else if m.Account == "" {
				m.Account = strings.Trim(text, "'")
			}
		})
	}
	return person(m.Account) && (m.Address != "" || m.Workstation != "")
}
