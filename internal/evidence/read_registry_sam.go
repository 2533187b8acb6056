package evidence

import (
	"encoding/binary"
	"strings"

	"wardround/internal/event"
)

var registrySAM = event.TextSchema(event.Source{Product: "windows", Channel: "sam"},
	"TargetUserName", "TargetSid", "Created", "LastLogon", "PasswordSet", "LastFailed", "LogonCount", "Disabled", "FullName", "Groups")

// sam yields the local accounts.
func (r *registry) sam() {
	users := r.open(r.root, `SAM\Domains\Account\Users`)
	domain := ""
	if b := r.of(r.open(r.root, `SAM\Domains\Account`)).data("V"); len(b) >= 24 {
		sid := event.Value{Type: event.SID, Raw: b[len(b)-24:]}.String()
		if strings.HasPrefix(sid, "S-1-5-21-") {
			domain = sid
		}
	}
	r.each(r.open(users, "Names"), func(k hiveKey) bool {
		var rid uint32
		for _, v := range r.values(k) {
			rid = v.kind // the account's number stands where other values have their type
		}
		r.account(users, k, rid, domain)
		return true
	})
}

// account yields one account: what its key F holds of times, as far as it is there.
func (r *registry) account(users, k hiveKey, rid uint32, domain string) {
	null := event.Value{}
	values := []event.Value{event.Text(k.name), null, instant(k.written), null, null, null, null, null, null, null}
	if domain != "" {
		values[1] = event.Text(domain + "-" + decimal(uint64(rid)).String())
	}
	v := r.of(r.open(users, ridName(rid)))
	if f := v.data("F"); len(f) >= 68 {
		at := func(i int) event.Value { return instant(sometime(binary.LittleEndian.Uint64(f[i:]))) }
		values[3], values[4], values[5] = at(8), at(24), at(40)
		values[6] = decimal(uint64(binary.LittleEndian.Uint16(f[66:])))
		disabled := "false"
		if f[56]&1 != 0 {
			disabled = "true"
		}
		values[7] = event.Text(disabled)
	}
	if b := v.data("V"); len(b) >= 0xcc {
		from, n := uint64(binary.LittleEndian.Uint32(b[24:]))+0xcc, uint64(binary.LittleEndian.Uint32(b[28:]))
		if from+n <= uint64(len(b)) {
			values[8] = textOrNull(untilNUL(b[from : from+n]))
		}
	}
	values[9] = textOrNull(r.groupsOf(rid, domain))
	r.emit(registrySAM, k.written, k.at, values...)
}

// sometime is a time in a hive; 0 and the last time there is mean never.
func sometime(ft uint64) event.Time {
	if ft == 0 || ft >= 1<<63-1 {
		return event.NoTime
	}
	return event.FromFileTime(ft)
}

// ridName is the name of an account's key: its number in eight hexadecimal digits.
func ridName(rid uint32) string {
	const digits = "0123456789ABCDEF"
	var b [8]byte
	for i := range b {
		b[i] = digits[rid>>(28-4*i)&15]
	}
	return string(b[:])
}

// builtinGroups are the local groups that matter, by their number.
var builtinGroups = map[uint32]string{544: "Administrators", 545: "Users", 546: "Guests", 551: "Backup Operators", 555: "Remote Desktop Users", 580: "Remote Management Users"}

// groupsOf names the local groups that an account is a member of.
func (r *registry) groupsOf(rid uint32, domain string) string {
	if domain == "" {
		return ""
	}
	v := r.values(r.open(r.root, `SAM\Domains\Builtin\Aliases\Members\`+domain+`\`+ridName(rid)))
	var names []string
	for i := 0; len(v) > 0 && i < 64; i++ {
		b := r.data(v[0])
		if 4*i+4 > len(b) {
			break
		}
		n := binary.LittleEndian.Uint32(b[4*i:])
		if name := builtinGroups[n]; name != "" {
			names = append(names, name)
		} else {
			names = append(names, decimal(uint64(n)).String())
		}
	}
	return strings.Join(names, ";")
}
