package report

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// checkHints holds what is looked at first against what it saves, on one text.
func checkHints(t *testing.T, s string) {
	t.Helper()
	var h hints
	h.see(s)
	lower := strings.ToLower(s)
	for i := range shapes {
		sh := &shapes[i]
		if strings.Contains(lower, sh.hint) && !h.may(sh.hint) {
			t.Errorf("%q holds %q", s, sh.hint)
		}
		if h.ascii && strings.Contains(lower, sh.hint) && sh.may != nil && !sh.may(s) && sh.re.MatchString(s) {
			t.Errorf("%q is kept from %s", s, sh.re)
		}
	}
	n := numbersIn(s)
	for _, c := range []struct {
		re  *regexp.Regexp
		may bool
	}{
		{groupedABHA, n.groupedABHA}, {groupedAadhaar, n.groupedAadhaar}, {plainNumber, n.plain}, {phoneNumber, n.phone},
		{hl7Segment, h.may("pid|") || h.may("nk1|") || h.may("in1|") || h.may("gt1|")},
		{abhaAddress, h.may("@abdm") || h.may("@sbx") || h.may("@ndhm")},
		{aadhaarNear, h.may("aar") || h.may("uidai")}, {abhaNear, h.may("abha") || h.may("health")},
		{patientRow, h.has("patient")}, {attributes, h.has("value") && (h.may("key") || h.may("name"))},
		{uhidNear, !h.ascii || announcesNumber(s)}, {jdbcOracle, containsFold(s, "oracle:")},
	} {
		if c.re.MatchString(s) && !c.may {
			t.Errorf("%q is kept from %s", s, c.re)
		}
	}
	var room [256]byte
	if got, want := string(appendWords(room[:0], s)), strings.Join(words(s), " "); got != want {
		t.Errorf("words of %q: %q, not %q", s, got, want)
	}
	if got, want := kindOfKey(s), slowKindOfKey(s); got != want {
		t.Errorf("kind of %q: %q, not %q", s, got, want)
	}
	got, is := programOf(s)
	want, ok := programs[baseName(s)]
	if is != ok || len(got.next) != len(want.next) || len(got.attached) != len(want.attached) || len(got.hash) != len(want.hash) {
		t.Errorf("program of %q: %v, not %v", s, is, ok)
	}
	for _, x := range []struct {
		length int
		set    *[256]bool
	}{{hexRun, &hexDigits}, {base64Run, &base64Digits}, {3, &base64Digits}, {1, &hexDigits}} {
		if got, want := runs(s, x.length, x.set), slowRuns(s, x.length, x.set); !slices.Equal(got, want) {
			t.Errorf("runs of %q: %v, not %v", s, got, want)
		}
	}
	raw := []byte(s)
	if _, ok := slowAsText(raw); ok && !mayBeText(raw) {
		t.Errorf("%q is text", s)
	}
	out, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), maxUnpacked))
	if len(raw) >= 8 && len(out) > 0 && !mayInflate(raw) {
		t.Errorf("%q can be unpacked", s)
	}
}

func slowKindOfKey(name string) string {
	w := words(name)
	if len(w) == 0 {
		return ""
	}
	at := func(n int) string {
		if n > len(w) {
			return ""
		}
		return w[len(w)-n]
	}
	last, before := at(1), at(2)
	switch {
	case last == "token" && before == "key":
		return ""
	case last == "key" && keyOwners[before], last == "signature" && before == "access":
		return kindKey
	case last == "hash" && slices.Contains([]string{"password", "ntlm", "nt", "lm"}, before):
		return kindHash
	case last == "id" && before == "session" && (at(3) == "net" || at(3) == "php"):
		return kindToken
	}
	if k := secretNouns[last]; k != "" {
		return k
	}
	for _, e := range secretEndings {
		if strings.HasSuffix(last, e.end) {
			return e.kind
		}
	}
	for n := min(4, len(w)); n > 0; n-- {
		if kind := personNames[strings.Join(w[len(w)-n:], " ")]; kind != "" {
			return kind
		}
	}
	return ""
}

