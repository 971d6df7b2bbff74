#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B5: the tests of the Go binding pass, also with Go's race detector;
# gofmt and go vet have nothing to say.
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/bindings/go/binding.sh" || exit 1

cd "$go_binding" || exit 1
is "$(gofmt -l . "$SFSHM_SOURCE/tests/bindings/go")" "" "gofmt"
ok "go vet" go vet ./...
ok "go test" go test -count=1 ./...
if [[ $(go env GOARCH) =~ ^(amd64|arm64|ppc64le|s390x)$ ]]; then
	ok "go test -race" go test -race -count=1 ./...
else
	skip "Go has no race detector for this processor" "go test -race"
fi
done_testing
