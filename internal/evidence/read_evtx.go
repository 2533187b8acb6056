package evidence

import (
	"context"
	"errors"
	"sync"

	"wardround/internal/event"
	"wardround/internal/evtx"
)

var evtxReader = reader{
	kind: "evtx",
	is:   func(head []byte, _ string) bool { return evtx.Is(head) },
	read: readEVTX,
}

// decoders keep what they learned of templates from one log to the next.
var decoders = sync.Pool{New: func() any { return evtx.NewDecoder() }}

func readEVTX(ctx context.Context, in *input, out *output) error {
	d := decoders.Get().(*evtx.Decoder)
	defer decoders.Put(d)
	d.Slack = in.Options.Slack
	report, err := d.Read(ctx, in.Stream, evtxVisitor{out})
	out.facts.Slack += report.Slack
	out.facts.Records -= report.Slack
	out.facts.Original = report.Header.Valid && !report.Exported && report.Records > 0
	if report.Exported {
		out.note("an export: its record numbers differ from the log's own")
	}
	if report.Header.Dirty {
		out.note("the log was open when it was copied")
	}
	if errors.Is(err, evtx.ErrNotEVTX) {
		out.damage(0, -1, err.Error())
		return nil
	}
	return err
}

// evtxVisitor hands a decoder's records on.
type evtxVisitor struct{ out *output }

func (v evtxVisitor) Want(s *event.Schema) bool { return v.out.want(s) }
func (v evtxVisitor) Take(r *event.Record)      { v.out.take(r) }
func (v evtxVisitor) Damage(offset, bytes int64, why string) {
	v.out.damage(offset, bytes, why)
}
