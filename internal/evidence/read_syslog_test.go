package evidence

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"wardround/internal/event"
)

// aTime is when the files of these tests were last changed.
var aTime = mustTime("2022-11-24T00:00:00Z")

func TestSyslogFormats(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"rsyslog, traditional", "Nov 23 01:37:49 ehosp-db1 sshd[812]: hello", []string{"@=2022-11-23T01:37:49Z", "#=ehosp-db1", "program=sshd", "pid=812", "message=hello", "source=linux/auth/sshd"}},
		{"day without zero", "Nov  3 01:37:49 ehosp-db1 app: hello", []string{"@=2022-11-03T01:37:49Z", "program=app", "source=linux/syslog/"}},
		{"fraction", "Nov 23 01:37:49.123456 ehosp-db1 app: hello", []string{"@=2022-11-23T01:37:49.123456Z", "message=hello"}},
		{"no host", "Nov 23 01:37:49 kernel: [ 12.5] hello", []string{"#=", "program=kernel", "source=linux/kern/kernel", "uptime=12.5"}},
		{"no program", "Nov 23 01:37:49 ehosp-db1 last message repeated 3 times", []string{"#=ehosp-db1", "program=", "message=last message repeated 3 times"}},
		{"priority", "<86>Nov 23 01:37:49 ehosp-db1 thing[9]: hello", []string{"facility=authpriv", "severity=info", "source=linux/auth/", "pid=9"}},
		{"framed by length", "52 <86>Nov 23 01:37:49 ehosp-db1 thing[9]: hello", []string{"facility=authpriv", "message=hello"}},
		{"pam module in the tag", "Nov 23 01:37:49 h sshd(pam_unix)[9]: check pass; user unknown", []string{"source=linux/auth/sshd", "invalid_user=true"}},
		{"year after the date", "Nov 23 2021 01:37:49 h app: hello", []string{"@=2021-11-23T01:37:49Z", "#=h"}},
		{"year after the time", "Nov 23 01:37:49 2021 h app: hello", []string{"@=2021-11-23T01:37:49Z", "#=h"}},
		{"year first", "2021 Nov 23 01:37:49 h app: hello", []string{"@=2021-11-23T01:37:49Z", "#=h"}},
		{"rsyslog, ISO", "2022-11-23T07:07:49.123456+05:30 h app[1]: hello", []string{"@=2022-11-23T01:37:49.123456Z", "#=h", "program=app"}},
		{"ISO with a blank", "2022-11-23 01:37:49 h app[1]: hello", []string{"@=2022-11-23T01:37:49Z", "#=h", "program=app"}},
		{"RFC 5424", `<38>1 2022-11-23T01:37:49.003Z h.example sshd 812 ID47 [a@1 k="v\"] \\"][b x="y"] ` + "\xef\xbb\xbfhello",
			[]string{"@=2022-11-23T01:37:49.003Z", "#=h.example", "program=sshd", "pid=812", "msgid=ID47", `structured_data=[a@1 k="v\"] \\"][b x="y"]`, "message=hello", "facility=auth", "source=linux/auth/sshd"}},
		{"RFC 5424, nothing known", "<13>1 - - - - - - hello", []string{"@=", "#=", "program=", "message=hello", "facility=user", "severity=notice"}},
		{"macOS", "Nov 23 01:37:49 mac secd[11] <Error> [user{} ]: hello", []string{"severity=Error", "program=secd", "message=[user{} ]: hello"}},
		{"ChromeOS", "2022-11-23T01:37:49.1+05:30 WARNING kernel: [ 3.1] hello", []string{"@=2022-11-22T20:07:49.1Z", "severity=WARNING", "program=kernel", "#="}},
		{"Cisco ASA", "<166>Nov 23 01:37:49 10.0.0.1 %ASA-6-302013: Built inbound", []string{"source=network/firewall/asa", "#=10.0.0.1", "message=%ASA-6-302013: Built inbound", "program=ASA-6-302013"}},
		{"Cisco IOS", "<189>45: Nov 23 01:37:49.123: %SYS-5-CONFIG_I: Configured", []string{"source=cisco/syslog/", "message=%SYS-5-CONFIG_I: Configured", "@=2022-11-23T01:37:49.123Z"}},
		{"Cisco Nexus", "<189>: 2022 Nov 23 01:37:49 IST: %VSHD-5-VSHD_SYSLOG_CONFIG_I: Configured", []string{"source=cisco/syslog/", "@=2022-11-23T01:37:49Z", "message=%VSHD-5-VSHD_SYSLOG_CONFIG_I: Configured"}},
		{"Cisco IOS with origin", "<189>45: sw1: *Nov 23 01:37:49.123: %SYS-5-CONFIG_I: Configured", []string{"source=cisco/syslog/", "#=sw1"}},
		{"Cisco IOS, relayed", "Nov 23 01:37:50 10.0.0.1 45: *Nov 23 01:37:49.123: %SYS-5-CONFIG_I: Configured", []string{"source=cisco/syslog/", "#=10.0.0.1", "message=%SYS-5-CONFIG_I: Configured"}},
		{"ESXi, shell", "2022-11-23T01:37:49Z shell[2099]: [root]: esxcli vm process kill --type=force --world-id=7", []string{"source=esxi/shell/shell", "user=root", "command=esxcli vm process kill --type=force --world-id=7", "action=command"}},
		{"ESXi, sshd", "2022-11-23T01:37:49Z sshd[2100]: Accepted keyboard-interactive/pam for root from 198.18.0.7 port 51234 ssh2", []string{"source=esxi/auth/sshd", "user=root", "src_ip=198.18.0.7", "method=keyboard-interactive/pam", "outcome=success"}},
		{"ESXi, hostd", "2022-11-23T01:37:49.123Z info hostd[2099384] [Originator@6876 sub=Vimsvc.ha-eventmgr] Event 12 : User root@198.18.0.7 logged in as VMware-client/6.5.0", []string{"source=esxi/hostd/hostd", "user=root", "src_ip=198.18.0.7", "severity=info", "action=logon", "outcome=success"}},
		{"ESXi 8", "2022-11-23T01:37:49.123Z In(166) Hostd[2099384]: [Originator@6876 sub=Vimsvc] Rejected password for user root from 198.18.0.7", []string{"source=esxi/hostd/hostd", "facility=local4", "severity=In", "outcome=failure", "src_ip=198.18.0.7"}},
		{"ESXi, kernel", "2022-11-23T01:37:49.123Z cpu3:2097152)WARNING: VMW_SATP: hello", []string{"source=esxi/vmkernel/vmkernel", "pid=2097152", "message=cpu3:2097152)WARNING: VMW_SATP: hello"}},
		{"ESXi, vobd", "2022-11-23T01:37:49.123Z: [UserLevelCorrelator] 123us: [esx.audit.ssh.session.opened] SSH session was opened for 'root@198.18.0.7'.", []string{"@=2022-11-23T01:37:49.123Z", "source=esxi/vobd/vobd", "user=root", "src_ip=198.18.0.7", "action=session opened"}},
		{"a month that is none", "MMM 23 01:37:49 h app[1]: hello", []string{"@=", "#=h", "program=app", "message=hello"}},
		{"a day that is none", "Feb 30 01:37:49 h app[1]: hello", []string{"@=", "#=h", "message=hello"}},
		{"an hour that is none", "Nov 23 25:37:49 h app[1]: hello", []string{"@=", "#=h", "message=hello"}},
	} {
		got, facts := readAll(t, readSyslog, "messages", []byte(c.line+"\n"), aTime)
		if len(got) != 1 || len(facts.Damaged) != 0 {
			t.Errorf("%s: %d records, damage %v", c.name, len(got), facts.Damaged)
			continue
		}
		got[0].want(t, c.name, c.want...)
	}
}

