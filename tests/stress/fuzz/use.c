/* SPDX-License-Identifier: MIT */
#include "use.h"

#include <stdbool.h>
#include <stdlib.h>

#include "answer.h"
#include "hold.h"
#include "image.h"
#include "keys.h"
#include "lane.h"
#include "outside.h"
#include "scribble.h"
#include "stage.h"

#define GRIPS 4

static struct {
	struct sfshm *handle; /* or NULL: it could not be opened */
	struct sfshm_flight flights[GRIPS];
	unsigned int led;          /* bits: those that are on */
	unsigned int flights_lane; /* bits: by the second thread */
	struct sfshm_pin pins[GRIPS];
	unsigned int pinned;
	unsigned int pins_lane;
	bool resized;
} now;

static int open_stage(void)
{
	char why[200] = "";
	struct sfshm_options o = {
		.size = sizeof(o),
		.why = why,
		.why_size = sizeof(why),
	};
	int r = checked(sfshm_open(&now.handle, stage.path, &o));

	/* If the predecessor fails the open, no reason is given. */
	if (r && strlen(why) == 0 && !now.resized)
		stage_fault("no reason is given", r);
	return r;
}

static struct sfshm_policy policy_of(const struct input_step *s)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = s->arg & (SFSHM_TRY | SFSHM_FOLLOW | SFSHM_REFRESH |
				   SFSHM_STALE_ON_TIMEOUT |
				   SFSHM_RETRY_ON_FAILURE | SFSHM_FAIL_IF_LOST),
		.ttl_ms = s->arg & 8 ? SFSHM_FOREVER : s->value & 0xffff,
		.neg_ttl_ms = s->value >> 16,
		.lock_age_ms = s->off & 1 ? 20 : 0,
		.grace_ms = s->off & 2 ? 1000 : 0,
		.stale_if_error_ms = s->off & 4 ? SFSHM_FOREVER : 0,
		.max_waiters = s->off & 8 ? 1 : 0,
		.breaker_deaths = s->off & 16 ? 1 : 0,
		.breaker_ms = 100,
		.beta = s->off & 32 ? 1 : 0,
		.deadline_ns = sfshm_deadline_ms(s->value % 300 + 1),
	};

	return policy;
}

static void do_get(const struct input_step *s)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct key key = key_of(s->at % 64);
	int r = checked(sfshm_get(now.handle, key.bytes, key.len, &result));

	check_result(r, &result);
	sfshm_result_clear(&result);
}

static void do_peek(const struct input_step *s)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = policy_of(s);
	struct sfshm_walk walk = SFSHM_WALK_INIT;
	struct key key = key_of(s->at % 64);

	check_result(checked(sfshm_peek(now.handle, key.bytes, key.len, &policy,
					&result)),
		     &result);
	sfshm_result_clear(&result);
	while (s->arg & 1 &&
	       checked(sfshm_next_key(now.handle, NULL, 0, &walk)) == 1)
		touch(walk.key, walk.key_len);
}

/* Those who put or invalidate a tag choose among few. */
static void do_put(const struct input_step *s)
{
	static const uint8_t data[4096];
	struct sfshm_policy policy = policy_of(s);
	struct key key = key_of(s->at % 64), tag = key_of(s->value % 4);
	const struct iovec tags[] = { { tag.bytes, tag.len } };
	size_t len = s->off % sizeof(data);

	if (s->arg & 1)
		checked(sfshm_put_if(now.handle, key.bytes, key.len, &policy,
				     data, len, s->value));
	else
		checked(sfshm_put_tagged(now.handle, key.bytes, key.len,
					 &policy, data, len, tags,
					 s->arg >> 1 & 1));
}

static void do_invalidate_tag(const struct input_step *s)
{
	struct key tag = key_of(s->at % 4);

	checked(sfshm_invalidate_tag(now.handle, tag.bytes, tag.len));
}

static void do_lock(const struct input_step *s)
{
	hold_lock(now.handle, s);
}

static int free_grip(unsigned int taken)
{
	for (int i = 0; i < GRIPS; i++)
		if (!(taken & 1u << i))
			return i;
	return -1;
}

static void set_bit(unsigned int *bits, int i, bool on)
{
	*bits = (*bits & ~(1u << i)) | (unsigned int)on << i;
}

static void do_begin(const struct input_step *s)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = policy_of(s);
	struct key key = key_of(s->at % 64);
	struct sfshm_flight flight;
	int grip = free_grip(now.led);
	int r = checked(sfshm_begin(now.handle, key.bytes, key.len, &policy,
				    &flight, &result));

	check_result(r == SFSHM_LEADER ? -EAGAIN : r, &result);
	sfshm_result_clear(&result);
	if (r != SFSHM_LEADER)
		return;
	if (grip < 0) {
		checked(sfshm_release(&flight));
		return;
	}
	now.flights[grip] = flight;
	set_bit(&now.led, grip, true);
	set_bit(&now.flights_lane, grip, lane_is_second());
}

