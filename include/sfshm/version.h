/* SPDX-License-Identifier: MIT */
#ifndef SFSHM_VERSION_H
#define SFSHM_VERSION_H

#define SFSHM_VERSION_MAJOR 0
#define SFSHM_VERSION_MINOR 1
#define SFSHM_VERSION_PATCH 0
#define SFSHM_VERSION "0.1.0"

/* The library is built with hidden visibility. It exports only what is declared
   between SFSHM_BEGIN_DECLS and SFSHM_END_DECLS. */
#ifdef __cplusplus
#define SFSHM_BEGIN_DECLS \
	extern "C" {      \
	_Pragma("GCC visibility push(default)")
#define SFSHM_END_DECLS               \
	_Pragma("GCC visibility pop") \
	}
#else
#define SFSHM_BEGIN_DECLS _Pragma("GCC visibility push(default)")
#define SFSHM_END_DECLS _Pragma("GCC visibility pop")
#endif

#define SFSHM_CHECKED __attribute__((warn_unused_result))

SFSHM_BEGIN_DECLS

/*
 * Returns the version of the running library as "major.minor.patch", which may
 * differ from the header's SFSHM_VERSION. The string is static. Never fails or
 * blocks; safe in threads, after fork and in signal handlers.
 */
const char *sfshm_version(void);

SFSHM_END_DECLS

#endif
