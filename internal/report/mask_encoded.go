package report

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/base64"
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

func isBase64(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '+' || c == '/' || c == '-' || c == '_'
}

func isHex(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }

// runs returns the stretches of at least length bytes that member accepts.
func runs(s string, length int, member func(byte) bool) (out []span) {
	from := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && member(s[i]) {
			continue
		}
		if i-from >= length {
			out = append(out, span{from, i})
		}
		from = i + 1
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
	s = decodeRuns(s, depth, runs(s, hexRun, isHex), "hexadecimal", func(run string) []byte {
		raw, err := hex.DecodeString(run[:len(run)&^1])
		if err != nil {
			return nil
		}
		return raw
	})
	return decodeRuns(s, depth, runs(s, base64Run, isBase64), "Base64", decodeBase64)
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

// inflate unpacks raw as far as it is DEFLATE.
func inflate(raw []byte) []byte {
	z := inflaters.Get().(io.Reader)
	defer inflaters.Put(z)
	z.(flate.Resetter).Reset(bytes.NewReader(raw), nil)
	out, _ := io.ReadAll(io.LimitReader(z, maxUnpacked))
	return out
}

func asText(raw []byte) (string, bool) {
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
