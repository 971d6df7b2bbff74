/* SPDX-License-Identifier: MIT */
/*
 * Metrics of segments, for monitoring systems to scrape: in Prometheus' text
 * format 0.0.4, or in OpenMetrics 1.0.
 */
#ifndef DUMP_METRICS_H
#define DUMP_METRICS_H

enum metrics_format {
	METRICS_NONE,
	METRICS_PROMETHEUS,
	METRICS_OPENMETRICS,
};

/*
 * Prints the metrics of the segment, or of all the user's segments if it is
 * NULL. A segment that cannot be read has the metric sfshm_up, which is then 0,
 * and a complaint. Returns the status to exit with.
 */
int metrics_show(enum metrics_format format, const char *segment);

#endif
