package evidence

import (
	"strings"
	"testing"
)

// The readers of this file's tests: each must know its own among all others.
var eventReaders = []reader{
	winJSONReader, winXMLReader, webAccessReader, webErrorReader, webJSONReader, iisReader, postgresReader, postgresCSVReader, postgresJSONReader,
	mysqlErrorReader, mysqlGeneralReader, mysqlSlowReader, mysqlAuditReader, mssqlReader, oracleAlertReader, oracleListenerReader, oracleAuditReader,
}

// sharedClaims are the files of the shared data that these readers must take, by a part of their path.
var sharedClaims = map[string]string{
	".json": "windows-json", "artifacts/iis/": "w3c", "apache_access.log": "web-access", "Apache_2k.log": "web-error", "postgresql.log": "postgresql",
}

// TestClaims runs every reader's test of content over all files of the shared data: no wrong claim, no double one.
func TestClaims(t *testing.T) {
	claims := map[string]int{}
	eachShared(t, headBytes, func(path string, content []byte) {
		want := ""
		for part, kind := range sharedClaims {
			if strings.Contains(path, part) && !strings.Contains(path, "__MACOSX") {
				want = kind
			}
		}
		var got []string
		for _, r := range eventReaders {
			if r.is(content, path) {
				got = append(got, r.kind)
				claims[r.kind]++
			}
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: claimed by %q, want %q", path, s, want)
		}
	})
	t.Log(claims)
}
