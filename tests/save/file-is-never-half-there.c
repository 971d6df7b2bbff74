/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-S4: a process that opens the path meanwhile finds the old file or
 * the new one, whole; or none if there was none.
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "crowd.h"
#include "saving.h"
#include "sync/savefile.h"

#define SIZE 100000
#define SAVES (200 / SLOWNESS)

struct shared {
	uint32_t done;
	uint64_t seen;
};

static void save_one(struct sfshm *h, int i)
{
	const struct sfshm_save_options again = {
		.size = sizeof(again),
		.flags = SFSHM_SAVE_AGAIN,
		.ttl_ms = SFSHM_FOREVER,
	};
	static uint8_t data[SIZE];
	struct sfshm_save save;

	savefile_named_only = i & 1;
	value_fill(data, sizeof(data), (unsigned int)i & 0x7f);
	saving_begin(h, "key", &again, SFSHM_LEADER, &save, NULL);
	for (size_t at = 0; at < sizeof(data); at += SIZE / 10)
		demand(write(sfshm_save_fd(&save), data + at, SIZE / 10) ==
		       SIZE / 10);
	demand(sfshm_save_publish(&save) == 0);
}

static void look(struct shared *s)
{
	static uint8_t data[SIZE + 1];
	int fd = open(saving_path("file"), O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		demand(errno == ENOENT && !s->seen);
		return;
	}
	n = read(fd, data, sizeof(data));
	demand(n == SIZE && value_seed(data, SIZE) >= 0);
	close(fd);
	s->seen++;
}

static void write_or_read(int member, void *arg)
{
	struct shared *s = arg;
	struct sfshm *h;

	if (member) {
		while (!load_acquire(&s->done))
			look(s);
		return;
	}
	h = segment_open(NULL);
	for (int i = 0; i < SAVES; i++)
		save_one(h, i);
	store_release(&s->done, 1);
	demand(sfshm_close(h) == 0);
}

static void old_or_new(void **state)
{
	struct shared *s = shared_memory(sizeof(*s));

	(void)state;
	crowd_run(PROCESSES, 2, write_or_read, s);
	assert_true(s->seen > 0);
	assert_int_equal(saving_entries(), 1);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_folder(old_or_new),
	};

	return test_main(tests);
}
