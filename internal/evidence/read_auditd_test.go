package evidence

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/outside"
)

// auditLog has two executions whose records lie interleaved, as two processors write them, raw and without names.
const auditLog = `node=db1 type=SYSCALL msg=audit(1669167469.123:45): arch=c000003e syscall=59 success=yes exit=0 a0=1 a1=2 a2=3 a3=8 items=2 ppid=700 pid=701 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="sh" exe="/usr/bin/dash" subj=unconfined key=6B31016B32
node=db1 type=SYSCALL msg=audit(1669167469.124:46): arch=c00000b7 syscall=221 success=no exit=-13 a0=1 a1=2 a2=3 a3=8 items=1 ppid=1 pid=702 auid=4294967295 uid=33 gid=33 euid=33 suid=33 fsuid=33 egid=33 sgid=33 fsgid=33 tty=(none) ses=4294967295 comm="id" exe="/usr/bin/id" key=(null)
node=db1 type=EXECVE msg=audit(1669167469.123:45): argc=3 a0="sh" a1="-c" a2=6563686F202268692220262620636174202F6574632F736861646F77
node=db1 type=CWD msg=audit(1669167469.123:45):  cwd=2F746D702F6120622F
node=db1 type=PATH msg=audit(1669167469.123:45): item=0 name="/bin/sh" inode=1 dev=08:01 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL cap_fp=0
node=db1 type=EXECVE msg=audit(1669167469.124:46): argc=1 a0="id"
node=db1 type=PROCTITLE msg=audit(1669167469.123:45): proctitle=7368002D63006563686F
node=db1 type=SYSCALL msg=audit(1669167470.001:47): arch=40000003 syscall=362 success=no exit=-115 a0=3 a1=4 a2=10 a3=0 items=0 ppid=700 pid=701 auid=1000 uid=1000 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="sh" exe="/usr/bin/dash" key="net"
node=db1 type=SOCKADDR msg=audit(1669167470.001:47): saddr=020001BBC61200070000000000000000
node=db1 type=PROCTITLE msg=audit(1669167470.001:47): proctitle="sh"
node=db1 type=SYSCALL msg=audit(1669167471.001:48): arch=c000003e syscall=257 success=yes exit=3 a0=3 a1=4 a2=10 a3=0 items=2 ppid=701 pid=703 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="touch" exe="/usr/bin/touch" key=(null)
node=db1 type=CWD msg=audit(1669167471.001:48): cwd="/etc/cron.d"
node=db1 type=PATH msg=audit(1669167471.001:48): item=0 name="/etc/cron.d" nametype=PARENT
node=db1 type=PATH msg=audit(1669167471.001:48): item=1 name="job" nametype=CREATE
node=db1 type=SYSCALL msg=audit(1669167472.001:49): arch=c000003e syscall=59 success=yes exit=0 a0=1 items=2 ppid=701 pid=704 auid=1000 uid=0 euid=0 tty=pts0 ses=3 comm="ls" exe="/usr/bin/ls" key=(null)
node=db1 type=EXECVE msg=audit(1669167472.001:49): argc=1 a0="ls"
`

