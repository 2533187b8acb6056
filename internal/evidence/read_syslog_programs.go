package evidence

import (
	"bytes"
	"slices"
	"strings"
)

// program is what is known of a program that logs: where its messages usually go and how they are read.
type program struct {
	name   string // Source.Provider
	names  string // further names under which it logs
	usual  logChannel
	esxi   string // Source.Channel on an ESXi host
	layout layout
	parse  func(text []byte, own fields)
	also   []alias
	device func(text []byte) logChannel // for appliances: the log of a message; unknownChannel where it is none of theirs
}

// alias gives a slot a second name, because rules know the field by the name that the log itself uses.
type alias struct {
	name string
	slot int
}

// layout is a list of fields that several programs share.
type layout uint8

const (
	layoutPlain layout = iota
	layoutAccess
	layoutAccount
	layoutCron
	layoutUnit
	layoutPacket
	layoutLease
	layoutQuery
	layoutFile
	layoutHypervisor
	layoutFlow
)

// Slots of layoutAccess and layoutAccount: who came, from where, how, and whether they were let in.
const (
	accAction = iota
	accOutcome
	accMethod
	accUser
	accSrcIP
	accSrcHost
	accSrcPort
	accInvalid
	accBy
	accRunas
	accService
	accSession
	accTTY
	accCwd
	accCommand
	accKeyType
	accKey
	accReason
	accFile
	accBytes
	accRepeated
	accUID
	accGID
	accGroup
	accHome
	accShell
)

// Slots of layoutHypervisor behind those of layoutAccess up to accRepeated.
const (
	hostObject = iota + accUID // virtual machine, account, service or setting that the message is about
	hostEvent                  // name of the event or task, as the log spells it
	hostValue
)

// Slots of layoutFlow behind those of layoutAccess up to accRepeated: what gateways, firewalls and their services tell.
const (
	flowVerb = iota + accUID // the device's own word for what it did
	flowBlocked
	flowDstIP
	flowDstHost
	flowDstPort
	flowProtocol
	flowBytesIn
	flowBytesOut
	flowAssigned
	flowNAT
	flowMAC
	flowClient
	flowQuery
	flowRecordType
	flowAnswer
	flowURI
	flowMethod
	flowStatus
	flowAgent
	flowRule
	flowApplication
	flowGroup
	flowType
	flowSubtype
	flowEventID
	flowIn
	flowOut
	flowSignature
	flowDuration
	flowSrcCountry
	flowDstCountry
	flowConfig
	flowText
	flowSlots
)

// Slots of the other layouts. In all of them slot 0 is the action.
const (
	cronUser    = 1
	cronCommand = 2

	unitName   = 1
	unitResult = 2
	unitUser   = 3

	pktIn      = 1
	pktOut     = 2
	pktSrcIP   = 3
	pktDstIP   = 4
	pktProto   = 5
	pktSrcPort = 6
	pktDstPort = 7
	pktMAC     = 8
	pktUptime  = 9
	pktProcess = 10

	leaseAddress   = 1
	leaseMAC       = 2
	leaseName      = 3
	leaseInterface = 4
	leaseServer    = 5

	queryName   = 1
	queryType   = 2
	querySrcIP  = 3
	querySrc    = 4 // port
	queryAnswer = 5

	fileName      = 1
	fileSignature = 2
)

var layoutFields = [...][]string{
	layoutPlain:  nil,
	layoutAccess: accessFields[:accUID], layoutAccount: accessFields,
	layoutCron:   {"action", "user", "command"},
	layoutUnit:   {"action", "unit", "result", "user"},
	layoutPacket: {"action", "in", "out", "src_ip", "dst_ip", "protocol", "src_port", "dst_port", "mac", "uptime", "process"},
	layoutLease:  {"action", "address", "mac", "client_name", "interface", "server"},
	layoutQuery:  {"action", "query", "record_type", "src_ip", "src_port", "answer"},
	layoutFile:   {"action", "file", "signature"},

	layoutHypervisor: append(slices.Clone(accessFields[:accUID]), "object", "event", "value"),
	layoutFlow:       append(slices.Clone(accessFields[:accUID]), flowFields...),
}

