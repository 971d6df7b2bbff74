#!/bin/bash
# SPDX-License-Identifier: MIT
#
# sfshm-dump --html writes one page that a browser can show by itself: who leads
# and waits, what is slow, what happened. Keys of any bytes are text in it.
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

evil='<script>document.title="pwned"</script>'
quote=$'"\'><img src=x onerror=alert(1)>&lt;'

# page NAME OPTION...: writes $TMP/NAME.html, and what it has to $TMP/NAME
page()
{
	local name=$1
	shift
	sfshm-dump -s "$segment" --html "$TMP/$name.html" "$@" &&
		python3 "${0%/*}/page.py" "$TMP/$name.html" >"$TMP/$name"
}

has()
{
	grep -qF -- "$1" "$TMP/page"
}

segment page
sfshm-ctl create -s "$segment" --slots 64 >"$TMP/out"
exits 0 "an empty segment has a page" page page
is "$(grep ^odd "$TMP/page")" "" "in which nothing runs or loads"
is "$(stat -c %a "$TMP/page.html")" 600 "that its owner alone may read"

sfshm-run -s "$segment" -k slow --ttl 1h -- sleep 0.3
publish "$evil"
publish "$quote"
publish $'bytes-\xff\e[31m-\xc3\xbc'
publish 'two  blanks'
lead '<b>dies</b>'
follow '<b>dies</b>' 1
kill_leader
wait_until seen "slots['<b>dies</b>']['phase'] == 'done'"
lead 'held & awaited'
follow 'held & awaited' 2

LC_ALL=C.UTF-8 exits 0 "so has one in use" page page
is "$(grep ^odd "$TMP/page")" "" "in which nothing runs or loads"
like "$(sed -n 1p "$TMP/page")" "^title sfshm: $segment$" "it names the segment"
ok "the key that was slow is there" grep -qE '^row slow\|[0-9a-z.]+\|' "$TMP/page"
ok "a key that is a script is text" has "row $evil|"
ok "so is one with quotes" has "row $quote|"
ok "unprintable bytes are escaped, letters stay" \
	has $'row bytes-\\xff\\x1b[31m-\xc3\xbc|'
pids=$(sfshm-dump -s "$segment" --json >"$TMP/json" && json "$TMP/json" \
	'" ".join(str(p["pid"]) for p in d["participants"] if p["waits_for"] is not None)')
like "$(grep -F '|WHO WAITS' -A 1 "$TMP/page" | tail -n 1)" \
	"^row held & awaited\|value\|busy\|[0-9a-z.]+\|$leader\|[^|]+\|2\|(${pids/ /, }|${pids#* }, ${pids% *})\|" \
	"holder and waiters stand in one row"
ok "the drawing has the death" grep -q '^tip .*leader_died.*<b>dies</b>' "$TMP/page"
ok "and the run" grep -q '^tip .*published .*slow .*took [0-9]' "$TMP/page"
is "$(grep -c "^row hits|" "$TMP/page")" 1 "counters are there"
like "$(<"$TMP/page.html")" "other events: all that there were" \
	"it says since when the events are complete"

exits 0 "a choice of keys" page page --key 'slow'
is "$(grep -c '^row slow' "$TMP/page")$(grep -cF "$evil" "$TMP/page")" 10 \
	"leaves the other keys out, also of the history"

exits 0 "- is the output" sfshm-dump -s "$segment" --html -
like "$(head -n 1 "$TMP/out")" '^<!DOCTYPE html>' "it has the page"
exits 1 "a file that cannot be written is an error" \
	sfshm-dump -s "$segment" --html "$TMP/none/page.html"
like "$(<"$TMP/err")" "cannot write .*none/page.html: No such file" "it says so"
exits 1 "so is a segment that is not there" \
	sfshm-dump -s "$segment-none" --html "$TMP/unmade.html"
ok "it leaves no file" test ! -e "$TMP/unmade.html"
exits 0 "/dev/stdout is the output, too" sfshm-dump -s "$segment" --html /dev/stdout
like "$(head -n 1 "$TMP/out")" '^<!DOCTYPE html>' "it has the page"
if [ -w /dev/full ]; then
	exits 1 "a full disk is an error" sfshm-dump -s "$segment" --html /dev/full
	like "$(<"$TMP/err")" "cannot write /dev/full: No space" "it says so"
fi

# No file may grow here, nor may the page.
echo before >"$TMP/kept.html"
(ulimit -f 0 && trap '' XFSZ &&
	exec sfshm-dump -s "$segment" --html "$TMP/kept.html") 2>"$TMP/err"
is $? 1 "a page that cannot be made is an error"
is "$(<"$TMP/kept.html")" before "the file keeps what it had"

# A browser's own word, where there is one.
if ! command -v chromium >"$TMP/out"; then
	skip "no chromium here" "a browser shows the page"
	done_testing
fi
LC_ALL=C.UTF-8 page page
timeout 100 chromium --headless=new --no-sandbox --disable-gpu \
	--user-data-dir="$TMP/chromium" --window-size=390,844 --dump-dom \
	"file://$TMP/page.html" >"$TMP/dom" 2>"$TMP/err"
like "$(grep -o '<title>[^<]*' "$TMP/dom" | head -n 1)" \
	"^<title>sfshm: $segment$" "a browser shows the page, and no key has run"
is "$(grep -c '<script\|<img' "$TMP/dom")" 0 "it found no script or picture in it"
done_testing
