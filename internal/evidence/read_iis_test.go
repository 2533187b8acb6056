package evidence

import (
	"path/filepath"
	"strings"
	"testing"

	"wardround/internal/outside"
)

func TestW3C(t *testing.T) {
	const iis = "#Software: Microsoft Internet Information Services 10.0\n#Version: 1.0\n#Date: 2022-11-22 23:59:00\n#Fields: "
	for _, c := range []struct{ name, in, want string }{
		{"IIS", iis + `date time s-computername cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken
2022-11-23 01:37:49 EHOSP-WEB GET /aspnet/shell.aspx cmd=whoami HOSP\a 10.0.0.1 Mozilla/5.0+(X) - 200 65`,
			`web/access/iis EHOSP-WEB 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri-extension=aspx|c-uri=/aspnet/shell.aspx?cmd=whoami|cs-method=GET|cs-uri-query=cmd=whoami|cs-uri-stem=/aspnet/shell.aspx|cs-user-agent=Mozilla/5.0+(X) | Mozilla/5.0 (X)|cs-username=HOSP\a|date=2022-11-23|s-computername=EHOSP-WEB|sc-status=200|time-taken=65|time=01:37:49`},
		{"blanks in the query", iis + "date time cs-method cs-uri-stem cs-uri-query s-port sc-status\n2022-11-23 01:37:49 GET /x a=1 or 1=1 80 500",
			"web/access/iis  2022-11-23T01:37:49Z c-uri=/x?a=1 or 1=1|cs-method=GET|cs-uri-query=a=1 or 1=1|cs-uri-stem=/x|date=2022-11-23|s-port=80|sc-status=500|time=01:37:49"},
		{"no date, past midnight, other columns", iis + "time c-ip\n23:59:59 ::1\n#Fields: time c-ip sc-status\n00:00:01 ::2 200",
			"web/access/iis  2022-11-22T23:59:59Z c-ip=::1|time=23:59:59\nweb/access/iis  2022-11-23T00:00:01Z c-ip=::2|sc-status=200|time=00:00:01"},
		{"HTTPERR", "#Software: Microsoft HTTP API 2.0\n#Version: 1.0\n#Date: 2022-11-23 01:37:49\n#Fields: date time c-ip cs-uri s-reason\n2022-11-23 01:37:49 10.0.0.1 /x BadRequest",
			"web/error/httperr  2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/x|date=2022-11-23|s-reason=BadRequest|time=01:37:49"},
		{"Windows firewall", "#Version: 1.5\n#Software: Microsoft Windows Firewall\n#Time Format: Local\n#Fields: date time action protocol src-ip dst-ip src-port dst-port\n\n2022-11-23 07:07:49 DROP TCP 10.0.0.1 10.0.0.2 5 445",
			"windows/firewall/windows-firewall  2022-11-23T07:07:49Z action=DROP|date=2022-11-23|dst-ip=10.0.0.2|dst-port=445|dst_ip=10.0.0.2|dst_port=445|protocol=TCP|src-ip=10.0.0.1|src-port=5|src_ip=10.0.0.1|src_port=5|time=07:07:49"},
		{"Exchange", "#Software: Microsoft Exchange Server\n#Version: 15.02.0986.005\n#Log-type: HttpProxy Logs\n#Date: 2022-11-23T01:00:00.000Z\n#Fields: DateTime,UrlStem,UrlQuery,UserAgent,HttpStatus,ServerHostName\n2022-11-23T01:37:49.123Z,/autodiscover/autodiscover.json,\"a,\"\"b\",x,200,EX1",
			`web/exchange-httpproxy-logs/exchange EX1 2022-11-23T01:37:49.123Z DateTime=2022-11-23T01:37:49.123Z|HttpStatus=200|ServerHostName=EX1|UrlQuery=a,"b|UrlStem=/autodiscover/autodiscover.json|UserAgent=x|c-uri-extension=json|c-uri=/autodiscover/autodiscover.json?a,"b|cs-uri-query=a,"b|cs-uri-stem=/autodiscover/autodiscover.json|cs-user-agent=x|sc-status=200`},
		{"tabs", "#Version: 1.0\n#Fields: date time c-ip cs(User-Agent)\n2022-11-23\t01:37:49\t::1\ta b",
			"web/access/w3c  2022-11-23T01:37:49Z c-ip=::1|cs-user-agent=a b|date=2022-11-23|time=01:37:49"},
		{"quotes", "#Fields: date time cs(User-Agent) sc-status\n2022-11-23 01:37:49 \"a b\" 200",
			"web/access/w3c  2022-11-23T01:37:49Z cs-user-agent=a b|date=2022-11-23|sc-status=200|time=01:37:49"},
	} {
		got, facts := readAll(t, readW3C, "u_ex221123.log", []byte(c.in+"\n"), time0)
		if !isW3C([]byte(c.in), "") || len(facts.Damaged) != 0 {
			t.Errorf("%s: damage %v", c.name, facts.Damaged)
		}
		var lines []string
		for _, r := range got {
			lines = append(lines, strings.Join([]string{r.Source.Product + "/" + r.Source.Channel + "/" + r.Source.Provider, r.Host, r.Time, fieldText(r)}, " "))
		}
		if s := strings.Join(lines, "\n"); s != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, s, c.want)
		}
	}
}

