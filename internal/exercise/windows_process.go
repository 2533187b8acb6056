package exercise

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

// process is a program that runs on a Windows server.
type process struct {
	image, command string
	pid            uint32
	at             event.Time
	session        *session // nil: SYSTEM
	content        []byte   // of its file, where the exercise has it; else nil
	folder         string   // current directory
}

// standing is a process of the system that was started with it.
func (s *server) standing(name string) *process {
	p := &process{pid: s.pid(name), at: s.e.from.Add(-20 * time.Minute)}
	for _, known := range []struct{ name, image, command string }{
		{"System", `System`, ``},
		{"services", `C:\Windows\System32\services.exe`, `C:\Windows\system32\services.exe`},
		{"lsass", `C:\Windows\System32\lsass.exe`, `C:\Windows\system32\lsass.exe`},
		{"svchost-netsvcs", `C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k netsvcs`},
		{"svchost-dcom", `C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k DcomLaunch`},
		{"svchost-local", `C:\Windows\System32\svchost.exe`, `C:\Windows\system32\svchost.exe -k NetworkService`},
		{"dns", `C:\Windows\System32\dns.exe`, `C:\Windows\system32\dns.exe`},
		{"w3wp", `C:\Windows\System32\inetsrv\w3wp.exe`, `c:\windows\system32\inetsrv\w3wp.exe -ap "DefaultAppPool" -v "v4.0" -l "webengine4.dll" -a \\.\pipe\iisipmc2b5f -h "C:\inetpub\temp\apppools\DefaultAppPool\DefaultAppPool.config" -w "" -m 0 -t 20`},
		{"teamviewer", `C:\Program Files (x86)\TeamViewer\TeamViewer_Service.exe`, `"C:\Program Files (x86)\TeamViewer\TeamViewer_Service.exe"`},
		{"anydesk", `C:\Program Files (x86)\AnyDesk\AnyDesk.exe`, `"C:\Program Files (x86)\AnyDesk\AnyDesk.exe" --service`},
		{"explorer", `C:\Windows\explorer.exe`, `C:\Windows\Explorer.EXE`},
		{"sqlservr", `C:\Program Files\Microsoft SQL Server\MSSQL14.MSSQLSERVER\MSSQL\Binn\sqlservr.exe`, `"C:\Program Files\Microsoft SQL Server\MSSQL14.MSSQLSERVER\MSSQL\Binn\sqlservr.exe" -sMSSQLSERVER`},
	} {
		if known.name == name {
			p.image, p.command = known.image, known.command
			return p
		}
	}
	panic("no standing process " + name) // bug: traces and list are both ours
}

