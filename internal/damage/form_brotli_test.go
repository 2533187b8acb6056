package damage

import (
	"encoding/base64"
	"testing"
)

// packedVisits is a table of 120 visits as brotli packs it.
const packedVisits = "G9kQAMRaI/Ux6vARN98+cTLQQlRFSyHenzih5r4VXbGOhBqCAyUQjl3V7qr2pIb+GYrjihn8L3GUCmZp3v/ir3Of5/31/f/r/H9+P3/n5/vc8/6fj9/6Lh5bvBCOxd5SaM1u9UKy4q3FvvBWd9nJGmxrp5brrnf6hu3szGrd7c4uzRP+z4bj472eYM8/lR4yHKWbalaboQqzgcxQDlLO0AAzq864Mo0TxjOLpVTGclmqYjQwLGoYVVgMaCbZ4Ostm16xo5/qmVaKzsJpkoVMnJmqRavMbOBlqIZZmeEaQGbVGSplFmZYFfNSl+HKZSmTsYFiUZNRhcWAMKqmccZY9CyrYlwpOmuHnzeyUBNrWA6qMjRgkJqhMjLgDlXjnYWCw7MKGrihXFgmbCRQNaEyNEChaqgcFhmeVXClcLVQBZpoWA4sA5tQQPVQGRVz4qqREhR3F/oB7Wp/3jhcHDX3FGVgxyPa4ws/ceTAytDxlHYVqm8qKl1YaLiqcKVwteEq0PGMdnXl3FksDTue0h5f+JGjGirjTvZ3"

// TestBrotli: what a library packed is followed by its first header; random bytes are none, and neither is the same stream once its head is encrypted.
func TestBrotli(t *testing.T) {
	b, err := base64.StdEncoding.DecodeString(packedVisits)
	if err != nil {
		t.Fatal(err)
	}
	var l look
	for name, c := range map[string]struct {
		base string
		b    []byte
		want shape
	}{
		"whole": {"visits.br", b, begun}, "cut within its codes": {"visits.br", b[:12], formless},
		"head encrypted": {"visits.br", append(sealed(3, b[:64]), b[64:]...), formless}, "under another name": {"visits.bin", b, formless},
	} {
		if lookAt(c.base, bytesView(c.b), scanBudget, &l); l.form.shape != c.want || c.want == begun && l.form.kind != "brotli" {
			t.Errorf("%s: %+v", name, l.form)
		}
	}
	passed := 0
	noise := sealed(7, make([]byte, 3000*2000))
	for i := range 3000 {
		lookAt("x.br", bytesView(noise[i*2000:][:2000]), scanBudget, &l)
		if l.form.shape != formless {
			passed++
		}
	}
	if passed > 3 {
		t.Errorf("%d of 3000 random files pass for brotli", passed)
	}
}
