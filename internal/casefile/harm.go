package casefile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"wardround/internal/damage"
	"wardround/internal/event"
	"wardround/internal/patient"
	"wardround/internal/report"
	"wardround/internal/verdict"
)

// dataFile holds what was done to the data of each server, and whose data it was: docs/format/case.md.
const dataFile = "data.json"

// caseData is data.json.
type caseData struct {
	Harm   []event.Harm `json:"damage"`   // by server
	Held   []event.Held `json:"patients"` // by server
	People *uint64      `json:"people"`   // distinct over the estate; null where no file tells
	Exact  bool         `json:"exact"`
	Beyond int64        `json:"beyond"` // damaged files that damage.jsonl does not list, for want of room
	More   int64        `json:"more"`   // the same of files in patient.jsonl
}

// harmed is a line of damage.jsonl.
type harmed struct {
	*damage.File
	Collection *string `json:"collection"` // of the evidence; null for a tree that was scanned
	Root       *string `json:"root"`       // the tree that was scanned
}

// holding is a line of patient.jsonl.
type holding struct {
	Server *string `json:"server"`
	*patient.File
	Collection *string `json:"collection"`
	Root       *string `json:"root"`
}

// lookedAt is what was learned of the files of the evidence: what was done to them, and whose data they hold.
type lookedAt struct {
	harm    map[event.ServerID]*harmOf
	held    map[event.ServerID]*heldOf
	wrote   map[event.ServerID]*[2]*writing // here, from afar
	files   []harmed                        // not intact, at most mostMarked
	beyond  int64
	holding []holding
	more    int64           // files beyond those in holding
	scans   []scanned       // taken in
	all     *patient.People // over the estate; nil without any record
}

// writing is what events tell of files that were written with a second extension, in one way, on one server.
type writing struct {
	times                    *damage.Times
	process, account, source map[string]int // how often each was seen
	files                    int64
	here                     bool
}

// The rules' word for how their events were written, under wardround: writes.
const (
	writesHere = "here"
	writesAfar = "from afar"
)

// least is how many writes of a kind make a burst that is told of: a few have a second extension by right.
const least = 10

// look reads what was learned of each artifact's content.
func (m *merged) look() error {
	d := &m.data
	d.harm, d.held = map[event.ServerID]*harmOf{}, map[event.ServerID]*heldOf{}
	for i := range m.entries {
		e := &m.entries[i]
		if !e.at.known() {
			continue
		}
		t, err := m.reader.trailer(e.at)
		if err != nil {
			return err
		}
		if err := m.listedIn(e, t); err != nil {
			return err
		}
		if t.Damage == "" {
			continue
		}
		f := new(damage.File)
		if err := json.Unmarshal([]byte(t.Damage), f); err != nil {
			return errFrame
		}
		id := m.names.In(&e.artifact).Nameless
		if mark, ok := m.marks[i]; ok {
			mark.onto(f)
		}
		m.harmOf(id, f, &e.artifact.Collection, nil)
		if err := m.heldIn(id, e, t, f); err != nil {
			return err
		}
	}
	return nil
}

// listedIn takes what the names in a listing tell. Table, journal and listing of one server name the same files: the longest counts.
func (m *merged) listedIn(e *entry, t *trailer) error {
	if t.Listed == "" {
		return nil
	}
	var list []damage.Listed
	if err := json.Unmarshal([]byte(t.Listed), &list); err != nil {
		return errFrame
	}
	id, d := m.names.In(&e.artifact).Nameless, &m.data
	if d.harm[id] == nil {
		d.harm[id] = newHarmOf(id)
	}
	h := d.harm[id]
	for _, x := range list {
		n := event.HarmListed{Extension: x.Extension, Files: x.Files, From: x.From, To: x.To, Burst: x.Burst, Example: x.Example}
		for _, at := range []*event.Time{&n.From, &n.To} {
			if *at != event.NoTime {
				*at = m.clocks.correct(id, *at)
			}
		}
		switch i := slices.IndexFunc(h.Listed, func(y event.HarmListed) bool { return y.Extension == n.Extension }); {
		case i < 0:
			h.Listed = append(h.Listed, n)
		case h.Listed[i].Files < n.Files:
			h.Listed[i] = n
		}
	}
	slices.SortFunc(h.Listed, func(a, b event.HarmListed) int {
		return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Extension, b.Extension))
	})
	return nil
}

