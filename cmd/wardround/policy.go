package main

import (
	"context"
	"fmt"
	"os"

	"wardround/internal/policy"
)

func printPolicy(_ context.Context, args []string) int {
	f := flags("policy", "policy print > policy.yaml")
	rest, code, done := parse(f, args)
	if done {
		return code
	}
	if len(rest) != 1 || rest[0] != "print" {
		fmt.Fprintln(os.Stderr, "wardround: say `wardround policy print`; it prints the built-in policy to change and give with --policy")
		return exitUse
	}
	os.Stdout.Write(policy.Text())
	return exitDone
}
