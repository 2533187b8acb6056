package spread

import (
	"testing"

	"wardround/internal/event"
)

func TestSSHTarget(t *testing.T) {
	for _, c := range []struct{ command, user, host string }{
		{"ssh -i /tmp/k -o StrictHostKeyChecking=no deploy@10.20.1.16", "deploy", "10.20.1.16"},
		{"/usr/bin/ssh -l root -p 2222 esx1.hosp.local uptime", "root", "esx1.hosp.local"},
		{"sudo ssh pg1", "", "pg1"},
		{"ssh -tt admin@db1 sudo su -", "admin", "db1"},
		{"ssh -D 1080 -fN u@h", "u", "h"},
		{"scp -P 22 /etc/passwd backup@nas:/volume1/x", "backup", "nas"},
		{"scp nas:/x /tmp/y", "", "nas"},
		{"scp /a/b:c /tmp/y", "", ""},
		{"sftp u@h", "u", "h"},
		{"ssh-keygen -t ed25519", "", ""}, {"ssh", "", ""}, {"ssh -V", "", ""}, {"ls ssh x@y", "", ""}, {"ssh $HOST", "", ""}, {"", "", ""},
	} {
		user, host, ok := sshTarget(c.command)
		if user != c.user || host != c.host || ok != (c.host != "") {
			t.Errorf("%q: %q at %q, %v", c.command, user, host, ok)
		}
	}
}

func TestRemoteClients(t *testing.T) {
	for _, src := range []event.Source{{Product: "linux", Channel: "auditd", Provider: "execve"}, {Product: "linux", Channel: "shell history", Provider: "bash"}, {Product: "esxi", Channel: "shell"}} {
		field := "command"
		if src.Channel == "auditd" {
			field = "CommandLine"
		}
		r := record(src, "web1", field, "ssh deploy@pg1")
		e := Of(r.Schema)
		var m event.Movement
		if !e.Read(r, &m) || m.From != "web1" || m.To != "pg1" || m.Account != "deploy" || m.How != "ssh" || m.SeenFrom != event.FromSource {
			t.Errorf("%+v: %+v", src, m)
		}
		r = record(src, "web1", field, "ssh web1.hosp.local")
		if Of(r.Schema).Read(r, &m) {
			t.Errorf("%+v: to itself", src)
		}
	}
}

func FuzzSSHTarget(f *testing.F) {
	for _, s := range []string{"ssh -i k u@h", "scp a u@h:b", "sftp h", "ssh -", "ssh -l"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, host, ok := sshTarget(s); ok && host == "" {
			t.Errorf("%q: a target without a name", s)
		}
	})
}
