/* SPDX-License-Identifier: MIT */
/*
 * The test tries each step that needs memory with room for no page, one page,
 * two pages, and so on until it succeeds. Before that the step fails with
 * -ENOSPC and changes nothing; with room again the same step succeeds.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "agent.h"
#include "testing.h"

#define PAGE 4096
#define SHM "/dev/shm"
#define FILLER SHM "/filler"
#define MOST_PAGES 2000

#define SHAPE "slots=2048 participants=64 bytes=4194304 max=524288"
#define LONG_KEY                                                  \
	"a-key-that-is-longer-than-what-a-slot-has-room-for-and-" \
	"so-needs-memory-of-its-own-which-is-taken-from-that-of-values"

struct step {
	const char *name;
	const char *before[6]; /* with room; answers do not matter */
	const char *says, *answer;
	bool makes;        /* it makes a file */
	const char *holds; /* what this key is answered all the while */
};

static struct step steps[] = {
	{ .name = "create",
	  .says = "open %s " SHAPE,
	  .answer = "ok",

	  .makes = true },
	{ .name = "attach",
	  .before = { "open %s " SHAPE },
	  .says = "get key",
	  .answer = "-ENODATA" },
	{ .name = "begin a first key",
	  .before = { "open %s " SHAPE, "get key" },
	  .says = "begin key",
	  .answer = "leader" },
	{ .name = "publish a large value",
	  .before = { "open %s " SHAPE, "begin key forever keep" },
	  .says = "publish-bytes 500000 1",
	  .answer = "ok" },
	{ .name = "publish over another value",
	  .before = { "open %s " SHAPE, "begin key forever", "publish old",
		      "begin key forever refresh keep" },
	  .says = "publish-bytes 500000 1",
	  .answer = "ok",
	  .holds = "cached old" },
	{ .name = "resize",
	  .before = { "open %s " SHAPE, "begin key forever", "publish old" },
	  .says = "resize %s slots=4096 bytes=8388608",
	  .answer = "ok",
	  .makes = true,
	  .holds = "cached old" },
};

/* Those that need none succeed without any. */
static struct step needless[] = {
	{ .name = "begin a long key",
	  .before = { "open %s " SHAPE, "begin other", "release" },
	  .says = "begin " LONG_KEY,
	  .answer = "leader" },
	{ .name = "publish a small value",
	  .before = { "open %s " SHAPE, "begin key forever keep" },
	  .says = "publish value",
	  .answer = "ok" },
	{ .name = "publish nothing",
	  .before = { "open %s " SHAPE, "begin key forever keep" },
	  .says = "publish ",
	  .answer = "ok" },
	{ .name = "fail",
	  .before = { "open %s " SHAPE, "begin key neg=1000" },
	  .says = "fail -5 words",
	  .answer = "ok" },
	{ .name = "release",
	  .before = { "open %s " SHAPE, "begin key" },
	  .says = "release",
	  .answer = "ok" },
	{ .name = "get",
	  .before = { "open %s " SHAPE, "begin key forever", "publish old" },
	  .says = "get key",
	  .answer = "cached old" },
	{ .name = "pin",
	  .before = { "open %s " SHAPE, "begin key forever", "publish old" },
	  .says = "pin key",
	  .answer = "ok" },
	{ .name = "begin a key that was there",
	  .before = { "open %s " SHAPE, "begin key", "release" },
	  .says = "begin key",
	  .answer = "leader" },
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))
#define NEEDLESS (sizeof(needless) / sizeof(needless[0]))

/* This process's and its agents' own /dev/shm. */
static void mount_empty(void)
{
	static bool mounted;

	if (mounted)
		assert_int_equal(umount2(SHM, MNT_DETACH), 0);
	assert_int_equal(mount("none", SHM, "tmpfs", 0, "size=24m,mode=1777"),
			 0);
	mounted = true;
}

/* Takes up all that is left but `pages`. */
static void fill_all_but(unsigned int pages)
{
	static const uint8_t block[16 * PAGE] = { 1 };
	int fd = open(FILLER, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	off_t size = 0;
	ssize_t n;

	assert_true(fd >= 0);
	while ((n = write(fd, block, sizeof(block))) > 0)
		size += n;
	assert_true(size > (off_t)pages * PAGE);
	assert_int_equal(ftruncate(fd, size - (off_t)pages * PAGE), 0);
	close(fd);
}

static int files(void)
{
	DIR *dir = opendir(SHM);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2;
}

static const char *tell(struct agent *a, const char *line)
{
	char full[512];

	/* Each names the segment once, or not at all. */
	snprintf(full, sizeof(full), "%.*s%s%s",
		 (int)(strstr(line, "%s") ? strstr(line, "%s") - line :
					    (long)strlen(line)),
		 line, strstr(line, "%s") ? segment : "",
		 strstr(line, "%s") ? strstr(line, "%s") + 2 : "");
	agent_say(a, "%s", full);
	return agent_hear(a);
}

/* It failed for want of room, has changed nothing, and succeeds with room. */
static void fails_well(struct agent *a, const struct step *s, int files_before)
{
	assert_string_equal(a->line, "-ENOSPC");
	assert_int_equal(files(), files_before);
	if (s->holds)
		assert_string_equal(tell(a, "get key"), s->holds);
	assert_int_equal(unlink(FILLER), 0);
	assert_string_equal(tell(a, s->says), s->answer);
	if (s->holds && s->makes)
		assert_string_equal(tell(a, "get key"), s->holds);
}

/*
 * True: the step succeeded with that many pages. A resize may leave values
 * behind that find no room: then it was not enough.
 */
static bool with_room_for(const struct step *s, unsigned int pages)
{
	struct agent *a = agent_start_bare(0);
	bool enough;
	int before;

	mount_empty();
	for (int i = 0; i < 6 && s->before[i]; i++)
		tell(a, s->before[i]);
	fill_all_but(pages);
	before = files();
	enough = !strcmp(tell(a, s->says), s->answer);
	if (!enough) {
		fails_well(a, s, before);
	} else {
		if (s->holds && s->makes)
			enough = !strcmp(tell(a, "get key"), s->holds);
		if (!enough)
			assert_string_equal(a->line, "-ENODATA");
		assert_int_equal(unlink(FILLER), 0);
	}
	tell(a, "release");
	agent_expect(a, "0", "verify");
	agent_end_all();
	return enough;
}

static void fails_until_there_is_room(void **state)
{
	const struct step *s = *state;
	unsigned int pages = 0;

	while (!with_room_for(s, pages)) {
		pages += pages < 24 ? 1 : 13;
		assert_in_range(pages, 0, MOST_PAGES);
	}
	printf("# %s: succeeds with room for %u pages\n", s->name, pages);
	assert_in_range(pages, 1, MOST_PAGES);
}

static void succeeds_without_room(void **state)
{
	assert_true(with_room_for(*state, 0));
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[STEPS + NEEDLESS];

	for (size_t i = 0; i < STEPS + NEEDLESS; i++) {
		struct step *s = i < STEPS ? &steps[i] : &needless[i - STEPS];

		tests[i] = (struct CMUnitTest){
			s->name,
			i < STEPS ? fails_until_there_is_room :
				    succeeds_without_room,
			segment_setup,
			segment_teardown,
			s,
		};
	}
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return skip_all("mounting takes root");
	return test_main(tests);
}
