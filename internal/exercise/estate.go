package exercise

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// ist is the time of Indian hospitals.
var ist = time.FixedZone("IST", 5*3600+1800)

// incident is the day on which the files are encrypted, unless the scenario lets the seed choose it; evidence is collected
// in its afternoon.
var incident = time.Date(2022, 11, 23, 0, 0, 0, 0, ist)

// estate is a hospital's servers and all that happens on them. It is planned once; then each server's traces are written
// on their own, for which all acts that touch that server are played again.
type estate struct {
	options  Options
	story    *scenario
	incident time.Time
	from, to event.Time // the time that the logs cover
	domain   domain
	servers  []*server
	by       map[string]*server // by the key that the scenario gives it
	dc, jump *server            // the first domain controller; the administrators' host, which monitors too
	admins   []*account
	staff    []*account
	services map[string]*account
	crowd    crowd
	keys     map[string]string // fingerprints of keys
	portal   portal
	acts     []act
	intruder *intruder
	deeds    [2]int // the intruder's among the acts: first, and behind the last
	truth    truth
	changes  []change
	networks []network
	hub      []textEntry // what was forwarded to the syslog hub
}

// act is something that happened: on which servers it left traces, and what writes them. Ordinary work is an act like the
// intruder's.
type act struct {
	name  string // its dice's
	on    []*server
	leave func(*dice)
}

// do plans an act. Two of one name would throw the same dice, so the second gets a number.
func (e *estate) do(name string, leave func(*dice), on ...*server) {
	e.acts = append(e.acts, act{name, on, leave})
}

// play writes the traces of all acts on one server. Acts that touch several servers are so played several times, and must
// give the same each time: whoever throws dice does it whether or not the server at hand is being written.
func (e *estate) play(s *server) {
	s.open = true
	for _, a := range e.acts {
		if slices.Contains(a.on, s) {
			a.leave(e.dice("act", a.name))
		}
	}
	s.open = false
}

// at is the time of day, IST, so many days after the incident's.
func (e *estate) at(day int, hour, minute int) event.Time {
	return event.At(e.incident.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
}

// days calls f with the midnight, IST, of each day of the window, the first and last in part.
func (e *estate) days(f func(midnight event.Time, weekday time.Weekday)) {
	day := e.from.Std().In(ist)
	day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, ist)
	for ; event.At(day) < e.to; day = day.AddDate(0, 0, 1) {
		f(event.At(day), day.Weekday())
	}
}

// covers reports whether a time lies in what is written. Ordinary work is planned by whole days, and goes on beyond both
// ends.
func (e *estate) covers(at event.Time) bool { return at >= e.from && at <= e.to }

// every calls f at times about so far apart, over the whole window.
func (e *estate) every(d *dice, apart time.Duration, f func(at event.Time)) {
	for at := d.within(e.from, apart); at < e.to; at = at.Add(d.about(apart)) {
		f(at)
	}
}

// domain is the hospital's Windows domain.
type domain struct {
	name string // NetBIOS
	dns  string
	sid  string
}

// account of the domain.
type account struct {
	name    string
	sid     string
	admin   bool
	raw     []byte // its SID as logs hold it
	station host   // where its holder mostly works
}

// host is a computer as another's log names it.
type host struct{ name, address string }

func (e *estate) account(name string, rid int, admin bool) *account {
	return &account{name: name, sid: fmt.Sprintf("%s-%d", e.domain.sid, rid), admin: admin}
}

// system is what runs on a server.
type system int

func (s system) String() string { return [...]string{"Windows", "Linux", "ESXi"}[s] }

const (
	windows system = iota
	linux
	esxi
)