func TestSyslogPrograms(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"sshd[1]: Failed password for invalid user admin from 10.0.0.9 from 198.18.0.7 port 4711 ssh2", []string{"action=logon", "outcome=failure", "invalid_user=true", "user=admin from 10.0.0.9", "src_ip=198.18.0.7", "src_port=4711", "method=password"}},
		{"sshd[1]: Accepted publickey for root from 2001:db8::7 port 22 ssh2: ED25519 SHA256:abc", []string{"outcome=success", "key_type=ED25519", "key=SHA256:abc", "src_ip=2001:db8::7"}},
		{"sshd-session[1]: Connection closed by authenticating user root 198.18.0.7 port 4711 [preauth]", []string{"source=linux/auth/sshd", "action=disconnection", "user=root", "src_ip=198.18.0.7", "src_port=4711"}},
		{"sshd[1]: Received disconnect from 198.18.0.7 port 4711:11: Bye Bye [preauth]", []string{"src_ip=198.18.0.7", "src_port=4711", "reason=11: Bye Bye"}},
		{"sshd[1]: Disconnecting invalid user x y 198.18.0.7 port 9: Too many authentication failures [preauth]", []string{"user=x y", "invalid_user=true", "src_ip=198.18.0.7", "reason=Too many authentication failures"}},
		{"sshd[1]: error: maximum authentication attempts exceeded for invalid user root from 198.18.0.7 port 9 ssh2 [preauth]", []string{"outcome=failure", "user=root", "invalid_user=true", "reason=maximum authentication attempts exceeded"}},
		{"sshd[1]: message repeated 5 times: [ Failed password for root from 198.18.0.7 port 9 ssh2]", []string{"repeated=5", "user=root", "outcome=failure", "src_port=9"}},
		{"sshd[1]: User git from 198.18.0.7 not allowed because not listed in AllowUsers", []string{"user=git", "src_ip=198.18.0.7", "outcome=failure", "reason=not listed in AllowUsers"}},
		{"sshd[1]: Invalid user from 198.18.0.7 port 9", []string{"user=", "src_ip=198.18.0.7", "invalid_user=true"}},
		{"sshd[1]: Did not receive identification string from 198.18.0.7 port 9", []string{"action=connection", "src_ip=198.18.0.7", "outcome=failure"}},
		{"sshd[1]: Starting session: command on pts/1 for root from 198.18.0.7 port 9 id 0", []string{"action=session opened", "user=root", "tty=pts/1", "src_ip=198.18.0.7", "method=command"}},
		{"sshd[1]: Address 198.18.0.7 maps to x.example, but this does not map back", []string{"reason=Address 198.18.0.7 maps to x.example, but this does not map back"}},
		{"sshd[1]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)", []string{"action=session opened", "user=root", "service=sshd", "method=pam_unix"}},
		{"sshd[1]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=198.18.0.7  user=root", []string{"user=root", "src_ip=198.18.0.7", "tty=ssh", "outcome=failure"}},
		{"sudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/bin/sh -c echo a ; COMMAND=b", []string{"user=alice", "runas=root", "USER=root", "tty=pts/0", "TTY=pts/0", "cwd=/home/alice", "command=/bin/sh -c echo a ; COMMAND=b", "outcome=success", "source=linux/auth/sudo"}},
		{"sudo:    alice : 3 incorrect password attempts ; TTY=pts/0 ; PWD=/ ; USER=#-1 ; COMMAND=/bin/id", []string{"outcome=failure", "reason=3 incorrect password attempts", "USER=#-1"}},
		{"su[1]: (to root) alice on pts/0", []string{"user=alice", "runas=root", "tty=pts/0", "outcome=success", "action=switch user"}},
		{"su: FAILED SU (to root) alice on pts/0", []string{"user=alice", "runas=root", "outcome=failure"}},
		{"su[1]: - pts/0 alice:root", []string{"user=alice", "runas=root", "outcome=failure"}},
		{"login[1]: FAILED LOGIN (1) on '/dev/tty1' FOR 'root', Authentication failure", []string{"user=root", "tty=/dev/tty1", "outcome=failure", "reason=Authentication failure"}},
		{"login[1]: ROOT LOGIN  on '/dev/tty1' from '198.18.0.7'", []string{"user=root", "tty=/dev/tty1", "src_ip=198.18.0.7", "outcome=success"}},
		{"systemd-logind[1]: New session 12 of user alice.", []string{"session=12", "user=alice", "action=session opened"}},
		{"systemd-logind[1]: Removed session 12.", []string{"session=12", "action=session closed"}},
		{"pkexec[1]: alice: Executing command [USER=root] [TTY=/dev/pts/0] [CWD=/home/alice] [COMMAND=/bin/sh]", []string{"user=alice", "runas=root", "command=/bin/sh", "source=linux/auth/polkitd"}},
		{"pkexec[1]: alice: The value for environment variable XAUTHORITY contains suspicious content [USER=root] [TTY=/dev/pts/0] [CWD=/] [COMMAND=/bin/sh]", []string{"outcome=failure", "tty=/dev/pts/0"}},
		{"useradd[1]: new user: name=butter, UID=0, GID=27, home=/home/butter, shell=/bin/bash, from=/dev/pts/0", []string{"action=new user", "user=butter", "uid=0", "gid=27", "home=/home/butter", "shell=/bin/bash", "tty=/dev/pts/0"}},
		{"usermod[1]: add 'alice' to shadow group 'sudo'", []string{"action=add", "user=alice", "group=sudo"}},
		{"usermod[1]: change user 'alice' UID from '1001' to '0'", []string{"action=change user", "user=alice", "uid=0"}},
		{"groupadd[1]: new group: name=ops, GID=1001", []string{"group=ops", "gid=1001", "user="}},
		{"gpasswd[1]: user alice added by root to group wheel", []string{"action=added", "user=alice", "by=root", "group=wheel"}},
		{"userdel[1]: delete user 'alice'", []string{"action=delete user", "user=alice"}},
		{"passwd[1]: pam_unix(passwd:chauthtok): password changed for alice", []string{"action=password changed", "user=alice", "outcome=success"}},
		{"CRON[1]: (root) CMD (   /usr/local/bin/x (1) )", []string{"user=root", "command=/usr/local/bin/x (1)", "action=CMD", "source=linux/cron/cron"}},
		{"crontab[1]: (root) REPLACE (alice)", []string{"user=root", "command=alice", "action=REPLACE", "source=linux/cron/crontab"}},
		{"CRON[1]: pam_unix(cron:session): session opened for user root by (uid=0)", []string{"source=linux/auth/cron"}},
		{"run-parts[9]: (/etc/cron.hourly) starting 0anacron", []string{"action=starting", "command=0anacron", "source=linux/cron/anacron"}},
		{"systemd[1]: Stopped ssh.service - OpenBSD Secure Shell server.", []string{"action=Stopped", "unit=ssh.service"}},
		{"systemd[1]: auditd.service: Main process exited, code=killed, status=9/KILL", []string{"unit=auditd.service", "result=Main process exited, code=killed, status=9/KILL"}},
		{"kernel: [UFW BLOCK] IN=eth0 OUT= MAC=00:11:22 SRC=198.18.0.7 DST=10.0.0.5 LEN=40 PROTO=TCP SPT=4711 DPT=22 WINDOW=1024", []string{"action=[UFW BLOCK]", "in=eth0", "out=", "src_ip=198.18.0.7", "dst_ip=10.0.0.5", "protocol=TCP", "src_port=4711", "dst_port=22"}},
		{"kernel: [ 9.1] nginx[12]: segfault at 0 ip 0 sp 0 error 4", []string{"action=segfault", "process=nginx[12]", "uptime=9.1"}},
		{"kernel: device eth0 entered promiscuous mode", []string{"action=entered promiscuous mode", "in=eth0"}},
		{"dhcpd[1]: DHCPACK on 10.0.0.5 to aa:bb:cc:dd:ee:ff (ward-pc1) via eth0", []string{"action=DHCPACK", "address=10.0.0.5", "mac=aa:bb:cc:dd:ee:ff", "client_name=ward-pc1", "interface=eth0"}},
		{"dnsmasq-dhcp[1]: DHCPACK(eth0) 10.0.0.5 aa:bb:cc:dd:ee:ff ward-pc1", []string{"address=10.0.0.5", "mac=aa:bb:cc:dd:ee:ff", "client_name=ward-pc1", "interface=eth0"}},
		{"dhclient[1]: DHCPACK of 10.0.0.5 from 10.0.0.1", []string{"address=10.0.0.5", "server=10.0.0.1"}},
		{"named[1]: client @0x7f 10.0.0.5#4711 (evil.example): query: evil.example IN A +E(0)K (10.0.0.1)", []string{"src_ip=10.0.0.5", "src_port=4711", "query=evil.example", "record_type=A"}},
		{"dnsmasq[1]: query[A] evil.example from 10.0.0.5", []string{"query=evil.example", "src_ip=10.0.0.5", "record_type=A"}},
		{"vsftpd[1]: [alice] FAIL LOGIN: Client \"::ffff:198.18.0.7\"", []string{"user=alice", "src_ip=198.18.0.7", "outcome=failure", "source=linux/auth/vsftpd"}},
		{"proftpd[1]: h (client[198.18.0.7]) - USER root: Login successful.", []string{"user=root", "src_ip=198.18.0.7", "outcome=success"}},
		{"postfix/smtpd[1]: warning: unknown[198.18.0.7]: SASL LOGIN authentication failed: x", []string{"src_ip=198.18.0.7", "outcome=failure", "method=LOGIN", "source=linux/mail/postfix"}},
		{"dovecot: imap-login: Login: user=<alice>, method=PLAIN, rip=198.18.0.7, lip=10.0.0.1, session=<x>", []string{"user=alice", "src_ip=198.18.0.7", "outcome=success", "session=x"}},
		{"clamd[1]: /srv/x y: Win.Trojan.Agent-1 FOUND", []string{"file=/srv/x y", "signature=Win.Trojan.Agent-1", "source=linux/syslog/clamd"}},
		{"guacd[1]: User joined connection (2 users now present)", []string{"source=linux/syslog/guacd"}},
		{"fail2ban.actions[1]: NOTICE [sshd] Ban 198.18.0.7", []string{"action=ban", "src_ip=198.18.0.7", "service=sshd"}},
		{"docker/3fa[1]: hello", []string{"source=linux/syslog/docker"}},
		{"/usr/sbin/cron[1]: (root) RELOAD (crontabs/root)", []string{"source=linux/cron/cron", "action=RELOAD"}},
	} {
		got, _ := readAll(t, readSyslog, "messages", []byte("Nov 23 01:37:49 h "+c.text+"\n"), aTime)
		if len(got) != 1 {
			t.Errorf("%s: %d records", c.text, len(got))
			continue
		}
		got[0].want(t, c.text, c.want...)
	}
}

