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

/* A raw call: signal handlers call this, and must find errno unchanged. */
void sfshm_cancel_fire(struct sfshm_cancel *token)
{
	int saved = errno;

	store_release(&token->word, 1);
	syscall(SYS_futex, &token->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL,
		NULL, 0);
	errno = saved;
}

void sfshm_cancel_reset(struct sfshm_cancel *token)
{
	store_release(&token->word, 0);
}

uint64_t sfshm_deadline_ms(uint64_t ms)
{
	return ns_after(sys.now(), ms);
}
