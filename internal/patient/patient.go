// Package patient finds which files hold data of patients, of which kinds, and of how many distinct people.
//
// Scan walks files, folders and archives and never follows a link. A file's beginning tells its format; each format has a
// reader (read_x.go) that streams through it with bounded memory and tells a tally what it meets: rows of tables, records of HL7,
// FHIR, CDA and DICOM, labels and numbers in text. A number alone proves nothing: one in twelve random numbers of twelve digits
// passes for an Aadhaar number. So each counts only with its check digit and with a word, a column or a field that says what it is.
//
// People are told apart by keyed hashes of what identifies them (see people.go). No value leaves the room: results hold
// counts and masked samples, reasons are constant texts, and the errors of parsers, which may quote what they read, are left out.
//
// What the room does not promise: pictures are not read (no recognition of text in scans), encrypted files are told but
// not opened, and the number of people in databases that are only recognised is not known.
package patient

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Options are what a scan may be told.
type Options struct {
	Key     []byte // of the hashes: 32 random bytes. With the same key, the same people have the same hashes
	Workers int    // 0 means one for each processor
	Limits  Limits
	Config  Config
	// Person is told of each record of a listed file whom it is about, as People.Add takes it. A folder's files come in any order. Nil for nobody.
	Person func(folder string, record []byte)

	numbers        *regexp.Regexp // the hospital's own numbers, whole
	numbersInText  *regexp.Regexp
	numberHeadings map[string]bool
}

// Config is what a hospital knows of its own numbers: docs/format/patient.md.
type Config struct {
	HospitalNumbers []string `json:"hospital_numbers"` // regular expressions (RE2) of whole numbers
	Headings        []string `json:"headings"`         // of columns and labels that hold them
}

// Limits bound what archives may cost. The zero value means DefaultLimits.
type Limits struct {
	Depth   int   // archives inside archives
	Entries int   // of one file on disk, at all depths
	Bytes   int64 // unpacked of one file on disk, at all depths
	Ratio   int64 // unpacked to packed, counted from the first megabyte
}

// DefaultLimits hold for the archives of a hospital.
var DefaultLimits = Limits{Depth: 5, Entries: 1_000_000, Bytes: 1 << 40, Ratio: 1100}

// File is what is known of one file that holds something.
type File struct {
	Path        string            `json:"path"` // entries of archives: archive!/entry
	Format      string            `json:"format"`
	Kinds       []string          `json:"kinds"`
	People      *uint64           `json:"people"` // distinct; null when the contents are not parsed
	Exact       bool              `json:"exact"`  // else People is an estimate
	Confidence  string            `json:"confidence"`
	Identifiers map[string]uint64 `json:"identifiers"` // values by kind, not distinct
	Reasons     []string          `json:"reasons"`
	Samples     []Sample          `json:"samples"` // masked
	Unnamed     uint64            `json:"unnamed"` // records that tell nothing of whom they are about
	Unread      []string          `json:"unread"`  // parts that could not be read, and why
}

// Sample is a masked value.
type Sample struct {
	Kind   string `json:"kind"`
	Masked string `json:"masked"`
}

// Summary is what a scan came to.
type Summary struct {
	Read       uint64 // files and entries of archives that were looked into
	Held       uint64 // of these, those that hold something
	Skipped    uint64 // that are of a kind that holds no records: programs, pictures, links, devices
	Unreadable uint64
	Bytes      uint64
	People     uint64 // distinct over all
	Exact      bool
	Kinds      []string
	Groups     []Group // by folder and format, most people first
	Problems   []Problem
}

// Group is what one folder holds in one format.
type Group struct {
	Folder, Format string
	Files          uint64
	People         uint64 // distinct in the group
	Exact          bool
	NotKnown       uint64 // files whose number of people is not known
	Kinds          []string
}

// Problem is a file that could not be read, or not whole.
type Problem struct{ Path, Why string }

const (
	maxProblems = 1000
	maxGroups   = 200
	groupKeys   = 1 << 14
)

