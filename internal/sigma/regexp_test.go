package sigma

import (
	"regexp"
	"strings"
	"testing"
)

// TestRegexp compares what expressions find with what PCRE finds (Perl 5 gave the answers).
func TestRegexp(t *testing.T) {
	for _, c := range []struct {
		expr, flags string
		finds, not  []string
	}{
		{`foo$`, "", []string{"foo", "a foo\n"}, []string{"foo\n\n", "foob", "foo\nb"}},
		{`foo$`, "m", []string{"foo", "foo\nb"}, []string{"foob"}},
		{`^foo$|^bar$`, "", []string{"foo\n", "bar\n"}, []string{"foob", "xbar"}},
		{`(?:a|(b$))`, "", []string{"a", "xb\n"}, []string{"bx"}},
		{`a$\nb`, "m", []string{"a\nb"}, []string{"ab"}},
		{`^a`, "", []string{"ab"}, []string{"b\na"}},
		{`^a`, "m", []string{"b\na"}, []string{"ba"}},
		{`a.b`, "", []string{"axb", "a\rb"}, []string{"a\nb"}},
		{`a.b`, "s", []string{"a\nb"}, []string{"ab"}},
		{`a.b`, "i", []string{"AxB"}, []string{"AB"}},
		{`a(?i)b(?-i)c`, "", []string{"aBc"}, []string{"ABc", "aBC"}},
		{`\bcmd\b`, "", []string{"x cmd.exe"}, []string{"cmdx"}},
		{`a\Z`, "", []string{"a", "a\n"}, []string{"a\n\n", "ab"}},
		{`a\z`, "", []string{"a"}, []string{"a\n"}},
		{`\Aa`, "m", []string{"a"}, []string{"b\na"}},
		{`a\hb`, "", []string{"a b", "a\tb", "a\u00a0b"}, []string{"a\nb"}},
		{`a\Hb`, "", []string{"axb"}, []string{"a b"}},
		{`a\vb`, "", []string{"a\nb", "a\x0bb", "a\u2028b"}, []string{"a b"}},
		{`a[\vx]b`, "", []string{"a\rb", "axb"}, []string{"avb"}},
		{`a[\h.]b`, "", []string{"a b", "a.b"}, []string{"ahb"}},
		{`a\Vb`, "", []string{"axb"}, []string{"a\nb"}},
		{`a\Rb`, "", []string{"a\r\nb", "a\nb"}, []string{"ab"}},
		{`a\Nb`, "s", []string{"axb"}, []string{"a\nb"}},
		{`a\eb`, "", []string{"a\x1bb"}, []string{"aeb"}},
		{`a[\e\b]b`, "", []string{"a\x1bb", "a\x08b"}, []string{"abb"}},
		{`a\cMb`, "", []string{"a\rb"}, []string{"acMb"}},
		{`a\c[b`, "", []string{"a\x1bb"}, []string{"a[b"}},
		{`foo\Kbar`, "", []string{"foobar"}, []string{"bar"}},
		{`a(?#no (parenthesis)b`, "", []string{"ab"}, []string{"a#b"}},
		{`(?|a(x)|b(y))z`, "", []string{"axz", "byz"}, []string{"ayz"}},
		{`(?<n>a)(?P<m>b)(?'o'c)`, "", nil, nil},
		{`(?<n>a)(?P<m>b)`, "", []string{"ab"}, []string{"ba"}},
		{`\Qa.b$(\Ec`, "", []string{"a.b$(c"}, []string{"axb$(c"}},
		{`a{2}?b`, "", []string{"aab"}, []string{"ab"}},
		{`a+?b`, "", []string{"aab"}, []string{"b"}},
		{`a{x}+b`, "", []string{"a{x}}b"}, []string{"ab"}},
		{`\{\d\}+b`, "", []string{"{1}}b"}, []string{"{1b"}},
		{`^a{,2}b`, "", []string{"aab", "b"}, []string{"aaab"}},
		{`[]a]b`, "", []string{"]b", "ab"}, []string{"[b"}},
		{`[^]a]b`, "", []string{"xb"}, []string{"]b"}},
		{`[[:alpha:]_-]b`, "", []string{"ab", "-b"}, []string{"1b"}},
		{`[\w.-]b`, "", []string{"-b", ".b"}, []string{" b"}},
		{`[[]a$`, "", []string{"[a\n"}, []string{"]a"}},
		{`[$)]x$`, "", []string{"$x\n", ")x"}, []string{"x"}},
		{`\$x\"\'\/\-\_`, "", []string{`$x"'/-_`}, []string{"x"}},
		{`\x41\x{42}\103`, "", []string{"ABC"}, []string{"x41"}},
		{`C:\\(?:Windows|WINNT)\\[^\\]+\.exe`, "", []string{`C:\WINNT\a.exe`}, []string{`C:\Windows\a\b.exe`}},
		{`(a|b)*c`, "", []string{"ababc", "c"}, []string{"ab"}},
		{``, "", []string{"", "x"}, nil},
	} {
		s, err := compilable(c.expr, c.flags, false, false)
		if err != nil {
			if c.finds != nil {
				t.Errorf("%s: %v", c.expr, err)
			}
			continue
		}
		re := regexp.MustCompile(s)
		for _, text := range c.finds {
			if !re.MatchString(text) {
				t.Errorf("%s as %s does not find %q", c.expr, s, text)
			}
		}
		for _, text := range c.not {
			if re.MatchString(text) {
				t.Errorf("%s as %s finds %q", c.expr, s, text)
			}
		}
	}
}

func TestRegexpRefused(t *testing.T) {
	for _, c := range []struct{ expr, why string }{
		{`(?=a)`, "a lookahead"}, {`a(?!b)`, "a lookahead"}, {`(?<=a)b`, "a lookbehind"}, {`(?<!a)b`, "a lookbehind"},
		{`(?>a+)b`, "an atomic group"}, {`(a)(?(1)b)`, "a conditional"}, {`(?P<a>b)(?P=a)`, "a backreference"},
		{`(a)\1`, "a backreference"}, {`(a)\g{1}`, "a backreference"}, {`(?<a>b)\k<a>`, "a backreference"},
		{`a(?R)?`, "a recursion"}, {`(?P<a>b(?P>a)?)`, "a recursion"}, {`(*SKIP)a`, "a verb"},
		{`a++`, "possessive"}, {`a{2}+`, "possessive"}, {`a?+`, "possessive"}, {`a(?#x`, "comment"},
		{`a(`, "missing closing )"}, {`a)`, "unexpected )"}, {`[a`, "missing closing ]"}, {`a{1001}`, "invalid repeat count"},
		{`*a`, "missing argument"}, {`a\`, "trailing backslash"}, {`(?x)a b`, "unsupported Perl syntax"}, {`\y`, "invalid escape"},
		{strings.Repeat("a", maxRegexp+1), "more than 10000 bytes"}, {`((a{500}){500}){500}`, "invalid repeat count"},
		{`[[:none:]]`, "invalid character class"}, {`[\Q`, ""}, {`\Q(`, ""},
	} {
		_, err := compilable(c.expr, "", false, false)
		if c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%.20q: got %v, want %q", c.expr, err, c.why)
		}
	}
}
