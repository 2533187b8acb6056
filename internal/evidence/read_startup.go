package evidence

import (
	"bytes"
	"context"
	"path"
	"strings"

	"wardround/internal/event"
)

// startupReader reads the scripts and lists that a Linux or ESXi system runs or loads by itself: rc.local, init.d, ld.so.preload,
// modules, and what a shell reads at its start. Each line that does something is an event without a time.
var startupReader = reader{"startup file", isStartup, readStartup}

var startupSchema = event.TextSchema(event.Source{Product: "linux", Channel: "startup", Provider: ""}, "action", "command", "user", "service", "file")

// startupForm is what a file's place says of it: the action of its lines, "" if it is none of these.
func startupForm(p string) string {
	p = "/" + strings.TrimPrefix(strings.ToLower(p), "/")
	dir, base := path.Split(p)
	switch {
	case base == "ld.so.preload":
		return "preload"
	case base == "rc.local", base == "local.sh" && strings.Contains(dir, "/rc.local.d/"), strings.HasSuffix(dir, "/etc/init.d/"), strings.HasSuffix(dir, "/rc.d/init.d/"),
		strings.HasSuffix(dir, "/rc.local.d/"), strings.HasSuffix(dir, "/etc/local.d/"), strings.Contains(dir, "/etc/update-motd.d/"):
		return "start script"
	case strings.HasSuffix(dir, "/spool/at/"), strings.HasSuffix(dir, "/spool/cron/atjobs/"):
		return "at job"
	case strings.HasSuffix(dir, "/etc/cron.hourly/"), strings.HasSuffix(dir, "/etc/cron.daily/"), strings.HasSuffix(dir, "/etc/cron.weekly/"), strings.HasSuffix(dir, "/etc/cron.monthly/"):
		return "cron script"
	case base == "modules" && strings.HasSuffix(dir, "/etc/"), strings.HasSuffix(dir, "/modules-load.d/"):
		return "module"
	case strings.HasSuffix(dir, "/etc/profile.d/"), base == "profile" && strings.HasSuffix(dir, "/etc/"), base == "bash.bashrc", base == "bashrc" && strings.HasSuffix(dir, "/etc/"), base == ".bashrc",
		base == ".bash_profile", base == ".profile", base == ".bash_login", base == ".bash_logout", base == ".zshrc", base == ".zshenv", base == "zshrc" && strings.Contains(dir, "/etc/"):
		return "shell start"
	}
	return ""
}

func isStartup(head []byte, name string) bool {
	return startupForm(name) != "" && isText(head) && len(bytes.TrimSpace(head)) > 0
}

// maxStartupLines bounds the events of one script.
const maxStartupLines = 20_000

func readStartup(ctx context.Context, in *input, out *output) error {
	form := startupForm(in.Path)
	if form == "" {
		form = "start script"
	}
	action, user, file := event.Text(form), textValue([]byte(homeUser(in.Path))), textValue([]byte(in.Path))
	service := textValue([]byte(path.Base(in.Path)))
	want := out.want(startupSchema)
	var slots [5]event.Value
	l := newLines(ctx, in.Stream)
	for l.next() {
		line := bytes.TrimSpace(l.text)
		switch {
		case len(line) == 0 || line[0] == '#':
			continue
		case !isText(line):
			out.damage(l.offset, l.size(), "binary bytes in a text file")
			continue
		case out.facts.Records >= maxStartupLines:
			out.damage(l.offset, -1, "script of more than 20,000 lines")
			return l.fail()
		}
		rec := event.Record{Schema: startupSchema, Time: event.NoTime, Number: l.number, Offset: l.offset}
		if want {
			slots = [5]event.Value{action, textValue(line), user, service, file}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
	return l.fail()
}
