package casefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wardround/internal/event"
	"wardround/internal/inventory"
	"wardround/internal/spread"
)

// Facts are what was learned of one artifact under one set of rules: they stand in cache/ so that evidence is decoded once.
// A worker appends the facts of its artifacts to a segment of its own, frame by frame. Facts count from the moment
// their last frame is whole: what an interruption cut off is not there.
//
// A frame is a kind byte, the length and CRC-32 of the payload as little-endian uint32, and the payload. Facts are a key
// frame, any number of frames of hits, ways, movements and people, and an end frame with the key and the trailer. A way
// stands before the frame of its first movement.
const (
	frameKey    = 'K'
	frameHits   = 'H'
	frameOrder  = 'O' // empty: the hits are in order of time, no more than a full frame of one time
	frameWays   = 'W'
	frameMoves  = 'M'
	framePeople = 'P'
	frameEnd    = 'E'
)

const segmentMagic = "WARDROUND FACTS 8\n"

// factsKey names facts: a digest over the artifact and all that its reading depends on.
type factsKey [16]byte

// trailer is what of an artifact is no hit and no movement.
type trailer struct {
	Sightings []inventory.Sighting
	Own       []inventory.Own
	Activity  []event.Activity
	Accounts  spread.Accounts // by SID
	Domains   spread.Domains  // by SID
	Damage    string          // JSON of a damage.File; "" if nobody looked
	Patients  []string        // JSON of patient.Files
	Listed    string          // JSON of damage.Listeds; "" for none
}

// hit is one hit of a rule, before it is known which server its computer is.
type hit struct {
	of     *layout
	time   event.Time
	number uint64
	offset int64
	digest uint64 // of the record's values
	values []byte // of the layout's names: see appendField
}

// layout is what many hits have in common. It is spelled out at the first of them in an artifact.
type layout struct {
	rule   int // index into match.Program.Rules
	host   string
	source event.Source
	names  []string // of the fields that are kept

	number  int    // among the layouts of the artifact
	turn    uint32 // of the encoder that gave the number
	heading int    // of the names, once the merge has one: see merged.headings
}

// appendField writes a value behind its length and one; one that is absent is a zero.
func appendField(b, value []byte, there bool) []byte {
	if !there {
		return append(b, 0)
	}
	return append(binary.AppendUvarint(b, uint64(len(value)+1)), value...)
}

type field struct{ name, value string }

// way is what many movements have in common, which is all but the time, the session and the place.
type way struct {
	event.Movement
	settled bool   // its names were replaced by servers, which are the same at any time
	key     []byte // as estimateClocks sorts it
	keyed   bool
}

// segmentWriter appends facts to one file.
type segmentWriter struct {
	f      *os.File
	w      *bufio.Writer
	name   string
	at     int64
	start  int64 // of the facts at hand
	kinds  frameKinds
	order  hitOrder
	hits   encoder
	ways   encoder
	moves  encoder
	people encoder // records of patient.Options.Person
	failed error
}

func createSegment(dir string) (*segmentWriter, error) {
	f, err := os.CreateTemp(dir, "facts-*.seg")
	if err != nil {
		return nil, fmt.Errorf("create cache: %w", err)
	}
	s := &segmentWriter{f: f, w: bufio.NewWriterSize(f, 256<<10), name: filepath.Base(f.Name())}
	s.write([]byte(segmentMagic))
	return s, s.failed
}

func (s *segmentWriter) write(b []byte) {
	if s.failed == nil {
		_, s.failed = s.w.Write(b)
		s.at += int64(len(b))
	}
}