// TestSyslogFileNames checks that the file's name settles the channel where it tells one.
func TestSyslogFileNames(t *testing.T) {
	for name, want := range map[string]string{"var/log/auth.log.1": "auth", "secure-20221127": "auth", "messages": "syslog", "cron": "cron", "maillog": "mail", "kern.log": "kern"} {
		got, _ := readAll(t, readSyslog, name, []byte("Nov 23 01:37:49 h thing: hello\n"), aTime)
		if got[0].Source.Channel != want {
			t.Errorf("%s: channel %q, want %q", name, got[0].Source.Channel, want)
		}
	}
}

func TestSyslogYears(t *testing.T) {
	for _, c := range []struct {
		name, file, modified string
		lines                string // dates apart by |
		want                 string // years in order, - for none
		note                 string
	}{
		{"this year", "m", "2022-11-24T00:00:00Z", "Nov 22|Nov 23", "2022 2022", "time of change 2022-11-24"},
		{"turn of the year", "m", "2022-01-02T00:00:00Z", "Dec 30|Dec 31|Jan 1", "2021 2021 2022", ""},
		{"two turns", "m", "2022-03-01T00:00:00Z", "Jun 1|Nov 1|Feb 1|Nov 1|Feb 20", "2020 2020 2021 2021 2022", ""},
		{"changed long after", "m", "2023-02-01T00:00:00Z", "Nov 22|Nov 23", "2022 2022", ""},
		{"small disorder", "m", "2022-11-24T00:00:00Z", "Mar 3|Mar 1|Feb 28|Mar 3", "2022 2022 2022 2022", ""},
		{"disorder over the turn", "m", "2022-01-02T00:00:00Z", "Dec 31|Jan 1|Dec 31|Jan 1", "2021 2022 2021 2022", ""},
		{"clock not set at boot", "m", "2022-11-24T00:00:00Z", "Nov 22|Jan 1|Nov 22|Nov 23", "2022 - 2022 2022", "later"},
		{"leap day", "m", "2022-11-24T00:00:00Z", "Feb 28|Feb 29|Mar 1", "2020 2020 2020", "February 29"},
		{"date in the name", "messages-20191103", "2022-11-24T00:00:00Z", "Oct 30|Nov 2", "2019 2019", "name"},
		{"no basis", "m", "", "Nov 22|Nov 23", "- -", "no time"},
		{"dated line", "m", "", "Nov 22|2022-11-23T00:00:00Z|Nov 24", "2022 2022 2022", "dated lines"},
		{"audit record", "m", "2022-11-24T00:00:00Z", "Jun 14|K audit(1122475266.429:0): initialized|Jul 29", "2005 2005 2005", "dated lines"},
	} {
		var b strings.Builder
		for _, d := range strings.Split(c.lines, "|") {
			switch {
			case strings.HasPrefix(d, "K "):
				fmt.Fprintf(&b, "Jul 27 10:00:00 h kernel: x %s\n", d[2:])
			case strings.Contains(d, "T"):
				fmt.Fprintf(&b, "%s h app: hello\n", d)
			default:
				month, day, _ := strings.Cut(d, " ")
				fmt.Fprintf(&b, "%s %2s 10:00:00 h app: hello\n", month, day)
			}
		}
		var modified time.Time
		if c.modified != "" {
			modified = mustTime(c.modified)
		}
		got, facts := readAll(t, readSyslog, c.file, []byte(b.String()), modified)
		var years []string
		for _, r := range got {
			if r.Time == "" {
				r.Time = "-   "
			}
			years = append(years, strings.TrimSpace(r.Time[:4]))
		}
		if s := strings.Join(years, " "); s != c.want {
			t.Errorf("%s: years %s, want %s (%q)", c.name, s, c.want, facts.Notes)
		}
		if c.note != "" && c.note != "later" && !strings.Contains(strings.Join(facts.Notes, "|"), c.note) {
			t.Errorf("%s: notes %q lack %q", c.name, facts.Notes, c.note)
		}
	}
}

