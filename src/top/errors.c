/* SPDX-License-Identifier: MIT */
#include <sfshm/errors.h>

#include <limits.h>

#include "os/errno-text.h"

static const struct {
	int code;
	const char *text;
} texts[] = {
	{ EINVAL, "an argument is out of range; correct the call" },
	{ E2BIG, "the options set a newer field that this library does not "
		 "know; clear the field, or install a newer libsfshm" },
	{ ENAMETOOLONG,
	  "the key, name or path is too long; choose a shorter one" },
	{ EMSGSIZE, "the value is too large for the segment; publish less, "
		    "or resize the segment with a larger max_value" },
	{ ENOSPC, "the segment or its file system is full; "
		  "try again later, or make it larger" },
	{ EUSERS, "all participant records are in use; "
		  "attach fewer threads, or resize the segment with more "
		  "participants" },
	{ ENOENT, "not found: no such segment or path, "
		  "or the work found nothing" },
	{ ENODATA, "nothing usable is stored under this key; "
		   "a caller that may lead can make it" },
	{ ESRCH, "the flight ended without a result, and nobody leads; "
		 "make a call that may lead" },
	{ EOWNERDEAD, "the leader died, and nobody has replaced it; "
		      "make a call that may lead" },
	{ EREMOTEIO, "the work failed" },
	{ EBUSY, "another caller has what this call needs; wait for it, or try "
		 "again later" },
	{ EDEADLK, "waiting would deadlock; "
		   "release what this thread holds, then try again" },
	{ EAGAIN, "too many callers are already waiting, "
		  "or resources are short; try again later" },
	{ EHOSTDOWN, "the key's leaders keep dying, so its breaker is open; "
		     "find out why, or try again later" },
	{ EHOSTUNREACH, "the fleet's engine does not answer; find out why, or "
			"try again later" },
	{ ELOOP,
	  "symbolic links lead in a circle, or a link stands where the "
	  "file itself must be named; mend the links, or name the file" },
	{ EDOM, "the rank is not above the ranks that this thread holds; "
		"take locks and permits in increasing rank" },
	{ EILSEQ, "the value belongs to another key and was refused; "
		  "check what the work fetched" },
	{ ETIMEDOUT, "the deadline passed; try again, or allow more time" },
	{ ECANCELED, "cancelled: the token fired, "
		     "or the work released its flight" },
	{ EINTR, "a signal interrupted the wait; handle it, and call again "
		 "to go on" },
	{ ESTALE, "the flight or hold has ended, or another caller took it; "
		  "discard the result" },
	{ ESHUTDOWN, "the handle was closed, or its segment cannot be "
		     "reached, or the segment's file was removed and another "
		     "caller may have led or held the same key; open the "
		     "segment again" },
	{ EOPNOTSUPP, "a segment cannot live on that file system, a wait "
		      "cannot be polled here, or a lock cannot be both shared "
		      "and detached; use /dev/shm or another tmpfs, wait in a "
		      "thread, or leave out one of the flags" },
	{ EINPROGRESS, "the wait goes on; poll the queue's descriptor" },
	{ EBADF, "the handle or descriptor is not open; "
		 "open the segment first" },
	{ ENOSYS, "the kernel, or an emulator in its place, lacks a system "
		  "call that segments need; run on Linux itself" },
	{ ECHILD, "the handle, flight or hold belongs to the parent process; "
		  "open the segment in this process" },
	{ EPERM, "the file belongs to another user or has too open a mode, or "
		 "the flight or hold is another thread's, or the handle is "
		 "shared and stays open; act as the owner, or check the mode" },
	{ EPROTO, "the file is not a segment that this library can use; "
		  "choose another one, or make it anew" },
	{ EBADMSG, "the segment is damaged; "
		   "run sfshm-ctl verify, then make it anew" },
	{ EMFILE, "too many open files, or too many pins or shared locks in "
		  "this thread; give some back" },
	{ ERANGE, "the index is past the end, or the value is longer than the "
		  "buffer; stop there, or give the value more room" },
	{ EOVERFLOW, "the segment's generations have run out; "
		     "make a new segment" },
};

const char *sfshm_strerror(int error)
{
	if (error < 0 && error != INT_MIN)
		error = -error;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].code == error)
			return texts[i].text;
	return errno_text(error);
}

const char *sfshm_version(void)
{
	return SFSHM_VERSION;
}