func (s *segmentWriter) frame(kind byte, payload []byte) {
	s.kinds.put(kind)
	var head [9]byte
	head[0] = kind
	binary.LittleEndian.PutUint32(head[1:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(head[5:], crc32.ChecksumIEEE(payload))
	s.write(head[:])
	s.write(payload)
}

// begin opens the facts of an artifact. The key comes with the end, since the digest is only known then.
func (s *segmentWriter) begin() {
	s.start, s.kinds, s.order = s.at, 0, hitOrder{}
	s.hits.reset()
	s.ways.reset()
	s.moves.reset()
	s.people.reset()
	s.frame(frameKey, nil)
}

// fullFrame is how large a frame of hits or movements grows.
const fullFrame = 64 << 10

// hitOrder tells whether hits come in order of time.
type hitOrder struct {
	last   event.Time
	same   int // bytes, about, of the hits of that time
	broken bool
}

func (o *hitOrder) see(h *hit) {
	if h.time != o.last {
		o.same = 0
	}
	o.same += 16 + len(h.values)
	o.broken = o.broken || h.time < o.last || o.same > fullFrame
	o.last = h.time
}

func (s *segmentWriter) hit(h *hit) {
	s.order.see(h)
	s.hits.hit(h)
	if len(s.hits.buf) > fullFrame {
		s.frame(frameHits, s.hits.take())
	}
}

// movement keeps a movement. The way is the number of one that is the same but for time, session and place, or 0; the number of
// its way is returned, which counts until the turn of s.ways is another.
func (s *segmentWriter) movement(way uint32, m *event.Movement) uint32 {
	if way == 0 {
		if s.ways.ways == maxWays {
			s.flushMoves()
			s.ways.forget()
		}
		way = s.ways.way(m)
	}
	s.moves.movement(way, m)
	if len(s.moves.buf) > fullFrame || len(s.ways.buf) > fullFrame {
		s.flushMoves()
	}
	return way
}

// flushMoves writes the ways that are new, and then the movements.
func (s *segmentWriter) flushMoves() {
	if len(s.ways.buf) > 0 {
		s.frame(frameWays, s.ways.take())
	}
	if len(s.moves.buf) > 0 {
		s.frame(frameMoves, s.moves.take())
	}
}

func (s *segmentWriter) person(record []byte) {
	s.people.uint(uint64(len(record)))
	s.people.buf = append(s.people.buf, record...)
	if len(s.people.buf) > fullFrame {
		s.frame(framePeople, s.people.take())
	}
}

// end closes the facts and returns where they are.
func (s *segmentWriter) end(key factsKey, t *trailer) (location, error) {
	if len(s.people.buf) > 0 {
		s.frame(framePeople, s.people.take())
	}
	if s.kinds.has(frameHits) && !s.order.broken {
		s.frame(frameOrder, nil)
	}
	if len(s.hits.buf) > 0 {
		s.frame(frameHits, s.hits.take())
	}
	s.flushMoves()
	at := location{s.name, s.start, s.at, s.kinds}
	s.hits.reset()
	s.hits.buf = append(s.hits.buf, key[:]...)
	s.hits.trailer(t)
	s.frame(frameEnd, s.hits.take())
	return at, s.failed
}

// close makes the segment durable; an empty one is removed.
func (s *segmentWriter) close() error {
	err := errors.Join(s.failed, s.w.Flush(), s.f.Sync(), s.f.Close())
	if s.at == int64(len(segmentMagic)) {
		return os.Remove(s.f.Name())
	}
	return err
}

// location is where facts begin.
type location struct {
	segment string
	offset  int64
	end     int64 // where the trailer's frame is
	kinds   frameKinds
}

// frameKinds tells which kinds of frames there are.
type frameKinds uint32

func (k *frameKinds) put(kind byte)     { *k |= 1 << (kind & 31) }
func (k frameKinds) has(kind byte) bool { return k>>(kind&31)&1 != 0 }

// known reports that there are facts.
func (l location) known() bool { return l.segment != "" }

// scanSegments finds all whole facts in a folder. A segment that is broken off counts up to the break.
func scanSegments(dir string) (map[factsKey]location, error) {
	names, err := filepath.Glob(filepath.Join(dir, "facts-*.seg"))
	if err != nil {
		return nil, fmt.Errorf("read cache: %w", err)
	}
	slices.Sort(names)
	out := map[factsKey]location{}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read cache: %w", err)
		}
		scanSegment(f, filepath.Base(name), out)
		f.Close()
	}
	return out, nil
}

