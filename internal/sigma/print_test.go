package sigma

import "testing"

func TestPrint(t *testing.T) {
	r := one(t, rule(`sel:
    Image|endswith: ['\vssadmin.exe', '\wmic.exe']
    CommandLine|contains|all: [' delete ', 'shadow?']
    User|contains|cased: 'SYSTEM*'
    Version: 'a\*b*c'
    Path|startswith: "C:\\\e[2J"
keywords: [one, 'two*']
odd:
    A: null
    B|exists: false
    C|cidr: 10.0.0.0/8
    D|gte: 1.5
    E|fieldref|endswith: F
    G|hour: 22
    H|expand: '%Admins%'
    I|re|i: 'x/y$'
    J: '*'
    K: ''
empty:
    G|hour|gt: 23
condition: sel and not (keywords or odd) or empty`))
	want := `one of
    all of
        all of
            (Image ends with '\vssadmin.exe' or Image ends with '\wmic.exe')
            (CommandLine contains ' delete ' and CommandLine contains 'shadow?')
            User (case counts) contains 'SYSTEM'
            Version = 'a\*b*c'
            Path begins with 'C:\\u{1b}[2J'
        not
            one of
                (any value contains 'one' or any value contains 'two')
                all of
                    A is null
                    B does not exist
                    C in 10.0.0.0/8
                    D >= 1.5
                    E ends with field F
                    hour of G = 22
                    H = placeholder Admins, which has no values
                    I matches /(?i)x/y(?:$|\n\z)/
                    J = '*'
                    K = ''
    never`
	if got := r.Detection.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got, want := r.Detection.Condition.(Or)[1].String(), "never"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s := load(t, corr("type: temporal\ntimespan: 1h\ngroup-by: [ip]\naliases: {ip: {base: S, other: D}}\ncondition: base and not (base and other)"))
	if got, want := s.Rules[0].Correlation.String(), "temporal of base, other within 1h0m0s by ip: (base and not (base and other)); ip is S in base D in other"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	s = load(t, corr("type: value_percentile\ntimespan: 1h\nrules: base\ncondition: {field: F, gt: 3, lte: 9, percentile: 95}"))
	if got, want := s.Rules[0].Correlation.String(), "value_percentile of base within 1h0m0s: percentile 95 of F > 3 and <= 9"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