func TestSyslogZone(t *testing.T) {
	zone := time.FixedZone("IST", 5*3600+1800)
	var got rows
	in := &input{Path: "m", Modified: aTime, Options: &Options{Zone: zone}, Stream: strings.NewReader("Nov 23 07:07:49 h app: hello\n"),
		Again: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("Nov 23 07:07:49 h app: hello\n")), nil
		}}
	facts := event.Artifact{}
	if err := readSyslog(context.Background(), in, newOutput(&got, &facts)); err != nil {
		t.Fatal(err)
	}
	got.got[0].want(t, "IST", "@=2022-11-23T01:37:49Z")
	if strings.Contains(strings.Join(facts.Notes, ""), "UTC") {
		t.Errorf("notes %q", facts.Notes)
	}
}

// TestSyslogDamage reads a log with everything that a crash and a vandal do to one.
func TestSyslogDamage(t *testing.T) {
	line := func(i int) string { return fmt.Sprintf("Nov 23 01:37:%02d h app[1]: message %d\n", i%60, i) }
	content := "rest of a line that was cut off\n" + line(1) + line(2) + strings.Repeat("\x00", 5000) + line(3) + line(4) +
		"\x01\x02\x03binary\x04\x05\n" + line(5) + "\tmore of five\nand more\n" + line(6) + "Nov 23 01:38:00 h app[1]: " + strings.Repeat("y", maxLine+1000) + "\n" + line(7) + "\n\n" + line(8)[:30]
	got, facts := readAll(t, readSyslog, "messages", []byte(content), aTime)
	if len(got) != 9 {
		t.Errorf("%d records, want 9", len(got))
	}
	var why []string
	for _, d := range facts.Damaged {
		why = append(why, fmt.Sprintf("%d:%s", d.Bytes, d.Why))
	}
	want := "31:text without a syslog header|5000:NUL bytes, as a crash leaves them|11:binary bytes in a text log|1026:line longer than 8 MiB"
	if s := strings.Join(why, "|"); s != want {
		t.Errorf("damage %s\nwant   %s", s, want)
	}
	for _, r := range got {
		if r.Fields["message"] == "message 5\n\tmore of five\nand more" {
			return
		}
	}
	t.Error("the lines of message 5 are not joined")
}

