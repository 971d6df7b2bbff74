/* SPDX-License-Identifier: MIT */
/*
 * Redis (6 or newer) and Valkey as a fleet's engine. The function is in a
 * library of its own, libsfshm-redis, which needs hiredis.
 */
#ifndef SFSHM_FLEET_REDIS_H
#define SFSHM_FLEET_REDIS_H

#include <sfshm/fleet.h>

SFSHM_BEGIN_DECLS

/*
 * Returns the engine, for sfshm_fleet_open(). Its URLs are
 *
 *	redis://[[USER:]PASSWORD@]HOST[:PORT][/DB][?ns=NAME&password-file=PATH]
 *	unix:PATH[?db=DB&ns=NAME&user=USER&password-file=PATH]
 *
 * PORT is 6379 and DB is 0 if they are left out. A HOST with colons stands in
 * brackets. %XX stands for a byte. Hosts form one fleet if they use one server,
 * DB and NAME ("sfshm" if left out). The password is the first line of the file
 * PATH, of 1024 bytes at most. A password in the URL itself is visible wherever
 * the URL is. Never fails or blocks; safe in threads and after fork.
 */
const struct sfshm_fleet_ops *sfshm_fleet_redis(void);

SFSHM_END_DECLS

#endif
