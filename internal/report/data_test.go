package report

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"wardround/internal/event"
)

// dataStream is what was done to the data of servers, each with so many folders.
func dataStream(servers, folders int) []*Message {
	v := &event.Verdicts{}
	stream := []*Message{{Case: &Case{Zone: "IST"}}, {Verdicts: v}}
	people := uint64(1204)
	for i := range servers {
		id := event.ServerID(fmt.Sprintf("DB%d", i+1))
		v.Servers = append(v.Servers, event.Verdict{Server: id, Verdict: event.Infiltrated, Examined: event.Enough, Flags: []string{"encrypted", "patient data"}})
		h := &event.Harm{Server: id, Files: int64(10 * folders), Bytes: 1 << 30, How: "local", Says: "written on the server itself; by which process is not known", Because: []string{}}
		h.States = []event.HarmCount{{State: "encrypted", Confidence: "proven", Files: 7}, {State: "encrypted", Confidence: "plausible", Files: 2}, {State: "intact", Confidence: "plausible", Files: 90}}
		h.Families = []event.HarmFamily{{Family: "CatB", How: "what a note says", Files: 3}}
		h.Parts = 2
		h.Burst = &event.Burst{From: ist(23, 1, 44, 42), To: ist(23, 1, 52, 1), Files: 9, Outside: 1, By: "times of the files, which whoever writes can set"}
		for k := range folders {
			for n, state := range []string{"encrypted", "partly-encrypted", "intact"} {
				h.Folders = append(h.Folders, event.HarmFolder{Path: fmt.Sprintf("D:/data/ward %d/%s", k, strings.Repeat("x", k%40)), State: state, Files: 3, Bytes: int64((k*7919+n*104729)%100000 + 1)})
			}
		}
		stream = append(stream, &Message{Harm: h}, &Message{Held: &event.Held{Server: id, Files: 4, LookedAt: 90, People: &people, Exact: i%2 == 0, Error: 0.008, Kinds: []string{"aadhaar", "diagnosis"}, Confidence: "high", NotKnown: 1, Hurt: 2}})
	}
	return append(stream, &Message{People: &People{People: &people, Exact: true}})
}

// TestData: each server's row says when, by whom, how sure; and whose data was there.
func TestData(t *testing.T) {
	page := renderString(t, HTML, dataStream(2, 3))
	for _, want := range []string{
		"What was done to the data", "9 encrypted", "7 proven, 2 plausible", "23 Nov 2022 01:44:42 IST", "on the server itself", "by which process is not known", "CatB, by what a note says: 3 files",
		"2 files in part", "1 file at other times", "Whose data was there", "1,204 people", "about 1,204 people (estimate, standard error 0.8 %)", "aadhaar, diagnosis", "of 1 file the number of people is not known", "2 of them damaged",
		"patient data: 1,204 people; aadhaar, diagnosis",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if again := renderString(t, HTML, dataStream(2, 3)); again != page {
		t.Error("the same messages give other bytes")
	}
	empty := renderString(t, HTML, dataStream(0, 0))
	if !strings.Contains(empty, "No file was looked at") || strings.Contains(empty, "<svg viewBox=\"0 0 960") {
		t.Error("nothing was looked at, and the page does not say so")
	}
}

var rectOf = regexp.MustCompile(`<g>(?:<title>[^<]*</title>)?<rect class="(d-[a-z]+)" x="([-.\d]+)" y="([-.\d]+)" width="([-.\d]+)" height="([-.\d]+)"/>(?:<text class="tt d-[a-z]+-t" x="([-.\d]+)" y="([-.\d]+)">([^<]*)</text>)?</g>`)

// TestTreemap: whatever is drawn, its parts do not overlap, fill the picture, stay few, and text stays in its part.
func TestTreemap(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {1, 100}, {6, 5}, {40, 40}, {300, 3}} {
		page := renderString(t, HTML, dataStream(size[0], size[1]))
		type box struct{ x, y, w, h float64 }
		var leaves []box
		area, all := 0.0, rectOf.FindAllStringSubmatch(page, -1)
		for _, m := range all {
			n := func(i int) float64 {
				f, err := strconv.ParseFloat(m[i], 64)
				if err != nil {
					t.Fatal(err)
				}
				return f
			}
			b := box{n(2), n(3), n(4), n(5)}
			if b.x < -.1 || b.y < -.1 || b.x+b.w > treeWidth+.2 || b.y+b.h > treeHeight+.2 {
				t.Errorf("%v: %v lies outside", size, b)
			}
			if m[8] != "" && (n(6) < b.x || n(6)+float64(len([]rune(m[8])))*6.5 > b.x+b.w+.2 || n(7) > b.y+b.h) {
				t.Errorf("%v: %q leaves %v", size, m[8], b)
			}
			if m[1] != "d-srv" {
				leaves, area = append(leaves, b), area+b.w*b.h
			}
		}
		if len(all) == 0 || len(all) > mostRects+min(size[0], 300)*4 || size[0] < 10 && area < .7*treeWidth*treeHeight {
			t.Errorf("%v: %d rectangles, an area of %.0f", size, len(all), area)
		}
		for i, a := range leaves {
			for _, b := range leaves[:i] {
				if a.x+.2 < b.x+b.w && b.x+.2 < a.x+a.w && a.y+.2 < b.y+b.h && b.y+.2 < a.y+a.h {
					t.Fatalf("%v: %v and %v overlap", size, a, b)
				}
			}
		}
		if len(page) > 5_000_000 {
			t.Errorf("%v: %d bytes", size, len(page))
		}
	}
}
