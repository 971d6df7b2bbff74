#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "$SFSHM_SOURCE/tests/examples/server.sh"

server_start -w 2

# refused STATUS DESCRIPTION TEXT
refused()
{
	like "$(http "$3")" "^HTTP/1.1 $1 " "$2"
}

end=' HTTP/1.1\r\nHost: here\r\n\r\n'
long=$(printf '%5000s' '' | tr ' ' x)
refused 400 "no words" '\r\n\r\n'
refused 400 "one word" 'GARBAGE\r\n\r\n'
refused 400 "no version" 'GET /report?key=north\r\n\r\n'
refused 400 "another version" 'GET /report?key=north HTTP/2.0\r\n\r\n'
refused 400 "a word too many" 'GET /report?key=north HTTP/1.1 x\r\n\r\n'
refused 400 "two spaces" "GET  /report?key=north$end"
refused 400 "no path" "GET report?key=north$end"
refused 400 "a method in small letters" "get /report?key=north$end"
refused 400 "a control character" "GET /report?key=no\x07rth$end"
refused 400 "a NUL" "GET /report?key=no\0rth$end"
refused 400 "a byte beyond ASCII" "GET /report?key=n\xf6rd$end"
refused 400 "no key" "GET /report$end"
refused 400 "an empty query" "GET /report?$end"
refused 400 "an empty key" "GET /report?key=$end"
refused 400 "another parameter" "GET /report?name=north$end"
refused 400 "a parameter too many" "GET /report?key=north&x=1$end"
refused 400 "a key with odd characters" "GET /report?key=../../etc$end"
refused 400 "a key of 65 bytes" "GET /report?key=${long:0:65}$end"
refused 400 "a long target" "GET /report?key=$long$end"
refused 400 "a long head" "GET /report?key=north HTTP/1.1\r\nX: $long\r\n\r\n"
refused 405 "POST" "POST /report?key=north$end"
refused 404 "another path" "GET /reports?key=north$end"
refused 404 "the root" "GET /$end"
refused 408 "a request that stops" "GET /report?key=north HTTP/1.1\r\nX:"
is "$(header Allow <(http "DELETE /$end"))" GET "405 says what is allowed"

is "$(makers '.*')" "" "nothing was computed for any of them"
is "$(grep -c died "$TMP/server.log")" 0 "no worker died of any of them"
crowd north 1
ok "the data are read" feed 2024-01-01,north,p1,c1,1000
crowd_wait
is "$(statuses "$TMP/north.1")" "1 200" "a good request is served"
done_testing
