package evidence

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

// locate runs a path, in which archives end with "!", through the layout of a collection.
func locate(collection, where string) spot {
	parts := strings.Split(where, "!/")
	if parts[0] == "" || parts[0] == where && isArchiveName(collection) {
		// The collection is itself the archive.
		at := newLoose(collection)
		h := at.enter(true)
		return down(h, strings.TrimPrefix(where, "!/"))
	}
	return down(newFolder(collection), where)
}

func isArchiveName(name string) bool { return trimArchive(name) != name }

func down(h *holder, where string) spot {
	first, rest, nested := strings.Cut(where, "!/")
	at := h.spot(first)
	if !nested {
		return at
	}
	name := first[strings.LastIndexByte(first, '/')+1:]
	return down(at.enter(strings.HasSuffix(name, ".zip") || strings.Contains(name, ".tar") || strings.HasSuffix(name, ".tgz")), rest)
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct{ collection, path, root, hint string }{
		// A folder of many servers, as people copy them.
		{"evidence", "EHOSP-DB1/var/log/auth.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/C/Windows/System32/winevt/Logs/Security.evtx", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/Windows/System32/winevt/Logs/Security.evtx", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/Security.evtx", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/logs/Security.evtx", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "web01/access.log", "web01", "web01"},
		{"evidence", "logs/web01/nginx/access.log", "logs/web01", "web01"},
		{"evidence", "2022-11-23/web01/tomcat9/catalina.out", "2022-11-23/web01", "web01"},
		{"evidence", "10.20.30.40/var/log/messages", "10.20.30.40", "10.20.30.40"},
		{"evidence", "10.20.30.40/messages", "10.20.30.40", "10.20.30.40"},
		{"evidence", "lis.aiims.example/etc/passwd", "lis.aiims.example", "lis.aiims.example"},
		{"evidence", "EHOSP-DB1/backup/var/log/auth.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/opt/splunk/var/log/splunk/x.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/var/lib/docker/overlay2/abc/diff/var/log/x.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "AIIMS/Block/EHOSP-DB1/C/Users/x/NTUSER.DAT", "AIIMS/Block/EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/$MFT", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "ESX-03/vmfs/volumes/ds1/x/vmware.log", "ESX-03", "ESX-03"},
		{"evidence", "ESX-03/var/run/log/auth.log", "ESX-03", "ESX-03"},
		{"evidence", "web01_logs/error.log", "web01_logs", "web01"},
		// A name that no host can have is one only where a file system stands below it.
		{"evidence", "LIS Server (old)/C/Windows/System32/config/SAM", "LIS Server (old)", "LIS Server (old)"},
		{"evidence", "LIS Server (old)/logs.zip!/etc/passwd", "LIS Server (old)", "LIS Server (old)"},
		{"evidence", "LIS Server.zip!/var/log/auth.log", "LIS Server.zip", "LIS Server"},
		{"LIS Server", "var/log/auth.log", "", "LIS Server"},
		{"LIS Server", "auth.log", "", ""},
		{"lis1", "psh_stop_event_logging_controlset_minint_key.zip!/x.json", "", "lis1"},
		{"all", "psh_stop_event_logging_controlset_minint_key.zip!/x.json", "", ""},
		{"all", "lis_app_01/access.log", "lis_app_01", "lis_app_01"},
		{"all", "notes from the ward/access.log", "", ""},
		// Names that are nobody's.
		{"evidence", "logs/auth.log", "", ""},
		{"evidence", "uploads/2022/11/x.log", "", ""},
		{"evidence", "C/Windows/System32/winevt/Logs/Security.evtx", "", ""},
		{"evidence", "var/log/auth.log", "", ""},
		{"evidence", "auth.log", "", ""},
		{"logs", "inetpub/logs/LogFiles/W3SVC1/u_ex221123.log", "", ""},
		{"2022-11-23", "windows/Security.evtx", "", ""},
		{"case", "{6AFE33A0-19BA-4FFF-892F-B700539D7D63}/x", "", ""},
		{"Desktop", "New folder (2)/auth.log", "", ""},
		// A folder of one server.
		{"EHOSP-DB1", "var/log/auth.log", "", "EHOSP-DB1"},
		{"EHOSP-DB1", "auth.log", "", "EHOSP-DB1"},
		{"EHOSP-DB1", "apache2/access.log", "", "EHOSP-DB1"},
		// Archives, one for each server or one for all.
		{"EHOSP-DB1.zip", "!/C/Windows/System32/config/SYSTEM", "", "EHOSP-DB1"},
		{"EHOSP-DB1.zip", "!/Security.evtx", "", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1.zip!/C/Windows/System32/config/SYSTEM", "EHOSP-DB1.zip", "EHOSP-DB1"},
		{"evidence", "batch/EHOSP-DB1.tar.gz!/var/log/x", "batch/EHOSP-DB1.tar.gz", "EHOSP-DB1"},
		{"evidence", "all.zip!/EHOSP-DB1.zip!/var/log/x", "all.zip!/EHOSP-DB1.zip", "EHOSP-DB1"},
		{"evidence", "all.zip!/EHOSP-DB1/var/log/x", "all.zip!/EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1.zip!/EHOSP-DB1/var/log/x", "EHOSP-DB1.zip!/EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1.zip!/myapp/x.log", "EHOSP-DB1.zip", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/logs.zip!/auth.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1/var/log/auth.log.1.gz!/auth.log.1", "EHOSP-DB1", "EHOSP-DB1"},
		{"all.zip", "!/EHOSP-DB1/auth.log", "EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "host-017.zip!/var/log/auth.log.gz!/auth.log", "host-017.zip", "host-017"},
		// KAPE.
		{"evidence", "20221123T013749_EHOSP-DB1/C/Windows/System32/winevt/Logs/Security.evtx", "20221123T013749_EHOSP-DB1", "EHOSP-DB1"},
		{"evidence", "2022-11-23T013749_KapeTriage_EHOSP-DB1.zip!/C/$MFT", "2022-11-23T013749_KapeTriage_EHOSP-DB1.zip", "EHOSP-DB1"},
		{"2022-11-23T013749_!SANS_Triage_EHOSP-DB1.zip", "!/C/Windows/x", "", "EHOSP-DB1"},
		{"kape", "EHOSP-DB1/EventLogs/20221123013749_EvtxECmd_Output.csv", "EHOSP-DB1", "EHOSP-DB1"},
		{"EHOSP-DB1", "VSS1/Windows/System32/config/SAM", "", "EHOSP-DB1"},
		{"EHOSP-DB1", "D/Users/x", "", "EHOSP-DB1"},
		// Velociraptor.
		{"Collection-EHOSP-DB1-2022-11-23T01_37_49Z.zip", "!/uploads/auto/C%3A/Windows/x", "", "EHOSP-DB1"},
		{"Collection-EHOSP-DB1-2022-11-23T01_37_49Z.zip", "!/results/Windows.EventLogs.Evtx.json", "", "EHOSP-DB1"},
		{"Collection-WIN-E5K9RC5GU23-2021-11-21T18_05_56-08_00.zip", "!/uploads/ntfs/%5C%5C.%5CC%3A/$MFT", "", "WIN-E5K9RC5GU23"},
		{"Collection-DESKTOP-2OR51GL-2021-07-16_06_56_50_-0700_PDT.zip", "!/log.json", "", "DESKTOP-2OR51GL"},
		{"Collection-srv1.hosp.example-2022-11-23T01_37_49Z.zip", "!/client_info.json", "", "srv1.hosp.example"},
		{"evidence", "Collection-EHOSP-DB1-2022-11-23T01_37_49Z/uploads/auto/C%3A/x", "Collection-EHOSP-DB1-2022-11-23T01_37_49Z", "EHOSP-DB1"},
		{"evidence", "EHOSP-DB1-C.4f5e52adf0a337a9-F.BN2HJCPOF5U7U.zip!/uploads/auto/C%3A/x", "EHOSP-DB1-C.4f5e52adf0a337a9-F.BN2HJCPOF5U7U.zip", "EHOSP-DB1"},
		{"hunt.zip", "!/EHOSP-DB1-C.4f5e52adf0a337a9/uploads/auto/C%3A/x", "EHOSP-DB1-C.4f5e52adf0a337a9", "EHOSP-DB1"},
		// UAC.
		{"uac-lis-app-1-linux-20221123013749.tar.gz", "!/[root]/var/log/auth.log", "", "lis-app-1"},
		{"uac-lis-app-1-linux-20221123013749.tar.gz", "!/live_response/process/ps.txt", "", "lis-app-1"},
		{"evidence", "uac-esx03-esxi-20221123013749.tar.gz!/bodyfile/bodyfile.txt", "uac-esx03-esxi-20221123013749.tar.gz", "esx03"},
		{"evidence", "uac-lis-linux-20221123013749/uac.log", "uac-lis-linux-20221123013749", "lis"},
		{"uac-unknown-linux-20221123013749.tar.gz", "!/[root]/var/log/auth.log", "", ""},
		// CyLR, sosreport, vm-support, supportconfig, acquire.
		{"EHOSP-DB1.zip", "!/C/Users/x/NTUSER.DAT", "", "EHOSP-DB1"},
		{"evidence", "sosreport-lis-app-1-1234567-2022-11-23-abcdefg.tar.xz!/sosreport-lis-app-1-1234567-2022-11-23-abcdefg/var/log/messages",
			"sosreport-lis-app-1-1234567-2022-11-23-abcdefg.tar.xz!/sosreport-lis-app-1-1234567-2022-11-23-abcdefg", "lis-app-1"},
		{"esx-esx03.hosp.example-2022-11-23--01.37-2101234.tgz", "!/var/run/log/auth.log", "", "esx03.hosp.example"},
		{"scc_lis1_221123_0137.txz", "!/scc_lis1_221123_0137/messages.txt", "scc_lis1_221123_0137", "lis1"},
		{"EHOSP-DB1_20221123013749.tar", "!/fs/c:/Windows/System32/config/SAM", "", "EHOSP-DB1"},
	} {
		at := locate(c.collection, c.path)
		if at.root != c.root || at.hint != c.hint {
			t.Errorf("%s: %s\n got root %q, hint %q\nwant root %q, hint %q", c.collection, c.path, at.root, at.hint, c.root, c.hint)
		}
	}
}

// A loose file names nobody, however it is called, nor does what it was compressed to.
func TestLooseFile(t *testing.T) {
	log := []byte("LOG\n")
	for name, content := range map[string][]byte{"EHOSP-DB1.log": log, "EHOSP-DB1.log.gz": makeGzip(t, log)} {
		if a := examine(t, saveFile(t, name, content), Options{}, 1).find(t, "EHOSP-DB1.log"); a.Hint != "" || a.Root != "" {
			t.Errorf("%+v", a)
		}
	}
}

func TestVelociraptorNames(t *testing.T) {
	const evtx = "uploads/auto/C%3A/Windows/System32/winevt/Logs/"
	for _, c := range []struct {
		stored string
		marked bool // client_info.json and the like stand beside
		want   string
	}{
		{evtx + "Microsoft-Windows-CAPI2%254Operational.evtx", false, "uploads/auto/C:/Windows/System32/winevt/Logs/Microsoft-Windows-CAPI2%4Operational.evtx"},
		{evtx + "Microsoft-Windows-CAPI2%254Admin.evtx", true, "uploads/auto/C:/Windows/System32/winevt/Logs/Microsoft-Windows-CAPI2%4Admin.evtx"},
		{"uploads/ntfs/%5C%5C.%5CC%3A/$Extend/$UsnJrnl%3A$J", false, `uploads/ntfs/\\.\C:/$Extend/$UsnJrnl:$J`},
		{"uploads/ntfs/%5C%5C%3F%5CGLOBALROOT%5CDevice%5CHarddiskVolumeShadowCopy1/Windows/x", false, `uploads/ntfs/\\?\GLOBALROOT\Device\HarddiskVolumeShadowCopy1/Windows/x`},
		{"uploads/file/home/x/%2Ebash_history", true, "uploads/file/home/x/.bash_history"},
		// Without proof nothing is decoded; %2E in the name of a web server's upload may be the attacker's.
		{"uploads/file/home/x/%2Ebash_history", false, "uploads/file/home/x/%2Ebash_history"},
		{"var/www/uploads/file/x%2Ephp", false, "var/www/uploads/file/x%2Ephp"},
		// Windows' own names, copied plainly.
		{"C/Windows/System32/winevt/Logs/Microsoft-Windows-CAPI2%4Operational.evtx", false, "C/Windows/System32/winevt/Logs/Microsoft-Windows-CAPI2%4Operational.evtx"},
		{"C/Windows/System32/winevt/Logs/Microsoft-Windows-AppLocker%4Admin.evtx", false, "C/Windows/System32/winevt/Logs/Microsoft-Windows-AppLocker%4Admin.evtx"},
		// What Velociraptor cannot have stored is left as it is, even inside its folder.
		{"uploads/auto/C%3A/a%4Operational", true, "uploads/auto/C:/a%4Operational"},
		{"uploads/auto/C%3A/a%zz", true, "uploads/auto/C:/a%zz"},
		{"uploads/auto/C%3A/100%", true, "uploads/auto/C:/100%"},
		// Nor does decoding make a path of a name.
		{"results/Windows.KapeFiles.Targets%2FUploads.json", true, "results/Windows.KapeFiles.Targets%2FUploads.json"},
		{"uploads/auto/C%3A/%2E%2E", true, "uploads/auto/C:/%2E%2E"},
		{"uploads/auto/C%3A/%00x", true, "uploads/auto/C:/%00x"},
		{"uploads/auto/C%3A/%FFx", true, "uploads/auto/C:/%FFx"},
	} {
		h := newLoose("x.zip").enter(true)
		if c.marked {
			h.marks = map[string]string{"": ""}
		}
		at := h.spot(c.stored)
		if at.path != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.stored, at.path, c.want)
		}
		if kept := len(at.notes) == 1 && at.notes[0] == fmt.Sprintf("stored as %q", c.stored); kept != (c.stored != c.want) {
			t.Errorf("%s: notes %q", c.stored, at.notes)
		}
	}
}

func TestClientInfo(t *testing.T) {
	files := leaves{
		{"uploads/auto/C%3A/Windows/x.log", []byte("LOG\n")},
		{"results/Generic.json", []byte("{}")},
		{"client_info.json", []byte(`{"Hostname":"EHOSP-DB1","Fqdn":"ehosp-db1.hosp.example","OS":"windows"}`)},
		{"uploads.json", []byte("{}")},
	}
	hunt := leaves{
		{"A-C.1/client_info.json", []byte(`{"client_id":"C.1","hostname":"lis1"}`)}, {"A-C.1/uploads/auto/etc/%2Ex", []byte("LOG\n")},
		{"B-C.2/client_info.json", []byte(`not json`)}, {"B-C.2/uploads/auto/etc/%2Ex", []byte("LOG\n")},
		// A web server's folder that looks alike.
		{"web1/var/www/uploads.json", nil}, {"web1/var/www/uploads/a%2Ephp", []byte("LOG\n")},
	}
	folder := map[string][]byte{}
	for _, f := range hunt {
		folder[f.name] = f.content
	}
	zipped := map[string][]byte{"one.zip": makeZip(t, files), "hunt.zip": makeZip(t, hunt)}
	for _, c := range []struct{ collection, path, root, hint string }{
		{saveFile(t, "renamed.zip", zipped["one.zip"]), "uploads/auto/C:/Windows/x.log", "", "EHOSP-DB1"},
		{save(t, zipped), "one.zip!/uploads/auto/C:/Windows/x.log", "one.zip", "EHOSP-DB1"},
		{save(t, zipped), "one.zip!/results/Generic.json", "one.zip", "EHOSP-DB1"},
		{save(t, zipped), "hunt.zip!/A-C.1/uploads/auto/etc/.x", "hunt.zip!/A-C.1", "lis1"},
		{save(t, zipped), "hunt.zip!/B-C.2/uploads/auto/etc/.x", "hunt.zip!/B-C.2", "B-C.2"},
		{save(t, zipped), "hunt.zip!/web1/var/www/uploads/a%2Ephp", "hunt.zip!/web1", "web1"},
		{save(t, folder), "A-C.1/uploads/auto/etc/.x", "A-C.1", "lis1"},
		{save(t, folder), "B-C.2/uploads/auto/etc/.x", "B-C.2", "B-C.2"},
		{save(t, folder), "web1/var/www/uploads/a%2Ephp", "web1", "web1"},
	} {
		a := examine(t, c.collection, Options{}, 1).find(t, c.path)
		if a.Root != c.root || a.Hint != c.hint {
			t.Errorf("%s: root %q, hint %q", c.path, a.Root, a.Hint)
		}
	}
}

// FuzzLayout: whatever the names, paths stay inside and roots are their beginnings.
func FuzzLayout(f *testing.F) {
	for _, s := range []string{
		"Collection-A-2022-11-23T01_37_49Z/uploads/auto/C%3A/%2E%2E/x", `..\..\x`, "/abs", "C:/x", "a/\x00b", "uac-h-linux-20221123013749/[root]/x",
		"%5C%5C.%5CC%3A/%", "a%2Fb", "\xff\xfe/x", "....//x", "2022-11-23T013749_x_y/C/Windows/z",
	} {
		f.Add("evidence", s, true)
	}
	f.Fuzz(func(t *testing.T, collection, name string, marked bool) {
		clean, _ := cleanName(name, marked)
		if !fs.ValidPath(clean) || strings.ContainsRune(clean, 0) || clean == "." {
			t.Fatalf("%q became %q", name, clean)
		}
		for _, h := range []*holder{newFolder(collection), newLoose(collection).enter(true), newFolder(collection).spot("x.zip").enter(true)} {
			if marked {
				h.marks = map[string]string{"": "", parent(clean): "h"}
			}
			at := h.spot(clean)
			inside := strings.TrimPrefix(at.path, h.prefix)
			if !fs.ValidPath(inside) || strings.Count(inside, "/") != strings.Count(clean, "/") || strings.ContainsRune(inside, 0) {
				t.Fatalf("%q stands at %q", clean, at.path)
			}
			if !strings.HasPrefix(at.path, at.root) {
				t.Fatalf("root %q of %q", at.root, at.path)
			}
			if at.hint != "" && !marked && (generic(at.hint) || len(at.hint) > 253) {
				t.Fatalf("hint %q", at.hint)
			}
		}
	})
}

func BenchmarkLayout(b *testing.B) {
	h := newFolder("evidence")
	for b.Loop() {
		h.spot("EHOSP-DB1/C/Users/Administrator/AppData/Local/Microsoft/Windows/Explorer/thumbcache_32.db")
	}
}
