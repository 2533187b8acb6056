package exercise_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardround/internal/casefile"
	"wardround/internal/event"
	"wardround/internal/exercise"
)

// trial is a bench with its case, which is examined again after each removal: what did not change is not read again.
type trial struct {
	*exercise.Bench
	options casefile.Options
	base    event.Verdicts
	cut     string // the server whose evidence is cut at the moment
}

func newTrial(t testing.TB, o exercise.Options) *trial {
	t.Helper()
	x := &trial{Bench: exercise.NewBench(t, o)}
	x.options = casefile.Options{Case: filepath.Join(t.TempDir(), "case"), Inventory: filepath.Join(x.Dir, "inventory.csv"), Changes: filepath.Join(x.Dir, "changes.csv"),
		From: event.NoTime, Until: event.NoTime, Version: "test"}
	x.base = x.examine(t, append(slices.Clone(x.Servers), "syslog-hub")...)
	return x
}

func (x *trial) examine(t testing.TB, servers ...string) event.Verdicts {
	t.Helper()
	x.options.Collections = nil
	for _, s := range servers {
		x.options.Collections = append(x.options.Collections, x.Collection(s))
	}
	res, err := casefile.Examine(t.Context(), x.options, &casefile.Status{})
	if err != nil {
		t.Fatal(err)
	}
	return res.Verdicts
}

// without examines the hospital with something of one server gone, and nothing else.
func (x *trial) without(t testing.TB, server string, c exercise.Cut) event.Verdicts {
	t.Helper()
	changed := []string{server}
	if x.cut != "" && x.cut != server {
		x.Rewrite(t, x.cut, exercise.Cut{})
		changed = append(changed, x.cut)
	}
	x.Rewrite(t, server, c)
	x.cut = server
	return x.examine(t, changed...)
}

// infiltrated are the servers that are told so with all the evidence.
func (x *trial) infiltrated() (out []string) {
	for i := range x.base.Servers {
		if x.base.Servers[i].Verdict == event.Infiltrated {
			out = append(out, string(x.base.Servers[i].Server))
		}
	}
	return out
}

// removals are the hospitals from which evidence is removed: small ones, so that a thousand removals are done in half an
// hour.
var removals = []exercise.Options{
	{Scenario: "small", Seed: 3, Noise: "small", Days: 10},
	{Scenario: "keys-and-disks", Seed: 5, Noise: "small", Days: 10, Servers: 20},
	{Scenario: "night-shift", Seed: 7, Noise: "small", Days: 10, Servers: 20},
	{Scenario: "supplier", Seed: 9, Noise: "small", Days: 10, Servers: 20},
}

// TestRemovalNeverClears takes an expected source of a server away, or a slice of time of one, again and again: whatever
// is gone, a server that was infiltrated is never told to be without evidence. Half of the slices lie around traces of the
// intruder, where they hurt most. WARDROUND_REMOVALS is how many (default 40).
func TestRemovalNeverClears(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it examines a hospital forty times")
	}
	many, list := 40, removals[:1]
	if n, err := strconv.Atoi(os.Getenv("WARDROUND_REMOVALS")); err == nil {
		many, list = n, removals
	}
	fell, cleared := map[event.Judgement]int{}, 0
	for _, o := range list {
		x := newTrial(t, o)
		dice := rand.New(rand.NewPCG(o.Seed, 7))
		for i := range many / len(list) {
			if i > 0 && i%50 == 0 {
				t.Logf("%s: %d removals, %d told clean so far", o.Scenario, i, cleared)
			}
			server, c := x.removal(dice)
			now := x.without(t, server, c)
			for k := range now.Servers {
				s := &now.Servers[k]
				if !slices.Contains(x.infiltrated(), string(s.Server)) {
					continue
				}
				if s.Verdict != event.Infiltrated {
					fell[s.Verdict]++
				}
				if s.Verdict == event.NoEvidence {
					cleared++
					t.Errorf("%s seed %d: without %s of %s, %s is told %q; coverage %.2f", o.Scenario, o.Seed, c, server, s.Server, s.Verdict, s.Coverage.Overall)
				}
			}
		}
	}
	t.Logf("%d removals: %d infiltrated servers told clean; %d fell to suspected, %d to inconclusive", many/len(list)*len(list), cleared, fell[event.Suspected], fell[event.Inconclusive])
}

// removal draws what is taken: of an infiltrated server mostly.
func (x *trial) removal(d *rand.Rand) (string, exercise.Cut) {
	servers := x.infiltrated()
	servers = slices.DeleteFunc(servers, func(s string) bool { return !slices.Contains(x.Servers, s) })
	if d.IntN(5) == 0 {
		servers = x.Servers
	}
	server := servers[d.IntN(len(servers))]
	ends, deeds := x.Traces(server)
	var sources []string
	for s := range ends {
		sources = append(sources, s)
	}
	slices.Sort(sources)
	source := sources[d.IntN(len(sources))]
	length := func() time.Duration { // a minute to four days, as many short ones as long ones
		return time.Duration(math.Exp(d.Float64()*math.Log(4*24*60)) * float64(time.Minute))
	}
	switch n := d.IntN(10); {
	case n < 2:
		return server, exercise.Whole(source)
	case n < 6 && len(deeds) > 0:
		trace := deeds[d.IntN(len(deeds))]
		return server, exercise.Cut{Source: trace.Source, From: trace.At.Add(-length()), To: trace.At.Add(length())}
	default:
		from := ends[source][0].Add(time.Duration(d.Float64() * float64(ends[source][1].Sub(ends[source][0]))))
		return server, exercise.Cut{Source: source, From: from, To: from.Add(length())}
	}
}

