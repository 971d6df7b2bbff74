/* SPDX-License-Identifier: MIT */
/*
 * Epochs: nobody believes a look-up that went through a slot's next life
 * (store/epoch.h).
 *
 * Readers enter (their store may be held up in a store buffer until fenced),
 * stand on the slot if it is linked, and leave. The writer unlinks the slot,
 * notes the epoch, advances, and uses the slot again. A reader in the way may
 * be expelled at any time: it looks at its mark before it believes anything.
 *
 * Mutants (each must fail): NO_EXPULSION_CHECK, REUSE_AFTER_ONE,
 * NOTE_BEFORE_UNLINK, NO_FENCE.
 */
#define R 2

byte epoch = 1;
bool linked = true;
byte life = 1;
byte word[R];     /* 0: outside; else the epoch it entered at */
bool expelled[R];
byte buffered[R]; /* a store that only its own processor sees yet */

inline drain(r)
{
	if
	:: buffered[r] -> word[r] = buffered[r]; buffered[r] = 0
	:: else
	fi
}

proctype reader(byte me)
{
	byte e, seen_life, rounds = 0;
	bool on;

	do
	:: rounds == 2 -> break
	:: else ->
		rounds++;
		e = epoch;
		buffered[me] = e;
		expelled[me] = false;
#ifndef NO_FENCE
		/* the fence of epoch_enter(): before any link is read */
		atomic { drain(me) };
#endif
		on = false;
		if
		:: linked -> on = true; seen_life = life
		:: else
		fi;
		atomic { drain(me) };
		/* Still the slot that was met, or rubbish? */
		if
		:: on ->
			atomic {
#ifndef NO_EXPULSION_CHECK
				if
				:: !expelled[me] -> assert(life == seen_life)
				:: else
				fi;
#else
				assert(life == seen_life);
#endif
				word[me] = 0
			}
		:: else -> word[me] = 0
		fi
	od
}

proctype writer()
{
	byte noted, seen, i;

#ifdef NOTE_BEFORE_UNLINK
	noted = epoch;
	linked = false;
#else
	linked = false;
	noted = epoch;
#endif
	do
#ifdef REUSE_AFTER_ONE
	:: epoch >= noted + 1 -> break
#else
	:: epoch >= noted + 2 -> break
#endif
	:: else ->
		i = 0;
		seen = epoch;
		do
		:: i == R -> break
		:: i < R ->
			if
			:: word[i] == 0 || word[i] == seen || expelled[i] ->
				i++
			:: atomic { word[i] != 0 && word[i] != seen ->
				    expelled[i] = true }
			fi
		od;
		atomic { if :: epoch == seen -> epoch++ :: else fi }
	od;
	life++
}

/* Others advance the epoch too, by the same rule. */
proctype other()
{
	byte i = 0;
	byte seen = epoch;

	do
	:: i == R -> break
	:: i < R && (word[i] == 0 || word[i] == seen || expelled[i]) -> i++
	:: i < R && word[i] != 0 && word[i] != seen -> goto gone
	od;
	atomic { if :: epoch == seen -> epoch++ :: else fi };
gone:
	skip
}

init {
	atomic {
		run reader(0); run reader(1); run writer(); run other()
	}
}
