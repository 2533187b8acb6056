package policy

import (
	"embed"
	"io/fs"
)

//go:embed rules
var rules embed.FS

// Rules are the rules that Wardround brings, in Sigma form.
func Rules() fs.FS {
	sub, err := fs.Sub(rules, "rules")
	if err != nil {
		return rules // "rules" is a valid path
	}
	return sub
}
