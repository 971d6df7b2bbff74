/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "scenario.h"

extern const struct scenario scenario_yield;
extern const struct scenario scenario_twins_attach;
extern const struct scenario scenario_twins_examine;
extern const struct scenario scenario_twins_reap;
extern const struct scenario scenario_first;
extern const struct scenario scenario_publish;
extern const struct scenario scenario_crowd;
extern const struct scenario scenario_fail;
extern const struct scenario scenario_release;
extern const struct scenario scenario_release_wait;
extern const struct scenario scenario_succession;
extern const struct scenario scenario_takeover;
extern const struct scenario scenario_steal;
extern const struct scenario scenario_refresh;
extern const struct scenario scenario_reread;
extern const struct scenario scenario_hard;
extern const struct scenario scenario_soft;
extern const struct scenario scenario_forget;
extern const struct scenario scenario_claim;
extern const struct scenario scenario_claim_key;
extern const struct scenario scenario_claim_release;
extern const struct scenario scenario_tag;
extern const struct scenario scenario_tag_twice;
extern const struct scenario scenario_insert;
extern const struct scenario scenario_evict;
extern const struct scenario scenario_reuse;
extern const struct scenario scenario_pin;
extern const struct scenario scenario_pin_evict;
extern const struct scenario scenario_lock;
extern const struct scenario scenario_lock_dead;
extern const struct scenario scenario_lock_reaped;
extern const struct scenario scenario_lock_shared;
extern const struct scenario scenario_lock_shared_dead;
extern const struct scenario scenario_lock_moved;
extern const struct scenario scenario_lock_leave;
extern const struct scenario scenario_lock_two;
extern const struct scenario scenario_semaphore;
extern const struct scenario scenario_semaphore_dead;
extern const struct scenario scenario_semaphore_remove;
extern const struct scenario scenario_semaphore_moved;
extern const struct scenario scenario_semaphore_leave;
extern const struct scenario scenario_semaphore_hand;
extern const struct scenario scenario_put;
extern const struct scenario scenario_put_twice;
extern const struct scenario scenario_put_over;
extern const struct scenario scenario_put_if;
extern const struct scenario scenario_attach;
extern const struct scenario scenario_reap;
extern const struct scenario scenario_leave;
extern const struct scenario scenario_fork;
extern const struct scenario scenario_detached;
extern const struct scenario scenario_detached_two;
extern const struct scenario scenario_detached_steal;
extern const struct scenario scenario_detached_leave;
extern const struct scenario scenario_detached_exit;
extern const struct scenario scenario_detached_mover;
extern const struct scenario scenario_detached_hand;
extern const struct scenario scenario_detached_work;
extern const struct scenario scenario_detached_given;
extern const struct scenario scenario_detached_hard;
extern const struct scenario scenario_detached_soft;
extern const struct scenario scenario_polled;
extern const struct scenario scenario_polled_begin;
extern const struct scenario scenario_polled_release;
extern const struct scenario scenario_polled_dead;
extern const struct scenario scenario_polled_alone;
extern const struct scenario scenario_polled_gone;
extern const struct scenario scenario_polled_finish;
extern const struct scenario scenario_polled_cancel;
extern const struct scenario scenario_toy_count;
extern const struct scenario scenario_toy_lock;
extern const struct scenario scenario_toy_wake;
extern const struct scenario scenario_toy_order;

const struct scenario *const scenarios[] = {
	&scenario_yield,
	&scenario_twins_attach,
	&scenario_twins_examine,
	&scenario_twins_reap,
	&scenario_first,
	&scenario_publish,
	&scenario_crowd,
	&scenario_fail,
	&scenario_release,
	&scenario_release_wait,
	&scenario_succession,
	&scenario_takeover,
	&scenario_steal,
	&scenario_refresh,
	&scenario_reread,
	&scenario_hard,
	&scenario_soft,
	&scenario_forget,
	&scenario_claim,
	&scenario_claim_key,
	&scenario_claim_release,
	&scenario_put,
	&scenario_put_twice,
	&scenario_put_over,
	&scenario_put_if,
	&scenario_tag,
	&scenario_tag_twice,
	&scenario_insert,
	&scenario_evict,
	&scenario_reuse,
	&scenario_pin,
	&scenario_pin_evict,
	&scenario_lock,
	&scenario_lock_dead,
	&scenario_lock_reaped,
	&scenario_lock_shared,
	&scenario_lock_shared_dead,
	&scenario_lock_moved,
	&scenario_lock_leave,
	&scenario_lock_two,
	&scenario_semaphore,
	&scenario_semaphore_dead,
	&scenario_semaphore_remove,
	&scenario_semaphore_moved,
	&scenario_semaphore_leave,
	&scenario_semaphore_hand,
	&scenario_attach,
	&scenario_reap,
	&scenario_leave,
	&scenario_fork,
	&scenario_detached,
	&scenario_detached_two,
	&scenario_detached_steal,
	&scenario_detached_leave,
	&scenario_detached_exit,
	&scenario_detached_mover,
	&scenario_detached_hand,
	&scenario_detached_work,
	&scenario_detached_given,
	&scenario_detached_hard,
	&scenario_detached_soft,
	&scenario_polled,
	&scenario_polled_begin,
	&scenario_polled_release,
	&scenario_polled_dead,
	&scenario_polled_alone,
	&scenario_polled_gone,
	&scenario_polled_finish,
	&scenario_polled_cancel,
	&scenario_toy_count,
	&scenario_toy_lock,
	&scenario_toy_wake,
	&scenario_toy_order,
	NULL,
};
