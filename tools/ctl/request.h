/* SPDX-License-Identifier: MIT */
/* The user's request to sfshm-ctl. */
#ifndef CTL_REQUEST_H
#define CTL_REQUEST_H

#include <limits.h>
#include <sys/uio.h>
#include <sfshm/segment.h>
#include <sfshm/tag.h>

struct request;

/* Options that only some verbs take. */
enum request_option {
	REQUEST_SIZES = 1 << 0, /* the segment's geometry */
	REQUEST_MODE = 1 << 1,
	REQUEST_TIMEOUT = 1 << 2,
	REQUEST_MATCH = 1 << 3,
	REQUEST_FAILED = 1 << 4,
	REQUEST_TAG = 1 << 5,
	REQUEST_DRY_RUN = 1 << 6,
	REQUEST_HARD = 1 << 7,
	REQUEST_STALE = 1 << 8,
	REQUEST_TTL = 1 << 9,
	REQUEST_GRACE = 1 << 10,
	REQUEST_NULL = 1 << 11,
	REQUEST_YES = 1 << 12,
	REQUEST_KIND = 1 << 13,
	REQUEST_MAX = 1 << 14,
	REQUEST_REMOVE = 1 << 15,
	REQUEST_REPLACE = 1 << 16,
	REQUEST_END = 1 << 17,
	REQUEST_OWNER = 1 << 18, /* every verb takes it */
	REQUEST_GROUP = 1 << 19,
};

struct verb {
	const char *name;
	int operands;       /* besides the verb, at most */
	int optional;       /* of these, how many may be missing */
	unsigned int takes; /* enum request_option */
	int (*run)(const struct request *request);
};

struct request {
	const struct verb *verb;
	const char *segment; /* NULL: the default one */
	const char *key;     /* the first operand, or NULL */
	const char *value;   /* the second one, or NULL */
	struct sfshm_options shape;
	char path[PATH_MAX]; /* of another user's segment */
	unsigned int given;  /* enum request_option */
	uint64_t timeout_ms;
	uint64_t ttl_ms, grace_ms;
	const char *pattern; /* of --match, or NULL */
	struct iovec tags[SFSHM_TAGS_MAX];
	int tags_count;
	int kind; /* enum sfshm_kind */
	uint32_t max;
};

/*
 * Reads the command line. Returns -1 to go on, or the status to exit with
 * after it has printed help or a complaint.
 */
int request_read(struct request *request, int argc, char **argv);

/* The verb of that name, or NULL. */
const struct verb *verb_find(const char *name);

/* Writes the names of the verbs that take the options: "a, b and c". */
void verb_names(char *out, size_t size, unsigned int takes);

/* Each does what its name says and returns the status to exit with. */
int verb_create(const struct request *request);
int verb_verify(const struct request *request);
int verb_reap(const struct request *request);
int verb_get(const struct request *request);
int verb_put(const struct request *request);
int verb_list(const struct request *request);
int verb_forget(const struct request *request);
int verb_invalidate(const struct request *request);
int verb_purge(const struct request *request);
int verb_break(const struct request *request);
int verb_semaphore(const struct request *request);
int verb_remove_semaphore(const struct request *request);
int verb_export(const struct request *request);
int verb_import(const struct request *request);
int verb_resize(const struct request *request);
int verb_unlink(const struct request *request);

#endif
