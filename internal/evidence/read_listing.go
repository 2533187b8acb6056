package evidence

import (
	"bytes"
	"context"
	"encoding/hex"
	"strconv"

	"wardround/internal/event"
)

// listingReader reads bodyfiles: listings of a whole file system in the form of The Sleuth Kit 3, as fls -m, UAC and
// mac-robber write them:
//
//	MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime
//
// A line gives an event at the time that the file was created, where the line tells it, and another at its last change
// (ctime; mtime where there is none) if that was at another time. Both have all times as fields.
var listingReader = reader{"bodyfile", isListing, readListing}

// Slots of a listed file.
const (
	listPath = iota
	listLink
	listCreated
	listModified
	listChanged
	listAccessed
	listSize
	listFolder
	listDeleted
	listMode
	listUID
	listGID
	listInode
	listHash
	listAttribute
	listSlots
)

// listingSchemas are by product and act.
var listingSchemas = map[string][2]*event.Schema{"linux": listingSchema("linux"), "windows": listingSchema("windows")}

func listingSchema(product string) [2]*event.Schema {
	names := []string{
		"TargetFilename", "LinkTarget", "CreationUtcTime", "ModifiedUtcTime", "ChangedUtcTime", "AccessedUtcTime", "Size", "IsDirectory", "Deleted",
		"Mode", "uid", "gid", "Inode", "Hashes", "Attribute",
	}
	src := event.Source{Product: product, Channel: "file listing"}
	created, changed := src, src
	created.Provider, changed.Provider = "created", "changed"
	return [2]*event.Schema{actionSchema(created, "file created", names), actionSchema(changed, "file changed", names)}
}

// listed is one line. Its parts belong to the line.
type listed struct {
	hash, name, inode, mode, uid, gid, size []byte
	times                                   [4]event.Time // accessed, modified, changed, created
}

// parse reads a line. A name may hold the mark that parts the columns, so these are counted from both ends.
func (f *listed) parse(line []byte) bool {
	var cols [9][]byte
	rest := line
	for i := 8; i >= 0; i-- {
		at := bytes.LastIndexByte(rest, '|')
		if at < 0 {
			return false
		}
		cols[i], rest = rest[at+1:], rest[:at]
	}
	at := bytes.IndexByte(rest, '|')
	if at < 0 {
		return false
	}
	f.hash, f.name = rest[:at], rest[at+1:]
	f.inode, f.mode, f.uid, f.gid, f.size = cols[0], cols[1], cols[2], cols[3], cols[4]
	for i := range f.times {
		var ok bool
		if f.times[i], ok = listedTime(cols[5+i]); !ok {
			return false
		}
	}
	return len(f.name) > 0 && isListedHash(f.hash) && isDecimal(f.size)
}

// isListedHash takes an MD5, or what stands for none.
func isListedHash(b []byte) bool {
	if len(b) <= 1 {
		return len(b) == 0 || b[0] == '0' || b[0] == '-'
	}
	var sum [16]byte
	n, err := hex.Decode(sum[:], b[:min(len(b), 32)])
	return err == nil && n == 16 && len(b) == 32
}

func isDecimal(b []byte) bool {
	for _, c := range b {
		if !digit(c) {
			return false
		}
	}
	return len(b) > 0
}

// listedTime reads Unix seconds with an optional fraction. 0, -1, "-" and nothing stand for no time.
func listedTime(b []byte) (event.Time, bool) {
	switch string(b) {
	case "", "0", "-", "-1", "?":
		return event.NoTime, true
	}
	whole, fraction, _ := bytes.Cut(b, []byte("."))
	if !isDecimal(bytes.TrimPrefix(whole, []byte("-"))) || len(whole) > 12 || len(fraction) > 0 && !isDecimal(fraction) {
		return event.NoTime, false
	}
	seconds, err := strconv.ParseInt(string(whole), 10, 64)
	if err != nil {
		return event.NoTime, false
	}
	nanos, scale := 0, 100_000_000
	for _, c := range fraction[:min(len(fraction), 9)] {
		nanos += int(c-'0') * scale
		scale /= 10
	}
	if seconds == 0 && nanos == 0 {
		return event.NoTime, true
	}
	return unixTime(seconds, nanos), true
}

// isListing wants two lines that are rows, or the only one; remarks may stand before them.
func isListing(head []byte, _ string) bool {
	var f listed
	rows := 0
	for line := range bytes.Lines(head[:min(len(head), 16<<10)]) {
		if len(line) == 0 || line[len(line)-1] != '\n' && rows > 0 {
			break
		}
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case f.parse(line):
			if rows++; rows == 2 {
				return true
			}
		case rows == 0 && (len(line) == 0 || line[0] == '#' || bytes.HasPrefix(line, []byte("MD5|")) || bytes.HasPrefix(line, []byte("md5|"))):
		default:
			return false
		}
	}
	return rows > 0
}

