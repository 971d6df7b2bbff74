/* SPDX-License-Identifier: MIT */
#include "html-charts.h"

#include <inttypes.h>
#include <stdio.h>

#include "html-text.h"
#include "look/text.h"

#define NS_PER_MS 1000000

#define S INT64_C(1000)
#define MIN (60 * S)
#define H (60 * MIN)

static const struct {
	int64_t below_ms; /* 0: all others */
	const char *name;
} classes[CHART_CLASSES] = {
	{ 1 * S, "below 1 s" },    { 10 * S, "1 to 10 s" },
	{ 1 * MIN, "10 to 60 s" }, { 10 * MIN, "1 to 10 min" },
	{ 1 * H, "10 to 60 min" }, { 6 * H, "1 to 6 h" },
	{ 24 * H, "6 to 24 h" },   { 0, "a day or more" },
};

void chart_add(struct chart *chart, int64_t ms)
{
	int i = 0;

	while (classes[i].below_ms && ms >= classes[i].below_ms)
		i++;
	chart->count[i]++;
}

static void begin(const char *title, const char *help)
{
	printf("<figure><figcaption>%s <small>%s</small></figcaption>"
	       "<div class=bars>\n",
	       title, help);
}

static void bar(const char *name, uint64_t count, uint64_t most)
{
	char text[TEXT_SIZE];

	printf("<span>");
	html_text(name);
	printf("</span><i><b style=\"width:%.1f%%\"></b></i><span>%s</span>\n",
	       most ? (double)count * 100 / (double)most : 0,
	       text_count(text, count));
}

static void end(void)
{
	puts("</div></figure>");
}

void chart_put(const char *title, const char *help, const struct chart *chart)
{
	uint64_t most = chart->forever > chart->over ? chart->forever :
						       chart->over;

	for (int i = 0; i < CHART_CLASSES; i++)
		if (chart->count[i] > most)
			most = chart->count[i];
	begin(title, help);
	if (chart->over)
		bar("over", chart->over, most);
	for (int i = 0; i < CHART_CLASSES; i++)
		bar(classes[i].name, chart->count[i], most);
	if (chart->forever)
		bar("forever", chart->forever, most);
	end();
}

/* Writes the upper bound of a bucket. */
static void bound_name(char out[TEXT_SIZE + 8], uint64_t ns)
{
	char span[TEXT_SIZE];

	if (ns < NS_PER_MS)
		snprintf(out, TEXT_SIZE + 8, "< %" PRIu64 "us", ns / 1000);
	else
		snprintf(out, TEXT_SIZE + 8, "< %s",
			 text_span(span, (int64_t)(ns / NS_PER_MS)));
}

void chart_times_put(const char *title, const char *help,
		     const struct sfshm_histogram_info *info)
{
	uint64_t most = 0;
	int first = SFSHM_HISTOGRAM_BUCKETS, last = -1;
	char name[TEXT_SIZE + 8];

	for (int i = 0; i < SFSHM_HISTOGRAM_BUCKETS; i++) {
		if (!info->bucket[i])
			continue;
		first = i < first ? i : first;
		last = i;
		if (info->bucket[i] > most)
			most = info->bucket[i];
	}
	begin(title, help);
	for (int i = first; i <= last; i++) {
		bound_name(name, info->least_ns << i);
		bar(i == SFSHM_HISTOGRAM_BUCKETS - 1 ? "longer" : name,
		    info->bucket[i], most);
	}
	if (last < 0)
		puts("<em>none yet</em>");
	end();
}

void chart_share_put(const char *title, uint64_t part, uint64_t whole,
		     const char *text)
{
	unsigned int percent = text_percent(part, whole);

	printf("<div class=card><h3>%s</h3><strong>%u%%</strong>"
	       "<meter aria-label=\"%s\" min=0 max=100 high=80 value=%u>"
	       "</meter><small>",
	       title, percent, title, percent);
	html_text(text);
	puts("</small></div>");
}
