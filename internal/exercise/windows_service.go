package exercise

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"wardround/internal/event"
)

// runs logs that a service entered the running or the stopped state (7036). The binary part is the service's name and
// the state's number.
func (s *server) runs(at event.Time, display, name string, running bool) {
	state, code := "stopped", "1"
	if running {
		state, code = "running", "4"
	}
	s.log(at, "7036", fields{"param1": display, "param2": state, "@binary": utf16le(name + "/" + code)})
}

func utf16le(s string) []byte {
	var b []byte
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		b = append(b, byte(u), byte(u>>8))
	}
	return b
}

// remoteService is what installing and starting a service over SMB leaves, as PsExec and its likenesses do: the file on
// the administrative share, the service manager's pipe, the service, its process, and the pipes over which it speaks.
func (s *server) remoteService(d *dice, at event.Time, x *session, name, file string, pipes [3]string) *process {
	p := &process{image: `C:\Windows\` + file, command: `C:\Windows\` + file, pid: d.pid(), at: at.Add(400 * time.Millisecond), folder: `C:\Windows\system32\`}
	s.remoteServiceAs(d, at, x, name, file, pipes, p)
	return p
}

func (s *server) remoteServiceAs(d *dice, at event.Time, x *session, name, file string, pipes [3]string, p *process) {
	c := s.connection(d, x)
	c.opens(at, admin, `\`, 0x100088)
	c.opens(at.Add(30*time.Millisecond), admin, file, 0x120196)
	c.opens(at.Add(31*time.Millisecond), admin, file, 0x120196)
	c.opens(at.Add(120*time.Millisecond), ipc, "svcctl", 0x12019f)
	image := `%SystemRoot%\` + file
	if s.commands {
		s.log(at.Add(300*time.Millisecond), "4697", s.subject(x).with(fields{"ServiceName": name, "ServiceFileName": image}))
	}
	s.log(at.Add(310*time.Millisecond), "7045", fields{"ServiceName": name, "ImagePath": image, "@user": x.who.sid})
	s.creates(at.Add(31*time.Millisecond), s.standing("System"), `C:\Windows\`+file)
	s.started(p, s.standing("services"))
	s.runs(at.Add(450*time.Millisecond), name, name, true)
	for i, pipe := range pipes {
		c.opens(at.Add(600*time.Millisecond), ipc, pipe, []int{0x120196, 0x120089, 0x120089}[i])
		s.pipe(at.Add(550*time.Millisecond), p, pipe)
	}
}

// pipe logs that a process made a named pipe.
func (s *server) pipe(at event.Time, p *process, name string) {
	if s.sysmon {
		s.log(at, "sysmon-17", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "PipeName": `\` + name, "Image": p.image})
	}
}

// psexecPipes and remcomPipes are the pipes of standard input, output and errors of the two families of such tools.
func psexecPipes(d *dice, service string, from host) [3]string {
	before := fmt.Sprintf("%s-%s-%d-", service, from.name, d.pid())
	return [3]string{before + "stdin", before + "stdout", before + "stderr"}
}

func remcomPipes(d *dice) [3]string {
	behind := fmt.Sprintf("%s%d0", d.letters(4, mixed), d.pid())
	return [3]string{"RemCom_stdin" + behind, "RemCom_stdout" + behind, "RemCom_stderr" + behind}
}

// share is a share as the server that has it calls it.
type share struct{ name, local string }

var (
	admin    = share{`\\*\ADMIN$`, `\??\C:\Windows`}
	ipc      = share{`\\*\IPC$`, ""}
	common   = share{`\\*\Departments`, `\??\D:\Departments`}
	programs = share{`\\*\C$`, `\??\C:\Hospital`}
)

// connection is a session's use of a server's shares.
type connection struct {
	s    *server
	x    *session
	port int
	seen map[share]bool
}

func (s *server) connection(d *dice, x *session) *connection {
	return &connection{s, x, d.port(), map[share]bool{}}
}

// opens logs that a file of a share was opened, where that is audited; at first that the share was.
func (c *connection) opens(at event.Time, of share, file string, mask int) {
	if !c.s.commands && !c.s.shares {
		return
	}
	f := c.s.subject(c.x).with(fields{"IpAddress": c.x.from.address, "IpPort": fmt.Sprint(c.port), "ShareName": of.name, "ShareLocalPath": of.local})
	if !c.seen[of] {
		c.seen[of] = true
		c.s.log(at.Add(-2*time.Millisecond), "5140", f)
	}
	c.s.log(at, "5145", f.with(fields{"RelativeTargetName": file, "AccessMask": mask, "AccessList": rights(mask)}))
}

// rights names the bits of an access mask to a file as 5145 lists them.
func rights(mask int) string {
	var b strings.Builder
	for _, r := range []struct{ bit, code int }{{0x10000, 1537}, {0x20000, 1538}, {0x40000, 1539}, {0x100000, 1541}, {1, 4416}, {2, 4417}, {4, 4418}, {8, 4419}, {0x10, 4420}, {0x80, 4423}, {0x100, 4424}} {
		if mask&r.bit != 0 {
			fmt.Fprintf(&b, "%%%%%d\r\n\t\t\t\t", r.code)
		}
	}
	return b.String()
}

// boots logs a restart for updates: the shutdown, silence, and what the system logs as it comes up.
func (s *server) boots(d *dice, at event.Time) {
	s.log(at, "1074", fields{"param1": `C:\Windows\system32\svchost.exe (` + s.name + ")", "param2": s.name, "param3": "Operating System: Service pack (Planned)", "param7": `NT AUTHORITY\SYSTEM`})
	s.log(at.Add(20*time.Second), "6006", fields{"@binary": []byte{1, 0, 0, 0, 0, 0, 0, 0}})
	s.log(at.Add(20*time.Second), "1100", fields{})
	s.log(at.Add(24*time.Second), "13", fields{"StopTime": at.Add(24 * time.Second)})
	up := at.Add(24*time.Second + d.about(100*time.Second))
	major, minor, build := s.version()
	s.log(up, "12", fields{"MajorVersion": major, "MinorVersion": minor, "BuildVersion": build, "QfeVersion": 0, "StartTime": up.Add(-500 * time.Millisecond)})
	s.log(up.Add(7*time.Second), "6009", fields{"@data": []string{fmt.Sprintf("%d.%02d.", major, minor), fmt.Sprint(build), "", "Multiprocessor Free", "0"}})
	s.log(up.Add(7*time.Second), "6005", fields{"@binary": stamp(up)})
	s.log(up.Add(7*time.Second), "6013", s.uptime(8))
	s.log(up.Add(6*time.Second), "4608", fields{})
	s.log(up.Add(6500*time.Millisecond), "4902", fields{"PuaPolicyId": uint64(d.Uint32N(1 << 20))})
	for i, name := range []string{"Windows Management Instrumentation/Winmgmt", "Server/LanmanServer", "Workstation/LanmanWorkstation", "Remote Desktop Services/TermService", "Task Scheduler/Schedule"} {
		display, short, _ := strings.Cut(name, "/")
		s.runs(up.Add(time.Duration(9+i)*time.Second), display, short, true)
	}
	for i := range 6 {
		s.service(up.Add(time.Duration(8+2*i) * time.Second))
	}
}

func (s *server) version() (major, minor, build int) {
	switch {
	case s.year < 2012:
		return 6, 1, 7601
	case s.year < 2016:
		return 6, 3, 9600
	case s.year < 2019:
		return 10, 0, 14393
	case s.year < 2022:
		return 10, 0, 17763
	}
	return 10, 0, 20348
}

// stamp is a time as event 6005 carries it, a SYSTEMTIME.
func stamp(at event.Time) []byte {
	t := at.Std()
	var b []byte
	for _, n := range []int{t.Year(), int(t.Month()), int(t.Weekday()), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond() / 1e6} {
		b = append(b, byte(n), byte(n>>8))
	}
	return append(b, 0, 0, 0, 0, 0, 0, 0, 0)
}

func (s *server) uptime(seconds int) fields {
	return fields{"@data": []string{"", "", "", "", fmt.Sprint(seconds), "60", "-330 India Standard Time"}}
}

// clears logs that somebody cleared a log: 1102 in Security itself, 104 in System for every other.
func (s *server) clears(at event.Time, x *session, channel string) {
	if channel == "Security" {
		s.log(at, "1102", s.subject(x))
		return
	}
	s.log(at, "104", fields{"SubjectUserName": x.who.name, "SubjectDomainName": s.e.domain.name, "Channel": channel, "@user": x.who.sid})
}

// runsTask logs a run of a scheduled task.
func (s *server) runsTask(d *dice, at event.Time, name, user, command string, lasts time.Duration) {
	action, _, _ := strings.Cut(command, " ")
	p := &process{image: action, command: command, pid: d.pid(), at: at.Add(9 * time.Millisecond), folder: `C:\Windows\system32\`}
	s.runsTaskAs(d, at, name, user, p, lasts)
}

func (s *server) runsTaskAs(d *dice, at event.Time, name, user string, p *process, lasts time.Duration) {
	g, action, pid := d.guid(), p.image, p.pid
	s.log(at, "task-100", fields{"TaskName": name, "UserContext": user, "InstanceId": g, "@activity": g})
	s.log(at.Add(8*time.Millisecond), "task-129", fields{"TaskName": name, "Path": action, "ProcessID": pid})
	s.log(at.Add(10*time.Millisecond), "task-200", fields{"TaskName": name, "ActionName": action, "TaskInstanceId": g, "EnginePID": pid, "@activity": g})
	s.log(at.Add(lasts), "task-201", fields{"TaskName": name, "TaskInstanceId": g, "ActionName": action, "EnginePID": pid, "@activity": g})
	s.log(at.Add(lasts+2*time.Millisecond), "task-102", fields{"TaskName": name, "UserContext": user, "InstanceId": g, "@activity": g})
	if s.commands || s.sysmon {
		s.started(p, s.standing("svchost-netsvcs"))
		console := s.start(d, at.Add(20*time.Millisecond), p, nil, `C:\Windows\System32\conhost.exe`, `\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1`)
		s.ends(at.Add(lasts), p)
		s.ends(at.Add(lasts+5*time.Millisecond), console)
	}
}
