/* SPDX-License-Identifier: MIT */
#include "segment/fingerprint.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/atomics.h"
#include "os/hash.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static union {
	pthread_mutex_t mutex;
	uint32_t words[sizeof(pthread_mutex_t) / sizeof(uint32_t)];
} pattern;
static struct shm_fingerprint found;
static int failed = -ENOTSUP;

struct robust_head *robust_head(void)
{
	struct robust_head *head = NULL;
	size_t size = 0;

	if (syscall(SYS_get_robust_list, 0, &head, &size))
		return NULL;
	return head;
}

static int make_pattern(void)
{
	pthread_mutexattr_t attr;
	int r;

	memset(&pattern, 0, sizeof(pattern));
	r = pthread_mutexattr_init(&attr);
	if (r)
		return -r;
	r = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	if (!r)
		r = pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	if (!r)
		r = pthread_mutex_init(&pattern.mutex, &attr);
	pthread_mutexattr_destroy(&attr);
	return -r;
}

/* Locks a mutex of our own: its list entry is the newest, so comes first. */
static int locate_word(struct shm_fingerprint *f)
{
	static pthread_mutex_t probe;
	struct robust_head *head;
	uintptr_t word;

	memcpy(&probe, &pattern.mutex, sizeof(probe));
	if (pthread_mutex_lock(&probe))
		return -ENOTSUP;
	head = robust_head();
	word = head ? (uintptr_t)head->next + (uintptr_t)head->futex_offset : 0;
	pthread_mutex_unlock(&probe);
	if (word < (uintptr_t)&probe ||
	    word > (uintptr_t)&probe + sizeof(probe) - sizeof(uint32_t))
		return -ENOTSUP;
	f->word_offset = (uint32_t)(word - (uintptr_t)&probe);
	f->robust_offset = head->futex_offset;
	return 0;
}

static void read_once(void)
{
	failed = make_pattern();
	if (failed)
		return;
	found.mutex_size = sizeof(pthread_mutex_t);
	found.mutex_pattern = hash_bytes(&pattern, sizeof(pattern), 0);
	failed = locate_word(&found);
}

int fingerprint_read(struct shm_fingerprint *out)
{
	pthread_once(&once, read_once);
	*out = found;
	return failed;
}

bool mutex_prepare(pthread_mutex_t *mutex)
{
	uint32_t *words = (uint32_t *)(void *)mutex;

	for (size_t i = 0; i < sizeof(pattern.words) / sizeof(uint32_t); i++) {
		if (!pattern.words[i])
			continue;
		cas_acq_rel(&words[i], 0, pattern.words[i]);
		if (load_relaxed(&words[i]) != pattern.words[i])
			return false;
	}
	return true;
}
