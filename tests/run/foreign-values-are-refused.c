/* SPDX-License-Identifier: MIT */
/*
 * If another program uses the key, or the value is damaged, sfshm-run says so
 * and shows no part of it.
 */
#include <limits.h>
#include <sys/wait.h>

#include "testing.h"

/* Where the header that precedes the output has the exit status's low byte. */
#define STATUS_BYTE 8
#define HEADER_BYTES 32

static char said[4096];

/* Runs sfshm-run with the key "key"; what it writes is in `said`. */
static int run(const char *options, const char *shell)
{
	char exe[PATH_MAX - 64] = "", line[PATH_MAX + 512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	FILE *pipe;
	size_t len;
	int status;

	assert_true(n > 0);
	for (int i = 0; i < 2; i++)
		*strrchr(exe, '/') = '\0';
	snprintf(line, sizeof(line),
		 "%s/tools/sfshm-run -s %s -k key %s -- sh -c '%s' 2>&1", exe,
		 segment, options, shell);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	len = fread(said, 1, sizeof(said) - 1, pipe);
	said[len] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void lead(struct sfshm *h, struct sfshm_flight *flight)
{
	const struct sfshm_policy policy = {
		.size = sizeof(policy),
		.flags = SFSHM_REFRESH,
		.ttl_ms = SFSHM_FOREVER,
		.neg_ttl_ms = SFSHM_FOREVER,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;

	assert_int_equal(sfshm_begin(h, "key", 3, &policy, flight, &result),
			 SFSHM_LEADER);
	sfshm_result_clear(&result);
}

static void publish(struct sfshm *h, const void *data, size_t len)
{
	struct sfshm_flight flight;

	lead(h, &flight);
	assert_int_equal(sfshm_publish(&flight, data, len), 0);
}

static void assert_refused(struct sfshm *h, const void *data, size_t len)
{
	publish(h, data, len);
	assert_int_equal(run("", "echo mine"), 125);
	assert_string_equal(said, "sfshm-run: key key: its value is not from "
				  "sfshm-run; choose another key or segment\n");
}

static void that_are_no_records(void **state)
{
	struct sfshm *h = segment_open(NULL);
	static const char zeroes[100];

	(void)state;
	assert_refused(h, "", 0);
	assert_refused(h, "a text of another program, which is long enough",
		       47);
	assert_refused(h, zeroes, sizeof(zeroes));
	assert_int_equal(sfshm_close(h), 0);
}

static void that_are_damaged(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_buf *value = &result.value;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(run("--ttl 1h", "echo out; echo err >&2"), 0);
	assert_int_equal(sfshm_get(h, "key", 3, &result), SFSHM_CACHED);
	assert_int_equal(value->len, HEADER_BYTES + strlen("out\nerr\n"));
	bytes = value->data;
	for (size_t i = 0; i < HEADER_BYTES; i++) {
		if (i == STATUS_BYTE)
			continue;
		bytes[i] ^= 0x80;
		assert_refused(h, bytes, value->len);
		bytes[i] ^= 0x80;
	}
	for (size_t len = 0; len < value->len; len++)
		assert_refused(h, bytes, len);
	publish(h, bytes, value->len);
	assert_int_equal(run("", "echo mine"), 0);
	assert_string_equal(said, "out\nerr\n");
	sfshm_result_clear(&result);
	assert_int_equal(sfshm_close(h), 0);
}

static void that_are_failures(void **state)
{
	struct sfshm *h = segment_open(NULL);
	struct sfshm_flight flight;

	(void)state;
	lead(h, &flight);
	assert_int_equal(sfshm_fail(&flight, -EIO, "the disk\nis on fire"), 0);
	assert_int_equal(run("", "echo mine"), 125);
	assert_string_equal(said, "sfshm-run: the disk\\x0ais on fire\n");
	lead(h, &flight);
	assert_int_equal(sfshm_fail(&flight, -ENOENT, "no such user"), 0);
	assert_int_equal(run("", "echo mine"), 125);
	assert_string_equal(said, "sfshm-run: no such user\n");
	lead(h, &flight);
	assert_int_equal(sfshm_fail(&flight, 77, NULL), 0);
	assert_int_equal(run("", "echo mine"), 125);
	assert_string_equal(said, "sfshm-run: key key: another program's work "
				  "failed with 77\n");
	assert_int_equal(sfshm_close(h), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_segment(that_are_no_records),
		in_segment(that_are_damaged),
		in_segment(that_are_failures),
	};

	return test_main(tests);
}
