package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

// flat renders the tokens of an object: "a.b=text" for each plain value.
func flat(j *jsonObjects) string {
	var out, path []string
	for _, t := range j.tokens {
		key := string(appendJSONString(nil, j.text[t.key:t.keyEnd]))
		switch t.kind {
		case jsonObject, jsonArray:
			path = append(path, key)
			continue
		case jsonClose:
			path = path[:len(path)-1]
			continue
		}
		v := string(j.text[t.at:t.end])
		if t.escaped {
			v = string(appendJSONString(nil, j.text[t.at:t.end]))
		}
		out = append(out, strings.Join(append(path, key), ".")+"="+v)
	}
	return strings.Join(out, " ")
}

func TestJSONObjects(t *testing.T) {
	for _, c := range []struct{ name, in, want, damage string }{
		{"lines", `{"a":1}` + "\n" + `{"b":"x y"}` + "\r\n", "0:a=1|8:b=x y", ""},
		{"concatenated", `{"a":1}{"b":[true,null,-2.5e3]}`, "0:a=1|7:b.=true b.=null b.=-2.5e3", ""},
		{"array", "[{\"a\":1},\n {\"a\":{}},{}]", "1:a=1|11:|20:", ""},
		{"printed", "{\n  \"a\" : {\n    \"b\" : [ 1, 2 ]\n  }\n}\n", "0:a.b.=1 a.b.=2", ""},
		{"evtx_dump", "Record 1\n{\n \"a\": 1\n}\nRecord 2\n{\n \"a\": 2\n}\n", "9:a=1|30:a=2", ""},
		{"escapes", `{"a\u0062":"\u0041\ud83d\ude00\ud800\n\/\q"}`, "0:ab=A😀\ufffd\n/\\q", ""},
		{"byte order mark", "\xef\xbb\xbf{\"a\":1}", "3:a=1", ""},
		{"UTF-16", "\xff\xfe{\x00}\x00", "2:", ""},
		{"cut line", "{\"a\":\"x\n{\"a\":2}\n", "8:a=2", "0+8 not a JSON object"},
		{"cut inside a container", "{\"a\":{\"b\":1,\n{\"a\":2}\n", "13:a=2", "0+13 not a JSON object"},
		{"cut end", "{\"a\":1}\n{\"a\":", "0:a=1", "8+5 object is cut off"},
		{"garbage between", "{\"a\":1}\nhello {\n\x00\x00{\"a\":2}\n{\"a\":3}", "0:a=1|26:a=3", "8+8 not a JSON object|16+10 not a JSON object"},
		{"broken member of a printed array", "[\n  {\n    \"a\": {\n      \"b\" 1\n    }\n  },\n  {\n    \"a\": 2\n  }\n]", "42:a=2", "4+36 not a JSON object"},
		{"mismatch", `{"a":[1}}` + "\n{}", "10:", "0+10 not a JSON object"},
		{"no comma", `{"a":1 "b":2}`, "", "0+13 not a JSON object"},
		{"word", `{"a":nil}`, "", "0+9 not a JSON object"},
		{"deep", strings.Repeat(`{"a":`, 70) + "\n{}", "351:", "0+351 object is nested too deep"},
		{"wide", `{"a":[` + strings.Repeat(`1,`, 9000) + "1]}\n{}", "18010:", "0+18010 object holds too many values"},
	} {
		for _, slow := range []bool{false, true} {
			var damage []string
			note := func(at, n int64, why string) { damage = append(damage, fmt.Sprintf("%d+%d %s", at, n, why)) }
			j := newJSONObjects(context.Background(), strings.NewReader(c.in), note)
			if slow {
				j = newJSONObjects(context.Background(), iotest.OneByteReader(strings.NewReader(c.in)), note)
			}
			var got []string
			for j.next() {
				got = append(got, fmt.Sprintf("%d:%s", j.offset, flat(j)))
			}
			if s := strings.Join(got, "|"); s != c.want || j.fail() != nil {
				t.Errorf("%s (slow %v): got %q (%v), want %q", c.name, slow, s, j.fail(), c.want)
			}
			if s := strings.Join(damage, "|"); s != c.damage {
				t.Errorf("%s (slow %v): damage %q, want %q", c.name, slow, s, c.damage)
			}
		}
	}
}

// FuzzJSON holds the tokens against encoding/json: whatever that accepts as an object must come out with equal values.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":{"b":[1,"x\u00e9\ud800",null,true]},"c":-0.5E+2}`, "{\"a\":\"\x7f\\\"\"}", `{"a":[[],{}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j := newJSONObjects(context.Background(), bytes.NewReader(b), func(at, n int64, _ string) {
			if at < 0 || n < 0 || at+n > int64(len(b)) {
				t.Fatalf("damage at %d of %d bytes in %d", at, n, len(b))
			}
		})
		objects := 0
		for j.next() {
			objects++
			flat(j)
		}
		var m map[string]json.RawMessage
		if len(b) == 0 || b[0] != '{' || len(b) > 4096 || json.Unmarshal(b, &m) != nil || bytes.Count(b, []byte("[")) > 30 || bytes.Count(b, []byte("{")) > 30 {
			return
		}
		if objects != 1 {
			t.Fatalf("%d objects in %q", objects, b)
		}
		j = newJSONObjects(context.Background(), bytes.NewReader(b), func(int64, int64, string) {})
		j.next()
		depth := 0
		for _, tok := range j.tokens {
			switch tok.kind {
			case jsonClose:
				depth--
			case jsonObject, jsonArray:
				depth++
			case jsonString:
				if depth > 0 {
					continue
				}
				key := string(appendJSONString(nil, j.text[tok.key:tok.keyEnd]))
				var want string
				if json.Unmarshal(m[key], &want) != nil || bytes.Count(b, []byte(`"`+key+`"`)) != 1 || !utf8.Valid(b) {
					continue
				}
				if got := string(appendJSONString(nil, j.text[tok.at:tok.end])); got != want {
					t.Fatalf("value of %q: %q, want %q", key, got, want)
				}
			}
		}
	})
}
