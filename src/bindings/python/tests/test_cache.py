# SPDX-License-Identifier: MIT
import json
import os
import pickle
import shutil
import subprocess
import unittest

from common import Case, Thread, eventually

import sfshm


def count(list_, value=None):
    """A creator that notes its runs in the list."""

    def create():
        list_.append(1)
        return value if value is not None else len(list_)

    return create


class Values(Case):
    def test_each_type_comes_back(self):
        for value in (
            None, b"", b"\0x", b"\xc1SF", b"\xc1SFnone", "", "täxt", "\ud800",
            0, -1, 2**80, 1.5, True, (1, [2]), {"a": None}, {1, 2},
            bytearray(b"b"), float("inf"),
        ):
            self.cache.set("v", value)
            got = self.cache.get("v", "none")
            self.assertEqual(got, value)
            self.assertIs(type(got), type(value))

    def test_none_is_a_value(self):
        runs = []
        self.assertIsNone(self.cache.get_or_create("n", lambda: runs.append(1)))
        self.assertIsNone(self.cache.get_or_create("n", lambda: runs.append(1)))
        self.assertEqual(len(runs), 1)
        self.assertIn("n", self.cache)
        self.assertIsNone(self.cache.get("n", "default"))

    def test_bytes_are_raw(self):
        self.cache.set("raw", b"as they are")
        raw = sfshm.Cache(self.name, serializer=None)
        self.assertEqual(raw.get("raw"), b"as they are")
        self.assertRaises(TypeError, raw.set, "x", 5)
        self.cache.set("x", 5)
        self.assertRaises(TypeError, raw.get, "x")

    def test_serializers(self):
        cache = self.open(serializer=json)
        cache.set("j", {"a": [1, None]})
        self.assertEqual(cache.get("j"), {"a": [1, None]})
        self.assertRaises(TypeError, cache.set, "j", {1})
        self.open(serializer=pickle).set("p", {1})
        self.assertEqual(self.cache.get("p"), {1})

    def test_a_value_that_cannot_be_loaded_is_made_anew(self):
        runs = []
        self.open(serializer=json).set("other", [1, 2])
        self.assertEqual(self.cache.get_or_create("other", count(runs)), 1)
        self.assertEqual(self.cache.get_or_create("other", count(runs)), 1)
        self.assertEqual(len(runs), 1)

    def test_a_value_that_is_too_large_goes_to_its_maker(self):
        large = b"x" * (2 << 20)
        self.assertEqual(self.cache.get_or_create("large", lambda: large), large)
        self.assertRaises(sfshm.Full, self.cache.set, "large", large)
        self.assertNotIn("large", self.cache)

    def test_callers_for_what_is_too_large_do_not_queue(self):
        before, runs = self.followers(), []

        def work():
            runs.append(1)
            if len(runs) == 1:
                eventually(lambda: self.followers() >= before + 2)
            else:
                eventually(lambda: len(runs) == 3)
            return b"x" * (2 << 20)

        ask = lambda: len(self.cache.get_or_create("large", work))
        leader = Thread(ask)
        eventually(lambda: runs)
        threads = [leader, Thread(ask), Thread(ask)]
        self.assertEqual([t.outcome() for t in threads], [2 << 20] * 3)


class Keys(Case):
    def test_text_and_bytes_are_one_key(self):
        self.cache.set("ä", 1)
        self.assertEqual(self.cache.get("ä".encode()), 1)

    def test_long_keys_are_hashed(self):
        self.cache.set("k" * 5000, 1)
        self.assertEqual(self.cache.get("k" * 5000), 1)
        self.assertIsNone(self.cache.get("k" * 4999))

    def test_wrong_keys(self):
        self.assertRaises(TypeError, self.cache.get, 5)
        self.assertRaises(ValueError, self.cache.get, "")
        self.assertRaises(TypeError, self.cache.get_or_create, "k", int, tll=5)
        self.assertRaises(ValueError, self.cache.set, "k", 1, ttl=-1)
        self.assertRaises(ValueError, self.cache.set, "k", 1, tags=["t"] * 5)
        self.assertRaises(TypeError, self.cache.set, "k", 1, tags="tag")

    def test_walk(self):
        self.cache.set_many({"a1": 1, "a2": 2, "b": 3})
        self.assertEqual(sorted(self.cache.keys("a")), [b"a1", b"a2"])
        self.assertEqual(self.cache.get_many(["a1", "c", "b"]), {"a1": 1, "b": 3})
        self.assertEqual(self.cache.clear(), 3)
        self.assertEqual(self.cache.keys(), [])


class Tries(sfshm.Cache):
    """Counts the tries of a conditional store."""

    tries = 0

    def _set_if(self, *args):
        self.tries += 1
        return super()._set_if(*args)


