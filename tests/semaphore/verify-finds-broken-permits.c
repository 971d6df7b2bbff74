/* SPDX-License-Identifier: MIT */
/*
 * sfshm_verify() finds permits whose holder does not exist, and permits that
 * were never given out.
 */
#include <sfshm/semaphore.h>

#include "sync/semaphore.h"
#include "testing.h"
#include "top/handle.h"

static int findings(struct sfshm *h)
{
	return sfshm_verify(h, NULL, NULL);
}

static struct semaphore made(struct sfshm *h)
{
	struct semaphore s;
	uint32_t slot = 0;

	assert_int_equal(sfshm_semaphore_set_max(h, "s", 1, 3), 0);
	while (!semaphore_at(h->map, slot, &s))
		slot++;
	assert_int_equal(findings(h), 0);
	return s;
}

static void of_every_kind(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct semaphore s = made(h);
	struct shm_semaphore *head = semaphore_head(&s);
	uint32_t *word = semaphore_word(&s, 0);
	struct sfshm_permit permit;
	uint32_t mine;

	(void)state;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	assert_int_equal(findings(h), 0);
	while (!*word)
		word++;
	mine = *word;
	*word = mine + (1u << PERMIT_LIFE_SHIFT);
	assert_int_equal(findings(h), 1);
	*word = 77;
	assert_int_equal(findings(h), 1);
	*word = mine;
	*semaphore_word(&s, 500) = mine;
	assert_int_equal(findings(h), 1);
	*semaphore_word(&s, 500) = 0;
	head->max = 0;
	assert_int_equal(findings(h), 1);
	head->max = 3;
	head->top = 5000;
	assert_int_equal(findings(h), 1);
	head->top = 3;
	h->map->header->relay = 1;
	assert_int_equal(findings(h), 1);
	h->map->header->relay = 0;
	assert_int_equal(findings(h), 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_close(h), 0);
}

/* What is damaged is an error, not a crash. */
static void and_calls_refuse_them(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct semaphore s = made(h);
	struct shm_back *back;
	struct sfshm_permit permit;

	(void)state;
	/* The cached one is another name's. */
	assert_int_equal(sfshm_close(h), 0);
	h = segment_open(NULL);
	back = slot_value(h->map, s.slot, s.ctl).back;
	back->len--;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), -EBADMSG);
	back->len++;
	assert_int_equal(sfshm_acquire(h, "s", 1, NULL, &permit), 0);
	*semaphore_word(&s, 0) = *semaphore_word(&s, 0);
	assert_int_equal(sfshm_permit_release(&permit), 0);
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(of_every_kind),
		in_segment(and_calls_refuse_them),
	};

	return test_main(tests);
}
