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

    def test_without_patches_threads_wait_as_usual(self):
        program = """
import sys, gevent.monkey, sfshm
cache = sfshm.Cache(sys.argv[1], ttl=60)
assert cache.get_or_create("k", lambda: 3) == 3
"""
        subprocess.run([sys.executable, "-c", program, self.name], check=True)


if __name__ == "__main__":
    unittest.main()
