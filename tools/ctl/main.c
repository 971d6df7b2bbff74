/* SPDX-License-Identifier: MIT */
#include <locale.h>

#include "common/args.h"
#include "common/fault.h"
#include "request.h"

int main(int argc, char **argv)
{
	struct request request;
	int status;

	/* LC_CTYPE tells which characters are printable; numbers stay plain. */
	setlocale(LC_CTYPE, "");
	status = request_read(&request, argc, argv);
	if (status >= 0)
		return status;
	fault_guard(args_segment(request.segment));
	status = request.verb->run(&request);
	if (args_flush())
		return ARGS_EXIT_FAILURE;
	return status;
}