// harmOf counts a file of a server, and keeps it where it is not intact.
func (m *merged) harmOf(id event.ServerID, f *damage.File, collection, root *string) {
	d := &m.data
	name := string(id)
	f.Server = &name
	if f.Since != event.NoTime {
		f.Since = m.clocks.correct(id, f.Since)
	}
	if d.harm[id] == nil {
		d.harm[id] = newHarmOf(id)
	}
	d.harm[id].add(f)
	if f.State == damage.Intact {
		return
	}
	if f.Since == event.NoTime && f.State != damage.Unknown {
		f.Reasons = append(f.Reasons, "when it changed is not known: it was collected without its time")
	}
	if len(d.files) >= mostMarked {
		d.beyond++
		return
	}
	d.files = append(d.files, harmed{f, collection, root})
}

// writes notes an event that tells of a file written with a second extension.
func (m *merged) writes(f *finding) {
	way := m.written[f.rule]
	if way == "" || f.time == event.NoTime {
		return
	}
	id := event.ServerID(f.server)
	if m.data.wrote == nil {
		m.data.wrote = map[event.ServerID]*[2]*writing{}
	}
	pair := m.data.wrote[id]
	if pair == nil {
		pair = &[2]*writing{newWriting(true), newWriting(false)}
		m.data.wrote[id] = pair
	}
	w := pair[0]
	if way == writesAfar {
		w = pair[1]
	}
	w.files++
	w.times.Add(m.clocks.correct(id, f.time))
	fields := map[string]string{}
	for _, x := range m.values(f) {
		fields[strings.TrimPrefix(x.name, correlated)] = x.value
	}
	for _, c := range []struct {
		to    map[string]int
		names []string
	}{{w.process, processFields}, {w.account, accountFields}, {w.source, sourceFields}} {
		for _, n := range c.names {
			if v := fields[n]; v != "" && v != "-" && (c.to[v] > 0 || len(c.to) < 64) {
				c.to[v]++
				break
			}
		}
	}
}

func newWriting(here bool) *writing {
	return &writing{times: damage.NewTimes(), process: map[string]int{}, account: map[string]int{}, source: map[string]int{}, here: here}
}

// most is what was seen most often, nil for nothing.
func most(seen map[string]int) *string {
	var out *string
	for _, k := range slices.Sorted(maps.Keys(seen)) {
		if out == nil || seen[k] > seen[*out] {
			out = &k
		}
	}
	return out
}

// markOf is the mark that a reader found on a collected file.
type markOf struct{ mark, finding string }

// onto adds a mark to what a look told of the file. Where that saw nothing, the mark speaks: it rests on the name as well.
func (k markOf) onto(f *damage.File) {
	x := markStates[k.mark]
	if !f.State.Hurt() && f.State != damage.Note && f.State != damage.Renamed && x.state != "" {
		f.State, f.Confidence, f.Reasons = x.state, damage.Plausible, []string{x.says}
	}
	f.Reasons = append(f.Reasons, "finding "+k.finding)
}

// harmOf adds up the files of one server.
type harmOf struct {
	event.Harm
	states   map[[2]string]*event.HarmCount
	cells    map[[2]string]*event.HarmFolder
	families map[event.HarmFamily]int64
	times    *damage.Times
	proven   int64
	likely   int64
	example  string
}

