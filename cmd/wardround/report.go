package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"wardround/internal/casefile"
	"wardround/internal/report"
)

func renderReport(_ context.Context, args []string) int {
	f := flags("report", `report [--case DIR] [--form html|csv|account|text|json]

Renders the case again from what it keeps: report.html, servers.csv and the written account (account.html, account.json)
in the case folder, or the first screen or the stream of messages on standard output.`)
	dir := f.String("case", "case", "`DIR` of the case")
	form := f.String("form", "", "html, csv, account, text or json; default: html, csv and account")
	rest, code, done := parse(f, args)
	if done {
		return code
	}
	if len(rest) > 0 {
		fmt.Fprintf(os.Stderr, "wardround: report takes no argument %q; name the case with --case\n", rest[0])
		return exitUse
	}
	var err error
	switch *form {
	case "":
		err = casefile.Render(*dir)
	case "html", "csv", "account":
		err = casefile.Render(*dir, *form)
	case "text":
		err = casefile.Text(*dir, os.Stdout, screen())
	case "json":
		err = casefile.Stream(*dir, os.Stdout)
	default:
		fmt.Fprintf(os.Stderr, "wardround: there is no form %q; html, csv, account, text and json are\n", *form)
		return exitUse
	}
	if err != nil {
		return complain(failure(err), err)
	}
	return exitDone
}

// screen fits the first screen to where it goes: a terminal has colours, a pipe has none.
func screen() report.TextOptions {
	o := report.TextOptions{Columns: 100}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil {
		o.Columns = n
	}
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" {
		o.Colour = true
	}
	return o
}
