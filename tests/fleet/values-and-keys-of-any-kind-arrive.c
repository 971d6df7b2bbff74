/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: keys and values of any bytes and sizes reach other hosts whole,
 * both those that wait and those that come later. What is too large for a
 * segment stays with its leader. Wrong URLs and options are refused; a password
 * is used.
 */
#include <sys/resource.h>
#include <sys/stat.h>

#include "fleet.h"
#include "redis/url.h"

struct goods {
	char *data;
	size_t len;
	int waiting;
};

static int publish_goods(struct sfshm_fleet_flight *flight, void *arg)
{
	const struct goods *g = arg;
	const struct iovec halves[2] = {
		{ g->data, g->len / 2 },
		{ g->data + g->len / 2, g->len - g->len / 2 },
	};

	demand(eventually(server_waits() == g->waiting));
	return sfshm_fleet_publishv(flight, halves, 2);
}

static void has(const struct sfshm_result *r, const struct goods *g)
{
	assert_int_equal(r->value.len, g->len);
	assert_memory_equal(r->value.data, g->data, g->len);
}

/* Host 0 leads, host 1 waits, and host 2 comes later. */
static void one_size(struct host *hosts, size_t len)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct goods g = { .data = malloc(len), .len = len, .waiting = 1 };
	struct worker w[2];
	char key[32];

	demand(g.data);
	value_fill(g.data, len, (unsigned int)len);
	snprintf(key, sizeof(key), "}%% {%zu", len);
	for (int i = 0; i < 2; i++) {
		w[i] = (struct worker){
			.host = &hosts[i],
			.key = key,
			.policy.ttl_ms = SFSHM_FOREVER,
			.work = publish_goods,
			.arg = &g,
		};
		worker_start(&w[i]);
	}
	for (int i = 0; i < 2; i++) {
		worker_join(&w[i]);
		has(&w[i].result, &g);
		sfshm_result_clear(&w[i].result);
	}
	assert_int_equal(ask(&hosts[2], key, publish_text, "", &result),
			 SFSHM_CACHED);
	has(&result, &g);
	sfshm_result_clear(&result);
	free(g.data);
}

static void open_all(struct host *hosts)
{
	for (int i = 0; i < 3; i++)
		hosts[i] = host_open(i, NULL);
}

static void close_all(struct host *hosts)
{
	for (int i = 0; i < 3; i++)
		host_close(&hosts[i]);
}

static void of_any_size(void **state)
{
	static const size_t sizes[] = { 16, 16 << 10, (16 << 10) + 1, 1 << 20 };
	struct host hosts[3];

	(void)state;
	open_all(hosts);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		one_size(hosts, sizes[i]);
	close_all(hosts);
}