func newHarmOf(id event.ServerID) *harmOf {
	h := &harmOf{states: map[[2]string]*event.HarmCount{}, cells: map[[2]string]*event.HarmFolder{}, families: map[event.HarmFamily]int64{}, times: damage.NewTimes()}
	h.Server, h.Roots, h.Listed = id, []string{}, []event.HarmListed{}
	return h
}

// mostCells bounds the folders of a server that are told apart; further ones are counted with the folder above.
const mostCells = 5000

func (h *harmOf) add(f *damage.File) {
	h.Files++
	h.Bytes += f.Bytes
	if f.Sampled {
		h.Sampled++
	}
	h.count(event.HarmCount{State: string(f.State), Confidence: string(f.Confidence), Files: 1, Bytes: f.Bytes})
	h.cell(event.HarmFolder{Path: path.Dir(f.Path), State: string(f.State), Files: 1, Bytes: f.Bytes})
	switch {
	case f.State.Hurt():
		switch f.Confidence {
		case damage.Proven:
			h.proven++
		case damage.Plausible:
			h.likely++
		}
		h.example = cmp.Or(h.example, f.Path)
		if f.State == damage.Deleted || f.Was != nil {
			h.Past++
		}
		if f.Recoverable != nil && f.State != damage.Deleted {
			h.Parts++
		}
	case f.State == damage.Renamed:
		h.Renamed++
	}
	if f.Family != nil {
		name, how, _ := strings.Cut(*f.Family, " (")
		if k := (event.HarmFamily{Family: name, How: strings.TrimSuffix(how, ")")}); h.families[k] > 0 || len(h.families) < 50 {
			h.families[k]++
		}
	}
	if f.Since != event.NoTime && f.State != damage.Intact && f.State != damage.Unknown {
		h.times.Add(f.Since)
	}
}

func (h *harmOf) count(c event.HarmCount) {
	k := [2]string{c.State, c.Confidence}
	if h.states[k] == nil {
		h.states[k] = &event.HarmCount{State: c.State, Confidence: c.Confidence}
	}
	h.states[k].Files += c.Files
	h.states[k].Bytes += c.Bytes
}

func (h *harmOf) cell(c event.HarmFolder) {
	k := [2]string{c.Path, c.State}
	for h.cells[k] == nil && len(h.cells) >= mostCells && k[0] != "" {
		if k[0] = path.Dir(k[0]); k[0] == "." || k[0] == "/" {
			k[0] = ""
		}
	}
	if h.cells[k] == nil {
		h.cells[k] = &event.HarmFolder{Path: k[0], State: k[1]}
	}
	h.cells[k].Files += c.Files
	h.cells[k].Bytes += c.Bytes
}

// include takes in what a scan of a tree told of the same server.
func (h *harmOf) include(x *event.Harm) {
	h.Files, h.Bytes, h.Sampled, h.Unsized = h.Files+x.Files, h.Bytes+x.Bytes, h.Sampled+x.Sampled, h.Unsized+x.Unsized
	h.Renamed, h.Parts, h.Past = h.Renamed+x.Renamed, h.Parts+x.Parts, h.Past+x.Past
	for _, c := range x.States {
		h.count(c)
		if event.HurtState(c.State) {
			switch damage.Confidence(c.Confidence) {
			case damage.Proven:
				h.proven += c.Files
			case damage.Plausible:
				h.likely += c.Files
			}
		}
	}
	for _, c := range x.Folders {
		h.cell(c)
		if event.HurtState(c.State) {
			h.example = cmp.Or(h.example, c.Path)
		}
	}
	for _, f := range x.Families {
		h.families[event.HarmFamily{Family: f.Family, How: f.How}] += f.Files
	}
	if b := x.Burst; b != nil {
		for i := range min(b.Files, 2000) { // its ends, and its weight between them
			at := b.From
			if i > 0 && b.Files > 1 {
				at = b.From.Add(b.To.Sub(b.From) / 2)
			}
			h.times.Add(at)
		}
		h.times.Add(b.To)
	}
	h.Roots = append(h.Roots, x.Roots...)
}

