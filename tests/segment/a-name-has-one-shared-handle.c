/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-P2: sfshm_shared() gives one handle for each name in a process, to
 * all threads and children. Nobody can close it. It follows to the next segment
 * of the name, and makes one if it was asked to.
 */
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "crowd.h"
#include "testing.h"

static __thread char why[256];

static struct sfshm_options with(uint32_t flags)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = flags,
		.why = why,
		.why_size = sizeof(why),
	};

	why[0] = '\0';
	return o;
}

static struct sfshm *shared(void)
{
	struct sfshm_options o = with(SFSHM_CREATE);
	struct sfshm *h = sfshm_shared(segment, &o);

	demand(h);
	return h;
}

static void put(struct sfshm *h, const char *key)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight;

	demand(sfshm_begin(h, key, strlen(key), &keep, &flight, &result) ==
	       SFSHM_LEADER);
	demand(sfshm_publish(&flight, "value", 5) == 0);
	sfshm_result_clear(&result);
}

static int get(struct sfshm *h, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int r = sfshm_get(h, key, strlen(key), &result);

	sfshm_result_clear(&result);
	return r;
}

static void at_each_call(void **state)
{
	struct sfshm *h = shared(), *other;
	struct sfshm_options o = with(SFSHM_CREATE);
	char path[256];

	(void)state;
	assert_ptr_equal(shared(), h);
	assert_ptr_equal(sfshm_shared(segment, NULL), h);
	put(h, "key");
	assert_int_equal(sfshm_close(h), -EPERM);
	assert_int_equal(get(h, "key"), SFSHM_CACHED);
	/* Another name of the same segment has another handle. */
	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	other = sfshm_shared(path, &o);
	assert_non_null(other);
	assert_ptr_not_equal(other, h);
	assert_int_equal(get(other, "key"), SFSHM_CACHED);
}

static void assert_refused(struct sfshm_options o)
{
	why[0] = '\0';
	assert_null(sfshm_shared(segment, &o));
	assert_true(strlen(why) > 0);
}

static void with_the_first_callers_options(void **state)
{
	struct sfshm_options o = with(SFSHM_CREATE | SFSHM_EXCLUSIVE);
	struct sfshm *h;

	(void)state;
	assert_refused(o);
	o.flags = SFSHM_CREATE;
	o.slots = 100;
	h = sfshm_shared(segment, &o);
	assert_non_null(h);
	/* Defaults count as if they were written out. */
	o.mode = 0600;
	o.bytes = 16 << 20;
	o.flags |= SFSHM_FOLLOW_FORK;
	assert_ptr_equal(sfshm_shared(segment, &o), h);
	assert_ptr_equal(sfshm_shared(segment, NULL), h);
	o.slots = 101;
	assert_refused(o);
	o.slots = 100;
	o.mode = 0660;
	assert_refused(o);
	o.mode = 0;
	o.flags = 0;
	assert_refused(o);
	o.flags = SFSHM_CREATE | SFSHM_SET_OWNER;
	o.owner = geteuid() + 1;
	assert_refused(o);
	o.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE;
	assert_refused(o);
	o.flags = 1u << 30;
	assert_refused(o);
	o.size = 3;
	assert_null(sfshm_shared(segment, &o));
	assert_ptr_equal(sfshm_shared(segment, NULL), h);
}

static void from_the_first_call_that_succeeds(void **state)
{
	struct sfshm_options o = with(0);
	struct sfshm *h;

	(void)state;
	assert_refused(o);
	assert_null(sfshm_shared(segment, NULL));
	o = with(1u << 30);
	assert_refused(o);
	o = with(0);
	assert_null(sfshm_shared("no name", &o));
	assert_true(strlen(why) > 0);
	h = shared();
	assert_ptr_equal(sfshm_shared(segment, NULL), h);
}

static void take_first(int member, void *handles)
{
	((struct sfshm **)handles)[member] = shared();
}

static void though_many_make_the_first_call(void **state)
{
	struct sfshm *handles[32];

	(void)state;
	for (int round = 0; round < 50; round++) {
		snprintf(segment, sizeof(segment), "test-%d-many-%d",
			 (int)getpid(), round);
		crowd_run(THREADS, 32, take_first, handles);
		for (int i = 0; i < 32; i++)
			assert_ptr_equal(handles[i],
					 sfshm_shared(segment, NULL));
		put(handles[0], "key");
		assert_int_equal(sfshm_unlink(segment), 0);
	}
}

static struct sfshm *inherited;

