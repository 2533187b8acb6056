package damage

import (
	"fmt"
	"io"
	"path"

	"wardround/internal/event"
)

// Looker judges files that others hold open, one at a time and each alone. It holds a buffer of at most eight megabytes.
type Looker struct{ w worker }

// NewLooker makes a Looker. Extensions that are added to many files are no sign to it: it does not know the names to come.
func NewLooker() *Looker { return &Looker{worker{names: &crowds{}}} }

// File judges the size bytes of r, the content of the file that is called name. Where they are only its beginning, whole is false, and the line says
// so. changed is when it was last changed, event.NoTime where nothing tells.
func (l *Looker) File(name string, r io.ReaderAt, size int64, whole bool, changed event.Time) *File {
	t := &task{base: path.Base(name)}
	t.file.Path = printablePath(name)
	l.guarded(t, r, size, changed)
	if !whole {
		t.file.Sampled = true
		t.file.Reasons = append(t.file.Reasons, fmt.Sprintf("only its first %d bytes were looked at", size))
	}
	return &t.file
}

// guarded runs the walkers of forms. They do not panic; should one do so all the same, on bytes that nobody foresaw, it costs that file alone.
func (l *Looker) guarded(t *task, r io.ReaderAt, size int64, changed event.Time) {
	defer func() {
		if bug := recover(); bug != nil {
			t.fix(Unknown, Unsure, "it could not be judged, a fault of this program: %v", bug)
		}
	}()
	l.w.content(t, r, size, changed)
}
