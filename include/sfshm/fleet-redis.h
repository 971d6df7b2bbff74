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
 *	redis+sentinel://[[USER:]PASSWORD@]HOST[:PORT],.../MASTER[/DB][?...]
 *	rediss://..., rediss+sentinel://...[?ca=PATH&cert=PATH&key=PATH]
 *
 * With redis+sentinel, up to 16 sentinels (PORT is 26379 if left out) say at
 * which address the primary MASTER is, whenever a connection is made.
 * sentinel-password-file=PATH has the sentinels' own password. With rediss and
 * rediss+sentinel, all connections use TLS. The server's certificate must name
 * HOST (with sentinels: the address that they give), and must be signed by an
 * authority of the file `ca`, or of this system (OpenSSL's SSL_CERT_FILE and
 * SSL_CERT_DIR hold). `cert` and `key` are this host's certificate and its key,
 * if the server asks for one; the key is not encrypted. All these files are PEM
 * files, which sfshm_fleet_open() reads; it returns -EINVAL if OpenSSL refuses
 * one, and -EOPNOTSUPP if the library was built without OpenSSL.
 *
 * PORT is 6379 and DB is 0 if they are left out. A HOST with colons stands in
 * brackets. %XX stands for a byte other than 0. Hosts form one fleet if they
 * use one server, DB and NAME ("sfshm" if left out). The password is the first
 * line of the file PATH, of 1024 bytes at most. A password in the URL itself is
 * visible wherever the URL is. A USER without a password logs in with an empty
 * one, which a server accepts for users that need none. Never fails or blocks;
 * safe in threads and after fork.
 */
const struct sfshm_fleet_ops *sfshm_fleet_redis(void);

SFSHM_END_DECLS

#endif