func scanSegment(f io.ReaderAt, name string, out map[factsKey]location) {
	r := frameReader{r: f}
	if !r.magic() {
		return
	}
	start, kinds := int64(0), frameKinds(0)
	for {
		at := r.at
		kind, payload, err := r.next("")
		if err != nil {
			return
		}
		switch kind {
		case frameKey:
			start, kinds = at, 0
		case frameEnd:
			if len(payload) < len(factsKey{}) {
				return
			}
			out[factsKey(payload[:16])] = location{name, start, at, kinds}
		}
		kinds.put(kind)
	}
}

// frameReader reads frames one after another. What it read last stays at hand: facts lie in the order in which they are asked for,
// an artifact's several times.
type frameReader struct {
	r    io.ReaderAt
	at   int64 // of the next frame
	buf  []byte
	from int64 // where that stands
}

const frameHead = 9

// windowBytes are read at a time.
const windowBytes = 64 << 10

// bytes are the n bytes from an offset on, until others are asked for.
func (r *frameReader) bytes(at int64, n int) ([]byte, error) {
	if at < r.from || at+int64(n) > r.from+int64(len(r.buf)) {
		if size := max(n, windowBytes); cap(r.buf) < size {
			r.buf = make([]byte, size)
		}
		m, err := r.r.ReadAt(r.buf[:max(n, windowBytes)], at)
		r.buf, r.from = r.buf[:m], at
		if m < n {
			return nil, err
		}
	}
	return r.buf[at-r.from:][:n], nil
}

func (r *frameReader) magic() bool {
	b, err := r.bytes(0, len(segmentMagic))
	r.at = int64(len(segmentMagic))
	return err == nil && string(b) == segmentMagic
}

var errFrame = errors.New("cache is damaged: remove the folder cache/ of the case and run again")

const maxFrame = 1 << 30

// next reads the next frame of some kinds, or of any if none are named, and passes over others.
func (r *frameReader) next(kinds string) (kind byte, payload []byte, err error) {
	for {
		head, err := r.bytes(r.at, frameHead)
		if err != nil {
			return 0, nil, err
		}
		kind, n, sum := head[0], int(binary.LittleEndian.Uint32(head[1:])), binary.LittleEndian.Uint32(head[5:])
		if n > maxFrame {
			return 0, nil, errFrame
		}
		at := r.at + frameHead
		r.at = at + int64(n)
		if kinds != "" && strings.IndexByte(kinds, kind) < 0 {
			continue
		}
		if payload, err = r.bytes(at, n); err != nil || crc32.ChecksumIEEE(payload) != sum {
			return 0, nil, errFrame
		}
		return kind, payload, nil
	}
}

// factsReader reads facts from the segments of a folder, and keeps those open that it read.
type factsReader struct {
	dir      string
	segments map[string]*openSegment
	decoder  decoder
	moves    decoder // beside the ways in decoder
}

type openSegment struct {
	frameReader
	f *os.File
}

// maxOpen bounds the segments that are open at a time; each run leaves one for each worker.
const maxOpen = 64

func (c *factsReader) close() {
	for _, s := range c.segments {
		s.f.Close()
	}
	c.segments = nil
}

// seek goes to an offset of a segment.
func (c *factsReader) seek(segment string, offset int64) (*frameReader, error) {
	s := c.segments[segment]
	if s == nil {
		f, err := os.Open(filepath.Join(c.dir, segment))
		if err != nil {
			return nil, fmt.Errorf("read cache: %w", err)
		}
		if len(c.segments) >= maxOpen {
			c.close()
		}
		if c.segments == nil {
			c.segments = map[string]*openSegment{}
		}
		s = &openSegment{frameReader{r: f}, f}
		c.segments[segment] = s
	}
	s.at = offset
	return &s.frameReader, nil
}

// hits yields the hits of facts.
func (c *factsReader) hits(at location, yield func(*hit) error) error {
	d := &c.decoder
	d.reset(nil)
	return c.frames(at, string(frameHits), func(_ byte, payload []byte) error { return d.hits(payload, yield) })
}

