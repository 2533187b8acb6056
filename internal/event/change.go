package event

// Change is one row of the approved work that a hospital gives with --changes. A field that is empty was not given and
// agrees with everything; From and To are always given. Names are as the hospital wrote them.
type Change struct {
	Line    int      `json:"line"` // of the list, from 1: what a report cites
	From    Time     `json:"from"`
	To      Time     `json:"to"`
	Account string   `json:"account"` // name, DOMAIN\name or name@domain
	Source  string   `json:"source"`  // server or address that the work was done from
	Targets []string `json:"targets"` // servers or addresses; empty is every server
	Tool    string   `json:"tool"`    // file name or product
	Ticket  string   `json:"ticket"`
}
