package evidence

import (
	"fmt"
	"testing"
	"time"
)

func TestPackageLogs(t *testing.T) {
	for _, c := range []struct {
		name, content string
		want          []string // time provider action package arch old version user
		damaged       int
	}{
		{"dpkg.log", "2022-11-23 01:37:49 startup archives install\n2022-11-23 01:37:50 install ncat:amd64 <none> 7.92\n2022-11-23 01:37:51 upgrade curl:amd64 7.87 7.88\n" +
			"2022-11-23 01:37:52 status installed ncat:amd64 7.92\n2022-11-23 01:37:53 conffile /etc/x keep\ngarbage\n2022-11-23 01:37:54 remove ncat:amd64 7.92 <none>\n", []string{
			"2022-11-23T01:37:49Z dpkg startup     ", "2022-11-23T01:37:50Z dpkg install ncat amd64  7.92 ", "2022-11-23T01:37:51Z dpkg upgrade curl amd64 7.87 7.88 ",
			"2022-11-23T01:37:52Z dpkg status ncat amd64  7.92 ", "2022-11-23T01:37:53Z dpkg conffile /etc/x    ", "2022-11-23T01:37:54Z dpkg remove ncat amd64 7.92  "}, 1},
		{"history.log", "\nStart-Date: 2022-11-23  01:37:49\nCommandline: apt install ncat\nRequested-By: alice (1000)\nInstall: liblua:amd64 (5.3, automatic), ncat:amd64 (7.92)\nUpgrade: curl:amd64 (7.87, 7.88)\nEnd-Date: 2022-11-23  01:37:55\n", []string{
			"2022-11-23T01:37:49Z apt command     alice", "2022-11-23T01:37:49Z apt install liblua amd64  5.3 alice", "2022-11-23T01:37:49Z apt install ncat amd64  7.92 alice", "2022-11-23T01:37:49Z apt upgrade curl amd64 7.87 7.88 alice"}, 0},
		{"term.log", "\nLog started: 2022-11-23  01:37:49\nSelecting previously unselected package ncat.\nUnpacking ncat (7.92) ...\nUnpacking curl (7.88) over (7.87) ...\nSetting up ncat (7.92) ...\nRemoving vim (8) ...\nLog ended: 2022-11-23  01:37:55\n", []string{
			"2022-11-23T01:37:49Z apt unpack ncat   7.92 ", "2022-11-23T01:37:49Z apt unpack curl  7.87 7.88 ", "2022-11-23T01:37:49Z apt configure ncat   7.92 ", "2022-11-23T01:37:49Z apt remove vim   8 "}, 0},
		{"yum.log", "Dec 30 01:37:49 Installed: nmap-ncat-7.92-1.el7.x86_64\nNov 23 01:37:49 Erased: auditd\nNov 23 01:37:50 Updated: 2:vim-8.0-1.el7.noarch\n", []string{
			"2021-12-30T01:37:49Z yum install nmap-ncat x86_64  7.92-1.el7 ", "2022-11-23T01:37:49Z yum remove auditd    ", "2022-11-23T01:37:50Z yum upgrade 2:vim noarch  8.0-1.el7 "}, 0},
		{"dnf.rpm.log", "2022-11-23T07:07:49+0530 INFO --- logging initialized ---\n2022-11-23T07:07:49+0530 SUBDEBUG Installed: nmap-ncat-3:7.92-1.el9.x86_64\n2022-11-23T01:37:50Z SUBDEBUG Erase: audit-3.0-1.x86_64\n", []string{
			"2022-11-23T01:37:49Z dnf install nmap-ncat x86_64  3:7.92-1.el9 ", "2022-11-23T01:37:50Z dnf remove audit x86_64  3.0-1 "}, 0},
		{"dnf.log", "2022-11-23T07:07:49+0530 INFO --- logging initialized ---\n2022-11-23T07:07:49+0530 DDEBUG Command: dnf install nmap-ncat \n2022-11-23T07:07:49+0530 DEBUG cachedir: /var\n", []string{
			"2022-11-23T01:37:49Z dnf command     "}, 0},
		{"history", "# x\n2022-11-23 01:37:49|command|root@h|'zypper' 'in' 'ncat'|\n2022-11-23 01:37:50|install|ncat|7.92|x86_64|root@h|repo|abc|\n2022-11-23 01:37:51|remove |audit|3.0|x86_64|root@h|\n", []string{
			"2022-11-23T01:37:49Z zypper command     root@h", "2022-11-23T01:37:50Z zypper install ncat x86_64  7.92 root@h", "2022-11-23T01:37:51Z zypper remove audit x86_64  3.0 root@h"}, 0},
		{"pacman.log", "[2022-11-23T07:07:49+0530] [PACMAN] Running 'pacman -S ncat'\n[2022-11-23T07:07:50+0530] [ALPM] installed ncat (7.92-1)\n[2022-11-23T07:07:51+0530] [ALPM] upgraded curl (7.87 -> 7.88)\n", []string{
			"2022-11-23T01:37:49Z pacman command     ", "2022-11-23T01:37:50Z pacman installed ncat   7.92-1 ", "2022-11-23T01:37:51Z pacman upgraded curl  7.87 7.88 "}, 0},
	} {
		if !isPackageLog([]byte(c.content), c.name) {
			t.Errorf("%s: not recognised", c.name)
		}
		if isSyslog([]byte(c.content), c.name) {
			t.Errorf("%s: claimed by syslog", c.name)
		}
		got, facts := readAll(t, readPackages, c.name, []byte(c.content), aTime)
		var have []string
		for _, r := range got {
			f := r.Fields
			have = append(have, fmt.Sprintf("%s %s %s %s %s %s %s %s", r.Time, r.Source.Provider, f["action"], f["package"], f["architecture"], f["old_version"], f["version"], f["user"]))
		}
		if a, b := fmt.Sprintf("%q", have), fmt.Sprintf("%q", c.want); a != b {
			t.Errorf("%s: got  %s\nwant %s", c.name, a, b)
		}
		if len(facts.Damaged) != c.damaged {
			t.Errorf("%s: damage %v", c.name, facts.Damaged)
		}
	}
}

