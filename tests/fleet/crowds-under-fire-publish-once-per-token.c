/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: workers of several hosts ask for the same keys while the test
 * kills and stops them, and kills the engine. A log says of each run its key,
 * token, begin and end, and whether the engine took the result. Then: no token
 * has two runs that counted; none counts after a newer one; a host never goes
 * back to an older value; while only workers are killed, no two runs of a key
 * overlap; and nobody hangs.
 *
 * `tools/storm --fleet` is the long form: SFSHM_STORM_SECONDS says how long.
 */
#include "fleet.h"

enum {
	FLEET = 6,
	CROWD = 8,
	WORKERS = FLEET * CROWD,
	KEYS = 4,
	RUNS = 1 << 20
};

struct run {
	uint64_t token;
	uint64_t begin, end; /* CLOCK_MONOTONIC, ns; end 0: not yet */
	uint64_t taken;      /* when its publish had returned */
	uint32_t key;
	uint32_t worker;
	uint32_t accepted;
};

static struct ledger {
	uint32_t runs; /* entries of `run` that are taken */
	uint32_t stop;
	uint32_t freeze;    /* 1: the next leader stops itself in its work */
	uint32_t results;   /* how many results of the fleet were seen */
	uint32_t went_back; /* an older value after a newer one */
	uint64_t newest[FLEET][KEYS];
	uint32_t current[WORKERS]; /* the worker's run + 1, or 0 */
	struct run run[RUNS];
} * ledger;

static struct sfshm_fleet_options crowd_options;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

struct act {
	int worker;
	uint32_t key;
};

/* The value is the run's token. A run of a host alone leaves no entry. */
static int work(struct sfshm_fleet_flight *flight, void *arg)
{
	const struct act *act = arg;
	uint64_t token = sfshm_fleet_token(flight);
	uint32_t i = token ? fetch_add_relaxed(&ledger->runs, 1) : RUNS;
	struct run *run = i < RUNS ? &ledger->run[i] : NULL;
	int r;

	if (run) {
		run->token = token;
		run->key = act->key;
		run->worker = (uint32_t)act->worker;
		run->begin = now_ns();
		store_release(&ledger->current[act->worker], i + 1);
	}
	if (run && cas_acq_rel(&ledger->freeze, 1, 0))
		raise(SIGSTOP);
	sched_yield();
	if (run)
		store_release(&run->end, now_ns());
	r = sfshm_fleet_publish(flight, &token, sizeof(token));
	if (run && r == 0 && sfshm_fleet_shared(flight)) {
		run->taken = now_ns();
		store_release(&run->accepted, 1);
	}
	store_release(&ledger->current[act->worker], 0);
	return r == -ESTALE ? 0 : r;
}

/*
 * A process that asks at a later time than another one of its host gets no
 * older value.
 */
static void judge(int host, uint32_t key, uint64_t before,
		  const struct sfshm_result *result)
{
	uint64_t token, *word = &ledger->newest[host][key], seen;

	demand(result->value.len == sizeof(token));
	memcpy(&token, result->value.data, sizeof(token));
	if (!token)
		return;
	fetch_add_relaxed(&ledger->results, 1);
	if (token < before)
		store_release(&ledger->went_back, 1);
	do {
		seen = load_acquire(word);
	} while (seen < token && !cas_acq_rel(word, seen, token));
}

static void ask_for_ever(int worker)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.deadline_ns = sfshm_deadline_ms(10 * PATIENCE_MS),
	};
	struct sfshm_result result = SFSHM_RESULT_INIT;
	int number = worker % FLEET;
	struct host host = host_open(number, &crowd_options);
	struct act act = { .worker = worker };

	srandom((unsigned int)getpid());
	while (!load_acquire(&ledger->stop)) {
		uint64_t before;
		char key[8];
		int r;

		act.key = (uint32_t)random() % KEYS;
		policy.ttl_ms = (uint32_t)random() % 2;
		snprintf(key, sizeof(key), "key%u", act.key);
		before = load_acquire(&ledger->newest[number][act.key]);
		r = sfshm_fleet_do(host.fleet, key, strlen(key), &policy, work,
				   &act, &result);
		demand(r >= 0 || r == -ESTALE || r == -ECANCELED);
		if (r >= 0)
			judge(number, act.key, before, &result);
	}
	sfshm_result_clear(&result);
	host_close(&host);
	_exit(0);
}

static pid_t crowd[WORKERS];

static void start_worker(int i)
{
	crowd[i] = fork();
	demand(crowd[i] >= 0);
	if (!crowd[i])
		ask_for_ever(i);
}

/* A killed worker's run ends before it is killed: nobody else leads earlier. */
static void kill_worker(int i)
{
	uint64_t at = now_ns();
	uint32_t run;

	worker_kill(crowd[i]);
	run = load_acquire(&ledger->current[i]);
	if (run && run <= RUNS && !load_acquire(&ledger->run[run - 1].end))
		store_release(&ledger->run[run - 1].end, at);
	store_release(&ledger->current[i], 0);
}

/* Waits for `n` more runs. */
static void go_on(uint32_t n)
{
	uint32_t from = load_acquire(&ledger->runs);

	demand(eventually(load_acquire(&ledger->runs) - from >= n));
}