// TestSyslogContinuation checks the joining of lines wherever the reader's buffer happens to end.
func TestSyslogContinuation(t *testing.T) {
	var b strings.Builder
	const n = 30000
	for i := range n {
		fmt.Fprintf(&b, "Nov 23 01:37:49 h app[1]: %s%d\n", strings.Repeat("x", i%97), i)
		if i%3 == 0 {
			b.WriteString("  second line\n")
		}
	}
	got, facts := readAll(t, readSyslog, "messages", []byte(b.String()), aTime)
	if len(got) != n || len(facts.Damaged) > 0 {
		t.Fatalf("%d records, damage %v", len(got), facts.Damaged)
	}
	for i, r := range got {
		want := fmt.Sprintf("%s%d", strings.Repeat("x", i%97), i)
		if i%3 == 0 {
			want += "\n  second line"
		}
		if r.Fields["message"] != want {
			t.Fatalf("record %d: %q", i, r.Fields["message"])
		}
	}
}

func TestSyslogPacked(t *testing.T) {
	got, _ := readAll(t, readSyslog, "m", []byte("<15>2022-11-23T01:37:49Z h a: one <x> two<14>2022-11-23T01:37:50Z h b: three<13>Nov 23 01:37:51 h c: <13>four\n"), aTime)
	if len(got) != 3 {
		t.Fatalf("%d records", len(got))
	}
	got[0].want(t, "first", "message=one <x> two", "program=a")
	got[1].want(t, "second", "message=three", "@=2022-11-23T01:37:50Z")
	got[2].want(t, "third", "message=<13>four")
}

