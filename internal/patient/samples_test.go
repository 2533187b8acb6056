package patient

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"
	"unicode/utf16"
)

// The patient that samples plant. None of these values may ever come out.
const (
	plantName    = "Quillanth Zorvane"
	plantUHID    = "WRTEST700123"
	plantBirth   = "1961-07-19"
	plantAadhaar = "570350807737"
	plantABHA    = "91604305911298"
	plantPAN     = "ABCPZ4821K"
	plantEPIC    = "KLM9338203"
	plantMobile  = "9870012399"
	plantICD     = "E11.65"
)

var planted = []string{"Quillanth", "Zorvane", plantUHID, "700123", plantBirth, "19610719", "19/07/1961", plantAadhaar, "5703 5080 7737", "57035080", plantABHA, "9160430591", "91-6043-0591-1298", plantPAN, plantEPIC, "9338203", plantMobile, "zorvane@abdm", plantICD, "Nullerton"}

// sample is a file that holds the planted patient.
type sample struct {
	name    string
	content []byte
	format  string
	people  uint64 // 0 where the number is not known
}

func samples(t testing.TB) []sample {
	row := []string{plantUHID, plantName, "19/07/1961", "F", plantAadhaar, plantMobile, "7 Nullerton Road", plantICD}
	heading := []string{"UHID", "Patient Name", "DOB", "Sex", "Aadhaar No", "Mobile", "Address", "ICD10"}
	csv := strings.Join(heading, ",") + "\r\n" + strings.Join(row, ",") + "\r\n"
	message := "MSH|^~\\&|LIS|HOSP|HIS|HOSP|202211230707||ADT^A01|1|P|2.5\rPID|1||" + plantUHID + "^^^HOSP^MR~" + plantAadhaar + "^^^UIDAI^NI||Zorvane^Quillanth||19610719|F|||7 Nullerton Road||" + plantMobile + "\rDG1|1||" + plantICD + "\r"
	fhir := `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"` + plantUHID + `","identifier":[{"type":{"coding":[{"code":"MR"}]},"system":"https://hosp.example/uhid","value":"` + plantUHID + `"},{"system":"https://healthid.ndhm.gov.in","value":"91-6043-0591-1298"}],"name":[{"family":"Zorvane","given":["Quillanth"]}],"gender":"female","birthDate":"` + plantBirth + `"}},{"resource":{"resourceType":"Condition","subject":{"reference":"Patient/` + plantUHID + `"},"code":{"text":"` + plantICD + `"}}}]}`
	fhirXML := `<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"><id value="x1"/><identifier><system value="https://hosp.example"/><value value="` + plantUHID + `"/></identifier><name><family value="Zorvane"/><given value="Quillanth"/></name><gender value="female"/><birthDate value="` + plantBirth + `"/></Patient>`
	cda := `<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget><patientRole><id root="1.2.3" extension="` + plantUHID + `"/><addr><city>Nullerton</city></addr><patient><name><given>Quillanth</given><family>Zorvane</family></name><administrativeGenderCode code="F" codeSystem="x"/><birthTime value="19610719"/></patient></patientRole></recordTarget></ClinicalDocument>`
	text := "Discharge summary\nPatient Name: " + plantName + "   UHID: " + plantUHID + "\nAge/Sex: 61/F\nAadhaar: 5703 5080 7737\nABHA: 91-6043-0591-1298, zorvane@abdm\nPAN: " + plantPAN + " Voter ID: " + plantEPIC + "\nMobile: +91 " + plantMobile + "\nDiagnosis: " + plantICD + "\n"
	dump := "-- MySQL dump 10.13\nCREATE TABLE `patients` (\n `id` int NOT NULL,\n `uhid` varchar(20),\n `patient_name` varchar(90),\n `dob` date,\n `aadhaar` char(12),\n PRIMARY KEY (`id`)\n);\nINSERT INTO `patients` VALUES (1,'" + plantUHID + "','" + plantName + "','" + plantBirth + "','" + plantAadhaar + "'),(2,'','O\\'Neil; (x)',NULL,'');\n"
	list := []sample{
		{"ipd.csv", []byte(csv), "csv", 1},
		{"ipd16.csv", utf16LE(csv), "csv", 1},
		{"ipd.tsv", []byte(strings.ReplaceAll(csv, ",", "\t")), "csv", 1},
		{"adt.hl7", []byte(message), "hl7", 1},
		{"adt-lf.hl7", []byte("\x0b" + strings.ReplaceAll(message, "\r", "\n") + "\x1c\r"), "hl7", 1},
		{"engine.log", []byte("2022-11-23 07:07:49 DEBUG sent " + strings.ReplaceAll(message, "\r", `\r`) + "\n"), "text", 1},
		{"bundle.json", []byte(fhir), "fhir json", 1},
		{"export.ndjson", []byte(strings.Repeat(strings.ReplaceAll(fhir, "\n", "")+"\n", 2)), "fhir json", 1},
		{"patient.xml", []byte(fhirXML), "fhir xml", 1},
		{"ccd.xml", []byte(cda), "cda", 1},
		{"adt.xml", []byte(`<?xml version="1.0"?><ADT_A01 xmlns="urn:hl7-org:v2xml"><PID><PID.3><CX.1>` + plantUHID + `</CX.1><CX.4><HD.1>HOSP</HD.1></CX.4><CX.5>MR</CX.5></PID.3><PID.3><CX.1>` + plantAadhaar + `</CX.1><CX.4><HD.1>UIDAI</HD.1></CX.4></PID.3><PID.5><XPN.1><FN.1>Zorvane</FN.1></XPN.1><XPN.2>Quillanth</XPN.2></PID.5><PID.7><TS.1>19610719</TS.1></PID.7><PID.8>F</PID.8><PID.11><XAD.1><SAD.1>7 Nullerton Road</SAD.1></XAD.1></PID.11></PID><DG1><DG1.3><CE.1>` + plantICD + `</CE.1></DG1.3></DG1></ADT_A01>`), "hl7", 1},
		{"study.json", []byte(`[{"00080060":{"vr":"CS","Value":["CT"]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"Zorvane^Quillanth"}]},"00100020":{"vr":"LO","Value":["` + plantUHID + `"]},"00100030":{"vr":"DA","Value":["19610719"]}}]`), "dicom", 1},
		{"study.xml", []byte(`<?xml version="1.0"?><NativeDicomModel><DicomAttribute tag="00100010" vr="PN" keyword="PatientName"><PersonName number="1"><Alphabetic><FamilyName>Zorvane</FamilyName><GivenName>Quillanth</GivenName></Alphabetic></PersonName></DicomAttribute><DicomAttribute tag="00100020" vr="LO" keyword="PatientID"><Value number="1">` + plantUHID + `</Value></DicomAttribute></NativeDicomModel>`), "dicom", 1},
		{"dcmtk.xml", []byte(`<?xml version="1.0"?><file-format><data-set xfer="1.2.840.10008.1.2.1"><element tag="0010,0010" vr="PN" vm="1" len="16" name="PatientName">Zorvane^Quillanth</element><element tag="0010,0020" vr="LO" vm="1" len="12" name="PatientID">` + plantUHID + `</element></data-set></file-format>`), "dicom", 1},
		{"ssms.sql", []byte("SET IDENTITY_INSERT [dbo].[Patient] ON\r\nGO\r\nINSERT [dbo].[Patient] ([PatientId], [FullName], [BirthDate]) VALUES (1, N'" + plantName + "', CAST(N'" + plantBirth + "' AS Date))\r\nINSERT [dbo].[Patient] ([PatientId], [FullName], [BirthDate]) VALUES (2, N'O (x)', to_date('1970-01-01', 'YYYY-MM-DD'))\r\nGO\r\n"), "sql dump", 2},
		{"mongo.json", []byte(`[{"_id":1,"patientName":"` + plantName + `","uhid":"` + plantUHID + `","dob":"` + plantBirth + `","diagnosis":"` + plantICD + `"}]`), "json", 1},
		{"ward.eml", []byte("From: ward@hosp.example\r\nSubject: list\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/csv; name=\"ipd.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines64([]byte(csv)) + "--b--\r\n"), "csv", 1},
		{"mbox", []byte("From ward Wed Nov 23 07:07:49 2022\nMIME-Version: 1.0\nContent-Type: text/plain\n\n" + text + "\nFrom ward Wed Nov 23 07:08:49 2022\nFrom: x\n\nbye\n"), "mail", 1},
		{"summary.txt", []byte(text), "text", 1},
		{"page.html", []byte("<html><body><table><tr><td>Patient Name</td><td>" + plantName + "</td></tr><tr><td>UHID</td><td>" + plantUHID + "</td></tr><tr><td>Diagnosis</td><td>" + plantICD + "</td></tr></table></body></html>"), "html", 1},
		{"export.xls", []byte("<table><tr><td>" + strings.Join(heading, "</td><td>") + "</td></tr><tr><td>" + strings.Join(row, "</td><td>") + "</td></tr></table>"), "html", 1},
		{"excel2003.xml", []byte(`<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table><Row><Cell><Data>` + strings.Join(heading, "</Data></Cell><Cell><Data>") + `</Data></Cell></Row><Row><Cell><Data>` + strings.Join(row, "</Data></Cell><Cell><Data>") + `</Data></Cell></Row></Table></Worksheet></Workbook>`), "xls", 1},
		{"ipd.dbf", dBase(heading, row), "dbf", 1},
		{"lab.txt", []byte("LABORATORY REPORT\nName    : " + plantName + "       Age/Sex : 61 Yrs/F\nCR No.  : " + plantUHID + "   Ref By : Dr. X\n"), "text", 1},
		{"letter.rtf", []byte(`{\rtf1\ansi ` + strings.ReplaceAll(text, "\n", `\par `) + "}"), "rtf", 1},
		{"letter.doc", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00\x00"), utf16LE(text)[2:]...), "office 97", 1},
		{"ris.sql", []byte(dump), "sql dump", 2},
		{"img.dcm", dicomFile(true), "dicom", 1},
		{"img-bare", dicomFile(false), "dicom", 1},
		{"book.xlsx", workbook(heading, row), "xlsx", 1},
		{"book.xls", compound("Workbook", sheetsBIFF(8, heading, row)), "xls", 1},
		{"book95.xls", compound("Book", sheetsBIFF(5, heading, row)), "xls", 1},
		{"book3.xls", sheetsBIFF(3, heading, row), "xls", 1},
		{"book.ods", openSheet(heading, row), "ods", 1},
		{"letter.docx", zipped("[Content_Types].xml", "<Types/>", "word/document.xml", wordText(text)), "docx", 1},
		{"report.pdf", pdfFile(text), "pdf", 1},
		{"his.ibd", innoDB(), "mysql table", 0},
		{"ibdata1", innoDB(), "mysql table", 0},
		{"opd_visits.MYD", []byte("\x03\x00\x1a\x02\x00\xf8\x01" + plantUHID + plantICD), "mysql table", 0},
		{"doctor.pst", append([]byte("!BDN\x00\x00\x00\x00SM\x17\x00"), plantName...), "outlook mail store", 0},
	}
	for _, f := range []struct {
		name, format string
		people       uint64
	}{{"small.sqlite", "sqlite", 60}, {"small.dump", "pg_dump", 60}} {
		b, err := os.ReadFile("testdata/" + f.name)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, sample{f.name, b, f.format, f.people})
	}
	return list
}

// archives hold the CSV file in every kind of archive that this program's own library can write.
func archives(csv []byte) []sample {
	var gz bytes.Buffer
	z := gzip.NewWriter(&gz)
	tw := tar.NewWriter(z)
	tw.WriteHeader(&tar.Header{Name: "a/ipd.csv", Mode: 0o600, Size: int64(len(csv))})
	tw.Write(csv)
	tw.Close()
	z.Close()
	inner := zipped("ipd.csv", string(csv))
	return []sample{{"a.7z", sevenZipped("x/ipd.csv", csv), "csv", 1}, {"a.rar", rarred("x/ipd.csv", csv), "csv", 1}, {"a.tar.gz", gz.Bytes(), "csv", 1}, {"a.zip", inner, "csv", 1}, {"deep.zip", zipped("x/inner.zip", string(inner)), "csv", 1}}
}

// sevenZipped is an archive of 7-Zip with one file, stored.
func sevenZipped(name string, content []byte) []byte {
	size := binary.LittleEndian.AppendUint64([]byte{0xff}, uint64(len(content)))
	names := append(append([]byte{0}, utf16LE(name)[2:]...), 0, 0)
	list := bytes.Join([][]byte{{1, 4, 6, 0, 1, 9}, size, {0, 7, 11, 1, 0, 1, 1, 0, 12}, size, {0, 0, 5, 1, 0x11, byte(len(names))}, names, {0, 0}}, nil)
	h := binary.LittleEndian.AppendUint64(nil, uint64(len(content)))
	h = binary.LittleEndian.AppendUint64(h, uint64(len(list)))
	h = binary.LittleEndian.AppendUint32(h, crc32.ChecksumIEEE(list))
	return bytes.Join([][]byte{[]byte("7z\xbc\xaf\x27\x1c\x00\x04"), binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(h)), h, content, list}, nil)
}

// rarred is an archive of RAR 5 with one file, stored.
func rarred(name string, content []byte) []byte {
	block := func(b []byte) []byte {
		b = append([]byte{byte(len(b))}, b...)
		return append(binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)), b...)
	}
	file := binary.AppendUvarint([]byte{2, 2}, uint64(len(content)))
	file = binary.AppendUvarint(append(file, 4), uint64(len(content)))
	file = binary.LittleEndian.AppendUint32(append(file, 0x20), crc32.ChecksumIEEE(content))
	file = append(append(file, 0, 1, byte(len(name))), name...)
	return bytes.Join([][]byte{[]byte("Rar!\x1a\x07\x01\x00"), block([]byte{1, 0, 0}), block(file), content, block([]byte{5, 0, 0})}, nil)
}