func TestPackageSamples(t *testing.T) {
	got, facts := readAll(t, readPackages, "dpkg.log", linuxData(t, "dpkg.log"), aTime)
	if len(got) != 4 || len(facts.Damaged) > 0 {
		t.Error(len(got), facts.Damaged)
	}
}

func FuzzPackages(f *testing.F) {
	for _, s := range []string{"2022-11-23 01:37:50 install ncat:amd64 <none> 7.92\n", "Start-Date: 2022-11-23  01:37:49\nInstall: a:b (1), c (2, 3)\n", "Log started: 2022-11-23  01:37:49\nUnpacking a (1) over (2) ...\n",
		"Dec 30 01:37:49 Installed: a-1-2.x86_64\n", "2022-11-23T07:07:49+0530 SUBDEBUG Installed: a-1-2.x86_64\n", "2022-11-23 01:37:50|install|a|1|x86_64|r|\n", "[2022-11-23T07:07:50+0530] [ALPM] installed a (1)\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		isPackageLog(b, "x")
		readAll(t, readPackages, "x", b, time.Time{})
		for i := range packageForms { // each form's lines meet the text
			form := &packageForms[i]
			head := map[int]string{0: "2022-11-23 01:37:50 install a b c\n", 1: "Start-Date: 2022-11-23  01:37:49\n", 2: "Log started: 2022-11-23  01:37:49\n", 3: "Dec 30 01:37:49 Installed: a\n",
				4: "2022-11-23T07:07:49Z INFO Installed: a\n", 5: "2022-11-23 01:37:50|install|a|1|x86_64|r|\n", 6: "[2022-11-23T07:07:50+0530] [ALPM] installed a (1)\n"}[i]
			if got := choosePackageForm([]byte(head)); got != form {
				t.Fatalf("form %d is not its own", i)
			}
			readAll(t, readPackages, "x", append([]byte(head), b...), time.Time{})
		}
	})
}
