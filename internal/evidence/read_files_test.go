package evidence

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A key that opens nothing: its 32 bytes count from 0. The fingerprint is ssh-keygen's.
const (
	sampleKey   = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
	samplePrint = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
)

// linuxFiles are small files of a Linux system as it keeps them; after each, what is made of it: the fields named, joined
// by "|", a line a record.
var linuxFiles = []struct {
	path, content, kind, fields string
	want                        []string
	damaged                     int
}{
	{"root/.ssh/authorized_keys", "# keys\n" + sampleKey + " dr.rao@laptop\nfrom=\"198.18.0.7\",command=\"/bin/sh -c \\\"x y\\\"\",no-pty " + sampleKey + "\nssh-rsa nonsense\n", "ssh keys",
		"action|user|key_type|key|comment|src_host|file", []string{"authorized key|root|ssh-ed25519|" + samplePrint + "|dr.rao@laptop||root/.ssh/authorized_keys", "authorized key|root|ssh-ed25519|" + samplePrint + "||198.18.0.7|root/.ssh/authorized_keys"}, 1},
	{"etc/ssh/keys-root/authorized_keys", sampleKey + "\n", "ssh keys", "user|key", []string{"root|" + samplePrint}, 0},
	{"home/backup/.ssh/known_hosts", "db1.hosp.local,10.0.0.5 " + sampleKey + "\n[10.0.0.6]:2222 " + sampleKey + "\n|1|abcdefghijklmnopqrstuvwxyz0=|abcdefghijklmnopqrstuvwxyz0= " + sampleKey + "\n@revoked old1 " + sampleKey + "\n", "ssh keys",
		"user|dst_host|dst_ip|dst_port|hashed|marker", []string{"backup|db1.hosp.local|10.0.0.5|||", "backup||10.0.0.6|2222||", "backup||||true|", "backup|old1||||@revoked"}, 0},
	{"etc/systemd/system/cache.service", "[Unit]\nDescription=Cache\n[Service]\nType=simple\nUser=root\nExecStart=\nExecStart=/usr/local/bin/x \\\n  --all\nRestart=always\nLimitNOFILE=9 \\\n 10\n[Install]\nWantedBy=multi-user.target\n", "systemd unit",
		"action|unit|command|user|wanted_by|restart|description", []string{"unit|cache.service|/usr/local/bin/x  --all|root|multi-user.target|always|Cache"}, 0},
	{"etc/systemd/system/cache.timer", "[Timer]\nOnCalendar=*:0/5\nUnit=cache.service\n[Install]\nWantedBy=timers.target\n", "systemd unit", "unit|schedule|of", []string{"cache.timer|*:0/5|cache.service"}, 0},
	{"etc/systemd/system/ssh.service.d/override.conf", "[Service]\nExecStartPre=/tmp/.x\nnonsense\n", "systemd unit", "unit|command", []string{"ssh.service|/tmp/.x"}, 1},
	{"etc/passwd", "root:x:0:0:root:/root:/bin/bash\ndaemon:*:1:1::/:/usr/sbin/nologin\nbutter:$6$salt$hash:0:0::/home/butter:/bin/sh\nbroken:x\n", "accounts",
		"action|user|uid|home|shell|password", []string{"account|root|0|/root|/bin/bash|shadowed", "account|daemon|1|/|/usr/sbin/nologin|locked", "account|butter|0|/home/butter|/bin/sh|set, SHA-512"}, 1},
	{"etc/shadow", "root:$y$j9T$salt$hash:19319:0:99999:7:::\nnobody:*:19319:0:99999:7:::\nbutter::19319:0:99999:7:::\n", "accounts", "@|action|user|password",
		[]string{"2022-11-23T00:00:00Z|password|root|set, yescrypt", "2022-11-23T00:00:00Z|password|nobody|locked", "2022-11-23T00:00:00Z|password|butter|none"}, 0},
	{"copied.txt", "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:Alice:/home/alice:/bin/bash\n", "accounts", "user|uid", []string{"root|0", "alice|1000"}, 0},
	{"etc/group", "root:x:0:\nsudo:x:27:alice,butter\n", "accounts", "action|group|gid|members", []string{"group|root|0|", "group|sudo|27|alice,butter"}, 0},
	{"etc/sudoers.d/90-x", "# x\nDefaults env_reset\nbutter ALL=(ALL:ALL) NOPASSWD: ALL\n%wheel ALL=(root) \\\n  NOEXEC:NOPASSWD: /bin/systemctl restart x\n", "accounts",
		"action|user|group|runas|options|command", []string{"sudo setting||||Defaults env_reset|", "sudo rule|butter||ALL:ALL|NOPASSWD|ALL", "sudo rule||wheel|root|NOEXEC,NOPASSWD|/bin/systemctl restart x"}, 0},
	{"etc/hosts", "127.0.0.1 localhost\n10.0.0.5\tdb1.hosp.local db1 # x\nnonsense here\n", "names and addresses", "action|name|address|aliases", []string{"name of address|localhost|127.0.0.1|", "name of address|db1.hosp.local|10.0.0.5|db1"}, 1},
	{"C/Windows/System32/drivers/etc/hosts", "# Copyright\r\n10.0.0.5 db1\r\n", "names and addresses", "name|address", []string{"db1|10.0.0.5"}, 0},
	{"etc/hostname", "ehosp-db1\n", "names and addresses", "#|action|name", []string{"ehosp-db1|own name|ehosp-db1"}, 0},
	{"etc/netplan/01.yaml", "network:\n  ethernets:\n    ens3:\n      addresses:\n      - 10.0.0.5/24\n      - \"2001:db8::5/64\"\n      nameservers:\n        addresses: [10.0.0.1]\n    ens4:\n      addresses: [10.0.1.5/24]\n", "names and addresses",
		"action|interface|address", []string{"own address|ens3|10.0.0.5", "own address|ens3|2001:db8::5", "own address|ens4|10.0.1.5"}, 0},
	{"etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nIPADDR=\"10.0.0.5\"\nNETMASK=255.255.255.0\n", "names and addresses", "interface|address", []string{"eth0|10.0.0.5"}, 0},
	{"etc/network/interfaces", "auto eth0\niface eth0 inet static\n  address 10.0.0.5/24\n  gateway 10.0.0.1\n", "names and addresses", "interface|address", []string{"eth0|10.0.0.5"}, 0},
	{"etc/NetworkManager/system-connections/x.nmconnection", "[connection]\ninterface-name=ens3\n[ipv4]\naddress1=10.0.0.5/24,10.0.0.1\n", "names and addresses", "interface|address", []string{"ens3|10.0.0.5"}, 0},
	{"etc/sysconfig/network", "NETWORKING=yes\nHOSTNAME=ehosp-db1\n", "names and addresses", "#|name", []string{"ehosp-db1|ehosp-db1"}, 0},
	{"etc/rc.local", "#!/bin/sh\n# x\n/tmp/.x &\nexit 0\n", "startup file", "action|command|service", []string{"start script|/tmp/.x &|rc.local", "start script|exit 0|rc.local"}, 0},
	{"etc/ld.so.preload", "/usr/lib/libx.so\n", "startup file", "action|command", []string{"preload|/usr/lib/libx.so"}, 0},
	{"home/alice/.bashrc", "alias ls='ls -l'\n", "startup file", "action|user|command", []string{"shell start|alice|alias ls='ls -l'"}, 0},
	{"etc/rc.local.d/local.sh", "#!/bin/sh\nesxcli network firewall set --enabled false\n", "startup file", "action|command", []string{"start script|esxcli network firewall set --enabled false"}, 0},
}

