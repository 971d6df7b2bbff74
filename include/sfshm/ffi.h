/* SPDX-License-Identifier: MIT */
/*
 * For programs in other languages, which call the library through a foreign
 * function interface (FFI).
 *
 * An FFI sees functions and structs, but no macros. The calls here take the
 * place of the macros SFSHM_..._INIT and of reads of a result's fields. The
 * file sfshm.ffi.h, which is made from these headers and installed beside
 * sfshm.h, has the declarations as FFIs read them; docs/bindings.md shows how.
 *
 * Unless a comment says otherwise, each call here never blocks, is thread-safe
 * for different structs, works in a forked child, and must not be made in a
 * signal handler. No pointer may be NULL.
 */
#ifndef SFSHM_FFI_H
#define SFSHM_FFI_H

#include <sfshm/fleet.h>
#include <sfshm/flight.h>
#include <sfshm/heartbeat.h>
#include <sfshm/inspect.h>
#include <sfshm/lock.h>
#include <sfshm/pin.h>
#include <sfshm/save.h>
#include <sfshm/segment.h>
#include <sfshm/semaphore.h>

SFSHM_BEGIN_DECLS

/*
 * Each zeroes a struct and sets its field `size`. `size` is the sizeof of the
 * struct in the caller's declarations, which may be of another version than the
 * library. Do not initialise a result that has been used: its buffer would
 * leak.
 */
void sfshm_options_init(struct sfshm_options *options, size_t size);
void sfshm_policy_init(struct sfshm_policy *policy, size_t size);
void sfshm_result_init(struct sfshm_result *result, size_t size);
void sfshm_walk_init(struct sfshm_walk *walk, size_t size);
void sfshm_lock_options_init(struct sfshm_lock_options *options, size_t size);
void sfshm_semaphore_options_init(struct sfshm_semaphore_options *options,
				  size_t size);
void sfshm_semaphore_info_init(struct sfshm_semaphore_info *info, size_t size);
void sfshm_save_options_init(struct sfshm_save_options *options, size_t size);
void sfshm_save_info_init(struct sfshm_save_info *info, size_t size);
void sfshm_segment_info_init(struct sfshm_segment_info *info, size_t size);
void sfshm_participant_info_init(struct sfshm_participant_info *info,
				 size_t size);
void sfshm_slot_info_init(struct sfshm_slot_info *info, size_t size);
void sfshm_histogram_info_init(struct sfshm_histogram_info *info, size_t size);
void sfshm_event_info_init(struct sfshm_event_info *info, size_t size);
void sfshm_fleet_options_init(struct sfshm_fleet_options *options, size_t size);

/*
 * Each zeroes a struct whose contents only the library uses. Its size is the
 * same in all versions with one soname; sfshm.ffi.h has it as a constant,
 * SFSHM_FLIGHT_SIZE and so on. The struct must hold nothing: if it held a
 * flight, nobody could end that flight before the thread ends.
 */
void sfshm_flight_init(struct sfshm_flight *flight);
void sfshm_fleet_flight_init(struct sfshm_fleet_flight *flight);
void sfshm_heartbeat_init(struct sfshm_heartbeat *heartbeat);
void sfshm_lock_init(struct sfshm_lock *lock);
void sfshm_permit_init(struct sfshm_permit *permit);
void sfshm_pin_init(struct sfshm_pin *pin);
void sfshm_save_init(struct sfshm_save *save);
void sfshm_cancel_init(struct sfshm_cancel *token);

/*
 * Makes a result that is ready for use. Returns NULL if there is no memory. The
 * library chooses the size, so read the result by the calls below. Free it with
 * sfshm_result_free().
 */
struct sfshm_result *sfshm_result_new(void) SFSHM_CHECKED;

/*
 * Frees a result of sfshm_result_new() and its buffer; does nothing for NULL.
 */
void sfshm_result_free(struct sfshm_result *result);

/*
 * Each returns the field of its name. The pointers to the data and to the
 * message belong to the result: the next call that fills in the result, and
 * sfshm_result_clear() and sfshm_result_free(), make them invalid. The data is
 * NULL until the result gets a value of at least one byte.
 */
const void *sfshm_result_data(const struct sfshm_result *result);
size_t sfshm_result_len(const struct sfshm_result *result);
int sfshm_result_source(const struct sfshm_result *result);
int sfshm_result_code(const struct sfshm_result *result);
int sfshm_result_leader(const struct sfshm_result *result);
int sfshm_result_shared(const struct sfshm_result *result);
int sfshm_result_owner_died(const struct sfshm_result *result);
int sfshm_result_uncached(const struct sfshm_result *result);
int sfshm_result_stale(const struct sfshm_result *result);
int sfshm_result_coordinated(const struct sfshm_result *result);
int sfshm_result_fleet(const struct sfshm_result *result);
uint64_t sfshm_result_generation(const struct sfshm_result *result);
uint64_t sfshm_result_age_ns(const struct sfshm_result *result);
const char *sfshm_result_message(const struct sfshm_result *result);

/*
 * sfshm_get() without a result: copies the value's bytes to `buf`, which has
 * room for `cap` bytes, and stores the value's length in *len. Returns
 * SFSHM_CACHED; -ERANGE, the value is longer than `cap`, nothing was copied,
 * and *len says how much room it takes; or an error as sfshm_get(), with *len
 * 0. `buf` may be NULL if `cap` is 0.
 *
 * The value may be another, longer one at the next call, so call again until
 * the room is enough. The call allocates a buffer, copies the bytes into it and
 * from there to `buf`, and frees it. sfshm_get() copies them once, and
 * allocates nothing if the result's buffer is large enough from an earlier
 * call. Never waits for another caller. A forked child gets -ECHILD, unless
 * the handle follows forks. If the caller dies inside, nobody else is affected.
 */
int sfshm_get_into(struct sfshm *handle, const void *key, size_t key_len,
		   void *buf, size_t cap, size_t *len) SFSHM_CHECKED;

SFSHM_END_DECLS

#endif
