/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, over etcd: a request reaches the cluster while any
 * of the members that the URL names serves.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lib/etcd/etcd.h"
#include "fleet/fleet.h"

/* A port that lets connections in, and never answers. */
static int mute, mute_port;

static void mute_open(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	mute = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	demand(!bind(mute, (struct sockaddr *)&at, len));
	demand(!getsockname(mute, (struct sockaddr *)&at, &len));
	demand(!listen(mute, 100));
	mute_port = ntohs(at.sin_port);
}

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
	mute_open();
	snprintf(members, sizeof(members), "127.0.0.1:%d,127.0.0.1:%d",
		 mute_port, etcd_port());
	assert_true(coordinates(members, 4000));
	assert_int_equal(connects(), 1);
	close(mute);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(if_others_are_gone),
		in_fleet(if_others_do_not_answer),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
