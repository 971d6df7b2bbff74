/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "prefork-http.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <sfshm.h>

#define TICK_US 250000 /* a worker that receives checks the clock this often */

/* Milliseconds. */
#define CLIENT_MS 5000 /* for a client to send its request */
#define DRAIN_MS 500   /* for a client to close after its reply */

/* Receives once, until the deadline. Returns recv()'s length, or -errno. */
static ssize_t receive(int fd, void *buf, size_t size, uint64_t deadline_ns)
{
	ssize_t n;

	while (sfshm_deadline_ms(0) < deadline_ns) {
		n = recv(fd, buf, size, 0);
		if (n >= 0 || (errno != EINTR && errno != EAGAIN))
			return n < 0 ? -errno : n;
	}
	return -ETIMEDOUT;
}

/* Parses "GET target HTTP/1.x" in place. Returns what http_read() returns. */
static const char *request_parse(char *line, char **target)
{
	char *method, *version;

	for (const char *c = line; *c; c++)
		if (*c < ' ' || *c > '~')
			return "400 Bad Request";
	method = strsep(&line, " ");
	*target = strsep(&line, " ");
	version = strsep(&line, " ");
	if (!version || line || **target != '/' || !*method ||
	    method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] ||
	    (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0")))
		return "400 Bad Request";
	return strcmp(method, "GET") ? "405 Method Not Allowed" : NULL;
}

const char *http_read(int fd, char *head, char **target)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	uint64_t deadline_ns = sfshm_deadline_ms(CLIENT_MS);
	size_t len = 0;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	do {
		if (len == HTTP_HEAD_MAX)
			return "400 Bad Request";
		n = receive(fd, head + len, HTTP_HEAD_MAX - len, deadline_ns);
		if (n == -ETIMEDOUT)
			return "408 Request Timeout";
		if (n <= 0)
			return n == 0 && len ? "400 Bad Request" : "";
		len += (size_t)n;
	} while (!memmem(head, len, "\r\n\r\n", 4));
	*(char *)memmem(head, len, "\r\n", 2) = '\0';
	return request_parse(head, target);
}

void http_reply(int fd, const char *status, const char *headers, void *body,
		size_t len)
{
	char head[512];
	int n = snprintf(head, sizeof(head),
			 "HTTP/1.1 %s\r\nContent-Type: text/plain\r\n"
			 "Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
			 status, len, headers);
	struct iovec parts[] = { { head, (size_t)n }, { body, len } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void http_reply_line(int fd, const char *status, const char *text)
{
	char line[SFSHM_MESSAGE_MAX + 1];
	int n = snprintf(line, sizeof(line), "%s\n", text);

	http_reply(fd, status, "Allow: GET\r\n", line, (size_t)n);
}

/*
 * To close with unread bytes would reset the connection, and the client might
 * lose its reply: read them first.
 */
void http_close(int fd)
{
	uint64_t deadline_ns = sfshm_deadline_ms(DRAIN_MS);
	char rest[HTTP_HEAD_MAX];

	shutdown(fd, SHUT_WR);
	while (receive(fd, rest, sizeof(rest), deadline_ns) > 0)
		;
	close(fd);
}
