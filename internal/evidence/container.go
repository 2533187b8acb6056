package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"wardround/internal/event"
)

// content is an artifact whose kind is not known yet.
type content struct {
	at       spot
	source   source
	modified time.Time
	stored   bool // modified is part of the evidence: an archive holds it
	// settle is called when all bytes are read, to add what only then is known; nil for nothing.
	settle func(*event.Artifact)
}

// read reads one artifact and all that is in it. Its only errors are those of the context: it then gave no End.
func (p *pass) read(c content) error {
	s := newStream(p.ctx, p.c.opt.TempDir, c.source)
	defer s.close()
	looker, _ := p.sink.(Looker)
	if looker != nil && c.source.file == nil {
		s.keep = keepBytes // most are no longer, and need no temporary file
	}
	facts := p.c.facts(c.at)
	var rd *reader
	facts.Kind, rd = p.c.kindOf(s.head(), facts.Path)
	facts.Exercise = bytes.Contains(s.head(), []byte(event.ExerciseMark))
	if facts.Modified = event.NoTime; !c.modified.IsZero() {
		facts.Modified = event.At(c.modified)
	}
	if s.n == 0 && s.fail() != nil {
		facts.Kind = ""
	}
	err := p.open(facts, c, s)
	if err == errNoArchive {
		err = p.consume(facts, c, s, rd, looker)
	}
	s.drain()
	if ctxErr := p.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	facts.SHA256, facts.Bytes = s.digest(), s.n
	if fail := s.fail(); fail != nil {
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: s.n, Bytes: -1, Why: fail.Error()})
		setError(facts, fmt.Errorf("read: %w", fail))
	}
	setError(facts, err)
	if c.settle != nil {
		c.settle(facts)
	}
	p.sink.End(facts)
	return nil
}

// consume gives an artifact that is no archive to the reader of its kind.
func (p *pass) consume(facts *event.Artifact, c content, s *stream, rd *reader, looker Looker) error {
	consumer, read := p.sink.Begin(facts)
	if !read || consumer == nil {
		return nil
	}
	if rd == nil {
		rd = &marksReader
		if looker != nil && !unlooked[facts.Kind] {
			looker.Look(facts, c.toLook(s))
		}
	}
	in := &input{
		Path: facts.Path, Modified: c.modified, Stored: c.stored, Host: facts.Hint, Options: &p.c.opt,
		Stream: s, At: s.at, Again: s.again,
	}
	if err := guard(rd, p.ctx, in, newOutput(consumer, facts)); err != nil && s.fail() == nil {
		return fmt.Errorf("read as %s: %w", rd.kind, err)
	}
	return nil
}

// unlooked are kinds of which nothing is to be learned by a look: whole disks and memories, captures, what is empty.
var unlooked = words(kindEmpty + ` pcap pcapng minidump memory-image hibernation ntfs-logfile registry-log
	disk-image-e01 disk-image-ex01 disk-image-l01 disk-image-qcow2 disk-image-vhdx disk-image-vhd disk-image-vmdk disk-image-vdi disk-image-iso disk-image-raw`)

func (c content) toLook(s *stream) Content {
	out := Content{Changed: event.NoTime, At: s.look}
	if c.stored && !c.modified.IsZero() {
		out.Changed = event.At(c.modified)
	}
	return out
}

// guard runs a reader. Readers do not panic; should one do so all the same, on bytes that nobody foresaw, it costs that
// artifact and not the examination of a hundred servers.
func guard(rd *reader, ctx context.Context, in *input, out *output) (err error) {
	defer func() {
		if bug := recover(); bug != nil {
			err = fmt.Errorf("the reader failed on these bytes, a fault of this program: %v", bug)
			out.damage(0, -1, "the reader failed")
		}
	}()
	return rd.read(ctx, in, out)
}

// setError keeps the first error of an artifact: the later ones follow from it.
func setError(facts *event.Artifact, err error) {
	if err != nil && facts.Error == nil {
		s := err.Error()
		facts.Error = &s
	}
}

// list gives an End to what has no content to read, with the reason.
func (p *pass) list(at spot, kind string, notes []string, err error) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	facts := p.c.facts(at)
	facts.Kind = kind
	facts.Notes = append(facts.Notes, notes...)
	setError(facts, err)
	p.sink.End(facts)
	return nil
}

