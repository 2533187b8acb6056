package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"

	"wardround/internal/casefile"
	"wardround/internal/patient"
)

func findPatients(ctx context.Context, args []string) int {
	f := flags("patient", `patient PATH... [OPTIONS]

Which files and databases hold data of patients, of which kinds, and of how many distinct people. Files, folders and
archives are read and never changed. No value is shown: counts and masked samples.`)
	dir := f.String("case", "", "`DIR` of a case: add the result to what its evidence tells, for the report and the next verdicts")
	server := f.String("server", "", "`NAME` of the case's server whose files these are, if their paths do not name it")
	var numbers string
	f.StringVar(&numbers, "numbers", "", "`FILE` (json) of the forms and headings of the hospital's own numbers, as for examine")
	f.StringVar(&numbers, "config", "", "`FILE`: another name of --numbers")
	asJSON := f.Bool("json", false, "print one object for each file that holds something")
	quiet := f.Bool("quiet", false, "print nothing but errors")
	var o patient.Options
	f.IntVar(&o.Workers, "workers", 0, "`N` workers; default: one for each processor")
	paths, code, done := parse(f, args)
	if done {
		return code
	}
	switch {
	case len(paths) == 0:
		return complain(exitUse, errors.New("say which files or folders: `wardround patient PATH...`"))
	case *server != "" && *dir == "":
		return complain(exitUse, errors.New("--server names a server of a case: name the case with --case"))
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return complain(exitUse, err)
		}
	}
	var err error
	if o.Config, err = readNumbers(numbers); err != nil {
		return complain(exitUse, err)
	}
	out := bufio.NewWriter(os.Stdout)
	line := json.NewEncoder(out)
	line.SetEscapeHTML(false)
	yield := func(x patient.File) error {
		if *asJSON {
			return line.Encode(x)
		}
		return nil
	}
	var sum *patient.Summary
	if *dir != "" {
		sum, err = casefile.FindPatients(ctx, *dir, *server, paths, o, yield)
	} else {
		o.Key = make([]byte, 32)
		rand.Read(o.Key) // it never fails
		sum, err = patient.Scan(ctx, paths, o, yield)
	}
	if code, failed := scanned(out, err); failed {
		return code
	}
	switch {
	case *quiet:
	case *asJSON:
		sum.PrintCounts(os.Stderr)
	default:
		sum.Print(out)
		if err := out.Flush(); err != nil {
			return complain(exitNotWritten, err)
		}
	}
	return exitDone
}

func readNumbers(file string) (patient.Config, error) {
	if file == "" {
		return patient.Config{}, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return patient.Config{}, err
	}
	defer f.Close()
	return patient.ReadConfig(f)
}
