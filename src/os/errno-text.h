/* SPDX-License-Identifier: MIT */
/*
 * The system's own text for an error number: in English, static, never NULL,
 * safe in threads and in signal handlers.
 */
#ifndef OS_ERRNO_TEXT_H
#define OS_ERRNO_TEXT_H

#include <string.h>

static inline const char *errno_text(int error)
{
#ifdef __GLIBC__
	const char *text = strerrordesc_np(error);

	return text ? text : "unknown error";
#else
	/* musl's strerror() returns constants, which no call overwrites. */
	return strerror(error);
#endif
}

#endif
