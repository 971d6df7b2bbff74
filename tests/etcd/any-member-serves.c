/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, over etcd: a request reaches the cluster while any
 * of the members that the URL names serves. A result stays in the cluster if a
 * member takes it and dies before it answers.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "lib/etcd/etcd.h"
#include "fleet/fleet.h"

/* A socket that lets connections in. */
static int listen_at(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	demand(!bind(fd, (struct sockaddr *)&at, len));
	demand(!getsockname(fd, (struct sockaddr *)&at, &len));
	demand(!listen(fd, 100));
	*port = ntohs(at.sin_port);
	return fd;
}

/* A port that never answers. */
static int mute, mute_port;

/* How often somebody has connected since the last time. */
static int connects(void)
{
	int n = 0, fd;

	while ((fd = accept(mute, NULL, NULL)) >= 0) {
		close(fd);
		n++;
	}
	return n;
}

/* Asks two keys through the members. Returns whether the fleet had both. */
static bool coordinates(const char *members, uint32_t command_ms)
{
	const struct sfshm_fleet_options o = {
		.lease_ms = LONG_LEASE_MS,
		.command_ms = command_ms,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host;
	char url[256];
	bool both = true;

	snprintf(url, sizeof(url), "etcd://%s?ns=t", members);
	host = host_open_at(0, &o, url);
	for (int i = 0; i < 2; i++) {
		char key[64];

		snprintf(key, sizeof(key), "%d of %.40s", i, members);
		assert_int_equal(ask(&host, key, publish_text, "", &result),
				 SFSHM_COMPUTED);
		both = both && result.fleet;
	}
	sfshm_result_clear(&result);
	host_close(&host);
	return both;
}

static void if_others_are_gone(void **state)
{
	char members[256];

	(void)state;
	snprintf(members, sizeof(members), "127.0.0.1:1,[::1]:1,localhost:%d",
		 etcd_port());
	assert_true(coordinates(members, PATIENCE_MS));
	assert_false(coordinates("127.0.0.1:1,[::1]:1", PATIENCE_MS));
}

/* Only the first request waits for the member that does not answer. */
static void if_others_do_not_answer(void **state)
{
	char members[256];

	(void)state;
	mute = listen_at(&mute_port);
	snprintf(members, sizeof(members), "127.0.0.1:%d,127.0.0.1:%d",
		 mute_port, etcd_port());
	assert_true(coordinates(members, 4000));
	assert_int_equal(connects(), 1);
	close(mute);
}

/*
 * A member that hands requests and replies on. Once it is told to forget, it
 * drops the reply to the next request that writes a record, and the
 * connection.
 */
static struct relay {
	pthread_t thread;
	int fd, port;
	bool forget, forgot, over;
} relay;

static int dial_member(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)etcd_port());
	demand(!connect(fd, (struct sockaddr *)&to, sizeof(to)));
	return fd;
}

/* Hands on what is there. Returns its length; 0: the end. */
static size_t hand_on(int from, int to, char *bytes, size_t size)
{
	ssize_t n = recv(from, bytes, size, 0);

	if (n <= 0 || send(to, bytes, (size_t)n, MSG_NOSIGNAL) != n)
		return 0;
	return (size_t)n;
}

/* One connection, of one request at a time. */
static void relay_one(int client)
{
	struct pollfd polled[2] = { { .fd = client, .events = POLLIN },
				    { .fd = dial_member(), .events = POLLIN } };
	static char seen[1 << 16];
	size_t len = 0, n = 1;

	while (n && !load_acquire(&relay.over)) {
		demand(poll(polled, 2, 20) >= 0);
		if (polled[1].revents && load_acquire(&relay.forget) &&
		    memmem(seen, len, "requestPut", 10)) {
			store_release(&relay.forget, false);
			store_release(&relay.forgot, true);
			break;
		}
		if (polled[1].revents) {
			n = hand_on(polled[1].fd, client, seen, sizeof(seen));
			len = 0;
		} else if (polled[0].revents) {
			n = hand_on(client, polled[1].fd, seen + len,
				    sizeof(seen) - len);
			len += n;
		}
	}
	close(polled[1].fd);
	close(client);
}

static void *relay_run(void *unused)
{
	struct pollfd polled = { .fd = relay.fd, .events = POLLIN };
	int client;

	while (!load_acquire(&relay.over)) {
		demand(poll(&polled, 1, 20) >= 0);
		client = accept(relay.fd, NULL, NULL);
		if (client >= 0)
			relay_one(client);
	}
	return unused;
}

static int publish_and_hear_nothing(struct sfshm_fleet_flight *flight,
				    void *text)
{
	store_release(&relay.forget, true);
	return publish_text(flight, text);
}

/* The request is repeated, and finds that it was made. */
static void if_an_answer_is_lost(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host a, b;
	char url[256];

	(void)state;
	relay = (struct relay){ .fd = -1 };
	relay.fd = listen_at(&relay.port);
	demand(!pthread_create(&relay.thread, NULL, relay_run, NULL));
	snprintf(url, sizeof(url), "etcd://127.0.0.1:%d,127.0.0.1:%d?ns=t",
		 relay.port, etcd_port());
	a = host_open_at(0, NULL, url);
	b = host_open(1, NULL);
	assert_int_equal(ask(&a, "key", publish_and_hear_nothing, "value",
			     &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	assert_true(load_acquire(&relay.forgot));
	assert_int_equal(ask(&b, "key", publish_text, "", &result),
			 SFSHM_CACHED);
	assert_true(result_is(&result, "value"));
	sfshm_result_clear(&result);
	host_close(&a);
	host_close(&b);
	store_release(&relay.over, true);
	demand(!pthread_join(relay.thread, NULL));
	close(relay.fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(if_others_are_gone),
		in_fleet(if_others_do_not_answer),
		in_fleet(if_an_answer_is_lost),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
