package exercise

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"wardround/internal/event"
)

// decoys are what a scenario can say under decoys: lawful work that looks like the intruder's.
var decoys = map[string]func(*estate, *dice, *decoy){
	"admin-psexec":       (*estate).adminPsexec,
	"approved-psexec":    (*estate).approvedPsexec,
	"nightly-xp":         (*estate).nightlyJob,
	"oracle-client":      (*estate).oracleClient,
	"mail-scanner":       (*estate).mailScanner,
	"deployments":        (*estate).deployments,
	"resolver":           (*estate).resolver,
	"listed-account":     (*estate).listedAccount,
	"renaming-backup":    (*estate).renamingBackup,
	"lawful-encryption":  (*estate).lawfulEncryption,
	"cleared-in-panic":   (*estate).clearedInPanic,
	"disconnected":       (*estate).disconnected,
	"remote-management":  (*estate).remoteManagement,
	"vulnerability-scan": (*estate).vulnerabilityScan,
}

func decoyNames() []string { return slices.Sorted(maps.Keys(decoys)) }

// decoys notes of a server what was put there; two decoys on one server are both told.
func (s *server) decoys(what string) {
	if s.truth.decoy != "" {
		what = s.truth.decoy + "; " + what
	}
	s.truth.decoy = what
}

// adminPsexec: an administrator uses PsExec from the jump server, and nobody approved it.
func (e *estate) adminPsexec(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("administrator's PsExec, not approved")
	s.truth.verdict = worse(s.truth.verdict, event.Suspected)
	at := d.within(e.at(-1, 15, 30), 90*time.Minute)
	e.changes = append(e.changes, change{e.at(-6, 21, 0), e.at(-5, 1, 0), e.domain.name + `\` + e.admins[0].name, e.jump.name, s.name, "", "CR-2207"})
	e.psexec(s, e.admins[2], at, "ipconfig /flushdns")
}

// approvedPsexec: the same, and the hospital lists it. Another row is for a server where nothing was done.
func (e *estate) approvedPsexec(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("administrator's PsExec, approved")
	at := d.within(e.at(-4, 22, 20), 90*time.Minute)
	e.changes = append(e.changes,
		change{e.at(-4, 22, 0), e.at(-3, 2, 0), e.domain.name + `\` + e.admins[1].name, e.jump.name, s.name, "PsExec", "CR-2210"},
		change{e.at(-3, 18, 0), e.at(-3, 20, 0), e.domain.name + `\` + e.admins[2].name, e.jump.name, e.dc.name, "", "CR-2212"})
	e.psexec(s, e.admins[1], at, "cmd")
}

func worse(a, b event.Judgement) event.Judgement {
	if a == event.Infiltrated {
		return a
	}
	return b
}

func (e *estate) psexec(s *server, who *account, at event.Time, runs string) {
	jump := e.jump
	e.do("PsExec on "+s.key, func(d *dice) {
		e.ticket(d, at, who, jump.host(), s, true)
		in := s.kerberos(d, at, who, jump.host())
		service := s.remoteService(d, at.Add(300*time.Millisecond), in, "PSEXESVC", "PSEXESVC.exe", psexecPipes(d, "PSEXESVC", jump.host()))
		s.start(d, at.Add(time.Second), service, in, `C:\Windows\System32\cmd.exe`, runs)
		end := at.Add(d.about(5 * time.Minute))
		s.runs(end, "PSEXESVC", "PSEXESVC", false)
		s.logoff(end.Add(time.Second), in)
	}, s, e.dc)
}

// nightlyJob: for weeks, a job of SQL Server has copied the pharmacy's backups by xp_cmdshell.
func (e *estate) nightlyJob(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("nightly xp_cmdshell job")
	minute := d.between(5, 50)
	backup := e.backup()
	e.do("nightly job "+s.key, func(d *dice) {
		e.days(func(midnight event.Time, _ time.Weekday) {
			at := d.within(midnight.Add(2*time.Hour+time.Duration(minute)*time.Minute), 20*time.Second)
			copies := `robocopy E:\Backup \\` + backup + `\sql\pharm /MIR /R:2 /W:5`
			shell := s.cmdshell(d, at, e.domain.name+`\`+e.services["pharm"].name, "local machine", copies)
			p := s.start(d, at.Add(60*time.Millisecond), shell, nil, `C:\Windows\System32\Robocopy.exe`, copies)
			s.ends(at.Add(d.about(4*time.Minute)), p)
			s.log(at.Add(5*time.Minute), "agent-102", fields{"@data": []string{"SQLServerAgent job 'Copy backups' completed"}})
		})
	}, s)
}

// backup is the name of a server that keeps backups.
func (e *estate) backup() string {
	for _, s := range e.servers {
		if s.role == "backup" {
			return s.name
		}
	}
	return e.dc.name
}

// oracleClient: MSDTC loads the library of a genuine Oracle client each time that it starts.
func (e *estate) oracleClient(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("genuine Oracle client with MSDTC")
	installed := d.within(e.at(-e.options.Days+3, 12, 0), 3*time.Hour)
	s.leaves(`C:\oracle\client_1\bin\oci.dll`, []byte("MZ "+event.ExerciseMark+"\nOracle Call Interface: a genuine client's library stood here\n"), installed)
	e.do("Oracle client "+s.key, func(d *dice) {
		s.log(installed, "msi-11707", fields{"@data": []string{"Product: Oracle Client 12.2 for Windows x64 -- Installation completed successfully.", "(NULL)", "(NULL)", "(NULL)", "(NULL)", "(NULL)", ""}})
		s.log(installed.Add(time.Second), "msi-1033", fields{"@data": []string{"Oracle Client 12.2 for Windows x64", "12.2.0.1", "1033", "0", "Oracle Corporation", "(NULL)", ""}})
		for at := installed.Add(time.Hour); at < e.to; at = at.Add(d.about(6 * 24 * time.Hour)) {
			s.runs(at, "Distributed Transaction Coordinator", "MSDTC", false)
			p := &process{image: `C:\Windows\System32\msdtc.exe`, command: `C:\Windows\System32\msdtc.exe`, pid: d.pid(), at: at.Add(30 * time.Second), folder: `C:\Windows\system32\`}
			s.started(p, s.standing("services"))
			s.loads(p.at.Add(400*time.Millisecond), p, `C:\oracle\client_1\bin\oci.dll`, nil, "Oracle America, Inc.")
			s.log(p.at.Add(time.Second), "msdtc-4202", fields{"@data": []string{"Security Configuration (OFF = 0 and ON = 1):\r\nAllow Remote Administrator = 0,\r\nNetwork Clients = 1,\r\nTransaction Manager Communication:\r\nAllow Inbound Transactions = 1,\r\nAllow Outbound Transactions = 1"}})
			s.runs(p.at.Add(time.Second), "Distributed Transaction Coordinator", "MSDTC", true)
		}
	}, s)
}

// mailScanner: the mail server's antivirus names what comes by mail, and an administrator tests it.
func (e *estate) mailScanner(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("antivirus detections in mail, antivirus test file")
	test := d.within(e.at(-8, 11, 0), 3*time.Hour)
	user := e.admins[0].name
	e.do("mail scanner "+s.key, func(d *dice) {
		s.detects(d, test, "Virus:DOS/EICAR_Test_File", 2147519003, "Severe", "Virus", `file:_C:\Users\`+user+`\Desktop\eicar.com`, `C:\Windows\explorer.exe`, e.domain.name+`\`+user)
		e.every(d, 8*24*time.Hour, func(at event.Time) {
			file := fmt.Sprintf(`file:_C:\Program Files\Microsoft\Exchange Server\V15\TransportRoles\data\Temp\UnifiedContent\%s`, digest(16, at.String()))
			s.detects(d, at, pick(d, []string{"TrojanDownloader:O97M/Emotet.CSK!MTB", "Trojan:HTML/Phish!MSR", "TrojanDownloader:JS/Nemucod"}), 2147760000+d.IntN(9000), "Severe", "Trojan Downloader", file,
				`C:\Program Files\Microsoft\Exchange Server\V15\Bin\EdgeTransport.exe`, `NT AUTHORITY\SYSTEM`)
		})
	}, s)
}

// deployments: the account that deploys the portal logs on to its database server with its key, by day.
func (e *estate) deployments(_ *dice, x *decoy) {
	s, portal := e.by[x.On[0]], e.by["PORTAL"]
	if portal == nil {
		portal = e.jump
	}
	e.do("deployments "+s.key, func(d *dice) {
		e.days(func(midnight event.Time, weekday time.Weekday) {
			at := d.within(midnight.Add(15*time.Hour), time.Hour)
			if weekday != time.Tuesday && weekday != time.Friday || at > e.to {
				return
			}
			l := s.ssh(d, at, "deploy", 1001, portal.host(), "publickey")
			s.sudo(at.Add(40*time.Second), l, "/home/deploy", "/usr/bin/systemctl reload postgresql")
			s.sshEnds(at.Add(3*time.Minute), l)
		})
	}, s)
}

// resolver: the domain controller asks, on behalf of everybody, the name server of the intruder's names, which lies at the
// address to which his tools speak.
func (e *estate) resolver(_ *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("domain controller that resolves the bad name for everybody")
	name := "cdn." + strings.ToLower(digest(7, "name", fmt.Sprint(e.options.Seed))) + ".example"
	first := e.at(0, 0, 0)
	if len(e.truth.hops) > 0 {
		first = e.truth.hops[0].Time
	}
	e.do("resolver "+s.key, func(d *dice) {
		dns := s.standing("dns")
		for at := first.Add(d.about(20 * time.Minute)); at < e.to; at = at.Add(d.about(50 * time.Minute)) {
			from := pick(d, e.servers)
			s.dnsLine(d, at, from.address, name)
			s.udp(d, at.Add(5*time.Millisecond), dns, e.intruder.control[d.IntN(2)], 53)
		}
		e.every(d, 25*time.Minute, func(at event.Time) {
			other := pick(d, []string{"update.example", "time.example", "wsus.example", "mail.example", "www.example"})
			s.dnsLine(d, at, pick(d, e.servers).address, other)
			s.udp(d, at.Add(5*time.Millisecond), dns, host{"", fmt.Sprintf("198.19.%d.53", d.IntN(100))}, 53)
		})
	}, s)
}

// dnsLine is a question in the debug log of Windows' DNS server.
func (s *server) dnsLine(d *dice, at event.Time, from, name string) {
	const log = "C/Windows/System32/dns/dns.log"
	if !s.open {
		return
	}
	var coded strings.Builder
	for _, label := range strings.Split(name, ".") {
		fmt.Fprintf(&coded, "(%d)%s", len(label), label)
	}
	s.write(log, at, fmt.Sprintf("%s 0F2C PACKET  000000%08X UDP Rcv %-15s %04x   Q [0001   D   NOERROR] A      %s(0)\r\n", s.local(at).Std().In(ist).Format("02-01-2006 15:04:05"), d.Uint32(), from, d.IntN(65536), coded.String()))
	if l := s.texts[log]; l != nil {
		l.head = func(event.Time) string { return "DNS Server log, " + event.ExerciseMark + "\r\n" }
	}
}

// udp logs a datagram that a process sent.
func (s *server) udp(d *dice, at event.Time, p *process, to host, port int) {
	if s.sysmon {
		s.log(at, "sysmon-3", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "User": `NT AUTHORITY\SYSTEM`, "Protocol": "udp", "SourceIp": s.address,
			"SourceHostname": s.computer(), "SourcePort": d.port(), "DestinationIp": to.address, "DestinationPort": port, "DestinationPortName": "domain"})
	}
}

// listedAccount: approved work is listed for the account that the intruder uses, on a server that he enters and at that
// time, but from another server than his.
func (e *estate) listedAccount(_ *dice, x *decoy) {
	s := e.by[x.On[0]]
	t := s.truth.from
	if t == nil || t.Account == nil {
		return
	}
	hour := event.At(s.truth.first.Std().Truncate(time.Hour))
	e.changes = append(e.changes, change{hour.Add(-time.Hour), hour.Add(4 * time.Hour), *t.Account, e.jump.name, s.name, "", "CR-2231"})
}

// renamingBackup: every night a job copies the files of a share and renames the copies.
func (e *estate) renamingBackup(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("backup job that renames en masse")
	minute := d.between(5, 50)
	for i := range 12 {
		name := fmt.Sprintf(`D:\Archive\report_%03d.pdf.bak`, i)
		s.leaves(name, ordinaryContent(d, name, 5000), e.at(-1, 3, minute))
	}
	e.do("renaming backup "+s.key, func(d *dice) {
		e.days(func(midnight event.Time, _ time.Weekday) {
			at := d.within(midnight.Add(3*time.Hour+time.Duration(minute)*time.Minute), 20*time.Second)
			s.runsTask(d, at, `\Hospital\Archive`, "S-1-5-18", `C:\Windows\System32\cmd.exe /c C:\Scripts\archive.cmd`, 6*time.Minute)
			p := s.start(d, at.Add(2*time.Second), s.standing("svchost-netsvcs"), nil, `C:\Windows\System32\cmd.exe`, `C:\Windows\System32\cmd.exe /c C:\Scripts\archive.cmd`)
			for i := range 60 {
				s.creates(at.Add(time.Duration(3+i)*time.Second), p, fmt.Sprintf(`D:\Archive\report_%03d.pdf.bak`, i))
			}
			s.ends(at.Add(2*time.Minute), p)
		})
	}, s)
}

// lawfulEncryption: archives that staff lock with a password, and packed ones, look like encrypted files.
func (e *estate) lawfulEncryption(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("compressed and lawfully encrypted files")
	for i := range 6 {
		at := d.within(e.at(-9+i, 10, 0), 6*time.Hour)
		if i%2 == 0 {
			s.leaves(fmt.Sprintf(`D:\Departments\Accounts\salary_%02d.7z`, i+1), lockedSevenZip(noise(d, 20_000), "salary.xlsx"), at)
		} else {
			s.leaves(fmt.Sprintf(`D:\Departments\Establishment\files_%02d.zip`, i+1), lockedZip(noise(d, 20_000)), at)
		}
	}
}

// lockedSevenZip is an archive of 7-Zip (7zFormat.txt of the LZMA SDK) of one file that was encrypted with a password: by its list, AES-256 of
// a key of 2^19 rounds. What is encrypted is random. The mark follows its end.
func lockedSevenZip(content []byte, name string) []byte {
	number := func(n int) []byte { // below 2 MiB: short, or in three bytes
		if n < 0x80 {
			return []byte{byte(n)}
		}
		return []byte{0xc0 | byte(n>>16), byte(n), byte(n >> 8)}
	}
	text := []byte{0} // it stands here
	for _, u := range utf16.Encode([]rune(name + "\x00")) {
		text = binary.LittleEndian.AppendUint16(text, u)
	}
	size := number(len(content))
	list := slices.Concat(
		[]byte{1, 4, 6, 0, 1, 9}, size, []byte{0}, // list: streams: one packed stream at 0, of this size
		[]byte{7, 11, 1, 0, 1, 0x24, 6, 0xf1, 7, 1}, number(10), []byte{0x53, 7}, content[:8], // one block, of one coder: AES, its rounds and start
		[]byte{12}, size, []byte{0, 0}, // unpacked
		[]byte{5, 1, 17}, number(len(text)), text, []byte{0, 0}) // one file, its name
	start := binary.LittleEndian.AppendUint64(nil, uint64(len(content)))
	start = binary.LittleEndian.AppendUint64(start, uint64(len(list)))
	start = binary.LittleEndian.AppendUint32(start, crc32.ChecksumIEEE(list))
	head := binary.LittleEndian.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start))
	return slices.Concat(head, start, content, list, []byte(event.ExerciseMark))
}

// lockedZip is a zip archive whose one file is encrypted with a password. The mark is its comment.
func lockedZip(content []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	size := uint64(len(content))
	h := &zip.FileHeader{Name: "salary.xlsx", Method: zip.Store, Flags: 1, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: size, UncompressedSize64: size}
	to, err := z.CreateRaw(h)
	if err == nil {
		_, err = to.Write(content)
	}
	if err := errors.Join(err, z.SetComment(event.ExerciseMark), z.Close()); err != nil {
		panic(err) // bug: nothing is written but to memory
	}
	return b.Bytes()
}

// clearedInPanic: in the morning an administrator clears the Security log of a domain controller, whose disk is full.
func (e *estate) clearedInPanic(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	at := d.within(e.at(0, 8, 10), 50*time.Minute)
	who := e.admins[1]
	s.decoys("log cleared by an administrator")
	s.flag("evidence tampered")
	s.truth.verdict = worse(s.truth.verdict, event.Suspected)
	if s.cleared == nil {
		s.cleared = map[string]event.Time{}
	}
	s.cleared["Security"] = at
	e.do("cleared "+s.key, func(d *dice) {
		e.jump.explicit(d, at.Add(-10*time.Minute), e.jump.session(at.Add(-time.Hour), who, who.station, 10), who, s, `C:\Windows\System32\mstsc.exe`)
		in := s.rdp(d, at.Add(-9*time.Minute), who, e.jump.host())
		s.clears(at, in, "Security")
		s.rdpEnds(at.Add(12*time.Minute), in)
	}, s, e.dc, e.jump)
}

// disconnected: a server was cut off in time, and logs nothing after.
func (e *estate) disconnected(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.cutOff = d.within(e.at(0, 7, 15), 20*time.Minute)
	s.notes = strings.TrimPrefix(s.notes+"; switched off on the morning of the incident", "; ")
}

// remoteManagement: a supplier's tool for remote management was installed by an administrator long before, and is used by
// day.
func (e *estate) remoteManagement(d *dice, x *decoy) {
	s := e.by[x.On[0]]
	s.decoys("supplier's remote management")
	installed := d.within(e.at(-e.options.Days+2, 11, 0), 3*time.Hour)
	e.do("remote management "+s.key, func(d *dice) {
		s.log(installed, "7045", fields{"ServiceName": "AnyDesk Service", "ImagePath": `"C:\Program Files (x86)\AnyDesk\AnyDesk.exe" --service`, "StartType": "auto start", "@user": e.admins[0].sid})
		s.runs(installed.Add(time.Second), "AnyDesk Service", "AnyDesk", true)
		p := s.standing("anydesk")
		e.every(d, 40*time.Hour, func(at event.Time) {
			if hour := at.Std().In(ist).Hour(); hour > 9 && hour < 18 && at > installed {
				s.connects(d, at, p, `NT AUTHORITY\SYSTEM`, host{"", "198.19.44.7"}, 443)
			}
		})
	}, s)
}

// vulnerabilityScan: on a Sunday the hospital's scanner tries accounts and ports of a server.
func (e *estate) vulnerabilityScan(d *dice, x *decoy) {
	from := host{"EX-SCAN1", "10.20.9.60"}
	s := e.by[x.On[0]]
	s.decoys("vulnerability scan")
	e.do("scan "+s.key, func(d *dice) {
		at := d.within(e.at(-10, 11, 0), 3*time.Hour)
		for range d.between(40, 80) {
			s.log(at, "4625", fields{"TargetUserName": pick(d, []string{"administrator", "guest", "admin", "sa", "oracle"}), "TargetDomainName": "", "LogonType": 3, "LogonProcessName": "NtLmSsp ",
				"AuthenticationPackageName": "NTLM", "WorkstationName": "NESSUS", "IpAddress": from.address, "IpPort": fmt.Sprint(d.port()), "SubStatus": 0xc0000064})
			at = d.within(at, 4*time.Second)
		}
	}, s)
}

// template: before it got its name, a cloned server was a template on which an administrator once used PsExec.
func (e *estate) template(s *server) {
	s.decoys("made from a template that carries old artifacts")
	who := e.admins[0]
	e.do("template "+s.key, func(d *dice) {
		at := d.within(e.from.Add(time.Hour), 20*time.Hour)
		in := s.ntlm(d, at, who, e.jump.host(), e.jump.name)
		s.remoteService(d, at.Add(300*time.Millisecond), in, "PSEXESVC", "PSEXESVC.exe", psexecPipes(d, "PSEXESVC", e.jump.host()))
		s.runs(at.Add(d.about(4*time.Minute)), "PSEXESVC", "PSEXESVC", false)
		s.logoff(at.Add(5*time.Minute), in)
	}, s, e.dc)
}
