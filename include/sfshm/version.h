/* SPDX-License-Identifier: MIT */
#ifndef SFSHM_VERSION_H
#define SFSHM_VERSION_H

#define SFSHM_VERSION_MAJOR 0
#define SFSHM_VERSION_MINOR 1
#define SFSHM_VERSION_PATCH 0
#define SFSHM_VERSION "0.1.0"

/* The library is built with hidden visibility; what stands between these two
   is exported. */
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
 * The version of the library that is running, "major.minor.patch". Static
 * storage. Never fails; safe in threads, after fork and in signal handlers.
 */
const char *sfshm_version(void);

SFSHM_END_DECLS

#endif
