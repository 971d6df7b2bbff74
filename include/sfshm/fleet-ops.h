/* SPDX-License-Identifier: MIT */
/*
 * An engine of fleets is a table of operations over a store that all hosts
 * reach. Callers of <sfshm/fleet.h> need only a pointer to such a table.
 *
 * For each key an engine keeps
 *
 *   a lease   its holder (a host), its token, and when it runs out
 *   a result  bytes or a failure, the token of the flight that made it, and how
 *             long it is fresh
 *   a fence   the highest token that was released or invalidated
 *
 * and does each operation below in one step, as seen by other hosts. Tokens of
 * a key grow for ever: each new token is above all tokens that the key has had,
 * and above request.token. No operation compares two hosts' clocks: a request
 * and an answer give a lifetime as the time that is left of it.
 */
#ifndef SFSHM_FLEET_OPS_H
#define SFSHM_FLEET_OPS_H

#include <sys/uio.h>
#include <sfshm/fleet.h>

SFSHM_BEGIN_DECLS

/* Bytes of a holder, which names a host's segment. */
#define SFSHM_FLEET_HOLDER 16

/* A lifetime of SFSHM_FOREVER has no end. Deadlines are CLOCK_MONOTONIC, ns. */
struct sfshm_fleet_request {
	size_t size;
	const void *key;
	size_t key_len;
	uint8_t holder[SFSHM_FLEET_HOLDER];
	uint64_t token;       /* of the lease; acquire, invalidate: tokens up to
				this one have been used; watch: the token that
				the host has seen */
	uint64_t newer_than;  /* acquire: only a result above this token will
				do; UINT64_MAX: no result will */
	uint64_t deadline_ns; /* then give up with -ETIMEDOUT */
	uint32_t lease_ms;
	uint32_t alive; /* publish, renew: 1 if, by this host's own clock, the
			   lease cannot have run out */
	/* publish */
	uint32_t ttl_ms; /* lifetime of the result */
	int32_t code;    /* 0: a value; else a failure, its text in the bytes */
	const struct iovec *iov;
	int count;
};

enum sfshm_fleet_verdict {
	/* acquire */
	SFSHM_FLEET_HIT = 1,   /* the result: token, left_ms, code, bytes */
	SFSHM_FLEET_HELD,      /* another holder leads: token; left_ms of its
				  lease */
	SFSHM_FLEET_LED,       /* the lease is this holder's: token */
	SFSHM_FLEET_INHERITED, /* the same; the holder had it before */
	/* publish, renew, release, invalidate */
	SFSHM_FLEET_OK,
	SFSHM_FLEET_RECLAIMED, /* renew: the engine had lost the lease, and no
				  other host had it meanwhile */
	SFSHM_FLEET_FENCED,    /* the lease is not (holder, token) */
	/* next */
	SFSHM_FLEET_RESULT,   /* as a hit */
	SFSHM_FLEET_RELEASED, /* the lease ended without a result: ask again */
};

/* The library frees `bytes.data` with free(3), and reuses it. */
struct sfshm_fleet_answer {
	size_t size;
	uint64_t token;
	uint64_t left_ms; /* SFSHM_FOREVER: no end */
	int32_t verdict;
	int32_t code;
	struct sfshm_buf bytes;
};

/*
 * The operations. Those from acquire() to invalidate() return 0 with *answer
 * filled in, or a negated errno value if the engine gives no answer, or an
 * invalid one. The library then treats the engine as away, except after
 * -EMSGSIZE, -ENOMEM and -EREMOTE: the engine refuses this key, and may serve
 * others. open() and watch() return 0 or a negated errno value.
 * If an operation took effect but its answer was lost, the library may make it
 * again: acquire then answers INHERITED, publish OK. All operations but `close`
 * may run in several threads at a time; none is a cancellation point.
 */
struct sfshm_fleet_ops {
	size_t size;
	const char *name;

	/*
	 * Makes an engine of the URL, without a connection. On failure the
	 * operation writes a line to options->why if that is not NULL.
	 */
	int (*open)(const char *url, const struct sfshm_fleet_options *options,
		    void **engine);

	/*
	 * Closes the engine. If `forked` is not 0, the engine is the parent's:
	 * the operation closes the descriptors, sends nothing, and takes no
	 * lock.
	 */
	void (*close)(void *engine, int forked);

	/*
	 * Answers HIT if there is a fresh result newer than request.newer_than;
	 * else HELD if another holder has the lease: the engine then announces
	 * that holder's next result or release to the watches. Else gives this
	 * holder a lease with a new token, and answers LED or INHERITED.
	 */
	int (*acquire)(void *engine, const struct sfshm_fleet_request *request,
		       struct sfshm_fleet_answer *answer);

	/*
	 * Stores the result, announces it, ends the lease and answers OK in two
	 * cases: the lease is (holder, token); or there is no lease,
	 * request.alive is 1, and the key has neither a result nor a fence as
	 * new as the token. If the result has this token already, answers OK
	 * and changes nothing. Else answers FENCED. Returns -EMSGSIZE if the
	 * engine cannot store so much; then nothing has changed.
	 */
	int (*publish)(void *engine, const struct sfshm_fleet_request *request,
		       struct sfshm_fleet_answer *answer);

	/*
	 * Lets the lease end lease_ms from now if it is (holder, token). If
	 * there is no lease, reclaims it under the same condition as publish.
	 */
	int (*renew)(void *engine, const struct sfshm_fleet_request *request,
		     struct sfshm_fleet_answer *answer);

	/*
	 * Ends the lease if it is (holder, token), announces that, and raises
	 * the fence to the token.
	 */
	int (*release)(void *engine, const struct sfshm_fleet_request *request,
		       struct sfshm_fleet_answer *answer);

	/* Ends any lease, drops the result, raises the fence to a new token,
	   and announces a release. */
	int (*invalidate)(void *engine,
			  const struct sfshm_fleet_request *request,
			  struct sfshm_fleet_answer *answer);

	/*
	 * watch() begins to wait for what the engine announces after
	 * request.token, even if the announcement came before this call. next()
	 * waits until `until_ns` at most and answers RESULT or RELEASED, or
	 * returns -EAGAIN (nothing yet: call again) or -EINTR (the same, and a
	 * signal handler has run meanwhile). After any other error the watch is
	 * of no more use. unwatch() ends the watch.
	 */
	int (*watch)(void *engine, const struct sfshm_fleet_request *request,
		     void **watch);
	int (*next)(void *watch, uint64_t until_ns,
		    struct sfshm_fleet_answer *answer);
	void (*unwatch)(void *watch);
};

SFSHM_END_DECLS

#endif
