package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// accountsReader reads who may log on and who may become root: passwd(5), shadow(5), group(5) and sudoers(5). A password's
// hash is never part of an event, only what kind it is. The events have no time but shadow's, the day of the last change.
var accountsReader = reader{"accounts", isAccounts, readAccounts}

var accountsSchema = event.TextSchema(event.Source{Product: "linux", Channel: "accounts", Provider: ""},
	"action", "user", "uid", "gid", "group", "home", "shell", "password", "comment", "members", "runas", "command", "options", "file")

var (
	actAccountRow = event.Text("account")
	actPassRow    = event.Text("password")
	actGroupRow   = event.Text("group")
	actSudoRow    = event.Text("sudo rule")
	actSudoSet    = event.Text("sudo setting")
)

// accountsForm is how the lines of a file are built.
type accountsForm uint8

const (
	noAccounts accountsForm = iota
	passwdForm
	shadowForm
	groupForm
	sudoersForm
)

// accountsPath tells the form from the name, whose copies end in "-" or ".bak".
func accountsPath(p string) accountsForm {
	dir, base := path.Split("/" + p)
	base = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(base, "-"), ".bak"), ".old")
	switch {
	case base == "passwd", base == "opasswd":
		return passwdForm
	case base == "shadow":
		return shadowForm
	case base == "group":
		return groupForm
	case base == "sudoers", strings.HasSuffix(dir, "/sudoers.d/"):
		return sudoersForm
	}
	return noAccounts
}

// accountsLine tells the form of a line by its columns.
func accountsLine(line []byte) accountsForm {
	c := bytes.Split(line, []byte(":"))
	number := func(i int) bool { return len(c[i]) > 0 && len(trimDigits(c[i])) == 0 }
	switch {
	case len(c) == 7 && number(2) && number(3) && len(c[0]) > 0 && (len(c[5]) == 0 || c[5][0] == '/') && (len(c[6]) == 0 || c[6][0] == '/'):
		return passwdForm
	case len(c) == 9 && len(c[0]) > 0 && (len(c[2]) == 0 || number(2)) && bytes.IndexByte(line, ' ') < 0:
		return shadowForm
	case len(c) == 4 && number(2) && len(c[0]) > 0 && bytes.IndexByte(line, ' ') < 0:
		return groupForm
	}
	return noAccounts
}

func isAccounts(head []byte, name string) bool {
	form := accountsPath(name)
	if form == sudoersForm {
		return isText(head) && (bytes.Contains(head, []byte("ALL")) || bytes.Contains(head, []byte("Defaults")))
	}
	if !isText(head) || form == noAccounts && bytes.IndexByte(head, ':') < 0 {
		return false
	}
	root := bytes.HasPrefix(head, []byte("root:")) || bytes.Contains(head, []byte("\nroot:"))
	return (form != noAccounts || root) && mostLines(head, func(line []byte) bool {
		got := accountsLine(bytes.TrimRight(line, "\r"))
		return got != noAccounts && (form == noAccounts || got == form)
	})
}

func readAccounts(ctx context.Context, in *input, out *output) error {
	a := accounts{out: out, form: accountsPath(in.Path), want: out.want(accountsSchema)}
	file := textValue([]byte(in.Path))
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		if len(line) == 0 || line[0] == '#' && !hasPrefix(line, "#include") || hasPrefix(line, "+:") || string(line) == "+" {
			continue
		}
		if !isText(line) {
			out.damage(l.offset, l.size(), "binary bytes in a text file")
			continue
		}
		a.rec = event.Record{Schema: accountsSchema, Time: event.NoTime, Number: l.number, Offset: l.offset}
		clear(a.slots[:])
		if !a.line(line) {
			if a.joined == nil {
				out.damage(l.offset, l.size(), "line that is no account and no rule")
			}
			continue
		}
		if a.want {
			a.slots[13] = file
			a.rec.Slots = a.slots[:]
		}
		out.take(&a.rec)
	}
	return l.fail()
}

// accounts reads one file.
type accounts struct {
	out    *output
	form   accountsForm
	want   bool
	rec    event.Record
	slots  [14]event.Value
	joined []byte // a rule of sudoers that goes on in the next line
}

