package damage

import "bytes"

// walkers are all forms that are known, the surest signature first.
func walkers() []walker {
	return []walker{
		{kind: "zip", magic: "PK\x03\x04", walk: walkZip},
		{kind: "zip", magic: "PK\x05\x06", walk: walkZip},
		{kind: "jmod", magic: "JM\x01\x00PK\x03\x04", walk: walkZip},
		{kind: "gzip", magic: "\x1f\x8b\x08", walk: walkGzip},
		{kind: "bzip2", is: isBzip2, walk: walkBzip2},
		{kind: "xz", magic: "\xfd7zXZ\x00", walk: walkXz},
		{kind: "zstd", magic: "\x28\xb5\x2f\xfd", walk: walkZstd},
		{kind: "lz4", magic: "\x04\x22\x4d\x18", walk: walkLz4},
		{kind: "7z", magic: "7z\xbc\xaf\x27\x1c", walk: walk7z},
		{kind: "rar", magic: "Rar!\x1a\x07", walk: walkRar},
		{kind: "cab", magic: "MSCF\x00\x00\x00\x00", walk: walkCab},
		{kind: "ar", magic: "!<arch>\n", walk: walkAr},
		{kind: "rpm", magic: "\xed\xab\xee\xdb", walk: walkRpm},
		{kind: "cpio", magic: "070701", walk: walkCpio},
		{kind: "cpio", magic: "070702", walk: walkCpio},
		{kind: "git pack", magic: "PACK\x00\x00\x00\x02", walk: walkGitPack},
		{kind: "compress", magic: "\x1f\x9d\x90"},
		{kind: "lzip", magic: "LZIP\x01"},
		{kind: "lzop", magic: "\x89LZO\x00\r\n\x1a\n"},
		{kind: "zlib", is: isZlib, walk: walkZlib},
		{kind: "lzma", is: isLzma, walk: walkLzma},
		{kind: "r data", is: func(b []byte) bool { return len(b) > 16 && b[0] == 0 && isZlib(b[4:]) }, walk: walkRData},
		{kind: "matlab", magic: "MATLAB 5.0 MAT-file", walk: walkMatlab},

		{kind: "png", magic: "\x89PNG\r\n\x1a\n", walk: walkPng},
		{kind: "jpeg", magic: "\xff\xd8\xff", walk: walkJpeg},
		{kind: "gif", magic: "GIF87a", walk: walkGif},
		{kind: "gif", magic: "GIF89a", walk: walkGif},
		{kind: "bmp", is: isBmp, walk: walkBmp},
		{kind: "tiff", is: isTiff, walk: walkTiff},
		{kind: "psd", magic: "8BPS\x00", walk: walkPsd},
		{kind: "jp2", magic: "\x00\x00\x00\x0cjP  \r\n\x87\n", walk: walkMp4},
		{kind: "jp2", magic: "\xff\x4f\xff\x51"},
		{kind: "djvu", magic: "AT&TFORM"},
		{kind: "ico", is: isIco, walk: walkIco},
		{kind: "xcf", magic: "gimp xcf "},
		{kind: "netpbm", is: isNetpbm, walk: walkNetpbm},
		{kind: "targa", is: isTarga, walk: walkTarga},
		{kind: "pcx", is: func(b []byte) bool {
			return len(b) > 128 && b[0] == 10 && b[1] <= 5 && b[2] == 1 && (b[3] == 8 || b[3] == 1) && b[64] == 0
		}},
		{kind: "jpeg xr", magic: "II\xbc\x01"},
		{kind: "jxl", magic: "\xff\x0a"},
		{kind: "qoi", magic: "qoif"},
		{kind: "flif", magic: "FLIF"},
		{kind: "bpg", magic: "BPG\xfb"},
		{kind: "dpx", magic: "SDPX"},
		{kind: "dpx", magic: "XPDS"},
		{kind: "cineon", magic: "\x80\x2a\x5f\xd7"},
		{kind: "raw photo", magic: "FUJIFILMCCD-RAW "},
		{kind: "raw photo", magic: "IIU\x00"},
		{kind: "raw photo", magic: "FOVb"},
		{kind: "raw photo", magic: "\x00MRM"},
		{kind: "texture", magic: "\xabKTX "},
		{kind: "texture", magic: "\x13\xab\xa1\x5c"},
		{kind: "gltf", magic: "glTF\x02\x00\x00\x00"},
		{kind: "blender", magic: "BLENDER"},
		{kind: "fbx", magic: "Kaydara FBX Binary  \x00"},
		{kind: "dwg", magic: "AC10"},
		{kind: "exr", magic: "\x76\x2f\x31\x01"},
		{kind: "fits", magic: "SIMPLE  =", walk: walkFits},
		{kind: "dds", magic: "DDS \x7c\x00\x00\x00"},
		{kind: "jxl", magic: "\x00\x00\x00\x0cJXL \r\n\x87\n", walk: walkMp4},
		{kind: "sgi", magic: "\x01\xda\x00\x01"},
		{kind: "sgi", magic: "\x01\xda\x01\x01"},
		{kind: "sun raster", magic: "\x59\xa6\x6a\x95"},
		{kind: "icns", magic: "icns"},
		{kind: "fli", is: func(b []byte) bool {
			return len(b) > 128 && b[4] >= 0x11 && b[4] <= 0x12 && b[5] == 0xaf && b[12] == 8 && b[13] == 0
		}},
		{kind: "icc", magic: "acsp", at: 36, walk: walkIcc},

		{kind: "riff", magic: "RIFF", walk: walkRiff},
		{kind: "aiff", magic: "FORM", walk: walkAiff},
		{kind: "mp4", is: isMp4, walk: walkMp4},
		{kind: "matroska", magic: "\x1a\x45\xdf\xa3", walk: walkMatroska},
		{kind: "ogg", magic: "OggS\x00", walk: walkOgg},
		{kind: "flac", magic: "fLaC", walk: walkFlac},
		{kind: "mp3", is: isMp3, walk: walkMp3},
		{kind: "asf", magic: "\x30\x26\xb2\x75\x8e\x66\xcf\x11"},
		{kind: "flv", magic: "FLV\x01"},
		{kind: "midi", magic: "MThd\x00\x00\x00\x06"},
		{kind: "au", magic: ".snd\x00\x00"},
		{kind: "musepack", magic: "MPCK"},
		{kind: "musepack", magic: "MP+"},
		{kind: "monkey's audio", magic: "MAC "},
		{kind: "wavpack", magic: "wvpk"},
		{kind: "true audio", magic: "TTA1", walk: walkTta},
		{kind: "ac3", magic: "\x0b\x77", walk: walkAc3},
		{kind: "adts", is: isAdts, walk: walkAdts},
		{kind: "amr", magic: "#!AMR"},
		{kind: "caf", magic: "caff\x00\x01"},
		{kind: "realmedia", magic: ".RMF\x00\x00"},
		{kind: "realaudio", magic: ".ra\xfd"},
		{kind: "dts", magic: "\x7f\xfe\x80\x01"},
		{kind: "impulse tracker", magic: "IMPM"},
		{kind: "extended module", magic: "Extended Module: "},
		{kind: "noteworthy", magic: "[NWZ]\x00"},
		{kind: "dsd", magic: "DSD \x1c\x00"},
		{kind: "soundfont", magic: "sfbk", at: 8},
		{kind: "swf", is: func(b []byte) bool {
			return len(b) > 12 && (b[0] == 'F' || b[0] == 'C' || b[0] == 'Z') && b[1] == 'W' && b[2] == 'S' && b[3] < 60
		}},

		{kind: "pdf", is: func(b []byte) bool { return bytes.Contains(b[:min(len(b), 1024)], []byte("%PDF-")) }, walk: walkPdf},
		{kind: "rtf", magic: `{\rtf`, walk: walkRtf},
		{kind: "ole2", magic: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", walk: walkOle2},
		{kind: "eps", magic: "\xc5\xd0\xd3\xc6"},
		{kind: "chm", magic: "ITSF\x03\x00\x00\x00"},
		{kind: "dvi", magic: "\xf7\x02\x01\x83\x92\xc0"},
		{kind: "tex font", magic: "\xf7\xca"},
		{kind: "tex font", magic: "\xf7\x59"},
		{kind: "tex font", magic: "\xf7\x83"},
		{kind: "type 1", magic: "\x80\x01", walk: walkPfb},
		{kind: "mobi", magic: "BOOKMOBI", at: 60},
		{kind: "palm", magic: "TEXtREAd", at: 60},
		{kind: "onenote", magic: "\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"},

		{kind: "sqlite", magic: "SQLite format 3\x00", walk: walkSqlite},
		{kind: "sqlite journal", magic: "\x37\x7f\x06\x82"},
		{kind: "access", magic: "\x00\x01\x00\x00Standard ", walk: walkAccess},
		{kind: "ese", magic: "\xef\xcd\xab\x89", at: 4, walk: walkEse},
		{kind: "mdf", is: isMssql, walk: walkMssql},
		{kind: "innodb", is: isInnodb, walk: walkInnodb},
		{kind: "pst", magic: "!BDN"},
		{kind: "pg_dump", magic: "PGDMP\x01"},
		{kind: "mssql backup", magic: "TAPE\x00\x00"},
		{kind: "dicom", is: isDicom, walk: walkDicom},
		{kind: "hdf5", magic: "\x89HDF\r\n\x1a\n"},
		{kind: "netcdf", magic: "CDF\x01"},
		{kind: "netcdf", magic: "CDF\x02"},
		{kind: "parquet", magic: "PAR1", walk: ends("PAR1", followed)},
		{kind: "arrow", magic: "ARROW1\x00\x00", walk: ends("ARROW1", followed)},
		{kind: "orc", magic: "ORC\x08"},
		{kind: "avro", magic: "Obj\x01"},
		{kind: "numpy", magic: "\x93NUMPY", walk: walkNumpy},
		{kind: "nifti", magic: "n+1\x00", at: 344},
		{kind: "hdf4", magic: "\x0e\x03\x13\x01"},
		{kind: "grib", magic: "GRIB"},
		{kind: "bufr", magic: "BUFR"},
		{kind: "miniseed", is: isMiniseed, walk: walkMiniseed},
		{kind: "lidar", magic: "LASF\x00\x00"},
		{kind: "edf", is: func(b []byte) bool {
			return len(b) > 256 && string(b[:8]) == "0       " && b[170] == '.' && b[173] == '.'
		}},
		{kind: "feather", magic: "FEA1"},
		{kind: "redis", magic: "REDIS00"},
		{kind: "pcap", magic: "\xd4\xc3\xb2\xa1\x02\x00"},
		{kind: "pcap", magic: "\x4d\x3c\xb2\xa1\x02\x00"},
		{kind: "pcapng", magic: "\x0a\x0d\x0d\x0a"},
		{kind: "evt", magic: "LfLe", at: 4},
		{kind: "minidump", magic: "MDMP\x93\xa7"},
		{kind: "minidump", magic: "PAGEDU64"},
		{kind: "minidump", magic: "PAGEDUMP"},
		{kind: "myisam", magic: "\xfe\xfe\x07"},
		{kind: "mysql form", magic: "\xfe\x01"},
		{kind: "sas", magic: "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60"},
		{kind: "spss", magic: "$FL2"},
		{kind: "spss", magic: "$FL3"},
		{kind: "shp", magic: "\x00\x00\x27\x0a\x00\x00\x00\x00", walk: nil},

		{kind: "elf", magic: "\x7fELF", walk: walkElf},
		{kind: "pe", is: isPe, walk: walkPe},
		{kind: "mz", is: isMz},
		{kind: "class", magic: "\xca\xfe\xba\xbe", walk: walkClass},
		{kind: "mach-o", magic: "\xcf\xfa\xed\xfe"},
		{kind: "mach-o", magic: "\xce\xfa\xed\xfe"},
		{kind: "llvm", magic: "BC\xc0\xde"},
		{kind: "wasm", magic: "\x00asm\x01\x00\x00\x00", walk: walkWasm},
		{kind: "dex", magic: "dex\n03", walk: walkDex},
		{kind: "pyc", is: isPyc},
		{kind: "evtx", magic: "ElfFile\x00", walk: walkEvtx},
		{kind: "regf", magic: "regf", walk: walkRegf},
		{kind: "lnk", magic: "\x4c\x00\x00\x00\x01\x14\x02\x00"},
		{kind: "mft", magic: "FILE0\x00"},
		{kind: "prefetch", magic: "SCCA", at: 4},
		{kind: "prefetch", magic: "MAM\x04"},
		{kind: "journal", magic: "LPKSHHRH"},
		{kind: "font", is: isTrueType, walk: walkFont},
		{kind: "font", magic: "wOFF", walk: walkFont},
		{kind: "font", magic: "wOF2", walk: walkFont},
		{kind: "font", magic: "ttcf\x00"},
		{kind: "pcf", magic: "\x01fcp"},
		{kind: "mo", magic: "\xde\x12\x04\x95", walk: walkMo},
		{kind: "mo", magic: "\x95\x04\x12\xde", walk: walkMo},
		{kind: "git index", magic: "DIRC\x00\x00\x00"},
		{kind: "git pack index", magic: "\xfftOc\x00\x00\x00\x02"},
		{kind: "terminfo", is: func(b []byte) bool {
			return len(b) > 64 && (b[0] == 0x1a && b[1] == 1 || b[0] == 0x1e && b[1] == 2) && b[3] == 0 && b[2] > 1 && printable(b[12:min(len(b), 11+int(b[2]))])
		}},
		{kind: "time zone", magic: "TZif"},
		{kind: "vhdx", magic: "vhdxfile"},
		{kind: "vmdk", magic: "KDMV"},
		{kind: "qcow2", magic: "QFI\xfb\x00\x00\x00"},
		{kind: "vdi", magic: "\x7f\x10\xda\xbe", at: 64},
		{kind: "iso", magic: "CD001", at: 32769, walk: walkIso},
		{kind: "vhd", magic: "conectix\x00\x00\x00\x02"},
		{kind: "xar", magic: "xar!\x00\x1c"},
		{kind: "arj", magic: "\x60\xea"},
		{kind: "lha", is: func(b []byte) bool { return len(b) > 24 && b[2] == '-' && b[3] == 'l' && b[4] == 'h' && b[6] == '-' }},
		{kind: "crx", magic: "Cr24\x03\x00\x00\x00"},
		{kind: "cramfs", magic: "\x45\x3d\xcd\x28"},
		{kind: "szdd", magic: "SZDD\x88\xf0\x27\x33"},
		{kind: "squashfs", magic: "hsqs"},
		{kind: "ewf", magic: "EVF\t\r\n\xff\x00"},
		{kind: "wim", magic: "MSWIM\x00\x00\x00"},
		{kind: "ext", is: func(b []byte) bool {
			return len(b) > 1144 && b[1080] == 0x53 && b[1081] == 0xef && le.Uint32(b[1048:]) < 7
		}},
		{kind: "ntfs", magic: "NTFS    ", at: 3},
		{kind: "boot sector", is: func(b []byte) bool {
			return len(b) >= 512 && b[510] == 0x55 && b[511] == 0xaa && (b[0] == 0xeb || b[0] == 0x33 || b[0] == 0xfa)
		}},

		// Encrypted by right.
		{kind: "openssl", magic: "Salted__", walk: honest("openssl enc")},
		{kind: "age", magic: "age-encryption.org/v1\n", walk: honest("age")},
		{kind: "age", magic: "-----BEGIN AGE ENCRYPTED FILE-----", walk: honest("age")},
		{kind: "luks", magic: "LUKS\xba\xbe", walk: honest("LUKS")},
		{kind: "bitlocker", magic: "-FVE-FS-", at: 3, walk: honest("BitLocker")},
		{kind: "aescrypt", magic: "AES\x02\x00", walk: honest("AES Crypt")},
		{kind: "keepass", magic: "\x03\xd9\xa2\x9a", walk: honest("KeePass")},
		{kind: "ansible", magic: "$ANSIBLE_VAULT;", walk: honest("Ansible Vault")},
		{kind: "jks", magic: "\xfe\xed\xfe\xed\x00\x00\x00", walk: honest("a Java keystore")},
		{kind: "jceks", magic: "\xce\xce\xce\xce\x00\x00\x00", walk: honest("a Java keystore")},
		{kind: "ecryptfs", is: isEcryptfs, walk: honest("eCryptfs")},
		{kind: "openpgp", is: isOpenPGP, walk: honest("OpenPGP")},
		{kind: "openpgp key", is: isOpenPGPKey},
		{kind: "openpgp", magic: "-----BEGIN PGP MESSAGE-----", walk: honest("OpenPGP")},
		{kind: "smime", magic: "-----BEGIN CMS-----", walk: honest("CMS")},
		{kind: "smime", magic: "-----BEGIN PKCS7-----", walk: honest("CMS")},
		{kind: "cms", is: isEnveloped, walk: honest("CMS")},
		{kind: "pkcs12", is: isPKCS12, walk: honest("a PKCS #12 keystore")},

		{kind: "der", is: isDER},
		{kind: "tar", is: isTar, walk: walkTar},
		{kind: "dicom", is: isDicomBare, walk: walkDicomBare},
		{kind: "mpeg ts", is: func(b []byte) bool {
			return len(b) > 760 && b[0] == 0x47 && b[188] == 0x47 && b[376] == 0x47 && b[564] == 0x47
		}},
		{kind: "mpeg ps", magic: "\x00\x00\x01\xba"},
		{kind: "aac", is: isADTS},
	}
}

// walkDicomBare gives up where a data set without preamble breaks early: four bytes are no signature.
func walkDicomBare(x *exam) form {
	f := walkDicom(x)
	if f.shape == broken && f.at < 64 {
		return form{}
	}
	return f
}

func isADTS(b []byte) bool {
	at := 0
	for range 3 {
		if at+7 > len(b) || b[at] != 0xff || b[at+1]&0xf6 != 0xf0 {
			return false
		}
		n := int(b[at+3]&3)<<11 | int(b[at+4])<<3 | int(b[at+5]>>5)
		if n < 7 {
			return false
		}
		at += n
	}
	return true
}

// honest is a form that is encrypted by right.
func honest(by string) func(x *exam) form {
	return func(x *exam) form { return form{shape: begun, honest: by} }
}

func isEcryptfs(b []byte) bool {
	return len(b) >= 8192 && be.Uint32(b[8:])^be.Uint32(b[12:]) == 0x3c81b7f5
}

// isOpenPGP takes a message that begins with an encrypted session key or encrypted data (RFC 9580): a packet whose length and version fit.
func isOpenPGP(b []byte) bool {
	if len(b) < 24 || b[0]&0x80 == 0 {
		return false
	}
	tag, size, at := b[0]>>2&15, 0, 0
	if b[0]&0x40 != 0 {
		tag = b[0] & 63
		switch {
		case b[1] < 192:
			size, at = int(b[1]), 2
		case b[1] < 224:
			size, at = int(b[1]-192)<<8+int(b[2])+192, 3
		case b[1] == 255:
			size, at = int(be.Uint32(b[2:])), 6
		default:
			size, at = 1<<(b[1]&31), 2
		}
	} else {
		switch b[0] & 3 {
		case 0:
			size, at = int(b[1]), 2
		case 1:
			size, at = int(be.Uint16(b[1:])), 3
		case 2:
			size, at = int(be.Uint32(b[1:])), 5
		default:
			size, at = len(b), 1
		}
	}
	if at >= len(b) {
		return false
	}
	next := at + size
	switch tag {
	case 1: // session key for a public key
		return (b[at] == 3 || b[at] == 6) && size > 32 && size < 4200 && next < len(b) && b[next]&0x80 != 0 && (b[at] == 6 || at+9 < len(b) && b[at+9] >= 1 && b[at+9] <= 28)
	case 3: // session key for a passphrase
		return (b[at] == 4 || b[at] == 5 || b[at] == 6) && b[at+1] >= 1 && b[at+1] <= 13 && size < 200 && next < len(b) && b[next]&0x80 != 0 && (b[at] != 4 || b[at+2] <= 4)
	case 18, 20: // data alone
		return (b[at] == 1 || b[at] == 2) && size >= len(b)/2 && size <= len(b)+1<<20 && b[0]&0x40 != 0
	}
	return false
}

// isOpenPGPKey takes a public or secret key, of version 4 or 6 and a kind that exists (RFC 9580, 5.5).
func isOpenPGPKey(b []byte) bool {
	if len(b) < 32 || b[0]&0x80 == 0 {
		return false
	}
	tag, at := b[0]>>2&15, 2+int(b[0]&3)
	if b[0]&0x40 != 0 {
		tag, at = b[0]&63, 2
		if b[1] >= 192 {
			at = 3
		}
	} else if b[0]&3 == 2 {
		at = 5
	}
	return (tag == 5 || tag == 6) && (b[at] == 4 || b[at] == 6) && b[at+5] >= 1 && b[at+5] <= 28
}

// isDER takes a sequence whose length is that of the file.
func isDER(b []byte) bool {
	at, n := derHeader(b)
	return at > 0 && len(b) >= 16 && at+n == len(b) && (b[at] == 0x30 || b[at] == 0x02 || b[at] == 0x06)
}

// derHeader is where the content of a sequence begins, and its length; 0 if there is none.
func derHeader(b []byte) (at, n int) {
	if len(b) < 6 || b[0] != 0x30 {
		return 0, 0
	}
	switch c := b[1]; {
	case c < 0x80:
		return 2, int(c)
	case c == 0x80:
		return 2, len(b) - 2
	case c == 0x81:
		return 3, int(b[2])
	case c == 0x82:
		return 4, int(be.Uint16(b[2:]))
	case c == 0x83:
		return 5, int(b[2])<<16 | int(be.Uint16(b[3:]))
	case c == 0x84:
		return 6, int(be.Uint32(b[2:]))
	}
	return 0, 0
}

// isEnveloped takes CMS with the content types that are encrypted (RFC 5652: 1.2.840.113549.1.7.3 and .6).
func isEnveloped(b []byte) bool {
	at, _ := derHeader(b)
	if at == 0 || at+11 > len(b) {
		return false
	}
	oid := b[at:]
	return string(oid[:10]) == "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" && (oid[10] == 3 || oid[10] == 6) ||
		string(oid[:10]) == "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09"
}

// isPKCS12 takes version 3 and data inside.
func isPKCS12(b []byte) bool {
	at, _ := derHeader(b)
	return at > 0 && at+24 < len(b) && string(b[at:at+3]) == "\x02\x01\x03" && bytes.Contains(b[at:min(len(b), at+24)], []byte("\x2a\x86\x48\x86\xf7\x0d\x01\x07"))
}
