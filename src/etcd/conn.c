/* SPDX-License-Identifier: MIT */
#include "etcd/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The most bytes of a reply, or of a stream's line. */
#define REPLY_MAX ((size_t)8 << 20)

uint64_t etcd_clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void etcd_conn_init(struct conn *c)
{
	*c = (struct conn){ 0 };
	for (int i = 0; i < CONN_SOCKETS; i++)
		c->fds[i] = -1;
}

static curl_socket_t open_socket(void *conn, curlsocktype purpose,
				 struct curl_sockaddr *a)
{
	struct conn *c = conn;
	int one = 1, i = 0, fd;

	(void)purpose;
	while (i < CONN_SOCKETS && c->fds[i] >= 0)
		i++;
	if (i == CONN_SOCKETS)
		return CURL_SOCKET_BAD;
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    a->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	/* A forked child closes what it finds here. */
	__atomic_store_n(&c->fds[i], fd, __ATOMIC_RELAXED);
	return fd;
}

static int close_socket(void *conn, curl_socket_t fd)
{
	struct conn *c = conn;

	for (int i = 0; i < CONN_SOCKETS; i++)
		if (c->fds[i] == fd)
			__atomic_store_n(&c->fds[i], -1, __ATOMIC_RELAXED);
	return close(fd);
}

/* libcurl says what to wait for. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *conn,
		     void *unused)
{
	struct conn *c = conn;
	nfds_t i = 0;

	(void)easy, (void)unused;
	while (i < c->polls && c->polled[i].fd != fd)
		i++;
	if (what == CURL_POLL_REMOVE) {
		if (i < c->polls)
			c->polled[i] = c->polled[--c->polls];
		return 0;
	}
	if (i == CONN_SOCKETS)
		return -1;
	if (i == c->polls)
		c->polls++;
	c->polled[i].fd = fd;
	c->polled[i].events = (short)(((what & CURL_POLL_IN) ? POLLIN : 0) |
				      ((what & CURL_POLL_OUT) ? POLLOUT : 0));
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *conn)
{
	struct conn *c = conn;

	(void)multi;
	c->timer = ms < 0 ? 0 : etcd_clock_ns() + (uint64_t)ms * NS_PER_MS;
	return 0;
}

static size_t on_bytes(char *from, size_t size, size_t count, void *conn)
{
	struct conn *c = conn;

	if (size * count > REPLY_MAX - c->reply.len)
		return 0;
	etcd_text_add_bytes(&c->reply, from, size * count);
	return c->reply.failed ? 0 : size * count;
}

static int make(struct conn *c, const struct url *u)
{
	CURL *e = curl_easy_init();

	c->easy = e;
	c->multi = curl_multi_init();
	c->seals = u->tls;
	if (!e || !c->multi)
		return -ENOMEM;
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
	if (u->ca)
		curl_easy_setopt(e, CURLOPT_CAINFO, u->ca);
	if (u->ca)
		curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	if (u->cert)
		curl_easy_setopt(e, CURLOPT_SSLCERT, u->cert);
	if (u->cert)
		curl_easy_setopt(e, CURLOPT_SSLKEY, u->key ? u->key : u->cert);
	return 0;
}

static int add_header(struct conn *c, const char *line)
{
	struct curl_slist *list = curl_slist_append(c->headers, line);

	if (!list)
		return -ENOMEM;
	c->headers = list;
	return 0;
}

static int set_headers(struct conn *c, const char *token)
{
	struct text line = { 0 };
	int r = add_header(c, "Content-Type: application/json");

	/* A curl handle waits for "100 Continue" else. */
	r = r ? r : add_header(c, "Expect:");
	/* A member that has lost the others ends its watches. */
	r = r ? r : add_header(c, "Grpc-Metadata-hasleader: true");
	if (r || !token)
		return r;
	etcd_text_add(&line, "Authorization: %s", token);
	r = line.failed ? -ENOMEM : add_header(c, line.at);
	etcd_text_free(&line);
	return r;
}

/*
 * Calls libcurl about a socket. OpenSSL writes to sockets without MSG_NOSIGNAL,
 * so SIGPIPE is kept from the process.
 */
static void act(struct conn *c, curl_socket_t fd, int events)
{
	const struct timespec none = { 0 };
	sigset_t pipe, old, pending;
	bool before = true;
	int running;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (c->seals) {
		pthread_sigmask(SIG_BLOCK, &pipe, &old);
		sigpending(&pending);
		before = sigismember(&pending, SIGPIPE);
	}
	curl_multi_socket_action(c->multi, fd, events, &running);
	if (!before)
		while (sigtimedwait(&pipe, NULL, &none) < 0 && errno == EINTR)
			;
	if (c->seals)
		pthread_sigmask(SIG_SETMASK, &old, NULL);
}