static void use_the_same(int depth, void *unused)
{
	int status, pid;
	char key[16];

	demand(shared() == inherited);
	snprintf(key, sizeof(key), "child-%d", depth);
	demand(get(inherited, "parents") == SFSHM_CACHED);
	put(inherited, key);
	if (!depth)
		return;
	pid = fork();
	demand(pid >= 0);
	if (!pid) {
		use_the_same(depth - 1, unused);
		_exit(0);
	}
	demand(waitpid(pid, &status, 0) == pid && status == 0);
}

static void to_all_children(void **state)
{
	(void)state;
	inherited = shared();
	put(inherited, "parents");
	assert_int_equal(child_gone(child_start(use_the_same, 2, NULL)), 0);
	assert_int_equal(get(inherited, "child-0"), SFSHM_CACHED);
	assert_sound(inherited);
}

static void follow_the_others(int unused, void *unused_too)
{
	(void)unused;
	(void)unused_too;
	demand(get(inherited, "others") == SFSHM_CACHED);
}

static void into_the_next_segment(void **state)
{
	struct sfshm_options o = with(0);
	struct sfshm *h = segment_open(NULL);

	(void)state;
	inherited = sfshm_shared(segment, &o);
	assert_non_null(inherited);
	put(inherited, "key");
	assert_int_equal(sfshm_unlink(segment), 0);
	clock_advance(1000);
	/* It was not asked to make any. */
	assert_int_equal(get(inherited, "key"), -ESHUTDOWN);
	assert_int_equal(sfshm_close(h), 0);
	h = segment_open(NULL);
	put(h, "others");
	assert_ptr_equal(sfshm_shared(segment, &o), inherited);
	assert_int_equal(get(inherited, "others"), SFSHM_CACHED);
	assert_int_equal(child_gone(child_start(follow_the_others, 0, NULL)),
			 0);
	assert_int_equal(sfshm_close(h), 0);
}

static void make_anew(int member, void *made)
{
	char key[16];

	demand(get(inherited, "key") == -ENODATA);
	snprintf(key, sizeof(key), "member-%d", member);
	put(inherited, key);
	fetch_add_acq_rel((uint32_t *)made, 1);
	demand(eventually(load_acquire((uint32_t *)made) == 8));
	for (int i = 0; i < 8; i++) {
		snprintf(key, sizeof(key), "member-%d", i);
		demand(get(inherited, key) == SFSHM_CACHED);
	}
}

/* All children of one parent find the file gone at once. */
static void which_one_of_all_makes(void **state)
{
	struct sfshm_options o = with(SFSHM_CREATE);
	uint32_t *made = shared_memory(sizeof(*made));
	struct sfshm *h;
	struct stat st;
	char path[256];
	int pids[8];

	(void)state;
	o.mode = 0640;
	inherited = sfshm_shared(segment, &o);
	assert_non_null(inherited);
	put(inherited, "key");
	assert_int_equal(sfshm_unlink(segment), 0);
	for (int i = 0; i < 8; i++)
		pids[i] = child_start(make_anew, i, made);
	for (int i = 0; i < 8; i++)
		assert_int_equal(child_gone(pids[i]), 0);
	assert_int_equal(sfshm_path(segment, path, sizeof(path)), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(get(inherited, "member-0"), SFSHM_CACHED);
	o = with(0);
	o.mode = 0640;
	assert_int_equal(sfshm_open(&h, segment, &o), 0);
	assert_int_equal(get(h, "member-7"), SFSHM_CACHED);
	assert_sound(h);
	assert_int_equal(sfshm_close(h), 0);
}

static void find_it_shut_as(int user, void *unused)
{
	(void)unused;
	demand(!setuid((uid_t)user));
	demand(get(inherited, "key") == -ESHUTDOWN);
}

/* Else it would leave a file that nobody can use, under the name. */
static void but_no_other_user(void **state)
{
	struct sfshm *h;

	(void)state;
	if (geteuid())
		skip();
	inherited = shared();
	put(inherited, "key");
	assert_int_equal(sfshm_unlink(segment), 0);
	assert_int_equal(child_gone(child_start(find_it_shut_as, 54321, NULL)),
			 0);
	assert_int_equal(sfshm_open(&h, segment, NULL), -ENOENT);
	assert_int_equal(get(inherited, "key"), -ENODATA);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(at_each_call),
		in_segment(with_the_first_callers_options),
		in_segment(from_the_first_call_that_succeeds),
		in_segment(though_many_make_the_first_call),
		in_segment(to_all_children),
		in_segment(into_the_next_segment),
		in_segment(which_one_of_all_makes),
		in_segment(but_no_other_user),
	};

	return test_main(tests);
}
