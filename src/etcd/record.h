/* SPDX-License-Identifier: MIT */
/*
 * What etcd keeps for a key of a fleet.
 *
 *	L  the lease   HOLDER MS +BASE, or HOLDER MS =TOKEN
 *	V  the result  TOKEN TTL CODE, a line's end, and the bytes
 *	F  the fence   +BASE or =TOKEN
 *	   the base    a number, which all keys of a name space share
 *
 * L, V and F are bound to an etcd lease, which removes them when it has run
 * out; a V with an endless lifetime, and the base, stay.
 *
 *  TOKEN-1. The token of a lease or a fence with +BASE is BASE plus its
 *           mod_revision: the number of etcd's transaction that wrote it. etcd
 *           gives that number to no other transaction, and a later one has a
 *           higher number. Each acquire writes L anew, so a host that inherits
 *           its own lease has a higher token, too.
 *  TOKEN-2. The base never falls, and the transaction that writes +BASE fails
 *           if the base has changed meanwhile. So all tokens of all keys grow
 *           for ever. The first acquire of a name space sets the base to its
 *           host's time of day in us, so that a cluster which has lost its data
 *           most likely gives out no token a second time. If a host has seen a
 *           higher token than base and revision make, its next acquire raises
 *           the base to that token.
 *  TOKEN-3. =TOKEN says a token that was given out before: of a released lease,
 *           or of a lease that its holder has reclaimed.
 *
 * All transactions are of one form: they compare the mod_revisions of what was
 * read (0: the record was not there), and write; or else read anew. Thus a
 * decision holds for the very state that it was made for.
 */
#ifndef ETCD_RECORD_H
#define ETCD_RECORD_H

#include <sfshm/fleet-ops.h>

#include "etcd/call.h"
#include "etcd/names.h"

/* Tokens stay below, so that no sum of them overflows. A record with a higher
   one is of another program. */
#define TOKEN_MAX (UINT64_MAX / 4)

/* A lease in the text of L: the holder in hexadecimal digits. */
#define HOLDER_DIGITS ((size_t)2 * SFSHM_FLEET_HOLDER)

struct record {
	uint64_t mod;   /* mod_revision; 0: the record is not there */
	uint64_t lease; /* of etcd; 0: none */
	uint64_t token;
};

struct records {
	uint64_t revision; /* of etcd, when this was read */
	/* of etcd: the lease of the result that a transaction has replaced or
	   deleted, after etcd_txn_note_lease(); 0: none */
	uint64_t freed;
	struct record fence, lease, value;
	uint64_t base, base_mod;
	char holder[HOLDER_DIGITS + 1];
	uint32_t lease_ms;
	uint32_t ttl_ms;
	int32_t code;
	struct text bytes; /* of the value; its first `head` are its line */
	size_t head;
};

/* A transaction: what it compares, and what it does if all that holds. */
struct txn {
	struct text compares, acts;
};

void etcd_txn_compare_mod(struct txn *t, const char *name, uint64_t mod);
void etcd_txn_compare_text(struct txn *t, const char *name, const char *text);
/* Writes a record that ends with the etcd lease (0: never). */
void etcd_txn_put(struct txn *t, const char *name, const void *text, size_t len,
		  uint64_t lease);
void etcd_txn_delete(struct txn *t, const char *name);
/* Before the act that replaces or deletes a result: notes its etcd lease. */
void etcd_txn_note_lease(struct txn *t, const char *name);
/* The transaction does nothing unless all records are as they were read. */
void etcd_txn_compare_all(struct txn *t, const struct names *n,
			  const struct records *s);
void etcd_txn_free(struct txn *t);

/* Returns 1: the transaction was made, and s->revision is its number; 0: a
   comparison failed, and *s has what is there; or an error as etcd_call(). */
int etcd_txn_run(struct pool *p, const struct txn *t, const struct names *n,
		 uint64_t deadline, struct records *s);

/* Reads a key's records. Returns as etcd_call(), and -EREMOTE also if a record
   is of another program. */
int etcd_records_read(struct pool *p, const struct names *n, uint64_t deadline,
		      struct records *s);

/* Reads one record of a reply's, as a watch announces it. */
int etcd_record_read(struct records *s, const json_t *kv);

void etcd_records_free(struct records *s);

#endif
