package exercise

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// Score says how near a case comes to the truth of its exercise.
type Score struct {
	Scenario    string            `json:"scenario"`
	Seed        uint64            `json:"seed"`
	Verdicts    map[string]Counts `json:"verdicts"` // by verdict
	Matrix      []Confusion       `json:"matrix"`
	Missing     []string          `json:"missing"` // servers of which nothing is said
	Wrong       []Wrong           `json:"wrong"`   // where it matters: infiltrated or suspected on one side
	Since       SinceScore        `json:"since"`
	From        FromScore         `json:"from"`
	PatientZero *bool             `json:"patient_zero"` // null where there is nothing to say, or nothing was said
	Hops        HopScore          `json:"hops"`
	Origin      OriginScore       `json:"origin"`
	Decoys      DecoyScore        `json:"decoys"`
	Damage      DamageScore       `json:"damage"`
	People      PeopleScore       `json:"people"`
}

// Counts are right, wrong and missed judgements of a kind.
type Counts struct {
	TP int `json:"tp"`
	FP int `json:"fp"`
	FN int `json:"fn"`
}

// Confusion is how many servers of one verdict were given another.
type Confusion struct {
	Truth   string `json:"truth"`
	Told    string `json:"told"`
	Servers int    `json:"servers"`
}

// Wrong is a server of which something else is said than ought to be.
type Wrong struct {
	Server string  `json:"server"`
	Truth  string  `json:"truth"`
	Told   string  `json:"told"`
	Decoy  *string `json:"decoy"`
}

// SinceScore judges the intervals of servers that are infiltrated in both.
type SinceScore struct {
	Judged    int                   `json:"judged"`
	Contained int                   `json:"contained"` // the interval holds the true time
	Outside   []string              `json:"outside"`
	Bounded   map[string]WidthScore `json:"bounded_by"`
}

// WidthScore is how wide the intervals are that one thing bounds.
type WidthScore struct {
	Servers       int   `json:"servers"`
	MedianSeconds int64 `json:"median_s"`
}

// FromScore counts infiltrated servers whose source is named, and named rightly.
type FromScore struct {
	Judged int `json:"judged"`
	Named  int `json:"named"`
	Right  int `json:"right"`
}

// HopScore judges the movements of the intruder. A found one is within two minutes of the true time.
type HopScore struct {
	Planted     int      `json:"planted"`
	Found       int      `json:"found"`
	Unexplained int      `json:"unexplained"` // declared as an arrival without a known source
	Missed      []string `json:"missed"`
	Told        bool     `json:"told"` // false: the case has no spread.json
}

// OriginScore counts the intruder's addresses that are named.
type OriginScore struct {
	Planted int `json:"planted"`
	Named   int `json:"named"`
}

// DecoyScore lists what misled.
type DecoyScore struct {
	Planted     int      `json:"planted"`
	Infiltrated []string `json:"infiltrated"` // wrongly
	Suspected   []string `json:"suspected"`   // wrongly
}

// ErrNoCase says that the folder holds no case, or the file no truth.
var ErrNoCase = errors.New("nothing to compare")

// truthFile is truth.json as the score needs it.
type truthFile struct {
	Exercise string         `json:"exercise"`
	Scenario string         `json:"scenario"`
	Seed     uint64         `json:"seed"`
	Servers  []truthServer  `json:"servers"`
	Patient  *string        `json:"patient_zero"`
	Hops     []hop          `json:"hops"`
	Clock    map[string]int `json:"clock_offset_s"`
	Origin   []string       `json:"origin"`
	People   int            `json:"people"`
}

type truthServer struct {
	Server  string      `json:"server"`
	Listed  bool        `json:"listed"`
	Verdict string      `json:"verdict"`
	First   *event.Time `json:"first_access"`
	From    *arrival    `json:"from"`
	Decoy   *string     `json:"decoy"`

	Damage   *damageTruth  `json:"damage"`
	Patients *patientTruth `json:"patients"`
}

