package patient

import "strings"

// tree takes what JSON and XML hold: objects (elements) that hold named values and other objects. Only objects that are open are kept, each
// with a bounded number of values. When one closes it is judged: a resource of FHIR, a patient of CDA, or a record whose names tell
// what its values are. What is none of these is left to the object around it.
type tree struct {
	t     *tally
	o     *Options
	stack []node
	deep  int // objects below maxDepth, which are passed over
	fhir  bool
	cda   bool
	roles map[string]named
	row   table
	p     person
}

type node struct {
	name    string
	fields  []field
	objects int
}

// field is a value with its name, and the names of the objects around it joined by dots.
type field struct{ path, name, value string }

type named struct {
	r    role
	sole bool
}

const (
	maxDepth  = 60
	maxFields = 200
	maxValue  = 2048
	maxRoles  = 10_000
)

func newTree(t *tally, o *Options) *tree {
	return &tree{t: t, o: o, roles: map[string]named{}, stack: []node{{}}}
}

func (x *tree) open(name string) {
	if len(x.stack) >= maxDepth {
		x.deep++
		return
	}
	x.stack[len(x.stack)-1].objects++
	if len(x.stack) < cap(x.stack) {
		x.stack = x.stack[:len(x.stack)+1]
		n := &x.stack[len(x.stack)-1]
		*n = node{name: name, fields: n.fields[:0]}
		return
	}
	x.stack = append(x.stack, node{name: name})
}

func (x *tree) value(name, text string) {
	n := &x.stack[len(x.stack)-1]
	if x.deep > 0 || text == "" || len(n.fields) >= maxFields {
		return
	}
	n.fields = append(n.fields, field{"", name, text})
}

// close ends the object that was opened last.
func (x *tree) close() {
	if x.deep > 0 {
		x.deep--
		return
	}
	if len(x.stack) < 2 {
		return
	}
	n := x.stack[len(x.stack)-1]
	x.stack = x.stack[:len(x.stack)-1]
	up := &x.stack[len(x.stack)-1]
	switch {
	case x.isResource(&n), x.cda && x.isPatientRole(&n), n.name == "PID" && x.isSegment(&n), x.isDataset(&n), !x.cda && !x.fhir && x.isRecord(&n):
		return
	case n.name == "identifier" || n.name == "id" && n.value("", "extension") != "":
		up.add(field{"", n.name, n.identifier()})
		return
	}
	name := n.name
	if t := n.attributeTag(); t != "" {
		name = t
	}
	for _, f := range n.fields {
		path := name
		if f.path != "" {
			path += "." + f.path
		}
		if len(path) > 200 {
			continue
		}
		up.add(field{path, f.name, f.value})
	}
}

func (n *node) add(f field) {
	if len(n.fields) < maxFields {
		n.fields = append(n.fields, f)
	}
}

// value is the first value of a name at a path.
func (n *node) value(path, name string) string {
	for i := range n.fields {
		if n.fields[i].name == name && n.fields[i].path == path {
			return n.fields[i].value
		}
	}
	return ""
}

// identifier makes one value of FHIR's Identifier and CDA's II: authority, type, number.
func (n *node) identifier() string {
	if e := n.value("", "extension"); e != "" {
		return n.value("", "root") + "\x00\x00" + e
	}
	return n.value("", "system") + "\x00" + n.value("type.coding", "code") + "\x00" + n.value("", "value")
}

// resources of FHIR (R4) that are about a patient, and what they tell. Definitions, organisations and practitioners are not among them.
var resources = map[string]Kind{
	"Observation": Observation, "Condition": Diagnosis, "Encounter": Visit, "EpisodeOfCare": Visit, "Appointment": Visit, "Procedure": Procedure, "DiagnosticReport": Laboratory, "Specimen": Laboratory, "ImagingStudy": Imaging, "Media": Imaging,
	"MedicationRequest": Medication, "MedicationStatement": Medication, "MedicationAdministration": Medication, "MedicationDispense": Medication, "AllergyIntolerance": Allergy, "Immunization": Immunisation, "Claim": Billing, "ClaimResponse": Billing,
	"ExplanationOfBenefit": Billing, "Coverage": Insurance, "CarePlan": Procedure, "CareTeam": Visit, "DocumentReference": Document, "Composition": Document, "ServiceRequest": Procedure, "Goal": Observation, "FamilyMemberHistory": Diagnosis,
	"QuestionnaireResponse": Observation, "Consent": Document, "Flag": Diagnosis, "RiskAssessment": Diagnosis, "NutritionOrder": Procedure, "DeviceRequest": Procedure, "DeviceUseStatement": Procedure, "Account": Billing, "Communication": Document,
	"ClinicalImpression": Diagnosis, "DetectedIssue": Diagnosis, "AdverseEvent": Diagnosis, "VisionPrescription": Medication, "SupplyDelivery": Procedure, "Device": Procedure, "ReferralRequest": Procedure, "MedicationOrder": Medication, "Task": Visit,
}

