/* SPDX-License-Identifier: MIT */
/*
 * PROMISE-F11: what a policy asks for holds while another host leads, and for
 * the results that come from there.
 */
#include "fleet.h"

static const struct sfshm_policy hour = {
	.size = sizeof(hour),
	.ttl_ms = 3600000,
	.neg_ttl_ms = 3600000,
};

/* Host 0 leads "key" by p->flight; host 1 asks. */
struct pair {
	struct host host[2];
	struct sfshm_fleet_flight flight;
	struct sfshm_result result;
};

static void begin(struct pair *p)
{
	assert_int_equal(sfshm_fleet_begin(p->host[0].fleet, "key", 3, &hour,
					   &p->flight, &p->result),
			 SFSHM_LEADER);
}

static void open_pair(struct pair *p)
{
	p->host[0] = host_open(0, NULL);
	p->host[1] = host_open(1, NULL);
	p->result = (struct sfshm_result)SFSHM_RESULT_INIT;
}

static void close_pair(struct pair *p)
{
	sfshm_result_clear(&p->result);
	host_close(&p->host[0]);
	host_close(&p->host[1]);
}

static int ask_other(struct pair *p, const struct sfshm_policy *policy)
{
	return sfshm_fleet_do(p->host[1].fleet, "key", 3, policy, publish_text,
			      "other", &p->result);
}

static void waits_end(void **state)
{
	struct sfshm_cancel cancel = { 0 };
	struct sfshm_policy policy = hour;
	struct worker w = { .key = "key", .work = publish_text, .arg = "" };
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	policy.flags = SFSHM_TRY;
	assert_int_equal(ask_other(&p, &policy), -EBUSY);
	policy.flags = 0;
	policy.wait_timeout_ms = 1;
	assert_int_equal(ask_other(&p, &policy), -ETIMEDOUT);
	policy.wait_timeout_ms = 0;
	policy.deadline_ns = sfshm_deadline_ms(1);
	assert_int_equal(ask_other(&p, &policy), -ETIMEDOUT);
	policy.deadline_ns = 0;
	policy.cancel = &cancel;
	w.host = &p.host[1];
	w.policy = policy;
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	sfshm_cancel_fire(&cancel);
	worker_join(&w);
	assert_int_equal(w.outcome, -ECANCELED);
	/* Nothing is left of any of them. */
	assert_int_equal(sfshm_fleet_publish(&p.flight, "one", 3), 0);
	assert_int_equal(ask_other(&p, &hour), SFSHM_CACHED);
	assert_true(result_is(&p.result, "one"));
	close_pair(&p);
}

/* At its deadline a caller takes the last value, if it may. */
static void waits_may_end_with_an_old_value(void **state)
{
	struct sfshm_policy policy = {
		.size = sizeof(policy),
		.ttl_ms = 1,
		.wait_timeout_ms = 1,
		.flags = SFSHM_STALE_ON_TIMEOUT,
	};
	struct pair p;

	(void)state;
	open_pair(&p);
	assert_int_equal(
		sfshm_put(p.host[1].handle, "key", 3, &policy, "old", 3), 0);
	clock_advance(1000);
	begin(&p);
	assert_int_equal(ask_other(&p, &policy), SFSHM_CACHED);
	assert_true(result_is(&p.result, "old"));
	assert_int_equal(p.result.stale, 1);
	assert_int_equal(sfshm_fleet_release(&p.flight), 0);
	close_pair(&p);
}

/* A cancelled thread gives the host flight back. */
static void threads_can_be_cancelled(void **state)
{
	struct worker w = {
		.key = "key",
		.policy = hour,
		.work = publish_text,
		.arg = "",
	};
	struct pair p;
	void *value;

	(void)state;
	open_pair(&p);
	begin(&p);
	w.host = &p.host[1];
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	demand(!pthread_cancel(w.thread));
	demand(!pthread_join(w.thread, &value));
	assert_ptr_equal(value, PTHREAD_CANCELED);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "one", 3), 0);
	assert_int_equal(ask_other(&p, &hour), SFSHM_CACHED);
	close_pair(&p);
}

static int wait_to_be_cancelled(struct sfshm_fleet_flight *flight, void *ready)
{
	(void)flight;
	store_release((uint32_t *)ready, 1);
	for (;;)
		cancellable_nap();
	return 0;
}

