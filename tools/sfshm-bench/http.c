/* SPDX-License-Identifier: MIT */
#include "http.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"

#define CLIENTS_MAX 64
#define ANSWER_MAX 4096

struct client {
	int fd;
	unsigned int len;
	uint64_t since;
	char answer[ANSWER_MAX];
};

struct herd {
	struct sockaddr_in address;
	char request[128];
	int request_len;
	int epoll;
	unsigned int started, ended;
	uint64_t *took;
	struct client client[CLIENTS_MAX];
};

/* While the server's queue has room, connect() on the loopback never waits. */
static void begin(struct herd *h, struct client *c)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = c };

	c->len = 0;
	c->since = bench_now();
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&h->address,
		    sizeof(h->address)) ||
	    send(c->fd, h->request, (size_t)h->request_len, MSG_NOSIGNAL) !=
		    h->request_len ||
	    epoll_ctl(h->epoll, EPOLL_CTL_ADD, c->fd, &event))
		bench_die("cannot ask the server", -errno);
	h->started++;
}

/* True once the server's answer is complete. */
static bool receive(struct herd *h, struct client *c)
{
	ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len, 0);

	if (n < 0 || c->len + (size_t)n == ANSWER_MAX)
		bench_die("the server's answer", n < 0 ? -errno : -EMSGSIZE);
	c->len += (unsigned int)n;
	if (n)
		return false;
	if (c->len < 15 || memcmp(c->answer, "HTTP/1.1 200 OK", 15) != 0)
		bench_die("the server does not answer 200", -EPROTO);
	close(c->fd);
	if (h->took)
		h->took[h->ended] = bench_now() - c->since;
	h->ended++;
	return true;
}

void http_ask(uint16_t port, const char *region, unsigned int clients,
	      unsigned int total, uint64_t *took)
{
	static struct herd h;
	struct epoll_event events[CLIENTS_MAX];

	h.address = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	h.request_len = snprintf(h.request, sizeof(h.request),
				 "GET /report?key=%s HTTP/1.1\r\n\r\n", region);
	h.started = h.ended = 0;
	h.took = took;
	h.epoll = epoll_create1(EPOLL_CLOEXEC);
	while (h.started < clients && h.started < total)
		begin(&h, &h.client[h.started]);
	while (h.ended < total) {
		int n = epoll_wait(h.epoll, events, CLIENTS_MAX, 60000);

		if (n <= 0 && errno != EINTR)
			bench_die("the server does not answer", -ETIMEDOUT);
		for (int i = 0; i < n; i++)
			if (receive(&h, events[i].data.ptr) &&
			    h.started < total)
				begin(&h, events[i].data.ptr);
	}
	close(h.epoll);
}
