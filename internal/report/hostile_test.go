package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"wardround/internal/event"
)

// payloads is what evidence may hold anywhere.
var payloads = []string{
	`"><script>alert(1)</script>`, `</title><script>alert(1)</script>`, `</style><img src=x onerror=alert(1)>`, `</script><svg onload=alert(1)>`,
	`[x](javascript:alert(1))`, `javascript:alert(1)`, `<a href="javascript:alert(1)">x</a>`, `'-alert(1)-'`, "`${alert(1)}`", `{{.}} {{template "sign" "x"}}`, `%!s(MISSING)`,
	`=cmd|' /C calc'!A0`, `+1+1`, `-2+3`, `@SUM(A1)`, "\t=1+1", "\r\n=1+1", `＝1+1`, `"=1+1`, `';=1+1`,
	"\x1b[31mred\x1b]0;title\x07\x1b[2J", "\u009b31m\u009d0;x\u009c", "\u202egnp.exe\u2066x\u2069", "nul\x00byte", "\xff\xfe\x80 bad utf-8 \xed\xa0\x80", "zero\u200bwidth\ufeff",
	"line one\nline two\r\nline three\u2028four\u2029five\x0b\x0c\u0085six", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", `<!-- --> <![CDATA[ ]]> &lt;script&gt; &#60;`,
	`url(https://198.18.0.7/x) expression(alert(1)) ;background:url(x)`, `#s1" onclick="alert(1)`, `../../etc/passwd`, strings.Repeat("A<b>\x1b\u202e", 150_000), strings.Repeat("x", 1<<20), " ",
}

// fill puts text into every string of v, and something plausible into everything else. Slices and maps get two entries.
func fill(v reflect.Value, text string, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Float64:
		v.SetFloat(0.5)
	case reflect.Uint64:
		v.SetUint(4711)
	case reflect.Int, reflect.Int64:
		if v.Type() == reflect.TypeFor[event.Time]() {
			v.SetInt(int64(ist(19, 3, 12, *n%60)))
		} else {
			v.SetInt(3)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), text, n)
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, suffix := range []string{"", "2"} {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, text, n)
			v.SetMapIndex(reflect.ValueOf(text+suffix).Convert(v.Type().Key()), value)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, n)
		}
	default:
		panic("no rule to fill " + v.Type().String())
	}
}

// hostileStream sets every field of every message to text. Only the verdicts and classes stay words, so that all
// sections of the page are drawn; with judged false these are text too.
func hostileStream(text string, judged bool) []*Message {
	var out []*Message
	n := 0
	for i := range reflect.TypeFor[Message]().NumField() {
		m := &Message{}
		fill(reflect.ValueOf(m).Elem().Field(i), text, &n)
		out = append(out, m)
	}
	v, story := out[1].Verdicts, out[2].Story
	if judged {
		story.Origin[0].Rung, story.Origin[1].Rung = event.RungIndicator, event.RungClaim
		story.Edges[1].From, story.Nodes[0].Kind = nil, event.NodeAddress
		v.Servers[0].Verdict, v.Servers[1].Verdict = event.Infiltrated, event.Suspected
		v.Servers[0].Examined, v.Servers[0].Because[0].Class = event.Enough, event.A
	}
	v.Window = event.Window{From: ist(16, 0, 0, 0), To: ist(24, 0, 0, 0), Basis: text}
	return out
}