const sysmonLine = `Nov 23 01:37:49 h sysmon: <Event><System><Provider Name="Linux-Sysmon" Guid="{ff032593-a8d3-4f13-b0d6-01fc615a0f97}"/><EventID>1</EventID><Version>5</Version><Level>4</Level><Task>1</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime="2022-11-23T01:37:49.123456000Z"/><EventRecordID>77</EventRecordID><Correlation/><Execution ProcessID="9" ThreadID="9"/><Channel>Linux-Sysmon/Operational</Channel><Computer>h</Computer><Security UserId="0"/></System><EventData><Data Name="RuleName">-</Data><Data Name="Image">/usr/bin/bash</Data><Data Name="CommandLine">bash -c &quot;a &amp;&amp; b&quot; &#62; x</Data><Data Name="User">root</Data></EventData></Event>`

func TestSysmonForLinux(t *testing.T) {
	got, _ := readAll(t, readSyslog, "syslog", []byte(sysmonLine+"\n"), aTime)
	if len(got) != 1 || got[0].Source.EventID != 1 {
		t.Fatalf("%+v", got)
	}
	got[0].want(t, "sysmon", "@=2022-11-23T01:37:49.123456Z", "source=linux/sysmon/Linux-Sysmon", "Image=/usr/bin/bash", `CommandLine=bash -c "a && b" > x`, "User=root",
		"EventID=1", "Computer=h", "EventRecordID=77", "Provider_Name=Linux-Sysmon", "Security_UserID=0")
}

func TestAuditOverSyslog(t *testing.T) {
	got, _ := readAll(t, readSyslog, "syslog", []byte(`Nov 23 01:37:49 h audispd: node=db1 type=USER_LOGIN msg=audit(1669167469.123:45): pid=1 uid=0 msg='op=login acct="root" exe="/usr/sbin/sshd" addr=198.18.0.7 res=success'
Nov 23 01:37:50 h kernel: [ 3.1] audit: type=1400 audit(1669167470.5:46): apparmor="DENIED" operation="open" profile="x" name="/etc/shadow" pid=9 comm="y"
`), aTime)
	if len(got) != 2 {
		t.Fatal(len(got))
	}
	got[0].want(t, "audispd", "source=linux/auditd/USER_LOGIN", "#=db1", "acct=root", "addr=198.18.0.7", "res=success", "type=USER_LOGIN", "@=2022-11-23T01:37:49.123Z")
	got[1].want(t, "kernel", "source=linux/auditd/AVC", "#=h", "apparmor=DENIED", "name=/etc/shadow")
}

