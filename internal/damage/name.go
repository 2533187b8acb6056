package damage

import (
	"strings"
)

// nameParts is what a name promises.
type nameParts struct {
	promised string // kind of the last extension that is known; "" for none
	ext      string // that extension
	added    string // what follows it, without the point: "bak9", "id[1a2b].[a@b.c].x"
	strange  bool   // added is nothing that ordinary programs add
	honest   bool   // it names a program that people encrypt with
}

// extension is what follows the last point of a name, in lower case.
func extension(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return ""
	}
	return strings.ToLower(name[i+1:])
}

var (
	honestExtensions = set(`gpg pgp asc age enc aes p7m p7s axx hc tc vc kdbx kdb pfile ppdf rpmsg p12 pfx jks luks crypt12 crypt14 crypt15 asc jceks bks keystore vault veracrypt`)
	addedByPrograms  = set(`bak old orig save saved tmp temp part partial crdownload download gz bz2 xz zst lz4 lzma br z zip 7z rar tar lock swp swo swn rpmnew rpmsave rpmorig
		disabled sample template tmpl example default dist in map meta metadata idx index cache new copy backup bkp sig sha1 sha256 sha512 md5 torrent aria2 manifest mui lnk
		url license info properties thumb thumbnail preview ocr txt log html d o a la pc tpl jinja j2 erb ejs out ref golden expected bk prev cur sum mod work am ac snap trace raw data bin dat list dir inf cat`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// splitName takes a name apart.
func splitName(base string) (p nameParts) {
	pieces := strings.Split(strings.ToLower(base), ".")
	if len(pieces) > 64 {
		pieces = pieces[len(pieces)-64:]
	}
	for i := len(pieces) - 1; i > 0; i-- {
		if k := promises[pieces[i]]; k != "" {
			p.promised, p.ext = k, pieces[i]
			p.added = strings.Join(pieces[i+1:], ".")
			break
		}
	}
	last := pieces[len(pieces)-1]
	p.honest = len(pieces) > 1 && honestExtensions[last]
	p.strange = p.added != "" && !p.honest && !addedByPrograms[last] && strings.Trim(last, "0123456789-_") != "" && !strings.HasPrefix(last, "dpkg-") && !strings.HasPrefix(last, "ucf-") && !strings.HasSuffix(last, "~")
	return p
}