// dBase is a table of dBase III.
func dBase(heading, row []string) []byte {
	const width = 40
	h := make([]byte, 32, 32+32*len(heading)+1)
	copy(h, []byte{3, 122, 11, 23, 1})
	binary.LittleEndian.PutUint16(h[8:], uint16(32+32*len(heading)+1))
	binary.LittleEndian.PutUint16(h[10:], uint16(1+width*len(heading)))
	body := []byte{' '}
	for i, name := range heading {
		f := make([]byte, 32)
		copy(f[:10], name)
		f[11], f[16] = 'C', width
		h = append(h, f...)
		body = append(body, row[i]+strings.Repeat(" ", width-len(row[i]))...)
	}
	return append(append(append(h, '\r'), body...), 0x1a)
}

// lines64 codes an attachment as mail does.
func lines64(b []byte) string {
	var out strings.Builder
	for s := base64.StdEncoding.EncodeToString(b); s != ""; {
		n := min(len(s), 76)
		out.WriteString(s[:n] + "\r\n")
		s = s[n:]
	}
	return out.String()
}

func utf16LE(s string) []byte {
	out := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		out = binary.LittleEndian.AppendUint16(out, u)
	}
	return out
}

func zipped(parts ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i+1 < len(parts); i += 2 {
		w, _ := z.Create(parts[i])
		w.Write([]byte(parts[i+1]))
	}
	z.Close()
	return b.Bytes()
}