func (a *accounts) line(line []byte) bool {
	form := a.form
	if form == noAccounts {
		form = accountsLine(line)
	}
	if form == sudoersForm {
		return a.sudoers(line)
	}
	if accountsLine(line) != form {
		return false
	}
	c := bytes.Split(line, []byte(":"))
	set := func(slot, column int) { a.slots[slot] = numberValue(c[column]) }
	switch form {
	case passwdForm:
		a.slots[0] = actAccountRow
		set(1, 0)
		set(2, 2)
		set(3, 3)
		set(8, 4)
		set(5, 5)
		set(6, 6)
		a.slots[7] = passwordKind(c[1])
	case shadowForm:
		a.slots[0] = actPassRow
		set(1, 0)
		a.slots[7] = passwordKind(c[1])
		if days := digits(c[2]); len(c[2]) > 0 && days > 0 && days < 100_000 {
			a.rec.Time = unixTime(int64(days)*86400, 0)
		}
	case groupForm:
		a.slots[0] = actGroupRow
		set(4, 0)
		set(3, 2)
		set(9, 3)
	default:
		return false
	}
	return true
}

// passwordKind says what stands for a password, never which: a scheme of crypt(5), locked, none, or that another file has it.
func passwordKind(b []byte) event.Value {
	switch {
	case len(b) == 0:
		return event.Text("none")
	case string(b) == "x":
		return event.Text("shadowed")
	case b[0] == '!' && len(b) > 2:
		return event.Text("set, locked")
	case b[0] == '!' || b[0] == '*':
		return event.Text("locked")
	}
	scheme := ""
	if b[0] == '$' {
		scheme = string(cut(b, "$", "$"))
	}
	switch scheme {
	case "1":
		return event.Text("set, MD5")
	case "2a", "2b", "2y":
		return event.Text("set, bcrypt")
	case "5":
		return event.Text("set, SHA-256")
	case "6":
		return event.Text("set, SHA-512")
	case "y", "7", "gy":
		return event.Text("set, yescrypt")
	}
	return event.Text("set")
}

// sudoers reads "alice ALL=(root) NOPASSWD: /bin/systemctl", which may go on behind a backslash, and settings.
func (a *accounts) sudoers(line []byte) bool {
	if bytes.HasSuffix(line, []byte(`\`)) && len(a.joined) < 64<<10 {
		a.joined = append(a.joined, bytes.TrimSuffix(line, []byte(`\`))...)
		if a.joined == nil {
			a.joined = []byte{}
		}
		return false
	}
	if a.joined != nil {
		line = append(a.joined, line...)
		a.joined = nil
	}
	first := bytes.Fields(line)
	if len(first) == 0 {
		return false
	}
	if w := string(first[0]); strings.HasPrefix(w, "Defaults") || strings.HasSuffix(w, "_Alias") || strings.HasPrefix(w, "#include") || strings.HasPrefix(w, "@include") {
		a.slots[0], a.slots[12] = actSudoSet, textValue(line)
		return true
	}
	eq := bytes.IndexByte(line, '=')
	if eq < 0 {
		return false
	}
	a.slots[0] = actSudoRow
	who := first[0]
	if who[0] == '%' {
		a.slots[4] = textValue(who[1:])
	} else {
		a.slots[1] = textValue(who)
	}
	what := bytes.TrimSpace(line[eq+1:])
	if len(what) > 0 && what[0] == '(' {
		a.slots[10] = textValue(cut(what, "(", ")"))
		what = bytes.TrimSpace(cut(what, ")", ""))
	}
	var options []byte
	for {
		i := bytes.IndexByte(what, ':')
		if i <= 0 || !isUpperWord(what[:i]) {
			break
		}
		if options != nil {
			options = append(options, ',')
		}
		options = append(options, bytes.TrimSpace(what[:i])...)
		what = bytes.TrimSpace(what[i+1:])
	}
	a.slots[12], a.slots[11] = textValue(options), textValue(what)
	return true
}

func isUpperWord(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && c != '_' && c != ' ' {
			return false
		}
	}
	return true
}