// TestNotSyslog holds the first lines of logs that begin with a like time and are others'.
func TestNotSyslog(t *testing.T) {
	for _, text := range []string{
		"2022-11-23 01:37:49.123 IST [4711] LOG:  database system is ready",
		"2022-11-23 01:37:49 UTC:10.0.0.5(5432):alice@ehosp:[4711]:LOG:  statement: SELECT 1",
		"2022-11-23T01:37:49.123456Z 0 [Note] [MY-010051] [Server] x",
		"2022-11-23T01:37:49.123456Z\t  12 Query\tSELECT 1",
		"2022-11-23 01:37:49,123 INFO  com.example.Main: started",
		"2022-11-23 01:37:49,123 - util.py[DEBUG]: x",
		"2022-11-23 01:37:49 INFO Main: started",
		"2022-11-23T01:37:49+0530 DEBUG Installed: vim",
		"2022-11-23T01:37:49.123+0530 I NETWORK  [conn1] end connection",
		"2022-11-23T01:37:49.123456789Z stdout F app: x",
		"2022/11/23 01:37:49 [error] 123#123: *1 open() failed",
		"Nov 23 01:37:49 Installed: vim-8.0-1.el7.x86_64",
		"[Wed Nov 23 01:37:49 2022] [notice] x",
		"Wed Nov 23 01:37:49 2022",
		"I1123 01:37:49.123456       1 main.go:1] x",
		"11/23-01:37:49.123456  [**] [1:2:3] x [**]",
		"#Software: Microsoft Internet Information Services 10.0\n2022-11-23 01:37:49 10.0.0.1 GET / - 443",
		"2022-11-23 01:37:49 install vim:amd64 <none> 8.0",
		"the text of a letter\nof two lines",
	} {
		if isSyslog([]byte(text+"\n"), "x.log") {
			t.Errorf("claimed: %s", text)
		}
	}
	for _, text := range []string{"", "\x00\x00\x00", "Nov 23 01:37:49 h app: x"} {
		if !isSyslog([]byte(text), "var/log/auth.log") {
			t.Errorf("not claimed: %q", text)
		}
	}
}

func TestDaemonLogs(t *testing.T) {
	got, facts := readAll(t, readDaemonLog, "x.log", []byte(`Wed Nov 23 01:37:49 2022 [pid 3] [alice] OK UPLOAD: Client "198.18.0.7", "/srv/x, y.txt", 12 bytes, 3.4Kbyte/sec
Wed Nov 23 01:37:50 2022 -> /srv/x.exe: Win.Trojan.Agent-1 FOUND
Wed Nov 23 01:37:51 2022 1 198.18.0.7 45019 /srv/a_b.zip b _ o r alice ftp 0 * c
2022-11-23 01:37:52,123 fail2ban.actions        [1234]: NOTICE  [sshd] Ban 198.18.0.7
`), aTime)
	if len(got) != 4 || len(facts.Damaged) > 0 {
		t.Fatal(len(got), facts.Damaged)
	}
	got[0].want(t, "vsftpd", "source=linux/auth/vsftpd", "@=2022-11-23T01:37:49Z", "user=alice", "file=/srv/x, y.txt", "bytes=12", "action=upload", "src_ip=198.18.0.7", "pid=3")
	got[1].want(t, "clamav", "source=linux/syslog/clamd", "file=/srv/x.exe", "signature=Win.Trojan.Agent-1")
	got[2].want(t, "xferlog", "source=linux/auth/xferlog", "user=alice", "file=/srv/a_b.zip", "bytes=45019", "action=download", "outcome=success")
	got[3].want(t, "fail2ban", "source=linux/syslog/fail2ban", "@=2022-11-23T01:37:52.123Z", "action=ban", "src_ip=198.18.0.7", "pid=1234")
}

// TestSyslogSamples compares counts with those of another reader of the same files, and times that it agrees on.
func TestSyslogSamples(t *testing.T) {
	for _, c := range []struct {
		name    string
		records int
		first   string
		last    string
	}{
		{"syslog/syslog_rsyslog", 5, "2020-05-31T00:00:45.698463Z", "2020-05-31T00:00:47.0448Z"},
		{"syslog/syslog_chromeos", 8, "2016-10-25T19:37:23.297265Z", "2016-10-25T19:37:25.014015Z"},
		{"syslog/syslog_rsyslog_SyslogProtocol23Format", 9, "2021-03-06T04:07:38.251122Z", "2021-03-06T04:07:38.269077Z"},
		{"syslog/syslog_rsyslog_ForwardFormat", 9, "2021-03-06T04:07:33.194677Z", "2021-03-06T04:07:33.208764Z"},
		{"syslog/syslog_rsyslog_SysklogdFileFormat", 9, "", ""},
		{"syslog/syslog_rsyslog_traditional", 8, "", ""},
		{"syslog/syslog_osx", 2, "", ""},
		{"syslog/syslog_ssh.log", 9, "", ""},
		{"syslog/syslog_cron.log", 9, "", ""},
		{"syslog/syslog", 17, "", ""},
		{"security.log", 9, "", ""},
		{"loghub/Linux_2k.log", 2000, "2005-06-14T15:16:01Z", "2005-07-27T14:42:00Z"},
		{"loghub/OpenSSH_2k.log", 2000, "", ""},
	} {
		got, facts := readAll(t, readSyslog, c.name, linuxData(t, c.name), aTime)
		if len(got) != c.records || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d records, want %d, damage %v", c.name, len(got), c.records, facts.Damaged)
			continue
		}
		if c.first != "" && (got[0].Time != c.first || got[len(got)-1].Time != c.last) {
			t.Errorf("%s: %s to %s", c.name, got[0].Time, got[len(got)-1].Time)
		}
	}
}

