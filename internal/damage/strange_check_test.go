//go:build check

package damage

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/aes"
	"encoding/ascii85"
	"encoding/base32"
	hexadecimal "encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"slices"
	"unicode/utf16"
)

// strangeOnes asks for the manners and changes of this file in place of the others: they never teach, and are measured as a set of their own.
var strangeOnes = os.Getenv("WARDROUND_DAMAGE_STRANGE") != ""

// random is n random bytes.
func random(r *rand.Rand, n int) []byte { return encrypted(r, make([]byte, n)) }

// between encrypts from one place to another.
func between(r *rand.Rand, b []byte, from, to int) []byte {
	return slices.Concat(b[:from], encrypted(r, b[from:to]), b[to:])
}

// codebook encrypts block by block under one key, so that equal blocks stay equal.
func codebook(r *rand.Rand, b []byte) []byte {
	c, _ := aes.NewCipher(random(r, 16))
	out := append(bytes.Clone(b), make([]byte, (16-len(b)%16)%16)...)
	for i := 0; i < len(out); i += 16 {
		c.Encrypt(out[i:], out[i:])
	}
	return out
}

// shifted applies a key that repeats.
func shifted(b, key []byte, do func(c, k byte) byte) []byte {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = do(c, key[i%len(key)])
	}
	return out
}

func xor(c, k byte) byte { return c ^ k }

func deflated(b []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, 6)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func encoded(n int, encode func(dst, src []byte) int, b []byte) []byte {
	out := make([]byte, n)
	return out[:encode(out, b)]
}

var strangeManners = []manner{
	{"every second 64 KB", true, func(r *rand.Rand, b []byte) []byte {
		if len(b) <= 64<<10 {
			return nil
		}
		return striped(r, b, 64<<10, 64<<10)
	}},
	{"every third 8 KB", true, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 8<<10, 16<<10) }},
	{"last quarter", true, func(r *rand.Rand, b []byte) []byte { return between(r, b, len(b)*3/4, len(b)) }},
	{"first third", true, func(r *rand.Rand, b []byte) []byte { return between(r, b, 0, len(b)/3+1) }},
	{"stretches at random places", true, func(r *rand.Rand, b []byte) []byte {
		out := bytes.Clone(b)
		for range 5 {
			at := r.IntN(len(b))
			out = between(r, out, at, min(len(b), at+len(b)/12+64))
		}
		return out
	}},
	{"first 1 KB", true, func(r *rand.Rand, b []byte) []byte { return between(r, b, 0, min(len(b), 1024)) }},
	{"head and tail 4 KB", true, func(r *rand.Rand, b []byte) []byte {
		n := min(4096, len(b)/2)
		return between(r, between(r, b, 0, n), len(b)-n, len(b))
	}},
	{"xor, key of 16", true, func(r *rand.Rand, b []byte) []byte { return shifted(b, random(r, 16), xor) }},
	{"xor, one byte", true, func(r *rand.Rand, b []byte) []byte { return shifted(b, []byte{byte(1 + r.IntN(255))}, xor) }},
	{"xor, key of 1000", true, func(r *rand.Rand, b []byte) []byte { return shifted(b, random(r, 1000), xor) }},
	{"bytes rotated by 13", true, func(r *rand.Rand, b []byte) []byte {
		return shifted(b, []byte{13}, func(c, k byte) byte { return c + k })
	}},
	{"codebook", true, codebook},
	{"base32", true, func(r *rand.Rand, b []byte) []byte {
		return []byte(base32.StdEncoding.EncodeToString(encrypted(r, b)))
	}},
	{"hexadecimal", true, func(r *rand.Rand, b []byte) []byte { return []byte(hexadecimal.EncodeToString(encrypted(r, b))) }},
	{"ascii85", true, func(r *rand.Rand, b []byte) []byte {
		return encoded(ascii85.MaxEncodedLen(len(b)), ascii85.Encode, encrypted(r, b))
	}},
	{"packed, then encrypted", true, func(r *rand.Rand, b []byte) []byte { return encrypted(r, deflated(b)) }},
	{"key in head", true, func(r *rand.Rand, b []byte) []byte {
		return slices.Concat([]byte("WANACRY!\x00\x01\x00\x00"), random(r, 256), []byte("\x04\x00\x00\x00"), encrypted(r, b))
	}},
	{"key and mark in tail", true, func(r *rand.Rand, b []byte) []byte {
		return slices.Concat(encrypted(r, b), random(r, 256), []byte("\x00\x00\x00\x00\x10\x00\x00\x00LOCKED-BY-NIGHTSHADE"))
	}},
	{"half striped, mark in tail", true, func(r *rand.Rand, b []byte) []byte {
		return slices.Concat(striped(r, b, 1024, 1024), random(r, 512), []byte("{END-OF-KEY}"))
	}},
	{"hole", true, func(r *rand.Rand, b []byte) []byte {
		return slices.Concat(b[:len(b)/3], make([]byte, len(b)/3), b[len(b)/3*2:])
	}},
	{"emptied", true, func(r *rand.Rand, b []byte) []byte { return []byte{} }},
	{"text over it", true, func(r *rand.Rand, b []byte) []byte {
		return bytes.Repeat([]byte("ERASED BY THE OWNER OF THIS NETWORK. "), len(b)/37+1)[:len(b)]
	}},
	{"0xff", true, func(r *rand.Rand, b []byte) []byte { return bytes.Repeat([]byte{0xff}, len(b)) }},
	{"pattern of 8", true, func(r *rand.Rand, b []byte) []byte { return bytes.Repeat(random(r, 8), len(b)/8+1)[:len(b)] }},
	{"pattern of 512", true, func(r *rand.Rand, b []byte) []byte { return bytes.Repeat(random(r, 512), len(b)/512+1)[:len(b)] }},
	{"backwards, then encrypted", true, func(r *rand.Rand, b []byte) []byte {
		out := bytes.Clone(b)
		slices.Reverse(out)
		return encrypted(r, out)
	}},
	{"16 of 256 bytes", true, func(r *rand.Rand, b []byte) []byte { return striped(r, b, 16, 240) }},
}

