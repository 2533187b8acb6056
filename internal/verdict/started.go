package verdict

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/policy"
)

// Programs of the intruder are known by what evidence says of their content: an antivirus named them, or the same
// content lies on a server where the intruder ran it. Their names and folders only join what was said of one file.

// paths are the programs that a record names by whole paths, in lower case and without the system's own.
func pathsOf(fields map[string]string) []string {
	var out []string
	for _, name := range pathFields {
		for _, p := range programPath.FindAllString(expandFolders(fields[name]), maxTraits) {
			if p = strings.ToLower(p); !ofSystem(p) {
				out = add(out, p)
			}
		}
	}
	return out
}

var (
	pathFields  = []string{"Image", "NewProcessName", "ImageLoaded", "ServiceFileName", "ImagePath", "TargetFilename", "Path", "ActionName", "CommandLine", "ProcessCommandLine", "Command", "Arguments", "FromPath", "TargetPath"}
	programPath = regexp.MustCompile(`(?i)(?:[a-z]:|\\\\[a-z0-9._-]{1,253}\\[a-z0-9._$-]{1,80})\\[^"'*<>|?;,=\r\n]{1,240}?\.(?:exe|dll|sys|scr|com|cpl|ocx|ps1|bat|cmd|vbs|vbe|js|jse|wsf|hta|msi|jar|py)\b`)
	digest256   = regexp.MustCompile(`(?i)\b[0-9a-f]{64}\b`)
)

// expandFolders spells out the variables that stand for folders in services and tasks.
func expandFolders(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	return strings.NewReplacer(`%ProgramData%`, `C:\ProgramData`, `%ALLUSERSPROFILE%`, `C:\ProgramData`, `%SystemRoot%`, `C:\Windows`, `%windir%`, `C:\Windows`,
		`%SystemDrive%`, `C:`, `%PUBLIC%`, `C:\Users\Public`).Replace(s)
}

