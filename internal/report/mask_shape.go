package report

import (
	"regexp"
	"strings"
)

// shape is a secret that is known by its own form or by the words right before it. The group named x is hidden; without one, all.
type shape struct {
	hint string // in lower case: a text without it cannot match
	re   *regexp.Regexp
	kind string
	may  func(string) bool // a closer look at a text of ASCII; nil: the hint suffices
}

var shapes = func() []shape {
	const (
		quote = `(?:"(?P<x>[^"]+)"|'(?P<x>[^']+)')`
		sql   = `(?:'(?P<x>(?:[^']|'')+)'|"(?P<x>[^"]+)")`
	)
	list := []struct{ hint, re, kind string }{
		{"private key", `(?s)-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?P<x>.*?)(?:-----END|$)`, kindKey},
		{"private-lines", `(?is)Private-Lines: \d+\s+(?P<x>.*?)(?:Private-MAC|$)`, kindKey},
		{"b3blbnnzac1rzxktdje", `b3BlbnNzaC1rZXktdjE[A-Za-z0-9+/=\s]+`, kindKey},
		{"age-secret-key", `AGE-SECRET-KEY-1(?P<x>[0-9A-Za-z]+)`, kindKey},
		{"eyj", `\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?`, kindToken},
		{"bearer", `(?i)\bbearer\s+(?P<x>[A-Za-z0-9._~+/-]{12,}=*)`, kindToken},
		{"a", `\b(?:A3T[A-Z0-9]|AKIA|ASIA|AROA|AIDA|AGPA|ANPA|ANVA)(?P<x>[A-Z0-9]{16})\b`, kindKey},
		{"gh", `\bgh[pousr]_(?P<x>[A-Za-z0-9]{20,})`, kindToken},
		{"github_pat_", `\bgithub_pat_(?P<x>[A-Za-z0-9_]{20,})`, kindToken},
		{"glpat-", `\bglpat-(?P<x>[A-Za-z0-9_-]{16,})`, kindToken},
		{"xox", `\bxox[abprs]-(?P<x>[A-Za-z0-9-]{10,})`, kindToken},
		{"hooks.slack.com", `hooks\.slack\.com/services/(?P<x>[A-Za-z0-9/]+)`, kindToken},
		{"/webhooks/", `/api/webhooks/\d+/(?P<x>[A-Za-z0-9_-]{20,})`, kindToken},
		{"aiza", `\bAIza(?P<x>[0-9A-Za-z_-]{30,})`, kindKey},
		{"ya29.", `\bya29\.(?P<x>[0-9A-Za-z_-]{20,})`, kindToken},
		{"sk_live_", `\bsk_live_(?P<x>[0-9A-Za-z]{10,})`, kindKey},
		{"sg.", `\bSG\.(?P<x>[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,})`, kindKey},
		{"npm_", `\bnpm_(?P<x>[A-Za-z0-9]{30,})`, kindToken},
		{":aa", `(?:\b|bot)\d{8,10}:(?P<x>AA[A-Za-z0-9_-]{30,})`, kindToken}, // a Telegram bot
		{"=", `(?i)[?&](?:key|sig|code|sid|auth|hash|apikey|access|ticket|otp)=(?P<x>[^\s&"'<>#]{6,})`, kindToken},
		{"identified", `(?i)\bidentified\s+(?:with\s+\S+\s+)?(?:by|as)\s+(?:password\s+|values\s+)?` + sql, kindPassword},
		{"identified", `(?i)\bidentified\s+by\s+(?P<x>[^\s'"\[;]+)`, kindPassword},
		{"password", `(?i)\bpassword(?:\s*\(\s*|\s+)` + sql, kindPassword},
		{"sp_", `(?i)\bsp_(?:addlogin|password|addremotelogin)\s+N?(?:'[^']*'|"[^"]*"|null)\s*,\s*N?` + sql, kindPassword},
		{"networkcredential", `(?i)\bNetworkCredential\]?(?:::new)?\s*\(\s*(?:"[^"]*"|'[^']*'|[^,()]+)\s*,\s*` + quote, kindPassword},
		{"convertto-securestring", `(?i)` + quote + `\s*\|\s*ConvertTo-SecureString`, kindPassword},
		{"|", `(?i)\becho\s+(?:-n\s+)?(?P<x>"[^"]+"|'[^']+'|[^\s|"']+)\s*\|\s*(?:\S*/)?(?:sudo\s+(?:\S+\s+)*-S|su\b|passwd|chpasswd|runas|kinit|openssl|gpg|cryptsetup|smbpasswd|sshpass)`, kindPassword},
		{"chpasswd", `(?i)\bchpasswd\b[^<\n]*<<<\s*(?P<x>"[^"]+"|'[^']+'|\S+)`, kindPassword},
		{":", `(?i)\b[0-9a-f]{32}:[0-9a-f]{32}\b`, kindHash},
		{"ntlm", `(?i)\bntlm(?:v2)?["']?\s*[:=]\s*["']?(?P<x>[0-9a-f]{32,})`, kindHash},
		{"hmac", `(?i)\b(?:aes(?:128|256)|rc4)_hmac\w*\s*[:=]?\s+(?P<x>[0-9a-f]{32,64})\b`, kindHash},
		{"$", `\$(?:1|2[abxy]?|5|6|7|y|gy|apr1|argon2(?:i|d|id)|scrypt|sha1|md5|pbkdf2[a-z0-9-]*)\$(?P<x>[^\s:"',;]{8,})`, kindHash},
		{"$krb5", `\$krb5[a-z]+\$(?P<x>[^\s"']{20,})`, kindHash},
	}
	out := make([]shape, len(list))
	for i, l := range list {
		out[i] = shape{l.hint, regexp.MustCompile(l.re), l.kind, closer[l.hint]}
	}
	return out
}()

