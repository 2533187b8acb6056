package exercise

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"wardround/internal/event"
)

// sqlBinary is the binary part of SQL Server's events: message number, severity, server, database.
func (s *server) sqlBinary(id, severity uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, id)
	b = binary.LittleEndian.AppendUint32(b, severity)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s.name)+1))
	b = append(b, utf16le(s.name)...)
	b = binary.LittleEndian.AppendUint32(b, 7)
	return append(b, utf16le("master")...)
}

// sqlBackup logs a database's backup in SQL Server's words.
func (s *server) sqlBackup(d *dice, at event.Time, database, file string) {
	s.log(at, "sql-18264", fields{"@data": []string{database, at.Std().In(ist).AddDate(0, -7, -3).Format("2006/01/02(15:04:05)"), fmt.Sprint(d.between(20_000, 90_000)),
		fmt.Sprintf("%d:%d:%d", d.between(800, 900), d.between(100, 900), d.between(1, 300)), fmt.Sprintf("%d:%d:1", d.between(901, 999), d.between(100, 900)), "1",
		"FILE=1, TYPE=DISK: {'" + file + "'}"}, "@binary": s.sqlBinary(18264, 10)})
}

// sqlSets logs that an option of SQL Server was changed.
func (s *server) sqlSets(at event.Time, option string, from, to int) {
	s.log(at, "sql-15457", fields{"@data": []string{option, fmt.Sprint(from), fmt.Sprint(to)}, "@binary": s.sqlBinary(15457, 10)})
}

// sqlLogon logs a logon to SQL Server with a Windows account, as it does where successful logons are audited.
func (s *server) sqlLogon(at event.Time, account, client string) {
	s.log(at, "sql-18453", fields{"@data": []string{account, " [CLIENT: " + client + "]"}, "@binary": s.sqlBinary(18453, 10)})
}

func (s *server) sqlFails(at event.Time, account, client string) {
	s.log(at, "sql-18456", fields{"@data": []string{account, " Reason: Password did not match that for the login provided.", " [CLIENT: " + client + "]"}, "@binary": s.sqlBinary(18456, 14)})
}

// sqlAudit logs a statement as an audit of SQL Server writes it to the Application log.
func (s *server) sqlAudit(d *dice, at event.Time, account, client, object, statement string) {
	s.log(at.Add(140*time.Millisecond), "sql-33205", fields{"@data": []string{strings.Join([]string{
		"audit_schema_version:1", "event_time:" + at.Std().Format("2006-01-02 15:04:05.0000000"), "sequence_number:1", "action_id:EX  ", "succeeded:true", "is_column_permission:false",
		fmt.Sprintf("session_id:%d", d.between(52, 90)), fmt.Sprintf("server_principal_id:%d", d.between(260, 290)), "database_principal_id:1", "target_server_principal_id:0",
		"target_database_principal_id:0", fmt.Sprintf("object_id:-%d", 1_000_000+d.IntN(1<<29)), "user_defined_event_id:0", fmt.Sprintf("transaction_id:%d", d.between(10_000, 900_000)), "class_type:X ",
		"duration_milliseconds:0", "response_rows:0", "affected_rows:0", "client_ip:" + client, "permission_bitmask:00000000000000000000000000000020",
		"sequence_group_id:" + strings.ToUpper(digest(8, at.String())+"-6B1C-4D2E-9F30-"+digest(12, at.String(), s.name)), "session_server_principal_name:" + account, "server_principal_name:" + account,
		"server_principal_sid:0105000000000005" + digest(40, account), "database_principal_name:dbo", "target_server_principal_name:", "target_server_principal_sid:", "target_database_principal_name:",
		"server_instance_name:" + s.name, "database_name:master", "schema_name:sys", "object_name:" + object, "statement:" + statement, "additional_information:", "user_defined_information:",
		"application_name:SQLCMD", "",
	}, "\n")}})
}

// cmdshell is a command that SQL Server runs for xp_cmdshell: audited where that is set up, a process where those are
// recorded.
func (s *server) cmdshell(d *dice, at event.Time, account, client, command string) *process {
	s.sqlAudit(d, at, account, client, "xp_cmdshell", "EXEC master..xp_cmdshell '"+command+"'")
	return s.start(d, at.Add(40*time.Millisecond), s.standing("sqlservr"), nil, `C:\Windows\System32\cmd.exe`, `"C:\Windows\system32\cmd.exe" /c `+command)
}

// defenderVersion stands in each of Defender's events.
const defenderVersion = "4.18.2210.6"

// defends logs a day of Microsoft Defender: signatures, the quick scan.
func (s *server) defends(d *dice, midnight event.Time, day int) {
	if s.year < 2016 {
		return
	}
	for hour := 2; hour < 24; hour += 12 {
		at := d.within(midnight.Add(time.Duration(hour)*time.Hour), time.Hour)
		n := 2*day + hour/12
		s.log(at, "defender-2000", fields{"Product Version": defenderVersion, "Current security intelligence Version": fmt.Sprintf("1.377.%d.0", 400+n), "Previous security intelligence Version": fmt.Sprintf("1.377.%d.0", 399+n),
			"Current Engine Version": "1.1.19700.3", "Previous Engine Version": "1.1.19700.3"})
	}
	at := d.within(midnight.Add(13*time.Hour), 90*time.Minute)
	scan := "{" + strings.ToUpper(digest(8, s.name, at.String())+"-1c2d-4e3f-8a4b-"+digest(12, at.String())) + "}"
	s.log(at, "defender-1000", fields{"Product Version": defenderVersion, "Scan ID": scan})
	lasts := d.about(6 * time.Minute)
	s.log(at.Add(lasts), "defender-1001", fields{"Product Version": defenderVersion, "Scan ID": scan, "Scan Time Minutes": int(lasts.Minutes()), "Scan Time Seconds": int(lasts.Seconds()) % 60})
}

// detects logs that Defender named a file and, a little later, what it did with it.
func (s *server) detects(d *dice, at event.Time, threat string, id int, severity, category, path, process, user string) {
	f := fields{"Product Version": defenderVersion, "Detection ID": "{" + strings.ToUpper(digest(8, path, at.String())+"-5a6b-4c7d-9e8f-"+digest(12, path)) + "}", "Detection Time": at.Std().Format("2006-01-02T15:04:05.000Z"),
		"Threat ID": fmt.Sprint(id), "Threat Name": threat, "Severity Name": severity, "Category Name": category, "Process Name": process, "Detection User": user, "Path": path,
		"FWLink":            fmt.Sprintf("https://go.microsoft.com/fwlink/?linkid=37020&name=%s&threatid=%d&enterprise=0", threat, id),
		"Signature Version": "AV: 1.377.452.0, AS: 1.377.452.0, NIS: 1.377.452.0", "Engine Version": "AM: 1.1.19700.3, NIS: 1.1.19700.3"}
	if category == "Virus" {
		f["Category ID"] = "42"
	}
	s.log(at.Add(150*time.Millisecond), "defender-1116", f)
	s.log(at.Add(d.about(25*time.Second)), "defender-1117", f)
}
