package sigma

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// show writes a tree so that every difference shows: & and | for series, ! for not, texts quoted, wildcards bare.
func show(e Expr) string {
	series := func(parts []Expr, op string) string {
		var out []string
		for _, p := range parts {
			out = append(out, show(p))
		}
		return "(" + strings.Join(out, op) + ")"
	}
	switch e := e.(type) {
	case And:
		return series(e, " & ")
	case Or:
		return series(e, " | ")
	case Not:
		return "!" + show(e.Of)
	case *Leaf:
		return e.Field + showLeaf(e)
	}
	return "nothing"
}

func showLeaf(l *Leaf) string {
	cased := ""
	if l.Cased {
		cased = "c"
	}
	switch l.Op {
	case Like:
		var b strings.Builder
		for _, p := range l.Pattern {
			switch p.Wild {
			case Many:
				b.WriteString("*")
			case One:
				b.WriteString("?")
			default:
				fmt.Fprintf(&b, "%q", p.Text)
			}
		}
		return cased + "=" + b.String()
	case Matches:
		return "~" + l.Regexp
	case InNetwork:
		return " in " + l.Network.String()
	case Less, LessEqual, Greater, GreaterEqual:
		return fmt.Sprint([]string{"<", "<=", ">", ">="}[l.Op-Less], l.Number)
	case IsNull:
		return " null"
	case Exists:
		return fmt.Sprint(" exists ", l.Want)
	case SameAs:
		return fmt.Sprint(cased, " same ", l.Shape, " ", l.Ref)
	case TimeIs:
		return fmt.Sprint(" part ", l.Part, " ", l.Number)
	}
	return " %" + l.Holder + "%"
}

// one parses a rule that must have no problem.
func one(t *testing.T, text string) Rule {
	t.Helper()
	rules, problems := Parse([]byte(text), "a.yml", "test")
	if len(problems) > 0 || len(rules) != 1 {
		t.Fatalf("%d rules, %v of\n%s", len(rules), problems, text)
	}
	return rules[0]
}

