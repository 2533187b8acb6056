package match

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"unicode"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

// guarded are expressions, and the texts of which their guard asks one.
var guarded = []struct {
	re    string
	texts []string
}{
	{`(?i)/(img|tmp)/x`, []string{"/img/x", "/tmp/x"}},
	{`(?i)/(uploads?|uploaded\w*|css)/`, []string{"/css", "/upload", "/uploaded", "/uploads"}},
	{`\.(php\d?|jsp[fw])$`, []string{".jspf", ".jspw", ".php"}},
	{`^run(b|c)?d+e`, []string{"runbd", "runcd", "rund"}},
	{`(abc)*defg`, []string{"defg"}},
	{`abc[0-9]+longer`, []string{"longer"}},
	{`(first|second.*)y`, []string{"first", "second"}},
	{`(first|second.*|[^x])yes`, []string{"yes"}},
	{`x*`, nil},
	{`[0-9a-f]`, nil},
	{`.`, nil},
	{`(?i)(set).*&&\s?set.*(environment|invoke|\$?\{?input).*&&.*"`, []string{"$input", "${input", "environment", "input", "invoke", "{input"}},
	{`(|abc)`, nil},
	{`(?i)\x{17f}tart`, []string{"start"}},
}

// TestGuards: what is known of an expression is what its parts tell together.
func TestGuards(t *testing.T) {
	for _, c := range guarded {
		if got := guardOf(t, c.re).texts; !slices.Equal(got, c.texts) {
			t.Errorf("%s: %q, want %q", c.re, got, c.texts)
		}
	}
}

func guardOf(t testing.TB, re string) guard {
	tree, err := syntax.Parse(re, syntax.Perl)
	if err != nil {
		t.Skip(err)
	}
	return factsOf(tree.Simplify(), 0).best()
}

