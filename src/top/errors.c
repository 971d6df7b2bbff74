/* SPDX-License-Identifier: MIT */
#include <sfshm/errors.h>

#include <string.h>

static const struct {
	int code;
	const char *text;
} texts[] = {
	{ EINVAL, "an argument is out of its range" },
	{ ENAMETOOLONG, "the key or name is too long" },
	{ EMSGSIZE, "the value is larger than the segment's largest value" },
	{ ENOSPC, "no room left in the segment or its file system" },
	{ EUSERS, "all participant records are taken" },
	{ ENOENT, "there is no such thing" },
	{ ENODATA, "nothing usable is there" },
	{ EREMOTEIO, "the work failed" },
	{ EBUSY, "somebody else is at it" },
	{ EDEADLK, "it would wait for itself, for ever" },
	{ EAGAIN, "as many wait already as may" },
	{ EHOSTDOWN, "its leaders keep dying: the breaker is open" },
	{ EDOM, "the lock's rank is not above those held" },
	{ EILSEQ, "the value says that it is another key's" },
	{ ETIMEDOUT, "the deadline passed" },
	{ ECANCELED, "cancelled" },
	{ ESTALE, "the flight was taken by somebody else" },
	{ ESHUTDOWN, "the handle was closed, or its segment is out of reach" },
	{ EBADF, "the handle is not an open one" },
	{ ECHILD, "the handle belongs to the parent process: open it again" },
	{ EPERM, "it belongs to somebody else" },
	{ EPROTO, "the file is not a segment that this library can use" },
	{ EBADMSG, "the segment is damaged: run sfshm-ctl verify" },
};

const char *sfshm_strerror(int error)
{
	const char *text;

	if (error < 0)
		error = -error;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == error)
			return texts[i].text;
	text = strerrordesc_np(error);
	return text ? text : "unknown error";
}

const char *sfshm_version(void)
{
	return SFSHM_VERSION;
}
