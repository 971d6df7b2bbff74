# SPDX-License-Identifier: MIT
"""Each option of get_or_create() does what the README says."""

import os
import signal
import threading
import unittest

from common import Case, Child, Thread, eventually

import sfshm


class Options(Case):
    def setUp(self):
        super().setUp()
        self.end = threading.Event()
        self.threads = []

    def tearDown(self):
        self.end.set()
        for thread in self.threads:
            thread.outcome()
        super().tearDown()

    def led(self, key="k", value="the leader's", **options):
        """Another thread leads the key until the test ends."""
        begun = threading.Event()

        def work():
            begun.set()
            self.end.wait(60)
            return value

        self.threads.append(
            Thread(lambda: self.cache.get_or_create(key, work, **options))
        )
        self.assertTrue(begun.wait(60))
        return self.threads[-1]

    def test_lease(self):
        leader = self.led(lease=0.01)
        self.assertEqual(self.cache.get_or_create("k", lambda: "mine"), "mine")
        self.end.set()
        # The late leader has its own value, and nobody else gets it.
        self.assertEqual(leader.outcome(), "the leader's")
        self.assertEqual(self.cache.get("k"), "mine")

    def test_max_waiters(self):
        self.led()
        before = self.followers()
        self.threads.append(Thread(lambda: self.cache.get_or_create("k", int)))
        eventually(lambda: self.followers() > before)
        with self.assertRaises(sfshm.Busy):
            self.cache.get_or_create("k", int, max_waiters=1)

    def test_stale_on_timeout(self):
        self.cache.set("k", "old", grace=60)
        self.cache.invalidate("k")
        self.led()
        ask = lambda **o: self.cache.get_or_create("k", int, timeout=0.01, **o)
        self.assertRaises(sfshm.Timeout, ask)
        self.assertEqual(ask(stale_on_timeout=True), "old")

    def test_claim(self):
        self.led("a", claim="both")
        with self.assertRaises(sfshm.Busy):
            self.cache.get_or_create("b", int, claim="both", timeout=0)
        self.assertEqual(self.cache.get_or_create("b", lambda: 5, timeout=0), 5)

    def test_refresh(self):
        self.cache.set("k", "old")
        self.assertEqual(self.cache.get_or_create("k", int, refresh=True), 0)
        self.assertEqual(self.cache.get("k"), 0)

    def test_retry_on_failure(self):
        def fail():
            raise ValueError

        self.assertRaises(ValueError, self.cache.get_or_create, "k", fail, neg_ttl=60)
        ask = lambda **o: self.cache.get_or_create("k", lambda: 5, **o)
        self.assertRaises(sfshm.WorkFailed, ask)
        self.assertEqual(ask(retry_on_failure=True), 5)

    def test_breaker(self):
        def die():
            os.kill(os.getpid(), signal.SIGKILL)

        breaker = {"breaker": (2, 600)}
        for _ in range(2):
            child = Child(lambda r: self.cache.get_or_create("k", die, **breaker))
            self.assertEqual(child.status(), -signal.SIGKILL)
        with self.assertRaises(sfshm.LeadersDie):
            self.cache.get_or_create("k", int, **breaker)
        self.assertEqual(self.cache.get_or_create("k", lambda: 5), 5)

    def test_beta(self):
        def slow():
            eventually(lambda: self.followers() > before)
            return "made"

        before = self.followers()
        self.threads.append(Thread(lambda: self.cache.get_or_create("k", slow, ttl=60)))
        self.cache.get_or_create("k", int)
        # With so large a beta the lifetime's end is always near.
        self.assertEqual(self.cache.get_or_create("k", lambda: "early", beta=1e9), "early")

    def test_what_is_not_shared(self):
        begun, runs = threading.Event(), []
        before = self.followers()

        def work():
            runs.append(1)
            begun.set()
            eventually(lambda: self.followers() > before)
            return sfshm.Value(len(runs), share=False)

        ask = lambda: self.cache.get_or_create("k", work)
        leader = Thread(ask)
        begun.wait(60)
        self.assertEqual({ask(), leader.outcome()}, {1, 2})
        self.assertNotIn("k", self.cache)

    def test_wrong_ones_are_refused(self):
        for wrong in (
            {"breaker": 5}, {"claim": 5}, {"ttl": "x"}, {"beta": None},
            {"max_waiters": -1}, {"timeout": -1}, {"unknown": 1},
        ):
            with self.assertRaises((TypeError, ValueError, OverflowError), msg=wrong):
                self.cache.get_or_create("k", int, **wrong)
        self.assertNotIn("k", self.cache)


if __name__ == "__main__":
    unittest.main()
