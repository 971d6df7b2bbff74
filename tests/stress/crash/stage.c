/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/semaphore.h>
#include <sfshm/tag.h>

#include "waits.h"

#define PATIENCE_MS 60000

static char folder[64];

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void stage_folder(void)
{
	snprintf(folder, sizeof(folder), "/dev/shm/crashtest-%d",
		 (int)getpid());
	if (mkdir(folder, 0700)) {
		fprintf(stderr, "crashtest: cannot make %s: %s\n", folder,
			strerror(errno));
		exit(2);
	}
}

void stage_folder_remove(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void stage_path(char *path, size_t size)
{
	static unsigned int count;

	snprintf(path, size, "%s/%d-%u", folder, (int)getpid(), count++);
}

struct stage *stage_make(void)
{
	struct stage *st = mmap(NULL, sizeof(*st), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (st == MAP_FAILED) {
		perror("crashtest: mmap");
		exit(2);
	}
	stage_path(st->path, sizeof(st->path));
	return st;
}

void stage_free(struct stage *st)
{
	char old[sizeof(st->path) + 8];

	unlink(st->path);
	snprintf(old, sizeof(old), "%s~", st->path);
	unlink(old);
	snprintf(old, sizeof(old), "%s~new", st->path);
	unlink(old);
	munmap(st, sizeof(*st));
}

void stage_wrong(struct stage *st, const char *file, int line, const char *what)
{
	if (!st->wrong[0])
		snprintf(st->wrong, sizeof(st->wrong), "%s:%d: not so: %s",
			 file, line, what);
	_exit(9);
}

void stage_create(struct stage *st)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		.slots = STAGE_SLOTS,
		.participants = STAGE_PARTICIPANTS,
		.bytes = STAGE_BYTES,
		.max_value = STAGE_MAX_VALUE,
	};
	struct sfshm *h;

	if (sfshm_open(&h, st->path, &o) || sfshm_close(h)) {
		fprintf(stderr, "crashtest: cannot make %s\n", st->path);
		exit(2);
	}
}

struct sfshm *stage_open(const struct stage *st)
{
	struct sfshm *h = NULL;

	return sfshm_open(&h, st->path, NULL) ? NULL : h;
}

static uint32_t key_index(struct stage *st, const char *key)
{
	uint32_t i = 0;

	while (i < st->keys && strcmp(st->key[i].key, key) != 0)
		i++;
	insist(st, i < STAGE_KEYS);
	if (i == st->keys) {
		snprintf(st->key[i].key, sizeof(st->key[i].key), "%s", key);
		st->keys++;
	}
	return i;
}

void stage_note_led(struct stage *st, const char *key, uint64_t generation)
{
	uint32_t i = key_index(st, key);

	insist(st, st->key[i].led < generation);
	st->key[i].led = generation;
}

void stage_note_published(struct stage *st, const char *key,
			  uint64_t generation)
{
	st->key[key_index(st, key)].published = generation;
}

uint64_t stage_led(struct stage *st, const char *key)
{
	return st->key[key_index(st, key)].led;
}

/* What a helper has in its hands. */
struct hands {
	struct stage *st;
	const char *key;
	struct sfshm *h;
	struct sfshm_flight flight;
	struct sfshm_result result;
	struct sfshm_pin pin;
	struct sfshm_lock lock;
	struct sfshm_permit permit[2];
	int permits;
};

static void take_flight(struct hands *m, uint32_t lock_age_ms,
			const char *claim)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	int r;

	policy.ttl_ms = SFSHM_FOREVER;
	policy.flags = SFSHM_REFRESH | SFSHM_KEEP;
	policy.lock_age_ms = lock_age_ms;
	policy.claim_key = claim;
	policy.claim_key_len = claim ? strlen(claim) : 0;
	r = sfshm_begin(m->h, m->key, strlen(m->key), &policy, &m->flight,
			&m->result);
	insist(m->st, r == SFSHM_LEADER);
	stage_note_led(m->st, m->key, m->result.generation);
}

static void ask(struct hands *m)
{
	int r = sfshm_begin(m->h, m->key, strlen(m->key), NULL, &m->flight,
			    &m->result);

	insist(m->st, r == SFSHM_LEADER || r == SFSHM_AWAITED ||
			      r == SFSHM_CACHED || r == -EREMOTEIO);
	if (r == SFSHM_LEADER)
		insist(m->st, sfshm_publish(&m->flight, "x", 1) == 0);
}

static void publish(struct hands *m, size_t len)
{
	uint8_t data[512];

	pattern_fill(data, len, (unsigned int)len);
	insist(m->st, sfshm_publish(&m->flight, data, len) == 0);
	stage_note_published(m->st, m->key,
			     sfshm_flight_generation(&m->flight));
}

/* Waits, and leaves before there is anything. */
static void ask_in_vain(struct hands *m)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	policy.deadline_ns = sfshm_deadline_ms(1);
	insist(m->st, sfshm_begin(m->h, m->key, strlen(m->key), &policy,
				  &m->flight, &m->result) == -ETIMEDOUT);
}

