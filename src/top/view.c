/* SPDX-License-Identifier: MIT */
/* The calls that open and close a view, and that read a segment's header. */
#include "top/view.h"

#include <sfshm/inspect.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/errno-text.h"
#include "os/process.h"
#include "os/sys.h"
#include "segment/geometry.h"
#include "segment/name.h"
#include "top/fork.h"
#include "top/sized.h"
#include "top/succession.h"
#include "top/why.h"

static int map_view(struct sfshm_view *v, int fd, const struct sfshm_options *o)
{
	struct shm_header h;
	void *base;
	int r;

	if (fstat(fd, &v->stat))
		return -errno;
	if (!S_ISREG(v->stat.st_mode)) {
		options_explain(o, "not a regular file");
		return -EPROTO;
	}
	if (pread(fd, &h, sizeof(h), 0) != sizeof(h)) {
		options_explain(o, "not a segment: shorter than a header");
		return -EPROTO;
	}
	r = header_check(&h, (uint64_t)v->stat.st_size, o);
	if (r)
		return r == -ESTALE ? -EPROTO : r;
	base = mmap(NULL, h.geometry.file_size, PROT_READ, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	mapping_lay_out(&v->map, base, &h.geometry);
	v->map.word_offset = h.fingerprint.word_offset;
	v->map.seed = h.seed;
	v->created = h.created;
	return 0;
}

/*
 * Maps the view by the descriptor of the segment that this process already has.
 * If the process opened and closed another one, it would lose its byte locks
 * for a moment, and other processes might suspect its living leaders. -ENOENT:
 * the process has no descriptor of the segment.
 */
static int map_own(struct sfshm_view *v, const struct sfshm_options *o)
{
	struct mapping *mine = NULL;
	struct stat st;
	int fd, r = -ENOENT;

	if (!lstat(v->path, &st))
		mine = mapping_find(st.st_dev, st.st_ino, -1);
	if (!mine)
		return r;
	fd = mapping_fd(mine);
	if (fd >= 0)
		r = map_view(v, fd, o);
	mapping_drop_handle(mine);
	return r;
}

static int open_view(struct sfshm_view *v, const char *name,
		     const struct sfshm_options *o)
{
	int r = name_to_path(name, geteuid(), v->path, sizeof(v->path));
	int fd;

	if (r) {
		options_explain(o, "the name is too long, or has characters "
				   "other than letters, digits and ._-+@:");
		return r;
	}
	r = map_own(v, o);
	if (r != -ENOENT)
		return r;
	fd = open(v->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0) {
		r = -errno;
		options_explain(o, "cannot open %s: %s", v->path,
				r == -ELOOP ? "it is a symbolic link" :
					      errno_text(-r));
		return r;
	}
	r = map_view(v, fd, o);
	handle_close_beside(fd, &v->stat);
	return r;
}

int sfshm_view_open(struct sfshm_view **out, const char *name, char *why,
		    size_t why_size)
{
	struct sfshm_options o = { .why = why, .why_size = why_size };
	struct sfshm_view *v;
	int state, r;

	if (!out)
		return -EINVAL;
	*out = NULL;
	why_clear(&o);
	v = fork_prepare() ? NULL : aligned_alloc(SHM_LINE, sizeof(*v));
	if (!v)
		return why_at_least(-ENOMEM, &o);
	memset(v, 0, sizeof(*v));
	state = uncancelled_begin();
	r = open_view(v, name, &o);
	uncancelled_end(state);
	if (r)
		free(v);
	else
		*out = v;
	return why_at_least(r, &o);
}

void sfshm_view_close(struct sfshm_view *v)
{
	if (!v)
		return;
	munmap(v->map.base, v->map.geometry.file_size);
	free(v);
}

static uint64_t tags_taken(const struct mapping *map)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < map->geometry.granules; i++)
		n += granule_in_use(map, i) && load_relaxed(&map->tags[i]);
	return n;
}

/* Reads what the breakers of fleets say: fleet/breaker.h. */
static void read_fleet(const struct shm_header *header,
		       struct sfshm_segment_info *info)
{
	uint64_t now = sys.now() / NS_PER_MS, least = UINT64_MAX;

	info->fleet_token = load_relaxed(&header->fleet_token);
	for (int i = 0; i < SHM_FLEET_DOWN; i++) {
		uint64_t word = load_relaxed(&header->fleet_down[i]);
		uint64_t until = word & ((UINT64_C(1) << 48) - 1);

		if (!word)
			continue;
		info->fleet_away++;
		until = until > now ? until - now : 0;
		least = until < least ? until : least;
	}
	if (info->fleet_away)
		info->fleet_retry_ms = least < UINT32_MAX ? (uint32_t)least :
							    UINT32_MAX;
}

int sfshm_view_segment(struct sfshm_view *v, struct sfshm_segment_info *info)
{
	struct sfshm_segment_info own;
	const struct shm_geometry *g;

	if (!v || !sized_is_valid(info, sizeof(own)))
		return -EINVAL;
	g = &v->map.geometry;
	own = (struct sfshm_segment_info){
		.layout_version = SHM_VERSION,
		.slots = g->slots,
		.slots_used = slots_used(&v->map),
		.participants = g->participants,
		.participants_used = participants_used(&v->map),
		.max_value = g->max_value,
		.bytes = geometry_bytes(g),
		.bytes_used = tags_taken(&v->map) * SHM_GRANULE,
		.file_bytes = g->file_size,
		.memory_bytes = (uint64_t)v->stat.st_blocks * 512,
		.epoch = load_relaxed(&v->map.header->epoch),
		.created_s = v->created,
		.mode = v->stat.st_mode & 07777,
		.owner = v->stat.st_uid,
		.group = v->stat.st_gid,
		.waitv = sys_has_waitv(),
		.inode = v->stat.st_ino,
	};
	memcpy(own.path, v->path, sizeof(own.path));
	read_fleet(v->map.header, &own);
	sized_write(info, &own, sizeof(own));
	return 0;
}
