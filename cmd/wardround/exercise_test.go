package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestExerciseRefuses(t *testing.T) {
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "evidence.zip"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, exitUse},
		{[]string{"--out", used}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "--servers", "2"}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "--days", "1"}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "--seed", "-1"}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "more"}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "--noise", "loud"}, exitUse},
		{[]string{"--out", filepath.Join(used, "new"), "--scenario", "no-such"}, exitUse},
		{[]string{"--help"}, exitDone},
		{[]string{"score"}, exitUse},
		{[]string{"score", used, filepath.Join(used, "truth.json")}, exitUse},
		{[]string{"score", "--help"}, exitDone},
		{[]string{"--out", filepath.Join(used, "evidence.zip"), "--scenario", "small", "--noise", "small"}, exitNotWritten},
	} {
		if got := makeExercise(t.Context(), c.args); got != c.want {
			t.Errorf("%q: exit code %d; want %d", c.args, got, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(used, "new")); err == nil {
		t.Error("a refused exercise left a folder behind")
	}
}
