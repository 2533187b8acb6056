package evidence

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"strconv"

	"wardround/internal/event"
)

// ivantiReader reads the logs that Ivanti (Pulse) Connect Secure keeps, log.access.vc0 and its sisters: a header of 8 KiB, then
// records that begin with byte 5, whose columns are set off by tabs: seconds since 1970 and a running number in hexadecimal, host,
// code of the message, "vc0", system, address, user, and what the message says.
var ivantiReader = reader{"ivanti log", isIvanti, readIvanti}

const ivantiHead = 8192

var ivantiNames = []string{"action", "outcome", "user", "src_ip", "assigned_ip", "event_id", "group", "msg"}

var ivantiVPN, ivantiAuth, ivantiDevice = ivantiSchema("vpn"), ivantiSchema("auth"), ivantiSchema("device")

func ivantiSchema(channel string) *event.Schema {
	return event.TextSchema(event.Source{Product: "network", Channel: channel, Provider: "ivanti"}, ivantiNames...)
}

func isIvanti(head []byte, _ string) bool {
	if len(head) < ivantiHead || !bytes.HasPrefix(head, []byte("\x05\x00\x00\x00\x01\x00\x00\x00")) {
		return false
	}
	rest := head[ivantiHead:]
	return len(rest) == 0 && len(bytes.TrimRight(head[8:], "\x00")) == 0 || len(rest) > 20 && rest[0] == 5 && bytes.IndexByte(rest[:20], '\t') > 0
}

// maxIvanti bounds a record.
const maxIvanti = 64 << 10

func readIvanti(ctx context.Context, in *input, out *output) error {
	r := bufio.NewReaderSize(in.Stream, maxIvanti)
	offset, err := r.Discard(ivantiHead + 1)
	at := int64(offset)
	var hosts names
	for number := uint64(1); err == nil; number++ {
		if number&1023 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		var record []byte
		record, err = r.ReadSlice(5)
		begin, size := at-1, int64(len(record))+1
		at += int64(len(record))
		if errors.Is(err, bufio.ErrBufferFull) {
			out.damage(begin, size, "record longer than 64 KiB")
			err = nil
			continue
		}
		text := bytes.TrimRight(bytes.TrimSuffix(record, []byte{5}), "\x00\r\n")
		if len(text) > 0 && !ivantiRecord(text, number, begin, &hosts, out) {
			out.damage(begin, int64(len(text))+1, "record without a time")
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

func ivantiRecord(text []byte, number uint64, offset int64, hosts *names, out *output) bool {
	c := bytes.SplitN(text, []byte("\t"), 8)
	if len(c) < 7 || len(c[0]) < 10 || c[0][8] != '.' || !isText(text) {
		return false
	}
	seconds, err := strconv.ParseUint(string(c[0][:8]), 16, 32)
	if err != nil {
		return false
	}
	var rest []byte
	if len(c) == 8 {
		rest = c[7]
	}
	schema := ivantiDevice
	switch code := c[2]; {
	case hasPrefix(code, "AUT"), hasPrefix(code, "NWC"), hasPrefix(code, "EAM"), hasPrefix(code, "JAV"), hasPrefix(code, "WEB"):
		schema = ivantiVPN
	case hasPrefix(code, "ADM"):
		schema = ivantiAuth
	}
	rec := event.Record{Schema: schema, Time: unixTime(int64(seconds), 0), Number: number, Offset: offset, Host: hosts.of(c[1])}
	if out.want(schema) {
		var slots [8]event.Value
		slots[0], slots[1] = ivantiWords(c[2], rest)
		slots[2], slots[3], slots[5], slots[7] = textValue(c[6]), textValue(c[5]), textValue(c[2]), textValue(bytes.TrimSpace(rest))
		if columns := bytes.Split(rest, []byte("\t")); hasPrefix(c[2], "NWC") {
			for _, column := range columns {
				if isAddress(column) {
					slots[4] = textValue(column)
					break
				}
			}
		}
		rec.Slots = slots[:]
	}
	out.take(&rec)
	return true
}

// ivantiWords says what a message tells: by its words where it has them, else by its code.
func ivantiWords(code, text []byte) (action, outcome event.Value) {
	lower := bytes.ToLower(text)
	has := func(words ...string) bool {
		for _, w := range words {
			if bytes.Contains(lower, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case has("logout", "tunnel stopped", "session ended", "tunnel ended", "logged out"):
		return actLogoff, none
	case has("login failed", "login denied"):
		return actLogon, failure
	case has("login succeeded", "tunnel started", "session started"):
		return actLogon, success
	case has("authentication failed", "authentication rejected"):
		return actAuth, failure
	case has("authentication accepted", "authentication successful"):
		return actAuth, success
	}
	switch string(code) {
	case "AUT31504", "AUT24414", "NWC23464":
		return actLogon, success
	case "AUT23457", "AUT24412":
		return actLogon, failure
	case "AUT24327", "AUT24804":
		return actAuth, failure
	case "AUT24326", "AUT24803", "AUT30684":
		return actAuth, success
	case "AUT22673", "AUT31556", "NWC23465":
		return actLogoff, none
	}
	return none, none
}
