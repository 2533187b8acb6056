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

// incident is the day on which the exercise's files are encrypted; evidence is collected in its afternoon.
var incident = time.Date(2022, 11, 23, 0, 0, 0, 0, ist)

// estate is a hospital's servers and all that happens on them. It is planned once; then each server's traces are written
// on their own, for which all acts that touch that server are played again.
type estate struct {
	options  Options
	from, to event.Time // the time that the logs cover
	domain   domain
	servers  []*server
	by       map[string]*server // by role in the story
	admins   []*account
	staff    []*account
	services map[string]*account
	portal   portal
	acts     []act
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

// do plans an act.
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
	return event.At(incident.AddDate(0, 0, day).Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute))
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
	station host // where its holder mostly works
}

// host is a computer as another's log names it.
type host struct{ name, address string }

func (e *estate) account(name string, rid int, admin bool) *account {
	return &account{name: name, sid: fmt.Sprintf("%s-%d", e.domain.sid, rid), admin: admin}
}

// system is what runs on a server.
type system int

const (
	windows system = iota
	linux
	esxi
)

// server is one computer of the estate.
type server struct {
	e        *estate
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
	distro   string // of Linux: ubuntu, centos
	iso      bool   // its syslog has RFC 3339 times

	unlisted bool
	layout   *packing                 // nil when nothing was collected
	kept     map[string]time.Duration // by channel, how far back a log that rolled over reaches
	cleared  map[string]event.Time    // by channel, when it was cleared
	clock    time.Duration            // how far its clock is ahead
	sqlEnds  event.Time               // when SQL Server stopped for good; 0 never

	open  bool // its traces are being written: what is logged elsewhere is dropped
	tick  uint32
	logs  map[string][]winEntry
	texts map[string]*textLog
	extra []file
	truth serverTruth
}

func (s *server) host() host { return host{s.name, s.address} }

// computer is the name that Windows writes into events.
func (s *server) computer() string { return s.name + "." + s.e.domain.dns }

// newEstate plans everything.
func newEstate(o Options) *estate {
	e := &estate{options: o, by: map[string]*server{}, services: map[string]*account{}}
	e.to = e.at(0, 14, 30)
	e.from = e.to.Add(-time.Duration(o.Days) * 24 * time.Hour)
	d := e.dice("estate")
	e.domain = domain{name: "EXHOSP", dns: "exhosp.example",
		sid: fmt.Sprintf("S-1-5-21-%d-%d-%d", d.Uint32(), d.Uint32(), d.Uint32())}
	e.people(d)
	e.machines(d)
	e.portal = newPortal(d)
	e.intrusion()
	e.decoys()
	e.ordinary()
	return e
}

func (e *estate) people(d *dice) {
	for i, name := range []string{"adm.sharma", "adm.iyer", "adm.khan"} {
		a := e.account(name, 1110+i, true)
		a.station = host{fmt.Sprintf("EX-IT-PC%02d", i+1), fmt.Sprintf("10.20.9.%d", 21+i)}
		e.admins = append(e.admins, a)
	}
	for i := range 24 {
		ward := []string{"opd", "ipd", "lab", "blood", "radio", "icu"}[i%6]
		a := e.account(fmt.Sprintf("%s.%02d", ward, i/6+1), 1201+i, false)
		a.station = host{fmt.Sprintf("EX-%s-PC%02d", strings.ToUpper(ward), i/6+1), fmt.Sprintf("10.20.%d.%d", 40+i%6, 20+d.IntN(60)*3+i/6)}
		e.staff = append(e.staff, a)
	}
	for i, name := range []string{"svc_monitor", "svc_backup", "svc_ehosp", "svc_lis", "svc_pharm", "dba.menon"} {
		e.services[name] = e.account(name, 1301+i, name != "svc_pharm" && name != "svc_lis")
	}
}

