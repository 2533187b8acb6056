package patient

import "strings"

// role is what a column, a key or a label says of the values under it.
type role uint8

const (
	noRole role = iota
	rolePatientID
	rolePatientName
	roleName
	roleNamePart // given or family name
	roleBirth
	roleAge
	roleSex
	roleAadhaar
	roleABHA
	roleABHAAddress
	rolePAN
	roleVoterID
	roleOtherNational
	roleMobile
	roleEmail
	roleAddress
	roleInsurance
	roleDiagnosis
	roleLaboratory
	roleImaging
	roleMedication
	roleProcedure
	roleObservation
	roleVisit
	roleAllergy
	roleImmunisation
	roleBilling
	roleRecordID // "id": a patient's number in a table of patients, nothing elsewhere
	roleCount
)

// kindOf is the kind of data that a role stands for, as far as it stands for one by itself.
var kindOf = map[role]Kind{
	roleMobile: Mobile, roleEmail: Email, roleAddress: Address, roleInsurance: Insurance, roleDiagnosis: Diagnosis, roleLaboratory: Laboratory, roleImaging: Imaging,
	roleMedication: Medication, roleProcedure: Procedure, roleObservation: Observation, roleVisit: Visit, roleAllergy: Allergy, roleImmunisation: Immunisation, roleBilling: Billing,
}

func (r role) health() bool { return r >= roleDiagnosis && r <= roleBilling }

// headings are words that are a heading whole, folded. Those of Indian hospital systems stand beside English and American ones.
var headings = vocabulary(map[role]string{
	rolePatientID: `uhid uhidno uhidnumber mrn mrno mrnumber mrdno crno crnumber crn hospitalno hospitalnumber hospno regno regnno registrationno registrationnumber patientid patid patno
		patientno patientnumber patientidentifier patientcode patientuuid patientguid patientkey patient pid ptid ptno ipno ipdno ipnumber opno opdno opnumber medicalrecordnumber medicalrecordno medrecno healthid
		subjectid hn fileno caseno casesheetno admissionno patientregno patregno patregid puid mpi mpiid empi externalpatientid patientmrn pat_id beneficiaryid patientnum personid personsourcevalue रोगीसंख्या मरीजआईडी`,
	rolePatientName:   `patientname patientnam patientna patname patientsname patientfullname ptname nameofpatient nameofthepatient patient_name रोगीकानाम मरीजकानाम रोगी मरीज`,
	roleName:          `name fullname beneficiaryname personname pname नाम`,
	roleNamePart:      `firstname lastname first last fname lname mname givenname given familyname family surname middlename patientfirstname patientlastname patfirstname patlastname patfname patlname patientgivenname patientfamilyname`,
	roleBirth:         `dob dateofbirth birthdate birthday patientdob patdob patientbirthdate patientsbirthdate birth dateofbirthddmmyyyy birthdatetime yearofbirth जन्मतिथि`,
	roleAge:           `age ageyears ageinyears patientage patage patientsage agesex ageyrs आयु`,
	roleSex:           `sex gender patientsex patsex patientgender patientssex genderconcept genderconceptid sexcd लिंग`,
	roleAadhaar:       `aadhaar aadhar adhaar adhar aadhaarno aadharno aadhaarnumber aadharnumber adharno adhaarno aadhaarid aadharid uidai uidno uidnumber uidaino aadhaarcardno aadharcardno aadharcard आधार आधारसंख्या आधारनंबर`,
	roleABHA:          `abha abhano abhanumber abhaid healthidnumber ndhmid abhacardno healthidno आभा`,
	roleABHAAddress:   `abhaaddress phraddress healthidaddress phr abhaadd`,
	rolePAN:           `pan panno pannumber pancard pancardno`,
	roleVoterID:       `voterid epic epicno epicnumber votercardno voterno voteridno`,
	roleOtherNational: `ssn socialsecuritynumber passport passportno passportnumber nhsnumber nhsno nationalid nationalidno rationcardno drivinglicence drivers driverslicense`,
	roleMobile:        `mobile mobileno mobilenumber phone phoneno phonenumber contactno contactnumber contact telephone tel cell cellphone patientmobile patientphone whatsappno mob mobno phone1 phone2 homephone मोबाइल`,
	roleEmail:         `email emailid emailaddress mail patientemail`,
	roleAddress:       `address addr address1 address2 addressline1 addressline2 residentialaddress permanentaddress patientaddress localaddress houseno village tehsil taluka pincode pin zipcode zip postalcode street पता`,
	roleInsurance:     `insuranceno policyno policynumber insuranceid memberid pmjayid ayushmancardno ayushmanid cghsno esino esicno insurancenumber payer payerid insuredid rsbyurn tpaid primarypatientinsuranceid`,
	roleDiagnosis: `diagnosis diagnoses diag dx icd icd10 icd10code icdcode icd9 icd9code conditionconceptid provisionaldiagnosis finaldiagnosis primarydiagnosis principaldiagnosis diagnosiscode diagnosis1 chiefcomplaint chiefcomplaints complaint complaints presentingcomplaint
		comorbidities clinicalnotes clinicalimpression condition conditions causeofdeath reasoncode reasondescription dischargesummary hivstatus निदान`,
	roleLaboratory:  `hemoglobin haemoglobin hb hba1c creatinine glucose wbc rbc platelets cholesterol labtest labresult testname testresult specimen specimenid sampleid sampleno labno labid bloodgroup bloodtype loinc loinccode esr tsh bilirubin urea measurementconceptid`,
	roleImaging:     `studyinstanceuid studyuid modality accessionnumber accessionno seriesuid seriesinstanceuid radiologyreport xrayno studydescription bodysitedescription`,
	roleMedication:  `medication medications medicine medicinename drug drugname rx prescription dose dosage dosageform frequency route rxnorm ndc medicationcode dispenses drugconceptid drugexposureid`,
	roleProcedure:   `procedure procedures procedurecode proceduredate surgery surgeryname operation operationname cpt cptcode procedurename anaesthesia anesthesia procedurecode1 procedureconceptid`,
	roleObservation: `bp bloodpressure pulse temperature spo2 weight height bmi heartrate respiratoryrate vitals vital systolic diastolic sysbp diabp observationconceptid`,
	roleVisit: `visitid visitno visitdate admissiondate dateofadmission doa dischargedate dateofdischarge dod ward wardname bedno bed encounter encounterid encounterclass admitdate admissionid consultant consultantname treatingdoctor doctor doctorname
		department deptname refdoctor refby referredby doctorid physician attendingphysician opddate ipdate appointmentdate careplan appointmentid lengthofstay deathdate dateofdeath hadmid encounternum visitoccurrenceid visitconceptid`,
	roleAllergy:      `allergy allergies allergen allergycode`,
	roleImmunisation: `vaccine vaccination immunization immunisation vaccinename vaccinecode cvx doseno batchno1`,
	roleBilling:      `billno billamount billdate claimid claimamount invoiceno totalclaimcost packagecode tariff receiptno healthcareexpenses payercoverage`,
	roleRecordID:     `id uuid guid rowid seq srno slno no`,
})

