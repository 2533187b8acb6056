package damage

import (
	"fmt"
	"io"
	"math"

	"wardround/internal/event"
)

// worker judges one file at a time. It holds two buffers, of eight megabytes at most each.
type worker struct {
	names    *crowds
	now, was viewer
	new, old look
	diff     diff
	numbers  [pairFeatures]float64
}

// judge fills in a task's line.
func (w *worker) judge(t *task) { w.content(t, t.now, t.info.Size(), event.At(t.info.ModTime())) }

// content judges what r holds, which was last changed at that time.
func (w *worker) content(t *task, r io.ReaderAt, size int64, changed event.Time) {
	t.file.Bytes, t.file.Since = size, event.NoTime
	v, err := w.now.read(r, size)
	if err != nil {
		t.fix(Unknown, Unsure, "it cannot be read: %v", unwrapPath(err))
		return
	}
	t.file.Sampled = !v.whole
	isNote, at, words := readNote(t.base, v.head(), v.size)
	var j judgement
	switch {
	case isNote && int64(at) >= v.size:
		w.new = look{view: v}
		j = judged(Note, Plausible, "a ransom note: it says that files were taken and how to reach who did it")
	case t.was != nil:
		j = w.paired(t, v)
	default:
		j = w.lone(t, v)
	}
	if isNote && int64(at) < v.size {
		j = w.noteInHead(v, at, j)
	}
	w.fill(t, v, j, words, changed)
}

func (w *worker) lone(t *task, v *view) judgement {
	lookAt(t.base, v, scanBudget, &w.new)
	crowd := w.names.strange(t.base)
	j := alone(&w.new, crowd, w.numbers[:0])
	if j.state == Intact && w.new.name.strange && w.new.form.shape != formless && !w.new.form.text && documentKinds[w.new.name.promised] {
		j = judged(Renamed, Plausible, "%s, and %q added to its name, which no usual program adds", w.new.form.kind, "."+w.new.name.added)
	} else if crowd {
		j.also("its extension is added to many files of several kinds")
	}
	return j
}

// documentKinds are those to whose names no program adds an extension.
var documentKinds = set(`ooxml ole2 pdf zip rtf jpeg png gif bmp tiff dicom access mdf pst vhdx vmdk qcow2`)

func (w *worker) paired(t *task, v *view) judgement {
	old, err := w.was.read(t.was, t.past.Size())
	if err != nil {
		j := w.lone(t, v)
		j.also("its past cannot be read: %v", unwrapPath(err))
		return j
	}
	compare(old, v, &w.diff)
	if w.diff.identical {
		j := together(&pair{old: &look{view: old}, new: &look{view: v}, diff: w.diff}, nil)
		w.new = look{view: v, name: splitName(t.base)}
		if t.file.Was != nil {
			j.state = Renamed
			j.also("under another name")
		}
		return j
	}
	lookAt(t.oldBase, old, pairBudget, &w.old)
	lookAt(t.oldBase, v, pairBudget, &w.new) // the name that it had promises what it was
	j := together(&pair{old: &w.old, new: &w.new, diff: w.diff}, w.numbers[:0])
	if t.file.Was != nil {
		if j.state == Intact {
			j.state, j.confidence = Renamed, Plausible
		}
		j.also("it was %q", *t.file.Was)
	}
	return j
}

// noteInHead is a note before what was the content: the rest tells how much of it is encrypted.
func (w *worker) noteInHead(v *view, at int, j judgement) judgement {
	rest := *v
	rest.windows = append([]window{{int64(at), v.head()[at:]}}, v.windows[1:]...)
	measure(&rest, &w.old.profile)
	p := &w.old.profile
	j.state = Partly
	if short := rest.seen() < leastRandom && p.all.entropy() > math.Log2(float64(rest.seen()+1))-1; short || p.all.random() || p.randoms*100 >= p.blocks*97 {
		j.state = Encrypted
	}
	if j.confidence != Proven {
		j.confidence = Plausible
	}
	j.recoverable = ""
	if j.state == Partly {
		j.recoverable = recoverable(&w.new, p.plain())
	}
	j.reasons = []string{fmt.Sprintf("a ransom note stands in its head; of what follows %d of %d blocks look random", p.randoms, p.blocks)}
	return j
}

// fill writes what was judged into the line.
func (w *worker) fill(t *task, v *view, j judgement, words []byte, changed event.Time) {
	f := &t.file
	f.State, f.Confidence = j.state, j.confidence
	f.Reasons = append(j.reasons, f.Reasons...)
	if !v.whole {
		f.Reasons = append(f.Reasons, fmt.Sprintf("sampled: %d of %d bytes read", v.seen(), v.size))
	}
	if k := w.new.form.kind; k != "" {
		f.Kind = &k
	}
	if j.recoverable != "" {
		f.Recoverable = &j.recoverable
	}
	if f.State == Renamed {
		says := "all of it: only its name changed"
		f.Recoverable = &says
	}
	if f.State != Intact && f.State != Unknown {
		f.Since = changed
		if fam := familyOf(t.base, v, words); fam != "" {
			f.Family = &fam
		}
	}
}
