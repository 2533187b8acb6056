//go:build check

package damage

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

func bufferCopy(w io.Writer, r io.Reader) (int64, error) {
	return io.Copy(w, io.LimitReader(r, 16<<20))
}

// row is one example of training.
type row struct {
	x      []float64
	y      bool
	weight float64
}

// TestLearn makes model.txt anew from the training half of the corpus: WARDROUND_LEARN=1 go test -tags check -run TestLearn ./internal/damage
func TestLearn(t *testing.T) {
	if os.Getenv("WARDROUND_LEARN") == "" {
		t.Skip("WARDROUND_LEARN is not set")
	}
	list := corpus(t)
	alone, paired := examples(t, list)
	fmt.Println(len(alone), "files and", len(paired), "pairs to learn from")
	var out strings.Builder
	fmt.Fprintf(&out, "# Learned by TestLearn of internal/damage from %d and %d examples; see docs/design/damage.md.\n", len(alone), len(paired))
	fmt.Fprintf(&out, "# types: %s\n", strings.Join(typesOf(list), " "))
	grow(alone, 160).write(&out, "alone")
	grow(paired, 160).write(&out, "pair")
	if err := os.WriteFile("model.txt", []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// typesOf are the extensions that teach.
func typesOf(list []sample) (out []string) {
	for i := range list {
		if s := &list[i]; s.train && !s.unseen && !s.honest {
			out = append(out, s.ext)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// largeSample is the size from which one of eight files is trained on.
const largeSample = 200 << 10

// examples are those of the training half, without what is kept out.
func examples(t *testing.T, list []sample) (alone, paired []row) {
	mate := mates(list)
	var mu sync.Mutex
	eachSample(list, func(s *sample) {
		if !s.train || s.unseen || s.honest {
			return
		}
		b := s.read(t)
		if len(b) > largeSample && s.rng("large").IntN(8) > 0 {
			return // large ones teach no more than small ones, and cost most
		}
		other, err := os.ReadFile(mate[s.path])
		if err != nil {
			t.Error(err)
			return
		}
		base := "x." + s.ext
		var old, now look
		lookAt(base, bytesView(b), pairBudget, &old)
		var first look
		lookAt(base, bytesView(b), scanBudget, &first)
		rows := []row{{first.single(nil), false, 4}}
		var pairs []row
		for _, u := range unitsOf(s, b, other, 3) {
			if u.unseen {
				continue
			}
			lookAt(base, bytesView(u.new), pairBudget, &now)
			p := pair{old: &old, new: &now}
			compare(old.view, now.view, &p.diff)
			pairs = append(pairs, row{p.numbers(nil), u.damaged, 1})
			if u.damaged {
				lookAt(base, bytesView(u.new), scanBudget, &now)
				rows = append(rows, row{now.single(nil), true, 1})
			}
		}
		mu.Lock()
		defer mu.Unlock()
		alone, paired = append(alone, rows...), append(paired, pairs...)
	})
	order := func(a, b row) int { return slices.Compare(a.x, b.x) }
	slices.SortFunc(alone, order)
	slices.SortFunc(paired, order)
	return alone, paired
}

func eachSample(list []sample, do func(s *sample)) {
	var wg sync.WaitGroup
	next := make(chan *sample)
	for range runtime.NumCPU() {
		wg.Go(func() {
			for s := range next {
				do(s)
			}
		})
	}
	for i := range list {
		next <- &list[i]
	}
	close(next)
	wg.Wait()
}

// How trees are grown: depth, step, the least weight of a leaf, and the bins of a number.
const (
	growDepth = 6
	growStep  = 0.1
	leastLeaf = 5.0
	bins      = 64
)

type learned struct {
	bias  float64
	trees [][]node
}

// grow boosts trees on logistic loss, with splits at quantiles.
func grow(rows []row, rounds int) *learned {
	n, features := len(rows), len(rows[0].x)
	edges := make([][]float32, features)
	binned := make([][]uint8, features)
	for f := range features {
		edges[f] = quantiles(rows, f)
		binned[f] = make([]uint8, n)
		for i := range rows {
			k, _ := slices.BinarySearch(edges[f], float32(rows[i].x[f]))
			binned[f][i] = uint8(k)
		}
	}
	var yes, all float64
	for _, r := range rows {
		all += r.weight
		if r.y {
			yes += r.weight
		}
	}
	m := &learned{bias: math.Log(yes / (all - yes))}
	score := make([]float64, n)
	for i := range score {
		score[i] = m.bias
	}
	g, h := make([]float64, n), make([]float64, n)
	for range rounds {
		for i, r := range rows {
			p := 1 / (1 + math.Exp(-score[i]))
			y := 0.0
			if r.y {
				y = 1
			}
			g[i], h[i] = r.weight*(p-y), r.weight*max(p*(1-p), 1e-6)
		}
		index := make([]int, n)
		for i := range index {
			index[i] = i
		}
		var tree []node
		sprout(&tree, index, binned, edges, g, h, growDepth, score)
		m.trees = append(m.trees, tree)
	}
	return m
}

func quantiles(rows []row, f int) []float32 {
	v := make([]float32, len(rows))
	for i := range rows {
		v[i] = float32(rows[i].x[f])
	}
	slices.Sort(v)
	var out []float32
	for k := 1; k < bins; k++ {
		out = append(out, v[k*len(v)/bins])
	}
	return slices.Compact(out)
}

// sprout grows a node and what is below it, and adds the leaves' values to the scores.
func sprout(tree *[]node, index []int, binned [][]uint8, edges [][]float32, g, h []float64, depth int, score []float64) int16 {
	at := len(*tree)
	*tree = append(*tree, node{})
	var sg, sh float64
	for _, i := range index {
		sg, sh = sg+g[i], sh+h[i]
	}
	best, bestF, bestK := 1e-3, -1, 0
	if depth > 0 {
		for f := range binned {
			var bg, bh [bins + 1]float64
			for _, i := range index {
				k := binned[f][i]
				bg[k] += g[i]
				bh[k] += h[i]
			}
			var lg, lh float64
			for k := range edges[f] {
				lg, lh = lg+bg[k], lh+bh[k]
				rg, rh := sg-lg, sh-lh
				if lh < leastLeaf/4 || rh < leastLeaf/4 {
					continue
				}
				if gain := lg*lg/(lh+1) + rg*rg/(rh+1) - sg*sg/(sh+1); gain > best {
					best, bestF, bestK = gain, f, k
				}
			}
		}
	}
	if bestF < 0 {
		v := float32(-growStep * sg / (sh + 1))
		(*tree)[at] = node{feature: -1, at: v}
		for _, i := range index {
			score[i] += float64(v)
		}
		return int16(at)
	}
	var left, right []int
	for _, i := range index {
		if int(binned[bestF][i]) <= bestK {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	nd := node{feature: int16(bestF), at: edges[bestF][bestK]}
	nd.left = sprout(tree, left, binned, edges, g, h, depth-1, score)
	nd.right = sprout(tree, right, binned, edges, g, h, depth-1, score)
	(*tree)[at] = nd
	return int16(at)
}

func (m *learned) write(out *strings.Builder, name string) {
	fmt.Fprintf(out, "forest %s %.6g\n", name, m.bias)
	for _, t := range m.trees {
		out.WriteString("tree\n")
		for _, n := range t {
			if n.feature < 0 {
				fmt.Fprintf(out, "= %.5g\n", n.at)
			} else {
				fmt.Fprintf(out, "%d %v %d %d\n", n.feature, n.at, n.left, n.right)
			}
		}
	}
}

// TestBars measures what damage promises, and prints a line for each: check/damage_test.go reads them.
func TestBars(t *testing.T) {
	list := corpus(t)
	mate := mates(list)
	var mu sync.Mutex
	var all []scored
	eachSample(list, func(s *sample) {
		if s.train && !s.unseen && !s.honest {
			return
		}
		b := s.read(t)
		other, err := os.ReadFile(mate[s.path])
		if err != nil {
			t.Error(err)
			return
		}
		got := scoreSample(s, b, other)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, got...)
	})
	slices.SortFunc(all, func(a, b scored) int {
		return bytes.Compare([]byte(a.of+a.what+fmt.Sprint(a.past)), []byte(b.of+b.what+fmt.Sprint(b.past)))
	})
	printBars(all)
	printRenamed(t, list)
}

// scored is one judgement with the truth.
type scored struct {
	of, ext, what string
	past          bool
	damaged       bool
	unseen        bool
	honest        bool
	got           judgement
	odds          float64
}

func scoreSample(s *sample, b, other []byte) (out []scored) {
	base := "x." + s.ext
	var old, now look
	var numbers [pairFeatures]float64
	one := func(what string, past, damaged, unseen bool, j judgement, odds float64) {
		out = append(out, scored{s.path, s.ext, what, past, damaged, unseen, s.honest, j, odds})
	}
	single, _ := models()
	lookAt(base, bytesView(b), scanBudget, &old)
	one("as it is", false, false, s.unseen, alone(&old, false, numbers[:0]), single.odds(old.single(nil)))
	lookAt(base, bytesView(b), pairBudget, &old)
	_, paired := models()
	for _, u := range unitsOf(s, b, other, 5) {
		if s.honest && u.what == "encrypted by right" {
			continue
		}
		lookAt(base, bytesView(u.new), pairBudget, &now)
		p := pair{old: &old, new: &now}
		compare(old.view, now.view, &p.diff)
		one(u.what, true, u.damaged, u.unseen, together(&p, numbers[:0]), paired.odds(p.numbers(nil)))
		if u.damaged && !s.honest {
			lookAt(base, bytesView(u.new), scanBudget, &now)
			one(u.what, false, true, u.unseen, alone(&now, false, numbers[:0]), single.odds(now.single(nil)))
		}
	}
	return out
}
