package match

import (
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// target is a set of records that a log source selects, with the names under which they keep a rule's fields. Empty
// parts select any.
type target struct {
	product  string
	channel  string // lower case
	provider string // lower case
	ids      []uint32
	alias    map[string]alias
}

func (t *target) selects(s event.Source) bool {
	return (len(t.ids) == 0 || slices.Contains(t.ids, s.EventID)) && t.selectsLog(s)
}

// selectsLog is selects, whatever the event.
func (t *target) selectsLog(s event.Source) bool {
	return (t.product == "" || t.product == s.Product) &&
		(t.channel == "" || strings.EqualFold(t.channel, s.Channel)) &&
		(t.provider == "" || strings.EqualFold(t.provider, s.Provider))
}

// alias says where a record keeps a field: under other names, or made from other fields. Several names are tried in
// order, and the first that the schema has is taken.
type alias struct {
	names []string
	from  *derived
}

// derived is a field that no record holds but whose value follows from others.
type derived struct {
	name  string
	needs []string
	make  func(parts []string) []string // one text per need, "" if absent; returns the field's values
}

func named(names ...string) alias { return alias{names: names} }

const (
	sysmonChannel = "microsoft-windows-sysmon/operational"
	psChannel     = "microsoft-windows-powershell/operational"
	pwshChannel   = "powershellcore/operational"
)

func sysmon(ids ...uint32) target {
	return target{product: "windows", channel: sysmonChannel, ids: ids}
}

func security(alias map[string]alias, ids ...uint32) target {
	return target{product: "windows", channel: "security", ids: ids, alias: alias}
}

func channel(name string, ids ...uint32) target {
	return target{product: "windows", channel: name, ids: ids}
}

// windowsCategories maps the categories of the Sigma taxonomy to Windows events: those of Sysmon, and those of the
// Security log that tell the same.
var windowsCategories = map[string][]target{
	"process_creation":         {sysmon(1), security(processCreation, 4688)},
	"file_change":              {sysmon(2)},
	"network_connection":       {sysmon(3), security(networkConnection, 5156)},
	"sysmon_status":            {sysmon(4, 16)},
	"process_termination":      {sysmon(5), security(processTermination, 4689)},
	"driver_load":              {sysmon(6)},
	"image_load":               {sysmon(7)},
	"create_remote_thread":     {sysmon(8)},
	"raw_access_thread":        {sysmon(9)},
	"raw_access_read":          {sysmon(9)},
	"process_access":           {sysmon(10)},
	"file_event":               {sysmon(11)},
	"registry_add":             {sysmon(12)},
	"registry_delete":          {sysmon(12)},
	"registry_set":             {sysmon(13), security(registrySet, 4657)},
	"registry_rename":          {sysmon(14)},
	"registry_event":           {sysmon(12, 13, 14), security(registrySet, 4657)},
	"create_stream_hash":       {sysmon(15)},
	"pipe_created":             {sysmon(17, 18)},
	"wmi_event":                {sysmon(19, 20, 21)},
	"dns_query":                {sysmon(22), {product: "windows", channel: "microsoft-windows-dns-client/operational", ids: []uint32{3006, 3008, 3020}}},
	"file_delete":              {sysmon(23, 26)},
	"clipboard_capture":        {sysmon(24)},
	"process_tampering":        {sysmon(25)},
	"file_delete_detected":     {sysmon(26)},
	"file_block_executable":    {sysmon(27)},
	"file_block_shredding":     {sysmon(28)},
	"file_block":               {sysmon(27, 28)},
	"file_executable_detected": {sysmon(29)},
	"sysmon_error":             {sysmon(255)},
	"ps_module":                {channel(psChannel, 4103), channel(pwshChannel, 4103)},
	"ps_script":                {channel(psChannel, 4104), channel(pwshChannel, 4104)},
	"ps_classic_start":         {channel("windows powershell", 400)},
	"ps_classic_provider_start": {
		channel("windows powershell", 600)},
	"ps_classic_script": {channel("windows powershell", 800)},
	"file_access":       {{product: "windows", provider: "microsoft-windows-kernel-file"}, security(fileAccess, 4663)},
	"file_rename":       {{product: "windows", provider: "microsoft-windows-kernel-file"}},
	"antivirus":         {{product: "windows", channel: "microsoft-windows-windows defender/operational", ids: []uint32{1006, 1007, 1008, 1009, 1010, 1011, 1012, 1015, 1116, 1117, 1118, 1119}, alias: defender}},
}

// windowsServices maps the services of the taxonomy to channels.
var windowsServices = map[string][]string{
	"security":                             {"security"},
	"system":                               {"system"},
	"application":                          {"application"},
	"sysmon":                               {sysmonChannel},
	"powershell":                           {psChannel, pwshChannel},
	"powershell-classic":                   {"windows powershell"},
	"taskscheduler":                        {"microsoft-windows-taskscheduler/operational"},
	"wmi":                                  {"microsoft-windows-wmi-activity/operational"},
	"dns-server":                           {"dns server"},
	"dns-server-audit":                     {"microsoft-windows-dns-server/audit", "microsoft-windows-dnsserver/audit"},
	"dns-server-analytic":                  {"microsoft-windows-dns-server/analytical", "microsoft-windows-dnsserver/analytical"},
	"dns-client":                           {"microsoft-windows-dns-client/operational", "microsoft-windows-dns client events/operational"},
	"driver-framework":                     {"microsoft-windows-driverframeworks-usermode/operational"},
	"ntlm":                                 {"microsoft-windows-ntlm/operational"},
	"dhcp":                                 {"microsoft-windows-dhcp-server/operational"},
	"msexchange-management":                {"msexchange management"},
	"applocker":                            {"microsoft-windows-applocker/exe and dll", "microsoft-windows-applocker/msi and script", "microsoft-windows-applocker/packaged app-deployment", "microsoft-windows-applocker/packaged app-execution"},
	"printservice-admin":                   {"microsoft-windows-printservice/admin"},
	"printservice-operational":             {"microsoft-windows-printservice/operational"},
	"codeintegrity-operational":            {"microsoft-windows-codeintegrity/operational"},
	"smbclient-security":                   {"microsoft-windows-smbclient/security"},
	"smbclient-connectivity":               {"microsoft-windows-smbclient/connectivity"},
	"smbserver-connectivity":               {"microsoft-windows-smbserver/connectivity"},
	"smbserver-security":                   {"microsoft-windows-smbserver/security"},
	"firewall-as":                          {"microsoft-windows-windows firewall with advanced security/firewall"},
	"bits-client":                          {"microsoft-windows-bits-client/operational"},
	"windefend":                            {"microsoft-windows-windows defender/operational"},
	"terminalservices-localsessionmanager": {"microsoft-windows-terminalservices-localsessionmanager/operational"},
	"terminalservices-remoteconnectionmanager": {"microsoft-windows-terminalservices-remoteconnectionmanager/operational"},
	"microsoft-servicebus-client":              {"microsoft-servicebus-client", "microsoft-servicebus-client/operational"},
	"ldap":                                     {"microsoft-windows-ldap-client/debug"},
	"ldap_debug":                               {"microsoft-windows-ldap-client/debug"},
	"security-mitigations":                     {"microsoft-windows-security-mitigations/kernelmode", "microsoft-windows-security-mitigations/usermode", "microsoft-windows-security-mitigations/kernel mode", "microsoft-windows-security-mitigations/user mode"},
	"diagnosis-scripted":                       {"microsoft-windows-diagnosis-scripted/operational"},
	"shell-core":                               {"microsoft-windows-shell-core/operational"},
	"openssh":                                  {"openssh/operational"},
	"bitlocker":                                {"microsoft-windows-bitlocker/bitlocker management"},
	"vhdmp":                                    {"microsoft-windows-vhdmp/operational", "microsoft-windows-vhdmp-operational"},
	"appxdeployment-server":                    {"microsoft-windows-appxdeploymentserver/operational", "microsoft-windows-appxdeployment-server/operational"},
	"appxpackaging-om":                         {"microsoft-windows-appxpackaging/operational"},
	"appmodel-runtime":                         {"microsoft-windows-appmodel-runtime/admin"},
	"lsa-server":                               {"microsoft-windows-lsa/operational"},
	"capi2":                                    {"microsoft-windows-capi2/operational"},
	"certificateservicesclient-lifecycle-system": {"microsoft-windows-certificateservicesclient-lifecycle-system/operational"},
	"iis-configuration":                          {"microsoft-iis-configuration/operational"},
	"winrm":                                      {"microsoft-windows-winrm/operational"},
	"group-policy":                               {"microsoft-windows-grouppolicy/operational"},
	// Traces beside logs, which the taxonomy has no word for: docs/format/events-traces.md.
	"mft":                {"mft"},
	"usnjrnl":            {"usnjrnl"},
	"srum":               {"srum network", "srum application", "srum connectivity"},
	"file-listing":       {"file listing"},
	"file-marks":         {"file marks"},
	"amcache":            {"amcache", "amcache drivers", "amcache programs"},
	"bam":                {"bam"},
	"minidump":           {"minidump"},
	"prefetch":           {"prefetch"},
	"rdp-client":         {"rdp client"},
	"registry":           {"registry services", "registry run", "registry settings", "registry shares", "registry system", "registry interfaces"},
	"registry-run":       {"registry run"},
	"registry-services":  {"registry services"},
	"registry-settings":  {"registry settings"},
	"registry-shares":    {"registry shares"},
	"sam":                {"sam"},
	"shimcache":          {"shimcache"},
	"task-files":         {"task files", "taskcache"},
	"policy-preferences": {"policy preferences"},
	"userassist":         {"userassist"},
}

var processCreation = map[string]alias{
	"Image":           named("NewProcessName"),
	"ProcessId":       named("NewProcessId"),
	"ParentProcessId": named("ProcessId"),
	"ParentImage":     named("ParentProcessName"),
	"CommandLine":     named("CommandLine", "ProcessCommandLine"),
	"LogonId":         named("SubjectLogonId"),
	"User":            {from: subjectUser},
	"IntegrityLevel":  {from: integrity},
}

var processTermination = map[string]alias{"Image": named("ProcessName"), "User": {from: subjectUser}}

var networkConnection = map[string]alias{
	"Image":           {from: application},
	"SourceIp":        named("SourceAddress"),
	"DestinationIp":   named("DestAddress"),
	"DestinationPort": named("DestPort"),
	"Initiated":       {from: initiated},
	"Protocol":        {from: protocol},
}

var registrySet = map[string]alias{
	"TargetObject": {from: targetObject},
	"Details":      named("NewValue"),
	"Image":        named("ProcessName"),
	"User":         {from: subjectUser},
}

var fileAccess = map[string]alias{"FileName": named("ObjectName"), "Image": named("ProcessName")}

var defender = map[string]alias{
	"Signature": named("Threat Name", "ThreatName"),
	"Filename":  named("Path"),
	"Action":    named("Action Name", "ActionName"),
}

var subjectUser = &derived{"User", []string{"SubjectDomainName", "SubjectUserName"}, func(p []string) []string {
	if p[1] == "" {
		return nil
	}
	return []string{p[0] + `\` + p[1]}
}}

// integrity gives the level both as Security 4688 writes it, a SID, and as Sysmon does.
var integrity = &derived{"IntegrityLevel", []string{"MandatoryLabel"}, func(p []string) []string {
	word, ok := map[string]string{
		"S-1-16-0": "Untrusted", "S-1-16-4096": "Low", "S-1-16-8192": "Medium", "S-1-16-8448": "Medium",
		"S-1-16-12288": "High", "S-1-16-16384": "System",
	}[p[0]]
	if !ok {
		return []string{p[0]}
	}
	return []string{p[0], word}
}}

// application spells the program of Security 5156 as Sysmon does. The event names the volume and not its letter; programs
// that rules know by their folder lie on the system's.
var application = &derived{"Image", []string{"Application"}, func(p []string) []string {
	const device = `\device\harddiskvolume`
	if s := p[0]; len(s) > len(device) && strings.EqualFold(s[:len(device)], device) {
		if i := strings.IndexByte(s[len(device):], '\\'); i > 0 {
			return []string{"C:" + s[len(device)+i:]}
		}
	}
	return []string{p[0]}
}}

var initiated = &derived{"Initiated", []string{"Direction"}, func(p []string) []string {
	switch p[0] {
	case "%%14593":
		return []string{"true"}
	case "%%14592":
		return []string{"false"}
	}
	return nil
}}

var protocol = &derived{"Protocol", []string{"Protocol"}, func(p []string) []string {
	switch p[0] {
	case "6":
		return []string{"tcp"}
	case "17":
		return []string{"udp"}
	}
	return []string{p[0]}
}}

// targetObject spells the key and value of Security 4657 as Sysmon does.
var targetObject = &derived{"TargetObject", []string{"ObjectName", "ObjectValueName"}, func(p []string) []string {
	if p[0] == "" {
		return nil
	}
	key := p[0]
	for _, root := range [][2]string{{`\REGISTRY\MACHINE`, "HKLM"}, {`\REGISTRY\USER`, "HKU"}} {
		if n := len(root[0]); len(key) >= n && strings.EqualFold(key[:n], root[0]) {
			key = root[1] + key[n:]
		}
	}
	return []string{key + `\` + p[1]}
}}

var webAlias = map[string]alias{
	"c-useragent":     named("cs-user-agent", "cs(User-Agent)"),
	"cs-user-agent":   named("cs-user-agent", "cs(User-Agent)"),
	"cs-referer":      named("cs-referer", "cs(Referer)"),
	"cs-referrer":     named("cs-referer", "cs(Referer)"),
	"cs-cookie":       named("cs-cookie", "cs(Cookie)"),
	"cs-uri":          named("c-uri", "cs-uri"),
	"c-uri-query":     named("cs-uri-query"),
	"c-uri-stem":      named("cs-uri-stem"),
	"c-uri-extension": named("c-uri-extension", "cs-uri-extension"),
	"src_ip":          named("c-ip"),
}

// The logs of firewalls, name servers and proxies, in the taxonomy's categories.
var networkCategories = map[string][]target{
	"firewall": {{product: "network", channel: "firewall", alias: firewallAlias}, {product: "linux", provider: "kernel", alias: firewallAlias}, {product: "windows", channel: "firewall", alias: firewallAlias}},
	"dns":      {{product: "network", channel: "dns", alias: dnsAlias}, {product: "linux", provider: "named", alias: dnsAlias}},
	"proxy":    {{product: "network", channel: "proxy", alias: proxyAlias}, {product: "web", channel: "access", provider: "w3c", alias: webAlias}},
}

// firewallAlias spells what a packet's fate is called as rules expect it: accept or forward, and blocked.
var firewallAlias = map[string]alias{
	"action":  {from: firewallAction},
	"blocked": {from: firewallBlocked},
}

// firewallAction gives the device's own word and, for what was let through, "accept" besides.
var firewallAction = &derived{"action", []string{"action", "blocked"}, func(p []string) []string {
	switch {
	case p[0] == "":
		return nil
	case p[0] != "accept" && stopped(p[1], p[0]) == "false":
		return []string{p[0], "accept"}
	}
	return []string{p[0]}
}}

var firewallBlocked = &derived{"blocked", []string{"blocked", "action"}, func(p []string) []string { return one(stopped(p[0], p[1])) }}

// stopped is what the reader says of a packet's fate, else what follows from the word: those of iptables are free text.
func stopped(blocked, word string) string {
	if blocked != "" {
		return blocked
	}
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToUpper(word), w) })
	}
	switch {
	case has("BLOCK", "DROP", "DENY", "REJECT"):
		return "true"
	case has("ALLOW", "ACCEPT"):
		return "false"
	}
	return ""
}

var dnsAlias = map[string]alias{"r_data": named("answer"), "QueryName": named("query")}

var proxyAlias = map[string]alias{
	"cs-host":         named("cs-host", "dst_host"),
	"r-dns":           named("dst_host"),
	"cs-uri":          named("c-uri"),
	"cs-user-agent":   named("c-useragent"),
	"c-uri-extension": {from: uriExtension},
	"c-uri-query":     {from: uriQuery},
	"c-uri-stem":      {from: uriStem},
	"cs-uri-stem":     {from: uriStem},
	"cs-uri-query":    {from: uriQuery},
	"cs-bytes":        named("bytes_out"),
	"sc-bytes":        named("bytes_in"),
}

// splitURI takes path and query out of an address.
func splitURI(uri string) (stem, query string) {
	if i := strings.Index(uri, "://"); i >= 0 {
		uri = uri[i+3:]
		if j := strings.IndexByte(uri, '/'); j >= 0 {
			uri = uri[j:]
		} else {
			uri = "/"
		}
	}
	stem, query, _ = strings.Cut(uri, "?")
	return stem, query
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

var uriStem = &derived{"c-uri-stem", []string{"c-uri"}, func(p []string) []string {
	stem, _ := splitURI(p[0])
	return one(stem)
}}

var uriQuery = &derived{"c-uri-query", []string{"c-uri"}, func(p []string) []string {
	_, query := splitURI(p[0])
	return one(query)
}}

var uriExtension = &derived{"c-uri-extension", []string{"c-uri"}, func(p []string) []string {
	stem, _ := splitURI(p[0])
	stem = stem[strings.LastIndexByte(stem, '/')+1:]
	if i := strings.LastIndexByte(stem, '.'); i >= 0 {
		return one(stem[i+1:])
	}
	return nil
}}

// devices are the products whose logs are told from others of their kind by the provider.
var devices = map[string]string{"fortigate": "fortigate", "fortinet": "fortigate", "fortios": "fortigate", "paloalto": "panos", "panos": "panos", "sonicwall": "sonicwall", "sophos": "sophos", "pfsense": "filterlog",
	"opnsense": "filterlog", "squid": "squid", "ivanti": "ivanti", "snort": "snort", "suricata": "snort"}

// deviceTargets selects the logs of one maker's devices. Services of the taxonomy name the logs otherwise than the devices do.
func deviceTargets(provider, category, service string) []target {
	t := target{product: "network", provider: provider}
	switch category {
	case "firewall":
		t.channel, t.alias = "firewall", firewallAlias
	case "dns":
		t.channel, t.alias = "dns", dnsAlias
	case "proxy", "webserver":
		t.channel, t.alias = "proxy", proxyAlias
	}
	switch service {
	case "traffic", "forward":
		t.channel, t.alias = "firewall", firewallAlias
	case "vpn", "sslvpn", "globalprotect":
		t.channel = "vpn"
	}
	return []target{t}
}

var linuxCategories = map[string][]target{
	"process_creation":    {{product: "linux", channel: "sysmon", ids: []uint32{1}}, {product: "linux", channel: "auditd", provider: "execve"}},
	"network_connection":  {{product: "linux", channel: "sysmon", ids: []uint32{3}}},
	"process_termination": {{product: "linux", channel: "sysmon", ids: []uint32{5}}},
	"raw_access_thread":   {{product: "linux", channel: "sysmon", ids: []uint32{9}}},
	"file_event":          {{product: "linux", channel: "sysmon", ids: []uint32{11}}},
	"file_delete":         {{product: "linux", channel: "sysmon", ids: []uint32{23}}},
}

var linuxServices = map[string][]target{
	"auditd":    {{product: "linux", channel: "auditd"}},
	"auth":      {{product: "linux", channel: "auth"}, {product: "linux", channel: "journal", provider: "sshd"}, {product: "linux", channel: "journal", provider: "sudo"}, {product: "linux", channel: "journal", provider: "su"}},
	"syslog":    {{product: "linux", channel: "syslog"}, {product: "linux", channel: "auth"}, {product: "linux", channel: "cron"}, {product: "linux", channel: "kern"}, {product: "linux", channel: "mail"}, {product: "linux", channel: "journal"}},
	"sshd":      {{product: "linux", provider: "sshd"}},
	"sudo":      {{product: "linux", provider: "sudo"}},
	"su":        {{product: "linux", provider: "su"}},
	"cron":      {{product: "linux", provider: "cron"}, {product: "linux", channel: "cron"}},
	"vsftpd":    {{product: "linux", provider: "vsftpd"}},
	"clamav":    {{product: "linux", provider: "clamd"}},
	"guacamole": {{product: "linux", provider: "guacd"}},

	"file-listing": {{product: "linux", channel: "file listing"}},
	"file-marks":   {{product: "linux", channel: "file marks"}},
	"minidump":     {{product: "linux", channel: "minidump"}},
}

// fileServices are the traces of files whatever the system: a rule for them need not name a product.
var fileServices = map[string]string{"file-listing": "file listing", "file-marks": "file marks"}

// readers names what Wardround reads, so that a rule for anything else is listed with the reason.
var products = map[string]bool{"windows": true, "linux": true, "esxi": true, "web": true, "database": true, "network": true, "cisco": true}

// targets says which records a log source selects, or why none can be.
func targets(ls sigma.LogSource) ([]target, error) {
	product, category, service := strings.ToLower(ls.Product), strings.ToLower(ls.Category), strings.ToLower(ls.Service)
	switch {
	case product == "windows":
		return windowsTargets(category, service)
	case product == "linux":
		return linuxTargets(category, service)
	case product == "" && category == "" && fileServices[service] != "":
		return []target{{channel: fileServices[service]}}, nil
	case category == "webserver" || product == "" && slices.Contains([]string{"apache", "nginx", "iis", "tomcat"}, service):
		return webTargets(category, service), nil
	case product == "" && category == "antivirus":
		return windowsCategories["antivirus"], nil
	case product == "" && category == "process_creation":
		return slices.Concat(windowsCategories[category], linuxCategories[category]), nil
	case product == "" && (category == "database" || service == "postgresql" || service == "mysql" || service == "mssql" || service == "oracle"):
		return []target{{product: "database", channel: service}}, nil
	case product == "sql" && category == "application":
		return []target{{product: "database"}}, nil
	case product == "" && service == "" && networkCategories[category] != nil:
		return networkCategories[category], nil
	case devices[product] != "":
		return deviceTargets(devices[product], category, service), nil
	case product == "cisco" && (service == "" || service == "asa" || service == "ftd") && category != "":
		return deviceTargets("asa", category, service), nil
	case product == "cisco" && category == "" && (service == "asa" || service == "ftd"):
		return deviceTargets("asa", "", service), nil
	case product == "cisco" && category == "" && service != "duo":
		return []target{{product: "cisco"}, {product: "network", provider: "asa"}}, nil
	case products[product]:
		t := target{product: product, channel: service}
		if category != "" {
			return nil, fmt.Errorf("no reader yields product %q, category %q", ls.Product, ls.Category)
		}
		return []target{t}, nil
	}
	return nil, fmt.Errorf("no reader yields product %q, category %q, service %q", ls.Product, ls.Category, ls.Service)
}

func windowsTargets(category, service string) ([]target, error) {
	var byCategory []target
	if category != "" {
		byCategory = windowsCategories[category]
		if byCategory == nil {
			return nil, fmt.Errorf("no Windows event is known for category %q", category)
		}
	}
	if service == "" {
		if category == "" {
			return []target{{product: "windows"}}, nil
		}
		return byCategory, nil
	}
	channels := windowsServices[service]
	if channels == nil {
		return nil, fmt.Errorf("no Windows channel is known for service %q", service)
	}
	var out []target
	for _, c := range channels {
		if category == "" {
			t := target{product: "windows", channel: c}
			if service == "windefend" {
				t.alias = defender
			}
			out = append(out, t)
			continue
		}
		for _, t := range byCategory {
			if t.channel == "" || t.channel == c {
				t.channel = c
				out = append(out, t)
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("category %q never stands in the channel of service %q", category, service)
	}
	return out, nil
}

func linuxTargets(category, service string) ([]target, error) {
	switch {
	case category != "" && linuxCategories[category] == nil:
		return nil, fmt.Errorf("no Linux event is known for category %q", category)
	case service != "" && linuxServices[service] == nil:
		return nil, fmt.Errorf("no Linux log is known for service %q", service)
	case category != "":
		return linuxCategories[category], nil
	case service != "":
		return linuxServices[service], nil
	}
	return []target{{product: "linux"}}, nil
}

func webTargets(category, service string) []target {
	t := target{product: "web", provider: service, alias: webAlias}
	if category == "webserver" {
		t.channel = "access"
	}
	return []target{t}
}
