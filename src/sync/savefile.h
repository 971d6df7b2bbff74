/* SPDX-License-Identifier: MIT */
/*
 * The file of a save, on its way from nobody's sight to its path.
 *
 * Where the file system has O_TMPFILE, it has no name until it is whole, so
 * that nothing is left of it when its writer dies. Elsewhere it has a hidden
 * name in the folder of its path.
 */
#ifndef SYNC_SAVEFILE_H
#define SYNC_SAVEFILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sfshm/save.h>

struct savefile {
	char path[SFSHM_SAVE_PATH_MAX]; /* where it goes */
	int fd;                         /* -1: none */
	bool named;                     /* it has a name until then */
	uint64_t key, generation;       /* which its names are made of */
};

/* As if there were no O_TMPFILE; for tests. */
extern bool savefile_named_only;

/* Where it is to go, made absolute. 0, -EINVAL, -ENAMETOOLONG, ... */
int savefile_path(struct savefile *f, const char *path);

/*
 * Opens the temporary file. Where it has to have a name, those of earlier
 * generations go. 0 or a negated errno value.
 */
int savefile_open(struct savefile *f, uint32_t mode);

/* What it is; reads all of it. */
struct savefile_sum {
	uint64_t bytes, checksum, inode;
};
int savefile_sum(int fd, struct savefile_sum *sum);

/* To the disk: its bytes; its name. */
int savefile_sync(const struct savefile *f);
int savefile_sync_folder(const struct savefile *f);

/* Puts it under its path, in one step. May be done again. */
int savefile_link(struct savefile *f);

/* Closes it; what is not under its path is gone. May be done again. */
void savefile_close(struct savefile *f);

/* Removes the names that a dead writer may have left. */
void savefile_clear(const char *path, uint64_t key, uint64_t generation);

/* Whether a file of that sum is at the path; its inode goes there too. */
bool savefile_found(const char *path, struct savefile_sum *sum);

/* ... or, at a glance, that very file, with that length. */
bool savefile_seen(const char *path, const struct savefile_sum *sum);

#endif