func slowRuns(s string, length int, set *[256]bool) (out []span) {
	from := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && set[s[i]] {
			continue
		}
		if i-from >= length {
			out = append(out, span{from, i})
		}
		from = i + 1
	}
	return out
}

// slowAsText is asText for what is not UTF-16, without the look before.
func slowAsText(raw []byte) (string, bool) {
	zeros := 0
	for i := 1; i < len(raw); i += 2 {
		if raw[i] == 0 {
			zeros++
		}
	}
	if zeros*4 >= len(raw) {
		return "", true
	}
	text := strings.ReplaceAll(string(raw), "\x00", " ")
	for i := 0; i < utf8.UTFMax && !utf8.ValidString(text) && len(text) > 0; i++ {
		text = text[:len(text)-1]
	}
	good, all := 0, 0
	for _, r := range text {
		all++
		if r != utf8.RuneError && (unicode.IsPrint(r) || r == '\n' || r == '\r' || r == '\t') {
			good++
		}
	}
	return text, all > 0 && good*100 >= all*95
}

// pieces are what texts are put together from: parts of secrets, and what makes them none.
var pieces = []string{
	"AKIA", "ASIA", "A3TX", "ABCDEFGHIJKLMNOP", "0123456789ABCDEF", "ghp_", "ghx_", "abcdefghijklmnopqrst", "eyJ", "hbGciOi.", "Bearer ", "password", "PASSWORD ", "('x')", " '", "'",
	"\"", "x", "?", "&key=", "&sid=secret", "?otp=", "|", "echo ", "Echo -n ", " sudo -S", " chpasswd", "<<<", "0123456789abcdef", "0123456789abcdef", ":", "$6$", "$2b$", "$apr1$", "salt$hash",
	"identified by ", "sp_password ", "N'", ",", "NetworkCredential(", "ConvertTo-SecureString ", "ntlm:", "aes256_hmac ", "SG.", "xoxb-", "npm_", "://", "a:b@", "jdbc:oracle:thin:",
	"PID|", "pid|", "NK1|", "MSH|", "^", "(0010,0010) [x]", "insert into ", "patients", " values (1)", "@abdm", "@SBX", "aadhaar", "uidai", "ABHA", "health-id", "1234", "2341", "91", "12",
	"-", " ", "+91", "0091", "98765", "43210", "UHID:", "mrn=", "MR No", "cr_id ", "IPD-number ", "patient.no", "4711", "a", "_", ".", "/", "\\", "=", "name=\"", "key='", "value=", "ſ", "K", "é",
	"\x00", "\xff", "dbPassword", "net", "NET.EXE", "/user:", "-p", "%5B", "%5d", "Session_Id", "phpSessionID", "API", "Key", "ntHash", "mysql", ".exe", ".py", "(", "cG93ZXJzaGVsbA",
}

func TestMaskHints(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60_000 {
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkHints(t, b.String())
	}
	for range 60_000 {
		raw := make([]byte, 1+r.IntN(60))
		for i := range raw {
			raw[i] = byte(r.Uint32())
		}
		checkHints(t, string(raw))
	}
	for range 3000 {
		var packed bytes.Buffer
		w, _ := flate.NewWriter(&packed, r.IntN(11)-2)
		for range 1 + r.IntN(300) {
			io.WriteString(w, pieces[r.IntN(len(pieces))])
		}
		w.Close()
		checkHints(t, packed.String())
	}
}

func FuzzMaskHints(f *testing.F) {
	for _, s := range pieces {
		f.Add(s)
	}
	f.Add("AKIA0123456789ABCDEF")
	f.Add("0123456789abcdef0123456789abcdef:0123456789abcdef0123456789abcdef")
	f.Fuzz(checkHints)
}
