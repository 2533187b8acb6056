package exercise

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// intruder is what the story's attacker brings along: addresses, names, files. The seed chooses all of it.
type intruder struct {
	e       *estate
	scanner host    // from which he comes
	control [2]host // to which his tools speak
	agent   string
	shell   string // name of a web shell
	tunnel  string // path of a tunnel on a Linux server
	user    string // account that he makes
	service string // names of services, and of a program
	program string
	second  string
	payload string // folder of the payload
	suffix  string // of encrypted files, "" where they keep their names
	mailto  [2]string
	made    *account // made in the domain
	holds   map[*server][]foothold
	theft   string // name of the tool that copies data out
	dropper []byte // of the library that puts another beside MSDTC
	implant []byte
}

// foothold is a process that obeys the intruder on a server since some time; on Linux and ESXi the session alone.
type foothold struct {
	at      event.Time
	process *process
	session *session
	who     *account
}

// deed is a step of the story, planned: when, from where to where, as whom.
type deed struct {
	*step
	x        *intruder
	d        *dice // of the plan
	at       event.Time
	from, to *server // from is nil for what comes from outside
	who      *account
	name     string // of its acts
}

// technique is a thing that an intruder does. plan decides all that other acts must know and adds the acts that leave
// traces.
type technique struct {
	plan     func(*deed)
	from, to []system // on which it works; without from it comes from outside, or stays where it is
	enters   bool     // it comes from outside
	takes    string   // names of its options
	mute     bool     // it has no use for an account
}

// stays reports whether a technique is done on a server where the intruder is by then.
func (t technique) stays() bool { return t.from == nil && !t.enters }

// settles is how long after he came to a server the intruder is at work there at the earliest.
const settles = 3 * time.Minute

func techniqueNames() []string { return slices.Sorted(maps.Keys(techniques)) }

// option is what a step says with:, or what is taken without.
func (t *deed) option(name, without string) string {
	if v, ok := t.With[name]; ok {
		return v
	}
	return without
}

// intrusion plans the steps of the story.
func (e *estate) intrusion() {
	d := e.dice("intruder")
	x := newIntruder(e, d)
	e.intruder = x
	var last event.Time
	for i := range e.story.Steps {
		st := &e.story.Steps[i]
		d := e.dice("step", fmt.Sprint(i))
		at := last.Add(d.during(st.After, 0))
		if m, err := readMoment(st.At); err == nil {
			at = e.at(m.day, m.hour, m.minute).Add(time.Duration(d.Int64N(int64(m.within) + 1)))
			at -= at % 100
		}
		last = at
		to := slices.Clone([]string(st.To))
		if st.Shuffle {
			d.Shuffle(len(to), func(i, j int) { to[i], to[j] = to[j], to[i] })
		}
		for n, key := range to {
			st := st.decided(d)
			t := &deed{step: st, x: x, d: d, at: at, from: e.by[st.From], to: e.by[key], who: e.who(st.As), name: fmt.Sprintf("%s %d.%d", st.Do, i, n)}
			if st.As == "made" {
				t.who = x.made
			}
			if techniques[st.Do].stays() && t.to.truth.from != nil {
				at = max(at, t.to.truth.first.Add(settles)) // who was shuffled to come later is not at work before he comes
				t.at = at
			}
			t.to.lastDeed = max(t.to.lastDeed, at)
			if t.from != nil {
				t.from.lastDeed = max(t.from.lastDeed, at)
			}
			techniques[st.Do].plan(t)
			at = at.Add(d.during(st.Apart, 12*time.Minute))
		}
	}
}

// needed is the end of what the intruder holds open on a server: at, or later if he is still at work there. It is asked
// when traces are left, and all steps are planned.
func (s *server) needed(at event.Time) event.Time {
	if s.lastDeed > at {
		return s.lastDeed.Add(15*time.Minute + time.Duration(number(600, s.key))*time.Second)
	}
	return at
}