func TestW3CDamaged(t *testing.T) {
	in := "#Fields: date time c-ip sc-status\n2022-11-23 01:37:49 ::1 200\n2022-11-23 01:37\n2022-11-23 01:37:50 ::1 200\n"
	got, facts := readAll(t, readW3C, "x.log", []byte(in), time0)
	if len(got) != 2 || len(facts.Damaged) != 1 || facts.Damaged[0].Offset != 62 || facts.Damaged[0].Bytes != 17 {
		t.Errorf("%d records, damage %v", len(got), facts.Damaged)
	}
	for _, no := range []string{"", "x\n#Fields: a\n", "#Fields:\nx", "#!/bin/sh\necho"} {
		if isW3C([]byte(no), "") {
			t.Errorf("%q is none", no)
		}
	}
}

// TestW3CShared: every line that is no directive is a record.
func TestW3CShared(t *testing.T) {
	files, _ := filepath.Glob(filepath.Join(outside.Data(t), "artifacts/iis/*.log"))
	if len(files) == 0 {
		t.Fatal("no files")
	}
	for _, f := range files {
		content := readShared(t, f)
		want := 0
		for line := range strings.Lines(string(content)) {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				want++
			}
		}
		got, facts := readAll(t, readW3C, f, content, time0)
		if len(got) != want || len(facts.Damaged) != 0 || !isW3C(content, f) {
			t.Errorf("%s: %d records of %d lines, damage %v", f, len(got), want, facts.Damaged)
		}
		for _, r := range got {
			if r.Time == "" || r.Source.Provider != "iis" || r.Fields["c-ip"] == "" || r.Fields["c-uri"] == "" {
				t.Errorf("%s: %v", f, r)
			}
		}
	}
}

func FuzzW3C(f *testing.F) {
	f.Add([]byte("#Software: Microsoft Internet Information Services 10.0\n#Date: 2022-11-22 23:59:00\n#Fields: time cs-uri-stem cs-uri-query cs(User-Agent) sc-status\n23:59:59 /x a b c+d 200\n00:00:00 / - - 200"))
	f.Add([]byte("#Fields: DateTime,UrlStem,UserAgent\n2022-11-23T01:37:49.123Z,\"a\"\"\",x\n"))
	f.Add([]byte("#Fields: date time x\n2022-11-23\t01:37:49\tq\n2022-11-23 01:37:49 \"a b\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		isW3C(b, "")
		got, facts := readAll(t, readW3C, "x.log", b, time0)
		for _, d := range facts.Damaged {
			if d.Offset < 0 || d.Bytes < 0 || d.Offset+d.Bytes > int64(len(b)) || len(got) != int(facts.Records) {
				t.Fatal(d)
			}
		}
	})
}
