/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F8, PROMISE-F11: if the engine does not answer, each host works for
 * itself, or calls fail, as the fleet's options say. One call tries the engine
 * for all of its host, and no other call connects or waits.
 */
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "fleet.h"
#ifndef FLEET_OVER_ETCD
#include "redis/dial.h"
#endif

/* A server that lets connections in, and never answers. */
static int mute;
static char mute_path[64], mute_url[80];

static void mute_open(void)
{
#ifdef FLEET_OVER_ETCD
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	mute = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	demand(!bind(mute, (struct sockaddr *)&at, sizeof(at)));
	demand(!getsockname(mute, (struct sockaddr *)&at, &len));
	snprintf(mute_url, sizeof(mute_url), "etcd://127.0.0.1:%d",
		 ntohs(at.sin_port));
#else
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(mute_path, sizeof(mute_path), "/tmp/sfshm-mute.%d",
		 (int)getpid());
	snprintf(mute_url, sizeof(mute_url), "unix:%s", mute_path);
	unlink(mute_path);
	mute = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	memcpy(at.sun_path, mute_path, strlen(mute_path) + 1);
	demand(!bind(mute, (struct sockaddr *)&at, sizeof(at)));
#endif
	demand(!listen(mute, 100));
}

static void mute_close(void)
{
	close(mute);
	unlink(mute_path);
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

/* No second try comes by itself. */
static const struct sfshm_fleet_options once = {
	.command_ms = 1000,
	.retry_ms = 3600000,
};

static void ask_ten_keys(struct host *host)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	for (int i = 0; i < 10; i++) {
		char key[8];
		int r;

		snprintf(key, sizeof(key), "key%d", i);
		r = sfshm_forget(host->handle, key, strlen(key));
		demand(r == 0 || r == -ENODATA);
		demand(ask(host, key, publish_text, "here", &result) ==
		       SFSHM_COMPUTED);
		demand(result.fleet == 0);
		demand(result_is(&result, "here"));
	}
	sfshm_result_clear(&result);
}

static void ask_in_a_child(struct note *n)
{
	struct host host = host_open_at(0, &once, mute_url);

	(void)n;
	ask_ten_keys(&host);
	host_close(&host);
}

static void one_call_tries_for_its_host(void **state)
{
	struct host host, other;
	int status;
	pid_t pid;

	(void)state;
	mute_open();
	host = host_open_at(0, &once, mute_url);
	other = host_open_at(1, &once, mute_url);
	ask_ten_keys(&host);
	assert_int_equal(connects(), 1);
	ask_ten_keys(&host);
	pid = worker_fork(ask_in_a_child, NULL);
	demand(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
	assert_int_equal(connects(), 0);
	/* Another host has to learn it for itself. */
	ask_ten_keys(&other);
	assert_int_equal(connects(), 1);
	host_close(&host);
	host_close(&other);
	mute_close();
}

static void or_calls_fail(void **state)
{
	struct sfshm_fleet_options strict = once;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_policy old = {
		.size = sizeof(old),
		.ttl_ms = 1,
		.grace_ms = 3600000,
	};
	struct host host;

	(void)state;
	strict.flags = SFSHM_FLEET_STRICT;
	host = host_open_at(0, &strict, NOWHERE);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(&host, "key", publish_text, "", &result),
				 -EHOSTUNREACH);
	assert_int_equal(result.value.len, 0);
	/* The host flight is free: a caller without a fleet leads. */
	assert_int_equal(sfshm_put(host.handle, "key", 3, &old, "old", 3), 0);
	clock_advance(1000);
	/* An old value serves whom it would serve without a leader's result. */
	assert_int_equal(sfshm_fleet_do(host.fleet, "key", 3, &old,
					publish_text, "", &result),
			 SFSHM_CACHED);
	assert_true(result_is(&result, "old"));
	assert_int_equal(result.stale, 1);
	assert_int_equal(sfshm_fleet_invalidate(host.fleet, "key", 3, 0),
			 -EHOSTUNREACH);
	sfshm_result_clear(&result);
	host_close(&host);
}

