/* SPDX-License-Identifier: MIT */
/*
 * If several processes run this at once, du runs once and all of them print its
 * output. Processes that run it in the next ten seconds print the same output.
 * The segment is the user's default one, or the one named on the command line.
 */
#include <stdio.h>
#include <sfshm.h>

static int make_report(struct sfshm_flight *flight, void *command)
{
	char text[4096];
	FILE *pipe = popen(command, "r");
	size_t len = pipe ? fread(text, 1, sizeof(text), pipe) : 0;

	if (!pipe || pclose(pipe) != 0)
		return sfshm_fail(flight, -EIO, "du failed");
	return sfshm_publish(flight, text, len);
}

int main(int argc, char **argv)
{
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm *segment;
	int rc = sfshm_open(&segment, argc > 1 ? argv[1] : NULL, &options);

	policy.ttl_ms = 10000;
	if (rc == 0)
		rc = sfshm_do(segment, "usr", 3, &policy, make_report,
			      "du -sh /usr", &result);
	if (rc < 0) {
		fprintf(stderr, "report: %s\n", sfshm_strerror(rc));
		return 1;
	}
	fwrite(result.value.data, 1, result.value.len, stdout);
	sfshm_result_clear(&result);
	return sfshm_close(segment) < 0;
}
