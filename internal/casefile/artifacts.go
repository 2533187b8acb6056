package casefile

import (
	"encoding/hex"
	"strconv"

	"wardround/internal/event"
)

// appendArtifact writes an artifact as encode does, byte for byte, and without looking at its types: an estate has as many as
// it has files, and each is written three times.
func appendArtifact(b []byte, a *event.Artifact) []byte {
	b = appendValue(append(b, `{"collection":`...), a.Collection)
	b = appendValue(append(b, `,"path":`...), a.Path)
	b = appendValue(append(b, `,"root":`...), a.Root)
	b = appendValue(append(b, `,"hint":`...), a.Hint)
	b = appendValue(append(b, `,"sha256":`...), a.SHA256)
	b = strconv.AppendInt(append(b, `,"bytes":`...), a.Bytes, 10)
	b = appendValue(append(b, `,"kind":`...), a.Kind)
	b = strconv.AppendUint(append(b, `,"records":`...), a.Records, 10)
	b = strconv.AppendUint(append(b, `,"slack":`...), a.Slack, 10)
	b = appendList(append(b, `,"damaged":`...), a.Damaged, func(b []byte, d *event.Damage) []byte {
		b = strconv.AppendInt(append(b, `{"offset":`...), d.Offset, 10)
		b = strconv.AppendInt(append(b, `,"bytes":`...), d.Bytes, 10)
		return append(appendValue(append(b, `,"why":`...), d.Why), '}')
	})
	b = appendList(append(b, `,"servers":`...), a.Servers, func(b []byte, s *event.Seen) []byte {
		b = appendValue(append(b, `{"name":`...), s.Name)
		b = strconv.AppendUint(append(b, `,"records":`...), s.Records, 10)
		b = appendTime(append(b, `,"first":`...), s.First)
		return append(appendTime(append(b, `,"last":`...), s.Last), '}')
	})
	b = appendList(append(b, `,"holes":`...), a.Holes, func(b []byte, h *[2]uint64) []byte {
		b = strconv.AppendUint(append(b, '['), h[0], 10)
		return append(strconv.AppendUint(append(b, ','), h[1], 10), ']')
	})
	b = appendList(append(b, `,"notes":`...), a.Notes, func(b []byte, s *string) []byte { return appendText(b, *s) })
	b = append(b, `,"error":`...)
	if a.Error == nil {
		b = append(b, "null"...)
	} else {
		b = appendValue(b, *a.Error)
	}
	b = strconv.AppendBool(append(b, `,"original":`...), a.Original)
	return append(strconv.AppendBool(append(b, `,"exercise":`...), a.Exercise), '}')
}

// appendEntry writes the line of a manifest for an artifact.
func appendEntry(b []byte, e *entry) []byte {
	b = append(appendArtifact(append(b, `{"artifact":`...), &e.artifact), `,"key":"`...)
	return append(hex.AppendEncode(b, e.key[:]), "\"}\n"...)
}

func appendList[T any](b []byte, list []T, one func([]byte, *T) []byte) []byte {
	if list == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, &list[i])
	}
	return append(b, ']')
}
