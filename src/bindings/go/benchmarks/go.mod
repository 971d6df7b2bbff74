module benchmarks

go 1.19

require (
	golang.org/x/sync v0.1.0
	sfshm v0.0.0
)

replace (
	golang.org/x/sync => /usr/share/gocode/src/golang.org/x/sync
	sfshm => ../
)
