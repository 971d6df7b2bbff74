/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: with rediss:// all connections are sealed by TLS. A server whose
 * certificate is of another name or authority counts as away, and so does one
 * that does not accept this host's certificate.
 */
#include <dlfcn.h>

#include "nodes.h"
#include "redis/url.h"

static struct node engine;
static char ca[96], cert[96], key[96];

#define ISSUE                                                               \
	"exec >/dev/null 2>&1; cd %s && "                                   \
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "    \
	"-nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem && " \
	"for name in server client; do "                                    \
	"openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "   \
	"-subj /CN=$name -keyout $name.key -out $name.csr && "              \
	"printf 'subjectAltName=IP:127.0.0.1' >$name.ext && "               \
	"openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key "         \
	"-CAcreateserial -days 2 -extfile $name.ext -out $name.pem "        \
	"|| exit 1; done"

/* Returns 0, or this machine cannot make certificates. */
static int issue(void)
{
	char command[1024];

	nodes_setup();
	snprintf(command, sizeof(command), ISSUE, nodes_folder);
	snprintf(ca, sizeof(ca), "%s/ca.pem", nodes_folder);
	return system(command);
}

static const char *in_folder(char path[96], const char *name)
{
	snprintf(path, 96, "%s/%s", nodes_folder, name);
	return path;
}

/* The server has no port without TLS. `clients`: whether it asks for their
   certificates. */
static void start(const char *clients)
{
	const char *const words[] = { "--port",
				      "0",
				      "--tls-port",
				      "PORT",
				      "--tls-cert-file",
				      in_folder(cert, "server.pem"),
				      "--tls-key-file",
				      in_folder(key, "server.key"),
				      "--tls-ca-cert-file",
				      ca,
				      "--tls-auth-clients",
				      clients,
				      "--save",
				      "",
				      NULL };

	engine = (struct node){ .asks_by_socket = true };
	node_start(&engine, words);
}

static int teardown(void **state)
{
	node_kill(&engine);
	hosts_unlink();
	return segment_teardown(state);
}

static const char *url(const char *form, const char *host, const char *options)
{
	static char text[512];

	snprintf(text, sizeof(text), form, host, engine.port, options);
	return text;
}

static const char *sealed(const char *options)
{
	static char text[512];
	char all[400];

	snprintf(all, sizeof(all), "ca=%s%s", ca, options);
	snprintf(text, sizeof(text), "%s",
		 url("rediss://%s:%d?ns=t&%s", "127.0.0.1", all));
	return text;
}

static void assert_led(const char *at, bool fleet)
{
	static const struct sfshm_fleet_options o = {
		.lease_ms = LONG_LEASE_MS,
		.command_ms = PATIENCE_MS,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host = host_open_at(0, &o, at);
	static int number;
	char name[16];

	snprintf(name, sizeof(name), "key%d", ++number);
	assert_int_equal(ask(&host, name, publish_text, "v", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, fleet);
	sfshm_result_clear(&result);
	host_close(&host);
}

/* Over each kind of command, with more bytes than one record of TLS. */
static char bytes[200000];

static int publish_when_watched(struct sfshm_fleet_flight *flight, void *unused)
{
	(void)unused;
	demand(eventually(
		!strcmp(node_tell(&engine, 0, "HGET t:{key}L w"), "1")));
	return sfshm_fleet_publish(flight, bytes, sizeof(bytes));
}

static bool is_leased(void)
{
	return !strcmp(node_tell(&engine, 0, "EXISTS t:{key}L"), "1");
}

static void hosts_share_over_tls(void **state)
{
	struct host hosts[2];
	struct worker w[2];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 2654435761u >> 24);
	start("no");
	for (int i = 0; i < 2; i++) {
		hosts[i] = host_open_at(i, NULL, sealed(""));
		w[i] = (struct worker){
			.host = &hosts[i],
			.key = "key",
			.policy.ttl_ms = 3600000,
			.work = i ? publish_text : publish_when_watched,
			.arg = "wrong",
		};
		worker_start(&w[i]);
		if (!i)
			assert_true(eventually(is_leased()));
	}
	for (int i = 0; i < 2; i++) {
		worker_join(&w[i]);
		assert_true(w[i].outcome ==
				    (i ? SFSHM_AWAITED : SFSHM_COMPUTED) ||
			    (i && w[i].outcome == SFSHM_CACHED));
		assert_int_equal(w[i].result.fleet, 1);
		assert_int_equal(w[i].result.value.len, sizeof(bytes));
		assert_memory_equal(w[i].result.value.data, bytes,
				    sizeof(bytes));
		sfshm_result_clear(&w[i].result);
	}
	for (int i = 0; i < 2; i++)
		host_close(&hosts[i]);
}

/* OpenSSL's largest piece of memory. */
static size_t largest;
static bool counts;

static void note_size(size_t size)
{
	if (size > load_relaxed(&largest))
		store_relaxed(&largest, size);
}

static void *note_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	note_size(size);
	return malloc(size);
}

