package report

import "testing"

func TestTimesInSentences(t *testing.T) {
	c := newClock("IST")
	for in, want := range map[string]string{
		"between 2022-11-19T02:00:00.5Z (logs begin) and 2022-11-23T01:37:49.1234567Z (proven)": "between 19 Nov 2022 07:30:00 IST (logs begin) and 23 Nov 2022 07:07:49 IST (proven)",
		"ran “date 2022-11-23T01:37:49Z” at 2022-11-23T01:37:49Z":                               "ran “date 2022-11-23T01:37:49Z” at 23 Nov 2022 07:07:49 IST",
		"not closed “2022-11-23T01:37:49Z":                                                      "not closed “2022-11-23T01:37:49Z",
		"no time: 2022-13-40T99:00:00Z":                                                         "no time: 2022-13-40T99:00:00Z",
	} {
		if got := c.inWords(in); got != want {
			t.Errorf("%s: got %s", in, got)
		}
	}
}
