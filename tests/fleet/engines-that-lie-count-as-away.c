/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F8, PROMISE-F11: an engine that breaks off, or answers what makes no
 * sense, counts as away. It makes no host wait past its time, use another key's
 * answer, or hand out tokens that do not grow.
 */
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fleet.h"

/*
 * An engine that answers by rote: to each kind of request the test's reply. A
 * reply that ends in CUT is broken off there; ENDLESS begins one without end.
 */
#define CUT "\x01"
#define ENDLESS "\x02"
/* The lease, with a token as it should be. */
#define LEASE "\x03"
#define MOST_CONNS 16

static struct {
	const char *acquire;
	const char *next_acquire; /* to the second and later ones; or NULL */
	const char *watch;
	const char *get;
	const char *publish;
} rote;

static struct {
	pthread_t thread;
	int listener, quit[2];
	char path[64];
	uint32_t acquires;
	uint64_t floor; /* of the last acquire: its token must exceed that */
	struct {
		int fd;
		redisReader *reader;
	} conn[MOST_CONNS];
} liar;

static const char *lease(void)
{
	static char reply[64];

	snprintf(reply, sizeof(reply), "*2\r\n$3\r\nLED\r\n$16\r\n%016llu\r\n",
		 (unsigned long long)liar.floor + 1);
	return reply;
}

/* The reply to one request, whose words tell what it is. */
static const char *reply_to(const redisReply *q)
{
	const char *word = q->element[0]->str, *text;

	if (!strcmp(word, "XREAD"))
		return rote.watch;
	if (!strcmp(word, "GET"))
		return rote.get;
	/* A script: its digest, the number of its keys, and those. Only that
	   which publishes has eight arguments; acquire has four. */
	if (q->elements == 3 + 4 + 8)
		return rote.publish;
	if (q->elements != 3 + 3 + 4)
		return "*1\r\n$2\r\nOK\r\n";
	liar.floor = strtoull(q->element[9]->str, NULL, 10);
	text = fetch_add_relaxed(&liar.acquires, 1) && rote.next_acquire ?
		       rote.next_acquire :
		       rote.acquire;
	return strcmp(text, LEASE) ? text : lease();
}

/* Returns false if the connection has ended. */
static bool pour(int fd)
{
	static char sand[64 << 10];
	ssize_t n;

	memset(sand, 'a', sizeof(sand));
	demand(send(fd, "+", 1, MSG_NOSIGNAL) == 1);
	do {
		n = send(fd, sand, sizeof(sand), MSG_NOSIGNAL);
	} while (n > 0);
	return false;
}

