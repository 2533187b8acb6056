package match

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"wardround/internal/event"
	"wardround/internal/sigma"
)

const rulesOfParts = `title: keywords
logsource: {product: linux}
detection: {k: [whoami, 'nc -e', Ärger, 'kö', '={{', Ã, ㈲], condition: k}
---
title: all
logsource: {product: linux}
detection: {k: {'|all': [root, shell]}, condition: k}
---
title: expression
logsource: {product: linux}
detection: {k: {'|re': '(?i)(task|sask)[0-9]'}, condition: k}
---
title: fields
logsource: {product: linux}
detection: {s: {user: [root, admin]}, n: {src|cidr: 10.0.0.0/8}, p: {port: '22'}, c: {user|contains: roo, port|gte: 30}, condition: s and not n or p or c}
---
title: names
logsource: {product: linux}
detection: {s: {user|contains: hell}, n: {src: 10.1.2.3}, condition: s or n}
---
title: size
logsource: {product: linux}
detection: {s: {bytes|gte: 30}, condition: s}
---
title: whole
logsource: {product: linux}
detection: {s: {message|contains: accepted}, n: {user: null}, condition: s and not n}
`

// ruleOfEnds asks of parts what is not asked of the whole.
const ruleOfEnds = `---
title: ends
logsource: {product: linux}
detection: {k: {'|startswith': [evil, 'ro']}, m: {'|endswith': [.sh, 'l']}, condition: k or m}
`

// fuzzedParts takes bytes for a message and for what was cut from it, and how.
func fuzzedParts(schema *event.Schema, message, how []byte) (records []event.Record) {
	for ; len(how) >= 8; how = how[8:] {
		r := event.Record{Schema: schema, Slots: make([]event.Value, schema.Slots)}
		r.Slots[schema.Whole] = event.Value{Type: typeOf(how[0] % 8), Raw: message[:len(message)-int(how[1])%(len(message)+1)/2]}
		for slot := range r.Slots {
			if slot == schema.Whole || len(message) == 0 {
				continue
			}
			from := int(how[2+slot]) % len(message)
			to := from + int(how[3+slot])%(len(message)-from+1)
			v := event.Value{Type: typeOf(how[7] % 8), Raw: message[from:to]}
			switch how[7] / 8 % 4 {
			case 0:
				v.Raw = bytes.Clone(v.Raw)
			case 1:
				v.Raw = slices.Clip(v.Raw)
			}
			r.Slots[slot] = v
		}
		copied := event.Record{Schema: schema, Slots: slices.Clone(r.Slots)}
		for i := range copied.Slots {
			copied.Slots[i].Raw = bytes.Clone(copied.Slots[i].Raw)
		}
		copied.Slots[schema.Whole] = event.Value{}
		records = append(records, r, copied)
	}
	return records
}

func typeOf(n byte) event.Type {
	switch n {
	case 0:
		return event.Ansi
	case 1:
		return event.Number
	case 2:
		return event.UTF16
	case 3:
		return event.Null
	}
	return event.UTF8
}

// FuzzParts: values that are cut from a message are answered as those are that are not.
func FuzzParts(f *testing.F) {
	programs := []*Program{programOf(f, rulesOfParts), programOf(f, rulesOfParts+ruleOfEnds)}
	schema := event.TextSchema(event.Source{Product: "linux", Channel: "auth"}, "user", "message", "src", "port", "bytes")
	schema.Whole = 1
	words := []string{"whoami", "nc -e", "ärGer", "Kö", "KÖ", "={{", "root", "shell", "taſK7", "saSK1", "evil", "ro.sh", "admin", "10.1.2.3", "22", "31", "Accepted", "\xc3", "\x84", " "}
	random := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		text, how := "", make([]byte, 8*40)
		for range 1 + random.IntN(4) {
			text += words[random.IntN(len(words))]
		}
		for i := range how {
			how[i] = byte(random.IntN(256))
		}
		f.Add([]byte(text), how)
	}
	f.Fuzz(func(t *testing.T, message, how []byte) {
		for _, p := range programs {
			plain, plan := NewPlain(p.Rules), p.Plan(schema)
			var s Scratch
			for i, r := range fuzzedParts(schema, message, how) {
				want := plain.Match(&r)
				if got := p.Match(plan, &r, &s, nil); !slices.Equal(got, want) {
					t.Fatalf("record %d of %q, %q: %v, plain %v", i, message, r.Slots, got, want)
				}
			}
		}
	})
}

// TestPartsAmidLetters: a text that is no UTF-8 may lie in a part that ends amid a letter, and not in the whole, whose letter is lowered.
func TestPartsAmidLetters(t *testing.T) {
	leaf := &sigma.Leaf{Op: sigma.Like, Pattern: sigma.Pattern{{Wild: sigma.Many}, {Text: "abc\xc8"}, {Wild: sigma.Many}}}
	p := Compile([]sigma.Rule{{LogSource: sigma.LogSource{Product: "linux"}, Detection: &sigma.Detection{Condition: leaf}}})
	schema := event.TextSchema(event.Source{Product: "linux", Channel: "auth"}, "user", "message")
	schema.Whole = 1
	message := []byte("abcȺ") // C8 BA, in lower case E2 B1 A5
	r := event.Record{Schema: schema, Slots: []event.Value{{Type: event.UTF8, Raw: message[:4]}, {Type: event.UTF8, Raw: message}}}
	var s Scratch
	if scanned, remembered := Ways(p.Plan(schema), &r, &s); len(scanned) != 1 || len(remembered) != 1 {
		t.Errorf("scanned %v, remembered %v", scanned, remembered)
	}
}