// server is one computer of the estate.
type server struct {
	e        *estate
	key      string // in the scenario
	name     string
	kind     string
	role     string
	os       string
	address  string
	location string
	notes    string

	system   system
	year     int  // of Windows Server
	commands bool // process starts with command lines and share access are audited
	shares   bool // access to files of shares is audited
	sysmon   bool
	scripts  bool   // PowerShell logs what it runs
	distro   string // of Linux: ubuntu, centos
	iso      bool   // its syslog has RFC 3339 times
	zone     *time.Location

	unlisted bool
	hub      bool                     // forwards its syslog
	layout   *packing                 // nil when nothing was collected
	kept     map[string]time.Duration // by channel, how far back a log that rolled over reaches
	cleared  map[string]event.Time    // by channel, when it was cleared
	dark     map[string]event.Time    // by category of audit, since when it is off
	clock    time.Duration            // how far its clock is ahead
	setAt    event.Time               // when somebody set its clock, and by how much
	setBy    time.Duration
	marked   map[string]bool // what the plan must do once
	// shellFrom is from where the intruder came to the shell of a hypervisor.
	shellFrom *server
	lastDeed  event.Time // of the intruder's on it, or from it
	former    string     // name until it was made of a template
	renamed   event.Time // when it got its own
	cutOff    event.Time // when it was cut off or shut down; 0 never
	sqlEnds   event.Time // when SQL Server stopped for good; 0 never
	busy      int        // events of bulk in a day at noise real

	open  bool // its traces are being written: what is logged elsewhere is dropped
	tick  uint32
	logs  map[string]*winLog
	texts map[string]*textLog
	extra []file
	truth serverTruth
}

func (s *server) host() host { return host{s.name, s.address} }

// computer is the name that Windows writes into events.
func (s *server) computer() string { return s.name + "." + s.e.domain.dns }

// newEstate plans everything.
func newEstate(o Options, sc *scenario) *estate {
	e := &estate{options: o, story: sc, incident: incident, by: map[string]*server{}, services: map[string]*account{}}
	d := e.dice("estate")
	if sc.Estate.Vary {
		e.incident = incident.AddDate(0, 0, d.between(-200, 60))
	}
	e.to = e.at(0, 14, 30)
	e.from = e.to.Add(-time.Duration(o.Days) * 24 * time.Hour)
	e.domain = domain{name: "EXHOSP", dns: "exhosp.example",
		sid: fmt.Sprintf("S-1-5-21-%d-%d-%d", d.Uint32(), d.Uint32(), d.Uint32())}
	if sc.Estate.Vary {
		word := pick(d, []string{"CARE", "MED", "CIVIL", "DIST", "HEART", "CHILD", "NORTH", "RIVER"})
		e.domain.name, e.domain.dns = "EX"+word, "ex"+strings.ToLower(word)+".example"
	}
	e.people(d)
	e.machines(d)
	e.gather(d)
	e.dc, e.jump = e.by["DC1"], e.by["JUMP1"]
	e.portal = newPortal(d)
	e.deeds[0] = len(e.acts)
	e.intrusion()
	e.deeds[1] = len(e.acts)
	for i := range sc.Decoys {
		for _, key := range sc.Decoys[i].On {
			x := sc.Decoys[i]
			x.On = names{key}
			decoys[x.Do](e, e.dice("decoy", x.Do, key), &x)
		}
	}
	e.ordinary()
	e.patients()
	return e
}

var surnames = []string{"sharma", "iyer", "khan", "das", "nair", "singh", "reddy", "bose", "patil", "mehta", "rao", "gill", "joshi", "thomas", "ansari", "kaur"}

