package evidence

import (
	"archive/tar"
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
)

// randomBytes look like what a good cipher gives.
func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	rng.Read(b)
	return b
}

const sampleNote = `??? What happened ???
!!! Your files are encrypted !!!

All your files are protected by strong encryption with RSA-2048. There is no public decryption software.
What is the price? It depends on how fast you write to us: 50 Bitcoin on the first day.
Our contacts: help-one@mail.example or HELP-TWO@mail.example
`

func TestMarks(t *testing.T) {
	prose := bytes.Repeat([]byte("The patient was seen in the ward at 06:30 and again at noon.\n"), 3000)
	pdf := append([]byte("%PDF-1.7\n"), prose...)
	random := randomBytes(1, 300_000)
	docx := append([]byte("PK\x03\x04"+strings.Repeat("\x00", 22)+"\x13\x00\x00\x00[Content_Types].xml"), random...)
	for _, c := range []struct {
		name    string
		content []byte
		want    string // mark, part, type, extension added
	}{
		{"HOW TO RESTORE FILES.txt", []byte(sampleNote), "note||text|"},
		{"note.html", []byte("<html><b>Your network has been penetrated, files ENCRYPTED and <i>stolen</i>.</b><br>To decrypt: pay in Bitcoin, write to a@b.example</html>"), "note||text|"},
		{"readme.txt", wide("\ufeff" + sampleNote), "note||text|"},
		// Phobos and others name no price.
		{"info.txt", []byte("All of your files are encrypted! To decrypt them send e-mail to this address: a@b.example. If we don't answer in 24h. write to c@d.example"), "note||text|"},
		{"letter.txt", []byte("All of your files are encrypted! To decrypt them send e-mail to this address: a@b.example. If we don't answer in 24h. write to c@d.example"), ""},
		{"how_to_decrypt.txt", []byte("All of your files are encrypted! To decrypt them send e-mail to this address: a@b.example. If we don't answer in 24h. write to c@d.example"), "note||text|"},
		{"patients.mdf", append([]byte(sampleNote), random...), "note in head|||"},
		{"patients.mdf.bak9", append([]byte(sampleNote), random...), "note in head|||.bak9"},
		// It promises nothing, but what follows is random; before what is not, it is a letter.
		{"index.cfs.bak9", append([]byte("Your files are encrypted. Write to a@b.example or c@d.example and keep this file.\n\x00\x01"), random...), "note in head|||"},
		{"index.cfs", append([]byte("Your files are encrypted. Write to a@b.example or c@d.example and keep this file.\n\x00\x01"), make([]byte, 9000)...), ""},
		{"report.docx", random, "encrypted|whole||"},
		{"report.docx.bak9", random, "encrypted|whole||.bak9"},
		{"x.pdf.id[1a2b-3000].[a@b.example].phobos", random, "encrypted|whole||.id[1a2b-3000].[a@b.example].phobos"},
		{"Security.evtx", append(randomBytes(2, 128<<10), make([]byte, 4<<20)...), "encrypted|head||"},
		{"small.csv", randomBytes(3, 2000), "encrypted|whole||"},
		{"scan.dcm", make([]byte, 9000), "zeroed|||"},
		{"report.docx.lockbit", docx, "renamed||ooxml|.lockbit"},
		// Nothing is wrong with these.
		{"report.docx", docx, ""},
		{"report.pdf", pdf, ""},
		{"report.pdf.old", pdf, ""},
		{"report.pdf.2022-11-22", pdf, ""},
		{"notes.txt", prose, ""},
		{"a.zip.gpg", random, ""},
		{"db.sql.enc", random, ""},
		{"db.sql", append([]byte("Salted__"), random...), ""},
		{"keys.csv", append([]byte("age-encryption.org/v1\n-> X25519 x\n--- y\n"), random...), ""},
		{"film.mp4", append([]byte("\x00\x00\x00\x18ftypmp42"), random...), ""},
		{"container.bin", random, ""},
		{"noextension", random, ""},
		{"tiny.txt", randomBytes(4, 500), ""},
		{"advice.txt", []byte("If your files are encrypted by ransomware, do not pay. Visit nomoreransom.org to look for a decryption tool."), ""},
		{"rule.yar", []byte(sampleNote), ""},
		{"mail.txt", []byte("Your invoice is attached. The price is 40 USD; payment to the account below. Questions: billing@shop.example"), ""},
	} {
		rows, _ := readAll(t, readMarks, "host/C/Data/"+c.name, c.content, time.Time{})
		got := ""
		if len(rows) > 0 {
			f := rows[0].Fields
			got = strings.Join([]string{f["Mark"], f["Part"], f["Type"], f["AddedExtension"]}, "|")
			rows[0].want(t, c.name, `TargetFilename=C:\Data\`+c.name, "source=windows/file marks/", "@=")
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	rows, _ := readAll(t, readMarks, "u/var/lib/x.txt", []byte(sampleNote), time.Time{})
	rows[0].want(t, "addresses", "Contact=help-one@mail.example,help-two@mail.example", "TargetFilename=/var/lib/x.txt", "source=linux/file marks/")
	rows, _ = readAll(t, readMarks, "a.pdf", random, time.Time{})
	rows[0].want(t, "figures", "Entropy=7.997", "EntropyOfSamples=7.959", "Size=300000", "Extension=.pdf")
}

// TestMarksOfAnArchive: the time of a file's mark is that of its last change where an archive holds it, and none where it
// is the file system's that the evidence was copied to.
func TestMarksOfAnArchive(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	changed := time.Date(2022, 11, 23, 1, 37, 49, 0, time.UTC)
	for name, content := range map[string][]byte{"C/Data/x.pdf": randomBytes(1, 70_000), "C/Data/sound.txt": []byte("nothing here\n")} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o600, ModTime: changed}); err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	w.Close()
	see := func(path string) (times []event.Time, n *notebook) {
		n = &notebook{onTake: func(r *event.Record) { times = append(times, r.Time) }}
		examineInto(t, n, path, Options{}, 1)
		return times, n
	}
	times, n := see(saveFile(t, "host.tar", b.Bytes()))
	a := n.find(t, "C/Data/x.pdf")
	if len(times) != 1 || times[0] != event.At(changed) || a.Records != 1 || a.Kind != kindUnknown || a.SHA256 != sum(randomBytes(1, 70_000)) {
		t.Errorf("in an archive: %v, %+v", times, a)
	}
	if a := n.find(t, "C/Data/sound.txt"); a.Records != 0 || len(a.Notes) != 0 {
		t.Errorf("a sound file: %+v", a)
	}
	if times, n := see(save(t, map[string][]byte{"x.pdf": randomBytes(1, 70_000)})); len(times) != 1 || times[0] != event.NoTime || len(n.ended[0].Notes) != 1 {
		t.Errorf("on a disk: %v\n%s", times, n)
	}
}

// TestSharedFilesHaveNoMarks: nothing in the data that nobody here made was encrypted by an attacker.
func TestSharedFilesHaveNoMarks(t *testing.T) {
	c := &Collection{readers: readers}
	files, marks := 0, 0
	eachShared(t, headBytes, func(path string, head []byte) {
		files++
		kind, rd := c.kindOf(head, path)
		if rd != nil {
			return
		}
		if f := judgeFile(head, path[strings.LastIndexByte(path, '/')+1:], kind, &measure{size: int64(len(head)), zero: isZero(head)}); f.mark != "" {
			marks++
			t.Errorf("%s: %s", path, f.mark)
		}
	})
	t.Log(files, marks)
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte(sampleNote), "a.txt")
	f.Add(append([]byte(sampleNote), 0, 1, 2, 3), "a.mdf.bak9")
	f.Add(randomBytes(1, 2000), "x.pdf.id[1].[a@b.c].x")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		rows, facts := readAll(t, readMarks, name, b, time.Time{})
		if len(rows) > 1 || uint64(len(rows)) != facts.Records {
			t.Error(len(rows))
		}
	})
}

func BenchmarkMarks(b *testing.B) {
	random := randomBytes(1, 8<<20)
	b.SetBytes(int64(len(random)))
	for b.Loop() {
		in := &input{Path: "C/x.pdf", Options: &Options{}, Stream: bytes.NewReader(random)}
		if err := readMarks(b.Context(), in, newOutput(&rows{}, &event.Artifact{Kind: kindUnknown})); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOnItsSystem(t *testing.T) {
	for _, c := range []struct{ path, volume, name, product string }{
		{"host/C/$MFT", "C:", `C:\$MFT`, "windows"},
		{`host.zip!/uploads/ntfs/\\.\D:/Data/x.pdf`, "", `D:\Data\x.pdf`, "windows"},
		{`uploads/ntfs/\\.\D:/$MFT`, "D:", `D:\$MFT`, "windows"},
		{"E/$Extend/$J", "E:", `E:\$Extend\$J`, "windows"},
		{"uac-x/[root]/srv/lis/x.pdf", "", "/srv/lis/x.pdf", "linux"},
		{"web01/var/www/x.pdf", "", "/var/www/x.pdf", "linux"},
		{"x.pdf", "", "x.pdf", "windows"},
	} {
		name, product := onItsSystem(c.path)
		if v := volumeOf(c.path); v != c.volume || name != c.name || product != c.product {
			t.Errorf("%s: volume %q, %q of %s", c.path, v, name, product)
		}
	}
}
