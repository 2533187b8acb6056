//go:build check

package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/outside"
)

// damageShare is a bar of damage as its own test measured it: a share with its interval of 95 % over files.
type damageShare struct{ share, low, high, n float64 }

// measuredDamage is what the corpus gave, once it was run.
var measuredDamage map[string]damageShare

// damageShares runs the corpus of damage, the first time that it is asked.
func damageShares(t testing.TB) map[string]damageShare {
	if measuredDamage != nil {
		return measuredDamage
	}
	out, err := tool(t, nil, "go", "test", "-tags", "check", "-count=1", "-timeout", "2h", "-v", "-run", "^TestBars$", "./internal/damage")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	all := map[string]damageShare{}
	for line := range strings.Lines(out) {
		w := strings.Fields(line)
		if len(w) != 6 || w[0] != "damage-bar" {
			continue
		}
		var v [4]float64
		for i := range v {
			if v[i], err = strconv.ParseFloat(w[2+i], 64); err != nil {
				t.Fatal(err)
			}
		}
		all[w[1]] = damageShare{v[0], v[1], v[2], v[3]}
	}
	measuredDamage = all
	return all
}

// damageBar measures one share against its limit.
func damageBar(name string, limit float64, least bool) func(t testing.TB) reading {
	return func(t testing.TB) reading {
		if os.Getenv("WARDROUND_DAMAGE_CORPUS") == "" {
			t.Skip("WARDROUND_DAMAGE_CORPUS names no corpus: scripts/damage_corpus.py makes one")
		}
		s := damageShares(t)[name]
		r := reading{figure: fmt.Sprintf("%.5f", s.share), limit: fmt.Sprintf("≤ %g", limit), holds: s.share <= limit}
		if least {
			r.limit, r.holds = fmt.Sprintf("≥ %g", limit), s.share >= limit
		}
		return r.and(s.n > 0, "95 %% over files: %.5f to %.5f; of %.0f", s.low, s.high, s.n)
	}
}

// damageCost compares a scan of a tree of the machine's own libraries with the hash of the same.
func damageCost(t testing.TB) reading {
	dir := os.Getenv("WARDROUND_DAMAGE_CORPUS")
	if dir == "" {
		t.Skip("WARDROUND_DAMAGE_CORPUS names no corpus: scripts/damage_corpus.py makes one")
	}
	bin := filepath.Join(outside.Root(t), "bin", "wardround")
	built(t)
	hash := spend(t, nil, "sh", "-c", "find "+dir+"/files -type f -print0 | xargs -0 cat | openssl dgst -sha256")
	scan := spend(t, nil, bin, "damage", dir+"/files", "--quiet")
	return atMost(scan.cpu.Seconds()/hash.cpu.Seconds(), 5, "×").and(scan.peak <= 200<<20, "%.1f CPU s to %.1f of find, cat and openssl; peak %d MB", scan.cpu.Seconds(), hash.cpu.Seconds(), scan.peak>>20)
}

// damageTruth is what truth.json says was done to a server's files.
type damageTruth struct {
	From, To event.Time
	How      string
	Source   *string
	Files    int64
}

// damageTold asks of ten hospitals whether examine alone tells each server's damage: how many files, when, on the server or from afar and whence, by
// which process; or why these are not known.
func damageTold(t testing.TB) reading {
	bin := built(t)
	var wrong, servers, dated, afar int
	for seed := range int(setting(t, "WARDROUND_SEEDS", 10)) {
		dir := scratch(t, 3e8)
		estate, file := filepath.Join(dir, "estate"), filepath.Join(dir, "case")
		at := func(name string) string { return filepath.Join(estate, name) }
		spend(t, nil, bin, "exercise", "--out", estate, "--seed", fmt.Sprint(seed+1), "--noise", "small")
		spend(t, nil, bin, "examine", "--quiet", "--case", file, "--inventory", at("inventory.csv"), "--changes", at("changes.csv"), at("collections"))
		var v struct {
			Servers []struct {
				Server event.ServerID
				Damage *damageTruth
			}
			Clock map[string]int64 `json:"clock_offset_s"`
		}
		decode(t, at("truth.json"), &v)
		var told struct{ Damage []event.Harm }
		decode(t, filepath.Join(file, "data.json"), &told)
		listed := map[string]int64{}
		for _, f := range lines[damage.File](t, filepath.Join(file, "damage.jsonl")) {
			if f.State.Hurt() {
				listed[*f.Server]++
			}
		}
		hurt := map[event.ServerID]bool{}
		for _, s := range v.Servers {
			if s.Damage == nil {
				continue
			}
			hurt[s.Server] = true
			servers++
			h := harmOf(told.Damage, s.Server)
			why := damageWrong(h, s.Damage, time.Duration(v.Clock[string(s.Server)])*time.Second)
			if listed[string(s.Server)] != s.Damage.Files {
				why += fmt.Sprintf("; damage.jsonl lists %d damaged files, %d were collected", listed[string(s.Server)], s.Damage.Files)
			}
			if why != "" {
				wrong++
				t.Errorf("seed %d, %s: %s", seed+1, s.Server, why)
				continue
			}
			if h.Burst != nil {
				dated++
			}
			if h.How == "smb" {
				afar++
			}
		}
		for i := range told.Damage {
			if h := &told.Damage[i]; h.Hurt() > 0 && !hurt[h.Server] {
				wrong++
				t.Errorf("seed %d, %s: %d damaged files told, and none was damaged", seed+1, h.Server, h.Hurt())
			}
		}
		os.RemoveAll(dir)
	}
	return atMost(float64(wrong), 0, "").and(servers > 0, "of %d servers; %d dated rightly, of the others it is said why not; %d from afar, with the right source", servers, dated, afar)
}

func harmOf(list []event.Harm, id event.ServerID) *event.Harm {
	for i := range list {
		if list[i].Server == id {
			return &list[i]
		}
	}
	return nil
}

// damageWrong says what is wrong with what is told of a server, "" for nothing. Its clock may have been ahead by so much.
func damageWrong(h *event.Harm, t *damageTruth, ahead time.Duration) string {
	within := func(off time.Duration) bool {
		return h.Burst.From >= t.From.Add(off-time.Minute) && h.Burst.To <= t.To.Add(off+time.Minute)
	}
	switch {
	case h == nil:
		return "nothing is told"
	case h.Hurt() != t.Files:
		return fmt.Sprintf("%d damaged files told, %d were collected", h.Hurt(), t.Files)
	case h.How != t.How:
		return fmt.Sprintf("written %s, told %s: %s", t.How, h.How, h.Says)
	case t.Source != nil && (h.Source == nil || *h.Source != *t.Source):
		return fmt.Sprintf("the source %s is not told: %s", *t.Source, h.Says)
	case h.How == "local" && h.Process == nil && !strings.Contains(h.Says, "not known"):
		return "neither the process nor why it is not known"
	case h.Burst == nil && h.WhyNoBurst == nil:
		return "neither when nor why that is not known"
	case h.Burst != nil && !within(0) && !within(ahead):
		return fmt.Sprintf("from %s to %s, told %s to %s", t.From, t.To, h.Burst.From, h.Burst.To)
	}
	return ""
}
