package report

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The least lengths of a run that is looked into.
const (
	base64Run = 20
	hexRun    = 24
)

func isHex(c byte) bool { return hexDigits[c] }

var (
	hexDigits    = bytesOf("0123456789abcdefABCDEF")
	base64Digits = bytesOf("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/-_")
)

func bytesOf(s string) (set [256]bool) {
	for i := range len(s) {
		set[s[i]] = true
	}
	return set
}

// runs returns the stretches of at least length bytes of a set. It looks first where the last byte of a stretch would be.
func runs(s string, length int, set *[256]bool) (out []span) {
	for from := 0; from+length <= len(s); {
		i := from + length - 1
		for i >= from && set[s[i]] {
			i--
		}
		if i >= from {
			from = i + 1
			continue
		}
		to := from + length
		for to < len(s) && set[s[to]] {
			to++
		}
		out = append(out, span{from, to})
		from = to + 1
	}
	return out
}

// maxUnpacked bounds what a compressed payload is unpacked to, in bytes.
const maxUnpacked = 256 << 10

// maskEncoded looks into Base64 (PowerShell's -EncodedCommand, FromBase64String, compressed or not) and into
// hexadecimal (the proctitle of auditd). A payload that holds a secret is shown decoded and masked instead.
func maskEncoded(s string, depth int) string {
	if len(s) < 20 || depth >= maxMaskDepth {
		return s
	}
	s = decodeRuns(s, depth, runs(s, hexRun, &hexDigits), "hexadecimal", func(run string) []byte {
		raw, err := hex.DecodeString(run[:len(run)&^1])
		if err != nil {
			return nil
		}
		return raw
	})
	return decodeRuns(s, depth, runs(s, base64Run, &base64Digits), "Base64", decodeBase64)
}

func decodeRuns(s string, depth int, found []span, name string, decode func(string) []byte) string {
	var b strings.Builder
	done := 0
	for _, m := range found {
		text, ok := plainText(decode(s[m.from:m.to]))
		if !ok {
			continue
		}
		masked := mask(text, depth+1)
		if masked == text {
			continue
		}
		b.WriteString(s[done:m.from])
		b.WriteString("[" + name + ", decoded and masked: " + masked + "]")
		done = m.to
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

var standardBase64 = strings.NewReplacer("-", "+", "_", "/")

// decodeBase64 decodes a run in either alphabet; one that was cut off is decoded as far as it goes.
func decodeBase64(run string) []byte {
	run = standardBase64.Replace(strings.TrimRight(run, "="))
	if len(run)%4 == 1 {
		run = run[:len(run)-1]
	}
	raw, err := base64.RawStdEncoding.DecodeString(run)
	if err != nil {
		return nil
	}
	return raw
}

// plainText tells text from other bytes: UTF-16, UTF-8, or either of them compressed.
func plainText(raw []byte) (string, bool) {
	if len(raw) < 8 {
		return "", false
	}
	if bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		if z, err := gzip.NewReader(bytes.NewReader(raw)); err == nil {
			out, _ := io.ReadAll(io.LimitReader(z, maxUnpacked))
			return asText(out)
		}
	}
	if text, ok := asText(raw); ok {
		return text, true
	}
	if out := inflate(raw); len(out) >= 16 {
		return asText(out)
	}
	return "", false
}

// inflaters are kept: one takes 40 kB, and most of what looks like Base64 is a path.
var inflaters = sync.Pool{New: func() any { return flate.NewReader(nil) }}

// mayInflate reports whether the head of the first block is one of DEFLATE (RFC 1951, section 3.2.3). Other bytes fail here, before
// an inflater is made ready for them.
func mayInflate(raw []byte) bool {
	if len(raw) < 8 {
		return false
	}
	head := binary.LittleEndian.Uint64(raw)
	switch head >> 1 & 3 {
	case 0: // stored: a length and its complement, from the next byte on
		return uint16(head>>8) == ^uint16(head>>24)
	case 1:
		return true
	case 2: // codes of its own
		if head>>3&31 > 29 || head>>8&31 > 29 {
			return false
		}
		return lengthsFit(raw, int(head>>13&15)+4)
	}
	return false
}

// lengthsFit reports whether the n lengths of three bits from bit 17 on make a whole prefix code.
func lengthsFit(raw []byte, n int) bool {
	used, codes, longest := 0, 0, 0
	for i := range n {
		at := 17 + 3*i
		if at/8+1 >= len(raw) {
			return true // too short: the inflater says so
		}
		l := int((uint(raw[at/8])|uint(raw[at/8+1])<<8)>>(at%8)) & 7
		if l > 0 {
			used += 128 >> l
			codes++
			longest = max(longest, l)
		}
	}
	return used == 128 || codes == 0 || codes == 1 && longest == 1
}

// inflate unpacks raw as far as it is DEFLATE.
func inflate(raw []byte) []byte {
	if !mayInflate(raw) {
		return nil
	}
	z := inflaters.Get().(io.Reader)
	defer inflaters.Put(z)
	z.(flate.Resetter).Reset(bytes.NewReader(raw), nil)
	out, _ := io.ReadAll(io.LimitReader(z, maxUnpacked))
	return out
}

// mayBeText is no where more than a twentieth of the bytes is what no text has: most of what looks like Base64 is a path.
func mayBeText(raw []byte) bool {
	bad, zeros := 0, 0
	for i, c := range raw[:max(0, len(raw)-utf8.UTFMax)] {
		switch {
		case c == 0:
			zeros += i & 1
		case c < ' ' && c != '\n' && c != '\r' && c != '\t' || c == 0x7f, c&0xc0 == 0x80 && (i == 0 || raw[i-1] < utf8.RuneSelf):
			bad++
		}
	}
	return zeros*4+8 >= len(raw) || bad*20 <= len(raw)
}

func asText(raw []byte) (string, bool) {
	if !mayBeText(raw) {
		return "", false
	}
	zeros := 0
	for i := 1; i < len(raw); i += 2 {
		if raw[i] == 0 {
			zeros++
		}
	}
	var text string
	switch {
	case zeros*4 >= len(raw): // half of the high bytes or more
		units := make([]uint16, len(raw)/2)
		for i := range units {
			units[i] = uint16(raw[2*i]) | uint16(raw[2*i+1])<<8
		}
		text = string(utf16.Decode(units))
	default:
		text = strings.ReplaceAll(string(raw), "\x00", " ")
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(text) && len(text) > 0; i++ { // cut inside a character
			text = text[:len(text)-1]
		}
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