func readListing(ctx context.Context, in *input, out *output) error {
	r := &listing{out: out}
	l := newLines(ctx, in.Stream)
	r.product(l)
	for l.next() {
		switch {
		case len(l.text) == 0 || l.text[0] == '#' || l.number == 1 && bytes.HasPrefix(bytes.ToLower(l.text[:min(len(l.text), 4)]), []byte("md5|")):
		case l.cut > 0 || !r.file.parse(l.text):
			out.damage(l.offset, l.size(), "no row of a bodyfile")
		default:
			r.take(l)
		}
	}
	return l.fail()
}

// listing is one listing being read.
type listing struct {
	out     *output
	schemas [2]*event.Schema
	want    [2]bool
	windows bool
	file    listed
	rec     event.Record
	slots   [listSlots]event.Value
	text    scratch
	path    []byte
}

// product tells whose file system it is from what is at hand of the listing: NTFS holds $MFT, paths of Windows begin
// with a drive's letter.
func (r *listing) product(l *lines) {
	head := l.buf[l.at:l.n]
	product := "linux"
	_, name, _ := bytes.Cut(head, []byte("|"))
	drive := len(name) > 2 && isLetter(name[0]) && name[1] == ':' && (name[2] == '/' || name[2] == '\\')
	if drive || bytes.Contains(head, []byte("/$MFT|")) || bytes.Contains(head, []byte("/Windows/System32/")) || bytes.Contains(head, []byte("/$AttrDef")) {
		product, r.windows = "windows", true
	}
	r.schemas = listingSchemas[product]
	for i, s := range r.schemas {
		r.want[i] = r.out.want(s)
	}
}

func (r *listing) take(l *lines) {
	f := &r.file
	created, changed := f.times[3], f.times[2]
	if changed == event.NoTime {
		changed = f.times[1]
	}
	if r.want[0] || r.want[1] {
		r.fill()
	}
	if created != event.NoTime {
		r.yield(0, created, l)
	}
	if created == event.NoTime || changed != event.NoTime && changed.Sub(created).Abs() > mftMoment {
		r.yield(1, changed, l)
	}
}

func (r *listing) yield(act int, at event.Time, l *lines) {
	r.rec = event.Record{Schema: r.schemas[act], Time: at, Number: l.number, Offset: l.offset}
	if r.want[act] {
		r.rec.Slots = r.slots[:]
	}
	r.out.take(&r.rec)
}

func (r *listing) fill() {
	f := &r.file
	clear(r.slots[:])
	r.text = r.text[:0]
	name, deleted := f.name, false
	if n, ok := bytes.CutSuffix(name, []byte(" ($FILE_NAME)")); ok {
		name = n
		r.slots[listAttribute] = fileNameAttribute
	}
	for _, mark := range [][]byte{[]byte(" (deleted)"), []byte(" (deleted-realloc)")} {
		if n, ok := bytes.CutSuffix(name, mark); ok {
			name, deleted = n, true
		}
	}
	if from, to, ok := bytes.Cut(name, []byte(" -> ")); ok && bytes.IndexByte(f.mode, 'l') >= 0 {
		name = from
		r.slots[listLink] = textValue(to)
	}
	if r.windows {
		r.path = append(r.path[:0], name...)
		for i, c := range r.path {
			if c == '/' {
				r.path[i] = '\\'
			}
		}
		name = r.path
	}
	r.slots[listPath] = textValue(name)
	r.slots[listAccessed], r.slots[listModified] = r.stamp(f.times[0]), r.stamp(f.times[1])
	r.slots[listChanged], r.slots[listCreated] = r.stamp(f.times[2]), r.stamp(f.times[3])
	r.slots[listSize] = event.Value{Type: event.Number, Raw: f.size}
	r.slots[listFolder] = truth[len(f.mode) > 0 && f.mode[0] == 'd' || bytes.HasPrefix(f.mode, []byte("-/d"))]
	r.slots[listDeleted] = truth[deleted]
	r.slots[listMode], r.slots[listUID], r.slots[listGID], r.slots[listInode] = textValue(f.mode), textValue(f.uid), textValue(f.gid), textValue(f.inode)
	if len(f.hash) == 32 {
		r.slots[listHash] = r.text.made(event.UTF8, append(append(r.text, "MD5="...), f.hash...))
	}
}

var fileNameAttribute = event.Text("$FILE_NAME")

// stamp renders a time as RFC 3339.
func (r *listing) stamp(t event.Time) event.Value {
	if t == event.NoTime {
		return event.Value{}
	}
	return r.text.made(event.UTF8, t.Std().AppendFormat(r.text, "2006-01-02T15:04:05.999999999Z07:00"))
}
