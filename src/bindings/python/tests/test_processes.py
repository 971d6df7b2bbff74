# SPDX-License-Identifier: MIT
import ctypes
import gc
import os
import signal
import sys
import threading
import time
import unittest

from common import Case, Child, Thread, eventually

import sfshm


class Herd(Case):
    def test_threads_and_processes_share_one_run(self):
        note, began = os.pipe()

        def work():
            os.write(began, b"x")
            eventually(lambda: self.followers() >= 12)
            return {"pid": os.getpid()}

        def crowd(ready):
            threads = [
                Thread(lambda: self.cache.get_or_create("k", work)) for _ in range(4)
            ]
            pids = {thread.outcome()["pid"] for thread in threads}
            return 0 if len(pids) == 1 else 1

        children = [Child(crowd) for _ in range(4)]
        self.assertEqual([child.status() for child in children], [0] * 4)
        self.assertEqual(os.read(note, 99), b"x")
        os.close(note)
        os.close(began)

    def test_a_killed_leader_is_replaced(self):
        def lead(ready):
            self.cache.get_or_create("k", lambda: ready() and time.sleep(600))

        child = Child(lead)
        child.wait_ready()
        before = self.followers()
        follower = Thread(lambda: self.cache.get_or_create("k", lambda: "mine"))
        eventually(lambda: self.followers() > before)
        os.kill(child.pid, signal.SIGKILL)
        self.assertEqual(follower.outcome(), "mine")
        self.assertEqual(child.status(), -signal.SIGKILL)

    def test_exit_in_the_work_of_a_child(self):
        for leave in (lambda: os._exit(3), lambda: os.abort()):
            child = Child(lambda ready: self.cache.get_or_create("k", leave))
            self.assertNotEqual(child.status(), 0)
            self.assertEqual(self.cache.get_or_create("k", lambda: 5), 5)
            self.cache.delete("k")


class Forks(Case):
    def test_a_child_uses_the_cache(self):
        self.cache.set("v", 1)

        def use(ready):
            assert self.cache.get("v") == 1
            assert self.cache.get_or_create("w", lambda: 2) == 2
            assert sfshm.Cache(self.name).get("w") == 2

        self.assertEqual(Child(use).status(), 0)
        self.assertEqual(self.cache.get("w"), 2)

    def test_a_fork_inside_the_work(self):
        def work():
            pid = os.fork()
            if pid == 0:
                return "the child's"
            os.waitpid(pid, 0)
            return "the parent's"

        mine = os.getpid()
        value = self.cache.get_or_create("k", work)
        if os.getpid() != mine:
            os._exit(0)
        self.assertEqual(value, "the parent's")
        self.assertEqual(self.cache.get("k"), "the parent's")

    def test_a_fork_inside_a_lock(self):
        with self.cache.lock("l") as lock:
            def leave(ready):
                lock.release()

            self.assertEqual(Child(leave).status(), 0)
            self.assertTrue(lock.locked())
            other = Thread(lambda: self.cache.lock("l").acquire(False))
            self.assertFalse(other.outcome())