// TestModifiers has every modifier with what it makes of a value. Encoded forms were made with Python's codecs.
func TestModifiers(t *testing.T) {
	for _, c := range []struct{ item, want string }{
		{`A: foo`, `A="foo"`},
		{`A|contains: foo`, `A=*"foo"*`},
		{`A|contains: '*foo*'`, `A=*"foo"*`},
		{`A|contains: ''`, `A=*`},
		{`A|startswith: foo`, `A="foo"*`},
		{`A|startswith: '*foo'`, `A=*"foo"*`},
		{`A|endswith: '\cmd.exe'`, `A=*"\\cmd.exe"`},
		{`A|startswith|endswith: foo`, `A=*"foo"*`},
		{`A|contains: [x, y]`, `(A=*"x"* | A=*"y"*)`},
		{`A|contains|all: [x, y]`, `(A=*"x"* & A=*"y"*)`},
		{`A|all|contains: [x, y]`, `(A=*"x"* & A=*"y"*)`},
		{`A|all: [x]`, `A="x"`},
		{`A|cased: Foo`, `Ac="Foo"`},
		{`A|contains|cased: Foo`, `Ac=*"Foo"*`},
		{`A|cased|base64offset|contains: foo`, `(Ac=*"Zm9v"* | Ac=*"Zvb"* | Ac=*"mb2"*)`},
		{`A|neq: [x, y]`, `!(A="x" | A="y")`},
		{`A|contains|all|neq: [x, y]`, `!(A=*"x"* & A=*"y"*)`},
		{`A|lt|neq: 3`, `!A<3`},

		{`A|re: 'a.*b'`, `A~a.*b`},
		{`A|re|i: foo`, `A~(?i)foo`},
		{`A|re|i|m|s: foo`, `A~(?ims)foo`},
		{`A|re|ignorecase|multiline|dotall: foo`, `A~(?ims)foo`},
		{`A|re: '(?i)foo'`, `A~(?i)foo`},
		{`A|re|contains: foo`, `A~foo`},
		{`A|re|startswith: foo|bar`, `A~\A(?:foo|bar)`},
		{`A|re|i|endswith: foo|bar`, `A~(?i)(?:foo|bar)\z`},
		{`A|re: 'C:\\Windows\*'`, `A~C:\\Windows\*`},

		{`A|cidr: 10.0.0.0/8`, `A in 10.0.0.0/8`},
		{`A|cidr: ['192.168.1.7', 'fe80::/10', '::1', '::ffff:10.0.0.0/104']`, `(A in 192.168.1.7/32 | A in fe80::/10 | A in ::1/128 | A in 10.0.0.0/8)`},
		{`A: '10.0.*'`, `A="10.0."*`},
		{`A|lt: 1`, `A<1`},
		{`A|lte: 1.5`, `A<=1.5`},
		{`A|gt: -2`, `A>-2`},
		{`A|gte: 0x10`, `A>=16`},

		{`A|base64: foobar`, `A="Zm9vYmFy"`},
		{`A|base64: 'C:\x'`, `A="QzpceA=="`},
		{`A|base64: 'a\*b'`, `A="YSpi"`},
		{`A|base64|base64: foobar`, `A="Wm05dlltRnk="`},
		{`A|base64offset|contains: /bin/bash`, `(A=*"L2Jpbi9iYXNo"* | A=*"9iaW4vYmFza"* | A=*"vYmluL2Jhc2"*)`},
		{`A|base64offset|contains: dépôt`, `(A=*"ZMOpcMO0d"* | A=*"TDqXDDtH"* | A=*"kw6lww7R0"*)`},
		{`A|base64offset|contains|all: [foo, ab]`, `((A=*"Zm9v"* | A=*"Zvb"* | A=*"mb2"*) & (A=*"YW"* | A=*"Fi"* | A=*"hY"*))`},
		{`A|wide|base64offset|contains: ping`, `(A=*"cABpAG4AZw"* | A=*"AAaQBuAGcA"* | A=*"wAGkAbgBnA"*)`},
		{`A|utf16le|base64offset|contains: पिंग`, `(A=*"Kgk/CQIJFw"* | A=*"oJPwkCCRcJ"* | A=*"qCT8JAgkXC"*)`},
		{`A|wide|base64: ping`, `A="cABpAG4AZwA="`},
		{`A|utf16be|base64: ping`, `A="AHAAaQBuAGc="`},
		{`A|utf16|base64: ping`, `A="//5wAGkAbgBnAA=="`},
		{`A|utf16le: 'a*b'`, `A="a\x00"*"b\x00"`},
		{`A|wide|contains: ab`, `A=*"a\x00b\x00"*`},
		{`A|utf16be: ab`, `A="\x00a\x00b"`},
		{`A|utf16: ab`, `A="\ufeffa\x00b\x00"`},
		{`A|wide: 😀`, ``},

		{`A|windash: foo`, `A="foo"`},
		{`A|windash: -f`, `(A="-f" | A="/f" | A="–f" | A="—f" | A="―f")`},
		{`A|windash: ―f`, `(A="-f" | A="/f" | A="–f" | A="—f" | A="―f")`},
		{`A|windash: a-b`, `A="a-b"`},
		{`A|windash: '- f'`, `A="- f"`},
		{`A|windash: --f`, `(A="--f" | A="-/f" | A="-–f" | A="-—f" | A="-―f")`},
		{`A|contains|windash: '*/é'`, `(A=*"-é"* | A=*"/é"* | A=*"–é"* | A=*"—é"* | A=*"―é"*)`},

		{`A|exists: true`, `A exists true`},
		{`A|exists: false`, `A exists false`},
		{`A|exists|neq: true`, `!A exists true`},
		{`A|fieldref: B`, `A same 0 B`},
		{`A|fieldref|startswith: B C`, `A same 1 B C`},
		{`A|fieldref|endswith: [B, C]`, `(A same 2 B | A same 2 C)`},
		{`A|fieldref|contains: B`, `A same 3 B`},
		{`A|fieldref|startswith|endswith: B`, `A same 3 B`},
		{`A|fieldref|startswith|startswith: B`, `A same 1 B`},
		{`A|fieldref|cased: B`, `Ac same 0 B`},
		{`A|fieldref|neq: B`, `!A same 0 B`},

		{`A|minute: 0`, `A part 0 0`},
		{`A|hour: [1, 2]`, `(A part 1 1 | A part 1 2)`},
		{`A|day: 31`, `A part 2 31`},
		{`A|week: 53`, `A part 3 53`},
		{`A|month: 12`, `A part 4 12`},
		{`A|year: 2022`, `A part 5 2022`},
		{`A|hour|lt: 2`, `(A part 1 0 | A part 1 1)`},
		{`A|month|gte: 11`, `(A part 4 11 | A part 4 12)`},
		{`A|year|gt: 2259`, `(A part 5 2260 | A part 5 2261)`},
		{`A|day|gt: 31`, `()`},
		{`A|hour: 0x10`, `A part 1 16`},

		{`A|expand: '%Nobody%'`, `A %Nobody%`},
		{`A|contains|expand: '%Nobody%'`, `A %Nobody%`},
		{`A|expand: 100%`, `A="100%"`},

		{`A:`, `A null`},
		{`A: []`, `A null`},
		{`A: ''`, `A=`},
		{`A: '*'`, `A=*`},
		{`A: [null, '']`, `(A null | A=)`},
		{`A: 4624`, `A="4624"`},
		{`A: 00000429`, `A="00000429"`},
		{`A: 0xC000006D`, `(A="0xC000006D" | A="3221225581")`},
		{`A|contains: 0x1F`, `(A=*"0x1F"* | A=*"31"*)`},
		{`A: 1_000`, `(A="1_000" | A="1000")`},
		{`A: 10.0`, `A="10.0"`},
		{`A: TRUE`, `A="true"`},
		{`A: yes`, `A="yes"`},
		{`"A b": x`, `A b="x"`},

		{`'': evil`, `=*"evil"*`},
		{`'|all': [evil, worse]`, `(=*"evil"* & =*"worse"*)`},
		{`'|contains|all': [evil, worse]`, `(=*"evil"* & =*"worse"*)`},
		{`'|startswith': evil`, `="evil"*`},
		{`'|re': ev.l`, `~ev.l`},
		{`'|cased': Evil`, `c=*"Evil"*`},
		{`'|cidr': 10.0.0.0/8`, ` in 10.0.0.0/8`},
		{`'|base64offset': foo`, `(=*"Zm9v"* | =*"Zvb"* | =*"mb2"*)`},
	} {
		rules, problems := Parse([]byte(sel(c.item)), "a.yml", "")
		got := ""
		if len(rules) == 1 {
			got = show(rules[0].Detection.Condition)
		}
		if got != c.want || c.want != "" && len(problems) > 0 {
			t.Errorf("%s: got %s %v, want %s", c.item, got, problems, c.want)
		}
	}
}