static bool answer(int fd, const char *text)
{
	size_t len = strcspn(text, CUT ENDLESS);

	if (len && send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		return false;
	if (text[len] == ENDLESS[0])
		return pour(fd);
	return !text[len];
}

/* Returns false if the connection is to be closed. */
static bool serve(int fd, redisReader *reader)
{
	char bytes[16 << 10];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	bool goes_on = n > 0;
	void *q = NULL;

	if (n > 0)
		demand(!redisReaderFeed(reader, bytes, (size_t)n));
	while (goes_on && !redisReaderGetReply(reader, &q) && q) {
		goes_on = answer(fd, reply_to(q));
		freeReplyObject(q);
	}
	return goes_on;
}

static void hang_up(int i)
{
	close(liar.conn[i].fd);
	redisReaderFree(liar.conn[i].reader);
	liar.conn[i].fd = -1;
}

static void pick_up(void)
{
	for (int i = 0; i < MOST_CONNS; i++) {
		if (liar.conn[i].fd >= 0)
			continue;
		liar.conn[i].fd = accept(liar.listener, NULL, NULL);
		liar.conn[i].reader = redisReaderCreate();
		demand(liar.conn[i].fd >= 0 && liar.conn[i].reader);
		return;
	}
	demand(!"a connection too many");
}

static void *lie(void *unused)
{
	struct pollfd polled[2 + MOST_CONNS];

	for (;;) {
		polled[0] = (struct pollfd){ liar.quit[0], POLLIN, 0 };
		polled[1] = (struct pollfd){ liar.listener, POLLIN, 0 };
		for (int i = 0; i < MOST_CONNS; i++)
			polled[2 + i] =
				(struct pollfd){ liar.conn[i].fd, POLLIN, 0 };
		demand(poll(polled, 2 + MOST_CONNS, -1) > 0);
		if (polled[0].revents)
			return unused;
		for (int i = 0; i < MOST_CONNS; i++)
			if (polled[2 + i].revents &&
			    !serve(liar.conn[i].fd, liar.conn[i].reader))
				hang_up(i);
		if (polled[1].revents)
			pick_up();
	}
}

static int liar_setup(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	rote.acquire = rote.watch = rote.get = rote.publish = "-ERR no\r\n";
	rote.next_acquire = NULL;
	memset(&liar, 0, sizeof(liar));
	for (int i = 0; i < MOST_CONNS; i++)
		liar.conn[i].fd = -1;
	snprintf(liar.path, sizeof(liar.path), "/tmp/sfshm-liar.%d",
		 (int)getpid());
	unlink(liar.path);
	memcpy(at.sun_path, liar.path, strlen(liar.path) + 1);
	liar.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	demand(!bind(liar.listener, (struct sockaddr *)&at, sizeof(at)));
	demand(!listen(liar.listener, 100) && !pipe(liar.quit));
	demand(!pthread_create(&liar.thread, NULL, lie, NULL));
	return segment_setup(state);
}

static int liar_teardown(void **state)
{
	char name[96];

	close(liar.quit[1]);
	demand(!pthread_join(liar.thread, NULL));
	close(liar.quit[0]);
	close(liar.listener);
	unlink(liar.path);
	for (int i = 0; i < MOST_CONNS; i++)
		if (liar.conn[i].fd >= 0)
			hang_up(i);
	host_name(0, name);
	(void)!sfshm_unlink(name);
	return segment_teardown(state);
}

/* Joins as a fleet whose engine nobody has taken for away yet. */
static struct host join(uint32_t command_ms)
{
	const struct sfshm_fleet_options o = {
		.lease_ms = LONG_LEASE_MS,
		.command_ms = command_ms,
		.retry_ms = 3600000,
	};
	static unsigned int number;
	char url[128];

	snprintf(url, sizeof(url), "unix:%s?ns=%u", liar.path, ++number);
	store_relaxed(&liar.acquires, 0);
	return host_open_at(0, &o, url);
}

/* A new key's work, as it ends: its outcome, and whether the fleet has it. */
static void assert_computed(struct host *host, uint32_t fleet)
{
	struct sfshm_result result = SFSHM_RESULT_INIT;
	static unsigned int number;
	char key[16];

	snprintf(key, sizeof(key), "key%u", ++number);
	assert_int_equal(ask(host, key, publish_text, "here", &result),
			 SFSHM_COMPUTED);
	assert_true(result_is(&result, "here"));
	assert_int_equal(result.fleet, fleet);
	sfshm_result_clear(&result);
}

#define OK "*1\r\n$2\r\nOK\r\n"
#define LED "*2\r\n$3\r\nLED\r\n$2\r\n70\r\n"
#define HELD "*3\r\n$4\r\nHELD\r\n$2\r\n60\r\n$7\r\n3600000\r\n"
#define HIT "*5\r\n$3\r\nHIT\r\n$2\r\n60\r\n$4\r\n9000\r\n"

/* Answers that no request can have. */
static const char *const nonsense[] = {
	CUT,                  /* no answer at all */
	"*2\r\n$3\r\nLE\x01", /* cut */
	"garbage\r\n",
	"+OK\r\n",
	":1\r\n",
	"$-1\r\n",
	"$99999999999999999999\r\n",
	"*0\r\n",
	"*-1\r\n",
	"*-2\r\n",
	"*1\r\n$-1\r\n",
	"*1\r\n:5\r\n",
	"*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n$1\r\nx\r\n",
	"*1\r\n$0\r\n\r\n",
	"*1\r\n$4\r\nWHAT\r\n",
	"-ERR no\r\n",
	"-NOSCRIPT no\r\n",
	"-LOADING later\r\n",
};

/* Answers that are none to an acquire. */
static const char *const no_lease[] = {
	OK,
	"*1\r\n$6\r\nFENCED\r\n",
	"*1\r\n$9\r\nRECLAIMED\r\n",
	"*1\r\n$3\r\nLED\r\n",
	"*2\r\n$3\r\nLED\r\n$1\r\n0\r\n",
	"*2\r\n$3\r\nLED\r\n$2\r\n-7\r\n",
	"*2\r\n$3\r\nLED\r\n$1\r\nx\r\n",
	"*2\r\n$3\r\nLED\r\n$16\r\n9007199254740992\r\n",
	"*2\r\n$3\r\nLED\r\n$20\r\n18446744073709551615\r\n",
	"*1\r\n$9\r\nINHERITED\r\n",
	"*1\r\n$4\r\nHELD\r\n",
	"*1\r\n$3\r\nHIT\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n0\r\n$1\r\n9\r\n$1\r\n0\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$1\r\nx\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$11\r\n-2147483648\r\n$1\r\nv\r\n",
	"*5\r\n$3\r\nHIT\r\n$1\r\n9\r\n$1\r\n9\r\n$11\r\n99999999999\r\n$1\r\nv\r\n",
};

static void instead_of_a_lease(void **state)
{
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);
	const size_t all = n + sizeof(no_lease) / sizeof(*no_lease);
	struct host last;

	(void)state;
	rote.publish = OK;
	for (size_t i = 0; i < all; i++) {
		struct host host;

		rote.acquire = i < n ? nonsense[i] : no_lease[i - n];
		host = join(PATIENCE_MS);
		assert_computed(&host, 0);
		host_close(&host);
	}
	/* Nothing is left of their tokens. */
	rote.acquire = LED;
	last = join(PATIENCE_MS);
	assert_computed(&last, 1);
	assert_true(liar.floor < 70);
	host_close(&last);
}