/* A leader that is cancelled in its work ends its lease, too. */
static void leaders_can_be_cancelled(void **state)
{
	uint32_t ready = 0;
	struct worker w = {
		.key = "key",
		.policy = hour,
		.work = wait_to_be_cancelled,
		.arg = &ready,
	};
	struct pair p;
	void *value;

	(void)state;
	open_pair(&p);
	w.host = &p.host[0];
	worker_start(&w);
	demand(eventually(load_acquire(&ready)));
	demand(!pthread_cancel(w.thread));
	demand(!pthread_join(w.thread, &value));
	assert_int_equal(ask_other(&p, &hour), SFSHM_COMPUTED);
	assert_int_equal(p.result.fleet, 1);
	close_pair(&p);
}

static void released_keys_are_led_by_those_who_wait(void **state)
{
	struct worker w = {
		.key = "key",
		.policy = hour,
		.work = publish_text,
		.arg = "mine",
	};
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	w.host = &p.host[1];
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	assert_int_equal(sfshm_fleet_release(&p.flight), 0);
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_COMPUTED);
	assert_int_equal(w.result.fleet, 1);
	sfshm_result_clear(&w.result);
	close_pair(&p);
}

static void failures_reach_all_hosts(void **state)
{
	struct sfshm_policy again = hour;
	struct worker w = {
		.key = "key",
		.policy = hour,
		.work = publish_text,
		.arg = "",
	};
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	w.host = &p.host[1];
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	assert_int_equal(sfshm_fleet_fail(&p.flight, -EIO, "no disk"), 0);
	worker_join(&w);
	assert_int_equal(w.outcome, -EREMOTEIO);
	assert_int_equal(w.result.code, -EIO);
	assert_string_equal(w.result.message, "no disk");
	/* It has its lifetime, which a caller may ignore. */
	assert_int_equal(sfshm_forget(p.host[1].handle, "key", 3), 0);
	assert_int_equal(ask_other(&p, &hour), -EREMOTEIO);
	assert_int_equal(p.result.fleet, 1);
	assert_string_equal(p.result.message, "no disk");
	assert_int_equal(sfshm_forget(p.host[1].handle, "key", 3), 0);
	again.flags = SFSHM_RETRY_ON_FAILURE;
	assert_int_equal(ask_other(&p, &again), SFSHM_COMPUTED);
	close_pair(&p);
}

static int refuse(const struct sfshm_result *r, void *text)
{
	return !result_is(r, text);
}

/* A caller whose check refuses the engine's value leads. */
static void checks_are_asked_about_other_hosts_values(void **state)
{
	struct sfshm_policy choosy = hour;
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "one", 3), 0);
	choosy.fits = refuse;
	choosy.arg = "one";
	assert_int_equal(ask_other(&p, &choosy), SFSHM_COMPUTED);
	assert_true(result_is(&p.result, "other"));
	choosy.fits = NULL;
	choosy.fresh = refuse;
	choosy.arg = "other";
	assert_int_equal(sfshm_fleet_do(p.host[1].fleet, "key", 3, &choosy,
					publish_text, "third", &p.result),
			 SFSHM_COMPUTED);
	/* A leader's own value must fit before any host sees it. */
	choosy.fresh = NULL;
	choosy.fits = refuse;
	choosy.arg = "other";
	choosy.flags = SFSHM_REFRESH;
	assert_int_equal(ask_other(&p, &choosy), -EREMOTEIO);
	assert_int_equal(p.result.code, -EILSEQ);
	close_pair(&p);
}

static void a_refresh_is_for_all_hosts(void **state)
{
	struct sfshm_policy refresh = hour;
	struct worker w = { .key = "key", .work = publish_text, .arg = "own" };
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "one", 3), 0);
	refresh.flags = SFSHM_REFRESH;
	assert_int_equal(ask_other(&p, &refresh), SFSHM_COMPUTED);
	assert_int_equal(sfshm_forget(p.host[0].handle, "key", 3), 0);
	assert_int_equal(sfshm_fleet_do(p.host[0].fleet, "key", 3, &hour,
					publish_text, "", &p.result),
			 SFSHM_CACHED);
	assert_true(result_is(&p.result, "other"));
	/* One that is under way serves those who come meanwhile. */
	assert_int_equal(sfshm_fleet_begin(p.host[0].fleet, "key", 3, &refresh,
					   &p.flight, &p.result),
			 SFSHM_LEADER);
	w.host = &p.host[1];
	w.policy = refresh;
	worker_start(&w);
	demand(eventually(server_waits() == 1));
	assert_int_equal(sfshm_fleet_publish(&p.flight, "new", 3), 0);
	worker_join(&w);
	assert_int_equal(w.outcome, SFSHM_AWAITED);
	assert_true(result_is(&w.result, "new"));
	sfshm_result_clear(&w.result);
	close_pair(&p);
}

