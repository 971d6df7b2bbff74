/* SPDX-License-Identifier: MIT */
/*
 * In a folder that everybody may write to, another user may take the name of a
 * segment, or a name that a resize needs, with a segment, a file, a link, or
 * anything else. The library refuses it and leaves it as it is, and another
 * name works.
 */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "agent.h"
#include "crowd.h"
#include "watch.h"

#define SQUATTER 54321

static void make_socket(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	demand(fd >= 0);
	demand(!bind(fd, (const struct sockaddr *)&name, sizeof(name)));
}

static void make_segment(const char *path)
{
	const struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE,
		.slots = 16,
		.mode = 0666,
	};
	struct sfshm *h;

	demand(sfshm_open(&h, path, &o) == 0);
}

static void make_empty(const char *path)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);

	demand(fd >= 0 && !fchmod(fd, 0666));
}

static void make_folder(const char *path)
{
	demand(!mkdir(path, 0777));
}

static void make_fifo(const char *path)
{
	demand(!mkfifo(path, 0666));
}

/* To a segment of the victim's that is fine. */
static char other_path[300];

static void make_link(const char *path)
{
	demand(!symlink(other_path, path));
}

static void make_link_to_nothing(const char *path)
{
	demand(!symlink("/dev/shm/sfshm-test-no-such-file", path));
}

static const struct squat {
	void (*make)(const char *path);
	const char *answer;
} squats[] = {
	{ make_segment, "-EPERM" },         { make_empty, "-EPERM" },
	{ make_folder, "-EPROTO" },         { make_fifo, "-EPROTO" },
	{ make_socket, "-EPROTO" },         { make_link, "-ELOOP" },
	{ make_link_to_nothing, "-ELOOP" },
};

#define SQUATS (sizeof(squats) / sizeof(squats[0]))

struct errand {
	const struct squat *squat;
	char path[300];
};

static void squat(int unused, void *arg)
{
	struct errand *e = arg;

	(void)unused;
	umask(0);
	demand(!setgid(SQUATTER) && !setuid(SQUATTER));
	e->squat->make(e->path);
}

static void take_place(const struct squat *s, const char *path)
{
	struct errand e = { .squat = s };

	snprintf(e.path, sizeof(e.path), "%s", path);
	assert_int_equal(child_gone(child_start(squat, 0, &e)), 0);
}

static struct stat look(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st;
}

static void assert_unchanged(const char *path, const struct stat *was)
{
	struct stat is = look(path);

	assert_int_equal(is.st_ino, was->st_ino);
	assert_int_equal(is.st_uid, SQUATTER);
	assert_int_equal(is.st_size, was->st_size);
	assert_int_equal(is.st_mtim.tv_nsec, was->st_mtim.tv_nsec);
	assert_int_equal(is.st_ctim.tv_nsec, was->st_ctim.tv_nsec);
}

static void our_name(void **state)
{
	struct agent *a = agent_start_bare(0);

	(void)state;
	agent_expect(a, "ok", "open %s-other", segment);
	snprintf(other_path, sizeof(other_path), "%s-other", watch_path());
	for (size_t i = 0; i < SQUATS; i++) {
		const struct squat *s = &squats[i];
		struct stat was;

		take_place(s, watch_path());
		was = look(watch_path());
		agent_expect(a, s->answer, "open %s", segment);
		agent_say(a, "why");
		assert_non_null(strstr(agent_hear(a), watch_path()));
		agent_expect(a, s->answer, "open %s existing", segment);
		agent_say(a, "unlink %s", segment);
		assert_string_not_equal(agent_hear(a), "ok");
		/* To look at it, where that is allowed, changes nothing. */
		agent_say(a, "view %s", segment);
		agent_hear(a);
		assert_unchanged(watch_path(), &was);
		assert_int_equal(remove(watch_path()), 0);
	}
	/* Gone, it is ours. */
	agent_expect(a, "ok", "open %s", segment);
	agent_expect(a, "ok", "unlink %s-other", segment);
}

/* The live segment goes on whatever stands where its successor is to be. */
static void names_that_a_resize_needs(void **state)
{
	static const char *const tails[] = { "~", "~new" };
	struct agent *a = agent_start();
	char path[300];

	(void)state;
	agent_expect(a, "leader", "begin key forever");
	agent_expect(a, "ok", "publish value");
	snprintf(other_path, sizeof(other_path), "%s", watch_path());
	for (size_t i = 0; i < 2 * SQUATS; i++) {
		const struct squat *s = &squats[i / 2];
		struct stat was;

		snprintf(path, sizeof(path), "%s%s", watch_path(),
			 tails[i % 2]);
		take_place(s, path);
		was = look(path);
		agent_expect(a, "-EEXIST", "resize %s slots=64", segment);
		assert_unchanged(path, &was);
		agent_expect(a, "cached value", "get key");
		agent_expect(a, "0", "verify");
		assert_int_equal(remove(path), 0);
	}
	agent_expect(a, "ok", "resize %s slots=64", segment);
	agent_expect(a, "cached value", "get key");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(our_name),
		in_segment(names_that_a_resize_needs),
	};

	if (geteuid() != 0)
		return skip_all("to become another user takes root");
	return test_main(tests);
}
