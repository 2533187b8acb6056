//go:build check

package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

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

// damageTold asks of ten hospitals whether each server's damage is told: by whom, on the server or from afar, within the window.
func damageTold(t testing.TB) reading {
	bin := built(t)
	var wrong, servers int
	for seed := range int(setting(t, "WARDROUND_SEEDS", 10)) {
		dir := scratch(t, 3e8)
		estate, file := filepath.Join(dir, "estate"), filepath.Join(dir, "case")
		at := func(name string) string { return filepath.Join(estate, name) }
		spend(t, nil, bin, "exercise", "--out", estate, "--seed", fmt.Sprint(seed+1), "--noise", "small")
		spend(t, nil, bin, "examine", "--quiet", "--case", file, "--inventory", at("inventory.csv"), "--changes", at("changes.csv"), at("collections"))
		spend(t, nil, bin, "damage", "--case", file, "--quiet")
		var v truth
		decode(t, at("truth.json"), &v)
		told := map[string][]damage.File{}
		for _, f := range lines[damage.File](t, filepath.Join(file, "damage.jsonl")) {
			told[*f.Server] = append(told[*f.Server], f)
		}
		for _, s := range v.Servers {
			want := ""
			switch {
			case slices.Contains(s.Flags, "encrypted"):
				want = "local"
			case slices.Contains(s.Flags, "affected"):
				want = "smb"
			default:
				continue
			}
			servers++
			if why := damageWrong(told[string(s.Server)], want); why != "" {
				wrong++
				t.Errorf("seed %d, %s: %s", seed+1, s.Server, why)
			}
		}
		os.RemoveAll(dir)
	}
	return atMost(float64(wrong), 0, "").and(servers > 0, "of %d servers", servers)
}

// damageWrong says what is wrong with a server's lines, if anything is.
func damageWrong(told []damage.File, how string) string {
	if len(told) == 0 {
		return "no damaged file is told"
	}
	for _, f := range told {
		switch {
		case f.By == nil || f.By.How != how:
			return fmt.Sprintf("%s: written %+v, want %s", f.Path, f.By, how)
		case f.By.Says == "" || f.By.Process == nil && !strings.Contains(f.By.Says, "not known") && how == "local":
			return f.Path + ": neither the process nor why it is not known"
		case f.Since == event.NoTime && !strings.Contains(strings.Join(f.Reasons, " "), "not known"):
			return f.Path + ": neither when nor why that is not known"
		}
	}
	return ""
}
