package patient

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// stdnum finds python-stdnum, the judge of Indian numbers: see scripts/samples.sh.
func stdnum(t *testing.T) (python, path string) {
	dir := os.Getenv("WARDROUND_SAMPLES")
	if dir == "" {
		dir = filepath.Join(outside.Root(t), ".judges", "samples")
	}
	path = filepath.Join(dir, "stdnum")
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no judge: python3 is not installed")
	}
	if _, err := os.Stat(filepath.Join(path, "stdnum")); err != nil {
		t.Skip("no judge: python-stdnum is not there; run scripts/samples.sh")
	}
	return python, path
}

const judgeNumbers = `
import sys
from stdnum.in_ import aadhaar, pan, epic
for line in sys.stdin:
    kind, number = line.rstrip("\n").split("\t")
    print({"a": aadhaar, "p": pan, "e": epic}[kind].is_valid(number))
`

// TestNumbersJudged compares our checks with python-stdnum's on 100,000 numbers of each kind: random ones, right ones, ones with a digit wrong,
// palindromes, wrong lengths.
func TestNumbersJudged(t *testing.T) {
	python, path := stdnum(t)
	r := rand.New(rand.NewPCG(1, 2))
	var in strings.Builder
	var ours []bool
	put := func(kind, n string, valid bool) {
		fmt.Fprintf(&in, "%s\t%s\n", kind, n)
		ours = append(ours, valid)
	}
	letters := func(n int, from string) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = from[r.IntN(len(from))]
		}
		return string(b)
	}
	const alphabet, digit = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
	for i := range 100_000 {
		a := letters(12, digit)
		switch i % 10 {
		case 0, 1, 2, 3: // a right check digit
			for c := range 10 {
				if a = a[:11] + string(digit[c]); verhoeff(a) {
					break
				}
			}
		case 4:
			a = a[:6] + reversed(a[:6])
		case 5:
			a = letters(10+r.IntN(5), digit)
		}
		put("a", a, isAadhaar(a))
		p := letters(3, alphabet) + letters(1, alphabet+"PPPPPPPPPPPPPP") + letters(1, alphabet) + letters(4, digit) + letters(1, alphabet)
		if i%50 == 0 {
			p = p[:5] + "0000" + p[9:]
		}
		if i%7 == 0 {
			p = p[:r.IntN(10)] + letters(1, digit+alphabet) + p[r.IntN(9)+1:]
		}
		put("p", p, isPAN(p))
		e := letters(3, alphabet) + letters(7, digit)
		if i%3 == 0 {
			for c := range 10 {
				if e = e[:9] + string(digit[c]); luhn(e[3:]) {
					break
				}
			}
		}
		if i%11 == 0 {
			e = letters(9+r.IntN(3), alphabet+digit)
		}
		put("e", e, isEPIC(e))
	}
	cmd := exec.Command(python, "-c", judgeNumbers)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+path)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := strings.Fields(string(out))
	if len(theirs) != len(ours) {
		t.Fatalf("%d answers to %d questions", len(theirs), len(ours))
	}
	asked := strings.Split(in.String(), "\n")
	same, valid := 0, 0
	for i := range ours {
		if ours[i] == (theirs[i] == "True") {
			same++
		} else if i-same < 20 {
			t.Errorf("%s: we say %v", asked[i], ours[i])
		}
		if ours[i] {
			valid++
		}
	}
	if same != len(ours) {
		t.Fail()
	}
	t.Logf("%d of %d numbers are judged alike, %d of them valid", same, len(ours), valid)
}