var strangeChanges = []change{
	{"zeros behind it", true, func(r *rand.Rand, b, other []byte) []byte {
		return append(bytes.Clone(b), make([]byte, 1+r.IntN(8192))...)
	}},
	{"shortened", true, func(r *rand.Rand, b, other []byte) []byte { return b[:1+r.IntN(len(b))] }},
	{"beginning cut off", true, func(r *rand.Rand, b, other []byte) []byte { return b[r.IntN(len(b)):] }},
	{"packed under its name", true, func(r *rand.Rand, b, other []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}},
	{"zip under its name", true, func(r *rand.Rand, b, other []byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		w, _ := z.Create("x")
		w.Write(b)
		z.Close()
		return out.Bytes()
	}},
	{"UTF-16", true, func(r *rand.Rand, b, other []byte) []byte {
		if f := formOf(bytesView(b), 0); !f.text {
			return nil
		}
		out := []byte("\xff\xfe")
		for _, u := range utf16.Encode([]rune(string(b))) {
			out = append(out, byte(u), byte(u>>8))
		}
		return out
	}},
	{"JSON indented", true, func(r *rand.Rand, b, other []byte) []byte {
		var out bytes.Buffer
		if json.Indent(&out, b, "", "      ") != nil {
			return nil
		}
		return out.Bytes()
	}},
	{"one behind the other", true, func(r *rand.Rand, b, other []byte) []byte { return slices.Concat(b, other) }},
	{"one before the other", true, func(r *rand.Rand, b, other []byte) []byte { return slices.Concat(other, b) }},
	{"halves changed round", true, func(r *rand.Rand, b, other []byte) []byte {
		n := r.IntN(len(b))
		return slices.Concat(b[n:], b[:n])
	}},
	{"many small patches", true, func(r *rand.Rand, b, other []byte) []byte {
		out := bytes.Clone(b)
		for range 1 + len(b)/2000 {
			out[r.IntN(len(out))] ^= byte(1 + r.IntN(255))
		}
		return out
	}},
	{"blocks of another", true, func(r *rand.Rand, b, other []byte) []byte {
		out := bytes.Clone(b)
		for i := 4096; i+4096 <= min(len(b), len(other)); i += 4096 {
			if r.IntN(4) == 0 {
				copy(out[i:i+4096], other[i:])
			}
		}
		return out
	}},
}
