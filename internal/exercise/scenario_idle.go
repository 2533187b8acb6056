package exercise

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// withoutEffect lists what a scenario says that changes nothing, or that cannot be true: whoever wrote it meant something
// by it.
func (sc *scenario) withoutEffect(known map[string]system) []string {
	var out []string
	add := func(line int, format string, args ...any) {
		out = append(out, fmt.Sprintf("line %d: ", line)+fmt.Sprintf(format, args...))
	}
	role := map[string]string{}
	for i := range sc.Servers {
		x := &sc.Servers[i]
		role[x.Key] = x.Role
		x.idle(known[x.Key], add)
	}
	for i := range sc.Parts {
		if p := &sc.Parts[i]; p.System == "linux" && p.Logging != "" && p.Logging != "default" && p.Logging != "commands" && p.Logging != "full" {
			add(p.line, "logging %s is of Windows: %s logs as Linux servers do", p.Logging, p.Key)
		}
	}
	reached, made := map[string]bool{}, false
	for i := range sc.Steps {
		sc.Steps[i].idle(reached, role, made, add)
		made = made || strings.Contains(sc.Steps[i].Do, "make-account")
	}
	for _, x := range sc.Decoys {
		for _, key := range x.On {
			switch {
			case x.Do == "listed-account" && !reached[key]:
				add(x.line, "no step brings the intruder to %s: no work is listed for his account", key)
			case x.Do == "resolver" && role[key] != "domain-controller":
				add(x.line, "%s is no domain controller: nobody asks it for names", key)
			}
		}
		if len(x.With) > 0 {
			add(x.line, "with: decoys have no options")
		}
	}
	return out
}

// idle tells what is said of a server and has no effect on one of its system.
func (x *castServer) idle(on system, add func(int, string, ...any)) {
	of := map[system][]string{windows: {"kape-folder", "kape-zip", "velociraptor", "folder", "zip", "json"}, linux: {"folder", "zip", "uac"}, esxi: {"folder", "zip", "vm-support"}}
	if x.Layout != "" && !slices.Contains(of[on], x.Layout) {
		add(x.line, "layout %s is not how %s is collected", x.Layout, on)
	}
	for _, channel := range slices.Sorted(maps.Keys(x.Kept)) {
		if (channel == "*") == (on == windows) {
			add(x.line, "kept %s: write the names of logs for Windows, \"*\" for others", channel)
		}
	}
	if on == windows && x.Hub {
		add(x.line, "hub: Windows has no syslog")
	}
	if on == esxi && x.Logging != "" && x.Logging != "default" {
		add(x.line, "logging %s: ESXi logs as it does", x.Logging)
	}
	if x.Listed != nil && !*x.Listed && (on != linux || !x.Hub) {
		add(x.line, "listed: false: only the syslog hub tells of such a server; write a Linux system and hub: true")
	}
}

// idle tells what a step says without effect, and where the intruder would do it before he came. It notes where he comes.
func (x *step) idle(reached map[string]bool, role map[string]string, made bool, add func(int, string, ...any)) {
	takes, mute, stays := map[string]bool{}, true, false
	for do := range strings.SplitSeq(x.Do, "|") {
		how := techniques[do]
		for _, name := range strings.Fields(how.takes) {
			takes[name] = true
		}
		mute = mute && how.mute
		stays = stays || how.stays()
	}
	for _, name := range slices.Sorted(maps.Keys(x.With)) {
		if !takes[name] {
			add(x.line, "with: %s does not know %s", x.Do, name)
		}
	}
	if x.As != "" && mute {
		add(x.line, "as: %s is done by whom the server makes the intruder", x.Do)
	}
	if x.At != "" && x.After != "" {
		add(x.line, "after: at: says when already")
	}
	if len(x.To) == 1 && (x.Apart != "" || x.Shuffle) {
		add(x.line, "apart, shuffle: there is one server")
	}
	if x.As == "made" && !made {
		add(x.line, "as: made: no step before makes the account")
	}
	for _, key := range x.To {
		switch dc := x.Do == "copy-ntds" || x.Do == "make-account"; {
		case stays && !reached[key]:
			add(x.line, "no step before brings the intruder to %s: truth.json will not call it entered", key)
		case dc && role[key] != "domain-controller":
			add(x.line, "%s is no domain controller: %s has nothing to work on", key, x.Do)
		}
	}
	if x.Do == "gpo" && role[x.From] != "domain-controller" {
		add(x.line, "%s is no domain controller: policies are changed on one", x.From)
	}
	if x.From != "" && x.Do != "vpn" && x.Do != "software-share" && !reached[x.From] {
		add(x.line, "no step before brings the intruder to %s", x.From)
	}
	if !stays && x.Do != "software-share" && x.Do != "encrypt-shares" {
		for _, key := range x.To {
			reached[key] = true
		}
	}
}
