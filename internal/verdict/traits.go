package verdict

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"wardround/internal/event"
)

// traits are what two acts may share. All are in lower case; what every act on a server shares (SYSTEM, cmd.exe) is left out.
type traits struct {
	accounts  []string // domain\name, or name alone
	sessions  []string
	sources   []string // addresses or names of other computers
	files     []string // base names of programs and files that are not the system's own
	processes []string // process GUIDs
	parents   []string // GUIDs of parent processes
}

// The fields in which logs keep each trait. Pairs are domain and name.
var (
	accountFields = [][2]string{
		{"SubjectDomainName", "SubjectUserName"}, {"TargetDomainName", "TargetUserName"}, {"AccountDomain", "AccountName"},
		{"", "User"}, {"", "ParentUser"}, {"", "SourceUser"}, {"", "user"}, {"", "acct"}, {"", "auid_name"}, {"", "cs-username"}, {"Domain", "User Name"},
		{"", "Detection User"}, {"", "UserName"},
	}
	// doerField is the SID of whoever made Windows write the record: all that some logs tell of him.
	doerField     = "Security_UserID"
	sessionFields = []string{"LogonId", "SubjectLogonId", "TargetLogonId", "LogonGuid", "LogonID", "ses", "session", "session_id"}
	sourceFields  = []string{"IpAddress", "ClientAddress", "src_ip", "src_host", "c-ip", "addr", "hostname", "Address", "WorkstationName", "Workstation", "ClientName", "SourceWorkstation", "ip", "Param3"}
	fileFields    = []string{
		"Image", "NewProcessName", "TargetFilename", "ImageLoaded", "ServiceFileName", "ImagePath", "RelativeTargetName", "SourceImage", "exe", "name", "Path", "path",
		"FileName", "TargetImage", "file", "cs-uri-stem",
	}
	processFields = []string{"ProcessGuid", "SourceProcessGUID", "SourceProcessGuid"}
	parentFields  = []string{"ParentProcessGuid"}
	// objectFields say what a piece was done to, best first: for sentences.
	objectFields  = []string{"CommandLine", "ProcessCommandLine", "command", "statement", "ServiceName", "Threat Name", "TargetFilename", "RelativeTargetName", "TargetImage", "ImagePath", "ScriptBlockText", "TaskName", "TargetUserName", "cs-uri-stem", "message", "Data"}
	programFields = []string{"Image", "NewProcessName", "SourceImage", "exe", "ProcessName", "Process Name"}
)

func (j *Judge) traitsOf(f map[string]string) traits {
	var t traits
	for _, p := range accountFields {
		t.accounts = add(t.accounts, j.accountOf(f[p[0]], f[p[1]]))
	}
	j.audited(&t, f["Data"])
	for _, n := range sessionFields {
		t.sessions = add(t.sessions, sessionOf(f[n]))
	}
	for _, n := range sourceFields {
		t.sources = add(t.sources, sourceOf(f[n], f["Computer"]))
	}
	for _, n := range fileFields {
		t.files = add(t.files, fileOf(f[n]))
	}
	for _, n := range processFields {
		t.processes = add(t.processes, guidOf(f[n]))
	}
	for _, n := range parentFields {
		t.parents = add(t.parents, guidOf(f[n]))
	}
	return t
}

// audited reads who did what an audit of SQL Server tells of (event 33205): its fields are lines of one text, name:value.
func (j *Judge) audited(t *traits, text string) {
	if !strings.Contains(text, "audit_schema_version:") {
		return
	}
	for line := range strings.Lines(text[:min(len(text), 16<<10)]) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "client_ip":
			t.sources = add(t.sources, sourceOf(value, ""))
		case "session_server_principal_name":
			t.accounts = add(t.accounts, j.accountOf("", value))
		}
	}
}

// maxTraits bounds each kind of trait of an act.
const maxTraits = 32