@unittest.skipUnless(shutil.which("sfshm-ctl"), "no sfshm-ctl in PATH")
class ConditionsDuringAResize(Case):
    def resize(self, *options):
        command = ["sfshm-ctl", "resize", "-s", self.name, *options]
        return subprocess.run(command, capture_output=True).returncode

    def begun(self):
        """A resize that moves values until the lock is free."""
        self.assertEqual(self.resize("--bytes", "32M", "--timeout", "0"), 1)

    def test_wait_for_its_end(self):
        cache = Tries(self.name)
        with self.cache.lock("l"):
            self.begun()
            add = Thread(lambda: cache.add("free", 1))
            eventually(lambda: cache.tries > 3 or not add.is_alive())
        self.assertEqual(self.resize(), 0)
        self.assertTrue(add.outcome())
        self.assertEqual(cache.get("free"), 1)

    def test_wait_no_longer_than_the_timeout(self):
        self.cache.set("v", 1)
        generation = self.cache.entry("v").generation
        with self.cache.lock("l"):
            self.begun()
            with self.assertRaises(sfshm.Timeout):
                self.open(timeout=0.05).replace("v", 2, generation)
            with self.assertRaises(sfshm.Busy):
                self.open(timeout=0).replace("v", 2, generation)
        self.assertEqual(self.resize(), 0)
        self.assertFalse(self.cache.replace("v", 2, generation))
        self.assertEqual(self.cache.get("v"), 1)


class Lifetimes(Case):
    def test_of_a_value(self):
        self.cache.set("v", 1, ttl=0.02)
        eventually(lambda: "v" not in self.cache)
        self.cache.set("v", 1, ttl=None)
        self.assertIn("v", self.cache)
        self.assertTrue(self.cache.touch("v", 0.02))
        eventually(lambda: "v" not in self.cache)
        self.assertFalse(self.cache.touch("none", 5))

    def test_that_has_ended_is_not_renewed(self):
        self.cache.set("over", 1, ttl=0.02)
        self.cache.set("tagged", 1, tags=["red"])
        self.cache.set("old", 1)
        eventually(lambda: "over" not in self.cache)
        self.cache.invalidate_tag("red")
        self.cache.invalidate("old")
        for key in "over", "tagged", "old":
            self.assertFalse(self.cache.touch(key, 60), key)
            self.assertIsNone(self.cache.get(key), key)
            self.assertEqual(self.cache.peek(key), 1, key)

    def test_is_not_renewed_while_another_makes_the_value(self):
        self.cache.set("fresh", 1)
        for key, found in ("none", False), ("fresh", True):
            seen = []

            def fails():
                touch = Thread(lambda: self.cache.touch(key, 60))
                seen.append(touch.outcome())
                raise OSError("no")

            with self.assertRaises(OSError):
                self.cache.get_or_create(key, fails, refresh=True)
            self.assertEqual(seen, [found], key)

    def test_that_the_work_chooses(self):
        make = lambda: sfshm.Value(1, ttl=0.02)
        self.assertEqual(self.cache.get_or_create("v", make), 1)
        eventually(lambda: "v" not in self.cache)

    def test_tags(self):
        self.cache.set("a", 1, tags=["red"])
        self.cache.get_or_create("b", lambda: 2, tags=("red", b"blue"))
        self.cache.get_or_create("c", lambda: sfshm.Value(3, tags=["red"]))
        self.cache.set("d", 4, tags=["green"])
        self.cache.invalidate_tag("red")
        self.assertEqual(self.cache.get_many("abcd"), {"d": 4})

    def test_invalidation_leaves_an_old_value(self):
        cache = self.open(ttl=60, grace=60)
        cache.set("v", 1)
        self.assertTrue(cache.invalidate("v"))
        self.assertFalse(cache.invalidate("none"))
        self.assertNotIn("v", cache)
        self.assertEqual(cache.peek("v"), 1)
        self.assertTrue(cache.delete("v"))
        self.assertIsNone(cache.peek("v"))

    def test_grace_serves_while_one_renews(self):
        cache = self.open(ttl=60, grace=60)
        cache.set("v", "old")
        cache.invalidate("v")
        inside = lambda: [Thread(lambda: cache.get_or_create("v", int)).outcome()]
        self.assertEqual(cache.get_or_create("v", inside), ["old"])

    def test_compare_and_replace(self):
        self.assertTrue(self.cache.add("v", 1))
        self.assertFalse(self.cache.add("v", 2))
        entry = self.cache.entry("v")
        self.assertEqual(entry.value, 1)
        self.assertTrue(self.cache.replace("v", 2, entry.generation))
        self.assertFalse(self.cache.replace("v", 3, entry.generation))
        self.assertEqual(self.cache.get("v"), 2)
        self.assertIsNone(self.cache.entry("none"))


