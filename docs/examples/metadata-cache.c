/* SPDX-License-Identifier: MIT */
/*
 * A cache in front of one slow HTTP server, for all processes of a host.
 *
 *   metadata-cache [OPTION...] HOST:PORT PATH...
 *
 * The program prints what the server has at each PATH. If several processes ask
 * for a path at the same moment, one of them asks the server, and the others
 * get the server's answer. While one process refreshes a stale answer, the
 * others get the stale one; if the server fails, all get the stale one.
 *
 * This file has first HTTP, then the fetch, then the look-up.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sfshm.h>

#define BODY_MAX (64 << 10)
#define REQUEST_MAX 2048

/* Milliseconds. */
#define FAILURE_MS 500 /* before a server that failed is asked again */
#define WAIT_MS 30000  /* for another process's fetch */
#define STUCK_MS 60000 /* only the fetch of a stopped process takes this long */

#define SILENCE_S 10 /* after this time without a byte the server has failed */

struct cache {
	struct sfshm *segment;
	const char *server;   /* HOST:PORT */
	uint32_t ttl_ms;      /* lifetime, if the server gives none */
	uint32_t grace_ms;    /* stale answers while one process refreshes */
	uint32_t on_error_ms; /* stale answers while the server fails */
	uint32_t missing_ms;  /* lifetime of a 404 */
	int64_t max_age_ms;   /* the oldest answer accepted; -1: any */
};

struct fetch {
	const struct cache *cache;
	const char *path;
};

/* ---- HTTP: one GET a connection ---------------------------------------- */

struct reply {
	long status;
	int64_t max_age_s; /* -1: the server gives none */
	int64_t length;    /* -1: the server gives none */
	size_t len;
	char body[BODY_MAX];
};

/* Returns a descriptor or a negated errno value. */
static int server_connect(const char *server)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const struct timeval silence = { .tv_sec = SILENCE_S };
	char *host = strdupa(server), *port = strrchr(host, ':');
	struct addrinfo *list, *at;
	int fd = -1, rc = -EHOSTUNREACH;

	*port++ = '\0';
	if (getaddrinfo(host, port, &hints, &list))
		return rc;
	for (at = list; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence,
			   sizeof(silence));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence,
			   sizeof(silence));
		if (connect(fd, at->ai_addr, at->ai_addrlen) == 0)
			break;
		rc = -errno;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(list);
	return fd < 0 ? rc : fd;
}

static void header_read(struct reply *reply, const char *line)
{
	const char *age = strcasestr(line, "max-age=");

	if (strncasecmp(line, "Cache-Control:", 14) == 0 && age)
		reply->max_age_s = strtoll(age + 8, NULL, 10);
	else if (strncasecmp(line, "Content-Length:", 15) == 0)
		reply->length = strtoll(line + 15, NULL, 10);
}

/* An incomplete reply is a failure and is not kept. */
static int reply_read(struct reply *reply, FILE *in)
{
	char line[REQUEST_MAX];

	reply->max_age_s = -1;
	reply->length = -1;
	if (!fgets(line, sizeof(line), in) || strncmp(line, "HTTP/1.", 7))
		return -EPROTO;
	reply->status = strtol(line + strcspn(line, " "), NULL, 10);
	do {
		if (!fgets(line, sizeof(line), in))
			return -EPROTO;
		header_read(reply, line);
	} while (strcmp(line, "\r\n"));
	reply->len = fread(reply->body, 1, BODY_MAX, in);
	if (ferror(in) || getc(in) != EOF)
		return -EMSGSIZE;
	if (reply->length >= 0 && (size_t)reply->length != reply->len)
		return -EPROTO;
	return 0;
}

