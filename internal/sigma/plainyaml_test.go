package sigma

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// bothWays reads a text with the plain reader and with the library, and reports whether the first could.
func bothWays(t *testing.T, name string, text []byte) (plain, pieces int) {
	t.Helper()
	cut, _ := split(text)
	for _, p := range cut {
		fast, slow := &file{parser: &Parser{}}, &file{parser: &Parser{}}
		n, ok := fast.plain(p)
		pieces++
		if !ok {
			continue
		}
		plain++
		want, err := slow.library(p)
		if err != nil {
			t.Fatalf("%s: read what the library refuses: %v\n%q", name, err, p.text)
		}
		if !reflect.DeepEqual(n, want) {
			t.Fatalf("%s: %s\ninstead of\n%s\nof %q", name, dump(n, 0), dump(want, 0), p.text)
		}
		if fast.nodes != slow.nodes {
			t.Fatalf("%s: %d parts, not %d", name, fast.nodes, slow.nodes)
		}
	}
	return plain, pieces
}

func dump(n *node, depth int) string {
	var b strings.Builder
	b.WriteString(strings.Repeat(" ", depth))
	b.WriteString(n.kind.String() + " " + n.text + "\n")
	for _, e := range n.list {
		b.WriteString(dump(e, depth+1))
	}
	for _, p := range n.pairs {
		b.WriteString(strings.Repeat(" ", depth) + p.key + ":\n" + dump(p.value, depth+1))
	}
	return b.String()
}

// TestPlainIsUsed holds the two readers against each other on all public rules and our own, nearly all of which must be plain.
func TestPlainIsUsed(t *testing.T) {
	files := sigmaHQ(t)
	own, err := filepath.Glob("../policy/rules/*/*.yml")
	if err != nil || len(own) == 0 {
		t.Fatal("no rules of our own: ", err)
	}
	for _, name := range own {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, File{Path: name, Data: data})
	}
	plain, all := 0, 0
	for _, f := range files {
		p, n := bothWays(t, f.Path, f.Data)
		plain += p
		all += n
	}
	t.Logf("%d of %d documents are plain", plain, all)
	if plain < all*9/10 {
		t.Errorf("only %d of %d documents are plain", plain, all)
	}
}

// FuzzPlain holds the two readers against each other on any text.
func FuzzPlain(f *testing.F) {
	for _, c := range cases {
		if len(c.text) < 4096 {
			f.Add([]byte(c.text))
		}
	}
	for _, s := range []string{
		"a: b\n", "a:\n- b\n- c: d\n  e: f\ng: 'h''i' # j\n", "a: |\n  b\n\n   c\n\nd: 1\n", "a: |-\n    x\n  # y\nb: -1\n", "a:\n  - |\n    b\n  - \"c\\\\d\"\n",
		"'a' : b\n\"c\": ~\n1: 0x1f\n", "a:\n#x\n  b: c\n  #y\n  d:\n", "a: b #c\n d: e\n", "- a\n- b: c\n-d\n", "a: <<\n<<: {b: c}\n", "a: 2001-01-01\nb: .5\nc: y\nd: On\n", "a: 'b'c\n", "a: b: c\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) { bothWays(t, "", text) })
}
