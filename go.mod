module wardround

go 1.26