// start logs a process start as the server is set up to: 4688 where process starts are audited, Sysmon 1 where it runs.
func (s *server) start(d *dice, at event.Time, parent *process, x *session, image, command string) *process {
	p := &process{image: image, command: command, pid: d.pid(), at: at, session: x, folder: `C:\Windows\system32\`}
	s.started(p, parent)
	return p
}

func (s *server) started(p, parent *process) {
	if s.commands {
		s.started4688(p, parent)
	}
	if s.sysmon {
		s.startedSysmon(p, parent)
	}
}

func (s *server) started4688(p, parent *process) {
	f := s.subject(parent.session).with(fields{"NewProcessId": p.pid, "NewProcessName": p.image, "ProcessId": parent.pid, "CommandLine": p.command})
	if s.year >= 2016 {
		f["ParentProcessName"] = parent.image
		if p.session != nil {
			f["MandatoryLabel"] = "S-1-16-12288"
			if parent.session == nil {
				f.with(s.target(p.session))
			}
		}
	}
	s.log(p.at, "4688", f)
}

func (s *server) startedSysmon(p, parent *process) {
	user, logon, level, desk := `NT AUTHORITY\SYSTEM`, uint64(0x3e7), "System", 0
	if x := p.session; x != nil {
		user, logon, level = s.e.domain.name+`\`+x.who.name, x.id, "High"
		if x.kind == 10 {
			desk = x.desk()
		}
	}
	base := p.image[strings.LastIndexByte(p.image, '\\')+1:]
	f := fields{"UtcTime": utc(s.local(p.at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "CommandLine": p.command, "User": user, "LogonGuid": s.logonGuid(logon),
		"LogonId": logon, "TerminalSessionId": desk, "IntegrityLevel": level, "CurrentDirectory": p.folder, "Hashes": hashes(p), "OriginalFileName": base,
		"ParentProcessGuid": s.guid(parent), "ParentProcessId": parent.pid, "ParentImage": parent.image, "ParentCommandLine": parent.command}
	if strings.HasPrefix(p.image, `C:\Windows\`) && p.content == nil {
		f["Company"], f["Product"], f["FileVersion"] = "Microsoft Corporation", "Microsoft® Windows® Operating System", "10.0.14393.0 (rs1_release.160715-1616)"
		f["Description"] = base
	} else if p.content != nil {
		f["OriginalFileName"] = "-"
	}
	s.log(p.at.Add(3*time.Millisecond), "sysmon-1", f)
}

// ends logs the end of a process.
func (s *server) ends(at event.Time, p *process) {
	if s.sysmon {
		s.log(at, "sysmon-5", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image})
	}
}

// creates logs that a process made or overwrote a file.
func (s *server) creates(at event.Time, p *process, path string) {
	if s.sysmon {
		s.log(at, "sysmon-11", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "TargetFilename": path, "CreationUtcTime": utc(s.local(at))})
	}
}

// sets logs that a process set a value of the registry.
func (s *server) sets(at event.Time, p *process, object, details string) {
	if s.sysmon {
		s.log(at, "sysmon-13", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "TargetObject": object, "Details": details})
	}
}

// connects logs a connection that a process opened.
func (s *server) connects(d *dice, at event.Time, p *process, user string, to host, port int) {
	if s.sysmon {
		s.log(at, "sysmon-3", fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "User": user, "SourceIp": s.address,
			"SourceHostname": s.computer(), "SourcePort": d.port(), "DestinationIp": to.address, "DestinationHostname": to.name, "DestinationPort": port})
	}
}

// loads logs that a process loaded a library.
func (s *server) loads(at event.Time, p *process, library string, content []byte, signer string) {
	if !s.sysmon {
		return
	}
	f := fields{"UtcTime": utc(s.local(at)), "ProcessGuid": s.guid(p), "ProcessId": p.pid, "Image": p.image, "ImageLoaded": library,
		"Hashes": hashes(&process{image: library, content: content}), "Signature": signer, "OriginalFileName": library[strings.LastIndexByte(library, '\\')+1:], "Company": signer}
	if signer == "" {
		f["Signed"], f["Signature"], f["SignatureStatus"], f["Company"], f["OriginalFileName"] = "false", "-", "Unavailable", "-", "-"
	}
	s.log(at, "sysmon-7", f)
}

func utc(at event.Time) string { return at.Std().Format("2006-01-02 15:04:05.000") }

// guid of a process as Sysmon makes it: of the machine, the second of the start, and a number.
func (s *server) guid(p *process) (g [16]byte) {
	binary.LittleEndian.PutUint32(g[0:], number(1<<31, s.name, "machine"))
	binary.LittleEndian.PutUint32(g[4:], uint32(p.at.Std().Unix())<<16|uint32(p.at.Std().Unix())>>16)
	binary.LittleEndian.PutUint32(g[8:], p.pid<<8)
	g[13], g[15] = byte(p.pid>>2), 1
	return g
}

func (s *server) logonGuid(id uint64) (g [16]byte) {
	binary.LittleEndian.PutUint32(g[0:], number(1<<31, s.name, "machine"))
	binary.LittleEndian.PutUint64(g[8:], id)
	return g
}

// hashes are those of the file's content; of a program of Windows itself, which the exercise does not have, of its path.
func hashes(p *process) string {
	b := p.content
	if b == nil {
		b = []byte(strings.ToLower(p.image))
	}
	return fmt.Sprintf("SHA1=%X,MD5=%X,SHA256=%X,IMPHASH=%s", sha1.Sum(b), md5.Sum(b), sha256.Sum256(b), strings.ToUpper(digest(32, p.image)))
}

// guidOf is a GUID as text that is ours.
func guidOf(s string) [16]byte {
	g, err := evtx.ParseGUID(s)
	if err != nil {
		panic(err) // bug: all GUIDs are ours
	}
	return g
}