func workbook(rows ...[]string) []byte {
	var shared, sheet strings.Builder
	n := 0
	sheet.WriteString("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>IPD register</t></is></c></row>")
	for i, r := range rows {
		fmt.Fprintf(&sheet, "<row r=\"%d\">", i+2)
		for j, v := range r {
			ref := fmt.Sprintf("%c%d", 'A'+j, i+2)
			if v == plantAadhaar {
				fmt.Fprintf(&sheet, `<c r="%s"><v>5.70350807737E11</v></c>`, ref)
				continue
			}
			fmt.Fprintf(&sheet, `<c r="%s" t="s"><v>%d</v></c>`, ref, n)
			fmt.Fprintf(&shared, "<si><t>%s</t></si>", v)
			n++
		}
		sheet.WriteString("</row>")
	}
	return zipped("xl/workbook.xml", "<workbook/>", "xl/sharedStrings.xml", "<sst>"+shared.String()+"</sst>", "xl/worksheets/sheet1.xml", "<worksheet><sheetData>"+sheet.String()+"</sheetData></worksheet>")
}

func openSheet(rows ...[]string) []byte {
	var b strings.Builder
	for _, r := range rows {
		b.WriteString("<table:table-row>")
		for _, v := range r {
			b.WriteString(`<table:table-cell><text:p>` + v + `</text:p></table:table-cell>`)
		}
		b.WriteString("</table:table-row>")
	}
	return zipped("mimetype", "application/vnd.oasis.opendocument.spreadsheet", "content.xml", `<office:document-content><table:table>`+b.String()+`</table:table></office:document-content>`)
}

