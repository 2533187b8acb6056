package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"wardround/internal/casefile"
	"wardround/internal/patient"
)

func findPatients(ctx context.Context, args []string) int {
	f := flags("patient", `patient PATH... [OPTIONS]

Which files and databases hold data of patients, of which kinds, and of how many distinct people. Files, folders and
archives are read and never changed. No value is shown: counts and masked samples.`)
	dir := f.String("case", "", "`DIR` of a case: keep the result there as patient.jsonl, and the key by which people are counted")
	config := f.String("config", "", "`FILE` (json) of the forms and headings of the hospital's own numbers")
	asJSON := f.Bool("json", false, "print one object for each file that holds something")
	quiet := f.Bool("quiet", false, "print nothing but errors")
	var o patient.Options
	f.IntVar(&o.Workers, "workers", 0, "`N` workers; default: one for each processor")
	paths, code, done := parse(f, args)
	if done {
		return code
	}
	if len(paths) == 0 {
		return complain(exitUse, errors.New("say which files or folders: `wardround patient PATH...`"))
	}
	for _, p := range paths {
		if _, err := os.Stat(p); err != nil {
			return complain(exitUse, err)
		}
	}
	var err error
	if o.Config, err = patientConfig(*config); err != nil {
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
		sum, err = casefile.FindPatients(ctx, *dir, paths, o, yield)
	} else {
		o.Key = make([]byte, 32)
		rand.Read(o.Key) // it never fails
		sum, err = patient.Scan(ctx, paths, o, yield)
	}
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "wardround: interrupted")
		return exitInterrupted
	case err != nil:
		return complain(failure(err), err)
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

func patientConfig(file string) (patient.Config, error) {
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
