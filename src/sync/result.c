/* SPDX-License-Identifier: MIT */
#include "sync/result.h"

#include <errno.h>
#include <stdlib.h>

#include "sync/look.h"

int result_total(const struct iovec *iov, int count, uint64_t *total)
{
	if (count < 0 || (count && !iov))
		return -EINVAL;
	*total = 0;
	for (int i = 0; i < count; i++)
		if (__builtin_add_overflow(*total, iov[i].iov_len, total))
			return -EMSGSIZE;
	return 0;
}

static bool lies_in(const struct sfshm_buf *b, const struct iovec *piece)
{
	uintptr_t from = (uintptr_t)b->data, at = (uintptr_t)piece->iov_base;

	return piece->iov_len && at < from + b->cap &&
	       from < at + piece->iov_len;
}

static bool any_lies_in(const struct sfshm_buf *b, const struct iovec *iov,
			int count)
{
	for (int i = 0; i < count; i++)
		if (lies_in(b, &iov[i]))
			return true;
	return false;
}

static void gather(uint8_t *to, const struct iovec *iov, int count)
{
	for (int i = 0; i < count; i++) {
		if (!iov[i].iov_len)
			continue;
		memcpy(to, iov[i].iov_base, iov[i].iov_len);
		to += iov[i].iov_len;
	}
}

int result_gather(struct sfshm_result *r, const struct iovec *iov, int count,
		  size_t len)
{
	struct sfshm_buf own = { 0 }, *to = &r->value;
	bool inside = any_lies_in(&r->value, iov, count);

	/*
	 * A single piece can be moved within the buffer, if the buffer is large
	 * enough.
	 */
	if (inside && count == 1 && len <= to->cap) {
		memmove(to->data, iov->iov_base, len);
		to->len = len;
		return 0;
	}
	if (inside)
		to = &own;
	if (buf_reserve(to, len))
		return -ENOMEM;
	gather(to->data, iov, count);
	to->len = len;
	if (inside) {
		free(r->value.data);
		r->value = own;
	}
	return 0;
}

#define CUT_MARK "..."

const char *result_fit_message(const char *message, char cut[SFSHM_MESSAGE_MAX])
{
	size_t keep = SFSHM_MESSAGE_MAX - sizeof(CUT_MARK), end = keep;

	if (!message || strnlen(message, SFSHM_MESSAGE_MAX) < SFSHM_MESSAGE_MAX)
		return message;
	/* A UTF-8 character has at most three continuation bytes. */
	while (keep - end < 3 && (message[end] & 0xc0) == 0x80)
		end--;
	if ((message[end] & 0xc0) == 0x80)
		end = keep;
	memcpy(cut, message, end);
	memcpy(cut + end, CUT_MARK, sizeof(CUT_MARK));
	return cut;
}

void result_take_message(struct sfshm_result *r, const char *message)
{
	size_t len = message ? strlen(message) : 0;

	memmove(r->message, message ? message : "", len);
	r->message[len] = '\0';
}
