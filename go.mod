module wardround

go 1.26

require golang.org/x/net v0.56.0
