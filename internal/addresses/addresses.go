// Package addresses knows what databases tell of Internet addresses: in which network one lies, who holds it, in which
// country it is registered, and as of when.
//
// A database is a file that the user brings: an mmdb of any maker, or CSV. Several are asked in turn, and for each
// question the first that knows wins. What none knows is not known: nothing is guessed from neighbours.
package addresses

import (
	"bytes"
	"cmp"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// Fact is one thing that a database tells, and which database of when. Value is "" where none knows.
type Fact struct {
	Value  string
	Source string // name and date
}

// Network is what is told of an address.
type Network struct {
	Country Fact // ISO 3166 code, in capitals
	ASN     Fact // AS64501
	Holder  Fact
}

// Known reports whether anything is told.
func (n *Network) Known() bool {
	return n.Country.Value != "" || n.ASN.Value != "" || n.Holder.Value != ""
}

// source is one database.
type source interface {
	look(netip.Addr) row
}

// row is what one database tells of an address.
type row struct{ country, asn, holder, source string }

// Bases are databases, asked in turn.
type Bases []source

// maxFile is how large a database may be.
const maxFile = 1 << 30

// Read adds a database by its content; name is its file's. Problems are rows that could not be read.
func (b *Bases) Read(name string, content []byte) (problems []string, err error) {
	name = filepath.Base(name)
	if len(content) > maxFile {
		return nil, fmt.Errorf("read address database %q: it is larger than %d bytes", name, maxFile)
	}
	var s source
	if isMMDB(content) {
		s, err = openMMDB(name, content)
	} else {
		s, problems, err = readCSV(name, bytes.NewReader(content))
	}
	if err != nil {
		return problems, fmt.Errorf("read address database %q: %w", name, err)
	}
	*b = append(*b, s)
	return problems, nil
}

// Look returns what the databases tell of an address.
func (b Bases) Look(a netip.Addr) (n Network) {
	a = a.Unmap().WithZone("")
	for _, s := range b {
		r := s.look(a)
		for _, f := range []struct {
			to    *Fact
			value string
		}{{&n.Country, r.country}, {&n.ASN, r.asn}, {&n.Holder, r.holder}} {
			if f.to.Value == "" && f.value != "" {
				*f.to = Fact{f.value, r.source}
			}
		}
	}
	return n
}

// country writes a code as ISO 3166 does; what is no code, or stands for none, is "".
func country(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 2 || s == "ZZ" || s == "XX" || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ""
	}
	return s
}

// asn writes an autonomous system's number as AS64501; "" for what is none.
func asn(s string) string {
	s = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "AS")
	if s == "" || len(s) > 10 || strings.Trim(s, "0123456789") != "" || strings.Trim(s, "0") == "" {
		return ""
	}
	return "AS" + s
}

// maxText bounds a holder's name.
const maxText = 200

func text(s string) string {
	s = strings.ToValidUTF8(strings.Join(strings.Fields(s), " "), "")
	if s == "-" || s == "*" || strings.EqualFold(s, "not routed") {
		return ""
	}
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}

// table is a database of ranges in memory, in order. Of ranges that overlap the narrowest counts.
type table struct {
	ranges []stretch
	rows   []row
}

// stretch is a range of addresses, both ends included.
type stretch struct {
	from, to netip.Addr
	row      uint32
}

// sort puts the ranges in order, the wider before the narrower.
func (t *table) sort() {
	slices.SortStableFunc(t.ranges, func(a, b stretch) int { return cmp.Or(a.from.Compare(b.from), b.to.Compare(a.to)) })
}

// maxBack bounds the ranges that are looked through for one that holds an address.
const maxBack = 4096

func (t *table) look(a netip.Addr) row {
	i, _ := slices.BinarySearchFunc(t.ranges, a, func(s stretch, a netip.Addr) int {
		if s.from.Compare(a) <= 0 {
			return -1
		}
		return 1
	})
	for k := i - 1; k >= 0 && k >= i-maxBack; k-- {
		if s := t.ranges[k]; s.from.BitLen() == a.BitLen() && s.to.Compare(a) >= 0 {
			return t.rows[s.row]
		}
	}
	return row{}
}
