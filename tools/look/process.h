/* SPDX-License-Identifier: MIT */
/* The processes behind the participants. */
#ifndef LOOK_PROCESS_H
#define LOOK_PROCESS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the command line of process `pid`, with blanks between the arguments,
 * to `out`. Returns its length; 0 if the process is gone, or if `pid_ns`, the
 * inode of its PID namespace, is not that of the caller.
 */
size_t process_command(int32_t pid, uint64_t pid_ns, char *out, size_t size);

#endif
