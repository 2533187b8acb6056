package evidence

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"strings"

	"wardround/internal/event"
)

// prefetchReader reads the prefetch files of Windows XP to 11, packed or not. Each proves that a program was started: the
// last time, from Windows 8 on the last eight times. The format is that of libscca's document "Windows Prefetch File (PF)
// format". Servers keep none unless they are told to.
var prefetchReader = reader{kind: "prefetch", is: isPrefetch, read: readPrefetch}

var prefetchSchema = event.TextSchema(event.Source{Product: "windows", Channel: "prefetch"},
	"Image", "Executable", "PrefetchHash", "RunCount", "DevicePath", "VolumeSerial", "VolumeCreated", "Files", "FileCount")

const (
	maxPrefetch      = 16 << 20 // Windows' own stay below 2 MiB
	maxPrefetchFiles = 512 << 10
)

func isPrefetch(head []byte, _ string) bool {
	return len(head) >= 8 && (hasPrefix(head, "MAM") && head[3]&0x7f == 4 || string(head[4:8]) == "SCCA" && prefetchLayouts[binary.LittleEndian.Uint32(head)].size > 0)
}

// prefetchLayout is where a version keeps what is read.
type prefetchLayout struct {
	size  int // up to here the file must reach
	last  int // of the last start
	lasts int // how many times
	count int // of the number of starts
}

var prefetchLayouts = map[uint32]prefetchLayout{
	17: {148, 120, 1, 144},
	23: {156, 128, 1, 152},
	26: {212, 128, 8, 208},
	30: {212, 128, 8, 208},
	31: {212, 128, 8, 200},
}

func readPrefetch(_ context.Context, in *input, out *output) error {
	b, err := io.ReadAll(io.LimitReader(in.Stream, maxPrefetch+1))
	if err != nil {
		return err
	}
	if len(b) > maxPrefetch {
		out.damage(0, -1, "prefetch file larger than any")
		return nil
	}
	if hasPrefix(b, "MAM") {
		head := 8
		if len(b) > 3 && b[3]&0x80 != 0 {
			head = 12 // a checksum
		}
		if len(b) < head || binary.LittleEndian.Uint32(b[4:]) > maxPrefetch {
			out.damage(0, int64(len(b)), "packed prefetch file without its head")
			return nil
		}
		var unpacked []byte
		if unpacked, err = unpackXpress(b[head:], int(binary.LittleEndian.Uint32(b[4:]))); err != nil {
			out.damage(int64(head), int64(len(b)-head), err.Error())
		}
		b = unpacked
	}
	prefetchEvents(b, out)
	return nil
}

// prefetchEvents yields an event for each start that the file recorded.
func prefetchEvents(b []byte, out *output) {
	if len(b) < 84 || string(b[4:8]) != "SCCA" {
		out.damage(0, -1, "no prefetch file")
		return
	}
	u := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	version := u(0)
	l, ok := prefetchLayouts[version]
	if !ok || len(b) < l.size {
		out.damage(0, -1, "prefetch file cut short or of an unknown version")
		return
	}
	if version == 30 && u(84) == 296 { // the second form of Windows 10 is as that of 11
		l.count = 200
	}
	if int64(u(12)) > int64(len(b)) {
		out.damage(int64(len(b)), -1, "prefetch file cut short")
	}
	name := untilNUL(b[16:76])
	files := part(b, u(100), u(104))
	if files == nil {
		out.damage(100, 8, "list of files outside of the file")
	}
	files = files[:min(len(files), maxPrefetchFiles)&^1]
	device, system, count := prefetchImage(files, name)
	values := []event.Value{
		textOrNull(driveLetter(device, system)), textOrNull(name), {Type: event.Hex32, Raw: b[76:80]}, decimal(uint64(u(l.count))), textOrNull(device),
		{}, {}, {Type: event.UTF16 | event.Array, Raw: files}, decimal(uint64(count)),
	}
	if values[0].IsNull() {
		values[0] = values[1]
	}
	if volume := part(b, u(108), u(116)); u(112) > 0 && len(volume) >= 20 {
		values[5] = event.Value{Type: event.Hex32, Raw: volume[16:20]}
		values[6] = instant(event.FromFileTime(binary.LittleEndian.Uint64(volume[8:])))
	}
	rec := event.Record{Schema: prefetchSchema}
	if out.want(prefetchSchema) {
		rec.Slots = values
	}
	for i := range l.lasts {
		ft := binary.LittleEndian.Uint64(b[l.last+8*i:])
		if ft == 0 && i > 0 {
			continue
		}
		rec.Number++
		rec.Time, rec.Offset = event.FromFileTime(ft), int64(l.last+8*i)
		out.take(&rec)
	}
}

// part is n bytes at an offset, nil if they are not all there.
func part(b []byte, at, n uint32) []byte {
	if uint64(at)+uint64(n) > uint64(len(b)) {
		return nil
	}
	return b[at : at+n]
}

// prefetchImage finds the program among the files that were read at its start. Its name in the head is cut after 29
// characters. system is the volume from which Windows' own library was read.
func prefetchImage(files []byte, name string) (image, system string, count int) {
	const ntdll = `\WINDOWS\SYSTEM32\NTDLL.DLL`
	name = strings.ToUpper(name)
	event.Value{Type: event.UTF16 | event.Array, Raw: files}.Each(func(e event.Value) {
		if len(bytes.Trim(e.Raw, "\x00")) == 0 {
			return
		}
		count++
		file := e.String()
		upper := strings.ToUpper(file)
		if s, ok := strings.CutSuffix(upper, ntdll); ok && system == "" {
			system = file[:len(s)]
		}
		base := upper[strings.LastIndexByte(upper, '\\')+1:]
		if image == "" && name != "" && (base == name || len(name) >= 29 && strings.HasPrefix(base, name)) {
			image = file
		}
	})
	return image, system, count
}

// driveLetter writes the volume that Windows was started from as C:, which it is on all but a few computers.
func driveLetter(device, system string) string {
	if rest, ok := strings.CutPrefix(device, system); ok && system != "" {
		return "C:" + rest
	}
	return device
}
