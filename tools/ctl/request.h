/* SPDX-License-Identifier: MIT */
/* The user's request to sfshm-ctl. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <sfshm/segment.h>

struct request;

/* Options that only some verbs take. */
enum request_option {
	REQUEST_SIZES = 1 << 0, /* the segment's geometry */
	REQUEST_MODE = 1 << 1,
	REQUEST_TIMEOUT = 1 << 2,
};

struct verb {
	const char *name;
	int takes_key;
	unsigned int takes; /* enum request_option */
	int (*run)(const struct request *request);
};

struct request {
	const struct verb *verb;
	const char *segment; /* NULL: the default one */
	const char *key;
	struct sfshm_options shape;
	unsigned int given; /* enum request_option */
	uint64_t timeout_ms;
};

/*
 * Reads the command line. Returns -1 to go on, or the status to exit with
 * after it has printed help or a complaint.
 */
int request_read(struct request *request, int argc, char **argv);

/* The verb of that name, or NULL. */
const struct verb *verb_find(const char *name);

/* Each does what its name says and returns the status to exit with. */
int verb_create(const struct request *request);
int verb_verify(const struct request *request);
int verb_forget(const struct request *request);
int verb_remove_semaphore(const struct request *request);
int verb_purge(const struct request *request);
int verb_resize(const struct request *request);
int verb_unlink(const struct request *request);

#endif
