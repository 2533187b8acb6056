package casefile

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/damage"
	"wardround/internal/event"
)

// damageFile holds a line for each file that is not intact, by server: docs/format/damage.md.
const damageFile = "damage.jsonl"

// DamageOptions are what a person asks of damage.
type DamageOptions struct {
	Roots   []string
	Before  string
	Case    string // "" without one
	Server  string // of whose tree it is; "" is told by the path, if that names a server of the case
	Workers int
	Lines   io.Writer // nil, or where each file's line goes
	Version string
}

// Damage scans trees and, with a case, says who wrote and keeps in the case what is not intact.
func Damage(ctx context.Context, o DamageOptions) (*damage.Summary, error) {
	opts := damage.Options{Roots: o.Roots, Before: o.Before, Workers: o.Workers}
	for _, p := range append([]string{o.Before}, o.Roots...) {
		if p != "" {
			if _, err := os.Lstat(p); err != nil {
				return nil, &InputError{fmt.Errorf("open %q: %w", p, err)}
			}
		}
	}
	if len(o.Roots) == 0 {
		return damageOfCase(o)
	}
	dated, err := datesBeside(ctx, o.Roots)
	if err != nil {
		return nil, err
	}
	if o.Case == "" {
		opts.Who = dated.onto
		sum, err := damage.Scan(ctx, opts, lineWriter(o.Lines))
		dated.tell(sum)
		return sum, err
	}
	w, err := readWriters(o.Case)
	if err != nil {
		return nil, &InputError{err}
	}
	if o.Server != "" && w.find(o.Server) == nil {
		return nil, &InputError{fmt.Errorf("the case has no server %q", o.Server)}
	}
	opts.Who = func(f *damage.File) {
		dated.onto(f)
		w.attribute(f, w.serverOf(o.Server, f.Path))
	}
	sum, err := w.scan(ctx, o, opts)
	dated.tell(sum)
	return sum, err
}

// lineWriter writes a file as one line.
func lineWriter(w io.Writer) func(*damage.File) error {
	return func(f *damage.File) error {
		if w == nil {
			return nil
		}
		b, err := encode(f)
		if err == nil {
			_, err = w.Write(b)
		}
		return err
	}
}

// writers are what a case knows of who encrypted what.
type writers struct {
	servers  []event.Verdict
	findings map[string]*event.Finding // those that verdicts cite
	story    event.Story
	wrote    map[event.ServerID]*[2]*writing // nil where only the case's files are at hand
	resolve  func(address string) *string    // the server that bears an address
}

// The lines of the table of classes that tell of encryption.
var (
	linesHere = []string{"encrypted here", "hypervisor encryptor", "files rewritten"}
	linesAway = []string{"affected from afar"}
	// courseLines are what only the server itself does in that course.
	courseLines = []string{"backups deleted", "payload executed", "code in memory"}
)

// readWriters reads the verdicts of a case, the findings that they cite, and the marked files.
func readWriters(dir string) (*writers, error) {
	b, err := os.ReadFile(filepath.Join(dir, verdictsFile))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, ErrNoCase
		}
		return nil, fmt.Errorf("read case %q: %w", dir, err)
	}
	var v event.Verdicts
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, fmt.Errorf("read case %q: %w", dir, err)
	}
	w := &writers{servers: v.Servers, findings: map[string]*event.Finding{}, resolve: func(string) *string { return nil }}
	if b, err = os.ReadFile(filepath.Join(dir, spreadFile)); err == nil {
		err = json.Unmarshal(b, &w.story)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read case %q: %w", dir, err)
	}
	w.findings = citedBy(v.Servers)
	return w, eachLine(filepath.Join(dir, findingsFile), func(line []byte) error {
		id, ok := idOf(line)
		if _, cited := w.findings[id]; !ok || !cited {
			return nil
		}
		x := new(event.Finding)
		if err := json.Unmarshal(line, x); err != nil {
			return fmt.Errorf("read findings: %w", err)
		}
		w.findings[id] = x
		return nil
	})
}

// citedBy are the findings that the verdicts of damaged servers rest on, each still to be filled in.
func citedBy(servers []event.Verdict) map[string]*event.Finding {
	out := map[string]*event.Finding{}
	for i := range servers {
		if v := &servers[i]; slices.Contains(v.Flags, "encrypted") || slices.Contains(v.Flags, "affected") {
			for _, r := range v.Because {
				for _, id := range r.Findings {
					out[id] = nil
				}
			}
		}
	}
	return out
}

// longestLine bounds a line of the case's files.
const longestLine = 16 << 20

// eachLine reads a file of the case line by line; one that is not there has none. A line is valid until the next.
func eachLine(name string, yield func(line []byte) error) error {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read case: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		if err := yield(lines.Bytes()); err != nil {
			return err
		}
	}
	return lines.Err()
}

// idOf reads the id that a line of findings.jsonl begins with.
func idOf(line []byte) (string, bool) {
	rest, ok := strings.CutPrefix(string(line[:min(len(line), 32)]), `{"id":"`)
	if !ok || len(rest) < 16 {
		return "", false
	}
	return rest[:16], true
}

// find returns a server by its name or an alias.
func (w *writers) find(name string) *event.Verdict {
	for i := range w.servers {
		v := &w.servers[i]
		if strings.EqualFold(string(v.Server), name) {
			return v
		}
		for _, a := range v.Aliases {
			if strings.EqualFold(a, name) {
				return v
			}
		}
	}
	return nil
}