// machines are the servers that the story needs; more are ordinary ones.
func (e *estate) machines(d *dice) {
	add := func(key string, s server) {
		s.e, s.name = e, "EX-"+key
		s.address = fmt.Sprintf("10.20.%d.%d", 1+len(e.servers)/8, 10+len(e.servers))
		s.truth = serverTruth{verdict: event.NoEvidence}
		e.servers = append(e.servers, &s)
		e.by[key] = &s
	}
	const first, second = "Server room, first floor", "Server room, second floor"
	add("DC1", server{kind: "physical", role: "domain-controller", os: "Windows Server 2016", year: 2016, location: first, layout: kapeFolder})
	add("JUMP1", server{kind: "virtual", role: "jump", os: "Windows Server 2019", year: 2019, location: first, layout: plainFolder,
		notes: "administrators' RDP host; runs the monitoring"})
	add("EHOSP-APP1", server{kind: "physical", role: "application", os: "Windows Server 2016", year: 2016, commands: true, location: first, layout: kapeZip})
	add("EHOSP-DB1", server{kind: "physical", role: "database", os: "Windows Server 2016, SQL Server 2017", year: 2016, sysmon: true, location: first, layout: velociraptorZip,
		notes: "e-Hospital, primary database"})
	add("LIS-DB1", server{kind: "physical", role: "database", os: "Windows Server 2012 R2, SQL Server 2014", year: 2012, location: second, layout: velociraptorZip,
		notes: "laboratory, primary database"})
	add("PORTAL", server{kind: "virtual", role: "web", os: "Ubuntu 20.04, nginx, PHP", system: linux, distro: "ubuntu", location: first, layout: uacArchive,
		notes: "appointments; reachable from the internet"})
	add("PG1", server{kind: "virtual", role: "database", os: "Ubuntu 22.04, PostgreSQL 14", system: linux, distro: "ubuntu", iso: true, location: first, layout: uacArchive,
		notes: "database of the portal"})
	add("PACS1", server{kind: "physical", role: "pacs", os: "CentOS 7", system: linux, distro: "centos", location: second, layout: plainFolder})
	add("FS1", server{kind: "physical", role: "file", os: "Windows Server 2012 R2", year: 2012, shares: true, location: second, layout: kapeFolder})
	add("BKP1", server{kind: "physical", role: "backup", os: "Windows Server 2019", year: 2019, location: second, layout: plainFolder})
	add("MAIL1", server{kind: "virtual", role: "mail", os: "Windows Server 2016, Exchange 2016", year: 2016, location: first, layout: jsonFolder})
	add("ESX1", server{kind: "physical", role: "hypervisor", os: "VMware ESXi 6.7", system: esxi, location: first, layout: vmSupport})
	add("DENTAL-LIS", server{kind: "virtual", role: "lis", os: "Windows Server 2019", year: 2019, location: "Dental block", layout: plainZip})
	add("RIS1", server{kind: "virtual", role: "application", os: "Windows Server 2016", year: 2016, location: second, layout: kapeZip})
	add("PHARM-DB1", server{kind: "virtual", role: "database", os: "Windows Server 2016, SQL Server 2017, Oracle client", year: 2016, sysmon: true, location: second, layout: plainZip})
	add("HRMS1", server{kind: "physical", role: "application", os: "Windows Server 2008 R2", year: 2008, location: "Administration block", notes: "end of life; disk failed in October"})
	e.by["HRMS1"].truth.verdict = event.Inconclusive
	e.more(d, add)
	add("NURSECALL", server{kind: "physical", role: "other", system: linux, distro: "centos", unlisted: true})
	e.by["NURSECALL"].truth.verdict = event.Inconclusive
	jump := e.by["JUMP1"]
	jump.kept = map[string]time.Duration{"Security": e.dice("kept").about(50 * time.Hour)}
	jump.truth.verdict = event.Inconclusive
	e.by["FS1"].kept = map[string]time.Duration{"Security": 11 * 24 * time.Hour}
	e.by["PACS1"].clock = -time.Duration(d.between(180, 500)) * time.Second
}

// more adds ordinary servers until there are as many as were asked for. Some were never collected, some logs rolled over.
func (e *estate) more(d *dice, add func(string, server)) {
	roles := []struct{ key, role string }{{"APP", "application"}, {"FS", "file"}, {"LAB", "lis"}, {"DB", "database"}, {"WEB", "web"}, {"MISC", "other"}}
	layouts := []*packing{kapeFolder, kapeZip, velociraptorZip, plainFolder, plainZip, jsonFolder}
	for i := 0; len(e.servers) < e.options.Servers; i++ {
		r := roles[i%len(roles)]
		key := fmt.Sprintf("%s%02d", r.key, i/len(roles)+11)
		s := server{kind: "virtual", role: r.role, os: "Windows Server 2016", year: 2016, location: "Server room, second floor", layout: pick(d, layouts)}
		if r.role == "web" || i%5 == 4 {
			s.system, s.os, s.distro, s.year, s.layout = linux, "CentOS 7", "centos", 0, uacArchive
		}
		if d.chance(15) {
			s.layout = nil
		}
		add(key, s)
		x := e.by[key]
		switch {
		case x.layout == nil:
			x.truth.verdict = event.Inconclusive
		case x.system == windows && d.chance(30):
			x.kept = map[string]time.Duration{"Security": time.Duration(d.between(4, 60)) * time.Hour}
			x.truth.verdict = event.Inconclusive
		}
	}
}

// story is how many servers the story needs.
const story = 16

// each calls f for the servers of a system that have logs of their own.
func (e *estate) each(of system, f func(*server)) {
	for _, s := range e.servers {
		if s.system == of && (s.layout != nil || s.unlisted) {
			f(s)
		}
	}
}
