package evidence

import (
	"bytes"

	"wardround/internal/event"
)

// The words of the field action that only hypervisors' logs use.
var (
	actPowerOff   = event.Text("virtual machine powered off")
	actPowerOn    = event.Text("virtual machine powered on")
	actSnapshot   = event.Text("snapshot created")
	actUnsnapshot = event.Text("snapshot removed")
	actUnregister = event.Text("virtual machine unregistered")
	actDestroy    = event.Text("virtual machine deleted")
	actEnable     = event.Text("service enabled")
	actDisable    = event.Text("service disabled")
	actNewAccount = event.Text("account created")
	actOldAccount = event.Text("account removed")
	actSetAccount = event.Text("account changed")
	actPermit     = event.Text("permission changed")
	actSetting    = event.Text("setting changed")
	actLock       = event.Text("account locked")
)

// parseHostd reads ESXi's management agents: "Event 12 : User root@10.0.0.5 logged in as VMware-client/6.5.0", "Rejected
// password for user root from 10.0.0.5", "Event 31 : DB1 on  esx1 in ha-datacenter is powered off", "Task Completed :
// haTask-12-vim.vm.Snapshot.remove-88 Status success".
func parseHostd(m []byte, f fields) {
	var machine []byte
	if i := indexOf(m, "[Originator@6876"); i >= 0 {
		if end := indexOf(m[i:], "] "); end > 0 {
			head := m[i : i+end]
			machine = cut(head, "sub=Vmsvc.vm:", " ")
			by := bytes.TrimRight(word(cut(head, " user=", "")), "]")
			f.set(accBy, by[bytes.LastIndexByte(by, ':')+1:])
			m = m[i+end+2:]
		}
	}
	if hasPrefix(m, "Event ") {
		if i := indexOf(m[:min(len(m), 24)], ": "); i > 0 {
			m = m[i+2:]
		}
	}
	if hasPrefix(m, "Task ") {
		f.hostTask(m)
		return
	}
	if machine != nil {
		f.set(hostObject, machine)
		f.machineState(m)
		return
	}
	if !f.hostLogon(m) && !f.hostMachine(m) {
		f.hostAccess(m)
	}
	if f[accUser].IsNull() && f[accAction].IsNull() {
		f[accBy] = none // of interest only beside an act
	}
}

// hostLogon reads who came to the management interface.
func (f fields) hostLogon(m []byte) bool {
	switch {
	case indexOf(m, "Accepted password for user ") >= 0:
		f.say(actLogon, success)
		f.set(accUser, cut(m, "for user ", " from "))
		f.source(bytes.TrimRight(word(cut(m, " from ", "")), "."))
	case indexOf(m, "Rejected password for user ") >= 0:
		f.say(actLogon, failure)
		f.set(accUser, cut(m, "for user ", " from "))
		f.source(bytes.TrimRight(word(cut(m, " from ", "")), "."))
	case indexOf(m, "Cannot login ") >= 0:
		f.say(actLogon, failure)
		f.userAt(cut(m, "Cannot login ", ""))
	case indexOf(m, " logged in as ") >= 0:
		f.say(actLogon, success)
		f.userAt(cut(m, "User ", " logged in"))
		f.set(accMethod, cut(m, " logged in as ", ""))
	case indexOf(m, " logged out ") >= 0:
		f[accAction] = actLogoff
		f.userAt(cut(m, "User ", " logged out"))
	case indexOf(m, "SSH session was opened for ") >= 0:
		f.say(actOpen, success)
		f.userAt(cut(m, "opened for '", "'"))
	case indexOf(m, "SSH session was closed for ") >= 0:
		f[accAction] = actClose
		f.userAt(cut(m, "closed for '", "'"))
	case indexOf(m, "SSH login has failed for ") >= 0:
		f.say(actLogon, failure)
		f.userAt(cut(m, "failed for '", "'"))
	case indexOf(m, "Remote access for ESXi local user account ") >= 0:
		f[accAction] = actLock
		f.set(accUser, cut(m, "account '", "'"))
		f.set(accReason, m)
	default:
		return false
	}
	return true
}

