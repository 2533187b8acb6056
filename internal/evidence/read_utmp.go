package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"wardround/internal/event"
)

// utmpReader reads the login accounting of glibc: wtmp (history), btmp (failed logons) and utmp (who is there now), in
// the layouts of all word sizes and byte orders. The layout is <bits/types/struct_utmp.h> of glibc: times of 32 bits
// where __WORDSIZE_TIME64_COMPAT32 is set (x86, ARM, PowerPC: 384 bytes), of 64 elsewhere (aarch64, s390x: 400).
var utmpReader = reader{"utmp", isUtmp, readUtmp}

// utmpLayout is one form of the record. The fields up to the session are the same in all.
type utmpLayout struct {
	size  int
	order binary.ByteOrder
	wide  bool // session and times have 64 bits
}

var utmpLayouts = []utmpLayout{
	{384, binary.LittleEndian, false}, {400, binary.LittleEndian, true}, {384, binary.BigEndian, false}, {400, binary.BigEndian, true},
}

const (
	utLine, utID, utUser, utHost, utExit, utSession = 8, 40, 44, 76, 332, 336
	utmpTypes                                       = 10
)

func (l *utmpLayout) seconds(b []byte) int64 {
	if l.wide {
		return int64(l.order.Uint64(b[344:]))
	}
	return int64(l.order.Uint32(b[340:])) // unsigned reaches to 2106
}

func (l *utmpLayout) micros(b []byte) int64 {
	if l.wide {
		return int64(l.order.Uint64(b[352:]))
	}
	return int64(int32(l.order.Uint32(b[344:])))
}

func (l *utmpLayout) session(b []byte) int64 {
	if l.wide {
		return int64(l.order.Uint64(b[utSession:]))
	}
	return int64(int32(l.order.Uint32(b[utSession:])))
}

// address is the remote address, in network order; IPv4 stands in the first four bytes.
func (l *utmpLayout) address(b []byte) netip.Addr {
	at := 348
	if l.wide {
		at = 360
	}
	raw := [16]byte(b[at : at+16])
	switch {
	case raw == [16]byte{}:
		return netip.Addr{}
	case [12]byte(raw[4:]) == [12]byte{}:
		return netip.AddrFrom4([4]byte(raw[:4]))
	}
	return netip.AddrFrom16(raw).Unmap()
}

// plausible reports whether b holds a record that a system wrote.
func (l *utmpLayout) plausible(b []byte) bool {
	if len(b) < l.size || l.order.Uint16(b) >= utmpTypes {
		return false
	}
	s, us := l.seconds(b), l.micros(b)
	return s > 315532800 && s < 4102444800 && us >= 0 && us < 1e6 && // 1980 to 2100
		isName(b[utLine:utID]) && isName(b[utUser:utHost]) && isName(b[utHost:utExit])
}

// isName reports whether b is text up to its first NUL. Failed logons may name anything that was typed.
func isName(b []byte) bool {
	for _, c := range cString(b) {
		if c < 0x20 || c == 0x7f {
			return false
		}
	}
	return true
}

func cString(b []byte) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return b[:i]
	}
	return b
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// chooseUtmp returns the layout in which most of the records at the head make sense, nil if there is none.
func chooseUtmp(head []byte) *utmpLayout {
	var best *utmpLayout
	most := 0
	for i := range utmpLayouts {
		l := &utmpLayouts[i]
		good, bad := 0, 0
		for b := head; len(b) >= l.size && good+bad < 64; b = b[l.size:] {
			rec := b[:l.size]
			switch {
			case isZero(rec):
			case l.plausible(rec) && l.order.Uint16(rec[2:]) == 0:
				good++
			default:
				bad++
			}
		}
		if good >= bad && good-bad/2 > most {
			best, most = l, good-bad/2
		}
	}
	return best
}

func isUtmp(head []byte, name string) bool {
	if utmpName(name) != "" && (len(head) == 0 || len(head) >= 384 && isZero(head)) {
		return true
	}
	l := chooseUtmp(head)
	if l == nil {
		return false
	}
	if utmpName(name) != "" {
		return true
	}
	// Without the name, the first record must say who or where.
	return l.plausible(head) && (head[utLine] != 0 || head[utUser] != 0 || len(head) >= 2*l.size && l.plausible(head[l.size:]) && head[l.size+utLine] != 0)
}

// utmpName tells which of the files a name means: wtmp, btmp, utmp or "".
func utmpName(name string) string {
	base := strings.ToLower(path.Base(name))
	for _, n := range []string{"wtmp", "btmp", "utmp"} {
		if base == n || base == n+"x" || strings.HasPrefix(base, n) && strings.IndexByte(".-_x", base[len(n)]) >= 0 {
			return n
		}
	}
	return ""
}

// Slots of a login record.
const (
	loginType = iota
	loginAction
	loginOutcome
	loginUser
	loginTerminal
	loginID
	loginHost
	loginSrcHost
	loginIP
	loginPID
	loginSession
	loginExit
	loginTermination
	loginSlots
)

