package evidence

import (
	"strings"
	"testing"
	"time"
)

// transferFiles are configurations as rclone and WinSCP write them; after each, what is made of it.
var transferFiles = []struct {
	path, content string
	want          []string // tool|remote|type|dst_host|remote_user
}{
	{"C/ProgramData/HP/rclone.conf", "# x\n[m]\ntype = sftp\nhost = 198.18.0.9\nuser = m\npass = hunter2hunter2\n\n[cloud]\ntype = mega\nuser = a@b.example\npass = hunter2hunter2\n", []string{"rclone|m|sftp|198.18.0.9|m", "rclone|cloud|mega||a@b.example"}},
	{"C/Users/x/AppData/Roaming/rclone/any.ini", "[dav]\r\ntype = webdav\r\nurl = https://u:hunter2@files.example:8443/dav\r\nvendor = other\r\n", []string{"rclone|dav|webdav|files.example|"}},
	{"root/.config/rclone/rclone.conf", "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\nAAAA\n", []string{"rclone||encrypted||"}},
	{"C/Tools/WinSCP.ini", "[Configuration\\Interface]\nRandomSeedFile=x\n[Sessions\\out]\nHostName=198.18.0.9\nUserName=m\nPassword=hunter2\nFSProtocol=5\n[Configuration\\CDCache]\n", []string{"winscp|out|ftp|198.18.0.9|m"}},
}

func TestTransferConfigurations(t *testing.T) {
	c := &Collection{readers: readers}
	for _, f := range transferFiles {
		kind, r := c.kindOf([]byte(f.content), f.path)
		if kind != "transfer configuration" {
			t.Errorf("%s: kind %s", f.path, kind)
			continue
		}
		got, facts := readAll(t, r.read, f.path, []byte(f.content), time.Time{})
		var have []string
		for _, r := range got {
			x := r.Fields
			have = append(have, strings.Join([]string{x["tool"], x["remote"], x["type"], x["dst_host"], x["remote_user"]}, "|"))
			for name, v := range x {
				if strings.Contains(v, "hunter2") {
					t.Errorf("%s: %s holds a password", f.path, name)
				}
			}
		}
		if strings.Join(have, "\n") != strings.Join(f.want, "\n") || len(facts.Damaged) > 0 {
			t.Errorf("%s: got %q, want %q, damage %v", f.path, have, f.want, facts.Damaged)
		}
	}
	for path, content := range map[string]string{
		"etc/app.ini": "[store]\ntype = fast\nhost = x\n", "notes.txt": "type = sftp\n", "C/x.ini": "[Service]\nkind = s3\n", "etc/my.cnf": "[mysqld]\nport = 3306\n",
	} {
		if kind, _ := c.kindOf([]byte(content), path); kind == "transfer configuration" {
			t.Errorf("%s is claimed", path)
		}
	}
}

func FuzzTransfer(f *testing.F) {
	for _, x := range transferFiles {
		f.Add([]byte(x.content), x.path)
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		isTransferSetup(b, name)
		readAll(t, readTransfer, name, b, time.Time{})
	})
}
