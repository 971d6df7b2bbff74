#!/bin/bash
# SPDX-License-Identifier: MIT
#
# PROMISE-B2: the library can be loaded with dlopen(3) at any time: into a
# process that has threads, in which many other libraries have thread-local
# variables, and in which some of those are in the static block, whose room is
# small. The library works in the threads that were there before it, and it
# stays when it is closed: the threads end well, and so does a forked child.
. "${0%/*}/../lib/tap.sh" || exit 1

library=$SFSHM_BUILD/src/libsfshm.so
cd "$TMP" || exit 1

# static_bytes LIBRARY: the thread-local memory that it wants
static_bytes()
{
	echo $(($(readelf -lW "$1" | awk '$1 == "TLS" { print $6 }')))
}

urcu=$(ldd "$library" | awk '/liburcu-bp/ { print $3 }')
own=$(static_bytes "$library")
all=$((own + $(static_bytes "$urcu")))
diag "thread-local bytes: the library $own, with liburcu $all"
ok "the library has some thread-local bytes" [ "$own" -gt 0 ]
ok "... and with liburcu at most 256" [ "$all" -le 256 ]
like "$(readelf -dW "$library")" "NODELETE" "the library is marked: no delete"

cat >other.c <<'END'
static __thread char bytes[BYTES];

char *touch(void)
{
	bytes[0]++;
	return bytes;
}
END

# other NAME BYTES MODEL: a library with that many thread-local bytes
other()
{
	gcc -shared -fPIC -DBYTES="$2" -ftls-model="$3" -o "$1" other.c
}

cat >late.c <<'END'
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <sfshm.h>

#define CHECK(condition)                                                  \
	do {                                                              \
		if (!(condition)) {                                       \
			fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
			exit(1);                                          \
		}                                                         \
	} while (0)
#define CALL(name) ((__typeof__(name) *)symbol(#name))
#define THREADS 8

static void *library;
static struct sfshm *handle;
static pthread_barrier_t loaded, used, closed;

static void *load(const char *file)
{
	void *it = dlopen(file, RTLD_NOW | RTLD_LOCAL);

	if (!it) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return it;
}

static void *symbol(const char *name)
{
	void *it = dlsym(library, name);

	CHECK(it);
	return it;
}

/* Leads a key of its own, publishes, and gets the value. */
static void use(int number)
{
	struct sfshm_policy policy = SFSHM_POLICY_INIT;
	struct sfshm_result result = SFSHM_RESULT_INIT;
	struct sfshm_flight flight = SFSHM_FLIGHT_INIT;
	char key[32];
	size_t len = (size_t)snprintf(key, sizeof(key), "key %d", number);

	policy.ttl_ms = SFSHM_FOREVER;
	CHECK(CALL(sfshm_begin)(handle, key, len, &policy, &flight,
				&result) == SFSHM_LEADER);
	CHECK(CALL(sfshm_publish)(&flight, key, len) == 0);
	CHECK(CALL(sfshm_get)(handle, key, len, &result) == SFSHM_CACHED);
	CHECK(result.value.len == len && !memcmp(result.value.data, key, len));
	CALL(sfshm_result_clear)(&result);
}

static void *early(void *number)
{
	pthread_barrier_wait(&loaded);
	use((int)(long)number);
	pthread_barrier_wait(&used);
	pthread_barrier_wait(&closed);
	return NULL;
}

static void *late(void *number)
{
	use((int)(long)number);
	return NULL;
}

static void load_others(char **files)
{
	for (; *files; files++) {
		char *(*touch)(void) =
			(char *(*)(void))dlsym(load(*files), "touch");

		CHECK(touch);
		touch();
	}
}

/* The threads that used the library end after it was closed. */
static void close_under(pthread_t *thread)
{
	__typeof__(sfshm_version) *version = CALL(sfshm_version);
	int status;

	CHECK(!dlclose(library));
	CHECK(!strcmp(version(), SFSHM_VERSION));
	pthread_barrier_wait(&closed);
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	if (!fork())
		exit(0);
	CHECK(wait(&status) > 0 && status == 0);
	puts(version());
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS], one;

	CHECK(argc > 1);
	pthread_barrier_init(&loaded, NULL, THREADS + 1);
	pthread_barrier_init(&used, NULL, THREADS + 1);
	pthread_barrier_init(&closed, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&thread[i], NULL, early, (void *)i));
	load_others(argv + 2);
	library = load(argv[1]);
	CHECK(!CALL(sfshm_open_fd)(&handle, CALL(sfshm_memfd)("late", NULL),
				   NULL));
	pthread_barrier_wait(&loaded);
	use(THREADS);
	CHECK(!pthread_create(&one, NULL, late, (void *)(THREADS + 1L)));
	CHECK(!pthread_join(one, NULL));
	pthread_barrier_wait(&used);
	close_under(thread);
	return 0;
}
END
ok "a program that loads libraries builds" gcc -std=gnu11 -Wall -Wextra \
	-I"$SFSHM_SOURCE/include" -o late late.c -pthread
is "$(readelf -d late | grep -c libsfshm)" 0 "... without this one"

ok "a library with thread-local variables builds" \
	other ./dynamic-1.so 4096 global-dynamic
others=(./dynamic-1.so)
for i in {2..64}; do
	cp dynamic-1.so "dynamic-$i.so" && others+=("./dynamic-$i.so")
done
ok "... and one with 1 KiB in the static block" \
	other ./static-1k.so 1024 initial-exec
ok "... and one with 64 KiB there" other ./static-64k.so 65536 initial-exec

exits 1 "64 KiB are refused: the room has a limit" \
	./late "$library" ./static-64k.so
like "$(cat err)" "static TLS" "... for lack of room in the static block"

version=$(sed -n 's/^#define SFSHM_VERSION "\(.*\)"/\1/p' \
	"$SFSHM_SOURCE/include/sfshm/version.h")
exits 0 "the library is loaded late" ./late "$library"
is "$(cat out)" "$version" "... and is used to the end"
exits 0 "... also after 64 others, and 1 KiB in the static block" \
	./late "$library" "${others[@]}" ./static-1k.so
is "$(cat out)" "$version" "... and is used to the end"
done_testing
