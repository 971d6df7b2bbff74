/* SPDX-License-Identifier: MIT */
#include "top/loop-socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/process.h"

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? 0 : st.st_ino;
}

/* Whether nobody listens at the path, and this user may remove it. */
static bool is_left_over(const struct sockaddr_un *name)
{
	struct stat st;
	bool refused;
	int fd;

	if (lstat(name->sun_path, &st) || !S_ISSOCK(st.st_mode) ||
	    st.st_uid != geteuid())
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)name, sizeof(*name)) &&
		  errno == ECONNREFUSED;
	process_close(fd);
	return refused;
}

/* Sets the mode of the socket, which bind(2) gives to the path, so the umask
   need not change. */
static int bind_and_listen(int fd, const struct sockaddr_un *name)
{
	const struct sockaddr *address = (const struct sockaddr *)name;

	if (fchmod(fd, S_IRUSR | S_IWUSR))
		return -errno;
	if (bind(fd, address, sizeof(*name))) {
		if (errno != EADDRINUSE)
			return -errno;
		if (!is_left_over(name))
			return -EADDRINUSE;
		if (unlink(name->sun_path) || bind(fd, address, sizeof(*name)))
			return -errno;
	}
	if (listen(fd, 1)) {
		int error = errno;

		unlink(name->sun_path);
		return -error;
	}
	return 0;
}

int loop_socket_listen(struct loop_socket *s, const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	char *copy;
	int fd, r;

	if (!len)
		return -EINVAL;
	if (len >= sizeof(name.sun_path))
		return -ENAMETOOLONG;
	memcpy(name.sun_path, path, len);
	loop_socket_close(s, true);
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	r = fd < 0 ? -errno : bind_and_listen(fd, &name);
	if (r) {
		if (fd >= 0)
			process_close(fd);
		free(copy);
		return r;
	}
	s->path = copy;
	s->inode = inode_of(copy);
	s->listener = fd;
	return 0;
}

/* Whether the other end is this process's, too. */
static bool is_own(int fd)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       peer.pid == getpid() && peer.uid == geteuid();
}

/*
 * Whether the other end is closed. A call that looks whether anybody listens at
 * the path (is_left_over()) connects, and closes its end at once.
 */
static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

int loop_socket_accept(struct loop_socket *s)
{
	if (s->listener < 0)
		return -EINVAL;
	for (;;) {
		int fd = accept4(s->listener, NULL, NULL,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0 && errno != EINTR && errno != ECONNABORTED)
			return -errno;
		if (fd < 0)
			continue;
		if (is_own(fd) && !is_closed(fd)) {
			loop_socket_close(s, true);
			return fd;
		}
		process_close(fd);
	}
}

/*
 * Empties *s first. A child that is forked meanwhile finds *s as it was, and
 * then closes its copy of the listener; or finds *s empty, and does nothing.
 */
void loop_socket_close(struct loop_socket *s, int mine)
{
	struct loop_socket was = *s;

	if (was.listener < 0)
		return;
	*s = (struct loop_socket)LOOP_SOCKET_INIT;
	if (mine && inode_of(was.path) == was.inode)
		unlink(was.path);
	process_close(was.listener);
	free(was.path);
}