// isResource judges a resource of FHIR: R4, sections Patient and the compartment of a patient.
func (x *tree) isResource(n *node) bool {
	kind := n.value("", "resourceType")
	if kind == "" && x.fhir && n.name != "" && n.name[0] >= 'A' && n.name[0] <= 'Z' { // in XML, where elements of resources are small
		kind = n.name
	}
	switch kind {
	case "":
		return false
	case "Patient":
		x.fhirPatient(n)
		return true
	}
	x.p.reset()
	k, ok := resources[kind]
	if !ok {
		return x.refers(n, kind) // what Bundle and others held was judged
	}
	for _, path := range []string{"subject", "patient", "beneficiary", "for", "sourcePatientInfo"} {
		if ref := n.value(path, "reference"); ref != "" && (path != "for" && path != "subject" || strings.Contains(ref, "Patient") || strings.HasPrefix(ref, "urn:uuid:")) {
			x.p.key(reference(ref))
			if d := n.value(path, "display"); d != "" {
				x.p.name = d
			}
			break
		}
	}
	if len(x.p.ids) == 0 && (kind == "Task" || kind == "Device" || kind == "Communication" || kind == "Account" || len(n.fields) < 3) {
		return true
	}
	x.t.saw(k, "")
	if len(x.p.ids) > 0 {
		x.t.sure(high, "FHIR resources about a patient")
	} else {
		x.t.sure(low, "FHIR resources of the clinical kind that name no patient")
	}
	x.t.person(&x.p)
	return true
}

// refers judges a resource of any other kind: it is about a patient if it refers to one. Definitions do as well, for examples.
func (x *tree) refers(n *node, kind string) bool {
	switch {
	case strings.HasSuffix(kind, "Definition"), kind == "ImplementationGuide", kind == "ExampleScenario", kind == "TestScript", kind == "TestReport":
		return true
	}
	for _, f := range n.fields {
		if f.name == "reference" && (strings.HasPrefix(f.value, "Patient/") || strings.Contains(f.value, "/Patient/")) {
			x.p.key(reference(f.value))
			x.t.saw(Document, "")
			x.t.sure(high, "FHIR resources about a patient")
			x.t.person(&x.p)
			break
		}
	}
	return true
}

// reference is the identifier in "Patient/123", "https://server/Patient/123" or "urn:uuid:123".
func reference(ref string) string {
	ref = strings.TrimPrefix(ref, "urn:uuid:")
	if _, id, ok := strings.Cut(ref, "Patient?identifier="); ok {
		ref = id[strings.LastIndexByte(id, '|')+1:]
	}
	ref, _, _ = strings.Cut(ref, "/_history")
	return ref[strings.LastIndexByte(ref, '/')+1:]
}

func (x *tree) fhirPatient(n *node) {
	x.p.reset()
	var address, telecom, name bool
	for _, f := range n.fields {
		switch {
		case f.path == "" && f.name == "identifier":
			x.identifier(f.value)
		case f.path == "name" && (f.name == "family" || f.name == "given") && !name:
			x.p.name += " " + f.value
		case f.path == "name" && f.name == "use" && x.p.name != "":
			name = true // a further name begins
		case f.path == "name" && f.name == "text" && x.p.name == "":
			x.p.name = f.value
			name = true
		case f.path == "" && f.name == "birthDate":
			x.p.birth = f.value
		case f.path == "" && f.name == "gender":
			x.p.sex = f.value
		case f.path == "telecom" && f.name == "value" && !telecom:
			telecom = true
			x.t.saw(Mobile, f.value)
		case f.path == "address" && !address:
			address = true
			x.t.saw(Address, f.value)
		}
	}
	if x.p.name == "" && x.p.birth == "" && len(x.p.ids) == 0 && !telecom {
		return // a reference, a filter, a definition
	}
	if id := n.value("", "id"); id != "" {
		x.p.key(id)
	}
	x.t.sure(high, "FHIR resources of patients")
	x.t.person(&x.p)
}

