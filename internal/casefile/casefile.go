// Package casefile is one investigation on disk, and the pipeline on one page: evidence is read into facts, facts are
// joined to findings, findings to verdicts, verdicts to a report.
//
// Reading is the expensive part: workers open collections, hash and decode them, run the rules, and keep what they learn of
// each artifact as facts in cache/, under a key of the artifact and of the rules. It can be interrupted, and goes on where
// it stopped; evidence that is added later is read alone. Everything after that runs over the facts of the whole case,
// in one order that does not depend on who read what when: the same evidence, at once or in parts, with any number of
// workers, gives the same bytes. Memory is bounded by sorting on disk.
package casefile

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"wardround/internal/event"
	"wardround/internal/evidence"
	"wardround/internal/match"
	"wardround/internal/verdict"
)

// Result is what an examination came to.
type Result struct {
	Verdicts event.Verdicts
	Problems []string // wrong rows and rules, unreadable pieces: what a person should know, all else went on
	Report   string   // path of the page
}

// ErrMixed says that exercise and real evidence lie in one case.
var ErrMixed = errors.New("some of the evidence is an exercise's and some is not: examine them in cases of their own")

// InputError is a fault of what was asked for: a file that is not there, a policy that makes no sense. Nothing was written.
type InputError struct{ err error }

func (e *InputError) Error() string { return e.err.Error() }

// Unwrap returns the fault itself.
func (e *InputError) Unwrap() error { return e.err }

// Examine adds collections to a case and judges all that it holds. The context ends it early with what is done kept.
func Examine(ctx context.Context, o Options, status *Status) (*Result, error) {
	in, err := readInputs(o)
	if err != nil {
		return nil, &InputError{err}
	}
	all, err := in.collections()
	if err != nil {
		return nil, err
	}
	release, err := openFolder(o.Case)
	if err != nil {
		return nil, err
	}
	defer release()
	r, err := newRun(in, status)
	if err != nil {
		return nil, err
	}
	status.enter("reading")
	if err := r.collect(ctx, all); err != nil {
		return nil, err
	}
	status.enter("judging")
	return r.judge(ctx, all)
}

// newProgram compiles the rules.
func newProgram(in *inputs, status *Status) *run {
	r := &run{in: in, status: status, cache: filepath.Join(in.Case, cacheFolder), grouped: map[int][]string{}, telling: map[string]bool{}}
	r.program = match.Compile(in.set.Rules)
	r.corr = r.program.Correlations(in.set.Rules)
	for _, c := range r.corr.List {
		for slot, ref := range c.Slots {
			if ref.Rule < 0 {
				continue
			}
			for _, f := range c.Fields(slot) {
				if !serverField(f) && !slices.Contains(r.grouped[ref.Rule], f) {
					r.grouped[ref.Rule] = append(r.grouped[ref.Rule], f)
				}
			}
		}
	}
	for _, f := range verdict.Fields() {
		r.telling[f] = true
	}
	return r
}

// newRun compiles the rules and finds the facts that are at hand.
func newRun(in *inputs, status *Status) (*run, error) {
	r := newProgram(in, status)
	in.evidence.TempDir = r.cache
	old, err := filepath.Glob(filepath.Join(r.cache, "*.tmp"))
	if err != nil {
		return nil, err
	}
	for _, f := range old {
		os.Remove(f) // of a run that was cut off
	}
	if r.key, err = keyOfPatients(filepath.Join(in.Case, patientKey)); err != nil {
		return nil, err
	}
	r.facts, err = scanSegments(r.cache)
	return r, err
}

// collections are those of the case and those given now.
func (in *inputs) collections() ([]*collection, error) {
	byPath := map[string]*collection{}
	info, err := readInfo(in.Case)
	if err != nil && !errors.Is(err, ErrNoCase) {
		return nil, err
	}
	if info != nil {
		for _, c := range info.Collections {
			byPath[c.Path] = &collection{path: c.Path}
		}
	}
	for _, p := range in.Collections {
		abs, err := filepath.Abs(p)
		if err != nil {
			return nil, fmt.Errorf("open evidence %q: %w", p, err)
		}
		c, err := evidence.Open(abs, in.evidence)
		if err != nil {
			return nil, &InputError{err}
		}
		c.Close()
		byPath[abs] = &collection{path: abs, given: true}
	}
	if len(byPath) == 0 {
		return nil, &InputError{errors.New("no collection is named, and the case has none: `wardround examine COLLECTION... --case DIR`")}
	}
	all := slices.SortedFunc(maps.Values(byPath), func(a, b *collection) int { return cmp.Compare(a.path, b.path) })
	nameCollections(all)
	return all, nil
}

