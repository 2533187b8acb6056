package match

import (
	"slices"
	"unicode/utf8"

	"wardround/internal/event"
)

// Most texts that rules look for in text logs are keywords, which may lie in any value. The message of a syslog line is a value, and user,
// address and method were cut from it: what lies in one of them lies in the message, where it has been found. So a part of a whole
// is asked only for what is not asked of the whole in the same way.

// restOf makes what is still looked for in a part of the whole.
func (b *planner) restOf(c *column, list []uint64) {
	whole, ok := b.column[b.plan.whole]
	if !ok || b.plan.whole == 0 || c.derived != nil || c == &b.plan.columns[whole] {
		return
	}
	rest := slices.DeleteFunc(slices.Clone(list), func(w uint64) bool {
		p := &b.plan.preds[uint32(w)]
		return slices.Contains(b.plan.fields[p.field].columns, whole) && !slices.ContainsFunc(p.atom.needles, needle.anchored)
	})
	if len(rest) == len(list) {
		return
	}
	c.rest = &column{field: c.field, slot: c.slot}
	if len(rest) > 0 {
		b.look(c.rest, rest)
	}
}

// anchored reports that a needle may lie in a part of a text and not in the text: where the part begins or ends, or where it ends amid a
// letter. A text in UTF-8 is lowered letter by letter, so that any other lies in both.
func (n needle) anchored() bool { return n.form != infix || !utf8.ValidString(n.text) }

// wholeOf is the text of a record from which others may be cut.
func (p *Plan) wholeOf(r *event.Record) []byte {
	if p.whole == 0 || p.whole >= len(r.Slots) || r.Slots[p.whole].Type != event.UTF8 {
		return nil
	}
	return r.Slots[p.whole].Raw
}

// partOf reports whether a value is a text that lies within the whole, by where it lies in memory.
func partOf(v *event.Value, whole []byte) bool {
	at := cap(whole) - cap(v.Raw)
	return len(v.Raw) > 0 && at >= 0 && at+len(v.Raw) <= len(whole) && &whole[at] == &v.Raw[0] && (v.Type == event.UTF8 || v.Type == event.Number)
}

// isFigures reports whether a text is a number or an address in decimal.
func isFigures(v *event.Value) bool {
	if v.Type != event.UTF8 && v.Type != event.Number || len(v.Raw) == 0 {
		return false
	}
	for _, c := range v.Raw {
		if c-'0' > 10 && c != '.' { // a colon follows the nine
			return false
		}
	}
	return true
}

// figures reports whether the text may lie in a number or an address.
func (n needle) figures() bool {
	v := event.Text(n.text)
	return isFigures(&v)
}