// spell writes a text that an expression matches, as far as its assertions allow.
func spell(b *strings.Builder, re *syntax.Regexp, r *rand.Rand) {
	times := func(low, high int) {
		for range low + r.IntN(high-low+1) {
			spell(b, re.Sub[0], r)
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, c := range re.Rune {
			for n := r.IntN(4); re.Flags&syntax.FoldCase != 0 && n > 0; n-- {
				c = unicode.SimpleFold(c)
			}
			b.WriteRune(c)
		}
	case syntax.OpCharClass:
		if len(re.Rune) > 0 {
			i := 2 * r.IntN(len(re.Rune)/2)
			b.WriteRune(re.Rune[i] + r.Int32N(min(re.Rune[i+1]-re.Rune[i], 500)+1))
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte("aZ/ .0"[r.IntN(6)])
	case syntax.OpCapture:
		times(1, 1)
	case syntax.OpStar:
		times(0, 3)
	case syntax.OpPlus:
		times(1, 3)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		times(re.Min, max(re.Max, re.Min+1))
	case syntax.OpConcat:
		for _, s := range re.Sub {
			spell(b, s, r)
		}
	case syntax.OpAlternate:
		spell(b, re.Sub[r.IntN(len(re.Sub))], r)
	}
}

// FuzzGuard: no guard refuses a text that its expression matches, be it given or spelt by the expression.
func FuzzGuard(f *testing.F) {
	for _, c := range guarded {
		f.Add(c.re, "text", uint64(1))
	}
	f.Fuzz(func(t *testing.T, pattern, text string, seed uint64) {
		if len(pattern) > 200 {
			return
		}
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			return
		}
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		a, err := newAtom(0, &sigma.Leaf{Op: sigma.Matches, Regexp: pattern})
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{text}
		r := rand.New(rand.NewPCG(seed, 0))
		for range 8 {
			var b strings.Builder
			if spell(&b, tree, r); b.Len() < 4096 {
				texts = append(texts, b.String())
			}
		}
		for _, s := range texts {
			matches := re.MatchString(s)
			if matches && a.refuses([]byte(foldString(s))) {
				t.Fatalf("%q matches %q, and the guards %q and %v refuse it", pattern, s, a.guard.texts, a.more)
			}
			if matches != a.matches([]byte(s)) {
				t.Fatalf("%q matches %q: %t; the atom says otherwise", pattern, s, matches)
			}
		}
	})
}

// FuzzEqualsPlain: one Scratch over many records answers as a walk over the rules' trees does for each: what it remembers
// of the records before makes no difference.
func FuzzEqualsPlain(f *testing.F) {
	const rules = `title: a
logsource: {product: linux}
detection: {k: ['=${', 'whoami', 'nc'], s: {cs-method: GET}, condition: k and s}
---
title: b
logsource: {product: linux}
detection: {s: {one|re: '(?i)/(img|tmp|css)/.*\.(php|js)$'}, n: {two|contains: é}, condition: s or n}
---
title: c
logsource: {product: linux}
detection: {s: {one|startswith: ab, two|endswith: '\cmd.exe'}, n: {one: ''}, condition: s or not n}
---
title: d
logsource: {product: linux}
detection: {s: {one|gte: 100}, n: {two: null}, r: {two|re: 'nc[0-9]'}, condition: s and n or r}
---
title: e
logsource: {product: linux}
detection: {s: {two|fieldref|cased: three, one|fieldref|cased|contains: two}, n: {three: ab}, condition: s and not n}
`
	f.Add("GET\nx=${y\nab\n\nGET\nx=${y\nab\n\nPOST\n/tmp/a.php\n12\ncm\\cmd.exe\n\n\n\n\n")
	f.Add("GET\n/IMG/a.JS\n120\n\nGET\nnc7\nnc7\né\n")
	f.Add("GET\nabc\nb\nb\nGET\nab\nab\nab\nb\nabc\nb\nc\nGET\nabc\nGET\nc\n")
	p := programOf(f, rules)
	plain := NewPlain(p.Rules)
	schema := event.TextSchema(event.Source{Product: "linux", Channel: "syslog"}, "cs-method", "one", "two", "three")
	f.Fuzz(func(t *testing.T, text string) {
		var s, s2 Scratch
		plan := p.Plan(schema)
		lines := strings.Split(text, "\n")
		for i := 0; i+3 < len(lines); i += 4 {
			r := event.Record{Schema: schema, Slots: make([]event.Value, 4)}
			for k, v := range lines[i : i+4] {
				switch {
				case v == "-":
				case len(v) > 0 && v[0] == '1':
					r.Slots[k] = event.Value{Type: event.Number, Raw: []byte(v)}
				default:
					r.Slots[k] = event.Text(v)
				}
			}
			want := plain.Match(&r)
			if got := s.match(plan, &r, nil); !slices.Equal(got, want) {
				t.Fatalf("record %d of %q: %v, plain %v", i/4, text, got, want)
			}
			if got := p.Match(plan, &r, &s2, nil); !slices.Equal(got, want) {
				t.Fatalf("record %d of %q: by memory %v, plain %v", i/4, text, got, want)
			}
		}
	})
}

// TestMoreGuards: an expression is not tried on a value that lacks one of the texts it needs, though it has another.
func TestMoreGuards(t *testing.T) {
	a, err := newAtom(0, &sigma.Leaf{Op: sigma.Matches, Regexp: `(?i)/(tmp|img)/.*(first|second)\d+\.php`})
	if err != nil {
		t.Fatal(err)
	}
	for text, refused := range map[string]bool{"/tmp/first1.php": false, "/usr/first1.php": true, "/tmp/1.php": true, "/img/second.html": true} {
		if got := a.refuses([]byte(text)); got != refused {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestGuardsOfAlternatives: what each alternative needs beside its best text is needed of all.
func TestGuardsOfAlternatives(t *testing.T) {
	a, err := newAtom(0, &sigma.Leaf{Op: sigma.Matches, Regexp: `(?i)(\bnc(64)?(\.exe)?\s.{0,9}\s-e\s*"?(cmd|pwsh)|\bpowercat\s.{0,9}-e[px]?\s*(cmd)?)`})
	if err != nil {
		t.Fatal(err)
	}
	for text, refused := range map[string]bool{"nc 10.0.0.1 -e cmd": false, "powercat -c x -ep": false, "cmd /c dir": true, "cmd /c nc 10.0.0.1": true, "powercat": true} {
		if got := a.refuses([]byte(text)); got != refused {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzNumbers: numbers, SIDs and GUIDs, of any length, are found as if they had been spelled.
func FuzzNumbers(f *testing.F) {
	const rules = `title: a
logsource: {product: windows, service: security}
detection: {s: {one: [3, 10, '0x3e7', 0, '0x0', '007', '00'], two|contains: whoami}, condition: s}
---
title: b
logsource: {product: windows, service: security}
detection: {s: {one: [3, '0x3e7', '18446744073709551615', '0xffffffffffffffff', '2', '0X2']}, n: {two: 3}, condition: s or n}
---
title: c
logsource: {product: windows, service: security}
detection: {s: {three: [S-1-5-18, '{00000000-0000-0000-0000-000000000000}'], two|endswith: '-500'}, n: {four: '12'}, condition: s or n}
---
title: d
logsource: {product: windows, service: security}
detection: {s: {four|startswith: '1'}, n: {four|contains: 'false'}, x: {five: [1, 'a0', '-1']}, condition: s or n or x}
`
	for _, t := range []event.Type{event.Int8, event.Uint8, event.Int32, event.Uint16, event.Uint32, event.Uint64, event.Hex32, event.Hex64, event.Size, event.GUID, event.SID, event.Bool, event.Binary} {
		f.Add([]byte{byte(t), 3, byte(t), 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0, byte(t), 0xe7, 3, 0, 0, 0, 0, 0, 0}, uint8(8))
	}
	p := programOf(f, rules)
	plain := NewPlain(p.Rules)
	schema := event.TextSchema(event.Source{Product: "windows", Channel: "Security"}, "one", "two", "three", "four", "five")
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		var s Scratch
		plan := p.Plan(schema)
		for len(data) > 0 {
			r := event.Record{Schema: schema, Slots: make([]event.Value, 5)}
			for k := range r.Slots {
				if len(data) == 0 {
					break
				}
				n := min(len(data)-1, int(size)%40)
				r.Slots[k] = event.Value{Type: event.Type(data[0]), Raw: data[1 : 1+n]}
				data = data[1+n:]
			}
			if got, want := p.Match(plan, &r, &s, nil), plain.Match(&r); !slices.Equal(got, want) {
				t.Fatalf("%v: %v, plain %v", r.Slots, got, want)
			}
		}
	})
}
