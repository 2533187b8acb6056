package sigma

import (
	"reflect"
	"regexp"
	"testing"
	"unicode/utf8"
)

// FuzzParse feeds files. Whatever comes out must be a tree as tree.go describes it, and the same twice.
func FuzzParse(f *testing.F) {
	for _, c := range cases {
		if len(c.text) < 4096 {
			f.Add([]byte(c.text))
		}
	}
	holders := map[string][]string{"Admins": {"adm_*", "root"}}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := []File{{Path: "a.yml", Data: data}}
		s := Load(files, holders)
		for _, r := range s.Rules {
			checkRule(t, r)
		}
		for _, p := range s.Problems {
			if p.Why == "" || p.Path == "" {
				t.Errorf("empty problem %+v", p)
			}
		}
		if again := Load(files, holders); !reflect.DeepEqual(s, again) {
			t.Errorf("two readings differ:\n%+v\n%+v", s, again)
		}
	})
}

func checkRule(t *testing.T, r Rule) {
	if (r.Detection == nil) == (r.Correlation == nil) || r.Filter != nil {
		t.Errorf("rule with detection %v, correlation %v, filter %v", r.Detection, r.Correlation, r.Filter)
		return
	}
	if r.Correlation != nil {
		_ = r.Correlation.String()
		return
	}
	_ = r.Detection.String()
	checkExpr(t, r.Detection.Condition)
}

func checkExpr(t *testing.T, e Expr) {
	switch e := e.(type) {
	case And:
		for _, p := range e {
			checkExpr(t, p)
		}
	case Or:
		for _, p := range e {
			checkExpr(t, p)
		}
	case Not:
		checkExpr(t, e.Of)
	case *Leaf:
		checkLeaf(t, e)
	default:
		t.Errorf("expression %T", e)
	}
}

func checkLeaf(t *testing.T, l *Leaf) {
	for i, p := range l.Pattern {
		same := i > 0 && p.Wild == l.Pattern[i-1].Wild && p.Wild != One
		if same || (p.Wild == None) == (p.Text == "") || !utf8.ValidString(p.Text) {
			t.Errorf("pattern %q", l.Pattern)
		}
	}
	switch l.Op {
	case Matches:
		if _, err := regexp.Compile(l.Regexp); err != nil {
			t.Error(err)
		}
	case InNetwork:
		if !l.Network.IsValid() || l.Network != l.Network.Masked() || l.Network.Addr().Is4In6() && l.Network.Bits() >= 96 {
			t.Errorf("network %v", l.Network)
		}
	case SameAs:
		if l.Ref == "" || l.Field == "" {
			t.Errorf("reference %+v", l)
		}
	case Like, Expand:
	default:
		if l.Field == "" {
			t.Errorf("no field for %+v", l)
		}
	}
}

// FuzzExpand unfolds a value with placeholders of any file, as text, as Base64 and in a regular expression.
func FuzzExpand(f *testing.F) {
	f.Add([]byte("A: [a*, 'b?']\nB: x\n"), `\%x%A%%B%`)
	f.Add([]byte("'%A%':\n  - 1\n  - null\n"), `^%A%+\\%A%$`)
	f.Add([]byte("A: {b: c}"), `%A`)
	f.Fuzz(func(t *testing.T, file []byte, raw string) {
		holders, err := Placeholders(file)
		if err != nil || len(raw) > 1<<10 {
			return
		}
		p := &Parser{Placeholders: holders}
		for _, names := range [][]string{{"expand"}, {"expand", "base64offset"}, {"expand", "windash", "wide"}, {"re", "i", "expand"}} {
			values, err := p.valuesOf(&node{kind: textNode, text: raw}, names)
			if err != nil {
				continue
			}
			for _, v := range values {
				made, err := modify(v, names)
				if err != nil {
					continue
				}
				for _, v := range made {
					if leaf, err := v.finish("A"); err == nil {
						checkLeaf(t, leaf)
					}
				}
			}
		}
	})
}
