/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "testing.h"

char server_url[128];

static char folder[64];
static pid_t server, starter;

const char *server_impossible(void)
{
	static const char *const places[] = { "/usr/bin/redis-server",
					      "/usr/local/bin/redis-server" };

	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
		if (!access(places[i], X_OK))
			return NULL;
	return "redis-server is not installed";
}

static int dial(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	demand(fd >= 0);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", folder);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	close(fd);
	return -1;
}

/* Whether a reply is whole: "+OK", ":1" or "$5 hello". */
static bool whole(const char *reply, size_t len)
{
	const char *end = memchr(reply, '\n', len);
	long bytes;

	if (!end)
		return false;
	if (reply[0] != '$')
		return true;
	bytes = strtol(reply + 1, NULL, 10);
	return bytes < 0 ||
	       len >= (size_t)(end + 1 - reply) + (size_t)bytes + 2;
}

/* One command over a connection of its own; NULL: nobody answers. */
static const char *ask(const char *command)
{
	static __thread char reply[64 << 10];
	int fd = dial();
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return NULL;
	if (send(fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		len = sizeof(reply);
	while (len < sizeof(reply) - 1 && !whole(reply, len)) {
		n = recv(fd, reply + len, sizeof(reply) - 1 - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	reply[len < sizeof(reply) ? len : 0] = '\0';
	return whole(reply, len) ? reply : NULL;
}

static bool answers(void)
{
	const char *reply = ask("PING\r\n");

	return reply && !strcmp(reply, "+PONG\r\n");
}

/*
 * The server dies with the thread that starts it, so no server outlives its
 * test.
 */
static void serve(void)
{
	char socket_path[128];
	int null = open("/dev/null", O_RDWR);

	snprintf(socket_path, sizeof(socket_path), "%s/socket", folder);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(null, 1);
	execlp("redis-server", "redis-server", "--port", "0", "--unixsocket",
	       socket_path, "--save", "", "--appendonly", "no", "--dir", folder,
	       "--loglevel", "warning", "--repl-diskless-sync-delay", "0",
	       (char *)NULL);
	_exit(127);
}

void server_start(void)
{
	starter = getpid();
	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/sfshm-engine.XXXXXX");
		demand(mkdtemp(folder));
		snprintf(server_url, sizeof(server_url), "unix:%s/socket?ns=t",
			 folder);
	}
	server = fork();
	demand(server >= 0);
	if (!server)
		serve();
	demand(eventually(answers()));
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
	char path[128];

	if (starter != getpid())
		return;
	server_kill();
	snprintf(path, sizeof(path), "%s/socket", folder);
	unlink(path);
	rmdir(folder);
	folder[0] = '\0';
}

const char *server_ask(const char *format, ...)
{
	char command[4096];
	const char *reply;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(command, sizeof(command) - 3, format, args);
	va_end(args);
	demand(n > 0 && n < (int)sizeof(command) - 3);
	memcpy(command + n, "\r\n", 3);
	reply = ask(command);
	demand(reply);
	return reply;
}

/* The library's scripts call none of these commands, so each is a request. */
uint64_t server_requests(void)
{
	static const char *const commands[] = { "evalsha", "eval", "xread",
						"get", "set" };
	const char *stats = server_ask("INFO commandstats");
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		char name[64];
		const char *at;

		snprintf(name, sizeof(name), "cmdstat_%s:calls=", commands[i]);
		at = strstr(stats, name);
		sum += at ? strtoull(at + strlen(name), NULL, 10) : 0;
	}
	return sum;
}

void server_forget_requests(void)
{
	server_ask("CONFIG RESETSTAT");
}

bool server_key_is_watched(const char *key)
{
	return !strncmp(server_ask("HGET t:{%s}L w", key), "$1\r\n1", 5);
}

int server_waits(void)
{
	const char *at = strstr(server_ask("INFO clients"), "blocked_clients:");

	return at ? atoi(at + strlen("blocked_clients:")) : -1;
}

bool server_has_lease(const char *key)
{
	return !strcmp(server_ask("EXISTS t:{%s}L", key), ":1\r\n");
}

bool server_has_value(const char *key)
{
	return !strcmp(server_ask("HEXISTS t:{%s}V b", key), ":1\r\n");
}

void server_drop_lease(const char *key)
{
	server_ask("DEL t:{%s}L", key);
}

void server_forget_all(void)
{
	server_ask("FLUSHALL");
}
