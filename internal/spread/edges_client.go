package spread

import (
	"strings"

	"wardround/internal/event"
)

// remoteClient is seen from the source: a program start or a line typed at a shell names whom ssh, scp or sftp connects to.
func remoteClient(field string) func(*event.Record, *event.Movement) bool {
	return func(r *event.Record, m *event.Movement) bool {
		user, to, ok := sshTarget(r.Text(field))
		if !ok || r.Time == event.NoTime || strings.EqualFold(to, "localhost") || sameHost(to, r.Host) || clean(to) == "" {
			return false
		}
		m.From, m.To, m.SeenFrom, m.How, m.Account = m.To, event.ServerID(to), event.FromSource, "ssh", user
		return true
	}
}

// maxCommand bounds the command line that is looked at.
const maxCommand = 4096

// sshValued are the options of ssh, scp and sftp that take a value.
const sshValued = "BbcDEeFIiJLlmOoPpQRSWwX"

// sshTarget reads the user and the computer from a command line of ssh, scp or sftp.
func sshTarget(command string) (user, host string, ok bool) {
	words := strings.Fields(command[:min(len(command), maxCommand)])
	if len(words) > 0 && (words[0] == "sudo" || words[0] == "nohup" || words[0] == "proxychains" || words[0] == "proxychains4") {
		words = words[1:]
	}
	if len(words) < 2 {
		return "", "", false
	}
	program := words[0][strings.LastIndexAny(words[0], `/\`)+1:]
	if program != "ssh" && program != "scp" && program != "sftp" {
		return "", "", false
	}
	for i := 1; i < len(words); i++ {
		w := words[i]
		switch {
		case strings.HasPrefix(w, "-"):
			if len(w) != 2 || !strings.ContainsAny(w[1:], sshValued) || i+1 >= len(words) || program == "scp" && w == "-B" {
				continue
			}
			if i++; w == "-l" && program == "ssh" {
				user = words[i]
			}
		case program == "ssh":
			return target(user, strings.TrimPrefix(w, "ssh://"))
		default:
			if at, _, remote := strings.Cut(w, ":"); remote && !strings.ContainsAny(at, `/\`) {
				return target(user, at)
			}
			if program == "sftp" {
				return target(user, w)
			}
		}
	}
	return "", "", false
}

// target splits user@host.
func target(user, s string) (string, string, bool) {
	s = strings.Trim(s, `'"`)
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		user, s = s[:i], s[i+1:]
	}
	if s == "" || len(s) > 253 || strings.ContainsAny(s, `/\$*;|&<>()`) {
		return "", "", false
	}
	return user, s, true
}
