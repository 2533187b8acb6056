package casefile

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/patient"
	"wardround/internal/report"
)

// scansFile holds what scans of trees beside the evidence came to, one entry for each tree and what was asked of it.
const scansFile = "scans.json"

// scanned is what one tree told.
type scanned struct {
	Root   string       `json:"root"`
	Asked  string       `json:"asked"`  // damage or patient
	Judged bool         `json:"judged"` // verdicts take it in
	Harm   []event.Harm `json:"damage"`
	Held   []event.Held `json:"patients"`
}

// What a tree is asked.
const (
	askedDamage  = "damage"
	askedPatient = "patient"
)

func readScans(dir string) ([]scanned, error) {
	var list []scanned
	return list, readJSON(filepath.Join(dir, scansFile), &list)
}

// readJSON reads a file of one value; one that is not there leaves it as it is.
func readJSON(name string, to any) error {
	b, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, to)
	}
	if err != nil {
		return fmt.Errorf("read case %q: %w", name, err)
	}
	return nil
}

func readData(dir string) (*caseData, error) {
	d := new(caseData)
	return d, readJSON(filepath.Join(dir, dataFile), d)
}

// keepScans replaces what earlier scans of the same trees came to.
func keepScans(dir string, asked string, fresh []scanned) error {
	list, err := readScans(dir)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(s scanned) bool {
		return s.Asked == asked && slices.ContainsFunc(fresh, func(f scanned) bool { return f.Root == s.Root })
	})
	list = append(list, fresh...)
	slices.SortStableFunc(list, func(a, b scanned) int { return cmp.Or(cmp.Compare(a.Asked, b.Asked), cmp.Compare(a.Root, b.Root)) })
	return replaceJSON(filepath.Join(dir, scansFile), list)
}

