package evidence

import (
	"bytes"
	"context"
	"path"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// shellReader reads the histories that shells and their like keep of what a user typed: bash with and without times,
// zsh plain and extended, fish, and by their names those of ksh, ash, python, mysql, psql, sqlite, less, redis, node
// and others. Commands without a time have none.
var shellReader = reader{"shell history", isShellHistory, readShellHistory}

// historyNames says whose a history is by its file's name.
var historyNames = map[string]string{
	".bash_history": "bash", ".sh_history": "sh", ".ash_history": "ash", ".history": "sh", ".ksh_history": "ksh", ".zsh_history": "zsh", ".zhistory": "zsh",
	".histfile": "zsh", "fish_history": "fish", ".python_history": "python", ".mysql_history": "mysql", ".mariadb_history": "mysql", ".psql_history": "psql",
	".sqlite_history": "sqlite", ".lesshst": "less", ".rediscli_history": "redis", ".node_repl_history": "node", ".mongorc_history": "mongo", ".dbshell": "mongo",
	".irb_history": "irb", ".php_history": "php", ".lftp/rl_history": "lftp", ".tcsh_history": "tcsh", ".csh_history": "csh",
	".rlwrap_history": "rlwrap", ".sqlplus_history": "sqlplus",
}

// historyShell tells the program from the name, with or without the dot, and with what was put before or behind it
// when it was collected: bash_history, root_bash_history, .bash_history.1, .bash_history-01234.tmp.
func historyShell(name string) string {
	base := strings.ToLower(path.Base(name))
	if shell := historyNames[base]; shell != "" {
		return shell
	}
	if base == "history" && strings.Contains(name, "/.ash") {
		return "ash"
	}
	for _, n := range []string{"bash_history", "zsh_history", "zsh_extended_history", "fish_history", "python_history", "mysql_history", "psql_history", "ash_history", "sh_history", "lesshst"} {
		if strings.Contains(base, n) {
			return strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(n, "_history"), "_extended"), "hst")
		}
	}
	return ""
}

// historyKind tells the form from the content: "zsh" extended, "fish", "bash" with times; "" if the lines are bare.
func historyKind(head []byte) string {
	lines, zsh, fish, bash := 0, 0, 0, 0
	for rest := head; len(rest) > 0 && lines < 200; lines++ {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if _, _, _, ok := zshEntry(line); ok {
			zsh++
		}
		if hasPrefix(line, "- cmd: ") {
			fish++
		}
		if _, ok := bashTime(line); ok {
			bash++
		}
	}
	switch {
	case zsh > 0 && zsh >= fish && zsh >= bash:
		return "zsh"
	case fish > 0 && hasPrefix(bytes.TrimLeft(head, "\n"), "- cmd: "):
		return "fish"
	case bash > 0 && bash*4 >= lines:
		return "bash"
	}
	return ""
}

func isShellHistory(head []byte, name string) bool {
	if historyShell(name) != "" && bytes.IndexByte(head[:min(len(head), 512)], 0) < 0 {
		return true
	}
	return isText(head[:min(len(head), 4096)]) && historyKind(head) != ""
}

var historySchemas = func() map[string]*event.Schema {
	m := map[string]*event.Schema{"": historySchema("")}
	for _, shell := range historyNames {
		m[shell] = historySchema(shell)
	}
	return m
}()

func historySchema(shell string) *event.Schema {
	return event.TextSchema(event.Source{Product: "linux", Channel: "shell history", Provider: shell}, "command", "user", "duration", "paths")
}

// history is one file being read.
type history struct {
	out     *output
	schema  *event.Schema
	want    bool
	user    []byte
	rec     event.Record
	slots   [4]event.Value
	command []byte
	untimed int
	libedit bool // spaces and others stand as \040
}

func readShellHistory(ctx context.Context, in *input, out *output) error {
	l := newLines(ctx, in.Stream)
	shell := historyShell(in.Path)
	form := historyKind(l.buf[l.at:l.n])
	if form != "" && (shell == "" || shell == "sh") {
		shell = form
	}
	schema := historySchemas[shell]
	if schema == nil {
		schema = historySchemas[""]
	}
	h := &history{out: out, schema: schema, want: out.want(schema), user: []byte(pathUser(in.Path))}
	switch form {
	case "zsh":
		h.zsh(l)
	case "fish":
		h.fish(l)
	default:
		h.bash(l)
	}
	if h.untimed > 0 && form != "" {
		out.note("%d commands bear no time", h.untimed)
	}
	return l.fail()
}