// errNoArchive says that open found no archive.
var errNoArchive = errors.New("no archive")

// open reads what an archive holds. The archive's own bytes pass through s, so they are hashed on the way. What is
// wrong with the archive is its error; what is wrong with an entry is that entry's.
func (p *pass) open(facts *event.Artifact, c content, s *stream) error {
	if what, ok := closed[facts.Kind]; ok {
		return fmt.Errorf("open %s: %w; unpack it and examine the folder", what, ErrUnsupported)
	}
	codec, packed := codecs[facts.Kind]
	switch facts.Kind {
	case kindZip, kindTar, kind7z, kindRar:
	case kindPart:
		return fmt.Errorf("open part of a split archive: %w; join the parts first", ErrUnsupported)
	default:
		if !packed {
			return errNoArchive
		}
	}
	if c.at.whole {
		facts.Path = ""
	}
	if c.at.in.depth >= p.c.opt.Limits.Depth {
		return fmt.Errorf("open %s: archives lie deeper than %d in one another: %w", facts.Kind, p.c.opt.Limits.Depth, ErrLimit)
	}
	switch {
	case packed:
		return p.unpack(facts, c, s, codec)
	case facts.Kind == kindTar:
		return p.tar(c.at.enter(true), s, facts)
	case facts.Kind == kind7z:
		return p.sevenZip(c.at.enter(true), s, facts)
	case facts.Kind == kindRar:
		return p.rar(c.at.enter(true), s, facts)
	}
	r, size, err := s.at()
	if err != nil {
		return err
	}
	if err = p.zip(c.at.enter(true), r, size, facts); err == errNoArchive {
		facts.Path = c.at.path
	}
	return err
}

// unpack reads a compressed file: a tar archive, or one artifact.
func (p *pass) unpack(facts *event.Artifact, c content, s *stream, codec codec) error {
	packed := &counted{r: s}
	r, err := codec.open(packed)
	if err != nil {
		return fmt.Errorf("unpack %s: %w", facts.Kind, err)
	}
	defer r.Close()
	out := &metered{r: r, packed: packed, p: p}
	head, err := peek(out, tarBlock)
	name := path.Base(c.at.path)
	if isTar(head) || err == nil && tarName(name) {
		facts.Kind = "tar." + codec.extension
		err := p.tar(c.at.enter(true), io.MultiReader(bytesReader(head), out), facts)
		p.trailing(facts, out)
		return err
	}
	h := c.at.enter(false)
	inner := content{
		at:       h.spot(innerName(name, codec)),
		source:   source{once: io.MultiReader(bytesReader(head), out)},
		modified: c.modified,
		stored:   c.stored,
	}
	if err := p.count(); err != nil {
		return err
	}
	if err := p.read(inner); err != nil {
		return err
	}
	p.trailing(facts, out)
	return nil
}

// trailing tells of the compressed file what ended its content early. The artifact inside that met it says so as well;
// of a checksum at the end it is not known which bytes before it are wrong.
func (p *pass) trailing(facts *event.Artifact, out *metered) {
	if g, ok := out.r.(*gzipReader); ok && g.other {
		facts.Notes = append(facts.Notes, "other data follows the compressed data")
	}
	if out.err != nil && out.err != io.EOF && p.ctx.Err() == nil {
		facts.Damaged = append(facts.Damaged, event.Damage{Offset: out.packed.n, Bytes: -1,
			Why: fmt.Sprintf("after %d unpacked bytes: %v", out.n, out.err)})
	}
}

// count counts an entry of an archive.
func (p *pass) count() error {
	if p.entries++; p.entries > p.c.opt.Limits.Entries {
		return fmt.Errorf("unpack: more than %d entries: %w", p.c.opt.Limits.Entries, ErrLimit)
	}
	return nil
}

// counted counts what is read of it.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64) // told of each read; nil for nobody
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.tell != nil && n > 0 {
		c.tell(int64(n))
	}
	return n, err
}

// metered is what comes out of decompression, held to the limits.
type metered struct {
	r      io.Reader
	packed *counted
	p      *pass
	n      int64
	err    error
}