static int by_token(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->token < y->token ? -1 : x->token > y->token;
}

/*
 * How many results counted that were published after a newer one had been. The
 * runs are in the order of their keys and tokens.
 */
static uint32_t count_older(const struct run *runs, uint32_t n)
{
	uint64_t newer = UINT64_MAX;
	uint32_t older = 0;

	for (uint32_t i = n; i-- > 0;) {
		const struct run *run = &runs[i];

		if (i + 1 < n && runs[i + 1].key != run->key)
			newer = UINT64_MAX;
		if (!run->accepted)
			continue;
		older += run->end > newer;
		newer = run->taken < newer ? run->taken : newer;
	}
	return older;
}

/* Ends the crowd and reads the log. */
static void settle(bool may_overlap)
{
	uint32_t n, twice = 0, overlaps = 0, accepted = 0;

	store_release(&ledger->stop, 1);
	for (int i = 0; i < WORKERS; i++) {
		int status;

		demand(waitpid(crowd[i], &status, 0) == crowd[i]);
		assert_int_equal(status, 0);
	}
	n = load_acquire(&ledger->runs);
	if (n > RUNS)
		n = RUNS;
	qsort(ledger->run, n, sizeof(ledger->run[0]), by_token);
	for (uint32_t i = 0; i < n; i++) {
		const struct run *run = &ledger->run[i], *last = run - 1;

		accepted += run->accepted;
		/* Killed before it wrote its entry. */
		if (!i || !run->token || last->key != run->key)
			continue;
		twice += last->token == run->token;
		overlaps += run->begin < last->end;
	}
	print_message("# %u runs, %u accepted, %u results, %u overlaps\n", n,
		      accepted, ledger->results, overlaps);
	assert_true(accepted > 0);
	assert_int_equal(twice, 0);
	assert_int_equal(count_older(ledger->run, n), 0);
	assert_int_equal(ledger->went_back, 0);
	if (!may_overlap)
		assert_int_equal(overlaps, 0);
}

static void begin(uint32_t lease_ms)
{
	ledger = shared_memory(sizeof(*ledger));
	crowd_options = (struct sfshm_fleet_options){
		.lease_ms = lease_ms,
		.command_ms = 2000,
		.retry_ms = 20,
	};
	for (int i = 0; i < WORKERS; i++)
		start_worker(i);
	go_on(WORKERS);
}

/* Only workers die, and each host keeps others, who inherit the leases. */
static void workers_die(void **state)
{
	(void)state;
	begin(LONG_LEASE_MS);
	for (int i = 0; i < 60; i++) {
		int victim = (int)random() % WORKERS;

		kill_worker(victim);
		start_worker(victim);
		go_on(20);
	}
	settle(false);
}

/* The highest token of a key that any host has seen. */
static uint64_t newest(uint32_t key)
{
	uint64_t most = 0;

	for (int i = 0; i < FLEET; i++) {
		uint64_t token = load_acquire(&ledger->newest[i][key]);

		most = token > most ? token : most;
	}
	return most;
}

/* A leader is stopped until another host has led its key. */
static void stop_a_leader(void)
{
	const struct run *run;
	int status, i = 0;
	pid_t pid;

	store_release(&ledger->freeze, 1);
	pid = waitpid(-1, &status, WUNTRACED);
	demand(pid > 0 && WIFSTOPPED(status));
	while (crowd[i] != pid)
		i++;
	run = &ledger->run[load_acquire(&ledger->current[i]) - 1];
	demand(eventually(newest(run->key) > run->token));
	demand(!kill(pid, SIGCONT));
}

static void kill_a_host(int host)
{
	for (int i = host; i < WORKERS; i += FLEET)
		kill_worker(i);
	go_on(5);
	for (int i = host; i < WORKERS; i += FLEET)
		start_worker(i);
}

/* The short form counts its rounds. */
static bool goes_on(int rounds)
{
	const char *seconds = getenv("SFSHM_STORM_SECONDS");
	static uint64_t end;

	if (!seconds)
		return rounds < 40;
	if (!end)
		end = now_ns() + strtoull(seconds, NULL, 10) * 1000000000;
	/* The ledger has room. */
	return now_ns() < end && load_acquire(&ledger->runs) < RUNS - 1000;
}

/*
 * The engine is not killed twice in a row: a lease that lasts over two losses
 * of all that the engine has could put an older result over a newer one.
 */
static void anything_fails(void **state)
{
	long what = 0, last;

	(void)state;
	begin(300);
	for (int i = 0; goes_on(i); i++) {
		int victim = (int)random() % WORKERS;

		last = what;
		do
			what = random() % 6;
		while (what == 2 && last == 2);
		switch (what) {
		case 0: stop_a_leader(); break;
		case 1: kill_a_host(victim % FLEET); break;
		case 2:
			server_kill();
			server_start();
			break;
		case 3: server_ask("SCRIPT FLUSH"); break;
		case 4: server_ask("CLIENT KILL TYPE normal"); break;
		default: kill_worker(victim); start_worker(victim);
		}
		go_on(20);
	}
	settle(true);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(workers_die),
		in_fleet(anything_fails),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