// scan scans trees for damage and adds what it finds to the case, in place of what an earlier scan of the same trees found.
func (w *writers) scan(ctx context.Context, o DamageOptions, opts damage.Options) (*damage.Summary, error) {
	release, err := openFolder(o.Case)
	if err != nil {
		return nil, err
	}
	defer release()
	roots := make([]string, len(o.Roots))
	byServer := make([]map[event.ServerID]*harmOf, len(o.Roots))
	for i, r := range o.Roots {
		roots[i], byServer[i] = rootName(r), map[event.ServerID]*harmOf{}
	}
	var sum *damage.Summary
	name := filepath.Join(o.Case, damageFile)
	err = replace(name, func(out io.Writer) error {
		if err := others(name, roots, out); err != nil {
			return err
		}
		sum, err = damage.Scan(ctx, opts, func(f *damage.File) error {
			if err := lineWriter(o.Lines)(f); err != nil {
				return err
			}
			i := rootOf(roots, f.Path)
			id := event.ServerID("")
			if f.Server != nil {
				id = event.ServerID(*f.Server)
			}
			if byServer[i][id] == nil {
				byServer[i][id] = newHarmOf(id)
			}
			byServer[i][id].add(f)
			if f.State == damage.Intact {
				return nil
			}
			b, err := encode(&harmed{f, nil, &roots[i]})
			if err == nil {
				_, err = out.Write(b)
			}
			return err
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	var fresh []scanned
	for i, root := range roots {
		x := scanned{Root: root, Asked: askedDamage, Harm: []event.Harm{}, Held: []event.Held{}}
		for _, id := range slices.Sorted(maps.Keys(byServer[i])) {
			h := byServer[i][id].finish()
			h.Roots = []string{root}
			w.harm(&h, byServer[i][id].times)
			x.Harm = append(x.Harm, h)
		}
		fresh = append(fresh, x)
	}
	return sum, keepScans(o.Case, askedDamage, fresh)
}

// rootName is how a tree's files begin in lines.
func rootName(p string) string { return filepath.ToSlash(filepath.Clean(p)) }

// rootOf is the tree to which a path belongs: of several, the innermost.
func rootOf(roots []string, path string) int {
	best := 0
	for i, r := range roots {
		if len(r) >= len(roots[best]) && (path == r || len(path) > len(r) && path[:len(r)] == r && path[len(r)] == '/') {
			best = i
		}
	}
	return best
}

// others copies the lines of a file of the case but those of the given trees.
func others(name string, roots []string, out io.Writer) error {
	return eachLine(name, func(line []byte) error {
		var x struct {
			Root *string `json:"root"`
		}
		if err := json.Unmarshal(line, &x); err != nil {
			return fmt.Errorf("read %q: %w", name, err)
		}
		if x.Root != nil && slices.Contains(roots, *x.Root) {
			return nil
		}
		_, err := out.Write(append(line, '\n'))
		return err
	})
}

// FindPatients scans files for data of patients and adds what it finds to the case folder dir, in place of what an earlier scan of the same paths
// found. People are counted under the key of the case, which is made the first time. server is whose tree it is; "" is told by the
// path, if that names a server of the case.
func FindPatients(ctx context.Context, dir, server string, paths []string, o patient.Options, yield func(patient.File) error) (*patient.Summary, error) {
	w, err := readWriters(dir)
	if errors.Is(err, ErrNoCase) && server == "" {
		w, err = &writers{}, nil
	}
	if err != nil {
		return nil, &InputError{err}
	}
	if server != "" && w.find(server) == nil {
		return nil, &InputError{fmt.Errorf("the case has no server %q", server)}
	}
	release, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	defer release()
	if o.Key, err = keyOfPatients(filepath.Join(dir, patientKey)); err != nil {
		return nil, err
	}
	s := &patientScan{dir: dir, w: w, server: server}
	for _, p := range paths {
		s.roots = append(s.roots, rootName(p))
		s.held = append(s.held, map[event.ServerID]*heldOf{})
	}
	var sum *patient.Summary
	name := filepath.Join(dir, patientFile)
	err = s.keysInto(func() error {
		o.Person = s.person
		return replace(name, func(out io.Writer) error {
			if err := others(name, s.roots, out); err != nil {
				return err
			}
			var err error
			sum, err = patient.Scan(ctx, paths, o, func(f patient.File) error {
				if err := s.file(&f, out); err != nil {
					return err
				}
				return yield(f)
			})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return sum, keepScans(dir, askedPatient, s.finish())
}

// patientScan is a scan of trees for patients' data on its way into a case.
type patientScan struct {
	dir    string
	w      *writers
	server string
	roots  []string
	held   []map[event.ServerID]*heldOf
	keys   []*bufio.Writer
	failed error
}

// at is the tree and the server of a path.
func (s *patientScan) at(path string) (int, event.ServerID) {
	if v := s.w.serverOf(s.server, path); v != nil {
		return rootOf(s.roots, path), v.Server
	}
	return rootOf(s.roots, path), ""
}

func (s *patientScan) heldOf(i int, id event.ServerID) *heldOf {
	if s.held[i][id] == nil {
		s.held[i][id] = newHeldOf(id)
	}
	return s.held[i][id]
}

func (s *patientScan) file(f *patient.File, out io.Writer) error {
	i, id := s.at(f.Path)
	h := s.heldOf(i, id)
	h.LookedAt++
	h.add(f)
	name := string(id)
	b, err := encode(&holding{&name, f, nil, &s.roots[i]})
	if err == nil {
		_, err = out.Write(b)
	}
	return err
}

// person counts whom a record is about, and keeps it so that the evidence can be counted with it.
func (s *patientScan) person(folder string, record []byte) {
	i, id := s.at(folder)
	h := s.heldOf(i, id)
	if h.people == nil {
		h.people = patient.NewPeople()
	}
	err := h.people.Add(record)
	var b []byte
	for _, part := range [][]byte{[]byte(id), record} {
		b = append(binary.AppendUvarint(b, uint64(len(part))), part...)
	}
	_, failed := s.keys[i].Write(b)
	s.failed = cmp.Or(s.failed, err, failed)
}

// keysInto opens for each tree the file in the cache that keeps its people, and has them filled.
func (s *patientScan) keysInto(fill func() error) error {
	if i := len(s.keys); i < len(s.roots) {
		return replace(peopleFile(s.dir, s.roots[i]), func(w io.Writer) error {
			s.keys = append(s.keys, bufio.NewWriter(w))
			if err := s.keysInto(fill); err != nil {
				return err
			}
			return s.keys[i].Flush()
		})
	}
	return cmp.Or(fill(), s.failed)
}

// peopleFile is where the cache keeps the people of a tree.
func peopleFile(dir, root string) string {
	sum := sha256.Sum256([]byte(root))
	return filepath.Join(dir, cacheFolder, "people-"+hex.EncodeToString(sum[:8])+".keys")
}

func (s *patientScan) finish() []scanned {
	var out []scanned
	for i, root := range s.roots {
		x := scanned{Root: root, Asked: askedPatient, Harm: []event.Harm{}, Held: []event.Held{}}
		for _, id := range slices.Sorted(maps.Keys(s.held[i])) {
			s.held[i][id].count()
			h := s.held[i][id].finish()
			h.Roots = []string{root}
			x.Held = append(x.Held, h)
		}
		out = append(out, x)
	}
	return out
}

// includeScans adds what scans of trees told to what the evidence tells, and notes that verdicts rest on them now.
func (m *merged) includeScans() error {
	dir, d := m.run.in.Case, &m.data
	list, err := readScans(dir)
	if err != nil || len(list) == 0 {
		return err
	}
	for i := range list {
		s := &list[i]
		for k := range s.Harm {
			x := &s.Harm[k]
			if d.harm[x.Server] == nil {
				d.harm[x.Server] = newHarmOf(x.Server)
			}
			d.harm[x.Server].include(x)
		}
		d.includePeople(s)
		s.Judged = true
	}
	sum := sha256.New()
	b, err := encode(list)
	if err != nil {
		return err
	}
	sum.Write(b)
	digest := hex.EncodeToString(sum.Sum(nil))
	m.run.in.digests["scans"] = &digest
	d.scans = list
	return nil
}

// includePeople adds the files of a tree to those of the evidence. Their people are counted with its own, from the cache; where that is gone
// they cannot be told apart, and the larger number stands, which is not exact.
func (d *lookedAt) includePeople(s *scanned) {
	for i := range s.Held {
		x := &s.Held[i]
		h := d.held[x.Server]
		if h == nil {
			h = newHeldOf(x.Server)
			d.held[x.Server] = h
		}
		h.Files, h.LookedAt, h.NotKnown, h.InPart, h.Hurt = h.Files+x.Files, h.LookedAt+x.LookedAt, h.NotKnown+x.NotKnown, h.InPart+x.InPart, h.Hurt+x.Hurt
		for _, k := range x.Kinds {
			h.kinds[k] = true
		}
		h.surer(x.Confidence)
		h.Roots = append(h.Roots, x.Roots...)
		if x.People != nil {
			h.single = max(h.single, *x.People)
		}
	}
}

// peopleOf hands over the records of people of one server in a tree that was scanned; none where the cache is gone.
func peopleOf(dir, root string, id event.ServerID, add func(record []byte) error) error {
	f, err := os.Open(peopleFile(dir, root))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read cache: %w", err)
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for {
		server, err := shortText(r)
		if err == io.EOF {
			return nil
		}
		record, failed := shortText(r)
		if err = cmp.Or(err, failed); err != nil {
			return errFrame
		}
		if string(server) == string(id) {
			if err := add(record); err != nil {
				return err
			}
		}
	}
}

func shortText(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > 4096 {
		return nil, errFrame
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

// tellScans tells a report what was scanned after the case was judged.
func tellScans(dir string, h report.Handler) error {
	list, err := readScans(dir)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Judged {
			continue
		}
		for k := range list[i].Harm {
			list[i].Harm[k].FromAfter = true
			if err := h.Handle(&report.Message{Harm: &list[i].Harm[k]}); err != nil {
				return err
			}
		}
		for k := range list[i].Held {
			list[i].Held[k].FromAfter = true
			if err := h.Handle(&report.Message{Held: &list[i].Held[k]}); err != nil {
				return err
			}
		}
	}
	return nil
}
