package damage

import (
	"bytes"
	"cmp"
	"fmt"
)

// judgement is what is said of a file's content.
type judgement struct {
	state       State
	confidence  Confidence
	reasons     []string
	recoverable string
}

func judged(s State, c Confidence, format string, args ...any) judgement {
	return judgement{state: s, confidence: c, reasons: []string{fmt.Sprintf(format, args...)}}
}

func (j *judgement) also(format string, args ...any) {
	j.reasons = append(j.reasons, fmt.Sprintf(format, args...))
}

// The odds from which a file is called damaged, and from which it is not called intact: see docs/design/damage.md for how they were chosen.
const (
	aloneOdds  = 0.88
	aloneSure  = 0.985 // of a kind that is random by right, and begins as it must
	aloneMaybe = 0.5
	pairOdds   = 0.12
	pairMaybe  = 0.05
)

// alone judges a file without its past. crowd says that a strange extension of its name is that of many others.
func alone(l *look, crowd bool, numbers []float64) judgement {
	p, f := &l.profile, &l.form
	switch {
	case l.view.size == 0:
		return judged(Intact, Plausible, "it is empty")
	case p.constant && l.view.size >= 64:
		return constantAlone(l)
	case p.patterned && l.name.promised != "" && l.name.promised != "text" && (f.shape == formless || f.text):
		return judged(Overwritten, Plausible, "one pattern over and over, though its name promises %s", l.name.promised)
	case f.honest != "":
		return judged(Unknown, Unsure, "encrypted by right, as it seems: %s; content cannot tell what it holds", f.honest)
	case f.shape == checked:
		return judged(Intact, Proven, "%s, %s", f.kind, wholly)
	case l.random() && (l.name.honest || l.name.promised == "" && mayBeAnything[l.ext] && !crowd):
		return judged(Unknown, Unsure, "random content of no known form, and its name promises none: encryption by right, a key, or damage")
	}
	if l.isProse() {
		return judged(Intact, Plausible, "text")
	}
	if lettersByRight[l.ext] && f.text && f.shape == followed && p.all.inLetters() {
		return judged(Unknown, Unsure, "random letters (base64 or the like), as its name promises: an encoded file, a key, or damage")
	}
	if bareStreams[l.ext] && f.shape == formless && p.all.entropy() > 7 {
		return judged(Unknown, Unsure, "a packed stream by its name, which has no signature and no sum")
	}
	a, _ := models()
	odds := a.odds(l.single(numbers[:0]))
	if f.shape == formless && (crowd && p.headRandom || l.random() && p.all.random() || p.all.diluted()) {
		odds = 1
	}
	enough := aloneOdds
	if packedKinds[f.kind] && (f.shape == begun || f.shape == followed) {
		enough = aloneSure
	}
	switch {
	case odds >= enough:
		return hurtAlone(l)
	case odds >= aloneMaybe && f.shape != followed:
		return judged(Unknown, Unsure, "%s; numbers alone do not decide (odds %.2f)", l.sketch(), odds)
	case f.shape == formless && l.missing():
		return judged(Unknown, Unsure, "%s, though its name promises %s", l.sketch(), l.name.promised)
	}
	return judged(Intact, Plausible, "%s", l.sketch())
}

// wholly is said of a form that is checked.
const wholly = "decoded or its checksums compared to its end"

// random reports whether nearly all blocks look random and no form is known.
func (l *look) random() bool {
	p := &l.profile
	return l.form.shape == formless && p.blocks > 0 && (p.randoms*100 >= p.blocks*95 || p.blocks == 1 && p.all.entropy() > 7 && l.view.size < leastRandom*4)
}

// sketch is what is seen of the content, in words.
func (l *look) sketch() string {
	f, p := &l.form, &l.profile
	switch {
	case f.shape == broken:
		return fmt.Sprintf("%s that breaks at %d: %s", f.kind, f.at, f.why)
	case f.text:
		return "text"
	case f.shape == followed:
		return fmt.Sprintf("%s, its structure followed", f.kind)
	case f.shape == begun:
		return fmt.Sprintf("begins like %s", f.kind)
	}
	return fmt.Sprintf("no known form, %.2f bits a byte, %d of %d blocks random", p.all.entropy(), p.randoms, p.blocks)
}

