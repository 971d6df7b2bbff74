/* SPDX-License-Identifier: MIT */
/*
 * A socket between a queue and its own process, for an event loop that can read
 * from a connection that it makes, but cannot poll a descriptor (nginx's Lua).
 *
 *   from        to          by
 *   -           listening   loop_socket_listen()
 *   listening   connected   loop_socket_accept(): the loop has connected
 *   connected   listening   loop_socket_listen(): the loop wants another one
 *   any         -           loop_socket_close()
 *
 * The path exists while the socket is listening. If the process dies then, the
 * path stays, and the next process that listens there replaces it.
 */
#ifndef TOP_LOOP_SOCKET_H
#define TOP_LOOP_SOCKET_H

#include <stdint.h>

struct loop_socket {
	int listener;   /* or -1 */
	char *path;     /* of the listener; or NULL */
	uint64_t inode; /* of the path, which another process may replace */
};

#define LOOP_SOCKET_INIT        \
	{                       \
		.listener = -1, \
	}

/* Returns 0 or a negated errno value. */
int loop_socket_listen(struct loop_socket *s, const char *path);

/*
 * Returns the library's end of a connection that this process has made, and
 * stops listening; or -EAGAIN, or another negated errno value.
 */
int loop_socket_accept(struct loop_socket *s);

/* Stops listening. In a forked child the path stays: it is the parent's. */
void loop_socket_close(struct loop_socket *s, int mine);

#endif
