package inventory

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName    = 253 // bytes: the longest name that DNS knows (RFC 1035)
	maxNetBIOS = 15  // characters; the sixteenth is the service
)

// host is a name that a computer goes by, ready to be compared. Only ASCII letters are folded: a Cyrillic or a full
// width letter that looks like another is another name.
type host struct {
	text string // as it may be shown: see clean
	key  string // lower case, without dots at the end; an address in its shortest form
	addr netip.Addr
}

func parseHost(s string) host {
	s = strings.Trim(s, " \t\r\n\x00\u00a0")
	s = strings.TrimPrefix(s, `\\`)
	s = clean(strings.TrimRight(s, "."))
	if a, ok := parseAddress(s); ok {
		return host{text: a.String(), key: a.String(), addr: a}
	}
	return host{text: s, key: lower(s)}
}

// short is the key up to its first dot: what Windows and syslog call a computer beside its full name.
func (h host) short() string {
	if h.addr.IsValid() {
		return h.key
	}
	s, _, _ := strings.Cut(h.key, ".")
	return s
}

// domain is the key past its first dot, "" for a short name or an address.
func (h host) domain() string {
	if h.addr.IsValid() {
		return ""
	}
	_, d, _ := strings.Cut(h.key, ".")
	return d
}

// netbios is the short key cut to the 15 characters that NetBIOS keeps.
func (h host) netbios() string {
	s := h.short()
	if n := utf8.RuneCountInString(s); n > maxNetBIOS {
		return string([]rune(s)[:maxNetBIOS])
	}
	return s
}

// cut reports whether one of two short names is the other cut to 15 characters.
func cut(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	return len(a) < len(b) && utf8.RuneCountInString(a) == maxNetBIOS && strings.HasPrefix(b, a)
}

// parseAddress reads an IP address: with a port or without, with a zone or without, IPv4 inside IPv6 unwrapped.
func parseAddress(s string) (netip.Addr, bool) {
	if !strings.ContainsAny(s, ".:") {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		p, err := netip.ParseAddrPort(s)
		if err != nil {
			return netip.Addr{}, false
		}
		a = p.Addr()
	}
	return a.Unmap().WithZone(""), true
}

// clean makes a name fit to be a ServerID: valid UTF-8 on one line, visible, at most maxName bytes and a mark. What had
// to be changed carries the first 8 hexadecimal digits of its SHA-256, so that two names stay two.
func clean(s string) string {
	if len(s) <= maxName && visible(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if b.Len() >= maxName-4 {
			break
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1, !shown(r):
			b.WriteRune('·')
		default:
			b.WriteRune(r)
		}
	}
	sum := sha256.Sum256([]byte(s))
	return b.String() + "~" + hex.EncodeToString(sum[:4])
}

func visible(s string) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if c < ' ' || c == 0x7f {
				return false
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || !shown(r) {
			return false
		}
		i += size
	}
	return true
}

// shown tells letters from controls, marks of direction and other characters that draw nothing.
func shown(r rune) bool { return unicode.IsGraphic(r) && r != '\u2028' && r != '\u2029' }

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// nameless reports whether the name says nothing of which computer it is: what a Linux that nobody named calls itself,
// a loopback address, or a blank that a logger fills in. Such records belong to the computer whose log it is.
func (h host) nameless() bool {
	if h.addr.IsValid() {
		return h.addr.IsLoopback() || h.addr.IsUnspecified()
	}
	switch h.key {
	case "", "-", "(none)", "unknown", "null":
		return true
	}
	switch h.short() {
	case "localhost", "localhost4", "localhost6":
		return h.domain() == "" || strings.HasPrefix(h.domain(), "localdomain") || h.domain() == "local"
	}
	return false
}

// setup reports whether the name is of the pattern that an installer gives: Windows Setup, WinPE and sysprep images, a
// cloud's first boot.
func (h host) setup() bool { return setupName.MatchString(h.short()) }

var setupName = regexp.MustCompile(`^(?:win-[a-z0-9]{11}|(?:desktop|minint)-[a-z0-9]{7}|laptop-[a-z0-9]{8}|[0-9]{2}l[0-9]{4}[a-z][0-9]{1,2}-[0-9]{2}|ip(?:-[0-9]{1,3}){4}|debian|ubuntu|template)$`)