func TestLinuxFiles(t *testing.T) {
	c := &Collection{readers: readers}
	for _, f := range linuxFiles {
		kind, r := c.kindOf([]byte(f.content), f.path)
		if kind != f.kind || r == nil {
			t.Errorf("%s: kind %s, want %s", f.path, kind, f.kind)
			continue
		}
		got, facts := readAll(t, r.read, f.path, []byte(f.content), time.Time{})
		var have []string
		for _, r := range got {
			var line []string
			for _, name := range strings.Split(f.fields, "|") {
				switch name {
				case "@":
					line = append(line, r.Time)
				case "#":
					line = append(line, r.Host)
				default:
					line = append(line, r.Fields[name])
				}
			}
			have = append(have, strings.Join(line, "|"))
			for name, v := range r.Fields {
				if strings.Contains(v, "hash") && name != "hashed" {
					t.Errorf("%s: %s holds a password's hash: %s", f.path, name, v)
				}
			}
		}
		if a, b := fmt.Sprintf("%q", have), fmt.Sprintf("%q", f.want); a != b {
			t.Errorf("%s: got  %s\nwant %s", f.path, a, b)
		}
		if len(facts.Damaged) != f.damaged {
			t.Errorf("%s: damage %v", f.path, facts.Damaged)
		}
	}
}

// TestFilesThatAreNone: text that only looks like one of these files stays what it is.
func TestFilesThatAreNone(t *testing.T) {
	c := &Collection{readers: readers}
	for path, content := range map[string]string{
		"x/id_ed25519.pub": sampleKey + " alice@laptop\n", "etc/app.ini": "[Service]\nport=9\n", "notes.txt": "root: see page 7\n", "hosts": "all hosts are down\n",
		"etc/passwd": "\x00\x01\x02", "x/hostname": "ehosp-db1\n", "C/Program Files/x/group": "a group of words\n",
	} {
		if kind, r := c.kindOf([]byte(content), path); r != nil {
			t.Errorf("%s: claimed as %s", path, kind)
		}
	}
}

func FuzzLinuxFiles(f *testing.F) {
	for _, x := range linuxFiles {
		f.Add([]byte(x.content), x.path)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		for _, r := range []reader{{"", isKeys, readKeys}, {"", isUnit, readUnit}, {"", isAccounts, readAccounts}, {"", isHosts, readHosts}, {"", isStartup, readStartup}} {
			r.is(b, name)
			readAll(t, r.read, name, b, time.Time{})
		}
	})
}