var loginFields = []event.Field{
	{Name: "type", Slot: loginType}, {Name: "action", Slot: loginAction}, {Name: "outcome", Slot: loginOutcome}, {Name: "user", Slot: loginUser},
	{Name: "terminal", Slot: loginTerminal}, {Name: "id", Slot: loginID}, {Name: "host", Slot: loginHost}, {Name: "src_host", Slot: loginSrcHost},
	{Name: "ip", Slot: loginIP}, {Name: "src_ip", Slot: loginIP}, {Name: "pid", Slot: loginPID}, {Name: "session", Slot: loginSession},
	{Name: "exit_status", Slot: loginExit}, {Name: "termination", Slot: loginTermination},
}

var (
	wtmpSchema = event.NewSchema(event.Source{Product: "linux", Channel: "wtmp"}, loginFields, loginSlots)
	btmpSchema = event.NewSchema(event.Source{Product: "linux", Channel: "btmp"}, loginFields, loginSlots)
	utmpSchema = event.NewSchema(event.Source{Product: "linux", Channel: "utmp"}, loginFields, loginSlots)

	loginTypes = texts("EMPTY", "RUN_LVL", "BOOT_TIME", "NEW_TIME", "OLD_TIME", "INIT_PROCESS", "LOGIN_PROCESS", "USER_PROCESS", "DEAD_PROCESS", "ACCOUNTING")

	actBoot     = event.Text("boot")
	actShutdown = event.Text("shutdown")
	actClock    = event.Text("clock set")
)

func readUtmp(ctx context.Context, in *input, out *output) error {
	r := bufio.NewReaderSize(in.Stream, headBytes)
	head, err := r.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	l := chooseUtmp(head)
	if l == nil {
		l = &utmpLayouts[0]
	}
	u := &utmpFile{out: out, layout: l, schema: utmpSchema, live: true}
	switch utmpName(in.Path) {
	case "wtmp":
		u.schema, u.live = wtmpSchema, false
	case "btmp":
		u.schema, u.live = btmpSchema, false
	case "":
		u.schema, u.live = wtmpSchema, false
		out.note("the name does not tell whether these are logons or failed logons: read as wtmp")
	}
	return u.read(ctx, r)
}

// utmpFile is one file being read.
type utmpFile struct {
	out    *output
	layout *utmpLayout
	schema *event.Schema
	live   bool // utmp, in which empty places are no sign of anything
	rec    event.Record
	slots  [loginSlots]event.Value
	num    []byte // numbers as text
	zeroed int    // records that are all zeros, with others behind them
	tail   int    // of those that the file ends with
}

func (u *utmpFile) read(ctx context.Context, r *bufio.Reader) error {
	offset, size := int64(0), u.layout.size
	for number := uint64(1); ; number++ {
		if number&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		b, err := r.Peek(2 * size)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(b) == 0 {
			break
		}
		n := u.record(b, number, offset)
		r.Discard(n)
		offset += int64(n)
	}
	if u.zeroed > 0 && !u.live {
		u.out.note("%d records amid others are overwritten with zeros: a sign of tampering", u.zeroed)
	}
	if u.tail > 0 && !u.live {
		u.out.note("the last %d records are zeros: an unclean shutdown, or tampering", u.tail)
	}
	return nil
}

// record reads what stands at the start of b and returns how many bytes of the file that was.
func (u *utmpFile) record(b []byte, number uint64, offset int64) int {
	size := u.layout.size
	switch {
	case len(b) < size:
		u.out.damage(offset, int64(len(b)), "truncated record")
		return len(b)
	case isZero(b[:size]):
		u.tail++
		if !u.live {
			u.out.damage(offset, int64(size), "zeroed record")
		}
		return size
	case u.live && u.layout.order.Uint16(b) == 0 && u.layout.seconds(b) == 0:
		return size // a place that nobody uses
	case !u.layout.plausible(b):
		n := u.resync(b)
		u.out.damage(offset, int64(n), "no login record")
		return n
	}
	u.zeroed, u.tail = u.zeroed+u.tail, 0
	u.take(b[:size], number, offset)
	return size
}

// resync finds how far to go from a place that holds no record: to the next, or, where a record was cut short, to the
// place at which one begins.
func (u *utmpFile) resync(b []byte) int {
	size := u.layout.size
	if len(b) >= 2*size && u.layout.plausible(b[size:]) {
		return size
	}
	for n := 4; n < size && n+size <= len(b); n += 4 {
		if rec := b[n : n+size]; u.layout.plausible(rec) && rec[utLine] != 0 && u.layout.order.Uint16(rec[2:]) == 0 && u.layout.order.Uint16(rec) > 0 {
			return n
		}
	}
	return size
}

func (u *utmpFile) take(b []byte, number uint64, offset int64) {
	l := u.layout
	u.rec = event.Record{Schema: u.schema, Number: number, Offset: offset, Time: unixTime(l.seconds(b), int(l.micros(b))*1000)}
	if u.out.want(u.schema) {
		u.fill(b)
		u.rec.Slots = u.slots[:]
	}
	u.out.take(&u.rec)
}

