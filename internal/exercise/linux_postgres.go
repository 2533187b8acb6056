package exercise

import (
	"fmt"

	"wardround/internal/event"
)

// postgres logs a line of PostgreSQL with the prefix '%m [%p] %q%u@%d ' and connections logged.
func (s *server) postgres(at event.Time, pid int, who, format string, args ...any) {
	const name = "var/log/postgresql/postgresql-14-main.log"
	line := func(at event.Time, pid int, who, text string) string {
		if who != "" {
			who += " "
		}
		return fmt.Sprintf("%s [%d] %s%s\n", s.local(at).Std().In(ist).Format("2006-01-02 15:04:05.000 MST"), pid, who, text)
	}
	if !s.open {
		return
	}
	s.write(name, at, line(at, pid, who, fmt.Sprintf(format, args...)))
	l := s.texts[name]
	if l == nil {
		return
	}
	l.weekly = true
	l.head = func(at event.Time) string { return line(at, 1, "", "LOG:  "+event.ExerciseMark) }
}

// pgSession logs a connection over the network and returns its process.
func (s *server) pgSession(d *dice, at event.Time, user, database string, from host) int {
	pid := d.between(2000, 30000)
	s.postgres(at, pid, "[unknown]@[unknown]", "LOG:  connection received: host=%s port=%d", from.address, d.port())
	s.postgres(at.Add(6e6), pid, user+"@"+database, "LOG:  connection authorized: user=%s database=%s application_name=%s", user, database, "portal")
	return pid
}
