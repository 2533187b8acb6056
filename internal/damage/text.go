package damage

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// ist is the zone of people's times; files keep UTC.
var ist = time.FixedZone("IST", 5*3600+1800)

// order is that of columns.
var columns = []State{Encrypted, Partly, Overwritten, Deleted, Renamed, Note, Unknown, Intact}

// mostRows is how many folders a table shows.
const mostRows = 25

// WriteText writes a summary for a terminal.
func WriteText(w io.Writer, s *Summary) error {
	out := &strings.Builder{}
	size := amount(s.Bytes)
	if s.Bytes == 0 && s.Files > 0 {
		size = "sizes not known"
	}
	fmt.Fprintf(out, "%d files, %s%s\n", s.Files, size, sampledWords(s))
	for _, st := range columns {
		if n := s.count(st); n > 0 {
			fmt.Fprintf(out, "%9d %-16s %s\n", n, st, s.sureness(st))
		}
	}
	s.writeFolders(out)
	s.writeStory(out)
	_, err := io.WriteString(w, out.String())
	return err
}

func sampledWords(s *Summary) string {
	if s.Sampled == 0 {
		return ""
	}
	return fmt.Sprintf("; %d over 8 MB, of which samples were read", s.Sampled)
}

func (s *Summary) count(st State) (n int64) {
	for _, c := range s.States {
		if c.State == st {
			n += c.Files
		}
	}
	return n
}

func (s *Summary) sureness(st State) string {
	var parts []string
	for _, sure := range []Confidence{Proven, Plausible, Unsure} {
		for _, c := range s.States {
			if c.State == st && c.Confidence == sure {
				parts = append(parts, fmt.Sprintf("%d %s", c.Files, sure))
			}
		}
	}
	return strings.Join(parts, ", ")
}

// writeFolders writes the folders that were hit hardest.
func (s *Summary) writeFolders(out *strings.Builder) {
	hurt := slices.Clone(s.Folders)
	hurt = slices.DeleteFunc(hurt, func(f Folder) bool { return f.hurtFiles() == 0 && f.Files[Renamed] == 0 && f.Files[Note] == 0 })
	if len(hurt) == 0 {
		return
	}
	slices.SortStableFunc(hurt, func(a, b Folder) int { return cmp.Compare(b.hurtFiles(), a.hurtFiles()) })
	fmt.Fprintf(out, "\n%9s %9s %9s %9s %9s %9s  folder\n", "encrypted", "partly", "overwrit.", "deleted", "renamed", "intact")
	for i, f := range hurt {
		if i == mostRows {
			fmt.Fprintf(out, "and %d folders more: --json has every file\n", len(hurt)-i)
			break
		}
		fmt.Fprintf(out, "%9d %9d %9d %9d %9d %9d  %s\n", f.Files[Encrypted], f.Files[Partly], f.Files[Overwritten], f.Files[Deleted], f.Files[Renamed], f.Files[Intact], f.Path)
	}
}

func (f *Folder) hurtFiles() (n int64) {
	for st, k := range f.Files {
		if st.Hurt() {
			n += k
		}
	}
	return n
}

func (s *Summary) writeStory(out *strings.Builder) {
	out.WriteString("\n")
	for _, v := range s.Servers {
		when := "when is not known: " + v.WhyNoBurst
		if v.Burst != nil {
			when = fmt.Sprintf("%s to %s IST", v.Burst.First.Std().In(ist).Format("2 Jan 15:04:05"), v.Burst.Last.Std().In(ist).Format("15:04:05"))
		}
		fmt.Fprintf(out, "%-16s %d damaged files looked at; %s; %s\n", v.Name, v.Files, when, v.By.Says)
	}
	if b := s.Burst; b != nil {
		const form = "2 Jan 2006 15:04:05"
		fmt.Fprintf(out, "When       %s to %s IST: %d files, %.0f a minute; %d at other times; %s\n", b.First.Std().In(ist).Format(form), b.Last.Std().In(ist).Format(form), b.Files, b.PerMinute, b.Outside, b.Says)
	}
	for i, f := range s.Families {
		if i == 3 {
			break
		}
		fmt.Fprintf(out, "Family     %s, %d files\n", f.Family, f.Files)
	}
	for i, n := range s.Notes {
		if i == 3 {
			fmt.Fprintf(out, "           and more\n")
			break
		}
		fmt.Fprintf(out, "Note       %s\n", n)
	}
	if r := s.Recover; r != (Recover{}) {
		fmt.Fprintf(out, "Without a key: %d files are only renamed, %d are encrypted in parts, %d deleted ones are in the past\n", r.Renamed, r.Parts, r.Past)
	}
	for i, p := range s.Problems {
		if i == 10 {
			fmt.Fprintf(out, "           and %d more\n", len(s.Problems)-i+s.Missed)
			break
		}
		fmt.Fprintf(out, "Not read   %s\n", p)
	}
}

func amount(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%d bytes", n)
}
