package evidence

import (
	"testing"
	"time"
)

const sampleBodyfile = `# bodyfile
0|/etc/passwd|1311|-rw-r--r--|0|0|2310|1669167469|1600000000|1600000001|0
0|/var/tmp/a|b.sh|77|-rwxr-xr-x|1000|1000|14|1669167469.5|1669167469|1669167470.25|1669167469
d41d8cd98f00b204e9800998ecf8427e|/srv/lis/report.pdf.bak9 (deleted)|12-128-1|r/rrwxrwxrwx|0|0|9|0|0|0|0
0|/bin -> usr/bin|14|lrwxrwxrwx|0|0|7|1669167469|1600000000|1600000000|
not a row
0|/home|15|drwxr-xr-x|0|0|4096|1669167469|1600000000|1600000000|1600000000
`

func TestListing(t *testing.T) {
	rows, facts := readAll(t, readListing, "bodyfile/bodyfile.txt", []byte(sampleBodyfile), time.Time{})
	if len(rows) != 5 || len(facts.Damaged) != 1 || facts.Damaged[0].Why != "no row of a bodyfile" || facts.Damaged[0].Bytes != 10 {
		t.Fatalf("%d rows, damage %+v", len(rows), facts.Damaged)
	}
	rows[0].want(t, "no creation", "@=2020-09-13T12:26:41Z", "source=linux/file listing/changed", "Action=file changed", "TargetFilename=/etc/passwd", "ModifiedUtcTime=2020-09-13T12:26:40Z", "Size=2310", "Mode=-rw-r--r--")
	rows[1].want(t, "bar in the name", "@=2022-11-23T01:37:49Z", "source=linux/file listing/created", "TargetFilename=/var/tmp/a|b.sh", "uid=1000", "AccessedUtcTime=2022-11-23T01:37:49.5Z", "ChangedUtcTime=2022-11-23T01:37:50.25Z")
	rows[2].want(t, "deleted", "@=", "Deleted=true", "TargetFilename=/srv/lis/report.pdf.bak9", "Hashes=MD5=d41d8cd98f00b204e9800998ecf8427e", "Inode=12-128-1")
	rows[3].want(t, "link", "TargetFilename=/bin", "LinkTarget=usr/bin")
	rows[4].want(t, "folder", "IsDirectory=true", "Action=file created")
}

func TestWindowsListing(t *testing.T) {
	body := "0|/$MFT ($FILE_NAME)|0-48-3|r/rr-xr-xr-x|0|0|74|1|1|1|1669167469\n0|/Windows/System32/oci.dll|44-128-1|r/rrwxrwxrwx|0|0|9|1669167469|1669167469|1669167469|1669167469\n"
	rows, _ := readAll(t, readListing, "fls.txt", []byte(body), time.Time{})
	if !isListing([]byte(body), "fls.txt") || len(rows) != 3 {
		t.Fatalf("%d rows", len(rows))
	}
	rows[0].want(t, "name", "Attribute=$FILE_NAME", `TargetFilename=\$MFT`)
	rows[2].want(t, "file", `TargetFilename=\Windows\System32\oci.dll`, "source=windows/file listing/created")
}

func TestListingIsToldFromOtherTables(t *testing.T) {
	for text, want := range map[string]bool{
		sampleBodyfile:                                              true,
		"0|/a|1|-rw-r--r--|0|0|1|1|1|1|1\n":                         true,
		"name|a|b|c|d|e|f|g|h|i|j\n":                                false,
		"MSH|^~\\&|LIS|AIIMS|EHR|AIIMS|20221123||ORU^R01|1|P|2.5\n": false,
		"2022-11-23|a|b|c|1|2|3|4|5|6|7\n":                          false,
		"":                                                          false,
	} {
		if got := isListing([]byte(text), "x"); got != want {
			t.Errorf("%.40q: %t", text, got)
		}
	}
}

func FuzzListing(f *testing.F) {
	f.Add([]byte(sampleBodyfile))
	f.Add([]byte("|||||||||||\n0||||||0||||"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, facts := readAll(t, readListing, "bodyfile.txt", b, time.Time{})
		if uint64(len(rows)) != facts.Records {
			t.Error(len(rows), facts.Records)
		}
		_ = isListing(b, "")
	})
}
