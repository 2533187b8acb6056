package verdict

import (
	"testing"

	"wardround/internal/event"
)

// TestHabitExcusesOnlyWhatLooksLikeIt: a deployment that comes twice a week in the afternoon with a key does not excuse the
// same way at night, after a web shell read that key; at the usual hour it does.
func TestHabitExcusesOnlyWhatLooksLikeIt(t *testing.T) {
	for _, c := range []struct {
		at   float64
		want event.Judgement
	}{{22.5, event.Infiltrated}, {24 + 10.2, event.Inconclusive}} {
		w := newWorld("PORTAL", "PG1")
		w.find("PORTAL", "web shell", hour(20), "CommandLine", "cat /home/deploy/.ssh/id_rsa", "user", "www-data")
		for d := range 8 {
			w.move("PORTAL", "PG1", "deploy", "ssh", hour(-24*8-84*float64(d)-84*float64(d%2)/7+10))
		}
		w.move("PORTAL", "PG1", "deploy", "ssh", hour(c.at))
		w.find("PG1", "account made", hour(c.at+0.1), "user", "nagiosd")
		w.move("PORTAL", "PG1", "nagiosd", "ssh", hour(c.at+20))
		if got := w.judge()["PG1"]; got.Verdict != c.want && !(c.want == event.Inconclusive && got.Verdict != event.Infiltrated) {
			t.Errorf("at %v: %s because %+v", c.at, got.Verdict, got.Because)
		}
	}
}

// TestUsualHour: a span that lasts all day is usual at any hour, one around midnight at both sides of it.
func TestUsualHour(t *testing.T) {
	a := &arrival{spans: event.Spans{Gap: 1}}
	for d := range 5 {
		a.spans.Add(hour(-24*float64(d+10)+23.8), 1)
	}
	for _, c := range []struct {
		at   float64
		want bool
	}{{23.5, true}, {24.2, true}, {0.3, true}, {1.2, false}, {12, false}} {
		if got := a.usual(hour(c.at), hour(-48)); got != c.want {
			t.Errorf("at %v: %v", c.at, got)
		}
	}
	all := &arrival{spans: event.Spans{Gap: 1, List: []event.Span{{First: hour(-300), Last: hour(-100), Count: 9}}}}
	if !all.usual(hour(5), hour(-48)) || all.usual(hour(5), hour(-300)) {
		t.Error("a way that is always gone")
	}
}
