package spread

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"wardround/internal/event"
)

// sight is one log's telling of a movement.
type sight struct {
	way string
	by  event.ServerID
	at  event.Time
}

// estimate feeds sights as a case does: in order of way, then time.
func estimate(list []sight, controller func(event.ServerID) bool) map[event.ServerID]event.Clock {
	slices.SortFunc(list, func(a, b sight) int {
		return cmp.Or(cmp.Compare(a.way, b.way), cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by))
	})
	c := NewClocks()
	var s Sights
	for i, x := range list {
		if i > 0 && x.way != list[i-1].way {
			c.Add(&s)
			s.Reset()
		}
		s.See([]byte(x.by), x.at)
	}
	c.Add(&s)
	out := map[event.ServerID]event.Clock{}
	for _, k := range c.Estimate(controller) {
		out[k.Server] = k
	}
	return out
}

func none(event.ServerID) bool { return false }

var noon = event.At(time.Date(2022, 11, 20, 12, 0, 0, 0, time.UTC))

// traffic is n movements of one way that both servers record, each by its clock, at random times of ten days.
func traffic(r *rand.Rand, a, b event.ServerID, offA, offB time.Duration, n int) (out []sight) {
	way := fmt.Sprintf("%s>%s", a, b)
	for range n {
		at := noon.Add(time.Duration(r.Int64N(int64(240 * time.Hour))))
		out = append(out, sight{way, a, at.Add(offA)}, sight{way, b, at.Add(offB + time.Duration(r.IntN(400))*time.Millisecond)})
	}
	return out
}

func TestClockOfOneServerIsOff(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, off := range []time.Duration{0, 10 * time.Minute, -10 * time.Minute, 5*time.Hour + 30*time.Minute, -7 * time.Second} {
		var list []sight
		for _, s := range []event.ServerID{"APP1", "APP2", "DB1"} {
			o := time.Duration(0)
			if s == "DB1" {
				o = off
			}
			list = append(list, traffic(r, "DC1", s, 0, o, 20)...)
		}
		got := estimate(list, none)["DB1"]
		if math.Abs(got.OffsetSeconds-off.Seconds()) > 0.5 || got.Corrected != (off != 0) || got.Pairs != 20 || got.SpreadSeconds > 0.5 {
			t.Errorf("off by %s: %+v", off, got)
		}
	}
}

func TestClockNeedsEnoughPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	if got := estimate(traffic(r, "A", "B", 0, time.Hour, minPairs-1), none); len(got) != 0 {
		t.Errorf("from %d pairs: %v", minPairs-1, got)
	}
}

// TestClockOfChanceIsNone: logs that tell of one way but never of the same movement.
func TestClockOfChanceIsNone(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 3))
		var list []sight
		for range 200 {
			list = append(list, sight{"w", "A", noon.Add(time.Duration(r.Int64N(int64(240 * time.Hour))))})
			list = append(list, sight{"w", "B", noon.Add(time.Duration(r.Int64N(int64(240 * time.Hour))))})
		}
		if got := estimate(list, none); got["A"].Corrected || got["B"].Corrected {
			t.Errorf("seed %d: %v", seed, got)
		}
	}
}

// TestClockOfARegularJob: a job on the hour and minute fits at any whole hour; then a clock is taken to be right.
func TestClockOfARegularJob(t *testing.T) {
	var list []sight
	for h := range event.Time(200) {
		at := noon + h*event.Time(time.Hour)
		list = append(list, sight{"w", "A", at}, sight{"w", "B", at.Add(50 * time.Millisecond)})
	}
	if got := estimate(list, none)["B"]; got.Corrected || math.Abs(got.OffsetSeconds) > 1 {
		t.Errorf("%+v", got)
	}
}

func TestClockThatWasSetIsNotCorrected(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	list := traffic(r, "A", "B", 0, 0, 20)
	for _, s := range traffic(r, "A", "B", 0, time.Hour, 20) {
		list = append(list, s)
	}
	if got := estimate(list, none); got["A"].Corrected || got["B"].Corrected {
		t.Errorf("%v", got)
	}
}

// TestMostServersAgree: the estate's time is what most show; of two alone, the domain controller's.
func TestMostServersAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	list := traffic(r, "A", "B", 0, time.Hour, 20)
	got := estimate(slices.Clone(list), func(id event.ServerID) bool { return id == "A" })
	if got["A"].Corrected || !got["B"].Corrected {
		t.Errorf("A is the controller: %v", got)
	}
	got = estimate(slices.Clone(list), func(id event.ServerID) bool { return id == "B" })
	if !got["A"].Corrected || got["B"].Corrected {
		t.Errorf("B is the controller: %v", got)
	}
	list = append(list, traffic(r, "B", "C", time.Hour, time.Hour, 20)...)
	got = estimate(list, func(id event.ServerID) bool { return id == "A" })
	if !got["A"].Corrected || got["B"].Corrected || got["C"].Corrected {
		t.Errorf("B and C agree: %v", got)
	}
}

// TestClocksOfAnEstate: a third of 60 servers is off by up to ten minutes, and half of what the logs tell of one way is of
// no common movement. Every clock that is called off is off, by what is said; the estimate does not hang on the order.
func TestClocksOfAnEstate(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 6))
		off := map[event.ServerID]time.Duration{}
		var ids []event.ServerID
		for i := range 60 {
			id := event.ServerID(fmt.Sprintf("S%02d", i))
			ids = append(ids, id)
			if i%3 == 1 {
				off[id] = time.Duration(r.Int64N(int64(20*time.Minute))) - 10*time.Minute
			}
		}
		var list []sight
		for i, id := range ids[1:] {
			for _, peer := range []event.ServerID{ids[0], ids[r.IntN(i+1)]} {
				list = append(list, traffic(r, peer, id, off[peer], off[id], 10+r.IntN(30))...)
				way := fmt.Sprintf("%s>%s", peer, id)
				for range 20 {
					list = append(list, sight{way, id, noon.Add(time.Duration(r.Int64N(int64(240 * time.Hour))))})
				}
			}
		}
		got := estimate(list, none)
		for _, id := range ids {
			c := got[id]
			if math.Abs(c.OffsetSeconds-off[id].Seconds()) > 2 || c.Corrected != (off[id].Abs() > offBy) && (off[id].Abs()-offBy).Abs() > time.Second {
				t.Errorf("seed %d, %s: off by %s, estimated %+v", seed, id, off[id], c)
			}
		}
		r.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
		if again := estimate(list, none); fmt.Sprint(got) != fmt.Sprint(again) {
			t.Errorf("seed %d: the order changes the estimate", seed)
		}
	}
}

// TestClocksOfBusyServers: the same logons by the thousand, and memory that does not grow with them.
func TestClocksOfBusyServers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 7))
	list := traffic(r, "A", "B", 0, 3*time.Minute, 20000)
	got := estimate(list, func(id event.ServerID) bool { return id == "A" })["B"]
	if math.Abs(got.OffsetSeconds-180) > 1 || !got.Corrected {
		t.Errorf("%+v", got)
	}
}
