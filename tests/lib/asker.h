/* SPDX-License-Identifier: MIT */
/* A thread of this process that asks for one key with sfshm_do(). */
#ifndef LIB_ASKER_H
#define LIB_ASKER_H

#include <pthread.h>

#include "testing.h"

struct asker {
	pthread_t thread;
	struct sfshm *handle;
	const char *key;
	struct sfshm_policy policy;
	sfshm_work_fn work; /* NULL: publishes the thread's number as text */
	void *arg;
	int number;
	int outcome; /* of sfshm_do() */
	struct sfshm_result result;
	bool returned; /* sfshm_do() has returned */
};

/* Starts the thread. The caller owns the struct, zeroed but for its inputs. */
void asker_start(struct asker *a, struct sfshm *handle, const char *key);

/* Waits for the thread; fails the test if it does not end. */
void asker_join(struct asker *a);

/* Returns the result as text; "" unless there is a value. Clears nothing. */
const char *asker_text(const struct asker *a);

#endif