var flowFields = []string{"device_action", "blocked", "dst_ip", "dst_host", "dst_port", "protocol", "bytes_in", "bytes_out", "assigned_ip", "nat_ip", "mac",
	"client_name", "query", "record_type", "answer", "c-uri", "cs-method", "sc-status", "c-useragent", "rule", "application", "group", "type", "subtype",
	"event_id", "in", "out", "signature", "duration", "src_country", "dst_country", "cfgpath", "msg"}

// flowAlso are the names by which rules for proxies and name servers know fields of layoutFlow.
var flowAlso = []alias{{"cs-host", flowDstHost}, {"cs-username", accUser}, {"c-ip", accSrcIP}}

var accessFields = []string{"action", "outcome", "method", "user", "src_ip", "src_host", "src_port", "invalid_user", "by", "runas", "service", "session",
	"tty", "cwd", "command", "key_type", "key", "reason", "file", "bytes", "repeated", "uid", "gid", "group", "home", "shell"}

// programs is every program that has a name of its own in Source.Provider. The first stands for all others.
var programs = []program{
	{name: "", usual: syslogChannel, layout: layoutAccess, parse: parseOther},
	{name: "sysmon", names: "Linux-Sysmon", usual: syslogChannel},

	{name: "sshd", names: "sshd-session sshd-auth dropbear", usual: authChannel, esxi: "auth", layout: layoutAccess, parse: parseSSHD},
	{name: "sudo", names: "doas sudo-rs", usual: authChannel, layout: layoutAccess, parse: parseSudo,
		also: []alias{{"USER", accRunas}, {"TTY", accTTY}, {"PWD", accCwd}, {"COMMAND", accCommand}}},
	{name: "su", names: "su-l runuser runuser-l", usual: authChannel, esxi: "auth", layout: layoutAccess, parse: parseSu},
	{name: "login", names: "remote rlogin rshd rexecd in.telnetd telnetd in.rlogind in.rshd gdm gdm-password gdm-session-worker lightdm sddm kdm", usual: authChannel, esxi: "auth", layout: layoutAccess, parse: parseLogin},
	{name: "systemd-logind", names: "elogind elogind-daemon", usual: authChannel, layout: layoutAccess, parse: parseLogind},
	{name: "polkitd", names: "polkit-agent-helper-1 pkexec", usual: authChannel, layout: layoutAccess, parse: parsePolkit},
	{name: "xrdp", names: "xrdp-sesman", usual: authChannel, layout: layoutAccess, parse: parseOther},
	{name: "cockpit", names: "cockpit-session cockpit-ws cockpit-tls", usual: authChannel, layout: layoutAccess, parse: parseOther},
	{name: "sssd", names: "sssd_be sssd_nss sssd_pam krb5_child winbindd", usual: authChannel, layout: layoutAccess, parse: parseOther},
	{name: "fail2ban", names: "fail2ban-server fail2ban.actions fail2ban.filter", usual: syslogChannel, layout: layoutAccess, parse: parseFail2ban},
	{name: "useradd", names: "adduser newusers", usual: authChannel, layout: layoutAccount, parse: parseAccount},
	{name: "userdel", names: "deluser", usual: authChannel, layout: layoutAccount, parse: parseAccount},
	{name: "usermod", names: "chage chfn chsh lchage lusermod", usual: authChannel, layout: layoutAccount, parse: parseAccount},
	{name: "groupadd", names: "groupdel groupmod gpasswd addgroup delgroup", usual: authChannel, layout: layoutAccount, parse: parseAccount},
	{name: "passwd", names: "chpasswd chgpasswd kpasswdd kadmind unix_chkpwd", usual: authChannel, esxi: "auth", layout: layoutAccount, parse: parseAccount},

	{name: "cron", names: "CRON crond CROND cronie fcron cron.daily", usual: cronChannel, esxi: "syslog", layout: layoutCron, parse: parseCron},
	{name: "crontab", usual: cronChannel, layout: layoutCron, parse: parseCron},
	{name: "anacron", names: "run-parts", usual: cronChannel, layout: layoutCron, parse: parseAnacron},
	{name: "atd", names: "at", usual: cronChannel, layout: layoutCron, parse: parseAtd},

	{name: "kernel", names: "vmlinux klogd", usual: kernChannel, esxi: "vmkernel", layout: layoutPacket, parse: parseKernel},
	{name: "systemd", names: "(systemd) systemd-user init upstart", usual: syslogChannel, layout: layoutUnit, parse: parseUnit},
	{name: "dbus", names: "dbus-daemon dbus-broker dbus-broker-launch", usual: syslogChannel},
	{name: "rsyslogd", names: "syslogd syslog-ng rsyslogd-2007 rsyslogd-2177 imuxsock", usual: syslogChannel, esxi: "syslog"},
	{name: "systemd-journald", names: "systemd-journal", usual: syslogChannel},
	{name: "auditd", names: "audispd audisp-syslog audit audisp-remote auditctl augenrules", usual: syslogChannel},
	{name: "NetworkManager", names: "nm-dispatcher systemd-networkd systemd-resolved wpa_supplicant", usual: syslogChannel},
	{name: "dhclient", names: "dhcpcd", usual: syslogChannel, layout: layoutLease, parse: parseLease},
	{name: "dhcpd", names: "dnsmasq-dhcp kea-dhcp4 kea-dhcp6 dhcpd6 omshell", usual: syslogChannel, layout: layoutLease, parse: parseLease},
	{name: "named", names: "dnsmasq unbound named-pkcs11", usual: syslogChannel, layout: layoutQuery, parse: parseQuery},
	{name: "ntpd", names: "chronyd systemd-timesyncd ntpdate sntp", usual: syslogChannel},

	{name: "vsftpd", usual: authChannel, layout: layoutAccess, parse: parseVsftpd},
	{name: "xferlog", usual: authChannel, layout: layoutAccess, parse: parseTransfer},
	{name: "proftpd", names: "pure-ftpd ftpd in.ftpd", usual: authChannel, layout: layoutAccess, parse: parseProftpd},
	{name: "postfix", names: "sendmail sm-mta exim exim4", usual: mailChannel, layout: layoutAccess, parse: parseMail},
	{name: "dovecot", names: "imapd pop3d cyrus", usual: mailChannel, layout: layoutAccess, parse: parseMail},
	{name: "openvpn", names: "ovpn-server openvpn-server", usual: syslogChannel, layout: layoutFlow, parse: parseOpenVPN},
	{name: "charon", names: "charon-systemd strongswan ipsec_starter pluto", usual: syslogChannel, layout: layoutFlow, parse: parseCharon},
	{name: "pppd", names: "pptpd xl2tpd pptp accel-pppd", usual: syslogChannel, layout: layoutFlow, parse: parsePPP},
	{name: "radiusd", names: "freeradius radius", usual: authChannel, layout: layoutFlow, parse: parseRadius},
	{name: "clamd", names: "clamav freshclam clamav-milter clamonacc clamscan", usual: syslogChannel, layout: layoutFile, parse: parseClam},
	{name: "guacd", names: "guacamole", usual: syslogChannel, layout: layoutAccess, parse: parseOther},
	{name: "smbd", names: "smbd_audit nmbd samba", usual: syslogChannel, layout: layoutAccess, parse: parseOther},
	{name: "nfsd", names: "rpc.mountd mountd rpc.statd rpcbind", usual: syslogChannel, layout: layoutAccess, parse: parseOther},
	{name: "rsyncd", names: "rsync", usual: syslogChannel, layout: layoutAccess, parse: parseOther},
	{name: "mysqld", names: "mariadbd mysql mariadb mysqld_safe", usual: syslogChannel},
	{name: "postgres", names: "postgresql", usual: syslogChannel},
	{name: "apache2", names: "httpd apache", usual: syslogChannel},
	{name: "nginx", usual: syslogChannel},
	{name: "haproxy", names: "keepalived Keepalived Keepalived_vrrp", usual: syslogChannel},
	{name: "docker", names: "dockerd containerd podman crio conmon", usual: syslogChannel},
	{name: "kubelet", names: "k3s kube-apiserver kube-proxy", usual: syslogChannel},
	{name: "zabbix_agentd", names: "zabbix_agent2 nrpe snmpd", usual: syslogChannel},
	{name: "ansible", names: "ansible-command ansible-setup puppet-agent salt-minion chef-client", usual: syslogChannel},

	{name: "vmkernel", names: "vmkwarning vmkeventd", usual: kernChannel, esxi: "vmkernel", layout: layoutHypervisor, parse: parseVMKernel},
	{name: "hostd", names: "Hostd hostd-probe Rhttpproxy rhttpproxy envoy", usual: syslogChannel, esxi: "hostd", layout: layoutHypervisor, parse: parseHostd},
	{name: "vpxa", names: "Vpxa Fdm fdm", usual: syslogChannel, esxi: "vpxa", layout: layoutHypervisor, parse: parseHostd},
	{name: "shell", names: "ESXShell SSH DCUI dcui ash", usual: syslogChannel, esxi: "shell", layout: layoutHypervisor, parse: parseShellLog},
	{name: "esxcli", names: "esxcli-software localcli esxupdate", usual: syslogChannel, esxi: "shell", layout: layoutHypervisor, parse: parseEsxcli},
	{name: "vobd", usual: syslogChannel, esxi: "vobd", layout: layoutHypervisor, parse: parseVobd},

	{name: "fortigate", layout: layoutFlow, parse: parseFortinet, also: flowAlso, device: fortinetLog},
	{name: "asa", layout: layoutFlow, parse: parseASA, also: flowAlso, device: asaLog},
	{name: "panos", layout: layoutFlow, parse: parsePAN, also: flowAlso, device: panLog},
	{name: "sonicwall", layout: layoutFlow, parse: parseSonicWall, also: flowAlso, device: sonicWallLog},
	{name: "sophos", layout: layoutFlow, parse: parseSophos, also: flowAlso, device: sophosLog},
	{name: "cef", layout: layoutFlow, parse: parseCEF, also: flowAlso, device: cefLog},
	{name: "filterlog", layout: layoutFlow, parse: parseFilterlog, also: flowAlso, device: filterLog},
	{name: "snort", names: "suricata", layout: layoutFlow, parse: parseSnort, also: flowAlso, device: snortLog},
	{name: "squid", names: "(squid-1) squid-1", layout: layoutFlow, parse: parseSquid, also: flowAlso, device: squidLog},
}

const sysmonProgram = 1

// programIndex finds a program by each of its names.
var programIndex = func() map[string]int {
	m := map[string]int{}
	for i, p := range programs {
		if p.name != "" {
			m[p.name] = i
		}
		for _, n := range strings.Fields(p.names) {
			m[n] = i
		}
	}
	return m
}()

// findProgram returns the index into programs for a name as it stands in a log: with a path before it, with a part of
// itself behind a slash (postfix/smtpd), or with the PAM module in parentheses that old systems put there.
func findProgram(name []byte) (p int, pam bool) {
	if p, ok := programIndex[string(name)]; ok {
		return p, false
	}
	if i := bytes.IndexByte(name, '('); i > 0 {
		pam = bytes.HasPrefix(name[i:], []byte("(pam"))
		name = name[:i]
	}
	if i := bytes.LastIndexByte(name, '/'); i >= 0 {
		if name[0] == '/' {
			name = name[i+1:]
		} else {
			name = name[:bytes.IndexByte(name, '/')]
		}
	}
	return programIndex[string(name)], pam
}
