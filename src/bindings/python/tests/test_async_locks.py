# SPDX-License-Identifier: MIT
import asyncio
import gc
import os
import signal
import threading
import time
import unittest

from common import Case, Child, Thread, later, library_threads

import sfshm


class Stop(Exception):
    pass


class AsyncHolds(Case):
    def two(self):
        """Ways to make an object of a lock, and of a semaphore with one permit."""
        return (
            lambda **t: self.cache.alock("k", **t),
            lambda **t: self.cache.asemaphore("k", 1, **t),
        )

    def is_free(self):
        """Whether a thread gets the lock and the permit without a wait."""

        def take():
            holds = self.cache.lock("k"), self.cache.semaphore("k", 1)
            got = [hold.acquire(False) for hold in holds]
            for hold, held in zip(holds, got):
                if held:
                    hold.release()
            return got

        return Thread(take).outcome()

    async def waiting(self, hold):
        """A task that waits for what the caller holds, and then releases it."""
        before = self.followers()

        async def enter():
            async with hold:
                return "entered"

        task = asyncio.ensure_future(enter())
        await later(lambda: self.followers() > before or task.done())
        self.assertFalse(task.done())
        return task

    def test_one_task_is_inside_at_a_time(self):
        for make in self.two():
            inside, seen = [], []

            async def enter(hold):
                for _ in range(20):
                    async with hold:
                        inside.append(1)
                        seen.append(len(inside))
                        await asyncio.sleep(0)
                        inside.pop()

            async def main():
                shared = make()
                await asyncio.gather(
                    *(enter(shared) for _ in range(5)), *(enter(make()) for _ in range(5))
                )
                self.assertFalse(shared.locked())

            asyncio.run(main())
            self.assertEqual(set(seen), {1})
            self.assertEqual(len(seen), 200)
        self.assertEqual(self.is_free(), [True, True])

    def test_a_bystander_goes_on_during_a_wait(self):
        for make in self.two():
            held, end = threading.Event(), threading.Event()

            def hold():
                with self.cache.lock("k"), self.cache.semaphore("k", 1):
                    held.set()
                    end.wait(60)

            async def main():
                wait = await self.waiting(make())
                beats = 0
                for _ in range(100):
                    await asyncio.sleep(0)
                    beats += 1
                self.assertFalse(wait.done())
                end.set()
                self.assertEqual(await wait, "entered")
                return beats

            holder = Thread(hold)
            held.wait(60)
            self.assertEqual(asyncio.run(main()), 100)
            holder.outcome()

    def test_a_thousand_waits_take_one_thread(self):
        before = self.followers()
        done = []

        async def enter(make):
            async with make():
                done.append(1)

        async def main(make):
            tasks = []
            async with make():
                tasks += [asyncio.ensure_future(enter(make)) for _ in range(1000)]
                await later(lambda: self.followers() >= before + 1000)
                threads = library_threads()
            await asyncio.gather(*tasks)
            return threads

        threads = asyncio.run(main(self.two()[0]))
        self.assertEqual(len(done), 1000)
        self.assertEqual(len(threads), 2, threads)

    def test_a_killed_holder_is_told(self):
        def hold(ready):
            with self.cache.lock("k"), self.cache.semaphore("k", 1):
                ready()
                time.sleep(60)

        async def main(pid):
            lock, permit = (make() for make in self.two())
            lock_wait = await self.waiting(lock)
            permit_wait = await self.waiting(permit)
            os.kill(pid, signal.SIGKILL)
            self.assertEqual(await lock_wait, "entered")
            self.assertEqual(await permit_wait, "entered")
            self.assertTrue(lock.owner_died)
            async with lock:
                self.assertFalse(lock.owner_died)
                self.assertGreater(lock.generation, 0)
            self.assertEqual(lock.generation, 0)

        child = Child(hold)
        child.wait_ready()
        asyncio.run(main(child.pid))
        self.assertEqual(child.status(), -signal.SIGKILL)

    def test_a_killed_holder_is_told_without_a_wait(self):
        def hold(ready):
            async def die():
                lock = self.cache.alock("k")
                await lock.acquire()
                os.kill(os.getpid(), signal.SIGKILL)

            asyncio.run(die())

        async def main():
            async with self.cache.alock("k") as lock:
                return lock.owner_died

        self.assertEqual(Child(hold).status(), -signal.SIGKILL)
        self.assertTrue(asyncio.run(main()))

    def test_a_cancelled_wait_takes_nothing(self):
        for make in self.two():

            async def main():
                async with make():
                    wait = await self.waiting(make())
                    wait.cancel()
                    with self.assertRaises(asyncio.CancelledError):
                        await wait
                self.assertEqual(self.is_free(), [True, True])

            asyncio.run(main())

    def test_a_task_cancelled_before_it_runs_again_takes_nothing(self):
        for make in self.two():

            async def main():
                hold = make()
                await hold.acquire()
                waits = [await self.waiting(make()) for _ in range(2)]
                cancelled = []

                # Cancels the task in the loop's turn in which it is to go on:
                # after the queue has named its wait, and before it runs.
                mine = sfshm._async._loops[asyncio.get_running_loop()]
                ready = mine.queue.ready

                class Queue:
                    def ready(self):
                        futures = ready()
                        for future in futures:
                            future.done() or future.set_result(None)
                        if futures and not cancelled:
                            cancelled.append(waits[0].cancel())
                        return futures

                mine.queue, queue = Queue(), mine.queue
                hold.release()
                await later(lambda: cancelled)
                mine.queue = queue
                with self.assertRaises(asyncio.CancelledError):
                    await waits[0]
                self.assertEqual(await waits[1], "entered")
                self.assertEqual(self.is_free(), [True, True])

            asyncio.run(main())

    def test_a_holder_that_is_cancelled_or_raises_releases(self):
        for make in self.two():

            async def hang(hold, begun):
                async with hold:
                    begun.set()
                    await asyncio.sleep(3600)

            async def main():
                hold, begun = make(), asyncio.Event()
                task = asyncio.ensure_future(hang(hold, begun))
                await begun.wait()
                wait = await self.waiting(make())
                task.cancel()
                self.assertEqual(await asyncio.wait_for(wait, 60), "entered")
                with self.assertRaises(asyncio.CancelledError):
                    await task
                with self.assertRaises(Stop):
                    async with hold:
                        raise Stop
                self.assertEqual(self.is_free(), [True, True])

            asyncio.run(main())

    def test_time_outs(self):
        for make in self.two():

            async def main():
                hold = make()
                async with make():
                    other = asyncio.ensure_future(self.bounded(make, hold))
                    await other
                self.assertTrue(await hold.acquire(timeout=1))
                hold.release()
                self.assertTrue(await asyncio.wait_for(hold.acquire(), 60))
                self.assertEqual(self.is_free().count(False), 1)
                hold.release()
                self.assertEqual(self.is_free(), [True, True])

            asyncio.run(main())

    async def bounded(self, make, hold):
        with self.assertRaises(sfshm.Timeout):
            async with make(timeout=0.01):
                pass
        self.assertFalse(await hold.acquire(timeout=0.01))
        self.assertFalse(await hold.acquire(False))
        self.assertFalse(await hold.acquire(timeout=0))
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(hold.acquire(), 0.01)
        with self.assertRaises(ValueError):
            await hold.acquire(timeout=-2)
        self.assertFalse(hold.locked())
        with self.assertRaises(sfshm.Error):
            hold.release()

    def test_a_task_does_not_wait_for_itself(self):
        for make in self.two():

            async def main():
                async with make():
                    with self.assertRaises(sfshm.Deadlock):
                        await make().acquire(timeout=60)

            asyncio.run(main())

    def test_a_circle_of_tasks_is_found(self):
        async def first(begun):
            async with self.cache.alock("a"):
                begun.set()
                before = self.followers()
                return await self.cache.aget_or_create("b", lambda: 1), before

        async def second():
            begun = asyncio.Event()

            async def work():
                task = asyncio.ensure_future(first(begun))
                await begun.wait()
                await later(lambda: self.followers() > 0)
                try:
                    await self.cache.alock("a").acquire(timeout=60)
                except sfshm.Deadlock:
                    tasks.append(task)
                    return 2

            tasks = []
            made = await self.cache.aget_or_create("b", work)
            return made, (await tasks[0])[0]

        self.assertEqual(asyncio.run(second()), (2, 2))

    def test_another_task_or_thread_may_release(self):
        async def main():
            hold = self.cache.alock("k")
            await hold.acquire()
            wait = await self.waiting(self.cache.alock("k"))

            async def release():
                await asyncio.to_thread(hold.release)

            await asyncio.ensure_future(release())
            self.assertEqual(await wait, "entered")

        asyncio.run(main())

    def test_a_task_releases_its_own_first(self):
        async def main():
            hold = self.cache.asemaphore("k", 2)
            await hold.acquire()
            await asyncio.ensure_future(hold.acquire())
            hold.release()
            self.assertTrue(await hold.acquire())
            # The other task holds a permit: that is no circle.
            self.assertFalse(await hold.acquire(timeout=0.01))
            hold.release()
            hold.release()
            with self.assertRaises(sfshm.Error):
                hold.release()

        asyncio.run(main())

    def test_a_dropped_object_releases(self):
        async def main():
            hold = self.cache.alock("k")
            await hold.acquire()
            self.assertEqual(self.is_free(), [False, True])

        asyncio.run(main())
        gc.collect()
        self.assertEqual(self.is_free(), [True, True])

    def test_loops_of_several_threads(self):
        inside, seen = [], []
        hold = self.cache.alock("k")

        async def enter():
            for _ in range(20):
                async with hold:
                    inside.append(1)
                    seen.append(len(inside))
                    await asyncio.sleep(0)
                    inside.pop()

        threads = [Thread(lambda: asyncio.run(enter())) for _ in range(4)]
        for thread in threads:
            thread.outcome()
        self.assertEqual(seen, [1] * 80)

    def test_a_release_that_fails_may_be_tried_again(self):
        name = self.name + "small"
        cache = sfshm.Cache(name, participants=8)
        self.addCleanup(sfshm.unlink, name)
        full, end = threading.Semaphore(0), threading.Event()
        self.addCleanup(end.set)

        def attach(i):
            try:
                cache.lock(f"{i}").acquire(False)
            except sfshm.Full:
                full.release()
            end.wait(60)

        async def main():
            hold = cache.alock("k")
            await hold.acquire()
            threads = []
            while not full.acquire(False):
                threads.append(Thread(lambda: attach(len(threads))))
                await asyncio.sleep(0.01)
            with self.assertRaises(sfshm.Full):
                await asyncio.to_thread(hold.release)
            self.assertTrue(hold.locked())
            end.set()
            for thread in threads:
                thread.outcome()
            await asyncio.to_thread(hold.release)
            self.assertFalse(hold.locked())
            self.assertTrue(await cache.alock("k").acquire(False))

        asyncio.run(main())

    def test_a_child_holds_nothing_and_waits_for_its_parent(self):
        async def main():
            hold = self.cache.alock("k")
            await hold.acquire()

            def use(ready):
                hold.release()  # the child's copy
                assert self.is_free() == [False, True]

                async def wait():
                    task = await self.waiting(hold)
                    ready()
                    return await task

                # The parent's loop runs in this thread.
                asyncio._set_running_loop(None)
                assert asyncio.run(wait()) == "entered"

            child = Child(use)
            child.wait_ready()
            self.assertTrue(hold.locked())
            hold.release()
            self.assertEqual(child.status(), 0)

        asyncio.run(main())

    def test_without_the_librarys_thread_waits_take_threads(self):
        def use(ready):
            os.environ["SFSHM_NO_THREADS"] = "1"

            async def main():
                for make in self.two():
                    async with make():
                        wait = await self.waiting(make())
                        cancelled = await self.waiting(make())
                        cancelled.cancel()
                        try:
                            await cancelled
                        except asyncio.CancelledError:
                            pass
                    assert await wait == "entered"
                    await later(lambda: self.is_free() == [True, True])

            asyncio.run(main())

        self.assertEqual(Child(use).status(), 0)

    def test_100_cancelled_waits_leave_nothing(self):
        async def main(make):
            async with make():
                for _ in range(100):
                    (await self.waiting(make())).cancel()
                # The library's thread ends a second after the last wait.
                await later(lambda: len(library_threads()) == 1)
            self.assertEqual(self.is_free(), [True, True])

        gc.collect()
        for make in self.two():
            asyncio.run(main(make))
        gc.collect()
        left = [thing for thing in gc.get_objects() if type(thing) is sfshm._core.Take]
        self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main()
