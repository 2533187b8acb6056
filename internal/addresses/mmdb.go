package addresses

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// mmdbMark stands before the metadata at the end of an mmdb (MaxMind DB File Format 2.0).
var mmdbMark = []byte("\xab\xcd\xefMaxMind.com")

func isMMDB(content []byte) bool {
	return bytes.Contains(content[max(0, len(content)-128<<10):], mmdbMark)
}

// mmdb is a database of that format.
type mmdb struct {
	db     *maxminddb.Reader
	source string
}

func openMMDB(name string, content []byte) (*mmdb, error) {
	db, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, err
	}
	m := &mmdb{db: db, source: name}
	if kind := text(db.Metadata.DatabaseType); kind != "" {
		m.source = fmt.Sprintf("%s (%s)", name, cut(kind))
	}
	if e := db.Metadata.BuildEpoch; e > 0 && e < 1<<33 {
		m.source += " " + time.Unix(int64(e), 0).UTC().Format(time.DateOnly)
	}
	return m, nil
}

// record holds the fields of the makers' databases, flat or nested. A field of another type than expected is passed over.
type record map[string]any

func (m *mmdb) look(a netip.Addr) row {
	var rec record
	res := m.db.Lookup(a)
	if !res.Found() || res.Decode(&rec) != nil {
		return row{}
	}
	out := row{source: m.source}
	for _, path := range []string{"country_code", "country.iso_code", "country", "registered_country.iso_code"} {
		if out.country == "" {
			out.country = country(rec.at(path))
		}
	}
	for _, path := range []string{"autonomous_system_number", "asn", "as_number"} {
		if out.asn == "" {
			out.asn = asn(rec.at(path))
		}
	}
	for _, path := range []string{"autonomous_system_organization", "as_name", "organization", "isp", "as_organization", "name"} {
		if out.holder == "" {
			out.holder = text(rec.at(path))
		}
	}
	return out
}

// at is the text or number at a path of names, "" if there is none.
func (r record) at(path string) string {
	name, rest, nested := strings.Cut(path, ".")
	switch v := r[name].(type) {
	case map[string]any:
		if nested {
			return record(v).at(rest)
		}
	case string:
		if !nested {
			return v
		}
	case uint16, uint32, uint64, int, int32:
		if !nested {
			return fmt.Sprint(v)
		}
	}
	return ""
}
