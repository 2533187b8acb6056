package evidence

import (
	"strings"
)

// winRole is what a value is to the record itself, besides being a field of it.
type winRole uint8

const (
	plainField   winRole = iota
	roleChannel          // the log
	roleProvider         // who wrote
	roleEventID          //
	roleHost             // whose log
	roleNumber           // in the log
	roleTime             // when it was written, by the computer's clock and in UTC
	roleFlatTime         // the same in the flat form, where neither is sure
	roleStamp            // a time in UTC that may be the event's or the collector's
	roleReceived         // when the collector took it, by the collector's clock, local
	roleUtcTime          // Sysmon's own time of the act, in UTC
	roleDataName         // the name of the value that stands beside it
	roleData             // that value
	notOfEvent           // of the collector or the envelope
	winRoles
)

// winField says what a path of a JSON object stands for. Of several values with one role the lowest rank has it.
type winField struct {
	name string
	role winRole
	rank int8
}

// winNames maps the paths of all forms in which Windows events are kept as JSON to the names of EVTX. Attributes and
// texts of XML elements stand behind their element (#attributes and #text are left out of the path).
var winNames = map[string]winField{
	// The XML of the event as evtx_dump, Chainsaw and Velociraptor write it.
	"System.Provider.Name":                 {"Provider_Name", roleProvider, 0},
	"System.Provider.Guid":                 {"Provider_Guid", 0, 0},
	"System.Provider.EventSourceName":      {"Provider_EventSourceName", 0, 0},
	"System.EventID":                       {"EventID", roleEventID, 0},
	"System.EventID.Value":                 {"EventID", roleEventID, 0},
	"System.EventID.Qualifiers":            {"Qualifiers", 0, 0},
	"System.Qualifiers":                    {"Qualifiers", 0, 0},
	"System.Version":                       {"Version", 0, 0},
	"System.Level":                         {"Level", 0, 0},
	"System.Task":                          {"Task", 0, 0},
	"System.Opcode":                        {"Opcode", 0, 0},
	"System.Keywords":                      {"Keywords", 0, 0},
	"System.TimeCreated":                   {"TimeCreated", roleTime, 0},
	"System.TimeCreated.SystemTime":        {"TimeCreated", roleTime, 0},
	"System.EventRecordID":                 {"EventRecordID", roleNumber, 0},
	"System.Correlation":                   {"", notOfEvent, 0},
	"System.Correlation.ActivityID":        {"ActivityID", 0, 0},
	"System.Correlation.RelatedActivityID": {"RelatedActivityID", 0, 0},
	"System.Execution.ProcessID":           {"Execution_ProcessID", 0, 0},
	"System.Execution.ThreadID":            {"Execution_ThreadID", 0, 0},
	"System.Channel":                       {"Channel", roleChannel, 0},
	"System.Computer":                      {"Computer", roleHost, 0},
	"System.Security":                      {"", notOfEvent, 0},
	"System.Security.UserID":               {"Security_UserID", 0, 0},
	"RenderingInfo.Message":                {"Message", 0, 0},
	"RenderingInfo.Level":                  {"LevelDisplayName", 0, 0},
	"RenderingInfo.Task":                   {"TaskDisplayName", 0, 0},
	"RenderingInfo.Opcode":                 {"OpcodeDisplayName", 0, 0},
	"RenderingInfo.Keywords.Keyword":       {"KeywordsDisplayNames", 0, 0},

	// Winlogbeat 7 and later, Elastic Agent.
	"winlog.channel":             {"Channel", roleChannel, 0},
	"winlog.provider_name":       {"Provider_Name", roleProvider, 0},
	"winlog.provider_guid":       {"Provider_Guid", 0, 0},
	"winlog.event_id":            {"EventID", roleEventID, 0},
	"winlog.computer_name":       {"Computer", roleHost, 0},
	"winlog.record_id":           {"EventRecordID", roleNumber, 0},
	"winlog.time_created":        {"TimeCreated", roleTime, 0},
	"winlog.version":             {"Version", 0, 0},
	"winlog.task":                {"TaskDisplayName", 0, 0},
	"winlog.opcode":              {"OpcodeDisplayName", 0, 0},
	"winlog.keywords":            {"KeywordsDisplayNames", 0, 0},
	"winlog.level":               {"LevelDisplayName", 0, 0},
	"winlog.activity_id":         {"ActivityID", 0, 0},
	"winlog.related_activity_id": {"RelatedActivityID", 0, 0},
	"winlog.process.pid":         {"Execution_ProcessID", 0, 0},
	"winlog.process.thread.id":   {"Execution_ThreadID", 0, 0},
	"winlog.user.identifier":     {"Security_UserID", 0, 0},
	"winlog.api":                 {"", notOfEvent, 0},
	"log.level":                  {"LevelDisplayName", 0, 0},
	"message":                    {"Message", 0, 0},
	"@timestamp":                 {"", roleStamp, 0},

	// Winlogbeat 6 and earlier.
	"log_name":            {"Channel", roleChannel, 0},
	"source_name":         {"Provider_Name", roleProvider, 0},
	"provider_guid":       {"Provider_Guid", 0, 0},
	"event_id":            {"EventID", roleEventID, 0},
	"computer_name":       {"Computer", roleHost, 0},
	"record_number":       {"EventRecordID", roleNumber, 0},
	"activity_id":         {"ActivityID", 0, 0},
	"related_activity_id": {"RelatedActivityID", 0, 0},
	"process_id":          {"Execution_ProcessID", 0, 0},
	"thread_id":           {"Execution_ThreadID", 0, 0},
	"user.identifier":     {"Security_UserID", 0, 0},
	"task":                {"TaskDisplayName", 0, 0},
	"opcode":              {"OpcodeDisplayName", 0, 0},
	"keywords":            {"KeywordsDisplayNames", 0, 0},
	"level":               {"LevelDisplayName", 0, 0},
	"version":             {"Version", 0, 0},

	// Wazuh.
	"data.win.system.channel":         {"Channel", roleChannel, 0},
	"data.win.system.providerName":    {"Provider_Name", roleProvider, 0},
	"data.win.system.providerGuid":    {"Provider_Guid", 0, 0},
	"data.win.system.eventSourceName": {"Provider_EventSourceName", 0, 0},
	"data.win.system.eventID":         {"EventID", roleEventID, 0},
	"data.win.system.computer":        {"Computer", roleHost, 0},
	"data.win.system.eventRecordID":   {"EventRecordID", roleNumber, 0},
	"data.win.system.systemTime":      {"TimeCreated", roleTime, 0},
	"data.win.system.version":         {"Version", 0, 0},
	"data.win.system.level":           {"Level", 0, 0},
	"data.win.system.task":            {"Task", 0, 0},
	"data.win.system.opcode":          {"Opcode", 0, 0},
	"data.win.system.keywords":        {"Keywords", 0, 0},
	"data.win.system.processID":       {"Execution_ProcessID", 0, 0},
	"data.win.system.threadID":        {"Execution_ThreadID", 0, 0},
	"data.win.system.message":         {"Message", 0, 0},
	"data.win.system.severityValue":   {"LevelDisplayName", 0, 0},
	"data.win.system.securityUserID":  {"Security_UserID", 0, 0},
	"data.win.system.activityID":      {"ActivityID", 0, 0},

	// The flat forms: NXLog, Get-WinEvent and Get-EventLog through ConvertTo-Json, Fluent Bit, Splunk, Sentinel.
	"Channel":                {"Channel", roleChannel, 1},
	"LogName":                {"Channel", roleChannel, 2},
	"SourceName":             {"Provider_Name", roleProvider, 1},
	"ProviderName":           {"Provider_Name", roleProvider, 2},
	"Provider":               {"Provider_Name", roleProvider, 1},
	"Provider_Name":          {"Provider_Name", roleProvider, 1},
	"EventSourceName":        {"Provider_Name", roleProvider, 3},
	"ProviderGuid":           {"Provider_Guid", 0, 0},
	"ProviderId":             {"Provider_Guid", 0, 0},
	"EventID":                {"EventID", roleEventID, 1},
	"EventId":                {"EventID", roleEventID, 2},
	"EventCode":              {"EventID", roleEventID, 3},
	"Computer":               {"Computer", roleHost, 1},
	"Hostname":               {"Computer", roleHost, 2},
	"MachineName":            {"Computer", roleHost, 3},
	"ComputerName":           {"Computer", roleHost, 3},
	"RecordNumber":           {"EventRecordID", roleNumber, 1},
	"EventRecordID":          {"EventRecordID", roleNumber, 1},
	"RecordID":               {"EventRecordID", roleNumber, 2},
	"TimeCreated":            {"TimeCreated", roleFlatTime, 1},
	"TimeCreated.SystemTime": {"TimeCreated", roleFlatTime, 1},
	"TimeCreated.value":      {"TimeCreated", roleFlatTime, 1},
	"TimeCreated.DateTime":   {"", notOfEvent, 0},
	"EventTime":              {"TimeCreated", roleFlatTime, 2},
	"TimeGenerated":          {"TimeCreated", roleFlatTime, 3},
	"UtcTime":                {"UtcTime", roleUtcTime, 0},
	"EventReceivedTime":      {"", roleReceived, 0},
	"ExecutionProcessID":     {"Execution_ProcessID", 0, 0},
	"ExecutionThreadID":      {"Execution_ThreadID", 0, 0},
	"ThreadID":               {"Execution_ThreadID", 0, 0},
	"UserID":                 {"Security_UserID", 0, 0},
	"OpcodeValue":            {"Opcode", 0, 0},
	"StringInserts":          {"Data", 0, 0},
	"xmlns":                  {"", notOfEvent, 0},
	"Bookmark":               {"", notOfEvent, 0},
	"ContainerLog":           {"", notOfEvent, 0},
	"MatchedQueryIds":        {"", notOfEvent, 0},
	"SourceModuleName":       {"", notOfEvent, 0},
	"SourceModuleType":       {"", notOfEvent, 0},
	"host":                   {"", notOfEvent, 0},
	"port":                   {"", notOfEvent, 0},
	"tags":                   {"", notOfEvent, 0},
	"type":                   {"", notOfEvent, 0},
	"@version":               {"", notOfEvent, 0},
}

