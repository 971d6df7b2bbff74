/* SPDX-License-Identifier: MIT */
/* HTTP for prefork-server.c: GET only, one request for each connection. */
#ifndef PREFORK_HTTP_H
#define PREFORK_HTTP_H

#include <stddef.h>

#define HTTP_HEAD_MAX 4096 /* bytes of a request's head */

/*
 * Reads a request's head into `head`, HTTP_HEAD_MAX bytes, and sets *target to
 * the path in it. Returns NULL; the status with which to refuse the request; or
 * "" if the client is gone.
 */
const char *http_read(int fd, char *head, char **target);

/* Sends a reply. A reply as short as a report never waits for its client. */
void http_reply(int fd, const char *status, const char *headers, void *body,
		size_t len);

/* Sends a reply whose body is a line of text. */
void http_reply_line(int fd, const char *status, const char *text);

/* Closes the connection so that the client gets all of its reply. */
void http_close(int fd);

#endif
