/* SPDX-License-Identifier: MIT */
/*
 * One key in a fleet: H hosts of P processes each, and an engine (src/fleet/,
 * src/redis/). Each script of the engine is one atomic step.
 *
 * A process takes its host's flight, asks the engine, and leads, waits or
 * takes the result. It may be killed at any step, and then its host's flight
 * is free. The engine may let a lease run out, forget a result when no lease
 * from before can be alive, lose all that it has, or deliver a renewal late
 * (but before it forgets the token); the answer to a publish may be lost, and
 * then the request is made again. The model shows that
 *
 *   - no token is given out twice, and none has two results that counted;
 *   - no result counts that is older than the engine's, or whose lease had run
 *     out;
 *   - a leader whose result counted is not told that it was refused, unless
 *     there is a newer one;
 *   - a lease that was given back does not come back;
 *   - a host's tokens grow, also if the engine's clock goes back (BACK);
 *   - nobody waits for what was announced already;
 *   - nobody waits for ever: that would be an invalid end state. Without
 *     EXPIRY, leases last for ever, and the engine loses and delays nothing;
 *     with two processes in each host, or without KILLS, nobody needs a
 *     lease's end then.
 *
 * Mutants (each must fail): INCR_TOKENS, ACCEPT_IF_FREE, NO_ALIVE, NO_REPEAT,
 * NO_FENCE, SHORT_MEMORY, NO_FLOOR (with BACK), HOLDER_IS_PROCESS and
 * LOOK_THEN_WATCH (without EXPIRY and KILLS).
 */
#ifndef H
#define H 2
#endif
#ifndef P
#define P 1
#endif
#ifndef FLIGHTS
#define FLIGHTS 3 /* leases that are given out */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef EXPIRY
#define EXPIRY 1
#endif
#define ALL (H * P)
#define NOBODY 255
#define MOST 10 /* above each token */

/* the engine */
byte holder = NOBODY, token = 0;
bool watched = false, fresh = false;
byte made = 0;   /* the result's token */
byte fence = 0;  /* the highest token that was given back */
byte stream = 0; /* the token of the last announcement */
byte clock = 1;
byte late_holder = NOBODY, late_token = 0; /* a renewal on its way */

/* the hosts */
byte flight[H]; /* who leads in the host, + 1 */
byte floor[H];  /* the highest token that the host has seen */

/* by token */
bool alive[MOST];    /* its host knows that the lease lasts */
bool expired[MOST];  /* ghost: the engine has let it run out */
bool given[MOST], counted[MOST], over[MOST]; /* ghosts */
byte best = 0; /* ghost: the highest that counted, since the last loss */

byte repeats = 0; /* repeated requests under way */
byte leases = 0, kills = 0, losses = 0, delays = 0, lapses = 0;

#define max(a, b) ((a) > (b) -> (a) : (b))

#ifdef HOLDER_IS_PROCESS
#define NAME me
#else
#define NAME host
#endif

inline mint()
{
#ifdef INCR_TOKENS
	mine = token + 1;
#else
	clock++;
	mine = max(clock, max(made, max(fence, token)) + 1);
#ifndef NO_FLOOR
	mine = max(mine, floor[host] + 1);
#endif
#endif
	assert(mine < MOST);
	assert(mine > floor[host]);
#ifndef BACK
	assert(!given[mine]);
#endif
	given[mine] = true
}

/* Whether the engine takes a result of this token. */
#if defined(ACCEPT_IF_FREE)
#define ACCEPTED (holder == NOBODY || (holder == NAME && token == mine))
#elif defined(NO_ALIVE)
#define ACCEPTED ((holder == NAME && token == mine) || \
		  (holder == NOBODY && mine > max(made, fence)))
#else
#define ACCEPTED ((holder == NAME && token == mine) || \
		  (holder == NOBODY && alive[mine] && mine > max(made, fence)))
#endif

#ifdef SHORT_MEMORY
#define MAY_FORGET true
#else
#define MAY_FORGET (late_holder == NOBODY && repeats == 0)
#endif

inline announce(id)
{
	if :: watched -> stream = id; watched = false :: else fi
}

inline end_lease()
{
	holder = NOBODY;
	token = 0;
	watched = false
}

