//go:build check

package check_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// recordings are the folders of public event logs.
var recordings = []string{"attack-samples", "hard-cases"}

func eventLogs(t testing.TB) (args, files []string) {
	for _, r := range recordings {
		dir := outside.Data(t, "evtx", r)
		args = append(args, dir)
		files = append(files, below(t, dir, ".evtx")...)
	}
	return args, files
}

// below are the files of a folder whose names end so, in order.
func below(t testing.TB, dir, ending string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(p, ending) {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func filesLost(t testing.TB) reading {
	args, files := eventLogs(t)
	read := map[string]bool{}
	for _, a := range artifacts(t, examine(t, args...)) {
		if a.Kind == "evtx" && a.Error == nil {
			read[a.Collection+"/"+a.Path] = true
		}
	}
	lost := 0
	for _, f := range files {
		rel, _ := filepath.Rel(filepath.Dir(outside.Data(t, "evtx", recordings[0])), f)
		if !read[filepath.ToSlash(rel)] {
			t.Errorf("%s is lost", rel)
			lost++
		}
	}
	return atMost(float64(lost), 0, "").and(len(files) >= 292, "of %d files", len(files))
}

// counted is how many records of one file are read, and by whom.
type counted struct{ ours, evtx, libevtx int }

// explained are the files whose records are not counted alike, with the reason; each was looked at.
var explained = map[string]struct {
	counted
	why string
}{
	"2-vss_0-Microsoft-Windows-RemoteDesktopServices-RdpCoreTS%4Operational.evtx":          {counted{1951, 1910, 1910}, "damaged chunks: the others leave a chunk at its first broken record, we go on behind it"},
	"2-vss_0-Microsoft-Windows-TerminalServices-RemoteConnectionManager%4Operational.evtx": {counted{1795, 1774, 1774}, "the same"},
	"sample-with-zero-data-size-event.evtx":                                                {counted{449, 335, 335}, "a record that says it has no bytes: the others leave the chunk there"},
	"sample_with_a_bad_chunk_magic.evtx":                                                   {counted{301, 270, 267}, "chunks without their magic: the others leave them out"},
	"Microsoft-Windows-LanguagePackSetup%4Operational.evtx":                                {counted{17, 17, 16}, "the end of the last record was not written; libevtx leaves it out"},
	"E_Windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx":             {counted{340, 340, 24}, "libevtx ends at an attribute whose token it does not know"},
	"E_ShadowCopy6_windows_system32_winevt_logs_Microsoft-Windows-CAPI2%4Operational.evtx": {counted{459, 459, 89}, "the same"},
}

// counts compares the number of records of each file with what PyPI evtx (Rust) and libevtx (C) read.
func counts(t testing.TB) reading {
	args, files := eventLogs(t)
	libevtx, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("no judge: evtxexport (Debian package libevtx-utils) is not installed")
	}
	python := outside.Python(t, "evtx")
	got := map[string]counted{} // by path
	for _, a := range artifacts(t, examine(t, args...)) {
		got[filepath.Join(outside.Data(t, "evtx"), a.Collection, filepath.FromSlash(a.Path))] = counted{ours: int(a.Records)}
	}
	judge := filepath.Join(outside.Root(t), "internal", "evtx", "testdata", "judge.py")
	out, err := exec.Command(python, append([]string{judge, "--counts"}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(line, "\t")
		c := got[f[0]]
		c.evtx, _ = strconv.Atoi(f[1])
		got[f[0]] = c
	}
	same, told, records := 0, 0, 0
	for _, f := range files {
		xml, _ := exec.Command(libevtx, "-f", "xml", f).Output() // it ends with an error where it gives up
		c := got[f]
		c.libevtx = bytes.Count(xml, []byte("<Event xmlns="))
		records += c.ours
		switch e, ok := explained[filepath.Base(f)]; {
		case c.ours == c.evtx && c.ours == c.libevtx:
			same++
		case ok && e.counted == c:
			told++
		default:
			t.Errorf("%s: %d records, PyPI evtx %d, libevtx %d", f, c.ours, c.evtx, c.libevtx)
		}
	}
	return allOf(float64(same+told), float64(len(files)), 292).and(true, "%s records; PyPI evtx, libevtx; %d files differ and are explained", grouped(int64(records)), told)
}

// records compares each field of each record with what PyPI evtx reads.
func records(t testing.TB) reading {
	says, ok := told(t, "evtx", "TestDecoderJudged")
	n := figures(t, says, `(\d+) of (\d+) records are the same, (\d+) but for booleans; (\d+) more`)
	return allOf(n[0]+n[2], n[1], 28000).and(ok, "%g of them but for a boolean neither 0 nor 1; %g more in damaged chunks", n[2], n[3])
}

func damaged(t testing.TB) reading {
	says, ok := told(t, "evtx", "TestDamageCostsOnlyItself")
	n := figures(t, says, `(\d+) damaged files of (\d+) logs: (\d+) untouched records, all found; (\d+) were touched`)
	return atMost(0, 0, "").and(ok && n[0] >= 1000, "%g damaged files, no crash; %g untouched records, all found", n[0], n[2])
}

// hosts asks of each recording of OTRF that its servers are exactly the hosts that its lines name.
func hosts(t testing.TB) reading {
	dir := outside.Data(t, "otrf")
	got := map[string][]string{} // by archive
	read := uint64(0)
	for _, a := range artifacts(t, examine(t, dir)) {
		archive, _, inside := strings.Cut(a.Path, "!/")
		if !inside || a.Records == 0 {
			continue
		}
		read += a.Records
		for _, s := range a.Servers {
			got[archive] = append(got[archive], strings.ToLower(s.Name))
		}
	}
	archives := below(t, dir, ".zip")
	right, several, stated := 0, 0, uint64(0)
	for _, file := range archives {
		want, n := namesIn(t, file)
		stated += n
		rel, _ := filepath.Rel(dir, file)
		have := got[filepath.ToSlash(rel)]
		slices.Sort(have)
		if have = slices.Compact(have); len(have) == 0 || !slices.Equal(have, want) {
			t.Errorf("%s: servers %q, its lines name %q", rel, have, want)
			continue
		}
		right++
		if len(have) > 1 {
			several++
		}
	}
	return allOf(float64(right), float64(len(archives)), 21).and(read == stated && several > 0,
		"%d of them of several servers; %s of %s lines read", several, grouped(int64(read)), grouped(int64(stated)))
}

// namesIn are the values of Hostname in the lines of an archive's recordings, and how many lines these have.
func namesIn(t testing.TB, file string) (names []string, n uint64) {
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	seen := map[string]bool{}
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" || strings.HasPrefix(f.Name, "__MACOSX") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(bufio.NewReader(r))
		for d.More() {
			var line struct{ Hostname string }
			if err := d.Decode(&line); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			seen[strings.ToLower(line.Hostname)] = true
			n++
		}
		r.Close()
	}
	return slices.Sorted(maps.Keys(seen)), n
}
