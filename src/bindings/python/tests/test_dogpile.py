# SPDX-License-Identifier: MIT
import os
import signal
import time
import unittest

from common import Child, Thread, eventually

import sfshm

try:
    from dogpile.cache import make_region
    from dogpile.cache.api import NO_VALUE
except ImportError:
    raise unittest.SkipTest("no dogpile here (package python3-dogpile.cache)")

NAME = f"test-{os.getpid()}-dogpile"


class Backend(unittest.TestCase):
    def setUp(self):
        self.region = make_region().configure(
            "sfshm", expiration_time=60, arguments={"name": NAME}
        )
        self.cache = self.region.backend.cache
        self.cache.clear()

    @classmethod
    def tearDownClass(cls):
        sfshm.unlink(NAME)

    def test_what_a_backend_does(self):
        region = self.region
        self.assertIs(region.get("k"), NO_VALUE)
        region.set("k", {"a": [None]})
        self.assertEqual(region.get("k"), {"a": [None]})
        region.set_multi({"a": 1, "b": None})
        self.assertEqual(region.get_multi(["a", "b", "c"]), [1, None, NO_VALUE])
        region.delete_multi(["a", "k"])
        region.delete("k")
        self.assertEqual(region.get_multi(["a", "b"]), [NO_VALUE, None])

    def test_the_decorator(self):
        runs = []

        @self.region.cache_on_arguments()
        def square(x):
            runs.append(x)
            return x * x

        self.assertEqual([square(3), square(3)], [9, 9])
        square.invalidate(3)
        self.assertEqual(square(3), 9)
        self.assertEqual(runs, [3, 3])

    def test_one_creator_among_processes(self):
        waits = lambda: self.cache.counters()["waits"]
        before, runs = waits(), []

        def work():
            runs.append(1)
            eventually(lambda: waits() >= before + 2)
            return os.getpid()

        mine = os.getpid()
        ask = lambda ready=None: int(self.region.get_or_create("k", work) != mine)
        leader = Thread(ask)
        eventually(lambda: runs)
        children = [Child(ask) for _ in range(2)]
        self.assertEqual([child.status() for child in children], [0, 0])
        self.assertEqual(leader.outcome(), 0)
        self.assertEqual(runs, [1])

    def test_a_killed_creator_is_replaced(self):
        waits = lambda: self.cache.counters()["waits"]

        def create(ready):
            self.region.get_or_create("k", lambda: ready() and time.sleep(600))

        child = Child(create)
        child.wait_ready()
        before = waits()
        other = Thread(lambda: self.region.get_or_create("k", lambda: "mine"))
        eventually(lambda: waits() > before)
        os.kill(child.pid, signal.SIGKILL)
        self.assertEqual(other.outcome(), "mine")
        self.assertEqual(child.status(), -signal.SIGKILL)

    def test_an_expired_value_serves_meanwhile(self):
        self.region.set("k", "old")
        mutex = self.region.backend.get_mutex("k")
        self.assertTrue(mutex.acquire())
        time.sleep(0.01)
        ask = lambda: self.region.get_or_create("k", lambda: "new", 0.001)
        self.assertEqual(Thread(ask).outcome(), "old")
        self.assertTrue(mutex.locked())
        mutex.release()
        self.assertFalse(mutex.locked())
        self.assertEqual(ask(), "new")

    def test_waits_are_bounded(self):
        region = make_region().configure(
            "sfshm", arguments={"name": NAME, "lock_timeout": 0.01}
        )
        with self.cache.lock("k"):
            ask = Thread(lambda: region.get_or_create("k", int))
            with self.assertRaises(sfshm.Timeout):
                ask.outcome()


if __name__ == "__main__":
    unittest.main()
