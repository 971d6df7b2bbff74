/* SPDX-License-Identifier: MIT */
/*
 * etcd (3.4 or newer) as a fleet's engine. The function is in a library of its
 * own, libsfshm-etcd, which needs libcurl and Jansson.
 */
#ifndef SFSHM_FLEET_ETCD_H
#define SFSHM_FLEET_ETCD_H

#include <sfshm/fleet.h>

SFSHM_BEGIN_DECLS

/*
 * Returns the engine, for sfshm_fleet_open(). Its URLs are
 *
 *	etcd://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]...]
 *		[?ns=NAME&user=USER&password-file=PATH]
 *	etcds://...[?ca=PATH&cert=PATH&key=PATH]
 *
 * Up to 16 members of one cluster; PORT is 2379 if left out. Each request goes
 * to the member that answered last, and to the next ones if that one is away.
 * With etcds, all connections use TLS: a member's certificate must name HOST,
 * and must be signed by an authority of the file `ca`, or of this system.
 * `cert` and `key` are this host's certificate and its key, if the members ask
 * for one; the key is not encrypted, and may be in the file of the certificate.
 * All these files are PEM files, which the library reads for each connection.
 * sfshm_fleet_open() returns the error of a file that it cannot open.
 *
 * A HOST with colons stands in brackets. %XX stands for a byte other than 0 in
 * all parts but HOST and PORT. Hosts form one fleet if they use one cluster and
 * one NAME ("sfshm" if left out). The password is the first line of the file
 * PATH, of 1024 bytes at most. A password in the URL itself is visible wherever
 * the URL is. A password needs a USER.
 *
 * A value of more than 1 MiB stays in its leader's host: see sfshm_publish() in
 * the flight's result, `fleet` 0. Never fails or blocks; safe in threads and
 * after fork.
 */
const struct sfshm_fleet_ops *sfshm_fleet_etcd(void);

SFSHM_END_DECLS

#endif
