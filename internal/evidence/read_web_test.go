package evidence

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"wardround/internal/outside"
)

// fieldText renders the fields of a row in order of name, aliases left out.
func fieldText(r row) string {
	var out []string
	for k, v := range r.Fields {
		if k != "c-useragent" && k != "cs-uri" && k != "c-uri-query" {
			out = append(out, k+"="+v)
		}
	}
	slices.Sort(out)
	return strings.Join(out, "|")
}

func TestWebAccess(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"access.log", `10.0.0.1 - frank [23/Nov/2022:07:07:49 +0530] "GET /lab/report.php?id=1%27 HTTP/1.1" 200 494`,
			"access-log 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri-extension=php|c-uri=/lab/report.php?id=1%27|cs-method=GET|cs-uri-query=id=1%27|cs-uri-stem=/lab/report.php|cs-username=frank|cs-version=HTTP/1.1|sc-bytes=494|sc-status=200"},
		{"nginx/access.log", `2001:db8::1 - - [23/Nov/2022:01:37:49 +0000] "POST /a b HTTP/2.0" 404 - "http://x/?q=\"a\"" "agent \x22q\x22 \x16 \\" "203.0.113.9, 10.0.0.2" 0.004`,
			`nginx 2022-11-23T01:37:49Z c-ip=2001:db8::1|c-uri=/a b|cs-method=POST|cs-referer=http://x/?q="a"|cs-uri-stem=/a b|cs-user-agent=agent "q" \x16 \|cs-version=HTTP/2.0|sc-status=404|time-taken=0.004|x-forwarded-for=203.0.113.9, 10.0.0.2`},
		{"apache2/other_vhosts_access.log", `ehosp.example:443 ::1 - - [23/Nov/2022:01:37:49 +0000] "OPTIONS * HTTP/1.0" 200 110 "-" "Apache (internal dummy connection)"`,
			"apache 2022-11-23T01:37:49Z c-ip=::1|c-uri=*|cs-host=ehosp.example|cs-method=OPTIONS|cs-uri-stem=*|cs-user-agent=Apache (internal dummy connection)|cs-version=HTTP/1.0|s-port=443|sc-bytes=110|sc-status=200"},
		{"access.log", `10.0.0.1 - - [23/Nov/2022:01:37:49 +0000] "\x16\x03\x01\x02" 400 157 "-" "-"`,
			`access-log 2022-11-23T01:37:49Z c-ip=10.0.0.1|request=\x16\x03\x01\x02|sc-bytes=157|sc-status=400`},
		{"access.log", `10.0.0.1 - - [23/Nov/2022:01:37:49 +0000] "" 408 0 "-" "-"`, "access-log 2022-11-23T01:37:49Z c-ip=10.0.0.1|sc-bytes=0|sc-status=408"},
		{"access.log", `10.0.0.1 - HOSP\a b [23/Nov/2022:01:37:49 +0000] "GET /" 200 5`, `access-log 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/|cs-method=GET|cs-uri-stem=/|cs-username=HOSP\a b|sc-bytes=5|sc-status=200`},
		{"localhost_access_log.2022-11-23.txt", `10.0.0.1 - - [23/Nov/2022:01:37:49 +0000] "GET /pacs/ HTTP/1.1" 302 - 17`,
			"tomcat 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/pacs/|cs-method=GET|cs-uri-stem=/pacs/|cs-version=HTTP/1.1|sc-status=302|time-taken=17"},
		{"ssl_request_log", `[23/Nov/2022:01:37:49 +0000] 10.0.0.1 TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 "GET /x HTTP/1.1" 26`,
			"apache 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/x|cs-method=GET|cs-uri-stem=/x|cs-version=HTTP/1.1|sc-bytes=26"},
		{"messages", `Nov 23 07:07:50 lb1 haproxy[14389]: 10.0.0.1:33317 [23/Nov/2022:01:37:49.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {ehosp} {} "GET /index.html HTTP/1.1"`,
			"haproxy 2022-11-23T01:37:49.655Z c-ip=10.0.0.1|c-uri-extension=html|c-uri=/index.html|cs-method=GET|cs-uri-stem=/index.html|cs-version=HTTP/1.1|sc-bytes=2750|sc-status=200|server=static/srv1|time-taken=109"},
		{"access.log", `10.0.0.1 - - [23/Nov/2022:01:37:49 +0000] "GET /cut`, ""},
		{"access.log", `10.0.0.1 - - [23/Nov/2022:01:37:49 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (cut`,
			"access-log 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/|cs-method=GET|cs-uri-stem=/|cs-user-agent=Mozilla/5.0 (cut|cs-version=HTTP/1.1|sc-bytes=5|sc-status=200"},
		{"access.log", `10.0.0.1 - - [31/Feb/2022:01:37:49 +0000] "GET / HTTP/1.1" 200 1`, ""},
		{"access.log", `type=SYSCALL msg=audit(1669167469.1:1): arch=c000003e`, ""},
	} {
		got, facts := readAll(t, readWebAccess, c.name, []byte(c.in+"\n"), time0)
		if c.want == "" {
			if len(got) != 0 || len(facts.Damaged) != 1 || facts.Damaged[0].Bytes != int64(len(c.in))+1 || isWebAccess([]byte(c.in), c.name) {
				t.Errorf("%s: %v, damage %v", c.in, got, facts.Damaged)
			}
			continue
		}
		if len(got) != 1 || !isWebAccess([]byte(c.in), c.name) {
			t.Errorf("%s: %d records, damage %v", c.in, len(got), facts.Damaged)
			continue
		}
		if s := got[0].Source.Provider + " " + got[0].Time + " " + fieldText(got[0]); s != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, s, c.want)
		}
	}
}

