package casefile

import (
	"errors"
	"testing"
)

func TestAheadKeepsOrderAndErrors(t *testing.T) {
	bad := errors.New("bad")
	for _, workers := range []int{1, 2} {
		r := &run{in: &inputs{workers: workers}}
		for _, n := range []int{0, 1, batchSize - 1, batchSize, 20*batchSize + 3} {
			for _, failAt := range []int{-1, 0, n / 2, n - 1} {
				for _, maker := range []bool{false, true} {
					next := 0
					err := ahead(r, func(put func(int) error) error {
						for i := range n {
							if maker && i == failAt {
								return bad
							}
							if err := put(i); err != nil {
								return err
							}
						}
						return nil
					}, func(v *int) error {
						if *v != next {
							t.Fatalf("%d workers: took %d, want %d", workers, *v, next)
						}
						if next++; !maker && *v == failAt {
							return bad
						}
						return nil
					})
					fails := failAt >= 0 && failAt < n
					if errors.Is(err, bad) != fails || err != nil && !fails {
						t.Errorf("%d workers, %d values, fails at %d (%t): %v", workers, n, failAt, maker, err)
					}
					if !fails && next != n {
						t.Errorf("%d workers: took %d of %d", workers, next, n)
					}
				}
			}
		}
	}
}

func TestBothTellsEachError(t *testing.T) {
	bad := errors.New("bad")
	good := func() error { return nil }
	fails := func() error { return bad }
	for _, workers := range []int{1, 2} {
		r := &run{in: &inputs{workers: workers}}
		if err := r.both(good, good); err != nil {
			t.Error(err)
		}
		if !errors.Is(r.both(good, fails), bad) || !errors.Is(r.both(fails, good), bad) {
			t.Errorf("%d workers: an error is lost", workers)
		}
	}
}
