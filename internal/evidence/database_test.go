package evidence

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wardround/internal/outside"
)

// databaseLog is a sample of one kind of log and the events in it, one to a line: time, number, fields.
type databaseLog struct {
	name   string
	reader reader
	path   string
	in     string
	want   string
	damage int
	notes  string
}

var databaseLogs = []databaseLog{
	{"PostgreSQL by default", postgresReader, "postgresql-15-main.log", `2022-11-23 07:07:49.123 IST [1234] LOG:  connection received: host=10.0.0.1 port=49152
2022-11-23 07:07:49.200 IST [1234] FATAL:  password authentication failed for user "lis"
2022-11-23 07:07:49.200 IST [1234] DETAIL:  Connection matched file "pg_hba.conf" line 97: "host all all 0.0.0.0/0 md5"
2022-11-23 07:07:50.000 IST [1235] LOG:  duration: 1.250 ms  statement: select 1
	from t
	where x
2022-11-23 07:07:51.000 IST [1235] ERROR:  relation "x" does not exist at character 15
2022-11-23 07:07:51.000 IST [1235] STATEMENT:  COPY x FROM PROGRAM 'id'
sh: 1: curl: not found
`, `01:37:49.123Z #1 action=connect|message=connection received: host=10.0.0.1 port=49152|pid=1234|severity=LOG|src_ip=10.0.0.1|src_port=49152
01:37:49.2Z #2 action=login failed|detail=Connection matched file "pg_hba.conf" line 97: "host all all 0.0.0.0/0 md5"|message=password authentication failed for user "lis"|method=password|pid=1234|severity=FATAL|user=lis
01:37:50Z #4 action=query|duration=1.250|message=duration: 1.250 ms  statement: select 1|pid=1235|severity=LOG|statement=select 1¶from t¶where x
01:37:51Z #7 message=relation "x" does not exist at character 15|pid=1235|severity=ERROR|statement=COPY x FROM PROGRAM 'id'
01:37:51Z #9 message=sh: 1: curl: not found`, 0, "times in IST: read as +05:30 from UTC"},
	{"PostgreSQL on Debian", postgresReader, "", `2022-11-23 01:37:49.123 UTC [1234] postgres@lis LOG:  connection authorized: user=postgres database=lis application_name=psql SSL enabled (protocol=TLSv1.3)
2022-11-23 01:37:50.123 UTC [1234] [unknown]@[unknown] LOG:  AUDIT: SESSION,1,1,DDL,CREATE TABLE,TABLE,public.t,"create table t (a int, b int)",<none>
`, `01:37:49.123Z #1 action=login|application=psql|database=lis|message=connection authorized: user=postgres database=lis application_name=psql SSL enabled (protocol=TLSv1.3)|pid=1234|severity=LOG|user=postgres
01:37:50.123Z #2 action=audit|command=CREATE TABLE|message=AUDIT: SESSION,1,1,DDL,CREATE TABLE,TABLE,public.t,"create table t (a int, b int)",<none>|object=public.t|pid=1234|severity=LOG|statement=create table t (a int, b int)|subsystem=DDL`, 0, ""},
	{"PostgreSQL in a cloud", postgresReader, "", `2022-11-23 01:37:49 UTC:10.0.0.1(49152):adm@lis:[1234]:FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "adm", database "lis", no encryption
2022-11-23 01:37:49 UTC:::1(5):adm@lis:[1234]:LOG:  disconnection: session time: 0:00:01.100 user=adm database=lis host=::1 port=5
`, `01:37:49Z #1 action=login failed|database=lis|message=no pg_hba.conf entry for host "10.0.0.1", user "adm", database "lis", no encryption|method=pg_hba.conf|pid=1234|severity=FATAL|src_ip=10.0.0.1|src_port=49152|user=adm
01:37:49Z #2 action=disconnect|database=lis|message=disconnection: session time: 0:00:01.100 user=adm database=lis host=::1 port=5|pid=1234|severity=LOG|src_ip=::1|src_port=5|user=adm`, 0, ""},
	{"PostgreSQL for a report writer", postgresReader, "", `2022-11-23 07:07:49 +0530 [1234]: [1-1] user=lis,db=lis,app=psql,client=10.0.0.1 LOG:  statement: DROP TABLE patient
`, `01:37:49Z #1 action=query|application=psql|database=lis|message=statement: DROP TABLE patient|pid=1234|severity=LOG|src_ip=10.0.0.1|statement=DROP TABLE patient|user=lis`, 0, ""},
	{"PostgreSQL, state and session", postgresReader, "", `637d8b2d.4d2 2022-11-23 01:37:49 UTC 28P01 10.0.0.1(5) ERROR:  x
`, `01:37:49Z #1 code=28P01|message=x|session=637d8b2d.4d2|severity=ERROR|src_ip=10.0.0.1|src_port=5`, 0, ""},
	{"PostgreSQL csvlog", postgresCSVReader, "", `2022-11-23 01:37:49.123 UTC,"lis","lis",1234,"10.0.0.1:49152",637d8b2d.4d2,3,"SELECT",2022-11-23 01:37:00 UTC,3/4,0,ERROR,42P01,"relation ""x"" does not exist",,,,,,"select *
from x",15,,"psql","client backend",,0
2022-11-23 01:37:50.123 UTC,"lis","lis",1234,"10.0.0.1:49152",637d8b2d.4d2,3,"cut
2022-11-23 01:37:51.123 UTC,,,1235,"[local]",637d8b2e.4d3,1,"",2022-11-23 01:37:00 UTC,,0,LOG,00000,"connection received: host=[local]",,,,,,,,,""
`, `01:37:49.123Z #1 application=psql|code=42P01|command=SELECT|database=lis|message=relation "x" does not exist|pid=1234|session=637d8b2d.4d2|severity=ERROR|src_ip=10.0.0.1|src_port=49152|statement=select *¶from x|subsystem=client backend|user=lis
01:37:51.123Z #4 action=connect|code=00000|message=connection received: host=[local]|pid=1235|session=637d8b2e.4d3|severity=LOG`, 1, ""},
	{"PostgreSQL jsonlog", postgresJSONReader, "", `{"timestamp":"2022-11-23 01:37:49.123 UTC","user":"lis","dbname":"lis","pid":1234,"remote_host":"10.0.0.1","remote_port":49152,"session_id":"637d8b2d.4d2","line_num":3,"error_severity":"LOG","message":"statement: select \"a\"","backend_type":"client backend","query_id":0}
`, `01:37:49.123Z #1 action=query|database=lis|message=statement: select "a"|pid=1234|session=637d8b2d.4d2|severity=LOG|src_ip=10.0.0.1|src_port=49152|statement=select "a"|subsystem=client backend|user=lis`, 0, ""},

	{"MySQL 8 errors", mysqlErrorReader, "mysql/error.log", `2022-11-23T01:37:49.123456Z 0 [System] [MY-010931] [Server] /usr/sbin/mysqld: ready for connections. Version: '8.0.31'
2022-11-23T07:07:50.123456+05:30 35 [Note] [MY-010926] [Server] Access denied for user 'root'@'10.0.0.1' (using password: YES)
`, `01:37:49.123456Z #1 action=started|code=MY-010931|message=/usr/sbin/mysqld: ready for connections. Version: '8.0.31'|session=0|severity=System|subsystem=Server
01:37:50.123456Z #2 action=login failed|code=MY-010926|message=Access denied for user 'root'@'10.0.0.1' (using password: YES)|session=35|severity=Note|src_ip=10.0.0.1|subsystem=Server|user=root`, 0, ""},
	{"MySQL 5 errors", mysqlErrorReader, "", `221123 01:37:49 mysqld_safe Starting mysqld daemon
221123  1:37:50 [Warning] Aborted connection 35 to db: 'lis' user: 'app' host: 'ws1' (Got timeout
reading packets)
2022-11-23 01:37:51 1234 [Note] Unknown database 'x'
`, `01:37:49Z #1 message=Starting mysqld daemon|severity=Note|subsystem=mysqld_safe
01:37:50Z #2 action=disconnect|database=lis|message=Aborted connection 35 to db: 'lis' user: 'app' host: 'ws1' (Got timeout¶reading packets)|session=35|severity=Warning|src_host=ws1|user=app
01:37:51Z #4 action=login failed|message=Unknown database 'x'|session=1234|severity=Note`, 0, "times state no zone: read as UTC"},
	{"MariaDB errors", mysqlErrorReader, "mariadb.err", `2022-11-23  1:37:49 0 [Note] InnoDB: started
2022-11-23  1:37:50 0x7f3a [ERROR] x
221123  1:37:51 server_audit: STOPPED
`, `01:37:49Z #1 message=InnoDB: started|session=0|severity=Note
01:37:50Z #2 message=x|session=0x7f3a|severity=ERROR
01:37:51Z #3 message=server_audit: STOPPED`, 0, "times state no zone: read as UTC"},
	{"MySQL queries, old", mysqlGeneralReader, "", "/usr/sbin/mysqld, Version: 5.5.31-log (MySQL Community Server). started with:\nTcp port: 3306  Unix socket: /var/lib/mysql/mysql.sock\nTime                 Id Command    Argument\n" +
		"221123  1:37:49\t   35 Connect\tapp@10.0.0.1 on lis\n\t\t   35 Query\tselect *\nfrom t\n\t\t   36 Connect\tAccess denied for user 'root'@'ws1' (using password: NO)\n221123  1:37:50\t   35 Quit\t\n\t\t   35 Query\tselect 2\n",
		`01:37:49Z #4 action=connect|command=Connect|database=lis|message=app@10.0.0.1 on lis|session=35|src_ip=10.0.0.1|user=app
01:37:49Z #5 action=query|command=Query|database=lis|session=35|src_ip=10.0.0.1|statement=select *¶from t|user=app
01:37:49Z #7 action=login failed|command=Connect|message=Access denied for user 'root'@'ws1' (using password: NO)|session=36|src_host=ws1|user=root
01:37:50Z #8 action=disconnect|command=Quit|database=lis|session=35|src_ip=10.0.0.1|user=app
01:37:50Z #9 action=query|command=Query|session=35|statement=select 2`, 0, "times state no zone: read as UTC"},
	{"MySQL queries, new", mysqlGeneralReader, "", "2022-11-23T01:37:49.123456Z\t   35 Connect\troot@localhost on  using Socket\n2022-11-23T01:37:50.123456Z\t   35 Init DB\tlis\n2022-11-23T01:37:51.123456Z\t   35 Query\tselect sys_exec('id')\n",
		`01:37:49.123456Z #1 action=connect|command=Connect|message=root@localhost on  using Socket|session=35|src_host=localhost|user=root
01:37:50.123456Z #2 command=Init DB|database=lis|session=35|src_host=localhost|user=root
01:37:51.123456Z #3 action=query|command=Query|database=lis|session=35|src_host=localhost|statement=select sys_exec('id')|user=root`, 0, ""},
	{"MySQL slow queries", mysqlSlowReader, "", "# Time: 221123  7:07:49\n# User@Host: app[app] @ ws1 [10.0.0.1]  Id:    35\n# Query_time: 12.5  Lock_time: 0.000100 Rows_sent: 10  Rows_examined: 100\nuse lis;\nSET timestamp=1669167469;\nselect *\nfrom t;\n" +
		"# User@Host: app[app] @  [10.0.0.2]\n# Thread_id: 36  Schema: his  QC_hit: No\n# Query_time: 0.001  Lock_time: 0 Rows_sent: 0  Rows_examined: 0\nSET timestamp=1669167470;\nselect 2;\n# Time: 2022-11-23T01:37:51.123456Z\n# User@Host: a[a] @ localhost []  Id:     1\n# Query_time: 1\nselect 3;\n",
		`01:37:49Z #2 action=query|database=lis|duration=12500|rows=10|session=35|src_host=ws1|src_ip=10.0.0.1|statement=select *¶from t;|user=app
01:37:50Z #8 action=query|database=his|duration=1|rows=0|session=36|src_ip=10.0.0.2|statement=select 2;|user=app
01:37:51.123456Z #14 action=query|duration=1000|session=1|src_host=localhost|statement=select 3;|user=a`, 0, "times state no zone: read as UTC"},
	{"MariaDB audit", mysqlAuditReader, "server_audit.log", "20221123 01:37:49,EHOSP-DB1,root,10.0.0.1,35,0,FAILED_CONNECT,,,1045\n20221123 01:37:50,EHOSP-DB1,app,ws1,36,77,QUERY,lis,'select \\n\\'a\\\\\\', 1, \\'2\\'',0\n20221123 01:37:51,EHOSP-DB1,app,ws1,36,78,WRITE,mysql,db,\nrubbish\n",
		`01:37:49Z #1 action=login failed|code=1045|command=FAILED_CONNECT|session=35|src_ip=10.0.0.1|user=root
01:37:50Z #2 action=query|command=QUERY|database=lis|session=36|src_host=ws1|statement=select ¶'a\', 1, '2'|user=app
01:37:51Z #3 command=WRITE|database=mysql|object=db|session=36|src_host=ws1|user=app`, 1, "times state no zone: read as UTC"},

	{"SQL Server", mssqlReader, "ERRORLOG", "\xff\xfe" + utf16Text("2022-11-23 07:07:49.12 Server      Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64) \r\n\tSep 24 2019 13:48:23\r\n2022-11-23 07:07:49.12 Server      UTC adjustment: 5:30\r\n2022-11-23 07:07:49.13 spid9s      Server name is 'EHOSP-DB1\\LIS'. This is an informational message only.\r\n"+
		"2022-11-23 07:07:50.00 Logon       Error: 18456, Severity: 14, State: 8.\r\n2022-11-23 07:07:50.00 Logon       Login failed for user 'sa'. Reason: Password did not match that for the login provided. [CLIENT: 10.0.0.1]\r\n2022-11-23 07:07:51.00 spid51      Configuration option 'xp_cmdshell' changed from 0 to 1. Run the RECONFIGURE statement to install.\r\n"),
		`01:37:49.12Z #1 message=Microsoft SQL Server 2019 (RTM) - 15.0.2000.5 (X64) ¶	Sep 24 2019 13:48:23|subsystem=Server
01:37:49.12Z #3 message=UTC adjustment: 5:30|subsystem=Server
01:37:49.13Z #4 message=Server name is 'EHOSP-DB1\LIS'. This is an informational message only.|session=9|subsystem=spid9s
01:37:50Z #5 action=login failed|code=18456|detail=Password did not match that for the login provided.|message=Error: 18456, Severity: 14, State: 8.¶Login failed for user 'sa'. Reason: Password did not match that for the login provided. [CLIENT: 10.0.0.1]|severity=14|src_ip=10.0.0.1|subsystem=Logon|user=sa
01:37:51Z #7 action=configuration changed|detail=0 to 1|message=Configuration option 'xp_cmdshell' changed from 0 to 1. Run the RECONFIGURE statement to install.|object=xp_cmdshell|session=51|subsystem=spid51`, 0, "local times: the log states that they are +05:30 from UTC"},
	{"Oracle alert", oracleAlertReader, "alert_LIS.log", "Wed Nov 23 01:37:49 2022\nStarting ORACLE instance (normal)\n2022-11-23T07:07:50.123456+05:30\nErrors in file /u01/x.trc:\nORA-00600: internal error code\n2022-11-23T07:07:51.123456+05:30\nALTER SYSTEM SET audit_trail='NONE' SCOPE=SPFILE;\n",
		`01:37:49Z #1 action=started|message=Starting ORACLE instance (normal)
01:37:50.123456Z #3 code=ORA-00600|message=Errors in file /u01/x.trc:¶ORA-00600: internal error code
01:37:51.123456Z #6 action=configuration changed|message=ALTER SYSTEM SET audit_trail='NONE' SCOPE=SPFILE;|statement=ALTER SYSTEM SET audit_trail='NONE' SCOPE=SPFILE;`, 0, "times state no zone: read as UTC"},
	{"Oracle listener", oracleListenerReader, "listener.log", "TNSLSNR for Linux: Version 19.0.0.0.0\n23-NOV-2022 01:37:49 * (CONNECT_DATA=(SERVICE_NAME=lis)(CID=(PROGRAM=sqlplus)(HOST=WS1)(USER=adm))) * (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(PORT=49152)) * establish * lis * 0\n23-NOV-2022 01:37:50 * service_update * LIS * 0\n23-NOV-2022 01:37:51 * (CONNECT_DATA=(SID=X)(CID=(PROGRAM=)(HOST=h)(USER=u))) * (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(PORT=1)) * establish * X * 12505\nTNS-12505: TNS:listener does not currently know of SID\n",
		`01:37:49Z #2 action=connect|application=sqlplus|command=establish|database=lis|message=(CONNECT_DATA=(SERVICE_NAME=lis)(CID=(PROGRAM=sqlplus)(HOST=WS1)(USER=adm))) * (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(PORT=49152)) * establish * lis * 0|object=lis|src_host=WS1|src_ip=10.0.0.1|src_port=49152|user=adm
01:37:50Z #3 command=service_update|message=service_update * LIS * 0|object=LIS
01:37:51Z #4 action=connect failed|code=12505|command=establish|database=X|message=(CONNECT_DATA=(SID=X)(CID=(PROGRAM=)(HOST=h)(USER=u))) * (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(PORT=1)) * establish * X * 12505¶TNS-12505: TNS:listener does not currently know of SID|object=X|src_host=h|src_ip=10.0.0.1|src_port=1|user=u`, 0, "times state no zone: read as UTC"},
	{"Oracle audit", oracleAuditReader, "lis_ora_1.aud", "Audit file /u01/lis_ora_1.aud\nNode name:\tehosp-db1\n\nWed Nov 23 07:07:49 2022 +05:30\nLENGTH : '160'\nACTION :[7] 'CONNECT'\nDATABASE USER:[1] '/'\nPRIVILEGE :[6] 'SYSDBA'\nCLIENT USER:[6] 'oracle'\nSTATUS:[4] '1017'\n\nWed Nov 23 07:07:50 2022 +05:30\nLENGTH : '1'\nACTION :[31] 'drop user x' STATUS:[1] '9' y x'\nDATABASE USER:[3] 'SYS'\nSTATUS:[1] '0'\n\nWed Nov 23 07:07:51 2022 +05:30\nSESSIONID:[2] \"77\" USERID:[3] \"LIS\" USERHOST:[3] \"ws1\" ACTION:[3] \"100\" RETURNCODE:[1] \"0\" COMMENT$TEXT:[88] \"Authenticated by: DATABASE; Client address: (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(P=1))\"\n",
		`01:37:49Z #4 action=login failed|code=1017|context=oracle|method=SYSDBA|statement=CONNECT|user=/
01:37:50Z #12 action=query|code=0|statement=drop user x' STATUS:[1] '9' y x|user=SYS
01:37:51Z #18 action=login|code=0|detail=Authenticated by: DATABASE; Client address: (ADDRESS=(PROTOCOL=tcp)(HOST=10.0.0.1)(P=1))|session=77|src_host=ws1|src_ip=10.0.0.1|statement=100|user=LIS`, 0, ""},
}

