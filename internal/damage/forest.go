package damage

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
)

// modelText holds two forests: `forest NAME BIAS`, then for each tree `tree` and a line a node: `FEATURE THRESHOLD LEFT RIGHT`, numbers of nodes in the
// tree, or `= VALUE` for a leaf. It is a table that was learned, and docs/design/damage.md says how to learn it again.
//
//go:embed model.txt
var modelText string

// node of a tree; feature is -1 for a leaf, whose value is in at.
type node struct {
	feature     int16
	left, right int16
	at          float32
}

// forest gives the logarithm of odds as a sum over trees.
type forest struct {
	bias  float64
	trees [][]node
}

// odds is the probability that the numbers are of a damaged file.
func (f *forest) odds(x []float64) float64 {
	sum := f.bias
	for _, t := range f.trees {
		i := int16(0)
		for t[i].feature >= 0 {
			if float32(x[t[i].feature]) <= t[i].at {
				i = t[i].left
			} else {
				i = t[i].right
			}
		}
		sum += float64(t[i].at)
	}
	return 1 / (1 + math.Exp(-sum))
}

// models are the two forests of model.txt.
var models = sync.OnceValues(func() (alone, paired *forest) {
	all, err := parseForests(modelText)
	if err != nil || all["alone"] == nil || all["pair"] == nil {
		panic(fmt.Sprint("model.txt: ", err)) // bug: the table is embedded, and a test reads it
	}
	return all["alone"], all["pair"]
})

func parseForests(text string) (map[string]*forest, error) {
	all := map[string]*forest{}
	var f *forest
	number := 0
	for line := range strings.Lines(text) {
		number++
		w := strings.Fields(line)
		bad := fmt.Errorf("line %d of the model: %q", number, line)
		switch {
		case len(w) == 0 || w[0][0] == '#':
		case len(w) == 3 && w[0] == "forest":
			bias, err := strconv.ParseFloat(w[2], 64)
			if err != nil {
				return nil, bad
			}
			f = &forest{bias: bias}
			all[w[1]] = f
		case f == nil:
			return nil, bad
		case w[0] == "tree":
			f.trees = append(f.trees, nil)
		case len(f.trees) == 0:
			return nil, bad
		default:
			n, ok := parseNode(w)
			if !ok {
				return nil, bad
			}
			t := &f.trees[len(f.trees)-1]
			*t = append(*t, n)
		}
	}
	for _, f := range all {
		for _, t := range f.trees {
			for i, n := range t {
				if n.feature >= 0 && (int(n.left) <= i || int(n.right) <= i || int(n.left) >= len(t) || int(n.right) >= len(t)) {
					return nil, fmt.Errorf("a tree of the model leads astray")
				}
			}
		}
	}
	return all, nil
}

func parseNode(w []string) (n node, ok bool) {
	if w[0] == "=" && len(w) == 2 {
		v, err := strconv.ParseFloat(w[1], 32)
		return node{feature: -1, at: float32(v)}, err == nil
	}
	if len(w) != 4 {
		return n, false
	}
	var v [4]float64
	for i, s := range w {
		var err error
		if v[i], err = strconv.ParseFloat(s, 32); err != nil {
			return n, false
		}
	}
	return node{feature: int16(v[0]), at: float32(v[1]), left: int16(v[2]), right: int16(v[3])}, v[0] >= 0 && v[0] < pairFeatures
}
