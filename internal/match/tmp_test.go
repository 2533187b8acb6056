package match

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"wardround/internal/event"
	"wardround/internal/evtx"
	"wardround/internal/sigma"
)

type tmpConsumer struct {
	p     *Program
	plain *Plain
	plans map[*event.Schema]*Plan
	s     Scratch
	hits  func(r *event.Record, hits []int)
	n     int
	all   map[*event.Schema][]int
}

func (c *tmpConsumer) Want(s *event.Schema) bool { c.plans[s] = c.p.Plan(s); return true }
func (c *tmpConsumer) Take(r *event.Record) {
	c.n++
	plan := c.plans[r.Schema]
	var h []int
	if plan != nil {
		h = c.p.Match(plan, r, &c.s, nil)
	}
	c.hits(r, h)
}
func (c *tmpConsumer) Damage(o, n int64, why string) {}

func TestTmp(t *testing.T) {
	t0 := time.Now()
	files, problems := sigma.Read(os.DirFS("/work/shared/data/sigma"), "sigma")
	set := sigma.Load(files, nil)
	fmt.Println(len(files), len(set.Rules), len(set.Problems), len(problems), set.Others, time.Since(t0))
	for _, p := range set.Problems {
		fmt.Println(p)
	}
	t0 = time.Now()
	p := Compile(set.Rules)
	fmt.Println("compiled", len(p.Rules), len(p.atoms), len(p.Unused), time.Since(t0))
	why := map[string]int{}
	for _, u := range p.Unused {
		why[u.Why]++
	}
	for k, v := range why {
		fmt.Println(v, k)
	}
	dec := evtx.NewDecoder()
	got := map[string]bool{}
	plain := NewPlain()
	diff := 0
	var file string
	c := &tmpConsumer{p: p, plans: map[*event.Schema]*Plan{}}
	doPlain := os.Getenv("PLAIN") != ""
	c.hits = func(r *event.Record, h []int) {
		for _, i := range h {
			got[fmt.Sprintf("%s\t%d\t%s", file, r.Number, p.Rules[i].ID)] = true
		}
		if doPlain {
			k := 0
			for i, rule := range p.Rules {
				want := plain.Holds(rule, r)
				have := k < len(h) && h[k] == i
				if have {
					k++
				}
				if want != have {
					diff++
					if diff < 20 {
						fmt.Println("DIFF", file, r.Number, rule.ID, rule.Title, "plain", want, "prog", have)
					}
				}
			}
		}
	}
	t0 = time.Now()
	for _, dir := range []string{"evtx/attack-samples"} {
		filepath.WalkDir("/work/shared/data/"+dir, func(p string, e fs.DirEntry, err error) error {
			if !strings.HasSuffix(p, ".evtx") {
				return nil
			}
			file = strings.TrimPrefix(p, "/work/shared/data/")
			f, _ := os.Open(p)
			defer f.Close()
			dec.Read(context.Background(), f, c)
			return nil
		})
	}
	fmt.Println(c.n, "records", time.Since(t0), "hits", len(got), "diff", diff)
	data, _ := os.ReadFile("/work/shared/oracle/windows-hits.tsv")
	peers := map[string]string{}
	missAll := 0
	cnt := map[string]int{}
	byRule := map[string]map[string]int{}
	add := func(rule, k string) {
		if byRule[rule] == nil {
			byRule[rule] = map[string]int{}
		}
		byRule[rule][k]++
	}
	for _, l := range strings.Split(string(data), "\n")[1:] {
		c := strings.Split(l, "\t")
		if len(c) < 5 {
			continue
		}
		k := c[2] + "\t" + c[3] + "\t" + c[4]
		peers[k] = c[0]
		if got[k] {
			cnt[c[0]+" found"]++
		} else {
			cnt[c[0]+" missed"]++
			add(c[4], "missed "+c[0])
			if len(c[0]) == 3 {
				missAll++
				fmt.Println("MISS", k)
			}
		}
	}
	for k := range got {
		if peers[k] == "" {
			cnt["ours alone"]++
			add(strings.Split(k, "\t")[2], "ours")
		}
	}
	fmt.Println(cnt)
	title := map[string]string{}
	for _, r := range p.Rules {
		title[r.ID] = r.Title + " " + fmt.Sprint(r.LogSource)
	}
	var ids []string
	for k := range byRule {
		ids = append(ids, k)
	}
	sort.Strings(ids)
	for _, k := range ids {
		fmt.Println(k, byRule[k], title[k])
	}
}