// movements yields the movements of facts, and before the first of its movements each way; without moves, ways alone.
func (c *factsReader) movements(at location, ways func(*way) error, moves func(*event.Movement, *way) error) error {
	d, dm := &c.decoder, &c.moves
	d.reset(nil)
	dm.reset(nil)
	kinds := string(frameWays)
	if moves != nil {
		kinds += string(frameMoves)
	}
	return c.frames(at, kinds, func(kind byte, payload []byte) error {
		if kind == frameWays {
			return d.spelledWays(payload, ways)
		}
		return dm.movements(payload, d.ways, moves)
	})
}

// people yields the records of persons that facts hold.
func (c *factsReader) people(at location, yield func(record []byte) error) error {
	return c.frames(at, string(framePeople), func(_ byte, payload []byte) error {
		for d := (decoder{buf: payload}); len(d.buf) > 0; {
			record := d.bytes(d.uint())
			if d.err != nil {
				return d.err
			}
			if err := yield(record); err != nil {
				return err
			}
		}
		return nil
	})
}

// frames yields the frames of some kinds of facts.
func (c *factsReader) frames(at location, kinds string, yield func(kind byte, payload []byte) error) error {
	r, err := c.seek(at.segment, at.offset)
	if err != nil {
		return err
	}
	for kinds += string(frameEnd); ; {
		kind, payload, err := r.next(kinds)
		switch {
		case err != nil:
			return errFrame
		case kind == frameEnd:
			return nil
		}
		if err := yield(kind, payload); err != nil {
			return err
		}
	}
}

// trailer reads what is no hit and no movement.
func (c *factsReader) trailer(at location) (*trailer, error) {
	r, err := c.seek(at.segment, at.end)
	if err != nil {
		return nil, err
	}
	kind, payload, err := r.next("")
	if err != nil || kind != frameEnd || len(payload) < len(factsKey{}) {
		return nil, errFrame
	}
	d := &c.decoder
	d.reset(payload[len(factsKey{}):])
	t := d.trailer()
	return t, d.err
}

// encoder writes values. A text that is likely to come again is spelled out when it is met first, or when another has taken
// its slot since, and else is the number of its slot. Whoever reads keeps the same slots.
type encoder struct {
	buf   []byte
	words [wordSlots][]byte
	used  bool // some slot is not empty

	turn    uint32 // of layouts and ways
	layouts int
	ways    int
	last    row
}

// row is where the last hit or movement stands: those that follow are near.
type row struct {
	time   int64
	number uint64
	offset int64
}

// maxLayouts and maxWays are how many are known at a time; then all are forgotten, ways with the frames that name them.
const (
	maxLayouts = 4096
	maxWays    = 1 << 15
)

// wordSlots is how many texts are known at a time. The names of an estate's logs are fewer; numbers of sessions, which never
// come again, push each other out.
const wordSlots = 2048

// maxWord is the length of the longest text that has a slot.
const maxWord = 255

func (e *encoder) reset() {
	e.buf = e.buf[:0]
	e.forget()
	e.last = row{}
	if e.used {
		for i := range e.words {
			e.words[i] = e.words[i][:0]
		}
		e.used = false
	}
}

func (e *encoder) forget() {
	e.turn++
	e.layouts, e.ways = 0, 0
}

func (e *encoder) take() []byte {
	b := e.buf
	e.buf = e.buf[:0]
	return b
}

func (e *encoder) uint(n uint64)  { e.buf = binary.AppendUvarint(e.buf, n) }
func (e *encoder) int(n int64)    { e.buf = binary.AppendVarint(e.buf, n) }
func (e *encoder) text(s string)  { e.uint(uint64(len(s))); e.buf = append(e.buf, s...) }
func (e *encoder) fixed(n uint64) { e.buf = binary.LittleEndian.AppendUint64(e.buf, n) }

// word writes a text that is likely to come again. It need not outlast the call.
func (e *encoder) word(s string) {
	if len(s) == 0 || len(s) > maxWord {
		e.uint(0)
		e.text(s)
		return
	}
	slot := slotOf(s)
	if string(e.words[slot]) == s {
		e.uint(uint64(slot) + 2)
		return
	}
	e.words[slot] = append(e.words[slot][:0], s...)
	e.used = true
	e.uint(1)
	e.text(s)
}

