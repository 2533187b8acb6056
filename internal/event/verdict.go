package event

// Judgement is one of the four verdicts.
type Judgement string

// The four verdicts, worst first. Inconclusive is never a lesser form of no evidence found.
const (
	Infiltrated  Judgement = "infiltrated"
	Suspected    Judgement = "suspected"
	NoEvidence   Judgement = "no evidence found"
	Inconclusive Judgement = "inconclusive"
)

// The values of Verdict.Examined.
const (
	NothingCollected = "nothing collected"
	Unreadable       = "unreadable"
	InPart           = "in part"
	Enough           = "enough"
)

// Since is when a server was infiltrated: an interval, because logs begin somewhere.
type Since struct {
	EarliestPossible Time   `json:"earliest_possible"`
	FirstProven      Time   `json:"first_proven"`
	BoundedBy        string `json:"bounded_by"` // gap, log start, answered
}

// Origin is from where a server was reached; unknown parts are null.
type Origin struct {
	Server  *string `json:"server"`
	Account *string `json:"account"`
	Address *string `json:"address"`
}

// Reason is one piece of evidence in a court's words, with the findings that carry it.
type Reason struct {
	Findings []string `json:"findings"`
	Class    Class    `json:"class"`
	Line     string   `json:"line"` // the line of the table of classes that it serves
	Time     Time     `json:"time"`
	Says     string   `json:"says"`
}

// Against is what was considered and set aside, with the reason.
type Against struct {
	Findings []string `json:"findings"`
	Says     string   `json:"says"`
	Why      string   `json:"why"`
}

// Question is how far one question of coverage is answered for the window.
type Question struct {
	Question string    `json:"question"`
	Must     bool      `json:"must"`
	Answered float64   `json:"answered"` // share of the window, 0 to 1
	By       []string  `json:"by"`
	Holes    [][2]Time `json:"holes"`
}

// Coverage is what could have been seen on a server.
type Coverage struct {
	Overall   float64    `json:"overall"` // by the questions' weights, 0 to 1
	Questions []Question `json:"questions"`
}

// Reconnect says whether a server may be joined to the network again.
type Reconnect struct {
	Allowed bool   `json:"allowed"`
	Because string `json:"because"`
}

// Verdict is what is said of one server.
type Verdict struct {
	Server        ServerID          `json:"server"`
	Aliases       []string          `json:"aliases"`
	Addresses     []string          `json:"addresses"`
	Kind          *string           `json:"kind"`
	Role          *string           `json:"role"`
	OS            *string           `json:"os"`
	Location      *string           `json:"location"`
	Extra         map[string]string `json:"extra"` // inventory columns that Wardround does not know
	Listed        bool              `json:"listed"`
	Examined      string            `json:"examined"`
	Verdict       Judgement         `json:"verdict"`
	Confidence    *string           `json:"confidence"` // high, moderate, low
	Since         *Since            `json:"since"`
	From          []Origin          `json:"from"`
	Flags         []string          `json:"flags"`
	Because       []Reason          `json:"because"`
	Against       []Against         `json:"against"`
	Coverage      Coverage          `json:"coverage"`
	WouldChangeIt []string          `json:"would_change_it"`
	Reconnect     Reconnect         `json:"reconnect"`
	Findings      map[string]int    `json:"findings"` // number of findings by class, shown or not
	Conflicts     []string          `json:"conflicts"`
}

// Window is the stretch of time that is judged.
type Window struct {
	From  Time   `json:"from"`
	To    Time   `json:"to"`
	Basis string `json:"basis"` // finding id, "given", or "evidence" when nothing set it
}

// Answer is one line of the first screen: a question that the minister asks, and how far it is answered.
type Answer struct {
	Question string   `json:"question"` // since when, where first, how far, from where
	State    string   `json:"state"`    // answered, partial, unknown
	Says     string   `json:"says"`
	Because  []string `json:"because"` // finding ids
}

// Step is one thing to do next: do what, to which servers, why.
type Step struct {
	Do      string     `json:"do"` // isolate, collect, do not touch
	Servers []ServerID `json:"servers"`
	Why     string     `json:"why"`
}

// Hour is how much of the estate could be seen in one hour.
type Hour struct {
	From     Time    `json:"from"`
	Seen     float64 `json:"seen"`     // share of servers whose must-have questions are answered
	Critical bool    `json:"critical"` // the estate has a piece of class A or B within an hour of it
}

// Verdicts is verdicts.json: the whole estate, judged.
type Verdicts struct {
	Window       Window            `json:"window"`
	Counts       map[Judgement]int `json:"counts"`
	Listed       int               `json:"listed"` // servers of the inventory; 0 without one, and then Counts is over all
	NotCollected int               `json:"not_collected"`
	Unlisted     int               `json:"unlisted"` // servers in the evidence that the inventory lacks
	Answers      []Answer          `json:"answers"`
	DoNext       []Step            `json:"do_next"`
	NotKnown     []string          `json:"not_known"`
	SeenByHour   []Hour            `json:"seen_by_hour"`
	Servers      []Verdict         `json:"servers"`
}