// skeleton lists a page's elements with the names of their attributes, in order. It fails where an attribute that
// must be ours holds anything else.
func skeleton(t *testing.T, name, page, style, script string) []string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	scripts, styles := 0, 0
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.CommentNode {
			t.Errorf("%s: a comment", name)
		}
		if n.Type == html.ElementNode {
			line := n.Data
			for _, a := range n.Attr {
				line += " " + a.Key
				if ok := ours[a.Key]; ok != nil && !ok.MatchString(a.Val) {
					t.Errorf("%s: <%s %s=%.200q>", name, n.Data, a.Key, a.Val)
				}
			}
			out = append(out, line)
			switch n.Data {
			case "script":
				scripts++
				if n.FirstChild == nil || n.FirstChild.Data != script {
					t.Errorf("%s: the script is not ours", name)
				}
			case "style":
				styles++
				if n.FirstChild == nil || n.FirstChild.Data != style {
					t.Errorf("%s: the style is not ours", name)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	walk(doc)
	if scripts != min(len(script), 1) || styles != 1 {
		t.Errorf("%s: %d scripts, %d styles", name, scripts, styles)
	}
	return out
}

// ours are the attributes that no evidence may reach, and what they may hold.
var ours = map[string]*regexp.Regexp{
	"href":             regexp.MustCompile(`^#[a-z-]+[0-9]*$`),
	"id":               regexp.MustCompile(`^[a-z-]+[0-9]*$`),
	"class":            regexp.MustCompile(`^[a-zA-Z -]+$`),
	"d":                regexp.MustCompile(`^[MLHhvVz0-9 .-]*$`),
	"x":                regexp.MustCompile(`^[0-9.]+%?$`),
	"width":            regexp.MustCompile(`^([0-9.]+%?|device-width.*)$`),
	"transform":        regexp.MustCompile(`^(translate|rotate)\([0-9 -]+\)$`),
	"data-k":           regexp.MustCompile(`^-?[0-9]*$`),
	"style":            regexp.MustCompile(`^\x00$`), // none is allowed
	"src":              regexp.MustCompile(`^\x00$`),
	"aria-labelledby":  regexp.MustCompile(`^h-[a-z]+[0-9]*$`),
	"aria-describedby": regexp.MustCompile(`^\x00$`),
}

func TestHostileHTML(t *testing.T) {
	for _, judged := range []bool{true, false} {
		want := skeleton(t, "benign", renderString(t, HTML, hostileStream("benign", judged)), pageCSS, pageJS)
		for i, p := range payloads {
			name := fmt.Sprintf("payload %d %.30q", i, p)
			page := renderString(t, HTML, hostileStream(p, judged))
			if len(page) > 3_500_000 {
				t.Errorf("%s: %d bytes", name, len(page))
			}
			if strings.TrimSpace(p) == "" { // blank text is no text: other sentences stand in its place
				skeleton(t, name, page, pageCSS, pageJS)
			} else if got := skeleton(t, name, page, pageCSS, pageJS); !slices.Equal(got, want) {
				t.Errorf("%s: other elements than a benign page: %s", name, firstDifference(strings.Join(got, "\n"), strings.Join(want, "\n")))
			}
			for _, r := range page {
				if r != '\n' && !unicode.IsPrint(r) && r != '\t' && r != '\u00a0' {
					t.Errorf("%s: the page holds %U", name, r)
					break
				}
			}
			if !utf8.ValidString(page) {
				t.Errorf("%s: the page is not UTF-8", name)
			}
		}
	}
}

// TestHostileAccount: the written account is two sheets of text, whatever stands in the evidence.
func TestHostileAccount(t *testing.T) {
	for i, p := range payloads {
		name := fmt.Sprintf("payload %d %.30q", i, p)
		page := renderString(t, AccountHTML, hostileStream(p, true))
		skeleton(t, name, page, accountCSS, "")
		data := renderString(t, AccountJSON, hostileStream(p, true))
		if len(page) > 120_000 || len(data) > 200_000 {
			t.Errorf("%s: %d and %d bytes", name, len(page), len(data))
		}
		if !json.Valid([]byte(data)) {
			t.Errorf("%s: no JSON", name)
		}
		for _, r := range page + data {
			if r != '\n' && !unicode.IsPrint(r) && r != '\u00a0' {
				t.Errorf("%s: the account holds %U", name, r)
				break
			}
		}
	}
	if !strings.Contains(renderString(t, AccountHTML, smallStream()), `content="`+policyOf(accountCSS, "")+`"`) || strings.Contains(accountPage+accountCSS, "://") || strings.Contains(accountPage, " style=") {
		t.Error("the account's policy, or something that it would fetch")
	}
}

func TestHostileText(t *testing.T) {
	for i, p := range payloads {
		for _, o := range []TextOptions{{}, {Columns: 133, Lines: 50, Colour: true}} {
			s := renderString(t, func(w io.Writer) Handler { return Text(w, o) }, hostileStream(p, true))
			if o.Colour {
				s = regexp.MustCompile("\x1b\\[(0|1|1;3[134])m").ReplaceAllString(s, "")
			}
			lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
			if len(lines) > max(24, o.Lines)-1 {
				t.Errorf("payload %d: %d lines", i, len(lines))
			}
			for _, l := range lines {
				if columns(l) > max(80, o.Columns) {
					t.Errorf("payload %d: %d columns", i, columns(l))
				}
				for _, r := range l {
					if !unicode.IsPrint(r) && r != '\u00a0' || r == utf8.RuneError {
						t.Errorf("payload %d: the terminal would be sent %U in %.100q", i, r, l)
						break
					}
				}
			}
		}
	}
}

func TestHostileCSV(t *testing.T) {
	for i, p := range payloads {
		s := strings.TrimPrefix(renderString(t, CSV, hostileStream(p, true)), "\ufeff")
		rows, err := csv.NewReader(strings.NewReader(s)).ReadAll()
		if err != nil || len(rows) != 3 {
			t.Fatalf("payload %d: %d rows, %v", i, len(rows), err)
		}
		if strings.Count(s, "\n") != 3 {
			t.Errorf("payload %d: a row is more than a line", i)
		}
		for _, row := range rows {
			for _, c := range row {
				if len(c) > 32_767 {
					t.Errorf("payload %d: a cell of %d bytes", i, len(c))
				}
				if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(c, ` "`)); strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", first) && c != "" && first != utf8.RuneError {
					t.Errorf("payload %d: a formula: %.60q", i, c)
				}
				for _, r := range c {
					if !unicode.IsPrint(r) {
						t.Errorf("payload %d: %U in a cell", i, r)
						break
					}
				}
			}
		}
	}
}