// winConditional are names that mean the System part only in objects that also hold the path given; elsewhere they are
// event data.
var winConditional = []struct {
	path, with string
	field      winField
}{
	{"Id", "LogName", winField{"EventID", roleEventID, 1}},
	{"RecordId", "LogName", winField{"EventRecordID", roleNumber, 1}},
	{"ProcessId", "RecordId", winField{"Execution_ProcessID", 0, 0}},
	{"ThreadId", "RecordId", winField{"Execution_ThreadID", 0, 0}},
	{"ActivityId", "RecordId", winField{"ActivityID", 0, 0}},
	{"RelatedActivityId", "RecordId", winField{"RelatedActivityID", 0, 0}},
	{"UserId", "RecordId", winField{"Security_UserID", 0, 0}},
	{"UserId.Value", "RecordId", winField{"Security_UserID", 0, 0}},
	{"UserId.BinaryLength", "RecordId", winField{"", notOfEvent, 0}},
	{"UserId.AccountDomainSid", "RecordId", winField{"", notOfEvent, 0}},
	{"UserId.AccountDomainSid.Value", "RecordId", winField{"", notOfEvent, 0}},
	{"UserId.AccountDomainSid.BinaryLength", "RecordId", winField{"", notOfEvent, 0}},
	{"Properties.Value", "RecordId", winField{"Data", 0, 0}},
	{"Source", "ReplacementStrings", winField{"Provider_Name", roleProvider, 1}},
	{"ReplacementStrings", "Source", winField{"Data", 0, 0}},
	{"Index", "ReplacementStrings", winField{"EventRecordID", roleNumber, 1}},
	{"Data", "ReplacementStrings", winField{"", notOfEvent, 0}},
	{"ProcessID", "StringInserts", winField{"Execution_ProcessID", 0, 0}},
	{"Opcode", "OpcodeValue", winField{"OpcodeDisplayName", 0, 0}},
	{"Opcode", "SeverityValue", winField{"OpcodeDisplayName", 0, 0}},
	{"Category", "SeverityValue", winField{"TaskDisplayName", 0, 0}},
	{"Timestamp", "EventData", winField{"TimeCreated", roleFlatTime, 4}},
}

