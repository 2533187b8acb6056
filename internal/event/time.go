package event

import (
	"math"
	"time"
)

// Time is an instant in nanoseconds since 1970-01-01 UTC. NoTime marks what has none: a format without times, or a
// stamp outside the years 1678 to 2261, which no log of a computer holds in earnest.
type Time int64

// NoTime is the absence of a time. It sorts before every time.
const NoTime Time = math.MinInt64

// fileTimeEpoch is 1970 minus 1601 in seconds.
const fileTimeEpoch = 11644473600

const (
	minFileTime = (fileTimeEpoch - 9214646400) * 1e7 // 1678-01-01
	maxFileTime = (fileTimeEpoch + 9214646400) * 1e7 // 2261-12-31
)

// FromFileTime converts 100 ns units since 1601-01-01 UTC.
func FromFileTime(ft uint64) Time {
	if ft < minFileTime || ft > maxFileTime {
		return NoTime
	}
	return Time(int64(ft)-fileTimeEpoch*1e7) * 100
}

// At converts a Go time.
func At(t time.Time) Time {
	if s := t.Unix(); s < -9214646400 || s > 9214646400 {
		return NoTime
	}
	return Time(t.UnixNano())
}

// Std is the same instant as a Go time in UTC; the zero time for NoTime.
func (t Time) Std() time.Time {
	if t == NoTime {
		return time.Time{}
	}
	return time.Unix(0, int64(t)).UTC()
}

// Add returns the instant d later; NoTime stays.
func (t Time) Add(d time.Duration) Time {
	if t == NoTime {
		return t
	}
	return t + Time(d)
}

// Sub returns the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// String gives RFC 3339 in UTC with as many fractional digits as the instant needs, or "" for NoTime.
func (t Time) String() string {
	if t == NoTime {
		return ""
	}
	return t.Std().Format(time.RFC3339Nano)
}

// MarshalJSON writes the time as String does, and NoTime as null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == NoTime {
		return []byte("null"), nil
	}
	return t.Std().AppendFormat([]byte{}, `"`+time.RFC3339Nano+`"`), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = NoTime
		return nil
	}
	var s time.Time
	if err := s.UnmarshalJSON(b); err != nil {
		return err
	}
	*t = At(s)
	return nil
}
