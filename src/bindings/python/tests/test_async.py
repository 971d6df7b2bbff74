# SPDX-License-Identifier: MIT
import asyncio
import json
import os
import signal
import threading
import time
import unittest

from common import Case, Child, Thread, eventually, later, library_threads

import sfshm


class Async(Case):
    def setUp(self):
        super().setUp()
        self.runs = 0

    def run_all(self, *coroutines):
        async def main():
            return await asyncio.gather(*coroutines, return_exceptions=True)

        return asyncio.run(main())

    def test_a_coroutine_makes_the_value(self):
        async def make():
            self.runs += 1
            await asyncio.sleep(0)
            return {"n": self.runs}

        async def main():
            first = await self.cache.aget_or_create("k", make)
            return first, await self.cache.aget_or_create("k", make)

        self.assertEqual(asyncio.run(main()), ({"n": 1}, {"n": 1}))
        self.assertEqual(asyncio.run(self.cache.aget_or_create("p", lambda: 7)), 7)

    def test_a_thousand_tasks_share_one_run_and_two_threads(self):
        before = self.followers()

        async def make():
            self.runs += 1
            await later(lambda: self.followers() >= before + 999)
            self.threads = library_threads()
            return "once"

        got = self.run_all(*(self.cache.aget_or_create("k", make) for _ in range(1000)))
        self.assertEqual(set(got), {"once"})
        self.assertEqual(self.runs, 1)
        self.assertEqual(len(self.threads), 2, self.threads)

    def test_a_thread_makes_what_a_loop_waits_for(self):
        led, end = threading.Event(), threading.Event()
        leader = Thread(
            lambda: self.cache.get_or_create("k", lambda: led.set() or end.wait(60) or 5)
        )
        led.wait(60)
        before = self.followers()
        beats = 0

        async def main():
            nonlocal beats
            wait = asyncio.ensure_future(self.cache.aget_or_create("k", lambda: 0))
            await later(lambda: self.followers() > before)
            # The loop goes on meanwhile.
            for _ in range(100):
                await asyncio.sleep(0)
                beats += 1
            self.assertFalse(wait.done())
            end.set()
            return await wait

        self.assertEqual(asyncio.run(main()), leader.outcome())
        self.assertEqual(beats, 100)

    def test_a_killed_leader_is_replaced(self):
        child = Child(
            lambda ready: self.cache.get_or_create(
                "k", lambda: ready() and time.sleep(600)
            )
        )
        child.wait_ready()
        before = self.followers()

        async def main():
            wait = asyncio.ensure_future(self.cache.aget_or_create("k", lambda: "mine"))
            await later(lambda: self.followers() > before)
            os.kill(child.pid, signal.SIGKILL)
            return await wait

        self.assertEqual(asyncio.run(main()), "mine")
        self.assertEqual(child.status(), -signal.SIGKILL)

    def test_a_cancelled_leader_is_replaced(self):
        before = self.followers()

        async def hang():
            self.runs += 1
            await asyncio.sleep(3600)

        async def main():
            leader = asyncio.ensure_future(self.cache.aget_or_create("k", hang))
            await later(lambda: self.runs == 1)
            wait = asyncio.ensure_future(self.cache.aget_or_create("k", lambda: "next"))
            await later(lambda: self.followers() > before)
            leader.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await leader
            return await wait

        self.assertEqual(asyncio.run(main()), "next")

    def test_a_cancelled_wait_leaves_the_flight_alone(self):
        before = self.followers()

        async def main():
            end = asyncio.Event()

            async def make():
                await end.wait()
                return 3

            leader = asyncio.ensure_future(self.cache.aget_or_create("k", make))
            await asyncio.sleep(0)
            wait = asyncio.ensure_future(self.cache.aget_or_create("k", make))
            await later(lambda: self.followers() > before)
            wait.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await wait
            end.set()
            return await leader

        self.assertEqual(asyncio.run(main()), 3)

    def test_failures_reach_the_followers(self):
        before = self.followers()

        async def make():
            await later(lambda: self.followers() >= before + 2)
            raise ValueError("no such price")

        first, *others = self.run_all(
            *(self.cache.aget_or_create("k", make) for _ in range(3))
        )
        self.assertIsInstance(first, ValueError)
        for other in others:
            self.assertIsInstance(other, sfshm.WorkFailed)
            self.assertIn("no such price", str(other))

    def test_an_old_value_serves_after_a_failure(self):
        self.cache.set("k", "old", ttl=0.001, stale_if_error=60)
        eventually(lambda: self.cache.get("k") is None)

        async def fail():
            raise OSError("away")

        with self.assertLogs("sfshm"):
            got = asyncio.run(self.cache.aget_or_create("k", fail, stale_if_error=60))
        self.assertEqual(got, "old")

    def test_time_outs_and_busy(self):
        async def main():
            end = asyncio.Event()
            leader = asyncio.ensure_future(self.cache.aget_or_create("k", end.wait))
            await asyncio.sleep(0)
            with self.assertRaises(sfshm.Timeout):
                await self.cache.aget_or_create("k", int, timeout=0.01)
            with self.assertRaises(sfshm.Busy):
                await self.cache.aget_or_create("k", int, timeout=0)
            end.set()
            return await leader

        self.assertIs(asyncio.run(main()), True)

    def test_the_work_may_not_ask_for_its_own_key(self):
        async def make():
            return await self.cache.aget_or_create("k", make)

        with self.assertRaises(sfshm.Deadlock):
            asyncio.run(self.cache.aget_or_create("k", make))
        self.assertEqual(self.cache.get_or_create("k", lambda: 1), 1)

    def test_a_claim_waits_in_a_thread(self):
        async def main():
            end = asyncio.Event()
            leader = asyncio.ensure_future(
                self.cache.aget_or_create("a", end.wait, claim="c")
            )
            await asyncio.sleep(0)
            before = self.followers()
            wait = asyncio.ensure_future(
                self.cache.aget_or_create("b", lambda: 2, claim="c")
            )
            cancelled = asyncio.ensure_future(
                self.cache.aget_or_create("c", lambda: 2, claim="c")
            )
            await later(lambda: self.followers() >= before + 2)
            cancelled.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await cancelled
            end.set()
            await leader
            return await wait

        self.assertEqual(asyncio.run(main()), 2)

    def test_memoize_makes_coroutine_functions(self):
        @self.cache.memoize("user:{id}")
        async def user(id):
            self.runs += 1
            return {"id": id, "run": self.runs}

        async def main():
            first = await user(7)
            user.invalidate(7)
            return first, await user(id=7), await user.refresh(7)

        self.assertTrue(asyncio.iscoroutinefunction(user))
        self.assertEqual(user.key(7), "user:7")
        self.assertEqual([value["run"] for value in asyncio.run(main())], [1, 2, 3])

    def test_each_loop_and_thread_has_its_own_queue(self):
        before = self.followers()

        async def make():
            self.runs += 1
            await later(lambda: self.followers() >= before + 3)
            return "shared"

        threads = [
            Thread(lambda: asyncio.run(self.cache.aget_or_create("k", make)))
            for _ in range(4)
        ]
        self.assertEqual({thread.outcome() for thread in threads}, {"shared"})
        self.assertEqual(self.runs, 1)

    def test_a_child_makes_its_own_queue(self):
        async def two():
            return await asyncio.gather(
                *(self.cache.aget_or_create("k", lambda: asyncio.sleep(0, 4)) for _ in "ab")
            )

        self.assertEqual(asyncio.run(two()), [4, 4])
        self.cache.delete("k")

        def use(ready):
            assert asyncio.run(two()) == [4, 4]

        self.assertEqual(Child(use).status(), 0)

    def test_a_value_that_cannot_be_loaded_is_made_anew(self):
        self.cache.set("k", {"a": 1})
        other = self.open(serializer=json)
        self.assertEqual(asyncio.run(other.aget_or_create("k", lambda: 9)), 9)

    def test_refused_values_free_the_key(self):
        plain = self.open(serializer=None)

        async def make():
            return object()

        with self.assertRaises(TypeError):
            asyncio.run(plain.aget_or_create("k", make))
        self.assertEqual(plain.get_or_create("k", lambda: "x"), "x")

    def test_100_loops_leave_no_descriptor(self):
        def descriptors():
            return len(os.listdir("/proc/self/fd"))

        async def two():
            await asyncio.gather(
                *(
                    self.cache.aget_or_create("k", lambda: asyncio.sleep(0, 4), ttl=0)
                    for _ in "ab"
                )
            )

        asyncio.run(two())
        before = descriptors()
        for _ in range(100):
            asyncio.run(two())
        self.assertLessEqual(descriptors(), before + 4)


if __name__ == "__main__":
    unittest.main()
