package damage

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// mostNote is the size of the largest note, and how much of a head is looked at for one.
const (
	mostNote  = 256 << 10
	mostWords = 24 << 10 // of a note, without its marks
)

var (
	noteName = regexp.MustCompile(`decrypt|ransom|unlock.{0,8}file|(recover|restore|retrieve).{0,12}(file|data|key|info|my|system)|how.{0,4}to.{0,8}(back|get)|file.{0,12}encrypt|` +
		`(^|[^a-z])read[-_ ]?(me|it|this)([-_ !.0-9]|$)|^!+.{0,40}(read|file|help)|help.{0,8}(file|recover|restore)|^info\.(hta|txt)$|instructions?[-_ ]read`)
	saysHarm = regexp.MustCompile(`(your|all|the) [^.!?]{0,60}(file|data|document|network|server|system|database|computer|infrastructure|backup|photo|machine|device)s?[^.!?]{0,80}(encrypted|locked|stolen|exfiltrated|downloaded|compromised|penetrated|hacked|crypted|blocked)|` +
		`(encrypted|locked|stolen|hacked|infected) [^.!?]{0,40}your [^.!?]{0,40}(file|data|document|network|server|system|database|computer)`)
	saysReturn  = regexp.MustCompile(`decrypt|private key|(restor|recover|unlock)[a-z]* [^.!?]{0,20}(your|all|the|files|data|them)|get [^.!?]{0,20}(files|data|them) back|return [^.!?]{0,20}files`)
	saysPay     = regexp.MustCompile(`bitcoin|\bbtc\b|monero|\bxmr\b|ransom|payment|\bpay\b|\bprice\b|cryptocurrenc|\bwallet\b|\busd\b|negotiat`)
	saysContact = regexp.MustCompile(`[a-z0-9][a-z0-9._%+-]{0,63}@[a-z0-9][a-z0-9.-]{0,60}\.[a-z]{2,12}|[a-z2-7]{16}\.onion|[a-z2-7]{56}\.onion|\b05[0-9a-f]{64}\b|\b[0-9a-f]{76}\b|t\.me/[a-z0-9_]{4,32}|telegram|tor browser`)
)

// readNote tells whether a file is a ransom note, or has one before content that is no text. at is where the note ends.
func readNote(name string, head []byte, size int64) (note bool, at int, words []byte) {
	head = head[:min(len(head), mostNote)]
	text := noteText(head)
	if len(text) < 64 {
		return false, 0, nil
	}
	inHead := len(text) < len(head)
	if !inHead && (size > mostNote || !mayBeNote(name)) || !bytes.Contains(text, []byte("crypt")) && !bytes.Contains(text, []byte("CRYPT")) && !bytes.Contains(text, []byte("stolen")) && !bytes.Contains(text, []byte("lock")) && !bytes.Contains(text, []byte("c\x00r\x00y\x00p\x00t")) {
		return false, 0, nil
	}
	words = plainWords(text)
	if !holdsAny(words, "encrypt", "decrypt", "stolen", "locked", "crypted") || !holdsAny(words, "@", ".onion", "t.me/", "telegram", "tor browser", "session") ||
		!holdsAny(words, "bitcoin", "btc", "monero", "pay", "price", "decrypt", "restor", "recover", "ransom", "private key") {
		return false, 0, nil
	}
	if !saysContact.Match(words) || !saysHarm.Match(words) {
		return false, 0, nil
	}
	named := noteName.MatchString(strings.ToLower(name)) || inHead
	returns, pays := saysReturn.Match(words), saysPay.Match(words)
	wholeNote := returns && pays                           // harm, contact, the way back and its price
	knownPlace := named && (returns || pays)               // one of these may lack where a note is looked for
	beforeNoise := inHead && looksRandom(head[len(text):]) // and both where what follows is random
	if wholeNote || knownPlace || beforeNoise {
		return true, len(text), words
	}
	return false, 0, nil
}

func holdsAny(text []byte, words ...string) bool {
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			return true
		}
	}
	return false
}

// mayBeNote is a kind of file that people read.
func mayBeNote(name string) bool {
	switch ext := extension(name); ext {
	case "txt", "html", "htm", "hta", "rtf", "url", "":
		return true
	default:
		return promises[ext] == ""
	}
}

// noteText is the text that a file begins with: to the end of its last whole line where no text follows.
func noteText(b []byte) []byte {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) {
		return b[:2+wideRun(b[2:], true)]
	}
	n := 0
	for n < len(b) {
		if c := b[n]; c < utf8.RuneSelf {
			if c < ' ' && c != '\n' && c != '\r' && c != '\t' {
				break
			}
			n++
			continue
		}
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && len(b)-n >= utf8.UTFMax && (b[n] < 0x91 || b[n] > 0x97) {
			break
		}
		n += size
	}
	if n < len(b) {
		n = bytes.LastIndexAny(b[:n], "\n\r") + 1
	}
	return b[:n]
}

// plainWords makes text comparable: lower case, single blanks, no marks of HTML, no zeros of UTF-16.
func plainWords(text []byte) []byte {
	out := make([]byte, 0, min(len(text), mostWords))
	inTag := false
	for _, c := range text {
		switch {
		case c == 0:
			continue
		case c == '<':
			inTag = true
		case c == '>' && inTag:
			inTag, c = false, ' '
		}
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c <= ' ' || inTag && !strings.ContainsRune("@.:/_-", rune(c)) && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			c = ' '
		}
		if c == ' ' && (len(out) == 0 || out[len(out)-1] == ' ') {
			continue
		}
		if len(out) == cap(out) {
			break
		}
		out = append(out, c)
	}
	return out
}
