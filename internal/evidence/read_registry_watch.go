package evidence

import (
	"slices"
	"strings"

	"wardround/internal/event"
)

// watch is keys whose values become events: where programs are set to start by themselves, and settings that an
// intruder changes or that tell what could be seen.
type watch struct {
	keys   string // names joined by backslashes, "*" for any
	values string // names parted by spaces; "" for all, "@" for the one without a name
}

var (
	registryRun      = event.TextSchema(event.Source{Product: "windows", Channel: "registry run"}, "EventType", "TargetObject", "Details", "User")
	registrySettings = event.TextSchema(event.Source{Product: "windows", Channel: "registry settings"}, "EventType", "TargetObject", "Details", "User")
)

// Values by which programs start, in the current control set.
var systemRun = []watch{
	{`Control\Session Manager`, "BootExecute SetupExecute Execute S0InitialCommand"},
	{`Control\Session Manager\AppCertDlls`, ""},
	{`Control\Lsa`, "Authentication^Packages Security^Packages Notification^Packages"},
	{`Control\Lsa\OSConfig`, "Security^Packages"},
	{`Control\LsaExtensionConfig\LsaSrv`, "Extensions"},
	{`Control\SecurityProviders`, "SecurityProviders"},
	{`Control\Print\Monitors\*`, "Driver"},
	{`Control\Print\Providers\*`, "Name"},
	{`Control\Print\Environments\*\Print Processors\*`, "Driver"},
	{`Control\NetworkProvider\Order`, "ProviderOrder"},
	{`Services\*\NetworkProvider`, "ProviderPath"},
	{`Control\BootVerificationProgram`, "ImagePath"},
	{`Control\SafeBoot`, "AlternateShell"},
	{`Control\Terminal Server\Wds\rdpwd`, "StartupPrograms"},
	{`Control\Terminal Server\WinStations\RDP-Tcp`, "InitialProgram"},
	{`Control\MiniNt`, ""},
	{`Services\W32Time\TimeProviders\*`, "DllName"},
	{`Services\NTDS`, "LsaDbExtPt DirectoryServiceExtPt"},
	{`Services\NTDS\Parameters`, "ServerLevelPluginDll"},
	{`Services\DNS\Parameters`, "ServerLevelPluginDll"},
	{`Services\LDAP`, ""},
}

var systemSettings = []watch{
	{`Control\Terminal Server`, "fDenyTSConnections fSingleSessionPerUser"},
	{`Control\Terminal Server\WinStations\RDP-Tcp`, "UserAuthentication PortNumber SecurityLayer"},
	{`Control\SecurityProviders\WDigest`, "UseLogonCredential"},
	{`Control\Lsa`, "RunAsPPL LimitBlankPasswordUse DisableRestrictedAdmin NoLMHash LmCompatibilityLevel RestrictAnonymous"},
	{`Control\Session Manager`, "PendingFileRenameOperations SafeDllSearchMode"},
	{`Control\Session Manager\Memory Management\PrefetchParameters`, "EnablePrefetcher"},
	{`Control\FileSystem`, "NtfsDisableLastAccessUpdate"},
	{`Control\CrashControl`, "CrashDumpEnabled"},
	{`Control\CI\Config`, "VulnerableDriverBlocklistEnable"},
	{`Control\DeviceGuard\Scenarios\HypervisorEnforcedCodeIntegrity`, "Enabled"},
	{`Services\LanmanServer\Parameters`, "SMB1 AutoShareServer AutoShareWks NullSessionShares NullSessionPipes RestrictNullSessAccess"},
	{`Services\SharedAccess\Parameters\FirewallPolicy\*`, "EnableFirewall"},
	{`Services\Eventlog\*`, "MaxSize Retention File"},
	{`Services\Netlogon\Parameters`, "FullSecureChannelProtection RefusePasswordChange"},
}

