//go:build check

package check_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
	"wardround/internal/exercise"
)

// hospital is an exercise that was made, examined and compared with its truth. Its files are gone: ten of them with their noise would fill a disk.
type hospital struct {
	name           string // scenario, seed
	truth          truth
	verdicts       map[string]*event.Verdict
	story          event.Story
	score          *exercise.Score
	page           []byte           // report.html
	events         uint64           // records of all logs
	hits           map[string]*hits // by the rule's id
	made, examined cost
}

// hits of one rule.
type hits struct {
	rule    event.Rule
	class   event.Class
	n       int
	servers map[event.ServerID]bool
}

// truth is what truth.json says and the score does not.
type truth struct {
	Servers []struct {
		Server  string
		Listed  bool
		Verdict event.Judgement
		Flags   []string
		First   *event.Time `json:"first_access"`
		From    *struct{ Server, Address *string }
		Decoy   *string
	}
	Hops []struct {
		From, To, How string
		Time          event.Time
	}
}

// hospitalOf makes and examines an exercise.
func hospitalOf(t testing.TB, scenario string, seed int, noise string, options ...string) *hospital {
	t.Helper()
	wardround, room := built(t), int64(1e9)
	if noise == "small" {
		room = 3e8
	}
	dir := scratch(t, 3*room)
	defer os.RemoveAll(dir)
	h := &hospital{name: fmt.Sprintf("%s %d", strings.TrimSuffix(filepath.Base(scenario), ".yaml"), seed), verdicts: map[string]*event.Verdict{}, hits: map[string]*hits{}}
	estate, file := filepath.Join(dir, "estate"), filepath.Join(dir, "case")
	at := func(name string) string { return filepath.Join(estate, name) }
	h.made = spend(t, nil, wardround, append([]string{"exercise", "--out", estate, "--scenario", scenario, "--seed", fmt.Sprint(seed), "--noise", noise}, options...)...)
	h.examined = spend(t, nil, wardround, "examine", "--quiet", "--case", file, "--inventory", at("inventory.csv"), "--changes", at("changes.csv"), "--addresses", at("addresses.csv"), at("collections"))
	var v event.Verdicts
	decode(t, filepath.Join(file, "verdicts.json"), &v)
	for i := range v.Servers {
		h.verdicts[strings.ToLower(string(v.Servers[i].Server))] = &v.Servers[i]
	}
	decode(t, filepath.Join(file, "spread.json"), &h.story)
	decode(t, at("truth.json"), &h.truth)
	var err error
	if h.score, err = exercise.Compare(file, at("truth.json")); err != nil {
		t.Fatal(err)
	}
	if h.page, err = os.ReadFile(filepath.Join(file, "report.html")); err != nil {
		t.Fatal(err)
	}
	for _, a := range artifacts(t, file) {
		h.events += a.Records
	}
	for _, f := range findings(t, file) {
		if h.hits[f.Rule.ID] == nil {
			h.hits[f.Rule.ID] = &hits{rule: f.Rule, class: f.Class, servers: map[event.ServerID]bool{}}
		}
		x := h.hits[f.Rule.ID]
		x.n++
		x.servers[f.Server] = true
	}
	fmt.Printf("        %-22s noise %s, made in %.0f s, examined in %.0f s, %d MB at most\n", h.name, noise, h.made.wall.Seconds(), h.examined.wall.Seconds(), h.examined.peak/1e6)
	return h
}

func decode(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// verdict is that of a server, nil where the case does not know it. Syslog writes names in small letters.
func (h *hospital) verdict(server string) *event.Verdict { return h.verdicts[strings.ToLower(server)] }

// told is what a case says of a server; nothing, of one that it does not know.
func (h *hospital) told(server string) event.Judgement {
	if v := h.verdict(server); v != nil {
		return v.Verdict
	}
	return ""
}

// why is a server with the reasons of its verdict.
func (h *hospital) why(server string) string {
	out := server
	if v := h.verdict(server); v != nil {
		for _, r := range v.Because {
			out += fmt.Sprintf(" [%s: %s]", r.Line, r.Says)
		}
	}
	return out
}

// infiltratedIn counts servers over hospitals: told so rightly and wrongly, and those that were missed.
func infiltratedIn(all []*hospital) (right, wrong, missed int) {
	for _, h := range all {
		c := h.score.Verdicts[string(event.Infiltrated)]
		right, wrong, missed = right+c.TP, wrong+c.FP, missed+c.FN
	}
	return right, wrong, missed
}

// tally counts over servers of hospitals and keeps the names of those that break a bar.
type tally struct {
	of, good int
	bad      []string
}

func (c *tally) add(good bool, h *hospital, format string, args ...any) {
	c.of++
	if good {
		c.good++
		return
	}
	c.bad = append(c.bad, h.name+": "+fmt.Sprintf(format, args...))
}

// reading is the tally as a bar: all but so many.
func (c *tally) reading(but int, note string) reading {
	r := reading{figure: amount(float64(c.good), "of "+amount(float64(c.of), "")), limit: "all", holds: c.of > 0 && len(c.bad) <= but, note: note}
	if but > 0 {
		r.limit = "≥ " + amount(float64(c.of-but), "")
	}
	return c.named(r)
}

func (c *tally) named(r reading) reading {
	if len(c.bad) > 0 {
		slices.Sort(c.bad)
		r.note = strings.TrimPrefix(r.note+"; "+strings.Join(c.bad, "; "), "; ")
	}
	return r
}
