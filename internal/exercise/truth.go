package exercise

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"wardround/internal/event"
)

// serverTruth is what really happened to a server, and so what ought to be said of it on the evidence that there is.
type serverTruth struct {
	verdict event.Judgement
	flags   []string
	first   event.Time // access of the intruder
	from    *arrival
	decoy   string
	damage  *damageTruth

	patients *patientTruth
}

// damageTruth is what was really done to a server's files.
type damageTruth struct {
	From   event.Time `json:"from"`   // the first was written
	To     event.Time `json:"to"`     // the last was, at the latest
	How    string     `json:"how"`    // local or smb
	Source *string    `json:"source"` // the server that wrote from afar
	Files  int        `json:"files"`  // damaged ones among what was collected
}

// wrote notes when files of a server were damaged, and from where: nil for a process of its own.
func (s *server) wrote(from, to event.Time, files int, source *server) {
	t := s.truth.damage
	if t == nil {
		t = &damageTruth{From: from, To: to, How: "local"}
		s.truth.damage = t
	}
	t.From, t.To, t.Files = min(t.From, from), max(t.To, to), t.Files+files
	if source != nil {
		t.How, t.Source = "smb", &source.name
	}
}

// arrival is how the intruder reached a server.
type arrival struct {
	Server  *string `json:"server"`
	Account *string `json:"account"`
	Address *string `json:"address"`
	Way     string  `json:"way"`
}

// hop is one movement of the intruder.
type hop struct {
	From string     `json:"from"`
	To   string     `json:"to"`
	Time event.Time `json:"time"`
	How  string     `json:"how"`
	// Named is how the log of the way names the source, where it holds no address of it.
	Named string `json:"named,omitempty"`
}

type truth struct {
	hops    []hop
	first   *server
	origins []string
	people  int // patients of whom files of the collections tell
}

// origin notes an address from which the intruder came.
func (e *estate) origin(address string) {
	if !slices.Contains(e.truth.origins, address) {
		e.truth.origins = append(e.truth.origins, address)
	}
}

// reached notes that the intruder came to a server; the first time counts.
func (e *estate) reached(to *server, at event.Time, from host, server *server, who, way string) {
	a := &arrival{Way: way}
	if who != "" {
		a.Account = &who
	}
	a.Address = &from.address
	name := from.address
	if server != nil {
		a.Server = &server.name
		name = server.name
	} else if strings.HasPrefix(from.address, "198.18.") {
		e.origin(from.address)
	}
	e.truth.hops = append(e.truth.hops, hop{From: name, To: to.name, Time: at, How: way})
	if to.truth.from == nil {
		to.truth.from, to.truth.first, to.truth.verdict = a, at, event.Infiltrated
	}
	if e.truth.first == nil {
		e.truth.first = to
	}
}

// truthJSON is truth.json.
func (e *estate) truthJSON() ([]byte, error) {
	type entry struct {
		Server  string          `json:"server"`
		Listed  bool            `json:"listed"`
		Verdict event.Judgement `json:"verdict"`
		Flags   []string        `json:"flags"`
		First   *event.Time     `json:"first_access"`
		From    *arrival        `json:"from"`
		Decoy   *string         `json:"decoy"`
		Damage  *damageTruth    `json:"damage"`

		Patients *patientTruth `json:"patients"`
	}
	out := struct {
		Exercise    string         `json:"exercise"`
		Scenario    string         `json:"scenario"`
		Seed        uint64         `json:"seed"`
		Window      map[string]any `json:"window"`
		Servers     []entry        `json:"servers"`
		Noise       string         `json:"noise"`
		Techniques  []string       `json:"techniques"`
		PatientZero *string        `json:"patient_zero"`
		Hops        []hop          `json:"hops"`
		Clock       map[string]int `json:"clock_offset_s"`
		Origin      []string       `json:"origin"`
		People      int            `json:"people"`
	}{Exercise: event.ExerciseMark, Scenario: e.story.Name, People: e.truth.people, Seed: e.options.Seed, Noise: e.options.Noise, Techniques: append([]string{}, e.story.Techniques...), Window: map[string]any{"from": e.from, "to": e.to},
		Hops: append([]hop{}, e.truth.hops...), Clock: map[string]int{}, Origin: append([]string{}, e.truth.origins...)}
	if e.truth.first != nil {
		out.PatientZero = &e.truth.first.name
	}
	for _, s := range e.servers {
		t := &s.truth
		x := entry{Server: s.name, Listed: !s.unlisted, Verdict: t.verdict, Flags: append([]string{}, t.flags...), From: t.from, Damage: t.damage, Patients: t.patients}
		if t.first != 0 {
			x.First = &t.first
		}
		if t.decoy != "" {
			x.Decoy = &t.decoy
		}
		if s.clock != 0 {
			out.Clock[s.name] = int(s.clock.Seconds())
		}
		out.Servers = append(out.Servers, x)
	}
	slices.SortFunc(out.Servers, func(a, b entry) int { return strings.Compare(a.Server, b.Server) })
	b, err := json.MarshalIndent(out, "", " ")
	return append(b, '\n'), err
}

// change is a row of approved work.
type change struct {
	from, to                       event.Time
	account, source, targets, tool string
	ticket                         string
}

// network is a row of the address database of the exercise.
type network struct{ from, to, country, asn, holder string }

// inventoryCSV lists the servers that the hospital knows of.
func (e *estate) inventoryCSV() ([]byte, error) {
	rows := [][]string{{"name", "kind", "role", "os", "addresses", "location", "notes"}}
	for _, s := range e.servers {
		if !s.unlisted {
			rows = append(rows, []string{s.name, s.kind, s.role, s.os, s.address, s.location, s.notes})
		}
	}
	return table(rows)
}

func (e *estate) changesCSV() ([]byte, error) {
	const form = "2006-01-02 15:04"
	rows := [][]string{{"from", "to", "account", "source", "targets", "tool", "ticket"}}
	for _, c := range e.changes {
		rows = append(rows, []string{c.from.Std().In(ist).Format(form) + " IST", c.to.Std().In(ist).Format(form) + " IST", c.account, c.source, c.targets, c.tool, c.ticket})
	}
	return table(rows)
}

func (e *estate) addressesCSV() ([]byte, error) {
	rows := [][]string{{"from", "to", "country", "asn", "holder", "date"}}
	for _, n := range e.networks {
		rows = append(rows, []string{n.from, n.to, n.country, n.asn, n.holder, "2022-11-01"})
	}
	return table(rows)
}

func table(rows [][]string) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return b.Bytes(), nil
}