// extent says how much of the content is random.
func (l *look) extent() (State, string) {
	p := &l.profile
	switch {
	case (p.all.encoded() || p.all.inLetters() && l.name.promised != "") && l.form.shape != checked:
		return Encrypted, "random bytes written as letters (base64 or the like) all along"
	case p.all.diluted():
		return Encrypted, "random all along but for one value, with which it is diluted"
	case p.randoms == p.blocks || p.blocks >= 8 && p.randoms*100 >= p.blocks*97 || p.all.random():
		return Encrypted, "random all along: encrypted, or overwritten with random bytes"
	}
	return Partly, fmt.Sprintf("%d of %d blocks random", p.randoms, p.blocks)
}

func hurtAlone(l *look) judgement {
	state, why := l.extent()
	j := judged(state, Plausible, "%s", why)
	if l.missing() {
		j.also("its name promises %s, and it has no known form", l.name.promised)
	} else if l.form.shape == broken {
		j.also("%s", l.sketch())
	}
	if state == Partly {
		j.recoverable = recoverable(l, l.profile.plain())
	}
	return j
}

func constantAlone(l *look) judgement {
	if l.form.text && bytes.IndexByte(l.view.head(), '\n') >= 0 && len(bytes.Trim(l.view.head()[:min(len(l.view.head()), 64)], "\r\n")) > 0 {
		return judged(Intact, Plausible, "text of one line over and over")
	}
	if l.name.honest || l.name.promised == "" && mayBeAnything[l.ext] {
		return judged(Unknown, Unsure, "one value or pattern all along, and its name promises nothing else")
	}
	return judged(Overwritten, Plausible, "one value or pattern all along, though its name promises %s", cmp.Or(l.name.promised, "content"))
}

// recoverable is what a file may give without a key.
func recoverable(l *look, plain float64) string {
	if plain < .02 {
		return ""
	}
	what := fmt.Sprintf("about %.0f %% of its bytes are not encrypted", 100*plain)
	switch l.name.promised {
	case "sqlite", "mdf", "ese", "access", "pst":
		return what + ": pages of a database can be carved, and each shows by its own structure whether it is whole"
	case "vhdx", "vmdk", "qcow2", "iso":
		return what + ": file systems inside of an image can be carved"
	case "zip", "tar", "ooxml":
		return what + ": members that lie whole in it can be unpacked"
	case "text":
		return what + ": text can be read between"
	}
	return what
}

// together judges a file by its past.
func together(p *pair, numbers []float64) judgement {
	n, o, d := p.new, p.old, &p.diff
	switch {
	case d.identical && n.view.whole:
		return judged(Intact, Proven, "the same bytes as before")
	case d.identical:
		return judged(Intact, Plausible, "the same bytes as before, in all samples")
	case n.view.size == 0:
		return judged(Overwritten, Plausible, "emptied: it had %d bytes", o.view.size)
	case n.profile.constant && n.view.size >= 64 && !o.profile.constant:
		return p.erased()
	case p.added():
		return judged(Intact, Plausible, "all that it was stands in it, and %d bytes were added", n.view.size-o.view.size)
	case p.takenOut():
		return judged(Intact, Plausible, "%d bytes of it were taken out, and nothing was changed", o.view.size-n.view.size)
	case d.key > 0:
		return p.keyed()
	case n.profile.patterned && !o.profile.patterned && !o.profile.constant && (n.form.shape == formless || n.form.text && o.form.shape != formless && (!o.form.text || p.oneLine())):
		return judged(Overwritten, Plausible, "one pattern over and over, where content was")
	case n.form.honest != "":
		return judged(Unknown, Unsure, "changed; now encrypted by right, as it seems: %s", n.form.honest)
	case n.form.shape == checked:
		return judged(Intact, Proven, "changed; %s, %s", n.form.kind, wholly)
	case p.wiped():
		return judged(Overwritten, Plausible, "%d of %d blocks have one value now, where content was", n.profile.zeros, n.profile.blocks)
	case p.hole():
		return judged(Overwritten, Plausible, "%d bytes have one value now, where content was", d.changed.n)
	case p.moved():
		return judged(Intact, Plausible, "nothing in it is new: its parts stand in another order")
	case p.striped(), p.random(), p.stretches():
		return p.hurt()
	case n.form.text && n.profile.all.encoded() && !o.profile.all.inLetters():
		return p.hurt()
	case p.noHold():
		return judged(Unknown, Unsure, "changed; it was random without a known form before, and is so now")
	}
	_, m := models()
	odds := m.odds(p.numbers(numbers[:0]))
	if n.form.shape == formless && n.profile.all.diluted() && !o.profile.all.diluted() && p.diff.newBytes*10 >= n.view.seen()*9 {
		odds = 1
	}
	switch {
	case odds >= pairOdds:
		return p.hurt()
	case odds >= pairMaybe && !n.form.valid():
		return judged(Unknown, Unsure, "changed; %s; numbers do not decide (odds %.2f)", n.sketch(), odds)
	}
	return judged(Intact, Plausible, "changed as files are changed; %s", n.sketch())
}

