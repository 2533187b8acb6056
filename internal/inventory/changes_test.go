package inventory

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestReadChanges(t *testing.T) {
	const head = "from,to,account,source,targets,tool,ticket\n"
	for _, c := range []struct{ name, in, changes, problems string }{
		{"as documented", head + "2022-11-22T22:00:00+05:30,2022-11-23T02:00:00+05:30,HOSP\\admin1,JUMP1,APP1;APP2,PsExec,CR-41\n",
			"2: 2022-11-22T16:30:00Z to 2022-11-22T20:30:00Z HOSP\\admin1 JUMP1 [APP1 APP2] PsExec CR-41\n", ""},
		{"any target, other order", "ticket;targets;tool;to;from;account;source\nCR-1;*;*;2022-11-23 02:00 IST;2022-11-22 22:00 IST;a;\n",
			"2: 2022-11-22T16:30:00Z to 2022-11-22T20:30:00Z a  []  CR-1\n", ""},
		{"zone of the case", head + "2022-11-22 22:00,22 Nov 2022 11:30 pm,a,,,,\n", "2: 2022-11-22T16:30:00Z to 2022-11-22T18:00:00Z a  []  \n", ""},
		{"whole days", head + "22-11-2022,22-11-2022,a,,,,\n", "2: 2022-11-21T18:30:00Z to 2022-11-22T18:29:59.999999999Z a  []  \n", ""},
		{"day before month", head + "05/11/2022 10:00 UTC,05/11/2022 11:00 UTC,a,,,,\n", "2: 2022-11-05T10:00:00Z to 2022-11-05T11:00:00Z a  []  \n",
			`line 2: column "from": "05/11/2022 10:00 UTC" is read with the day first
line 2: column "to": "05/11/2022 11:00 UTC" is read with the day first`},
		{"what explains too much", head + "2022-11-22,,a,,,,\n2022-11-23,2022-11-22,a,,,,\n2022-11-22,2022-11-23,,,APP1,,CR\n2022-11-22,2022-11-23,*,*,*,*,CR\n,2022-11-22,a,,,,\n", "",
			`line 2: column "to": "" is no time; write it like 2022-11-23 07:00 +05:30 (row left out)
line 3: column "to": the work ends before it begins; exchange the two times (row left out)
line 4: column "account": the row names no account, source or tool, so it would explain everything; give at least one of them (row left out)
line 5: column "account": the row names no account, source or tool, so it would explain everything; give at least one of them (row left out)
line 6: column "from": "" is no time; write it like 2022-11-23 07:00 +05:30 (row left out)`},
		{"bad times", head + "31-02-2022,2022-11-22,a,,,,\n2022-11-22 25:00,2022-11-22,a,,,,\n2022-11-22 07:00 +19:00,2022-11-22,a,,,,\nyesterday,2022-11-22,a,,,,\n0001-01-01,2022-11-22,a,,,,\n", "",
			`line 2: column "from": "31-02-2022" is no date; write it like 2022-11-23 07:00 +05:30 (row left out)
line 3: column "from": "2022-11-22 25:00" is no time of day; write it like 2022-11-23 07:00 +05:30 (row left out)
line 4: column "from": "2022-11-22 07:00 +19:00" has an offset that no zone has; write it like 2022-11-23 07:00 +05:30 (row left out)
line 5: column "from": "yesterday" is no date; write it like 2022-11-23 07:00 +05:30 (row left out)
line 6: column "from": the year is out of reach; write it like 2022-11-23 07:00 +05:30 (row left out)`},
		{"JSON", `{"changes":[{"from":"2022-11-22T16:30:00Z","to":"2022-11-22T20:30:00Z","tool":"WSUS","targets":["A","B"]}]}`,
			"1: 2022-11-22T16:30:00Z to 2022-11-22T20:30:00Z   [A B] WSUS \n", ""},
	} {
		changes, problems, err := ReadChanges(strings.NewReader(c.in), "changes", ist)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got, says strings.Builder
		for _, x := range changes {
			fmt.Fprintf(&got, "%d: %s to %s %s %s %v %s %s\n", x.Line, x.From, x.To, x.Account, x.Source, x.Targets, x.Tool, x.Ticket)
		}
		for _, p := range problems {
			says.WriteString(p.String() + "\n")
		}
		if got.String() != c.changes || strings.TrimSuffix(says.String(), "\n") != c.problems {
			t.Errorf("%s: got\n%s%swant\n%s%s", c.name, got.String(), says.String(), c.changes, c.problems)
		}
	}
}

func TestReadChangesNeedsZone(t *testing.T) {
	in := "from,to,account\n2022-11-22 22:00,2022-11-22 23:00,a\n2022-11-22 22:00Z,2022-11-22 23:00Z,a\n"
	changes, problems, err := ReadChanges(strings.NewReader(in), "changes", nil)
	if err != nil || len(changes) != 1 || len(problems) != 1 || !strings.Contains(problems[0].String(), "no time zone") {
		t.Errorf("%v %v %v", changes, problems, err)
	}
	if _, _, err := ReadChanges(strings.NewReader("to,account\n"), "changes", nil); err == nil {
		t.Error("a list without from was taken")
	}
}

func FuzzReadChanges(f *testing.F) {
	f.Add("from,to,account\n2022-11-22 22:00 IST,23 Nov 2022 1:00 am,a\n")
	f.Add(`[{"from":"22/11/2022","to":"2022-11-23T00:00:00.5-03:30","tool":"x","targets":"a;*"}]`)
	f.Fuzz(func(t *testing.T, in string) {
		changes, _, err := ReadChanges(strings.NewReader(in), "fuzz", time.UTC)
		for _, c := range changes {
			if err != nil || c.To < c.From || c.Account+c.Source+c.Tool == "" {
				t.Errorf("%+v, %v", c, err)
			}
		}
	})
}
