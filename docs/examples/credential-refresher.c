/* SPDX-License-Identifier: MIT */
/*
 * One access token for all processes of a host.
 *
 *   credential-refresher [OPTION...] NAME COMMAND [ARG...]
 *
 * The program prints "GENERATION TOKEN". COMMAND mints a token: it prints
 * "SECONDS TOKEN", the time for which the token is valid, and the token. The
 * command runs in one process at a time, and only if there is no token or the
 * token is due. A token is due in the last part of its life, the margin: one
 * process then mints a new token, and the others use the old one, which is
 * still valid. If the mint fails, all use the old token until its end.
 *
 * This file has first the mint, then the look-up.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sfshm.h>

#define TOKEN_MAX 4096
#define TRIES_MAX 3

/* Milliseconds. */
#define RETRY_MS 1000 /* between a failed mint and the next one */
#define WAIT_MS 60000 /* for a first token that another process mints */

struct refresher {
	struct sfshm *segment;
	const char *name;
	char **command;
	uint32_t margin_ms; /* a token is due this long before its end */
	uint32_t mint_ms;   /* after this time another process may mint */
	uint64_t rejected;  /* the token must be of a later generation */
};

/* ---- the mint: runs in one process at a time --------------------------- */

/* Starts the command. The kernel kills it when this process ends. */
static pid_t command_start(char **command, int *out)
{
	pid_t parent = getpid(), pid;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent && dup2(fd[1], STDOUT_FILENO) >= 0)
			execvp(command[0], command);
		_exit(127);
	}
	close(fd[1]);
	*out = fd[0];
	if (pid < 0)
		close(fd[0]);
	return pid < 0 ? -errno : pid;
}

/* Reads the command's line into `line`, TOKEN_MAX bytes. */
static int command_read(char **command, char *line)
{
	int fd = -1, status, ok;
	pid_t pid = command_start(command, &fd);
	FILE *in;

	if (pid < 0)
		return (int)pid;
	in = fdopen(fd, "r");
	ok = in && fgets(line, TOKEN_MAX, in);
	if (in)
		fclose(in);
	else
		close(fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return ok && status == 0 ? 0 : -EIO;
}

/* Parses "SECONDS TOKEN". Returns the life in ms, or -EPROTO. */
static int64_t line_parse(char *line, char **token)
{
	double seconds = strtod(line, token);

	*token += strspn(*token, " \t");
	(*token)[strcspn(*token, "\n")] = '\0';
	if (!(seconds > 0 && seconds < UINT32_MAX / 1000) || !**token)
		return -EPROTO;
	return (int64_t)(seconds * 1000);
}

static int mint(struct sfshm_flight *flight, void *arg)
{
	const struct refresher *r = arg;
	uint64_t began_ns = sfshm_deadline_ms(0);
	char line[TOKEN_MAX], *token;
	int rc = command_read(r->command, line);
	int64_t life_ms;

	fprintf(stderr, "%s: ran %s\n", r->name, r->command[0]);
	if (rc < 0)
		return sfshm_fail(flight, rc, "the command failed");
	life_ms = line_parse(line, &token);
	if (life_ms < 0)
		return sfshm_fail(flight, -EPROTO, "not \"SECONDS TOKEN\"");
	/* The token may have been made when the command began. */
	life_ms -= (int64_t)(sfshm_deadline_ms(0) - began_ns) / 1000000;
	if (life_ms <= r->margin_ms)
		return sfshm_fail(flight, -ERANGE,
				  "the token lives no longer than the margin");
	sfshm_flight_ttl(flight, (uint32_t)life_ms - r->margin_ms, RETRY_MS);
	sfshm_flight_keep(flight, r->margin_ms);
	return sfshm_publish(flight, token, strlen(token));
}

/* ---- the look-up ------------------------------------------------------- */

/* If many processes are rejected at once, the first one mints, and the others
   find a later token. */
static int not_rejected(const struct sfshm_result *result, void *arg)
{
	const struct refresher *r = arg;

	return result->generation > r->rejected;
}

static int token_get(struct refresher *r, struct sfshm_result *result)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	int rc, tries = 0;

	policy.neg_ttl_ms = RETRY_MS;
	policy.wait_timeout_ms = WAIT_MS;
	policy.lock_age_ms = r->mint_ms;
	policy.arg = r;
	if (r->rejected) {
		policy.fresh = not_rejected;
	} else {
		/* Past its lifetime the token is due, but still valid. */
		policy.grace_ms = r->margin_ms;
		policy.stale_if_error_ms = r->margin_ms;
	}
	/* -ESTALE: the mint took too long, and another process minted. */
	do
		rc = sfshm_do(r->segment, r->name, strlen(r->name), &policy,
			      mint, r, result);
	while (rc == -ESTALE && ++tries < TRIES_MAX);
	if (tries)
		fprintf(stderr, "%s: minted too late, dropped\n", r->name);
	return rc;
}

static int token_print(struct refresher *r)
{
	static const char *const source[] = {
		[SFSHM_CACHED] = "cached",
		[SFSHM_AWAITED] = "awaited",
		[SFSHM_COMPUTED] = "minted",
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int rc = token_get(r, &result);

	if (rc < 0)
		fprintf(stderr, "credential-refresher: %s: %s%s%s\n", r->name,
			sfshm_strerror(rc), *result.message ? ": " : "",
			result.message);
	else
		fprintf(stderr, "%s: %s%s%s%s\n", r->name, source[rc],
			result.stale ? ", due" : "",
			result.code ? ", the last mint failed" : "",
			result.owner_died ? ", the last minter died" : "");
	if (rc >= 0)
		printf("%" PRIu64 " %.*s\n", result.generation,
		       (int)result.value.len, (char *)result.value.data);
	sfshm_result_clear(&result);
	return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr, "usage: credential-refresher [-s SEGMENT] "
			"[-m MARGIN_MS] [-l MINT_MS]\n"
			"           [-r GENERATION] NAME COMMAND [ARG...]\n");
	return 2;
}

/* Returns the number in `text`, or 0 if there is none or it is above `max`. */
static uint64_t number_parse(const char *text, uint64_t max)
{
	char *end;
	uint64_t n = strtoull(text, &end, 10);

	return *text < '0' || *text > '9' || *end || n > max ? 0 : n;
}

int main(int argc, char **argv)
{
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	struct refresher r = { .margin_ms = 60000, .mint_ms = 30000 };
	const char *segment = NULL;
	int option, rc, bad = 0;

	while ((option = getopt(argc, argv, "+s:m:l:r:")) != -1) {
		if (option == 's')
			segment = optarg;
		else if (option == 'm')
			bad |= !(r.margin_ms = (uint32_t)number_parse(
					 optarg, UINT32_MAX - 1));
		else if (option == 'l')
			bad |= !(r.mint_ms = (uint32_t)number_parse(
					 optarg, UINT32_MAX - 1));
		else if (option == 'r')
			bad |= !(r.rejected =
					 number_parse(optarg, UINT64_MAX - 1));
		else
			bad = 1;
	}
	if (bad || argc - optind < 2)
		return usage();
	r.name = argv[optind];
	r.command = argv + optind + 1;
	rc = sfshm_open(&r.segment, segment, &options);
	if (rc < 0) {
		fprintf(stderr,
			"credential-refresher: cannot open the "
			"segment: %s\n",
			sfshm_strerror(rc));
		return EXIT_FAILURE;
	}
	rc = token_print(&r);
	return sfshm_close(r.segment) < 0 ? EXIT_FAILURE : rc;
}
