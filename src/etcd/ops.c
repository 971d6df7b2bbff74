/* SPDX-License-Identifier: MIT */
/* The engine's table of operations. */
#include <sfshm/fleet-etcd.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "etcd/etcd.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode started;

static void start_curl(void)
{
	started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int etcd_open(const char *url, const struct sfshm_fleet_options *o,
		     void **engine)
{
	struct etcd *e = calloc(1, sizeof(*e));
	char why[256] = "";
	int r = e ? etcd_url_parse(&e->pool.url, url, why, sizeof(why)) :
		    -ENOMEM;

	pthread_once(&once, start_curl);
	if (!r && started)
		r = -ENOMEM;
	if (r && o->why && o->why_size)
		snprintf(o->why, o->why_size, "%s", why);
	if (r && e)
		etcd_url_free(&e->pool.url);
	if (r) {
		free(e);
		return r;
	}
	etcd_pool_init(&e->pool);
	e->command_ms = o->command_ms;
	*engine = e;
	return 0;
}

static void etcd_close(void *engine, int forked)
{
	struct etcd *e = engine;

	etcd_pool_end(&e->pool, forked);
	if (forked)
		return;
	etcd_url_free(&e->pool.url);
	free(e);
}

const struct sfshm_fleet_ops *sfshm_fleet_etcd(void)
{
	static const struct sfshm_fleet_ops ops = {
		.size = sizeof(ops),
		.name = "etcd",
		.open = etcd_open,
		.close = etcd_close,
		.acquire = etcd_acquire,
		.publish = etcd_publish,
		.renew = etcd_renew,
		.release = etcd_release,
		.invalidate = etcd_invalidate,
		.watch = etcd_watch,
		.next = etcd_next,
		.unwatch = etcd_unwatch,
	};

	return &ops;
}
