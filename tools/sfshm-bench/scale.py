#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""scale.py: estimates the costs on a large machine from costs measured on a
small one. Prints the tables of docs/scale.md.

The input is at the top: measured numbers (by sfshm-bench, or by hand as
docs/scale.md says), and assumptions about the cache lines of a machine with many
sockets. The rest is arithmetic, and one small simulation of participants that
insert, evict, and contend for the shared words.
"""
import heapq
import random

NS, US, MS = 1e-9, 1e-6, 1e-3

# Measured on one core, seconds.
HIT = 26 * NS                # a hit among a thousand keys
HIT_MISS = 64 * NS           # what a miss in all caches adds
SCAN_NEAR = 0.6 * NS         # a record of the grace period's scan, cached
SCAN_FAR = 4 * NS            # the same when there are too many to be cached
CACHED_RECORDS = 4000
INSERT = 350 * NS            # an insert with an eviction, 1 attached
ATTACH = 18 * US             # with a thousand attached or fewer, cold
ATTACH_RECORD = 15 * NS      # ... and what each record in use adds
WAKE_ONE = 4.5 * US          # what one more follower adds to a wake

# Assumed for larger machines.
LINE_NEAR = 60 * NS          # a line that another core has changed
LINE_FAR = 250 * NS          # ... on another socket

# The library's own numbers.
BATCH = 16         # slots that an evictor retires at once, at most
ADVANCES = 2       # steps of the epoch that a batch waits for
HOT_WORDS = 4      # how often an insert writes the clock hands' line


def line(sockets):
    return LINE_NEAR if sockets == 1 else LINE_FAR


def walk(participants, cores, sockets):
    """The time to read each record. Each core writes one record at most
    meanwhile; reading such a record costs a transfer of its line."""
    near = SCAN_NEAR if participants <= CACHED_RECORDS else SCAN_FAR
    return participants * near + min(participants, cores) * line(sockets)


def step(participants, cores, sockets):
    """One step of the epoch."""
    return walk(participants, cores, sockets)


def bounds(participants, cores, sockets):
    """Inserts a second if only one of these things bounded them."""
    batch = ADVANCES * step(participants, cores, sockets) + \
        walk(participants, cores, sockets)
    return {
        "work": cores / INSERT,
        "grace": cores * BATCH / batch,
        "hands": 1 / (HOT_WORDS * line(sockets)),
        "floor": 1 / line(sockets),
    }


def simulate(participants, cores, sockets, seconds=0.02):
    """Inserts a second if all cores only insert into a full segment. A batch
    needs two steps of the epoch; steps that other cores have made meanwhile
    count. One core at a time can write the hot words."""
    rng = random.Random(1)
    a_step = step(participants, cores, sockets)
    credit = walk(participants, cores, sockets)
    hot = HOT_WORDS * line(sockets)
    events = [(rng.random() * a_step, core, "send") for core in range(cores)]
    heapq.heapify(events)
    left = [0] * cores     # slots in hand
    sent_at = [0] * cores  # the epoch in which the core retired its batch
    begun_at = [0] * cores # ... and in which its present step began
    epoch, free_at, done = 0, 0.0, 0
    while events[0][0] < seconds:
        now, core, what = heapq.heappop(events)
        if what == "step" and epoch == begun_at[core]:
            epoch += 1
        if what == "send":
            sent_at[core] = epoch
        if what in ("send", "step"):
            if epoch - sent_at[core] >= ADVANCES:
                left[core] = BATCH
                what = "insert"
            else:
                begun_at[core] = epoch
                heapq.heappush(events, (now + a_step, core, "step"))
                continue
        if not left[core]:
            heapq.heappush(events, (now + credit, core, "send"))
            continue
        left[core] -= 1
        done += 1
        free_at = max(now, free_at) + hot
        heapq.heappush(events, (max(now + INSERT, free_at), core, "insert"))
    return done / seconds


def rate(n):
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if n >= 0.9995 * size:
            return f"{n / size:.3g} {unit}/s"
    return f"{n:.3g} /s"


def span(t):
    for unit, size in (("s", 1), ("ms", MS), ("µs", US)):
        if t >= size:
            return f"{t / size:.3g} {unit}"
    return f"{t / NS:.3g} ns"


MACHINES = ((2, 1, 64), (16, 1, 256), (64, 1, 1000), (128, 2, 1000),
            (128, 2, 10000), (128, 2, 16383))


def main():
    print("| cores | sockets | participants | epoch step | grace periods "
          "| hands | floor | simulated |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for cores, sockets, participants in MACHINES:
        most = bounds(participants, cores, sockets)
        print(f"| {cores} | {sockets} | {participants} "
              f"| {span(step(participants, cores, sockets))} "
              f"| {rate(most['grace'])} | {rate(most['hands'])} "
              f"| {rate(most['floor'])} "
              f"| {rate(simulate(participants, cores, sockets))} |")
    print()
    print("| keys | segment | misses of a hit | a hit | on 128 cores |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for keys, misses in ((1000, 0), (65536, 1), (10**6, 3), (10**7, 5),
                         (2**26, 6)):
        cost = HIT + misses * HIT_MISS
        print(f"| {keys} | {keys * 216 / 2**30:.2g} GiB | {misses} "
              f"| {span(cost)} | {rate(128 / cost)} |")
    print()
    print("| participants | one attach | all of them, one after the other |")
    print("| ---: | ---: | ---: |")
    for n in (100, 1000, 10000, 16383):
        print(f"| {n} | {span(ATTACH + n * ATTACH_RECORD)} "
              f"| {span(n * ATTACH + n * n / 2 * ATTACH_RECORD)} |")
    print()
    print("| followers of one flight | the last one has it after |")
    print("| ---: | ---: |")
    for n in (1, 64, 1000, 10000):
        print(f"| {n} | {span(WAKE_ONE * n)} |")


if __name__ == "__main__":
    main()
