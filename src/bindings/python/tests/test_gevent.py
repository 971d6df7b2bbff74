# SPDX-License-Identifier: MIT
"""Each test runs in an interpreter of its own, whose threads gevent replaces."""

import os
import subprocess
import sys
import unittest

from common import Case

HEAD = """
from gevent import monkey
monkey.patch_all()
import gevent, os, signal, sys, time
import sfshm

cache = sfshm.Cache(sys.argv[1], ttl=60)
runs = []

def waits():
    return cache.counters()["waits"]

def until(condition):
    with gevent.Timeout(60):
        while not condition():
            gevent.sleep(0.005)

def make(value="made"):
    runs.append(value)
    return value
"""


class Gevent(Case):
    def setUp(self):
        try:
            import gevent  # noqa: F401
        except ImportError:
            self.skipTest("no gevent here (package python3-gevent)")
        super().setUp()

    def run_there(self, program):
        done = subprocess.run(
            [sys.executable, "-c", HEAD + program, self.name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
        )
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_greenlets_share_one_run_and_the_hub_goes_on(self):
        self.run_there("""
before = waits()
beats = []
def work():
    until(lambda: waits() >= before + 99)
    return make()
def beat():
    while not runs:
        beats.append(gevent.sleep(0.001))
beater = gevent.spawn(beat)
many = [gevent.spawn(cache.get_or_create, "k", work) for _ in range(100)]
assert {one.get() for one in many} == {"made"}
assert runs == ["made"] and beats
beater.get()
assert "sfshm-waits" in {
    open(f"/proc/self/task/{t}/comm").read().strip() for t in os.listdir("/proc/self/task")
}
""")

    def test_a_killed_leader_is_replaced(self):
        self.run_there("""
pid = gevent.os.fork()
if pid == 0:
    cache.get_or_create("k", lambda: time.sleep(600))
    os._exit(1)
def led():
    try:
        cache.get_or_create("k", make, timeout=0)
    except sfshm.Busy:
        return True
    runs.clear()
    cache.delete("k")
until(led)
before = waits()
one = gevent.spawn(cache.get_or_create, "k", make)
until(lambda: waits() > before)
os.kill(pid, signal.SIGKILL)
assert one.get() == "made"
os.waitpid(pid, 0)
""")

    def test_a_killed_greenlet_gives_back_its_flight(self):
        self.run_there("""
before = waits()
leader = gevent.spawn(cache.get_or_create, "k", lambda: gevent.sleep(600))
gevent.sleep(0)
one = gevent.spawn(cache.get_or_create, "k", make)
other = gevent.spawn(cache.get_or_create, "k", make)
until(lambda: waits() >= before + 2)
other.kill()
leader.kill()
assert one.get() == "made"
assert runs == ["made"]
""")

    def test_time_outs_failures_and_its_own_key(self):
        self.run_there("""
import gevent.event
end = gevent.event.Event()
def fail():
    end.wait()
    raise ValueError("no such price")
leader = gevent.spawn(cache.get_or_create, "k", fail)
gevent.sleep(0)
try:
    cache.get_or_create("k", make, timeout=0.01)
except sfshm.Timeout:
    runs.append("timeout")
one = gevent.spawn(cache.get_or_create, "k", make)
gevent.sleep(0)
end.set()
for it, kind in (leader, ValueError), (one, sfshm.WorkFailed):
    try:
        it.get()
    except kind as error:
        assert "no such price" in str(error)
        runs.append(kind.__name__)
try:
    cache.get_or_create("o", lambda: cache.get_or_create("o", make))
except sfshm.Deadlock:
    runs.append("own")
assert runs == ["timeout", "ValueError", "WorkFailed", "own"], runs
""")

    def test_a_child_uses_the_cache(self):
        self.run_there("""
def pair(key):
    two = [gevent.spawn(cache.get_or_create, key, lambda: gevent.sleep(0.01) or 4) for _ in "ab"]
    return [one.get() for one in two]
assert pair("a") == [4, 4]
pid = gevent.os.fork()
if pid == 0:
    os._exit(0 if pair("b") == [4, 4] else 1)
assert os.waitpid(pid, 0)[1] == 0
""")

    def test_a_claim_waits_in_a_thread(self):
        self.run_there("""
import gevent.event
end = gevent.event.Event()
before = waits()
leader = gevent.spawn(cache.get_or_create, "a", end.wait, claim="c")
gevent.sleep(0)
one = gevent.spawn(cache.get_or_create, "b", make, claim="c")
other = gevent.spawn(cache.get_or_create, "d", make, claim="c")
until(lambda: waits() >= before + 2)
other.kill()
end.set()
leader.get()
assert one.get() == "made" and runs == ["made"]
""")

    def test_locks_and_permits_give_way(self):
        self.run_there("""
import threading
ways = lambda: (cache.lock("k"), cache.semaphore("k", 1))
def names():
    tasks = os.listdir("/proc/self/task")
    return [open(f"/proc/self/task/{t}/comm").read().strip() for t in tasks]
for one, other in zip(ways(), ways()):
    beats, inside = [], []
    def enter(hold):
        with hold:
            inside.append(1)
            assert hold.locked() and len(inside) == 1
            gevent.sleep(0)
            inside.pop()
        return "entered"
    before = waits()
    with one:
        # One object may be shared by greenlets, or each has its own.
        many = [gevent.spawn(enter, hold) for hold in (one, other) * 10]
        until(lambda: waits() >= before + 20)
        for _ in range(100):
            beats.append(gevent.sleep(0))
        assert not any(greenlet.ready() for greenlet in many)
        # A thread has its name a little after its beginning.
        until(lambda: names().count("sfshm-waits") == 1)
        assert len(names()) == 2, names()
    assert {greenlet.get() for greenlet in many} == {"entered"}
    assert len(beats) == 100 and not one.locked()
""")

    def test_a_killed_holder_is_told(self):
        self.run_there("""
reading, writing = os.pipe()
pid = gevent.os.fork()
if pid == 0:
    with cache.lock("k"), cache.semaphore("k", 1):
        os.write(writing, b"r")
        time.sleep(60)
    os._exit(1)
os.read(reading, 1)
def enter(hold):
    with hold:
        return hold.owner_died, hold.generation
before = waits()
two = [gevent.spawn(enter, hold) for hold in (cache.lock("k"), cache.semaphore("k", 1))]
until(lambda: waits() >= before + 2)
os.kill(pid, signal.SIGKILL)
assert two[0].get()[0] is True and two[0].get()[1] > 0
assert two[1].get() == (False, 0)
os.waitpid(pid, 0)
assert enter(cache.lock("k"))[0] is False
""")

    def test_a_killed_greenlet_holds_nothing(self):
        self.run_there("""
def free():
    return [hold.acquire(False) and not hold.release() for hold in ways()]
ways = lambda: (cache.lock("k"), cache.semaphore("k", 1))
for one, other in zip(ways(), ways()):
    def hang(hold):
        with hold:
            gevent.sleep(600)
    holder = gevent.spawn(hang, one)
    gevent.sleep(0)
    before = waits()
    waiter = gevent.spawn(hang, other)
    until(lambda: waits() > before)
    try:
        with gevent.Timeout(0.01):
            other.acquire()
        raise AssertionError("it is held")
    except gevent.Timeout:
        pass
    assert not one.acquire(timeout=0.01) and not one.acquire(False)
    waiter.kill()
    try:
        one.release()
        raise AssertionError("it is another greenlet's")
    except sfshm.Error:
        pass
    holder.kill()
    assert free() == [True, True], free()
    with one:
        try:
            other.acquire()
            raise AssertionError("it waits for itself")
        except sfshm.Deadlock:
            pass
        # Given back between the greenlet's wake and its turn.
        before = waits()
        waiter = gevent.spawn(hang, other)
        until(lambda: waits() > before)
    waiter.kill()
    assert free() == [True, True]
""")

    def test_shared_locks_give_way_and_ranked_ones_are_refused(self):
        self.run_there("""
def enter(**options):
    with cache.lock("k", **options):
        gevent.sleep(0)
        return "entered"
before = waits()
with cache.lock("k"):
    waiter = gevent.spawn(enter, shared=True)
    until(lambda: waits() > before)
assert waiter.get() == "entered"
for hold in cache.lock("k", rank=3), cache.semaphore("k", 1, rank=3):
    try:
        hold.acquire()
        raise AssertionError("greenlets would break each other's ranks")
    except sfshm.Invalid as error:
        assert "greenlets" in str(error), error
before = waits()
with cache.lock("k", shared=True) as lock:
    waiter = gevent.spawn(enter, shared=True)
    until(lambda: waits() > before)
    pid = gevent.os.fork()
    if pid == 0:
        held = cache.lock("k", shared=True).acquire(False)
        os._exit(0 if held and not cache.lock("k").acquire(False) else 1)
    assert os.waitpid(pid, 0)[1] == 0
assert waiter.get() == "entered"
""")

    def test_a_kill_at_the_time_out_is_not_lost(self):
        self.run_there("""
from sfshm import _gevent
os.environ["SFSHM_NO_THREADS"] = "1"
def killed(hub, ask):
    # The thread's time is over, and the greenlet is killed before it runs again.
    try:
        ask.sleep()
    except sfshm.Timeout:
        raise gevent.GreenletExit
_gevent._in_thread = killed
def enter():
    cache.lock("k").acquire(timeout=0.01)
    runs.append("entered")
with cache.lock("k"):
    waiter = gevent.spawn(enter)
    waiter.join()
assert isinstance(waiter.value, gevent.GreenletExit) and not runs, runs
""")

    def test_a_child_holds_nothing(self):
        self.run_there("""
with cache.lock("k") as lock:
    pid = gevent.os.fork()
    if pid == 0:
        lock.release()
        os._exit(0 if not cache.lock("k").acquire(False) else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert lock.locked() and lock.generation > 0
    pid = gevent.os.fork()
    if pid == 0:
        with lock:
            os._exit(7)
    time.sleep(0)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
""")

    def test_without_the_librarys_thread_locks_wait_in_threads(self):
        self.run_there("""
os.environ["SFSHM_NO_THREADS"] = "1"
def enter(hold):
    with hold:
        return "entered"
before = waits()
with cache.lock("k"):
    waiter, killed = (gevent.spawn(enter, cache.lock("k")) for _ in "ab")
    until(lambda: waits() >= before + 2)
    killed.kill()
assert waiter.get() == "entered"
until(lambda: cache.lock("k").acquire(False))
""")

    def test_creators_of_dogpile_give_way(self):
        try:
            import dogpile.cache  # noqa: F401
        except ImportError:
            self.skipTest("no dogpile.cache here (package python3-dogpile.cache)")
        self.run_there("""
from dogpile.cache import make_region
region = make_region().configure("sfshm", arguments={"name": sys.argv[1]})
before = waits()
def create():
    until(lambda: waits() >= before + 9)
    return make()
many = [gevent.spawn(region.get_or_create, "k", create) for _ in range(10)]
assert {one.get() for one in many} == {"made"} and runs == ["made"]
""")

    def test_without_patches_threads_wait_as_usual(self):
        program = """
import sys, gevent.monkey, sfshm
cache = sfshm.Cache(sys.argv[1], ttl=60)
assert cache.get_or_create("k", lambda: 3) == 3
"""
        subprocess.run([sys.executable, "-c", program, self.name], check=True)


if __name__ == "__main__":
    unittest.main()
