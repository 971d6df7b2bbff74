/* SPDX-License-Identifier: MIT */
/* memcached's text protocol over a Unix socket; "add" makes the lock. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backend.h"

#define LOCK_S 30 /* a lock whose holder died is gone after that */

static int server;

void backend_open(const char *at)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", at);
	server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server < 0 ||
	    connect(server, (struct sockaddr *)&address, sizeof(address)))
		backend_die(at);
}

/* Sends a request, and receives until the answer ends in `end`. */
static size_t ask(const char *request, size_t len, char *answer, size_t room,
		  const char *end)
{
	size_t got = 0, tail = strlen(end);

	if (send(server, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		backend_die("memcached");
	do {
		ssize_t n = recv(server, answer + got, room - got, 0);

		if (n <= 0)
			backend_die("memcached");
		got += (size_t)n;
	} while (got < tail || memcmp(answer + got - tail, end, tail) != 0);
	return got;
}

long backend_get(const char *key, void *data, size_t room)
{
	char request[128], answer[8192], *value, *bytes;
	int n = snprintf(request, sizeof(request), "get %s\r\n", key);
	size_t len;

	len = ask(request, (size_t)n, answer, sizeof(answer) - 1, "END\r\n");
	answer[len] = '\0';
	/* "VALUE key flags bytes\r\n", or the end at once. */
	value = strstr(answer, "\r\n") + 2;
	bytes = memrchr(answer, ' ', (size_t)(value - answer));
	if (!bytes)
		return -1;
	len = strtoul(bytes, NULL, 10);
	if (len > room)
		return -1;
	memcpy(data, value, len);
	return (long)len;
}

void backend_put(const char *key, const void *data, size_t len, uint32_t ttl_ms)
{
	char request[8192], answer[64];
	int n = snprintf(request, sizeof(request), "set %s 0 %u %zu\r\n", key,
			 ttl_ms / 1000 + 1, len);

	memcpy(request + n, data, len);
	len += (size_t)n;
	request[len++] = '\r';
	request[len++] = '\n';
	ask(request, len, answer, sizeof(answer), "\r\n");
	if (memcmp(answer, "STORED", 6) != 0)
		backend_die("memcached does not store");
}

bool backend_lock(const char *key)
{
	char request[128], answer[64];
	int n = snprintf(request, sizeof(request),
			 "add lock.%s 0 %d 1\r\n1\r\n", key, LOCK_S);

	ask(request, (size_t)n, answer, sizeof(answer), "\r\n");
	return !memcmp(answer, "STORED", 6);
}

void backend_unlock(const char *key)
{
	char request[128], answer[64];
	int n = snprintf(request, sizeof(request), "delete lock.%s\r\n", key);

	ask(request, (size_t)n, answer, sizeof(answer), "\r\n");
}
