package sigma

import (
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestPlainLeaf holds the short way to a leaf against the long one.
func TestPlainLeaf(t *testing.T) {
	pieces := []string{"a", "cmd.exe", `\`, `\\`, "*", "?", `\*`, "-", " ", "é", "\xff\xfe", "\xff", "\ufeff", "1", ""}
	modifiers := []string{"contains", "startswith", "endswith", "all", "neq", "cased", "re", "windash", "expand", "exists", "wide"}
	r := rand.New(rand.NewPCG(3, 4))
	short := 0
	for range 200_000 {
		n := &node{kind: nodeKind(r.IntN(4)), line: 1}
		for range r.IntN(5) {
			n.text += pieces[r.IntN(len(pieces))]
		}
		var names []string
		for range r.IntN(4) {
			names = append(names, modifiers[r.IntN(len(modifiers)-4*r.IntN(2))])
		}
		field := []string{"", "Image"}[r.IntN(2)]
		leaf, ok := (&file{room: &room{}}).plainLeaf(field, names, n)
		if !ok {
			continue
		}
		short++
		f := &file{parser: &Parser{}}
		leaves, err := f.leaves(field, names, n)
		if err != nil || len(leaves) != 1 || !reflect.DeepEqual(leaves[0], Expr(leaf)) {
			t.Fatalf("%q|%s: %q: %v, not %v (%v)", field, strings.Join(names, "|"), n.text, leaf, leaves, err)
		}
	}
	if short < 5000 {
		t.Errorf("only %d values went the short way", short)
	}
}

func TestMetadataForms(t *testing.T) {
	uuid := regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	r := rand.New(rand.NewPCG(5, 6))
	for range 300_000 {
		id, day := []byte("0aF9bC3d-12e4-AbCd-9876-0123456789ab"), []byte("2021-10-29")
		for _, b := range [][]byte{id, day} {
			for range r.IntN(3) {
				b[r.IntN(len(b))] = "0123456789-/aAfFgG\n`@é"[r.IntN(23)]
			}
		}
		x, y := string(id[:len(id)-r.IntN(2)*r.IntN(2)]), string(day[:len(day)-r.IntN(2)*r.IntN(2)])
		if isUUID(x) != uuid.MatchString(x) {
			t.Fatalf("%q: %v", x, isUUID(x))
		}
		if m := date.FindStringSubmatch(y); isDate(y) && (m == nil || m[1] != m[3]) {
			t.Fatalf("%q is no date", y)
		}
	}
}

// TestRoomIsReused: what is read in a room that other files left is what is read in a new one.
func TestRoomIsReused(t *testing.T) {
	var used room
	p := &Parser{}
	var all []*file
	for range 3 {
		for _, c := range cases {
			all = append(all, p.file([]byte(c.text), "a.yml", "o", &used))
		}
	}
	for i, a := range all {
		c := cases[i%len(cases)]
		if b := p.file([]byte(c.text), "a.yml", "o", new(room)); !reflect.DeepEqual(a.rules, b.rules) || !reflect.DeepEqual(a.problems, b.problems) || a.total != b.total {
			t.Errorf("round %d: %.60q: %v %v, not %v %v", i/len(cases), c.text, a.rules, a.problems, b.rules, b.problems)
		}
	}
}
