/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C7: a failure's message that is too long is cut between two
 * characters of UTF-8, and ends with "...". It may lie in the leader's result.
 */
#include <sfshm/do.h>

#include "policy/policy.h"

#define MOST (SFSHM_MESSAGE_MAX - 1)

static char message[2 * SFSHM_MESSAGE_MAX];

static int fail_so(struct sfshm_flight *f, void *text)
{
	return sfshm_fail(f, 5, text);
}

/* The leader's result and a later caller's have the same message. */
static const char *told(void)
{
	static const struct sfshm_policy kept = {
		.size = sizeof(kept),
		.neg_ttl_ms = SFSHM_FOREVER,
	};
	static char first[SFSHM_MESSAGE_MAX];

	(void)!sfshm_forget(h, "key", 3);
	assert_int_equal(sfshm_do(h, "key", 3, &kept, fail_so, message,
				  &result),
			 -EREMOTEIO);
	snprintf(first, sizeof(first), "%s", result.message);
	assert_int_equal(get(), -EREMOTEIO);
	assert_string_equal(result.message, first);
	return first;
}

/* `lead` times "x", then `of` again and again. */
static void fill(size_t lead, const char *of, size_t bytes)
{
	size_t len = lead;

	memset(message, 'x', lead);
	for (; len < bytes; len += strlen(of))
		memcpy(message + len, of, strlen(of));
	message[len] = '\0';
}

static void cut_of(size_t lead, const char *of, size_t kept)
{
	const char *got;

	fill(lead, of, SFSHM_MESSAGE_MAX);
	got = told();
	assert_int_equal(strlen(got), kept + 3);
	assert_int_equal(strncmp(got, message, kept), 0);
	assert_string_equal(got + kept, "...");
}

static void whole_if_it_fits(void **state)
{
	(void)state;
	fill(MOST - 3, "\xe2\x82\xac", MOST);
	assert_int_equal(strlen(message), MOST);
	assert_string_equal(told(), message);
	fill(0, "x", 1);
	assert_string_equal(told(), "x");
}

static void between_characters(void **state)
{
	const size_t room = MOST - 3;

	(void)state;
	cut_of(0, "x", room);
	/* Two, three and four bytes, at each place of the cut. */
	cut_of(room % 2, "\xc3\xa9", room);
	cut_of(room % 2 + 1, "\xc3\xa9", room - 1);
	for (size_t over = 0; over < 3; over++)
		cut_of(room % 3 + over, "\xe2\x82\xac",
		       over ? room - 3 + over : room);
	for (size_t over = 0; over < 4; over++)
		cut_of(room % 4 + over, "\xf0\x9f\x94\xa5",
		       over ? room - 4 + over : room);
}

/* What is no UTF-8 is cut anywhere. */
static void other_bytes_too(void **state)
{
	(void)state;
	cut_of(0, "\x80", MOST - 3);
}

static int fail_with_own(struct sfshm_flight *f, void *shift)
{
	snprintf(result.message, sizeof(result.message), "--its own text");
	return sfshm_fail(f, 5, result.message + (shift ? 2 : 0));
}

static void from_the_result_itself(void **state)
{
	(void)state;
	assert_int_equal(sfshm_do(h, "key", 3, NULL, fail_with_own, NULL,
				  &result),
			 -EREMOTEIO);
	assert_string_equal(result.message, "--its own text");
	assert_int_equal(sfshm_do(h, "key", 3, NULL, fail_with_own, message,
				  &result),
			 -EREMOTEIO);
	assert_string_equal(result.message, "its own text");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(whole_if_it_fits),
		in_policy(between_characters),
		in_policy(other_bytes_too),
		in_policy(from_the_result_itself),
	};

	return test_main(tests);
}