// verdictsFile is verdicts.json as the score needs it.
type verdictsFile struct {
	Servers []struct {
		Server  string   `json:"server"`
		Aliases []string `json:"aliases"`
		Verdict string   `json:"verdict"`
		Since   *struct {
			Earliest  *event.Time `json:"earliest_possible"`
			First     *event.Time `json:"first_proven"`
			BoundedBy string      `json:"bounded_by"`
		} `json:"since"`
		From []struct {
			Server  *string `json:"server"`
			Address *string `json:"address"`
		} `json:"from"`
	} `json:"servers"`
}

// spreadFile is spread.json as the score needs it.
type spreadFile struct {
	Edges []struct {
		From *string     `json:"from"`
		To   string      `json:"to"`
		Time *event.Time `json:"time"`
		How  string      `json:"how"`
	} `json:"edges"`
	Patient *struct {
		Server *string `json:"server"`
	} `json:"patient_zero"`
	Unexplained []struct {
		Server string `json:"server"`
	} `json:"unexplained"`
	Origin []struct {
		Value string `json:"value"`
	} `json:"origin"`
}

// Compare scores the case in a folder against truth.json.
func Compare(dir, truth string) (*Score, error) {
	var t truthFile
	var v verdictsFile
	var sp spreadFile
	if err := readJSON(truth, &t); err != nil {
		return nil, fmt.Errorf("%w: read truth: %w", ErrNoCase, err)
	}
	if t.Exercise != event.ExerciseMark {
		return nil, fmt.Errorf("%w: %q is not the truth.json of an exercise", ErrNoCase, truth)
	}
	if err := readJSON(filepath.Join(dir, "verdicts.json"), &v); err != nil {
		return nil, fmt.Errorf("%w: read verdicts: %w", ErrNoCase, err)
	}
	err := readJSON(filepath.Join(dir, "spread.json"), &sp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: read spread: %w", ErrNoCase, err)
	}
	c := &comparison{truth: &t, told: map[string]int{}, verdicts: &v, spread: &sp, hasSpread: err == nil}
	data := new(dataFile)
	if err := readJSON(filepath.Join(dir, "data.json"), data); err == nil {
		c.data = data
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: read data: %w", ErrNoCase, err)
	}
	c.score = Score{Scenario: t.Scenario, Seed: t.Seed, Verdicts: map[string]Counts{}, Matrix: []Confusion{}, Missing: []string{}, Wrong: []Wrong{},
		Since: SinceScore{Outside: []string{}, Bounded: map[string]WidthScore{}}, Hops: HopScore{Missed: []string{}}, Decoys: DecoyScore{Infiltrated: []string{}, Suspected: []string{}}}
	c.compare()
	return &c.score, nil
}

// readJSON decodes a file of at most 512 MB.
func readJSON(name string, into any) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return json.NewDecoder(io.LimitReader(f, 512<<20)).Decode(into)
}

type comparison struct {
	truth     *truthFile
	verdicts  *verdictsFile
	spread    *spreadFile
	hasSpread bool
	data      *dataFile      // nil without
	told      map[string]int // index into verdicts by every name, in capitals
	score     Score
}

func (c *comparison) compare() {
	for i, s := range c.verdicts.Servers {
		for _, name := range append([]string{s.Server}, s.Aliases...) {
			c.told[strings.ToUpper(name)] = i
		}
	}
	for i, s := range c.verdicts.Servers { // without an inventory a server is called by its whole name
		if _, taken := c.told[strings.ToUpper(shortName(s.Server))]; !taken {
			c.told[strings.ToUpper(shortName(s.Server))] = i
		}
	}
	counts := map[[2]string]int{}
	widths := map[string][]int64{}
	for i := range c.truth.Servers {
		s := &c.truth.Servers[i]
		k, ok := c.told[strings.ToUpper(s.Server)]
		if !ok {
			c.score.Missing = append(c.score.Missing, s.Server)
			continue
		}
		got := c.verdicts.Servers[k].Verdict
		counts[[2]string{s.Verdict, got}]++
		c.judge(s, got)
		if s.First != nil && got == string(event.Infiltrated) {
			c.since(s, k, widths)
			c.from(s, k)
		}
	}
	for pair, n := range counts {
		c.score.Matrix = append(c.score.Matrix, Confusion{pair[0], pair[1], n})
	}
	slices.SortFunc(c.score.Matrix, func(a, b Confusion) int {
		return cmp.Or(strings.Compare(a.Truth, b.Truth), strings.Compare(a.Told, b.Told))
	})
	for by, list := range widths {
		slices.Sort(list)
		c.score.Since.Bounded[by] = WidthScore{len(list), list[len(list)/2]}
	}
	c.patient()
	c.hops()
	c.origin()
	c.damage()
	c.people()
}