// pathUser is whose home directory a path lies in, "" if in none.
func pathUser(p string) string {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	for i, part := range parts[:len(parts)-1] {
		switch {
		case (part == "home" || part == "Users" || part == "export") && i+2 < len(parts):
			return parts[i+1]
		case part == "root" && (i == 0 || i+2 == len(parts) || strings.HasPrefix(parts[i+1], ".")):
			return "root"
		}
	}
	return ""
}

// take hands over one command.
func (h *history) take(command []byte, at event.Time, duration, paths []byte, number uint64, offset int64) {
	command = bytes.TrimRight(command, "\n")
	if len(bytes.TrimSpace(command)) == 0 {
		return
	}
	if at == event.NoTime {
		h.untimed++
	}
	h.rec = event.Record{Schema: h.schema, Time: at, Number: number, Offset: offset}
	if h.want {
		h.slots = [4]event.Value{textValue(command), textValue(h.user), numberValue(duration), textValue(paths)}
		h.rec.Slots = h.slots[:]
	}
	h.out.take(&h.rec)
}

// usable reports whether a line is text, and records damage where it is not.
func (h *history) usable(l *lines) bool {
	if l.cut > 0 {
		h.out.damage(l.offset+maxLine, l.cut, "line longer than 8 MiB")
	}
	if isText(l.text) || h.schema.Source.Provider == "psql" && bytes.IndexByte(l.text, 0) < 0 { // psql writes ends of lines as byte 1
		return true
	}
	h.out.damage(l.offset, int64(len(l.text)), "binary bytes in a text log")
	return false
}

// bashTime reads "#1669167469", and tcsh's "#+1669167469".
func bashTime(b []byte) (event.Time, bool) {
	if hasPrefix(b, "#+") {
		b = b[1:]
	}
	if len(b) < 9 || len(b) > 12 || b[0] != '#' && b[0] != '+' || len(trimDigits(b[1:])) > 0 {
		return event.NoTime, false
	}
	n, _ := strconv.ParseInt(string(b[1:]), 10, 64)
	return unixTime(n, 0), true
}

// bash reads one command a line, with "#epoch" before it where times were switched on. A command goes on over lines
// as long as a quote is open or a line ends in a backslash; without times each line is a command.
func (h *history) bash(l *lines) {
	timed := false
	at := event.NoTime
	for more := l.next(); more; more = l.next() {
		if !h.usable(l) {
			continue
		}
		if t, ok := bashTime(l.text); ok {
			at, timed = t, true
			continue
		}
		if l.number == 1 && string(l.text) == "_HiStOrY_V2_" {
			h.libedit = true
			continue
		}
		number, offset := l.number, l.offset
		h.command = append(h.command[:0], l.text...)
		if timed && at != event.NoTime {
			for open := openQuote(0, h.command); open != 0 && len(h.command) < maxMessage; {
				if !h.peekCommand(l) || !l.next() {
					break
				}
				h.command = append(append(h.command, '\n'), l.text...)
				open = openQuote(open, l.text)
			}
		}
		h.take(h.plain(h.command), at, nil, nil, number, offset)
		at = event.NoTime
	}
}

// plain undoes what some programs do to the lines they keep.
func (h *history) plain(b []byte) []byte {
	switch shell := h.schema.Source.Provider; {
	case h.libedit:
		return unescapeOctal(b)
	case shell == "psql":
		return bytes.ReplaceAll(b, []byte{1}, []byte{'\n'})
	case shell == "less": // .search, .shell and .mark head lists of "pattern and !command
		if len(b) == 0 || b[0] == '.' {
			return nil
		}
		return b[1:]
	}
	return b
}

// unescapeOctal undoes libedit's \040 in place.
func unescapeOctal(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+3 < len(b) && b[i+1] <= '3' && b[i+1] >= '0' && b[i+2]-'0' < 8 && b[i+3]-'0' < 8 {
			out = append(out, (b[i+1]-'0')<<6|(b[i+2]-'0')<<3|(b[i+3]-'0'))
			i += 3
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// peekCommand reports whether the next line is no time.
func (h *history) peekCommand(l *lines) bool {
	b := l.buf[l.at:l.n]
	if i := bytes.IndexByte(b[:min(len(b), 16)], '\n'); i >= 0 {
		b = b[:i]
	}
	_, ok := bashTime(b)
	return !ok
}

// openQuote follows the shell's quoting over a line and returns what is still open at its end: a quote, a backslash,
// or 0. Open is what was open before it.
func openQuote(open byte, line []byte) byte {
	if open == '\\' {
		open = 0
	}
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && open != '\'':
			if i++; i == len(line) && open == 0 {
				return '\\'
			}
		case open != 0:
			if c == open {
				open = 0
			}
		case c == '\'' || c == '"' || c == '`':
			open = c
		case c == '#' && (i == 0 || line[i-1] == ' '):
			return 0
		}
	}
	return open
}

