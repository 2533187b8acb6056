package patient

import "math/bits"

// Kind is one kind of identifier or of health data. A file has a set of them.
type Kind uint8

// Kinds of identifiers stand first, kinds of health data after them. The names are those of docs/format/patient.md.
const (
	Aadhaar Kind = iota
	ABHANumber
	ABHAAddress
	PAN
	VoterID
	OtherNational // a national number of another country, or a passport
	HospitalNumber
	Insurance
	Name
	BirthDate
	Sex
	Mobile
	Email
	Address
	lastIdentity = Address
)

const (
	Diagnosis Kind = lastIdentity + 1 + iota
	Laboratory
	Imaging
	Medication
	Procedure
	Observation
	Visit
	Allergy
	Immunisation
	Billing
	Document
	kindCount
)

var kindNames = [kindCount]string{
	"aadhaar", "abha number", "abha address", "pan", "voter id", "other national number", "hospital number", "insurance", "name", "birth date", "sex", "mobile", "email", "address",
	"diagnosis", "laboratory", "imaging", "medication", "procedure", "observation", "visit", "allergy", "immunisation", "billing", "document",
}

func (k Kind) String() string { return kindNames[k] }

// KindNames are all kinds: identifiers, then health data.
func KindNames() []string { return kindNames[:] }

// kinds is a set of Kind.
type kinds uint32

func (s *kinds) add(k Kind)     { *s |= 1 << k }
func (s kinds) has(k Kind) bool { return s&(1<<k) != 0 }
func (s kinds) names() []string {
	out := make([]string, 0, bits.OnesCount32(uint32(s)))
	for k := range kindCount {
		if s.has(k) {
			out = append(out, kindNames[k])
		}
	}
	return out
}

// health is the part of the set that says something of a person's health or care.
func (s kinds) health() kinds { return s &^ (1<<(lastIdentity+1) - 1) }
