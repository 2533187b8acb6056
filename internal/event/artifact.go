package event

// Damage is a stretch of an artifact that could not be read. It is a result, not an error: coverage counts it.
type Damage struct {
	Offset int64  `json:"offset"`
	Bytes  int64  `json:"bytes"` // -1: to an end that is not known
	Why    string `json:"why"`
}

// Seen is how much of an artifact names one computer.
type Seen struct {
	Name    string `json:"name"`
	Records uint64 `json:"records"`
	First   Time   `json:"first"`
	Last    Time   `json:"last"`
}

// Artifact is one file of a collection as evidence.jsonl lists it: containers and files of unknown kind included.
type Artifact struct {
	Collection string      `json:"collection"`
	Path       string      `json:"path"` // inside the collection, slashes; an archive's entry stands behind "!/"
	Root       string      `json:"root"` // the part of Path that belongs to one computer as the layout tells; "" is the whole collection
	Hint       string      `json:"hint"` // the computer that the layout names for Root: a folder's or archive's name
	SHA256     string      `json:"sha256"`
	Bytes      int64       `json:"bytes"`
	Kind       string      `json:"kind"` // evtx, syslog, zip …; "unknown"; "" when it could not be opened
	Records    uint64      `json:"records"`
	Slack      uint64      `json:"slack"` // records recovered from unused space, counted apart
	Damaged    []Damage    `json:"damaged"`
	Servers    []Seen      `json:"servers"`
	Holes      [][2]uint64 `json:"holes"` // missing record numbers of a whole original log, first and last
	Notes      []string    `json:"notes"` // what was inferred: year, time zone, layout
	Error      *string     `json:"error"`
	Original   bool        `json:"original"` // a whole log as its system wrote it: holes in its record numbers mean something
	Exercise   bool        `json:"exercise"` // it bears the open mark of an exercise

	Modified Time `json:"-"` // of the file when it was collected; no result depends on it but an inferred year, and the time of a file's mark where an archive holds it
}

// ExerciseMark stands in everything that an exercise writes, so that nobody takes it for a real case: in the unused bytes
// of an event log's header, and in a line of each text log.
const ExerciseMark = "WARDROUND EXERCISE: nothing here happened"

// Activity is what one computer wrote to one source in one artifact: the raw material of coverage. With EventID and
// Provider empty it speaks of the whole log.
type Activity struct {
	Host   string `json:"host"`
	Source Source `json:"source"`
	Spans  Spans  `json:"spans"`
	Runs   []Run  `json:"runs"` // of record numbers, for whole original logs
}

// Run is a stretch of record numbers without a hole, with the times of its ends.
type Run struct {
	First uint64 `json:"first"`
	Last  uint64 `json:"last"`
	From  Time   `json:"from"`
	To    Time   `json:"to"`
}
