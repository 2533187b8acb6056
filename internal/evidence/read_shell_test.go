package evidence

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestShellHistories(t *testing.T) {
	for _, c := range []struct {
		path, content string
		source        string
		want          []string // time command
	}{
		{"home/alice/.bash_history", "ls\ncat 'a\nb'\n\nid\n", "linux/shell history/bash", []string{" ls", " cat 'a", " b'", " id"}},
		{"root/.bash_history", "first\n#1669167469\ncurl x | sh\n#1669167470\nwget \\\n  y\nuntimed\n#1669167471\n#1669167472\nlast", "linux/shell history/bash",
			[]string{" first", "2022-11-23T01:37:49Z curl x | sh", "2022-11-23T01:37:50Z wget \\\n  y", " untimed", "2022-11-23T01:37:52Z last"}},
		{"root/.bash_history", "#1669167469\necho \"a\n#1669167470\nid\n", "linux/shell history/bash", []string{"2022-11-23T01:37:49Z echo \"a", "2022-11-23T01:37:50Z id"}},
		{"home/bob/.zsh_history", ": 1669167469:3;cd /srv\n: 1669167470:0;echo a\\\nb\n: 1669167471:0;caf\x83\xe3\x83\x89\n", "linux/shell history/zsh",
			[]string{"2022-11-23T01:37:49Z cd /srv", "2022-11-23T01:37:50Z echo a\nb", "2022-11-23T01:37:51Z caf\xc3\xa9"}},
		{"home/bob/.local/share/fish/fish_history", "- cmd: ls\n  when: 1669167469\n- cmd: echo a\\nb \\\\ c\n  when: 1669167470\n  paths:\n    - x\n    - y\n", "linux/shell history/fish",
			[]string{"2022-11-23T01:37:49Z ls", "2022-11-23T01:37:50Z echo a\nb \\ c"}},
		{"root/.mysql_history", "_HiStOrY_V2_\nselect\\0401;\ndrop\\040table\\040x;\n", "linux/shell history/mysql", []string{" select 1;", " drop table x;"}},
		{"var/lib/postgresql/.psql_history", "select 1\x01 from x;\n", "linux/shell history/psql", []string{" select 1\n from x;"}},
		{"root/.lesshst", ".less-history-file:\n.search\n\"password\n.shell\n\"id\n", "linux/shell history/less", []string{" password", " id"}},
		{"root/.python_history", "import os\nos.system('id')\n", "linux/shell history/python", []string{" import os", " os.system('id')"}},
		{"home/c/.history", "#+1669167469\nls\n", "linux/shell history/bash", []string{"2022-11-23T01:37:49Z ls"}},
	} {
		if !isShellHistory([]byte(c.content), c.path) {
			t.Errorf("%s: not recognised", c.path)
		}
		got, facts := readAll(t, readShellHistory, c.path, []byte(c.content), time.Time{})
		var have []string
		for _, r := range got {
			have = append(have, r.Time+" "+r.Fields["command"])
			r.want(t, c.path, "source="+c.source)
		}
		if a, b := fmt.Sprintf("%q", have), fmt.Sprintf("%q", c.want); a != b {
			t.Errorf("%s: got  %s\nwant %s", c.path, a, b)
		}
		if len(facts.Damaged) > 0 {
			t.Errorf("%s: damage %v", c.path, facts.Damaged)
		}
	}
}

func TestHistoryUsers(t *testing.T) {
	for p, want := range map[string]string{"home/alice/.bash_history": "alice", "x/home/bob/.config/y": "bob", "root/.bash_history": "root", "host1/root/.zsh_history": "root", "Users/c/.zsh_history": "c", "bash_history": "", "home/.bash_history": ""} {
		if got := pathUser(p); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
}

func TestShellDamage(t *testing.T) {
	got, facts := readAll(t, readShellHistory, "root/.bash_history", []byte("ls\n\x00\x01\x02\x03\nid\n"+strings.Repeat("x", maxLine+10)+"\n"), time.Time{})
	if len(got) != 3 || len(facts.Damaged) != 2 {
		t.Error(len(got), facts.Damaged)
	}
	got, facts = readAll(t, readShellHistory, "fish_history", []byte("- cmd: ls\n  when: x\ngarbage\n- cmd: id"), time.Time{})
	if len(got) != 2 || len(facts.Damaged) != 1 {
		t.Error(len(got), facts.Damaged)
	}
}

func TestShellSamples(t *testing.T) {
	for name, want := range map[string]int{"bash_history": 4, "bash_history_desync": 5, "fish_history": 10, "zsh_extended_history.txt": 4} {
		got, facts := readAll(t, readShellHistory, name, linuxData(t, name), time.Time{})
		if len(got) != want || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d, want %d, damage %v", name, len(got), want, facts.Damaged)
		}
	}
}

func FuzzShell(f *testing.F) {
	for _, s := range []string{"#1669167469\necho \"a\nb\"\n", ": 1:2;a\\\nb\n", "- cmd: a\\n\n  when: 5\n  paths:\n    - x\n", "_HiStOrY_V2_\n\\040a\n"} {
		for name := range historyNames {
			f.Add([]byte(s), name)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		isShellHistory(b, name)
		pathUser(name)
		readAll(t, readShellHistory, name, b, time.Time{})
	})
}
