package match

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"wardround/internal/event"
)

// TestScanFindsWhatIsThere holds scanners of few texts and of very many against a look for each.
func TestScanFindsWhatIsThere(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	word := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(`abcde.\-`[r.IntN(8)])
		}
		return b.String()
	}
	for _, many := range []int{1, 20, 3000, 40000} {
		var needles []needle
		for i := range many {
			needles = append(needles, needle{word(4 + r.IntN(9)), infix, true, int32(i)})
		}
		s := newScanner(needles)
		for range 20 {
			text := word(r.IntN(40)) + needles[r.IntN(many)].text + word(r.IntN(5))
			var want, got []int32
			for i, n := range needles {
				if strings.Contains(text, n.text) {
					want = append(want, int32(i))
				}
			}
			s.scan([]byte(text), func(i int32) { got = append(got, i) })
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) {
				t.Fatalf("%d texts, in %q: %v, want %v", many, text, got, want)
			}
		}
	}
}

// TestPlansDoNotDependOnWhoAsks: a plan that several workers ask for at once is one.
func TestPlansDoNotDependOnWhoAsks(t *testing.T) {
	p := programOf(t, "title: x\nlogsource: {product: windows, category: process_creation}\ndetection:\n  s: {Image|endswith: '\\x.exe'}\n  condition: s\n")
	s := event.TextSchema(event.Source{Product: "windows", Channel: "Microsoft-Windows-Sysmon/Operational", EventID: 1}, "Image")
	plans := make(chan *Plan)
	for range 4 {
		go func() { plans <- p.Plan(s) }()
	}
	first := <-plans
	for range 3 {
		if x := <-plans; x != first || x == nil {
			t.Error("two plans of one schema")
		}
	}
}

// FuzzQuick: what is refused at once is what a whole scan finds nothing in.
func FuzzQuick(f *testing.F) {
	f.Add("abcdefg,xyzabc,^pre,$fix,=whole,^a,$z,Kelvin", "an abcdefG here", uint8(0))
	f.Add("=k", "K", uint8(1))
	f.Add("^ab,$cd", "xcd\x00\x00", uint8(1))
	f.Add("sekurlsa::,lsadump::", "12345lsadump::", uint8(2))
	f.Add("$fix,=whole,=k", "suffix\x00", uint8(2))
	f.Add("$x,=k", "k\x00\x00", uint8(2))
	for at := range 12 { // wherever it lies
		for _, as := range []uint8{0, 2} {
			for _, text := range []string{"abcd", "={{", "a={"} {
				f.Add("abcd,={{,a={", strings.Repeat("Z", at)+strings.ToUpper(text)+strings.Repeat("z", at%4), as)
			}
		}
	}
	f.Fuzz(func(t *testing.T, texts, value string, as uint8) {
		var needles []needle
		for i, s := range strings.Split(texts, ",") {
			where := infix
			if s != "" {
				if at := strings.IndexByte("^$=", s[0]); at >= 0 {
					where, s = [...]form{prefix, suffix, exact}[at], s[1:]
				}
			}
			if s = foldString(s); s == "" || !utf8.ValidString(s) {
				continue
			}
			needles = append(needles, needle{s, where, true, int32(i)})
		}
		if len(needles) == 0 {
			return
		}
		s := newScanner(needles)
		v := event.Text(value)
		if as%2 == 1 {
			v = event.Value{Type: event.UTF16, Raw: []byte(value)}
		} else if as%3 == 2 {
			v = event.Value{Type: event.UTF16}
			for _, u := range utf16.Encode([]rune(value)) {
				v.Raw = append(v.Raw, byte(u), byte(u>>8))
			}
		}
		if !s.passes(&v, true) {
			return
		}
		s.scan(fold(nil, v), func(i int32) { t.Fatalf("%q is in %q (%v), which was refused", needles[i].text, fold(nil, v), v) })
	})
}
