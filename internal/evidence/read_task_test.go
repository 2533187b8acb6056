package evidence

import (
	"encoding/binary"
	"os"
	"strings"
	"testing"
	"time"
)

const taskXML = `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Date>2022-11-23T09:07:49.5</Date><Author>HOSP\admin</Author><URI>\Updates\one</URI></RegistrationInfo>
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger><TimeTrigger><StartBoundary>2022-11-23T02:00:00</StartBoundary></TimeTrigger></Triggers>
  <Principals><Principal id="Author"><UserId>S-1-5-18</UserId><RunLevel>HighestAvailable</RunLevel></Principal></Principals>
  <Settings><Hidden>true</Hidden></Settings>
  <Actions Context="Author"><Exec><Command>C:\u.exe</Command><Arguments>-q &amp; x</Arguments></Exec><ComHandler><ClassId>{1}</ClassId><Data>y</Data></ComHandler></Actions>
</Task>`

func TestTask(t *testing.T) {
	utf16LE := append([]byte("\xff\xfe"), wide(taskXML)...)
	for form, b := range map[string][]byte{"UTF-16": utf16LE, "UTF-16 without a mark": utf16LE[2:], "UTF-8": []byte(taskXML), "UTF-8 with a mark": []byte("\xef\xbb\xbf" + taskXML)} {
		if !isTask(b, "") {
			t.Fatalf("%s: not recognised", form)
		}
		got, facts := readAll(t, readTask, "C/Windows/System32/Tasks/Updates/one", b, time.Time{})
		if len(got) != 2 || len(facts.Damaged) > 0 {
			t.Fatalf("%s: %d events, %v", form, len(got), facts.Damaged)
		}
		got[0].want(t, form, `TaskName=\Updates\one`, `Author=HOSP\admin`, `Command=C:\u.exe`, "Arguments=-q & x", "UserId=S-1-5-18", "RunLevel=HighestAvailable", "Hidden=true",
			"Triggers=LogonTrigger Enabled=true; TimeTrigger StartBoundary=2022-11-23T02:00:00", "@=2022-11-23T09:07:49.5Z", "source=windows/task files/")
		got[1].want(t, form, "ComHandler={1}", "Arguments=y", "Command=")
	}
	// What the file holds before it breaks off is told, and so is that it does.
	got, facts := readAll(t, readTask, "C/Windows/System32/Tasks/x", []byte(taskXML[:strings.Index(taskXML, "<ComHandler")]), time.Time{})
	if len(got) != 1 || len(facts.Damaged) != 1 {
		t.Fatal(len(got), facts.Damaged)
	}
	got[0].want(t, "cut short", `Command=C:\u.exe`)
	for _, other := range []string{`<Event><Data>` + taskXML + `</Data></Event>`, `<Task>`, `<?xml version="1.0"`} {
		if isTask([]byte(other), "") {
			t.Errorf("%.30q is taken for a task", other)
		}
	}
	if _, facts = readAll(t, readTask, "x", []byte(strings.Repeat("<a>", 10000)), time.Time{}); len(facts.Damaged) == 0 {
		t.Error("depth without end went unnoticed")
	}
}

// encodeJob writes a job with one trigger.
func encodeJob() []byte {
	le := binary.LittleEndian
	b := make([]byte, 70)
	le.PutUint16(b, 0x0501)
	le.PutUint16(b[2:], 1)
	le.PutUint16(b[20:], 70)
	for i, n := range []uint16{2022, 11, 3, 23, 7, 7, 49, 0} {
		le.PutUint16(b[52+2*i:], n)
	}
	for _, s := range []string{`C:\u.exe`, "-q", `C:\`, "admin", ""} {
		w := wide(s + "\x00")
		b = append(le.AppendUint16(b, uint16(len(w)/2)), w...)
	}
	b = append(b, 0, 0, 0, 0)
	le.PutUint16(b[22:], uint16(len(b)))
	trigger := make([]byte, 48)
	for i, n := range []uint16{48, 0, 2022, 11, 23, 0, 0, 0, 2, 30} {
		le.PutUint16(trigger[2*i:], n)
	}
	trigger[32] = 1
	return append(append(b, 1, 0), trigger...)
}

func TestJob(t *testing.T) {
	b := encodeJob()
	if !isJob(b, "") {
		t.Fatal("not recognised")
	}
	got, facts := readAll(t, readJob, "C/Windows/Tasks/At1.job", b, time.Time{})
	if len(got) != 1 || len(facts.Damaged) > 0 {
		t.Fatal(len(got), facts.Damaged)
	}
	got[0].want(t, "job", `TaskName=\At1`, `Command=C:\u.exe`, "Arguments=-q", "Author=admin", "Triggers=daily from 2022-11-23 02:30", "@=2022-11-23T07:07:49Z")
	if _, facts = readAll(t, readJob, "x.job", b[:len(b)-30], time.Time{}); len(facts.Damaged) != 1 {
		t.Error(facts.Damaged)
	}
}

func TestSharedJob(t *testing.T) {
	b := must[[]byte](t)(os.ReadFile(shared(t, "artifacts/wintask.job")))
	if !isJob(b, "") || isTask(b, "") {
		t.Fatal("not recognised")
	}
	got, facts := readAll(t, readJob, "wintask.job", b, time.Time{})
	if len(got) != 1 || len(facts.Damaged) > 0 {
		t.Fatal(len(got), facts.Damaged)
	}
	got[0].want(t, "job", `Command=C:\Program Files (x86)\Google\Update\GoogleUpdate.exe`, "Arguments=/ua /installsource scheduler", "Author=Brian", "@=2013-08-24T12:42:00.112Z",
		"Triggers=daily from 2013-07-12 15:42")
}

// TestTraceClaims: nothing of the shared data but the job is taken for a task, and each hive and prefetch file is.
func TestTraceClaims(t *testing.T) {
	eachShared(t, headBytes, func(name string, head []byte) {
		want := ""
		switch {
		case strings.Contains(name, "winprefetch/"):
			want = "prefetch"
		case strings.HasSuffix(name, "wintask.job"):
			want = "scheduled-job"
		case strings.HasSuffix(name, ".hve"), strings.HasSuffix(name, "regf/SAM"), strings.HasSuffix(name, "NTUSER-WIN7.DAT"):
			want = "registry-hive"
		}
		got := ""
		for _, r := range []reader{registryReader, prefetchReader, taskReader, jobReader} {
			if r.is(head, name) {
				got += r.kind
			}
		}
		if got != want {
			t.Errorf("%s: claimed by %q, want %q", name, got, want)
		}
	})
}

func FuzzTask(f *testing.F) {
	f.Add([]byte(taskXML))
	f.Add(append([]byte("\xff\xfe"), wide(taskXML+"\x00")...))
	f.Add(encodeJob())
	f.Fuzz(func(t *testing.T, b []byte) {
		isTask(b, "")
		isJob(b, "")
		readAll(t, readTask, "Windows/System32/Tasks/x", b, time.Time{})
		readAll(t, readJob, "x.job", b, time.Time{})
	})
}
