package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"wardround/internal/exercise"
)

func makeExercise(ctx context.Context, args []string) int {
	if len(args) > 0 && args[0] == "score" {
		return scoreExercise(args[1:])
	}
	var o exercise.Options
	f := flags("exercise", `exercise --out DIR --seed N [OPTIONS]

Makes a hospital that does not exist, with an intruder in it, to learn and to test on: its inventory, its approved work,
what was collected from its servers, and the truth. The same seed gives the same bytes. Nothing in it is malware, and all
of it is marked as an exercise.

  wardround exercise --out estate --seed 1
  wardround examine estate/collections --inventory estate/inventory.csv --changes estate/changes.csv --case estate-case
  wardround exercise score estate-case estate/truth.json

Another seed is another hospital, another scenario another story: wardround exercise --out estate2 --seed 2 --scenario small
Scenarios: `+strings.Join(exercise.Scenarios(), ", "))
	f.StringVar(&o.Dir, "out", "", "`DIR` that it is written to; it must be empty or not exist")
	f.Uint64Var(&o.Seed, "seed", 1, "`N` that all chances follow from")
	f.IntVar(&o.Servers, "servers", 0, "`N` listed servers; default: as many as the scenario has")
	f.StringVar(&o.Scenario, "scenario", "aiims-like", "`NAME|FILE` of the story: one that comes along, or a file of your own (docs/format/scenario.md)")
	f.StringVar(&o.Noise, "noise", "real", "how much ordinary work there is: small, real or heavy (`LEVEL`)")
	f.IntVar(&o.Days, "days", 30, "`N` days of logs before the incident")
	rest, code, done := parse(f, args)
	switch {
	case done:
		return code
	case len(rest) > 0:
		return complain(exitUse, fmt.Errorf("exercise takes no argument %q", rest[0]))
	case o.Dir == "":
		return complain(exitUse, errors.New("name a folder to write to: `wardround exercise --out DIR --seed N`"))
	}
	sum, err := exercise.Write(ctx, o)
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(os.Stderr, "wardround: interrupted; %s is not complete: empty it and run again\n", o.Dir)
		return exitInterrupted
	case errors.Is(err, exercise.ErrNotEmpty), errors.Is(err, exercise.ErrOptions), errors.Is(err, exercise.ErrScenario):
		return complain(exitUse, err)
	case err != nil:
		return complain(exitNotWritten, err)
	}
	for _, said := range sum.Idle {
		fmt.Fprintf(os.Stderr, "wardround: %s: %s\n", o.Scenario, said)
	}
	fmt.Printf("%s: scenario %s, %d listed servers, %d collected; %d events of Windows, %d files, %.1f MB; from %s to %s\n",
		o.Dir, sum.Scenario, sum.Servers, sum.Collected, sum.Events, sum.Files, float64(sum.Bytes)/1e6, sum.From, sum.To)
	fmt.Printf("Examine it:\n  wardround examine %[1]s/collections --inventory %[1]s/inventory.csv --changes %[1]s/changes.csv --case %[1]s-case\n", o.Dir)
	return exitDone
}

func scoreExercise(args []string) int {
	f := flags("exercise score", `exercise score CASE TRUTH [--json]

Compares a case with the truth.json of its exercise: verdicts, since when, from where, movements, origin, decoys.`)
	asJSON := f.Bool("json", false, "write the score as JSON")
	rest, code, done := parse(f, args)
	switch {
	case done:
		return code
	case len(rest) != 2:
		return complain(exitUse, errors.New("name a case and the truth: `wardround exercise score CASE estate/truth.json`"))
	}
	score, err := exercise.Compare(rest[0], rest[1])
	switch {
	case errors.Is(err, exercise.ErrNoCase):
		return complain(exitUse, err)
	case err != nil:
		return complain(exitNotWritten, err)
	case *asJSON:
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", " ")
		err = out.Encode(score)
	default:
		err = score.Text(os.Stdout)
	}
	if err != nil {
		return complain(exitNotWritten, err)
	}
	return exitDone
}