// Values by which programs start, in SOFTWARE; each also stands below WOW6432Node.
var softwareRun = []watch{
	{`Microsoft\Windows\CurrentVersion\Run`, ""},
	{`Microsoft\Windows\CurrentVersion\RunOnce`, ""},
	{`Microsoft\Windows\CurrentVersion\RunOnceEx`, ""},
	{`Microsoft\Windows\CurrentVersion\RunOnceEx\*`, ""},
	{`Microsoft\Windows\CurrentVersion\RunServices`, ""},
	{`Microsoft\Windows\CurrentVersion\RunServicesOnce`, ""},
	{`Microsoft\Windows\CurrentVersion\Policies\Explorer\Run`, ""},
	{`Microsoft\Windows\CurrentVersion\Policies\System`, "Shell"},
	{`Microsoft\Windows NT\CurrentVersion\Terminal Server\Install\Software\Microsoft\Windows\CurrentVersion\Run`, ""},
	{`Microsoft\Windows NT\CurrentVersion\Terminal Server\Install\Software\Microsoft\Windows\CurrentVersion\RunOnce`, ""},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon`, "Shell Userinit Taskman System VmApplet AppSetup GinaDLL UIHost"},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon\Notify\*`, "DllName"},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon\AlternateShells\AvailableShells`, ""},
	{`Microsoft\Windows NT\CurrentVersion\Windows`, "AppInit_DLLs LoadAppInit_DLLs Load Run IconServiceLib"},
	{`Microsoft\Windows NT\CurrentVersion\Image File Execution Options\*`, "Debugger VerifierDlls"},
	{`Microsoft\Windows NT\CurrentVersion\SilentProcessExit\*`, "MonitorProcess"},
	{`Microsoft\Windows NT\CurrentVersion\AeDebug`, "Debugger"},
	{`Microsoft\Windows NT\CurrentVersion\AppCompatFlags\InstalledSDB\*`, "DatabasePath DatabaseDescription"},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon\GPExtensions\*`, "DllName"},
	{`Microsoft\Windows\Windows Error Reporting\Hangs`, "Debugger"},
	{`Microsoft\Windows\Windows Error Reporting\RuntimeExceptionHelperModules`, ""},
	{`Microsoft\Active Setup\Installed Components\*`, "StubPath"},
	{`Microsoft\Command Processor`, "AutoRun"},
	{`Microsoft\NetSh`, ""},
	{`Microsoft\Windows\CurrentVersion\ShellServiceObjectDelayLoad`, ""},
	{`Microsoft\Windows\CurrentVersion\Explorer\SharedTaskScheduler`, ""},
	{`Microsoft\Windows\CurrentVersion\Explorer\Browser Helper Objects\*`, ""},
	{`Microsoft\Windows\CurrentVersion\Authentication\Credential Providers\*`, "@"},
	{`Microsoft\Cryptography\OID\EncodingType 0\CryptSIPDllVerifyIndirectData\*`, "Dll"},
	{`Microsoft\Office test\Special\Perf`, ""},
	{`Microsoft\.NETFramework`, "DbgManagedDebugger"},
	{`Policies\Microsoft\Windows\System\Scripts\*\*`, "Script Parameters"},
	{`Microsoft\Windows\CurrentVersion\Group Policy\Scripts\*\*\*`, "Script Parameters"},
}