// ofSystem reports whether a path lies where Windows and installed programs live.
func ofSystem(path string) bool {
	_, rest, _ := strings.Cut(path, `:\`)
	for _, folder := range []string{`windows\system32\`, `windows\syswow64\`, `windows\winsxs\`, `windows\servicing\`, `program files\`, `program files (x86)\`, `windows\microsoft.net\`} {
		if strings.HasPrefix(rest, folder) {
			return true
		}
	}
	return rest == `windows\explorer.exe` || rest == `windows\regedit.exe`
}

// payloadOf is the SHA-256 of the program that a record is about, "" for one that the system or a maker signed.
func payloadOf(fields map[string]string) string {
	file := first(fields, []string{"ImageLoaded", "TargetFilename", "Image"})
	if fields["Hashes"] == "" || ofSystem(strings.ToLower(file)) && !strings.EqualFold(fields["Signed"], "false") || strings.EqualFold(fields["Signed"], "true") {
		return ""
	}
	return strings.ToLower(digest256.FindString(fields["Hashes"]))
}

// executed makes class A of what an antivirus named by its content and what was started, if it is one file.
func (j *Judge) executed(s *server) []*piece {
	line := j.policy.Line("payload executed")
	if line == nil {
		return nil
	}
	var out []*piece
	done := map[string]bool{}
	for _, named := range s.strong {
		if named.line.Name != "antivirus detection" {
			continue
		}
		for _, path := range named.paths {
			i := slices.IndexFunc(s.noted, func(p *piece) bool {
				return p.line.Name == "program started" && slices.Contains(p.paths, path) && p.at <= named.at.Add(startsLater)
			})
			if i < 0 || done[path] {
				continue
			}
			done[path] = true
			started := *s.noted[i]
			started.line, started.rule, started.object = line, "payload executed", path
			started.says = "“" + path + "” was started, and an antivirus named it by its content: " + named.object
			started.beside = named.id
			out = append(out, &started)
		}
	}
	return out
}

// startsLater is how long after an antivirus named a file its start may still be logged.
const startsLater = time.Hour

// File is a file in the collection of a server that is no log: its path on its own system as far as the layout tells, and
// its SHA-256.
type File struct {
	Server  event.ServerID
	Path    string
	SHA256  string
	Unknown bool // its content has no form that is known
}

// payload is a content that the intruder ran on a server.
type payload struct {
	server event.ServerID
	path   string
	at     event.Time
}

// bearers are the lines whose pieces name a program of the intruder.
var bearers = []string{"antivirus detection", "payload executed", "payload persists", "tool present", "encrypted here", "command and control", "code in memory", "hypervisor encryptor"}

// learn notes the contents that an infiltrated server's decisive acts, and the programs started beside them from folders
// where programs do not live, point at.
func (j *Judge) learn(st *state, id event.ServerID, o *opinion) {
	s := j.servers[id]
	paths := map[string]event.Time{}
	note := func(p *piece) {
		for _, path := range p.paths {
			if at, ok := paths[path]; !ok || p.at < at {
				paths[path] = p.at
			}
		}
		if p.payload != "" {
			st.learnt(p.payload, payload{id, p.named(), p.at})
		}
	}
	for _, a := range o.decisive {
		for _, p := range a.pieces {
			switch {
			case slices.Contains(bearers, p.line.Name):
				note(p)
			case p.line.Name != "policy task" || !o.damagedAfter(a, j.policy.Thresholds.LinkWindow):
				continue
			}
			for _, path := range p.paths {
				keepEarliest(st.paths, path, payload{id, path, p.at})
			}
		}
		for _, p := range s.noted {
			if p.line.Name != "program started" {
				continue
			}
			_, same := a.traits.share(&p.traits)
			if near := p.at >= a.first.Add(-besideAct) && p.at <= a.last.Add(besideAct); near || same && p.at >= a.first && p.at <= a.last.Add(j.policy.Thresholds.LinkWindow) {
				note(p)
			}
		}
	}
	for _, f := range s.files {
		for path, at := range paths {
			if endsWithPath(f.Path, path) {
				st.learnt(f.SHA256, payload{id, path, at})
			}
		}
	}
}

// damagedAfter reports whether files were encrypted or backups deleted after an act, within the window in which acts are linked:
// of a policy's program nothing else says whose it is.
func (o *opinion) damagedAfter(a *act, window time.Duration) bool {
	return slices.ContainsFunc(o.decisive, func(b *act) bool {
		return (b.untimed() || b.last >= a.first && b.first <= a.last.Add(window)) && slices.ContainsFunc(b.lines, func(l *policy.Line) bool {
			return l.Flag == "affected" || slices.Contains(localLines, l.Name)
		})
	})
}

// named is the program that a piece is about, as far as the record spells it.
func (p *piece) named() string {
	for _, path := range p.paths {
		return path
	}
	return p.program
}

// besideAct is how near to a decisive act a program must have been started to be the intruder's.
const besideAct = 10 * time.Minute

// learnt keeps the earliest place of a content.
func (st *state) learnt(sha string, p payload) {
	keepEarliest(st.payloads, strings.ToLower(sha), p)
}

func keepEarliest(m map[string]payload, key string, p payload) {
	old, ok := m[key]
	if !ok || p.at < old.at || p.at == old.at && (p.server < old.server || p.server == old.server && p.path < old.path) {
		m[key] = p
	}
}

// deployed makes pieces of group policies, stored on this server, that have members start or copy a program by the very path
// by which the intruder's ran on one of them. When the policy was written is not known: the file says what its writer chose.
func (j *Judge) deployed(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("payload deployed")
	if line == nil || len(st.paths) == 0 {
		return nil
	}
	var out []*piece
	for _, d := range s.deploys {
		i := slices.IndexFunc(d.paths, func(path string) bool { p, ok := st.paths[path]; return ok && p.server != id })
		if i < 0 {
			continue
		}
		p := st.paths[d.paths[i]]
		q := *d
		q.line, q.rule, q.at, q.untimed, q.by = line, "payload deployed", st.window.To, true, p.at
		q.says = "A group policy that is stored here has members start or copy “" + p.path + "”, which the intruder used on " + string(p.server) + "; when it was written is not known"
		out = append(out, &q)
	}
	return out
}

// endsWithPath reports whether a collected file's path ends with a path of Windows: C/ProgramData/x.dll, or …/C:/ProgramData/x.dll.
func endsWithPath(collected, path string) bool {
	drive, rest, _ := strings.Cut(strings.ReplaceAll(path, `\`, "/"), ":/")
	collected = strings.ToLower(collected)
	return strings.HasSuffix(collected, "/"+drive+"/"+rest) || strings.HasSuffix(collected, "/"+drive+":/"+rest) ||
		collected == drive+"/"+rest || collected == drive+":/"+rest
}

// carried makes pieces of files whose content the intruder ran on another server. When they came is not known.
func (j *Judge) carried(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("tool present")
	if line == nil || len(st.payloads) == 0 {
		return nil
	}
	var out []*piece
	for _, f := range s.files {
		p, ok := st.payloads[f.SHA256]
		if !ok || p.server == id {
			continue
		}
		out = append(out, &piece{
			at: st.window.To, untimed: true, line: line, rule: "same content", place: f.SHA256 + " " + f.Path, object: f.Path,
			says: "“" + f.Path + "” has the content (SHA-256 " + f.SHA256 + ") of “" + p.path + "”, which the intruder used on " + string(p.server) + "; when it came here is not known",
		})
	}
	return out
}

// extensions notes which extensions the files of an infiltrated server bear that were encrypted.
func (o *opinion) extensions(id event.ServerID, st *state) {
	for _, a := range o.acts {
		for _, p := range a.pieces {
			if a.why == "" && p.added != "" {
				keepEarliest(st.added, p.added, payload{id, p.object, p.when()})
			}
		}
	}
}

// alike makes a piece of files of no known form that bear the extension which encrypted files of an infiltrated server bear: of
// what kind they were before nobody can tell, and so no mark of their own.
func (j *Judge) alike(id event.ServerID, s *server, st *state) []*piece {
	line := j.policy.Line("affected from afar")
	if line == nil || len(st.added) == 0 {
		return nil
	}
	for _, ext := range slices.Sorted(maps.Keys(st.added)) {
		like, n, first := st.added[ext], 0, ""
		for _, f := range s.files {
			if f.Unknown && strings.HasSuffix(strings.ToLower(f.Path), ext) {
				if n++; first == "" {
					first = f.Path
				}
			}
		}
		if n > 0 && like.server != id {
			return []*piece{{
				at: st.window.To, untimed: true, line: line, rule: "same extension", place: first, object: first,
				says: plural(n, "file") + " without a form that is known, such as “" + first + "”, with the extension “" + ext + "” that encrypted files of " + string(like.server) + " bear",
			}}
		}
	}
	return nil
}

// untimed are findings whose time the evidence does not tell: files in a collection. They count, and link nothing by time.
func (s *server) untimed(to event.Time) []*piece {
	out := make([]*piece, len(s.timeless))
	for i, p := range s.timeless {
		q := *p
		q.at = to
		out[i] = &q
	}
	return out
}
