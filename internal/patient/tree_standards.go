package patient

import "strings"

// isSegment judges a PID segment of HL7 v2 in XML (the standard's XML encoding, name space urn:hl7-org:v2xml): elements are named by segment and field,
// those in them by type and component.
func (x *tree) isSegment(n *node) bool {
	h := hl7{t: x.t, sep: hl7Separators{field: '|', component: '^', repetition: '~', escape: '\\', sub: '&'}}
	var id [5]string // components of the number at hand
	number := func() {
		if id[0] != "" {
			h.pid = true
			h.identifier(strings.Join(id[:], "^"))
		}
		id = [5]string{}
	}
	told := false
	for _, f := range n.fields {
		parts := strings.Split(strings.TrimPrefix(f.path+"."+f.name, "."), ".") // PID 3 CX 4 HD 1
		if len(parts) < 2 || parts[0] != "PID" {
			continue
		}
		told = true
		component := ""
		if len(parts) > 3 {
			component = parts[3]
		}
		v := strings.ReplaceAll(f.value, "^", " ")
		switch parts[1] {
		case "2", "3", "4":
			if component == "" || component == "1" {
				number()
				component = "1"
			}
			if at := strings.Index("12345", component); len(component) == 1 && at >= 0 && id[at] == "" {
				id[at] = v
			}
		case "5":
			if len(h.p.name) < 100 && (component == "" || component == "1" || component == "2") {
				h.pid, h.p.name = true, h.p.name+" "+v
			}
		case "7":
			if h.p.birth == "" {
				h.pid, h.p.birth = true, v
			}
		case "8":
			h.p.sex = v
		case "11":
			x.t.kinds.add(Address)
		case "13", "14":
			x.t.kinds.add(Mobile)
		}
	}
	number()
	if told {
		x.t.format = "hl7"
		h.finish()
	}
	return told
}

// attributeTag is the tag of an element that stands for one of a DICOM data set: the native model (PS3.19), and what dcm4che and DCMTK write.
func (n *node) attributeTag() string {
	if n.name != "DicomAttribute" && n.name != "attr" && n.name != "element" {
		return ""
	}
	if t := strings.ReplaceAll(n.value("", "tag"), ",", ""); len(t) == 8 && n.value("", "vr") != "" {
		return t
	}
	return ""
}

// aboutElement are names of what is told of an element beside its value, and of further spellings of a name.
var aboutElement = map[string]bool{"vr": true, "tag": true, "keyword": true, "number": true, "vm": true, "len": true, "name": true, "Ideographic": true, "Phonetic": true}

// isDataset judges a DICOM data set in JSON (PS3.18 annex F) or XML by the tags of the patient's module.
func (x *tree) isDataset(n *node) bool {
	tagged := false
	for _, f := range n.fields {
		tagged = tagged || strings.HasPrefix(f.path, "0010001") || strings.HasPrefix(f.path, "0010002")
	}
	if !tagged {
		return false
	}
	x.p.reset()
	for _, f := range n.fields {
		if len(f.path) < 8 || aboutElement[f.name] || strings.Contains(f.path, "Ideographic") || strings.Contains(f.path, "Phonetic") {
			continue
		}
		switch f.path[:8] {
		case "00100010":
			if len(x.p.name) < 100 {
				x.p.name += " " + f.value
			}
		case "00100020":
			x.p.id(HospitalNumber, n.value("00100021", "Value"), f.value)
		case "00100030":
			x.p.birth = f.value
		case "00100040":
			x.p.sex = f.value
		}
	}
	if len(x.p.ids) == 0 && strings.TrimSpace(x.p.name) == "" {
		return false
	}
	x.t.format = "dicom"
	x.t.saw(Imaging, "")
	x.t.sure(high, "DICOM data sets of patients")
	x.t.person(&x.p)
	return true
}