func TestHostileJSONL(t *testing.T) {
	for i, p := range payloads {
		if len(p) > 10_000 {
			continue // values are not cut in this form: gigabytes would show nothing more
		}
		s := renderString(t, JSONL, hostileStream(p, true))
		for _, r := range s {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("payload %d: %U", i, r)
				break
			}
		}
		d := json.NewDecoder(strings.NewReader(s))
		for n := 0; ; n++ {
			var m Message
			if err := d.Decode(&m); err == io.EOF {
				if n != reflect.TypeFor[Message]().NumField() {
					t.Errorf("payload %d: %d messages", i, n)
				}
				break
			} else if err != nil {
				t.Fatalf("payload %d: %v", i, err)
			}
			if m.Case != nil && utf8.ValidString(p) && m.Case.Name != p {
				t.Errorf("payload %d: the raw value is not kept", i)
			}
		}
	}
}

// TestPolicyOfPage: the digests in the policy are those of the style and the script as a browser sees them.
func TestPolicyOfPage(t *testing.T) {
	page := renderString(t, HTML, smallStream())
	between := func(from, to string) string {
		_, rest, _ := strings.Cut(page, from)
		inside, _, _ := strings.Cut(rest, to)
		return inside
	}
	want := policyOf(between("<style>", "</style>"), between("<script>", "</script>"))
	if !strings.Contains(page, `content="`+want+`"`) {
		t.Errorf("the policy is not %s", want)
	}
	if i, j := strings.Index(page, "Content-Security-Policy"), strings.Index(page, "<style>"); i < 0 || i > j {
		t.Error("the policy comes after what it governs")
	}
	for _, s := range []string{pageCSS, pageJS, pageHTML, storyHTML, dataHTML} {
		if bytes.Contains([]byte(s), []byte("http://")) || strings.Contains(s, "https://") || strings.Contains(s, "@import") || strings.Contains(s, " style=") {
			t.Error("the page would fetch something or carries a style of its own")
		}
	}
	if strings.Contains(pageHTML+storyHTML+dataHTML, "template.HTML") {
		t.Error("template.HTML")
	}
}

// FuzzText: whatever a name holds, it is one visible line on every form.
func FuzzText(f *testing.F) {
	for _, p := range payloads {
		if len(p) < 1000 {
			f.Add(p)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := show(s, maxName)
		for _, r := range got {
			if r != ' ' && !unicode.IsPrint(r) && r != '\u200c' && r != '\u200d' {
				t.Fatalf("show(%q) holds %U", s, r)
			}
		}
		if len(got) > 20*(maxName+60) {
			t.Fatalf("show(%q) has %d bytes", s, len(got))
		}
		for _, l := range wrap(got, 20, 4) {
			if columns(l) > 20 {
				t.Fatalf("%q is wider than 20", l)
			}
		}
		c := cell(got)
		if strings.ContainsAny(c, "\r\n") {
			t.Fatalf("cell %q", c)
		}
	})
}

// FuzzDecode: a broken stream is an error, never a crash.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"case":{"zone":"IST"}}` + "\n" + `{"verdicts":{"servers":[{"server":"a","verdict":"infiltrated","since":{"earliest_possible":null,"first_proven":"2022-11-19T00:00:00Z"},"because":[{"findings":["x"],"class":"A"}]}]}}` + "\n" + `{"finding":{"id":"x","fields":{"a":"b"}}}`))
	f.Add([]byte(`{"case":{}}{"verdicts":{"window":{"from":"2022-11-19T00:00:00Z","to":"2022-11-20T00:00:00Z"},"seen_by_hour":[{"from":"2022-11-19T00:00:00Z","seen":2}],"servers":[{"coverage":{"questions":[{"answered":0.5,"holes":[[null,"2022-11-19T12:00:00Z"]]}]},"verdict":"suspected"}]}}{"hits":{}}{"movement":{}}{"evidence":{}}{"artifact":{"holes":[[3,1]]}}{"unused":{}}{"policy":{}}{"change":{}}`))
	f.Add([]byte(`{"case":{"zone":"IST"}}{"verdicts":{"servers":[{"server":"a","verdict":"infiltrated","since":{"first_proven":"2022-11-19T00:00:00Z"}}]}}{"finding":{"id":"00000000000000aa"}}` +
		`{"story":{"nodes":[{"id":"10.0.0.1","kind":"address"}],"edges":[{"step":1,"from":"10.0.0.1","to":"a","time":"2022-11-18T00:00:00Z","last":null,"count":-1,"entry":true,"because":["00000000000000aa"]},{"from":"a","to":"a","time":"2022-11-19T09:00:00Z"}],` +
		`"patient_zero":{"server":"a","rivals":[{"server":"b"}]},"accounts":[{"servers":["a"]}],"origin":[{"rung":"address","value":"x","of":"x"},{"rung":"claim","value":"y"}],"clocks":[{"server":"a","offset_s":-1e300,"corrected":true}],"timeline":[{"time":"2022-11-19T00:00:00Z"},{"time":"1700-01-01T00:00:00Z"}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, form := range forms {
			h := form.make(io.Discard)
			if Decode(bytes.NewReader(b), h) == nil {
				h.Close()
			}
		}
	})
}
