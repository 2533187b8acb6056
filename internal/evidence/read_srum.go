package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// srumReader reads SRUDB.dat, in which Windows 8 and later, Server 2022 and later, keep the use that each program made of
// the machine and of the network, hour by hour for 30 to 60 days: bytes sent and received by program and account above
// all. Rows name programs and accounts by number; the table SruDbIdMapTable says which. Ids that it lacks stay numbers.
var srumReader = reader{"srum", isSRUM, readSRUM}

// srumTables are the tables that become events, in the order in which they are read, with the channel of each.
var srumTables = []struct{ name, channel string }{
	{"{973F5D5C-1D90-4944-BE8E-24B94231A174}", "srum network"},
	{"{D10CA2FE-6FCF-4F6D-848E-B2E99266FA89}", "srum application"},
	{"{DD6636C4-8929-4683-974E-22C046A43763}", "srum connectivity"},
}

const (
	srumIDTable = "SruDbIdMapTable"
	maxSRUMIDs  = 1 << 17
	maxSRUMText = 32 << 20
)

// isSRUM takes a database that bears the name: other databases of the engine have the same header.
func isSRUM(head []byte, name string) bool {
	return len(head) >= 240 && string(head[4:8]) == eseSignature && strings.Contains(strings.ToLower(name[strings.LastIndexByte(name, '/')+1:]), "srudb")
}

