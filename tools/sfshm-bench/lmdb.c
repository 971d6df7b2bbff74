/* SPDX-License-Identifier: MIT */
/*
 * Hits against LMDB, which shares its data between processes, too. A hit there
 * renews a read transaction, gets and copies the value, and resets the
 * transaction.
 */
#include "bench.h"

#ifdef HAVE_LMDB
#include <errno.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

static struct sfshm *segment;
static struct bench_keys keys;
static char folder[64];
static MDB_env *env;
static MDB_txn *txn;
static MDB_dbi dbi;

static void need(int r, const char *what)
{
	if (r)
		bench_die(what, r > 0 ? -r : -EIO);
}

static void fill(uint64_t count)
{
	char key[BENCH_KEY], value[BENCH_VALUE] = "value";
	MDB_val k = { sizeof(key), key }, v = { sizeof(value), value };

	bench_folder(folder, sizeof(folder));
	need(mdb_env_create(&env), "LMDB");
	need(mdb_env_set_mapsize(env, 64 << 20), "LMDB's size");
	need(mdb_env_open(env, folder, MDB_NOSYNC, 0600), "LMDB's file");
	need(mdb_txn_begin(env, NULL, 0, &txn), "LMDB's transaction");
	need(mdb_dbi_open(txn, NULL, 0, &dbi), "LMDB's database");
	for (uint64_t i = 0; i < count; i++) {
		bench_key(key, i);
		need(mdb_put(txn, dbi, &k, &v, 0), "LMDB's put");
	}
	need(mdb_txn_commit(txn), "LMDB's commit");
	need(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "LMDB's reader");
	mdb_txn_reset(txn);
}

static const char *prepare(const struct bench *b)
{
	struct sfshm_options o = {
		.slots = (uint32_t)b->size,
		.bytes = b->size * BENCH_VALUE,
	};

	segment = bench_segment(&o);
	bench_fill(segment, b->size, BENCH_KEY, BENCH_VALUE);
	fill(b->size);
	bench_keys_make(&keys, BENCH_KEY, b->size);
	return NULL;
}

static uint64_t ours(const struct bench *b, uint64_t n)
{
	(void)b;
	return bench_hits(segment, &keys, 0, n);
}

static uint64_t theirs(const struct bench *b, uint64_t n)
{
	uint64_t start = bench_now();
	char key[BENCH_KEY], copy[BENCH_VALUE];

	(void)b;
	for (uint64_t i = 0; i < n; i++) {
		MDB_val k = { sizeof(key), key }, v;

		memcpy(key, bench_next(&keys, 1), sizeof(key));
		need(mdb_txn_renew(txn), "LMDB's renew");
		need(mdb_get(txn, dbi, &k, &v), "LMDB's get");
		memcpy(copy, v.mv_data, sizeof(copy));
		mdb_txn_reset(txn);
		bench_use(copy);
	}
	return bench_now() - start;
}

static void clean_up(const struct bench *b)
{
	(void)b;
	mdb_txn_abort(txn);
	mdb_env_close(env);
	bench_folder_remove(folder);
	bench_keys_free(&keys);
	bench_segment_close();
}
#else
static const char *prepare(const struct bench *b)
{
	(void)b;
	return "built without LMDB (package liblmdb-dev)";
}
#endif

const struct bench lmdb_benches[] = {
	{
		.name = "hit-lmdb",
		.peer = "LMDB",
		.what = "hit among 50 000 keys at random",
		.target = 0.2,
		.size = 50000,
		.batch = 200000,
		.anew = true,
		.prepare = prepare,
#ifdef HAVE_LMDB
		.ours = ours,
		.theirs = theirs,
		.clean_up = clean_up,
#endif
	},
	{ 0 },
};
