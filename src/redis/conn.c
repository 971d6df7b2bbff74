/* SPDX-License-Identifier: MIT */
#include "redis/conn.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "redis/tls.h"

/* The most bytes of a record of TLS. */
#define RECORD (16 << 10)

uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/*
 * Waits for the events, for an hour at a time, which fits any time_t. Returns
 * 0 once there is one, -ETIMEDOUT at the deadline, -EINTR or another error.
 */
static int await(int fd, short events, uint64_t deadline)
{
	struct pollfd polled = { .fd = fd, .events = events };
	uint64_t now, rest, most = 3600 * NS_PER_S;
	struct timespec t;
	int n;

	do {
		now = clock_ns();
		rest = deadline > now ? deadline - now : 0;
		rest = rest < most ? rest : most;
		t.tv_sec = (time_t)(rest / NS_PER_S);
		t.tv_nsec = (long)(rest % NS_PER_S);
		n = ppoll(&polled, 1, &t, NULL);
	} while (n == 0 && clock_ns() < deadline);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* Does the same, but continues after a signal. */
static int await_surely(int fd, short events, uint64_t deadline)
{
	int r;

	do {
		r = await(fd, events, deadline);
	} while (r == -EINTR);
	return r;
}

static int finish_connect(int fd, uint64_t deadline)
{
	socklen_t len = sizeof(int);
	int error = 0, r = await_surely(fd, POLLOUT, deadline);

	if (!r && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len))
		error = errno;
	return r ? r : -error;
}

/* Connects one socket. Returns it, or an error. */
static int connect_to(const struct sockaddr *to, socklen_t len,
		      uint64_t deadline)
{
	int fd = socket(to->sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, r = 0;

	if (fd < 0)
		return -errno;
	if (to->sa_family != AF_UNIX) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one,
				 sizeof(one));
		(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one,
				 sizeof(one));
	}
	if (connect(fd, to, len))
		r = errno == EINPROGRESS ? finish_connect(fd, deadline) :
					   -errno;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

static int connect_unix(const char *path, uint64_t deadline)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	return connect_to((const struct sockaddr *)&to, sizeof(to), deadline);
}

static int connect_tcp(const char *host, const char *port, uint64_t deadline)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int fd = -EHOSTUNREACH;

	if (getaddrinfo(host, port, &hints, &list))
		return -EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = connect_to(a->ai_addr, a->ai_addrlen, deadline);
	freeaddrinfo(list);
	return fd;
}

static int send_all(struct conn *c, const char *from, size_t len,
		    uint64_t deadline)
{
	int r = 0;

	while (!r && len) {
		ssize_t n = send(c->fd, from, len, MSG_NOSIGNAL);

		if (n >= 0) {
			from += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			r = await_surely(c->fd, POLLOUT, deadline);
		} else if (errno != EINTR) {
			r = -ECONNRESET;
		}
	}
	return r;
}

/* Sends what TLS has sealed. */
static int flush(struct conn *c, uint64_t deadline)
{
	const char *bytes;
	size_t len = tls_outgoing(c->tls, &bytes);
	int r = len ? send_all(c, bytes, len, deadline) : 0;

	tls_sent(c->tls);
	return r;
}

/* Seals a record at a time, because TLS keeps a buffer for what it seals. */
static int send_sealed(struct conn *c, const char *from, size_t len,
		       uint64_t deadline)
{
	int r = 0;

	while (!r && len) {
		size_t n = len < RECORD ? len : RECORD;

		r = tls_write(c->tls, from, n);
		r = r ? r : flush(c, deadline);
		from += n;
		len -= n;
	}
	return r;
}

/* Reads what has come. Returns the number of bytes, -EAGAIN or an error. */
static ssize_t receive(struct conn *c, char *to, size_t size)
{
	ssize_t n = recv(c->fd, to, size, 0);

	if (n > 0)
		return n;
	return n < 0 && (errno == EAGAIN || errno == EINTR) ? -EAGAIN :
							      -ECONNRESET;
}

/* Begins TLS. The server's certificate must name the host. */
static int shake_hands(struct conn *c, const struct url *u, const char *host,
		       uint64_t deadline)
{
	char bytes[4 << 10];
	ssize_t n;
	int r;

	c->tls = tls_new(u->tls, host);
	if (!c->tls)
		return -ENOMEM;
	for (;;) {
		int state = tls_shake_hands(c->tls);

		r = flush(c, deadline);
		/* The reason why this side refuses the other says more than
		   the end of the connection. */
		if (state && state != -EAGAIN)
			return state;
		if (r || !state)
			return r;
		do {
			r = await_surely(c->fd, POLLIN, deadline);
			n = r ? r : receive(c, bytes, sizeof(bytes));
		} while (n == -EAGAIN);
		if (n < 0)
			return (int)n;
		r = tls_incoming(c->tls, bytes, (size_t)n);
		if (r)
			return r;
	}
}

