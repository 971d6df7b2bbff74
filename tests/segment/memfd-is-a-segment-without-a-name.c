/* SPDX-License-Identifier: MIT */
/*
 * A child inherits such a segment as a descriptor, and no process can find it
 * by name.
 */
#include <fcntl.h>
#include <sys/mman.h>

#include "agent.h"
#include "crowd.h"
#include "testing.h"

static const struct sfshm_options small = {
	.size = sizeof(small),
	.slots = 64,
	.bytes = 1 << 20,
};

static void agents_share_it(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int fd = sfshm_memfd("test", &small), inherited;
	struct agent *a, *b;
	struct sfshm *h;

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	inherited = fcntl(fd, F_DUPFD, 100);
	assert_true(inherited >= 0);
	a = agent_start_bare(0);
	b = agent_start_bare(0);
	close(inherited);
	agent_expect(a, "ok", "open-fd %d", inherited);
	agent_expect(b, "ok", "open-fd %d", inherited);
	assert_int_equal(sfshm_open_fd(&h, fd, NULL), 0);

	agent_expect(a, "leader", "begin key forever");
	agent_expect(b, "-EBUSY", "begin key try");
	agent_say(b, "begin key");
	assert_true(eventually(({
		agent_say(a, "waiters");
		!strcmp(agent_hear(a), "1");
	})));
	/* Liveness is known without a name as well. */
	agent_kill(a);
	agent_answers(b, "leader owner_died");
	agent_expect(b, "ok", "publish value");
	agent_expect(b, "leader", "begin key");
	agent_expect(b, "ok", "publish again");
	assert_int_equal(sfshm_get(h, "key", 3, &result), -ENODATA);
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static void children_open_what_they_inherit(int unused, void *arg)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	const int *fd = arg;
	struct sfshm *h;

	(void)unused;
	demand(sfshm_open_fd(&h, *fd, NULL) == 0);
	demand(sfshm_get(h, "key", 3, &result) == SFSHM_CACHED);
	demand(sfshm_close(h) == 0);
	sfshm_result_clear(&result);
}

static void a_preforking_parent_hands_it_on(void **state)
{
	const struct sfshm_policy keep = {
		.size = sizeof(keep),
		.ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int fd = sfshm_memfd("test", &small);
	struct sfshm_flight flight;
	struct sfshm *h;

	(void)state;
	assert_int_equal(sfshm_open_fd(&h, fd, NULL), 0);
	assert_int_equal(sfshm_begin(h, "key", 3, &keep, &flight, &result),
			 SFSHM_LEADER);
	assert_int_equal(sfshm_publish(&flight, "v", 1), 0);
	assert_int_equal(child_gone(child_start(children_open_what_they_inherit,
						0, &fd)),
			 0);
	assert_sound(h);
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

/* Nobody can cut it off under those who have it mapped. */
static void it_cannot_shrink(void **state)
{
	int fd = sfshm_memfd(NULL, &small);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(ftruncate(fd, 1 << 30), -1);
	close(fd);
}

static void other_descriptors_are_refused(void **state)
{
	int fd = memfd_create("test", MFD_CLOEXEC), ends[2];
	struct sfshm *h = NULL;

	(void)state;
	assert_int_equal(sfshm_open_fd(&h, -1, NULL), -EBADF);
	assert_int_equal(sfshm_open_fd(NULL, fd, NULL), -EINVAL);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(sfshm_open_fd(&h, fd, NULL), -EPROTO);
	assert_null(h);
	/* It was taken over. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sfshm_open_fd(&h, ends[0], NULL), -EPROTO);
	close(ends[1]);
	assert_int_equal(sfshm_open_fd(&h, 999, NULL), -EBADF);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(agents_share_it),
		in_segment(a_preforking_parent_hands_it_on),
		in_segment(it_cannot_shrink),
		in_segment(other_descriptors_are_refused),
	};

	return test_main(tests);
}
