// Command wardround tells a hospital under ransomware which of its servers were infiltrated, since when and from where, with
// the evidence, and which nobody has looked at yet.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
)

// version is set when the binary is built: see the Makefile.
var version = "devel"

// The exit codes: docs/format/command-line.md.
const (
	exitDone         = 0
	exitNotWritten   = 1
	exitUse          = 2
	exitInfiltrated  = 3
	exitInconclusive = 4
	exitInterrupted  = 130
)

// verb is a command: what it is called, one line of what it is for, and what runs it.
type verb struct {
	name string
	line string
	run  func(ctx context.Context, args []string) int
}

func verbs() []verb {
	return []verb{
		{"examine", "evidence in, a verdict for every server out", examine},
		{"report", "render a case again", renderReport},
		{"rules", "which Sigma rules run, how they were compiled, what they cost", rules},
		{"damage", "which files are encrypted, overwritten, renamed or gone, since when, by whom", findDamage},
		{"patient", "which files hold data of patients, of how many people", findPatients},
		{"exercise", "make a hospital that does not exist, to learn and to test on", makeExercise},
		{"policy", "print the policy that verdicts are reached by", printPolicy},
		{"version", "print the version", printVersion},
	}
}

// memoryTarget is the size above which the collector works harder: a laptop in a hospital has other things to do. It is
// no limit on what is examined.
const memoryTarget = 200 << 20

// roomFor moves the target where rules alone would come near it: a collector that cannot reach its target runs all the time.
// A rule set takes some nine times the size of its files; SigmaHQ's, of 5 MB, leaves the target where it is.
func roomFor(rules int64) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(max(memoryTarget, 100<<20+18*rules))
	}
}

func main() {
	roomFor(0)
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // the target bounds memory; below it there is no need to collect
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	done := profile()
	code := dispatch(ctx, os.Args[1:])
	done()
	stop()
	os.Exit(code)
}

func dispatch(ctx context.Context, args []string) int {
	if len(args) == 0 {
		firstHour(os.Stdout)
		return exitDone
	}
	name := args[0]
	if name == "help" && len(args) > 1 {
		name, args = args[1], []string{args[1], "--help"}
	}
	switch name {
	case "help", "-h", "-help", "--help":
		overview(os.Stdout)
		return exitDone
	case "--version", "-version":
		name = "version"
	}
	for _, v := range verbs() {
		if v.name == name {
			return v.run(ctx, args[1:])
		}
	}
	fmt.Fprintf(os.Stderr, "wardround: there is no command %q; `wardround help` lists them\n", name)
	return exitUse
}

// firstHour is what wardround says when it is asked nothing: the three commands of the first hour.
func firstHour(w io.Writer) {
	fmt.Fprint(w, `The first hour:

  1. List your servers, one line each (name,kind,role,os,addresses,location,notes):
         servers.csv

  2. Collect from each server what it has (event logs, /var/log), into one folder per server, and examine it all:
         wardround examine collections/ --inventory servers.csv --case case

  3. Open the report, print it, follow "Do next"; add what is collected later:
         wardround examine more/ --case case

`+"`wardround help` lists all commands, `wardround help examine` the options.\n")
}

func overview(w io.Writer) {
	fmt.Fprint(w, "wardround COMMAND [OPTIONS]\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-9s %s\n", v.name, v.line)
	}
	fmt.Fprint(w, "\n`wardround help COMMAND` tells its options. Exit codes: 0 done, unreadable pieces included (they are in the report);\n"+
		"1 case not written; 2 wrong use; 130 interrupted, run again to go on.\n")
}

// flags makes a flag set. What is wrong with an option is told in a line; help is told when it is asked for.
func flags(name, usage string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Usage = func() {
		fmt.Printf("Usage: wardround %s\n\n", usage)
		f.VisitAll(func(o *flag.Flag) { printOption(os.Stdout, o) })
	}
	return f
}

// printOption writes one option as it is given: two dashes, its value, what it means.
func printOption(w io.Writer, o *flag.Flag) {
	value, means := flag.UnquoteUsage(o)
	if o.DefValue != "" && o.DefValue != "false" && o.DefValue != "0" && o.DefValue != "[]" {
		means += " (default " + o.DefValue + ")"
	}
	fmt.Fprintf(w, "  %-28s %s\n", strings.TrimSpace("--"+o.Name+" "+value), means)
}

// parse reads options and arguments in any order. done is true when there is nothing more to do.
func parse(f *flag.FlagSet, args []string) (rest []string, code int, done bool) {
	usage := f.Usage
	f.Usage = func() {}
	for {
		if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
			usage()
			return nil, exitDone, true
		} else if err != nil {
			what := strings.Replace(err.Error(), "flag provided but not defined: -", "there is no option --", 1)
			fmt.Fprintf(os.Stderr, "wardround: %s; `wardround help %s` lists the options\n", what, f.Name())
			return nil, exitUse, true
		}
		args = f.Args()
		if len(args) == 0 {
			return rest, 0, false
		}
		rest, args = append(rest, args[0]), args[1:]
	}
}

// list is an option that may be given several times.
type list []string

func (l *list) String() string     { return fmt.Sprint([]string(*l)) }
func (l *list) Set(s string) error { *l = append(*l, s); return nil }

func printVersion(context.Context, []string) int {
	fmt.Println("wardround", version)
	return exitDone
}

// complain tells an error and returns the exit code.
func complain(code int, err error) int {
	fmt.Fprintf(os.Stderr, "wardround: %v\n", err)
	return code
}
