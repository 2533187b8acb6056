package report

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// span is a part of a text, from and to in bytes.
type span struct{ from, to int }

// maxTokens bounds the words of one command line that are looked at; later ones are a new command.
const maxTokens = 4096

// maskCommands hides passwords that command lines give by position or by a short flag: net user NAME x /add,
// psexec -p x, mysql -px, curl -u name:x. Quoted arguments are looked into, because commands stand inside commands.
func maskCommands(s string, depth int) string {
	if depth > maxMaskDepth || !strings.ContainsAny(s, " \t/-@") {
		return s
	}
	var b strings.Builder
	done := 0
	put := func(at span, text string) {
		if at.from >= done && text != s[at.from:at.to] {
			b.WriteString(s[done:at.from])
			b.WriteString(text)
			done = at.to
		}
	}
	for i := 0; i < len(s); {
		args, next := command(s, i)
		secret := secretArgs(s, args)
		for n, a := range args {
			word := s[a.from:a.to]
			if m, ok := secret[n]; ok && !isMasked(word[m.skip:]) {
				put(span{a.from + m.skip, a.to - m.tail}, marker(m.kind))
			} else if inner, ok := insideQuotes(word); ok && strings.ContainsAny(inner, " \t") {
				q := (len(word) - len(inner)) / 2
				put(span{a.from + q, a.from + q + len(inner)}, maskCommands(inner, depth+1))
			}
		}
		i = next
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// command splits the command that begins at i into words, quotes kept, and returns where the next one begins.
func command(s string, i int) (args []span, next int) {
	for i < len(s) && len(args) < maxTokens {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
			continue
		case c == '\n' || c == '\r' || c == '|' || c == '&' || c == ';' || c == 0 || c == '(' || c == '{' || c == '=' && len(args) == 0:
			return args, i + 1
		}
		from := i
		for i < len(s) && !endsWord[s[i]] && !(s[i] == '&' && endsCommand(s, i)) {
			if c := s[i]; c != '"' && c != '\'' && c != '`' && c != '\\' {
				i++
				continue
			}
			if i == from || strings.IndexByte(":=,", s[i-1]) >= 0 || s[i-1] == 'p' || s[i-1] == 'P' {
				if to, ok := quoted(s, i); ok {
					i = to
					continue
				}
			}
			i++
		}
		args = append(args, span{from, i})
	}
	return args, i
}

// endsWord are the bytes that end a word outside quotes.
var endsWord = [256]bool{' ': true, '\t': true, '\r': true, '\n': true, '|': true, ';': true, 0: true}

// endsCommand tells the & between commands from one inside a password.
func endsCommand(s string, i int) bool {
	return i+1 == len(s) || s[i+1] == '&' || s[i+1] == ' ' || s[i-1] == ' ' || s[i-1] == '&'
}

func insideQuotes(w string) (string, bool) {
	for _, q := range []string{`\"`, `\'`, `"`, `'`, "`"} {
		if len(w) >= 2*len(q) && strings.HasPrefix(w, q) && strings.HasSuffix(w, q) {
			return w[len(q) : len(w)-len(q)], true
		}
	}
	return "", false
}

// hidden says which part of an argument is masked: all but its first skip and last tail bytes.
type hidden struct {
	kind       string
	skip, tail int
}

// secretArgs finds the arguments that hold a secret.
func secretArgs(s string, args []span) map[int]hidden {
	var found map[int]hidden
	hide := func(n int, kind string, skip, tail int) {
		if n < len(args) {
			w := s[args[n].from:args[n].to]
			if skip+tail >= len(w) || strings.Trim(w[skip:len(w)-tail], `"'`) == "" || strings.Trim(w[skip:], "*") == "" {
				return
			}
			if found == nil {
				found = map[int]hidden{}
			}
			if _, ok := found[n]; !ok {
				found[n] = hidden{kind, skip, tail}
			}
		}
	}
	word := func(n int) string {
		if n >= len(args) {
			return ""
		}
		return s[args[n].from:args[n].to]
	}
	for n := range args {
		w := word(n)
		if name, ok := flagName(w); ok {
			if kind := kindOfKey(name); (kind == kindPassword || kind == kindToken || kind == kindKey) && isArgument(word(n+1)) {
				hide(n+1, kind, 0, 0)
			}
		}
		if skip, kind := slashSecret(w); kind != "" {
			hide(n, kind, skip, 0)
		}
		if skip, tail, ok := userAtHost(w); ok {
			hide(n, kindPassword, skip, tail)
		}
		if p, ok := programOf(w); ok {
			p.find(n, word, len(args), hide)
		}
	}
	userAndPassword(word, len(args), hide)
	return found
}

// flagName returns the name in --name, -name and /name.
func flagName(w string) (string, bool) {
	if w == "" || w[0] != '-' && w[0] != '/' && w[0] != '"' && w[0] != '\'' {
		return "", false
	}
	w = strings.TrimLeft(w, `"'`)
	switch {
	case strings.HasPrefix(w, "--"):
		w = w[2:]
	case strings.HasPrefix(w, "-"), strings.HasPrefix(w, "/"):
		w = w[1:]
	default:
		return "", false
	}
	if len(w) < 2 || len(w) > 40 || strings.ContainsAny(w, ":=/\\.") {
		return "", false
	}
	return w, true
}

// isArgument tells what stands behind a flag from the next flag.
func isArgument(w string) bool {
	return w != "" && !neutral(w) && !strings.HasPrefix(w, "--") && w[0] != '(' && w[0] != '=' && w[0] != ':' &&
		!(w[0] == '-' && len(w) > 2 && isLetters(w[1:])) && !(w[0] == '/' && len(w) < 20 && isLetters(w[1:]))
}

func isLetters(w string) bool {
	for i := 0; i < len(w); i++ {
		if c := w[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return w != ""
}

// slashSecret tells /p:x, /ntlm:x and their kin, which assignments do not: their names are too short or too common.
func slashSecret(w string) (skip int, kind string) {
	if w == "" || w[0] != '/' && w[0] != '-' {
		return 0, ""
	}
	i := strings.IndexByte(w, ':')
	if i < 2 || i+1 == len(w) {
		return 0, ""
	}
	switch strings.ToLower(w[1:i]) {
	case "p":
		name, _, property := strings.Cut(w[i+1:], "=") // msbuild's /p:Name=value
		if !property || strings.ContainsAny(name, "@#$%^*!&") {
			return i + 1, kindPassword
		}
	case "rp", "pd", "po", "sharedsecret", "sapassword":
		return i + 1, kindPassword
	case "ntlm", "rc4", "aes128", "aes256", "aes128_hmac", "aes256_hmac", "ticket":
		return i + 1, kindHash
	}
	return 0, ""
}

var impacket = regexp.MustCompile(`^["']?[\w.-]+/[\w.$-]+:(.+)@[\w.-]+["']?$`)

// userAtHost tells DOMAIN/name:x@host, as the Impacket tools take it, from a container image and a URL.
func userAtHost(w string) (skip, tail int, ok bool) {
	if strings.IndexByte(w, '/') < 0 || strings.IndexByte(w, '@') < 0 || strings.Contains(w, "@sha256") {
		return 0, 0, false
	}
	m := impacket.FindStringSubmatchIndex(w)
	if m == nil {
		return 0, 0, false
	}
	return m[2], len(w) - m[3], true
}

// baseName is the program that a word names, without folder, quotes and extension.
func baseName(w string) string {
	if len(w) > 300 {
		return ""
	}
	w = strings.Trim(w, "\"'`\\(@")
	w = strings.ToLower(w[strings.LastIndexAny(w, `/\`)+1:])
	for _, ext := range []string{".exe", ".py", ".com"} {
		w = strings.TrimSuffix(w, ext)
	}
	return w
}

// programOf is the entry of programs for the program that a word names: programs[baseName(w)], without the text between them.
func programOf(w string) (program, bool) {
	from, to := 0, len(w)
	for from < to && aroundProgram[w[from]] {
		from++
	}
	for from < to && aroundProgram[w[to-1]] {
		to--
	}
	base := w[from:to]
	for i := to - 1; i >= from; i-- {
		if w[i] == '/' || w[i] == '\\' {
			base = w[i+1 : to]
			break
		}
	}
	if len(w) > 300 || len(base) > longestProgram {
		return program{}, false
	}
	var room [longestProgram]byte
	lower := room[:0]
	for i := 0; i < len(base); i++ {
		switch c := base[i]; {
		case c >= utf8.RuneSelf:
			p, ok := programs[baseName(w)]
			return p, ok
		case isUpper(c):
			lower = append(lower, c|0x20)
		default:
			lower = append(lower, c)
		}
	}
	for _, ext := range [...]string{".exe", ".py", ".com"} {
		if n := len(lower) - len(ext); n >= 0 && string(lower[n:]) == ext {
			lower = lower[:n]
		}
	}
	p, ok := programs[string(lower)]
	return p, ok
}

// longestProgram is more than the longest name of programs has, with three extensions.
const longestProgram = 64

// aroundProgram are the bytes that baseName takes away around a word.
var aroundProgram = bytesOf("\"'`\\(@")

// userAndPassword hides y in "-u x … -p y" and "-p y … -u x" of any program: attackers rename their tools.
func userAndPassword(word func(int) string, count int, hide func(int, string, int, int)) {
	user, pass := -1, -1
	for n := range count {
		w := word(n)
		if n == 0 && notPassword[baseName(w)] {
			return
		}
		if w == "" || w[0] != '-' && w[0] != '/' {
			continue
		}
		switch {
		case userFlags[w]:
			if isArgument(word(n+1)) && word(n + 1)[0] != '-' { // WerFault.exe -u -p 5728
				user = n
			}
		case strings.HasPrefix(strings.ToLower(w), "/user:") || strings.HasPrefix(strings.ToLower(w), "/u:"):
			user = n
		case (w == "-p" || w == "/p" || w == "-P" || w == "-pw") && isArgument(word(n+1)):
			pass = n + 1
		}
	}
	if user >= 0 && pass >= 0 {
		hide(pass, kindPassword, 0, 0)
	}
}

var userFlags = map[string]bool{"-u": true, "-U": true, "/u": true, "-user": true, "/user": true, "-username": true,
	"--user": true, "--username": true}

// notPassword are programs whose -p means something else beside a -u.
var notPassword = map[string]bool{"docker": true, "podman": true, "nmap": true, "ps": true, "cp": true, "mkdir": true,
	"netstat": true, "ss": true, "lsof": true, "iptables": true, "useradd": true, "rsync": true, "tar": true, "journalctl": true}

// program says where a program takes its secrets.
type program struct {
	next     []string // flags whose next argument is one
	attached []string // flags that it follows at once, -pSECRET
	pair     []string // flags whose next argument is name:secret or name%secret
	hash     []string // flags whose next argument is a password hash
	own      func(n int, word func(int) string, count int, hide func(int, string, int, int))
}

// find hides what the program that word n names is given.
func (p program) find(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	if p.own != nil {
		p.own(n, word, count, hide)
	}
	for i := n + 1; i < count; i++ {
		w := word(i)
		for _, f := range p.next {
			if w == f && isArgument(word(i+1)) {
				hide(i+1, kindPassword, 0, 0)
			}
		}
		for _, f := range p.hash {
			if w == f && isArgument(word(i+1)) {
				hide(i+1, kindHash, 0, 0)
			}
		}
		for _, f := range p.attached {
			if len(w) > len(f) && strings.HasPrefix(w, f) && !strings.HasPrefix(w, "--") && w[len(f)] != '=' && w[len(f)] != ':' {
				hide(i, kindPassword, len(f), 0)
			}
		}
		for _, f := range p.pair {
			at, v := i+1, word(i+1)
			if rest, ok := strings.CutPrefix(w, f); ok && rest != "" && len(f) == 2 && !strings.HasPrefix(w, "--") {
				at, v = i, w
			} else if rest, ok := strings.CutPrefix(w, f+"="); ok && rest != "" {
				at, v = i, w
			} else if w != f {
				continue
			}
			if c := strings.IndexAny(v, ":%"); c > 0 {
				tail := 0
				if q := v[len(v)-1]; (q == '"' || q == '\'') && strings.IndexByte(v, q) < c {
					tail = 1
				}
				hide(at, kindPassword, c+1, tail)
			}
		}
	}
}

// programs lists what takes secrets by position or by a flag that says nothing by itself.
var programs = func() map[string]program {
	p := map[string]program{
		"net": {own: netCommand}, "net1": {own: netCommand},
		"sshpass":     {next: []string{"-p"}, attached: []string{"-p"}},
		"plink":       {next: []string{"-pw"}},
		"sqlcmd":      {next: []string{"-P"}, attached: []string{"-P"}},
		"bcp":         {next: []string{"-P"}, attached: []string{"-P"}},
		"curl":        {pair: []string{"-u", "--user", "-U", "--proxy-user"}},
		"smbclient":   {pair: []string{"-U", "--user"}},
		"mongo":       {next: []string{"-p"}},
		"redis-cli":   {next: []string{"-a"}},
		"ldapsearch":  {next: []string{"-w"}, attached: []string{"-w"}},
		"openssl":     {next: []string{"-k", "-K", "-pass"}},
		"7z":          {attached: []string{"-p"}},
		"rar":         {attached: []string{"-hp", "-p"}},
		"zip":         {next: []string{"-P"}, attached: []string{"-P"}},
		"ipmitool":    {next: []string{"-P"}},
		"snmpwalk":    {next: []string{"-c"}},
		"docker":      {own: dockerLogin},
		"psexec":      {next: []string{"-p", "/p"}},
		"nxc":         {next: []string{"-p"}, hash: []string{"-H"}},
		"evil-winrm":  {next: []string{"-p"}, hash: []string{"-H"}},
		"secretsdump": {hash: []string{"-hashes", "-aesKey"}},
		"schtasks":    {next: []string{"/rp", "-rp", "/RP", "/p", "/P"}},
		"netdom":      {next: []string{"/pd", "/po"}},
		"reg":         {own: regAdd},
		"sqlplus":     {own: oracleLogin},
		"bitsadmin":   {own: bitsCredentials},
		"useradd":     {hash: []string{"-p", "--password"}},
		"mysql":       {attached: []string{"-p"}},
		"vncviewer":   {next: []string{"-passwd"}},
		"rdesktop":    {next: []string{"-p"}},
		"dsadd":       {next: []string{"-pwd"}},
		"az":          {next: []string{"-p"}},
		"rclone":      {own: rclone},
	}
	for like, names := range map[string]string{
		"mysql":       "mysqldump mysqladmin mysqlimport mysqlshow mariadb mariadb-dump mariadb-admin xtrabackup mysqlbinlog",
		"plink":       "pscp psftp putty kitty klink",
		"sqlcmd":      "osql isql",
		"psexec":      "psexec64 paexec csexec remcom xcmd psservice pskill pslist psinfo psloggedon pspasswd psfile",
		"nxc":         "crackmapexec cme netexec kerbrute",
		"smbclient":   "rpcclient smbmap winexe pth-winexe",
		"secretsdump": "wmiexec smbexec dcomexec atexec getuserspns gettgt getst mssqlclient ntlmrelayx",
		"7z":          "7za 7zr 7zz",
		"rar":         "winrar unrar",
		"zip":         "unzip",
		"snmpwalk":    "snmpget snmpset snmpbulkwalk",
		"sqlplus":     "rman exp imp expdp impdp sqlldr",
		"mongo":       "mongosh mongodump mongorestore mongoexport",
		"ldapsearch":  "ldapmodify ldapadd ldapdelete ldappasswd",
		"useradd":     "usermod",
		"dsadd":       "dsmod",
		"docker":      "podman",
		"az":          "htpasswd",
	} {
		for _, name := range strings.Fields(names) {
			if _, ok := p[name]; !ok {
				p[name] = p[like]
			}
		}
	}
	return p
}()

// netCommand: net user NAME x, net use [X:] \\server\share x.
func netCommand(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	verb := strings.ToLower(word(n + 1))
	if verb != "user" && verb != "use" && verb != "users" {
		return
	}
	place := 0
	for i := n + 2; i < count; i++ {
		w := word(i)
		if strings.HasPrefix(w, "/") && len(w) > 1 {
			continue
		}
		share := strings.HasPrefix(strings.TrimLeft(w, `"'`), `\\`)
		switch {
		case verb == "use" && share:
			place = 1
		case verb == "use" && place == 0:
		case place == 0:
			place = 1
		default:
			hide(i, kindPassword, 0, 0)
			return
		}
	}
}

// regAdd: reg add … /v DefaultPassword /d x.
func regAdd(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	named := false
	for i := n + 1; i+1 < count; i++ {
		switch w := strings.ToLower(word(i)); {
		case w == "/v":
			named = kindOfKey(strings.Trim(word(i+1), `"'`)) == kindPassword
		case w == "/d" && named:
			hide(i+1, kindPassword, 0, 0)
		}
	}
}

// oracleLogin: sqlplus name/x@database. A path is no login.
func oracleLogin(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	for i := n + 1; i < count; i++ {
		w := word(i)
		slash := strings.IndexByte(w, '/')
		if slash < 1 || strings.ContainsAny(w[:slash], `\:.=-@`) || slash+1 == len(w) {
			if eq := strings.IndexByte(w, '='); eq < 0 || !strings.EqualFold(w[:eq], "userid") || slash < eq || slash+1 == len(w) {
				continue
			}
		}
		at := strings.LastIndexByte(w, '@')
		if at < slash {
			at = len(w)
		}
		hide(i, kindPassword, slash+1, len(w)-at)
	}
}

// bitsCredentials: bitsadmin /SetCredentials job SERVER BASIC name x.
func bitsCredentials(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	for i := n + 1; i < count; i++ {
		if strings.EqualFold(word(i), "/setcredentials") {
			hide(i+5, kindPassword, 0, 0)
		}
	}
}

// dockerLogin: docker login -p x. Elsewhere -p is a port.
func dockerLogin(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	if word(n+1) != "login" {
		return
	}
	for i := n + 2; i < count; i++ {
		if word(i) == "-p" {
			hide(i+1, kindPassword, 0, 0)
		}
	}
}

// rclone: rclone config create NAME mega user x pass y.
func rclone(n int, word func(int) string, count int, hide func(int, string, int, int)) {
	for i := n + 1; i+1 < count; i++ {
		if kindOfKey(word(i)) != "" && utf8.RuneCountInString(word(i)) < 30 {
			hide(i+1, kindPassword, 0, 0)
		}
	}
}
