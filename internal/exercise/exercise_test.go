package exercise

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"wardround/internal/event"
	"wardround/internal/evtx"
	"wardround/internal/outside"
)

// write makes an exercise of ten days in a folder of the test's.
func write(t *testing.T, o Options) string {
	t.Helper()
	o.Dir = filepath.Join(t.TempDir(), "estate")
	if o.Scenario == "" {
		o.Scenario, o.Noise = "small", "small"
	}
	if o.Days == 0 {
		o.Days = 10
	}
	if _, err := Write(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return o.Dir
}

// estate6 is the exercise of seed 6, which several tests read.
var estate6 = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "exercise")
	if err == nil {
		_, err = Write(context.Background(), Options{Dir: dir, Seed: 6, Days: 10, Scenario: "small", Noise: "small", Workers: 1})
	}
	return dir, err
})

func written(t *testing.T) string {
	t.Helper()
	dir, err := estate6()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestMain(m *testing.M) {
	m.Run()
	if dir, err := estate6(); err == nil {
		os.RemoveAll(dir)
	}
}

// digests are the hash and the time of change of every file.
func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(dir, name)
		out[rel] = fmt.Sprintf("%x %s", sha256.Sum256(data), info.ModTime().UTC())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestBenchWritesTheSame compares a bench, on which removals are tried, with the exercise of the same seed.
func TestBenchWritesTheSame(t *testing.T) {
	b := NewBench(t, Options{Seed: 6, Days: 10, Scenario: "small", Noise: "small"})
	got := map[string]string{}
	for _, server := range append(slices.Clone(b.Servers), "syslog-hub") {
		for name, d := range digests(t, b.Collection(server)) {
			if server == "syslog-hub" {
				name = server + "/" + name
			}
			got["collections/"+name] = d
		}
	}
	for name, want := range digests(t, written(t)) {
		if strings.HasPrefix(name, "collections/") && got[name] != want {
			t.Errorf("%s is not what the exercise writes", name)
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	one, same, other := digests(t, written(t)), digests(t, write(t, Options{Seed: 6})), digests(t, write(t, Options{Seed: 4}))
	if !reflect.DeepEqual(one, same) {
		for name := range one {
			if one[name] != same[name] {
				t.Errorf("%s differs between two exercises of one seed", name)
			}
		}
	}
	for name, d := range one {
		if d == other[name] && strings.HasPrefix(name, "collections") && !strings.HasSuffix(name, "oci.dll") && !strings.Contains(name, "/etc/") {
			t.Errorf("%s is the same for two seeds", name)
		}
	}
}

// TestEachServerAlone plays every act once for all servers, and once for each server: the traces must be the same, or
// servers would tell different stories of one act.
func TestEachServerAlone(t *testing.T) {
	for _, o := range []Options{{Seed: 5, Days: 10, Servers: 24, Scenario: "small", Noise: "small"}, {Seed: 3, Days: 10, Servers: 40, Noise: "small"}} {
		t.Run(o.Scenario, func(t *testing.T) { eachAlone(t, o) })
	}
}

func eachAlone(t *testing.T, o Options) {
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tableOf(); err != nil {
		t.Fatal(err)
	}
	all := newEstate(o, sc)
	for _, s := range all.servers {
		s.logs, s.texts, s.open = map[string]*winLog{}, map[string]*textLog{}, true
	}
	for _, a := range all.acts {
		a.leave(all.dice("act", a.name))
	}
	alone := newEstate(o, sc)
	for i, s := range alone.servers {
		s.logs, s.texts = map[string]*winLog{}, map[string]*textLog{}
		alone.play(s)
		together := all.servers[i]
		if len(s.logs) != len(together.logs) || len(s.texts) != len(together.texts) {
			t.Errorf("%s: %d and %d logs alone, %d and %d together", s.name, len(s.logs), len(s.texts), len(together.logs), len(together.texts))
		}
		for channel := range s.logs {
			one, both := rows(s.logs[channel]), rows(together.logs[channel])
			if slices.Equal(one, both) {
				continue
			}
			t.Errorf("%s: %s differs when other servers are written at once: %d and %d events", s.name, channel, len(one), len(both))
			for i := range min(len(one), len(both)) {
				if one[i] != both[i] {
					t.Fatalf("alone %s\ntogether %s", one[i], both[i])
				}
			}
		}
		for name, l := range s.texts {
			if !slices.Equal(l.entries, together.texts[name].entries) {
				t.Errorf("%s: %s differs when other servers are written at once", s.name, name)
			}
		}
	}
}

func rows(l *winLog) []string {
	var scratch winValues
	out := make([]string, len(l.entries))
	for i := range l.entries {
		x := &l.entries[i]
		w := x.make(&scratch)
		b := fmt.Appendf(nil, "%d %d %d %d %x %x", x.at, x.kind.manifest.ID, w.pid, w.tid, w.binary, w.user)
		for _, v := range w.List {
			b = append(append(b, byte(v.Type)), v.Raw...)
		}
		out[i] = string(b)
	}
	return out
}

// eventLog is an event log of an exercise: where it stands, and its bytes.
type eventLog struct {
	name string
	data []byte
}

// eventLogs are those of all collections, out of folders and zip archives.
func eventLogs(t *testing.T, dir string) (out []eventLog) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "collections"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(name, ".evtx"):
			out = append(out, eventLog{name, data})
		case strings.HasSuffix(name, ".zip"):
			z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				return err
			}
			for _, f := range z.File {
				if strings.HasSuffix(f.Name, ".evtx") {
					r, err := f.Open()
					if err != nil {
						return err
					}
					content, err := io.ReadAll(r)
					if err != nil {
						return err
					}
					out = append(out, eventLog{filepath.Base(name) + "!/" + f.Name, content})
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("%d event logs; want at least 50", len(out))
	}
	return out
}

// reading checks what a log holds as it is decoded.
type reading struct {
	t       *testing.T
	name    string
	records int
	before  event.Time
	number  uint64
}

func (r *reading) Want(*event.Schema) bool { return true }

func (r *reading) Take(rec *event.Record) {
	switch {
	case rec.Time < r.before:
		r.t.Errorf("%s: record %d is earlier than the one before", r.name, rec.Number)
	case r.number != 0 && rec.Number != r.number+1:
		r.t.Errorf("%s: record %d follows %d", r.name, rec.Number, r.number)
	case !strings.HasPrefix(rec.Host, "EX-"):
		r.t.Errorf("%s: record %d is of %q", r.name, rec.Number, rec.Host)
	case rec.Schema.Source.EventID == 0 || rec.Schema.Source.Channel == "":
		r.t.Errorf("%s: record %d has no event id or channel", r.name, rec.Number)
	}
	r.before, r.number = rec.Time, rec.Number
	r.records++
}

func (r *reading) Damage(offset, bytes int64, why string) {
	r.t.Errorf("%s: damage of %d bytes at %d: %s", r.name, bytes, offset, why)
}

func TestEventLogs(t *testing.T) {
	d := evtx.NewDecoder()
	total := 0
	for _, l := range eventLogs(t, written(t)) {
		r := &reading{t: t, name: l.name}
		report, err := d.Read(context.Background(), bytes.NewReader(l.data), r)
		if err != nil || report.BadSums > 0 || report.Exported {
			t.Errorf("%s: %v, %+v", l.name, err, report)
		}
		if !bytes.Contains(l.data[:4096], []byte(event.ExerciseMark)) {
			t.Errorf("%s: no mark in the header", l.name)
		}
		total += r.records
	}
	if total < 40_000 {
		t.Errorf("%d events in ten days; want at least 40,000", total)
	}
}

// shapes counts records by number of the event and names of its fields.
type shapes map[string]int

func (s shapes) Want(*event.Schema) bool     { return true }
func (s shapes) Damage(int64, int64, string) {}
func (s shapes) Take(r *event.Record) {
	var names []string
	for i, f := range r.Schema.Fields {
		if !slices.Contains(systemFields, f.Name) && f.Name != "Data" && f.Name != "Binary" && !strings.HasPrefix(f.Name, "EventData_") && !strings.HasSuffix(f.Name, "_xmlns") && !strings.Contains(f.Name, "auto-ns") && f.Name != "EventData" && r.Field(i).String() != "" {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	s[fmt.Sprintf("%d %s", r.Schema.Source.EventID, strings.Join(names, ","))]++
}

var systemFields = []string{"Provider_Name", "Provider_Guid", "Provider_EventSourceName", "EventID", "Qualifiers", "Version", "Level", "Task", "Opcode", "Keywords", "TimeCreated", "EventRecordID", "ActivityID", "RelatedActivityID",
	"Execution_ProcessID", "Execution_ThreadID", "Channel", "Computer", "Security_UserID"}

// TestEventLogsJudge lets another parser read the logs: it must find as many records of each event, with the same fields.
func TestEventLogsJudge(t *testing.T) {
	python := outside.Python(t, "evtx")
	dir := t.TempDir()
	want := map[string]shapes{}
	for i, l := range eventLogs(t, written(t)) {
		name := filepath.Join(dir, fmt.Sprintf("%03d.evtx", i))
		if err := os.WriteFile(name, l.data, 0o600); err != nil {
			t.Fatal(err)
		}
		want[name] = shapes{}
		if _, err := evtx.NewDecoder().Read(context.Background(), bytes.NewReader(l.data), want[name]); err != nil {
			t.Fatal(err)
		}
	}
	const script = `
import collections, glob, json, sys
from evtx import PyEvtxParser
out = {}
for path in glob.glob(sys.argv[1] + "/*.evtx"):
    seen = collections.Counter()
    for r in PyEvtxParser(path).records_json():
        e = json.loads(r["data"])["Event"]
        assert e["System"]["Computer"].startswith("EX-")
        number = e["System"]["EventID"]
        number = number["#text"] if isinstance(number, dict) else number
        body = e.get("EventData") or {}
        for part in (e.get("UserData") or {}).values():
            body = part
        names = sorted(n for n in body if n not in ("Data", "Binary", "Channel") and not n.startswith("#") and body[n] not in ("", None))
        seen["%d %s" % (number, ",".join(names))] += 1
    out[path] = seen
print(json.dumps(out))`
	out, err := exec.Command(python, "-c", script, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]shapes{}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for name := range want {
		for shape, n := range want[name] {
			if got[name][shape] != n {
				t.Errorf("%s: we read %d of %q, the judge %d", name, n, shape, got[name][shape])
			}
		}
		if len(got[name]) != len(want[name]) {
			t.Errorf("%s: the judge reads %d kinds of events, we %d", name, len(got[name]), len(want[name]))
		}
	}
}

func TestClearedLog(t *testing.T) {
	for _, l := range eventLogs(t, written(t)) {
		if !strings.Contains(l.name, "LIS-DB1") || !strings.HasSuffix(l.name, "Security.evtx") || strings.Contains(l.name, "DENTAL") {
			continue
		}
		first := &firstEvent{}
		if _, err := evtx.NewDecoder().Read(context.Background(), bytes.NewReader(l.data), first); err != nil {
			t.Fatal(err)
		}
		if first.id != 1102 || first.number < 2000 {
			t.Errorf("the log begins with event %d, record %d; want 1102 and a number that goes on", first.id, first.number)
		}
		return
	}
	t.Error("no Security log of the server whose log was cleared")
}

type firstEvent struct {
	id     uint32
	number uint64
}

func (f *firstEvent) Want(*event.Schema) bool     { return true }
func (f *firstEvent) Damage(int64, int64, string) {}
func (f *firstEvent) Take(r *event.Record) {
	if f.number == 0 {
		f.id, f.number = r.Schema.Source.EventID, r.Number
	}
}

func TestTruth(t *testing.T) {
	for _, name := range Scenarios() {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(10) {
				checkTruth(t, Options{Seed: seed, Scenario: name, Noise: "small"})
			}
		})
	}
}

// infiltrated is how many servers the intruder enters in each scenario.
var infiltrated = map[string]int{"small": 5, "aiims-like": 12, "portal-lockbit": 7, "open-desktop": 5, "vpn-hypervisors": 5, "mail-theft": 4, "supplier": 4, "keys-and-disks": 6, "night-shift": 6, "quiet": 0}

func checkTruth(t *testing.T, o Options) {
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	{
		seed := o.Seed
		data, err := newEstate(o, sc).truthJSON()
		if err != nil {
			t.Fatal(err)
		}
		var truth struct {
			Servers []struct {
				Server, Verdict string
				Listed          bool
				First           *event.Time `json:"first_access"`
				From            *arrival
			}
			PatientZero *string `json:"patient_zero"`
			Hops        []hop
			Window      struct{ From, To event.Time }
		}
		if err := json.Unmarshal(data, &truth); err != nil {
			t.Fatal(err)
		}
		first := map[string]event.Time{}
		unlisted := 0
		for _, s := range truth.Servers {
			if (s.Verdict == string(event.Infiltrated)) != (s.First != nil) || (s.First != nil) != (s.From != nil) {
				t.Errorf("seed %d: %s is %s, first access %v, from %v", seed, s.Server, s.Verdict, s.First, s.From)
			}
			if s.First != nil {
				first[s.Server] = *s.First
			}
			if !s.Listed {
				unlisted++
			}
		}
		if want := infiltrated[o.Scenario]; len(first) != want || len(truth.Servers)-unlisted < o.Servers {
			t.Errorf("seed %d: %d infiltrated, %d not listed, %d in all; want %d infiltrated", seed, len(first), unlisted, len(truth.Servers), want)
		}
		for _, h := range truth.Hops {
			from, inside := first[h.From]
			if h.Time < truth.Window.From || h.Time > truth.Window.To || first[h.To] == 0 || h.Time < first[h.To] || inside && h.Time < from || !inside && h.To != *truth.PatientZero {
				t.Errorf("seed %d: impossible movement %+v", seed, h)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    Options
		want error
	}{
		{Options{Dir: used}, ErrNotEmpty},
		{Options{Dir: filepath.Join(used, "new"), Servers: 15}, ErrOptions},
		{Options{Dir: filepath.Join(used, "new"), Noise: "loud"}, ErrOptions},
		{Options{Dir: filepath.Join(used, "new"), Scenario: "none"}, ErrScenario},
		{Options{Dir: filepath.Join(used, "new"), Days: 3}, ErrOptions},
		{Options{Dir: filepath.Join(used, "x", "y"), Noise: "small"}, fs.ErrInvalid},
	} {
		_, err := Write(t.Context(), c.o)
		if c.want == fs.ErrInvalid && err != nil {
			continue
		}
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: %v; want %v", c.o, err, c.want)
		}
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Write(stopped, Options{Dir: filepath.Join(used, "new"), Noise: "small"}); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
}

func TestReadTable(t *testing.T) {
	const provider = "provider P {54849625-5478-4994-A5BA-3E3B0328C30D} C level=0\n"
	for _, c := range []struct{ text, want string }{
		{provider + "1 v0 task=2\n  A:u32=0x10 B\n", ""},
		{"1 v0\n", "without a provider"},
		{"  A\n", "without an event"},
		{provider + "x v0\n", "invalid syntax"},
		{provider + "1 v0 colour=2\n", "unknown attribute"},
		{provider + "1 v0\n  A:u9\n", "unknown type"},
		{provider + "1 v0\n  A:u32=red\n", "invalid syntax"},
		{"provider P\n", "without name, GUID"},
		{"provider P - C\n1 v0\n", "no GUID"},
	} {
		_, err := readTable(c.text)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%q: %v; want %q", c.text, err, c.want)
		}
	}
}

// TestRealNoise counts what busy servers log at noise real, and what of it is the intruder's.
func TestRealNoise(t *testing.T) {
	o := Options{Seed: 1, Noise: "real"}
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	e := newEstate(o, sc)
	count := func(s *server, acts []act) (n int) {
		s.logs, s.texts, s.open = map[string]*winLog{}, map[string]*textLog{}, true
		for _, a := range acts {
			if slices.Contains(a.on, s) {
				a.leave(e.dice("act", a.name))
			}
		}
		s.open = false
		for _, l := range s.logs {
			n += len(l.entries) + int(l.lost)
		}
		s.logs, s.texts = nil, nil
		return n
	}
	busy := []string{"MAIL1", "FS1", "EHOSP-DB1", "LIS-APP1", "CF-SRV3"}
	deeds, all := 0, 0
	for i, s := range e.servers {
		if s.layout == nil {
			continue
		}
		if slices.Contains(busy, s.key) {
			if n := count(s, e.acts); n < 100_000 {
				t.Errorf("%s: %d events; a busy server has 100,000 or more", s.key, n)
			}
		}
		if i%4 == 1 { // a sample: the domain controllers are not in it
			all += 4 * count(s, e.acts)
		}
		deeds += count(s, e.acts[e.deeds[0]:e.deeds[1]])
	}
	if deeds < 200 || deeds*10_000 > all {
		t.Errorf("the intruder left %d events of %d; want signs, and less than one in ten thousand", deeds, all)
	}
}

// unmarked are files that hold a word or two of a system, as they lie on it, and so no mark.
var unmarked = []string{"etc/timezone", "etc/hostname", "live_response/system/hostname.txt", "uploads.json"}

// TestMarks: everything that an exercise writes into collections says that it is one.
func TestMarks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "estate")
	name := filepath.Join(t.TempDir(), "every.yaml")
	if err := os.WriteFile(name, []byte(every()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(t.Context(), Options{Dir: dir, Seed: 9, Days: 10, Scenario: name, Noise: "small"}); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(filepath.Join(dir, "collections"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return unpacked(name, data, func(name string, data []byte) {
			files++
			plain := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("_"), []byte(" ")), []byte("+"), []byte(" "))
			if !bytes.Contains(plain, []byte(event.ExerciseMark)) && !slices.ContainsFunc(unmarked, func(s string) bool { return strings.HasSuffix(name, s) }) {
				t.Errorf("%s bears no mark", name)
			}
		})
	})
	if err != nil || files < 60 {
		t.Errorf("%d files, %v", files, err)
	}
}

// unpacked calls f for a file, or for what is in it if it is an archive.
func unpacked(name string, data []byte, f func(string, []byte)) error {
	switch {
	case strings.HasSuffix(name, ".zip") && !strings.Contains(name, "Departments"):
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return err
		}
		for _, x := range z.File {
			r, err := x.Open()
			if err != nil {
				return err
			}
			content, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			if err := unpacked(name+"!/"+x.Name, content, f); err != nil {
				return err
			}
		}
	case strings.HasSuffix(name, "gz"):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if !strings.Contains(name, "tar.gz") && !strings.HasSuffix(name, ".tgz") {
			content, err := io.ReadAll(r)
			f(name, content)
			return err
		}
		for tr := tar.NewReader(r); ; {
			h, err := tr.Next()
			if err == io.EOF {
				break
			} else if err != nil {
				return err
			}
			content, err := io.ReadAll(tr)
			if err != nil {
				return err
			}
			if err := unpacked(name+"!/"+h.Name, content, f); err != nil {
				return err
			}
		}
	default:
		f(name, data)
	}
	return nil
}
