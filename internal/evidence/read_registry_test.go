package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// regKey is a key as these tests write it.
type regKey struct {
	name    string
	written uint64 // 100 ns since 1601
	values  []regValue
	subkeys []*regKey
}

type regValue struct {
	name string
	kind uint32
	data []byte
}

// set puts a value below the path, whose keys are made as needed.
func (k *regKey) set(path, name string, kind uint32, data []byte) *regKey {
	at := k
	for part := range strings.SplitSeq(path, `\`) {
		i := slices.IndexFunc(at.subkeys, func(s *regKey) bool { return s.name == part })
		if i < 0 {
			at.subkeys = append(at.subkeys, &regKey{name: part, written: 133136482690000000})
			i = len(at.subkeys) - 1
		}
		at = at.subkeys[i]
	}
	if kind > 0 {
		at.values = append(at.values, regValue{name, kind, data})
	}
	return k
}

func (k *regKey) text(path, name, text string) *regKey {
	return k.set(path, name, regSZ, wide(text+"\x00"))
}
func (k *regKey) number(path, name string, n uint32) *regKey {
	return k.set(path, name, regDWORD, binary.LittleEndian.AppendUint32(nil, n))
}

// hiveWriter lays out cells behind the base block, in one bin.
type hiveWriter struct{ b []byte }

func (w *hiveWriter) cell(content []byte) uint32 {
	at := len(w.b)
	size := (4 + len(content) + 7) &^ 7
	w.b = binary.LittleEndian.AppendUint32(w.b, uint32(-int32(size)))
	w.b = append(append(w.b, content...), make([]byte, size-4-len(content))...)
	return uint32(at - hiveBase)
}

func (w *hiveWriter) key(k *regKey) uint32 {
	le := binary.LittleEndian
	var list, values []byte
	for _, s := range k.subkeys {
		list = le.AppendUint32(le.AppendUint32(list, w.key(s)), 0)
	}
	for _, v := range k.values {
		values = le.AppendUint32(values, w.value(v))
	}
	b := make([]byte, keySize+len(k.name))
	copy(b, "nk")
	le.PutUint16(b[2:], 0x20)
	le.PutUint64(b[4:], k.written)
	le.PutUint32(b[20:], uint32(len(k.subkeys)))
	le.PutUint32(b[28:], hiveNone)
	le.PutUint32(b[36:], uint32(len(k.values)))
	le.PutUint32(b[40:], hiveNone)
	if len(k.subkeys) > 0 {
		head := le.AppendUint16([]byte("lh"), uint16(len(k.subkeys)))
		le.PutUint32(b[28:], w.cell(append(head, list...)))
	}
	if len(k.values) > 0 {
		le.PutUint32(b[40:], w.cell(values))
	}
	le.PutUint16(b[72:], uint16(len(k.name)))
	copy(b[keySize:], k.name)
	return w.cell(b)
}

func (w *hiveWriter) value(v regValue) uint32 {
	le := binary.LittleEndian
	b := make([]byte, 20+len(v.name))
	copy(b, "vk")
	le.PutUint16(b[2:], uint16(len(v.name)))
	le.PutUint32(b[4:], uint32(len(v.data)))
	le.PutUint32(b[12:], v.kind)
	le.PutUint16(b[16:], 1)
	copy(b[20:], v.name)
	switch {
	case len(v.data) <= 4:
		le.PutUint32(b[4:], uint32(len(v.data))|1<<31)
		copy(b[8:], v.data)
	case len(v.data) > bigSegment:
		var list []byte
		count := 0
		for part := range slices.Chunk(v.data, bigSegment) {
			list = le.AppendUint32(list, w.cell(part))
			count++
		}
		at := w.cell(list)
		le.PutUint32(b[8:], w.cell(le.AppendUint32(le.AppendUint16([]byte("db"), uint16(count)), at)))
	default:
		le.PutUint32(b[8:], w.cell(v.data))
	}
	return w.cell(b)
}

// encode writes the hive.
func (k *regKey) encode() []byte {
	le := binary.LittleEndian
	w := &hiveWriter{b: make([]byte, hiveBase+32)}
	root := w.key(k)
	w.b = append(w.b, make([]byte, (4096-len(w.b)%4096)%4096)...)
	copy(w.b, "regf")
	le.PutUint32(w.b[4:], 7)
	le.PutUint32(w.b[8:], 7)
	le.PutUint32(w.b[20:], 1)
	le.PutUint32(w.b[24:], 5)
	le.PutUint32(w.b[36:], root)
	le.PutUint32(w.b[40:], uint32(len(w.b)-hiveBase))
	le.PutUint32(w.b[508:], baseSum(w.b))
	copy(w.b[hiveBase:], "hbin")
	return w.b
}

const testSet = `ControlSet002\`

func systemHive() *regKey {
	k := &regKey{name: "ROOT", written: 133136482690000000}
	k.number("Select", "Current", 2).set("ControlSet001", "", 0, nil)
	k.text(testSet+`Control\ComputerName\ComputerName`, "ComputerName", "LIS-APP1")
	k.text(testSet+`Services\Tcpip\Parameters`, "Hostname", "lis-app1").text(testSet+`Services\Tcpip\Parameters`, "Domain", "hosp.example")
	k.text(testSet+`Control\TimeZoneInformation`, "TimeZoneKeyName", "India Standard Time").number(testSet+`Control\TimeZoneInformation`, "ActiveTimeBias", ^uint32(329))
	iface := testSet + `Services\Tcpip\Parameters\Interfaces\{1}`
	k.text(iface, "DhcpIPAddress", "10.1.2.3").number(iface, "EnableDHCP", 1).number(iface, "LeaseObtainedTime", 1669167469)
	k.text(testSet+`Services\updater`, "ImagePath", `C:\ProgramData\u.exe -s`).number(testSet+`Services\updater`, "Type", 0x10).number(testSet+`Services\updater`, "Start", 2).text(testSet+`Services\updater`, "ObjectName", "LocalSystem")
	k.number(testSet+`Services\hosted`, "Type", 0x20).text(testSet+`Services\hosted\Parameters`, "ServiceDll", `C:\Windows\x.dll`)
	k.set(testSet+`Services\LanmanServer\Shares`, "PACS", regMultiSZ, append(append(wide(`Path=D:\PACS`+"\x00"), wide("ShareName=PACS"+"\x00")...), 0, 0))
	k.set(testSet+`Services\bam\State\UserSettings\S-1-5-21-1-2-3-500`, `\Device\HarddiskVolume2\u.exe`, regBinary, append(binary.LittleEndian.AppendUint64(nil, 133136482690000000), make([]byte, 16)...))
	k.set(testSet+`Control\Lsa`, "Security Packages", regMultiSZ, append(wide("evilssp"+"\x00"), 0, 0)).number(testSet+`Control\Lsa`, "RunAsPPL", 1)
	k.set(testSet+`Control\Session Manager\AppCompatCache`, "AppCompatCache", regBinary, shimTen(200))
	return k
}

// shimTen is a cache of Windows 10 with n entries, long enough to be big data.
func shimTen(n int) []byte {
	b := make([]byte, 0x34)
	b[0] = 0x34
	for i := range n {
		path := wide(fmt.Sprintf(`C:\Program Files\Imaging Workstation\Plugins\viewer%03d.exe`, i) + "\x00")
		path = path[:len(path)-2]
		e := binary.LittleEndian.AppendUint16(nil, uint16(len(path)))
		e = binary.LittleEndian.AppendUint64(append(e, path...), 133136482690000000)
		e = binary.LittleEndian.AppendUint32(e, 0)
		b = append(binary.LittleEndian.AppendUint32(append(b, "10ts\x00\x00\x00\x00"...), uint32(len(e))), e...)
	}
	return b
}

func channel(rows []row, name string) (found []row) {
	for _, r := range rows {
		if r.Source.Channel == name {
			found = append(found, r)
		}
	}
	return found
}

func TestSystemHive(t *testing.T) {
	b := systemHive().encode()
	if !isHive(b, "x") {
		t.Fatal("not recognised")
	}
	got, facts := readAll(t, readRegistry, "C/Windows/System32/config/SYSTEM", b, time.Time{})
	if len(facts.Damaged) > 0 || len(facts.Notes) > 0 {
		t.Error(facts.Damaged, facts.Notes)
	}
	for i, r := range got {
		if r.Host != "lis-app1.hosp.example" || r.Number != uint64(i+1) {
			t.Fatalf("event %d: host %q, number %d", i, r.Host, r.Number)
		}
	}
	one := func(name string, i int) row {
		rows := channel(got, name)
		if i >= len(rows) {
			t.Fatalf("%s: %d events", name, len(rows))
		}
		return rows[i]
	}
	one("registry system", 0).want(t, "identity", "ComputerName=LIS-APP1", "ControlSet=ControlSet002", "TimeZone=India Standard Time", "TimeZoneBias=-330")
	one("registry interfaces", 0).want(t, "interface", "IpAddress=10.1.2.3", "Dhcp=1", "LeaseObtained=2022-11-23T01:37:49Z")
	one("registry services", 0).want(t, "service", "ServiceName=updater", `ImagePath=C:\ProgramData\u.exe -s`, "StartType=auto start", "ServiceType=user mode service", "AccountName=LocalSystem",
		`TargetObject=HKLM\System\CurrentControlSet\Services\updater\ImagePath`, "@=2022-11-23T03:37:49Z", "source=windows/registry services/")
	one("registry services", 1).want(t, "service", "ServiceName=hosted", `ServiceDll=C:\Windows\x.dll`)
	one("registry shares", 0).want(t, "share", "ShareName=PACS", `ShareLocalPath=D:\PACS`)
	one("bam", 0).want(t, "bam", `Image=\Device\HarddiskVolume2\u.exe`, "UserSid=S-1-5-21-1-2-3-500", "@=2022-11-23T03:37:49Z")
	one("registry run", 0).want(t, "packages", `TargetObject=HKLM\System\CurrentControlSet\Control\Lsa\Security Packages`, "Details=evilssp", "EventType=SetValue")
	one("registry settings", 0).want(t, "setting", `TargetObject=HKLM\System\CurrentControlSet\Control\Lsa\RunAsPPL`, "Details=DWORD (0x00000001)")
	if n := len(channel(got, "shimcache")); n != 200 {
		t.Errorf("%d entries of the cache", n)
	}
	one("shimcache", 199).want(t, "cache", `Image=C:\Program Files\Imaging Workstation\Plugins\viewer199.exe`, "Position=199", "@=2022-11-23T03:37:49Z")
}

func TestSoftwareHive(t *testing.T) {
	k := &regKey{name: "ROOT"}
	const nt = `Microsoft\Windows NT\CurrentVersion`
	k.text(nt, "ProductName", "Windows Server 2019 Standard").number(nt, "InstallDate", 1500000000)
	k.text(`Microsoft\Windows\CurrentVersion\Run`, "Agent", `C:\a.exe`).text(`WOW6432Node\Microsoft\Windows\CurrentVersion\Run`, "Agent32", `C:\b.exe`)
	k.text(nt+`\Image File Execution Options\sethc.exe`, "Debugger", "cmd.exe").text(nt+`\Winlogon`, "Shell", "explorer.exe")
	task := func(id, path string, actions []byte) {
		at := nt + `\Schedule\TaskCache\Tasks\` + id
		k.text(at, "Path", path).set(at, "Actions", regBinary, actions)
		dynamic := make([]byte, 28)
		binary.LittleEndian.PutUint64(dynamic[4:], 133136482690000000)
		k.set(at, "DynamicInfo", regBinary, dynamic)
	}
	text := func(b []byte, s string) []byte {
		w := wide(s + "\x00")
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(w)-2)), w[:len(w)-2]...)
	}
	exec := text([]byte{3, 0}, "Author")
	exec = append(text(append(exec, 0x66, 0x66), ""), nil...)
	exec = append(text(text(text(exec, `C:\u.exe`), "-q"), `C:\`), 0, 0)
	task("{1}", `\Updates\one`, exec)
	task("{2}", `\two`, exec[:len(exec)-9])
	k.set(nt+`\Schedule\TaskCache\Tree\Updates\one`, "SD", regBinary, make([]byte, 20))
	got, facts := readAll(t, readRegistry, "SOFTWARE", k.encode(), time.Time{})
	if len(facts.Damaged) != 1 || !strings.Contains(facts.Damaged[0].Why, "actions of a task") {
		t.Error(facts.Damaged)
	}
	product, run, tasks := channel(got, "registry system"), channel(got, "registry run"), channel(got, "taskcache")
	if len(product) != 1 || len(run) != 4 || len(tasks) != 2 {
		t.Fatalf("%d, %d, %d events", len(product), len(run), len(tasks))
	}
	product[0].want(t, "product", "ProductName=Windows Server 2019 Standard", "InstallDate=2017-07-14T02:40:00Z")
	run[0].want(t, "run", `TargetObject=HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Run\Agent`, `Details=C:\a.exe`)
	run[3].want(t, "run", `TargetObject=HKLM\SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Run\Agent32`)
	tasks[0].want(t, "task", `TaskName=\Updates\one`, `Command=C:\u.exe`, "Arguments=-q", `WorkingDirectory=C:\`, "Context=Author", "Hidden=", "@=2022-11-23T03:37:49Z")
	tasks[1].want(t, "task", `TaskName=\two`, "Hidden=not in the tree", `Command=C:\u.exe`)
}

func TestUserHive(t *testing.T) {
	k := &regKey{name: "ROOT"}
	run := make([]byte, 72)
	binary.LittleEndian.PutUint32(run[4:], 3)
	binary.LittleEndian.PutUint64(run[60:], 133136482690000000)
	k.set(`Software\Microsoft\Windows\CurrentVersion\Explorer\UserAssist\{CEBFF5CD}\Count`, strings.Map(rot13, `{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\mstsc.exe`), regBinary, run)
	k.text(`Software\Microsoft\Windows\CurrentVersion\Run`, "x", `C:\x.exe`)
	k.text(`Software\Microsoft\Terminal Server Client\Servers\ehosp-db1`, "UsernameHint", `HOSP\admin`)
	k.text(`Software\Microsoft\Terminal Server Client\Default`, "MRU0", "10.1.2.9")
	got, _ := readAll(t, readRegistry, "C/Users/radiology/NTUSER.DAT", k.encode(), time.Time{})
	if len(got) != 4 {
		t.Fatalf("%d events", len(got))
	}
	got[0].want(t, "run", `TargetObject=HKU\radiology\Software\Microsoft\Windows\CurrentVersion\Run\x`, "User=radiology")
	got[1].want(t, "user assist", `Image=C:\Windows\System32\mstsc.exe`, "RunCount=3", "@=2022-11-23T03:37:49Z", "User=radiology")
	got[2].want(t, "rdp", "DestinationHostname=ehosp-db1", `TargetUserName=HOSP\admin`)
	got[3].want(t, "rdp", "DestinationHostname=10.1.2.9", "@=2022-11-23T03:37:49Z")
}

// TestShimcacheLayouts: of each generation one entry.
func TestShimcacheLayouts(t *testing.T) {
	path := wide(`C:\a.exe` + "\x00")
	path = path[:len(path)-2]
	le := binary.LittleEndian
	const when = 133136482690000000
	table := func(magic uint32, head, size, length, offset, stamp int) []byte {
		b := make([]byte, head+size)
		le.PutUint32(b, magic)
		le.PutUint32(b[4:], 1)
		le.PutUint16(b[head:], uint16(length))
		le.PutUint32(b[head+offset:], uint32(head+size))
		le.PutUint64(b[head+stamp:], when)
		return append(b, path...)
	}
	xp := make([]byte, 400+552)
	le.PutUint32(xp, 0xdeadbeef)
	le.PutUint32(xp[8:], 1)
	copy(xp[400:], path)
	le.PutUint64(xp[400+528:], when)
	e := le.AppendUint16(nil, uint16(len(path)))
	e = append(append(e, path...), 0, 0, 2, 0, 0, 0, 0, 0, 0, 0)
	e = append(le.AppendUint64(e, when), 0, 0, 0, 0)
	eight := append(make([]byte, 128), "10ts\x00\x00\x00\x00"...)
	eight = append(append(le.AppendUint32(eight, uint32(len(e))), e...), make([]byte, 8)...)
	for name, b := range map[string][]byte{
		"XP": xp, "2008, 32 bits": table(0xbadc0ffe, 8, 24, len(path), 4, 8), "2008, 64 bits": table(0xbadc0ffe, 8, 32, len(path), 8, 16),
		"7, 32 bits": table(0xbadc0fee, 128, 32, len(path), 4, 8), "7, 64 bits": table(0xbadc0fee, 128, 48, len(path), 8, 16),
		"8.1": eight, "10": shimTen(1),
	} {
		n := 0
		ok := readShimcache(b, func(e shimEntry) {
			n++
			if e.path != `C:\a.exe` && name != "10" || e.modified != event.FromFileTime(when) {
				t.Errorf("%s: %+v", name, e)
			}
		})
		if !ok || n != 1 {
			t.Errorf("%s: %d entries, %v", name, n, ok)
		}
		if readShimcache(b[:len(b)-20], func(shimEntry) {}) {
			t.Errorf("%s cut short: nothing noticed", name)
		}
	}
}

// TestDamagedHive: a hive that another wrote over costs the keys that it costs, and is told.
func TestDamagedHive(t *testing.T) {
	whole := systemHive().encode()
	b := bytes.Clone(whole)
	i := bytes.Index(b, []byte("updater"))
	copy(b[i-keySize:], "xx") // a key that is none any more
	b[4]++                    // and not closed
	le := binary.LittleEndian
	le.PutUint32(b[508:], baseSum(b))
	got, facts := readAll(t, readRegistry, "SYSTEM", b, time.Time{})
	if n := len(channel(got, "registry services")); n != 1 {
		t.Errorf("%d services", n)
	}
	if len(facts.Damaged) != 1 || facts.Damaged[0].Offset != int64(i-keySize-4) || len(facts.Notes) != 1 {
		t.Error(facts.Damaged, facts.Notes)
	}
	got, facts = readAll(t, readRegistry, "SYSTEM", whole[:len(whole)/2], time.Time{})
	if len(got) != 0 || len(facts.Damaged) == 0 {
		t.Error(len(got), facts.Damaged)
	}
}

// TestHostileHive: a list that holds itself, and a key that is its own child, end.
func TestHostileHive(t *testing.T) {
	b := systemHive().encode()
	le := binary.LittleEndian
	root := le.Uint32(b[36:])
	list := le.Uint32(b[hiveBase+root+4+28:])
	copy(b[hiveBase+list+4:], "ri")
	for at := hiveBase + int(list) + 8; at < hiveBase+int(list)+16; at += 4 {
		le.PutUint32(b[at:], list)
	}
	_, facts := readAll(t, readRegistry, "SYSTEM", b, time.Time{})
	if len(facts.Damaged) == 0 {
		t.Error("a list in itself went unnoticed")
	}
	b = systemHive().encode()
	for at := hiveBase + int(list) + 8; at < hiveBase+int(list)+32; at += 8 {
		le.PutUint32(b[at:], root)
	}
	readAll(t, readRegistry, "SYSTEM", b, time.Time{})
}

// TestSharedHives holds the counts that regipy's plugins, libregf and python-registry confirm for these hives.
func TestSharedHives(t *testing.T) {
	dir := shared(t, "artifacts")
	for _, c := range []struct {
		name string
		want map[string]int
	}{
		{"NTUSER-WIN7.DAT", map[string]int{"userassist": 88, "registry run": 3, "registry settings": 1}},
		{"regf/SAM", map[string]int{"sam": 3}},
		{"winreg/Amcache.hve", map[string]int{"amcache": 1367, "amcache drivers": 311, "amcache programs": 100}},
		{"winreg/win10-Amcache.hve", map[string]int{"amcache": 30, "amcache programs": 75}},
	} {
		b := must[[]byte](t)(os.ReadFile(filepath.Join(dir, c.name)))
		got, facts := readAll(t, readRegistry, c.name, b, time.Time{})
		n := map[string]int{}
		for _, r := range got {
			n[r.Source.Channel]++
		}
		if fmt.Sprint(n) != fmt.Sprint(c.want) || len(facts.Damaged) > 0 {
			t.Errorf("%s: %v, want %v; %v", c.name, n, c.want, facts.Damaged)
		}
	}
}

// BenchmarkHive: what a hive of a few hundred services costs.
func BenchmarkHive(b *testing.B) {
	k := systemHive()
	for i := range 500 {
		k.text(fmt.Sprintf(testSet+`Services\service%03d`, i), "ImagePath", `C:\Windows\System32\svchost.exe -k netsvcs`)
	}
	hive := k.encode()
	b.SetBytes(int64(len(hive)))
	for b.Loop() {
		readAll(b, readRegistry, "SYSTEM", hive, time.Time{})
	}
}

func FuzzRegistry(f *testing.F) {
	small := systemHive()
	small.subkeys[2].subkeys[0].subkeys = small.subkeys[2].subkeys[0].subkeys[:3]
	f.Add(small.encode())
	k := &regKey{name: "ROOT"}
	f.Add(k.text(`Software\Microsoft\Windows\CurrentVersion\Run`, "x", `C:\x.exe`).encode())
	f.Add((&regKey{}).set(`SAM\Domains\Account\Users\Names\a`, "", 500, nil).set(`SAM\Domains\Account\Users\000001F4`, "F", regBinary, make([]byte, 80)).encode())
	f.Add((&regKey{}).text(`Root\InventoryApplicationFile\a`, "LowerCaseLongPath", `c:\a.exe`).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p := &pages{size: int64(len(b)), ctx: context.Background(), r: bytes.NewReader(b)}
		facts := event.Artifact{}
		if h, ok := newHive(p, newOutput(&rows{}, &facts)); ok && h.cells > h.size+8192 {
			t.Fatal("no bound")
		}
		readAll(t, readRegistry, "Users/a/NTUSER.DAT", b, time.Time{})
		readShimcache(b, func(shimEntry) {})
		readTaskActions(b)
	})
}
