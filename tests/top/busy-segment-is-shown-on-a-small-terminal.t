#!/bin/bash
# SPDX-License-Identifier: MIT
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/../dump/lib.sh"

command -v sfshm-top >/dev/null || skip_all "sfshm-top is not built: no ncurses"
segment top
sfshm-ctl create -s "$segment" --slots 100 >"$TMP/out"
for i in {1..30}; do
	sfshm-ctl put -s "$segment" "report-$i" "$(printf 'x%.0s' $(seq "$i"))"
done
sfshm-run -s "$segment" -k token --neg-ttl 1h -- \
	sh -c 'echo "cannot connect to auth" >&2; exit 7' 2>"$TMP/err"
lead slow-query
follow slow-query 2
spawn sfshm-run -s "$segment" --semaphore gate:2 -- sleep 1000
holder=$!
spawn sfshm-run -s "$segment" --lock window --shared -- sleep 1000
sharer=$!
wait_until seen "slots['gate']['semaphore']['in_use'] == 1 and
	slots['window']['sharers']"

cat >"$TMP/drive.py" <<'END'
import os, signal, subprocess, sys
from terminal import *

segment, leader, holder, sharer = sys.argv[1:]
top = Terminal(["sfshm-top", "-s", segment, "-d", "0.2"])
ok(top.shows(r"^slow-query +value +busy +2 .* %s" % leader),
   "who works, for how many waiters", top)
ok(top.alternate, "on the alternate screen")
ok(top.shows(r"^keys +\[\|+ +\] +34% 34/100: 3 busy 1 awaited 1 failed 0 dead"),
   "how full it is", top)
ok(top.shows(r"^memory +\[.*\] +0% [0-9.]+K?/16M"), "in memory as well", top)
ok(top.shows(r"^threads .* 2 waiting 0 dead"), "threads", top)
ok(top.shows(r"^now +[0-9.]+ calls/s"), "rates", top)
ok(top.shows(r"^work +50% .*; waits 50% [0-9.msh]+ "), "times", top)
ok(top.shows(lambda t: t.lines()[23].startswith("q quit")),
   "a line of help at the bottom", top)
ok(top.shows(lambda t: t.lines()[8].startswith("slow-query")),
   "the most urgent key first", top)

top.send(">>>>>>>>")
ok(top.shows(r"by SIZE, largest first") and top.shows(r"^report-30 "),
   "sorted by size", top)
ok(top.shows(lambda t: t.lines()[8].startswith("report-30 ")),
   "the largest first", top)
top.send("r")
ok(top.shows("by SIZE$|by SIZE[^,]*$"), "or the smallest", top)
top.send("u/port-2\n")
ok(top.shows(r"^report-2 ") and top.shows(r"^slow-query", absent=True),
   "a filter", top)
ok(top.shows(lambda t: [l.startswith("report-2") for l in t.lines()[8:19]] ==
             [True] * 11 and not t.lines()[19]),
   "which chooses eleven keys", top)
top.send("aw")
ok(top.shows(r"^slow-query") and top.shows(r"^report-", absent=True),
   "only what is waited for", top)
top.send("af")
ok(top.shows(r"^token +value +failed .*\n +7 exit status 7: cannot connect to auth$"),
   "why work failed, below the row", top)
top.send("at")
ok(top.shows(r"^slow-query +value busy for .*, 2 wait") and
   top.shows(r"^ +has it: %s sfshm-run -s %s -k slow-query -- sleep 1000" %
             (leader, segment)), "the tree names the holder", top)
ok(top.shows(lambda t: len([l for l in t.lines() if "waits: " in l]) == 2),
   "and the waiters", top)
ok(top.shows(r"^gate +semaphore 1 of 2 taken, 0 wait\n +has it: %s " % holder),
   "and who has permits", top)
ok(top.shows(r"^window +lock shared by 1, 0 wait\n +has it: %s " % sharer),
   "and who shares a lock", top)
top.send("h")
ok(top.shows(r"^flights and waits: all that there were$"),
   "the history tells since when it is complete", top)
ok(top.shows(r"^[0-9-]+ [0-9:.]+ +[0-9]+ failed +token  took "),
   "and how flights ended", top)
top.send("h?")
ok(top.shows(r"quit\n +< > +sort by"), "help", top)
top.send(" ")
ok(top.shows(r"^report-"), "and back", top)

top.resize(40, 120)
ok(top.shows(r"^report-24 "), "a larger terminal", top)
ok(top.shows(r"\A(?:[^\n]*\n){39}q quit"), "is used whole", top)
top.resize(10, 40)
ok(top.shows(r"\A(?:[^\n]*\n){9}q quit"), "a small one is no crash", top)
top.resize(24, 80)

top.send("p")
ok(top.shows("PAUSED"), "paused", top)
subprocess.run(["sfshm-ctl", "put", "-s", segment, "late", "x"], check=True)
top.send("/late\n")
ok(top.shows(r"^late "), "a key that the user types reads anew", top)
top.send("pa")
subprocess.run(["sfshm-ctl", "unlink", "-s", segment], check=True,
               stdout=subprocess.DEVNULL)
ok(top.shows("cannot open"), "a segment that goes away is told of", top)
subprocess.run(["sfshm-ctl", "create", "-s", segment], check=True,
               stdout=subprocess.DEVNULL)
ok(top.shows("no keys"), "and one that comes is shown", top)
top.send("q")
ok(top.status() == 0, "q ends it")
ok(not top.alternate, "on the screen as it was")

top = Terminal(["sfshm-top", "-s", segment], NO_COLOR="1")
ok(top.shows("no keys"), "without colours", top)
ok(not re.search(rb"\x1b\[[0-9;]*3[0-9][;m]", top.raw), "there are none")
os.kill(top.pid, signal.SIGTERM)
ok(top.status() == 143 and not top.alternate, "SIGTERM leaves it cleanly")
top = Terminal(["sfshm-top", "-s", segment], term="vt100")
ok(top.shows("no keys"), "an old terminal", top)
top.send("q")
ok(top.status() == 0, "will do")
done()
END
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$SFSHM_SOURCE/tests/top \
	python3 "$TMP/drive.py" "$segment" "$leader" "$holder" \
		"$sharer" | tee "$TMP/tap"
grep -q '^1\.\.' "$TMP/tap" || echo "Bail out! the driver failed"
# shellcheck disable=SC2034 # the trap of tap.sh reads it
tap_done=1
exit $(($(grep -c '^not ok' "$TMP/tap") > 0))
