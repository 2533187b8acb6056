package damage

import (
	"bytes"
	"encoding/ascii85"
	hexadecimal "encoding/hex"
	"hash/crc32"
	"slices"
	"testing"
)

// TestCertain: what a comparison makes certain is said whatever the numbers, for each form that is made here.
func TestCertain(t *testing.T) {
	by := func(key []byte, do func(c, k byte) byte) func(b []byte) []byte {
		return func(b []byte) []byte {
			out := bytes.Clone(b)
			for i := range out {
				out[i] = do(out[i], key[i%len(key)])
			}
			return out
		}
	}
	xor := func(c, k byte) byte { return c ^ k }
	inLetters := func(b []byte) []byte {
		out := make([]byte, ascii85.MaxEncodedLen(len(b)))
		return out[:ascii85.Encode(out, sealed(1, b))]
	}
	for name, c := range map[string]struct {
		do   func(b []byte) []byte
		want []State
	}{
		"put in":            {func(b []byte) []byte { return slices.Concat(b[:700], sealed(1, b[:400]), b[700:]) }, []State{Intact}},
		"put before":        {func(b []byte) []byte { return slices.Concat(sealed(1, b[:400]), b) }, []State{Intact}},
		"taken out":         {func(b []byte) []byte { return slices.Concat(b[:700], b[900:]) }, []State{Intact}},
		"key of 16":         {by(sealed(1, make([]byte, 16)), xor), []State{Encrypted}},
		"key of 100":        {by(sealed(1, make([]byte, 100)), xor), []State{Encrypted}},
		"one byte":          {by([]byte{0x5a}, xor), []State{Encrypted}},
		"rotated":           {by([]byte{13}, func(c, k byte) byte { return c + k }), []State{Encrypted}},
		"ascii85":           {inLetters, []State{Encrypted}},
		"hexadecimal":       {func(b []byte) []byte { return []byte(hexadecimal.EncodeToString(sealed(1, b))) }, []State{Encrypted}},
		"pattern of 100":    {func(b []byte) []byte { return bytes.Repeat(sealed(1, make([]byte, 100)), len(b)/100+1)[:len(b)] }, []State{Overwritten}},
		"packed before":     {func(b []byte) []byte { return sealed(1, b[:len(b)*2/3]) }, []State{Encrypted}},
		"turned round":      {func(b []byte) []byte { return slices.Concat(b[len(b)/3:], b[:len(b)/3]) }, []State{Intact}},
		"emptied":           {func(b []byte) []byte { return nil }, []State{Overwritten}},
		"64 of 192 striped": {func(b []byte) []byte { return stripes(1, b, 64, 128) }, []State{Partly, Encrypted}},
	} {
		for n, b := range made(t) {
			if (name == "64 of 192 striped" || name == "turned round") && len(b) < 20_000 {
				continue
			}
			if j := judgePair(n, b, c.do(b)); !slices.Contains(c.want, j.state) {
				t.Errorf("%s, %s: %+v", n, name, j)
			}
		}
	}
	text := prose(1, 30000)
	for name, new := range map[string][]byte{
		"capitals": bytes.ToUpper(text), "a line over and over": bytes.Repeat([]byte("ward 4, bed 12: nothing new since this morning's round\n"), 500), "hashes": []byte(hexadecimal.EncodeToString(text)),
	} {
		if j := judgePair("notes.txt", text, new); j.state.Hurt() {
			t.Errorf("text, %s: %+v", name, j)
		}
	}
	hole := slices.Concat(made(t)["a.png"][:8192], make([]byte, 8192), made(t)["a.png"][16384:])
	if j := judgePair("a.png", made(t)["a.png"], hole); j.state != Overwritten {
		t.Errorf("a hole in a picture: %+v", j)
	}
}

// media are files of forms that only signatures and lengths hold together.
func media() map[string][]byte {
	body := sealed(9, make([]byte, 40_000))
	tta := slices.Concat([]byte("TTA1\x01\x00\x02\x00\x10\x00"), le.AppendUint32(nil, 44100), le.AppendUint32(nil, 90_000))
	tta = le.AppendUint32(tta, crc32.ChecksumIEEE(tta))
	table := le.AppendUint32(le.AppendUint32(nil, 5004), 3004)
	tta = slices.Concat(tta, table, le.AppendUint32(nil, crc32.ChecksumIEEE(table)))
	for _, n := range []int{5000, 3000} {
		tta = le.AppendUint32(append(tta, body[:n]...), crc32.ChecksumIEEE(body[:n]))
	}
	frames := func(head []byte, size int) (out []byte) {
		for i := range 30 {
			out = append(append(out, head...), body[i*900:][:size-len(head)]...)
		}
		return out
	}
	seed := []byte{}
	for i := range 20 {
		h := make([]byte, 512)
		copy(h, "000001D STN")
		h[5] = byte('0' + i%10)
		be.PutUint16(h[46:], 48)
		be.PutUint16(h[48:], 1000)
		h[54] = 9
		copy(h[64:], body[i*448:])
		seed = append(seed, h...)
	}
	iso := make([]byte, 40<<10)
	copy(iso[32<<10:], "\x01CD001\x01")
	volume := iso[32<<10:]
	le.PutUint32(volume[80:], 20)
	be.PutUint32(volume[84:], 20)
	le.PutUint16(volume[128:], 2048)
	le.PutUint32(volume[158:], 19)
	iso[19*2048], iso[19*2048+32] = 34, 1
	copy(iso[34<<10:], "\xffCD001\x01")
	slope := make([]byte, 30_000)
	for i := range slope {
		slope[i] = byte(i/300 + i%300/3)
	}
	return map[string][]byte{
		"a.tta": tta, "a.ac3": frames([]byte("\x0b\x77\x00\x00\x10\x40"), 512), "a.aac": frames([]byte("\xff\xf1\x50\x80\x32\x1f\xfc"), 400), "a.mseed": seed, "a.iso": iso,
		"a.ppm": append([]byte("P6\n# made here\n100 100\n255\n"), slope...), "a.pfb": slices.Concat([]byte("\x80\x01\x0a\x00\x00\x00%!PS-Adobe\x80\x02\x88\x13\x00\x00"), body[:5000], []byte("\x80\x03")),
	}
}

// TestMedia: each holds, breaks or is lost where its beginning is encrypted, and is not called damaged for being random by right.
func TestMedia(t *testing.T) {
	for name, b := range media() {
		var l look
		if lookAt(name, bytesView(b), scanBudget, &l); !l.form.valid() {
			t.Errorf("%s: %+v", name, l.form)
		}
		if j := alone(&l, false, make([]float64, pairFeatures)); j.state != Intact {
			t.Errorf("%s: %+v", name, j)
		}
		if lookAt(name, bytesView(append(sealed(1, b[:4096]), b[4096:]...)), scanBudget, &l); l.form.valid() {
			t.Errorf("%s, its head encrypted: %+v", name, l.form)
		}
		if j := judgePair(name, b, sealed(1, b)); j.state != Encrypted {
			t.Errorf("%s, encrypted: %+v", name, j)
		}
	}
	b := media()["a.tta"]
	b[len(b)-2000] ^= 1
	var l look
	if lookAt("a.tta", bytesView(b), scanBudget, &l); l.form.shape != broken {
		t.Errorf("a frame with a byte changed: %+v", l.form)
	}
}