// winPrefixes are the containers of event data. What stands in them keeps the rest of its path as its name.
var winPrefixes = []string{
	"EventData.", "winlog.event_data.", "event_data.", "data.win.eventdata.", "UserData.", "winlog.user_data.", "user_data.",
}

// collectorPrefixes are the parts of an object that speak of the collector, not of the event.
var collectorPrefixes = []string{
	"agent.", "ecs.", "host.", "cloud.", "input.", "log.", "event.", "beat.", "elastic_agent.", "data_stream.", "labels.",
	"related.", "fields.", "metadata.", "@metadata.", "prospector.", "observer.", "tags.", "Bookmark.", "TimeCreated.", "rule.groups",
	"manager.", "decoder.", "location", "predecoder.", "previous_", "full_log",
}

// winWrappers are the envelopes around an event: the XML root, an export of Elasticsearch, of Splunk, of Chainsaw.
var winWrappers = []string{"", "Event.", "_source.", "result.", "_source.Event.", "document.data.Event."}

// ecsNames undoes the renaming of Sysmon's and PowerShell's fields by Winlogbeat's modules, which take them out of
// event_data. A second name holds for the event ids behind it.
var ecsNames = map[string]struct {
	name   string
	others map[uint32]string
}{
	"process.executable":                          {"Image", map[uint32]string{8: "SourceImage", 10: "SourceImage"}},
	"process.command_line":                        {"CommandLine", map[uint32]string{400: "HostApplication", 403: "HostApplication", 600: "HostApplication", 800: "HostApplication"}},
	"process.working_directory":                   {"CurrentDirectory", nil},
	"process.pid":                                 {"ProcessId", map[uint32]string{8: "SourceProcessId", 10: "SourceProcessId"}},
	"process.entity_id":                           {"ProcessGuid", map[uint32]string{8: "SourceProcessGuid", 10: "SourceProcessGUID"}},
	"process.thread.id":                           {"SourceThreadId", map[uint32]string{8: "NewThreadId"}},
	"process.parent.executable":                   {"ParentImage", nil},
	"process.parent.command_line":                 {"ParentCommandLine", nil},
	"process.parent.pid":                          {"ParentProcessId", nil},
	"process.parent.entity_id":                    {"ParentProcessGuid", nil},
	"process.pe.original_file_name":               {"OriginalFileName", nil},
	"process.pe.company":                          {"Company", nil},
	"process.pe.description":                      {"Description", nil},
	"process.pe.file_version":                     {"FileVersion", nil},
	"process.pe.product":                          {"Product", nil},
	"process.pe.imphash":                          {"Imphash", nil},
	"process.hash.md5":                            {"md5", nil},
	"process.hash.sha1":                           {"sha1", nil},
	"process.hash.sha256":                         {"sha256", nil},
	"file.pe.original_file_name":                  {"OriginalFileName", nil},
	"file.pe.company":                             {"Company", nil},
	"file.pe.description":                         {"Description", nil},
	"file.pe.imphash":                             {"Imphash", nil},
	"file.hash.md5":                               {"md5", nil},
	"file.hash.sha1":                              {"sha1", nil},
	"file.hash.sha256":                            {"sha256", nil},
	"file.path":                                   {"TargetFilename", map[uint32]string{6: "ImageLoaded", 7: "ImageLoaded", 4104: "Path"}},
	"file.name":                                   {"PipeName", nil},
	"registry.path":                               {"TargetObject", nil},
	"registry.data.strings":                       {"Details", nil},
	"source.ip":                                   {"SourceIp", nil},
	"source.port":                                 {"SourcePort", nil},
	"source.domain":                               {"SourceHostname", nil},
	"destination.ip":                              {"DestinationIp", nil},
	"destination.port":                            {"DestinationPort", nil},
	"destination.domain":                          {"DestinationHostname", nil},
	"network.transport":                           {"Protocol", nil},
	"dns.question.name":                           {"QueryName", nil},
	"sysmon.dns.status":                           {"QueryStatus", nil},
	"rule.name":                                   {"RuleName", nil},
	"powershell.file.script_block_text":           {"ScriptBlockText", nil},
	"powershell.file.script_block_id":             {"ScriptBlockId", nil},
	"powershell.sequence":                         {"MessageNumber", nil},
	"powershell.total":                            {"MessageTotal", nil},
	"powershell.command.invocation_details.value": {"Payload", nil},
}