func add(list []string, s string) []string {
	if s == "" || len(list) >= maxTraits || slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

func (t *traits) merge(o *traits) {
	for _, p := range []struct {
		to   *[]string
		from []string
	}{
		{&t.accounts, o.accounts}, {&t.sessions, o.sessions}, {&t.sources, o.sources}, {&t.files, o.files}, {&t.processes, o.processes}, {&t.parents, o.parents},
	} {
		for _, s := range p.from {
			*p.to = add(*p.to, s)
		}
	}
}

// share reports whether two acts have a trait in common, and which.
func (t *traits) share(o *traits) (string, bool) {
	for _, p := range []struct {
		what string
		a, b []string
	}{
		{"session", t.sessions, o.sessions}, {"source", t.sources, o.sources}, {"parent process", t.parents, o.parents},
		{"parent process", t.parents, o.processes}, {"parent process", t.processes, o.parents}, {"file", t.files, o.files},
	} {
		for _, s := range p.a {
			if slices.Contains(p.b, s) {
				return p.what + " " + s, true
			}
		}
	}
	for _, a := range t.accounts {
		for _, b := range o.accounts {
			if sameAccount(a, b) {
				return "account " + a, true
			}
		}
	}
	return "", false
}

// accountOf spells an account, "" for one that every act shares or that is a computer's.
func (j *Judge) accountOf(domain, name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if at := strings.LastIndexByte(name, '\\'); at >= 0 {
		domain, name = name[:at], name[at+1:]
	}
	if user, realm, ok := strings.Cut(name, "@"); ok {
		domain, name = realm, user
	}
	domain = strings.ToLower(strings.TrimSpace(domain))
	if name == "" || name == "-" || strings.HasSuffix(name, "$") || strings.HasPrefix(name, "dwm-") || strings.HasPrefix(name, "umfd-") || len(name) > 256 {
		return ""
	}
	switch name {
	case "system", "localsystem", "local system", "local service", "network service", "anonymous logon", "root", "?", "n/a", "(unset)", "unset",
		"système", "dcui", "s-1-5-18", "s-1-5-19", "s-1-5-20":
		return ""
	}
	switch domain {
	case "", "-", "nt authority", ".", "workgroup", "window manager", "font driver host":
		return name
	}
	// Since Server 2016 a logon by ticket names the realm, hosp.example, where older systems name the domain, HOSP.
	if flat := j.opt.Domain(strings.TrimSuffix(domain, ".")); flat != "" {
		return flat + `\` + name
	}
	return firstLabel(domain) + `\` + name
}

// sameAccount compares accounts; one without a domain may be of any.
func sameAccount(a, b string) bool {
	da, na := splitAccount(a)
	db, nb := splitAccount(b)
	if na != nb {
		return false
	}
	return da == "" || db == "" || da == db
}

func splitAccount(a string) (domain, name string) {
	if at := strings.LastIndexByte(a, '\\'); at >= 0 {
		return a[:at], a[at+1:]
	}
	return "", a
}

func firstLabel(s string) string {
	s, _, _ = strings.Cut(s, ".")
	return s
}

func sessionOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch s {
	case "", "-", "0", "0x0", "0x3e7", "0x3e4", "0x3e5", "999", "4294967295", "-1", "{00000000-0000-0000-0000-000000000000}":
		return ""
	}
	if len(s) > 64 {
		return ""
	}
	return s
}

func sourceOf(s, own string) string {
	s = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "::ffff:")))
	s = strings.TrimPrefix(s, `\\`)
	switch s {
	case "", "-", "?", "local", "localhost", "unknown", "n/a":
		return ""
	}
	if len(s) > 255 || firstLabel(s) == firstLabel(strings.ToLower(own)) && own != "" {
		return ""
	}
	if a, err := netip.ParseAddr(s); err == nil && (a.IsLoopback() || a.IsUnspecified()) {
		return ""
	}
	return s
}

func guidOf(s string) string {
	s = strings.ToLower(strings.Trim(strings.TrimSpace(s), "{}"))
	if len(s) != 36 || strings.Trim(s, "0-") == "" {
		return ""
	}
	return s
}

// fileOf is the base name of the program or file that a path or command line begins with, "" for the system's own.
func fileOf(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if rest, ok := strings.CutPrefix(s, `"`); ok {
		s, _, _ = strings.Cut(rest, `"`)
	} else if i := strings.Index(s, ".exe "); i >= 0 {
		s = s[:i+4]
	}
	s = s[strings.LastIndexAny(s, `\/`)+1:]
	if len(s) < 3 || len(s) > 255 || shared[s] || strings.HasPrefix(s, "<") {
		return ""
	}
	return s
}

// shared names programs that run everywhere: that two acts used one of them links nothing.
var shared = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`cmd.exe powershell.exe pwsh.exe powershell_ise.exe rundll32.exe regsvr32.exe svchost.exe services.exe lsass.exe wmiprvse.exe
		wsmprovhost.exe explorer.exe system conhost.exe dllhost.exe taskhost.exe taskhostw.exe mmc.exe msiexec.exe net.exe net1.exe sc.exe reg.exe wmic.exe
		vssadmin.exe wbadmin.exe bcdedit.exe wevtutil.exe schtasks.exe at.exe winlogon.exe userinit.exe csrss.exe wininit.exe smss.exe spoolsv.exe lsm.exe
		msmpeng.exe iexplore.exe msedge.exe chrome.exe firefox.exe certutil.exe bitsadmin.exe mshta.exe wscript.exe cscript.exe ntdsutil.exe w3wp.exe
		sqlservr.exe java.exe javaw.exe python.exe python3 python perl sh bash dash zsh ksh sudo su sshd systemd cron crond java httpd apache2 nginx
		postgres mysqld php php-cgi.exe php-fpm rm cp mv cat chmod chown wget curl systemctl auditctl vim-cmd esxcli ntoskrnl.exe registry
		kernel32.dll ntdll.dll kernelbase.dll amsi.dll clr.dll system.management.automation.dll system.management.automation.ni.dll (null) unknown`) {
		m[n] = true
	}
	return m
}()