func (e *estate) people(d *dice) {
	who := slices.Clone(surnames)
	dba := "dba.menon"
	if e.story.Estate.Vary {
		d.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
		dba = pick(d, []string{"dba.", "sql.", "db-"}) + who[9]
	}
	for i, name := range who[:3] {
		a := e.account("adm."+name, 1110+i, true)
		a.station = host{fmt.Sprintf("EX-IT-PC%02d", i+1), fmt.Sprintf("10.20.9.%d", 21+i)}
		e.admins = append(e.admins, a)
	}
	for i := range 24 {
		ward := []string{"opd", "ipd", "lab", "blood", "radio", "icu"}[i%6]
		a := e.account(fmt.Sprintf("%s.%02d", ward, i/6+1), 1201+i, false)
		a.station = host{fmt.Sprintf("EX-%s-PC%02d", strings.ToUpper(ward), i/6+1), fmt.Sprintf("10.20.%d.%d", 40+i%6, 20+d.IntN(60)*3+i/6)}
		e.staff = append(e.staff, a)
	}
	for i, name := range []string{"svc_monitor", "svc_backup", "svc_ehosp", "svc_lis", "svc_pharm", dba, "svc_deploy", "supplier.lis"} {
		key := strings.TrimPrefix(name, "svc_")
		switch i {
		case 5:
			key = "dba"
		case 7:
			key = "supplier"
		}
		e.services[key] = e.account(name, 1301+i, key != "pharm" && key != "lis")
		if key == "dba" {
			e.services[key].station = host{"EX-IT-PC09", "10.20.9.29"}
		}
	}
}

// accountKeys are the names under which a scenario speaks of accounts; the seed may spell them otherwise.
var accountKeys = []string{"admin", "dba", "clinician", "monitor", "backup", "ehosp", "lis", "pharm", "deploy", "supplier", "made"}

// who is the account of that name.
func (e *estate) who(key string) *account {
	switch key {
	case "", "admin":
		return e.admins[len(e.admins)-1]
	case "clinician":
		return e.staff[5]
	}
	return e.services[key]
}

// add makes a server; its address follows from its place.
func (e *estate) add(key string, s server) *server {
	s.e, s.key, s.name, s.zone = e, key, e.spell(key), ist
	s.address = fmt.Sprintf("10.20.%d.%d", 1+len(e.servers)/8, 10+len(e.servers))
	s.truth.verdict = event.NoEvidence
	if s.layout == nil {
		s.truth.verdict = event.Inconclusive
	}
	e.servers = append(e.servers, &s)
	e.by[key] = &s
	return &s
}

// spell is the name of a server. Where the scenario lets the seed choose names, it chooses a manner for the estate.
func (e *estate) spell(key string) string {
	if !e.story.Estate.Vary {
		return "EX-" + key
	}
	word := strings.TrimRight(key, "0123456789")
	number := key[len(word):]
	switch e.dice("names").IntN(4) {
	case 0:
		return "EX-" + strings.ReplaceAll(word, "-", "") + "-" + fmt.Sprintf("%02s", number)
	case 1:
		return "EX-H" + number + strings.ReplaceAll(word, "-", "")
	case 2:
		return "EX-SRV" + fmt.Sprint(100+len(e.servers)) + "-" + word[:min(3, len(word))]
	}
	return "EX-" + key
}

// set understands what a scenario says of a server's system and logging.
func (s *server) set(os, logging string) {
	s.os = os
	switch {
	case strings.HasPrefix(os, "Windows"):
		fmt.Sscanf(os, "Windows Server %d", &s.year)
	case strings.HasPrefix(os, "VMware"):
		s.system = esxi
	default:
		s.system, s.distro = linux, "ubuntu"
		if strings.HasPrefix(os, "CentOS") {
			s.distro = "centos"
		}
		s.iso = strings.HasPrefix(os, "Ubuntu 22")
	}
	all := logging == "full"
	s.commands, s.sysmon, s.shares, s.scripts = all || logging == "commands", all || logging == "sysmon", all || logging == "shares", all
}

// machines are the scenario's servers, then as many ordinary ones as were asked for, then those that nobody listed.
func (e *estate) machines(d *dice) {
	for i := range e.story.Servers {
		e.cast(&e.story.Servers[i], true)
	}
	e.more(d)
	e.choose(d)
	for i := range e.story.Servers {
		e.cast(&e.story.Servers[i], false)
	}
}

