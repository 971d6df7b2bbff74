/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11, over etcd: keys of any bytes and values of up to 1 MiB reach
 * other hosts whole, both those that wait and those that come later. A longer
 * value stays in its leader's host, and another host leads at once. Wrong URLs
 * are refused, and no password is cut.
 */
#include <sys/stat.h>

#include "fleet/fleet.h"

#define MOST ((size_t)1 << 20)

static const struct sfshm_options roomy = {
	.size = sizeof(roomy),
	.flags = SFSHM_CREATE,
	.max_value = 4 << 20,
};

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

static void open_all(struct host *hosts)
{
	for (int i = 0; i < 3; i++) {
		char name[96];

		host_name(i, name);
		demand(!sfshm_open(&hosts[i].handle, name, &roomy));
		hosts[i].fleet = fleet_join(hosts[i].handle, NULL, fleet_ops(),
					    server_url);
	}
}

static void close_all(struct host *hosts)
{
	for (int i = 0; i < 3; i++)
		host_close(&hosts[i]);
}

/* Host 0 leads, host 1 waits, and host 2 comes later. */
static void one_size(struct host *hosts, size_t len)
{
	struct goods g = { .data = malloc(len + 1), .len = len, .waiting = 1 };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct worker w[2];
	char key[32];

	demand(g.data);
	value_fill(g.data, len, (unsigned int)len);
	snprintf(key, sizeof(key), "}\x01\xff%% {\"\\%zu", len);
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
		assert_int_equal(w[i].result.value.len, len);
		assert_int_equal(w[i].result.fleet, 1);
		assert_memory_equal(w[i].result.value.data, g.data, len);
		sfshm_result_clear(&w[i].result);
	}
	assert_int_equal(ask(&hosts[2], key, publish_text, "", &result),
			 SFSHM_CACHED);
	assert_int_equal(result.value.len, len);
	assert_memory_equal(result.value.data, g.data, len);
	sfshm_result_clear(&result);
	free(g.data);
}

static void of_any_size(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4096, MOST - 1, MOST };
	struct host hosts[3];

	(void)state;
	open_all(hosts);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		one_size(hosts, sizes[i]);
	close_all(hosts);
}

static void longer_ones_stay(void **state)
{
	struct goods g = { .data = malloc(MOST + 1), .len = MOST + 1 };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host hosts[3];

	(void)state;
	demand(g.data);
	value_fill(g.data, g.len, 1);
	open_all(hosts);
	assert_int_equal(ask(&hosts[0], "key", publish_goods, &g, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	assert_int_equal(ask(&hosts[0], "key", publish_text, "", &result),
			 SFSHM_CACHED);
	assert_int_equal(result.value.len, g.len);
	assert_memory_equal(result.value.data, g.data, g.len);
	/* The lease is an hour. */
	assert_int_equal(ask(&hosts[1], "key", publish_text, "b", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	free(g.data);
	sfshm_result_clear(&result);
	close_all(hosts);
}

static int opens(const char *url, char why[256])
{
	struct sfshm_fleet_options o = { .size = sizeof(o), .why = why };
	struct sfshm *handle = segment_open(NULL);
	struct sfshm_fleet *fleet;
	int r;

	o.why_size = 256;
	r = sfshm_fleet_open(&fleet, handle, fleet_ops(), url, &o);
	if (!r)
		demand(!sfshm_fleet_close(fleet));
	demand(!sfshm_close(handle));
	return r;
}

static void urls_are_checked(void **state)
{
	static const char *const good[] = {
		"etcd://h",
		"etcd://h/",
		"etcd://u:p%40@[::1]:2379,h-2:1?ns=a%2fb",
		"etcd://h?user=u",
		"etcds://h?ca=/dev/null&cert=/dev/null",
	};
	static const char *const bad[] = {
		"lib/etcd/etcd.h",
		"etcd://",
		"etcd://h,",
		"etcd://h:",
		"etcd://h:x",
		"etcd://h/x",
		"etcd://a b",
		"etcd://[::1",
		"etcd://[]:1",
		"etcd://::1",
		"etcd://h?what=1",
		"etcd://h?ns=",
		"etcd://h?ns=%zz",
		"etcd://h?ns=%4",
		"etcd://u:p%00q@h",
		"etcd://p@h",
		"etcd://h?ca=/dev/null",
		"etcds://h?key=/dev/null",
		"redis://h",
	};
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_int_equal(opens(good[i], why), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(opens(bad[i], why), -EINVAL);
		assert_non_null(strstr(why, "etcd[s]://"));
	}
	assert_int_equal(opens("etcds://h?ca=/nonexistent", why), -ENOENT);
	assert_non_null(strstr(why, "/nonexistent"));
	assert_int_equal(opens("etcd://u:p@h?password-file=/nonexistent", why),
			 -ENOENT);
	assert_non_null(strstr(why, "/nonexistent"));
}

/* Opens a fleet whose password is so long. */
static int opens_with_password(size_t len)
{
	char path[] = "/tmp/sfshm-password.XXXXXX", url[96], byte = 'x';
	int fd = mkstemp(path), r;
	char why[256];

	demand(fd >= 0);
	while (len--)
		demand(write(fd, &byte, 1) == 1);
	close(fd);
	snprintf(url, sizeof(url), "etcd://h?user=u&password-file=%s", path);
	r = opens(url, why);
	unlink(path);
	return r;
}

static void no_password_is_cut(void **state)
{
	(void)state;
	assert_int_equal(opens_with_password(1024), 0);
	assert_int_equal(opens_with_password(1025), -EFBIG);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(of_any_size),
		in_fleet(longer_ones_stay),
		cmocka_unit_test_setup_teardown(urls_are_checked, segment_setup,
						segment_teardown),
		cmocka_unit_test_setup_teardown(
			no_password_is_cut, segment_setup, segment_teardown),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
