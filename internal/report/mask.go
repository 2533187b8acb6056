package report

import (
	"bytes"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMaskDepth bounds how often a text inside a text (quoted command, Base64 payload) is looked into.
const maxMaskDepth = 4

// Mask hides in s what gives access or names a patient, and leaves the rest as it stands: passwords, tokens, keys,
// password hashes, the secret parts of connection strings and URLs, Aadhaar and ABHA numbers, hospital numbers,
// telephone numbers and what fields of patient records hold. What is hidden reads [masked:password] and the like.
//
// It works on any text, a command line or a whole script, and looks into Base64 and hexadecimal payloads. It is a
// protection against reading by chance, not a proof of absence: a secret that nothing announces stays. Hashes of files,
// GUIDs, SIDs, logon ids, record numbers, times, e-mail addresses and names of accounts stay, because investigators
// need them. docs/design/report.md lists the rules. Mask(Mask(s)) is Mask(s).
func Mask(s string) string { return mask(s, 0) }

// MaskField is Mask for the value of a field whose name is known: what a field called Password holds is hidden whole.
func MaskField(name, value string) string {
	if value == "" || isMasked(value) {
		return value
	}
	switch kind := kindOfKey(name); {
	case kind == "" || neutral(value) || keepsItsValue(name, value):
	case kind == kindHeader:
		return "[masked:token]"
	default:
		return marker(kind)
	}
	if digitsOnly(value) && namesANumber(name) {
		return value
	}
	return mask(value, 0)
}

func mask(s string, depth int) string {
	if len(s) < 4 || depth > maxMaskDepth {
		return s
	}
	var h hints
	h.see(s)
	s = maskShapes(s, &h)
	s = maskCommands(s, depth)
	s = maskAssignments(s, &h)
	h.see(s)
	s = maskPersons(s, &h)
	return maskEncoded(s, depth)
}

// The kinds of what is hidden, as the marker names them; kindHeader is a header whose whole line is a credential.
const (
	kindPassword = "password"
	kindToken    = "token"
	kindKey      = "key"
	kindHash     = "hash"
	kindPatient  = "patient"
	kindPhone    = "phone"
	kindAadhaar  = "Aadhaar"
	kindABHA     = "ABHA"
	kindHeader   = "header"
)

func marker(kind string) string { return "[masked:" + kind + "]" }

func isMasked(s string) bool { return strings.HasPrefix(strings.TrimLeft(s, `"'\`), "[masked:") }

// neutral reports a value that stands for no secret: absent, already starred out, or a message code.
func neutral(v string) bool {
	v = strings.ToLower(strings.Trim(v, ` "'\`))
	switch v {
	case "", "-", "null", "(null)", "<null>", "nil", "none", "true", "false", "yes", "no", "n/a", "undefined", "0", "1",
		"amd64", "arm64", "i386", "all", "any": // base-passwd:amd64 is a package
		return true
	}
	return strings.HasPrefix(strings.TrimLeft(v, "("), "chauthtok") || strings.Trim(v, "*") == "" || strings.Trim(v, "x") == "" || strings.HasPrefix(v, "%%")
}

// words splits a name into lower-case words at punctuation and at changes of case: DB_PASSWORD, dbPassword, db.password.
func words(name string) []string {
	name = name[max(0, len(name)-200):] // the last words tell
	var out []string
	var cur []rune
	flush := func() {
		if len(cur) > 0 {
			out = append(out, strings.ToLower(string(cur)))
			cur = cur[:0]
		}
	}
	name = strings.ReplaceAll(strings.ReplaceAll(name, "%5B", " "), "%5D", " ")
	rs := []rune(name)
	for i, r := range rs {
		if !unicode.IsLetter(r) && !unicode.IsMark(r) { // digits end a word and are dropped: password2
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			afterLower := unicode.IsLower(rs[i-1])
			beforeLower := i+1 < len(rs) && unicode.IsLower(rs[i+1]) && unicode.IsUpper(rs[i-1])
			if afterLower || beforeLower {
				flush()
			}
		}
		cur = append(cur, r)
	}
	flush()
	return out
}

// appendWords writes the words of a name, in lower case, with a space between two.
func appendWords(b []byte, name string) []byte {
	tail := name[max(0, len(name)-200):]
	last, begun := byte(0), len(b)
	flush := func() {
		if len(b) > begun {
			b = append(b, ' ')
			begun = len(b)
		}
	}
	for i := 0; i < len(tail); i++ {
		c := tail[i]
		switch {
		case c >= utf8.RuneSelf:
			b = b[:0]
			for _, w := range words(name) {
				b = append(append(b, w...), ' ')
			}
			return bytes.TrimSuffix(b, []byte(" "))
		case 'a' <= c && c <= 'z':
			b = append(b, c)
		case 'A' <= c && c <= 'Z':
			if isLower(last) || isUpper(last) && i+1 < len(tail) && isLower(tail[i+1]) {
				flush()
			}
			b = append(b, c|0x20)
		default:
			flush()
			if strings.HasPrefix(tail[i:], "%5B") || strings.HasPrefix(tail[i:], "%5D") {
				i += 2
			}
		}
		last = c
	}
	return bytes.TrimSuffix(b, []byte(" "))
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

// lastWords are the last n of the words that appendWords wrote, with the spaces between them; nil if there are fewer.
func lastWords(b []byte, n int) []byte {
	for i := len(b) - 1; i > 0; i-- {
		if b[i] == ' ' {
			if n--; n == 0 {
				return b[i+1:]
			}
		}
	}
	if n == 1 && len(b) > 0 {
		return b
	}
	return nil
}

// secretNouns are last words of a name that say the value is a secret.
var secretNouns = map[string]string{
	"pwd": kindPassword, "pswd": kindPassword, "pass": kindPassword, "passwords": kindPassword, "passcode": kindPassword, "pw": kindPassword,
	"passin": kindPassword, "passout": kindPassword, "passwordd": kindPassword, "passwordo": kindPassword, // openssl, netdom
	"dynpw": kindPassword, "rootpw": kindPassword, "bindpw": kindPassword, "dbpass": kindPassword, "userpass": kindPassword,
	"adminpass": kindPassword, "sshpass": kindPassword, "dbpwd": kindPassword, "userpwd": kindPassword,
	"otp": kindPassword, "mpin": kindPassword, "community": kindPassword, "पासवर्ड": kindPassword,
	"token": kindToken, "jwt": kindToken, "jsessionid": kindToken, "phpsessid": kindToken, "sessid": kindToken, "aspxauth": kindToken,
	"authorization": kindHeader, "cookie": kindHeader, "sharedaccesssignature": kindKey,
}

// secretEndings are ends of last words written together: rootpassword, authtoken.
var secretEndings = []struct{ end, kind string }{
	{"password", kindPassword}, {"passwd", kindPassword}, {"passphrase", kindPassword}, {"secret", kindKey},
	{"apikey", kindKey}, {"secretkey", kindKey}, {"accesskey", kindKey}, {"privatekey", kindKey}, {"accountkey", kindKey},
	{"sharedkey", kindKey}, {"encryptionkey", kindKey}, {"decryptionkey", kindKey}, {"validationkey", kindKey}, {"masterkey", kindKey},
	{"machinekey", kindKey}, {"authtoken", kindToken}, {"accesstoken", kindToken}, {"refreshtoken", kindToken}, {"idtoken", kindToken},
	{"sessiontoken", kindToken}, {"apitoken", kindToken}, {"bearertoken", kindToken},
}

// keyOwners are words before "key" that make it a secret: a key without one is a registry key, a column or a map.
var keyOwners = map[string]bool{
	"api": true, "access": true, "secret": true, "private": true, "account": true, "shared": true, "encryption": true,
	"decryption": true, "master": true, "auth": true, "storage": true, "subscription": true, "signing": true,
	"validation": true, "recovery": true, "bitlocker": true, "wpa": true, "psk": true, "client": true,
}

// kindOfKey tells by the last words of a name which kind of secret or patient datum its value is, "" for none.
func kindOfKey(name string) string {
	var room [256]byte
	w := appendWords(room[:0], name)
	if len(w) == 0 {
		return ""
	}
	last := lastWords(w, 1)
	two := lastWords(w, 2)
	before := two[:max(0, len(two)-len(last)-1)]
	switch string(last) {
	case "token":
		if string(before) == "key" { // PublicKeyToken of a .NET assembly
			return ""
		}
	case "key":
		if keyOwners[string(before)] {
			return kindKey
		}
	case "signature":
		if string(before) == "access" {
			return kindKey
		}
	case "hash":
		if b := string(before); b == "password" || b == "ntlm" || b == "nt" || b == "lm" {
			return kindHash
		}
	case "id":
		if three := string(lastWords(w, 3)); three == "net session id" || three == "php session id" {
			return kindToken
		}
	}
	if k := secretNouns[string(last)]; k != "" {
		return k
	}
	for i := range secretEndings {
		if e := &secretEndings[i]; len(last) >= len(e.end) && string(last[len(last)-len(e.end):]) == e.end {
			return e.kind
		}
	}
	return kindOfPerson(w)
}

// personNames are the last one to three words of names of patient data. Only names that mean nothing else in a log:
// "address", "name" and "id" alone stay.
var personNames = personTable()

func personTable() map[string]string {
	t := map[string]string{
		"uhid": kindPatient, "mrn": kindPatient, "dob": kindPatient, "birthdate": kindPatient, "birth date": kindPatient,
		"date of birth": kindPatient, "father name": kindPatient, "fathers name": kindPatient, "mother name": kindPatient,
		"guardian name": kindPatient, "patientid": kindPatient, "patientname": kindPatient, "patientno": kindPatient,
		"healthid": kindABHA, "health id": kindABHA, "abha": kindABHA, "mobileno": kindPhone, "phoneno": kindPhone,
		"phone": kindPhone, "mobile": kindPhone, "telephone": kindPhone, "whatsapp": kindPhone, "आधार": kindAadhaar,
	}
	for _, w := range []string{"name", "id", "dob", "age", "email", "mail", "address", "phone", "mobile", "uhid", "ssn"} {
		t["patient "+w] = kindPatient
	}
	for _, w := range []string{"aadhaar", "aadhar", "adhaar", "adhar"} {
		t[w] = kindAadhaar
	}
	for name, kind := range maps.Clone(t) {
		for _, w := range []string{"no", "num", "number"} {
			t[name+" "+w] = kind
		}
	}
	for _, w := range []string{"ip", "ipd", "opd", "op", "cr", "mr", "patient", "hospital", "registration"} {
		t[w+" no"], t[w+" number"] = kindPatient, kindPatient
	}
	for _, w := range []string{"aadhaar", "aadhar", "abha", "uhid"} {
		t[w+" id"] = t[w]
	}
	t["abha address"] = kindABHA
	return t
}

func kindOfPerson(w []byte) string {
	for n := 4; n > 0; n-- {
		if kind := personNames[string(lastWords(w, n))]; kind != "" {
			return kind
		}
	}
	return ""
}

// namesANumber reports names of counts, sizes, times and record numbers, whose digits are never a person's.
func namesANumber(name string) bool {
	var room [256]byte
	switch string(lastWords(appendWords(room[:0], name), 1)) {
	case "id", "recordid", "taken", "elapsed", "duration", "ms", "ns", "bytes", "size", "offset", "time", "timestamp", "date", "ticks", "pid", "inode", "handle",
		"length", "count", "serial", "port", "lsn", "seq", "sequence", "version", "index":
		return true
	}
	return false
}

func digitsOnly(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
