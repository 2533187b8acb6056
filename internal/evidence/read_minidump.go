package evidence

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strconv"

	"wardround/internal/event"
)

// minidumpReader reads what a memory dump of one process says of itself: which program was dumped, when, and how much of its memory is in it.
// Whoever reads the passwords of a Windows server writes such a dump of LSASS to a folder, under any name; with Windows' own settings the file is
// the only trace. The format is that of the Windows SDK's minidumpapiset.h; what Breakpad and Crashpad write on other systems has the same form.
//
// Only the head is read and kept, never the memory. The rest is counted, to tell a dump that breaks off.
var minidumpReader = reader{"minidump", isMinidump, readMinidump}

// Slots of a dump.
const (
	mdFile = iota
	mdImage
	mdProcess
	mdStarted
	mdModules
	mdLsasrv
	mdFlags
	mdFull
	mdMemory
	mdException
	mdComment
	mdVersion
	mdBuild
	mdPack
	mdProduct
	mdArchitecture
	mdSignature
	mdSlots
)

// minidumpSchemas are by product.
var minidumpSchemas = map[string]*event.Schema{"windows": minidumpSchema("windows"), "linux": minidumpSchema("linux")}

func minidumpSchema(product string) *event.Schema {
	return event.TextSchema(event.Source{Product: product, Channel: "minidump"}, "TargetFilename", "TargetImage", "TargetProcessId", "TargetProcessStart",
		"Modules", "LsasrvLoaded", "Flags", "FullMemory", "MemoryBytes", "ExceptionCode", "Comment", "OSVersion", "BuildString", "ServicePack", "ProductType",
		"Architecture", "SignatureChanged")
}

const (
	maxMinidumpHead    = 16 << 20 // of a file, that is read; dumps are written with their lists in front and their memory behind
	maxMinidumpStreams = 1024
	maxMinidumpModules = 8192
	maxMinidumpText    = 64 << 10
	maxMinidumpComment = 4 << 10

	minidumpSignature = "MDMP\x93\xa7"
	minidumpHeader    = 32 // bytes
	minidumpStream    = 12
	minidumpModule    = 108
)

// The streams that are read: MINIDUMP_STREAM_TYPE.
const (
	mdModuleList   = 4
	mdMemoryList   = 5
	mdExceptions   = 6
	mdSystemInfo   = 7
	mdMemory64List = 9
	mdCommentA     = 10
	mdCommentW     = 11
	mdMiscInfo     = 15
)

func isMinidump(head []byte, _ string) bool {
	return hasPrefix(head, minidumpSignature) || isUnsigned(head)
}

// isUnsigned knows a dump by its form where its first eight bytes are anything else: tools that dump LSASS past an antivirus leave the signature out,
// and the intruder restores it at home. All of the header, the directory and the system's description must make sense.
func isUnsigned(head []byte) bool {
	if len(head) < minidumpHeader {
		return false
	}
	u := func(at int) uint32 { return binary.LittleEndian.Uint32(head[at:]) }
	count := u(8)
	end := minidumpHeader + minidumpStream*int(min(count, 65))
	if count < 2 || count > 64 || u(12) != minidumpHeader || u(16) != 0 || len(head) < end {
		return false
	}
	var seen uint32
	system := 0
	for at := minidumpHeader; at < end; at += minidumpStream {
		kind, rva := u(at), u(at+8)
		if kind == 0 {
			continue
		}
		if kind < 3 || kind > 24 || seen&(1<<kind) != 0 || rva < uint32(end) {
			return false
		}
		seen |= 1 << kind
		if kind == mdSystemInfo && u(at+4) == 56 && int64(rva)+56 <= int64(len(head)) {
			system = int(rva)
		}
	}
	if system == 0 || seen&(1<<mdModuleList) == 0 {
		return false
	}
	major, minor, build, platform := u(system+8), u(system+12), u(system+16), u(system+20)
	_, known := architectures[binary.LittleEndian.Uint16(head[system:])]
	return known && major >= 5 && major <= 10 && minor <= 3 && build >= 2195 && build < 1<<17 && (platform == 0 || platform == 2)
}

func readMinidump(ctx context.Context, in *input, out *output) error {
	m := &minidump{r: in.Stream, out: out, product: "windows"}
	where, _ := onItsSystem(in.Path)
	m.text(mdFile, where)
	rec := event.Record{Number: 1, Time: m.header()}
	if err := m.rest(ctx); err != nil {
		return err
	}
	if rec.Time == event.NoTime && in.Stored && !in.Modified.IsZero() {
		rec.Time = event.At(in.Modified)
		out.note("the dump states no time: its time is the file's last change as the archive has it")
	}
	rec.Schema = minidumpSchemas[m.product]
	if out.want(rec.Schema) {
		rec.Slots = m.slots[:]
	}
	out.take(&rec)
	return m.err
}