// machineWords are the ends of sentences that hostd writes of virtual machines, and what happened to the machine.
var machineWords = []struct {
	words  string
	action event.Value
}{
	{"is powered off", actPowerOff}, {"Power off request rec", actPowerOff}, {"is powered on", actPowerOn}, {"is being powered off", actPowerOff}, {"VM_STATE_POWERING_OFF)", actPowerOff},
	{"VM_STATE_POWERING_ON)", actPowerOn}, {"Guest OS shut down for", actPowerOff}, {"was shut down", actPowerOff}, {"VM_STATE_DELETING_SNAPSHOT)", actUnsnapshot},
	{"VM_STATE_CREATE_SNAPSHOT)", actSnapshot}, {"VM_STATE_UNREGISTERING)", actUnregister}, {"Removed ", actDestroy},
}

// hostMachine reads "DB1 on  esx1.hosp.local in ha-datacenter is powered off".
func (f fields) hostMachine(m []byte) bool {
	place := indexOf(m, " in ha-datacenter")
	if place < 0 {
		return false
	}
	f.machineState(m)
	if f[accAction].IsNull() {
		return false
	}
	who := bytes.TrimPrefix(bytes.TrimPrefix(m[:place], []byte("Removed ")), []byte("Guest OS shut down for "))
	if i := lastIndexOf(who, " on "); i > 0 {
		who = who[:i]
	}
	f.set(hostObject, bytes.TrimSpace(who))
	return true
}

func (f fields) machineState(m []byte) {
	for i := range machineWords {
		if indexOf(m, machineWords[i].words) >= 0 {
			f.say(machineWords[i].action, success)
			return
		}
	}
}

// hostTasks are the methods of the management interface that change what an intruder changes.
var hostTasks = []struct {
	method string
	action event.Value
}{
	{"Snapshot.remove", actUnsnapshot}, {"removeAllSnapshots", actUnsnapshot}, {"createSnapshot", actSnapshot}, {"powerOff", actPowerOff}, {"terminateVM", actPowerOff},
	{"shutdownGuest", actPowerOff}, {"powerOn", actPowerOn}, {"VirtualMachine.unregister", actUnregister}, {"Destroy_Task", actDestroy}, {".destroy", actDestroy},
	{"createUser", actNewAccount}, {"removeUser", actOldAccount}, {"updateUser", actSetAccount}, {"setEntityPermissions", actPermit},
	{"changeLockdownMode", actSetting}, {"exitLockdownMode", actSetting}, {"OptionManager.updateValues", actSetting},
}

// hostTask reads "Task Created : haTask-12-vim.VirtualMachine.powerOff-993" and its completion.
func (f fields) hostTask(m []byte) {
	name := word(cut(m, ": ", ""))
	f.set(hostEvent, name)
	if i := lastIndexOf(m, " Status "); i > 0 {
		f[accOutcome] = failure
		if string(bytes.TrimSpace(m[i+8:])) == "success" {
			f[accOutcome] = success
		}
	}
	for _, t := range hostTasks {
		if indexOf(name, t.method) >= 0 {
			f[accAction] = t.action
			return
		}
	}
}

// hostAccess reads changes of accounts, permissions, services and settings of the host.
func (f fields) hostAccess(m []byte) {
	switch {
	case hasPrefix(m, "Account ") && indexOf(m, " was created on host") > 0:
		f.say(actNewAccount, success)
		f.set(accUser, word(m[8:]))
	case hasPrefix(m, "Account ") && indexOf(m, " was removed on host") > 0:
		f.say(actOldAccount, success)
		f.set(accUser, word(m[8:]))
	case hasPrefix(m, "Account ") && indexOf(m, " was updated on host") > 0:
		f.say(actSetAccount, success)
		f.set(accUser, word(m[8:]))
	case hasPrefix(m, "Password was changed for account "):
		f.say(actPassword, success)
		f.set(accUser, word(m[33:]))
	case hasPrefix(m, "Permission "):
		f.say(actPermit, success)
		f.set(accUser, cut(m, " for ", " on "))
		f.set(hostValue, bytes.TrimRight(word(cut(m, "role is ", "")), ".,"))
	case indexOf(m, "SSH access has been ") >= 0, indexOf(m, "SSH for the host ") >= 0, indexOf(m, "ESXi Shell") >= 0 && indexOf(m, "abled") >= 0, indexOf(m, "dministrator access to the host has been ") >= 0:
		f.service(m)
	case hasPrefix(m, "Firewall configuration has changed"):
		f.say(actSetting, success)
		f.set(hostObject, cut(m, "rule set ", " "))
		f.set(hostValue, cut(m, "Operation '", "'"))
	}
}