static void *note_realloc(void *at, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	note_size(size);
	return realloc(at, size);
}

static void note_free(void *at, const char *file, int line)
{
	(void)file;
	(void)line;
	free(at);
}

/* OpenSSL accepts this before it has taken any memory. */
static void count_sizes(void)
{
	int (*set)(void *(*)(size_t, const char *, int),
		   void *(*)(void *, size_t, const char *, int),
		   void (*)(void *, const char *, int));
	void *found = dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");

	memcpy(&set, &found, sizeof(set));
	counts = found && set(note_malloc, note_realloc, note_free) == 1;
}

static int publish_bytes(struct sfshm_fleet_flight *flight, void *unused)
{
	(void)unused;
	return sfshm_fleet_publish(flight, bytes, sizeof(bytes));
}

/* A connection seals a long command piece by piece, and so keeps no buffer of
   the command's size. */
static void long_commands_are_sealed_in_pieces(void **state)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host;

	(void)state;
	if (!counts)
		skip();
	start("no");
	store_relaxed(&largest, 0);
	host = host_open_at(0, NULL, sealed(""));
	assert_int_equal(ask(&host, "key", publish_bytes, NULL, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	assert_true(load_relaxed(&largest) > 0);
	assert_true(load_relaxed(&largest) < sizeof(bytes) / 2);
	sfshm_result_clear(&result);
	host_close(&host);
}

#define LARGE ((size_t)4 << 20)

static int publish_large(struct sfshm_fleet_flight *flight, void *large)
{
	return sfshm_fleet_publish(flight, large, LARGE);
}

/* A server that refuses a long value ends the connection with its answer. */
static void a_long_value_concerns_itself(void **state)
{
	const struct sfshm_options roomy = {
		.size = sizeof(roomy),
		.flags = SFSHM_CREATE,
		.max_value = LARGE,
		.bytes = 32 * LARGE,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	char *large = calloc(1, LARGE), name[96];
	struct host host;

	(void)state;
	demand(large);
	start("no");
	demand(node_tell(&engine, 0, "CONFIG SET proto-max-bulk-len 1048576"));
	host_name(0, name);
	demand(!sfshm_open(&host.handle, name, &roomy));
	host.fleet =
		fleet_join(host.handle, NULL, sfshm_fleet_redis(), sealed(""));
	assert_int_equal(ask(&host, "long", publish_large, large, &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.value.len, LARGE);
	assert_int_equal(result.fleet, 0);
	assert_string_equal(node_tell(&engine, 0, "EXISTS t:{long}L"), "0");
	assert_int_equal(ask(&host, "short", publish_text, "v", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 1);
	free(large);
	sfshm_result_clear(&result);
	host_close(&host);
}

static void servers_must_show_who_they_are(void **state)
{
	char options[160];

	(void)state;
	start("no");
	assert_led(sealed(""), true);
	/* No authority of this system's has signed the certificate. */
	assert_led(url("rediss://%s:%d?%s", "127.0.0.1", "ns=t"), false);
	/* The certificate names the address only. */
	snprintf(options, sizeof(options), "ca=%s", ca);
	assert_led(url("rediss://%s:%d?%s", "localhost", options), false);
	assert_led(url("redis://%s:%d?%s", "127.0.0.1", "ns=t"), false);
}

static void hosts_may_show_who_they_are(void **state)
{
	char options[300];

	(void)state;
	start("yes");
	assert_led(sealed(""), false);
	snprintf(options, sizeof(options),
		 "&cert=%s/client.pem&key=%s/client.key", nodes_folder,
		 nodes_folder);
	assert_led(sealed(options), true);
}

static void files_are_read_when_a_fleet_is_opened(void **state)
{
	static const struct {
		const char *url, *why;
	} wrong[] = {
		{ "rediss://h?ca=/nonexistent", "the file of authorities" },
		{ "rediss://h?cert=/nonexistent", "the certificate" },
		{ "redis://h?ca=/nonexistent", "is not of the form" },
	};
	char why[256];
	const struct sfshm_fleet_options o = {
		.size = sizeof(o),
		.why = why,
		.why_size = sizeof(why),
	};
	struct sfshm *handle;
	struct sfshm_fleet *fleet;
	char name[96];

	(void)state;
	host_name(0, name);
	assert_int_equal(sfshm_open(&handle, name, &create), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		assert_int_equal(sfshm_fleet_open(&fleet, handle,
						  sfshm_fleet_redis(),
						  wrong[i].url, &o),
				 -EINVAL);
		assert_non_null(strstr(why, wrong[i].why));
	}
	assert_int_equal(sfshm_close(handle), 0);
}

/* Standard input has the password. */
static int refuse_locked_key(int input)
{
	char text[512], why[256] = "", line[8];
	struct url u;
	int r;

	/* OpenSSL asks at a terminal, if there is one. */
	setsid();
	dup2(input, STDIN_FILENO);
	snprintf(text, sizeof(text), "rediss://h?cert=%s/client.pem&key=%s/%s",
		 nodes_folder, nodes_folder, "locked.key");
	r = url_parse(&u, text, why, sizeof(why));
	url_free(&u);
	if (r != -EINVAL || !strstr(why, "locked.key: it is encrypted"))
		return 1;
	return read(STDIN_FILENO, line, sizeof(line)) == 5 ? 0 : 2;
}

static void nobody_is_asked_for_a_password(void **state)
{
	char command[256];
	int ends[2], status;
	pid_t pid;

	(void)state;
	snprintf(command, sizeof(command),
		 "openssl ec -aes128 -passout pass:word -in %s/client.key "
		 "-out %s/locked.key 2>/dev/null",
		 nodes_folder, nodes_folder);
	demand(!system(command));
	demand(!pipe(ends) && write(ends[1], "word\n", 5) == 5);
	close(ends[1]);
	pid = fork();
	demand(pid >= 0);
	if (!pid)
		_exit(refuse_locked_key(ends[0]));
	close(ends[0]);
	demand(waitpid(pid, &status, 0) == pid);
	assert_int_equal(status, 0);
}

#define with_tls(f) cmocka_unit_test_setup_teardown(f, segment_setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		with_tls(hosts_share_over_tls),
		with_tls(long_commands_are_sealed_in_pieces),
		with_tls(a_long_value_concerns_itself),
		with_tls(servers_must_show_who_they_are),
		with_tls(hosts_may_show_who_they_are),
		with_tls(files_are_read_when_a_fleet_is_opened),
		cmocka_unit_test(nobody_is_asked_for_a_password),
	};
	struct url u;
	int r;

	count_sizes();
	if (server_impossible())
		return skip_all(server_impossible());
	if (url_parse(&u, "rediss://h", NULL, 0) == -EOPNOTSUPP)
		return skip_all("libsfshm-redis was built without OpenSSL");
	url_free(&u);
	r = issue() ? skip_all("openssl(1) makes no certificates here") :
		      test_main(tests);
	nodes_teardown();
	return r;
}