/* A flight is its thread's own, and ends once. */
static struct sfshm_flight *flight_of(const struct input_step *s, int *grip)
{
	*grip = s->at % GRIPS;
	if (!(now.led & 1u << *grip) ||
	    !(now.flights_lane & 1u << *grip) != !lane_is_second())
		return NULL;
	return &now.flights[*grip];
}

static void flight_ended(int grip, int r)
{
	if (checked(r) != -ENOSPC && r != -EMSGSIZE && r != -EBADMSG)
		set_bit(&now.led, grip, false);
}

static void do_publish(const struct input_step *s)
{
	static uint8_t data[4096];
	int grip;
	struct sfshm_flight *f = flight_of(s, &grip);
	uint64_t told[2];
	struct iovec iov[2] = {
		{ .iov_base = data, .iov_len = s->off % 4096 },
		{ .iov_base = data, .iov_len = s->value % 200 },
	};

	if (!f)
		return;
	sfshm_flight_ttl(f, s->value, s->value);
	if (s->arg & 2)
		sfshm_flight_uncacheable(f, s->value % 100);
	if (s->arg & 4)
		sfshm_flight_keep(f, s->value % 1000);
	told[0] = sfshm_flight_waiters(f);
	told[1] = sfshm_flight_generation(f);
	touch(told, sizeof(told));
	if (s->arg & 1)
		flight_ended(grip, sfshm_publishv(f, iov, 2));
	else
		flight_ended(grip, sfshm_publish(f, data, iov[0].iov_len));
}

static void do_tag(const struct input_step *s)
{
	struct key tag = key_of(s->off % 8);
	int grip;
	struct sfshm_flight *f = flight_of(s, &grip);

	if (f)
		checked(sfshm_flight_tag(f, tag.bytes, tag.len));
}

static void do_fail(const struct input_step *s)
{
	int grip;
	struct sfshm_flight *f = flight_of(s, &grip);

	if (f)
		flight_ended(grip, sfshm_fail(f, s->arg & 1 ? -ENOENT : -EIO,
					      s->arg & 2 ? "words" : NULL));
}

static void do_release(const struct input_step *s)
{
	int grip;
	struct sfshm_flight *f = flight_of(s, &grip);

	if (f)
		flight_ended(grip, sfshm_release(f));
}

static void do_extend(const struct input_step *s)
{
	int grip;
	struct sfshm_flight *f = flight_of(s, &grip);

	if (!f)
		return;
	checked(sfshm_extend(f, s->value % 200));
	checked(sfshm_abandoned(f));
}

static void do_pin(const struct input_step *s)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct key key = key_of(s->at % 64);
	int grip = free_grip(now.pinned);
	int r;

	if (grip < 0)
		return;
	r = checked(sfshm_pin(now.handle, key.bytes, key.len, &now.pins[grip],
			      &result));
	sfshm_result_clear(&result);
	if (r < 0)
		return;
	set_bit(&now.pinned, grip, true);
	set_bit(&now.pins_lane, grip, lane_is_second());
}

static void do_pin_iov(const struct input_step *s)
{
	struct iovec iov[8];
	int grip = s->at % GRIPS, n;

	if (!(now.pinned & 1u << grip))
		return;
	n = checked(sfshm_pin_iov(&now.pins[grip], s->off, iov, s->arg % 9));
	for (int i = 0; i < n && i < s->arg % 9; i++)
		touch(iov[i].iov_base, iov[i].iov_len);
}

static void do_unpin(const struct input_step *s)
{
	int grip = s->at % GRIPS;

	if (!(now.pinned & 1u << grip) ||
	    !(now.pins_lane & 1u << grip) != !lane_is_second())
		return;
	checked(sfshm_unpin(&now.pins[grip]));
	set_bit(&now.pinned, grip, false);
}

static void do_forget(const struct input_step *s)
{
	struct key key = key_of(s->at % 64);

	checked(sfshm_forget(now.handle, key.bytes, key.len));
}

static void do_purge(const struct input_step *s)
{
	(void)s;
	checked(sfshm_purge(now.handle));
}

static void do_invalidate(const struct input_step *s)
{
	struct key key = key_of(s->at % 64);

	if (s->arg & 2)
		checked(sfshm_invalidate_all(now.handle, s->arg & 1));
	else
		checked(sfshm_invalidate(now.handle, key.bytes, key.len,
					 s->arg & 1));
}

static void finding(const char *line, void *unused)
{
	(void)unused;
	touch(line, strlen(line) + 1);
}