func TestDatabaseLogs(t *testing.T) {
	for _, c := range databaseLogs {
		if !c.reader.is([]byte(c.in), c.path) {
			t.Errorf("%s: not told", c.name)
		}
		for _, other := range databaseLogs {
			if other.reader.kind != c.reader.kind && other.reader.is([]byte(c.in), c.path) {
				t.Errorf("%s: taken for %s", c.name, other.reader.kind)
			}
		}
		for _, other := range []reader{winJSONReader, winXMLReader, webAccessReader, webErrorReader, webJSONReader, iisReader} {
			if other.is([]byte(c.in), c.path) {
				t.Errorf("%s: taken for %s", c.name, other.kind)
			}
		}
		got, facts := readAll(t, c.reader.read, c.path, []byte(c.in), time0)
		var lines []string
		for _, r := range got {
			lines = append(lines, fmt.Sprintf("%s #%d %s", strings.TrimPrefix(r.Time, "2022-11-23T"), r.Number, strings.ReplaceAll(fieldText(r), "\n", "¶")))
		}
		want := strings.Split(c.want, "\n")
		for i := range max(len(lines), len(want)) {
			a, b := "", ""
			if i < len(lines) {
				a = lines[i]
			}
			if i < len(want) {
				b = want[i]
			}
			if a != b {
				t.Errorf("%s\n got %s\nwant %s", c.name, a, b)
			}
		}
		if len(facts.Damaged) != c.damage || strings.Join(facts.Notes, "; ") != c.notes {
			t.Errorf("%s: damage %v, notes %q", c.name, facts.Damaged, facts.Notes)
		}
	}
}

