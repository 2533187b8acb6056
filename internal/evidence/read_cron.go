package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// cronReader reads crontab files: what runs when, and as whom. Their events have no time.
var cronReader = reader{"crontab", isCrontab, readCrontab}

var crontabSchema = event.TextSchema(event.Source{Product: "linux", Channel: "crontab", Provider: "cron"}, "action", "schedule", "user", "command")

var (
	actJob         = event.Text("job")
	actEnvironment = event.Text("environment")
)

// crontabForm is how the lines of a file are built.
type crontabForm uint8

const (
	unknownForm crontabForm = iota
	userForm                // a user's own: schedule, command
	systemForm              // schedule, user, command
	anacronForm             // period, delay, name, command
)

// crontabPath tells the form from where the file lay, and for a user's own its owner.
func crontabPath(p string) (crontabForm, string) {
	p = "/" + strings.TrimPrefix(p, "/")
	dir, base := path.Split(p)
	switch {
	case base == "anacrontab":
		return anacronForm, ""
	case strings.HasSuffix(dir, "/cron/crontabs/"), strings.HasSuffix(dir, "/spool/cron/"), strings.HasSuffix(dir, "/cron/tabs/"), strings.HasSuffix(dir, "/etc/crontabs/"):
		return userForm, base
	case base == "crontab", strings.HasSuffix(dir, "/cron.d/"):
		return systemForm, ""
	}
	return unknownForm, ""
}

func isCrontab(head []byte, name string) bool {
	form, _ := crontabPath(name)
	jobs, other, starred := 0, 0, false
	for rest := head; len(rest) > 0; {
		line := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			line, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if isAssignment(line) {
			continue
		}
		schedule, command := splitSchedule(line, form)
		if schedule == nil || len(command) == 0 {
			other++
			continue
		}
		jobs++
		starred = starred || schedule[0] == '@' || bytes.IndexByte(schedule, '*') >= 0 && (letter(command[0]) || strings.IndexByte("/.[(~{", command[0]) >= 0)
	}
	if form != unknownForm {
		return jobs > 0 && jobs >= other || len(head) == 0 && form != userForm
	}
	return jobs > 0 && other == 0 && starred
}

// isAssignment recognises "MAILTO=root".
func isAssignment(line []byte) bool {
	eq := bytes.IndexByte(line, '=')
	if eq <= 0 || digit(line[0]) {
		return false
	}
	for _, c := range bytes.TrimSpace(line[:eq]) {
		if !letter(c) && !digit(c) && c != '_' {
			return false
		}
	}
	return true
}

// splitSchedule parts the schedule of a line from what follows; nil if the line begins with none.
func splitSchedule(line []byte, form crontabForm) (schedule, rest []byte) {
	count := 5
	if line[0] == '@' {
		count = 1
	}
	if form == anacronForm {
		count = 3
	}
	n := 0
	for i := range count {
		start := n
		for n < len(line) && line[n] != ' ' && line[n] != '\t' {
			n++
		}
		if form != anacronForm && !isScheduleField(line[start:n], i) {
			return nil, nil
		}
		if i+1 == count {
			break
		}
		for n < len(line) && (line[n] == ' ' || line[n] == '\t') {
			n++
		}
		if n == len(line) {
			return nil, nil
		}
	}
	return line[:n], bytes.TrimLeft(line[n:], " \t")
}

// isScheduleField checks the characters of the i-th field: *, numbers, lists, ranges, steps and names.
func isScheduleField(b []byte, i int) bool {
	if len(b) == 0 {
		return false
	}
	if b[0] == '@' {
		switch string(b) {
		case "@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@every_minute":
			return true
		}
		return false
	}
	for _, c := range b {
		if !digit(c) && strings.IndexByte("*,-/~", c) < 0 && !(letter(c) && i >= 3 && len(b) < 32) {
			return false
		}
	}
	return digit(b[0]) || b[0] == '*' || b[0] == '-' || b[0] == '~' || letter(b[0]) && len(b) >= 3
}

func readCrontab(ctx context.Context, in *input, out *output) error {
	form, owner := crontabPath(in.Path)
	want := out.want(crontabSchema)
	var slots [4]event.Value
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		switch {
		case len(line) == 0 || line[0] == '#':
			continue
		case !isText(line):
			out.damage(l.offset, int64(len(l.text)), "binary bytes in a text file")
			continue
		}
		action, user := actJob, []byte(owner)
		schedule, command := splitSchedule(line, form)
		switch {
		case schedule == nil && isAssignment(line):
			action, command = actEnvironment, line
		case schedule == nil || len(command) == 0:
			out.damage(l.offset, int64(len(l.text)), "line that is no job")
			continue
		case form == systemForm || form == unknownForm && namesUser(command):
			user = bytes.TrimRight(word(bytes.ReplaceAll(command[:min(len(command), 64)], []byte{'\t'}, []byte{' '})), " ")
			command = bytes.TrimLeft(command[len(user):], " \t")
		}
		rec := event.Record{Schema: crontabSchema, Time: event.NoTime, Number: l.number, Offset: l.offset}
		if want {
			slots = [4]event.Value{action, textValue(schedule), textValue(user), textValue(command)}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}

// namesUser reports whether a command of a file of unknown form begins with a user's name: root, or a bare word with a
// path behind it.
func namesUser(command []byte) bool {
	w := word(command)
	rest := bytes.TrimLeft(command[len(w):], " \t")
	return string(w) == "root" && len(rest) > 0 || len(rest) > 0 && rest[0] == '/' && bytes.IndexByte(w, '/') < 0 && len(w) <= 32
}
