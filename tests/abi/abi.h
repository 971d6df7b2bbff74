/* SPDX-License-Identifier: MIT */
/*
 * What the tests of other versions' programs share. They use the shared library
 * as it ships, and public headers only: their own version's.
 */
#ifndef ABI_ABI_H
#define ABI_ABI_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <sfshm.h>

static char segment[64];
static struct sfshm *handle;

static int abi_setup(void **state)
{
	struct sfshm_options o = {
		.size = sizeof(o),
		.flags = SFSHM_CREATE | SFSHM_EXCLUSIVE,
		.slots = 64,
	};

	(void)state;
	snprintf(segment, sizeof(segment), "test-abi-%d", (int)getpid());
	return sfshm_open(&handle, segment, &o);
}

static int abi_teardown(void **state)
{
	(void)state;
	return sfshm_close(handle) | sfshm_unlink(segment);
}

#define abi_test(f) cmocka_unit_test_setup_teardown(f, abi_setup, abi_teardown)

static int abi_main(const struct CMUnitTest *tests, size_t count)
{
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests("abi", tests, count, NULL, NULL);
}

#endif