// TestDatabaseHosts: a computer is taken from the log where it names its own.
func TestDatabaseHosts(t *testing.T) {
	want := map[string]string{"SQL Server": "EHOSP-DB1", "MariaDB audit": "EHOSP-DB1", "Oracle audit": "ehosp-db1"}
	for _, c := range databaseLogs {
		got, _ := readAll(t, c.reader.read, c.path, []byte(c.in), time0)
		for _, r := range got {
			if r.Host != want[c.name] {
				t.Errorf("%s: %q", c.name, r.Host)
			}
		}
	}
}

// TestLongStatement: a statement is kept up to its bound, and what exceeds it is damage.
func TestLongStatement(t *testing.T) {
	line := "\t" + strings.Repeat("x", 999) + "\n"
	in := "2022-11-23 01:37:49 UTC [1] LOG:  statement: begin\n" + strings.Repeat(line, 2000) + "2022-11-23 01:37:50 UTC [1] LOG:  y\n"
	got, facts := readAll(t, readPostgres, "", []byte(in), time0)
	if len(got) != 2 || len(got[0].Fields["statement"]) > maxDatabaseText || len(got[0].Fields["statement"]) < maxDatabaseText-1001 {
		t.Fatalf("%d records", len(got))
	}
	if d := facts.Damaged; len(d) != 1 || d[0].Offset+d[0].Bytes != int64(len(in)-len("2022-11-23 01:37:50 UTC [1] LOG:  y\n")) {
		t.Errorf("damage %v of %d", facts.Damaged, len(in))
	}
}