// identifier takes a number by its authority and its type (HL7 table 0203).
func (x *tree) identifier(v string) {
	parts := strings.SplitN(v, "\x00", 3)
	if len(parts) < 3 || parts[2] == "" {
		return
	}
	system, code, value := parts[0], parts[1], parts[2]
	lower := strings.ToLower(system)
	switch {
	case isAadhaar(value) && (strings.Contains(lower, "aadhaar") || strings.Contains(lower, "uidai") || code == "ADN" || code == "NI" || code == "NNIND"):
		x.p.id(Aadhaar, "", bare(value))
	case isABHA(value) && (strings.Contains(lower, "abha") || strings.Contains(lower, "ndhm") || strings.Contains(lower, "abdm") || strings.Contains(lower, "healthid")):
		x.p.id(ABHANumber, "", bare(value))
	case isABHAAddress(value):
		x.p.id(ABHAAddress, "", value)
	case code == "SS" || code == "SB" || code == "NI" || code == "PPN" || code == "DL" || strings.Contains(lower, "us-ssn") || system == "2.16.840.1.113883.4.1":
		x.p.id(OtherNational, "", value)
	default:
		x.p.id(HospitalNumber, system, value)
	}
}

// isPatientRole judges the patient of a clinical document: CDA R2, recordTarget/patientRole.
func (x *tree) isPatientRole(n *node) bool {
	switch n.name {
	case "observation":
		x.t.saw(Observation, "")
	case "substanceAdministration":
		x.t.saw(Medication, "")
	case "procedure":
		x.t.saw(Procedure, "")
	case "encounter":
		x.t.saw(Visit, "")
	}
	if n.name != "patientRole" {
		return false
	}
	x.p.reset()
	for _, f := range n.fields {
		switch {
		case f.path == "" && f.name == "id":
			x.identifier(f.value)
		case strings.HasSuffix(f.path, "patient.name") && (f.name == "given" || f.name == "family"), f.path == "patient" && f.name == "name":
			if len(x.p.name) < 100 {
				x.p.name += " " + f.value
			}
		case f.path == "patient" && f.name == "birthTime", f.path == "patient.birthTime" && f.name == "value":
			x.p.birth = f.value
		case f.path == "patient.administrativeGenderCode" && f.name == "code":
			x.p.sex = f.value
		case strings.HasPrefix(f.path, "addr") || f.name == "addr":
			if !x.t.kinds.has(Address) {
				x.t.saw(Address, f.value)
			}
		case strings.HasPrefix(f.path, "telecom") && !x.t.kinds.has(Mobile):
			x.t.saw(Mobile, f.value)
		}
	}
	x.t.saw(Document, "")
	x.t.sure(high, "a clinical document (CDA) of a patient")
	x.t.person(&x.p)
	return true
}

// isRecord judges an object whose names tell what its values are, as a table's columns do.
func (x *tree) isRecord(n *node) bool {
	if len(n.fields) < 2 {
		return false
	}
	b := &x.row
	b.t, b.o, b.name, b.columns = x.t, x.o, n.name, b.columns[:0]
	cells := make([]string, 0, len(n.fields))
	telling := false
	for _, f := range n.fields {
		if len(f.value) > maxCell {
			continue
		}
		r := x.roleOf(f.name)
		if r.r == noRole || r.r == roleName && f.path != "" {
			continue
		}
		if r.r == roleRecordID && f.path != "" {
			continue
		}
		b.columns = append(b.columns, column{f.name, r.r, r.sole})
		cells = append(cells, f.value)
		telling = telling || r.r != roleName && r.r != roleRecordID && r.r != roleEmail
	}
	if !telling || len(cells) < 2 {
		return false
	}
	b.rows = append(b.rows[:0], cells)
	b.vote()
	b.level, b.why = b.judge()
	if b.level == none {
		return false
	}
	b.used = false
	b.count(cells)
	return b.used
}

func (x *tree) roleOf(name string) named {
	r, ok := x.roles[name]
	if !ok {
		r.r, r.sole = roleOf(name)
		if x.o.numberHeadings[folded(name)] {
			r = named{rolePatientID, true}
		}
		if len(x.roles) < maxRoles && len(name) < 100 {
			x.roles[strings.Clone(name)] = r
		}
	}
	return r
}
