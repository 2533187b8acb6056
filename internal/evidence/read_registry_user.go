package evidence

import (
	"encoding/binary"
	"strings"

	"wardround/internal/event"
)

var (
	registryUserAssist = event.TextSchema(event.Source{Product: "windows", Channel: "userassist"},
		"Image", "RunCount", "LastRun", "FocusCount", "FocusSeconds", "User", "TargetObject")
	registryRDP = event.TextSchema(event.Source{Product: "windows", Channel: "rdp client"},
		"DestinationHostname", "TargetUserName", "User", "TargetObject")
)

// ntuser reads the hive of an account, NTUSER.DAT.
func (r *registry) ntuser() {
	if name := r.of(r.open(r.root, `Software\Microsoft\Windows\CurrentVersion\Explorer`)).text("Logon User Name"); name != "" {
		r.user = name
	}
	shown := r.shown()
	r.watched(registryRun, r.root, shown, userRun)
	r.watched(registrySettings, r.root, shown, userSettings)
	r.userAssist(shown)
	r.rdpClient(shown)
}

// shown is the account's part of a key's path; the hive does not tell its SID.
func (r *registry) shown() string {
	if r.user == "" {
		return `HKU\unknown`
	}
	return `HKU\` + r.user
}

// usrClass reads an account's own classes, UsrClass.dat.
func (r *registry) usrClass() {
	r.watched(registryRun, r.root, r.shown()+`_Classes`, classesRun)
}

// knownFolders are the folders that user assist writes as GUIDs.
var knownFolders = map[string]string{
	"{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}": `C:\Windows\System32`,
	"{D65231B0-B2F1-4857-A4CE-A8E7C6EA7D27}": `C:\Windows\SysWOW64`,
	"{F38BF404-1D43-42F2-9305-67DE0B28FC23}": `C:\Windows`,
	"{6D809377-6AF0-444B-8957-A3773F02200E}": `C:\Program Files`,
	"{905E63B6-C1BF-494E-B29C-65B732D3D21A}": `C:\Program Files`,
	"{7C5A40EF-A0FB-4BFC-874A-C0F2E0B9FA8E}": `C:\Program Files (x86)`,
	"{A77F5D77-2E2B-44C3-A6A2-ABA601054A51}": `%APPDATA%\Microsoft\Windows\Start Menu\Programs`,
	"{0139D44E-6AFE-49F2-8690-3DAFCAE6FFB8}": `C:\ProgramData\Microsoft\Windows\Start Menu\Programs`,
	"{9E3995AB-1F9C-4F13-B827-48B24B6C7174}": `%APPDATA%\Microsoft\Internet Explorer\Quick Launch\User Pinned`,
	"{B4BFCC3A-DB2C-424C-B029-7FE99A87C641}": `%USERPROFILE%\Desktop`,
	"{374DE290-123F-4565-9164-39C4925E467B}": `%USERPROFILE%\Downloads`,
}

// rot13 undoes what user assist does to names.
func rot13(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return 'a' + (r-'a'+13)%26
	case r >= 'A' && r <= 'Z':
		return 'A' + (r-'A'+13)%26
	}
	return r
}

// userAssist yields what was started from the desktop: programs and shortcuts, how often, and when last. The counters of
// XP begin at 5, those from Windows 7 on at 0.
func (r *registry) userAssist(shown string) {
	const path = `Software\Microsoft\Windows\CurrentVersion\Explorer\UserAssist`
	r.each(r.open(r.root, path), func(group hiveKey) bool {
		count := r.open(group, "Count")
		for _, v := range r.values(count) {
			name := strings.Map(rot13, v.name)
			if strings.HasPrefix(name, "UEME_CTL") {
				continue
			}
			r.assisted(v, strings.TrimPrefix(name, "UEME_RUNPATH:"), shown+`\`+path+`\`+group.name+`\Count\`+v.name)
		}
		return true
	})
}

func (r *registry) assisted(v hiveValue, name, at string) {
	if folder, rest, ok := strings.Cut(name, `\`); ok && knownFolders[strings.ToUpper(folder)] != "" {
		name = knownFolders[strings.ToUpper(folder)] + `\` + rest
	}
	u, null := binary.LittleEndian.Uint32, event.Value{}
	runs, focus, seconds, last := null, null, null, event.NoTime
	switch b := r.data(v); len(b) {
	case 72:
		runs, focus, seconds = decimal(uint64(u(b[4:]))), decimal(uint64(u(b[8:]))), decimal(uint64(u(b[12:])/1000))
		last = event.FromFileTime(binary.LittleEndian.Uint64(b[60:]))
	case 16:
		runs = decimal(uint64(max(u(b[4:]), 5) - 5))
		last = event.FromFileTime(binary.LittleEndian.Uint64(b[8:]))
	case 8: // XP's counters of sessions
		return
	default:
		r.out.damage(v.at, 4, "user assist of an unknown layout")
		return
	}
	r.emit(registryUserAssist, last, v.at, event.Text(name), runs, instant(last), focus, seconds, textOrNull(r.user), event.Text(at))
}

// rdpClient yields the computers that the account reached by Remote Desktop from here, each with when it last logged on there
// under another name, as far as the key tells.
func (r *registry) rdpClient(shown string) {
	const path = `Software\Microsoft\Terminal Server Client`
	client := r.open(r.root, path)
	r.each(r.open(client, "Servers"), func(k hiveKey) bool {
		r.emit(registryRDP, k.written, k.at, event.Text(k.name), r.of(k).null("UsernameHint"), textOrNull(r.user), event.Text(shown+`\`+path+`\Servers\`+k.name))
		return true
	})
	recent := r.open(client, "Default")
	for _, v := range r.values(recent) {
		if !strings.HasPrefix(v.name, "MRU") {
			continue
		}
		t := event.NoTime // of the others it is only known that they came before
		if v.name == "MRU0" {
			t = recent.written
		}
		r.emit(registryRDP, t, v.at, textOrNull(r.text(v)), event.Value{}, textOrNull(r.user), event.Text(shown+`\`+path+`\Default\`+v.name))
	}
}
