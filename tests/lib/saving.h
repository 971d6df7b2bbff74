/* SPDX-License-Identifier: MIT */
/* Saves into a folder of the test's own, which the test's end removes. */
#ifndef LIB_SAVING_H
#define LIB_SAVING_H

#include <sfshm/save.h>

#include "crowd.h"
#include "testing.h"

int saving_setup(void **state);
int saving_teardown(void **state);

#define in_folder(f) \
	cmocka_unit_test_setup_teardown(f, saving_setup, saving_teardown)

/* Returns a path in the folder, in static storage until the next call. */
const char *saving_path(const char *name);

/* Returns the number of entries in the folder, hidden ones too. */
int saving_entries(void);

/* Begins a save of the file "file" in the folder; demands `outcome`. */
void saving_begin(struct sfshm *h, const char *key,
		  const struct sfshm_save_options *o, int outcome,
		  struct sfshm_save *save, struct sfshm_save_info *info);

/* Writes text into the temporary file. */
void saving_write(struct sfshm_save *save, const char *text);

/* Saves a whole file. Returns the result of the publish. */
int saving_save(struct sfshm *h, const char *key, const char *text,
		const struct sfshm_save_options *o);

/*
 * Starts a process that saves "some text" under "key", and waits until it has
 * stopped at the kill point, or died there (`signal`). saving_resume() lets it
 * go on to its end, and returns the result of its publish.
 */
int saving_halted(int point, int signal, const struct sfshm_save_options *o);
int saving_resume(int pid);

/* Returns the file "file" as text; "" if there is none. Static storage. */
const char *saving_text(void);

/* Returns sfshm_save_get()'s answer for the key. */
struct sfshm_save_info saving_info(struct sfshm *h, const char *key);

#endif