int conn_greet(struct conn *c, int argc, const char **argv, uint64_t deadline)
{
	redisReply *reply;
	int r = conn_call(c, argc, argv, NULL, deadline, &reply);

	if (r)
		return r;
	r = reply->type == REDIS_REPLY_ERROR ? -EACCES : 0;
	freeReplyObject(reply);
	return r;
}

static int log_in(struct conn *c, const struct url *u, uint64_t deadline)
{
	const char *words[3] = { "AUTH" };
	char db[16];
	int n = 1, r = 0;

	if (u->user)
		words[n++] = u->user;
	/* A user without a password (nopass) may log in with any password. */
	if (u->user || u->password) {
		words[n++] = u->password ? u->password : "";
		r = conn_greet(c, n, words, deadline);
	}
	if (r || !u->db)
		return r;
	snprintf(db, sizeof(db), "%u", u->db);
	words[0] = "SELECT";
	words[1] = db;
	return conn_greet(c, 2, words, deadline);
}

int conn_dial(struct conn *c, const struct url *u, const char *host,
	      const char *port, uint64_t deadline)
{
	int fd = host ? connect_tcp(host, port, deadline) :
			connect_unix(u->path, deadline);
	int r = 0;

	if (fd < 0)
		return fd;
	/* A forked child closes what it finds here. */
	__atomic_store_n(&c->fd, fd, __ATOMIC_RELAXED);
	c->fresh = true;
	c->reader = redisReaderCreate();
	if (!c->reader)
		r = -ENOMEM;
	else if (u->tls)
		r = shake_hands(c, u, host, deadline);
	if (r)
		conn_close(c);
	return r;
}

int conn_log_in(struct conn *c, const struct url *u, uint64_t deadline)
{
	int r = log_in(c, u, deadline);

	if (r)
		conn_close(c);
	return r;
}

void conn_close(struct conn *c)
{
	int fd = c->fd;

	__atomic_store_n(&c->fd, -1, __ATOMIC_RELAXED);
	if (fd >= 0)
		close(fd);
	if (c->reader)
		redisReaderFree(c->reader);
	c->reader = NULL;
	tls_free(c->tls);
	c->tls = NULL;
}

bool conn_is_stale(const struct conn *c)
{
	struct pollfd polled = { .fd = c->fd, .events = POLLIN };

	return c->reader->pos < c->reader->len || poll(&polled, 1, 0) != 0;
}

int conn_send(struct conn *c, int argc, const char **argv, const size_t *lens,
	      uint64_t deadline)
{
	char *text = NULL;
	int len = redisFormatCommandArgv(&text, argc, argv, lens);
	int r;

	if (len < 0)
		return -ENOMEM;
	r = c->tls ? send_sealed(c, text, (size_t)len, deadline) :
		     send_all(c, text, (size_t)len, deadline);
	free(text);
	return r;
}

static int parse(struct conn *c, const char *bytes, size_t len)
{
	return redisReaderFeed(c->reader, bytes, len) == REDIS_OK ? 0 : -EPROTO;
}

/* Opens what has come sealed. Returns as feed(). */
static int unseal(struct conn *c, const char *sealed, size_t len)
{
	char bytes[RECORD];
	int r = tls_incoming(c->tls, sealed, len);
	bool parsed = false;

	while (!r) {
		ssize_t n = tls_read(c->tls, bytes, sizeof(bytes));

		/* The bytes before the connection's end may be a reply. If
		   they are none, the next recv() finds the end. */
		if (n == -EAGAIN || (n < 0 && parsed))
			break;
		parsed = true;
		r = n > 0 ? parse(c, bytes, (size_t)n) : (int)n;
	}
	return r;
}

/* Reads what has come. Returns 0, -EAGAIN or an error. */
static int feed(struct conn *c)
{
	char bytes[16 << 10];
	ssize_t n = receive(c, bytes, sizeof(bytes));

	if (n < 0)
		return (int)n;
	return c->tls ? unseal(c, bytes, (size_t)n) :
			parse(c, bytes, (size_t)n);
}

int conn_receive(struct conn *c, uint64_t deadline, redisReply **reply)
{
	void *got = NULL;
	int r;

	*reply = NULL;
	for (;;) {
		if (redisReaderGetReply(c->reader, &got) != REDIS_OK)
			return -EPROTO;
		if (got)
			break;
		r = feed(c);
		if (r == -EAGAIN)
			r = await(c->fd, POLLIN, deadline);
		else if (!r && clock_ns() >= deadline)
			r = -ETIMEDOUT;
		if (r)
			return r;
	}
	c->fresh = false;
	*reply = got;
	return 0;
}

int conn_call(struct conn *c, int argc, const char **argv, const size_t *lens,
	      uint64_t deadline, redisReply **reply)
{
	int r = conn_send(c, argc, argv, lens, deadline);

	*reply = NULL;
	/* A server that refuses a long command answers, and closes before it
	   has read the whole. */
	if (r == -ECONNRESET && !conn_receive(c, deadline, reply))
		return 0;
	if (r)
		return r;
	do {
		r = conn_receive(c, deadline, reply);
	} while (r == -EINTR);
	return r;
}
