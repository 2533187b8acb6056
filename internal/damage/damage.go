// Package damage says what was done to files: which are encrypted, whole or in part, overwritten, renamed or gone, since
// when, and what may be had back without a key.
//
// A file alone tells little: lawful encryption and compression look random too. So three things are asked. What the
// content is: walkers of some seventy forms follow their structure and, where it has checksums or can be decoded,
// prove it whole. How random it is: block by block, since encryptors skip and stripe. And, where a backup gives the file's own past, what
// became of it: which 16-byte blocks changed and whether the change itself looks random. Rules judge what is certain, two
// small tables of trees (model.txt, made anew by a test) the rest.
//
// A state is proven where a checksum, a decoder or a comparison says so, plausible where numbers do, and unknown where
// neither can; the three are never merged. What was encrypted by right (OpenPGP, age, LUKS, a zip with a password)
// is unknown, never damage. Files over 8 MiB are sampled, and their lines say so.
package damage

import "wardround/internal/event"

// State is what became of a file.
type State string

// The states.
const (
	Intact      State = "intact"
	Encrypted   State = "encrypted"
	Partly      State = "partly-encrypted"
	Overwritten State = "overwritten" // zeros, a constant or a pattern in place of content
	Renamed     State = "renamed"     // content kept under another name
	Deleted     State = "deleted"     // the past has it, the tree does not
	Note        State = "note"        // a ransom note
	Unknown     State = "unknown"
)

// Hurt reports whether content was lost or taken.
func (s State) Hurt() bool { return s == Encrypted || s == Partly || s == Overwritten || s == Deleted }

// Confidence is how sure a state is.
type Confidence string

// The confidences.
const (
	Proven    Confidence = "proven"
	Plausible Confidence = "plausible"
	Unsure    Confidence = "unknown"
)

// File is what is said of one file: a line of damage --json. See docs/format/damage.md.
type File struct {
	Server      *string    `json:"server"` // of a case; null without one
	Path        string     `json:"path"`   // from the root that was named, with slashes; bytes that are no UTF-8 as \xNN
	State       State      `json:"state"`
	Confidence  Confidence `json:"confidence"`
	Reasons     []string   `json:"reasons"`
	Since       event.Time `json:"since"` // last change of what is damaged; null when not known
	By          *By        `json:"by"`    // null when nothing tells
	Was         *string    `json:"was"`   // its name in the past
	Bytes       int64      `json:"bytes"`
	Kind        *string    `json:"kind"` // what the content is
	Sampled     bool       `json:"sampled"`
	Recoverable *string    `json:"recoverable"` // what may be had back without a key
	Family      *string    `json:"family"`
}

// By is who wrote it, or why that is not known.
type By struct {
	Process *string  `json:"process"`
	Account *string  `json:"account"`
	Source  *string  `json:"source"` // host or address that wrote from afar
	How     string   `json:"how"`    // local, smb, not known
	Says    string   `json:"says"`
	Because []string `json:"because"` // ids of findings
}

// Options are what a scan is asked.
type Options struct {
	Roots   []string
	Before  string // folder of the past; "" without one
	Workers int    // 0: all processors, at most eight
	// Who says of which server a file is and who wrote it, from what a case knows; nil without a case.
	Who func(f *File)
}
