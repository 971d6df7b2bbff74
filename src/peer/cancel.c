/* SPDX-License-Identifier: MIT */
#include <sfshm/cancel.h>

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/atomics.h"
#include "os/sys.h"
#include "peer/polled.h"

uint32_t polled_cancelled;

/* A raw call: signal handlers call this, and must find errno unchanged. */
void polled_wake(uint32_t *word)
{
	int saved = errno;

	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
	errno = saved;
}

void sfshm_cancel_fire(struct sfshm_cancel *token)
{
	store_release(&token->word, 1);
	polled_wake(&token->word);
	/*
	 * ORDER-Q3 pairs ORDER-Q4
	 * The token is fired before the count grows.
	 */
	fetch_add_acq_rel(&polled_cancelled, 1);
	polled_wake(&polled_cancelled);
}

void sfshm_cancel_reset(struct sfshm_cancel *token)
{
	store_release(&token->word, 0);
}

uint64_t sfshm_deadline_ms(uint64_t ms)
{
	return ns_after(sys.now(), ms);
}
