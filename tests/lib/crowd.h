/* SPDX-License-Identifier: MIT */
/*
 * Crowds: many callers that do the same at once, as processes or as threads of
 * one process. ThreadSanitizer sees only races between threads.
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
 * (they demand() what must hold). Processes share no memory but `arg`'s, if
 * that is shared_memory(). For processes, the caller has no handle open.
 */
void crowd_run(enum crowd kind, int n, crowd_fn fn, void *arg);

/* Forks a child that runs fn(member, arg) and exits. Returns its pid. */
int child_start(crowd_fn fn, int member, void *arg);

/* Waits until the child is gone. Returns its status as from waitpid(). */
int child_gone(int pid);

#endif
