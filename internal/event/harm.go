package event

// Harm is what was done to the files of one server, as far as files of its collections, copies, live trees and listings, and the events of the case tell.
type Harm struct {
	Server      ServerID     `json:"server"`
	Files       int64        `json:"files"` // looked at, or told by a listing
	Bytes       int64        `json:"bytes"`
	Unsized     int64        `json:"unsized"` // files whose size is not known
	Sampled     int64        `json:"sampled"` // files of which only parts were read
	States      []HarmCount  `json:"states"`
	Folders     []HarmFolder `json:"folders"` // largest first; the last may stand for all others
	Burst       *Burst       `json:"burst"`
	WhyNoBurst  *string      `json:"why_no_burst"` // why nothing tells when; null where Burst tells
	Course      *Burst       `json:"course"`       // where nothing tells when: acts of this server itself in the course of encryption
	How         string       `json:"how"`          // local, smb, not known
	Process     *string      `json:"process"`
	Account     *string      `json:"account"`
	Source      *string      `json:"source"`  // server or address that wrote from afar
	Says        string       `json:"says"`    // who wrote, or why that is not known
	Because     []string     `json:"because"` // finding ids
	Families    []HarmFamily `json:"families"`
	Renamed     int64        `json:"renamed"`      // files whose content is kept
	Parts       int64        `json:"parts"`        // damaged files of which parts are not encrypted
	Past        int64        `json:"past"`         // damaged or deleted files that an earlier copy has
	Listed      []HarmListed `json:"listed"`       // extensions that tables and listings name on many files; their content was not looked at
	Roots       []string     `json:"roots"`        // trees that were scanned beside the evidence
	FromAfter   bool         `json:"from_after"`   // it was scanned after the case was judged: no verdict rests on it
	WrittenSeen int64        `json:"written_seen"` // writes of files with a second extension, in the burst, that events tell
}

// Hurt is how many files were encrypted, in part or whole, overwritten or deleted.
func (h *Harm) Hurt() (files int64) {
	for _, s := range h.States {
		if HurtState(s.State) {
			files += s.Files
		}
	}
	return files
}

// HurtState reports whether a state of a file means that content was lost.
func HurtState(state string) bool {
	switch state {
	case "encrypted", "partly-encrypted", "overwritten", "deleted":
		return true
	}
	return false
}

// HarmCount is how many files have a state, by how sure it is.
type HarmCount struct {
	State      string `json:"state"`
	Confidence string `json:"confidence"`
	Files      int64  `json:"files"`
	Bytes      int64  `json:"bytes"`
}

// HarmFolder is how many files of a folder have a state.
type HarmFolder struct {
	Path  string `json:"path"` // "" stands for all folders that are not named
	State string `json:"state"`
	Files int64  `json:"files"`
	Bytes int64  `json:"bytes"`
}

// HarmListed is an extension that was added to many files of several kinds, as a file system's table, its journal or a listing names them.
type HarmListed struct {
	Extension string `json:"extension"`
	Files     int64  `json:"files"`
	From      Time   `json:"from"` // of the stretch in which most changed; null where nothing tells
	To        Time   `json:"to"`
	Burst     int64  `json:"burst"` // files that changed in it
	Example   string `json:"example"`
}

// HarmFamily is a family and how many files point to it. How says by what.
type HarmFamily struct {
	Family string `json:"family"`
	How    string `json:"how"`
	Files  int64  `json:"files"`
}

// Burst is when most of the damage was done.
type Burst struct {
	From    Time   `json:"from"`
	To      Time   `json:"to"`
	Files   int64  `json:"files"`
	Outside int64  `json:"outside"` // damaged files that changed at other times
	By      string `json:"by"`      // what tells: times of files, events, both
}

// Held is whose data the files of one server hold, as far as they were read.
type Held struct {
	Server     ServerID `json:"server"`
	Files      int64    `json:"files"`      // that hold something
	LookedAt   int64    `json:"looked_at"`  // files that were looked into
	People     *uint64  `json:"people"`     // distinct; null where no file tells
	Exact      bool     `json:"exact"`      // else People is an estimate
	Error      float64  `json:"error"`      // standard error of an estimate, as a share; 0 of an exact count
	Kinds      []string `json:"kinds"`      // identifiers first, then health data
	Confidence string   `json:"confidence"` // of the surest file: high, moderate, low
	NotKnown   int64    `json:"not_known"`  // files whose number of people is not known
	InPart     int64    `json:"in_part"`    // files that were not read whole
	Hurt       int64    `json:"hurt"`       // files with data of patients that were damaged
	Roots      []string `json:"roots"`
	FromAfter  bool     `json:"from_after"`
}