static void do_verify(const struct input_step *s)
{
	checked(sfshm_verify(now.handle, s->arg & 1 ? finding : NULL, NULL));
}

static void do_view(const struct input_step *s)
{
	struct sfshm_view *view;
	char why[200];

	(void)s;
	if (sfshm_view_open(&view, stage.path, why, sizeof(why)))
		return;
	check_view(view);
	sfshm_view_close(view);
}

static int work(struct sfshm_flight *flight, void *arg)
{
	const struct input_step *s = arg;
	static const uint8_t data[2048];

	if (s->off & 1)
		return s->off & 2 ? -EIO : 5;
	return sfshm_publish(flight, data, s->off % sizeof(data));
}

static void do_do(const struct input_step *s)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy policy = policy_of(s);
	struct key key = key_of(s->at % 64);
	struct input_step copy = *s;
	int r = sfshm_do(now.handle, key.bytes, key.len, &policy, work, &copy,
			 &result);

	check_result(r, &result);
	sfshm_result_clear(&result);
}

static void do_resize(const struct input_step *s)
{
	struct sfshm_options o = image_shape;

	o.slots = s->off & 31;
	o.bytes = (s->off >> 5) * 64u;
	now.resized = true;
	checked(sfshm_resize(stage.path, s->arg & 1 ? &o : NULL,
			     sfshm_deadline_ms(50), NULL, NULL));
}

/*
 * What is still led and pinned is the library's to give back, unless it was
 * begun in a segment that was resized since: there it stays until the thread
 * ends.
 */
static void close_all(void)
{
	for (struct input_step s = { 0 }; now.resized && s.at < GRIPS; s.at++) {
		do_release(&s);
		do_unpin(&s);
	}
	hold_end(now.resized);
	now.led = now.pinned = 0;
	if (now.handle)
		sfshm_close(now.handle);
	now.handle = NULL;
}

static void do_reopen(const struct input_step *s)
{
	(void)s;
	lane_end();
	close_all();
	open_stage();
}

static void do_pass(const struct input_step *s)
{
	outside_pass(s->off);
}

static void (*const operations[])(const struct input_step *s) = {
	do_get,     do_begin,          do_publish,    do_fail,     do_release,
	do_pin,     do_unpin,          do_forget,     do_purge,    do_verify,
	do_pin_iov, do_view,           do_do,         do_resize,   do_reopen,
	do_pass,    do_extend,         do_invalidate, do_peek,     do_put,
	do_tag,     do_invalidate_tag, do_lock,       hold_unlock,
};

#define OPERATIONS (sizeof(operations) / sizeof(*operations))
#define SECOND 0x80 /* of an operation's arg: by the second thread */

static void operate(const struct input_step *s)
{
	void (*operation)(const struct input_step *s) =
		operations[s->op % OPERATIONS];

	if (!now.handle && operation != do_view)
		return;
	scribble_watch();
	/* Pins and flights that a close takes along are all one thread's. */
	if (s->arg & SECOND && operation != do_reopen)
		lane_run(operation, s);
	else
		operation(s);
	scribble_rest();
}

void use_steps(const struct input_step *steps, size_t count)
{
	memset(&now, 0, sizeof(now));
	if (open_stage())
		return;
	for (size_t i = 0; i < count; i++) {
		struct input_step s;

		memcpy(&s, &steps[i], sizeof(s));
		if (!(s.op & STEP_SCRIBBLE))
			operate(&s);
		else if (s.when)
			scribble_later(&s);
		else
			scribble(&s);
	}
	scribble_watch();
	lane_end();
	close_all();
	scribble_rest();
}

static void use_key(uint16_t key)
{
	const struct input_step begin = {
		.at = key,
		.arg = key % 3 ? 8 : 8 | SFSHM_REFRESH,
		.value = 5,
	};
	struct input_step step = { .off = (uint16_t)(key * 331), .arg = 8 };

	do_pin(&begin);
	do_pin_iov(&step);
	do_unpin(&step);
	do_get(&begin);
	do_begin(&begin);
	do_publish(&step);
	do_fail(&step);
}

void use_all(unsigned int parts)
{
	struct input_step step = { .off = 0x1fff, .arg = 1 };

	memset(&now, 0, sizeof(now));
	if (parts & USE_VIEW)
		do_view(&step);
	if (open_stage())
		return;
	if (parts & USE_VERIFY)
		do_verify(&step);
	for (uint16_t i = 0; parts & USE_KEYS && i < KEYS + 2; i++)
		use_key(i);
	for (step.at = 0; parts & USE_FORGET && step.at < KEYS; step.at++)
		do_forget(&step);
	if (parts & USE_PURGE)
		do_purge(&step);
	if (parts & USE_RESIZE)
		do_resize(&step);
	if (parts & USE_VERIFY)
		do_verify(&step);
	close_all();
}
