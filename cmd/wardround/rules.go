package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"wardround/internal/casefile"
)

func rules(ctx context.Context, args []string) int {
	f := flags("rules", `rules check [--rules DIR|FILE|ZIP]...
       wardround rules explain RULE [--rules DIR|FILE|ZIP]...
       wardround rules cost COLLECTION... [--rules DIR|FILE|ZIP]... [--top N]

check says how many rules run, and lists those that do not with the reason. explain says how the rule of that id, title
or file was compiled: which events it sees, which text wakes it, and what is then asked. cost reads evidence and lists the
rules that took the most time; it judges nothing and keeps nothing.`)
	var o casefile.Options
	var sets list
	f.Var(&sets, "rules", "`DIR|FILE|ZIP` of more Sigma rules; may be given several times")
	f.StringVar(&o.Policy, "policy", "", "`FILE` of the policy")
	f.StringVar(&o.Placeholders, "placeholders", "", "`FILE` (yaml) of values for rules that use expand")
	all := f.Bool("all", false, "check: list every rule that does not run, not only the reasons")
	top := f.Int("top", 20, "cost: `N` dearest rules")
	rest, code, done := parse(f, args)
	if done {
		return code
	}
	o.Rules, o.Version, o.Now, o.RulesRead = sets, version, time.Now, roomFor
	verb := ""
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	var err error
	switch {
	case verb == "check" && len(rest) == 0:
		err = checkRules(o, *all)
	case verb == "explain" && len(rest) == 1:
		err = casefile.ExplainRules(o, rest[0], os.Stdout)
	case verb == "cost" && len(rest) > 0:
		o.Collections = rest
		err = costOfRules(ctx, o, *top)
	default:
		fmt.Fprintln(os.Stderr, "wardround: say `wardround rules check`, `wardround rules explain RULE` or `wardround rules cost COLLECTION...`")
		return exitUse
	}
	if err != nil {
		return complain(failure(err), err)
	}
	return exitDone
}

func checkRules(o casefile.Options, all bool) error {
	check, err := casefile.CheckRules(o)
	if err == nil {
		check.Print(os.Stdout, all)
	}
	return err
}

func costOfRules(ctx context.Context, o casefile.Options, top int) error {
	status := &casefile.Status{}
	end := showProgress(status, false)
	costs, err := casefile.MeasureRules(ctx, o, status)
	end()
	if err == nil {
		costs.Print(os.Stdout, top)
	}
	return err
}
