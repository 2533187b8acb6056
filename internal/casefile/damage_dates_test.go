package casefile

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/damage"
	"wardround/internal/event"
)

// TestDatesBeside: a listing of the file system that lies beside a copied folder dates its damaged files, in place of the times of the copy.
func TestDatesBeside(t *testing.T) {
	dir := t.TempDir()
	share := filepath.Join(dir, "copy", "Departments")
	if err := os.MkdirAll(share, 0o755); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2022, 11, 23, 1, 44, 0, 0, time.UTC)
	var body strings.Builder
	for i := range 14 {
		name := fmt.Sprintf("visit %d.%s.bak9", i, []string{"docx", "jpg", "pdf"}[i%3])
		if err := os.WriteFile(filepath.Join(share, name), noiseOf(uint64(i), 9000), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&body, "0|/srv/Departments/%s|%d|r/rrwxr-xr-x|0|0|9000|%d|%d|%d|%d\n", name, 100+i, at.Unix(), at.Unix()+int64(i), at.Unix()+int64(i), at.Unix()-90000)
	}
	body.WriteString("0|/srv/elsewhere/visit 1.jpg.bak9|7|r/rrwxr-xr-x|0|0|1|1|1|1|1\n")
	listing := filepath.Join(dir, "copy", "bodyfile.txt")
	if err := os.WriteFile(listing, []byte(body.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines bytes.Buffer
	sum, err := Damage(context.Background(), DamageOptions{Roots: []string{share}, Lines: &lines})
	if err != nil || sum.Burst == nil || sum.Burst.First != event.At(at) || sum.Burst.Last != event.At(at.Add(13*time.Second)) || sum.Burst.Files != 14 {
		t.Fatalf("%v, %+v", err, sum.Burst)
	}
	for line := range strings.Lines(lines.String()) {
		var f damage.File
		if err := json.Unmarshal([]byte(line), &f); err != nil || !strings.Contains(strings.Join(f.Reasons, " "), "a listing of the file system") {
			t.Errorf("%v: %s", err, line)
		}
	}

	// The same listing among the evidence tells how many files bear the extension, and since when, though none was collected.
	one := collected(t, "DB1", map[string][]byte{"[root]/etc/hostname": []byte("db1\n"), "bodyfile/bodyfile.txt": []byte(body.String())}, at)
	mustExamine(t, testOptions(t, filepath.Join(dir, "case"), one))
	h := dataOf(t, filepath.Join(dir, "case")).Harm
	if len(h) == 0 || len(h[0].Listed) != 1 || h[0].Listed[0].Files != 15 || h[0].Listed[0].From != event.At(at) || h[0].Hurt() != 0 {
		t.Fatalf("%+v", h)
	}
	if page := results(t, filepath.Join(dir, "case"))[reportFile]; !strings.Contains(page, "15 files listed with .bak9 added") {
		t.Error("the report does not say so")
	}
}
