package damage

import (
	"encoding/base64"
	"testing"
)

// FuzzForm walks foreign bytes as every form that their signature fits, whole and as a head of something larger.
func FuzzForm(f *testing.F) {
	for _, b := range made(f) {
		f.Add(b[:min(len(b), 4096)])
	}
	for _, w := range walkers() {
		if w.magic != "" {
			b := make([]byte, w.at+len(w.magic)+600)
			copy(b[w.at:], w.magic)
			f.Add(b)
		}
	}
	packed, _ := base64.StdEncoding.DecodeString(packedVisits)
	f.Add(packed)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, budget := range []int{scanBudget, pairBudget / 8} {
			var l look
			lookAt("x.br", bytesView(b), budget, &l)
			if got := l.form; got.seen < 0 || got.at < 0 {
				t.Fatalf("%+v", got)
			}
		}
		if len(b) > 64 {
			half := len(b) / 2
			v := &view{size: int64(len(b)) + 1<<20, windows: []window{{0, b[:half]}, {int64(half) + 1<<20, b[half:]}}}
			formOf(v, scanBudget)
		}
	})
}

// FuzzPair judges one foreign file by another.
func FuzzPair(f *testing.F) {
	m := made(f)
	f.Add("a.docx", m["a.docx"][:2000], sealed(1, m["a.docx"][:2000]))
	f.Add("notes.txt", m["notes.txt"][:2000], stripes(1, m["notes.txt"][:2000], 16, 16))
	f.Add("x", []byte{}, []byte{1})
	f.Fuzz(func(t *testing.T, name string, old, new []byte) {
		if j := judgePair(name, old, new); j.state == "" || len(j.reasons) == 0 {
			t.Fatalf("%+v", j)
		}
		var l look
		lookAt(name, bytesView(new), scanBudget, &l)
		if j := alone(&l, false, make([]float64, pairFeatures)); j.state == "" || len(j.reasons) == 0 {
			t.Fatalf("%+v", j)
		}
	})
}

// FuzzNote reads foreign text as a note, and a name as one of a family.
func FuzzNote(f *testing.F) {
	f.Add("README.txt", []byte(ransomNote))
	f.Add("a.id-12345678.[x@y.z].wallet", append([]byte(ransomNote), sealed(1, make([]byte, 3000))...))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		if is, at, _ := readNote(name, b, int64(len(b))); is && at > len(b) {
			t.Fatal(at)
		}
		familyOf(name, bytesView(b), b)
		splitName(name)
		if p := printablePath(name); printablePath(p) == "" && name != "" {
			t.Fatal(p)
		}
	})
}
