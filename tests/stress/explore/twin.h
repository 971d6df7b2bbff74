/* SPDX-License-Identifier: MIT */
/*
 * Twins of os/process.c and os/sys.c, and the other data of a participant.
 * They are built with the library, so their data is each participant's.
 */
#ifndef EXPLORE_TWIN_H
#define EXPLORE_TWIN_H

#include <stdint.h>

#include "segment/fingerprint.h"
#include "segment/mapping.h"

/* The kernel walks it when the thread dies. */
extern struct robust_head twin_robust;

/* The process's mapping of the segment. */
extern struct mapping twin_map;

/* Once in each process, with its memory in place. */
void twin_start(uint64_t new_cookie, uint64_t ns);

/* A fork's child: its parent's cookie is gone. */
void twin_forked(uint64_t new_cookie, uint64_t ns);

/* Once, before there is any process: what the library sets up once. */
void twin_prepare(void);

#endif
