package sigma

import (
	"net/netip"
	"time"
)

// Rule is one Sigma document: a detection, a correlation or, as long as Load has not joined it to others, a filter. Of
// Detection and Correlation exactly one is set.
type Rule struct {
	ID          string
	Name        string // how correlations refer to it; often empty
	Title       string
	Status      string
	Level       string // informational, low, medium, high, critical; "" if the rule states none
	Description string
	Author      string
	License     string
	Date        string
	Modified    string
	Tags        []string
	References  []string
	Related     []Related
	Scope       []string // kinds of machines that it is meant for; often empty
	FalsePos    []string
	Fields      []string // fields that the author wants shown with a hit
	LogSource   LogSource
	Detection   *Detection
	Correlation *Correlation
	Filter      *Filter        // with Detection; never in what Load returns
	Custom      map[string]any // keys that the specification does not know

	Path   string // file, with #n behind it for the nth document of a file that holds several
	Origin string // last part of the --rules path, or "wardround"
}

// Related is another rule and how it is related: derived, obsolete, merged, renamed, similar.
type Related struct{ ID, Type string }

// Filter says to what rules the condition beside it is to be joined. A filter is for detections whose log source has
// all attributes that its own states.
type Filter struct {
	Rules []string // ids or names; empty means all
}

// LogSource selects the logs that a detection reads. Empty means any.
type LogSource struct {
	Product    string
	Category   string
	Service    string
	Definition string
}

// Detection is the condition of a rule with every identifier replaced by what it stands for. Several conditions of
// a rule are joined by Or, and filters to it by And. Parts that a condition names twice, or that filters bring to
// several rules, are shared: a tree never changes.
type Detection struct {
	Condition Expr
}

// Expr is a node of a condition: And, Or, Not or *Leaf.
type Expr interface {
	expr()
	String() string
}

// And holds when all of its parts do; an empty one always holds.
type And []Expr

// Or holds when one of its parts does; an empty one never holds.
type Or []Expr

// Not holds when its part does not.
type Not struct{ Of Expr }

func (And) expr()   {}
func (Or) expr()    {}
func (Not) expr()   {}
func (*Leaf) expr() {}

// Op is what a Leaf asks of its field.
type Op uint8

// The questions. A field that the record lacks answers no to all of them but IsNull and Exists with Want false;
// of a field with several values one suffices (every question but Exists is asked of each).
const (
	Like         Op = iota // Pattern matches the whole value; contains, startswith and endswith are wildcards in it
	Matches                // Regexp is found in the value
	InNetwork              // the value is an address inside Network
	Less                   // the value is a number < Number
	LessEqual              // ≤
	Greater                // >
	GreaterEqual           // ≥
	IsNull                 // the field is absent, null or empty
	Exists                 // the field is present (Want) or absent (not Want), whatever its value
	SameAs                 // the value equals, begins or ends with, or contains the field Ref (see Shape)
	TimeIs                 // the part Part of the time that the value spells, in UTC, equals Number
	Expand                 // a placeholder that no placeholder file resolved: the rule cannot be compiled
)

// Shape is how SameAs compares.
type Shape uint8

// The shapes of a comparison with another field.
const (
	Whole Shape = iota
	Prefix
	Suffix
	Infix
)

// TimePart is the part of a time that TimeIs compares.
type TimePart uint8

// The parts of a time that the specification's modifiers name.
const (
	Minute TimePart = iota
	Hour
	Day  // of the month
	Week // ISO 8601
	Month
	Year
)

// Leaf is one question about one field. Lists of values, and the modifiers all, windash, base64, base64offset, wide,
// utf16, utf16be, utf16le and expand, are spelled out by the parser into several leaves under And, Or and Not, so that
// a Leaf has one value.
type Leaf struct {
	Field   string // "" asks every value of the record: a keyword
	Pattern Pattern
	Regexp  string // in the dialect of Go's regexp, flags i, m, s applied as a (?ims) prefix
	Network netip.Prefix
	Number  float64
	Ref     string
	Holder  string // Expand: the placeholder's name
	Op      Op
	Cased   bool // Like and SameAs: upper and lower case differ
	Want    bool
	Shape   Shape
	Part    TimePart
}

// Pattern is a text with wildcards, in order. Text parts are never empty and never adjacent; Many parts are never adjacent.
type Pattern []Part

// Part is a piece of a pattern: a text, "*" (Many) or "?" (One).
type Part struct {
	Wild Wild
	Text string
}

// Wild is the kind of a Part.
type Wild uint8

// The kinds of a Part.
const (
	None Wild = iota // the text itself
	Many             // any run of characters, empty included
	One              // any one character
)

// Correlation is the condition of a correlation rule.
type Correlation struct {
	Type      string   // event_count, value_count, temporal, temporal_ordered, value_sum, value_avg, value_percentile, value_median
	Rules     []string // ids or names of the rules it correlates, correlations included
	GroupBy   []string // fields, or aliases
	Timespan  time.Duration
	Aliases   map[string]map[string]string // alias → rule id or name → field
	Condition CorrelationCondition
	Generate  bool // also report the hits of the rules it correlates
}

// CorrelationCondition is the threshold of a correlation. The bounds that are set must all hold.
type CorrelationCondition struct {
	Fields     []string // value_count and the numeric kinds
	GT, GTE    *float64
	LT, LTE    *float64
	EQ, NEQ    *float64
	Percentile float64 // value_percentile; 0 if the rule states none: the bounds are then on the value's share, in percent
	// Expr is the boolean form that temporal kinds may have instead of naming all rules; leaves are rule references.
	Expr *RuleExpr
}

// RuleExpr is a condition over the rules of a temporal correlation.
type RuleExpr struct {
	Op   string // and, or, not, ref
	Of   []*RuleExpr
	Rule string
}
