/* SPDX-License-Identifier: MIT */
#include "common/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sfshm/segment.h>

#include "common/args.h"
#include "common/complain.h"
#include "common/size.h"

int owner_read(const char *text, uint32_t *uid)
{
	const struct passwd *user = getpwnam(text);
	uint64_t number;

	if (user) {
		*uid = user->pw_uid;
		return 0;
	}
	if (number_parse(text, &number) || number >= UINT32_MAX) {
		complain("--owner %s: there is no such user", text);
		return -EINVAL;
	}
	*uid = (uint32_t)number;
	return 0;
}

int owner_read_group(const char *text, uint32_t *gid)
{
	const struct group *group = getgrnam(text);
	uint64_t number;

	if (group) {
		*gid = group->gr_gid;
		return 0;
	}
	if (number_parse(text, &number) || number >= UINT32_MAX) {
		complain("--group %s: there is no such group", text);
		return -EINVAL;
	}
	*gid = (uint32_t)number;
	return 0;
}

const char *owner_path(const char *name, uint32_t uid, char *path)
{
	char own[PATH_MAX], *tail;

	if (!name)
		name = "default";
	if (strchr(name, '/') || sfshm_path(name, own, sizeof(own)))
		return name;
	/* DIRECTORY/sfshm.UID.NAME */
	tail = strchr(strrchr(own, '/'), '.');
	return snprintf(path, PATH_MAX, "%.*s.%u.%s", (int)(tail - own), own,
			uid, name) < PATH_MAX ?
		       path :
		       name;
}

/* The group of users that are in no group, nogroup or nobody. */
#define GROUP_NOBODY 65534

/*
 * Makes a privileged process one of that user, for good. A number that is no
 * user's here has no group of its own: the group of the same number may be one
 * that other users share.
 */
static int become(uint32_t uid, uint32_t gid)
{
	const struct passwd *user = getpwuid(uid);
	gid_t own = user ? user->pw_gid : GROUP_NOBODY;

	if (geteuid() || !uid)
		return 0;
	if (user ? initgroups(user->pw_name, gid == UINT32_MAX ? own : gid) :
		   setgroups(gid != UINT32_MAX, &gid))
		return -errno;
	if (setresgid(own, own, own) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

int owner_become(uint32_t uid, uint32_t gid)
{
	int r = become(uid, gid);

	if (!r)
		return -1;
	complain("--owner: cannot act as user %u: %s", uid, strerror(-r));
	return ARGS_EXIT_FAILURE;
}

int owner_heed(uint32_t uid, uint32_t gid, const char **segment, char *path)
{
	int status = owner_become(uid, gid);

	if (status < 0)
		*segment = owner_path(*segment, uid, path);
	return status;
}

void owner_advise(const char *name, int is_trusted, char *why, size_t size)
{
	const struct passwd *user;
	char path[PATH_MAX], who[64];
	size_t len = strlen(why);
	struct stat st;

	if (sfshm_path(name, path, sizeof(path)) || lstat(path, &st) ||
	    !S_ISREG(st.st_mode) || st.st_uid == geteuid())
		return;
	user = getpwuid(st.st_uid);
	if (user)
		snprintf(who, sizeof(who), "%.40s", user->pw_name);
	else
		snprintf(who, sizeof(who), "%u", (unsigned)st.st_uid);
	if (!geteuid())
		snprintf(why + len, size - len,
			 "; to act as that user, say --owner %s", who);
	else if (is_trusted || st.st_mode & 0002)
		snprintf(why + len, size - len,
			 "; if you trust all users, say%s%s --mode %04o",
			 is_trusted ? "" : " --owner ", is_trusted ? "" : who,
			 (unsigned)st.st_mode & 0777);
	else
		snprintf(why + len, size - len,
			 "; if you trust %s, say --owner %s",
			 st.st_mode & 0020 ? "that user and the group" :
					     "that user",
			 who);
}
