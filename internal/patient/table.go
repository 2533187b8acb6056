package patient

import "strings"

// table reads rows of cells: it looks at the first ones to learn what each column holds, by its heading and by a vote of its values, and
// then counts the persons of all rows. Its memory is that of the rows it looks at.
type table struct {
	t       *tally
	o       *Options
	name    string // of the table, sheet or file
	columns []column
	rows    [][]string // that wait for the decision
	bytes   int
	decided bool
	wanted  bool
	why     string
	level   confidence
	p       person
	used    bool // a row gave something

	nameless bool                 // nobody says what its columns are
	refused  func(cells []string) // is given the rows of a table that holds no patients; nil for nobody
}

type column struct {
	heading string
	role    role
	sole    bool
}

const (
	waitRows   = 400
	waitBytes  = 1 << 20
	maxColumns = 400
	maxCell    = 512
	// A column without a heading that tells is Aadhaar numbers if this share of so many distinct values are.
	voteShare, voteDistinct = 0.8, 20
	// A column of codes is diagnoses if that share of so many distinct ones have the form of ICD-10; it lists no table by itself.
	codesDistinct = 3
)

func newTable(t *tally, o *Options, name string, heading []string) *table {
	b := &table{t: t, o: o, name: name}
	for _, h := range heading[:min(len(heading), maxColumns)] {
		r, sole := roleOf(h)
		if o.numberHeadings[folded(h)] {
			r, sole = rolePatientID, true
		}
		b.columns = append(b.columns, column{h, r, sole})
	}
	return b
}

// has reports whether a column has a role.
func (b *table) has(r role) bool {
	for i := range b.columns {
		if b.columns[i].role == r {
			return true
		}
	}
	return false
}

// row takes the cells of a row. They may be reused after it.
func (b *table) row(cells []string) {
	if b.decided {
		if b.wanted {
			b.count(cells)
		} else if b.refused != nil {
			b.refused(cells)
		}
		return
	}
	kept := make([]string, min(len(cells), maxColumns))
	for i := range kept {
		c := cells[i]
		if len(c) > maxCell {
			c = c[:maxCell]
		}
		kept[i] = c
		b.bytes += len(c)
	}
	b.rows = append(b.rows, kept)
	if len(b.rows) >= waitRows || b.bytes >= waitBytes {
		b.decide()
	}
}

// end decides over a short table.
func (b *table) end() {
	if !b.decided {
		b.decide()
	}
}

func (b *table) decide() {
	b.decided = true
	b.vote()
	b.level, b.why = b.judge()
	b.wanted = b.level > none
	for _, r := range b.rows {
		if b.wanted {
			b.count(r)
		} else if b.refused != nil {
			b.refused(r)
		}
	}
	b.rows = nil
}

// vote gives a role to columns by their values, and takes it from those whose values do not fit it.
func (b *table) vote() {
	for i := range b.columns {
		c := &b.columns[i]
		total, aadhaar, patterns, icd := 0, 0, 0, 0
		distinct, codes := map[string]bool{}, map[string]bool{}
		for _, r := range b.rows {
			if i >= len(r) || r[i] == "" {
				continue
			}
			total++
			if isAadhaar(r[i]) {
				aadhaar++
				distinct[bare(r[i])] = true
			}
			if isICD10(r[i]) {
				icd++
				codes[r[i]] = true
			}
			if b.o.number(r[i]) {
				patterns++
			}
		}
		switch {
		case total == 0:
		case c.role == noRole && len(distinct) >= voteDistinct && float64(aadhaar) >= voteShare*float64(total):
			c.role = roleAadhaar
		case c.role == noRole && len(codes) >= codesDistinct && float64(icd) >= voteShare*float64(total) && speaksOfCodes(c.heading):
			c.role = roleDiagnosis
		case c.role == roleAadhaar && aadhaar == 0:
			c.role = noRole
		case c.role == noRole && float64(patterns) >= voteShare*float64(total):
			c.role, c.sole = rolePatientID, true
		case c.role == rolePAN && !b.any(i, isPAN), c.role == roleVoterID && !b.any(i, isEPIC), c.role == roleABHA && !b.any(i, isABHA), c.role == roleABHAAddress && !b.any(i, isABHAAddress):
			c.role = noRole
		case (c.role == rolePatientID || c.role == roleRecordID) && !b.any(i, plausibleNumber):
			c.role = noRole
		case c.role == roleBirth && !b.any(i, func(s string) bool { return birthOf(s) != "" || serialDate(s) != "" }):
			c.role = noRole
		case c.role == roleSex && !b.any(i, func(s string) bool { return plainSex(s) != "" || len(s) <= 2 }):
			c.role = noRole
		case c.role == roleMobile && !b.any(i, func(s string) bool { return digits(s) >= 8 }):
			c.role = noRole
		}
	}
}

func speaksOfCodes(heading string) bool {
	f := folded(heading)
	return strings.Contains(f, "code") || strings.Contains(f, "icd") || strings.Contains(f, "diag") || strings.HasPrefix(f, "dx")
}

func (b *table) any(i int, is func(string) bool) bool {
	for _, r := range b.rows {
		if i < len(r) && is(r[i]) {
			return true
		}
	}
	return false
}

func digits(s string) (n int) {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			n++
		}
	}
	return n
}

// plausibleNumber reports whether a cell may hold the number of a patient: it has a digit, and no spaces make a sentence of it.
func plausibleNumber(s string) bool {
	spaces := 0
	for i := range len(s) {
		if s[i] == ' ' {
			spaces++
		}
	}
	return digits(s) > 0 && spaces <= 2 && len(s) <= 64
}