class Waits(Case):
    """A thread leads the key "k" until the test ends."""

    def setUp(self):
        super().setUp()
        self.end = threading.Event()
        led = threading.Event()

        def work():
            led.set()
            self.end.wait(60)
            return 1

        def hold():
            with self.cache.lock("k"), self.cache.semaphore("k", 1):
                return self.cache.get_or_create("k", work)

        self.leader = Thread(hold)
        self.assertTrue(led.wait(60))

    def tearDown(self):
        self.end.set()
        self.leader.outcome()
        super().tearDown()

    def waits(self):
        """Ways to wait for that thread."""
        return (
            lambda **t: self.cache.get_or_create("k", int, **t),
            lambda **t: self.cache.lock("k", **t).__enter__(),
            lambda **t: self.cache.semaphore("k", 1, **t).__enter__(),
        )

    def test_are_bounded(self):
        for wait in self.waits():
            with self.assertRaises(sfshm.Timeout):
                wait(timeout=0.01)
        with self.assertRaises(TimeoutError):
            Thread(lambda: self.waits()[0](timeout=0.01)).outcome()
        with self.assertRaises(sfshm.Busy):
            self.waits()[0](timeout=0)
        for hold in (self.cache.lock("k"), self.cache.semaphore("k", 1)):
            self.assertFalse(hold.acquire(False))
            self.assertFalse(hold.acquire(timeout=0.01))
            self.assertFalse(hold.acquire(timeout=0))

    def interrupt(self, send, handler, error):
        before = signal.signal(signal.SIGUSR1, handler)
        try:
            for wait in self.waits():
                done = threading.Event()

                def again():
                    # Repeats the signal, in case it came before the wait.
                    while not done.wait(0.05):
                        send()

                sender = Thread(again)
                try:
                    with self.assertRaises(error):
                        wait(timeout=None)
                finally:
                    while True:
                        try:
                            done.set()
                            sender.join()
                            break
                        except error:
                            pass
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_end_with_ctrl_c(self):
        main = threading.main_thread().ident
        self.interrupt(
            lambda: signal.pthread_kill(main, signal.SIGINT),
            signal.SIG_IGN,
            KeyboardInterrupt,
        )

    def test_end_with_a_handler_that_raises(self):
        class Stop(Exception):
            pass

        def stop(number, frame):
            raise Stop

        main = threading.main_thread().ident
        self.interrupt(
            lambda: signal.pthread_kill(main, signal.SIGUSR1), stop, Stop
        )

    def test_are_ended_by_the_signal_itself(self):
        # The signal ends the wait before the wait's next look for signals.
        main = threading.main_thread().ident
        rechecks = lambda: self.cache.counters()["rechecks"]
        noted = []

        def stop(number, frame):
            raise InterruptedError

        def send(before):
            eventually(lambda: self.followers() > before)
            time.sleep(0.01)
            noted.append(rechecks())
            signal.pthread_kill(main, signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, stop)
        try:
            # A signal that comes between two sleeps does not count.
            for _ in range(5):
                sender = Thread(lambda count=self.followers(): send(count))
                with self.assertRaises(InterruptedError):
                    self.waits()[0](timeout=None)
                sender.outcome()
                if rechecks() - noted.pop() <= 2:
                    return
            self.fail("each wait has slept on")
        finally:
            signal.signal(signal.SIGUSR1, before)

    def test_go_on_after_a_handler_that_returns(self):
        came = []

        def handler(number, frame):
            came.append(self.cache.get("other"))  # it may use the cache
            self.end.set()

        before = signal.signal(signal.SIGALRM, handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            self.assertEqual(self.cache.get_or_create("k", int), 1)
        finally:
            signal.signal(signal.SIGALRM, before)
        self.assertEqual(came, [None])

    def test_leave_the_interpreter_to_others(self):
        waiter = Thread(lambda: self.cache.get_or_create("k", int))
        # If the waiter kept the interpreter, this thread would not go on.
        eventually(lambda: self.followers() >= 1)
        self.end.set()
        self.assertEqual(waiter.outcome(), 1)


class Holds(Case):
    def test_a_dead_holder_is_noted(self):
        def die(ready):
            lock = self.cache.lock("l")
            lock.acquire()
            os.kill(os.getpid(), signal.SIGKILL)

        self.assertEqual(Child(die).status(), -signal.SIGKILL)
        with self.cache.lock("l") as lock:
            self.assertTrue(lock.owner_died)
            self.assertGreater(lock.generation, 0)
        with self.cache.lock("l") as lock:
            self.assertFalse(lock.owner_died)

    def test_one_object_for_many_threads(self):
        lock, inside, seen = self.cache.lock("l"), [], []

        def enter():
            for _ in range(50):
                with lock:
                    inside.append(1)
                    seen.append(len(inside))
                    time.sleep(0)
                    inside.pop()

        for thread in [Thread(enter) for _ in range(4)]:
            thread.outcome()
        self.assertEqual(set(seen), {1})
        self.assertEqual(len(seen), 200)

    def test_of_another_thread_are_not_released(self):
        lock = self.cache.lock("l")
        with lock:
            with self.assertRaises(sfshm.Error):
                Thread(lock.release).outcome()
            with self.assertRaises(sfshm.Deadlock):
                lock.acquire()
        self.assertRaises(sfshm.Error, lock.release)

    def test_shared_locks_and_permits(self):
        shared = lambda: self.cache.lock("l", shared=True)
        with shared():
            self.assertTrue(Thread(lambda: shared().acquire(False)).outcome())
            alone = Thread(lambda: self.cache.lock("l").acquire(False))
            self.assertFalse(alone.outcome())
        with self.cache.semaphore("s", 2):
            with self.cache.semaphore("s", 2):
                third = Thread(lambda: self.cache.semaphore("s").acquire(False))
                self.assertFalse(third.outcome())

    def test_ranks(self):
        with self.cache.lock("high", rank=2):
            with self.assertRaises(sfshm.Invalid):
                self.cache.lock("low", rank=1).acquire()

    def test_a_dropped_lock_is_free(self):
        self.cache.lock("l").acquire()
        self.assertTrue(Thread(lambda: self.cache.lock("l").acquire(False)).outcome())


class Memory(Case):
    """Counts the bytes of malloc and the blocks of the interpreter in use."""

    def grown(self, turn, first, turns):
        class Info(ctypes.Structure):
            _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

        libc = ctypes.CDLL(None)
        libc.mallinfo2.restype = Info

        def used():
            gc.collect()
            return libc.mallinfo2().h, sys.getallocatedblocks()

        for number in range(first):
            turn(number)
        before = used()
        for number in range(turns):
            turn(number)
        after = used()
        return after[0] - before[0], after[1] - before[1]

    def test_does_not_grow_by_calls(self):
        def fail():
            raise ValueError("x")

        def turn(number):
            key, value = f"k{number % 50}", b"%d " % number * 100
            self.cache.get_or_create(key, lambda: {"n": number}, tags=("t",))
            self.cache.get(key)
            self.cache.get("none", None)
            self.cache.set(key, value, ttl=5)
            self.cache.add(key, value)
            self.cache.peek(key)
            self.cache.delete(key)
            self.cache.entry(key)
            try:
                self.cache.get_or_create("bad", fail, neg_ttl=number % 2)
            except (ValueError, sfshm.WorkFailed):
                pass
            with self.cache.lock("l"), self.cache.semaphore("s", 2):
                pass
            self.cache.keys("k4")

        # 100,000 calls: one lost object in a hundred would show.
        grown = self.grown(turn, 2000, 10000)
        self.assertLess(grown[0], 16384)
        self.assertLess(grown[1], 100)

    def test_does_not_grow_by_waits(self):
        def turn(number):
            begun = threading.Event()
            before = self.followers()

            def work():
                begun.set()
                eventually(lambda: self.followers() > before)
                return b"x" * 20000

            leader = Thread(lambda: self.cache.get_or_create("k", work))
            begun.wait(60)
            self.cache.get_or_create("k", int)
            leader.outcome()
            self.cache.delete("k")

        self.assertLess(self.grown(turn, 20, 60)[0], 200000)


if __name__ == "__main__":
    unittest.main()
