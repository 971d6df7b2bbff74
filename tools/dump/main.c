/* SPDX-License-Identifier: MIT */
#include <locale.h>

#include "events.h"
#include "list.h"
#include "options.h"
#include "picture.h"
#include "watch.h"

static int show(struct options *options)
{
	return options->segment ? picture_take(options) : list_show(options);
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	/* LC_CTYPE tells which characters are printable; numbers stay plain. */
	setlocale(LC_CTYPE, "");
	status = options_read(&options, argc, argv);
	if (status >= 0)
		return status;
	if (options.metrics)
		return metrics_show(options.metrics, options.segment);
	if (options.events || options.tracing)
		return events_show(&options);
	if (options.checking)
		return check_show(&options);
	if (options.watch_ns)
		return watch(&options, show);
	return show(&options);
}
