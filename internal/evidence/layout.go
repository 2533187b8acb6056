package evidence

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// owner is the part of a collection that belongs to one computer, as far as names tell.
type owner struct {
	root string // a beginning of Path; "" is the whole collection
	hint string // the computer's name; "" if no name tells it
	firm bool   // the name comes from inside the collection or from a collector's way of naming
}

// holder is what names stand in: the folder of a collection, or an opened archive.
type holder struct {
	owner                    // of what stands in it, where no name below tells better
	above  owner             // of what stands in it as a computer's own file system does
	prefix string            // of the Path of all that it holds
	depth  int               // archives around its content
	marks  map[string]string // folders in it that Velociraptor wrote, with the computer that client_info.json names
}

// spot is where an artifact stands.
type spot struct {
	owner
	above owner // see holder
	in    *holder
	path  string // Artifact.Path
	whole bool   // the artifact is the collection itself
	notes []string
}

// newFolder is the holder of a collection that is a folder.
func newFolder(name string) *holder {
	h := &holder{marks: map[string]string{}}
	host, tool := computer(name)
	h.above = owner{hint: host, firm: tool}
	if tool || isHostname(host) {
		h.owner = h.above
	}
	return h
}

// newLoose is the spot of a collection that is one file. Its name names no computer: it may be any log's.
func newLoose(name string) spot {
	return spot{in: &holder{}, path: name, whole: true}
}

// enter makes the holder of an archive's content. An archive of many files may bear a computer's name; a file that was
// only compressed bears its own.
func (at spot) enter(many bool) *holder {
	h := &holder{owner: at.owner, above: at.above, prefix: at.path + "!/", depth: at.in.depth + 1}
	label := at.path[strings.LastIndexByte(at.path, '/')+1:]
	if at.whole {
		h.prefix = ""
	}
	if !many {
		return h
	}
	host, tool := computer(trimArchive(label))
	if host == "" {
		return h
	}
	h.above = owner{root: at.path, hint: host, firm: tool || !at.whole}
	if at.whole {
		h.above.root = ""
	}
	if tool || isHostname(host) {
		h.owner = h.above
	}
	return h
}

// spot finds out to which computer the file of that name belongs. name is clean: see cleanName.
//
// Four facts tell, the first that applies: a folder that Velociraptor wrote with client_info.json in it; the folder
// above the first name that only a computer's own file system or a collector has ("var/log", "C/Windows", "[root]");
// the archive or the folder named by a collector; the archive, else the outermost folder, whose name could be a host's.
// The last is the weakest, so it takes no name that no host can have.
func (h *holder) spot(name string) spot {
	at := spot{owner: h.owner, above: h.above, in: h}
	parts := strings.Split(name, "/")
	mark, top := h.wrote(name, parts)
	if decodeVelociraptor(parts, top >= 0) {
		at.notes = append(at.notes, storedAs(name))
	}
	at.path = h.prefix + strings.Join(parts, "/")
	if top >= 0 {
		if host := h.marks[mark]; host != "" {
			at.own(parts[:top], host)
		} else {
			at.nearest(parts[:top])
		}
		return at
	}
	folders := parts[:len(parts)-1]
	for i := range parts {
		if systemRoot(parts, i) {
			at.nearest(parts[:i])
			return at
		}
	}
	if i, host := collectorNamed(folders); i >= 0 {
		at.own(parts[:i+1], host)
		return at
	}
	for i := range folders {
		host, _ := computer(folders[i])
		o := owner{root: h.under(parts[:i+1]), hint: host, firm: true}
		if host != "" && !at.above.firm {
			at.above = o
		}
		if isHostname(host) && !at.firm {
			at.owner = o
		}
	}
	return at
}

// own gives all below the folders to a computer.
func (at *spot) own(folders []string, host string) {
	at.owner = owner{root: at.in.under(folders), hint: host, firm: true}
	at.above = at.owner
}

// nearest gives a file system below the folders to the last of them that bears a name of its own; else to what holds
// them.
func (at *spot) nearest(folders []string) {
	for i := len(folders) - 1; i >= 0; i-- {
		if host, _ := computer(folders[i]); host != "" {
			at.own(folders[:i+1], host)
			return
		}
	}
	at.owner = at.above
}

// under is the Path of a folder in the holder; of its top, that of the holder itself.
func (h *holder) under(parts []string) string {
	if len(parts) == 0 {
		return strings.TrimSuffix(h.prefix, "!/")
	}
	return h.prefix + strings.Join(parts, "/")
}