class Failures(Case):
    def fails(self):
        raise ValueError("no such price")

    def test_reach_followers_with_their_message(self):
        self.assertRaises(
            ValueError, self.cache.get_or_create, "k", self.fails, neg_ttl=60
        )
        with self.assertRaises(sfshm.WorkFailed) as raised:
            self.cache.get_or_create("k", int)
        self.assertEqual(raised.exception.message, "ValueError: no such price")
        self.assertLess(raised.exception.code, 0)
        self.assertIsNone(self.cache.get("k"))
        copy = pickle.loads(pickle.dumps(raised.exception))
        self.assertEqual(copy.message, raised.exception.message)

    def test_without_neg_ttl_the_next_caller_tries(self):
        self.assertRaises(ValueError, self.cache.get_or_create, "k", self.fails)
        self.assertEqual(self.cache.get_or_create("k", lambda: 5), 5)

    def test_not_found(self):
        def absent():
            raise sfshm.NotFound("no user 7")

        for _ in range(2):
            with self.assertRaises(sfshm.NotFound) as raised:
                self.cache.get_or_create("user", absent, neg_ttl=60)
            self.assertEqual(raised.exception.message, "no user 7")
        # A missing file does not mean that the thing of the key is missing.
        with self.assertRaises(FileNotFoundError):
            self.cache.get_or_create("f", lambda: open("/nowhere"), neg_ttl=60)
        with self.assertRaises(sfshm.WorkFailed) as raised:
            self.cache.get_or_create("f", int)
        self.assertNotIsInstance(raised.exception, sfshm.NotFound)

    def test_stale_if_error(self):
        cache = self.open(ttl=60, stale_if_error=60)
        cache.set("v", "old")
        cache.invalidate("v")
        with self.assertLogs("sfshm"):
            self.assertEqual(cache.get_or_create("v", self.fails), "old")

    def test_exit_in_the_work_concerns_this_caller_alone(self):
        for stop in (SystemExit, KeyboardInterrupt, GeneratorExit):
            def work(stop=stop):
                raise stop()

            self.assertRaises(stop, self.cache.get_or_create, "k", work, neg_ttl=60)
        self.assertEqual(self.cache.get_or_create("k", lambda: 5), 5)

    def test_the_work_asks_for_its_own_key(self):
        inner = lambda: self.cache.get_or_create("k", int)
        self.assertRaises(sfshm.Deadlock, self.cache.get_or_create, "k", inner)

    def test_what_cannot_be_stored_fails(self):
        self.assertRaises(
            Exception, self.cache.get_or_create, "k", lambda: lambda: 1
        )
        self.assertEqual(self.cache.get_or_create("k", lambda: 5), 5)

    def test_long_messages_are_cut(self):
        def work():
            raise ValueError("ü" * 500)

        self.assertRaises(ValueError, self.cache.get_or_create, "k", work, neg_ttl=60)
        with self.assertRaises(sfshm.WorkFailed) as raised:
            self.cache.get_or_create("k", int)
        self.assertTrue(raised.exception.message.endswith("ü..."))


class Opening(unittest.TestCase):
    def test_errors_say_why(self):
        with self.assertRaises(sfshm.Unusable) as raised:
            sfshm.Cache("test-none", create=False)
        self.assertIn('the segment "test-none"', raised.exception.message)
        with self.assertRaises(sfshm.Error):
            sfshm.Cache("no/such/folder")
        with self.assertRaises(TypeError):
            sfshm.Cache("x", tt=5)

    def test_later_caches_ask_for_the_same_or_for_nothing(self):
        name = f"test-{os.getpid()}-later"
        self.addCleanup(sfshm.unlink, name)
        sfshm.Cache(name, size=8 << 20).set("k", 1)
        self.assertEqual(sfshm.Cache(name, size=8 << 20).get("k"), 1)
        self.assertEqual(sfshm.Cache(name, ttl=5).get("k"), 1)
        self.assertEqual(sfshm.Cache(name, create=False).get("k"), 1)
        with self.assertRaisesRegex(sfshm.Unusable, "with other options"):
            sfshm.Cache(name, size=9 << 20)

    def test_a_time_is_a_number(self):
        with self.assertRaisesRegex(TypeError, "seconds or None, not str"):
            sfshm.Cache("x", ttl="5 minutes")

    def test_a_cache_without_init_raises(self):
        cache = sfshm.Cache.__new__(sfshm.Cache)
        self.assertRaises(sfshm.Error, cache.get, "k")
        self.assertRaises(TypeError, sfshm.Hold)


class Memoize(Case):
    def test_by_its_arguments(self):
        runs = []

        @self.cache.memoize()
        def square(x, power=2):
            """doc"""
            runs.append(x)
            return x**power

        self.assertEqual([square(3), square(3), square(3, power=3)], [9, 9, 27])
        self.assertEqual(runs, [3, 3])
        self.assertEqual(square.__doc__, "doc")
        self.assertRaises(TypeError, square, [1])
        self.assertTrue(square.invalidate(3))
        self.assertEqual(square(3), 9)
        self.assertEqual(square.refresh(3), 9)
        self.assertEqual(runs, [3, 3, 3, 3])

    def test_by_a_format(self):
        @self.cache.memoize("user:{id}:{0}", ttl=5)
        def user(id, full=True):
            return id

        user(7)
        self.assertEqual(user.key(id=7), "user:7:7")
        self.assertIn("user:7:7", self.cache)

    def test_by_a_function(self):
        @self.cache.memoize(key=lambda person: person["id"])
        def name(person):
            return person["name"]

        self.assertEqual(name({"id": "a", "name": "A"}), "A")
        self.assertIn("a", self.cache)


if __name__ == "__main__":
    unittest.main()
