package evtx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
)

// damage changes a whole log into one that is hurt in a way that real logs are. It works on a copy.
type damage struct {
	name string
	do   func(log []byte)
	cut  int    // bytes to cut off the end
	says string // what the checker says of it; "" if the log is well-formed
}

// damages is what may befall a log of at least three chunks, whose first chunk has at least nine records. The eighth of
// them holds no definitions, the third does.
var damages = []damage{
	{name: "file header overwritten", do: func(log []byte) { clear(log[:4096]) }, says: "file header"},
	{name: "file header checksum", do: func(log []byte) { log[124] ^= 1 }, says: "file header checksum"},
	{name: "chunk magic", do: func(log []byte) { clear(chunkOf(log, 1)[:8]) }, says: "chunk header"},
	{name: "chunk header checksum", do: func(log []byte) { chunkOf(log, 1)[124] ^= 1 }, says: "checksum of chunk header"},
	{name: "chunk records checksum", do: func(log []byte) { b := chunkOf(log, 1); b[52] ^= 1; sealHeader(b) }, says: "checksum of records"},
	{name: "chunk overwritten", do: func(log []byte) { clear(chunkOf(log, 1)) }, says: "chunk header"},
	{name: "record magic", do: func(log []byte) { b := chunkOf(log, 0); b[recordAt(b, 7)] = 'x'; seal(b) }, says: "record at"},
	{name: "record size zero", do: func(log []byte) { b := chunkOf(log, 0); put32(b[recordAt(b, 7)+4:], 0); seal(b) }, says: "record at"},
	{name: "record size beyond chunk", do: func(log []byte) { b := chunkOf(log, 0); put32(b[recordAt(b, 7)+4:], 1<<30); seal(b) }, says: "record at"},
	{name: "record size copy", do: func(log []byte) { b := chunkOf(log, 0); b[recordAt(b, 8)-4] ^= 8; seal(b) }, says: "record at"},
	{name: "record overwritten", do: func(log []byte) {
		b := chunkOf(log, 0)
		at := recordAt(b, 7)
		fill(b[at+24:recordAt(b, 8)-4], 0xa5)
		seal(b)
	}, says: ""},
	{name: "record with definitions overwritten", do: func(log []byte) {
		b := chunkOf(log, 0)
		fill(b[recordAt(b, 2)+24:recordAt(b, 3)-4], 0xa5)
		seal(b)
	}, says: ""},
	{name: "definition overwritten", do: func(log []byte) { b := chunkOf(log, 0); fill(b[600:700], 0xa5); seal(b) }, says: ""},
	{name: "name table overwritten", do: func(log []byte) { b := chunkOf(log, 0); fill(b[128:384], 0xff); seal(b) }, says: ""},
	{name: "torn write", do: func(log []byte) { // the end of a chunk still holds what stood there before
		b := chunkOf(log, 1)
		fill(b[32768:], 0)
	}, says: "checksum of records"},
	{name: "cut inside a chunk", cut: 40000, says: "file header: oldest chunk"},
	{name: "cut to the header", cut: -4096, says: "file header: oldest chunk"},
	{name: "last records in slack", do: func(log []byte) { hideLast(log, chunkOf(log, 0), 3) }, says: ""},
}

// apply returns the damaged log.
func (d damage) apply(log []byte) []byte {
	log = bytes.Clone(log)
	if d.do != nil {
		d.do(log)
	}
	if d.cut < 0 {
		return log[:-d.cut]
	}
	return log[:len(log)-d.cut]
}

func chunkOf(log []byte, i int) []byte { return log[4096+i*65536:][:65536] }

// recordAt is the offset of the i-th record of a chunk, from 0.
func recordAt(b []byte, i int) int {
	at := 512
	for range i {
		at += int(binary.LittleEndian.Uint32(b[at+4:]))
	}
	return at
}

func put32(b []byte, n uint32) { binary.LittleEndian.PutUint32(b, n) }

func fill(b []byte, x byte) {
	for i := range b {
		b[i] = x
	}
}

// seal makes the checksums of a chunk right again, as someone does who wants to hide a change.
func seal(b []byte) {
	put32(b[52:], crc32.ChecksumIEEE(b[512:binary.LittleEndian.Uint32(b[48:])]))
	sealHeader(b)
}

func sealHeader(b []byte) {
	put32(b[124:], crc32.ChecksumIEEE(slices.Concat(b[:120], b[128:512])))
}

// hideLast takes the last n records of a chunk out of its header; their bytes stay behind the free space offset. Names
// and definitions that only they use stay in the tables, as they do when Windows takes back a record.
func hideLast(log, b []byte, n int) {
	var at []int
	for p := 512; p < int(binary.LittleEndian.Uint32(b[48:])); p += int(binary.LittleEndian.Uint32(b[p+4:])) {
		at = append(at, p)
	}
	last := at[len(at)-n-1]
	id := binary.LittleEndian.Uint64(b[last+8:])
	binary.LittleEndian.PutUint64(b[16:], id)
	binary.LittleEndian.PutUint64(b[32:], id)
	put32(b[44:], uint32(last))
	put32(b[48:], uint32(at[len(at)-n]))
	seal(b)
}

// probe makes the checker's complaint a value.
type probe struct{}

func (probe) Helper()                           {}
func (probe) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// complaint is what the checker says of a log.
func complaint(log []byte) (says string, records []checkedRecord) {
	defer func() {
		if r := recover(); r != nil {
			says = fmt.Sprint(r)
		}
	}()
	return "", check(probe{}, log)
}

// threeChunks is a log to be damaged.
func threeChunks(t testing.TB) []byte {
	events := oneOfEach(t)[:5]
	for range 7 {
		events = append(events, events...)
	}
	log := writeLog(t, WriterOptions{Computer: "EX-DC1"}, events...)
	if len(log) < 4096+3*65536 {
		t.Fatalf("%d bytes are fewer than three chunks", len(log))
	}
	return log
}

// Each flaw is seen by the checker: so it proves something when the checker finds none.
func TestDamages(t *testing.T) {
	whole := threeChunks(t)
	_, all := complaint(whole)
	for _, d := range damages {
		says, records := complaint(d.apply(whole))
		switch {
		case !strings.HasPrefix(says, d.says):
			t.Errorf("%s: checker says %q, want %q", d.name, says, d.says)
		case d.name == "last records in slack" && (says != "" || len(records) != len(all)-3):
			t.Errorf("%s: %d records of %d, %s", d.name, len(records), len(all), says)
		case d.name != "last records in slack" && says == "":
			t.Errorf("%s: checker finds nothing", d.name)
		}
	}
}
