/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/escape.h"
#include "options.h"
#include "stream.h"

#define NS_PER_MS UINT64_C(1000000)

void outcome_source(struct outcome *o, enum sfshm_source source,
		    const struct sfshm_result *result)
{
	o->has_source = true;
	o->source = source;
	o->shared = result->shared;
	o->stale = result->stale;
	o->generation = result->generation;
	o->age_ms = result->age_ns / NS_PER_MS;
}

void outcome_status(struct outcome *o, enum record_kind kind, int code)
{
	o->exit = record_exit(kind, code);
	o->signal = kind == RECORD_SIGNALED ? code : 0;
}

void outcome_die(struct outcome *o, int signal)
{
	o->exit = RUN_EXIT_SIGNAL + signal;
	o->signal = signal;
	o->die = true;
	outcome_note(o, "ended by signal %d", signal);
}

void outcome_note(struct outcome *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(o->error, sizeof(o->error), format, args);
	va_end(args);
}

void outcome_fail(struct outcome *o, int exit, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(o->error, sizeof(o->error), format, args);
	va_end(args);
	o->exit = exit;
	o->loud = true;
}

/* Makes a JSON string, or null for none. escape() leaves nothing but ASCII. */
static void json_string(char *out, size_t size, const char *text)
{
	char plain[ESCAPE_SIZE(sizeof(((struct outcome *)0)->error))];
	size_t n = 0;

	if (!*text) {
		snprintf(out, size, "null");
		return;
	}
	escape(plain, text, strlen(text), ESCAPE_ASCII, 0);
	out[n++] = '"';
	for (const char *c = plain; *c && n + 4 < size; c++) {
		if (*c == '"' || *c == '\\')
			out[n++] = '\\';
		out[n++] = *c;
	}
	out[n++] = '"';
	out[n] = '\0';
}

static const char *json_source(const struct outcome *o)
{
	if (!o->has_source)
		return "null";
	switch (o->source) {
	case SFSHM_CACHED: return "\"cached\"";
	case SFSHM_AWAITED: return "\"awaited\"";
	default: return "\"computed\"";
	}
}

static const char *json_bool(bool truth)
{
	return truth ? "true" : "false";
}

int outcome_report(const struct outcome *o, int fd)
{
	char line[8192], error[6144], signal[16] = "null";
	const char *fleet = "";
	int n, r;

	if (fd < 0)
		return 0;
	if (o->signal)
		snprintf(signal, sizeof(signal), "%d", o->signal);
	if (o->in_fleet)
		fleet = o->fleet ? "\"fleet\":true," : "\"fleet\":false,";
	json_string(error, sizeof(error), o->error);
	n = snprintf(line, sizeof(line),
		     "{\"source\":%s,\"leader\":%s,\"shared\":%s,"
		     "\"generation\":%" PRIu64 ",\"age_ms\":%" PRIu64 ","
		     "\"exit\":%d,\"signal\":%s,\"owner_died\":%s,%s"
		     "\"error\":%s,\"stale\":%s}\n",
		     json_source(o), json_bool(o->leader), json_bool(o->shared),
		     o->generation, o->age_ms, o->exit, signal,
		     json_bool(o->owner_died), fleet, error,
		     json_bool(o->stale));
	r = stream_send(fd, line, (size_t)n);
	return r == EPIPE ? 0 : r;
}
