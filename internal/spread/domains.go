package spread

import (
	"bytes"
	"slices"
	"strings"

	"wardround/internal/event"
)

// Domains knows by which names a Windows domain goes. Two logons of accounts with one domain's SID, the one told with its NetBIOS name
// (AROGYA) and the other with its DNS name (ad.dham.example), say that both are that domain's: the one need not be the first label of the
// other ([MS-ADTS] 6.1.1.3.2.1). By the SID without the account's number: the names, in lower case and in order.
type Domains map[string][]string

const (
	maxDomains     = 4096 // SIDs: of domains, and of computers with accounts of their own
	maxDomainNames = 8    // of one SID
)

// Domain appends what a record says of a domain's name, ready to be learnt: the SID of the domain and the name, as they stand. Nothing
// where it tells of no account that somebody made.
func (p People) Domain(r *event.Record, sid, buf []byte) []byte {
	end := bytes.LastIndexByte(sid, '-')
	v := r.First(p.domain)
	if end < len(accountSID) || v.IsNull() {
		return buf[:0]
	}
	buf = append(append(buf[:0], sid[:end]...), '\\')
	was := len(buf)
	if buf = v.AppendText(buf); len(buf) == was || len(buf) > was+maxName || string(buf[was:]) == "-" {
		return buf[:0]
	}
	return buf
}

// Learn notes what Domain read.
func (d Domains) Learn(told string) {
	sid, name, _ := strings.Cut(strings.ToLower(told), `\`)
	names, known := d[sid]
	if !known && len(d) >= maxDomains || len(names) >= maxDomainNames {
		return
	}
	if i, found := slices.BinarySearch(names, name); !found {
		d[strings.Clone(sid)] = slices.Insert(names, i, strings.Clone(name))
	}
}

// Merge takes over what another artifact tells.
func (d Domains) Merge(o Domains) {
	for sid, names := range o {
		for _, n := range names {
			d.Learn(sid + `\` + n)
		}
	}
}

// Flat lists, by DNS name, the NetBIOS names of domains that are not its first label. Where a SID has several NetBIOS names, as those of
// cloned computers have, or a DNS name several, nothing is known of it.
func (d Domains) Flat() map[string]string {
	out := map[string]string{}
	for sid := range d {
		flat := d.flat(sid)
		for _, n := range d[sid] {
			if flat == "" || !dotted(n) {
				continue
			}
			if old, ok := out[n]; ok && old != flat {
				out[n] = ""
			} else {
				out[n] = flat
			}
		}
	}
	for dns, flat := range out {
		if first, _, _ := strings.Cut(dns, "."); flat == "" || flat == first {
			delete(out, dns)
		}
	}
	return out
}

func dotted(name string) bool { return strings.Contains(name, ".") }

// flat is the one NetBIOS name of a domain that has a DNS name too, "" where there is none.
func (d Domains) flat(sid string) string {
	flat, dns := "", false
	for _, n := range d[sid] {
		switch {
		case dotted(n):
			dns = true
		case flat != "":
			return ""
		default:
			flat = n
		}
	}
	if !dns {
		return ""
	}
	return flat
}

// Account spells the account that bears a SID with its domain's NetBIOS name, where that is known, as it stands otherwise.
func (d Domains) Account(sid, account string) string {
	end := strings.LastIndexByte(sid, '-')
	if end < 0 || account == "" {
		return account
	}
	if flat := d.flat(strings.ToLower(sid[:end])); flat != "" {
		return flat + `\` + AccountName(account)
	}
	return account
}

// OneName spells an account with its domain's NetBIOS name where Flat knows one, as it stands otherwise.
func OneName(account string, flat map[string]string) string {
	if len(flat) == 0 {
		return account
	}
	if domain, name, ok := strings.Cut(account, `\`); ok {
		if f := flat[strings.ToLower(strings.TrimSuffix(domain, "."))]; f != "" {
			return f + `\` + name
		}
	} else if name, realm, ok := strings.Cut(account, "@"); ok {
		if f := flat[strings.ToLower(strings.TrimSuffix(realm, "."))]; f != "" {
			return f + `\` + name
		}
	}
	return account
}
