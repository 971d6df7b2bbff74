/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "stage.h"

static uint8_t sink;

void touch(const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		sink ^= bytes[i];
}

int checked(int r)
{
	switch (-r) {
	case EINVAL:
	case ENAMETOOLONG:
	case EMSGSIZE:
	case ENOSPC:
	case EUSERS:
	case ENOENT:
	case ENODATA:
	case ESRCH:
	case EOWNERDEAD:
	case ELOOP:
	case EREMOTEIO:
	case EBUSY:
	case EDEADLK:
	case ETIMEDOUT:
	case ECANCELED:
	case ESTALE:
	case ESHUTDOWN:
	case EPERM:
	case EPROTO:
	case EBADMSG:
	case EMFILE:
	case EEXIST:
	case EAGAIN:
	case EHOSTDOWN:
	case EDOM:
	case EILSEQ:
	case EOVERFLOW: return r;
	default:
		if (r < 0)
			stage_fault("a code that the headers do not list", r);
		return r;
	}
}

void check_result(int r, const struct sfshm_result *result)
{
	if (result->value.len > result->value.cap)
		stage_fault("more bytes than room", (int)result->value.len);
	if (r >= 0)
		touch(result->value.data, result->value.len);
	if (strnlen(result->message, SFSHM_MESSAGE_MAX) == SFSHM_MESSAGE_MAX)
		stage_fault("a message without an end", r);
}

void check_view(struct sfshm_view *view)
{
	struct sfshm_participant_info who = { .size = sizeof(who) };
	struct sfshm_segment_info segment = { .size = sizeof(segment) };
	struct sfshm_slot_info slot = { .size = sizeof(slot) };
	const char *name, *help;
	uint64_t count;

	checked(sfshm_view_segment(view, &segment));
	for (uint32_t i = 0; !sfshm_view_counter(view, i, &name, &help, &count);
	     i++)
		touch(name, strlen(name) + strlen(help) * 0);
	for (uint32_t i = 0; i < segment.participants_used; i++) {
		if (sfshm_view_participant(view, i, &who) == 0 &&
		    strnlen(who.name, sizeof(who.name)) == sizeof(who.name))
			stage_fault("a name without an end", (int)i);
	}
	for (uint32_t i = 0; i < segment.slots_used; i++) {
		if (sfshm_view_slot(view, i, &slot))
			continue;
		if (slot.key_len > sizeof(slot.key))
			stage_fault("a key too long", (int)slot.key_len);
		if (strnlen(slot.error, sizeof(slot.error)) ==
		    sizeof(slot.error))
			stage_fault("an error without an end", (int)i);
	}
}
