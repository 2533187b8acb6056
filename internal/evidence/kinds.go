package evidence

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"

	"wardround/internal/rar"
	"wardround/internal/sevenzip"
)

// readers are the kinds of artifact that yield events, each in its read_*.go. The first that recognises an artifact
// reads it, so formats with a signature stand before those that are told by the look of their lines, and of these the
// stricter before the laxer.
var readers = []reader{
	// Told by a signature.
	evtxReader, registryReader, prefetchReader, jobReader, mftReader, usnReader, srumReader, journalReader, minidumpReader, utmpReader, lastlogReader, ivantiReader,
	// Told by the names of their fields.
	winJSONReader, winXMLReader, taskReader, preferencesReader, webJSONReader, postgresJSONReader,
	// Told by where they lie and the look of their lines.
	keysReader, unitReader, accountsReader, hostsReader, startupReader, transferReader,
	// Told by the look of their lines.
	listingReader, auditdReader, iisReader, postgresCSVReader, postgresReader, mysqlErrorReader, mysqlGeneralReader, mysqlSlowReader, mysqlAuditReader,
	mssqlReader, oracleAlertReader, oracleListenerReader, oracleAuditReader, webAccessReader, webErrorReader,
	winDHCPReader, winDNSReader, npsReader, remoteReader, openVPNReader, deviceReader, packagesReader, daemonReader, syslogReader, cronReader, shellReader,
}

// Kinds of artifact that have no reader here.
const (
	kindUnknown = "unknown"
	kindEmpty   = "empty"
	kindSymlink = "symlink"
)

// kindOf tells what an artifact is: by its content, and by its name only where the content does not tell. The reader
// is nil if the kind has none. name is the artifact's Path.
func (c *Collection) kindOf(head []byte, name string) (string, *reader) {
	if len(head) == 0 {
		return kindEmpty, nil
	}
	if kind := archiveKind(head); kind != "" {
		return kind, nil
	}
	text := plainHead(head)
	for i := range c.readers {
		if r := &c.readers[i]; r.is(text, name) {
			return r.kind, r
		}
	}
	for _, f := range formats {
		if f.matches(head) {
			return f.kind, nil
		}
	}
	// A head that ransomware or a bad disk has damaged need not mean that the entries are.
	switch name = strings.ToLower(name); {
	case strings.HasSuffix(name, ".zip"):
		return kindZip, nil
	case strings.HasSuffix(name, ".tar"):
		return kindTar, nil
	case splitArchive.MatchString(name):
		return kindPart, nil
	}
	return kindUnknown, nil
}

// format is a kind of file that is named in evidence.jsonl but not read.
type format struct {
	kind   string
	offset int
	magic  string
	and    func(head []byte) bool // nil: the magic suffices
}

func (f *format) matches(head []byte) bool {
	return len(head) >= f.offset+len(f.magic) && string(head[f.offset:f.offset+len(f.magic)]) == f.magic &&
		(f.and == nil || f.and(head))
}

