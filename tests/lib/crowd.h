/* SPDX-License-Identifier: MIT */
/*
 * Crowds: many callers that do the same at once, as processes or as threads of
 * one process. ThreadSanitizer sees what threads do to each other.
 */
#ifndef LIB_CROWD_H
#define LIB_CROWD_H

enum crowd {
	PROCESSES,
	THREADS,
};

typedef void (*crowd_fn)(int member, void *arg);

/*
 * Runs fn(0 ... n - 1, arg), all at once; fails the test unless each returns
 * (what is wrong they demand()). Processes share no memory but `arg`'s, if
 * that is shared_memory(). The caller has no handle open for processes.
 */
void crowd_run(enum crowd kind, int n, crowd_fn fn, void *arg);

/* A forked child that runs fn(member, arg) and is gone. Its pid. */
int child_start(crowd_fn fn, int member, void *arg);

/* Waits until it is gone; its status as from waitpid(). */
int child_gone(int pid);

#endif