/* The next try after retry_ms finds the engine back. */
static void until_it_is_back(void **state)
{
	const struct sfshm_fleet_options patient = {
		.command_ms = PATIENCE_MS,
		.retry_ms = 100000,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, &patient);

	(void)state;
	server_kill();
	assert_int_equal(ask(&host, "key", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	server_start();
	assert_int_equal(ask(&host, "other", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	clock_advance(100001);
	assert_int_equal(ask(&host, "third", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	assert_int_equal(ask(&host, "fourth", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	sfshm_result_clear(&result);
	host_close(&host);
}

static int kill_engine_when_watched(struct sfshm_fleet_flight *flight,
				    void *arg)
{
	(void)arg;
	demand(eventually(server_waits() == 1));
	server_kill();
	return sfshm_fleet_publish(flight, "mine", 4);
}

static void await_the_lease(void)
{
	demand(eventually(server_has_lease("key")));
}

/* Leader and waiter both end by themselves. */
static void when_it_dies_meanwhile(void **state)
{
	struct host hosts[2] = { host_open(0, NULL), host_open(1, NULL) };
	struct worker w[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.host = &hosts[i],
			.key = "key",
			.policy.ttl_ms = 3600000,
			.work = i ? publish_text : kill_engine_when_watched,
			.arg = "own",
		};
		worker_start(&w[i]);
		if (!i)
			await_the_lease();
	}
	for (int i = 0; i < 2; i++) {
		worker_join(&w[i]);
		assert_int_equal(w[i].outcome, SFSHM_COMPUTED);
		assert_int_equal(w[i].result.fleet, 0);
		assert_true(result_is(&w[i].result, i ? "own" : "mine"));
		sfshm_result_clear(&w[i].result);
		host_close(&hosts[i]);
	}
}

/* A request that the engine never gets, of the next so many. */
static uint32_t losses;

static int lose(const struct sfshm_fleet_request *q)
{
	uint32_t n = load_relaxed(&losses);

	(void)q;
	return n && cas_relaxed(&losses, n, n - 1) ? -ECONNRESET : 0;
}

static int lose_publish(void *engine, const struct sfshm_fleet_request *q,
			struct sfshm_fleet_answer *a)
{
	int r = lose(q);

	return r ? r : fleet_ops()->publish(engine, q, a);
}

static int lose_release(void *engine, const struct sfshm_fleet_request *q,
			struct sfshm_fleet_answer *a)
{
	int r = lose(q);

	return r ? r : fleet_ops()->release(engine, q, a);
}

/* Host 0 leads, host 1 waits for it, and the end of host 0's flight is lost. */
static void lose_the_end(bool releases)
{
	const struct sfshm_fleet_options hasty = {
		.lease_ms = LONG_LEASE_MS,
		.command_ms = PATIENCE_MS,
		.retry_ms = 1,
	};
	struct sfshm_fleet_ops ops = *fleet_ops();
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, NULL), other = host_open(1, NULL);
	struct worker w = {
		.host = &other,
		.key = "key",
		.policy.ttl_ms = 3600000,
		.work = publish_text,
		.arg = "other",
	};
	struct sfshm_fleet_flight flight;
	struct sfshm_fleet *fleet;

	ops.publish = lose_publish;
	ops.release = lose_release;
	fleet = fleet_join(host.handle, &hasty, &ops, server_url);
	assert_int_equal(sfshm_fleet_begin(fleet, "key", 3, NULL, &flight,
					   &result),
			 SFSHM_LEADER);
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	store_relaxed(&losses, 3);
	assert_int_equal(releases ? sfshm_fleet_release(&flight) :
				    sfshm_fleet_publish(&flight, "mine", 4),
			 0);
	assert_int_equal(sfshm_fleet_shared(&flight), 0);
	/* The lease is an hour: the waiter hears of its end. */
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_COMPUTED);
	assert_int_equal(w.result.fleet, 1);
	sfshm_result_clear(&w.result);
	assert_int_equal(sfshm_fleet_close(fleet), 0);
	host_close(&host);
	host_close(&other);
}

/* It is back before the lease has run out. */
static void as_a_flight_ends(void **state)
{
	(void)state;
	lose_the_end(false);
}

static void as_a_flight_is_released(void **state)
{
	(void)state;
	lose_the_end(true);
}

#ifndef FLEET_OVER_ETCD
/* A server without memory refuses leases, and nothing is left half-done. */
static void when_it_is_full(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open(0, NULL);

	(void)state;
	server_ask("CONFIG SET maxmemory-policy noeviction");
	server_ask("CONFIG SET maxmemory 1");
	assert_int_equal(ask(&host, "key", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	assert_string_equal(server_ask("DBSIZE"), ":0\r\n");
	sfshm_result_clear(&result);
	host_close(&host);
}

/* How many waits end after an hour in which nothing has come. */
static uint32_t hours;

/* The C library's, but that hours pass. */
int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *timeout,
	  const sigset_t *ss)
{
	uint32_t left = load_relaxed(&hours);
	struct timespec t = timeout ? *timeout : (struct timespec){ 0 };

	if (left) {
		store_relaxed(&hours, left - 1);
		return 0;
	}
	return (int)syscall(SYS_ppoll, fds, nfds, timeout ? &t : NULL, ss,
			    sizeof(uint64_t));
}

/* A port of this host that lets no more connections in. */
static int full_port(int fds[9], char url[64])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 9; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (bind(fds[0], (struct sockaddr *)&at, len) || listen(fds[0], 0))
		return -errno;
	demand(!getsockname(fds[0], (struct sockaddr *)&at, &len));
	for (int i = 1; i < 9; i++)
		demand(connect(fds[i], (struct sockaddr *)&at, len) &&
		       errno == EINPROGRESS);
	snprintf(url, 64, "redis://127.0.0.1:%d", ntohs(at.sin_port));
	return 0;
}

/* A connection that takes its time is not taken for made. */
static void however_long_a_connection_takes(void **state)
{
	struct conn c = { .fd = -1 };
	struct url u;
	char url[64];
	int fds[9], r = full_port(fds, url);

	(void)state;
	if (r)
		skip();
	demand(!url_parse(&u, url, NULL, 0));
	store_relaxed(&hours, 2);
	r = dial(&c, &u, clock_ns() + 100 * NS_PER_MS);
	assert_int_equal(r, -ETIMEDOUT);
	assert_int_equal(load_relaxed(&hours), 0);
	url_free(&u);
	for (int i = 0; i < 9; i++)
		close(fds[i]);
}

#endif

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* Before the others move the clock, by which threads sleep. */
		in_fleet(as_a_flight_ends),
		in_fleet(as_a_flight_is_released),
		in_fleet(one_call_tries_for_its_host),
		in_fleet(or_calls_fail),
		in_fleet(until_it_is_back),
		in_fleet(when_it_dies_meanwhile),
#ifndef FLEET_OVER_ETCD
		in_fleet(when_it_is_full),
		in_fleet(however_long_a_connection_takes),
#endif
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