// closer are closer looks for hints that many texts hold.
var closer = map[string]func(string) bool{
	"a":        mayBeKeyID,
	"gh":       mayBeGitHub,
	"=":        func(s string) bool { return behind(s, "?&", "kscahto") },
	"password": mayBePassword,
	"|":        func(s string) bool { return containsFold(s, "echo") },
	":":        mayBePairOfHashes,
	"$":        mayBeCrypt,
	"eyj":      func(s string) bool { return strings.Contains(s, "eyJ") },
	"sg.":      func(s string) bool { return strings.Contains(s, "SG.") },
}

// maskShapes hides what is a secret by its form, and the arguments of ConvertTo-SecureString. The hints are those of s.
func maskShapes(s string, h *hints) string {
	lower := ""
	for i := range shapes {
		sh := &shapes[i]
		if !h.may(sh.hint) {
			continue
		}
		if lower == "" {
			lower = strings.ToLower(s)
		}
		if !strings.Contains(lower, sh.hint) || h.ascii && sh.may != nil && !sh.may(s) {
			continue
		}
		s = replaceFunc(sh.re, s, func(s string, m []int) (int, int, string) {
			from, to := m[0], m[1]
			for g, name := range sh.re.SubexpNames() {
				if name == "x" {
					if m[2*g] >= 0 {
						from, to = m[2*g], m[2*g+1]
						break
					}
					from = to
				}
			}
			v := s[from:to]
			if strings.TrimSpace(v) == "" || isMasked(strings.TrimSpace(v)) {
				return 0, 0, ""
			}
			return from, to, sh.kind
		})
	}
	if h.has("://") || h.has("jdbc:") {
		s = maskURLs(s)
	}
	if h.has("convertto-securestring") {
		s = maskSecureString(s)
	}
	return s
}

// maskURLs hides the secret in scheme://name:secret@host and jdbc:oracle:thin:name/secret@host. A URL that was cut
// off behind name:secret is hidden to its end, unless that is a port.
func maskURLs(s string) string {
	var b strings.Builder
	done := 0
	hide := func(from, to int) {
		if from >= done && to > from && !isMasked(s[from:to]) {
			b.WriteString(s[done:from])
			b.WriteString(marker(kindPassword))
			done = to
		}
	}
	for i := 0; i < len(s); {
		n := strings.Index(s[i:], "://")
		if n < 0 {
			break
		}
		i += n + 3
		end := i + endOfURL(s[i:])
		host := s[i:end]
		i = end
		colon := strings.IndexAny(host, ":/?#")
		if colon < 0 || host[colon] != ':' {
			continue
		}
		switch at := strings.LastIndexByte(host, '@'); {
		case at > colon && !isPort(host[colon+1:at]):
			hide(end-len(host)+colon+1, end-len(host)+at)
		case at < 0 && end == len(s) && !strings.Contains(host[colon:], "/") && !digitsOnly(host[colon+1:]):
			hide(end-len(host)+colon+1, end)
		}
	}
	if done == 0 {
		return maskJDBC(s)
	}
	b.WriteString(s[done:])
	return maskJDBC(b.String())
}

var jdbcOracle = regexp.MustCompile(`(?i)\bjdbc:oracle:[a-z]+:`)

func maskJDBC(s string) string {
	if !containsFold(s, "oracle:") {
		return s
	}
	return replaceFunc(jdbcOracle, s, func(s string, m []int) (int, int, string) {
		url := s[m[1] : m[1]+endOfURL(s[m[1]:])]
		at, slash := strings.LastIndexByte(url, '@'), strings.IndexByte(url, '/')
		if slash < 1 || at < slash+2 || isMasked(url[slash+1:]) {
			return 0, 0, ""
		}
		return m[1] + slash + 1, m[1] + at, kindPassword
	})
}

// endOfURL is where the URL at the beginning of s ends, after 4096 bytes at the latest.
func endOfURL(s string) int {
	s = s[:min(len(s), 4096)]
	if n := strings.IndexAny(s, " \t\r\n\"'<>`"); n >= 0 {
		return n
	}
	return len(s)
}

// isPort tells host:8080/path@x from name:secret@host.
func isPort(v string) bool {
	port, _, slash := strings.Cut(v, "/")
	return slash && len(port) <= 5 && digitsOnly(port)
}

var secureString = regexp.MustCompile(`(?i)ConvertTo-SecureString[ \t]+`)

// maskSecureString hides every argument of ConvertTo-SecureString that is no flag and no variable.
func maskSecureString(s string) string {
	var b strings.Builder
	done, seen := 0, 0
	for _, m := range secureString.FindAllStringIndex(s, -1) {
		if m[1] < seen {
			continue
		}
		i := m[1]
		for i < len(s) && strings.IndexByte(");|\r\n}", s[i]) < 0 {
			if s[i] == ' ' || s[i] == '\t' {
				i++
				continue
			}
			to, ok := quoted(s, i)
			if !ok {
				for to = i; to < len(s) && strings.IndexByte(" \t);|\r\n}", s[to]) < 0; to++ {
				}
			}
			w := s[i:to]
			if i >= done && w[0] != '-' && w[0] != '(' && w[0] != '$' && !isMasked(w) {
				b.WriteString(s[done:i])
				b.WriteString(marker(kindPassword))
				done = to
			}
			i = max(to, i+1)
		}
		seen = i
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}