func TestAuditd(t *testing.T) {
	got, facts := readAll(t, readAuditd, "audit.log", []byte(auditLog), time.Time{})
	if len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
		t.Error(facts.Damaged, facts.Notes)
	}
	var kinds []string
	for _, r := range got {
		kinds = append(kinds, r.Source.Provider)
	}
	want := "SYSCALL SYSCALL EXECVE CWD PATH EXECVE PROCTITLE execve SYSCALL SOCKADDR PROCTITLE connect SYSCALL CWD PATH PATH SYSCALL EXECVE create execve"
	if s := strings.Join(kinds, " "); s != want {
		t.Fatalf("got  %s\nwant %s", s, want)
	}
	by := func(kind string, n int) row {
		for _, r := range got {
			if r.Source.Provider == kind {
				if n == 0 {
					return r
				}
				n--
			}
		}
		return row{}
	}
	by("SYSCALL", 0).want(t, "first system call", "#=db1", "@=2022-11-23T01:37:49.123Z", "type=SYSCALL", "SYSCALL=execve", "ARCH=x86_64", "syscall=59", "key=k1 | k2", "exe=/usr/bin/dash", "serial=45")
	by("SYSCALL", 1).want(t, "aarch64", "SYSCALL=execve", "ARCH=aarch64", "success=no")
	by("SYSCALL", 2).want(t, "i386", "SYSCALL=connect", "ARCH=i386")
	by("EXECVE", 0).want(t, "arguments", "argc=3", "a0=sh", "a1=-c", `a2=echo "hi" && cat /etc/shadow`, "type=EXECVE")
	by("CWD", 0).want(t, "directory", "cwd=/tmp/a b/")
	by("PATH", 0).want(t, "path", "name=/bin/sh", "nametype=NORMAL", "mode=0100755")
	by("PROCTITLE", 0).want(t, "title", "proctitle=sh -c echo")
	by("execve", 0).want(t, "process", "Image=/usr/bin/dash", `CommandLine=sh -c echo "hi" && cat /etc/shadow`, "ProcessId=701", "ParentProcessId=700", "User=root", "CurrentDirectory=/tmp/a b/",
		"LogonId=3", "tty=pts0", "key=k1 | k2", "success=yes", "auid=1000", "#=db1", "ParentImage=")
	by("SOCKADDR", 0).want(t, "address", "family=inet", "address=198.18.0.7", "port=443")
	by("connect", 0).want(t, "connection", "Image=/usr/bin/dash", "DestinationIp=198.18.0.7", "DestinationPort=443", "Initiated=true", "User=1000", "key=net")
	by("create", 0).want(t, "file", "TargetFilename=/etc/cron.d/job", "Image=/usr/bin/touch")
	by("execve", 1).want(t, "child", "Image=/usr/bin/ls", "CommandLine=ls", "ParentImage=/usr/bin/dash", `ParentCommandLine=sh -c echo "hi" && cat /etc/shadow`)
	if r := by("execve", 0); r.Number != 1 || r.Offset != 0 {
		t.Errorf("process stands at %d, %d", r.Number, r.Offset)
	}
}

// TestAuditdLongArguments reads an argument that the kernel wrote in pieces, over several records.
func TestAuditdLongArguments(t *testing.T) {
	long := strings.Repeat("abcdefgh ", 2000)
	code := strings.ToUpper(hex.EncodeToString([]byte(long)))
	var b strings.Builder
	head := "type=EXECVE msg=audit(1669167469.123:45): "
	fmt.Fprintf(&b, "type=SYSCALL msg=audit(1669167469.123:45): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=2 uid=0 exe=\"/bin/sh\"\n")
	fmt.Fprintf(&b, "%sargc=4 a0=\"sh\" a1=\"-c\" a2_len=%d a2[0]=%s\n", head, len(code), code[:7500])
	fmt.Fprintf(&b, "%s a2[1]=%s\n%s a2[2]=%s\n%s a2[3]=%s\n", head, code[7500:15000], head, code[15000:30000], head, code[30000:])
	fmt.Fprintf(&b, "%s a3=\"last\"\n", head)
	got, _ := readAll(t, readAuditd, "audit.log", []byte(b.String()), time.Time{})
	if len(got) != 3 {
		t.Fatalf("%d records", len(got))
	}
	got[1].want(t, "arguments", "a0=sh", "a2="+long, "a3=last", "argc=4")
	got[2].want(t, "process", "CommandLine=sh -c "+long+" last")
	if got[1].Number != 2 {
		t.Errorf("line %d", got[1].Number)
	}
	// More arguments than have a field each.
	b.Reset()
	fmt.Fprintf(&b, "%sargc=70", head)
	for i := range 70 {
		fmt.Fprintf(&b, " a%d=\"x%d\"", i, i)
	}
	got, _ = readAll(t, readAuditd, "audit.log", []byte(b.String()), time.Time{})
	got[0].want(t, "many", "a63=x63", "rest=x64 x65 x66 x67 x68 x69")
}