static void take_lock(struct hands *m)
{
	insist(m->st,
	       sfshm_lock(m->h, m->key, strlen(m->key), NULL, &m->lock) >= 0);
	m->st->lock.generation = sfshm_lock_generation(&m->lock);
}

static void share_lock(struct hands *m)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;

	o.flags = SFSHM_LOCK_SHARED;
	insist(m->st,
	       sfshm_lock(m->h, m->key, strlen(m->key), &o, &m->lock) >= 0);
}

static void take_permit(struct hands *m)
{
	struct sfshm_semaphore_options o = SFSHM_SEMAPHORE_OPTIONS_INIT;

	o.max = 2;
	insist(m->st, sfshm_acquire(m->h, m->key, strlen(m->key), &o,
				    &m->permit[m->permits]) == 0);
	m->permits++;
}

static void obey(struct hands *m, char letter)
{
	size_t n = strlen(m->key);

	switch (letter) {
	case 'a':
		insist(m->st,
		       sfshm_get(m->h, "nothing", 7, &m->result) == -ENODATA);
		break;
	case 'l': take_flight(m, 0, NULL); break;
	case 'L': take_flight(m, 1, NULL); break;
	case 'c': take_flight(m, 0, STAGE_CLAIM); break;
	case 'w': ask(m); break;
	case 't': ask_in_vain(m); break;
	case 'p': publish(m, 40); break;
	case 'P': publish(m, 300); break;
	case 'U':
		sfshm_flight_uncacheable(&m->flight, 0);
		insist(m->st, sfshm_publish(&m->flight, "x", 1) == 0);
		break;
	case 'f':
		insist(m->st, sfshm_fail(&m->flight, -5, "some words") == 0);
		break;
	case 'r': insist(m->st, sfshm_release(&m->flight) == 0); break;
	case 'n':
		insist(m->st,
		       sfshm_pin(m->h, m->key, n, &m->pin, &m->result) == 0);
		break;
	case 'u': insist(m->st, sfshm_unpin(&m->pin) == 0); break;
	case 'i':
		insist(m->st, sfshm_invalidate_tag(m->h, STAGE_TAG,
						   strlen(STAGE_TAG)) == 0);
		break;
	case 'k': take_lock(m); break;
	case 'h': share_lock(m); break;
	case 'K':
		take_lock(m);
		/* fallthrough */
	case 'o': insist(m->st, sfshm_unlock(&m->lock) == 0); break;
	case 's': take_permit(m); break;
	case 'z':
		insist(m->st,
		       sfshm_permit_release(&m->permit[--m->permits]) == 0);
		break;
	case 'x': insist(m->st, sfshm_forget(m->h, m->key, n) == 0); break;
	default: insist(m->st, !"a letter that is known");
	}
}

static void play(struct stage *st, const char *key, int fd)
{
	static struct hands mine;
	char letter;

	mine.st = st;
	mine.key = key;
	mine.result = (struct sfshm_result)SFSHM_RESULT_INIT;
	waits_never_recheck();
	mine.h = stage_open(st);
	insist(st, mine.h);
	while (read(fd, &letter, 1) == 1) {
		obey(&mine, letter);
		if (write(fd, &letter, 1) != 1)
			break;
	}
	_exit(0);
}

struct helper helper_start(struct stage *st, const char *key)
{
	struct helper h = { 0 };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		perror("crashtest: socketpair");
		exit(2);
	}
	h.pid = fork();
	if (!h.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		play(st, key, ends[1]);
	}
	close(ends[1]);
	h.fd = ends[0];
	return h;
}

char stage_state(pid_t pid)
{
	char path[64], text[256] = "";
	FILE *f;
	char state = '?';
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (fgets(text, sizeof(text), f)) {
		at = strrchr(text, ')');
		if (at)
			state = at[2];
	}
	fclose(f);
	return state;
}

bool stage_asleep(pid_t pid)
{
	return stage_state(pid) == 'S';
}

void helper_cue_only(struct helper *h, char letter)
{
	if (write(h->fd, &letter, 1) != 1)
		perror("crashtest: a helper is gone");
}

bool helper_answered(struct helper *h, int timeout_ms)
{
	struct pollfd p = { .fd = h->fd, .events = POLLIN };
	char letter;

	return poll(&p, 1, timeout_ms) == 1 && read(h->fd, &letter, 1) == 1;
}

void helper_cue(struct stage *st, struct helper *h, char letter)
{
	helper_cue_only(h, letter);
	if (!helper_answered(h, PATIENCE_MS) && !st->wrong[0])
		snprintf(st->wrong, sizeof(st->wrong),
			 "a helper did not answer '%c'", letter);
}

void helper_kill(struct helper *h)
{
	if (!h->pid)
		return;
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	close(h->fd);
	h->pid = 0;
}

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint8_t byte_at(unsigned int seed, size_t i)
{
	return (uint8_t)(seed + i * 7 + (i >> 6) * 29);
}

void pattern_fill(uint8_t *data, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = byte_at(seed, i);
}

bool pattern_whole(const uint8_t *data, size_t len, unsigned int *seed)
{
	*seed = len ? data[0] : 0;
	for (size_t i = 0; i < len; i++)
		if (data[i] != byte_at(*seed, i))
			return false;
	return true;
}
