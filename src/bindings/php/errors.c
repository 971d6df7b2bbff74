/* SPDX-License-Identifier: MIT */
#include "php_sfshm.h"

#include <zend_exceptions.h>
#include <ext/spl/spl_exceptions.h>

zend_class_entry *exception_ce, *timeout_ce, *work_ce, *away_ce;

void errors_register(void)
{
	zend_class_entry ce;

	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "Exception", NULL);
	exception_ce =
		zend_register_internal_class_ex(&ce, spl_ce_RuntimeException);
	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "TimeoutException", NULL);
	timeout_ce = zend_register_internal_class_ex(&ce, exception_ce);
	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "WorkException", NULL);
	work_ce = zend_register_internal_class_ex(&ce, exception_ce);
	INIT_NS_CLASS_ENTRY(ce, "Sfshm", "FleetAwayException", NULL);
	away_ce = zend_register_internal_class_ex(&ce, exception_ce);
}

bool error_of_segment(int error)
{
	switch (-error) {
	case ENOSPC:
	case EUSERS:
	case ESHUTDOWN:
	case EBADMSG:
	case EBADF:
	case ECHILD:
	case ENOMEM:
	case EPROTO: return true;
	default: return false;
	}
}

void error_warn(const char *why)
{
	if (SFSHM_G(warned))
		return;
	SFSHM_G(warned) = true;
	php_error_docref(NULL, E_WARNING,
			 "the segment cannot be used, so nothing is cached: %s",
			 why);
}

/* The work's failure has the code and the message that its leader gave. */
static void throw_failure(void)
{
	const struct sfshm_result *result = &SFSHM_G(result);

	zend_throw_exception(work_ce, result->message,
			     result->code == -EREMOTEIO ? 0 : result->code);
}

void error_throw(int error)
{
	if (error == -EREMOTEIO || error == -ENOENT)
		throw_failure();
	else if (error == -ETIMEDOUT)
		zend_throw_exception(timeout_ce, sfshm_strerror(error),
				     ETIMEDOUT);
	else
		zend_throw_exception(exception_ce, sfshm_strerror(error),
				     -error);
}
