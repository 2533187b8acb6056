package casefile

import "errors"

// both does two things that change nothing in common: at once, unless one worker does all.
func (r *run) both(a, b func() error) error {
	if r.in.workers == 1 {
		if err := a(); err != nil {
			return err
		}
		return b()
	}
	done := make(chan error, 1)
	go func() { done <- a() }()
	err := b()
	return errors.Join(<-done, err)
}

// batchSize is how many values go from one goroutine to the other at a time, and maxAhead how many batches wait.
const (
	batchSize = 128
	maxAhead  = 8
)

var errUnheard = errors.New("nobody takes what is made")

// ahead has values made in one goroutine and taken in this one, in their order; unless one worker does all. The first
// error ends both.
func ahead[T any](r *run, made func(put func(T) error) error, take func(*T) error) error {
	if r.in.workers == 1 {
		return made(func(v T) error { return take(&v) })
	}
	batches := make(chan []T, maxAhead)
	empty := make(chan []T, maxAhead+2)
	deaf := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		defer close(batches)
		batch := make([]T, 0, batchSize)
		send := func() error {
			select {
			case batches <- batch:
			case <-deaf:
				return errUnheard
			}
			select {
			case batch = <-empty:
			default:
				batch = make([]T, 0, batchSize)
			}
			return nil
		}
		err := made(func(v T) error {
			if batch = append(batch, v); len(batch) < batchSize {
				return nil
			}
			return send()
		})
		if err == nil {
			err = send()
		}
		done <- err
	}()
	for batch := range batches {
		for i := range batch {
			if err := take(&batch[i]); err != nil {
				close(deaf)
				<-done
				return err
			}
		}
		clear(batch)
		select {
		case empty <- batch[:0]:
		default:
		}
	}
	return <-done
}
