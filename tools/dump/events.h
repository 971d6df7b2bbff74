/* SPDX-License-Identifier: MIT */
/* --events, --follow and --trace. */
#ifndef DUMP_EVENTS_H
#define DUMP_EVENTS_H

struct options;

/* Returns the status to exit with. */
int events_show(const struct options *options);

#endif
