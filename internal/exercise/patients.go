package exercise

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
)

// patientTruth is whose data the collected files of a server hold.
type patientTruth struct {
	People int `json:"people"`
	Files  int `json:"files"`
}

// holders are the roles of servers on which files with data of patients lie.
var holders = []string{"database", "lis", "file", "pacs"}

// registered is how many people the hospital that does not exist has.
const registered = 400

// patients leaves tables of patients who do not exist where such tables lie. Their Aadhaar numbers begin with 9999, which the authority sets
// aside for tests, each row says that it is an exercise's, and names are numbers in words. Some people lie on several servers.
func (e *estate) patients() {
	everybody := map[int]bool{}
	for _, s := range e.servers {
		if s.layout == nil || s.system != windows || s.unlisted || !slices.Contains(holders, s.role) {
			continue
		}
		d := e.dice("patients", s.key)
		s.truth.patients = &patientTruth{Files: 1}
		var b strings.Builder
		b.WriteString("UHID,Patient Name,Date of Birth,Sex,Aadhaar No,Mobile,Diagnosis,Remarks\r\n")
		first, n := d.IntN(registered), d.between(40, 160)
		for i := range n {
			who := (first + i) % registered
			everybody[who] = true
			b.WriteString(patientRow(who))
		}
		s.truth.patients.People = n
		s.leaves(`D:\Registration\registrations_2022.csv`, []byte(b.String()), e.from.Add(-d.about(40*24*time.Hour)))
	}
	e.truth.people = len(everybody)
}

// patientRow is one person, the same on every server.
func patientRow(who int) string {
	given := []string{"Exempla", "Testa", "Probe", "Muster", "Placebo", "Sampla", "Nemo", "Ficta"}
	digits := []string{"Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"}
	number := fmt.Sprintf("9999%07d", 1000003*(who+1)%9999991)
	return fmt.Sprintf("EXU%06d,%s %s%s%s,%02d/%02d/%d,%s,%s%d,9%09d,%s,%s\r\n", 100000+who, given[who%len(given)], digits[who/100%10], digits[who/10%10], digits[who%10],
		1+who%28, 1+who%12, 1940+who%70, []string{"F", "M"}[who%2], number, verhoeff(number), 100000007*(who+1)%1000000000,
		[]string{"E11.9", "I10", "J45.9", "N18.3", "O80", "A15.0"}[who%6], event.ExerciseMark)
}

// verhoeff is the check digit of a number (J. Verhoeff 1969), as Aadhaar numbers have it.
func verhoeff(number string) int {
	times := func(a, b int) int { // of the dihedral group of order ten
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b-5)%5
		case b < 5:
			return 5 + (a-5-b+5)%5
		}
		return (a - b + 5) % 5
	}
	turn := [10]int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	inverse := [10]int{0, 4, 3, 2, 1, 5, 6, 7, 8, 9}
	c := 0
	for i := range len(number) {
		x := int(number[len(number)-1-i] - '0')
		for range (i + 1) % 8 {
			x = turn[x]
		}
		c = times(c, x)
	}
	return inverse[c]
}