// judge runs over the facts of the whole case and writes its files.
func (r *run) judge(ctx context.Context, all []*collection) (*Result, error) {
	m, err := r.merge(all)
	if err != nil {
		return nil, err
	}
	defer m.close()
	exercise, err := m.exercise()
	if err != nil {
		return nil, err
	}
	if err := m.findings(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := m.look(); err != nil {
		return nil, err
	}
	if err := m.includeScans(); err != nil {
		return nil, err
	}
	j, err := m.feed()
	if err != nil {
		return nil, err
	}
	verdicts := j.Verdicts()
	story, err := m.tellStory(j, &verdicts)
	if err != nil {
		return nil, err
	}
	data, err := m.tellData(&verdicts, story)
	if err != nil {
		return nil, err
	}
	res := &Result{Verdicts: verdicts, Problems: slices.Concat(r.in.problems, m.problems()), Report: filepath.Join(r.in.Case, reportFile)}
	maskVerdicts(&res.Verdicts)
	maskStory(story)
	if err := replaceJSON(filepath.Join(r.in.Case, verdictsFile), res.Verdicts); err != nil {
		return nil, err
	}
	if err := replaceJSON(filepath.Join(r.in.Case, spreadFile), story); err != nil {
		return nil, err
	}
	if err := m.writeData(data); err != nil {
		return nil, err
	}
	info := m.info(all, exercise, res.Problems)
	if err := replaceJSON(filepath.Join(r.in.Case, caseFile), info); err != nil {
		return nil, err
	}
	if err := r.both(m.apart().writeEvidence, func() error { return m.writeReport(info, &res.Verdicts, story, data) }); err != nil {
		return nil, err
	}
	if err := m.tidy(); err != nil {
		return nil, err
	}
	return res, nil
}

// exercise reports whether the evidence is an exercise's. All that holds records with a time must agree; a file of one name
// or key has no place for a mark.
func (m *merged) exercise() (bool, error) {
	marked, plain := 0, 0
	for i := range m.entries {
		switch a := &m.entries[i].artifact; {
		case a.Exercise:
			marked++
		case slices.ContainsFunc(a.Servers, func(s event.Seen) bool { return s.First != event.NoTime }):
			plain++
		}
	}
	if marked > 0 && plain > 0 {
		return false, &InputError{ErrMixed}
	}
	return marked > 0, nil
}

// feed writes findings.jsonl and hands the judge all that is known.
func (m *merged) feed() (*verdict.Judge, error) {
	in := m.run.in
	j := verdict.New(in.policy, verdict.Options{From: in.From, Until: in.Until, Changes: in.changes, Resolve: m.names.Fork().Find,
		Account: func(sid string) string { return m.domains.Account(sid, m.who[sid]) }, Domain: func(dns string) string { return m.flat[dns] },
	})
	servers := m.servers()
	for _, id := range slices.Sorted(maps.Keys(servers)) {
		servers[id].ClockOff = m.clocks.off[id] != 0
		j.AddServer(*servers[id])
	}
	var err error
	if m.roll, err = newRoll(m.run.cache); err != nil {
		return nil, err
	}
	m.hits = map[hitsOf]int{}
	var lines findingWriter
	type made struct {
		*event.Finding
		rule int
	}
	err = replace(filepath.Join(in.Case, findingsFile), func(w io.Writer) error {
		return ahead(m.run, func(put func(made) error) error {
			return m.each(func(x *finding, ref uint64) error {
				id := m.idOf(x)
				m.roll.put(id, ref)
				return put(made{m.identified(x, id), x.rule})
			})
		}, func(f *made) error {
			m.hits[hitsOf{f.Server, f.rule}]++
			j.AddFinding(f.Finding, m.lines[f.rule])
			b, err := lines.line(f.Finding, f.rule)
			if err == nil {
				_, err = w.Write(b)
			}
			return err
		})
	})
	if err = cmp.Or(err, m.roll.w.Flush()); err != nil {
		return nil, err
	}
	for i := range m.entries {
		if a := &m.entries[i].artifact; a.Records == 0 && a.Bytes > 0 {
			j.AddFile(verdict.File{Server: m.names.In(a).Nameless, Path: a.Path, SHA256: a.SHA256, Unknown: a.Kind == "unknown"})
		}
		if err := m.feedArtifact(j, &m.entries[i]); err != nil {
			return nil, err
		}
	}
	m.data.judge(j)
	return j, nil
}

// feedArtifact hands the judge an artifact's activity and movements.
func (m *merged) feedArtifact(j *verdict.Judge, e *entry) error {
	if !e.at.known() {
		return nil
	}
	scope := m.names.In(&e.artifact)
	t, err := m.reader.trailer(e.at)
	if err != nil {
		return err
	}
	for _, a := range t.Activity {
		id := scope.Server(a.Host)
		m.clocks.correctActivity(id, &a)
		j.AddActivity(id, a)
	}
	return m.movementsOf(e, func(mv *event.Movement, _ *way) error {
		j.AddMovement(mv)
		return nil
	})
}

// servers are those of the inventory and those that only evidence names.
func (m *merged) servers() map[event.ServerID]*verdict.Server {
	out := map[event.ServerID]*verdict.Server{}
	maybe := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	for i := range m.run.in.estate.Servers {
		s := &m.run.in.estate.Servers[i]
		v := &verdict.Server{}
		v.Server, v.Listed = s.ID, true
		v.Kind, v.Role, v.OS, v.Location = maybe(s.Kind), maybe(s.Role), maybe(s.OS), maybe(s.Location)
		v.Extra = s.Extra
		for _, a := range s.Addresses {
			v.Addresses = append(v.Addresses, a.String())
		}
		out[s.ID] = v
	}
	for _, id := range m.names.Servers {
		if out[id.ID] == nil {
			out[id.ID] = &verdict.Server{}
			out[id.ID].Server = id.ID
		}
		for _, a := range id.Aliases {
			out[id.ID].Aliases = append(out[id.ID].Aliases, a.Name)
		}
	}
	for _, c := range m.names.Conflicts {
		for _, id := range c.Servers {
			if out[id] != nil {
				out[id].Conflicts = append(out[id].Conflicts, c.Says)
			}
		}
	}
	m.countArtifacts(out)
	for _, v := range out {
		v.Aliases, v.Addresses, v.Conflicts = orEmpty(v.Aliases), orEmpty(v.Addresses), orEmpty(v.Conflicts)
		if v.Extra == nil {
			v.Extra = map[string]string{}
		}
	}
	return out
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// countArtifacts notes what was collected from each server.
func (m *merged) countArtifacts(servers map[event.ServerID]*verdict.Server) {
	for i := range m.entries {
		a := &m.entries[i].artifact
		scope := m.names.In(a)
		ids := map[event.ServerID]bool{}
		for _, s := range a.Servers {
			ids[scope.Server(s.Name)] = true
		}
		if len(ids) == 0 {
			ids[scope.Nameless] = true
		}
		for id := range ids {
			s := servers[id]
			if s == nil {
				continue
			}
			s.Artifacts++
			if a.Records > 0 {
				s.Read++
			}
			if a.Error != nil {
				s.Unreadable = append(s.Unreadable, a.Path)
			}
		}
	}
}

// writeEvidence writes evidence.jsonl.
func (m *merged) writeEvidence() error {
	return replace(filepath.Join(m.run.in.Case, evidenceFile), func(w io.Writer) error {
		var line []byte
		for i := range m.entries {
			a := m.entries[i].artifact
			scope := m.names.In(&a)
			a.Servers = slices.Clone(a.Servers)
			for k := range a.Servers {
				if a.Servers[k].Name == "" {
					a.Servers[k].Name = string(scope.Nameless)
				}
			}
			line = append(appendArtifact(line[:0], &a), '\n')
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
		return nil
	})
}

// problems says what of the evidence could not be read.
func (m *merged) problems() []string {
	var out []string
	for i := range m.entries {
		a := &m.entries[i].artifact
		if a.Error != nil {
			out = append(out, fmt.Sprintf("evidence %q, %q: %s", a.Collection, a.Path, *a.Error))
		}
	}
	return out
}

// flags are the options that results depend on.
func (in *inputs) flags() map[string]any {
	l := in.Limits.OrDefault()
	return map[string]any{
		"from": in.From, "until": in.Until, "slack": in.Slack,
		"max_depth": l.Depth, "max_entries": l.Entries, "max_bytes": l.Bytes, "max_ratio": l.Ratio,
	}
}

// info is case.json.
func (m *merged) info(all []*collection, exercise bool, problems []string) *caseInfo {
	in := m.run.in
	h := sha256.New()
	for i := range m.entries {
		a := &m.entries[i].artifact
		fmt.Fprintf(h, "%q %q %s\n", a.Collection, a.Path, a.SHA256)
	}
	sum := hex.EncodeToString(h.Sum(nil))
	in.digests["evidence"] = &sum
	c := &caseInfo{
		Format: 1, Name: cmp.Or(in.Name, filepath.Base(filepath.Clean(in.Case))), Zone: cmp.Or(in.Zone, "IST"), Version: in.Version, Exercise: exercise,
		Digests: in.digests, Flags: in.flags(), Problems: orEmpty(problems),
	}
	if in.Now != nil {
		c.Updated = in.Now().UTC().Format(time.RFC3339)
	}
	for _, x := range all {
		c.Collections = append(c.Collections, caseCollection{x.name, x.path})
	}
	return c
}
