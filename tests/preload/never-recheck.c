/* SPDX-License-Identifier: MIT */
/*
 * With LD_PRELOAD, this library lets the sleeps of a program as it ships end
 * only by a wake. Without the bounded re-check a lost wake is a hang, which a
 * test can see.
 */
#include <dlfcn.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

/* The end, of futex_waitv(words, count, flags, end, clock). */
#define END 3

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_futex_waitv)
		a[END] = 0;
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
