package exercise

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/event"
)

// perfect writes a case that says just what is true of an estate, and its truth.
func perfect(t *testing.T, change func(v map[string]any, spread map[string]any)) (dir, truth string) {
	t.Helper()
	o := Options{Seed: 2, Scenario: "small", Noise: "small"}
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	e := newEstate(o, sc)
	dir = t.TempDir()
	truth = filepath.Join(dir, "truth.json")
	data, err := e.truthJSON()
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(truth, data)
	verdicts := map[string]any{}
	for _, s := range e.servers {
		v := map[string]any{"server": strings.ToLower(s.name), "aliases": []string{}, "verdict": s.truth.verdict, "since": nil, "from": []any{}}
		if f := s.truth.from; f != nil {
			v["since"] = map[string]any{"earliest_possible": s.truth.first.Add(-600e9), "first_proven": s.truth.first.Add(60e9), "bounded_by": "answered"}
			v["from"] = []any{map[string]any{"server": f.Server, "address": f.Address}}
		}
		verdicts[s.name] = v
	}
	var edges []any
	for _, h := range e.truth.hops {
		edges = append(edges, map[string]any{"from": h.From, "to": h.To, "time": h.Time.Add(90e9), "how": h.How})
	}
	spread := map[string]any{"edges": edges, "patient_zero": map[string]any{"server": e.truth.first.name}, "origin": []any{map[string]any{"rung": "address", "value": e.truth.origins[0]}}}
	change(verdicts, spread)
	var list []any
	for _, s := range e.servers {
		if verdicts[s.name] != nil {
			list = append(list, verdicts[s.name])
		}
	}
	for name, v := range map[string]any{"verdicts.json": map[string]any{"servers": list}, "spread.json": spread} {
		if v.(map[string]any) == nil {
			continue
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		write(filepath.Join(dir, name), data)
	}
	return dir, truth
}

func TestScorePerfect(t *testing.T) {
	s, err := Compare(perfect(t, func(map[string]any, map[string]any) {}))
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Verdicts["infiltrated"]; i != (Counts{TP: 5}) || len(s.Wrong)+len(s.Missing)+len(s.Hops.Missed) > 0 || s.Since.Contained != 5 || s.From.Right != 5 || s.PatientZero == nil || !*s.PatientZero ||
		s.Hops.Found != s.Hops.Planted || s.Origin.Named != 1 || s.Since.Bounded["answered"] != (WidthScore{5, 660}) {
		t.Errorf("a perfect case scores %+v", s)
	}
	var b strings.Builder
	if err := s.Text(&b); err != nil || !strings.Contains(b.String(), "Infiltrated: 5 right, 0 wrong, 0 missed") || !strings.Contains(b.String(), "none misled") {
		t.Errorf("%v:\n%s", err, b.String())
	}
}

// TestScoreNotices makes one mistake at a time.
func TestScoreNotices(t *testing.T) {
	of := func(v map[string]any, name string) map[string]any { return v[name].(map[string]any) }
	edge := func(spread map[string]any, i int) map[string]any { return spread["edges"].([]any)[i].(map[string]any) }
	for name, c := range map[string]struct {
		change func(v, spread map[string]any)
		seen   func(*Score) bool
	}{
		"wrongly infiltrated": {func(v, _ map[string]any) { of(v, "EX-MAIL1")["verdict"] = event.Infiltrated }, func(s *Score) bool {
			return s.Verdicts["infiltrated"].FP == 1 && slices.Equal(s.Decoys.Infiltrated, []string{"EX-MAIL1"}) && len(s.Wrong) == 1
		}},
		"missed":  {func(v, _ map[string]any) { of(v, "EX-PG1")["verdict"] = event.NoEvidence }, func(s *Score) bool { return s.Verdicts["infiltrated"].FN == 1 && s.Since.Judged == 4 }},
		"missing": {func(v, _ map[string]any) { delete(v, "EX-FS1") }, func(s *Score) bool { return slices.Equal(s.Missing, []string{"EX-FS1"}) }},
		"too late": {func(v, _ map[string]any) {
			x := of(v, "EX-PG1")["since"].(map[string]any)
			x["earliest_possible"] = x["first_proven"].(event.Time).Add(300e9)
			x["first_proven"] = x["first_proven"].(event.Time).Add(400e9)
		}, func(s *Score) bool {
			return s.Since.Contained == 4 && slices.Equal(s.Since.Outside, []string{"EX-PG1"})
		}},
		"hop late":        {func(_, sp map[string]any) { edge(sp, 2)["time"] = edge(sp, 2)["time"].(event.Time).Add(3600e9) }, func(s *Score) bool { return len(s.Hops.Missed) == 1 }},
		"hop by name":     {func(_, sp map[string]any) { edge(sp, 0)["from"] = "DESKTOP-OF-HIS" }, func(s *Score) bool { return len(s.Hops.Missed) == 1 }},
		"hop unexplained": {func(_, sp map[string]any) { edge(sp, 3)["from"] = nil }, func(s *Score) bool { return s.Hops.Unexplained == 1 && len(s.Hops.Missed) == 0 }},
		"patient zero":    {func(_, sp map[string]any) { sp["patient_zero"] = map[string]any{"server": "EX-DC1"} }, func(s *Score) bool { return s.PatientZero != nil && !*s.PatientZero }},
		"origin":          {func(_, sp map[string]any) { sp["origin"] = []any{} }, func(s *Score) bool { return s.Origin.Named == 0 && s.Origin.Planted == 1 }},
		"from":            {func(v, _ map[string]any) { of(v, "EX-PG1")["from"] = []any{map[string]any{"server": "EX-DC1"}} }, func(s *Score) bool { return s.From.Named == 5 && s.From.Right == 4 }},
	} {
		s, err := Compare(perfect(t, c.change))
		if err != nil {
			t.Fatal(err)
		}
		if !c.seen(s) {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestScoreWithoutSpread(t *testing.T) {
	dir, truth := perfect(t, func(map[string]any, map[string]any) {})
	if err := os.Remove(filepath.Join(dir, "spread.json")); err != nil {
		t.Fatal(err)
	}
	s, err := Compare(dir, truth)
	if err != nil || s.PatientZero != nil || s.Hops.Told || s.Hops.Planted == 0 {
		t.Errorf("%v, %+v", err, s)
	}
	if _, err := Compare(t.TempDir(), truth); !errors.Is(err, ErrNoCase) {
		t.Errorf("no case: %v", err)
	}
	if _, err := Compare(dir, filepath.Join(dir, "verdicts.json")); !errors.Is(err, ErrNoCase) {
		t.Errorf("no truth: %v", err)
	}
}

// TestScoreOfANamedSource: TeamViewer's log knows the other end by its name alone; an edge from that name is the hop.
func TestScoreOfANamedSource(t *testing.T) {
	o := Options{Seed: 21, Scenario: "supplier", Noise: "small"}
	sc, err := o.complete()
	if err != nil {
		t.Fatal(err)
	}
	h := newEstate(o, sc).truth.hops[0]
	if !strings.HasPrefix(h.Named, "DESKTOP-") {
		t.Fatalf("the first hop is %+v", h)
	}
	for from, want := range map[string]int{h.Named: 1, h.From: 1, "DESKTOP-ANOTHER": 0} {
		c := comparison{truth: &truthFile{Hops: []hop{h}}, spread: &spreadFile{}, hasSpread: true}
		data, err := json.Marshal(map[string]any{"edges": []any{map[string]any{"from": from, "to": h.To, "time": h.Time, "how": "remote control"}}})
		if err == nil {
			err = json.Unmarshal(data, c.spread)
		}
		if c.hops(); err != nil || c.score.Hops.Found != want {
			t.Errorf("from %q: %v, %+v", from, err, c.score.Hops)
		}
	}
}

// TestScoreOfWholeNames: without an inventory servers are called by their whole names.
func TestScoreOfWholeNames(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{{"EX-DC1.exhosp.example", "ex-dc1", true}, {"EX-DC1", "EX-DC2", false}, {"EX-DC1.a.example", "EX-DC1.b.example", false}, {"10.20.1.3", "10.20.1.4", false}, {"10.20.1.3", "10", false}} {
		if sameName(c.a, c.b) != c.want {
			t.Errorf("%s and %s: %v", c.a, c.b, !c.want)
		}
	}
	dir, truth := perfect(t, func(v, sp map[string]any) {
		for _, x := range v {
			x.(map[string]any)["server"] = x.(map[string]any)["server"].(string) + ".exhosp.example"
		}
	})
	if s, err := Compare(dir, truth); err != nil || s.Verdicts["infiltrated"].TP != 5 || len(s.Missing) > 0 {
		t.Errorf("%v, %+v", err, s)
	}
}