// TestEscapes has the specification's rules for backslashes.
func TestEscapes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`a\b`, `A="a\\b"`},
		{`a\\b`, `A="a\\b"`},
		{`a\\\b`, `A="a\\\\b"`},
		{`a\\\\b`, `A="a\\\\b"`},
		{`\\\\\`, `A="\\\\\\"`},
		{`a\`, `A="a\\"`},
		{`a\\`, `A="a\\"`},
		{`a*b?c`, `A="a"*"b"?"c"`},
		{`a\*b\?c`, `A="a*b?c"`},
		{`a\\*b`, `A="a\\"*"b"`},
		{`a\\\*b`, `A="a\\*b"`},
		{`a\\\\*b`, `A="a\\\\"*"b"`},
		{`C:\Windows\*`, `A="C:\\Windows*"`},
		{`**a***`, `A=*"a"*`},
		{`??*?`, `A=??*?`},
		{`%a%`, `A="%a%"`},
		{``, `A=`},
	} {
		got := show(&Leaf{Field: "A", Pattern: parsePattern(c.in)})
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.in, got, c.want)
		}
	}
}

// TestOffsets finds the forms of base64offset in Base64 of any surroundings, and nowhere a longer one.
func TestOffsets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	for range 2000 {
		s := random(2 + rng.IntN(12))
		for at, form := range offsets(string(s)) {
			for range 5 {
				whole := append(append(random(at+3*rng.IntN(3)), s...), random(rng.IntN(5))...)
				if !strings.Contains(base64.StdEncoding.EncodeToString(whole), form) {
					t.Fatalf("%q not in Base64 of %x", form, whole)
				}
			}
			if bits := 6 * len(form); bits > 8*len(s) || bits <= 8*len(s)-12 {
				t.Fatalf("%x at %d: %q is not as long as can be", s, at, form)
			}
		}
	}
}

func TestDefinitions(t *testing.T) {
	for _, c := range []struct{ sel, want string }{
		{"{A: 1, B: [2, 3]}", `(A="1" & (B="2" | B="3"))`},
		{"[{A: 1, B: 2}, {C: 3}]", `((A="1" & B="2") | C="3")`},
		{"evil", `=*"evil"*`},
		{"[evil, 4711]", `(=*"evil"* | =*"4711"*)`},
		{"[{A: 1}, evil, [x, {B: 2}]]", `(A="1" | =*"evil"* | (=*"x"* | B="2"))`},
		{"{'|all': [x, y], A: 1}", `((=*"x"* & =*"y"*) & A="1")`},
	} {
		r := one(t, rule("sel: "+c.sel+"\ncondition: sel"))
		if got := show(r.Detection.Condition); got != c.want {
			t.Errorf("%s: got %s, want %s", c.sel, got, c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	for _, c := range []struct{ condition, want string }{
		{"a", `A="1"`},
		{"a and b", `(A="1" & B="2")`},
		{"a and b and a", `(A="1" & B="2" & A="1")`},
		{"a or b and c1", `(A="1" | (B="2" & C="3"))`},
		{"(a or b) and c1", `((A="1" | B="2") & C="3")`},
		{"not a and b", `(!A="1" & B="2")`},
		{"not (a and b)", `!(A="1" & B="2")`},
		{"not not a", `!!A="1"`},
		{"a or not b", `(A="1" | !B="2")`},
		{"(((a)))", `A="1"`},
		{"a AND NOT b", `(A="1" & !B="2")`},
		{"1 of them", `(A="1" | B="2" | C="3" | C="4")`},
		{"any of them", `(A="1" | B="2" | C="3" | C="4")`},
		{"all of them", `(A="1" & B="2" & C="3" & C="4")`},
		{"1 of c*", `(C="3" | C="4")`},
		{"all of *1", `C="3"`},
		{"1 of c1", `C="3"`},
		{"1 of _*", `(D="5" | D="6")`},
		{"1 of *", `(A="1" | B="2" | C="3" | C="4")`},
		{"all of _*2", `D="6"`},
		{"not 1 of c* and a", `(!(C="3" | C="4") & A="1")`},
		{"a and not 1 of c* or _d1", `((A="1" & !(C="3" | C="4")) | D="5")`},
		{"[a, b and c1]", `(A="1" | (B="2" & C="3"))`},
	} {
		r := one(t, rule("a: {A: 1}\nb: {B: 2}\nc1: {C: 3}\n_d1: {D: 5}\nc2: {C: 4}\n_d2: {D: 6}\ncondition: "+c.condition))
		if got := show(r.Detection.Condition); got != c.want {
			t.Errorf("%s: got %s, want %s", c.condition, got, c.want)
		}
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a*", "a", true}, {"a*", "ab", true}, {"a*", "ba", false}, {"*a", "ba", true}, {"*a*", "bab", true},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "abc", true}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "acb", false},
		{"a**c", "abc", true}, {"*", "x", true}, {"*", "_x", false}, {"_*", "_x", true}, {"them", "them", true}, {"them", "_x", false},
		{"a", "ab", false}, {"A*", "ab", false},
	} {
		if got := covers(c.pattern, c.name); got != c.want {
			t.Errorf("%q covers %q: %v", c.pattern, c.name, got)
		}
	}
}

func TestPlaceholders(t *testing.T) {
	holders, err := Placeholders([]byte("# ours\nAdmins: [adm_*, root]\n'%Port%': 3389\nNobody: []\nHost:\n  - 'EX-A.b'\n  - 'EX?'\n"))
	if err != nil {
		t.Fatal(err)
	}
	p := &Parser{Placeholders: holders}
	for _, c := range []struct{ item, want string }{
		{`A|expand: '%Admins%'`, `(A="adm_"* | A="root")`},
		{`A|expand: 'EX\%Admins%'`, `A="EX%Admins%"`},
		{`A|expand: 'EX\\%Admins%'`, `(A="EX\\adm_"* | A="EX\\root")`},
		{`A|expand: '%Admins%:%Port%*'`, `(A="adm_"*":3389"* | A="root:3389"*)`},
		{`A|expand: '\%plain%Port%'`, `A="%plain3389"`},
		{`A|expand: '%%%Port%%'`, `A="%%3389%"`},
		{`A|expand|contains: '%Admins%'`, `(A=*"adm_"* | A=*"root"*)`},
		{`A|contains|expand|all: ['%Admins%', x]`, `((A=*"adm_"* | A=*"root"*) & A=*"x"*)`},
		{`A|expand|base64: '%Port%'`, `A="MzM4OQ=="`},
		{`A|re|expand: '^%Host%\d$'`, `A~^(?:EX-A\.b|EX(?s:.))\d(?:$|\n\z)`},
		{`A|re|expand: '^%Nobody%$'`, `A %Nobody%`},
		{`A|expand: '%admins%'`, `A %admins%`},
		{`A|expand: ['%Nobody%', x]`, `(A %Nobody% | A="x")`},
		{`A: '%Admins%'`, `A="%Admins%"`},
	} {
		rules, problems := p.Parse([]byte(sel(c.item)), "a.yml", "")
		if len(rules) != 1 || len(problems) > 0 || show(rules[0].Detection.Condition) != c.want {
			t.Errorf("%s: got %v %v, want %s", c.item, rules, problems, c.want)
		}
	}
	for _, bad := range []string{"- a\n", "A: {b: c}\n", "A: [\n", "A: 1\nA: 2\n"} {
		if _, err := Placeholders([]byte(bad)); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}