// formats with longer signatures stand before those that they contain.
var formats = []format{
	// Windows.
	{kind: "evtx", magic: "ElfFile\x00"},
	{kind: "evt", offset: 4, magic: "LfLe"},
	{kind: "registry-hive", and: func(head []byte) bool { return isHive(head, "") }},
	{kind: "registry-log", magic: "regf"},
	{kind: "registry-log", magic: "HvLE"},
	{kind: "prefetch", magic: "MAM\x04"},
	{kind: "prefetch", offset: 4, magic: "SCCA"},
	{kind: "ese", offset: 4, magic: "\xef\xcd\xab\x89"},
	{kind: "lnk", magic: "L\x00\x00\x00\x01\x14\x02\x00\x00\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00F"},
	{kind: "ntfs-mft", magic: "FILE0\x00"},
	{kind: "ntfs-usn", and: isUSN},
	{kind: "ntfs-logfile", magic: "RSTR\x1e\x00"},
	{kind: "memory-image", magic: "PAGEDU64"},
	{kind: "memory-image", magic: "EMiL"},
	{kind: "hibernation", magic: "HIBR"},
	{kind: "ole", magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"},
	{kind: "pe", magic: "MZ", and: isPE},
	// Linux.
	{kind: "elf", magic: "\x7fELF"},
	{kind: "journal", magic: "LPKSHHRH"},
	{kind: "gpg", magic: "-----BEGIN PGP MESSAGE-----"},
	// Databases, captures, documents.
	{kind: "sqlite", magic: "SQLite format 3\x00"},
	{kind: "sqlite-wal", magic: "\x37\x7f\x06\x82"},
	{kind: "sqlite-wal", magic: "\x37\x7f\x06\x83"},
	{kind: "mysql-binlog", magic: "\xfebin"},
	{kind: "pcap", magic: "\xd4\xc3\xb2\xa1"},
	{kind: "pcap", magic: "\xa1\xb2\xc3\xd4"},
	{kind: "pcap", magic: "\x4d\x3c\xb2\xa1"},
	{kind: "pcap", magic: "\xa1\xb2\x3c\x4d"},
	{kind: "pcapng", magic: "\x0a\x0d\x0d\x0a", and: isPcapNG},
	{kind: "pdf", magic: "%PDF-"},
	{kind: "jpeg", magic: "\xff\xd8\xff"},
	{kind: "png", magic: "\x89PNG\r\n\x1a\n"},
	{kind: "gif", magic: "GIF8"},
	{kind: "dicom", offset: 128, magic: "DICM"},
	{kind: "appledouble", magic: "\x00\x05\x16\x07"},
	{kind: "java-class", magic: "\xca\xfe\xba\xbe\x00\x00\x00"},
	// Disk images.
	{kind: "disk-image-e01", magic: "EVF\x09\x0d\x0a\xff\x00"},
	{kind: "disk-image-ex01", magic: "EVF2\x0d\x0a\x81\x00"},
	{kind: "disk-image-l01", magic: "LVF\x09\x0d\x0a\xff\x00"},
	{kind: "disk-image-qcow2", magic: "QFI\xfb"},
	{kind: "disk-image-vhdx", magic: "vhdxfile"},
	{kind: "disk-image-vhd", magic: "conectix"},
	{kind: "disk-image-vmdk", magic: "KDMV"},
	{kind: "disk-image-vmdk", magic: "COWD"},
	{kind: "disk-image-vmdk", magic: "# Disk DescriptorFile"},
	{kind: "disk-image-vdi", offset: 64, magic: "\x7f\x10\xda\xbe"},
	{kind: "disk-image-iso", offset: 0x8001, magic: "CD001"},
	{kind: "disk-image-raw", offset: 3, magic: "NTFS    "},
	{kind: "disk-image-raw", offset: 512, magic: "EFI PART"},
	{kind: "disk-image-raw", magic: "XFSB"},
	{kind: "disk-image-raw", offset: 0x438, magic: "\x53\xef", and: isExt},
	{kind: "disk-image-raw", offset: 510, magic: "\x55\xaa", and: isMBR},
}

// isPE follows the offset of the PE header, since two letters prove nothing.
func isPE(head []byte) bool {
	if len(head) < 0x40 {
		return false
	}
	at := int(binary.LittleEndian.Uint32(head[0x3c:]))
	return at >= 0x40 && at+4 <= len(head) && string(head[at:at+4]) == "PE\x00\x00"
}

// isUSN recognises the first record of a change journal, which may lie behind zeros that a sparse copy left.
func isUSN(head []byte) bool {
	rest := bytes.TrimLeft(head, "\x00")
	if at := (len(head) - len(rest)) &^ 7; len(head)-at >= 60 {
		r := head[at:]
		size, major, minor := binary.LittleEndian.Uint32(r), binary.LittleEndian.Uint16(r[4:]), binary.LittleEndian.Uint16(r[6:])
		switch {
		case size < 60 || size > 1024 || size%8 != 0 || minor != 0:
			return false
		case major == 2:
			return binary.LittleEndian.Uint16(r[58:]) == 60
		case major == 3 && len(r) >= 76:
			return binary.LittleEndian.Uint16(r[74:]) == 76
		}
	}
	return false
}

func isPcapNG(head []byte) bool {
	return len(head) >= 12 && (string(head[8:12]) == "\x4d\x3c\x2b\x1a" || string(head[8:12]) == "\x1a\x2b\x3c\x4d")
}

// isExt checks the block size and the state of a superblock.
func isExt(head []byte) bool {
	return len(head) >= 0x460 && binary.LittleEndian.Uint32(head[0x418:]) <= 6 && binary.LittleEndian.Uint16(head[0x43a:]) <= 7
}

// isMBR checks that four partition entries make sense.
func isMBR(head []byte) bool {
	used := 0
	for i := 446; i < 510; i += 16 {
		if head[i] != 0 && head[i] != 0x80 {
			return false
		}
		if head[i+4] != 0 {
			used++
		}
	}
	return used > 0
}

// Kinds of archive and compression. Those of archives that are not unpacked here stand with the reason.
const (
	kindZip  = "zip"
	kind7z   = "7z"
	kindRar  = "rar"
	kindTar  = "tar"
	kindGzip = "gzip"
	kindBz2  = "bzip2"
	kindXz   = "xz"
	kindZstd = "zstd"
	kindPart = "split-archive" // the second part of several, or a later one
)

// splitArchive is how 7-Zip names the parts of an archive that it split. All but the first are told by nothing else.
var splitArchive = regexp.MustCompile(`\.(?:7z|zip)\.\d{3,}$`)

// closed are archives and vaults that cannot be opened: what is in them was not read.
var closed = map[string]string{
	"cab":      "cabinet",
	"lz4":      "LZ4 compression",
	"lzip":     "lzip compression",
	"lzma":     "LZMA compression",
	"compress": "compress (.Z) compression",
	"cpio":     "cpio archive",
	"ar":       "ar archive",
	"gpg":      "encrypted message",
}

// archives with the signatures of files that hold other files.
var archives = []format{
	{kind: kindZip, magic: "PK\x03\x04"},
	{kind: kindZip, magic: "PK\x05\x06"},
	{kind: kindZip, magic: "PK00PK\x03\x04"},
	{kind: kindZip, magic: "PK\x07\x08PK\x03\x04"},
	{kind: kindGzip, magic: "\x1f\x8b\x08"},
	{kind: kindBz2, magic: "BZh", and: isBzip2},
	{kind: kindXz, magic: "\xfd7zXZ\x00"},
	{kind: kindZstd, magic: "\x28\xb5\x2f\xfd"},
	{kind: kindZstd, and: isSkippableZstd},
	{kind: kindTar, and: isTar},
	{kind: kind7z, magic: sevenzip.Magic},
	{kind: kindRar, magic: rar.Magic},
	{kind: "cab", magic: "MSCF\x00\x00\x00\x00"},
	{kind: "lz4", magic: "\x04\x22\x4d\x18"},
	{kind: "lzip", magic: "LZIP\x01"},
	{kind: "compress", magic: "\x1f\x9d"},
	{kind: "cpio", magic: "070701"},
	{kind: "cpio", magic: "070702"},
	{kind: "cpio", magic: "070707"},
	{kind: "ar", magic: "!<arch>\n"},
}

// archiveKind tells archives from other files, "" if it is none. Office documents and programs are zip archives by
// form; what they hold is no log, and they are left closed.
func archiveKind(head []byte) string {
	for i := range archives {
		if archives[i].matches(head) {
			if archives[i].kind == kindZip {
				return zipKind(head)
			}
			return archives[i].kind
		}
	}
	return ""
}

// zipKind looks at the first entry, by whose name such documents are told.
func zipKind(head []byte) string {
	if len(head) < 30 || string(head[:4]) != "PK\x03\x04" {
		return kindZip
	}
	size := int(binary.LittleEndian.Uint16(head[26:]))
	extra := int(binary.LittleEndian.Uint16(head[28:]))
	if len(head) < 30+size {
		return kindZip
	}
	switch first := string(head[30 : 30+size]); {
	case first == "[Content_Types].xml":
		return "ooxml"
	case first == "META-INF/" || first == "META-INF/MANIFEST.MF":
		return "jar"
	case first == "mimetype" && bytes.HasPrefix(head[min(len(head), 30+size+extra):], []byte("application/")):
		return "opendocument"
	}
	return kindZip
}

func isBzip2(head []byte) bool {
	return len(head) >= 10 && head[3] >= '1' && head[3] <= '9' &&
		(string(head[4:10]) == "1AY&SY" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90")
}

// isSkippableZstd wants a frame behind the skippable one: its magic alone is weak.
func isSkippableZstd(head []byte) bool {
	if len(head) < 12 || head[0]&0xf0 != 0x50 || string(head[1:4]) != "\x2a\x4d\x18" {
		return false
	}
	next := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
	return next+4 <= int64(len(head)) && string(head[next:next+4]) == "\x28\xb5\x2f\xfd"
}

// isTar checks the sum of the first header, which all writers of tar make. Ustar's magic is younger than the format.
func isTar(head []byte) bool {
	return len(head) >= tarBlock && tarHeader(head[:tarBlock])
}
