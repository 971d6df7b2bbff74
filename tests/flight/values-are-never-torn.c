/* SPDX-License-Identifier: MIT */
/*
 * Writers publish one key over and over, in several sizes, while the key comes
 * and goes. Every reader gets one value whole, and so does a reader that pins
 * the bytes in place. Some values carry tags, one of which is invalidated now
 * and then.
 */
#include <sys/uio.h>

#include <sfshm/pin.h>
#include <sfshm/tag.h>

#include "crowd.h"
#include "testing.h"

#define MEMBERS 6
#define SPAN_MS (UINT64_C(1000) * (SLOWNESS > 1 ? 3 : 1))

static const size_t sizes[] = { 40, 64, 100, 700, 5000, 40000 };
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const struct sfshm_options small = {
	.slots = 16,
	.bytes = 512 << 10,
	.max_value = 64 << 10,
};
static const struct sfshm_policy anew = {
	.size = sizeof(anew),
	.ttl_ms = SFSHM_FOREVER,
	.flags = SFSHM_REFRESH,
};

struct worker {
	struct sfshm *h;
	struct sfshm_result result;
	uint8_t data[40000];
	uint64_t done;
};

/* The seed of a value says how long it is. */
static void check_whole(const void *data, size_t len)
{
	int seed = value_seed(data, len);

	demand(seed >= 0);
	demand(len == sizes[(size_t)seed % SIZES]);
}

static void write_once(struct worker *w, unsigned int seed)
{
	struct sfshm_flight flight;
	int r = sfshm_begin(w->h, "key", 3, &anew, &flight, &w->result);
	size_t len = sizes[seed % SIZES];

	demand(r >= 0);
	if (r != SFSHM_LEADER) {
		check_whole(w->result.value.data, w->result.value.len);
		return;
	}
	value_fill(w->data, len, seed);
	if (seed & 1)
		demand(sfshm_flight_tag(&flight, "odd", 3) == 0);
	if (seed % 3 == 0)
		demand(sfshm_flight_tag(&flight, "a third", 7) == 0);
	r = sfshm_publish(&flight, w->data, len);
	demand(r >= 0 || r == -ENOSPC);
	if (r < 0)
		demand(sfshm_release(&flight) == 0);
	w->done++;
}

static void read_once(struct worker *w)
{
	int r = sfshm_get(w->h, "key", 3, &w->result);

	demand(r == SFSHM_CACHED || r == -ENODATA);
	if (r)
		return;
	check_whole(w->result.value.data, w->result.value.len);
	w->done++;
}

static void read_in_place(struct worker *w)
{
	struct iovec iov[4];
	struct sfshm_pin pin;
	size_t at = 0, n = 0;
	int pieces;

	pieces = sfshm_pin(w->h, "key", 3, &pin, &w->result);
	demand(pieces == SFSHM_CACHED || pieces == -ENODATA);
	if (pieces)
		return;
	n = w->result.value.len;
	while ((pieces = sfshm_pin_iov(&pin, at, iov, 4)) > 0)
		for (int i = 0; i < pieces; i++) {
			/* Others only read it, or this test has found a bug. */
			copy_torn(w->data + at, iov[i].iov_base,
				  iov[i].iov_len);
			at += iov[i].iov_len;
		}
	demand(pieces == 0 && at == n);
	check_whole(w->data, n);
	demand(sfshm_unpin(&pin) == 0);
	w->done++;
}

static void read_and_write(int member, void *arg)
{
	struct worker *w = calloc(1, sizeof(*w));
	uint64_t end = now_ms() + SPAN_MS;

	(void)arg;
	demand(w);
	w->h = segment_open(&small);
	w->result.size = sizeof(w->result);
	for (unsigned int i = 0; i % 64 || now_ms() < end || !w->done; i++)
		switch (member) {
		case 0:
		case 1: write_once(w, (i * 2 + (unsigned)member) & 0x7f); break;
		case 2: read_in_place(w); break;
		case 3:
			if (i % 50 == 0)
				(void)!sfshm_forget(w->h, "key", 3);
			if (i % 20 == 0)
				demand(sfshm_invalidate_tag(w->h, "odd", 3) ==
				       0);
			/* fallthrough */
		default: read_once(w); break;
		}
	sfshm_result_clear(&w->result);
	demand(sfshm_close(w->h) == 0);
	free(w);
}

static void read_and_write_in_a_crowd(enum crowd kind)
{
	struct sfshm *h;

	crowd_run(kind, MEMBERS, read_and_write, NULL);
	h = segment_open(NULL);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

/* A message is one letter, over and over, as often as its code says. */
static void fail_once(struct sfshm *h, int i)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;
	char text[201] = "";

	if (sfshm_begin(h, "key", 3, &anew, &flight, &result) != SFSHM_LEADER)
		return;
	memset(text, 'a' + i % 26, (size_t)(1 + i % 200));
	sfshm_flight_ttl(&flight, 0, SFSHM_FOREVER);
	demand(sfshm_fail(&flight, 1 + i % 200, text) == 0);
	sfshm_result_clear(&result);
}

static bool read_failure(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	size_t len;

	if (sfshm_get(h, "key", 3, &result) != -EREMOTEIO)
		return false;
	len = strlen(result.message);
	demand(len == (size_t)result.code);
	demand(strspn(result.message, (char[]){ result.message[0], '\0' }) ==
	       len);
	sfshm_result_clear(&result);
	return true;
}

static void fail_and_read(int member, void *arg)
{
	uint64_t end = now_ms() + SPAN_MS / 2, done = 0;
	struct sfshm *h = segment_open(&small);

	(void)arg;
	for (int i = 0; i % 64 || now_ms() < end || (member >= 2 && !done); i++)
		if (member < 2)
			fail_once(h, i * 2 + member);
		else
			done += read_failure(h);
	demand(sfshm_close(h) == 0);
}

static void nor_are_messages(void **state)
{
	(void)state;
	crowd_run(PROCESSES, MEMBERS, fail_and_read, NULL);
	assert_int_equal(sfshm_unlink(segment), 0);
	crowd_run(THREADS, MEMBERS, fail_and_read, NULL);
}

static void of_processes(void **state)
{
	(void)state;
	read_and_write_in_a_crowd(PROCESSES);
}

static void of_threads(void **state)
{
	(void)state;
	read_and_write_in_a_crowd(THREADS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_processes),
		in_segment(of_threads),
		in_segment(nor_are_messages),
	};

	return test_main(tests);
}
