/* SPDX-License-Identifier: MIT */
/*
 * Flights: claim, publish, release, take over from the dead, fence.
 *
 * One slot, its control word in one piece (store/ctl.h), its two fields in
 * steps. Every process asks, refreshes or follows, and may die at each step;
 * one of them lives. A steal moves the key to another slot, which is not here:
 * the slot is retired, and only its late leader may still write to it.
 *
 * Shown: a copy that validates is whole and was published; a generation is
 * published once at most; nobody leads beside a living leader; everybody who
 * lives comes to an end.
 *
 * Mutants (each must fail): CLAIM_WITHOUT_GENERATION, PUBLISH_WITHOUT_CAS,
 * WRITE_CURRENT_FIELD, NO_VALIDATION, STEAL_IN_PLACE.
 */
#ifndef N
#define N 3
#endif
#ifndef ASKS
#define ASKS 1
#endif
#define GENERATIONS 16

mtype = { IDLE, BUSY, DONE, RETIRED };

mtype phase = IDLE;
byte gen = 0, owner = 0, cur = 0;
bool has = false;
byte field_gen[2];
bool whole[2];

bool dead[N];
byte deaths = 0;
byte published[GENERATIONS];
byte leading = 0; /* living leaders that nobody has taken over from */

#define same(p, g, o) (phase == p && gen == g && owner == o)
#define alive(id) (!dead[id - 1])

/* Dying is possible before each step, as long as somebody is left. */
#define step                                                             \
	if                                                               \
	:: skip                                                          \
	:: atomic { deaths < N - 1 -> deaths++; dead[_pid - 1] = true };     \
	   goto gone                                                     \
	fi

inline note_lead()
{
	leading++;
	assert(leading == 1)
}

proctype caller()
{
	byte me = _pid, asks = 0, g, o, c, og;
	mtype p;
	bool h, ok, refresh, w;

ask:
	if
	:: asks == ASKS -> goto gone
	:: else -> asks++
	fi;
	if
	:: refresh = true
	:: refresh = false
	fi;
look:
	step;
	atomic { p = phase; g = gen; o = owner; c = cur; h = has };
	if
	:: p == RETIRED || g >= GENERATIONS - 2 -> goto gone
	:: p == DONE && !refresh -> goto copy
	:: (p == DONE && refresh) || p == IDLE -> goto claim
	:: p == BUSY && alive(o) -> goto follow
	:: p == BUSY && !alive(o) -> goto claim
	fi;

follow:
	/* Woken by any change, or by the owner's death: see wait.pml. */
	if
	:: !same(p, g, o) || dead[o - 1] -> refresh = false; goto look
#ifdef STEAL_IN_PLACE
	:: atomic {
		same(p, g, o) && alive(o) -> gen = g + 1; owner = me; leading--
	   };
	   g = g + 1;
	   goto lead_noted
#else
	:: atomic {
		same(p, g, o) && alive(o) -> phase = RETIRED; leading--
	   };
	   goto gone
#endif
	fi;

claim:
	step;
	atomic {
#ifdef CLAIM_WITHOUT_GENERATION
		ok = (phase == p);
#else
		ok = same(p, g, o);
#endif
		if
		:: ok ->
			if
			:: p == BUSY -> leading-- /* the dead one leads no more */
			:: else
			fi;
			phase = BUSY; gen = g + 1; owner = me; g = g + 1;
			c = cur;
			note_lead()
		:: else
		fi
	};
	if
	:: ok -> goto write
	:: else -> goto look
	fi;

#ifdef STEAL_IN_PLACE
lead_noted:
	atomic { c = cur; note_lead() };
#endif
write:
	step;
#ifdef WRITE_CURRENT_FIELD
	og = c;
#else
	og = 1 - c;
#endif
	whole[og] = false;
	step;
	field_gen[og] = g;
	step;
	whole[og] = true;
	step;
	if
	:: atomic { /* release */
		ok = same(BUSY, g, me);
		if
		:: ok -> phase = IDLE; owner = 0; leading--
		:: else
		fi
	   }
	:: atomic { /* publish */
#ifdef PUBLISH_WITHOUT_CAS
		ok = true;
#else
		ok = same(BUSY, g, me);
#endif
		if
		:: ok ->
			phase = DONE; owner = 0; cur = og; has = true;
			leading--;
			published[g]++;
			assert(published[g] == 1);
			assert(field_gen[og] == g && whole[og])
		:: else
		fi
	   }
	fi;
	goto ask;

copy:
	step;
	og = field_gen[c];
	step;
	w = whole[c];
	step;
	og = (field_gen[c] == og -> og : 0);
	atomic {
#ifdef NO_VALIDATION
		ok = true;
#else
		ok = (cur == c) && (gen == g || (gen == g + 1 && phase == BUSY));
#endif
		if
		:: ok -> assert(w && og > 0 && published[og] == 1)
		:: else
		fi
	};
	if
	:: ok -> goto ask
	:: else -> goto look
	fi;

gone:
	skip
}

init {
	atomic {
		run caller(); run caller();
#if N > 2
		run caller()
#endif
	}
}
