/* SPDX-License-Identifier: MIT */
#include "segment/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <urcu/urcu-bp.h>

#include "os/process.h"
#include "os/sys.h"
#include "segment/geometry.h"
#include "segment/filesystem.h"
#include "segment/fingerprint.h"
#include "segment/huge.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mapping *registry;
static uint64_t mappings_made;

void mapping_lay_out(struct mapping *map, uint8_t *base,
		     const struct shm_geometry *g)
{
	map->base = base;
	map->geometry = *g;
	map->header = (void *)base;
	map->participants = (void *)(base + g->participants_at);
	map->buckets = (void *)(base + g->buckets_at);
	map->slots = (void *)(base + g->slots_at);
	map->cold = (void *)(base + g->desks_at);
	map->tags = (void *)(base + g->tags_at);
	map->tag_words = (void *)(base + geometry_tag_words_at(g));
	map->ghosts = (void *)(base + geometry_ghosts_at(g));
	map->ring = (void *)(base + geometry_ring_at(g));
	map->granules = base + g->granules_at;
	map->ghost_words = geometry_ghosts(g);
	map->ring_mask = geometry_ring(g) - 1;
	map->inline_granules = geometry_inline_granules(g);
}

/* A mapping that was inherited over fork belongs to the parent. */
static bool inherited(const struct mapping *map)
{
	return map->cookie != process_cookie();
}

/* HEIR-1: an heir needs the heirs of its predecessors. */
static void spread_followed(void)
{
	struct mapping *old;

	for (struct mapping *m = registry; m; m = m->next) {
		if (!load_relaxed(&m->followed))
			continue;
		for (old = load_relaxed(&m->predecessor); old;
		     old = load_relaxed(&old->predecessor))
			store_relaxed(&old->followed, true);
	}
}

/*
 * Closes the descriptors inherited over fork, before this process takes byte
 * locks of its own on their files: closing one later would drop those locks.
 * `keep` is a descriptor that the caller is about to use; it stays open even if
 * an inherited mapping has the same number. A descriptor that a handle may need
 * stays open, too (HEIR-1).
 */
static void close_inherited(int keep)
{
	spread_followed();
	for (struct mapping *m = registry; m; m = m->next) {
		if (!inherited(m) || m->fd < 0 ||
		    (load_relaxed(&m->followed) && m->fd != keep))
			continue;
		if (m->fd != keep && mapping_fd(m) >= 0)
			process_close(m->fd);
		m->fd = -1;
	}
}

/* This process's own mapping of the file, with a reference for a handle. */
static struct mapping *find_own(dev_t dev, ino_t ino)
{
	for (struct mapping *m = registry; m; m = m->next) {
		if (m->dev != dev || m->ino != ino || inherited(m))
			continue;
		if (mapping_get(m)) {
			fetch_add_relaxed(&m->handles, 1);
			return m;
		}
	}
	return NULL;
}

/* HEIR-3: clocks differ in another time namespace. */
static bool clocks_agree(const struct mapping *map)
{
	uint64_t here = process_time_ns();

	return !map->time_ns || !here || map->time_ns == here;
}

static struct mapping *copy_for_child(const struct mapping *old)
{
	struct mapping *map = aligned_alloc(SHM_LINE, sizeof(*map));
	char *path = old->path ? strdup(old->path) : NULL;

	if (!map || (old->path && !path)) {
		free(map);
		free(path);
		return NULL;
	}
	*map = *old;
	map->path = path;
	map->cookie = process_cookie();
	map->pid_ns = process_pid_ns();
	map->serial = ++mappings_made;
	map->predecessor = NULL;
	map->look_at = 0;
	map->door_locked = 0;
	map->refs = 1;
	map->handles = 1;
	return map;
}

/*
 * Returns this process's own mapping of the file that `old` maps; makes it if
 * need be (HEIR-2), after those of the predecessors. NULL: there is no memory.
 */
static struct mapping *own_locked(const struct mapping *old)
{
	const struct mapping *before = load_relaxed(&old->predecessor);
	struct mapping *map = find_own(old->dev, old->ino);

	if (map)
		return map;
	map = copy_for_child(old);
	if (!map)
		return NULL;
	if (before) {
		map->predecessor = own_locked(before);
		if (!map->predecessor) {
			free(map->path);
			free(map);
			return NULL;
		}
	}
	map->next = registry;
	registry = map;
	return map;
}

