//go:build check

package check_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

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
