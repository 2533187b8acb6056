package evidence

import (
	"slices"
	"strings"

	"wardround/internal/event"
)

// The bounds of what one artifact may add to the plans of rules: an attacker may invent fields and events at will.
const (
	maxWinSchemas = 8192
	maxWinFields  = 1024 // of one event
	spareData     = 16

	maxWinFieldsInAll = 1 << 19
)

// winSchemas makes the schemas of Windows events whose fields are known by name only: JSON and XML. Events of one source
// with the same set of fields share a schema, whatever the order in which they write them.
type winSchemas struct {
	byForm map[string]*event.Schema
	fields int                            // of all of them
	wide   map[event.Source]*event.Schema // past the bounds: one per source
	lost   bool                           // a value had no place in a wide schema
}

func newWinSchemas() *winSchemas {
	return &winSchemas{byForm: map[string]*event.Schema{}, wide: map[event.Source]*event.Schema{}}
}

// schema returns the schema for events of src with the fields named, and the slot of each; -1 where there is none.
func (w *winSchemas) schema(src event.Source, names []string) (*event.Schema, []int32) {
	order := make([]int32, len(names))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return strings.Compare(names[a], names[b]) })
	slots := make([]int32, len(names))
	sorted := make([]string, len(names))
	for slot, i := range order {
		slots[i], sorted[slot] = int32(slot), names[i]
	}
	form := src.Product + "\n" + src.Channel + "\n" + src.Provider + "\n" + string(rune(src.EventID)) + "\n" + strings.Join(sorted, "\n")
	s, ok := w.byForm[form]
	if !ok && (len(w.byForm) >= maxWinSchemas || w.fields >= maxWinFieldsInAll) {
		return w.wideSchema(src, names)
	}
	if !ok {
		w.fields += len(sorted)
		s = winSchema(src, sorted)
		w.byForm[form] = s
	}
	return s, slots
}

// wideSchema is what later events of a source share when an artifact holds too many kinds: the fields of the first
// of them by name, others as Data, so that a keyword still finds them.
func (w *winSchemas) wideSchema(src event.Source, names []string) (*event.Schema, []int32) {
	s, ok := w.wide[src]
	if !ok && len(w.wide) >= maxWinSchemas {
		src = event.Source{Product: src.Product}
		s, ok = w.wide[src]
	}
	if !ok {
		all := slices.Clone(names[:min(len(names), 64)])
		for range spareData {
			all = append(all, "Data")
		}
		s = winSchema(src, all)
		w.wide[src] = s
	}
	taken := make([]bool, s.Slots)
	slots := make([]int32, len(names))
	for i, n := range names {
		slots[i] = -1
		for _, f := range append(slices.Clone(s.Lookup(n)), s.Lookup("Data")...) {
			if slot := s.Fields[f].Slot; !taken[slot] {
				taken[slot] = true
				slots[i] = int32(slot)
				break
			}
		}
		w.lost = w.lost || slots[i] < 0
	}
	return s, slots
}

// winSchema makes a schema whose slots are the names, in order. It lends names to values that an exporter keeps under
// another: the strings of a classic event that stand in its message only (Data), numbered instead of unnamed strings,
// and the process of the filtering platform, which NXLog writes as ProcessId.
func winSchema(src event.Source, names []string) *event.Schema {
	fields := make([]event.Field, len(names))
	for i, n := range names {
		fields[i] = event.Field{Name: n, Slot: i}
	}
	lend := func(name string, from func(string) bool) bool {
		lent := slices.Contains(names, name)
		for i, n := range names {
			if !slices.Contains(names, name) && from(n) {
				fields = append(fields, event.Field{Name: name, Slot: i})
				lent = true
			}
		}
		return lent
	}
	if src.Channel == "Windows PowerShell" || src.Channel == "Application" {
		_ = lend("Data", func(n string) bool { return len(n) == 6 && strings.HasPrefix(n, "param") && isDigit(n[5]) }) ||
			lend("Data", func(n string) bool { return n == "Message" })
	}
	if filtering(src) {
		lend("ProcessID", func(n string) bool { return n == "ProcessId" })
	}
	return event.NewSchema(src, fields, len(names))
}

// filtering reports whether events of src are of the filtering platform, which names and writes processes in its own way.
func filtering(src event.Source) bool {
	return src.Channel == "Security" && (src.EventID == 5031 || 5150 <= src.EventID && src.EventID <= 5159)
}
