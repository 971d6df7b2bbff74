/* SPDX-License-Identifier: MIT */
/*
 * Redis servers of a test's own on loopback ports: primaries, replicas and
 * sentinels. All their files are in one folder.
 */
#ifndef FLEET_NODES_H
#define FLEET_NODES_H

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fleet.h"

#define NODE_WORDS 32

struct node {
	pid_t pid;
	int port;
	bool asks_by_socket; /* the port is TLS's */
};

static char nodes_folder[64];

static inline void nodes_setup(void)
{
	snprintf(nodes_folder, sizeof(nodes_folder), "/tmp/sfshm-nodes.XXXXXX");
	demand(mkdtemp(nodes_folder));
}

/* The folder has plain files only. */
static inline void nodes_teardown(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -f %s/*", nodes_folder);
	demand(!system(command));
	demand(!rmdir(nodes_folder));
}

/* A port that was free a moment ago. */
static inline int free_port(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	demand(!bind(fd, (struct sockaddr *)&at, len));
	demand(!getsockname(fd, (struct sockaddr *)&at, &len));
	close(fd);
	return ntohs(at.sin_port);
}

/* Makes a command. Returns the reply's text ("" if it has none), of an array
   that of element `index`. NULL: nobody answers. */
static inline const char *node_tell(const struct node *n, size_t index,
				    const char *format, ...)
{
	static __thread char text[16 << 10];
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	const redisReply *from;
	char path[96];
	redisContext *c;
	redisReply *r;
	va_list args;

	snprintf(path, sizeof(path), "%s/%d.socket", nodes_folder, n->port);
	c = n->asks_by_socket ?
		    redisConnectUnixWithTimeout(path, patience) :
		    redisConnectWithTimeout("127.0.0.1", n->port, patience);
	demand(c);
	va_start(args, format);
	r = c->err ? NULL : redisvCommand(c, format, args);
	va_end(args);
	from = r && r->type == REDIS_REPLY_ARRAY ?
		       (index < r->elements ? r->element[index] : NULL) :
		       r;
	if (from && from->type == REDIS_REPLY_INTEGER)
		snprintf(text, sizeof(text), "%lld", from->integer);
	else
		snprintf(text, sizeof(text), "%s",
			 from && from->str ? from->str : "");
	if (r)
		freeReplyObject(r);
	redisFree(c);
	return r ? text : NULL;
}

/* Whether the process answers, and not another one that had the port. */
static inline bool node_answers(const struct node *n)
{
	const char *info = node_tell(n, 0, "INFO server");
	const char *at = info ? strstr(info, "process_id:") : NULL;

	return at && atoi(at + strlen("process_id:")) == n->pid;
}

static inline bool node_is_gone(struct node *n)
{
	if (n->pid && waitpid(n->pid, NULL, WNOHANG) == n->pid)
		n->pid = 0;
	return !n->pid;
}

/* Starts a server with these words; "PORT" stands for a free port. False: the
   port is taken. */
static inline bool node_try(struct node *n, const char *const *words)
{
	const char *argv[NODE_WORDS] = { "redis-server" };
	char port[8];
	int i = 0;

	n->port = free_port();
	snprintf(port, sizeof(port), "%d", n->port);
	for (; words[i]; i++)
		argv[i + 1] = strcmp(words[i], "PORT") ? words[i] : port;
	n->pid = fork();
	demand(n->pid >= 0);
	if (!n->pid) {
		char path[96];
		int null = open("/dev/null", O_RDWR);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(null, 0);
		dup2(null, 1);
		snprintf(path, sizeof(path), "%s/%d.socket", nodes_folder,
			 n->port);
		argv[++i] = "--dir";
		argv[++i] = nodes_folder;
		if (n->asks_by_socket) {
			argv[++i] = "--unixsocket";
			argv[++i] = path;
		}
		execvp("redis-server", (char **)(uintptr_t)argv);
		_exit(127);
	}
	demand(eventually(node_answers(n) || node_is_gone(n)));
	return n->pid > 0;
}

static inline void node_start(struct node *n, const char *const *words)
{
	int tries = 0;

	while (!node_try(n, words))
		demand(++tries < 20);
}

static inline void node_kill(struct node *n)
{
	if (n->pid)
		worker_kill(n->pid);
	n->pid = 0;
}

static inline void hosts_unlink(void)
{
	for (int i = 0; i < HOSTS; i++) {
		char name[96];

		host_name(i, name);
		(void)!sfshm_unlink(name);
	}
}

#endif
