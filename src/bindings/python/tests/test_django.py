# SPDX-License-Identifier: MIT
import asyncio
import os
import unittest

from common import Child, Thread, eventually

import sfshm

try:
    from django.conf import settings
except ImportError:
    raise unittest.SkipTest("no Django here (package python3-django)")

NAME = f"test-{os.getpid()}-django"
settings.configure(
    CACHES={
        "default": {
            "BACKEND": "sfshm.django.SfshmCache",
            "LOCATION": NAME,
            "KEY_PREFIX": "shop",
            "OPTIONS": {"max_value": 1 << 20},
        }
    }
)
from django.core.cache import cache, caches  # noqa: E402


class Backend(unittest.TestCase):
    def setUp(self):
        cache.clear()

    @classmethod
    def tearDownClass(cls):
        sfshm.unlink(NAME)

    def test_what_a_backend_does(self):
        self.assertIsNone(cache.get("k"))
        self.assertEqual(cache.get("k", 5), 5)
        cache.set("k", {"a": [None]}, 60)
        self.assertEqual(cache.get("k"), {"a": [None]})
        self.assertIn("k", cache)
        self.assertFalse(cache.add("k", 1))
        self.assertTrue(cache.add("new", 1, None))
        self.assertTrue(cache.touch("k", 30))
        self.assertFalse(cache.touch("none"))
        self.assertTrue(cache.delete("k"))
        self.assertFalse(cache.delete("k"))
        self.assertEqual(cache.set_many({"a": 1, "b": None}), [])
        self.assertEqual(cache.get_many(["a", "b", "c"]), {"a": 1, "b": None})
        cache.delete_many(["a", "b"])
        self.assertEqual(cache.get_many(["a", "b"]), {})
        cache.clear()
        self.assertNotIn("new", cache)

    def test_touch_of_a_value_past_its_lifetime(self):
        cache.set("k", 1, timeout=0.02)
        eventually(lambda: "k" not in cache)
        self.assertFalse(cache.touch("k", 60))
        self.assertIsNone(cache.get("k"))

    def test_none_is_a_value(self):
        cache.set("n", None)
        self.assertIsNone(cache.get("n", "default"))
        self.assertIsNone(cache.get_or_set("n", lambda: 5))

    def test_coroutines_make_a_value_once(self):
        runs = []

        async def make():
            runs.append(1)
            await asyncio.sleep(0)
            return len(runs)

        async def main():
            return await asyncio.gather(*(cache.aget_or_set("k", make) for _ in "abc"))

        self.assertEqual(asyncio.run(main()), [1, 1, 1])
        self.assertEqual(asyncio.run(cache.aget_or_set("plain", 5)), 5)

    def test_timeouts(self):
        for timeout in (0, -1):
            cache.set("k", 1)
            cache.set("k", 2, timeout)
            self.assertIsNone(cache.get("k"))
        cache.set("k", 1, 0.02)
        eventually(lambda: cache.get("k") is None)
        cache.set("k", 1, None)
        cache.touch("k", 0)
        self.assertNotIn("k", cache)

    def test_versions_and_odd_keys(self):
        cache.set("k", 1, version=2)
        self.assertIsNone(cache.get("k"))
        self.assertEqual(cache.incr_version("k", version=2), 3)
        self.assertEqual(cache.get("k", version=3), 1)
        cache.set("with blank \n" + "x" * 2000, 5)
        self.assertEqual(cache.get("with blank \n" + "x" * 2000), 5)

    def test_incr(self):
        self.assertRaises(ValueError, cache.incr, "count")
        cache.set("count", 0)

        def count(ready=None):
            for _ in range(200):
                caches["default"].incr("count")

        children = [Child(count) for _ in range(3)]
        count()
        self.assertEqual([child.status() for child in children], [0] * 3)
        self.assertEqual(cache.get("count"), 800)
        self.assertEqual(cache.decr("count", 100), 700)

    def test_a_value_that_is_too_large(self):
        cache.set("k", 1)
        with self.assertLogs("sfshm"):
            cache.set("k", b"x" * (2 << 20))
        self.assertIsNone(cache.get("k"))

    def test_each_caller_gets_its_own_exception(self):
        backend = caches["default"]
        waits = lambda: backend.cache.counters()["waits"]
        before, runs = waits(), []

        def work():
            runs.append(1)
            eventually(lambda: waits() > before)
            raise KeyError("no such row")

        ask = lambda: backend.get_or_set("k", work)
        leader = Thread(ask)
        eventually(lambda: runs)
        self.assertRaises(KeyError, ask)
        self.assertRaises(KeyError, leader.outcome)
        self.assertEqual(runs, [1, 1])

    def test_get_or_set_is_single_flight(self):
        # Django finds a backend under a lock, which a fork would keep locked.
        backend = caches["default"]
        waits = lambda: backend.cache.counters()["waits"]
        before, runs = waits(), []

        def work():
            runs.append(1)
            eventually(lambda: waits() >= before + 4)
            return {"made": os.getpid()}

        def ask(ready=None):
            value = backend.get_or_set("k", work, 60)
            return 0 if value == {"made": mine} else 1

        mine = os.getpid()
        leader = Thread(ask)
        eventually(lambda: runs)
        children = [Child(ask) for _ in range(2)]
        threads = [Thread(ask) for _ in range(2)]
        self.assertEqual([child.status() for child in children], [0] * 2)
        self.assertEqual([t.outcome() for t in threads + [leader]], [0] * 3)
        self.assertEqual(runs, [1])
        self.assertEqual(cache.get_or_set("v", 7), 7)


if __name__ == "__main__":
    unittest.main()