func readSRUM(ctx context.Context, in *input, out *output) error {
	p, err := in.pages(ctx)
	if err != nil {
		return err
	}
	db, why := openESE(ctx, p)
	if why != "" {
		out.damage(0, -1, why)
		return p.err
	}
	db.damage = out.damage
	if db.dirty {
		out.note("the database was in use when it was copied: its last rows may stand in its logs only")
	}
	s := &srum{db: db, out: out, ids: map[uint32]srumID{}}
	tables := db.tables(func(name string) bool {
		for _, t := range srumTables {
			if strings.EqualFold(t.name, name) {
				return true
			}
		}
		return name == srumIDTable
	})
	for i := range tables {
		if tables[i].name == srumIDTable {
			s.learn(&tables[i])
		}
	}
	found := false
	for _, want := range srumTables {
		for i := range tables {
			if strings.EqualFold(tables[i].name, want.name) {
				found = true
				s.table(&tables[i], want.channel)
			}
		}
	}
	if !found && p.err == nil && ctx.Err() == nil {
		out.damage(0, -1, "no table of resource usage found")
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.err
}

// srum is one database being read.
type srum struct {
	db    *eseDatabase
	out   *output
	ids   map[uint32]srumID
	bytes int // of all ids
	text  scratch
	rec   event.Record
	next  uint64
}

// srumID is what a number stands for: a program's path or a service in UTF-16, or an account's SID.
type srumID struct {
	kind byte
	blob []byte
}

const srumAccount = 3

// learn reads what numbers stand for.
func (s *srum) learn(t *eseTable) {
	row := eseRow{columns: t.columns}
	kind, index, blob := t.column("IdType"), t.column("IdIndex"), t.column("IdBlob")
	if kind < 0 || index < 0 || blob < 0 {
		s.out.note("the table of programs and accounts has other columns than are known: they stay numbers")
		return
	}
	s.db.records(t.root, func(rec []byte, offset int64) {
		if !row.decode(rec, s.db.large) {
			s.out.damage(offset, int64(s.db.size), "row makes no sense")
			return
		}
		b := row.values[blob]
		if len(b) == 0 || len(s.ids) >= maxSRUMIDs || s.bytes+len(b) > maxSRUMText {
			return
		}
		s.bytes += len(b)
		s.ids[uint32(row.integer(index))] = srumID{byte(row.integer(kind)), bytes.Clone(b)}
	})
}

// column finds a column by its name, -1 if there is none.
func (t *eseTable) column(name string) int {
	for i := range t.columns {
		if t.columns[i].name == name {
			return i
		}
	}
	return -1
}

// srumNames are the names under which rules know columns; all others keep their own.
var srumNames = map[string]string{"AutoIncId": "RecordId", "BytesRecvd": "BytesReceived"}

// table yields the rows of a table. Image and User come first, then its columns.
func (s *srum) table(t *eseTable, channel string) {
	names := []string{"Image", "User"}
	for _, c := range t.columns {
		name := c.name
		if n, ok := srumNames[name]; ok {
			name = n
		}
		names = append(names, name)
	}
	schema := event.TextSchema(event.Source{Product: "windows", Channel: channel}, names...)
	want := s.out.want(schema)
	slots := make([]event.Value, len(names))
	row := eseRow{columns: t.columns}
	number, stamp, app, user := t.column("AutoIncId"), t.column("TimeStamp"), t.column("AppId"), t.column("UserId")
	s.db.records(t.root, func(rec []byte, offset int64) {
		if !row.decode(rec, s.db.large) {
			s.out.damage(offset, int64(s.db.size), "row makes no sense")
			return
		}
		s.rec = event.Record{Schema: schema, Time: event.NoTime, Offset: offset}
		if stamp >= 0 {
			s.rec.Time = oleTime(row.values[stamp])
		}
		if number >= 0 {
			s.rec.Number = row.integer(number)
		}
		if want {
			s.text = s.text[:0]
			clear(slots)
			slots[0], slots[1] = s.named(&row, app), s.named(&row, user)
			for i, c := range t.columns {
				slots[2+i] = s.value(c, row.values[i])
			}
			s.rec.Slots = slots
		}
		s.out.take(&s.rec)
	})
}

// named is what the number in a column stands for.
func (s *srum) named(row *eseRow, column int) event.Value {
	if column < 0 || row.values[column] == nil {
		return event.Value{}
	}
	id, ok := s.ids[uint32(row.integer(column))]
	switch {
	case !ok:
		return event.Value{}
	case id.kind == srumAccount:
		return event.Value{Type: event.SID, Raw: id.blob}
	}
	return event.Value{Type: event.UTF16, Raw: id.blob}
}

// value renders a column: numbers as they are, the time of connections as an instant.
func (s *srum) value(c eseColumn, b []byte) event.Value {
	switch {
	case b == nil:
		return event.Value{}
	case c.kind == 8:
		if t := oleTime(b); t != event.NoTime {
			return s.text.made(event.UTF8, append(s.text, t.String()...))
		}
		return event.Value{}
	case c.name == "ConnectStartTime" && len(b) == 8:
		return event.Value{Type: event.FileTime, Raw: b}
	}
	switch c.kind {
	case 1, 2:
		return event.Value{Type: event.Uint8, Raw: b}
	case 3:
		return event.Value{Type: event.Int16, Raw: b}
	case 4:
		return event.Value{Type: event.Int32, Raw: b}
	case 5, 15:
		return event.Value{Type: event.Int64, Raw: b}
	case 6:
		return s.text.made(event.Number, strconv.AppendFloat(s.text, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 'f', -1, 32))
	case 7:
		return event.Value{Type: event.Float64, Raw: b}
	case 14:
		return event.Value{Type: event.Uint32, Raw: b}
	case 16:
		return event.Value{Type: event.GUID, Raw: b}
	case 17:
		return event.Value{Type: event.Uint16, Raw: b}
	case 10, 12:
		return event.Value{Type: event.UTF16, Raw: b}
	}
	return event.Value{Type: event.Binary, Raw: b}
}

// oleTime reads a time of the engine: days since 1899-12-30 in UTC, to the second.
func oleTime(b []byte) event.Time {
	if len(b) != 8 {
		return event.NoTime
	}
	days := math.Float64frombits(binary.LittleEndian.Uint64(b))
	if !(days > 1 && days < 131_000) { // up to the year 2258; NaN is none
		return event.NoTime
	}
	return unixTime(int64(math.Round((days-25569)*86400)), 0)
}
