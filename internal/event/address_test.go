package event

import "testing"

func TestAbroad(t *testing.T) {
	for s, want := range map[string]bool{
		"203.0.113.7": true, "::ffff:203.0.113.7": true, "2001:db8::7": true, "8.8.8.8": true,
		"": false, "server": false, "10.0.0.1": false, "::ffff:10.0.0.1": false, "192.168.1.1": false, "fd00::1": false, "fe80::1": false, "169.254.1.1": false,
		"127.0.0.1": false, "::1": false, "0.0.0.0": false, "::": false, "224.0.0.1": false, "255.255.255.255": false, "100.64.0.1": false, "203.0.113.7:22": false,
	} {
		if Abroad(s) != want {
			t.Errorf("Abroad(%q) is %v", s, !want)
		}
	}
}