static struct mapping *find_locked(dev_t dev, ino_t ino)
{
	struct mapping *own = find_own(dev, ino);

	for (struct mapping *m = registry; !own && m; m = m->next)
		if (m->dev == dev && m->ino == ino &&
		    load_relaxed(&m->followed) && clocks_agree(m) &&
		    mapping_fd(m) >= 0)
			own = own_locked(m);
	return own;
}

struct mapping *mapping_find(dev_t dev, ino_t ino, int keep)
{
	struct mapping *map;

	pthread_mutex_lock(&registry_lock);
	close_inherited(keep);
	map = find_locked(dev, ino);
	pthread_mutex_unlock(&registry_lock);
	return map;
}

int mapping_inherit(struct mapping **out, const struct mapping *old)
{
	int r = clocks_agree(old) ? 0 : -EPROTO;

	pthread_mutex_lock(&registry_lock);
	if (!r) {
		close_inherited(-1);
		*out = own_locked(old);
		r = *out ? 0 : -ENOMEM;
	}
	pthread_mutex_unlock(&registry_lock);
	return r;
}

/* The part that the creator wrote, with its checksum; only this is read. */
#define CONSTANT_PART (offsetof(struct shm_header, checksum) + sizeof(uint64_t))

static int read_header(int fd, struct shm_header *h, const struct stat *st,
		       const struct sfshm_options *o)
{
	ssize_t n = pread(fd, h, CONSTANT_PART, 0);

	if (n < 0)
		return -errno;
	if (n != CONSTANT_PART || st->st_size < SHM_HEADER_SIZE) {
		options_explain(o,
				"not a segment: the file holds %lld bytes, "
				"less than a header",
				(long long)st->st_size);
		return -EPROTO;
	}
	return header_check(h, (uint64_t)st->st_size, o);
}

/*
 * Fetches the pages that every attach touches, the header and the first
 * records, by one call instead of by faults. A failure does no harm.
 */
static void fetch_first_pages(uint8_t *base, const struct shm_geometry *g)
{
	madvise(base, g->participants_at + 4096, MADV_POPULATE_READ);
}

static struct mapping *map_file(int fd, const struct shm_header *h,
				const struct stat *st, int *error)
{
	struct mapping *map = aligned_alloc(SHM_LINE, sizeof(*map));
	void *base;

	*error = -ENOMEM;
	if (!map)
		return NULL;
	memset(map, 0, sizeof(*map));
	map->huge = h->compatible & SHM_HUGE;
	base = map->huge ? huge_map(fd, h->geometry.file_size) :
			   mmap(NULL, h->geometry.file_size,
				PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		*error = -errno;
		free(map);
		return NULL;
	}
	fetch_first_pages(base, &h->geometry);
	mapping_lay_out(map, base, &h->geometry);
	map->word_offset = h->fingerprint.word_offset;
	map->seed = h->seed;
	map->time_ns = h->time_ns;
	map->pid_ns = process_pid_ns();
	map->cookie = process_cookie();
	map->serial = ++mappings_made;
	map->refs = 1;
	map->handles = 1;
	map->fd = fd;
	map->dev = st->st_dev;
	map->ino = st->st_ino;
	map->uid = st->st_uid;
	map->gid = st->st_gid;
	map->mode = st->st_mode & 0777;
	map->nameless = !st->st_nlink;
	*error = 0;
	return map;
}

int mapping_open(struct mapping **out, int fd, const struct sfshm_options *o)
{
	struct stat st;

	*out = NULL;
	return fstat(fd, &st) ? -errno : mapping_open_stat(out, fd, &st, o);
}

int mapping_open_stat(struct mapping **out, int fd, const struct stat *st,
		      const struct sfshm_options *o)
{
	struct shm_header h;
	struct mapping *map;
	int r = filesystem_check(fd, "the file", o);

	*out = NULL;
	if (!r)
		r = read_header(fd, &h, st, o);
	if (r)
		return r;
	pthread_mutex_lock(&registry_lock);
	close_inherited(fd);
	map = map_file(fd, &h, st, &r);
	if (map) {
		map->next = registry;
		registry = map;
	}
	pthread_mutex_unlock(&registry_lock);
	*out = map;
	return r;
}