func TestAuditdRecords(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{`type=USER_AUTH msg=audit(1669167469.123:45): pid=9 uid=0 auid=4294967295 ses=4294967295 msg='op=PAM:authentication acct="root" exe="/usr/sbin/sshd" hostname=198.18.0.7 addr=198.18.0.7 terminal=ssh res=failed'` + "\x1dUID=\"root\" AUID=\"unset\"",
			[]string{"op=PAM:authentication", "acct=root", "addr=198.18.0.7", "res=failed", "UID=root", "AUID=unset", "type=USER_AUTH"}},
		{`type=USER_AUTH msg=audit(1169167469.123:45): user pid=9 uid=0 auid=0 msg='PAM: authentication acct="root" : exe="/usr/sbin/sshd" (hostname=h, addr=198.18.0.7, terminal=ssh res=failed)'`,
			[]string{"acct=root", "addr=198.18.0.7", "hostname=h", "terminal=ssh", "res=failed"}},
		{`type=USER_LOGIN msg=audit(1669167469.123:45): pid=9 uid=0 msg='op=login acct=28696E76616C6964207573657229 exe="/usr/sbin/sshd" res=failed'`, []string{"acct=(invalid user)"}},
		{`type=USER_CMD msg=audit(1669167469.123:45): pid=9 uid=1000 msg='cwd="/root" cmd=636174202F6574632F736861646F77 terminal=pts/0 res=success'`, []string{"cmd=cat /etc/shadow", "cwd=/root"}},
		{`type=SERVICE_STOP msg=audit(1669167469.123:45): pid=1 uid=0 msg='unit=auditd comm="systemd" exe="/lib/systemd/systemd" res=success'`, []string{"unit=auditd", "type=SERVICE_STOP"}},
		{`type=CONFIG_CHANGE msg=audit(1669167469.123:45): auid=0 ses=3 op=remove_rule key="exec" list=4 res=1`, []string{"op=remove_rule", "key=exec", "res=1"}},
		{`type=DAEMON_END msg=audit(1669167469.123:45): op=terminate auid=0 pid=9 subj=x res=success`, []string{"op=terminate"}},
		{`type=TTY msg=audit(1669167469.123:45): tty pid=9 uid=0 auid=0 ses=1 major=136 minor=0 comm="bash" data=69640D`, []string{"data=id\r", "comm=bash"}},
		{`type=AVC msg=audit(1669167469.123:45): avc:  denied  { read write } for  pid=9 comm="x" name="shadow" scontext=a tcontext=b tclass=file permissive=0`, []string{"seperms=read write", "seresult=denied", "name=shadow", "tclass=file"}},
		{`type=SOCKADDR msg=audit(1669167469.123:45): saddr=0A0001BB0000000020010DB800000000000000000000000700000000`, []string{"family=inet6", "address=2001:db8::7", "port=443"}},
		{`type=SOCKADDR msg=audit(1669167469.123:45): saddr=01002F7661722F72756E2F780000` + "\x1dSADDR={ saddr_fam=local path=/var/run/x }", []string{"family=unix", "path=/var/run/x", "SADDR=saddr_fam=local path=/var/run/x"}},
		{`type=SOCKADDR msg=audit(1669167469.123:45): saddr=000201BBC61200070000000000000000`, []string{"family=inet", "address=198.18.0.7"}},
		{`type=BPF msg=audit(1669167469.123:45): prog-id=75 op=LOAD`, []string{"prog-id=75", "op=LOAD"}},
		{`type=SYSCALL msg=audit(1669167469.123:45): arch=c000003e syscall=9999 success=yes`, []string{"ARCH=x86_64", "SYSCALL=", "syscall=9999"}},
		{`type=SYSCALL msg=audit(1669167469.123:45): arch=x86_64 syscall=execve success=yes`, []string{"SYSCALL=execve"}},
		{`type=UNKNOWN[1999] msg=audit(1669167469.123:45): pid=9 strange=1`, []string{"type=UNKNOWN[1999]", "pid=9", "message=pid=9 strange=1"}},
	} {
		got, facts := readAll(t, readAuditd, "audit.log", []byte(c.text+"\n"), time.Time{})
		if len(got) == 0 || len(facts.Damaged) > 0 {
			t.Errorf("%s: %d records, damage %v", c.text, len(got), facts.Damaged)
			continue
		}
		got[0].want(t, c.text, c.want...)
	}
}

// TestAuditdWindow checks that groups left open close in order and in bounded number.
func TestAuditdWindow(t *testing.T) {
	var b strings.Builder
	const n = 1000
	for i := range n {
		fmt.Fprintf(&b, "type=SYSCALL msg=audit(1669167469.123:%d): arch=c000003e syscall=59 success=yes ppid=1 pid=%d uid=0 exe=\"/bin/x\"\n", i, 10+i)
		fmt.Fprintf(&b, "type=EXECVE msg=audit(1669167469.123:%d): argc=2 a0=\"x\" a1=\"%d\"\n", i, i)
	}
	got, _ := readAll(t, readAuditd, "audit.log", []byte(b.String()), time.Time{})
	next := 0
	for _, r := range got {
		if r.Source.Provider == "execve" {
			r.want(t, "order", fmt.Sprintf("CommandLine=x %d", next))
			next++
		}
	}
	if next != n || len(got) != 3*n {
		t.Errorf("%d processes, %d records", next, len(got))
	}
}