// ecsProviders are the providers whose events the modules rename.
var ecsProviders = map[string]bool{"Microsoft-Windows-Sysmon": true, "Microsoft-Windows-PowerShell": true, "PowerShell": true}

// providerChannels tells the log of providers that write to one only, for exports that leave it out.
var providerChannels = map[string]string{
	"Microsoft-Windows-Security-Auditing": "Security",
	"Microsoft-Windows-Sysmon":            "Microsoft-Windows-Sysmon/Operational",
	"Microsoft-Windows-PowerShell":        "Microsoft-Windows-PowerShell/Operational",
	"PowerShell":                          "Windows PowerShell",
	"Service Control Manager":             "System",
	"Microsoft-Windows-Windows Defender":  "Microsoft-Windows-Windows Defender/Operational",
	"Microsoft-Windows-TaskScheduler":     "Microsoft-Windows-TaskScheduler/Operational",
	"Microsoft-Windows-WMI-Activity":      "Microsoft-Windows-WMI-Activity/Operational",
	"MSSQLSERVER":                         "Application",
}

// winChannels gives the classic logs the names that they have on Windows: collectors write them in any case.
var winChannels = map[string]string{
	"security": "Security", "system": "System", "application": "Application", "setup": "Setup",
	"windows powershell": "Windows PowerShell", "forwardedevents": "ForwardedEvents",
}

