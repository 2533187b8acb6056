// Package event holds the words that the rooms of Wardround speak to one another: what a collection holds (Artifact,
// Record), what a rule saw (Finding), what a log proves to have been watched (Activity), who reached whom (Movement)
// and what is said of a server (Verdict).
//
// There is no logic here beyond rendering a value and joining intervals of time. Schema and Record are the seam
// between reading and matching: a reader describes a kind of record once by its Schema, and hands over each Record
// with its values as they lie in the file, undecoded until a rule asks. The JSON forms are those of docs/format/case.md.
package event

// ServerID is the name of a server in verdicts: the inventory's, or for one that is not listed, the evidence's.
type ServerID string

// Place is where in the evidence a fact stands, so that anyone can look it up without this program.
type Place struct {
	Collection string `json:"collection"`
	Artifact   string `json:"artifact"` // SHA-256 of the artifact, in hexadecimal
	Path       string `json:"path"`     // inside the collection
	Record     uint64 `json:"record"`   // EventRecordID or line number
	Offset     int64  `json:"offset"`   // byte in the artifact
}

// Class is the weight of a piece of evidence: A decides alone, B needs a linked mate, C is context.
type Class string

// The classes; none for a rule that only notes.
const (
	A Class = "A"
	B Class = "B"
	C Class = "C"
)

// Rule is what a finding, and so every page that shows it, tells of the rule that fired. The author stays with a
// rule wherever its match is shown: the Detection Rule License asks for it.
type Rule struct {
	ID      string   `json:"id"`
	Title   string   `json:"title"`
	Level   string   `json:"level"`
	Tags    []string `json:"tags"`
	Author  string   `json:"author"`
	Source  string   `json:"source"`
	License string   `json:"license"`
}

// Finding is one hit of one rule. ID is the first 16 hexadecimal digits of SHA-256 over the rule's id, the artifacts
// and the places. Fields holds raw values; whoever shows them masks and escapes.
type Finding struct {
	ID        string            `json:"id"`
	Time      Time              `json:"time"`      // as recorded
	Corrected Time              `json:"corrected"` // by the server's clock offset; equal to Time without one
	Server    ServerID          `json:"server"`
	Class     Class             `json:"class"`
	Rule      Rule              `json:"rule"`
	At        []Place           `json:"at"`
	Fields    map[string]string `json:"fields"`
}

// Movement is one arrival at a server: a logon, a remote service, a drop over a share, a key used. From is the
// source's server when it is known, else "" with Address or Workstation as far as the log tells.
type Movement struct {
	From        ServerID `json:"from"`
	To          ServerID `json:"to"`
	Time        Time     `json:"time"`
	How         string   `json:"how"` // rdp, network logon, remote service, admin share, winrm, wmi, ssh, sudo, database, web …
	Account     string   `json:"account"`
	Address     string   `json:"address"`
	Workstation string   `json:"workstation"`
	Session     string   `json:"session"` // logon id or session number at the destination
	Failed      bool     `json:"failed"`
	Ended       bool     `json:"-"`         // no arrival: the account's session at the destination was left or ended then
	SeenFrom    string   `json:"seen_from"` // destination, source, both ends, or domain controller
	By          ServerID `json:"by"`        // whose log tells of it; "" is the end that SeenFrom names
	Because     []Place  `json:"because"`
}