// judge counts one server's verdict.
func (c *comparison) judge(s *truthServer, got string) {
	count := func(verdict string, add func(*Counts)) {
		n := c.score.Verdicts[verdict]
		add(&n)
		c.score.Verdicts[verdict] = n
	}
	grave := func(v string) bool { return v == string(event.Infiltrated) || v == string(event.Suspected) }
	if s.Decoy != nil {
		c.score.Decoys.Planted++
	}
	if s.Verdict == got {
		count(got, func(n *Counts) { n.TP++ })
		return
	}
	count(got, func(n *Counts) { n.FP++ })
	count(s.Verdict, func(n *Counts) { n.FN++ })
	if grave(s.Verdict) || grave(got) {
		c.score.Wrong = append(c.score.Wrong, Wrong{s.Server, s.Verdict, got, s.Decoy})
	}
	if s.Decoy != nil && got == string(event.Infiltrated) {
		c.score.Decoys.Infiltrated = append(c.score.Decoys.Infiltrated, s.Server)
	}
	if s.Decoy != nil && got == string(event.Suspected) {
		c.score.Decoys.Suspected = append(c.score.Decoys.Suspected, s.Server)
	}
}

// since judges one server's interval. Its ends are by the server's clock or the true one: either will do.
func (c *comparison) since(s *truthServer, k int, widths map[string][]int64) {
	x := c.verdicts.Servers[k].Since
	c.score.Since.Judged++
	if x == nil || x.First == nil {
		c.score.Since.Outside = append(c.score.Since.Outside, s.Server)
		return
	}
	early := event.Time(math.MinInt64)
	if x.Earliest != nil {
		early = *x.Earliest
		widths[x.BoundedBy] = append(widths[x.BoundedBy], int64(x.First.Sub(early)/time.Second))
	}
	inside := false
	for _, at := range []event.Time{*s.First, s.First.Add(time.Duration(c.truth.Clock[s.Server]) * time.Second)} {
		inside = inside || at >= early.Add(-time.Minute) && at <= x.First.Add(time.Minute)
	}
	if inside {
		c.score.Since.Contained++
	} else {
		c.score.Since.Outside = append(c.score.Since.Outside, s.Server)
	}
}

func (c *comparison) from(s *truthServer, k int) {
	if s.From == nil {
		return
	}
	c.score.From.Judged++
	named, right := false, false
	for _, f := range c.verdicts.Servers[k].From {
		named = named || f.Server != nil || f.Address != nil
		right = right || f.Server != nil && s.From.Server != nil && sameName(*f.Server, *s.From.Server) || f.Address != nil && s.From.Address != nil && *f.Address == *s.From.Address
	}
	if named {
		c.score.From.Named++
	}
	if right {
		c.score.From.Right++
	}
}

// sameName compares names of servers, of which the one may be whole and the other short.
func sameName(a, b string) bool {
	return strings.EqualFold(a, b) || strings.EqualFold(shortName(a), shortName(b)) && strings.Contains(a, ".") != strings.Contains(b, ".")
}

// shortName is a name without its domain; an address stays as it is.
func shortName(s string) string {
	if _, err := netip.ParseAddr(s); err == nil {
		return s
	}
	s, _, _ = strings.Cut(s, ".")
	return s
}

func (c *comparison) patient() {
	if !c.hasSpread {
		return
	}
	var got *string
	if c.spread.Patient != nil {
		got = c.spread.Patient.Server
	}
	right := got == nil && c.truth.Patient == nil || got != nil && c.truth.Patient != nil && sameName(*got, *c.truth.Patient)
	c.score.PatientZero = &right
}