/* Invalidation reaches the engine and this host; then somebody leads anew. */
static void invalidated_keys_are_fetched_anew(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p);
	begin(&p);
	assert_int_equal(sfshm_fleet_publish(&p.flight, "one", 3), 0);
	assert_int_equal(sfshm_fleet_invalidate(p.host[0].fleet, "key", 3, 0),
			 0);
	assert_int_equal(sfshm_fleet_invalidate(p.host[0].fleet, "none", 4, 0),
			 0);
	assert_int_equal(ask_other(&p, &hour), SFSHM_COMPUTED);
	assert_int_equal(sfshm_fleet_do(p.host[0].fleet, "key", 3, &hour,
					publish_text, "", &p.result),
			 SFSHM_CACHED);
	assert_true(result_is(&p.result, "other"));
	close_pair(&p);
}

/* A host's lifetimes end with the fleet's. */
static void lifetimes_travel(void **state)
{
	struct sfshm_policy brief = hour;
	struct pair p;

	(void)state;
	open_pair(&p);
	brief.ttl_ms = 600000;
	assert_int_equal(sfshm_fleet_do(p.host[0].fleet, "key", 3, &brief,
					publish_text, "one", &p.result),
			 SFSHM_COMPUTED);
	assert_int_equal(ask_other(&p, &hour), SFSHM_CACHED);
	assert_int_equal(p.result.fleet, 1);
	assert_int_equal(ask_other(&p, &hour), SFSHM_CACHED);
	assert_int_equal(p.result.fleet, 0);
	clock_advance(600001);
	assert_int_equal(sfshm_get(p.host[1].handle, "key", 3, &p.result),
			 -ENODATA);
	close_pair(&p);
}

static struct pair *late;

/* The result is announced at once, and this host is slow to watch for it. */
static int watch_late(void *engine, const struct sfshm_fleet_request *request,
		      void **watch)
{
	demand(!sfshm_fleet_publish(&late->flight, "one", 3));
	clock_advance(400000);
	return fleet_ops()->watch(engine, request, watch);
}

/* A result was announced after the request at the earliest. */
static void late_results_live_no_longer(void **state)
{
	struct sfshm_fleet_ops ops = *fleet_ops();
	struct sfshm_policy brief = hour;
	struct pair p;

	(void)state;
	open_pair(&p);
	late = &p;
	ops.watch = watch_late;
	assert_int_equal(sfshm_fleet_close(p.host[1].fleet), 0);
	p.host[1].fleet = fleet_join(p.host[1].handle, NULL, &ops, server_url);
	brief.ttl_ms = 600000;
	assert_int_equal(sfshm_fleet_begin(p.host[0].fleet, "key", 3, &brief,
					   &p.flight, &p.result),
			 SFSHM_LEADER);
	assert_int_equal(ask_other(&p, &hour), SFSHM_AWAITED);
	assert_int_equal(sfshm_get(p.host[1].handle, "key", 3, &p.result),
			 SFSHM_CACHED);
	clock_advance(200001);
	assert_int_equal(sfshm_get(p.host[1].handle, "key", 3, &p.result),
			 -ENODATA);
	close_pair(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		in_fleet(waits_end),
		in_fleet(waits_may_end_with_an_old_value),
		in_fleet(threads_can_be_cancelled),
		in_fleet(leaders_can_be_cancelled),
		in_fleet(released_keys_are_led_by_those_who_wait),
		in_fleet(failures_reach_all_hosts),
		in_fleet(checks_are_asked_about_other_hosts_values),
		in_fleet(a_refresh_is_for_all_hosts),
		in_fleet(invalidated_keys_are_fetched_anew),
		in_fleet(lifetimes_travel),
		in_fleet(late_results_live_no_longer),
	};

	if (server_impossible())
		return skip_all(server_impossible());
	return test_main(tests);
}
