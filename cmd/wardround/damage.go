package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"wardround/internal/casefile"
	"wardround/internal/damage"
)

func findDamage(ctx context.Context, args []string) int {
	var o casefile.DamageOptions
	f := flags("damage", `damage PATH... [--before PATH] [--case DIR [--server NAME]] [--json]
       wardround damage --case DIR

Says of every file below PATH what was done to it: intact, encrypted, partly-encrypted, overwritten, renamed, deleted, note
or unknown; proven, plausible or unknown, and why. Reads only; links are not followed. Files over 8 MB are sampled.

  wardround damage /srv/share                          what content and names tell
  wardround damage /srv/share --before /mnt/backup     beside an earlier copy: far surer, and only so are deletions seen
  wardround damage D: --case case --server DB1         and who did it, as far as the case's evidence tells; kept in the case
  wardround damage --case case                         what the case's evidence itself tells: collected files, when, by whom

Times are those of the files' last change, which whoever writes can set.`)
	f.StringVar(&o.Before, "before", "", "`PATH` of an earlier copy of the same tree: a backup, a snapshot, a shadow copy")
	f.StringVar(&o.Case, "case", "", "`DIR` of a case whose evidence tells who wrote; the result is added there, for the report and the next verdicts")
	f.StringVar(&o.Server, "server", "", "`NAME` of the server that the tree is of, as in the case")
	f.IntVar(&o.Workers, "workers", 0, "`N` workers; default: one a processor, at most eight")
	asJSON := f.Bool("json", false, "one object a line for each file, on standard output")
	quiet := f.Bool("quiet", false, "no table")
	rest, code, done := parse(f, args)
	switch {
	case done:
		return code
	case len(rest) == 0 && o.Case == "":
		return complain(exitUse, errors.New("name a file or a folder: `wardround damage PATH... [--before PATH]`"))
	}
	o.Roots, o.Version = rest, version
	out := bufio.NewWriterSize(os.Stdout, 64<<10)
	if *asJSON {
		o.Lines = out
	}
	sum, err := casefile.Damage(ctx, o)
	if code, failed := scanned(out, err); failed {
		return code
	}
	switch {
	case *asJSON && !*quiet:
		damage.WriteText(os.Stderr, sum)
	case !*asJSON && !*quiet:
		damage.WriteText(os.Stdout, sum)
	}
	return exitDone
}

// scanned ends the output of a scan, and tells how the program ends where it failed.
func scanned(out *bufio.Writer, err error) (code int, failed bool) {
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "wardround: interrupted")
		return exitInterrupted, true
	case err != nil:
		return complain(failure(err), err), true
	}
	return exitDone, false
}
