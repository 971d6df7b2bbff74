/* SPDX-License-Identifier: MIT */
/*
 * A redis-server of the test's own, on a Unix socket in a folder of its own.
 * It keeps nothing when it dies. The tests of fleets call segments "hosts".
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

/* Makes an inline command. Returns the reply, of less than 64 KiB, as text. */
const char *server_ask(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* How many requests the library has made since server_forget_requests(). */
uint64_t server_requests(void);
void server_forget_requests(void);

/* Whether a key's lease has a watcher, by the library's own note in it. */
bool server_key_is_watched(const char *key);

/* Ends the server and removes the folder. */
void server_end(void);

#endif
