package evidence

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"unicode/utf8"
)

// maxNote is the size of the largest note: those that carry pictures in their own text come to some hundred kilobytes.
const maxNote = 512 << 10

// noteName matches the names of ransom notes, in lower case.
var noteName = regexp.MustCompile(`decrypt|ransom|unlock.{0,8}file|(recover|restore).{0,12}(file|data|key|info|my|system)|(how|instruction).{0,8}(to|for).{0,8}(recover|restore|decrypt|unlock|back|get)|` +
	`file.{0,12}encrypt|your.{0,4}files|(^|[^a-z])read[-_ ]?(me|it|this)([-_ !.]|$)|!.{0,6}read|help.{0,8}(file|recover|restore|decrypt)|^info\.(hta|txt)$|instructions?[-_ ]read`)

// textOf returns the text that a file begins with, and what follows it that is no text.
// UTF-16 is told by its mark. Without text of some length there is none.
func textOf(head []byte) (text, tail []byte) {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		order := binary.ByteOrder(binary.LittleEndian)
		if head[0] == 0xfe {
			order = binary.BigEndian
		}
		u := utf16Reader{r: bytes.NewReader(head[2:]), order: order}
		u.decode()
		head = u.out
	}
	n := 0
	for n < len(head) {
		if c := head[n]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' {
				break
			}
			n++
			continue
		}
		r, size := utf8.DecodeRune(head[n:])
		if r == utf8.RuneError && len(head)-n >= utf8.UTFMax && !isWestern(head[n]) {
			break
		}
		n += size
	}
	text, tail = head[:n], head[n:]
	// Random bytes pass for text now and then: the end of it is where the last line ends.
	if len(tail) > 0 {
		cut := bytes.LastIndexAny(text, "\n\r")
		text, tail = head[:cut+1], head[cut+1:]
	}
	if len(text) < 64 {
		return nil, head
	}
	return text, tail
}

// isWestern takes the quotes and dashes of code page 1252, in which notes are written too.
func isWestern(c byte) bool { return c >= 0x91 && c <= 0x97 || c == 0xa0 || c == 0x85 }

// plain makes text comparable: lower case, single blanks, no marks of HTML.
func plain(text []byte) []byte {
	out := make([]byte, 0, len(text))
	inTag := false
	for _, c := range text {
		switch {
		case c == '<':
			inTag = true
		case c == '>' && inTag:
			inTag = false
			c = ' '
		}
		if c <= ' ' {
			c = ' '
		}
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if inTag && c != '@' && c != '.' && !letter(c) && !digit(c) && c != ':' && c != '/' {
			c = ' '
		}
		if c == ' ' && (len(out) == 0 || out[len(out)-1] == ' ') {
			continue
		}
		out = append(out, c)
	}
	return out
}

// What a note says. Each must be there: that the reader's files were taken, that they can be decrypted, and where to
// turn; and what to pay, unless the file bears a note's name or is stuck to another's content.
var (
	noteHarm = regexp.MustCompile(`(your|all|the) [^.!?]{0,60}(file|data|document|network|server|system|database|computer|infrastructure|backup|photo|machine|device)s?[^.!?]{0,80}` +
		`(encrypted|locked|stolen|exfiltrated|downloaded|compromised|penetrated|hacked|strong encryption|crypted|blocked)|(encrypted|locked|stolen|hacked|infected) [^.!?]{0,40}your [^.!?]{0,40}(file|data|document|network|server|system|database|computer)`)
	noteDecrypt = regexp.MustCompile(`decrypt|private key|(restor|recover|unlock)[a-z]* [^.!?]{0,20}(your|all|the|files|data|them)|get [^.!?]{0,20}(files|data|them) back|return [^.!?]{0,20}files`)
	notePayment = regexp.MustCompile(`bitcoin|\bbtc\b|monero|\bxmr\b|ransom|payment|\bpay\b|\bprice\b|cryptocurrenc|\bwallet\b|\busd\b|\bcost\b`)
	noteContact = regexp.MustCompile(`[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9][a-z0-9.-]{0,60}\.[a-z]{2,12}|[a-z2-7]{16}\.onion|[a-z2-7]{56}\.onion|\b[0-9a-f]{76}\b|\b05[0-9a-f]{64}\b|t\.me/[a-z0-9_]{4,32}|telegram[^.]{0,12}@[a-z0-9_]{4,32}`)
)

func isNote(text []byte, trusted bool) bool {
	return mayBeNote(text) && noteDecrypt.Match(text) && noteHarm.Match(text) && noteContact.Match(text) && (trusted || notePayment.Match(text))
}

// mayBeNote asks for words without which the patterns cannot match: they cost a hundred times as much, and most text holds none.
func mayBeNote(text []byte) bool {
	return holdsAny(text, "crypt", "stolen", "lock") &&
		holdsAny(text, "crypted", "locked", "stolen", "exfiltrated", "downloaded", "compromised", "penetrated", "hacked", "strong encryption", "infected") &&
		holdsAny(text, "decrypt", "private key", "restor", "recover", "unlock", "get ", "return ") &&
		holdsAny(text, "your ", "all ", "the ")
}

func holdsAny(text []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return true
		}
	}
	return false
}

// saysEncrypted reports whether a text that stands before random content says that it was encrypted, and whom to write to: what
// follows makes up for what it does not say.
func saysEncrypted(text []byte) bool {
	return bytes.Contains(text, []byte("crypt")) && noteContact.Match(text) && noteHarm.Match(text)
}

