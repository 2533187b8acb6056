package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"wardround/internal/casefile"
	"wardround/internal/event"
)

func examine(ctx context.Context, args []string) int {
	var o casefile.Options
	var ruleSets, bases list
	f := flags("examine", `examine COLLECTION... [OPTIONS]

A collection is what was collected from one server or many: a folder, an archive (zip, tar, gz, zst, xz, bz2) or a file.
Run again with the same --case to add evidence, or to go on after an interruption.`)
	f.StringVar(&o.Inventory, "inventory", "", "`FILE` (csv or json) of the servers that exist; without it, those seen in evidence")
	f.StringVar(&o.Case, "case", "case", "`DIR` where the case is kept")
	f.StringVar(&o.Name, "name", "", "`NAME` of the case, for the report; default: the folder's name")
	f.Var(&ruleSets, "rules", "`DIR|FILE|ZIP` of more Sigma rules; may be given several times")
	f.StringVar(&o.Placeholders, "placeholders", "", "`FILE` (yaml) of values for rules that use expand")
	f.StringVar(&o.Policy, "policy", "", "`FILE` of classes, weights, thresholds, roles; `wardround policy print` writes the built-in one")
	f.StringVar(&o.Changes, "changes", "", "`FILE` (csv) of approved work: from,to,account,source,targets,tool,ticket")
	f.Var(&bases, "addresses", "`FILE` (mmdb or csv: from,to,country,asn,holder,date) of what is known of addresses; may be given several times, the first that knows wins")
	f.StringVar(&o.Claims, "claims", "", "`FILE` (csv) of what third parties say of who is behind it: claim,by,source,date")
	f.StringVar(&o.Numbers, "numbers", "", "`FILE` (json) of the forms and headings of the hospital's own numbers, by which files of patients are known")
	from := f.String("from", "", "`TIME` at which the incident window begins, such as 2022-11-16T00:00:00+05:30")
	until := f.String("until", "", "`TIME` at which it ends: containment")
	f.StringVar(&o.Zone, "tz", "IST", "`NAME` of the time zone for people, and of local times in logs that state none; files keep UTC")
	f.IntVar(&o.Workers, "workers", 0, "`N` workers, on as many processors; default: all")
	f.BoolVar(&o.Slack, "slack", false, "also look for records in the unused space of event logs")
	f.IntVar(&o.Limits.Depth, "max-depth", casefile.DefaultLimits.Depth, "open archives inside archives down to depth `N`")
	f.IntVar(&o.Limits.Entries, "max-entries", casefile.DefaultLimits.Entries, "open `N` entries of one archive")
	f.Int64Var(&o.Limits.Bytes, "max-bytes", casefile.DefaultLimits.Bytes, "unpack `BYTES` from one archive")
	f.Int64Var(&o.Limits.Ratio, "max-ratio", casefile.DefaultLimits.Ratio, "unpack `N` times what is packed; more is a bomb")
	asJSON := f.Bool("json", false, "print verdicts.json")
	quiet := f.Bool("quiet", false, "print nothing but errors")
	byVerdict := f.Bool("exit-code", false, "exit with 3 if any server is infiltrated, else with 4 if any listed one is inconclusive")
	var code int
	var done bool
	if o.Collections, code, done = parse(f, args); done {
		return code
	}
	if l := o.Limits; l.Depth < 1 || l.Entries < 1 || l.Bytes < 1 || l.Ratio < 1 {
		return complain(exitUse, errors.New("--max-depth, --max-entries, --max-bytes and --max-ratio must be 1 or more"))
	}
	if o.Workers > 0 && o.Workers < runtime.GOMAXPROCS(0) {
		runtime.GOMAXPROCS(o.Workers) // who asks for fewer needs the rest for something else
	}
	o.Addresses = bases
	o.Rules, o.Version, o.Now, o.RulesRead = ruleSets, version, time.Now, roomFor
	for _, x := range []struct {
		text string
		to   *event.Time
		name string
	}{{*from, &o.From, "--from"}, {*until, &o.Until, "--until"}} {
		var err error
		if *x.to, err = instant(x.text, o.Zone); err != nil {
			return complain(exitUse, fmt.Errorf("%s: %w", x.name, err))
		}
	}
	var status casefile.Status
	stop := showProgress(&status, *quiet)
	res, err := casefile.Examine(ctx, o, &status)
	stop()
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "wardround: interrupted; what is done is kept, run the same command again to go on")
		return exitInterrupted
	case err != nil:
		return complain(failure(err), err)
	}
	return tell(res, o, *asJSON, *quiet, *byVerdict)
}

// failure tells wrong use from a case that could not be written.
func failure(err error) int {
	var input *casefile.InputError
	if errors.As(err, &input) {
		return exitUse
	}
	return exitNotWritten
}

// tell prints the answer and chooses the exit code.
func tell(res *casefile.Result, o casefile.Options, asJSON, quiet, byVerdict bool) int {
	for _, p := range res.Problems[:min(len(res.Problems), 20)] {
		if !quiet {
			fmt.Fprintln(os.Stderr, "note:", p)
		}
	}
	if n := len(res.Problems) - 20; n > 0 && !quiet {
		fmt.Fprintf(os.Stderr, "note: %d more such notes are in case.json\n", n)
	}
	switch {
	case asJSON:
		e := json.NewEncoder(os.Stdout)
		if err := e.Encode(res.Verdicts); err != nil {
			return complain(exitNotWritten, err)
		}
	case !quiet:
		if err := casefile.Text(o.Case, os.Stdout, screen()); err != nil {
			return complain(exitNotWritten, err)
		}
		fmt.Println("\nReport:", res.Report)
	}
	if byVerdict {
		c := res.Verdicts.Counts
		switch {
		case c[event.Infiltrated] > 0:
			return exitInfiltrated
		case c[event.Inconclusive] > 0:
			return exitInconclusive
		}
	}
	return exitDone
}

// instant reads a time; one without a zone is in the zone for people.
func instant(s, zone string) (event.Time, error) {
	if s == "" {
		return event.NoTime, nil
	}
	loc, err := casefile.Zone(zone)
	if err != nil {
		return 0, err
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(form, s, loc); err == nil {
			return event.At(t), nil
		}
	}
	return 0, fmt.Errorf("%q is no time; write it like 2022-11-16T07:30:00+05:30 or 2022-11-16", s)
}
