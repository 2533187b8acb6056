package addresses

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
)

// spelled names the columns of address databases as their makers do.
var spelled = map[string]string{
	"from": "from", "start": "from", "start_ip": "from", "ip_start": "from", "first": "from", "network": "from", "cidr": "from", "prefix": "from", "range_start": "from",
	"to": "to", "end": "to", "end_ip": "to", "ip_end": "to", "last": "to", "range_end": "to",
	"country": "country", "country_code": "country", "cc": "country", "country_iso_code": "country",
	"asn": "asn", "as": "asn", "as_number": "asn", "autonomous_system_number": "asn",
	"holder": "holder", "org": "holder", "organization": "holder", "organisation": "holder", "as_name": "holder", "as_organization": "holder", "name": "holder", "isp": "holder",
	"autonomous_system_organization": "holder", "description": "holder", "netname": "holder",
	"date": "date", "as_of": "date", "updated": "date",
}

const (
	maxRows     = 8 << 20
	maxProblems = 20
)

// readCSV reads ranges: from, to, country, asn, holder, date, by a header in any order. from may be a whole network
// (198.51.100.0/24). Without a header the columns follow from what they hold: two addresses, then a country, or a number and
// a name. A row that cannot be read is a problem and nothing else is lost.
func readCSV(name string, r io.Reader) (*table, []string, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	if bom, _ := b.Peek(3); string(bom) == "\xef\xbb\xbf" {
		b.Discard(3)
	}
	c := csv.NewReader(b)
	c.FieldsPerRecord, c.ReuseRecord, c.LazyQuotes, c.TrimLeadingSpace = -1, true, true, true
	if head, _ := b.Peek(4096); strings.Count(string(head), ";") > strings.Count(string(head), ",") {
		c.Comma = ';'
	} else if strings.Count(string(head), "\t") > strings.Count(string(head), ",") {
		c.Comma = '\t'
	}
	t := &table{}
	in := intake{name: name, table: t, seen: map[row]uint32{}}
	for line := 1; ; line++ {
		rec, err := c.Read()
		switch {
		case errors.Is(err, io.EOF):
			if in.at == nil {
				return nil, in.problems, errors.New("it holds no rows of addresses")
			}
			t.sort()
			return t, in.problems, nil
		case err != nil:
			in.problem(line, err.Error())
			continue
		case in.at == nil:
			if !in.head(rec) {
				return nil, nil, errors.New("its first line has neither addresses nor a column from; it must be from,to,country,asn,holder,date")
			}
			if !in.plain {
				continue
			}
		}
		if len(t.ranges) >= maxRows {
			return nil, in.problems, fmt.Errorf("it has more than %d rows", maxRows)
		}
		in.take(line, rec)
	}
}

// intake is a file of ranges while it is read.
type intake struct {
	name     string
	table    *table
	at       map[string]int // of each column
	plain    bool           // there is no header
	seen     map[row]uint32
	problems []string
}

func (in *intake) problem(line int, says string) {
	if len(in.problems) < maxProblems {
		in.problems = append(in.problems, fmt.Sprintf("line %d: %s", line, says))
	}
}

// head finds the columns.
func (in *intake) head(rec []string) bool {
	at := map[string]int{}
	for i, name := range rec {
		name = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(name)))
		if c := spelled[name]; c != "" {
			if _, twice := at[c]; !twice {
				at[c] = i
			}
		}
	}
	if _, ok := at["from"]; ok {
		in.at = at
		return true
	}
	if len(rec) < 2 {
		return false
	}
	first, _, ok := bounds(rec[0], "")
	if !ok {
		return false
	}
	in.plain, in.at = true, map[string]int{"from": 0}
	next := 1
	if second, err := netip.ParseAddr(strings.TrimSpace(rec[1])); err == nil && second.BitLen() == first.BitLen() {
		in.at["to"], next = 1, 2
	}
	for i := next; i < len(rec); i++ {
		column := "holder"
		switch {
		case country(rec[i]) != "":
			column = "country"
		case asn(rec[i]) != "":
			column = "asn"
		}
		if _, twice := in.at[column]; !twice {
			in.at[column] = i
		}
	}
	return true
}

func (in *intake) cell(rec []string, column string) string {
	if i, ok := in.at[column]; ok && i < len(rec) {
		return strings.TrimSpace(rec[i])
	}
	return ""
}

func (in *intake) take(line int, rec []string) {
	from, to, ok := bounds(in.cell(rec, "from"), in.cell(rec, "to"))
	if !ok {
		in.problem(line, fmt.Sprintf("%q to %q is no range of addresses", cut(in.cell(rec, "from")), cut(in.cell(rec, "to"))))
		return
	}
	r := row{country: country(in.cell(rec, "country")), asn: asn(in.cell(rec, "asn")), holder: text(in.cell(rec, "holder"))}
	r.source = strings.TrimSpace(in.name + " " + cut(text(in.cell(rec, "date"))))
	n, ok := in.seen[r]
	if !ok {
		r = row{strings.Clone(r.country), strings.Clone(r.asn), strings.Clone(r.holder), r.source}
		n = uint32(len(in.table.rows))
		in.table.rows = append(in.table.rows, r)
		in.seen[r] = n
	}
	in.table.ranges = append(in.table.ranges, stretch{from, to, n})
}

// bounds reads a range: two addresses, a network, or one address.
func bounds(from, to string) (a, b netip.Addr, ok bool) {
	from = strings.TrimSpace(from)
	if p, err := netip.ParsePrefix(from); err == nil {
		p = p.Masked()
		return p.Addr(), last(p), !p.Addr().Is4In6()
	}
	a, err := netip.ParseAddr(from)
	if err != nil || a.Zone() != "" {
		return a, b, false
	}
	if b = a; to != "" {
		if b, err = netip.ParseAddr(strings.TrimSpace(to)); err != nil || b.Zone() != "" {
			return a, b, false
		}
	}
	a, b = a.Unmap(), b.Unmap()
	return a, b, a.BitLen() == b.BitLen() && a.Compare(b) <= 0
}

// last is the last address of a network.
func last(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for i := p.Bits(); i < len(bytes)*8; i++ {
		bytes[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(bytes)
	return a
}

func cut(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:60], "") + "…"
	}
	return s
}