func wordText(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("<w:p><w:r><w:t>" + strings.TrimSpace(line) + "</w:t></w:r></w:p>")
	}
	return "<w:document><w:body>" + b.String() + "</w:body></w:document>"
}

// pdfFile writes a page with its text compressed, each line by a move of its own.
func pdfFile(text string) []byte {
	var page strings.Builder
	page.WriteString("BT /F1 10 Tf 50 800 Td\n")
	for line := range strings.Lines(text) {
		fmt.Fprintf(&page, "(%s) Tj 0 -14 Td\n", strings.TrimSpace(line))
	}
	page.WriteString("ET")
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	w.Write([]byte(page.String()))
	w.Close()
	return fmt.Appendf(nil, "%%PDF-1.4\n1 0 obj\n<< /Type /Page /Contents 2 0 R /Resources << /Font << /F1 3 0 R >> >> >>\nendobj\n2 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream\nendobj\n3 0 obj\n<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>\nendobj\ntrailer << /Root 1 0 R >>\n", z.Len(), z.Bytes())
}

func dicomFile(preamble bool) []byte {
	var b []byte
	element := func(group, number uint16, vr, v string) {
		if len(v)%2 == 1 {
			v += " "
		}
		b = binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, group), number)
		b = append(b, vr...)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
		b = append(b, v...)
	}
	if preamble {
		b = append(make([]byte, 128), "DICM"...)
		element(2, 0x10, "UI", "1.2.840.10008.1.2.1\x00")
	}
	element(8, 0x05, "CS", "ISO_IR 100")
	element(8, 0x60, "CS", "CT")
	element(8, 0x90, "PN", "Ward^Doctor")
	element(0x10, 0x10, "PN", "Zorvane^Quillanth")
	element(0x10, 0x20, "LO", plantUHID)
	element(0x10, 0x30, "DA", "19610719")
	element(0x10, 0x40, "CS", "F")
	return append(b, 0xe0, 0x7f, 0x10, 0, 'O', 'W', 0, 0, 4, 0, 0, 0, 1, 2, 3, 4)
}

// innoDB is the first page of a tablespace, with a name that speaks of patients.
func innoDB() []byte {
	b := make([]byte, 16384)
	binary.BigEndian.PutUint16(b[24:], 8)
	copy(b[200:], "his/patient_master")
	copy(b[400:], plantName)
	return b
}