func slotOf(s string) int { return int(hashOf(s) * hashPrime >> 32 % wordSlots) }

const hashPrime = 0x9e3779b97f4a7c15

// hashOf hashes the length and the ends of a text.
func hashOf(s string) uint64 {
	h := uint64(len(s)) * hashPrime
	if n := len(s); n >= 8 {
		h ^= eight(s) ^ eight(s[n-8:])*31
	} else {
		for i := range len(s) {
			h = h<<8 ^ uint64(s[i])
		}
	}
	return h
}

func eight(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// row writes where a hit or a movement stands.
func (e *encoder) row(at event.Time, number uint64, offset int64) {
	e.int(int64(at) - e.last.time)
	e.int(int64(number - e.last.number))
	e.int(offset - e.last.offset)
	e.last = row{int64(at), number, offset}
}

func (e *encoder) hit(h *hit) {
	if l := h.of; l.turn == e.turn && l.turn > 0 {
		e.uint(uint64(l.number) + 1)
	} else {
		e.layout(l)
	}
	e.row(h.time, h.number, h.offset)
	e.fixed(h.digest)
	e.uint(uint64(len(h.values)))
	e.buf = append(e.buf, h.values...)
}

// layout spells out a layout and numbers it.
func (e *encoder) layout(l *layout) {
	if e.layouts == maxLayouts {
		e.forget()
	}
	l.number, l.turn = e.layouts, e.turn
	e.layouts++
	e.uint(0)
	e.uint(uint64(l.rule))
	e.word(l.host)
	e.word(l.source.Product)
	e.word(l.source.Channel)
	e.word(l.source.Provider)
	e.uint(uint64(l.source.EventID))
	e.uint(uint64(len(l.names)))
	for _, name := range l.names {
		e.word(name)
	}
}

func (e *encoder) trailer(t *trailer) {
	e.uint(uint64(len(t.Sightings)))
	for _, s := range t.Sightings {
		e.word(s.Channel)
		e.word(s.Host)
		e.int(int64(s.First))
		e.int(int64(s.Last))
		for _, n := range []uint64{s.Count, s.Low, s.High, s.Runs, s.Backward} {
			e.uint(n)
		}
	}
	e.uint(uint64(len(t.Own)))
	for _, o := range t.Own {
		e.word(o.Host)
		e.word(o.Address)
		e.int(int64(o.First))
		e.int(int64(o.Last))
	}
	e.uint(uint64(len(t.Activity)))
	for _, a := range t.Activity {
		e.word(a.Host)
		e.word(a.Source.Product)
		e.word(a.Source.Channel)
		e.word(a.Source.Provider)
		e.uint(uint64(a.Source.EventID))
		e.int(int64(a.Spans.Gap))
		e.uint(uint64(len(a.Spans.List)))
		for _, s := range a.Spans.List {
			e.int(int64(s.First))
			e.int(int64(s.Last))
			e.uint(s.Count)
		}
		e.uint(uint64(len(a.Runs)))
		for _, r := range a.Runs {
			e.uint(r.First)
			e.uint(r.Last)
			e.int(int64(r.From))
			e.int(int64(r.To))
		}
	}
	e.accounts(t.Accounts)
	e.uint(uint64(len(t.Domains)))
	for _, sid := range slices.Sorted(maps.Keys(t.Domains)) {
		e.word(sid)
		e.uint(uint64(len(t.Domains[sid])))
		for _, name := range t.Domains[sid] {
			e.word(name)
		}
	}
	e.text(t.Damage)
	e.text(t.Listed)
	e.uint(uint64(len(t.Patients)))
	for _, p := range t.Patients {
		e.text(p)
	}
}

func (e *encoder) accounts(a spread.Accounts) {
	e.uint(uint64(len(a)))
	for _, sid := range slices.Sorted(maps.Keys(a)) {
		e.word(sid)
		e.word(a[sid])
	}
}

// way spells out what a movement has in common with others, and numbers it, from 1.
func (e *encoder) way(m *event.Movement) uint32 {
	e.ways++
	for _, s := range [...]string{string(m.From), string(m.To), m.How, m.Account, m.Address, m.Workstation, m.SeenFrom, string(m.By)} {
		e.word(s)
	}
	e.uint(uint64(boolInt(m.Failed) | boolInt(m.Ended)<<1))
	return uint32(e.ways)
}

// movement writes the way of a movement and what it has alone: time, place and session.
func (e *encoder) movement(way uint32, m *event.Movement) {
	e.uint(uint64(way))
	e.row(m.Time, m.Because[0].Record, m.Because[0].Offset)
	e.text(m.Session)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// decoder reads what an encoder wrote. A payload that makes no sense gives errFrame.
type decoder struct {
	buf   []byte
	words []string // by slot; nil before the first
	used  bool     // some slot is not empty
	err   error

	layouts []*layout
	ways    []*way
	spare   []*way // that were forgotten
	last    row
}

// reset begins with what another encoder wrote, or one that was reset.
func (d *decoder) reset(buf []byte) {
	if d.used {
		clear(d.words)
	}
	d.buf, d.used, d.err = buf, false, nil
	d.forget()
	d.last = row{}
}

func (d *decoder) forget() {
	d.layouts = d.layouts[:0]
	d.spare, d.ways = append(d.spare, d.ways...), d.ways[:0]
}

func (d *decoder) row() row {
	r := &d.last
	r.time += d.int()
	r.number += uint64(d.int())
	r.offset += d.int()
	return *r
}

func (d *decoder) uint() uint64 {
	if len(d.buf) > 0 && d.buf[0] < 0x80 {
		n := uint64(d.buf[0])
		d.buf = d.buf[1:]
		return n
	}
	n, size := binary.Uvarint(d.buf)
	d.skip(size)
	return n
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.buf)
	d.skip(size)
	return n
}

// skip passes over a number that was read, of size bytes: none or fewer if it was cut off or too large.
func (d *decoder) skip(size int) {
	if size <= 0 {
		d.err, d.buf = errFrame, nil
		return
	}
	d.buf = d.buf[size:]
}

// bytes returns the next n bytes, valid as long as the payload.
func (d *decoder) bytes(n uint64) []byte {
	if n > uint64(len(d.buf)) {
		d.err, d.buf = errFrame, nil
		return nil
	}
	b := d.buf[:n]
	d.buf = d.buf[n:]
	return b
}

func (d *decoder) fixed() uint64 {
	if b := d.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) text() string { return string(d.bytes(d.uint())) }

// count reads how many items follow, each of one byte at least.
func (d *decoder) count() int {
	n := d.uint()
	if n > uint64(len(d.buf)) {
		d.err, d.buf = errFrame, nil
		return 0
	}
	return int(n)
}

func (d *decoder) word() string {
	switch n := d.uint(); {
	case d.err != nil:
		return ""
	case n == 0:
		return d.text()
	case n == 1:
		s := d.text()
		if d.words == nil {
			d.words = make([]string, wordSlots)
		}
		d.words[slotOf(s)], d.used = s, true
		return s
	case n-2 < uint64(len(d.words)):
		return d.words[n-2]
	}
	d.err = errFrame
	return ""
}

// hits yields what a frame of hits holds. A hit is valid until yield returns.
func (d *decoder) hits(payload []byte, yield func(*hit) error) error {
	var h hit
	for d.buf = payload; len(d.buf) > 0; {
		h.of = d.layout(d.uint())
		at := d.row()
		h.time, h.number, h.offset = event.Time(at.time), at.number, at.offset
		h.digest = d.fixed()
		h.values = d.bytes(d.uint())
		if d.err != nil {
			return d.err
		}
		if err := yield(&h); err != nil {
			return err
		}
	}
	return nil
}

// layout is the one of number n-1, or, for 0, one that is spelled out.
func (d *decoder) layout(n uint64) *layout {
	if n > uint64(len(d.layouts)) {
		d.err, d.buf = errFrame, nil
		return nil
	}
	if n > 0 {
		return d.layouts[n-1]
	}
	if len(d.layouts) == maxLayouts {
		d.forget()
	}
	l := &layout{rule: int(d.uint()), host: d.word()}
	l.source = event.Source{Product: d.word(), Channel: d.word(), Provider: d.word(), EventID: uint32(d.uint())}
	l.names = make([]string, d.count())
	for i := range l.names {
		l.names[i] = d.word()
	}
	d.layouts = append(d.layouts, l)
	return l
}

// spelledWays yields what a frame of ways holds, and keeps them for the movements that follow.
func (d *decoder) spelledWays(payload []byte, yield func(*way) error) error {
	for d.buf = payload; len(d.buf) > 0; {
		if len(d.ways) == maxWays {
			d.forget()
		}
		w := &way{}
		if last := len(d.spare) - 1; last >= 0 {
			w, d.spare = d.spare[last], d.spare[:last]
			*w = way{key: w.key[:0]}
		}
		w.From, w.To = event.ServerID(d.word()), event.ServerID(d.word())
		w.How, w.Account, w.Address, w.Workstation, w.SeenFrom = d.word(), d.word(), d.word(), d.word(), d.word()
		w.By = event.ServerID(d.word())
		flags := d.uint()
		w.Failed, w.Ended = flags&1 != 0, flags&2 != 0
		if d.err != nil {
			return d.err
		}
		d.ways = append(d.ways, w)
		if err := yield(w); err != nil {
			return err
		}
	}
	return nil
}

// movements yields what a frame of movements of ways holds. A movement is valid until yield returns.
func (d *decoder) movements(payload []byte, ways []*way, yield func(*event.Movement, *way) error) error {
	var m event.Movement
	var place [1]event.Place
	for d.buf = payload; len(d.buf) > 0; {
		n := d.uint() - 1
		at := d.row()
		session := d.text()
		if d.err != nil || n >= uint64(len(ways)) {
			return errFrame
		}
		w := ways[n]
		m = w.Movement
		m.Time, m.Session = event.Time(at.time), session
		place[0] = event.Place{Record: at.number, Offset: at.offset}
		m.Because = place[:]
		if err := yield(&m, w); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) trailer() *trailer {
	t := &trailer{}
	t.Sightings = make([]inventory.Sighting, d.count())
	for i := range t.Sightings {
		s := &t.Sightings[i]
		s.Channel, s.Host, s.First, s.Last = d.word(), d.word(), event.Time(d.int()), event.Time(d.int())
		for _, n := range []*uint64{&s.Count, &s.Low, &s.High, &s.Runs, &s.Backward} {
			*n = d.uint()
		}
	}
	t.Own = make([]inventory.Own, d.count())
	for i := range t.Own {
		t.Own[i] = inventory.Own{Host: d.word(), Address: d.word(), First: event.Time(d.int()), Last: event.Time(d.int())}
	}
	t.Activity = make([]event.Activity, d.count())
	for i := range t.Activity {
		a := &t.Activity[i]
		a.Host = d.word()
		a.Source = event.Source{Product: d.word(), Channel: d.word(), Provider: d.word(), EventID: uint32(d.uint())}
		a.Spans.Gap = time.Duration(d.int())
		a.Spans.List = make([]event.Span, d.count())
		for k := range a.Spans.List {
			a.Spans.List[k] = event.Span{First: event.Time(d.int()), Last: event.Time(d.int()), Count: d.uint()}
		}
		a.Runs = make([]event.Run, d.count())
		for k := range a.Runs {
			a.Runs[k] = event.Run{First: d.uint(), Last: d.uint(), From: event.Time(d.int()), To: event.Time(d.int())}
		}
	}
	n := d.count()
	t.Accounts = make(spread.Accounts, n)
	for range n {
		sid := d.word()
		t.Accounts[sid] = d.word()
	}
	n = d.count()
	t.Domains = make(spread.Domains, n)
	for range n {
		sid := d.word()
		for range d.count() {
			t.Domains[sid] = append(t.Domains[sid], d.word())
		}
	}
	t.Damage = d.text()
	t.Listed = d.text()
	t.Patients = make([]string, d.count())
	for i := range t.Patients {
		t.Patients[i] = d.text()
	}
	return t
}
