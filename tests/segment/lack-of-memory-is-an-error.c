/* SPDX-License-Identifier: MIT */
/*
 * One allocation of a process fails, be it the first, the second, and so on.
 * The call answers -ENOMEM or does without, keeps nothing, and succeeds the
 * next time.
 */
#include <dirent.h>
#include <pthread.h>

#include <sfshm/pin.h>
#include <sfshm/resize.h>

#include "testing.h"

#if !UNDER_ASAN && !UNDER_TSAN
/* The C library's own, of which ours stand in front. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);

/*
 * How many allocations until one fails; those that there are. Compilers take
 * malloc() for a function that changes no variable.
 */
static uint32_t countdown;
static int64_t alive;

/* By the C library, too. */
#define SEEN __attribute__((visibility("default")))

static bool denied(void)
{
	uint32_t left = load_relaxed(&countdown);

	if (left)
		store_relaxed(&countdown, left - 1);
	if (left != 1)
		return false;
	errno = ENOMEM;
	return true;
}

SEEN void *malloc(size_t size)
{
	void *p = denied() ? NULL : __libc_malloc(size);

	fetch_add_relaxed(&alive, p != NULL);
	return p;
}

SEEN void *calloc(size_t nmemb, size_t size)
{
	void *p = denied() ? NULL : __libc_calloc(nmemb, size);

	fetch_add_relaxed(&alive, p != NULL);
	return p;
}

SEEN void *aligned_alloc(size_t alignment, size_t size)
{
	void *p = denied() ? NULL : __libc_memalign(alignment, size);

	fetch_add_relaxed(&alive, p != NULL);
	return p;
}

SEEN void *realloc(void *ptr, size_t size)
{
	void *p = denied() ? NULL : __libc_realloc(ptr, size);

	fetch_add_relaxed(&alive, p && !ptr);
	return p;
}

SEEN void free(void *ptr)
{
	fetch_add_relaxed(&alive, -(ptr != NULL));
	__libc_free(ptr);
}

static int descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static const struct sfshm_policy keep = {
	.size = sizeof(keep),
	.ttl_ms = SFSHM_FOREVER,
};

static int lead(struct sfshm *h, struct sfshm_result *result)
{
	static const uint8_t data[5000];
	struct sfshm_flight flight;
	int r = sfshm_begin(h, "key", 3, &keep, &flight, result);

	if (r != SFSHM_LEADER)
		return r;
	r = sfshm_publish(&flight, data, sizeof(data));
	if (r == -ENOMEM)
		demand(sfshm_release(&flight) >= -ESTALE);
	return r;
}

static int look(struct sfshm *h, struct sfshm_result *result)
{
	struct sfshm_pin pin;
	int r = sfshm_pin(h, "key", 3, &pin, result);

	if (r == SFSHM_CACHED)
		r = sfshm_unpin(&pin);
	/* What a resize that failed has not moved yet cannot be pinned. */
	if (!r || r == -ENODATA)
		r = sfshm_get(h, "key", 3, result);
	if (r >= 0)
		r = sfshm_verify(h, NULL, NULL);
	return r;
}

static int use_handle(struct sfshm *h)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = lead(h, &result);

	if (r >= 0)
		r = look(h, &result);
	sfshm_result_clear(&result);
	return r;
}

static int view(void)
{
	struct sfshm_view *v;
	int r = sfshm_view_open(&v, segment, NULL, 0);

	if (!r)
		sfshm_view_close(v);
	return r;
}

static int live(void)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE,
		.slots = 16,
		.bytes = 64 << 10,
	};
	struct sfshm *h;
	int r = sfshm_open(&h, segment, &o), closed;

	if (r)
		return r;
	r = use_handle(h);
	if (r >= 0)
		r = sfshm_resize(segment, &o, sfshm_deadline_ms(PATIENCE_MS),
				 NULL, NULL);
	/* Follows to the successor. */
	if (r >= 0)
		r = use_handle(h);
	if (r >= 0)
		r = view();
	closed = sfshm_close(h);
	return r < 0 ? r : closed;
}

struct lives {
	unsigned int nth; /* fails in the first; 0: none does */
	int first, second;
};

static void *live_twice(void *arg)
{
	struct lives *l = arg;

	store_relaxed(&countdown, l->nth);
	l->first = live();
	/* There are not so many. */
	if (load_relaxed(&countdown))
		l->first = 1;
	store_relaxed(&countdown, 0);
	l->second = live();
	return NULL;
}

/* A thread may keep what it was attached to last: until it exits. */
static int live_without(unsigned int nth)
{
	struct lives l = { .nth = nth };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, live_twice, &l), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	if (l.second || (l.first < 0 && l.first != -ENOMEM))
		fail_msg("allocation %u: %d, then %d", nth, l.first, l.second);
	return l.first;
}

/* More closed handles than this, and each new handle is an old one. */
#define KEPT_CLOSED 1024

/*
 * Handles are never freed, and used again late. From here on no life makes a
 * handle, so that what it allocates and keeps can be counted.
 */
static void fill_closed_handles(void)
{
	const struct sfshm_options o = { .size = sizeof(o) };
	int fd = sfshm_memfd(NULL, NULL);
	struct sfshm *kept, *h;

	assert_int_equal(sfshm_open_fd(&kept, fd, &o), 0);
	for (int i = 0; i <= KEPT_CLOSED + 2; i++) {
		assert_int_equal(sfshm_open_fd(&h, fd, &o), 0);
		assert_int_equal(sfshm_close(h), 0);
	}
	assert_int_equal(sfshm_close(kept), 0);
}

/* Lives with each allocation failing in turn; how many were refused. */
static unsigned int each_in_turn(bool counted)
{
	int64_t before = load_relaxed(&alive);
	int open_before = descriptors(), r = 0;
	unsigned int nth = 0, refused = 0;

	while (r <= 0) {
		r = live_without(++nth);
		refused += r < 0;
		if ((counted && load_relaxed(&alive) != before) ||
		    descriptors() != open_before)
			fail_msg("allocation %u: %d and %d descriptors stay",
				 nth, (int)(load_relaxed(&alive) - before),
				 descriptors() - open_before);
	}
	print_message("# %u allocations, %u refusals\n", nth - 1, refused);
	return refused;
}

static void whichever_it_is(void **state)
{
	unsigned int making, using;

	(void)state;
	/* What is made once for the process. */
	assert_int_equal(live_without(0), 0);
	making = each_in_turn(false);
	fill_closed_handles();
	using = each_in_turn(true);
	assert_in_range(using, 7, making);
	/* Those that make handles are refused, too. */
	assert_true(making > using);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { in_segment(whichever_it_is) };

	return test_main(tests);
}
#else
int main(void)
{
	return skip_all("a sanitizer has its own malloc()");
}
#endif