// mostFolders bounds the folders that are told of one server.
const mostFolders = 120

// finish puts in order what was added up.
func (h *harmOf) finish() event.Harm {
	out := h.Harm
	out.States = []event.HarmCount{}
	for _, k := range slices.SortedFunc(maps.Keys(h.states), func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) }) {
		out.States = append(out.States, *h.states[k])
	}
	out.Folders = []event.HarmFolder{}
	for _, c := range h.cells {
		out.Folders = append(out.Folders, *c)
	}
	slices.SortFunc(out.Folders, func(a, b event.HarmFolder) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Files, a.Files), cmp.Compare(a.Path, b.Path), cmp.Compare(a.State, b.State))
	})
	out.Folders = mergeFolders(out.Folders)
	out.Families = []event.HarmFamily{}
	for k, n := range h.families {
		k.Files = n
		out.Families = append(out.Families, k)
	}
	slices.SortFunc(out.Families, func(a, b event.HarmFamily) int {
		return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Family, b.Family), cmp.Compare(a.How, b.How))
	})
	out.Because = []string{}
	return out
}

// mergeFolders counts all but the largest folders as one for each state.
func mergeFolders(list []event.HarmFolder) []event.HarmFolder {
	if len(list) <= mostFolders {
		return list
	}
	rest := map[string]*event.HarmFolder{}
	for _, c := range list[mostFolders:] {
		if rest[c.State] == nil {
			rest[c.State] = &event.HarmFolder{State: c.State}
		}
		rest[c.State].Files += c.Files
		rest[c.State].Bytes += c.Bytes
	}
	list = list[:mostFolders:mostFolders]
	for _, s := range slices.Sorted(maps.Keys(rest)) {
		list = append(list, *rest[s])
	}
	return list
}