// decided is a step in which the seed has chosen where the scenario leaves a choice: do: rdp|wmi.
func (st *step) decided(d *dice) *step {
	out := *st
	out.Do = pick(d, strings.Split(st.Do, "|"))
	out.With = map[string]string{}
	for _, k := range slices.Sorted(maps.Keys(st.With)) {
		out.With[k] = pick(d, strings.Split(st.With[k], "|"))
	}
	return &out
}

// during is a length of time as a step states it: "40m" is up to a fifth more or less, "40m..80m" anything between.
func (d *dice) during(s string, without time.Duration) time.Duration {
	least, most, _ := span(s) // checked when the scenario was read
	switch {
	case s == "" && without == 0:
		return 0
	case s == "":
		return d.about(without)
	case least == most:
		return d.about(max(least, time.Second)) / 100 * 100
	}
	return (least + time.Duration(d.Int64N(int64(most-least)+1))) / 100 * 100
}

func newIntruder(e *estate, d *dice) *intruder {
	x := &intruder{e: e, holds: map[*server][]foothold{}}
	x.agent = pick(d, []string{"python-requests/2.28.1", "curl/7.85.0", "Mozilla/5.0 (Windows NT 10.0; rv:102.0) Gecko/20100101 Firefox/102.0"})
	net := d.between(10, 220)
	x.scanner = host{"", fmt.Sprintf("198.18.%d.%d", net, d.between(2, 250))}
	x.control[0] = host{"", fmt.Sprintf("198.18.%d.%d", net+d.between(1, 9), d.between(2, 250))}
	x.control[1] = host{"", fmt.Sprintf("198.18.%d.%d", net+d.between(10, 19), d.between(2, 250))}
	x.shell = fmt.Sprintf("%s_%d", pick(d, []string{"slip", "form", "report", "receipt"}), d.between(1000, 99999))
	x.tunnel = "/tmp/." + pick(d, []string{"font-unix", "dbus", "systemd-private", "X12-lock"}) + "/" + d.letters(6, lower)
	x.user = pick(d, []string{"pgmonitor", "sysbackup", "supportd", "nagiosd"})
	x.service, x.program = d.letters(4, mixed), d.letters(8, mixed)+".exe"
	x.second = pick(d, []string{"WinUpdSvc", "MgmtHelper", "RmtAgent", "SysHealth"})
	x.payload = `C:\ProgramData\` + pick(d, []string{"Intel", "HP", "Dell", "Realtek"})
	x.suffix = pick(d, []string{".bak9", ".bak9", ".locked", ".enc0", ""})
	x.mailto = [2]string{d.letters(8, lower) + "@mail.example", d.letters(7, lower) + "@post.example"}
	x.theft = pick(d, []string{"rclone.exe", "megasync.exe", "winscp.com"})
	x.made = e.account(pick(d, []string{"support2", "helpdesk_adm", "svc_update", "adm.temp"}), 4100+d.IntN(700), true)
	x.dropper, x.implant = harmless("a program that puts a library beside MSDTC stood here"), harmless("a library that encrypts files stood here")
	e.networks = []network{
		{fmt.Sprintf("198.18.%d.0", net), fmt.Sprintf("198.18.%d.255", net), "NL", "AS64501", "Exercise Virtual Servers"},
		{fmt.Sprintf("198.18.%d.0", net+1), fmt.Sprintf("198.18.%d.255", net+9), "HK", "AS64502", "Exercise Hosting Limited"},
		{fmt.Sprintf("198.18.%d.0", net+10), fmt.Sprintf("198.18.%d.255", net+19), "CN", "AS64505", "Exercise Province Network"},
		{"198.19.0.0", "198.19.199.255", "IN", "AS64503", "Exercise Broadband"},
		{"198.19.200.0", "198.19.255.255", "US", "AS64504", "Exercise Internet Survey"},
	}
	return x
}

// takes notes that the intruder has a process on a server.
func (x *intruder) takes(s *server, at event.Time, p *process, in *session, who *account) {
	x.holds[s] = append(x.holds[s], foothold{at, p, in, who})
}

// hold is what obeys the intruder on a server at that time: the latest.
func (x *intruder) hold(s *server, at event.Time) foothold {
	list := x.holds[s]
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].at <= at {
			return list[i]
		}
	}
	f := foothold{at: at}
	if s.system == windows {
		f.process = s.standing("services")
	}
	return f
}

// arrives notes the movement of a deed.
func (t *deed) arrives(at event.Time, how string) {
	from, account := t.x.scanner, ""
	if t.from != nil {
		from = t.from.host()
	}
	if t.who != nil {
		account = t.x.e.domain.name + `\` + t.who.name
	}
	t.x.e.reached(t.to, at, from, t.from, account, how)
}

// does adds an act of the deed on its servers and, because accounts are of the domain, on the domain controller.
func (t *deed) does(leave func(*dice), more ...*server) {
	on := []*server{t.to}
	for _, s := range append(more, t.from, t.x.e.dc) {
		if s != nil && !slices.Contains(on, s) {
			on = append(on, s)
		}
	}
	t.x.e.do(t.name, leave, on...)
}

func (s *server) flag(names ...string) {
	for _, n := range names {
		if !slices.Contains(s.truth.flags, n) {
			s.truth.flags = append(s.truth.flags, n)
		}
	}
}

// run is a program with its command line.
type run struct{ image, command string }

// types runs programs below a shell of the process, as they are typed.
func (s *server) types(d *dice, at event.Time, parent *process, in *session, list []run) event.Time {
	shell := s.start(d, at, parent, in, `C:\Windows\System32\cmd.exe`, `C:\Windows\system32\cmd.exe`)
	at = at.Add(4 * time.Second)
	for _, r := range list {
		image := r.image
		if !strings.Contains(image, `\`) {
			image = `C:\Windows\System32\` + image
		}
		p := s.start(d, at, shell, in, image, r.command)
		s.ends(at.Add(d.about(900*time.Millisecond)), p)
		at = at.Add(d.about(25 * time.Second))
	}
	return at
}

// looks are the commands with which an intruder looks around; the seed chooses some.
func (x *intruder) looks(d *dice) []run {
	dns := x.e.domain.dns
	list := []run{{"whoami.exe", `whoami /all`}, {"nltest.exe", `nltest  /dclist:` + dns}, {"net.exe", `net  group "Domain Admins" /domain`}, {"quser.exe", `quser`},
		{"net.exe", `net  view /domain`}, {"ipconfig.exe", `ipconfig  /all`}, {"net.exe", `net  localgroup administrators`}, {"systeminfo.exe", `systeminfo`},
		{"netstat.exe", `netstat  -ano`}, {"tasklist.exe", `tasklist  /svc`}, {"nltest.exe", `nltest  /domain_trusts`}, {"arp.exe", `arp  -a`}}
	d.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:d.between(3, 6)]
}

// harmless is the content of what would be a program: text that says so.
func harmless(what string) []byte {
	return []byte(event.ExerciseMark + "\n" + what + "\n")
}

// note is what the intruder writes at the beginning of each file that he encrypts.
func (x *intruder) note() string {
	return "??? Your files are encrypted. " + event.ExerciseMark + ". Only our program and your private key decrypt them. What they cost in Bitcoin depends on how fast you pay. Write to " + x.mailto[0] + " or " + x.mailto[1] + " and keep this file. ???\n"
}

// noise is what an encrypted file looks like.
func noise(d *dice, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(d.Uint32())
	}
	return b
}

// leaves adds a file to what is collected of a server, or replaces it.
func (s *server) leaves(path string, data []byte, at event.Time) {
	path = strings.ReplaceAll(strings.Replace(path, `:\`, "/", 1), `\`, "/")
	f := file{path: strings.TrimPrefix(path, "/"), data: data, modified: at}
	if i := slices.IndexFunc(s.extra, func(x file) bool { return x.path == f.path }); i >= 0 {
		s.extra[i] = f
		return
	}
	s.extra = append(s.extra, f)
}
