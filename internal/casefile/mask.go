package casefile

import (
	"strings"

	"wardround/internal/event"
	"wardround/internal/report"
)

// maskVerdicts takes passwords and what names a patient out of the sentences of verdicts: they quote command lines. What
// was masked stands in findings.jsonl alone.
func maskVerdicts(v *event.Verdicts) {
	mask := func(list ...*string) {
		for _, s := range list {
			*s = report.Mask(*s)
		}
	}
	for i := range v.Answers {
		mask(&v.Answers[i].Says)
	}
	for i := range v.DoNext {
		mask(&v.DoNext[i].Why)
	}
	for i := range v.Servers {
		s := &v.Servers[i]
		for k := range s.Because {
			mask(&s.Because[k].Says)
		}
		for k := range s.Against {
			mask(&s.Against[k].Says, &s.Against[k].Why)
		}
		for k := range s.WouldChangeIt {
			mask(&s.WouldChangeIt[k])
		}
		for k := range s.Conflicts {
			mask(&s.Conflicts[k])
		}
	}
}

// maskStory does the same for the story.
func maskStory(s *event.Story) {
	for i := range s.Accounts {
		s.Accounts[i].Says = report.Mask(s.Accounts[i].Says)
	}
	for i := range s.Timeline {
		s.Timeline[i].Says = report.Mask(s.Timeline[i].Says)
	}
}

// masked is a finding as the report's stream keeps it: what it is made of may lie in a buffer that is used again.
func masked(f *event.Finding) *event.Finding {
	out := *f
	out.Server = event.ServerID(strings.Clone(string(f.Server)))
	out.Fields = make(map[string]string, len(f.Fields))
	for name, value := range f.Fields {
		out.Fields[strings.Clone(name)] = strings.Clone(report.MaskField(name, value))
	}
	return &out
}
