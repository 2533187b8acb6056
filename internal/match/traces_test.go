package match_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wardround/internal/event"
	"wardround/internal/match"
	"wardround/internal/outside"
	"wardround/internal/sigma"
)

// rulesOfTraces are in the form that rules for traces beside logs have.
const rulesOfTraces = `title: note
logsource: {service: file-marks}
detection: {s: {Mark: note, Contact|endswith: '@mail.example'}, condition: s}
---
title: setuid program in a temporary folder
logsource: {product: linux, service: file-listing}
detection: {s: {TargetFilename|startswith: /tmp/, Mode|contains: rws}, condition: s}
---
title: file created
logsource: {product: windows, service: usnjrnl}
detection: {s: {Reason: FILE_CREATE, Action: file created}, condition: s}
---
title: created and closed
logsource: {product: windows, service: usnjrnl}
detection: {s: {Reason|contains|all: [FILE_CREATE, CLOSE]}, condition: s}
---
title: renamed text
logsource: {product: windows, service: usnjrnl}
detection: {s: {SourceFilename|endswith: .txt, Action: file renamed}, condition: s}
---
title: bytes sent
logsource: {product: windows, service: srum}
detection: {s: {BytesSent|gte: 1000}, condition: s}
`

// TestTracesBesideLogs runs rules over traces, from the file to the hit.
func TestTracesBesideLogs(t *testing.T) {
	files, problems := sigma.Read(fstest.MapFS{"r.yml": {Data: []byte(rulesOfTraces)}}, "r")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	set := sigma.Load(files, nil)
	program := match.Compile(set.Rules)
	if len(program.Unused) > 0 || len(set.Rules) != 6 {
		t.Fatalf("%d rules, unused %v", len(set.Rules), program.Unused)
	}
	dir := t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("README.txt", "All your files are encrypted. To decrypt them, pay in Bitcoin. Write to one@mail.example\n")
	write("bodyfile.txt", "0|/tmp/.x/sh|9|-rwsr-xr-x|0|0|9|1669167469|1669167469|1669167469|0\n0|/usr/bin/su|9|-rwsr-xr-x|0|0|9|1669167469|1669167469|1669167469|0\n")
	journal, err := os.ReadFile(outside.Data(t, "artifacts", "UsnJrnl.raw"))
	if err != nil {
		t.Fatal(err)
	}
	write("$J", string(journal))
	var scratch match.Scratch
	hits := map[string]int{}
	walk(t, dir, func(r *event.Record) {
		if plan := program.Plan(r.Schema); plan != nil {
			for _, i := range program.Match(plan, r, &scratch, nil) {
				hits[program.Rules[i].Title]++
			}
		}
	}, func(*event.Artifact) {})
	var got []string
	for _, f := range set.Rules {
		got = append(got, f.Title+" "+strings.Repeat("|", hits[f.Title]))
	}
	want := []string{"note |", "setuid program in a temporary folder |", "file created |||||||", "created and closed ||", "renamed text ||||", "bytes sent "}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
