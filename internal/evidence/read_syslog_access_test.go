package evidence

import (
	"fmt"
	"strings"
	"testing"

	"wardround/internal/event"
)

// TestPAMPairs: what stands first is passed over or read, to the same effect, and what an attacker's name holds is his name.
func TestPAMPairs(t *testing.T) {
	read := func(pairs string) string {
		f := make(fields, len(layoutFields[layoutAccess]))
		f.pamPairs([]byte("authentication failure;" + pairs))
		out := ""
		for i, v := range f {
			if v.Type != event.Null {
				out += fmt.Sprintf("%s=%s, ", layoutFields[layoutAccess][i], v)
			}
		}
		return out
	}
	for _, rest := range []string{
		"tty=ssh ruser= rhost=10.0.0.5  user=root", "tty=NODEVssh ruser=eve rhost=a.example ", "", "tty", "=x tty=a=b", "user=a logname=b uid=0 rhost=10.0.0.9",
		"logname=carol ruser=", "  rhost=::1   x user= y ",
	} {
		usual, other := read(usualPairs+rest), read(strings.Replace(usualPairs, "uid=0 euid=0", "euid=0 uid=0", 1)+rest)
		if usual != other {
			t.Errorf("%q: %s, in another order %s", rest, usual, other)
		}
	}
	if got, want := read(usualPairs+"tty=ssh ruser= rhost=10.0.0.5  user=x rhost=10.9.9.9 "), "user=x rhost=10.9.9.9, src_ip=10.0.0.5, tty=ssh, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := read(" logname=carol uid=0 euid=0 tty=a=b ruser="), "by=carol, tty=a=b, "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