// ReadConfig reads a hospital's configuration.
func ReadConfig(r io.Reader) (Config, error) {
	var c Config
	d := json.NewDecoder(io.LimitReader(r, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	return c, (&Options{Config: c}).compile()
}

// compile prepares the hospital's numbers.
func (o *Options) compile() error {
	o.numberHeadings = map[string]bool{}
	for _, h := range o.Config.Headings {
		o.numberHeadings[folded(h)] = true
	}
	if len(o.Config.HospitalNumbers) == 0 {
		return nil
	}
	for _, p := range o.Config.HospitalNumbers {
		re, err := regexp.Compile(p)
		if err != nil {
			return fmt.Errorf("read configuration: hospital number %q: %w", p, err)
		}
		if re.MatchString("") {
			return fmt.Errorf("read configuration: hospital number %q fits everything", p)
		}
	}
	all := "(?:" + strings.Join(o.Config.HospitalNumbers, ")|(?:") + ")"
	o.numbers = regexp.MustCompile(`^(?:` + all + `)$`)
	o.numbersInText = regexp.MustCompile(`\b(?:` + all + `)\b`)
	return nil
}

// number reports whether a value has the form of one of the hospital's own numbers.
func (o *Options) number(s string) bool { return o.numbers != nil && o.numbers.MatchString(s) }

// run is one scan: what its workers share.
type run struct {
	o      Options
	mu     sync.Mutex
	people *people // nil: others count
	record []byte
	groups map[group]*holding
	sum    Summary
	kinds  kinds
	large  sync.Mutex // of whoever unpacks with a large dictionary
}

type group struct{ folder, format string }

type holding struct {
	files, notKnown uint64
	people          *people
	kinds           kinds
}

// Scan examines files and folders, in the order of their names, and hands over each file that holds something. Only a context
// that ends, a path that cannot be opened at all, a wrong configuration and yield's own error are errors.
func Scan(ctx context.Context, paths []string, o Options, yield func(File) error) (*Summary, error) {
	if err := o.compile(); err != nil {
		return nil, err
	}
	if len(o.Key) == 0 {
		return nil, errors.New("scan for patients: no key is given")
	}
	o.Limits = o.Limits.orDefault()
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return nil, fmt.Errorf("scan for patients: %w", err)
		}
	}
	r := &run{o: o, people: newPeople(exactKeys), groups: map[group]*holding{}}
	if err := r.all(ctx, paths, yield); err != nil {
		return nil, err
	}
	return r.summary(), nil
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits
	return Limits{cmp.Or(l.Depth, d.Depth), cmp.Or(l.Entries, d.Entries), cmp.Or(l.Bytes, d.Bytes), cmp.Or(l.Ratio, d.Ratio)}
}

// count takes in the keys of a record of a listed file.
func (r *run) count(folder, format string, keys []key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.o.Person != nil {
		r.record = appendKeys(r.record[:0], keys)
		r.o.Person(folder, r.record)
	}
	if r.people != nil {
		r.people.add(keys)
		r.group(folder, format).people.add(keys)
	}
}

// group is the group of a folder and format. Past a number of groups, all further folders are one.
func (r *run) group(folder, format string) *holding {
	g := group{folder, format}
	if r.groups[g] == nil {
		if len(r.groups) >= maxGroups {
			g = group{otherFolders, otherFolders}
		}
		if r.groups[g] == nil {
			r.groups[g] = &holding{people: newPeople(groupKeys)}
		}
	}
	return r.groups[g]
}

const otherFolders = "(other)"

// learn takes in a listed file.
func (r *run) learn(folder string, f *File, k kinds) {
	r.mu.Lock()
	defer r.mu.Unlock()
	g := r.group(folder, f.Format)
	g.files++
	if f.People == nil {
		g.notKnown++
	}
	g.kinds |= k
	r.kinds |= k
	r.sum.Held++
}

func (r *run) problem(path, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Unreadable++
	if len(r.sum.Problems) < maxProblems {
		r.sum.Problems = append(r.sum.Problems, Problem{path, why})
	}
}

func (r *run) read(bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Read++
	r.sum.Bytes += uint64(max(bytes, 0))
}

func (r *run) skip() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sum.Skipped++
}

func (r *run) summary() *Summary {
	s := r.sum
	s.People, s.Exact = r.people.count()
	s.Kinds = r.kinds.names()
	for g, x := range r.groups {
		n, exact := x.people.count()
		s.Groups = append(s.Groups, Group{g.folder, g.format, x.files, n, exact, x.notKnown, x.kinds.names()})
	}
	slices.SortFunc(s.Groups, func(a, b Group) int {
		if a.People != b.People && a.People > b.People {
			return -1
		} else if a.People != b.People {
			return 1
		}
		return strings.Compare(a.Folder+"\x00"+a.Format, b.Folder+"\x00"+b.Format)
	})
	slices.SortFunc(s.Problems, func(a, b Problem) int { return strings.Compare(a.Path+"\x00"+a.Why, b.Path+"\x00"+b.Why) })
	return &s
}