func FuzzSyslog(f *testing.F) {
	for _, s := range []string{"Nov 23 01:37:49 h sshd[1]: Failed password for root from 1.2.3.4 port 5 ssh2", "<34>1 2022-11-23T01:37:49Z h a 1 - [x y=\"z\"] m", "2022-11-23T01:37:49Z cpu1:2)x",
		"Nov 23 01:37:49 h sudo: a : TTY=x ; PWD=y ; USER=z ; COMMAND=c", sysmonLine, "\x00\x00Nov 23 01:37:49 h useradd[1]: new user: name=a, UID=1", "Nov 23 01:37:49 h kernel: [1] IN= SRC=1 DST=2",
		"<1>Nov 23 01:37:49 h a: b<2>Nov 23 01:37:49 h c: d", "Nov 23 01:37:49 h audispd: type=EXECVE msg=audit(1.2:3): argc=1 a0=6161"} {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, dated bool) {
		modified := aTime
		if !dated {
			modified = time.Time{}
		}
		// Every program's reader meets the text, whatever program it names.
		if dated && bytes.IndexByte(b, '\n') < 0 && len(b) < 4096 {
			var all []byte
			for _, p := range programs {
				all = append(append(append(append(all, "Nov 23 01:37:49 h "...), p.name...), "[1]: "...), b...)
				all = append(all, '\n')
			}
			readAll(t, readSyslog, "x", all, modified)
		}
		isSyslog(b, "x")
		isDaemonLog(b, "x")
		got, facts := readAll(t, readSyslog, "x", b, modified)
		again, _ := readAll(t, readSyslog, "x", b, modified)
		if len(got) != len(again) {
			t.Fatal("two readings differ")
		}
		readAll(t, readDaemonLog, "x", b, modified)
		for _, d := range facts.Damaged {
			if d.Offset < 0 || d.Bytes >= 0 && d.Offset+d.Bytes > int64(len(b)) && b[0] != 0xfe && b[0] != 0xff {
				t.Fatalf("damage %+v of %d bytes", d, len(b))
			}
		}
	})
}

// benchLog is a log like a busy server's auth.log.
func benchLog(bytes int) []byte {
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		at := fmt.Sprintf("Nov %2d %02d:%02d:%02d ehosp-db1 ", 1+i/86400%28, i/3600%24, i/60%60, i%60)
		pid := 1000 + i%20000
		switch i % 6 {
		case 0:
			fmt.Fprintf(&b, "%ssshd[%d]: Failed password for invalid user oracle from 198.18.0.%d port %d ssh2\n", at, pid, i%250, 1024+i%60000)
		case 1:
			fmt.Fprintf(&b, "%ssshd[%d]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=198.18.0.%d  user=root\n", at, pid, i%250)
		case 2:
			fmt.Fprintf(&b, "%sCRON[%d]: pam_unix(cron:session): session opened for user root by (uid=0)\n", at, pid)
		case 3:
			fmt.Fprintf(&b, "%ssshd[%d]: Accepted publickey for backup from 10.0.0.%d port %d ssh2: RSA SHA256:5xyQ+PG1Z3CIiShclJ2iNya5TOdKDgE/HrOXr21IdOo\n", at, pid, i%250, 1024+i%60000)
		case 4:
			fmt.Fprintf(&b, "%ssudo:    alice : TTY=pts/0 ; PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/systemctl restart postgresql\n", at)
		case 5:
			fmt.Fprintf(&b, "%ssystemd-logind[%d]: New session %d of user backup.\n", at, 700, i)
		}
	}
	return []byte(b.String())
}

// cpuTime is what this process has used of the processor: on a busy machine it compares, the clock does not.
func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sieve wants all slots, or none.
type sieve struct {
	want bool
	n    int
}

func (s *sieve) Want(*event.Schema) bool { return s.want }
func (s *sieve) Take(*event.Record)      { s.n++ }

func BenchmarkSyslog(b *testing.B) {
	log := benchLog(32 << 20)
	for _, c := range []struct {
		name string
		want bool
	}{{"slots", true}, {"no slots", false}} {
		b.Run(c.name, func(b *testing.B) { benchRead(b, readSyslog, "auth.log", log, c.want) })
	}
}

func benchRead(b *testing.B, read func(context.Context, *input, *output) error, name string, content []byte, want bool) {
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	rounds, before := 0, cpuTime()
	defer func() {
		b.ReportMetric(float64(len(content))*float64(rounds)/1e6/(cpuTime()-before).Seconds(), "MB/cpu-s")
	}()
	for b.Loop() {
		rounds++
		in := &input{Path: name, Modified: aTime, Options: &Options{}, Stream: bytes.NewReader(content),
			At:    func() (io.ReaderAt, int64, error) { return bytes.NewReader(content), int64(len(content)), nil },
			Again: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
		s := &sieve{want: want}
		if err := read(context.Background(), in, newOutput(s, &event.Artifact{})); err != nil || s.n == 0 {
			b.Fatal(err, s.n)
		}
	}
}
