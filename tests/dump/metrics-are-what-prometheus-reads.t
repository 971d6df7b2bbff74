#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-R12: the metrics are in Prometheus' text format, or OpenMetrics, and
# those that the alerts and the dashboard name exist. promtool checks them, too,
# where it is installed (package prometheus, which is too large to install for
# this).
. "${0%/*}/../lib/tap.sh" || exit 1
. "${0%/*}/lib.sh"

monitoring=$SFSHM_SOURCE/tools/packaging/monitoring

# metric EXPRESSION: of the last scrape, $TMP/out
metric()
{
	python3 "$SFSHM_SOURCE/tests/dump/metrics.py" "$TMP/out" "$1" 2>&1
}

# checked WHAT ARGUMENT...: promtool finds nothing to say
checked()
{
	local what=$1

	shift
	if command -v promtool >/dev/null; then
		promtool "$@" >"$TMP/promtool" 2>&1 && ! grep -q . <(
			grep -v 'Checking\|SUCCESS' "$TMP/promtool")
		is $? 0 "promtool: $what" || diag "$(<"$TMP/promtool")"
	else
		skip "no promtool here" "promtool: $what"
	fi
}

segment metrics
publish report
lead slow
follow slow 2
one="segment='$segment'"

exits 0 "a segment's metrics" sfshm-dump --metrics -s "$segment"
is "$(metric "v('sfshm_up', $one)")" 1.0 "it is up"
is "$(metric "[v('sfshm_keys', kind='value', phase=p, $one)
	for p in ('busy', 'done', 'failed', 'idle', 'dead')]")" \
	"[1.0, 1.0, 0.0, 0.0, 0.0]" "keys by kind and phase"
is "$(metric "v('sfshm_waiters', $one)")" 2.0 "waiters"
is "$(metric "v('sfshm_publishes_total', $one)")" 1.0 "counters"
is "$(metric "v('sfshm_work_seconds_count', $one)")" 1.0 "a histogram"
is "$(metric "v('sfshm_work_seconds_bucket', le='0.000131072', $one) in (0, 1)")" \
	True "its bounds"
is "$(metric "v('sfshm_oldest_busy_seconds', $one) > 0")" True \
	"how long the longest flight has lasted"
is "$(metric "v('sfshm_participants', state='alive', $one)")" 3.0 "threads"
is "$(metric "0 < v('sfshm_value_memory_used_bytes', $one) <
	v('sfshm_value_memory_bytes', $one)")" True "memory"
# A series for each key or process would make their number unbounded.
is "$(metric "sorted({name for _, labels in m for name, _ in labels})")" \
	"['kind', 'le', 'phase', 'segment', 'state']" "no other labels"
is "$(grep -c "report\|slow" "$TMP/out")" 0 "and no key"
checked "metrics" check metrics <"$TMP/out"

exits 0 "OpenMetrics" sfshm-dump --metrics=openmetrics -s "$segment"
is "$(metric "v('sfshm_publishes_total', $one)")" 1.0 "has the same samples"

# A path may have any bytes; a label has UTF-8, escaped.
odd=$TMP/'a"b\c
d'
cp "$(path)" "$odd"
exits 0 "a path with odd characters" sfshm-dump --metrics -s "$odd"
is "$(metric "v('sfshm_up', segment=$(python3 -c \
	'import sys; print(repr(sys.argv[1]))' "$odd"))")" 1.0 "is a label"
odd=$TMP/$'\xff'
cp "$(path)" "$odd"
exits 0 "a path that is not UTF-8" sfshm-dump --metrics -s "$odd"
is "$(metric "v('sfshm_up', segment='$TMP/\\\\xff')")" 1.0 "is escaped"

# Other tests' segments come and go, and may be damaged on purpose.
good=$segment
segment bad
echo nonsense >"$(path)"
sfshm-dump --metrics >"$TMP/out" 2>"$TMP/err"
is $? 0 "all segments, one of them bad"
is "$(metric "v('sfshm_up', segment='$segment')")" 0.0 "the bad one is down"
is "$(metric "v('sfshm_up', segment='$good')")" 1.0 "the good one is up"
is "$(metric "v('sfshm_gets_total', segment='$segment')")" None \
	"the bad one has nothing else"
like "$(grep " $segment: " "$TMP/err")" "not a segment" "a line says why"
checked "metrics of all" check metrics <"$TMP/out"

exits 2 "an unknown format" sfshm-dump --metrics=xml
exits 2 "with a choice of keys" sfshm-dump --metrics -s "$good" --key x
exits 0 "of a user" sfshm-dump --metrics --owner "$(id -u)"
is "$(metric "v('sfshm_up', segment='$good')")" 1.0 "who has the segment"

# The metrics that the alerts and the dashboard name exist.
sfshm-dump --metrics -s "$good" >"$TMP/out"
cat "$monitoring/sfshm-alerts.yml" "$monitoring/sfshm-dashboard.json" |
	grep -oE '\bsfshm_[a-z_]+' | sort -u >"$TMP/named"
sed -n 's/^\(sfshm_[a-z_]*\).*/\1/p' "$TMP/out" | sort -u >"$TMP/there"
is "$(comm -23 "$TMP/named" "$TMP/there")" "" \
	"alerts and dashboard name metrics that exist"
checked "alerts" check rules "$monitoring/sfshm-alerts.yml"
is "$(python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
print(all(p["targets"] and p["title"] for p in d["panels"]))' \
	"$monitoring/sfshm-dashboard.json")" True "the dashboard is JSON"

# The answer to a scrape.
printf 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n' |
	"$monitoring/sfshm-metrics-http" >"$TMP/http" 2>"$TMP/err"
is "$(sed -n 1p "$TMP/http" | tr -d '\r')" "HTTP/1.0 200 OK" "it answers HTTP"
sed '1,/^\r$/d' "$TMP/http" >"$TMP/out"
is "$(metric "v('sfshm_up', segment='$good')")" 1.0 "with metrics"
printf 'GET /other HTTP/1.1\r\n\r\n' |
	"$monitoring/sfshm-metrics-http" >"$TMP/http" 2>"$TMP/err"
like "$(sed -n 1p "$TMP/http")" "404" "and refuses other paths"

done_testing