// minidump is one dump being read.
type minidump struct {
	r       io.Reader
	out     *output
	product string
	slots   [mdSlots]event.Value

	head   []byte // what was read so far, from the first byte
	ended  bool
	err    error // of the stream, never of the format
	needed int64 // up to here the file must reach
	missed []minidumpPart
}

// minidumpPart is a stretch of a dump.
type minidumpPart struct {
	what string
	at   int64
	size int64
}

// part returns n bytes at an offset, fewer where the file or what is read of it ends. What is missing is told in the end, once for each kind of part.
func (m *minidump) part(what string, at int64, n int) []byte {
	m.fill(min(at+int64(n), maxMinidumpHead))
	got := m.head[min(at, int64(len(m.head))):min(at+int64(n), int64(len(m.head)))]
	if len(got) < n {
		for _, p := range m.missed {
			if p.what == what {
				return got
			}
		}
		m.missed = append(m.missed, minidumpPart{what, at, int64(n)})
	}
	return got
}

// fill reads up to an offset that is within what may be kept. What is kept grows with what is there, not with what a dump claims.
func (m *minidump) fill(end int64) {
	for !m.ended && int64(len(m.head)) < end {
		grown := make([]byte, min(maxMinidumpHead, max(headBytes, 2*len(m.head))))
		copy(grown, m.head)
		n, err := io.ReadFull(m.r, grown[len(m.head):])
		m.head = grown[:len(m.head)+n]
		m.end(err)
	}
}

// end notes what ended the stream.
func (m *minidump) end(err error) {
	m.ended = m.ended || err != nil
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		m.err = err
	}
}

// rest counts the bytes behind the head and tells what of the dump is not there.
func (m *minidump) rest(ctx context.Context) error {
	size := int64(len(m.head))
	buf := scratchPool.Get().(*[scratchBytes]byte)
	defer scratchPool.Put(buf)
	for !m.ended {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(m.r, buf[:])
		size += int64(n)
		m.end(err)
	}
	if m.err != nil {
		return ctx.Err() // the stream says where it broke off
	}
	for _, p := range m.missed {
		switch {
		case p.at >= size:
			m.out.damage(size, -1, p.what+" outside of the file")
		case p.at+p.size > size:
			m.out.damage(p.at, size-p.at, p.what+" cut short")
		default:
			m.out.note("the %s lies behind the first %d bytes, which are all that is read of a dump", p.what, maxMinidumpHead)
		}
	}
	if m.needed > size {
		m.out.damage(size, -1, "the dump's memory is cut short")
	}
	return nil
}

// header reads a dump from its beginning and returns its time.
func (m *minidump) header() event.Time {
	b := m.part("header", 0, minidumpHeader)
	if len(b) < minidumpHeader {
		return event.NoTime
	}
	if !hasPrefix(b, minidumpSignature) {
		m.slots[mdSignature] = truth[true]
	}
	m.slots[mdFlags] = flagsValue(binary.LittleEndian.Uint32(b[24:]))
	at := event.NoTime
	if stamp := binary.LittleEndian.Uint32(b[20:]); stamp != 0 {
		at = unixTime(int64(stamp), 0)
	}
	m.directory(int64(binary.LittleEndian.Uint32(b[12:])), binary.LittleEndian.Uint32(b[8:]))
	return at
}

// directory reads the streams that tell something. Of several of one kind the first counts, as for debuggers.
func (m *minidump) directory(at int64, count uint32) {
	if count > maxMinidumpStreams {
		m.out.damage(8, 4, "directory longer than any")
		count = maxMinidumpStreams
	}
	b := m.part("directory", at, int(count)*minidumpStream)
	seen := map[uint32]bool{}
	for ; len(b) >= minidumpStream; b = b[minidumpStream:] {
		kind, size, rva := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
		if read := minidumpStreams[kind]; read != nil && !seen[kind] {
			seen[kind] = true
			read(m, int64(rva), int64(size))
		}
	}
}

// minidumpStreams reads a stream of each kind, by where it lies and its size.
var minidumpStreams = map[uint32]func(m *minidump, at, size int64){
	mdModuleList:   (*minidump).modules,
	mdMemoryList:   (*minidump).memory,
	mdExceptions:   (*minidump).exception,
	mdSystemInfo:   (*minidump).system,
	mdMemory64List: (*minidump).memory64,
	mdCommentA:     func(m *minidump, at, size int64) { m.comment(event.Ansi, at, size) },
	mdCommentW:     func(m *minidump, at, size int64) { m.comment(event.UTF16, at, size) },
	mdMiscInfo:     (*minidump).process,
}

