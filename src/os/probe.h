/* SPDX-License-Identifier: MIT */
/*
 * Probes: places at which a tracer (bpftrace, perf, gdb, SystemTap) learns what
 * the library does, and with which values. docs/operations.md lists them.
 *
 * A probe is one no-op instruction, and a note beside the code that says where
 * that instruction is, and in which registers or memory the values are. A
 * tracer that attaches puts a breakpoint in place of the no-op. A program that
 * nobody traces does next to no work for its probes, as long as they pass
 * values that the code has at hand: read no clock, and look up no word of the
 * segment, for a probe alone.
 *
 * If the process dies or stops at a probe, that is as if it did so at the
 * instruction before: a probe changes nothing.
 *
 * Without <sys/sdt.h> (Debian's systemtap-sdt-dev), or with SFSHM_PROBES=OFF,
 * probes compile to nothing.
 */
#ifndef OS_PROBE_H
#define OS_PROBE_H

#ifdef SFSHM_PROBES
#define SDT_USE_VARIADIC 1
#include <sys/sdt.h>
#define probe_point(name, ...) STAP_PROBEV(sfshm, name, __VA_ARGS__)
#else
/* Uses the values, so that none is unused, and evaluates none. */
static inline void probe_nowhere(int first, ...)
{
	(void)first;
}
#define probe_point(name, ...)                         \
	do {                                           \
		if (0)                                 \
			probe_nowhere(0, __VA_ARGS__); \
	} while (0)
#endif

#endif
