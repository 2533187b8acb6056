package evidence

import "testing"

func TestESXi(t *testing.T) {
	const at7, at8 = "2022-11-23T01:37:49.123Z info hostd[2099384] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=esxui-7 user=root] ", "2022-11-23T01:37:49.123Z In(166) Hostd[2099384]: [Originator@6876 sub=Vimsvc.ha-eventmgr opID=esxui-7 sid=52c1 user=root] "
	for _, c := range []struct {
		line string
		want []string
	}{
		{at7 + "Event 12 : User root@198.18.0.7 logged in as Mozilla/5.0 (Windows NT 10.0)", []string{"source=esxi/hostd/hostd", "action=logon", "outcome=success", "user=root", "src_ip=198.18.0.7", "method=Mozilla/5.0 (Windows NT 10.0)", "by=root"}},
		{at8 + "Event 12 : User root@198.18.0.7 logged in as VMware-client/8.0", []string{"source=esxi/hostd/hostd", "action=logon", "user=root", "src_ip=198.18.0.7"}},
		{at8 + "Event 13 : Cannot login root@198.18.0.7", []string{"action=logon", "outcome=failure", "user=root", "src_ip=198.18.0.7"}},
		{at7 + "Event 31 : DB1 on  esx1.hosp.local in ha-datacenter is powered off", []string{"action=virtual machine powered off", "object=DB1", "by=root"}},
		{at7 + "Event 32 : Guest OS shut down for DB1 on esx1.hosp.local in ha-datacenter", []string{"action=virtual machine powered off", "object=DB1"}},
		{at7 + "Event 33 : Removed DB1 on esx1.hosp.local from ha-datacenter", []string{"action="}},
		{"2022-11-23T01:37:49.123Z info hostd[2099384] [Originator@6876 sub=Vmsvc.vm:/vmfs/volumes/ds1/DB1/DB1.vmx opID=esxui-8 user=vpxuser:HOSP\\adm] State Transition (VM_STATE_ON -> VM_STATE_POWERING_OFF)", []string{"action=virtual machine powered off", "object=/vmfs/volumes/ds1/DB1/DB1.vmx", "by=HOSP\\adm"}},
		{"2022-11-23T01:37:49.123Z info hostd[2099384] [Originator@6876 sub=Vimsvc.TaskManager opID=esxui-9 user=root] Task Created : haTask-12-vim.VirtualMachine.powerOff-993", []string{"action=virtual machine powered off", "event=haTask-12-vim.VirtualMachine.powerOff-993", "outcome="}},
		{"2022-11-23T01:37:49.123Z In(166) Hostd[2099384]: [Originator@6876 sub=Vimsvc.TaskManager opID=esxui-9 user=root] Task Completed : haTask-12-vim.vm.Snapshot.remove-88 Status success", []string{"action=snapshot removed", "outcome=success", "by=root"}},
		{at7 + "Event 40 : Account backdoor was created on host esx1.hosp.local", []string{"action=account created", "user=backdoor", "by=root"}},
		{at7 + "Event 41 : Password was changed for account root on host esx1.hosp.local", []string{"action=password changed", "user=root"}},
		{at7 + "Event 42 : Permission created for backdoor on ha-folder-root, role is Admin, propagation is Enabled", []string{"action=permission changed", "user=backdoor", "value=Admin"}},
		{at7 + "Event 43 : SSH access has been enabled on the host esx1.hosp.local.", []string{"action=service enabled", "object=SSH"}},
		{at7 + "Event 44 : Firewall configuration has changed. Operation 'enable' for rule set sshServer succeeded.", []string{"action=setting changed", "object=sshServer", "value=enable"}},
		{"2022-11-23T01:37:49.123Z: [UserLevelCorrelator] 123us: [esx.audit.ssh.enabled] SSH access has been enabled.", []string{"source=esxi/vobd/vobd", "action=service enabled", "object=SSH", "event=esx.audit.ssh.enabled"}},
		{"2022-11-23T01:37:49.123Z In(14) vobd[2097651]:  [GenericCorrelator] 123us: [esx.audit.shell.enabled] The ESXi command line shell has been enabled.", []string{"source=esxi/vobd/vobd", "action=service enabled", "object=ESXi Shell", "event=esx.audit.shell.enabled"}},
		{"2022-11-23T01:37:49.123Z: [GenericCorrelator] 123us: [vob.user.ssh.session.opened] SSH session was opened for 'root@198.18.0.7'.", []string{"action=session opened", "user=root", "src_ip=198.18.0.7"}},
		{"2022-11-23T01:37:49.123Z: [GenericCorrelator] 123us: [esx.audit.account.locked] Remote access for ESXi local user account 'root' has been locked for 900 seconds after 6 failed login attempts.", []string{"action=account locked", "user=root"}},
		{"2022-11-23T01:37:49.123Z: [GenericCorrelator] 123us: [esx.audit.lockdownmode.disabled] Administrator access to the host has been enabled.", []string{"event=esx.audit.lockdownmode.disabled", "object=lockdown mode"}},
		{"2022-11-23T01:37:49Z shell[2100]: [root]: esxcli vm process kill --type=force --world-id=7", []string{"source=esxi/shell/shell", "user=root", "action=command", "command=esxcli vm process kill --type=force --world-id=7"}},
		{"2022-11-23T01:37:49.123Z In(30) shell[2100]: [root]: vim-cmd vmsvc/power.off 7", []string{"source=esxi/shell/shell", "user=root", "action=command", "command=vim-cmd vmsvc/power.off 7"}},
		{"2022-11-23T01:37:49Z shell[2100]: Interactive shell session started", []string{"action=session opened"}},
		{"2022-11-23T01:37:49Z SSH[2100]: SSH login enabled", []string{"action=service enabled", "object=SSH"}},
		{"2022-11-23T01:37:49Z ESXShell[2100]: ESXi shell login disabled", []string{"action=service disabled", "object=ESXi Shell"}},
		{"2022-11-23T01:37:49.123Z In(38) sshd[2100]: Accepted keyboard-interactive/pam for root from 198.18.0.7 port 51234 ssh2", []string{"source=esxi/auth/sshd", "action=logon", "src_ip=198.18.0.7"}},
		{"2022-11-23T01:37:49Z sshd[2100]: Session opened for 'root' on /dev/char/pty/t0", []string{"source=esxi/auth/sshd", "action=session opened", "user=root", "tty=/dev/char/pty/t0"}},
		{"2022-11-23T01:37:49Z sshd[2100]: Session closed for 'root' on /dev/char/pty/t0", []string{"action=session closed", "user=root"}},
		{"2022-11-23T01:37:49Z login[2100]: root login on 'char/tty/1'", []string{"source=esxi/auth/login", "action=logon", "user=root", "tty=char/tty/1"}},
		{"2022-11-23T01:37:49.123Z cpu1:2099)Config: 706: \"ExecInstalledOnly\" = 0, Old Value: 1, (Status: 0x0)", []string{"source=esxi/vmkernel/vmkernel", "action=setting changed", "object=ExecInstalledOnly", "value=0"}},
		{"2022-11-23T01:37:49.123Z In(182) vmkernel: cpu3:2097152)Net: 2524: connected DB1 eth0 to VM Network", []string{"source=esxi/vmkernel/vmkernel", "action="}},
		{"2022-11-23T01:37:49Z esxcli-software: Command = software.vib.install, Options = (force: True)", []string{"source=esxi/shell/esxcli", "action=command", "command=software.vib.install, Options = (force: True)"}},
		{"<166>2022-11-23T01:37:49.123Z esx1.hosp.local Hostd: info hostd[2099384] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 12 : User root@198.18.0.7 logged in as VMware-client/6.5.0", []string{"source=esxi/hostd/hostd", "#=esx1.hosp.local", "action=logon", "src_ip=198.18.0.7"}},
	} {
		if !isSyslog([]byte(c.line+"\n"), "x.log") {
			t.Errorf("not recognised: %s", c.line)
		}
		got, facts := readAll(t, readSyslog, "x.log", []byte(c.line+"\n"), mustTime("2022-12-01T00:00:00Z"))
		if len(got) != 1 || len(facts.Damaged) != 0 {
			t.Errorf("%s: %d records, damage %v", c.line, len(got), facts.Damaged)
			continue
		}
		got[0].want(t, c.line, c.want...)
	}
}
