/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F8, PROMISE-F11: an error of the server that concerns one key leaves
 * the others to the fleet; with any other error the engine counts as away. The
 * rows are those of docs/fleet.md.
 */
#include "liar.h"
#include "redis/script.h"

enum concerns {
	THE_KEY,
	THE_ENGINE,
};

static const struct {
	const char *error;
	enum concerns concerns;
} rows[] = {
	{ "-WRONGTYPE Operation against a key holding the wrong kind of value "
	  "script: 1, on @user_script:15.\r\n",
	  THE_KEY },
	/* Before Redis 7. */
	{ "-ERR Error running script (call to f_1): @user_script:15: "
	  "WRONGTYPE Operation against a key holding the wrong kind of "
	  "value\r\n",
	  THE_KEY },
	{ "-NOPERM this user has no permissions to access one of the keys used "
	  "as arguments\r\n",
	  THE_KEY },
	{ "-NOPERM this user has no permissions to run the 'evalsha' "
	  "command\r\n",
	  THE_ENGINE },
	{ "-MOVED 3999 127.0.0.1:6381\r\n", THE_KEY },
	{ "-ASK 3999 127.0.0.1:6381\r\n", THE_KEY },
	{ "-TRYAGAIN Multiple keys request during rehashing of slot\r\n",
	  THE_KEY },
	{ "-CLUSTERDOWN Hash slot not served\r\n", THE_KEY },
	{ "-CLUSTERDOWN The cluster is down\r\n", THE_ENGINE },
	{ "-NOAUTH Authentication required.\r\n", THE_ENGINE },
	{ "-WRONGPASS invalid username-password pair\r\n", THE_ENGINE },
	{ "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
	  THE_ENGINE },
	{ "-READONLY You can't write against a read only replica.\r\n",
	  THE_ENGINE },
	{ "-MASTERDOWN Link with MASTER is down\r\n", THE_ENGINE },
	{ "-LOADING Redis is loading the dataset in memory\r\n", THE_ENGINE },
	{ "-BUSY Redis is busy running a script.\r\n", THE_ENGINE },
	{ "-MISCONF Redis is configured to save RDB snapshots\r\n",
	  THE_ENGINE },
	{ "-NOREPLICAS Not enough good replicas to write.\r\n", THE_ENGINE },
	{ "-ERR max number of clients reached\r\n", THE_ENGINE },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

static void assert_led(struct host *host, const char *key, bool fleet)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_int_equal(ask(host, key, publish_text, "here", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, fleet);
	assert_true(result_is(&result, "here"));
	sfshm_result_clear(&result);
}

/* The caller of that key does without the fleet; does the next caller? */
static void each_error_has_its_row(void **state)
{
	(void)state;
	store_release(&rote.publish, OK);
	for (size_t i = 0; i < ROWS; i++) {
		struct host host = join(PATIENCE_MS);
		char keys[2][16];

		snprintf(keys[0], sizeof(keys[0]), "one%zu", i);
		snprintf(keys[1], sizeof(keys[1]), "two%zu", i);
		store_release(&rote.acquire, rows[i].error);
		assert_led(&host, keys[0], false);
		store_release(&rote.acquire, LEASE);
		assert_led(&host, keys[1], rows[i].concerns == THE_KEY);
		host_close(&host);
	}
}

static void strict_callers_get_it(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		struct host host = join_as(SFSHM_FLEET_STRICT, PATIENCE_MS);
		int error = rows[i].concerns == THE_KEY ? -EREMOTE :
							  -EHOSTUNREACH;

		store_release(&rote.acquire, rows[i].error);
		assert_int_equal(
			ask(&host, "strict", publish_text, "", &result), error);
		assert_int_equal(
			sfshm_fleet_invalidate(host.fleet, "strict", 6, 0),
			rows[i].concerns == THE_KEY ? 0 : -EHOSTUNREACH);
		host_close(&host);
	}
	sfshm_result_clear(&result);
}

/* The lease of a key that the engine refuses from now on is given up. */
static void a_refused_end_is_not_repeated(void **state)
{
	struct host host = join(PATIENCE_MS);

	(void)state;
	store_release(&rote.acquire, LEASE);
	store_release(&rote.publish, rows[0].error);
	assert_led(&host, "key", false);
	assert_led(&host, "other", false);
	assert_int_equal(load_acquire(&liar.acquires), 2);
	host_close(&host);
}

/* Keys of another program in the server, which stay as they are. */
static void keys_of_other_programs_stay(void **state)
{
	struct host host = host_open(0, NULL);

	(void)state;
	server_ask("SET t:{a}L theirs");
	server_ask("SADD t:{b}V theirs");
	server_ask("SET t:{c}S theirs");
	server_ask("SADD t:{d}B:1 theirs");
	assert_led(&host, "a", false);
	assert_led(&host, "b", false);
	assert_led(&host, "c", true);
	assert_led(&host, "e", true);
	assert_string_equal(server_ask("GET t:{a}L"), "$6\r\ntheirs\r\n");
	assert_string_equal(server_ask("SISMEMBER t:{b}V theirs"), ":1\r\n");
	assert_string_equal(server_ask("GET t:{c}S"), "$6\r\ntheirs\r\n");
	assert_int_equal(sfshm_fleet_invalidate(host.fleet, "b", 1, 0),
			 -EREMOTE);
	host_close(&host);
}

static int await_trouble(struct sfshm_fleet_flight *flight, void *text)
{
	/* The other host has marked the lease, and may watch no stream. */
	demand(eventually(server_key_is_watched("key")));
	return publish_text(flight, text);
}

/* A stream's name is taken: the other host asks again, and the key of the
   other program is neither deleted nor given a time to live. */
