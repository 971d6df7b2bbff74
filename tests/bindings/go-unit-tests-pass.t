#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B5: the tests of the Go binding pass, also with Go's race detector;
# gofmt and go vet have nothing to say. The program in the binding's README runs,
# and the lines in the project's README compile.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/go/binding.sh" || exit 1

[ -z "$(no_go)" ] || skip_all "$(no_go)"
cd "$go_binding" || exit 1
is "$(gofmt -l . "$SFSHM_SOURCE/tests/bindings/go")" "" "gofmt"
ok "go vet" go vet ./...
ok "go test" go test -count=1 ./...
if [[ $(go env GOARCH) =~ ^(amd64|arm64|ppc64le|s390x)$ ]]; then
	ok "go test -race" go test -race -count=1 ./...
else
	skip "Go has no race detector for this processor" "go test -race"
fi

# go_block FILE: prints its first block of Go
go_block()
{
	awk 'inside && $0 == "```" { exit } inside { print }
		$0 == "```go" { inside = 1 }' "$1"
}

segment
go_block "$go_binding/README.md" | sed "s/\"shop\"/\"$segment\"/" \
	>"$TMP/program.go"
ok "the README's program is built" go_program "$TMP/program.go" "$TMP/program.exe"
is "$("$TMP/program.exe")" "<html> <nil>" "... and prints its page"
{
	echo 'package main
import ("context"; "time"; "sfshm")
func render(context.Context) ([]byte, error) { return nil, nil }
func main() { ctx := context.Background()'
	go_block "$SFSHM_SOURCE/README.md"
	echo '_, _ = page, err }'
} >"$TMP/program.go"
ok "the lines in the project's README compile" \
	go_program "$TMP/program.go" "$TMP/program.exe"
done_testing