// wrote is the innermost folder of a name that Velociraptor wrote, and of how many components it is, -1 if none. A
// folder that looks so inside a computer's own file system is that computer's: a web server's uploads, for instance.
func (h *holder) wrote(name string, parts []string) (mark string, top int) {
	if top = -1; len(h.marks) == 0 {
		return "", top
	}
	end := 0
	for i, p := range parts {
		if folder := name[:max(0, end-1)]; h.marked(folder) {
			mark, top = folder, i
		}
		if systemRoot(parts, i) {
			break
		}
		end += len(p) + 1
	}
	return mark, top
}

func (h *holder) marked(folder string) bool {
	_, ok := h.marks[folder]
	return ok
}

// collectorNamed is the innermost folder that bears a collector's way of naming.
func collectorNamed(folders []string) (int, string) {
	for i := len(folders) - 1; i >= 0; i-- {
		if host, tool := computer(folders[i]); tool && host != "" {
			return i, host
		}
	}
	return -1, ""
}

// Velociraptor stores each component of a path with the characters ? " * : | < > % / \ and a leading or trailing dot
// or blank as % and two capital hexadecimal digits (utils/sanitize.go of its source). A stored name thus has no other %.
// Windows' own event logs have: %4 stands for the / of the channel's name. So nothing is decoded on suspicion: either
// the folder holds files that only Velociraptor writes beside uploads/ (proven), or a component is an encoded volume
// (C%3A, %5C%5C.%5CC%3A), which proves it for those that follow.
//
// What would not be one component afterwards stays as it is stored.
func decodeVelociraptor(parts []string, proven bool) (changed bool) {
	for i, p := range parts {
		if !proven && encodedVolume(p) {
			proven = true
		}
		if !proven || !strings.Contains(p, "%") {
			continue
		}
		if d, ok := decodePart(p); ok {
			parts[i], changed = d, true
		}
	}
	return changed
}

func decodePart(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b = append(b, byte(hi<<4|lo))
		i += 2
	}
	d := string(b)
	if d == "." || d == ".." || strings.ContainsAny(d, "/\x00") || !utf8.ValidString(d) {
		return "", false
	}
	return d, true
}

const upperHex = "0123456789ABCDEF"

