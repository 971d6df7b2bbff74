/* SPDX-License-Identifier: MIT */
/* Commands about keys and flights. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sfshm/do.h>
#include <sfshm/put.h>
#include <sfshm/release.h>
#include <sfshm/tag.h>

#include "lane.h"
#include "testing.h"

/* Answers with text as it is, or with the length and seed of a value_fill(). */
static void reply_value(const struct lane *lane, const char *source)
{
	const struct sfshm_buf *b = &lane->result.value;
	const uint8_t *data = b->data;
	int seed;

	if (b->len && !(data[0] & 0x80)) {
		reply(lane, "%s %.*s", source, (int)b->len, (const char *)data);
		return;
	}
	seed = value_seed(data, b->len);
	if (seed < 0)
		reply(lane, "%s bytes %zu torn", source, b->len);
	else
		reply(lane, "%s bytes %zu %d", source, b->len, seed);
}

static void reply_outcome(const struct lane *lane, int r, const char *computed)
{
	const struct sfshm_result *res = &lane->result;

	if (r == SFSHM_CACHED)
		reply_value(lane, "cached");
	else if (r == SFSHM_AWAITED)
		reply_value(lane, "awaited");
	else if (r == SFSHM_COMPUTED && computed)
		reply_value(lane, computed);
	else if (r == SFSHM_LEADER)
		reply(lane, res->owner_died ? "leader owner_died" : "leader");
	else if (r == -EREMOTEIO || (r == -ENOENT && res->code))
		reply(lane, "-%s %d %s", strerrorname_np(-r), res->code,
		      res->message);
	else
		reply_code(lane, r);
}

static void parse_policy(struct sfshm_policy *p, char *rest)
{
	unsigned int ms;

	*p = (struct sfshm_policy)SFSHM_POLICY_INIT;
	for (char *w = word(&rest); *w; w = word(&rest)) {
		if (!strcmp(w, "try"))
			p->flags |= SFSHM_TRY;
		else if (!strcmp(w, "follow"))
			p->flags |= SFSHM_FOLLOW;
		else if (!strcmp(w, "refresh"))
			p->flags |= SFSHM_REFRESH;
		else if (!strcmp(w, "retry"))
			p->flags |= SFSHM_RETRY_ON_FAILURE;
		else if (!strcmp(w, "cancel-first"))
			p->flags |= SFSHM_CANCEL_FIRST;
		else if (!strcmp(w, "keep"))
			p->flags |= SFSHM_KEEP;
		else if (!strcmp(w, "fail-if-lost"))
			p->flags |= SFSHM_FAIL_IF_LOST;
		else if (!strcmp(w, "detached"))
			p->flags |= SFSHM_DETACHED;
		else if (sscanf(w, "task=%u", &ms) == 1)
			p->task = ms;
		else if (!strcmp(w, "token"))
			p->cancel = &token;
		else if (!strncmp(w, "claim=", 6)) {
			p->claim_key = w + 6;
			p->claim_key_len = strlen(w + 6);
		} else if (!strcmp(w, "forever"))
			p->ttl_ms = SFSHM_FOREVER;
		else if (sscanf(w, "neg=%u", &ms) == 1)
			p->neg_ttl_ms = ms;
		else if (sscanf(w, "ttl=%u", &ms) == 1)
			p->ttl_ms = ms;
		else if (sscanf(w, "age=%u", &ms) == 1)
			p->lock_age_ms = ms;
		else if (sscanf(w, "timeout=%u", &ms) == 1)
			p->deadline_ns = sfshm_deadline_ms(ms);
		else
			exit(6);
	}
}

static void do_begin(struct lane *lane, char *rest)
{
	const char *key = word(&rest);
	struct sfshm_policy policy;
	int r;

	parse_policy(&policy, rest);
	lane->result.code = 0;
	r = sfshm_begin(handle, key, strlen(key), &policy, &lane->flight,
			&lane->result);
	reply_outcome(lane, r, NULL);
}

static void do_wait(struct lane *lane, char *rest)
{
	const char *key = word(&rest);
	struct sfshm_policy policy;
	int r;

	parse_policy(&policy, rest);
	lane->result.code = 0;
	r = sfshm_wait(handle, key, strlen(key), &policy, &lane->result);
	reply_outcome(lane, r, NULL);
}

static void do_get(struct lane *lane, char *rest)
{
	const char *key = word(&rest);
	int r;

	lane->result.code = 0;
	r = sfshm_get(handle, key, strlen(key), &lane->result);
	reply_outcome(lane, r, NULL);
}

static void do_put(struct lane *lane, char *rest)
{
	const struct sfshm_policy forever = {
		.size = sizeof(forever),
		.ttl_ms = SFSHM_FOREVER,
	};
	const char *key = word(&rest);

	reply_code(lane, sfshm_put(handle, key, strlen(key), &forever, rest,
				   strlen(rest)));
}

