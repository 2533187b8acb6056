package main

import (
	"context"
	"fmt"
	"os"

	"wardround/internal/casefile"
)

func rules(_ context.Context, args []string) int {
	f := flags("rules", `rules check [--rules DIR|FILE|ZIP]...

Says how many rules run, and lists those that do not with the reason.`)
	var o casefile.Options
	var sets list
	f.Var(&sets, "rules", "`DIR|FILE|ZIP` of more Sigma rules; may be given several times")
	f.StringVar(&o.Policy, "policy", "", "`FILE` of the policy")
	f.StringVar(&o.Placeholders, "placeholders", "", "`FILE` (yaml) of values for rules that use expand")
	all := f.Bool("all", false, "list every rule that does not run, not only the reasons")
	rest, code, done := parse(f, args)
	if done {
		return code
	}
	if len(rest) != 1 || rest[0] != "check" {
		fmt.Fprintln(os.Stderr, "wardround: say `wardround rules check`")
		return exitUse
	}
	o.Rules, o.Version = sets, version
	check, err := casefile.CheckRules(o)
	if err != nil {
		return complain(failure(err), err)
	}
	check.Print(os.Stdout, *all)
	return exitDone
}