// hexFields are written by Windows in hexadecimal; an exporter that made numbers of them is undone.
var hexFields = map[string]map[string]bool{
	"Security": setOf("SubjectLogonId", "TargetLogonId", "TargetLinkedLogonId", "LogonId", "ProcessId", "NewProcessId", "CallerProcessId", "HandleId",
		"SourceHandleId", "TargetHandleId", "SourceProcessId", "TargetProcessId", "AccessMask", "Status", "SubStatus", "FailureCode",
		"TicketOptions", "TicketEncryptionType"),
	"Microsoft-Windows-Sysmon/Operational": setOf("LogonId", "GrantedAccess"),
}

func setOf(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// trimPath takes the marks of attributes and texts out of a path, and tells whether its last step is an attribute.
func trimPath(p string) (path string, attribute bool) {
	if !strings.ContainsAny(p, "#@") && !strings.Contains(p, "_attributes.") {
		return p, false
	}
	steps := strings.Split(p, ".")
	kept := steps[:0]
	for i, s := range steps {
		switch {
		case s == "#attributes":
			attribute = true
		case s == "#text":
		case strings.HasPrefix(s, "@") && len(kept) > 0:
			kept, attribute = append(kept, s[1:]), true
		case strings.HasSuffix(s, "_attributes") && i+2 == len(steps):
			kept, attribute = append(kept, strings.TrimSuffix(s, "_attributes")), true
		default:
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, "."), attribute
}

// winFieldOf says what the value at path is. has tells what other paths the object holds.
func winFieldOf(path string, attribute bool, has func(string) bool) winField {
	for _, c := range winConditional {
		if c.path == path && has(c.with) {
			return c.field
		}
	}
	if f, ok := winNames[path]; ok {
		return f
	}
	for _, p := range winPrefixes {
		if rest, ok := strings.CutPrefix(path, p); ok && rest != "" {
			return dataField(p, rest, attribute)
		}
	}
	for _, p := range collectorPrefixes {
		if strings.HasPrefix(path, p) {
			return winField{"", notOfEvent, 0}
		}
	}
	return winField{name: path}
}

// dataField names a value of event data by the rest of its path.
func dataField(container, rest string, attribute bool) winField {
	steps := strings.Split(rest, ".")
	last := steps[len(steps)-1]
	switch {
	case last == "xmlns" || strings.HasPrefix(last, "xmlns:") || last == "xml_name":
		return winField{"", notOfEvent, 0}
	case rest == "Data.Name" && attribute, rest == "Data.Name" && container == "EventData.":
		return winField{"", roleDataName, 0}
	case rest == "Data" || rest == "Data.Value":
		return winField{"Data", roleData, 0}
	case container == "data.win.eventdata.":
		return winField{name: strings.ToUpper(rest[:1]) + rest[1:]}
	case attribute && len(steps) > 1:
		return winField{name: localName(steps[len(steps)-2]) + "_" + last}
	case attribute:
		return winField{name: strings.TrimSuffix(container, ".") + "_" + last}
	case strings.HasSuffix(strings.ToLower(container), "user_data.") || container == "UserData.":
		return winField{name: localName(last)}
	case rest == "UtcTime":
		return winField{name: rest, role: roleUtcTime}
	}
	return winField{name: rest}
}

// localName is the name of an XML element without its prefix.
func localName(s string) string {
	return s[strings.LastIndexByte(s, ':')+1:]
}