func TestAuditdDamage(t *testing.T) {
	lines := strings.SplitAfter(auditLog, "\n")
	content := lines[0][30:] + strings.Repeat("\x00", 4096) + lines[0] + "\x01\x02\x7fELF\n" + lines[2][:60] + "\n" + strings.Join(lines[1:], "") + "----\ntime->Wed Nov 23 01:37:49 2022\n" + "type=EXECVE msg=audit(16691674"
	got, facts := readAll(t, readAuditd, "audit.log", []byte(content), time.Time{})
	if len(got) != 20 { // the record that was cut and its whole copy are one EXECVE event
		t.Errorf("%d records", len(got))
	}
	var why []string
	for _, d := range facts.Damaged {
		why = append(why, d.Why)
	}
	if s := strings.Join(why, "|"); s != "no audit record|NUL bytes, as a crash leaves them|binary bytes in a text log|no audit record" {
		t.Errorf("damage %v", facts.Damaged)
	}
}

func TestAuditdSamples(t *testing.T) {
	for name, want := range map[string][3]int{"audit_enriched.log": {29, 3, 0}, "selinux.log": {7, 0, 4}} {
		got, facts := readAll(t, readAuditd, name, linuxData(t, name), time.Time{})
		joined := 0
		for _, r := range got {
			if r.Source.Provider == "execve" {
				joined++
			}
		}
		if have := [3]int{len(got) - joined, joined, len(facts.Damaged)}; have != want {
			t.Errorf("%s: %v records, processes and damages, want %v", name, have, want)
		}
	}
}

// TestSigmaAuditdFields checks that every field that the auditd rules of the shared collection ask of a type of record
// is one that records of the type can have.
func TestSigmaAuditdFields(t *testing.T) {
	root := filepath.Join(outside.Data(t), "sigma")
	asked := regexp.MustCompile(`^\s+(?:- )?([A-Za-z0-9_]+)(?:\|[a-z0-9|]+)?:`)
	kind := regexp.MustCompile(`^\s+type: *'?([A-Za-z_]+)'?`)
	rules := 0
	filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".yml") {
			return err
		}
		b, _ := os.ReadFile(name)
		text := string(b)
		if !strings.Contains(text, "service: auditd") {
			return nil
		}
		rules++
		_, detection, _ := strings.Cut(text, "\ndetection:")
		detection, _, _ = strings.Cut(detection, "    condition:")
		types, fields := []string{}, []string{}
		for _, line := range strings.Split(detection, "\n") {
			if m := kind.FindStringSubmatch(line); m != nil {
				types = append(types, strings.ToUpper(m[1]))
			} else if m := asked.FindStringSubmatch(line); m != nil && strings.HasPrefix(line, "        ") {
				fields = append(fields, m[1])
			}
		}
		if len(types) == 0 {
			types = []string{"SYSCALL", "EXECVE"}
		}
		for _, f := range fields {
			if !slices.ContainsFunc(types, func(k string) bool { return len(findAuditType([]byte(k)).schema.Lookup(f)) > 0 }) {
				t.Errorf("%s: no record of %v has field %q", filepath.Base(name), types, f)
			}
		}
		return nil
	})
	if rules < 50 {
		t.Errorf("%d rules", rules)
	}
}

func FuzzAuditd(f *testing.F) {
	f.Add([]byte(auditLog))
	for _, line := range strings.SplitAfter(auditLog, "\n") {
		f.Add([]byte(line))
	}
	f.Add([]byte("type=EXECVE msg=audit(1.2:3): argc=2 a0_len=8 a0[0]=6161 a0[1]=6161 a1=\"x\"\ntype=USER_CMD msg=audit(1.2:4): msg='cmd=6161 (a=b, c=d)'\x1dUID=\"x\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		isAuditd(b, "x")
		got, _ := readAll(t, readAuditd, "x", b, time.Time{})
		again, _ := readAll(t, readAuditd, "x", b, time.Time{})
		if len(got) != len(again) || len(got) > 10*strings.Count(string(b), "\n")+10 {
			t.Fatal(len(got), len(again))
		}
	})
}

func BenchmarkAuditd(b *testing.B) {
	var log strings.Builder
	for i := 0; log.Len() < 16<<20; i++ {
		log.WriteString(strings.NewReplacer(":45)", fmt.Sprintf(":%d)", 2*i), ":46)", fmt.Sprintf(":%d)", 2*i+1)).Replace(auditLog))
	}
	for _, c := range []struct {
		name string
		want bool
	}{{"slots", true}, {"no slots", false}} {
		b.Run(c.name, func(b *testing.B) { benchRead(b, readAuditd, "audit.log", []byte(log.String()), c.want) })
	}
}