static void do_put_if_none(struct lane *lane, char *rest)
{
	const struct sfshm_policy forever = {
		.size = sizeof(forever),
		.ttl_ms = SFSHM_FOREVER,
	};
	const char *key = word(&rest);

	reply_code(lane, sfshm_put_if(handle, key, strlen(key), &forever, rest,
				      strlen(rest), 0));
}

static void publish(const struct lane *lane, struct sfshm_flight *flight,
		    const char *text)
{
	int r = sfshm_publish(flight, text, strlen(text));

	if (r == SFSHM_INVALIDATED)
		reply(lane, "invalidated");
	else
		reply_code(lane, r);
}

static void do_publish(struct lane *lane, char *rest)
{
	publish(lane, &lane->flight, rest);
}

/* For another lane. */
static void do_publish_of(struct lane *lane, char *rest)
{
	struct lane *other = lane_find(word(&rest));

	publish(lane, &other->flight, rest);
}

static void do_release_of(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_release(&lane_find(rest)->flight));
}

static void do_release_all(struct lane *lane, char *rest)
{
	int n = sfshm_release_all(handle, strtoul(rest, NULL, 10));

	if (n < 0)
		reply_code(lane, n);
	else
		reply(lane, "%d", n);
}

static void do_tag(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_flight_tag(&lane->flight, rest, strlen(rest)));
}

static void do_invalidate_tag(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_invalidate_tag(handle, rest, strlen(rest)));
}

static void do_publish_bytes(struct lane *lane, char *rest)
{
	size_t len = strtoul(word(&rest), NULL, 10);
	unsigned int seed = (unsigned int)strtoul(word(&rest), NULL, 10);
	char *data = malloc(len + 1);

	if (!data)
		exit(7);
	value_fill(data, len, seed);
	reply_code(lane, sfshm_publish(&lane->flight, data, len));
	free(data);
}

static void do_fail(struct lane *lane, char *rest)
{
	int code = atoi(word(&rest));

	reply_code(lane, sfshm_fail(&lane->flight, code, rest));
}

static void do_release(struct lane *lane, char *rest)
{
	(void)rest;
	reply_code(lane, sfshm_release(&lane->flight));
}

static void do_pin(struct lane *lane, char *rest)
{
	reply_code(lane, sfshm_pin(handle, rest, strlen(rest), &lane->pin,
				   &lane->result));
}

static void do_unpin(struct lane *lane, char *rest)
{
	(void)rest;
	reply_code(lane, sfshm_unpin(&lane->pin));
}

static void do_generation(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%" PRIu64, lane->result.generation);
}

static void do_waiters(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%u", sfshm_flight_waiters(&lane->flight));
}

static void do_shared(struct lane *lane, char *rest)
{
	(void)rest;
	reply(lane, "%u", lane->result.shared);
}

/* Leads and waits to be cancelled or killed. */
static int work_for_ever(struct sfshm_flight *flight, void *arg)
{
	reply(arg, "working");
	for (;;)
		pause();
	return sfshm_publish(flight, "never", 5);
}

static int work_at_once(struct sfshm_flight *flight, void *arg)
{
	(void)arg;
	return sfshm_publish(flight, "work", 4);
}

static void do_do(struct lane *lane, char *rest)
{
	const char *key = word(&rest);
	const char *how = word(&rest);
	struct sfshm_policy policy;
	int r;

	parse_policy(&policy, rest);
	lane->result.code = 0;
	r = sfshm_do(handle, key, strlen(key), &policy,
		     strcmp(how, "work") ? work_for_ever : work_at_once, lane,
		     &lane->result);
	reply_outcome(lane, r, "computed");
}

const struct command flight_commands[] = {
	{ "begin", "KEY [POLICY...]", do_begin },
	{ "wait", "KEY [POLICY...]: never leads", do_wait },
	{ "get", "KEY", do_get },
	{ "do", "KEY work|for-ever [POLICY...]", do_do },
	{ "put", "KEY TEXT", do_put },
	{ "put-if-none", "KEY TEXT", do_put_if_none },
	{ "publish", "TEXT", do_publish },
	{ "publish-of", "LANE TEXT: its flight", do_publish_of },
	{ "release-of", "LANE", do_release_of },
	{ "release-all", "TASK", do_release_all },
	{ "tag", "NAME: of the flight's value", do_tag },
	{ "invalidate-tag", "NAME", do_invalidate_tag },
	{ "publish-bytes", "LENGTH SEED", do_publish_bytes },
	{ "fail", "CODE [MESSAGE]", do_fail },
	{ "release", "", do_release },
	{ "pin", "KEY", do_pin },
	{ "unpin", "", do_unpin },
	{ "generation", "of the last result", do_generation },
	{ "waiters", "of the flight led", do_waiters },
	{ "shared", "was the last result?", do_shared },
	{ NULL, NULL, NULL },
};
