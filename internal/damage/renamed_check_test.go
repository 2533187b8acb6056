//go:build check

package damage

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// printRenamed writes the bars of files that were only renamed: their content is whole, and a strange extension was added, or one that programs add. They are
// scored apart from damage, since nothing of them is lost.
func printRenamed(t *testing.T, list []sample) {
	dir := t.TempDir()
	before, now := filepath.Join(dir, "before"), filepath.Join(dir, "now")
	of := map[string]*sample{}
	for i := range list {
		s := &list[i]
		info, err := os.Stat(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if s.train || s.honest || info.Size() < leastRandom {
			continue
		}
		sub, base := fmt.Sprintf("%04d", i/40), fmt.Sprintf("%06d.%s", i, s.ext)
		added := ".bak9"
		if i%3 == 0 {
			added = ".old"
		}
		for _, name := range []string{filepath.Join(before, sub, base), filepath.Join(now, sub, base+added)} {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if os.Link(s.path, name) == nil {
				continue
			}
			if err := os.WriteFile(name, s.read(t), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		of[base+added] = s
	}
	scan := func(before string) (out []scored) {
		_, err := Scan(context.Background(), Options{Roots: []string{now}, Before: before}, func(f *File) error {
			name := f.Path[strings.LastIndexByte(f.Path, '/')+1:]
			s := of[name]
			if s == nil {
				t.Fatalf("%q is told", f.Path)
			}
			out = append(out, scored{of: s.path, ext: s.ext, what: filepath.Ext(name), got: judgement{state: f.State, confidence: f.Confidence, reasons: f.Reasons}})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	bar := func(name string, list []scored, hit func(*scored) bool) {
		fmt.Printf("damage-bar %s %s\n", name, rateOf(list, hit))
	}
	past := scan(before)
	bar("renamed-past", past, func(s *scored) bool { return s.got.state == Renamed && s.got.confidence == Proven })
	alone := scan("")
	strange := keep(alone, func(s *scored) bool { return s.what == ".bak9" })
	bar("renamed-alone-hurt", strange, hurtOf)
	bar("renamed-alone", keep(strange, func(s *scored) bool { return documentKinds[promises[s.ext]] }), func(s *scored) bool { return s.got.state == Renamed })
	bar("renamed-lawful", keep(alone, func(s *scored) bool { return s.what == ".old" }), func(s *scored) bool { return hurtOf(s) || s.got.state == Renamed })
	if os.Getenv("WARDROUND_DAMAGE_TABLE") != "" {
		for i := range strange {
			if s := &strange[i]; hurtOf(s) {
				fmt.Printf("renamed %s %s %q\n     %s\n", s.ext, s.got.state, s.got.reasons, s.of)
			}
		}
	}
}

// printTypesAlone writes the share of types of which more than one whole file in two hundred is called damaged without a past, of those with forty files and
// more; one file alone is no rate.
func printTypesAlone(bare []scored) {
	files, alarms := map[string]int{}, map[string]int{}
	for i := range bare {
		if s := &bare[i]; !s.damaged {
			files[s.ext]++
			if hurtOf(s) {
				alarms[s.ext]++
			}
		}
	}
	all, above := 0, 0
	for ext, n := range files {
		if n < 40 {
			continue
		}
		all++
		if alarms[ext] > 1 && alarms[ext]*200 > n {
			above++
		}
	}
	share := float64(above) / float64(max(all, 1))
	fmt.Printf("damage-bar false-alone-types %.5f %.5f %.5f %d\n", share, share, share, all)
}