// grace is how much an archive may unpack to whatever its size: small files of zeros are common.
const grace = 1 << 20

func (m *metered) Read(b []byte) (int, error) {
	if m.err != nil {
		return 0, m.err
	}
	n, err := m.r.Read(b)
	m.n += int64(n)
	m.p.unpacked += int64(n)
	limits := &m.p.c.opt.Limits
	switch {
	case err != nil:
	case m.n > grace && (m.n-grace)/limits.Ratio > m.packed.n:
		err = fmt.Errorf("unpacks to more than %d times its size: %w", limits.Ratio, ErrLimit)
	case m.p.unpacked > m.p.most:
		err = fmt.Errorf("unpacks to more than %d bytes: %w", m.p.most, ErrLimit)
	}
	m.err = err
	return n, err
}

// innerName is the name of what a compressed file holds.
func innerName(name string, c codec) string {
	lower := strings.ToLower(name)
	for _, ext := range c.suffixes {
		if strings.HasSuffix(lower, ext) && len(name) > len(ext) {
			return name[:len(name)-len(ext)]
		}
	}
	return name
}

// fileUnits yields the units of one file on disk: itself, or the entries of an intact zip archive.
func (c *Collection) fileUnits(ctx context.Context, f file, yield func(Unit) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.err == nil && f.mode.IsRegular() && (f.at.whole || strings.HasSuffix(strings.ToLower(f.name), ".zip")) {
		if ok, err := c.zipUnits(f, yield); ok {
			return err
		}
	}
	return yield(Unit{Path: f.at.path, Size: f.size, read: func(p *pass) error {
		p.most = c.most(f.size)
		return p.file(f)
	}})
}

// most is what a unit of so many bytes on disk may unpack to at all depths together.
func (c *Collection) most(packed int64) int64 {
	l := &c.opt.Limits
	if packed > (l.Bytes-slackBytes)/l.Ratio {
		return l.Bytes
	}
	return min(l.Bytes, slackBytes+packed*l.Ratio)
}

// slackBytes is what archives in archives may unpack to beyond Ratio.
const slackBytes = 1 << 30

// file reads one file on disk.
func (p *pass) file(f file) error {
	switch {
	case f.err != nil:
		return p.list(f.at, "", nil, f.err)
	case f.mode&fs.ModeSymlink != 0:
		target, err := p.c.folder.Readlink(f.name)
		if err != nil {
			return p.list(f.at, kindSymlink, []string{"a symbolic link, not followed"}, nil)
		}
		return p.list(f.at, kindSymlink, []string{linkNote(target)}, nil)
	case !f.mode.IsRegular():
		return p.list(f.at, special(f.mode), []string{"not a file: not opened"}, nil)
	}
	h, before, err := p.c.open(f)
	if err != nil {
		p.sink.Progress(f.size)
		return p.list(f.at, "", nil, err)
	}
	defer h.Close()
	return p.read(content{
		at:       f.at,
		source:   source{once: &onDisk{p: p, r: h}, file: h, size: before.Size()},
		modified: before.ModTime(),
		settle:   func(facts *event.Artifact) { noteChange(facts, h, before) },
	})
}

// noteChange notes that a file is not any more what it was before it was read.
func noteChange(facts *event.Artifact, h *os.File, before fs.FileInfo) {
	after, err := h.Stat()
	if err != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) || facts.Bytes != after.Size() {
		facts.Notes = append(facts.Notes, "the file changed while it was read")
	}
}

func linkNote(target string) string {
	return fmt.Sprintf("a symbolic link to %q, not followed", target)
}

func special(m fs.FileMode) string {
	switch {
	case m&fs.ModeNamedPipe != 0:
		return "pipe"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeDevice != 0:
		return "device"
	}
	return "irregular"
}

// onDisk is a file of the collection on its way in: the context is asked and progress told with each read.
type onDisk struct {
	p *pass
	r io.Reader
}

func (d *onDisk) Read(b []byte) (int, error) {
	if err := d.p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := d.r.Read(b)
	if n > 0 {
		d.p.sink.Progress(int64(n))
	}
	return n, err
}