var softwareSettings = []watch{
	{`Policies\Microsoft\Windows Defender`, "DisableAntiSpyware DisableAntiVirus"},
	{`Policies\Microsoft\Windows Defender\Real-Time Protection`, ""},
	{`Policies\Microsoft\Windows Defender\Exclusions\*`, ""},
	{`Microsoft\Windows Defender`, "DisableAntiSpyware DisableAntiVirus PassiveMode"},
	{`Microsoft\Windows Defender\Real-Time Protection`, ""},
	{`Microsoft\Windows Defender\Features`, "TamperProtection"},
	{`Microsoft\Windows Defender\Exclusions\*`, ""},
	{`Microsoft\Windows\CurrentVersion\Policies\System`, "EnableLUA LocalAccountTokenFilterPolicy ConsentPromptBehaviorAdmin FilterAdministratorToken legalnoticecaption legalnoticetext EnableLinkedConnections"},
	{`Microsoft\Windows\CurrentVersion\Policies\System\Audit`, "ProcessCreationIncludeCmdLine_Enabled"},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon`, "AutoAdminLogon DefaultUserName DefaultDomainName LegalNoticeCaption LegalNoticeText CachedLogonsCount"},
	{`Microsoft\Windows NT\CurrentVersion\Winlogon\SpecialAccounts\UserList`, ""},
	{`Policies\Microsoft\Windows NT\Terminal Services`, "fDenyTSConnections Shadow fDisableCdm UserAuthentication"},
	{`Policies\Microsoft\Windows\PowerShell\*`, "EnableScriptBlockLogging EnableModuleLogging EnableTranscripting OutputDirectory"},
	{`Policies\Microsoft\WindowsFirewall\*`, "EnableFirewall"},
	{`Policies\Microsoft\Windows NT\SystemRestore`, "DisableSR DisableConfig"},
	{`Microsoft\Windows NT\CurrentVersion\SystemRestore`, "DisableSR"},
	{`Microsoft\Windows Script Host\Settings`, "Enabled"},
}

// Values by which programs start when a user logs on.
var userRun = []watch{
	{`Software\Microsoft\Windows\CurrentVersion\Run`, ""},
	{`Software\Microsoft\Windows\CurrentVersion\RunOnce`, ""},
	{`Software\Microsoft\Windows\CurrentVersion\RunServices`, ""},
	{`Software\Microsoft\Windows\CurrentVersion\RunServicesOnce`, ""},
	{`Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Run`, ""},
	{`Software\WOW6432Node\Microsoft\Windows\CurrentVersion\RunOnce`, ""},
	{`Software\Microsoft\Windows\CurrentVersion\Policies\Explorer\Run`, ""},
	{`Software\Microsoft\Windows\CurrentVersion\Policies\System`, "Shell"},
	{`Software\Microsoft\Windows NT\CurrentVersion\Windows`, "Load Run"},
	{`Software\Microsoft\Windows NT\CurrentVersion\Winlogon`, "Shell Userinit"},
	{`Software\Microsoft\Windows NT\CurrentVersion\Terminal Server\Install\Software\Microsoft\Windows\CurrentVersion\Run`, ""},
	{`Software\Microsoft\Command Processor`, "AutoRun"},
	{`Software\Microsoft\Office test\Special\Perf`, ""},
	{`Software\Policies\Microsoft\Windows\System\Scripts\*\*`, "Script Parameters"},
	{`Environment`, "UserInitMprLogonScript COR_PROFILER COR_PROFILER_PATH"},
	{`Control Panel\Desktop`, "SCRNSAVE.EXE"},
}

var userSettings = []watch{
	{`Control Panel\Desktop`, "Wallpaper"},
	{`Software\Microsoft\Windows\CurrentVersion\Policies\System`, "DisableTaskMgr DisableRegistryTools DisableCMD"},
}

// Classes of a user's own stand before those of the computer: a way to have a library loaded.
var classesRun = []watch{
	{`CLSID\*\InprocServer32`, "@"},
	{`CLSID\*\LocalServer32`, "@"},
	{`WOW6432Node\CLSID\*\InprocServer32`, "@"},
	{`CLSID\*\TreatAs`, "@"},
	{`*\shell\open\command`, "@ DelegateExecute"},
}

// watched yields an event for each value that a table selects below a key.
func (r *registry) watched(s *event.Schema, top hiveKey, shown string, table []watch) {
	for _, w := range table {
		names := strings.Fields(w.values)
		for i, n := range names {
			names[i] = strings.ReplaceAll(n, "^", " ")
		}
		r.walk(top, w.keys, shown, func(k hiveKey, shown string) {
			for _, v := range r.values(k) {
				name := v.name
				if name == "" {
					name = "@"
				}
				if len(names) > 0 && !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
					continue
				}
				if v.name == "" {
					name = "(Default)"
				}
				r.emit(s, k.written, v.at, event.Text("SetValue"), event.Text(shown+`\`+name), r.details(v), textOrNull(r.user))
			}
		})
	}
}
