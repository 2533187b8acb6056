package match

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"wardround/internal/event"
)

// TestPlansInOneRoom: a plan that is made where others were made before is the one that is made alone.
func TestPlansInOneRoom(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	fields := []string{"Image", "CommandLine", "ParentImage", "User", "EventID", "Provider_Name", "ServiceName"}
	first := "title: first\nlogsource: {product: windows}\ndetection: {s: {Image|contains: word8}, condition: s}\n"
	rules := first + "---\n"
	for i := range 300 {
		source := []string{"product: windows, service: security", "product: windows, category: process_creation", "product: windows", "product: linux"}[random.IntN(4)]
		rules += fmt.Sprintf("title: t%d\nlogsource: {%s}\ndetection:\n  a:\n", i, source)
		value := func() string {
			return []string{"", "|contains", "|startswith", "|endswith", "|re"}[random.IntN(5)] + fmt.Sprintf(": ['word%d', 'x%d', 'cmd.exe']\n", random.IntN(50), random.IntN(9))
		}
		names := slices.Clone(fields)
		for range 1 + random.IntN(3) {
			at := random.IntN(len(names))
			rules += "    " + names[at] + value()
			names = slices.Delete(names, at, at+1)
		}
		rules += "  b:\n    - " + fields[random.IntN(len(fields))] + value() + "    - EventID: [1, 4688]\n    - User: null\n    - Image|fieldref: ParentImage\n  k: [keyword, ab]\n"
		rules += "  condition: " + []string{"a and b", "a or k", "a and not b", "not a and k", "1 of them"}[random.IntN(5)] + "\n---\n"
	}
	p := programOf(t, rules+first)
	if len(p.Unused) > 0 {
		t.Fatal(p.Unused[0].Why)
	}
	busy := p.newPlanner()
	var made, alone []*Plan
	for range 400 {
		src := event.Source{Product: "windows", Channel: []string{"Security", "Microsoft-Windows-Sysmon/Operational", "System"}[random.IntN(3)], EventID: []uint32{1, 4688, 7045}[random.IntN(3)]}
		if random.IntN(4) == 0 {
			src = event.Source{Product: "linux", Channel: "auth"}
		}
		var list []event.Field
		for i, name := range fields {
			switch random.IntN(3) {
			case 0:
				list = append(list, event.Field{Name: name, Slot: i})
			case 1:
				list = append(list, event.Field{Name: name, Slot: -1, Const: event.Text("word7 cmd.exe")})
			}
		}
		s := event.NewSchema(src, list, len(fields))
		made, alone = append(made, busy.make(s)), append(alone, p.newPlanner().make(s))
	}
	questions := 0
	for i, want := range alone {
		if !reflect.DeepEqual(plain(made[i]), plain(want)) {
			t.Fatalf("plan %d differs", i)
		}
		if want != nil {
			questions += len(want.preds)
		}
	}
	if questions < 10_000 {
		t.Errorf("%d questions", questions)
	}
}

// plain drops from a plan what differs from plan to plan.
func plain(p *Plan) *Plan {
	if p != nil {
		for i := range p.columns {
			p.columns[i].id = 0
		}
		p.preds = append([]pred{}, p.preds...)
	}
	return p
}

// TestCandidates: the rules for a source, each by its first target that selects it, whichever sources were asked for before.
func TestCandidates(t *testing.T) {
	rules := ""
	for i, source := range []string{"product: windows, category: process_creation", "product: windows, service: security", "product: windows", "product: windows, category: dns_query", "product: linux, service: auth", "product: windows, category: antivirus"} {
		rules += fmt.Sprintf("title: t%d\nlogsource: {%s}\ndetection: {s: {one: two}, condition: s}\n---\n", i, source)
	}
	p := programOf(t, rules)
	p.compiled[1].targets = append(p.compiled[1].targets, security(processCreation, 4688), target{product: "windows"})
	found := 0
	for range 2 {
		for _, channel := range []string{"Security", "security", "Microsoft-Windows-Sysmon/Operational", "auth", "Microsoft-Windows-Windows Defender/Operational", "other"} {
			for _, id := range []uint32{0, 1, 22, 4688, 4689, 1116} {
				src := event.Source{Product: "windows", Channel: channel, EventID: id}
				if channel == "auth" {
					src = event.Source{Product: "linux", Channel: channel}
				}
				var want []candidate
				for i := range p.compiled {
					ts := p.compiled[i].targets
					if k := slices.IndexFunc(ts, func(x target) bool { return x.selects(src) }); k >= 0 {
						want = append(want, candidate{int32(i), int32(k), p.namingOf(ts[k].alias)})
					}
				}
				if got := p.candidatesOf(src); !slices.Equal(got, want) {
					t.Errorf("%v: %v, want %v", src, got, want)
				}
				found += len(want)
			}
		}
	}
	if found < 50 {
		t.Errorf("%d candidates", found)
	}
}
