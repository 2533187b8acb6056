package evidence

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cleanName makes of the name that an archive stores, or a file system gives, one that stands inside the collection:
// valid UTF-8, components joined by slashes, none of them empty, ".", ".." or holding a NUL. The name is only shown
// and compared; nothing is ever opened or written by it. notes say what was changed.
func cleanName(stored string, backslash bool) (name string, notes []string) {
	s := stored
	if backslash {
		s = strings.ReplaceAll(s, `\`, "/")
	}
	if tidy(s) && !strings.Contains(s, "!/") {
		if s != stored {
			notes = append(notes, storedAs(stored))
		}
		return s, notes
	}
	var parts []string
	escapes := strings.HasPrefix(s, "/") || len(s) >= 2 && isLetter(s[0]) && s[1] == ':'
	for part := range strings.SplitSeq(s, "/") {
		switch part {
		case "", ".":
		case "..":
			escapes = true
		default:
			parts = append(parts, strings.ReplaceAll(toValid(part), "\x00", string(utf8.RuneError)))
		}
	}
	// "!/" separates an archive from what it holds: a folder's own exclamation mark at that place is escaped.
	if name = strings.ReplaceAll(strings.Join(parts, "/"), "!/", "%21/"); name == "" {
		name = "unnamed"
	}
	if escapes {
		notes = append(notes, "its stored name points outside of the archive")
	}
	if strings.TrimPrefix(stored, "./") != name {
		notes = append(notes, storedAs(stored))
	}
	return name, notes
}

// tidy reports whether a name needs no change. Most do not.
func tidy(s string) bool {
	if s == "" || !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 || len(s) >= 2 && s[1] == ':' {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// storedAs is the note that keeps a name findable in the archive by other tools.
func storedAs(name string) string {
	if len(name) > 4096 {
		name = name[:4096]
	}
	return "stored as " + strconv.Quote(name)
}

// toValid replaces what is not UTF-8, so that a name survives JSON as it is.
func toValid(s string) string { return strings.ToValidUTF8(s, string(utf8.RuneError)) }

// fromCP437 reads the name of a zip entry that is not marked as UTF-8 and is not UTF-8 either: code page 437, as
// APPNOTE.TXT appendix D prescribes.
func fromCP437(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
		} else {
			b.WriteRune(cp437[s[i]-0x80])
		}
	}
	return b.String()
}

// cp437 holds the characters of the upper half of IBM code page 437.
var cp437 = []rune("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0")
