package evidence

// journalFields are the fields of the journal that are kept beside those that all messages have, under the names of
// systemd.journal-fields(7).
var journalFields = []string{"_COMM", "_EXE", "_CMDLINE", "_UID", "_GID", "_SYSTEMD_UNIT", "_SYSTEMD_CGROUP", "_AUDIT_SESSION", "_AUDIT_LOGINUID",
	"_BOOT_ID", "_MACHINE_ID", "_TRANSPORT", "_SELINUX_CONTEXT", "_SOURCE_REALTIME_TIMESTAMP", "MESSAGE_ID", "UNIT", "USER_UNIT", "USER_ID", "SESSION_ID",
	"LEADER", "JOB_RESULT", "EXIT_STATUS", "COREDUMP_EXE", "COREDUMP_CMDLINE", "CONTAINER_NAME", "CONTAINER_ID", "SYSLOG_RAW", "TTY", "COMMAND"}
