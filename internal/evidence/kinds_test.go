package evidence

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	pad := strings.Repeat("\x00", 600)
	at := func(offset int, magic string) string { return strings.Repeat("\x01", offset) + magic + pad }
	c := &Collection{readers: testReaders}
	for _, k := range []struct{ name, head, want string }{
		{"x.log", "", "empty"},
		{"x.log", "plain words\n", "unknown"},
		{"x", "LOG\n", "test-log"},
		{"x.zip", "LOG\n", "test-log"},
		{"x.zip", "\xa1\xb2\xff", "zip"}, // its head may be damaged; see recoverZip
		{"x", "ElfFile\x00" + pad, "evtx"},
		{"x", at(4, "LfLe"), "evt"},
		{"SYSTEM", "regf" + pad, "registry-hive"},
		{"CMD.EXE-087B4001.pf", "MAM\x04" + pad, "prefetch"},
		{"CMD.EXE-087B4001.pf", at(4, "SCCA"), "prefetch"},
		{"Windows.edb", at(4, "\xef\xcd\xab\x89"), "ese"},
		{"$MFT", "FILE0\x00" + pad, "ntfs-mft"},
		{"a.exe", "MZ" + strings.Repeat("\x00", 0x3a) + "\x80\x00\x00\x00" + strings.Repeat("\x00", 0x40) + "PE\x00\x00" + pad, "pe"},
		{"a.txt", "MZ is not enough" + pad, "unknown"},
		{"a", "\x7fELF" + pad, "elf"},
		{"a.journal", "LPKSHHRH" + pad, "journal"},
		{"a.pcap", "\xd4\xc3\xb2\xa1" + pad, "pcap"},
		{"a.dcm", strings.Repeat("\x00", 128) + "DICM" + pad, "dicom"},
		{"a.E01", "EVF\x09\x0d\x0a\xff\x00" + pad, "disk-image-e01"},
		{"a.pdf", "%PDF-1.7" + pad, "pdf"},
		{"a.docx", "PK\x03\x04" + strings.Repeat("\x00", 22) + "\x13\x00\x00\x00[Content_Types].xml" + pad, "ooxml"},
		{"a.jar", "PK\x03\x04" + strings.Repeat("\x00", 22) + "\x09\x00\x00\x00META-INF/" + pad, "jar"},
		{"a", "PK\x03\x04" + strings.Repeat("\x00", 22) + "\x05\x00\x00\x00a.log" + pad, "zip"},
		{"a.gz", "\x1f\x8b\x08" + pad, "gzip"},
		{"a", "BZh91AY&SY" + pad, "bzip2"},
		{"a", "BZh9 is a word", "unknown"},
		{"a", "\x28\xb5\x2f\xfd" + pad, "zstd"},
		{"a", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd\x28\xb5\x2f\xfd" + pad, "zstd"},
		{"a", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd" + pad, "unknown"},
		{"a.rar", "Rar!\x1a\x07\x01\x00" + pad, "rar"},
		{"._a", "\x00\x05\x16\x07" + pad, "appledouble"},
		{"zeros", pad, "unknown"},
	} {
		if got, _ := c.kindOf([]byte(k.head), k.name); got != k.want {
			t.Errorf("%s %.12q: got %s, want %s", k.name, k.head, got, k.want)
		}
	}
}

// TestNoFormatHidesAnother: formats whose signature begins another's must stand in front of it.
func TestNoFormatHidesAnother(t *testing.T) {
	for i, f := range formats {
		for _, before := range formats[:i] {
			if before.and == nil && before.offset == f.offset && before.kind != f.kind && strings.HasPrefix(f.magic, before.magic) {
				t.Errorf("%s is never reached for %s", f.kind, before.kind)
			}
		}
		if f.magic == "" && f.and == nil {
			t.Errorf("%s matches everything", f.kind)
		}
	}
}

func TestSharedKinds(t *testing.T) {
	dir := shared(t, "artifacts")
	c := &Collection{}
	for name, want := range map[string]string{
		"NTUSER-WIN7.DAT": "registry-hive", "regf/SAM": "registry-hive", "winreg/Amcache.hve": "registry-hive", "SysEvent.Evt": "evt",
		"UsnJrnl.raw": "ntfs-usn", "image.E01": "disk-image-e01", "image-split.E02": "disk-image-e01", "image.qcow2": "disk-image-qcow2",
		"image.vhd": "disk-image-vhd", "image.vmdk": "disk-image-vmdk", "syslog_image.dd": "disk-image-raw", "tsk_volume_system.raw": "disk-image-raw",
		"winprefetch/CMD.EXE-087B4001.pf": "prefetch", "winprefetch/PING.EXE-B29F6629.pf": "prefetch", "winprefetch/TASKHOST.EXE-3AE259FC.pf": "prefetch",
		"evtx/System.evtx": "evtx", "syslog/syslog": "unknown", "apache_access.log": "unknown", "wintask.job": "unknown", "utmp/utmp": "unknown",
		"recycler/$II3DF3L.zip": "zip", "syslog.zip": "zip",
	} {
		b := must[[]byte](t)(os.ReadFile(filepath.Join(dir, name)))
		if got, _ := c.kindOf(b[:min(len(b), headBytes)], name); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	// A file of the recycle bin that bears an archive's name is none, and says so.
	n := examine(t, filepath.Join(dir, "recycler/$II3DF3L.zip"), Options{}, 1)
	if len(n.ended) != 1 || n.ended[0].Kind != kindUnknown || n.ended[0].Error != nil || n.ended[0].Path == "" {
		t.Errorf("got\n%s", n)
	}
}

// TestKindsOfUTF16: Windows writes many of its text logs in UTF-16, with a mark or without.
func TestKindsOfUTF16(t *testing.T) {
	const line = "2022-11-23T01:37:49+00:00 gw1 sshd[2100]: Accepted password for root from 198.18.0.7 port 51234 ssh2\r\n"
	little, big := "", ""
	for _, c := range line {
		little += string([]byte{byte(c), 0})
		big += string([]byte{0, byte(c)})
	}
	for name, head := range map[string]string{"little-endian": "\xff\xfe" + little, "big-endian": "\xfe\xff" + big, "no mark": little} {
		c := &Collection{readers: readers}
		if got, _ := c.kindOf([]byte(head), "x.log"); got != "syslog" {
			t.Errorf("%s: got %s", name, got)
		}
		got, facts := readAll(t, readSyslog, "x.log", []byte(head), mustTime("2022-12-01T00:00:00Z"))
		if len(got) != 1 || len(facts.Damaged) != 0 {
			t.Fatalf("%s: %d records, damage %v", name, len(got), facts.Damaged)
		}
		got[0].want(t, name, "user=root", "src_ip=198.18.0.7", "#=gw1")
	}
}