// judge says whether the rows are data of patients, by what the columns are.
func (b *table) judge() (confidence, string) {
	var is [roleCount]bool
	sole, health, clearly, patient := false, 0, 0, false
	number := false // a person's, and not the number of a process
	for _, c := range b.columns {
		if c.role == noRole || len(b.rows) == 0 {
			continue
		}
		is[c.role] = true
		patient = patient || c.role == rolePatientID && strings.HasPrefix(folded(c.heading), "pat")
		number = number || c.role == rolePatientID && folded(c.heading) != "pid"
		sole = sole || c.sole && !c.role.health()
		if c.role.health() {
			health++
			if c.sole {
				clearly++
			}
		}
	}
	named := is[roleName] || is[roleNamePart] || is[rolePatientName]
	details := 0
	for _, r := range []role{roleBirth, roleAge, roleSex, roleMobile, roleAddress, roleEmail, roleAadhaar, roleABHA, rolePAN, roleVoterID, roleOtherNational, roleInsurance} {
		if is[r] {
			details++
		}
	}
	about := sole || ofPatients(b.name) && (is[rolePatientID] || is[roleRecordID] || named)
	national := is[roleAadhaar] || is[roleABHA] || is[roleABHAAddress]
	switch {
	case about && (named && details+health > 0 || health > 1 || details > 1 || national):
		return high, "rows of patients: columns with their number or name, and what is told of them"
	case about && (named || health > 0 || details > 0):
		return moderate, "rows about patients, by the headings of columns"
	case national:
		return moderate, "a column of Aadhaar or ABHA numbers"
	case is[rolePatientID] && (health > 0 && (named && number || details > 0 || clearly > 0 || len(b.columns) >= 4 && health > 1) || named && details > 0):
		return moderate, "rows with a person's hospital number and health data, by the headings of columns"
	case patient && health+details > 0:
		return moderate, "rows that refer to patients by number, with health data"
	case named && (is[roleBirth] || is[roleAge] && is[roleSex]) && clearly > 0:
		return moderate, "rows of people with health data, by the headings of columns"
	case about && is[rolePatientID] && len(b.columns) > 1:
		return low, "rows that refer to patients by number"
	case named && is[roleBirth] && details >= 3:
		return low, "rows of people with birth date and ways to reach them; nothing of health"
	case b.nameless && len(b.rows) > 0 && ofPatients(b.name):
		return low, nameless
	}
	return none, ""
}

// nameless is said of rows whose columns nobody names, in a table whose name speaks of patients.
const nameless = "rows of a table whose name speaks of patients; its columns are not known"

// count counts the person of one row.
func (b *table) count(cells []string) {
	b.p.reset()
	p, name := &b.p, ""
	told := kinds(0)
	for i, c := range b.columns {
		if i >= len(cells) || c.role == noRole || cells[i] == "" || cells[i] == "NULL" || cells[i] == `\N` {
			continue
		}
		v := cells[i]
		if len(v) > maxCell {
			v = v[:maxCell]
		}
		if c.role == roleName || c.role == rolePatientName || c.role == roleNamePart {
			if c.role == rolePatientName || c.role == roleNamePart || p.name == "" {
				name += " " + v
			}
			continue
		}
		if !c.internal() {
			b.t.field(p, c.role, v, &told)
		}
	}
	// Keys of a database come after the numbers that a hospital gives: another database has the same ones for other people.
	for _, r := range []role{rolePatientID, roleRecordID} {
		for i, c := range b.columns {
			if i < len(cells) && c.role == r && c.internal() && (r == rolePatientID || ofPatients(b.name)) {
				if v := cells[i][:min(len(cells[i]), maxCell)]; plausibleNumber(v) {
					p.key(v)
				}
			}
		}
	}
	if p.name = name; name == "" && len(p.ids) == 0 && told.health() == 0 && b.why != nameless {
		return
	}
	if !b.used {
		b.used = true
		b.t.sure(b.level, b.why)
	}
	b.t.person(p)
}

// internal reports whether a column may hold the key of a database rather than a number that a hospital gives.
func (c *column) internal() bool {
	f := folded(c.heading)
	return c.role == roleRecordID || c.role == rolePatientID && (strings.HasPrefix(f, "pat") || f == "pid" || f == "puid" || f == "subjectid")
}

// field takes one value by its role: into the person what tells who it is, into the tally what else is told of them. A
// kind of health data is counted once for each record.
func (t *tally) field(p *person, r role, v string, told *kinds) {
	switch r {
	case rolePatientID:
		if plausibleNumber(v) {
			p.id(HospitalNumber, "", v)
		}
	case rolePatientName, roleName, roleNamePart:
		p.name += " " + v
	case roleBirth:
		if p.birth = v; birthOf(v) == "" {
			p.birth = serialDate(v)
		}
	case roleSex:
		p.sex = v
	case roleAadhaar:
		if isAadhaar(v) {
			p.id(Aadhaar, "", bare(v))
		}
	case roleABHA:
		if isABHA(v) {
			p.id(ABHANumber, "", bare(v))
		} else if isABHAAddress(v) {
			p.id(ABHAAddress, "", v)
		}
	case roleABHAAddress:
		if isABHAAddress(v) {
			p.id(ABHAAddress, "", v)
		}
	case rolePAN:
		if isPAN(v) {
			p.id(PAN, "", v)
		}
	case roleVoterID:
		if isEPIC(v) {
			p.id(VoterID, "", v)
		}
	case roleOtherNational:
		if digits(v) >= 4 {
			p.id(OtherNational, "", v)
		}
	case roleMobile:
		if digits(v) >= 8 {
			t.saw(Mobile, v)
		}
	default:
		k, ok := kindOf[r]
		if ok && !told.has(k) {
			told.add(k)
			t.saw(k, v)
		}
	}
}