// serverOf is the server of a path: the one that was named, or the last folder of the path that is one's name.
func (w *writers) serverOf(named, path string) *event.Verdict {
	if named != "" {
		return w.find(named)
	}
	parts := strings.Split(path, "/")
	for i := len(parts) - 1; i >= 0; i-- {
		if v := w.find(parts[i]); v != nil {
			return v
		}
	}
	return nil
}

// attribute says of which server a file is, and who wrote it where it was written.
func (w *writers) attribute(f *damage.File, v *event.Verdict) {
	if v != nil {
		name := string(v.Server)
		f.Server = &name
	}
	if f.State.Hurt() || f.State == damage.Renamed || f.State == damage.Note {
		f.By = w.who(v)
	}
}

// who says who wrote on a server, from its verdict's evidence; or why that is not known.
func (w *writers) who(v *event.Verdict) *damage.By {
	if v == nil {
		return &damage.By{How: "not known", Says: "of which server the file is, is not known: name it with --server", Because: []string{}}
	}
	by := &damage.By{How: "not known", Because: []string{}}
	for i := range v.Because {
		if r := &v.Because[i]; slices.Contains(linesHere, r.Line) {
			by.How = "local"
			w.take(by, r)
		}
	}
	here, away := w.written(v.Server)
	if by.Process == nil && here != nil {
		by.How = "local"
		by.Process, by.Account = most(here.process), cmp.Or(by.Account, most(here.account))
	}
	for i := range v.Because {
		if r := &v.Because[i]; by.How == "not known" && slices.Contains(linesAway, r.Line) {
			w.take(by, r)
		}
	}
	if by.How == "not known" && by.Source != nil {
		by.How = "smb"
	}
	if by.How == "not known" && slices.Contains(v.Flags, "encrypted") {
		by.How = "local"
		w.acts(by, v)
	}
	if by.How == "not known" && away != nil && most(away.source) != nil {
		by.How, by.Source, by.Account = "smb", most(away.source), most(away.account)
	}
	seen := by.How == "smb"
	if seen {
		by.Source = cmp.Or(w.resolve(*by.Source), by.Source)
	}
	if by.How == "not known" {
		w.arrival(by, v)
	}
	by.Says = sayWho(by, v, seen)
	return by
}

// written is what events tell of many files written on a server, by its own processes and from afar; nil where they tell of few.
func (w *writers) written(id event.ServerID) (here, away *writing) {
	if pair := w.wrote[id]; pair != nil {
		if pair[0].files >= least {
			here = pair[0]
		}
		if pair[1].files >= least {
			away = pair[1]
		}
	}
	return here, away
}

// The fields in which events tell a process, an account and where it came from.
var (
	processFields = []string{"Image", "ProcessName", "NewProcessName"}
	accountFields = []string{"SubjectUserName", "User", "UserName"}
	sourceFields  = []string{"IpAddress", "SourceAddress", "ClientAddress"}
)

// take takes from a reason's findings what they tell of the writer.
func (w *writers) take(by *damage.By, r *event.Reason) {
	for _, id := range r.Findings {
		f := w.findings[id]
		if f == nil {
			continue
		}
		by.Because = append(by.Because, id)
		first(&by.Process, f, processFields)
		first(&by.Account, f, accountFields)
		first(&by.Source, f, sourceFields)
	}
	if len(by.Because) > 8 {
		by.Because = by.Because[:8]
	}
}

func first(to **string, f *event.Finding, names []string) {
	for _, n := range names {
		if v := f.Fields[n]; *to == nil && v != "" && v != "-" {
			*to = &v
		}
	}
}

// acts takes the local acts in the course of encryption: they show that it ran here, not which process wrote.
func (w *writers) acts(by *damage.By, v *event.Verdict) {
	for i := range v.Because {
		r := &v.Because[i]
		if !slices.Contains(courseLines, r.Line) {
			continue
		}
		for _, id := range r.Findings {
			if f := w.findings[id]; f != nil {
				by.Because = append(by.Because, id)
				first(&by.Account, f, accountFields)
				if r.Line == "payload executed" {
					first(&by.Process, f, processFields)
				}
			}
		}
	}
}

// arrival takes the last movement of the intruder to a server on which nothing of its own is seen to encrypt.
func (w *writers) arrival(by *damage.By, v *event.Verdict) {
	for i := range w.story.Edges {
		if e := &w.story.Edges[i]; e.To == v.Server && e.From != nil {
			by.How, by.Source, by.Account = "smb", e.From, e.Account
		}
	}
}

// sayWho is one sentence. seen says that shares were recorded as they were written to.
func sayWho(by *damage.By, v *event.Verdict, seen bool) string {
	switch {
	case by.How == "local" && by.Process != nil:
		return fmt.Sprintf("written on %s itself, by %q", v.Server, *by.Process)
	case by.How == "local":
		return fmt.Sprintf("written on %s itself, as its own acts show; by which process is not known: no source records its writes (Sysmon 11, Security 4663, or the file system's journal with a process)", v.Server)
	case by.How == "smb" && seen:
		return fmt.Sprintf("written over the network from %s: no process of %s did", *by.Source, v.Server)
	case by.How == "smb":
		return fmt.Sprintf("likely over the network from %s, whence the intruder reached %s and did nothing else that is seen; no share access is recorded (Security 5145)", *by.Source, v.Server)
	case !slices.Contains(v.Flags, "affected") && !slices.Contains(v.Flags, "encrypted"):
		return fmt.Sprintf("the case has no evidence of encryption on %s", v.Server)
	}
	return fmt.Sprintf("not known: no source on %s records who writes files or opens shares (Sysmon 11, Security 4663, 5145)", v.Server)
}