/* The work is done, so the value is this host's. */
static void instead_of_a_publish(void **state)
{
	static const char *const none[] = { LED, HIT "$1\r\n0\r\n$1\r\nv\r\n" };
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);

	(void)state;
	rote.acquire = LEASE;
	for (size_t i = 0; i < n + 2; i++) {
		struct host host;

		rote.publish = i < n ? nonsense[i] : none[i - n];
		host = join(PATIENCE_MS);
		assert_computed(&host, 0);
		host_close(&host);
	}
}

/* The caller asks again. */
static void instead_of_an_announcement(void **state)
{
	const size_t n = sizeof(nonsense) / sizeof(*nonsense);

	(void)state;
	rote.acquire = HELD;
	rote.next_acquire = LEASE;
	rote.publish = OK;
	for (size_t i = 0; i < n; i++) {
		struct host host;

		rote.watch = nonsense[i];
		host = join(PATIENCE_MS);
		assert_computed(&host, 1);
		host_close(&host);
	}
}

static int refuse(const struct sfshm_result *r, void *unused)
{
	(void)unused;
	return result_is(r, "here");
}

/* A result that a caller has refused already. */
static void the_same_result_for_ever(void **state)
{
	const struct sfshm_policy choosy = {
		.size = sizeof(choosy),
		.fits = refuse,
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct host host;

	(void)state;
	rote.acquire = HIT "$1\r\n0\r\n$1\r\nv\r\n";
	host = join(PATIENCE_MS);
	assert_int_equal(sfshm_fleet_do(host.fleet, "choosy", 6, &choosy,
					publish_text, "here", &result),
			 SFSHM_COMPUTED);
	assert_int_equal(result.fleet, 0);
	host_close(&host);
	/* Its bytes are elsewhere, and never there. */
	rote.acquire = HIT "$1\r\n0\r\n$-1\r\n";
	rote.get = "$-1\r\n";
	host = join(PATIENCE_MS);
	assert_computed(&host, 0);
	host_close(&host);
	sfshm_result_clear(&result);
}

static void an_answer_without_end(void **state)
{
	struct host host;

	(void)state;
	rote.acquire = ENDLESS;
	host = join(50);
	assert_computed(&host, 0);
	host_close(&host);
}

/* The second answer is not the next request's. */
static void two_answers_for_one(void **state)
{
	struct host host;

	(void)state;
	rote.acquire = LED HIT "$1\r\n0\r\n$5\r\nwrong\r\n";
	rote.publish = OK;
	host = join(PATIENCE_MS);
	assert_computed(&host, 1);
	rote.acquire = LEASE;
	assert_computed(&host, 1);
	host_close(&host);
}

/* A token that another flight of this host has had, or an older one. */
static void tokens_that_do_not_grow(void **state)
{
	struct host host;

	(void)state;
	rote.acquire = LED;
	rote.publish = OK;
	host = join(PATIENCE_MS);
	assert_computed(&host, 1);
	assert_computed(&host, 0);
	host_close(&host);
}

#define lying(f) cmocka_unit_test_setup_teardown(f, liar_setup, liar_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		lying(instead_of_a_lease),
		lying(instead_of_a_publish),
		lying(instead_of_an_announcement),
		lying(the_same_result_for_ever),
		lying(an_answer_without_end),
		lying(two_answers_for_one),
		lying(tokens_that_do_not_grow),
	};

	return test_main(tests);
}