static void a_stream_that_is_none_is_left_alone(void **state)
{
	struct host hosts[2] = { host_open(0, NULL), host_open(1, NULL) };
	struct worker w[2];

	(void)state;
	server_ask("SET t:{key}S theirs");
	for (int i = 0; i < 2; i++)
		w[i] = (struct worker){
			.host = &hosts[i],
			.key = "key",
			.policy.ttl_ms = 3600000,
			.work = i ? publish_text : await_trouble,
			.arg = i ? "other" : "first",
		};
	worker_start(&w[0]);
	demand(eventually(server_has_lease("key")));
	worker_start(&w[1]);
	for (int i = 0; i < 2; i++) {
		worker_join(&w[i]);
		assert_int_equal(w[i].outcome,
				 i ? SFSHM_CACHED : SFSHM_COMPUTED);
		assert_int_equal(w[i].result.fleet, 1);
		assert_true(result_is(&w[i].result, "first"));
		sfshm_result_clear(&w[i].result);
	}
	assert_string_equal(server_ask("GET t:{key}S"), "$6\r\ntheirs\r\n");
	assert_string_equal(server_ask("TTL t:{key}S"), ":-1\r\n");
	for (int i = 0; i < 2; i++)
		host_close(&hosts[i]);
}

/* Here a real server gives the errors, and not the test. */
static void this_server_says_so(void **state)
{
	const struct sfshm_fleet_options o = {
		.lease_ms = LONG_LEASE_MS,
		.command_ms = PATIENCE_MS,
		.retry_ms = 100000,
	};
	struct host host;
	char url[192];

	(void)state;
	server_ask("ACL SETUSER few on nopass ~t:{mine}* +@all");
	snprintf(url, sizeof(url), "%s&user=few", server_url);
	host = host_open_at(0, &o, url);
	assert_led(&host, "theirs", false);
	assert_led(&host, "mine", true);
	server_ask("ACL SETUSER few -evalsha -eval");
	assert_int_equal(sfshm_forget(host.handle, "mine", 4), 0);
	assert_led(&host, "mine", false);
	server_ask("ACL SETUSER few +evalsha +eval");
	host_close(&host);
	host = host_open(1, &o);
	/* It has become a replica, of a primary that is not there. */
	server_ask("REPLICAOF 127.0.0.1 1");
	assert_led(&host, "readonly", false);
	clock_advance(100001);
	server_ask("CONFIG SET replica-serve-stale-data no");
	assert_led(&host, "down", false);
	server_ask("REPLICAOF NO ONE");
	assert_led(&host, "away", false);
	clock_advance(100001);
	assert_led(&host, "back", true);
	host_close(&host);
}

/* The server's address may have become another server's. */
static void no_connection_is_used_again(void **state)
{
	static struct pool p;
	const uint64_t end = clock_ns() + PATIENCE_MS * NS_PER_MS;
	struct words ping = { .count = 0 }, set = { .count = 0 };
	struct conn *c[2];
	redisReply *reply;
	char why[64];

	(void)state;
	words_add_text(&ping, "PING");
	words_add_text(&set, "SET");
	words_add_text(&set, "t:key");
	words_add_text(&set, "x");
	pool_init(&p);
	demand(!url_parse(&p.url, server_url, why, sizeof(why)));
	for (int i = 0; i < 2; i++) {
		demand(!pool_take(&p, false, false, end, &c[i]));
		demand(!conn_call(c[i], 1, ping.at, ping.len, end, &reply));
		freeReplyObject(reply);
	}
	for (int i = 0; i < 2; i++)
		pool_give(&p, c[i], false, false);
	server_ask("REPLICAOF 127.0.0.1 1");
	assert_int_equal(command_run(&p, &set, end, &reply), -EIO);
	demand(!pool_take(&p, false, false, end, &c[0]));
	assert_true(c[0]->fresh);
	pool_give(&p, c[0], false, false);
	pool_end(&p, false);
	url_free(&p.url);
}

#define LARGE ((size_t)4 << 20)

static int publish_large(struct sfshm_fleet_flight *flight, void *bytes)
{
	return sfshm_fleet_publish(flight, bytes, LARGE);
}

/* The value is too long for the server, and the engine is not away. */
static void a_long_value_concerns_itself(void **state)
{
	const struct sfshm_options roomy = {
		.size = sizeof(roomy),
		.flags = SFSHM_CREATE,
		.max_value = LARGE,
		.bytes = 32 * LARGE,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char *bytes = calloc(1, LARGE), name[96];
	struct host host;

	(void)state;
	demand(bytes);
	server_ask("CONFIG SET proto-max-bulk-len 1048576");
	host_name(0, name);
	demand(!sfshm_open(&host.handle, name, &roomy));
	host.fleet = fleet_join(host.handle, NULL, fleet_ops(), server_url);
	assert_int_equal(ask(&host, "long", publish_large, bytes, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.value.len, LARGE);
	assert_int_equal(result.fleet, 0);
	assert_string_equal(server_ask("EXISTS t:{long}L"), ":0\r\n");
	assert_led(&host, "short", true);
	free(bytes);
	sfshm_result_clear(&result);
	host_close(&host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		lying(each_error_has_its_row),
		lying(strict_callers_get_it),
		lying(a_refused_end_is_not_repeated),
		in_fleet(keys_of_other_programs_stay),
		in_fleet(a_stream_that_is_none_is_left_alone),
		in_fleet(no_connection_is_used_again),
		in_fleet(a_long_value_concerns_itself),
		/* Moves the clock, by which threads sleep. */
		in_fleet(this_server_says_so),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