func TestWebError(t *testing.T) {
	in := `[Wed Nov 23 07:07:49.123456 2022] [core:error] [pid 123:tid 140] [client 2001:db8::1:5678] AH00126: Invalid URI in request GET /../x HTTP/1.1, referer: http://y/
[Wed Nov 23 07:07:50 2022] [notice] child pid 9 exit signal Segmentation fault (11)
[Wed Nov  3 07:07:51 2022] [error] [client ::1] script not found
sh: 1: wget: not found
2022/11/23 07:07:49 [error] 1234#5678: *99 open() "/srv/www/x" failed (2: No such file or directory), client: 10.0.0.1, server: ehosp, request: "GET /x?a=b HTTP/1.1", upstream: "fastcgi://127.0.0.1:9000", host: "ehosp.example", referrer: "http://y/"
2022/11/23 07:07:49 [info] 1234#5678: *2 client sent invalid method while reading client request line, client: 10.0.0.1, server: , request: "` + "\x16\x03\x00\xff" + `"
2022/11/23 07:07:50 [emerg] 1#0: bind() to 0.0.0.0:80 failed (98: Address already in use)
`
	want := []string{
		"apache 2022-11-23T07:07:49.123456Z c-ip=2001:db8::1|c-port=5678|code=AH00126|cs-referer=http://y/|level=error|message=AH00126: Invalid URI in request GET /../x HTTP/1.1|module=core|pid=123|tid=140",
		"apache 2022-11-23T07:07:50Z level=notice|message=child pid 9 exit signal Segmentation fault (11)",
		"apache 2022-11-03T07:07:51Z c-ip=::1|level=error|message=script not found",
		"apache 2022-11-03T07:07:51Z message=sh: 1: wget: not found",
		`nginx 2022-11-23T07:07:49Z c-ip=10.0.0.1|c-uri=/x?a=b|cs-host=ehosp.example|cs-method=GET|cs-referer=http://y/|cs-uri-query=a=b|cs-uri-stem=/x|cs-version=HTTP/1.1|level=error|message=*99 open() "/srv/www/x" failed (2: No such file or directory)|pid=1234|server=ehosp|tid=5678`,
		"nginx 2022-11-23T07:07:49Z c-ip=10.0.0.1|level=info|message=*2 client sent invalid method while reading client request line|pid=1234|tid=5678",
		"nginx 2022-11-23T07:07:50Z level=emerg|message=bind() to 0.0.0.0:80 failed (98: Address already in use)|pid=1|tid=0",
	}
	got, facts := readAll(t, readWebError, "error.log", []byte(in), time0)
	if !isWebError([]byte(in), "") || !isWebError([]byte(in[strings.Index(in, "2022/"):]), "") || len(got) != len(want) || len(facts.Notes) != 1 {
		t.Fatalf("%d records, notes %q", len(got), facts.Notes)
	}
	for i, r := range got {
		if s := r.Source.Provider + " " + r.Time + " " + fieldText(r); s != want[i] {
			t.Errorf("got  %s\nwant %s", s, want[i])
		}
	}
}

func TestWebJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"level":"info","ts":1669167469.1234,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"10.0.0.1","remote_port":"55","proto":"HTTP/1.1","method":"GET","host":"ehosp","uri":"/x.php?a=b","headers":{"User-Agent":["curl\/7"]}},"duration":0.01,"size":12,"status":200}`: "caddy 2022-11-23T01:37:49.1234Z c-ip=10.0.0.1|c-uri-extension=php|c-uri=/x.php?a=b|cs-host=ehosp|cs-method=GET|cs-uri-query=a=b|cs-uri-stem=/x.php|cs-user-agent=curl/7|cs-version=HTTP/1.1|sc-bytes=12|sc-status=200|time-taken=0.01",
		`{"ClientAddr":"10.0.0.1:1","ClientHost":"10.0.0.1","ClientUsername":"-","DownstreamContentSize":7,"DownstreamStatus":404,"Duration":123,"RequestHost":"h","RequestMethod":"GET","RequestPath":"/a","RequestProtocol":"HTTP/2.0","StartUTC":"2022-11-23T01:37:49.5Z"}`:                           "traefik 2022-11-23T01:37:49.5Z c-ip=10.0.0.1|c-uri=/a|cs-host=h|cs-method=GET|cs-uri-stem=/a|cs-version=HTTP/2.0|sc-bytes=7|sc-status=404|time-taken=123",
		`{"time_local":"23/Nov/2022:07:07:49 +0530","remote_addr":"10.0.0.1","remote_user":"","request":"GET /a?b HTTP/1.1","status":"200","body_bytes_sent":"5","http_referer":"","http_user_agent":"x"}`:                                                                                               "nginx 2022-11-23T01:37:49Z c-ip=10.0.0.1|c-uri=/a?b|cs-method=GET|cs-uri-query=b|cs-uri-stem=/a|cs-user-agent=x|cs-version=HTTP/1.1|sc-bytes=5|sc-status=200",
		`{"msec":"1669167469.123","remote_addr":"10.0.0.1","request_method":"GET","uri":"/a","args":"b","status":200,"request_uri":"/a?b"}`:                                                                                                                                                              "nginx 2022-11-23T01:37:49.123Z c-ip=10.0.0.1|c-uri=/a?b|cs-method=GET|cs-uri-query=b|cs-uri-stem=/a|sc-status=200",
	} {
		got, facts := readAll(t, readWebJSON, "access.json", []byte(in+"\n{\"x\":1}\n"), time0)
		if len(got) != 1 || !isWebJSON([]byte(in), "") || isWinJSON([]byte(in), "") || len(facts.Notes) != 1 {
			t.Errorf("%s: %d records, notes %q", in, len(got), facts.Notes)
			continue
		}
		if s := got[0].Source.Provider + " " + got[0].Time + " " + fieldText(got[0]); s != want {
			t.Errorf("%s\n got %s\nwant %s", in, s, want)
		}
	}
}

func TestWebShared(t *testing.T) {
	root := outside.Data(t)
	for _, c := range []struct {
		reader  reader
		path    string
		records int
		damaged int
	}{
		{webAccessReader, "artifacts/apache_access.log", 15, 0},
		{webErrorReader, "artifacts/loghub/Apache_2k.log", 2000, 0},
	} {
		content := readShared(t, filepath.Join(root, c.path))
		got, facts := readAll(t, c.reader.read, c.path, content, time0)
		if len(got) != c.records || len(facts.Damaged) != c.damaged || !c.reader.is(content, c.path) {
			t.Errorf("%s: %d records, damage %v", c.path, len(got), facts.Damaged)
		}
		for _, r := range got {
			if r.Time == "" {
				t.Errorf("%s: no time in %v", c.path, r)
			}
		}
	}
}

func FuzzWeb(f *testing.F) {
	f.Add([]byte(`a:443 10.0.0.1 - - [23/Nov/2022:07:07:49 +0530] "GET /x?y HTTP/1.1" 200 494 "\"" "\x41\xff" "1.2.3.4" 5`))
	f.Add([]byte(`[Wed Nov 23 07:07:49.1 2022] [core:error] [pid 123:tid 1] [client [::1]:5678] AH00126: x, referer: y`))
	f.Add([]byte(`2022/11/23 07:07:49 [error] 1#5: *9 x, client: 10.0.0.1, server: e, request: "GET /x HTTP/1.1", host: "e"`))
	f.Add([]byte(`{"ts":1.5,"request":{"remote_ip":"::1","uri":"/"},"status":200}`))
	f.Add([]byte(`x haproxy[1]: 10.0.0.1:3 [23/Nov/2022:01:37:49.655] a b/c 1/0/3/6/1 200 2 - - ---- 1/1/1/1/0 0/0 {a} "GET / HTTP/1.1"`))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, r := range []reader{webAccessReader, webErrorReader, webJSONReader} {
			r.is(b, "access.log")
			got, facts := readAll(t, r.read, "access.log", b, time0)
			for _, d := range facts.Damaged {
				if d.Offset < 0 || d.Bytes < 0 || d.Offset+d.Bytes > int64(len(b)) {
					t.Fatal(fmt.Sprint(r.kind, d, len(got)))
				}
			}
		}
	})
}
