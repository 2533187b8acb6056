package event

import "net/netip"

// sharedSpace is what carriers use inside (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// Abroad reports whether a text is an address of the world at large: no private one, nor one of a link, of the computer itself,
// of many or of none.
func Abroad(s string) bool {
	a, err := netip.ParseAddr(s)
	a = a.Unmap()
	return err == nil && a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}
