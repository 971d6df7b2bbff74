/* SPDX-License-Identifier: MIT */
/* What only an etcd can be told; "server.h" has the rest. */
#ifndef LIB_ETCD_ETCD_H
#define LIB_ETCD_ETCD_H

/* Further words of the server's command, up to a NULL; NULL: none. */
extern const char *const *etcd_words;

/* Makes a call of the gateway with a log-in's token, or NULL. Returns the
   reply, with its head; NULL: it is no success. */
const char *etcd_tell(const char *path, const char *token, const char *body);

/* Makes a call about one record ("L", "V", "F") of a key's, whose fields are
   `rest`. */
const char *etcd_about(const char *call, const char *key, char letter,
		       const char *rest);

/* The client port, over loopback. */
int etcd_port(void);

#endif