// service reads which way in was opened or shut.
func (f fields) service(m []byte) {
	switch {
	case indexOf(m, "disabled") >= 0:
		f.say(actDisable, success)
	case indexOf(m, "enabled") >= 0:
		f.say(actEnable, success)
	default:
		return
	}
	switch {
	case indexOf(m, "SSH") >= 0, indexOf(m, "ssh") >= 0:
		f.set(hostObject, []byte("SSH"))
	case indexOf(m, "ESXi Shell") >= 0, indexOf(m, "ESXi shell") >= 0, indexOf(m, "command line") >= 0:
		f.set(hostObject, []byte("ESXi Shell"))
	case indexOf(m, "DCUI") >= 0:
		f.set(hostObject, []byte("DCUI"))
	case indexOf(m, "dministrator access") >= 0:
		f.set(hostObject, []byte("administrator access"))
	}
}

// parseVobd reads "[UserLevelCorrelator] 12us: [esx.audit.ssh.enabled] SSH access has been enabled." The name in the
// second brackets is the event's.
func parseVobd(m []byte, f fields) {
	i := indexOf(m, "us: [")
	if i < 0 {
		return
	}
	name := cut(m[i:], "[", "]")
	f.set(hostEvent, name)
	m = bytes.TrimLeft(m[min(i+5+len(name)+1, len(m)):], " ")
	if f.hostLogon(m) || f.hostMachine(m) {
		return
	}
	switch {
	case bytes.HasSuffix(name, []byte(".enabled")), bytes.HasSuffix(name, []byte(".disabled")):
		f.service(m)
		if indexOf(name, "lockdownmode") >= 0 {
			f.set(hostObject, []byte("lockdown mode"))
		}
	case indexOf(name, "account.locked") >= 0:
		f[accAction] = actLock
		f.set(accUser, cut(m, "account '", "'"))
	case indexOf(name, "account.loginfailures") >= 0:
		f.say(actLogon, failure)
		f.set(accUser, cut(m, "account '", "'"))
	case indexOf(name, "session.opened") >= 0:
		f.say(actOpen, success)
		f.userAt(cut(m, "'", "'"))
	case indexOf(name, "session.closed") >= 0:
		f[accAction] = actClose
		f.userAt(cut(m, "'", "'"))
	default:
		f.hostAccess(m)
	}
}

// userAt sets user and source from "root@10.0.0.5".
func (f fields) userAt(b []byte) {
	if b = bytes.TrimRight(word(b), ".,"); len(b) == 0 {
		return
	}
	i := bytes.LastIndexByte(b, '@')
	if i < 0 {
		f.set(accUser, b)
		return
	}
	f.set(accUser, b[:i])
	f.source(b[i+1:])
}

// parseShellLog reads ESXi's shell.log: "[root]: esxcli vm process list", "Interactive shell session started", "ESXi shell
// login enabled", "SSH login disabled".
func parseShellLog(m []byte, f fields) {
	if len(m) > 0 && m[0] == '[' {
		if i := indexOf(m, "]: "); i > 0 {
			f[accAction] = actCommand
			f.set(accUser, m[1:i])
			f.set(accCommand, m[i+3:])
			return
		}
	}
	switch {
	case indexOf(m, "session started") >= 0:
		f[accAction] = actOpen
	case indexOf(m, "session ended") >= 0, indexOf(m, "session closed") >= 0:
		f[accAction] = actClose
	case indexOf(m, "login enabled") >= 0, indexOf(m, "login disabled") >= 0:
		f.service(m)
	}
}

// parseEsxcli reads the history of esxcli: "Dispatch vm process kill", and of its software commands: "Command =
// software.vib.install, Options = …".
func parseEsxcli(m []byte, f fields) {
	switch {
	case hasPrefix(m, "Dispatch "):
		f[accAction] = actCommand
		f.set(accCommand, append([]byte("esxcli "), m[9:]...))
	case indexOf(m, "Command = ") >= 0:
		f[accAction] = actCommand
		f.set(accCommand, m[indexOf(m, "Command = ")+10:])
	}
}

// parseVMKernel reads changes of the kernel's settings: `cpu1:2099)Config: 706: "ExecInstalledOnly" = 0, Old Value: 1`.
func parseVMKernel(m []byte, f fields) {
	i := indexOf(m, "Config: ")
	if i < 0 || indexOf(m, "Old Value: ") < i {
		return
	}
	f.say(actSetting, success)
	f.set(hostObject, cut(m[i:], "\"", "\""))
	f.set(hostValue, bytes.Trim(cut(m[i:], "\" = ", ", Old Value: "), "\""))
}
