/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, over etcd: if etcd refuses one key, the other keys
 * stay with the fleet; if it refuses all, it counts as away. The library logs
 * in, and again if the log-in has run out.
 */
#include "lib/etcd/etcd.h"
#include "fleet/fleet.h"

/* No second try comes by itself. */
static const struct sfshm_fleet_options strict = {
	.flags = SFSHM_FLEET_STRICT,
	.lease_ms = LONG_LEASE_MS,
	.command_ms = PATIENCE_MS,
	.retry_ms = 3600000,
};

/* sfshm_fleet_do() as a member that does not work alone. */
static int asks(const char *url, const char *key)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open_at(0, &strict, url);
	int r = ask(&host, key, publish_text, "", &result);

	demand(r < 0 || result.fleet);
	sfshm_result_clear(&result);
	host_close(&host);
	return r;
}

/* What another program has stored under the library's names stays. */
static void records_of_others(void **state)
{
	static const char theirs[] = ",\"value\":\"dGhlaXJz\"";

	(void)state;
	etcd_about("/v3/kv/put", "a", 'L', theirs);
	etcd_about("/v3/kv/put", "b", 'V', theirs);
	etcd_about("/v3/kv/put", "c", 'F', theirs);
	assert_int_equal(asks(server_url, "a"), -EREMOTE);
	assert_int_equal(asks(server_url, "b"), -EREMOTE);
	assert_int_equal(asks(server_url, "c"), -EREMOTE);
	assert_int_equal(asks(server_url, "d"), SFSHM_COMPUTED);
	assert_non_null(
		strstr(etcd_about("/v3/kv/range", "a", 'L', ""), "dGhlaXJz"));
}

static void add_users(void)
{
	/* "t:" to "t;", but for one key of another name space. */
	static const char *const calls[][2] = {
		{ "user/add", "{\"name\":\"root\",\"password\":\"r\"}" },
		{ "role/add", "{\"name\":\"root\"}" },
		{ "user/grant", "{\"user\":\"root\",\"role\":\"root\"}" },
		{ "user/add", "{\"name\":\"u\",\"password\":\"se cret\"}" },
		{ "role/add", "{\"name\":\"few\"}" },
		{ "role/grant", "{\"name\":\"few\",\"perm\":{\"permType\":"
				"\"READWRITE\",\"key\":\"dDo=\","
				"\"range_end\":\"dDs=\"}}" },
		{ "user/grant", "{\"user\":\"u\",\"role\":\"few\"}" },
		{ "enable", "{}" },
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char path[64];

		snprintf(path, sizeof(path), "/v3/auth/%s", calls[i][0]);
		demand(etcd_tell(path, NULL, calls[i][1]));
	}
}

static void users_log_in(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "etcd://u:se%%20cret@127.0.0.1:%d?ns=t",
		 etcd_port());
	/* It knows no users yet, and then the log-in is for nothing. */
	assert_int_equal(asks(url, "first"), SFSHM_COMPUTED);
	add_users();
	assert_int_equal(asks(url, "second"), SFSHM_COMPUTED);
	snprintf(url, sizeof(url), "etcd://u:wrong@127.0.0.1:%d?ns=t",
		 etcd_port());
	assert_int_equal(asks(url, "third"), -EHOSTUNREACH);
	assert_int_equal(asks(server_url, "third"), -EHOSTUNREACH);
}

static void users_may_lack_rights(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "etcd://u:se%%20cret@127.0.0.1:%d?ns=other",
		 etcd_port());
	add_users();
	assert_int_equal(asks(url, "key"), -EREMOTE);
	assert_int_equal(asks(url, "key"), -EREMOTE);
}

/* The root's token, from a reply. */
static void log_in(char token[128])
{
	const char *at = etcd_tell("/v3/auth/authenticate", NULL,
				   "{\"name\":\"root\",\"password\":\"r\"}");

	demand(at);
	at = strstr(at, "\"token\":\"");
	demand(at);
	snprintf(token, 128, "%.*s", (int)strcspn(at + 9, "\""), at + 9);
}

/* The log-in's token does not hold any more once the users have changed. */
static void log_ins_are_repeated(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char url[256], token[128];
	struct host host;

	(void)state;
	snprintf(url, sizeof(url), "etcd://u:se%%20cret@127.0.0.1:%d?ns=t",
		 etcd_port());
	add_users();
	host = host_open_at(0, &strict, url);
	assert_int_equal(ask(&host, "first", publish_text, "", &result),
			 SFSHM_COMPUTED);
	log_in(token);
	demand(etcd_tell("/v3/auth/user/changepw", token,
			 "{\"name\":\"u\",\"password\":\"se cret\"}"));
	assert_int_equal(ask(&host, "second", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	sfshm_result_clear(&result);
	host_close(&host);
}

/* A cluster without space refuses writes. */
static void when_it_is_full(void **state)
{
	static const char *const words[] = { "--quota-backend-bytes", "1",
					     NULL };

	(void)state;
	server_kill();
	etcd_words = words;
	server_start();
	etcd_words = NULL;
	assert_int_equal(asks(server_url, "key"), -EHOSTUNREACH);
}

/* A cluster may have a lower bound for requests than the usual. */
static void when_it_takes_little(void **state)
{
	static const char *const words[] = { "--max-request-bytes", "65536",
					     NULL };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host;
	char *data;

	(void)state;
	server_kill();
	etcd_words = words;
	server_start();
	etcd_words = NULL;
	data = calloc(1, 100001);
	demand(data);
	memset(data, 'x', 100000);
	host = host_open_at(0, &strict, server_url);
	assert_int_equal(ask(&host, "key", publish_text, data, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	assert_false(server_has_lease("key"));
	assert_int_equal(ask(&host, "next", publish_text, "", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	free(data);
	sfshm_result_clear(&result);
	host_close(&host);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(records_of_others),     in_fleet(users_log_in),
		in_fleet(users_may_lack_rights), in_fleet(log_ins_are_repeated),
		in_fleet(when_it_is_full),       in_fleet(when_it_takes_little),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
