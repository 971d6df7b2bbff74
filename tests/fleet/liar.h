/* SPDX-License-Identifier: MIT */
/* A server that gives the answers that a test has chosen. */
#ifndef FLEET_LIAR_H
#define FLEET_LIAR_H

#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fleet.h"

/*
 * An engine that answers by rote: to each kind of request the test's reply. A
 * reply that ends in CUT is broken off there; ENDLESS begins one without end.
 */
#define CUT "\x01"
#define ENDLESS "\x02"
/* The lease, with a token as it should be. */
#define LEASE "\x03"
#define OK "*1\r\n$2\r\nOK\r\n"
#define MOST_CONNS 16

static struct {
	const char *acquire;
	const char *next_acquire; /* to the second and later ones; or NULL */
	const char *watch;
	const char *get;
	const char *publish;
} rote;

static struct {
	pthread_t thread;
	int listener, quit[2];
	char path[64];
	uint32_t acquires;
	uint64_t floor; /* of the last acquire: its token must exceed that */
	struct {
		int fd;
		redisReader *reader;
	} conn[MOST_CONNS];
} liar;

static inline const char *lease(void)
{
	static char reply[64];

	snprintf(reply, sizeof(reply), "*2\r\n$3\r\nLED\r\n$16\r\n%016llu\r\n",
		 (unsigned long long)liar.floor + 1);
	return reply;
}

/* The reply to one request, whose words tell what it is. */
static inline const char *reply_to(const redisReply *q)
{
	const char *word = q->element[0]->str, *text;

	if (!strcmp(word, "XREAD"))
		return load_acquire(&rote.watch);
	if (!strcmp(word, "GET"))
		return load_acquire(&rote.get);
	/* A script: its digest, the number of its keys, and those. Only that
	   which publishes has eight arguments; acquire has four. */
	if (q->elements == 3 + 4 + 8)
		return load_acquire(&rote.publish);
	if (q->elements != 3 + 3 + 4)
		return "*1\r\n$2\r\nOK\r\n";
	store_release(&liar.floor, strtoull(q->element[9]->str, NULL, 10));
	text = fetch_add_relaxed(&liar.acquires, 1) ?
		       load_acquire(&rote.next_acquire) :
		       NULL;
	if (!text)
		text = load_acquire(&rote.acquire);
	return strcmp(text, LEASE) ? text : lease();
}

/* Returns false if the connection has ended. */
static inline bool pour(int fd)
{
	static char sand[64 << 10];
	ssize_t n;

	memset(sand, 'a', sizeof(sand));
	demand(send(fd, "+", 1, MSG_NOSIGNAL) == 1);
	do {
		n = send(fd, sand, sizeof(sand), MSG_NOSIGNAL);
	} while (n > 0);
	return false;
}

static inline bool answer(int fd, const char *text)
{
	size_t len = strcspn(text, CUT ENDLESS);

	if (len && send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	if (text[len] == ENDLESS[0])
		return pour(fd);
	return !text[len];
}

/* Returns false if the connection is to be closed. */
static inline bool serve(int fd, redisReader *reader)
{
	char bytes[16 << 10];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	bool goes_on = n > 0;
	void *q = NULL;

	if (n > 0)
		demand(!redisReaderFeed(reader, bytes, (size_t)n));
	while (goes_on && !redisReaderGetReply(reader, &q) && q) {
		goes_on = answer(fd, reply_to(q));
		freeReplyObject(q);
	}
	return goes_on;
}

static inline void hang_up(int i)
{
	close(liar.conn[i].fd);
	redisReaderFree(liar.conn[i].reader);
	liar.conn[i].fd = -1;
}

static inline void pick_up(void)
{
	for (int i = 0; i < MOST_CONNS; i++) {
		if (liar.conn[i].fd >= 0)
			continue;
		liar.conn[i].fd = accept(liar.listener, NULL, NULL);
		liar.conn[i].reader = redisReaderCreate();
		demand(liar.conn[i].fd >= 0 && liar.conn[i].reader);
		return;
	}
	demand(!"a connection too many");
}

static inline void *lie(void *unused)
{
	struct pollfd polled[2 + MOST_CONNS];

	for (;;) {
		polled[0] = (struct pollfd){ liar.quit[0], POLLIN, 0 };
		polled[1] = (struct pollfd){ liar.listener, POLLIN, 0 };
		for (int i = 0; i < MOST_CONNS; i++)
			polled[2 + i] =
				(struct pollfd){ liar.conn[i].fd, POLLIN, 0 };
		demand(poll(polled, 2 + MOST_CONNS, -1) > 0);
		if (polled[0].revents)
			return unused;
		for (int i = 0; i < MOST_CONNS; i++)
			if (polled[2 + i].revents &&
			    !serve(liar.conn[i].fd, liar.conn[i].reader))
				hang_up(i);
		if (polled[1].revents)
			pick_up();
	}
}

static inline int liar_setup(void **state)
{
	static const char refusal[] = "-ERR no\r\n";
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	store_release(&rote.acquire, refusal);
	store_release(&rote.watch, refusal);
	store_release(&rote.get, refusal);
	store_release(&rote.publish, refusal);
	store_release(&rote.next_acquire, NULL);
	memset(&liar, 0, sizeof(liar));
	for (int i = 0; i < MOST_CONNS; i++)
		liar.conn[i].fd = -1;
	snprintf(liar.path, sizeof(liar.path), "/tmp/sfshm-liar.%d",
		 (int)getpid());
	unlink(liar.path);
	memcpy(at.sun_path, liar.path, strlen(liar.path) + 1);
	liar.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	demand(!bind(liar.listener, (struct sockaddr *)&at, sizeof(at)));
	demand(!listen(liar.listener, 100) && !pipe(liar.quit));
	demand(!pthread_create(&liar.thread, NULL, lie, NULL));
	return segment_setup(state);
}

static inline int liar_teardown(void **state)
{
	char name[96];

	close(liar.quit[1]);
	demand(!pthread_join(liar.thread, NULL));
	close(liar.quit[0]);
	close(liar.listener);
	unlink(liar.path);
	for (int i = 0; i < MOST_CONNS; i++)
		if (liar.conn[i].fd >= 0)
			hang_up(i);
	host_name(0, name);
	(void)!sfshm_unlink(name);
	return segment_teardown(state);
}

/* Joins as a fleet whose engine nobody has taken for away yet. */
static inline struct host join_as(uint32_t flags, uint32_t command_ms)
{
	const struct sfshm_fleet_options o = {
		.flags = flags,
		.lease_ms = LONG_LEASE_MS,
		.command_ms = command_ms,
		.retry_ms = 3600000,
	};
	static unsigned int number;
	char url[128];

	snprintf(url, sizeof(url), "unix:%s?ns=%u", liar.path, ++number);
	store_relaxed(&liar.acquires, 0);
	return host_open_at(0, &o, url);
}

static inline struct host join(uint32_t command_ms)
{
	return join_as(0, command_ms);
}

#define lying(f) cmocka_unit_test_setup_teardown(f, liar_setup, liar_teardown)

#endif
