/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: hosts follow their primary by its sentinels. A failover that
 * loses writes gives no token twice and none that is lower, although the new
 * primary knows an older token only; and of two leaders that it leaves, the
 * engine takes one's result. The hosts log in as a user who may do no more than
 * docs/fleet.md asks for.
 */
#include "nodes.h"
#include "redis/dial.h"

#define SENTINELS 3

static struct node primary, replica, sentinel[SENTINELS];
static char url[256];

static const struct sfshm_fleet_options o = {
	.lease_ms = LONG_LEASE_MS,
	.command_ms = PATIENCE_MS,
	.retry_ms = 1,
};

static const struct sfshm_policy hour = {
	.size = sizeof(hour),
	.ttl_ms = 3600000,
};

static const struct sfshm_policy anew = {
	.size = sizeof(anew),
	.flags = SFSHM_REFRESH,
	.ttl_ms = 3600000,
};

/* Makes the sentinel's file, which it writes to. */
static const char *configure(int i, char path[96])
{
	FILE *file;

	snprintf(path, 96, "%s/sentinel%d.conf", nodes_folder, i);
	file = fopen(path, "we");
	demand(file);
	fprintf(file,
		"sentinel monitor m 127.0.0.1 %d 2\n"
		"sentinel down-after-milliseconds m 1000\n"
		"sentinel failover-timeout m 10000\n",
		primary.port);
	/* This one is mistaken, and never has a majority to mend that. */
	if (i == 0)
		fprintf(file, "sentinel monitor mistaken 127.0.0.1 %d 9\n",
			replica.port);
	demand(!fclose(file));
	return path;
}

/* Whether it knows the other sentinels and the replica. */
static bool sees_all(const struct node *s)
{
	const char *text = node_tell(s, 0, "INFO sentinel");

	return text && strstr(text, "status=ok") &&
	       strstr(text, "slaves=1,sentinels=3");
}

static bool says(const struct node *n, size_t index, const char *command,
		 const char *text)
{
	const char *reply = node_tell(n, index, command);

	return reply && strstr(reply, text);
}

