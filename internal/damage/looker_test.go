package damage

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"wardround/internal/event"
)

// TestModels: the embedded table is whole.
func TestModels(t *testing.T) {
	all, err := parseForests(modelText)
	if err != nil || len(all) != 2 || len(all["alone"].trees) < 100 || len(all["pair"].trees) < 100 {
		t.Fatalf("%d forests, %v", len(all), err)
	}
}

// TestLooker: one after the other, each file is judged by itself, and a beginning says that it is one.
func TestLooker(t *testing.T) {
	noise := make([]byte, 40_000)
	source := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(source.Uint32())
	}
	note := "All your files have been encrypted. To get the private key and restore your files pay 2 bitcoin and write to back@example.com.\n"
	l := NewLooker()
	for _, c := range []struct {
		name  string
		data  string
		whole bool
		want  State
		sure  Confidence
	}{
		{"D:/data/visits.docx.bak9", string(noise), true, Encrypted, Plausible},
		{"D:/data/readme_decrypt.txt", note, true, Note, Plausible},
		{"D:/data/ward.txt", strings.Repeat("ward 4, bed 12\n", 300), true, Intact, Plausible},
		{"D:/data/scan.mdf", note + string(noise), true, Encrypted, Plausible},
		{"D:/data/wiped.xlsx", strings.Repeat("\x00", 9000), true, Overwritten, Plausible},
		{"D:/data/keys.bin", string(noise), false, Unknown, Unsure},
		{"D:/data/none", "", true, Intact, Plausible},
	} {
		f := l.File(c.name, bytes.NewReader([]byte(c.data)), int64(len(c.data)), c.whole, event.Time(42))
		if f.State != c.want || f.Confidence != c.sure || f.Path != c.name || f.Sampled == c.whole || f.Bytes != int64(len(c.data)) {
			t.Errorf("%s: %+v", c.name, f)
		}
		if hurt := f.State.Hurt() || f.State == Note; (f.Since == 42) != hurt {
			t.Errorf("%s: since %v", c.name, f.Since)
		}
		if f.State == Note && f.Kind != nil {
			t.Errorf("the note has the kind of the file before it, %q", *f.Kind)
		}
	}
}
