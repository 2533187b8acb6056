package event

// Story is spread.json: how the intruder came, went on, and from where it was steered, as far as evidence shows. Times
// are corrected by Clocks where a server's clock is known to be off.
type Story struct {
	Nodes       []Node      `json:"nodes"`
	Edges       []Edge      `json:"edges"` // by time; Step numbers them
	PatientZero PatientZero `json:"patient_zero"`
	Unexplained []Arrival   `json:"unexplained"` // servers that the intruder reached in a way that no log shows
	Accounts    []Taken     `json:"accounts"`
	Origin      []Rung      `json:"origin"`
	Clocks      []Clock     `json:"clocks"` // of all servers whose offset could be estimated, by name
	Timeline    []Moment    `json:"timeline"`
}

// The values of Node.Kind.
const (
	NodeServer  = "server"
	NodeAccount = "account"
	NodeAddress = "address"
)

// Node is one thing that movements join.
type Node struct {
	ID   string `json:"id"` // a server's name, an account as DOMAIN\name, or an address
	Kind string `json:"kind"`
}

// The values of Edge.SeenFrom.
const (
	BothEnds        = "both ends"
	FromDestination = "destination"
	FromSource      = "source"
	FromController  = "domain controller" // neither end's log tells of it: the one that was asked for leave does
)

// Edge is one movement of the intruder, with all its evidence from either end.
type Edge struct {
	Step       int      `json:"step"` // 1 is the first
	From       *string  `json:"from"` // node id of a server or address; null: not known
	To         ServerID `json:"to"`
	Time       Time     `json:"time"`
	Last       Time     `json:"last"`  // of the last of Count like it; Time when it is one
	Count      int      `json:"count"` // movements that are told as one: same ends, way and account within an hour
	How        string   `json:"how"`   // rdp, remote service, ssh …
	Account    *string  `json:"account"`
	Address    *string  `json:"address"`
	SeenFrom   string   `json:"seen_from"`
	Entry      bool     `json:"entry"`      // it brought the intruder to To: the way of the path
	Confidence string   `json:"confidence"` // high, moderate, low
	Because    []string `json:"because"`    // finding ids, or places: collection, path and record
	At         []Place  `json:"at"`
}

// PatientZero is the server that the intruder reached first; null with the reason in Says where evidence does not tell.
type PatientZero struct {
	Server     *ServerID `json:"server"`
	Confidence *string   `json:"confidence"`
	Says       string    `json:"says"`
	Because    []string  `json:"because"`
	Rivals     []Rival   `json:"rivals"` // the likeliest first
}

// Rival is another server that may have been first.
type Rival struct {
	Server ServerID `json:"server"`
	WhyNot string   `json:"why_not"`
}

// Arrival is a server whose way of infiltration is open, and what would show it.
type Arrival struct {
	Server ServerID `json:"server"`
	Why    string   `json:"why"`
}

// Taken is an account in the intruder's hands.
type Taken struct {
	Account string     `json:"account"`
	Since   Time       `json:"since"` // first proven
	Says    string     `json:"says"`  // how that is known
	Servers []ServerID `json:"servers"`
	Because []string   `json:"because"`
}

// The rungs of the origin ladder, from what was seen to what others claim.
const (
	RungIndicator = "indicator"
	RungAddress   = "address"
	RungNetwork   = "network"
	RungHolder    = "holder"
	RungCountry   = "country"
	RungRelay     = "relay" // hosting, VPN, Tor
	RungTooling   = "tooling"
	RungClaim     = "claim"
)

// Rung is one step of the ladder from an indicator to who steered it. A rung that evidence does not reach has no value
// and says what to ask of whom.
type Rung struct {
	Rung         string   `json:"rung"`
	Value        *string  `json:"value"`
	Of           *string  `json:"of"` // the address or indicator that this rung climbs from
	Confidence   string   `json:"confidence"`
	Says         string   `json:"says"`
	Alternatives []string `json:"alternatives"`
	Source       *string  `json:"source"` // the database's name and date, or who claims it
	Ask          []string `json:"ask"`    // which records to ask from whom
	Because      []string `json:"because"`
}

// Clock is how far a server's clock was ahead of the estate's (behind: negative), estimated from events that two servers
// recorded both.
type Clock struct {
	Server        ServerID   `json:"server"`
	OffsetSeconds float64    `json:"offset_s"`
	SpreadSeconds float64    `json:"spread_s"` // half of the middle half of its estimates
	Pairs         int        `json:"pairs"`
	Against       []ServerID `json:"against"`
	Corrected     bool       `json:"corrected"` // it is large and sure enough that times were corrected by it
}

// Moment is one cited act on the estate's timeline.
type Moment struct {
	Time     Time     `json:"time"`     // corrected
	Recorded Time     `json:"recorded"` // as the log has it
	Server   ServerID `json:"server"`
	Account  *string  `json:"account"`
	Tactic   *string  `json:"tactic"` // ATT&CK, in its own words: credential access
	Class    Class    `json:"class"`
	Says     string   `json:"says"`
	Because  []string `json:"because"`
}

// Narrative is the written account of a case: plain sentences, each with what carries it.
type Narrative struct {
	Title    string    `json:"title"`
	Sections []Section `json:"sections"`
}

// Section is one heading of the written account.
type Section struct {
	Heading   string     `json:"heading"`
	Sentences []Sentence `json:"sentences"`
}

// Sentence is one statement, with the finding ids, server names or places that carry it.
type Sentence struct {
	Says    string   `json:"says"`
	Because []string `json:"because"`
}
