// Package report shows a case to people. It takes one stream of messages and has one handler per form: HTML (the page
// report.html: one file, opens offline, prints), Text (the first screen of a terminal), CSV (a sheet of servers) and
// JSONL (the stream itself, for programs).
//
// The page says nothing of its own: every sentence about a server is a verdict's, and every verdict leads to the
// records that carry it. What was not seen is said before what was. Evidence is hostile: whatever comes from it is
// masked (Mask), spelled out where it would not be visible, and never becomes markup, an address, a formula or a
// terminal's command. The same messages give the same bytes.
//
// docs/format/messages.md is the form of the stream; docs/design/report.md says why the page is as it is.
package report

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"wardround/internal/event"
)

// Message is one line of the stream. Exactly one field is set. A stream begins with Case, then Verdicts; the others
// follow in any order.
type Message struct {
	Case     *Case           `json:"case,omitempty"`
	Verdicts *event.Verdicts `json:"verdicts,omitempty"`
	Story    *event.Story    `json:"story,omitempty"`
	Finding  *event.Finding  `json:"finding,omitempty"` // one that a verdict or an answer cites
	Hits     *Hits           `json:"hits,omitempty"`
	Movement *event.Movement `json:"movement,omitempty"`
	Evidence *Evidence       `json:"evidence,omitempty"`
	Artifact *event.Artifact `json:"artifact,omitempty"`
	Unused   *Unused         `json:"unused,omitempty"`
	Harm     *event.Harm     `json:"harm,omitempty"`
	Held     *event.Held     `json:"held,omitempty"`
	People   *People         `json:"people,omitempty"`
	Policy   *Policy         `json:"policy,omitempty"`
	Change   *Change         `json:"change,omitempty"`
}

// Case says which investigation this is and what it rests on.
type Case struct {
	Name     string  `json:"name"`
	Zone     string  `json:"zone"`     // for people: IST, Asia/Kolkata, UTC …
	State    string  `json:"state"`    // draft, reviewed, released; "" is draft
	Version  string  `json:"version"`  // of the program
	Exercise bool    `json:"exercise"` // nothing in it happened
	Inputs   []Input `json:"inputs"`
}

// Input is one thing that the case rests on: evidence, rules, inventory, policy, changes, addresses.
type Input struct {
	Name   string  `json:"name"`
	SHA256 *string `json:"sha256"` // null when it was not given
}

// Hits is how often one rule fired on one server, shown or not.
type Hits struct {
	Server   event.ServerID `json:"server"`
	Rule     event.Rule     `json:"rule"`
	Findings int            `json:"findings"`
}

// Evidence sums up what one collection holds of one server. Server is null where the server is not known.
type Evidence struct {
	Collection   string          `json:"collection"`
	Server       *event.ServerID `json:"server"`
	Artifacts    int             `json:"artifacts"`
	Bytes        int64           `json:"bytes"`
	Records      uint64          `json:"records"`
	Damaged      int             `json:"damaged"`       // stretches that could not be decoded
	DamagedBytes int64           `json:"damaged_bytes"` // as far as their lengths are known
	Missing      uint64          `json:"missing"`       // record numbers that whole original logs lack
	Unreadable   int             `json:"unreadable"`    // artifacts that could not be opened
	First        event.Time      `json:"first"`
	Last         event.Time      `json:"last"`
}

// Unused is a rule that did not run, and why.
type Unused struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Source string `json:"source"`
	Reason string `json:"reason"`
}

// People is how many people the data of the whole estate is about, each counted once.
type People struct {
	People *uint64 `json:"people"` // null where no file tells
	Exact  bool    `json:"exact"`
}

// Policy is the policy in force, as its file writes it.
type Policy struct {
	Text string `json:"text"`
}

// Change is one row of the approved work that the hospital gave.
type Change struct {
	Row     int        `json:"row"`
	From    event.Time `json:"from"`
	To      event.Time `json:"to"`
	Account string     `json:"account"`
	Source  string     `json:"source"`
	Targets []string   `json:"targets"`
	Tool    string     `json:"tool"`
	Ticket  string     `json:"ticket"`
}

// Handler renders a stream: Handle is called for each message in turn, then Close once.
type Handler interface {
	Handle(*Message) error
	Close() error
}

// Handlers hand a stream to several forms at once.
type Handlers []Handler

// Handle implements Handler.
func (hs Handlers) Handle(m *Message) error {
	for _, h := range hs {
		if err := h.Handle(m); err != nil {
			return err
		}
	}
	return nil
}

// Close implements Handler.
func (hs Handlers) Close() error {
	var errs []error
	for _, h := range hs {
		errs = append(errs, h.Close())
	}
	return errors.Join(errs...)
}

// ErrOrder is a stream that does not begin with Case and Verdicts, or repeats them.
var ErrOrder = errors.New("report: a stream begins with case, then verdicts, each once")

// Decode reads a stream as JSONL writes it and hands it to h, which it does not close.
func Decode(r io.Reader, h Handler) error {
	d := json.NewDecoder(bufio.NewReader(r))
	for n := 1; ; n++ {
		var m Message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read message %d: %w", n, err)
		}
		if err := h.Handle(&m); err != nil {
			return fmt.Errorf("render message %d: %w", n, err)
		}
	}
}
