package policy

import (
	"strings"
	"testing"

	"wardround/internal/event"
)

func TestBuiltinPolicyHolds(t *testing.T) {
	p, err := Parse(Text())
	if err != nil {
		t.Fatal(err)
	}
	if l := p.Line("remote service"); l == nil || l.Class != event.B || l.SameKind == "" {
		t.Errorf("remote service is %+v", l)
	}
	if p.LineOf("unknown", "nowhere") != Context || p.LineOf("x", "web shell") != "web shell" {
		t.Error("rules without a line are context")
	}
	if len(p.Role("pacs").Must) == 0 {
		t.Error("a role without an entry has the default's questions")
	}
}

func TestWrongPolicyIsNamed(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"version: 1", "version: 7", "version 7"},
		{"link_window: 6h", "link_window: 0s", "link_window"},
		{"rare_share: 0.1", "rare_share: 10", "rare_share"},
		{"context_level: medium", "context_level: loud", "loud"},
		{"lifts:\n", "lifts:\n  - {rule: x, line: nope}\n", "nope"},
		{"stage: foothold", "stage: footloose", "footloose"},
		{"thresholds:", "thresholdz:", "thresholdz"},
		{"must: [logon, process start, cleared log]", "must: [breakfast]", "breakfast"},
	} {
		text := strings.Replace(string(Text()), c.from, c.to, 1)
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.to, err)
		}
	}
	if _, err := Parse(nil); err == nil {
		t.Error("an empty policy is none")
	}
}
