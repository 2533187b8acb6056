package sigma

import (
	"fmt"
	"strings"
)

// grammar reads "a and not (b or c)" into a T. Not binds closest, then and, then or; the three words may be in any
// letter case.
type grammar[T any] struct {
	words   []string // and parentheses
	at      int
	depth   int
	operand func(*grammar[T]) (T, error) // reads what is not one of the three
	and, or func([]T) T
	not     func(T) T
}

var parentheses = strings.NewReplacer("(", " ( ", ")", " ) ")

// tokens cuts a condition into words and parentheses.
func tokens(s string) []string {
	return strings.Fields(parentheses.Replace(s))
}

func (g *grammar[T]) parse() (T, error) {
	t, err := g.either()
	if err == nil && g.at < len(g.words) {
		err = fmt.Errorf("the condition has %q where it should end or go on with and, or", g.words[g.at])
	}
	return t, err
}

func (g *grammar[T]) either() (T, error) { return g.series("or", g.or, g.both) }
func (g *grammar[T]) both() (T, error)   { return g.series("and", g.and, g.negated) }

// series reads operands with the same word between them.
func (g *grammar[T]) series(word string, joined func([]T) T, operand func() (T, error)) (T, error) {
	first, err := operand()
	if err != nil || !g.accept(word) {
		return first, err
	}
	all := []T{first}
	for {
		t, err := operand()
		if err != nil {
			return t, err
		}
		if all = append(all, t); !g.accept(word) {
			return joined(all), nil
		}
	}
}

func (g *grammar[T]) negated() (t T, err error) {
	if g.depth++; g.depth > maxDepth {
		return t, fmt.Errorf("the condition is nested deeper than %d", maxDepth)
	}
	defer func() { g.depth-- }()
	switch {
	case g.at == len(g.words):
		return t, fmt.Errorf("the condition ends where a search identifier should follow")
	case g.accept("not"):
		if t, err = g.negated(); err == nil {
			t = g.not(t)
		}
		return t, err
	case g.accept("("):
		if t, err = g.either(); err == nil && !g.accept(")") {
			err = fmt.Errorf("the condition has a parenthesis that is not closed")
		}
		return t, err
	}
	switch word := g.words[g.at]; strings.ToLower(word) {
	case "and", "or", ")":
		return t, fmt.Errorf("the condition has %q where a search identifier should stand", word)
	}
	return g.operand(g)
}

// accept moves past a word if it is the next.
func (g *grammar[T]) accept(word string) bool {
	if g.at < len(g.words) && strings.EqualFold(g.words[g.at], word) {
		g.at++
		return true
	}
	return false
}

// condition reads the condition of a detection, every identifier replaced by what it stands for.
func (s *selections) condition(text string) (Expr, error) {
	use := func(name string) (Expr, error) {
		e, ok := s.exprs[name]
		if !ok {
			return nil, fmt.Errorf("the condition names %q, which the section does not define", name)
		}
		if s.used += s.weight[name]; s.used > maxWeight {
			return nil, fmt.Errorf("the condition unfolds into more than %d questions", maxWeight)
		}
		return e, nil
	}
	g := grammar[Expr]{
		words: tokens(text),
		operand: func(g *grammar[Expr]) (Expr, error) {
			word := g.words[g.at]
			g.at++
			if !g.accept("of") {
				return use(word)
			}
			return s.quantified(word, g, use)
		},
		and: func(e []Expr) Expr { return And(e) },
		or:  func(e []Expr) Expr { return Or(e) },
		not: func(e Expr) Expr { return Not{e} },
	}
	return g.parse()
}

// quantified reads the rest of "1 of pattern" and its kin.
func (s *selections) quantified(quantifier string, g *grammar[Expr], use func(string) (Expr, error)) (Expr, error) {
	if g.at == len(g.words) {
		return nil, fmt.Errorf("the condition ends after %q", quantifier+" of")
	}
	pattern := g.words[g.at]
	g.at++
	s.used += len(s.names)
	var of []Expr
	for _, name := range s.names {
		if !covers(pattern, name) {
			continue
		}
		e, err := use(name)
		if err != nil {
			return nil, err
		}
		of = append(of, e)
	}
	if len(of) == 0 {
		return nil, fmt.Errorf("the condition has %q, which fits no search identifier", quantifier+" of "+pattern)
	}
	switch strings.ToLower(quantifier) {
	case "1", "any":
		return Or(of).simplify(), nil
	case "all":
		return And(of).simplify(), nil
	}
	return nil, fmt.Errorf("the condition has %q; Sigma has 1 of, any of and all of", quantifier+" of")
}

// covers reports whether a pattern of a condition stands for the identifier. Identifiers that begin with an underscore
// are left out unless the pattern does too.
func covers(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	if pattern == "them" {
		return true
	}
	pieces := strings.Split(pattern, "*")
	last := len(pieces) - 1
	if last == 0 {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, pieces[0])
	if !ok {
		return false
	}
	for _, p := range pieces[1:last] {
		i := strings.Index(rest, p)
		if i < 0 {
			return false
		}
		rest = rest[i+len(p):]
	}
	return strings.HasSuffix(rest, pieces[last])
}