// hops looks for each planted movement among the edges. The clocks of both ends may be off, and the case may have
// corrected them or not.
func (c *comparison) hops() {
	h := &c.score.Hops
	h.Planted, h.Told = len(c.truth.Hops), c.hasSpread
	if !c.hasSpread {
		return
	}
	for _, want := range c.truth.Hops {
		found := false
		unexplained := slices.ContainsFunc(c.spread.Unexplained, func(u struct {
			Server string `json:"server"`
		}) bool {
			return sameName(u.Server, want.To)
		})
		for _, e := range c.spread.Edges {
			if !sameName(e.To, want.To) {
				continue
			}
			if e.From == nil || *e.From == "" || strings.Contains(e.How, "unexplained") {
				unexplained = true
				continue
			}
			if e.Time == nil || !sameName(*e.From, want.From) && (want.Named == "" || !strings.EqualFold(*e.From, want.Named)) {
				continue
			}
			for _, offset := range []int{0, c.truth.Clock[want.To], c.truth.Clock[want.From]} {
				found = found || e.Time.Sub(want.Time.Add(time.Duration(offset)*time.Second)).Abs() <= 2*time.Minute
			}
		}
		switch {
		case found:
			h.Found++
		case unexplained:
			h.Unexplained++
		default:
			h.Missed = append(h.Missed, fmt.Sprintf("%s → %s, %s, %s", want.From, want.To, want.How, want.Time))
		}
	}
}

func (c *comparison) origin() {
	c.score.Origin.Planted = len(c.truth.Origin)
	for _, address := range c.truth.Origin {
		for _, r := range c.spread.Origin {
			if r.Value == address {
				c.score.Origin.Named++
				break
			}
		}
	}
}

// Text writes the score for people.
func (s *Score) Text(w io.Writer) error {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	p("Scenario %s, seed %d\n\nVerdicts: what is true, what was told\n", s.Scenario, s.Seed)
	for _, m := range s.Matrix {
		p("  %-18s %-18s %4d\n", m.Truth, m.Told, m.Servers)
	}
	i := s.Verdicts[string(event.Infiltrated)]
	p("Infiltrated: %d right, %d wrong, %d missed\n", i.TP, i.FP, i.FN)
	for _, x := range s.Wrong {
		p("  %s is %s and was told %s", x.Server, x.Truth, x.Told)
		if x.Decoy != nil {
			p(" (%s)", *x.Decoy)
		}
		p("\n")
	}
	list(&b, "Nothing is said of", s.Missing)
	p("\nSince: %d of %d intervals hold the true time\n", s.Since.Contained, s.Since.Judged)
	for _, by := range slices.Sorted(maps.Keys(s.Since.Bounded)) {
		p("  bounded by %s: %d, half of them narrower than %s\n", by, s.Since.Bounded[by].Servers, time.Duration(s.Since.Bounded[by].MedianSeconds)*time.Second)
	}
	list(&b, "  outside", s.Since.Outside)
	p("From: named for %d of %d, rightly for %d\n", s.From.Named, s.From.Judged, s.From.Right)
	switch {
	case s.PatientZero == nil:
		p("Patient zero, movements and origin: the case has no spread.json\n")
	default:
		p("Patient zero: %s\n", map[bool]string{true: "right", false: "wrong"}[*s.PatientZero])
		p("Movements: %d planted, %d found, %d declared unexplained, %d missed\n", s.Hops.Planted, s.Hops.Found, s.Hops.Unexplained, len(s.Hops.Missed))
		for _, m := range s.Hops.Missed {
			p("  missed: %s\n", m)
		}
		p("Origin: %d of %d addresses named\n", s.Origin.Named, s.Origin.Planted)
	}
	p("Decoys: %d", s.Decoys.Planted)
	list(&b, ", wrongly infiltrated", s.Decoys.Infiltrated)
	list(&b, ", wrongly suspected", s.Decoys.Suspected)
	if len(s.Decoys.Infiltrated)+len(s.Decoys.Suspected) == 0 {
		p(", none misled\n")
	}
	s.dataText(p)
	_, err := io.WriteString(w, b.String())
	return err
}

// list writes names behind what they are, or nothing.
func list(b *strings.Builder, what string, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(b, "%s: %s\n", what, strings.Join(names, ", "))
	}
}