// cast makes a server of the scenario, if it is one that is listed or not, as asked for.
func (e *estate) cast(c *castServer, listed bool) {
	if (c.Listed == nil || *c.Listed) != listed {
		return
	}
	s := server{kind: c.Kind, role: c.Role, location: c.Location, notes: c.Notes, hub: c.Hub, unlisted: !listed}
	s.set(c.OS, c.Logging)
	layout := c.Layout
	if layout == "" {
		layout = map[system]string{windows: "kape-folder", linux: "uac", esxi: "vm-support"}[s.system]
	}
	if listed && (c.Collected == nil || *c.Collected) {
		s.layout = packings[layout]
	}
	if c.Clock != "" {
		s.clock, _ = days(c.Clock) // checked when the scenario was read
	}
	x := e.add(c.Key, s)
	for channel, span := range c.Kept {
		if x.kept == nil {
			x.kept = map[string]time.Duration{}
		}
		x.kept[channel], _ = days(span)
	}
}

// ordinaryRoles are those of the servers that no story names, as often as a hospital has them.
var ordinaryRoles = []struct {
	key, role string
	linux     bool
}{{"APP", "application", true}, {"FS", "file", false}, {"LAB", "lis", false}, {"DB", "database", true}, {"WEB", "web", true}, {"MISC", "other", true}, {"WARD", "application", false}, {"BIO", "other", false}}

// more adds ordinary servers until there are as many as were asked for, in the states that the scenario asks for.
func (e *estate) more(d *dice) {
	m := e.story.Estate
	physical := 0
	for _, s := range e.servers {
		if s.kind == "physical" {
			physical++
		}
	}
	for i := 0; i < m.Hypervisors && len(e.servers) < e.options.Servers; i++ {
		if e.by[fmt.Sprintf("ESX%d", i+1)] != nil {
			continue
		}
		e.add(fmt.Sprintf("ESX%d", i+1), server{kind: "physical", role: "hypervisor", os: "VMware ESXi 6.7", system: esxi, location: places[i%2], layout: vmSupport})
		physical++
	}
	layouts := []*packing{kapeFolder, kapeFolder, kapeZip, velociraptorZip, plainFolder, plainFolder, plainZip, jsonFolder}
	var new []*server
	for i := 0; len(e.servers) < e.options.Servers; i++ {
		r := ordinaryRoles[i%len(ordinaryRoles)]
		s := server{kind: "virtual", role: r.role, location: places[i%3], layout: pick(d, layouts)}
		s.set(pick(d, []string{"Windows Server 2016", "Windows Server 2016", "Windows Server 2019", "Windows Server 2022"}), pick(d, []string{"", "", "", "", "", "", "", "commands", "sysmon", "shares"}))
		if s.commands || s.sysmon {
			s.notes = "records more than the default"
		}
		if r.linux && d.chance(max(m.Linux, 1)*2) {
			s.set(pick(d, []string{"CentOS 7", "Ubuntu 20.04", "Ubuntu 22.04"}), "")
			s.year, s.commands, s.sysmon, s.shares, s.layout, s.notes = 0, false, false, false, uacArchive, ""
		}
		if physical < m.Physical {
			s.kind = "physical"
			physical++
		}
		new = append(new, e.add(fmt.Sprintf("%s%02d", r.key, i/len(ordinaryRoles)+11), s))
	}
	d.Shuffle(len(new), func(i, j int) { new[i], new[j] = new[j], new[i] })
	e.states(d, new)
}

var places = []string{"Server room, first floor", "Server room, second floor", "Trauma centre"}