bool mapping_get(struct mapping *map)
{
	uint32_t n = load_relaxed(&map->refs);

	while (n) {
		if (cas_acq_rel(&map->refs, n, n + 1))
			return true;
		n = load_relaxed(&map->refs);
	}
	return false;
}

struct mapping *mapping_get_serial(uint64_t serial)
{
	struct mapping *map;

	pthread_mutex_lock(&registry_lock);
	map = registry;
	while (map && map->serial != serial)
		map = map->next;
	if (map && !mapping_get(map))
		map = NULL;
	pthread_mutex_unlock(&registry_lock);
	return map;
}

static void remove_from_registry(struct mapping *map)
{
	struct mapping **at = &registry;

	while (*at && *at != map)
		at = &(*at)->next;
	if (*at)
		*at = map->next;
}

/* Another struct for the same mapped bytes, or NULL. */
static struct mapping *find_other(const struct mapping *map)
{
	struct mapping *m = registry;

	while (m && m->base != map->base)
		m = m->next;
	return m;
}

/*
 * The caller holds the registry's lock until this has closed the descriptor: if
 * another thread mapped the file anew before that, the close would drop the new
 * mapping's byte locks. Returns the predecessor, whose reference the caller
 * drops.
 */
static struct mapping *unmap_locked(struct mapping *map)
{
	struct mapping *old = map->predecessor, *other;

	remove_from_registry(map);
	other = find_other(map);
	if (other) {
		other->fd = map->fd; /* HEIR-4 */
	} else {
		munmap(map->base, map->geometry.file_size);
		if (mapping_fd(map) >= 0)
			process_close(map->fd);
	}
	free(map->path);
	free(map);
	return old;
}

void mapping_put(struct mapping *map)
{
	struct mapping *old = NULL;

	pthread_mutex_lock(&registry_lock);
	if (fetch_sub_acq_rel(&map->refs, 1) == 1)
		old = unmap_locked(map);
	pthread_mutex_unlock(&registry_lock);
	if (old)
		mapping_drop_handle(old);
}

void mapping_set_predecessor(struct mapping *map, struct mapping *old)
{
	old = rcu_xchg_pointer(&map->predecessor, old);
	if (!old)
		return;
	urcu_bp_synchronize_rcu();
	mapping_drop_handle(old);
}

struct mapping *mapping_peek_predecessor(struct mapping *map)
{
	struct mapping *old;

	if (load_acquire(&map->header->drained))
		return NULL;
	urcu_bp_read_lock();
	old = rcu_dereference(map->predecessor);
	if (old && !mapping_get(old))
		old = NULL;
	urcu_bp_read_unlock();
	return old;
}

struct mapping *mapping_predecessor(struct mapping *map)
{
	if (likely(!load_relaxed(&map->predecessor)))
		return NULL;
	if (load_acquire(&map->header->drained) && !urcu_bp_read_ongoing())
		mapping_set_predecessor(map, NULL);
	return mapping_peek_predecessor(map);
}

bool mapping_last_handle(struct mapping *map)
{
	bool last;

	pthread_mutex_lock(&registry_lock);
	last = load_relaxed(&map->handles) == 1;
	pthread_mutex_unlock(&registry_lock);
	return last;
}

/*
 * In a forked child no thread is attached to the parent's mapping, whatever
 * `refs` says, so the mapping goes with its last handle.
 */
void mapping_drop_handle(struct mapping *map)
{
	struct mapping *old = NULL;
	bool ours = !inherited(map);
	uint32_t left;

	pthread_mutex_lock(&registry_lock);
	left = fetch_add_relaxed(&map->handles, -1u) - 1;
	if (ours ? fetch_sub_acq_rel(&map->refs, 1) == 1 : !left)
		old = unmap_locked(map);
	pthread_mutex_unlock(&registry_lock);
	if (old)
		mapping_drop_handle(old);
}

void mapping_fork_lock(void)
{
	pthread_mutex_lock(&registry_lock);
}

void mapping_fork_unlock(void)
{
	pthread_mutex_unlock(&registry_lock);
}

int mapping_fd(struct mapping *map)
{
	struct stat st;

	if (map->fd < 0 || fstat(map->fd, &st) || st.st_dev != map->dev ||
	    st.st_ino != map->ino)
		return -1;
	return map->fd;
}