// zshEntry reads ": 1669167469:3;command" of zsh's extended history.
func zshEntry(b []byte) (at event.Time, duration, command []byte, ok bool) {
	if !hasPrefix(b, ": ") || len(b) < 8 {
		return 0, nil, nil, false
	}
	rest := bytes.TrimLeft(b[2:], " ")
	tail := trimDigits(rest)
	digits := rest[:len(rest)-len(tail)]
	if len(digits) < 1 || len(digits) > 12 || len(tail) == 0 || tail[0] != ':' {
		return 0, nil, nil, false
	}
	semi := trimDigits(tail[1:])
	if len(semi) == 0 || semi[0] != ';' {
		return 0, nil, nil, false
	}
	n, _ := strconv.ParseInt(string(digits), 10, 64)
	return unixTime(n, 0), tail[1 : len(tail)-len(semi)], semi[1:], true
}

// zsh reads the extended history, in which a line that ends in a backslash goes on in the next, and bytes outside
// ASCII follow the byte 0x83 with a bit turned.
func (h *history) zsh(l *lines) {
	var duration []byte
	at, number, offset, open := event.NoTime, uint64(0), int64(0), false
	send := func() {
		if open {
			h.take(unmetafy(h.command), at, duration, nil, number, offset)
		}
		open = false
	}
	for l.next() {
		t, d, command, ok := zshEntry(l.text)
		if !open || ok && !endsInBackslash(h.command) {
			send()
			if !h.usable(l) {
				continue
			}
			if !ok {
				t, d, command = event.NoTime, nil, l.text
			}
			at, number, offset, open = t, l.number, l.offset, true
			duration = append(duration[:0], d...)
			h.command = append(h.command[:0], command...)
		} else if h.usable(l) && len(h.command) < maxMessage {
			if endsInBackslash(h.command) {
				h.command[len(h.command)-1] = '\n'
			} else {
				h.command = append(h.command, '\n')
			}
			h.command = append(h.command, l.text...)
		}
		if !endsInBackslash(h.command) {
			send()
		}
	}
	send()
}

func endsInBackslash(b []byte) bool { return len(b) > 0 && b[len(b)-1] == '\\' }

// unmetafy undoes in place how zsh writes bytes that mean something to itself: Meta (0x83), then the byte with bit 5
// turned.
func unmetafy(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); i++ {
		if b[i] == 0x83 && i+1 < len(b) {
			i++
			out = append(out, b[i]^32)
			continue
		}
		out = append(out, b[i])
	}
	return out
}

// fish reads
//
//   - cmd: git clone …
//     when: 1669167469
//     paths:
//   - name
//
// where a backslash stands before a backslash and as \n for the end of a line.
func (h *history) fish(l *lines) {
	var paths []byte
	at, number, offset, open := event.NoTime, uint64(0), int64(0), false
	send := func() {
		if open {
			h.take(h.command, at, nil, paths, number, offset)
		}
	}
	for l.next() {
		if !h.usable(l) {
			continue
		}
		switch {
		case hasPrefix(l.text, "- cmd: "):
			send()
			at, number, offset, open = event.NoTime, l.number, l.offset, true
			paths = paths[:0]
			h.command = unescapeFish(h.command[:0], l.text[7:])
		case hasPrefix(l.text, "  when: "):
			if n, err := strconv.ParseInt(string(l.text[8:]), 10, 64); err == nil {
				at = unixTime(n, 0)
			}
		case hasPrefix(l.text, "    - ") && len(paths) < maxMessage:
			if len(paths) > 0 {
				paths = append(paths, ' ')
			}
			paths = append(paths, l.text[6:]...)
		case string(l.text) == "  paths:", len(l.text) == 0:
		default:
			h.out.damage(l.offset, int64(len(l.text)), "line that is no part of an entry")
		}
	}
	send()
}

func unescapeFish(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
			if b[i] == 'n' {
				dst = append(dst, '\n')
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}
