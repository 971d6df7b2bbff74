/* SPDX-License-Identifier: MIT */
/*
 * The file of a save: a temporary file first, then the file at its path.
 *
 * Where the file system has O_TMPFILE, and /proc is mounted, the file has no
 * name until it is whole, so that nothing is left of it if its writer dies.
 * Elsewhere it has a hidden name in the folder of its path.
 */
#ifndef SYNC_SAVEFILE_H
#define SYNC_SAVEFILE_H

#include <stdbool.h>
#include <stdint.h>

#include <sfshm/save.h>

struct savefile {
	char path[SFSHM_SAVE_PATH_MAX]; /* of the finished file */
	int fd;                         /* -1: none */
	bool named; /* it has a temporary name until it is linked */
	uint64_t key, generation; /* its hidden names are made of these */
};

/* For tests: do as if there were no O_TMPFILE. */
extern bool savefile_named_only;

/* Notes the path, made absolute. Returns 0, -EINVAL, -ENAMETOOLONG, ... */
int savefile_path(struct savefile *f, const char *path);

/*
 * Opens the temporary file. If that file needs a name, first removes the files
 * of earlier generations. Returns 0 or a negated errno value.
 */
int savefile_open(struct savefile *f, uint32_t mode);

/*
 * A whole file's bytes, by length and checksum, and its identity. If another
 * program changes or replaces the file, the inode or the time of change is
 * another one. The file system may use an inode's number again, but not with
 * the same time of change. savefile_sum() reads the whole file; savefile_look()
 * fills in the identity only.
 */
struct savefile_sum {
	uint64_t bytes, checksum;
	uint64_t device, inode;
	uint64_t changed; /* st_ctim, ns */
};
int savefile_sum(int fd, struct savefile_sum *sum);
int savefile_look(int fd, struct savefile_sum *sum);

/*
 * savefile_sync() writes the file's bytes to the disk; savefile_sync_folder()
 * writes the folder of the file, and so the file's name.
 */
int savefile_sync(const struct savefile *f);
int savefile_sync_folder(const struct savefile *f);

/*
 * Puts the file under its path, in one step. May be repeated. -EEXIST: another
 * writer's file has the passing name, which savefile_make_way() removes.
 */
int savefile_link(struct savefile *f);
void savefile_make_way(const struct savefile *f);

/*
 * Closes the file, and removes its hidden name: the file is gone unless it is
 * under its path. May be repeated.
 */
void savefile_close(struct savefile *f);

/* Removes the names that a dead writer may have left. */
void savefile_clear(const char *path, uint64_t key, uint64_t generation);

/*
 * Whether a file with those bytes is at the path. If so, its identity is in
 * *sum.
 */
bool savefile_found(const char *path, struct savefile_sum *sum);

/* Whether that very file, unchanged, is at the path. Reads no bytes of it. */
bool savefile_seen(const char *path, const struct savefile_sum *sum);

#endif
