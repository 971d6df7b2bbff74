/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F8, PROMISE-F11: an engine that breaks off, or answers what makes no
 * sense, counts as away. It makes no host wait past its time, use another key's
 * answer, or hand out tokens that do not grow.
 */
#include "liar.h"

/* A new key's work, as it ends: its outcome, and whether the fleet has it. */
static void assert_computed(struct host *host, uint32_t fleet)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static unsigned int number;
	char key[16];

	snprintf(key, sizeof(key), "key%u", ++number);
	assert_int_equal(ask(host, key, publish_text, "here", &result),
			 SFSHM_COMPUTED);
	assert_true(result_is(&result, "here"));
	assert_int_equal(result.fleet, fleet);
	sfshm_result_clear(&result);
}

#define LED "*2\r\n$3\r\nLED\r\n$2\r\n70\r\n"
#define HELD "*3\r\n$4\r\nHELD\r\n$2\r\n60\r\n$7\r\n3600000\r\n"
#define HIT "*5\r\n$3\r\nHIT\r\n$2\r\n60\r\n$4\r\n9000\r\n"

/* Answers that no request can have. */
static const char *const nonsense[] = {
	CUT,                  /* no answer at all */
	"*2\r\n$3\r\nLE\x01", /* cut */
	"garbage\r\n",
	"+OK\r\n",
	":1\r\n",
	"$-1\r\n",
	"$99999999999999999999\r\n",
	"*0\r\n",
	"*-1\r\n",
	"*-2\r\n",
	"*1\r\n$-1\r\n",
	"*1\r\n:5\r\n",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n",
	"*1\r\n$0\r\n\r\n",
	"*1\r\n$4\r\nWHAT\r\n",
	"-ERR no\r\n",
	"-NOSCRIPT no\r\n",
	"-LOADING later\r\n",
};

/* Answers that are none to an acquire. */
static const char *const no_lease[] = {
	OK,
	"*1\r\n$6\r\nFENCED\r\n",
	"*1\r\n$9\r\nRECLAIMED\r\n",
	"*1\r\n$3\r\nLED\r\n",
	"*2\r\n$3\r\nLED\r\n$1\r\n0\r\n",
	"*2\r\n$3\r\nLED\r\n$2\r\n-7\r\n",
	"*2\r\n$3\r\nLED\r\n$1\r\nx\r\n",
	"*2\r\n$3\r\nLED\r\n$16\r\n9007199254740992\r\n",
	"*2\r\n$3\r\nLED\r\n$20\r\n18446744073709551615\r\n",
	"*1\r\n$9\r\nINHERITED\r\n",
	"*1\r\n$4\r\nHELD\r\n",
	"*1\r\n$3\r\nHIT\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n0\r\n$1\r\n9\r\n$1\r\n0\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$1\r\nx\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$11\r\n-2147483648\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$11\r\n99999999999\r\n$1\r\nv\r\n",
};

static void instead_of_a_lease(void **state)
{
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);
	const size_t all = n + sizeof(no_lease) / sizeof(*no_lease);
	struct host last;

	(void)state;
	store_release(&rote.publish, OK);
	for (size_t i = 0; i < all; i++) {
		struct host host;

		store_release(&rote.acquire,
			      i < n ? nonsense[i] : no_lease[i - n]);
		host = join(PATIENCE_MS);
		assert_computed(&host, 0);
		host_close(&host);
	}
	/* Nothing is left of their tokens. */
	store_release(&rote.acquire, LED);
	last = join(PATIENCE_MS);
	assert_computed(&last, 1);
	assert_true(load_acquire(&liar.floor) < 70);
	host_close(&last);
}

/* The work is done, so the value is this host's. */
static void instead_of_a_publish(void **state)
{
	static const char *const none[] = { LED, HIT "$1\r\n0\r\n$1\r\nv\r\n" };
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);

	(void)state;
	store_release(&rote.acquire, LEASE);
	for (size_t i = 0; i < n + 2; i++) {
		struct host host;

		store_release(&rote.publish, i < n ? nonsense[i] : none[i - n]);
		host = join(PATIENCE_MS);
		assert_computed(&host, 0);
		host_close(&host);
	}
}

/* The caller asks again. */
static void instead_of_an_announcement(void **state)
{
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);

	(void)state;
	store_release(&rote.acquire, HELD);
	store_release(&rote.next_acquire, LEASE);
	store_release(&rote.publish, OK);
	for (size_t i = 0; i < n; i++) {
		struct host host;

		store_release(&rote.watch, nonsense[i]);
		host = join(PATIENCE_MS);
		assert_computed(&host, 1);
		host_close(&host);
	}
}

static int refuse(const struct sfshm_result *r, void *unused)
{
	(void)unused;
	return result_is(r, "here");
}

/* A result that a caller has refused already. */
static void the_same_result_for_ever(void **state)
{
	const struct sfshm_policy choosy = {
		.size = sizeof(choosy),
		.fits = refuse,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host;

	(void)state;
	store_release(&rote.acquire, HIT "$1\r\n0\r\n$1\r\nv\r\n");
	host = join(PATIENCE_MS);
	assert_int_equal(sfshm_fleet_do(host.fleet, "choosy", 6, &choosy,
					publish_text, "here", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	host_close(&host);
	/* Its bytes are elsewhere, and never there. */
	store_release(&rote.acquire, HIT "$1\r\n0\r\n$-1\r\n");
	store_release(&rote.get, "$-1\r\n");
	host = join(PATIENCE_MS);
	assert_computed(&host, 0);
	host_close(&host);
	sfshm_result_clear(&result);
}

static void an_answer_without_end(void **state)
{
	struct host host;

	(void)state;
	store_release(&rote.acquire, ENDLESS);
	host = join(50);
	assert_computed(&host, 0);
	host_close(&host);
}

/* The second answer is not the next request's. */
static void two_answers_for_one(void **state)
{
	struct host host;

	(void)state;
	store_release(&rote.acquire, LED HIT "$1\r\n0\r\n$5\r\nwrong\r\n");
	store_release(&rote.publish, OK);
	host = join(PATIENCE_MS);
	assert_computed(&host, 1);
	store_release(&rote.acquire, LEASE);
	assert_computed(&host, 1);
	host_close(&host);
}

/* A token that another flight of this host has had, or an older one. */
static void tokens_that_do_not_grow(void **state)
{
	struct host host;

	(void)state;
	store_release(&rote.acquire, LED);
	store_release(&rote.publish, OK);
	host = join(PATIENCE_MS);
	assert_computed(&host, 1);
	assert_computed(&host, 0);
	host_close(&host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		lying(instead_of_a_lease),
		lying(instead_of_a_publish),
		lying(instead_of_an_announcement),
		lying(the_same_result_for_ever),
		lying(an_answer_without_end),
		lying(two_answers_for_one),
		lying(tokens_that_do_not_grow),
	};

	return test_main(tests);
}
