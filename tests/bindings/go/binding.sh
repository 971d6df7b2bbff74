# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the Go binding: Go's environment, with pkg-config's file of
# this build. They read it after lib/tap.sh. Nothing comes from the network.

# no_go: why Go cannot be tried here; nothing: it can
no_go()
{
	if ! command -v go >/dev/null; then
		echo "no Go here (package golang-go)"
	elif ! command -v pkg-config >/dev/null; then
		echo "no pkg-config here"
	fi
}

# go_program FILE PROGRAM: builds a program of one file with the binding
go_program()
{
	mkdir -p "$TMP/program"
	cp "$1" "$TMP/program/main.go"
	printf 'module program\ngo 1.19\nrequire sfshm v0.0.0\nreplace sfshm => %s\n' \
		"$go_binding" >"$TMP/program/go.mod"
	(cd "$TMP/program" && go build -o "$2" .)
}

go_binding=$SFSHM_SOURCE/src/bindings/go
export GOFLAGS=-mod=mod GOTOOLCHAIN=local GOPROXY=off GOSUMDB=off CGO_ENABLED=1
# Go keeps there what it has compiled, from one test to the next.
export GOCACHE=$SFSHM_BUILD/go/cache GOPATH=$SFSHM_BUILD/go/path GOENV=off
export PKG_CONFIG_PATH=$TMP/pkg-config

mkdir -p "$PKG_CONFIG_PATH"
cat >"$PKG_CONFIG_PATH/sfshm.pc" <<END_OF_FILE
Name: sfshm
Description: this build
Version: 0.1.0
Cflags: -I$SFSHM_SOURCE/include
Libs: -L$SFSHM_BUILD/src -lsfshm -Wl,-rpath,$SFSHM_BUILD/src
END_OF_FILE