// list returns the entries of a stream that counts them in front, each of width bytes behind lead bytes: those that are there, how many there should
// be, -1 where that cannot be read, and whether these are all.
func (m *minidump) list(what string, at, size int64, lead, width, most int) (b []byte, count int, all bool) {
	b = m.part(what, at, lead)
	if len(b) < lead {
		return nil, -1, false
	}
	stated := uint64(binary.LittleEndian.Uint32(b))
	if lead > 4 {
		stated = binary.LittleEndian.Uint64(b)
	}
	fits := uint64(max(0, size-int64(lead))) / uint64(width)
	if stated > fits {
		m.out.damage(at, size, what+" longer than its stream")
	}
	count = int(min(stated, fits))
	if size == int64(lead+count*width)+4 && lead == 4 {
		at += 4 // Breakpad once put the entries on a boundary of eight bytes
	}
	if count > most {
		m.out.note("the %s has %d entries, of which the first %d are read", what, count, most)
	}
	b = m.part(what, at+int64(lead), min(count, most)*width)
	b = b[:len(b)/width*width]
	return b, count, len(b) == count*width && stated <= fits
}

// modules reads MINIDUMP_MODULE_LIST. The first module is the program itself; lsasrv.dll, the server of local security, is loaded by LSASS alone.
func (m *minidump) modules(at, size int64) {
	b, count, whole := m.list("list of modules", at, size, 4, minidumpModule, maxMinidumpModules)
	if count < 0 {
		return
	}
	found := false
	for i := 0; i < len(b); i += minidumpModule {
		name, ok := m.string("name of a module", int64(binary.LittleEndian.Uint32(b[i+20:])))
		whole = whole && ok
		if i == 0 {
			m.slots[mdImage] = utf16Value(name)
		}
		found = found || isLsasrv(name)
	}
	m.slots[mdModules] = decimal(uint64(count))
	if found || whole && count > 0 {
		m.slots[mdLsasrv] = truth[found]
	}
}

// isLsasrv reports whether a path in UTF-16 names that library.
func isLsasrv(path []byte) bool {
	const name = `lsasrv.dll`
	at := len(path) - 2*len(name)
	if at < 0 || at > 0 && !(path[at-1] == 0 && (path[at-2] == '\\' || path[at-2] == '/')) {
		return false
	}
	for i := range len(name) {
		if c := path[at+2*i]; path[at+2*i+1] != 0 || c != name[i] && c|0x20 != name[i] {
			return false
		}
	}
	return true
}

// string reads a MINIDUMP_STRING: its length in bytes, and UTF-16.
func (m *minidump) string(what string, at int64) (text []byte, ok bool) {
	b := m.part(what, at, 4)
	if len(b) < 4 {
		return nil, false
	}
	n := binary.LittleEndian.Uint32(b)
	if n > maxMinidumpText || n%2 != 0 {
		m.out.damage(at, 4, what+" longer than any")
		return nil, false
	}
	b = m.part(what, at+4, int(n))
	return b[:len(b)&^1], len(b) == int(n)
}

// memory64 reads MINIDUMP_MEMORY64_LIST, which dumps with the whole memory have: where it begins, and the size of each range.
func (m *minidump) memory64(at, size int64) {
	b, count, whole := m.list("list of memory", at, size, 16, 16, maxMinidumpHead/16)
	if count < 0 {
		return
	}
	end, total := binary.LittleEndian.Uint64(m.part("list of memory", at+8, 8)), uint64(0)
	for i := 0; i < len(b); i += 16 {
		n := binary.LittleEndian.Uint64(b[i+8:])
		if n > math.MaxInt64-total {
			m.out.damage(at+16+int64(i), 16, "size of memory makes no sense")
			whole = false
			break
		}
		total += n
	}
	m.slots[mdFull] = truth[true]
	m.slots[mdMemory] = event.Value{}
	if whole {
		m.slots[mdMemory] = decimal(total)
	}
	if count > 0 && end <= math.MaxInt64-total {
		m.needed = max(m.needed, int64(end+total))
	}
}

// memory reads MINIDUMP_MEMORY_LIST, which dumps with parts of the memory have: the stacks of threads, mostly.
func (m *minidump) memory(at, size int64) {
	b, count, whole := m.list("list of memory", at, size, 4, 16, maxMinidumpHead/16)
	total := uint64(0)
	for ; len(b) >= 16; b = b[16:] {
		n, rva := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
		total += uint64(n)
		m.needed = max(m.needed, int64(rva)+int64(n))
	}
	if count < 0 || !m.slots[mdFull].IsNull() { // with the whole there is no need of the parts
		return
	}
	m.slots[mdFull] = truth[false]
	if whole {
		m.slots[mdMemory] = decimal(total)
	}
}

// exception reads the code of MINIDUMP_EXCEPTION_STREAM: a program that crashed has one.
func (m *minidump) exception(at, _ int64) {
	if b := m.part("exception", at, 12); len(b) == 12 {
		m.slots[mdException] = event.Value{Type: event.Hex32, Raw: b[8:12]}
	}
}