int etcd_conn_begin(struct conn *c, const struct url *u, unsigned int member,
		    const char *path, const char *token,
		    const struct text *body)
{
	char to[512];
	int r = c->multi ? 0 : make(c, u);

	if (!r)
		r = set_headers(c, token);
	if (r || body->failed)
		return -ENOMEM;
	snprintf(to, sizeof(to), "%s%s", u->member[member], path);
	etcd_text_free(&c->reply);
	c->done = false;
	curl_easy_setopt(c->easy, CURLOPT_URL, to);
	curl_easy_setopt(c->easy, CURLOPT_HTTPHEADER, c->headers);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, body->at);
	curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE, (long)body->len);
	if (curl_multi_add_handle(c->multi, c->easy))
		return -ENOMEM;
	c->added = true;
	act(c, CURL_SOCKET_TIMEOUT, 0);
	return 0;
}

/* Waits for the sockets, for a minute at most. 0 or -EINTR. */
static int sleep_once(struct conn *c, uint64_t deadline)
{
	struct pollfd polled[CONN_SOCKETS];
	uint64_t now = etcd_clock_ns(), end = now + 60 * NS_PER_S;
	nfds_t count = c->polls;
	struct timespec t;
	int n;

	end = deadline < end ? deadline : end;
	end = c->timer && c->timer < end ? c->timer : end;
	end = end > now ? end - now : 0;
	t.tv_sec = (time_t)(end / NS_PER_S);
	t.tv_nsec = (long)(end % NS_PER_S);
	memcpy(polled, c->polled, sizeof(polled));
	n = ppoll(polled, count, &t, NULL);
	if (n < 0)
		return -errno;
	for (nfds_t i = 0; i < count; i++) {
		short got = polled[i].revents;

		if (got)
			act(c, polled[i].fd,
			    ((got & POLLIN) ? CURL_CSELECT_IN : 0) |
				    ((got & POLLOUT) ? CURL_CSELECT_OUT : 0) |
				    ((got & (POLLERR | POLLHUP)) ?
					     CURL_CSELECT_ERR :
					     0));
	}
	if (c->timer && etcd_clock_ns() >= c->timer) {
		c->timer = 0;
		act(c, CURL_SOCKET_TIMEOUT, 0);
	}
	return 0;
}

static void note_end(struct conn *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			c->done = true;
			c->result = m->data.result;
		}
}

static int error_of(const struct conn *c)
{
	switch (c->result) {
	case CURLE_OK: return 0;
	case CURLE_OUT_OF_MEMORY: return -ENOMEM;
	case CURLE_WRITE_ERROR: return c->reply.failed ? -ENOMEM : -EPROTO;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE: return -EACCES;
	default: return -ECONNRESET;
	}
}

int etcd_conn_receive(struct conn *c, bool stream, uint64_t deadline)
{
	int r;

	for (;;) {
		note_end(c);
		if (stream && c->reply.len &&
		    memchr(c->reply.at, '\n', c->reply.len))
			return 0;
		if (c->done)
			return stream && !c->result ? -ECONNRESET : error_of(c);
		if (etcd_clock_ns() >= deadline)
			return -ETIMEDOUT;
		r = sleep_once(c, deadline);
		if (r)
			return r;
	}
}

long etcd_conn_status(const struct conn *c)
{
	long status = 0;

	curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

void etcd_conn_end(struct conn *c)
{
	if (c->added)
		curl_multi_remove_handle(c->multi, c->easy);
	c->added = false;
	curl_slist_free_all(c->headers);
	c->headers = NULL;
	etcd_text_free(&c->reply);
}

void etcd_conn_close(struct conn *c)
{
	etcd_conn_end(c);
	if (c->easy)
		curl_easy_cleanup(c->easy);
	if (c->multi)
		curl_multi_cleanup(c->multi);
	c->easy = NULL;
	c->multi = NULL;
	c->polls = 0;
	c->timer = 0;
}

void etcd_conn_abandon(struct conn *c)
{
	for (int i = 0; i < CONN_SOCKETS; i++) {
		int fd = __atomic_load_n(&c->fds[i], __ATOMIC_RELAXED);

		if (fd >= 0)
			close(fd);
	}
}
