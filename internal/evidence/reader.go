package evidence

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"wardround/internal/event"
)

// Consumer takes the events of one artifact, in the order in which they lie in it.
type Consumer interface {
	// Want is asked once per schema. If it answers no, records of that schema are still handed over so that they are
	// counted, but their Slots may be nil.
	Want(*event.Schema) bool
	// Take is handed every record. The record is only valid until Take returns.
	Take(*event.Record)
}

// reader is one kind of artifact: how it is told from the others, and how it is read.
type reader struct {
	kind string
	// is tells by content first and by name second. head is the beginning of the artifact, up to headBytes; name is its
	// Path, folders and all.
	is func(head []byte, name string) bool
	// read yields the events. It returns an error only when the stream itself fails; what cannot be decoded is damage.
	read func(context.Context, *input, *output) error
}

// headBytes is how much of an artifact is looked at to tell its kind.
const headBytes = 64 << 10

// input is what a reader is given of an artifact.
type input struct {
	Path     string    // inside the collection, slashes, percent-encoding undone
	Modified time.Time // of the file when it was collected; zero when not known
	Stored   bool      // Modified stands in an archive: it is part of the evidence, and the same wherever that is copied
	Host     string    // the computer that the collection's layout names; "" if it names none
	Options  *Options

	// Stream is the artifact from its first byte; what is read of it is hashed. A reader may stop early: the rest is
	// hashed after it.
	Stream io.Reader
	// At gives random access, for formats that cannot be read forwards. It may copy the artifact to a temporary file.
	// In a tar stream, At and Again must be asked for before more than a megabyte of Stream is read. Where the artifact
	// breaks off, they end and Stream says why.
	At func() (io.ReaderAt, int64, error)
	// Again is one more stream from the first byte, not hashed, for readers that must look ahead (a year that only the
	// last line tells). The caller closes it.
	Again func() (io.ReadCloser, error)
}

// Options are the choices that all readers share.
type Options struct {
	// Zone is the time zone of local times in logs that state none. Nil means UTC; that it was assumed is noted.
	Zone *time.Location
	// Slack asks for records that lie in unused space of EVTX chunks. They are counted apart.
	Slack bool
	// TempDir is where artifacts that need random access are unpacked. Empty means the system's.
	TempDir string
	// Limits bound what an archive may unpack to. The zero value means DefaultLimits.
	Limits Limits
}

// Limits bound hostile archives. They hold for each Unit by itself, so that no timing of workers shows in the result.
type Limits struct {
	Depth   int   // archives inside archives
	Entries int   // of one archive on disk and those in it
	Bytes   int64 // unpacked, at all depths
	Ratio   int64 // unpacked to packed, of one stream, counted from the first megabyte
}

// DefaultLimits are wide enough for a hospital's largest server.
var DefaultLimits = Limits{Depth: 5, Entries: 5_000_000, Bytes: 4 << 40, Ratio: 1100}

// output takes what a reader yields.
type output struct {
	consumer Consumer
	wants    map[*event.Schema]bool
	facts    *event.Artifact
}

func newOutput(c Consumer, facts *event.Artifact) *output {
	return &output{consumer: c, wants: map[*event.Schema]bool{}, facts: facts}
}

// want reports whether the slots of records of this schema must be filled.
func (o *output) want(s *event.Schema) bool {
	w, ok := o.wants[s]
	if !ok {
		w = o.consumer.Want(s)
		o.wants[s] = w
	}
	return w
}

// take hands a record over and counts it.
func (o *output) take(r *event.Record) {
	o.facts.Records++
	o.consumer.Take(r)
}

// maxDamage bounds the list of damaged parts of one artifact; past it the last entry grows.
const maxDamage = 1000

// damage records that n bytes from offset could not be decoded; n is -1 when the end is not known. Adjoining stretches
// with the same reason become one.
func (o *output) damage(offset, n int64, why string) {
	d := o.facts.Damaged
	if last := len(d) - 1; last >= 0 {
		adjoins := d[last].Why == why && d[last].Bytes >= 0 && d[last].Offset+d[last].Bytes == offset
		if adjoins || len(d) >= maxDamage {
			if n < 0 || d[last].Bytes < 0 {
				d[last].Bytes = -1
			} else {
				d[last].Bytes = offset + n - d[last].Offset
			}
			return
		}
	}
	o.facts.Damaged = append(d, event.Damage{Offset: offset, Bytes: n, Why: why})
}

// note records an inference that the reader made, once.
func (o *output) note(format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	if len(o.facts.Notes) < 100 && !slices.Contains(o.facts.Notes, s) {
		o.facts.Notes = append(o.facts.Notes, s)
	}
}