// ambiguous headings of health mean other things elsewhere: they speak only beside something that speaks of a patient.
var ambiguous = map[string]bool{
	"condition": true, "conditions": true, "frequency": true, "route": true, "operation": true, "operationname": true, "procedure": true, "procedures": true, "weight": true, "height": true, "temperature": true,
	"department": true, "bed": true, "pulse": true, "complaint": true, "dose": true, "modality": true, "sampleid": true, "sampleno": true, "specimen": true, "tariff": true, "invoiceno": true,
	"reasoncode": true, "hb": true, "esr": true, "dx": true, "rx": true, "diag": true, "ward": true, "doa": true, "dod": true, "vital": true, "receiptno": true, "billno": true, "batchno1": true, "urea": true,
	"testname": true, "testresult": true, "bp": true, "deptname": true, "refby": true, "encounter": true, "drug": true, "glucose": true, "loinc": true, "seriesuid": true, "appointmentdate": true, "deathdate": true, "billdate": true, "billamount": true, "cvx": true, "ndc": true,
}

// shared headings of persons' numbers are those of many other things too: alone they are no patient's.
var shared = map[string]bool{
	"pid": true, "hn": true, "regno": true, "registrationno": true, "registrationnumber": true, "regnno": true, "crn": true, "caseno": true, "fileno": true, "subjectid": true, "mpi": true, "puid": true, "opno": true, "ptno": true, "crno": true,
	"ipno": true, "mpiid": true, "patient": true, "patid": true, "opnumber": true, "ipnumber": true, "opdno": true, "mrno": true, "mrnumber": true, "crnumber": true, "beneficiaryid": true, "patno": true, "personid": true,
}

func vocabulary(words map[role]string) map[string]role {
	v := map[string]role{}
	for r, text := range words {
		for _, w := range strings.Fields(text) {
			v[folded(w)] = r
		}
	}
	return v
}

// roleOf is the role of a heading; sole says that it speaks of patients by itself.
func roleOf(heading string) (r role, sole bool) {
	f := folded(heading)
	if f == "" {
		return noRole, false
	}
	if r, ok := headings[f]; ok {
		switch {
		case r == rolePatientID:
			return r, !shared[f]
		case r == rolePatientName:
			return r, true
		case r.health():
			return r, !ambiguous[f]
		}
		return r, strings.HasPrefix(f, "pat")
	}
	for _, prefix := range []string{"patients", "patient", "pat", "pt"} {
		if rest, ok := strings.CutPrefix(f, prefix); ok && len(rest) > 2 {
			if r, ok := headings[rest]; ok {
				if r == roleName {
					return rolePatientName, true
				}
				return r, true
			}
		}
	}
	for _, c := range []struct {
		part string
		r    role
	}{{"aadhaar", roleAadhaar}, {"aadhar", roleAadhaar}, {"आधार", roleAadhaar}, {"abhaaddress", roleABHAAddress}, {"abhanumber", roleABHA}, {"uhid", rolePatientID}, {"patientname", rolePatientName}, {"patientid", rolePatientID}, {"diagnosis", roleDiagnosis}, {"icd10", roleDiagnosis}, {"dateofbirth", roleBirth}, {"bloodgroup", roleLaboratory}} {
		if strings.Contains(f, c.part) {
			return c.r, c.r == rolePatientID || c.r == rolePatientName
		}
	}
	return noRole, false
}

// ofPatients reports whether the name of a table, sheet or file says that its rows are patients or about them.
func ofPatients(name string) bool {
	f := folded(name)
	for _, w := range []string{"patient", "uhid", "admission", "discharge", "rogi", "रोगी", "मरीज", "ipdreg", "opdreg", "beneficiar"} {
		if strings.Contains(f, w) {
			return !strings.HasSuffix(f, "type") && !strings.HasSuffix(f, "types") && !strings.HasSuffix(f, "config")
		}
	}
	return false
}