func TestIdentifiers(t *testing.T) {
	for _, c := range []struct {
		what string
		got  bool
		want bool
	}{
		{"aadhaar grouped", isAadhaar("5703 5080 7737"), true}, {"aadhaar wrong digit", isAadhaar("570350807738"), false}, {"aadhaar from 1", isAadhaar("170350807737"), false}, {"aadhaar palindrome", isAadhaar("222222222222"), false},
		{"abha", isABHA("91-6043-0591-1298"), true}, {"abha short", isABHA("91-6043-0591-129"), false}, {"abha alone", looksABHA("91-6043-0591-1298"), true}, {"abha ungrouped alone", looksABHA("91604305911298"), false},
		{"abha address", isABHAAddress("rama.k@abdm"), true}, {"mail", isABHAAddress("rama.k@abdm.org"), false}, {"short address", isABHAAddress("ra@abdm"), false},
		{"pan", isPAN("ABCPZ4821K"), true}, {"pan holder", isPAN("ABCDZ4821K"), false}, {"pan serial", isPAN("ABCPZ0000K"), false}, {"epic", isEPIC("KLM9338203"), true}, {"epic wrong", isEPIC("KLM9338204"), false},
		{"icd", isICD10("E11.65"), true}, {"icd short", isICD10("J45"), true}, {"not icd", isICD10("E1"), false},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.what, c.got)
		}
	}
	for in, want := range map[string]string{"1961-07-19": "19610719", "19/07/1961": "19610719", "07/19/1961": "19610719", "19-Jul-1961": "19610719", "196107190730": "19610719", "1961-07-19T00:00:00Z": "19610719", "9870012399": "", "12": "", "99999999": ""} {
		if got := birthOf(in); got != want {
			t.Errorf("birthOf(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"+91 98700 12399": "9870012399", "09870012399": "9870012399", "5870012399": "", "919870012399": "9870012399", "9999999999": ""} {
		if got, _ := mobileOf(in); got != want {
			t.Errorf("mobileOf(%q) = %q, want %q", in, got, want)
		}
	}
	if a, b := plainName("SHRI Kumar^Ram"), plainName("Ram  KUMAR"); a != b || a == "" {
		t.Errorf("one name is told apart: %q %q", a, b)
	}
}

// TestPeople counts people by several numbers, in any order of records.
func TestPeople(t *testing.T) {
	h := newHasher(testKey)
	hospital := func(authority, v string) identity {
		return identity{kind: HospitalNumber, authority: authority, value: v}
	}
	aadhaar := func(v string) identity { return identity{kind: Aadhaar, value: v} }
	records := []person{
		{ids: []identity{hospital("HOSP", "A1"), aadhaar("570350807737")}, name: "Ram Kumar", birth: "1980-01-01", sex: "M"},
		{ids: []identity{hospital("HOSP", "A1")}},
		{ids: []identity{aadhaar("570350807737")}},
		{ids: []identity{hospital("", "A1")}},                              // the same, without authority
		{name: "Kumar^Ram", birth: "19800101"},                             // the same, without numbers
		{name: "Ram Kumar"},                                                // may be the same
		{ids: []identity{hospital("OTHER", "A1")}},                         // another hospital's A1
		{ids: []identity{hospital("", "B2")}, name: "Sita Devi"},           // another
		{ids: []identity{hospital("HOSP", "C70001")}},                      // another
		{ids: []identity{hospital("", "C70001"), aadhaar("222765038451")}}, // the same, without authority, with another number
		{ids: []identity{hospital("HOSP", "D70001")}},                      // another
		{ids: []identity{hospital("LAB", "D70001")}},                       // another: two authorities give that number
		{ids: []identity{hospital("", "D70001"), aadhaar("541164573326")}}, // one of the two, nobody knows which: counted
		{name: "Gita Rani", birth: "1990-02-03", sex: "F"},                 // another
		{name: "Gita Rani", birth: "1991-02-03", sex: "F"},                 // another
	}
	for turn := range len(records) {
		p := newPeople(exactKeys)
		for i := range records {
			p.add(h.keys(&records[(i*11+turn)%len(records)]))
		}
		if n, exact := p.count(); n != 9 || !exact {
			t.Errorf("turn %d: %d people, want 9", turn, n)
		}
	}
}

// TestSketch holds the estimate past the exact limit to five times its standard error.
func TestSketch(t *testing.T) {
	h := newHasher(testKey)
	p := newPeople(1000)
	const n = 100_000
	for i := range n {
		p.add(h.keys(&person{ids: []identity{{kind: Aadhaar, value: fmt.Sprint(i)}}}))
	}
	got, exact := p.count()
	if exact || got < n*96/100 || got > n*104/100 {
		t.Errorf("estimate %d of %d, exact %v", got, n, exact)
	}
	t.Logf("estimate %d of %d", got, n)
}