// encodedVolume recognises the ways in which Velociraptor stores "C:", `\\.\C:` and `\\?\GLOBALROOT\Device\…`.
func encodedVolume(s string) bool {
	if len(s) == 4 && isLetter(s[0]) && s[1:] == "%3A" {
		return true
	}
	return strings.HasPrefix(s, "%5C%5C.%5C") || strings.HasPrefix(s, "%5C%5C%3F%5C")
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// systemRoot reports whether parts[i] is a name at the top of a computer's own file system, or of what a collector
// makes of it.
func systemRoot(parts []string, i int) bool {
	p := strings.ToLower(parts[i])
	next := ""
	if i+1 < len(parts) {
		next = strings.ToLower(parts[i+1])
	}
	switch {
	case next == "":
		return rootFiles[p]
	case collectorFolders[p], strings.HasPrefix(p, `\\.\`), strings.HasPrefix(p, `\\?\`):
		return true
	case len(p) == 2 && isLetter(p[0]) && (p[1] == ':' || p[1] == '$'):
		return true
	case len(p) == 1 && isLetter(p[0]), shadowCopy.MatchString(p):
		return windowsTop[next] || rootFiles[next]
	case p == "windows" || p == "winnt":
		return windowsFolders[next] || strings.HasSuffix(next, ".log")
	case p == "var":
		return varFolders[next]
	}
	return linuxTop[p] || windowsTop[p]
}

// shadowCopy matches the folders into which KAPE and Velociraptor put volume shadow copies.
var shadowCopy = regexp.MustCompile(`^(vss\d+|harddiskvolumeshadowcopy\d+)$`)

var (
	// UAC: [root], live_response, bodyfile, hash_executables. sosreport: sos_commands. Acquire: $fs$, $rootfs$.
	collectorFolders = words(`[root] live_response bodyfile hash_executables chkrootkit memory_dump sos_commands sos_logs $fs$ $rootfs$`)
	linuxTop         = words(`etc home root usr opt boot proc run srv tmp dev sys lib lib64 vmfs scratch private library journal`)
	varFolders       = words(`log lib spool www run cache adm audit db mail opt ossec tmp backups core account crash lock folders`)
	windowsTop       = words(`windows users programdata inetpub $extend $recycle.bin perflogs recovery winnt`,
		"program files", "program files (x86)", "documents and settings", "system volume information")
	windowsFolders = words(`system32 syswow64 sysnative prefetch appcompat inf tasks temp debug logs system servicing panther ntds
		sysvol serviceprofiles softwaredistribution minidump security repair config clusterstorage`)
	rootFiles = words(`$mft $mftmirr $logfile $boot $secure_$sds $secure pagefile.sys hiberfil.sys swapfile.sys uac.log`)
)

// words makes a set of the words of list and of the phrases.
func words(list string, phrases ...string) map[string]bool {
	set := map[string]bool{}
	for _, w := range append(strings.Fields(list), phrases...) {
		set[w] = true
	}
	return set
}

// collectors are the ways in which collectors name what they write; the first group is the computer.
//
// Velociraptor offline: Collection-HOST-2022-11-23T01_37_49Z; exported from its server: HOST-C.0123456789abcdef-F.ABC.
// UAC: uac-HOST-linux-20221123013749. KAPE: 2022-11-23T013749_Target_BASE, and %d_%m as a folder. ESXi's vm-support:
// esx-HOST-2022-11-23--01.37-12345. sosreport-HOST-1234567-2022-11-23-abcdefg. SUSE's supportconfig:
// scc_HOST_221123_0137.
var collectors = []struct {
	has   string // without which the shape need not be tried
	shape *regexp.Regexp
}{
	{"Collection-", regexp.MustCompile(`^Collection-(.+?)-\d{4}-\d\d-\d\d[T_].*$`)},
	{"-C.", regexp.MustCompile(`^(.+)-C\.[0-9a-f]{12,}(?:-[FH]\.[0-9A-Za-z.]+)?$`)},
	{"uac-", regexp.MustCompile(`^uac-(.+)-(?:aix|android|esxi|freebsd|haiku|linux|macos|netbsd|netscaler|openbsd|solaris)-\d{14}$`)},
	{"T", regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d{6}_.+_([^_]+)$`)},
	{"T", regexp.MustCompile(`^\d{8}T\d{6}_([^_]+)$`)},
	{"esx-", regexp.MustCompile(`^esx-(.+)-\d{4}-\d\d-\d\d--\d\d\.\d\d(?:-\d+)?$`)},
	{"sosreport-", regexp.MustCompile(`^sosreport-(.+?)(?:-\d{5,})?-\d{4}-\d\d-\d\d-[a-z]{7}$`)},
	{"_", regexp.MustCompile(`^(?:scc|nts)_(.+)_\d{6}_\d{4}$`)},
}

// computer is the name of a computer that a folder's or archive's name bears, "" if none: words such as logs, dates
// and numbers name no computer. tool is yes if a collector's way of naming shows that it does.
func computer(name string) (host string, tool bool) {
	for _, c := range collectors {
		if !strings.Contains(name, c.has) {
			continue
		}
		if m := c.shape.FindStringSubmatch(name); m != nil {
			if !isComputer(m[1]) {
				return "", false
			}
			return m[1], true
		}
	}
	if a, err := netip.ParseAddr(name); err == nil {
		if !a.Is4() || a.IsUnspecified() || a.IsLoopback() {
			return "", false
		}
		return name, false
	}
	if strings.Contains(name, "20") || strings.Contains(name, "19") {
		name = stamps.ReplaceAllString(name, "")
	}
	if name = trimWords(name); !isComputer(name) {
		return "", false
	}
	return name, false
}

// stamps matches a date, with or without a time, at either end of a name, or a name that is nothing else.
var stamps = regexp.MustCompile(`^` + stamp + `(?:[ _.-]+|$)|[ _.-]+` + stamp + `$`)

const stamp = `(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?:[T _-]*[0-2]\d[-_.:]?[0-5]\d(?:[-_.:]?[0-5]\d(?:[._]\d+)?)?(?:Z|[+-]\d\d[_:]?\d\d)?)?`

// trimWords takes away generic words at either end that an underscore sets off: hardly a host's name has one.
func trimWords(name string) string {
	for {
		i := strings.LastIndexByte(name, '_')
		if i > 0 && generic(name[i+1:]) {
			name = name[:i]
			continue
		}
		i = strings.IndexByte(name, '_')
		if i >= 0 && generic(name[:i]) {
			name = name[i+1:]
			continue
		}
		return name
	}
}

func isComputer(name string) bool {
	if len(name) > 253 || generic(name) || !strings.ContainsFunc(name, isWordRune) {
		return false
	}
	for word := range strings.FieldsSeq(name) {
		if !generic(word) {
			return true
		}
	}
	return false
}

// isHostname reports whether a host can have that name: labels of letters, digits and hyphens, as DNS has them, or up
// to 15 characters with underscores, as NetBIOS does.
func isHostname(name string) bool {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !hostRune(r) }) {
		return false
	}
	if strings.Contains(name, "_") {
		return len(name) <= 15
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

func hostRune(r rune) bool {
	return r < utf8.RuneSelf && isLetter(byte(r)) || '0' <= r && r <= '9' || r == '-' || r == '.' || r == '_'
}

func isWordRune(r rune) bool { return r >= utf8.RuneSelf || isLetter(byte(r)) }

// generic reports whether a name says what it holds rather than whose it is.
func generic(name string) bool {
	name = strings.ToLower(strings.Trim(name, " ._-()[]{}"))
	if len(name) <= 1 || guid.MatchString(name) || strings.ContainsAny(name, `\/:*?"<>|$%`) {
		return true
	}
	return genericWords[name] || countedWords[strings.TrimRight(name, "0123456789.-_ ")] ||
		windowsTop[name] || linuxTop[name] || varFolders[name] || windowsFolders[name] || collectorFolders[name]
}

var guid = regexp.MustCompile(`^(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32,})$`)

var genericWords = words(`
	access acquisition active agent alerts all analysis apache app application applications apps archive archived archives artefacts artifacts audit auth auto
	backup backups bak bin block bundle captures case cases catalina client clients cold collect collected collection collections collector conf config console
	container containers copied copies copy core cron csv current cylr
	daily data database databases db default dest desktop dhcp disk dmesg dns docker documents domain downloads drive dump dumps
	elasticsearch error errors event eventlog eventlogs events evidence evt evtx exchange exhibit exhibits export exported exports extract extracted
	file files filesystem firewall folder forensic forensics forwarded fs ftp ftpsvc gz haproxy hard-disk history host hosts hot html httpd
	iis images image incident input inbox index item items jboss jetty json kape kern kernel kibana kern
	lazy lazy_ntfs linux local locallow log logfile logfiles logging logs lost mail main master messages mft misc mnt mount modules module monthly month mount
	mariadb mdest mongo mongodb mount mssql mssqlserver my mysql mysqld network new nginx node ntfs ntfs_vss ntfs_vss_ts nt
	old opensearch ora oracle org out output owa partition pcap pg pg_log pgdata pgsql php postgres postgresql powershell processed programs public
	raw raw_ntfs readonly received recovered redis registry remote report reports response restored result results roaming rotated rsyslog
	samba sample samples saved scheduled secure security server servers service services session share shared sharepoint site sites smb snapshot snapshots
	snort source sparse splunk sql squid src ssh staging std storage supervisor suricata sysmon syslog syslogs system systemd systemprofile
	tar target targets task tdest temporary test testdata text tmp tomcat tool tools triage txt
	unix unknown unpacked unzipped update upload uploads user userdata usn
	velociraptor vol volume volumes vsftpd vss w3svc web weblogs weblogic websites webserver week weekly wildfly win windows winevt winlogbeat winlogs work workspace wtmp www
	year yearly zeek zip
	browsinghistory deletedfiles filedeletion filefolderaccess filedownload fileknowledge foldersopened executables liveresponse lnkfilesandjumplists
	programexecution sqldatabases systeminfo usbdevices antivirus memory communications misconduct timelining longfilenames
	january february march april may june july august september october november december
	jan feb mar apr jun jul aug sep oct nov dec`,
	"__macosx")

// countedWords make no name of the number that follows them, as tomcat9 and disk-2 are none; web01 and db1 are names.
var countedWords = words(`apache batch block case copy day disk dump evidence evtx exhibit folder ftpsvc httpd image item log logs
	month mssql nginx part partition pgsql php postgres postgresql report snapshot tomcat vol volume vss w3svc week year`)

// trimArchive takes away what says that a file is an archive.
func trimArchive(name string) string {
	for {
		i := strings.LastIndexByte(name, '.')
		if i <= 0 || !archiveExtensions[strings.ToLower(name[i+1:])] {
			return name
		}
		name = name[:i]
	}
}

var archiveExtensions = words(`zip tar gz tgz bz2 bz tbz tbz2 xz txz zst zstd tzst 7z rar cab`)