// wiped reports whether most blocks hold one value that held content before, and the form is lost.
func (p *pair) wiped() bool {
	n, o := &p.new.profile, &p.old.profile
	return n.blocks > 0 && n.zeros*10 >= n.blocks*9 && o.zeros*10 < o.blocks*5 && p.lost()
}

// added reports whether the old version stands in the new one, at its beginning, at its end or on both sides of what was added.
func (p *pair) added() bool {
	return p.old.view.whole && p.new.view.whole && p.old.view.size >= 64 && p.new.view.size > p.old.view.size && p.diff.prefix+p.diff.suffix >= p.old.view.size
}

// takenOut reports whether the new version is the old one without a piece, of which half is left.
func (p *pair) takenOut() bool {
	return p.old.view.whole && p.new.view.whole && 2*p.new.view.size >= p.old.view.size && p.new.view.size < p.old.view.size && p.diff.prefix+p.diff.suffix >= p.new.view.size
}

// striped reports whether stretches of even length, at even distances and each from a whole block of 16 bytes, became random, and what lies between stayed: no
// program but an encryptor writes so.
func (p *pair) striped() bool {
	d := &p.diff
	_, spread := d.lengths()
	kept := share(d.equal, d.compared)
	return d.runs >= 8 && d.aligned == d.runs && spread < .2 && d.between() < .2 && kept > .05 && kept < .95 && d.xor.random() && d.changed.random() && d.changed.n >= 4*leastRandom
}

// random reports whether content of a form gave way to what is random all along and new, under a name that no random content bears by right.
func (p *pair) random() bool {
	n, o := p.new, p.old
	return (o.form.valid() || o.form.shape == begun) && o.form.honest == "" && n.random() && !n.name.honest && (n.name.promised != "" || !mayBeAnything[n.ext]) && p.isNew()
}

// isNew reports whether nearly nothing of the new version stands in the old one.
func (p *pair) isNew() bool { return p.diff.newBytes*10 >= p.new.view.seen()*9 }

// stretches reports whether, in place, what was not random became so, and the form is lost.
func (p *pair) stretches() bool {
	d := &p.diff
	grown := p.new.view.size - p.old.view.size
	return grown >= 0 && grown <= 64<<10 && p.lost() && d.changed.n >= leastRandom && d.changed.random() && d.xor.random() && d.was.entropy() < 7
}

// moved reports whether all of the new version stands in the old one, elsewhere.
func (p *pair) moved() bool {
	d := &p.diff
	return p.new.view.whole && p.old.view.whole && p.new.view.size >= leastRandom && d.newBytes*8 < p.new.view.size && d.equal*2 < d.compared && d.changed.entropy() > 1
}

// erased is a file that has one value all along. That content was there is certain only where it had a form, and where what is left is not a part of it.
func (p *pair) erased() judgement {
	j := judged(Overwritten, Plausible, "one value or pattern all along, where content was")
	if p.old.form.shape != formless && 2*p.new.view.size >= p.old.view.size {
		j.confidence = Proven
	}
	return j
}