// maxContacts bounds the addresses that are kept of a note.
const maxContacts = 8

// contactsOf lists the addresses of a note, each once and closed by a NUL, in the order in which they stand there.
func contactsOf(text []byte) (list []byte) {
	kept := 0
	for _, c := range noteContact.FindAll(text, 64) {
		entry := append(bytes.Clone(c), 0)
		if kept < maxContacts && !bytes.Contains(append([]byte{0}, list...), append([]byte{0}, entry...)) {
			list = append(list, entry...)
			kept++
		}
	}
	return list
}

// contentType tells what a file holds: the kind that signatures gave, one of the further signatures here, "text", or ""
// for what has no known form.
func contentType(head []byte, kind string) string {
	if kind != kindUnknown && kind != "" && kind != kindZip && kind != kindTar {
		return kind
	}
	for i := range contentForms {
		if contentForms[i].matches(head) {
			return contentForms[i].kind
		}
	}
	if archive := archiveKind(head); archive != "" {
		return archive
	}
	if isProse(head) {
		return "text"
	}
	return ""
}

// isProse takes UTF-8, UTF-16 with its mark, and single-byte text without control characters.
func isProse(head []byte) bool {
	if bytes.HasPrefix(head, []byte("\xff\xfe")) || bytes.HasPrefix(head, []byte("\xfe\xff")) {
		return true
	}
	odd := 0
	for _, c := range head {
		if c == 0 {
			return false
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != 0x1b {
			odd++
		}
	}
	return odd*200 <= len(head)
}

// contentForms are forms of media, fonts, stores and of lawful encryption, beside those of kinds.go.
var contentForms = []format{
	{kind: "mp4", offset: 4, magic: "ftyp"}, {kind: "mov", offset: 4, magic: "moov"}, {kind: "mov", offset: 4, magic: "mdat"}, {kind: "mov", offset: 4, magic: "wide"}, {kind: "matroska", magic: "\x1a\x45\xdf\xa3"},
	{kind: "riff", magic: "RIFF"}, {kind: "ogg", magic: "OggS"}, {kind: "flac", magic: "fLaC"}, {kind: "mp3", magic: "ID3"}, {kind: "asf", magic: "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
	{kind: "mpeg", magic: "\x00\x00\x01\xba"}, {kind: "mpeg", magic: "\x00\x00\x01\xb3"}, {kind: "tiff", magic: "II*\x00"}, {kind: "tiff", magic: "MM\x00*"}, {kind: "bmp", magic: "BM"}, {kind: "icon", magic: "\x00\x00\x01\x00"},
	{kind: "psd", magic: "8BPS"}, {kind: "jp2", magic: "\x00\x00\x00\x0cjP  "}, {kind: "jp2", magic: "\xff\x4f\xff\x51"}, {kind: "dwg", magic: "AC10"}, {kind: "hdf5", magic: "\x89HDF\r\n\x1a\n"}, {kind: "nifti", magic: "\x5c\x01\x00\x00"},
	{kind: "woff", magic: "wOF"}, {kind: "opentype", magic: "OTTO"}, {kind: "truetype", magic: "\x00\x01\x00\x00\x00"}, {kind: "wasm", magic: "\x00asm"}, {kind: "flash", magic: "CWS"}, {kind: "flash", magic: "ZWS"},
	{kind: "outlook-store", magic: "!BDN"}, {kind: "access", offset: 4, magic: "Standard Jet DB"}, {kind: "access", offset: 4, magic: "Standard ACE DB"}, {kind: "tape-format", magic: "TAPE"}, {kind: "mssql-backup", magic: "MSSQLBAK"},
	{kind: "parquet", magic: "PAR1"}, {kind: "squashfs", magic: "hsqs"}, {kind: "ms-compress", magic: "SZDD\x88\xf0\x27\x33"}, {kind: "ms-delta", magic: "PA30"}, {kind: "ms-delta", magic: "PA31"}, {kind: "ms-delta", magic: "DCM\x01PA30"}, {kind: "mssql-page", magic: "\x01\x0f"},
	{kind: "der", magic: "\x30\x82"}, {kind: "der", magic: "\x30\x83"}, {kind: "pdf", and: isLatePDF},
	// Lawful encryption.
	{kind: "age", magic: "age-encryption.org/"}, {kind: "openssl", magic: "Salted__"}, {kind: "luks", magic: "LUKS\xba\xbe"}, {kind: "bitlocker", offset: 3, magic: "-FVE-FS-"}, {kind: "aescrypt", magic: "AES\x00"}, {kind: "aescrypt", magic: "AES\x01"}, {kind: "aescrypt", magic: "AES\x02"}, {kind: "aescrypt", magic: "AES\x03"},
	{kind: "keepass", magic: "\x03\xd9\xa2\x9a"}, {kind: "vim-crypt", magic: "VimCrypt~"}, {kind: "rights-managed", magic: ".pfile"}, {kind: "rights-managed", magic: "%TSD-Header-###%"}, {kind: "rights-managed", magic: "DRMONE"}, {kind: "ecryptfs", offset: 8, magic: "\x3c\x81\xb7\xf5"},
}

// isLatePDF finds the header of a PDF that stands behind other bytes, which readers allow in the first kilobyte.
func isLatePDF(head []byte) bool { return bytes.Contains(head[:min(len(head), 1024)], []byte("%PDF-")) }
