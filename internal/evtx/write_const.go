package evtx

const (
	fileHeaderBytes  = 4096
	chunkBytes       = 65536
	chunkHeaderBytes = 512
	recordHeader     = 24
)

var (
	fileMagic   = []byte("ElfFile\x00")
	chunkMagic  = []byte("ElfChnk\x00")
	recordMagic = []byte{'*', '*', 0, 0}
)

// The tokens of BinXML ([MS-EVEN6] 2.2.12).
const (
	tokEnd          = 0x00
	tokOpen         = 0x01
	tokCloseStart   = 0x02
	tokCloseEmpty   = 0x03
	tokCloseElement = 0x04
	tokValue        = 0x05
	tokAttribute    = 0x06
	tokCDATA        = 0x07
	tokCharRef      = 0x08
	tokEntityRef    = 0x09
	tokPITarget     = 0x0a
	tokPIData       = 0x0b
	tokTemplate     = 0x0c
	tokSub          = 0x0d
	tokOptionalSub  = 0x0e
	tokFragment     = 0x0f
	tokMore         = 0x40
)