// tellData says of each server what was done to its data, by whom, and whose data it was.
func (m *merged) tellData(v *event.Verdicts, story *event.Story) (*caseData, error) {
	d := &m.data
	w := &writers{servers: v.Servers, findings: citedBy(v.Servers), story: *story, wrote: d.wrote}
	if len(w.findings) > 0 {
		cited := func(id string) bool {
			_, ok := w.findings[id]
			return ok
		}
		err := m.pick(cited, func(f *event.Finding) error {
			w.findings[f.ID] = f
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	w.resolve = func(name string) *string {
		if id, ok := m.names.Find(name, event.NoTime); ok {
			s := string(id)
			return &s
		}
		return nil
	}
	for i := range v.Servers {
		if s := &v.Servers[i]; d.harm[s.Server] == nil && (slices.Contains(s.Flags, "encrypted") || slices.Contains(s.Flags, "affected")) {
			d.harm[s.Server] = newHarmOf(s.Server)
		}
	}
	out := &caseData{Harm: []event.Harm{}, Held: []event.Held{}, Exact: true, Beyond: d.beyond, More: d.more}
	for _, id := range slices.Sorted(maps.Keys(d.harm)) {
		h := d.harm[id].finish()
		w.harm(&h, d.harm[id].times)
		out.Harm = append(out.Harm, h)
	}
	for i := range d.files {
		f := d.files[i].File
		if f.State.Hurt() || f.State == damage.Renamed || f.State == damage.Note {
			f.By = w.whoOn(*f.Server)
		}
	}
	if err := m.countPeople(); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(d.held)) {
		out.Held = append(out.Held, d.held[id].finish())
	}
	if d.all != nil {
		n, exact := d.all.Count()
		out.People, out.Exact = &n, exact
	}
	out.flag(v)
	return out, nil
}

// flag adds to the verdicts whose data is where, and what is not known of the data.
func (d *caseData) flag(v *event.Verdicts) {
	for i := range d.Held {
		if h := &d.Held[i]; h.Files > 0 {
			for k := range v.Servers {
				if s := &v.Servers[k]; s.Server == h.Server && !slices.Contains(s.Flags, "patient data") {
					s.Flags = append(s.Flags, "patient data")
					slices.Sort(s.Flags)
				}
			}
		}
	}
	when, who, hurt := 0, 0, 0
	for i := range d.Harm {
		h := &d.Harm[i]
		if h.Hurt() == 0 && h.WhyNoBurst == nil && h.Burst == nil {
			continue
		}
		hurt++
		if h.Burst == nil {
			when++
		}
		if h.Process == nil && h.How != "smb" {
			who++
		}
	}
	if when > 0 {
		v.NotKnown = append(v.NotKnown, fmt.Sprintf("when files were damaged not known on %d of %s", when, servers(hurt)))
	}
	if who > 0 {
		v.NotKnown = append(v.NotKnown, fmt.Sprintf("which process damaged files not known on %d of %s", who, servers(hurt)))
	}
	unread := 0
	for i := range d.Held {
		if d.Held[i].NotKnown > 0 {
			unread++
		}
	}
	if unread > 0 {
		v.NotKnown = append(v.NotKnown, fmt.Sprintf("of how many people data lies in files that are recognised and not parsed not known on %s", servers(unread)))
	}
}

func servers(n int) string {
	if n == 1 {
		return "1 server"
	}
	return fmt.Sprintf("%d servers", n)
}

// tell hands the data to a report.
func (d *caseData) tell(put func(report.Message)) {
	for i := range d.Harm {
		put(report.Message{Harm: &d.Harm[i]})
	}
	for i := range d.Held {
		put(report.Message{Held: &d.Held[i]})
	}
	put(report.Message{People: &report.People{People: d.People, Exact: d.Exact}})
}

// judge hands the judge what was done to files.
func (d *lookedAt) judge(j *verdict.Judge) {
	for _, id := range slices.Sorted(maps.Keys(d.harm)) {
		h := d.harm[id]
		x := verdict.Damage{Server: id, Proven: h.proven, Plausible: h.likely, LookedAt: h.Files, Example: h.example, First: event.NoTime}
		if b := h.times.Burst(); b != nil {
			x.First = b.First
		}
		if pair := d.wrote[id]; pair != nil && pair[0].files >= least {
			if p := most(pair[0].process); p != nil {
				x.Process, x.Written = *p, pair[0].files
			}
		}
		j.AddDamage(x)
	}
}

// harm says who wrote, and when.
func (w *writers) harm(h *event.Harm, times *damage.Times) {
	v := w.find(string(h.Server))
	if h.Hurt() == 0 && (v == nil || !slices.Contains(v.Flags, "encrypted") && !slices.Contains(v.Flags, "affected")) {
		h.How, h.Says = "not known", "no file that was looked at is damaged"
		return
	}
	by := w.whoOn(string(h.Server))
	h.How, h.Process, h.Account, h.Source, h.Says, h.Because = by.How, by.Process, by.Account, by.Source, by.Says, by.Because
	told := "times of the files, which whoever writes can set"
	b := times.Burst()
	if e := w.writing(h.Server, by.How); e != nil {
		if x := e.times.Burst(); x != nil && x.Files >= least {
			h.WrittenSeen = x.Files
			switch {
			case b == nil:
				b, told = x, "events that tell of writing"
			case x.First.Sub(b.Last) < quietBetween && b.First.Sub(x.Last) < quietBetween:
				b.First, b.Last, told = min(b.First, x.First), max(b.Last, x.Last), "events that tell of writing, and times of the files"
			}
		}
	}
	if b == nil && len(h.Listed) > 0 && h.Listed[0].From != event.NoTime {
		x := h.Listed[0]
		h.Burst = &event.Burst{From: x.From, To: x.To, Files: x.Burst, Outside: x.Files - x.Burst, By: fmt.Sprintf("the file system's own list: files to whose names %q was added", x.Extension)}
		return
	}
	if b != nil {
		h.Burst = &event.Burst{From: b.First, To: b.Last, Files: b.Files, Outside: b.Outside, By: told}
		return
	}
	why := "the files were collected without their times, and no source records who writes files (Sysmon 11, Security 4663, 5145, the file system's journal)"
	if h.Hurt() == 0 {
		why = "no damaged file was collected, and no source records who writes files (Sysmon 11, Security 4663, 5145, the file system's journal)"
	}
	h.WhyNoBurst = &why
	if v != nil {
		h.Course = courseOf(v)
	}
}

// whoOn says who wrote on a server that evidence names: of one without a verdict no log was read.
func (w *writers) whoOn(server string) *damage.By {
	if v := w.find(server); v != nil {
		return w.who(v)
	}
	return &damage.By{How: "not known", Says: fmt.Sprintf("not known: no log of %s was read", cmp.Or(server, "its server")), Because: []string{}}
}

// courseOf spans the acts of a server itself that belong to encryption; nil without any.
func courseOf(v *event.Verdict) *event.Burst {
	var c *event.Burst
	for i := range v.Because {
		switch r := &v.Because[i]; {
		case !slices.Contains(courseLines, r.Line) || r.Time == event.NoTime:
		case c == nil:
			c = &event.Burst{From: r.Time, To: r.Time, By: "copies and backups deleted, the intruder's program started"}
		default:
			c.From, c.To = min(c.From, r.Time), max(c.To, r.Time)
		}
	}
	return c
}

// quietBetween parts two bursts.
const quietBetween = 30 * 60 * 1e9

// writing is what events tell of the way in which a server's files were written; nil where they tell nothing of it.
func (w *writers) writing(id event.ServerID, how string) *writing {
	pair := w.wrote[id]
	switch {
	case pair == nil:
		return nil
	case how == "local":
		return pair[0]
	case how == "smb":
		return pair[1]
	}
	return nil
}

// writeData writes data.json and, line by line, what it adds up.
func (m *merged) writeData(d *caseData) error {
	dir := m.run.in.Case
	slices.SortStableFunc(m.data.files, compareHarmed)
	slices.SortStableFunc(m.data.holding, func(a, b holding) int {
		return cmp.Or(cmp.Compare(*a.Server, *b.Server), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Format, b.Format))
	})
	if err := writeLines(dir, damageFile, m.data.files, func(h harmed) bool { return h.Root != nil }); err != nil {
		return err
	}
	if err := writeLines(dir, patientFile, m.data.holding, func(h holding) bool { return h.Root != nil }); err != nil {
		return err
	}
	if m.data.scans != nil {
		if err := replaceJSON(filepath.Join(dir, scansFile), m.data.scans); err != nil {
			return err
		}
	}
	return replaceJSON(filepath.Join(dir, dataFile), d)
}

func compareHarmed(a, b harmed) int {
	return cmp.Or(cmp.Compare(*a.Server, *b.Server), cmp.Compare(a.Path, b.Path), cmp.Compare(a.State, b.State), cmp.Compare(a.Since, b.Since))
}

// writeLines replaces the lines of a file of the case, but for those that stay: they follow the new ones in the order in which they stood.
func writeLines[T any](dir, name string, list []T, stays func(T) bool) error {
	return replace(filepath.Join(dir, name), func(out io.Writer) error {
		for i := range list {
			b, err := encode(&list[i])
			if err == nil {
				_, err = out.Write(b)
			}
			if err != nil {
				return err
			}
		}
		return eachLine(filepath.Join(dir, name), func(line []byte) error {
			var x T
			if err := json.Unmarshal(line, &x); err != nil {
				return fmt.Errorf("read %q: %w", name, err)
			}
			if !stays(x) {
				return nil
			}
			_, err := out.Write(append(line, '\n'))
			return err
		})
	})
}