active [ALL] proctype process()
{
	byte me = _pid;
	byte host = _pid % H;
	byte mine = 0, seen = 0;
	byte want = 0; /* ghost: the token that is waited for */
	bool repeated;

end_again:
	atomic {
		flight[host] == 0 && !fresh && leases < FLIGHTS ->
		flight[host] = me + 1;
		mine = 0;
		repeated = false
	};
	/* acquire */
	atomic {
		if
		:: fresh -> flight[host] = 0; goto end_again
		:: !fresh && holder != NOBODY && holder != NAME ->
			watched = true;
			seen = token;
			want = token;
			floor[host] = max(floor[host], token)
		:: !fresh && (holder == NOBODY || holder == NAME) ->
			if
			:: leases >= FLIGHTS -> flight[host] = 0; goto end_again
			:: else
			fi;
			leases++;
			mint();
			holder = NAME;
			token = mine;
			alive[mine] = true;
			floor[host] = mine;
			goto lead
		fi
	};
#ifdef LOOK_THEN_WATCH
	seen = stream + 1;
#endif
	/* wait; the second is the other lease's end without a word */
	atomic {
		if
		:: stream >= seen
		:: lapses > 0 && holder == NOBODY
		:: leases >= FLIGHTS && stream < seen ->
			/* the model's end */
			assert(stream < want)
		fi;
		flight[host] = 0;
		goto end_again
	};

lead:
	/* A kill leaves the lease with the host. */
	if
	:: atomic { kills < KILLS -> kills++; alive[mine] = false;
		flight[host] = 0; over[mine] = true; goto dead }
	:: atomic { delays < EXPIRY && alive[mine] -> delays++; late_holder = NAME;
		late_token = mine }
	:: skip
	fi;
	if
	:: atomic { /* renew: the engine has lost the lease */
		holder == NOBODY && alive[mine] && mine > max(made, fence) ->
		holder = NAME; token = mine; watched = true }
	:: atomic { /* release */
		flight[host] = 0;
		alive[mine] = false;
		over[mine] = true;
		if
		:: holder == NAME && token == mine ->
			announce(mine);
			end_lease();
#ifndef NO_FENCE
			fence = max(fence, mine)
#endif
		:: else
		fi;
		goto end_again }
	:: skip
	fi;
publish:
	atomic {
		if
#ifndef NO_REPEAT
		:: made == mine && mine != 0 -> skip
#endif
		:: (made != mine
#ifdef NO_REPEAT
		    || true
#endif
		   ) && ACCEPTED ->
#ifndef BACK
			/* With BACK two hosts may have one token. */
			assert(!counted[mine] || repeated);
			assert(!expired[mine]);
			assert(mine > best || repeated);
#endif
			best = max(best, mine);
			counted[mine] = true;
			if
			:: holder == NOBODY -> watched = true
			:: else
			fi;
			made = mine;
			fresh = true;
			announce(mine);
			end_lease()
		:: (made != mine
#ifdef NO_REPEAT
		    || true
#endif
		   ) && !(ACCEPTED) ->
			/* The engine may have lost the result since, or have a
			   newer one. */
#ifndef BACK
			assert(!counted[mine] || losses > 0 || made > mine)
#else
			skip
#endif
		fi;
		if
		:: !repeated -> repeated = true; repeats++; goto publish
		:: true
		fi;
		if
		:: repeated -> repeats--
		:: else
		fi;
		alive[mine] = false;
		over[mine] = true;
		flight[host] = 0
	};
	goto end_again;
dead:
	skip
}

active proctype world()
{
	byte i;

end_world:
	do
#if EXPIRY
	:: atomic { holder != NOBODY ->
		lapses++; alive[token] = false; expired[token] = true;
		end_lease() }
#endif
	:: atomic { losses < EXPIRY ->
		/* Who waits learns it by the lease's end, in time. */
		losses++; lapses++;
		end_lease();
		made = 0; fence = 0; fresh = false; stream = 0; best = 0;
#ifdef BACK
		clock = 0
#endif
		}
	:: atomic { fresh -> fresh = false }
	:: atomic { (made != 0 && !fresh && MAY_FORGET) ->
#ifndef SHORT_MEMORY
		/* The token outlives each lease that was alive before it, and
		   each renewal. */
		for (i : 1 .. MOST - 1) {
			if
			:: i < made && alive[i] -> goto kept
			:: else
			fi
		};
#endif
		made = 0;
kept:		skip }
	:: atomic { late_holder != NOBODY ->
		if
		:: holder == late_holder && token == late_token
		:: else ->
			if
			:: holder == NOBODY && late_token > max(made, fence) ->
				assert(!over[late_token] || losses > 0 ||
				       expired[late_token]);
				holder = late_holder;
				token = late_token;
				/* Nobody else has led, so it lasts again. */
				expired[late_token] = false;
				watched = true
			:: else
			fi
		fi;
		late_holder = NOBODY }
	od
}