// comment reads what whoever wrote the dump put beside it: ProcDump its command line.
func (m *minidump) comment(kind event.Type, at, size int64) {
	b := m.part("comment", at, int(min(size, maxMinidumpComment)))
	if m.slots[mdComment].IsNull() && len(b) > 0 {
		m.slots[mdComment] = event.Value{Type: kind, Raw: b}
	}
}

// process reads MINIDUMP_MISC_INFO and what later versions added to it.
func (m *minidump) process(at, size int64) {
	const flags, id, times, created, build, buildEnd = 4, 1, 2, 12, 232, 232 + 2*260
	b := m.part("description of the process", at, int(min(size, buildEnd)))
	if len(b) < created+4 {
		return
	}
	set := binary.LittleEndian.Uint32(b[flags:])
	if set&id != 0 {
		m.slots[mdProcess] = event.Value{Type: event.Uint32, Raw: b[8:12]}
	}
	if stamp := binary.LittleEndian.Uint32(b[created:]); set&times != 0 && stamp != 0 {
		m.slots[mdStarted] = instant(unixTime(int64(stamp), 0))
	}
	if set&0x100 != 0 && len(b) == buildEnd {
		m.text(mdBuild, untilNUL(b[build:]))
	}
}

// system reads MINIDUMP_SYSTEM_INFO.
func (m *minidump) system(at, size int64) {
	b := m.part("description of the system", at, int(min(size, 32)))
	if len(b) < 28 {
		return
	}
	u := func(at int) uint64 { return uint64(binary.LittleEndian.Uint32(b[at:])) }
	arch := binary.LittleEndian.Uint16(b)
	if name, ok := architectures[arch]; ok {
		m.text(mdArchitecture, name)
	} else {
		m.slots[mdArchitecture] = decimal(uint64(arch))
	}
	if u(8)|u(12)|u(16) != 0 {
		m.text(mdVersion, strconv.FormatUint(u(8), 10)+"."+strconv.FormatUint(u(12), 10)+"."+strconv.FormatUint(u(16), 10))
	}
	if platform := u(20); platform >= 0x8000 { // those that Breakpad added
		m.product = "linux"
	} else if b[7] > 0 && int(b[7]) < len(productTypes) {
		m.text(mdProduct, productTypes[b[7]])
	}
	if rva := int64(u(24)); rva != 0 {
		text, _ := m.string("name of the service pack", rva)
		m.slots[mdPack] = utf16Value(text)
	}
}

// architectures are those of winnt.h that run Windows, and what Breakpad first wrote for ARM64.
var architectures = map[uint16]string{0: "x86", 5: "ARM", 6: "IA64", 9: "AMD64", 12: "ARM64", 0x8003: "ARM64"}

// productTypes are in the words of the registry's ProductOptions: workstation, domain controller, server.
var productTypes = []string{1: "WinNT", 2: "LanmanNT", 3: "ServerNT"}

func (m *minidump) text(slot int, s string) { m.slots[slot] = textOrNull(s) }

func utf16Value(b []byte) event.Value {
	if len(b) == 0 {
		return event.Value{}
	}
	return event.Value{Type: event.UTF16, Raw: b}
}

// flagsValue names what whoever wrote the dump asked for, none for a plain one.
func flagsValue(set uint32) event.Value {
	var s scratch
	return s.made(event.Ansi|event.Array, appendFlags(nil, set, minidumpTypes))
}

// minidumpTypes are those of MINIDUMP_TYPE, without "MiniDump".
var minidumpTypes = []flagName{
	{0x1, "WithDataSegs"}, {0x2, "WithFullMemory"}, {0x4, "WithHandleData"}, {0x8, "FilterMemory"}, {0x10, "ScanMemory"}, {0x20, "WithUnloadedModules"},
	{0x40, "WithIndirectlyReferencedMemory"}, {0x80, "FilterModulePaths"}, {0x100, "WithProcessThreadData"}, {0x200, "WithPrivateReadWriteMemory"},
	{0x400, "WithoutOptionalData"}, {0x800, "WithFullMemoryInfo"}, {0x1000, "WithThreadInfo"}, {0x2000, "WithCodeSegs"}, {0x4000, "WithoutAuxiliaryState"},
	{0x8000, "WithFullAuxiliaryState"}, {0x10000, "WithPrivateWriteCopyMemory"}, {0x20000, "IgnoreInaccessibleMemory"}, {0x40000, "WithTokenInformation"},
	{0x80000, "WithModuleHeaders"}, {0x100000, "FilterTriage"}, {0x200000, "WithAvxXStateContext"}, {0x400000, "WithIptTrace"},
	{0x800000, "ScanInaccessiblePartialPages"}, {0x1000000, "FilterWriteCombinedMemory"},
}