// states gives ordinary servers what hospitals' servers suffer from: old systems, logs that rolled over, clocks that are
// off, copies of templates; some were never collected.
func (e *estate) states(d *dice, list []*server) {
	m := e.story.Estate
	share := func(n int) int { // fewer servers than the scenario has by itself have fewer troubles
		return n * e.options.Servers / max(m.Servers, 1)
	}
	never, partial, old, clocks, clones := share(m.Never), share(m.Partial), share(m.EndOfLife), share(m.Clocks), share(m.Clones)
	for i, s := range list {
		switch {
		case i < never:
			s.layout, s.truth.verdict = nil, event.Inconclusive
		case i < never+partial:
			e.rolls(d, s)
		}
		if j := len(list) - 1 - i; j < old {
			s.age(d)
		}
		if j := i - never; j >= 0 && j%3 == 0 && j/3 < clocks && s.layout != nil {
			s.clock = time.Duration(d.between(2, 9)) * time.Minute
			if d.chance(50) {
				s.clock = -s.clock
			}
		}
		if s.system == windows && s.layout != nil && clones > 0 && s.year >= 2016 {
			clones--
			s.former, s.renamed = "EX-WIN-"+strings.ToUpper(d.letters(8, lower)), d.within(e.at(-e.options.Days+2, 10, 0), 48*time.Hour)
		}
		if s.system == linux && s.distro == "centos" && d.chance(30) {
			s.zone = time.UTC
		}
	}
}

// rolls lets a server's logs roll over: a few hours to five days are left of three quarters of them, three weeks of the
// others.
func (e *estate) rolls(d *dice, s *server) {
	left := time.Duration(d.between(4, 120)) * time.Hour
	s.truth.verdict = event.Inconclusive
	if d.chance(25) {
		left = time.Duration(d.between(20, 29)) * 24 * time.Hour
		s.truth.verdict = event.NoEvidence
	}
	s.kept = map[string]time.Duration{"Security": left}
	if s.system != windows {
		s.kept = map[string]time.Duration{"*": left}
	}
}

// age makes a server one whose system is no longer mended.
func (s *server) age(d *dice) {
	switch s.system {
	case windows:
		s.set(pick(d, []string{"Windows Server 2008 R2", "Windows Server 2012 R2"}), "")
		s.notes = "end of life"
	case linux:
		s.set("CentOS 6", "")
		s.notes = "end of life"
	case esxi:
		s.os, s.notes = "VMware ESXi 6.0", "end of life"
	}
}

// choose gives the parts of the story that no server is named for to ordinary ones.
func (e *estate) choose(d *dice) {
	taken := map[*server]bool{}
	for _, s := range e.servers[:min(len(e.story.Servers), len(e.servers))] {
		taken[s] = true
	}
	for _, p := range e.story.Parts {
		want := windows
		if p.System == "linux" {
			want = linux
		}
		var fit []*server
		for _, s := range e.servers {
			if !taken[s] && s.system == want && s.layout != nil && !s.unlisted && s.former == "" && (len(p.Roles) == 0 || slices.Contains(p.Roles, s.role)) {
				fit = append(fit, s)
			}
		}
		var s *server
		if len(fit) > 0 {
			s = pick(d, fit)
		} else { // the estate was asked to be too small for chance: one is added
			s = e.add(fmt.Sprintf("%s%02d", strings.TrimRight(p.Key, "0123456789"), 90+len(e.servers)%10), server{kind: "virtual", role: append(p.Roles, "application")[0], layout: kapeFolder})
			s.set(map[system]string{windows: "Windows Server 2016", linux: "Ubuntu 20.04"}[want], "")
		}
		taken[s] = true
		if p.Logging != "" {
			s.set(s.os, p.Logging)
		}
		s.kept = nil
		if s.system == windows && s.year < 2012 {
			s.set("Windows Server 2012 R2", p.Logging)
		}
		e.by[p.Key] = s
	}
}

// each calls f for the servers of a system that have logs of their own.
func (e *estate) each(of system, f func(*server)) {
	for _, s := range e.servers {
		if s.system == of && (s.layout != nil || s.unlisted) {
			f(s)
		}
	}
}
