/* SPDX-License-Identifier: MIT */
/*
 * "server.h" for the tests of fleets over etcd: an etcd of the test's own on
 * loopback ports, with its files in a folder of its own.
 */
#include "etcd.h"

#include "server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "testing.h"

char server_url[128];
const char *const *etcd_words;

/* The most words of the command. */
#define WORDS 32

static char folder[64];
static int port, peer_port;
static pid_t server, starter;
static uint64_t forgotten;

const char *server_impossible(void)
{
	static const char *const places[] = { "/usr/bin/etcd",
					      "/usr/local/bin/etcd" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!access(places[i], X_OK))
			return NULL;
	return "etcd is not installed";
}

/* A port that was free a moment ago. */
static int free_port(void)
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

static int dial(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	demand(fd >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)port);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

/* One request over a connection of its own; NULL: nobody answers. */
static const char *ask_as(const char *token, const char *path, const char *body)
{
	static __thread char reply[1 << 20];
	char request[8192];
	int fd = dial();
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0)
		return NULL;
	snprintf(request, sizeof(request),
		 "%s %s HTTP/1.0\r\n%s%s%s"
		 "Content-Length: %zu\r\n\r\n%s",
		 *body ? "POST" : "GET", path, *token ? "Authorization: " : "",
		 token, *token ? "\r\n" : "", strlen(body), body);
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		n = 0;
	while (n > 0 && len < sizeof(reply) - 1) {
		n = recv(fd, reply + len, sizeof(reply) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	reply[len] = '\0';
	return strstr(reply, " 200 ") ? reply : NULL;
}

static const char *ask(const char *path, const char *body)
{
	return ask_as("", path, body);
}

const char *etcd_tell(const char *path, const char *token, const char *body)
{
	return ask_as(token ? token : "", path, body);
}

int etcd_port(void)
{
	return port;
}

/* A member without a leader is not healthy. */
static bool answers(void)
{
	const char *reply = ask("/health", "");

	return reply && strstr(reply, "true");
}

static bool is_gone(void)
{
	if (server && waitpid(server, NULL, WNOHANG) == server)
		server = 0;
	return !server;
}

/* The server dies with the thread that starts it, so no server outlives its
   test. A file system in memory has no discs to wait for. */
static void serve(void)
{
	char data[80], clients[64], peers[64], cluster[96];
	const char *argv[WORDS] = {
		"etcd",  "--data-dir",
		data,    "--listen-client-urls",
		clients, "--advertise-client-urls",
		clients, "--listen-peer-urls",
		peers,   "--initial-advertise-peer-urls",
		peers,   "--initial-cluster",
		cluster,
	};
	int n = 13, i = 0;
	int null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	snprintf(data, sizeof(data), "%s/data", folder);
	snprintf(clients, sizeof(clients), "http://127.0.0.1:%d", port);
	snprintf(peers, sizeof(peers), "http://127.0.0.1:%d", peer_port);
	snprintf(cluster, sizeof(cluster), "default=%s", peers);
	while (etcd_words && etcd_words[i])
		argv[n++] = etcd_words[i++];
	argv[n] = NULL;
	execvp("etcd", (char **)(uintptr_t)argv);
	_exit(127);
}

static void remove_data(void)
{
	char command[96];

	snprintf(command, sizeof(command), "rm -rf %s/data", folder);
	demand(!system(command));
}

static bool try(void)
{
	server = fork();
	demand(server >= 0);
	if (!server)
		serve();
	demand(eventually(answers() || is_gone()));
	return server > 0;
}

void server_start(void)
{
	bool again = folder[0];
	int tries = 0;

	starter = getpid();
	forgotten = 0;
	if (!again) {
		snprintf(folder, sizeof(folder), "/tmp/sfshm-engine.XXXXXX");
		demand(mkdtemp(folder));
	}
	do {
		demand(++tries < 20);
		remove_data();
		if (again)
			continue;
		port = free_port();
		peer_port = free_port();
		snprintf(server_url, sizeof(server_url),
			 "etcd://127.0.0.1:%d?ns=t", port);
	} while (!try());
}

void server_signal(int signal)
{
	demand(server > 0 && !kill(server, signal));
}

void server_kill(void)
{
	if (server <= 0)
		return;
	kill(server, SIGKILL);
	demand(waitpid(server, NULL, 0) == server);
	server = 0;
}

void server_end(void)
{
	if (starter != getpid())
		return;
	server_kill();
	remove_data();
	rmdir(folder);
	folder[0] = '\0';
}

/* The sum of all metrics whose lines begin with the name. */
static uint64_t metric(const char *name)
{
	const char *at = ask("/metrics", "");
	char start[128];
	uint64_t sum = 0;

	snprintf(start, sizeof(start), "\n%s", name);
	demand(at);
	while ((at = strstr(at, start))) {
		at += 1;
		sum += (uint64_t)strtod(strpbrk(at, " \n"), NULL);
	}
	return sum;
}

/* The library's calls; a line is NAME{grpc_method="...",...} NUMBER. */
static uint64_t all_requests(void)
{
	static const char *const methods[] = {
		"Txn",         "Watch",           "LeaseGrant",
		"LeaseRevoke", "LeaseTimeToLive", "LeaseKeepAlive"
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		char name[96];

		snprintf(name, sizeof(name),
			 "grpc_server_started_total{grpc_method=\"%s\"",
			 methods[i]);
		sum += metric(name);
	}
	return sum;
}

uint64_t server_requests(void)
{
	return all_requests() - forgotten;
}

void server_forget_requests(void)
{
	forgotten = all_requests();
}

int server_waits(void)
{
	return (int)metric("etcd_debugging_mvcc_watcher_total");
}

static void add_base64(char *to, const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += 3) {
		uint32_t b = 0;

		for (size_t j = 0; j < 3; j++)
			b = b << 8 |
			    (i + j < len ? (unsigned char)text[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*to++ = (char)(j > len - i ?
					       '=' :
					       digits[b >> (18 - 6 * j) & 63]);
	}
	*to = '\0';
}

const char *etcd_about(const char *call, const char *key, char letter,
		       const char *rest)
{
	char name[128], name64[256], body[1024];
	const char *reply;

	snprintf(name, sizeof(name), "t:{%s}%c", key, letter);
	add_base64(name64, name);
	snprintf(body, sizeof(body), "{\"key\":\"%s\"%s}", name64, rest);
	reply = ask(call, body);
	demand(reply);
	return reply;
}

bool server_has_lease(const char *key)
{
	return strstr(etcd_about("/v3/kv/range", key, 'L', ""), "\"kvs\"");
}

bool server_has_value(const char *key)
{
	return strstr(etcd_about("/v3/kv/range", key, 'V', ""), "\"kvs\"");
}

void server_drop_lease(const char *key)
{
	etcd_about("/v3/kv/deleterange", key, 'L', "");
}

void server_forget_all(void)
{
	/* From the first name on: all. */
	demand(ask("/v3/kv/deleterange",
		   "{\"key\":\"AA==\",\"range_end\":\"AA==\"}"));
}
