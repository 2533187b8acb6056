package evidence

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"path"
	"strings"

	"wardround/internal/event"
)

// keysReader reads the files by which OpenSSH trusts: authorized_keys, who may come (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT), and known_hosts, where somebody went (SSH_KNOWN_HOSTS FILE FORMAT). Their events have no time.
var keysReader = reader{"ssh keys", isKeys, readKeys}

var (
	authorizedSchema = event.TextSchema(event.Source{Product: "linux", Channel: "authorized_keys", Provider: "ssh"},
		"action", "user", "key_type", "key", "comment", "options", "command", "src_host", "file")
	knownSchema = event.TextSchema(event.Source{Product: "linux", Channel: "known_hosts", Provider: "ssh"},
		"action", "user", "dst_host", "dst_ip", "dst_port", "key_type", "key", "hashed", "marker", "file")
)

var (
	actAuthorized = event.Text("authorized key")
	actKnown      = event.Text("known host")
)

// sshKey is one line taken apart. The parts point into the line.
type sshKey struct {
	before  []byte // options, or marker and names
	kind    []byte
	blob    []byte // base64
	comment []byte
}

// sshKeyTypes are how the names of key types begin.
var sshKeyTypes = []string{"ssh-rsa", "ssh-dss", "ssh-ed25519", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-", "rsa-sha2-", "ssh-ed448", "ssh-rsa-cert", "ssh-xmss"}

// parse finds the type of a key, behind options whose quotes may hold blanks, and the key behind it.
func (k *sshKey) parse(line []byte) bool {
	quoted, start := false, 0
	for i := 0; i <= len(line); i++ {
		switch {
		case i < len(line) && line[i] == '\\' && quoted:
			i++
			continue
		case i < len(line) && line[i] == '"':
			quoted = !quoted
			continue
		case i < len(line) && (line[i] != ' ' && line[i] != '\t' || quoted):
			continue
		}
		if w := line[start:min(i, len(line))]; isKeyType(w) {
			rest := bytes.TrimLeft(line[min(i, len(line)):], " \t")
			blob := rest
			if j := bytes.IndexAny(rest, " \t"); j >= 0 {
				blob = rest[:j]
			}
			if len(blob) < 40 || !isBase64(blob) {
				return false
			}
			*k = sshKey{bytes.TrimSpace(line[:start]), w, blob, bytes.TrimSpace(rest[len(blob):])}
			return true
		}
		start = i + 1
	}
	return false
}

func isKeyType(w []byte) bool {
	for _, t := range sshKeyTypes {
		if hasPrefix(w, t) {
			return true
		}
	}
	return false
}

func isBase64(b []byte) bool {
	for _, c := range b {
		if !letter(c) && !digit(c) && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	return true
}

// fingerprint is the key's SHA-256 as ssh-keygen -l shows it; nil for what is no key. The blob must begin with the name
// of its own type (RFC 4253, 6.6).
func (k *sshKey) fingerprint(buf []byte) []byte {
	blob := make([]byte, base64.StdEncoding.DecodedLen(len(k.blob)))
	n, err := base64.StdEncoding.Decode(blob, k.blob)
	if blob = blob[:n]; err != nil || len(blob) < 8 {
		return nil
	}
	if size := binary.BigEndian.Uint32(blob); size > 64 || int(size) > len(blob)-4 || !isKeyType(blob[4:4+size]) {
		return nil
	}
	sum := sha256.Sum256(blob)
	return base64.RawStdEncoding.AppendEncode(append(buf[:0], "SHA256:"...), sum[:])
}

// keysForm tells by the file's name: who may come, or where somebody went.
func isKnownHosts(name string) bool { return strings.Contains(path.Base(name), "known_hosts") }

func isKeys(head []byte, name string) bool {
	var k sshKey
	keys := mostLines(head, func(line []byte) bool { return k.parse(line) && k.fingerprint(nil) != nil })
	base := path.Base(name)
	return keys && !strings.HasSuffix(base, ".pub") || keys && strings.HasPrefix(base, "authorized_keys")
}

// homeUser is whose home the path names, "" if none.
func homeUser(p string) string {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for i, part := range parts {
		switch {
		case (part == "home" || strings.EqualFold(part, "Users")) && i+2 < len(parts):
			return parts[i+1]
		case part == "root" && i+1 < len(parts):
			return "root"
		case strings.HasPrefix(part, "keys-") && i+1 < len(parts): // /etc/ssh/keys-root/authorized_keys of ESXi
			return part[len("keys-"):]
		case part == "authorized_keys.d" && i+1 < len(parts):
			return parts[i+1]
		case part == ".ssh" && i > 0:
			return parts[i-1]
		}
	}
	return ""
}

func readKeys(ctx context.Context, in *input, out *output) error {
	known := isKnownHosts(in.Path)
	schema := authorizedSchema
	if known {
		schema = knownSchema
	}
	want := out.want(schema)
	user, file := textValue([]byte(homeUser(in.Path))), textValue([]byte(in.Path))
	var k sshKey
	var sum [64]byte
	var slots [10]event.Value
	hashed := 0
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		var print []byte
		if k.parse(line) {
			print = k.fingerprint(sum[:0])
		}
		if print == nil {
			out.damage(l.offset, l.size(), "line that is no key")
			continue
		}
		hidden := known && bytes.Contains(k.before, []byte("|1|"))
		if hidden {
			hashed++
		}
		rec := event.Record{Schema: schema, Time: event.NoTime, Number: l.number, Offset: l.offset}
		if want && known {
			clear(slots[:])
			slots[1], slots[5], slots[6], slots[9] = user, textValue(k.kind), textValue(print), file
			knownHost(&k, hidden, &slots)
			rec.Slots = slots[:knownSchema.Slots]
		} else if want {
			slots = [10]event.Value{actAuthorized, user, textValue(k.kind), textValue(print), textValue(k.comment), textValue(k.before),
				textValue(cut(k.before, `command="`, `"`)), textValue(cut(k.before, `from="`, `"`)), file}
			rec.Slots = slots[:authorizedSchema.Slots]
		}
		out.take(&rec)
	}
	if hashed > 0 {
		out.note("%d known hosts are hashed: their names cannot be told", hashed)
	}
	return l.fail()
}

// knownHost reads "@revoked host,10.0.0.5", "[10.0.0.5]:2222" and the hashed form.
func knownHost(k *sshKey, hidden bool, slots *[10]event.Value) {
	slots[0] = actKnown
	names := k.before
	if len(names) > 0 && names[0] == '@' {
		slots[8] = textValue(word(names))
		names = bytes.TrimSpace(names[len(word(names)):])
	}
	if hidden {
		slots[7] = yes
		return
	}
	for _, n := range bytes.Split(names, []byte(",")) {
		if len(n) > 0 && n[0] == '[' {
			if i := bytes.IndexByte(n, ']'); i > 0 {
				slots[4] = numberValue(bytes.TrimPrefix(n[i+1:], []byte(":")))
				n = n[1:i]
			}
		}
		if isAddress(n) {
			slots[3] = textValue(n)
		} else if slots[2].IsNull() {
			slots[2] = textValue(n)
		}
	}
}