// oneLine reports whether text has no end of a line, which what people repeat has.
func (p *pair) oneLine() bool { return bytes.IndexByte(p.new.view.head(), '\n') < 0 }

// hole reports whether all that changed is of one value now, at its old place, and the form is lost.
func (p *pair) hole() bool {
	n, o, d := p.new, p.old, &p.diff
	return n.view.size == o.view.size && p.lost() && d.changed.n >= 512 && d.changed.entropy() < .1
}

// keyed is a file each byte of which was combined with a key that repeats.
func (p *pair) keyed() judgement {
	j := judged(Encrypted, Plausible, "each byte was changed by a key of %d bytes that repeats", p.diff.key)
	if p.lost() {
		j.also("it was %s and is that no more", p.old.form.kind)
		j.confidence = Proven
	}
	j.recoverable = "all of it: the old version gives the key, which may open other files too"
	return j
}

// isProse reports whether a file is text to its end where its name promises no other, and not base64 all along without saying so.
func (l *look) isProse() bool {
	if !l.form.text || l.form.shape != followed || l.name.promised != "text" && l.name.promised != "" {
		return false
	}
	return !l.profile.all.inLetters() || l.name.honest || bytes.HasPrefix(l.view.head(), []byte("-----BEGIN"))
}

// bareStreams are extensions of packed streams without signature or sums: nothing tells them from random bytes.
var bareStreams = set(`lz lzo sz snappy deflate`)

// lettersByRight are extensions of what is written in letters that look random.
var lettersByRight = set(`b64 base64 uu uue key pub sig lic token jwt csr p8 hash`)

// mayBeAnything are extensions of files that are random, or zero, by right: raw streams, keys, volumes, space that was set aside, parts of repositories; and
// no extension at all.
var mayBeAnything = anything(`bin dat data db raw img key rnd rand seed blob bundle cache chunk pack tmp temp swp part dump mem vmem core hc tc vol vhd dd lz lzo sz snappy deflate enc crypt
	jrs jtx wal ldf log1 log2 blf regtrans-ms edb jcp chk ibd ibdata1 ib_logfile0 ib_logfile1 frm dbf ctl rdo redo xlog hprof nvram pak wad rpf bfc rdb expect golden`)

func anything(words string) map[string]bool {
	m := set(words)
	m[""] = true
	return m
}

// noHold reports whether neither version gives anything to hold on to.
func (p *pair) noHold() bool {
	return p.old.form.shape == formless && p.new.form.shape == formless && p.old.profile.all.random() && p.new.profile.all.random()
}

func (p *pair) hurt() judgement {
	n, d := p.new, &p.diff
	state, why := n.extent()
	kept := share(d.equal, d.compared)
	if state == Encrypted && kept > .1 {
		state = Partly
	}
	j := judged(state, Plausible, "%s", why)
	if d.xor.random() {
		j.also("the change itself looks random (chi-square %.0f over %d bytes)", d.xor.chi(), d.xor.n)
	}
	if p.lost() {
		j.also("it was %s and is that no more", p.old.form.kind)
	}
	if p.proves(state) {
		j.confidence = Proven
	}
	if state == Partly {
		j.recoverable = recoverable(n, kept)
	}
	return j
}

// proves asks what no lawful change leaves: content of a form that held, in whose place stands what is random all along, or
// random in stripes that begin at whole blocks, with the size kept but for a tail.
func (p *pair) proves(state State) bool {
	n, o, d := p.new, p.old, &p.diff
	if !p.lost() || !o.form.valid() || n.form.shape == begun || !d.xor.random() || !d.changed.random() {
		return false
	}
	if grown := n.view.size - o.view.size; grown < 0 || grown > 64<<10 {
		return false
	}
	if state == Encrypted {
		return n.form.shape == formless && n.view.seen() >= 2*blockBytes && p.isNew() && n.name.promised != "" && !n.name.honest && share(d.equal, d.compared) < .02
	}
	_, spread := d.lengths()
	return d.runs >= 8 && d.aligned == d.runs && spread < .2 && share(d.equal, d.compared) < .95
}
