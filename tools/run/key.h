/* SPDX-License-Identifier: MIT */
/*
 * A key that is made of the command line, of variables and of files.
 *
 * -K writes it as a shell would show the command:
 *
 *   /home/ann$ TZ=UTC ./report 'next monday' <a.csv@1701331200.500000000+4096
 *
 * The quotes keep different commands apart. --env and --input add such words to
 * the key of -k, too. A key that would be too long ends in a hash of the whole.
 */
#ifndef RUN_KEY_H
#define RUN_KEY_H

#include "options.h"

/*
 * Makes the key in `buffer`, which has SFSHM_KEY_MAX bytes, if the options ask
 * for that. Returns -1 to go on, or a status to exit with after a complaint.
 */
int key_make(struct options *options, char *buffer);

/*
 * Makes the key of something that belongs to the options' key: that key, a NUL,
 * which no key of a command line has, and `name`. Returns the length, at most
 * SFSHM_KEY_MAX.
 */
size_t key_beside(const struct options *options, const char *name,
		  char *buffer);

#endif