// keyFile finds the owner of a private key in a command: /home/deploy/.ssh/id_rsa, C:\Users\deploy\.ssh\id_ed25519.
var keyFile = regexp.MustCompile(`(?i)(?:/home/|\\users\\|/users/)([a-z0-9._-]{1,64})[/\\]\.ssh[/\\](?:id_[^ ;|&]*|[^ ;|&]*\.pem|[^ ;|&]*\.key)`)

// setupName is the name that Windows' setup makes up for a computer until it is given its own.
var setupName = regexp.MustCompile(`(?i)\b(?:WIN|DESKTOP|LAPTOP|MININT)-[0-9A-Z]{7,11}$`)

// bareAddress finds the addresses outside that a script is fetched from: http://198.51.100.7/a.
var bareAddress = regexp.MustCompile(`(?i)https?://(\d{1,3}(?:\.\d{1,3}){3})(?:[:/'")\s]|$)`)

// fetchedFrom adds the addresses that a command or script names to fetch from.
func fetchedFrom(list []string, f map[string]string) []string {
	for _, name := range []string{"ScriptBlockText", "CommandLine", "Data"} {
		text := f[name]
		for _, m := range bareAddress.FindAllStringSubmatch(text[:min(len(text), 8<<10)], maxTraits) {
			if event.Abroad(m[1]) {
				list = add(list, m[1])
			}
		}
	}
	return list
}

// exposedBy adds the accounts whose private keys a command names.
func exposedBy(list []string, command string) []string {
	for _, m := range keyFile.FindAllStringSubmatch(command[:min(len(command), 8<<10)], maxTraits) {
		if strings.HasSuffix(m[0], ".pub") {
			continue
		}
		list = add(list, strings.ToLower(m[1]))
	}
	return list
}

// Fields names the fields of a record that a verdict reads, whatever rule fired: findings must keep them.
func Fields() []string {
	var out []string
	for _, p := range accountFields {
		out = append(out, p[0], p[1])
	}
	for _, list := range [][]string{sessionFields, sourceFields, fileFields, processFields, parentFields, objectFields, programFields, pathFields} {
		out = append(out, list...)
	}
	out = append(out, doerField, "AddedExtension", "AddedByNobody", "Computer", "PreviousTime", "NewTime", "Hashes", "Signed")
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(s string) bool { return s == "" })
}

// abroad reports whether an arrival came from an address of the world at large.
func (j *Judge) abroad(k arrivalKey) bool {
	return k.from == "" && event.Abroad(k.source)
}
