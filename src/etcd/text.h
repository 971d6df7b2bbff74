/* SPDX-License-Identifier: MIT */
/* Text that grows, for the bodies of requests and the bytes of replies. */
#ifndef ETCD_TEXT_H
#define ETCD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *at; /* ends with a byte 0, unless it is NULL */
	size_t len;
	size_t size;
	bool failed; /* there was no memory; what follows is not added */
};

void etcd_text_add_bytes(struct text *t, const void *from, size_t len);
void etcd_text_add(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds the bytes in base64, as JSON has them. */
void etcd_text_add_base64(struct text *t, const void *from, size_t len);

/* Decodes base64. Returns 0, -EPROTO or -ENOMEM (to->failed). */
int etcd_text_decode(struct text *to, const char *from, size_t len);

/* Drops the first bytes. */
void etcd_text_drop(struct text *t, size_t len);

void etcd_text_free(struct text *t);

#endif