static int http_get(struct reply *reply, const char *server, const char *path)
{
	char request[REQUEST_MAX];
	int n, rc, fd;
	FILE *in;

	n = snprintf(request, sizeof(request),
		     "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, server);
	if (n >= REQUEST_MAX)
		return -ENAMETOOLONG;
	fd = server_connect(server);
	if (fd < 0)
		return fd;
	in = fdopen(fd, "r");
	if (!in) {
		close(fd);
		return -ENOMEM;
	}
	rc = send(fd, request, (size_t)n, MSG_NOSIGNAL) == n ? 0 : -EPIPE;
	if (rc == 0)
		rc = reply_read(reply, in);
	fclose(in);
	return rc;
}

/* ---- the fetch: runs in one process at a time for each path ------------ */

static int fetch_run(struct sfshm_flight *flight, void *arg)
{
	static struct reply reply;
	const struct fetch *fetch = arg;
	const struct cache *cache = fetch->cache;
	uint32_t ttl_ms = cache->ttl_ms;
	char why[64];
	int rc = http_get(&reply, cache->server, fetch->path);

	if (rc < 0)
		return sfshm_fail(flight, rc, strerror(-rc));
	if (reply.status == 404) {
		/* A 404 is a result, with a lifetime of its own. */
		sfshm_flight_ttl(flight, 0, cache->missing_ms);
		return sfshm_fail(flight, -ENOENT, "the server answered 404");
	}
	if (reply.status != 200) {
		snprintf(why, sizeof(why), "status %ld", reply.status);
		return sfshm_fail(flight, -EIO, why);
	}
	if (reply.max_age_s >= 0)
		ttl_ms = reply.max_age_s < UINT32_MAX / 1000 ?
				 (uint32_t)reply.max_age_s * 1000 :
				 SFSHM_FOREVER;
	sfshm_flight_ttl(flight, ttl_ms, FAILURE_MS);
	/* Other callers may accept a stale answer, though this one does not. */
	sfshm_flight_keep(flight, cache->grace_ms > cache->on_error_ms ?
					  cache->grace_ms :
					  cache->on_error_ms);
	return sfshm_publish(flight, reply.body, reply.len);
}

/* ---- the look-up ------------------------------------------------------- */

/* This caller's own check of the age. */
static int young_enough(const struct sfshm_result *result, void *arg)
{
	const struct fetch *fetch = arg;

	return result->age_ns / 1000000 <= (uint64_t)fetch->cache->max_age_ms;
}

static int look_up(const struct cache *cache, const char *path,
		   struct sfshm_result *result)
{
	struct fetch fetch = { .cache = cache, .path = path };
	struct sfshm_policy policy = SFSHM_POLICY_INIT;

	/* Without a usable segment, ask the server from here. */
	policy.flags = SFSHM_LOCAL;
	policy.neg_ttl_ms = FAILURE_MS;
	policy.deadline_ns = sfshm_deadline_ms(WAIT_MS);
	policy.lock_age_ms = STUCK_MS;
	policy.arg = &fetch;
	if (cache->max_age_ms >= 0) {
		policy.fresh = young_enough;
	} else {
		policy.flags |= SFSHM_STALE_ON_TIMEOUT;
		policy.grace_ms = cache->grace_ms;
		policy.stale_if_error_ms = cache->on_error_ms;
	}
	return sfshm_do(cache->segment, path, strlen(path), &policy, fetch_run,
			&fetch, result);
}

/* Prints the body to standard output, and its source to standard error. */
static int answer(const struct cache *cache, const char *path,
		  struct sfshm_result *result)
{
	static const char *const source[] = {
		[SFSHM_CACHED] = "cached",
		[SFSHM_AWAITED] = "awaited",
		[SFSHM_COMPUTED] = "fetched",
	};
	int rc = look_up(cache, path, result);

	if (rc < 0) {
		fprintf(stderr, "metadata-cache: %s: %s%s%s\n", path,
			rc == -ENOENT ? "not found" : sfshm_strerror(rc),
			rc == -EREMOTEIO ? ": " : "",
			rc == -EREMOTEIO ? result->message : "");
		return EXIT_FAILURE;
	}
	fprintf(stderr, "%s: %s%s%s, generation %" PRIu64 "%s\n", path,
		source[rc], result->stale ? ", stale" : "",
		result->stale && result->code ? ", the server fails" : "",
		result->generation,
		result->owner_died ? ", the last fetcher died" : "");
	fwrite(result->value.data, 1, result->value.len, stdout);
	return EXIT_SUCCESS;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: metadata-cache [-s SEGMENT] [-t TTL_MS] [-g GRACE_MS]\n"
		"           [-e STALE_IF_ERROR_MS] [-n NOT_FOUND_MS]\n"
		"           [-a MAX_AGE_MS] HOST:PORT /PATH...\n");
	return 2;
}

/* Sets *number. False if `text` is not a number, or a number too large. */
static int number_parse(uint32_t *number, const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	*number = (uint32_t)n;
	return *text >= '0' && *text <= '9' && !*end && n < UINT32_MAX;
}

int main(int argc, char **argv)
{
	struct sfshm_options options = { .size = sizeof(options),
					 .flags = SFSHM_CREATE };
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct cache cache = { .ttl_ms = 10000,
			       .grace_ms = 10000,
			       .on_error_ms = 3600000,
			       .missing_ms = 5000,
			       .max_age_ms = -1 };
	const char *name = NULL;
	int option, rc, status = 0;
	uint32_t ms = 0;

	while ((option = getopt(argc, argv, "s:t:g:e:n:a:")) != -1) {
		if (option != 's' &&
		    (option == '?' || !number_parse(&ms, optarg)))
			return usage();
		switch (option) {
		case 's': name = optarg; break;
		case 't': cache.ttl_ms = ms; break;
		case 'g': cache.grace_ms = ms; break;
		case 'e': cache.on_error_ms = ms; break;
		case 'n': cache.missing_ms = ms; break;
		default: cache.max_age_ms = ms;
		}
	}
	if (argc - optind < 2 || !strchr(argv[optind], ':'))
		return usage();
	cache.server = argv[optind++];
	rc = sfshm_open(&cache.segment, name, &options);
	if (rc < 0)
		fprintf(stderr, "metadata-cache: no cache: %s\n",
			sfshm_strerror(rc));
	for (; optind < argc; optind++)
		status |= answer(&cache, argv[optind], &result);
	sfshm_result_clear(&result);
	sfshm_close(cache.segment);
	return status;
}