/* Nothing of an older large value stays, and no other value takes its place. */
static void large_ones_come_and_go(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct goods g = { .data = malloc(100000), .len = 100000 };
	struct host hosts[3];

	(void)state;
	demand(g.data);
	value_fill(g.data, g.len, (unsigned int)g.len);
	open_all(hosts);
	assert_int_equal(ask(&hosts[0], "key", publish_goods, &g, &result),
			 SFSHM_COMPUTED);
	assert_string_equal(server_ask("DBSIZE"), ":2\r\n");
	assert_int_equal(sfshm_fleet_invalidate(hosts[0].fleet, "key", 3, 0),
			 0);
	assert_string_equal(server_ask("DBSIZE"), ":1\r\n");
	assert_int_equal(ask(&hosts[0], "key", publish_goods, &g, &result),
			 SFSHM_COMPUTED);
	/* The server has evicted the bytes alone. */
	assert_non_null(strstr(server_ask("EVAL \"for _, k in ipairs(redis.call"
					  "('KEYS', 't:{key}B:*')) do redis."
					  "call('DEL', k) end return 'gone'\" "
					  "0"),
			       "gone"));
	assert_int_equal(ask(&hosts[1], "key", publish_text, "small", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(ask(&hosts[2], "key", publish_text, "", &result),
			 SFSHM_CACHED);
	assert_true(result_is(&result, "small"));
	free(g.data);
	sfshm_result_clear(&result);
	close_all(hosts);
}

static void too_large_for_a_segment(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct goods g = { .data = malloc(2 << 20), .len = 2 << 20 };
	struct host hosts[3];

	(void)state;
	demand(g.data);
	value_fill(g.data, g.len, (unsigned int)g.len);
	open_all(hosts);
	assert_int_equal(ask(&hosts[0], "key", publish_goods, &g, &result),
			 SFSHM_COMPUTED);
	has(&result, &g);
	assert_int_equal(result.uncached, 1);
	assert_int_equal(result.fleet, 0);
	/* The next host leads at once. */
	assert_int_equal(ask(&hosts[1], "key", publish_text, "small", &result),
			 SFSHM_COMPUTED);
	free(g.data);
	sfshm_result_clear(&result);
	close_all(hosts);
}

static int opens(const char *url, const struct sfshm_fleet_options *o)
{
	struct sfshm *handle = segment_open(NULL);
	struct sfshm_fleet *fleet;
	int r = sfshm_fleet_open(&fleet, handle, fleet_ops(), url, o);

	if (!r)
		demand(!sfshm_fleet_close(fleet));
	else
		assert_null(fleet);
	demand(!sfshm_close(handle));
	return r;
}

static void urls_are_checked(void **state)
{
	static const char *const good[] = {
		"redis://h",
		"redis://:secret@h:1/2?ns=n",
		"redis://u:p%40@[::1]:6379/0",
		"redis://p@[::1]",
		"unix:/a?db=3&ns=n&user=u",
		"redis+sentinel://h/m",
		"redis+sentinel://u:p@h,[::1]:1,h:2/m/3?ns=n",
	};
	static const char *const bad[] = {
		"",
		"redis://",
		"redis://h:",
		"redis://h/x",
		"redis://h?what=1",
		"redis://%zz",
		"redis://:p%00q@h",
		"redis://[::1",
		"redis://:p@",
		"rediss://",
		"redis+sentinel://h",
		"redis+sentinel://h/",
		"redis+sentinel:///m",
		"redis+sentinel://h,/m/",
		"redis+sentinel://,h/m",
		"redis+sentinel://h/m/x",
		"redis+sentinel://h:,g/m",
		"redis+sentinel://a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q/m",
		"unix:",
		"http://h",
	};
	char why[256];
	struct sfshm_fleet_options o = { .size = sizeof(o),
					 .why = why,
					 .why_size = sizeof(why) };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(opens(good[i], NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(opens(bad[i], &o), -EINVAL);
		assert_true(*why);
	}
	assert_int_equal(opens("redis://h?password-file=/nonexistent", &o),
			 -ENOENT);
	assert_non_null(strstr(why, "/nonexistent"));
	o.jitter = 101;
	assert_int_equal(opens("redis://h", &o), -EINVAL);
	o.jitter = 0;
	o.flags = 1u << 31;
	assert_int_equal(opens("redis://h", &o), -EINVAL);
}

/* Larger than the heap of a thread (64 MiB), so that malloc() has to ask the
   kernel. */
#define LARGE (80 << 20)

static int parses_without_memory(const char *text, char *why, size_t why_size)
{
	struct rlimit before, none;
	struct url u;
	int r;

	demand(!getrlimit(RLIMIT_AS, &before));
	none = before;
	none.rlim_cur = 0;
	demand(!setrlimit(RLIMIT_AS, &none));
	r = url_parse(&u, text, why, why_size);
	demand(!setrlimit(RLIMIT_AS, &before));
	url_free(&u);
	return r;
}

static void lack_of_memory_is_no_fault_of_the_url(void **state)
{
	static const struct {
		const char *head, *tail;
	} parts[] = {
		{ "unix:", "" },
		{ "redis://", "" },
		{ "redis://h:", "" },
		{ "redis://", "@h" },
		{ "redis://", ":p@h" },
		{ "unix:/a?ns=", "" },
		{ "unix:/a?password-file=", "" },
	};
	char why[256], *text;

	(void)state;
	if (UNDER_ASAN || UNDER_TSAN)
		skip();
	text = malloc(LARGE);
	demand(text);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		size_t tail = strlen(parts[i].tail) + 1;

		memset(text, 'x', LARGE);
		memcpy(text, parts[i].head, strlen(parts[i].head));
		memcpy(text + LARGE - tail, parts[i].tail, tail);
		assert_int_equal(parses_without_memory(text, why, sizeof(why)),
				 -ENOMEM);
		assert_string_equal(why, "");
	}
	free(text);
}

/* Opens a fleet whose password is so long. */
static int opens_with_password(size_t len)
{
	struct sfshm_fleet_options o = { .size = sizeof(o) };
	char path[] = "/tmp/sfshm-password.XXXXXX", url[96], byte = 'x';
	int fd = mkstemp(path), r;

	demand(fd >= 0);
	while (len--)
		demand(write(fd, &byte, 1) == 1);
	close(fd);
	snprintf(url, sizeof(url), "redis://h?password-file=%s", path);
	r = opens(url, &o);
	unlink(path);
	return r;
}

static void no_password_is_cut(void **state)
{
	(void)state;
	assert_int_equal(opens_with_password(1024), 0);
	assert_int_equal(opens_with_password(1025), -EFBIG);
}

static bool coordinates(const char *url)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open_at(0, NULL, url);
	bool fleet;

	assert_int_equal(ask(&host, "key", publish_text, "", &result),
			 SFSHM_COMPUTED);
	fleet = result.fleet;
	assert_int_equal(sfshm_forget(host.handle, "key", 3), 0);
	demand(!sfshm_fleet_invalidate(host.fleet, "key", 3, 0) || !fleet);
	sfshm_result_clear(&result);
	host_close(&host);
	return fleet;
}

static void passwords_are_used(void **state)
{
	char path[] = "/tmp/sfshm-password.XXXXXX", url[256];
	int fd = mkstemp(path);

	(void)state;
	demand(fd >= 0 && write(fd, "se cret\n", 8) == 8);
	close(fd);
	snprintf(url, sizeof(url), "%s&password-file=%s&db=2", server_url,
		 path);
	server_ask("ACL SETUSER default resetpass \">se cret\"");
	assert_true(coordinates(url));
	assert_false(coordinates(server_url));
	unlink(path);
}

/* The server tells users apart by their rights. */
static void users_need_no_password(void **state)
{
	char url[256];

	(void)state;
	snprintf(url, sizeof(url), "%s&user=guest", server_url);
	server_ask("ACL SETUSER guest on nopass allkeys allcommands");
	assert_true(coordinates(url));
	server_ask("ACL SETUSER guest resetkeys");
	assert_false(coordinates(url));
	assert_true(coordinates(server_url));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(of_any_size),
		in_fleet(large_ones_come_and_go),
		in_fleet(too_large_for_a_segment),
		in_fleet(urls_are_checked),
		in_fleet(lack_of_memory_is_no_fault_of_the_url),
		in_fleet(no_password_is_cut),
		in_fleet(passwords_are_used),
		in_fleet(users_need_no_password),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
