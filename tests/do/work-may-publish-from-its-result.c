/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-C7: the work may publish bytes that lie in the buffer of the result
 * that the same call fills in, in any order and as often as it likes.
 */
#include <sys/uio.h>

#include <sfshm/do.h>

#include "policy/policy.h"

#define BYTES 300

/* Pieces of the result's own buffer: where they begin, how long they are. */
struct pieces {
	size_t at[8], len[8];
	int count;
	size_t outside; /* bytes of a last piece that lies elsewhere */
};

static char wanted[8 * BYTES];
static size_t wanted_len;

static char old_byte(size_t i)
{
	return (char)('a' + i % 26);
}

static int publish_pieces(struct sfshm_flight *f, void *arg)
{
	static char other[BYTES];
	const struct pieces *p = arg;
	char *own = result.value.data;
	struct iovec iov[9];
	int n;

	wanted_len = 0;
	for (n = 0; n < p->count; n++) {
		iov[n].iov_base = own + p->at[n];
		iov[n].iov_len = p->len[n];
		memcpy(wanted + wanted_len, own + p->at[n], p->len[n]);
		wanted_len += p->len[n];
	}
	if (p->outside) {
		memset(other, '#', sizeof(other));
		iov[n].iov_base = other;
		iov[n++].iov_len = p->outside;
		memset(wanted + wanted_len, '#', p->outside);
		wanted_len += p->outside;
	}
	return n == 1 ? sfshm_publish(f, iov->iov_base, iov->iov_len) :
			sfshm_publishv(f, iov, n);
}

static void arrives(struct sfshm *there, const struct pieces *p)
{
	static const struct sfshm_policy anew = {
		.size = sizeof(anew),
		.flags = SFSHM_REFRESH | SFSHM_LOCAL,
		.ttl_ms = SFSHM_FOREVER,
	};
	static char old[BYTES];

	for (size_t i = 0; i < BYTES; i++)
		old[i] = old_byte(i);
	put("", POLICY(.flags = SFSHM_REFRESH));
	assert_int_equal(
		begin(POLICY(.flags = SFSHM_REFRESH, .ttl_ms = SFSHM_FOREVER)),
		SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, old, BYTES), 0);
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(sfshm_do(there, "key", 3, &anew, publish_pieces,
				  (void *)(uintptr_t)p, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.value.len, wanted_len);
	assert_memory_equal(result.value.data, wanted, wanted_len);
	if (!there)
		return;
	assert_int_equal(get(), SFSHM_CACHED);
	assert_int_equal(result.value.len, wanted_len);
	assert_memory_equal(result.value.data, wanted, wanted_len);
}

static void all_of(const struct pieces *p)
{
	arrives(h, p);
	/* The same without a segment. */
	arrives(NULL, p);
}

static void the_value_itself(void **state)
{
	(void)state;
	all_of(&(struct pieces){ { 0 }, { BYTES }, 1, 0 });
	all_of(&(struct pieces){ { 10 }, { BYTES - 20 }, 1, 0 });
}

static void pieces_in_another_order(void **state)
{
	(void)state;
	all_of(&(struct pieces){ { 150, 0 }, { 150, 150 }, 2, 0 });
	all_of(&(struct pieces){ { 1, 0 }, { 200, 200 }, 2, 0 });
}

/* The buffer has to grow while its bytes are read. */
static void pieces_that_outgrow_the_buffer(void **state)
{
	(void)state;
	all_of(&(struct pieces){ { 0, 0, 0, 0, 0, 0 },
				 { BYTES, BYTES, BYTES, BYTES, BYTES, BYTES },
				 6,
				 0 });
	all_of(&(struct pieces){ { 0, 100 }, { BYTES, 200 }, 2, BYTES });
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_policy(the_value_itself),
		in_policy(pieces_in_another_order),
		in_policy(pieces_that_outgrow_the_buffer),
	};

	return test_main(tests);
}
