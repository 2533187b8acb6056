package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// transferReader reads how tools that copy whole trees to other places are set up: the remotes of rclone, under whatever name its
// configuration lies, and the sites that WinSCP keeps in a file. Each remote is an event, at the time at which the file was last written
// where an archive keeps it; there is none otherwise. Passwords, keys and tokens are never taken.
var transferReader = reader{"transfer configuration", isTransferSetup, readTransfer}

var transferNames = []string{"tool", "remote", "type", "dst_host", "remote_user", "file", "message"}

// Slots of transferNames.
const (
	trTool = iota
	trRemote
	trType
	trHost
	trUser
	trFile
	trMessage
	trSlots
)

var transferSchema = event.TextSchema(event.Source{Product: "network", Channel: "transfer configuration"}, transferNames...)

// rcloneTypes are the stores that rclone knows (rclone.org/overview).
var rcloneTypes = words(`alias azureblob azurefiles b2 box cache chunker combine compress crypt drive dropbox fichier filefabric filescom ftp gofile gcs hasher hdfs hidrive
	http imagekit internetarchive jottacloud koofr linkbox local mailru mega memory netstorage onedrive opendrive oos oracleobjectstorage pcloud pikpak pixeldrain premiumizeme protondrive putio qingstor
	quatrix s3 seafile sftp sharefile sia smb storj sugarsync swift tardigrade ulozto union uptobox webdav yandex zoho`)

const rcloneLocked = "RCLONE_ENCRYPT_V0:"

// section is the name between brackets, nil for another line.
func section(line []byte) []byte {
	line = bytes.TrimSpace(line)
	if n := len(line); n > 2 && n < 512 && line[0] == '[' && line[n-1] == ']' {
		return line[1 : n-1]
	}
	return nil
}

// setting splits "key = value".
func setting(line []byte) (key, value string, ok bool) {
	k, v, ok := bytes.Cut(line, []byte("="))
	if !ok || len(k) > 128 || len(v) > 4096 {
		return "", "", false
	}
	return strings.ToLower(string(bytes.TrimSpace(k))), string(bytes.TrimSpace(v)), true
}

func isTransferSetup(head []byte, name string) bool {
	if !isText(head) {
		return false
	}
	if bytes.Contains(head, []byte(rcloneLocked)) {
		return true
	}
	l := newLines(context.Background(), bytes.NewReader(head))
	inside := false
	for n := 0; n < 400 && l.next(); n++ {
		line := bytes.TrimSpace(l.text)
		if s := section(line); s != nil {
			if hasPrefix(s, `Sessions\`) {
				return true
			}
			inside = true
			continue
		}
		if k, v, ok := setting(line); inside && ok && k == "type" && (rcloneTypes[v] || strings.EqualFold(path.Base(name), "rclone.conf")) {
			return true
		}
	}
	return false
}

func readTransfer(ctx context.Context, in *input, out *output) error {
	t := transfer{out: out, file: textValue([]byte(in.Path)), at: event.NoTime}
	if in.Stored && !in.Modified.IsZero() {
		t.at = event.At(in.Modified)
	}
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		switch {
		case len(line) == 0 || line[0] == '#' || line[0] == ';':
			continue
		case !isText(line):
			out.damage(l.offset, l.size(), "binary bytes in a text file")
			continue
		case string(line) == rcloneLocked:
			t.begin("rclone", nil, l)
			t.set[trType] = "encrypted"
			return t.end(l)
		}
		if s := section(line); s != nil {
			t.yield()
			t.open(s, l)
			continue
		}
		if k, v, ok := setting(line); ok {
			t.take(k, v)
		}
	}
	return t.end(l)
}

// transfer reads one file.
type transfer struct {
	out  *output
	file event.Value
	at   event.Time
	rec  event.Record
	set  [trSlots]string
	in   bool
}

// open begins a remote of rclone, or a site of WinSCP; its other sections are settings.
func (t *transfer) open(s []byte, l *lines) {
	switch {
	case hasPrefix(s, `Sessions\`):
		t.begin("winscp", s[len(`Sessions\`):], l)
	case !bytes.ContainsRune(s, '\\'):
		t.begin("rclone", s, l)
	}
}

func (t *transfer) begin(tool string, remote []byte, l *lines) {
	t.in = true
	t.set = [trSlots]string{trTool: tool, trRemote: string(remote)}
	if tool == "winscp" {
		t.set[trType] = "sftp"
	}
	t.rec = event.Record{Schema: transferSchema, Time: t.at, Number: l.number, Offset: l.offset}
}

// winscpProtocols are the numbers of FSProtocol.
var winscpProtocols = map[string]string{"0": "scp", "1": "sftp", "2": "sftp", "5": "ftp", "6": "webdav", "7": "s3"}

func (t *transfer) take(key, value string) {
	switch key {
	case "type":
		t.set[trType] = value
	case "fsprotocol":
		t.set[trType] = winscpProtocols[value]
	case "host", "hostname", "url", "endpoint", "account", "provider":
		if t.set[trHost] == "" || key == "host" || key == "hostname" || key == "url" || key == "endpoint" {
			t.set[trHost] = hostOfURL(value)
		}
	case "user", "username":
		t.set[trUser] = value
	}
}

// hostOfURL is the host of "https://x.example:8443/dav", or the text itself.
func hostOfURL(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s, _, _ = strings.Cut(rest, "/")
		if at := strings.LastIndexByte(s, '@'); at >= 0 {
			s = s[at+1:]
		}
		if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Count(s, ":") == 1 {
			s = s[:i]
		}
	}
	return s
}

// yield hands over the remote at hand, if it says of what kind it is.
func (t *transfer) yield() {
	if t.in && t.set[trType] != "" {
		t.set[trMessage] = strings.TrimSpace(t.set[trTool] + " remote " + t.set[trRemote] + ": " + t.set[trType] + " " + t.set[trHost])
		slots := make([]event.Value, trSlots)
		for i, s := range t.set {
			if s != "" {
				slots[i] = event.Text(s)
			}
		}
		slots[trFile] = t.file
		t.rec.Slots = slots
		t.out.take(&t.rec)
	}
	t.in = false
}

func (t *transfer) end(l *lines) error {
	t.yield()
	return l.fail()
}