// TestRemovalOfAServer takes all evidence of one server away, one after the other: what is told of another changes only
// where the reason, or the basis of the window, names that server, or a server whose verdict so changed. The sample is the
// infiltrated and four others, and every server with WARDROUND_FULL.
func TestRemovalOfAServer(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: it examines a hospital for each of its servers")
	}
	list := removals[:1]
	if os.Getenv("WARDROUND_FULL") != "" {
		list = removals
	}
	servers, changed, unnamed := 0, 0, 0
	for _, o := range list {
		x := newTrial(t, o)
		names := x.sources(t)
		dice := rand.New(rand.NewPCG(o.Seed, 8))
		sample := slices.Clone(x.Servers)
		if os.Getenv("WARDROUND_FULL") == "" {
			dice.Shuffle(len(sample), func(i, j int) { sample[i], sample[j] = sample[j], sample[i] })
			slices.SortStableFunc(sample, func(a, b string) int {
				in := x.infiltrated()
				return cmp.Compare(boolInt(!slices.Contains(in, a)), boolInt(!slices.Contains(in, b)))
			})
			sample = sample[:min(len(sample), len(x.infiltrated())+4)]
		}
		for _, server := range sample {
			servers++
			now := x.without(t, server, exercise.Cut{All: true})
			moved := map[string]bool{strings.ToLower(server): true}
			var open []int // changed servers whose reason is not yet known
			for i := range now.Servers {
				if k := x.find(now.Servers[i].Server); k >= 0 && !strings.EqualFold(string(now.Servers[i].Server), server) && x.base.Servers[k].Verdict != now.Servers[i].Verdict {
					open = append(open, i)
				}
			}
			changed += len(open)
			basis := names[x.base.Window.Basis] == strings.ToLower(server)
			for more := true; more; {
				more = false
				open = slices.DeleteFunc(open, func(i int) bool {
					k := x.find(now.Servers[i].Server)
					ok := basis || namesOne(&x.base.Servers[k], moved, names) || namesOne(&now.Servers[i], moved, names)
					if ok {
						moved[strings.ToLower(string(now.Servers[i].Server))], more = true, true
					}
					return ok
				})
			}
			for _, i := range open {
				unnamed++
				k := x.find(now.Servers[i].Server)
				t.Errorf("%s seed %d: without %s, %s is told %q instead of %q, and its reasons name it nowhere: %s; now %s; would change it %q, %q", o.Scenario, o.Seed, server, now.Servers[i].Server,
					now.Servers[i].Verdict, x.base.Servers[k].Verdict, says(&x.base.Servers[k]), says(&now.Servers[i]), x.base.Servers[k].WouldChangeIt, now.Servers[i].WouldChangeIt)
			}
		}
	}
	t.Logf("%d servers removed: %d verdicts of others changed, %d without a reason that names it", servers, changed, unnamed)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (x *trial) find(id event.ServerID) int {
	return slices.IndexFunc(x.base.Servers, func(v event.Verdict) bool { return strings.EqualFold(string(v.Server), string(id)) })
}

// sources are the servers from whose collections findings come, by the finding's id.
func (x *trial) sources(t testing.TB) map[string]string {
	f, err := os.Open(filepath.Join(x.options.Case, "findings.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]string{}
	for d := json.NewDecoder(bufio.NewReader(f)); d.More(); {
		var one event.Finding
		if err := d.Decode(&one); err != nil {
			t.Fatal(err)
		}
		out[one.ID] = strings.ToLower(one.At[0].Collection)
	}
	return out
}

// namesOne reports whether a verdict's reasons name one of the servers, in words or by their evidence.
func namesOne(v *event.Verdict, servers map[string]bool, source map[string]string) bool {
	for s := range servers {
		for _, r := range v.Because {
			if strings.Contains(strings.ToLower(r.Says), s) {
				return true
			}
		}
		for _, a := range v.Against {
			if strings.Contains(strings.ToLower(a.Says+a.Why), s) {
				return true
			}
		}
	}
	for _, r := range v.Because {
		for _, id := range r.Findings {
			if servers[source[id]] {
				return true
			}
		}
	}
	return false
}

func says(v *event.Verdict) string {
	var out []string
	for _, r := range v.Because {
		out = append(out, fmt.Sprintf("%s %s at %s: %s", r.Class, r.Line, r.Time, r.Says))
	}
	return strings.Join(out, " | ")
}
