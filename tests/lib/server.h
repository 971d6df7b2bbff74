/* SPDX-License-Identifier: MIT */
/*
 * A server of the test's own, with its files in a folder of its own. It keeps
 * nothing when it dies. The tests of fleets call segments "hosts".
 *
 * "server.c" has a redis-server on a Unix socket, "etcd/server.c" an etcd on
 * loopback ports. What only Redis has is named at the end.
 */
#ifndef LIB_SERVER_H
#define LIB_SERVER_H

#include <stdbool.h>
#include <stdint.h>

/* Its URL, for sfshm_fleet_open(). */
extern char server_url[128];

/* Why there can be no engine here; or NULL. */
const char *server_impossible(void);

/* Starts the server, and waits until it answers. Also after server_kill(). */
void server_start(void);

/* Kills the server, and waits until it is gone. */
void server_kill(void);

/* Sends it a signal. */
void server_signal(int signal);

/* How many requests the library has made since server_forget_requests(). */
uint64_t server_requests(void);
void server_forget_requests(void);

/* How many waits for another host the server has under way. */
int server_waits(void);

/* Whether the key has a lease, or a result's bytes. The name space is "t". */
bool server_has_lease(const char *key);
bool server_has_value(const char *key);

/* As if the lease had run out, and as if the server had lost its data. */
void server_drop_lease(const char *key);
void server_forget_all(void);

/* Ends the server and removes the folder. */
void server_end(void);

/* Redis: makes an inline command. Returns the reply, of less than 64 KiB, as
   text. */
const char *server_ask(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Redis: whether a key's lease has a watcher, by the library's own note. */
bool server_key_is_watched(const char *key);

#endif
