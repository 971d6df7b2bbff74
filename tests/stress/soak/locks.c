/* SPDX-License-Identifier: MIT */
/*
 * Locks, held alone or shared: by a name, by a file's path, which a symbolic
 * link has, too, or by the file, of which there are two paths. Each holder has
 * a word on the board, which says how it holds the lock. A dead holder's word
 * stays until main clears it. So a holder that finds another one's word, which
 * does not go with its own, waits for that word to change: if the same process
 * has changed it, that process was alive, and both held the lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sfshm.h>
#include <sfshm/lock.h>
#include <sfshm/semaphore.h>

#include "board.h"
#include "os/atomics.h"

#define WAIT_MS 100
/*
 * No hold lasts for so many looks at its word, nor does main take so long to
 * clear the word of a dead holder: a busy machine delays who looks, too.
 */
#define LOOKS 100000

enum hold { HOLD_NONE, HOLD_SHARED, HOLD_ALONE };

static void path_of(char *path, size_t size, const char *kind)
{
	snprintf(path, size, "/tmp/%s.%s", board->segment, kind);
}

bool locks_begin(void)
{
	char file[80], other[80], symbolic[80];
	int fd;

	path_of(file, sizeof(file), "file");
	path_of(other, sizeof(other), "link");
	path_of(symbolic, sizeof(symbolic), "symlink");
	fd = open(file, O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd >= 0 && !close(fd) && !link(file, other) &&
	       !symlink(file, symbolic);
}

void locks_end(void)
{
	static const char *const kinds[] = { "file", "link", "symlink" };
	char path[80];

	for (int i = 0; i < 3; i++) {
		path_of(path, sizeof(path), kinds[i]);
		unlink(path);
	}
}

void locks_forget(unsigned int at)
{
	for (int i = 0; i < LOCKS; i++)
		store_seq(&board->holds[i][at], 0);
}

static int call(struct sfshm *handle, uint32_t n,
		const struct sfshm_lock_options *o, struct sfshm_lock *lock)
{
	struct sfshm_lock_options own = *o;
	char name[80];
	int len;

	if (n < 2) {
		len = snprintf(name, sizeof(name), "soak's lock %" PRIu32, n);
		return sfshm_lock(handle, name, (size_t)len, o, lock);
	}
	own.flags |= n == 3 ? SFSHM_LOCK_INODE : 0;
	path_of(name, sizeof(name),
		random_below(2) ? "file" :
		n == 3          ? "link" :
				  "symlink");
	return sfshm_lock_path(handle, name, &own, lock);
}

static void clear(uint32_t n, int r, struct sfshm_lock *lock)
{
	if (r >= 0)
		r = sfshm_unlock(lock);
	if (r)
		violation("nobody is left, yet a lock (%" PRIu32 ") says: %s",
			  n, sfshm_strerror(r));
}

void lock_clear(struct sfshm *handle, const char *name, size_t len)
{
	struct sfshm_lock lock;

	clear(LOCKS, sfshm_trylock(handle, name, len, &lock), &lock);
}

void semaphore_clear(struct sfshm *handle, const char *name, size_t len)
{
	int r = sfshm_semaphore_remove(handle, name, len);

	if (r && r != -ENODATA)
		violation("the semaphore %s cannot be removed: %s", name,
			  sfshm_strerror(r));
}

void locks_clear(struct sfshm *handle)
{
	struct sfshm_lock_options o = SFSHM_LOCK_OPTIONS_INIT;
	struct sfshm_lock lock;

	o.flags = SFSHM_LOCK_TRY;
	for (uint32_t n = 0; n < LOCKS; n++)
		clear(n, call(handle, n, &o, &lock), &lock);
	lock_clear(handle, LEFT, strlen(LEFT));
	semaphore_clear(handle, LEFT, strlen(LEFT));
}

static void choose(struct sfshm_lock_options *o)
{
	*o = (struct sfshm_lock_options)SFSHM_LOCK_OPTIONS_INIT;
	if (random_below(3))
		o->flags |= SFSHM_LOCK_SHARED;
	if (random_below(4) == 0)
		o->flags |= SFSHM_LOCK_TRY;
	if (random_below(4) == 0)
		o->wait_timeout_ms = 1 + random_below(WAIT_MS);
	if (random_below(4) == 0)
		o->deadline_ns = sfshm_deadline_ms(WAIT_MS);
	o->rank = random_below(SFSHM_LOCK_RANK_MAX + 1);
	if (random_below(8))
		return;
	sfshm_cancel_reset(&policy_token);
	o->cancel = &policy_token;
	if (random_below(2))
		sfshm_cancel_fire(&policy_token);
	if (random_below(2))
		o->flags |= SFSHM_LOCK_CANCEL_FIRST;
}

static bool may_say(const struct sfshm_lock_options *o, int r)
{
	switch (r) {
	case -EBUSY: count(TALLY_locks_busy); return o->flags & SFSHM_LOCK_TRY;
	case -ETIMEDOUT:
		count(TALLY_timeouts);
		return o->wait_timeout_ms || o->deadline_ns;
	case -ECANCELED: count(TALLY_cancelled); return o->cancel;
	case -ENOSPC: count(TALLY_no_room); return true;
	default: return false;
	}
}

static void look_at(uint32_t n, unsigned int at, enum hold how)
{
	uint64_t *word = &board->holds[n][at], seen = load_seq(word), now;

	if (seen % 4 == HOLD_NONE ||
	    (seen % 4 == HOLD_SHARED && how == HOLD_SHARED))
		return;
	for (int i = 0; (now = load_seq(word)) == seen && i < LOOKS; i++)
		usleep(100);
	if (now >> 32 == seen >> 32)
		violation("lock %" PRIu32 " is held %s while process %" PRIu64
			  " holds it %s",
			  n, how == HOLD_SHARED ? "shared" : "alone",
			  seen >> 32,
			  seen % 4 == HOLD_SHARED ? "shared" : "alone");
}

static void look_for_others(uint32_t n, unsigned int mine, enum hold how)
{
	for (unsigned int i = 0; i < WORKERS; i++)
		if (i != mine)
			look_at(n, i, how);
}

static void hold(uint32_t n, unsigned int mine, enum hold how)
{
	static uint32_t number;
	uint64_t *word = &board->holds[n][mine];
	uint64_t me = (uint64_t)getpid() << 32;

	number += 4;
	store_seq(word, me | number | (uint32_t)how);
	look_for_others(n, mine, how);
	if (random_below(2))
		usleep(random_below(300));
	look_for_others(n, mine, how);
	number += 4;
	store_seq(word, me | number);
}

void lock_act(struct sfshm *handle, unsigned int mine)
{
	uint32_t n = random_below(LOCKS);
	struct sfshm_lock_options o;
	struct sfshm_lock lock;
	bool shared;
	int r;

	choose(&o);
	shared = o.flags & SFSHM_LOCK_SHARED;
	r = call(handle, n, &o, &lock);
	if (r < 0) {
		if (!may_say(&o, r))
			violation("lock %" PRIu32 " says: %s", n,
				  sfshm_strerror(r));
		return;
	}
	count(shared ? TALLY_locks_shared : TALLY_locks_alone);
	hold(n, mine, shared ? HOLD_SHARED : HOLD_ALONE);
	r = sfshm_unlock(&lock);
	if (r)
		violation("unlock says: %s", sfshm_strerror(r));
}