func TestPostgresShared(t *testing.T) {
	path := filepath.Join(outside.Data(t), "artifacts/postgresql.log")
	content := readShared(t, path)
	got, facts := readAll(t, readPostgres, path, content, time0)
	if !isPostgres(content, path) || len(facts.Damaged) != 0 {
		t.Errorf("damage %v", facts.Damaged)
	}
	statements := 0
	for _, r := range got {
		if r.Time == "" || r.Fields["severity"] == "" {
			t.Errorf("%v", r)
		}
		if r.Fields["statement"] != "" {
			statements++
		}
	}
	t.Logf("%d records, %d with a statement", len(got), statements)
}

func FuzzPostgres(f *testing.F) { fuzzDatabase(f, readPostgres, readPostgresCSV, readPostgresJSON) }
func FuzzMySQL(f *testing.F) {
	fuzzDatabase(f, readMySQLError, readMySQLGeneral, readMySQLSlow, readMySQLAudit)
}
func FuzzMSSQL(f *testing.F)  { fuzzDatabase(f, readMSSQL) }
func FuzzOracle(f *testing.F) { fuzzDatabase(f, readOracleAlert, readOracleListener, readOracleAudit) }

// fuzzDatabase runs one engine's readers over any bytes: each ends soon, counts what it yields, and speaks of damage inside
// the file alone.
func fuzzDatabase(f *testing.F, read ...func(context.Context, *input, *output) error) {
	for _, c := range databaseLogs {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range databaseLogs {
			c.reader.is(b, c.path)
		}
		for i, read := range read {
			start := time.Now()
			got, facts := readAll(t, read, "log", b, time0)
			if len(got) != int(facts.Records) || time.Since(start) > 5*time.Second {
				t.Fatalf("reader %d: %d records in %v", i, len(got), time.Since(start))
			}
			for _, d := range facts.Damaged {
				if d.Offset < 0 || d.Bytes < 0 || d.Offset+d.Bytes > int64(len(b)) {
					t.Fatalf("reader %d: damage %+v of %d bytes", i, d, len(b))
				}
			}
		}
	})
}
