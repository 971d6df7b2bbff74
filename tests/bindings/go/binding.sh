# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the tests of the Go binding: Go, and pkg-config's file of this build. They
# read it after lib/tap.sh. Nothing comes from the network.

command -v go >/dev/null || skip_all "no Go here (package golang-go)"
command -v pkg-config >/dev/null || skip_all "no pkg-config here"
# shellcheck disable=SC2034 # the tests read it
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