/* Reads from docs/fleet.md, for ACL SETUSER, what a user needs. */
static void read_rules(char *to, size_t size)
{
	static const char about[] = "A user of the server's ACL needs";
	char text[64 << 10], *at, *end, *rest = NULL;
	FILE *file = fopen(FLEET_MD, "re");
	size_t len;

	demand(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	demand(!fclose(file));
	text[len] = '\0';
	at = strstr(text, about);
	demand(at);
	end = strstr(at, "\n\n");
	demand(end);
	*end = '\0';
	*to = '\0';
	for (at = strtok_r(at, " \n,.:`", &rest); at;
	     at = strtok_r(NULL, " \n,.:`", &rest))
		if (*at == '+')
			snprintf(to + strlen(to), size - strlen(to), " %s", at);
	demand(strlen(to) < size - 1);
}

static void add_user(const struct node *n)
{
	char rules[512], command[640];

	read_rules(rules, sizeof(rules));
	snprintf(command, sizeof(command), "ACL SETUSER fleet on nopass ~t:*%s",
		 rules);
	demand(says(n, 0, command, "OK"));
}

static int setup(void **state)
{
	const char *const plain[] = {
		"--port", "PORT", "--save", "", "--repl-diskless-sync-delay",
		"0",      NULL
	};
	char file[96], port[8];
	const char *const follow[] = { "--port", "PORT",        "--save",
				       "",       "--replicaof", "127.0.0.1",
				       port,     NULL };
	const char *const watch[] = { file, "--sentinel", "--port", "PORT",
				      NULL };
	int n;

	nodes_setup();
	node_start(&primary, plain);
	snprintf(port, sizeof(port), "%d", primary.port);
	node_start(&replica, follow);
	demand(eventually(says(&replica, 0, "INFO replication",
			       "master_link_status:up")));
	add_user(&primary);
	add_user(&replica);
	/* The first sentinel of the URL is not there. */
	n = snprintf(url, sizeof(url), "redis+sentinel://127.0.0.1:1");
	for (int i = 0; i < SENTINELS; i++) {
		configure(i, file);
		node_start(&sentinel[i], watch);
		n += snprintf(url + n, sizeof(url) - (size_t)n, ",127.0.0.1:%d",
			      sentinel[i].port);
	}
	snprintf(url + n, sizeof(url) - (size_t)n, "/m?ns=t&user=fleet");
	for (int i = 0; i < SENTINELS; i++)
		demand(eventually(sees_all(&sentinel[i])));
	return segment_setup(state);
}

static int teardown(void **state)
{
	for (int i = 0; i < SENTINELS; i++)
		node_kill(&sentinel[i]);
	node_kill(&replica);
	node_kill(&primary);
	nodes_teardown();
	hosts_unlink();
	return segment_teardown(state);
}

/* Waits until every sentinel names the replica, and that is a primary. */
static void await_failover(void)
{
	char port[8];

	snprintf(port, sizeof(port), "%d", replica.port);
	for (int i = 0; i < SENTINELS; i++)
		demand(eventually(says(&sentinel[i], 1,
				       "SENTINEL get-master-addr-by-name m",
				       port)));
	demand(eventually(says(&replica, 0, "ROLE", "master")));
}

struct flight_of_host {
	struct sfshm_fleet_flight flight;
	struct sfshm_result result;
};

/* Leads, with a token above the last. */
static void lead(struct host *host, const char *key,
		 const struct sfshm_policy *policy, struct flight_of_host *f,
		 uint64_t *last)
{
	f->result = (struct sfshm_result)SFSHM_RESULT_INIT;
	assert_int_equal(sfshm_fleet_begin(host->fleet, key, strlen(key),
					   policy, &f->flight, &f->result),
			 SFSHM_LEADER);
	assert_true(sfshm_fleet_token(&f->flight) > *last);
	*last = sfshm_fleet_token(&f->flight);
}

static void publish(struct flight_of_host *f, const char *text)
{
	assert_int_equal(sfshm_fleet_publish(&f->flight, text, strlen(text)),
			 0);
	assert_int_equal(sfshm_fleet_shared(&f->flight), 1);
	sfshm_result_clear(&f->result);
}

static bool replica_has(const char *key, uint64_t token)
{
	char text[24];
	const char *has = node_tell(&replica, 0, "HGET t:{%s}V t", key);

	snprintf(text, sizeof(text), "%llu", (unsigned long long)token);
	return has && !strcmp(has, text);
}

static void that_loses_writes(void **state)
{
	struct flight_of_host f, held, kept;
	uint64_t value = 0, lease = 0, own = 0, known;
	struct host host[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		host[i] = host_open_at(i, &o, url);
	lead(&host[0], "key", &hour, &f, &value);
	publish(&f, "one");
	known = value;
	demand(eventually(replica_has("key", known)));
	/* From here on the replica gets nothing. */
	demand(node_tell(&replica, 0, "REPLICAOF 127.0.0.1 1"));
	lead(&host[1], "key", &anew, &f, &value);
	publish(&f, "two");
	lead(&host[1], "held", &hour, &held, &lease);
	lead(&host[0], "kept", &hour, &kept, &own);
	node_kill(&primary);
	await_failover();
	demand(replica_has("key", known));
	demand(says(&replica, 0, "DBSIZE", "1"));
	/* A host that has not seen the token that was lost. */
	lead(&host[2], "key", &anew, &f, &value);
	publish(&f, "three");
	demand(replica_has("key", value));
	/* Two leaders: the first has lost its lease with the writes. */
	lead(&host[2], "held", &hour, &f, &lease);
	assert_int_equal(sfshm_fleet_publish(&held.flight, "late", 4), -ESTALE);
	publish(&f, "in time");
	sfshm_result_clear(&held.result);
	/* Nobody else led: the leader takes its lease back. */
	publish(&kept, "mine");
	for (int i = 0; i < 3; i++)
		host_close(&host[i]);
}

/* Both servers stay, and the first becomes a replica. */
static void that_an_operator_makes(void **state)
{
	struct flight_of_host f;
	struct host host;
	uint64_t last = 0;

	(void)state;
	host = host_open_at(0, &o, url);
	lead(&host, "key", &hour, &f, &last);
	demand(eventually(says(&sentinel[1], 0, "SENTINEL FAILOVER m", "OK")));
	await_failover();
	demand(eventually(says(&primary, 0, "ROLE", "slave")));
	publish(&f, "one");
	demand(replica_has("key", last));
	lead(&host, "key", &anew, &f, &last);
	publish(&f, "two");
	demand(replica_has("key", last));
	host_close(&host);
}

/* A sentinel may lag behind: the server itself says what it is. */
static void or_says_that_it_is_none(void **state)
{
	struct conn c = { .fd = -1 };
	struct url u;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "redis+sentinel://127.0.0.1:%d/mistaken",
		 sentinel[0].port);
	demand(!url_parse(&u, text, NULL, 0));
	demand(says(&sentinel[0], 1,
		    "SENTINEL get-master-addr-by-name mistaken", ""));
	assert_int_equal(dial(&c, &u, clock_ns() + PATIENCE_MS * NS_PER_MS),
			 -EHOSTUNREACH);
	assert_int_equal(c.fd, -1);
	url_free(&u);
}

/* Makes a server whose connections the kernel accepts, and nobody answers. */
static int listen_silently(int *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	demand(!bind(fd, (struct sockaddr *)&at, len));
	demand(!getsockname(fd, (struct sockaddr *)&at, &len));
	demand(!listen(fd, 64));
	*port = ntohs(at.sin_port);
	return fd;
}

/* With twice the time again and again, up to some seconds. */
static int dial_in_time(const char *text)
{
	struct conn c = { .fd = -1 };
	uint64_t ms = 200;
	struct url u;
	int r;

	demand(!url_parse(&u, text, NULL, 0));
	do {
		r = dial(&c, &u, clock_ns() + ms * NS_PER_MS);
		ms *= 2;
	} while (r && ms < PATIENCE_MS / 4);
	conn_close(&c);
	url_free(&u);
	return r;
}

/* A sentinel may not know yet that the primary's host is gone, which answers
   neither the log-in nor ROLE. The next sentinel knows. */
static void or_is_silent_where_a_sentinel_lags(void **state)
{
	static const char *const users[] = { "", "?user=fleet" };
	char text[128];
	int port, fd = listen_silently(&port);

	(void)state;
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "SENTINEL MONITOR moved 127.0.0.1 %d 9",
			 i ? primary.port : port);
		demand(says(&sentinel[i], 0, text, "OK"));
	}
	for (int i = 0; i < 2; i++) {
		snprintf(text, sizeof(text),
			 "redis+sentinel://127.0.0.1:%d,127.0.0.1:%d/moved%s",
			 sentinel[0].port, sentinel[1].port, users[i]);
		assert_int_equal(dial_in_time(text), 0);
	}
	close(fd);
}

#define with_sentinels(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		with_sentinels(or_says_that_it_is_none),
		with_sentinels(or_is_silent_where_a_sentinel_lags),
		with_sentinels(that_loses_writes),
		with_sentinels(that_an_operator_makes),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
