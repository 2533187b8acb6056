package damage

import (
	"fmt"
	"testing"
	"time"

	"wardround/internal/event"
)

// TestListing: an extension added to many files of several kinds is told with the stretch in which most changed; one of one kind, or of few files, or one
// that programs add, is not. Of a file told twice in a row the later time counts.
func TestListing(t *testing.T) {
	var l Listing
	at := event.At(time.Date(2022, 11, 23, 1, 44, 0, 0, time.UTC))
	old := at.Add(-300 * 24 * time.Hour)
	for i := range 90 {
		kind := []string{"docx", "jpg", "pdf"}[i%3]
		path := fmt.Appendf(nil, `D:\Data\ward\visit %d.%s.bak9`, i, kind)
		l.Add(path, old)
		l.Add(path, at.Add(time.Duration(i)*time.Second))
		l.Add(fmt.Appendf(nil, "/srv/a/%d.%s.gz", i, kind), at)
		l.Add(fmt.Appendf(nil, "/srv/a/%d.pdf.only", i), at)
		if i < 9 {
			l.Add(fmt.Appendf(nil, "/srv/a/%d.%s.few", i, kind), at)
		}
	}
	l.Add([]byte(`D:\Data\earlier.docx.bak9`), old)
	got := l.Crowds()
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	want := Listed{Extension: ".bak9", Files: 91, Kinds: 3, From: at, To: at.Add(89 * time.Second), Burst: 90, Example: "D:/Data/ward/visit 0.docx.bak9"}
	if got[0] != want {
		t.Errorf("got %+v\nwant %+v", got[0], want)
	}
}