func (u *utmpFile) fill(b []byte) {
	l := u.layout
	clear(u.slots[:])
	u.num = u.num[:0]
	kind := int(l.order.Uint16(b))
	u.slots[loginType] = loginTypes[kind]
	u.slots[loginAction], u.slots[loginOutcome] = u.act(kind, b)
	u.slots[loginUser] = textValue(cString(b[utUser:utHost]))
	u.slots[loginTerminal] = textValue(cString(b[utLine:utID]))
	u.slots[loginID] = textValue(cString(b[utID:utUser]))
	u.slots[loginPID] = u.integer(int64(int32(l.order.Uint32(b[4:]))))
	u.slots[loginSession] = u.integer(l.session(b))
	u.slots[loginTermination] = u.integer(int64(int16(l.order.Uint16(b[utExit:]))))
	u.slots[loginExit] = u.integer(int64(int16(l.order.Uint16(b[utExit+2:]))))
	host := cString(b[utHost:utExit])
	u.slots[loginHost] = textValue(host)
	if a := l.address(b); a.IsValid() {
		from := len(u.num)
		u.num = a.AppendTo(u.num)
		u.slots[loginIP] = textValue(u.num[from:])
	} else if isAddress(host) {
		u.slots[loginIP] = textValue(host)
	}
	if kind >= 6 && kind <= 8 && len(host) > 0 && host[0] != ':' && !isAddress(host) { // ":0" is a screen, the rest the kernel's release
		u.slots[loginSrcHost] = textValue(host)
	}
}

func (u *utmpFile) integer(n int64) event.Value {
	from := len(u.num)
	u.num = strconv.AppendInt(u.num, n, 10)
	return event.Value{Type: event.Number, Raw: u.num[from:len(u.num):len(u.num)]}
}

// act says what the record means: the pseudo users reboot, shutdown and runlevel mark the system's own changes.
func (u *utmpFile) act(kind int, b []byte) (action, outcome event.Value) {
	user := string(cString(b[utUser:utHost]))
	switch {
	case u.schema == btmpSchema:
		return actLogon, failure
	case kind == 7:
		return actLogon, success
	case kind == 8:
		return actLogoff, none
	case kind == 2:
		return actBoot, none
	case kind == 1 && user == "shutdown":
		return actShutdown, none
	case kind == 3:
		return actClock, none
	}
	return none, none
}

// lastlogReader reads lastlog, which holds the last logon of each user at the place of the user's number.
var lastlogReader = reader{"lastlog", isLastlog, readLastlog}

var lastlogSchema = event.TextSchema(event.Source{Product: "linux", Channel: "lastlog"}, "action", "outcome", "uid", "terminal", "src_host")

// lastlogSize tells the size of the records, 292 bytes with times of 32 bits or 296 with 64, from the first that is not
// empty; 0 if none makes sense.
func lastlogSize(head []byte) int {
	for _, size := range []int{292, 296} {
		for b := head; len(b) >= size; b = b[size:] {
			if isZero(b[:size]) {
				continue
			}
			if lastlogTime(b, size) != event.NoTime && isName(b[size-288:size-256]) && isName(b[size-256:size]) && b[size-288] != 0 {
				return size
			}
			break
		}
	}
	return 0
}

func lastlogTime(b []byte, size int) event.Time {
	s := int64(binary.LittleEndian.Uint32(b))
	if size == 296 {
		s = int64(binary.LittleEndian.Uint64(b))
	}
	if s < 315532800 || s > 4102444800 {
		return event.NoTime
	}
	return unixTime(s, 0)
}

func isLastlog(head []byte, name string) bool {
	return strings.HasPrefix(strings.ToLower(path.Base(name)), "lastlog") && (isZero(head) || lastlogSize(head) > 0)
}

func readLastlog(ctx context.Context, in *input, out *output) error {
	r := bufio.NewReaderSize(in.Stream, headBytes)
	head, err := r.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	size := lastlogSize(head)
	if size == 0 {
		size = 292
	}
	want := out.want(lastlogSchema)
	var slots [5]event.Value
	buf := make([]byte, size)
	for uid := int64(0); ; uid++ {
		if uid&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		n, err := io.ReadFull(r, buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			out.damage(uid*int64(size), int64(n), "truncated record")
			return nil
		}
		if err != nil {
			return err
		}
		if isZero(buf) {
			continue
		}
		line, host := buf[size-288:size-256], buf[size-256:]
		at := lastlogTime(buf, size)
		if at == event.NoTime || !isName(line) || !isName(host) {
			out.damage(uid*int64(size), int64(size), "no login record")
			continue
		}
		rec := event.Record{Schema: lastlogSchema, Time: at, Number: uint64(uid), Offset: uid * int64(size)}
		if want {
			slots = [5]event.Value{actLogon, success, event.Value{Type: event.Number, Raw: strconv.AppendInt(nil, uid, 10)}, textValue(cString(line)), textValue(cString(host))}
			rec.Slots = slots[:]
		}
		out.take(&rec)
	}
}
